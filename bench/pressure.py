# SPDX-License-Identifier: Apache-2.0
"""Forwarding while rules change: 1,000 flow_mods a second, an add and a delete in turns, in the table that the traffic goes
through and of the kind that is in it, but for addresses that the traffic does not have.  Quiet and busy windows take turns
in the same process; the share is busy over quiet, in packets for the time that the thread had."""
import statistics
import threading
import time

from bench import flow_mods, rig, scenario

CASES = ("l3", "acl1k")
RATE = 1000
HEAP = 10  # sent together, a hundred times a second


def mods():
    """Message after message, without end: 1,000 rules are added, each is deleted a second later."""
    xid = 0
    while True:
        for kind in (0, 4):
            for i in range(RATE // 2):
                five = (0x0b000000 | i, 0xcb007100 | i & 0xff, 17, 5000 + i, 53)
                data = flow_mods.flow_mod(xid := xid + 1 & 0xffffff, five)
                body = bytearray(data)
                body[8 + 17] = kind  # OFPFC_ADD, OFPFC_DELETE_STRICT
                yield bytes(body)


class Changes:
    """Sends them from a thread of its own while it is open."""

    def __init__(self, socket):
        self.of = rig.OpenFlow(socket)
        self.stop = threading.Event()
        self.sent = 0
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        source, next_time = mods(), time.monotonic()
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
    s = scenario.BY_NAME[case]
    with rig.Weft(*options, trace=s.trace) as sw:
        sw.rules(s.flows)
        time.sleep(rig.WARM)
        quiet, busy = [], []
        for _ in range(2):
            quiet.append(sw.window(rig.SECONDS)["whole_core__Mpps"])
            with Changes(sw.socket) as changes:
                time.sleep(.1)
                busy.append(sw.window(rig.SECONDS)["whole_core__Mpps"])
    q, b = statistics.mean(quiet), statistics.mean(busy)
    rig.row("pressure", case, subject, run, quiet__Mpps=q, changing__Mpps=b, share__percent=100 * b / q, mods__flow_mods_s=changes.sent / changes.took)


def measure(runs):
    for run in range(1, runs + 1):
        for case in CASES:
            one(case, "weft", run)
            one(case, "weft-nocache", run, "--cache-entries", "0")
