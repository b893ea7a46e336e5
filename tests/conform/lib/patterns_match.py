# SPDX-License-Identifier: Apache-2.0
"""What is matched: each of the 40 fields of 7.2.3.7, exact and masked, in each frame that has it."""
from patterns_core import (A, ARP, AROUND, CONTROLLER, ICMP, ICMPV6, INNER, IPV4, IPV6, MPLS, PBB, SCTP, TCP, UDP, VLAN, Z, Expr,  # noqa: F401
                           apply_, around, eth, flow, goto, ipv6, itag, layer, like, metadata, mpls, number, output, put, set_field, tcp, test,
                           udp, vlan, BODY)

SECTION = "7.2.3.7"
OTHER_MAC = "ba:bb:bb:bb:bb:bb"


class Field:
    """A field: layer and argument that it is in, what matches and what does not, its width, its prerequisites."""

    def __init__(self, name, where, arg, value, other, bits, inners, pre, masked=True, which=0, oxm=lambda v: v, put_=None, kinds=AROUND):
        self.name, self.where, self.arg, self.value, self.other, self.bits = name, where, arg, value, other, bits
        self.inners, self.pre, self.masked, self.which, self.oxm, self.kinds = inners, pre, masked, which, oxm, kinds
        self.put_ = put_

    def put(self, frame, v):
        if self.put_:
            return self.put_(frame, v)
        return put(frame, self.where, self.which, **{self.arg: v})


def tos(where, arg, shift, mask):
    """DSCP or ECN in the octet that has both."""
    def do(frame, v):
        old = next(x[1][arg] for x in frame if not isinstance(x, str) and x[0] == where)
        return put(frame, where, **{arg: old & ~mask | v << shift})
    return do


def neighbour(arg):
    """An argument of the neighbour discovery message, which is a part of icmpv6's."""
    def do(frame, v):
        from patterns_core import nd
        old = next(x for x in frame if x[0] == "icmpv6")
        kind = old[1]["type_"]
        was = dict(target="fe80::9", mac=A)
        return [nd(kind, **{**was, arg: v}) if x is old else x for x in frame]
    return do


