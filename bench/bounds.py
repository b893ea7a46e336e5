# SPDX-License-Identifier: Apache-2.0
"""What bounds a row that is not met, in a sentence made of what was measured in the same run.

Forwarding: the cycles that it may have and has, and its two longest stages.  Beside others (flow_mods, a bad port): the two stages
that grew most between calm and not.  Flow_mods: the control thread's time for each.  Latency: how long the packet thread waited for a core.
"""
from bench import table


def words(found):
    return " and ".join(f"`{name}` {table.number(c)}" for c, name in found)


def of_row(r):
    """None: all is met, or nothing is known."""
    missed = [(asked, text) for text, part, asked in r.goals if part is not None and part < 1 and asked]
    if not missed or not r.cycles:
        return None
    asked, text = min(missed)
    whole = sum(c for c, _ in r.stages) / r.cycles  # stages are by the clock, with the time in them that others had the core
    most = f"; most are in {words([(c / whole, name) for c, name in r.stages[:2]])}" if r.stages else ""
    devices = f"; the source alone takes {table.number(r.source)}" if r.source else ""
    return f"{text} would be {table.number(asked)} cycles a packet, it takes {table.number(r.cycles)}{most}{devices}"


def stages_of(groups, what, case, subject):
    found = groups.get((what, case, subject), {})
    return {name.removeprefix("stage "): table.statistics.median(v) for (name, _), v in found.items() if name.startswith("stage ")}


def grown(groups, what, calm, other):
    """calm, other: (case, subject)."""
    before, after = stages_of(groups, what, *calm), stages_of(groups, what, *other)
    more = sorted(((after[s] - before.get(s, 0), s) for s in after), reverse=True)[:2]
    more = [(c, s) for c, s in more if c >= 1]
    if not more:
        return "no stage takes more cycles than without" if after else None
    return "cycles a packet more than without: " + words(more)


def of_other(groups, what, case):
    get = lambda figure, subject="weft", c=case: table.median(groups, what, c, subject, figure)  # noqa: E731
    if what == "pressure":
        return grown(groups, what, (f"{case}, quiet", "stages"), (f"{case}, changing", "stages"))
    if what == "neighbours":
        return grown(groups, what, (case, "weft-calm"), (case, "weft-bad"))
    if what == "flow_mods" and get("control"):
        return f"{get('control'):,.0f} ns of the control thread for each, which comes {1e9 / get('rate'):,.0f} ns behind the one before"
    case = case.partition(", 10 ms")[0]
    if what == "latency" and get("waited") is not None:
        best = get("p99", c=case + ", 10 ms")
        return (f"the packet thread waited {get('waited'):.3g} % of the time for its core, which others had" +
                (f"; p99 of the median window of 10 ms is {table.number(best, ' µs')}" if best else ""))
    if what == "idle":
        return f"of {table.number(get('cpu'))} %, ports take what is above {table.number(get('cpu', c='no ports'))} % without any"
    if what == "ct" and get("cycles"):
        without = table.median(groups, what, "new without", "weft", "cycles")
        return f"{get('cycles'):,.0f} cycles for each" + (f", {without:,.0f} without ct()" if without else "")
    return None


def lines(groups):
    for r in table.rows(groups):
        text = of_row(r)
        if text:
            yield f"- **{r.s.title}**: {text}."
    for title, what, case, part in table.missed(groups):
        text = of_other(groups, what, case)
        if text:
            yield f"- **{title}**: {100 * part:.0f} % of what is asked; {text}."
