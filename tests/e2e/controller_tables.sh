#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 5.1 Pipeline processing: an os-ken application of five tables
#
# An os-ken application of five tables (apps/tables.py): VLANs, an ACL, learning with timeouts, flooding by groups.  It is
# restarted while traffic flows.
#
#     h1 (VLAN 10) ---+               +--- h3 (VLAN 20)
#                     +- weft-switch -+                                  +--- h4 (10.0.0.4)
#     h2 (VLAN 10) ---+               +--- a trunk --- weft-switch gw ---+
#                                                  (access ports, NORMAL) +--- h5 (10.0.0.5)
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/../sys/lib/switch.sh"
APPS=$(cd "$(dirname "$0")/apps" && pwd)
export PORTS="1:10 2:10 3:20 4:10+20t" IDLE=3

space s
space g
for i in 1 2 3 4 5; do
	space h$i
	if [ $i -le 3 ]; then cable h$i eth0 s p$i; else cable h$i eth0 g p$i; fi
	ip -n "$T-h$i" link set eth0 address 02:00:00:00:00:0$i
	ip -n "$T-h$i" addr add 10.0.0.$i/24 dev eth0
done
cable s p4 g trunk
switch g gw --port trunk=af_packet:trunk --port "p4=af_packet:p4;vlan-mode=access,tag=10" --port "p5=af_packet:p5;vlan-mode=access,tag=20"
flows gw actions=NORMAL

switch s br0 --dpid 1 --controller tcp:127.0.0.1:6653 \
	--port p1@1=af_packet:p1 --port p2@2=af_packet:p2 --port p3@3=af_packet:p3 --port p4@4=af_packet:p4

RUNS=0
start() {
	RUNS=$((RUNS + 1))
	LOG=$DIR/app$RUNS.log
	ip netns exec "$T-s" osken-manager --ofp-tcp-listen-port 6653 "$APPS/tables.py" >"$LOG" 2>&1 &
	CTL=$!
	PIDS+=("$CTL")
	until_true 30 grep -q '^ready' "$LOG" && return 0
	cp "$LOG" "$DIR/why"
	not_ok "the application is ready"
}
stop() { kill "$CTL"; wait "$CTL" 2>/dev/null || true; }
ping_() { local h=$1; shift; in_space "$h" ping -q -c 3 -i 0.1 -W 10 "$@"; }
flows_of() { $OFCTL --no-names --no-stats dump-flows "$(sock br0)" "table=$1"; }
until_() { until_true 20 "$@"; }

start
check "h1 and h2 of VLAN 10 reach each other" ping_ h1 10.0.0.2
check "h1 reaches the trunk's VLAN 10" ping_ h1 10.0.0.4
check "h3 reaches the trunk's VLAN 20" ping_ h3 10.0.0.5
refuse "h3 of VLAN 20 does not reach h1" in_space h3 ping -q -c 2 -i 0.2 -W 1 10.0.0.1
check "stations are learnt in two tables, each in its VLAN" eval '
	until_ eval "ping_ h1 10.0.0.2; flows_of 2 | grep -q in_port=1,dl_vlan=10,dl_src=02:00:00:00:00:01" &&
	until_ eval "ping_ h1 10.0.0.2; flows_of 3 | grep -qE \"dl_vlan=10,dl_dst=02:00:00:00:00:01 actions=(strip_vlan|pop_vlan),output:1\"" &&
	until_ eval "ping_ h3 10.0.0.5; flows_of 3 | grep -qE \"dl_vlan=20,dl_dst=02:00:00:00:00:05 actions=output:4\""'
# Known it is only once the application has got to it, and for as long as it speaks.
alone() {
	a=$(in_space h2 cat /sys/class/net/eth0/statistics/rx_packets)
	in_space h1 ping -q -c 10 -i 0.02 -W 10 10.0.0.4 && b=$(in_space h2 cat /sys/class/net/eth0/statistics/rx_packets)
	[ $((b - a)) -lt 10 ]
}
check "a known station's packets go to its port alone" until_ alone

# ---- The ACL ----
udp() { # PORT SECONDS: whether a datagram from h1 comes to h2 in that time
	in_space h2 timeout "$2" "${PYTHON:-/usr/bin/python3}" -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.0.0.2", int(sys.argv[1]))); print("up", flush=True); s.recv(100)' "$1" >"$DIR/up" &
	local pid=$!
	until_true 20 test -s "$DIR/up"
	in_space h1 "${PYTHON:-/usr/bin/python3}" -c '
import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("10.0.0.2", int(sys.argv[1])))' "$1"
	local rc=0
	wait $pid || rc=$?
	: >"$DIR/up"
	return $rc
}
check "UDP to port 7778 passes" udp 7778 20
refuse "UDP to port 7777 does not" udp 7777 3

# ---- The application is away, and comes back, while h1 and h2 talk ----
in_space h1 ping -c 300 -i 0.02 -w 240 10.0.0.2 >"$DIR/ping" 2>&1 &
p=$!
sleep 1
stop
sleep 1
start
wait $p || true
check "not one of 300 packets is lost while the application restarts" test "$(unanswered "$DIR/ping" 300)" = 0
check "what was there was put there again, in place: flows are one each" eval '
	[ "$(flows_of 0 | grep -c actions=)" = 5 ] && [ "$(flows_of 4 | grep -c actions=)" = 2 ]'
refuse "nothing else was refused, before and after" grep -hE '^error|Traceback' "$DIR"/app*.log
check "... but the groups that were there" grep -q 'expected refusal' "$LOG"

# ---- Quiet stations are forgotten ----
# One that went while the application was away has told nobody; so it is made known first.
check "a station that speaks is known" until_ eval 'ping_ h3 10.0.0.5; ping_ h3 10.0.0.5; flows_of 2 | grep -q 02:00:00:00:00:03 && flows_of 2 | grep -q 02:00:00:00:00:05'
check "a quiet station's entries go, after 3 s" until_ eval '! flows_of 2 | grep -q 02:00:00:00:00:03 && ! flows_of 3 | grep -q dl_vlan=20'
check "... as the switch has told the application" until_ grep -q 'forgotten 02:00:00:00:00:03 after [1-9]' "$LOG"
check "... and are learnt again" eval 'ping_ h3 10.0.0.5 && until_ eval "ping_ h3 10.0.0.5; flows_of 3 | grep -q dl_vlan=20,dl_dst=02:00:00:00:00:03"'

# The same address in both VLANs.
ip -n "$T-h2" link set eth0 address 02:00:00:00:00:03
check "a MAC is one station in each VLAN" eval 'ping_ h2 10.0.0.1 && ping_ h3 10.0.0.5'
finish
