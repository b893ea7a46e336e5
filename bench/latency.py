# SPDX-License-Identifier: Apache-2.0
"""How long a packet takes through a switch between two net_memif ports (latency.c), one way.

        latency, core 0  ---- memif ---->  1 [ the switch, core 1 ] 2  ---- memif ---->  latency

  idle            one packet at a time, 20 us after the one before came back: the packet thread is awake
  0.9 Mpps        900,000 packets a second, evenly spaced
                  (both also as ", 10 ms": percentiles of windows of that length, the median of each, on a machine that others use)
  after silence   one packet every 20 ms: a thread that sleeps has to notice it.  Open vSwitch as it comes does not sleep; "ovs-sleep"
                  has been told to, for up to 500 us
"""
import os
import re
import subprocess
import time

from bench import ovs, rig

# Packets, microseconds between them, or so many a second.
CASES = {"idle": (100000, 20, 0), "0.9 Mpps": (1800000, 0, 900000), "after silence": (150, 20000, 0)}
SHORT = {"idle": (20000, 20, 0), "0.9 Mpps": (900000, 0, 900000), "after silence": (60, 20000, 0)}
FORMAT = "net_memif{n},role={role},id=0,bsize=2048,rsize=10,socket={folder}/memif{n},socket-abstract=no"


def device(role, n, end_number):
    return FORMAT.format(role=role, n=n, folder=rig.WORK).replace(f"net_memif{n}", f"net_memif{end_number}", 1)


def servers():
    """Devices of the switch; what the one before left is in their way."""
    for n in (1, 2):
        if os.path.exists(f"{rig.WORK}/memif{n}"):
            os.unlink(f"{rig.WORK}/memif{n}")
    return [device("server", n, n) for n in (1, 2)]


def measured(sw, case, subject, run):
    count, gap, rate = (SHORT if rig.SHORT else CASES)[case]
    t0, waited = time.monotonic(), rig.waited_ns(sw.pid, "pmd")
    p = subprocess.run(rig.FIRST + [f"{rig.B}/bench/latency", "-l", str(rig.OTHER_CORE), "--no-pci", "--in-memory", "--no-telemetry", "-m", "64",
                                    "--log-level=3", *(f"--vdev={device('client', n, n - 1)}" for n in (1, 2)), "--",
                                    str(count), str(gap), str(rate), "1" if subject == "weft" else "2"], capture_output=True, text=True, timeout=60)
    waited = 100 * (rig.waited_ns(sw.pid, "pmd") - waited) / 1e9 / (time.monotonic() - t0)
    m = re.search(r"sent (\d+) came (\d+) late (\d+) rate (\d+) p50 ([\d.]+) p90 ([\d.]+) p99 ([\d.]+) p999 ([\d.]+) max ([\d.]+)", p.stdout)
    if not m:
        raise RuntimeError("latency: " + (p.stderr + p.stdout)[-300:])
    v = [float(x) for x in m.groups()]
    rig.row("latency", case, subject, run, p50__us=v[4], p90__us=v[5], p99__us=v[6], p999__us=v[7], max__us=v[8], lost__percent=100 * (1 - v[1] / v[0]),
            rate__Mpps=v[3] / 1e6, late__percent=100 * v[2] / v[0], waited__percent=waited)
    m = re.search(r"windows (\d+) p50 ([\d.]+) p99 ([\d.]+)", p.stdout)
    if m and case != "after silence":
        rig.row("latency", case + ", 10 ms", subject, run, p50__us=float(m[2]), p99__us=float(m[3]), windows=float(m[1]))


def of(sw, subject, run, cases):
    for case in cases:
        time.sleep(.5)
        measured(sw, case, subject, run)


def measure(runs):
    for run in range(1, runs + 1):
        with rig.Weft(ports=servers()) as sw:
            sw.rules("port")
            of(sw, "weft", run, CASES)
        if not ovs.program() or not rig.have_hugepages(900):
            continue
        with ovs.Ovs() as sw:
            sw.rules("port", servers())
            of(sw, "ovs", run, CASES)
        if rig.SHORT:
            continue
        with ovs.Ovs(config=["other_config:pmd-maxsleep=500"]) as sw:
            sw.rules("port", servers())
            of(sw, "ovs-sleep", run, ["after silence"])
