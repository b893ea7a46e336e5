#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hosts on the wire whose gateway is a tenant's router: on a VLAN, and on a flat network.
#
#      h1: a1 10.0.0.11   v1 10.0.2.11 (VLAN)    h2: a2 10.0.0.12
#           +--- weft-switch ---+                     +--- weft-switch ---+
#                     +================ underlay ================+
#                        gw: plain weft-switch ── sv 10.0.2.200 (VLAN 102), sf 10.0.3.200 (untagged)
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab
UPLINK_OPTIONS=';physnet=physnet1'

declare -A SUBNET MAC_OF
network() { # NAME N [MORE JSON MEMBERS]: 10.0.N.0/24 and 2001:db8:N::/64, the router's
	NET[$1]=$(post networks network "\"name\": \"$1\"${3:+, $3}")
	MTU[$1]=$(rest GET "/v2.0/networks/${NET[$1]}" | jq -r .network.mtu)
	SUBNET[$1]=$(post subnets subnet "\"network_id\": \"${NET[$1]}\", \"ip_version\": 4, \"cidr\": \"10.0.$2.0/24\"")
	SUBNET[${1}6]=$(post subnets subnet "\"network_id\": \"${NET[$1]}\", \"ip_version\": 6, \"cidr\": \"2001:db8:$2::/64\",
		\"ipv6_ra_mode\": \"slaac\", \"ipv6_address_mode\": \"slaac\"")
	for s in "$1" "${1}6"; do rest PUT "/v2.0/routers/$ROUTER/add_router_interface" "{\"subnet_id\": \"${SUBNET[$s]}\"}" >/dev/null || die interface; done
	MAC_OF[$1]=$(rest GET "/v2.0/ports?network_id=${NET[$1]}&fixed_ips=ip_address%3D10.0.$2.1" | jq -r '.ports[0].mac_address')
}
addresses() { # SPACE N HOST: both, and the router
	in_space "$1" sysctl -qw net.ipv6.conf.eth0.accept_ra=0 net.ipv6.conf.eth0.disable_ipv6=0
	ip -n "$LAB-$1" addr replace "10.0.$2.$3/24" dev eth0
	ip -n "$LAB-$1" addr add "${4:-2001:db8:$2::$3}/64" dev eth0 nodad
	ip -n "$LAB-$1" route add default via "10.0.$2.1"
	ip -n "$LAB-$1" -6 route add default via "2001:db8:$2::1"
}
declare -A IP6
vm() { # NAME HOST NET N LAST
	lab_vm "$1" "$2"
	local body
	body=$(rest POST /v2.0/ports "{\"port\": {\"name\": \"$1\", \"network_id\": \"${NET[$3]}\", \"project_id\": \"tenant\", \"security_groups\": [\"$OPEN\"],
		\"fixed_ips\": [{\"ip_address\": \"10.0.$4.$5\"}, {\"subnet_id\": \"${SUBNET[${3}6]}\"}], \"binding:host_id\": \"$2\",
		\"binding:profile\": {\"weft_spec\": \"af_packet:$1\"}}}") || die "$body"
	PORT[$1]=$(jq -r .port.id <<<"$body")
	IP6[$1]=$(jq -r '.port.fixed_ips[].ip_address | select(contains(":"))' <<<"$body")
	ip -n "$LAB-$1" link set eth0 address "$(jq -r .port.mac_address <<<"$body")" mtu "${MTU[$3]}"
	addresses "$1" "$4" "$5" "${IP6[$1]}"
}
SERVERS=()
serve() { # SPACE
	in_space "$1" timeout 600 /usr/bin/python3 -c 'import socket
s = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    c, who = s.accept(); c.sendall(b"x" * 200000); c.close()' >/dev/null 2>&1 &
	SERVERS+=("$!")
	wait_for 20 in_space "$1" sh -c "ss -Hltn 'sport = :80' | grep -q ."
}
fetches() { [ "$(in_space "$1" timeout 10 /usr/bin/python3 -c 'import socket, sys
s = socket.create_connection((sys.argv[1], 80), 3); print(sum(len(b) for b in iter(lambda: s.recv(65536), b"")))' "$2" 2>&1 | tail -1)" = 200000 ]; }
listen() { # HOST: what it sends with an interface's MAC address, and with one of its own
	in_space ul tcpdump -Z root -lnne -Q in -i "to-$1" "ether src ${MAC_OF[v]} or ether src ${MAC_OF[f]}" >"$DIR/seen-$1" 2>"$DIR/seen-$1.err" &
	SERVERS+=("$!")
	wait_for 20 grep -q listening "$DIR/seen-$1.err"
}
says() { grep -qi "${MAC_OF[$2]}" "$DIR/seen-$1"; } # HOST NET
one_answer() { in_space "$1" arping -c 3 -w 20 -I eth0 "$2" | grep -q '^Received 3 response'; }

lab_begin
lab_underlay
lab_host h1 192.0.2.1/24
lab_host h2 192.0.2.2/24
lab_controller --grace 1
lab_switch h1
lab_switch h2
lab_host gw none
lab_vm sv gw
lab_vm sf gw
lab_program gw --port up0=af_packet:up0 --port "sv=af_packet:sv;vlan-mode=access,tag=102" --port sf=af_packet:sf
"$B/weft-ofctl" add-flow "unix:$DIR/gw.sock" actions=NORMAL

ROUTER=$(post routers router '"name": "r"')
OPEN=$(post security-groups security_group '"name": "open"')
for v in IPv4 IPv6; do post security-group-rules security_group_rule "\"direction\": \"ingress\", \"ethertype\": \"$v\", \"security_group_id\": \"$OPEN\"" >/dev/null; done
network a 0
network v 2 '"provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": 102'
network f 3 '"provider:network_type": "flat", "provider:physical_network": "physnet1"'
for h in h1 h2; do listen $h; done
vm a1 h1 a 0 11
vm a2 h2 a 0 12
vm v1 h1 v 2 11
addresses sv 2 200
addresses sf 3 200
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done
for v in a1 a2 sv; do serve $v; done

check "a station's gateway answers, on a VLAN"                 yes wait_for 20 pings sv 10.0.2.1 -c 1
check "... once"                                               yes one_answer sv 10.0.2.1
check "... and IPv6"                                           yes wait_for 20 pings sv 2001:db8:2::1 -c 1
check "... on a flat network"                                  yes wait_for 20 pings sf 10.0.3.1 -c 1
check "a station reaches VMs behind the router, one host"      yes wait_for 20 pings sv 10.0.0.11 -c 1
check "... and the other"                                      yes wait_for 20 pings sv 10.0.0.12 -c 1
check "... from the flat network, on a VLAN"                   yes wait_for 20 pings sf 10.0.2.11 -c 1
check "... another station"                                    yes wait_for 20 pings sf 10.0.2.200 -c 1
check "... by IPv6"                                            yes wait_for 20 pings sv "${IP6[a2]}" -c 1
check "a TTL less for the router"                              yes sh -c "ip netns exec $LAB-sv ping -n -c 1 -W 10 10.0.0.12 | grep -q ttl=63"
check "TCP from a station" yes fetches sv 10.0.0.12
check "... IPv6"                                               yes fetches sv "${IP6[a1]}"
check "TCP to a station"                                       yes fetches a2 10.0.2.200
check "... IPv6"                                               yes fetches a1 2001:db8:2::200
check "a VM is the first to speak, to a station of its network" yes pings v1 10.0.2.200
check "one host has the interface's MAC address on the wire"   yes eval '{ says h1 v && ! says h2 v; } || { says h2 v && ! says h1 v; }'
check "... on the flat network, too"                           yes eval '{ says h1 f && ! says h2 f; } || { says h2 f && ! says h1 f; }'
check "nobody is there: the station is told so"                yes sh -c "ip netns exec $LAB-sv ping -n -c 1 -w 20 10.9.9.9 | grep -q Unreachable"
check "a station gets no lease"                                no  in_space sv timeout 8 busybox udhcpc -f -q -n -t 2 -T 1 -i eth0 -s /bin/true
check "... and no router advertisement"                        no  in_space sv rdisc6 -1 -q -r 2 -w 1000 eth0

# ---- away, and back ----
lab_kill "$CONTROLLER_PID" KILL
check "without a controller: from a station"                   yes pings sv 10.0.0.12
check "... and to one"                                         yes fetches a1 10.0.2.200
REST_PORT=${URL##*:} lab_controller --grace 1
for h in h1 h2; do wait_for 20 host_up "$h" || die "$h does not come back"; done
check "the controller is back"                                 yes wait_for 20 pings sv 10.0.0.12 -c 1

# ---- the host of the router's interface dies ----
if says h1 v; then dead=h1 left=h2 vm=10.0.0.12; else dead=h2 left=h1 vm=10.0.0.11; fi
lab_kill "${SWITCH_PID[$dead]}" KILL
check "another host takes over"                                yes wait_for 20 pings sv $vm -c 1
check "... and says so"                                        yes says $left v
kill "${SERVERS[@]}"
verdict
