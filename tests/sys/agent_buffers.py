#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.4.1 Packet-in: buffers
# Spec: 6.2 Message handling: a barrier waits for packet-outs
# Spec: NX packet-in formats
# Spec: 7.3.7 Packet-out: of a buffer
# Spec: 7.3.4.1 Modify flow entry: that takes a buffer
"""Packet-ins in part, the buffers that keep the rest (7.4.1), and who may send it on (7.3.7, 7.3.4.2).

    this script, as one or two controllers --- unix --- weft-switch, ports 1 to 4

Nothing comes in on the ports by itself: packets are packet-outs to TABLE that say where they came in.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from of13 import *  # noqa: E402,F403

EMPTY, UNKNOWN = struct.pack("!HH", 1, 7), struct.pack("!HH", 1, 8)
BAD_PORT = struct.pack("!HH", 1, 11)
NO_MATCH, ACTION, INVALID_TTL = 0, 1, 2
F = frame(size=200)


def push(c, port, f=F):
    c.send(PACKET_OUT, packet_out(f, output(TABLE), in_port_=port))


def packet_in(m):
    """Of any of the three formats, each read by its own layout."""
    if m[0] == PACKET_IN:
        buffer_id, total, reason, table, cookie = struct.unpack_from("!IHBBQ", m[2])
        n = struct.unpack_from("!H", m[2], 18)[0]
        at = 16 + (n + 7) // 8 * 8
        return dict(buffer=buffer_id, total=total, reason=reason, table=table, cookie=cookie, fields=m[2][20:16 + n], data=m[2][at + 2:])
    vendor, subtype = struct.unpack_from("!II", m[2])
    assert vendor == NICIRA
    b = m[2][8:]
    if subtype == 17:
        buffer_id, total, reason, table, cookie, n = struct.unpack_from("!IHBBQH", b)
        at = 24 + (n + 7) // 8 * 8
        assert b[at:at + 2] == bytes(2)
        return dict(buffer=buffer_id, total=total, reason=reason, table=table, cookie=cookie, fields=b[24:24 + n], data=b[at + 2:])
    assert subtype == 30, subtype
    props = {}
    while b:
        type_, n = struct.unpack_from("!HH", b)
        assert type_ not in props
        props[type_] = b[4:n]
        b = b[(n + 7) // 8 * 8:]
    data = props[0]
    return dict(buffer=struct.unpack("!I", props.get(2, u32(NO_BUFFER)))[0], total=struct.unpack("!I", props.get(1, u32(len(data))))[0],
                reason=props[5][0], table=props[3][0], cookie=struct.unpack("!4xQ", props.get(4, b"\xff" * 12))[0], fields=props[6], data=data)


def arrives(c, push_, type_=PACKET_IN, timeout=20):
    push_()
    m = c.event(type_, timeout)
    return packet_in(m) if m else {}


def sent_by(c, action):
    """(packets, bytes) by port, after action() and a barrier."""
    before = c.sent()
    action()
    c.barrier()
    end = time.monotonic() + 0.3 * SLOW  # a barrier has been answered: what is to leave has left
    while True:
        now = c.sent()
        seen = {p: (n[0] - before[p][0], n[1] - before[p][1]) for p, n in now.items() if n != before[p]}
        if seen or time.monotonic() > end:
            return seen
        time.sleep(0.05)


def refused(c, type_, body):
    m = c.ask(type_, body)
    return m[2][:4] if m[0] == ERROR else m


def clear(c):
    c.do(FLOW_MOD, flow_mod(command=3, table=255))
    c.do(GROUP_MOD, group_mod(2, 0, 0xfffffffc))
    c.events.clear()


def part(c, n=64, port=1):
    """A packet that is told in part; its buffer's id."""
    return arrives(c, lambda: push(c, port))["buffer"]


