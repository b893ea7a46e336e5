#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX actions and fields: os-ken's classes, there and back
"""An os-ken application with each of Nicira's actions and fields that os-ken knows (lib/nicira_cases.py) at a weft-switch and at
Open vSwitch: taken and read back in os-ken's own fields, or refused with the same error."""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "sys", "lib"))
import ct  # noqa: E402

HERE_STRICTER = "it takes what no switch can do, and does nothing of it"
OFPTT = "tables are 0 to 253 here"
READ = "OFPBAC_BAD_SET_TYPE is the specification's for a field that cannot be set"
DIFFERENCES = {
    "NXActionSetQueue": "OpenFlow 1.0's; taken here as set_queue is, and there is no such queue",
    "NXActionDecTtl": "OpenFlow 1.0's; taken here as dec_nw_ttl is",
    "NXActionSetTunnel": "read back there as set_field of tunnel_id",
    "NXActionSetTunnel64": "read back there as set_field of tunnel_id",
    "NXActionRegLoad2, a value beyond its mask": "an action's fault has an action's error here",
    "NXActionRegLoad2, a tunnel's number": "read back by OpenFlow's own number of the field here",
    "NXActionController, a reason there is not": HERE_STRICTER,
    "NXActionOutputTrunc, to all": HERE_STRICTER,
    "NXActionCT, flags there are not": HERE_STRICTER,
    "NXActionCT, a helper there is not": HERE_STRICTER,
    "NXActionCT, a range without a direction": HERE_STRICTER,
    "NXActionCT, nat twice": HERE_STRICTER,
    "NXActionCT, into the last table": OFPTT,
    "NXActionLearn, in the last table": OFPTT,
    "NXActionBundleLoad, an algorithm there is not": HERE_STRICTER,
    "match tun_flags=(1, 1)": "all its bits are that one: read back without a mask here",
    "match ct_state=34": "read back with a mask of the bits in use there",
    "match vlan_tci=0": "read back there as vlan_vid=0",
    "match tun_gbp_id=5": "VXLAN's group policy is not supported",
    "match tun_gbp_flags=8": "VXLAN's group policy is not supported",
    "set_field tun_gbp_id=3": "VXLAN's group policy is not supported",
    "match nsh_spi=3": "NSH is not supported",
    "match _recirc_id=1": "a field of Open vSwitch's own insides",
    "set_field ct_state=1": READ, "set_field conj_id=3": READ, "set_field tcp_flags_nxm=2": READ,
}


def test(lab):
    for n in (1, 2, 3):
        lab.port(n, "t", quiet=True)
    out = lab.env["OUT"] = f"{lab.dir}/said.json"
    app = lab.start("sw", "osken-manager", "--ofp-tcp-listen-port", "6653", f"{HERE}/lib/nicira_app.py")
    lab.switch("--controller", "tcp:127.0.0.1:6653")
    if lab.kind == "ovs":
        lab.vsctl("set-controller", lab.vsctl("list-br").strip(), "tcp:127.0.0.1:6653")
    lab.until(lambda: os.path.exists(out) or app.poll() is not None or "Traceback" in lab.log("osken-manager"), 40)
    if not os.path.exists(out):
        raise RuntimeError(lab.log("osken-manager")[-1500:])
    with open(out) as f:
        for text, what in json.load(f).items():
            lab.verdict(text, what)


if __name__ == "__main__":
    ct.main(test, DIFFERENCES)
