#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# App l2: a switch without tenants is a learning bridge, and stays one while the controller is away;
# an Open vSwitch as well.
#
#      x1 --- weft-switch --- x2        y1 --- Open vSwitch --- y2
#                  +--------- x3                     +--------- y3
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab

hears() { # VM FILTER COMMAND...
	local vm=$1 filter=$2; shift 2
	rm -f "$DIR/dump.err" # of the last one
	ip netns exec "$LAB-$vm" tcpdump -c 1 -Z root -nni eth0 "$filter" >"$DIR/dump" 2>"$DIR/dump.err" &
	local t=$!
	wait_for 20 grep -q listening "$DIR/dump.err"
	"$@" >/dev/null 2>&1
	sniffed "$t" "$DIR/dump"
}
stations() { "$B/weft-ofctl" dump-flows "unix:$DIR/h1.sock" table=40 | grep -c dl_src; }
knows() { [ "$(stations)" = "$1" ]; }

lab_begin
lab_space h1
lab_controller
args=()
for i in 1 2 3; do
	lab_vm "x$i" h1
	ip -n "$LAB-x$i" addr add "10.1.0.$i/24" dev eth0
	args+=(--port "x$i=af_packet:x$i")
done
lab_program h1 --controller "unix:$DIR/of.sock" "${args[@]}"
check "x1 reaches x2"                                     yes wait_for 20 pings x1 10.1.0.2 -c 1
check "x1 reaches x3"                                     yes pings x1 10.1.0.3
check "three stations are learned"                        yes wait_for 20 knows 3
check "known unicast goes to its port alone"              yes no_more hears x3 'icmp and dst 10.1.0.2' pings x1 10.1.0.2
check "broadcast goes to all"                             yes hears x3 'icmp and dst 10.1.0.255' in_space x1 ping -b -n -c 2 -i 0.2 -W 1 10.1.0.255

# x3's address moves to x2's port, as a VM that migrates would.
mac=$(in_space x3 cat /sys/class/net/eth0/address)
ip -n "$LAB-x3" link set eth0 address 02:00:00:00:00:99
ip -n "$LAB-x2" link set eth0 address "$mac"
ip -n "$LAB-x1" neigh flush dev eth0
check "a station that moved is found at its new port"     yes wait_for 20 pings x1 10.1.0.2 -c 1
check "... and no longer at the old one"                  yes no_more hears x3 'icmp and dst 10.1.0.2' pings x1 10.1.0.2

lab_kill "$CONTROLLER_PID" TERM
check "known stations reach each other without controller" yes pings x1 10.1.0.2
ip -n "$LAB-x3" link set eth0 address 02:00:00:00:00:98
check "and unknown ones, by flooding"                     yes wait_for 20 pings x3 10.1.0.1 -c 1
lab_controller
check "the controller learns what it missed"              yes wait_for 20 sh -c "'$B/weft-ofctl' dump-flows 'unix:$DIR/h1.sock' table=40 | grep -q 02:00:00:00:00:98 || { ip netns exec $LAB-x3 ping -c 1 -W 1 10.1.0.1; false; }"
check "and packets pass all the while"                    yes pings x1 10.1.0.2

lab_space h2
for i in 1 2 3; do
	lab_vm "y$i" h2
	lab_plain "y$i" eth0
	ip -n "$LAB-y$i" addr add "10.2.0.$i/24" dev eth0
done
# Its sockets are in its run directory, and so is the controller's.
ip netns exec "$LAB-h2" bash -c "set -eu; dir='$DIR'; pids=(); . tests/sys/lib/ovs.sh; ovs_start ovs0
	for i in 1 2 3; do vsctl add-port ovs0 y\$i; done; vsctl set-controller ovs0 'unix:$DIR/of.sock'
	printf '%s\n' \"\${pids[@]}\" >'$DIR/ovs.pids'" >"$DIR/ovs.out" 2>&1 || cat "$DIR/ovs.out"
while read -r pid; do PIDS+=("$pid"); done <"$DIR/ovs.pids"
ovs_flows() { OVS_RUNDIR=$DIR ovs-ofctl -O OpenFlow13 dump-flows "$DIR/ovs0.mgmt" "$1"; }
ovs_knows() { [ "$(ovs_flows table=40 | grep -c 'dl_src')" -ge "$1" ]; }
check "Open vSwitch: y1 reaches y2"                       yes wait_for 20 pings y1 10.2.0.2 -c 1
check "... and y3, which it learns"                       yes pings y1 10.2.0.3
check "... as the others"                                 yes wait_for 20 ovs_knows 3
check "... and sends known unicast to its port alone"     yes no_more hears y3 'icmp and dst 10.2.0.2' pings y1 10.2.0.2
mac=$(in_space y3 cat /sys/class/net/eth0/address)
ip -n "$LAB-y3" link set eth0 address 02:00:00:00:00:99
ip -n "$LAB-y2" link set eth0 address "$mac"
ip -n "$LAB-y1" neigh flush dev eth0
check "... a station that moved is found there"           yes wait_for 20 pings y1 10.2.0.2 -c 1
ip -n "$LAB-h2" link set y3 down
gone() { ! ovs_flows table=40 | grep -q 02:00:00:00:00:99; }
check "... and forgotten with its port"                   yes wait_for 20 gone
ovs_refused() { rest GET /weft/v1/switches | jq '[.switches[].flows.refused] | add'; }
check "neither switch has refused anything"               yes [ "$(ovs_refused)" = 0 ]
while read -r pid; do lab_kill "$pid"; done <"$DIR/ovs.pids"
verdict
