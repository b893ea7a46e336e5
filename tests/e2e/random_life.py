#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tenants create, change and delete at random, all at once, and the controller is killed now and then.

    4 clients ── HTTP ──> weft-controller ── OpenFlow ──> weft-switch h1, h2 (ports without wires)

What was acknowledged is there, what was deleted is not, what was refused has left nothing; no address is given twice;
and the switches have, flow for flow, what a controller that starts with the same intent derives from nothing.
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sys/lib"))
from rest import Controller, B, check, finish  # noqa: E402

SEED = int(os.environ.get("SEED", 1))
SECONDS = float(os.environ.get("WEFT_LIFE_SECONDS", 12))
CLIENTS, KILLS, DEVICES = 4, 3, 10
HOSTS = ("h1", "h2")
print(f"SEED={SEED}")


class Client(threading.Thread):
    """A tenant, with a record of what it was told."""

    def __init__(self, number):
        super().__init__()
        self.random = random.Random(SEED + number)
        self.project = f"tenant-{number}"
        self.have = {}      # collection -> {id: body}: acknowledged
        self.gone = {}      # collection -> ids: deletion acknowledged
        self.unknown = {}   # collection -> ids whose deletion got no answer
        self.number, self.count = number, [0, 0, 0]
        self.devices = {h: [] for h in HOSTS}

    def ask(self, method, path, body=None):
        """Status and body; (0, None): nobody answered."""
        try:
            answer = c(method, "/v2.0/" + path, body)
        except (OSError, ValueError, __import__("http.client").client.HTTPException):
            time.sleep(0.05)
            answer = (0, None)
        self.count[0 if 200 <= answer[0] < 300 else 1 if answer[0] else 2] += 1
        return answer

    def make(self, collection, noun, **attrs):
        status, body = self.ask("POST", collection, {noun: dict(attrs, project_id=self.project)})
        if status == 201:
            self.have.setdefault(collection, {})[body[noun]["id"]] = body[noun]
            return body[noun]
        return None

    def one(self, collection):
        mine = list(self.have.get(collection, {}))
        return self.random.choice(mine) if mine else None

    def anybody(self, collection):
        """One's own or another's: several clients change and delete the same."""
        all_of_them = [i for x in clients for i in list(x.have.get(collection, {}))]
        return self.random.choice(all_of_them) if all_of_them else None

    def delete(self, collection):
        victim = self.one(collection)
        if not victim:
            return
        status, _ = self.ask("DELETE", f"{collection}/{victim}")
        if status in (204, 404):
            del self.have[collection][victim]
            self.gone.setdefault(collection, set()).add(victim)
        elif not status:
            del self.have[collection][victim]
            self.unknown.setdefault(collection, set()).add(victim)

    # ---- what tenants do ----

    def network(self):
        n = self.make("networks", "network", name=f"n{self.random.randrange(99)}")
        if n:
            self.make("subnets", "subnet", network_id=n["id"], ip_version=4,
                      cidr=f"10.{self.number}.{self.random.randrange(200)}.0/24")

    def port(self):
        net = self.one("networks")
        host = self.random.choice(HOSTS)
        if not net:
            return
        more = {}
        if len(self.devices[host]) < DEVICES // 2:
            name = f"vdev:net_null_{self.number}_{len(self.devices[host])}"
            self.devices[host].append(name)
            more = {"binding:host_id": host, "binding:profile": {"weft_spec": name}}
        groups = list(self.have.get("security-groups", {}))
        if groups and self.random.random() < 0.5:
            more["security_groups"] = self.random.sample(groups, min(len(groups), 2))
        self.make("ports", "port", network_id=net, **more)

    def port_change(self):
        port = self.one("ports")
        change = self.random.choice(({"admin_state_up": self.random.random() < 0.7},
                                     {"name": f"p{self.random.randrange(99)}"},
                                     {"allowed_address_pairs": [{"ip_address": f"10.9.{self.random.randrange(250)}.1"}]},
                                     {"allowed_address_pairs": []}))
        if port:
            self.ask("PUT", f"ports/{port}", {"port": change})

    def router(self):
        self.make("routers", "router", external_gateway_info={"network_id": PUBLIC} if self.random.random() < 0.5 else None)

    def interface(self):
        router, subnet = self.one("routers"), self.one("subnets")
        if router and subnet:
            verb = self.random.choice(("add", "add", "remove"))
            self.ask("PUT", f"routers/{router}/{verb}_router_interface", {"subnet_id": subnet})

    def floating(self):
        port = self.one("ports") if self.random.random() < 0.7 else None
        self.make("floatingips", "floatingip", floating_network_id=PUBLIC, **({"port_id": port} if port else {}))

    def forward(self):
        """Ports of a floating IP that lead nowhere in particular."""
        f, port = self.anybody("floatingips"), self.anybody("ports")
        if f and port:
            self.ask("POST", f"floatingips/{f}/port_forwardings", {"port_forwarding": {
                "protocol": self.random.choice(("tcp", "udp")), "external_port": self.random.randrange(1, 9), "internal_port": 22,
                "internal_port_id": port}})

    def addresses(self):
        if self.random.random() < 0.5 or not self.one("address-groups"):
            self.make("address-groups", "address_group", name="a", addresses=[f"198.18.{self.number}.0/24"])
        else:
            self.ask("PUT", f"address-groups/{self.one('address-groups')}/{self.random.choice(('add', 'remove'))}_addresses",
                     {"addresses": [f"198.18.{self.number}.{self.random.randrange(4)}/32"]})

    def pool(self):
        pool = self.one("subnetpools") or (self.make("subnetpools", "subnetpool", name="p", prefixes=[f"10.{100 + self.number}.0.0/24"],
                                                     default_prefixlen=26) or {}).get("id")
        n = self.make("networks", "network", name="of a pool") if pool else None
        if n:
            self.make("subnets", "subnet", network_id=n["id"], ip_version=4, subnetpool_id=pool)

    def binding(self):
        port, host = self.anybody("ports"), self.random.choice(HOSTS)
        if port:
            self.ask(*self.random.choice((("PUT", f"ports/{port}", {"port": {"device_owner": "compute:x"}}),
                                          ("POST", f"ports/{port}/bindings", {"binding": {"host": host}}),
                                          ("PUT", f"ports/{port}/bindings/{host}/activate", None),
                                          ("DELETE", f"ports/{port}/bindings/{host}", None))))

    def rename(self):
        """The same object by all at once, and what is said about it last is a name that one of them gave."""
        collection = self.random.choice(("networks", "ports", "routers", "security-groups"))
        victim = self.anybody(collection)
        if victim:
            noun = collection.replace("-", "_")[:-1]
            self.ask("PUT", f"{collection}/{victim}", {noun: {"description": f"by {self.number}"}})

    def group(self):
        g = self.make("security-groups", "security_group", name="g", stateful=self.random.random() < 0.7)
        if g:
            self.rule(g["id"])

    def rule(self, group=None):
        group = group or self.one("security-groups")
        if not group:
            return
        low = self.random.randrange(1, 60000)
        self.make("security-group-rules", "security_group_rule", security_group_id=group, protocol="tcp",
                  direction=self.random.choice(("ingress", "egress")), port_range_min=low,
                  port_range_max=low + self.random.randrange(300),
                  **self.random.choice(({}, {"remote_group_id": group}, {"remote_ip_prefix": "192.0.2.0/24"})))

    def remove(self):
        self.delete(self.random.choice(("ports", "ports", "security-group-rules", "security-groups", "floatingips", "routers",
                                        "subnets", "networks", "address-groups", "subnetpools")))

    def run(self):
        deeds = ((self.network, 2), (self.port, 6), (self.port_change, 3), (self.router, 1), (self.interface, 4),
                 (self.floating, 2), (self.group, 1), (self.rule, 3), (self.forward, 2), (self.addresses, 1), (self.pool, 1),
                 (self.binding, 2), (self.rename, 2), (self.remove, 5))
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.random.choices([d for d, _ in deeds], [w for _, w in deeds])[0]()


