#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Subnet pools and address scopes: subnets get their prefixes from pools.

    this test ── HTTP, tokens ──> weft-controller
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
collections = {"address_scope": "address-scopes"}


def post(noun, token="ta", **attrs):
    return c("POST", f"/v2.0/{collections.get(noun, noun + 's')}", {noun: attrs}, token=token)


def put(noun, id, token="ta", **attrs):
    return c("PUT", f"/v2.0/{collections.get(noun, noun + 's')}/{id}", {noun: attrs}, token=token)


def make(noun, token="ta", **attrs):
    s, body = post(noun, token, **attrs)
    if s != 201:
        raise SystemExit(f"cannot create a {noun}: {s} {body}")
    return body[noun]


# ---- address scopes ----
scope = make("address_scope", name="s4", ip_version=4)
check(scope["shared"] is False and scope["ip_version"] == 4 and scope["tenant_id"] == "A", "an address scope", scope)
refused("a scope of IP version 5", post("address_scope", ip_version=5), 400, "HTTPBadRequest")
refused("a scope of none", post("address_scope", name="x"), 400, "HTTPBadRequest")
refused("a shared one, by a member", post("address_scope", ip_version=4, shared=True), 403, "PolicyNotAuthorized")
refused("another project's", c("GET", f"/v2.0/address-scopes/{scope['id']}", token="tb"), 404, "AddressScopeNotFound")
common = make("address_scope", "adm", name="common", ip_version=6, shared="True")
check(c("GET", f"/v2.0/address-scopes/{common['id']}", token="tb")[0] == 200, "a shared one is everybody's to see")
refused("unsharing it", put("address_scope", common["id"], "adm", shared=False), 400, "AddressScopeUpdateError")

# ---- pools ----
pool = make("subnetpool", name="p", prefixes=["10.10.0.0/17", "10.10.128.0/17", "10.11.0.0/24"], default_prefixlen="26",
            min_prefixlen="24", address_scope_id=scope["id"])
check(pool["prefixes"] == ["10.10.0.0/16", "10.11.0.0/24"] and pool["ip_version"] == 4 and pool["default_prefixlen"] == 26
      and pool["min_prefixlen"] == 24 and pool["max_prefixlen"] == 32 and pool["default_quota"] is None
      and pool["is_default"] is False, "a pool's prefixes are compact, its bounds numbers", pool)
plain = make("subnetpool", name="six", prefixes=["2001:db8::/48"])
check((plain["min_prefixlen"], plain["max_prefixlen"], plain["default_prefixlen"]) == (64, 128, 64), "IPv6 defaults", plain)
refused("no prefixes", post("subnetpool", name="x", prefixes=[]), 400, "EmptySubnetPoolPrefixList")
refused("prefixes left out", post("subnetpool", name="x"), 400, "HTTPBadRequest")
refused("prefixes of two versions", post("subnetpool", name="x", prefixes=["10.0.0.0/8", "2001:db8::/32"]), 400,
        "PrefixVersionMismatch")
refused("prefixes that are none", post("subnetpool", name="x", prefixes=["10.0.0.0/33"]), 400, "HTTPBadRequest")
refused("a default below the minimum", post("subnetpool", name="x", prefixes=["10.0.0.0/8"], min_prefixlen=24,
                                            default_prefixlen=23), 400, "IllegalSubnetPoolPrefixBounds")
refused("a maximum of 33", post("subnetpool", name="x", prefixes=["10.0.0.0/8"], max_prefixlen=33), 400,
        "IllegalSubnetPoolPrefixBounds")
refused("a negative minimum", post("subnetpool", name="x", prefixes=["10.0.0.0/8"], min_prefixlen=-1), 400, "HTTPBadRequest")
refused("no name", post("subnetpool", name="", prefixes=["10.0.0.0/8"]), 400, "HTTPBadRequest")
refused("a scope of the other version", post("subnetpool", name="x", prefixes=["10.0.0.0/8"], address_scope_id=common["id"]),
        400, "IllegalSubnetPoolIpVersionAssociationToAddressScope")
refused("another project's scope", post("subnetpool", "tb", name="x", prefixes=["10.0.0.0/8"], address_scope_id=scope["id"]),
        400, "IllegalSubnetPoolAssociationToAddressScope")
refused("no scope of that id", post("subnetpool", name="x", prefixes=["10.0.0.0/8"], address_scope_id=SMALL), 404,
        "AddressScopeNotFound")
refused("the same prefixes in one scope", post("subnetpool", name="x", prefixes=["10.10.5.0/24"], address_scope_id=scope["id"]),
        409, "AddressScopePrefixConflict")
refused("a default pool, by a member", post("subnetpool", name="x", prefixes=["10.0.0.0/8"], is_default=True), 403,
        "PolicyNotAuthorized")
s, body = put("subnetpool", pool["id"], prefixes=["10.10.0.0/16", "10.11.0.0/24", "10.12.0.0/24"])
check(s == 200 and len(body["subnetpool"]["prefixes"]) == 3, "a pool grows", body)
refused("... and does not shrink", put("subnetpool", pool["id"], prefixes=["10.10.0.0/16"]), 400,
        "IllegalSubnetPoolPrefixUpdate")
refused("a scope that is in use", c("DELETE", f"/v2.0/address-scopes/{scope['id']}", token="ta"), 409, "AddressScopeInUse")

