#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: NX controller(pause) and NXT_RESUME: a packet goes on exactly where it stopped
# Packets that pause: the same flows with and without controller(pause) in front of every action, and
# a tool that resumes, do the same; ovs-ofctl and weft-ofctl, on weft-switch and on Open vSwitch.
#
#          w1 ---- 1 [             ]                o1 ---- 1 [              ]
#     t    w2 ---- 2 [ weft-switch ]           t    o2 ---- 2 [ Open vSwitch ]
#  (peers) w3 ---- 3 [             ]        (peers) o3 ---- 3 [              ]
#          w4 ---- 4 [             ]                o4 ---- 4 [              ]
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/lib/switch.sh"
# shellcheck source=tests/sys/lib/twins.sh
. "$(dirname "$0")/lib/twins.sh"

twins pause_resume "$B/weft-ofctl" "$DIR"
