#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX ct_state: sequences of packets, as Open vSwitch judges them
"""ct_state of each packet of some 280 sequences: handshakes, ends, attacks, errors and garbage; the same at both switches.

a is at port 1 and b at port 2 (lib/ct_probe.py); the sequences are in lib/ct_cases.py, the differences in
lib/ct_differences.py.  A verdict is a word of letters for each packet: n(ew) e(st) r(el) R(eply) i(nv), or "-" for a
packet that was dropped.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import ct  # noqa: E402
import ct_cases  # noqa: E402
from ct_differences import VERDICTS  # noqa: E402
from ct_frames import Talk  # noqa: E402
from ct_probe import TELL, Probe  # noqa: E402

FLOWS = f"""
priority=10,ip,actions=ct(zone=7,table=1)
priority=10,ipv6,actions=ct(zone=7,table=1)
table=1,priority=20,in_port=1,ct_state=+trk+new-inv,ip,actions={TELL},ct(commit,zone=7),output:3
table=1,priority=20,in_port=1,ct_state=+trk+new-inv,ipv6,actions={TELL},ct(commit,zone=7),output:3
table=1,priority=1,actions={TELL},output:3
"""


def test(lab):
    probe = Probe(lab, FLOWS)
    for i, (name, version, lines) in enumerate(ct_cases.every()):
        a, b = (f"10.{i >> 8}.{i & 255}.1", f"10.200.{i >> 8}.{i & 255}") if version == 4 else (f"fd01::{i + 1:x}", f"fd02::{i + 1:x}")
        lab.verdict(name, probe.talk(Talk(a, b, first=1 + i * 20), *lines))


if __name__ == "__main__":
    ct.main(test, VERDICTS)
