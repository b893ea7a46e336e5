#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is established goes on: the controller is killed and restarted, a switch is restarted.
#
#      h1: a1 --- weft-switch ==== underlay ==== weft-switch --- a3 :h2
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab

# The flows of both switches without what changes by itself; and their ages.
flows() { for h in h1 h2; do "$B/weft-ofctl" dump-flows "unix:$DIR/$h.sock"; done; }
what() { flows | sed -E 's/ (duration|n_packets|n_bytes|idle_age)=[^,]*,//g' | sort; }
youngest() { flows | grep -o 'duration=[0-9.]*' | cut -d= -f2 | sort -n | head -1; }

test_same() { test "$(what)" = "$before"; }

stream() { # a ping every 10 ms, for about SECONDS, in the background
	in_space a1 ping -n -i 0.01 -c "$(($1 * 100))" -w 240 10.0.0.13 >"$DIR/stream" 2>&1 &
	STREAM=$! STREAMED=$(($1 * 100))
}
none_lost() { wait "$STREAM"; tail -3 "$DIR/stream"; [ "$(unanswered "$DIR/stream" "$STREAMED")" = 0 ]; }

lab_two_hosts
new_net a
new_vm a1 h1 a 10.0.0.11
new_vm a3 h2 a 10.0.0.13
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done
wait_for 20 pings a1 10.0.0.13 -c 1 || die "nothing is established"
before=$(what)

# 1. The controller is killed and comes back.
stream 4
sleep 0.5
new_port later a 10.0.0.50 '"security_groups": []' # a member would be a flow
lab_kill "$CONTROLLER_PID" KILL
check "an acknowledged port survives kill -9 at once" yes sh -c \
	"sqlite3 '$DIR/weft.db' 'PRAGMA integrity_check' | grep -q ok"
check "packets pass while there is no controller" yes pings a1 10.0.0.13
lab_controller
check "... and the port is there after the restart" yes rest GET "/v2.0/ports/${PORT[later]}"
wait_for 20 port_active "${PORT[a3]}"
check "no packet was lost by the controller's end and return" yes none_lost
sleep 1
check "its flows were left alone: none is younger than the restart" yes \
	awk -v y="$(youngest)" 'BEGIN { exit !(y > 3) }'
check "and nothing else was added or removed" yes test "$(what)" = "$before"
wait_for 20 sh -c "curl -s $URL/weft/v1/status | jq -e '.status.n_problems == 0'"
check "the flows are still the same when all switches are back" yes test "$(what)" = "$before"

# A port that nobody has plugged in is waited for by nobody: a former controller's flow goes at once.
lab_kill "$CONTROLLER_PID" KILL
cookie=$("$B/weft-ofctl" dump-flows "unix:$DIR/h1.sock" | grep -o 'cookie=0x[0-9a-f]*' | grep -v '=0x0$' | head -1)
"$B/weft-ofctl" add-flow "unix:$DIR/h1.sock" "$cookie,table=0,priority=1,in_port=4242,actions=drop"
test_left() { "$B/weft-ofctl" dump-flows "unix:$DIR/h1.sock" | grep -q in_port=4242; }
check "a former controller's flow is there" yes test_left
lab_controller
test_gone() { ! test_left; }
check "... and goes before all ports are known to be somewhere, of which one is nowhere" yes wait_for 9 test_gone
check "and the rest is as before" yes wait_for 20 test_same

# 2. The controller hangs: the switch loses its session and goes on.
stream 3
lab_kill "$CONTROLLER_PID" TERM
sleep 2
lab_controller
check "no packet was lost by a lost session" yes none_lost

# 3. A switch is restarted: it comes back empty and is whole again within a second of reconnecting.
wait_for 20 port_active "${PORT[a1]}"
lab_kill "${SWITCH_PID[h2]}" TERM
port_down() { ! port_active "${PORT[a3]}"; }
check "its ports show DOWN" yes wait_for 20 port_down
lab_switch h2
begin=$(date +%s%N)
wait_for 20 pings a1 10.0.0.13 -c 1
took=$((($(date +%s%N) - begin) / 1000000))
check "a restarted switch is whole again within a second or so ($took ms)" yes test "$took" -lt 10000
check "... with the same flows" yes wait_for 20 test_same
verdict
