# SPDX-License-Identifier: Apache-2.0
"""Set-field (7.2.5): every field that can be written, in each frame that has it, and of headers that were pushed.

The checksums of the frames that are expected come from os_ken.lib.packet, which sums them up anew.
"""
from patterns_core import (A, ARP, BODY, CONTROLLER, IPV4, IPV6, MPLS, PBB, SVLAN, TCP, UDP, VLAN, Z, apply_, around, eth, flow, goto, itag, mpls,
                           number, like, output, pop_vlan, push_mpls, push_pbb, push_vlan, put, set_field, svlan, test, vlan, write)
from patterns_match import FIELDS, L3, SHIMS

SECTION = "7.2.5"
WRITABLE = [f for f in FIELDS if f.name != "ip_proto"]


def values(f):
    """The field's other value, nothing but zeros, and nothing but ones."""
    ones = (1 << f.bits) - 1
    out = [f.other, like(f.value, 0), like(f.value, ones)]
    if f.name == "icmpv6_type":
        return [129, 200]
    return out


def of(f, v):
    return set_field(f.name, f.oxm(v))


def one(f, name, frame, seen, mods, table):
    section = "EXT-256" if f.name == "pbb_uca" else SECTION
    for v in values(f):
        for where, kind in ((output(2), "egress"), (output(CONTROLLER), "packet_in")):
            if kind == "packet_in" and v != f.other:
                continue
            match = {**f.pre, **({"vlan_vid": (0x1000, 0x1000)} if f.name == "vlan_vid" else {})}
            test("set_field", f.name, section, "set-field " + f.name, "%s(%s=%s)%s" % (name, f.name, v, "" if kind == "egress" else " -> controller"),
                 mods + [flow(apply_(of(f, v), where), table=table, **match)], frame, **{kind: f.put(seen, v)})
    # In the action set; and seen by the next table.
    match = {**f.pre, **({"vlan_vid": (0x1000, 0x1000)} if f.name == "vlan_vid" else {})}
    test("set_field", f.name, section, "set-field " + f.name, name + " in an action set",
         mods + [flow(write(output(2), of(f, f.other)), table=table, **match)], frame, egress=f.put(seen, f.other))
    again = {**f.pre, f.name: f.oxm(f.other)}
    test("set_field", f.name, section, "set-field " + f.name, name + " is what the next table matches",
         mods + [flow(apply_(of(f, f.other)), goto(table + 1), table=table, **match), flow(apply_(output(2)), table=table + 1, **again),
                 flow(apply_(output(3)), table=table + 1, priority=1)], frame, egress=f.put(seen, f.other))


def every_frame():
    for f in WRITABLE:
        for inner in f.inners:
            for kind in f.kinds:
                if f.where == "ethernet" and kind == "pbb":
                    continue
                frame, mods, table, seen = around(kind, inner)
                one(f, "/".join(x for x in (kind, inner) if x), frame, seen, mods, table)
    for f in SHIMS:
        for inner in L3:
            frame = around("mpls" if f.where == "mpls" else "pbb", inner)[0]
            one(f, f.where + "/" + inner, frame, frame, [], 0)
        two = around("mpls/mpls", "ipv4/tcp")[0]
        if f.where == "mpls" and f.name != "mpls_bos":
            one(f, "mpls/mpls/ipv4/tcp", two, two, [], 0)


def ethertype_and_protocol():
    """What the frame is called changes, not what is in it; the old transport checksum covers the protocol."""
    for inner in L3:
        for kind in ("", "vlan", "qinq"):
            frame, _, _, seen = around(kind, inner)
            layer, which = {"": ("ethernet", 0), "vlan": ("vlan", 0), "qinq": ("vlan", 0)}[kind]
            name = "/".join(x for x in (kind, inner) if x)
            for v in (0x0600, 0x88b5, IPV6 if inner.startswith("ipv4") else IPV4):
                after = put(seen, layer, which, ethertype=v)
                test("set_field", "eth_type", SECTION, "set-field eth_type", "%s(eth_type=%#06x)" % (name, v),
                     [flow(apply_(set_field("eth_type", v), output(2)))], frame, egress=after)
                test("set_field", "eth_type", SECTION, "set-field eth_type", "%s(eth_type=%#06x) is what the next table matches" % (name, v),
                     [flow(apply_(set_field("eth_type", v)), goto(1)), flow(apply_(output(2)), table=1, eth_type=v)], frame, egress=after)
            test("set_field", "eth_type", SECTION, "set-field eth_type", name + " in an action set",
                 [flow(write(set_field("eth_type", 0x9000), output(2)))], frame, egress=put(seen, layer, which, ethertype=0x9000))
    for inner, layer, arg in (("ipv4/tcp", "ipv4", "proto"), ("ipv6/tcp", "ipv6", "nxt"), ("ipv4/udp", "ipv4", "proto"), ("ipv6/udp", "ipv6", "nxt")):
        type_ = IPV4 if layer == "ipv4" else IPV6
        for kind in ("", "vlan", "mpls", "pbb"):
            frame, mods, table, seen = around(kind, inner)
            name = "/".join(x for x in (kind, inner) if x)
            for v in (TCP, UDP, 89, 253):
                after = put(seen, layer, **{arg: v})
                test("set_field", "ip_proto", SECTION, "set-field ip_proto", "%s(ip_proto=%d)" % (name, v),
                     mods + [flow(apply_(set_field("ip_proto", v), output(2)), table=table, eth_type=type_)], frame, egress=after)
                test("set_field", "ip_proto", SECTION, "set-field ip_proto", "%s(ip_proto=%d) is what the next table matches" % (name, v),
                     mods + [flow(apply_(set_field("ip_proto", v)), goto(table + 1), table=table, eth_type=type_),
                             flow(apply_(output(2)), table=table + 1, eth_type=type_, ip_proto=v)], frame, egress=after)


