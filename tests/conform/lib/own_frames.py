# SPDX-License-Identifier: Apache-2.0
"""Patterns of fragments, and of frames that are odd in another way; own_patterns.py imports them.

What a fragment looks like after a set-field is what scapy makes of the whole datagram that has the new
value, and cuts: so the checksum in the first one is that of the whole.
"""
import struct

from own_patterns import (A, BODY, O, P, V4, V6, Z, applied, apply_, eth, ip4, ip6, matches, out, pattern, put, rule, tcp, udp, up)
from scapy.all import (ICMP, IP, LLC, SNAP, STP, UDP, Dot1AD, Dot1Q, Dot3, Ether, ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment,
                       Raw, fragment, fragment6, in4_chksum, in6_chksum, raw)

LONG = BODY * 8
MF = dict(flags="MF")


def cut(p, size=104):
    """The fragments of an IP packet, each in a frame."""
    if IPv6 in p:
        return [eth() / f for f in fragment6(IPv6(raw(p)), size)]
    return [eth() / f for f in fragment(IP(raw(p)), size)]


def big(l4):
    """With data for some fragments."""
    l4[Raw].load = LONG
    return l4


def v6(**kw):
    return ip6(**kw) / IPv6ExtHdrFragment(id=5)


def changed(name, field, before, after, **match):
    """Set-field on all fragments of a datagram; one by one, since the tester changes the order of its flows' frames."""
    a, b = cut(before, 160), cut(after, 160)
    assert len(a) > 2 and [len(x) for x in a] == [len(x) for x in b], (name, len(a), len(b))
    pattern("7.2.5", "set-field in fragments", name, applied(put(**field), **match), *((x, {2: y}) for x, y in zip(a, b)))


changed("ipv4_src, UDP: the first one has the checksum of the whole", dict(ipv4_src="10.7.7.7"),
        ip4() / big(udp()), ip4(src="10.7.7.7") / big(udp()), **V4)
changed("ipv4_dst, TCP", dict(ipv4_dst="10.7.7.7"), ip4() / big(tcp()), ip4(dst="10.7.7.7") / big(tcp()), **V4)
changed("ipv4_dst, ICMP has no pseudo header", dict(ipv4_dst="10.7.7.7"), ip4() / ICMP() / Raw(LONG),
        ip4(dst="10.7.7.7") / ICMP() / Raw(LONG), **V4)
changed("ipv6_src, UDP", dict(ipv6_src="fd00::77"), v6() / big(udp()), v6(src="fd00::77") / big(udp()), **V6)
changed("ipv6_dst, TCP", dict(ipv6_dst="fd00::77"), v6() / big(tcp()), v6(dst="fd00::77") / big(tcp()), **V6)
changed("ipv6_dst, ICMPv6 has a pseudo header", dict(ipv6_dst="fd00::77"), v6() / ICMPv6EchoRequest(id=1, data=LONG),
        v6(dst="fd00::77") / ICMPv6EchoRequest(id=1, data=LONG), **V6)
changed("ip_dscp, in all of them", dict(ip_dscp=46), ip4() / big(udp()), ip4(tos=0xb8) / big(udp()), **V4)
changed("udp_dst, in the first; later ones have no port", dict(udp_dst=9), ip4() / big(udp()), ip4() / big(udp(d=9)), ip_proto=17, **V4)
changed("tcp_src over IPv6", dict(tcp_src=9), v6() / big(tcp()), v6() / big(tcp(9)), ip_proto=6, **V6)
changed("icmpv4_code", dict(icmpv4_code=3), ip4() / ICMP(code=1) / Raw(LONG), ip4() / ICMP(code=3) / Raw(LONG), ip_proto=1, **V4)
changed("icmpv6_type of an echo", dict(icmpv6_type=129), v6() / ICMPv6EchoRequest(id=1, data=LONG),
        v6() / ICMPv6EchoRequest(type=129, id=1, data=LONG), ip_proto=58, **V6)
nosum = UDP(sport=1, dport=2, chksum=0, len=8 + len(LONG)) / Raw(LONG)
changed("ipv4_src, UDP without a checksum: none afterwards", dict(ipv4_src="10.7.7.7"), ip4() / nosum, ip4(src="10.7.7.7") / nosum, **V4)


def to_zero(field, p):
    """The value of a UDP port with which the checksum comes to zero, and is sent as all ones."""
    q = p.copy()
    setattr(q[UDP], field, 0)
    return UDP(raw(IP(raw(q))[UDP])).chksum


