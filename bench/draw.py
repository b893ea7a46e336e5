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

from bench import figures, table  # noqa: E402

COLORS = {"weft": "#0b6e4f", "weft-nocache": "#7fb69e", "ovs": "#c8553d", "limit": "#9a9a9a"}


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
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("Mpps, one packet thread")
    axes.set_title(f"commit {facts.get('commit')}, {facts.get('date')}", fontsize=9)
    axes.grid(axis="x", alpha=.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.04), ncol=4, fontsize=8, frameon=False)
    save(figure, path)


def curves(groups, path):
    """For each measure that grows, cycles per packet with and without the cache."""
    names = list(dict.fromkeys(k[1].rpartition("=")[0] for k in groups if k[0] == "curves"))
    figure, axes = plot.subplots((len(names) + 2) // 3, 3, figsize=(13, 3.4 * ((len(names) + 2) // 3)), squeeze=False)
    for box, name in zip(axes.flat, names):
        for subject, color in (("weft", COLORS["weft"]), ("weft-nocache", COLORS["weft-nocache"])):
            points = [(float(k[1].rpartition("=")[2]), table.median(groups, *k, table.CYCLES)) for k in groups
                      if k[0] == "curves" and k[2] == subject and k[1].rpartition("=")[0] == name]
            points = sorted((x, y) for x, y in points if y)
            box.plot([x for x, _ in points], [y for _, y in points], "o-", color=color, label=subject)
        box.set_xscale("log")
        box.set_ylim(bottom=0)
        box.set_title(name, fontsize=9)
        box.grid(alpha=.3)
    for box in axes.flat[len(names):]:
        box.remove()
    axes.flat[0].legend(fontsize=8, frameon=False)
    figure.supylabel("cycles per packet")
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
