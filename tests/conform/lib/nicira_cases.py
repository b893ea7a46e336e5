# SPDX-License-Identifier: Apache-2.0
"""Flows with each of Nicira's actions and fields that os-ken has a class or a name for, good ones and bad ones."""
from os_ken.ofproto import nicira_ext as N
from os_ken.ofproto import ofproto_v1_3 as O
from os_ken.ofproto import ofproto_v1_3_parser as P

HRW = 1  # NX_BD_ALG_HRW, which os-ken has no name for
IN_PORT = N.NXM_OF_IN_PORT
ALL = N.ofs_nbits(0, 31)


def ofs(first, last):
    return N.ofs_nbits(first, last)


def ct(actions=(), flags=0, zone=0, source="", table=255, alg=0):
    return P.NXActionCT(flags=flags, zone_src=source, zone_ofs_nbits=zone, recirc_table=table, alg=alg, actions=list(actions))


def nat(flags, **more):
    return P.NXActionNAT(flags=flags, **more)


def learn(*specs, table=1, **more):
    return P.NXActionLearn(table_id=table, specs=list(specs), **more)


def move(src, dst, bits, a=0, b=0):
    return P.NXActionRegMove(src_field=src, dst_field=dst, n_bits=bits, src_ofs=a, dst_ofs=b)


OUT = P.OFPActionOutput(2)
TO_SRC = P.NXFlowSpecMatch(src=("eth_src", 0), dst=("eth_dst", 0), n_bits=48)

