#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Security groups with the real client and real connections, on one host and across VXLAN.
#
#      h1: a1  a2  w (in group "web")  f1 (in a stateless one)      h2: a3  c (in no group that others name)
#           weft-switch                         weft-switch
#                 +============ underlay ============+
#
# a1, a2, a3 are in their project's default group.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab
. tests/e2e/lib/client.sh
command -v openstack >/dev/null || die "no openstack client: make deps"

TALK="/usr/bin/python3 tests/e2e/apps/talk.py"
rule() { # GROUP OPTIONS: RULE is its id
	local group=$1; shift
	made RULE security group rule create "$@" "$group"
}
del_rule() { must cloud security group rule delete "$@"; }
groups_of() { # VM GROUP...
	local vm=$1 g options=(); shift
	for g in "$@"; do options+=(--security-group "$g"); done
	must cloud port set --no-security-group "${options[@]}" "${PORT[$vm]}"
}
asks() { in_space "$1" $TALK ask "$2" "$3" "$4"; }
refused() { asks "$@"; [ $? = 2 ]; }
serve() { # VM PORT...
	local vm=$1; shift
	ip netns exec "$LAB-$vm" $TALK serve "$@" &
	SERVERS+=("$!")
	wait_for 20 in_space "$vm" sh -c "ss -Hlnt 'sport = :$1' | grep -q ."
}
stream() { # NAME VM ADDRESS PORT
	ip netns exec "$LAB-$2" $TALK stream "$3" "$4" "$DIR/stream-$1" 2>/dev/null &
	SERVERS+=("$!")
	wait_for 20 test -s "$DIR/stream-$1"
}
SERVERS=()
end_talk() { for p in "${SERVERS[@]}"; do kill "$p" 2>/dev/null; wait "$p" 2>/dev/null; done; SERVERS=(); }
trap 'end_talk; lab_end' EXIT
echoed() { cut -d' ' -f2 "$DIR/stream-$1"; }
echoed_more() { [ "$(echoed "$1")" -gt "$2" ]; }
goes_on() { wait_for 60 echoed_more "$1" "$(($(echoed "$1") + 10))"; }
# Seventy words later nothing has been echoed.
stands_still() { local n; n=$(echoed "$1"); sleep 1.5; [ "$(echoed "$1")" = "$n" ]; }
stands() { wait_for 20 stands_still "$1"; }
# Packets that no rule allowed, to and from ports of that group's policy, on either host.
denied() { for h in h1 h2; do flows $h | grep -E 'table=(5|24),.*priority=10,' | grep -o 'n_packets=[0-9]*'; done | awk -F= '{ s += $2 } END { print s + 0 }'; }
flows() { "$B/weft-ofctl" dump-flows "unix:$DIR/$1.sock" "${@:2}"; }
n_flows() { flows "$@" | grep -c cookie=; }

lab_begin
trap 'end_talk; lab_end' EXIT
lab_underlay
lab_host h1 192.0.2.1/24
lab_host h2 192.0.2.2/24
lab_controller
lab_switch h1
client_start
lab_switch h2
new_net a
rest POST /v2.0/subnets "{\"subnet\": {\"network_id\": \"${NET[a]}\", \"ip_version\": 6, \"cidr\": \"fd00::/64\",
	\"enable_dhcp\": false, \"project_id\": \"tenant-a\"}}" >/dev/null || die "no IPv6 subnet"
made WEB security group create web
made LONE security group create lone
vm() { # NAME HOST LAST [MORE]
	lab_vm "$1" "$2"
	local body
	body=$(rest POST /v2.0/ports "{\"port\": {\"name\": \"$1\", \"network_id\": \"${NET[a]}\", \"project_id\": \"tenant-a\",
		\"fixed_ips\": [{\"ip_address\": \"10.0.0.$3\"}, {\"ip_address\": \"fd00::$3\"}], \"binding:host_id\": \"$2\",
		\"binding:profile\": {\"weft_spec\": \"af_packet:$1\"}${4:+, $4}}}") || die "$body"
	PORT[$1]=$(jq -r .port.id <<<"$body")
	MAC[$1]=$(jq -r .port.mac_address <<<"$body")
	lab_vm_up "$1" "${MAC[$1]}" "10.0.0.$3/24" "${MTU[a]}"
	in_space "$1" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_dad=0
	ip -n "$LAB-$1" addr add "fd00::$3/64" dev eth0 nodad
}
vm a1 h1 11
vm a2 h1 12
vm a3 h2 13
vm w h1 20 "\"security_groups\": [\"$WEB\"]"
vm c h2 30 "\"security_groups\": [\"$LONE\"]"
DEFAULT=$(rest GET "/v2.0/ports/${PORT[a1]}" | jq -r '.port.security_groups[0]')
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done
for v in a1 a2 a3 w c; do serve "$v" 80 85 91 7000; done

