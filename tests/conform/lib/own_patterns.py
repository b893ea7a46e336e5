# SPDX-License-Identifier: Apache-2.0
"""Our own patterns: what os-ken's leave out.  Rules by os-ken's encoder, frames and checksums by scapy.

A pattern has the section of OpenFlow 1.3.5 that it is about, messages for the target, and steps: frames
that go in at port 1, and all that must come out, as (port or "controller", frame).
"""
import collections

from os_ken.ofproto import ofproto_v1_3 as O
from os_ken.ofproto import ofproto_v1_3_parser as P
from scapy.all import (ARP, ICMP, IP, IPv6, TCP, UDP, Dot1AD, Dot1Q, Ether, ICMPv6EchoRequest, ICMPv6ND_NA,  # noqa: F401
                       ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, Raw, load_contrib)
from scapy.layers.sctp import SCTP, SCTPChunkData

load_contrib("mpls")
from scapy.contrib.mpls import MPLS  # noqa: E402

A, Z = "02:00:00:00:00:0a", "02:00:00:00:00:0f"
BODY = b"weft weft weft weft weft weft weft weft weft weft"
OWN = []
Pattern = collections.namedtuple("Pattern", "section feature name mods steps reason port_down")


def pattern(section, feature, name, mods, *steps, reason=None, port_down=None):
    """A step is (frame or frames, {where: frame or frames})."""
    def several(x):
        return [bytes(f) for f in (x if isinstance(x, list) else [x])]

    OWN.append(Pattern(section, feature, name, mods, [
        (several(i), [(where, f) for where, fs in o.items() for f in several(fs)]) for i, o in steps], reason, port_down))


# ---- frames ----

def eth(dst=Z, src=A):
    return Ether(dst=dst, src=src)


def ip4(**kw):
    return IP(**{**dict(src="10.0.0.1", dst="10.0.0.2", ttl=64, id=7), **kw})


def ip6(**kw):
    return IPv6(**{**dict(src="fd00::1", dst="fd00::2", hlim=64), **kw})


def udp(s=1000, d=2000):
    return UDP(sport=s, dport=d) / Raw(BODY)


def tcp(s=1000, d=2000):
    return TCP(sport=s, dport=d, seq=1) / Raw(BODY)


def sctp(s=1000, d=2000):
    return SCTP(sport=s, dport=d, tag=5) / SCTPChunkData(data=BODY)


def mpls(label=100, ttl=64, bottom=1, tc=0):
    return MPLS(label=label, ttl=ttl, s=bottom, cos=tc)


# ---- rules ----

def out(port):
    return P.OFPActionOutput(port, O.OFPCML_NO_BUFFER)


def up():
    return out(O.OFPP_CONTROLLER)


def put(**field):
    return P.OFPActionSetField(**field)


def apply_(*actions):
    return P.OFPInstructionActions(O.OFPIT_APPLY_ACTIONS, list(actions))


def write(*actions):
    return P.OFPInstructionActions(O.OFPIT_WRITE_ACTIONS, list(actions))


def clear():
    return P.OFPInstructionActions(O.OFPIT_CLEAR_ACTIONS, [])


def goto(table):
    return P.OFPInstructionGotoTable(table)


def rule(d, *insts, table=0, priority=100, **match):
    return P.OFPFlowMod(d, table_id=table, priority=priority, match=P.OFPMatch(**match), instructions=list(insts))


def rules(*insts, **match):
    """The messages of a pattern that has one rule."""
    return lambda d: [rule(d, *insts, **match)]


def applied(*actions, **match):
    return rules(apply_(*actions, out(2)), **match)


def group(d, kind, *buckets, gid=1):
    return P.OFPGroupMod(d, O.OFPGC_ADD, kind, gid, list(buckets))


def bucket(*actions, weight=0, watch=O.OFPP_ANY):
    return P.OFPBucket(weight, watch, O.OFPG_ANY, list(actions))


def to_group(gid=1):
    return P.OFPActionGroup(gid)


# ---- groups ----

PLAIN = eth() / ip4() / udp()