ACTIONS = {
    "SetQueue": [P.NXActionSetQueue(queue_id=1), OUT],
    "PopQueue": [P.NXActionPopQueue(), OUT],
    "RegLoad": [P.NXActionRegLoad(ofs_nbits=ofs(4, 31), dst="reg0", value=0x112233), OUT],
    "RegLoad, all of it": [P.NXActionRegLoad(ofs_nbits=ALL, dst="reg15", value=0xffffffff)],
    "RegLoad, one bit": [P.NXActionRegLoad(ofs_nbits=ofs(7, 7), dst="pkt_mark", value=1)],
    "RegLoad, a tunnel's number": [P.NXActionRegLoad(ofs_nbits=ofs(0, 63), dst="tunnel_id_nxm", value=1 << 40)],
    "RegLoad, a value of more bits": [P.NXActionRegLoad(ofs_nbits=ofs(0, 3), dst="reg0", value=16)],
    "RegLoad, beyond the field": [P.NXActionRegLoad(ofs_nbits=ofs(20, 40), dst="reg0", value=1)],
    "RegLoad, a field that is read only": [P.NXActionRegLoad(ofs_nbits=ofs(0, 7), dst="ct_state", value=1)],
    "RegLoad, ct_mark outside of ct": [P.NXActionRegLoad(ofs_nbits=ALL, dst="ct_mark", value=1)],
    "RegLoad2": [P.NXActionRegLoad2(dst="tun_ipv4_src", value="192.168.10.0", mask="255.255.255.0")],
    "RegLoad2, no mask": [P.NXActionRegLoad2(dst="reg3", value=7)],
    "RegLoad2, a tunnel's number": [P.NXActionRegLoad2(dst="tunnel_id_nxm", value=0x700)],
    "RegLoad2, a value beyond its mask": [P.NXActionRegLoad2(dst="reg3", value=7, mask=3)],
    "Note": [P.NXActionNote(note=[0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff])],
    "Note, longer": [P.NXActionNote(note=list(range(14)))],
    "SetTunnel": [P.NXActionSetTunnel(tun_id=0xa)],
    "SetTunnel64": [P.NXActionSetTunnel64(tun_id=0xa << 40)],
    "RegMove": [move("reg0", "reg1", 5, 1, 2)],
    "RegMove, a MAC": [move("eth_src", "eth_dst", 48)],
    "RegMove, metadata": [move("metadata", "tunnel_id_nxm", 64)],
    "RegMove, a label": [move("ct_label", "xxreg0", 128)],
    "RegMove, a state's bits": [move("ct_state", "reg0", 8)],
    "RegMove, a port": [move("in_port_nxm", "reg9", 16)],
    "RegMove, of nothing": [move("reg0", "reg1", 0)],
    "RegMove, beyond the source": [move("eth_type", "reg1", 32)],
    "RegMove, beyond the destination": [move("reg0", "eth_type", 32)],
    "RegMove, to what is read only": [move("reg0", "ct_zone", 16)],
    "RegMove, without what it needs": [move("ipv6_src", "xxreg0", 128)],
    "Resubmit": [P.NXActionResubmit(in_port=8080)],
    "Resubmit, its own port": [P.NXActionResubmit()],
    "ResubmitTable": [P.NXActionResubmitTable(in_port=8080, table_id=10)],
    "ResubmitTable, its own port": [P.NXActionResubmitTable(table_id=30), OUT],
    "ResubmitTable, its own table": [P.NXActionResubmitTable(in_port=3)],
    "OutputReg": [P.NXActionOutputReg(ofs_nbits=ofs(4, 31), src="reg0", max_len=1024)],
    "OutputReg, beyond the field": [P.NXActionOutputReg(ofs_nbits=ofs(24, 47), src="reg0", max_len=0)],
    "OutputReg2": [P.NXActionOutputReg2(ofs_nbits=ofs(0, 15), src="reg0", max_len=1024)],
    "Exit": [OUT, P.NXActionExit()],
    "DecTtl": [P.NXActionDecTtl(), OUT],
    "DecTtlCntIds": [P.NXActionDecTtlCntIds(cnt_ids=[1, 2, 3]), OUT],
    "DecTtlCntIds, one": [P.NXActionDecTtlCntIds(cnt_ids=[7])],
    "DecTtlCntIds, none": [P.NXActionDecTtlCntIds(cnt_ids=[])],
    "Controller": [P.NXActionController(max_len=1024, controller_id=1, reason=O.OFPR_INVALID_TTL)],
    "Controller, as an action": [P.NXActionController(max_len=65535, controller_id=0, reason=O.OFPR_ACTION)],
    "Controller, a reason there is not": [P.NXActionController(max_len=128, controller_id=0, reason=77)],
    "Controller2": [P.NXActionController2(max_len=1024, controller_id=1, reason=O.OFPR_INVALID_TTL, userdata=[10, 11, 12], pause=True)],
    "Controller2, userdata alone": [P.NXActionController2(userdata=[1, 2, 3, 4])],
    "Controller2, pause alone": [P.NXActionController2(pause=True)],
    "Controller2, nothing": [P.NXActionController2()],
    "FinTimeout": [P.NXActionFinTimeout(fin_idle_timeout=30, fin_hard_timeout=60)],
    "Sample": [P.NXActionSample(probability=3, collector_set_id=1, obs_domain_id=2, obs_point_id=3)],
    "Sample, never": [P.NXActionSample(probability=0, collector_set_id=1)],
    "Sample2": [P.NXActionSample2(probability=3, collector_set_id=1, obs_domain_id=2, obs_point_id=3, sampling_port=2)],
    "Conjunction": [P.NXActionConjunction(clause=1, n_clauses=2, id_=10)],
    "Conjunction, two": [P.NXActionConjunction(0, 2, 10), P.NXActionConjunction(1, 3, 11)],
    "Conjunction, and a note": [P.NXActionConjunction(0, 2, 10), P.NXActionNote(note=[1] * 6)],
    "Conjunction, and an output": [P.NXActionConjunction(0, 2, 10), OUT],
    "Conjunction, of one clause": [P.NXActionConjunction(0, 1, 10)],
    "Conjunction, of 65 clauses": [P.NXActionConjunction(0, 65, 10)],
    "Conjunction, a clause beyond": [P.NXActionConjunction(2, 2, 10)],
    "OutputTrunc": [P.NXActionOutputTrunc(port=2, max_len=64)],
    "OutputTrunc, too short": [P.NXActionOutputTrunc(port=2, max_len=10)],
    "OutputTrunc, to all": [P.NXActionOutputTrunc(port=O.OFPP_FLOOD & 0xffff, max_len=64)],
    "StackPush": [P.NXActionStackPush(field="reg2", start=0, end=5)],
    "StackPush and StackPop": [P.NXActionStackPush(field="eth_src", start=0, end=48), P.NXActionStackPop(field="eth_dst", start=0, end=48)],
    "StackPop": [P.NXActionStackPop(field="reg2", start=0, end=5)],
    "StackPush, beyond the field": [P.NXActionStackPush(field="reg2", start=30, end=5)],
    "StackPop, what is read only": [P.NXActionStackPop(field="ct_zone", start=0, end=16)],
    "CTClear": [P.NXActionCTClear(), OUT],
    # ct
    "CT": [ct()],
    "CT, as its manual has it": [ct(flags=1, zone=ofs(4, 19), source="reg0", table=4)],
    "CT, a zone, a table": [ct(zone=9, table=7)],
    "CT, a zone from a register": [ct(zone=ofs(0, 15), source="reg6", table=1)],
    "CT, a zone of 28 bits": [ct(zone=ofs(4, 31), source="reg0", table=4)],
    "CT, a zone from its mark": [ct(zone=ofs(0, 15), source="ct_mark")],
    "CT, commit": [ct(flags=1, zone=1)],
    "CT, commit by force": [ct(flags=3, zone=1)],
    "CT, force without commit": [ct(flags=2)],
    "CT, flags there are not": [ct(flags=0x10)],
    "CT, ftp": [ct(flags=1, alg=21)],
    "CT, tftp": [ct(flags=1, alg=69)],
    "CT, a helper there is not": [ct(flags=1, alg=22)],
    "CT, into its own table": [ct(table=0)],
    "CT, into the last table": [ct(table=254)],
    "CT, nat": [ct([nat(0)], table=1)],
    "CT, SNAT": [ct([nat(1, range_ipv4_min="10.1.12.0", range_ipv4_max="10.1.13.255", range_proto_min=1, range_proto_max=1023)], flags=1)],
    "CT, SNAT, one address": [ct([nat(1, range_ipv4_min="10.1.12.1")], flags=1)],
    "CT, SNAT, one port": [ct([nat(1, range_ipv4_min="10.1.12.1", range_proto_min=77)], flags=1)],
    "CT, DNAT": [ct([nat(2, range_ipv4_min="10.1.12.1", range_proto_min=80)], flags=1, table=2)],
    "CT, DNAT, IPv6": [ct([nat(2, range_ipv6_min="fd00::1", range_ipv6_max="fd00::9", range_proto_min=80, range_proto_max=90)], flags=1)],
    "CT, SNAT, persistent and hash": [ct([nat(1 | 4 | 8, range_ipv4_min="10.1.12.1", range_ipv4_max="10.1.12.9")], flags=1)],
    "CT, SNAT, random": [ct([nat(1 | 16, range_ipv4_min="10.1.12.1", range_ipv4_max="10.1.12.9")], flags=1)],
    "CT, SNAT, random and hash": [ct([nat(1 | 8 | 16, range_ipv4_min="10.1.12.1", range_ipv4_max="10.1.12.9")], flags=1)],
    "CT, SNAT and DNAT at once": [ct([nat(3, range_ipv4_min="10.1.12.1")], flags=1)],
    "CT, SNAT without commit": [ct([nat(1, range_ipv4_min="10.1.12.1")])],
    "CT, SNAT, an empty range": [ct([nat(1, range_ipv4_min="10.1.12.9", range_ipv4_max="10.1.12.1")], flags=1)],
    "CT, SNAT, ports the wrong way round": [ct([nat(1, range_ipv4_min="10.1.12.1", range_proto_min=9, range_proto_max=8)], flags=1)],
    "CT, SNAT, ports alone": [ct([nat(1, range_proto_min=8, range_proto_max=9)], flags=1)],
    "CT, a range without a direction": [ct([nat(0, range_ipv4_min="10.1.12.1")], flags=1)],
    "CT, nat flags there are not": [ct([nat(1 << 8)], flags=1)],
    "CT, nat twice": [ct([nat(0), nat(0)], flags=1)],
    "CT, a mark": [ct([P.NXActionRegLoad(ofs_nbits=ALL, dst="ct_mark", value=5)], flags=1)],
    "CT, bits of a mark": [ct([P.NXActionRegLoad2(dst="ct_mark", value=1, mask=1)], flags=1)],
    "CT, a mark from a register": [ct([move("reg3", "ct_mark", 32)], flags=1)],
    "CT, a label": [ct([P.NXActionRegLoad(ofs_nbits=ofs(64, 95), dst="ct_label", value=0xfeedbeef)], flags=1)],
    "CT, a label, and nat": [ct([P.OFPActionSetField(ct_label=77), nat(2, range_ipv4_min="1.2.3.4")], flags=1, table=5)],
    "CT, a mark, SetField": [ct([P.OFPActionSetField(ct_mark=1)], flags=1)],
    "CT, a mark without commit": [ct([P.OFPActionSetField(ct_mark=7)])],
    "CT, a field of the packet in it": [ct([P.OFPActionSetField(eth_src="02:00:00:00:00:01")], flags=1)],
    "CT, an output in it": [ct([OUT], flags=1)],
    "CT, in CT": [ct([ct()], flags=1)],
    "CT, twice": [ct(flags=1, zone=1), ct(zone=2, table=3)],
    # learn
    "Learn": [learn(P.NXFlowSpecMatch(src=("vlan_vid", 0), dst=("vlan_vid", 0), n_bits=12), TO_SRC,
                    P.NXFlowSpecOutput(src=("in_port_nxm", 0), n_bits=16), table=10, hard_timeout=300)],
    "Learn, as its manual has it": [learn(P.NXFlowSpecMatch(src=0x806, dst=("eth_type_nxm", 0), n_bits=16),
                                          P.NXFlowSpecMatch(src=("reg1", 1), dst=("reg2", 3), n_bits=5),
                                          P.NXFlowSpecMatch(src=("reg3", 1), dst=("reg3", 1), n_bits=5),
                                          P.NXFlowSpecLoad(src=0, dst=("reg4", 3), n_bits=5),
                                          P.NXFlowSpecLoad(src=("reg5", 1), dst=("reg6", 3), n_bits=5),
                                          P.NXFlowSpecOutput(src=("reg7", 1), n_bits=5),
                                          table=10, idle_timeout=0, hard_timeout=0, priority=32768, cookie=0x1122, flags=0)],
    "Learn, all its times": [learn(TO_SRC, idle_timeout=10, hard_timeout=20, fin_idle_timeout=3, fin_hard_timeout=4, priority=9)],
    "Learn, its flags": [learn(TO_SRC, flags=3, cookie=(1 << 64) - 2)],
    "Learn, a flag there is not": [learn(TO_SRC, flags=0x100)],
    "Learn, a wide value": [learn(P.NXFlowSpecMatch(src=0x020000000001, dst=("eth_dst", 0), n_bits=48))],
    "Learn, a value into a label": [learn(TO_SRC, P.NXFlowSpecLoad(src=1 << 70, dst=("xxreg0", 0), n_bits=128))],
    "Learn, a wide register": [learn(P.NXFlowSpecLoad(src=("xxreg0", 0), dst=("xxreg1", 0), n_bits=128))],
    "Learn, nothing": [learn()],
    "Learn, in the last table": [learn(TO_SRC, table=254)],
    "Learn, in table 255": [learn(TO_SRC, table=255)],
    "Learn, beyond a field": [learn(P.NXFlowSpecMatch(src=("reg0", 30), dst=("reg1", 0), n_bits=8))],
    "Learn, load into what is read only": [learn(P.NXFlowSpecLoad(src=("reg0", 0), dst=("ct_zone", 0), n_bits=16))],
    "Learn, without what the field needs": [learn(P.NXFlowSpecMatch(src=("reg0", 0), dst=("ipv6_src", 0), n_bits=32))],
    # bundle, multipath
    "Bundle": [P.NXActionBundle(algorithm=HRW, fields=N.NX_HASH_FIELDS_ETH_SRC, basis=0, slave_type=IN_PORT,
                                n_slaves=2, ofs_nbits=0, dst=0, slaves=[2, 3])],
    "Bundle, active and backup": [P.NXActionBundle(0, N.NX_HASH_FIELDS_ETH_SRC, 7, IN_PORT, 3, 0, 0, [2, 3, 1])],
    "Bundle, an algorithm there is not": [P.NXActionBundle(9, N.NX_HASH_FIELDS_ETH_SRC, 0, IN_PORT, 1, 0, 0, [2])],
    "Bundle, fields there are not": [P.NXActionBundle(1, 99, 0, IN_PORT, 1, 0, 0, [2])],
    "Bundle, a type there is not": [P.NXActionBundle(1, 0, 0, 5, 1, 0, 0, [2])],
    "BundleLoad": [P.NXActionBundleLoad(HRW, N.NX_HASH_FIELDS_ETH_SRC, 0, IN_PORT, 2, ofs(4, 31), "reg0", [2, 3])],
    "BundleLoad, too few bits": [P.NXActionBundleLoad(HRW, 0, 0, IN_PORT, 1, ofs(0, 7), "reg0", [2])],
    "BundleLoad, an algorithm there is not": [P.NXActionBundleLoad(2, 0, 0, IN_PORT, 1, ofs(0, 15), "reg0", [2])],
    "BundleLoad, what is read only": [P.NXActionBundleLoad(HRW, 0, 0, IN_PORT, 1, ofs(0, 15), "ct_zone", [2])],
}
for _name in ("MODULO_N", "HASH_THRESHOLD", "HRW", "ITER_HASH"):
    ACTIONS[f"Multipath, {_name}"] = [P.NXActionMultipath(fields=N.NX_HASH_FIELDS_SYMMETRIC_L4, basis=1024, algorithm=getattr(N, "NX_MP_ALG_" + _name),
                                                          max_link=5, arg=0, ofs_nbits=ofs(4, 31), dst="reg2")]