def tunnel_id():
    for inner in L3:
        frame = around("", inner)[0]
        for v in (1, 0xffffff, (1 << 64) - 1):
            test("set_field", "tunnel_id", SECTION, "set-field tunnel_id", "%s(tunnel_id=%#x)" % (inner, v),
                 [flow(apply_(set_field("tunnel_id", v)), goto(1)), flow(apply_(output(2)), table=1, tunnel_id=v)], frame, egress=frame)


def of_pushed_headers():
    """A header that an action has just added has fields (7.2.3.8), and takes the next set-field as others do."""
    def add(name, mods, frame, after):
        test("set_field", "pushed", SECTION, "set-field of pushed headers", name, mods, frame, egress=after)

    for inner in L3:
        plain = around("", inner)[0]
        type_ = plain[0][1]["ethertype"]
        body = plain[1:]
        for tpid, tag in ((VLAN, vlan), (SVLAN, svlan)):
            tagged = [eth(tpid), tag(type_, vid=291, pcp=6)] + body
            actions = push_vlan(tpid), set_field("vlan_vid", 0x1123), set_field("vlan_pcp", 6)
            add("push_vlan:%#x %s" % (tpid, inner), [flow(apply_(*actions, output(2)))], plain, tagged)
            add("push_vlan:%#x %s in an action set" % (tpid, inner), [flow(write(output(2), *reversed(actions)))], plain, tagged)
        one_tag = around("vlan", inner)[0]
        add("push_vlan on a tag " + inner, [flow(apply_(push_vlan(SVLAN), set_field("vlan_vid", 0x1123), output(2)), vlan_vid=(0x1000, 0x1000))], one_tag,
            [eth(SVLAN), svlan(VLAN, vid=291, pcp=3)] + one_tag[1:])
        add("pop_vlan, push_vlan " + inner, [flow(apply_(pop_vlan(), push_vlan(VLAN), set_field("vlan_vid", 0x1123), output(2)), vlan_vid=(0x1000, 0x1000))],
            one_tag, put(one_tag, "vlan", vid=291, pcp=0))
        ttl = 0 if inner == "arp" else 64
        labelled = [eth(MPLS), mpls(label=0xabcde, exp=5, ttl=ttl)] + body
        fields = set_field("mpls_label", 0xabcde), set_field("mpls_tc", 5)
        add("push_mpls " + inner, [flow(apply_(push_mpls(), *fields, output(2)), eth_type=type_)], plain, labelled)
        add("push_mpls in an action set " + inner, [flow(write(output(2), *fields, push_mpls()), eth_type=type_)], plain, labelled)
        add("push_mpls twice " + inner, [flow(apply_(push_mpls(), set_field("mpls_label", 1), push_mpls(), set_field("mpls_label", 2), output(2)), eth_type=type_)],
            plain, [eth(MPLS), mpls(label=2, exp=0, ttl=ttl, bsb=0), mpls(label=1, exp=0, ttl=ttl)] + body)
        add("push_pbb " + inner, [flow(apply_(push_pbb(), set_field("pbb_isid", 0xabcdef), set_field("eth_dst", A), output(2)))], plain,
            [eth(PBB, dst=A), itag(sid=0xabcdef)] + plain)
        add("push_pbb in an action set " + inner, [flow(write(set_field("pbb_isid", 0xabcdef), output(2), push_pbb()))], plain,
            [eth(PBB), itag(sid=0xabcdef)] + plain)
        add("push_pbb of a tagged frame " + inner, [flow(apply_(push_pbb(), set_field("pbb_isid", 7), output(2)))], one_tag,
            [eth(PBB), itag(sid=7, pcp=3)] + one_tag)


every_frame()
ethertype_and_protocol()
tunnel_id()
of_pushed_headers()
