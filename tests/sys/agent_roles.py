#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 6.3.5 Multiple controllers: roles
# Spec: 7.3.4.3 Port modification
# Spec: 7.3.9 Role request
# Spec: 7.3.10 Asynchronous configuration
# Spec: 7.4.3 Port status
# Spec: EXT-191 Role status
# Spec: EXT-235 Request forward
# Spec: NX asynchronous configuration, controller ids
"""Several controllers on weft-switch (6.3.4): roles, what each is told (7.3.10), and what of the others' doings.

    this script, as two controllers --- unix --- weft-switch, ports 1 to 4
"""
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from of13 import *  # noqa: E402,F403

NOCHANGE, EQUAL, MASTER, SLAVE = range(4)
IS_SLAVE, STALE, BAD_ROLE = (1, 10), (11, 0), (11, 2)
NONE = 2**64 - 1


def get(c, type_, *groups):
    """What came of that type so far; barriers of all make sure of it."""
    for x in (c, *groups):
        x.barrier()
    out = [m for m in c.events if m[0] == type_]
    c.events[:] = [m for m in c.events if m[0] != type_]
    return out


def nx(type_, body):
    return struct.pack("!II", NICIRA, type_) + body


def props(*pairs):
    return nx(27, b"".join(struct.pack("!HHI", t, 8, m) for t, m in pairs))


def status(role_, generation, reason=0):
    return struct.pack("!IIIB3xQ", ONF, 1911, role_, reason, generation)


def roles(check, sw):
    a, b = sw.controller(), sw.controller()
    check("at first: equal, and no generation", a.ask(ROLE_REQUEST, role(NOCHANGE))[2] == role(EQUAL, NONE))
    check("role 4: BAD_ROLE", a.refusal(ROLE_REQUEST, role(4, 1)) == BAD_ROLE)
    check("... tells no generation", a.ask(ROLE_REQUEST, role(NOCHANGE))[2] == role(EQUAL, NONE))
    check("equal takes no generation", a.ask(ROLE_REQUEST, role(EQUAL, 77))[2] == role(EQUAL, NONE))
    check("slave does", b.ask(ROLE_REQUEST, role(SLAVE, 5))[2] == role(SLAVE, 5))
    check("an older one: STALE", a.refusal(ROLE_REQUEST, role(MASTER, 4)) == STALE)
    check("... also of a slave", a.refusal(ROLE_REQUEST, role(SLAVE, 4)) == STALE)
    check("... and the role is as before", a.ask(ROLE_REQUEST, role(NOCHANGE))[2] == role(EQUAL, 5))
    check("the same one again", a.ask(ROLE_REQUEST, role(MASTER, 5))[2] == role(MASTER, 5))
    check("nobody was demoted, nobody told", get(b, EXPERIMENTER, a) == [] and get(a, EXPERIMENTER) == [])
    check("another master", b.ask(ROLE_REQUEST, role(MASTER, 6))[2] == role(MASTER, 6))
    check("the master that was: told SLAVE by another's request", [m[2] for m in get(a, EXPERIMENTER, b)] == [status(SLAVE, 6)])
    check("... and is", a.ask(ROLE_REQUEST, role(NOCHANGE))[2] == role(SLAVE, 6))
    b.ask(ROLE_REQUEST, role(MASTER, 6))
    check("master again: nobody is told", get(a, EXPERIMENTER, b) == [] and get(b, EXPERIMENTER) == [])
    a.do(EXPERIMENTER, props((6, 0)))
    a.ask(ROLE_REQUEST, role(MASTER, 7))
    check("the other one is told now", [m[2] for m in get(b, EXPERIMENTER, a)] == [status(SLAVE, 7)])
    b.ask(ROLE_REQUEST, role(MASTER, 8))
    check("who has switched it off is not", get(a, EXPERIMENTER, b) == [])
    # a is a slave.
    f = flow_mod(match(in_port(1)))
    for text, type_, body in (
            ("flow_mod", FLOW_MOD, f), ("group_mod", GROUP_MOD, group_mod(0, 0, 1)), ("meter_mod", METER_MOD, meter_mod(0, 1, 1, band())),
            ("port_mod", PORT_MOD, struct.pack("!I4x6s2xIII4x", 1, bytes(6), 0, 0, 0)), ("table_mod", TABLE_MOD, struct.pack("!B3xI", 0, 0)),
            ("packet_out", PACKET_OUT, packet_out(frame(), output(1))), ("bundle", EXPERIMENTER, bundle_ctrl(1, 0)),
            ("bundle_add", EXPERIMENTER, bundle_add(1, msg(FLOW_MOD, f, a.xid + 1))),
            ("set_config of fragments", SET_CONFIG, struct.pack("!HH", 1, 128))):
        check(f"a slave's {text}: IS_SLAVE", a.refusal(type_, body) == IS_SLAVE)
    for text, type_, body in (
            ("set_config of its own", SET_CONFIG, struct.pack("!HH", 0, 100)), ("get_config", GET_CONFIG_REQUEST, b""),
            ("set_async", SET_ASYNC, async_((3, 0), (7, 7), (15, 0))), ("get_async", GET_ASYNC_REQUEST, b""),
            ("queue_get_config", QUEUE_GET_CONFIG_REQUEST, struct.pack("!I4x", ANY)), ("controller id", EXPERIMENTER, nx(20, bytes(8))),
            ("features", FEATURES_REQUEST, b"")):
        check(f"a slave's {text}", a.refusal(type_, body) is None)
    for t, body in ((0, b""), (1, flow_request()), (2, flow_request()), (3, b""), (4, u32(ANY) + bytes(4)), (5, u32(ANY) * 2),
                    (6, u32(0xfffffffc) + bytes(4)), (7, b""), (8, b""), (9, u32(ANY) + bytes(4)), (10, u32(ANY) + bytes(4)), (11, b""),
                    (12, b""), (13, b"")):
        check(f"a slave's multipart {t}", a.refusal(MULTIPART_REQUEST, multipart(t, body)) is None)
    features = a.parts(12)
    check("a slave's table features that would change something: IS_SLAVE",
          a.refusal(MULTIPART_REQUEST, multipart(12, split(features)[0])) == IS_SLAVE)
    check("... whose flows are as they were", b.parts(1, flow_request()) == b"")
    b.do(FLOW_MOD, f)
    b.do(FLOW_MOD, flow_mod(command=3, table=255))
    # Roles belong to the connection, generations to the switch.
    b.close()
    c = sw.controller()
    check("a new connection: equal, the generation stays", c.ask(ROLE_REQUEST, role(NOCHANGE))[2] == role(EQUAL, 8))
    check("Nicira's role request, which is OpenFlow 1.0's: BAD_EXP_TYPE", c.refusal(EXPERIMENTER, nx(10, u32(1))) == (1, 4))
    a.close()
    c.close()


