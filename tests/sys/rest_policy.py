#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the rows of controller/nb_policy.def are Neutron's own, and each holds from both sides.

    this test ── HTTP, tokens of an administrator and of projects A, B ──> weft-controller
"""
import atexit
import os
import re
import sys
import tempfile
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "lib"))
from rest import Controller, check, error_of, finish  # noqa: E402
from neutron.conf import policies  # noqa: E402

SOURCE = os.path.join(here, "../../controller")
with open(f"{SOURCE}/resource.def") as f:
    text = f.read()
NAMES = dict(re.findall(r'^RESOURCE\((\w+), \w+, \d+, "(\w+)"', text, re.M))
with open(f"{SOURCE}/nb_policy.def") as f:
    table = f.read()


def words(rule):
    return frozenset(rule.replace(" ", "").split("|")) - {"ADMIN"}


ROWS = {}  # (noun, attribute or None, verb): words of the rule
for noun, *rules in re.findall(r"^ACCESS\((\w+), ([^,]+), ([^,]+), ([^,]+), ([^,)]+)\)", table, re.M):
    for verb, rule in zip(("create", "get", "update", "delete"), rules):
        ROWS[noun, None, verb] = words(rule)
for noun, attr, *rules in re.findall(r'^SETS\((\w+), "([^"]+)", ([^,]+), ([^,)]+)\)', table, re.M):
    for verb, rule in zip(("create", "update"), rules):
        ROWS[noun, attr, verb] = words(rule)
for noun, attr, rule in re.findall(r'^SEES\((\w+), "([^"]+)", ([^,)]+)\)', table, re.M):
    ROWS[noun, attr, "get"] = words(rule)
check({n for n, a, v in ROWS} == set(NAMES) and len(ROWS) > 90, "every resource has rows", len(ROWS))

# ---- Neutron's own ----
WORDS = {"admin_only": "", "regular_user": "ANY", "admin_or_owner": "OWNER", "admin_or_network_owner": "NET_OWNER",
         "admin_owner_or_network_owner": "OWNER|NET_OWNER", "shared": "SHARED", "shared_subnetpools": "SHARED",
         "shared_address_scopes": "SHARED", "shared_address_groups": "SHARED", "external": "EXTERNAL",
         "context_is_advsvc": "", "not network_device": "NO_NETWORK_DEVICE", "restrict_wildcard": "NO_WILDCARD",
         "restrict_wildcard and admin_or_owner": "NO_WILDCARD", "admin_or_ext_parent_owner": "PARENT_OWNER",
         "admin_owner_or_sg_owner": "OWNER|GROUP_OWNER"}
# What Weft does otherwise, and why.
OTHERWISE = {
    ("subnet", None, "get"): "the network's owner sees it, as in Neutron's later releases",
    ("sg", None, "get"): "Neutron's data base leaves out what is another project's",
    ("quota", None, "get"): "Neutron's quota controller lets a project see its own",
}
neutron = {}
for r in policies.list_rules():
    old = (r.deprecated_rule.check_str if r.deprecated_rule else r.check_str).replace("rule:", "")
    neutron[r.name] = old
different, unknown = [], []
for (noun, attr, verb), rule in ROWS.items():
    name = f"{verb}_{NAMES[noun] if noun != 'port_forwarding' else 'floatingip_port_forwarding'}" + (f":{attr}" if attr else "")
    if name not in neutron:
        unknown.append(name)
        continue
    want = frozenset("|".join(WORDS[w] for w in neutron[name].split(" or ")).split("|")) - {""}
    if want != rule and (noun, attr, verb) not in OTHERWISE:
        different.append((name, sorted(rule), neutron[name]))
check(not different, "the rows say what Neutron's default policy says", different)
# What Neutron has no rule for: attributes that it does not let be updated, and what is of a later release.
check(all(re.match(r"update_(floatingip:floating_ip|subnetpool:shared|security_group_rule)|create_(quota|floatingip:subnet)|"
                   r"\w+_(default_security_group_rule|address_group)", n) for n in unknown), "... and it has rules for them",
      unknown)
missing = [n for n in neutron for noun, name in NAMES.items()
           if re.match(rf"(create|update|get)_{name}:", n) and (noun, n.split(":", 1)[1], n.split("_")[0]) not in ROWS and
           neutron[n] != "regular_user" and
           not re.search(r":(segments|segment_id|is_default|data_plane_status|resource_request)$", n)]
check(not missing, "no rule of Neutron's is left out", missing)

# ---- both sides ----
with tempfile.NamedTemporaryFile("w", delete=False) as f:
    f.write("adm\nta A member\ntb B member\n")
atexit.register(os.unlink, f.name)
c = Controller("--auth", f"token:{f.name}")
yes, no = set(), set()


def post(token, coll, noun, **attrs):
    name = NAMES[noun]
    return c("POST", f"/v2.0/{coll}", {name: {k.replace("__", ":"): v for k, v in attrs.items()}}, token=token)


def make(token, coll, noun, **attrs):
    s, body = post(token, coll, noun, **attrs)
    if s != 201:
        raise SystemExit(f"cannot create a {noun}: {s} {body}")
    return body[NAMES[noun]]


def may(row, answer):
    yes.add(row)
    check(answer[0] in (200, 201, 204), f"may: {row}", answer)
    return answer[1]


def may_not(row, answer, hidden=False):
    no.add(row)
    noun, attr, verb = row
    ok = answer[0] == (404 if hidden else 403)
    if not hidden:
        word = f"rule:{verb}_{NAMES[noun]}" + (f":{attr}" if attr else "")
        ok = ok and error_of(answer[1]) == "PolicyNotAuthorized" and word + " " in answer[1]["NeutronError"]["message"]
    check(ok, f"may not: {row}" + (", and it is not there" if hidden else ""), answer)


def put(token, path, noun, **attrs):
    return c("PUT", f"/v2.0/{path}", {NAMES[noun]: {k.replace("__", ":"): v for k, v in attrs.items()}}, token=token)


# Objects of A's: B sees none of them, and A does all; another token for each deletion.
net = make("ta", "networks", "net", name="n")["id"]
sub = make("ta", "subnets", "subnet", network_id=net, ip_version=4, cidr="10.0.0.0/24")["id"]
ext = make("adm", "networks", "net", router__external=True, provider__network_type="flat", provider__physical_network="p0")["id"]
make("adm", "subnets", "subnet", network_id=ext, ip_version=4, cidr="192.0.2.0/24")
wide = make("adm", "networks", "net", shared=True, name="wide", tenant_id="A")["id"]
wide_sub = make("adm", "subnets", "subnet", network_id=wide, ip_version=4, cidr="10.9.0.0/16", tenant_id="A")["id"]
router = make("ta", "routers", "router", external_gateway_info={"network_id": ext})["id"]
c("PUT", f"/v2.0/routers/{router}/add_router_interface", {"subnet_id": sub}, token="ta")
fip = make("ta", "floatingips", "floatingip", floating_network_id=ext)["id"]
inner = make("ta", "ports", "port", network_id=net)["id"]
group = make("ta", "security-groups", "sg", name="g")["id"]

for noun, coll, attrs, change in (
        ("net", "networks", {}, {"name": "x"}),
        ("subnet", "subnets", {"network_id": net, "ip_version": 4, "cidr": "10.7.0.0/24"}, {"name": "x"}),
        ("port", "ports", {"network_id": net}, {"name": "x"}),
        ("router", "routers", {}, {"name": "x"}),
        ("floatingip", "floatingips", {"floating_network_id": ext}, {"description": "x"}),
        ("port_forwarding", f"floatingips/{fip}/port_forwardings",
         {"protocol": "tcp", "external_port": 80, "internal_port": 80, "internal_port_id": inner}, {"external_port": 81}),
        ("sg", "security-groups", {"name": "h"}, {"name": "x"}),
        ("sg_rule", "security-group-rules", {"security_group_id": group, "direction": "ingress", "protocol": "tcp"},
         {"description": "x"}),
        ("addrgroup", "address-groups", {}, {"name": "x"}),
        ("address_scope", "address-scopes", {"ip_version": 4, "name": "s"}, {"name": "x"}),
        ("subnetpool", "subnetpools", {"name": "p", "prefixes": ["10.0.0.0/8"]}, {"name": "x"}),
        ("rbac", "rbac-policies", {"object_type": "network", "object_id": net, "action": "access_as_shared",
                                   "target_tenant": "C"}, {"target_tenant": "D"})):
    o = may((noun, None, "create"), post("ta", coll, noun, **attrs))[NAMES[noun]]
    path = f"{coll}/{o['id']}"
    s, body = post("tb", coll, noun, **attrs)
    if ROWS[noun, None, "create"] != {"ANY"} and noun not in ("sg", "sg_rule"):
        no.add((noun, None, "create"))
        check(s in (403, 404), f"may not: create a {noun} in what is A's", (s, body))
    for verb in ("get", "update", "delete"):
        how = {"get": "GET", "update": "PUT", "delete": "DELETE"}[verb]
        body = {NAMES[noun]: change} if verb == "update" else None
        may_not((noun, None, verb), c(how, f"/v2.0/{path}", body, token="tb"), hidden=True)
        may((noun, None, verb), c(how, f"/v2.0/{path}", body, token="ta"))
# A group is made for one's own project alone: the default is it, so that there is nobody who may not.
no |= {("sg", None, "create"), ("sg_rule", None, "create")}

# What one sees and may not change: 403.
for noun, path in (("net", f"networks/{wide}"), ("subnet", f"subnets/{wide_sub}")):
    may((noun, None, "get"), c("GET", f"/v2.0/{path}", token="tb"))
    may_not((noun, None, "update"), put("tb", path, noun, name="x"))
    may_not((noun, None, "delete"), c("DELETE", f"/v2.0/{path}", token="tb"))
may_not(("subnet", None, "create"), post("tb", "subnets", "subnet", network_id=wide, ip_version=4, cidr="10.8.0.0/24"))
may(("net", None, "get"), c("GET", f"/v2.0/networks/{ext}", token="tb"))
s, body = post("tb", "ports", "port", network_id=ext)
check(s == 403 and error_of(body) == "HTTPForbidden", "no port on an external network that is not shared", (s, body))
s, body = post("tb", "subnets", "subnet", network_id=ext, ip_version=4, cidr="10.8.0.0/24")
check(s == 403 and error_of(body) == "HTTPForbidden", "... nor a subnet", (s, body))
check(c("GET", f"/v2.0/networks/{ext}", token="tb")[1]["network"]["subnets"] != [] and
      c("GET", "/v2.0/subnets?network_id=" + ext, token="tb")[1]["subnets"] == [], "... whose subnets are not to be seen")
theirs = make("tb", "ports", "port", network_id=wide)["id"]
may(("port", None, "get"), c("GET", f"/v2.0/ports/{theirs}", token="ta"))
may_not(("port", None, "update"), put("ta", f"ports/{theirs}", "port", name="x"))
may(("port", None, "delete"), c("DELETE", f"/v2.0/ports/{theirs}", token="ta"))
for p in ("networks", "routers", "security-groups"):
    s, body = c("POST", f"/v2.0/{p}", {p[:-1].replace("-", "_"): {"tenant_id": "A", "name": "x"}}, token="tb")
    check(s == 400 and error_of(body) == "HTTPBadRequest", f"another project's {p}: 400", (s, body))

# ---- attributes: who may give them ----
mac = iter(range(16, 250))


def macs():
    return f"02:00:00:00:00:{next(mac):02x}"


host = iter(range(20, 250))
wide_port = make("tb", "ports", "port", network_id=wide)["id"]
own_port = make("ta", "ports", "port", network_id=net)["id"]
PORTS = (("mac_address", macs, "adm"), ("allowed_address_pairs", lambda: [{"ip_address": "10.0.0.99", "mac_address": macs()}], "ta"),
         ("fixed_ips", lambda: [], "ta"), ("port_security_enabled", lambda: True, "ta"),
         ("device_owner", lambda: "network:x", "ta"), ("binding:host_id", lambda: "h1", "adm"),
         ("binding:profile", lambda: {"a": 1}, "adm"))
for attr, value, who in PORTS:
    give = {attr.replace(":", "__"): value()}
    row = ("port", attr, "create")
    if attr == "fixed_ips":
        may(row, post("tb", "ports", "port", network_id=wide, fixed_ips=[]))
        no.add(row)  # who sees a network of another project's has it shared
    elif who == "adm" and attr != "mac_address":
        may_not(row, post("ta", "ports", "port", network_id=net, **give))
        may(row, post("adm", "ports", "port", network_id=net, tenant_id="A", **give))
    else:
        may_not(row, post("tb", "ports", "port", network_id=wide, **give))
        may(row, post("ta", "ports", "port", network_id=net, **{attr.replace(":", "__"): value()}))
    row = ("port", attr, "update")
    if who == "adm":
        may_not(row, put("ta", f"ports/{own_port}", "port", **give))
    may_not(row, put("tb", f"ports/{wide_port}", "port", **give))
    may(row, put(who, f"ports/{own_port}", "port", **{attr.replace(":", "__"): value()}))
for member, give in (("ip_address", {"ip_address": "10.9.9.9"}), ("subnet_id", {"subnet_id": wide_sub})):
    for verb in ("create", "update"):
        row = ("port", f"fixed_ips:{member}", verb)
        if verb == "update":  # the list itself is not theirs to give
            no.add(row)
            may(row, put("adm", f"ports/{wide_port}", "port", fixed_ips=[give]))
        elif member == "ip_address":
            may_not(row, post("tb", "ports", "port", network_id=wide, fixed_ips=[give]))
            may(row, post("ta", "ports", "port", network_id=wide, fixed_ips=[{"ip_address": "10.9.9.8"}]))
        else:
            may(row, post("tb", "ports", "port", network_id=wide, fixed_ips=[give]))
            no.add(row)
        no.add(("port", f"allowed_address_pairs:{member.replace('subnet_id', 'mac_address')}", verb))  # with the list
        yes.add(("port", f"allowed_address_pairs:{member.replace('subnet_id', 'mac_address')}", verb))
may(("port", "binding:vnic_type", "create"), post("tb", "ports", "port", network_id=wide, binding__vnic_type="normal"))
may(("port", "binding:vnic_type", "update"), put("tb", f"ports/{wide_port}", "port", binding__vnic_type="normal"))
no.add(("port", "binding:vnic_type", "update"))

segment = iter(range(100, 200))
pools = iter(range(1, 99))


def admin_only(noun, coll, path, attr, value, base=None, update=True, undo=None, create=True):
    """Of an object of A's: A may not, an administrator may."""
    give = {attr.replace(":", "__"): value}
    if create:
        may_not((noun, attr, "create"), post("ta", coll, noun, **(base() if base else {}), **give))
        may((noun, attr, "create"), post("adm", coll, noun, **(base() if base else {}), **give))
    if update:
        may_not((noun, attr, "update"), put("ta", path, noun, **give))
        may((noun, attr, "update"), put("adm", path, noun, **give))
        if undo is not None:
            may_not((noun, attr, "update"), put("ta", path, noun, **{attr.replace(":", "__"): undo}))
            c("PUT", f"/v2.0/{path}", {NAMES[noun]: {attr: undo}}, token="adm")


