# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks run: a weft-switch (Open vSwitch: ovs.py, DPDK alone: limit.py); and where their figures go.

        net_pcap (the trace, for ever) ---> 1 [ the switch under test ] 2 ---> net_null (frees what it gets)

The packet thread of each has core PACKET_CORE, everything else core OTHER_CORE.  Each lives in a folder of its own
and is ended, by its pid, when it is closed.
"""
import contextlib
import ctypes
import functools
import glob
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

from bench import figures, traffic

B = os.path.abspath(os.environ.get("B", "build"))
WORK = os.environ.get("BENCH_WORK", "/tmp/weft-bench-%d" % os.getpid())
KEPT = f"{B}/bench"  # from run to run: traces, and programs that are not installed
TRACES = f"{KEPT}/traces-{traffic.version()}"
SECONDS = float(os.environ.get("SECONDS_EACH", "1"))
SHORT = bool(os.environ.get("BENCH_SHORT"))
WARM = 1.0  # the flow cache is filled and has been tried by then
OTHER_CORE, PACKET_CORE = 0, 1
CLONE_NEWNET = 0x40000000
MBUFS = 131072  # or as many as the trace needs
SPARE = 16384
FIRST = ["nice", "-n", "-19"]  # before everybody else on a machine that is shared
ELSEWHERE = ["taskset", "-c", str(OTHER_CORE)]

_out = sys.stdout
_path = ""


_done = set()


def done(*key):
    """Whether that row is in the file already, from a run that was broken off (--append): measurement, case, subject, run."""
    return tuple(map(str, key)) in _done


def rows_to(path):
    global _out, _path
    _path = path
    if os.path.exists(path):
        with open(path) as f:
            _done.update(tuple(line.split("\t")[:4]) for line in f if not line.startswith("#"))
    _out = open(path, "a", buffering=1)


def so_far():
    """What the file has (figures.read())."""
    return figures.read(_path)[1] if _path else {}


def row(what, case, subject, run, **figures):
    """One line for each figure; a name ends with its unit after '__'.  What is in the file already stays as it is."""
    if done(what, case, subject, run):
        return
    for name, value in figures.items():
        name, _, unit = name.rpartition("__") if "__" in name else (name, "", "")
        text = value if isinstance(value, str) else f"{value:.6g}"
        print(what, case, subject, run, name, text, "/".join(unit.rsplit("_", 1)), sep="\t", file=_out)
    say(f"{what} {case} {subject} #{run}: " +
        " ".join(f"{k.rpartition('__')[0] or k}={v if isinstance(v, str) else format(v, '.4g')}" for k, v in figures.items()))


def say(text):
    print(text, file=sys.stderr, flush=True)


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


@contextlib.contextmanager
def within(seconds, what):
    """What takes longer is an error; in the main thread."""
    def late(*_):
        raise RuntimeError(f"{what}: not within {seconds} s")
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def attempt(what, *arguments, **more):
    """Does that; what goes wrong is said, and the number of it is the answer: others go on."""
    try:
        what(*arguments, **more)
    except (RuntimeError, OSError, subprocess.SubprocessError) as e:
        say(f"{what.__module__.rpartition('.')[2]} {' '.join(str(a) for a in arguments if isinstance(a, (str, int)))}: {e}")
        return 1
    return 0


def end(pid, how=signal.SIGTERM):
    """Ends a process that we started and waits until it is gone, child or not."""
    for sig in (how, signal.SIGKILL):
        try:
            os.kill(pid, sig)
            for _ in range(250):
                try:
                    if os.waitpid(pid, os.WNOHANG)[0]:
                        return
                except ChildProcessError:
                    os.kill(pid, 0)
                time.sleep(0.02)
        except ProcessLookupError:
            return


def rss_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


def resident_mb(pid):
    """With what is in hugepages."""
    with open(f"/proc/{pid}/status") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith(("VmRSS", "HugetlbPages"))) / 1024


def waited_ns(pid, thread):
    """Time that threads of that name could have run and others had the core."""
    return cpu_ns(pid, thread, 1)


def cpu_ns(pid, thread="*", which=0):
    """Time on a processor of all threads, or of those with that name."""
    total = 0
    for task in glob.glob(f"/proc/{pid}/task/*"):
        with open(f"{task}/comm") as f:
            name = f.read().strip()
        if thread == "*" or name.startswith(thread):
            with open(f"{task}/schedstat") as f:
                total += int(f.read().split()[which])
    return total


def have(package_file):
    return shutil.which(package_file) is not None


def tsc_hz():
    with open("/proc/cpuinfo") as f:
        return next(float(line.split(":")[1]) for line in f if line.startswith("cpu MHz")) * 1e6


def shared(rate, wall, ran_ns):
    """What else a window says: a packet thread that others push off its core did not cost those cycles."""
    return dict(rate__Mpps=rate / 1e6, whole_core__Mpps=rate * wall / max(1, ran_ns) * 1e3, on_core__cycles_packet=ran_ns / 1e9 * tsc_hz() / max(1, rate * wall),
                core_share__percent=ran_ns / wall / 1e7)


# ---- OpenFlow, as much of it as measuring needs ----

OFP_VERSION, WEFT = 4, 0x57454654


def message(kind, xid, body=b""):
    return struct.pack("!BBHI", OFP_VERSION, kind, 8 + len(body), xid) + body


class OpenFlow:
    """A connection to a switch's local socket."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(60)
        self.s.connect(path)
        self.s.sendall(message(0, 1))
        self.buffer = bytearray()

    def close(self):
        self.s.close()

    def receive(self):
        """Type, xid, body; answers echo requests by itself."""
        while True:
            while len(self.buffer) < 8 or len(self.buffer) < self.buffer[2] << 8 | self.buffer[3]:
                more = self.s.recv(1 << 16)
                if not more:
                    raise RuntimeError("the switch closed the connection")
                self.buffer += more
            kind, n, xid = self.buffer[1], self.buffer[2] << 8 | self.buffer[3], struct.unpack_from("!I", self.buffer, 4)[0]
            body = bytes(self.buffer[8:n])
            del self.buffer[:n]
            if kind != 2:
                return kind, xid, body
            self.s.sendall(message(3, xid, body))

    def answer(self, kind, xid, body=b""):
        self.s.sendall(message(kind, xid, body))
        while True:
            got, its_xid, reply = self.receive()
            if its_xid == xid and got != 0:
                return got, reply

    def port_packets(self, port):
        """Received and sent, of a port."""
        kind, reply = self.answer(18, 77, struct.pack("!HHIII", 4, 0, 0, port, 0))
        if kind != 19 or len(reply) < 40:
            raise RuntimeError(f"no counters of port {port}")
        return struct.unpack_from("!QQ", reply, 8 + 8)

    def stats(self):
        """A weft-switch's Stats (ofproto/weft.proto), of all packet threads together."""
        kind, reply = self.answer(4, 78, struct.pack("!II", WEFT, 1) + b"\x2a\x00")
        if kind != 4:
            raise RuntimeError("the switch does not say its statistics")
        sums = dict(busy=0, idle=0, packets=0, hits=0, misses=0, hz=0)
        for f, body in protobuf(first(reply[8:], 7)):
            if f == 3:
                for name, n in (("busy", 3), ("idle", 4), ("packets", 5), ("hz", 7)):
                    sums[name] += first(body, n, 0)
            elif f == 4:
                sums["hits"] += first(body, 1, 0)
                sums["misses"] += first(body, 2, 0)
        return sums


