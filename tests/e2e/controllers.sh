#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.4.1 Packet-in: learning switches of others
# Spec: 7.3.7 Packet-out: learning switches of others
#
# Learning switches that others wrote drive weft-switch, which knows nothing of them:
#
#     h1 ---+
#     h2 ---+ weft-switch ---- tcp ---- os-ken (apps/learning.py), or ovs-testcontroller in one of its modes
#     h3 ---+      (all in a namespace of their own: nobody else's port 6653 is in the way)
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/../sys/lib/switch.sh"
APPS=$(cd "$(dirname "$0")/apps" && pwd)

# shellcheck source=tests/e2e/lib/star.sh
. "$(dirname "$0")/lib/star.sh"
star_switch

forget() { for i in 1 2 3; do ip -n "$T-h$i" neigh flush all; done; $OFCTL del-flows "$(sock br0)"; }
connected() { grep -c ' connected$' "$DIR/br0.log" || true; }
# controller NAME COMMAND...: starts one, and waits until the switch has found it.
controller() {
	local name=$1 before
	shift
	before=$(connected)
	ip netns exec "$T-s" "$@" >"$DIR/$name.log" 2>&1 &
	CTL=$!
	PIDS+=("$CTL")
	for _ in $(seq 200); do
		[ "$(connected)" -gt "$before" ] && return 0
		kill -0 $CTL 2>/dev/null || break
		sleep 0.1
	done
	cp "$DIR/$name.log" "$DIR/why"
	not_ok "$name: the switch connects"
	return 0
}
stop() {
	kill "$CTL" 2>/dev/null || true
	wait "$CTL" 2>/dev/null || true
}
flow() { # FLOW...: waits for it
	for _ in $(seq 200); do
		$OFCTL --no-stats dump-flows "$(sock br0)" >"$DIR/flows"
		grep -qE "$1" "$DIR/flows" && return 0
		sleep 0.1
	done
	cat "$DIR/flows"
	return 1
}
# 8 MB over TCP from h1 to h2, compared.
transfer() {
	head -c 8000000 /dev/urandom >"$DIR/data"
	rm -f "$DIR/up" # of the last one
	in_space h2 timeout 90 "${PYTHON:-/usr/bin/python3}" -c '
import socket, sys
s = socket.create_server(("10.0.0.2", 5001)); print("up", flush=True); c = s.accept()[0]
with open(sys.argv[1], "wb") as f:
    while (b := c.recv(1 << 16)): f.write(b)' "$DIR/got" >"$DIR/up" &
	local pid=$!
	PIDS+=("$pid")
	until_true 20 test -s "$DIR/up"
	in_space h1 timeout 90 "${PYTHON:-/usr/bin/python3}" -c '
import socket, sys
s = socket.create_connection(("10.0.0.2", 5001), 30); s.sendall(open(sys.argv[1], "rb").read())' "$DIR/data"
	wait $pid
	cmp "$DIR/data" "$DIR/got"
}

MISS='actions=CONTROLLER'
controller learning osken-manager --ofp-tcp-listen-port 6653 "$APPS/learning.py"
check "learning: a table-miss entry asks for whole packets" flow 'priority=0 actions=CONTROLLER:65535'
check "learning: h1 and h2 reach each other" ping_ 1 2
check "learning: h3 reaches both" eval 'ping_ 3 1 && ping_ 3 2'
check "learning: the controller's flow is there" flow 'priority=1,in_port=("?p?1"?),dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02 actions=output:"?p?2"?'
before=$(grep -c packet-in "$DIR/learning.log")
check "learning: 8 MB over TCP arrive as they were sent" transfer
check "learning: ... past the controller" test "$(grep -c packet-in "$DIR/learning.log")" -le $((before + 2))
refuse "learning: no packet was buffered" grep buffered "$DIR/learning.log"
refuse "learning: nothing was refused" grep 'error type' "$DIR/learning.log"
stop

forget
controller buffered env MISS_LEN=40 osken-manager --ofp-tcp-listen-port 6653 "$APPS/learning.py"
check "buffered: a table-miss entry asks for 40 bytes" flow 'priority=0 actions=CONTROLLER:40'
check "buffered: h1 and h2 reach each other" ping_ 1 2
check "buffered: the first packet of a flow is not lost" test "$(in_space h1 ping -c 1 -W 20 -s 1000 10.0.0.3 | grep -c ' 0% packet loss')" = 1
check "buffered: 8 MB over TCP arrive as they were sent" transfer
check "buffered: the controller saw 40 bytes of more" grep -q '40 of [0-9]* bytes, buffered' "$DIR/buffered.log"
refuse "buffered: nothing was refused" grep 'error type' "$DIR/buffered.log"
stop

# Debian's test controller, as it is started; flows of its own, wildcarded or exact, or none at all.
TEST="ovs-testcontroller -O OpenFlow13 --log-file=$DIR/tc.log --unixctl=$DIR/tc.ctl ptcp:6653:127.0.0.1"
forget
# shellcheck disable=SC2086
controller testcontroller $TEST
check "testcontroller: a table-miss entry" flow "$MISS"
check "testcontroller: h1 and h2 reach each other" ping_ 1 2
check "testcontroller: h3 reaches both" eval 'ping_ 3 1 && ping_ 3 2'
check "testcontroller: exact flows" flow 'icmp.*dl_src=02:00:00:00:00:01'
check "testcontroller: 8 MB over TCP arrive as they were sent" transfer
stop
forget
# shellcheck disable=SC2086
controller wildcards $TEST --wildcards
check "testcontroller --wildcards: h1 and h2 reach each other" ping_ 1 2
check "testcontroller --wildcards: flows for stations" flow 'dl_dst=02:00:00:00:00:0[12] actions='
check "testcontroller --wildcards: 8 MB over TCP arrive as they were sent" transfer
stop
forget
# shellcheck disable=SC2086
controller hub $TEST --hub
check "testcontroller --hub: h1 and h2 reach each other" ping_ 1 2
check "testcontroller --hub: what h1 and h2 say comes to h3, too" eval '
	a=$(in_space h3 cat /sys/class/net/eth0/statistics/rx_packets)
	ping_ 1 2 10 && b=$(in_space h3 cat /sys/class/net/eth0/statistics/rx_packets) && [ $((b - a)) -ge 20 ]'
stop
forget
# shellcheck disable=SC2086
controller noflow $TEST --noflow
check "testcontroller --noflow: h1 and h2 reach each other, each packet by the controller" ping_ 1 2
refuse "testcontroller --noflow: ... and no flow is there" eval '$OFCTL dump-flows "$(sock br0)" | grep -E "dl_src|dl_dst"'
stop
forget
cat >"$DIR/with" <<'END'
priority=5,arp,actions=FLOOD
priority=5,ip,nw_dst=10.0.0.1,actions=output:1
priority=5,ip,nw_dst=10.0.0.2,actions=output:2
END
# shellcheck disable=SC2086
controller withflows $TEST --with-flows="$DIR/with"
check "testcontroller --with-flows: they are there" flow 'priority=5,ip,nw_dst=10.0.0.2 actions='
check "testcontroller --with-flows: h1 and h2 reach each other" ping_ 1 2
stop
finish
