# SPDX-License-Identifier: Apache-2.0
"""Resident memory of both daemons, without hugepages, so that packet buffers are in it.

  flows     a weft-switch with nothing, with two ports, and then with 100,000 exact five-tuples
  tenants   1,000 tenant ports in 10 networks: a weft-controller and as many weft-switches as have room for the ports (28
            each, on net_null; DPDK as Debian builds it has 32 devices).  Every switch has members of every network, so it
            has flows for all 1,000 ports, and the controller has those of all switches.  1,070 ports make about 100,000 flows.
"""
import http.client
import json
import os
import subprocess
import time

from bench import flow_mods, rig

PER_SWITCH, NETWORKS = 28, 10


def flows(run):
    with rig.Weft(eal=["--no-huge"]) as sw:
        rig.row("memory", "no ports, no flows", "weft-switch", run, rss__MB=rig.rss_mb(sw.pid))
    with rig.Weft(sink=True, eal=["--no-huge"]) as sw:
        rig.row("memory", "1 port, no flows", "weft-switch", run, rss__MB=rig.rss_mb(sw.pid))
        sw.rules("mods", "--no-names")
        time.sleep(0.5)
        rig.row("memory", "100,000 flows", "weft-switch", run, rss__MB=rig.rss_mb(sw.pid), flows=flow_mods.flows(sw.of))


class Tenants:
    def __init__(self, n_ports):
        self.n_ports, self.n_hosts = n_ports, -(-n_ports // PER_SWITCH)
        self.folder = f"{rig.WORK}/tenants-{n_ports}"
        os.makedirs(self.folder)
        self.log = open(f"{self.folder}/log", "w+")
        self.switches, self.controller = [], None

    def start(self, *command):
        return subprocess.Popen(["nice", "-n", "5", *command], stdout=self.log, stderr=self.log).pid

    def __enter__(self):
        with rig.socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.controller = self.start(f"{rig.B}/weft-controller", "--listen", f"punix:{self.folder}/of.sock", "--rest",
                                     f"127.0.0.1:{self.port}", "--store", f"sqlite:{self.folder}/db")
        rig.wait_until(self.answers, 10, "weft-controller starts")
        return self

    def __exit__(self, *_):
        for pid in [*self.switches, self.controller]:
            rig.end(pid)

    def answers(self):
        try:
            return self("GET", "/")
        except OSError:
            return None

    def __call__(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            c.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
            r = c.getresponse()
            text = r.read()
        finally:
            c.close()
        if r.status >= 400:
            raise RuntimeError(f"{method} {path}: {r.status} {text[:300]}")
        return json.loads(text)

    def names(self, host):
        return range(host * PER_SWITCH, min((host + 1) * PER_SWITCH, self.n_ports))

    def start_switch(self, host):
        ports = [x for i, n in enumerate(self.names(host)) for x in ("--port", f"t{n}=vdev:net_null{i + 1},size=64,no-rx=1")]
        self.switches.append(self.start(
            f"{rig.B}/weft-switch", "--name", f"h{host}", "--host-id", f"h{host}", "--socket", f"{self.folder}/h{host}.sock",
            "--controller", f"unix:{self.folder}/of.sock", "--port", "up0=vdev:net_null0,size=64,no-rx=1",
            "--port", f"vx0=vxlan:local=192.0.2.{host + 1}/24,uplink=up0,remote=flow,vni=flow", *ports, "--", "--no-huge"))

    def seen(self):
        return [s for s in self("GET", "/weft/v1/switches")["switches"] if s["up"] and s["vtep"]]

    def settled(self):
        """All ports are ACTIVE, and no switch is waiting for anything."""
        active = sum(p["status"] == "ACTIVE" for p in self("GET", "/v2.0/ports?fields=status")["ports"])
        return active == self.n_ports and not sum(s["flows"]["pending"] for s in self.seen())

    def provision(self):
        """Seconds of the POSTs, and until all is in the switches."""
        nets = [self("POST", "/v2.0/networks", {"network": {"name": f"n{i}"}})["network"]["id"] for i in range(NETWORKS)]
        for net in nets:
            self("POST", "/v2.0/subnets", {"subnet": {"network_id": net, "ip_version": 4, "cidr": "10.0.0.0/22"}})
        t0 = time.monotonic()
        for host in range(self.n_hosts):
            self("POST", "/v2.0/ports", {"ports": [
                {"network_id": nets[n % NETWORKS], "name": f"t{n}", "binding:host_id": f"h{host}"} for n in self.names(host)]})
        t1 = time.monotonic()
        rig.wait_until(self.settled, 60, "all ports are ACTIVE")
        return t1 - t0, time.monotonic() - t0


def tenants(run, n_ports):
    with Tenants(n_ports) as t:
        for host in range(t.n_hosts):
            t.start_switch(host)
        rig.wait_until(lambda: len(t.seen()) == t.n_hosts, 90, f"{t.n_hosts} switches connect")
        rig.row("memory", f"no tenants, {t.n_hosts} switches", "weft-controller", run, rss__MB=rig.rss_mb(t.controller))
        empty = sorted(rig.rss_mb(p) for p in t.switches)[t.n_hosts // 2]
        rig.row("memory", f"no tenants, {t.n_hosts} switches", "weft-switch", run, rss__MB=empty)
        posted, settled = t.provision()
        time.sleep(1)
        counts = []
        for host in range(t.n_hosts):
            of = rig.OpenFlow(f"{t.folder}/h{host}.sock")
            counts.append(flow_mods.flows(of))
            of.close()
        case = f"{n_ports:,} tenant ports"
        rig.row("memory", case, "weft-controller", run, rss__MB=rig.rss_mb(t.controller), flows=sum(counts),
                posted__s=posted, active__s=settled)
        full = sorted(rig.rss_mb(p) for p in t.switches)[t.n_hosts // 2]
        rig.row("memory", case, "weft-switch", run, rss__MB=full, flows=sorted(counts)[t.n_hosts // 2])


def measure(runs):
    for run in range(1, min(runs, 3) + 1):
        flows(run)
    if runs == 1:
        tenants(1, 100)
        return
    tenants(1, 1000)
    tenants(1, 1070)  # 100,000 flows in all
