#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.3.4.1 Modify flow entry: by command, as ovs-ofctl sends it
"""The same command lines given to ovs-ofctl and to weft-ofctl: what reaches the switch is the same,
byte for byte but for transaction ids and barriers (weft-ofctl confirms a file of flows by one barrier).

    ovs-ofctl  ---+
                  +--- unix socket: a switch that answers everything and remembers what it was sent
    weft-ofctl ---+
"""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = os.path.join(os.environ.get('B', 'build'), 'weft-ofctl')
FLOWS = os.path.join(HERE, '..', 'vectors', 'text_flows.txt')

HELLO, ECHO, EXP, FEATURES, GET_CONFIG, MP, BARRIER, QUEUES = 0, 2, 4, 5, 7, 18, 20, 22
MP_TABLE_FEATURES, MP_PORT_DESC = 12, 13


def msg(kind, xid, body=b''):
    return struct.pack('>BBH', 4, kind, 8 + len(body)) + xid + body


def port(number, name):
    return struct.pack('>I4x6s2x16s8I', number, bytes([2, 0, 0, 0, 0, number]), name,
                       0, 4, 0, 0, 0, 0, 0, 0)


def sort_match(m):
    """A flow_mod with its match's fields in order, for a match has none; without packet_type=Ethernet,
    which ovs-ofctl sends where it had to leave out what cannot be matched."""
    if m[1] != 14:
        return m
    n = struct.unpack('>H', m[50:52])[0]
    fields, rest = m[52:48 + n], m[48 + (n + 7) // 8 * 8:]
    tlvs = []
    while fields:
        size = 4 + fields[3]
        tlvs.append(fields[:size])
        fields = fields[size:]
    tlvs = sorted(t for t in tlvs if t[:4] != bytes.fromhex('80005804'))
    return b'\0\0\0\0'.join([m[:2], m[4:48]]) + b''.join(tlvs) + b'|' + rest


# Whole fields, where ovs-ofctl sends a mask of just the bits that are defined.
SAME_MEANING = {
    'ct_state=new|trk,actions=1', 'ct_state=est|trk|rpl,actions=1', 'ct_state=0,actions=1', 'ct_state=33,actions=1',
    'ct_state=0xff/0xff,actions=1', 'ct_state=+new+est+rel+rpl+inv+trk+snat+dnat,actions=1', 'tun_flags=oam,actions=1',
    'tun_flags=1,actions=1',
    # An empty userdata is none, and what is left the standard action says.
    'actions=controller(userdata=)', 'actions=controller(userdata)',
    'ct_state=trk,actions=1', 'ct_state=0x21,actions=1', 'tun_flags=-oam,actions=1',
    'tun_flags=0,actions=1', 'tun_flags=+oam,actions=1',
    'conj_id=3,tun_id=5,tun_src=1.2.3.4,tun_dst=2.3.4.5/24,tun_flags=oam,tun_gbp_id=4,'
    'tun_gbp_flags=0x5,tun_ipv6_src=::1,tun_ipv6_dst=::2/64,actions=1',
}


class Switch(threading.Thread):
    """Answers what clients ask before they say what they came for."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.seen = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)

    def run(self):
        while True:
            conn, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        try:
            self.talk(conn)
        except OSError:
            pass
        conn.close()

    def talk(self, conn):
        conn.sendall(bytes.fromhex('04000010000000010001000800000010'))
        buf = b''
        while True:
            data = conn.recv(65536)
            if not data:
                return
            buf += data
            while len(buf) >= 8 and len(buf) >= struct.unpack('>H', buf[2:4])[0]:
                n = struct.unpack('>H', buf[2:4])[0]
                m, buf = buf[:n], buf[n:]
                reply = self.answer(m)
                if reply:
                    conn.sendall(reply)

    def answer(self, m):
        kind, xid = m[1], m[4:8]
        if kind == FEATURES:
            return msg(6, xid, struct.pack('>QIBB2xII', 1, 0, 254, 0, 0x4f, 0))
        if kind == MP:
            return self.multipart(m, xid)
        if kind == BARRIER:
            return msg(21, xid)
        if kind == HELLO:
            return None
        self.seen.append(self.plain(m))
        if kind == ECHO:
            return msg(3, xid, m[8:])
        if kind == GET_CONFIG:
            return msg(8, xid, b'\0\0\0\x80')
        if kind == QUEUES:
            return msg(23, xid, m[8:16])
        if kind == EXP and len(m) >= 24 and struct.unpack('>I', m[12:16])[0] == 2300:
            step = struct.unpack('>H', m[20:22])[0]
            return msg(EXP, xid, m[8:20] + struct.pack('>H', step + 1) + m[22:24])
        return None

    def multipart(self, m, xid):
        kind = m[9]
        if kind == MP_PORT_DESC:
            return msg(19, xid, m[8:10] + bytes(6) + port(1, b'p1') + port(2, b'eth-2'))
        if kind == MP_TABLE_FEATURES:
            props = b''.join(struct.pack('>HH4x', k, 4) for k in (0, 2, 4, 6, 8, 10, 12, 14))
            return msg(19, xid, m[8:16] +
                       struct.pack('>HB5x32sQQII', 64 + len(props), 0, b'', 0, 0, 3, 9) + props)
        self.seen.append(self.plain(m))
        return msg(19, xid, m[8:10] + bytes(6) + bytes({0: 1056, 2: 24, 8: 40, 11: 16}.get(kind, 0)))

    @staticmethod
    def plain(m):
        m = sort_match(m[:4] + bytes(4) + m[8:])
        if m[1] == EXP and struct.unpack('>I', m[12:16])[0] == 2301:
            m = m[:28] + bytes(4) + m[32:]  # the xid of the message inside
        return m.hex()

    def take(self):
        seen, self.seen = self.seen, []
        return seen


FILES = {
    'flows': 'add actions=1\ndelete ip\nmodify_strict tcp actions=2\n\n# x\n  priority=5,actions=3\n',
    'mixed': 'flow add actions=1\ngroup add group_id=1,type=all,bucket=2\n'
             'packet-out in_port=1 packet=aabbccddeeff00112233445508000000 actions=2\n',
    'groups': 'group_id=1,type=all,bucket=2\ngroup_id=2,type=all\n',
    'bad': 'ip,actions=1\npriority=70000,actions=1\n',
}

# @ is the switch, %NAME a file; what follows ~ at the start is refused by weft-ofctl and taken by ovs-ofctl.
COMMANDS = r'''
del-flows @
del-flows @ table=3,cookie=5/7,out_port=3,out_group=4,ip
del-flows @ out_port=p1
del-flows @ cookie=5
del-flows @ priority=3,ip
del-flows @ ip,actions=1
--strict del-flows @ priority=3,ip
mod-flows @ ip,actions=2
mod-flows @ cookie=5,ip,actions=2
--strict mod-flows @ ip,cookie=5/-1,actions=2
add-flow @ cookie=5,ip,actions=2
add-flow @ in_port=p1,actions=eth-2
add-flow @ in_port="p1",actions=output:eth-2,p1,resubmit(p1,3)
add-flow @ in_port=nosuch,actions=1
add-flows @ %flows
add-flows @ %bad
--bundle add-flow @ actions=1
--bundle add-flows @ %flows
bundle @ %mixed
dump-flows @ table=2,cookie=1/-1,out_port=2,out_group=3,ip
dump-flows @ priority=3
dump-flows @ cookie=1
dump-aggregate @ tcp,tp_dst=80
add-group @ group_id=1,type=all,bucket=output:1
add-group @ group_id=1,type=all,bucket=1,2,bucket=output:1
add-group @ group_id=1,type=select,bucket=weight:50,output:1,bucket=weight=3,actions=2,3
add-group @ group_id=1,type=select,bucket=output:1
add-group @ group_id=1,type=all,bucket=weight:5,output:1
add-group @ group_id=1,type=ff,bucket=watch_port:1,output:1,bucket=watch_group:2,actions=output:2
add-group @ group_id=1,type=ff,bucket=output:1
add-group @ group_id=1,type=fast_failover,bucket=watch_port:1,output:1
add-group @ group_id=1,type=indirect,bucket=output:1
add-group @ group_id=1,type=indirect,bucket=output:1,bucket=output:2
add-group @ group_id=1,type=all
add-group @ group_id=1,bucket=output:1
add-group @ type=all,bucket=output:1
add-group @ group_id=0xffffff01,type=all
add-group @ group_id=1,type=foo
add-group @ group_id=1,type=all,foo=1
add-group @ group_id=1,type=all,bucket=
add-group @ group_id=1,type=all,bucket
add-group @ group_id=1,type=all,buckets=output:1
add-group @ group_id=1,type=all,bucket=bucket_id:5,output:1
add-group @ group_id=1,type=all,bucket=actions=
add-group @ group_id=1,type=all,bucket=drop
add-group @ group_id=1,type=all,bucket=set_field:1->reg0,mod_vlan_vid:5,3
add-group @ group_id=1,type=all,bucket=actions=mod_vlan_vid:5,mod_vlan_pcp:3,bucket=4
add-group @ group_id=1,type=all,bucket=set_field:00:11:22:33:44:55->eth_src,p1
add-group @ group_id=1,type=all,bucket=goto_table:3
add-group @ group_id=1,type=all,command_bucket_id=all,bucket=1
add-group @ group_id=1,type=select,bucket=weight:0,1
add-group @ group_id=1,type=select,bucket=weight:65536,1
add-group @ group_id=1,type=all,bucket=watch_port:foo,1
add-group @ group_id=1,group_id=2,type=all
mod-group @ group_id=1,type=all,bucket=2
mod-group @ group_id=1
del-groups @
del-groups @ group_id=1
del-groups @ group_id=all
del-groups @ type=all
del-groups @ group_id=1,bucket=2
add-groups @ %groups
dump-group-stats @ group_id=5
add-meter @ meter=1,kbps,band=type=drop,rate=100
add-meter @ meter=1,pktps,burst,stats,bands=type=drop,rate=100,burst_size=4,type=dscp_remark,rate=3,burst_size=3,prec_level=2
add-meter @ meter=1,kbps,bands=type=drop,rate=100,burst_size=5
add-meter @ meter=1,band=type=drop,rate=100
add-meter @ meter=1
add-meter @ meter=1,kbps,pktps,band=type=drop,rate=1
add-meter @ meter=1,kbps,band=rate=1
add-meter @ meter=1,kbps,band=type=drop
add-meter @ meter=1,kbps,band=type=foo,rate=1
add-meter @ kbps,band=type=drop,rate=1
add-meter @ meter=1,kbps,foo,band=type=drop,rate=1
add-meter @ meter=1,kbps,band=type=dscp_remark,rate=1
add-meter @ meter=1,kbps,band=type=drop,rate=1,prec_level=3
add-meter @ meter=0,kbps,band=type=drop,rate=1
add-meter @ meter=slowpath,kbps,band=type=drop,rate=1
add-meter @ meter=4294901761,kbps,band=type=drop,rate=1
mod-meter @ meter=1,kbps,band=type=drop,rate=1
del-meter @ meter=1
del-meter @ meter=1,kbps
del-meters @
dump-meters @
dump-meter @ meter=5
meter-stats @ meter=all
meter-features @
packet-out @ 1 2,3 aabbccddeeff00112233445508000000
packet-out @ none 1 aabbccddeeff00112233445508000000 aabbccddeeff00112233445508000001
packet-out @ in_port=1,packet=aabbccddeeff00112233445508000000,actions=mod_vlan_vid:3,2
packet-out @ packet=aabbccddeeff00112233445508000000,actions=dec_ttl,pop_vlan,2
packet-out @ packet=aabbccddeeff00112233445508000000,actions=output:p1,resubmit(,0)
packet-out @ in_port=controller,packet=aabb,actions=drop
packet-out @ actions=drop
packet-out @ packet=zz,in_port=LOCAL,actions=1
mod-port @ p1 down
mod-port @ eth-2 no-forward
mod-port @ 1 no-packet-in
mod-port @ 9 up
mod-port @ p1 foo
get-frags @
set-frags @ normal
set-frags @ foo
dump-ports @ 1
dump-ports @ p1
dump-ports @ nosuch
queue-stats @ 1 2
queue-get-config @ p1
dump-desc @
dump-tables @
dump-groups @
dump-group-features @
~ mod-port @ p1 no-flood
'''


def main():
    if not shutil.which('ovs-ofctl'):
        print('ok - skipped: no ovs-ofctl here\n1 passed, 0 failed')
        return 0
    passed, failed = 0, []
    with tempfile.TemporaryDirectory(prefix='text_encode') as tmp:
        switch = Switch(tmp + '/s')
        switch.start()
        for name, text in FILES.items():
            with open(tmp + '/' + name, 'w', encoding='utf-8') as f:
                f.write(text)

        def run(tool, words):
            p = subprocess.run(tool + words, capture_output=True, text=True, timeout=20,
                               stdin=subprocess.DEVNULL)
            return p.returncode != 0, switch.take(), p

        def check(words, refused_here):
            theirs = run(['ovs-ofctl', '-O', 'OpenFlow13'], words)
            ours = run([OURS], words)
            if refused_here:
                return ours[0] and ours[2].stderr.startswith('weft-ofctl: '), theirs, ours
            return theirs[:2] == ours[:2], theirs, ours

        jobs = []
        for line in COMMANDS.strip().splitlines():
            words = re.sub(r'%(\w+)', tmp + r'/\1', line.lstrip('~ ')).split()
            jobs.append(([w.replace('@', 'unix:%s/s' % tmp, 1) for w in words], line[0] == '~'))
        with open(FLOWS, encoding='utf-8') as f:
            for line in f:
                line = line.rstrip('\n')
                # Refusals are text_parse.py's business; here it is the bytes of what is taken.
                if line and line[0] not in '#~' and line not in SAME_MEANING and subprocess.run(
                        [OURS, 'parse-flow', line], capture_output=True).returncode == 0:
                    jobs.append((['add-flow', 'unix:%s/s' % tmp, line], False))
        for words, refused_here in jobs:
            ok, theirs, ours = check(words, refused_here)
            passed += ok
            if not ok:
                failed.append(words)
                print('not ok - %s' % ' '.join(words))
                for who, r in (('ovs-ofctl', theirs), ('weft-ofctl', ours)):
                    print('  %s: refused=%s %s' % (who, r[0], r[2].stderr.strip()))
                    for m in r[1]:
                        print('    ' + m)
        print('ok - %d command lines send the same' % passed)
    print('%d passed, %d failed' % (passed, len(failed)))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
