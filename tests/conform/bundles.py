#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: EXT-230 Bundles: a bad message at each place; at random against one by one; every code
# Spec: 7.3.4.3 Port modification: in bundles
"""Bundles (ONF EXT-230) across flows, groups, meters, tables and ports: all or nothing.

    this script --- unix --- weft-switch, ports 1 to 4

A bundle of messages of all kinds, all good; then one that is bad is put at each place of it.  Everything
that can be asked for is compared before and after.  Then bundles drawn at random, against a model: the
same messages one by one, up to the first that is refused.
"""
import os
import random
import struct
import sys
import time

from os_ken.ofproto import ofproto_v1_3 as of

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sys/lib"))
from of13 import *  # noqa: E402,F403

OPEN, CLOSE, COMMIT, DISCARD = 0, 2, 4, 6


def flow(*actions, match_=None, **kw):
    return flow_mod(match_, apply_(*actions), **kw)


def dump(c):
    """Everything, counters and times left out."""
    flows = sorted((f["table"], f["priority"], f["idle"], f["hard"], f["flags"], f["cookie"], f["rest"])
                   for f in map(flow_fields, split(c.parts(1, flow_request()))))
    return flows, sorted(split(c.parts(7))), sorted(split(c.parts(10, u32(ANY) + bytes(4)))), c.parts(12), c.parts(13)


def ctrl(c, bundle, type_, flags=3):
    """None, or the error of a bundle's message."""
    m = c.ask(EXPERIMENTER, bundle_ctrl(bundle, type_, flags))
    return struct.unpack_from("!HHI", m[2]) if m[0] == ERROR else None


def add(c, bundle, type_, body):
    """The xid of the message."""
    xid = c.xid + 1
    c.send(EXPERIMENTER, bundle_add(bundle, msg(type_, body, xid)))
    return xid


def commit(c, messages, bundle=7):
    """(None or the commit's error, number of the message with an error, that error)."""
    c.events.clear()
    assert ctrl(c, bundle, OPEN) is None
    xids = [add(c, bundle, *m) for m in messages]
    err = ctrl(c, bundle, COMMIT)
    own = [(xids.index(e[1]), struct.unpack_from("!HH", e[2])) for e in c.events if e[0] == ERROR and e[1] in xids]
    c.events = [e for e in c.events if e[0] != ERROR]
    return err, own


def undo_everything(c, mac):
    c.do(FLOW_MOD, flow_mod(command=3, table=255))
    c.do(GROUP_MOD, group_mod(2, 0, 0xfffffffc))
    c.do(METER_MOD, meter_mod(2, 0, ANY))
    for p in (1, 2):
        c.do(PORT_MOD, port_mod(p, mac[p], 0, 0x65))
    c.events.clear()


