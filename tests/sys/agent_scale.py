#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 6.2 Message handling: slow readers and flooders
# Spec: EXT-230 Bundles: that are filled and never committed
# Spec: 7.3.8 Barrier
"""Many flows, slow readers and flooders: what one connection does must not hurt another.

    writer, slow reader, flooder, bystander --- unix --- weft-switch

Rates and memory are printed as figures ("# ..."); what is checked is that they are bounded.
"""
import os
import select
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from of13 import *  # noqa: E402,F403

N = int(os.environ.get("FLOWS", "100000"))


def prefix(i):
    """ipv4_dst = i, exactly."""
    return match(oxm(5, b"\x08\0"), oxm(12, u32(0x0a000000 + i)))


def say(what, n, seconds, sw):
    print(f"# {what}: {n / seconds:,.0f}/s, {seconds:.2f} s, RSS {sw.rss() / 1024:.0f} MiB", flush=True)


def send_all(c, messages):
    """Sends while it takes what is answered, as a controller does."""
    c.s.setblocking(False)
    data = memoryview(b"".join(messages))
    got = b""
    while data:
        readable, writable, _ = select.select([c.s], [c.s], [], 20 * SLOW)
        assert readable or writable, "stuck"
        if readable:
            got += c.s.recv(1 << 20)
        if writable:
            data = data[c.s.send(data[:1 << 18]):]
    c.s.settimeout(20 * SLOW)
    c.buffer += got


def dump(c):
    """Flows as (table, priority, rest) in the order in which they come."""
    out = []
    for s in split(c.parts(1, flow_request())):
        f = flow_fields(s)
        out.append((f["table"], f["priority"], f["rest"]))
    return out


def latency(c, seconds, busy=lambda: None):
    """The longest of some echoes, while busy() goes on."""
    worst, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        busy()
        t = time.monotonic()
        assert c.ask(ECHO_REQUEST, b"x")[0] == ECHO_REPLY
        worst = max(worst, time.monotonic() - t)
    return worst


def clear(c):
    c.do(FLOW_MOD, flow_mod(command=3, table=255))


def adding(check, sw, c):
    fms = [flow_mod(prefix(i), apply_(output(1 + i % 4)), cookie=i) for i in range(N)]
    want = [(0, 100, f[40:]) for f in fms]
    t = time.monotonic()
    send_all(c, [msg(FLOW_MOD, f, i + 1) for i, f in enumerate(fms)])
    c.barrier()
    say(f"{N} flows one by one", N, time.monotonic() - t, sw)
    check(f"{N} flows added one by one, none refused", not [e for e in c.events if e[0] == ERROR])
    t = time.monotonic()
    got = dump(c)
    say("... dumped", len(got), time.monotonic() - t, sw)
    check("... are dumped whole, each once", sorted(got) == sorted(want), len(got))
    t = time.monotonic()
    clear(c)
    say("... deleted", N, time.monotonic() - t, sw)
    check("... and deleted by one message", dump(c) == [])
    rss = sw.rss()
    t = time.monotonic()
    c.do(EXPERIMENTER, bundle_ctrl(1, 0))
    send_all(c, [msg(EXPERIMENTER, bundle_add(1, msg(FLOW_MOD, f, i + 1)), i + 1) for i, f in enumerate(fms)])
    c.do(EXPERIMENTER, bundle_ctrl(1, 4))
    say(f"{N} flows as a bundle", N, time.monotonic() - t, sw)
    check("... as one bundle, they are all there", sorted(dump(c)) == sorted(want))
    clear(c)
    # As a bundle whose last message is bad.
    c.do(EXPERIMENTER, bundle_ctrl(1, 0))
    fms.append(flow_mod(None, apply_(group(77))))
    send_all(c, [msg(EXPERIMENTER, bundle_add(1, msg(FLOW_MOD, f, i + 1)), i + 1) for i, f in enumerate(fms)])
    m = c.ask(EXPERIMENTER, bundle_ctrl(1, 4))
    check("... with a bad one at its end, it fails", m[0] == ERROR and m[2][:4] == struct.pack("!HH", 0xffff, 2313))
    check("... and leaves nothing behind", dump(c) == [])
    # Twice the same again, for memory.
    for _ in range(2):
        send_all(c, [msg(FLOW_MOD, f, i + 1) for i, f in enumerate(fms[:N])])
        c.barrier()
        clear(c)
    time.sleep(0.5)
    c.barrier()
    print(f"# RSS {rss / 1024:.0f} MiB after one round, {sw.rss() / 1024:.0f} MiB after five", flush=True)
    check("memory is used again", sw.rss() < rss * 1.5 + (30 if SLOW == 1 else 600) * 1024, (rss, sw.rss()))
    c.events.clear()


