#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.2.5 Action structures: Nicira's, good and bad, as Open vSwitch takes them
"""Lists of Nicira's actions as bytes, good ones and ones with something wrong (tests/vectors/nx_actions.txt), each in a
flow_mod.  ovs-ofctl and weft-ofctl (ofp-print) must refuse it with the same error, or print the same words.
A line that begins with "~ " is one on which the two differ; why is said above it."""

import os
import re
import shutil
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
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


def main():
    if not shutil.which('ovs-ofctl'):
        print('ok - skipped: no ovs-ofctl here\n1 passed, 0 failed')
        return 0
    with open(LINES, encoding='utf-8') as f:
        lines = [l.rstrip('\n') for l in f if l.strip() and not l.startswith('#')]
    with ThreadPoolExecutor(2) as pool:
        bad = [r for r in pool.map(check, lines) if r]
    for r in bad:
        print(r)
    print('ok - %d of %d lists are taken alike' % (len(lines) - len(bad), len(lines)))
    print('%d passed, %d failed' % (len(lines) - len(bad), len(bad)))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
