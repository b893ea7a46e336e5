#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.3.5.12 Meter statistics: in parts, slow readers
# Spec: 7.3.5.13 Meter configuration: in parts
# Spec: 6.6 Meter modification: in bundles
"""Meters over OpenFlow: as many as there can be, dumped in parts to who reads and who does not; the
virtual ones; what a bundle does to them; the flows that go with a meter.

    reader, slow reader --- unix --- weft-switch
"""
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from of13 import *  # noqa: E402,F403

MAX = 65536
ALL_METERS, CONTROLLER_METER, SLOWPATH_METER = 0xffffffff, 0xfffffffe, 0xfffffffd
METER, CONFIG = 9, 10
ADD, MODIFY, DELETE = range(3)
KBPS, PKTPS, BURST, STATS = 1, 2, 4, 8


def id_(meter):
    return struct.pack("!I4x", meter)


def through(meter):
    return struct.pack("!HHI", 6, 8, meter)


def configs(c, meter=ALL_METERS):
    """{id: (flags, bands)} in the order of coming."""
    out = []
    for s in split(c.parts(CONFIG, id_(meter))):
        _, flags, m = struct.unpack_from("!HHI", s)
        out.append((m, (flags, s[8:])))
    return out


def stats(c, meter):
    s = split(c.parts(METER, id_(meter)), 4)[0]
    m, _, flows, packets, bytes_, sec, nsec = struct.unpack_from("!IH6xIQQII", s)
    return dict(id=m, flows=flows, packets=packets, bytes=bytes_, age=sec + nsec / 1e9,
                bands=[struct.unpack_from("!QQ", s, at) for at in range(40, len(s), 16)])


def error(c, type_, body):
    m = c.ask(type_, body)
    assert m[0] == ERROR, m
    return struct.unpack_from("!HH", m[2])


def many(check, sw, c):
    bands = [band(1000 + i, i) for i in range(4)]
    c.events.clear()
    t = time.monotonic()
    for at in range(0, MAX, 4096):
        c.s.sendall(b"".join(msg(METER_MOD, meter_mod(ADD, PKTPS | BURST, at + i + 1, *bands), 7) for i in range(4096)))
        c.barrier()
    print(f"# {MAX / (time.monotonic() - t):,.0f} meters/s, RSS {sw.rss() >> 10} MiB", flush=True)
    check(f"{MAX} meters are added, none refused", not c.events, c.events[:1])
    check("... and one more is one too many", error(c, METER_MOD, meter_mod(ADD, PKTPS, MAX + 1, *bands)) == (12, 10))
    got = configs(c)
    check("... all are told, each once, in order", [m for m, _ in got] == list(range(1, MAX + 1)), len(got))
    check("... as they were given", all(x == (PKTPS | BURST, b"".join(bands)) for _, x in got))
    # Nobody reads what was asked for; others go on, and meters go.
    rss, slow = sw.rss(), sw.open()
    xid, behind = slow.send(MULTIPART_REQUEST, multipart(METER, id_(ALL_METERS))), slow.send(BARRIER_REQUEST)
    time.sleep(0.3)
    check("a dump that is not read takes no more memory than a part of it", sw.rss() - rss < 6 * 1024 * SLOW, sw.rss() - rss)
    c.do(METER_MOD, meter_mod(DELETE, 0, 1))
    c.do(METER_MOD, meter_mod(DELETE, 0, MAX))
    seen = []
    while True:
        m = slow.recv()
        if m is None or m[1] != xid:
            break
        seen += [struct.unpack_from("!I", s)[0] for s in split(m[2][8:], 4)]
        if not struct.unpack_from("!H", m[2], 2)[0] & 1:
            break
    check("... meters that were there all the time are told, each once",
          len(seen) == len(set(seen)) and set(range(2, MAX)) <= set(seen), len(seen))
    m = slow.recv()
    check("... and what was asked behind it is answered behind it", m and (m[0], m[1]) == (BARRIER_REPLY, behind), m)
    slow.close()
    t = time.monotonic()
    c.do(METER_MOD, meter_mod(DELETE, 0, ALL_METERS))
    check("all are deleted by one message", configs(c) == [])
    print(f"# in {time.monotonic() - t:.2f} s", flush=True)


