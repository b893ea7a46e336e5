#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 6.4 Flow table modification messages: sentence by sentence
# Spec: 7.3.4.1 Modify flow entry: commands, flags, filters
# Spec: 5.5 Flow removal: idle and hard timeouts
# Spec: 7.4.2 Flow removed: what it says
"""Flow modification to the letter: OpenFlow 1.3.5 sections 6.4, 6.5 and 7.3.4.1, sentence by sentence.

    this script --- unix --- weft-switch, ports 1 to 4

Flows are hit by packet-outs to TABLE, so that their counters have something to say.
"""
import os
import struct
import sys
import time

from os_ken.ofproto import ofproto_v1_3 as of

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sys/lib"))
from of13 import *  # noqa: E402,F403

ADD, MODIFY, MODIFY_STRICT, DELETE, DELETE_STRICT = range(5)
SEND_FLOW_REM, CHECK_OVERLAP, RESET_COUNTS, NO_PKT, NO_BYT = 1, 2, 4, 8, 16
ALL_TABLES = 255
IP, UDP = oxm(5, b"\x08\x00"), oxm(10, b"\x11")


def dst(n, mask=None):
    return oxm(3, struct.pack("!HI", 0x0200, n), mask and struct.pack("!HI", 0xffff, mask))


def flows(c, table=255):
    """{cookie: fields}."""
    return {f["cookie"]: f for f in map(flow_fields, split(c.parts(1, flow_request(table))))}


def cookies(c, table=255):
    return set(flows(c, table))


def removed(c):
    return [e[2] for e in c.so_far(FLOW_REMOVED)]


def hit(c, n=1):
    for _ in range(n):
        c.send(PACKET_OUT, packet_out(frame(), output(TABLE), in_port_=1))
    end = time.monotonic() + 20 * SLOW
    c.barrier()
    time.sleep(0.05)
    return end


def counted(c, cookie, packets):
    """Waits until the flow has counted so many."""
    end = time.monotonic() + 20 * SLOW
    while time.monotonic() < end:
        f = flows(c)[cookie]
        if f["packets"] == packets:
            return f
        time.sleep(0.02)
    return flows(c)[cookie]


def clear(c):
    c.do(FLOW_MOD, flow_mod(command=DELETE, table=ALL_TABLES))
    c.events.clear()


