#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What routers say themselves: echo, whole and in fragments; who is on the way; what cannot be reached, and why.
#
#      h1: a1 10.0.1.11, a3 10.0.1.13 (without port security)          h2: c2 10.0.3.12
#      a1 -- 10.0.1.1 r1 10.0.2.1 -- 10.0.2.2 r2 10.0.3.1 -- c2        (IPv6: 2001:db8:N::)
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab

declare -A S4 S6
network() { # NAME NUMBER
	NET[$1]=$(post networks network "\"name\": \"$1\"")
	MTU[$1]=$(rest GET "/v2.0/networks/${NET[$1]}" | jq -r .network.mtu)
	S4[$1]=$(post subnets subnet "\"network_id\": \"${NET[$1]}\", \"ip_version\": 4, \"cidr\": \"10.0.$2.0/24\"")
	S6[$1]=$(post subnets subnet "\"network_id\": \"${NET[$1]}\", \"ip_version\": 6, \"cidr\": \"2001:db8:$2::/64\"")
}
vm() { # NAME HOST NET NUMBER HOST-NUMBER [MORE JSON MEMBERS]
	lab_vm "$1" "$2"
	local body
	body=$(rest POST /v2.0/ports "{\"port\": {\"name\": \"$1\", \"network_id\": \"${NET[$3]}\", \"project_id\": \"tenant\",
		\"fixed_ips\": [{\"ip_address\": \"10.0.$4.$5\"}, {\"ip_address\": \"2001:db8:$4::$5\"}],
		\"binding:host_id\": \"$2\", \"binding:profile\": {\"weft_spec\": \"af_packet:$1\"}${6:+, $6}}}") || die "$body"
	PORT[$1]=$(jq -r .port.id <<<"$body")
	lab_vm_up "$1" "$(jq -r .port.mac_address <<<"$body")" "10.0.$4.$5/24" "${MTU[$3]}"
	in_space "$1" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_ra=0
	ip -n "$LAB-$1" -6 addr add "2001:db8:$4::$5/64" dev eth0 nodad
	ip -n "$LAB-$1" route add default via "10.0.$4.1"
	ip -n "$LAB-$1" -6 route add default via "2001:db8:$4::1"
}
act() { rest PUT "/v2.0/routers/$1/$2" "$3" >/dev/null || die "$2 $3"; }
hops() { # SPACE WANTED TRACEROUTE-ARGUMENTS: who is on the way, asked again while a neighbour is not known yet
	local s=$1 want=$2; shift 2
	local got
	got=$(in_space "$s" timeout 60 traceroute -n -q 1 -w 10 -m 5 "$@" 2>&1 | tee /dev/stderr | awk 'NR > 1 { printf "%s ", $2 }')
	[ "$got" = "$want " ]
}
says() { # SPACE WORDS PING-ARGUMENTS
	local s=$1 words=$2; shift 2
	in_space "$s" ping -n -c 1 -w "${WAIT:-10}" "$@" 2>&1 | tee /dev/stderr | grep -Eq "$words"
}
refuses() { # SPACE tcp|udp ADDRESS: at once, not by a timeout
	in_space "$1" timeout 30 /usr/bin/python3 -c 'import socket, sys
a = sys.argv[2]
s = socket.socket(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM)
s.settimeout(20)
try:
    s.connect((a, 4242)); s.send(b"?"); s.recv(1)
except ConnectionRefusedError: sys.exit(0)
sys.exit("not refused")' "$2" "$3"
}

lab_two_hosts
network a 1
network m 2
network c 3
vm a1 h1 a 1 11
vm a3 h1 a 1 13 '"port_security_enabled": false'
vm c2 h2 c 3 12 '"port_security_enabled": false'
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done
R1=$(post routers router '"name": "r1"')
R2=$(post routers router '"name": "r2"')
for s in "${S4[a]}" "${S6[a]}" "${S4[m]}" "${S6[m]}"; do act "$R1" add_router_interface "{\"subnet_id\": \"$s\"}"; done
for s in "${S4[c]}" "${S6[c]}"; do act "$R2" add_router_interface "{\"subnet_id\": \"$s\"}"; done
MID4=$(post ports port "\"network_id\": \"${NET[m]}\", \"fixed_ips\": [{\"ip_address\": \"10.0.2.2\"}]")
MID6=$(post ports port "\"network_id\": \"${NET[m]}\", \"fixed_ips\": [{\"ip_address\": \"2001:db8:2::2\"}]")
for p in "$MID4" "$MID6"; do act "$R2" add_router_interface "{\"port_id\": \"$p\"}"; done

