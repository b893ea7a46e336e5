#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX ct: flushes in slices, and what waits for them
"""Many connections, flushed by each of the ways there are, while others talk to the switch.

    this script, as two controllers --- unix --- weft-switch

The connections are made by packet-outs.
"""
import os
import select
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from of13 import *  # noqa: E402,F403

N = 150000 if SLOW == 1 else 60000


def ct_commit(zone):
    return struct.pack("!HHIHHIHB3xH", 0xffff, 24, NICIRA, 35, 1, 0, zone, 255, 0)


def ip_checksum(b):
    n = sum(struct.unpack("!10H", b))
    n = (n & 0xffff) + (n >> 16)
    return 0xffff - ((n & 0xffff) + (n >> 16))


def udp(i):
    """The i-th: each source has 10000 ports."""
    head = struct.pack("!BBHHHBBHII", 0x45, 0, 28, 0, 0, 64, 17, 0, 0x0a000001 + i // 10000, 0x0b000001)
    head = head[:10] + struct.pack("!H", ip_checksum(head)) + head[12:]
    return bytes.fromhex("020000000001020000000002") + b"\x08\0" + head + struct.pack("!HHHH", 1000 + i % 10000, 53, 8, 0) + bytes(18)


def make(d, n, zone, first=0):
    """Few at a time: packet-outs for which there is no room are dropped."""
    for at in range(0, n, 500):
        d.s.sendall(b"".join(msg(PACKET_OUT, packet_out(udp(first + i), ct_commit(zone)), 1) for i in range(at, min(at + 500, n))))
        d.barrier()


def flush_zone(zone):
    return struct.pack("!II6xH", NICIRA, 29, zone)


def flush(proto=0, orig=b"", zone=None):
    """NXT_CT_FLUSH; 'orig': its members."""
    body = struct.pack("!IIB7x", NICIRA, 32, proto)
    if orig:
        body += pad8(struct.pack("!HH4x", 0, 8 + len(orig)) + orig)
    return body + (pad8(struct.pack("!HHH", 2, 6, zone)) if zone is not None else b"")


def member(type_, value):
    return pad8(struct.pack("!HH", type_, 4 + len(value)) + value)


def weft(*args):
    return subprocess.run([os.path.join(BUILD, "weft-ofctl"), *args], capture_output=True, text=True, timeout=60).stdout


def conns(sw):
    return int(weft("ct-stats", sw.socket).split("Total: ")[1].split()[0])


def between(c, d, body):
    """Echoes that 'd' was answered between flushes and the answer to the barrier behind them.

    Forty of the same, each a walk over all: one alone may be over before this process runs
    again.  Not cut into slices they would all be done in one turn of the switch's loop.
    """
    xid = c.xid = c.xid + 41
    c.s.sendall(b"".join(msg(EXPERIMENTER, body, xid - i) for i in range(40, 0, -1)) + msg(BARRIER_REQUEST, b"", xid))
    n = 0
    while not select.select([c.s], [], [], 0)[0]:
        assert d.ask(ECHO_REQUEST)[0] == ECHO_REPLY
        n += 1
    m = c.answer(xid)
    assert m[0] == BARRIER_REPLY, m
    return n


def test(check):
    sw = Switch("--ct-max-connections", "200000", "--log", "warn")
    try:
        c, d = sw.open(), sw.open()
        tens = member(0, bytes(10) + b"\xff\xff" + bytes([10, 0, 0, 3]))  # one source's
        for text, body, left in (("a zone's", flush_zone(5), 0), ("of a protocol", flush(17), 0),
                                 ("of an address", flush(0, tens), N - 10000), ("all that are left", flush(zone=5), 0)):
            for _ in range(5):  # a process that does not get to run hears nothing
                if conns(sw) < N:
                    make(d, N, 5)
                before = conns(sw)
                n = between(c, d, body)
                after = conns(sw)
                if n >= 6:
                    break
            check(f"{before} connections, flushed: {text}: others are heard meanwhile", n >= 6, n)
            check("... and the barrier behind it is answered when they are gone", after == left, after)
        make(d, N, 5)
        make(d, 1000, 6)
        out = weft("flush-conntrack", sw.socket, "zone=5")
        check("flush-conntrack zone=5 ends when they are gone, and the others stay", conns(sw) == 1000, out)
        # Two at a time, and one whose controller leaves.
        make(d, N, 5)
        e = sw.open()
        e.s.sendall(msg(EXPERIMENTER, flush_zone(5), 7))
        e.s.shutdown(socket.SHUT_WR)
        e.close()
        c.s.sendall(msg(EXPERIMENTER, flush(17, zone=6), 8))
        c.barrier()
        d.barrier()
        for _ in range(100):
            if not conns(sw):
                break
            time.sleep(0.1)
        check("two flushes, one of a controller that leaves: both are done whole", conns(sw) == 0)
        c.do(EXPERIMENTER, flush_zone(9))
        check("a flush of nothing", c.refusal(EXPERIMENTER, flush(17)) is None)
        check("a bad one is refused at once", c.refusal(EXPERIMENTER, flush(0, member(9, b"\0\0"))) == (13, 2), c.events)
        make(d, N, 5)
        c.s.sendall(msg(EXPERIMENTER, flush_zone(5), 9))  # it ends while that is going on
    finally:
        code = sw.stop()
    check("the switch ends in good order", code == 0, code)


if __name__ == "__main__":
    run(test)
