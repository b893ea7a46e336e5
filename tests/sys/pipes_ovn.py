#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX pipelines of others: a logical switch, router, load balancer and NAT in the manner of OVN
"""A logical switch and a logical router as flows, in the manner of OVN, at Weft and at Open vSwitch.

    vm1 10.0.0.1 --- 1 [                                     ]
                       [ switch (metadata 1) -- router (2)   ] 3 --- outside, 172.16.0.9
    vm2 10.0.0.2 --- 2 [                                     ]

A chain of resubmits from table 8 to 65; reg14 is where it came in, reg15 where it goes, reg11 to reg13 zones.  10.0.0.100:80 is
balanced by a select group whose buckets commit; who is sent to itself has hairpin flows that are learned.  172.16.0.1 hides vm1,
172.16.0.50 is vm2's.  A clone with ct_clear leads from one datapath to the other.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import ct  # noqa: E402
from pipes import Pipes, l4, mac  # noqa: E402

R = "NXM_NX_REG"
VIP, OUT, SNAT, FLOATING = "10.0.0.100", "172.16.0.9", "172.16.0.1", "172.16.0.50"
VM = {1: "10.0.0.1", 2: "10.0.0.2"}
ROUTER, OUTSIDE = 0xfe, 0x99
ZONE, DZONE, SZONE = (f"zone={R}{n}[0..15]" for n in (13, 11, 12))


def enter(datapath, port, dnat, snat):
    return (f"load:{dnat}->{R}11[],load:{snat}->{R}12[],load:{datapath}->OXM_OF_METADATA[],load:{port}->{R}14[],load:0->{R}15[],"
            f"load:0->{R}10[],load:0->{R}9[],resubmit(,8)")


HAIRPIN = (f"learn(table=69,delete_learned,idle_timeout=300,OXM_OF_METADATA[],eth_type=0x800,NXM_OF_IP_SRC[],ip_dst={VIP},nw_proto=6,"
           f"NXM_OF_TCP_SRC[]=NXM_OF_TCP_DST[],load:0x1->{R}10[7])")


def switch():
    text = "".join(f"""
    table=0,priority=100,in_port={n},actions=load:{n}->{R}13[],{enter(1, n, 11, 12)}
    table=8,priority=50,metadata=1,reg14={n},dl_src={mac(n)},actions=resubmit(,9)
    table=20,priority=50,metadata=1,dl_dst={mac(n)},actions=load:{n}->{R}15[],resubmit(,37)
    table=37,priority=100,metadata=1,reg15={n},actions=load:{n}->{R}13[],resubmit(,40)
    table=65,priority=100,metadata=1,reg15={n},actions=output:{n}
    """ for n in VM)
    return text + f"""
    table=8,priority=50,metadata=1,reg14=9,actions=resubmit(,9)
    table=9,priority=100,ip,metadata=1,reg14=9,actions=resubmit(,19)
    table=9,priority=95,tcp,metadata=1,nw_src={VM[2]},nw_dst={VIP},tp_src=80,actions=resubmit(,17)
    table=9,priority=90,ip,metadata=1,actions=ct(table=10,{ZONE},nat)
    table=10,priority=120,ct_state=+new+trk,tcp,metadata=1,nw_dst={VIP},tp_dst=80,actions=group:1
    table=10,priority=110,ct_state=+inv+trk,metadata=1,actions=drop
    table=10,priority=100,ct_state=+new+trk,ip,metadata=1,actions=ct(commit,{ZONE},exec(load:0->NXM_NX_CT_MARK[0])),resubmit(,11)
    table=10,priority=100,ct_state=+est+trk,ct_mark=0x2/0x2,ip,metadata=1,actions=load:1->{R}10[3],resubmit(,11)
    table=17,priority=100,ip,metadata=1,actions=load:0->{R}10[7],resubmit(,69),resubmit(,18)
    table=18,priority=110,reg10=0x80/0x80,tcp,metadata=1,actions=ct(table=19,zone={R}12[0..15],nat)
    table=18,priority=100,tcp,metadata=1,nw_src={VM[2]},nw_dst={VM[2]},actions={HAIRPIN},ct(commit,table=19,{SZONE},nat(src={VIP}))
    table=19,priority=100,ip,metadata=1,nw_src={VIP},nw_dst={VM[2]},actions=push:NXM_OF_ETH_SRC[],push:NXM_OF_ETH_DST[],pop:NXM_OF_ETH_SRC[],pop:NXM_OF_ETH_DST[],load:1->{R}10[0],load:2->{R}15[],resubmit(,64)
    table=19,priority=100,ip,metadata=1,nw_src={VM[2]},nw_dst={VM[2]},actions=ct(table=66,{ZONE},nat)
    table=66,priority=100,ip,metadata=1,actions=push:NXM_OF_ETH_SRC[],push:NXM_OF_ETH_DST[],pop:NXM_OF_ETH_SRC[],pop:NXM_OF_ETH_DST[],load:1->{R}10[0],load:2->{R}15[],resubmit(,64)
    table=20,priority=50,metadata=1,dl_dst={mac(ROUTER)},actions=load:9->{R}15[],resubmit(,37)
    table=37,priority=100,metadata=1,reg15=9,actions=resubmit(,65)
    table=40,priority=100,ip,metadata=1,actions=ct(table=41,{ZONE},nat)
    table=41,priority=110,ct_state=+inv+trk,metadata=1,actions=drop
    table=41,priority=100,ct_state=+new+trk,ip,metadata=1,actions=ct(commit,{ZONE},exec(set_field:0x0/0x1->ct_mark,load:0xabc->NXM_NX_CT_LABEL[96..127])),resubmit(,42)
    table=64,priority=100,reg10=0x1/0x1,metadata=1,actions=push:NXM_OF_IN_PORT[],load:0xffff->NXM_OF_IN_PORT[],resubmit(,65),pop:NXM_OF_IN_PORT[]
    table=65,priority=100,metadata=1,reg15=9,actions=clone(ct_clear,{enter(2, 1, 21, 22)})
    """


def router():
    return f"""
    table=0,priority=100,in_port=3,actions={enter(2, 3, 21, 22)}
    table=8,priority=50,metadata=2,dl_dst={mac(ROUTER)},actions=resubmit(,9)
    table=9,priority=100,ip,metadata=2,reg14=3,nw_dst=172.16.0.0/24,actions=ct(table=10,{SZONE},nat)
    table=10,priority=100,ip,metadata=2,reg14=3,nw_dst={FLOATING},actions=ct(commit,table=11,{DZONE},nat(dst={VM[2]}))
    table=12,priority=100,ip,metadata=2,nw_ttl=1,actions=drop
    table=12,priority=50,ip,metadata=2,nw_dst={VM[1]},actions=dec_ttl,mod_dl_src:{mac(ROUTER)},mod_dl_dst:{mac(1)},load:1->{R}15[],resubmit(,13)
    table=12,priority=50,ip,metadata=2,nw_dst={VM[2]},actions=dec_ttl,mod_dl_src:{mac(ROUTER)},mod_dl_dst:{mac(2)},load:1->{R}15[],resubmit(,13)
    table=12,priority=10,ip,metadata=2,nw_dst=172.16.0.0/24,actions=dec_ttl,mod_dl_src:{mac(ROUTER)},mod_dl_dst:{mac(OUTSIDE)},load:3->{R}15[],resubmit(,13)
    table=15,priority=50,ip,metadata=2,reg15=3,actions=check_pkt_larger(1014)->{R}9[1],resubmit(,16)
    table=16,priority=50,ip,metadata=2,reg9=0x2/0x2,actions=drop
    table=20,priority=50,metadata=2,actions=resubmit(,37)
    table=37,priority=50,metadata=2,actions=resubmit(,40)
    table=40,priority=100,ip,metadata=2,reg15=3,nw_src={VM[2]},actions=ct(table=41,{DZONE},nat)
    table=41,priority=100,ip,metadata=2,reg15=3,nw_src={VM[2]},actions=ct(commit,table=42,{SZONE},nat(src={FLOATING}))
    table=41,priority=90,ip,metadata=2,reg15=3,nw_src=10.0.0.0/24,actions=ct(commit,table=42,{SZONE},nat(src={SNAT}))
    table=65,priority=100,metadata=2,reg15=3,actions=output:3
    table=65,priority=100,metadata=2,reg15=1,actions=clone(ct_clear,{enter(1, 9, 11, 12)})
    """


def chain():
    stages = [n for n in range(8, 65) if n not in (8, 20)]
    text = "".join(f"table={n},priority=0,actions=resubmit(,{n + 1})\n" for n in stages if n + 1 <= 65 and n != 37)
    return text + "table=8,priority=0,actions=drop\ntable=20,priority=0,actions=drop\ntable=37,priority=0,actions=drop\ntable=69,priority=0,actions=drop\n"


def balancer(*to):
    return "group_id=1,type=select" + "".join(f",bucket=weight=100,actions=ct(commit,table=11,{ZONE},nat(dst={a}),exec(load:1->NXM_NX_CT_MARK[1]))" for a in to)


def talk(lab, pipes, text, there, back, sport, dport):
    """there, back: what l4() takes first, and the port."""
    (p, a), (q, b) = there, back
    steps = (("SYN", p, a, dict(flags="S", seq=100), sport, dport), ("SYN ACK", q, b, dict(flags="SA", seq=900, ack=101), dport, sport),
             ("ACK", p, a, dict(flags="A", seq=101, ack=901), sport, dport), ("data", p, a, dict(flags="PA", seq=101, ack=901, data=bytes(9)), sport, dport),
             ("answer", q, b, dict(flags="A", seq=901, ack=110), dport, sport))
    for what, where, ends, more, s, d in steps:
        lab.verdict(f"{text}: {what}", pipes.send(where, l4(*ends, what="tcp", sport=s, dport=d, **more)))


def test(lab):
    v = lab.verdict
    pipes = Pipes(lab, 3)
    pipes.flows(chain() + switch() + router(), [balancer(f"{VM[2]}:80")])
    talk(lab, pipes, "VM to VM", (1, (1, 2, VM[1], VM[2])), (2, (2, 1, VM[2], VM[1])), 1001, 80)
    v("a MAC that is not the port's", pipes.send(1, l4(7, 2, VM[1], VM[2])), "-")
    talk(lab, pipes, "to the balancer", (1, (1, 2, VM[1], VIP)), (2, (2, 1, VM[2], VM[1])), 1002, 80)
    talk(lab, pipes, "out, by the hiding address", (1, (1, ROUTER, VM[1], OUT)), (3, (OUTSIDE, ROUTER, OUT, SNAT)), 1003, 443)
    talk(lab, pipes, "in, by vm2's address", (3, (OUTSIDE, ROUTER, OUT, FLOATING)), (2, (2, ROUTER, VM[2], OUT)), 1004, 22)
    talk(lab, pipes, "out, by vm2's address", (2, (2, ROUTER, VM[2], OUT)), (3, (OUTSIDE, ROUTER, OUT, FLOATING)), 1005, 443)
    v("in, by the hiding address: nothing begins there", pipes.send(3, l4(OUTSIDE, ROUTER, OUT, SNAT, "tcp", 1006, 22)))
    v("out, of 1,014 bytes", pipes.send(1, l4(1, ROUTER, VM[1], OUT, sport=1007, data=bytes(1014 - 42))))
    v("out, of 1,015 bytes", pipes.send(1, l4(1, ROUTER, VM[1], OUT, sport=1007, data=bytes(1015 - 42))))
    v("out, with the last hop", pipes.send(1, l4(1, ROUTER, VM[1], OUT, sport=1008, ttl=1)))
    v("ping out", pipes.send(1, l4(1, ROUTER, VM[1], OUT, "icmp", sport=7)))
    v("ping back", pipes.send(3, l4(OUTSIDE, ROUTER, OUT, SNAT, "icmp", sport=7, type_=0)))
    v("the connections", pipes.connections())
    # vm2 asks the balancer, and is sent to itself.
    hair = dict(what="tcp", sport=1009, dport=80)
    v("hairpin: SYN comes back from the balancer's address", pipes.send(2, l4(2, 2, VM[2], VIP, flags="S", seq=100, **hair)))
    pipes.learned(69, "tp_src=80")
    v("hairpin: what was learned", [x for x in pipes.table(69) if "tp_src" in x])
    v("hairpin: SYN ACK", pipes.send(2, l4(2, 2, VM[2], VIP, what="tcp", sport=80, dport=1009, flags="SA", seq=900, ack=101)))
    v("hairpin: ACK", pipes.send(2, l4(2, 2, VM[2], VIP, flags="A", seq=101, ack=901, **hair)))
    v("hairpin: the connections", [c for c in pipes.connections() if "1009" in c])


if __name__ == "__main__":
    ct.main(test)
