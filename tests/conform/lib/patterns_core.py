# SPDX-License-Identifier: Apache-2.0
"""Patterns in the format of os-ken's switch tests, made from tables.

A frame is a list of layers, each the name of a class of os_ken.lib.packet and its arguments: the tester
builds the frames, and so the lengths and checksums that are expected, itself.  A test is a list of messages, a
frame, and what becomes of it.  files() writes all tests into a directory in the layout of os-ken's own, so
that its own tester (tests/conform/stock_tester.py) and ours (switch_patterns.py) read the same files.
"""
import ipaddress
import json
import os
import struct

A, Z = "12:11:11:11:11:11", "22:22:22:22:22:22"
BODY = "b'%s'" % "".join("\\x%02x" % i for i in range(64))
IPV4, IPV6, ARP, VLAN, SVLAN, MPLS, MPLS_MC, PBB = 0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x8847, 0x8848, 0x88e7
TCP, UDP, SCTP, ICMP, ICMPV6 = 6, 17, 132, 1, 58
CONTROLLER = 0xfffffffd


class Expr(str):
    """Text of an argument that is no plain value."""
    def __repr__(self):
        return str(self)


def layer(name, **kw):
    return (name, kw)


def crc32c(data):
    """RFC 9260, appendix A, bit by bit."""
    crc = 0xffffffff
    for c in data:
        crc ^= c
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return ~crc & 0xffffffff


def sctp_sum(args):
    """os-ken's own is none: it sums up the text of the bytes."""
    head = struct.pack("!HHII", args["src_port"], args["dst_port"], args["vtag"], 0)
    return struct.unpack("<I", struct.pack("!I", crc32c(head + struct.pack("!BBHIHHI", 0, 3, 80, 1, 0, 0, 0) + bytes(range(64)))))[0]


def text(frame):
    """As the tester evaluates it."""
    out = []
    for x in frame:
        if not isinstance(x, str):
            args = {**x[1], "csum": sctp_sum(x[1])} if x[0] == "sctp" else x[1]
            x = "%s(%s)" % (x[0], ", ".join("%s=%r" % i for i in args.items()))
        out.append(x)
    return out


def put(frame, name, which=0, **kw):
    """The frame with arguments of its 'which'-th layer of that name changed."""
    out, seen = [], 0
    for x in frame:
        if not isinstance(x, str) and x[0] == name:
            if seen == which:
                x = (name, {**x[1], **kw})
            seen += 1
        out.append(x)
    assert seen > which, (name, frame)
    return out


# ---- layers ----

def eth(type_, **kw):
    return layer("ethernet", **{**dict(dst=Z, src=A, ethertype=type_), **kw})


def vlan(type_, **kw):
    return layer("vlan", **{**dict(pcp=3, cfi=0, vid=100, ethertype=type_), **kw})


def svlan(type_, **kw):
    return layer("svlan", **{**dict(pcp=5, cfi=0, vid=10, ethertype=type_), **kw})


def mpls(**kw):
    return layer("mpls", **{**dict(bsb=1, label=100, exp=3, ttl=64), **kw})


def itag(**kw):
    return layer("itag", **{**dict(pcp=0, dei=0, uca=0, sid=100), **kw})


def ipv4(proto, **kw):
    return layer("ipv4", **{**dict(tos=32, proto=proto, src="192.168.10.10", dst="192.168.20.20", ttl=64, identification=7), **kw})


def ipv6(nxt, **kw):
    return layer("ipv6", **{**dict(traffic_class=32, flow_label=100, nxt=nxt, hop_limit=64, src="10::10", dst="20::20"), **kw})


def tcp(**kw):
    return layer("tcp", **{**dict(src_port=11111, dst_port=2222, seq=7), **kw})


def udp(**kw):
    return layer("udp", **{**dict(src_port=11111, dst_port=2222), **kw})


