# SPDX-License-Identifier: Apache-2.0
"""Where a packet's cycles go: the functions of the packet thread that perf finds itself in, for the rows of the table named here
or asked for (PROFILE="l3 acl1k"), some of them without the flow cache, too, and what the processor counted.  The devices are in there: reading the trace out of
memory and freeing what was sent.  A library without symbols counts as one."""
import collections
import contextlib
import os
import re
import signal
import subprocess
import time

from bench import keeper, progress, rig, scenario

RATE, LIMIT = 4000, "/proc/sys/kernel/perf_event_max_sample_rate"
AT_LEAST = 2.0  # percent
WITHOUT = "l2 tenant acl1k"  # also without the cache
ROWS = "port l2 l3 l3-rewrite tenant vlan-push vlan-pop vxlan-encap vxlan-decap acl1k acl10k new-tenant new-acl10k"
EVENTS = ("instructions", "branches", "branch-misses", "L1-dcache-load-misses")


def counters(sw, case, subject, run):
    """Per packet; the counters start and stop some milliseconds off, so to about a percent."""
    before = sw.of.stats()["packets"]
    p = subprocess.run(["perf", "stat", "-x", ",", "-e", ",".join(EVENTS), "-t", ",".join(sw.tids()), "--", "sleep",
                        str(rig.SECONDS)], check=True, capture_output=True, text=True, timeout=60)
    packets = max(1, sw.of.stats()["packets"] - before)
    found = {f[2].partition(":")[0]: f[0] for f in (x.split(",") for x in p.stderr.splitlines()) if len(f) > 2}
    figures = {e.replace("-", "_"): int(found[e]) / packets for e in EVENTS if found.get(e, "").isdigit()}
    if figures:
        rig.row("counted", case, subject, run, **figures)


@contextlib.contextmanager
def recording(data, *tids):
    """perf, while it is open.  The kernel lowers its limit of samples a second by itself, and then next to none would be left: it is as it was behind that."""
    limit = keeper.read(LIMIT)
    if os.path.exists(data):
        os.unlink(data)
    with contextlib.suppress(OSError), open(LIMIT, "w") as f:
        f.write(str(max(RATE, int(limit))))
    p = subprocess.Popen(["perf", "record", "-q", "-F", str(min(RATE, int(keeper.read(LIMIT)))), "-o", data, "-t", ",".join(tids)], stderr=subprocess.PIPE, text=True)
    try:
        rig.wait_until(lambda: os.path.exists(data) or p.poll() is not None, 10, "perf begins")
        time.sleep(.5)
        yield
    finally:
        p.send_signal(signal.SIGINT)
        _, said = p.communicate(timeout=20)
        with contextlib.suppress(OSError), open(LIMIT, "w") as f:
            f.write(limit)
    if not os.path.exists(data) or not os.path.getsize(data):
        raise RuntimeError(f"perf: {said.strip()[-200:]}")


def report(data):
    return subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", "--sort", "dso,symbol"],
                          check=True, capture_output=True, text=True, timeout=120).stdout


def functions(text):
    """Name and share of all functions of a perf report; the kernel is one."""
    shares = collections.Counter()
    for share, library, where, name in re.findall(r"^\s*([\d.]+)%\s+(\S+)\s+\[(.)\]\s+(\S+)", text, re.M):
        shares["kernel" if where == "k" else library.partition(".")[0] if name.startswith("0x") else name] += float(share)
    return shares


def one(s, subject, run, *options):
    with rig.Weft(*options, trace=s.trace, way=s.way) as sw:
        sw.rules(s.flows)
        rig.time.sleep(rig.WARM)
        data = f"{rig.WORK}/perf.data"
        with recording(data, *sw.tids()):
            time.sleep(rig.SECONDS)
        counters(sw, s.name, subject, run)
    rig.row("profile", s.name, subject, run, **{f"{n}__percent": share for n, share in functions(report(data)).most_common() if share >= AT_LEAST})


def rows():
    return os.environ.get("PROFILE", "l2 acl1k" if rig.SHORT else ROWS).split()


def steps(runs):
    return rows()


def measure(runs):
    """The number of rows that it could not be asked for."""
    failed = 0
    if not rig.have("perf"):
        rig.say("profile: perf is not installed")
        return 0
    for name in rows():
        progress.begin("profile", name)
        failed += rig.attempt(one, scenario.BY_NAME[name], "weft", 1)
        if not rig.SHORT and (name in WITHOUT.split() or "PROFILE" in os.environ):
            failed += rig.attempt(one, scenario.BY_NAME[name], "weft-nocache", 1, "--cache-entries", "0")
    return failed
