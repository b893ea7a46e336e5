# SPDX-License-Identifier: Apache-2.0
"""The table of what is asked and what was measured, out of the figures of a run (bench/median reads them).

Rates are "had it the core": packets in the time that the packet thread had a core, so that a neighbour who took it for a while
does not count.  Cycles less the source are the cycles of a packet less those that the source takes by itself on the same trace
(source_alone.c: rte_eth_rx_burst() of net_pcap, which copies the frame out of the trace); everything else, the sink's free
included, is the switch's.  Two of Weft's own figures on traces of different length are compared in these cycles, since a long
trace costs the source three times as many.
"""
import statistics
from dataclasses import dataclass, field

from bench import scenario
from bench.ovs import MODES

RATE, CYCLES = "whole_core", "on_core"
WORDS = {"ovs": "Open vSwitch", "limit": "testpmd", "rte_acl": "rte_acl"}


def median(groups, what, case, subject, figure):
    """Of the runs; None when there are none."""
    for (name, _), values in groups.get((what, case, subject), {}).items():
        if name == figure:
            return statistics.median(values)
    return None


def least(groups, what, case, subject, figure):
    """Of the runs: a loop of nothing else can only be slower than it is, by what others do."""
    return min((x for (name, _), v in groups.get((what, case, subject), {}).items() if name == figure for x in v), default=None)


def counted(groups, what, case, subject, figure):
    """In how many runs."""
    return max((len(v) for (name, _), v in groups.get((what, case, subject), {}).items() if name == figure), default=0)


def spread(groups, what, case, subject, figure):
    """(greatest - least) / median."""
    for (name, _), values in groups.get((what, case, subject), {}).items():
        if name == figure and len(values) > 1:
            return (max(values) - min(values)) / max(1e-9, statistics.median(values))
    return None


@dataclass
class Row:
    s: scenario.Scenario
    mpps: float
    nocache: float = None
    ovs: float = None
    mode: str = ""
    limit: float = None
    rte_acl: float = None
    cycles: float = None
    source: float = None
    hits: float = None
    spread: float = None
    stages: list = field(default_factory=list)  # (cycles a packet, name), the longest first
    goals: list = field(default_factory=list)  # (text, reached / asked or None, cycles that it would be or None)

    def alone(self):
        return self.cycles - self.source if self.cycles and self.source else None


def stages(groups, s):
    found = groups.get(("forwarding", s.name, "weft"), {})
    return sorted(((statistics.median(v), name.removeprefix("stage ")) for (name, _), v in found.items() if name.startswith("stage ")), reverse=True)


def goal(row, text, part, alone=False):
    """'alone': the part is of cycles without the source's."""
    cycles = None if part is None or not row.cycles else row.alone() * part + row.source if alone else row.cycles * part
    return text, part, cycles


def judge(row, of):
    """For each goal: what it says, and which part of it is reached."""
    for against, times in row.s.goals:
        how = f"{100 * times:.0f} % of" if times < 1 else f"{times:g} ×"
        if against == "Mpps":
            row.goals.append(goal(row, f"≥ {times:g} Mpps", row.mpps / times))
        elif against in WORDS:
            base = {"ovs": row.ovs, "limit": row.limit, "rte_acl": row.rte_acl}[against]
            row.goals.append(goal(row, f"≥ {how} {WORDS[against]}", row.mpps / base / times if base else None))
        else:
            base = of.get(against)
            part = base.alone() / row.alone() / times if base and base.alone() and row.alone() else None
            row.goals.append(goal(row, f"≥ {how} {against}, less the source", part, True))
    if row.s.vpp:
        row.goals.append(goal(row, f"≤ {row.s.vpp:g} cycles", row.s.vpp / row.alone() if row.alone() else None, True))


def rows(groups):
    get = lambda s, subject, figure: median(groups, "forwarding", s.name, subject, figure)  # noqa: E731
    found = {}
    for s in scenario.ALL:
        mpps = get(s, "weft", RATE)
        if mpps is None:
            continue
        runs = {m: n for m in MODES if (n := counted(groups, "forwarding", s.name, m, RATE))}
        modes = [(get(s, m, RATE), m) for m in runs if runs[m] == max(runs.values())]
        best, mode = max(modes, default=(None, ""))
        row = Row(s, mpps, get(s, "weft-nocache", RATE), best, mode, get(s, "testpmd-mac", RATE), get(s, "rte_acl", "lookups"),
                  get(s, "weft", CYCLES), least(groups, "forwarding", s.name, "source", "source"), get(s, "weft", "cache_hits"), spread(groups, "forwarding", s.name, "weft", RATE), stages(groups, s))
        found[s.name] = row
    for row in found.values():
        judge(row, found)
    return list(found.values())