ACTIONS["Multipath, as its manual has it"] = [P.NXActionMultipath(N.NX_HASH_FIELDS_SYMMETRIC_L4, 1024, N.NX_MP_ALG_HRW, 5, 0, ofs(4, 31), "reg2")]
ACTIONS["Multipath, too few bits"] = [P.NXActionMultipath(1, 0, 0, 5, 0, ofs(0, 1), "reg2")]
ACTIONS["Multipath, an algorithm there is not"] = [P.NXActionMultipath(1, 0, 99, 5, 0, ALL, "reg2")]
ACTIONS["Multipath, fields there are not"] = [P.NXActionMultipath(99, 0, 0, 5, 0, ALL, "reg2")]
for _n in range(6):
    ACTIONS[f"hash fields {_n}"] = [P.NXActionMultipath(_n, 0, 0, 5, 0, ALL, "reg2")]

MPLS = {"PopMpls": [P.NXActionPopMpls(ethertype=0x800), OUT], "SetMplsTtl": [P.NXActionSetMplsTtl(ttl=9), OUT],
        "DecMplsTtl": [P.NXActionDecMplsTtl(), OUT], "SetMplsLabel": [P.NXActionSetMplsLabel(label=77), OUT],
        "SetMplsTc": [P.NXActionSetMplsTc(tc=3), OUT]}
