#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Security groups, their rules and address groups in the API: what comes by itself, what fits together, what is
refused and how, what each project sees.

    this test ── HTTP, tokens ──> weft-controller
"""
import atexit
import os
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import Controller, check, finish, refused  # noqa: E402

with tempfile.NamedTemporaryFile("w", delete=False) as f:
    f.write("adm\nta A member\ntb B member\n")
c = Controller("--auth", f"token:{f.name}")
atexit.register(os.unlink, f.name)


def make(noun, token="ta", **attrs):
    path = {"security_group": "security-groups", "security_group_rule": "security-group-rules",
            "address_group": "address-groups"}.get(noun, noun + "s")
    s, body = c("POST", "/v2.0/" + path, {noun: attrs}, token=token)
    assert s == 201, (s, body)
    return body[noun]


def get(path, token="ta"):
    s, body = c("GET", "/v2.0/" + path, token=token)
    assert s == 200, (s, body)
    return next(iter(body.values()))


# ---- what comes by itself ----
groups = get("security-groups")
check([g["name"] for g in groups] == ["default"], "who lists groups finds the default one", groups)
default = groups[0]
rules = sorted((r["direction"], r["ethertype"], r["remote_group_id"]) for r in default["security_group_rules"])
check(rules == [("egress", "IPv4", None), ("egress", "IPv6", None), ("ingress", "IPv4", default["id"]),
                ("ingress", "IPv6", default["id"])], "... with its four rules", rules)
check(len(get("security-groups")) == 1, "... which is made once")
net = make("network", name="n")
make("subnet", network_id=net["id"], ip_version=4, cidr="10.0.0.0/24")
port = make("port", network_id=net["id"])
check(port["security_groups"] == [default["id"]], "a port has the default group", port)
check(make("port", network_id=net["id"], security_groups=[])["security_groups"] == [], "... or none, if that is said")
check(make("port", "adm", network_id=net["id"], device_owner="network:dhcp", tenant_id="A")["security_groups"] == [],
      "... or none, if it is the network's own")
open_port = make("port", network_id=net["id"], port_security_enabled=False)
check(open_port["security_groups"] == [], "... or none, if it has no port security")
web = make("security_group", name="web", description="servers")
check(sorted((r["direction"], r["ethertype"], r["protocol"]) for r in web["security_group_rules"]) ==
      [("egress", "IPv4", None), ("egress", "IPv6", None)] and web["stateful"] is True and web["shared"] is False,
      "a new group lets all out and nothing in", web)

# ---- groups ----
refused("a second default group", c("POST", "/v2.0/security-groups", {"security_group": {"name": "default"}}, token="ta"),
        409, "SecurityGroupDefaultAlreadyExists")
refused("the default group, renamed", c("PUT", f"/v2.0/security-groups/{default['id']}", {"security_group": {"name": "x"}}, token="ta"),
        409, "SecurityGroupCannotUpdateDefault")
refused("the default group, deleted", c("DELETE", f"/v2.0/security-groups/{default['id']}", token="ta"),
        409, "SecurityGroupCannotRemoveDefault")
refused("... by an administrator, while ports have it", c("DELETE", f"/v2.0/security-groups/{default['id']}", token="adm"),
        409, "SecurityGroupInUse")
s, body = c("PUT", f"/v2.0/security-groups/{default['id']}", {"security_group": {"description": "d"}}, token="ta")
check(s == 200 and body["security_group"]["description"] == "d", "its description may change", body)
s, body = c("POST", "/v2.0/security-groups", {"security_group": {"name": "s", "stateful": False}}, token="ta")
free = body.get("security_group", {})
check(s == 201 and free["stateful"] is False, "a stateless group", body)
refused("stateful: null", c("PUT", f"/v2.0/security-groups/{free['id']}", {"security_group": {"stateful": None}}, token="ta"),
        400, "InvalidInput")
s, body = c("GET", "/v2.0/security-groups?stateful=false&fields=id", token="ta")
check(s == 200 and body["security_groups"] == [{"id": free["id"]}], "groups are listed by it", body)
s, body = c("PUT", f"/v2.0/security-groups/{free['id']}", {"security_group": {"stateful": True}}, token="ta")
check(s == 200 and body["security_group"]["stateful"] is True, "one without ports becomes stateful", body)
c("PUT", f"/v2.0/security-groups/{free['id']}", {"security_group": {"stateful": False}}, token="ta")

# ---- rules ----


def rule(**attrs):
    return c("POST", "/v2.0/security-group-rules", {"security_group_rule": {
        "security_group_id": web["id"], "direction": "ingress", **attrs}}, token="ta")


GONE = "00000000-0000-4000-8000-000000000000"
for what, attrs, status, kind in (
        ("a direction that is none", {"direction": "up"}, 400, "HTTPBadRequest"),
        ("an ethertype that is none", {"ethertype": "IPX"}, 400, "SecurityGroupRuleInvalidEtherType"),
        ("a protocol that is none", {"protocol": "tpc"}, 400, "SecurityGroupRuleInvalidProtocol"),
        ("a protocol too high", {"protocol": "256"}, 400, "SecurityGroupRuleInvalidProtocol"),
        ("ports without a protocol", {"port_range_min": 1, "port_range_max": 2}, 400, "SecurityGroupProtocolRequiredWithPorts"),
        ("ports of any protocol", {"protocol": "any", "port_range_min": 1, "port_range_max": 2}, 400,
         "SecurityGroupProtocolRequiredWithPorts"),
        ("ports of ESP", {"protocol": "esp", "port_range_min": 1, "port_range_max": 2}, 400, "SecurityGroupInvalidProtocolForPort"),
        ("ports of DCCP, which are not tracked", {"protocol": "dccp", "port_range_min": 1, "port_range_max": 2}, 400,
         "SecurityGroupInvalidProtocolForPort"),
        ("a range from high to low", {"protocol": "tcp", "port_range_min": 2, "port_range_max": 1}, 400, "SecurityGroupInvalidPortRange"),
        ("half a range", {"protocol": "udp", "port_range_min": 2}, 400, "SecurityGroupInvalidPortRange"),
        ("port 0", {"protocol": "tcp", "port_range_min": 0, "port_range_max": 1}, 400, "SecurityGroupInvalidPortValue"),
        ("port 65536", {"protocol": "17", "port_range_min": 1, "port_range_max": 65536}, 400, "SecurityGroupInvalidPortValue"),
        ("an ICMP type too high", {"protocol": "icmp", "port_range_min": 256}, 400, "SecurityGroupInvalidIcmpValue"),
        ("an ICMP code too high", {"protocol": "1", "port_range_min": 3, "port_range_max": 300}, 400, "SecurityGroupInvalidIcmpValue"),
        ("an ICMP code without type", {"protocol": "icmp", "port_range_max": 3}, 400, "SecurityGroupMissingIcmpType"),
        ("ICMPv6 in IPv4", {"protocol": "icmpv6"}, 400, "SecurityGroupEthertypeConflictWithProtocol"),
        ("an IPv6 prefix in IPv4", {"remote_ip_prefix": "fd00::/8"}, 400, "SecurityGroupRuleParameterConflict"),
        ("an IPv4 prefix in IPv6", {"ethertype": "IPv6", "remote_ip_prefix": "10.0.0.0/8"}, 400, "SecurityGroupRuleParameterConflict"),
        ("a prefix that is none", {"remote_ip_prefix": "10.0.0.0/33"}, 400, "InvalidCIDR"),
        ("a prefix and a group", {"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": web["id"]}, 400, "SecurityGroupMultipleRemoteEntites"),
        ("a remote group that is not there", {"remote_group_id": GONE}, 404, "SecurityGroupNotFound"),
        ("an address group that is not there", {"remote_address_group_id": GONE}, 404, "AddressGroupNotFound"),
        ("a group that is not there", {"security_group_id": GONE}, 404, "SecurityGroupNotFound")):
    refused(what, rule(**attrs), status, kind)
check(len(get(f"security-groups/{web['id']}")["security_group_rules"]) == 2, "none of these has left a rule")

for what, attrs, want in (
        ("by name", {"protocol": "TCP", "port_range_min": 80, "port_range_max": 90}, {"protocol": "tcp", "port_range_min": 80}),
        ("by number", {"protocol": "132", "port_range_min": "5", "port_range_max": "5"}, {"protocol": "132", "port_range_max": 5}),
        ("any", {"protocol": "any"}, {"protocol": None}),
        ("ICMP type and code", {"protocol": "icmp", "port_range_min": 0, "port_range_max": 0},
         {"protocol": "icmp", "port_range_min": 0, "port_range_max": 0}),
        ("ICMP of IPv6", {"protocol": "icmp", "ethertype": "IPv6"}, {"protocol": "ipv6-icmp"}),
        ("a prefix with host bits", {"protocol": "udp", "remote_ip_prefix": "10.1.2.3/8"},
         {"remote_ip_prefix": "10.1.2.3/8", "normalized_cidr": "10.0.0.0/8"}),
        ("an address", {"protocol": "udp", "remote_ip_prefix": "10.1.2.3"}, {"remote_ip_prefix": "10.1.2.3/32"}),
        ("a group", {"remote_group_id": web["id"]}, {"remote_group_id": web["id"], "protocol": None})):
    s, body = rule(**attrs)
    r = body.get("security_group_rule", {})
    check(s == 201 and want.items() <= r.items() and r["project_id"] == "A" and "name" not in r, f"a rule, {what}", body)
for what, attrs in (("by number", {"protocol": "6", "port_range_min": 80, "port_range_max": 90}), ("-1", {"protocol": "-1"}),
                    ("of everything", {"remote_ip_prefix": "0.0.0.0/0"}),
                    ("without host bits", {"protocol": "udp", "remote_ip_prefix": "10.0.0.0/8"}),
                    ("with another description", {"remote_group_id": web["id"], "description": "x"})):
    refused(f"the same rule, {what}", rule(**attrs), 409, "SecurityGroupRuleExists")
mine = get(f"security-group-rules?security_group_id={web['id']}&direction=ingress")
check(len(mine) == 8, "rules are listed by group and direction", mine)
before = get(f"security-groups/{web['id']}")["revision_number"]
check(c("DELETE", f"/v2.0/security-group-rules/{mine[0]['id']}", token="ta")[0] == 204 and
      get(f"security-groups/{web['id']}")["revision_number"] == before + 1, "a rule is deleted, which its group counts")
s, body = c("POST", "/v2.0/security-group-rules", {"security_group_rules": [
    {"security_group_id": web["id"], "direction": "ingress", "protocol": "tcp", "port_range_min": p, "port_range_max": p} for p in (1, 2, 1)]},
    token="ta")
check(s == 409 and len(get(f"security-group-rules?security_group_id={web['id']}&port_range_min=2")) == 0,
      "several rules, one of them twice: none of them", body)

# ---- ports ----
p = make("port", network_id=net["id"], security_groups=[free["id"]])
refused("a port with groups of both kinds", c("PUT", f"/v2.0/ports/{p['id']}", {"port": {"security_groups": [free["id"], web["id"]]}}, token="ta"),
        409, "SecurityGroupConflict")
refused("... from the beginning", c("POST", "/v2.0/ports", {"port": {"network_id": net["id"], "security_groups": [web["id"], free["id"]]}}, token="ta"),
        409, "SecurityGroupConflict")
refused("another kind, while a port has it", c("PUT", f"/v2.0/security-groups/{free['id']}", {"security_group": {"stateful": True}}, token="ta"),
        409, "SecurityGroupInUse")
P = f"/v2.0/ports/{port['id']}"
refused("a port with a group that is not there", c("PUT", P, {"port": {"security_groups": [GONE]}}, token="ta"), 404, "SecurityGroupNotFound")
refused("... that is no id", c("PUT", P, {"port": {"security_groups": ["web"]}}, token="ta"), 400, "HTTPBadRequest")
refused("groups without port security", c("POST", "/v2.0/ports", {"port": {
    "network_id": net["id"], "port_security_enabled": False, "security_groups": [web["id"]]}}, token="ta"),
    400, "PortSecurityAndIPRequiredForSecurityGroups")
refused("port security off, with groups", c("PUT", P, {"port": {"port_security_enabled": False}}, token="ta"),
        409, "PortSecurityPortHasSecurityGroup")
s, body = c("PUT", P, {"port": {"security_groups": [web["id"].upper(), web["id"]]}}, token="ta")
check(s == 200 and body["port"]["security_groups"] == [web["id"]], "a group said twice is one", body)
check([p["id"] for p in get(f"ports?security_groups={web['id']}")] == [port["id"]], "ports are listed by group")
refused("a group that a port has", c("DELETE", f"/v2.0/security-groups/{web['id']}", token="ta"), 409, "SecurityGroupInUse")

# ---- address groups ----
ag = make("address_group", name="ag", addresses=["10.0.0.1", "10.0.0.7/30", "10.0.0.4/30", "fd00::1/64"])
check(ag["addresses"] == ["10.0.0.1/32", "10.0.0.4/30", "fd00::/64"], "addresses are prefixes, each once", ag)
A = f"/v2.0/address-groups/{ag['id']}"
s, body = c("PUT", A + "/add_addresses", {"addresses": ["10.9.0.0/16"]}, token="ta")
check(s == 200 and body["address_group"]["addresses"] == ag["addresses"] + ["10.9.0.0/16"], "addresses are added", body)
s, body = c("PUT", A + "/remove_addresses", {"addresses": ["10.0.0.1", "fd00::/64"]}, token="ta")
check(s == 200 and body["address_group"]["addresses"] == ["10.0.0.4/30", "10.9.0.0/16"], "... and removed", body)
refused("an address that is not in it, removed", c("PUT", A + "/remove_addresses", {"addresses": ["10.0.0.1"]}, token="ta"),
        404, "AddressesNotFound")
refused("what is no address, added", c("PUT", A + "/add_addresses", {"addresses": ["10.0.0.1/33"]}, token="ta"), 400, "AddrFormatError")
refused("nothing, added", c("PUT", A + "/add_addresses", {}, token="ta"), 400, "HTTPBadRequest")
refused("addresses, set", c("PUT", A, {"address_group": {"addresses": []}}, token="ta"), 400, "HTTPBadRequest")
s, body = rule(protocol="tcp", remote_address_group_id=ag["id"])
check(s == 201, "a rule names it", body)
refused("an address group that a rule names", c("DELETE", A, token="ta"), 409, "AddressGroupInUse")

# ---- projects ----
check([g["name"] for g in get("security-groups", "tb")] == ["default"] and get("security-groups", "tb")[0]["id"] != default["id"],
      "another project has its own, and sees no other")
theirs = get("security-groups", "tb")[0]
for what, path in (("group", f"security-groups/{web['id']}"), ("rule", f"security-group-rules/{mine[1]['id']}"),
                   ("address group", f"address-groups/{ag['id']}")):
    check(c("GET", "/v2.0/" + path, token="tb")[0] == 404 and c("DELETE", "/v2.0/" + path, token="tb")[0] == 404,
          f"a {what} of another project is not there")
refused("a rule in another project's group", rule(security_group_id=theirs["id"]), 404, "SecurityGroupNotFound")
refused("a rule that names another project's group", rule(remote_group_id=theirs["id"]), 404, "SecurityGroupNotFound")
refused("a port in another project's group", c("PUT", P, {"port": {"security_groups": [theirs["id"]]}}, token="ta"),
        404, "SecurityGroupNotFound")
check(len(get("security-groups", "adm")) >= 3, "an administrator sees all")

# ---- what goes with it; what a restart leaves ----
other = make("security_group", name="other")
s, body = rule(protocol="udp", remote_group_id=other["id"])
gone = body["security_group_rule"]["id"]
check(c("DELETE", f"/v2.0/security-groups/{other['id']}", token="ta")[0] == 204 and
      c("GET", f"/v2.0/security-group-rules/{gone}", token="ta")[0] == 404, "rules that name a group go with it")
key = lambda o: o["id"]  # noqa: E731
all_of = lambda: [sorted(get(p, "adm"), key=key) for p in ("security-groups", "security-group-rules", "address-groups", "ports")]  # noqa: E731
was = all_of()
for g in was[0]:
    g["security_group_rules"].sort(key=key)
c.kill()
c.start()
now = all_of()
for g in now[0]:
    g["security_group_rules"].sort(key=key)
check(was == now, "all is there after a restart", [(a, b) for a, b in zip(was, now) if a != b][:1])
finish()
