#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 5.5 Flow removal: messages
# Spec: 6.1.2 Asynchronous messages
# Spec: 6.3.5 Multiple controllers: roles
# Spec: 7.3.9 Role request
# Spec: 7.3.10 Asynchronous configuration
# Spec: 7.4.1 Packet-in
# Spec: 7.4.2 Flow removed
# Spec: 7.4.3 Port status
"""What weft-switch says by itself, and to whom: packet-in, flow-removed, port-status, roles.

    this script, as one or two controllers --- unix --- weft-switch, ports 1 to 4

Nothing comes in on the ports by itself: packets are packet-outs to TABLE that say where they came in.
"""
import os
import socket
import subprocess
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from of13 import *  # noqa: E402,F403

NO_MATCH, ACTION, INVALID_TTL = 0, 1, 2
IDLE, HARD, DELETE, GROUP_DELETE = 0, 1, 2, 3
EQUAL, MASTER, SLAVE = 1, 2, 3
LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")


def push(c, in_port_, f=None, **kw):
    """A packet comes in."""
    c.send(PACKET_OUT, packet_out(f or frame(**kw), output(TABLE), in_port_=in_port_))


def packet_in(m):
    _, total, reason, table, cookie = struct.unpack_from("!IHBBQ", m[2])
    length = struct.unpack_from("!H", m[2], 18)[0]
    fields = m[2][16:16 + (length + 7) // 8 * 8]
    return dict(total=total, reason=reason, table=table, cookie=cookie, match=fields, data=m[2][16 + len(fields) + 2:])


def removed(m):
    cookie, prio, reason, table, sec, nsec, idle, hard, packets, bytes_ = struct.unpack_from("!QHBBIIHHQQ", m[2])
    return dict(cookie=cookie, priority=prio, reason=reason, table=table, duration=sec + nsec / 1e9, idle=idle, hard=hard,
                packets=packets, bytes=bytes_, match=m[2][40:])


def tx(c):
    """Packets sent by each port."""
    return {port: packets for port, (packets, _) in c.sent().items()}


def sent_by(c, action):
    """The ports that one more packet leaves by, after action()."""
    before = tx(c)
    action()
    end = time.monotonic() + 2 * SLOW
    seen = last = None
    while time.monotonic() < end and (seen is None or not seen or seen != last):
        time.sleep(0.1)
        last, now = seen, tx(c)
        seen = {p: n - before[p] for p, n in now.items() if n != before.get(p)}
    return seen or {}


def clear(*channels):
    channels[0].do(FLOW_MOD, flow_mod(command=3, table=255))
    channels[0].do(GROUP_MOD, group_mod(2, 0, 0xfffffffc))
    for c in channels:
        c.barrier()
        c.events.clear()


def packet_ins(check, sw):
    c = sw.controller()
    c.do(FLOW_MOD, flow_mod(insts=apply_(output(CONTROLLER, 64)), priority=0, cookie=5))
    f = frame(size=200)
    push(c, 1, f)
    m = c.event(PACKET_IN)
    p = packet_in(m) if m else {}
    check("a table-miss entry's packet-in: NO_MATCH, its table, cookie and port",
          p and (p["reason"], p["table"], p["cookie"], p["match"]) == (NO_MATCH, 0, 5, match(in_port(1))), p)
    check("... with max_len bytes of it and the length of all", p and p["data"] == f[:64] and p["total"] == 200, p)
    c.do(FLOW_MOD, flow_mod(match(in_port(2)), goto(9)))
    c.do(FLOW_MOD, flow_mod(None, apply_(output(CONTROLLER)), table=9, priority=3, cookie=6))
    push(c, 2, f)
    m = c.event(PACKET_IN)
    p = packet_in(m) if m else {}
    check("an entry's: ACTION, table 9, whole", p and (p["reason"], p["table"], p["cookie"], p["data"]) == (ACTION, 9, 6, f), p)
    c.do(FLOW_MOD, flow_mod(match(in_port(3)), struct.pack("!HH4xQQ", 2, 24, 0x77, 0xff) + goto(9)))
    push(c, 3, f)
    m = c.event(PACKET_IN)
    p = packet_in(m) if m else {}
    check("metadata is told", p and p["match"] == match(oxm(0, u32(3)), oxm(2, struct.pack("!Q", 0x77))), p.get("match", b"").hex())
    c.do(FLOW_MOD, flow_mod(None, apply_(output(CONTROLLER, 0)), table=9, priority=3))
    push(c, 2, f)
    m = c.event(PACKET_IN)
    p = packet_in(m) if m else {}
    check("max_len 0: no byte of it", p and p["data"] == b"" and p["total"] == 200, p)
    clear(c)
    push(c, 1)
    check("without a table-miss entry the packet is dropped", c.none(PACKET_IN))
    # Expired TTLs are told to who asks for them.
    c.do(FLOW_MOD, flow_mod(match(oxm(5, b"\x08\0")), apply_(struct.pack("!HH4x", 24, 8), output(2))))
    push(c, 1, ttl=1)
    check("a TTL that runs out is not told unasked", c.none(PACKET_IN))
    c.do(SET_ASYNC, async_((7, 0), (7, 7), (15, 0)))
    check("... is not sent either", sent_by(c, lambda: push(c, 1, ttl=1)) == {})
    m = c.event(PACKET_IN)
    p = packet_in(m) if m else {}
    check("... and told by INVALID_TTL, as much as miss_send_len, when asked for",
          p and p["reason"] == INVALID_TTL and p["data"] == frame(ttl=1)[:128], p)
    check("a TTL of 2 goes out", sent_by(c, lambda: push(c, 1, ttl=2)) == {2: 1})
    c.do(SET_CONFIG, struct.pack("!HH", 0, 20))
    push(c, 1, ttl=1)
    m = c.event(PACKET_IN)
    check("... miss_send_len 20: 20 bytes", m and packet_in(m)["data"] == frame(ttl=1)[:20])
    clear(c)
    c.close()


def packet_outs(check, sw):
    c = sw.controller()
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(3))))

    def out(*actions, port=1):
        return lambda: c.send(PACKET_OUT, packet_out(frame(), *actions, in_port_=port))
    check("packet-out to port 2", sent_by(c, out(output(2))) == {2: 1})
    check("packet-out to TABLE: as the flow says", sent_by(c, out(output(TABLE))) == {3: 1})
    check("packet-out to ALL: but the port it came in by", sent_by(c, out(output(ALL))) == {2: 1, 3: 1, 4: 1})
    check("packet-out to FLOOD", sent_by(c, out(output(FLOOD))) == {2: 1, 3: 1, 4: 1})
    check("packet-out to ALL from CONTROLLER: every port", sent_by(c, out(output(ALL), port=CONTROLLER)) == {1: 1, 2: 1, 3: 1, 4: 1})
    check("packet-out to IN_PORT", sent_by(c, out(output(IN_PORT))) == {1: 1})
    check("packet-out to the port it came in by: nowhere (OFPP_IN_PORT is for that)", sent_by(c, out(output(1))) == {})
    check("packet-out without an action: nowhere", sent_by(c, out()) == {})
    c.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(2)), bucket(output(4))))
    check("packet-out to a group", sent_by(c, out(group(1))) == {2: 1, 4: 1})
    out(output(CONTROLLER))()
    m = c.event(PACKET_IN)
    p = packet_in(m) if m else {}
    check("packet-out to CONTROLLER comes back", p and p["data"] == frame() and p["match"] == match(in_port(1)), p)
    clear(c)
    c.close()


