#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: EXT-192-e Eviction: against a model; its cost
# Spec: EXT-192-v Vacancy events: both thresholds
# Spec: 5.5 Flow removal: by eviction, group, meter, timeouts and request
# Spec: 7.4.2 Flow removed: every reason
"""Eviction and vacancy events, as OpenFlow 1.4 has them (1.4.1 sections 6.5, 7.3.4.2, 7.4.5), carried by
ONF's experimenter on 1.3; and the reasons of flow-removed.

    this script --- unix --- weft-switch, ports 1 to 4
"""
import os
import random
import struct
import sys
import time

from os_ken.ofproto import ofproto_v1_3 as of

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sys/lib"))
from of13 import *  # noqa: E402,F403

TABLE_MOD_14, TABLE_STATUS, TABLE_DESC = 1920, 1921, 1920
EVICTION, VACANCY = 4, 8
OTHER, IMPORTANCE, LIFETIME = 1, 2, 4
SEND_FLOW_REM, CHECK_OVERLAP, RESET = 1, 2, 4
IDLE, HARD, DELETE, GROUP_DELETE, EVICTED = 0, 1, 2, 3, 5


def eviction(flags):
    return struct.pack("!HHI", 2, 8, flags)


def vacancy(down, up, now=0):
    return struct.pack("!HHBBBx", 3, 8, down, up, now)


def table_mod(table, config, *props):
    return struct.pack("!IIB3xI", ONF, TABLE_MOD_14, table, config) + b"".join(props)


def flow(n, importance=0, table=1, **kw):
    b = flow_mod(match(oxm(3, struct.pack("!HI", 0x0200, n))), apply_(output(1)), table=table, flags=SEND_FLOW_REM, cookie=n, **kw)
    return b[:38] + struct.pack("!H", importance) + b[40:]


def desc(c):
    """{table: (config, properties)}."""
    b = c.parts(0xffff, struct.pack("!II", ONF, TABLE_DESC))
    assert struct.unpack_from("!II", b) == (ONF, TABLE_DESC)
    return {s[2]: (struct.unpack_from("!I", s, 4)[0], s[8:]) for s in split(b[8:])}


def limit(c, table, n):
    """Writes max_entries, all else as it is."""
    all_, xid = split(c.parts(12)), 0x99000 + n
    for i, t in enumerate(all_):
        if t[2] == table:
            all_[i] = t[:60] + struct.pack("!I", n) + t[64:]
    for i in range(0, len(all_), 10):
        more = i + 10 < len(all_)
        c.send(MULTIPART_REQUEST, multipart(12, b"".join(all_[i:i + 10]), flags=int(more)), xid=xid)
    while True:
        m = c.answer(xid)
        assert m[0] == MULTIPART_REPLY, m
        if not struct.unpack_from("!H", m[2], 2)[0] & 1:
            return


def removed(c):
    """[(cookie, reason)] so far."""
    return [(struct.unpack_from("!Q", e[2])[0], e[2][10]) for e in c.so_far(FLOW_REMOVED)]


def there(c, table=1):
    return {f["cookie"] for f in map(flow_fields, split(c.parts(1, flow_request(table))))}


def status(c):
    """[(reason, table, config, vacancy properties)] so far."""
    c.barrier()
    out = []
    for e in c.events:
        if e[0] == EXPERIMENTER and struct.unpack_from("!II", e[2]) == (ONF, TABLE_STATUS):
            d = e[2][16:]
            out.append((e[2][8], d[2], struct.unpack_from("!I", d, 4)[0], d[8:]))
    c.events = [e for e in c.events if e[0] != EXPERIMENTER]
    return out


FULL = (of.OFPET_FLOW_MOD_FAILED, of.OFPFMFC_TABLE_FULL)
BAD_CONFIG = (of.OFPET_TABLE_MOD_FAILED, of.OFPTMFC_BAD_CONFIG)


