# SPDX-License-Identifier: Apache-2.0
"""Connection tracking, judged twice: what a weft-switch does and what Open vSwitch's userspace datapath does.

A test is a function test(lab).  It runs once for each switch, at the same time, each time in network namespaces of its
own, with the same flow texts and the same frames; SWITCH=weft or SWITCH=ovs in the environment runs it for one alone.
What it says:

    lab.check(text, good, why)   must hold.  Of Weft always; of Open vSwitch, too, or it is a difference
    lab.verdict(text, value)     must be the same at both, or it is a difference; want=... is what a standard says,
                                 which Weft must meet

Differences are declared in a dict of the test, text -> why Weft does otherwise.  A difference that is declared and
does not show is a failure as well, so the list is the truth.
"""
import atexit
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from of13 import BUILD, SLOW  # noqa: E402

CLONE_NEWNET = 0x40000000
VSWITCHD = next((p for p in ("/usr/lib/openvswitch-switch/ovs-vswitchd", shutil.which("ovs-vswitchd")) if p and os.access(p, os.X_OK)), None)
ROUTER = "02:00:00:00:00:fe"  # what hosts think their router's address is


def mac_of(number):
    return f"02:00:00:00:00:{number:02x}"


class Lab:
    """Namespaces, a switch in one of them, and hosts at its ports."""

    def __init__(self, kind):
        self.kind = kind
        self.t = f"ct{os.getpid()}"
        self.dir = tempfile.mkdtemp(prefix=self.t + ".")
        self.spaces, self.children, self.ports = [], [], {}
        self.said, self.then = [], time.monotonic()
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_LOGDIR=self.dir, OVS_DBDIR=self.dir, OVS_SYSCONFDIR=self.dir, WEFT_RUNDIR=self.dir)
        atexit.register(self.close)
        self.space("sw")

    # ---- what is said ----

    def say(self, **what):
        now = time.monotonic()
        what["took"], self.then = round(now - self.then, 2), now
        self.said.append(what)

    def check(self, text, good, why=""):
        self.say(text=text, good=bool(good), why=str(why)[-600:] if not good else "")
        return good

    def verdict(self, text, value, want=None):
        self.say(text=text, value=str(value), want=None if want is None else str(want))

    # ---- programs ----

    def run(self, *command, timeout=20, **more):
        return subprocess.run(command, capture_output=True, text=True, errors="replace", env=self.env, timeout=timeout * SLOW, **more)

    def must(self, *command, **more):
        p = self.run(*command, **more)
        if p.returncode:
            raise RuntimeError(f"{' '.join(command)[:300]}: {p.stdout[-300:]}{p.stderr[-700:]}")
        return p.stdout

    def inside(self, space, *command, **more):
        return self.run("ip", "netns", "exec", f"{self.t}-{space}", *command, **more)

    def start(self, space, *command, name=None):
        """In the background; ended with the lab."""
        with open(f"{self.dir}/{name or os.path.basename(command[0])}.log", "a") as log:
            p = subprocess.Popen(["ip", "netns", "exec", f"{self.t}-{space}", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
        self.children.append(p)
        return p

    def end(self, p):
        if p.poll() is None:
            p.terminate()
            try:
                p.wait(10 * SLOW)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()

    def log(self, name):
        with open(f"{self.dir}/{name}.log", errors="replace") as f:
            return f.read()

    def close(self):
        atexit.unregister(self.close)
        for p in reversed(self.children):
            self.end(p)
        for s in self.spaces:
            subprocess.run(["ip", "netns", "del", s], capture_output=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- namespaces and hosts ----

    def space(self, name):
        full = f"{self.t}-{name}"
        self.must("ip", "netns", "add", full)
        self.spaces.append(full)
        self.must("ip", "-n", full, "link", "set", "lo", "up")
        self.inside(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.router_solicitations=0",
                    "net.ipv6.conf.default.mldv2_unsolicited_report_interval=0", "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0",
                    "net.ipv4.ipfrag_time=3", "net.ipv6.ip6frag_time=3")

    def cable(self, a, if_a, b, if_b, mac=None):
        """A veth; packets leave whole and with their checksums."""
        na, nb = f"{self.t}-{a}", f"{self.t}-{b}"
        self.must("ip", "-n", na, "link", "add", if_a, "type", "veth", "peer", "name", if_b, "netns", nb)
        if mac:
            self.must("ip", "-n", nb, "link", "set", if_b, "address", mac)
        for n, i in ((a, if_a), (b, if_b)):
            self.inside(n, "ethtool", "-K", i, "tso", "off", "gso", "off", "gro", "off", "tx", "off", "rx", "off")
            self.must("ip", "-n", f"{self.t}-{n}", "link", "set", i, "up")

    def port(self, number, space, quiet=False):
        """A port of the switch whose other end is eth0 (quiet: no stack behind it) in that namespace."""
        if f"{self.t}-{space}" not in self.spaces:
            self.space(space)
        name, far = f"p{number}", f"x{number}" if quiet else "eth0"
        self.ports[number] = name
        self.cable("sw", name, space, far, mac_of(number))
        self.inside("sw", "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
        if quiet:
            self.inside(space, "sysctl", "-qw", f"net.ipv6.conf.{far}.disable_ipv6=1")
        return far

    def host(self, number, space, *addresses, gateways=()):
        """A host at port 'number'; its gateways are behind the router's MAC."""
        self.port(number, space)
        full = f"{self.t}-{space}"
        for a in addresses:
            self.must("ip", "-n", full, "addr", "add", a, "dev", "eth0", *(["nodad"] if ":" in a else []))
        for g in gateways:
            self.neighbour(space, g, ROUTER)
            self.must("ip", "-n", full, "-6" if ":" in g else "-4", "route", "add", "default", "via", g, "dev", "eth0")

    def neighbour(self, space, address, mac):
        self.must("ip", "-n", f"{self.t}-{space}", "neigh", "replace", address, "lladdr", mac, "dev", "eth0", "nud", "permanent")

    @contextlib.contextmanager
    def within(self, space):
        """This thread's sockets are made there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as home, open(f"/var/run/netns/{self.t}-{space}") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                libc.setns(home.fileno(), CLONE_NEWNET)

    def socket(self, space, *kind):
        with self.within(space):
            return socket.socket(*kind)

    def wire(self, space, interface):
        """What goes over an interface: a packet socket."""
        with self.within(space):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
            s.bind((interface, 3))
        s.settimeout(20)
        return s

    # ---- the switch ----

    def two_threads(self):
        """Options of a weft-switch so that a connection's two directions are two packet threads' where there are the cores."""
        cores = sorted(os.sched_getaffinity(0))
        return ("--pmd-cores", f"{cores[0]},{cores[1]}") if len(cores) > 1 else ()

    def switch(self, *options):
        """Once all ports are there.  Options are a weft-switch's."""
        (self.start_weft if self.kind == "weft" else self.start_ovs)(*options)

    def start_weft(self, *options):
        command = [f"{BUILD}/weft-switch", "--name", "br", *options]
        for n, name in self.ports.items():
            command += ["--port", f"{name}@{n}=af_packet:{name}"]
        self.where = f"unix:{self.dir}/br.sock"
        p = self.start("sw", *command)
        self.daemon = p
        self.until(lambda: " ready: " in self.log("weft-switch") or p.poll() is not None, 30)
        if p.poll() is not None:
            raise RuntimeError("the switch does not start: " + self.log("weft-switch")[-600:])

    def start_ovs(self, *_):
        db = f"{self.dir}/db.sock"
        self.must("ovsdb-tool", "create", f"{self.dir}/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
        self.start("sw", "ovsdb-server", f"{self.dir}/conf.db", f"--remote=punix:{db}", f"--unixctl={self.dir}/db.ctl", "-vconsole:warn")
        self.until(lambda: os.path.exists(db), 10)
        self.vsctl("--no-wait", "init")
        self.daemon = self.start("sw", VSWITCHD, f"unix:{db}", f"--unixctl={self.dir}/vs.ctl", "-vconsole:warn")
        br = f"b{os.getpid()}"
        more = []
        for n, name in self.ports.items():
            more += ["--", "add-port", br, name, "--", "set", "interface", name, f"ofport_request={n}"]
        self.vsctl("add-br", br, "--", "set", "bridge", br, "datapath_type=netdev", "protocols=OpenFlow13", "fail_mode=secure", *more)
        self.where = f"unix:{self.dir}/{br}.mgmt"
        self.until(lambda: os.path.exists(f"{self.dir}/{br}.mgmt"), 10)
        for v in ("v4", "v6"):  # by itself it takes no fragment of less than 1,200 (1,280) bytes
            self.dpctl("ipf-set-min-frag", v, "400")

    def vsctl(self, *words):
        return self.must("ovs-vsctl", "--timeout=20", f"--db=unix:{self.dir}/db.sock", *words)

    def until(self, condition, seconds):
        end = time.monotonic() + max(20, seconds) * SLOW
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def ofctl(self, command, *words, **more):
        tool = [f"{BUILD}/weft-ofctl"] if self.kind == "weft" else ["ovs-ofctl", "-O", "OpenFlow13"]
        return self.must(*tool, command, self.where, *words, **more)

    def flows(self, text, keep=False):
        """Instead of all that there are."""
        if not keep:
            self.ofctl("del-flows")
        lines = [x.strip() for x in text.splitlines() if x.strip() and not x.strip().startswith("#")]
        self.ofctl("add-flows", "-", input="\n".join(lines) + "\n")
        if self.kind == "ovs":  # what it has cached is of the old flows for a while
            self.must("ovs-appctl", "-T", "20", "-t", f"{self.dir}/vs.ctl", "revalidator/wait")

    def dpctl(self, command, *words):
        """A command of connection tracking: weft-ofctl's, or dpctl's of the same name."""
        if self.kind == "weft":
            return self.must(f"{BUILD}/weft-ofctl", command, self.where, *words)
        return self.must("ovs-appctl", "-T", "20", "-t", f"{self.dir}/vs.ctl", f"dpctl/{'ct-stats-show' if command == 'ct-stats' else command}", *words)

    def connections(self, *words):
        """Lines of dump-conntrack."""
        return [x for x in self.dpctl("dump-conntrack", *words).splitlines() if x.strip()]

    def alive(self):
        return self.daemon.poll() is None


# ---- two runs, one judgment ----

def run_one(test, kind, out):
    lab = Lab(kind)
    died = ""
    try:
        test(lab)
        if not lab.alive():
            died = f"the switch has ended: {lab.log('weft-switch' if kind == 'weft' else 'ovs-vswitchd')[-1500:]}"
    except Exception as e:  # whatever it is: the test has not gone to its end
        died = f"{type(e).__name__}: {e} at {traceback.extract_tb(e.__traceback__)[-1]}"
        if not lab.alive() if hasattr(lab, "daemon") else False:
            died += "; the switch has ended: " + lab.log("weft-switch" if kind == "weft" else "ovs-vswitchd")[-1500:]
    if kind == "weft" and hasattr(lab, "daemon"):
        lab.end(lab.daemon)
        if lab.daemon.returncode not in (0, -signal.SIGTERM) and not died:
            died = f"the switch ends with {lab.daemon.returncode}: {lab.log('weft-switch')[-1500:]}"
    lab.close()
    with open(out, "w") as f:
        json.dump(dict(said=lab.said, died=died), f)


class Judge:
    def __init__(self, differences):
        self.differences, self.shown = differences, set()
        self.passed = self.failed = 0

    def line(self, good, text, why=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"{'ok' if good else 'not ok'} - {text}" + (f": {why}" if why else ""), flush=True)

    def pair(self, w, o):
        if "TIMES" in os.environ:
            print("#", *(f"{x['took']:6.2f}" for x in (w, o) if x), "s")
        """What Weft said and what Open vSwitch said of the same thing; None where it did not run."""
        text = (w or o)["text"]
        if "value" in (w or o):
            a, b, want = (w or {}).get("value"), (o or {}).get("value"), (w or o).get("want")
            both = f"{text}: {a if w else b}"
        else:
            a, b, want = (w or {}).get("good"), (o or {}).get("good"), True
            both = text
        subject = a if w else b
        if w and o and a != b:
            if text in self.differences and (want is None or a == want):
                self.shown.add(text)
                return self.line(True, both, f"Open vSwitch {b if 'value' in w else 'does not'}: {self.differences[text]}")
            return self.line(False, text, f"Weft {a}, Open vSwitch {b}" + (f", wanted {want}" if want is not None else "") + "  " + w.get("why", "") + o.get("why", ""))
        good = want is None or subject == want
        self.line(good, both, "" if good else f"wanted {want}: {(w or o).get('why', '')}" if "value" in (w or o) else (w or o).get("why", ""))

    def all(self, results):
        weft, ovs = results.get("weft"), results.get("ovs")
        for r in results.values():
            r["by"] = {}
            for x in r["said"]:
                if x["text"] in r["by"]:
                    self.line(False, f"{x['text']}: said twice")
                r["by"][x["text"]] = x
        missing = 0
        texts = list(dict.fromkeys(t for r in (weft, ovs) if r for t in r["by"]))
        for t in texts:
            w, o = (r["by"].get(t) if r else None for r in (weft, ovs))
            if weft and ovs and not (w and o):
                missing = missing + 1
                if missing > 3 or (weft if o else ovs)["died"]:  # which is said below
                    continue
                self.line(False, t, "judged only of " + ("weft" if w else "ovs"))
            else:
                self.pair(w, o)
        for kind, r in results.items():
            if r["died"]:
                self.line(False, f"{kind}: the test goes to its end", f"{r['died']} ({missing} judged of one switch alone)")
        if weft and ovs and not weft["died"] and not ovs["died"]:
            for t in self.differences:
                if t not in self.shown:
                    self.line(False, f"declared as a difference and none: {t}")


def main(test, differences=None, limit=180):
    kinds = os.environ.get("SWITCH", "weft ovs").split()
    if os.geteuid():
        sys.exit("not ok - needs root")
    if "ovs" in kinds and not (VSWITCHD and shutil.which("ovsdb-server")):
        print("# no Open vSwitch here: Weft alone")
        kinds.remove("ovs")
    folder = tempfile.mkdtemp(prefix=f"ct{os.getpid()}.")
    children = {}
    begin = time.monotonic()
    for kind in kinds:
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
            signal.signal(signal.SIGALRM, lambda *_: sys.exit(1))
            signal.alarm(limit * SLOW)
            run_one(test, kind, f"{folder}/{kind}")
            sys.exit(0)
        children[pid] = kind
    signal.signal(signal.SIGTERM, lambda *_: [os.kill(p, signal.SIGTERM) for p in children] and sys.exit(1))
    results = {}
    for pid, kind in children.items():
        os.waitpid(pid, 0)
        try:
            with open(f"{folder}/{kind}") as f:
                results[kind] = json.load(f)
        except OSError:
            results[kind] = dict(said=[], died=f"not done after {time.monotonic() - begin:.0f} s")
    shutil.rmtree(folder)
    judge = Judge(differences or {})
    judge.all(results)
    print(f"{judge.passed} passed, {judge.failed} failed")
    sys.exit(1 if judge.failed else 0)