def flow_removed(check, sw):
    c = sw.controller()
    c.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(2))))
    begin = time.monotonic()
    for n, kw in [(1, dict(idle=3)), (2, dict(hard=2)), (3, dict(idle=2, hard=60))]:
        c.do(FLOW_MOD, flow_mod(match(in_port(n)), apply_(output(4)), flags=1, cookie=n, priority=40 + n, table=0, **kw))
    there = time.monotonic()
    c.do(FLOW_MOD, flow_mod(match(in_port(4)), apply_(group(1)), flags=1, cookie=4))
    c.do(FLOW_MOD, flow_mod(match(in_port(5)), apply_(group(1)), cookie=5))
    c.do(FLOW_MOD, flow_mod(match(in_port(6)), flags=1, cookie=6, priority=1))
    c.do(FLOW_MOD, flow_mod(match(in_port(7)), flags=1, cookie=7, hard=60))
    c.do(FLOW_MOD, flow_mod(match(in_port(7)), cookie=8))  # takes the place of the one before: nobody is told
    for _ in range(3):
        push(c, 1)
    push(c, 3)
    c.barrier()
    c.do(GROUP_MOD, group_mod(2, 0, 1))
    m = c.event(FLOW_REMOVED)
    r = removed(m) if m else {}
    check("a group's deletion takes its flows along, and tells of it", r and (r["cookie"], r["reason"]) == (4, GROUP_DELETE), r)
    check("... unless they did not ask for it", c.none(FLOW_REMOVED, 0.2))
    c.do(FLOW_MOD, flow_mod(match(in_port(6)), command=4, priority=1))
    m = c.event(FLOW_REMOVED)
    r = removed(m) if m else {}
    check("a deletion is told", r and (r["cookie"], r["reason"], r["packets"]) == (6, DELETE, 0), r)
    used = time.monotonic()
    while time.monotonic() < begin + 1.6:  # keeps the third in use
        used = time.monotonic()
        push(c, 3)
        time.sleep(0.3)
    got = {}
    for _ in range(3):
        m = c.event(FLOW_REMOVED, 20)
        if m:
            got[removed(m)["cookie"]] = (removed(m), time.monotonic())
    first, second, third = (got.get(i, ({}, 0))[0] for i in (1, 2, 3))
    check("idle timeout: reason, priority, timeouts and match", first and
          (first["reason"], first["priority"], first["idle"], first["hard"], first["match"]) == (IDLE, 41, 3, 0, match(in_port(1))), first)
    check("... with the packets and bytes that it saw", first and (first["packets"], first["bytes"]) == (3, 180), first)
    check("... and about its time", first and 3 <= first["duration"] < 13 * SLOW, first)
    check("hard timeout", second and (second["reason"], second["hard"]) == (HARD, 2) and 2 <= second["duration"] < 12 * SLOW, second)
    check("packets keep a flow from idling out", third and third["reason"] == IDLE and
          used - there + 2 <= third["duration"] < used - begin + 12 * SLOW, (third, used - there))
    check("a flow that was replaced is not told of", c.none(FLOW_REMOVED, 0.3) and 7 not in got and 8 not in got)
    # Removed in the middle of traffic: what it counted is what left by it, to the last packet.
    d, wrong = sw.controller(), []

    def looked_up():
        return struct.unpack_from("!Q", c.parts(3), 8)[0]
    for i in range(20):
        before, end, done = tx(c)[4], time.monotonic() + 20, looked_up() + 800
        c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(4)), flags=1, cookie=50 + i))
        burst = b"".join(msg(PACKET_OUT, packet_out(frame(), output(TABLE), in_port_=1), 1) for _ in range(400))
        d.s.sendall(burst)
        d.send(FLOW_MOD, flow_mod(match(in_port(1)), command=3, out_port=4))
        d.s.sendall(burst)
        d.barrier()
        r = removed(c.event(FLOW_REMOVED))
        while (looked_up() < done or tx(c)[4] - before != r["packets"]) and time.monotonic() < end:
            time.sleep(0.01)
        if r["cookie"] != 50 + i or r["packets"] != tx(c)[4] - before:
            wrong.append((r["packets"], tx(c)[4] - before))
    check("a flow removed under traffic: every packet that took it is counted", not wrong, wrong)
    d.close()
    clear(c)
    c.close()


