#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX pipelines of others: services, affinity and policies of a cluster; a switch of VLANs that learns
"""Services of a cluster as flows, in the manner of what stands in for kube-proxy, and a learning switch of VLANs; at both switches.

    pod1 10.0.0.1 --- 1 [ node ] 3 --- outside, 192.0.2.9; the node's address is 192.0.2.1
    pod2 10.0.0.2 --- 2 [      ]

10.96.0.10:80 is pod1's or pod2's port 8080, by the asker's address; who has asked once stays there by a learned flow.  The node's
port 30080 is that service, too, with the asker's address hidden.  pod1 may begin toward two addresses at two ports (a conjunction).
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import ct  # noqa: E402
from pipes import Pipes, arp, l4, mac  # noqa: E402

R = "NXM_NX_REG"
SERVICE, NODE, OUT, GATEWAY = "10.96.0.10", "192.0.2.1", "192.0.2.9", "10.0.0.254"
POD = {1: "10.0.0.1", 2: "10.0.0.2"}
HEX = {1: "0x0a000001", 2: "0x0a000002"}
STAY = (f"learn(table=40,hard_timeout=300,priority=200,delete_learned,cookie=0x7,eth_type=0x800,nw_proto=6,NXM_OF_TCP_DST[],NXM_OF_IP_DST[],NXM_OF_IP_SRC[],"
        f"load:{R}3[]->{R}3[],load:{R}4[0..15]->{R}4[0..15],load:0x2->{R}4[16..18])")


def choose(first, second):
    """To which pod the askers with even and with odd addresses go."""
    text = ""
    for last, pod in (("0.0.0.0", first), ("0.0.0.1", second)):
        for to, port in ((SERVICE, 80), (NODE, 30080)):
            text += f"table=41,priority=200,tcp,nw_src={last}/0.0.0.1,nw_dst={to},tp_dst={port},actions=load:{HEX[pod]}->{R}3[],load:8080->{R}4[0..15],{STAY},resubmit(,42)\n"
    return text


def services():
    text = "".join(f"""
    table=0,priority=200,ip,in_port={n},dl_src={mac(n)},nw_src={a},actions=load:{n}->{R}1[],ct(table=30,zone=65520,nat)
    table=42,priority=200,tcp,reg3={HEX[n]},reg4=8080/0xffff,actions=ct(commit,table=50,zone=65520,nat(dst={a}:8080),exec(load:0x1->NXM_NX_CT_MARK[4]))
    table=70,priority=200,ip,nw_dst={a},actions=mod_dl_src:{mac(0xfe)},mod_dl_dst:{mac(n)},dec_ttl,load:{n}->{R}2[],resubmit(,80)
    """ for n, a in POD.items())
    return text + choose(1, 2) + f"""
    table=0,priority=200,ip,in_port=3,actions=load:3->{R}1[],ct(table=20,zone=65521,nat)
    table=0,priority=0,actions=drop
    table=20,priority=0,ip,actions=ct(table=30,zone=65520,nat)
    table=30,priority=210,ct_state=+inv+trk,ip,actions=drop
    table=30,priority=200,ct_state=-new+est+trk,ct_mark=0x10/0x10,ip,actions=resubmit(,50)
    table=30,priority=190,ct_state=-new+est+trk,ip,actions=resubmit(,50)
    table=30,priority=0,actions=resubmit(,40),resubmit(,41)
    table=40,priority=0,actions=drop
    table=41,priority=220,reg4=0x20000/0x70000,actions=resubmit(,42)
    table=41,priority=0,actions=resubmit(,50)
    table=50,priority=210,ct_state=-new+est+trk,ip,actions=resubmit(,60)
    table=50,priority=200,conj_id=5,ip,actions=load:5->{R}6[],resubmit(,60)
    table=50,priority=200,ip,nw_dst={POD[2]},reg1=1,actions=conjunction(5,1/2)
    table=50,priority=200,ip,nw_dst={OUT},reg1=1,actions=conjunction(5,1/2)
    table=50,priority=200,tcp,tp_dst=8080,actions=conjunction(5,2/2)
    table=50,priority=200,tcp,tp_dst=443,actions=conjunction(5,2/2)
    table=50,priority=100,ip,reg1=1,actions=drop
    table=50,priority=0,actions=resubmit(,60)
    table=60,priority=200,ct_state=+new+trk,ct_mark=0/0x10,ip,actions=ct(commit,table=70,zone=65520)
    table=60,priority=0,actions=resubmit(,70)
    table=70,priority=100,ip,actions=mod_dl_src:{mac(0xfe)},mod_dl_dst:{mac(0x99)},dec_ttl,load:3->{R}2[],resubmit(,80)
    table=80,priority=200,ip,reg1=3,reg2=1/0xfffffffe,ct_state=+new+trk,actions=ct(commit,table=90,zone=65521,nat(src={GATEWAY}))
    table=80,priority=200,ip,reg1=3,reg2=2,ct_state=+new+trk,actions=ct(commit,table=90,zone=65521,nat(src={GATEWAY}))
    table=80,priority=190,ip,reg1=3,actions=ct(table=90,zone=65521,nat)
    table=80,priority=0,actions=resubmit(,90)
    table=90,priority=100,actions=output:{R}2[]
    """ + f"""
    table=0,priority=210,tcp,in_port=1,nw_dst={GATEWAY},actions=load:1->{R}1[],ct(table=21,zone=65521,nat)
    table=0,priority=210,tcp,in_port=2,nw_dst={GATEWAY},actions=load:2->{R}1[],ct(table=21,zone=65521,nat)
    table=21,priority=0,ip,actions=ct(table=30,zone=65520,nat)
    """


def talk(lab, pipes, text, there, back, sport, dport, bport):
    (p, a), (q, b) = there, back
    for what, where, ends, more, s, d in (("SYN", p, a, dict(flags="S", seq=100), sport, dport), ("SYN ACK", q, b, dict(flags="SA", seq=900, ack=101), bport, sport),
                                          ("ACK", p, a, dict(flags="A", seq=101, ack=901), sport, dport)):
        lab.verdict(f"{text}: {what}", pipes.send(where, l4(*ends, what="tcp", sport=s, dport=d, **more)))


def cluster(lab, pipes):
    v = lab.verdict
    pipes.flows(services())
    ask1, ask2 = (1, (1, 0xfe, POD[1], SERVICE)), (2, (2, 0xfe, POD[2], SERVICE))
    talk(lab, pipes, "pod1 asks the service", ask1, (2, (2, 0xfe, POD[2], POD[1])), 1001, 80, 8080)
    talk(lab, pipes, "pod2 asks the service", ask2, (1, (1, 0xfe, POD[1], POD[2])), 1002, 80, 8080)
    pipes.learned(40, POD[1], SERVICE)
    pipes.learned(40, POD[2], SERVICE)
    v("affinity: what was learned", [x for x in pipes.table(40) if SERVICE in x])
    lab.flows(choose(2, 1), keep=True)  # others would go elsewhere now
    pipes.settle()
    v("affinity: pod1 asks again", pipes.send(1, l4(*ask1[1], "tcp", 1003, 80)))
    v("affinity: pod2 asks again", pipes.send(2, l4(*ask2[1], "tcp", 1004, 80)))
    outside = (3, (0x99, 0xfe, OUT, NODE))
    talk(lab, pipes, "outside asks the node's port", outside, (1, (1, 0xfe, POD[1], GATEWAY)), 1005, 30080, 8080)
    v("policy: pod1 to outside, 443", pipes.send(1, l4(1, 0xfe, POD[1], OUT, "tcp", 1006, 443)))
    v("policy: pod1 to outside, 80", pipes.send(1, l4(1, 0xfe, POD[1], OUT, "tcp", 1007, 80)), "-")
    v("policy: pod1 to another address, 443", pipes.send(1, l4(1, 0xfe, POD[1], "192.0.2.8", "tcp", 1008, 443)), "-")
    v("policy: pod2 to outside, 80", pipes.send(2, l4(2, 0xfe, POD[2], OUT, "tcp", 1009, 80)))
    v("the connections", pipes.connections())


def vlans(lab, pipes):
    """Ports 1 and 2 are VLAN 10's, port 3 is a trunk.  Tables: VLAN, source (learned), destination (learned), flood."""
    v = lab.verdict
    learn = ("learn(table=3,idle_timeout=300,priority=9,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15])")
    access = "".join(f"""
    table=0,priority=9,in_port={p},vlan_tci=0x0000/0x1fff,actions=push_vlan:0x8100,set_field:4106->vlan_vid,resubmit(,2)
    table=4,priority=9,reg0={p},dl_vlan=10,actions=strip_vlan,output:{p}
    """ for p in (1, 2))
    pipes.flows(access + f"""
    table=0,priority=9,in_port=3,dl_vlan=10,actions=resubmit(,2)
    table=0,priority=0,actions=drop
    table=2,priority=0,actions={learn},resubmit(,3),resubmit(,4)
    table=3,priority=0,actions=load:0->NXM_NX_REG0[0..15]
    table=4,priority=9,reg0=3,actions=output:3
    table=4,priority=8,reg0=0,actions=group:10
    """, ["group_id=10,type=all,bucket=strip_vlan,output:1,bucket=strip_vlan,output:2,bucket=output:3"])
    v("VLANs: a question", pipes.send(1, arp(1, "ff:ff:ff:ff:ff:ff", POD[1], POD[2])))
    pipes.learned(3, "02:00:00:00:00:01")
    v("VLANs: its answer", pipes.send(2, arp(2, 1, POD[2], POD[1], op=2)))
    pipes.learned(3, "02:00:00:00:00:02")
    v("VLANs: known stations", pipes.send(1, l4(1, 2, POD[1], POD[2])))
    v("VLANs: from the trunk", pipes.send(3, l4(9, 1, OUT, POD[1], vlan=10)))
    v("VLANs: from the trunk, another", pipes.send(3, l4(9, 1, OUT, POD[1], vlan=11)), "-")
    pipes.learned(3, "02:00:00:00:00:09")
    v("VLANs: to the trunk", pipes.send(2, l4(2, 9, POD[2], OUT)))
    v("VLANs: what was learned", [x for x in pipes.table(3) if "02:00" in x])


def test(lab):
    pipes = Pipes(lab, 3)
    cluster(lab, pipes)
    vlans(lab, pipes)


if __name__ == "__main__":
    ct.main(test)
