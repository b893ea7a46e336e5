# SPDX-License-Identifier: Apache-2.0
"""The cases of pause_resume.sh: pause_resume.py WEFT OVS CONTROL WEFT-OFCTL, in the namespace with the peers.

What a flow does is not to depend on whether it pauses: the flows of nx_actions.py with controller(pause) in
front of every action, clones included, and a tool that resumes; what leaves must be what leaves without.
"""
import re
import subprocess
import sys
import time

from nx_actions import CASES, FRAMES, GROUPS, Side, settle, tell

PLAIN = ("goto_table", "write_actions", "write_metadata", "clear_actions", "meter", "drop")
# Open vSwitch loses its action set on the way: it refuses its own continuation (OFPBAC_BAD_LEN).
SETS = [
    ("the action set before and behind", ["actions=output:4,write_actions(mod_dl_dst:02:00:00:00:00:66,output:2),goto_table:1", "table=1,actions=mod_dl_src:02:00:00:00:00:67,goto_table:2", "table=2,actions=output:3"]),
    ("clear_actions behind", ["actions=write_actions(output:2),goto_table:1", "table=1,actions=output:4,clear_actions"]),
    ("clear_actions before", ["actions=write_actions(output:2),goto_table:1", "table=1,actions=clear_actions,goto_table:2", "table=2,actions=output:3"]),
    ("a group and a resubmit in the action set", ["actions=output:4,write_actions(resubmit(,2)),goto_table:1", "table=1,actions=output:3", "table=2,actions=output:2"]),
]
MORE = [
    ("the stack", ["actions=load:7->NXM_NX_REG1[],push:NXM_NX_REG1[],load:0->NXM_NX_REG1[],pop:NXM_NX_REG0[],resubmit(,1)", "table=1,reg0=7,actions=output:2", "table=1,priority=1,actions=output:3"]),
    ("metadata and goto", ["actions=output:4,write_metadata:0x55/0xff,goto_table:1", "table=1,metadata=0x55,actions=output:2,goto_table:2", "table=2,metadata=0x55,actions=output:3"]),
    ("a tunnel's fields", ["actions=set_field:0x77->tun_id,set_field:1.2.3.4->tun_dst,resubmit(,1)", "table=1,tun_id=0x77,tun_dst=1.2.3.4,actions=output:2"]),
    ("three resubmits in each other", ["actions=resubmit(,1),output:2", "table=1,actions=resubmit(,2),output:3", "table=2,actions=resubmit(,3),output:4", "table=3,actions=mod_dl_src:02:00:00:00:00:67"]),
    ("an exit behind", ["actions=resubmit(,1),output:2", "table=1,actions=output:3,exit,output:4"]),
]


# Each part of the way counts its resubmits for itself, and a clone that pauses ends for who has it.
OTHERWISE = ("steps back", "clone in a circle", "exit in a clone")


def parts(s):
    """Of a list, by its commas but for those in parentheses."""
    depth, out = 0, [""]
    for ch in s:
        depth += (ch == "(") - (ch == ")")
        if ch == "," and not depth:
            out.append("")
        else:
            out[-1] += ch
    return [p for p in out if p]


def pausing(actions):
    out = []
    for a in parts(actions):
        m = re.fullmatch(r"clone\((.*)\)", a)
        if not a.startswith(PLAIN):
            out.append("controller(pause)")
        out.append("clone(%s)" % ",".join(pausing(m[1])) if m else a)
    return out


def with_pauses(flow):
    head, _, actions = flow.partition("actions=")
    return head + "actions=" + ",".join(pausing(actions))


def told(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def main():
    weft, ovs = Side(sys.argv[1], "w"), Side(sys.argv[2], "o", sys.argv[3])
    tools = {"ovs-ofctl": ["ovs-ofctl", "-O", "OpenFlow13"], "weft-ofctl": [sys.argv[4]]}
    cases = [(n, [], f) for n, f in SETS + MORE] + [(n, [], f) for n, f in CASES if not any(o in n for o in OTHERWISE)] + [(n, g, f) for n, g, f in GROUPS]
    settle(weft)
    settle(ovs)
    for who, side, tool, some in (("weft-switch", weft, "ovs-ofctl", cases), ("weft-switch", weft, "weft-ofctl", SETS + MORE),
                                  ("Open vSwitch", ovs, "ovs-ofctl", MORE), ("Open vSwitch", ovs, "weft-ofctl", MORE)):
        log = "%s/%s.%s" % (sys.argv[5], who.replace(" ", ""), tool)
        with open(log, "w", encoding="utf-8") as f:
            monitor = subprocess.Popen(tools[tool] + ["monitor", side.target, "65534", "resume"], stdout=f, stderr=f)
        try:
            time.sleep(0.3)
            run(who, side, tool, [c if len(c) == 3 else (c[0], [], c[1]) for c in some])
        finally:
            monitor.terminate()
            monitor.wait()
        print(("ok - " if "(via action)" in told(log) else "not ok - ") + "%s, %s: packet-ins were seen" % (who, tool))
        bad = [line for line in told(log).splitlines() if "OFPT_ERROR" in line]
        print(("not ok - " if bad else "ok - ") + "%s, %s: no errors" % (who, tool), *bad[:2])


def run(who, side, tool, cases):
    for serial, (name, groups, flows) in enumerate(cases):
        good, want, got = False, None, None
        try:
            for n, patience in enumerate((0.08, 0.5, 3)):  # a busy machine takes its time, with pauses and without
                side.set(groups, flows)
                want = side.run(FRAMES, 8 * serial + 2 * n, patience)
                side.set(groups, [with_pauses(f) for f in flows])
                got = side.run(FRAMES, 8 * serial + 2 * n + 1, patience)
                good = got == want
                if good:
                    break
        except (RuntimeError, OSError) as e:
            print("not ok - %s, %s: %s: %s" % (who, tool, name, e))
            continue
        print(("ok - " if good else "not ok - ") + "%s, %s: %s" % (who, tool, name))
        if not good:
            print("#   %s" % [with_pauses(f) for f in flows])
            print("#   too much: %s" % ("; ".join(tell(got - want)) or "nothing"))
            print("#   missing: %s" % ("; ".join(tell(want - got)) or "nothing"))


main()
