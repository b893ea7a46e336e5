#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.3.5 Multipart: in words, as ovs-ofctl prints it
"""Messages as bytes, printed by ovs-ofctl (ofp-print) and by weft-ofctl: the same words.

The bytes are those of text_messages.py and of tests/vectors, random ones of text_random.py (SEED and EACH say which
and how many of a kind), and others' from ../shared/corpus where that is.  What ovs-ofctl itself cannot decode is not compared; weft-ofctl may then say more."""

import glob
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import text_messages  # noqa: E402
import text_random  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = os.path.join(os.environ.get('B', 'build'), 'weft-ofctl')
CORPUS = os.path.join(HERE, '..', '..', '..', 'shared', 'corpus')

# What ovs-ofctl prints of these is of its own making: Nicira's messages that have a standard one on
# 1.3; names that are not ASCII; versions that are not 1.3; the table features of two switches, of which
# it leaves a part out; who made a continuation.
NOT_COMPARED = re.compile(
    r'NXT_(?!SET_ASYNC|SET_CONTROLLER|PACKET_IN|SET_PACKET_IN|RESUME|CT_FLUSH_ZONE)|encap\(|continuation\.'
    r'|\(OF1\.[^3]\)|\(OF 0x|unknown data in hello|^\S+ \(xid|CONTROLLER:128$|"acl"|\(\): addr|65281\(|\("Flow Table 0x0[01]"\)|私',
    re.M)


def vectors():
    for m in text_messages.V:
        yield m.hex()
    for _, m in text_random.messages(int(os.environ.get('SEED', 1)), int(os.environ.get('EACH', 30))):
        yield m.hex()
    for path in sorted(glob.glob(os.path.join(HERE, '..', 'vectors', '*.hex'))):
        with open(path, encoding='utf-8') as f:
            text = f.read().split('\n--')[0]
        yield ''.join(l for l in text.splitlines() if not l.startswith('#')).replace(' ', '')
    for path in sorted(glob.glob(os.path.join(CORPUS, 'openflow-messages', 'of13', '*.packet'))):
        with open(path, 'rb') as f:
            yield f.read().hex()


def theirs(hexes):
    p = subprocess.run(['ovs-ofctl', 'ofp-print', hexes], capture_output=True, timeout=20)
    return p.stdout.decode('utf-8', 'replace')


def main():
    if not shutil.which('ovs-ofctl'):
        print('ok - skipped: no ovs-ofctl here\n1 passed, 0 failed')
        return 0
    messages = list(vectors())
    p = subprocess.run([OURS, 'ofp-print', '-'], input='\n'.join(messages) + '\n', encoding='utf-8',
                       errors='replace', capture_output=True, timeout=60)
    ours = p.stdout.split('--\n')[:-1]
    if p.returncode or len(ours) != len(messages):
        print('not ok - weft-ofctl ends with %d after %d of %d messages: %s' %
              (p.returncode, len(ours), len(messages), p.stderr))
        print('0 passed, 1 failed')
        return 1
    with ThreadPoolExecutor(2) as pool:
        oracle = list(pool.map(theirs, messages))
    passed = failed = left_out = 0
    for m, o, t in zip(messages, ours, oracle):
        if o == t:
            passed += 1
        elif '***decode error' in t or NOT_COMPARED.search(t):
            left_out += 1
        else:
            failed += 1
            print('not ok - %s\n  ovs-ofctl:\n%s  weft-ofctl:\n%s' % (m, t, o))
    print('ok - %d messages are printed alike, %d are not compared' % (passed, left_out))
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
