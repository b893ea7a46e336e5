#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: EXT-187 Flow monitor: byte by byte, and readers that do not read
"""Flow monitors (EXT-187) of weft-switch, byte by byte; and readers that do not read.

    this script, as several controllers --- unix --- weft-switch
"""
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from of13 import *  # noqa: E402,F403

INITIAL, ADD, DELETE, MODIFY, ACTIONS, OWN = 1, 2, 4, 8, 16, 32
ALL_FLAGS = 63
ADDED, DELETED, MODIFIED, ABBREV = range(4)
EXISTS, BAD_FLAGS, UNKNOWN = 6, 7, 8  # of Nicira, type 0xffff


def monitor(*monitors):
    return multipart(0xffff, struct.pack("!II", ONF, 1870) + b"".join(monitors))


def one(id_, flags=ALL_FLAGS, out_port=ANY, table=255, m=None, length=None):
    m = match() if m is None else m
    length = struct.unpack_from("!H", m, 2)[0] if length is None and m else length or 0
    return struct.pack("!IHHIB3x", id_, flags, length, out_port, table) + m


def updates(m):
    """Of a reply: (event, xid) or (event, reason, priority, table, cookie, match, instructions)."""
    out = []
    assert m[0] == MULTIPART_REPLY and struct.unpack_from("!HH4xII", m[2])[0::2] == (0xffff, ONF), m
    for u in split(m[2][16:]):
        event = struct.unpack_from("!H", u, 2)[0]
        if event == ABBREV:
            out.append((event, struct.unpack_from("!I", u, 4)[0]))
            continue
        reason, prio, idle, hard, mlen, table, cookie = struct.unpack_from("!HHHHHBxQ", u, 4)
        end = 24 + (mlen + 7) // 8 * 8
        out.append((event, reason, prio, table, cookie, u[24:end], u[end:]))
    return out


def told(c):
    """All updates so far."""
    c.barrier()
    out = []
    for m in c.events:
        if m[0] == MULTIPART_REPLY:
            out += updates(m)
    c.events.clear()
    return out


def watch(c, *monitors):
    """The initial updates."""
    xid = c.send(MULTIPART_REQUEST, monitor(*monitors))
    out = []
    while True:
        m = c.answer(xid)
        assert m[0] == MULTIPART_REPLY, m
        out += updates(m)
        if not struct.unpack_from("!H", m[2], 2)[0] & 1:
            return out


def refused(c, type_, body):
    out = c.refusal(type_, body)
    c.events.clear()
    return out


def cancel(id_):
    return struct.pack("!III", ONF, 1870, id_)


