#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX controller(userdata, meter_id, pause) and bad continuations
"""What goes with a packet-in, and continuations that come back wrong.

    this script, as several controllers --- unix --- weft-switch
"""
import os
import random
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from of13 import *  # noqa: E402,F403

PACKET, FULL_LEN, BUFFER, TABLE_ID, COOKIE, REASON, METADATA, USERDATA, CONTINUATION = range(9)
ORIGIN, STATE, STACK, SET, LEVEL = range(1, 6)
FRAME = bytes([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5]) + bytes(50)
STALE = (0xffff, 35, NICIRA)


def prop(type_, data):
    return pad8(struct.pack("!HH", type_, 4 + len(data)) + data)


def nx(subtype, body):
    body = pad8(struct.pack("!HHIH", 0xffff, 0, NICIRA, subtype) + body)
    return struct.pack("!HH", 0xffff, len(body)) + body[4:]


def controller(*props):
    return nx(37, bytes(6) + b"".join(props))


PAUSE = prop(4, b"")


def properties(b):
    out, at = [], 0
    while at < len(b):
        type_, n = struct.unpack_from("!HH", b, at)
        out.append((type_, b[at + 4:at + n]))
        at += (n + 7) // 8 * 8
    return out


def told(c, wait=1.0):
    """The packet-ins so far: of NXT_PACKET_IN2 the properties, of others the body."""
    out, end, looks = [], time.monotonic() + wait * SLOW, 0
    while not out and (time.monotonic() < end or looks < 20):
        looks += 1
        c.barrier()
        for m in c.events:
            if m[0] == PACKET_IN:
                out.append(m[2])
            elif m[0] == EXPERIMENTER and struct.unpack_from("!II", m[2]) == (NICIRA, 30):
                out.append(dict(properties(m[2][8:])))
        c.events.clear()
        time.sleep(0.01)
    return out


def send(c, actions):
    c.do(PACKET_OUT, struct.pack("!IIH6x", NO_BUFFER, CONTROLLER, len(actions)) + actions + FRAME)


def ask(c, actions):
    send(c, actions)
    v = told(c)
    return v[0] if v else None


def resume(p, continuation=None, packet=None, metadata=None):
    """The message for a packet-in2, with some of it changed."""
    p = dict(p)
    if continuation is not None:
        p[CONTINUATION] = bytes(4) + continuation
    if packet is not None:
        p[PACKET] = packet
    if metadata is not None:
        p[METADATA] = metadata
    return struct.pack("!II", NICIRA, 28) + b"".join(prop(k, v) for k, v in p.items() if v is not None)


def format_(c, n):
    c.do(EXPERIMENTER, struct.pack("!III", NICIRA, 16, n))


def refused(c, body):
    out = c.refusal(EXPERIMENTER, body)
    c.events.clear()
    return out


def more(check, sw):
    c = sw.controller()
    format_(c, 2)
    p = ask(c, controller(prop(0, struct.pack("!H", 20)), prop(3, b"\1\2\3")))
    check("userdata, and max_len", p and p.get(USERDATA) == b"\1\2\3" and p[PACKET] == FRAME[:20] and CONTINUATION not in p, p)
    p = ask(c, controller(prop(2, b"\5")))
    check("a reason of 1.4's is an action's", p and p[REASON] == b"\1", p)
    p = ask(c, controller(prop(3, bytes(30000))))
    check("much userdata", p and p.get(USERDATA) == bytes(30000) and p[PACKET] == FRAME)
    for n, text in ((0, "OpenFlow's"), (1, "NXT_PACKET_IN")):
        format_(c, n)
        send(c, controller(prop(3, b"\1\2\3"), PAUSE))
        m = c.event(PACKET_IN if n == 0 else EXPERIMENTER)
        check(text + " packet-in drops them", m and b"\1\2\3" not in m[2] and len(m[2]) < 200, m)
    format_(c, 2)
    out = struct.pack("!IIH6x", NO_BUFFER, CONTROLLER, len(controller(prop(5, u32(9))))) + controller(prop(5, u32(9))) + FRAME
    check("a meter that is not there: UNKNOWN_METER", c.refusal(PACKET_OUT, out)[:2] == (12, 3))
    c.do(METER_MOD, meter_mod(0, 2, 9, band(rate=1)))
    for _ in range(20):
        send(c, controller(prop(5, u32(9))))
    v = told(c)
    check("a meter lets few of twenty pass", 0 < len(v) < 20, len(v))
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(controller(prop(5, u32(9)), prop(3, b"x"))), table=3))
    c.do(METER_MOD, meter_mod(2, 0, 9))
    check("a flow that sends by a meter goes with it", not c.parts(1, flow_request()))
    bad = [("reason 6", prop(2, b"\6")), ("an unknown property", prop(77, b"\0" * 4))]
    for text, x in bad:
        a = controller(x)
        check(text + " is refused", c.refusal(PACKET_OUT, struct.pack("!IIH6x", NO_BUFFER, CONTROLLER, len(a)) + a + FRAME) is not None)
    a = struct.pack("!HHI", 3, 8 + len(controller(PAUSE)), 0)[:4] + bytes(4) + controller(PAUSE)
    check("not in an action set: BAD_TYPE", c.refusal(FLOW_MOD, flow_mod(match(), a))[:2] == (2, 0))
    c.close()


