#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Routers, floating IPs and port forwardings as a client sees them: what is made, what follows, what is refused.

    this test ── HTTP ──> weft-controller ──> SQLite        (no switch is connected)

    net a 10.0.0.0/24 ──┐
    net b 10.0.1.0/24 ──┴─ router ── net pub 203.0.113.0/24 (external)
"""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import Controller, SMALL, check, finish, refused  # noqa: E402

c = Controller()


def get(path):
    return c("GET", "/v2.0/" + path)[1]


def act(router, what, body):
    return c("PUT", f"/v2.0/routers/{router['id']}/{what}", body)


def put(path, name, **attrs):
    return c("PUT", f"/v2.0/{path}", {name: attrs})


def ports(**filters):
    return get("ports?" + "&".join(f"{k}={v}" for k, v in filters.items()))["ports"]


pub = c.make("network", name="pub", router__external=True, provider__network_type="flat", provider__physical_network="p")
pubs = c.make("subnet", network_id=pub["id"], ip_version=4, cidr="203.0.113.0/28", enable_dhcp=False)
a, b = c.make("network", name="a"), c.make("network", name="b")
sa = c.make("subnet", network_id=a["id"], ip_version=4, cidr="10.0.0.0/24")
sb = c.make("subnet", network_id=b["id"], ip_version=4, cidr="10.0.1.0/24")
s6 = c.make("subnet", network_id=a["id"], ip_version=6, cidr="2001:db8::/64")
s7 = c.make("subnet", network_id=a["id"], ip_version=6, cidr="2001:db8:0:1::/64")
check(get("networks?router:external=True")["networks"][0]["id"] == pub["id"]
      and len(get("networks?router:external=False")["networks"]) == 2, "external networks are told apart by a filter")

# ---- interfaces ----
r = c.make("router", name="r")
check(r["external_gateway_info"] is None and r["routes"] == [] and r["status"] == "ACTIVE" and r["ha"] is False,
      "a router has nothing to begin with", r)
s, i = act(r, "add_router_interface", {"subnet_id": sa["id"]})
check(s == 200 and i["subnet_id"] == sa["id"] and i["subnet_ids"] == [sa["id"]] and i["id"] == r["id"],
      "an interface is added by a subnet", i)
p = get("ports/" + i["port_id"])["port"]
check(p["fixed_ips"] == [{"subnet_id": sa["id"], "ip_address": "10.0.0.1"}] and p["device_id"] == r["id"]
      and p["device_owner"] == "network:router_interface", "its port has the subnet's gateway address", p)
refused("the same subnet again", act(r, "add_router_interface", {"subnet_id": sa["id"]}), 400, "BadRequest")
mine = c.make("port", network_id=b["id"], fixed_ips=[{"ip_address": "10.0.1.9"}])
s, i = act(r, "add_router_interface", {"port_id": mine["id"]})
check(s == 200 and i["port_id"] == mine["id"], "an interface is added by a port", i)
check(get("ports/" + mine["id"])["port"]["device_id"] == r["id"], "... which is the router's now")
refused("a port that is in use", act(r, "add_router_interface", {"port_id": mine["id"]}), 409, "PortInUse")
s, i6 = act(r, "add_router_interface", {"subnet_id": s6["id"]})
s, i7 = act(r, "add_router_interface", {"subnet_id": s7["id"]})
check(i6["port_id"] == i7["port_id"] and len(get("ports/" + i7["port_id"])["port"]["fixed_ips"]) == 2,
      "IPv6 prefixes of a network share a port", i7)
s, i7 = act(r, "remove_router_interface", {"subnet_id": s7["id"]})
check(s == 200 and len(get("ports/" + i6["port_id"])["port"]["fixed_ips"]) == 1, "... and leave it one by one", i7)
over = c.make("network")
so = c.make("subnet", network_id=over["id"], ip_version=4, cidr="10.0.0.128/25")
refused("a subnet that overlaps", act(r, "add_router_interface", {"subnet_id": so["id"]}), 400, "BadRequest")
none = c.make("subnet", network_id=over["id"], ip_version=4, cidr="10.9.0.0/24", gateway_ip=None)
refused("a subnet without gateway", act(r, "add_router_interface", {"subnet_id": none["id"]}), 400, "BadRequest")
refused("both", act(r, "add_router_interface", {"subnet_id": sa["id"], "port_id": mine["id"]}), 400, "BadRequest")
refused("neither", act(r, "add_router_interface", {}), 400, "BadRequest")
refused("a list", act(r, "add_router_interface", []), 400, "BadRequest")
refused("a number", act(r, "add_router_interface", {"subnet_id": 7}), 400, "BadRequest")
refused("a subnet that is not there", act(r, "add_router_interface", {"subnet_id": SMALL}), 404, "SubnetNotFound")
refused("a port that is not there", act(r, "add_router_interface", {"port_id": SMALL}), 404, "PortNotFound")
refused("a router that is not there", c("PUT", f"/v2.0/routers/{SMALL}/add_router_interface",
                                        {"subnet_id": sa["id"]}), 404, "RouterNotFound")
refused("the wrong method", c("POST", f"/v2.0/routers/{r['id']}/add_router_interface", {}), 405, "HTTPMethodNotAllowed")
refused("an unknown action", act(r, "explode", {}), 404, "HTTPNotFound")
refused("deleting a router's port", c("DELETE", f"/v2.0/ports/{mine['id']}"), 409, "ServicePortInUse")
refused("deleting a router with interfaces", c("DELETE", f"/v2.0/routers/{r['id']}"), 409, "RouterInUse")
refused("removing what is not there", act(r, "remove_router_interface", {"subnet_id": so["id"]}), 404,
        "RouterInterfaceNotFoundForSubnet")
refused("removing a port that is none of it", act(r, "remove_router_interface", {"port_id": SMALL}), 404,
        "RouterInterfaceNotFound")
refused("removing a port by another subnet", act(r, "remove_router_interface", {
    "port_id": mine["id"], "subnet_id": sa["id"]}), 400, "SubnetMismatchForPort")

# ---- gateway ----
s, body = put(f"routers/{r['id']}", "router", external_gateway_info={"network_id": pub["id"]})
g = body["router"]["external_gateway_info"]
check(s == 200 and g["enable_snat"] is True and g["external_fixed_ips"] == [
    {"subnet_id": pubs["id"], "ip_address": "203.0.113.2"}], "a gateway gets an address", body)
gp = ports(device_id=r["id"], device_owner="network:router_gateway")
check(len(gp) == 1 and gp[0]["tenant_id"] == "" and gp[0]["network_id"] == pub["id"], "... by a port of nobody's", gp)
s, body = put(f"routers/{r['id']}", "router", external_gateway_info={
    "network_id": pub["id"], "enable_snat": False, "external_fixed_ips": [{"ip_address": "203.0.113.9"}]})
check(s == 200 and body["router"]["external_gateway_info"]["external_fixed_ips"][0]["ip_address"] == "203.0.113.9"
      and body["router"]["external_gateway_info"]["enable_snat"] is False, "its address and SNAT can be chosen", body)
refused("an address of somebody else", put(f"routers/{r['id']}", "router", external_gateway_info={
    "network_id": pub["id"], "external_fixed_ips": [{"ip_address": "203.0.113.1"}]}), 400, "BadRequest")
refused("a network that is not external", put(f"routers/{r['id']}", "router",
        external_gateway_info={"network_id": a["id"]}), 400, "BadRequest")
refused("a gateway without network", put(f"routers/{r['id']}", "router", external_gateway_info={"enable_snat": True}),
        400, "HTTPBadRequest")
refused("a network that has routers stays external", c("PUT", f"/v2.0/networks/{pub['id']}", {
    "network": {"router:external": False}}), 409, "ExternalNetworkInUse")
r2 = c.make("router", external_gateway_info={"network_id": pub["id"]})
check(r2["external_gateway_info"]["external_fixed_ips"][0]["ip_address"].startswith("203.0.113."),
      "a router is made with its gateway", r2)
before = len(ports(network_id=pub["id"]))
refused("a router with a gateway that cannot be", c("POST", "/v2.0/routers", {"router": {"external_gateway_info": {
    "network_id": pub["id"], "external_fixed_ips": [{"ip_address": "203.0.113.9"}]}}}), 409, "IpAddressAlreadyAllocated")
check(len(ports(network_id=pub["id"])) == before and len(get("routers")["routers"]) == 2, "... leaves nothing behind")

# ---- extra routes ----
route = {"destination": "192.168.0.0/16", "nexthop": "10.0.0.77"}
other = {"destination": "192.168.0.0/16", "nexthop": "10.0.1.77"}
s, body = act(r, "add_extraroutes", {"router": {"routes": [route]}})
check(s == 200 and body["router"]["routes"] == [route], "a route is added", body)
s, body = act(r, "add_extraroutes", {"router": {"routes": [route, other]}})
check(s == 200 and sorted(x["nexthop"] for x in body["router"]["routes"]) == ["10.0.0.77", "10.0.1.77"],
      "adding again changes nothing; a second next hop does", body)
refused("removing the interface it needs", act(r, "remove_router_interface", {"subnet_id": sa["id"]}), 409,
        "RouterInterfaceInUseByRoute")
s, body = act(r, "remove_extraroutes", {"router": {"routes": [other, {"destination": "1.0.0.0/8", "nexthop": "10.0.0.2"}]}})
check(s == 200 and body["router"]["routes"] == [route], "a route is removed; one that is not there is no error", body)
for what, bad in (("next hop on no subnet", {"destination": "192.168.0.0/16", "nexthop": "172.16.0.1"}),
                  ("mixed versions", {"destination": "2001:db8:9::/48", "nexthop": "10.0.0.7"}),
                  ("itself as next hop", {"destination": "192.168.0.0/16", "nexthop": "10.0.0.1"})):
    refused(what, put(f"routers/{r['id']}", "router", routes=[bad]), 400, "InvalidRoutes")
refused("host bits", put(f"routers/{r['id']}", "router", routes=[{"destination": "192.168.0.1/16", "nexthop": "10.0.0.7"}]), 400,
        "HTTPBadRequest")
refused("no destination", put(f"routers/{r['id']}", "router", routes=[{"nexthop": "10.0.0.7"}]), 400, "HTTPBadRequest")
s, body = put(f"routers/{r['id']}", "router", routes=[])
check(s == 200 and body["router"]["routes"] == [], "routes are set as a whole")

# ---- floating IPs ----
p1 = c.make("port", network_id=a["id"], fixed_ips=[{"ip_address": "10.0.0.5"}])
f = c.make("floatingip", floating_network_id=pub["id"], port_id=p1["id"])
check(f["fixed_ip_address"] == "10.0.0.5" and f["router_id"] == r["id"] and f["status"] == "ACTIVE"
      and f["floating_ip_address"].startswith("203.0.113.") and "name" not in f and "subnet_id" not in f
      and f["port_details"]["network_id"] == a["id"], "a floating IP finds its router", f)
check([x["id"] for x in get(f"floatingips?fixed_ip_address=10.0.0.5&port_id={p1['id']}")["floatingips"]] == [f["id"]],
      "it is found by port and address, as Nova asks")
refused("the same port again", c("POST", "/v2.0/floatingips", {"floatingip": {
    "floating_network_id": pub["id"], "port_id": p1["id"]}}), 409, "FloatingIPPortAlreadyAssociated")
refused("a network that is not external", c("POST", "/v2.0/floatingips", {"floatingip": {
    "floating_network_id": a["id"]}}), 400, "BadRequest")
far = c.make("port", network_id=over["id"], fixed_ips=[{"subnet_id": so["id"]}])
refused("a port that no router reaches", c("POST", "/v2.0/floatingips", {"floatingip": {
    "floating_network_id": pub["id"], "port_id": far["id"]}}), 404, "ExternalGatewayForFloatingIPNotFound")
refused("an address that the port lacks", c("POST", "/v2.0/floatingips", {"floatingip": {
    "floating_network_id": pub["id"], "port_id": p1["id"], "fixed_ip_address": "10.0.0.6"}}), 400, "BadRequest")
refused("an address without a port", c("POST", "/v2.0/floatingips", {"floatingip": {
    "floating_network_id": pub["id"], "fixed_ip_address": "10.0.0.6"}}), 400, "BadRequest")
refused("a router's gateway while floating IPs need it", put(f"routers/{r['id']}", "router",
        external_gateway_info={}), 409, "RouterExternalGatewayInUseByFloatingIp")
refused("an interface while floating IPs need it", act(r, "remove_router_interface", {"subnet_id": sa["id"]}), 409,
        "RouterInterfaceInUseByFloatingIP")
s, body = put(f"floatingips/{f['id']}", "floatingip", port_id=None)
check(s == 200 and body["floatingip"]["port_id"] is None and body["floatingip"]["router_id"] is None
      and body["floatingip"]["status"] == "DOWN", "it leaves its port", body)
two = c.make("port", network_id=a["id"], fixed_ips=[{"ip_address": "10.0.0.7"}, {"ip_address": "10.0.0.8"}])
refused("a port with two addresses", put(f"floatingips/{f['id']}", "floatingip", port_id=two["id"]), 400, "BadRequest")
s, body = put(f"floatingips/{f['id']}", "floatingip", port_id=two["id"], fixed_ip_address="10.0.0.8")
check(s == 200 and body["floatingip"]["fixed_ip_address"] == "10.0.0.8", "... unless one is named", body)
c("DELETE", f"/v2.0/ports/{two['id']}")
check(get(f"floatingips/{f['id']}")["floatingip"]["port_id"] is None, "it outlives its port")
fixed = c.make("floatingip", floating_network_id=pub["id"], floating_ip_address="203.0.113.12")
check(fixed["floating_ip_address"] == "203.0.113.12", "its address can be chosen")
refused("an address twice", c("POST", "/v2.0/floatingips", {"floatingip": {
    "floating_network_id": pub["id"], "floating_ip_address": "203.0.113.12"}}), 409, "IpAddressAlreadyAllocated")
outer = ports(device_owner="network:floatingip", device_id=fixed["id"])
refused("deleting its port", c("DELETE", f"/v2.0/ports/{outer[0]['id']}"), 409, "ServicePortInUse")
s, _ = c("DELETE", f"/v2.0/floatingips/{fixed['id']}")
check(s == 204 and not ports(device_id=fixed["id"]), "its port goes with it")

# ---- port forwardings ----
way = f"floatingips/{f['id']}/port_forwardings"
one = {"protocol": "tcp", "external_port": 2222, "internal_port": 22, "internal_port_id": p1["id"],
       "internal_ip_address": "10.0.0.5"}
s, body = c("POST", "/v2.0/" + way, {"port_forwarding": one})
pf = body.get("port_forwarding", {})
check(s == 201 and pf["internal_ip_address"] == "10.0.0.5" and "floatingip_id" not in pf, "a port is forwarded", body)
check(get(f"floatingips/{f['id']}")["floatingip"]["port_forwardings"] == [
    {"id": pf["id"], "external_port": 2222, "external_port_range": "2222:2222", "internal_port": 22, "internal_port_range": "22:22",
     "protocol": "tcp", "internal_ip_address": "10.0.0.5", "internal_port_id": p1["id"]}]
    and get(f"floatingips/{f['id']}")["floatingip"]["router_id"] == r["id"], "the floating IP shows it, and has a router")
refused("an external port twice", c("POST", "/v2.0/" + way, {"port_forwarding": dict(one, internal_port=23)}), 400,
        "BadRequest")
refused("a place twice", c("POST", "/v2.0/" + way, {"port_forwarding": dict(one, external_port=9)}), 400, "BadRequest")
refused("another's address", c("POST", "/v2.0/" + way, {"port_forwarding": dict(
    one, external_port=9, internal_ip_address="10.0.0.99")}), 400, "BadRequest")
refused("port 0", c("POST", "/v2.0/" + way, {"port_forwarding": dict(one, external_port=0)}), 400, "HTTPBadRequest")
refused("an unknown protocol", c("POST", "/v2.0/" + way, {"port_forwarding": dict(one, protocol="gre")}), 400,
        "InvalidInput")
refused("leading the floating IP elsewhere", put(f"floatingips/{f['id']}", "floatingip", port_id=p1["id"]), 409,
        "FipInUseByPortForwarding")
other_f = c.make("floatingip", floating_network_id=pub["id"])
refused("below another floating IP", c("GET", f"/v2.0/floatingips/{other_f['id']}/port_forwardings/{pf['id']}"), 404,
        "PortForwardingNotFound")
check(get(f"floatingips/{other_f['id']}/port_forwardings")["port_forwardings"] == []
      and len(get(way)["port_forwardings"]) == 1, "each floating IP lists its own")
refused("below nothing", c("GET", "/v2.0/port_forwardings"), 404, "HTTPNotFound")
s, body = put(f"{way}/{pf['id']}", "port_forwarding", external_port=2223, protocol="udp")
check(s == 200 and body["port_forwarding"]["external_port"] == 2223 and body["port_forwarding"]["protocol"] == "udp",
      "it is changed", body)

# ---- ranges of them ----


def ports_of(x):
    return tuple(x[k] for k in ("external_port", "external_port_range", "internal_port", "internal_port_range"))


def ranged(i, **attrs):
    s, body = put(f"{way}/{i}", "port_forwarding", **attrs)
    return ports_of(body["port_forwarding"]) if s == 200 else (s, body)


extensions = {x["alias"] for x in get("extensions")["extensions"]}
check({"floating-ip-port-forwarding" + x for x in ("", "-description", "-detail", "-port-ranges")} <= extensions, "extensions say so")
check(ports_of(get(f"{way}/{pf['id']}")["port_forwarding"]) == (2223, "2223:2223", 22, "22:22"), "a port is a range of one")
wide = {k: v for k, v in one.items() if k not in ("external_port", "internal_port")}
s, body = c("POST", "/v2.0/" + way, {"port_forwarding": dict(wide, external_port_range="80:90", internal_port_range="80:90",
                                                             description="web")})
wide = body.get("port_forwarding", {})
check(s == 201 and ports_of(wide) == (None, "80:90", None, "80:90") and wide["description"] == "web", "a range is forwarded", body)
check([x["id"] for x in get(way + "?external_port_range=80:90")["port_forwardings"]] == [wide["id"]]
      and [x["id"] for x in get(way + "?external_port=2223")["port_forwardings"]] == [pf["id"]], "... and found by it")
i = wide["id"]
check(ranged(i, internal_port=8080) == (None, "80:90", 8080, "8080:8080"), "it leads to one port")
check(ranged(i, external_port_range="81") == (81, "81:81", 8080, "8080:8080"), "... from one")
check(ranged(i, external_port_range="80:90", internal_port_range="180:190", external_port=None)
      == (None, "80:90", None, "180:190"), "... and to others")
check(ranged(i, external_port=None, internal_port_range=None) == (None, "80:90", None, "180:190"), "null says nothing")
check([x["external_port_range"] for x in get(f"floatingips/{f['id']}")["floatingip"]["port_forwardings"]] == ["2223:2223", "80:90"],
      "the floating IP shows ranges")
c.kill()
c.start()
check(ports_of(get(f"{way}/{i}")["port_forwarding"]) == (None, "80:90", None, "180:190"), "a range is kept")
check(c("DELETE", f"/v2.0/{way}/{i}")[0] == 204, "... and deleted")

had = get(f"ports/{p1['id']}")["port"]["fixed_ips"]
check(put(f"ports/{p1['id']}", "port", fixed_ips=[])[0] == 200 and get(way)["port_forwardings"] == [],
      "an address that is forwarded to takes its forwarding along")
put(f"ports/{p1['id']}", "port", fixed_ips=had)
pf = c("POST", "/v2.0/" + way, {"port_forwarding": dict(one, external_port=2223)})[1]["port_forwarding"]

# ---- addresses that a floating IP leads to ----
p3 = c.make("port", network_id=a["id"], fixed_ips=[{"ip_address": "10.0.0.77"}, {"ip_address": "10.0.0.78"}])
f3 = c.make("floatingip", floating_network_id=pub["id"], port_id=p3["id"], fixed_ip_address="10.0.0.77")
taken = {"protocol": "tcp", "external_port": 99, "internal_port": 22, "internal_port_id": p3["id"], "internal_ip_address": "10.0.0.77"}
refused("forwarding to an address with a floating IP", c("POST", "/v2.0/" + way, {"port_forwarding": taken}), 409, "PortHasBindingFloatingIP")
s, body = put(f"{way}/{pf['id']}", "port_forwarding", internal_port_id=p3["id"], internal_ip_address="10.0.0.77")
refused("... and turning one there", (s, body), 409, "PortHasBindingFloatingIP")
put(f"ports/{p3['id']}", "port", fixed_ips=[{"ip_address": "10.0.0.77"}])
check(get(f"floatingips/{f3['id']}")["floatingip"]["port_id"] == p3["id"], "another address of its port may go")
put(f"ports/{p3['id']}", "port", fixed_ips=[{"ip_address": "10.0.0.79"}])
now = get(f"floatingips/{f3['id']}")["floatingip"]
check(now["port_id"] is None and now["router_id"] is None and now["fixed_ip_address"] is None and now["status"] == "DOWN",
      "when its own goes, the floating IP leads nowhere", now)
c("DELETE", f"/v2.0/floatingips/{f3['id']}")
c("DELETE", f"/v2.0/ports/{p3['id']}")

# ---- a restart, and the end ----
everything = {k: get(k)[k] for k in ("routers", "floatingips", "ports", "networks")}
c.kill()
c.start()
check({k: get(k)[k] for k in ("routers", "floatingips", "ports", "networks")} == everything
      and get(way)["port_forwardings"][0]["external_port"] == 2223, "a killed controller comes back with all of it")
check(c("DELETE", f"/v2.0/{way}/{pf['id']}")[0] == 204
      and get(f"floatingips/{f['id']}")["floatingip"]["router_id"] is None, "the last forwarding frees the floating IP")
for x in (f, other_f):
    c("DELETE", f"/v2.0/floatingips/{x['id']}")
for x in (sa, sb, s6):
    check(act(r, "remove_router_interface", {"subnet_id": x["id"]})[0] == 200, "an interface is removed")
check(not ports(device_owner="network:router_interface"), "their ports are gone")
check(c("DELETE", f"/v2.0/routers/{r['id']}")[0] == 204 and c("DELETE", f"/v2.0/routers/{r2['id']}")[0] == 204
      and not ports(network_id=pub["id"]), "routers go with their gateways' ports")
finish()