def flows(host):
    """Flows and groups of a switch, without what time does to them."""
    out = set()
    for what in ("dump-flows", "dump-groups"):
        text = subprocess.run([f"{B}/weft-ofctl", what, f"unix:{folder}/{host}.sock"], capture_output=True, text=True,
                              check=True).stdout
        for line in text.splitlines():
            line = re.sub(r"(duration|n_packets|n_bytes|idle_age|hard_age)=[^, ]*,? ?", "", line).strip()
            if "table=" in line or "group_id=" in line:
                out.add(line)
    return out


SETTLE = 13  # seconds in which a controller that has started moves no gateway (controller/south.c)


def calm(started=None, seconds=60):
    """All switches are up, and have all that they should; and nothing is left as it was before a start."""
    if started:
        time.sleep(max(0, started + SETTLE - time.monotonic()))
    end = time.monotonic() + seconds
    switches = []
    while time.monotonic() < end:
        status, body = c("GET", "/weft/v1/switches")
        switches = body["switches"] if status == 200 else []
        if len(switches) == 2 and all(s["up"] and not s["flows"]["pending"] for s in switches) and same_twice():
            return True
        time.sleep(0.2)
    print(json.dumps(switches, indent=1)[:2000])
    return False


def same_twice():
    before = {h: flows(h) for h in HOSTS}
    time.sleep(0.4)
    return before == {h: flows(h) for h in HOSTS}


