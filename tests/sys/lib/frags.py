#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile fragments, with scapy as the judge of what comes out.

    frags.py SEND_IF RECV_IF CASE...      in the namespace that has both

Sends each case's fragments on SEND_IF and a datagram that ends it, collects what RECV_IF gets until that, puts fragments
among it together (scapy's own reassembly) and compares: a case names the datagrams that must come out, whole
and with right checksums, and nothing else may.  Prints "CASE ok" or "CASE bad: " and what was wrong.
"""
import random
import sys
import time

from scapy.all import (AsyncSniffer, Dot1Q, Ether, ICMPv6EchoRequest, IP, IPv6, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, LLC, PadN, Raw, SNAP, UDP, checksum,
                       conf, fragment, fragment6, raw)

conf.verb = 0
rnd = random.Random(7)
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
E = Ether(src=A, dst=B)


def payload(n):
    return Raw(bytes(rnd.randrange(256) for _ in range(n)))


def ip(n=3000, id=1, opts=None, **kw):
    return IP(src="10.7.0.1", dst="10.7.0.2", id=id, options=opts or [], **kw) / UDP(sport=7, dport=4000) / payload(n)


def ip6(n=3000, ext=None):
    base = IPv6(src="fd07::1", dst="fd07::2")
    return (base / ext if ext else base) / IPv6ExtHdrFragment(id=rnd.randrange(1 << 32)) / UDP(sport=7, dport=4000) / payload(n)


def pieces(p, size=1000):
    return fragment(IP(raw(p)), size) if IP in p else fragment6(IPv6(raw(p)), size + 100)


def bare6(headers, proto, data):
    """An IPv6 packet of these headers (without the fragment header that ends them) and data."""
    b = bytearray(raw(headers))
    b[4:6] = (len(b) - 40 + len(data)).to_bytes(2, "big")
    at, length = 6, 40
    while length < len(b):
        at, length = length, length + 8 * (b[length + 1] + 1)
    b[at] = proto
    return IPv6(bytes(b) + data)


def strip6(p):
    """An IPv6 packet without its fragment header."""
    p = IPv6(raw(p))
    h = p[IPv6ExtHdrFragment]
    return bare6(raw(p)[:len(raw(p)) - len(raw(h))], h.nh, raw(h.payload))


def part(p, at, data, more=True):
    """A fragment of IPv4 datagram 'p' made by hand."""
    return IP(src=p.src, dst=p.dst, id=p.id, proto=17, frag=at // 8, flags="MF" if more else 0) / Raw(data)


def part6(id, at, data, more=True, nh=17):
    return IPv6(src="fd07::1", dst="fd07::2") / IPv6ExtHdrFragment(id=id, nh=nh, offset=at // 8, m=int(more)) / Raw(data)


CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


@case
def in_order():
    p, q = ip(), ip6()
    return [E / x for x in pieces(p) + pieces(q)], [p, strip6(q)]


@case
def out_of_order():
    p, q = ip(8000, 2), ip6(8000)
    f = pieces(p) + pieces(q)
    rnd.shuffle(f)
    return [E / x for x in f], [p, strip6(q)]


@case
def duplicate():
    p, q = ip(3000, 3), ip6()
    f, g = pieces(p), pieces(q)
    return [E / x for x in f[:2] + f[:2] + f[2:] + g[:1] + g[:1] + g[1:]], [p, strip6(q)]


@case
def missing():
    f, g = pieces(ip(3000, 4)), pieces(ip6())
    return [E / x for x in f[:1] + f[2:] + g[1:]], []


@case
def overlap():
    p = ip(3000, 5)
    body = raw(p.payload)
    f = [part(p, 0, body[:1000]), part(p, 992, body[992:2000]), part(p, 2000, body[2000:], False)]
    q = raw(UDP(sport=7, dport=4000, len=2008) / payload(2000))
    g = [part6(5, 0, q[:1000]), part6(5, 992, q[992:1600]), part6(5, 1600, q[1600:], False)]
    return [E / x for x in f + f + g], []


@case
def teardrop():
    """The second lies within the first."""
    p = ip(0, 6)
    return [E / part(p, 0, bytes(64)), E / part(p, 24, b"x" * 8, False), E / part(p, 64, b"y" * 8, False)], []


@case
def other_bytes():
    """The same place twice, with other contents."""
    p = ip(3000, 7)
    f = pieces(p)
    g = f[0].copy()
    g[Raw].load = b"evil" + bytes(g[Raw].load[4:])
    g[IP].chksum = None
    return [E / x for x in [f[0], IP(raw(g))] + f[1:]], []


@case
def ping_of_death():
    p = ip(0, 8)
    q = [part(p, at, bytes(1480)) for at in range(0, 65120, 1480)] + [part(p, 65120, bytes(1000), False)]
    r = [part6(8, 0, bytes(1000)), part6(8, 65528, bytes(16), False)]
    return [E / x for x in q + r], []


@case
def two_ends():
    p = ip(0, 9)
    return [E / part(p, 0, bytes(64)), E / part(p, 128, bytes(64), False), E / part(p, 64, bytes(32), False),
            E / part(p, 64, bytes(64))], []


@case
def malformed():
    p = ip(0, 10)
    bad = part(p, 0, bytes(64))
    bad.chksum = 0x1234
    long = part(p, 64, bytes(64))
    long.len = 500
    return [E / x for x in [part(p, 0, bytes(61)), bad, long, part(p, 64, b""), part6(10, 0, bytes(61)), part6(10, 64, b"")]], []


@case
def tags():
    """Tags are kept, and tell datagrams apart."""
    p, q = ip(2000, 11), ip(2000, 11)
    f, g = pieces(p), pieces(q)
    one, two = Ether(src=A, dst=B) / Dot1Q(vlan=5), Ether(src=A, dst=B, type=0x88a8) / Dot1Q(vlan=5) / Dot1Q(vlan=6)
    out = []
    for a, b in zip(f, g):
        out += [one / a, two / b]
    return out, [p, q]


@case
def options():
    """Record route is in the first fragment only (RFC 791)."""
    from scapy.all import IPOption_RR, IPOption_Router_Alert
    p = IP(raw(ip(3000, 12, [IPOption_RR(length=11), IPOption_Router_Alert()])))
    f = pieces(p)
    return [E / x for x in f], [p]


@case
def extension_headers():
    q = ip6(3000, IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(4))]))
    return [E / x for x in pieces(q)], [strip6(q)]


@case
def snap():
    p = ip(2000, 13)
    out = []
    for x in pieces(p):
        b = raw(LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / SNAP(OUI=0, code=0x800) / x)
        out.append(bytes.fromhex((B + A).replace(":", "")) + len(b).to_bytes(2, "big") + b)
    return out, [p]


@case
def padded():
    """A last fragment that Ethernet pads."""
    p = ip(2000, 14)
    f = pieces(p, 1000)
    f = f[:-1] + [part(p, len(f[:-1]) * 1000, raw(f[-1].payload), False)]
    return [raw(E / x).ljust(60, b"\xee") for x in f], [p]


@case
def tiny():
    """A first fragment without a whole UDP header; the second has the port."""
    p = ip(72, 15)
    body = raw(p.payload)
    return [E / part(p, 0, body[:8]), E / part(p, 8, body[8:], False)], [p]


def joined(parts):
    """The data of (offset, data, more), or None: they do not fit together."""
    out = b""
    parts.sort()
    for at, data, more in parts:
        if at != len(out):
            return None
        out += data
    return None if parts[-1][2] else out


def whole(frames):
    """What the frames say, fragments put together, as IP packets; or the frames as they are."""
    out, sets = [], {}
    for f in frames:
        p = Ether(raw(f))
        tags = bytes(f)[12:p.haslayer(Dot1Q) and 12 + 4 * sum(x is Dot1Q for x in p.layers()) or 12]
        if p.haslayer(IPv6):
            b = raw(p[IPv6])[:40 + p[IPv6].plen]
            q = IPv6(b)
            if not q.haslayer(IPv6ExtHdrFragment):
                out.append(q)
                continue
            h = q[IPv6ExtHdrFragment]
            data = raw(h)[8:]
            v = sets.setdefault((6, tags, h.id), ([], []))
            v[0].append((h.offset * 8, data, h.m))
            if not h.offset:
                v[1].append((b[:len(b) - len(raw(h))], h.nh))
        elif p.haslayer(IP):
            b = raw(p[IP])[:p[IP].len]
            q = IP(b)
            if not q.frag and not q.flags.MF:
                out.append(q)
                continue
            v = sets.setdefault((4, tags, q.id), ([], []))
            v[0].append((q.frag * 8, b[q.ihl * 4:], int(q.flags.MF)))
            if not q.frag:
                v[1].append(q)
    for (family, _, _), (parts, first) in sets.items():
        data = joined(parts)
        if data is None or len(first) != 1:
            raise ValueError(f"fragments {[(p[0], len(p[1]), p[2]) for p in parts]} are no whole")
        if family == 6:
            out.append(bare6(first[0][0], first[0][1], data))
        else:
            b = bytearray(raw(first[0])[:first[0].ihl * 4])
            b[2:4], b[6:8], b[10:12] = (len(b) + len(data)).to_bytes(2, "big"), b"\0\0", b"\0\0"
            b[10:12] = checksum(bytes(b)).to_bytes(2, "big")
            out.append(IP(bytes(b) + data))
    return out


def canonical(p):
    p = p.copy()
    if IP in p:
        p.flags, p.frag, p.len, p.chksum, p.ttl = 0, 0, None, None, 64
        del p[IP].options[:]
        p.ihl = None
    else:
        p.plen = None
    return raw(p)


def checksums(p):
    """None, or what is wrong."""
    q = p.copy()
    if IP in q:
        del q[IP].chksum
    if UDP in q:
        del q[UDP].chksum
    q = q.__class__(raw(q))
    for layer in IP, UDP:
        if layer in p and layer in q and p[layer].chksum != q[layer].chksum:
            return f"{layer.__name__} checksum {p[layer].chksum:#x}, not {q[layer].chksum:#x}"
    return None


def judge(name, tx, rx):
    frames, wanted = CASES[name]()
    mark = raw(E / IP(src="10.7.0.1", dst="10.7.0.2", id=0xe0d) / UDP(sport=9, dport=4000) / b"the end")
    seen = []
    sniff = AsyncSniffer(iface=rx, store=False, prn=seen.append, lfilter=lambda p: p.src == A)
    sniff.start()
    while not hasattr(sniff, "stop_cb"):
        time.sleep(0.01)
    with conf.L2socket(iface=tx) as s:
        for f in frames:
            s.send(Raw(f) if isinstance(f, bytes) else f)
        s.send(Raw(mark))
    end = time.monotonic() + 20
    while not (ended := any(raw(p) == mark for p in seen)) and time.monotonic() < end:
        time.sleep(0.02)
    sniff.stop()
    results = [p for p in seen if raw(p) != mark]
    got = whole(results)
    bad = [] if ended else ["the end does not come"]
    bad += [e for e in map(checksums, got) if e]
    a, b = sorted(canonical(IP(raw(p)) if IP in p else IPv6(raw(p))) for p in wanted), sorted(map(canonical, got))
    if a != b:
        bad.append(f"wanted {[len(x) for x in a]}, got {[len(x) for x in b]} in {len(results)} frames")
        bad += [p.summary() for p in results[:12]]
    return "; ".join(bad)


def main():
    tx, rx = sys.argv[1:3]
    for name in sys.argv[3:]:
        try:
            why = judge(name, tx, rx)
        except ValueError as e:
            why = str(e)
        print(name, f"bad: {why}" if why else "ok", flush=True)


if __name__ == "__main__":
    main()
