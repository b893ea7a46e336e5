#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client of the management socket that shares no code with the switch: protobuf by hand.

    mgmt.py SOCKET add NAME SPEC [NUMBER]
    mgmt.py SOCKET del NAME
    mgmt.py SOCKET list
    mgmt.py SOCKET stats       rx created tx consumed drops, then each drop that counted
    mgmt.py SOCKET mempools    buffers in use, of how many

Prints what the switch answers; exits 1 with its words when it refuses.
"""
import socket
import struct
import sys

WEFT = 0x57454654


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def text(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def number(field, value):
    return varint(field << 3) + varint(value) if value else b""


def fields(b):
    """The fields of a message: (number, integer or bytes)."""
    i = 0

    def take():
        nonlocal i
        n = shift = 0
        while True:
            c = b[i]
            i += 1
            n |= (c & 127) << shift
            shift += 7
            if c < 128:
                return n

    while i < len(b):
        key = take()
        value = take()
        if key & 7 == 2:
            value, i = b[i:i + value], i + value
        yield key >> 3, value


def one(b, field, default=b""):
    return next((v for f, v in fields(b) if f == field), default)


def message(kind, xid, body=b""):
    return struct.pack("!BBHI", 4, kind, 8 + len(body), xid) + body


class Switch:
    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(10)
        self.s.connect(path)
        self.s.sendall(message(0, 1))

    def recv(self):
        head = self.exactly(8)
        _, kind, n, xid = struct.unpack("!BBHI", head)
        return kind, xid, self.exactly(n - 8)

    def exactly(self, n):
        b = b""
        while len(b) < n:
            more = self.s.recv(n - len(b))
            if not more:
                sys.exit("the switch closed the connection")
            b += more
        return b

    def request(self, op, body):
        self.s.sendall(message(4, 7, struct.pack("!II", WEFT, 1) + text(op, body)))
        reply = b""
        while True:
            kind, xid, b = self.recv()
            if kind == 2:
                self.s.sendall(message(3, xid, b))
            if xid != 7:
                continue
            if kind != 4:
                sys.exit("refused: message type %d, %s" % (kind, b[:4].hex()))
            part = b[8:]
            reply += part
            if not one(part, 3, 0):
                break
        if one(reply, 1, 0):
            sys.exit(one(reply, 2).decode())
        return reply


def port_line(b):
    return "%d %s %s %s mtu %d" % (one(b, 2, 0), one(b, 1).decode(), one(b, 3).decode(),
                                   "up" if one(b, 11, 0) else "down", one(b, 10, 0))


def main():
    sw, op, args = Switch(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if op == "add":
        no = int(args[2]) if len(args) > 2 else 0
        print(port_line(one(sw.request(2, text(1, args[0]) + number(2, no) + text(3, args[1])), 5)))
    elif op == "del":
        print(port_line(one(sw.request(3, text(1, args[0])), 5)))
    elif op == "list":
        for f, v in fields(one(sw.request(4, b""), 6)):
            print(port_line(v))
    elif op == "stats":
        stats = one(sw.request(5, b""), 7)
        packets = one(stats, 1)
        drops = [(one(v, 1).decode(), one(v, 3, 0)) for f, v in fields(stats) if f == 2]
        print(*[one(packets, i, 0) for i in (1, 2, 3, 4)], sum(n for _, n in drops))
        for name, n in drops:
            if n:
                print(name, n)
    elif op == "mempools":
        for f, v in fields(one(sw.request(5, b""), 7)):
            if f == 6:
                print(one(v, 1).decode(), one(v, 3, 0), "of", one(v, 2, 0))
    else:
        sys.exit(__doc__)


main()