def async_config(check, sw):
    c = sw.controller()
    check("at first", c.ask(GET_ASYNC_REQUEST)[2] == async_((3, 0), (7, 7), (0x2f, 0)))
    c.do(SET_ASYNC, async_((ANY, ANY), (ANY, ANY), (ANY, ANY)))
    check("reasons that there are not are not kept", c.ask(GET_ASYNC_REQUEST)[2] == async_((7, 7), (7, 7), (0x3f, 0x3f)))
    c.do(EXPERIMENTER, nx(19, async_((1, 2), (4, 1), (8, 2))))
    check("Nicira's is the same", c.ask(GET_ASYNC_REQUEST)[2] == async_((1, 2), (4, 1), (8, 2)))
    c.do(EXPERIMENTER, props((0, 7), (5, 3)))
    check("by properties: the others stay", c.ask(GET_ASYNC_REQUEST)[2] == async_((1, 7), (4, 1), (3, 2)))
    check("an unknown reason: OFPACFC_INVALID", c.refusal(EXPERIMENTER, props((1, 7), (0, 8))) == (0xffff, 2370, ONF))
    check("an unknown property: OFPACFC_UNSUPPORTED", c.refusal(EXPERIMENTER, props((1, 7), (40, 1))) == (0xffff, 2371, ONF))
    check("a property of 12 bytes: BAD_LEN", c.refusal(EXPERIMENTER, nx(27, struct.pack("!HHII", 0, 12, 1, 0))) == (1, 6))
    check("a property cut off: BAD_LEN", c.refusal(EXPERIMENTER, nx(27, b"\0\0\0\x08\0\0")) == (1, 6))
    check("... and nothing of it is done", c.ask(GET_ASYNC_REQUEST)[2] == async_((1, 7), (4, 1), (3, 2)))
    check("set_async cut off: BAD_LEN", c.refusal(SET_ASYNC, bytes(20)) == (1, 6))
    # Port status by reason.
    d = sw.controller()
    desc = d.parts(13)
    number, mac = struct.unpack_from("!I", desc)[0], desc[8:14]

    def flip(x, bit=1 << 6):
        for v in (bit, 0):
            x.do(PORT_MOD, struct.pack("!I4x6s2xIII4x", number, mac, v, bit, 0))
    flip(d)
    check("port-status: MODIFY, with the new configuration", [(m[2][0], struct.unpack_from("!I", m[2], 8 + 32)[0])
          for m in get(c, PORT_STATUS, d)] == [(2, 64), (2, 0)])
    c.do(SET_ASYNC, async_((3, 0), (3, 7), (15, 0)))
    get(c, PORT_STATUS, d), get(d, PORT_STATUS)
    flip(d)
    check("... not to who has it switched off", len(get(c, PORT_STATUS, d)) == 0)
    check("... the others are told", len(get(d, PORT_STATUS)) == 2)
    c.do(ROLE_REQUEST, role(SLAVE, 100))
    flip(d)
    check("... the slave by the slave's mask", len(get(c, PORT_STATUS, d)) == 2)
    c.do(ROLE_REQUEST, role(EQUAL))
    # Flow-removed by reason.
    c.do(SET_ASYNC, async_((3, 0), (7, 7), (1 << 3, 0)))
    d.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(1))))
    for i in (1, 2):
        d.do(FLOW_MOD, flow_mod(match(in_port(i)), apply_(group(1)), flags=1))
    d.do(FLOW_MOD, flow_mod(match(in_port(2)), command=3))
    d.do(GROUP_MOD, group_mod(2, 0, 1))
    check("flow-removed by its reason", [m[2][10] for m in get(c, FLOW_REMOVED, d)] == [3])
    check("... all of them to who wants them", [m[2][10] for m in get(d, FLOW_REMOVED)] == [2, 3])
    d.do(METER_MOD, meter_mod(0, 1, 1, band()))
    d.do(FLOW_MOD, flow_mod(match(in_port(1)), struct.pack("!HHI", 6, 8, 1), flags=1))
    d.do(METER_MOD, meter_mod(2, 0, 1))
    check("a flow that goes with its meter: DELETE (1.3 has no other reason)", [m[2][10] for m in get(d, FLOW_REMOVED, c)] == [2])
    c.close()
    d.close()


