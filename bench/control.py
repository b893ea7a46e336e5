# SPDX-License-Identifier: Apache-2.0
"""The control plane at scale: emulated switches (control_switches.py), a real controller with its store.

From POST /v2.0/ports (the VM's device is there already, under the port's name) to the flow for its MAC in the local switch
and in another; a restart of the controller at that many ports; creates by eight clients; the list; resident memory.
"""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    sys.dont_write_bytecode = True
from bench import control_switches, rig  # noqa: E402

HOSTS = int(os.environ.get("HOSTS", "10"))
PER_NET = 100


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Rest:
    def __init__(self, port):
        self.c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.c.connect()
        self.c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __call__(self, method, path, body=None):
        self.c.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        r = self.c.getresponse()
        text = r.read()
        if r.status >= 300:
            raise RuntimeError(f"{method} {path}: {r.status} {text[:200]}")
        return json.loads(text) if text else None


class Controller:
    def __init__(self, folder):
        self.folder, self.of, self.rest = folder, free_port(), free_port()
        self.start()

    def start(self):
        self.p = subprocess.Popen([f"{rig.B}/weft-controller", "--listen", f"tcp:{self.of}:127.0.0.1", "--rest", f"127.0.0.1:{self.rest}",
                                   "--store", f"sqlite:{self.folder}/weft.db", "--log", "error"])
        rig.wait_until(self.answers, 30, "weft-controller")

    def answers(self):
        try:
            Rest(self.rest)
            return True
        except OSError:
            return False


def p(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] * 1e3


class Bench:
    def __init__(self, folder):
        self.c, self.nets, self.n = Controller(folder), [], 0
        self.fleet = control_switches.Fleet(HOSTS)
        self.connect()
        self.fleet.thread.start()
        self.r = Rest(self.c.rest)
        self.r("PUT", "/v2.0/quotas/bench", {"quota": {k: -1 for k in ("network", "subnet", "port")}})

    def connect(self):
        for s in self.fleet.switches:
            s.connect(self.c.of)

    def net(self):
        n = self.r("POST", "/v2.0/networks", {"network": {"name": f"n{len(self.nets)}", "project_id": "bench"}})["network"]["id"]
        self.r("POST", "/v2.0/subnets", {"subnet": {"network_id": n, "ip_version": 4, "cidr": "10.0.0.0/16", "project_id": "bench"}})
        self.nets.append(n)

    def plugged(self, wait=True):
        """A device for the next port, on the next host."""
        self.n += 1
        n, s, name = self.n, self.fleet.switches[self.n % HOSTS], f"port{self.n}"
        self.fleet.todo.append(lambda: s.plug(1 + n, name))
        if wait:
            rig.wait_until(lambda: not self.fleet.todo, 30, "plug")
        return s, name

    def fill(self, to):
        while self.n < to:
            if self.n >= PER_NET * len(self.nets):
                self.net()
            ports = [dict(network_id=self.nets[-1], project_id="bench", name=self.plugged(False)[1]) for _ in range(min(PER_NET, to - self.n))]
            self.r("POST", "/v2.0/ports", {"ports": ports})
        rig.wait_until(lambda: self.r("GET", "/weft/v1/status")["status"]["counts"]["ports_bound"] == self.n, 120, "all ports in place")
        self.fleet.quiet(1.0, 60)

    def latency(self, runs):
        answered, local, remote = [], [], []
        for _ in range(runs):
            s, name = self.plugged()
            time.sleep(0.05)
            begin = time.monotonic()
            port = self.r("POST", "/v2.0/ports", {"port": dict(network_id=self.nets[0], project_id="bench", name=name)})["port"]
            answered.append(time.monotonic() - begin)
            mac = bytes.fromhex(port["mac_address"].replace(":", ""))
            keys = [(s.n, mac), ((s.n + 1) % HOSTS, mac)]
            rig.wait_until(lambda: all(k in self.fleet.seen for k in keys), 20, "the flow for a new port")
            local.append(self.fleet.seen[keys[0]] - begin)
            remote.append(self.fleet.seen[keys[1]] - begin)
        return dict(answered_p50__ms=p(answered, .5), local_p50__ms=p(local, .5), local_p99__ms=p(local, .99), remote_p50__ms=p(remote, .5),
                    remote_p99__ms=p(remote, .99))

    def restart(self):
        before = [(set(s.flows), set(s.groups)) for s in self.fleet.switches]
        mods = sum(s.mods for s in self.fleet.switches)
        rig.end(self.c.p.pid, signal.SIGKILL)
        rig.wait_until(lambda: all(s.s is None for s in self.fleet.switches), 10, "the sessions' end")
        begin = time.monotonic()
        self.c.start()
        ready = time.monotonic() - begin
        self.connect()
        self.r = Rest(self.c.rest)
        rig.wait_until(self.synced, 60, "a restarted controller")
        took = time.monotonic() - begin
        self.fleet.quiet(1.0, 10)
        same = all((set(s.flows), set(s.groups)) == b for s, b in zip(self.fleet.switches, before))
        return dict(ready__s=ready, synced__s=took, sent_again=sum(s.mods for s in self.fleet.switches) - mods, same="yes" if same else "no")

    def synced(self):
        sws = self.r("GET", "/weft/v1/switches")["switches"]
        return len(sws) == HOSTS and all(s["up"] and s["flows"]["synced"] and not s["flows"]["pending"] for s in sws)

    def lists(self):
        took = []
        for _ in range(10):
            begin = time.monotonic()
            self.r.c.request("GET", "/v2.0/ports?limit=1000")
            self.r.c.getresponse().read()
            took.append(time.monotonic() - begin)
        return p(took, .5)

    def creates(self, what, n):
        took, lock = [], threading.Lock()

        def client(k):
            r, mine = Rest(self.c.rest), []
            for i in range(n // 8):
                body = {"name": f"c{k}-{i}", "project_id": "bench"}
                if what == "port":
                    body["network_id"] = self.nets[k % len(self.nets)]
                begin = time.monotonic()
                r("POST", f"/v2.0/{what}s", {what: body})
                mine.append(time.monotonic() - begin)
            with lock:
                took.extend(mine)

        threads = [threading.Thread(target=client, args=(k,)) for k in range(8)]
        begin = time.monotonic()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return {f"{what}s__1_s": len(took) / (time.monotonic() - begin), f"{what}_p99__ms": p(took, .99)}


def measure(runs):
    scales = (100, 1000, 10000) if runs > 1 else (100,)
    folder = tempfile.mkdtemp(prefix="weft-control-")
    b = None
    try:
        b = Bench(folder)
        for n in scales:
            b.fill(n)
            case = f"{HOSTS} hosts, {n} ports"
            rig.row("control", case, "weft", 1, **b.latency(40 if runs > 1 else 5), RSS__MB=rig.rss_mb(b.c.p.pid))
            if n >= 1000 or runs == 1:
                rig.row("control", case, "weft", 1, list_1000__ms=b.lists(), **b.restart())
        rig.row("control", "8 clients", "weft", 1, **b.creates("network", 800), **b.creates("port", 800))
    finally:
        if b:
            b.fleet.ended = True
            rig.end(b.c.p.pid)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
