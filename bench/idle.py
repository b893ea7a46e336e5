# SPDX-License-Identifier: Apache-2.0
"""What a switch costs that has nothing to do: time on a processor of all its threads.

  2 memif         ports that tell of frames, silent, with somebody at their other ends; also Open vSwitch, as it comes ("ovs") and told
                  to sleep up to 500 us ("ovs-sleep")
  2 null          ports that tell nobody of frames, so that a thread has to look; "bare" is a thread that does nothing but sleep as
                  long (sleep_alone.c): what the machine takes for waking up
  4 af_packet     that stand on veths
  no ports

How late the first packet after silence is, with the ports of the first case, is in latency.py."""
import re
import subprocess
import time

from bench import latency, ovs, rig

LOOKS_EVERY_US = 250  # DOZE_BRIEFLY_US, datapath/doze.h


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def watch(sw, case, subject, runs):
    time.sleep(1)
    for run in range(1, runs + 1):
        c0, t0 = rig.cpu_ns(sw.pid), time.monotonic()
        time.sleep(rig.SECONDS)
        c1, t1 = rig.cpu_ns(sw.pid), time.monotonic()
        rig.row("idle", case, subject, run, cpu__percent=(c1 - c0) / (t1 - t0) / 1e7, rss__MB=rig.rss_mb(sw.pid))


class Peer(rig.Weft):
    """Has the other ends of memif ports, and sleeps."""
    name = "peer"

    def __init__(self, first):
        super().__init__(ports=[latency.device("client", n, n - 1) for n in (first, first + 1)], cores=str(rig.OTHER_CORE))


def peers(runs):
    case = "2 memif"
    with rig.Weft(ports=latency.servers()) as sw, Peer(1):
        watch(sw, case, "weft", runs)
    if ovs.program() and rig.have_hugepages(900):
        for subject, config in (("ovs", []), ("ovs-sleep", ["other_config:pmd-maxsleep=500"])):
            with ovs.Ovs(config=config) as sw:
                sw.rules("port", latency.servers())
                with Peer(1):
                    watch(sw, case, subject, runs)


def nobody_tells(runs):
    case = "2 null"
    with rig.Weft(ports=[f"net_null{n},size=64,no-rx=1" for n in (1, 2)]) as sw:
        watch(sw, case, "weft", runs)
    for run in range(1, runs + 1):
        said = rig.Program("sleep").run("taskset", "-c", str(rig.PACKET_CORE), f"{rig.B}/bench/sleep_alone", str(LOOKS_EVERY_US), str(rig.SECONDS))
        cpu, late = re.match(r"cpu ([\d.]+) late ([\d.]+)", said).groups()
        rig.row("idle", case, "bare", run, cpu__percent=float(cpu), late__us=float(late))


def with_veths(runs):
    """In a namespace that is made for it."""
    space = "weft-bench-%d" % rig.os.getpid()
    ip("netns", "add", space)
    try:
        for i in (1, 2):
            ip("-n", space, "link", "add", f"a{i}", "type", "veth", "peer", "name", f"b{i}")
        for name in ("a1", "b1", "a2", "b2"):
            subprocess.run(["ip", "netns", "exec", space, "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1"], check=True)
            ip("-n", space, "link", "set", name, "up")
        with open(f"/run/netns/{space}") as theirs, open("/proc/self/ns/net") as ours:
            rig.enter(theirs)
            try:
                for case, names in (("no ports", ()), ("4 af_packet", ("a1", "b1", "a2", "b2"))):
                    with rig.Weft(*(x for n in names for x in ("--port", f"{n}=af_packet:{n}"))) as sw:
                        watch(sw, case, "weft", runs)
            finally:
                rig.enter(ours)
    finally:
        ip("netns", "del", space)


def measure(runs):
    peers(runs)
    nobody_tells(runs)
    with_veths(runs)