def port_status(check, sw):
    c, d = sw.controller(), sw.open()
    mac = next(e[8:14] for e in [c.parts(13)[i:i + 64] for i in range(0, 64 * 4, 64)] if e[:4] == u32(1))

    def mgmt(*args):
        subprocess.run([sys.executable, f"{LIB}/mgmt.py", sw.socket, *args], check=True, stdout=subprocess.DEVNULL)

    def event(n):
        m = c.event(PORT_STATUS)
        return m and (m[2][0], struct.unpack_from("!I", m[2], 8)[0], m[2][8 + 16:8 + 32].rstrip(b"\0"), struct.unpack_from("!I", m[2], 40)[0])
    mgmt("add", "new", "vdev:net_null9,no-rx=1", "9")
    got = event(9)
    check("a new port is told", got and got[:3] == (0, 9, b"new"), got)
    mgmt("del", "new")
    got = [event(9)]
    if got[0] and got[0][0] == 2:  # its link went down first
        got.append(event(9))
    check("... and that it went", got[-1] and got[-1][:3] == (1, 9, b"new"), got)
    c.do(PORT_MOD, struct.pack("!I4x6s2xIII4x", 1, mac, 1 << 5, 1 << 5, 0))
    got = event(1)
    check("a changed configuration is told", got and got[0] == 2 and got[1] == 1 and got[3] == 1 << 5, got)
    check("NO_FWD: nothing is forwarded to it", sent_by(c, lambda: c.send(PACKET_OUT, packet_out(frame(), output(ALL), in_port_=4))) == {2: 1, 3: 1})
    c.do(PORT_MOD, struct.pack("!I4x6s2xIII4x", 1, mac, 0, 1 << 5, 0))
    event(1)
    c.do(PORT_MOD, struct.pack("!I4x6s2xIII4x", 1, mac, 0, 1 << 5, 0))
    check("what changes nothing is not told", c.none(PORT_STATUS))
    d.barrier()
    check("a tool that has not asked for events is told nothing", not d.events)
    c.close()
    d.close()


