# SPDX-License-Identifier: Apache-2.0
"""How the cost of a packet grows with flows, rules, tables, masks, frame size and ports (traffic_curves.py): Weft, with its
flow cache and without, and Open vSwitch at some points (its cache of signatures on: its best mode in most of them), once.  A curve
without a knee is the result; where there is one, knees.py says what grew there.  CURVES="flows masks" takes these alone; a short
run takes every second point, and Open vSwitch not.  Each point has a bound in time: what takes longer is not measured, and said.
Three runs at most, and one of a million rules, which take a minute until they are there and trees of them have been tried.

Ports: DPDK as Debian builds it has room for 32 devices, so "ports" ends there.  A switch may have 1,024, and those that are no
devices go on to 256: "tunnel ports", out by VXLAN ports."""
import os
import subprocess
from dataclasses import dataclass

from bench import ovs, progress, rig, traffic_curves

IMIX_MEAN = round(sum(traffic_curves.IMIX) / len(traffic_curves.IMIX))
BOUND, BOUND_MILLION = 60, 200  # seconds; a million rules have to be made and sent
# Where Open vSwitch is beside: not where it takes minutes to know the traffic.
PEERS = {"flows=1", "flows=1000", "flows=100000", "rules, acl=10", "rules, acl=100", "rules, acl=1000", "rules, fw=100", "rules, ipc=100",
         "tables=1", "tables=8", "tables=20", "masks=1", "masks=30", "masks=300", "masks=1000", "ports=2", "ports=8", "ports=32",
         "frame size=64", "frame size=512", "frame size=1514", "frame size=9000", f"imix={IMIX_MEAN}"}


@dataclass(frozen=True)
class Point:
    case: str
    trace: str
    rules: str
    sinks: int = 1
    mtu: int = 0
    tunnels: int = 0

    def million(self):
        return self.rules.endswith("-1000000")

    def bound(self):
        return BOUND_MILLION if self.million() else BOUND

    def how(self):
        """A million rules one by one: a bundle of them is one long turn of the switch."""
        return ["--no-names"] if self.million() else []


def points():
    c = traffic_curves
    yield from (Point(f"flows={n}", f"flows-{n}", "l2") for n in c.FLOWS)
    for kind, some in c.LISTS.items():
        yield from (Point(f"rules, {kind}={n}", f"rules-{kind}-{n}", f"rules-{kind}-{n}") for n in some)
    yield from (Point(f"tables={n}", "tables", f"tables-{n}") for n in c.TABLES)
    yield from (Point(f"masks={n}", f"masks-{n}", f"masks-{n}") for n in c.MASKS)
    yield from (Point(f"frame size={n}", f"size-{n}", "l2", mtu=9000 if n > c.JUMBO else 0) for n in c.SIZES)
    yield Point(f"imix={IMIX_MEAN}", "imix", "l2")
    yield from (Point(f"ports={n}", f"ports-{n}", f"ports-{n}", n - 1) for n in c.PORTS)
    yield from (Point(f"tunnel ports={n}", f"tunnels-{n}", f"tunnels-{n}", tunnels=n) for n in c.TUNNELS)


def weft(p, subject, run, *options):
    with rig.Weft(*options, trace=p.trace, sinks=p.sinks, mtu=p.mtu, tunnels=p.tunnels, way="encap" if p.tunnels else "") as sw:
        took, settled = sw.rules(p.rules, *p.how()), sw.settle()
        rig.time.sleep(rig.WARM)
        figures = sw.window(rig.SECONDS, p.sinks)
        if not figures["rate__Mpps"]:
            raise RuntimeError(f"nothing came out: {sw.drops()}")
        rig.row("curves", p.case, subject, run, load__s=took, settled__s=settled, **figures, **sw.stages(rig.SECONDS / 2))


def peer(p, subject, run):
    with ovs.Ovs(trace=p.trace, sinks=p.sinks, mtu=p.mtu) as sw:
        sw.rules(p.rules)
        sw.mode(subject)
        sw.warm(15)
        figures = sw.window(rig.SECONDS)
        if not figures["rate__Mpps"]:
            raise RuntimeError("nothing came out of Open vSwitch")
        rig.row("curves", p.case, subject, run, **figures)


def chosen(run=1):
    names = os.environ.get("CURVES", "").replace("+", " ").split()
    some = [p for p in points() if not names or p.case.startswith(tuple(names))]
    return some[::2] if rig.SHORT else [p for p in some if run == 1 or not p.million()]


def steps(runs):
    return [p.case for run in range(1, min(runs, 3) + 1) for p in chosen(run)]


def files(runs):
    return [(p.trace, "pcap") for p in chosen()] + [(p.rules, "flows") for p in chosen()]


def attempt(what, p, subject, run, *options):
    if rig.done("curves", p.case, subject, run):
        return 0
    try:
        with rig.within(p.bound(), p.case):
            what(p, subject, run, *options)
    except (RuntimeError, OSError, subprocess.SubprocessError) as e:
        rig.say(f"{p.case}, {subject}: {e}")
        return 1
    return 0


def measure(runs):
    """The number of points that could not be measured."""
    failed, runs = 0, min(runs, 3)
    for run in range(1, runs + 1):
        for p in chosen(run):
            progress.begin("curves", p.case, f"run {run} of {runs}")
            failed += attempt(weft, p, "weft", run)
            if p.case in PEERS and run == 1 and not rig.SHORT and ovs.program() and rig.have_hugepages(900):
                failed += attempt(peer, p, "ovs-smc", run)
            failed += attempt(weft, p, "weft-nocache", run, "--cache-entries", "0")
    return failed