def packet_outs(check, sw):
    c = sw.controller()
    m = c.ask(FEATURES_REQUEST)
    check("features: n_buffers is what was asked for", struct.unpack_from("!I", m[2], 8)[0] == 16, m[2].hex())
    c.do(FLOW_MOD, flow_mod(insts=apply_(output(CONTROLLER, 64)), priority=0, cookie=5))
    p = arrives(c, lambda: push(c, 1))
    check("a part: data, total_len and a buffer", p and p["data"] == F[:64] and p["total"] == 200 and p["buffer"] != NO_BUFFER, p)
    got = sent_by(c, lambda: c.send(PACKET_OUT, packet_out(b"", output(3), in_port_=1, buffer_id=p["buffer"])))
    check("packet_out with the buffer: the whole packet leaves", got == {3: (1, 200)}, got)
    check("... once: OFPBRC_BUFFER_EMPTY", refused(c, PACKET_OUT, packet_out(b"", output(3), buffer_id=p["buffer"])) == EMPTY)
    check("an id that was never given: OFPBRC_BUFFER_UNKNOWN", refused(c, PACKET_OUT, packet_out(b"", output(3), buffer_id=p["buffer"] ^ 0x00800000)) == UNKNOWN)
    b = part(c)
    check("a bad action is refused", refused(c, PACKET_OUT, packet_out(b"", output(0), in_port_=1, buffer_id=b)) == struct.pack("!HH", 2, 4))
    check("... and a bad port", refused(c, PACKET_OUT, packet_out(b"", output(3), in_port_=77, buffer_id=b)) == BAD_PORT)
    got = sent_by(c, lambda: c.send(PACKET_OUT, packet_out(b"", output(IN_PORT), in_port_=2, buffer_id=b)))
    check("... and the buffer is still there; in_port is packet_out's", got == {2: (1, 200)}, got)
    b = part(c)
    got = sent_by(c, lambda: c.send(PACKET_OUT, packet_out(b"", in_port_=1, buffer_id=b)))
    check("without actions the packet is dropped", got == {} and refused(c, PACKET_OUT, packet_out(b"", buffer_id=b)) == EMPTY, got)
    b = part(c)
    got = sent_by(c, lambda: c.send(PACKET_OUT, packet_out(F[:50], output(4), in_port_=1, buffer_id=b)))
    check("data beside a buffer is not looked at (7.3.7)", got == {4: (1, 200)}, got)
    check("in_port LOCAL where there is none: OFPBRC_BAD_PORT", refused(c, PACKET_OUT, packet_out(F, output(3), in_port_=0xfffffffe)) == BAD_PORT)
    got = sent_by(c, lambda: c.send(PACKET_OUT, packet_out(F, output(3), in_port_=ANY)))
    check("in_port ANY is taken, as tools say it", got == {3: (1, 200)}, got)
    d = sw.controller()
    b = part(c)
    other = packet_in(d.event(PACKET_IN))["buffer"]
    check("another controller's buffer is not to be had", refused(d, PACKET_OUT, packet_out(b"", output(3), buffer_id=b)) in (UNKNOWN, EMPTY))
    check("... it has its own", sent_by(d, lambda: d.send(PACKET_OUT, packet_out(b"", output(3), in_port_=1, buffer_id=other))) == {3: (1, 200)})
    check("... and the first is where it was", sent_by(c, lambda: c.send(PACKET_OUT, packet_out(b"", output(3), in_port_=1, buffer_id=b))) == {3: (1, 200)})
    d.close()
    c.do(FLOW_MOD, flow_mod(match(in_port(2)), apply_(output(CONTROLLER, 200))))
    c.do(FLOW_MOD, flow_mod(match(in_port(3)), apply_(output(CONTROLLER, 0xffff))))
    for port in (2, 3):
        p = arrives(c, lambda: push(c, port))
        check(f"{'max_len of the whole' if port == 2 else 'OFPCML_NO_BUFFER'}: all of it, and no buffer", p and p["data"] == F and p["buffer"] == NO_BUFFER, p)
    c.do(FLOW_MOD, flow_mod(match(in_port(4)), apply_(output(CONTROLLER, 0))))
    p = arrives(c, lambda: push(c, 4))
    check("max_len 0: no byte, and a buffer", p and p["data"] == b"" and p["buffer"] != NO_BUFFER, p)
    clear(c)
    c.close()


