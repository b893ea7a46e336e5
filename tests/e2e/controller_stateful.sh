#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: NX pipelines of others: a stateful firewall and learning switch as an os-ken application
#
# An os-ken application of Nicira's actions (apps/stateful.py): h1 is inside and may begin, h2 and h3 may answer.
#
#     h1 ---+
#     h2 ---+ weft-switch ---- tcp ---- os-ken
#     h3 ---+
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/../sys/lib/switch.sh"
APPS=$(cd "$(dirname "$0")/apps" && pwd)

# shellcheck source=tests/e2e/lib/star.sh
. "$(dirname "$0")/lib/star.sh"
ip netns exec "$T-s" osken-manager --ofp-tcp-listen-port 6653 "$APPS/stateful.py" >"$DIR/app.log" 2>&1 &
PIDS+=("$!")
star_switch

until_() { # COMMAND...: within 20 s
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	cp "$DIR/app.log" "$DIR/why"
	"$@"
}
check "the application is ready" until_ grep -q '^ready' "$DIR/app.log"
check "h1 reaches h2 and h3" eval 'ping_ 1 2 && ping_ 1 3'
WAIT=1 refuse "h2 does not reach h1" ping_ 2 1 1
WAIT=1 refuse "h3 does not reach h2" ping_ 3 2 1
check "three stations are learned" until_ eval '[ "$($OFCTL dump-flows "$(sock br0)" table=3 | grep -c dl_dst=02:00)" = 3 ]'
in_space h2 iperf3 -s -1 -D --logfile "$DIR/iperf.log"
check "a server of h2 listens" until_ eval 'in_space h2 ss -ltn | grep -q :5201'
check "32 MB over TCP from h1 to h2" in_space h1 iperf3 -c 10.0.0.2 -n 32M --connect-timeout 20000
check "its connection is known" eval '"$B/weft-ofctl" dump-conntrack "$(sock br0)" | grep -q "tcp,orig=(src=10.0.0.1,dst=10.0.0.2.*zone=1"'
refuse "nothing was refused" grep 'error type' "$DIR/app.log"
finish
