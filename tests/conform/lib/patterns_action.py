# SPDX-License-Identifier: Apache-2.0
"""Actions (5.12, 7.2.5): outputs, pushes and pops, TTLs, alone and in action sets in the order of 5.10."""
from patterns_core import (A, CONTROLLER, IPV4, IPV6, MPLS, MPLS_MC, PBB, SVLAN, VLAN, Z, action, apply_, around, clear, eth, flow, goto, group, itag,
                           metadata, mpls, output, pop_mpls, pop_pbb, pop_vlan, push_mpls, push_pbb, push_vlan, put, set_field, svlan, test, to_group,
                           vlan, write, BODY, ipv4, tcp, TCP)
from patterns_match import L3

IN_PORT, ALL, FLOOD = 0xfffffff8, 0xfffffffc, 0xfffffffb
LAYER = {"ipv4/tcp": ("ipv4", "ttl", IPV4), "ipv6/tcp": ("ipv6", "hop_limit", IPV6)}


def add(name, section, feature, description, mods, frame, **outcome):
    test("action", name, section, feature, description, mods, frame, **outcome)


def outputs():
    for inner in L3:
        f = around("", inner)[0]
        add("output", "4.5", "output", "to a port: " + inner, [flow(apply_(output(2)))], f, egress=f)
        add("output", "4.5", "output", "to the controller: " + inner, [flow(apply_(output(CONTROLLER)))], f, packet_in=f)


def vlans():
    for inner in L3:
        plain = around("", inner)[0]
        type_ = plain[0][1]["ethertype"]
        for tpid, tag in ((VLAN, vlan), (SVLAN, svlan)):
            tagged = [eth(tpid), tag(type_, vid=0, pcp=0)] + plain[1:]
            add("push_vlan", "5.12.1", "push VLAN", "%#x: zeros without a tag before: %s" % (tpid, inner),
                [flow(apply_(push_vlan(tpid), output(2)))], plain, egress=tagged)
            add("push_vlan", "5.12.1", "push VLAN", "%#x to the controller: %s" % (tpid, inner),
                [flow(apply_(push_vlan(tpid), output(CONTROLLER)))], plain, packet_in=tagged)
            one = around("vlan", inner)[0]
            add("push_vlan_multiple", "5.12.1", "push VLAN", "%#x: id and priority of the outermost: %s" % (tpid, inner),
                [flow(apply_(push_vlan(tpid), output(2)))], one, egress=[eth(tpid), tag(VLAN, vid=100, pcp=3)] + one[1:])
            add("push_vlan_multiple", "5.12.1", "push VLAN", "%#x twice: %s" % (tpid, inner),
                [flow(apply_(push_vlan(VLAN), set_field("vlan_vid", 0x1007), push_vlan(tpid), output(2)))], plain,
                egress=[eth(tpid), tag(VLAN, vid=7, pcp=0), vlan(type_, vid=7, pcp=0)] + plain[1:])
            add("push_vlan_multiple", "5.12.1", "push VLAN", "%#x on a third: %s" % (tpid, inner),
                [flow(apply_(push_vlan(tpid), output(2)))], around("qinq", inner)[0],
                egress=[eth(tpid), tag(SVLAN, vid=10, pcp=5)] + around("qinq", inner)[0][1:])
        one, two = around("vlan", inner)[0], around("qinq", inner)[0]
        any_ = dict(vlan_vid=(0x1000, 0x1000))
        add("pop_vlan", "5.12", "pop VLAN", inner, [flow(apply_(pop_vlan(), output(2)), **any_)], one, egress=plain)
        add("pop_vlan", "5.12", "pop VLAN", "to the controller: " + inner, [flow(apply_(pop_vlan(), output(CONTROLLER)), **any_)], one, packet_in=plain)
        add("pop_vlan", "5.12", "pop VLAN", "the outermost of two: " + inner, [flow(apply_(pop_vlan(), output(2)), **any_)], two, egress=one)
        add("pop_vlan", "5.12", "pop VLAN", "one, and a table later the other: " + inner,
            [flow(apply_(pop_vlan()), goto(1), **any_), flow(apply_(pop_vlan(), output(2)), table=1, vlan_vid=0x1064)], two, egress=plain)
        add("push_vlan_multiple", "5.12", "push and pop VLAN", "back to what it was: " + inner,
            [flow(apply_(push_vlan(SVLAN), push_vlan(VLAN), pop_vlan(), pop_vlan(), output(2)))], plain, egress=plain)