def port_mods(check, sw):
    c = sw.controller()
    desc = c.parts(13)
    number, mac = struct.unpack_from("!I", desc)[0], desc[8:14]

    def mod(no=number, addr=mac, config=0, mask=0, advertise=0):
        return struct.pack("!I4x6s2xIII4x", no, addr, config, mask, advertise)
    check("port_mod: a port that is not there: BAD_PORT", c.refusal(PORT_MOD, mod(no=99)) == (7, 0))
    check("... a reserved one: BAD_PORT", c.refusal(PORT_MOD, mod(no=0xfffffffb)) == (7, 0))
    check("... another address: BAD_HW_ADDR", c.refusal(PORT_MOD, mod(addr=bytes(6))) == (7, 1))
    check("... an unknown bit: BAD_CONFIG", c.refusal(PORT_MOD, mod(config=2, mask=2)) == (7, 2))
    check("... features that the port has not: BAD_ADVERTISE", c.refusal(PORT_MOD, mod(advertise=1 << 15)) == (7, 3))
    check("... nothing of them is told", get(c, PORT_STATUS) == [])
    check("... cut off: BAD_LEN", c.refusal(PORT_MOD, mod()[:-1]) == (1, 6))
    check("a mask of nothing", c.refusal(PORT_MOD, mod(config=0x65)) is None)
    check("... changes nothing, and is not told", c.parts(13) == desc and get(c, PORT_STATUS) == [])
    for text, bit in (("PORT_DOWN", 1), ("NO_RECV", 4), ("NO_FWD", 32), ("NO_PACKET_IN", 64)):
        c.do(PORT_MOD, mod(config=bit, mask=bit))
        now = c.parts(13)
        told = get(c, PORT_STATUS)
        check(f"{text} is set, told once, and as the description says", struct.unpack_from("!I", now, 32)[0] == bit and
              [m[2][8:] for m in told] == [now[:64]], told)
        c.do(PORT_MOD, mod(config=bit, mask=bit))
        check("... again: no change, not told", get(c, PORT_STATUS) == [])
        c.do(PORT_MOD, mod(config=0, mask=bit))
        check("... and taken back", len(get(c, PORT_STATUS)) == 1 and c.parts(13) == desc)
    c.close()


