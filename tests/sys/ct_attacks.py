#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX ct: forged packets, half-open connections, exhausted ranges
"""Connections of real hosts while somebody wants to end them, speak in them, or fill the table; at both switches.

The hosts and the flows are in lib/ct_router.py.  c and s have a connection; who forges packets sits at r, on the way, and
sees their addresses and ports, but not their sequence numbers.
"""
import os
import random
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import ct  # noqa: E402
import ct_router as net  # noqa: E402
from ct_differences import ATTACKS  # noqa: E402
from ct_frames import ICMP, ICMP6, TCP, Read, frame, icmp, ip, tcp  # noqa: E402
from ct_router import C, PUBLIC, S, SERVICE  # noqa: E402

ROOM, FLOOD, BATCH = 1000, 4000, 250
TCP_REPAIR = 19


def tcp_socket(lab, space, v, port=0):
    s = lab.socket(space, socket.AF_INET6 if v == 6 else socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.settimeout(20)
    s.bind(("::" if v == 6 else "0.0.0.0", port))
    return s


class Connection:
    """c's to s."""

    def __init__(self, lab, v, listener, port=0):
        self.c = tcp_socket(lab, "c", v, port)
        self.c.connect((S[v], 7000))
        self.s, who = listener.accept()
        self.s.settimeout(20)
        self.seen = who[:2]  # address and port as outside

    def works(self):
        try:
            for a, b in ((self.c, self.s), (self.s, self.c)):
                data = os.urandom(3000)
                a.sendall(data)
                got = b""
                while len(got) < len(data):
                    more = b.recv(4096)
                    if not more:
                        return False
                    got += more
                if got != data:
                    return False
            return True
        except OSError:
            return False

    def vanish(self):
        """c forgets it without a word."""
        self.c.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        self.c.close()

    def close(self):
        self.c.close()
        self.s.close()


class Forger:
    def __init__(self, lab):
        self.wire, self.ear = lab.wire("r", "eth0"), lab.wire("c", "eth0")
        self.numbers = []

    def send(self, *packets):
        for p in packets:
            self.wire.send(frame(p, net.mac_of(3), ct.ROUTER))

    def heard(self, wanted):
        """How many packets c has got that are so."""
        time.sleep(0.1)
        self.ear.setblocking(False)
        n = 0
        try:
            while True:
                data, where = self.ear.recvfrom(65536)
                if where[2] != 4 and data[12:14] in (b"\x08\0", b"\x86\xdd") and wanted(Read(data[14:])):
                    n += 1
        except BlockingIOError:
            return n


def forged(lab, forger, v, connection):
    rng = random.Random(4)
    n = f"IPv{v}: "
    to, port = connection.seen
    # Out of any window: one within it may be the host's to judge (a challenge), and would be hit by chance once in some hundred runs.
    forger.numbers.clear()
    connection.works()
    forger.heard(lambda p: p.flags and forger.numbers.append(p.seq))
    seqs = [(forger.numbers[-1] + rng.randrange(1 << 26, (1 << 32) - (1 << 26))) & 0xffffffff for _ in range(300)]
    forger.send(*(ip(S[v], to, TCP, tcp(S[v], to, 7000, port, "R", x)) for x in seqs))
    lab.check(n + "300 RSTs at random: none gets to the host", forger.heard(lambda p: p.flags and "R" in p.flags) == 0)
    lab.check(n + "... and the connection works after them", connection.works())
    forger.heard(lambda p: False)
    forger.send(*(ip(S[v], to, TCP, tcp(S[v], to, 7000, port, "SA", x, y)) for x, y in zip(seqs, seqs[1:])))
    forger.send(*(ip(S[v], to, TCP, tcp(S[v], to, 7000, port, "S", x)) for x in seqs))
    forger.send(*(ip(S[v], to, TCP, tcp(S[v], to, 7000, port, "PA", x, y, b"evil")) for x, y in zip(seqs, seqs[1:])))
    lab.check(n + "SYNs, answers and data at random: of these two none gets to the host", forger.heard(lambda p: p.body[20:].endswith(b"evil") or p.flags == "SA") == 0)
    lab.check(n + "... and the connection works", connection.works())
    quotes = [tcp(to, S[v], port ^ (1 + i), 7000, "A", x) for i, x in enumerate(seqs[:50])]
    kind = (ICMP6, (1, 1)) if v == 6 else (ICMP, (3, 2))
    forger.send(*(ip(net.R[v], to, kind[0], icmp(net.R[v], to, *kind[1], data=ip(to, S[v], TCP, q))) for q in quotes))
    lab.check(n + "errors of other ports: none gets to the host", forger.heard(lambda p: p.inner is not None) == 0)
    lab.check(n + "... and the connection works after errors", connection.works())


def half_open(lab, v, listener):
    n = f"IPv{v}: "
    k = Connection(lab, v, listener, 5555)
    k.works()
    k.vanish()
    k.s.sendall(b"are you there?")
    try:
        end = k.s.recv(10)
    except ConnectionResetError:
        end = "reset"
    except OSError as e:
        end = type(e).__name__
    lab.verdict(n + "half-open: the host that forgot the connection can say so", end, "reset")
    k.s.close()
    k = Connection(lab, v, listener, 5556)
    k.works()
    k.vanish()
    again = tcp_socket(lab, "c", v, 5556)
    again.settimeout(2.3 * ct.SLOW)
    try:
        again.connect((S[v], 7000))
        good = True
    except OSError:
        good = False
    lab.verdict(n + "half-open: a host that starts anew from the same port gets through", good)
    again.close()
    k.s.close()
    try:
        listener.settimeout(0.01)
        listener.accept()[0].close()
    except OSError:
        pass
    listener.settimeout(20)


def both_open(lab, v):
    """s begins and is not let in, then c begins, from and to the same ports: the SYN finds s opening as well."""
    a, b = tcp_socket(lab, "c", v, 6001), tcp_socket(lab, "s", v, 6002)
    b.setblocking(False)
    b.connect_ex((C[v], 6001))
    time.sleep(0.05)
    try:
        a.connect((S[v], 6002))
        b.settimeout(20)
        a.sendall(b"hello")
        good = b.recv(10) == b"hello"
        b.sendall(b"yes")
        good = good and a.recv(10) == b"yes"
    except OSError as e:
        good = str(e)
    lab.check(f"IPv{v}: both ends open the connection (firewall)", good is True, good)
    a.close()
    b.close()


def flood(lab, forger, v, connection, listener):
    n = f"IPv{v}: "
    lab.dpctl("ct-set-limits", f"zone=1,limit={ROOM}")
    target = SERVICE[v]
    worked = []
    for part in range(FLOOD // BATCH):
        packets = []
        for i in range(BATCH):
            k = part * BATCH + i
            src = f"11.{k >> 16}.{k >> 8 & 255}.{k & 255}" if v == 4 else f"fd0b::{k:x}"
            packets.append(ip(src, target, TCP, tcp(src, target, 1024 + k % 60000, 80, "S", k)))
        forger.send(*packets)
        worked.append(connection.works())
    lab.check(n + "a flood of SYNs: what was established goes on", all(worked), worked)
    count = len([x for x in lab.connections("zone=1") if "tcp" in x])
    lab.check(n + "... the zone holds as many as it may", ROOM * 0.9 <= count <= ROOM + 20, count)
    other = tcp_socket(lab, "c", v)
    other.settimeout(0.7)
    try:
        other.connect((S[v], 7000))
        listener.accept()[0].close()
        good = True
    except OSError:
        good = False
    lab.verdict(n + "... a new one gets in", good, False)
    other.close()
    lab.dpctl("flush-conntrack", "zone=1")
    lab.dpctl("ct-del-limits", "zone=1")
    k = Connection(lab, v, listener)
    lab.check(n + "... and when the zone is empty again, does", k.works())
    k.close()


def exhausted(lab, v):
    """Four ports for five sockets."""
    lab.flows(net.nat(v, net.bracketed(v, PUBLIC[v], "6000-6003")))
    lab.dpctl("flush-conntrack")
    family = socket.AF_INET6 if v == 6 else socket.AF_INET
    here = [lab.socket("c", family, socket.SOCK_DGRAM) for _ in range(5)]
    there = lab.socket("r", family, socket.SOCK_DGRAM)
    there.bind((net.R[v], 4001))
    seen = []
    for s in here:
        there.settimeout(1 if s is here[4] else 20)
        s.sendto(b"x", (net.R[v], 4001))
        try:
            seen.append(there.recvfrom(10)[1][:2])
        except TimeoutError:
            seen.append(None)
    lab.verdict(f"IPv{v}: a range of four ports and five sockets: four get through, each by another", [len({p for p in seen if p}), seen[4]], [4, None])
    for s in (*here, there):
        s.close()


def test(lab):
    net.topology(lab, mtu=1500)
    lab.switch(*lab.two_threads())
    forger = Forger(lab)
    for v in (4, 6):
        lab.flows(net.firewall(v))
        both_open(lab, v)
        lab.flows(net.nat(v))
        listener = tcp_socket(lab, "s", v, 7000)
        listener.listen(8)
        k = Connection(lab, v, listener)
        lab.check(f"IPv{v}: a connection works", k.works() and k.seen[0] == PUBLIC[v], k.seen)
        forged(lab, forger, v, k)
        half_open(lab, v, listener)
        flood(lab, forger, v, k, listener)
        exhausted(lab, v)
        k.close()
        listener.close()


if __name__ == "__main__":
    ct.main(test, ATTACKS)