admin_only("net", "networks", f"networks/{net}", "shared", True, undo=False)
admin_only("net", "networks", f"networks/{net}", "router:external", True, undo=False)
check(post("ta", "networks", "net", shared=False, router__external=False)[0] == 201, "what is the default may be said by all")
may_not(("net", "provider:network_type", "create"), post("ta", "networks", "net", provider__network_type="vxlan"))
may_not(("net", "provider:physical_network", "create"), post("ta", "networks", "net", provider__physical_network="p1"))
may_not(("net", "provider:segmentation_id", "create"), post("ta", "networks", "net", provider__segmentation_id=5))
v = may(("net", "provider:network_type", "create"), post("adm", "networks", "net", provider__network_type="vlan",
                                                         provider__physical_network="p1", provider__segmentation_id=9))
for attr in ("network_type", "physical_network", "segmentation_id"):
    yes.add(("net", f"provider:{attr}", "create"))
    s, body = c("GET", f"/v2.0/networks/{net}", token="adm")
    check(f"provider:{attr}" in body["network"], f"may see: provider:{attr}")
    s, body = c("GET", f"/v2.0/networks/{net}", token="ta")
    check(f"provider:{attr}" not in body["network"], f"may not see: provider:{attr}")
    yes.add(("net", f"provider:{attr}", "get"))
    no.add(("net", f"provider:{attr}", "get"))
    # No network changes its segment: nobody is asked whether one may.
    yes.add(("net", f"provider:{attr}", "update"))
    no.add(("net", f"provider:{attr}", "update"))
