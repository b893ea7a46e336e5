#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The clients that people use: the `openstack` command and weftctl.

    openstack ─┐
    weftctl   ─┴── HTTP ──> weft-controller
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import B, Controller, check, finish  # noqa: E402

c = Controller()
env = {k: v for k, v in os.environ.items() if not k.startswith("OS_") and "proxy" not in k.lower()}


def ctl(*args, url=None, code=0, text=False):
    p = subprocess.run([f"{B}/weftctl", "--url", url or c.url, *(() if text else ("-o", "json")), *args], env=env,
                       capture_output=True, text=True, timeout=60)
    if p.returncode != code:
        check(False, f"weftctl {' '.join(args)}: exit code {code}", (p.returncode, p.stdout, p.stderr))
    if code or text:
        return p.stderr if code else p.stdout
    return json.loads(p.stdout) if p.stdout else None


# ---- weftctl ----
net = ctl("network", "create", "red", "--mtu", "1400", "--description", "of the reds")
check(net["name"] == "red" and net["mtu"] == 1400, "weftctl network create", net)
v = ctl("network", "create", "v", "--type", "vlan", "--physnet", "p0", "--segment", "7", "--share", "--no-port-security")
check(v["provider:segmentation_id"] == 7 and v["shared"] and not v["port_security_enabled"], "... of a VLAN", v)
sub = ctl("subnet", "create", "s", "--network", "red", "--cidr", "10.0.0.0/24", "--gateway", "10.0.0.254", "--pool",
          "10.0.0.10-10.0.0.20", "--pool", "10.0.0.30-10.0.0.40", "--dns", "10.0.0.9", "--route", "10.9.0.0/16,10.0.0.8")
check(sub["gateway_ip"] == "10.0.0.254" and len(sub["allocation_pools"]) == 2 and sub["dns_nameservers"] == ["10.0.0.9"]
      and sub["host_routes"] == [{"destination": "10.9.0.0/16", "nexthop": "10.0.0.8"}], "weftctl subnet create", sub)
check(ctl("subnet", "create", "s6", "--network", net["id"], "--cidr", "2001:db8::/64", "--gateway", "none")["gateway_ip"]
      is None, "... IPv6, without a gateway")
port = ctl("port", "create", "p", "--network", "red", "--fixed-ip", "10.0.0.5", "--fixed-ip", "subnet=s6", "--mac",
           "02:00:00:00:00:05", "--pair", "10.0.0.0/28,02:00:00:00:00:06", "--host", "h1", "--spec", "af_packet:veth0",
           "--device", "vm1", "--device-owner", "compute:x")
check(port["fixed_ips"][0]["ip_address"] == "10.0.0.5" and len(port["fixed_ips"]) == 2 and
      port["binding:profile"] == {"weft_spec": "af_packet:veth0"} and port["binding:host_id"] == "h1" and
      port["allowed_address_pairs"][0]["mac_address"] == "02:00:00:00:00:06" and port["device_id"] == "vm1",
      "weftctl port create", port)
check(ctl("port", "set", "p", "--name", "p2", "--no-pair", "--disable")["allowed_address_pairs"] == [], "weftctl port set")
check(ctl("port", "show", "p2") == ctl("port", "show", port["id"]), "weftctl port show, by name and id")
check([x["name"] for x in ctl("network", "list", "name=v")] == ["v"], "weftctl network list KEY=VALUE")
table = ctl("port", "list", text=True).splitlines()
check(table[0].split()[:3] == ["ID", "NAME", "MAC"] and len(table) == 2 and "10.0.0.5" in table[1], "a table for people", table)
for args, words in ((("network", "show", "nope"), "there is no 'nope'"), (("network", "delete", "red"), "ports still in use"),
                    (("network", "create", "x", "--mtu", "9"), "Invalid input for mtu")):
    err = ctl(*args, code=1)
    check(words in err, f"weftctl {' '.join(args)}: says why not", err)
for args, words in ((("network", "paint"), "list"), (("router", "list"), "there is no 'router'"),
                    (("port", "create", "x", "--colour", "red"), "no option"), (("port", "create", "x", "--mac"), "needs a value"),
                    (("network", "create", "x", "--mtu", "big"), "not a number"), (("network", "create"), "what is it called"),
                    (("subnet", "create", "x", "--pool", "10.0.0.1"), "START-END"), (("status", "now"), "too many")):
    err = ctl(*args, code=2)
    check(words in err, f"weftctl {' '.join(args)}: says what is right", err)
