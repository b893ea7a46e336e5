#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Floating IPs over their life: which address, where it leads, and what becomes of connections; a router's address changes.
#
#      h1: a1 10.0.0.11   a3 10.0.0.13          h2: a2 10.0.0.12
#           +--- weft-switch ---+                    +--- weft-switch ---+
#                     +================ underlay ================+
#                            gw: plain weft-switch ── out 203.0.113.1, 198.51.100.1 (VLAN 200)
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab
UPLINK_OPTIONS=';physnet=physnet1'

declare -A SUBNET FIP
network() { # NAME PREFIX [MORE JSON MEMBERS]
	NET[$1]=$(post networks network "\"name\": \"$1\"${3:+, $3}")
	MTU[$1]=$(rest GET "/v2.0/networks/${NET[$1]}" | jq -r .network.mtu)
	SUBNET[$1]=$(post subnets subnet "\"network_id\": \"${NET[$1]}\", \"ip_version\": 4, \"cidr\": \"$2\"")
}
vm() { # NAME HOST ADDRESS
	new_vm "$1" "$2" a "$3" "\"security_groups\": [\"$OPEN\"]"
	ip -n "$LAB-$1" route add default via 10.0.0.1
}
float() { # NAME JSON-MEMBERS: prints the answer
	local body
	body=$(rest POST /v2.0/floatingips "{\"floatingip\": {\"floating_network_id\": \"${NET[pub]}\", \"project_id\": \"tenant\"${2:+, $2}}}") || { echo "$body"; return 1; }
	FIP[$1]=$(jq -r .floatingip.id <<<"$body")
	jq -r .floatingip.floating_ip_address <<<"$body" >"$DIR/address"
}
lead() { rest PUT "/v2.0/floatingips/${FIP[$1]}" "{\"floatingip\": {\"port_id\": $2}}"; }
status_is() { rest GET "/v2.0/floatingips/${FIP[$1]}" | jq -e ".floatingip.status == \"$2\""; }
refused() { # STATUS TYPE METHOD PATH BODY
	local got
	got=$(curl -s -m 10 -X "$3" -H 'Content-Type: application/json' -d "$5" -w '\n%{http_code}' "$URL$4")
	echo "$got"
	[ "${got##*$'\n'}" = "$1" ] && grep -q "\"$2\"" <<<"$got"
}
SERVERS=()
# A TCP server that says who it is (on other ports than 80: and which), and once more for each line that comes.
serve() { # NAME [PORT]
	in_space "$1" timeout 58 /usr/bin/python3 -c 'import socket, sys, threading
def talk(c):
    with c:
        c.sendall(sys.argv[2].encode() + b"\n")
        while c.recv(100):
            c.sendall(sys.argv[2].encode() + b"\n")
s = socket.create_server(("", int(sys.argv[1])))
while True:
    threading.Thread(target=talk, args=(s.accept()[0],), daemon=True).start()' "${2:-80}" "$1${2:+:$2}" >/dev/null 2>&1 &
	SERVERS+=("$!")
	wait_for 20 in_space "$1" sh -c "ss -Hltn 'sport = :${2:-80}' | grep -q ."
}
meets() { # SPACE ADDRESS WHO [PORT]
	[ "$(in_space "$1" timeout 10 /usr/bin/python3 -c 'import socket, sys
print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 1).makefile().readline().strip())' "$2" "${4:-80}" 2>&1 | tail -1)" = "$3" ]
}
soon() { wait_for 20 meets "$@"; }
# A connection that is open, and says a line every 50 ms as long as it is answered: into $DIR/NAME.
hold() { # NAME SPACE ADDRESS [PORT]
	rm -f "$DIR/$1"
	in_space "$2" timeout 58 /usr/bin/python3 -uc 'import socket, sys, time
c = socket.create_connection((sys.argv[1], int(sys.argv[2])), 2); f = c.makefile(); print(f.readline(), end="")
c.settimeout(4)
while True:
    time.sleep(0.05); c.sendall(b"?"); line = f.readline()
    if not line: break
    print(line, end="")' "$3" "${4:-80}" >"$DIR/$1" 2>/dev/null &
	HELD[$1]=$!
	SERVERS+=("$!")
	wait_for 20 test -s "$DIR/$1"
}
declare -A HELD
ends() { wait_for 20 eval '! kill -0 '"${HELD[$1]}"; }
goes_on() { local n; n=$(wc -l <"$DIR/$1"); wait_for 20 eval "[ \$(wc -l <'$DIR/$1') -gt $((n + 4)) ]"; }

