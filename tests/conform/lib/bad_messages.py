# SPDX-License-Identifier: Apache-2.0
"""Messages described by their parts, and every way in which they can be made wrong.

A Part is some bytes of a message's body and what the specification says of them: the error for
being cut off or having a wrong length, which values its enumerations have, where its padding is.
Parts stand one behind another; a part of parts has the length of all of them.  cases() walks them
and gives (what, wanted error or None, type, body): what the switch must answer to each.
"""
import struct

LEN = "BAD_REQUEST/OFPBRC_BAD_LEN"
MATCH_LEN = "BAD_MATCH/OFPBMC_BAD_LEN"
INST_LEN = "BAD_INSTRUCTION/OFPBIC_BAD_LEN"
ACTION_LEN = "BAD_ACTION/OFPBAC_BAD_LEN"
BUCKET = "GROUP_MOD_FAILED/OFPGMFC_BAD_BUCKET"
TABLE_LEN = "TABLE_FEATURES_FAILED/OFPTFFC_BAD_LEN"


class Part:
    """name, bytes or parts; lens: {offset: error}, pads: [(offset, n)], values: [(offset, size, value, error)]."""

    def __init__(self, name, content, cut, lens=None, pads=(), values=(), whole=False, grows=True):
        self.name, self.cut, self.pads, self.values = name, cut, pads, values
        self.lens = lens or {}
        self.whole = whole  # may be left out whole: nothing is wrong then
        self.grows = grows  # a length of more is wrong also where more bytes follow
        self.parts = [] if isinstance(content, bytes) else content[1:]
        self.head = content if isinstance(content, bytes) else content[0]

    def bytes(self):
        return self.head + b"".join(p.bytes() for p in self.parts)


def place(parts, at=0):
    """(offset, part) of all parts, also those inside of others."""
    for p in parts:
        yield at, p
        yield from place(p.parts, at + len(p.head))
        at += len(p.bytes())


def poke(body, at, size, value):
    return body[:at] + value.to_bytes(size, "big") + body[at + size:]


def cuts(name, body, parts):
    """Every truncation, the header's length mended, the lengths inside as they were."""
    at = 0
    for p in parts:
        n = len(p.bytes())
        for k in range(at, at + n):
            if not (k == at and p.whole):
                yield f"{name}: cut off in {p.name}, {k} of {len(body)} bytes", p.cut, body[:k]
        at += n


def lengths(name, body, parts):
    for at, p in place(parts):
        for offset, error in p.lens.items():
            where = at + offset
            n = struct.unpack_from("!H", body, where)[0]
            wrong = {0, 1, 2, 3, n - 1, n - 4 if n > 8 else 3, 0xffff, 0xfff8, 0x8000, 0x7ff8}
            if p.grows:
                wrong |= {n + 1, n + 4, n + 8, n + 16}
            for v in sorted(wrong - {n}):
                if 0 <= v <= 0xffff:
                    yield f"{name}: {p.name} of length {v}, not {n}", error, poke(body, where, 2, v)


def enums(name, body, parts):
    for at, p in place(parts):
        for offset, size, value, error in p.values:
            yield f"{name}: {p.name}, bytes {offset} to {offset + size - 1} are {value:#x}", error, poke(body, at + offset, size, value)


def pads(name, body, parts):
    """7.1.1: any value is accepted in padding, and ignored."""
    for at, p in place(parts):
        for offset, n in p.pads:
            for fill in (b"\xff" * n, bytes(range(1, n + 1))):
                yield f"{name}: padding of {p.name} is {fill.hex()}", None, body[:at + offset] + fill + body[at + offset + n:]


def longer(name, body, fixed):
    """Bytes behind a message of fixed length."""
    for n in (1, 4, 8, 64, 1024) if fixed else ():
        yield f"{name}: {n} bytes too many", LEN, body + bytes(n)


def cases(name, type_, parts, fixed=False):
    body = b"".join(p.bytes() for p in parts)
    for make in (cuts, lengths, enums, pads):
        for what, error, b in make(name, body, parts):
            yield what, error, type_, b
    for what, error, b in longer(name, body, fixed):
        yield what, error, type_, b
