#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ports beyond their addresses: DHCP options of their own, and bindings to several hosts.

    this test ── HTTP ──> weft-controller ──> SQLite        (no switch is connected)
"""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import Controller, check, error_of, finish, SMALL  # noqa: E402

c = Controller()


def refused(what, answer, status, kind):
    check(answer[0] == status and error_of(answer[1]) == kind, f"{what}: {status} {kind}", answer)


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
            "HTTPBadRequest")
refused("twice the same", put(p, extra_dhcp_opts=[opt("mtu", "1"), opt("mtu", "2")]), 400, "HTTPBadRequest")
refused("more than fit in an answer", put(p, extra_dhcp_opts=[opt(str(n), "z" * 250) for n in (200, 201, 202)]), 400, "HTTPBadRequest")
check(len(opts(p)) == 4, "what was refused has changed nothing", opts(p))
c.kill()
c.start()
check(len(opts(p)) == 4 and ("router", "", 4) in opts(p), "they are there after a restart", opts(p))
finish()
