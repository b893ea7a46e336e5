#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.2.5 Action structures: Nicira's, good and bad, as Open vSwitch takes them
"""Lists of Nicira's actions as bytes, good ones and ones with something wrong (tests/vectors/nx_actions.txt), each in a
flow_mod.  ovs-ofctl and weft-ofctl (ofp-print) must refuse it with the same error, or print the same words.
A line that begins with "~ " is one on which the two differ; why is said above it."""

import os
import re
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'lib'))
import alike  # noqa: E402

OURS = os.path.join(os.environ.get('B', 'build'), 'weft-ofctl')
LINES = os.path.join(HERE, '..', 'vectors', 'nx_actions.txt')
ERROR = re.compile(r'\*\*\*decode error: (\w+)')


def flow_mod(actions):
    """An add of a flow of IPv4's TCP, so that no action lacks what it needs."""
    fields = bytes.fromhex('80000a020800' '8000140106')
    match = struct.pack('>HH', 1, 4 + len(fields)) + fields
    match += bytes(-len(match) % 8)
    inst = struct.pack('>HH4x', 4, 8 + len(actions)) + actions
    body = struct.pack('>QQBBHHHIIIH2x', 0, 0, 0, 0, 0, 0, 5, 0xffffffff, 0xffffffff, 0xffffffff, 0) + match + inst
    return struct.pack('>BBHI', 4, 14, 8 + len(body), 1) + body


def said(argv, message):
    p = subprocess.run(argv + [message.hex()], capture_output=True, text=True, timeout=20)
    error = ERROR.search(p.stdout)
    return error.group(1) if error else p.stdout.splitlines()[0] if p.stdout else p.stderr


def check(line):
    differ = line.startswith('~ ')
    message = flow_mod(bytes.fromhex(line[2 * differ:]))
    theirs = said(['ovs-ofctl', 'ofp-print'], message)
    ours = said([OURS, 'ofp-print'], message)
    if (ours == theirs) == differ:
        return 'not ok - %s\n  ovs-ofctl:  %s\n  weft-ofctl: %s' % (line, theirs, ours)
    return None


if __name__ == '__main__':
    sys.exit(alike.run(LINES, check, 'lists are taken alike'))