def slow_reader(check, sw, c):
    # 16 outputs a flow: a dump is more than what is sent at once.
    n = min(N, 100000)
    send_all(c, [msg(FLOW_MOD, flow_mod(prefix(i), apply_(*[output(1 + j % 4) for j in range(16)])), i + 1) for i in range(n)])
    c.barrier()
    rss, slow = sw.rss(), sw.open()
    xid = slow.send(MULTIPART_REQUEST, multipart(1, flow_request()))
    behind = slow.send(BARRIER_REQUEST)
    worst = calm(1.5 * SLOW, lambda: latency(c, 2))
    print(f"# a dump of {n * 350 >> 20} MiB that nobody reads: RSS {(sw.rss() - rss) / 1024:+.0f} MiB, "
          f"another's echo in {worst * 1000:.0f} ms at most", flush=True)
    check("a dump that is not read takes no more memory than a part of it", sw.rss() - rss < 28 * 1024 * SLOW, sw.rss() - rss)
    check("... and others are answered", worst < 1.5 * SLOW, worst)
    # Meanwhile flows come and go; those that stay are told once.
    c.do(FLOW_MOD, flow_mod(prefix(5), command=4, priority=100))
    c.do(FLOW_MOD, flow_mod(prefix(n - 3), command=4, priority=100))
    c.do(FLOW_MOD, flow_mod(prefix(n + 3), apply_(output(1))))
    seen, t = [], time.monotonic()
    while True:
        m = slow.recv()
        if m is None or m[1] != xid:
            break
        seen += [flow_fields(s)["rest"][:24] for s in split(m[2][8:])]
        more = struct.unpack_from("!H", m[2], 2)[0] & 1
        if not more:
            break
    stay = {prefix(i)[:24] for i in range(n) if i not in (5, n - 3)}
    check("... flows that were there all the time are told, each once", len(seen) == len(set(seen)) and not stay - set(seen),
          (len(seen), len(set(seen)), len(stay - set(seen))))
    m = slow.recv()
    check("... and what was asked behind it is answered behind it", m and (m[0], m[1]) == (BARRIER_REPLY, behind), m)
    say("... read at last", len(seen), time.monotonic() - t, sw)
    slow.close()
    gone = sw.open()
    gone.send(MULTIPART_REQUEST, multipart(1, flow_request()))
    time.sleep(0.2)
    gone.close()  # in the middle
    check("a reader that goes in the middle of a dump leaves no trace", calm(1.5 * SLOW, lambda: latency(c, 0.5)) < 1.5 * SLOW and sw.alive())
    clear(c)


