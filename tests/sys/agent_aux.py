#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 6.3.6 Auxiliary connections
"""Auxiliary connections (6.3.6), seen from a controller, and weft-controller's own side of them.

    weft-switch --controller tcp:127.0.0.1:PORT;aux=2  ===  this script
                                                       ===  weft-controller

Nothing comes in on the ports by itself: packets are packet-outs to TABLE that say where they came in.
"""
import os
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from of13 import *  # noqa: E402,F403

EQUAL, MASTER, SLAVE = 1, 2, 3


class Controller:
    """Listens; TLS where there are certificates."""

    def __init__(self, tls=None):
        self.tls = tls
        self.s = socket.socket()
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.s.bind(("127.0.0.1", 0))
        self.s.listen(16)
        self.port = self.s.getsockname()[1]

    def accept(self, timeout=10):
        """(channel, auxiliary id, datapath id, hello) of the next connection; None: none came."""
        if not select.select([self.s], [], [], timeout * SLOW)[0]:
            return None
        s = self.s.accept()[0]
        if self.tls:
            s.settimeout(10 * SLOW)
            s = self.tls.wrap_socket(s, server_side=True)
        c = Channel(s, hello=False)
        hello = c.recv()
        assert hello[0] == HELLO, hello
        s.sendall(msg(HELLO, struct.pack("!HHI", 1, 8, 1 << 4)))
        m = c.ask(FEATURES_REQUEST)
        return c, m[2][13], m[2][:8], hello[3][8:]

    def close(self):
        self.s.close()


def three(ctl):
    """The main connection and two others, by id."""
    out = {}
    while len(out) < 3:
        c, aux, _, _ = ctl.accept()
        out[aux] = c
    return out


def closed(c):
    """Whether the peer has closed it, what it said before aside."""
    try:
        end = time.monotonic() + 20 * SLOW
        while time.monotonic() < end:
            c.recv(0.2)
    except (EOFError, OSError):
        return True
    return False


