#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Idle costs next to nothing, and a packet that comes after a pause is not kept waiting.
#
#   a eth0 --- p1 [ weft-switch ] p2 --- eth0 b        (p3, p4: nobody there)
set -eu
. "$(dirname "$0")/lib/switch.sh"

MAX_PERCENT=${MAX_PERCENT:-5}
space a
space b
space c
space weft
cable weft p1 a eth0
cable weft p2 b eth0
cable weft p3 c eth0
cable weft p4 c eth1
in_space a ip addr add 10.2.0.1/24 dev eth0
in_space b ip addr add 10.2.0.2/24 dev eth0

switch weft sw --port p1=af_packet:p1 --port p2=af_packet:p2 --port p3=af_packet:p3 --port p4=af_packet:p4
$OFCTL add-flow "$(sock sw)" actions=NORMAL
in_space a ping -c 2 -i 0.2 -W 10 10.2.0.2 >/dev/null || true

# Time on a processor, of all threads, in ns.
ran() { awk '{ s += $1 } END { print s }' /proc/"$PID"/task/*/schedstat; }

# How often its packet thread went to sleep.
slept() { grep -h -A100 -s '^Name:.pmd' /proc/"$PID"/task/*/status | awk '/^voluntary_ctxt_switches/ { print $2 }'; }

# idle WHEN: how much of a core it takes, and how often it sleeps: as long as it may (a hundred times a second), and not by
# the clock (four thousand times), which it falls back to should an event wake it and there is nothing.
idle() {
	local t0 r0 t1 r1 permille s0 s1
	sleep 0.5
	t0=$(date +%s%N) r0=$(ran) s0=$(slept)
	sleep 3
	t1=$(date +%s%N) r1=$(ran) s1=$(slept)
	permille=$(( (r1 - r0) * 1000 / (t1 - t0) ))
	echo "# $1: $((permille / 10)).$((permille % 10)) % of a core"
	check "an idle switch uses less than $MAX_PERCENT % of a core: $1" test "$permille" -lt $((MAX_PERCENT * 10))
	echo "# $1: $(((s1 - s0) / 3)) sleeps a second"
	check "it sleeps until something happens: $1" test $((s1 - s0)) -gt 0 -a $((s1 - s0)) -lt 1500
}
idle "four ports"
# An event that stays, such as the error of a socket whose device went, is no reason to stay awake.
in_space c ip link set eth1 down
in_space weft ip link set p4 down
idle "one of four is down"

in_space a ping -c 40 -i 0.05 -w 240 10.2.0.2 >"$DIR/ping"
check "a packet that comes after a pause is not lost" test "$(unanswered "$DIR/ping" 40)" = 0
# How long it takes is the machine's business as well: said, not judged.
us=$(sed -n 's|^rtt.* = [0-9.]*/\([0-9.]*\)/.*|\1|p' "$DIR/ping" | awk '{ printf "%d", $1 * 1000 }')
echo "# there and back through a sleeping switch: $us us on average"

rss=$(awk '/^VmRSS/ { print $2 }' /proc/"$PID"/status)
echo "# resident: $((rss / 1024)) MB"
if sanitized; then
	echo "# a sanitizer's build: its memory says nothing"
else
	check "it needs less than 150 MB" test "$rss" -lt $((150 * 1024))
fi
kill "$PID"
check "the switch stops cleanly" wait "$PID"
finish
