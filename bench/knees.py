# SPDX-License-Identifier: Apache-2.0
"""Where a curve bends, and why: a sentence made of what `weftctl switch perf` said at both points.

A knee is a step to the next point in which a packet costs KNEE times as many cycles or more, and AT_LEAST more.  What grew are the
stages' cycles (as parts of the thread's own time), what changed are the share of cache hits and the templates of the tables.
"""
import re
import statistics

from bench import table

KNEE, AT_LEAST = 1.35, 25


def middle(found, figure):
    return next((statistics.median(v) for (name, _), v in found.items() if name == figure), None)


def stages(found):
    """Cycles, scaled to what the thread had: stages are by the clock."""
    some = {name.removeprefix("stage "): statistics.median(v) for (name, _), v in found.items() if name.startswith("stage ")}
    whole = sum(some.values()) / (middle(found, table.CYCLES) or 1)
    return {name: c / whole for name, c in some.items()} if whole else {}


def templates(found):
    """Template to the number of tables that it serves."""
    names = [m[1] for (name, _) in found if (m := re.match(r"table \d+ \((\w+)\)", name))]
    return {n: names.count(n) for n in dict.fromkeys(names)}


def cache(found):
    """What the flow cache said of itself last."""
    return ([name.removeprefix("cache ") for (name, _) in found if name.startswith("cache ")] or [""])[-1]


def served(t):
    return ", ".join(f"{name}{f' in {n} tables' if n > 1 else ''}" for name, n in t.items()) or "none asked"


def why(a, b):
    before, after = stages(a), stages(b)
    more = sorted(((c - before.get(s, 0), s) for s, c in after.items()), reverse=True)[:2]
    parts = [" and ".join(f"`{s}` takes {table.number(c)} more" for c, s in more if c >= 3)]
    hits = middle(a, "cache_hits"), middle(b, "cache_hits")
    if None not in hits and abs(hits[0] - hits[1]) >= 1:
        parts.append(f"the flow cache has {hits[0]:.0f} % of packets, then {hits[1]:.0f} %")
    if templates(a) and templates(b) and templates(a) != templates(b):
        parts.append(f"classifiers: {served(templates(a))}; then {served(templates(b))}")
    if cache(a) != cache(b):
        parts.append(f"the flow cache was \"{cache(a)}\", then \"{cache(b)}\"")
    return "; ".join(p for p in parts if p) or "what grew there was not measured"


def curves(groups):
    """Name and subject to points: [(x, cycles, figures)], in order."""
    found = {}
    for (what, case, subject), figures in groups.items():
        name, _, x = case.rpartition("=")
        cycles = middle(figures, table.CYCLES) if what == "curves" else None
        if cycles:
            found.setdefault((name, subject), []).append((float(x), cycles, figures))
    return {k: sorted(v, key=lambda p: p[0]) for k, v in found.items()}


def cost(name, point):
    """That a knee is in: the source copies each byte of a frame, which is not the switch's."""
    return point[1] - (stages(point[2]).get("receive", 0) if name == "frame size" else 0)


def knees(name, points):
    """Pairs of points."""
    pairs = ((cost(name, a), cost(name, b), a, b) for a, b in zip(points, points[1:]))
    return [(a, b) for before, after, a, b in pairs if after >= KNEE * before and after - before >= AT_LEAST and b[1] > a[1]]


def lines(groups):
    for (name, subject), points in curves(groups).items():
        if not subject.startswith("weft") or len(points) < 2:
            continue
        known = [f"{a[0]:,.0f} to {b[0]:,.0f}: {table.number(a[1])} to {table.number(b[1])} cycles; {why(a[2], b[2])}" for a, b in knees(name, points)]
        whole = f"{points[0][0]:,.0f} to {points[-1][0]:,.0f}: {table.number(points[0][1])} to {table.number(points[-1][1])} cycles"
        grows = ", of which `receive` (the source copies each byte) grew most" if name == "frame size" else ""
        yield f"- **{name}, {subject}**, {whole}{grows}" + ("; no knee." if not known else "; it bends at\n" + "\n".join(f"  - {k}." for k in known))