# ---- subnets from pools ----
nets = [make("network", name=str(i))["id"] for i in range(8)]
a = make("subnet", network_id=nets[0], ip_version=4, subnetpool_id=pool["id"])
check(a["cidr"] == "10.11.0.0/26" and a["subnetpool_id"] == pool["id"] and a["gateway_ip"] == "10.11.0.1"
      and "prefixlen" not in a and "use_default_subnetpool" not in a, "the smallest block that has room is cut", a)
b = make("subnet", network_id=nets[1], ip_version=4, subnetpool_id=pool["id"], prefixlen="25")
check(b["cidr"] == "10.11.0.128/25", "a length of one's own, as a string", b["cidr"])
d = make("subnet", network_id=nets[2], ip_version=4, subnetpool_id=pool["id"], cidr="10.10.7.0/24")
check(d["cidr"] == "10.10.7.0/24" and d["subnetpool_id"] == pool["id"], "a prefix of one's own")
e = make("subnet", network_id=nets[3], ip_version=4, subnetpool_id=pool["id"], prefixlen=24)
check(e["cidr"] == "10.10.6.0/24", "what a prefix of one's own has left over comes first", e["cidr"])
f6 = make("subnet", network_id=nets[0], ip_version=6, subnetpool_id=plain["id"])
check(f6["cidr"] == "2001:db8::/64", "IPv6 from its pool", f6["cidr"])
n = c("GET", f"/v2.0/networks/{nets[0]}", token="ta")[1]["network"]
check(n["ipv4_address_scope"] == scope["id"] and n["ipv6_address_scope"] is None, "a network shows its address scopes", n)


def no_subnet(kind, status, what, **attrs):
    refused(what, post("subnet", **{"network_id": nets[4], "ip_version": 4, "subnetpool_id": pool["id"], **attrs}), status, kind)


no_subnet("SubnetAllocationError", 409, "a prefix that is cut already", cidr="10.10.7.128/25")
no_subnet("SubnetAllocationError", 409, "a prefix outside of the pool", cidr="10.99.0.0/24")
no_subnet("MinPrefixSubnetAllocationError", 400, "one too big", prefixlen=23)
no_subnet("MaxPrefixSubnetAllocationError", 400, "one too small", prefixlen=33)
no_subnet("InvalidInput", 400, "a length that is none", prefixlen="x")
no_subnet("HTTPBadRequest", 400, "a negative length", prefixlen=-1)
no_subnet("BadRequest", 400, "a prefix and a length", cidr="10.10.8.0/24", prefixlen=24)
no_subnet("BadRequest", 400, "a pool and the default one", use_default_subnetpool=True)
no_subnet("SubnetPoolNotFound", 404, "no pool of that id", subnetpool_id=SMALL)
no_subnet("BadRequest", 400, "neither prefix nor pool", subnetpool_id=None)
no_subnet("BadRequest", 400, "a default pool when there is none", subnetpool_id=None, use_default_subnetpool=True)
no_subnet("NetworkSubnetPoolAffinityError", 400, "a network with two pools", network_id=nets[0], subnetpool_id=None,
          cidr="10.99.0.0/24")
refused("another project's pool", post("subnet", "tb", network_id=make("network", "tb")["id"], ip_version=4,
                                       subnetpool_id=pool["id"]), 404, "SubnetPoolNotFound")
check(len(c("GET", "/v2.0/subnets", token="ta")[1]["subnets"]) == 5, "nothing half-made")
refused("a pool that is in use", c("DELETE", f"/v2.0/subnetpools/{pool['id']}", token="ta"), 400, "SubnetPoolDeleteError")

# ---- default pools, quotas of a pool ----
common_pool = make("subnetpool", "adm", name="all", prefixes=["172.16.0.0/12"], is_default=True, shared=True,
                   default_prefixlen=24, default_quota=512)
refused("a second default pool", post("subnetpool", "adm", name="x", prefixes=["192.168.0.0/16"], is_default=True), 400,
        "InvalidInput")
g = make("subnet", network_id=nets[5], ip_version=4, use_default_subnetpool=True)
check(g["cidr"] == "172.16.0.0/24" and g["subnetpool_id"] == common_pool["id"], "the default pool", g)
h = make("subnet", network_id=nets[6], ip_version=4, use_default_subnetpool="true")
refused("more than the pool's quota", post("subnet", network_id=nets[7], ip_version=4, use_default_subnetpool=True), 409,
        "SubnetPoolQuotaExceeded")
check(post("subnet", "tb", network_id=make("network", "tb")["id"], ip_version=4, use_default_subnetpool=True)[0] == 201,
      "which is each project's own")
c("DELETE", f"/v2.0/subnets/{g['id']}", token="ta")
check(make("subnet", network_id=nets[7], ip_version=4, use_default_subnetpool=True)["cidr"] == "172.16.0.0/24",
      "what is given back is given out again")
c.kill()
c.start()
check(c("GET", f"/v2.0/networks/{nets[0]}", token="ta")[1]["network"]["ipv4_address_scope"] == scope["id"],
      "it all outlives the controller")
no_subnet("SubnetAllocationError", 409, "... what is cut, too", cidr="10.10.7.128/25")
s, body = put("subnetpool", pool["id"], address_scope_id=None)
check(s == 200 and body["subnetpool"]["address_scope_id"] is None
      and c("DELETE", f"/v2.0/address-scopes/{scope['id']}", token="ta")[0] == 204, "a scope that is free is deleted", body)
finish()
