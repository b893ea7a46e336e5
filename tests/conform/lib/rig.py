# SPDX-License-Identifier: Apache-2.0
"""A target, a tester and a controller, and the cables between them.

    Open vSwitch, userspace (tester) tst1..3 ===== tgt1..3 weft-switch (target)
                     \\                               /
                      os-ken, 127.0.0.1:6653

The target is datapath 1, the tester 2.  Each shard has all of it in a network namespace of its own.
"""
import os
import signal
import subprocess
import time

B = os.path.abspath(os.environ.get("B", "build"))
OVS = "/usr/lib/openvswitch-switch/ovs-vswitchd"


def unable():
    """Why there can be no shard; or nothing."""
    if os.getuid():
        return "needs root"
    missing = [x for x in (OVS, "/usr/bin/osken-manager", B + "/weft-switch") if not os.path.exists(x)]
    return "not installed or built: " + " ".join(missing) if missing else None


def sh(*a):
    subprocess.run(a, check=True, stdout=subprocess.DEVNULL)


class Shard:
    """Target, tester and controller in a network namespace of their own."""

    def __init__(self, n, base):
        self.ns = "weftpat%d-%d" % (os.getpid(), n)
        self.dir = os.path.join(base, str(n))
        os.mkdir(self.dir)
        self.procs = []

    def spawn(self, name, *a, **env):
        log = open(os.path.join(self.dir, name + ".log"), "wb")
        p = subprocess.Popen(["ip", "netns", "exec", self.ns, *a], stdin=subprocess.DEVNULL, stdout=log,
                             stderr=log, env={**os.environ, **env})
        self.procs.append(p)
        return p

    def cables(self):
        sh("ip", "netns", "add", self.ns)
        ex = ["ip", "netns", "exec", self.ns]
        sh(*ex, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        sh("ip", "-n", self.ns, "link", "set", "lo", "up")
        for n in "123":
            sh("ip", "-n", self.ns, "link", "add", "tgt" + n, "type", "veth", "peer", "name", "tst" + n)
            for end in ("tgt", "tst"):
                sh("ip", "-n", self.ns, "link", "set", end + n, "up", "promisc", "on")

    def tester(self):
        d = self.dir
        db = "unix:%s/db.sock" % d
        env = {k: d for k in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR")}
        sh("ovsdb-tool", "create", d + "/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
        self.spawn("ovsdb", "ovsdb-server", d + "/conf.db", "--remote=p" + db, "--unixctl=" + d + "/db.ctl", **env)
        end = time.monotonic() + 40
        while not os.path.exists(d + "/db.sock"):
            if time.monotonic() > end:
                raise RuntimeError("ovsdb-server does not start")
            time.sleep(0.02)
        vsctl = ["ovs-vsctl", "--db=" + db]
        sh(*vsctl, "--retry", "--timeout=40", "--no-wait", "init")
        self.spawn("vswitchd", OVS, db, "--unixctl=" + d + "/vs.ctl", **env)
        args = ["add-br", "br", "--", "set", "bridge", "br", "datapath_type=netdev", "protocols=OpenFlow13", "fail_mode=secure",
                "other_config:datapath-id=%016x" % 2]
        for n in "123":
            args += ["--", "add-port", "br", "tst" + n, "--", "set", "interface", "tst" + n, "ofport_request=" + n]
        args += ["--", "--id=@c", "create", "controller", 'target="tcp:127.0.0.1:6653"', "inactivity_probe=0",
                 "max_backoff=1000", "connection_mode=out-of-band", "--", "set", "bridge", "br", "controller=@c"]
        sh("ip", "netns", "exec", self.ns, *vsctl, "--timeout=40", *args)

    def start(self, app, **env):
        """'app': osken-manager's arguments."""
        self.cables()
        self.app = self.spawn("controller", "/usr/bin/python3", "/usr/bin/osken-manager", "--ofp-listen-host", "127.0.0.1",
                              "--ofp-tcp-listen-port", "6653", *app, PYTHONDONTWRITEBYTECODE="1", **env)
        ports = [x for n in "123" for x in ("--port", "p%s@%s=af_packet:tgt%s" % (n, n, n))]
        self.spawn("target", B + "/weft-switch", "--name", "target", "--dpid", "%016x" % 1, "--controller", "tcp:127.0.0.1:6653",
                   "--socket", self.dir + "/weft.sock", *ports, WEFT_RUNDIR=self.dir)
        self.tester()

    def stop(self):
        for p in self.procs:
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        for p in self.procs:
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        subprocess.run(["ip", "netns", "del", self.ns], stderr=subprocess.DEVNULL)
