#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: NX resubmit, clone, exit, push and pop: as Open vSwitch has them
# Spec: NX output to a register and with max_len, bundle, multipath, check_pkt_larger: the same
# Nicira's actions: the same flows on weft-switch and on Open vSwitch (its userspace datapath), the
# same frames in, the same frames out of the same ports.
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

twins nx_actions
