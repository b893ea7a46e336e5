#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A VM comes and moves to another host while somebody talks to it, as Nova asks for it, and Nova is told; hosts hear of new prefixes.
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
declare -A SERVER
mover() { # NAME NET ADDRESS: on h1, in Nova's own steps, and another namespace on h2 that is what it will be
	SERVER[$1]=$(cat /proc/sys/kernel/random/uuid)
	lab_vm "$1" h1
	new_port "$1" "$2" "$3" "\"device_id\": \"${SERVER[$1]}\", \"port_security_enabled\": false"
	port "$1" '."binding:vif_type" == "unbound" and .status == "DOWN" and .resource_request == null' || die "port $1 is not unbound"
	rest PUT "/v2.0/ports/${PORT[$1]}" "{\"port\": {\"device_owner\": \"compute:nova\", \"binding:host_id\": \"h1\",
		\"binding:profile\": {\"weft_spec\": \"af_packet:$1\", \"os_vif_delegation\": true}}}" >/dev/null || die "port $1 is not bound"
	lab_vm_up "$1" "${MAC[$1]}" "$3/24" "${MTU[$2]}"
	lab_vm "${1}2" h2
	lab_vm_up "${1}2" "${MAC[$1]}" "$3/24" "${MTU[$2]}"
}
bindings() { rest "$1" "/v2.0/ports/${PORT[$2]}/bindings${3:-}" "${4:-}"; }
there() { "$B/weft-ofctl" show "unix:$DIR/$2.sock" | grep -q "tap${PORT[$1]:0:11}"; }
lost() { # at most N of the stream
	local n
	wait "$STREAM"
	n=$(unanswered "$DIR/stream" 200)
	echo "$n of 200 lost"
	[ "$n" -le "$1" ]
}
port() { rest GET "/v2.0/ports/${PORT[$1]}" | jq -e ".port | $2" >/dev/null; }
nova_start() { /usr/bin/python3 tests/e2e/apps/nova.py "$NOVA_PORT" "$DIR/nova" & NOVA=$!; PIDS+=("$NOVA"); wait_for 20 port_taken "$NOVA_PORT"; }
# What Nova was told of a port, in order, from request N on; without "network-".
told() { tail -n "+${3:-1}" "$DIR/nova/requests" | jq -r "select(.status == 200) | .events[] | select(.tag == \"${PORT[$1]}\" and .server_uuid == \"${SERVER[$1]:-x}\") | .name" | sed s/network-// | paste -sd' ' | grep -qx "$2"; }
requests() { wc -l <"$DIR/nova/requests"; }
status() { rest GET /weft/v1/status | jq -e ".status | $1" >/dev/null; }
announced() { grep -q "vlan 102.*Request who-has 10.0.2.20.* tell 10.0.2.20" "$DIR/arp"; }
has() { ip -n "$LAB-$1" -o addr show dev eth0 | grep -v tentative | grep -q "inet6 $2"; }

lab_begin
lab_underlay
lab_host h1 192.0.2.1/24
lab_host h2 192.0.2.2/24
NOVA_PORT=$(free_port)
nova_start
echo token-for-nova >"$DIR/nova.token"
lab_controller --nova "http://127.0.0.1:$NOVA_PORT/v2.1/" --nova-token "$DIR/nova.token"
lab_switch h1
lab_switch h2
network a 10.0.0.0/24
network v 10.0.2.0/24 '"provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": 102'
new_vm a1 h1 a 10.0.0.11
new_vm v1 h1 v 10.0.2.11
mover m a 10.0.0.20
mover n v 10.0.2.20
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done

# ---- a VM comes ----
check "Nova is told when its port is plugged in"               yes wait_for 20 told m vif-plugged
check "... in its words, with the token"                       yes jq -es '.[0] | .token == "token-for-nova" and (.events[0] | .status == "completed" and (keys == ["name", "server_uuid", "status", "tag"]))' "$DIR/nova/requests"
check "... and of no other port"                               no  grep -qE "${PORT[a1]}|${PORT[v1]}" "$DIR/nova/requests"
check "what Nova put into the profile is kept"                 yes port m '."binding:profile".os_vif_delegation == true and ."binding:vif_type" == "tap"'

# ---- a VM moves ----
check "a VM answers where it is"                               yes wait_for 20 pings a1 10.0.0.20 -c 1
check "... on a VLAN, too"                                     yes wait_for 20 pings v1 10.0.2.20 -c 1
for x in m n; do
	bindings POST $x "" "{\"binding\": {\"host\": \"h2\", \"profile\": {\"weft_spec\": \"af_packet:${x}2\"}}}" >"$DIR/out" || die "$(cat "$DIR/out")"
done
check "its next host makes the switch port before it comes"    yes wait_for 20 there m h2
check "... and the first one keeps its own"                    yes there m h1
check "... where it still is"                                  yes pings a1 10.0.0.20
in_space ul tcpdump -Z root -lne -i to-h2 'vlan and arp' >"$DIR/arp" 2>/dev/null &
TCPDUMP=$!
in_space a1 ping -n -i 0.02 -c 200 -w 240 10.0.0.20 >"$DIR/stream" 2>&1 &
STREAM=$!
sleep 1
bindings PUT m /h2/activate '{}' >/dev/null || die "activate m"
bindings PUT n /h2/activate '{}' >/dev/null || die "activate n"
ip -n "$LAB-m" link set eth0 down
ip -n "$LAB-n" link set eth0 down
check "it is activated there while a ping runs: the gap is short" yes lost 125
check "it answers from there"                                  yes pings a1 10.0.0.20
check "... on the VLAN, too"                                   yes wait_for 20 pings v1 10.0.2.20 -c 1
check "... where physical switches were told"                  yes wait_for 20 announced
check "the port says where it is"                              yes sh -c "curl -s $URL/v2.0/ports/${PORT[m]} | jq -e '.port[\"binding:host_id\"] == \"h2\" and .port.status == \"ACTIVE\"'"
bindings DELETE m /h1 >/dev/null || die "delete"
check "without its former binding the first host's port goes"  yes wait_for 20 sh -c "! '$B/weft-ofctl' show 'unix:$DIR/h1.sock' | grep -q 'tap${PORT[m]:0:11}'"
check "... and nothing else"                                   yes pings a1 10.0.0.20

check "Nova is told that it is plugged in there"               yes wait_for 20 told m "vif-plugged.* vif-plugged"

# ---- port security, on and off ----
PINGS=$(post security-groups security_group '"name": "pings"')
post security-group-rules security_group_rule "\"security_group_id\": \"$PINGS\", \"direction\": \"ingress\", \"protocol\": \"icmp\"" >/dev/null
in_space a1 ping -n -i 0.02 -c 200 -w 240 10.0.0.20 >"$DIR/stream" 2>&1 &
STREAM=$!
for _ in 1 2 3; do
	sleep 0.4
	rest PUT "/v2.0/ports/${PORT[m]}" "{\"port\": {\"port_security_enabled\": true, \"security_groups\": [\"$PINGS\"]}}" >/dev/null || die "port security on"
	sleep 0.4
	rest PUT "/v2.0/ports/${PORT[m]}" '{"port": {"port_security_enabled": false, "security_groups": []}}' >/dev/null || die "port security off"
done
check "port security comes and goes in a bound port: nothing is lost that is allowed" yes lost 5

# ---- what else Nova is told ----
before=$(($(requests) + 1))
rest PUT "/v2.0/ports/${PORT[n]}" '{"port": {"fixed_ips": [{"ip_address": "10.0.2.20"}, {"ip_address": "10.0.2.21"}]}}' >/dev/null || die "fixed_ips"
check "another address: network-changed"                       yes wait_for 20 told n changed "$before"
echo 503 >"$DIR/nova/status"
before=$(($(requests) + 1))
rest PUT "/v2.0/ports/${PORT[n]}" '{"port": {"admin_state_up": false}}' >/dev/null || die "admin_state_up"
check "Nova is out of order: the status says so"               yes wait_for 20 status '.ok == false and .nova.waiting > 0 and (.problems[] | select(.kind == "nova"))'
check "... to people, too"                                     yes eval '"$B/weftctl" --url "$URL" status | grep -q "nova  .* wait"'
lab_kill "$NOVA"
rm "$DIR/nova/status"
rest PUT "/v2.0/ports/${PORT[n]}" '{"port": {"admin_state_up": true}}' >/dev/null || die "admin_state_up"
rest PUT "/v2.0/ports/${PORT[m]}" '{"port": {"admin_state_up": false}}' >/dev/null || die "admin_state_up"
rest PUT "/v2.0/ports/${PORT[n]}" '{"port": {"fixed_ips": [{"ip_address": "10.0.2.20"}]}}' >/dev/null || die "fixed_ips"
rest DELETE "/v2.0/ports/${PORT[m]}" >/dev/null || die "delete"
nova_start
check "it is back: all is told, in order"                      yes wait_for 40 told n "vif-unplugged vif-plugged changed" "$before"
check "... of another port, too"                               yes told m "vif-unplugged vif-deleted" "$before"
check "... in one request"                                     yes eval '[ "$(jq -s "map(select(.status == 200)) | last.events | length" "$DIR/nova/requests")" = 5 ]'
check "... and nothing is lost"                                yes wait_for 20 status '.nova | .lost == 0 and .waiting == 0 and .trouble == null'
for code in 422 404; do
	echo "${SERVER[n]} $code" >"$DIR/nova/codes"
	REFUSED=$(rest GET /weft/v1/status | jq .status.nova.refused)
	rest PUT "/v2.0/ports/${PORT[n]}" "{\"port\": {\"fixed_ips\": [{\"ip_address\": \"10.0.2.$((code % 100 + 50))\"}]}}" >/dev/null || die "fixed_ips"
	check "a server that Nova answers $code: counted, not asked again" yes wait_for 20 status ".nova | .refused == $((REFUSED + 1)) and .waiting == 0 and .trouble == null"
done

lab_kill "$NOVA"

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
wait_for 20 port_active "${PORT[s1]}" || die "s1 is not ACTIVE"
rest PUT "/v2.0/routers/$ROUTER/add_router_interface" "{\"subnet_id\": \"$S1\"}" >/dev/null || die interface
check "hosts hear of a router without asking"                  yes wait_for 20 has s1 2001:db8:1:
S2=$(post subnets subnet "\"network_id\": \"${NET[s]}\", \"ip_version\": 6, \"cidr\": \"2001:db8:2::/64\", \"ipv6_ra_mode\": \"slaac\", \"ipv6_address_mode\": \"slaac\"")
rest PUT "/v2.0/routers/$ROUTER/add_router_interface" "{\"subnet_id\": \"$S2\"}" >/dev/null || die interface
check "... and of another prefix"                              yes wait_for 20 has s1 2001:db8:2:
kill "$TCPDUMP"; wait "$TCPDUMP" 2>/dev/null
verdict
