# SPDX-License-Identifier: Apache-2.0
"""Packets per second and cycles per packet, for each row of scenario.py.

The switches take turns (A B A B ...), each started anew: what the neighbours of this machine do changes by the
minute, and falls on all of them alike.  "weft" is as it comes and "weft-nocache" without its flow cache; "ovs", "ovs-noemc" and
"ovs-smc" are Open vSwitch with each of its caches; "testpmd-io" and "testpmd-mac" are DPDK alone on the same trace, "source" is
what the source costs by itself, "rte_acl" the lookups alone.  A case that cannot be measured says so and is left out.
"""
import subprocess

from bench import limit, ovs, rig, scenario

WHAT = "forwarding"


def weft(s, subject, run, *options, **how):
    with rig.Weft(*options, trace=s.trace, way=s.way, **how) as sw:
        sw.rules(s.flows)
        rig.time.sleep(rig.WARM)
        figures = sw.window(rig.SECONDS)
        if not figures["rate__Mpps"]:
            raise RuntimeError(f"nothing came out: {sw.drops()}")
        figures.update(sw.stages(rig.SECONDS / 2))
        rig.row(WHAT, s.name, subject, run, **figures, **sw.drained())


def peer(s, run):
    with ovs.Ovs(trace=s.trace, way=s.way) as sw:
        sw.rules(s.flows)
        sw.warm(s.seconds_to_warm if not rig.SHORT else min(5, s.seconds_to_warm))
        for mode in ovs.MODES:
            sw.mode(mode)
            rig.time.sleep(.2)
            sw.warm(3)
            rig.row(WHAT, s.name, mode, run, **sw.window(rig.SECONDS))


def alone(s, run):
    for mode in ("mac",) if rig.SHORT else ("io", "mac"):
        rig.row(WHAT, s.name, f"testpmd-{mode}", run, **limit.testpmd(s.trace, mode, rig.SECONDS))
    rx, free = limit.source(s.trace)
    rig.row(WHAT, s.name, "source", run, source__cycles_packet=rx, free__cycles_packet=free)
    if s.n_rules:
        rig.row(WHAT, s.name, "rte_acl", run, **limit.rte_acl(s.n_rules, s.trace, rig.SECONDS))


def attempt(what, *arguments):
    try:
        what(*arguments)
    except (RuntimeError, OSError, subprocess.SubprocessError) as e:  # the others go on
        rig.say(f"{arguments[0].name}: {e}")
        return 1
    return 0


def one(s, run):
    failed = attempt(weft, s, "weft", run)
    if s.ovs and ovs.program() and rig.have_hugepages(900):
        failed += attempt(peer, s, run)
    failed += attempt(weft, s, "weft-nocache", run, "--cache-entries", "0")
    if rig.have("dpdk-testpmd"):
        failed += attempt(alone, s, run)
    return failed


def variants(run):
    """What else an operator may choose: no hugepages, a queue of the port."""
    s = scenario.BY_NAME["port"]

    def without():
        with rig.Weft(trace=s.trace, eal=["--no-huge"]) as sw:
            sw.rules(s.flows)
            rig.time.sleep(rig.WARM)
            rig.row("variants", s.name, "weft-4k", run, **sw.window(rig.SECONDS))

    def queue():
        with rig.Weft(trace=s.trace, out=";queue=0") as sw:
            sw.rules(s.flows)
            rig.time.sleep(rig.WARM)
            rig.row("variants", s.name, "weft-queue", run, **sw.window(rig.SECONDS))

    without()
    queue()


def measure(runs, some=scenario.ALL):
    """The number of cases that could not be measured."""
    failed = 0
    for run in range(1, runs + 1):
        for i, s in enumerate(some):
            rig.say(f"-- run {run} of {runs}, row {i + 1} of {len(some)}: {s.name}")
            failed += 0 if rig.done(WHAT, s.name, "weft-nocache", run) else one(s, run)
        if some is scenario.ALL and not rig.SHORT:
            variants(run)
    return failed
