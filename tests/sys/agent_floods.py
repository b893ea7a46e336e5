#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 6.2 Message handling: floods
# Spec: 6.3.2 Connection interruption: half-open connections
# Spec: 6.3.1 Connection setup: too many, stalled and silent connections
"""What comes in masses or not at all: floods, a thousand connections, peers that stall or vanish.

    this script's own network namespace
    flooder, bystander, silent ones --- unix, tcp, ssl --- weft-switch --- eth0, eth1: a frame goes through now and then
    a controller in namespace wbN.pid --- veth --- tcp ---/      which loses its link

While one floods, another is answered, packets are forwarded, and memory stays within bounds.
"""
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "lib"))
from of13 import *  # noqa: E402,F403

if os.environ.get("FLOODS_NS") != "1":
    os.environ["FLOODS_NS"] = "1"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])

NS = f"wb{os.getpid()}"
BOUND = (64 if SLOW == 1 else 640) * 1024  # KiB that a flood may cost; a sanitizer keeps 256 MiB of what was freed


def sh(*cmd):
    subprocess.run(cmd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def network():
    sh("ip", "link", "set", "lo", "up")
    for i in range(2):
        sh("ip", "link", "add", f"eth{i}", "type", "veth", "peer", "name", f"host{i}")
        for name in (f"eth{i}", f"host{i}"):
            sh("ip", "link", "set", name, "up")
    sh("ip", "netns", "add", NS)
    sh("ip", "link", "add", "ctl", "type", "veth", "peer", "name", "ctl0", "netns", NS)
    sh("ip", "addr", "add", "192.0.2.1/24", "dev", "ctl")
    sh("ip", "link", "set", "ctl", "up")
    sh("ip", "-n", NS, "addr", "add", "192.0.2.2/24", "dev", "ctl0")
    sh("ip", "-n", NS, "link", "set", "ctl0", "up")


def certificates(where):
    sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=weft", "-keyout", f"{where}/key",
       "-out", f"{where}/cert")


class Traffic:
    """Frames into eth0's peer, counted as they come out of eth1's."""

    def __init__(self):
        self.tx, self.rx = (socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5)) for _ in range(2))
        self.tx.bind(("host0", 0))
        self.rx.bind(("host1", 0x88b5))
        self.rx.setblocking(False)
        self.sent = self.got = self.next = 0

    def pulse(self):
        if time.monotonic() < self.next:  # not itself a flood
            return
        self.next = time.monotonic() + 0.002
        self.tx.send(bytes.fromhex("020000000002020000000001") + b"\x88\xb5" + bytes(46))
        self.sent += 1
        self.take()

    def take(self):
        try:
            while True:
                self.rx.recv(2048)
                self.got += 1
        except BlockingIOError:
            pass

    def arrived(self):
        """Whether all but a few come out in the end."""
        end = time.monotonic() + 20
        while self.got < self.sent and time.monotonic() < end:
            time.sleep(0.05)
            self.take()
        good = self.got >= self.sent * 0.9
        self.sent = self.got = 0
        return good


def prefix(i):
    return match(oxm(5, b"\x08\0"), oxm(12, u32(0x0a000000 + i)))


