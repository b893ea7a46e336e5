#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ports beyond their addresses: DHCP options of their own, and bindings to several hosts.

    this test ── HTTP ──> weft-controller ──> SQLite        (no switch is connected)
"""
import atexit
import os
import subprocess
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import B, Controller, SMALL, check, finish, refused  # noqa: E402

c = Controller()


def show(port):
    return c("GET", f"/v2.0/ports/{port['id']}")[1]["port"]


def put(port, **attrs):
    return c("PUT", f"/v2.0/ports/{port['id']}", {"port": attrs})


def opts(port):
    return sorted((o["opt_name"], o["opt_value"], o["ip_version"]) for o in show(port)["extra_dhcp_opts"])


def opt(name, value, **more):
    return {"opt_name": name, "opt_value": value, **more}


net = c.make("network")
subnet = c.make("subnet", network_id=net["id"], ip_version=4, cidr="10.0.0.0/24")

# ---- names ----
p = c.make("port", network_id=net["id"], fixed_ips=[{"ip_address": "10.0.0.200"}])
check(p["dns_name"] == "" and p["dns_assignment"] == [
    {"ip_address": "10.0.0.200", "hostname": "host-10-0-0-200", "fqdn": "host-10-0-0-200.openstacklocal."}],
    "a host without a name is called after its address", p["dns_assignment"])
for name, full in (("Web-1", "web-1.openstacklocal."), ("web.rack1", "web.rack1.openstacklocal."), ("a.b.OpenStackLocal.", "a.b.openstacklocal.")):
    s, body = put(p, dns_name=name)
    check(s == 200 and body["port"]["dns_name"] == name.lower() and [(x["hostname"], x["fqdn"]) for x in body["port"]["dns_assignment"]] == [
        (name.lower(), full)], f"dns_name {name}", body)
for name in ("-a", "a-", "a..b", ".a", ".", "a_b", "a b", "x" * 64, "a.1", "a.example.", "openstacklocal.", ".".join(["x" * 60] * 4), None, 7):
    refused(f"dns_name {str(name)[:30]}", put(p, dns_name=name), 400, "HTTPBadRequest")
check(show(p)["dns_name"] == "a.b.openstacklocal." and c.list("ports", "?dns_name=a.b.openstacklocal.")[0]["id"] == p["id"],
      "... and nothing has changed; ports are listed by it")
refused("a domain of a network", c("PUT", f"/v2.0/networks/{net['id']}", {"network": {"dns_domain": "x."}}), 400, "HTTPBadRequest")
check(c("DELETE", f"/v2.0/ports/{p['id']}")[0] == 204, "it goes")

# ---- what Nova reads, and hardware's ----
p = c.make("port", network_id=net["id"], binding__vnic_type="direct", binding__host_id="h1")
check(p["binding:vif_type"] == "binding_failed" and p["binding:vif_details"] == {} and p["resource_request"] is None,
      "a port of hardware fails to be bound", p)
refused("... a vnic type that is none", put(p, **{"binding:vnic_type": "x"}), 400, "HTTPBadRequest")
refused("a resource_request", put(p, resource_request={"required": []}), 400, "HTTPBadRequest")
refused("propagate_uplink_status", put(p, propagate_uplink_status=True), 400, "HTTPBadRequest")
check(c("DELETE", f"/v2.0/ports/{p['id']}")[0] == 204, "it goes")

# ---- DHCP options ----
p = c.make("port", network_id=net["id"])
check(p["extra_dhcp_opts"] == [], "a port has no DHCP options of its own to begin with", p)
p = c.make("port", network_id=net["id"], extra_dhcp_opts=[opt("bootfile-name", "pxelinux.0"), opt("150", "192.0.2.9,192.0.2.10"),
                                                          opt("bootfile-url", "http://x/y", ip_version=6), opt("router", "")])
check(opts(p) == [("150", "192.0.2.9,192.0.2.10", 4), ("bootfile-name", "pxelinux.0", 4), ("bootfile-url", "http://x/y", 6),
                  ("router", "", 4)], "they are given by name or number, for either IP version", opts(p))
s, body = put(p, extra_dhcp_opts=[opt("bootfile-name", "other"), opt("150", None), opt("mtu", "1400")])
check(s == 200 and opts(p) == [("bootfile-name", "other", 4), ("bootfile-url", "http://x/y", 6), ("mtu", "1400", 4), ("router", "", 4)],
      "a change touches those that it names; null takes one away", (s, body))
s, body = put(p, name="other")
check(len(opts(p)) == 4, "... and none when it names none")
s, body = put(p, extra_dhcp_opts=[opt("bootfile-url", None)])
check(len(opts(p)) == 4, "the option of one IP version is not that of the other")
for name, value, more in (("bootfile", "x", {}), ("", "x", {}), ("router", "10.0.0.256", {}), ("router", "2001:db8::1", {}), ("mtu", "70000", {}),
                          ("mtu", "-1", {}), ("mtu", "", {}), ("256", "1", {}), ("53", "1", {}), ("54", "10.0.0.1", {}),
                          ("1", "255.0.0.0", {}), ("0", "1", {}), ("255", "1", {}), ("1", "x", {"ip_version": 6}),
                          ("dns-server", "10.0.0.1", {"ip_version": 6}), ("router", "1", {"ip_version": 5}), ("6", "1", {"ip_version": 7}),
                          ("x" * 65, "1", {}), ("12", "y" * 256, {}), ("lease-time", "5", {}), ("router", 7, {}),
                          ("classless-static-route", "10.0.0.0/8", {}), ("domain-search", "a..b", {})):
    refused(f"option {name[:20]!r} = {str(value)[:20]!r} {more or ''}", put(p, extra_dhcp_opts=[opt(name, value, **more)]), 400,
            "InvalidInput")
refused("twice the same", put(p, extra_dhcp_opts=[opt("mtu", "1"), opt("mtu", "2")]), 400, "InvalidInput")
refused("more than fit in an answer", put(p, extra_dhcp_opts=[opt(str(n), "z" * 250) for n in (200, 201, 202)]), 400, "InvalidInput")
check(len(opts(p)) == 4, "what was refused has changed nothing", opts(p))
c.kill()
c.start()
check(len(opts(p)) == 4 and ("router", "", 4) in opts(p), "they are there after a restart", opts(p))

# ---- bindings: two hosts with a switch each ----
switches = []
for h in ("h1", "h2"):
    switches.append(subprocess.Popen([f"{B}/weft-switch", "--name", h, "--host-id", h, "--socket", f"{c.folder}/{h}.sock",
                                      "--controller", f"tcp:127.0.0.1:{c.of_port}"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "WEFT_RUNDIR": c.folder}))
atexit.register(lambda: [(s.terminate(), s.wait(20)) for s in switches])
end = time.monotonic() + 20
while time.monotonic() < end and sum(s["up"] for s in c("GET", "/weft/v1/switches")[1]["switches"]) < 2:
    time.sleep(0.1)


def bindings(port, method="GET", path="", **body):
    return c(method, f"/v2.0/ports/{port['id']}/bindings{path}", {"binding": body} if method in ("POST", "PUT") else None)


def hosts(port):
    return {b["host"]: b["status"] for b in bindings(port)[1]["bindings"]}


vm = c.make("port", network_id=net["id"], device_owner="compute:nova", binding__host_id="h1",
            binding__profile={"weft_spec": "vhost-user:/tmp/a,server", "mine": 1})
check(hosts(vm) == {"h1": "ACTIVE"}, "a bound port has one binding", hosts(vm))
s, body = bindings(vm, "POST", host="h2", profile={"weft_spec": "vhost-user:/tmp/b"}, vnic_type="normal")
check(s == 201 and body["binding"]["status"] == "INACTIVE" and body["binding"]["host"] == "h2" and body["binding"]["vif_type"] == "vhostuser"
      and body["binding"]["vif_details"]["vhostuser_socket"] == "/tmp/b" and body["binding"]["vif_details"]["vhostuser_mode"] == "server",
      "another one is made, passive, with what the device there is to be", body)
check(hosts(vm) == {"h1": "ACTIVE", "h2": "INACTIVE"} and show(vm)["binding:host_id"] == "h1", "... and the port stays where it is")
refused("the same host again", bindings(vm, "POST", host="h2"), 409, "PortBindingAlreadyExists")
refused("the active one's host", bindings(vm, "POST", host="h1"), 409, "PortBindingAlreadyExists")
refused("a host that nobody knows", bindings(vm, "POST", host="h9"), 500, "PortBindingError")
refused("a port that is no VM's", bindings(p, "POST", host="h2"), 400, "InvalidInput")
refused("no host", bindings(vm, "POST", profile={}), 400, "HTTPBadRequest")
refused("a profile that is none", bindings(vm, "POST", host="h3", profile=7), 400, "HTTPBadRequest")
refused("a spec that is none", bindings(vm, "PUT", "/h2", profile={"weft_spec": "nonsense"}), 400, "HTTPBadRequest")
refused("an unknown key", bindings(vm, "POST", host="h3", speed=7), 400, "HTTPBadRequest")
refused("a port that is not there", bindings({"id": SMALL}), 404, "PortNotFound")
refused("showing what is not there", bindings(vm, "GET", "/h9"), 404, "PortBindingNotFound")
refused("activating what is not there", bindings(vm, "PUT", "/h9/activate"), 404, "PortBindingNotFound")
refused("activating the active one", bindings(vm, "PUT", "/h1/activate"), 409, "PortBindingAlreadyActive")
refused("deleting what is not there", bindings(vm, "DELETE", "/h9"), 404, "PortBindingNotFound")
refused("another verb", bindings(vm, "PUT", "/h2/explode"), 404, "HTTPNotFound")
refused("another method", bindings(vm, "POST", "/h2", host="h2"), 405, "HTTPMethodNotAllowed")
s, body = bindings(vm, "PUT", "/h2/activate")
check(s == 200 and body["binding"]["status"] == "ACTIVE" and body["binding"]["host"] == "h2", "it is activated", body)
now = show(vm)
check(now["binding:host_id"] == "h2" and now["binding:profile"] == {"weft_spec": "vhost-user:/tmp/b"}
      and hosts(vm) == {"h2": "ACTIVE", "h1": "INACTIVE"}, "... and the port follows, the former one is passive", now)
s, body = bindings(vm, "GET", "/h1")
check(s == 200 and body["binding"]["profile"]["mine"] == 1 and body["binding"]["vif_details"]["vhostuser_mode"] == "client",
      "... with what it had", body)
s, body = put(vm, **{"binding:host_id": "h1"})
check(s == 200 and hosts(vm) == {"h1": "ACTIVE"}, "a port that is bound to a passive one's host has one binding", hosts(vm))
check(bindings(vm, "POST", host="h2")[0] == 201 and bindings(vm, "PUT", "/h2/activate")[0] == 200, "... and may go again")
twin = c.make("port", network_id=vm["network_id"], device_owner="compute:nova", device_id=vm["device_id"], binding__host_id="h1")
made = bindings(twin, "POST", host="h2")
check(made[0] == 201 and c("DELETE", f"/v2.0/ports/{twin['id']}")[0] == 204 and c("GET", f"/v2.0/ports/{vm['id']}")[0] == 200,
      "a port goes with all of its bindings", made)
c.kill()
c.start()
check(hosts(vm) == {"h2": "ACTIVE", "h1": "INACTIVE"}, "they are there after a restart", hosts(vm))
check(bindings(vm, "DELETE", "/h1")[0] == 204 and hosts(vm) == {"h2": "ACTIVE"}, "one is deleted")
check(bindings(vm, "DELETE", "/h2")[0] == 204 and hosts(vm) == {} and show(vm)["binding:vif_type"] == "unbound",
      "deleting the active one unbinds the port", show(vm))
check(c("DELETE", f"/v2.0/ports/{vm['id']}")[0] == 204, "and it goes")
finish()
