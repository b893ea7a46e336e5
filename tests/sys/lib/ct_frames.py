# SPDX-License-Identifier: Apache-2.0
"""Frames for tests of connection tracking, from a line of words each.

    > S 1000              TCP from a to b: flags of FSRPAUEW (-: none), sequence, acknowledgment; then in any order
    < SA 5000 1001          +N data bytes, w=N window, ws=N and mss=N options, badsum, off=N data offset, ttl=N
    > UDP                 UDP: +N data bytes, badsum, nosum, len=N what its header says
    > ECHO 7 1            ICMP (or ICMPv6) echo request, identifier and number; REPLY: the answer;
    > ICMP 13 0             any type and code
    < ERROR 3 1           an error: quotes the last frame of the other direction; of=N the N-th frame of the case (from 1),
                            cut=N only so many bytes of it, from=ADDRESS somebody else sends it, garbage: random bytes,
                            mtu=N in a too-big, change=AT:BYTE that byte of the quotation is another
    > PROTO 47            any protocol: +N bytes

A packet is known by its IPv4 identification or IPv6 flow label, which is its number.
"""
import socket
import struct

FLAGS = "FSRPAUEW"
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58


def csum(data):
    if len(data) % 2:
        data += b"\0"
    n = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return ~n & 0xffff


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def l4sum(src, dst, proto, segment):
    a, b = packed(src), packed(dst)
    return csum(a + b + struct.pack("!II", len(segment), proto) + segment)


def ip(src, dst, proto, body, number=1, ttl=64, frag=0, length=None, tos=0):
    """An IP packet."""
    if ":" in src:
        return struct.pack("!IHBB", 6 << 28 | tos << 20 | number & 0xfffff, len(body) if length is None else length, proto, ttl) + packed(src) + packed(dst) + body
    h = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(body) if length is None else length, number & 0xffff, frag, ttl, proto, 0, packed(src), packed(dst))
    return h[:10] + struct.pack("!H", csum(h)) + h[12:] + body


def frame(packet, src="02:00:00:00:01:01", dst="02:00:00:00:01:02"):
    return bytes.fromhex((dst + src).replace(":", "")) + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0") + packet


def summed(src, dst, proto, segment, at, bad=False):
    """The segment with its checksum at that offset."""
    s = l4sum(src, dst, proto, segment)
    if proto == UDP and not s:
        s = 0xffff
    return segment[:at] + struct.pack("!H", s ^ (0x5555 if bad else 0)) + segment[at + 2:]