def flooder(check, sw, c):
    f = sw.open()
    f.s.setblocking(False)
    burst = b"".join(msg(FLOW_MOD, flow_mod(prefix(i % 1000), apply_(output(1 + i % 3))), i) for i in range(20000))
    state = {"data": memoryview(burst), "sent": 0}

    def flood():
        for _ in range(50):
            try:
                n = f.s.send(state["data"][:1 << 16])
            except BlockingIOError:
                return
            state["sent"] += n
            state["data"] = state["data"][n:] or memoryview(burst)
    worst = calm(0.5 * SLOW, lambda: latency(c, 3, flood))
    print(f"# beside {state['sent'] / len(burst) * 20000 / 3:,.0f} flow_mods/s: an echo in {worst * 1000:.0f} ms at most", flush=True)
    check("who floods does not starve others", worst < 0.5 * SLOW, worst)
    check("... and is served as well", state["sent"] > 1 << 20, state["sent"])
    f.close()
    # Echoes whose answers are not read: reading stops, memory does not grow.
    f, rss = sw.open(), sw.rss()
    f.s.setblocking(False)
    payload, sent, end = msg(ECHO_REQUEST, bytes(60000)), 0, time.monotonic() + 2
    data = memoryview(payload * 200)
    while time.monotonic() < end:
        try:
            n = f.s.send(data[sent % len(payload):][:1 << 16])
            sent += n
        except BlockingIOError:
            time.sleep(0.01)
    check("echoes whose answers are not read stop being taken", sent < 64 << 20 and sw.rss() - rss < 16 * 1024 * SLOW, (sent, sw.rss() - rss))
    check("... and others are answered", calm(0.5 * SLOW, lambda: latency(c, 0.5)) < 0.5 * SLOW)
    f.close()
    # Packet-ins to one who does not read.
    f, rss = sw.open(), sw.rss()
    f.do(SET_CONFIG, struct.pack("!HH", 0, 0xffff))
    c.do(FLOW_MOD, flow_mod(None, apply_(output(CONTROLLER)), priority=0))
    big = msg(PACKET_OUT, packet_out(frame(size=1400), output(TABLE), in_port_=1))
    for _ in range(40):
        c.s.sendall(big * 250)
        c.barrier()
    check("packet-ins to a controller that does not read are given up", sw.rss() - rss < 24 * 1024 * SLOW, sw.rss() - rss)
    f.close()


def hoarder(check, sw, c):
    """Bundles that are filled and never committed: 512 MiB of all connections together."""
    def add(channel):
        return bundle_add(1, msg(PACKET_OUT, packet_out(bytes(16000), output(1)), channel.xid + 1))

    f, g = sw.open(), sw.open()
    for channel in (f, g):
        channel.ask(EXPERIMENTER, bundle_ctrl(1, 0))
    kept = 0
    while not f.so_far(ERROR) and kept < 600 << 20:
        for _ in range(64):
            f.send(EXPERIMENTER, add(f))
            kept += 16000
    check("bundles hold 512 MiB and no more", 500 << 20 < kept < 520 << 20, kept)
    check("... of anybody: OFPBFC_MSG_TOO_MANY", g.refusal(EXPERIMENTER, add(g)) == (0xffff, 2312, ONF))
    check("... others are answered", calm(0.5 * SLOW, lambda: latency(c, 0.5)) < 0.5 * SLOW)
    f.close()
    g.ask(EXPERIMENTER, bundle_ctrl(2, 0))
    end = time.monotonic() + 20
    while (left := g.refusal(EXPERIMENTER, add(g)[:8] + u32(2) + add(g)[12:])) and time.monotonic() < end:
        time.sleep(0.1)
        g.refusal(EXPERIMENTER, bundle_ctrl(2, 0))  # one that was refused may be gone with it
    check("... and who hoarded leaves room when it goes", left is None, left)
    g.close()


def idle(check, sw):
    """Nothing is published when nothing changes: the flow cache lives on, and so does sleep."""
    def cpu():
        with open(f"/proc/{sw.p.pid}/stat") as s:
            return sum(map(int, s.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
    def measure():
        before, begin = cpu(), time.monotonic()
        time.sleep(3)
        return (cpu() - before) / (time.monotonic() - begin)
    used = calm(0.15 * SLOW, measure)
    print(f"# idle: {used * 100:.1f} % of a core", flush=True)
    check("an idle switch uses under 15 % of a core", used < 0.15 * SLOW, used)  # 2 or 3 where it is fast


def test(check):
    sw = Switch("--packet-in-rate", "0", "--log", "warn")
    try:
        c = sw.open()
        for part in (adding, slow_reader, flooder, hoarder):
            part(check, sw, c)
            if not check(f"{part.__name__}: the switch is well", sw.alive()):
                print(sw.text())
                return
        clear(c)
        c.close()
        idle(check, sw)
    finally:
        sw.stop()


run(test, 90)
