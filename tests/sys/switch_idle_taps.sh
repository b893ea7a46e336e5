#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A switch whose ports are taps sleeps until a frame comes, as one with af_packet does.
#
#   a tapa --- [ weft-switch ] --- tapb b
set -eu
. "$(dirname "$0")/lib/switch.sh"

MAX_PERCENT=${MAX_PERCENT:-5}
space weft
space a
space b

into() { ip -n "$T-weft" link set "$2" netns "$T-$1" && ip -n "$T-$1" addr add "10.3.0.$3/24" dev "$2" && ip -n "$T-$1" link set "$2" up; }
ran() { awk '{ s += $1 } END { print s }' /proc/"$1"/task/*/schedstat; }
slept() { grep -h -A100 -s '^Name:.pmd' /proc/"$1"/task/*/status | awk '/^voluntary_ctxt_switches/ { print $2 }'; }

# It sleeps as long as it may (a hundred times a second), and not by the clock (four thousand times), to which it goes back for a
# second when the driver, which hears of frames by a signal, was told much later than it: so that is asked more than once.
idle() {
	local t0 r0 s0 t1 r1 s1
	t0=$(date +%s%N) r0=$(ran "$SW") s0=$(slept "$SW")
	sleep 3
	t1=$(date +%s%N) r1=$(ran "$SW") s1=$(slept "$SW")
	PERMILLE=$(( (r1 - r0) * 1000 / (t1 - t0) ))
	SLEEPS=$(((s1 - s0) / 3))
	[ $((s1 - s0)) -gt 0 ] && [ $((s1 - s0)) -lt 1500 ] && [ "$PERMILLE" -lt $((MAX_PERCENT * 10)) ]
}

switch weft sw --port tapa=tap:tapa --port tapb=tap:tapb
SW=$PID
$OFCTL add-flow "$(sock sw)" actions=NORMAL
into a tapa 1
into b tapb 2
check "one tap reaches another" until_true 20 in_space a ping -c 1 -W 1 10.3.0.2
sleep 0.5
check "it sleeps until something happens, and uses less than $MAX_PERCENT % of a core" until_true 40 idle
echo "# $((PERMILLE / 10)).$((PERMILLE % 10)) % of a core, $SLEEPS sleeps a second"
# ping's own verdict is of the time as well: how many went unanswered is counted below.
in_space a ping -c 40 -i 0.05 -w 240 10.3.0.2 >"$DIR/ping" || true
check "a packet that comes after a pause is not lost" test "$(unanswered "$DIR/ping" 40)" = 0
# How long it takes is the machine's business as well: said, not judged.
echo "# there and back: $(sed -n 's|^rtt.* = [0-9.]*/\([0-9.]*\)/.*|\1|p' "$DIR/ping" | awk '{ printf "%d", $1 * 1000 }') us on average"

kill "$SW"
check "the switch stops cleanly" wait "$SW"
finish
