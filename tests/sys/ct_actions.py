#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX ct, ct_clear and their fields; fragments
"""ct() and its arguments, the fields it sets, ct_clear, limits of zones, and fragments: frame by frame, at both switches.

The ports are lib/ct_probe.py's; verdicts are words as in ct_verdicts.py, with "?" for a packet that is not tracked.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import ct  # noqa: E402
from ct_differences import ACTIONS  # noqa: E402
from ct_frames import UDP, Talk, ip, udp  # noqa: E402
from ct_probe import TELL, Probe  # noqa: E402

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")


def pipeline(before="ct(zone=1,table=1)", commit="ct(commit,zone=1)", more=""):
    """Both IP versions; what is new is committed from port 1."""
    text = more
    for f in ("ip", "ipv6"):
        text += f"priority=10,{f},actions={before}\ntable=1,priority=10,in_port=1,{f},ct_state=+trk+new,actions={TELL},{commit},output:3\n"
    return text + f"table=1,priority=1,actions={TELL},output:3\n"


class Part:
    """Each has addresses of its own."""
    n = 0

    def __init__(self, lab, probe, flows, six=False, **how):
        Part.n += 1
        self.lab, self.probe, self.base = lab, probe, flows
        a, b = (f"fd01::{Part.n:x}", f"fd02::{Part.n:x}") if six else (f"10.1.{Part.n >> 8}.{Part.n & 255}", f"10.2.{Part.n >> 8}.{Part.n & 255}")
        self.t = Talk(a, b, first=Part.n * 100, **how)
        if flows:
            probe.flows(flows)

    def words(self, *lines, ports=(1, 2)):
        return self.probe.talk(self.t, *lines, ports=ports)

    def came(self, line):
        onward, packet = self.t.packet(line)
        return self.probe.one(1 if onward else 2, packet)

    def all(self, line):
        onward, packet = self.t.packet(line)
        return self.probe.send(1 if onward else 2, packet)


def zones(lab, probe):
    v = lab.verdict
    two = "".join(f"priority=10,in_port={p},{f},actions=ct(zone={p},table=1)\ntable=1,priority=10,{f},ct_zone={p},ct_state=+new,actions={TELL},"
                  f"ct(commit,zone={p}),output:3\n" for p in (1, 2) for f in ("ip", "ipv6")) + f"table=1,priority=1,actions={TELL},output:3\n"
    p = Part(lab, probe, two)
    v("zones: the same addresses and ports in two zones are two connections", p.words("> UDP +4", "< UDP +4", "> UDP +4"), "n n n")
    v("zones: and answered in its own zone", p.words("> UDP +4", "< UDP +4", ports=(1, 1)), "n eR")
    p = Part(lab, probe, pipeline("load:9->NXM_NX_REG0[0..15],ct(zone=NXM_NX_REG0[0..15],table=1)"))
    v("a zone from a register", p.came("> UDP +4").zone, 9)
    p = Part(lab, probe, pipeline("ct(table=1)", "ct(commit)"))
    v("without a zone: zone 0", [p.came("> UDP").zone, p.words("< UDP")], [0, "eR"])
    p = Part(lab, probe, pipeline("ct(zone=65535,table=1)", "ct(commit,zone=65535)"))
    v("the last zone", [p.came("> UDP").zone, p.words("< UDP")], [65535, "eR"])


def kept(lab, probe):
    v = lab.verdict
    p = Part(lab, probe, pipeline(commit="ct(zone=1)"))
    v("without commit nothing is kept", p.words("> UDP", "< UDP", "> UDP"), "n n n")
    p = Part(lab, probe, pipeline("ct(zone=1,table=1)", "ct(commit,zone=1,table=2)", f"table=2,priority=1,actions={TELL},output:4\n"))
    v("commit with a table: the packet is new there, too", [f"{c.port} {c.word()}" for c in p.all("> UDP")])
    p = Part(lab, probe, pipeline("ct(zone=1,table=1),output:4"))
    v("a fork: the packet goes on by itself as well, and is not tracked", sorted(f"{c.port}" for c in p.all("> UDP")), ["3", "4"])
    p = Part(lab, probe, "priority=10,ct_state=-trk,ip,actions=ct(zone=1,table=1)\ntable=1,priority=10,ct_state=+trk,actions=ct_clear,resubmit(,2)\n"
             f"table=2,priority=10,ct_state=-trk,actions={TELL},output:3\ntable=2,priority=1,actions=output:4\n")
    c = p.came("> UDP")
    v("ct_clear: the packet is not tracked any more", [c.port, c.word(), c.zone], [3, ".?", 0])
    p = Part(lab, probe, pipeline("ct(commit,zone=1,table=1)", "ct(commit,zone=1)"))
    v("commit at once, without a ct() before", p.words("> UDP", "< UDP", "> UDP"))
    p = Part(lab, probe, "priority=10,ip,actions=ct(commit,zone=1),output:3\n")
    v("commit of what is invalid: the packet goes on", [len(p.all("< SA 5000 1001")), len(p.all("> - 1000"))])
    v("... and there is no connection", len([x for x in lab.connections() if p.t.a in x]), 0)
    loop = "priority=10,ip,actions=ct(zone=1,table=0)\n"
    p = Part(lab, probe, loop)
    v("ct() that comes back for ever: the packet is dropped", p.words("> UDP"), "-")
    p = Part(lab, probe, "priority=10,ip,actions=set_field:0xffffffff->reg0,set_field:0xffffffff->reg1,ct(zone=1,table=1)\n"
             "table=1,priority=10,ip,actions=move:NXM_NX_CT_STATE[]->NXM_NX_REG0[],push:NXM_NX_CT_STATE[],pop:NXM_NX_REG1[],resubmit(,2)\n"
             f"table=2,priority=10,ip,reg0=0x21,reg1=0x21,actions={TELL},output:3\ntable=2,priority=1,actions=output:4\n")
    c = p.came("> UDP")
    v("ct_state has 32 bits where it is read", [c.port, c.word()], [3, "n"])
    deep = "".join(f"table={t},priority=10,ip,actions=ct(zone={t + 1},table={t + 1})\n" for t in range(5))
    p = Part(lab, probe, deep + f"table=5,priority=1,actions={TELL},output:3\n")
    v("five zones one behind the other", p.words("> UDP"), "n")


def directions(lab, probe):
    v = lab.verdict
    both = "".join(f"priority=10,ip,actions=ct(zone=1,table=1)\ntable=1,priority=10,in_port=2,udp,actions={TELL},ct({x},zone=1),output:3\n"
                   f"table=1,priority=5,ip,ct_state=+new,actions={TELL},ct(commit,zone=1),output:3\ntable=1,priority=1,actions={TELL},output:3\n"
                   for x in ("MODE",))
    p = Part(lab, probe, both.replace("MODE", "commit"))
    v("committed again by the answer: the direction stays", p.words("> UDP", "< UDP", "< UDP", "> UDP"), "n eR eR e")
    p = Part(lab, probe, both.replace("MODE", "commit,force"))
    v("committed with force by the answer: it is a new connection, of the other direction", p.words("> UDP", "< UDP", "< UDP", "> UDP"))


def memory(lab, probe):
    v = lab.verdict
    for six in (False, True):
        name = "IPv6: " if six else ""
        f = "ipv6" if six else "ip"
        p = Part(lab, probe, pipeline(commit="ct(commit,zone=1,exec(set_field:0x12345678->ct_mark,set_field:0xa1b2c3d4e5f60718->ct_label))"), six)
        p.words("> UDP")
        c = p.came("< UDP")
        v(f"{name}mark and label, set when it was committed", [hex(c.mark), hex(c.label)], ["0x12345678", "0x718"])
        p = Part(lab, probe, pipeline(commit="load:0x77->NXM_NX_REG2[],ct(commit,zone=1,exec(move:NXM_NX_REG2[]->NXM_NX_CT_MARK[],load:0x99->NXM_NX_CT_LABEL[0..15]))"), six)
        p.words("> UDP")
        c = p.came("< UDP")
        v(f"{name}mark moved from a register, part of a label loaded", [hex(c.mark), hex(c.label)], ["0x77", "0x99"])
        p = Part(lab, probe, pipeline(commit="ct(commit,zone=1,exec(set_field:0xff00->ct_mark))", more=(
            f"table=1,priority=20,in_port=2,{f},ct_state=+est,actions={TELL},ct(commit,zone=1,exec(set_field:0x5/0xf->ct_mark)),output:3\n")), six)
        p.words("> UDP", "< UDP")
        v(f"{name}some bits of the mark, later", hex(p.came("> UDP").mark), "0xff05")
        src, dst = ("ct_ipv6_src", "ct_ipv6_dst") if six else ("ct_nw_src", "ct_nw_dst")
        p = Part(lab, probe, None, six)
        match = f"{f},ct_state=+trk+est+rpl,{src}={p.t.a},{dst}={p.t.b},ct_nw_proto=17,ct_tp_src={p.t.sport},ct_tp_dst={p.t.dport}"
        probe.flows(pipeline(commit="ct(commit,zone=1,exec(set_field:5->ct_mark,set_field:0x30->ct_label))", more=(
            f"table=1,priority=30,{match},actions=output:4\n"
            f"table=1,priority=25,in_port=1,ct_state=+est,ct_mark=0x5/0xf,ct_label=0x30/0xf0,{f},actions=output:4\n")))
        p.words("> UDP")
        c = p.came("< UDP")
        v(f"{name}the answer matches the connection's addresses, ports and protocol as they were onward", c and c.port, 4)
        c = p.came("> UDP")
        v(f"{name}match of some bits of mark and label", c and c.port, 4)


def related(lab, probe):
    p = Part(lab, probe, pipeline(commit="ct(commit,zone=1,exec(set_field:0x42->ct_mark))"))
    p.words("> UDP +8")
    c = p.came("< ERROR 3 3")
    lab.verdict("a related error has the mark of its connection", [c.word(), hex(c.mark)])


def limits(lab, probe):
    v = lab.verdict
    p = Part(lab, probe, pipeline("ct(zone=33,table=1)", "ct(commit,zone=33)"))
    lab.dpctl("ct-set-limits", "zone=33,limit=5")
    talks = [Talk("10.3.0.1", "10.4.0.1", sport=2000 + i, first=40000 + i * 4) for i in range(7)]
    v("limit 5: the first packets of seven", [probe.talk(t, "> UDP") for t in talks])
    v("... answers: five are known", [probe.talk(t, "< UDP") for t in talks], ["eR"] * 5 + ["n"] * 2)
    v("... which goes on", probe.talk(talks[0], "> UDP", "< UDP"), "e eR")
    v("... said by ct-get-limits", "zone=33,limit=5,count=5" in lab.dpctl("ct-get-limits", "zone=33").replace(" ", ""), True)
    lab.dpctl("flush-conntrack", "zone=33")
    v("after the zone is flushed there is room again", probe.talk(talks[6], "> UDP", "< UDP"), "n eR")
    lab.dpctl("ct-del-limits", "zone=33")
    v("without limit: all", [probe.talk(t, "> UDP", "< UDP") for t in talks[:6]], ["n eR"] * 6)


FRAGS = dict(good="in_order out_of_order tags extension_headers duplicate", bad="overlap teardrop other_bytes two_ends ping_of_death malformed missing")


def fragments(lab, probe):
    """lib/frags.py sends fragments to x1 and judges what comes of them to x3."""
    probe.flows("".join(f"priority=10,in_port=1,{f},actions=ct(zone=5,table=1)\n"
                        f"table=1,priority=10,{u},tp_dst=4000,ct_state=+trk-inv,actions=ct(commit,zone=5),output:3,output:4\n"
                        f"table=1,priority=5,{f},ct_state=+trk-inv,actions=ct(commit,zone=5),output:3\n" for f, u in (("ip", "udp"), ("ipv6", "udp6"))))
    whole = ip("10.7.0.1", "10.7.0.2", UDP, udp("10.7.0.1", "10.7.0.2", 7, 4000, bytes(3000)), 999)
    cut = [ip("10.7.0.1", "10.7.0.2", UDP, whole[20 + at:20 + at + 1000], 999, frag=at // 8 | (0x2000 if at < 2008 else 0)) for at in range(0, 3008, 1000)]
    by_port = sum(len(c.ip.body) for c in probe.send(1, cut) if c.port == 4)
    lab.verdict("fragments behind ct() have the ports of their datagram", by_port == 3008, True)
    names = " ".join(FRAGS.values()).split()
    p = lab.inside("t", "/usr/bin/python3", f"{LIB}/frags.py", "x1", "x3", *names, timeout=40)
    said = dict(line.split(" ", 1) for line in p.stdout.splitlines() if " " in line)
    for n in names:
        lab.check(f"fragments through ct(): {n}", said.get(n, "").startswith("ok"), said.get(n, p.stderr[-300:]))


def test(lab):
    probe = Probe(lab)
    for part in (zones, kept, directions, memory, related, limits, fragments):
        part(lab, probe)


if __name__ == "__main__":
    ct.main(test, ACTIONS)
