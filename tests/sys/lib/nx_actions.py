# SPDX-License-Identifier: Apache-2.0
"""The cases of nx_actions.sh: nx_actions.py WEFT OVS CONTROL, in the namespace with the peers.

Each case is a set of flows.  Both switches get them from ovs-ofctl and the same frames into ports 1
and 2; what comes out of ports 1 to 4 must be the same, frame by frame and byte by byte.  Where a hash
of the switch's own decides, only that each frame leaves as often, and as what.
"""
import collections
import select
import socket
import struct
import subprocess
import sys
import time

SOL_PACKET, PACKET_AUXDATA, ETH_P_ALL, VLAN_VALID = 263, 8, 3, 1 << 4
MARK = 0x88b5


def mac(n):
    return bytes([2, 0, 0, 0, 0, n])


def csum(b):
    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def ipv4(body, ttl=64, proto=17, src=1, dst=2):
    h = struct.pack("!BBHHHBBH4B4B", 0x45, 0, 20 + len(body), 7, 0, ttl, proto, 0, 10, 0, 0, src, 10, 0, 0, dst)
    return h[:10] + struct.pack("!H", csum(h)) + h[12:] + body


def eth(body, kind=0x0800, src=1, dst=2, tags=()):
    return (mac(dst) + mac(src) + b"".join(struct.pack("!HH", 0x8100, t) for t in tags) + struct.pack("!H", kind) + body).ljust(60, b"\0")


def udp(sport=1000, dport=2000, n=20, **kw):
    return ipv4(struct.pack("!HHHH", sport, dport, 8 + n, 0) + bytes(i & 255 for i in range(n)), **kw)


def tcp(sport, dport, **kw):
    return ipv4(struct.pack("!HHIIBBHHH", sport, dport, 1, 2, 0x50, 2, 100, 0, 0), proto=6, **kw)