pattern("5.6.1", "group all", "each bucket has a frame of its own, whatever the others do to theirs", lambda d: [
    group(d, O.OFPGT_ALL, bucket(P.OFPActionPushVlan(0x8100), put(vlan_vid=0x1005), out(2)), bucket(out(3)),
          bucket(put(eth_dst="02:00:00:00:00:77"), up())),
    rule(d, apply_(to_group()))],
    (PLAIN, {2: eth() / Dot1Q(vlan=5) / ip4() / udp(), 3: PLAIN, "controller": eth("02:00:00:00:00:77") / ip4() / udp()}))
pattern("5.6.1", "group all", "after the group the packet is what it was", lambda d: [
    group(d, O.OFPGT_ALL, bucket(P.OFPActionDecNwTtl(), out(2))), rule(d, apply_(to_group(), out(3)))],
    (PLAIN, {2: eth() / ip4(ttl=63) / udp(), 3: PLAIN}))
pattern("5.6.1", "group all", "not to the port that the frame came in by", lambda d: [
    group(d, O.OFPGT_ALL, bucket(out(1)), bucket(out(2)), bucket(out(3))), rule(d, apply_(to_group()))],
    (PLAIN, {2: PLAIN, 3: PLAIN}))
pattern("5.6.1", "group indirect", "its one bucket", lambda d: [
    group(d, O.OFPGT_INDIRECT, bucket(put(ipv4_dst="10.9.9.9"), out(2))), rule(d, apply_(to_group()), eth_type=0x800)],
    (PLAIN, {2: eth() / ip4(dst="10.9.9.9") / udp()}))
pattern("5.6.1", "group indirect", "groups that lead to groups", lambda d: [
    group(d, O.OFPGT_INDIRECT, bucket(P.OFPActionDecNwTtl(), out(2))),
    group(d, O.OFPGT_ALL, bucket(to_group(1)), bucket(out(3)), gid=2), rule(d, apply_(to_group(2)))],
    (PLAIN, {2: eth() / ip4(ttl=63) / udp(), 3: PLAIN}))
pattern("5.6.1", "group select", "weight 0 takes no traffic", lambda d: [
    group(d, O.OFPGT_SELECT, bucket(out(3), weight=0), bucket(out(2), weight=1)), rule(d, apply_(to_group()))],
    ([eth() / ip4() / udp(s) for s in range(1, 9)], {2: [eth() / ip4() / udp(s) for s in range(1, 9)]}))
pattern("5.6.1", "group fast failover", "the first live bucket", lambda d: [
    group(d, O.OFPGT_FF, bucket(out(2), watch=2), bucket(out(3), watch=3)), rule(d, apply_(to_group()))],
    (PLAIN, {2: PLAIN}))
pattern("5.6.1", "group fast failover", "a port that was brought down is not live", lambda d: [
    group(d, O.OFPGT_FF, bucket(out(2), watch=2), bucket(out(3), watch=3)), rule(d, apply_(to_group()))],
    (PLAIN, {3: PLAIN}), port_down=2)
pattern("5.6.1", "group select", "a bucket whose port is down leaves its share to the others", lambda d: [
    group(d, O.OFPGT_SELECT, bucket(out(2), weight=9, watch=2), bucket(out(3), weight=1, watch=3)), rule(d, apply_(to_group()))],
    ([eth() / ip4() / udp(s) for s in range(1, 9)], {3: [eth() / ip4() / udp(s) for s in range(1, 9)]}), port_down=2)
pattern("5.6.1", "group fast failover", "a bucket that watches a group lives as that does", lambda d: [
    group(d, O.OFPGT_FF, bucket(put(eth_src=Z), out(3), watch=2), gid=2),
    group(d, O.OFPGT_FF, P.OFPBucket(0, O.OFPP_ANY, 2, [to_group(2)]), bucket(out(3), watch=3)), rule(d, apply_(to_group()))],
    (PLAIN, {3: PLAIN}), port_down=2)
pattern("5.6.1", "group fast failover", "no bucket lives: nothing leaves", lambda d: [
    group(d, O.OFPGT_FF, bucket(out(3), watch=2)), rule(d, apply_(to_group()))],
    (PLAIN, {}), port_down=2)