def roles(check, sw):
    a, b = sw.controller(), sw.controller()
    a.do(FLOW_MOD, flow_mod(insts=apply_(output(CONTROLLER)), priority=0))

    told = []

    def who(action, type_):
        for c in (a, b):
            c.barrier()
            c.events.clear()
        action()
        told[:] = [c.event(type_, 0.7) is not None for c in (a, b)]
        return told
    check("equals are both told", who(lambda: push(a, 1), PACKET_IN) == [True, True], told)
    m = a.ask(ROLE_REQUEST, role(MASTER, 5))
    check("master: the role and the generation come back", m[2] == role(MASTER, 5), m[2].hex())
    check("master and equal are both told", who(lambda: push(a, 1), PACKET_IN) == [True, True], told)
    b.do(ROLE_REQUEST, role(SLAVE, 5))
    check("a slave gets no packets", who(lambda: push(a, 1), PACKET_IN) == [True, False])
    mac = a.parts(13)[8:14]
    number = struct.unpack_from("!I", a.parts(13))[0]

    def flip():
        for bit in (1 << 6, 0):
            a.do(PORT_MOD, struct.pack("!I4x6s2xIII4x", number, mac, bit, 1 << 6, 0))
    check("... but is told of ports", who(flip, PORT_STATUS) == [True, True], told)
    b.do(ROLE_REQUEST, role(MASTER, 6))
    check("there is one master: the other is a slave now", a.ask(ROLE_REQUEST, role(0))[2] == role(SLAVE, 6))
    check("... and gets no packets", who(lambda: push(b, 1), PACKET_IN) == [False, True], told)
    m = a.ask(FLOW_MOD, flow_mod())
    check("... and may not write", m[0] == ERROR and m[2][:4] == struct.pack("!HH", 1, 10))
    a.do(SET_ASYNC, async_((3, 2), (7, 0), (15, 8)))
    check("the asynchronous configuration is what was set", a.ask(GET_ASYNC_REQUEST)[2] == async_((3, 2), (7, 0), (15, 8)))
    b.do(FLOW_MOD, flow_mod(match(in_port(2)), apply_(output(CONTROLLER))))
    check("a slave gets the packets that it asks for", who(lambda: push(b, 2), PACKET_IN) == [True, True], told)
    check("... and no others", who(lambda: push(b, 1), PACKET_IN) == [False, True], told)
    a.do(SET_CONFIG, struct.pack("!HH", 0, 64))
    check("set_config leaves role and masks alone", a.ask(ROLE_REQUEST, role(0))[2] == role(SLAVE, 6) and
          a.ask(GET_ASYNC_REQUEST)[2] == async_((3, 2), (7, 0), (15, 8)))
    b.close()
    time.sleep(0.3)
    check("the master's leaving promotes nobody", a.ask(ROLE_REQUEST, role(0))[2] == role(SLAVE, 6))
    a.do(ROLE_REQUEST, role(MASTER, 2**63 + 5))
    check("generations are compared by their distance", a.ask(ROLE_REQUEST, role(0))[2] == role(MASTER, 2**63 + 5))
    a.do(ROLE_REQUEST, role(EQUAL))
    clear(a)
    a.close()