def adding(check, c):
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(2)), cookie=1, idle=300, hard=600, flags=SEND_FLOW_REM))
    hit(c, 3)
    old = counted(c, 1, 3)
    check("6.4: a flow counts packets and bytes", (old["packets"], old["bytes"]) == (3, 180), old)
    time.sleep(0.3)
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(3)), cookie=2, flags=NO_PKT))
    new = flows(c)
    check("6.4: an identical match and priority replaces the flow", set(new) == {2})
    check("... with its own cookie, timeouts and flags", (new[2]["idle"], new[2]["hard"], new[2]["flags"]) == (0, 0, NO_PKT))
    check("... its counters copied", (new[2]["packets"], new[2]["bytes"]) == (3, 180), new)
    check("... its duration from zero", new[2]["duration"] < 0.3, new)
    check("... and no flow-removed", removed(c) == [])
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(3)), cookie=3, flags=RESET_COUNTS))
    new = flows(c)
    check("6.4: OFPFF_RESET_COUNTS: counters cleared", (new[3]["packets"], new[3]["bytes"]) == (0, 0))
    check("... and told as set", new[3]["flags"] == RESET_COUNTS)
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), cookie=4, priority=99))
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), cookie=5, table=1))
    check("6.4: another priority or table is another flow", cookies(c) == {3, 4, 5})
    clear(c)
    # Overlap.
    c.do(FLOW_MOD, flow_mod(match(dst(0x10, 0xf0)), cookie=1))
    overlap = (of.OFPET_FLOW_MOD_FAILED, of.OFPFMFC_OVERLAP)
    for what, body, want in [
            ("a packet may match both", flow_mod(match(dst(1, 0x0f)), flags=CHECK_OVERLAP, cookie=9), overlap),
            ("other fields altogether", flow_mod(match(in_port(1)), flags=CHECK_OVERLAP, cookie=9), overlap),
            ("the same match", flow_mod(match(dst(0x10, 0xf0)), flags=CHECK_OVERLAP, cookie=9), overlap),
            ("everything", flow_mod(flags=CHECK_OVERLAP, cookie=9), overlap),
            ("disjoint", flow_mod(match(dst(0x20, 0xf0)), flags=CHECK_OVERLAP, cookie=2), None),
            ("another priority", flow_mod(match(in_port(1)), flags=CHECK_OVERLAP, priority=7, cookie=3), None),
            ("another table", flow_mod(match(in_port(1)), flags=CHECK_OVERLAP, table=2, cookie=4), None),
            ("without the flag", flow_mod(match(in_port(1)), cookie=5), None)]:
        check(f"6.4: OFPFF_CHECK_OVERLAP, {what}", c.refusal(FLOW_MOD, body) == want)
    check("... what was refused is not there", cookies(c) == {1, 2, 3, 4, 5})
    c.do(FLOW_MOD, flow_mod(command=MODIFY, flags=CHECK_OVERLAP, insts=apply_(output(1))))
    check("6.4: it says nothing to modifications", cookies(c) == {1, 2, 3, 4, 5})
    clear(c)
    for command in (ADD, MODIFY, MODIFY_STRICT):
        for table in (254, 255):
            check(f"7.3.4.1: command {command} in table {table}: OFPFMFC_BAD_TABLE_ID",
                  c.refusal(FLOW_MOD, flow_mod(command=command, table=table)) == (of.OFPET_FLOW_MOD_FAILED, of.OFPFMFC_BAD_TABLE_ID))
    check("7.3.4.1: delete in table 254 also", c.refusal(FLOW_MOD, flow_mod(command=DELETE, table=254)) == (of.OFPET_FLOW_MOD_FAILED, of.OFPFMFC_BAD_TABLE_ID))
    check("7.3.4.1: command 5: OFPFMFC_BAD_COMMAND", c.refusal(FLOW_MOD, flow_mod(command=5)) == (of.OFPET_FLOW_MOD_FAILED, of.OFPFMFC_BAD_COMMAND))
    check("7.3.4.1: unknown flags: OFPFMFC_BAD_FLAGS", c.refusal(FLOW_MOD, flow_mod(flags=0x20)) == (of.OFPET_FLOW_MOD_FAILED, of.OFPFMFC_BAD_FLAGS))
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), cookie=1, cookie_mask=0xff, out_port=7, out_group=7))
    check("7.3.4.1: cookie_mask, out_port and out_group say nothing when adding", cookies(c) == {1})
    c.do(FLOW_MOD, flow_mod(match(in_port(2)), insts=apply_(output(1)), cookie=2, flags=NO_PKT | NO_BYT, priority=0))
    f = flows(c)[2]
    check("7.3.4.1: OFPFF_NO_PKT_COUNTS and NO_BYT_COUNTS are kept, and what is counted is told all the same",
          (f["flags"], f["packets"], f["bytes"]) == (NO_PKT | NO_BYT, 0, 0))
    clear(c)