echo "# what a group begins with"
check "the default group has four rules"                       yes eval '[ "$(cloud security group rule list "$DEFAULT" -f value -c ID | wc -l)" = 4 ]'
check "its members reach each other on one host"               yes pings a1 10.0.0.12
check "... and on another, through VXLAN"                      yes pings a1 10.0.0.13
check "... over TCP"                                           yes asks a1 tcp 10.0.0.13 80
check "... over UDP"                                           yes asks a3 udp 10.0.0.12 80
check "... over IPv6, with neighbour discovery"                yes asks a1 tcp fd00::13 80
check "a datagram in three fragments"                          yes pings a1 10.0.0.13 -s 3000
check "nobody else reaches a member"                           no  asks w tcp 10.0.0.11 80
check "a new group lets nothing in"                            no  asks a1 tcp 10.0.0.20 80
check "... nor IPv6"                                           no  asks a1 tcp fd00::20 80
check "... nor a ping"                                         no  pings a1 10.0.0.20 -c 1
check "what is dropped is counted"                             yes eval "flows h1 table=24 | grep priority=10, | grep -vq n_packets=0"
check "an error to a member comes back: port unreachable"      yes refused a1 udp 10.0.0.13 9
check "... through VXLAN, IPv6"                                yes refused a1 udp fd00::13 9

echo "# what an administrator lets groups begin with"
rest POST /v2.0/default-security-group-rules '{"default_security_group_rule": {"direction": "ingress", "protocol": "tcp",
	"port_range_min": 91, "port_range_max": 91}}' >/dev/null || die "cannot make a default rule"
made LATE security group create late
check "a group that there was keeps its rules"                 no  asks a1 tcp 10.0.0.20 91
groups_of w "$LATE"
check "one that is made then lets in what the rule says"       yes wait_for 20 asks a1 tcp 10.0.0.20 91
check "... and nothing else"                                   no  asks a1 tcp 10.0.0.20 80
groups_of w "$WEB"

echo "# rules"
made R1 security group rule create --protocol tcp --dst-port 80:90 --remote-group "$DEFAULT" "$WEB"
check "the same rule again is refused"                         no  cloud security group rule create --protocol tcp --dst-port 80:90 --remote-group "$DEFAULT" "$WEB"
check "a rule for a group and ports lets its members in"       yes asks a1 tcp 10.0.0.20 85
check "... from the other host"                                yes asks a3 tcp 10.0.0.20 85
check "... to no other port"                                   no  asks a1 tcp 10.0.0.20 91
check "... not for UDP"                                        no  asks a1 udp 10.0.0.20 80
check "... and nobody else"                                    no  asks c tcp 10.0.0.20 85
rule "$WEB" --protocol tcp --dst-port 80 --remote-ip 10.0.0.0/24
wait_for 20 asks c tcp 10.0.0.20 80
stream both a3 10.0.0.20 80
unrelated_rules() { # rules that have nothing to do with it, and a judgement of each live connection for each
	local before i
	before=$(denied)
	for i in 1 2 3 4 5; do
		rule "$WEB" --protocol udp --remote-group "$DEFAULT"
		sleep 0.1
		del_rule "$RULE"
		sleep 0.1
	done
	goes_on both && [ "$(denied)" = "$before" ]
}
check "a connection loses no packet when other rules change"   yes unrelated_rules
groups_of c "$LONE" "$DEFAULT"
check "who joins the group is let in"                          yes wait_for 20 asks c tcp 10.0.0.20 85
stream joined c 10.0.0.20 85
groups_of c "$LONE"
check "who leaves it is cut off, in the middle of it"          yes stands joined
check "... and not let in again"                               yes no_more asks c tcp 10.0.0.20 85

stream once a3 10.0.0.20 85
check "two connections that rules allow"                       yes eval 'goes_on both && goes_on once'
del_rule "$R1"
check "a rule that goes cuts what it alone has allowed"        yes stands once
check "... and not what another allows"                        yes goes_on both
rule "$WEB" --protocol tcp --dst-port 85 --remote-group "$DEFAULT"
check "the rule is back, and so is the connection"             yes wait_for 20 goes_on once
del_rule $(cloud security group rule list --egress "$DEFAULT" -f value -c ID)
check "without a rule for it nothing leaves"                   yes no_more asks a1 tcp 10.0.0.20 80
check "... not even what had begun"                            yes stands both
rule "$DEFAULT" --protocol icmp
check "... but answers to who came in do"                      yes wait_for 20 pings w 10.0.0.11 -c 1
for v in 4 6; do rule "$DEFAULT" --egress --ethertype IPv$v; done
check "with them again it does"                                yes wait_for 20 asks a1 tcp 10.0.0.20 80

rule "$WEB" --protocol icmp --icmp-type 8 --icmp-code 0
check "ICMP by type and code"                                  yes wait_for 20 pings c 10.0.0.20 -c 1
check "... not IPv6"                                           no  pings c fd00::20 -6 -c 1
rule "$WEB" --protocol ipv6-icmp
check "ICMPv6"                                                 yes wait_for 20 pings c fd00::20 -6 -c 1