def requests(check, sw):
    c = sw.open()
    check("two monitors of one id: MONITOR_EXISTS", refused(c, MULTIPART_REQUEST, monitor(one(1), one(1))) == (0xffff, EXISTS, NICIRA))
    check("... and none of the request is there", refused(c, EXPERIMENTER, cancel(1)) == (0xffff, UNKNOWN, NICIRA))
    check("a monitor is made", watch(c, one(1)) == [])
    check("... and not twice: MONITOR_EXISTS", refused(c, MULTIPART_REQUEST, monitor(one(1))) == (0xffff, EXISTS, NICIRA))
    for text, flags in (("unknown flags", ALL_FLAGS | 64), ("no flags", 0), ("no change asked for", INITIAL | ACTIONS)):
        check(f"{text}: BAD_FLAGS", refused(c, MULTIPART_REQUEST, monitor(one(2, flags))) == (0xffff, BAD_FLAGS, NICIRA))
    check("table 254: BAD_TABLE_ID", refused(c, MULTIPART_REQUEST, monitor(one(2, table=254))) == (1, 9))
    check("cut off: BAD_LEN", refused(c, MULTIPART_REQUEST, monitor(one(2)[:12])) == (1, 6))
    check("a match longer than the message: BAD_LEN", refused(c, MULTIPART_REQUEST, monitor(one(2, length=80))) == (1, 6))
    check("a bad match: BAD_FIELD", refused(c, MULTIPART_REQUEST, monitor(one(2, m=match(oxm(99, b"\0"))))) == (4, 6))
    check("no bytes of match (EXT-187): all flows", watch(c, one(3, m=b"")) == [])
    fields = oxm(0, u32(2))
    check("fields without a header (EXT-187)", watch(c, one(4, m=pad8(fields), length=len(fields))) == [])
    check("257 on a connection: EPERM", refused(c, MULTIPART_REQUEST, monitor(*(one(100 + i) for i in range(254)))) == (1, 5))
    check("cancel", refused(c, EXPERIMENTER, cancel(1)) is None)
    check("... once: UNKNOWN_MONITOR", refused(c, EXPERIMENTER, cancel(1)) == (0xffff, UNKNOWN, NICIRA))
    check("cancel, too long: BAD_LEN", refused(c, EXPERIMENTER, cancel(1) + bytes(8)) == (1, 6))
    check("Nicira's, which is OpenFlow 1.0's: BAD_MULTIPART's experimenter type",
          refused(c, MULTIPART_REQUEST, multipart(0xffff, struct.pack("!II", NICIRA, 2) + bytes(16))) == (1, 4))
    d = sw.open()
    check("ids are the connection's own", watch(d, one(3)) == [])
    c.close()
    d.do(FLOW_MOD, flow_mod(match(in_port(1))))
    check("monitors end with their connection, others' go on", [u[0] for u in told(d)] == [ADDED])
    d.do(FLOW_MOD, flow_mod(command=3, table=255))
    d.close()