def labels():
    for inner in L3:
        plain = around("", inner)[0]
        type_ = plain[0][1]["ethertype"]
        ttl = 0 if inner == "arp" else 64
        for mt in (MPLS, MPLS_MC):
            new = [eth(mt), mpls(label=0, exp=0, ttl=ttl)] + plain[1:]
            one = [eth(mt), mpls(label=9, exp=6, ttl=33)] + plain[1:]
            two = [eth(mt), mpls(label=4, exp=1, ttl=22, bsb=0)] + one[1:]
            add("push_mpls", "5.12.1", "push MPLS", "%#x: %s" % (mt, inner), [flow(apply_(push_mpls(mt), output(2)), eth_type=type_)], plain, egress=new)
            add("push_mpls", "5.12.1", "push MPLS", "%#x to the controller: %s" % (mt, inner),
                [flow(apply_(push_mpls(mt), output(CONTROLLER)), eth_type=type_)], plain, packet_in=new)
            add("push_mpls_multiple", "5.12.1", "push MPLS", "%#x: label, class and TTL of the outermost, no bottom: %s" % (mt, inner),
                [flow(apply_(push_mpls(mt), output(2)), eth_type=mt)], one, egress=[eth(mt), mpls(label=9, exp=6, ttl=33, bsb=0)] + one[1:])
            add("push_mpls_multiple", "5.12.1", "push MPLS", "%#x on a third: %s" % (mt, inner),
                [flow(apply_(push_mpls(mt), output(2)), eth_type=mt)], two, egress=[eth(mt), mpls(label=4, exp=1, ttl=22, bsb=0)] + two[1:])
            add("pop_mpls", "5.12", "pop MPLS", "%#x: %s" % (mt, inner), [flow(apply_(pop_mpls(type_), output(2)), eth_type=mt)], one, egress=plain)
            add("pop_mpls", "5.12", "pop MPLS", "%#x of two: %s" % (mt, inner), [flow(apply_(pop_mpls(mt), output(2)), eth_type=mt)], two, egress=one)
            add("pop_mpls", "5.12", "pop MPLS", "%#x both: %s" % (mt, inner),
                [flow(apply_(pop_mpls(mt), pop_mpls(type_), output(2)), eth_type=mt)], two, egress=plain)
            add("pop_mpls", "5.12", "pop MPLS", "%#x by the bottom of stack, a table each: %s" % (mt, inner),
                [flow(apply_(pop_mpls(mt)), goto(1), eth_type=mt, mpls_bos=0), flow(apply_(pop_mpls(type_), output(2)), table=1, eth_type=mt, mpls_bos=1)],
                two, egress=plain)
            add("set_mpls_ttl", "5.12", "set MPLS TTL", "%#x: %s" % (mt, inner),
                [flow(apply_(action("SetMplsTtl", mpls_ttl=127), output(2)), eth_type=mt)], two, egress=put(two, "mpls", ttl=127))
            add("dec_mpls_ttl", "5.12", "decrement MPLS TTL", "%#x: %s" % (mt, inner),
                [flow(apply_(action("DecMplsTtl"), output(2)), eth_type=mt)], two, egress=put(two, "mpls", ttl=21))
            add("dec_mpls_ttl", "5.12", "decrement MPLS TTL", "%#x twice: %s" % (mt, inner),
                [flow(apply_(action("DecMplsTtl"), action("DecMplsTtl"), output(2)), eth_type=mt)], one, egress=put(one, "mpls", ttl=31))
            # Copies, 5.12: outwards to the outermost from the next, inwards from the outermost to the next.
            add("copy_ttl_out", "5.12", "copy TTL outwards", "%#x MPLS to MPLS: %s" % (mt, inner),
                [flow(apply_(action("CopyTtlOut"), output(2)), eth_type=mt)], two, egress=put(two, "mpls", ttl=33))
            add("copy_ttl_in", "5.12", "copy TTL inwards", "%#x MPLS to MPLS: %s" % (mt, inner),
                [flow(apply_(action("CopyTtlIn"), output(2)), eth_type=mt)], two, egress=put(two, "mpls", 1, ttl=22))
            if inner in LAYER:
                layer, arg, _ = LAYER[inner]
                add("copy_ttl_out", "5.12", "copy TTL outwards", "%#x IP to MPLS: %s" % (mt, inner),
                    [flow(apply_(action("CopyTtlOut"), output(2)), eth_type=mt)], one, egress=put(one, "mpls", ttl=64))
                add("copy_ttl_in", "5.12", "copy TTL inwards", "%#x MPLS to IP: %s" % (mt, inner),
                    [flow(apply_(action("CopyTtlIn"), output(2)), eth_type=mt)], one, egress=put(one, layer, **{arg: 33}))
        # A tagged packet: the label goes before the tag.
        tagged = around("vlan", inner)[0]
        add("push_mpls", "5.12", "push MPLS", "before a tag: " + inner, [flow(apply_(push_mpls(), set_field("mpls_label", 5), output(2)), eth_type=type_)],
            tagged, egress=[eth(MPLS), mpls(label=5, exp=0, ttl=ttl), vlan(type_)] + plain[1:])
        behind = [eth(VLAN), vlan(MPLS), mpls()] + plain[1:]
        add("pop_mpls", "5.12", "pop MPLS", "behind a tag: " + inner, [flow(apply_(pop_mpls(type_), output(2)), eth_type=MPLS)], behind, egress=tagged)


