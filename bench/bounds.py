# SPDX-License-Identifier: Apache-2.0
"""What bounds a row that is not met, in a sentence made of what was measured in the same run.

Forwarding: the cycles that it may have and has, and all of its stages.  Beside others (flow_mods, a bad port, another packet thread): the
stages that grew most between calm and not.  Flow_mods: the control thread's cycles for each by functions, its time, and how long the next
one takes to come.  Latency: the cycles of a burst by stages, and how long the packet thread waited for a core.  Memory: what a flow takes
at both sizes, one by one and in a bundle.
"""
from bench import table


def words(found):
    return " and ".join(f"`{name}` {table.number(c)}" for c, name in found)


def listed(found):
    """All that take half a cycle or more, the longest first."""
    return ", ".join(f"`{name}` {table.number(c)}" for c, name in sorted(found, reverse=True) if c >= .5)


def of_row(r):
    """None: all is met, or nothing is known."""
    missed = [(asked, text) for text, part, asked in r.goals if part is not None and part < 1 and asked]
    if not missed or not r.cycles:
        return None
    asked, text = min(missed)
    whole = sum(c for c, _ in r.stages) / r.cycles  # stages are by the clock, with the time in them that others had the core
    most = f": {listed([(c / whole, name) for c, name in r.stages])}" if r.stages else ""
    devices = f", of which the source alone takes {table.number(r.source)}" if r.source else ""
    return f"{text} would be {table.number(asked)} cycles a packet, it takes {table.number(r.cycles)}{devices}{most}"


def stages_of(groups, what, case, subject):
    found = groups.get((what, case, subject), {})
    return {name.removeprefix("stage "): table.statistics.median(v) for (name, _), v in found.items() if name.startswith("stage ")}


def all_stages(groups, what, case, subject="stages"):
    return listed([(c, name) for name, c in stages_of(groups, what, case, subject).items()])


def grown(groups, what, calm, other):
    """calm, other: (case, subject)."""
    before, after = stages_of(groups, what, *calm), stages_of(groups, what, *other)
    more = sorted(((after[s] - before.get(s, 0), s) for s in after), reverse=True)[:3]
    more = [(c, s) for c, s in more if c >= 1]
    if not more:
        return "no stage takes more cycles than without" if after else None
    return "cycles a packet more than without: " + words(more)


def of_latency(groups, case):
    case = case.partition(", 10 ms")[0]
    get = lambda figure, c=case: table.median(groups, "latency", c, "weft", figure)  # noqa: E731
    if get("waited") is None:
        return None
    stages = all_stages(groups, "latency", case)
    best = get("p99", case + ", 10 ms")
    return (f"the packet thread waited {get('waited'):.3g} % of the time for its core, which others had" +
            (f"; p99 of the median window of 10 ms is {table.number(best, ' µs')}" if best else "") +
            (f"; cycles of a packet in the switch: {stages}" if stages else "; it slept: what is left is waking up" if case == "after silence" else ""))


def of_memory(groups):
    found = [(table.median(groups, "flow_mods", case, "weft", "memory"), case) for case in ("plain", "bundle", "plain-1M", "bundle-1M")]
    return "resident memory that came with the flows: " + ", ".join(f"{case} {table.number(x)}" for x, case in found if x is not None) + " B each"


def of_flow_mods(groups, case):
    rate, control = (table.median(groups, "flow_mods", case, "weft", figure) for figure in ("rate", "control"))
    stages = all_stages(groups, "flow_mods", case)
    return control and (f"one comes {1e9 / rate:,.0f} ns behind the one before, of which the control thread has {control:,.0f}" +
                        (f"; its cycles for each: {stages}" if stages else ""))


def of_other(groups, what, case, unit):
    get = lambda figure, subject="weft", c=case: table.median(groups, what, c, subject, figure)  # noqa: E731
    if what == "pressure":
        return grown(groups, what, (f"{case}, quiet", "stages"), (f"{case}, changing", "stages"))
    if what == "neighbours":
        return grown(groups, what, (case, "weft-calm"), (case, "weft-bad"))
    if what == "threads":
        both, alone = get("on_core", "two"), get("on_core", "one")
        return f"{table.number(both)} cycles a packet instead of {table.number(alone)}; " + (grown(groups, what, (case, "one"), (case, "two")) or "stages unknown")
    if what == "flow_mods":
        return of_memory(groups) if unit == " B" else of_flow_mods(groups, case)
    if what == "latency":
        return of_latency(groups, case)
    if what == "idle":
        bare = get("cpu", "bare")
        return (f"without any ports it is {table.number(get('cpu', c='no ports'))} %" +
                (f"; a thread that does nothing but sleep as long takes {table.number(bare)} % on this machine" if bare else ""))
    if what == "ct" and get("cycles"):
        without = table.median(groups, what, "new without", "weft", "cycles")
        return f"{get('cycles'):,.0f} cycles for each" + (f", {without:,.0f} without ct()" if without else "") + (f"; {get('rss'):,.0f} B" if get("rss") else "")
    return None


def lines(groups):
    for r in table.rows(groups):
        text = of_row(r)
        if text:
            yield f"- **{r.s.title}**: {text}."
    for title, what, case, mine, unit, part in table.missed(groups):
        text = of_other(groups, what, case, unit) or "nothing more was measured of it"
        yield f"- **{title}**: {table.number(mine, unit)}, {100 * part:.0f} % of what is asked; {text}."
