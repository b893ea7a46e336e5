# SPDX-License-Identifier: Apache-2.0
"""Two packet threads against one: two sources with the same trace, one sink with a queue for each thread.

        net_pcap ---> 1 [ the switch ] 2 ---> net_null
        net_pcap ---> 3 [            ]

Each thread needs a core to itself, and what is not forwarding one more; where there are fewer it is not measured."""
import os

from bench import rig

CASES = ("l2", "l3")  # whose rules do not ask for the port


def one(case, subject, run, cores):
    again = rig.source(case).replace("net_pcap0", "net_pcap1", 1)
    with rig.Weft("--mbufs", str(2 * rig.mbufs(case)), "--port", f"src2@3=vdev:{again}", trace=case, cores=cores) as sw:
        sw.rules(case)
        rig.time.sleep(rig.WARM)
        a, t0 = sw.of.port_packets(2)[1], rig.time.monotonic()
        rig.time.sleep(rig.SECONDS)
        b, t1 = sw.of.port_packets(2)[1], rig.time.monotonic()
    rig.row("threads", case, subject, run, rate__Mpps=(b - a) / (t1 - t0) / 1e6)
    return (b - a) / (t1 - t0)


def measure(runs):
    cores = sorted(os.sched_getaffinity(0) - {rig.OTHER_CORE})
    if len(cores) < 2:
        rig.say("threads: not measured, there are no two cores for packet threads beside the one for all else")
        return
    for run in range(1, runs + 1):
        ratios = [one(case, "two", run, f"{cores[0]},{cores[1]}") / one(case, "one", run, str(cores[0])) for case in CASES]
        rig.row("threads", "two", "weft", run, ratio=min(ratios))
