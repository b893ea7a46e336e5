#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""weft-switch under os-ken's own switch tester (os_ken.tests.switch.tester), as its users run it (lib/stock_app.py).

    Open vSwitch, userspace (tester) tst1..3 ===== tgt1..3 weft-switch (target)
                     \\                               /
                      os-ken with its tester, 127.0.0.1:6653

It installs each rule and reads it back, counts at both switches' ports, looks at table statistics for what
must miss, and measures the streams of the group tests.  It runs a sample of each category of lib/patterns.py; all of
them, the streams of the meter tests, whose rates it tells by its own clock and so only on a machine that is quiet
(tests/sys/meters.sh tells them by the switch's counters), and os-ken's files below PATTERNS, with WEFT_CONFORM=all
(an hour and more).  What has failed while the machine stood still is tried again, up to twice.

# Spec: 5.6.1 groups under os-ken's tester
# Spec: 7.3.5.2 flow statistics read back by os-ken's tester
# Spec: 7.3.5.4 table statistics read by os-ken's tester
# Spec: 7.3.5.6 port statistics read by os-ken's tester
# Spec: 7.3.5.9 group descriptions read back by os-ken's tester
# Spec: 7.3.5.12 meter configurations read back by os-ken's tester
"""
import glob
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "lib"))
import patterns  # noqa: E402
import rig  # noqa: E402

ALL = os.environ.get("WEFT_CONFORM") == "all"
PATTERNS = os.environ.get("PATTERNS", os.path.join(ROOT, "../shared/corpus/switch-tests"))
SHARDS = int(os.environ.get("SHARDS", "4"))
EACH = 10      # of each category in a sample
# Routing headers, ESP and no next header: os-ken's IPv6 parser, which its tester logs frames with, fails on them.
UNREADABLE = re.compile(r"ipv6\(([\d,]*,)?(43|50|59)\b")
LIMIT = float(os.environ.get("PATTERN_LIMIT", "7200" if ALL else "180"))
# Streams of the sample: file, and which of its tests.
STREAMS = [("stream_group/select", (0, 1, 8)), ("stream_group/all", (0,))]


def work(base):
    """Directories of pattern files, one a shard."""
    made = {}
    for p, _, _ in patterns.write(base):
        tests = json.load(open(p))
        made["/".join(p.split("/")[-2:])[:-5]] = tests[:1] + [t for t in tests[1:] if not UNREADABLE.search(t["description"])]
    if ALL:
        root = os.path.join(PATTERNS, "of13")
        for p in glob.glob(root + "/**/*.json", recursive=True):
            made["os-ken/" + os.path.relpath(p, root)[:-5]] = json.load(open(p))
        parts = [(name, tests[1:]) for name, tests in made.items()]
    else:
        parts = [(name, [made[name][1 + i] for i in which if 1 + i < len(made[name])]) for name, which in STREAMS]
        for category in ("action", "group", "match", "set_field"):
            tests = [t for name, file in made.items() if name.startswith(category + "/") for t in file[1:]]
            # Those that must miss take more than a second each.
            tests = [t for t in tests if "table-miss" not in t["tests"][0]] + [t for t in tests if "table-miss" in t["tests"][0]][:2]
            step = max(1, len(tests) // EACH)
            parts.append((category, tests[step // 2::step][:EACH] + ([tests[-1]] if category == "match" else [])))
    dirs = [os.path.join(base, "part%d" % n) for n in range(SHARDS)]
    cost = [0.0] * SHARDS
    for name, tests in sorted(parts, key=lambda p: -seconds(p[1])):
        n = cost.index(min(cost))
        cost[n] += seconds(tests)
        os.makedirs(dirs[n], exist_ok=True)
        with open(os.path.join(dirs[n], name.replace("/", "_") + ".json"), "w") as f:
            json.dump([name] + tests, f)  # the first is the key of the file: it must be one of its own
    return [d for d in dirs if os.path.isdir(d)], {name: len(tests) for name, tests in parts}


def seconds(tests):
    return sum(t["tests"][0]["ingress"]["packets"]["duration_time"] if isinstance(t["tests"][0]["ingress"], dict)
               else 1.5 if "table-miss" in t["tests"][0] else 0.2 for t in tests)


def results(shard):
    """(file, test, outcome, words) of the tester's lines."""
    out, name = [], "?"
    for line in open(os.path.join(shard.dir, "controller.log"), errors="replace"):
        line = line.strip("\r\n.")
        if line.startswith("--- Test report"):
            break
        m = re.match(r"    (\S.*?)\s+(OK|ERROR)$", line)
        if m:
            out.append([name, m.group(1), m.group(2), ""])
        elif line.startswith("        ") and out and out[-1][2] == "ERROR":
            out[-1][3] = line.strip()
        elif line and not line.startswith(" "):
            name = line
    return out


def only(base, name, dirs, wanted):
    """A directory of those tests: (file, description)."""
    folder = os.path.join(base, "only-" + name)
    os.mkdir(folder)
    for path in (p for d in dirs for p in glob.glob(d + "/*.json")):
        tests = json.load(open(path))
        some = [t for t in tests[1:] if (tests[0], t["description"]) in wanted]
        if some:
            with open(os.path.join(folder, os.path.basename(path)), "w") as f:
                json.dump(tests[:1] + some, f)
    return [folder]


def run(base, name, dirs):
    """Results of all tests in these directories, each with a shard of its own; and the ends of the logs."""
    base = os.path.join(base, name)
    os.mkdir(base)
    shards, begin = [], time.monotonic()
    try:
        for n, d in enumerate(dirs):
            shards.append(rig.Shard(n, base))
            shards[-1].start(["--test-switch-target", "%016x" % 1, "--test-switch-tester", "%016x" % 2, "--test-switch-target-version",
                              "openflow13", "--test-switch-tester-version", "openflow13", "--test-switch-dir", d, "--test-switch-interval", "0",
                              os.path.join(HERE, "lib/stock_app.py")])
        while any(s.app.poll() is None for s in shards) and time.monotonic() - begin < LIMIT:
            time.sleep(0.1)
        return ([r for s in shards for r in results(s)],
                {s.dir: open(s.dir + "/controller.log", errors="replace").read()[-1500:] for s in shards})
    finally:
        for s in shards:
            s.stop()


def main():
    if rig.unable():
        print("not ok - %s\n0 passed, 1 failed" % rig.unable())
        return 1
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))
    base = tempfile.mkdtemp(prefix="weftstock")
    begin = time.monotonic()
    try:
        dirs, want = work(base)
        got, logs = run(base, "first", dirs)
        for again in ("second", "third"):
            failed = {(r[0], r[1]) for r in got if r[2] != "OK"}
            if ALL or not failed:
                break
            print("# once more:", *sorted(failed), flush=True)
            anew, logs = run(base, again, only(base, again, dirs, failed))
            better = {(r[0], r[1]) for r in anew if r[2] == "OK"}
            for r in got:
                if (r[0], r[1]) in better:
                    r[2:] = ["OK", ""]
    finally:
        if not os.environ.get("KEEP"):
            shutil.rmtree(base, ignore_errors=True)
    for file, test, outcome, words in got:
        if outcome != "OK":
            print("not ok - %s: %s\n#   %s" % (file, test, words))
    passed = sum(r[2] == "OK" for r in got)
    failed = len(got) - passed
    for name, n in want.items():
        of = [r for r in got if r[0] == name]
        print("%s - %s: %d of %d" % ("ok" if len(of) == n == sum(r[2] == "OK" for r in of) else "not ok", name, sum(r[2] == "OK" for r in of), n))
    if len(got) != sum(want.values()):
        failed += 1
        print("not ok - %d of %d tests came to their end\n%s" % (len(got), sum(want.values()), logs))
    print("# %.0f s\n%d passed, %d failed" % (time.monotonic() - begin, passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
