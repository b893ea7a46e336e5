#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the engine gives every resource: tags, revisions, timestamps, filters, fields, order, pages.

    this test ── HTTP ──> weft-controller ──> SQLite        (no switch is connected)
"""
import os
import sys
from urllib.parse import quote
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import Controller, SMALL, check, finish, refused  # noqa: E402

c = Controller()


def names(collection, query):
    answer = c("GET", f"/v2.0/{collection}?{query}")
    return sorted(x["name"] for x in answer[1][collection]) if answer[0] == 200 else answer


nets = {n: c.make("network", name=n)["id"] for n in ("one", "two", "three", "four")}
sub = c.make("subnet", network_id=nets["one"], ip_version=4, cidr="10.0.0.0/24", name="s")
six = c.make("subnet", network_id=nets["one"], ip_version=6, cidr="2001:db8::/64", name="s6")
for i in range(5):
    c.make("port", network_id=nets["one"], name=f"p{i}", tags=["odd" if i % 2 else "even", "all"], device_id="d" * (i > 2),
           fixed_ips=[{"subnet_id": sub["id"], "ip_address": f"10.0.0.{10 + i}"}])

# ---- tags ----
N = f"/v2.0/networks/{nets['one']}"
T = N + "/tags"
check(c("GET", T) == (200, {"tags": []}), "a new network has no tags")
check(c("PUT", T, {"tags": ["red", "blue"]}) == (200, {"tags": ["red", "blue"]}), "all tags at once")
check(c("GET", N)[1]["network"]["tags"] == ["red", "blue"] and c("GET", N)[1]["network"]["revision_number"] == 1,
      "they are in the network, and count as a change")
check(c.raw("GET", T + "/red")[0] == 204, "a tag that it has: 204")
refused("a tag that it has not", c("GET", T + "/green"), 404, "TagNotFound")
check(c("PUT", T + "/green") == (201, None) and c("GET", T)[1]["tags"] == ["red", "blue", "green"], "one more: 201")
check(c("PUT", T + "/green")[0] == 201 and c("GET", T)[1]["tags"] == ["red", "blue", "green"], "... which it has already")
check(c("DELETE", T + "/blue") == (204, None) and c("GET", T)[1]["tags"] == ["red", "green"], "one less: 204")
refused("one less that is not there", c("DELETE", T + "/blue"), 404, "TagNotFound")
for what, body in (("no tags", {}), ("no body", None), ("a number as tags", {"tags": 1}), ("a number as tag", {"tags": [1]}),
                   ("a tag twice", {"tags": ["a", "a"]}), ("a tag of 256 characters", {"tags": ["x" * 256]}),
                   ("null", {"tags": None}), ("an object", {"tags": {"a": "b"}})):
    refused(f"tags: {what}", c("PUT", T, body), 400, "InvalidInput")
refused("a path's tag of 256 characters", c("PUT", T + "/" + "x" * 256), 400, "InvalidInput")
refused("tags by POST", c("POST", T, {"tags": []}), 405, "HTTPMethodNotAllowed")
refused("tags of nothing", c("GET", f"/v2.0/networks/{SMALL}/tags"), 404, "NetworkNotFound")
refused("tags of a network on create", c("POST", "/v2.0/networks", {"network": {"tags": ["a"]}}), 400, "HTTPBadRequest")
refused("tags in an update", c("PUT", N, {"network": {"tags": ["a"]}}), 400, "HTTPBadRequest")
check(c("GET", T)[1]["tags"] == ["red", "green"], "and nothing has changed")
c("PUT", f"/v2.0/networks/{nets['two']}/tags", {"tags": ["green", "blue"]})
c("PUT", f"/v2.0/networks/{nets['three']}/tags", {"tags": ["ünï cödé/x", "red"]})
check(names("networks", "tags=green") == ["one", "two"], "tags=")
check(names("networks", "tags=green,red") == ["one"] == names("networks", "tags=green&tags=red"), "tags= all of them")
check(names("networks", "tags-any=blue,red") == ["one", "three", "two"], "tags-any=")
check(names("networks", "not-tags=green,red") == ["four", "three", "two"], "not-tags=")
check(names("networks", "not-tags-any=green,red") == ["four"], "not-tags-any=")
check(names("networks", "tags=green&not-tags=red") == ["two"], "tags= and not-tags=")
check(names("networks", "tags=" + quote("ünï cödé/x")) == ["three"], "a tag of any characters")
check(names("ports", "tags=even") == ["p0", "p2", "p4"], "ports are created with their tags")
check(c("DELETE", T) == (204, None) and c("GET", T) == (200, {"tags": []}), "no tags any more")
check(c("DELETE", f"/v2.0/subnets/{sub['id']}/tags")[0] == 204, "subnets have tags, too")

# ---- revisions ----
revision = c("GET", N)[1]["network"]["revision_number"]


def match(method, path, body, value):
    import json
    status, _, raw = c.raw(method, path, json.dumps(body) if body else None,
                           {"Content-Type": "application/json", "If-Match": value})
    return status, json.loads(raw) if raw else None


change = {"network": {"description": "x"}}
refused("If-Match: another revision", match("PUT", N, change, f"revision_number={revision + 1}"), 412,
        "RevisionNumberConstraintFailed")
refused("If-Match: no number", match("PUT", N, change, "revision_number=x"), 400, "BadRequest")
refused("If-Match: two of them", match("PUT", N, change, "revision_number=1,revision_number=2"), 400, "BadRequest")
refused("If-Match on delete", match("DELETE", N, None, "revision_number=99999999999999"), 412,
        "RevisionNumberConstraintFailed")
refused("If-Match on tags", match("PUT", T, {"tags": []}, "revision_number=0"), 412, "RevisionNumberConstraintFailed")
answer = match("PUT", N, change, f'"revision_number={revision}"')
check(answer[0] == 200 and answer[1]["network"]["revision_number"] == revision + 1, "If-Match: this revision", answer)
check(match("PUT", N, change, '"something else"')[0] == 200, "If-Match: another etag is nothing to us")

# ---- timestamps ----
now = c("GET", N)[1]["network"]["updated_at"]
check(names("networks", "changed_since=2000-01-01T00:00:00Z") == sorted(nets), "changed_since: long ago")
check(names("networks", "changed_since=2999-01-01%2000:00:00.5") == [], "changed_since: never")
check("one" in names("networks", f"changed_since={now}"), "changed_since: the very second")
refused("changed_since: no time", c("GET", "/v2.0/networks?changed_since=soon"), 400, "InvalidInput")

# ---- filters ----
every = [f"p{i}" for i in range(5)]
check(names("ports", "fixed_ips=ip_address=10.0.0.11&fixed_ips=ip_address=10.0.0.13") == ["p1", "p3"],
      "fixed_ips=ip_address= repeated: or")
check(names("ports", f"fixed_ips=subnet_id={sub['id']}&fixed_ips=ip_address=10.0.0.11") == ["p1"],
      "fixed_ips=subnet_id= and ip_address=: and")
check(names("ports", f"fixed_ips=subnet_id={six['id']}") == [], "fixed_ips=subnet_id= of another")
check(names("ports", "fixed_ips=ip_address_substr=0.1") == every, "fixed_ips=ip_address_substr=")
check(names("ports", "device_id=") == ["p0", "p1", "p2"], "an empty string matches an empty attribute")
check(names("ports", "admin_state_up=TRUE") == every and names("ports", "admin_state_up=false") == [], "booleans in any case")
check(names("ports", "name=p1&name=p2&name=nobody") == ["p1", "p2"], "a key again is another value")
check(names("subnets", "cidr=2001:DB8:0::/64") == ["s6"] == names("subnets", "ip_version=6"), "values in another spelling")
check(names("networks", "status=ACTIVE&router:external=False") == sorted(nets), "computed attributes")
refused("a filter by nothing known", c("GET", "/v2.0/ports?color=red"), 400, "HTTPBadRequest")
refused("a filter by a dictionary", c("GET", "/v2.0/ports?binding:profile=x"), 400, "HTTPBadRequest")
refused("a filter by what is hidden", c("GET", "/v2.0/ports?index=1"), 400, "HTTPBadRequest")
refused("a boolean that is none", c("GET", "/v2.0/ports?admin_state_up=maybe"), 400, "InvalidInput")
refused("a number that is none", c("GET", "/v2.0/networks?mtu=big"), 400, "InvalidInput")
refused("fixed_ips without a key", c("GET", "/v2.0/ports?fixed_ips=10.0.0.10"), 400, "HTTPBadRequest")

# ---- fields ----
s, body = c("GET", "/v2.0/ports?fields=name&fields=security_group_ids&fields=id&limit=1")
check(set(body["ports"][0]) == {"name", "id"}, "fields; names of others are ignored", body)
check(set(c("GET", N + "?fields=mtu")[1]["network"]) == {"mtu"}, "fields of one object")
check(c("GET", "/v2.0/ports?fields=nothing&limit=1")[1]["ports"] == [{}], "only unknown fields: nothing of them")

# ---- order, pages ----
s, body = c("GET", "/v2.0/ports?sort_key=name&sort_dir=desc")
check([p["name"] for p in body["ports"]] == every[::-1], "sorted downwards")
seen, url = [], f"{c.url}/v2.0/ports?sort_key=name&sort_dir=asc&limit=2"
while url:
    s, body = c("GET", url[len(c.url):])
    seen += [p["name"] for p in body["ports"]]
    url = next((x["href"] for x in body.get("ports_links", []) if x["rel"] == "next"), None)
check(seen == every, "pages by their links", seen)
refused("a limit below 0", c("GET", "/v2.0/ports?limit=-1"), 400, "BadRequest")
refused("a limit that is no number", c("GET", "/v2.0/ports?limit=x"), 400, "BadRequest")
refused("an order by nothing known", c("GET", "/v2.0/ports?sort_key=color&sort_dir=asc"), 400, "HTTPBadRequest")
refused("a direction that is none", c("GET", "/v2.0/ports?sort_key=name&sort_dir=up"), 400, "HTTPBadRequest")
refused("more directions than keys", c("GET", "/v2.0/ports?sort_key=name&sort_dir=asc&sort_dir=asc"), 400, "HTTPBadRequest")

# ---- what nobody creates: views ----
s, body = c("GET", "/v2.0/network-ip-availabilities?network_name=one&fields=used_ips&fields=total_ips&fields=network_name")
check(body["network_ip_availabilities"][0]["used_ips"] == 5 and body["network_ip_availabilities"][0]["network_name"] == "one"
      and len(body["network_ip_availabilities"][0]) == 3, "network-ip-availabilities, by name and with fields", body)
s, body = c("GET", f"/v2.0/network-ip-availabilities/{nets['one']}?ip_version=4")
a = body["network_ip_availability"]
check(a["total_ips"] == 253 and a["used_ips"] == 5 and a["subnet_ip_availability"][0]["subnet_name"] == "s",
      "... of one network, IPv4", body)
refused("... of none", c("GET", f"/v2.0/network-ip-availabilities/{SMALL}"), 404, "NetworkNotFound")
s, body = c("GET", "/v2.0/network-ip-availabilities?sort_key=network_name&sort_dir=desc&limit=2")
check([x["network_name"] for x in body["network_ip_availabilities"]] == ["two", "three"], "... sorted, two of them", body)
refused("a view's filter that it has not", c("GET", "/v2.0/agents?color=red"), 400, "HTTPBadRequest")
refused("a view's limit that is none", c("GET", "/v2.0/agents?limit=x"), 400, "BadRequest")
check(c("GET", "/v2.0/agents") == (200, {"agents": []}), "no agents without switches")
refused("an agent that is not there", c("GET", f"/v2.0/agents/{SMALL}"), 404, "AgentNotFound")
refused("an agent, created", c("POST", "/v2.0/agents", {"agent": {}}), 405, "HTTPMethodNotAllowed")
s, body = c("GET", "/v2.0/availability_zones?resource=network")
check(body["availability_zones"] == [{"name": "nova", "resource": "network", "state": "unavailable"}],
      "availability zones, without switches", body)
refused("a zone by path", c("GET", "/v2.0/availability_zones/nova"), 404, "HTTPNotFound")

# ---- every collection: several keys, pages there and back ----
def walk(path, member, key, query, rel="next"):
    """The keys that pages show, by their links; and the last page's path."""
    out, at = [], f"{path}?{query}"
    while at:
        status, page = c("GET", at)
        if status != 200:
            return [status, page], at
        out.append([tuple(o[k] for k in key) for o in page[member]])
        last, links = at, {x["rel"]: x["href"][len(c.url):] for x in page.get(f"{member}_links", [])}
        at = links.get(rel)
        if rel == "previous":
            out[-1].reverse()
    return sum(out, []), last


