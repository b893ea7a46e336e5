#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The real `openstack` client: pools, scopes, agents, zones, use of addresses, segment ranges, and what else needs no packets.

    openstack (its shell, in this process) ── HTTP ──> weft-controller <── OpenFlow ── weft-switch
"""
import atexit
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sys/lib"))
from rest import B, Controller, check, finish  # noqa: E402

for k in [k for k in os.environ if k.startswith("OS_") or "proxy" in k.lower()]:
    del os.environ[k]
home = tempfile.TemporaryDirectory(prefix="weft-os-")
os.environ["HOME"] = home.name
from openstackclient.shell import OpenStackShell  # noqa: E402

c = Controller()
switch = subprocess.Popen([f"{B}/weft-switch", "--name", "br0", "--socket", f"{home.name}/s.sock", "--controller", f"tcp:127.0.0.1:{c.of_port}"],
                          stdout=open(f"{home.name}/switch.log", "w"), stderr=subprocess.STDOUT)
atexit.register(switch.wait)
atexit.register(switch.terminate)


def openstack(*args, code=0, form="json"):
    """What the command prints, read as JSON; or its words of complaint."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        shell = OpenStackShell()
        shell.stdout = out
        rc = shell.run(["--os-auth-type", "none", "--os-endpoint", c.url, *args, *(("-f", form) if form else ())])
    if rc != code:
        check(False, f"openstack {' '.join(args)}: exit code {code}", (rc, out.getvalue(), err.getvalue()))
    if code or not form:
        return out.getvalue() + err.getvalue()
    return json.loads(out.getvalue())


def do(*args, code=0):
    return openstack(*args, code=code, form=None)


# ---- address scopes, subnet pools ----
scope = openstack("address", "scope", "create", "inside", "--ip-version", "4")
check(scope["name"] == "inside" and scope["ip_version"] == 4 and scope["shared"] is False, "address scope create", scope)
do("address", "scope", "set", "inside", "--name", "within")
check([x["Name"] for x in openstack("address", "scope", "list")] == ["within"], "address scope set, list")
pool = openstack("subnet", "pool", "create", "tens", "--pool-prefix", "10.0.0.0/16", "--default-prefix-length", "26",
                 "--min-prefix-length", "24", "--address-scope", "within", "--description", "of tens")
check(str(pool["default_prefixlen"]) == "26" and pool["address_scope_id"] == scope["id"], "subnet pool create", pool)
do("subnet", "pool", "set", "tens", "--pool-prefix", "10.1.0.0/16", "--default-prefix-length", "25")
shown = openstack("subnet", "pool", "show", "tens")
check(shown["prefixes"] == ["10.0.0.0/15"] and str(shown["default_prefixlen"]) == "25", "subnet pool set, show", shown)
do("network", "create", "n")
sub = openstack("subnet", "create", "s", "--network", "n", "--subnet-pool", "tens", "--prefix-length", "24")
check(sub["cidr"] == "10.0.0.0/24" and sub["subnetpool_id"] == pool["id"], "subnet create, from the pool", sub)
check([x["Name"] for x in openstack("subnet", "pool", "list", "--address-scope", "within")] == ["tens"], "subnet pool list")

port = openstack("port", "create", "p", "--network", "n", "--tag", "t")
check(port["tags"] == ["t"], "port create --tag")
do("subnet", "set", "s", "--tag", "x", "--no-tag")
check(openstack("subnet", "show", "s")["tags"] == ["x"], "subnet set --no-tag --tag: this one instead")
check([x["ID"] for x in openstack("port", "list", "--fixed-ip", "subnet=s")] == [port["id"]], "port list --fixed-ip subnet=")

# ---- what is in use ----
used = openstack("ip", "availability", "show", "n")
check(int(used["total_ips"]) == 253 and int(used["used_ips"]) == 1, "ip availability show", used)
check([int(x["Used IPs"]) for x in openstack("ip", "availability", "list")] == [1], "ip availability list")

# ---- agents, zones, extensions ----
end = time.monotonic() + 40
agents = []
while time.monotonic() < end and not any(a["Alive"] for a in agents):
    time.sleep(0.1)
    agents = openstack("network", "agent", "list")
