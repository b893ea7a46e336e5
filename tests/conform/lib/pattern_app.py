# SPDX-License-Identifier: Apache-2.0
"""An os-ken application that holds a switch against patterns: what goes in, and what must come out.

Loaded by osken-manager, one process a shard.  Two switches dial in: the target (datapath id 1), and
a tester (2) whose port n is cabled to the target's port n.  Frames enter as packet-outs of the
tester's port 1; all that the tester receives on its ports 2 and 3 it sends up as packet-ins.

PATTERN_JOB names a JSON file: {"out": results, "own": the first of own_patterns.OWN and how far it is to the next, "files": of
each {"path", "is": what its results say of it, "first" and "step": which of its tests}}.  Each result is one JSON line.
"""
import json
import os
import sys
import time

from os_ken.base import app_manager
from os_ken.controller import handler, ofp_event
from os_ken.lib import hub
from os_ken.ofproto import ofproto_v1_3 as O
from os_ken.ofproto import ofproto_v1_3_parser as P
from os_ken.tests.switch import tester

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import own_patterns  # noqa: E402

TARGET, TESTER = 1, 2
WAIT = 20.0    # for what must come
LINGER = 0.03  # for what must not
REPLIES = [getattr(ofp_event, "EventOFP" + n) for n in
           ("BarrierReply", "FlowStatsReply", "TableStatsReply", "PortDescStatsReply", "GroupDescStatsReply",
            "MeterConfigStatsReply", "ErrorMsg")]


class Failed(Exception):
    pass


