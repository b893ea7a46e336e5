#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an administrator lays down for tenants: segment ranges, default security group rules, subnets' service types.

    this test ── HTTP, tokens of an administrator and of projects A, B ──> weft-controller
"""
import atexit
import os
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import Controller, SMALL, check, finish, refused  # noqa: E402

with tempfile.NamedTemporaryFile("w", delete=False) as f:
    f.write("adm\nta A member\ntb B member\n")
atexit.register(os.unlink, f.name)
c = Controller("--auth", f"token:{f.name}")
RANGES, RULES = "/v2.0/network_segment_ranges", "/v2.0/default-security-group-rules"


def post(path, noun, token="adm", **attrs):
    return c("POST", path, {noun: {k.replace("__", ":"): v for k, v in attrs.items()}}, token=token)


def make(noun, token="adm", path=None, **attrs):
    s, body = post(path or f"/v2.0/{noun.replace('_', '-')}s", noun, token, **attrs)
    if s != 201:
        raise SystemExit(f"cannot create a {noun}: {s} {body}")
    return body[noun]


def get(path, token="adm"):
    return next(iter(c("GET", path, token=token)[1].values()))


def segment(token, **attrs):
    """Of a new network of the token's project."""
    n = make("network", token, **attrs)
    return get(f"/v2.0/networks/{n['id']}")["provider:segmentation_id"], n["id"]


# ---- segment ranges ----
ranges = get(RANGES)
check(len(ranges) == 1 and ranges[0]["default"] and ranges[0]["shared"] and ranges[0]["network_type"] == "vxlan" and
      (ranges[0]["minimum"], ranges[0]["maximum"]) == (1, 2 ** 24 - 1) and ranges[0]["physical_network"] is None,
      "all VNIs are the default range", ranges)
check(ranges[0]["used"] == {} and len(ranges[0]["available"]) == 4096, "... of which 4096 free ones are listed")
D = f"{RANGES}/{ranges[0]['id']}"
refused("the default range, changed", c("PUT", D, {"network_segment_range": {"maximum": 9}}, token="adm"), 400,
        "NetworkSegmentRangeDefaultReadOnly")
refused("... deleted", c("DELETE", D, token="adm"), 400, "NetworkSegmentRangeDefaultReadOnly")
v = make("network", provider__network_type="vlan", provider__physical_network="p0", provider__segmentation_id=9)
vlans = [r for r in get(RANGES) if r["network_type"] == "vlan"]
check(len(vlans) == 1 and vlans[0]["default"] and vlans[0]["physical_network"] == "p0" and vlans[0]["maximum"] == 4094
      and vlans[0]["used"] == {"9": ""} and 9 not in vlans[0]["available"] and len(vlans[0]["available"]) == 4093,
      "a physical network has its own", vlans)


def ranged(**attrs):
    return post(RANGES, "network_segment_range", **{"name": "r", "network_type": "vxlan", "shared": False, "minimum": 7000,
                                                    "maximum": 7001, **attrs})


own = ranged(project_id="A")[1]["network_segment_range"]
check(own["project_id"] == "A" and own["available"] == [7000, 7001] and own["default"] is False, "a range of project A's", own)
got = [segment("ta") for _ in range(3)]
check({g[0] for g in got[:2]} == {7000, 7001}, "A's networks are drawn from it first", got)
check(got[2][0] not in (7000, 7001), "... then from what is shared", got)
R = f"{RANGES}/{own['id']}"
check(get(R)["used"] == {"7000": "A", "7001": "A"} and get(R)["available"] == [], "... which it shows", get(R))
refused("a range in use, deleted", c("DELETE", R, token="adm"), 409, "NetworkSegmentRangeReferencedByProject")
refused("... and cut", c("PUT", R, {"network_segment_range": {"minimum": 7001}}, token="adm"), 409,
        "NetworkSegmentRangeReferencedByProject")
check(c("PUT", R, {"network_segment_range": {"name": "a", "maximum": 7003}}, token="adm")[1]["network_segment_range"]["available"]
      == [7003], "... but not when it grows")
