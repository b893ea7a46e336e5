#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The traffic and the rules that the benchmarks use, made here and always the same.

    traffic.py FOLDER [NAME...]      writes FOLDER/NAME.pcap and FOLDER/NAME.flows; without names, all but the curves'

Frames come in on port 1 and leave by port 2 in every case.  They are 64 bytes long (a tag adds 4, a tunnel 50), and each
is a flow of its own.  The rules are OpenFlow 1.3 in ovs-ofctl's grammar, so that any switch can be given the same file.
What is in them stands with those who make them:

    traffic_tables.py   port, l2, l3, l3-rewrite, ipv6, tenant, vlan, vxlan
    traffic_acl.py      acl1k, acl10k, tse (tuple-space explosion)
    traffic_odd.py      garbage
    traffic_ct.py       connections: ct-udp-N, ct-tcp-N, new ones, a flood of SYNs
    traffic_curves.py   flows-N, rules-KIND-N, tables-N, masks-N, size-N, imix, ports-N

A trace NAME-new is NEW flows that the rules of NAME take, no two alike: by the time that the trace begins again, whoever
remembers flows has had all of these in between.
"""
import hashlib
import importlib
import ipaddress
import os
import random
import struct
import sys

SEED = 0x57656674
LENGTH = 64
NEW = 800000  # with 2 GB of hugepages; what else the switch needs of them is little
UDP, TCP = 17, 6
MODULES = ("traffic_tables", "traffic_acl", "traffic_odd", "traffic_ct", "traffic_curves")
_UDP = struct.Struct("!6s6sHBBHHHBBHIIHHHH")
_TCP = struct.Struct("!6s6sHBBHHHBBHIIHHIIBBHHH")
_RECORD = struct.Struct("=IIII")


def rng_for(name):
    return random.Random(f"{SEED} {name}")


def mac(number):
    """A locally administered unicast address."""
    return b"\x02" + number.to_bytes(5, "big")


def colons(address):
    return address.hex(":")


def dotted(address):
    return str(ipaddress.IPv4Address(address))


def network(address, bits):
    return address >> 32 - bits << 32 - bits


def ones_complement(data):
    total = sum(word for (word,) in struct.iter_unpack("!H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def ip_checksum(length, proto, src, dst):
    """Of a header without options and with a TTL of 64."""
    total = 0x4500 + length + 0x4000 + proto + (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff)
    total = (total & 0xffff) + (total >> 16)
    return (total & 0xffff) + (total >> 16) ^ 0xffff


def frame(to, source, src, dst, proto, sport, dport, length=LENGTH):
    """An Ethernet frame of that length; the IPv4 checksum is right, UDP's is absent, TCP's nobody looks at."""
    n = length - 14
    check = ip_checksum(n, proto, src, dst)
    if proto == UDP:
        head = _UDP.pack(to, source, 0x800, 0x45, 0, n, 0, 0, 64, proto, check, src, dst, sport, dport, n - 20, 0)
    else:
        head = _TCP.pack(to, source, 0x800, 0x45, 0, n, 0, 0, 64, proto, check, src, dst, sport, dport, 7, 9, 5 << 4, 0x10, 512, 0, 0)
    return head.ljust(length, b"\0")


def different(count, draw):
    """'count' things that 'draw' makes, no two alike, in the order they came."""
    found = {}
    while len(found) < count:
        found[draw()] = None
    return list(found)


def any_udp(rng):
    """Addresses and ports of a UDP flow."""
    bits = rng.getrandbits(64)
    return (0x0a000000 | bits & 0xffffff, 0xc6120000 | bits >> 24 & 0x1ffff, UDP, 1024 + (bits >> 41 & 0x7fff), 1 + (bits >> 56))


def five_tuples(count):
    """For rules: (source, destination, protocol, source port, destination port)."""
    rng = rng_for("mods")
    return different(count, lambda: any_udp(rng))


# ---- files ----

def write_pcap(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 16, 1))
        for i, data in enumerate(frames):
            f.write(_RECORD.pack(i // 1000000, i % 1000000, len(data), len(data)) + data)


def write_rules(path, lines):
    with open(path, "w") as f:
        f.writelines(line + "\n" for line in lines)


def version():
    """Of the generators: files that another version made are not used."""
    digest = hashlib.sha256()
    folder = os.path.dirname(os.path.abspath(__file__))
    for name in ("traffic", *MODULES):
        with open(f"{folder}/{name}.py", "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()[:12]


def makers(what):
    """Name to function, of all modules: 'TRACES' or 'RULES'."""
    found = {}
    for name in MODULES:
        found.update(getattr(importlib.import_module(f"bench.{name}"), what))
    return found


def need(folder, name, kind):
    """The path of a trace ('pcap') or of rules ('flows'), made if it is not there."""
    path = f"{folder}/{name}.{kind}"
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        write, what = (write_pcap, "TRACES") if kind == "pcap" else (write_rules, "RULES")
        write(path + ".part", makers(what)[name]())
        os.rename(path + ".part", path)
    return path


def frames_in(path):
    """The frames of a trace, for those who want to read them."""
    with open(path, "rb") as f:
        f.seek(24)
        while head := f.read(16):
            yield f.read(_RECORD.unpack(head)[2])


def count_in(path):
    return sum(1 for _ in frames_in(path))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    for kind_, what_ in (("pcap", "TRACES"), ("flows", "RULES")):
        for name_ in makers(what_):
            if name_ in sys.argv[2:] or len(sys.argv) == 2 and name_ not in importlib.import_module("bench.traffic_curves").ALL:
                need(sys.argv[1], name_, kind_)