def barriers(check, sw):
    """A barrier's reply says that the packet-outs before it have left (6.2)."""
    c = sw.controller()
    before = c.sent()[2][0]
    for _ in range(5):
        c.s.sendall(b"".join(msg(PACKET_OUT, packet_out(F, output(2)), 0x7000) for _ in range(100)))
        c.barrier()
        left = c.sent()[2][0] - before
        check("100 packet-outs have left when the barrier after them is answered", left == 100, left)
        before += left
    c.close()


def flow_mods(check, sw):
    c = sw.controller()
    c.do(FLOW_MOD, flow_mod(insts=apply_(output(CONTROLLER, 64)), priority=0))
    b = part(c)
    got = sent_by(c, lambda: c.send(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(2)), buffer_id=b)))
    check("flow_mod ADD with a buffer: its packet goes the new flow's way", got == {2: (1, 200)}, got)
    s = flow_fields([x for x in split(c.parts(1, flow_request())) if flow_fields(x)["priority"] == 100][0])
    check("... and is counted by it", (s["packets"], s["bytes"]) == (1, 200), s)
    b = part(c, port=3)
    got = sent_by(c, lambda: c.send(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(4)), command=2, buffer_id=b)))
    check("MODIFY_STRICT: the packet goes through the pipeline, not this flow's actions", got == {}, got)
    m = c.event(PACKET_IN)
    check("... where it finds what it found before", m and packet_in(m)["fields"] == in_port(3) and packet_in(m)["data"] == F[:64])
    b = packet_in(m)["buffer"]
    check("a flow that is refused leaves the packet", refused(c, FLOW_MOD, flow_mod(insts=goto(0), table=3, buffer_id=b)) == struct.pack("!HH", 3, 2))
    n = len(split(c.parts(1, flow_request())))
    check("an unknown buffer: no flow is added", refused(c, FLOW_MOD, flow_mod(match(in_port(9)), buffer_id=b ^ 0x00800000)) == UNKNOWN and
          len(split(c.parts(1, flow_request()))) == n)
    xid = c.send(FLOW_MOD, flow_mod(match(in_port(9)), command=4, buffer_id=b ^ 0x00800000))
    c.barrier()
    check("deletions do not look at it", not [e for e in c.events if e[1] == xid])
    got = sent_by(c, lambda: c.send(FLOW_MOD, flow_mod(match(in_port(3)), apply_(output(4)), table=0, buffer_id=b)))
    check("... and it can still be sent", got == {4: (1, 200)}, got)
    check("used: OFPBRC_BUFFER_EMPTY, and no flow", refused(c, FLOW_MOD, flow_mod(match(in_port(8)), buffer_id=b)) == EMPTY and
          len(split(c.parts(1, flow_request()))) == n + 1)
    clear(c)
    c.close()


