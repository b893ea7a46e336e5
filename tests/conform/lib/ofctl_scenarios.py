# SPDX-License-Identifier: Apache-2.0
"""The command lines of four_pairs.py: (scenario, steps).

A step is "COMMAND ARG... <<< STANDARD-INPUT +MARK": SW stands for the switch; a mark is for ofctl_differences.py to tell
steps apart.  Files are in FILES.
"""
import struct

FRAME = "0102030405060708090a0b0c08004500001c00010000401100000a0000010a0000020035003600080000"


def pcap(frames):
    return struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) + b"".join(
        struct.pack("<IIII", 1, 0, len(f), len(f)) + f for f in frames)


def tcp(port, payload, seq):
    """A segment from a switch to its controller."""
    t = struct.pack("!HHIIBBHHH", 40000, port, seq, 0, 0x50, 0x18, 65535, 0, 0) + payload
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(t), 1, 0, 64, 6, 0, 0x0a000001, 0x0a000002)
    return bytes(12) + b"\x08\x00" + ip + t


MESSAGES = b"".join(bytes.fromhex(m) for m in ("0400000800000001", "0402000a000000026162", "0414000800000003", "0415000800000003"))

FILES = {
    "flows": """# one of each
priority=10,in_port=p1,ip,nw_dst=10.0.0.0/8,actions=dec_ttl,output:2
add table=1,priority=7,dl_vlan=5,actions=pop_vlan,output:2
cookie=0x55,idle_timeout=300,hard_timeout=400,send_flow_rem,tcp,tp_dst=80,actions=set_field:1->reg0,goto_table:3

table=3,arp,arp_op=1,actions=move:arp_sha->arp_tha,load:2->arp_op,IN_PORT
table=3,priority=0,actions=controller:128
table=4,udp6,ipv6_dst=fe80::/10,actions=write_actions(group:1),write_metadata:5/0xff,goto_table:5
table=5,metadata=5/0xf,tun_id=7,actions=push_vlan:0x8100,set_field:4105->vlan_vid,NORMAL
table=6,icmp6,icmp_type=135,nd_target=::1,actions=meter:1,LOCAL
table=7,actions=FLOOD,clear_actions,write_actions(output:1)
""",
    "plain": """priority=10,in_port=1,ip,nw_dst=10.0.0.0/8,actions=dec_ttl,output:2
table=1,priority=7,dl_vlan=5,actions=pop_vlan,output:2
cookie=0x55,idle_timeout=300,hard_timeout=400,tcp,tp_dst=80,actions=set_field:1->reg0,goto_table:3
table=3,arp,arp_op=1,actions=IN_PORT
table=3,priority=0,actions=drop
""",
    "other": """priority=10,in_port=1,ip,nw_dst=10.0.0.0/8,actions=output:2
table=1,priority=8,dl_vlan=5,actions=pop_vlan,output:2
cookie=0x56,idle_timeout=300,hard_timeout=400,tcp,tp_dst=80,actions=set_field:1->reg0,goto_table:3
table=3,priority=0,actions=drop
""",
    "mixed": """add table=1,priority=5,ip,actions=output:1
table=1,priority=6,ip,actions=output:2
modify table=1,ip,actions=output:3
modify_strict table=1,priority=6,ip,actions=drop
add table=2,tcp,actions=drop
add table=2,udp,actions=drop
delete table=2,tcp
delete_strict table=2,priority=1,udp
""",
    "refused": "table=9,actions=output:1\ntable=9,actions=group:77\ntable=9,tcp,actions=output:2\n",
    "syntax": "table=9,actions=output:1\ntable=9,nonsense=1,actions=output:2\n",
    "groups": "group_id=3,type=all,bucket=output:1,bucket=output:2\nadd group_id=2,type=select,bucket=weight:7,output:1,bucket=output:2\n"
              "group_id=4,type=indirect,bucket=output:1\nmodify group_id=4,type=indirect,bucket=output:2\ndelete group_id=3\n",
    "bundle": "group group_id=5,type=all,bucket=output:1\nflow table=7,actions=group:5\nflow add table=7,ip,actions=drop\n"
              "flow modify table=7,ip,actions=output:1\ngroup modify group_id=5,type=all,bucket=output:2\nflow delete table=9\n"
              "flow modify_strict table=7,priority=9,actions=drop\nflow delete_strict table=7,priority=9\ngroup delete group_id=6\n",
    "bundle.bad": "flow add table=7,actions=output:1\nflow add table=7,tcp,actions=group:99\n",
    "packets": "packet-out in_port=1 packet=%s actions=output:2\nflow table=8,actions=drop\n" % FRAME,
    "empty": "# nothing\n\n",
    "messages": MESSAGES,
    "capture": pcap([tcp(6653, MESSAGES, 1), tcp(6633, MESSAGES[:8], 1), tcp(80, MESSAGES, 1)]),
}