check(c("GET", "/v2.0/networks?provider:segmentation_id=9", token="ta")[0] == 400, "... nor filter by it")
may(("net", "port_security_enabled", "update"), put("ta", f"networks/{net}", "net", port_security_enabled=True))
may(("net", "port_security_enabled", "create"), post("tb", "networks", "net", port_security_enabled=False))
no.add(("net", "port_security_enabled", "update"))
for attr in ("host_id", "profile", "vif_type", "vif_details"):
    check(f"binding:{attr}" in c("GET", f"/v2.0/ports/{own_port}", token="adm")[1]["port"] and
          f"binding:{attr}" not in c("GET", f"/v2.0/ports/{own_port}", token="ta")[1]["port"],
          f"an administrator sees binding:{attr}, the owner does not")
    yes.add(("port", f"binding:{attr}", "get"))
    no.add(("port", f"binding:{attr}", "get"))

admin_only("address_scope", "address-scopes", "address-scopes/" + make("ta", "address-scopes", "address_scope", ip_version=4,
                                                                       name="a")["id"], "shared", True,
           base=lambda: {"ip_version": 4, "name": "b"})
admin_only("addrgroup", "address-groups", "address-groups/" + make("ta", "address-groups", "addrgroup")["id"], "shared", True)
pool = make("ta", "subnetpools", "subnetpool", name="q", prefixes=["10.99.0.0/16"])["id"]
admin_only("subnetpool", "subnetpools", f"subnetpools/{pool}", "shared", True,
           base=lambda: {"name": "r", "prefixes": [f"10.{next(pools)}.0.0/16"]}, update=False)
