# SPDX-License-Identifier: Apache-2.0
"""Connections, for a pipeline that tracks them.

    ct-udp-N, ct-tcp-N      both directions of N connections, shuffled.  TCP frames are acknowledgments without data
                            (sequence and acknowledgment number 1), so that each of them is in the window for ever
    ct-crowd-new            the first packets of a million UDP connections, read once
    ct-crowd                200,000 of them again, each in one direction or the other: what fits into Open vSwitch's buffers
    ct-new, ct-new200k      a million (200,000) UDP connections that are not in any other trace, read once
    ct-flood                ct-tcp-10k's frames, and as many SYNs from addresses that are nobody's
    ct-calm                 the same number of frames, of which the second half is of no connection and dropped by a flow
Rules: ct takes what is new and lets pass what is established; noct sends the packet through as many tables.
"""
import struct

from bench.traffic import TCP, UDP, any_udp, different, frame, mac, ones_complement, rng_for

SIZES = {"1": 1, "10k": 10000, "100k": 100000}
CROWD, SEEN, FLOOD = 1000000, 200000, 100000
FLOODER = 0x0b000000  # of a flood's senders: 11.0.0.0/8
_PSEUDO = struct.Struct("!IIHH")


def tcp(flow, flags=0x10):
    src, dst, _, sport, dport = flow
    data = bytearray(frame(mac(2), mac(1), src, dst, TCP, sport, dport))
    struct.pack_into("!H", data, 16, 40)  # the rest is padding
    struct.pack_into("!II", data, 38, 1, 0 if flags == 2 else 1)
    data[47] = flags
    struct.pack_into("!H", data, 24, 0)
    struct.pack_into("!H", data, 24, ones_complement(bytes(data[14:34])))
    struct.pack_into("!H", data, 50, ones_complement(_PSEUDO.pack(src, dst, TCP, 20) + bytes(data[34:54])))
    return bytes(data)


def udp(flow):
    return frame(mac(2), mac(1), *flow)


def back(flow):
    src, dst, proto, sport, dport = flow
    return dst, src, proto, dport, sport


def some(name, count):
    rng = rng_for(f"ct {name}")
    return different(count, lambda: any_udp(rng))


def both_ways(name, count):
    flows = some(name, count)
    flows += [back(f) for f in flows]
    rng_for(f"ct order {name}").shuffle(flows)
    return flows


def crowd():
    rng = rng_for("ct crowd again")
    return (udp(back(f) if rng.getrandbits(1) else f) for f in rng.sample(some("crowd", CROWD), SEEN))


def half(others):
    """ct-tcp-10k over and over, every second frame one of 'others'."""
    known = [tcp(f) for f in both_ways("10k", SIZES["10k"])]
    for i, other in enumerate(others):
        yield known[i % len(known)]
        yield other


def flooders():
    rng = rng_for("ct flood")
    return different(FLOOD, lambda: (FLOODER | rng.getrandbits(24), 0xc6120001, TCP, 1024 + rng.getrandbits(15), 80))


TRACES = {
    **{f"ct-udp-{k}": (lambda k=k, n=n: map(udp, both_ways(k, n))) for k, n in SIZES.items()},
    **{f"ct-tcp-{k}": (lambda k=k, n=n: map(tcp, both_ways(k, n))) for k, n in SIZES.items()},
    "ct-crowd-new": lambda: map(udp, some("crowd", CROWD)),
    "ct-crowd": crowd,
    "ct-new": lambda: map(udp, some("new", CROWD)),
    "ct-new200k": lambda: map(udp, some("new200k", SEEN)),
    "ct-flood": lambda: half(tcp(f, 2) for f in flooders()),
    "ct-calm": lambda: half(frame(mac(2), mac(1), *f[:2], UDP, *f[3:]) for f in flooders()),
}
RULES = {
    "ct": lambda: ["table=0,priority=110,udp,nw_src=11.0.0.0/8,actions=drop",
                   "table=0,priority=100,ip,ct_state=-trk,actions=ct(table=1)", "table=0,priority=0,actions=drop",
                   "table=1,priority=110,tcp,nw_src=11.0.0.0/8,ct_state=+new+trk,actions=ct(commit,zone=0)",
                   "table=1,priority=110,tcp,nw_src=11.0.0.0/8,actions=drop",
                   "table=1,priority=100,ip,ct_state=+new+trk,actions=ct(commit),output:2",
                   "table=1,priority=90,ip,ct_state=+est+trk,actions=output:2", "table=1,priority=0,actions=drop"],
    "noct": lambda: ["table=0,priority=100,udp,actions=resubmit(,1)", "table=0,priority=100,tcp,actions=resubmit(,1)",
                     "table=0,priority=0,actions=drop", "table=1,priority=90,ip,actions=output:2", "table=1,priority=0,actions=drop"],
}
