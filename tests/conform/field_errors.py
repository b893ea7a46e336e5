#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each of the 40 match fields of OpenFlow 1.3.5 with each fault that a match and a set-field can have.

    this script --- unix --- weft-switch

FIELDS below is Table 12 of 7.2.3.7, typed from the specification: number, name, bytes, bits, mask, what must
be matched as well, and whether a set-field may write it.  The faults and their errors are those of 7.2.3.5,
7.2.3.6, 7.2.5 and 7.4.4.  Each message goes out by itself; the answer must have the type and the code, and no flow
may be there afterwards.

# Spec: 7.2.3.1 match header
# Spec: 7.2.3.2 match fields: structure, class and length
# Spec: 7.2.3.5 match masks: what may be masked, and value bits outside the mask
# Spec: 7.2.3.6 match prerequisites: present, before, with the value that they need
# Spec: 7.2.3.7 match values: only bits that the field has
# Spec: 7.2.3.8 match fields of classes and experimenters that are not known
# Spec: 6.4 consistency of the actions with the match and with each other
# Spec: 7.2.5 set-field: what is writable, its length, value and prerequisites
# Spec: 7.4.4 errors: bad action, bad match
# Spec: EXT-256 PBB UCA: both versions of its header
# Spec: 7.2.3.7 match values: what vlan_vid may have
"""
import os
import struct
import sys

from os_ken.ofproto import ofproto_v1_3 as of

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sys/lib"))
from of13 import *  # noqa: E402,F403

IPV4, IPV6, ARP, MPLS, PBB = (5, 0x0800), (5, 0x86dd), (5, 0x0806), (5, 0x8847), (5, 0x88e7)
TCP, UDP, SCTP, ICMP, ICMPV6 = (10, 6), (10, 17), (10, 132), (10, 1), (10, 58)
TAG = (6, 0x1064)
NO, YES, EXTENDED = range(3)  # masks: not allowed; allowed; allowed here beyond the specification
# number, name, bytes, bits, mask, alternatives of what must be matched before, settable, a value
FIELDS = [
    (0, "in_port", 4, 32, NO, [[]], False, 1), (1, "in_phy_port", 4, 32, NO, [[(0, 1)]], False, 1), (2, "metadata", 8, 64, YES, [[]], None, 5),
    (3, "eth_dst", 6, 48, YES, [[]], True, 5), (4, "eth_src", 6, 48, YES, [[]], True, 5), (5, "eth_type", 2, 16, NO, [[]], True, 0x800),
    (6, "vlan_vid", 2, 13, YES, [[]], True, 0x1005), (7, "vlan_pcp", 1, 3, NO, [[TAG]], True, 5),
    (8, "ip_dscp", 1, 6, NO, [[IPV4], [IPV6]], True, 5), (9, "ip_ecn", 1, 2, NO, [[IPV4], [IPV6]], True, 1),
    (10, "ip_proto", 1, 8, NO, [[IPV4], [IPV6]], True, 6), (11, "ipv4_src", 4, 32, YES, [[IPV4]], True, 5),
    (12, "ipv4_dst", 4, 32, YES, [[IPV4]], True, 5), (13, "tcp_src", 2, 16, EXTENDED, [[IPV4, TCP], [IPV6, TCP]], True, 5),
    (14, "tcp_dst", 2, 16, EXTENDED, [[IPV4, TCP], [IPV6, TCP]], True, 5), (15, "udp_src", 2, 16, EXTENDED, [[IPV4, UDP], [IPV6, UDP]], True, 5),
    (16, "udp_dst", 2, 16, EXTENDED, [[IPV4, UDP], [IPV6, UDP]], True, 5), (17, "sctp_src", 2, 16, EXTENDED, [[IPV4, SCTP], [IPV6, SCTP]], True, 5),
    (18, "sctp_dst", 2, 16, EXTENDED, [[IPV4, SCTP], [IPV6, SCTP]], True, 5), (19, "icmpv4_type", 1, 8, NO, [[IPV4, ICMP]], True, 5),
    (20, "icmpv4_code", 1, 8, NO, [[IPV4, ICMP]], True, 5), (21, "arp_op", 2, 16, NO, [[ARP]], True, 1), (22, "arp_spa", 4, 32, YES, [[ARP]], True, 5),
    (23, "arp_tpa", 4, 32, YES, [[ARP]], True, 5), (24, "arp_sha", 6, 48, YES, [[ARP]], True, 5), (25, "arp_tha", 6, 48, YES, [[ARP]], True, 5),
    (26, "ipv6_src", 16, 128, YES, [[IPV6]], True, 5), (27, "ipv6_dst", 16, 128, YES, [[IPV6]], True, 5), (28, "ipv6_flabel", 4, 20, YES, [[IPV6]], True, 5),
    (29, "icmpv6_type", 1, 8, NO, [[IPV6, ICMPV6]], True, 135), (30, "icmpv6_code", 1, 8, NO, [[IPV6, ICMPV6]], True, 0),
    (31, "ipv6_nd_target", 16, 128, EXTENDED, [[IPV6, ICMPV6, (29, 135)], [IPV6, ICMPV6, (29, 136)]], True, 5),
    (32, "ipv6_nd_sll", 6, 48, EXTENDED, [[IPV6, ICMPV6, (29, 135)]], True, 5), (33, "ipv6_nd_tll", 6, 48, EXTENDED, [[IPV6, ICMPV6, (29, 136)]], True, 5),
    (34, "mpls_label", 4, 20, NO, [[MPLS], [(5, 0x8848)]], True, 5), (35, "mpls_tc", 1, 3, NO, [[MPLS], [(5, 0x8848)]], True, 5),
    (36, "mpls_bos", 1, 1, NO, [[MPLS], [(5, 0x8848)]], True, 1), (37, "pbb_isid", 3, 24, YES, [[PBB]], True, 5),
    (38, "tunnel_id", 8, 64, YES, [[]], True, 5), (39, "ipv6_exthdr", 2, 9, YES, [[IPV6]], False, 4),
]
SIZE = {f[0]: f[2] for f in FIELDS}
WRONG = {5: 0x88cc, 10: 99, 29: 1, 6: 0, 0: 2}  # a value that is none of those needed


def number(n, size):
    return n.to_bytes(size, "big")


def tlvs(pairs):
    return [oxm(n, number(v, SIZE[n])) for n, v in pairs]


def set_field(*a, **kw):
    o = oxm(*a, **kw)
    return pad8(struct.pack("!HH", 25, (4 + len(o) + 7) // 8 * 8) + o)


def act(type_, ethertype=0):
    return struct.pack("!HHH2x", type_, 8, ethertype)


class Asker:
    def __init__(self, check, c):
        self.check, self.c = check, c

    def answer(self, body):
        """(type, code) of the error, or None."""
        xid = self.c.send(FLOW_MOD, body)
        self.c.barrier()
        m = next((e for e in self.c.events if e[1] == xid), None)
        self.c.events.clear()
        return None if m is None else struct.unpack_from("!HH", m[2])

    def good(self, what, body):
        got = self.answer(body)
        there = len(self.c.parts(1, flow_request())) > 0
        self.c.do(FLOW_MOD, flow_mod(command=3, table=255))
        self.check(what, got is None and there, f"error {got}" if got else "no flow")

    def bad(self, what, type_, code, body):
        got, want = self.answer(body), (getattr(of, "OFPET_" + type_), getattr(of, code))
        there = len(self.c.parts(1, flow_request())) > 0
        if there:
            self.c.do(FLOW_MOD, flow_mod(command=3, table=255))
        self.check(what + ": " + code, got == want and not there, f"{got}, not {want}" + (", and a flow" if there else ""))


def matches(ask, no, name, size, bits, mask, before, value):
    def m(*fields):
        return flow_mod(match(*fields))

    ones, v = (1 << 8 * size) - 1, number(value, size)
    some = number((1 << bits) - 2 if value % 2 == 0 or bits > 1 else 1, size)
    pre = [tlvs(p) for p in before]
    for p in pre:
        ask.good(f"match {name}", m(*p, oxm(no, v)))
    p = pre[0]
    ask.good(f"match {name}: a mask of ones is none", m(*p, oxm(no, v, number(ones, size))))
    if mask == NO:
        ask.bad(f"match {name} with a mask", "BAD_MATCH", "OFPBMC_BAD_MASK", m(*p, oxm(no, number(0, size), number(ones & ~1, size))))
    else:
        ask.good(f"match {name} with a mask" + (" (an extension)" if mask == EXTENDED else ""),
                 m(*p, oxm(no, number(value & ~1, size), some)))
        ask.bad(f"match {name}: value bits outside the mask", "BAD_MATCH", "OFPBMC_BAD_WILDCARDS", m(*p, oxm(no, number(value | 1, size), some)))
    if bits < 8 * size:
        ask.bad(f"match {name}: more than {bits} bits", "BAD_MATCH", "OFPBMC_BAD_VALUE", m(*p, oxm(no, number(value | 1 << bits, size))))
    ask.bad(f"match {name} twice", "BAD_MATCH", "OFPBMC_DUP_FIELD", m(*p, oxm(no, v), oxm(no, v)))
    ask.bad(f"match {name}: too short", "BAD_MATCH", "OFPBMC_BAD_LEN", m(*p, oxm(no, v[1:])))
    ask.bad(f"match {name}: too long", "BAD_MATCH", "OFPBMC_BAD_LEN", m(*p, oxm(no, b"\0" + v)))
    ask.bad(f"match {name}: a mask that is not there", "BAD_MATCH", "OFPBMC_BAD_LEN", m(*p, struct.pack("!HBB", 0x8000, no << 1 | 1, size) + v))
    ask.bad(f"match {name} in a class that is none", "BAD_MATCH", "OFPBMC_BAD_FIELD", m(*p, oxm(no, v, cls=0x7fff)))
    for i, (n, _) in enumerate(before[0]):
        without = before[0][:i]  # what comes after it needs it, too
        ask.bad(f"match {name} without field {n}", "BAD_MATCH", "OFPBMC_BAD_PREREQ", m(*tlvs(without), oxm(no, v)))
        if n == 0:
            continue  # any port will do
        ask.bad(f"match {name}, field {n} has another value", "BAD_MATCH", "OFPBMC_BAD_PREREQ", m(*tlvs(without + [(n, WRONG[n])]), oxm(no, v)))
    if before[0]:
        ask.bad(f"match {name} before what it needs", "BAD_MATCH", "OFPBMC_BAD_PREREQ", m(oxm(no, v), *p))


def settings(ask, no, name, size, bits, before, settable, value):
    def f(*actions, pre=()):
        return flow_mod(match(*tlvs(pre)), apply_(*actions))

    v = number(value, size)
    tag = [TAG] if name == "vlan_vid" else []
    before = [p + tag for p in before]
    if settable is False:
        ask.bad(f"set-field {name}", "BAD_ACTION", "OFPBAC_BAD_SET_TYPE", f(set_field(no, v), pre=before[0]))
        return
    for p in before:
        ask.good(f"set-field {name}", f(set_field(no, v), pre=p))
        ask.good(f"set-field {name} in an action set", flow_mod(match(*tlvs(p)), b"".join([struct.pack("!HH4x", 3, 8 + len(set_field(no, v))), set_field(no, v)])))
    p = before[0]
    ask.bad(f"set-field {name} with a mask", "BAD_ACTION", "OFPBAC_BAD_SET_ARGUMENT", f(set_field(no, number(0, size), number(0, size)), pre=p))
    ask.bad(f"set-field {name}: too short", "BAD_ACTION", "OFPBAC_BAD_SET_LEN", f(set_field(no, v[1:]), pre=p))
    ask.bad(f"set-field {name}: too long", "BAD_ACTION", "OFPBAC_BAD_SET_LEN", f(set_field(no, b"\0" + v), pre=p))
    ask.bad(f"set-field {name} in a class that is none", "BAD_ACTION", "OFPBAC_BAD_SET_TYPE", f(set_field(no, v, cls=0x7fff), pre=p))
    if bits < 8 * size:
        ask.bad(f"set-field {name}: more than {bits} bits", "BAD_ACTION", "OFPBAC_BAD_SET_ARGUMENT", f(set_field(no, number(value | 1 << bits, size)), pre=p))
    for i, (n, _) in enumerate(p):
        ask.bad(f"set-field {name} without a match on field {n}", "BAD_ACTION", "OFPBAC_MATCH_INCONSISTENT", f(set_field(no, v), pre=p[:i]))
        ask.bad(f"set-field {name}, field {n} has another value", "BAD_ACTION", "OFPBAC_MATCH_INCONSISTENT", f(set_field(no, v), pre=p[:i] + [(n, WRONG[n])]))


PUSH_VLAN, POP_VLAN, PUSH_MPLS, POP_MPLS, PUSH_PBB, POP_PBB, DEC_NW, DEC_MPLS, COPY_IN = 17, 18, 19, 20, 26, 27, 24, 16, 12
VID, LABEL, ISID = (6, b"\x10\x05"), (34, number(5, 4)), (37, number(5, 3))
SRC, PORT = (11, number(5, 4)), (14, b"\0\5")
OK, INCONSISTENT, ARGUMENT = None, "OFPBAC_MATCH_INCONSISTENT", "OFPBAC_BAD_ARGUMENT"
# What actions before it make of a packet: (what, match, actions, error)
LISTS = [
    ("push_vlan, then its id", [], [act(PUSH_VLAN, 0x8100), set_field(*VID)], OK),
    ("pop_vlan, then an id", [TAG], [act(POP_VLAN), set_field(*VID)], INCONSISTENT),
    ("pop_vlan, push_vlan, then its id", [TAG], [act(POP_VLAN), act(PUSH_VLAN, 0x8100), set_field(*VID)], OK),
    ("pop_vlan where there is no tag", [(6, 0)], [act(POP_VLAN)], INCONSISTENT),
    ("push_vlan and pop_vlan where there is no tag", [(6, 0)], [act(PUSH_VLAN, 0x88a8), act(POP_VLAN)], OK),
    ("push_mpls, then its label", [IPV4], [act(PUSH_MPLS, 0x8847), set_field(*LABEL)], OK),
    ("push_mpls, then an IPv4 address", [IPV4], [act(PUSH_MPLS, 0x8847), set_field(*SRC)], INCONSISTENT),
    ("pop_mpls to IPv4, then an address", [MPLS], [act(POP_MPLS, 0x800), set_field(*SRC)], OK),
    ("pop_mpls to IPv4, then a port", [MPLS], [act(POP_MPLS, 0x800), set_field(*PORT)], INCONSISTENT),
    ("pop_mpls to IPv6, then an IPv4 address", [MPLS], [act(POP_MPLS, 0x86dd), set_field(*SRC)], INCONSISTENT),
    ("pop_mpls to a label, then its fields", [MPLS], [act(POP_MPLS, 0x8847), set_field(*LABEL)], OK),
    ("pop_mpls of IPv4", [IPV4], [act(POP_MPLS, 0x800)], INCONSISTENT),
    ("push_pbb, then its I-SID", [], [act(PUSH_PBB, 0x88e7), set_field(*ISID)], OK),
    ("push_pbb, then a VLAN id", [TAG], [act(PUSH_PBB, 0x88e7), set_field(*VID)], INCONSISTENT),
    ("pop_pbb, then an I-SID", [PBB], [act(POP_PBB), set_field(*ISID)], INCONSISTENT),
    ("pop_pbb of IPv4", [IPV4], [act(POP_PBB)], INCONSISTENT),
    ("push_pbb and pop_pbb of IPv4", [IPV4], [act(PUSH_PBB, 0x88e7), act(POP_PBB)], OK),
    ("IP TTL of a label", [MPLS], [act(DEC_NW)], INCONSISTENT),
    ("MPLS TTL of IPv4", [IPV4], [act(DEC_MPLS)], INCONSISTENT),
    ("MPLS TTL of IPv4 behind a new label", [IPV4], [act(PUSH_MPLS, 0x8847), act(DEC_MPLS)], OK),
    ("copy TTL of ARP", [ARP], [act(COPY_IN)], INCONSISTENT),
    ("another ethertype, then an address of it", [IPV6], [set_field(5, b"\x08\x00"), set_field(*SRC)], OK),
    ("another ethertype, then an address of the first", [IPV4], [set_field(5, b"\x86\xdd"), set_field(*SRC)], INCONSISTENT),
    ("another protocol, then a port of it", [IPV4, UDP], [set_field(10, b"\6"), set_field(*PORT)], OK),
    ("another protocol, then a port of the first", [IPV4, TCP], [set_field(10, b"\x11"), set_field(*PORT)], INCONSISTENT),
    ("another ICMPv6 type, then what that has", [IPV6, ICMPV6, (29, 136)], [set_field(29, b"\x87"), set_field(32, bytes(6))], OK),
    ("another ICMPv6 type, then what that has not", [IPV6, ICMPV6, (29, 135)], [set_field(29, b"\x88"), set_field(32, bytes(6))], INCONSISTENT),
    ("push_vlan of no tag's ethertype", [], [act(PUSH_VLAN, 0x9100)], ARGUMENT),
    ("push_mpls of no label's ethertype", [], [act(PUSH_MPLS, 0x0800)], ARGUMENT),
    ("push_pbb of no I-TAG's ethertype", [], [act(PUSH_PBB, 0x8100)], ARGUMENT),
    ("pop_mpls to a length", [MPLS], [act(POP_MPLS, 0x05ff)], ARGUMENT),
    ("vlan_vid without OFPVID_PRESENT", [TAG], [set_field(6, b"\0\5")], "OFPBAC_BAD_SET_ARGUMENT"),
    ("eth_type that is a length", [], [set_field(5, b"\5\xff")], "OFPBAC_BAD_SET_ARGUMENT"),
]
# The same in an action set, where the order is that of 5.10.
SETS = [
    ("an id before its push_vlan", [], [set_field(*VID), act(PUSH_VLAN, 0x8100)], OK),
    ("a label before its push_mpls", [IPV4], [set_field(*LABEL), act(PUSH_MPLS, 0x8847)], OK),
    ("an address that pop_mpls uncovers", [MPLS], [set_field(*SRC), act(POP_MPLS, 0x800)], OK),
    ("an id, and pop_vlan, which comes first", [TAG], [set_field(*VID), act(POP_VLAN)], INCONSISTENT),
    ("push_pbb before push_vlan", [TAG], [act(PUSH_VLAN, 0x8100), act(PUSH_PBB, 0x88e7), set_field(*VID)], OK),
]


def consistency(ask):
    for what, pre, actions, error in LISTS:
        body = flow_mod(match(*tlvs(pre)), apply_(*actions))
        ask.good("actions: " + what, body) if error is None else ask.bad("actions: " + what, "BAD_ACTION", error, body)
    for what, pre, actions, error in SETS:
        b = b"".join(actions)
        body = flow_mod(match(*tlvs(pre)), struct.pack("!HH4x", 3, 8 + len(b)) + b)
        ask.good("action set: " + what, body) if error is None else ask.bad("action set: " + what, "BAD_ACTION", error, body)


def vlan_ids(ask):
    """Table 13: what may stand in vlan_vid."""
    for what, value, mask, code in [("no tag", 0, None, OK), ("a tag of id 5", 0x1005, None, OK), ("any tag", 0x1000, 0x1000, OK),
                                    ("id 5 without OFPVID_PRESENT", 5, None, "OFPBMC_BAD_VALUE"), ("an id's bits, masked", 0x60, 0xf0, OK),
                                    ("no tag, masked", 0, 0x1000, OK)]:
        body = flow_mod(match(oxm(6, number(value, 2), None if mask is None else number(mask, 2))))
        ask.good("match vlan_vid: " + what, body) if code is None else ask.bad("match vlan_vid: " + what, "BAD_MATCH", code, body)
    for what, pre, good in [("with a tag's bits", oxm(6, b"\x10\0", b"\x10\0"), True), ("with some of an id's bits", oxm(6, b"\0\x60", b"\0\xf0"), True),
                            ("with OFPVID_NONE", oxm(6, b"\0\0"), False)]:
        body = flow_mod(match(pre, oxm(7, b"\3")))
        ask.good("match vlan_pcp " + what, body) if good else ask.bad("match vlan_pcp " + what, "BAD_MATCH", "OFPBMC_BAD_PREREQ", body)


def uca(ask):
    """EXT-256: the first version has its type behind the header, the second a number in it."""
    def exp(no, type_, value, mask=b""):
        body = struct.pack("!H", type_) + value + mask
        return struct.pack("!HBBI", 0xffff, no << 1 | bool(mask), 4 + len(body), ONF) + body

    pre = tlvs([PBB])
    ask.good("match pbb_uca, first version", flow_mod(match(*pre, exp(0, 2560, b"\1"))))
    ask.good("match pbb_uca, second version", flow_mod(match(*pre, exp(41, 0, b"\1"))))
    ask.bad("match pbb_uca of 2", "BAD_MATCH", "OFPBMC_BAD_VALUE", flow_mod(match(*pre, exp(0, 2560, b"\2"))))
    ask.bad("match pbb_uca without PBB", "BAD_MATCH", "OFPBMC_BAD_PREREQ", flow_mod(match(exp(0, 2560, b"\1"))))
    ask.bad("match pbb_uca twice, in both versions", "BAD_MATCH", "OFPBMC_DUP_FIELD", flow_mod(match(*pre, exp(0, 2560, b"\1"), exp(41, 0, b"\1"))))
    ask.bad("match pbb_uca of two bytes", "BAD_MATCH", "OFPBMC_BAD_LEN", flow_mod(match(*pre, exp(0, 2560, b"\0\1"))))
    ask.bad("match pbb_uca without a value", "BAD_MATCH", "OFPBMC_BAD_LEN", flow_mod(match(*pre, exp(41, 0, b""))))
    ask.bad("match of an ONF type that is none", "BAD_MATCH", "OFPBMC_BAD_FIELD", flow_mod(match(*pre, exp(0, 2561, b"\1"))))
    ask.bad("match of an ONF field that is none", "BAD_MATCH", "OFPBMC_BAD_FIELD", flow_mod(match(*pre, exp(99, 0, b"\1"))))
    o = exp(0, 2560, b"\1")
    o = pad8(struct.pack("!HH", 25, (4 + len(o) + 7) // 8 * 8) + o)
    ask.good("set-field pbb_uca", flow_mod(match(*pre), apply_(o)))
    ask.bad("set-field pbb_uca without PBB", "BAD_ACTION", "OFPBAC_MATCH_INCONSISTENT", flow_mod(match(), apply_(o)))


def test(check):
    sw = Switch()
    try:
        c = sw.open()
        ask = Asker(check, c)
        for no, name, size, bits, mask, before, settable, value in FIELDS:
            matches(ask, no, name, size, bits, mask, before, value)
            settings(ask, no, name, size, bits, before, settable, value)
        vlan_ids(ask)
        uca(ask)
        consistency(ask)
        check("the switch is well", sw.alive())
        c.close()
    finally:
        sw.stop()


run(test)
