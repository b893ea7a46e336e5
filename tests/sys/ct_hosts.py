#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX ct and nat: Linux hosts through a firewall, SNAT, DNAT, hairpin
"""Linux hosts as judges of a stateful firewall, of SNAT, DNAT and hairpin, at Weft and at Open vSwitch; both IP versions.

The hosts and the flows are in lib/ct_router.py.  curl, iperf3, ping, traceroute, and a path whose MTU only an ICMP error
tells, which must find the socket that it is about.
"""
import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import ct  # noqa: E402
import ct_router as net  # noqa: E402
from ct_router import C, H, PUBLIC, S, SERVICE, bracketed, url  # noqa: E402

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
DIFFERENCES = {f"IPv{v}: persistent: one host has one address of a range":
               "it takes no notice of 'persistent' and chooses by a hash with the ports; RFC 4787 REQ-2 wants one address for a host"
               for v in (4, 6)}


def name(version, text):
    return f"IPv{version}: {text}"


def curl(lab, space, *words, wait=20):
    return lab.inside(space, "curl", "-sS", "--connect-timeout", str(wait), "--max-time", str(wait + 5), "-g", *words, timeout=60)


def asked(lab, space, where, wait=20):
    """Who the server says has asked: address, port; None when there is no answer."""
    p = curl(lab, space, where, wait=wait)
    words = p.stdout.split()
    return (words[0], int(words[1].rstrip("."))) if p.returncode == 0 and len(words) >= 2 else None


def ping(lab, space, to, *words):
    return lab.inside(space, "ping", "-n", "-q", "-i", "0.05", "-c", "3", "-W", "10", *words, to).returncode == 0


def listens(lab, space, port):
    return f":{port:04X} " in lab.inside(space, "cat", "/proc/net/tcp", "/proc/net/tcp6").stdout


def iperf(lab, version, *words):
    """Through to the end.  Each has a server of its own: one that goes on closes its socket between two clients."""
    iperf.port += 1
    lab.start("s", "iperf3", "-s", "-1", "-p", str(iperf.port))
    lab.until(lambda: listens(lab, "s", iperf.port), 20)
    p = lab.inside("c", "iperf3", "-c", S[version], "-p", str(iperf.port), "-n", "4M", "--connect-timeout", "20000", *words, timeout=60)
    return p.returncode == 0, p.stdout[-300:] + p.stderr[-200:]


iperf.port = 5200


def big_udp(lab, version, size=8000):
    """A datagram in fragments there, and back."""
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    a, b = lab.socket("c", family, socket.SOCK_DGRAM), lab.socket("r", family, socket.SOCK_DGRAM)
    with a, b:
        b.bind((net.R[version], 4000))
        for s in (a, b):
            s.settimeout(20)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        data = os.urandom(size)
        try:
            a.sendto(data, (net.R[version], 4000))
            got, who = b.recvfrom(65536)
            b.sendto(got[::-1], who)
            return got == data and a.recvfrom(65536)[0] == data[::-1], who[0]
        except TimeoutError:
            return False, ""


def mtu_known(lab, version):
    text = lab.inside("c", "ip", f"-{version}", "route", "get", S[version]).stdout
    m = re.search(r"\bmtu (\d+)", text)
    return int(m[1]) if m else 0


def forget_mtu(lab, version):
    lab.inside("c", "ip", f"-{version}", "route", "flush", "cache")


def upload(lab, version):
    path = f"{lab.dir}/megabyte"
    with open(path, "wb") as f:
        f.write(bytes(1 << 20))
    p = curl(lab, "c", "-H", "Expect:", "--data-binary", f"@{path}", url(version, S[version], 8000))
    return p.stdout == str(1 << 20), p.stdout + p.stderr


def common(lab, v, what):
    lab.check(name(v, f"{what}: a page from outside"), asked(lab, "c", url(v, S[v], 8000)))
    p = curl(lab, "c", url(v, S[v], 8000, "300000"))
    lab.check(name(v, f"{what}: a long page"), len(p.stdout) > 300000, p.stderr)
    lab.check(name(v, f"{what}: nothing begins outside"), not asked(lab, "s", url(v, C[v], 8000), wait=1))
    lab.check(name(v, f"{what}: ping out"), ping(lab, "c", S[v]))
    lab.check(name(v, f"{what}: no ping in"), not ping(lab, "s", C[v], "-c", "1", "-W", "0.5"))
    lab.check(name(v, f"{what}: iperf3, TCP out"), *iperf(lab, v))
    lab.check(name(v, f"{what}: iperf3, TCP in"), *iperf(lab, v, "-R"))
    lab.check(name(v, f"{what}: iperf3, four at once"), *iperf(lab, v, "-P", "4"))
    lab.check(name(v, f"{what}: iperf3, UDP"), *iperf(lab, v, "-u", "-b", "50M", "-l", "1200", "-n", "1M"))


