#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Quotas: defaults, limits of a project, what is in use, and that creates keep to them.

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


s, body = c("GET", "/v2.0/quotas/A", token="ta")
check(s == 200 and (body["quota"]["network"], body["quota"]["subnet"], body["quota"]["port"]) == (100, 100, 500),
      "the defaults are Neutron's", body)
defaults = body["quota"]
check(c("GET", "/v2.0/quotas/A/default", token="ta")[1]["quota"] == defaults, "... and are shown as such")
check(c("GET", "/v2.0/quotas/project", token="ta")[1] == {"project": {"project_id": "A"}}, "who asks")
check(c("GET", "/v2.0/quotas/tenant", token="ta")[1] == {"tenant": {"tenant_id": "A"}}, "... by the old name")
refused("... who has no project", c("GET", "/v2.0/quotas/project", token="adm"), 400, "QuotaMissingTenant")
refused("another project's", c("GET", "/v2.0/quotas/B", token="ta"), 403, "PolicyNotAuthorized")
refused("one's own, set", c("PUT", "/v2.0/quotas/A", {"quota": {"network": 1}}, token="ta"), 403, "PolicyNotAuthorized")
refused("one's own, deleted", c("DELETE", "/v2.0/quotas/A", token="ta"), 403, "PolicyNotAuthorized")
refused("everybody's", c("GET", "/v2.0/quotas", token="ta"), 403, "PolicyNotAuthorized")
check(c("GET", "/v2.0/quotas", token="adm")[1] == {"quotas": []}, "nobody has any but the defaults")

s, body = c("PUT", "/v2.0/quotas/A", {"quota": {"network": 2, "port": "3", "subnet": -1}}, token="adm")
check(s == 200 and body["quota"] == {**defaults, "network": 2, "port": 3, "subnet": -1}, "limits are set", body)
made = [c("POST", "/v2.0/networks", {"network": {"name": str(i)}}, token="ta") for i in range(2)]
check([m[0] for m in made] == [201, 201], "creates up to the limit")
refused("and no more", c("POST", "/v2.0/networks", {"network": {}}, token="ta"), 409, "OverQuota")
check(c("POST", "/v2.0/networks", {"network": {}}, token="tb")[0] == 201, "another project is not concerned")
refused("an administrator's create for the project counts", c("POST", "/v2.0/networks", {"network": {"tenant_id": "A"}},
                                                              token="adm"), 409, "OverQuota")
N = made[0][1]["network"]["id"]
refused("a bulk create beyond the limit", c("POST", "/v2.0/ports", {"ports": [{"network_id": N}] * 4}, token="ta"), 409,
        "OverQuota")
check(c("GET", "/v2.0/ports", token="ta")[1] == {"ports": []}, "... is not done by half")
check(c("POST", "/v2.0/ports", {"ports": [{"network_id": N}] * 3}, token="ta")[0] == 201, "one up to the limit is")
s, body = c("GET", "/v2.0/quotas/A/details", token="ta")
check(body["quota"]["port"] == {"used": 3, "limit": 3, "reserved": 0}
      and body["quota"]["network"] == {"used": 2, "limit": 2, "reserved": 0}
      and body["quota"]["subnet"] == {"used": 0, "limit": -1, "reserved": 0}, "details say what is in use", body)
check(c("GET", "/v2.0/quotas/nobody/details", token="adm")[1]["quota"]["port"]["used"] == 0, "of one who has nothing")
p = c("GET", "/v2.0/ports", token="ta")[1]["ports"][0]["id"]
c("DELETE", f"/v2.0/ports/{p}", token="ta")
check(c("POST", "/v2.0/ports", {"port": {"network_id": N}}, token="ta")[0] == 201, "what is deleted may be made again")

refused("check_limit, below what is in use", c("PUT", "/v2.0/quotas/A", {"quota": {"port": 2, "check_limit": True}},
                                               token="adm"), 400, "HTTPBadRequest")
check(c("PUT", "/v2.0/quotas/A", {"quota": {"port": 2, "force": True}}, token="adm")[0] == 200, "force, below what is in use")
for v in (-2, "x", None, 1.5, [], {}, True, 1 << 31, "-3", ""):
    refused(f"a limit of {v!r}", c("PUT", "/v2.0/quotas/A", {"quota": {"port": v}}, token="adm"), 400,
            "HTTPBadRequest" if v in (-2, 1 << 31, "-3") else "InvalidInput")
refused("a limit of nothing known", c("PUT", "/v2.0/quotas/A", {"quota": {"colors": 1}}, token="adm"), 400, "HTTPBadRequest")
refused("no quota in it", c("PUT", "/v2.0/quotas/A", {"port": 1}, token="adm"), 400, "HTTPBadRequest")
refused("POST", c("POST", "/v2.0/quotas", {"quota": {}}, token="adm"), 501, "HTTPNotImplemented")
refused("an unknown path", c("GET", "/v2.0/quotas/A/more", token="adm"), 404, "HTTPNotFound")
want = {**defaults, "network": 2, "port": 2, "subnet": -1}
check(c("GET", "/v2.0/quotas", token="adm")[1] == {"quotas": [{**want, "tenant_id": "A", "project_id": "A"}]},
      "who has other limits is listed")
c.kill()
c.start()
check(c("GET", "/v2.0/quotas/A", token="ta")[1]["quota"] == want, "limits outlive the controller")
refused("... and hold", c("POST", "/v2.0/networks", {"network": {}}, token="ta"), 409, "OverQuota")
check(c("DELETE", "/v2.0/quotas/A", token="adm") == (204, None)
      and c("GET", "/v2.0/quotas/A", token="ta")[1]["quota"] == defaults, "deleted: the defaults again")
refused("deleted again", c("DELETE", "/v2.0/quotas/A", token="adm"), 404, "TenantQuotaNotFound")
finish()