L3 = ["ipv4/tcp", "ipv6/tcp", "arp"]
P4, P6, PA = dict(eth_type=IPV4), dict(eth_type=IPV6), dict(eth_type=ARP)
V4 = ["ipv4/tcp", "ipv4/udp", "ipv4/icmp"]
V6 = ["ipv6/tcp", "ipv6/udp", "ipv6/icmpv6"]
FIELDS = [
    Field("eth_dst", "ethernet", "dst", Z, OTHER_MAC, 48, L3, {}),
    Field("eth_src", "ethernet", "src", A, OTHER_MAC, 48, L3, {}),
    Field("vlan_vid", "vlan", "vid", 100, 203, 12, L3, {}, oxm=lambda v: v | 0x1000, kinds=("vlan",)),
    Field("vlan_pcp", "vlan", "pcp", 3, 5, 3, L3, dict(vlan_vid=0x1064), False, kinds=("vlan",)),
    Field("ip_dscp", "ipv4", "tos", 8, 16, 6, ["ipv4/tcp"], P4, False, put_=tos("ipv4", "tos", 2, 0xfc)),
    Field("ip_dscp", "ipv6", "traffic_class", 8, 16, 6, ["ipv6/tcp"], P6, False, put_=tos("ipv6", "traffic_class", 2, 0xfc)),
    Field("ip_ecn", "ipv4", "tos", 2, 1, 2, ["ipv4/tcp"], P4, False, put_=tos("ipv4", "tos", 0, 3)),
    Field("ip_ecn", "ipv6", "traffic_class", 2, 1, 2, ["ipv6/tcp"], P6, False, put_=tos("ipv6", "traffic_class", 0, 3)),
    Field("ip_proto", "ipv4", "proto", TCP, UDP, 8, ["ipv4/tcp"], P4, False),
    Field("ip_proto", "ipv6", "nxt", TCP, UDP, 8, ["ipv6/tcp"], P6, False),
    Field("ipv4_src", "ipv4", "src", "192.168.10.10", "10.10.10.10", 32, V4, P4),
    Field("ipv4_dst", "ipv4", "dst", "192.168.20.20", "10.10.20.20", 32, V4, P4),
    Field("arp_op", "arp", "opcode", 1, 2, 16, ["arp"], PA, False),
    Field("arp_spa", "arp", "src_ip", "192.168.10.10", "10.10.10.10", 32, ["arp"], PA),
    Field("arp_tpa", "arp", "dst_ip", "192.168.20.20", "10.10.20.20", 32, ["arp"], PA),
    Field("arp_sha", "arp", "src_mac", A, OTHER_MAC, 48, ["arp"], PA),
    Field("arp_tha", "arp", "dst_mac", Z, OTHER_MAC, 48, ["arp"], PA),
    Field("ipv6_src", "ipv6", "src", "10::10", "a0::a0", 128, V6, P6),
    Field("ipv6_dst", "ipv6", "dst", "20::20", "b0::b0", 128, V6, P6),
    Field("ipv6_flabel", "ipv6", "flow_label", 100, 203, 20, V6, P6),
    Field("icmpv4_type", "icmp", "type_", 8, 0, 8, ["ipv4/icmp"], {**P4, "ip_proto": ICMP}, False),
    Field("icmpv4_code", "icmp", "code", 0, 1, 8, ["ipv4/icmp"], {**P4, "ip_proto": ICMP}, False),
    Field("icmpv6_type", "icmpv6", "type_", 128, 129, 8, ["ipv6/icmpv6"], {**P6, "ip_proto": ICMPV6}, False),
    Field("icmpv6_code", "icmpv6", "code", 0, 1, 8, ["ipv6/icmpv6"], {**P6, "ip_proto": ICMPV6}, False),
    Field("ipv6_nd_target", "icmpv6", "", "fe80::9", "fe80::77", 128, ["ipv6/ns"], {**P6, "ip_proto": ICMPV6, "icmpv6_type": 135}, False,
          put_=neighbour("target")),
    Field("ipv6_nd_target", "icmpv6", "", "fe80::9", "fe80::77", 128, ["ipv6/na"], {**P6, "ip_proto": ICMPV6, "icmpv6_type": 136}, False,
          put_=neighbour("target")),
    Field("ipv6_nd_sll", "icmpv6", "", A, OTHER_MAC, 48, ["ipv6/ns"], {**P6, "ip_proto": ICMPV6, "icmpv6_type": 135}, False, put_=neighbour("mac")),
    Field("ipv6_nd_tll", "icmpv6", "", A, OTHER_MAC, 48, ["ipv6/na"], {**P6, "ip_proto": ICMPV6, "icmpv6_type": 136}, False, put_=neighbour("mac")),
]
for _name, _n in (("tcp", TCP), ("udp", UDP), ("sctp", SCTP)):
    for _end, _value in (("src", 11111), ("dst", 2222)):
        for _v, _p in (("ipv4", P4), ("ipv6", P6)):
            FIELDS.append(Field("%s_%s" % (_name, _end), _name, _end + "_port", _value, 6789, 16, ["%s/%s" % (_v, _name)], {**_p, "ip_proto": _n}, False))

# Fields of headers that hide the rest: the frame is what is matched.
SHIMS = [
    Field("mpls_label", "mpls", "label", 100, 203, 20, [], dict(eth_type=MPLS), False),
    Field("mpls_tc", "mpls", "exp", 3, 5, 3, [], dict(eth_type=MPLS), False),
    Field("mpls_bos", "mpls", "bsb", 1, 0, 1, [], dict(eth_type=MPLS), False),
    Field("pbb_isid", "itag", "sid", 100, 203, 24, [], dict(eth_type=PBB)),
    Field("pbb_uca", "itag", "uca", 1, 0, 1, [], dict(eth_type=PBB), False),
]