def refusals(check, c):
    before = desc(c)
    check("7.3.5.17: every table is described, without configuration", len(before) == 254 and set(before.values()) == {(0, b"")})
    for what, body, want in [
            ("unknown bits", table_mod(1, 3), BAD_CONFIG), ("eviction flags without eviction", table_mod(1, 0, eviction(7)), BAD_CONFIG),
            ("unknown eviction flags", table_mod(1, 4, eviction(8)), BAD_CONFIG),
            ("thresholds without events", table_mod(1, 4, vacancy(1, 2)), BAD_CONFIG),
            ("down above up", table_mod(1, 8, vacancy(30, 20)), BAD_CONFIG), ("over 100 percent", table_mod(1, 8, vacancy(30, 101)), BAD_CONFIG),
            ("vacancy itself", table_mod(1, 8, vacancy(20, 30, 1)), BAD_CONFIG),
            ("a property twice", table_mod(1, 4, eviction(7), eviction(7)), BAD_CONFIG),
            ("an unknown property", table_mod(1, 4, struct.pack("!HHI", 9, 8, 0)), BAD_CONFIG),
            ("a property cut short", table_mod(1, 4, struct.pack("!HH", 2, 8)), (of.OFPET_BAD_REQUEST, of.OFPBRC_BAD_LEN)),
            ("no such table", table_mod(254, 4), (of.OFPET_TABLE_MOD_FAILED, of.OFPTMFC_BAD_TABLE))]:
        got = c.refusal(EXPERIMENTER, body)
        check(f"7.3.4.2: {what}: refused", got == want and desc(c) == before, got)


def evicts(check, c):
    limit(c, 1, 3)
    for n in (1, 2, 3):
        c.do(FLOW_MOD, flow(n, importance=n))
    check("6.4: without eviction the table is full", c.refusal(FLOW_MOD, flow(4, 9)) == FULL)
    c.do(EXPERIMENTER, table_mod(1, EVICTION))
    check("7.3.4.2: eviction on; all that the switch goes by is told", desc(c)[1] == (4, eviction(7)))
    check("... and the table's features tell it", struct.unpack_from("!I", split(c.parts(12))[1], 56)[0] == 4)
    c.do(FLOW_MOD, flow(4, 2))
    check("6.5: the least important flow makes way", there(c) == {2, 3, 4} and removed(c) == [(1, EVICTED)])
    check("6.5: not for one that is less important", c.refusal(FLOW_MOD, flow(5, 1)) == FULL and there(c) == {2, 3, 4})
    check("... and nobody is told", removed(c) == [])
    c.do(FLOW_MOD, flow(4, 9))
    check("6.5: a replaced flow takes no room", there(c) == {2, 3, 4} and removed(c) == [])
    c.do(FLOW_MOD, flow(5, 9))
    c.do(FLOW_MOD, flow(6, 9))
    check("... and keeps its new importance", there(c) == {4, 5, 6} and removed(c) == [(2, EVICTED), (3, EVICTED)])
    c.do(FLOW_MOD, flow_mod(command=3, table=1))
    removed(c)
    c.do(FLOW_MOD, flow(1, hard=1000))
    c.do(FLOW_MOD, flow(2, idle=500))
    c.do(FLOW_MOD, flow(3))
    c.do(FLOW_MOD, flow(4))
    check("6.5: of equal importance the one that ends first", removed(c) == [(2, EVICTED)])
    c.do(FLOW_MOD, flow(5))
    c.do(FLOW_MOD, flow(6))
    check("... then the oldest", removed(c) == [(1, EVICTED), (3, EVICTED)], there(c))
    c.do(FLOW_MOD, flow_mod(command=3, table=1))
    c.do(EXPERIMENTER, table_mod(1, EVICTION, eviction(OTHER)))
    removed(c)
    for n in (1, 2, 3, 4):
        c.do(FLOW_MOD, flow(n, importance=10 - n, hard=10 + n))
    check("7.3.4.2: by age alone, if that is asked for", removed(c) == [(1, EVICTED)])
    # In a bundle, and undone with it.
    def bundle(*messages):
        c.ask(EXPERIMENTER, bundle_ctrl(1, 0))
        for type_, body in messages:
            xid = c.xid + 1
            c.send(EXPERIMENTER, bundle_add(1, msg(type_, body, xid)))
        m = c.ask(EXPERIMENTER, bundle_ctrl(1, 4))
        return struct.unpack_from("!HH", m[2]) if m[0] == ERROR else None
    before = desc(c)
    config, props = before[1]
    err = bundle((FLOW_MOD, flow(5, 9)), (EXPERIMENTER, table_mod(255, VACANCY, vacancy(50, 90))), (FLOW_MOD, flow_mod(command=3, table=1, priority=1)),
                 (EXPERIMENTER, table_mod(1, EVICTION)), (FLOW_MOD, flow(6, 9)), (FLOW_MOD, flow(7, 9)), (FLOW_MOD, flow(8, 9)), (FLOW_MOD, flow(9, 9)),
                 (EXPERIMENTER, table_mod(1, 0)), (FLOW_MOD, flow_mod(table=253, insts=goto(2))))
    c.events = [e for e in c.events if e[0] != ERROR]
    check("6.8: a bundle that fails brings back flows and configuration", err and there(c) == {2, 3, 4} and desc(c) == before and
          removed(c) == [] and status(c) == [], err)
    c.do(FLOW_MOD, flow(5))
    check("... and the order of eviction", removed(c) == [(2, EVICTED)])
    err = bundle((EXPERIMENTER, table_mod(1, EVICTION)), (FLOW_MOD, flow(6, 9)), (FLOW_MOD, flow(7, 9)))
    check("6.8: one that is good is done", err is None and len(there(c)) == 3 and {6, 7} < there(c) and len(removed(c)) == 2)
    c.do(EXPERIMENTER, table_mod(1, 0))
    check("7.3.4.2: eviction off", desc(c)[1] == (0, b"") and c.refusal(FLOW_MOD, flow(20, 99)) == FULL)
    c.do(FLOW_MOD, flow_mod(command=3, table=1))
    removed(c)