def ip_over(outer, inner):
    """An IP header in another."""
    def head(v, proto, ttl):
        return ipv4(proto, ttl=ttl) if v == 4 else ("ipv6", dict(traffic_class=32, flow_label=1, nxt=proto, hop_limit=ttl, src="10::10", dst="20::20"))

    return [eth(IPV4 if outer == 4 else IPV6), head(outer, 4 if inner == 4 else 41, 20), head(inner, TCP, 50), tcp(), BODY]


def ttls():
    for inner, (layer, arg, type_) in LAYER.items():
        for kind in ("", "vlan", "qinq", "mpls", "pbb"):
            frame, mods, table, seen = around(kind, inner)
            name = "/".join(x for x in (kind, inner) if x)
            for n in (0, 1, 255):
                add("set_nw_ttl", "5.12", "set IP TTL", "%s to %d" % (name, n),
                    mods + [flow(apply_(action("SetNwTtl", nw_ttl=n), output(2)), table=table, eth_type=type_)], frame, egress=put(seen, layer, **{arg: n}))
            add("dec_nw_ttl", "5.12", "decrement IP TTL", name,
                mods + [flow(apply_(action("DecNwTtl"), output(2)), table=table, eth_type=type_)], frame, egress=put(seen, layer, **{arg: 63}))
            add("dec_nw_ttl", "5.12", "decrement IP TTL", name + " in an action set",
                mods + [flow(write(output(2), action("DecNwTtl")), table=table, eth_type=type_)], frame, egress=put(seen, layer, **{arg: 63}))
            two = put(frame, layer, **{arg: 2})
            add("dec_nw_ttl", "5.12", "decrement IP TTL", name + " from 2",
                mods + [flow(apply_(action("DecNwTtl"), output(2)), table=table, eth_type=type_)], two, egress=put(seen, layer, **{arg: 1}))
    for outer in (4, 6):
        for inner in (4, 6):
            f = ip_over(outer, inner)
            args = {4: ("ipv4", "ttl"), 6: ("ipv6", "hop_limit")}
            (ol, oa), (il, ia) = args[outer], args[inner]
            type_ = IPV4 if outer == 4 else IPV6
            add("copy_ttl_ip", "5.12", "copy TTL, IP in IP", "outwards, IPv%d in IPv%d" % (inner, outer),
                [flow(apply_(action("CopyTtlOut"), output(2)), eth_type=type_)], f, egress=put(f, ol, **{oa: 50}))
            add("copy_ttl_ip", "5.12", "copy TTL, IP in IP", "inwards, IPv%d in IPv%d" % (inner, outer),
                [flow(apply_(action("CopyTtlIn"), output(2)), eth_type=type_)], f, egress=put(f, il, 1 if il == ol else 0, **{ia: 20}))


def backbone():
    for inner in L3:
        plain, tagged = around("", inner)[0], around("vlan", inner)[0]
        two = [eth(SVLAN), svlan(VLAN)] + tagged[1:]
        for f, pcp, name in ((plain, 0, inner), (tagged, 3, "vlan/" + inner)):
            new = [eth(PBB), itag(sid=0, pcp=pcp)] + f
            add("push_pbb", "5.12.1", "push PBB", name, [flow(apply_(push_pbb(), output(2)))], f, egress=new)
            add("push_pbb", "5.12.1", "push PBB", name + " to the controller", [flow(apply_(push_pbb(), output(CONTROLLER)))], f, packet_in=new)
            add("push_pbb", "5.12.1", "push PBB", name + ", and a tag before it",
                [flow(apply_(push_pbb(), set_field("pbb_isid", 5), push_vlan(SVLAN), set_field("vlan_vid", 0x1fff - 0xf), output(2)))], f,
                egress=[eth(SVLAN), svlan(PBB, vid=0xff0, pcp=0), itag(sid=5, pcp=pcp)] + f)
        for f, name in ((plain, inner), (tagged, "vlan/" + inner), (two, "qinq/" + inner)):
            b = [eth(PBB, dst=A, src=Z), itag(sid=77, pcp=1)] + f
            add("pop_pbb", "5.12", "pop PBB", name, [flow(apply_(pop_pbb(), output(2)), eth_type=PBB)], b, egress=f)
            add("push_pbb_multiple", "5.12.1", "push PBB", "on another: the I-SID is copied: " + name,
                [flow(apply_(push_pbb(), output(2)), eth_type=PBB)], b, egress=[eth(PBB, dst=A, src=Z), itag(sid=77)] + b)
            add("pop_pbb", "5.12", "pop PBB", "both: " + name, [flow(apply_(pop_pbb(), pop_pbb(), output(2)), eth_type=PBB)],
                [eth(PBB), itag(sid=3)] + b, egress=f)


