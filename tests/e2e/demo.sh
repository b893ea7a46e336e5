#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make demo: the product in a minute.  Two hosts, one controller, two tenants with the same addresses.
#
#      host h1                                   host h2
#     +-------------------------------+         +-----------------------+
#     |  VM a1    VM a2      VM b1    |         |  VM a3       VM b3    |
#     |  .11      .12        .11      |         |  .13         .13      |
#     |   |        |          |       |         |   |           |       |
#     |  [========= weft-switch ====] |         |  [==== weft-switch ==]|
#     +---------------+---------------+         +-----------+-----------+
#            192.0.2.1|           VXLAN                     |192.0.2.2
#                     +-------------- underlay -------------+
#
# a1, a2, a3 are tenant A's, b1, b3 tenant B's; both have the network 10.0.0.0/24.  CHECK=1 runs to the end
# and exits with the verdict; otherwise it stays up to be tried, until Ctrl-C.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab

has_neighbour() { # VM ADDRESS MAC: whom it talks to at that address
	in_space "$1" ip neigh show "$2" | grep -qi "$3"
}

spoof_ip() { # from an address that is not its own
	ip -n "$LAB-a1" addr add 10.0.0.77/32 dev eth0
	pings a1 10.0.0.13 -I 10.0.0.77
	local status=$?
	ip -n "$LAB-a1" addr del 10.0.0.77/32 dev eth0
	return $status
}

# No answer would come back to a false MAC in any case: what counts is whether a2 hears of it.
spoof_mac() {
	local false_mac=02:00:00:00:00:66
	ip netns exec "$LAB-a2" tcpdump -c 1 -Z root -nni eth0 "ether src $false_mac" >"$DIR/dump" 2>"$DIR/heard" &
	local hears=$!
	wait_for 20 grep -q listening "$DIR/heard"
	ip -n "$LAB-a1" link set eth0 address $false_mac
	pings a1 10.0.0.12
	ip -n "$LAB-a1" link set eth0 address "${MAC[a1]}"
	sniffed "$hears" "$DIR/dump"
}

# A VM that was not told the network's MTU: the switch answers as a router would, so that the sender learns.
told_mtu() {
	ip -n "$LAB-h1" link set a1 mtu 1700
	ip -n "$LAB-a1" link set eth0 mtu 1700
	pings a1 10.0.0.13 -M do -s 1500 -c 3 2>&1 | grep -q "mtu ${MTU[a]}\|mtu=${MTU[a]}"
}

begin=$(date +%s%N)
lab_begin
# The switches are up before the networks: what fits through their tunnels is the networks' MTU.
say "Two hosts as network namespaces, joined by an underlay ..."
lab_underlay
lab_host h1 "${H1:-192.0.2.1/24}"
lab_host h2 "${H2:-192.0.2.2/24}"
say "A controller, and a DPDK switch on each host (no hugepages, no NIC, no configuration) ..."
lab_controller
lab_switch h1
lab_switch h2
say "Two tenants over REST, with the same subnet 10.0.0.0/24; five VMs ..."
new_net a
new_net b
new_vm a1 h1 a 10.0.0.11
new_vm a2 h1 a 10.0.0.12
new_vm a3 h2 a 10.0.0.13
new_vm b1 h1 b 10.0.0.11
new_vm b3 h2 b 10.0.0.13
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE after 20 s"; done
new_port nowhere b 10.0.0.99
say "$(printf 'Up after %d.%d s.  What must work, and what must not:' \
	$((($(date +%s%N) - begin) / 1000000000)) $((($(date +%s%N) - begin) / 100000000 % 10)))"
say ""

check "a1 -> a3  10.0.0.13     same tenant, other host: reaches it"      yes pings a1 10.0.0.13
check "a1 -> a2  10.0.0.12     same tenant, same host: reaches it"       yes pings a1 10.0.0.12
check "b1 -> b3  10.0.0.13     the other tenant, same addresses: reaches" yes pings b1 10.0.0.13
check "a1's 10.0.0.13 is a3"                                             yes has_neighbour a1 10.0.0.13 "${MAC[a3]}"
check "b1's 10.0.0.13 is b3"                                             yes has_neighbour b1 10.0.0.13 "${MAC[b3]}"
check "b1 -> a2  10.0.0.12     an address that only tenant A has: no"    no  pings b1 10.0.0.12 -c 1
check "a1 -> b   10.0.0.99     an address that only tenant B has: no"    no  pings a1 10.0.0.99 -c 1
check "a1 -> a3  as 10.0.0.77  spoofed source address: dropped"          no  spoof_ip
check "a1 -> a2  as another    spoofed source MAC: dropped"              no  spoof_mac
check "a1 -> a2                ... and a1 itself goes on"                yes pings a1 10.0.0.12
check "a1 -> a3  1,400 bytes   through VXLAN, not fragmented: reaches"   yes pings a1 10.0.0.13 -M do -s 1372
check "a1 -> a3  too large     told the MTU (${MTU[a]}), not lost in silence"  yes told_mtu

if [ -n "${CHECK:-}" ]; then
	verdict
	exit $?
fi
say ""
printf '%d of %d held.\n' "$PASSED" $((PASSED + FAILED))
cat <<TRY

The lab is up.  REST: $URL/v2.0/networks   To try:

  $B/weftctl --url $URL status
  $B/weftctl --url $URL port list
  $B/weft-ofctl dump-flows unix:$DIR/h1.sock
  ip netns exec $LAB-a1 ping 10.0.0.13
  openstack --os-auth-type none --os-endpoint $URL network list

Ctrl-C ends it and cleans up.
TRY
# From here on an end is the user's wish, not a failure to explain.
trap 'echo; echo "Cleaning up ..."; exit $((FAILED > 0))' INT TERM HUP
while :; do sleep 3600 & wait $!; done
