#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX pipelines of others: Neutron's Open vSwitch agent and its firewall
"""The flows of Neutron's Open vSwitch agent and of its firewall driver, at Weft and at Open vSwitch.

    vm1 10.0.0.1 --- 1 [ br-int ] 3 --- the rest of network 1, VLAN 1 there: 10.0.0.9, 10.0.0.8
    vm2 10.0.0.2 --- 2 [        ]

Tables are the agent's: 24, 25 against spoofing, 60, 71 to 73 out of a VM, 81, 82 into it, 91 to 94 accepted and dropped;
reg5 is the port, reg6 the network and the zone.  Then a br-tun that learns in table 20.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import ct  # noqa: E402
from pipes import Pipes, arp, l4, mac  # noqa: E402

REG = "NXM_NX_REG"
ZONE = "zone=NXM_NX_REG6[0..15]"
ADDRESS = {1: "10.0.0.1", 2: "10.0.0.2", 9: "10.0.0.9", 8: "10.0.0.8"}
NET = 1


def port(n):
    """What the agent installs for a VM's port."""
    m, a = mac(n), ADDRESS[n]
    return f"""
    table=0,priority=10,arp,in_port={n},actions=resubmit(,24)
    table=0,priority=9,in_port={n},actions=resubmit(,25)
    table=24,priority=2,arp,in_port={n},arp_spa={a},actions=resubmit(,25)
    table=25,priority=2,in_port={n},dl_src={m},actions=resubmit(,60)
    table=60,priority=100,in_port={n},actions=load:{n}->{REG}5[],load:{NET}->{REG}6[],resubmit(,71)
    table=60,priority=90,dl_vlan={NET},dl_dst={m},actions=load:{n}->{REG}5[],load:{NET}->{REG}6[],strip_vlan,resubmit(,81)
    table=71,priority=95,arp,reg5={n},in_port={n},dl_src={m},arp_spa={a},actions=resubmit(,94)
    table=71,priority=80,udp,reg5={n},in_port={n},tp_src=68,tp_dst=67,actions=resubmit(,73)
    table=71,priority=70,udp,reg5={n},in_port={n},tp_src=67,tp_dst=68,actions=resubmit(,93)
    table=71,priority=65,ip,reg5={n},in_port={n},dl_src={m},nw_src={a},actions=ct(table=72,{ZONE})
    table=71,priority=10,reg5={n},in_port={n},actions=resubmit(,93)
    table=72,priority=50,ct_state=+inv+trk,actions=resubmit(,93)
    table=72,priority=50,ct_mark=0x1,reg5={n},actions=resubmit(,93)
    table=72,priority=50,ct_state=+est-rel+rpl,ct_zone={NET},ct_mark=0,reg5={n},actions=resubmit(,94)
    table=72,priority=50,ct_state=-new-est+rel-inv,ct_zone={NET},ct_mark=0,reg5={n},actions=resubmit(,94)
    table=72,priority=40,ct_state=-est,reg5={n},actions=resubmit(,93)
    table=72,priority=40,ct_state=+est,ip,reg5={n},actions=ct(commit,{ZONE},exec(load:0x1->NXM_NX_CT_MARK[]))
    table=73,priority=100,reg6={NET},dl_dst={m},actions=load:{n}->{REG}5[],resubmit(,81)
    table=73,priority=90,ct_state=+new-est,ip,reg5={n},actions=ct(commit,{ZONE}),resubmit(,91)
    table=73,priority=80,reg5={n},actions=resubmit(,94)
    table=81,priority=100,arp,reg5={n},actions=output:{n}
    table=81,priority=95,udp,reg5={n},tp_src=67,tp_dst=68,actions=output:{n}
    table=81,priority=90,ct_state=-trk,ip,reg5={n},actions=ct(table=82,{ZONE})
    table=81,priority=80,ct_state=+trk,reg5={n},actions=resubmit(,82)
    table=82,priority=50,ct_state=+inv+trk,actions=resubmit(,93)
    table=82,priority=50,ct_mark=0x1,reg5={n},actions=resubmit(,93)
    table=82,priority=50,ct_state=+est-rel+rpl,ct_zone={NET},ct_mark=0,reg5={n},actions=output:{n}
    table=82,priority=50,ct_state=-new-est+rel-inv,ct_zone={NET},ct_mark=0,reg5={n},actions=output:{n}
    table=82,priority=40,ct_state=-est,reg5={n},actions=resubmit(,93)
    table=82,priority=40,ct_state=+est,ip,reg5={n},actions=ct(commit,{ZONE},exec(load:0x1->NXM_NX_CT_MARK[]))
    table=94,priority=12,reg6={NET},dl_dst={m},actions=output:{n}
    """


def egress(n, match="ip"):
    return f"""
    table=72,priority=74,ct_state=+est-rel-rpl,{match},reg5={n},actions=resubmit(,73)
    table=72,priority=74,ct_state=+new-est,{match},reg5={n},actions=resubmit(,73)
    """