c = Controller()
of_port = c.of_port
folder = tempfile.mkdtemp(prefix=f"weft-life-{os.getpid()}-")
switches = []
try:
    for i, h in enumerate(HOSTS):
        switches.append(subprocess.Popen(
            [f"{B}/weft-switch", "--name", h, "--host-id", h, "--socket", f"{folder}/{h}.sock", "--controller",
             f"tcp:127.0.0.1:{of_port}", "--port", "up0=vdev:net_null_up;physnet=wire", "--port",
             f"vx0=vxlan:local=192.0.2.{i + 1}/24,uplink=up0,remote=flow,vni=flow"],
            stdout=open(f"{folder}/{h}.log", "w"), stderr=subprocess.STDOUT))
    PUBLIC = c.make("network", router__external=True, provider__network_type="flat", provider__physical_network="wire")["id"]
    c.make("subnet", network_id=PUBLIC, ip_version=4, cidr="198.51.100.0/24", enable_dhcp=False)
    check(calm(), "two switches are up")
    clients = [Client(i) for i in range(CLIENTS)]
    for x in clients:
        x.start()
    for k in range(KILLS):
        time.sleep(SECONDS / (KILLS + 1))
        c.kill()
        same = c.port
        started = time.monotonic()
        c.start_again(same, of_port)
    for x in clients:
        x.join()
    made = sum(x.count[0] for x in clients)
    print(f"{made} done, {sum(x.count[1] for x in clients)} refused, {sum(x.count[2] for x in clients)} without an answer")
    check(made > 100, "tenants got something done", made)

    for collection in ("networks", "subnets", "ports", "routers", "floatingips", "security-groups", "security-group-rules",
                       "address-groups", "subnetpools"):
        there = {o["id"] for o in c.list(collection)}
        have = set().union(*(x.have.get(collection, {}) for x in clients))
        gone = set().union(*(x.gone.get(collection, set()) for x in clients))
        # What goes with something else was not deleted by its own name.
        lost = have - there
        if collection in ("subnets", "security-group-rules"):
            parents = {"subnets": ("networks", "network_id"), "security-group-rules": ("security-groups", "security_group_id")}
            over, key = parents[collection]
            alive = {o["id"] for o in c.list(over)}
            bodies = {i: b for x in clients for i, b in x.have.get(collection, {}).items()}
            lost = {i for i in lost if bodies[i][key] in alive}
        check(not lost, f"{collection}: what was acknowledged is there ({len(have)})", sorted(lost)[:3])
        check(not gone & there, f"{collection}: what was deleted is not ({len(gone)})", sorted(gone & there)[:3])

    cidrs = [(s["subnetpool_id"], s["cidr"]) for s in c.list("subnets") if s["subnetpool_id"]]
    check(len(cidrs) == len(set(cidrs)), f"no prefix of a pool is given twice ({len(cidrs)})")
    addresses = [(f["subnet_id"], f["ip_address"]) for p in c.list("ports") for f in p["fixed_ips"]]
    check(len(addresses) == len(set(addresses)), f"no address is given twice ({len(addresses)})")
    macs = [(p["network_id"], p["mac_address"]) for p in c.list("ports")]
    check(len(macs) == len(set(macs)), "nor a MAC address")

    check(calm(started), "the switches have what they should")
    refused = [s for s in c("GET", "/weft/v1/switches")[1]["switches"] if s["flows"]["refused"] or s["fault"]]
    check(not refused, "... and refused nothing", refused)
    with open(f"{c.folder}/log") as f:
        errors = [line for line in f if " error " in line]
    check(not errors, "the controller made no flow outside of its stages, nor two that disagree", errors[:2])
    before = {h: flows(h) for h in HOSTS}
    check(all(len(f) > 30 for f in before.values()), "... and that is something", {h: len(f) for h, f in before.items()})
    lists = {k: c.list(k) for k in ("networks", "subnets", "ports", "routers", "floatingips", "security-groups",
                                     "address-groups", "subnetpools")}
    c.kill()
    started = time.monotonic()
    c.start_again(c.port, of_port)
    check(calm(started), "a controller that derives all anew comes to rest")
    after = {h: flows(h) for h in HOSTS}
    for h in HOSTS:
        check(before[h] == after[h], f"{h}: flow for flow what it was",
              sorted(before[h] - after[h])[:2] + ["now"] + sorted(after[h] - before[h])[:2])
    again = {k: c.list(k) for k in lists}
    check(again == lists, "and the API says what it said")
finally:
    for s in switches:
        s.terminate()
    for s in switches:
        try:
            s.wait(10)
        except subprocess.TimeoutExpired:
            s.kill()
            s.wait()
    subprocess.run(["rm", "-rf", folder], check=False)
finish()
