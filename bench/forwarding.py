# SPDX-License-Identifier: Apache-2.0
"""Packets per second and cycles per packet, for each row of scenario.py.

The switches take turns (A B A B ...), each started anew: what the neighbours of this machine do changes by the
minute, and falls on all of them alike.  "weft" is as it comes and "weft-nocache" without its flow cache; "ovs", "ovs-noemc" and
"ovs-smc" are Open vSwitch with each of its caches (from the second run on the best one); "testpmd-io" and "testpmd-mac" are DPDK alone on the same trace, "source" is
what the source costs by itself, "rte_acl" the lookups alone.  A case that cannot be measured says so and is left out.  A short
run of all rows has Weft in each of them, and peers in some (scenario.SHORT_PEERS), Open vSwitch in one mode.

Weft, its source and whom a row's goal names are measured in every run; what stands beside for comparison alone, in the first ones:
its own figure without the cache and Open vSwitch in ASIDE of them, testpmd and rte_acl in one.
"""
import subprocess

from bench import limit, ovs, progress, rig, scenario, table

WHAT = "forwarding"
ASIDE = 3


def weft(s, subject, run, *options, **how):
    with rig.Weft(*options, trace=s.trace, way=s.way, **how) as sw:
        sw.rules(s.flows)
        sw.settle()
        rig.time.sleep(rig.WARM)
        figures = sw.window(rig.SECONDS)
        if not figures["rate__Mpps"]:
            raise RuntimeError(f"nothing came out: {sw.drops()}")
        figures.update(sw.stages(rig.SECONDS / 2))
        rig.row(WHAT, s.name, subject, run, **figures, **sw.drained())


def peer(s, subject, run, modes, patience):
    with ovs.Ovs(trace=s.trace, way=s.way) as sw:
        sw.rules(s.flows)
        sw.mode(modes[0])
        sw.warm(patience)
        for mode in modes:
            sw.mode(mode)
            rig.time.sleep(.2)
            sw.warm(3 if mode != modes[0] else 0)
            rig.row(WHAT, s.name, mode, run, **sw.window(rig.SECONDS))


def testpmd(s, subject, run):
    rig.row(WHAT, s.name, subject, run, **limit.testpmd(s.trace, subject.removeprefix("testpmd-"), rig.SECONDS))


def source(s, subject, run):
    rx, free = limit.source(s.trace)
    rig.row(WHAT, s.name, subject, run, source__cycles_packet=rx, free__cycles_packet=free)


def rte_acl(s, subject, run):
    rig.row(WHAT, s.name, subject, run, **limit.rte_acl(s.n_rules, s.trace, rig.SECONDS))


def attempt(what, s, subject, run, *arguments):
    """Unless it is in the file already.  The number of those that failed: the others go on."""
    if rig.done(WHAT, s.name, subject, run):
        return 0
    try:
        what(s, subject, run, *arguments)
    except (RuntimeError, OSError, subprocess.SubprocessError) as e:
        rig.say(f"{s.name}: {e}")
        return 1
    return 0


def modes_of(s, run):
    """All of Open vSwitch's in the first run, then the one that was best there."""
    known = {m: table.median(rig.so_far(), WHAT, s.name, m, table.RATE) for m in ovs.MODES} if run > 1 else {}
    return [max(known, key=known.get)] if known and None not in known.values() else [*ovs.MODES]


def asked(s, peer, run, otherwise):
    """Whether a peer is measured in that run: always if a goal names it."""
    return peer in dict(s.goals) or run <= otherwise


def one(s, run, brief):
    """All subjects of a row; 'brief': what a short run of all rows has time for."""
    beside = not brief or s.name in scenario.SHORT_PEERS
    modes, patience = (["ovs-smc"], 2) if brief else (modes_of(s, run), s.seconds_to_warm)
    failed = attempt(weft, s, "weft", run)
    if beside and s.ovs and asked(s, "ovs", run, ASIDE) and ovs.program() and rig.have_hugepages(900):
        failed += attempt(peer, s, modes[-1], run, modes, patience)
    if beside and run <= ASIDE:
        failed += attempt(weft, s, "weft-nocache", run, "--cache-entries", "0")
    if rig.have("dpdk-testpmd") and asked(s, "limit", run, 1) and (not brief or ("limit" in dict(s.goals) and beside)):
        for mode in ("mac",) if rig.SHORT or run > 1 else ("io", "mac"):
            failed += attempt(testpmd, s, f"testpmd-{mode}", run)
    failed += attempt(source, s, "source", run)
    if s.n_rules and asked(s, "rte_acl", run, 1):
        failed += attempt(rte_acl, s, "rte_acl", run)
    return failed


def variants(run):
    """What else an operator may choose: no hugepages, a queue of the port.  The number that failed."""
    s, failed = scenario.BY_NAME["port"], 0
    for subject, how in (("weft-4k", {"eal": ["--no-huge"]}), ("weft-queue", {"out": ";queue=0"})):
        try:
            with rig.Weft(trace=s.trace, **how) as sw:
                sw.rules(s.flows)
                rig.time.sleep(rig.WARM)
                rig.row("variants", s.name, subject, run, **sw.window(rig.SECONDS))
        except (RuntimeError, OSError, subprocess.SubprocessError) as e:
            failed += 1
            rig.say(f"{subject}: {e}")
    return failed


def steps(runs, some=scenario.ALL):
    return [s.name for _ in range(runs) for s in some]


def files(runs, some=scenario.ALL):
    """What is made beforehand: (name, kind)."""
    return [(s.trace, "pcap") for s in some] + [(s.flows, "flows") for s in some]


def measure(runs, some=scenario.ALL):
    """The number of cases that could not be measured."""
    failed, brief = 0, rig.SHORT and some is scenario.ALL
    for run in range(1, runs + 1):
        for s in some:
            progress.begin(WHAT, s.name, f"run {run} of {runs}")
            failed += one(s, run, brief)
        if some is scenario.ALL and not rig.SHORT:
            failed += variants(run)
    return failed