def ingress(n, match):
    return f"""
    table=82,priority=77,ct_state=+est-rel-rpl,{match},reg5={n},actions=output:{n}
    table=82,priority=77,ct_state=+new-est,{match},reg5={n},actions=ct(commit,{ZONE}),output:{n},resubmit(,92)
    """


def group(n, members, match, conj):
    """Of the members of a remote group, what matches."""
    text = f"""
    table=82,priority=73,conj_id={conj},ct_state=+est-rel-rpl,ip,reg5={n},actions=load:{conj}->{REG}7[],output:{n}
    table=82,priority=73,conj_id={conj + 1},ct_state=+new-est,ip,reg5={n},actions=load:{conj}->{REG}7[],ct(commit,{ZONE}),output:{n},resubmit(,92)
    """
    for state, i in (("+est-rel-rpl", conj), ("+new-est", conj + 1)):
        text += f"table=82,priority=73,ct_state={state},{match},reg5={n},actions=conjunction({i},2/2)\n"
        for a in members:
            text += f"table=82,priority=73,ct_state={state},ip,reg6={NET},nw_src={a},actions=conjunction({i},1/2)\n"
    return text


BASE = f"""
    table=0,priority=0,actions=resubmit(,58)
    table=58,priority=0,actions=resubmit(,60)
    table=23,priority=0,actions=drop
    table=24,priority=0,actions=drop
    table=60,priority=3,actions=output:3
    table=71,priority=110,ct_state=+trk,actions=ct_clear,resubmit(,71)
    table=71,priority=0,actions=drop
    table=72,priority=0,actions=drop
    table=73,priority=0,actions=drop
    table=81,priority=0,actions=drop
    table=82,priority=0,actions=drop
    table=91,priority=1,actions=resubmit(,94)
    table=92,priority=0,actions=drop
    table=93,priority=0,actions=drop
    table=94,priority=10,reg6={NET},dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,actions=push_vlan:0x8100,set_field:{4096 + NET}->vlan_vid,output:3
    table=94,priority=10,reg6={NET},dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=output:1,output:2,push_vlan:0x8100,set_field:{4096 + NET}->vlan_vid,output:3
    table=94,priority=1,actions=drop
"""


class Firewall:
    def __init__(self, lab, pipes):
        self.lab, self.pipes = lab, pipes

    def go(self, text, a, b, **what):
        """From host a to b, as its port sees it."""
        outside = a > 2
        f = l4(a, b, ADDRESS[a], ADDRESS[b], vlan=NET if outside else None, **what)
        came = self.pipes.send(3 if outside else a, f)
        self.lab.verdict(text, came)
        return came

    def talk(self, text, a, b, dport, sport):
        """The beginning of a TCP connection, and some of it."""
        t = dict(what="tcp", sport=sport, dport=dport)
        back = dict(what="tcp", sport=dport, dport=sport)
        self.go(f"{text}: SYN", a, b, flags="S", seq=100, **t)
        self.go(f"{text}: SYN ACK", b, a, flags="SA", seq=900, ack=101, **back)
        self.go(f"{text}: ACK", a, b, flags="A", seq=101, ack=901, **t)
        self.go(f"{text}: data", a, b, flags="PA", seq=101, ack=901, data=bytes(10), **t)
        self.go(f"{text}: its answer", b, a, flags="A", seq=901, ack=111, **back)