lab_two_hosts
lab_outside
ip -n "$LAB-out" addr add 198.51.100.1/24 dev eth0

OPEN=$(rest POST /v2.0/security-groups '{"security_group": {"name": "open", "project_id": "tenant-a"}}' | jq -r .security_group.id)
post security-group-rules security_group_rule "\"direction\": \"ingress\", \"security_group_id\": \"$OPEN\"" >/dev/null
network a 10.0.0.0/24
network pub 203.0.113.0/24 '"router:external": true, "provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": 200'
S2=$(post subnets subnet "\"network_id\": \"${NET[pub]}\", \"ip_version\": 4, \"cidr\": \"198.51.100.0/24\"")
ROUTER=$(post routers router '"name": "r"')
rest PUT "/v2.0/routers/$ROUTER" "{\"router\": {\"external_gateway_info\": {\"network_id\": \"${NET[pub]}\", \"external_fixed_ips\": [{\"subnet_id\": \"${SUBNET[pub]}\"}]}}}" >/dev/null || die gateway
rest PUT "/v2.0/routers/$ROUTER/add_router_interface" "{\"subnet_id\": \"${SUBNET[a]}\"}" >/dev/null || die interface
vm a1 h1 10.0.0.11
vm a3 h1 10.0.0.13
vm a2 h2 10.0.0.12
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done
for v in a1 a2 a3 out; do serve $v; done

# ---- which address ----
check "of the subnet that is asked for"                        yes float s2 "\"subnet_id\": \"$S2\""
check "... it is"                                              yes grep -q '^198\.51\.100\.' "$DIR/address"
S2_ADDRESS=$(cat "$DIR/address")
check "the address that an administrator asks for"             yes float chosen '"floating_ip_address": "203.0.113.77"'
check "... it is"                                              yes grep -qx '203.0.113.77' "$DIR/address"
check "... once"                                               yes refused 409 IpAddressAlreadyAllocated POST /v2.0/floatingips "{\"floatingip\": {\"floating_network_id\": \"${NET[pub]}\", \"floating_ip_address\": \"203.0.113.77\"}}"
check "a subnet of another network is refused"                 yes refused 400 InvalidInput POST /v2.0/floatingips "{\"floatingip\": {\"floating_network_id\": \"${NET[pub]}\", \"subnet_id\": \"${SUBNET[a]}\"}}"
check "leading nowhere it is DOWN"                             yes status_is chosen DOWN

# ---- where it leads ----
lead chosen "\"${PORT[a1]}\"" >/dev/null || die lead
check "leading to a port it is ACTIVE"                         yes status_is chosen ACTIVE
check "... and leads there"                                    yes soon out 203.0.113.77 a1
check "a second one of the same address is refused"            yes refused 409 FloatingIPPortAlreadyAssociated PUT "/v2.0/floatingips/${FIP[s2]}" "{\"floatingip\": {\"port_id\": \"${PORT[a1]}\"}}"
lead s2 "\"${PORT[a2]}\"" >/dev/null || die lead
check "one of another subnet of the network leads, too"        yes soon out "$S2_ADDRESS" a2
hold snat a3 203.0.113.1
hold out1 out 203.0.113.77
hold in1 a1 203.0.113.1
hold other out "$S2_ADDRESS"
check "connections go on"                                      yes eval 'goes_on snat && goes_on out1 && goes_on in1 && goes_on other'
lead chosen "\"${PORT[a3]}\"" >/dev/null || die lead
check "it leads to another VM of the same host"                yes soon out 203.0.113.77 a3
check "... connections to the first one end"                   yes ends out1
check "... and what it had begun as that address"              yes ends in1
check "those by another floating IP go on"                     yes goes_on other
hold out2 out 203.0.113.77
lead chosen "\"${PORT[a1]}\"" >/dev/null || die lead
check "... and back"                                           yes soon out 203.0.113.77 a1
check "... connections end"                                    yes ends out2
lead s2 null >/dev/null || die lead
check "it leads nowhere"                                       yes wait_for 20 eval "! meets out $S2_ADDRESS a2"
check "... and is DOWN"                                        yes status_is s2 DOWN
check "... its connections end"                                yes ends other
hold out3 out 203.0.113.77
lead chosen null >/dev/null; lead s2 null >/dev/null
lead chosen "\"${PORT[a2]}\"" >/dev/null || die lead
check "it leads to a VM of another host"                       yes soon out 203.0.113.77 a2
check "... connections to the first one end"                   yes ends out3
hold snat2 a1 203.0.113.1
lead s2 "\"${PORT[a3]}\"" >/dev/null || die lead
check "connections by the router's address survive what others get" yes goes_on snat2