def sets():
    """The order of 5.10, whatever the order in which they were written."""
    for inner, (layer, arg, type_) in LAYER.items():
        plain = around("", inner)[0]
        one = [eth(MPLS), mpls(label=9, exp=6, ttl=33)] + plain[1:]
        two = [eth(MPLS), mpls(label=4, exp=1, ttl=22, bsb=0)] + one[1:]

        def both(description, actions, frame, egress, **match):
            for name, a in (("as in 5.10", actions), ("reversed", actions[::-1]), ("mixed", actions[1::2] + actions[::2])):
                add("action_set", "5.10", "action set order", "%s, %s: %s" % (description, name, inner), [flow(write(*a), **match)], frame, egress=egress)

        both("copy inwards, pop", [action("CopyTtlIn"), pop_mpls(type_), output(2)], one, put(plain, layer, **{arg: 33}), eth_type=MPLS)
        both("copy inwards, pop of two, decrement", [action("CopyTtlIn"), pop_mpls(MPLS), action("DecMplsTtl"), output(2)], two, put(one, "mpls", ttl=21),
             eth_type=MPLS)
        both("push MPLS, copy outwards, decrement MPLS", [push_mpls(), action("CopyTtlOut"), action("DecMplsTtl"), set_field("mpls_label", 3), output(2)],
             plain, [eth(MPLS), mpls(label=3, exp=0, ttl=63)] + plain[1:], eth_type=type_)
        both("push MPLS, PBB, VLAN", [push_mpls(), push_pbb(), push_vlan(), set_field("vlan_vid", 0x1009), output(2)], plain,
             [eth(VLAN), vlan(PBB, vid=9, pcp=0), itag(sid=0), eth(MPLS), mpls(label=0, exp=0, ttl=64)] + plain[1:], eth_type=type_)
        both("decrement IP, set", [action("DecNwTtl"), set_field("eth_dst", A), output(2)], plain, put(put(plain, "ethernet", dst=A), layer, **{arg: 63}),
             eth_type=type_)
        both("pop VLAN, push VLAN", [pop_vlan(), push_vlan(SVLAN), set_field("vlan_pcp", 7), output(2)], around("vlan", inner)[0],
             [eth(SVLAN), svlan(type_, vid=0, pcp=7)] + plain[1:], vlan_vid=(0x1000, 0x1000))
        add("action_set", "5.10", "action set", "built over three tables: " + inner,
            [flow(write(output(3), push_vlan()), goto(1)), flow(goto(2), table=1), flow(write(output(2)), table=2)], plain, egress=[eth(VLAN), vlan(type_, vid=0, pcp=0)] + plain[1:])
        add("action_set", "5.10", "action set", "cleared, and apply-actions stand: " + inner,
            [flow(apply_(set_field("eth_src", Z)), write(push_vlan(), output(3)), goto(1)), flow(clear(), write(output(2)), table=1)], plain,
            egress=put(plain, "ethernet", src=Z))
        add("action_set", "5.10", "action set", "a group wins over an output: " + inner,
            [group(2, ([output(2)],)), flow(write(output(3), to_group()))], plain, egress=plain)
        add("action_set", "5.9", "order of instructions", "metadata is written before the next table: " + inner,
            [flow(goto(1), metadata(0x55, 0xff)), flow(apply_(output(2)), table=1, metadata=(0x55, 0xff))], plain, egress=plain)
        add("action_set", "5.9", "order of instructions", "masked writes leave the other bits: " + inner,
            [flow(goto(1), metadata(0x1200, 0xff00)), flow(goto(2), metadata(0x34, 0xff), table=1), flow(apply_(output(2)), table=2, metadata=0x1234)],
            plain, egress=plain)


outputs()
vlans()
labels()
ttls()
backbone()
sets()
