# SPDX-License-Identifier: Apache-2.0
"""A switch of several tables for os-ken, as Faucet builds them: VLANs, an ACL, learning in two tables, a group to flood by.

    0 vlan     by port: an untagged frame of an access port is tagged, a trunk's own tags are let in
    1 acl      what is not allowed is dropped
    2 eth_src  known stations go on; of others a copy goes up, and they go on
    3 eth_dst  known stations' ports; the rest floods by the VLAN's group
    4 flood

A station that is quiet for IDLE seconds is forgotten: its entry of table 2 idles out, and the switch says so.
The switch keeps its flows when this application restarts; on connection everything is put there again, in place.
PORTS: "1:10 2:10 3:20 4:10+20t", port and VLAN, or VLANs of a trunk.
"""
import os

from os_ken.base import app_manager
from os_ken.controller import handler, ofp_event
from os_ken.lib.packet import ethernet, packet, vlan
from os_ken.ofproto import ofproto_v1_3 as O
from os_ken.ofproto import ofproto_v1_3_parser as P

VLAN, ACL, SRC, DST, FLOOD = range(5)
IDLE = int(os.environ.get("IDLE", 20))
COOKIE = 0xfa0ce7
PRESENT = O.OFPVID_PRESENT


def ports():
    """{port: (vlans, tagged)}"""
    out = {}
    for word in os.environ["PORTS"].split():
        port, vlans = word.split(":")
        out[int(port)] = ([int(v) for v in vlans.rstrip("t").split("+")], vlans.endswith("t"))
    return out


class Tables(app_manager.OSKenApp):
    OFP_VERSIONS = [O.OFP_VERSION]

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.ports = ports()

    def flow(self, dp, table, priority, match, actions=(), goto=None, **kw):
        inst = [P.OFPInstructionActions(O.OFPIT_APPLY_ACTIONS, list(actions))] if actions else []
        if goto is not None:
            inst.append(P.OFPInstructionGotoTable(goto))
        dp.send_msg(P.OFPFlowMod(dp, table_id=table, priority=priority, match=match, instructions=inst, cookie=COOKIE, **kw))

    def out(self, port):
        """The actions by which a tagged frame leaves a port."""
        return ([] if self.ports[port][1] else [P.OFPActionPopVlan()]) + [P.OFPActionOutput(port)]

    @handler.set_ev_cls(ofp_event.EventOFPSwitchFeatures, handler.CONFIG_DISPATCHER)
    def connected(self, ev):
        dp = ev.msg.datapath
        vlans = sorted({v for vs, _ in self.ports.values() for v in vs})
        for vid in vlans:
            buckets = [P.OFPBucket(actions=self.out(p)) for p, (vs, _) in self.ports.items() if vid in vs]
            for command in (O.OFPGC_ADD, O.OFPGC_MODIFY):  # one of them is right, and the other refused
                dp.send_msg(P.OFPGroupMod(dp, command, O.OFPGT_ALL, vid, buckets))
        for port, (vs, tagged) in self.ports.items():
            if tagged:
                for vid in vs:
                    self.flow(dp, VLAN, 100, P.OFPMatch(in_port=port, vlan_vid=PRESENT | vid), goto=ACL)
            else:
                self.flow(dp, VLAN, 100, P.OFPMatch(in_port=port, vlan_vid=0),
                          [P.OFPActionPushVlan(0x8100), P.OFPActionSetField(vlan_vid=PRESENT | vs[0])], ACL)
        self.flow(dp, ACL, 200, P.OFPMatch(eth_type=0x0800, ip_proto=17, udp_dst=7777))  # dropped
        self.flow(dp, ACL, 0, P.OFPMatch(), goto=SRC)
        self.flow(dp, SRC, 0, P.OFPMatch(), [P.OFPActionOutput(O.OFPP_CONTROLLER, 96)], DST)
        self.flow(dp, DST, 0, P.OFPMatch(), goto=FLOOD)
        for vid in vlans:
            self.flow(dp, FLOOD, 1, P.OFPMatch(vlan_vid=PRESENT | vid), [P.OFPActionGroup(vid)])
        dp.send_msg(P.OFPBarrierRequest(dp))

    @handler.set_ev_cls(ofp_event.EventOFPBarrierReply, handler.MAIN_DISPATCHER)
    def ready(self, ev):
        self.logger.info("ready")

    @handler.set_ev_cls(ofp_event.EventOFPErrorMsg, [handler.CONFIG_DISPATCHER, handler.MAIN_DISPATCHER])
    def refused(self, ev):
        known = ev.msg.type == O.OFPET_GROUP_MOD_FAILED and ev.msg.code in (O.OFPGMFC_GROUP_EXISTS, O.OFPGMFC_UNKNOWN_GROUP)
        self.logger.info("%s type %u code %u", "expected refusal" if known else "error", ev.msg.type, ev.msg.code)

    @handler.set_ev_cls(ofp_event.EventOFPPacketIn, handler.MAIN_DISPATCHER)
    def learn(self, ev):
        m, dp = ev.msg, ev.msg.datapath
        if m.table_id != SRC or m.reason != O.OFPR_NO_MATCH or m.cookie != COOKIE:
            self.logger.info("error: a packet-in of table %u, reason %u, cookie %x", m.table_id, m.reason, m.cookie)
            return
        p = packet.Packet(m.data)
        eth, tag = p.get_protocol(ethernet.ethernet), p.get_protocol(vlan.vlan)
        port, vid = m.match["in_port"], PRESENT | tag.vid
        self.logger.info("learnt %s on %u, VLAN %u", eth.src, port, tag.vid)
        self.flow(dp, SRC, 100, P.OFPMatch(in_port=port, vlan_vid=vid, eth_src=eth.src), goto=DST, idle_timeout=IDLE,
                  flags=O.OFPFF_SEND_FLOW_REM)
        self.flow(dp, DST, 100, P.OFPMatch(vlan_vid=vid, eth_dst=eth.src), self.out(port))

    @handler.set_ev_cls(ofp_event.EventOFPFlowRemoved, handler.MAIN_DISPATCHER)
    def forget(self, ev):
        m = ev.msg
        self.logger.info("forgotten %s after %u packets", m.match["eth_src"], m.packet_count)
        m.datapath.send_msg(P.OFPFlowMod(m.datapath, table_id=DST, command=O.OFPFC_DELETE, out_port=O.OFPP_ANY, out_group=O.OFPG_ANY,
                                         match=P.OFPMatch(vlan_vid=m.match["vlan_vid"], eth_dst=m.match["eth_src"])))
