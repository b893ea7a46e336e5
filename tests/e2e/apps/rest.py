# SPDX-License-Identifier: Apache-2.0
"""os_ken.lib.ofctl_v1_3 over HTTP, in the manner of ofctl_rest: GET or POST /stats/WHAT/DPID[/ID[/ID]],
POST /stats/{flow,group,meter}entry/COMMAND, /stats/portdesc/modify, /stats/role, /stats/experimenter/DPID.

Listens on 127.0.0.1:8080.  GET /errors tells which errors the switch has answered since it was asked last.
"""
import json

from os_ken.base import app_manager
from os_ken.controller import handler, ofp_event
from os_ken.lib import hub
from os_ken.lib import ofctl_v1_3 as C
from os_ken.ofproto import ofproto_v1_3 as O

REPLIES = [getattr(ofp_event, "EventOFP" + n) for n in
           ("DescStatsReply", "FlowStatsReply", "AggregateStatsReply", "TableStatsReply", "TableFeaturesStatsReply", "PortStatsReply",
            "QueueStatsReply", "QueueGetConfigReply", "MeterStatsReply", "MeterFeaturesStatsReply", "MeterConfigStatsReply",
            "GroupStatsReply", "GroupFeaturesStatsReply", "GroupDescStatsReply", "PortDescStatsReply", "RoleReply")]
ASK = {"desc": (C.get_desc_stats, 0), "flow": (C.get_flow_stats, "body"), "aggregateflow": (C.get_aggregate_flow_stats, "body"),
       "table": (C.get_table_stats, 0), "tablefeatures": (C.get_table_features, 0), "port": (C.get_port_stats, 1),
       "portdesc": (C.get_port_desc, 0), "queue": (C.get_queue_stats, 2), "queueconfig": (C.get_queue_config, 1),
       "group": (C.get_group_stats, 1), "groupdesc": (C.get_group_desc, 0), "groupfeatures": (C.get_group_features, 0),
       "meter": (C.get_meter_stats, 1), "meterconfig": (C.get_meter_config, 1), "meterfeatures": (C.get_meter_features, 0),
       "role": (C.get_role, 0)}
DO = {"flowentry": (C.mod_flow_entry, {"add": O.OFPFC_ADD, "modify": O.OFPFC_MODIFY, "modify_strict": O.OFPFC_MODIFY_STRICT,
                                       "delete": O.OFPFC_DELETE, "delete_strict": O.OFPFC_DELETE_STRICT}),
      "groupentry": (C.mod_group_entry, {"add": O.OFPGC_ADD, "modify": O.OFPGC_MODIFY, "delete": O.OFPGC_DELETE}),
      "meterentry": (C.mod_meter_entry, {"add": O.OFPMC_ADD, "modify": O.OFPMC_MODIFY, "delete": O.OFPMC_DELETE})}


class Rest(app_manager.OSKenApp):
    OFP_VERSIONS = [O.OFP_VERSION]

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.dps, self.waiters, self.errors = {}, {}, []
        hub.spawn(hub.WSGIServer(("127.0.0.1", 8080), self.serve).serve_forever)

    @handler.set_ev_cls(ofp_event.EventOFPStateChange, [handler.MAIN_DISPATCHER, handler.DEAD_DISPATCHER])
    def state(self, ev):
        if ev.state == handler.MAIN_DISPATCHER:
            self.dps[ev.datapath.id] = ev.datapath
        else:
            self.dps.pop(ev.datapath.id, None)

    @handler.set_ev_cls(ofp_event.EventOFPErrorMsg, handler.MAIN_DISPATCHER)
    def refused(self, ev):
        self.errors.append((ev.msg.type, ev.msg.code))
        lock, _ = self.waiters.get(ev.msg.datapath.id, {}).pop(ev.msg.xid, (None, None))
        if lock:
            lock.set()

    @handler.set_ev_cls(ofp_event.EventOFPBarrierReply, handler.MAIN_DISPATCHER)
    def barrier_reply(self, ev):
        self.reply(ev)

    @handler.set_ev_cls(REPLIES, handler.MAIN_DISPATCHER)
    def reply(self, ev):
        lock, msgs = self.waiters.get(ev.msg.datapath.id, {}).get(ev.msg.xid, (None, None))
        if lock is None:
            return
        msgs.append(ev.msg)
        if not getattr(ev.msg, "flags", 0) & O.OFPMPF_REPLY_MORE:
            del self.waiters[ev.msg.datapath.id][ev.msg.xid]
            lock.set()

    def confirm(self, dp):
        """Until the switch has done all before."""
        C.ofctl_utils.send_stats_request(dp, dp.ofproto_parser.OFPBarrierRequest(dp), self.waiters, [], self.logger)

    def answer(self, path, body):
        what, args = path[1], path[2:]
        if what in ASK and args and args[0] != "modify":
            ask, extra = ASK[what]
            dp = self.dps[int(args[0])]
            if extra == "body":
                return ask(dp, self.waiters, body)
            return ask(dp, self.waiters, *args[1:1 + extra])
        if what == "experimenter":
            dp = self.dps[int(args[0])]
            C.send_experimenter(dp, body)
        else:
            dp = self.dps[int(body["dpid"])]
            if what == "portdesc":
                C.mod_port_behavior(dp, body)
            elif what == "role":
                C.set_role(dp, body)
            else:
                do, commands = DO[what]
                do(dp, body, commands[args[0]])
        self.confirm(dp)
        return "done"

    def serve(self, env, start):
        path = env["PATH_INFO"].strip("/").split("/")
        n = int(env.get("CONTENT_LENGTH") or 0)
        try:
            if path == ["errors"]:
                out, self.errors = self.errors, []
            elif path == ["switches"]:
                out = list(self.dps)
            else:
                out = self.answer(path, json.loads(env["wsgi.input"].read(n)) if n else {})
        except (KeyError, ValueError, IndexError) as e:
            start("400 Bad Request", [])
            return [repr(e).encode()]
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(out, default=str).encode()]