def barriers(check, sw):
    c = sw.controller()
    order = [c.send(*r) for r in [(FEATURES_REQUEST,), (MULTIPART_REQUEST, multipart(3)), (BARRIER_REQUEST,), (GET_CONFIG_REQUEST,), (BARRIER_REQUEST,)]]
    got = []
    while not got or got[-1] != order[-1]:
        got.append(c.recv()[1])
    check("answers come in order, barriers between", [x for i, x in enumerate(got) if x not in got[:i]] == order, got)
    good = 0
    for i in range(100):
        c.send(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(CONTROLLER)), cookie=i + 1))
        c.barrier()
        push(c, 1)
        m = c.event(PACKET_IN)
        good += bool(m and packet_in(m)["cookie"] == i + 1)
    check("after a barrier's reply a packet sees the flow before it, 100 times", good == 100, good)
    good = 0
    for i in range(100):
        c.send(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(CONTROLLER)), cookie=i + 1))
        push(c, 1)
        m = c.event(PACKET_IN)
        good += bool(m and packet_in(m)["cookie"] == i + 1)
    check("... a packet-out even without one", good == 100, good)
    clear(c)
    c.close()


def atomic(check, sw):
    """Two tables are changed by one bundle while packets go through both."""
    c, b = sw.controller(), sw.open()
    c.send(PACKET_OUT, b"")  # refused: gives events something to be cleared of
    clear(c)

    def generation(n):
        fms = [flow_mod(match(in_port(1)), struct.pack("!HH4xQQ", 2, 24, n, 2**64 - 1) + goto(5)),
               flow_mod(match(oxm(2, struct.pack("!Q", n))), apply_(output(CONTROLLER, 0)), table=5, cookie=n),
               flow_mod(match(oxm(2, struct.pack("!Q", n - 1))), command=4, table=5)]
        b.do(EXPERIMENTER, bundle_ctrl(1, 0))
        for fm in fms:
            xid = b.xid + 1
            b.send(EXPERIMENTER, bundle_add(1, msg(FLOW_MOD, fm, xid)))
        b.send(EXPERIMENTER, bundle_ctrl(1, 4))
    generation(1)
    b.barrier()
    pushed = seen = torn = 0
    for n in range(2, 60):
        generation(n)
        for _ in range(3):
            push(c, 1)
            pushed += 1
        c.barrier()
    while seen < pushed:
        m = c.event(PACKET_IN, 1)
        if not m:
            break
        seen += 1
        p = packet_in(m)
        torn += p["match"] != match(in_port(1), oxm(2, struct.pack("!Q", p["cookie"])))
    check(f"of {pushed} packets none fell between the two tables of 58 bundles", seen == pushed and not torn, (seen, torn))
    check("no bundle was refused", not [e for e in b.events if e[0] == ERROR])
    clear(c)
    b.close()
    c.close()


