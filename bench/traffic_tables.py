# SPDX-License-Identifier: Apache-2.0
"""Traffic for tables of one kind of rule, and for a tenant's edge.

    port         one rule on the ingress port; 10,000 UDP flows.  vlan-push and vxlan-encap take the same trace
    l2           1,000 destination addresses; 10,000 flows
    l3           10,000 prefixes of 24 to 32 bits; 100,000 flows.  l3-rewrite: and both MACs written, and the TTL less one
    ipv6         10,000 prefixes of 32 to 64 bits, and some hosts; 100,000 flows
    tenant       five tables as a tenant edge has them: whose VM, anti-spoofing, security group, destination, output;
                 16 tenants of 12 VMs that all use 10.0.0.0/24; 100,000 flows
    vlan-pop     10,000 flows of VLAN 100; vlans: of 4,000 VLANs
    vxlan        10,000 flows in VNI 5000, between two VTEPs
"""
import ipaddress
import struct

from bench.traffic import LENGTH, NEW, TCP, UDP, any_udp, colons, different, dotted, five_tuples, frame, ip_checksum, mac, network, rng_for

TENANTS, VMS, OPENINGS = 16, 12, 24
SOME, MANY = 10000, 100000
HERE, THERE = 0x0a636301, 0x0a636302  # the two VTEPs: 10.99.99.1 and .2
HERE_MAC = b"\x02pcap\0"  # DPDK's net_pcap, the first of them
THERE_MAC = mac(0xcafe)
VNI = 5000


# ---- port, VLAN, VXLAN: one rule each ----

def port(count, name="port"):
    rng = rng_for(name)
    return (frame(mac(2), mac(1), *flow) for flow in different(count, lambda: any_udp(rng)))


def tagged(count, vids=(100,)):
    rng = rng_for(f"vlan {len(vids)}")
    for flow in different(count, lambda: any_udp(rng)):
        data = frame(mac(2), mac(1), *flow)
        yield data[:12] + struct.pack("!HH", 0x8100, vids[rng.randrange(len(vids))]) + data[12:]


def vxlan(count):
    rng = rng_for("vxlan")
    n = 20 + 8 + 8 + LENGTH
    outer = HERE_MAC + THERE_MAC + b"\x08\x00" + struct.pack("!BBHHHBBHII", 0x45, 0, n, 0, 0, 64, UDP, ip_checksum(n, UDP, THERE, HERE),
                                                              THERE, HERE)
    header = struct.pack("!II", 8 << 24, VNI << 8)
    for flow in different(count, lambda: any_udp(rng)):
        udp = struct.pack("!HHHH", rng.randrange(49152, 65536), 4789, n - 20, 0)
        yield outer + udp + header + frame(mac(2), mac(1), *flow)


def neighbour():
    """What makes the other VTEP known: it answers us, once, which is good for 25 seconds.  (If it asked for us it would be asked
    back at its first use, would not answer, and would be gone four seconds later.)"""
    arp = struct.pack("!HHBBH6sI6sI", 1, 0x800, 6, 4, 2, THERE_MAC, THERE, bytes(6), HERE)
    yield (b"\xff" * 6 + THERE_MAC + b"\x08\x06" + arp).ljust(60, b"\0")


# ---- one table ----

def macs():
    rng = rng_for("l2 macs")
    return different(1000, lambda: mac(rng.getrandbits(40)))


def l2(count):
    rng, known = rng_for("l2"), macs()
    return (frame(known[rng.randrange(1000)], mac(1), *flow) for flow in different(count, lambda: any_udp(rng)))


def prefixes():
    rng = rng_for("l3 prefixes")

    def one():
        bits = rng.choices(range(24, 33), weights=(52, 8, 8, 6, 6, 5, 5, 3, 7))[0]
        return network(rng.randrange(0x64000000, 0x68000000), bits), bits

    return different(10000, one)


def l3(count):
    rng, known = rng_for("l3"), prefixes()

    def one():
        (to, bits), (src, _, proto, sport, dport) = known[rng.randrange(len(known))], any_udp(rng)
        return src, to | rng.getrandbits(32) >> bits, proto, sport, dport

    return (frame(mac(2), mac(1), *flow) for flow in different(count, one))


def l3_rules(actions):
    for i, (to, bits) in enumerate(prefixes()):
        yield f"priority={100 + bits},ip,nw_dst={dotted(to)}/{bits},actions={actions(i)}output:2"


def rewrite(i):
    return f"set_field:{colons(mac(1 << 32))}->eth_src,set_field:{colons(mac(1 << 33 | i % 256))}->eth_dst,dec_ttl,"


def prefixes6():
    rng = rng_for("ipv6 prefixes")

    def one():
        bits = rng.choices((32, 40, 44, 48, 52, 56, 60, 64, 128), weights=(6, 6, 6, 40, 6, 10, 6, 16, 4))[0]
        return (0x2001 << 112 | rng.getrandbits(112)) >> 128 - bits << 128 - bits, bits

    return different(10000, one)


