# SPDX-License-Identifier: Apache-2.0
"""A learning switch for os-ken in the manner of simple_switch_13: a table-miss entry sends packets up,
a flow is added once it is known where a destination is.

MISS_LEN: bytes of a packet that the controller wants to see; without it, all (OFPCML_NO_BUFFER).
"""
import os

from os_ken.base import app_manager
from os_ken.controller import handler, ofp_event
from os_ken.lib.packet import ethernet, packet
from os_ken.ofproto import ofproto_v1_3 as O
from os_ken.ofproto import ofproto_v1_3_parser as P

MISS_LEN = int(os.environ.get("MISS_LEN", O.OFPCML_NO_BUFFER))


class Learning(app_manager.OSKenApp):
    OFP_VERSIONS = [O.OFP_VERSION]

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.where = {}

    def add(self, dp, priority, match, actions, buffer_id=O.OFP_NO_BUFFER):
        inst = [P.OFPInstructionActions(O.OFPIT_APPLY_ACTIONS, actions)]
        dp.send_msg(P.OFPFlowMod(dp, priority=priority, match=match, instructions=inst, buffer_id=buffer_id))

    @handler.set_ev_cls(ofp_event.EventOFPSwitchFeatures, handler.CONFIG_DISPATCHER)
    def connected(self, ev):
        dp = ev.msg.datapath
        self.logger.info("switch %016x: %u buffers, %u tables", dp.id, ev.msg.n_buffers, ev.msg.n_tables)
        self.add(dp, 0, P.OFPMatch(), [P.OFPActionOutput(O.OFPP_CONTROLLER, MISS_LEN)])

    @handler.set_ev_cls(ofp_event.EventOFPErrorMsg, [handler.CONFIG_DISPATCHER, handler.MAIN_DISPATCHER])
    def refused(self, ev):
        self.logger.info("error type %u code %u", ev.msg.type, ev.msg.code)

    @handler.set_ev_cls(ofp_event.EventOFPPacketIn, handler.MAIN_DISPATCHER)
    def packet_in(self, ev):
        m, dp = ev.msg, ev.msg.datapath
        eth = packet.Packet(m.data).get_protocols(ethernet.ethernet)[0]
        port = m.match["in_port"]
        stations = self.where.setdefault(dp.id, {})
        stations[eth.src] = port
        out = stations.get(eth.dst, O.OFPP_FLOOD)
        actions = [P.OFPActionOutput(out)]
        self.logger.info("packet-in %s > %s: %u of %u bytes, %s", eth.src, eth.dst, len(m.data), m.total_len,
                         "whole" if m.buffer_id == O.OFP_NO_BUFFER else "buffered")
        if out != O.OFPP_FLOOD:
            self.add(dp, 1, P.OFPMatch(in_port=port, eth_dst=eth.dst, eth_src=eth.src), actions, m.buffer_id)
            if m.buffer_id != O.OFP_NO_BUFFER:
                return  # the flow_mod has sent it
        data = m.data if m.buffer_id == O.OFP_NO_BUFFER else None
        dp.send_msg(P.OFPPacketOut(dp, buffer_id=m.buffer_id, in_port=port, actions=actions, data=data))