def firewall(lab, pipes):
    fw, v = Firewall(lab, pipes), lab.verdict
    pipes.flows(BASE + port(1) + port(2))
    v("ARP from a VM to all", pipes.send(1, arp(1, "ff:ff:ff:ff:ff:ff", ADDRESS[1], ADDRESS[2])))
    v("ARP of another's address", pipes.send(1, arp(1, "ff:ff:ff:ff:ff:ff", ADDRESS[2], ADDRESS[9])), "-")
    v("ARP into a VM", pipes.send(3, arp(9, 1, ADDRESS[9], ADDRESS[1], vlan=NET)))
    v("a frame from another's MAC", pipes.send(1, l4(2, 9, ADDRESS[1], ADDRESS[9])), "-")
    v("a packet from another's address", pipes.send(1, l4(1, 9, ADDRESS[2], ADDRESS[9])), "-")
    fw.talk("no rule", 1, 9, 80, 1001)
    v("no rule: from a DHCP client", pipes.send(1, l4(1, 9, ADDRESS[1], ADDRESS[9], sport=68, dport=67)))
    v("no rule: from a VM as a DHCP server", pipes.send(1, l4(1, 9, ADDRESS[1], ADDRESS[9], sport=67, dport=68)), "-")
    pipes.flows(BASE + port(1) + port(2) + egress(1) + egress(2) + ingress(1, "tcp,tp_dst=22") + group(2, (ADDRESS[1], ADDRESS[8]), "tcp,tp_dst=80", 10))
    fw.talk("out", 1, 9, 80, 1002)
    fw.talk("in, port 22", 9, 1, 22, 1003)
    fw.talk("in, port 23", 9, 1, 23, 1004)
    fw.talk("VM to VM, of the group", 1, 2, 80, 1005)
    fw.talk("VM to VM, of the group, another port", 1, 2, 81, 1006)
    fw.talk("from outside, of the group", 8, 2, 80, 1007)
    fw.talk("from outside, not of the group", 9, 2, 80, 1008)
    fw.talk("VM to VM, port 22", 2, 1, 22, 1009)
    fw.go("UDP out", 1, 9, sport=2000, dport=53)
    fw.go("UDP back", 9, 1, sport=53, dport=2000)
    fw.go("UDP back, another port", 9, 1, sport=53, dport=2001)
    fw.go("an answer to nothing", 9, 1, what="tcp", flags="SA", seq=1, ack=2, sport=80, dport=1999)
    fw.go("ping out", 1, 9, what="icmp", sport=7)
    fw.go("ping back", 9, 1, what="icmp", sport=7, type_=0)
    v("the connections", pipes.connections())
    # The rule goes: what it had let in is marked by its next packet, and dropped.
    pipes.lab.ofctl("del-flows", "table=82,tcp,tp_dst=22,reg5=1")
    pipes.settle()
    for i in (1, 2):
        fw.go(f"port 22 without its rule, packet {i}", 9, 1, what="tcp", sport=1003, dport=22, flags="A", seq=111, ack=901)
    fw.go("port 22 without its rule: the other way", 1, 9, what="tcp", sport=22, dport=1003, flags="A", seq=901, ack=111)
    fw.go("port 22 without its rule: another connection", 9, 1, what="tcp", sport=1010, dport=22, flags="S", seq=1)
    fw.go("what another rule let in goes on", 9, 1, what="tcp", sport=80, dport=1002, flags="A", seq=901, ack=111)
    v("the connections, one marked", [c for c in pipes.connections() if "mark=1" in c])
    # It comes back, and the mark stays.
    lab.flows(ingress(1, "tcp,tp_dst=22"), keep=True)
    fw.go("the rule is back: what is marked", 9, 1, what="tcp", sport=1003, dport=22, flags="A", seq=111, ack=901)
    fw.talk("the rule is back: what is new", 9, 1, 22, 1011)
    # A member leaves the group.
    pipes.lab.ofctl("del-flows", f"table=82,ip,nw_src={ADDRESS[8]}")
    pipes.settle()
    fw.go("a member has left the group", 8, 2, what="tcp", sport=1007, dport=80, flags="A", seq=111, ack=901)
    fw.go("one has not", 1, 2, what="tcp", sport=1005, dport=80, flags="A", seq=111, ack=901)


LEARN = ("learn(table=20,hard_timeout=300,priority=1,cookie=0x1234,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
         "load:0->NXM_OF_VLAN_TCI[],load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[],output:OXM_OF_IN_PORT[])")
TUNNELS = f"""
    table=0,priority=1,in_port=1,actions=resubmit(,2)
    table=0,priority=1,in_port=2,actions=resubmit(,4)
    table=0,priority=1,in_port=3,actions=resubmit(,4)
    table=0,priority=0,actions=drop
    table=2,priority=0,dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,actions=resubmit(,20)
    table=2,priority=0,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=resubmit(,22)
    table=4,priority=1,tun_id=0x0,actions=push_vlan:0x8100,set_field:4097->vlan_vid,resubmit(,9)
    table=4,priority=0,actions=drop
    table=9,priority=0,actions=resubmit(,10)
    table=10,priority=1,actions={LEARN},output:1
    table=20,priority=0,actions=resubmit(,22)
    table=22,priority=1,dl_vlan=1,actions=group:1
    table=22,priority=0,actions=drop
"""


def tunnels(lab, pipes):
    """br-tun: 1 is the way to br-int, 2 and 3 lead to other hosts."""
    v = lab.verdict
    buckets = "".join(f",bucket=strip_vlan,set_field:0x64->tun_id,output:{p}" for p in (2, 3))
    pipes.flows(TUNNELS, [f"group_id=1,type=all{buckets}"])
    v("br-tun: to all", pipes.send(1, arp(1, "ff:ff:ff:ff:ff:ff", ADDRESS[1], ADDRESS[9], vlan=1)))
    v("br-tun: to whom it does not know", pipes.send(1, l4(1, 9, ADDRESS[1], ADDRESS[9], vlan=1)))
    v("br-tun: from another host", pipes.send(3, l4(9, 1, ADDRESS[9], ADDRESS[1])))
    pipes.learned(20, "output:3")
    v("br-tun: to whom it has heard", pipes.send(1, l4(1, 9, ADDRESS[1], ADDRESS[9], vlan=1)))
    v("br-tun: it has moved", pipes.send(2, l4(9, 1, ADDRESS[9], ADDRESS[1])))
    pipes.learned(20, "output:2")
    v("br-tun: to where it is now", pipes.send(1, l4(1, 9, ADDRESS[1], ADDRESS[9], vlan=1)))
    v("br-tun: another network", pipes.send(1, l4(1, 9, ADDRESS[1], ADDRESS[9], vlan=2)), "-")
    v("br-tun: what was learnt", [x for x in pipes.table(20) if "priority=1" in x])


def test(lab):
    pipes = Pipes(lab, 3)
    firewall(lab, pipes)
    tunnels(lab, pipes)


if __name__ == "__main__":
    ct.main(test)
