# SPDX-License-Identifier: Apache-2.0
"""From the first byte of POST /v2.0/ports to the first packet through, and back.

The VM asks all the time: an ICMP echo request every half a millisecond, from before its port exists.  The clock stops
when the first answer of the other VM is here; its request is the first that the switches let through.  Then the port is
deleted, and again.  "plugged": the switch has the VM's device already, under the port's name.  "weft_spec": the
controller has the switch open the device.

    measure()                      runs rest_to_packet.sh, which makes the lab and runs
    rest_to_packet.py CASE RUNS REST-PORT NAMESPACE MAC PEER-MAC PEER-IP PORT-JSON
"""
import http.client
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    sys.dont_write_bytecode = True
from bench import rig, traffic  # noqa: E402

EVERY = 0.0005
ETH_P_IP = 0x800


def measure(runs):
    n = 50 if runs > 1 else 3
    p = subprocess.run(["bash", "bench/rest_to_packet.sh", str(n)], capture_output=True, text=True, timeout=240)
    for line in p.stdout.splitlines():
        case, run, answered, through = line.split("\t")
        rig.row("rest_to_packet", case, "weft", int(run), post_answered__ms=float(answered), first_packet__ms=float(through))
    if p.returncode:
        raise RuntimeError("rest_to_packet.sh: " + p.stderr.strip()[-600:])


def echo(to, source, src, dst, run, number):
    icmp = struct.pack("!BBHHH", 8, 0, 0, run, number) + bytes(24)
    icmp = icmp[:2] + struct.pack("!H", traffic.ones_complement(icmp)) + icmp[4:]
    head = [0x45, 0, 20 + len(icmp), 0, 0, 64, 1, 0, src, dst]
    head[7] = traffic.ones_complement(struct.pack("!BBHHHBBHII", *head))
    return to + source + b"\x08\x00" + struct.pack("!BBHHHBBHII", *head) + icmp


class Rest:
    def __init__(self, port):
        self.c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.c.connect()

    def __call__(self, method, path, body=None, want=201):
        self.c.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        r = self.c.getresponse()
        text = r.read()
        if r.status != want:
            sys.exit(f"{method} {path}: {r.status} {text[:300]}")
        return json.loads(text) if text else None


class Echoes:
    """The VM that asks, in a thread."""

    def __init__(self, s, make):
        self.s, self.make, self.stopped, self.heard = s, make, False, None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        number = 0
        while not self.stopped:
            self.s.send(self.make(number & 0xffff))
            number += 1
            if select.select([self.s], [], [], EVERY)[0]:
                data = self.s.recv(2048)
                if self.heard is None and data[23] == 1 and data[34] == 0:
                    self.heard = time.monotonic()

    def stop(self):
        self.stopped = True
        self.thread.join()


def drain(s):
    while select.select([s], [], [], 0.05)[0]:
        s.recv(2048)


def main():
    case, runs, port, space, mac, peer_mac, peer_ip, body = sys.argv[1:]
    rest = Rest(int(port))  # its socket stays here when we go elsewhere
    with open(space) as theirs:
        rig.enter(theirs)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    s.bind(("eth0", ETH_P_IP))
    ends = (bytes.fromhex(peer_mac.replace(":", "")), bytes.fromhex(mac.replace(":", "")),
            int.from_bytes(socket.inet_aton("10.0.0.99"), "big"), int.from_bytes(socket.inet_aton(peer_ip), "big"))
    for run in range(1, int(runs) + 1):
        drain(s)
        e = Echoes(s, lambda number, run=run: echo(*ends, run, number))
        time.sleep(0.1)
        if e.heard:
            sys.exit(f"{case}: packets go through before there is a port")
        t0 = time.monotonic()
        made = rest("POST", "/v2.0/ports", {"port": json.loads(body)})["port"]
        t1 = time.monotonic()
        while not e.heard and time.monotonic() < t0 + 10:
            time.sleep(0.001)
        e.stop()
        if not e.heard:
            sys.exit(f"{case}: nothing comes through within 10 s")
        print(case, run, f"{(t1 - t0) * 1000:.3f}", f"{(e.heard - t0) * 1000:.3f}", sep="\t", flush=True)
        rest("DELETE", f"/v2.0/ports/{made['id']}", want=204)
        time.sleep(0.3)


if __name__ == "__main__":
    main()
