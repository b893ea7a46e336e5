# SPDX-License-Identifier: Apache-2.0
"""The control plane at scale: emulated switches (fleet.c), a real controller with its store on a disk.

From POST /v2.0/ports (the VM's device is there already, under the port's name) to the flow for its MAC in the local switch
and in another; a restart of the controller at that many ports; creates by eight clients; lists; resident memory.

    bench/control.py [all | short | HOSTS PORTS PORTS_A_NETWORK]
"""
import http.client
import json
import math
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
from bench import rig  # noqa: E402

# hosts, ports, ports of a network
OVER_PORTS = [(10, n, 100) for n in (100, 300, 1000, 3000, 10000)]
OVER_HOSTS = [(n, 10000, 50) for n in (30, 100, 300, 500)]
ONE_NETWORK = [(n, 10000, 10000) for n in (10, 100, 500)]


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
    return values[max(0, math.ceil(len(values) * share) - 1)] * 1e3


class Disk:
    """What it takes to have 12 kB on it, as the store does for one port: nothing is acknowledged sooner."""

    def __init__(self, folder):
        self.file, self.took = open(f"{folder}/disk", "wb", buffering=0), []
        self.file.write(bytes(4 << 20))  # as the store's log, it does not grow
        os.fsync(self.file)

    def write(self):
        begin = time.monotonic()
        self.file.seek(12288 * (len(self.took) % 300))
        self.file.write(bytes(12288))
        os.fdatasync(self.file)
        self.took.append(time.monotonic() - begin)


