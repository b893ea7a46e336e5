# SPDX-License-Identifier: Apache-2.0
"""Random messages of OpenFlow 1.3 and its extensions, well-formed, as bytes: messages(seed, n)."""
import random
import struct

import nx_random
import text_messages as T

U32, U64 = 0xffffffff, 2**64 - 1
NICIRA, ONF = 0x2320, 0x4f4e4600
FRAME = bytes.fromhex("0102030405060708090a0b0c08004500001c00010000401100000a0000010a0000020035003600080000")


class Random(random.Random):
    def some(self, *values):
        return self.choice(values)

    def number(self, bits):
        return self.some(0, 1, 2**bits - 1, self.getrandbits(bits), self.getrandbits(bits) >> self.randrange(bits))

    def port(self):
        return self.some(1, 2, 77, 0xfeff, 0xfffffffe, 0xfffffffd, self.randrange(1, 0xff00))

    def group(self):
        return self.some(0, 1, 0xfffffeff, self.randrange(0xffffff00))

    def match(self):
        fields = [T.oxm(0, struct.pack(">I", self.randrange(1, 0xff00))), T.oxm(2, struct.pack(">Q", self.getrandbits(64))),
                  T.oxm(3, self.randbytes(6)), T.oxm(4, self.randbytes(3) + bytes(3), b"\xff\xff\xff\0\0\0"), T.oxm(38, struct.pack(">Q", self.getrandbits(32)))]
        out = b"".join(f for f in fields if not self.randrange(4))
        kind = self.randrange(6)
        if kind == 1:
            proto = self.some(6, 17, 132)
            out += T.IP + T.oxm(10, bytes([proto])) + T.oxm({6: 14, 17: 16, 132: 18}[proto], struct.pack(">H", self.getrandbits(16)))
        elif kind == 2:
            out += T.oxm(5, b"\x86\xdd") + T.oxm(26, self.randbytes(16)) + T.oxm(28, struct.pack(">I", self.getrandbits(20)))
        elif kind == 3:
            out += T.oxm(5, b"\x08\x06") + T.oxm(21, struct.pack(">H", self.randrange(1, 3))) + T.oxm(22, self.randbytes(4))
        elif kind == 4:
            out += T.oxm(6, struct.pack(">H", 0x1000 | self.getrandbits(12))) + T.oxm(7, bytes([self.randrange(8)]))
        elif kind == 5:
            out += T.oxm(5, b"\x88\x47") + T.oxm(34, struct.pack(">I", self.getrandbits(20))) + T.oxm(36, bytes([self.randrange(2)]))
        return out

    def controller2(self):
        return (struct.pack(">HHH2x", 0, 8, self.getrandbits(16)), struct.pack(">HHH2x", 1, 8, self.getrandbits(16)), struct.pack(">HHB3x", 2, 5, self.randrange(3)),
                struct.pack(">HH", 3, 7) + self.randbytes(3) + b"\0", struct.pack(">HH4x", 4, 4), struct.pack(">HHI", 5, 8, self.randrange(1, 99)))

    def actions(self):
        pool = [lambda: T.out(self.port()), lambda: T.out(0xfffffffd, self.getrandbits(16)), lambda: struct.pack(">HHI", 22, 8, self.group()),
                lambda: struct.pack(">HHI", 21, 8, self.getrandbits(31)), lambda: struct.pack(">HHH2x", 17, 8, self.some(0x8100, 0x88a8)),
                lambda: T.nx(7, struct.pack(">HIQ", 31, 0x00010004, self.getrandbits(32))),
                lambda: T.nx(20, struct.pack(">HHBx", self.getrandbits(16), self.getrandbits(16), self.some(0, 1, 2))),
                # NXAST_CONTROLLER2: max_len, controller's id
                lambda: T.nx(37, bytes(6) + b"".join(p for p in self.controller2() if self.randrange(2)))]
        return b"".join(self.choice(pool)() for _ in range(self.randrange(4)))

    def insts(self):
        out = T.apply(self.actions()) if self.randrange(4) else b""
        if not self.randrange(4):
            out += struct.pack(">HH4xQQ", 2, 24, self.getrandbits(64), U64)
        if not self.randrange(3):
            out += struct.pack(">HHB3x", 1, 8, self.randrange(200, 254))
        return out


def bucket(r, kind):
    return T.bucket(r.randrange(1, 99) if kind == 1 else 0, r.port() if kind == 3 else U32, r.group() if kind == 3 else U32, r.actions())


def bands(r):
    return b"".join(struct.pack(">HHII4x", 1, 16, r.number(32), r.number(31)) if r.randrange(2) else
                    struct.pack(">HHIIB3x", 2, 16, r.number(32), r.number(31), r.randrange(8)) for _ in range(r.randrange(3)))


def packet_in2(r):
    def prop(t, b, pad=True):
        return struct.pack(">HH", t, 4 + len(b)) + b + (bytes(-(4 + len(b)) % 8) if pad else b"")
    body = prop(0, FRAME) + (prop(1, struct.pack(">I", 42)) if r.randrange(2) else b"") + (prop(2, struct.pack(">I", r.getrandbits(31))) if r.randrange(2) else b"")
    body += prop(3, bytes([r.randrange(254)])) + prop(4, bytes(4) + struct.pack(">Q", r.number(64))) + prop(5, bytes([r.randrange(6)]))
    return T.EX(NICIRA, 30, body + prop(6, r.match_of_packet()))