# ---- ranges of forwarded ports ----
float ranges || die "floating IP"
RANGES=$(cat "$DIR/address")
WAYS=/v2.0/floatingips/${FIP[ranges]}/port_forwardings
forward() { # OUTSIDE INSIDE: prints its id
	rest POST "$WAYS" "{\"port_forwarding\": {\"protocol\": \"tcp\", \"external_port_range\": \"$1\", \"internal_port_range\": \"$2\",
		\"internal_port_id\": \"${PORT[a1]}\", \"internal_ip_address\": \"10.0.0.11\"}}" | jq -r .port_forwarding.id
}
for p in 6999 7000 7009 7010 7102; do serve a1 "$p"; done
SAME=$(forward 7000:7009 7000:7009) && ONE=$(forward 8000:8007 80:80) && OTHER=$(forward 9000:9003 7100:7103) || die forwarding
check "a range of ports leads to the same ones: the first"     yes soon out "$RANGES" a1:7000 7000
check "... the last"                                           yes meets out "$RANGES" a1:7009 7009
check "... and none beside them"                               no  eval "meets out $RANGES a1:6999 6999 || meets out $RANGES a1:7010 7010"
check "a range leads to one port"                              yes eval "soon out $RANGES a1 8000 && meets out $RANGES a1 8007"
check "a range leads to other ports"                           yes soon out "$RANGES" a1:7102 9002
check "hairpin: all of them from inside, another host"         yes eval "meets a2 $RANGES a1:7009 7009 && meets a2 $RANGES a1 8003 && meets a2 $RANGES a1:7102 9002"
check "hairpin: by the VM itself"                              yes eval "meets a1 $RANGES a1:7009 7009 && meets a1 $RANGES a1 8003 && meets a1 $RANGES a1:7102 9002"
check "a range is two values with masks here"                 yes eval "[ \$(for h in h1 h2; do '$B/weft-ofctl' dump-flows unix:$DIR/\$h.sock; done | grep -c 'nat(dst=10.0.0.11)') = 2 ]"
hold same out "$RANGES" 7009
hold one out "$RANGES" 8003
rest PUT "$WAYS/$ONE" '{"port_forwarding": {"internal_port": 6999}}' >/dev/null || die "changing a range"
check "it leads to another port"                               yes soon out "$RANGES" a1:6999 8007
check "... connections to the first one end"                   yes ends one
rest PUT "$WAYS/$SAME" '{"port_forwarding": {"external_port_range": "7008:7009", "internal_port_range": "7008:7009"}}' >/dev/null || die "narrowing a range"
check "a range that is narrower: no more beside it"            yes wait_for 20 eval "! meets out $RANGES a1:7000 7000"
check "... connections by what stays go on"                    yes goes_on same
rest DELETE "$WAYS/$OTHER" >/dev/null
check "... and none by one that is deleted"                    yes wait_for 20 eval "! meets out $RANGES a1:7102 9002"
check "a VM that is plugged in keeps its MAC address"          yes refused 409 PortBound PUT "/v2.0/ports/${PORT[a1]}" '{"port": {"mac_address": "fa:16:3e:77:77:77"}}'

# ---- the router's own address changes: an interface keeps its addresses, so it is another one ----
for f in "${FIP[@]}"; do rest DELETE "/v2.0/floatingips/$f" >/dev/null || die "deleting a floating IP"; done
rest PUT "/v2.0/routers/$ROUTER/remove_router_interface" "{\"subnet_id\": \"${SUBNET[a]}\"}" >/dev/null || die "removing the interface"
P=$(post ports port "\"network_id\": \"${NET[a]}\", \"fixed_ips\": [{\"subnet_id\": \"${SUBNET[a]}\", \"ip_address\": \"10.0.0.254\"}]")
rest PUT "/v2.0/routers/$ROUTER/add_router_interface" "{\"port_id\": \"$P\"}" >/dev/null || die "router's address"
check "a router's interface gets another address"              yes wait_for 20 pings a1 10.0.0.254 -c 1
check "... and answers for the former one no more"             yes wait_for 20 sh -c "! ip netns exec $LAB-a1 arping -q -c 1 -w 1 -I eth0 10.0.0.1"
ip -n "$LAB-a1" route replace default via 10.0.0.254
check "... and begin"                                          yes soon a1 203.0.113.1 out
kill "${SERVERS[@]}" 2>/dev/null
verdict