ZERO = to_zero("dport", ip4() / big(udp()))
changed("a checksum that comes to zero is all ones", dict(udp_dst=ZERO), ip4() / big(udp()),
        ip4() / UDP(sport=1000, dport=ZERO, chksum=0xffff) / Raw(LONG), ip_proto=17, **V4)


def summed(ip, proto, l4, at):
    """'l4' behind 'ip', with the checksum at 'at' over all of it and the pseudo header."""
    make = in6_chksum if IPv6 in ip else in4_chksum
    zero = l4[:at] + b"\0\0" + l4[at + 2:]
    s = make(proto, ip, zero)
    return ip / Raw(l4[:at] + struct.pack("!H", s or 0xffff) + l4[at + 2:])


# Protocols that no field has, but whose checksum covers the addresses.
LITE = struct.pack("!HHHH", 1000, 2000, 0, 0) + BODY
DCCP = struct.pack("!HHBBHB3sI", 1000, 2000, 4, 0, 0, 1, b"\0\0\1", 5) + BODY
for n, proto, l4 in (("UDP-Lite", 136, LITE), ("DCCP", 33, DCCP)):
    pattern("7.2.5", "set-field ipv4_src", n, applied(put(ipv4_src="10.7.7.7"), **V4),
            (eth() / summed(ip4(proto=proto), proto, l4, 6), {2: eth() / summed(ip4(proto=proto, src="10.7.7.7"), proto, l4, 6)}))
    pattern("7.2.5", "set-field ipv6_dst", n, applied(put(ipv6_dst="fd00::77"), **V6),
            (eth() / summed(ip6(nh=proto), proto, l4, 6), {2: eth() / summed(ip6(nh=proto, dst="fd00::77"), proto, l4, 6)}))

# ---- matches ----
F4 = cut(ip4() / big(udp()))
matches("5.3", "match fragments", "IPv4: the first has ports, and a later one none", F4[0], F4[1], ip_proto=17, udp_dst=2000, **V4)
for n, f, field in (("a later one", F4[1], dict(ip_proto=17, udp_dst=0)),
                    ("a first one that is too short for its header", eth() / ip4(proto=6, **MF) / Raw(raw(tcp())[:8]), dict(ip_proto=6, tcp_dst=0)),
                    ("an ICMP packet that is cut off", eth() / ip4(proto=1) / Raw(b"\0" * 4), dict(ip_proto=1, icmpv4_type=0))):
    pattern("7.3.2", "OFPC_FRAG_NORMAL", n + " does not match fields that it does not have, not even as zero", lambda d, f=field: [
        rule(d, apply_(out(2)), eth_type=0x800, **f), rule(d, apply_(out(3)), priority=1)], (f, {3: f}))

# ---- reassembled ----


def mode(flags, name, *rules_, steps):
    pattern("7.3.2", ("OFPC_FRAG_NORMAL", "OFPC_FRAG_DROP", "OFPC_FRAG_REASM")[flags], name,
            lambda d: [P.OFPSetConfig(d, flags, 128)] + [r(d) for r in rules_], *steps)


def by_port(*actions):
    return lambda d: rule(d, apply_(*actions), ip_proto=17, udp_dst=2000, **V4)


def by_port6(*actions):
    return lambda d: rule(d, apply_(*actions), ip_proto=17, udp_dst=2000, **V6)


W4, W6 = ip4() / big(udp()), ip6() / big(udp())
F6 = cut(v6() / big(udp()))
mode(0, "each fragment by itself", by_port(out(2)), by_port6(out(2)), steps=[(F4, {2: F4[0]}), (F6, {2: F6[0]})])
mode(1, "no fragment passes", by_port(out(2)), by_port6(out(2)), steps=[(F4 + [eth() / W4], {2: eth() / W4}), (F6 + [eth() / W6], {2: eth() / W6})])
mode(2, "IPv4: the flow of the ports has the whole", by_port(out(2)), steps=[(F4, {2: eth() / W4}), (F4[::-1], {2: eth() / W4})])
mode(2, "IPv6: without the fragment header", by_port6(out(2)), steps=[(F6, {2: eth() / W6}), (F6[::-1], {2: eth() / W6})])
mode(2, "checksums are right after set-field", by_port(put(ipv4_src="10.7.7.7"), put(udp_dst=9), out(2)),
     steps=[(F4, {2: eth() / ip4(src="10.7.7.7") / big(udp(d=9))})])