pattern("5.6.1", "group modify", "flows go by the new buckets", lambda d: [
    group(d, O.OFPGT_ALL, bucket(out(3))), rule(d, apply_(to_group())),
    P.OFPGroupMod(d, O.OFPGC_MODIFY, O.OFPGT_INDIRECT, 1, [bucket(out(2))])],
    (PLAIN, {2: PLAIN}))

# ---- meters ----


def meter(d, *bands, flags=O.OFPMF_KBPS | O.OFPMF_BURST):
    return P.OFPMeterMod(d, O.OFPMC_ADD, flags, 1, list(bands))


def through_meter(*bands, **kw):
    return lambda d: [meter(d, *bands, **kw), rule(d, P.OFPInstructionMeter(1), apply_(out(2)))]


# Of some 11.5 kb, so that it takes seconds until there is room for another one, however slowly they come.
LONG = UDP(sport=1000, dport=2000) / Raw(BODY * 28)
LONG4 = eth() / ip4() / LONG
AF = [eth() / ip4(tos=t) / LONG for t in (0x28, 0x30, 0x38)]
AF6 = [eth() / ip6(tc=t) / LONG for t in (0x68, 0x78)]
# Bursts in kb; never below two packets, as a meter has room for another one that comes later than the first.
TWO, THREE, FOUR = 24, 36, 48
pattern("5.7.1", "meter drop", "what exceeds the burst is dropped", through_meter(P.OFPMeterBandDrop(1, THREE)),
        ([LONG4] * 6, {2: [LONG4] * 3}))
pattern("5.7.1", "meter dscp_remark", "IPv4: the drop precedence rises, the checksum is right",
        through_meter(P.OFPMeterBandDscpRemark(1, TWO, 1)), ([AF[0]] * 4, {2: [AF[0], AF[0], AF[1], AF[1]]}))
pattern("5.7.1", "meter dscp_remark", "IPv6: to the third precedence at most",
        through_meter(P.OFPMeterBandDscpRemark(1, TWO, 7)), ([AF6[0]] * 3, {2: [AF6[0], *AF6]}))
pattern("5.7.1", "meter bands", "of those exceeded the one of the highest rate applies",
        through_meter(P.OFPMeterBandDscpRemark(1, TWO, 1), P.OFPMeterBandDrop(2, FOUR)),
        ([AF[0]] * 6, {2: [AF[0], AF[0], AF[1], AF[1]]}))

# ---- action set ----

TAG = eth() / Dot1Q(vlan=9, prio=3) / ip4() / udp()
pattern("5.10", "action set order", "pop, push, set-field, output, however they were written",
        rules(write(out(2), put(vlan_vid=0x1007), P.OFPActionPushVlan(0x88a8), P.OFPActionPopVlan(), P.OFPActionDecNwTtl()),
              eth_type=0x800, vlan_vid=0x1009),
        (TAG, {2: eth() / Dot1AD(vlan=7) / ip4(ttl=63) / udp()}))
pattern("5.10", "action set order", "a group is executed and the output is not", lambda d: [
    group(d, O.OFPGT_ALL, bucket(out(3))), rule(d, write(out(2), to_group()))], (PLAIN, {3: PLAIN}))
pattern("5.10", "action set", "a later write of a kind replaces the earlier", lambda d: [
    rule(d, write(put(eth_dst="02:00:00:00:00:01"), out(3)), goto(1)),
    rule(d, write(put(eth_dst="02:00:00:00:00:02"), out(2)), table=1)],
    (PLAIN, {2: eth("02:00:00:00:00:02") / ip4() / udp()}))
pattern("5.9", "clear-actions", "nothing of the set is left", lambda d: [
    rule(d, write(P.OFPActionDecNwTtl(), out(3)), goto(1)), rule(d, clear(), write(out(2)), table=1)], (PLAIN, {2: PLAIN}))
