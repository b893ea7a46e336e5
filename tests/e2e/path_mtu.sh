#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tenant's router between networks of different MTU: what does not fit is fragmented, or its sender told; so connections
# find their path's MTU, between networks, by SNAT and to a floating IP.
#
#      h1: w1 10.0.0.11 (VLAN 101, MTU 1500)        h2: n2 10.0.1.12 (VXLAN, MTU 1200), without port security:
#                                                           nobody puts fragments together for it
#           +--- weft-switch ---+                          +--- weft-switch ---+
#                     +=================== underlay ===================+
#                            gw: plain weft-switch ── out 203.0.113.1 (VLAN 200) ── 198.51.100.1
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab
UPLINK_OPTIONS=';physnet=physnet1'

declare -A SUBNET
vlan() { printf '"provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": %s' "$1"; }
network() { # NAME PREFIX [MORE JSON MEMBERS]
	NET[$1]=$(post networks network "\"name\": \"$1\"${3:+, $3}")
	SUBNET[$1]=$(post subnets subnet "\"network_id\": \"${NET[$1]}\", \"ip_version\": 4, \"cidr\": \"$2\"")
}
mtu() { rest PUT "/v2.0/networks/${NET[$1]}" "{\"network\": {\"mtu\": $2}}" >/dev/null || die "mtu"; }
# A guest that takes no notice of its network's MTU: so the ends of a connection agree on segments that the way has no room for.
vm() { # NAME HOST NET ADDRESS IPV6 [MORE JSON MEMBERS]
	lab_vm "$1" "$2"
	local body
	body=$(rest POST /v2.0/ports "{\"port\": {\"name\": \"$1\", \"network_id\": \"${NET[$3]}\", \"project_id\": \"tenant\",
		\"fixed_ips\": [{\"ip_address\": \"$4\"}, {\"ip_address\": \"$5\"}],
		\"binding:host_id\": \"$2\", \"binding:profile\": {\"weft_spec\": \"af_packet:$1\"}${6:+, $6}}}") || die "$body"
	PORT[$1]=$(jq -r .port.id <<<"$body")
	GROUP=$(jq -r '.port.security_groups[0] // empty' <<<"$body")
	lab_vm_up "$1" "$(jq -r .port.mac_address <<<"$body")" "$4/24" 1500
	in_space "$1" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_ra=0
	ip -n "$LAB-$1" -6 addr add "$5/64" dev eth0 nodad
	ip -n "$LAB-$1" route add default via "${4%.*}.1"
	ip -n "$LAB-$1" -6 route add default via "${5%::*}::1"
}
forget() { local e; for e in w1 n2 out; do ip -n "$LAB-$e" route flush cache; ip -n "$LAB-$e" -6 route flush cache; done; }
told() { # SPACE FROM MTU PING-ARGUMENTS: the router says so
	local s=$1 from=$2 mtu=$3; shift 3
	forget
	in_space "$s" ping -n -c 1 -w 10 -M "do" "$@" 2>&1 | tee /dev/stderr | grep -Eqi "From $from.*(mtu = |mtu=)$mtu"
}
# An outsider's ping to a floating IP: the kernel has found the error to be about what it sent.
learned() { ip -n "$LAB-$1" route get "$2" | tee /dev/stderr | grep -q "mtu $3"; }
fragments() { in_space "$1" cat /proc/net/snmp | awk '/^Ip:/ && $2 ~ /^[0-9]/ { print $15 }'; }
# One end sends 400,000 bytes to the other, which says so; with path-MTU discovery, so that nothing of it is fragmented.
cat_server() { # SPACE PORT
	in_space "$1" timeout 600 /usr/bin/python3 -c 'import socket, sys
s = socket.create_server(("", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    c, who = s.accept(); c.settimeout(30); n = 0
    try:
        while n < 400000: n += len(c.recv(65536)) or 1000000
        c.sendall(b"x" * n)
        c.recv(1)
    except OSError: pass
    c.close()' "$2" >/dev/null 2>&1 &
	SERVERS+=("$!")
	wait_for 20 in_space "$1" sh -c "ss -Hltn 'sport = :$2' | grep -q ."
}
moves() { # SPACE ADDRESS PORT: there and back
	forget
	in_space "$1" timeout 60 /usr/bin/python3 -c 'import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20); s.settimeout(30)
s.sendall(b"x" * 400000); n = 0
while n < 400000: n += len(s.recv(65536)) or 1000000
print(n); sys.exit(n != 400000)' "$2" "$3"
}

SERVERS=()
lab_two_hosts
lab_outside
ip -n "$LAB-out" addr add 198.51.100.1/32 dev lo

network w 10.0.0.0/24 "$(vlan 101)"
network n 10.0.1.0/24 '"mtu": 1200'
network pub 203.0.113.0/24 "\"router:external\": true, $(vlan 200)"
W6=$(post subnets subnet "\"network_id\": \"${NET[w]}\", \"ip_version\": 6, \"cidr\": \"2001:db8:a::/64\"")
N6=$(post subnets subnet "\"network_id\": \"${NET[n]}\", \"ip_version\": 6, \"cidr\": \"2001:db8:b::/64\"")
vm n2 h2 n 10.0.1.12 2001:db8:b::12 '"port_security_enabled": false'
vm w1 h1 w 10.0.0.11 2001:db8:a::11
for f in IPv4 IPv6; do rest POST /v2.0/security-group-rules "{\"security_group_rule\": {\"direction\": \"ingress\", \"ethertype\": \"$f\",
	\"security_group_id\": \"$GROUP\", \"project_id\": \"tenant\"}}" >/dev/null || die "rule"; done
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done
ROUTER=$(post routers router '"name": "r"')
for s in "${SUBNET[w]}" "${SUBNET[n]}" "$W6" "$N6"; do
	rest PUT "/v2.0/routers/$ROUTER/add_router_interface" "{\"subnet_id\": \"$s\"}" >/dev/null || die "interface"
done
rest PUT "/v2.0/routers/$ROUTER" "{\"router\": {\"external_gateway_info\": {\"network_id\": \"${NET[pub]}\"}}}" >/dev/null || die gateway
FIP=$(rest POST /v2.0/floatingips "{\"floatingip\": {\"floating_network_id\": \"${NET[pub]}\", \"port_id\": \"${PORT[n2]}\", \"project_id\": \"tenant\"}}")
FLOAT=$(jq -r .floatingip.floating_ip_address <<<"$FIP")
cat_server n2 80
cat_server w1 80
cat_server out 80

# ---- between networks ----
check "what fits goes"                                         yes wait_for 20 pings w1 10.0.1.12 -c 1 -M "do" -s 1172
check "what does not, and must not be fragmented: 1200"        yes told w1 10.0.0.1 1200 10.0.1.12 -s 1173
check "what may be is fragmented"                              yes pings w1 10.0.1.12 -M dont -s 1400
check "... by the router: the VM puts it together"             yes test "$(fragments n2)" -gt 0
check "what its sender has fragmented is, further"             yes pings w1 10.0.1.12 -M dont -s 4000
check "the other way there is room"                            yes pings n2 10.0.0.11 -M "do" -s 1172
check "TCP finds the way's MTU, and back"                      yes moves w1 10.0.1.12 80
check "... which its host has learned"                         yes learned w1 10.0.1.12 1200
check "TCP the other way, and back"                            yes moves n2 10.0.0.11 80
check "IPv6: an MTU of 1200 is one of 1280"                    yes told w1 2001:db8:a::1 1280 2001:db8:b::12 -s 1273
mtu n 1300
check "the network's MTU is another: IPv6 too big for it"      yes wait_for 20 told w1 2001:db8:a::1 1300 2001:db8:b::12 -s 1273
check "... and IPv4"                                           yes told w1 10.0.0.1 1300 10.0.1.12 -s 1273
check "IPv6, TCP finds the way's MTU, and back"                yes moves w1 2001:db8:b::12 80
check "IPv6, the other way"                                    yes moves n2 2001:db8:a::11 80
mtu n 1200

# ---- to the outside ----
check "outside there is room"                                  yes wait_for 20 pings w1 198.51.100.1 -c 1 -M "do" -s 1400
mtu pub 1100
check "outside there is less: SNAT, the sender is told"        yes wait_for 20 told w1 10.0.0.1 1100 198.51.100.1 -s 1400
check "a floating IP's VM is told"                             yes told n2 10.0.1.1 1100 198.51.100.1 -s 1150
check "TCP by SNAT, and back"                                  yes moves w1 198.51.100.1 80
check "... as large as the outside takes"                      yes learned w1 198.51.100.1 1100
check "TCP by a floating IP, and back"                         yes moves n2 198.51.100.1 80
mtu pub 1500

# ---- from the outside ----
check "from outside: the sender to a floating IP is told"      yes wait_for 20 told out '[0-9.]*' 1200 "$FLOAT" -s 1400
check "... of what it sent, not of its translation"            yes learned out "$FLOAT" 1200
check "... and fragments are made for it"                      yes pings out "$FLOAT" -M dont -s 1400
check "TCP from outside to a floating IP, and back"            yes moves out "$FLOAT" 80
check "hairpin: a VM to the floating IP of another"            yes moves w1 "$FLOAT" 80

# ---- all alike: no flow asks ----
mtu n 1450
mtu w 1450
mtu pub 1450
check "networks of one MTU: nothing is asked"                  yes wait_for 20 sh -c "! '$B/weft-ofctl' dump-flows 'unix:$DIR/h1.sock' | grep 'fit('"
kill "${SERVERS[@]}"
verdict
