#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""weft-switch held against switch-test patterns: os-ken's, where they are, and our own.

    Open vSwitch, userspace (tester) tst1..3 ===== tgt1..3 weft-switch (target)
                     \\                               /
                      os-ken, 127.0.0.1:6653 (lib/pattern_app.py)

Each shard has all of this in a network namespace of its own.  os-ken encodes the rules and the frames,
Open vSwitch sends the frames and shows what comes back, byte by byte.

PATTERNS: a directory with os-ken's of13/ (default ../shared/corpus/switch-tests); where there is none,
os-ken's are skipped, and only our own run.  SHARDS: 2.  SAMPLE: one in so many of os-ken's files is run
(default 1, all).  STEP: one in so many of those that lib/patterns.py generates (7; 1 with WEFT_CONFORM=all).
PATTERN_LIMIT: seconds for all of it (90).
"""
import collections
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
PATTERNS = os.environ.get("PATTERNS", os.path.join(ROOT, "../shared/corpus/switch-tests"))
SHARDS = int(os.environ.get("SHARDS", "2"))
SAMPLE = int(os.environ.get("SAMPLE", "1"))
ALL = os.environ.get("WEFT_CONFORM") == "all"
STEP = 1 if ALL else int(os.environ.get("STEP", "7"))
LIMIT = float(os.environ.get("PATTERN_LIMIT", "600" if ALL else "300"))

def padding(want, got):
    return want.startswith(got) and not any(want[len(got):])


def four_bytes(want, got):
    at = [i for i, (a, b) in enumerate(zip(want, got)) if a != b]
    return len(want) == len(got) and bool(at) and at[-1] - at[0] < 4


# Patterns of os-ken's that are wrong in themselves: file and description (regular expressions), in what
# wanted and got may differ, and why.  One that fails in anything else has failed.
DEFECTIVE = [
    # Six: a frame of 60 bytes loses a label of 4, and is expected to be filled up to 60 again, which a
    # network card does on the wire and a veth does not.
    (r"match/(20|21)_ICMPV4_\w+\.json|match/(29|30)_ICMPV6_\w+\.json", r"^ethernet/mpls/ipv[46]/icmp.*pop_mpls",
     padding, "the frame is expected with padding that only a wire would add"),
    # Twelve: the frame's checksum is no CRC32c (RFC 9260, 6.8), so that none comes of changing it.
    (r"action/25_SET_FIELD/\w*SCTP\w*\.json", r"sctp", four_bytes,
     "the checksum that is expected is no CRC32c"),
]


def defective(r):
    frames = re.fullmatch(r"at \w+: wanted \['(\w+)'\], got \['(\w+)'\]", r.get("why", ""))
    for file, words, differs, why in DEFECTIVE:
        if frames and re.fullmatch(file, r.get("file", "")) and re.search(words, r["name"]) and \
                differs(*map(bytes.fromhex, frames.groups())):
            return why
    return None


class PatternShard(rig.Shard):
    """With pattern_app.py as the controller."""

    def __init__(self, n, base, job):
        super().__init__(n, base)
        self.job = dict(job, out=os.path.join(self.dir, "results"))

    def start(self):
        job = os.path.join(self.dir, "job")
        with open(job, "w") as f:
            json.dump(self.job, f)
        super().start([os.path.join(HERE, "lib/pattern_app.py")], PATTERN_JOB=job)

    def results(self):
        """What was found out, and whether that is all."""
        try:
            with open(self.job["out"]) as f:
                r = [json.loads(x) for x in f if x.endswith("\n")]
        except OSError:
            r = []
        return [x for x in r if "end" not in x], any("end" in x for x in r)


def shards(base):
    root = os.path.join(PATTERNS, "of13")
    files = sorted(glob.glob(root + "/**/*.json", recursive=True))[::SAMPLE]
    if not files:
        print("# skipped os-ken's patterns: there is no %s" % root)
    jobs = []
    for path in sorted(files, key=os.path.getsize, reverse=True):
        rel = os.path.relpath(path, root)
        jobs.append(dict(path=path, first=0, step=1, **{"is": dict(category=rel.split("/")[0], file=rel)}))
    parts = [jobs[n::SHARDS] for n in range(SHARDS)]
    for path, section, feature in patterns.write(base):
        if "/stream_" in path:
            continue  # stock_tester.py has these
        for n in range(SHARDS):  # each shard has its part of each file
            about = dict(category="generated " + path.split("/")[-2], section=section, feature=feature)
            parts[n].append(dict(path=path, first=n * STEP, step=SHARDS * STEP, **{"is": about}))
    return [PatternShard(n, base, dict(files=parts[n], own=[n, SHARDS])) for n in range(SHARDS)]


def report(results, seconds):
    counts = collections.defaultdict(collections.Counter)
    for r in results:
        why = defective(r)
        if why:
            counts[r["category"]]["defective"] += 1
            print("# not counted - %s: %s: %s" % (r["file"], r["name"], why))
            continue
        counts[r["category"]]["ok" if r["ok"] else "not ok"] += 1
        if not r["ok"]:
            print("not ok - %s%s: %s\n#   %s" % (r["category"], " " + r["file"] if "file" in r else "", r["name"], r["why"]))
    for c in sorted(counts):
        v = counts[c]
        print("%s - %s: %d of %d%s" % ("not ok" if v["not ok"] else "ok", c, v["ok"], v["ok"] + v["not ok"],
                                     ", %d defective patterns not counted" % v["defective"] if v["defective"] else ""))
    print("# %.0f s" % seconds)
    return sum(v["ok"] for v in counts.values()), sum(v["not ok"] for v in counts.values())


def main():
    if rig.unable():
        print("not ok - %s\n0 passed, 1 failed" % rig.unable())
        return 1
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))
    base = tempfile.mkdtemp(prefix="weftpat")
    begin = time.monotonic()
    all_ = []
    try:
        all_ = shards(base)
        for s in all_:
            s.start()
        while any(s.app.poll() is None for s in all_) and time.monotonic() - begin < LIMIT:
            time.sleep(0.1)
        results = []
        for s in all_:
            r, whole = s.results()
            results += r
            if not whole:
                results.append(dict(category="rig", name="a shard came to its end", ok=False, why="%d results in %.0f s; %s" % (
                    len(r), time.monotonic() - begin, open(s.dir + "/controller.log", errors="replace").read()[-2000:])))
    finally:
        for s in all_:
            s.stop()
        if not os.environ.get("KEEP"):
            shutil.rmtree(base, ignore_errors=True)
    passed, failed = report(results, time.monotonic() - begin)
    foreign = [f for s in all_ for f in s.job["files"] if "file" in f["is"]]
    log = os.path.join(rig.B, "log")
    os.makedirs(log, exist_ok=True)
    with open(os.path.join(log, "patterns.json"), "w") as f:  # for lib/conformance_page.py
        json.dump([r for r in results if not defective(r)], f)
    print("%d passed, %d failed%s" % (passed, failed, "" if foreign else ", 1 skipped"))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
