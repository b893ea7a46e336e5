#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A VM moves to another host while somebody talks to it, as Nova's live migration asks for it; hosts hear of new prefixes.
#
#      h1: a1   m (10.0.0.20)   n (VLAN 102)   s1     h2: m' n' wait there, with the same addresses
#           +--- weft-switch ---+                        +--- weft-switch ---+
#                     +================= underlay =================+
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab
UPLINK_OPTIONS=';physnet=physnet1'

network() { # NAME PREFIX [MORE JSON MEMBERS]
	NET[$1]=$(post networks network "\"name\": \"$1\"${3:+, $3}")
	MTU[$1]=$(rest GET "/v2.0/networks/${NET[$1]}" | jq -r .network.mtu)
	post subnets subnet "\"network_id\": \"${NET[$1]}\", \"ip_version\": 4, \"cidr\": \"$2\"" >/dev/null
}
mover() { # NAME NET ADDRESS: on h1, and another namespace on h2 that is what it will be
	new_vm "$1" h1 "$2" "$3" '"device_owner": "compute:nova", "port_security_enabled": false'
	lab_vm "${1}2" h2
	lab_vm_up "${1}2" "${MAC[$1]}" "$3/24" "${MTU[$2]}"
}
bindings() { rest "$1" "/v2.0/ports/${PORT[$2]}/bindings${3:-}" "${4:-}"; }
there() { "$B/weft-ofctl" show "unix:$DIR/$2.sock" | grep -q "tap${PORT[$1]:0:11}"; }
lost() { # at most N of the stream
	wait "$STREAM"
	grep -o '[0-9]* packets transmitted, [0-9]* received' "$DIR/stream" >"$DIR/lost"; cat "$DIR/lost"
	awk '{ exit !($1 > 100 && $1 - $4 <= allow) }' allow="$1" "$DIR/lost"
}
announced() { grep -q "vlan 102.*Request who-has 10.0.2.20.* tell 10.0.2.20" "$DIR/arp"; }
has() { ip -n "$LAB-$1" -o addr show dev eth0 | grep -v tentative | grep -q "inet6 $2"; }

lab_begin
lab_underlay
lab_host h1 192.0.2.1/24
lab_host h2 192.0.2.2/24
lab_controller
lab_switch h1
lab_switch h2
network a 10.0.0.0/24
network v 10.0.2.0/24 '"provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": 102'
new_vm a1 h1 a 10.0.0.11
new_vm v1 h1 v 10.0.2.11
mover m a 10.0.0.20
mover n v 10.0.2.20
for p in "${PORT[@]}"; do wait_for 10 port_active "$p" || die "port $p is not ACTIVE"; done

# ---- a VM moves ----
check "a VM answers where it is"                               yes wait_for 5 pings a1 10.0.0.20 -c 1
check "... on a VLAN, too"                                     yes wait_for 5 pings v1 10.0.2.20 -c 1
for x in m n; do
	bindings POST $x "" "{\"binding\": {\"host\": \"h2\", \"profile\": {\"weft_spec\": \"af_packet:${x}2\"}}}" >"$DIR/out" || die "$(cat "$DIR/out")"
done
check "its next host makes the switch port before it comes"    yes wait_for 5 there m h2
check "... and the first one keeps its own"                    yes there m h1
check "... where it still is"                                  yes pings a1 10.0.0.20
in_space ul tcpdump -Z root -lne -i to-h2 'vlan and arp' >"$DIR/arp" 2>/dev/null &
TCPDUMP=$!
in_space a1 ping -n -q -i 0.02 -c 150 -W 1 10.0.0.20 >"$DIR/stream" 2>&1 &
STREAM=$!
sleep 1
bindings PUT m /h2/activate '{}' >/dev/null || die "activate m"
bindings PUT n /h2/activate '{}' >/dev/null || die "activate n"
ip -n "$LAB-m" link set eth0 down
ip -n "$LAB-n" link set eth0 down
check "it is activated there while a ping runs: the gap is below a second" yes lost 50
check "it answers from there"                                  yes pings a1 10.0.0.20
check "... on the VLAN, too"                                   yes wait_for 3 pings v1 10.0.2.20 -c 1
check "... where physical switches were told"                  yes wait_for 3 announced
check "the port says where it is"                              yes sh -c "curl -s $URL/v2.0/ports/${PORT[m]} | jq -e '.port[\"binding:host_id\"] == \"h2\" and .port.status == \"ACTIVE\"'"
bindings DELETE m /h1 >/dev/null || die "delete"
check "without its former binding the first host's port goes"  yes wait_for 5 sh -c "! '$B/weft-ofctl' show 'unix:$DIR/h1.sock' | grep -q 'tap${PORT[m]:0:11}'"
check "... and nothing else"                                   yes pings a1 10.0.0.20

# ---- a prefix comes ----
NET[s]=$(post networks network '"name": "s"')
S1=$(post subnets subnet "\"network_id\": \"${NET[s]}\", \"ip_version\": 6, \"cidr\": \"2001:db8:1::/64\", \"ipv6_ra_mode\": \"slaac\", \"ipv6_address_mode\": \"slaac\"")
ROUTER=$(post routers router '"name": "r"')
lab_vm s1 h1
BODY=$(rest POST /v2.0/ports "{\"port\": {\"network_id\": \"${NET[s]}\", \"project_id\": \"tenant\", \"binding:host_id\": \"h1\", \"binding:profile\": {\"weft_spec\": \"af_packet:s1\"}}}") || die "$BODY"
PORT[s1]=$(jq -r .port.id <<<"$BODY")
ip -n "$LAB-s1" link set eth0 address "$(jq -r .port.mac_address <<<"$BODY")"
# It asks nobody: only what comes by itself counts.
in_space s1 sysctl -qw net.ipv6.conf.eth0.router_solicitations=0 net.ipv6.conf.eth0.accept_ra=2 net.ipv6.conf.eth0.autoconf=1 net.ipv6.conf.eth0.disable_ipv6=0
wait_for 10 port_active "${PORT[s1]}" || die "s1 is not ACTIVE"
rest PUT "/v2.0/routers/$ROUTER/add_router_interface" "{\"subnet_id\": \"$S1\"}" >/dev/null || die interface
check "hosts hear of a router without asking"                  yes wait_for 8 has s1 2001:db8:1:
S2=$(post subnets subnet "\"network_id\": \"${NET[s]}\", \"ip_version\": 6, \"cidr\": \"2001:db8:2::/64\", \"ipv6_ra_mode\": \"slaac\", \"ipv6_address_mode\": \"slaac\"")
rest PUT "/v2.0/routers/$ROUTER/add_router_interface" "{\"subnet_id\": \"$S2\"}" >/dev/null || die interface
check "... and of another prefix"                              yes wait_for 8 has s1 2001:db8:2:
kill "$TCPDUMP"; wait "$TCPDUMP" 2>/dev/null
verdict