pattern("5.9", "order of instructions", "apply, clear, write, metadata, goto", lambda d: [
    rule(d, goto(3), P.OFPInstructionWriteMetadata(0x50, 0xf0), write(out(2)), clear(), apply_(out(3))),
    rule(d, write(put(eth_src="02:00:00:00:00:55")), table=3, metadata=(0x50, 0xf0))],
    (PLAIN, {3: PLAIN, 2: eth(src="02:00:00:00:00:55") / ip4() / udp()}))
pattern("5.4", "table-miss entry", "its packet-ins say so", lambda d: [rule(d, apply_(up()), priority=0)],
        (PLAIN, {"controller": PLAIN}), reason=O.OFPR_NO_MATCH)

# ---- where the action set would send the packet (EXT-233) ----

UNSET = 0xfffffff7
pattern("EXT-233", "match actset_output", "the port of the set", lambda d: [
    rule(d, write(out(2)), goto(1)), rule(d, apply_(out(3)), table=1, actset_output=2)], (PLAIN, {2: PLAIN, 3: PLAIN}))
pattern("EXT-233", "match actset_output", "none", lambda d: [
    rule(d, goto(1)), rule(d, apply_(out(3)), table=1, actset_output=UNSET)], (PLAIN, {3: PLAIN}))
pattern("EXT-233", "match actset_output", "none where there is a group", lambda d: [
    group(d, O.OFPGT_ALL, bucket(out(2))), rule(d, write(to_group(), out(3)), goto(1)), rule(d, apply_(out(3)), table=1, actset_output=UNSET)],
    (PLAIN, {2: PLAIN, 3: PLAIN}))
pattern("EXT-233", "match actset_output", "none once it is cleared", lambda d: [
    rule(d, write(out(2)), goto(1)), rule(d, clear(), goto(2), table=1), rule(d, apply_(out(3)), table=2, actset_output=UNSET)], (PLAIN, {3: PLAIN}))

# ---- tags ----

pattern("5.12.1", "push VLAN", "a second tag takes id and priority of the first",
        applied(P.OFPActionPushVlan(0x88a8)), (TAG, {2: eth() / Dot1AD(vlan=9, prio=3) / Dot1Q(vlan=9, prio=3) / ip4() / udp()}))
pattern("5.12", "pop VLAN", "the outermost of two goes", applied(P.OFPActionPopVlan(), vlan_vid=(0x1000, 0x1000)),
        (eth() / Dot1AD(vlan=4) / TAG.getlayer(Dot1Q), {2: TAG}))
pattern("5.12.1", "push MPLS", "TTL from the IP header; bottom of stack; behind the tag it was before",
        applied(P.OFPActionPushMpls(0x8847), put(mpls_label=77)),
        (eth() / ip4(ttl=33) / udp(), {2: eth() / mpls(77, 33) / ip4(ttl=33) / udp()}))
pattern("5.12.1", "push MPLS", "label, class and TTL from the outermost label, which stays no bottom",
        applied(P.OFPActionPushMpls(0x8848), eth_type=0x8847),
        (eth() / mpls(5, 9, 1, 3) / ip4() / udp(), {2: Ether(dst=Z, src=A, type=0x8848) / mpls(5, 9, 0, 3) / mpls(5, 9, 1, 3) / ip4() / udp()}))
pattern("5.12.1", "push PBB", "customer addresses are copied to the backbone's",
        applied(P.OFPActionPushPbb(0x88e7), put(pbb_isid=0x123456)),
        (PLAIN, {2: Ether(dst=Z, src=A, type=0x88e7) / Raw(b"\x00\x12\x34\x56" + bytes(PLAIN))}))
pattern("5.12", "pop PBB", "the customer's frame comes back", applied(P.OFPActionPopPbb(), eth_type=0x88e7),
        (Ether(dst=A, src=Z, type=0x88e7) / Raw(b"\x00\x00\x00\x01" + bytes(PLAIN)), {2: PLAIN}))

# ---- TTLs ----

pattern("5.12", "copy TTL outwards", "IP to MPLS", applied(P.OFPActionCopyTtlOut(), eth_type=0x8847),
        (eth() / mpls(5, 9) / ip4(ttl=33) / udp(), {2: eth() / mpls(5, 33) / ip4(ttl=33) / udp()}))
