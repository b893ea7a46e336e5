#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Any input to any resource: every attribute of all that GET /v2.0 lists, with values of every kind.

    this test ── HTTP ──> weft-controller

Whatever comes is either taken, and then shown and deleted again, or refused with a row of controller/nb_error.def and that
row's status, and then nothing has changed and nothing was made.  A resource that is new needs a row in 'need' below.
"""
import os
import re
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import Controller, check, error_of, finish, SMALL  # noqa: E402

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../controller/nb_error.def")) as f:
    errors = dict(re.findall(r"^(?:ERROR|WORDS)\((\w+), (\d+)[,)]", f.read(), re.M))
NOT_FOUND = re.compile(r"^[A-Z]\w+NotFound$")

c = Controller()
net = c.make("network", name="n")["id"]
other = c.make("network", name="o")["id"]
external = c.make("network", name="e", router__external=True)["id"]
c.make("subnet", network_id=external, ip_version=4, cidr="172.24.0.0/16")
c.make("subnet", network_id=net, ip_version=4, cidr="10.0.0.0/16")
# What a create must say; None: it is not created so.
need = {
    "networks": {}, "subnets": {"network_id": other, "ip_version": 4, "cidr": "10.5.0.0/24"},
    "ports": {"network_id": net}, "quotas": None, "address-scopes": {"ip_version": 4},
    "subnetpools": {"name": "p", "prefixes": ["10.0.0.0/8"]},
    "rbac-policies": {"object_type": "network", "object_id": net, "action": "access_as_shared", "target_tenant": "B"},
    "routers": {}, "floatingips": {"floating_network_id": external}, "security-groups": {"name": "g"},
    "address-groups": {"addresses": []}, "security-group-rules": None, "port_forwardings": None,
    "network_segment_ranges": {"network_type": "vxlan", "minimum": 1000, "maximum": 1009},
    "default-security-group-rules": {"direction": "ingress", "protocol": "tcp"},
}
wrong = [None, True, 7, -1, 1.5, 1 << 40, "", "x", "x" * 300, "10.0.0.1", "10.0.0.0/33", "é" * 256, [], {}, [1], ["x"], [{}],
         {"x": 1}, [[[]]], [None], "00:00:00:00:00:00", SMALL, SMALL[:-1], net]
BOOLEANS = (True, False, 0, 1, "0", "1", "true", "false", "True", "False")
resources = c("GET", "/v2.0")[1]["resources"]
check({r["collection"] for r in resources} <= set(need), "every resource has a row here", [r["collection"] for r in resources])


def is_refused(answer):
    kind = error_of(answer[1])
    return str(answer[0]) == errors.get(kind) or (answer[0] == 404 and NOT_FOUND.match(kind))


def n_of(path, plural):
    """Without what comes by itself: a project's default security group."""
    return sum(x.get("name") != "default" for x in c("GET", path)[1][plural])


def must_refuse(old, v):
    """By the type of what is there now."""
    if isinstance(old, bool):
        return v not in BOOLEANS
    if isinstance(old, int):
        return not isinstance(v, int) or v < 0
    return False


begin = time.monotonic()
for r in resources:
    noun, path = r["name"], f"/v2.0/{r['collection']}"
    plural = r["collection"].replace("-", "_")
    if need.get(r["collection"]) is None:
        continue
    s, body = c("POST", path, {noun: need[r["collection"]]})
    if not check(s == 201, f"{noun}: is created", body):
        continue
    obj = body[noun]
    mine = f"{path}/{obj['id']}"
    count = n_of(path, plural)
    bad, n = [], 0
    for attr in [*obj, "color", "index"]:
        if time.monotonic() - begin > 240:
            check(False, "in time")
            break
        for v in wrong:
            n += 2
            s, body = c("POST", path, {noun: {**need[r["collection"]], attr: v}})
            if s == 201:
                if must_refuse(obj.get(attr), v):
                    bad.append(("taken", attr, v))
                if c("DELETE", f"{path}/{body[noun]['id']}")[0] != 204:
                    bad.append(("not deleted", attr, v))
            elif not is_refused((s, body)):
                bad.append(("POST", attr, v, s, body))
            s, body = c("PUT", mine, {noun: {attr: v}})
            if s == 200:
                if must_refuse(obj.get(attr), v):
                    bad.append(("taken", attr, v))
                obj = body[noun]
            elif not is_refused((s, body)):
                bad.append(("PUT", attr, v, s, body))
            if s != 200 and c("GET", mine)[1][noun] != obj:
                bad.append(("changed", attr, v))
                obj = c("GET", mine)[1][noun]
    check(not bad, f"{noun}: {n} requests are taken whole or refused whole", bad[:4])
    check(n_of(path, plural) == count, f"{noun}: and nothing is left")
    for body in (None, [], {}, "x", {noun: []}, {noun: None}, {noun: obj, "x": 1}, {plural: {}}, {plural: [1]}, {plural: [None]}):
        bad = c("POST", path, body)
        if not (bad[0] == 400 and is_refused(bad)):
            check(False, f"{noun}: body {body}", bad)
    bad = c("POST", path, {plural: [need[r["collection"]], {"color": 1}]})
    # 409: the first of the two is there already.
    check(bad[0] in (400, 409) and is_refused(bad) and n_of(path, plural) == count,
          f"{noun}: a bulk create with one that is wrong makes none", bad)
    bad = [c(m, p) for m, p in (("GET", f"{path}/{SMALL}"), ("DELETE", f"{path}/{SMALL}"), ("PUT", f"{path}/x"),
                                ("GET", f"{path}/{'x' * 300}"))]
    check(all(x[0] == 404 and is_refused(x) for x in bad), f"{noun}: what is not there: 404", bad)
    check(c("DELETE", mine)[0] == 204, f"{noun}: is deleted")
finish()
