#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""RBAC policies: what one project shares with another is seen and used by it, and by no other.

    this test ── HTTP, tokens ──> weft-controller
"""
import atexit
import os
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import Controller, SMALL, check, finish, refused  # noqa: E402

with tempfile.NamedTemporaryFile("w", delete=False) as f:
    f.write("adm\nta A member\ntb B member\ntc C member\n")
atexit.register(os.unlink, f.name)
c = Controller("--auth", f"token:{f.name}")


def make(path, noun, token="ta", **attrs):
    s, body = c("POST", f"/v2.0/{path}", {noun: attrs}, token=token)
    if s != 201:
        raise SystemExit(f"cannot create a {noun}: {s} {body}")
    return body[noun]


def policy(token="ta", **attrs):
    return c("POST", "/v2.0/rbac-policies", {"rbac_policy": {"object_type": "network", "object_id": net["id"],
                                                             "action": "access_as_shared", "target_tenant": "B", **attrs}},
             token=token)


net = make("networks", "network", name="n")
sub = make("subnets", "subnet", network_id=net["id"], ip_version=4, cidr="10.0.0.0/24")
N = f"/v2.0/networks/{net['id']}"
refused("before: B does not see it", c("GET", N, token="tb"), 404, "NetworkNotFound")
refused("... and has no port there", c("POST", "/v2.0/ports", {"port": {"network_id": net["id"]}}, token="tb"), 404,
        "NetworkNotFound")
s, body = policy()
check(s == 201 and body["rbac_policy"]["target_tenant"] == "B" and body["rbac_policy"]["tenant_id"] == "A", "a policy", body)
P = f"/v2.0/rbac-policies/{body['rbac_policy']['id']}"
check(c("GET", N, token="tb")[0] == 200 and c("GET", f"/v2.0/subnets/{sub['id']}", token="tb")[0] == 200,
      "B sees the network and its subnet")
check([n["name"] for n in c("GET", "/v2.0/networks", token="tb")[1]["networks"]] == ["n"], "... in lists, too")
refused("C does not", c("GET", N, token="tc"), 404, "NetworkNotFound")
check(c("GET", P, token="ta")[0] == 200 and c("GET", P, token="tb")[0] == 404, "A sees the policy, B does not")
refused("B does not change the network", c("PUT", N, {"network": {"name": "x"}}, token="tb"), 403, "PolicyNotAuthorized")
refused("nor share it on", policy("tb", target_tenant="C"), 400, "InvalidInput")
s, body = c("POST", "/v2.0/ports", {"port": {"network_id": net["id"]}}, token="tb")
check(s == 201, "B has a port there", body)
port = body["port"]["id"] if s == 201 else SMALL
refused("the same once more", policy(), 409, "DuplicateRbacPolicy")
refused("the policy is needed", c("DELETE", P, token="ta"), 409, "RbacPolicyInUse")
refused("... and not given to another", c("PUT", P, {"rbac_policy": {"target_tenant": "C"}}, token="ta"), 409,
        "RbacPolicyInUse")
refused("every project, by a member", policy(target_tenant="*"), 403, "PolicyNotAuthorized")
refused("something else that cannot be shared", policy(object_type="port"), 400, "InvalidInput")
refused("... nor QoS, which there is none of", policy(object_type="qos_policy"), 400, "InvalidInput")
refused("another action", policy(action="access_as_owner"), 400, "InvalidActionForType")
refused("no project", policy(target_tenant=""), 400, "HTTPBadRequest")
refused("nothing of that id", policy(object_id=SMALL), 404, "NetworkNotFound")
refused("an id that is none", policy(object_id="x"), 400, "HTTPBadRequest")
refused("no target", c("POST", "/v2.0/rbac-policies", {"rbac_policy": {
    "object_type": "network", "object_id": net["id"], "action": "access_as_shared"}}, token="ta"), 400, "HTTPBadRequest")
refused("the object changed", c("PUT", P, {"rbac_policy": {"object_id": SMALL}}, token="ta"), 400, "HTTPBadRequest")
c.kill()
c.start()
check(c("GET", N, token="tb")[0] == 200, "what is shared outlives the controller")
c("DELETE", f"/v2.0/ports/{port}", token="tb")
check(c("PUT", P, {"rbac_policy": {"target_tenant": "C"}}, token="ta")[0] == 200 and c("GET", N, token="tb")[0] == 404
      and c("GET", N, token="tc")[0] == 200, "when B's port is gone, it is C's")
check(c("DELETE", P, token="ta")[0] == 204 and c("GET", N, token="tc")[0] == 404, "deleted: nobody's")
check(policy("adm", target_tenant="*", tenant_id="A")[0] == 201 and c("GET", N, token="tc")[0] == 200, "every project")
check(c("DELETE", N, token="ta")[0] == 204 and c("GET", "/v2.0/rbac-policies", token="adm")[1] == {"rbac_policies": []},
      "a network's policies go with it")

# ---- pools, scopes ----
pool = make("subnetpools", "subnetpool", name="p", prefixes=["10.0.0.0/8"], default_prefixlen=24)
own = make("networks", "network", "tb")["id"]
refused("a pool of A's", c("POST", "/v2.0/subnets", {"subnet": {"network_id": own, "ip_version": 4,
                                                                "subnetpool_id": pool["id"]}}, token="tb"), 404,
        "SubnetPoolNotFound")
p = make("rbac-policies", "rbac_policy", object_type="subnetpool", object_id=pool["id"], action="access_as_shared",
         target_tenant="B")
made = make("subnets", "subnet", "tb", network_id=own, ip_version=4, subnetpool_id=pool["id"])
check(made["cidr"] == "10.0.0.0/24", "a shared pool is cut by B")
refused("its policy is needed", c("DELETE", f"/v2.0/rbac-policies/{p['id']}", token="ta"), 409, "RbacPolicyInUse")
scope = make("address-scopes", "address_scope", ip_version=4, name="s")
make("rbac-policies", "rbac_policy", object_type="address_scope", object_id=scope["id"], action="access_as_shared",
     target_tenant="B")
check(c("GET", f"/v2.0/address-scopes/{scope['id']}", token="tb")[0] == 200, "a shared scope is seen by B")

# ---- security groups ----
group = make("security-groups", "security_group", name="g")["id"]
refused("a group of A's", c("POST", "/v2.0/ports", {"port": {"network_id": own, "security_groups": [group]}}, token="tb"), 404,
        "SecurityGroupNotFound")
p = make("rbac-policies", "rbac_policy", object_type="security_group", object_id=group, action="access_as_shared",
         target_tenant="B")["id"]
port = make("ports", "port", "tb", network_id=own, security_groups=[group])
check(port["security_groups"] == [group], "a port of B's is in a shared group")
refused("its policy is needed", c("DELETE", f"/v2.0/rbac-policies/{p}", token="ta"), 409, "RbacPolicyInUse")
c("DELETE", f"/v2.0/ports/{port['id']}", token="tb")
rule = make("security-group-rules", "security_group_rule", "tb", direction="ingress", remote_group_id=group,
            security_group_id=make("security-groups", "security_group", "tb", name="mine")["id"])
refused("... by a rule, too", c("DELETE", f"/v2.0/rbac-policies/{p}", token="ta"), 409, "RbacPolicyInUse")
c("DELETE", f"/v2.0/security-group-rules/{rule['id']}", token="tb")
check(c("DELETE", f"/v2.0/rbac-policies/{p}", token="ta")[0] == 204
      and c("GET", f"/v2.0/security-groups/{group}", token="tb")[0] == 404, "and when it is not, it goes")

# ---- address groups ----
addrs = make("address-groups", "address_group", addresses=["10.0.0.0/8"])["id"]
mine = make("security-groups", "security_group", "tb", name="mine too")["id"]
AG = {"security_group_rule": {"security_group_id": mine, "direction": "ingress", "remote_address_group_id": addrs}}
refused("an address group of A's", c("POST", "/v2.0/security-group-rules", AG, token="tb"), 404, "AddressGroupNotFound")
p = make("rbac-policies", "rbac_policy", object_type="address_group", object_id=addrs, action="access_as_shared",
         target_tenant="B")["id"]
check(c("POST", "/v2.0/security-group-rules", AG, token="tb")[0] == 201, "a shared address group is named by B's rule")
refused("its policy is needed", c("DELETE", f"/v2.0/rbac-policies/{p}", token="ta"), 409, "RbacPolicyInUse")
check(c("DELETE", f"/v2.0/security-groups/{mine}", token="tb")[0] == 204 and c("DELETE", f"/v2.0/rbac-policies/{p}", token="ta")[0]
      == 204, "... until the rule goes")
refused("an address group as external", c("POST", "/v2.0/rbac-policies", {"rbac_policy": {
    "object_type": "address_group", "object_id": addrs, "action": "access_as_external", "target_tenant": "B"}}, token="ta"),
    400, "InvalidActionForType")


# ---- "shared" and "router:external" say the same ----
def policies(net_id, token="adm"):
    return {(p["action"], p["target_tenant"]): p["id"]
            for p in c("GET", f"/v2.0/rbac-policies?object_id={net_id}", token=token)[1]["rbac_policies"]}


def shows(net_id, token="adm"):
    n = c("GET", f"/v2.0/networks/{net_id}", token=token)[1].get("network", {})
    return n.get("shared"), n.get("router:external")


n = make("networks", "network", "adm", name="both", shared=True, tenant_id="A", **{"router:external": True})["id"]
make("subnets", "subnet", "adm", network_id=n, ip_version=4, cidr="192.0.2.0/24")
both = policies(n, "ta")
check(set(both) == {("access_as_shared", "*"), ("access_as_external", "*")}, "a network that is both has both policies, its owner's",
      both)
port = make("ports", "port", "tb", network_id=n)["id"]
refused("shared no more, while B has a port", c("PUT", f"/v2.0/networks/{n}", {"network": {"shared": False}}, token="adm"), 409,
        "InvalidSharedSetting")
refused("... and by its policy", c("DELETE", f"/v2.0/rbac-policies/{both['access_as_shared', '*']}", token="adm"), 409,
        "RbacPolicyInUse")
for_b = make("rbac-policies", "rbac_policy", object_type="network", object_id=n, action="access_as_shared", target_tenant="B")["id"]
check(c("PUT", f"/v2.0/networks/{n}", {"network": {"shared": False}}, token="adm")[0] == 200, "... but when B has its own policy")
check(set(policies(n)) == {("access_as_shared", "B"), ("access_as_external", "*")} and shows(n) == (False, True),
      "then the policy for all is gone", policies(n))
check(shows(n, "tb")[0] is True and shows(n, "ta")[0] is False and shows(n, "tc") == (False, True),
      "it is shared for B, and external for C")
check([c("GET", f"/v2.0/networks?id={n}&fields=shared", token=t)[1]["networks"] for t in ("ta", "tb")] ==
      [[{"shared": False}], [{"shared": True}]], "... in lists, too")
c("DELETE", f"/v2.0/ports/{port}", token="tb")
again = make("rbac-policies", "rbac_policy", "adm", object_type="network", object_id=n, action="access_as_shared",
             target_tenant="*")["id"]
check(shows(n)[0] is True and c("DELETE", f"/v2.0/rbac-policies/{again}", token="adm")[0] == 204 and shows(n)[0] is False,
      "a policy for all shares it, and its end ends that")
check(c("PUT", f"/v2.0/rbac-policies/{for_b}", {"rbac_policy": {"target_tenant": "*"}}, token="adm")[0] == 200 and shows(n)[0] is True
      and c("PUT", f"/v2.0/rbac-policies/{for_b}", {"rbac_policy": {"target_tenant": "B"}}, token="adm")[0] == 200
      and shows(n)[0] is False, "... so does a new target")
check(c("PUT", f"/v2.0/networks/{n}", {"network": {"router:external": False}}, token="adm")[0] == 200
      and set(policies(n)) == {("access_as_shared", "B")}, "external no more: no policy")
check(c("PUT", f"/v2.0/networks/{n}", {"network": {"router:external": True}}, token="adm")[0] == 200
      and ("access_as_external", "*") in policies(n), "... and back")
s, body = c("DELETE", f"/v2.0/rbac-policies/{policies(n)['access_as_external', '*']}", token="ta")
check(s == 204 and shows(n) == (False, False), "its last policy ends it as well", (body, shows(n)))

# ---- external for one project ----
way = make("rbac-policies", "rbac_policy", object_type="network", object_id=n, action="access_as_external", target_tenant="B")["id"]
c("DELETE", f"/v2.0/rbac-policies/{for_b}", token="ta")
check(shows(n) == (False, True) and shows(n, "tb") == (False, True) and shows(n, "tc") == (None, None),
      "a way out for B: B sees it, C does not")
s, body = c("POST", "/v2.0/ports", {"port": {"network_id": n}}, token="tb")
check(s == 403 and body["NeutronError"]["type"] == "HTTPForbidden", "B has no port there", (s, body))
refused("C no gateway", c("POST", "/v2.0/routers", {"router": {"external_gateway_info": {"network_id": n}}}, token="tc"), 404,
        "NetworkNotFound")
router = make("routers", "router", "tb", external_gateway_info={"network_id": n})["id"]
refused("the policy is needed by B's router", c("DELETE", f"/v2.0/rbac-policies/{way}", token="ta"), 409, "RbacPolicyInUse")
refused("... and not given to C", c("PUT", f"/v2.0/rbac-policies/{way}", {"rbac_policy": {"target_tenant": "C"}}, token="ta"), 409,
        "RbacPolicyInUse")
check(c("PUT", f"/v2.0/rbac-policies/{way}", {"rbac_policy": {"target_tenant": "*"}}, token="adm")[0] == 200
      and shows(n, "tc") == (False, True), "... but to all")
refused("... and then not taken away", c("DELETE", f"/v2.0/rbac-policies/{way}", token="adm"), 409, "RbacPolicyInUse")
refused("nor is the network's attribute", c("PUT", f"/v2.0/networks/{n}", {"network": {"router:external": False}}, token="adm"), 409,
        "ExternalNetworkInUse")
c("DELETE", f"/v2.0/routers/{router}", token="tb")
fip = make("floatingips", "floatingip", "tb", floating_network_id=n)["id"]
refused("it is needed by a floating IP", c("DELETE", f"/v2.0/rbac-policies/{way}", token="adm"), 409, "RbacPolicyInUse")
c.kill()
c.start()
check(shows(n, "tc") == (False, True) and set(policies(n)) == {("access_as_external", "*")}, "all this outlives the controller")
c("DELETE", f"/v2.0/floatingips/{fip}", token="tb")
check(c("DELETE", f"/v2.0/rbac-policies/{way}", token="adm")[0] == 204 and shows(n, "tc") == (None, None), "at last it goes")
refused("an external one for all, by a member", c("POST", "/v2.0/rbac-policies", {"rbac_policy": {
    "object_type": "network", "object_id": n, "action": "access_as_external", "target_tenant": "*"}}, token="ta"), 403,
    "PolicyNotAuthorized")
finish()