pub = c.make("network", name="pub", router__external=True)["id"]
c.make("subnet", network_id=pub, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)
for i in range(4):
    c("POST", "/v2.0/address-scopes", {"address_scope": {"name": f"s{i % 2}", "ip_version": 4}})
    c.make("subnetpool", name=f"s{i % 2}", prefixes=["10.0.0.0/8"])
    c.make("router", name=f"r{i % 2}")
    c("POST", "/v2.0/security-groups", {"security_group": {"name": f"g{i % 2}"}})
    c("POST", "/v2.0/address-groups", {"address_group": {"name": f"a{i % 2}"}})
    c.make("floatingip", floating_network_id=pub)
    c.make("subnet", network_id=nets["two"], ip_version=4, cidr=f"10.{i}.0.0/24", name=f"n{i % 2}")
    c("PUT", f"/v2.0/quotas/project{i}", {"quota": {"port": i % 2}})
    c("POST", "/v2.0/rbac-policies", {"rbac_policy": {"object_type": "network", "object_id": nets["one"],
                                                      "action": "access_as_shared", "target_tenant": f"t{i}"}})
for path, by, key in (("networks", "name", "id"), ("subnets", "ip_version", "id"), ("ports", "network_id", "id"), ("routers", "name", "id"),
                      ("security-groups", "name", "id"), ("security-group-rules", "direction", "id"), ("floatingips", "floating_network_id", "id"),
                      ("address-groups", "name", "id"), ("address-scopes", "name", "id"), ("subnetpools", "name", "id"),
                      ("rbac-policies", "object_type", "id"), ("quotas", "tenant_id", "project_id"),
                      ("network-ip-availabilities", "project_id", "network_id"), ("availability_zones", "name", "resource")):
    member, at = path.replace("-", "_"), f"/v2.0/{path}"
    every = [(o[by], o[key]) for o in c("GET", at)[1][member]]
    want = sorted(sorted(every, key=lambda x: x[1], reverse=True), key=lambda x: x[0])
    order = f"sort_key={by}&sort_dir=asc&sort_key={key}&sort_dir=desc"
    check([(o[by], o[key]) for o in c("GET", f"{at}?{order}")[1][member]] == want, f"{path}: by {by}, then by {key} downwards")
    there, last = walk(at, member, (by, key), order + "&limit=2")
    back, _ = walk(at, member, (by, key), last.split("?")[1], "previous")
    check(there == want and len(want) >= 2, f"{path}: {len(want)} in pages of two, by the links", there)
    short = want[-1:] if len(want) % 2 else want[-2:]
    check(back[::-1] == want if len(want) > 2 else back[::-1] == short, f"{path}: and back", back)
    s, body = c("GET", f"{at}?{order}&limit=1&page_reverse=True")
    check([(o[by], o[key]) for o in body[member]] == want[-1:], f"{path}: the last page first", body)
    check(len(c("GET", f"{at}?limit=0")[1][member]) == len(every), f"{path}: limit 0 is none")
    s, body = c("GET", f"{at}?fields={key}&limit=1")
    check(set(body[member][0]) == {key} or set(body[member][0]) == {key, "tenant_id"}, f"{path}: fields", body)
    bad = [c("GET", f"{at}?{q}") for q in ("limit=x", "limit=-1", f"sort_key={by}&sort_dir=up", "sort_key=color", "color=red",
                                           f"sort_key={by}&sort_dir=asc&sort_dir=asc", "&".join(["sort_key=" + by] * 9))]
    check(all(x[0] == 400 for x in bad), f"{path}: what cannot be asked is refused", [x[0] for x in bad])
    s, body = c("GET", f"{at}?marker={SMALL}")
    check(s == 404, f"{path}: a marker that is not there", body)
