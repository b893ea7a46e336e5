# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch's user space datapath with DPDK, with the same devices, core and rules as a weft-switch has.

For VXLAN it has two bridges, as its guide says: br0 with the rules and the tunnel's port, and brp, which has the tunnel's
address and the device; and a network namespace, since the address is also the kernel's.
"""
import os
import re
import subprocess
import time

from bench import rig, traffic
from bench import traffic_tables as tables
from bench.rig import ELSEWHERE, FIRST, OTHER_CORE, PACKET_CORE, OpenFlow, Program, cpu_ns, end, have, shared, wait_until

# Its caches of flows: exact matches as it comes, none but wildcarded flows, signatures.
MODES = {"ovs": (100, False), "ovs-noemc": (0, False), "ovs-smc": (0, True)}


def program():
    for path in (f"{rig.KEPT}/unpacked/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk",
                 "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"):
        if os.access(path, os.X_OK) and have("ovsdb-server") and have("ovs-ofctl"):
            return path
    return None


class Ovs(Program):
    name = "ovs"

    def __init__(self, trace=None, sink=False, way="", config=(), sinks=1, mtu=0):
        super().__init__("ovs")
        self.way, self.config, self.sinks, self.mtu = way, config, sinks, mtu
        self.namespace = f"weft-bench-{os.getpid()}"
        self.env = dict(os.environ, OVS_RUNDIR=self.folder, OVS_LOGDIR=self.folder, OVS_DBDIR=self.folder)
        self.pids = []
        self.trace, self.sink = trace, sink or trace
        try:
            self.begin()
        except BaseException:
            self.close()
            raise

    def begin(self):
        db, schema = f"{self.folder}/conf.db", "/usr/share/openvswitch/vswitch.ovsschema"
        self.run("ovsdb-tool", "create", db, schema, env=self.env)
        self.start(["ovsdb-server", db, f"--remote=punix:{self.folder}/db.sock", "--no-chdir",
                    f"--unixctl={self.folder}/dbctl"])
        wait_until(lambda: os.path.exists(f"{self.folder}/db.sock"), 5, "ovsdb-server starts")
        self.vsctl("--no-wait", "init")
        self.vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                   f"other_config:dpdk-lcore-mask={1 << OTHER_CORE}", f"other_config:pmd-cpu-mask={1 << PACKET_CORE}",
                   "other_config:dpdk-extra=--no-pci --in-memory", *self.config)
        inside = []
        if self.way:
            self.run("ip", "netns", "add", self.namespace)
            inside = ["ip", "netns", "exec", self.namespace]
        self.pid = self.start(inside + FIRST + ELSEWHERE + [program(), f"unix:{self.folder}/db.sock", f"--unixctl={self.folder}/ctl", "--no-chdir"])
        self.vsctl("add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=netdev", "fail_mode=secure",
                   "protocols=OpenFlow10,OpenFlow13,OpenFlow14")
        self.socket = f"{self.folder}/br0.mgmt"
        self.of = OpenFlow(self.socket)
        self.sink_of = self.of
        if self.way:
            self.begin_tunnel(inside)

    def begin_tunnel(self, inside):
        us = ("10.99.99.1", tables.HERE_MAC.hex(":"))
        they = ("10.99.99.2", tables.THERE_MAC.hex(":"))
        self.vsctl("add-br", "brp", "--", "set", "Bridge", "brp", "datapath_type=netdev", f"other-config:hwaddr={us[1]}",
                   "protocols=OpenFlow10,OpenFlow13,OpenFlow14")
        self.vsctl("add-port", "br0", "vx", "--", "set", "Interface", "vx", "type=vxlan", f"options:remote_ip={they[0]}",
                   f"options:local_ip={us[0]}", "options:key=flow", "ofport_request=10")
        self.run(*inside, "ip", "address", "add", f"{us[0]}/24", "dev", "brp")
        self.run(*inside, "ip", "link", "set", "brp", "up")
        self.ctl("tnl/neigh/set", "brp", *they)
        if self.way == "encap":
            self.sink_of = OpenFlow(f"{self.folder}/brp.mgmt")

    def start(self, command):
        with open(f"{self.folder}/log", "a") as log:
            self.pids.append(subprocess.Popen(command, stdout=log, stderr=log, env=self.env).pid)
        return self.pids[-1]

    def close(self):
        if hasattr(self, "of"):
            self.of.close()
        for pid in reversed(self.pids):
            end(pid)
        if self.way:
            subprocess.run(["ip", "netns", "del", self.namespace], capture_output=True)

    def vsctl(self, *words):
        self.run("ovs-vsctl", "-t", "20", f"--db=unix:{self.folder}/db.sock", *words, env=self.env)

    def ctl(self, *words):
        return self.run("ovs-appctl", "-T", "20", "-t", f"{self.folder}/ctl", *words, env=self.env)

    def rules(self, name, ports=()):
        """Then the ports, sink first: no packet comes before there are rules for it."""
        self.run("ovs-ofctl", "-O", "OpenFlow14", "--bundle", "add-flows", self.socket, traffic.need(rig.TRACES, name, "flows"))
        if self.sink:
            for i in range(self.sinks):
                self.add_port("brp" if self.way == "encap" else "br0", f"dst{i or ''}", 2 + i, f"net_null{1 + i},size=64,no-rx=1")
        if self.trace:
            self.add_port("brp" if self.way == "decap" else "br0", "src", 1, rig.source(self.trace))
        for i, device in enumerate(ports):
            self.add_port("br0", f"p{1 + i}", 1 + i, device)

    def add_port(self, bridge, name, number, device):
        self.vsctl("add-port", bridge, name, "--", "set", "Interface", name, "type=dpdk",
                   f"options:dpdk-devargs=\"{device}\"", f"ofport_request={number}",
                   *([f"mtu_request={self.mtu}"] if self.mtu else []))
        wait_until(lambda: self.port_is_up(name), 20, f"Open vSwitch opens {device}")

    def port_is_up(self, name):
        return f" {name} " in self.ctl("dpif/show").replace(":", " ")

    def mode(self, name):
        inverse, signatures = MODES[name]
        self.vsctl("set", "Open_vSwitch", ".", f"other_config:emc-insert-inv-prob={inverse}", f"other_config:smc-enable={str(signatures).lower()}")

    def packet_ns(self):
        return cpu_ns(self.pid, "pmd")

    def warm(self, seconds=15):
        """Until next to no packet misses the datapath's flows any more; with many flows that takes seconds."""
        for _ in range(int(seconds * 2)):
            self.ctl("dpif-netdev/pmd-stats-clear")
            time.sleep(0.5)
            text = self.ctl("dpif-netdev/pmd-stats-show").partition("main thread")[0]
            missed = sum(map(int, re.findall(r"miss with \w+ upcall: (\d+)", text)))
            m = re.search(r"packets received: (\d+)", text)
            if m and missed * 10000 < int(m[1]):
                return

    def window(self, seconds):
        self.ctl("dpif-netdev/pmd-stats-clear")
        sent = lambda: sum(self.sink_of.port_packets(2 + i)[1] for i in range(self.sinks))  # noqa: E731
        a, c0, t0 = sent(), self.packet_ns(), time.monotonic()
        time.sleep(seconds)
        b, c1, t1 = sent(), self.packet_ns(), time.monotonic()
        text = self.ctl("dpif-netdev/pmd-stats-show").partition("main thread")[0]
        m = re.search(r"avg cycles per packet: ([0-9.]+)", text)
        return dict(shared((b - a) / (t1 - t0), t1 - t0, c1 - c0), busy__cycles_packet=float(m[1]) if m else float("nan"))
