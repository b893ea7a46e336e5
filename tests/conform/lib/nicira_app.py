# SPDX-License-Identifier: Apache-2.0
"""For os-ken: sends a flow for each of nicira_cases.py, reads it back, and writes to $OUT what the switch said of each.

{text: "as it was sent", or what came back, in os-ken's own names, or "error TYPE/CODE"}
"""
import json
import os
import sys

from os_ken.base import app_manager
from os_ken.controller import handler, ofp_event
from os_ken.ofproto import ofproto_v1_3 as O
from os_ken.ofproto import ofproto_v1_3_parser as P

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nicira_cases import cases  # noqa: E402

PLUMBING = ("len", "type", "experimenter", "vendor")


def plain(o):
    """An action, a match, or what is in them, as dicts and lists: field by field."""
    if isinstance(o, (bytes, bytearray)):
        return o.hex()
    if isinstance(o, (list, tuple)):
        return [plain(x) for x in o]
    if isinstance(o, P.OFPMatch):
        return {k: plain(v) for k, v in o.items()}
    if hasattr(o, "__dict__"):
        return {type(o).__name__: {k: plain(v) for k, v in vars(o).items() if k not in PLUMBING}}
    return o


class Nicira(app_manager.OSKenApp):
    OFP_VERSIONS = [O.OFP_VERSION]

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.asked, self.errors, self.flows, self.names = {}, {}, {}, []

    def send(self, dp, msg, about=None):
        dp.set_xid(msg)
        self.asked[msg.xid] = about
        try:
            dp.send_msg(msg)
        except Exception as e:  # os-ken's own limit
            self.errors[about] = f"os-ken cannot write it: {e}"

    @handler.set_ev_cls(ofp_event.EventOFPStateChange, handler.MAIN_DISPATCHER)
    def up(self, ev):
        dp = ev.datapath
        for n, (text, match, actions) in enumerate(cases(), 1):
            self.names.append((text, plain([match, actions])))
            inst = [P.OFPInstructionActions(O.OFPIT_APPLY_ACTIONS, actions)] if actions else []
            self.send(dp, P.OFPFlowMod(dp, cookie=n, priority=n, table_id=0, match=match, instructions=inst), n)
            # One by one: what cannot be read takes no other with it.
            self.send(dp, P.OFPFlowStatsRequest(dp, table_id=0, cookie=n, cookie_mask=(1 << 64) - 1), n)
        self.last = P.OFPBarrierRequest(dp)
        self.send(dp, self.last)

    @handler.set_ev_cls(ofp_event.EventOFPErrorMsg, [handler.CONFIG_DISPATCHER, handler.MAIN_DISPATCHER])
    def refused(self, ev):
        m = ev.msg
        code = f"{m.experimenter:#x}/{m.exp_type}" if m.type == O.OFPET_EXPERIMENTER else m.code
        self.errors[self.asked.get(m.xid)] = f"error {m.type}/{code}"

    @handler.set_ev_cls(ofp_event.EventOFPFlowStatsReply, handler.MAIN_DISPATCHER)
    def stats(self, ev):
        for s in ev.msg.body:
            self.flows[self.asked.get(ev.msg.xid)] = plain([s.match, s.instructions[0].actions if s.instructions else []])

    @handler.set_ev_cls(ofp_event.EventOFPBarrierReply, handler.MAIN_DISPATCHER)
    def done(self, ev):
        said = {}
        for n, (text, sent) in enumerate(self.names, 1):
            came = self.flows.get(n, "nothing")
            said[text] = self.errors.get(n) or ("as it was sent" if came == sent else json.dumps(came, sort_keys=True))
        with open(os.environ["OUT"] + ".new", "w") as f:
            json.dump(said, f)
        os.rename(os.environ["OUT"] + ".new", os.environ["OUT"])
