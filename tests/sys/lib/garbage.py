#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends frames that are wrong in every way at an interface: garbage.py IFACE SECONDS DST_MAC SRC_MAC IP

Sound frames of every kind that the switch reads (tags, ARP, ND, IPv4, IPv6, fragments, VXLAN to IP), whole and
cut off at every length, with single bytes changed, and noise; the same ones each time.  Prints how many were sent.
"""
import random
import socket
import sys
import time

from scapy.all import ARP, GRE, ICMP, IP, TCP, UDP, VXLAN, Dot1AD, Dot1Q, Ether, IPv6, Raw
from scapy.all import ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop

RATE = 13000  # a second: as much as leaves the other ports a share of two cores


def sound(dst, src, ip):
    e = Ether(dst=dst, src=src)
    v4, v6 = IP(src="10.0.0.66", dst="10.0.0.11"), IPv6(src="fe80::66", dst="fe80::1")
    inner = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02") / v4 / ICMP() / b"inner"
    out = IP(src="192.0.2.9", dst=ip) / UDP(sport=4242, dport=4789)
    tags = [Dot1Q(vlan=n) for n in range(1, 9)]
    frames = [e / v4 / TCP(), e / v4 / UDP() / (b"x" * 50), e / v4 / ICMP() / (b"x" * 50), e / ARP(pdst="10.0.0.11"),
              Ether(dst="ff:ff:ff:ff:ff:ff", src=src) / ARP(op=1, psrc="10.0.0.66", pdst="10.0.0.12"),
              e / v6 / ICMPv6ND_NS(tgt="fe80::1") / ICMPv6NDOptSrcLLAddr(lladdr=src), e / v6 / TCP(),
              e / v6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrFragment(offset=0, m=1) / UDP(),
              e / v6 / IPv6ExtHdrFragment(offset=9, m=0) / (b"x" * 30), e / IP(src="10.0.0.66", flags="MF") / UDP() / (b"x" * 24),
              e / IP(src="10.0.0.66", dst=ip, frag=5) / (b"x" * 24), e / IP(src="10.0.0.66", options=b"\x07\x27\x08" + b"\0" * 37) / UDP(),
              e / Dot1AD(vlan=9) / Dot1Q(vlan=8) / v4 / UDP(), e / v4 / GRE() / v4 / UDP(), e / Raw(b"\0" * 60), e / out / b"short"]
    stack = e
    for t in tags:
        stack = stack / t
        frames.append(stack / v4 / UDP())
    for flags, vni in ((8, 1), (8, 0xffffff), (0, 1), (0xff, 2), (0x0c, 3)):
        frames.append(e / out / VXLAN(flags=flags, vni=vni) / inner)
    frames += [e / out / VXLAN(flags=8, vni=1) / stack / v4, e / out / VXLAN(flags=8, vni=1) / (e / out) / VXLAN(vni=1) / inner,
               e / IP(src="192.0.2.9", dst=ip) / ICMP() / b"echo", e / IP(dst=ip, src="192.0.2.9", frag=100) / (b"x" * 40)]
    return [bytes(f) for f in frames]


def garbage(frames, rng):
    for f in frames:
        yield f
        yield from (f[:n] for n in range(14, len(f)))
        for i in range(12, len(f)):
            yield f[:i] + bytes([rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))]) + f[i + 1:]
    for _ in range(500):
        yield frames[0][:12] + rng.randbytes(rng.randrange(2, 1400))


def main():
    name, seconds, dst, src, ip = sys.argv[1:]
    frames = list(garbage(sound(dst, src, ip), random.Random(1)))
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((name, 0))
    s.settimeout(1)
    begin, sent = time.monotonic(), 0
    while (spent := time.monotonic() - begin) < float(seconds):
        if sent > spent * RATE:
            time.sleep(0.002)
            continue
        for _ in range(16):
            try:
                s.send(frames[sent % len(frames)])
            except OSError:
                pass  # no room in the device's queue
            sent += 1
    print(sent)


main()