TAIL = {"PushMpls": [P.NXActionPushMpls(ethertype=0x8847), OUT]}

TCP = dict(eth_type=0x0800, ip_proto=6)
LABEL = 0x1234 << 96 | 9
# os-ken writes fields in the order of their numbers, so that those of NXM need what is NXM's, too.
FIELDS = [dict(tunnel_id_nxm=7), dict(tunnel_id_nxm=(0x700, 0xff00)), dict(tun_ipv4_src="192.0.2.1"), dict(tun_ipv4_dst=("192.0.2.0", "255.255.255.0")),
          dict(tun_ipv6_src="fd00::1"), dict(tun_ipv6_dst=("fd00::", "ffff::")), dict(tun_flags=(1, 1)), dict(tun_gbp_id=5), dict(tun_gbp_flags=8),
          dict(pkt_mark=7), dict(pkt_mark=(0x70, 0xf0)), dict(eth_type_nxm=0x800, ip_proto_nxm=6, tcp_flags_nxm=(0x02, 0x12)), dict(eth_type_nxm=0x800, ip_proto_nxm=6, tcp_flags_nxm=0x10),
          dict(conj_id=10), dict(conj_id=0),
          dict(eth_type_nxm=0x800, ct_state=(0x21, 0x21)), dict(ct_state=(0x20, 0x20)), dict(ct_state=0x22), dict(ct_state=(0x100, 0x100)), dict(ct_zone=5),
          dict(ct_mark=1), dict(ct_mark=(1, 1)), dict(ct_label=LABEL), dict(ct_label=(1 << 64, 3 << 64)),
          dict(eth_type_nxm=0x800, ip_frag=1), dict(eth_type_nxm=0x800, ip_frag=(0, 1)), dict(eth_type_nxm=0x800, ip_frag=9),
          dict(eth_type_nxm=0x800, nw_ttl=64), dict(eth_type_nxm=0x800, nw_tos=0xb8), dict(eth_type_nxm=0x800, nw_tos=0xff),
          dict(eth_type_nxm=0x86dd, ipv6_label=77), dict(eth_type_nxm=0x86dd, nw_ttl=1), dict(eth_type_nxm=0x8847, mpls_ttl=3),
          dict(in_port_nxm=3), dict(eth_dst_nxm="02:00:00:00:00:01"), dict(eth_src_nxm=("02:00:00:00:00:00", "ff:00:00:00:00:00")),
          dict(eth_type_nxm=0x88cc), dict(vlan_tci=0x1064), dict(vlan_tci=(0x1000, 0x1000)), dict(vlan_tci=0),
          dict(eth_type_nxm=0x800, ip_proto_nxm=17, udp_src_nxm=53, udp_dst_nxm=54, ipv4_src_nxm="10.0.0.1", ipv4_dst_nxm=("10.1.0.0", "255.255.0.0")),
          dict(eth_type_nxm=0x800, ip_proto_nxm=6, tcp_src_nxm=1, tcp_dst_nxm=(0x100, 0xff00)), dict(eth_type_nxm=0x800, ip_ecn_nxm=2),
          dict(eth_type_nxm=0x800, ip_proto_nxm=1, icmpv4_type_nxm=8, icmpv4_code_nxm=0),
          dict(eth_type_nxm=0x806, arp_op_nxm=1, arp_spa_nxm="10.0.0.1", arp_tpa_nxm="10.0.0.2", arp_sha_nxm="02:00:00:00:00:01", arp_tha_nxm="02:00:00:00:00:02"),
          dict(eth_type_nxm=0x86dd, ip_proto_nxm=58, icmpv6_type_nxm=135, icmpv6_code_nxm=0, nd_target="fd00::1", nd_sll="02:00:00:00:00:01"),
          dict(eth_type_nxm=0x86dd, ip_proto_nxm=58, icmpv6_type_nxm=136, icmpv6_code_nxm=0, nd_target="fd00::1", nd_tll="02:00:00:00:00:01"),
          dict(eth_type_nxm=0x86dd, ipv6_src_nxm="fd00::1", ipv6_dst_nxm=("fd00::", "ffff::")),
          dict(tcp_flags_nxm=2), dict(nw_ttl=3), dict(nsh_spi=3), dict(_recirc_id=1)]