may_not(("subnetpool", "is_default", "create"), post("ta", "subnetpools", "subnetpool", name="r", prefixes=["10.0.0.0/8"],
                                                     is_default=True))
may_not(("subnetpool", "is_default", "update"), put("ta", f"subnetpools/{pool}", "subnetpool", is_default=True))
may(("subnetpool", "is_default", "update"), put("adm", f"subnetpools/{pool}", "subnetpool", is_default=True))
may(("subnetpool", "is_default", "create"), post("adm", "subnetpools", "subnetpool", name="r6", prefixes=["fd00::/48"],
                                                 is_default=True))
# 'shared' of a pool is not changed by update; Neutron's attribute is the same.
yes.add(("subnetpool", "shared", "update"))
no.add(("subnetpool", "shared", "update"))
admin_only("subnet", "subnets", f"subnets/{sub}", "service_types", ["compute:nova"],
           base=lambda: {"network_id": net, "ip_version": 4, "cidr": f"10.50.{next(pools)}.0/24"}, undo=[])
r = make("ta", "routers", "router")["id"]
admin_only("router", "routers", f"routers/{r}", "distributed", True)
may_not(("router", "ha", "create"), post("ta", "routers", "router", ha=False))
may_not(("router", "ha", "update"), put("ta", f"routers/{r}", "router", ha=False))
may(("router", "ha", "create"), post("adm", "routers", "router", ha=False))
may(("router", "ha", "update"), put("adm", f"routers/{r}", "router", ha=False))
for attr in ("ha", "distributed"):
    check(attr in c("GET", f"/v2.0/routers/{r}", token="adm")[1]["router"] and
          attr not in c("GET", f"/v2.0/routers/{r}", token="ta")[1]["router"], f"an administrator sees {attr}, the owner does not")
    yes.add(("router", attr, "get"))
    no.add(("router", attr, "get"))
