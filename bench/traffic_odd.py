# SPDX-License-Identifier: Apache-2.0
"""What no host should send.

    garbage     10,000 frames: cut off anywhere behind the Ethernet header, wrong lengths and versions in the headers, random
                types, random bytes, tags upon tags, IPv6 with extension headers that lead nowhere
    fragments   10,000 fragments of IPv4 packets, first ones and later ones
    collide     frames to 2,000 MACs that all come to one of 2,048 places of the flow cache, if its hash (datapath/cache_priv.h) has the
                keys of collision_keys(); collide-calm: to 2,000 other ones.  A switch draws its keys at start, so that both are the same to it
    beside, vlans-beside   the rules of port, and of vlans, for port 3, too
"""
import struct

from bench.traffic import UDP, any_udp, colons, frame, ip_checksum, mac, rng_for

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


WORD = (1 << 64) - 1
PLACES, MACS = 0xfff, 2000


def collision_keys():
    rng = rng_for("keys")
    return [rng.getrandbits(64) for _ in range(4)]


def hash_of(address, keys):
    """cache_hash() of a key of one word that has the destination."""
    def mix(a, b):
        return a * b & WORD ^ a * b >> 64
    return mix(keys[2] + mix(int.from_bytes(address, "little") ^ keys[0], keys[1]) & WORD, keys[3])


def colliding():
    rng, keys, found = rng_for("collide"), collision_keys(), []
    while len(found) < MACS:
        address = mac(rng.getrandbits(40))
        if hash_of(address, keys) & PLACES & ~1 == 0x5a4:
            found.append(address)
    return found


def others():
    rng = rng_for("collide-calm")
    return [mac(rng.getrandbits(40)) for _ in range(MACS)]


def to(addresses):
    rng = rng_for("collide flows")
    return (frame(addresses[i % MACS], mac(1), *any_udp(rng)) for i in range(COUNT))


TRACES = {"garbage": garbage, "fragments": fragments, "collide": lambda: to(colliding()), "collide-calm": lambda: to(others())}
RULES = {
    "collide": lambda: [f"priority=10,dl_dst={colons(m)},actions=output:2" for m in colliding() + others()],
    "beside": lambda: [f"in_port={p},actions=output:2" for p in (1, 3)],
    "vlans-beside": lambda: [f"in_port={p},dl_vlan={v},actions=pop_vlan,output:2" for p in (1, 3) for v in range(1, 4001)],
}