FIELDS += [{f"reg{i}": i + 1} for i in range(16)] + [dict(reg3=(0x100, 0xff00))]
FIELDS += [{f"xxreg{i}": (i + 1) << 70} for i in range(4)] + [dict(xxreg1=(1 << 70, 7 << 70))]
SET = [dict(reg0=5), dict(reg15=0xffffffff), dict(pkt_mark=9), dict(xxreg2=1 << 90), dict(tun_ipv4_dst="192.0.2.1"), dict(tun_ipv6_dst="fd00::1"),
       dict(nw_ttl=9), dict(tun_gbp_id=3), dict(ct_state=1), dict(conj_id=3), dict(tun_flags=1), dict(tunnel_id_nxm=9), dict(eth_dst_nxm="02:00:00:00:00:05"),
       dict(tcp_flags_nxm=2)]


def shown(fields):
    return ", ".join(f"{k}={v}" for k, v in fields.items())


def cases():
    """(what it is, match, actions)"""
    for text, actions in ACTIONS.items():
        yield "NXAction" + text, P.OFPMatch(**TCP), actions
    for text, actions in MPLS.items():
        yield "NXAction" + text, P.OFPMatch(eth_type=0x8847), actions
    for text, actions in TAIL.items():
        yield "NXAction" + text, P.OFPMatch(eth_type=0x800), actions
    for f in FIELDS:
        yield "match " + shown(f), P.OFPMatch(**f), [OUT]
    for f in SET:
        yield "set_field " + shown(f), P.OFPMatch(**TCP), [P.OFPActionSetField(**f)]