def fragments(lab, v, what):
    """To r: on the way to s they would be fragmented anew."""
    lab.check(name(v, f"{what}: ping in fragments"), ping(lab, "c", net.R[v], "-s", "8000"))
    good, who = big_udp(lab, v)
    lab.check(name(v, f"{what}: 8,000 bytes of UDP in fragments, and back"), good)
    if what == "NAT":
        lab.check(name(v, f"{what}: ... translated"), who == PUBLIC[v], who)


def path_mtu(lab, v, what):
    forget_mtu(lab, v)
    lab.check(name(v, f"{what}: an upload through a narrow path"), *upload(lab, v))
    lab.check(name(v, f"{what}: ... of which the sender learned the MTU"), mtu_known(lab, v) == 1300, mtu_known(lab, v))


def traceroute(lab, v, how):
    p = lab.inside("c", "traceroute", f"-{v}", "-n", "-f", "2", "-m", "4", "-q", "1", "-w", "10", *how, S[v])
    hops = [line.split()[1] for line in p.stdout.splitlines()[1:] if len(line.split()) > 1]
    return hops[:2] == [net.R[v], S[v]], p.stdout + p.stderr


def unreachable(lab, v, what):
    """A port where nobody is: the error must come to the socket that asked."""
    family = socket.AF_INET6 if v == 6 else socket.AF_INET
    with lab.socket("c", family, socket.SOCK_DGRAM) as s:
        s.settimeout(20)
        s.connect((S[v], 4999))
        s.send(b"anyone")
        try:
            s.recv(100)
            told = "an answer"
        except ConnectionRefusedError:
            told = ""
        except TimeoutError:
            told = "nothing"
    lab.check(name(v, f"{what}: port unreachable finds the socket"), not told, told)


def firewall(lab):
    lab.flows(net.firewall(4) + net.firewall(6))
    for v in (4, 6):
        common(lab, v, "firewall")
        fragments(lab, v, "firewall")
        path_mtu(lab, v, "firewall")
        unreachable(lab, v, "firewall")


def translated(lab):
    lab.flows(net.nat(4) + net.nat(6))
    for v in (4, 6):
        common(lab, v, "NAT")
        who = asked(lab, "c", url(v, S[v], 8000))
        lab.check(name(v, "SNAT: the server sees the public address"), who and who[0] == PUBLIC[v], who)
        fragments(lab, v, "NAT")
        path_mtu(lab, v, "NAT")
        unreachable(lab, v, "NAT")
        for how in ([], ["-I"], ["-T", "-p", "8000"]):
            lab.check(name(v, f"NAT: traceroute {' '.join(how) or 'by UDP'}"), *traceroute(lab, v, how))
        who = asked(lab, "s", url(v, SERVICE[v], 80))
        lab.check(name(v, "DNAT: a page from inside, by the public address; who asks is not translated"), who and who[0] == S[v], who)
        lab.check(name(v, "DNAT: no other port of it"), not asked(lab, "s", url(v, SERVICE[v], 8080), wait=1))
        who = asked(lab, "c", url(v, SERVICE[v], 80))
        lab.check(name(v, "hairpin: a page from the neighbour, by the public address, as if from outside"), who and who[0] == SERVICE[v], who)
        p = curl(lab, "c", url(v, SERVICE[v], 80, "300000"))
        lab.check(name(v, "hairpin: a long page"), len(p.stdout) > 300000, p.stderr)


def ranges(lab):
    for v in (4, 6):
        lab.flows(net.nat(v, bracketed(v, PUBLIC[v], "6000-6009")))
        ports = [asked(lab, "c", url(v, S[v], 8000)) for _ in range(5)]
        lab.check(name(v, "a range of ports: they are in it, and different"), all(p and p[0] == PUBLIC[v] and 6000 <= p[1] <= 6009 for p in ports), ports)
        last = {4: "192.0.2.12", 6: "fd02::12"}[v]
        lab.flows(net.nat(v, f"{PUBLIC[v]}-{last},persistent"))
        seen = [asked(lab, "c", url(v, S[v], 8000)) for _ in range(10)]
        lab.check(name(v, "persistent: one host has one address of a range"), all(seen) and len({s[0] for s in seen}) == 1, seen)


def test(lab):
    net.topology(lab)
    lab.switch(*lab.two_threads())
    for space in ("s", "h", "c"):
        lab.start(space, "/usr/bin/python3", f"{LIB}/ct_servers.py", "http", "8080" if space == "h" else "8000", name=f"http-{space}")
    for space, port in (("s", 8000), ("h", 8080), ("c", 8000)):
        lab.until(lambda: asked(lab, space, f"http://127.0.0.1:{port}/", wait=1), 10)
    for part in (firewall, translated, ranges):
        part(lab)


if __name__ == "__main__":
    ct.main(test, DIFFERENCES)