check(len(agents) == 1 and agents[0]["Alive"] is True and agents[0]["Binary"] == "weft-switch", "network agent list", agents)
if agents:
    agent = openstack("network", "agent", "show", agents[0]["ID"])
    check(agent["alive"] is True and agent["host"] == agents[0]["Host"]
          and agent["configuration"]["bridge"] == "br0", "network agent show", agent)
    check("connected" in do("network", "agent", "delete", agents[0]["ID"], code=1), "network agent delete, alive: says why")
zones = openstack("availability", "zone", "list", "--network", "--long")
check({(z["Zone Name"], z["Zone Resource"]) for z in zones} == {("nova", "network"), ("nova", "router")},
      "availability zone list", zones)
names = {x["Alias"]: x["Name"] for x in openstack("extension", "list", "--network")}
check(names.get("availability_zone") == "Availability Zone" and "standard-attr-tag" in names and "quotas" in names,
      "extension list", names)
check(openstack("extension", "show", "address-scope")["name"] == "Address scope", "extension show")

# ---- segment ranges, RBAC policies, service types ----
made = openstack("network", "segment", "range", "create", "r", "--shared", "--network-type", "vxlan",
                 "--minimum", "600", "--maximum", "601")
check(made["minimum"] == 600 and made["shared"] is True and made["default"] is False, "network segment range create", made)
n600 = openstack("network", "create", "ranged")
check(n600["provider:segmentation_id"] == 600, "... from which networks are drawn", n600)
ranges = openstack("network", "segment", "range", "list", "--long", "--used", "--available")
check({x["Name"] for x in ranges} == {"", "r"} and [x["Used"] for x in ranges if x["Name"] == "r"] == [{"": ["600"]}],
      "network segment range list --long", [x for x in ranges if x["Name"] == "r"])
do("network", "segment", "range", "set", "r", "--name", "s", "--minimum", "600", "--maximum", "603")
shown = openstack("network", "segment", "range", "show", "s")
check(shown["maximum"] == 603 and shown["available"] == ["601-603"], "network segment range set, show", shown)
check("referenced" in do("network", "segment", "range", "delete", "s", code=1), "network segment range delete, in use: says why")
policy = openstack("network", "rbac", "create", "--type", "network", "--action", "access_as_shared", "--target-all-projects", "ranged")
check(policy["object_id"] == n600["id"] and policy["action"] == "access_as_shared", "network rbac create", policy)
check(openstack("network", "show", "ranged")["shared"] is True, "... which is what network show says")
check(openstack("network", "rbac", "show", policy["id"])["target_project_id"] == "*" and
      [x["ID"] for x in openstack("network", "rbac", "list", "--type", "network", "--action", "access_as_shared")] == [policy["id"]],
      "network rbac show, list")
do("network", "rbac", "delete", policy["id"])
check(openstack("network", "show", "ranged")["shared"] is False, "network rbac delete")
do("network", "set", "--share", "ranged")
check([x["Object Type"] for x in openstack("network", "rbac", "list")] == ["network"], "network set --share makes one")
do("network", "set", "--no-share", "ranged")
check(openstack("network", "rbac", "list") == [], "... and --no-share deletes it")
sub = openstack("subnet", "create", "served", "--network", "ranged", "--subnet-range", "10.9.0.0/24", "--service-type", "compute:nova")
check(sub["service_types"] == ["compute:nova"], "subnet create --service-type", sub)
do("subnet", "unset", "served", "--service-type", "compute:nova")
check(openstack("subnet", "show", "served")["service_types"] == [], "subnet unset --service-type")
do("network", "delete", "ranged")
do("network", "segment", "range", "delete", "s")

# ---- and away again ----
do("port", "delete", "p")
do("subnet", "delete", "s")
do("subnet", "pool", "delete", "tens")
do("address", "scope", "delete", "within")
do("network", "delete", "n")
check(not any(c.list(x) for x in ("ports", "subnets", "subnetpools", "address-scopes", "networks")),
      "all deleted")
finish()
