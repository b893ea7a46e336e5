# SPDX-License-Identifier: Apache-2.0
"""Packets per second and cycles per packet.

The switches take turns (A B A B ...), each started anew: what the neighbours of this machine do changes by the
minute, and falls on all of them alike.  "weft" and "ovs" are as they come; "weft-nocache" and "ovs-noemc" are without
the caches of exact flows, "weft-4k" is without hugepages, and "weft-queue" sends through a queue of the port.
"""
from bench import rig

CASES = ("port", "l2", "tenant-4k", "tenant")


def weft(case, subject, run, *options, **how):
    with rig.Weft(*options, trace=case, **how) as sw:
        sw.rules(case)
        rig.time.sleep(rig.WARM)
        rig.row("forwarding", case, subject, run, **sw.window(rig.SECONDS))


def ovs(case, run):
    with rig.Ovs(trace=case) as sw:
        sw.rules(case)
        sw.warm()
        rig.row("forwarding", case, "ovs", run, **sw.window(rig.SECONDS))
        sw.exact_match_cache(False)
        sw.warm()
        rig.row("forwarding", case, "ovs-noemc", run, **sw.window(rig.SECONDS))


def measure(runs):
    for run in range(1, runs + 1):
        for case in CASES:
            weft(case, "weft", run)
            if rig.ovs_program() and rig.have_hugepages(900):
                ovs(case, run)
            weft(case, "weft-nocache", run, "--cache-entries", "0")
            if case == "port":
                weft(case, "weft-4k", run, eal=["--no-huge"])
                weft(case, "weft-queue", run, out=";queue=0")
                if rig.have("dpdk-testpmd") and rig.have_hugepages(900):
                    rig.row("forwarding", case, "testpmd", run, rate__Mpps=rig.testpmd(case, rig.SECONDS))