for attr, value in (("enable_snat", True), ("external_fixed_ips", [])):
    row, gw = f"external_gateway_info:{attr}", {"network_id": ext, attr: value}
    may_not(("router", row, "create"), post("ta", "routers", "router", external_gateway_info=gw))
    may_not(("router", row, "update"), put("ta", f"routers/{r}", "router", external_gateway_info=gw))
    may(("router", row, "create"), post("adm", "routers", "router", external_gateway_info=gw))
    may(("router", row, "update"), put("adm", f"routers/{r}", "router", external_gateway_info=gw))
for verb in ("create", "update"):
    for row in ("external_gateway_info", "external_gateway_info:network_id"):
        yes.add(("router", row, verb))  # above, by A; who does not own the router does not find it
        no.add(("router", row, verb))
check(put("ta", f"routers/{r}", "router", external_gateway_info={"network_id": ext})[0] == 200, "a gateway, by its owner")
may_not(("floatingip", "floating_ip_address", "create"),
        post("ta", "floatingips", "floatingip", floating_network_id=ext, floating_ip_address="192.0.2.77"))
may(("floatingip", "floating_ip_address", "create"),
    post("adm", "floatingips", "floatingip", floating_network_id=ext, floating_ip_address="192.0.2.77"))
yes.add(("floatingip", "floating_ip_address", "update"))  # is no attribute that can be updated
no.add(("floatingip", "floating_ip_address", "update"))
for verb, call in (("create", lambda t, target: post(t, "rbac-policies", "rbac", object_type="network", object_id=net,
                                                     action="access_as_shared", target_tenant=target)),
                   ("update", lambda t, target: put(t, "rbac-policies/" + pol, "rbac", target_tenant=target))):
    may_not(("rbac", "target_tenant", verb), call("ta", "*"))
    a = may(("rbac", "target_tenant", verb), call("ta", "X" + verb))
    pol = a["rbac_policy"]["id"]