def ipv6(count):
    rng, known = rng_for("ipv6"), prefixes6()
    for _ in range(count):
        (to, bits), us = known[rng.randrange(len(known))], 0xfd00 << 112 | rng.getrandbits(64)
        to |= rng.getrandbits(128) >> bits
        udp = struct.pack("!HHHH", rng.randrange(1024, 65536), rng.randrange(1, 65536), 8, 0xffff)
        head = struct.pack("!IHBB", 6 << 28, len(udp), UDP, 64) + us.to_bytes(16, "big") + to.to_bytes(16, "big")
        yield (mac(2) + mac(1) + b"\x86\xdd" + head + udp).ljust(LENGTH, b"\0")


def ipv6_rules():
    for to, bits in prefixes6():
        yield f"priority={100 + bits},ipv6,ipv6_dst={ipaddress.IPv6Address(to)}/{bits},actions=output:2"


# ---- five tables ----

class Vm:
    def __init__(self, tenant_number, number):
        self.tenant, self.number = tenant_number + 1, number
        self.mac = mac(tenant_number << 16 | number)
        self.ip = int(ipaddress.IPv4Address("10.0.0.10")) + number


def tenants():
    """The VMs of each, and what their security groups open."""
    rng = rng_for("tenants")
    vms = [[Vm(t, n) for n in range(VMS)] for t in range(TENANTS)]

    def opening(t):
        bits = rng.choice((8, 24, 28, 32))
        whose = rng.choice(vms[t])
        return (t + 1, rng.choice((UDP, TCP)), bits, network(whose.ip, bits), rng.randrange(1, 10000))

    return vms, [o for t in range(TENANTS) for o in different(OPENINGS, lambda: opening(t))]


def tenant_rules():
    vms, openings = tenants()
    for v in (v for some in vms for v in some):
        where = v.tenant << 8 | v.number
        yield (f"table=0,priority=50,in_port=1,dl_src={colons(v.mac)},"
               f"actions=load:{where:#x}->NXM_NX_REG0[],write_metadata:{v.tenant:#x}/0xffff,goto_table:1")
        yield (f"table=1,priority=50,ip,metadata={v.tenant:#x}/0xffff,reg0={where:#x},dl_src={colons(v.mac)},"
               f"nw_src={dotted(v.ip)},actions=goto_table:2")
        yield (f"table=3,priority=50,metadata={v.tenant:#x}/0xffff,dl_dst={colons(v.mac)},"
               f"actions=load:{where:#x}->NXM_NX_REG1[],goto_table:4")
        yield f"table=4,priority=50,reg1={where:#x},actions=output:2"
    for t, proto, bits, ip, dport in openings:
        name = {UDP: "udp", TCP: "tcp"}[proto]
        yield (f"table=2,priority={50 + bits},{name},metadata={t:#x}/0xffff,nw_src={dotted(ip)}/{bits},"
               f"tp_dst={dport},actions=goto_table:3")


def tenant(count):
    rng = rng_for("tenant")
    vms, openings = tenants()
    inside = [[v for v in vms[t - 1] if network(v.ip, bits) == ip] for t, _, bits, ip, _ in openings]

    def flow():
        i = rng.randrange(len(openings))
        t, proto, _, _, dport = openings[i]
        a, b = rng.choice(inside[i]), rng.choice(vms[t - 1])
        return b.mac, a.mac, a.ip, b.ip, proto, 1024 + int(rng.random() * 64512), dport

    return (frame(*f) for f in different(count, flow))


TRACES = {
    "port": lambda: port(SOME), "port-new": lambda: port(NEW),
    "vlan": lambda: tagged(SOME), "vlan-new": lambda: tagged(NEW), "vlans": lambda: tagged(SOME, range(1, 4001)),
    "vxlan": lambda: vxlan(SOME), "vxlan-new": lambda: vxlan(NEW), "neighbour": neighbour,
    "l2": lambda: l2(SOME), "l2-new": lambda: l2(NEW),
    "l3": lambda: l3(MANY), "l3-new": lambda: l3(NEW), "ipv6": lambda: ipv6(MANY),
    "tenant": lambda: tenant(MANY), "tenant-new": lambda: tenant(NEW),
}
RULES = {
    "port": lambda: ["in_port=1,actions=output:2"],
    "vlan-push": lambda: ["in_port=1,actions=push_vlan:0x8100,set_field:4196->vlan_vid,output:2"],
    "vlan-pop": lambda: ["in_port=1,dl_vlan=100,actions=pop_vlan,output:2"],
    "vlans": lambda: [f"in_port=1,dl_vlan={v},actions=pop_vlan,output:2" for v in range(1, 4001)],
    "vxlan-encap": lambda: [f"in_port=1,actions=set_field:{VNI}->tun_id,output:10"],
    "vxlan-decap": lambda: [f"in_port=10,tun_id={VNI},actions=output:2"],
    "l2": lambda: [f"priority=10,dl_dst={colons(m)},actions=output:2" for m in macs()],
    "l3": lambda: l3_rules(lambda i: ""), "l3-rewrite": lambda: l3_rules(rewrite), "ipv6": ipv6_rules,
    "tenant": tenant_rules,
    "mods": lambda: (f"priority=100,udp,nw_src={dotted(a)},nw_dst={dotted(b)},tp_src={s},tp_dst={d},actions=output:2"
                     for a, b, _, s, d in five_tuples(100000)),
}
