#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what: tokens from a file, projects, shared networks.

    red, blue (members) ─┐
    root (admin)         ├── X-Auth-Token ──> weft-controller --auth token:FILE
    nobody               ┘
"""
import os
import signal
import subprocess
import sys
import tempfile
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import B, Controller, check, finish, refused  # noqa: E402

d = tempfile.TemporaryDirectory(prefix="weft-auth-")
tokens = d.name + "/tokens"
with open(tokens, "w") as f:
    f.write("# token project role\nR00T\nRED red member\nBLUE blue\n\nADM ops admin # with a project\n")
c = Controller("--auth", f"token:{tokens}")


for token in (None, "", "WRONG", "R00", "R00TT", "red"):
    for method, path in (("GET", "/"), ("GET", "/v2.0/networks"), ("GET", "/weft/v1/status"), ("POST", "/v2.0/networks"),
                         ("GET", "/v2.0/extensions"), ("DELETE", "/v2.0/ports/x")):
        s, body = c(method, path, {"network": {}} if method == "POST" else None, token)
        if s != 401 or body.get("error", {}).get("code") != 401:
            check(False, f"token {token!r}: {method} {path} is refused", (s, body))
            break
    else:
        check(True, f"token {token!r}: nothing can be read or made")
check(c("GET", "/v2.0/networks", token="R00T")[1] == {"networks": []}, "an administrator's token, and nothing was made")


def make(token, noun, **attrs):
    s, body = c("POST", f"/v2.0/{noun}s", {noun: attrs}, token)
    return body[noun] if s == 201 else body


red = make("RED", "network", name="red")
blue = make("BLUE", "network", name="blue")
shared = make("R00T", "network", name="shared", shared=True)
check(red["project_id"] == "red" and blue["tenant_id"] == "blue" and "provider:segmentation_id" not in red and
      shared["provider:segmentation_id"], "an object belongs to who makes it; a member sees no segments", red)
check(sorted(n["name"] for n in c("GET", "/v2.0/networks", token="RED")[1]["networks"]) == ["red", "shared"],
      "a member sees its own networks and shared ones")
check(len(c("GET", "/v2.0/networks", token="ADM")[1]["networks"]) == 3, "an administrator sees all")
refused("another's network", c("GET", f"/v2.0/networks/{blue['id']}", token="RED"), 404, "NetworkNotFound")
refused("another's network, changed", c("PUT", f"/v2.0/networks/{blue['id']}", {"network": {"name": "x"}}, "RED"), 404,
        "NetworkNotFound")
refused("another's network, deleted", c("DELETE", f"/v2.0/networks/{blue['id']}", token="RED"), 404, "NetworkNotFound")
refused("a shared one, deleted", c("DELETE", f"/v2.0/networks/{shared['id']}", token="RED"), 403, "PolicyNotAuthorized")
refused("for another project", c("POST", "/v2.0/networks", {"network": {"project_id": "blue"}}, "RED"), 400,
        "HTTPBadRequest")
for attrs in ({"shared": True}, {"provider:network_type": "vxlan"}, {"provider:segmentation_id": 7}):
    refused(f"a member sets {attrs}", c("POST", "/v2.0/networks", {"network": attrs}, "RED"), 403, "PolicyNotAuthorized")
check(c("POST", "/v2.0/networks", {"network": {"shared": False}}, "RED")[0] == 201, "a member may say shared: false")
sub = make("R00T", "subnet", network_id=shared["id"], ip_version=4, cidr="10.0.0.0/24")
refused("a member's subnet on a shared network", c("POST", "/v2.0/subnets", {"subnet": {
    "network_id": shared["id"], "ip_version": 4, "cidr": "10.1.0.0/24"}}, "RED"), 403, "PolicyNotAuthorized")
port = make("RED", "port", network_id=shared["id"])
check(port["fixed_ips"][0]["ip_address"] == "10.0.0.2" and "binding:host_id" not in port, "a member's port on it", port)
for attrs in ({"port_security_enabled": False}, {"mac_address": "02:00:00:00:00:09"}, {"binding:host_id": "h"},
              {"fixed_ips": [{"ip_address": "10.0.0.50"}]}, {"allowed_address_pairs": [{"ip_address": "10.0.0.1"}]},
              {"binding:profile": {"weft_spec": "af_packet:eth0"}}):
    refused(f"but not with {attrs}", c("PUT", f"/v2.0/ports/{port['id']}", {"port": attrs}, "RED"), 403,
            "PolicyNotAuthorized")
refused("a port on another's network", c("POST", "/v2.0/ports", {"port": {"network_id": blue["id"]}}, "RED"), 404,
        "NetworkNotFound")
check(c("GET", "/v2.0/ports", token="BLUE")[1]["ports"] == [], "another's port is not seen")
refused("and not deleted", c("DELETE", f"/v2.0/ports/{port['id']}", token="BLUE"), 404, "PortNotFound")
refused("unshared while others use it", c("PUT", f"/v2.0/networks/{shared['id']}", {"network": {"shared": False}}, "R00T"),
        409, "InvalidSharedSetting")
refused("the operator's view", c("GET", "/weft/v1/status", token="RED"), 403, "PolicyNotAuthorized")
check(c("GET", "/weft/v1/status", token="R00T")[0] == 200, "is an administrator's")

# ---- new tokens without a restart ----
with open(tokens, "w") as f:
    f.write("NEW\n")
c.process.send_signal(signal.SIGHUP)
end = time.monotonic() + 20
while c("GET", "/", token="NEW")[0] != 200 and time.monotonic() < end:
    time.sleep(0.02)
check(c("GET", "/", token="NEW")[0] == 200 and c("GET", "/", token="R00T")[0] == 401, "SIGHUP reads the file again")
with open(tokens, "w") as f:
    f.write("A b c\n")
c.process.send_signal(signal.SIGHUP)
time.sleep(0.2)
check(c("GET", "/", token="NEW")[0] == 200, "a broken file changes nothing")


# ---- command line and config ----
def run(*args):
    return subprocess.run([f"{B}/weft-controller", *args], capture_output=True, text=True, timeout=60)


def says(what, words, *args, code=2):
    p = run(*args)
    check(p.returncode == code and words in p.stderr, what, (p.returncode, p.stderr))


db = ["--store", f"sqlite:{d.name}/x.db", "--rest", "127.0.0.1:0", "--listen", "tcp:0:127.0.0.1"]
says("a token file that is broken", "line 1: the role is 'c'", "--auth", f"token:{tokens}", *db, code=1)
says("no token file", "No such file", "--auth", "token:/nope", *db, code=1)
says("another way to tell who asks", "should be none, token:FILE or keystone:URL", "--auth", "x", *db, code=1)
says("an unknown option", "no option --colour", "--colour", "red")
says("an option without its value", "--rest needs a value", "--rest")
says("an option twice", "given twice", "--rest", "a:1", "--rest", "b:2")
says("a word", "is not an option", "now")
says("a log level", "should be error", "--log", "loud", *db)
says("a REST address", "not a port number", *db[:2], "--rest", "127.0.0.1:x", code=1)
says("a name as REST address", "not an IP address", *db[:2], "--rest", "nowhere:1", "--listen", "tcp:0:127.0.0.1", code=1)
says("a REST address that is taken", "cannot listen", *db[:2], "--rest", f"127.0.0.1:{c.port}", "--listen",
     "tcp:0:127.0.0.1", code=1)
config = d.name + "/weft.yaml"


def configured(what, words, text, code=2):
    with open(config, "w") as f:
        f.write(text)
    says(what, words, "--config", config, code=code)


configured("config: an unknown key", "line 2: there is no option 'colour'", "log: info\ncolour: red\n")
configured("config: not YAML", "config", "log: [\n")
configured("config: a list", "", "- log\n")
configured("config: a map for a value", "rest", "rest: {a: b}\n")
configured("config: a key twice", "given twice", "log: info\nlog: warn\n")
configured("config: a wrong value", "should be sqlite:PATH", "store: x\n", code=1)
says("config: no file", "No such file", "--config", "/nope")
with open(config, "w") as f:
    f.write(f"rest: 127.0.0.1:1\nlog: warn\nauth: token:{d.name}/good\n")
with open(d.name + "/good", "w") as f:
    f.write("T\n")
other = Controller("--config", config)
check(other("GET", "/")[0] == 401 and other("GET", "/", token="T")[0] == 200,
      "the command line goes before the file, and the file before the defaults")
check(run("--help").stdout.startswith("usage:") and run("--version").stdout.startswith("weft-controller "),
      "--help and --version")
finish()
