# SPDX-License-Identifier: Apache-2.0
# What the tests of switches that sleep share; sourced behind switch.sh.

MAX_PERCENT=${MAX_PERCENT:-5}

ran() { awk '{ s += $1 } END { print s }' /proc/"$1"/task/*/schedstat; }
slept() { grep -h -A100 -s '^Name:.pmd' /proc/"$1"/task/*/status | awk '/^voluntary_ctxt_switches/ { print $2 }'; }

# idle PID: whether it sleeps as long as it may (a hundred times a second), and not by the clock (four thousand times).
idle()
{
	local t0 r0 s0 t1 r1 s1
	t0=$(date +%s%N) r0=$(ran "$1") s0=$(slept "$1")
	sleep 3
	t1=$(date +%s%N) r1=$(ran "$1") s1=$(slept "$1")
	PERMILLE=$(((r1 - r0) * 1000 / (t1 - t0)))
	SLEEPS=$(((s1 - s0) / 3))
	[ $((s1 - s0)) -gt 0 ] && [ $((s1 - s0)) -lt 1500 ] && [ "$PERMILLE" -lt $((MAX_PERCENT * 10)) ]
}

# sleeps TEXT PID
sleeps()
{
	check "$1 sleeps until something happens, and uses less than $MAX_PERCENT % of a core" until_true 40 idle "$2"
	echo "# $((PERMILLE / 10)).$((PERMILLE % 10)) % of a core, $SLEEPS sleeps a second"
}

# wakes TEXT SPACE ADDRESS: packets from there that come after pauses.
wakes()
{
	# ping's own verdict is of the time as well: how many went unanswered is counted below.
	in_space "$2" ping -c 40 -i 0.05 -w 240 "$3" >"$DIR/ping" || true
	check "$1" test "$(unanswered "$DIR/ping" 40)" = 0
	# How long it takes is the machine's business as well: said, not judged.
	echo "# there and back: $(sed -n 's|^rtt.* = [0-9.]*/\([0-9.]*\)/.*|\1|p' "$DIR/ping" | awk '{ printf "%d", $1 * 1000 }') us on average"
}
