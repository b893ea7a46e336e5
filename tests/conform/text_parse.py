#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.2.3.4 Flow matching in words, as ovs-ofctl reads it
"""Flows in words, read by ovs-ofctl and by weft-ofctl: both take a flow or both refuse it, and what
they take reads back the same.  The lines are tests/vectors/text_flows.txt."""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'lib'))
import alike  # noqa: E402

OURS = os.path.join(os.environ.get('B', 'build'), 'weft-ofctl')
LINES = os.path.join(HERE, '..', 'vectors', 'text_flows.txt')


def run(argv):
    p = subprocess.run(argv, capture_output=True, text=True, timeout=20)
    flow = [l for l in p.stdout.splitlines() if l.startswith('OFPT_FLOW_MOD')]
    refused = p.returncode != 0 or not flow or 'decode error' in p.stdout or \
        'no usable protocol' in p.stderr
    return None if refused else re.sub(r'\(xid=[^)]*\)', '', flow[0]), p


def check(line):
    differ = line.startswith('~ ')
    flow = line[2:] if differ else line
    theirs, _ = run(['ovs-ofctl', '-O', 'OpenFlow13', 'parse-flow', flow])
    ours, p = run([OURS, 'parse-flow', flow])
    if p.returncode not in (0, 1):
        return 'not ok - %s: exit status %d' % (flow, p.returncode)
    if ours is None and not p.stderr.startswith('weft-ofctl: '):
        return 'not ok - %s: refused without words: %r' % (flow, p.stderr + p.stdout)
    if (ours == theirs) == differ:
        return 'not ok - %s\n  ovs-ofctl:  %s\n  weft-ofctl: %s' % (flow, theirs, ours or p.stderr)
    return None


if __name__ == '__main__':
    sys.exit(alike.run(LINES, check, 'flows are read alike'))
