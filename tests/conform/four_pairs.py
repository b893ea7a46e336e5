#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 6.1.1 Controller-to-switch messages: both tools at both switches, every command
"""ovs-ofctl and weft-ofctl, each with an Open vSwitch and with a weft-switch: four pairs, the same answers.

    ovs-ofctl  ---+---- unix ---- ovs-vswitchd, a userspace datapath: p1, p2, "3d" (VXLAN ports need no device)
               \\ /
               / \\
    weft-ofctl ---+---- unix ---- weft-switch: p1, p2, "3d" (net_null)

A scenario is a list of command lines (lib/ofctl_scenarios.py).  Each pair runs it by itself, from empty tables on: what
a tool sets up is what it reads back.  Output and exit status of each step must be alike over all four pairs, but for
transaction ids, times, addresses, and the rows of lib/ofctl_differences.py that are about the step.  A row that is about
a step where nothing differs is a failure as well.
"""
import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "lib"), os.path.join(HERE, "../sys/lib")]
from ofctl_differences import DIFFERENCES, rows_of  # noqa: E402
from ofctl_scenarios import FILES, OFFLINE, SCENARIOS  # noqa: E402

BUILD = os.path.abspath(os.environ.get("B", "build"))
VSWITCHD = next((p for p in ("/usr/lib/openvswitch-switch/ovs-vswitchd", shutil.which("ovs-vswitchd")) if p and os.access(p, os.X_OK)), None)
TOOLS = {"ovs-ofctl": ["ovs-ofctl", "-O", "OpenFlow13"], "weft-ofctl": [BUILD + "/weft-ofctl", "-O", "OpenFlow13"]}
PORTS = ("p1", "p2", "3d")

# What the two switches are by themselves: a switch's own port, speeds of ports, what they count.
PORT_MASKS = [(re.compile(a, re.M), b) for a, b in (
    (r"^ LOCAL\([^\n]*\n(     [^\n]*\n)*", ""), (r"^ +(current|advertised|supported|peer): [^\n]*\n", ""), (r"speed: \d+ Mbps now, \d+ Mbps max", "speed"),
    (r"^  port +LOCAL: [^\n]*\n           [^\n]*\n           duration=D\n", ""), (r"(\(xid=X\)): \d+ ports", r"\1: N ports"), (r"=\?", "=0"))]
MASKS = [(re.compile(a, re.M), b) for a, b in (
    (r"^\d{4}-\d\d-\d\dT[^\n]*Z\|[^\n]*\n", ""),         # what ovs-ofctl logs
    ("(?:\x1b\\[[0-9;]*[mK])+", ""), (r"xid=0x[0-9a-f]+", "xid=X"), (r"xid=[0-9a-f]{8}", "xid=X"),
    (r"duration[=:][0-9.]+s", "duration=D"), (r"time=[0-9.]+ ms", "time=T"), (r"(idle|hard)_age=\d+", r"\1_age=N"),
    (r"Finished in .*", "Finished"),
    (r"^(ovs|weft)-ofctl: ", "ofctl: "), (r"\b(ovs|weft)-ofctl --help", "ofctl --help"),
    (r"^ofctl: [^\n]*\n(?:(?:  |ofctl: )[^\n]*\n)*", "ofctl: ...\n"),  # words of usage errors are each tool's own
    (r"addr:[0-9a-f:]{17}", "addr:M"), (r"/[^\s,']*/(br|\w+)\.(mgmt|sock)", "SW"), (r"unix:SW", "SW"))]


class Step:
    """'COMMAND ARG... <<< STANDARD-INPUT +MARK'; a mark tells steps apart that are alike."""

    def __init__(self, line, scenario=""):
        self.rows = rows_of("%s: %s" % (scenario, line))
        line = re.sub(r" \+\w+$", "", line)
        self.text = line
        line, _, self.stdin = line.partition(" <<< ")
        self.argv = shlex.split(line)
        # A hash table's order is nobody's: only what is asked to be sorted is compared as it stands.
        self.sorted = not re.search("--r?sort", line) and any(w in self.argv for w in ("dump-flows", "dump-groups", "diff-flows", "dump-meters"))


