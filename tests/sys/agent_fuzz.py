#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 6.2 Message handling: bad messages, the session alive
"""Thousands of bad messages at a running switch; it must stay well, and no larger than it was.

    sessions with mended and unmended lengths --- unix --- weft-switch, ports 1 to 4
    a bystander who is answered all the while --- unix ---/

Messages come from tests/vectors, with bytes changed, cut out, doubled and spliced; the seed is
printed, and SEED=N draws others.
"""
import glob
import os
import random
import select
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "lib"))
from of13 import *  # noqa: E402,F403

SECONDS = float(os.environ.get("SECONDS_EACH", "4"))
SEED = int(os.environ.get("SEED", 1))
VIRTUAL = 0xfffffffd, 0xfffffffe  # meters that OFPM_ALL does not name
CT = bytes.fromhex("ffff00180000232000230001000000000000ff0000000000")  # ct(commit)
INTERESTING = [0, 1, 2, 3, 4, 7, 8, 16, 24, 32, 63, 64, 127, 128, 253, 254, 255]


def vector(path):
    """The bytes of a vector: hex up to the line '--'."""
    out = b""
    with open(path) as f:
        for line in f:
            line = line.split("#")[0].strip()
            if line == "--":
                break
            out += bytes.fromhex(line)
    return out


def mutate(r, m, all_):
    b = bytearray(m)
    for _ in range(r.choice((1, 1, 2, 3, 8))):
        kind, i = r.randrange(6), r.randrange(8, len(b)) if len(b) > 8 else 4
        if kind == 0:
            b[i:i + 1] = bytes([r.randrange(256)])
        elif kind == 1:
            b[i:i + 1] = bytes([r.choice(INTERESTING)])
        elif kind == 2:
            b[i:i + r.randrange(1, 24)] = b""
        elif kind == 3:
            b[i:i] = b[i:i + r.choice((4, 8, 16, 40))]
        elif kind == 4:
            other = r.choice(all_)
            j = r.randrange(len(other))
            b[i:i] = other[j:j + r.randrange(1, 64)]
        else:
            b[i:i + 4] = r.choice((b"\xff" * 4, bytes(4), b"\xff\xff\xff\xfd", b"\0\0\0\1", b"\x7f\xff\xff\xff"))
    return bytes(b[:65535])


heard = 0  # bytes


def drain(c):
    """Reads what there is; False when the switch has closed."""
    global heard
    try:
        while select.select([c.s], [], [], 0)[0]:
            got = len(c.s.recv(1 << 20))
            heard += got
            if not got:
                return False
    except OSError:
        return False
    return True


def session(r, sw, vectors, mended, until):
    """One connection's messages; returns how many."""
    n, c = 0, sw.open()
    c.s.settimeout(20 * SLOW)
    try:
        for _ in range(r.randrange(1, 400)):
            m = r.choice(vectors)
            if r.randrange(5):
                m = mutate(r, m, vectors)
            if mended:
                m = b"\4" + m[1:2] + struct.pack("!H", len(m)) + m[4:]
            c.s.sendall(m)
            n += 1
            if n % 16 == 0 and (not drain(c) or time.monotonic() > until):
                break
    except OSError:
        pass  # closed, as it may be when lengths are not mended
    c.close()
    return n


def rounds(check, sw, bystander, r, vectors, mended):
    begin, n, worst = time.monotonic(), 0, 0
    until = begin + SECONDS
    while time.monotonic() < until and sw.alive():
        n += session(r, sw, vectors, mended, until)
        t = time.monotonic()
        if bystander.ask(ECHO_REQUEST, b"there?")[0] != ECHO_REPLY:
            break
        worst = max(worst, time.monotonic() - t)
    return n, worst


def reset(c):
    """As it was: nothing installed, fragments pass, ports up."""
    c.do(ROLE_REQUEST, role(1))
    c.do(FLOW_MOD, flow_mod(command=3, table=255))
    c.do(GROUP_MOD, group_mod(2, 0, 0xfffffffc))
    for meter in (0xffffffff, *VIRTUAL):
        c.do(METER_MOD, meter_mod(2, 1, meter))
    c.events.clear()


def track(c):
    """The memory for connections is taken with the first flow that needs it, once."""
    c.do(FLOW_MOD, flow_mod(match(oxm(5, b"\x08\x00")), apply_(CT)))


def test(check):
    r = random.Random(SEED)
    print(f"# SEED={SEED}")
    vectors = [vector(p) for p in sorted(glob.glob(f"{HERE}/../vectors/*.hex"))]
    check("there are vectors", len(vectors) > 50, len(vectors))
    sw = Switch("--log", "error")
    try:
        c = sw.open()
        track(c)
        rounds(check, sw, c, r, vectors, True)  # to its size
        reset(c)
        rss = sw.rss()
        check("they are answered", heard > 100000, heard)
        for mended in (True, False):
            n, worst = rounds(check, sw, c, r, vectors, mended)
            what = "with good headers" if mended else "as they come"
            check(f"{n} messages {what}: the switch is well", sw.alive() and n > 500, sw.text()[-3000:])
            check("... and a bystander is always answered", worst < 10 * SLOW, worst)
            if not sw.alive():
                return
        reset(c)
        left = c.parts(1, flow_request()), c.parts(7), c.parts(10, u32(ANY) + bytes(4))
        check("nothing is left of them", not any(left), left)
        # What is freed under AddressSanitizer stays in its quarantine, of up to 256 MiB.
        print(f"# RSS {rss / 1024:.0f} MiB before, {sw.rss() / 1024:.0f} MiB after")
        check("memory has not grown", sw.rss() - rss < (16 if SLOW == 1 else 320) * 1024, (rss, sw.rss()))
        c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(CONTROLLER))))
        check("... and it works", len(c.parts(1, flow_request())) == 56 + 16 + 24 - 8)
    finally:
        code, log = sw.stop(), sw.last_words
        check("it stops in order, and no sanitizer complains", code == 0 and "Sanitizer" not in log, (code, log[:6000]))


run(test)