def sctp(**kw):
    return layer("sctp", **{**dict(src_port=11111, dst_port=2222, vtag=9,
                                   chunks=Expr("[chunk_data(begin=1, end=1, tsn=1, payload_data=%s)]" % BODY)), **kw})


def icmp(**kw):
    return layer("icmp", **{**dict(type_=8, code=0, data=Expr("echo(id_=1, seq=2, data=%s)" % BODY)), **kw})


def icmpv6(**kw):
    return layer("icmpv6", **{**dict(type_=128, code=0, data=Expr("icmpv6echo(id_=1, seq=2, data=%s)" % BODY)), **kw})


def nd(kind, target="fe80::9", mac=A):
    """A solicitation (135) with its source's address, an advertisement (136) with its target's."""
    option = "nd_option_sla" if kind == 135 else "nd_option_tla"
    return layer("icmpv6", type_=kind, code=0, data=Expr("nd_neighbor(res=0, dst=%r, option=%s(hw_src=%r))" % (target, option, mac)))


def arp(**kw):
    return layer("arp", **{**dict(opcode=1, src_mac=A, src_ip="192.168.10.10", dst_mac=Z, dst_ip="192.168.20.20"), **kw})


# What is in a frame behind its Ethernet header and tags: ethertype and layers.
INNER = {
    "ipv4/tcp": (IPV4, [ipv4(TCP), tcp(), BODY]), "ipv6/tcp": (IPV6, [ipv6(TCP), tcp(), BODY]),
    "ipv4/udp": (IPV4, [ipv4(UDP), udp(), BODY]), "ipv6/udp": (IPV6, [ipv6(UDP), udp(), BODY]),
    "ipv4/sctp": (IPV4, [ipv4(SCTP), sctp()]), "ipv6/sctp": (IPV6, [ipv6(SCTP), sctp()]),
    "ipv4/icmp": (IPV4, [ipv4(ICMP), icmp()]), "ipv6/icmpv6": (IPV6, [ipv6(ICMPV6), icmpv6()]),
    "ipv6/ns": (IPV6, [ipv6(ICMPV6, hop_limit=255), nd(135), ]), "ipv6/na": (IPV6, [ipv6(ICMPV6, hop_limit=255), nd(136)]),
    "arp": (ARP, [arp(), "bytes(b'\\x00' * 40)"]),
}


# What is before it, and the rules of table 0 that take off what hides it.
def around(kind, inner):
    """Frame, rules before, the table where what is inside can be matched, the frame there."""
    type_, layers = INNER[inner]
    plain = [eth(type_)] + layers
    if kind == "":
        return plain, [], 0, plain
    if kind == "vlan":
        f = [eth(VLAN), vlan(type_)] + layers
        return f, [], 0, f
    if kind == "qinq":
        f = [eth(SVLAN), svlan(VLAN), vlan(type_)] + layers
        return f, [], 0, f
    if kind == "mpls":
        return ([eth(MPLS), mpls()] + layers, [flow(apply_(pop_mpls(type_)), goto(1), eth_type=MPLS)], 1, plain)
    if kind == "mpls/mpls":
        return ([eth(MPLS), mpls(bsb=0, label=7), mpls()] + layers,
                [flow(apply_(pop_mpls(MPLS), pop_mpls(type_)), goto(1), eth_type=MPLS, mpls_bos=0)], 1, plain)
    assert kind == "pbb"
    return [eth(PBB, dst=A, src=Z), itag()] + plain, [flow(apply_(pop_pbb()), goto(1), eth_type=PBB)], 1, plain


AROUND = ("", "vlan", "qinq", "mpls", "mpls/mpls", "pbb")


# ---- messages ----

def oxm(field, value):
    value, mask = value if isinstance(value, tuple) else (value, None)
    return {"OXMTlv": {"field": field, "value": value, **({} if mask is None else {"mask": mask})}}


def flow(*insts, table=0, priority=32768, **match):
    return {"OFPFlowMod": {"table_id": table, "priority": priority, "instructions": list(insts),
                           "match": {"OFPMatch": {"oxm_fields": [oxm(f, v) for f, v in match.items()]}}}}


