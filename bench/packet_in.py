# SPDX-License-Identifier: Apache-2.0
"""Packet-ins at the controller: emulated switches (packet_in.c), app l2; next to ovs-testcontroller (subject ovs) where it is installed.

Every packet-in is a table-miss with the whole frame, so that flow_mods for its sender and a packet_out are the answer; it counts when
the packet_out brings the frame back.  Controllers take turns, each run is a new process; it and the load share the cores.
"""
import contextlib
import os
import shutil
import subprocess
import tempfile

from bench import control, rig

CASES = (("16 switches, window 64", 16, 64, "known"), ("16 switches, window 1", 16, 1, "known"), ("1 switch, window 1", 1, 1, "known"),
         ("16 switches, window 64, new stations", 16, 64, "new"))
SECONDS = 2


def weft(folder, port):
    return [f"{rig.B}/weft-controller", "--listen", f"tcp:{port}:127.0.0.1", "--rest", f"127.0.0.1:{control.free_port()}",
            "--store", f"sqlite:{folder}/weft.db", "--log", "error"]


def testcontroller(folder, port):
    return ["ovs-testcontroller", "-O", "OpenFlow13", f"--unixctl={folder}/ctl", "-vconsole:off", "-vsyslog:off", f"ptcp:{port}:127.0.0.1"]


@contextlib.contextmanager
def controller(command):
    folder, port = tempfile.mkdtemp(prefix="weft-packet-in-"), control.free_port()
    p = subprocess.Popen(command(folder, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        rig.wait_until(lambda: listens(port), 20, "the controller")
        yield p.pid, port
    finally:
        rig.end(p.pid)
        shutil.rmtree(folder, ignore_errors=True)


def listens(port):
    with open("/proc/net/tcp") as f:
        return any(line.split()[1] == f"0100007F:{port:04X}" and line.split()[3] == "0A" for line in f.readlines()[1:])


def once(command, switches, window, kind, seconds):
    with controller(command) as (pid, port):
        out = subprocess.run([f"{rig.B}/bench/packet_in", f"127.0.0.1:{port}", str(switches), str(window), str(seconds), kind], check=True,
                             capture_output=True, text=True, timeout=120).stdout
        answered, flow_mods, packet_outs, p50, p99, most, lost = (float(x) for x in out.split())
        return dict(answered__1_s=answered, flow_mods__1_s=flow_mods, packet_outs__1_s=packet_outs, p50__us=p50, p99__us=p99, most__us=most,
                    lost=lost, rss__MB=rig.rss_mb(pid))


def measure(runs):
    subjects = [("weft", weft)] + ([("ovs", testcontroller)] if shutil.which("ovs-testcontroller") else [])
    seconds = 0.5 if os.environ.get("BENCH_SHORT") else SECONDS
    for run in range(1, runs + 1):
        for case, switches, window, kind in CASES:
            for name, command in subjects:
                rig.row("packet_in", case, name, run, **once(command, switches, window, kind, seconds))