def tcp(src, dst, sport, dport, flags, seq=0, ack=0, data=b"", window=8192, options=b"", offset=None, bad=False):
    bits = sum(1 << FLAGS.index(f) for f in flags if f != "-")
    options += b"\1" * (-len(options) % 4)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, (5 + len(options) // 4 if offset is None else offset) << 4, bits, window, 0, 0)
    return summed(src, dst, TCP, head + options + data, 16, bad)


def udp(src, dst, sport, dport, data=b"", bad=False, none=False, length=None):
    head = struct.pack("!HHHH", sport, dport, 8 + len(data) if length is None else length, 0) + data
    return head if none else summed(src, dst, UDP, head, 6, bad)


def icmp(src, dst, type_, code, rest=b"\0\0\0\0", data=b"", bad=False):
    body = struct.pack("!BBH", type_, code, 0) + rest + data
    if ":" in src:
        return summed(src, dst, ICMP6, body, 2, bad)
    return body[:2] + struct.pack("!H", csum(body) ^ (0x5555 if bad else 0)) + body[4:]


class Talk:
    """Frames between a (port 'sport') and b (port 'dport')."""

    def __init__(self, a, b, sport=1025, dport=80, first=1):
        self.a, self.b, self.sport, self.dport = a, b, sport, dport
        self.number = first
        self.sent = []  # (to b?, IP packet)

    def packet(self, line):
        """To b?, IP packet."""
        words = line.split()
        onward, kind, rest = words[0] == ">", words[1], words[2:]
        src, dst, sp, dp = (self.a, self.b, self.sport, self.dport) if onward else (self.b, self.a, self.dport, self.sport)
        numbers = [int(x) for x in rest if x.lstrip("-").isdigit()]
        opts = dict(x.split("=", 1) for x in rest if "=" in x)
        data = bytes(i & 0xff for i in range(next((int(x[1:]) for x in rest if x[0] == "+"), 0)))
        bad = "badsum" in rest
        src, dst, sp, dp = opts.get("from", src), opts.get("to", dst), int(opts.get("sp", sp)), int(opts.get("dp", dp))
        six = ":" in src
        proto = ICMP6 if six else ICMP
        if kind == "UDP":
            proto, body = UDP, udp(src, dst, sp, dp, data, bad, "nosum" in rest, int(opts["len"]) if "len" in opts else None)
        elif kind in ("ECHO", "REPLY"):
            type_ = (128 if kind == "ECHO" else 129) if six else 8 if kind == "ECHO" else 0
            body = icmp(src, dst, type_, int(opts.get("code", 0)), struct.pack("!HH", *numbers), data, bad)
        elif kind == "ICMP":
            body = icmp(src, dst, numbers[0], numbers[1], struct.pack("!HH", *(numbers[2:4] or (7, 1))), data or bytes(16), bad)
        elif kind == "ERROR":
            body = icmp(src, dst, numbers[0], numbers[1], struct.pack("!I", int(opts.get("mtu", 0))), self.quotation(onward, opts, rest), bad)
        elif kind == "PROTO":
            proto, body = numbers[0], data or bytes(16)
        else:
            proto, body = TCP, self.segment(src, dst, sp, dp, kind, numbers, opts, data, bad)
        if "short" in opts:
            body = body[:int(opts["short"])]
        p = ip(src, dst, proto, body, self.number, int(opts.get("ttl", 64)), length=int(opts["iplen"]) if "iplen" in opts else None)
        if "badip" in rest:
            p = p[:10] + bytes([p[10] ^ 0x55]) + p[11:]
        self.number += 1
        self.sent.append((onward, p))
        return onward, p

    def segment(self, src, dst, sp, dp, flags, numbers, opts, data, bad):
        options = b""
        if "mss" in opts:
            options += struct.pack("!BBH", 2, 4, int(opts["mss"]))
        if "ws" in opts:
            options += struct.pack("!BBBB", 1, 3, 3, int(opts["ws"]))
        numbers = numbers + [0, 0]
        return tcp(src, dst, sp, dp, flags, numbers[0], numbers[1], data, int(opts.get("w", 8192)), options,
                   int(opts["off"]) if "off" in opts else None, bad)

    def quotation(self, onward, opts, rest):
        if "garbage" in rest:
            return bytes((i * 37 + 11) & 0xff for i in range(48))
        if "of" in opts:
            quoted = self.sent[int(opts["of"]) - 1][1]
        else:
            quoted = next(p for d, p in reversed(self.sent) if d != onward)
        if "change" in opts:
            at, byte = map(int, opts["change"].split(":"))
            quoted = quoted[:at] + bytes([byte]) + quoted[at + 1:]
        return quoted[:int(opts.get("cut", len(quoted)))]


def number_of(data):
    """Of a frame; None when it is not IP."""
    if data[12:14] == b"\x08\0":
        return struct.unpack_from("!H", data, 18)[0]
    if data[12:14] == b"\x86\xdd":
        return struct.unpack_from("!I", data, 14)[0] & 0xfffff
    return None


class Read:
    """What an IP packet says, as far as tests ask; 'inner' is what an ICMP error quotes.  wrong: which checksums are."""

    def __init__(self, packet, quoted=False):
        self.six = packet[0] >> 4 == 6
        self.inner, self.wrong, self.raw = None, [], packet
        if self.six:
            n, self.proto, self.ttl = struct.unpack_from("!HBB", packet, 4)
            family, self.number, n_head = socket.AF_INET6, struct.unpack_from("!I", packet)[0] & 0xfffff, 40
            a, b = packet[8:24], packet[24:40]
            self.frag = self.proto == 44
            n += 40
        else:
            n_head = (packet[0] & 15) * 4
            n, self.number, frag, self.ttl, self.proto = struct.unpack_from("!HHHBB", packet, 2)
            family, a, b = socket.AF_INET, packet[12:16], packet[16:20]
            self.frag = bool(frag & 0x3fff)
            if csum(packet[:n_head]):
                self.wrong.append("IP")
        self.src, self.dst = socket.inet_ntop(family, a), socket.inet_ntop(family, b)
        body = self.body = packet[n_head:] if quoted else packet[n_head:n]
        self.sport = self.dport = self.flags = self.type = None
        whole = not quoted and not self.frag or quoted and len(packet) >= n
        if self.proto in (TCP, UDP) and len(body) >= 4:
            self.sport, self.dport = struct.unpack_from("!HH", body)
            none = self.proto == UDP and body[6:8] == b"\0\0" and not self.six
            if whole and not none and l4sum(self.src, self.dst, self.proto, body):
                self.wrong.append("L4")
            if self.proto == TCP and len(body) >= 20:
                self.seq, self.ack = struct.unpack_from("!II", body, 4)
                self.flags = "".join(f for i, f in enumerate(FLAGS) if body[13] >> i & 1)
        elif self.proto in (ICMP, ICMP6) and len(body) >= 8:
            self.type, self.code, _, self.id, self.n = struct.unpack_from("!BBHHH", body)
            if whole and (l4sum(self.src, self.dst, ICMP6, body) if self.six else csum(body)):
                self.wrong.append("ICMP")
            errors = (1, 2, 3, 4) if self.six else (3, 4, 5, 11, 12)
            if not quoted and self.type in errors and len(body) >= 8 + (40 if self.six else 20) and body[8] >> 4 == (6 if self.six else 4):
                self.inner = Read(body[8:], True)
                self.wrong += ["inner " + w for w in self.inner.wrong]

    def ends(self):
        ports = f":{self.sport}" if self.sport is not None else "", f":{self.dport}" if self.dport is not None else ""
        return f"{self.src}{ports[0]}>{self.dst}{ports[1]}"

    def __str__(self):
        text = self.ends()
        if self.type is not None:
            text += f" icmp {self.type}.{self.code}" + (f" id {self.id}" if self.inner is None else "")
        if self.inner:
            text += f" [{self.inner}]"
        return text + (f" WRONG {' '.join(self.wrong)}" if self.wrong else "")