def reconnects(check):
    """A controller that goes away: attempts come at growing intervals, and the first soon."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(8)
    port = listener.getsockname()[1]
    sw = Switch("--controller", f"tcp:127.0.0.1:{port}", ports=1, name="rc")
    try:
        listener.settimeout(10 * SLOW)
        c = Channel(listener.accept()[0])
        check("the switch calls its controller", c.ask(FEATURES_REQUEST)[0] == FEATURES_REPLY)
        c.do(FLOW_MOD, flow_mod(insts=apply_(output(CONTROLLER)), priority=0))
        push(c, 1)
        check("a controller that is called gets events unasked", c.event(PACKET_IN))
        c.close()
        t, at = time.monotonic(), []
        while len(at) < 5:  # taken, and closed at once: never up
            s = listener.accept()[0]
            at.append(time.monotonic() - t)
            s.close()
        gaps = [b - a for a, b in zip([0] + at, at)]
        soon = min(gaps[:3])  # one of the first may have been late
        check("it calls again soon, then at growing intervals", soon < 0.6 * SLOW and max(gaps) > 2.5 * soon, [f"{g:.2f}" for g in gaps])
        c = Channel(listener.accept()[0])
        check("... and is what it was", len(c.parts(1, flow_request())) == 48 + 8 + 24)
        check("... with nothing left of the roles of before", c.ask(ROLE_REQUEST, role(0))[2][:4] == u32(EQUAL))
        c.close()
    finally:
        sw.stop()
        listener.close()


def standalone(check, alone, kept, since):
    """No controller for 15 s: table 0 does NORMAL for what it has no entry for, and only then."""
    time.sleep(max(0, 17 - (time.monotonic() - since)))
    c, k = alone.open(), kept.open()
    got = [flow_fields(s) for s in split(c.parts(1, flow_request()))]
    check("standalone: without a controller the switch switches by itself",
          len(got) == 1 and (got[0]["table"], got[0]["priority"]) == (0, 0) and output(0xfffffffa, 0) in got[0]["rest"], got)
    check("... packets go everywhere", sent_by(c, lambda: push(c, 1)) == {2: 1, 3: 1, 4: 1})
    got = [flow_fields(s) for s in split(k.parts(1, flow_request()))]
    check("... but what a controller has left for table-miss stays", len(got) == 1 and got[0]["cookie"] == 77, got)
    c.close()
    k.close()


def test(check):
    since = time.monotonic()
    alone = Switch("--fail-mode", "standalone", "--controller", "tcp:127.0.0.1:1", name="alone")
    kept = Switch("--fail-mode", "standalone", "--controller", "tcp:127.0.0.1:1", name="kept")
    try:
        k = kept.open()
        k.do(FLOW_MOD, flow_mod(insts=apply_(output(2)), priority=0, cookie=77))
        k.close()
        everything(check)
        standalone(check, alone, kept, since)
    finally:
        alone.stop()
        kept.stop()


def everything(check):
    sw = Switch("--packet-in-rate", "0")
    try:
        parts = (packet_ins, packet_outs, flow_removed, port_status, roles, barriers, atomic)
        for part in [p for p in parts if p.__name__ in os.environ.get("PARTS", p.__name__).split()]:
            part(check, sw)
            if not check(f"{part.__name__}: the switch is well", sw.alive()):
                return
    finally:
        sw.stop()
    reconnects(check)


run(test)
