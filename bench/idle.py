# SPDX-License-Identifier: Apache-2.0
"""What a switch costs that has nothing to do: time on a processor of all its threads; with two silent ports next to Open
vSwitch, as it comes and told to sleep up to 500 us; with four af_packet ports that stand on veths; and with none at all.  How
late the first packet after silence is, is in latency.py."""
import subprocess
import time

from bench import ovs, rig


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def watch(sw, case, subject, runs):
    time.sleep(1)
    for run in range(1, runs + 1):
        c0, t0 = rig.cpu_ns(sw.pid), time.monotonic()
        time.sleep(rig.SECONDS)
        c1, t1 = rig.cpu_ns(sw.pid), time.monotonic()
        rig.row("idle", case, subject, run, cpu__percent=(c1 - c0) / (t1 - t0) / 1e7, rss__MB=rig.rss_mb(sw.pid))


def silent(runs):
    case, ports = "2 silent ports", [f"net_null{n},size=64,no-rx=1" for n in (1, 2)]
    with rig.Weft(ports=ports) as sw:
        watch(sw, case, "weft", runs)
    if ovs.program() and rig.have_hugepages(900):
        for subject, config in (("ovs", []), ("ovs-sleep", ["other_config:pmd-maxsleep=500"])):
            with ovs.Ovs(config=config) as sw:
                sw.rules("port", ports)
                watch(sw, case, subject, runs)


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
    silent(runs)
    with_veths(runs)