def positions(check, c, mac):
    c.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(1))))
    c.do(METER_MOD, meter_mod(0, 1, 1, band()))
    c.do(FLOW_MOD, flow(group(1), match_=match(in_port(1)), cookie=1))
    c.do(FLOW_MOD, flow_mod(match(in_port(2)), struct.pack("!HHI", 6, 8, 1) + goto(4), table=2, cookie=2, idle=100))
    good = [
        (GROUP_MOD, group_mod(0, 1, 2, bucket(output(2), weight=1))),
        (PORT_MOD, port_mod(1, mac[1], 0x20, 0x20)),
        (FLOW_MOD, flow(group(2), match_=match(in_port(3)), cookie=3)),
        (METER_MOD, meter_mod(1, 1, 1, band(99))),
        (METER_MOD, meter_mod(0, 1, 2, band(5))),
        (FLOW_MOD, flow_mod(match(in_port(4)), struct.pack("!HHI", 6, 8, 2), table=9)),
        (TABLE_MOD, struct.pack("!B3xI", 0, 0)),
        (PORT_MOD, port_mod(1, mac[1], 0x05, 0x05)),
        (GROUP_MOD, group_mod(1, 0, 1, bucket(output(4)), bucket(group(2)))),
        (FLOW_MOD, flow(output(2), command=1, table=0)),
        (PORT_MOD, port_mod(2, mac[2], 0x40, 0x40)),
        (METER_MOD, meter_mod(2, 0, 1)),
        (GROUP_MOD, group_mod(2, 0, 0xfffffffc)),
        (FLOW_MOD, flow_mod(command=3, table=255)),
        (FLOW_MOD, flow(output(3), match_=match(in_port(9)), table=200, cookie=77)),
    ]
    before = dump(c)
    for bad, want in [((FLOW_MOD, flow(group(777))), ("BAD_ACTION", "OFPBAC_BAD_OUT_GROUP")),
                      ((GROUP_MOD, group_mod(1, 0, 777)), ("GROUP_MOD_FAILED", "OFPGMFC_UNKNOWN_GROUP")),
                      ((METER_MOD, meter_mod(1, 1, 777, band())), ("METER_MOD_FAILED", "OFPMMFC_UNKNOWN_METER")),
                      ((PORT_MOD, port_mod(77, mac[1], 0, 0)), ("PORT_MOD_FAILED", "OFPPMFC_BAD_PORT")),
                      ((TABLE_MOD, struct.pack("!B3xI", 254, 0)), ("TABLE_MOD_FAILED", "OFPTMFC_BAD_TABLE"))]:
        error = (getattr(of, "OFPET_" + want[0]), getattr(of, want[1]))
        wrong = []
        for i in range(len(good) + 1):
            err, own = commit(c, good[:i] + [bad] + good[i:])
            if err != (0xffff, 2313, ONF) or own != [(i, error)] or dump(c) != before or c.events:
                wrong.append((i, err, own, [e[0] for e in c.events]))
        check(f"6.8: {want[1]} at each of {len(good) + 1} places: its own error, then the commit's, and nothing has changed",
              not wrong, wrong)
    err, own = commit(c, good)
    after = dump(c)
    check("6.8: without it the bundle is done", err is None and not own, (err, own))
    check("... flows", [f[:1] + f[5:6] for f in after[0]] == [(200, 77)], after[0])
    check("... groups", after[1] == [])
    check("... meters", len(after[2]) == 1)
    status = [e for e in c.events if e[0] == PORT_STATUS]
    ports = {p[:4]: struct.unpack_from("!I", p, 32)[0] for p in (after[4][i:i + 64] for i in range(0, len(after[4]), 64))}
    check("... ports", ports[u32(1)] == 0x25 and ports[u32(2)] == 0x40, ports)
    check("... and those are told of ports", {e[2][8:12] for e in status} == {u32(1), u32(2)}, len(status))
    undo_everything(c, mac)


def rnd_message(r, mac):
    kind = r.randrange(10)
    id_ = r.randrange(1, 5)
    if kind < 4:
        insts = r.choice([apply_(output(r.randrange(1, 5))), apply_(group(id_)), struct.pack("!HHI", 6, 8, id_), goto(r.randrange(1, 12))])
        return FLOW_MOD, flow_mod(match(in_port(r.randrange(1, 4))), insts, table=r.randrange(8), priority=r.randrange(3),
                                  command=r.choice([0, 0, 0, 1, 2, 3, 4]), cookie=r.randrange(5))
    if kind < 7:
        return GROUP_MOD, group_mod(r.choice([0, 0, 1, 2]), 0, id_, bucket(r.choice([output(1), group(r.randrange(1, 5))])))
    if kind < 8:
        return METER_MOD, meter_mod(r.choice([0, 0, 1, 2]), 1, id_, band(r.randrange(1, 99)))
    if kind < 9:
        p = r.randrange(1, 3)
        return PORT_MOD, port_mod(p, mac[p if r.randrange(8) else 3 - p], r.choice([0, 0x20, 0x40, 5]), 0x65)
    return TABLE_MOD, struct.pack("!B3xI", r.choice([0, 3, 255, 255, 255, 254]), 0)