def protobuf(data):
    """Fields of a message: number and value; an integer or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        value = varint()
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        yield key >> 3, value


def first(data, number, otherwise=b""):
    return next((v for f, v in protobuf(data) if f == number), otherwise)


# ---- the switches ----

class Program:
    def __init__(self, name):
        self.folder = f"{WORK}/{name}"
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)

    def run(self, *command, **more):
        p = subprocess.run(command, capture_output=True, text=True, **more)
        if p.returncode:
            raise RuntimeError(f"{' '.join(command)}: {p.stderr.strip()[-400:]}")
        return p.stdout

    def log_tail(self):
        with open(f"{self.folder}/log", errors="replace") as f:
            return f.read()[-800:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def source(name):
    return f"net_pcap0,rx_pcap={trace(name)},infinite_rx=1"


def trace(name):
    return traffic.need(TRACES, name, "pcap")


@functools.cache
def mbufs(name):
    """As many as the trace has frames, since the source keeps all of them, and some."""
    return max(MBUFS, traffic.count_in(trace(name)) + SPARE)


class Weft(Program):
    """Way "encap": out by a VXLAN port on port 2, whose neighbour answers once (traffic_tables.neighbour()); "decap": in by one on port 1; 'tunnels': instead
    as many of them, each for a network of its own, as ports 101 on."""
    name = "weft"

    def __init__(self, *options, trace=None, sink=False, eal=(), out="", way="", sinks=1, ports=(), cores=str(PACKET_CORE), mtu=0, tunnels=0):
        super().__init__(self.name)
        out += f";mtu={mtu}" if mtu else ""
        self.socket = f"{self.folder}/sw.sock"
        command = FIRST + [f"{B}/weft-switch", "--name", "bench", "--socket", self.socket,
                           "--pmd-cores", cores, *options]
        if trace:
            command += ([] if "--mbufs" in options else ["--mbufs", str(mbufs(trace))]) + ["--port", f"src@1=vdev:{source(trace)}" + (f";mtu={mtu}" if mtu else "")]
        if way == "encap":
            command += ["--port", f"dst@2=vdev:net_pcap1,rx_pcap={traffic.need(TRACES, 'neighbour', 'pcap')}"]
        elif trace or sink:
            for i in range(sinks):
                command += ["--port", f"dst{i or ''}@{2 + i}=vdev:net_null{1 + i},size=64,no-rx=1" + out]
        for i, device in enumerate(ports):
            command += ["--port", f"p{1 + i}@{1 + i}=vdev:{device}"]
        for vni in range(1, tunnels + 1):
            command += ["--port", f"t{vni}@{100 + vni}=vxlan:local=10.99.99.1/24,uplink=dst,remote=10.99.99.2,vni={vni}"]
        if way and not tunnels:
            command += ["--port", f"vx@10=vxlan:local=10.99.99.1/24,uplink={'dst' if way == 'encap' else 'src'},remote=10.99.99.2,vni=flow"]
        command += ["--", *eal] if eal else []
        with open(f"{self.folder}/log", "w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.pid = self.process.pid
        try:
            wait_until(lambda: " ready: " in self.log_tail() or self.process.poll() is not None, 20, "weft-switch starts")
            if self.process.poll() is not None:
                raise RuntimeError("weft-switch does not start: " + self.log_tail())
            os.sched_setaffinity(self.pid, {OTHER_CORE})  # its control thread; the others have their places
            self.of = OpenFlow(self.socket)
        except BaseException:
            end(self.pid)
            raise

    def close(self):
        self.of.close()
        end(self.pid)

    def rules(self, name, *options):
        """How many seconds that took.  Meanwhile nobody answers the switch's echo requests here, so the connection is a new one."""
        self.of.close()
        path, t0 = traffic.need(TRACES, name, "flows"), time.monotonic()
        self.run(f"{B}/weft-ofctl", *(options or ["--bundle"]), "add-flows", f"unix:{self.socket}", path)
        self.of = OpenFlow(self.socket)
        return time.monotonic() - t0

    def settle(self):
        """Waits while a table of many masks is in tuples: trees are built aside when it has calmed down, by a thread "cuts"; if they do
        not pay, it ends and all stays as it is.  How many seconds."""
        built = t0 = time.monotonic()
        while True:
            built = time.monotonic() if cpu_ns(self.pid, "cuts") else built
            tables = self.ctl("perf", self.socket, "--seconds=0")["threads"][0]["tables"]
            waiting = [t["rules"] for t in tables if t["template"] == "tuple" and t["masks"] >= 4]
            if not waiting or time.monotonic() - built > 2 or time.monotonic() - t0 > 4 + max(waiting) / 15000:
                return time.monotonic() - t0
            self.of.answer(2, 75)  # an echo: and its own are answered, or we are taken for dead
            time.sleep(.2)

    def drops(self):
        """Name and count, of what was dropped."""
        kind, reply = self.of.answer(4, 79, struct.pack("!II", WEFT, 1) + b"\x2a\x00")
        rows = [body for f, body in protobuf(first(reply[8:], 7)) if f == 2] if kind == 4 else []
        return {first(r, 1).decode(): first(r, 3) for r in rows if first(r, 3, 0)}

    def ctl(self, *words):
        """What weftctl says as JSON."""
        return json.loads(self.run(f"{B}/weftctl", "-o", "json", "switch", *words))

    def stages(self, seconds=.5):
        """Cycles of a packet in each stage, and those of one lookup in each table that was searched; what the flow cache says of itself; and
        the share of packets that went by routes."""
        t = self.ctl("perf", self.socket, f"--seconds={seconds}")["threads"][0]
        found = {f"stage {s['stage']}__cycles_packet": s["cycles_per_packet"] for s in t["stages"] if s["cycles_per_packet"] >= .05}
        found.update({f"table {x['table']} ({x['template']})__cycles_lookup": x["cycles_per_lookup"] for x in t["tables"] if x["searched"] >= 1})
        found[f"cache {t['cache'].get('state', '?')}: {t['cache'].get('why', '')}__ways"] = t["cache"].get("ways", 0)
        found.update({"routed__percent": t["routed"]} if t["routed"] >= .1 else {})
        return found

    def drained(self):
        """Takes all sources away, waits until nothing is under way, and says what is missing: packets, and buffers that nobody gave back."""
        for port in self.ctl("ports", self.socket):
            if "net_pcap" in port["spec"]:
                self.ctl("port-del", self.socket, port["name"])

        def now():
            n = self.ctl("stats", self.socket)
            return n["rx"] + n["created"] - n["tx"] - n["consumed"] - n["dropped"]
        missing = now()
        for _ in range(50):  # what the control thread has of it
            if not missing:
                break
            time.sleep(.1)
            missing = now()
        in_use = self.buffers()
        if missing or in_use:
            raise RuntimeError(f"{missing} packets are missing, {in_use} buffers are not given back")
        return dict(lost__packets=missing, held__buffers=in_use)

    def buffers(self):
        """Packet buffers in use, of the pool that all share."""
        kind, reply = self.of.answer(4, 79, struct.pack("!II", WEFT, 1) + b"\x2a\x00")
        return sum(first(body, 3, 0) for f, body in protobuf(first(reply[8:], 7)) if f == 6) if kind == 4 else -1

    def memory(self):
        return "hugepages" if "no hugepages" not in self.log_tail() else "no hugepages"

    def packet_ns(self):
        return cpu_ns(self.pid, "pmd")

    def tids(self):
        for task in glob.glob(f"/proc/{self.pid}/task/*"):
            with open(f"{task}/comm") as f:
                if f.read().startswith("pmd"):
                    yield os.path.basename(task)

    def window(self, seconds, sinks=1):
        """Packets sent by the sinks, per second, and what one cost."""
        sent = lambda: (0, sum(self.of.port_packets(2 + i)[1] for i in range(sinks)))  # noqa: E731
        s0, (_, a), c0, t0 = self.of.stats(), sent(), self.packet_ns(), time.monotonic()
        time.sleep(seconds)
        s1, (_, b), c1, t1 = self.of.stats(), sent(), self.packet_ns(), time.monotonic()
        packets = max(1, s1["packets"] - s0["packets"])
        looked_up = max(1, s1["hits"] + s1["misses"] - s0["hits"] - s0["misses"])
        return dict(shared((b - a) / (t1 - t0), t1 - t0, c1 - c0), busy__cycles_packet=(s1["busy"] - s0["busy"]) / packets,
                    cache_hits__percent=100 * (s1["hits"] - s0["hits"]) / looked_up)


def have_hugepages(mb):
    with open("/proc/meminfo") as f:
        facts = dict(line.split(":") for line in f)
    return int(facts["HugePages_Free"]) * int(facts["Hugepagesize"].split()[0]) >= mb * 1024


def enter(namespace):
    """This thread, and the programs that it starts, into a network namespace that is open as a file."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