class PatternApp(app_manager.OSKenApp):
    OFP_VERSIONS = [O.OFP_VERSION]

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        tester.OfTester.target_ver = tester.OfTester.tester_ver = O.OFP_VERSION
        self.dps, self.replies, self.frames = {}, {}, []
        self.main = hub.spawn(self.run)

    # ---- what the switches say ----

    @handler.set_ev_cls(ofp_event.EventOFPStateChange, [handler.MAIN_DISPATCHER, handler.DEAD_DISPATCHER])
    def state(self, ev):
        if ev.state == handler.MAIN_DISPATCHER:
            self.dps[ev.datapath.id] = ev.datapath
        else:
            self.dps.pop(ev.datapath.id, None)

    @handler.set_ev_cls(REPLIES, handler.MAIN_DISPATCHER)
    def reply(self, ev):
        self.replies.setdefault((ev.msg.datapath.id, ev.msg.xid), []).append(ev.msg)

    @handler.set_ev_cls(ofp_event.EventOFPPacketIn, handler.MAIN_DISPATCHER)
    def packet_in(self, ev):
        m = ev.msg
        where = "controller" if m.datapath.id == TARGET else m.match["in_port"]
        self.frames.append((where, bytes(m.data), m.reason))

    # ---- asking them ----

    def until(self, what, text, seconds=WAIT):
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                raise Failed(text)
            hub.sleep(0.002)

    def dp(self, dpid):
        self.until(lambda: dpid in self.dps, "switch %d is not connected" % dpid, 40)
        return self.dps[dpid]

    def send(self, dpid, msg):
        dp = self.dp(dpid)
        msg.datapath, msg.xid = dp, None
        dp.set_xid(msg)
        dp.send_msg(msg)
        return dpid, msg.xid

    def ask(self, dpid, msg):
        """All parts of the reply."""
        at = self.send(dpid, msg)

        def whole():
            got = self.replies.get(at, [])
            return got and not getattr(got[-1], "flags", 0)

        self.until(whole, "no reply to %s" % type(msg).__name__)
        got = self.replies.pop(at)
        if isinstance(got[0], P.OFPErrorMsg):
            raise Failed("%s: error type %d code %d" % (type(msg).__name__, got[0].type, got[0].code))
        return got

    def tell(self, dpid, *msgs):
        """Messages that have no reply but an error."""
        at = [(self.send(dpid, m), m) for m in msgs]
        self.ask(dpid, P.OFPBarrierRequest(self.dp(dpid)))
        for a, m in at:
            for e in self.replies.pop(a, []):
                raise Failed("%s: error type %d code %d" % (type(m).__name__, e.type, e.code))

    def parts(self, dpid, msg):
        return [x for m in self.ask(dpid, msg) for x in m.body]

    # ---- a test ----

    def clear(self):
        d = self.dp(TARGET)
        self.tell(TARGET,
                  P.OFPFlowMod(d, command=O.OFPFC_DELETE, table_id=O.OFPTT_ALL, out_port=O.OFPP_ANY, out_group=O.OFPG_ANY),
                  P.OFPGroupMod(d, O.OFPGC_DELETE, 0, O.OFPG_ALL),
                  P.OFPMeterMod(d, O.OFPMC_DELETE, 0, O.OFPM_ALL))
        self.frames.clear()

    def stands(self, mod):
        """The switch says of the flow what it was told."""
        def told(x):
            return (x.table_id, x.priority, x.cookie, x.idle_timeout, x.hard_timeout, str(x.match.to_jsondict()),
                    sorted(str(i) for i in x.instructions))

        d = self.dp(TARGET)
        has = [told(x) for x in self.parts(TARGET, P.OFPFlowStatsRequest(
            d, 0, mod.table_id, O.OFPP_ANY, O.OFPG_ANY, 0, 0, P.OFPMatch()))]
        if told(mod) not in has:
            raise Failed("flow %s is reported as %s" % (told(mod), has))

    def install(self, mods):
        for m in mods:
            self.tell(TARGET, m)
        for m in mods:
            if isinstance(m, P.OFPFlowMod) and m.command == O.OFPFC_ADD:
                self.stands(m)

    def inject(self, frame):
        d = self.dp(TESTER)
        self.send(TESTER, P.OFPPacketOut(d, O.OFP_NO_BUFFER, O.OFPP_CONTROLLER, [P.OFPActionOutput(1)], frame))

    def expect(self, want):
        """'want': (where, frame) each once, of one place in this order, and nothing else."""
        deadline = time.monotonic() + WAIT
        while len(self.frames) < len(want) and time.monotonic() < deadline:
            hub.sleep(0.002)
        hub.sleep(LINGER)
        got = [(w, f) for w, f, _ in self.frames]
        reasons = [r for w, _, r in self.frames if w == "controller"]
        self.frames.clear()
        for place in {w for w, _ in want + got}:
            a, b = ([f.hex() for w, f in x if w == place] for x in (want, got))
            if a != b:
                raise Failed("at %s: wanted %s, got %s" % (place, a, b))
        return reasons

    def lookups(self):
        return {t.table_id: (t.lookup_count, t.matched_count)
                for t in self.parts(TARGET, P.OFPTableStatsRequest(self.dp(TARGET), 0))}

    def misses(self, frame, tables):
        before = self.lookups()
        self.inject(frame)
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            after = self.lookups()
            looked = [t for t in tables if after[t][0] > before[t][0]]
            if looked:
                break
            hub.sleep(0.01)
        else:
            raise Failed("no table was asked")
        for t in looked:
            if after[t][1] > before[t][1]:
                raise Failed("table %d has a match" % t)
        self.expect([])

    def foreign(self, test):
        """One test of an os-ken file."""
        self.clear()
        self.install(test.prerequisite)
        for t in test.tests:
            if "ingress" not in t:
                raise Failed("a kind of pattern that is not known here")
            if "table-miss" in t:
                self.misses(t["ingress"], t["table-miss"])
                continue
            self.inject(t["ingress"])
            reasons = self.expect([(2, t["egress"])] if "egress" in t else [("controller", t["PACKET_IN"])])
            if reasons and reasons[0] != O.OFPR_ACTION:
                raise Failed("a packet-in for reason %d" % reasons[0])

    def own(self, p):
        self.clear()
        d = self.dp(TARGET)
        mods = p.mods(d)
        try:
            self.install(mods)
            for frames, want in p.steps:
                for f in frames:
                    self.inject(f)
                reasons = self.expect(want)
                if p.reason is not None and reasons != [p.reason] * len(reasons):
                    raise Failed("packet-ins for the reasons %s" % reasons)
        finally:
            self.clear()
            if p.port_down:
                self.tell(TARGET, self.port(p.port_down, 0))
            if any(isinstance(m, P.OFPSetConfig) for m in mods):
                self.tell(TARGET, P.OFPSetConfig(d, O.OFPC_FRAG_NORMAL, 128))

    def port(self, no, config):
        for x in self.parts(TARGET, P.OFPPortDescStatsRequest(self.dp(TARGET), 0)):
            if x.port_no == no:
                return P.OFPPortMod(self.dp(TARGET), no, x.hw_addr, config, O.OFPPC_PORT_DOWN)
        raise Failed("no port %d" % no)

    def result(self, out, rec, do, arg):
        begin = time.monotonic()
        try:
            do(arg)
            rec["ok"] = True
        except Failed as e:
            rec.update(ok=False, why=str(e))
        except Exception as e:  # an unforeseen answer is a failed test, not the end of the run
            rec.update(ok=False, why="%s: %s" % (type(e).__name__, e))
        rec["secs"] = round(time.monotonic() - begin, 3)
        out.write(json.dumps(rec) + "\n")

    def run(self):
        job = json.load(open(os.environ["PATTERN_JOB"]))
        with open(job["out"], "w", buffering=1) as out:
            try:
                d = self.dp(TESTER)
                self.tell(TESTER, *[P.OFPFlowMod(d, match=P.OFPMatch(in_port=n), instructions=[P.OFPInstructionActions(
                    O.OFPIT_APPLY_ACTIONS, [P.OFPActionOutput(O.OFPP_CONTROLLER, O.OFPCML_NO_BUFFER)])]) for n in (2, 3)])
                self.dp(TARGET)
                first, step = job["own"]
                for p in own_patterns.OWN[first::step]:
                    self.result(out, dict(category="own", section=p.section, feature=p.feature, name=p.name), self.whole_own, p)
                for j in job["files"]:
                    f = tester.TestFile(j["path"], self.logger)
                    for n, t in list(enumerate(f.tests))[j["first"]::j["step"]]:
                        self.result(out, dict(j["is"], n=n, name=t.description), self.foreign, t)
            except Failed as e:
                out.write(json.dumps(dict(category="rig", name="the rig", ok=False, why=str(e))) + "\n")
            out.write(json.dumps(dict(end=True)) + "\n")
        os.kill(os.getpid(), 15)

    def whole_own(self, p):
        if p.port_down:
            self.tell(TARGET, self.port(p.port_down, O.OFPPC_PORT_DOWN))
        self.own(p)