def number(x, unit=""):
    return "" if x is None else (f"{x:,.0f}" if abs(x) >= 100 else f"{x:.3g}") + unit


def verdict(goals):
    """ "met", or by what factor it is missed."""
    parts = []
    for text, part, *_ in goals:
        parts.append(f"{text}: " + ("not measured" if part is None else "**met**" if part >= 1 else f"not met, {100 * part:.0f} % of it"))
    return "; ".join(parts)


def ratio(a, b):
    return number(a / b, " ×") if a and b else ""


def forwarding(groups):
    """Lines of Markdown."""
    mine = rows(groups)
    if not mine:
        return
    yield ("| scenario | Weft, Mpps | without cache | Open vSwitch, its best | Weft / OVS | testpmd mac | Weft / testpmd | rte_acl, M/s | cycles/packet "
           "| less the source | VPP, constant | % cache hits | spread | goals | where the cycles are |")
    yield "|---" * 15 + "|"
    for r in mine:
        best = f"{number(r.ovs)} ({r.mode.partition('-')[2] or 'default'})" if r.ovs else ""
        share = number(100 * r.mpps / r.limit, " %") if r.limit else ""
        yield (f"| {r.s.title} | {number(r.mpps)} | {number(r.nocache)} | {best} | {ratio(r.mpps, r.ovs)} | {number(r.limit)} | {share} | {number(r.rte_acl)} "
               f"| {number(r.cycles)} | {number(r.alone())} | {number(r.s.vpp or None)} | {number(r.hits)} | "
               f"{'' if r.spread is None else number(100 * r.spread, ' %')} | {verdict(r.goals)} | {', '.join(f'{name} {number(c)}' for c, name in r.stages[:5])} |")


def best_of(groups, what, case, figure, subjects, least=False):
    found = [x for x in (median(groups, what, case, s, figure) for s in subjects) if x is not None]
    return (min if least else max)(found) if found else None


def beside():
    from bench import neighbours
    return ((f"what another port keeps beside {case[0]}", "neighbours", case[0], "kept", " %", (("≥ 80 %", None, 80, True),)) for case in neighbours.CASES)


# What is not Mpps: title, what, case, figure, goals as (text, against a peer?, factor or bound, at least?).
OTHERS = (
    ("under 1,000 flow_mods/s, ACL 1,000 rules", "pressure", "acl1k", "share", " % of quiet", (("≥ 85 %", None, 85, True),)),
    ("under 1,000 flow_mods/s, L3", "pressure", "l3", "share", " % of quiet", (("≥ 85 %", None, 85, True),)),
    ("under 1,000 flow_mods/s of five-tuples, L3", "pressure", "l3, five-tuples", "share", " % of quiet", (("≥ 85 %", None, 85, True),)),
    ("under 1,000 flow_mods/s of flows by source, L3", "pressure", "l3, sources", "share", " % of quiet", (("≥ 85 %", None, 85, True),)),
    ("under 1,000 flow_mods/s of five-tuples, L2", "pressure", "l2, five-tuples", "share", " % of quiet", (("≥ 85 %", None, 85, True),)),
    ("under 1,000 flow_mods/s of five-tuples, tenant pipeline", "pressure", "tenant, five-tuples", "share", " % of quiet", (("≥ 85 %", None, 85, True),)),
    ("flow_mods, plain, 100k rules", "flow_mods", "plain", "rate", "/s", (("≥ 20 × Open vSwitch", "ovs", 20, True),)),
    ("flow_mods, bundle, 100k rules", "flow_mods", "bundle", "rate", "/s", (("≥ 10 × Open vSwitch", "ovs", 10, True),)),
    ("flow_mods, by `ovs-ofctl add-flows`", "flow_mods", "ovs-ofctl", "rate", "/s", ()),
    ("flow_mods, by `ovs-ofctl --bundle add-flows`", "flow_mods", "ovs-ofctl-bundle", "rate", "/s", ()),
    ("flow_mods, plain, 1M rules", "flow_mods", "plain-1M", "rate", "/s", (("≥ 250k/s", None, 250e3, True),)),
    ("flow_mods, bundle, 1M rules", "flow_mods", "bundle-1M", "rate", "/s", (("≥ 250k/s", None, 250e3, True),)),
    ("memory per rule, plain", "flow_mods", "plain", "memory", " B", (("≤ 256 B", None, 256, False),)),
    ("memory per rule, plain, 1M rules", "flow_mods", "plain-1M", "memory", " B", (("≤ 256 B", None, 256, False),)),
    ("memory per rule, bundle", "flow_mods", "bundle", "memory", " B", ()),
    ("new connections (`ct`), to a million", "ct", "new ct-new", "whole_core", " M/s", (("≥ 1 M/s", None, 1, True),)),
    ("memory per connection, at a million", "ct", "new ct-new", "rss", " B", (("≤ 256 B", None, 256, False),)),
    ("one-way latency, idle, p50", "latency", "idle", "p50", " µs", (("≤ Open vSwitch", "ovs", 1, False),)),
    ("one-way latency, idle, p99", "latency", "idle", "p99", " µs", (("≤ Open vSwitch", "ovs", 1, False),)),
    ("one-way latency, idle, p99 of 10 ms, median", "latency", "idle, 10 ms", "p99", " µs", (("≤ Open vSwitch", "ovs", 1, False),)),
    ("one-way latency, 0.9 Mpps, p50", "latency", "0.9 Mpps", "p50", " µs", (("≤ Open vSwitch", "ovs", 1, False),)),
    ("one-way latency, 0.9 Mpps, p99", "latency", "0.9 Mpps", "p99", " µs", (("≤ Open vSwitch", "ovs", 1, False),)),
    ("one-way latency, 0.9 Mpps, p99 of 10 ms, median", "latency", "0.9 Mpps, 10 ms", "p99", " µs", (("≤ Open vSwitch", "ovs", 1, False),)),
    ("idle switch, CPU", "idle", "2 memif", "cpu", " %", (("≤ 2 %", None, 2, False),)),
    ("idle switch, CPU, ports that tell nobody of frames", "idle", "2 null", "cpu", " %", (("≤ 2 %", None, 2, False),)),
    ("first packet after 20 ms of silence, p50", "latency", "after silence", "p50", " µs", (("≤ 100 µs", None, 100, False),)),
    ("first packet after 20 ms of silence, p99", "latency", "after silence", "p99", " µs", (("≤ 100 µs", None, 100, False),)),
    ("packet-ins answered, 16 switches", "packet_in", "16 switches, window 64", "answered", "/s", (("≥ 400k/s", None, 400e3, True),)),
    ("packet-in to packet_out, 16 switches that wait, p50", "packet_in", "16 switches, window 1", "p50", " µs", (("≤ 100 µs", None, 100, False),)),
)