IP6 = struct.pack("!IHBB", 6 << 28, 8, 17, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + struct.pack("!HHHH", 5, 6, 8, 0xfff0)
ARP = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac(1) + bytes([10, 0, 0, 1]) + bytes(6) + bytes([10, 0, 0, 2])

FRAMES = [(1, eth(udp())), (1, eth(udp(ttl=1))), (1, eth(udp(ttl=2, dst=3))), (1, eth(udp(), tags=(0x2005,))), (1, eth(udp(n=500))),
          (2, eth(tcp(1, 80), src=2, dst=1)), (1, eth(tcp(9, 443, src=9))), (1, eth(IP6, 0x86dd)), (1, eth(ARP, 0x0806)),
          (2, eth(udp(src=200, dst=7), src=9))]
MANY = [(1, eth(udp(sport=1000 + i, src=1 + i), src=10 + i)) for i in range(40)]

RTT = "table=%d,actions=%s"
CASES = [
    # resubmit
    ("resubmit to a table, and on", ["actions=resubmit(,1),output:2", "table=1,actions=output:3"]),
    ("resubmit that misses, and on", ["actions=resubmit(,1),output:2"]),
    ("resubmit at the end", ["actions=output:2,resubmit(,1)", "table=1,actions=output:3"]),
    ("resubmit at the end that misses", ["actions=output:2,resubmit(,9)"]),
    ("resubmit alone that misses", ["actions=resubmit(,9)"]),
    ("resubmit keeps what was changed", ["ip,actions=resubmit(,1),output:2", "table=1,ip,actions=mod_nw_src:10.9.9.9,mod_dl_dst:02:00:00:00:00:77"]),
    ("resubmit finds what was changed", ["ip,actions=mod_nw_dst:10.9.9.9,resubmit(,1)", "table=1,ip,nw_dst=10.9.9.9,actions=output:4", "table=1,priority=1,actions=output:3"]),
    ("resubmit with another port, for the lookup", ["actions=resubmit(3,1),output:2", "table=1,in_port=3,actions=output:3", "table=1,in_port=1,actions=output:4"]),
    ("resubmit with another port, and its output to in_port", ["actions=resubmit(4,1)", "table=1,in_port=4,actions=in_port,output:4"]),
    ("resubmit with another port, then one without", ["actions=resubmit(4,1)", "table=1,in_port=4,actions=resubmit(,2)", "table=2,in_port=4,actions=output:2", "table=2,in_port=1,actions=output:3"]),
    ("resubmit:port, in the same table", ["in_port=1,actions=resubmit:3", "in_port=3,actions=output:2,output:3"]),
    ("resubmit:in_port", ["priority=9,in_port=1,reg0=0,actions=load:1->NXM_NX_REG0[],resubmit(in_port,0),output:2", "priority=9,in_port=1,reg0=1,actions=output:3"]),
    ("resubmit back", ["reg0=0,actions=load:1->NXM_NX_REG0[],resubmit(,1)", "reg0=1,actions=output:2", "table=1,actions=resubmit(,0),output:3"]),
    ("resubmit back, at the end", ["reg0=0,actions=load:1->NXM_NX_REG0[],resubmit(,5)", "reg0=1,actions=output:2", "table=5,actions=resubmit(,0)"]),
    ("resubmit and goto", ["actions=resubmit(,1),goto_table:2", "table=1,actions=output:2,goto_table:3", "table=2,actions=output:3", "table=3,actions=output:4"]),
    ("resubmit to a goto that misses, and on", ["actions=resubmit(,1),output:2", "table=1,actions=output:3,goto_table:5"]),
    ("resubmit to a goto that misses, at the end", ["actions=output:2,resubmit(,1)", "table=1,actions=output:3,goto_table:5"]),
    ("resubmit writes to the action set", ["actions=resubmit(,1),output:2", "table=1,actions=write_actions(output:3)"]),
    ("resubmit at the end writes to the action set", ["actions=resubmit(,1)", "table=1,actions=write_actions(output:3)"]),
    ("resubmit clears the action set", ["actions=write_actions(output:2),goto_table:1", "table=1,actions=resubmit(,2),output:4", "table=2,actions=clear_actions"]),
    ("resubmit in the action set", ["actions=write_actions(resubmit(,1))", "table=1,actions=output:2,output:3"]),
    ("resubmit in the action set beside an output", ["actions=write_actions(output:2,resubmit(,1))", "table=1,actions=output:3"]),
    ("resubmit in the action set writes to it", ["actions=write_actions(resubmit(,1))", "table=1,actions=output:2,write_actions(output:3)"]),
    ("resubmit sees the metadata that it wrote", ["actions=resubmit(,1),goto_table:2", "table=1,actions=write_metadata:7", "table=2,metadata=7,actions=output:3"]),
    ("resubmits in resubmits", ["actions=resubmit(,1),resubmit(,2)", "table=1,actions=resubmit(,2),output:2", "table=2,actions=resubmit(,3),output:3", "table=3,actions=output:4"]),
    ("a circle of resubmits", ["actions=resubmit(,0)"]),
    ("a circle that comes back", ["actions=resubmit(,1),output:2", "table=1,actions=resubmit(,1),load:1->NXM_NX_REG0[]"]),
    ("63 steps back", ["actions=resubmit(,1)"] + ["table=1,reg0=%d,actions=load:%d->NXM_NX_REG0[],resubmit(,1)" % (i, i + 1) for i in range(63)] + ["table=1,reg0=63,actions=output:2"]),
    ("66 steps back", ["actions=resubmit(,1)"] + ["table=1,reg0=%d,actions=load:%d->NXM_NX_REG0[],resubmit(,1)" % (i, i + 1) for i in range(66)] + ["table=1,reg0=66,actions=output:2"]),
    ("1022 resubmits", [RTT % (i, "resubmit(,%d),resubmit(,%d)" % (i + 1, i + 1)) for i in range(9)] + ["table=9,reg0=0,actions=load:1->NXM_NX_REG0[],output:2"]),
    ("8190 resubmits", [RTT % (i, "resubmit(,%d),resubmit(,%d)" % (i + 1, i + 1)) for i in range(12)] + ["table=12,actions=load:1->NXM_NX_REG0[]", "table=13,actions=output:2"]),
    ("120 tables, one after the other", [RTT % (i, "resubmit(,%d),mod_dl_src:02:00:00:00:00:%02x" % (i + 1, i)) for i in range(120)] + ["table=120,actions=output:2"]),
    ("an invalid TTL behind a resubmit", ["ip,actions=resubmit(,1),output:2", "table=1,ip,actions=dec_ttl,output:3"]),
    ("push_vlan behind a resubmit", ["ip,vlan_tci=0,actions=resubmit(,1),output:2", "table=1,ip,vlan_tci=0,actions=push_vlan:0x8100,set_field:4101->vlan_vid"]),
    # vlan_tci's bit for a tag, loaded with few others, or alone
    ("a tag that is loaded away", ["actions=load:0->NXM_OF_VLAN_TCI[12],output:2"]),
    ("a tag that is loaded away with its number", ["actions=load:0x5->NXM_OF_VLAN_TCI[0..12],output:2"]),
    ("a tag that is loaded away behind an output", ["actions=output:3,load:0->NXM_OF_VLAN_TCI[12..13],output:2"]),
    # clone
    ("clone gives back the frame", ["actions=clone(mod_dl_src:02:00:00:00:00:99,output:2),output:3"]),
    ("clone gives back registers", ["actions=clone(load:5->NXM_NX_REG0[],output:2),resubmit(,1)", "table=1,reg0=0,actions=output:3", "table=1,reg0=5,actions=output:4"]),
    ("clone at the end", ["actions=output:3,clone(mod_dl_dst:02:00:00:00:00:99,output:2)"]),
    ("clone of a resubmit", ["ip,actions=clone(resubmit(,1)),output:2", "table=1,ip,actions=mod_nw_dst:9.9.9.9,output:3"]),
    ("clone in clone", ["actions=clone(mod_dl_src:02:00:00:00:00:99,clone(mod_dl_dst:02:00:00:00:00:98,output:2),output:3),output:4"]),
    ("clone that sends nothing", ["actions=clone(mod_dl_src:02:00:00:00:00:99),output:2"]),
    ("clone alone", ["actions=clone(output:2)"]),
    ("clone executes the action set", ["actions=write_actions(output:3),goto_table:1", "table=1,actions=clone(mod_dl_src:02:00:00:00:00:99,output:2),output:4"]),
    ("clone executes the action set, nothing changed", ["actions=write_actions(output:3),goto_table:1", "table=1,actions=clone(output:2),output:4"]),
    ("clone gives back the action set", ["actions=clone(resubmit(,1)),write_actions(output:2)", "table=1,actions=write_actions(output:3)"]),
    ("clone with push_vlan", ["ip,vlan_tci=0,actions=clone(push_vlan:0x8100,set_field:4105->vlan_vid,output:2),output:3"]),
    ("clone with an invalid TTL", ["ip,actions=clone(dec_ttl,output:2),output:3"]),
    ("clone in a circle", ["actions=clone(resubmit(,0)),output:2"]),
    ("clone and a goto", ["actions=clone(mod_dl_src:02:00:00:00:00:99,output:2),goto_table:1", "table=1,actions=output:3"]),
    # exit
    ("exit", ["actions=output:2,exit,output:3"]),
    ("exit behind a resubmit", ["actions=resubmit(,1),output:3", "table=1,actions=output:2,exit"]),
    ("exit behind two resubmits", ["actions=resubmit(,1),output:3", "table=1,actions=resubmit(,2),output:4", "table=2,actions=output:2,exit"]),
    ("exit in a clone", ["actions=clone(output:2,exit),output:3"]),
    ("exit in a clone that changes the frame", ["actions=clone(mod_dl_src:02:00:00:00:00:99,output:2,exit),output:3"]),
    ("exit before a goto", ["actions=output:2,exit,goto_table:1", "table=1,actions=output:3"]),
    ("exit and the action set", ["actions=write_actions(output:3),goto_table:1", "table=1,actions=output:2,exit"]),
    # stack
    ("push and pop", ["ip,actions=push:NXM_OF_IP_SRC[],push:NXM_OF_IP_DST[],pop:NXM_OF_IP_SRC[],pop:NXM_OF_IP_DST[],output:2"]),
    ("pop of more bits than were pushed", ["actions=load:0xabcdef12->NXM_NX_REG0[],load:0xffffffff->NXM_NX_REG1[],push:NXM_NX_REG0[4..11],pop:NXM_NX_REG1[],resubmit(,1)", "table=1,reg1=0xf1,actions=output:2"]),
    ("pop of fewer bits than were pushed", ["actions=load:0xabcdef12->NXM_NX_REG0[],push:NXM_NX_REG0[],pop:NXM_NX_REG1[8..15],resubmit(,1)", "table=1,reg1=0x1200,actions=output:2"]),
    ("pop of nothing", ["actions=load:7->NXM_NX_REG0[],pop:NXM_NX_REG0[],resubmit(,1)", "table=1,reg0=7,actions=output:2"]),
    ("the stack goes along with resubmits", ["ip,actions=push:NXM_OF_IP_SRC[],resubmit(,1),pop:NXM_OF_IP_DST[],output:2", "table=1,ip,actions=push:NXM_OF_IP_DST[],mod_nw_src:1.2.3.4"]),
    ("a resubmit pops what was pushed before it", ["ip,actions=push:NXM_OF_IP_SRC[],resubmit(,1),output:2", "table=1,ip,actions=pop:NXM_OF_IP_DST[]"]),
    ("clone gives back the stack", ["ip,actions=push:NXM_OF_IP_SRC[],clone(pop:NXM_OF_IP_DST[],push:NXM_OF_IP_DST[],output:3),pop:NXM_OF_IP_DST[],output:2"]),
    ("the stack goes along with a goto", ["ip,actions=push:NXM_OF_IP_SRC[],goto_table:1", "table=1,ip,actions=pop:NXM_OF_IP_DST[],output:2"]),
    ("a MAC on the stack", ["actions=push:NXM_OF_ETH_SRC[],push:NXM_OF_ETH_DST[],pop:NXM_OF_ETH_SRC[],pop:NXM_OF_ETH_DST[],in_port"]),
    # outputs
    ("output to a register", ["actions=load:3->NXM_NX_REG0[],output:NXM_NX_REG0[]"]),
    ("output to bits of a register", ["actions=load:0x40->NXM_NX_REG0[],output:NXM_NX_REG0[4..7]"]),
    ("output to a register: no port", ["actions=load:99->NXM_NX_REG0[],output:NXM_NX_REG0[],output:2"]),
    ("output to a register: beyond 16 bits", ["actions=load:0x10002->NXM_NX_REG0[],output:NXM_NX_REG0[],output:3"]),
    ("output to a register: in_port", ["actions=load:0xfff8->NXM_NX_REG0[],output:NXM_NX_REG0[]"]),
    ("output to a register: all", ["actions=load:0xfffc->NXM_NX_REG0[],output:NXM_NX_REG0[]"]),
    ("output to a register: table", ["reg0=0,actions=load:0xfff9->NXM_NX_REG0[],output:NXM_NX_REG0[],output:4", "reg0=0xfff9,actions=output:2"]),
    ("output to a register: where it came in", ["actions=move:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],output:NXM_NX_REG0[],output:4"]),
    ("output of a part", ["actions=output(port=2,max_len=40),output:3"]),
    ("output of a part, as the last", ["actions=output:3,output(port=2,max_len=64)"]),
    ("output of a part that is all of it", ["actions=output(port=2,max_len=1500)"]),
    ("output of a part to where it came in", ["actions=output(port=1,max_len=40),output:3"]),
    ("output of a part, twice", ["actions=output(port=2,max_len=20),output(port=3,max_len=50),output:4"]),
    ("output of a part of what was changed", ["actions=mod_dl_src:02:00:00:00:00:99,output(port=2,max_len=30),mod_dl_src:02:00:00:00:00:98,output:3"]),
    ("check_pkt_larger", ["actions=check_pkt_larger(100)->NXM_NX_REG0[0],resubmit(,1)", "table=1,reg0=1,actions=output:2", "table=1,reg0=0,actions=output:3"]),
    ("check_pkt_larger, one byte less: padding behind IP does not count", ["actions=check_pkt_larger(59)->NXM_NX_REG0[0],resubmit(,1)", "table=1,reg0=1,actions=output:2", "table=1,reg0=0,actions=output:3"]),
    ("check_pkt_larger, as long", ["actions=check_pkt_larger(60)->NXM_NX_REG0[0],resubmit(,1)", "table=1,reg0=1,actions=output:2", "table=1,reg0=0,actions=output:3"]),
    ("check_pkt_larger counts the tag", ["vlan_tci=0x1000/0x1000,actions=check_pkt_larger(63)->NXM_NX_REG0[0],resubmit(,1)", "table=1,reg0=1,actions=output:2", "table=1,reg0=0,actions=output:3"]),
    ("check_pkt_larger counts the tag that was pushed", ["ip,vlan_tci=0,actions=push_vlan:0x8100,check_pkt_larger(64)->NXM_NX_REG0[0],resubmit(,1)", "table=1,reg0=1,actions=output:2", "table=1,reg0=0,actions=output:3"]),
    ("check_pkt_larger into a higher bit", ["actions=check_pkt_larger(100)->NXM_NX_REG3[17],goto_table:1", "table=1,reg3=0x20000,actions=output:2"]),
    ("set_field with a mask", ["ip,actions=set_field:10.7.0.0/255.255.0.0->ip_dst,set_field:01:00:00:00:00:00/01:00:00:00:00:00->eth_dst,output:2"]),
    ("set_field of a register with a mask", ["actions=set_field:0xff/0xf0->reg5,resubmit(,1)", "table=1,reg5=0xf0,actions=output:2"]),
    ("xxreg and xreg", ["actions=set_field:0x11112222333344445555666677778888->xxreg0,resubmit(,1)", "table=1,reg0=0x11112222,reg3=0x77778888,actions=set_field:0x9->xreg1,resubmit(,2)", "table=2,reg2=0,reg3=9,actions=output:2"]),
    ("pkt_mark", ["actions=load:5->NXM_NX_PKT_MARK[],resubmit(,1)", "table=1,pkt_mark=5,actions=output:2"]),
    ("tun_id, tun_src, tun_dst as registers", ["actions=set_field:0x77->tun_id,set_field:10.1.1.1->tun_dst,resubmit(,1)", "table=1,tun_id=0x77,tun_dst=10.1.1.1,actions=output:2"]),
    ("tun_ipv6_dst as a register", ["actions=set_field:fd00::1->tun_ipv6_dst,resubmit(,1)", "table=1,tun_ipv6_dst=fd00::1,actions=output:2"]),
    ("note", ["actions=note:01.02.03,output:2"]),
    # choices; of the hash only what does not depend on it
    ("bundle: the first that lives", ["actions=bundle(eth_src,0,active_backup,ofport,members:3,2)"]),
    ("bundle: the first that is there", ["actions=bundle(eth_src,0,active_backup,ofport,members:77,4,2)"]),
    ("bundle of nobody", ["actions=bundle(eth_src,0,active_backup,ofport,members:77),output:2"]),
    ("bundle_load: the first", ["actions=bundle_load(eth_src,0,active_backup,ofport,NXM_NX_REG0[0..15],members:3,2),output:NXM_NX_REG0[]"]),
    ("bundle_load of nobody", ["actions=bundle_load(eth_src,0,hrw,ofport,NXM_NX_REG0[0..15],members:77),resubmit(,1)", "table=1,reg0=0xffff,actions=output:2"]),
    ("multipath over one link", ["actions=load:9->NXM_NX_REG0[],multipath(symmetric_l4,1,hrw,1,0,NXM_NX_REG0[0..3]),resubmit(,1)", "table=1,reg0=0,actions=output:2"]),
]
SPREAD = [("bundle by hrw", ["actions=bundle(%s,3,hrw,ofport,members:2,3,4)" % f]) for f in ("eth_src", "symmetric_l4", "nw_src")]
for algorithm in ("modulo_n", "hash_threshold", "hrw", "iter_hash"):
    SPREAD.append(("multipath by " + algorithm, ["actions=multipath(symmetric_l3l4+udp,50,%s,3,3,NXM_NX_REG0[0..7]),resubmit(,1)" % algorithm,
                                               "table=1,reg0=0,actions=output:2", "table=1,reg0=1,actions=output:3", "table=1,reg0=2,actions=output:4"]))
GROUPS = [
    ("resubmit in a bucket", ["group_id=1,type=all,bucket=resubmit(,1),bucket=output:3"], ["actions=group:1,output:4", "table=1,actions=mod_dl_src:02:00:00:00:00:99,output:2"]),
    ("resubmit in a bucket writes to the action set", ["group_id=1,type=indirect,bucket=resubmit(,1)"], ["actions=group:1", "table=1,actions=write_actions(output:2)"]),
    ("exit in a bucket's resubmit ends the bucket", ["group_id=1,type=all,bucket=resubmit(,1),bucket=output:3"], ["actions=group:1,output:4", "table=1,actions=output:2,exit"]),
    ("a group in a clone", ["group_id=1,type=all,bucket=mod_dl_src:02:00:00:00:00:99,output:2,bucket=output:3"], ["actions=clone(mod_dl_dst:02:00:00:00:00:98,group:1),output:4"]),
    ("a group of resubmits in the action set", ["group_id=1,type=all,bucket=resubmit(,1),bucket=resubmit(,2)"], ["actions=write_actions(group:1)", "table=1,actions=output:2", "table=2,actions=output:3"]),
]


class Side:
    """One switch: how it is told, and its peers' sockets."""
    def __init__(self, target, letter, control=None):
        self.target = "unix:" + target
        self.control = control
        self.ports = {}
        for i in range(1, 5):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            s.bind((letter + str(i), ETH_P_ALL))
            s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            s.setblocking(False)
            self.ports[i] = s

    def ofctl(self, command, lines=(), args=()):
        r = subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", command, self.target, *args, *(["-"] if lines else [])],
                           input="\n".join(lines), text=True, capture_output=True)
        if r.returncode:
            raise RuntimeError(command + ": " + r.stderr)

    def set(self, groups, flows):
        self.ofctl("del-flows")
        self.ofctl("del-groups")
        if groups:
            self.ofctl("add-groups", groups)
        marks = ["table=0,priority=65535,dl_type=0x%x,actions=in_port,output:1,output:2,output:3,output:4" % MARK]
        self.ofctl("add-flows", marks + flows)
        if self.control:  # Open vSwitch forgets what it has cached of the flows before
            subprocess.run(["ovs-appctl", "-t", self.control, "revalidator/purge"], check=True, capture_output=True)

    def receive(self, i):
        """A frame from the switch, its tag put back; None: there is none."""
        while True:
            try:
                data, aux, _, sender = self.ports[i].recvmsg(4096, 256)
            except BlockingIOError:
                return None
            if sender[2] == socket.PACKET_OUTGOING:
                continue
            for level, kind, value in aux:
                if level == SOL_PACKET and kind == PACKET_AUXDATA:
                    status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", value[:20])
                    if status & VLAN_VALID:
                        data = data[:12] + struct.pack("!HH", tpid or 0x8100, tci) + data[12:]
            return data

    def drain(self):
        for i in self.ports:
            while self.receive(i) is not None:
                pass

    def run(self, frames, serial, quiet=0.01):
        """What comes out: a Counter of (port, frame).  Open vSwitch's marks may overtake frames for which it
        asks its handlers: after them there is to be nothing for a while."""
        marks = {i: eth(struct.pack("!II", serial, i), MARK) for i in (1, 2)}
        got, missing = collections.Counter(), {(i, m) for i in self.ports for m in marks.values()}
        self.drain()
        for port, frame in frames:
            self.ports[port].send(frame)
        for port, mark in marks.items():
            self.ports[port].send(mark)
        end, last = time.monotonic() + 20, time.monotonic()
        while time.monotonic() < (end if missing else last + quiet):
            select.select(self.ports.values(), [], [], 0.1 if missing else quiet / 2)
            for i in self.ports:
                while (f := self.receive(i)) is not None:
                    if f[12:14] == struct.pack("!H", MARK):
                        missing.discard((i, f))
                    else:
                        got[i, f] += 1
                    last = time.monotonic()
        if missing:
            raise RuntimeError("ports %s are silent" % sorted({i for i, _ in missing}))
        return got


