# SPDX-License-Identifier: Apache-2.0
"""Groups and meters, also by the streams of os-ken's tester: how much of what arrives where."""
from patterns_core import (A, IPV4, IPV6, around, apply_, flow, group, meter, output, push_vlan, put, set_field, test, throughput, to_group, eth, vlan, VLAN,
                           Expr, ipv4, ipv6, tcp, arp, ARP, TCP, BODY, write)
from patterns_match import L3

ALL, SELECT, INDIRECT, FF = range(4)


def groups():
    for inner in L3:
        f = around("", inner)[0]
        type_ = f[0][1]["ethertype"]
        for kind, name in ((ALL, "all"), (SELECT, "select"), (INDIRECT, "indirect"), (FF, "fast failover")):
            weight = 1 if kind == SELECT else 0
            watch = (weight, 2) if kind == FF else (weight,)
            for how, inst in (("apply", apply_), ("write", write)):
                test("group", name.replace(" ", "_"), "5.6.1", "group " + name, "%s-actions: %s" % (how, inner),
                     [group(kind, ([output(2)], *watch)), flow(inst(to_group()))], f, egress=f)
                test("group", name.replace(" ", "_"), "5.6.1", "group " + name, "%s-actions, changed in the bucket: %s" % (how, inner),
                     [group(kind, ([push_vlan(), set_field("vlan_vid", 0x1005), output(2)], *watch)), flow(inst(to_group()))], f,
                     egress=[eth(VLAN), vlan(type_, vid=5, pcp=0)] + f[1:])
        test("group", "all", "5.6.1", "group all", "what a bucket does to its packet, the next one does not see: " + inner,
             [group(ALL, ([set_field("eth_dst", A)],), ([set_field("eth_src", A), output(2)],)), flow(apply_(to_group()))], f,
             egress=put(f, "ethernet", src=A))


def streams():
    """A group's share of a stream in which one thing differs from frame to frame, and what a meter leaves of one."""
    mac = Expr("'12:11:11:11:%02x:%02x' % (randint(0, 255), randint(0, 255))")
    ip = Expr("'192.168.%d.%d' % (randint(0, 255), randint(1, 254))")
    varied = {
        "ethernet/ipv4": [eth(IPV4, src=mac), ipv4(TCP), tcp(), BODY], "ethernet/arp": [eth(ARP, src=mac), arp()],
        "ethernet/ipv6": [eth(IPV6, src=mac), ipv6(TCP), tcp(), BODY],
        "ip/ipv4": [eth(IPV4), ipv4(TCP, src=ip), tcp(), BODY], "ip/arp": [eth(ARP), arp(src_ip=ip)],
        "ip/ipv6": [eth(IPV6), ipv6(TCP, src=Expr("'10::%x:%x' % (randint(0, 65535), randint(0, 65535))")), tcp(), BODY],
    }
    for name, f in varied.items():
        for a, b in ((1, 1), (3, 1)):
            rate = 500
            throughput("stream_group", "select", "5.6.1", "group select by weight", "%s %d:%d" % (name, a, b),
                       [group(SELECT, ([output(2)], a), ([output(3)], b)), flow(apply_(to_group()))], f, rate, 6,
                       (dict(in_port=2), "pktps", rate * a // (a + b)), (dict(in_port=3), "pktps", rate * b // (a + b)))
    plain = around("", "ipv4/tcp")[0]
    throughput("stream_group", "all", "5.6.1", "group all", "the whole stream to both",
               [group(ALL, ([output(2)],), ([output(3)],)), flow(apply_(to_group()))], plain, 200, 4,
               (dict(in_port=2), "pktps", 200), (dict(in_port=3), "pktps", 200))
    for inner in L3:
        f = around("", inner)[0]
        for flags, unit, rate in ((2, "pktps", 100), (1, "kbps", 100)):
            mod = {"OFPMeterMod": {"command": 0, "flags": flags, "meter_id": 1, "bands": [{"OFPMeterBandDrop": {
                "burst_size": 0, "len": 16, "rate": rate, "type": 1}}]}}
            throughput("stream_meter", "drop", "5.7.1", "meter drop, " + unit, "%s %d" % (inner, rate),
                       [mod, flow(meter(1), apply_(output(2)))], f, 400, 8, (dict(in_port=2), unit, rate))
    for inner, layer, arg, type_ in (("ipv4/tcp", "ipv4", "tos", IPV4), ("ipv6/tcp", "ipv6", "traffic_class", IPV6)):
        f = put(around("", inner)[0], layer, **{arg: 40})
        for flags, unit, rate, sent in ((2, "pktps", 100, 300), (1, "kbps", 100, 300)):
            mod = {"OFPMeterMod": {"command": 0, "flags": flags, "meter_id": 1, "bands": [{"OFPMeterBandDscpRemark": {
                "burst_size": 0, "len": 16, "prec_level": 1, "rate": rate, "type": 2}}]}}
            size = 14 + (40 if layer == "ipv6" else 20) + 20 + 64
            rest = sent - rate if unit == "pktps" else sent * size * 8 / 1024 - rate
            throughput("stream_meter", "dscp_remark", "5.7.1", "meter dscp_remark, " + unit, "%s %d" % (inner, rate),
                       [mod, flow(meter(1), apply_(output(2)))], f, sent, 8, (dict(eth_type=type_, ip_dscp=10), unit, rate),
                       (dict(eth_type=type_, ip_dscp=12), unit, rest))


groups()
streams()
