#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.3.4.1 Modify flow entry: series of one form, one by one and all at once
# Spec: EXT-230 Bundles: series of one form
"""Flow_mods that are alike do what each does for itself.

    this script --- unix --- weft-switch, ports 1 to 4

A series is some hundred flow_mods of one form, drawn at random, with values that repeat, and here and
there one with another byte somewhere, whatever that makes of it.  It is sent at once; then each with a
barrier behind it; then in a bundle.  Flows and errors must be the same; and each flow is found by its
match, and deleted.
"""
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sys/lib"))
from of13 import *  # noqa: E402,F403

OPEN, COMMIT = 0, 4
COUNT = 160


def some(r, n, few=False):
    """A value of n bytes, of many or of three."""
    return bytes(n - 1) + bytes([r.randrange(3)]) if few else bytes(r.randrange(256) for _ in range(n))


def masked(r, n, mask):
    return bytes(a & b for a, b in zip(some(r, n), mask))


def five(r, few):
    return match(oxm(5, b"\x08\0"), oxm(10, b"\x06"), oxm(11, some(r, 4, few)), oxm(12, some(r, 4, few)), oxm(13, some(r, 2, few)), oxm(14, some(r, 2, few)))


def prefix(r, few):
    return match(in_port(r.randrange(1, 5)), oxm(5, b"\x08\0"), oxm(12, masked(r, 4, b"\xff\xff\xf8\0"), b"\xff\xff\xf8\0"))


def station(r, few):
    return match(oxm(2, some(r, 8, few)), oxm(3, some(r, 6, few)), oxm(6, b"\x10" + some(r, 1, few)))


def six(r, few):
    return match(oxm(5, b"\x86\xdd"), oxm(26, masked(r, 16, bytes([255] * 8 + [0] * 8)), bytes([255] * 8 + [0] * 8)), oxm(27, some(r, 16, few)))


def arp(r, few):
    return match(oxm(5, b"\x08\x06"), oxm(21, b"\0\x01"), oxm(23, some(r, 4, few)))


def tunnel(r, few):
    return match(oxm(38, some(r, 8, few)), oxm(1, some(r, 4, few), cls=1), oxm(2, masked(r, 4, b"\xf0\xf0\0\xff"), b"\xf0\xf0\0\xff", cls=1))


FORMS = (five, prefix, station, six, arp, tunnel)


def message(r, form, few, kw, does):
    return flow_mod(form(r, few), does, cookie=r.randrange(4), **kw)


def series(r):
    """Bodies of flow_mods."""
    form, few = r.choice(FORMS), r.random() < 0.3
    kw = dict(table=r.choice((0, 0, 3)), priority=r.choice((0, 100)), flags=r.choice((0, 0, 1, 2, 4, 24)),
              idle=r.choice((0, 0, 0, 300)), hard=r.choice((0, 0, 0, 300)), command=r.choice((0, 0, 0, 0, 1, 2, 4)))
    does = r.choice((apply_(output(2)), apply_(group(1)), apply_(output(1), output(3)) + goto(5), b"",
                     struct.pack("!HHI", 6, 8, 1) + apply_(output(4))))
    out = [message(r, form, few, kw, does) for _ in range(COUNT)]
    odd = r.choice((0, 0, 0.02, 0.1))
    for i, m in enumerate(out):
        if r.random() < odd:
            at = r.randrange(len(m))
            if at in range(16, 18) and r.random() < 0.5:  # table and command: as they are, or anything
                continue
            out[i] = m[:at] + bytes([r.choice((0, 1, m[at] ^ 1 << r.randrange(8), r.randrange(256)))]) + m[at + 1:]
    return out


def dump(c):
    return sorted((f["table"], f["priority"], f["idle"], f["hard"], f["flags"], f["cookie"], f["rest"])
                  for f in map(flow_fields, split(c.parts(1, flow_request()))))


def clear(c):
    c.do(FLOW_MOD, flow_mod(command=3, table=255))
    c.events.clear()


def errors(c, xids):
    """{number of the message: type and code}"""
    c.barrier()
    out = {e[1] - xids: struct.unpack_from("!HH", e[2]) for e in c.events if e[0] == ERROR}
    c.events.clear()
    return out


def at_once(c, bodies):
    xids = c.xid + 1
    c.s.sendall(b"".join(msg(FLOW_MOD, b, xids + i) for i, b in enumerate(bodies)))
    c.xid += len(bodies)
    return errors(c, xids)