FILL = [
    "add-group SW group_id=1,type=all,bucket=output:1,bucket=output:2",
    "add-group SW group_id=2,type=select,bucket=weight:7,output:1,bucket=output:2",
    "add-group SW group_id=3,type=ff,bucket=watch_port:1,output:1,bucket=watch_group:1,output:2",
    "add-meter SW meter=1,kbps,burst,stats,bands=type=drop,rate=100,burst_size=7",
    "add-flows SW flows",
]
STATE = ["--no-stats --no-names dump-flows SW", "--no-names dump-groups SW", "dump-meters SW"]


SCENARIOS = [
    ("what it is", FILL + [
        "show SW", "--names show SW", "dump-desc SW", "dump-tables SW", "--names dump-tables SW", "dump-table-features SW",
        "dump-ports SW", "--names dump-ports SW", "dump-ports SW 1", "dump-ports SW LOCAL", "--names dump-ports SW p1", "dump-ports SW nosuch",
        "dump-ports SW 77", "dump-ports-desc SW", "--names dump-ports-desc SW", "dump-ports-desc SW 2", "dump-ports-desc SW p2",
        "dump-ports-desc SW nosuch", "dump-ports-desc SW ANY", "get-frags SW", "probe SW", "ping SW", "ping SW 16", "benchmark SW 10 3",
        "queue-stats SW", "queue-stats SW ALL", "queue-stats SW ALL ALL", "queue-stats SW 1", "queue-stats SW 1 2", "queue-stats SW nosuch",
        "queue-stats SW 77", "queue-get-config SW", "queue-get-config SW 1", "queue-get-config SW ANY", "queue-get-config SW 1 ANY",
        "queue-get-config SW 77", "queue-stats SW ANY", "dump-table-desc SW",
    ]),
    ("flows that are there", FILL + [
        "dump-flows SW", "--names dump-flows SW", "--no-names dump-flows SW", "--stats dump-flows SW", "--no-stats dump-flows SW",
        "--names --no-stats dump-flows SW", "--sort dump-flows SW", "--rsort dump-flows SW", "--sort=tcp_dst --rsort=priority dump-flows SW",
        "--rsort=cookie dump-flows SW", "--sort=nosuch dump-flows SW", "--color=never dump-flows SW", "--color=auto dump-flows SW", "--color=always dump-flows SW",
        "--color dump-flows SW", "--color=maybe dump-flows SW",
        "-m dump-flows SW", "dump-flows SW table=3", "dump-flows SW table=255", "dump-flows SW cookie=0x55/-1", "dump-flows SW cookie=0x55", "dump-flows SW out_port=2",
        "dump-flows SW out_port=p1", "dump-flows SW out_group=1", "dump-flows SW table=3,arp", "dump-flows SW tcp", "dump-flows SW ip",
        "dump-flows SW ip,nw_dst=10.0.0.0/8", "dump-flows SW priority=10", "dump-flows SW in_port=p1", "dump-flows SW actions=drop", "dump-flows SW nonsense",
        "dump-flows SW ip,nw_dst=10.0.0.0/8,actions=drop", "dump-flows SW idle_timeout=3",
        "dump-aggregate SW", "dump-aggregate SW table=3", "dump-aggregate SW tcp", "dump-aggregate SW out_port=2", "dump-aggregate SW out_group=1",
        "dump-aggregate SW cookie=0x55/-1", "dump-aggregate SW nonsense", "--names dump-aggregate SW in_port=p1",
        "diff-flows SW SW", "diff-flows SW empty", "diff-flows empty SW", "--names diff-flows SW plain", "diff-flows plain SW", "diff-flows plain plain",
        "diff-flows plain other", "diff-flows plain ./nosuch", "diff-flows ./other plain", "diff-flows nosuch plain",
    ]),
    ("groups and meters that are there", FILL + [
        "dump-groups SW", "--names dump-groups SW", "dump-groups SW 2", "dump-groups SW group_id=2", "dump-groups SW all", "dump-groups SW 77", "dump-groups SW x",
        "dump-group-stats SW", "dump-group-stats SW group_id=2", "dump-group-stats SW 2", "dump-group-stats SW group_id=77", "dump-group-stats SW all",
        "dump-group-features SW", "dump-meters SW", "dump-meter SW meter=1", "dump-meters SW meter=all", "dump-meter SW meter=77", "dump-meters SW 1", "dump-meters SW all",
        "dump-meters SW x", "meter-stats SW", "meter-stats SW meter=1", "meter-stats SW meter=all", "meter-stats SW meter=77", "meter-stats SW 1", "meter-features SW",
        "dump-group-desc SW", "dump-meter SW meter=controller", "meter-stats SW meter=slowpath",
    ]),
    ("add flows", [
        "add-flow SW in_port=1,tcp,tp_dst=7,actions=output:2", "add-flow SW in_port=p1,tcp,tp_dst=8,actions=p2,\"3d\"", "add-flow SW \"in_port=p1,udp,actions=output:\\\"3d\\\"\"",
        "--names --no-stats dump-flows SW", "--no-names add-flow SW in_port=p1,actions=1", "add-flow SW in_port=nosuch,actions=1", "add-flow SW actions=nosuch",
        "add-flow SW - <<< table=1,actions=1\\ntable=2,actions=2\\n", "add-flows SW - <<< table=4,actions=1\\ndelete table=2\\n"] + FILL + ["--no-stats --no-names dump-flows SW"] + STATE + [
        "--bundle add-flows SW plain", "--bundle add-flow SW table=6,actions=1", "add-flows SW mixed"] + STATE + [
        "add-flow SW reset_counts,no_packet_counts,no_byte_counts,check_overlap,send_flow_rem,table=9,actions=drop", "dump-flows SW table=9",
        "add-flow SW importance=7,table=10,actions=drop", "dump-flows SW table=10", "add-flow SW table=11,priority=0,actions=", "dump-flows SW table=11",
        "add-flow SW table=12", "add-flow SW", "add-flow SW a b", "add-flows SW nosuch", "add-flows SW syntax", "add-flows SW empty", "-F OXM-OpenFlow13 add-flow SW actions=1",
        "-F OXM add-flow SW actions=1", "-F NXM add-flow SW actions=1", "-F nosuch add-flow SW actions=1",
    ]),
    ("change and delete flows", ["add-flows SW plain", "mod-flows SW table=3,arp,actions=drop"] + STATE + [
        "--strict mod-flows SW table=3,arp,arp_op=1,actions=output:1", "--strict mod-flows SW table=3,priority=7,arp,arp_op=1,actions=output:2"] + STATE + [
        "--bundle mod-flows SW table=3,actions=output:3", "mod-flows SW cookie=0x55/-1,cookie=0x66,actions=drop", "mod-flows SW cookie=0x66/-1,actions=output:1",
        "mod-flows SW - <<< table=1,actions=output:1\\ntable=3,actions=output:1\\n"] + STATE + [
        "mod-flows SW table=77,actions=drop", "mod-flows SW in_port=1", "mod-flows SW actions=group:9"] + STATE + [
        "del-flows SW cookie=0x66/-1"] + STATE + ["--strict del-flows SW table=3,priority=0"] + STATE + ["del-flows SW table=1"] + STATE + [
        "del-flows SW out_port=1", "del-flows SW out_group=1"] + STATE + ["--bundle add-flows SW plain", "--bundle del-flows SW table=3"] + STATE + [
        "--strict del-flows SW - <<< table=1,priority=7,dl_vlan=5\\ntable=3\\n"] + STATE + ["del-flows SW tcp,actions=drop", "del-flows SW nonsense", "--strict del-flows SW"] + STATE + ["del-flows SW"] + STATE),
    ("replace flows", ["add-flows SW plain", "replace-flows SW other"] + STATE + ["diff-flows SW other", "diff-flows other SW", "--bundle replace-flows SW plain"] + STATE + [
        "--readd replace-flows SW plain", "replace-flows SW - <<< table=1,actions=drop\\n"] + STATE + ["replace-flows SW empty"] + STATE + [
        "replace-flows SW nosuch", "replace-flows SW syntax", "--read-only replace-flows SW plain"] + STATE + ["replace-flows SW refused"]),
    ("groups", [
        "add-group SW group_id=1,type=all,bucket=output:1,bucket=output:2", "add-groups SW groups", "add-group SW - <<< group_id=7,type=all,bucket=1\\ngroup_id=8,type=indirect,bucket=2\\n",
        "--no-names dump-groups SW", "--names dump-groups SW", "mod-group SW group_id=2,type=all,bucket=p1", "--no-names dump-groups SW",
        "mod-group SW group_id=91,type=all,bucket=output:1", "--may-create mod-group SW group_id=92,type=all,bucket=output:1", "--no-names dump-groups SW",
        "--may-create mod-group SW group_id=92,type=all,bucket=output:2", "--no-names dump-groups SW", "--may-create add-group SW group_id=93,type=all,bucket=output:1",
        "--bundle add-group SW group_id=9,type=ff,bucket=watch_port:p1,1,bucket=watch_port:2,2", "--no-names dump-groups SW", "--bundle mod-group SW group_id=9,type=all,bucket=1",
        "--bundle del-groups SW group_id=9", "del-groups SW group_id=7", "del-groups SW 8", "del-group SW group_id=777", "--no-names dump-groups SW", "del-groups SW - <<< group_id=2\\n",
        "--no-names dump-groups SW",
        "add-group SW group_id=0xffffff00,type=all", "add-group SW group_id=22,type=all", "add-group SW group_id=23,type=all,bucket=actions=", "--no-names dump-groups SW", "del-groups SW all", "--no-names dump-groups SW", "del-groups SW", "dump-groups SW",
    ]),
    ("buckets and selection", ["add-group SW group_id=2,type=select,bucket=output:1"] + ["insert-buckets SW group_id=2,command_bucket_id=first,bucket=output:3",
        "insert-buckets SW group_id=2,command_bucket_id=last,bucket=output:1", "remove-buckets SW group_id=2,command_bucket_id=first", "remove-buckets SW group_id=2,command_bucket_id=all",
        "insert-buckets SW group_id=99,command_bucket_id=first,bucket=1", "remove-buckets SW group_id=1,command_bucket_id=7", "bundle SW - <<< group insert_bucket group_id=2,command_bucket_id=first,bucket=1\\n",
        "add-group SW group_id=20,type=select,selection_method=hash,fields(ip_src,ip_dst),bucket=1", "add-group SW group_id=21,type=select,selection_method=dp_hash,bucket=1",
        "add-group SW group_id=14,type=select,selection_method=nosuch,bucket=1"]),
    ("groups that are refused", [
        "add-group SW group_id=1,type=all,bucket=1", "add-group SW group_id=1,type=all,bucket=1", "add-group SW group_id=2,type=indirect,bucket=1,bucket=2", "add-group SW group_id=3,type=indirect",
        "add-group SW group_id=3,type=all,bucket=group:77", "mod-group SW group_id=5,type=all,bucket=1", "add-group SW group_id=6,type=nosuch,bucket=1", "add-group SW type=all,bucket=1",
        "add-group SW group_id=all,type=all,bucket=1", "add-group SW group_id=7", "add-group SW group_id=8,type=ff,bucket=1", "add-group SW group_id=9,type=all,bucket=weight:5,1", "add-group SW group_id=10,type=all,bucket=watch_port:1,1",
        "add-group SW nonsense", "add-group SW group_id=11,type=all,bucket=nonsense", "add-group SW group_id=12,type=all,bucket=goto_table:3", "add-group SW", "add-groups SW nosuch",
        "add-group SW group_id=4294967040,type=all,bucket=1", "add-group SW group_id=13,type=all,command_bucket_id=1,bucket=1", "insert-buckets SW group_id=1,bucket=1",
        "add-group SW group_id=15,type=select,selection_method_param=3,bucket=1",
        "add-group SW group_id=16,type=all,bucket=1,type=all", "add-group SW group_id=17,type=all,bucket=bucket_id:1,actions=1", "mod-group SW group_id=1,type=all,bucket=group:1", "--no-names dump-groups SW",
        "del-groups SW nonsense", "del-groups SW group_id=1,type=all", "add-group SW group_id=18,type=all,bucket=output:77", "dump-groups SW group_id=18",
    ]),
    ("meters", [
        "add-meter SW meter=1,kbps,bands=type=drop,rate=100", "add-meter SW meter=2,pktps,burst,stats,bands=type=drop,rate=100,burst_size=10", "dump-meters SW",
        "mod-meter SW meter=1,pktps,bands=type=drop,rate=9", "dump-meter SW meter=1", "meter-stats SW", "add-flow SW actions=meter:1,output:1", "dump-flows SW", "del-meter SW meter=1", "dump-flows SW", "dump-meters SW",
        "add-meter SW meter=4,kbps,stats,bands=type=drop,rate=100,type=drop,rate=200", "dump-meters SW", "add-meter SW meter=5,kbps,bands=type=dscp_remark,rate=100,prec_level=1", "add-meter SW meter=controller,kbps,bands=type=drop,rate=100", "add-meter SW meter=slowpath,pktps,band=type=drop,rate=100",
        "dump-meters SW +5", "dump-meter SW meter=controller", "del-meters SW", "del-meter SW meter=controller", "del-meter SW meter=slowpath", "dump-meters SW", "del-meters SW", "dump-meters SW",
    ]),
    ("meters that are refused", [
        "add-meter SW meter=1,kbps,band=type=drop,rate=5", "add-meter SW meter=1,kbps,band=type=drop,rate=5", "mod-meter SW meter=5,kbps,band=type=drop,rate=5", "add-meter SW meter=0,kbps,band=type=drop,rate=5",
        "add-meter SW meter=2,band=type=drop,rate=5", "add-meter SW meter=2,kbps", "add-meter SW meter=3,kbps,band=type=nosuch,rate=5", "add-meter SW meter=3,kbps,band=type=drop", "add-meter SW kbps,band=type=drop,rate=5", "add-meter SW nonsense",
        "add-meter SW meter=all,kbps,band=type=drop,rate=5", "add-meter SW meter=4,kbps,pktps,band=type=drop,rate=5", "add-meter SW", "del-meter SW meter=77", "dump-meters SW", "add-meter SW meter=4,kbps,band=type=drop,rate=5,burst_size=3", "dump-meters SW", "del-meter SW x", "add-meter SW meter=4294967040,kbps,band=type=drop,rate=5", "add-flow SW actions=meter:99", "add-meter SW meter=0x10,kbps,band=type=drop,rate=x", "--bundle add-meter SW meter=9,kbps,band=type=drop,rate=5",
    ]),
    ("bundles", ["bundle SW bundle"] + STATE + ["bundle SW bundle.bad"] + STATE + ["bundle SW packets"] + STATE + [
        "bundle SW empty", "bundle SW nosuch", "bundle SW - <<< flow table=1,actions=drop\\n", "bundle SW - <<< nonsense table=1\\n", "bundle SW - <<< group add_or_mod group_id=9,type=all,bucket=1\\n",
        "bundle SW - <<< table=1,actions=drop\\n", "bundle SW", "--read-only bundle SW bundle",
        "--bundle add-flows SW refused", "--bundle add-flows SW syntax", "--bundle packet-out SW in_port=1,packet=%s,actions=2" % FRAME] + STATE),
    ("flows that are refused", [
        "add-flow SW actions=group:77", "add-flow SW actions=meter:77,output:1", "add-flow SW table=254,actions=1", "add-flow SW table=255,actions=1", "add-flow SW table=256,actions=1", "add-flow SW table=5,actions=goto_table:5", "add-flow SW table=5,actions=goto_table:3", "add-flow SW actions=goto_table:255",
        "add-flow SW priority=10,ip,actions=1", "add-flow SW check_overlap,priority=10,tcp,actions=2", "add-flow SW foo=bar,actions=1", "add-flow SW actions=foo", "add-flow SW ip,nw_src=1,actions=1", "add-flow SW ip,nw_src=1.2.3.4/99,actions=1",
        "add-flow SW priority=70000,actions=1", "add-flow SW priority=7", "add-flow SW nw_src=1.2.3.4,actions=1", "add-flow SW tp_dst=80,actions=1", "add-flow SW tcp,tcp_dst=80000,actions=1", "add-flow SW tcp,udp_dst=80,actions=1", "add-flow SW dl_vlan=5000,actions=1",
        "add-flow SW in_port=70000,actions=1", "add-flow SW actions=output:4294967295", "add-flow SW actions=output:77", "add-flow SW actions=set_field:1->nosuch", "add-flow SW actions=set_field:1->tcp_dst", "add-flow SW tcp,actions=set_field:99999->tcp_dst", "add-flow SW actions=set_field:0x800->eth_type",
        "add-flow SW actions=pop_vlan", "add-flow SW actions=push_vlan:0x1234", "add-flow SW actions=pop_mpls:0x800", "add-flow SW actions=dec_ttl", "add-flow SW actions=write_metadata:5,apply_actions(1)", "add-flow SW actions=goto_table:1,output:1", "add-flow SW actions=write_actions(1),write_actions(2)",
        "add-flow SW actions=clear_actions,goto_table:1,goto_table:2", "add-flow SW actions=set_queue:1,output:1", "add-flow SW actions=enqueue:1:2", "add-flow SW ip,ip,actions=1", "add-flow SW ip,arp,actions=1", "add-flow SW tcp,tcp_dst=1,tcp_dst=2,actions=1", "add-flow SW cookie=1/2,actions=1", "add-flow SW idle_timeout=70000,actions=1",
        "add-flow SW actions=resubmit(,300)", "add-flow SW actions=output:reg0[0..99]", "add-flow SW actions=load:5->nosuch[]", "add-flow SW actions=move:reg0->eth_src", "add-flow SW actions=drop,output:1", "add-flow SW actions=output:1,", "add-flow SW actions=note:1", "add-flow SW actions=group:4294967295",
        "add-flow SW actions=controller(max_len=70000)", "add-flow SW actions=controller(nosuch=1)", "add-flow SW out_port=1,actions=1", "add-flow SW duration=3,n_packets=4,n_bytes=5,idle_age=3,hard_age=4,table=8,actions=1", "--no-stats dump-flows SW", "del-flows SW", "add-flows SW refused"]),
    ("ports and fragments", sum(([f"mod-port SW 1 {a}", "dump-ports-desc SW" + (" +down" if a == "down" else "")] for a in ("no-packet-in", "packet-in", "no-receive", "receive", "no-forward", "forward", "down", "up")), []) + [
        "mod-port SW p2 no-forward", "dump-ports-desc SW", "mod-port SW p2 forward", "mod-port SW LOCAL no-packet-in", "dump-ports-desc SW LOCAL", "mod-port SW LOCAL packet-in", "--no-names mod-port SW p2 up", "mod-port SW 77 up", "mod-port SW nosuch up",
        "mod-port SW 1 nosuch", "mod-port SW 1 flood", "mod-port SW 1 no-flood", "mod-port SW 1 stp", "mod-port SW 1 no-stp", "mod-port SW 1 receive-stp", "mod-port SW 1 no-receive-stp", "mod-port SW 1", "--read-only mod-port SW 1 down",
        "set-frags SW drop", "get-frags SW", "set-frags SW normal", "get-frags SW", "set-frags SW reassemble", "get-frags SW +frags", "set-frags SW normal", "set-frags SW nx-match", "get-frags SW +frags", "set-frags SW normal", "set-frags SW nosuch", "--read-only set-frags SW drop", "get-frags SW", "set-frags SW"]),
    ("tables", ["mod-table SW 1 evict", "mod-table SW 1 noevict", "mod-table SW 1 vacancy:20,80", "mod-table SW 1 novacancy", "mod-table SW 1 drop", "mod-table SW 1 continue", "mod-table SW 1 controller", "mod-table SW 1 nosuch", "mod-table SW 300 evict",
        "mod-table SW nosuch evict", "mod-table SW 1 name:acl", "--names dump-tables SW", "mod-table SW 1 name:", "mod-table SW 1", "--read-only mod-table SW 1 evict"]),
    ("packets out", ["add-flow SW in_port=1,actions=output:2", "packet-out SW in_port=1,packet=%s,actions=output:2" % FRAME, "packet-out SW \"in_port=p1 packet=%s actions=p2\"" % FRAME, "packet-out SW in_port=1,packet=%s,actions=TABLE" % FRAME, "packet-out SW in_port=1,packet=%s" % FRAME,
        "packet-out SW 1 output:2 %s" % FRAME, "packet-out SW 1 output:2 %s %s" % (FRAME, FRAME), "packet-out SW none output:2 %s" % FRAME, "packet-out SW controller 2 %s" % FRAME, "packet-out SW LOCAL,2", "packet-out SW 1 2", "packet-out SW nosuch 2 %s" % FRAME, "packet-out SW 1 nosuch %s" % FRAME, "packet-out SW 1 2 zz",
        "packet-out SW in_port=1,packet=zz,actions=2", "packet-out SW packet=%s,actions=2" % FRAME, "packet-out SW in_port=1,actions=2", "packet-out SW in_port=1,packet=%s,actions=group:77" % FRAME, "packet-out SW in_port=1,packet=%s,actions=goto_table:3" % FRAME, "packet-out SW in_port=77,packet=%s,actions=2" % FRAME,
        "packet-out SW in_port=1,packet=%s,nonsense=3,actions=2" % FRAME, "packet-out SW in_port=1,packet=%s,reg0=5,actions=2" % FRAME, "packet-out SW in_port=1,packet=0102,actions=2", "--read-only packet-out SW 1 2 %s" % FRAME, "packet-out SW"]),
    ("monitors", FILL + ["-t 1 monitor SW watch:", "-t 1 --no-names monitor SW watch:table=3,!actions", "-t 1 --names monitor SW watch:out_port=2 watch:!initial", "-t 1 -m -P standard monitor SW 65535 watch:tcp",
        "-t 1 -P nxt_packet_in --timestamp monitor SW 65535", "-t 1 monitor SW invalid_ttl", "-t 1 snoop SW", "monitor SW watch:nonsense", "monitor SW watch:table=x", "-t 1 monitor SW resume", "-P nosuch monitor SW"]),
    ("what belongs to other work", ["dump-ipfix-bridge SW", "dump-ipfix-flow SW", "dump-tlv-map SW", "add-tlv-map SW {class=0xffff,type=0,len=4}->tun_metadata0", "del-tlv-map SW"]),
    ("how it is called", ["nosuch SW", "show", "show SW more", "show nosuch", "-O OpenFlow13 show SW extra", "-O OpenFlow10,OpenFlow13 probe SW", "-O nosuch probe SW", "--nosuch probe SW", "-t 5 probe SW", "--timeout=x probe SW", "-t 0 probe SW", "--timestamp probe SW", "-vwarn probe SW", "-v nosuch probe SW", "--verbose=err probe SW", "probe tcp:127.0.0.1:1", "probe ssl:127.0.0.1:1", "probe unix:/nosuch", "-P nosuch monitor SW", "ping SW x", "ping SW 70000", "benchmark SW 1", "benchmark SW 1 0", "--read-only add-flow SW actions=1", "--read-only del-flows SW", "--read-only add-group SW group_id=1,type=all", "--read-only add-meter SW meter=1,kbps", "--read-only dump-flows SW", "--unixctl=ctl probe SW", "--log-file=log2 probe SW", "--syslog-method=null probe SW", "--syslog-target=127.0.0.1:514 probe SW", "--pidfile=pid probe SW", "--ssl-protocols=TLSv1.2 probe SW", "--ssl-ciphers=HIGH probe SW", "--no-chdir probe SW", "monitor SW nosuch", "-t 1 monitor SW watch:nonsense", "-t 1 monitor SW 70000"]),
]

