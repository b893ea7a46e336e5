#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Both ends of a virtqueue sleep until a frame comes, also after the guest has gone and come again.
#
#   a --- [ host ] vhost-user --- virtio-user [ guest ] --- b
set -eu
. "$(dirname "$0")/lib/switch.sh"

MAX_PERCENT=${MAX_PERCENT:-5}
space weft
space a
space b

into() { cable weft "vm$1" "$1" "$1"0 && ip -n "$T-$1" addr add "10.4.0.$2/24" dev "$1"0; }
ran() { awk '{ s += $1 } END { print s }' /proc/"$1"/task/*/schedstat; }
slept() { grep -h -A100 -s '^Name:.pmd' /proc/"$1"/task/*/status | awk '/^voluntary_ctxt_switches/ { print $2 }'; }
pings() { in_space a ping -c 1 -W 1 10.4.0.2; }

# As long as it may (a hundred times a second), and not by the clock (four thousand times).
idle() {
	local t0 r0 s0 t1 r1 s1
	t0=$(date +%s%N) r0=$(ran "$1") s0=$(slept "$1")
	sleep 2
	t1=$(date +%s%N) r1=$(ran "$1") s1=$(slept "$1")
	PERMILLE=$(((r1 - r0) * 1000 / (t1 - t0)))
	[ $((s1 - s0)) -gt 0 ] && [ $((s1 - s0)) -lt 1000 ] && [ "$PERMILLE" -lt $((MAX_PERCENT * 10)) ]
}

guest() {
	switch weft guest --port "v=vdev:net_virtio_user0,path=$DIR/vhost" --port b=af_packet:vmb -- --no-huge
	GUEST=$PID
	$OFCTL add-flow "$(sock guest)" actions=NORMAL
}

both_sleep() {
	check "$1 the host's end sleeps until something happens, and uses less than $MAX_PERCENT % of a core" until_true 40 idle "$HOST"
	echo "# $((PERMILLE / 10)).$((PERMILLE % 10)) % of a core"
	check "$1 the guest's does, too" until_true 40 idle "$GUEST"
	in_space a ping -c 40 -i 0.05 -w 240 10.4.0.2 >"$DIR/ping" || true
	check "$1 a packet that comes after a pause is not lost" test "$(unanswered "$DIR/ping" 40)" = 0
	# How long it takes is the machine's business as well: said, not judged.
	echo "# there and back: $(sed -n 's|^rtt.* = [0-9.]*/\([0-9.]*\)/.*|\1|p' "$DIR/ping" | awk '{ printf "%d", $1 * 1000 }') us on average"
}

into a 1
into b 2
switch weft host --port "v=vhost-user:$DIR/vhost,server" --port a=af_packet:vma
HOST=$PID
$OFCTL add-flow "$(sock host)" actions=NORMAL
check "without a guest, too, it sleeps" until_true 40 idle "$HOST"
guest
check "host and guest reach each other" until_true 20 pings
both_sleep "with a guest"
kill -9 "$GUEST"
wait "$GUEST" 2>/dev/null || true
guest
check "another guest is reached" until_true 20 pings
both_sleep "with another guest"

kill "$GUEST"
check "the guest stops cleanly" wait "$GUEST"
kill "$HOST"
check "the host stops cleanly" wait "$HOST"
finish
