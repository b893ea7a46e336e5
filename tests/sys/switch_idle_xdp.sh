#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A switch whose ports are af_xdp sleeps until a frame comes.
#
#   a --- [ weft-switch ] --- b
set -eu
. "$(dirname "$0")/lib/switch.sh"

MAX_PERCENT=${MAX_PERCENT:-5}
space weft
space a
space b

into() { cable weft "vm$1" "$1" "$1"0 && ip -n "$T-$1" addr add "10.5.0.$2/24" dev "$1"0; }
ran() { awk '{ s += $1 } END { print s }' /proc/"$1"/task/*/schedstat; }
slept() { grep -h -A100 -s '^Name:.pmd' /proc/"$1"/task/*/status | awk '/^voluntary_ctxt_switches/ { print $2 }'; }

# As long as it may (a hundred times a second), and not by the clock (four thousand times).
idle() {
	local t0 r0 s0 t1 r1 s1
	t0=$(date +%s%N) r0=$(ran "$SW") s0=$(slept "$SW")
	sleep 2
	t1=$(date +%s%N) r1=$(ran "$SW") s1=$(slept "$SW")
	PERMILLE=$(((r1 - r0) * 1000 / (t1 - t0)))
	[ $((s1 - s0)) -gt 0 ] && [ $((s1 - s0)) -lt 1000 ] && [ "$PERMILLE" -lt $((MAX_PERCENT * 10)) ]
}

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
check "it sleeps until something happens, and uses less than $MAX_PERCENT % of a core" until_true 40 idle
echo "# $((PERMILLE / 10)).$((PERMILLE % 10)) % of a core"
in_space a ping -c 40 -i 0.05 -w 240 10.5.0.2 >"$DIR/ping" || true
check "a packet that comes after a pause is not lost" test "$(unanswered "$DIR/ping" 40)" = 0
# How long it takes is the machine's business as well: said, not judged.
echo "# there and back: $(sed -n 's|^rtt.* = [0-9.]*/\([0-9.]*\)/.*|\1|p' "$DIR/ping" | awk '{ printf "%d", $1 * 1000 }') us on average"

kill "$SW"
check "the switch stops cleanly" wait "$SW"
finish
