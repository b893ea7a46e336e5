# SPDX-License-Identifier: Apache-2.0
"""Forwarding while rules change: 1,000 flow_mods a second, an add and a delete in turns, in the table that the traffic goes
through, for addresses that the traffic does not have.  They are of the kind that is in it ("l3": routes, "acl1k": five-tuples),
or of another: five-tuples ("l3, five-tuples" ...), or flows by source alone among routes ("l3, sources").  Quiet and busy windows
take turns in the same process; the share is busy over quiet, in packets for the time that the thread had."""
import statistics
import struct
import threading
import time

from bench import flow_mods, progress, rig, scenario

CASES = {"l3": ("l3", "routes"), "l3, five-tuples": ("l3", "five-tuples"), "l3, sources": ("l3", "sources"), "l2, five-tuples": ("l2", "five-tuples"),
         "tenant, five-tuples": ("tenant", "five-tuples"), "acl1k": ("acl1k", "five-tuples")}
RATE = 1000
HEAP = 10  # sent together, a hundred times a second


def mod(xid, fields, priority):
    """For IPv4 and these, to port 2."""
    fields = flow_mods.oxm(5, 0x800, 2) + fields
    n = 4 + len(fields)
    output = struct.pack("!HHIH6x", 0, 16, 2, 0xffff)
    body = struct.pack("!QQBBHHHIIIH2x", 0, 0, 0, 0, 0, 0, priority, 0xffffffff, 0xffffffff, 0xffffffff, 0)
    return rig.message(14, xid, body + struct.pack("!HH", 1, n) + fields + bytes(-n % 8) + struct.pack("!HH4x", 4, 8 + len(output)) + output)


def route(xid, i):
    """To a /24 that no packet goes to; the priority is its length, as of the other routes."""
    return mod(xid, struct.pack("!HBBII", 0x8000, 12 << 1 | 1, 8, 0x0b000000 | i << 8, 0xffffff00), 124)


def source(xid, i):
    """From an address that no packet has, wherever it goes."""
    return mod(xid, flow_mods.oxm(11, 0x0b000000 | i, 4), 200)


def five_tuple(xid, i):
    return flow_mods.flow_mod(xid, (0x0b000000 | i, 0xcb007100 | i & 0xff, 17, 5000 + i, 53))


def mods(make):
    """Message after message, without end: 500 rules are added, each is deleted half a second later."""
    xid = 0
    while True:
        for kind in (0, 4):
            for i in range(RATE // 2):
                body = bytearray(make(xid := xid + 1 & 0xffffff, i))
                body[8 + 17] = kind  # OFPFC_ADD, OFPFC_DELETE_STRICT
                yield bytes(body)


class Changes:
    """Sends them from a thread of its own while it is open."""

    def __init__(self, socket, kind):
        self.make = {"routes": route, "five-tuples": five_tuple, "sources": source}[kind]
        self.of = rig.OpenFlow(socket)
        self.stop = threading.Event()
        self.sent = 0
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        source, next_time = mods(self.make), time.monotonic()
        while not self.stop.is_set():
            self.of.s.sendall(b"".join(next(source) for _ in range(HEAP)))
            self.sent += HEAP
            next_time += HEAP / RATE
            time.sleep(max(0, next_time - time.monotonic()))

    def __enter__(self):
        self.t0 = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.took = time.monotonic() - self.t0
        self.stop.set()
        self.thread.join()
        got, _ = self.of.answer(20, 0xfffffff0)
        self.of.close()
        if got != 21:
            raise RuntimeError("the switch refuses the flow_mods")


def one(case, subject, run, *options):
    if rig.done("pressure", case, subject, run):
        return
    row, kind = CASES[case]
    s = scenario.BY_NAME[row]
    with rig.Weft(*options, trace=s.trace) as sw:
        sw.rules(s.flows)
        time.sleep(rig.WARM)
        quiet, busy = [], []
        for _ in range(2):
            quiet.append(sw.window(rig.SECONDS)["whole_core__Mpps"])
            with Changes(sw.socket, kind) as changes:
                time.sleep(.1)
                busy.append(sw.window(rig.SECONDS)["whole_core__Mpps"])
                changing = sw.stages(rig.SECONDS / 2) if not options else {}
        still = sw.stages(rig.SECONDS / 2) if not options else {}
    for when, found in (("quiet", still), ("changing", changing)):
        rig.row("pressure", f"{case}, {when}", "stages", run, **found)
    q, b = statistics.mean(quiet), statistics.mean(busy)
    rig.row("pressure", case, subject, run, quiet__Mpps=q, changing__Mpps=b, share__percent=100 * b / q, mods__flow_mods_s=changes.sent / changes.took)


def steps(runs):
    return [case for _ in range(runs) for case in CASES]


def measure(runs):
    failed = 0
    for run in range(1, runs + 1):
        for case in CASES:
            progress.begin("pressure", case, f"run {run} of {runs}")
            failed += rig.attempt(one, case, "weft", run)
            if not rig.SHORT and run == 1:  # nothing is asked of it
                failed += rig.attempt(one, case, "weft-nocache", run, "--cache-entries", "0")
    return failed
