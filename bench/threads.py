# SPDX-License-Identifier: Apache-2.0
"""Two packet threads against one: two sources with the same trace, one sink with a queue for each thread.

        net_pcap ---> 1 [ the switch ] 2 ---> net_null
        net_pcap ---> 3 [            ]

Each thread needs a core to itself, and what is not forwarding one more.  Where there are fewer, rates say nothing; but what a packet takes
of both threads' time on a core, and of one's, does: a cache line that both write would make it several times as much.  "ratio, had they
the cores" is twice one's cycles by theirs.  (Two cores that are threads of one processor core share that, too: `lscpu -e`.)"""
import os

from bench import rig

CASES = ("l2", "l3")  # whose rules do not ask for the port


def one(case, subject, run, cores):
    again = rig.source(case).replace("net_pcap0", "net_pcap1", 1)
    with rig.Weft("--mbufs", str(2 * rig.mbufs(case)), "--port", f"src2@3=vdev:{again}", trace=case, cores=cores) as sw:
        sw.rules(case)
        rig.time.sleep(rig.WARM)
        a, c0, t0 = sw.of.port_packets(2)[1], sw.packet_ns(), rig.time.monotonic()
        rig.time.sleep(rig.SECONDS)
        b, c1, t1 = sw.of.port_packets(2)[1], sw.packet_ns(), rig.time.monotonic()
        stages = sw.stages(rig.SECONDS / 2)  # of the first thread
    cycles = (c1 - c0) / 1e9 * rig.tsc_hz() / max(1, b - a)
    rig.row("threads", case, subject, run, rate__Mpps=(b - a) / (t1 - t0) / 1e6, on_core__cycles_packet=cycles, **stages)
    return (b - a) / (t1 - t0), cycles


def on_few_cores(runs):
    """Cycles alone, with the control thread on a core that one of them has."""
    failed = 0
    for run in range(1, runs + 1):
        for case in CASES:
            failed += rig.attempt(by_cycles, case, run)
    return failed


def by_cycles(case, run):
    _, two = one(case, "two", run, f"{rig.OTHER_CORE},{rig.PACKET_CORE}")
    _, alone = one(case, "one", run, str(rig.PACKET_CORE))
    rig.row("threads", case, "weft", run, had_cores__times=2 * alone / two)


def measure(runs):
    cores = sorted(os.sched_getaffinity(0) - {rig.OTHER_CORE})
    if len(cores) < 2:
        rig.say("threads: cycles alone, as there are no two cores for packet threads beside the one for all else")
        return on_few_cores(runs)
    for run in range(1, runs + 1):
        ratios = [one(case, "two", run, f"{cores[0]},{cores[1]}")[0] / one(case, "one", run, str(cores[0]))[0] for case in CASES]
        rig.row("threads", "two", "weft", run, ratio=min(ratios))
    return 0
