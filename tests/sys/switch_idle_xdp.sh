#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A switch whose ports are af_xdp sleeps until a frame comes.
#
#   a --- [ weft-switch ] --- b
set -eu
. "$(dirname "$0")/lib/switch.sh"
. "$(dirname "$0")/lib/sleeps.sh"

space weft
space a
space b

into() { cable weft "vm$1" "$1" "$1"0 && ip -n "$T-$1" addr add "10.5.0.$2/24" dev "$1"0; }

into a 1
into b 2
export LSAN_OPTIONS="suppressions=$(cd "$(dirname "$0")/.." && pwd)/lsan.supp:print_suppressions=0"
ip netns exec "$T-weft" "$B/weft-switch" --name sw --port a=af_xdp:vma --port b=af_xdp:vmb >"$DIR/sw.log" 2>&1 &
SW=$!
PIDS+=("$SW")
ready_or_gone() { grep -q ' ready: ' "$DIR/sw.log" || ! kill -0 "$SW"; }
until_true 40 ready_or_gone
# Kernels without XDP, or that let nobody load programs, are not what this is about.
if ! grep -q ' ready: ' "$DIR/sw.log"; then
	sed 's/^/# /' "$DIR/sw.log"
	check "without XDP it says what does not open" grep -q "DPDK does not open\|device net_af_xdp" "$DIR/sw.log"
	finish
	exit
fi
$OFCTL add-flow "$(sock sw)" actions=NORMAL
check "one port reaches the other" until_true 20 in_space a ping -c 1 -W 1 10.5.0.2
sleeps "it" "$SW"
wakes "a packet that comes after a pause is not lost" a 10.5.0.2

kill "$SW"
check "the switch stops cleanly" wait "$SW"
finish