pattern("5.12", "copy TTL inwards", "MPLS to IP, the checksum is right", applied(P.OFPActionCopyTtlIn(), eth_type=0x8847),
        (eth() / mpls(5, 9) / ip4(ttl=33) / udp(), {2: eth() / mpls(5, 9) / ip4(ttl=9) / udp()}))
pattern("5.12", "copy TTL inwards", "MPLS to MPLS", applied(P.OFPActionCopyTtlIn(), eth_type=0x8847),
        (eth() / mpls(5, 9, 0) / mpls(6, 2) / ip4() / udp(), {2: eth() / mpls(5, 9, 0) / mpls(6, 9) / ip4() / udp()}))
pattern("5.12", "decrement TTL", "a packet whose TTL is used up does not leave",
        applied(P.OFPActionDecNwTtl(), eth_type=0x800), (eth() / ip4(ttl=1) / udp(), {}))

# ---- set-field ----


def sets(feature, name, field, before, after, **match):
    pattern("7.2.5", "set-field " + feature, name, applied(put(**field), **match), (before, {2: after}))


V4, V6 = dict(eth_type=0x800), dict(eth_type=0x86dd)
for proto, l4 in (("tcp", tcp), ("udp", udp), ("sctp", sctp)):
    n = dict(tcp=6, udp=17, sctp=132)[proto]
    sets(proto + "_src", "over IPv4, checksum right", {proto + "_src": 4321}, eth() / ip4() / l4(), eth() / ip4() / l4(4321), ip_proto=n, **V4)
    sets(proto + "_dst", "over IPv6, checksum right", {proto + "_dst": 4321}, eth() / ip6() / l4(), eth() / ip6() / l4(d=4321), ip_proto=n, **V6)
    sets("ipv4_src", "over %s" % proto, dict(ipv4_src="10.7.7.7"), eth() / ip4() / l4(), eth() / ip4(src="10.7.7.7") / l4(), **V4)
    sets("ipv6_dst", "over %s" % proto, dict(ipv6_dst="fd00::77"), eth() / ip6() / l4(), eth() / ip6(dst="fd00::77") / l4(), **V6)
sets("eth", "source address", dict(eth_src="02:11:22:33:44:55"), PLAIN, eth(src="02:11:22:33:44:55") / ip4() / udp())
sets("vlan_pcp", "the id stays", dict(vlan_pcp=6), TAG, eth() / Dot1Q(vlan=9, prio=6) / ip4() / udp(), vlan_vid=0x1009)
sets("ip_dscp", "IPv4, ECN stays", dict(ip_dscp=46), eth() / ip4(tos=1) / udp(), eth() / ip4(tos=0xb9) / udp(), **V4)
sets("ip_ecn", "IPv6, DSCP stays", dict(ip_ecn=3), eth() / ip6(tc=0xb8) / udp(), eth() / ip6(tc=0xbb) / udp(), **V6)
sets("ipv6_flabel", "traffic class stays", dict(ipv6_flabel=0xabcde), eth() / ip6(tc=9, fl=1) / udp(), eth() / ip6(tc=9, fl=0xabcde) / udp(), **V6)
sets("icmpv4_code", "checksum right", dict(icmpv4_code=9), eth() / ip4() / ICMP(type=3, code=1) / Raw(BODY),
     eth() / ip4() / ICMP(type=3, code=9) / Raw(BODY), ip_proto=1, **V4)
sets("icmpv6_type", "checksum right", dict(icmpv6_type=129), eth() / ip6() / ICMPv6EchoRequest(id=1, data=BODY),
     eth() / ip6() / ICMPv6EchoRequest(type=129, id=1, data=BODY), ip_proto=58, **V6)


def arp(tha):
    return eth() / ARP(op=1, hwsrc=A, psrc="10.0.0.1", hwdst=tha, pdst="10.0.0.2") / Raw(bytes(18))