def modifying(check, c):
    def three():
        clear(c)
        c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(2)), cookie=0x11, idle=300, hard=600, flags=SEND_FLOW_REM))
        c.do(FLOW_MOD, flow_mod(match(in_port(1), IP, UDP), apply_(output(2)), cookie=0x12, priority=50))
        c.do(FLOW_MOD, flow_mod(match(in_port(2)), apply_(output(2)), cookie=0x23, table=0))
        c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(2)), cookie=0x14, table=1))

    def to(n):
        return {k for k, f in flows(c).items() if output(n) in f["rest"]}

    three()
    hit(c, 2)
    before = counted(c, 0x11, 2)
    time.sleep(0.2)
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(3)), command=MODIFY, cookie=0x99, idle=1, hard=1, flags=0, priority=1))
    f = flows(c)
    check("6.4: modify: what the match covers, in that table, whatever the priority", to(3) == {0x11, 0x12} and to(2) == {0x23, 0x14})
    check("6.4: only instructions change: cookie, timeouts and flags stay", (f[0x11]["idle"], f[0x11]["hard"], f[0x11]["flags"]) == (300, 600, 1))
    check("... and counters and duration", (f[0x11]["packets"], f[0x11]["bytes"]) == (2, 120) and f[0x11]["duration"] > before["duration"])
    check("... and nobody is told", removed(c) == [])
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(4)), command=MODIFY_STRICT, flags=RESET_COUNTS))
    f = flows(c)
    check("6.4: modify strict: the one flow", to(4) == {0x11})
    check("6.4: OFPFF_RESET_COUNTS clears its counters, not its duration or flags", (f[0x11]["packets"], f[0x11]["bytes"]) == (0, 0) and
          f[0x11]["duration"] > before["duration"] and f[0x11]["flags"] == 1)
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(1)), command=MODIFY_STRICT, priority=77))
    c.do(FLOW_MOD, flow_mod(match(in_port(9)), apply_(output(1)), command=MODIFY))
    check("6.4: what matches nothing modifies nothing, and is no error", to(1) == set() and len(cookies(c)) == 4)
    three()
    c.do(FLOW_MOD, flow_mod(match(), apply_(output(3)), command=MODIFY, cookie=0x10, cookie_mask=0xf0, out_port=4, out_group=4))
    check("6.4: modify filters by cookie, not by out_port or out_group", to(3) == {0x11, 0x12}, to(3))
    three()
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(3)), command=MODIFY_STRICT, cookie=0x20, cookie_mask=0xf0))
    check("6.4: modify strict filters by cookie, too", to(3) == set())
    bad = c.refusal(FLOW_MOD, flow_mod(match(), apply_(pad8(struct.pack("!HH", 25, 16) + oxm(16, b"\0\1"))), command=MODIFY))
    check("6.4: modify: all flows or none", bad == (of.OFPET_BAD_ACTION, of.OFPBAC_MATCH_INCONSISTENT) and to(2) == {0x11, 0x12, 0x23, 0x14}, bad)


def deleting(check, c):
    def five():
        clear(c)
        c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(2)), cookie=0x11, flags=SEND_FLOW_REM))
        c.do(FLOW_MOD, flow_mod(match(in_port(1), IP), apply_(output(3), group(1)), cookie=0x12, flags=SEND_FLOW_REM, priority=5))
        c.do(FLOW_MOD, flow_mod(match(dst(0x10, 0xf0)), struct.pack("!HH4x", 3, 24) + output(3), cookie=0x23, flags=SEND_FLOW_REM))
        c.do(FLOW_MOD, flow_mod(match(dst(0x12)), apply_(group(1)), cookie=0x24, table=7, flags=SEND_FLOW_REM))
        c.do(FLOW_MOD, flow_mod(match(), goto(9), cookie=0x35, table=7, priority=0))

    def left(what, want, **kw):
        five()
        xid = c.send(FLOW_MOD, flow_mod(command=kw.pop("command", DELETE), **kw))
        c.barrier()
        bad = [e for e in c.events if e[0] == ERROR and e[1] == xid]
        got = cookies(c)
        told = {struct.unpack_from("!Q", r)[0] for r in removed(c)}
        check("6.4: " + what, not bad and got == want and told == {0x11, 0x12, 0x23, 0x24} - want, (sorted(map(hex, got)), bad))

    c.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(4))))
    every = {0x11, 0x12, 0x23, 0x24, 0x35}
    left("delete, non-strict: the more specific go, too", every - {0x11, 0x12}, match_=match(in_port(1)))
    left("... priority says nothing", every - {0x11, 0x12}, match_=match(in_port(1)), priority=4)
    left("... in one table only", every - {0x24, 0x35}, table=7)
    left("... OFPTT_ALL: in all", set(), table=ALL_TABLES)
    left("... a masked match covers what is within it", every - {0x23}, match_=match(dst(0x10, 0x70)))
    left("... not what is wider", every, match_=match(dst(0x12)))
    left("... with the narrow one in its table", every - {0x24}, match_=match(dst(0x10, 0xf0)), table=7)
    left("delete strict: the one", every - {0x11}, match_=match(in_port(1)), command=DELETE_STRICT)
    left("... priority counts", every, match_=match(in_port(1)), command=DELETE_STRICT, priority=4)
    left("... the mask counts", every, match_=match(dst(0x10)), command=DELETE_STRICT)
    left("... OFPTT_ALL: the one of each table", every - {0x35}, table=ALL_TABLES, priority=0, command=DELETE_STRICT)
    left("out_port: an output to it must be there", every - {0x12, 0x23}, table=ALL_TABLES, out_port=3)
    left("... also of delete strict", every, match_=match(in_port(1)), command=DELETE_STRICT, out_port=3)
    left("... which passes if there is one", every - {0x11}, match_=match(in_port(1)), command=DELETE_STRICT, out_port=2)
    left("out_group", every - {0x12, 0x24}, table=ALL_TABLES, out_group=1)
    left("out_port and out_group", every - {0x12}, table=ALL_TABLES, out_port=3, out_group=1)
    left("a group's output is no output of the flow", every, table=ALL_TABLES, out_port=4)
    left("cookie_mask 0: no restriction", set(), table=ALL_TABLES, cookie=0x99)
    left("cookie and mask", every - {0x11, 0x12}, table=ALL_TABLES, cookie=0x10, cookie_mask=0xf0)
    left("cookie and mask, strict", every, match_=match(in_port(1)), command=DELETE_STRICT, cookie=0x12, cookie_mask=-1 & (1 << 64) - 1)
    left("instructions say nothing when deleting", set(), table=ALL_TABLES, insts=b"")
    left("nor does a buffer", set(), table=ALL_TABLES, buffer_id=77)
    clear(c)


