#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench/control_report.py FILE.tsv: the control plane's figures as FILE.md, its curves as FILE.svg and FILE.png.

Peers' figures are constants: OVN 23.03 and Neutron 21 with MariaDB, measured on a machine of two cores like ours, on
2026-11-22 (OVN with ten emulated chassis; at 10,000 ports two of them)."""
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
from bench import figures  # noqa: E402

# OVN: port create -> output flow, p50 and p99 in ms, local and remote
OVN = {100: (56, 82, 67, 90), 1000: (97, 130, 112, 147), 10000: (2985, 3091, 3090, 3245)}
OVN_RESTART = {1000: "0.7 s, table falls to 20 flows", 10000: "over 25 s"}
NEUTRON = {"networks": 7.3, "network_p99": 1351, "ports": 3.4, "port_p99": 3329, "list": 784}
MEMORY = "OVN's five daemons 800, Neutron 286 (PSS)"
GOALS = {100: (5, 20), 1000: (5, 20), 10000: (10, 50)}


PACKET_INS = (("answered", "16 switches, window 64", "packet-ins answered, 16 switches, 1/s", 400000),
              ("p50", "16 switches, window 1", "packet-in to packet_out, 16 switches that wait for it, µs p50", 100))


class Figures:
    def __init__(self, groups):
        self.packet_in = {(case, who, f): statistics.median(v) for (what, case, who), figs in groups.items() if what == "packet_in"
                          for (f, _), v in figs.items()}
        self.of = {case: {f: v[-1] for (f, _), v in figs.items()} for (what, case, _), figs in groups.items() if what == "control"}

    def __call__(self, case, figure):
        return self.of.get(case, {}).get(figure)


def ten(ports):
    return f"10 hosts, {ports} ports"


def n(x, form=".3g"):
    return "-" if x is None else format(x, form) if x < 1000 else f"{x:,.0f}"


def met(x, goal, more=False):
    return "-" if x is None else "yes" if (x >= goal if more else x <= goal) else "**no**"


def line(*cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def latencies(f):
    for ports, goal in GOALS.items():
        for i, where in enumerate(("local", "remote")):
            p50, p99 = f(ten(ports), f"{where}_p50"), f(ten(ports), f"{where}_p99")
            a, b = OVN[ports][2 * i:2 * i + 2]
            if p50:
                yield line(f"port create → flow in the {where} switch, {ports:,} ports, ms p50/p99", f"OVN {a:,}/{b:,}", f"{goal[0]}/{goal[1]}",
                           f"{n(p50)}/{n(p99)}", f"{a / p50:.0f}x / {b / p99:.0f}x", "yes" if p50 <= goal[0] and p99 <= goal[1] else "**no**")


def table(f):
    yield line("", "peer", "goal", "Weft", "ratio", "met")
    yield "|---|---|---|---|---|---|"
    yield from latencies(f)
    for ports, goal in ((1000, 1), (10000, 5)):
        s = f(ten(ports), "synced")
        if s:
            yield line(f"controller restart, {ports:,} ports", "OVN " + OVN_RESTART[ports], f"{goal} s, 0 re-sent",
                       f"{n(s)} s, {f(ten(ports), 'sent_again'):.0f} re-sent", "", met(s, goal))
    for what in ("network", "port"):
        rate, p99 = f("8 clients, 10000 ports", what + "s"), f("8 clients, 10000 ports", what + "_p99")
        if rate:
            yield line(f"{what}s created, 8 clients, 1/s; p99 ms", f"Neutron {NEUTRON[what + 's']}; {NEUTRON[what + '_p99']:,}", "1,000; 50",
                       f"{n(rate)}; {n(p99)}", f"{rate / NEUTRON[what + 's']:.0f}x", "yes" if rate >= 1000 and p99 <= 50 else "**no**")
    page = f("lists, 10000 ports", "page_p50")
    yield line("list of 1,000 ports of 10,000, ms p50 (p99)", f"Neutron {NEUTRON['list']}", "20", f"{n(page)} ({n(f('lists, 10000 ports', 'page_p99'))})",
               f"{NEUTRON['list'] / page:.0f}x" if page else "", met(page, 20))
    rss, after = f(ten(10000), "RSS"), f(ten(10000), "RSS_after")
    yield line("resident, 10,000 ports, MB (after a restart)", MEMORY, "100", f"{n(rss)} ({n(after)})", f"{800 / rss:.0f}x" if rss else "", met(rss, 100))


def packet_ins(f):
    for figure, case, title, goal in PACKET_INS:
        ours, peer = f.packet_in.get((case, "weft", figure)), f.packet_in.get((case, "ovs", figure))
        if ours and peer:
            more = figure == "answered"
            yield line(title, f"ovs-testcontroller {n(peer)}", f"{goal:,}", n(ours), f"{ours / peer if more else peer / ours:.1f}x", met(ours, goal, more))


def size(case):
    words = case.replace(",", "").split()
    return int(words[0]), int(words[2])


def curve_rows(f):
    yield line("case", "flows", "local p50/p99, ms", "remote p50/p99, ms", "the disk alone p50/p99, ms", "restart, s", "re-sent", "wrong",
               "resident, MB", "after restart")
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for case, v in sorted(((c, v) for c, v in f.of.items() if "synced" in v), key=lambda x: ("1 network" in x[0], size(x[0]))):
        yield line(case, n(v["flows"]), f"{n(v['local_p50'])}/{n(v['local_p99'])}", f"{n(v['remote_p50'])}/{n(v['remote_p99'])}",
                   f"{n(v.get('disk_p50'))}/{n(v.get('disk_p99'))}", n(v["synced"]),
                   n(v["sent_again"]), n(v["differs"]), n(v["RSS"]), n(v["RSS_after"]))


def lists(f):
    v = f.of.get("lists, 10000 ports", {})
    yield line("of 10,000 ports", "p50, ms", "p99, ms")
    yield "|---|---|---|"
    for what, title in (("page", "limit=1000"), ("fields", "limit=1000, fields=id, status"), ("network", "network_id="), ("name", "name="),
                        ("device", "device_id="), ("address", "fixed_ips=ip_address=")):
        if what + "_p50" in v:
            yield line(title, n(v[what + "_p50"]), n(v[what + "_p99"]))


def draw(f, path, facts):
    from bench import draw as d
    figure, axes = d.plot.subplots(2, 3, figsize=(13, 7))
    several = [c for c in f.of if "synced" in f.of[c] and "1 network" not in c]
    by = (("ports, 10 hosts", [c for c in several if size(c)[0] == 10], lambda c: size(c)[1]),
          ("hosts, 10,000 ports", [c for c in several if size(c)[1] == 10000], lambda c: size(c)[0]))
    for row, (name, cases, of) in zip(axes, by):
        cases = sorted(cases, key=of)
        for box, series, unit in ((row[0], ("local_p50", "local_p99", "remote_p50", "remote_p99"), "one port more, ms"),
                                  (row[1], ("synced",), "restart, s"), (row[2], ("RSS", "RSS_after"), "resident, MB")):
            for s in series:
                box.plot([of(c) for c in cases], [f(c, s) for c in cases], "o-", label=s.replace("_", " "))
            box.set(xscale="log", xlabel=name, title=unit)
            box.set_ylim(bottom=0)
            box.grid(alpha=.3)
            box.legend(fontsize=7, frameon=False)
    figure.suptitle(f"commit {facts.get('commit')}, {facts.get('date')}", fontsize=9)
    figure.tight_layout()
    d.save(figure, path)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    facts, groups = figures.read(sys.argv[1])
    f, path, facts = Figures(groups), sys.argv[1].removesuffix(".tsv"), dict(facts)
    text = ["<!-- SPDX-License-Identifier: Apache-2.0 -->", "# The control plane", "",
            "Emulated switches (`bench/fleet.c`), a real controller, its store on the disk of the machine.  All of them share its cores.", "",
            *(f"- {k}: {v}" for k, v in facts.items()), "", *table(f), *packet_ins(f), "",
            "Peers: OVN 23.03 (ten emulated chassis; two at 10,000 ports) and Neutron 21 with MariaDB, on a machine of two cores like this one, "
            "2026-11-22.  ovs-testcontroller 3.1 in this run, in turns, medians of five.", "", "## Curves", "", *curve_rows(f), "", "*wrong*: 1 when the switches' flows after the restart are not those before it.  *The disk alone*: 12 kB and "
            "`fdatasync()`, in turns with the ports; a port is durable before its flows are sent.", "",
            "## Lists", "", *lists(f), ""]
    with open(f"{path}.md", "w") as out:
        out.write("\n".join(text))
    print("\n".join(text))
    draw(f, path, facts)


if __name__ == "__main__":
    main()
