# SPDX-License-Identifier: Apache-2.0
"""docs/conformance.md, from what a run of switch_patterns.py found."""
import collections

HEAD = """# Conformance

Written by `tests/conform/switch_patterns.py --write` from what it saw; do not edit.  Rules are encoded by os-ken, frames
sent and received by Open vSwitch, and compared byte by byte.  A pattern is a few rules, the frames that go in, and all that
must come out; our own are in `tests/conform/lib/own_patterns.py`.  What is refused, and with which error, is in
`tests/conform/agent_errors.py`; what the switch says by itself in `tests/sys/agent_events.py`.

| OpenFlow 1.3.5 | feature | patterns passed |
| --- | --- | --- |
"""
FOREIGN = """
## os-ken's patterns

Without those that are wrong in themselves; the script lists them, with the reason.

| file | tests passed |
| --- | --- |
"""


def rows(counts, line):
    return "".join(line % (*key, ok, ok + bad) for key, (ok, bad) in counts.items())


def write(path, results):
    own, foreign = (collections.defaultdict(lambda: [0, 0]) for _ in range(2))
    for r in results:
        if "section" in r:
            own[tuple(int(x) for x in r["section"].split(".")), r["feature"]][not r["ok"]] += 1
        elif "file" in r:
            foreign[r["file"],][not r["ok"]] += 1
    text = HEAD + rows({(".".join(map(str, s)), f): v for (s, f), v in sorted(own.items())}, "| %s | %s | %d of %d |\n")
    if foreign:
        text += FOREIGN + rows(dict(sorted(foreign.items())), "| %s | %d of %d |\n")
    with open(path, "w") as f:
        f.write(text)
