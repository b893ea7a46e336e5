# SPDX-License-Identifier: Apache-2.0
"""What can be had at best: DPDK alone, without a switch.

  testpmd       its io and mac modes on the same trace, from the same source to the same sink
  source        cycles that the source takes for a packet, and the give-back of its buffer (source_alone.c): what is taken off
                to say what a switch alone costs
  rte_acl       lookups in the same list of rules with the same headers, without packets (acl_alone.c)
"""
import glob
import os
import re
import signal
import struct
import subprocess
import time

from bench import rig, traffic, traffic_acl


def eal(name):
    return ["-l", str(rig.PACKET_CORE), "--no-pci", "--in-memory", f"--vdev={rig.source(name)}", "--log-level=4"]


def had(pid):
    """Nanoseconds on a core, of each thread."""
    found = {}
    for task in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(task) as f:
            found[task] = int(f.read().split()[0])
    return found


def testpmd(name, mode, seconds):
    folder = f"{rig.WORK}/testpmd"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/log", "w+") as log:
        p = subprocess.Popen(
            rig.FIRST + ["dpdk-testpmd", "-l", f"{rig.OTHER_CORE},{rig.PACKET_CORE}", "--no-pci", "--in-memory",
                         f"--vdev={rig.source(name)}", "--vdev=net_null1,size=64,no-rx=1", "--", f"--forward-mode={mode}", "--nb-cores=1",
                         "--burst=32", f"--total-num-mbufs={rig.mbufs(name)}", "--no-lsc-interrupt", "--stats-period=1",
                         "--auto-start"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        text = lambda: open(f"{folder}/log", errors="replace").read()  # noqa: E731
        counts = lambda: [int(x) for x in re.findall(r"NIC statistics for port 1.*?TX-packets:\s*(\d+)", text(), re.S)]  # noqa: E731
        try:
            rig.wait_until(lambda: len(counts()) >= 2 or p.poll() is not None, 20, "testpmd forwards")
            if p.poll() is not None:
                raise RuntimeError("testpmd: " + text()[-300:])
            n0 = len(counts())
            rig.wait_until(lambda: len(counts()) > n0 or p.poll() is not None, 3, "testpmd counts")
            a, c0, t0 = counts()[-1], had(p.pid), time.monotonic()
            n1 = len(counts()) + max(1, round(seconds))
            rig.wait_until(lambda: len(counts()) >= n1 or p.poll() is not None, seconds + 5, "testpmd counts")
            b, c1, t1 = counts()[-1], had(p.pid), time.monotonic()
        finally:
            rig.end(p.pid, signal.SIGINT)
    if b <= a:
        raise RuntimeError("testpmd: " + text()[-300:])
    return rig.shared((b - a) / (t1 - t0), t1 - t0, max(c1[t] - c0.get(t, 0) for t in c1))


def source(name):
    """Cycles for receiving, cycles for giving back."""
    rig.trace(name)
    p = subprocess.run(rig.FIRST + [f"{rig.B}/bench/source_alone", *eal(name), "--", str(rig.mbufs(name)), "60"], capture_output=True,
                       text=True, timeout=60)
    m = re.search(r"([\d.]+) cycles rx ([\d.]+) cycles free", p.stdout)
    if not m:
        raise RuntimeError("source_alone: " + (p.stderr + p.stdout)[-300:])
    return float(m[1]), float(m[2])


def headers(path):
    for data in traffic.frames_in(path):
        src, dst, sport, dport = struct.unpack_from("!IIHH", data, 26)
        yield f"{src} {dst} {data[23]} {sport} {dport}\n"


def rte_acl(n_rules, name, seconds):
    """Lookups a second, cycles of one."""
    folder = f"{rig.WORK}/rte_acl"
    os.makedirs(folder, exist_ok=True)
    span = lambda v: f"{v[0]} {v[0] | 0xffff & ~v[1]}"  # noqa: E731
    with open(f"{folder}/rules", "w") as f:
        f.writelines(f"{src} {s} {dst} {d} {proto} {span(sport)} {span(dport)}\n"
                     for src, s, dst, d, proto, sport, dport in traffic_acl.rules(n_rules))
    with open(f"{folder}/keys", "w") as f:
        f.writelines(headers(rig.trace(name)))
    p = subprocess.run(rig.FIRST + [f"{rig.B}/bench/acl_alone", "-l", str(rig.PACKET_CORE), "--no-pci", "--no-huge", "-m", "2048",
                                    "--log-level=4", "--", f"{folder}/rules", f"{folder}/keys", str(seconds)],
                       capture_output=True, text=True, timeout=120)
    m = re.search(r"(\d+) lookups/s ([\d.]+) cycles ([\d.]+) hits", p.stdout)
    if not m:
        raise RuntimeError("acl_alone: " + (p.stderr + p.stdout)[-300:])
    return dict(lookups__Mpps=float(m[1]) / 1e6, on_core__cycles_packet=float(m[2]), matched__percent=100 * float(m[3]))
