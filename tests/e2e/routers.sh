#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tenant's router: between networks of every kind, and to the outside, each packet on its VM's own host.
#
#      h1: a1 10.0.0.11   b1 10.0.1.11          h2: a2 10.0.0.12   v2 10.0.2.12 (VLAN 102)
#           +--- weft-switch ---+                    +--- weft-switch ---+
#                     +================ underlay ================+
#                            gw: plain weft-switch ── out 203.0.113.1 (VLAN 200) ── 198.51.100.1
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab
. tests/e2e/lib/greet.sh
UPLINK_OPTIONS=';physnet=physnet1'

declare -A SUBNET
network() { # NAME PREFIX [MORE JSON MEMBERS]
	NET[$1]=$(post networks network "\"name\": \"$1\"${3:+, $3}")
	MTU[$1]=$(rest GET "/v2.0/networks/${NET[$1]}" | jq -r .network.mtu)
	SUBNET[$1]=$(post subnets subnet "\"network_id\": \"${NET[$1]}\", \"ip_version\": 4, \"cidr\": \"$2\"")
}
declare -A OPEN
vm() { # NAME HOST NET ADDRESS: with a default route by its subnet's gateway, and a group that lets all in
	local group
	new_vm "$1" "$2" "$3" "$4"
	group=$(rest GET "/v2.0/ports/${PORT[$1]}" | jq -r '.port.security_groups[0]')
	[ -n "${OPEN[$group]:-}" ] || rest POST /v2.0/security-group-rules "{\"security_group_rule\": {\"direction\": \"ingress\",
		\"security_group_id\": \"$group\", \"project_id\": \"tenant-$3\"}}" >/dev/null || die "rule"
	OPEN[$group]=1
	ip -n "$LAB-$1" route add default via "${4%.*}.1"
}
act() { rest PUT "/v2.0/routers/$ROUTER/$1" "$2" >/dev/null || die "$1 $2"; }
first_hop() { in_space "$1" traceroute -n -q 1 -w 1 -m 3 "$2" | awk 'NR == 2 { print $2 }'; }
goes_by() { [ "$(first_hop "$1" "$2")" = "$3" ]; }
flows() { "$B/weft-ofctl" dump-flows "unix:$DIR/$1.sock"; }
lab_two_hosts
lab_outside
ip -n "$LAB-out" addr add 198.51.100.1/32 dev lo

network a 10.0.0.0/24
network b 10.0.1.0/24
network v 10.0.2.0/24 '"provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": 102'
network pub 203.0.113.0/24 '"router:external": true, "provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": 200'
vm a1 h1 a 10.0.0.11
vm b1 h1 b 10.0.1.11
vm a2 h2 a 10.0.0.12
vm v2 h2 v 10.0.2.12
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done
ROUTER=$(post routers router '"name": "r"')
act add_router_interface "{\"subnet_id\": \"${SUBNET[a]}\"}"

check "the gateway answers pings"                              yes wait_for 20 pings a1 10.0.0.1 -c 1
check "... on every host"                                      yes pings a2 10.0.0.1
check "without an interface there: unreachable, says the router" yes sh -c \
	"ip netns exec $LAB-a1 ping -n -c 1 -W 10 10.0.1.11 | grep -q 'From 10.0.0.1.*Unreachable'"
act add_router_interface "{\"subnet_id\": \"${SUBNET[b]}\"}"
act add_router_interface "{\"subnet_id\": \"${SUBNET[v]}\"}"
check "between networks on one host"                           yes wait_for 20 pings a1 10.0.1.11 -c 1
check "between hosts, VXLAN to VXLAN"                          yes pings a2 10.0.1.11
check "VXLAN to VLAN, other host"                              yes pings a1 10.0.2.12
check "VLAN to VXLAN, back"                                    yes pings v2 10.0.1.11
check "one hop: the router is the first, the VM the second"    yes goes_by a1 10.0.2.12 10.0.0.1
check "... with its TTL one less"                              yes sh -c \
	"ip netns exec $LAB-a1 ping -n -c 1 -W 10 10.0.1.11 | grep -q ttl=63"
check "large packets, in fragments"                            yes pings a1 10.0.2.12 -s 3000

# ---- the outside ----
check "nobody outside is reached yet"                          no  pings a1 198.51.100.1 -c 1
rest PUT "/v2.0/routers/$ROUTER" "{\"router\": {\"external_gateway_info\": {\"network_id\": \"${NET[pub]}\"}}}" >/dev/null || die gateway
GATEWAY=$(rest GET "/v2.0/routers/$ROUTER" | jq -r '.router.external_gateway_info.external_fixed_ips[0].ip_address')
greet out 80
check "the outside is reached, from one host"                  yes wait_for 20 pings a1 198.51.100.1 -c 1
check "... and the other"                                      yes wait_for 20 pings a2 198.51.100.1 -c 1
check "... by the router's address"                            yes came_as a1 198.51.100.1 80 "$GATEWAY"
check "... from a VLAN as well"                                yes came_as v2 198.51.100.1 80 "$GATEWAY"
check "the gateway's address answers the outside"              yes pings out "$GATEWAY"
ip -n "$LAB-out" route add 10.0.0.0/16 via "$GATEWAY"