wide = ranged(shared=True, minimum=8000, maximum=8001, project_id="A")[1]["network_segment_range"]
check(wide["shared"] and not wide["project_id"], "a shared range is nobody's", wide)
check({segment("tb")[0] for _ in range(2)} == {8000, 8001}, "B's networks are drawn from the shared one")
# The next free VNI of all is in the range of A's: B does not get it.
first = segment("tb")[0]
check(ranged(name="next", project_id="A", minimum=first + 1, maximum=first + 50)[0] == 201, "a range over what is next")
nets = [segment("tb")[0] for _ in range(3)]
check(nets == [first + 51, first + 52, first + 53], "a range of A's is not for B", (first, nets))
check(segment("adm", provider__network_type="vxlan", provider__segmentation_id=first + 5)[0] == first + 5,
      "... but an administrator may name any")
vrange = ranged(network_type="vlan", physical_network="p0", project_id="A", minimum=100, maximum=100)[1]["network_segment_range"]
VLAN = {"provider__network_type": "vlan", "provider__physical_network": "p0"}
check(segment("adm", tenant_id="B", **VLAN)[0] == 1 and segment("adm", tenant_id="A", **VLAN)[0] == 100, "VLANs, too")
for what, attrs, status, kind in (
        ("that overlaps", {"minimum": 7002, "maximum": 7010}, 409, "NetworkSegmentRangeOverlaps"),
        ("within another", {"minimum": 8000, "maximum": 8000}, 409, "NetworkSegmentRangeOverlaps"),
        ("of GRE", {"network_type": "gre"}, 400, "NetworkSegmentRangeNetTypeNotSupported"),
        ("of geneve", {"network_type": "geneve"}, 400, "NetworkSegmentRangeNetTypeNotSupported"),
        ("of flat", {"network_type": "flat"}, 400, "HTTPBadRequest"),
        ("of VLANs of no network", {"network_type": "vlan"}, 400, "BadRequest"),
        ("upside down", {"minimum": 9001, "maximum": 9000}, 400, "NetworkTunnelRangeError"),
        ("beyond 24 bits", {"minimum": 9000, "maximum": 2 ** 24}, 400, "NetworkTunnelRangeError"),
        ("beyond 4094", {"network_type": "vlan", "physical_network": "p0", "minimum": 4000, "maximum": 4095}, 400,
         "NetworkVlanRangeError"),
        ("from 0", {"minimum": 0}, 400, "HTTPBadRequest"),
        ("from below 0", {"minimum": -5}, 400, "HTTPBadRequest"),
        ("from a word", {"minimum": "low"}, 400, "InvalidInput"),
        ("that is the default", {"default": True}, 400, "HTTPBadRequest"),
        ("with something else", {"colour": 1}, 400, "HTTPBadRequest")):
    refused(f"a range {what}", ranged(**attrs), status, kind)
refused("a range that is not there", c("GET", f"{RANGES}/{SMALL}", token="adm"), 404, "NetworkSegmentRangeNotFound")
refused("a range that grows into another", c("PUT", R, {"network_segment_range": {"maximum": 8000}}, token="adm"), 409,
        "NetworkSegmentRangeOverlaps")
refused("its type, changed", c("PUT", R, {"network_segment_range": {"network_type": "vlan"}}, token="adm"), 400, "HTTPBadRequest")
c.kill()
c.start()
check(get(R)["used"] == {"7000": "A", "7001": "A", "7002": "A"}, "ranges outlive the controller")
for _, n in got:
    c("DELETE", f"/v2.0/networks/{n}", token="ta")
check(c("DELETE", R, token="adm")[0] == 204, "a range that nobody uses any more is deleted")

# ---- default rules ----


def facts(rules, *more):
    return sorted((r["direction"], r["ethertype"], r["protocol"], r["port_range_min"], r["remote_group_id"],
                   *(r[m] for m in more)) for r in rules)


def key(t):
    return tuple(str(x) for x in t)