def judged(groups):
    """Of what is not Mpps and was measured: title, what, case, unit, Weft's figure, Open vSwitch's, goals with the part that is reached."""
    for title, what, case, figure, unit, goals in (*OTHERS, *beside()):
        mine, theirs = median(groups, what, case, "weft", figure), median(groups, what, case, "ovs", figure)
        if mine is None:
            continue
        part = []
        for text, peer, bound, at_least in goals:
            base = bound * theirs if peer and theirs else bound if not peer else None
            part.append((text, None if base is None else mine / base if at_least else base / max(mine, 1e-9)))
        yield title, what, case, unit, mine, theirs, part


def missed(groups):
    """Title, what, case, Weft's figure with its unit, and the part that is reached."""
    for title, what, case, unit, mine, _, goals in judged(groups):
        parts = [part for _, part in goals if part is not None]
        if parts and min(parts) < 1:
            yield title, what, case, mine, unit, min(parts)
    had = had_cores(groups)
    if had and min(had)[0] < 1.9:
        yield "two packet threads, by cycles", "threads", min(had)[1], min(had)[0], " × one", min(had)[0] / 1.9


def had_cores(groups):
    """Two packet threads' rate as a multiple of one's, had each a core, and of what."""
    found = [(median(groups, "threads", case, "weft", "had_cores"), case) for case in ("l2", "l3")]
    return [(x, case) for x, case in found if x is not None]


def others(groups):
    lines = []
    for title, _, _, unit, mine, theirs, part in judged(groups):
        lines.append(f"| {title} | {number(mine, unit)} | {number(theirs, unit)} | {ratio(mine, theirs)} | {verdict(part)} |")
    threads = median(groups, "threads", "two", "weft", "ratio")
    if threads is not None:
        lines.append(f"| two packet threads | {number(threads, ' × one')} | | | {verdict([('≥ 1.9 ×', threads / 1.9)])} |")
    had = [x for x, _ in had_cores(groups)]
    if had:
        lines.append(f"| two packet threads, by cycles: two cores are one for them and one for all else | {number(min(had), ' × one')} | | | "
                     f"{verdict([('≥ 1.9 ×', min(had) / 1.9)])} |")
    elif threads is None and any(k[0] == "forwarding" for k in groups):
        lines.append("| two packet threads | not measured: two cores are one for them and one for all else | | | each thread "
                     "writes memory of its own that begins and ends at cache lines' boundaries (`base/lines.h`, proved by `tests/unit/datapath_lines.c`) |")
    if lines:
        yield "| what | Weft | Open vSwitch | Weft / OVS | goals |"
        yield "|---|---|---|---|---|"
        yield from lines
