#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench/draw.py FILE.tsv: the figures of a run as FILE.svg and FILE.png, and the curves as FILE-curves.svg and .png; prints their names."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
try:
    import matplotlib
except ImportError:
    sys.exit("draw.py: without python3-matplotlib nothing is drawn")
matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "weft"  # the same figures, the same file
import matplotlib.pyplot as plot  # noqa: E402

from bench import figures, knees, table  # noqa: E402

COLORS = {"weft": "#0b6e4f", "weft-nocache": "#7fb69e", "ovs": "#c8553d", "limit": "#9a9a9a"}

SERIES = (("weft", COLORS["weft"], "Weft"), ("weft-nocache", COLORS["weft-nocache"], "Weft without its flow cache"),
          ("ovs-smc", COLORS["ovs"], "Open vSwitch, cache of signatures (not drawn above the edge)"))


def save(figure, path):
    for kind in ("svg", "png"):
        figure.savefig(f"{path}.{kind}", dpi=110, bbox_inches="tight", metadata={"Date": None} if kind == "svg" else {"Software": None})
        print(f"{path}.{kind}")
    plot.close(figure)
    with open(f"{path}.svg") as f:
        first, rest = f.readline(), f.read()
    with open(f"{path}.svg", "w") as f:
        f.write(f"{first}<!-- SPDX-License-Identifier: Apache-2.0 -->\n" + "".join(line.rstrip() + "\n" for line in rest.splitlines()))


def bars(rows, path, facts):
    """Mpps of each row, on a logarithmic scale: between the first and the last are four decades."""
    figure, axes = plot.subplots(figsize=(10, 0.62 * len(rows) + 1.5))
    series = (("Weft", "weft", lambda r: r.mpps), ("Weft without its flow cache", "weft-nocache", lambda r: r.nocache),
              ("Open vSwitch, its best mode", "ovs", lambda r: r.ovs), ("testpmd mac", "limit", lambda r: r.limit))
    for i, (label, color, of) in enumerate(series):
        known = [(at + 0.2 * (i - 1.5), of(r)) for at, r in enumerate(rows) if of(r)]
        axes.barh([at for at, _ in known], [v for _, v in known], 0.19, label=label, color=COLORS[color])
        for at, v in known:
            axes.text(v, at, f" {table.number(v)}", va="center", fontsize=6)
    axes.set_yticks(range(len(rows)), [r.s.title for r in rows], fontsize=8)
    axes.margins(y=.005)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("Mpps, one packet thread")
    axes.set_title(f"commit {facts.get('commit')}, {facts.get('date')}", fontsize=9)
    axes.grid(axis="x", alpha=.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.04), ncol=4, fontsize=8, frameon=False)
    save(figure, path)


def compact(x):
    return f"{x / 1e6:g}M" if x >= 1e6 else f"{x / 1e3:g}k" if x >= 1e4 else f"{x:g}"


def curves(groups, path):
    """For each measure that grows, cycles per packet with and without the cache, and Open vSwitch's; a ring is a knee (knees.py)."""
    found = knees.curves(groups)
    names = list(dict.fromkeys(name for name, _ in found))
    names = [n for n in names if max(len(p) for (name, _), p in found.items() if name == n) > 1]  # IMIX is a point: it is in the table
    rows = (len(names) + 2) // 3
    figure, axes = plot.subplots(rows, 3, figsize=(13, 3.4 * rows), squeeze=False)
    for box, name in zip(axes.flat, names):
        for subject, color, label in SERIES:
            points = found.get((name, subject))
            if not points:
                continue
            box.plot([p[0] for p in points], [p[1] for p in points], "o-", color=color, label=label, markersize=4)
            bends = [p for _, p in knees.knees(name, points)] if subject.startswith("weft") else []
            box.plot([p[0] for p in bends], [p[1] for p in bends], "o", markersize=10, markerfacecolor="none", color=color)
        ticks = sorted({p[0] for (n, _), some in found.items() if n == name for p in some})
        box.set_xscale("log")
        box.set_xticks(ticks, [compact(x) for x in ticks], fontsize=7)
        box.set_xticks([], minor=True)
        ours = [p[1] for (n, subject), some in found.items() if n == name and subject.startswith("weft") for p in some]
        if max(ours) > 20 * min(ours):  # a cliff would leave nothing to be seen of the rest
            box.set_yscale("log")
            box.set_ylim(min(ours) / 1.5, 1.5 * max(ours))
        else:
            box.set_ylim(0, 1.35 * max(ours))
        box.set_title(name, fontsize=9)
        box.grid(alpha=.3)
    for box in axes.flat[len(names):]:
        box.remove()
    handles = {label: handle for box in figure.axes for handle, label in zip(*box.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="lower center", bbox_to_anchor=(0.5, -0.03), ncol=3, fontsize=9, frameon=False)
    figure.supylabel("cycles per packet", fontsize=9)
    figure.tight_layout()
    save(figure, path)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    facts, groups = figures.read(sys.argv[1])
    path = sys.argv[1].removesuffix(".tsv")
    rows = table.rows(groups)
    if rows:
        bars(rows, path, dict(facts))
    if any(k[0] == "curves" for k in groups):
        curves(groups, f"{path}-curves")


if __name__ == "__main__":
    main()