# ---- echo ----
check "the gateway answers"                                    yes wait_for 20 pings a1 10.0.1.1 -c 1
check "... 4,000 bytes"                                        yes pings a1 10.0.1.1 -s 4000
check "... IPv6"                                               yes pings a1 2001:db8:1::1 -s 4000
check "... to who has no port security"                        yes pings a3 10.0.1.1 -s 4000
check "... IPv6"                                               yes pings a3 2001:db8:1::1 -s 4000
check "the router's address in another network"                yes pings a1 10.0.2.1 -s 4000
check "... IPv6"                                               yes pings a1 2001:db8:2::1 -s 4000
check "... with the last of its TTL"                           yes pings a1 10.0.2.1 -t 1
check "... of another subnet that it has no route to: nobody"  no  pings a1 10.0.3.1 -c 1

# ---- what cannot be reached ----
check "no route: the network is unreachable"                   yes says a1 'From 10.0.1.1 .*Net Unreachable' 10.0.9.9
check "... IPv6"                                               yes says a1 'From 2001:db8:1::1 .*No route' 2001:db8:9::9
check "nobody has the address: the host is unreachable"        yes says a1 'From 10.0.[12].1 .*Host Unreachable' 10.0.2.77
check "... IPv6"                                               yes says a1 'From 2001:db8:[12]::1 .*Address unreachable' 2001:db8:2::77
for a in 10.0.1.1 2001:db8:1::1 10.0.2.1; do for p in udp tcp; do
	check "nothing listens at $a, $p: refused"             yes refuses a1 $p $a
done; done

# ---- who is on the way ----
act "$R1" add_extraroutes '{"router": {"routes": [{"destination": "10.0.3.0/24", "nexthop": "10.0.2.2"}, {"destination": "2001:db8:3::/64", "nexthop": "2001:db8:2::2"}]}}'
act "$R2" add_extraroutes '{"router": {"routes": [{"destination": "10.0.1.0/24", "nexthop": "10.0.2.1"}, {"destination": "2001:db8:1::/64", "nexthop": "2001:db8:2::1"}]}}'
check "through two routers"                                    yes wait_for 20 pings a1 10.0.3.12 -c 1
check "... IPv6"                                               yes wait_for 20 pings a1 2001:db8:3::12 -c 1
for how in "" -I "-T -p 80"; do
	check "traceroute $how"                                yes hops a1 "10.0.1.1 10.0.2.2 10.0.3.12" $how 10.0.3.12
	check "traceroute -6 $how"                             yes hops a1 "2001:db8:1::1 2001:db8:2::2 2001:db8:3::12" -6 $how 2001:db8:3::12
done
check "the other router's far address answers"                 yes pings a1 10.0.3.1
check "... IPv6, and is the second hop"                        yes hops a1 "2001:db8:1::1 2001:db8:3::1" -6 2001:db8:3::1
# Both ways lead to the same VM; buckets are chosen by connection.
act "$R1" add_extraroutes '{"router": {"routes": [{"destination": "172.16.0.0/16", "nexthop": "10.0.1.13"}, {"destination": "172.16.0.0/16", "nexthop": "10.0.2.2"}]}}'
act "$R2" add_extraroutes '{"router": {"routes": [{"destination": "172.16.0.0/16", "nexthop": "10.0.3.12"}]}}'
for v in a3 c2; do ip -n "$LAB-$v" addr add 172.16.0.1/32 dev lo; done
spread() { # UDP from 64 ports: some to each of the two that have the address
	in_space a1 /usr/bin/python3 -c 'import socket
for i in range(64): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("172.16.0.1", 7))'
	local v
	for v in a3 c2; do in_space "$v" awk '/^Udp: [0-9]/ { exit $3 < 5 }' /proc/net/snmp || return 1; done
}
check "two next hops for a destination share its connections"  yes wait_for 20 spread
noports() { in_space "$1" awk '/^Udp: [0-9]/ { print $3 }' /proc/net/snmp; }
all_to() { # VM: of 64 datagrams all come to it
	local before after
	before=$(noports "$1"); spread; after=$(noports "$1")
	[ $((after - before)) = 64 ]
}
rest PUT "/v2.0/ports/${PORT[a3]}" '{"port": {"admin_state_up": false}}' >/dev/null || die "a3 down"
check "... one of them is DOWN: the other has them all"        yes wait_for 20 all_to c2
rest PUT "/v2.0/ports/${PORT[a3]}" '{"port": {"admin_state_up": true}}' >/dev/null || die "a3 up"
came() { local before; before=$(noports "$1"); spread; [ "$(noports "$1")" -gt "$before" ]; }
check "... it is back: they share them again"                  yes wait_for 20 came a3
check "traceroute to the gateway itself is one hop"            yes hops a1 "10.0.1.1" 10.0.1.1
check "... IPv6"                                               yes hops a1 "2001:db8:1::1" -6 2001:db8:1::1
verdict