def apply_(*actions):
    return {"OFPInstructionActions": {"actions": list(actions), "type": 4}}


def write(*actions):
    return {"OFPInstructionActions": {"actions": list(actions), "type": 3}}


def clear():
    return {"OFPInstructionActions": {"actions": [], "type": 5}}


def goto(table):
    return {"OFPInstructionGotoTable": {"table_id": table}}


def metadata(value, mask=(1 << 64) - 1):
    return {"OFPInstructionWriteMetadata": {"metadata": value, "metadata_mask": mask}}


def meter(n):
    return {"OFPInstructionMeter": {"meter_id": n}}


def action(name, **kw):
    return {"OFPAction" + name: kw}


def output(port):
    return action("Output", port=port, **({"max_len": 65535} if port == CONTROLLER else {}))


def set_field(field, value):
    return action("SetField", field=oxm(field, value))


def push_vlan(type_=VLAN):
    return action("PushVlan", ethertype=type_)


def push_mpls(type_=MPLS):
    return action("PushMpls", ethertype=type_)


def push_pbb():
    return action("PushPbb", ethertype=PBB)


def pop_vlan():
    return action("PopVlan")


def pop_mpls(type_):
    return action("PopMpls", ethertype=type_)


def pop_pbb():
    return action("PopPbb")


def to_group(n=1):
    return action("Group", group_id=n)


def group(kind, *buckets, gid=1):
    return {"OFPGroupMod": {"group_id": gid, "type": kind, "buckets": [{"OFPBucket": {
        "actions": list(b[0]), "weight": b[1] if len(b) > 1 else 0, "watch_port": b[2] if len(b) > 2 else 0xffffffff,
        "watch_group": 0xffffffff}} for b in buckets]}}


# ---- numbers ----

def number(v):
    """Of an address in words, or of a number."""
    if isinstance(v, int):
        return v
    return int(v.replace(":", ""), 16) if v.count(":") == 5 and "::" not in v else int(ipaddress.ip_address(v))


def like(v, n):
    """Number 'n' in the form of 'v'."""
    if isinstance(v, int):
        return n
    if v.count(":") == 5 and "::" not in v:
        return ":".join("%02x" % b for b in n.to_bytes(6, "big"))
    return str(ipaddress.IPv6Address(n) if ":" in v else ipaddress.IPv4Address(n))


# ---- tests ----

FILES = {}  # (category, name): (section, feature, tests)


def test(category, name, section, feature, description, mods, ingress, **outcome):
    """outcome: egress=frame, packet_in=frame, or miss=[tables]."""
    (kind, value), = outcome.items()
    key = {"egress": "egress", "packet_in": "PACKET_IN", "miss": "table-miss"}[kind]
    FILES.setdefault((category, name), (section, feature, []))[2].append({
        "description": description, "prerequisite": mods,
        "tests": [{"ingress": text(ingress), key: value if kind == "miss" else text(value)}]})


def throughput(category, name, section, feature, description, mods, ingress, pktps, seconds, *expected):
    """A stream of frames, and how much of what arrives: (match, kbps or pktps, number)."""
    FILES.setdefault((category, name), (section, feature, []))[2].append({
        "description": description, "prerequisite": mods,
        "tests": [{"ingress": {"packets": {"data": text(ingress), "pktps": pktps, "duration_time": seconds}},
                   "egress": {"throughput": [{"OFPMatch": {"oxm_fields": [oxm(f, v) for f, v in m.items()]}, unit: n}
                                             for m, unit, n in expected]}}]})


def files(root):
    """Writes them; returns (path, section, feature) of each."""
    out = []
    for (category, name), (section, feature, tests) in FILES.items():
        path = os.path.join(root, "of13", category, name + ".json")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            json.dump(["%s: %s" % (category, name)] + tests, f)
        out.append((path, section, feature))
    return out
