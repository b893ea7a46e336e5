# SPDX-License-Identifier: Apache-2.0
"""How the cost of a packet grows with flows, rules, tables, masks, frame size and ports (traffic_curves.py): Weft, with its
flow cache and without.  A curve without a knee is the result; where there is one, the cache hits and `bench/run profile` say
whether it is a cache of ours, one of the processor's, or the classifier.  CURVES="flows masks" takes these alone; a short run
takes every second point."""
import os
import subprocess

from bench import rig, traffic_curves

IMIX_MEAN = round(sum(traffic_curves.IMIX) / len(traffic_curves.IMIX))


def points():
    """Case, trace, rules, ports that packets leave by."""
    c = traffic_curves
    yield from ((f"flows={n}", f"flows-{n}", "l2", 1) for n in c.FLOWS)
    for kind, some in c.LISTS.items():
        yield from ((f"rules, {kind}={n}", f"rules-{kind}-{n}", f"rules-{kind}-{n}", 1) for n in some)
    yield from ((f"tables={n}", "tables", f"tables-{n}", 1) for n in c.TABLES)
    yield from ((f"masks={n}", f"masks-{n}", f"masks-{n}", 1) for n in c.MASKS)
    yield from ((f"frame size={n}", f"size-{n}", "l2", 1) for n in c.SIZES)
    yield f"imix={IMIX_MEAN}", "imix", "l2", 1
    yield from ((f"ports={n}", f"ports-{n}", f"ports-{n}", n - 1) for n in c.PORTS)


def one(case, trace, rules, sinks, subject, run, *options):
    jumbo = trace.startswith("size-") and int(trace[5:]) > traffic_curves.JUMBO
    with rig.Weft(*options, trace=trace, sinks=sinks, mtu=9000 if jumbo else 0) as sw:
        took = sw.rules(rules)
        rig.time.sleep(rig.WARM)
        figures = sw.window(rig.SECONDS, sinks)
        if not figures["rate__Mpps"]:
            raise RuntimeError(f"nothing came out: {sw.drops()}")
        rig.row("curves", case, subject, run, load__s=took, **figures, **sw.stages(rig.SECONDS / 2))


def measure(runs):
    """The number of points that could not be measured."""
    failed = 0
    names = os.environ.get("CURVES", "").replace("+", " ").split()
    some = [p for p in points() if not names or p[0].startswith(tuple(names))]
    some = some[::2] if rig.SHORT else some
    for run in range(1, min(runs, 3) + 1):
        for i, point in enumerate(some):
            rig.say(f"-- run {run} of {min(runs, 3)}, point {i + 1} of {len(some)}: {point[0]}")
            for subject, options in (("weft", ()), ("weft-nocache", ("--cache-entries", "0"))):
                if rig.done("curves", point[0], subject, run):
                    continue
                try:
                    one(*point, subject, run, *options)
                except (RuntimeError, OSError, subprocess.SubprocessError) as e:
                    failed += 1
                    rig.say(f"{point[0]}: {e}")
    return failed