# ---- what is an administrator's altogether ----
rng = {"name": "r", "network_type": "vxlan", "minimum": 5000, "maximum": 5100}
rule = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
for noun, coll, attrs, change in (("segment_range", "network_segment_ranges", rng, {"name": "s"}),
                                  ("default_sg_rule", "default-security-group-rules", rule, {"description": "d"})):
    may_not((noun, None, "create"), post("ta", coll, noun, **attrs))
    o = may((noun, None, "create"), post("adm", coll, noun, **attrs))[NAMES[noun]]
    path, hidden = f"{coll}/{o['id']}", noun == "segment_range"
    if hidden:
        may_not((noun, None, "get"), c("GET", f"/v2.0/{path}", token="ta"), hidden=True)
        check(c("GET", f"/v2.0/{coll}", token="ta")[1] == {"network_segment_ranges": []}, "... nor is there any in a list")
    may((noun, None, "get"), c("GET", f"/v2.0/{path}", token="adm" if hidden else "ta"))
    may_not((noun, None, "update"), put("ta", path, noun, **change), hidden=hidden)
    may((noun, None, "update"), put("adm", path, noun, **change))
    may_not((noun, None, "delete"), c("DELETE", f"/v2.0/{path}", token="ta"), hidden=hidden)
    may((noun, None, "delete"), c("DELETE", f"/v2.0/{path}", token="adm"))
Q = {"quota": {"network": 99}}
may_not(("quota", None, "get"), c("GET", "/v2.0/quotas/A", token="tb"))
may(("quota", None, "get"), c("GET", "/v2.0/quotas/A", token="ta"))
may_not(("quota", None, "update"), c("PUT", "/v2.0/quotas/A", Q, token="ta"))
may(("quota", None, "update"), c("PUT", "/v2.0/quotas/A", Q, token="adm"))
may_not(("quota", None, "delete"), c("DELETE", "/v2.0/quotas/A", token="ta"))
may(("quota", None, "delete"), c("DELETE", "/v2.0/quotas/A", token="adm"))
yes.add(("quota", None, "create"))  # quotas come by update
no.add(("quota", None, "create"))

# ---- actions, views ----
s, body = c("GET", f"/v2.0/ports/{own_port}/bindings", token="ta")
check(s == 403 and error_of(body) == "PolicyNotAuthorized" and
      c("GET", f"/v2.0/ports/{own_port}/bindings", token="adm")[0] == 200, "bindings are an administrator's", (s, body))
for action in ("add_router_interface", "remove_router_interface", "add_extraroutes", "remove_extraroutes"):
    check(c("PUT", f"/v2.0/routers/{r}/{action}", {}, token="tb")[0] == 404 and
          c("PUT", f"/v2.0/routers/{r}/{action}", {"router": {}}, token="ta")[0] in (200, 400), f"{action}: the owner")
for view in re.findall(r'^VIEW\("([^"]+)", ADMIN\)', table, re.M):
    if view not in ("weft", "quotas"):
        s, body = c("GET", f"/v2.0/{view}", token="ta")
        check(s == 200 and list(body.values()) == [[]], f"{view}: nothing to be seen by a member", (s, body))
check(c("GET", "/v2.0/network-ip-availabilities", token="adm")[1]["network_ip_availabilities"] != [], "... but by an administrator")
for path in ("/weft/v1/status", "/v2.0/quotas"):
    s, body = c("GET", path, token="ta")
    check(s == 403 and error_of(body) == "PolicyNotAuthorized" and c("GET", path, token="adm")[0] == 200, f"{path}: 403", (s, body))

check(not set(ROWS) - yes, "of each row, one who may", sorted(map(str, set(ROWS) - yes)))
left = {row for row in set(ROWS) - no if ROWS[row] != {"ANY"}}
check(not left, "of each row that is not for all, one who may not", sorted(map(str, left)))
finish()
