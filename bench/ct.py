# SPDX-License-Identifier: Apache-2.0
"""Connection tracking beyond what rows of forwarding say (ct-udp-1 ... ct-tcp-100k are rows: scenario.py).

  new      a million UDP connections, each seen for the first time: the trace is read once, which costs the source more than a
           trace in memory; "without" is the same trace through as many tables, so what a connection costs is the difference
  memory   of a connection: how resident memory grew by 200,000 and by a million connections
  crowd    a million connections are known, traffic is of 200,000 of them
  flood    10,000 established TCP connections and as many SYNs of nobody's, with room for 30,000 connections in the zone, so that
           each SYN is refused; against the same frames where a flow drops the second half.  delivered: of the established half
"""
import struct
import subprocess
import time

from bench import ovs, progress, rig, traffic

WHAT, ROOM = "ct", 30000


class Weft:
    """What only its commands do."""
    name = "weft"

    def __init__(self, trace=None, how=()):
        options = [*([] if trace else ["--mbufs", str(rig.mbufs("ct-crowd"))]), *how]
        self.sw = rig.Weft(*options, trace=trace, sink=True, eal=() if rig.have_hugepages(600) else ["--no-huge"])
        self.of, self.pid = self.sw.of, self.sw.pid

    def begin(self, rules):
        self.sw.rules(rules)
        self.of = self.sw.of

    def ctl(self, *words):
        return self.sw.run(f"{rig.B}/weftctl", "switch", *words)

    def add_source(self, device):
        self.ctl("port-add", f"unix:{self.sw.socket}", "src@1", f"vdev:{device}")

    def del_source(self):
        self.ctl("port-del", f"unix:{self.sw.socket}", "src")

    def connections(self):
        text = self.sw.run(f"{rig.B}/weft-ofctl", "ct-stats", f"unix:{self.sw.socket}")
        return int(text.partition("Total:")[2].split()[0])

    def limit(self, n):
        self.sw.run(f"{rig.B}/weft-ofctl", "ct-set-limits", f"unix:{self.sw.socket}", f"zone=0,limit={n}")

    def window(self, seconds):
        return self.sw.window(seconds)

    def packet_ns(self):
        return self.sw.packet_ns()

    def close(self):
        self.sw.close()


class Peer:
    """Open vSwitch."""
    name = "ovs"

    def __init__(self, trace=None):
        self.sw = ovs.Ovs(trace=trace, sink=True)
        self.of, self.pid = self.sw.of, self.sw.pid

    def begin(self, rules):
        self.sw.rules(rules)

    def add_source(self, device):
        self.sw.add_port("br0", "src", 1, device)

    def del_source(self):
        self.sw.vsctl("del-port", "br0", "src")

    def connections(self):
        return int(self.sw.ctl("dpctl/ct-get-nconns"))

    def limit(self, n):
        self.sw.ctl("dpctl/ct-set-limits", f"zone=0,limit={n}")

    def window(self, seconds):
        self.sw.warm(4)
        return self.sw.window(seconds)

    def packet_ns(self):
        return self.sw.packet_ns()

    def close(self):
        self.sw.close()


def once(trace):
    return f"net_pcap0,rx_pcap={rig.trace(trace)}"


def read_once(sw, trace):
    """Until all of it has come out: packets a second, and nanoseconds of the packet thread for one."""
    want = traffic.count_in(rig.trace(trace))
    base = sw.of.port_packets(2)[1]
    sw.add_source(once(trace))
    samples, end = [], time.monotonic() + 60
    while time.monotonic() < end:
        t, n, c = time.monotonic(), sw.of.port_packets(2)[1] - base, sw.packet_ns()
        samples.append((t, n, c))
        if n >= want or len(samples) > 100 and n and samples[-100][1] == n:
            break
        time.sleep(0.01)
    done = samples[-1][1]
    first = next((s for s in samples if s[1] > want / 20), samples[0])
    last = next(s for s in samples if s[1] >= done * 0.95)
    if done < want * 0.9 or last[1] <= first[1]:
        raise RuntimeError(f"{done} of {want} packets came out")
    n, wall, ns = last[1] - first[1], last[0] - first[0], last[2] - first[2]
    return dict(rate=n / wall, whole_core=n * 1e9 / ns, cycles=ns / 1e9 * rig.tsc_hz() / n)


def new(make, run):
    for rules, trace in (("ct", "ct-new200k"), ("ct", "ct-new"), ("noct", "ct-new")):
        sw = make()
        try:
            sw.begin(rules)
            time.sleep(0.5)
            m0 = rig.resident_mb(sw.pid)
            got = read_once(sw, trace)
            case = trace if rules == "ct" else "without"
            figures = dict(rate__M_s=got["rate"] / 1e6, whole_core__M_s=got["whole_core"] / 1e6, cycles__cycles_packet=got["cycles"])
            if rules == "ct":
                known = sw.connections()
                figures.update(connections=known, rss__bytes_connection=(rig.resident_mb(sw.pid) - m0) * 1048576 / max(1, known))
            rig.row(WHAT, f"new {case}", sw.name, run, **figures)
        finally:
            sw.close()


def crowd(make, run):
    sw = make()
    try:
        sw.begin("ct")
        read_once(sw, "ct-crowd-new")
        sw.del_source()
        sw.add_source(rig.source("ct-crowd"))
        time.sleep(rig.WARM)
        figures = sw.window(rig.SECONDS)
        rig.row(WHAT, "crowd", sw.name, run, connections=sw.connections(), **figures)
    finally:
        sw.close()


def in_and_out(of):
    """Packets received by port 1 and sent by port 2, at one moment as good as the switch can say."""
    _, reply = of.answer(18, 80, struct.pack("!HHIII", 4, 0, 0, 0xffffffff, 0))
    ports = {struct.unpack_from("!I", reply, at)[0]: struct.unpack_from("!QQ", reply, at + 8) for at in range(8, len(reply) - 111, 112)}
    return ports[1][0], ports[2][1]


def flood(make, run):
    for case in ("ct-calm", "ct-flood"):
        sw = make(trace=case)
        try:
            sw.limit(ROOM)
            sw.begin("ct")
            time.sleep(rig.WARM)
            a = in_and_out(sw.of)
            figures = sw.window(rig.SECONDS)
            b = in_and_out(sw.of)
            rig.row(WHAT, case[3:], sw.name, run, connections=sw.connections(), delivered__percent=200 * (b[1] - a[1]) / max(1, b[0] - a[0]), **figures)
        finally:
            sw.close()


def files(runs):
    return [(f"ct-{name}", "pcap") for name in ("new200k", "new", "crowd-new", "crowd", "calm", "flood")]


def steps(runs):
    return [f"{part} {run}" for run in range(1, min(runs, 3) + 1) for part in ("new", "crowd", "flood")]


def measure(runs):
    failed = 0
    makers = [Weft] + ([Peer] if ovs.program() and rig.have_hugepages(900) else [])
    for run in range(1, min(runs, 3) + 1):
        for part in (new, crowd, flood):
            progress.begin(WHAT, f"{part.__name__} {run}")
            for make in makers[:1] if rig.SHORT and part is not new else makers:
                try:
                    part(make, run)
                except (RuntimeError, OSError, subprocess.SubprocessError) as e:
                    failed += 1
                    rig.say(f"ct {part.__name__} {make.name}: {e}")
    return failed
