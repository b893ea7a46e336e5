#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Addresses that several VMs may have (VRRP, load balancers): whoever speaks for one has it, for its neighbours, for a
# router, and for a floating IP.
#
#      h1: m1 c1 (a)   r1 (b)                   h2: m2 c2 (a)
#           +--- weft-switch ---+                    +--- weft-switch ---+
#                     +================ underlay ================+
#                            gw: plain weft-switch ── out 203.0.113.1 (VLAN 200)
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab
UPLINK_OPTIONS=';physnet=physnet1'
VMAC=00:00:5e:00:01:07

network() { # NAME [MORE JSON MEMBERS]
	NET[$1]=$(post networks network "\"name\": \"$1\"${2:+, $2}")
	MTU[$1]=$(rest GET "/v2.0/networks/${NET[$1]}" | jq -r .network.mtu)
}
declare -A SUBNET
subnet() { SUBNET[$1]=$(post subnets subnet "\"network_id\": \"${NET[${1%6}]}\", $2"); }
act() { rest PUT "/v2.0/routers/$ROUTER/$1" "$2" >/dev/null || die "$1 $2"; }
set_port() { rest PUT "/v2.0/ports/${PORT[$1]}" "{\"port\": {$2}}" >/dev/null || die "cannot change port $1"; }
vm() { # NAME HOST NET ADDRESS IPV6
	lab_vm "$1" "$2"
	local body
	body=$(rest POST /v2.0/ports "{\"port\": {\"name\": \"$1\", \"network_id\": \"${NET[$3]}\", \"project_id\": \"tenant\", \"security_groups\": [\"$OPEN\"],
		\"fixed_ips\": [{\"ip_address\": \"$4\"}, {\"ip_address\": \"$5\"}], \"binding:host_id\": \"$2\",
		\"binding:profile\": {\"weft_spec\": \"af_packet:$1\"}}}") || die "$body"
	PORT[$1]=$(jq -r .port.id <<<"$body")
	MAC[$1]=$(jq -r .port.mac_address <<<"$body")
	lab_vm_up "$1" "${MAC[$1]}" "$4/24" "${MTU[$3]}"
	in_space "$1" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_ra=0
	ip -n "$LAB-$1" addr add "$5/64" dev eth0 nodad
	ip -n "$LAB-$1" route add default via "${4%.*}.1"
	ip -n "$LAB-$1" -6 route add default via "${5%::*}::1"
}
# The VM has the address now, and says so, as keepalived does; who had it is silent.
take() { # VM ADDRESS FROM
	if [ -n "${3:-}" ]; then ip -n "$LAB-$3" addr del "$2/32" dev eth0 2>/dev/null || ip -n "$LAB-$3" addr del "$2/128" dev eth0; fi
	case $2 in
	*:*)
		ip -n "$LAB-$1" addr add "$2/128" dev eth0 nodad
		say_ipv6 "$1" "$2" ;;
	*)
		ip -n "$LAB-$1" addr add "$2/32" dev eth0
		in_space "$1" arping -q -U -c 1 -w 1 -I eth0 "$2" >/dev/null 2>&1 & ;;
	esac
	:
}
say_ipv6() { # VM ADDRESS: an advertisement to all
	in_space "$1" /usr/bin/python3 - "$2" <<'END'
import sys
from scapy.all import Ether, ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6, get_if_hwaddr, sendp
mac = get_if_hwaddr("eth0")
sendp(Ether(src=mac, dst="33:33:00:00:00:01") / IPv6(src=sys.argv[1], dst="ff02::1", hlim=255) /
      ICMPv6ND_NA(tgt=sys.argv[1], R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac), iface="eth0", verbose=0)
END
}
# A TCP server that says where it runs.
SERVERS=()
serve() {
	in_space "$1" timeout 600 /usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET6); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.setsockopt(41, 26, 0); s.bind(("::", 80)); s.listen(64)