def forward(check, sw):
    a, b, s = sw.controller(), sw.controller(), sw.controller()
    g = group_mod(0, 0, 1, bucket(output(1)))
    a.do(GROUP_MOD, g)
    check("group mods of others are not told unasked", get(b, EXPERIMENTER, a) == [])
    for c in (a, b, s):
        c.do(EXPERIMENTER, props((11, 3), (10, 2)))
    s.do(ROLE_REQUEST, role(SLAVE, 200))
    xid = a.do(GROUP_MOD, group_mod(1, 0, 1, bucket(output(2))))
    inner = msg(GROUP_MOD, group_mod(1, 0, 1, bucket(output(2))), xid)
    check("a group mod goes to who asks", [m[2] for m in get(b, EXPERIMENTER, a)] == [struct.pack("!II", ONF, 2350) + inner])
    check("... not to who made it, nor to a slave that asks for meters", get(a, EXPERIMENTER) == get(s, EXPERIMENTER) == [])
    xid = a.do(METER_MOD, meter_mod(0, 1, 1, band()))
    inner = msg(METER_MOD, meter_mod(0, 1, 1, band()), xid)
    check("a meter mod", [m[2][8:] for m in get(b, EXPERIMENTER, a)] == [inner] == [m[2][8:] for m in get(s, EXPERIMENTER)])
    ext = struct.pack("!IIHBxIHxxI", WEFT, 3, 0, 0, 9, 0, 0xffffffff)  # 1.5's layout, no bucket
    xid = a.do(EXPERIMENTER, ext)
    check("a group mod in 1.5's layout", [m[2][8:] for m in get(b, EXPERIMENTER, a)] == [msg(EXPERIMENTER, ext, xid)])
    a.refusal(METER_MOD, meter_mod(0, 1, 1, band()))
    a.refusal(GROUP_MOD, g)
    a.refusal(EXPERIMENTER, ext)
    check("what is refused is not", get(b, EXPERIMENTER, a) == [])
    a.do(EXPERIMENTER, bundle_ctrl(1, 0))
    for m in (group_mod(0, 0, 2), group_mod(0, 0, 3)):
        a.send(EXPERIMENTER, bundle_add(1, msg(GROUP_MOD, m, a.xid + 1)))
    check("a bundle: nothing before its commit", get(b, EXPERIMENTER, a) == [])
    a.do(EXPERIMENTER, bundle_ctrl(1, 4))
    check("... then all of it", [m[2][20:24] for m in get(b, EXPERIMENTER, a)] == [u32(2), u32(3)])
    a.do(EXPERIMENTER, bundle_ctrl(2, 0))
    for m in (group_mod(0, 0, 4), group_mod(0, 0, 3)):
        a.send(EXPERIMENTER, bundle_add(2, msg(GROUP_MOD, m, a.xid + 1)))
    a.send(EXPERIMENTER, bundle_ctrl(2, 4))
    check("a bundle that fails: nothing", get(b, EXPERIMENTER, a) == [])
    a.events.clear()
    a.do(GROUP_MOD, group_mod(2, 0, 0xfffffffc))
    a.do(METER_MOD, meter_mod(2, 0, ANY))
    for c in (a, b, s):
        c.close()


def controller_ids(check, sw):
    a, b = sw.controller(), sw.controller()

    def ids(*n):
        return apply_(*(struct.pack("!HHIHHHBx", 0xffff, 16, NICIRA, 20, 0xffff, i, 1) for i in n))

    def push():
        a.send(PACKET_OUT, packet_out(frame(), output(TABLE), in_port_=1))
        time.sleep(0.2)
        return [len(get(c, PACKET_IN, a, b)) for c in (a, b)]
    check("a controller id behind bytes that are not zero: MUST_BE_ZERO",
          b.refusal(EXPERIMENTER, nx(20, b"\1" + bytes(7))) == (0xffff, 4, NICIRA))
    b.do(EXPERIMENTER, nx(20, struct.pack("!6xH", 7)))
    a.do(FLOW_MOD, flow_mod(match(in_port(1)), ids(7)))
    check("packets for controller 7 go to 7", push() == [0, 1])
    a.do(FLOW_MOD, flow_mod(match(in_port(1)), ids(0)))
    check("for 0 to those without an id", push() == [1, 0])
    a.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(CONTROLLER))))
    check("CONTROLLER is 0", push() == [1, 0])
    a.do(FLOW_MOD, flow_mod(match(in_port(1)), ids(9, 7, 0)))
    check("several", push() == [1, 1])
    b.do(EXPERIMENTER, nx(20, bytes(8)))
    check("an id is taken back", push() == [1, 1])
    a.do(FLOW_MOD, flow_mod(match(in_port(1)), ids(9)))
    check("nobody has it: nobody is told", push() == [0, 0])
    m = a.parts(1, flow_request())
    check("the flow is read back as it was", ids(9) in m, m.hex())
    a.do(FLOW_MOD, flow_mod(command=3, table=255))
    a.close()
    b.close()


def test(check):
    sw = Switch("--log", "warn")
    try:
        for part in (roles, async_config, port_mods, forward, controller_ids):
            part(check, sw)
    finally:
        code = sw.stop()
    check("the switch ends in good order", code == 0, sw.p.returncode)


if __name__ == "__main__":
    run(test)