def continuations(check, sw):
    c, d = sw.controller(), sw.open()
    format_(c, 2)
    c.do(FLOW_MOD, flow_mod(match(), apply_(controller(prop(3, b"end"))), table=7))
    p = ask(c, controller(PAUSE) + nx(14, struct.pack("!HB3x", 0xfff8, 7)))
    c.barrier()
    c.events.clear()
    check("a continuation", CONTINUATION in p and p[PACKET] == FRAME, p)
    good = p[CONTINUATION][4:]
    check("it goes on", refused(c, resume(p)) is None)
    c.do(EXPERIMENTER, resume(p))
    v = told(c)
    check("... as often as it is sent", v and v[0].get(USERDATA) == b"end", v)
    c.do(EXPERIMENTER, resume(p, packet=FRAME[:12] + b"\x88\xb6changed"))
    v = told(c)
    check("the frame may be changed", v and v[0][PACKET].endswith(b"changed"), v)
    reg = struct.pack("!HBB", 1, 3 << 1, 4) + u32(0x1234)
    c.do(EXPERIMENTER, resume(p, metadata=p[METADATA] + reg))
    v = told(c)
    check("fields may be changed", v and reg in v[0][METADATA], v)
    check("without one: NXR_STALE", refused(c, resume(p, continuation=b"")) == STALE)
    props = properties(good)

    def made(change):
        return b"".join(prop(t, v) for t, v in change(list(props)) if v is not None)

    other = made(lambda l: [(t, bytes(20) if t == ORIGIN else v) for t, v in l])
    check("another switch's: NXR_STALE", refused(c, resume(p, continuation=other)) == STALE)
    check("an unknown property: BAD_TYPE", refused(c, resume(p, continuation=good + prop(9, b""))) == (13, 2))
    check("cut off: BAD_LEN", refused(c, resume(p, continuation=good + b"\0\5\0\x50")) == (13, 3))
    head = bytes([0, 7]) + bytes(10) + bytes(8)
    for text, level, want in (
            ("goto back", struct.pack("!HHB3x", 1, 8, 3), (3, 2)),
            ("goto a table that is not there", struct.pack("!HHB3x", 1, 8, 254), (3, 2)),
            ("an unknown action", struct.pack("!HHI", 4, 16, 0) + struct.pack("!HHI", 99, 8, 0), (2, 0)),
            ("an output to no port", struct.pack("!HHI", 4, 24, 0) + output(0), (2, 4)),
            ("a group that is not there", struct.pack("!HHI", 4, 16, 0) + group(99), (2, 9)),
            ("a meter", struct.pack("!HHI", 6, 8, 1), (3, 1)),
            ("a read-only field", struct.pack("!HHI", 4, 24, 0) + struct.pack("!HH", 25, 16) + oxm(0, u32(1)) + bytes(4), (2, 13)),
            ("an unknown instruction", struct.pack("!HHI", 77, 8, 0), (3, 0))):
        got = refused(c, resume(p, continuation=good + prop(LEVEL, head + level)))
        check(text + " is refused", got and got[:2] == want, got)
    check("table 254 is refused", refused(c, resume(p, continuation=good + prop(LEVEL, b"\0\xfe" + bytes(18)))) == (13, 4))
    check("unknown flags are refused", refused(c, resume(p, continuation=good + prop(LEVEL, b"\4\0" + bytes(18)))) == (13, 4))
    check("65 values on the stack are refused", refused(c, resume(p, continuation=good + prop(STACK, bytes(4 + 65 * 16)))) == (13, 3))
    check("600 levels are refused", refused(c, resume(p, continuation=good + prop(LEVEL, head) * 600)) == (13, 4))
    check("an action set with a goto is refused", refused(c, resume(p, continuation=good + prop(SET, bytes(4) + struct.pack("!HHB3x", 1, 8, 9)))) == (13, 4))
    check("in_port 0 is refused: BAD_PORT", refused(c, resume(p, metadata=b"")) == (1, 11))
    check("a frame of 5 bytes is refused: BAD_PACKET", refused(c, resume(p, packet=b"12345")) == (1, 12))
    check("nothing of these was sent", not told(c, 0.1))
    d.ask(ROLE_REQUEST, role(3, 1))
    check("a slave may not: IS_SLAVE", refused(d, resume(p)) == (1, 10))
    d.close()
    c.close()


def anything(check, sw):
    """Bytes changed, cut off, put in: an error or a packet, and the switch goes on."""
    c, r = sw.controller(), random.Random(7)
    format_(c, 2)
    c.do(FLOW_MOD, flow_mod(match(), apply_(output(1)) + struct.pack("!HHB3x", 1, 8, 9), table=7))
    a = controller(PAUSE) + nx(14, struct.pack("!HB3x", 0xfff8, 7)) + nx(42, bytes(6) + output(3)) + output(2)
    p = ask(c, a)
    good = p[CONTINUATION][4:]
    origin = prop(ORIGIN, dict(properties(good))[ORIGIN])
    for _ in range(1500):
        b = bytearray(good)
        for _ in range(r.randrange(1, 5)):
            at = r.randrange(len(b))
            how = r.randrange(4)
            if how == 0:
                b[at] = r.randrange(256)
            elif how == 1:
                b[at] ^= 1 << r.randrange(8)
            elif how == 2:
                del b[at:at + r.choice((1, 4, 8, 16))]
            else:
                b[at:at] = r.randbytes(r.choice((1, 4, 8, 16)))
            b = b or bytearray(8)
        c.send(EXPERIMENTER, resume(p, continuation=origin + bytes(b)))
        if r.randrange(50) == 0:
            c.barrier()
            c.events.clear()
    c.barrier()
    c.events.clear()
    c.do(EXPERIMENTER, resume(p))
    check("1500 spoilt continuations, and a good one", sw.alive())
    c.close()


def test(check):
    sw = Switch("--log", "warn")
    try:
        more(check, sw)
        continuations(check, sw)
        anything(check, sw)
    finally:
        code = sw.stop()
    check("the switch ends in good order", code == 0, sw.p.returncode)


if __name__ == "__main__":
    run(test)
