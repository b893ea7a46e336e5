# SPDX-License-Identifier: Apache-2.0
"""How long a packet takes through a switch between two net_memif ports (latency.c), one way.

        latency, core 0  ---- memif ---->  1 [ the switch, core 1 ] 2  ---- memif ---->  latency

  idle            one packet at a time, 20 us after the one before came back: the packet thread is awake
  0.9 Mpps        900,000 packets a second, evenly spaced
                  (both also as ", 10 ms": percentiles of windows of that length, the median of each, on a machine that others use)
  after silence   one packet every 20 ms: a thread that sleeps has to notice it.  Open vSwitch as it comes does not sleep; "ovs-sleep"
                  has been told to, for up to 500 us

Both switches are there at the same time, each with two devices of its own, and have windows of 10 ms in turn; whose turn it is not
is stopped (SIGSTOP), as both packet threads have the same core.  In the first run Weft does the first two alone once more, while
`weftctl switch perf` has a look: who asks is on the sender's core, so that those times count for nothing, but stages' cycles do.
"""
import contextlib
import os
import re
import signal
import subprocess
import time

from bench import ovs, progress, rig

# Packets, microseconds between them, or so many a second.
CASES = {"idle": (100000, 20, 0), "0.9 Mpps": (1800000, 0, 900000), "after silence": (150, 20000, 0)}
SHORT = {"idle": (20000, 20, 0), "0.9 Mpps": (900000, 0, 900000), "after silence": (60, 20000, 0)}
FORMAT = "net_memif{n},role={role},id=0,bsize=2048,rsize=10,socket={folder}/memif{n},socket-abstract=no"


def device(role, n, end_number):
    return FORMAT.format(role=role, n=n, folder=rig.WORK).replace(f"net_memif{n}", f"net_memif{end_number}", 1)


def servers(first=1):
    """Devices of the switch; what the one before left is in their way."""
    numbers = (first, first + 1)
    for n in numbers:
        if os.path.exists(f"{rig.WORK}/memif{n}"):
            os.unlink(f"{rig.WORK}/memif{n}")
    return [device("server", n, n) for n in numbers]


def words(line):
    v = re.match(r"sent (\d+) came (\d+) late (\d+) rate (\d+) p50 ([\d.]+) p90 ([\d.]+) p99 ([\d.]+) p999 ([\d.]+) max ([\d.]+) "
                 r"windows (\d+) p50 ([\d.]+) p99 ([\d.]+)$", line)
    return v and [float(x) for x in v.groups()]


def command(switches, case):
    """'switches': (subject, program, queues that it sends by), each with two devices, numbered in that order."""
    devices = [f"--vdev={device('client', n, n - 1)}" for n in range(1, 1 + 2 * len(switches))]
    return rig.FIRST + [f"{rig.B}/bench/latency", "-l", str(rig.OTHER_CORE), "--no-pci", "--in-memory", "--no-telemetry", "-m", "64",
                        "--log-level=3", *devices, "--", *map(str, (SHORT if rig.SHORT else CASES)[case]),
                        *(f"{queues}:{sw.pid}" for _, sw, queues in switches)]


def measured(switches, case, run):
    t0, waited = time.monotonic(), [rig.waited_ns(sw.pid, "pmd") for _, sw, _ in switches]
    try:
        p = subprocess.run(command(switches, case), capture_output=True, text=True, timeout=90)
    finally:
        for _, sw, _ in switches:
            os.kill(sw.pid, signal.SIGCONT)
    found = [words(line) for line in p.stdout.splitlines()]
    if len(found) != len(switches) or not all(found):
        raise RuntimeError("latency: " + (p.stderr + p.stdout)[-300:])
    seconds = (time.monotonic() - t0) / len(switches)
    for (subject, sw, _), v, before in zip(switches, found, waited):
        rig.row("latency", case, subject, run, p50__us=v[4], p90__us=v[5], p99__us=v[6], p999__us=v[7], max__us=v[8],
                lost__percent=100 * (1 - v[1] / v[0]), rate__Mpps=v[3] / 1e6, late__percent=100 * v[2] / v[0],
                waited__percent=(rig.waited_ns(sw.pid, "pmd") - before) / 1e7 / seconds)
        if case != "after silence":
            rig.row("latency", case + ", 10 ms", subject, run, p50__us=v[10], p99__us=v[11], windows=v[9])


def of(switches, run, cases):
    for case in cases:
        time.sleep(.5)
        measured(switches, case, run)


def stages(run):
    """Where the packet thread's cycles go."""
    with rig.Weft(ports=servers()) as sw:
        sw.rules("port")
        for case in ("idle", "0.9 Mpps"):
            with subprocess.Popen(command([("weft", sw, 1)], case), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
                try:
                    time.sleep(1)  # it has begun, and goes on for more than another one
                    rig.row("latency", case, "stages", run, **sw.stages(.5))
                finally:
                    p.wait(timeout=60)


def beside(run):
    with contextlib.ExitStack() as both:
        sw = both.enter_context(rig.Weft(ports=servers()))
        sw.rules("port")
        switches = [("weft", sw, 1)]
        if ovs.program() and rig.have_hugepages(900):
            sw = both.enter_context(ovs.Ovs())
            sw.rules("port", servers(3))
            switches.append(("ovs", sw, 2))
        of(switches, run, CASES)


def asleep(run):
    with ovs.Ovs(config=["other_config:pmd-maxsleep=500"]) as sw:
        sw.rules("port", servers())
        of([("ovs-sleep", sw, 2)], run, ["after silence"])


def steps(runs):
    return [f"run {run}" for run in range(1, runs + 1)]


def measure(runs):
    """The number of what could not be measured."""
    failed = 0
    for run in range(1, runs + 1):
        progress.begin("latency", f"run {run}")
        failed += rig.attempt(beside, run)
        if rig.SHORT:
            continue
        if run == 1:
            failed += rig.attempt(stages, run)
        if ovs.program() and rig.have_hugepages(900):
            failed += rig.attempt(asleep, run)
    return failed