def masks(f):
    """Some bits of the field: those above the middle, those below, every second one."""
    ones = (1 << f.bits) - 1
    half = ones >> f.bits // 2
    return [ones & ~half, half, ones // 3]


def outcomes(category, name, section, feature, description, mods, frame, other, table, out):
    """The three that each pattern has: to a port, to the controller, and the frame that is not meant.  'out' adds the last rule."""
    seen = out(None)
    test(category, name, section, feature, description + " -> port", mods + [seen(apply_(output(2)))], frame[0], egress=frame[1])
    test(category, name, section, feature, description + " -> controller", mods + [seen(apply_(output(CONTROLLER)))], frame[0], packet_in=frame[1])
    test(category, name, section, feature, description + ", another", mods + [seen(apply_(output(2)))], other, miss=[table])


def field_patterns(f, name, frame, mods, table, seen):
    """Exact and masked; 'seen' is the frame where it is matched."""
    feature = "match " + f.name
    section = "EXT-256" if f.name == "pbb_uca" else SECTION

    def rule(value):
        return lambda _: lambda inst: flow(inst, table=table, **f.pre, **{f.name: value})

    outcomes("match", f.name, section, feature, "%s(%s=%s)" % (name, f.name, f.value), mods, (f.put(frame, f.value), f.put(seen, f.value)),
             f.put(frame, f.other), table, rule(f.oxm(f.value)))
    if not f.masked:
        return
    v = number(f.value)
    for m in masks(f):
        width = (1 << f.bits) - 1
        matched = like(f.value, v ^ (width & ~m))           # all that is not looked at is different
        lowest = m & -m
        value, mask = like(f.value, v & m), like(f.value, m)
        outcomes("match", f.name + "_Mask", SECTION, feature + ", masked", "%s(%s=%s/%s)" % (name, f.name, value, mask), mods,
                 (f.put(frame, matched), f.put(seen, matched)), f.put(frame, like(f.value, v ^ lowest)), table, rule((value, mask)))


def all_fields():
    for f in FIELDS:
        for inner in f.inners:
            for kind in f.kinds:
                frame, mods, table, seen = around(kind, inner)
                if f.where == "ethernet" and kind == "pbb":
                    continue  # of the customer's frame; the loop's others have the backbone's
                field_patterns(f, "/".join(x for x in (kind, inner) if x), frame, mods, table, seen)
    for f in SHIMS:
        for inner in L3:
            kind = "mpls" if f.where == "mpls" else "pbb"
            frame = around(kind, inner)[0]
            field_patterns(f, kind + "/" + inner, frame, [], 0, frame)
            # Behind tags as well; and the outermost label of two.
            tagged = [eth(VLAN, **({"dst": A, "src": Z} if kind == "pbb" else {})), vlan(MPLS if kind == "mpls" else PBB)] + frame[1:]
            field_patterns(f, "vlan/" + kind + "/" + inner, tagged, [], 0, tagged)
    for inner in L3:
        two = around("mpls/mpls", inner)[0]
        for f in SHIMS[:2]:
            field_patterns(f, "mpls/mpls/" + inner, two, [], 0, two)


def simple(name, feature, description, mods, frame, other=None, other_mods=None, table=0, section=SECTION):
    """Port, controller, and what is not meant; the last of 'mods' is a flow() without instructions."""
    def last(inst):
        m = mods[-1]["OFPFlowMod"]
        return mods[:-1] + [{"OFPFlowMod": {**m, "instructions": [inst]}}]

    test("match", name, section, feature, description + " -> port", last(apply_(output(2))), frame, egress=frame)
    test("match", name, section, feature, description + " -> controller", last(apply_(output(CONTROLLER))), frame, packet_in=frame)
    m = (other_mods or mods)[-1]["OFPFlowMod"]
    m = (other_mods or mods)[:-1] + [{"OFPFlowMod": {**m, "instructions": [apply_(output(2))]}}]
    test("match", name, section, feature, description + ", another", m, other or frame, miss=[table])


def pipeline_fields():
    for inner in L3 + ["ipv6/ns"]:
        f = around("", inner)[0]
        v = around("vlan", inner)[0]
        simple("in_port", "match in_port", inner, [flow(in_port=1)], f, other_mods=[flow(in_port=2)])
        simple("in_phy_port", "match in_phy_port", inner, [flow(in_port=1, in_phy_port=1)], f, other_mods=[flow(in_port=1, in_phy_port=2)])
        types = INNER[inner][0]
        for frame, name in ((f, inner), (v, "vlan/" + inner)):
            simple("eth_type", "match eth_type", name, [flow(eth_type=types)], frame, other_mods=[flow(eth_type=types ^ 1)])
        for kind, type_ in (("mpls", MPLS), ("pbb", PBB)):
            simple("eth_type", "match eth_type", kind + "/" + inner, [flow(eth_type=type_)], around(kind, inner)[0], other_mods=[flow(eth_type=types)])
        # The tag is there, or not (7.2.3.7: OFPVID_PRESENT, OFPVID_NONE).
        simple("vlan_vid_none", "match vlan_vid", "no tag: " + inner, [flow(vlan_vid=0)], f, v)
        simple("vlan_vid_any", "match vlan_vid, masked", "any tag: " + inner, [flow(vlan_vid=(0x1000, 0x1000))], v, f)
        simple("vlan_vid_any", "match vlan_vid, masked", "the outermost of two: " + inner, [flow(vlan_vid=0x100a)], around("qinq", inner)[0], v)
        for value, mask in ((255, 0xffffffff), (0x1122334455667700, (1 << 64) - 256), (0xf0, 0xf0)):
            def through(n):
                return [flow(metadata(n, mask), goto(1)), flow(table=1, metadata=(value, mask))]
            simple("metadata", "match metadata, masked", "%#x/%#x %s" % (value, mask, inner), through(value), f, other_mods=through(value ^ mask & -mask), table=1)
            def tunnel(n):
                return [flow(apply_(set_field("tunnel_id", n)), goto(1)), flow(table=1, tunnel_id=(value, mask))]
            simple("tunnel_id", "match tunnel_id, masked", "%#x/%#x %s" % (value, mask, inner), tunnel(value), f, other_mods=tunnel(value ^ mask & -mask), table=1)
        simple("metadata", "match metadata", "exact " + inner, [flow(metadata(9), goto(1)), flow(table=1, metadata=9)], f,
               other_mods=[flow(metadata(8), goto(1)), flow(table=1, metadata=9)], table=1)
        simple("tunnel_id", "match tunnel_id", "none is zero: " + inner, [flow(tunnel_id=0)], f, other_mods=[flow(tunnel_id=1)])


# ---- IPv6 extension headers: flags of 7.2.3.7 ----

NONEXT, ESP, AUTH, DEST, FRAG, ROUTER, HOP, UNREP, UNSEQ = (1 << i for i in range(9))
NUMBER = {HOP: 0, DEST: 60, ROUTER: 43, FRAG: 44, AUTH: 51, ESP: 50, NONEXT: 59}
ALL = 0x1ff
# Headers in their order, and the flags that they must give (RFC 8200, 4.1).
CHAINS = [
    ([], 0), ([HOP], HOP), ([DEST], DEST), ([ROUTER], ROUTER), ([FRAG], FRAG), ([AUTH], AUTH), ([ESP], ESP), ([NONEXT], NONEXT),
    ([HOP, AUTH], HOP | AUTH), ([HOP, DEST], HOP | DEST), ([HOP, DEST, ROUTER], HOP | DEST | ROUTER),
    ([HOP, DEST, ROUTER, FRAG, AUTH, ESP], HOP | DEST | ROUTER | FRAG | AUTH | ESP),
    ([HOP, DEST, ROUTER, FRAG, AUTH, DEST], HOP | DEST | ROUTER | FRAG | AUTH), ([DEST, ROUTER, DEST], DEST | ROUTER),
    ([AUTH, ESP], AUTH | ESP), ([FRAG, AUTH], FRAG | AUTH), ([AUTH, DEST], AUTH | DEST), ([HOP, NONEXT], HOP | NONEXT),
    ([AUTH, HOP], AUTH | HOP | UNSEQ), ([FRAG, ROUTER], FRAG | ROUTER | UNSEQ), ([AUTH, FRAG], AUTH | FRAG | UNSEQ),
    ([DEST, HOP], DEST | HOP | UNSEQ), ([ROUTER, HOP], ROUTER | HOP | UNSEQ),
    ([HOP, HOP], HOP | UNREP), ([ROUTER, ROUTER], ROUTER | UNREP), ([AUTH, AUTH], AUTH | UNREP), ([FRAG, FRAG], FRAG | UNREP),
    ([DEST, ROUTER, DEST, DEST], DEST | ROUTER | UNREP), ([ROUTER, HOP, ROUTER], ROUTER | HOP | UNREP | UNSEQ),
]


def header(kind, next_):
    """One extension header, 8 to 16 bytes."""
    if kind in (HOP, DEST):
        return b"%c\0\1\4\0\0\0\0" % next_
    if kind == ROUTER:
        return b"%c\0\0\0\0\0\0\0" % next_
    if kind == FRAG:
        return b"%c\0\0\0\0\0\0\5" % next_  # atomic: the only one of its packet
    if kind == AUTH:
        return b"%c\2\0\0" % next_ + bytes(range(12))
    return b""


def chain(kinds, tag):
    """The frame of a chain of headers, written as bytes: os-ken's IPv6 orders them itself."""
    ends = bool(kinds) and kinds[-1] in (ESP, NONEXT)
    after = [NUMBER[k] for k in kinds[1:]] + [UDP]
    body = b"".join(header(k, n) for k, n in zip(kinds, after))
    if kinds and kinds[-1] == ESP:
        body += bytes(range(1, 25))  # no more of it can be read
    first = NUMBER[kinds[0]] if kinds else UDP
    if not ends:
        body += b"\x2b\x67\x08\xae\x00\x10\x12\x34" + bytes(8)  # UDP, which nothing here changes
    f = [eth(VLAN), vlan(IPV6)] if tag else [eth(IPV6)]
    return f + [ipv6(first, payload_length=len(body)), repr(body)]


def exthdr():
    bare = chain([], False)
    for kinds, flags in CHAINS:
        for tag in (False, True):
            f = chain(kinds, tag)
            name = ("vlan/" if tag else "") + "ipv6(%s)" % ",".join(str(NUMBER[k]) for k in kinds)
            other = bare if flags else chain([HOP], tag)
            simple("ipv6_exthdr", "match ipv6_exthdr", "%s = %#x" % (name, flags), [flow(eth_type=IPV6, ipv6_exthdr=flags)], f, other)
            for bit in [b for b in (1 << i for i in range(9)) if flags & b]:
                simple("ipv6_exthdr_Mask", "match ipv6_exthdr, masked", "%s has %#x" % (name, bit), [flow(eth_type=IPV6, ipv6_exthdr=(bit, bit))], f, bare)
            if not tag and flags:
                simple("ipv6_exthdr_Mask", "match ipv6_exthdr, masked", "%s has not the others" % name,
                       [flow(eth_type=IPV6, ipv6_exthdr=(0, ALL & ~flags))], f,
                       chain([next(k for k in (HOP, DEST, ROUTER, NONEXT) if not flags & k)], False))
            ends = bool(kinds) and kinds[-1] in (ESP, NONEXT)
            if not ends:
                simple("behind_exthdr", "match udp_dst", name, [flow(eth_type=IPV6, ip_proto=UDP, udp_dst=2222)], f,
                       other_mods=[flow(eth_type=IPV6, ip_proto=UDP, udp_dst=2223)])


all_fields()
pipeline_fields()
exthdr()