def as_specified(check):
    ctl = Controller()
    sw = Switch("--controller", f"tcp:127.0.0.1:{ctl.port};aux=2", "--packet-in-rate", "0", name="aux")
    try:
        s = ctl.s.accept()[0]
        check("no other connection before the main one is set up", not select.select([ctl.s], [], [], 0.7)[0])
        main = Channel(s)
        dpid, aux, hello = main.ask(FEATURES_REQUEST)[2][:8], {}, None
        for _ in range(2):
            c, n, d, hello = ctl.accept()
            aux[n] = c
            check(f"connection {n}: the same datapath id", d == dpid)
        check("auxiliary ids are 1 and 2, the main connection's is 0", sorted(aux) == [1, 2] and main.ask(FEATURES_REQUEST)[2][13] == 0, aux)
        check("its hello is the main one's", hello == struct.pack("!HHI", 1, 8, 1 << 4), hello.hex())

        main.do(FLOW_MOD, flow_mod(insts=apply_(output(CONTROLLER, 20)), priority=0))
        frames = [frame(src=f"0200000000{i:02x}") for i in range(10, 42)]
        for _ in range(2):
            for f in frames:
                main.send(PACKET_OUT, packet_out(f, output(TABLE), in_port_=1))
        main.barrier()
        seen, end = {}, time.monotonic() + 20
        for n, c in list(aux.items()) * 1000:
            while m := c.event(PACKET_IN, 0.05):
                src = m[2][-20:][6:12]
                seen.setdefault(src, []).append(n)
                last = (c, n, struct.unpack_from("!I", m[2])[0])
            if sum(map(len, seen.values())) >= 64 or time.monotonic() > end:
                break
        for n, c in aux.items():
            check(f"connection {n} has no other packet-ins", c.none(PACKET_IN, 0.3))
        check("packet-ins go by the others", len(seen) == 32 and not [e for e in main.events if e[0] == PACKET_IN], len(seen))
        check("... spread over both, a flow's all by one", {v[0] for v in seen.values()} == {1, 2} and all(len(v) == 2 and v[0] == v[1] for v in seen.values()))
        c, n, b = last
        m = c.ask(PACKET_OUT, packet_out(b"", output(0), in_port_=1, buffer_id=b))
        check("an error is answered where its request came", m[0] == ERROR and m[2][:4] == struct.pack("!HH", 2, 4))
        other = aux[3 - n]
        other.do(PACKET_OUT, packet_out(b"", output(2), in_port_=1, buffer_id=b))
        m = main.ask(PACKET_OUT, packet_out(b"", output(2), in_port_=1, buffer_id=b))
        check("a buffer is the controller's, by any connection", m[0] == ERROR and m[2][:4] == struct.pack("!HH", 1, 7), m)

        m = aux[1].ask(ROLE_REQUEST, role(SLAVE, 1))
        check("a role is asked for on any connection", m[0] == ROLE_REPLY and m[2] == role(SLAVE, 1))
        check("... and is all connections'", [x.ask(ROLE_REQUEST, role(0))[2] for x in (main, aux[2])] == [role(SLAVE, 1)] * 2)
        m = aux[2].ask(FLOW_MOD, flow_mod())
        check("... so that none may write", m[0] == ERROR and m[2][:4] == struct.pack("!HH", 1, 10))
        local = sw.open()
        local.do(ROLE_REQUEST, role(MASTER, 2))
        aux[2].do(ROLE_REQUEST, role(MASTER, 3))
        check("a master by an auxiliary connection takes the role from another controller", local.ask(ROLE_REQUEST, role(0))[2] == role(SLAVE, 3))
        main.do(FLOW_MOD, flow_mod(match(in_port(1)), flags=1))
        aux[1].do(SET_ASYNC, async_((0, 0), (7, 7), (15, 0)))
        check("asynchronous configuration, too", main.ask(GET_ASYNC_REQUEST)[2] == async_((0, 0), (7, 7), (15, 0)))
        aux[2].send(PACKET_OUT, packet_out(frame(), output(TABLE), in_port_=2))
        for c in (main, *aux.values()):
            c.barrier()
        check("... and holds for packet-ins", not [e for c in (main, *aux.values()) for e in c.events if e[0] == PACKET_IN and c.events.remove(e) is None] and
              all(c.none(PACKET_IN, 0.3) for c in aux.values()))
        aux[1].do(FLOW_MOD, flow_mod(match(in_port(1)), command=4, priority=100))
        check("what is not a packet-in comes by the main connection", main.event(FLOW_REMOVED) and aux[1].none(FLOW_REMOVED, 0.3))
        m = aux[2].parts(1, flow_request())
        check("statistics are answered by the connection that asked", len(split(m)) == 1)

        aux[1].close()
        got = ctl.accept(15)
        check("an auxiliary connection that is lost comes back", got and got[1] == 1)
        if not got:
            return
        aux[1] = got[0]
        check("... with the controller's role", aux[1].ask(ROLE_REQUEST, role(0))[2] == role(MASTER, 3))
        main.close()
        check("when the main one goes, the others are closed", closed(aux[1]) and closed(aux[2]))
        again = three(ctl)
        check("... and all come back", sorted(again) == [0, 1, 2])
        check("... in the role that a new connection has", again[2].ask(ROLE_REQUEST, role(0))[2][:4] == u32(EQUAL))
        check("the switch is well", sw.alive())
        for c in again.values():
            c.close()
        local.close()
    finally:
        sw.stop()
        ctl.close()