def bundles(check, sw):
    """A bundle's packets follow when all of it is there; none when it fails."""
    c = sw.controller()
    c.do(FLOW_MOD, flow_mod(insts=apply_(output(CONTROLLER, 64)), priority=0))
    b = part(c)

    def bundle(*bodies, type_=FLOW_MOD):
        c.ask(EXPERIMENTER, bundle_ctrl(1, 0))
        for body in bodies:
            xid = c.xid + 1
            c.send(EXPERIMENTER, bundle_add(1, msg(type_, body, xid)))
        return c.ask(EXPERIMENTER, bundle_ctrl(1, 4))
    m = bundle(flow_mod(match(in_port(1)), goto(1), buffer_id=b), flow_mod(match(in_port(2)), goto(1), buffer_id=b))
    check("a buffer named twice in a bundle fails it", m[0] == ERROR)
    m = bundle(flow_mod(match(in_port(1)), goto(1), buffer_id=b), flow_mod(None, goto(0), table=1))
    check("a bundle that fails leaves the packet", m[0] == ERROR and len(split(c.parts(1, flow_request()))) == 1)
    out = packet_out(b"", output(4), in_port_=1, buffer_id=b)
    m = bundle(out, out, type_=PACKET_OUT)
    check("... and so do two packet_outs of one buffer", m[0] == ERROR)
    got = sent_by(c, lambda: bundle(packet_out(b"", output(4), in_port_=1, buffer_id=part(c)), type_=PACKET_OUT))
    check("a bundle's packet_out sends a buffer", got == {4: (1, 200)}, got)
    got = sent_by(c, lambda: bundle(flow_mod(match(in_port(1)), goto(1), buffer_id=b), flow_mod(None, apply_(output(2)), table=1)))
    check("a bundle's packet takes the way that the whole bundle makes", got == {2: (1, 200)}, got)
    clear(c)
    c.close()


def room(check, sw):
    """16 buffers: the rest is sent whole, until the first are 5 s old."""
    c = sw.controller()
    c.do(FLOW_MOD, flow_mod(insts=apply_(output(CONTROLLER, 64)), priority=0))
    ps = [arrives(c, lambda: push(c, 1)) for _ in range(20)]
    ids = [p["buffer"] for p in ps if p["buffer"] != NO_BUFFER]
    check("16 buffers: 16 parts with ids that differ", len(set(ids)) == 16 and all(p["data"] == F[:64] for p in ps[:16]), ids)
    check("... then whole packets", all(p["buffer"] == NO_BUFFER and p["data"] == F for p in ps[16:]))
    c.do(PACKET_OUT, packet_out(b"", buffer_id=ids[7]))
    p = arrives(c, lambda: push(c, 1))
    check("one that is free again has a new id", p["buffer"] not in ids + [NO_BUFFER] and p["data"] == F[:64])
    check("... the old id does not lead to it", refused(c, PACKET_OUT, packet_out(b"", output(3), buffer_id=ids[7])) == EMPTY)
    d = sw.controller()
    push(c, 1)
    check("another controller has its own 16", packet_in(d.event(PACKET_IN))["buffer"] != NO_BUFFER and packet_in(c.event(PACKET_IN))["buffer"] == NO_BUFFER)
    d.close()
    time.sleep(6.5)
    check("after 5 s they are given up", refused(c, PACKET_OUT, packet_out(b"", output(3), buffer_id=ids[0])) == EMPTY)
    check("... and used again", arrives(c, lambda: push(c, 1))["buffer"] != NO_BUFFER)
    clear(c)
    c.close()


