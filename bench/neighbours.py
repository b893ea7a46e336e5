# SPDX-License-Identifier: Apache-2.0
"""What a port that gets bad traffic takes from another one, and whether buffers are lost.

        net_pcap (port 1: an ordinary trace) ---> 1 [                ] 2 ---> net_null
        net_pcap (port 3: a bad one)         ---> 3 [ the switch     ] 2

Both ports are full all the time and one packet thread serves them in turn, so that each burst of the bad one is time that the
ordinary one waits.  "kept" is what the ordinary port gets through beside the bad trace, of what it gets beside an ordinary trace
of as many frames through the same rules: at least 80 % is asked.  Both runs are one after the other, and calm goes first and last
in turn.  The bad trace's own frames are no longer or shorter than those of the calm one, or there is no comparing.

"lost" is rx + created - tx - consumed - dropped, and "held" the packet buffers that are still in use, after the sources are gone:
neither may be other than 0, or the run fails (rig.Weft.drained()).
"""
import subprocess

from bench import progress, rig

# Case, bad trace, calm one, rules.
CASES = (
    ("tuple-space explosion", "tse", "tse-calm", "tse"),
    ("one-packet flows, ACL 1,000 rules", "acl1k-new", "acl1k-10k", "acl1k"),
    ("one-packet flows, L2", "l2-new", "l2", "l2"),
    ("garbage and truncated frames", "garbage", "port", "beside"),
    ("fragments", "fragments", "port", "beside"),
    ("4,000 VLANs", "vlans", "vlan", "vlans-beside"),
    ("hash collisions", "collide", "collide-calm", "collide"),
)


def one(case, bad, calm, rules, run):
    kept = {}
    order = ("calm", "bad") if run % 2 else ("bad", "calm")
    for which in order:
        beside = bad if which == "bad" else calm
        source = f"net_pcap2,rx_pcap={rig.trace(beside)},infinite_rx=1"
        buffers = rig.mbufs(calm) + rig.traffic.count_in(rig.trace(beside))
        with rig.Weft("--mbufs", str(buffers), "--port", f"bad@3=vdev:{source}", trace=calm) as sw:
            sw.rules(rules)
            rig.time.sleep(rig.WARM)
            a, c0, t0 = sw.of.port_packets(1)[0], sw.packet_ns(), rig.time.monotonic()
            rig.time.sleep(rig.SECONDS)
            b, c1 = sw.of.port_packets(1)[0], sw.packet_ns()
            kept[which] = rig.shared((b - a) / (rig.time.monotonic() - t0), rig.time.monotonic() - t0, c1 - c0)
            rig.row("neighbours", case, f"weft-{which}", run, **kept[which], **sw.stages(rig.SECONDS / 2), **sw.drained())
    rig.row("neighbours", case, "weft", run, kept__percent=100 * kept["bad"]["whole_core__Mpps"] / max(1e-9, kept["calm"]["whole_core__Mpps"]))


def steps(runs):
    return [case[0] for _ in range(runs) for case in CASES]


def files(runs):
    return [(trace, "pcap") for case in CASES for trace in case[1:3]]


def measure(runs):
    failed = 0
    for run in range(1, runs + 1):
        for case in CASES:
            progress.begin("neighbours", case[0], f"run {run} of {runs}")
            if rig.done("neighbours", case[0], "weft", run):
                continue
            try:
                one(*case, run)
            except (RuntimeError, OSError, subprocess.SubprocessError) as e:
                failed += 1
                rig.say(f"{case[0]}: {e}")
    return failed
