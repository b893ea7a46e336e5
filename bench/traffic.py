# SPDX-License-Identifier: Apache-2.0
"""The traffic and the rules that the benchmarks use, made here and always the same.

    traffic.py FOLDER      writes FOLDER/NAME.pcap and FOLDER/NAME.flows

Frames come in on port 1 and leave by port 2 in every case.  All are 64 bytes long, and each is a flow of its own.
The rules are OpenFlow 1.3 in ovs-ofctl's grammar, so that any switch can be given the same file.

    port        one rule on the ingress port; 10,000 UDP flows
    l2          1,000 destination addresses; 10,000 flows
    tenant      five tables as a tenant edge has them: whose VM, anti-spoofing, security group, destination, output;
                16 tenants of 12 VMs that all use 10.0.0.0/24; 50,000 flows, more than caches of flows hold
    tenant-4k   the same with 4,000 of these flows
    mods        100,000 exact five-tuples, as rules alone: see flow_mods.py
"""
import ipaddress
import os
import random
import struct
import sys

SEED = 0x57656674
LENGTH = 64
TENANTS, VMS, OPENINGS = 16, 12, 24
UDP, TCP = 17, 6


def mac(number):
    """A locally administered unicast address."""
    return b"\x02" + number.to_bytes(5, "big")


def colons(address):
    return address.hex(":")


def dotted(address):
    return str(ipaddress.IPv4Address(address))


def ones_complement(data):
    total = sum(word for (word,) in struct.iter_unpack("!H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def frame(to, source, src, dst, proto, sport, dport):
    """An Ethernet frame of LENGTH bytes; the IPv4 checksum is right, UDP's is absent, TCP's nobody looks at."""
    room = LENGTH - 14 - 20
    l4 = struct.pack("!HH", sport, dport)
    if proto == UDP:
        l4 += struct.pack("!HH", room, 0)
    else:
        l4 += struct.pack("!IIBBHHH", 7, 9, 5 << 4, 0x10, 512, 0, 0)
    head = [0x45, 0, 20 + room, 0, 0, 64, proto, 0, src, dst]
    head[7] = ones_complement(struct.pack("!BBHHHBBHII", *head))
    return to + source + b"\x08\x00" + struct.pack("!BBHHHBBHII", *head) + l4.ljust(room, b"\0")


def write_pcap(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 16, 1))
        for i, data in enumerate(frames):
            f.write(struct.pack("=IIII", i // 1000000, i % 1000000, len(data), len(data)) + data)


def write_rules(path, lines):
    with open(path, "w") as f:
        f.writelines(line + "\n" for line in lines)


def different(count, draw):
    """'count' things that 'draw' makes, no two alike, in the order they came."""
    found = {}
    while len(found) < count:
        found[draw()] = True
    return list(found)


def any_udp(rng):
    """Addresses and ports of a UDP flow."""
    return (rng.randrange(0x0a000001, 0x0affffff), rng.randrange(0xc6120000, 0xc613ffff), UDP,
            rng.randrange(1024, 65536), rng.randrange(1, 65536))


def port(folder):
    rng = random.Random(SEED)
    write_rules(f"{folder}/port.flows", ["in_port=1,actions=output:2"])
    write_pcap(f"{folder}/port.pcap",
               (frame(mac(2), mac(1), *flow) for flow in different(10000, lambda: any_udp(rng))))


def l2(folder):
    rng = random.Random(SEED + 1)
    known = different(1000, lambda: mac(rng.randrange(1 << 40)))
    write_rules(f"{folder}/l2.flows", [f"priority=10,dl_dst={colons(m)},actions=output:2" for m in known])
    write_pcap(f"{folder}/l2.pcap",
               (frame(rng.choice(known), mac(1), *flow) for flow in different(10000, lambda: any_udp(rng))))


class Vm:
    def __init__(self, tenant, number):
        self.tenant, self.number = tenant + 1, number
        self.mac = mac(tenant << 16 | number)
        self.ip = int(ipaddress.IPv4Address("10.0.0.10")) + number


def tenant_rules(vms, openings):
    for v in vms:
        where = v.tenant << 8 | v.number
        yield (f"table=0,priority=50,in_port=1,dl_src={colons(v.mac)},"
               f"actions=load:{where:#x}->NXM_NX_REG0[],write_metadata:{v.tenant:#x}/0xffff,goto_table:1")
        yield (f"table=1,priority=50,ip,metadata={v.tenant:#x}/0xffff,reg0={where:#x},dl_src={colons(v.mac)},"
               f"nw_src={dotted(v.ip)},actions=goto_table:2")
        yield (f"table=3,priority=50,metadata={v.tenant:#x}/0xffff,dl_dst={colons(v.mac)},"
               f"actions=load:{where:#x}->NXM_NX_REG1[],goto_table:4")
        yield f"table=4,priority=50,reg1={where:#x},actions=output:2"
    for tenant, proto, bits, ip, dport in openings:
        name = {UDP: "udp", TCP: "tcp"}[proto]
        yield (f"table=2,priority={50 + bits},{name},metadata={tenant:#x}/0xffff,nw_src={dotted(ip)}/{bits},"
               f"tp_dst={dport},actions=goto_table:3")


def tenant(folder):
    rng = random.Random(SEED + 2)
    by_tenant = [[Vm(t, n) for n in range(VMS)] for t in range(TENANTS)]

    def opening(t):
        bits = rng.choice((8, 24, 28, 32))
        whose = rng.choice(by_tenant[t])
        return (t + 1, rng.choice((UDP, TCP)), bits, whose.ip >> 32 - bits << 32 - bits, rng.randrange(1, 10000))

    openings = [o for t in range(TENANTS) for o in different(OPENINGS, lambda: opening(t))]

    def flow():
        t, proto, bits, ip, dport = rng.choice(openings)
        a = rng.choice([v for v in by_tenant[t - 1] if v.ip >> 32 - bits == ip >> 32 - bits])
        b = rng.choice([v for v in by_tenant[t - 1] if v is not a])
        return b.mac, a.mac, a.ip, b.ip, proto, rng.randrange(1024, 65536), dport

    flows = different(50000, flow)
    for name, some in (("tenant", flows), ("tenant-4k", flows[:4000])):
        write_rules(f"{folder}/{name}.flows", tenant_rules([v for vms in by_tenant for v in vms], openings))
        write_pcap(f"{folder}/{name}.pcap", (frame(*f) for f in some))


def five_tuples(count):
    """For rules: (source, destination, protocol, source port, destination port)."""
    rng = random.Random(SEED + 3)
    return different(count, lambda: any_udp(rng))


def mods(folder):
    write_rules(f"{folder}/mods.flows",
                (f"priority=100,udp,nw_src={dotted(a)},nw_dst={dotted(b)},tp_src={s},tp_dst={d},actions=output:2"
                 for a, b, _, s, d in five_tuples(100000)))


def write_all(folder):
    os.makedirs(folder, exist_ok=True)
    for make in (port, l2, tenant, mods):
        make(folder)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write_all(sys.argv[1])
