#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Packet-ins and app l2: what a controller answers to a switch without tenants, message by message.

        an emulated switch, ports 1 to 4 ---- weft-controller

The switch knows OpenFlow 1.3 alone and has no data plane; what it was sent is looked at.
"""
import os
import select
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
sys.dont_write_bytecode = True
import of13  # noqa: E402
from of13 import Channel, FLOOD, NO_BUFFER, in_port, match, oxm  # noqa: E402
from rest import Controller, check, finish  # noqa: E402

LEARN, BRIDGE, PORT_MAX = 40, 41, 8192
PATIENCE = 20 * of13.SLOW


class Switch:
    """Keeps flows as a switch would; .outs are the packet_outs, .mods the flow_mods since they were last taken."""

    def __init__(self, port, silent=True, dpid=7):
        self.silent, self.dpid, self.flows, self.mods, self.outs = silent, dpid, {}, [], []
        self.hold, self.held, self.barriers, self.bad_macs = False, [], 0, set()
        self.buffer, self.echoes = bytearray(), set()
        self.c = Channel(port, hello=False)
        self.c.send(of13.HELLO)

    def multipart(self, xid, body):
        kind = struct.unpack_from("!H", body)[0]
        out = b""
        if kind == 0:
            out = bytes(1056)
        elif kind == 13:
            for p in range(1, 5):
                out += struct.pack("!I4x6s2x16sIIIIIIII", p, bytes([2, 255, 0, 0, 0, p]), b"p%d" % p, 0, 4, 0, 0, 0, 0, 0, 0)
        elif kind == 1:
            for m in self.flows.values():
                idle, hard, prio = struct.unpack_from("!HHH", m, 26)
                out += struct.pack("!HBxIIHHHH4x8sQQ", len(m), m[24], 1, 0, prio, idle, hard, struct.unpack_from("!H", m, 44)[0], m[8:16], 0, 0)
                out += m[48:]
        self.c.send(of13.MULTIPART_REPLY, body[:2] + bytes(6) + out, xid=xid)

    def flow_mod(self, xid, m):
        if any(mac in m for mac in self.bad_macs):
            self.c.send(of13.ERROR, struct.pack("!HH", 5, 1) + m[:64], xid=xid)  # table full
            return
        self.mods.append(m)
        n = struct.unpack_from("!H", m, 50)[0]
        key = (m[24], m[30:32], m[48:48 + n])
        if m[25] in (3, 4):
            self.flows.pop(key, None)
        else:
            self.flows[key] = m

    def message(self, kind, xid, body, m):
        if kind == of13.FEATURES_REQUEST:
            self.c.send(of13.FEATURES_REPLY, struct.pack("!QIBB2xII", self.dpid, 0, 254, 0, 0x4f, 0), xid=xid)
        elif kind == of13.MULTIPART_REQUEST:
            self.multipart(xid, body)
        elif kind == of13.BARRIER_REQUEST:
            self.barriers += 1
            self.held.append(xid)
        elif kind == of13.FLOW_MOD:
            self.flow_mod(xid, m)
        elif kind == of13.PACKET_OUT:
            self.outs.append(m)
        elif kind == of13.ECHO_REQUEST:
            self.c.send(of13.ECHO_REPLY, body, xid=xid)
        elif kind == of13.ECHO_REPLY:
            self.echoes.add(xid)
        elif kind == of13.EXPERIMENTER and not self.silent:
            self.c.send(of13.ERROR, struct.pack("!HH", 1, 3) + m[:64], xid=xid)
        while self.held and not self.hold:
            self.c.send(of13.BARRIER_REPLY, xid=self.held.pop(0))

    def pump(self):
        """What has come within 20 ms, all of it; Channel.recv() would copy the rest at each message."""
        if select.select([self.c.s], [], [], 0.02)[0]:
            more = self.c.s.recv(1 << 20)
            if not more:
                raise EOFError
            self.buffer += more
        at = 0
        while len(self.buffer) - at >= 8:
            n = struct.unpack_from("!H", self.buffer, at + 2)[0]
            if len(self.buffer) - at < n:
                break
            m = bytes(self.buffer[at:at + n])
            at += n
            self.message(m[1], struct.unpack_from("!I", m, 4)[0], m[8:], m)
        del self.buffer[:at]

    def run(self, until=lambda: False, seconds=PATIENCE):
        """Whether it came to be."""
        end = time.monotonic() + seconds
        while not until() and time.monotonic() < end:
            self.pump()
        return until()

    def release(self):
        self.hold = False
        while self.held:
            self.c.send(of13.BARRIER_REPLY, xid=self.held.pop(0))

    def take(self):
        out = self.mods, self.outs
        self.mods, self.outs = [], []
        return out

    def packet_in(self, port, frame, table=0, cookie=0, buffer_id=NO_BUFFER, reason=0, total=None):
        return of13.msg(of13.PACKET_IN, struct.pack("!IHBBQ", buffer_id, total or len(frame), reason, table, cookie) + match(in_port(port)) +
                        bytes(2) + frame)

    def miss(self, port, frame, **how):
        self.c.s.sendall(self.packet_in(port, frame, **how))

    def settled(self):
        """Everything that was sent has been answered: an echo comes back behind it."""
        xid = self.c.send(of13.ECHO_REQUEST)
        return self.run(lambda: xid in self.echoes)

    def quiet(self):
        """... and nothing is under way: an acknowledgement is answered by what comes next, if there is any."""
        while True:
            before = self.barriers
            self.settled()
            self.settled()
            if before == self.barriers and not self.held:
                return


def mac(n):
    return bytes([2, 0, n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255])


def frame(src, dst):
    return of13.frame(mac(src).hex(), dst if isinstance(dst, str) else mac(dst).hex())


def of_station(m, n):
    """Whether a flow_mod is of that station: (table of its flow) or None."""
    if m[24] == LEARN and oxm(4, mac(n)) in m or m[24] == BRIDGE and oxm(3, mac(n)) in m:
        return m[24]
    return None


def flows_of(s, n):
    return sorted(t for t in (of_station(m, n) for m in s.flows.values()) if t)


def out(m):
    """buffer, in_port, output ports, frame"""
    buffer_id, port, n = struct.unpack_from("!IIH", m, 8)
    return buffer_id, port, [struct.unpack_from("!I", m, at + 4)[0] for at in range(24, 24 + n, 16)], m[24 + n:]


def outs(s):
    return [out(m) for m in s.take()[1]]


def stations(c):
    return c("GET", "/weft/v1/switches")[1]["switches"][0]["stations"]


def up(c, **how):
    s = Switch(c.of_port, **how)
    s.run(lambda: any(k[0] == BRIDGE for k in s.flows) and not s.held)
    s.settled()
    s.take()
    return s


def begin(c):
    s = Switch(c.of_port, silent=False, dpid=9)
    check(s.run(lambda: {0, LEARN, BRIDGE} <= {k[0] for k in s.flows}), "a switch that refuses bundles gets the base flows one by one", len(s.flows))
    check(c("GET", "/weft/v1/switches")[1]["switches"][0]["flows"]["refused"] == 0, "... and none counts as refused")
    s.c.s.close()


def answers(s):
    s.miss(1, frame(1, 2))
    s.run(lambda: len(flows_of(s, 1)) == 2 and s.outs)
    check(flows_of(s, 1) == [LEARN, BRIDGE], "a station that is new gets its two flows")
    check(outs(s) == [(NO_BUFFER, 1, [FLOOD], frame(1, 2))], "a frame that was held back goes on, to all while its station is not known")
    s.miss(2, frame(2, 1))
    s.run(lambda: len(flows_of(s, 2)) == 2 and s.outs)
    check(outs(s) == [(NO_BUFFER, 2, [1], frame(2, 1))], "... to its port alone when it is")
    s.miss(3, frame(3, 1), table=LEARN, cookie=2 << 56)
    s.run(lambda: len(flows_of(s, 3)) == 2)
    s.settled()
    check(flows_of(s, 3) == [LEARN, BRIDGE] and not s.take()[1], "a frame that stage learn has shown passed by itself: no packet_out")
    s.miss(2, frame(2, 1)[:64], buffer_id=77, total=1000)
    s.run(lambda: s.outs)
    check(outs(s) == [(77, 2, [1], b"")], "a frame that the switch keeps is named by its buffer")
    s.miss(2, frame(2, 1)[:40], total=1000)
    s.miss(2, frame(2, "0180c200000e"))
    s.miss(1, frame(1, 1))
    s.settled()
    check(not s.take()[1], "what is cut off, for the bridge itself, or for its own port goes nowhere")
    s.miss(1, frame(1, "0180c2000000"), buffer_id=78)
    s.run(lambda: s.outs)
    check(outs(s) == [(78, 1, [], b"")], "... but its buffer is given back")
    s.miss(1, of13.frame("030000000001", mac(1).hex()))
    s.settled()
    check(not s.take()[0], "a group address is nobody's")


def batches(s):
    s.barriers = 0
    s.c.s.sendall(b"".join(s.packet_in(4, frame(100 + i, 1)) for i in range(200)))
    s.run(lambda: all(len(flows_of(s, 100 + i)) == 2 for i in (0, 199)) and len(s.outs) == 200)
    s.settled()
    check(len(s.take()[1]) == 200 and s.barriers <= 20, "200 at once are answered in a few transactions", s.barriers)


def under_way(s):
    s.quiet()
    s.hold = True
    s.miss(1, frame(10, 1))
    s.run(lambda: s.held and len(flows_of(s, 10)) == 2)
    s.take()
    s.miss(1, frame(10, 2))
    s.miss(1, frame(11, 2))
    s.run(lambda: len(s.outs) == 2)
    mods, sent = s.take()
    check(len(sent) == 2 and not mods, "while flows are under way frames go on, and nothing is sent twice", (len(mods), len(sent)))
    s.release()
    s.run(lambda: len(flows_of(s, 11)) == 2)
    s.settled()
    check(flows_of(s, 11) == [LEARN, BRIDGE] and not [m for m in s.mods if of_station(m, 10)], "then those of the others go",
          (flows_of(s, 11), s.mods))
    s.take()
    s.miss(1, frame(10, 2))
    s.run(lambda: len([m for m in s.mods if of_station(m, 10)]) == 2)
    check(len([m for m in s.take()[0] if of_station(m, 10)]) == 2, "a switch that asks for what it has acknowledged gets it again")


def refusals(c, s):
    s.bad_macs = {mac(12)}
    before = c("GET", "/weft/v1/switches")[1]["switches"][0]["flows"]["refused"]
    s.miss(1, frame(12, 2))
    s.run(lambda: s.outs)
    s.settled()
    s.bad_macs = set()
    s.take()
    for _ in range(3):
        s.miss(1, frame(12, 2))
    s.run(lambda: len(s.outs) == 3)
    s.settled()
    mods, sent = s.take()
    refused = c("GET", "/weft/v1/switches")[1]["switches"][0]["flows"]["refused"] - before
    check(not mods and len(sent) == 3 and refused == 2, "flows that were refused are not sent for ever; their frames go on", (len(mods), len(sent), refused))


def moves(c, s):
    n = stations(c)["known"]
    s.miss(3, frame(1, 2), table=LEARN, cookie=2 << 56)
    s.run(lambda: any(of_station(m, 1) == LEARN and in_port(3) in m for m in s.flows.values()))
    s.settled()
    check(flows_of(s, 1) == [LEARN, BRIDGE] and any(of_station(m, 1) == BRIDGE and of13.output(3, 0) in m for m in s.flows.values()),
          "a station that moved has its flows at the new port, and none at the old one", flows_of(s, 1))

    def idle(port, k):
        body = struct.pack("!8sHBBIIHHQQ", bytes([2]) + bytes(7), 100, 0, LEARN, 300, 0, 300, 0, 0, 0)
        s.c.send(of13.FLOW_REMOVED, body + match(in_port(port), oxm(4, mac(k)), oxm(6, struct.pack("!H", 0))))
    idle(1, 1)
    s.settled()
    check(stations(c)["known"] == n and flows_of(s, 1) == [LEARN, BRIDGE], "what times out at the old port does not forget it")
    s.flows = {k: m for k, m in s.flows.items() if of_station(m, 2) != LEARN}
    idle(2, 2)
    s.run(lambda: not flows_of(s, 2))
    check(not flows_of(s, 2) and stations(c)["known"] == n - 1, "a station that was silent is forgotten, and its flows go")
    desc = struct.pack("!I4x6s2x16sIIIIIIII", 3, bytes([2, 255, 0, 0, 0, 3]), b"p3", 0, 1, 0, 0, 0, 0, 0, 0)
    s.c.send(of13.PORT_STATUS, struct.pack("!B7x", 2) + desc)
    s.run(lambda: not flows_of(s, 1) and not flows_of(s, 3))
    check(not flows_of(s, 1) and not flows_of(s, 3) and stations(c)["known"] == n - 3, "a port that goes down takes its stations along")


def breaks(c, s):
    n = stations(c)["known"]
    s.quiet()
    s.hold = True
    s.miss(1, frame(20, 2))
    s.run(lambda: s.held and len(flows_of(s, 20)) == 2)
    s.c.s.close()
    t = Switch(c.of_port, dpid=s.dpid)
    ok = t.run(lambda: len(flows_of(t, 20)) == 2 and len(flows_of(t, 10)) == 2)
    t.settled()
    check(ok and stations(c)["known"] == n + 1, "what was not acknowledged when the session broke comes with the next one", stations(c))
    t.run(lambda: not t.held, 2)
    return t


def restarts(c, s):
    s.quiet()
    n, before = stations(c)["known"], s.flows
    c.kill()
    s.c.s.close()
    c.start_again(c.port, c.of_port)
    t = Switch(c.of_port, dpid=s.dpid)
    t.flows = dict(before)
    t.run(lambda: c("GET", "/weft/v1/switches")[1]["switches"] and c("GET", "/weft/v1/switches")[1]["switches"][0]["flows"]["synced"])
    t.quiet()
    check(stations(c)["known"] == n and not t.mods and t.flows == before, "a controller that starts anew takes the stations over, and sends nothing",
          (n, stations(c), len(t.mods)))
    return t


def tagged(s):
    f = frame(30, 2)
    s.miss(1, f[:12] + struct.pack("!HH", 0x8100, 0x2005) + f[12:])
    s.run(lambda: len(flows_of(s, 30)) == 2)
    check(all(oxm(6, struct.pack("!H", 0x1005)) in m for m in s.flows.values() if of_station(m, 30)) and flows_of(s, 30), "a tagged frame's station is of its VLAN")
    s.take()


def flood(c, s):
    s.settled()
    before = stations(c)["known"]
    rss = c.rss_kb()
    for at in range(0, 2 * PORT_MAX, 256):
        s.c.s.sendall(b"".join(s.packet_in(2, frame(1 << 20 | at + i, 10), table=LEARN, cookie=2 << 56) for i in range(256)))
        s.run(lambda: False, 0.001)
    s.settled()
    s.run(lambda: not s.held and len(flows_of(s, 1 << 20 | 2 * PORT_MAX - 1)) == 2)
    got = stations(c)
    check(got["known"] <= before + PORT_MAX and got["pushed_out"] >= PORT_MAX - before, "made-up addresses push out the oldest of their own port", got)
    s.run(lambda: len(s.flows) <= 2 * got["known"] + 64)
    check(len(s.flows) <= 2 * got["known"] + 64, "... and their flows", len(s.flows))
    check(flows_of(s, 10) == [LEARN, BRIDGE] and flows_of(s, 20) == [LEARN, BRIDGE], "stations of other ports stay")
    check(c.rss_kb() - rss < 40000 * of13.SLOW, "memory is bounded", c.rss_kb() - rss)
    with open(f"{c.folder}/log") as f:
        check(f.read().count("pushes out an old one") == 1, "the log says so once")


def main():
    c = Controller("--log", "warn")
    begin(c)
    c.kill()
    c = Controller("--log", "warn")
    s = up(c)
    check(any(k[0] == LEARN for k in s.flows), "a switch that says nothing to Weft's question is asked in OpenFlow's terms")
    answers(s)
    batches(s)
    under_way(s)
    refusals(c, s)
    moves(c, s)
    s = breaks(c, s)
    s = restarts(c, s)
    tagged(s)
    flood(c, s)
    finish()


main()