Random.match_of_packet = lambda r: T.oxm(0, struct.pack(">I", r.port())) + (T.oxm(2, struct.pack(">Q", r.getrandbits(63) + 1)) if r.randrange(2) else b"")

KINDS = {
    "flow_mod": lambda r: T.fm(r.match(), r.insts(), 0, 0, r.randrange(100), 0, r.number(16), r.number(16), r.number(16), U32, U32, U32, r.getrandbits(5)),
    "group_mod": lambda r: (lambda k: T.msg(15, struct.pack(">HBxI", r.randrange(2), k, r.group()) + b"".join(bucket(r, k) for _ in range(1 if k == 2 else r.randrange(1, 4)))))(r.randrange(4)),
    "meter_mod": lambda r: T.msg(29, struct.pack(">HHI", r.randrange(2), r.some(1, 2, 5, 9, 13), r.randrange(1, 0xffff)) + bands(r)),
    "flow_removed": lambda r: T.msg(11, struct.pack(">QHBBIIHHQQ", r.number(64), r.number(16), r.randrange(5), r.randrange(254), r.number(31), r.randrange(10**9), r.number(16), r.number(16),
                                                    r.number(63), r.number(63)) + T.match(r.match())),
    "flow stats": lambda r: T.mp(1, b"".join(T.fs(r.match(), r.insts(), r.randrange(100), r.number(16), r.number(16), r.number(16), r.getrandbits(5), r.number(64), r.randrange(10**9))
                                              for _ in range(r.randrange(4)))),
    "aggregate": lambda r: T.mp(2, struct.pack(">QQI4x", r.number(63), r.number(63), r.number(32))),
    "port stats": lambda r: T.mp(4, b"".join(T.ps(r.port(), *(r.number(64) for _ in range(12)), r.number(31), r.randrange(10**9)) for _ in range(r.randrange(3)))),
    "queue stats": lambda r: T.mp(5, b"".join(struct.pack(">IIQQQII", r.port(), r.number(31), r.number(64), r.number(64), r.number(64), r.number(31), r.randrange(10**9)) for _ in range(r.randrange(4)))),
    "queue config": lambda r: (lambda p: T.msg(23, struct.pack(">I4x", p) + b"".join(
        T.q(i, p, struct.pack(">HH4xH6x", 1, 16, r.number(10)) + struct.pack(">HH4xH6x", 2, 16, r.number(10))) for i in sorted(r.sample(range(99), r.randrange(3))))))(r.port()),
    "group desc": lambda r: (lambda k: T.mp(7, T.gd(k, r.group(), b"".join(bucket(r, k) for _ in range(1 if k == 2 else r.randrange(1, 4))))))(r.randrange(4)),
    "meter config": lambda r: (lambda b: T.mp(10, struct.pack(">HHI", 8 + len(b), r.some(1, 2, 5, 9, 13), r.randrange(1, 0xffff)) + b))(bands(r)),
    "flow monitor": lambda r: T.FU(*(T.upd(r.randrange(3), r.randrange(5), r.number(16), r.number(16), r.number(16), r.randrange(254), r.number(64), r.match(), r.insts())
                                      if r.randrange(5) else struct.pack(">HHI", 8, 3, r.number(32)) for _ in range(r.randrange(4)))),
    "flow monitor request": lambda r: T.FM(*(T.mon(r.number(32), 1 | r.getrandbits(5) & 0x1e, r.some(U32, r.port()), r.randrange(256), r.match()) for _ in range(r.randrange(1, 3)))),
    "role status": lambda r: T.EX(ONF, 1911, struct.pack(">IB3xQ", r.randrange(4), r.randrange(3), r.number(64))),
    "requestforward": lambda r: T.EX(ONF, 2350, T.msg(29, struct.pack(">HHI", r.randrange(2), r.some(1, 5, 9), r.randrange(1, 99)) + bands(r))),
    "asynchronous configuration": lambda r: T.msg(r.some(27, 28), struct.pack(">6I", *(r.getrandbits(3) for _ in range(6)))),
    "packet-in2": packet_in2,
    "packet-in": lambda r: T.msg(10, struct.pack(">IHBBQ", r.some(U32, r.getrandbits(31)), 42, r.randrange(3), r.randrange(254), r.number(64)) + T.match(r.match_of_packet()) + bytes(2) + FRAME),
    "packet-out": lambda r: (lambda a: T.msg(13, struct.pack(">IIH6x", U32, r.some(0xfffffffd, 1, 7), len(a)) + a + FRAME))(r.actions()),
    "port status": lambda r: T.msg(12, struct.pack(">B7x", r.randrange(3)) + T.port(r.port(), r.some(b"p1", b"eth-2"), r.getrandbits(1) | r.some(0, 4, 0x60), r.getrandbits(3), r.getrandbits(16), 0, 0, 0, r.number(31), r.number(31))),
}


# A flow of IPv4's TCP, so that no action lacks what it needs.
TCP = T.IP + T.oxm(10, b"\6")
KINDS["Nicira's actions"] = lambda r: T.fm(TCP, T.apply(b"".join(nx_random.action(r) for _ in range(r.randrange(1, 4)))), pri=r.number(16))
KINDS["Nicira's actions, of flows"] = lambda r: T.mp(1, b"".join(T.fs(TCP, T.apply(nx_random.action(r))) for _ in range(r.randrange(4))))


def messages(seed, each):
    """(kind, bytes)"""
    r = Random(seed)
    return [(kind, make(r)) for kind, make in KINDS.items() for _ in range(each)]