echo "# address groups"
made AG address group create --address 10.0.0.13 servers
rule "$WEB" --protocol tcp --dst-port 7000 --remote-address-group "$AG"
check "who is in an address group is let in"                   yes wait_for 20 asks a3 tcp 10.0.0.20 7000
check "... and nobody else"                                    no  asks c tcp 10.0.0.20 7000
check "an address that is in use is kept"                      no  cloud address group delete "$AG"
cloud address group set --address 10.0.0.30 "$AG"
check "an address that is added is let in"                     yes wait_for 20 asks c tcp 10.0.0.20 7000
stream left c 10.0.0.20 7000
stream stays a3 10.0.0.20 7000
cloud address group unset --address 10.0.0.30/32 "$AG"
check "... and, taken out, is cut off"                         yes stands left
check "others go on"                                           yes goes_on stays

echo "# what it costs"
before=$(n_flows h1 table=23)
vm a5 h2 15
wait_for 20 port_active "${PORT[a5]}"
check "a member more is a flow for each of its addresses and each group that names it" yes \
	wait_for 20 eval '[ "$(n_flows h1 table=23)" = $((before + 3)) ]' # default: IPv4, IPv6; web: IPv4
must cloud port delete "${PORT[a5]}"
check "... and gone with it"                                   yes wait_for 20 eval '[ "$(n_flows h1 table=23)" = "$before" ]'

echo "# stateless groups"
made FREE security group create --stateless free
vm f1 h1 40 "\"security_groups\": [\"$FREE\"]"
wait_for 20 port_active "${PORT[f1]}" || die "port f1 is not ACTIVE"
serve f1 80 85 7000
zone() { # VM: of connection tracking, on h1
	local d; d=$(rest GET /weft/v1/switches | jq -r '.switches[] | select(.host == "h1").dpid')
	echo "zone=$(rest GET "/weft/v1/switches/$d" | jq -r ".switch.ports[] | select(.port_id == \"${PORT[$1]}\").ofport")"
}
tracked() { "$B/weft-ofctl" dump-conntrack "unix:$DIR/h1.sock" "$(zone "$1")" | grep -q .; }
check "a new one lets nothing in"                              no  asks a1 tcp 10.0.0.40 80
rule "$FREE" --protocol tcp --dst-port 80:90; S1=$RULE
check "its rules let in"                                       yes wait_for 20 asks a1 tcp 10.0.0.40 85
check "... from the other host"                                yes asks a3 tcp 10.0.0.40 80
check "... not to other ports"                                 no  asks a1 tcp 10.0.0.40 7000
check "... nor other protocols"                                no  asks a1 udp 10.0.0.40 80
rule "$FREE" --protocol tcp --dst-port 80 --ethertype IPv6
check "... over IPv6"                                          yes wait_for 20 asks a1 tcp fd00::40 80
rule "$FREE" --protocol udp --dst-port 7000 --remote-group "$DEFAULT"
check "a rule for a group and ports lets its members in"       yes wait_for 20 asks a3 udp 10.0.0.40 7000
check "... and nobody else"                                    no  asks c udp 10.0.0.40 7000
check "what it asks for goes out; the answer is not let in"    no  pings f1 10.0.0.20 -c 1
rule "$FREE" --protocol icmp --icmp-type 0 --icmp-code 0
check "... but by a rule of its own, by ICMP type and code"    yes wait_for 20 pings f1 10.0.0.20 -c 1
check "connections of its port are not tracked"                no  tracked f1
check "... those of the other side are"                        yes tracked a1
stream free a1 10.0.0.40 80
del_rule "$S1"
check "a rule that goes stops what it let in"                  yes stands free
rule "$FREE" --protocol tcp --dst-port 1:65535; S1=$RULE
check "... and one that comes lets it go on"                   yes wait_for 20 goes_on free
for r in $(rest GET "/v2.0/security-group-rules?security_group_id=$FREE&direction=egress" | jq -r '.security_group_rules[].id'); do del_rule "$r"; done
check "without a rule for it no answer leaves"                 yes no_more asks a1 tcp 10.0.0.40 80
made MORE security group create --stateless more
rule "$MORE" --egress --protocol tcp
groups_of f1 "$FREE" "$MORE"
check "two of them allow what either does"                     yes wait_for 20 asks a1 tcp 10.0.0.40 80
check "it stays stateless while ports have it"                 no  cloud security group set --stateful "$FREE"
check "a port has no groups of both kinds"                     no  rest PUT "/v2.0/ports/${PORT[f1]}" "{\"port\": {\"security_groups\": [\"$FREE\", \"$DEFAULT\"]}}"
groups_of f1 "$DEFAULT"
check "a port may go over to the other kind"                   yes wait_for 20 asks a1 tcp 10.0.0.40 80
check "... and is tracked then"                                yes tracked f1
cloud security group set --stateful "$FREE" || die "openstack: a group without ports is not made stateful"
groups_of f1 "$FREE"
check "a group that has become stateful lets in, with answers" yes wait_for 20 asks a1 tcp 10.0.0.40 80

echo "# refusals"
check "a group that ports have is kept"                        no  cloud security group delete "$WEB"
check "the default group keeps its name"                       no  cloud security group set --name other "$DEFAULT"
end_talk
verdict