def semantics(check, sw):
    c, d = sw.open(), sw.open()
    a = apply_(output(2))
    d.do(FLOW_MOD, flow_mod(match(in_port(1)), a, table=3, cookie=9, priority=7, flags=1))
    check("what is there, under the request's xid", watch(c, one(1)) == [(ADDED, 0, 7, 3, 9, match(in_port(1)), a)])
    d.do(FLOW_MOD, flow_mod(match(in_port(2)), a))
    d.do(FLOW_MOD, flow_mod(match(in_port(2)), apply_(output(3)), command=1))
    d.do(FLOW_MOD, flow_mod(match(in_port(2)), apply_(output(3)), command=1))
    d.do(FLOW_MOD, flow_mod(match(in_port(2)), command=3))
    t = told(c)
    check("added, modified, not modified, deleted: in their order",
          [(u[0], u[1], u[6]) for u in t] == [(ADDED, 0, a), (MODIFIED, 0, apply_(output(3))), (DELETED, 2, apply_(output(3)))], t)
    c.do(FLOW_MOD, flow_mod(match(in_port(2)), a))
    check("OWN: one's own change whole", [u[0] for u in told(c)] == [ADDED])
    refused(c, EXPERIMENTER, cancel(1))
    check("without INITIAL nothing at first", watch(c, one(1, ADD | DELETE | MODIFY)) == [])
    xid = c.do(FLOW_MOD, flow_mod(match(in_port(2)), a))
    check("without OWN: in short, with its xid", told(c) == [(ABBREV, xid)])
    xid = c.do(FLOW_MOD, flow_mod(match(), command=3))
    check("... several flows, once", told(c) == [(ABBREV, xid)])
    d.do(FLOW_MOD, flow_mod(match(in_port(2)), a))
    t = told(c)
    check("without ACTIONS: no instructions", len(t) == 1 and t[0][0] == ADDED and t[0][6] == b"", t)
    c.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(1))))
    d.do(FLOW_MOD, flow_mod(match(in_port(3)), apply_(group(1))))
    told(c)
    c.do(GROUP_MOD, group_mod(2, 0, 1))
    check("a flow that goes with its group: GROUP_DELETE, nobody's own", [u[:2] for u in told(c)] == [(DELETED, 3)])
    c.do(METER_MOD, meter_mod(0, 1, 1, band()))
    d.do(FLOW_MOD, flow_mod(match(in_port(3)), struct.pack("!HHI", 6, 8, 1) + a, flags=1))
    told(c)
    c.do(METER_MOD, meter_mod(2, 0, 1))
    check("a flow that goes with its meter: METER_DELETE", [u[:2] for u in told(c)] == [(DELETED, 4)])
    d.do(FLOW_MOD, flow_mod(match(in_port(3)), a, hard=1))
    told(c)
    time.sleep(1.7)
    t = told(c)
    check("a flow that runs out: HARD_TIMEOUT", [u[:2] for u in t] == [(DELETED, 1)], t)
    # Bundles.
    d.do(EXPERIMENTER, bundle_ctrl(7, 0))
    for m in (flow_mod(match(in_port(5)), a), flow_mod(match(in_port(6)), a), flow_mod(match(in_port(5)), command=3)):
        d.xid += 1
        d.send(EXPERIMENTER, bundle_add(7, msg(FLOW_MOD, m, d.xid)), xid=d.xid)
    check("a bundle: nothing before its commit", told(c) == [])
    d.do(EXPERIMENTER, bundle_ctrl(7, 4))
    check("... all of it after, in its order", [(u[0], u[5]) for u in told(c)] ==
          [(ADDED, match(in_port(5))), (ADDED, match(in_port(6))), (DELETED, match(in_port(5)))])
    d.do(EXPERIMENTER, bundle_ctrl(8, 0))
    for m in (flow_mod(match(in_port(5)), a), flow_mod(match(in_port(6)), apply_(group(77)))):
        d.xid += 1
        d.send(EXPERIMENTER, bundle_add(8, msg(FLOW_MOD, m, d.xid)), xid=d.xid)
    d.send(EXPERIMENTER, bundle_ctrl(8, 4))
    d.barrier()
    check("a bundle that fails: nothing", told(c) == [])
    d.events.clear()
    c.do(EXPERIMENTER, bundle_ctrl(9, 0))
    first = None
    for i in (21, 22, 23):
        xid = c.xid + 1
        c.send(EXPERIMENTER, bundle_add(9, msg(FLOW_MOD, flow_mod(match(in_port(i)), a), xid)))
        first = first or xid
    c.send(EXPERIMENTER, bundle_ctrl(9, 4))
    check("one's own bundle: in short, once", told(c) == [(ABBREV, first)])
    # A slave may watch.
    c.do(ROLE_REQUEST, role(3, 1))
    d.do(FLOW_MOD, flow_mod(match(in_port(2)), command=3))
    check("a slave is told", [u[0] for u in told(c)] == [DELETED])
    d.do(FLOW_MOD, flow_mod(command=3, table=255))
    c.close()
    d.close()


def filters(check, sw):
    d = sw.open()
    a2, a3 = apply_(output(2)), apply_(output(3))

    def play():
        for t, p, acts in ((0, 1, a2), (0, 2, a3), (1, 1, a3), (1, 2, a2)):
            d.do(FLOW_MOD, flow_mod(match(in_port(p)), acts, table=t))
        d.do(FLOW_MOD, flow_mod(match(in_port(1)), a3, command=1))
        d.do(FLOW_MOD, flow_mod(command=3, table=255))

    for text, kw, want in (
            ("table 1", dict(table=1), [(ADDED, 1), (ADDED, 2), (DELETED, 1), (DELETED, 2)]),
            ("in_port=1", dict(m=match(in_port(1))), [(ADDED, 1)] * 2 + [(MODIFIED, 1)] + [(DELETED, 1)] * 2),
            ("out_port 2, before or after", dict(out_port=2), [(ADDED, 1), (ADDED, 2), (MODIFIED, 1), (DELETED, 2)]),
            ("only DELETE", dict(flags=DELETE), [(DELETED, 1)] * 2 + [(DELETED, 2)] * 2),
            ("only MODIFY", dict(flags=MODIFY), [(MODIFIED, 1)]),
            ("a port that no flow has", dict(out_port=77), [])):
        c = sw.open()
        watch(c, one(1, **kw))
        play()
        have = sorted((u[0], struct.unpack_from("!I", u[5], 8)[0]) for u in told(c))
        check(f"filter: {text}", have == sorted(want), have)
        c.close()
    c = sw.open()
    watch(c, one(1, table=0, flags=ADD), one(2, flags=ADD | ACTIONS, out_port=3))
    play()
    t = [(u[3], u[6]) for u in told(c)]
    check("two monitors: each change once, with what either asks for", t == [(0, b""), (0, a3), (1, a3)], t)
    c.close()
    d.close()