def group_rules(token, name=None):
    if name:
        g = make("security_group", token, name=name)
    else:
        g = get("/v2.0/security-groups?name=default", token)[0]
    return sorted((key((r["direction"], r["ethertype"], r["protocol"], r["port_range_min"],
                        "PARENT" if r["remote_group_id"] == g["id"] else r["remote_group_id"]))
                   for r in g["security_group_rules"]))


rules = get(RULES, "ta")
check(sorted(key((r["direction"], r["ethertype"], r["remote_group_id"], r["used_in_default_sg"], r["used_in_non_default_sg"]))
             for r in rules) ==
      [("egress", "IPv4", "None", "True", "True"), ("egress", "IPv6", "None", "True", "True"),
       ("ingress", "IPv4", "PARENT", "True", "False"), ("ingress", "IPv6", "PARENT", "True", "False")],
      "four default rules, which every project sees", rules)
before = group_rules("ta", "before")
check(len(before) == 2, "a new group has the two of them that are for it", before)


def template(**attrs):
    return post(RULES, "default_security_group_rule", **{"direction": "ingress", "protocol": "tcp", "port_range_min": 22,
                                                         "port_range_max": 22, **attrs})


ssh = template(description="everybody's door")[1]["default_security_group_rule"]
check(ssh["used_in_default_sg"] is False and ssh["used_in_non_default_sg"] is True and ssh["ethertype"] == "IPv4",
      "a default rule is for groups that are not default ones", ssh)
check(template(protocol="icmp", port_range_min=None, port_range_max=None, used_in_default_sg=True,
               used_in_non_default_sg=False)[0] == 201, "... or for the default ones")
check(template(protocol="udp", port_range_min=53, port_range_max=53, remote_group_id="PARENT")[0] == 201,
      "... or for what comes from a group's own members")
after = group_rules("ta", "after")
check(set(after) - set(before) == {("ingress", "IPv4", "tcp", "22", "None"), ("ingress", "IPv4", "udp", "53", "PARENT")},
      "a group made after it has them", after)
check(group_rules("tb") == sorted([*(key(x) for x in [("egress", "IPv4", None, None, None), ("egress", "IPv6", None, None, None),
                                                     ("ingress", "IPv4", None, None, "PARENT"), ("ingress", "IPv6", None, None, "PARENT"),
                                                     ("ingress", "IPv4", "icmp", None, None)])]),
      "... and so has a default group", group_rules("tb"))
check([g for g in get("/v2.0/security-groups?name=before", "ta")][0]["security_group_rules"].__len__() == 2,
      "groups that there are keep their rules")
ag = make("address_group", addresses=["10.0.0.0/8"])["id"]
check(template(port_range_min=80, port_range_max=80, remote_address_group_id=ag)[0] == 201, "one that names an address group")
refused("... which stays while it does", c("DELETE", f"/v2.0/address-groups/{ag}", token="adm"), 409, "AddressGroupInUse")
named = make("security_group", name="named")["id"]
check(template(port_range_min=81, port_range_max=81, remote_group_id=named)[0] == 201, "one that names a group")
n = len(get(RULES))
check(c("DELETE", f"/v2.0/security-groups/{named}", token="adm")[0] == 204 and len(get(RULES)) == n - 1, "... and goes with it")
for what, attrs, status, kind in (
        ("twice", {}, 409, "DefaultSecurityGroupRuleExists"),
        ("twice, by number", {"protocol": "6"}, 409, "DefaultSecurityGroupRuleExists"),
        ("twice, with other words", {"description": "again"}, 409, "DefaultSecurityGroupRuleExists"),
        ("without direction", {"direction": None}, 400, "HTTPBadRequest"),
        ("of two remotes", {"remote_group_id": "PARENT", "remote_ip_prefix": "10.0.0.0/8"}, 400, "SecurityGroupMultipleRemoteEntites"),
        ("of a group that is not there", {"remote_group_id": SMALL}, 404, "SecurityGroupNotFound"),
        ("of a group that cannot be", {"remote_group_id": "parent"}, 400, "HTTPBadRequest"),
        ("of a protocol that is none", {"protocol": "tpc"}, 400, "SecurityGroupRuleInvalidProtocol"),
        ("of ports upside down", {"port_range_min": 23}, 400, "SecurityGroupInvalidPortRange"),
        ("of the other IP version", {"remote_ip_prefix": "fd00::/8"}, 400, "SecurityGroupRuleParameterConflict")):
    refused(f"a default rule {what}", template(**attrs), status, kind)