for path in ("networks", "subnets", "ports", "routers", "security-groups", "security-group-rules", "floatingips", "address-groups", "address-scopes",
             "subnetpools", "rbac-policies"):
    one = c("GET", f"/v2.0/{path}?limit=1")[1][path.replace("-", "_")][0]["id"]
    c("PUT", f"/v2.0/{path}/{one}/tags", {"tags": ["t1", "t2"]})
    found = {q: [o["id"] for o in c("GET", f"/v2.0/{path}?{q}")[1][path.replace("-", "_")]] for q in
             ("tags=t1,t2", "tags-any=t2,x", "not-tags=t1,t2", "not-tags-any=t1,x")}
    check(found["tags=t1,t2"] == [one] == found["tags-any=t2,x"] and one not in found["not-tags=t1,t2"] + found["not-tags-any=t1,x"]
          and len(found["not-tags=t1,t2"]) == len(found["not-tags-any=t1,x"]) > 0, f"{path}: by tags, and by tags that they have not", found)

# ---- it is all kept ----
before = c("GET", "/v2.0/ports?sort_key=name&sort_dir=asc")[1]
c.kill()
c.start()
check(c("GET", "/v2.0/ports?sort_key=name&sort_dir=asc")[1] == before, "tags, times and revisions outlive the controller")
finish()
