#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: EXT-187 Flow monitor: byte by byte, and readers that do not read
# Spec: NX Flow monitors of Nicira's form: the same, in other bytes
"""Flow monitors (EXT-187) of weft-switch, and Nicira's, which are the same in other bytes: byte by
byte; and readers that do not read.

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


nicira = False  # which of the two forms is spoken; what the tests see is ONF's in any case

# NXM headers without mask and length, of the fields that are matched here: ONF's field, its bytes.
NXM = {0x0000: (0, 4), 0x0003: (5, 2), 0x0007: (11, 4), 0x0008: (12, 4), 0x0006: (10, 1), 0x0005: (8, 1)}


def of_nxm(b):
    """The fields of an NXM match as an ofp_match."""
    out = []
    while b:
        cls, field, n = struct.unpack_from("!HBB", b)
        value, b = b[4:4 + n], b[4 + n:]
        to, size = NXM[cls << 8 | field >> 1]
        assert not field & 1, "a mask"
        value = bytes([value[0] >> 2]) if to == 8 else value
        out.append(oxm(to, bytes(size - n) + value))
    return match(*out)


def header(id_=0):
    return struct.pack("!II", *(NICIRA, 2) if nicira else (ONF, 1870))


def monitor(*monitors):
    return multipart(0xffff, header() + b"".join(monitors))


def one(id_, flags=ALL_FLAGS, out_port=ANY, table=255, m=None, length=None):
    m = match() if m is None else m
    if nicira:
        fields = m[4:struct.unpack_from("!H", m, 2)[0]]
        return struct.pack("!IHHHB5x", id_, flags, out_port & 0xffff, len(fields) if length is None else length, table) + pad8(fields)
    length = struct.unpack_from("!H", m, 2)[0] if length is None and m else length or 0
    return struct.pack("!IHHIB3x", id_, flags, length, out_port, table) + m


def updates(m):
    """Of a reply: (event, xid) or (event, reason, priority, table, cookie, match, instructions)."""
    out = []
    assert m[0] == MULTIPART_REPLY and m[2][:2] + m[2][8:16] == b"\xff\xff" + header(), m
    for u in split(m[2][16:]):
        event = struct.unpack_from("!H", u, 2)[0]
        if event == ABBREV:
            out.append((event, struct.unpack_from("!I", u, 4)[0]))
            continue
        reason, prio, idle, hard, mlen, table, cookie = struct.unpack_from("!HHHHHBxQ", u, 4)
        end = 24 + (mlen + 7) // 8 * 8
        out.append((event, reason, prio, table, cookie, of_nxm(u[24:24 + mlen]) if nicira else u[24:end], u[end:]))
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
    """The initial updates; 'parts' of the reply there were."""
    global parts
    parts = 1
    xid = c.send(MULTIPART_REQUEST, monitor(*monitors))
    out = []
    while True:
        m = c.answer(xid)
        assert m[0] == MULTIPART_REPLY, m
        out += updates(m)
        if not struct.unpack_from("!H", m[2], 2)[0] & 1:
            return out
        parts += 1


def refused(c, type_, body):
    out = c.refusal(type_, body)
    c.events.clear()
    return out


def cancel(id_):
    return struct.pack("!III", *(NICIRA, 21) if nicira else (ONF, 1870), id_)


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
    check("a match longer than the message: BAD_LEN, of its form", refused(c, MULTIPART_REQUEST, monitor(one(2, length=80))) == ((4, 1) if nicira else (1, 6)))
    check("a bad match: BAD_FIELD", refused(c, MULTIPART_REQUEST, monitor(one(2, m=match(oxm(99, b"\0"))))) == (4, 6))
    if nicira:
        check("bytes that are not zero: MUST_BE_ZERO", refused(c, MULTIPART_REQUEST, monitor(one(2)[:13] + b"\1" + one(2)[14:])) == (0xffff, 4, NICIRA))
        check("NXM fields, and OXM fields", watch(c, one(3, m=match(struct.pack("!HBBH", 0, 0, 2, 1), oxm(2, bytes(8))))) == [])
        check("... and one twice in both: DUP_FIELD",
              refused(c, MULTIPART_REQUEST, monitor(one(4, m=match(struct.pack("!HBBH", 0, 0, 2, 1), oxm(0, u32(1)))))) == (4, 10))
    else:
        check("no bytes of match (EXT-187): all flows", watch(c, one(3, m=b"")) == [])
        fields = oxm(0, u32(2))
        check("fields without a header (EXT-187)", watch(c, one(4, m=pad8(fields), length=len(fields))) == [])
    other = {False: struct.pack("!II", NICIRA, 2) + struct.pack("!IHHHB5x", 77, 63, 0xffff, 0, 255),
             True: struct.pack("!II", ONF, 1870) + struct.pack("!IHHIB3x", 77, 63, 0, ANY, 255)}[nicira]
    check("one of the other form on this connection: EPERM", refused(c, MULTIPART_REQUEST, multipart(0xffff, other)) == (1, 5))
    if nicira:
        watch(c, one(4))
    check("257 on a connection: EPERM", refused(c, MULTIPART_REQUEST, monitor(*(one(100 + i) for i in range(254)))) == (1, 5))
    check("cancel", refused(c, EXPERIMENTER, cancel(1)) is None)
    check("... once: UNKNOWN_MONITOR", refused(c, EXPERIMENTER, cancel(1)) == (0xffff, UNKNOWN, NICIRA))
    check("cancel, too long: BAD_LEN", refused(c, EXPERIMENTER, cancel(1) + bytes(8)) == (1, 6))
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
    t, end = [], time.monotonic() + 20
    while not t and time.monotonic() < end:
        time.sleep(0.2)
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
# One that takes nothing at all for 15 s is given up by the switch: what happens meanwhile is less on a slow machine.
PATIENCE = 4


def flood(d, first, n, insts, command=0, table=0):
    d.s.sendall(b"".join(msg(FLOW_MOD, flow_mod(match(oxm(5, b"\x08\0"), oxm(12, u32(i))), insts, table=table, command=command), i)
                         for i in range(first, first + n)))
    d.barrier()


PAUSED, RESUMED = "paused", "resumed"


def learn(known, m, strict=True):
    """What a message says, put into 'known', match to instructions; and whether it says PAUSED, RESUMED."""
    if m[0] == EXPERIMENTER:
        kind = struct.unpack_from("!II", m[2])
        assert kind in (((NICIRA, 22), (NICIRA, 23)) if nicira else ((ONF, 1871), (ONF, 1872))), m
        return [RESUMED if kind[1] in (23, 1872) else PAUSED]
    for u in updates(m):
        assert u[0] == ADDED or u[5] in known or not strict, u
        if u[0] == DELETED:
            known.pop(u[5], None)
        else:
            known[u[5]] = u[6]
    return []


def flows(d):
    """Match to instructions, of all that are there."""
    now = {}
    for s in split(d.parts(1, flow_request())):
        end = 48 + (struct.unpack_from("!H", s, 50)[0] + 7) // 8 * 8
        now[s[48:end]] = s[end:]
    return now


def differ(known, now):
    return f"{len(known.keys() - now)} gone, {len(now.keys() - known)} unknown, {sum(known[k] != now[k] for k in known.keys() & now)} different"


def nw_dst(i):
    return match(oxm(5, b"\x08\0"), oxm(12, u32(i)))


def walks(check, sw):
    """Changes while the first reply is being told, to one who does not read it yet."""
    c, d = sw.open(), sw.open()
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    a, n = apply_(*(output(p) for p in (1, 2, 3, 4) * 8)), 20000  # some 600 bytes each
    flood(d, 0, n, a)
    before = sw.rss()
    xid = c.send(MULTIPART_REQUEST, monitor(one(1)))
    barrier = c.send(BARRIER_REQUEST)
    time.sleep(0.3)
    grown = sw.rss() - before
    check("a first reply that is not read takes the memory of a part", sanitized() or grown < 7000, f"{grown} KiB more")
    # Told already, as the walk goes from the oldest: those with low numbers; the last ones not yet.
    a2, a3 = apply_(output(2)), apply_(output(3))
    for i, command, insts in ((5, 4, b""), (n - 5, 4, b""), (6, 1, a2), (n - 6, 1, a2), (7, 0, a3), (n - 7, 0, a3)):
        d.do(FLOW_MOD, flow_mod(nw_dst(i), insts, command=command))
    for i in (8, n - 8):  # replaced, and gone before the walk comes to it
        d.do(FLOW_MOD, flow_mod(nw_dst(i), a3))
        d.do(FLOW_MOD, flow_mod(nw_dst(i), command=4))
    for i in (n, n + 1):
        d.do(FLOW_MOD, flow_mod(nw_dst(i), a2))
    d.do(FLOW_MOD, flow_mod(nw_dst(n + 1), command=4))
    d.do(FLOW_MOD, flow_mod(in_port_first := match(in_port(1)), a2, priority=200))  # a place that was passed
    known, replies, more = {}, 0, True
    while more:
        m = c.recv()
        assert m and (m[1] != barrier or not more), m
        replies += m[1] == xid
        more = m[1] != xid or struct.unpack_from("!H", m[2], 2)[0] & 1
        assert not learn(known, m), "no pause"
    now = flows(d)
    check(f"changes during a first reply of {replies} messages: each known once, and right", known == now and in_port_first in known, differ(known, now))
    m = c.recv()
    check("the barrier behind it is answered after it", m[:2] == (BARRIER_REPLY, barrier), m)
    # So much changes that it is paused while the first reply is not whole.
    c.s.close()
    c = sw.open()
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    xid = c.send(MULTIPART_REQUEST, monitor(one(1)))
    d.barrier()
    flood(d, 0, 10000, apply_(*(output(p) for p in (4, 3, 2, 1) * 12)), command=2)  # modify, strictly
    flood(d, 3 * n, 100, a2)
    for i in (9, n - 9, 3 * n + 1):
        d.do(FLOW_MOD, flow_mod(nw_dst(i), command=4))
    known, states, more = {}, [], True
    while more or RESUMED not in states:
        m = c.recv()
        assert m, (more, states)
        more = more and (m[1] != xid or struct.unpack_from("!H", m[2], 2)[0] & 1)
        states += learn(known, m)
    now = flows(d)
    check("paused within the first reply: PAUSED, RESUMED, and all is right", states == [PAUSED, RESUMED] and known == now, (states, differ(known, now)))
    c.close()
    d.do(FLOW_MOD, flow_mod(command=3, table=255))
    d.close()


def again(check, sw):
    """Falls back once more while it is told what it missed."""
    c, d = sw.open(), sw.open()
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    n, long = 12000, [apply_(*(output(p) for p in ports * 12)) for ports in ((1, 2, 3, 4), (4, 3, 2, 1))]
    known = {}
    assert watch(c, one(1)) == []
    flood(d, 0, n, long[0])  # paused before all are told
    reads = 0
    while reads < 9000000:  # ... it catches up, in part
        m = c.recv(20)
        if not m:
            break
        reads += len(m[3])
        states = learn(known, m)
        if states:
            break
    while True:  # PAUSED was among the first that it read; now until it is told what it missed
        m = c.recv(20)
        assert m and not learn(known, m), "not yet"
        reads += len(m[3])
        if reads > 5500000:
            break
    before = sw.rss()
    end = time.monotonic() + PATIENCE
    for k in range(3):
        flood(d, 0, n, long[1 - k % 2], command=2)
        if time.monotonic() > end:
            break
    flood(d, 2 * n, 50, long[0])
    grown = sw.rss() - before
    for i in (1, n - 1, 2 * n + 3):
        d.do(FLOW_MOD, flow_mod(nw_dst(i), command=4))
    states = []
    while RESUMED not in states:
        m = c.recv()
        assert m, states
        # A flow may be told gone that was made while it was behind.
        states += learn(known, m, strict=False)
    now = flows(d)
    check("behind again while it catches up: what changes takes no memory", sanitized() or grown < 12000, f"{grown} KiB more")
    check("... RESUMED once, and all is right", states == [RESUMED] and known == now, (states, differ(known, now)))
    d.do(FLOW_MOD, flow_mod(match(in_port(1))))
    check("... and is told of changes", [u[0] for u in told(c)] == [ADDED])
    d.do(FLOW_MOD, flow_mod(command=3, table=255))
    c.close()
    d.close()


def pauses(check, sw):
    c, d = sw.open(), sw.open()
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    a = apply_(*(output(p) for p in (1, 2, 3, 4) * 4))
    n = 20000
    flood(d, 0, n, a)
    known = {u[5] for u in watch(c, one(1))}
    check(f"{n} flows at first, in parts", len(known) == n and parts > 1, parts)
    flood(d, n, n, a)  # more than is kept for one who does not read
    d.do(FLOW_MOD, flow_mod(match(oxm(5, b"\x08\0"), oxm(12, u32(5))), command=4))
    before = sw.rss()
    end = time.monotonic() + PATIENCE
    for _ in range(5):  # added and removed, again and again
        flood(d, 1000000, n, a, table=1)
        d.do(FLOW_MOD, flow_mod(command=3, table=1))
        if time.monotonic() > end:
            break
    grown = sw.rss() - before
    check("changes while it does not read take no memory", sanitized() or grown < 20000, f"{grown} KiB more")
    flood(d, 2000000, 100, a)
    flood(d, 100, 1, apply_(output(1)), command=1)
    flood(d, 200, 1, apply_(output(1)))  # replaced
    known = dict.fromkeys(known)
    states = []
    while RESUMED not in states:
        m = c.recv()
        if m is None:
            break
        states += learn(known, m)
    check("PAUSED, then RESUMED", states == [PAUSED, RESUMED], states)
    now = flows(d)
    check("then it knows the flows that are there", set(known) == set(now), differ(known, now))
    d.do(FLOW_MOD, flow_mod(match(in_port(1))))
    check("and is told of changes again", [u[0] for u in told(c)] == [ADDED])
    d.do(FLOW_MOD, flow_mod(command=3, table=255))
    c.close()
    d.barrier()
    check("a reader that leaves while changes wait is no trouble", sw.alive())
    d.close()


def joined(check, sw):
    """A monitor that is asked for while its connection is behind begins after what the others missed."""
    c, d = sw.open(), sw.open()
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    a = apply_(*(output(p) for p in (1, 2, 3, 4) * 4))
    assert watch(c, one(1, table=1)) == []
    flood(d, 3000000, 50, a)
    flood(d, 0, 20000, a, table=1)
    xid = c.send(MULTIPART_REQUEST, monitor(one(2, table=0)))
    time.sleep(0.3)  # it is read at once, whatever waits to be sent
    known, order = {}, []
    while RESUMED not in order or "reply" not in order:
        m = c.recv()
        assert m, order
        order += learn(known, m) + ["reply"] * (m[1] == xid)
    now = flows(d)
    check("a monitor asked for in a pause: its reply comes behind RESUMED", order == [PAUSED, RESUMED, "reply"], order)
    check("... and all is right", known == now, differ(known, now))
    d.do(FLOW_MOD, flow_mod(command=3, table=255))
    c.close()
    d.close()


def sanitized():
    return "asan" in BUILD or "tsan" in BUILD


def test(check):
    global nicira
    sw = Switch("--log", "warn")
    try:
        for nicira in (False, True):
            print(f"# {'Nicira' if nicira else 'ONF'}'s form")
            requests(check, sw)
            semantics(check, sw)
            filters(check, sw)
            pauses(check, sw)
            joined(check, sw)
            walks(check, sw)
            again(check, sw)
    finally:
        code = sw.stop()
    check("the switch ends in good order", code == 0, sw.p.returncode)


if __name__ == "__main__":
    run(test)