class Fleet:
    """The emulated switches: a process of their own, told by lines."""

    def __init__(self, hosts):
        self.p = subprocess.Popen([f"{rig.B}/bench/fleet", str(hosts)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def tell(self, *words):
        self.p.stdin.write(" ".join(map(str, words)) + "\n")

    def watch(self, mac, *switches):
        self.tell("watch", mac, *switches)

    def seen(self, mac, n):
        """When each of n watched switches had its flow."""
        out = {}
        while len(out) < n:
            word, which, switch, at = self.p.stdout.readline().split()
            if (word, which) == ("seen", mac):
                out[int(switch)] = float(at)
        return out

    def state(self):
        self.tell("state")
        while True:
            words = self.p.stdout.readline().split()
            if words[0] == "state":
                return dict(zip(("up", "mods", "flows", "groups", "sum"), map(int, words[1:6])), last=float(words[6]))

    def quiet(self, seconds, limit):
        end = time.monotonic() + limit
        while time.monotonic() - self.state()["last"] < seconds and time.monotonic() < end:
            time.sleep(0.05)


class Bench:
    def __init__(self, folder, hosts, per_net):
        self.hosts, self.per_net = hosts, per_net
        self.c, self.nets, self.n, self.extra = Controller(folder), [], 0, 0
        self.fleet = Fleet(hosts)
        self.connect()
        self.r = Rest(self.c.rest)
        self.r("PUT", "/v2.0/quotas/bench", {"quota": {k: -1 for k in ("network", "subnet", "port")}})

    def end(self):
        rig.end(self.fleet.p.pid, signal.SIGKILL)
        rig.end(self.c.p.pid, signal.SIGKILL)

    def connect(self):
        self.fleet.tell("connect", self.c.of)

    def net(self):
        n = self.r("POST", "/v2.0/networks", {"network": {"name": f"n{len(self.nets)}", "project_id": "bench"}})["network"]["id"]
        self.r("POST", "/v2.0/subnets", {"subnet": {"network_id": n, "ip_version": 4, "cidr": "10.0.0.0/16", "project_id": "bench"}})
        self.nets.append(n)

    def plugged(self, host):
        """A device for a port to come."""
        self.extra += 1
        self.fleet.tell("plug", host, 1 + self.extra, f"port{self.extra}")
        return f"port{self.extra}"

    def fill(self, to):
        begin = time.monotonic()
        while self.n < to:
            if self.n >= self.per_net * len(self.nets):
                self.net()
            more = min(self.per_net * len(self.nets), to, self.n + 100)
            ports = [dict(network_id=self.nets[-1], project_id="bench", name=self.plugged(n % self.hosts)) for n in range(self.n, more)]
            self.r("POST", "/v2.0/ports", {"ports": ports})
            self.n = more
        rig.wait_until(lambda: self.r("GET", "/weft/v1/status")["status"]["counts"]["ports_bound"] == self.extra, 120, "all ports in place")
        rig.wait_until(self.synced, 120, "all flows in place")
        self.fleet.quiet(1.0, 60)
        return time.monotonic() - begin

    def latency(self, runs):
        answered, local, remote, disk = [], [], [], Disk(self.c.folder)
        for i in range(runs):
            net = i % len(self.nets)
            first = net * self.per_net
            n = min(self.per_net, self.n - first, self.hosts)
            here, there = (first + i % n) % self.hosts, (first + (i + 1) % n) % self.hosts
            name = self.plugged(here)
            time.sleep(0.05)
            mac = f"fa:16:3e:{i >> 16:02x}:{i >> 8 & 255:02x}:{self.extra & 255:02x}"
            self.fleet.watch(mac, here, there)
            begin = time.monotonic()
            self.r("POST", "/v2.0/ports", {"port": dict(network_id=self.nets[net], project_id="bench", name=name, mac_address=mac)})
            answered.append(time.monotonic() - begin)
            seen = self.fleet.seen(mac, 2)
            local.append(seen[here] - begin)
            remote.append(seen[there] - begin)
            disk.write()  # in turns: what others do to it falls on both
        return dict(disk_p50__ms=p(disk.took, .5), disk_p99__ms=p(disk.took, .99), answered_p50__ms=p(answered, .5), local_p50__ms=p(local, .5),
                    local_p99__ms=p(local, .99), remote_p50__ms=p(remote, .5), remote_p99__ms=p(remote, .99))

    def restart(self):
        before = self.fleet.state()
        rig.end(self.c.p.pid, signal.SIGKILL)
        rig.wait_until(lambda: not self.fleet.state()["up"], 10, "the sessions' end")
        begin = time.monotonic()
        self.c.start()
        ready = time.monotonic() - begin
        self.connect()
        self.r = Rest(self.c.rest)
        rig.wait_until(self.synced, 120, "a restarted controller")
        took = time.monotonic() - begin
        self.fleet.quiet(1.0, 20)
        after = self.fleet.state()
        same = all(after[k] == before[k] for k in ("flows", "groups", "sum"))
        return dict(ready__s=ready, synced__s=took, sent_again=after["mods"] - before["mods"], differs=0 if same else 1,
                    RSS_after__MB=rig.rss_mb(self.c.p.pid))

    def synced(self):
        time.sleep(0.02)
        sws = self.r("GET", "/weft/v1/switches")["switches"]
        return len(sws) == self.hosts and all(s["up"] and s["flows"]["synced"] and not s["flows"]["pending"] for s in sws)

    def lists(self):
        """By what clients ask for: a page, some attributes of it, and by what one object is known."""
        one = self.r("GET", "/v2.0/ports?limit=1")["ports"][0]
        asked = dict(page="limit=1000", fields="limit=1000&fields=id&fields=status", network=f"network_id={one['network_id']}",
                     name=f"name={one['name']}", device=f"device_id={one['device_id'] or 'none'}",
                     address=f"fixed_ips=ip_address={one['fixed_ips'][0]['ip_address']}")
        out = {}
        for what, query in asked.items():
            took = []
            for _ in range(50):
                begin = time.monotonic()
                self.r.c.request("GET", f"/v2.0/ports?{query}")
                self.r.c.getresponse().read()
                took.append(time.monotonic() - begin)
            out.update({f"{what}_p50__ms": p(took, .5), f"{what}_p99__ms": p(took, .99)})
        return out

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


def case(folder, hosts, ports, per_net, runs):
    """Filled, measured, restarted; and what else is asked at the largest of ten hosts."""
    name = f"{hosts} hosts, {ports} ports" + (", 1 network" if per_net >= ports > 100 else "")
    b = None
    try:
        b = Bench(folder, hosts, per_net)
        filled = b.fill(ports)
        state = b.fleet.state()
        rss = rig.rss_mb(b.c.p.pid)
        rig.row("control", name, "weft", 1, fill__s=filled, flows=state["flows"], RSS__MB=rss, **b.latency(runs), **b.restart())
        if (hosts, ports, per_net) in (OVER_PORTS[-1], OVER_PORTS[0]):
            rig.row("control", f"lists, {ports} ports", "weft", 1, **b.lists())
            rig.row("control", f"8 clients, {ports} ports", "weft", 1, **b.creates("network", 4000), **b.creates("port", 4000))
    finally:
        if b:
            b.end()


def measure(runs):
    cases = OVER_PORTS + OVER_HOSTS + ONE_NETWORK if runs > 1 else OVER_PORTS[:1]
    for one in cases:
        folder = tempfile.mkdtemp(prefix="weft-control-")
        try:
            case(folder, *one, 200 if runs > 1 else 5)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        OVER_HOSTS, ONE_NETWORK, OVER_PORTS = [], [], [tuple(map(int, sys.argv[1:]))]
    measure(1 if sys.argv[1:] == ["short"] else 2)