OFFLINE = [
    "ofp-print 0400000800000001", "ofp-print 0400000800000001 0402000a000000026162", "-m ofp-print 0402000a000000026162", "ofp-print zz", "ofp-print", "ofp-parse messages", "ofp-parse nosuch", "ofp-parse - <<< ", "ofp-parse-pcap capture", "ofp-parse-pcap capture 80", "ofp-parse-pcap capture x", "ofp-parse-pcap nosuch",
    "parse-flow in_port=1,actions=2", "parse-flow tcp,tp_dst=80,actions=drop", "parse-flow nonsense", "parse-flow actions=foo", "parse-flows plain", "parse-flows mixed", "parse-flows syntax", "parse-group group_id=1,type=all,bucket=1", "parse-group group_id=1,type=select,bucket=actions=clear_actions", "parse-group nonsense",
    "compose-packet tcp,nw_src=1.2.3.4,tp_dst=80", "compose-packet --pcap tcp", "print-error OFPBIC_BAD_EXP_TYPE", "print-error nosuch", "encode-hello 0x10", "encode-error-reply OFPBIC_DUP_INST 0400000812345678",
    "parse-actions OpenFlow13 <<< 0000001000000001ffff000000000000\\n", "parse-instructions OpenFlow13 <<< 0001000803000000\\n", "parse-oxm OpenFlow13 <<< OXM_OF_IN_PORT(00000001)\\n", "parse-nx-match <<< NXM_OF_IN_PORT(0001)\\n", "parse-key-value a=b,c", "check-vlan 0000 0000",
    "list-commands", "help", "--help", "--version", "-h", "-V", "--option", "", "-m", "parse-packet <<< \\n", "parse-pcap nosuch", "parse-nxm <<< \\n", "parse-ofp10-match <<< \\n",
]
