# SPDX-License-Identifier: Apache-2.0
"""Emulated switches: sessions that keep what they are sent, without data planes, all on one thread of this process.

They speak Weft's management messages as far as the controller asks (Info, PortList), take bundles, and answer a
reading with the flows and groups that they keep; .mods counts what changed them.
"""
import selectors
import socket
import struct
import threading
import time

WEFT, ONF = 0x57454654, 0x4F4E4600
HELLO, ERROR, ECHO, ECHO_REPLY, EXPERIMENTER, FEATURES, FEATURES_REPLY = 0, 1, 2, 3, 4, 5, 6
GET_CONFIG, PORT_STATUS, FLOW_MOD, GROUP_MOD, MULTIPART, MULTIPART_REPLY, BARRIER = 7, 12, 14, 15, 18, 19, 20


def varint(n):
    out = b""
    while n > 0x7f:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


class Switch:
    def __init__(self, fleet, n):
        self.fleet, self.n, self.dpid = fleet, n, 0x1000 + n
        self.host, self.vtep = f"bench{n}", f"192.0.{n >> 8}.{n & 255}"
        self.ports = {1: (f"vx{n}", None)}  # ofport: name, iface-id
        self.flows, self.groups, self.mods, self.buf, self.s = {}, {}, 0, b"", None

    def connect(self, port):
        self.s = socket.create_connection(("127.0.0.1", port))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = b""
        self.send(HELLO, 1)
        self.fleet.selector.register(self.s, selectors.EVENT_READ, self)

    def send(self, kind, xid, body=b""):
        self.s.sendall(struct.pack("!BBHI", 4, kind, 8 + len(body), xid) + body)

    def plug(self, ofport, iface):
        self.ports[ofport] = (f"p{ofport}", iface)
        desc = struct.pack("!I4x6s2x16sIIIIIIII", ofport, b"\x02" + bytes(5), b"p%d" % ofport, 0, 0, 0, 0, 0, 0, 0, 0)
        self.send(PORT_STATUS, 0, struct.pack("!B7x", 0) + desc)

    def port(self, ofport):
        name, iface = self.ports[ofport]
        out = data(1, name) + number(2, ofport) + data(5, iface or name) + number(10, 1500) + number(11, 1) + number(12, 1)
        out += data(13, bytes([2, 0, 0, 0]) + struct.pack("!H", ofport & 0xffff))
        if ofport == 1:
            out += data(16, data(1, self.vtep) + data(2, "flow") + data(3, "flow"))
        return data(1, out)

    def asked(self, xid, body):
        field = body[0] >> 3
        if field == 1:
            head = data(4, data(1, f"br{self.n}") + data(2, self.host) + data(3, "bench") + number(5, self.dpid))
            self.send(EXPERIMENTER, xid, struct.pack("!II", WEFT, 2) + head)
        elif field == 4:
            one, at, shift = 0, 3, 0
            while body[1] and at < len(body):
                one |= (body[at] & 0x7f) << shift
                at, shift = at + 1, shift + 7
            wanted = [one] if one else sorted(self.ports)
            for i in range(0, len(wanted), 500):
                part = wanted[i:i + 500]
                reply = (number(3, 1) if i + 500 < len(wanted) else b"") + data(6, b"".join(self.port(p) for p in part))
                self.send(EXPERIMENTER, xid, struct.pack("!II", WEFT, 2) + reply)

    def multipart(self, xid, body):
        kind = struct.unpack_from("!H", body)[0]
        entries = []
        if kind == 1:
            for key, m in self.flows.items():
                idle, hard, prio = struct.unpack_from("!HHH", m, 26)
                rest = m[48:]
                entries.append(struct.pack("!HBxIIHHHH4x8sQQ", 48 + len(rest), m[24], 1, 0, prio, idle, hard,
                                           struct.unpack_from("!H", m, 44)[0], m[8:16], 0, 0) + rest)
        elif kind == 7:
            for g, m in self.groups.items():
                entries.append(struct.pack("!HBxI", 8 + len(m) - 16, m[10], g) + m[16:])
        parts, size = [[]], 0
        for e in entries:
            if size + len(e) > 60000:
                parts.append([])
                size = 0
            parts[-1].append(e)
            size += len(e)
        for i, part in enumerate(parts):
            self.send(MULTIPART_REPLY, xid, struct.pack("!HH4x", kind, int(i + 1 < len(parts))) + b"".join(part))

    def changed(self, m):
        self.mods += 1
        self.fleet.saw(self, m)
        if m[1] == GROUP_MOD:
            command, _, _, g = struct.unpack_from("!HBBI", m, 8)
            if command == 2:
                self.groups.pop(g, None)
            else:
                self.groups[g] = m
            return
        n = struct.unpack_from("!H", m, 50)[0]
        key = (m[24], m[30:32], m[48:48 + n])
        if m[25] in (3, 4):
            self.flows.pop(key, None)
        else:
            self.flows[key] = m

    def message(self, m):
        kind, xid = m[1], struct.unpack_from("!I", m, 4)[0]
        if kind == ECHO:
            self.send(ECHO_REPLY, xid, m[8:])
        elif kind == FEATURES:
            self.send(FEATURES_REPLY, xid, struct.pack("!QIBB2xII", self.dpid, 0, 254, 0, 0x4f, 0))
        elif kind == GET_CONFIG:
            self.send(GET_CONFIG + 1, xid, struct.pack("!HH", 0, 0xffff))
        elif kind == BARRIER:
            self.send(BARRIER + 1, xid)
        elif kind == MULTIPART:
            self.multipart(xid, m[8:])
        elif kind in (FLOW_MOD, GROUP_MOD):
            self.changed(m)
        elif kind == EXPERIMENTER:
            who, what = struct.unpack_from("!II", m, 8)
            if who == WEFT:
                self.asked(xid, m[16:])
            elif who == ONF and what == 2300:
                bundle, ctrl, flags = struct.unpack_from("!IHH", m, 16)
                self.send(EXPERIMENTER, xid, struct.pack("!IIIHH", ONF, 2300, bundle, ctrl + 1, flags))
            elif who == ONF and what == 2301:
                n = struct.unpack_from("!H", m, 26)[0]
                self.changed(m[24:24 + n])

    def readable(self):
        got = self.s.recv(1 << 20)
        if not got:
            self.fleet.selector.unregister(self.s)
            self.s.close()
            self.s = None
            return
        self.buf += got
        at = 0
        while len(self.buf) - at >= 8:
            n = struct.unpack_from("!H", self.buf, at + 2)[0]
            if len(self.buf) - at < n:
                break
            self.message(self.buf[at:at + n])
            at += n
        self.buf = self.buf[at:]


class Fleet:
    """n switches; times of what is waited for: (switch, MAC) -> when a flow for that destination came."""

    def __init__(self, n):
        self.selector, self.seen, self.mac = selectors.DefaultSelector(), {}, None
        self.last = time.monotonic()
        self.switches = [Switch(self, i) for i in range(n)]
        self.todo, self.ended = [], False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.ended:
            for key, _ in self.selector.select(0.02):
                key.data.readable()
            while self.todo:
                self.todo.pop(0)()

    def saw(self, switch, m):
        self.last = time.monotonic()
        at = m.find(b"\x80\x00\x06\x06")  # eth_dst
        if at >= 0 and m[1] == FLOW_MOD:
            self.seen.setdefault((switch.n, m[at + 4:at + 10]), self.last)

    def quiet(self, seconds, limit):
        end = time.monotonic() + limit
        while time.monotonic() - self.last < seconds and time.monotonic() < end:
            time.sleep(0.01)