def telling(check, c):
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(2)), cookie=0xabcdef, idle=300, hard=600, flags=SEND_FLOW_REM, priority=4242))
    hit(c, 2)
    counted(c, 0xabcdef, 2)
    time.sleep(0.3)
    c.do(FLOW_MOD, flow_mod(command=DELETE))
    r = removed(c)
    check("7.4.2: one flow-removed", len(r) == 1)
    cookie, prio, reason, table, sec, nsec, idle, hard, packets, bytes_ = struct.unpack_from("!QHBBIIHHQQ", r[0])
    check("... cookie, priority, reason and table", (cookie, prio, reason, table) == (0xabcdef, 4242, of.OFPRR_DELETE, 0))
    check("... timeouts", (idle, hard) == (300, 600))
    check("... counters", (packets, bytes_) == (2, 120))
    check("... duration", 0.3 <= sec + nsec / 1e9 < 60 and nsec < 10**9)
    check("... match", r[0][40:] == match(in_port(1)), r[0][40:].hex())
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), cookie=1, idle=2, flags=SEND_FLOW_REM))
    end, gone = time.monotonic() + 1.5, False
    while time.monotonic() < end:
        hit(c)
        gone = gone or not flows(c)
    check("6.5: a flow that is used does not idle out", not gone and cookies(c) == {1})
    c.do(FLOW_MOD, flow_mod(match(in_port(2)), cookie=2, hard=1))
    end = time.monotonic() + 20 * SLOW
    while cookies(c) and time.monotonic() < end:
        time.sleep(0.1)
    r = removed(c)
    check("6.5: it does when nobody uses it; and only who asked is told", [(struct.unpack_from("!Q", x)[0], x[10]) for x in r] ==
          [(1, of.OFPRR_IDLE_TIMEOUT)])


def test(check):
    sw = Switch()
    try:
        c = sw.open()
        c.do(SET_ASYNC, async_((0, 0), (0, 0), (0xff, 0)))
        adding(check, c)
        modifying(check, c)
        deleting(check, c)
        telling(check, c)
        check("the switch lives", sw.alive())
    finally:
        code = sw.stop()
    check("... and ends well", code == 0, code)


run(test)