mode(2, "the controller gets the whole", by_port(up()), steps=[(F4, {"controller": eth() / W4})])
mode(2, "tags are kept", by_port(out(2)), steps=[
    ([eth() / Dot1Q(vlan=5) / Dot1AD(vlan=6) / f[IP] for f in F4], {2: eth() / Dot1Q(vlan=5) / Dot1AD(vlan=6) / W4})])
mode(2, "an overlap ends the datagram", by_port(out(2)), steps=[([F4[0], eth() / ip4(proto=17, frag=12, **MF) / Raw(bytes(16))] + F4[1:], {})])

# ---- odd frames ----
TAGS = eth()  # the outermost: the kernel's stripping of it forgets which kind it was (af_packet in DPDK 22.11)
for i in range(1, 9):
    TAGS = TAGS / (Dot1AD(vlan=i) if i in (2, 3) else Dot1Q(vlan=i))
EIGHT = TAGS / ip4() / udp()
matches("7.2.3.7", "match fields behind tags", "eight tags", EIGHT, eth() / Dot1Q(vlan=9) / ip4() / udp(), vlan_vid=0x1001, ip_proto=17, udp_dst=2000, **V4)
pattern("7.2.5", "push and pop", "a ninth tag, and off again", applied(P.OFPActionPushVlan(0x88a8), put(vlan_vid=0x1064), P.OFPActionPopVlan(), vlan_vid=0x1001),
        (EIGHT, {2: EIGHT}))


def padded(f, n=60):
    return Ether(raw(f).ljust(n, b"\0"))


SHORT = eth() / ip4() / UDP(sport=1, dport=2)
pattern("7.2.5", "push and pop", "padding stays behind a tag", applied(P.OFPActionPushVlan(0x8100), put(vlan_vid=0x1064), **V4),
        (padded(SHORT), {2: Ether(raw(eth() / Dot1Q(vlan=100) / ip4() / UDP(sport=1, dport=2)).ljust(64, b"\0"))}))
pattern("7.2.5", "push and pop", "padding stays behind a label, and is no part of checksums", applied(put(udp_dst=9), P.OFPActionPushMpls(0x8847), ip_proto=17, **V4),
        (padded(SHORT), {2: Ether(raw(Ether(dst=Z, src=A, type=0x8847) / Raw(struct.pack("!I", 0x140)) / ip4() / UDP(sport=1, dport=9)).ljust(64, b"\0"))}))
LENGTH = Dot3(dst=Z, src=A) / LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP()
pattern("7.2.3.7", "match eth_type", "a frame with a length has none that rules can name", applied(eth_type=0x0026), (LENGTH, {}))
pattern("7.2.3.7", "match eth_type", "... but by 0x05ff, as OpenFlow 1.0 named it and Open vSwitch does", applied(eth_type=0x05ff), (LENGTH, {2: LENGTH}))
pattern("7.2.3.7", "match eth_type", "... and its addresses", applied(eth_dst=Z), (LENGTH, {2: LENGTH}))
SNAPPED = Dot3(dst=Z, src=A) / LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / SNAP(OUI=0, code=0x800) / ip4() / udp()
pattern("7.2.3.7", "match eth_type", "SNAP carries one (RFC 1042)", applied(ip_proto=17, udp_dst=2000, **V4), (SNAPPED, {2: SNAPPED}))
for n, p in (("a total length beyond the frame", ip4(len=500) / udp()), ("a total length shorter than the header", ip4(len=19) / udp()),
             ("IHL below 5", ip4(ihl=4) / udp()), ("IHL beyond the frame", ip4(ihl=15, len=28) / UDP(sport=1000, dport=2000, len=8, chksum=1)),
             ("an IPv6 payload length of 0", ip6(plen=0) / udp())):
    known = n == "a total length beyond the frame"
    kind = dict(V6) if IPv6 in p else dict(V4)
    pattern("7.2.3.7", "match malformed headers", n + (": what is there is read" if known else ": no ports"),
            applied(ip_proto=17, udp_dst=2000, **kind), (eth() / p, {2: eth() / p} if known else {}))
pattern("7.2.5", "set-field", "a payload of no length", applied(put(udp_dst=9), ip_proto=17, **V4),
        (eth() / ip4() / UDP(sport=1, dport=2), {2: eth() / ip4() / UDP(sport=1, dport=9)}))
