# SPDX-License-Identifier: Apache-2.0
"""Random lists of Nicira's actions, well-formed, as bytes, of a flow that matches IPv4's TCP: action(r)."""
import struct

REG = 0x00010004
MARK, LABEL = 0x0001d604, 0x0001d810


def nx(sub, body):
    body += bytes(-(10 + len(body)) % 8)
    return struct.pack(">HHIH", 0xffff, 10 + len(body), 0x2320, sub) + body


def reg(r):
    return REG | r.randrange(16) << 9


def part(r, bits=32, at_least=1):
    """A run of bits in a register: offset << 6 | bits - 1."""
    n = r.randrange(at_least, bits + 1)
    return r.randrange(bits - n + 1) << 6 | n - 1


def learn_spec(r):
    n = r.choice([1, 4, 16, 17, 32])
    to = r.randrange(3)
    ofs = r.randrange(33 - n)
    dst = struct.pack(">IH", reg(r), ofs) if to < 2 else b""
    if to < 2 and r.randrange(2):
        words = (n + 15) // 16
        return struct.pack(">H", 1 << 13 | to << 11 | n) + r.getrandbits(n).to_bytes(2 * words, "big") + dst
    return struct.pack(">H", to << 11 | n) + struct.pack(">IH", reg(r), r.randrange(33 - n)) + dst


def learn(r):
    longer = r.randrange(2)
    flags = r.randrange(4) | (4 if longer and r.randrange(2) else 0)
    body = struct.pack(">HHHQHBxHH", r.number(16), r.number(16), r.number(16), r.number(64), flags, r.randrange(255), r.number(16),
                       r.number(16))
    if longer:
        body += struct.pack(">IHxx", r.number(32), r.randrange(32) if flags & 4 else 0)
        body += struct.pack(">I", reg(r)) if flags & 4 else b""
    return nx(45 if longer else 16, body + b"".join(learn_spec(r) for _ in range(r.randrange(4))))


def nat(r):
    flags = r.randrange(1, 3) | r.choice([0, 4]) | r.choice([0, 8, 16])
    if r.randrange(3) == 0:  # ovs-ofctl does not say how, where no address is told
        return nx(36, struct.pack(">2xHH", flags & 3, 0))
    lo, hi = sorted(bytes([10]) + r.randbytes(3) for _ in range(2))
    present, body = 1, lo
    if r.randrange(2):
        present, body = present | 2, body + hi
    if r.randrange(2):
        a, b = sorted(r.randrange(1, 65536) for _ in range(2))
        present, body = present | 16, body + struct.pack(">H", a)
        if r.randrange(2):
            present, body = present | 32, body + struct.pack(">H", b)
    return nx(36, struct.pack(">2xHH", flags, present) + body)


def ct(r):
    zone = struct.pack(">IH", reg(r), r.randrange(17) << 6 | 15) if r.randrange(2) else struct.pack(">IH", 0, r.number(16))
    inner = nat(r) if r.randrange(2) else b""
    if r.randrange(2):
        inner += nx(7, struct.pack(">HIQ", 31, MARK, r.getrandbits(32)))
    if r.randrange(2):
        inner += struct.pack(">HHI", 0x19, 24, LABEL) + r.randbytes(16)
    if r.randrange(2):
        inner += nx(6, struct.pack(">HHHII", 32, 0, r.choice([0, 32, 96]), reg(r), LABEL))
    return nx(35, struct.pack(">H", r.choice([1, 3])) + zone + struct.pack(">B3xH", r.choice([255, r.randrange(255)]), r.choice([0, 0, 21]))
              + inner)


def ports(r):
    return [r.choice([1, 2, 77, 0xfffe, 0xfff8, r.randrange(1, 0xff00)]) for _ in range(r.randrange(6))]


def bundle(r):
    p = ports(r)
    return nx(12, struct.pack(">HHHIHHII", r.randrange(2), r.randrange(7), r.number(16), 2, len(p), 0, 0, 0) + struct.pack(">%dH" % len(p), *p))


def bundle_load(r):
    p = ports(r)
    return nx(13, struct.pack(">HHHIHHII", r.randrange(2), r.randrange(7), r.number(16), 2, len(p), part(r, at_least=16), reg(r), 0)
              + struct.pack(">%dH" % len(p), *p))


def multipath(r):
    bits = part(r)
    return nx(10, struct.pack(">HHxxHHIxxHI", r.randrange(7), r.number(16), r.randrange(4), r.randrange(min(65536, 1 << (bits & 63) + 1)),
                              r.number(31), bits, reg(r)))


def sample(r):
    kind = r.choice([29, 38, 41])
    body = struct.pack(">HIII", r.randrange(1, 65536), r.number(32), r.number(32), r.number(32))
    if kind != 29:
        body += struct.pack(">HB5x", r.choice([1, 7, 0xfffe, 0xffff]), r.randrange(3) if kind == 41 else 0)
    return nx(kind, body)


def clone(r, depth=0):
    inner = b"".join(action(r, depth + 1) for _ in range(r.randrange(3))) if depth < 3 else b""
    return nx(42, bytes(6) + inner)


PLAIN = [
    learn, ct, bundle, bundle_load, multipath, sample, clone,
    lambda r: nx(49, struct.pack(">HHI", r.number(16), r.randrange(32), reg(r))),
    lambda r: nx(21, (lambda ids: struct.pack(">H4x", len(ids)) + struct.pack(">%dH" % len(ids), *ids))([r.number(16) for _ in range(r.randrange(6))])),
    lambda r: nx(32, struct.pack(">HHI", part(r), r.number(16), reg(r))),
    lambda r: nx(15, struct.pack(">HIH6x", part(r), reg(r), r.number(16))),
    lambda r: nx(19, struct.pack(">HHxx", r.number(16), r.number(16))),
    lambda r: nx(39, struct.pack(">HI", r.randrange(1, 0xff00), r.randrange(14, 1 << 32))),
    lambda r: nx(r.choice([27, 28]), (lambda b: struct.pack(">HIH", b >> 6, reg(r), (b & 63) + 1))(part(r))),
    lambda r: nx(14, struct.pack(">HB3x", r.choice([0xfff8, r.randrange(1, 0xff00)]), r.randrange(256))),
    lambda r: nx(17, bytes(6)),
    lambda r: nx(43, bytes(6)),
    lambda r: nx(8, r.randbytes(6 + 8 * r.randrange(3))),
]


def action(r, depth=0):
    f = r.choice(PLAIN)
    return clone(r, depth) if f is clone else f(r)