def one_by_one(c, bodies):
    found = {}
    for i, b in enumerate(bodies):
        xid = c.send(FLOW_MOD, b)
        found.update({i: e for e in errors(c, xid).values()})
    return found


def bundle(c, bodies):
    """What it says of messages, without what it says of itself."""
    xids = c.xid + 1
    c.s.sendall(b"".join(msg(EXPERIMENTER, bundle_add(9, msg(FLOW_MOD, b, xids + i)), xids + i) for i, b in enumerate(bodies)))
    c.xid += len(bodies)
    c.ask(EXPERIMENTER, bundle_ctrl(9, COMMIT))
    return errors(c, xids)


def rest_is_match(rest):
    n = struct.unpack_from("!H", rest, 2)[0]
    return rest[:(n + 7) // 8 * 8]


def delete_each(c, flows):
    """By match and priority: how many are left."""
    c.s.sendall(b"".join(msg(FLOW_MOD, flow_mod(rest_is_match(f[6]), table=f[0], priority=f[1], command=4), 1) for f in flows))
    c.barrier()
    return len(dump(c))


def at_random(check, c, seed, rounds):
    r = random.Random(seed)
    wrong, flows_, errors_, bundles, left = [], 0, 0, 0, 0
    for n in range(rounds):
        bodies = series(r)
        clear(c)
        told, flows = at_once(c, bodies), dump(c)
        left += delete_each(c, flows)
        clear(c)
        if (one_by_one(c, bodies), dump(c)) != (told, flows):
            wrong.append((n, "at once"))
        clear(c)
        own = bundle(c, bodies)
        after = dump(c)
        # What cannot be read is refused when it is put into the bundle, before what others are.
        if (not told and (own or after != flows)) or (told and (after or not own or own.items() - told.items())):
            wrong.append((n, "in a bundle", told, own))
        flows_ += len(flows)
        errors_ += len(told)
        bundles += not own
    clear(c)
    check(f"{rounds} series at random (seed {seed}), {flows_} flows, {errors_} errors, {bundles} bundles: as one by one", not wrong and flows_, wrong[:3])
    check("each flow is found by its match", not left, left)


def masks(check, c):
    """In a series of one mask: one whose value has a bit outside it, and one that has another mask."""
    def ipv4(value, mask):
        return oxm(5, b"\x08\0"), oxm(12, struct.pack("!I", value), struct.pack("!I", mask))

    def ipv6(value, mask):
        return oxm(5, b"\x86\xdd"), oxm(26, struct.pack("!4I", 0x20010db8, value, 0, 0), struct.pack("!4I", ANY, mask, 0, 0))

    def reg(value, mask):
        return (oxm(2, struct.pack("!I", value), struct.pack("!I", mask), cls=1),)

    for name, fields in (("an IPv4 address", ipv4), ("an IPv6 address", ipv6), ("a register", reg)):
        bodies = [flow_mod(match(*fields(0x0a000000 + (i << 8), 0xffffff00)), apply_(output(2))) for i in range(60)]
        bodies[20] = flow_mod(match(*fields(0x0a00ff01, 0xffffff00)), apply_(output(2)))
        bodies[30] = flow_mod(match(*fields(0x0a001e00, 0xfffffe00)), apply_(output(2)))
        for how, do in (("", at_once), (", in a bundle", bundle)):
            clear(c)
            told, n = do(c, bodies), len(dump(c))
            check(f"a series with a mask of {name}{how}: a bit outside it is refused", list(told.items()) == [(20, (4, 5))] and n == (0 if how else 59), (told, n))
        at_once(c, bodies)
        flows = dump(c)
        check("... each has the mask that it came with", len(flows) == 59 and sum(b"\xff\xff\xfe\0" in f[6] for f in flows) == 1 and not delete_each(c, flows))


def many(check, c):
    """More than a read or a turn of the loop takes, and what was there before is replaced."""
    r = random.Random(5)
    bodies = [message(r, five, False, {}, apply_(output(2))) for _ in range(6000)]
    clear(c)
    check("6,000 flows of one form", at_once(c, bodies) == {} and len(dump(c)) == 6000)
    check("... the same again", at_once(c, bodies) == {} and len(dump(c)) == 6000)
    check("... with others in between, in a bundle", bundle(c, [b for p in zip(bodies, [message(r, five, False, {}, apply_(output(2))) for _ in range(6000)])
                                                             for b in p]) == {} and len(dump(c)) == 12000)
    bad = bodies[:3000] + [flow_mod(match(oxm(5, b"\x08\0")), apply_(group(77)))] + bodies[3000:]
    clear(c)
    own = bundle(c, bad)
    check("a bundle of 6,001 that fails in the middle leaves nothing", list(own)[:1] == [3000] and not dump(c), own)


def aftermath(check, sw, c):
    """What is deleted goes in parts; what is asked and done meanwhile sees nothing of it."""
    r = random.Random(7)
    bodies = [message(r, five, False, dict(flags=1), apply_(output(2))) for _ in range(30000)]
    again = bodies[:1000]
    clear(c)
    told = sw.controller()
    told.do(SET_ASYNC, async_((0, 0), (0, 0), (15, 15)))
    for what, removal in (("deleted", [flow_mod(command=3, table=255)]), ("deleted in two parts", [flow_mod(match(oxm(5, b"\x08\0"), oxm(10, b"\x06"), oxm(
            14, b"\x80\0", b"\x80\0")), command=3), flow_mod(command=3)])):
        at_once(c, bodies)
        first = at_once(c, removal + again)
        flows = dump(c)
        check(f"6.4: 30,000 flows {what}, and 1,000 of them added again, are 1,000", first == {} and len(flows) == 1000, (first, len(flows)))
        at_once(c, [flow_mod(match(oxm(5, b"\x08\0")), apply_(output(3)), command=1)])
        changed = dump(c)
        check("... modified, they are as many", len(changed) == 1000 and not set(changed) & set(flows))
        check("... and each is found", delete_each(c, changed) == 0)
        gone = 0
        while gone < 31000 and told.event(FLOW_REMOVED, 20):
            gone += 1
        check("7.4.2: flow-removed of all", gone == 31000 and told.none(FLOW_REMOVED), gone)
    told.close()
    b = [(command, flow_mod(match(oxm(5, b"\x08\0")), apply_(output(3)), command=command)) for command in (1, 3)]
    at_once(c, bodies)
    flows = dump(c)
    for command, body in b:
        own = bundle(c, [body, flow_mod(None, apply_(group(77)))])
        check(f"a bundle that fails behind command {command} on 30,000 flows: they are as they were", own and dump(c) == flows)
    check("... and each is found", delete_each(c, flows) == 0)


def others(check, sw, c):
    """What a series goes by changes between two of its messages."""
    r = random.Random(6)
    one = [message(r, five, False, {}, apply_(group(1))) for _ in range(60)]
    clear(c)
    xids = c.xid + 1
    c.xid += 62
    stream = [msg(FLOW_MOD, b, xids + i) for i, b in enumerate(one[:30])] + [msg(GROUP_MOD, group_mod(2, 0, 1), xids + 30)]
    stream += [msg(FLOW_MOD, b, xids + 31 + i) for i, b in enumerate(one[30:])]
    c.s.sendall(b"".join(stream))
    told = errors(c, xids)
    check("its group is deleted: the rest is refused, and the first ones are gone", sorted(told) == list(range(31, 61)) and not dump(c), told)
    c.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(2))))
    rival = sw.open()
    c.ask(ROLE_REQUEST, role(2, 1))
    other = [msg(FLOW_MOD, message(r, five, False, {}, apply_(output(2))), 5) for _ in range(40)]
    c.s.sendall(b"".join(other))
    c.barrier()
    rival.do(ROLE_REQUEST, role(2, 2))
    c.s.sendall(b"".join(other[:3]) + msg(BARRIER_REQUEST, b"", 9))
    c.answer(9)
    refused = [e for e in c.events if e[0] == ERROR]
    c.events.clear()
    check("who has become a slave adds none", len(refused) == 3 and len(dump(c)) == 40, refused)
    rival.close()
    c.ask(ROLE_REQUEST, role(1))


def test(check):
    sw = Switch()
    try:
        c = sw.open()
        c.do(SET_ASYNC, async_((7, 0), (7, 7), (0, 0)))
        c.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(2))))
        c.do(METER_MOD, meter_mod(0, 1, 1, band()))
        at_random(check, c, int(os.environ.get("SEED", 1)), 30)
        masks(check, c)
        many(check, c)
        aftermath(check, sw, c)
        others(check, sw, c)
        check("the switch lives", sw.alive())
    finally:
        code = sw.stop()
    check("... and ends well", code == 0, code)


run(test)