while True:
    c, who = s.accept(); c.sendall(sys.argv[1].encode()); c.close()' "$1" >/dev/null 2>&1 &
	SERVERS+=("$!")
	wait_for 20 in_space "$1" sh -c "ss -Hltn 'sport = :80' | grep -q ."
}
meets() { [ "$(in_space "$1" timeout 10 /usr/bin/python3 -c 'import socket, sys
print(socket.create_connection((sys.argv[1], 80), 2).recv(64).decode())' "$2" 2>&1 | tail -1)" = "$3" ]; }
soon() { wait_for 20 meets "$@"; }
# From everywhere: ADDRESS HOLDER
everywhere() { for v in c1 c2 r1; do soon $v "$1" "$2" || { echo "from $v: $(in_space $v ip neigh)"; return 1; }; done; }

lab_two_hosts
lab_outside

network a
network b
network pub '"router:external": true, "provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": 200'
subnet a '"ip_version": 4, "cidr": "10.0.0.0/24"'
subnet a6 '"ip_version": 6, "cidr": "2001:db8:a::/64"'
subnet b '"ip_version": 4, "cidr": "10.0.1.0/24"'
subnet b6 '"ip_version": 6, "cidr": "2001:db8:b::/64"'
subnet pub '"ip_version": 4, "cidr": "203.0.113.0/24"'
OPEN=$(post security-groups security_group '"name": "open"')
for v in IPv4 IPv6; do post security-group-rules security_group_rule "\"direction\": \"ingress\", \"ethertype\": \"$v\", \"security_group_id\": \"$OPEN\"" >/dev/null; done
ROUTER=$(post routers router '"name": "r"')
for s in a a6 b b6; do act add_router_interface "{\"subnet_id\": \"${SUBNET[$s]}\"}"; done
rest PUT "/v2.0/routers/$ROUTER" "{\"router\": {\"external_gateway_info\": {\"network_id\": \"${NET[pub]}\"}}}" >/dev/null || die gateway
vm m1 h1 a 10.0.0.11 2001:db8:a::11
vm c1 h1 a 10.0.0.21 2001:db8:a::21
vm m2 h2 a 10.0.0.12 2001:db8:a::12
vm c2 h2 a 10.0.0.22 2001:db8:a::22
vm r1 h1 b 10.0.1.31 2001:db8:b::31
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done
serve m1; serve m2; serve c1
PAIRS='"allowed_address_pairs": [{"ip_address": "10.0.0.100"}, {"ip_address": "2001:db8:a::100"}]'
set_port m1 "$PAIRS"
set_port m2 "$PAIRS"
wait_for 20 pings r1 10.0.0.11 -c 1 || die "the router does not route"

# ---- an address that is nobody's but the pairs' ----
take m1 10.0.0.100
check "an address of pairs is found, by neighbours and a router" yes everywhere 10.0.0.100 m1
take m2 10.0.0.100 m1
check "it moves to another host"                               yes everywhere 10.0.0.100 m2
take m1 10.0.0.100 m2
check "... and back"                                           yes everywhere 10.0.0.100 m1
take m1 2001:db8:a::100
check "IPv6: found"                                            yes everywhere 2001:db8:a::100 m1
take m2 2001:db8:a::100 m1
check "IPv6: moves"                                            yes everywhere 2001:db8:a::100 m2
ip -n "$LAB-c2" addr add 10.0.0.100/32 dev eth0
in_space c2 arping -q -U -c 2 -w 2 -I eth0 10.0.0.100 >/dev/null 2>&1
ip -n "$LAB-c2" addr del 10.0.0.100/32 dev eth0
check "whose port has no such pair cannot take it"             yes everywhere 10.0.0.100 m1

# ---- as load balancers have it: a port that reserves the address, and a floating IP that leads there ----
ip -n "$LAB-m1" addr del 10.0.0.100/32 dev eth0
VIP=$(post ports port "\"name\": \"vip\", \"network_id\": \"${NET[a]}\", \"device_owner\": \"Octavia\", \"fixed_ips\": [{\"ip_address\": \"10.0.0.100\"}]")
FLOAT=$(rest POST /v2.0/floatingips "{\"floatingip\": {\"floating_network_id\": \"${NET[pub]}\", \"port_id\": \"$VIP\", \"project_id\": \"tenant\"}}" | jq -r .floatingip.floating_ip_address)
take m2 10.0.0.100
check "a reserved address is who takes it"                     yes everywhere 10.0.0.100 m2
check "... and a floating IP leads there"                      yes soon out "$FLOAT" m2
take m1 10.0.0.100 m2
check "it moves"                                               yes everywhere 10.0.0.100 m1
check "... and the floating IP with it"                        yes soon out "$FLOAT" m1
check "a floating IP leads to a port's own addresses, not to its pairs'" yes sh -c "curl -s -X POST -H 'Content-Type: application/json' $URL/v2.0/floatingips -d \
	'{\"floatingip\": {\"floating_network_id\": \"${NET[pub]}\", \"port_id\": \"${PORT[m1]}\", \"fixed_ip_address\": \"10.0.0.100\"}}' | grep -q '\"BadRequest\"'"

# ---- with a MAC address of its own (RFC 5798 7.3) ----
PAIRS="\"allowed_address_pairs\": [{\"ip_address\": \"10.0.0.101\", \"mac_address\": \"$VMAC\"}, {\"ip_address\": \"10.0.0.101\"}]" # answers leave by eth0
set_port m1 "$PAIRS"
set_port m2 "$PAIRS"
for v in m1 m2; do
	in_space $v sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
	ip -n "$LAB-$v" link add vrrp7 link eth0 address $VMAC type macvlan mode private 2>/dev/null || die "macvlan"
	in_space $v sysctl -qw net.ipv4.conf.vrrp7.rp_filter=0 net.ipv6.conf.vrrp7.disable_ipv6=1
done
take_vmac() { # VM FROM
	[ -z "${2:-}" ] || { ip -n "$LAB-$2" addr del 10.0.0.101/32 dev vrrp7; ip -n "$LAB-$2" link set vrrp7 down; }
	ip -n "$LAB-$1" link set vrrp7 up
	ip -n "$LAB-$1" addr add 10.0.0.101/32 dev vrrp7
	in_space "$1" arping -q -U -c 1 -w 1 -I vrrp7 10.0.0.101 >/dev/null 2>&1 &
	:
}
take_vmac m1
check "an address with the MAC address of VRRP"                yes everywhere 10.0.0.101 m1
take_vmac m2 m1
check "... moves"                                              yes everywhere 10.0.0.101 m2

# ---- a VM's own address, that another may have; prefixes ----
set_port m2 '"allowed_address_pairs": [{"ip_address": "10.0.0.21"}]'
check "an address that another VM may have is its owner's"     yes soon r1 10.0.0.21 c1
take m2 10.0.0.21
ip -n "$LAB-c1" link set eth0 down
check "... until that one takes it"                            yes soon r1 10.0.0.21 m2
check "... for neighbours, too"                                yes soon c2 10.0.0.21 m2
ip -n "$LAB-c1" link set eth0 up
ip -n "$LAB-c1" route add default via 10.0.0.1
take c1 10.0.0.21 m2
in_space c1 arping -q -U -c 1 -w 1 -I eth0 10.0.0.21 >/dev/null 2>&1
check "... and it is taken back"                               yes soon r1 10.0.0.21 c1
for m in m1 m2; do set_port $m '"allowed_address_pairs": [{"ip_address": "10.0.0.0/24"}]'; done
take m1 10.0.0.100 m1
check "a pair that is a prefix: found"                         yes everywhere 10.0.0.100 m1
take m2 10.0.0.100 m1
check "... moves"                                              yes everywhere 10.0.0.100 m2
ip -n "$LAB-m2" addr add 10.0.0.22/32 dev eth0
in_space m2 arping -q -U -c 1 -w 1 -I eth0 10.0.0.22 >/dev/null 2>&1
ip -n "$LAB-m2" addr del 10.0.0.22/32 dev eth0
check "... but takes nobody's own address from the router"     yes pings r1 10.0.0.22

# ---- while the controller is away ----
lab_kill "$CONTROLLER_PID" KILL
take m1 10.0.0.100 m2
check "without a controller it moves, for neighbours"          yes soon c1 10.0.0.100 m1
check "... on another host, too"                               yes soon c2 10.0.0.100 m1
REST_PORT=${URL##*:} lab_controller
for h in h1 h2; do wait_for 20 host_up "$h" || die "$h does not come back"; done
check "the controller is back: the router finds it"            yes wait_for 20 meets r1 10.0.0.100 m1
kill "${SERVERS[@]}"
verdict
