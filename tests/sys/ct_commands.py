#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX Commands of connection tracking, against ovs-appctl
"""weft-ofctl's commands of connection tracking say and do what those of ovs-appctl dpctl/ do, after the same traffic.

The ports are lib/ct_probe.py's.  Compared are whole lines; of times only that they are there.
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import ct  # noqa: E402
import ct_cases  # noqa: E402
from ct_differences import COMMANDS  # noqa: E402
from ct_frames import Talk, csum  # noqa: E402
from ct_probe import TELL, Probe  # noqa: E402

FLOWS = "".join(f"""
priority=10,{f},nw_tos=0,actions=ct(zone=1,nat,table=1)
priority=10,{f},nw_tos=32,actions=ct(zone=2,nat,table=2)
table=1,priority=10,in_port=1,{f},ct_state=+trk+new-inv,actions={TELL},ct(commit,zone=1,exec(set_field:0x5->ct_mark)),output:3
table=1,priority=1,{f},actions={TELL},output:3
table=2,priority=10,in_port=1,{f},ct_state=+trk+new-inv,actions={TELL},ct(commit,zone=2,nat(src={a}),exec(set_field:0x1234567890->ct_label)),output:3
table=2,priority=1,{f},actions={TELL},output:3
""" for f, a in (("ip", "192.0.2.10"), ("ipv6", "fd02::10")))
OPEN = ct_cases.OPEN
STATES = {
    "SYN_SENT": OPEN[:1], "SYN_RECV": OPEN[:2], "open": OPEN, "FIN_WAIT_1": OPEN + ["> FA 1001 5001"],
    "FIN of b's": OPEN + ["< FA 5001 1001"], "FIN_WAIT_2": OPEN + ["> FA 1001 5001", "< A 5001 1002"],
    "closed": OPEN + ["> FA 1001 5001", "< FA 5001 1002", "> A 1002 5002"], "reset": OPEN + ["< RA 5001 1001"],
    "picked up": ["> A 1001 5001"],
}


def lines(lab, *words):
    return sorted(re.sub(r"timeout=\d+", "timeout=T", re.sub(r"id=\d{4,}", "id=I", x)) for x in lab.connections(*words))


def alone(lab, address, *words):
    return " | ".join(x for x in lines(lab, *words) if f"={address}," in x)


def tos(packet):
    """The same in the other zone."""

    if packet[0] >> 4 == 6:
        return bytes([0x62]) + packet[1:]
    h = packet[:1] + b"\x20" + packet[2:10] + b"\0\0" + packet[12:20]
    return h[:10] + csum(h).to_bytes(2, "big") + h[12:] + packet[20:]


def dumps(lab, probe):
    say = lab.verdict
    for i, (name, some) in enumerate(STATES.items()):
        a = f"10.1.0.{i + 1}"
        probe.talk(Talk(a, "10.2.0.1"), *some)
        say(f"dump-conntrack: TCP, {name}", alone(lab, a))
    for i, (name, some) in enumerate((("once", ["> UDP"]), ("twice", ["> UDP", "> UDP"]), ("answered", ["> UDP", "< UDP"]))):
        probe.talk(Talk(f"10.1.1.{i + 1}", "10.2.0.1"), *some)
        say(f"dump-conntrack: UDP, {name}", alone(lab, f"10.1.1.{i + 1}"))
        probe.talk(Talk(f"fd01::{i + 1}", "fd02::1"), *some)
        say(f"dump-conntrack: UDP over IPv6, {name}", alone(lab, f"fd01::{i + 1}"))
    for i, some in enumerate((["> ECHO 77 1"], ["> ECHO 78 1", "< REPLY 78 1"])):
        probe.talk(Talk(f"10.1.2.{i + 1}", "10.2.0.1"), *some)
        say(f"dump-conntrack: echo {' '.join(some)}", alone(lab, f"10.1.2.{i + 1}"))
        probe.talk(Talk(f"fd01::2:{i + 1}", "fd02::1"), *some)
        say(f"dump-conntrack: ICMPv6 echo {' '.join(some)}", alone(lab, f"fd01::2:{i + 1}"))
    probe.talk(Talk("10.1.3.1", "10.2.0.1"), "> PROTO 47")
    say("dump-conntrack: GRE", alone(lab, "10.1.3.1"))
    for a, b in (("10.1.4.1", "10.2.0.1"), ("fd01::4:1", "fd02::1")):
        t = Talk(a, b)
        say(f"a packet for another zone: {a}", probe.word(1, tos(t.packet("> UDP")[1])))
        say(f"dump-conntrack: translated, with a label, in another zone: {a}", alone(lab, a))
        say(f"dump-conntrack -s: {a}", alone(lab, a, "-s"))
        say(f"dump-conntrack -m: {a}", alone(lab, a, "-m"))
    say("dump-conntrack zone=2", " | ".join(lines(lab, "zone=2")))
    say("dump-conntrack zone=99: nothing", lines(lab, "zone=99"), [])


def counts(lab):
    say = lab.verdict
    for words in ((), ("zone=2",)):
        text = lab.dpctl("ct-stats", *words)
        say(" ".join(("ct-stats", *words)), sorted(x.strip() for x in text.splitlines() if re.match(r"\s*(Connections Stats|Total|TCP|UDP|ICMP):", x)))


def flushes(lab, probe):
    say = lab.verdict
    n = lambda *w: len(lab.connections(*w))  # noqa: E731
    before = n()
    try:
        lab.dpctl("flush-conntrack", "ct_nw_src=10.1.1.1,ct_nw_dst=10.2.0.1,ct_nw_proto=17,ct_tp_src=1025,ct_tp_dst=80")
        what = "done"
    except RuntimeError:
        what = "an error"
    say("flush-conntrack TUPLE, without a zone: zone 0's, and there is none", [what, before - n()])
    lab.dpctl("flush-conntrack", "zone=1", "ct_nw_src=10.1.1.1,ct_nw_dst=10.2.0.1,ct_nw_proto=17,ct_tp_src=1025,ct_tp_dst=80")
    say("flush-conntrack zone=1 TUPLE: that connection", [before - n(), alone(lab, "10.1.1.1")], [1, ""])
    lab.dpctl("flush-conntrack", "zone=1", "ct_ipv6_src=fd01::1,ct_ipv6_dst=fd02::1,ct_nw_proto=17,ct_tp_src=1025,ct_tp_dst=80")
    say("flush-conntrack zone=1 TUPLE of IPv6", [before - n(), alone(lab, "fd01::1")], [2, ""])
    lab.dpctl("flush-conntrack", "zone=1", "ct_nw_src=10.1.2.1,ct_nw_dst=10.2.0.1,ct_nw_proto=1,icmp_id=77,icmp_type=8,icmp_code=0")
    say("flush-conntrack zone=1 TUPLE of a query", before - n(), 3)
    say("what was flushed is new again", probe.talk(Talk("10.1.1.1", "10.2.0.1"), "> UDP", "< UDP"), "n eR")
    in_two = n("zone=2")
    rest = n() - in_two
    lab.dpctl("flush-conntrack", "zone=2")
    say("flush-conntrack zone=2: the other zone's stay", [in_two > 0, n("zone=2"), n() == rest], [True, 0, True])
    lab.dpctl("flush-conntrack")
    say("flush-conntrack: nothing is left", n(), 0)
    say("... an established connection's packets are picked up again", probe.talk(Talk("10.1.0.3", "10.2.0.1"), "> PA 1001 5001 +10", "< A 5001 1011"))


def settings(lab):
    say = lab.verdict
    lab.dpctl("ct-set-limits", "default=100", "zone=3,limit=7")
    say("ct-get-limits", lab.dpctl("ct-get-limits").split())
    say("ct-get-limits zone=3", lab.dpctl("ct-get-limits", "zone=3").split())
    lab.dpctl("ct-del-limits", "zone=3")
    say("ct-get-limits, after ct-del-limits", lab.dpctl("ct-get-limits", "zone=3").split())


def silence(lab, probe):
    """Zone 2 has a timeout policy of its own; the other one goes by the defaults."""
    say = lab.verdict
    names = ("udp_first=1", "udp_single=1", "tcp_syn_sent=1")
    if lab.kind == "weft":
        lab.dpctl("ct-set-timeouts", "zone=2", *names)
    else:
        lab.vsctl("--", "--id=@d", "create", "Datapath", "datapath_version=0", "--", "set", "Open_vSwitch", ".", "datapaths:netdev=@d")
        lab.vsctl("add-zone-tp", "netdev", "zone=2", *names)
    short, long_ = Talk("10.1.5.1", "10.2.0.1"), Talk("10.1.5.2", "10.2.0.1")
    syn = Talk("10.1.5.3", "10.2.0.1")
    words = [probe.word(1, tos(short.packet("> UDP")[1])), probe.word(1, long_.packet("> UDP")[1]), probe.word(1, tos(syn.packet("> S 1000")[1]))]
    say("timeouts of a zone: the first packets", words, ["n"] * 3)
    time.sleep(2)
    # Open vSwitch sweeps 5 seconds after it did so last, or later.
    lab.until(lambda: not any(t.a in x for x in lab.connections("zone=2") for t in (short, syn)), 30)
    back = Talk("192.0.2.10", "10.2.0.1")
    say("... after a second of silence: UDP is forgotten", probe.word(2, tos(back.packet("< UDP")[1])), "n")
    say("... a SYN, too", probe.word(2, tos(back.packet("< SA 5000 1001")[1])), "i")
    say("... of the other zone, not", probe.word(2, long_.packet("< UDP")[1]), "eR")


def test(lab):
    probe = Probe(lab, FLOWS)
    say = lab.verdict
    say("dump-conntrack of nothing", lab.connections(), [])
    dumps(lab, probe)
    counts(lab)
    flushes(lab, probe)
    settings(lab)
    silence(lab, probe)


if __name__ == "__main__":
    ct.main(test, COMMANDS)