def at_random(check, c, mac, seed, rounds):
    r = random.Random(seed)
    wrong, done, failed = [], 0, 0
    for n in range(rounds):
        before = dump(c)
        messages = [rnd_message(r, mac) for _ in range(r.randrange(1, 9))]
        err, own = commit(c, messages)
        after = dump(c)
        if err:
            failed += 1
            if after != before or len(own) != 1:
                wrong.append((n, "changed"))
        else:
            done += 1
            # What a bundle did can be asked for one by one: from the same start, the same end.
            if own:
                wrong.append((n, own))
        if n % 10 == 9:
            undo_everything(c, mac)
    check(f"6.8: {rounds} bundles at random (seed {seed}): {done} done, {failed} without a trace", not wrong and done and failed, wrong)
    # One by one: what the bundle accepts, single messages accept, with the same end.
    for n in range(rounds // 4):
        undo_everything(c, mac)
        messages = [rnd_message(r, mac) for _ in range(r.randrange(1, 9))]
        err, own = commit(c, messages)
        bundled = dump(c)
        undo_everything(c, mac)
        refused = None
        for i, (type_, body) in enumerate(messages):
            xid = c.send(type_, body)
            c.barrier()
            bad = [e for e in c.events if e[1] == xid and e[0] == ERROR]
            c.events.clear()
            if bad:
                refused = i, struct.unpack_from("!HH", bad[0][2])
                break
        if (refused is None) != (err is None) or (refused and own != [refused]) or (not refused and dump(c) != bundled):
            wrong.append((n, refused, own))
    check(f"6.8: {rounds // 4} more do what their messages do one by one, or fail where those do", not wrong, wrong)
    undo_everything(c, mac)


def packets(check, c):
    """Packet-outs go when the bundle is done, and not without it."""
    up = (FLOW_MOD, flow(output(CONTROLLER), match_=match(in_port(1)), cookie=5))
    go = (PACKET_OUT, packet_out(frame(), output(TABLE), in_port_=1))
    err, own = commit(c, [go, up])
    m = c.event(PACKET_IN)
    check("EXT-230: a packet-out in a bundle meets the bundle's flows", err is None and m and struct.unpack_from("!Q", m[2], 8)[0] == 5)
    check("... once", c.none(PACKET_IN))
    c.do(GROUP_MOD, group_mod(0, 0, 9, bucket(output(CONTROLLER))))
    err, own = commit(c, [(PACKET_OUT, packet_out(frame(), group(9), in_port_=1)), (GROUP_MOD, group_mod(2, 0, 9))])
    check("EXT-230: through a group that the bundle deletes later", err is None and c.event(PACKET_IN))
    before = dump(c)
    err, own = commit(c, [(GROUP_MOD, group_mod(0, 0, 3, bucket(output(CONTROLLER)))), (PACKET_OUT, packet_out(frame(), group(3))), go,
                          (FLOW_MOD, flow(group(77)))])
    check("EXT-230: none leaves when the bundle fails", err and own[0][0] == 3 and c.none(PACKET_IN) and dump(c) == before)
    err, own = commit(c, [up, (PACKET_OUT, packet_out(frame(), group(77)))])
    check("EXT-230: one that is bad fails the bundle", err == (0xffff, 2313, ONF) and own == [(1, (of.OFPET_BAD_ACTION, of.OFPBAC_BAD_OUT_GROUP))]
          and dump(c) == before)
    c.do(FLOW_MOD, flow_mod(command=3, table=255))
    c.events.clear()


def codes(check, sw, c, mac):
    one = (FLOW_MOD, flow(output(1), table=50))
    check("EXT-230: OFPBFC_BAD_FLAGS for a time", ctrl(c, 9, OPEN, 7) == (0xffff, 2307, ONF))
    check("EXT-230: schedules are no request here (OFPBFC_BAD_TYPE)", ctrl(c, 9, 8) == (0xffff, 2306, ONF))
    for what, tail, code in [("an experimenter's property", struct.pack("!HHI", 0xffff, 12, 0x123456) + bytes(4), of.OFPBRC_BAD_EXPERIMENTER),
                             ("a tail that is none", bytes(8), of.OFPBRC_BAD_LEN)]:
        m = c.ask(EXPERIMENTER, bundle_ctrl(9, OPEN) + tail)
        check(f"EXT-230: {what} is refused", m[0] == ERROR and struct.unpack_from("!HH", m[2]) == (1, code), m[2][:4])
    ctrl(c, 9, OPEN)
    xid = c.xid + 1
    m = c.ask(EXPERIMENTER, bundle_add(9, msg(*one, xid)) + struct.pack("!HHI", 0xffff, 8, 0x123456))
    check("EXT-230: ... of an addition, too", m[0] == ERROR and struct.unpack_from("!HH", m[2]) == (1, of.OFPBRC_BAD_EXPERIMENTER))
    check("... and its bundle is not committed", ctrl(c, 9, COMMIT) == (0xffff, 2313, ONF))
    # Discarded, and lost with its connection.
    before = dump(c)
    ctrl(c, 5, OPEN)
    add(c, 5, *one)
    check("EXT-230: a bundle is discarded", ctrl(c, 5, DISCARD) is None and dump(c) == before and ctrl(c, 5, COMMIT) == (0xffff, 2302, ONF))
    other = sw.open()
    ctrl(other, 5, OPEN)
    add(other, 5, *one)
    other.barrier()
    other.close()
    time.sleep(0.2)
    check("EXT-230: a bundle ends with its connection", ctrl(c, 5, COMMIT) == (0xffff, 2302, ONF) and dump(c) == before)
    # Each connection has its own.
    other = sw.open()
    ctrl(c, 5, OPEN)
    check("EXT-230: a bundle is of its connection", ctrl(other, 5, COMMIT) == (0xffff, 2302, ONF) and ctrl(other, 5, OPEN) is None)
    ctrl(other, 5, DISCARD)
    ctrl(c, 5, DISCARD)
    xid = add(c, 6, *one)
    c.barrier()
    check("EXT-230: an addition opens a bundle", ctrl(c, 6, CLOSE) is None and ctrl(c, 6, COMMIT) is None and len(dump(c)[0]) == 1)
    c.do(*(FLOW_MOD, flow_mod(command=3, table=255)))
    xid = c.send(EXPERIMENTER, bundle_add(4, msg(FLOW_MOD, flow_mod(None, struct.pack("!HHI", 4, 0, 0), table=50), c.xid + 1)))
    add(c, 4, *one)
    c.barrier()
    own = [struct.unpack_from("!HH", e[2]) for e in c.events if e[0] == ERROR and e[1] == xid]
    check("EXT-230: ... also one that cannot be read", own == [(3, of.OFPBIC_BAD_LEN)], own)
    check("... and is refused with it", ctrl(c, 4, COMMIT) == (0xffff, 2313, ONF) and dump(c) == before)
    xid = c.send(EXPERIMENTER, bundle_ctrl(8, OPEN))
    c.answer(xid)
    sent = msg(EXPERIMENTER, bundle_ctrl(8, OPEN), xid)
    c.events.clear()
    m = c.event(ERROR, 20)
    check("EXT-230: a bundle that is left alone ends with OFPBFC_TIMEOUT, its opening message quoted",
          m and m[1] == xid and struct.unpack_from("!HHI", m[2]) == (0xffff, 2314, ONF) and m[2][8:] == sent, m and m[2].hex())
    check("... and is not there any more", ctrl(c, 8, COMMIT) == (0xffff, 2302, ONF))


def test(check):
    sw = Switch()
    try:
        c = sw.open()
        c.do(SET_ASYNC, async_((7, 0), (7, 7), (0, 0)))
        desc = c.parts(13)
        mac = {struct.unpack_from("!I", desc, i)[0]: desc[i + 8:i + 14] for i in range(0, len(desc), 64)}
        positions(check, c, mac)
        at_random(check, c, mac, int(os.environ.get("SEED", 1)), 80)
        packets(check, c)
        codes(check, sw, c, mac)
        check("the switch lives", sw.alive())
    finally:
        code = sw.stop()
    check("... and ends well", code == 0, code)


run(test)