def virtual(check, sw, c):
    c.do(METER_MOD, meter_mod(ADD, PKTPS | BURST, CONTROLLER_METER, band(5, 3)))
    c.do(METER_MOD, meter_mod(ADD, KBPS, SLOWPATH_METER, band(100)))
    c.do(METER_MOD, meter_mod(ADD, KBPS, 1, band(100)))
    check("virtual meters are told with the others", [m for m, _ in configs(c)] == [1, SLOWPATH_METER, CONTROLLER_METER])
    check("... and by name", configs(c, CONTROLLER_METER)[0][1] == (PKTPS | BURST, band(5, 3)))
    check("... are there once", error(c, METER_MOD, meter_mod(ADD, PKTPS, CONTROLLER_METER, band(5))) == (12, 1))
    check("... are no flow's", error(c, FLOW_MOD, flow_mod(None, through(CONTROLLER_METER))) == (12, 2))
    # Packet-outs to the controller: two bursts of the same moment each.
    for _ in range(2):
        for _ in range(50):
            c.send(PACKET_OUT, packet_out(frame(), output(CONTROLLER)))
        c.barrier()
        time.sleep(0.1)
    c.barrier()
    n = len([e for e in c.events if e[0] == PACKET_IN])
    c.events.clear()
    s = stats(c, CONTROLLER_METER)
    check("the controller's meter counts packet-ins, and what is over it",
          s["packets"] == 100 and s["bytes"] == 6000 and s["bands"] == [(100 - n, (100 - n) * 60)], (n, s))
    # 3 at once, 5 a second, in a second or two.
    check("... and lets pass what it should", 3 <= n <= 3 + 5 * 4 * SLOW, n)
    c.do(METER_MOD, meter_mod(MODIFY, PKTPS | BURST, CONTROLLER_METER, band(1000000, 1000)))
    check("... its bands count anew when it is changed, and it goes on",
          (lambda s: s["packets"] == 100 and s["bands"] == [(0, 0)])(stats(c, CONTROLLER_METER)))
    for _ in range(50):
        c.send(PACKET_OUT, packet_out(frame(), output(CONTROLLER)))
    c.barrier()
    time.sleep(0.3)
    c.barrier()
    n = len([e for e in c.events if e[0] == PACKET_IN])
    check("... and lets more pass then", n == 50, n)
    c.events.clear()
    c.do(METER_MOD, meter_mod(DELETE, 0, ALL_METERS))
    check("deleting all leaves them", [m for m, _ in configs(c)] == [SLOWPATH_METER, CONTROLLER_METER])
    c.do(METER_MOD, meter_mod(DELETE, 0, CONTROLLER_METER))
    c.do(METER_MOD, meter_mod(DELETE, 0, SLOWPATH_METER))
    check("deleting each does not", configs(c) == [])
    check("... and then there is none to be told of", error(c, MULTIPART_REQUEST, multipart(METER, id_(SLOWPATH_METER))) == (12, 3))


def flows(check, sw, c):
    """6.6: flows go with their meter; 1.3.5 has no reason of its own for that: OFPRR_DELETE."""
    c.do(METER_MOD, meter_mod(ADD, KBPS | STATS, 1, band(100)))
    c.do(METER_MOD, meter_mod(ADD, KBPS | STATS, 2, band(100)))
    for i in range(10):
        c.do(FLOW_MOD, flow_mod(None, through(1 + i % 2) + apply_(output(1)), priority=i, cookie=i, flags=1))
    check("flow_count counts flows", [stats(c, m)["flows"] for m in (1, 2)] == [5, 5])
    c.do(FLOW_MOD, flow_mod(None, through(1) + apply_(output(2)), priority=1, command=2))
    check("... that change their meter, too", [stats(c, m)["flows"] for m in (1, 2)] == [6, 4])
    c.do(EXPERIMENTER, bundle_ctrl(1, 0))
    for m in (meter_mod(DELETE, 0, 1), meter_mod(ADD, KBPS, 3, band(7)), meter_mod(ADD, KBPS, 2, band(7))):
        c.do(EXPERIMENTER, bundle_add(1, msg(METER_MOD, m, 5)), xid=5)
    m = c.ask(EXPERIMENTER, bundle_ctrl(1, 4))
    check("a bundle that cannot be whole", m[0] == ERROR)
    check("... leaves meters and their flows as they were",
          [m for m, _ in configs(c)] == [1, 2] and [stats(c, m)["flows"] for m in (1, 2)] == [6, 4])
    c.events.clear()
    c.do(METER_MOD, meter_mod(DELETE, 0, 1))
    removed = []
    while len(removed) < 7:
        e = c.event(FLOW_REMOVED, 0.5 if len(removed) == 6 else 5)
        if not e:
            break
        removed.append(struct.unpack_from("!QHB", e[2]))
    check("a meter's flows go with it, each told once", sorted(r[0] for r in removed) == [0, 1, 2, 4, 6, 8], removed)
    check("... as OFPRR_DELETE", {r[2] for r in removed} == {2}, removed)
    c.do(METER_MOD, meter_mod(DELETE, 0, 2))
    check("... and none is left", len(split(c.parts(1, flow_request()))) == 0)


def test(check):
    sw = Switch("--packet-in-rate", "0", "--log", "warn")
    try:
        c = sw.open()
        c.do(SET_CONFIG, struct.pack("!HH", 0, 0xffff))
        for part in (virtual, flows, many):
            part(check, sw, c)
            if not check(f"{part.__name__}: the switch is well", sw.alive()):
                print(sw.text())
                return
        c.close()
    finally:
        sw.stop()


run(test)
