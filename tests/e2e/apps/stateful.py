# SPDX-License-Identifier: Apache-2.0
"""A stateful firewall that is a learning switch, for os-ken, by Nicira's actions alone: no packet comes up.

    0 track    IP is tracked in zone 1; ARP goes to 2
    1 allow    what is established; what port 1 begins is committed
    2 learn    the sender's port into table 3, then on to it
    3 bridge   learned stations; the rest floods
"""
from os_ken.base import app_manager
from os_ken.controller import handler, ofp_event
from os_ken.ofproto import ofproto_v1_3 as O
from os_ken.ofproto import ofproto_v1_3_parser as P

TRACK, ALLOW, LEARN, BRIDGE = range(4)
NEW, EST, INV, TRK = 1, 2, 16, 32
COMMIT = 1


def ct(flags=0, table=255):
    return P.NXActionCT(flags=flags, zone_src="", zone_ofs_nbits=1, recirc_table=table, alg=0, actions=[])


def to(table):
    return P.NXActionResubmitTable(in_port=O.OFPP_IN_PORT & 0xffff, table_id=table)


class Stateful(app_manager.OSKenApp):
    OFP_VERSIONS = [O.OFP_VERSION]

    @handler.set_ev_cls(ofp_event.EventOFPSwitchFeatures, handler.CONFIG_DISPATCHER)
    def connected(self, ev):
        dp = ev.msg.datapath

        def flow(table, priority, actions, **match):
            dp.send_msg(P.OFPFlowMod(dp, table_id=table, priority=priority, match=P.OFPMatch(**match),
                                     instructions=[P.OFPInstructionActions(O.OFPIT_APPLY_ACTIONS, actions)]))
        learn = P.NXActionLearn(table_id=BRIDGE, hard_timeout=300, priority=10, specs=[
            P.NXFlowSpecMatch(src=("eth_src_nxm", 0), dst=("eth_dst_nxm", 0), n_bits=48),
            P.NXFlowSpecOutput(src=("in_port_nxm", 0), n_bits=16)])
        flow(TRACK, 10, [ct(table=ALLOW)], eth_type=0x0800)
        flow(TRACK, 10, [to(LEARN)], eth_type=0x0806)
        flow(ALLOW, 10, [to(LEARN)], eth_type_nxm=0x0800, ct_state=(EST | TRK, EST | TRK | INV))
        flow(ALLOW, 10, [ct(COMMIT), to(LEARN)], in_port_nxm=1, eth_type_nxm=0x0800, ct_state=(NEW | TRK, NEW | TRK | INV))
        flow(LEARN, 1, [learn, to(BRIDGE)])
        flow(BRIDGE, 0, [P.OFPActionOutput(O.OFPP_FLOOD)])
        dp.send_msg(P.OFPBarrierRequest(dp))

    @handler.set_ev_cls(ofp_event.EventOFPErrorMsg, [handler.CONFIG_DISPATCHER, handler.MAIN_DISPATCHER])
    def refused(self, ev):
        self.logger.info("error type %u code %u", ev.msg.type, ev.msg.code)

    @handler.set_ev_cls(ofp_event.EventOFPBarrierReply, handler.MAIN_DISPATCHER)
    def ready(self, ev):
        self.logger.info("ready")