def settle(side):
    """Ports are up when a mark comes out of all of them."""
    side.set([], [])
    for serial in range(20):
        try:
            side.run([], 1 << 20 | serial)
            return
        except RuntimeError:
            pass
    raise RuntimeError("no marks")


def tell(got):
    return sorted("port %d, %d bytes, %dx: %s" % (p, len(f), n, f[:44].hex()) for (p, f), n in got.items())


def play(side, groups, flows, sent, serial, quiet):
    """Twice: the second time caches know the way."""
    side.set(groups, flows)
    return [side.run(sent, serial, quiet), side.run(sent, serial + 1, quiet)]


def alike(results):
    """The same frames from the same set of ports; and each time as the first time, of the one switch."""
    same = [sorted(f for (_, f), n in r.items() for _ in range(n)) for run in results for r in run]
    ports = [{p for p, _ in r} for run in results for r in run]
    return all(s == same[0] for s in same) and all(p == ports[0] for p in ports) and results[0][0] == results[0][1]


def main():
    weft, ovs = Side(sys.argv[1], "w"), Side(sys.argv[2], "o", sys.argv[3])
    settle(weft)
    settle(ovs)
    cases = [(n, [], f, FRAMES, False) for n, f in CASES] + [(n, g, f, FRAMES, False) for n, g, f in GROUPS]
    cases += [(n, [], f, MANY, True) for n, f in SPREAD]
    for serial, (name, groups, flows, sent, spread) in enumerate(cases):
        good, results = False, []
        try:
            for patience in (0.01, 0.4):
                results = [play(side, groups, flows, sent, 4 * serial + 2 * (patience > 0.1), patience) for side in (weft, ovs)]
                good = alike(results) if spread else all(r == results[1][0] for run in results for r in run)
                if good:
                    break
        except (RuntimeError, OSError) as e:
            print("not ok - %s: %s" % (name, e))
            continue
        print(("ok - " if good else "not ok - ") + name)
        if not good:
            want = results[1][0]
            for who, r in (("weft", results[0][0]), ("weft again", results[0][1]), ("ovs again", results[1][1])):
                print("#   only %s: %s" % (who, "; ".join(tell(r - want)) or "nothing"))
                print("#   not %s: %s" % (who, "; ".join(tell(want - r)) or "nothing"))


if __name__ == "__main__":
    main()