def floods():
    """(what, messages to be sent again and again, answers are read)."""
    def many(n, make):
        return b"".join(make(i) for i in range(n))
    frame_ = frame(size=1400)
    yield "flow_mods", many(4000, lambda i: msg(FLOW_MOD, flow_mod(prefix(i % 2000), apply_(output(1))), i)), False
    yield "echo requests", many(2000, lambda i: msg(ECHO_REQUEST, bytes(1000), i)), False
    yield "echo requests, answers read", many(2000, lambda i: msg(ECHO_REQUEST, bytes(1000), i)), True
    yield "aggregates over all flows", many(4000, lambda i: msg(MULTIPART_REQUEST, multipart(2, flow_request()), i)), True
    yield "flow dumps", many(4000, lambda i: msg(MULTIPART_REQUEST, multipart(1, flow_request()), i)), False
    yield "table features", many(4000, lambda i: msg(MULTIPART_REQUEST, multipart(12), i)), False
    yield "table features in parts that never end", many(4000, lambda i: msg(MULTIPART_REQUEST, multipart(12, flags=1), i % 60)), False
    yield "one request of many empty parts", many(4000, lambda i: msg(MULTIPART_REQUEST, multipart(12, flags=1), 7)), True
    yield "packet-outs", many(1000, lambda i: msg(PACKET_OUT, packet_out(frame_, output(1)), i)), False
    yield "group_mods", many(2000, lambda i: msg(GROUP_MOD, group_mod(2 * (i & 1), 0, 100 + i // 2, *[bucket(output(1))] * (1 - (i & 1))), i)), False
    yield "meter_mods", many(2000, lambda i: msg(METER_MOD, meter_mod(2 * (i & 1), 1, 100 + i // 2, *[band()] * (1 - (i & 1))), i)), False
    yield "barriers", many(4000, lambda i: msg(BARRIER_REQUEST, b"", i)), True
    yield "deletes that fit nothing", many(2000, lambda i: msg(FLOW_MOD, flow_mod(match(in_port(99)), command=3, table=255), i)), True
    yield "messages of no known type", many(4000, lambda i: msg(77, bytes(100), i)), False
    yield "monitors made and cancelled", many(2000, lambda i: msg(MULTIPART_REQUEST, multipart(0xffff, struct.pack(
        "!IIIHHIB3x", ONF, 1870, i, 3, 4, ANY, 255) + match()), i) + msg(EXPERIMENTER, struct.pack("!III", ONF, 1870, i), i)), True


def flood(sw, c, traffic, data, reads, seconds=0.6):
    """Bytes taken, and the bystander's longest wait."""
    f = sw.open()
    f.s.setblocking(False)
    sent, worst, end, view = 0, 0, time.monotonic() + seconds, memoryview(data)
    while time.monotonic() < end:
        for _ in range(30):
            try:
                sent += f.s.send(view[sent % len(data):][:1 << 16])
            except BlockingIOError:
                break
            if reads and select.select([f.s], [], [], 0)[0] and not f.s.recv(1 << 20):
                raise EOFError
        if reads and select.select([f.s], [], [], 0)[0]:
            f.s.recv(1 << 20)
        t = time.monotonic()
        traffic.pulse()
        assert c.ask(ECHO_REQUEST, b"there?")[0] == ECHO_REPLY
        worst = max(worst, time.monotonic() - t)
    f.close()
    return sent, worst


def flood_calmly(*args):
    """Again when an echo took longer than it may: the machine may have stood still."""
    sent, worst = 0, 1e9
    for _ in range(3):
        more, now = flood(*args)
        sent, worst = sent + more, min(worst, now)
        if worst < 1.0 * SLOW:
            break
    return sent, worst


def flooded(check, sw, c, traffic):
    c.do(FLOW_MOD, flow_mod(match(in_port(11)), apply_(output(12)), priority=50, table=0))
    for i in range(0, 20000, 1000):
        c.s.sendall(b"".join(msg(FLOW_MOD, flow_mod(prefix(i + k), apply_(output(2)), table=1), 1) for k in range(1000)))
    c.barrier()
    c.events.clear()
    for what, data, reads in floods():
        rss = sw.rss()
        try:
            sent, worst = flood_calmly(sw, c, traffic, data, reads)
        except (EOFError, ConnectionError):
            sent, worst = 1, 0  # the flooder was thrown out, which is an answer too
        grown = sw.rss() - rss
        print(f"# {what}: {sent / 600000:.1f} MB/s, an echo in {worst * 1000:.0f} ms at most, RSS {grown / 1024:+.0f} MiB", flush=True)
        check(f"flood of {what}: another is answered, packets pass, memory is bounded",
              sent and worst < 1.0 * SLOW and traffic.arrived() and grown < BOUND, (sent, worst, grown))
        if not sw.alive():
            return


def bundle_flood(check, sw, c, traffic):
    """Many packet-outs in a bundle: in its order, and in time that is no square of their number."""
    f = sw.open()
    f.do(EXPERIMENTER, bundle_ctrl(5, 0))
    one = [msg(EXPERIMENTER, bundle_add(5, msg(PACKET_OUT, packet_out(frame(), output(1)), i)), i) for i in range(100, 60100)]
    f.s.sendall(b"".join(one))
    f.barrier()
    t = time.monotonic()
    m = f.ask(EXPERIMENTER, bundle_ctrl(5, 4))
    took = time.monotonic() - t
    print(f"# 60,000 packet-outs in a bundle: {took * 1000:.0f} ms", flush=True)
    check("60,000 packet-outs in a bundle are done in time", m[0] == EXPERIMENTER and took < 10 * SLOW, (m[0], took))
    f.close()
    rss = sw.rss()
    data = b"".join(msg(EXPERIMENTER, bundle_add(6, msg(FLOW_MOD, flow_mod(prefix(i), apply_(output(1))), i)), i) for i in range(2000))
    sent, worst = flood_calmly(sw, c, traffic, data, False)
    print(f"# bundle adds: {sent >> 20} MiB, RSS {(sw.rss() - rss) / 1024:+.0f} MiB, an echo in {worst * 1000:.0f} ms at most", flush=True)
    check("a bundle that grows costs what was sent, and no more when it is gone",
          worst < 1.0 * SLOW and traffic.arrived() and sw.rss() - rss < 2.5 * sent / 1024 + BOUND, (sent, sw.rss() - rss))
    check("the log is bounded by time, not by what is sent", len(sw.text()) < 300000, len(sw.text()))


def thousand(check, sw, c):
    """1,000 at once; what is too much is closed, the others and the management socket are served."""
    rss, conns = sw.rss(), []
    for _ in range(1000):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20 * SLOW)
        s.connect(sw.listen)
        conns.append(s)
    served = closed = 0
    for s in conns:
        try:
            got = s.recv(64)
        except ConnectionError:
            got = b""
        served += len(got) >= 8
        closed += not got
    worst = time.monotonic()
    good = c.ask(ECHO_REQUEST, b"x")[0] == ECHO_REPLY
    worst = time.monotonic() - worst
    tool = Channel(sw.socket)
    check(f"of 1,000 connections at once {served} are served, {closed} closed", served >= 200 and served + closed == 1000 and closed >= 700,
          (served, closed))
    check("... who was there before is served, and so are tools of this host", good and worst < 5 * SLOW and tool.ask(FEATURES_REQUEST)[0] == FEATURES_REPLY)
    check("... memory is bounded", sw.rss() - rss < BOUND, sw.rss() - rss)
    tool.close()
    for s in conns:
        s.close()
    end = time.monotonic() + 20 * SLOW
    while time.monotonic() < end and not sw.ready():
        time.sleep(0.1)
    again = sw.open()
    check("... and when they are gone, a new one is", again.ask(FEATURES_REQUEST)[0] == FEATURES_REPLY)
    again.close()


class Waiters:
    """Those that stall, from the beginning; they are looked at in the end."""

    def __init__(self, ports):
        self.begin = time.monotonic()
        self.tls = socket.create_connection(("127.0.0.1", ports[1]))
        self.half = socket.create_connection(("127.0.0.1", ports[1]))
        self.half.sendall(bytes.fromhex("16030100a5010000a10303"))  # a client's first words, not all of them
        self.silent = socket.create_connection(("127.0.0.1", ports[0]))
        self.drip = socket.create_connection(("127.0.0.1", ports[0]))
        self.drip.sendall(msg(HELLO, struct.pack("!HHI", 1, 8, 1 << 4)))
        self.stop = threading.Event()
        threading.Thread(target=self.drops, daemon=True).start()
        code = ("import socket,time,sys\ns=socket.create_connection(('192.0.2.1',%d))\ns.sendall(bytes.fromhex('0400001000000001000100080000"
                "0010'))\ns.recv(64)\nprint('up',flush=True)\ntime.sleep(100)" % ports[0])
        self.far = subprocess.Popen(["ip", "netns", "exec", NS, sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert self.far.stdout.readline() == "up\n"
        assert self.far_is_there()
        sh("ip", "-n", NS, "link", "set", "ctl0", "down")

    def drops(self):
        """An echo request, a byte every half second."""
        m = msg(ECHO_REQUEST, b"slowly..", 0x5a)
        for i in range(1000):
            if self.stop.wait(0.5):
                return
            try:
                self.drip.sendall(m[i % 16:i % 16 + 1])
            except OSError:
                return

    @staticmethod
    def far_is_there():
        """The switch's end of the connection is open: state 1, established."""
        with open("/proc/self/net/tcp") as f:
            return any(line.split()[2].startswith("020200C0") and line.split()[3] == "01" for line in list(f)[1:])

    def look(self, check, sw):
        end = self.begin + 15 + 20 * SLOW  # three echo intervals, and some
        for what, s in (("who says nothing in a TLS handshake", self.tls), ("who stops in the middle of one", self.half), ("who says no hello", self.silent)):
            s.settimeout(max(0.1, end - time.monotonic()))
            try:
                while s.recv(4096):
                    pass
                gone = True
            except ConnectionError:
                gone = True
            except TimeoutError:
                gone = False
            check(what + " is given up", gone)
        while time.monotonic() < end and self.far_is_there():
            time.sleep(0.2)
        check("a controller whose link is gone is given up", not self.far_is_there())
        self.stop.set()
        got, self_end = b"", time.monotonic() + 20
        self.drip.settimeout(20)
        try:
            while time.monotonic() < self_end and b"slowly.." not in got:
                got += self.drip.recv(4096)
        except OSError:
            pass
        check("who sends two bytes a second is served", b"slowly.." in got, got[-60:])

    def end(self):
        self.stop.set()
        self.far.kill()
        self.far.wait()


def free_ports(n):
    s = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [x.getsockname()[1] for x in s]
    for x in s:
        x.close()
    return ports


def test(check):
    network()
    where = tempfile.mkdtemp(prefix=f"weft{os.getpid()}.")
    sw = waiters = None
    try:
        certificates(where)
        ports = free_ports(2)
        sw = Switch("--listen", f"ptcp:{ports[0]}:0.0.0.0", "--listen", f"pssl:{ports[1]}:127.0.0.1", "--private-key", f"{where}/key",
                    "--certificate", f"{where}/cert", "--ca-cert", f"{where}/cert", "--port", "eth0@11=af_packet:eth0",
                    "--port", "eth1@12=af_packet:eth1")
        c, traffic = sw.open(), Traffic()
        waiters = Waiters(ports)
        flooded(check, sw, c, traffic)
        bundle_flood(check, sw, c, traffic)
        thousand(check, sw, c)
        waiters.look(check, sw)
        check("the switch is well", sw.alive() and c.ask(ECHO_REQUEST, b"x")[0] == ECHO_REPLY, sw.text()[-2000:])
    finally:
        if waiters:
            waiters.end()
        if sw:
            sw.stop()
        subprocess.run(["ip", "netns", "del", NS], check=False)
        shutil.rmtree(where, ignore_errors=True)


run(test, 90)