# ---- Readers that do not read ----

def flood(d, first, n, insts, command=0, table=0):
    d.s.sendall(b"".join(msg(FLOW_MOD, flow_mod(match(oxm(5, b"\x08\0"), oxm(12, u32(i))), insts, table=table, command=command), i)
                         for i in range(first, first + n)))
    d.barrier()


def pauses(check, sw):
    c, d = sw.open(), sw.open()
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    a = apply_(*(output(p) for p in (1, 2, 3, 4) * 4))
    n = 20000
    flood(d, 0, n, a)
    known = {u[5] for u in watch(c, one(1))}
    check(f"{n} flows at first, in parts", len(known) == n)
    flood(d, n, n, a)  # more than is kept for one who does not read
    d.do(FLOW_MOD, flow_mod(match(oxm(5, b"\x08\0"), oxm(12, u32(5))), command=4))
    before = sw.rss()
    for _ in range(5):  # added and removed, again and again
        flood(d, 1000000, n, a, table=1)
        d.do(FLOW_MOD, flow_mod(command=3, table=1))
    grown = sw.rss() - before
    check("changes while it does not read take no memory", sanitized() or grown < 20000, f"{grown} KiB more")
    flood(d, 2000000, 100, a)
    flood(d, 100, 1, apply_(output(1)), command=1)
    flood(d, 200, 1, apply_(output(1)))  # replaced
    paused = resumed = 0
    while not resumed:
        m = c.recv()
        if m is None:
            break
        if m[0] == EXPERIMENTER:
            kind = struct.unpack_from("!II", m[2])
            paused += kind == (ONF, 1871)
            resumed += kind == (ONF, 1872)
            continue
        for u in updates(m):
            if u[0] == DELETED:
                known.discard(u[5])
            elif u[0] == ADDED:
                known.add(u[5])
            else:
                assert u[0] == MODIFIED and u[5] in known, u
    check("PAUSED, then RESUMED", (paused, resumed) == (1, 1), (paused, resumed))
    now = set()
    for s in split(d.parts(1, flow_request())):
        now.add(s[48:48 + (struct.unpack_from("!H", s, 50)[0] + 7) // 8 * 8])
    check("then it knows the flows that are there", known == now, f"{len(known - now)} gone, {len(now - known)} unknown")
    d.do(FLOW_MOD, flow_mod(match(in_port(1))))
    check("and is told of changes again", [u[0] for u in told(c)] == [ADDED])
    d.do(FLOW_MOD, flow_mod(command=3, table=255))
    c.close()
    d.barrier()
    check("a reader that leaves while changes wait is no trouble", sw.alive())
    d.close()


def sanitized():
    return "asan" in BUILD or "tsan" in BUILD


def test(check):
    sw = Switch("--log", "warn")
    try:
        requests(check, sw)
        semantics(check, sw)
        filters(check, sw)
        pauses(check, sw)
    finally:
        code = sw.stop()
    check("the switch ends in good order", code == 0, sw.p.returncode)


if __name__ == "__main__":
    run(test)
