#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Frames that are wrong in every way, on an access port and on the uplink, while flows are changed in bundles
# and ports come and go: the others' traffic goes on, nothing is lost uncounted, and no memory is kept.
#
#   a1 .11 --- [             ]
#   a2 .12 --- [ weft-switch ] up0 --- (underlay) --- evil .9: garbage to the VTEP
#    x .13 --- [    on h1    ]
#     garbage        |       |
#              weft-controller   y: garbage to flows and groups that change, on a port that is no tenant's
set -u
cd "$(dirname "$0")/../.." || exit 1
QUIET=1
. tests/e2e/lab

SECONDS_LONG=${SOAK_SECONDS:-14}
MGMT="/usr/bin/python3 tests/sys/lib/mgmt.py"
OFCTL="$B/weft-ofctl"

# Bytes that an allocator with red zones and a quarantine holds say nothing.
sanitized() { grep -qE '__(asan|tsan)_init' "$B/weft-switch"; }

lab_begin
SOCK=$DIR/h1.sock
lab_underlay
lab_host h1 192.0.2.1/24
lab_host evil 192.0.2.9/24
lab_controller
# Two packet threads where there are two cores: frames are handed from one to the other.
cores=$(taskset -cp $$ | sed 's/.*: *//' | tr , '\n' | awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }' | head -2 | paste -sd,)
lab_switch h1 --pmd-cores "$cores"
new_net a
new_vm a1 h1 a 10.0.0.11
new_vm a2 h1 a 10.0.0.12
new_vm x h1 a 10.0.0.13
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE after 20 s"; done
lab_vm y h1
$MGMT "$SOCK" add y af_packet:y 500 >"$DIR/y" || die "port y: $(cat "$DIR/y")"
$OFCTL add-flow "unix:$SOCK" table=0,priority=65000,in_port=500,actions=goto_table:200 || die "no flow for port y"
in_space a1 ping -c 3 -i 0.2 -W 10 -q 10.0.0.12 >/dev/null

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
in_use() { $MGMT "$SOCK" mempools | awk '$4 > 0 { s += $2; n++ } END { print n ? s : "none" }'; }
mac_of() { in_space "$1" cat "/sys/class/net/$2/address"; }

before=$(in_use)
in_space x /usr/bin/python3 tests/sys/lib/garbage.py eth0 "$SECONDS_LONG" "${MAC[a1]}" "${MAC[x]}" 10.0.0.11 >"$DIR/sent-x" 2>"$DIR/garbage.err" &
X=$!
in_space evil /usr/bin/python3 tests/sys/lib/garbage.py up0 "$SECONDS_LONG" "$(mac_of h1 up0)" 02:00:00:00:00:99 192.0.2.1 >"$DIR/sent-evil" 2>"$DIR/garbage.err" &
EVIL=$!
in_space y /usr/bin/python3 tests/sys/lib/garbage.py eth0 "$SECONDS_LONG" 02:00:00:00:00:55 02:00:00:00:00:66 192.0.2.1 >"$DIR/sent-y" 2>"$DIR/garbage.err" &
Y=$!
in_space a1 ping -i 0.02 -c "$((SECONDS_LONG * 50))" -w "$((SECONDS_LONG + 240))" 10.0.0.12 >"$DIR/ping" 2>&1 &
PING=$!