def formats(check, sw):
    c = sw.controller()
    c.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(CONTROLLER, 30))))
    ttl = apply_(struct.pack("!HH4x", 24, 8), output(2))
    for fm in (flow_mod(match(in_port(1)), struct.pack("!HH4xQQ", 2, 24, 0x77, 2**64 - 1) + goto(3), cookie=5),
               flow_mod(None, apply_(output(CONTROLLER, 64)), table=3, priority=0, cookie=6),
               flow_mod(match(in_port(2)), apply_(group(1)), cookie=7),
               flow_mod(match(in_port(3)), struct.pack("!HH4x", 3, 24) + output(CONTROLLER, 40), cookie=8),
               flow_mod(match(in_port(4), oxm(5, b"\x08\0")), ttl, cookie=9)):
        c.do(FLOW_MOD, fm)
    c.do(SET_ASYNC, async_((7, 0), (7, 7), (15, 0)))
    metadata = oxm(2, struct.pack("!Q", 0x77))
    for number, name, type_ in ((0, "standard", PACKET_IN), (1, "NXT_PACKET_IN", EXPERIMENTER), (2, "NXT_PACKET_IN2", EXPERIMENTER), (0, "standard again", PACKET_IN)):
        c.do(EXPERIMENTER, struct.pack("!III", NICIRA, 16, number))
        for port, what, want in ((1, "a table miss", (NO_MATCH, 3, 6, in_port(1) + metadata, F[:64])),
                                 (2, "a bucket: no flow's cookie", (ACTION, 0, 2**64 - 1, in_port(2), F[:30])),
                                 (3, "the action set: no flow's cookie", (ACTION, 0, 2**64 - 1, in_port(3), F[:40])),
                                 (4, "an expired TTL", (INVALID_TTL, 0, 9, in_port(4), frame(size=200, ttl=1)[:128]))):
            p = arrives(c, lambda: push(c, port, F if port < 4 else frame(size=200, ttl=1)), type_)
            got = p and (p["reason"], p["table"], p["cookie"], p["fields"], p["data"])
            check(f"{name}: {what}", got == want and p["total"] == 200 and p["buffer"] != NO_BUFFER, p)
            if p:
                c.do(PACKET_OUT, packet_out(b"", buffer_id=p["buffer"]))
        p = arrives(c, lambda: c.send(PACKET_OUT, packet_out(F, output(CONTROLLER), in_port_=CONTROLLER)), type_)
        check(f"{name}: a packet-out's: no cookie, whole", p and (p["cookie"], p["fields"], p["data"], p["total"]) == (2**64 - 1, in_port(CONTROLLER), F, 200), p)
    check("an unknown format: OFPBRC_EPERM", refused(c, EXPERIMENTER, struct.pack("!III", NICIRA, 16, 3)) == struct.pack("!HH", 1, 5))
    check("... of a wrong length: OFPBRC_BAD_LEN", refused(c, EXPERIMENTER, struct.pack("!IIIH", NICIRA, 16, 1, 0)) == struct.pack("!HH", 1, 6))
    clear(c)
    c.close()


def large(check, sw):
    c = sw.controller()
    c.do(FLOW_MOD, flow_mod(insts=apply_(output(CONTROLLER, 64)), priority=0))
    for size in (9000, 60000):
        f = frame(size=size)
        p = arrives(c, lambda: push(c, 1, f))
        check(f"{size} bytes: a part, and the length of all", p and (p["data"], p["total"]) == (f[:64], size), p and p["total"])
        p = arrives(c, lambda: c.send(PACKET_OUT, packet_out(b"", output(CONTROLLER), in_port_=1, buffer_id=p["buffer"])))
        check("... of which no byte is lost", p and p["data"] == f)
    clear(c)
    c.close()


def none(check):
    sw = Switch("--packet-buffers", "0", "--packet-in-rate", "0", name="whole")
    try:
        c = sw.controller()
        check("--packet-buffers 0: features say so", struct.unpack_from("!I", c.ask(FEATURES_REQUEST)[2], 8)[0] == 0)
        c.do(FLOW_MOD, flow_mod(insts=apply_(output(CONTROLLER, 64)), priority=0))
        p = arrives(c, lambda: push(c, 1))
        check("... and packets are sent whole (7.4.1)", p and p["data"] == F and p["buffer"] == NO_BUFFER, p)
        check("... and every id is unknown", refused(c, PACKET_OUT, packet_out(b"", buffer_id=0)) == UNKNOWN)
        c.close()
    finally:
        sw.stop()


def test(check):
    sw = Switch("--packet-buffers", "16", "--packet-in-rate", "0")
    try:
        for p in [p for p in (packet_outs, barriers, flow_mods, bundles, room, formats, large) if p.__name__ in os.environ.get("PARTS", p.__name__).split()]:
            p(check, sw)
            if not check(f"{p.__name__}: the switch is well", sw.alive()):
                return
    finally:
        sw.stop()
    none(check)


run(test)