def at_random(check, c, seed):
    """Against a model with a list."""
    r = random.Random(seed)
    limit(c, 1, 20)
    c.do(EXPERIMENTER, table_mod(1, EVICTION, eviction(IMPORTANCE | OTHER)))
    model, evicted, order, wrong = {}, [], 0, 0
    for i in range(1500):
        n, imp = r.randrange(60), r.randrange(6)
        if r.randrange(4) == 0:
            c.send(FLOW_MOD, flow(n, command=4))
            model.pop(n, None)
            continue
        c.send(FLOW_MOD, flow(n, imp))
        order += 1
        if n not in model and len(model) == 20:
            worst = min(model, key=lambda k: model[k])
            if model[worst][0] > imp:
                continue
            del model[worst]
            evicted.append(worst)
        model[n] = (imp, order)
        if i % 100 == 0 and there(c) != set(model):
            wrong += 1
    c.barrier()
    c.events = [e for e in c.events if e[0] != ERROR]
    got = [n for n, reason in removed(c) if reason == EVICTED]
    check(f"6.5: 1500 changes at random (seed {seed}) evict as a list would: {len(evicted)}", got == evicted and evicted and not wrong and
          there(c) == set(model))
    c.do(FLOW_MOD, flow_mod(command=3, table=1))
    removed(c)
    c.do(EXPERIMENTER, table_mod(1, 0))


def cost(check, c):
    """Evictions from a table of 1,000 and of 50,000 flows; again when the machine may have stood still."""
    for _ in range(3):
        per = costs(c)
        if per[50000] < per[1000] * 15 + 20e-6 * SLOW:
            break
    check("6.5: its cost does not follow the number of flows", per[50000] < per[1000] * 15 + 20e-6 * SLOW, per)
    c.do(EXPERIMENTER, table_mod(1, 0))


def costs(c):
    per = {}
    for size in (1000, 50000):
        limit(c, 1, size)
        c.do(EXPERIMENTER, table_mod(1, EVICTION))
        c.s.sendall(b"".join(msg(FLOW_MOD, flow(n, importance=n % 7)[:36] + b"\0\0" + flow(n, n % 7)[38:]) for n in range(size)))
        c.barrier()
        more = b"".join(msg(FLOW_MOD, flow(size + n, 9)[:36] + b"\0\0" + flow(size + n, 9)[38:]) for n in range(1000))
        start = time.monotonic()
        c.s.sendall(more)
        c.barrier()
        per[size] = (time.monotonic() - start) / 1000
        assert len(there(c)) == size
        c.do(FLOW_MOD, flow_mod(command=3, table=1))
    print(f"# an eviction takes {per[1000] * 1e6:.1f} us of 1,000 flows, {per[50000] * 1e6:.1f} us of 50,000")
    return per