def over_tls(check):
    d = tempfile.mkdtemp(prefix=f"weft{os.getpid()}.")
    try:
        with open(f"{d}/t", "w") as f:
            f.write('cn = "weft"\nca\ncert_signing_key\nsigning_key\nencryption_key\ntls_www_server\ntls_www_client\nexpiration_days = 3\n')
        for args in (["--generate-privkey", "--key-type", "ecdsa", "--outfile", f"{d}/key"],
                     ["--generate-self-signed", "--load-privkey", f"{d}/key", "--template", f"{d}/t", "--outfile", f"{d}/cert"]):
            subprocess.run(["certtool", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(f"{d}/cert", f"{d}/key")
        tls.load_verify_locations(f"{d}/cert")
        tls.verify_mode = ssl.CERT_REQUIRED
        ctl = Controller(tls)
        sw = Switch("--controller", f"ssl:127.0.0.1:{ctl.port};aux=2", "--private-key", f"{d}/key", "--certificate", f"{d}/cert", "--ca-cert", f"{d}/cert", name="tls")
        try:
            got = three(ctl)
            check("over TLS: main and auxiliary connections", sorted(got) == [0, 1, 2])
        finally:
            sw.stop()
            ctl.close()
    finally:
        shutil.rmtree(d)


def refused(check):
    for target, word in (("tcp:127.0.0.1:6653;aux=17", "0 to 16"), ("tcp:127.0.0.1:6653;aux=", "0 to 16"),
                         ("tcp:127.0.0.1:6653;aux-udp=1", "not UDP or DTLS"), ("udp:127.0.0.1:6653", "not a target")):
        p = subprocess.run([f"{BUILD}/weft-switch", "--name", "no", "--socket", f"/tmp/weft{os.getpid()}.no", "--controller", target],
                           capture_output=True, text=True, timeout=30 * SLOW)
        check(f"--controller {target} is refused in words", p.returncode == 1 and word in p.stderr, p.stderr[-300:])


def our_controller(check):
    """A learning switch without tenants: packet-ins come by an auxiliary connection, and are understood."""
    d = tempfile.mkdtemp(prefix=f"weft{os.getpid()}.")
    of, rest = (socket.socket() for _ in range(2))
    for s in (of, rest):
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in (of, rest)]
    of.close()
    rest.close()
    log = open(f"{d}/log", "w")
    ctl = subprocess.Popen([f"{BUILD}/weft-controller", "--listen", f"tcp:{ports[0]}:127.0.0.1", "--rest", f"127.0.0.1:{ports[1]}",
                            "--store", f"sqlite:{d}/db"], stdout=log, stderr=log)
    sw = None

    def text():
        with open(f"{d}/log") as f:
            return f.read()

    def until(condition):
        end = time.monotonic() + 15 * SLOW
        while not condition() and time.monotonic() < end:
            time.sleep(0.1)
        return condition()
    try:
        sw = Switch("--controller", f"tcp:127.0.0.1:{ports[0]};aux=2", "--dpid", "a1", name="ours")
        check("weft-controller knows both auxiliary connections",
              until(lambda: all(f"auxiliary connection {n} of switch 00000000000000a1" in text() for n in (1, 2))), text()[-500:])
        check("... and takes none for the switch's second main one", "connects anew" not in text() and text().count("switch 00000000000000a1 connected") == 1)
        c = sw.open()
        check("... the switch has its flows", until(lambda: len(split(c.parts(1, flow_request()))) > 2))
        station = bytes.fromhex("0200000000aa")

        def learned():
            c.send(PACKET_OUT, packet_out(frame(src=station.hex(), dst="ffffffffffff"), output(TABLE), in_port_=2))
            return any(station in s for s in split(c.parts(1, flow_request())))
        check("a station is learnt by a packet-in that came by one of them", until(learned))
        # Somebody from elsewhere who says that he is that switch.
        s = socket.socket()
        s.bind(("127.0.0.2", 0))
        s.connect(("127.0.0.1", ports[0]))
        x = Channel(s)
        m = x.recv()
        s.sendall(msg(FEATURES_REPLY, struct.pack("!QIBB2xII", 0xa1, 0, 254, 3, 0, 0), m[1]))
        check("an auxiliary connection from another address is closed", closed(x) and "has no main one from there" in text())
        check("... and the switch's stay", until(learned) and "session lost" not in text())
        c.close()
        sw.stop()
        check("when the switch goes, so do they", until(lambda: text().count(" lost:") == 3) and ctl.poll() is None, text()[-400:])
    finally:
        if sw:
            sw.stop()
        ctl.terminate()
        ctl.wait(20)
        log.close()
        shutil.rmtree(d)


def test(check):
    for part in (as_specified, over_tls, refused, our_controller):
        if part.__name__ in os.environ.get("PARTS", part.__name__).split():
            part(check)


run(test)