ctl("network", "create", "twin")
ctl("network", "create", "twin")
check("give the id" in ctl("network", "show", "twin", code=1), "a name that two have")
err = ctl("status", url="http://127.0.0.1:1", code=1)
check("no controller answers" in err and "weft-controller" in err, "no controller: says how to start it", err)
out = subprocess.run([f"{B}/weftctl", "--url", c.url, "status"], capture_output=True, text=True, timeout=60)
check(out.returncode == 1 and "2 wrong" in out.stdout and "h1" in out.stdout, "weftctl status: exit code 1 and what is wrong",
      out.stdout)
ctl("port", "delete", "p2")
out = subprocess.run([f"{B}/weftctl", "--url", c.url, "status"], capture_output=True, text=True, timeout=60)
check(out.returncode == 0 and "All is well" in out.stdout, "weftctl status: exit code 0", out.stdout)
check(ctl("host", "list") == [] and ctl("switch", "list") == [], "weftctl host list, switch list")
check("could not be found" in ctl("switch", "show", "12", code=1), "weftctl switch show of none")
check("Is a weft-switch running" in ctl("switch", "ports", "/nope.sock", code=1), "weftctl switch ports without a switch")

# ---- openstack ----
if not shutil.which("openstack"):
    check(False, "the openstack command is installed (package python3-openstackclient)")
    finish()
home = tempfile.TemporaryDirectory(prefix="weft-os-")
env["HOME"] = home.name


def openstack(*args, auth=("--os-auth-type", "none"), code=0):
    p = subprocess.run(["openstack", *auth, "--os-endpoint", c.url, *args], env=env, capture_output=True, text=True,
                       timeout=60)
    if p.returncode != code:
        check(False, f"openstack {' '.join(args)}", (p.returncode, p.stdout, p.stderr))
    return p.stdout + p.stderr if code else json.loads(p.stdout) if p.stdout.strip() else None


J = ("-f", "json")
n = openstack("network", "create", "os", "--mtu", "1300", "--provider-network-type", "vxlan", "--provider-segment", "77", *J)
check(n["mtu"] == 1300 and n["provider:segmentation_id"] == 77, "openstack network create", n)
s = openstack("subnet", "create", "oss", "--network", "os", "--subnet-range", "10.2.0.0/24", "--allocation-pool",
              "start=10.2.0.9,end=10.2.0.99", "--dns-nameserver", "10.2.0.2", "--host-route",
              "destination=10.3.0.0/16,gateway=10.2.0.3", *J)
check(s["gateway_ip"] == "10.2.0.1" and s["allocation_pools"][0]["start"] == "10.2.0.9", "openstack subnet create", s)
p = openstack("port", "create", "osp", "--network", "os", "--fixed-ip", "subnet=oss,ip-address=10.2.0.50",
              "--allowed-address", "ip-address=10.2.0.60", "--no-security-group", "--host", "h7", *J)
check(p["fixed_ips"][0]["ip_address"] == "10.2.0.50" and p["binding_host_id"] == "h7", "openstack port create", p)
check([x["Name"] for x in openstack("network", "list", "--name", "os", "--internal", *J)] == ["os"], "openstack network list")
check([x["Name"] for x in openstack("port", "list", "--network", "os", "--long", *J)] == ["osp"], "openstack port list --long")
check([x["Name"] for x in openstack("subnet", "list", "--network", "os", *J)] == ["oss"], "openstack subnet list")
openstack("network", "set", "os", "--name", "os2", "--description", "d")
check(openstack("network", "show", "os2", *J)["description"] == "d", "openstack network set, show")
openstack("subnet", "set", "oss", "--no-dhcp", "--gateway", "10.2.0.2")
check(openstack("subnet", "show", "oss", *J)["enable_dhcp"] is False, "openstack subnet set, show")
openstack("port", "unset", "osp", "--allowed-address",
          f"ip-address=10.2.0.60,mac-address={p['mac_address']}")
check(openstack("port", "show", "osp", *J)["allowed_address_pairs"] == [], "openstack port unset, show")
openstack("port", "set", "osp", "--name", "osp2", "--disable", "--binding-profile", "weft_spec=af_packet:eth7")
got = openstack("port", "show", "osp2", *J)
check(got["admin_state_up"] is False and got["binding_profile"] == {"weft_spec": "af_packet:eth7"}, "openstack port set", got)
check("in use" in openstack("network", "delete", "os2", code=1), "openstack network delete, in use: says why")
openstack("port", "delete", "osp2")
openstack("subnet", "delete", "oss")
openstack("network", "delete", "os2")
check(c.list("networks", "?name=os2") == [], "openstack port, subnet, network delete")
check(len(openstack("extension", "list", "--network", *J)) > 5, "openstack extension list")
check(openstack("network", "list", *J, auth=("--os-auth-type", "admin_token", "--os-token", "T")) != [],
      "openstack with an admin token")
finish()