# ---- floating IPs ----
FIP=$(rest POST /v2.0/floatingips "{\"floatingip\": {\"floating_network_id\": \"${NET[pub]}\", \"port_id\": \"${PORT[a1]}\", \"project_id\": \"tenant\"}}")
FLOAT=$(jq -r .floatingip.floating_ip_address <<<"$FIP")
greet a1 80
check "a floating IP is reached from outside"                  yes wait_for 20 pings out "$FLOAT" -c 1
check "... with the asker's own address"                       yes came_as out "$FLOAT" 80 203.0.113.1
check "... and is who its VM is, outside"                      yes came_as a1 198.51.100.1 80 "$FLOAT"
check "others still go as the router"                          yes came_as b1 198.51.100.1 80 "$GATEWAY"
check "its translation is on the VM's own host"                yes sh -c "'$B/weft-ofctl' dump-flows 'unix:$DIR/h1.sock' | grep -q 'nat(dst=10.0.0.11)'"
check "... and on no other"                                    no  sh -c "'$B/weft-ofctl' dump-flows 'unix:$DIR/h2.sock' | grep -q 'nat(dst=10.0.0.11)'"
check "hairpin: reached from inside, same host"                yes came_as b1 "$FLOAT" 80 "$GATEWAY"
check "hairpin: from another host"                             yes came_as a2 "$FLOAT" 80 "$GATEWAY"
check "hairpin: by the VM itself"                              yes came_as a1 "$FLOAT" 80 "$FLOAT"
check "a traceroute from outside sees the router before it"    yes sh -c \
	"ip netns exec $LAB-out traceroute -n -q 1 -w 10 -m 3 -I $FLOAT | grep -q '$FLOAT'"

# ---- port forwarding ----
FIP2=$(rest POST /v2.0/floatingips "{\"floatingip\": {\"floating_network_id\": \"${NET[pub]}\", \"project_id\": \"tenant\"}}")
FLOAT2=$(jq -r .floatingip.floating_ip_address <<<"$FIP2")
rest POST "/v2.0/floatingips/$(jq -r .floatingip.id <<<"$FIP2")/port_forwardings" "{\"port_forwarding\": {\"protocol\": \"tcp\",
	\"external_port\": 8080, \"internal_port\": 80, \"internal_port_id\": \"${PORT[a2]}\", \"internal_ip_address\": \"10.0.0.12\"}}" >/dev/null || die forwarding
greet a2 80
check "a forwarded port leads inside"                          yes wait_for 20 came_as out "$FLOAT2" 8080 203.0.113.1
check "another port of the same address does not"              no  came_as out "$FLOAT2" 8081 203.0.113.1

# ---- extra routes ----
ip -n "$LAB-b1" addr add 172.16.0.1/32 dev lo
act add_extraroutes '{"router": {"routes": [{"destination": "172.16.0.0/16", "nexthop": "10.0.1.11"}]}}'
rest PUT "/v2.0/ports/${PORT[b1]}" '{"port": {"allowed_address_pairs": [{"ip_address": "172.16.0.0/16"}]}}' >/dev/null
check "an extra route leads to a VM"                           yes wait_for 20 pings a1 172.16.0.1 -c 1
act remove_extraroutes '{"router": {"routes": [{"destination": "172.16.0.0/16", "nexthop": "10.0.1.11"}]}}'
check "... and no longer"                                      yes no_more pings a1 172.16.0.1 -c 1

# ---- away and back ----
lab_kill "$CONTROLLER_PID" KILL
check "without a controller: between networks"                 yes pings a1 10.0.2.12
check "without a controller: new connections to the outside"   yes came_as b1 198.51.100.1 80 "$GATEWAY"
back=$(date +%s%N)
REST_PORT=${URL##*:} lab_controller
for h in h1 h2; do wait_for 20 host_up "$h" || die "$h does not come back"; done
synced() { rest GET /weft/v1/switches | jq -e 'all(.switches[]; .up and .flows.synced != null and .flows.pending == 0)'; }
wait_for 20 synced
# Upstream is 203.0.113.1; its flow (of stage neighbour) on a1's host is older than the controller.
test_older() {
	local age
	age=$("$B/weft-ofctl" dump-flows "unix:$DIR/h1.sock" | grep 'reg8=0xcb007101' | grep -o 'duration=[0-9.]*' | cut -d= -f2)
	[ -n "$age" ] && awk -v a="$age" -v b="$back" -v n="$(date +%s%N)" 'BEGIN { exit !(a > (n - b) / 1e9) }'
}
check "who was found is known to the next controller, its flow untouched" yes test_older
check "the controller is back: all as it was"                  yes came_as out "$FLOAT" 80 203.0.113.1
act remove_router_interface "{\"subnet_id\": \"${SUBNET[b]}\"}"
check "an interface that is gone routes no more"               yes wait_for 20 sh -c "! ip netns exec $LAB-a1 ping -n -c 1 -W 1 10.0.1.11"
greet_end
verdict