sets("arp_tha", "the rest stays", dict(arp_tha=Z), arp("00:00:00:00:00:00"), arp(Z), eth_type=0x806)
sets("mpls_tc", "label, TTL and bottom stay", dict(mpls_tc=5), eth() / mpls(5, 9, 1, 1) / ip4() / udp(), eth() / mpls(5, 9, 1, 5) / ip4() / udp(), eth_type=0x8847)


def ns(target="fd00::9", sll=A):
    return eth() / ip6(hlim=255) / ICMPv6ND_NS(tgt=target) / ICMPv6NDOptSrcLLAddr(lladdr=sll)


def na(tll=A):
    return eth() / ip6(hlim=255) / ICMPv6ND_NA(tgt="fd00::9") / ICMPv6NDOptDstLLAddr(lladdr=tll)


NS = dict(ip_proto=58, icmpv6_type=135, **V6)
sets("ipv6_nd_target", "of a solicitation, checksum right", dict(ipv6_nd_target="fd00::77"), ns(), ns("fd00::77"), **NS)
sets("ipv6_nd_sll", "checksum right", dict(ipv6_nd_sll=Z), ns(), ns(sll=Z), **NS)
sets("ipv6_nd_tll", "of an advertisement", dict(ipv6_nd_tll=Z), na(), na(Z), ip_proto=58, icmpv6_type=136, **V6)

# ---- what is matched ----


def matches(section, feature, name, frame, other, **match):
    """'frame' has what is matched, and 'other' has not."""
    pattern(section, feature, name, applied(**match), (frame, {2: frame}), (other, {}))


HOP, DEST = IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(4))]), IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))])
matches("7.2.3.7", "match ipv6_exthdr", "hop-by-hop", eth() / ip6() / HOP / udp(), eth() / ip6() / DEST / udp(),
        ipv6_exthdr=(O.OFPIEH_HOP, O.OFPIEH_HOP), **V6)
matches("7.2.3.7", "match ipv6_exthdr", "a fragment", eth() / ip6() / IPv6ExtHdrFragment(m=1, id=5) / udp(), eth() / ip6() / udp(),
        ipv6_exthdr=(O.OFPIEH_FRAG, O.OFPIEH_FRAG), **V6)
matches("7.2.3.7", "match ipv6_exthdr", "headers out of the recommended order", eth() / ip6() / IPv6ExtHdrFragment(m=0, id=5) / DEST / HOP / udp(),
        eth() / ip6() / HOP / udp(), ipv6_exthdr=(O.OFPIEH_UNSEQ, O.OFPIEH_UNSEQ), **V6)
matches("7.2.3.7", "match udp_dst", "behind extension headers", eth() / ip6() / HOP / DEST / udp(), eth() / ip6() / HOP / DEST / udp(d=9),
        ip_proto=17, udp_dst=2000, **V6)
FRAGS = [eth() / ip6() / IPv6ExtHdrFragment(nh=17, id=5, offset=o, m=1) / Raw(bytes(UDP(sport=1000, dport=2000, len=999, chksum=1)) + BODY[:48])
         for o in (0, 7)]
matches("5.3", "match fragments", "the first has ports and a later one has none", FRAGS[0], FRAGS[1], ip_proto=17, udp_dst=2000, **V6)
matches("7.2.3.7", "match ipv6_nd_target", "of a solicitation only", ns(), na(), ipv6_nd_target="fd00::9", **NS)
sets("ipv6_dst", "with segments left the checksum is the last destination's", dict(ipv6_dst="fd00::77"),
     eth() / ip6() / IPv6ExtHdrRouting(addresses=["fd00::5"], segleft=1) / udp(),
     eth() / ip6(dst="fd00::77") / IPv6ExtHdrRouting(addresses=["fd00::5"], segleft=1) / udp(), **V6)
pattern("7.2.5", "set-field udp_dst", "without a checksum there is none afterwards", applied(put(udp_dst=9), ip_proto=17, **V4),
        (eth() / ip4() / UDP(sport=1, dport=2, chksum=0) / Raw(BODY), {2: eth() / ip4() / UDP(sport=1, dport=9, chksum=0) / Raw(BODY)}))

import own_frames  # noqa: E402,F401
