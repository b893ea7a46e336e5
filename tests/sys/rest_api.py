#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Networking API v2.0 as a client sees it: networks, subnets, ports, lists, errors.

    this test ── HTTP ──> weft-controller ──> SQLite        (no switch is connected)
"""
import sys
import os
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import Controller, SMALL, check, finish, refused  # noqa: E402

c = Controller()


# ---- versions and extensions ----
s, body = c("GET", "/")
check(s == 200 and body["versions"][0]["id"] == "v2.0" and body["versions"][0]["links"][0]["href"].startswith(c.url),
      "GET / is a version document", body)
s, body = c("GET", "/v2.0")
check(s == 200 and {r["collection"] for r in body["resources"]} >= {"networks", "subnets", "ports", "quotas"},
      "GET /v2.0 lists the resources", body)
s, body = c("GET", "/v2.0/extensions")
aliases = {x["alias"] for x in body["extensions"]}
check(s == 200 and {"provider", "binding", "port-security", "allowed-address-pairs"} <= aliases and
      not {"qos", "trunk"} & aliases, "extensions: those that are there, and no others", aliases)
check(c("GET", "/v2.0/extensions/provider")[1]["extension"]["alias"] == "provider", "one extension by its alias")
refused("an unknown extension", c("GET", "/v2.0/extensions/nope"), 404, "ExtensionNotFound")
refused("an unknown collection", c("GET", "/v2.0/qos"), 404, "HTTPNotFound")
refused("an unknown path", c("GET", "/v3"), 404, "HTTPNotFound")
refused("a method that is not there", c("PUT", "/v2.0/networks", {}), 405, "HTTPMethodNotAllowed")

# ---- networks ----
net = c.make("network", name="red", mtu="1400", description="first")
check(net["mtu"] == 1400 and net["status"] == "ACTIVE" and net["admin_state_up"] is True and net["shared"] is False
      and net["subnets"] == [] and net["provider:network_type"] == "vxlan" and net["router:external"] is False
      and net["port_security_enabled"] is True and net["revision_number"] == 0 and net["tags"] == []
      and net["created_at"].endswith("Z"), "a network has all attributes, with defaults", net)
check(c("GET", f"/v2.0/networks/{net['id']}")[1]["network"] == net, "show gives what create gave")
s, body = c("PUT", f"/v2.0/networks/{net['id']}", {"network": {"name": "rouge", "admin_state_up": False}})
check(s == 200 and body["network"]["name"] == "rouge" and body["network"]["admin_state_up"] is False
      and body["network"]["revision_number"] == 1 and body["network"]["description"] == "first",
      "update changes what it says and nothing else", body)
check(c.make("network")["mtu"] == 1450, "VXLAN networks leave room for the tunnel: MTU 1450")
v = c.make("network", provider__network_type="vlan", provider__physical_network="phys", provider__segmentation_id=100)
check(v["provider:segmentation_id"] == 100 and v["mtu"] == 1500, "a provider VLAN network")
check(c.make("network", provider__network_type="vlan", provider__physical_network="phys")["provider:segmentation_id"]
      == 1, "a VLAN id is chosen")
refused("a VLAN id again", c("POST", "/v2.0/networks", {"network": {
    "provider:network_type": "vlan", "provider:physical_network": "phys", "provider:segmentation_id": 100}}), 409,
    "VlanIdInUse")
refused("VLAN 4095", c("POST", "/v2.0/networks", {"network": {
    "provider:network_type": "vlan", "provider:physical_network": "phys", "provider:segmentation_id": 4095}}), 400,
    "InvalidInput")
refused("a VLAN without a physical network", c("POST", "/v2.0/networks", {"network": {
    "provider:network_type": "vlan", "provider:segmentation_id": 9}}), 400, "InvalidInput")
for vni in (0, 1 << 23, (1 << 24) - 1):
    check(c.make("network", provider__network_type="vxlan", provider__segmentation_id=vni)
          ["provider:segmentation_id"] == vni, f"VNI {vni} can be had")
refused("a VNI again", c("POST", "/v2.0/networks", {"network": {
    "provider:network_type": "vxlan", "provider:segmentation_id": 0}}), 409, "TunnelIdInUse")
f = c.make("network", provider__network_type="flat", provider__physical_network="phys")
check(f["provider:segmentation_id"] is None, "a flat network has no segmentation id")
refused("a second flat network", c("POST", "/v2.0/networks", {"network": {
    "provider:network_type": "flat", "provider:physical_network": "phys"}}), 409, "FlatNetworkInUse")
refused("an unknown network", c("GET", f"/v2.0/networks/{SMALL}"), 404, "NetworkNotFound")
refused("a network by its name", c("GET", "/v2.0/networks/rouge"), 404, "NetworkNotFound")

# ---- subnets ----
N = c.make("network", name="n")["id"]
sub = c.make("subnet", network_id=N, ip_version=4, cidr="10.0.0.0/24", name="s4")
check(sub["gateway_ip"] == "10.0.0.1" and sub["allocation_pools"] == [{"start": "10.0.0.2", "end": "10.0.0.254"}]
      and sub["enable_dhcp"] is True and sub["dns_nameservers"] == [] and sub["host_routes"] == []
      and sub["ipv6_address_mode"] is None and sub["subnetpool_id"] is None, "a subnet's gateway and pools", sub)
check(c("GET", f"/v2.0/networks/{N}")[1]["network"]["subnets"] == [sub["id"]], "its network lists it")
six = c.make("subnet", network_id=N, ip_version=6, cidr="2001:DB8:0::/64")
check(six["cidr"] == "2001:db8::/64" and six["gateway_ip"] == "2001:db8::1"
      and six["allocation_pools"] == [{"start": "2001:db8::2", "end": "2001:db8::ffff:ffff:ffff:ffff"}],
      "an IPv6 subnet", six)


def subnet(kind, status, what, **attrs):
    body = {"network_id": N, "ip_version": 4, "cidr": "10.1.0.0/24"}
    body.update(attrs)
    refused(what, c("POST", "/v2.0/subnets", {"subnet": body}), status, kind)


subnet("InvalidInput", 400, "a subnet that overlaps", cidr="10.0.0.128/25")
subnet("InvalidInput", 400, "a cidr of the other version", ip_version=6)
subnet("HTTPBadRequest", 400, "ip_version 5", ip_version=5)
subnet("InvalidInput", 400, "a multicast cidr", cidr="224.0.0.0/8")
subnet("InvalidInput", 400, "all of IPv4", cidr="0.0.0.0/0")
subnet("InvalidInput", 400, "a gateway outside", gateway_ip="10.2.0.1")
subnet("InvalidInput", 400, "the broadcast address as gateway", gateway_ip="10.1.0.255")
subnet("GatewayConflictWithAllocationPools", 409, "a gateway in a pool",
       allocation_pools=[{"start": "10.1.0.1", "end": "10.1.0.9"}])
subnet("OutOfBoundsAllocationPool", 400, "a pool outside", allocation_pools=[{"start": "10.2.0.1", "end": "10.2.0.9"}])
subnet("InvalidAllocationPool", 400, "a pool back to front", allocation_pools=[{"start": "10.1.0.9", "end": "10.1.0.3"}])
subnet("OverlappingAllocationPools", 409, "pools that overlap", allocation_pools=[
    {"start": "10.1.0.2", "end": "10.1.0.9"}, {"start": "10.1.0.9", "end": "10.1.0.20"}])
subnet("NetworkNotFound", 404, "a subnet of no network", network_id=SMALL)
subnet("InvalidInput", 400, "slaac in a /80", ip_version=6, cidr="2001:db8:1::/80", ipv6_address_mode="slaac")
n = len(c.list("subnets"))
check(n == 2, "a create that fails leaves nothing behind", n)
check(c.make("subnet", network_id=N, ip_version=4, cidr="10.9.0.0/24", gateway_ip=None)["gateway_ip"] is None,
      "a subnet without a gateway")
tiny = c.make("network")["id"]
check(c.make("subnet", network_id=tiny, ip_version=4, cidr="10.8.0.0/31", gateway_ip=None, enable_dhcp=False)["allocation_pools"]
      == [{"start": "10.8.0.0", "end": "10.8.0.1"}], "a /31 has two hosts (RFC 3021)")

# ---- ports ----
p = c.make("port", network_id=N, name="p")
check({x["ip_address"] for x in p["fixed_ips"]} == {"10.0.0.2", "2001:db8::2"} and p["status"] == "DOWN"
      and p["mac_address"].startswith("fa:16:3e:") and p["binding:vif_type"] == "unbound"
      and p["binding:vnic_type"] == "normal" and p["binding:host_id"] == "" and p["binding:profile"] == {}
      and len(p["security_groups"]) == 1 and p["allowed_address_pairs"] == [] and p["device_id"] == "",
      "a port gets an IPv4 and an IPv6 address", p)
q = c.make("port", network_id=N, fixed_ips=[{"ip_address": "10.0.0.77"}], mac_address="02-00-00-00-00-01")
check([x["ip_address"] for x in q["fixed_ips"]] == ["10.0.0.77"] and q["mac_address"] == "02:00:00:00:00:01",
      "a port with a chosen address", q)


def port(kind, status, what, **attrs):
    body = {"network_id": N}
    body.update({k.replace("__", ":"): v for k, v in attrs.items()})
    refused(what, c("POST", "/v2.0/ports", {"port": body}), status, kind)


port("IpAddressAlreadyAllocated", 409, "an address in use", fixed_ips=[{"ip_address": "10.0.0.77"}])
port("HTTPBadRequest", 400, "an address twice", fixed_ips=[{"ip_address": "10.0.0.78"}] * 2)
port("MacAddressInUse", 409, "a MAC address in use", mac_address="02:00:00:00:00:01")
port("InvalidIpForNetwork", 400, "an address of no subnet", fixed_ips=[{"ip_address": "192.0.2.1"}])
port("InvalidIpForNetwork", 400, "the network's address", fixed_ips=[{"ip_address": "10.0.0.0"}])
port("InvalidIpForNetwork", 400, "the broadcast address", fixed_ips=[{"ip_address": "10.0.0.255"}])
port("SubnetNotFound", 404, "an address of an unknown subnet", fixed_ips=[{"subnet_id": SMALL}])
port("InvalidInput", 400, "fixed_ips that say nothing", fixed_ips=[{}])
port("NetworkNotFound", 404, "a port of no network", network_id=SMALL)
port("SecurityGroupNotFound", 404, "a security group that is not there", security_groups=[SMALL])
port("AddressPairAndPortSecurityRequired", 409, "pairs without port security", port_security_enabled=False,
     allowed_address_pairs=[{"ip_address": "10.0.0.9"}])
port("DuplicateAddressPairInRequest", 400, "a pair twice", allowed_address_pairs=[{"ip_address": "10.0.0.9"}] * 2)
port("HTTPBadRequest", 400, "a weft_spec that is none", binding__profile={"weft_spec": 7})
pair = c.make("port", network_id=N, allowed_address_pairs=[{"ip_address": "10.0.0.0/28"}])
check(pair["allowed_address_pairs"] == [{"ip_address": "10.0.0.0/28", "mac_address": pair["mac_address"]}],
      "a pair without a MAC address has the port's", pair["allowed_address_pairs"])
s, body = c("PUT", f"/v2.0/ports/{pair['id']}", {"port": {"allowed_address_pairs": []}})
check(s == 200 and body["port"]["allowed_address_pairs"] == [], "pairs are taken away by []")
s, body = c("PUT", f"/v2.0/ports/{q['id']}", {"port": {"fixed_ips": [{"subnet_id": sub["id"]}]}})
check(s == 200 and body["port"]["fixed_ips"][0]["ip_address"] == "10.0.0.77", "'any of this subnet' keeps what it has",
      body)
s, body = c("PUT", f"/v2.0/ports/{q['id']}", {"port": {"fixed_ips": [{"ip_address": "10.0.0.80"}]}})
check(s == 200 and c.make("port", network_id=N, fixed_ips=[{"ip_address": "10.0.0.77"}]),
      "an address that was given back can be had")
b = c.make("port", network_id=N, binding__host_id="h9", binding__profile={"weft_spec": "vhost-user:/run/v.sock"})
check(b["binding:vif_type"] == "binding_failed" and b["binding:profile"] == {"weft_spec": "vhost-user:/run/v.sock"},
      "a port bound to a host that is not there fails to bind", b["binding:vif_type"])
s, body = c("PUT", f"/v2.0/ports/{b['id']}", {"port": {"binding:host_id": None, "binding:profile": None}})
check(s == 200 and body["port"]["binding:vif_type"] == "unbound" and body["port"]["binding:host_id"] == "",
      "and is unbound by null", body)
auto = c.make("network")["id"]
c.make("subnet", network_id=auto, ip_version=6, cidr="2001:db8:5::/64", ipv6_address_mode="slaac")
a = c.make("port", network_id=auto, mac_address="02:00:00:11:22:33")
check(a["fixed_ips"][0]["ip_address"] == "2001:db8:5::ff:fe11:2233", "slaac: the address follows from the MAC", a)
small = c.make("network")["id"]
c.make("subnet", network_id=small, ip_version=4, cidr="10.7.0.0/30")
got = [c.make("port", network_id=small)["fixed_ips"][0]["ip_address"]]
refused("the subnet is full", c("POST", "/v2.0/ports", {"port": {"network_id": small}}), 409,
        "IpAddressGenerationFailure")
check(c.make("port", network_id=small, fixed_ips=[])["fixed_ips"] == [], "but a port without an address fits")

# ---- what is in use stays ----
refused("a network with ports", c("DELETE", f"/v2.0/networks/{N}"), 409, "NetworkInUse")
refused("a subnet with addresses", c("DELETE", f"/v2.0/subnets/{sub['id']}"), 409, "SubnetInUse")
gone = c.make("network")["id"]
gs = c.make("subnet", network_id=gone, ip_version=4, cidr="10.0.0.0/24")["id"]
check(c("DELETE", f"/v2.0/networks/{gone}") == (204, None) and c("GET", f"/v2.0/subnets/{gs}")[0] == 404,
      "a network without ports goes with its subnets")
refused("and is gone", c("DELETE", f"/v2.0/networks/{gone}"), 404, "NetworkNotFound")
refused("a port that is not there", c("DELETE", f"/v2.0/ports/{SMALL}"), 404, "PortNotFound")

# ---- bulk ----
before = len(c.list("ports"))
s, body = c("POST", "/v2.0/ports", {"ports": [{"network_id": N, "name": f"bulk{i}"} for i in range(5)]})
check(s == 201 and [x["name"] for x in body["ports"]] == [f"bulk{i}" for i in range(5)], "five ports at once")
refused("five of which one is wrong", c("POST", "/v2.0/ports", {"ports": [{"network_id": N}] * 4 + [{}]}), 400,
        "HTTPBadRequest")
check(len(c.list("ports")) == before + 5, "all or none", len(c.list("ports")))

# ---- lists ----
ids = lambda query: sorted(x["name"] for x in c.list("ports", query))  # noqa: E731
check(ids("?name=bulk1&name=bulk3") == ["bulk1", "bulk3"], "a filter given twice: either")
check(ids(f"?name=bulk1&network_id={small}") == [], "two filters: both")
check(len(c.list("ports", "?fixed_ips=ip_address=10.0.0.80")) == 1, "fixed_ips=ip_address=...")
check(len(c.list("ports", f"?fixed_ips=subnet_id={sub['id']}")) >= 6, "fixed_ips=subnet_id=...")
check(len(c.list("ports", "?fixed_ips=ip_address_substr=0.0.80")) == 1, "fixed_ips=ip_address_substr=...")
check(len(c.list("networks", "?router:external=True")) == 0 and len(c.list("networks", "?router:external=False")) > 5,
      "router:external=True")
check(len(c.list("networks", "?admin_state_up=False")) == 1, "admin_state_up=False")
check(len(c.list("networks", "?provider:segmentation_id=100")) == 1, "a number")
check(len(c.list("ports", "?mac_address=02-00-00-00-00-01")) == 1, "a MAC address in any writing")
check(len(c.list("subnets", "?cidr=2001:DB8:0:0::/64")) == 1, "a prefix in any writing")
check(len(c.list("ports", "?device_id=")) == len(c.list("ports")), "an empty value")
refused("a filter by what is no attribute", c("GET", "/v2.0/ports?color=red"), 400, "HTTPBadRequest")
check(c.list("ports", "?name=p&fields=id&fields=name&fields=security_group_ids") == [{"id": p["id"], "name": "p"}],
      "fields, and one that is no attribute")
check(c("GET", f"/v2.0/ports/{p['id']}?fields=name")[1] == {"port": {"name": "p"}}, "fields of show")
names = [x["name"] for x in c.list("ports", "?sort_key=name&sort_dir=desc")]
check(names == sorted(names, reverse=True), "sorted, down")
cidrs = [x["cidr"] for x in c.list("subnets", "?sort_key=ip_version&sort_key=cidr&sort_dir=asc&sort_dir=asc")]
check(cidrs[0] == "10.0.0.0/24" and cidrs[-1] == "2001:db8:5::/64", "sorted by two keys", cidrs)
refused("sorted by what cannot be", c("GET", "/v2.0/ports?sort_key=fixed_ips"), 400, "HTTPBadRequest")
refused("sorted somehow", c("GET", "/v2.0/ports?sort_key=id&sort_dir=up"), 400, "HTTPBadRequest")

every = [x["id"] for x in c.list("ports")]  # in the order of their creation, as pages are that are not sorted
seen, query, pages = [], "?limit=3", 0
while query and pages < 50:
    s, body = c("GET", "/v2.0/ports" + query)
    seen += [x["id"] for x in body["ports"]]
    after = [x["href"] for x in body.get("ports_links", []) if x["rel"] == "next"]
    query = after[0].split("/v2.0/ports")[1] if after else None
    pages += 1
check(seen == every and pages == -(-len(every) // 3), "pages, following the links, are the whole list", (pages, seen))
s, body = c("GET", f"/v2.0/ports?limit=2&marker={every[4]}&page_reverse=True")
check([x["id"] for x in body["ports"]] == every[2:4], "the page before a marker", body["ports"])
check({x["rel"] for x in body["ports_links"]} == {"next", "previous"}, "has links both ways")
refused("an unknown marker", c("GET", f"/v2.0/ports?limit=2&marker={SMALL}"), 404, "PortNotFound")
refused("a limit that is none", c("GET", "/v2.0/ports?limit=-1"), 400, "BadRequest")
check(len(c.list("ports", "?limit=0")) == len(every), "limit=0 is no limit")

# ---- the operator's view ----
s, body = c("GET", "/weft/v1/status")
check(s == 200 and body["status"]["counts"]["ports"] == len(every) and body["status"]["ok"] is True, "status", body)
for path, key in (("hosts", "hosts"), ("switches", "switches"), ("links", "links"), ("version", "version")):
    s, body = c("GET", "/weft/v1/" + path)
    check(s == 200 and key in body, f"/weft/v1/{path}", body)
refused("a switch that is not there", c("GET", "/weft/v1/switches/1234"), 404, "SwitchNotFound")
s, body = c("PUT", f"/v2.0/ports/{p['id']}", {"port": {"binding:host_id": "h1"}})
s, body = c("GET", "/weft/v1/status")
check(body["status"]["ok"] is False and {x["kind"] for x in body["status"]["problems"]} == {"host", "port"},
      "status says what is wrong: a port whose host was never seen", body["status"]["problems"])
finish()
