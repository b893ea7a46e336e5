#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.2.3.2 Flow match field structures: others' vectors, as bytes and as words
"""Others' matches and command lines (../shared/corpus/text-vectors), where they are for OpenFlow 1.3.

matches.jsonl: matches field by field, with what becomes of them, good or refused.  Each is made a flow_mod; what it
is taken for by ovs-ofctl (ofp-print) and by weft-ofctl must be the same, errors included.
cli.jsonl: command lines with their exit status; those that need a file or another version are left out, and counted."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'lib'))
from ofctl_differences import READ  # noqa: E402

OURS = os.path.join(os.environ.get('B', 'build'), 'weft-ofctl')
CORPUS = os.environ.get('CORPUS', os.path.join(HERE, '..', '..', '..', 'shared', 'corpus', 'text-vectors'))
FIELD = re.compile(r'(\w+)\(([0-9a-f]*)(?:/([0-9a-f]*))?\)')

# Fields of Open vSwitch's and of later versions, which are not compared here.
NOT_HERE = re.compile(r'ERSPAN|GTPU|TUN_METADATA|NSH|PACKET_TYPE|CT_|RECIRC|DP_HASH|ND_RESERVED|ND_OPTIONS|TUN_FLAGS|GBP|XXREG|XREG|PKT_REG|TCP_FLAGS|CONJ')
# Commands of ovs-ofctl's that weft-ofctl refuses by name (lib/ofctl_differences.py), or that need what the corpus leaves out.
NEEDS = {'diff-flows': 'a file', 'parse-flows': 'a file', 'ofp-parse': 'a file'}
REFUSED = {'print-error', 'encode-error-reply', 'encode-hello', 'parse-key-value', 'check-vlan'}


def load(name):
    with open(os.path.join(CORPUS, name), encoding='utf-8') as f:
        return [json.loads(line) for line in f]


# 7.2.3.7, table 11: by number.
OXM = """IN_PORT IN_PHY_PORT METADATA ETH_DST ETH_SRC ETH_TYPE VLAN_VID VLAN_PCP IP_DSCP IP_ECN IP_PROTO IPV4_SRC IPV4_DST TCP_SRC TCP_DST
UDP_SRC UDP_DST SCTP_SRC SCTP_DST ICMPV4_TYPE ICMPV4_CODE ARP_OP ARP_SPA ARP_TPA ARP_SHA ARP_THA IPV6_SRC IPV6_DST IPV6_FLABEL ICMPV6_TYPE
ICMPV6_CODE IPV6_ND_TARGET IPV6_ND_SLL IPV6_ND_TLL MPLS_LABEL MPLS_TC MPLS_BOS PBB_ISID TUNNEL_ID IPV6_EXTHDR""".split()
ONF_ACTSET = bytes.fromhex('ffff5608' '4f4e4600')  # EXT-233


def headers_of(lines):
    """NAME: (a TLV's header, a value's width)."""
    widths = {n: len(v) // 2 for l in lines for n, v, _ in FIELD.findall(l)}
    headers = {'OXM_OF_' + n: bytes([0x80, 0, i << 1, 0]) for i, n in enumerate(OXM)}
    headers.update({'NXM_NX_REG%d' % i: bytes([0, 1, i << 1, 0]) for i in range(8)})
    headers.update({'NXM_NX_IP_FRAG': bytes([0, 1, 26 << 1, 0]), 'NXM_NX_PKT_MARK': bytes([0, 1, 33 << 1, 0])})
    headers['ONFOXM_ET_ACTSET_OUTPUT'] = ONF_ACTSET
    return {n: (h, widths.get(n) or widths.get(n + '_W')) for n, h in headers.items()}


def encode(line, headers):
    """The match's bytes; None where a field's number is not known."""
    out = b''
    for name, value, mask in FIELD.findall(line):
        bare = name[:-2] if name.endswith('_W') else name
        if bare not in headers:
            return None
        head, width = headers[bare]
        value, mask = bytes.fromhex(value), bytes.fromhex(mask or '')
        if len(value) != width or (mask and len(mask) != width):
            return None
        out += head[:2] + bytes([(head[2] & 0xfe) | bool(mask), len(head) - 4 + width + len(mask)]) + head[4:] + value + mask
    return out


def flow_mod(fields):
    n = 4 + len(fields)
    match = struct.pack('>HH', 1, n) + fields + bytes(-n % 8)
    body = struct.pack('>QQBBHHHIIIH2x', 0, 0, 0, 0, 0, 0, 0x8000, 0xffffffff, 0xffffffff, 0xffffffff, 0) + match
    return (struct.pack('>BBHI', 4, 14, 8 + len(body), 1) + body).hex()


def verdict(text):
    m = re.search(r'decode error: (\w+)', text)
    return m.group(1) if m else re.sub(r'\(xid=\w+\)', '', text).strip()


def taken(text):
    return verdict(text) if 'decode error' in text else 'taken'


def run(argv, **kw):
    return subprocess.run(argv, capture_output=True, text=True, errors='replace', timeout=30, **kw)


def matches(check):
    lines = []
    for case in load('matches.jsonl'):
        if 'parse-oxm' in case['argv'] and '--strict' in case['argv'] and case['argv'][-1] in ('OpenFlow12', 'OpenFlow13'):
            lines += [re.sub(r'\s*#.*', '', l) for l in case['stdin'].splitlines()]
    lines = sorted({l for l in lines if FIELD.search(l)})
    headers = headers_of(lines)
    todo = [(l, encode(l, headers)) for l in lines]
    left = [l for l, b in todo if b is None or NOT_HERE.search(l)]
    todo = [(l, flow_mod(b)) for l, b in todo if b is not None and not NOT_HERE.search(l)]
    ours = run([OURS, 'ofp-print', '-'], input='\n'.join(h for _, h in todo) + '\n').stdout.split('--\n')
    with ThreadPoolExecutor(2) as pool:
        theirs = list(pool.map(lambda t: run(['ovs-ofctl', 'ofp-print', t[1]]).stdout, todo))
    for (line, _), o, t in zip(todo, ours, theirs):
        row = next((r[1:3] for r in READ if r[0] == line), None)
        check('match ' + line, row == (taken(t), taken(o)) if row else verdict(o) == verdict(t), 'ovs-ofctl: %s  weft-ofctl: %s' % (t, o))
    print('ok - %d matches are read alike; %d are not of 1.3\'s fields' % (len(todo) - len(READ), len(left)))


def command_lines(check):
    left, n = {}, 0
    for case in load('cli.jsonl'):
        command = next(a for a in case['argv'] if not a.startswith('-'))
        p = run([OURS] + [a for a in case['argv'] if not a.startswith('-v')])
        if command in REFUSED:
            check('%s is refused by name' % command, p.returncode == 1 and command in p.stderr, p.stderr)
            continue
        if command in NEEDS:
            left[command] = left.get(command, 0) + 1
            continue
        n += 1
        check(' '.join(case['argv']), str(p.returncode) == case['rc'] and bool(p.stderr) == bool(case['stderr']) and
              (case['rc'] != '0' or p.stdout == case['stdout']), '%s %s%s' % (p.returncode, p.stdout, p.stderr))
    print('ok - %d command lines end alike; left out, as their files are not in the corpus: %s' %
          (n, ', '.join('%d of %s' % (v, k) for k, v in sorted(left.items()))))


def main():
    if not shutil.which('ovs-ofctl') or not os.path.isdir(CORPUS):
        print('ok - skipped: no %s here\n1 passed, 0 failed' % ('corpus' if shutil.which('ovs-ofctl') else 'ovs-ofctl'))
        return 0
    counts = [0, 0]

    def check(text, good, why):
        counts[not good] += 1
        if not good:
            print('not ok - %s\n  %s' % (text, why))

    matches(check)
    command_lines(check)
    print('%d passed, %d failed' % tuple(counts))
    return 1 if counts[1] else 0


if __name__ == '__main__':
    sys.exit(main())