check(template(used_in_default_sg=True, used_in_non_default_sg=False)[0] == 201, "the same for the other groups is another rule")
refused("a default rule that is not there", c("DELETE", f"{RULES}/{SMALL}", token="adm"), 404, "DefaultSecurityGroupRuleNotFound")
for r in get(RULES):
    c("DELETE", f"{RULES}/{r['id']}", token="adm")
check(get(RULES) == [] and group_rules("ta", "bare") == [], "when all are deleted, a new group has no rule")
c.kill()
c.start()
check(get(RULES) == [], "... and they do not come back by themselves")

# ---- service types ----
net = make("network", "ta")["id"]
S4 = {"network_id": net, "ip_version": 4, "tenant_id": "A"}
vm = make("subnet", cidr="10.1.0.0/24", service_types=["compute:nova"], **S4)
check(vm["service_types"] == ["compute:nova"], "a subnet for VMs", vm)
refused("a port that is none", post("/v2.0/ports", "port", "ta", network_id=net), 409, "IpAddressGenerationFailureNoMatchingSubnet")
refused("... that names the subnet", post("/v2.0/ports", "port", "ta", network_id=net, fixed_ips=[{"subnet_id": vm["id"]}]), 400,
        "InvalidInput")
refused("... that names an address of it", post("/v2.0/ports", "port", "ta", network_id=net,
                                                fixed_ips=[{"ip_address": "10.1.0.9"}]), 400, "InvalidIpForNetwork")


def address(**attrs):
    return [f["ip_address"] for f in make("port", "ta", network_id=net, **attrs)["fixed_ips"]]


check(address(fixed_ips=[]) == [], "... without an address it may be")
check(address(device_owner="compute:nova") == ["10.1.0.2"], "a VM has an address of it")
check(address(device_owner="network:dhcp") == ["10.1.0.3"], "... and so has a DHCP server")
make("subnet", cidr="10.2.0.0/24", **S4)
check(address() == ["10.2.0.2"], "another port has one of a subnet for all")
check(address(device_owner="compute:nova") == ["10.1.0.4"], "a VM's own subnet goes first")
refused("a type that is none", post("/v2.0/subnets", "subnet", cidr="10.3.0.0/24", service_types=["vm"], **S4), 400,
        "InvalidSubnetServiceType")
for bad in ("compute:nova", [7], {"a": 1}):
    refused(f"service types {bad}", post("/v2.0/subnets", "subnet", cidr="10.3.0.0/24", service_types=bad, **S4), 400, "HTTPBadRequest")
s, body = c("PUT", f"/v2.0/subnets/{vm['id']}", {"subnet": {"service_types": ["network:floatingip", "compute:az2"]}}, token="adm")
check(s == 200 and address(device_owner="compute:nova") == ["10.2.0.3"] and address(device_owner="compute:az2") == ["10.1.0.5"],
      "they may be changed", body)
ext = make("network", router__external=True, provider__network_type="flat", provider__physical_network="p1")["id"]
for cidr, types in (("192.0.2.0/24", ["network:router_gateway"]), ("198.51.100.0/24", ["network:floatingip"])):
    make("subnet", network_id=ext, ip_version=4, cidr=cidr, service_types=types)
gw = make("router", "ta", external_gateway_info={"network_id": ext})["external_gateway_info"]["external_fixed_ips"]
check([g["ip_address"] for g in gw] == ["192.0.2.2"], "gateways and floating IPs have subnets of their own", gw)
check(make("floatingip", "ta", floating_network_id=ext)["floating_ip_address"] == "198.51.100.2", "...")
finish()