def masked(text, rows=(), order=False):
    for pattern, to in MASKS + PORT_MASKS:
        text = pattern.sub(to, text)
    for row in rows:
        for pattern, to in DIFFERENCES[row].mask or ():
            text = re.sub(pattern, to, text, flags=re.M)
    return "\n".join(sorted(text.splitlines())) if order else text


class Pair:
    """One tool at one switch."""

    def __init__(self, tool, switch, where, work):
        self.tool, self.switch, self.where, self.work = tool, switch, where, work

    def run(self, step):
        argv = TOOLS[self.tool] + [a.replace("SW", self.where) for a in step.argv]
        try:
            p = subprocess.run(argv, input=step.stdin.replace("\\n", "\n"), capture_output=True, text=True, errors="replace",
                               timeout=30, cwd=self.work)
            return p.returncode, p.stdout, p.stderr
        except subprocess.TimeoutExpired:
            return "timeout", "", ""

    def clear(self):
        for line in ("del-flows SW", "del-groups SW", "del-meters SW", "set-frags SW normal"):
            self.run(Step(line))


class Rig:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="four%d." % os.getpid())
        self.children = []
        os.environ.update(OVS_RUNDIR=self.dir, OVS_LOGDIR=self.dir, OVS_DBDIR=self.dir, OVS_SYSCONFDIR=self.dir, WEFT_RUNDIR=self.dir)
        for name, text in FILES.items():
            with open(os.path.join(self.dir, name), "wb" if isinstance(text, bytes) else "w") as f:
                f.write(text)

    def start(self, *argv):
        with open(self.dir + "/log", "a") as log:
            self.children.append(subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL))

    def wait_for(self, path):
        for _ in range(300):
            if os.path.exists(path):
                return
            time.sleep(0.05)
        with open(self.dir + "/log") as f:
            sys.exit("not ok - %s does not appear\n%s" % (path, f.read()))

    def open_vswitch(self):
        db = self.dir + "/db.sock"
        subprocess.run(["ovsdb-tool", "create", self.dir + "/conf.db", "/usr/share/openvswitch/vswitch.ovsschema"], check=True)
        self.start("ovsdb-server", self.dir + "/conf.db", "--remote=punix:" + db, "--unixctl=" + self.dir + "/db.ctl", "-vconsole:warn")
        self.wait_for(db)
        vsctl = ["ovs-vsctl", "--timeout=20", "--db=unix:" + db]
        subprocess.run(vsctl + ["--no-wait", "init"], check=True)
        self.start(VSWITCHD, "unix:" + db, "--unixctl=" + self.dir + "/vs.ctl", "-vconsole:warn")
        br = "four%d" % (os.getpid() % 1000000)
        argv = ["add-br", br, "--", "set", "bridge", br, "datapath_type=netdev", "protocols=OpenFlow13", "fail_mode=secure",
                "other_config:datapath-id=00000000000000aa"]
        for i, port in enumerate(PORTS):
            argv += ["--", "add-port", br, port, "--", "set", "interface", port, "type=vxlan", "options:remote_ip=10.0.0.%d" % (i + 1),
                     "ofport_request=%d" % (i + 1)]
        subprocess.run(vsctl + argv, check=True)
        self.wait_for("%s/%s.mgmt" % (self.dir, br))
        return "unix:%s/%s.mgmt" % (self.dir, br)

    def weft(self):
        argv = [BUILD + "/weft-switch", "--name", "weft", "--dpid", "aa", "--socket", self.dir + "/weft.sock"]
        for i, port in enumerate(PORTS):
            argv += ["--port", "%s@%d=vdev:net_null%d,no-rx=1" % (port, i + 1, i)]
        self.start(*argv)
        self.wait_for(self.dir + "/weft.sock")
        return "unix:%s/weft.sock" % self.dir

    def stop(self):
        for p in reversed(self.children):
            p.terminate()
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Checks:
    def __init__(self):
        self.passed = self.failed = 0
        self.seen = set()

    def __call__(self, text, good, why=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        if not good or "-v" in sys.argv:
            print("%s - %s%s" % ("ok" if good else "not ok", text, "" if good else "\n    " + why.replace("\n", "\n    ")), flush=True)

    def alike(self, text, one, two, step, between):
        """What differs beyond the step's rows, and which rows show."""
        a, b = ("exit %s\n" % r[0] + r[1] + r[2] for r in (one, two))
        rows = [r for r in step.rows if DIFFERENCES[r].between == between]
        if masked(a, (), step.sorted) == masked(b, (), step.sorted):
            return "", set()
        a, b = masked(a, rows, step.sorted), masked(b, rows, step.sorted)
        if a == b or any(DIFFERENCES[r].mask is None for r in rows):
            return "", set(rows)
        return "\n".join(difflib.unified_diff(a.splitlines(), b.splitlines(), text, "...", n=0, lineterm="")), set(rows)

    def step(self, name, step, got):
        """got: {(tool, switch): result}; all four, or the two tools alone."""
        shown, why = set(), []
        tools, switches = sorted({t for t, _ in got}), sorted({s for _, s in got})
        for s in switches:
            w, seen = self.alike("%s at %s" % (tools, s), got[tools[0], s], got[tools[1], s], step, "tools")
            why.append(w)
            shown |= seen
        for t in tools if len(switches) == 2 else ():
            w, seen = self.alike("%s at %s" % (t, switches), got[t, switches[0]], got[t, switches[1]], step, "switches")
            why.append(w)
            shown |= seen
        stale = [r for r in step.rows if r not in shown]
        if stale:
            why.append("these differences do not show: %s" % " ".join(stale))
        why = "\n".join(filter(None, why))
        self.seen |= shown
        self("%s: %s" % (name, step.text), not why, why)


def run_switch(pairs, scenarios, out):
    for name, steps in scenarios:
        for p in pairs:
            p.clear()
            for i, step in enumerate(steps):
                out[name, i, p.tool, p.switch] = p.run(step)


def main():
    if not VSWITCHD or not all(map(shutil.which, ("ovs-ofctl", "ovsdb-tool", "ovsdb-server", "ovs-vsctl"))):
        print("ok - skipped: no Open vSwitch here\n1 passed, 0 failed")
        return 0
    only = [a for a in sys.argv[1:] if not a.startswith("-") and a != "inside"]
    scenarios = [(n, [Step(s, n) for s in steps]) for n, steps in SCENARIOS if not only or n in only]
    check, rig, out = Checks(), Rig(), {}
    try:
        pairs = {s: [Pair(t, s, where, rig.dir) for t in TOOLS] for s, where in (("open-vswitch", rig.open_vswitch()), ("weft-switch", rig.weft()))}
        threads = [threading.Thread(target=run_switch, args=(p, scenarios, out)) for p in pairs.values()]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for name, steps in scenarios:
            for i, step in enumerate(steps):
                check.step(name, step, {(t, s): out[name, i, t, s] for t in TOOLS for s in pairs})
        for line in OFFLINE if not only or "offline" in only else ():
            step = Step(line, "offline")
            check.step("offline", step, {(t, "none"): Pair(t, "none", "none", rig.dir).run(step) for t in TOOLS})
        check("the switches live", all(p.poll() is None for p in rig.children))
        if not only:
            unused = sorted(set(DIFFERENCES) - check.seen)
            check("every declared difference shows somewhere", not unused, " ".join(unused))
    finally:
        rig.stop()
    print("ok - %d steps in %d scenarios" % (sum(len(s) for _, s in scenarios) + len(OFFLINE), len(scenarios)))
    print("%d passed, %d failed" % (check.passed, check.failed))
    return 1 if check.failed else 0


if __name__ == "__main__":
    if "inside" not in sys.argv:
        os.execvp("unshare", ["unshare", "-n", sys.executable, os.path.abspath(__file__), "inside"] + sys.argv[1:])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    sys.exit(main())
