#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input over REST: elements of lists, broken bodies, broken HTTP.  (Attributes: rest_any_input.py.)

    this test ── HTTP ──> weft-controller

Each must be answered with Neutron's error, leave nothing behind, and not make the controller grow.
"""
import http.client
import json
import os
import socket
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import Controller, check, error_of, finish, SMALL  # noqa: E402

c = Controller()
net = c.make("network", name="n")
sub = c.make("subnet", network_id=net["id"], ip_version=4, cidr="10.0.0.0/24")
port = c.make("port", network_id=net["id"])
need = {"network": {}, "subnet": {"network_id": net["id"], "ip_version": 4, "cidr": "10.5.0.0/24"},
        "port": {"network_id": net["id"]}}
for noun, body in need.items():
    for attr in body:
        s, answer = c("POST", f"/v2.0/{noun}s", {noun: {k: v for k, v in body.items() if k != attr}})
        check(s == 400 and attr in answer["NeutronError"]["message"], f"{noun} without {attr}", answer)

# ---- elements of lists ----
bad = []
for attr, elements in (
        ("allocation_pools", [{"start": "10.5.0.2"}, {"start": "10.5.0.2", "end": "x"}, {"start": 1, "end": 2}, "x",
                              {"start": "10.5.0.2", "end": "10.5.0.9", "x": 1}, {"start": "::1", "end": "::2"}]),
        ("host_routes", [{"destination": "10.0.0.0/8"}, {"destination": "x", "nexthop": "10.5.0.9"}, None,
                         {"destination": "2001:db8::/32", "nexthop": "2001:db8::1"}]),
        ("dns_nameservers", ["x", 1, None, "2001:db8::1", {"a": 1}])):
    for e in elements:
        s, answer = c("POST", "/v2.0/subnets", {"subnet": {**need["subnet"], attr: [e]}})
        if s != 400:
            bad.append((attr, e, s))
for attr, elements in (
        ("fixed_ips", [{"ip_address": 1}, {"subnet_id": "x"}, {"ip_address": "10.0.0.9", "x": 1}, "10.0.0.9", None]),
        ("allowed_address_pairs", [{}, {"ip_address": "x"}, {"ip_address": "10.0.0.9", "mac_address": "x"}, 1])):
    for e in elements:
        s, answer = c("POST", "/v2.0/ports", {"port": {**need["port"], attr: [e]}})
        if s != 400:
            bad.append((attr, e, s))
for attr, e, n in (("dns_nameservers", "10.0.0.1", 6), ("host_routes", {"destination": "10.0.0.0/8", "nexthop": "10.5.0.9"}, 21)):
    s, answer = c("POST", "/v2.0/subnets", {"subnet": {**need["subnet"], attr: [e] * n}})
    if s != 400:
        bad.append((attr, n, s))
check(not bad, "elements of lists: wrong, incomplete, too many", bad)

# ---- bodies ----
P = "/v2.0/networks"
for what, body in (("no body", None), ("an empty object", "{}"), ("a list", "[]"), ("a number", "5"), ("half", '{"network":'),
                   ("another resource", '{"port": {}}'), ("two resources", '{"network": {}, "port": {}}'),
                   ("a list for an object", '{"network": []}'), ("an object for a list", '{"networks": {}}'),
                   ("a list of numbers", '{"networks": [1]}'), ("a member twice", '{"network": {"name": "a", "name": "b"}}'),
                   ("not UTF-8", b'{"network": {"name": "\xff"}}'), ("a NUL", '{"network": {"name": "a\\u0000b"}}'),
                   ("lone surrogate", '{"network": {"name": "\\ud800"}}'), ("what follows", '{"network": {}} x'),
                   ("deep", "[" * 100000), ("deep objects", '{"network": {"name": ' + '{"a":' * 40 + "1" + "}" * 42),
                   ("a huge number", '{"network": {"mtu": 1e999}}'), ("a long number", '{"network": {"mtu": ' + "9" * 400 + "}}")):
    s, _, raw = c.raw("POST", P, body)
    check(s == 400 and error_of(json.loads(raw)) == "HTTPBadRequest", f"body: {what}", (s, raw[:200]))
s, _, raw = c.raw("POST", P, "name=x", {"Content-Type": "application/x-www-form-urlencoded"})
check(s == 415 and error_of(json.loads(raw)) == "HTTPUnsupportedMediaType", "another content type", (s, raw))
s, _, raw = c.raw("POST", P, json.dumps({"network": {"name": "x" * (9 << 20)}}))
check(s == 413 and error_of(json.loads(raw)) == "HTTPRequestEntityTooLarge", "a body of 9 MiB", (s, raw[:200]))
s, answer = c("POST", P, {"network": {"tenant_id": "a", "project_id": "b"}})
check(s == 400, "tenant_id and project_id that differ", answer)

# ---- paths and queries ----
for path in ("/v2.0/networks/" + "x" * 2000, "/v2.0/networks/%00", "/v2.0/networks/%ff%fe", "/v2.0//networks", "/v2.0/networks/a/b",
             "/../etc/passwd", "/v2.0/networks/" + SMALL.upper()):
    s, _, raw = c.raw("GET", path)
    check(400 <= s < 500, f"path {path[:40]}", s)
for query in ("?" + "&".join("name=x" for _ in range(5000)), "?=", "?%zz=%", "?fixed_ips=x",
              "?fixed_ips=x=y", "?limit=x", "?limit=99999999999999999999999", "?sort_key=", "?" + "&sort_key=id" * 20):
    s, _, raw = c.raw("GET", P.replace("networks", "ports") + query)
    check(400 <= s < 500, f"query {query[:40]}", (s, raw[:100]))


# ---- HTTP itself ----
def wire(data, wait=1.0):
    with socket.create_connection(("127.0.0.1", c.port), 5) as s:
        s.settimeout(wait)
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            return s.recv(200)
        except OSError as e:
            return str(e).encode()


for data in (b"\x00" * 1000, b"GET", b"GET / HTTP/9.9\r\n\r\n", b"POST /v2.0/networks HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
             b"POST /v2.0/networks HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20000 + b"\r\n",
             b"POST /v2.0/networks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
    wire(data)
check(c("GET", "/")[0] == 200, "broken HTTP does not stop the service")
s, h, raw = c.raw("GET", "/", headers={"Host": "evil\"><x"})
check(b"evil" not in raw, "a Host header with quotes is not echoed", raw)

# A client that goes away while its request is being written.
for _ in range(50):
    body = json.dumps({"network": {"name": "gone"}}).encode()
    with socket.create_connection(("127.0.0.1", c.port), 5) as s:
        s.sendall(b"POST /v2.0/networks HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
check(c("GET", "/")[0] == 200, "clients that leave before the answer do not stop the service")
for n in c.list("networks", "?name=gone&fields=id"):
    c("DELETE", f"/v2.0/networks/{n['id']}")

# ---- memory ----
con = http.client.HTTPConnection("127.0.0.1", c.port, timeout=60)


def refused_once(i):
    con.request("POST", "/v2.0/ports", json.dumps({"ports": [
        {"network_id": net["id"], "name": "x" * 200, "fixed_ips": [{"ip_address": "10.0.0.99"}]},
        {"network_id": net["id"], "fixed_ips": [{"ip_address": "192.0.2.%d" % (i % 250)}]}]}))
    r = con.getresponse()
    r.read()
    return r.status


for i in range(500):
    refused_once(i)
before = c.rss_kb()
check(all(refused_once(i) == 400 for i in range(3000)), "3,000 bulk creates are refused half-way")
grown = c.rss_kb() - before
with open(f"/proc/{c.process.pid}/maps") as f:
    sanitized = "libasan" in f.read()  # which keeps what is freed, to find later uses of it
check(sanitized or grown < 1024, "and memory does not grow", f"{grown} kB")
check(len(c.list("ports")) == 1, "and leave nothing behind", len(c.list("ports")))
check(c.process.poll() is None, "the controller runs")
finish()