def vacancies(check, sw, c):
    limit(c, 1, 10)
    other = sw.open()
    other.do(SET_ASYNC, async_((0, 0), (0, 0), (0, 0)))
    slave = sw.open()
    slave.do(SET_ASYNC, async_((0, 0), (0, 0), (0, 0)))
    slave.do(ROLE_REQUEST, role(3, 7))
    c.do(EXPERIMENTER, table_mod(1, VACANCY, vacancy(30, 60)))
    check("7.3.4.2: vacancy events on", desc(c)[1] == (8, vacancy(30, 60, 100)), desc(c)[1])
    for n in range(7):
        c.do(FLOW_MOD, flow(n))
    check("7.4.5: 30 percent left: nothing yet", status(c) == [] and desc(c)[1] == (8, vacancy(30, 60, 30)))
    c.do(FLOW_MOD, flow(7))
    down = [(3, 1, 8, vacancy(30, 60, 20))]
    check("7.4.5: below: OFPTR_VACANCY_DOWN", status(c) == down)
    check("... others hear it, too", status(other) == down)
    check("... but no slave", status(slave) == [])
    c.do(FLOW_MOD, flow(8))
    c.do(FLOW_MOD, flow(8, command=4))
    c.do(FLOW_MOD, flow(7, command=4))
    c.do(FLOW_MOD, flow(7))
    check("7.4.5: once; around the lower threshold nothing more", status(c) == [])
    for n in range(4):
        c.do(FLOW_MOD, flow(n, command=4))
    check("7.4.5: 60 percent: nothing yet", status(c) == [])
    c.do(FLOW_MOD, flow(4, command=4))
    check("7.4.5: above: OFPTR_VACANCY_UP", status(c) == [(4, 1, 8, vacancy(30, 60, 70))])
    c.do(FLOW_MOD, flow_mod(command=3, table=1))
    check("... once", status(c) == [])
    c.do(EXPERIMENTER, table_mod(1, 0))
    for n in range(10):
        c.do(FLOW_MOD, flow(n))
    check("7.3.4.2: events off", status(c) == [] and desc(c)[1] == (0, b""))
    c.do(EXPERIMENTER, table_mod(1, VACANCY | EVICTION, vacancy(30, 60), eviction(LIFETIME)))
    check("7.3.4.2: switched on when it is full, the rise is waited for", status(c) == [])
    c.do(FLOW_MOD, flow_mod(command=3, table=1))
    check("...", [s[:2] for s in status(c)] == [(4, 1)])
    check("7.3.4.2: both are described", desc(c)[1] == (12, eviction(LIFETIME) + vacancy(30, 60, 100)))
    m = slave.ask(EXPERIMENTER, table_mod(1, 0))
    check("6.3.4: a slave may not configure", m[0] == ERROR and struct.unpack_from("!HH", m[2]) == (of.OFPET_BAD_REQUEST, of.OFPBRC_IS_SLAVE))
    c.do(EXPERIMENTER, table_mod(255, 0))
    check("OFPTT_ALL configures every table", set(desc(c).values()) == {(0, b"")})
    removed(c)
    other.close()
    slave.close()


def reasons(check, c):
    limit(c, 1, 10)
    c.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(1))))
    c.do(METER_MOD, meter_mod(0, 1, 1, band()))
    b = flow_mod(match(in_port(1)), apply_(group(1)), flags=1, cookie=101)
    c.do(FLOW_MOD, b)
    c.do(FLOW_MOD, flow_mod(match(in_port(2)), struct.pack("!HHI", 6, 8, 1), flags=1, cookie=102))
    c.do(FLOW_MOD, flow_mod(match(in_port(3)), flags=0, cookie=103))
    c.do(FLOW_MOD, flow(104, idle=1))
    c.do(FLOW_MOD, flow(105, hard=1))
    c.do(FLOW_MOD, flow(106, idle=1, hard=1000))
    c.do(FLOW_MOD, flow(107))
    c.do(GROUP_MOD, group_mod(2, 0, 1))
    check("6.4: OFPRR_GROUP_DELETE", removed(c) == [(101, GROUP_DELETE)])
    c.do(METER_MOD, meter_mod(2, 1, 1))
    check("6.4: a meter's flows: OFPRR_DELETE, as 1.3 has no other", removed(c) == [(102, DELETE)])
    c.do(FLOW_MOD, flow_mod(command=3))
    check("6.4: without OFPFF_SEND_FLOW_REM nobody is told", removed(c) == [])
    c.do(FLOW_MOD, flow(107, command=4))
    check("6.4: OFPRR_DELETE", removed(c) == [(107, DELETE)])
    end, got = time.monotonic() + 20 * SLOW, []
    while len(got) < 3 and time.monotonic() < end:
        time.sleep(0.1)
        got += removed(c)
    check("6.4: OFPRR_IDLE_TIMEOUT and OFPRR_HARD_TIMEOUT", sorted(got) == [(104, IDLE), (105, HARD), (106, IDLE)], got)


def test(check):
    sw = Switch()
    try:
        c = sw.open()
        c.do(SET_ASYNC, async_((0, 0), (0, 0), (0xff, 0)))
        refusals(check, c)
        evicts(check, c)
        at_random(check, c, int(os.environ.get("SEED", 1)))
        cost(check, c)
        vacancies(check, sw, c)
        reasons(check, c)
        check("the switch lives", sw.alive())
    finally:
        code = sw.stop()
    check("... and ends well", code == 0, code)


run(test)
