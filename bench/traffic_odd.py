# SPDX-License-Identifier: Apache-2.0
"""What no host should send.

    garbage     10,000 frames: cut off anywhere behind the Ethernet header, wrong lengths and versions in the headers, random
                types, random bytes, tags upon tags, IPv6 with extension headers that lead nowhere
    fragments   10,000 fragments of IPv4 packets, first ones and later ones
"""
import struct

from bench.traffic import UDP, any_udp, frame, ip_checksum, mac, rng_for

COUNT = 10000


def broken(rng):
    good = frame(mac(2), mac(1), *any_udp(rng))
    how = rng.randrange(6)
    if how == 0:
        return good[:rng.randrange(14, 64)]
    if how == 1:  # the first byte says another version or length, or the length is a lie
        at = rng.choice((14, 16, 17, 38, 39))
        return good[:at] + bytes((rng.getrandbits(8),)) + good[at + 1:]
    if how == 2:
        return good[:12] + rng.randbytes(2) + good[14:]
    if how == 3:
        return good[:12] + rng.randbytes(rng.randrange(2, 52))
    if how == 4:
        return (good[:12] + struct.pack("!HH", 0x8100, rng.randrange(4096)) * rng.randrange(2, 9) + good[12:])[:64]
    head = struct.pack("!IHBB", 6 << 28, rng.randrange(64), rng.choice((0, 43, 44, 51, 60)), 64)
    return (good[:12] + b"\x86\xdd" + head + rng.randbytes(42))[:rng.randrange(20, 65)]


def garbage():
    rng = rng_for("garbage")
    return (broken(rng) for _ in range(COUNT))


def fragments():
    rng = rng_for("fragments")
    for _ in range(COUNT):
        flow = any_udp(rng)
        data = bytearray(frame(mac(2), mac(1), *flow))
        offset = rng.choice((0, 0x2000, 0x2000 | rng.randrange(1, 100), rng.randrange(1, 100)))
        check = ip_checksum(50, UDP, flow[0], flow[1]) ^ 0xffff
        check += offset
        struct.pack_into("!H", data, 20, offset)
        struct.pack_into("!H", data, 24, ((check & 0xffff) + (check >> 16)) ^ 0xffff)
        yield bytes(data)


TRACES = {"garbage": garbage, "fragments": fragments}
RULES = {}