# What y's frames meet in table 200: flows of every shape, groups, ports.
{
	for i in $(seq 100); do echo "table=200,priority=$i,udp,nw_dst=10.9.0.$i,tp_dst=$i,actions=output:501"; done
	cat <<-FLOWS
	table=200,priority=1000,ip,nw_dst=10.0.0.8/29,actions=dec_ttl,group:77
	table=200,priority=1001,udp,tp_dst=4789,actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:501,in_port
	table=200,priority=1002,vlan_vid=0x1000/0x1000,actions=pop_vlan,group:77
	table=200,priority=1003,arp,actions=set_field:1->arp_op,in_port
	table=200,priority=1004,ipv6,actions=dec_ttl,group:77,in_port
	table=200,priority=0,actions=in_port,output:501,group:77
	FLOWS
} >"$DIR/flows"
rounds=0 trouble=0 middle=
failed() { trouble=$((trouble + 1)); sed 's/^/# /' "$DIR/churn"; }
begin=$(date +%s)
# Six rounds at least, on whatever machine.
while [ $(($(date +%s) - begin)) -lt "$SECONDS_LONG" ] || { [ "$rounds" -lt 6 ] && [ $(($(date +%s) - begin)) -lt $((SECONDS_LONG + 60)) ]; }; do
	[ $((rounds % 2)) = 1 ] || $OFCTL add-group "unix:$SOCK" "group_id=77,type=all,bucket=output:501,bucket=set_field:02:00:00:00:00:77->eth_dst,in_port" >"$DIR/churn" 2>&1 || failed
	$OFCTL --bundle add-flows "unix:$SOCK" "$DIR/flows" >"$DIR/churn" 2>&1 || failed
	$MGMT "$SOCK" add "r$((rounds % 3))" "vdev:net_ring$((rounds % 3))" 501 >"$DIR/churn" 2>&1 || failed
	$OFCTL del-flows "unix:$SOCK" table=200 >"$DIR/churn" 2>&1 || failed
	$MGMT "$SOCK" del "r$((rounds % 3))" >"$DIR/churn" 2>&1 || failed
	[ $((rounds % 2)) = 0 ] || $OFCTL del-groups "unix:$SOCK" group_id=77 >"$DIR/churn" 2>&1 || failed
	rounds=$((rounds + 1))
	[ -n "$middle" ] || [ $(($(date +%s) - begin)) -lt $((SECONDS_LONG / 2)) ] ||
		middle="$(rss "${SWITCH_PID[h1]}") $(rss "$CONTROLLER_PID")"
done
wait "$X" "$Y" "$EVIL" "$PING"
end="$(rss "${SWITCH_PID[h1]}") $(rss "$CONTROLLER_PID")"

echo "# garbage sent: $(cat "$DIR/sent-x") on the access port, $(cat "$DIR/sent-y") through flows that change, $(cat "$DIR/sent-evil") on the uplink; $rounds rounds of changes"
echo "# $(grep transmitted "$DIR/ping")"
echo "# buffers in use: $before before, $(in_use) after"
echo "# resident, switch and controller: $middle kB half-way, $end kB at the end"
garbage_sent() { [ "$(cat "$DIR/sent-x")" -gt 10000 ] && [ "$(cat "$DIR/sent-evil")" -gt 10000 ] && [ "$(cat "$DIR/sent-y")" -gt 10000 ]; }
ping_kept() { [ "$(unanswered "$DIR/ping" "$((SECONDS_LONG * 50))")" -le "$SECONDS_LONG" ]; }
balanced() { $MGMT "$SOCK" stats >"$DIR/stats" && read -r rx created tx consumed drops <"$DIR/stats" &&
	[ "$rx" -gt 10000 ] && [ $((rx + created)) = $((tx + consumed + drops)) ]; }
# Bursts that wait for a neighbour, and the like, have gone after a few seconds.
returned() { [ "$(in_use)" -le "$((before + 8))" ]; }
flat() { set -- $middle $end; [ "$3" -le $(($1 + 2048)) ] && [ "$4" -le $(($2 + 2048)) ]; }
alive() { kill -0 "${SWITCH_PID[h1]}" && kill -0 "$CONTROLLER_PID"; }

check "garbage came at speed on all three ports"                    yes garbage_sent
check "bundles, deletions, ports added and removed: none failed"    yes test "$trouble" = 0 -a "$rounds" -gt 5
check "a1 -> a2 went on: at most 1 in 50 lost"                      yes ping_kept
check "... and goes on"                                             yes in_space a1 ping -c 3 -i 0.2 -W 10 10.0.0.12
check "rx + created = tx + consumed + drops"                        yes wait_for 20 balanced
check "buffers in use are as many as before"                        yes wait_for 20 returned
if sanitized; then
	echo "skip    resident memory: built with a sanitizer"
else
	check "the second half needed no more memory than the first"    yes flat
fi
check "both daemons are there"                                      yes alive
verdict
exit $?
