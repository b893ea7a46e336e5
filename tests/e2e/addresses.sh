#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# VMs get their addresses from the switch of their own host: DHCP, DHCPv6, router advertisements; IPv6 is routed.
#
#      h1: a1 (dhclient)  a3 (udhcpc)  s1 (SLAAC)     h2: b1 (DHCPv6)
#           +--- weft-switch ---+                          +--- weft-switch ---+
#                     +=================== underlay ===================+
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab

declare -A ADDR
vm() { # NAME HOST NET: nothing but its MAC
	lab_vm "$1" "$2"
	local body
	body=$(rest POST /v2.0/ports "{\"port\": {\"name\": \"$1\", \"network_id\": \"${NET[$3]}\", \"project_id\": \"tenant\",
		\"binding:host_id\": \"$2\", \"binding:profile\": {\"weft_spec\": \"af_packet:$1\"}}}") || die "$body"
	PORT[$1]=$(jq -r .port.id <<<"$body")
	ADDR[$1]=$(jq -r '.port.fixed_ips[0].ip_address' <<<"$body")
	ip -n "$LAB-$1" link set eth0 address "$(jq -r .port.mac_address <<<"$body")" mtu "${MTU[$3]}"
}
net() { NET[$1]=$(post networks network "\"name\": \"$1\"") && MTU[$1]=$(rest GET "/v2.0/networks/${NET[$1]}" | jq -r .network.mtu); }
has() { ip -n "$LAB-$1" -o addr show dev eth0 | grep -v tentative | grep -q "inet6\? $2/"; }
dhclient_in() { # VM [-6 ...]: one lease, into files of its own
	local vm=$1; shift
	printf 'option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;\nrequest subnet-mask, routers, domain-name-servers, interface-mtu, rfc3442-classless-static-routes;\ntimeout 10;\n' >"$DIR/dhclient.conf"
	in_space "$vm" timeout 25 dhclient "$@" -1 -v -cf "$DIR/dhclient.conf" -lf "$DIR/$vm.lease" -pf "$DIR/$vm.pid" -sf "$DIR/script" eth0
}
give_back() { [ -s "$DIR/$1.pid" ] && kill "$(cat "$DIR/$1.pid")" 2>/dev/null; rm -f "$DIR/$1.pid"; }
leased() { grep -q "$2" "$DIR/$1.lease"; }

lab_begin
# What dhclient would do to /etc is not done.
cat >"$DIR/script" <<'S'
#!/bin/sh
case $reason in
BOUND|RENEW|REBIND|REBOOT) ip addr replace "$new_ip_address/$new_subnet_mask" dev "$interface"
	for r in $new_routers; do ip route replace default via "$r"; done ;;
BOUND6|RENEW6|REBIND6) ip -6 addr replace "$new_ip6_address/$new_ip6_prefixlen" dev "$interface" nodad ;;
esac
S
chmod +x "$DIR/script"
lab_underlay
lab_host h1 192.0.2.1/24
lab_host h2 192.0.2.2/24
lab_controller --dns-domain rack.example
lab_switch h1
lab_switch h2
net a
SA=$(post subnets subnet "\"network_id\": \"${NET[a]}\", \"ip_version\": 4, \"cidr\": \"10.0.0.0/24\", \"dns_nameservers\": [\"192.0.2.53\"],
	\"host_routes\": [{\"destination\": \"172.16.0.0/12\", \"nexthop\": \"10.0.0.9\"}]")
net s
SS=$(post subnets subnet "\"network_id\": \"${NET[s]}\", \"ip_version\": 6, \"cidr\": \"2001:db8:1::/64\", \"ipv6_ra_mode\": \"slaac\",
	\"ipv6_address_mode\": \"slaac\"")
net b
SB=$(post subnets subnet "\"network_id\": \"${NET[b]}\", \"ip_version\": 6, \"cidr\": \"2001:db8:2::/64\", \"ipv6_ra_mode\": \"dhcpv6-stateful\",
	\"ipv6_address_mode\": \"dhcpv6-stateful\", \"dns_nameservers\": [\"2001:db8::53\"]")
ROUTER=$(post routers router '"name": "r"')
for s in $SA $SS $SB; do rest PUT "/v2.0/routers/$ROUTER/add_router_interface" "{\"subnet_id\": \"$s\"}" >/dev/null || die interface; done
vm a1 h1 a
vm a3 h1 a
for v in s1 b1; do
	lab_space "$v" # IPv6 from the start, and advertisements taken
	[ $v = s1 ] && h=h1 || h=h2
	ip link add eth0 netns "$LAB-$v" type veth peer name "$v" netns "$LAB-$h"
	in_space "$v" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_ra=2 net.ipv6.conf.eth0.autoconf=1
	in_space "$h" sysctl -qw "net.ipv6.conf.$v.disable_ipv6=1"
	for e in "$v eth0" "$h $v"; do set -- $e; lab_plain "$1" "$2"; done
	ip -n "$LAB-$h" link set "$v" up
	body=$(rest POST /v2.0/ports "{\"port\": {\"name\": \"$v\", \"network_id\": \"${NET[${v%1}]}\", \"project_id\": \"tenant\",
		\"binding:host_id\": \"$h\", \"binding:profile\": {\"weft_spec\": \"af_packet:$v\"}}}") || die "$body"
	PORT[$v]=$(jq -r .port.id <<<"$body")
	ADDR[$v]=$(jq -r '.port.fixed_ips[0].ip_address' <<<"$body")
	ip -n "$LAB-$v" link set eth0 address "$(jq -r .port.mac_address <<<"$body")" mtu "${MTU[${v%1}]}" up
done
rest PUT "/v2.0/ports/${PORT[a1]}" '{"port": {"dns_name": "Web-1"}}' >/dev/null || die "dns_name"
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done
# The link may have been there before its flows.
for v in s1 b1; do ip -n "$LAB-$v" link set eth0 down; ip -n "$LAB-$v" link set eth0 up; done

check "dhclient gets the port's address"                       yes dhclient_in a1
check "... which is there, with its prefix"                    yes has a1 "${ADDR[a1]}"
check "... the subnet's gateway and name server"               yes leased a1 'routers 10.0.0.1'
check "... by name server"                                     yes leased a1 'domain-name-servers 192.0.2.53'
check "... the network's MTU"                                  yes leased a1 "interface-mtu ${MTU[a]}"
check "... and its host routes"                                yes leased a1 'rfc3442-classless-static-routes 12,172,16,10,0,0,9'
check "... its port's name"                                    yes leased a1 'host-name "web-1"'
check "... in the domain of all"                               yes leased a1 'domain-name "rack.example"'
rest PUT "/v2.0/ports/${PORT[a1]}" '{"port": {"extra_dhcp_opts": [{"opt_name": "bootfile-name", "opt_value": "pxe.0"}, {"opt_name": "15", "opt_value": "tenant.example"},
	{"opt_name": "server-ip-address", "opt_value": "192.0.2.66"}, {"opt_name": "dns-server", "opt_value": "192.0.2.54"}, {"opt_name": "lease-time", "opt_value": "7200"},
	{"opt_name": "classless-static-route", "opt_value": ""}]}}' >/dev/null || die "extra_dhcp_opts"
rest PUT "/v2.0/ports/${PORT[b1]}" '{"port": {"extra_dhcp_opts": [{"opt_name": "domain-search", "opt_value": "six.example", "ip_version": 6}]}}' >/dev/null || die "extra_dhcp_opts"
last() { tac "$DIR/a1.lease" | sed '/^lease/q' | grep -q "$1"; }
again_with() { give_back a1; sleep 0.3; dhclient_in a1 && last "$1"; }
check "dhclient once more, with options of the port's own"     yes wait_for 30 again_with 'dhcp-lease-time 7200;'
check "... its boot file"                                      yes last 'filename "pxe.0"\|bootfile-name "pxe.0"'
check "... one by number"                                      yes last 'domain-name "tenant.example"'
check "... one that is not the subnet's"                       yes last 'domain-name-servers 192.0.2.54;'
check "... a time"                                             yes last 'dhcp-lease-time 7200;'
check "... and the subnet's routes not at all"                 no  last 'rfc3442'
printf '#!/bin/sh\necho "$siaddr $boot_file" >>%s\n' "$DIR/udhcpc.out" >"$DIR/udhcpc"; chmod +x "$DIR/udhcpc"
rest PUT "/v2.0/ports/${PORT[a3]}" '{"port": {"extra_dhcp_opts": [{"opt_name": "server-ip-address", "opt_value": "192.0.2.66"}, {"opt_name": "67", "opt_value": "pxe.1"}]}}' >/dev/null
udhcpc_gets() { in_space a3 timeout 20 busybox udhcpc -f -q -n -i eth0 -s "$DIR/udhcpc" && { [ -z "${1-}" ] || grep -q "$1" "$DIR/udhcpc.out"; }; }
check "udhcpc gets the other one's"                            yes udhcpc_gets
check "... and from where to boot what"                        yes wait_for 30 udhcpc_gets '192.0.2.66 pxe.1'
check "the kernel forms its address by itself"                 yes wait_for 20 has s1 "${ADDR[s1]}"
check "... and has the router as its way out"                  yes wait_for 20 sh -c "ip -n $LAB-s1 -6 route | grep -q '^default via fe80'"
check "DHCPv6 gives the port's address"                        yes wait_for 20 dhclient_in b1 -6
check "... which is there"                                     yes has b1 "${ADDR[b1]}"
check "... and the port's own option"                          yes leased b1 'domain-search.*six.example'
rest PUT "/v2.0/ports/${PORT[b1]}" '{"port": {"extra_dhcp_opts": [{"opt_name": "domain-search", "opt_value": null, "ip_version": 6}]}}' >/dev/null || die "extra_dhcp_opts"
domain_of_all() { give_back b1; rm -f "$DIR/b1.lease"; dhclient_in b1 -6 && leased b1 'domain-search.*rack.example'; }
check "... without which it is the domain of all"              yes wait_for 20 domain_of_all
check "IPv6 is routed between networks and hosts"              yes in_space s1 ping -n -c 2 -i 0.2 -W 10 "${ADDR[b1]}"
check "the router's address answers"                           yes in_space s1 ping -n -c 1 -W 10 2001:db8:1::1
check "a neighbour's address is answered for"                  yes in_space b1 ping -n -c 1 -W 10 2001:db8:2::1

# What is not advertised any more is taken back, at once and not after its lifetime.
MTU_WAS=$(in_space s1 cat /proc/sys/net/ipv6/conf/eth0/mtu)
rest PUT "/v2.0/networks/${NET[s]}" '{"network": {"mtu": 1400}}' >/dev/null || die mtu
check "another MTU of the network is advertised"               yes wait_for 20 sh -c "ip netns exec $LAB-s1 grep -qx 1400 /proc/sys/net/ipv6/conf/eth0/mtu"
rest PUT "/v2.0/networks/${NET[s]}" "{\"network\": {\"mtu\": $MTU_WAS}}" >/dev/null || die mtu
rest PUT "/v2.0/networks/${NET[a]}" '{"network": {"mtu": 1400}}' >/dev/null || die mtu
check "... and leased"                                         yes wait_for 30 again_with 'interface-mtu 1400;'
rest PUT "/v2.0/routers/$ROUTER/remove_router_interface" "{\"subnet_id\": \"$SS\"}" >/dev/null || die interface
check "the router leaves: hosts let go of it"                  yes wait_for 20 sh -c "! ip -n $LAB-s1 -6 route | grep '^default'"
check "... and begin nothing with its prefix"                  yes wait_for 20 sh -c "ip -n $LAB-s1 -6 addr show dev eth0 | grep -A1 '${ADDR[s1]}.*deprecated' | grep 'preferred_lft 0sec'"
rest PUT "/v2.0/routers/$ROUTER/add_router_interface" "{\"subnet_id\": \"$SS\"}" >/dev/null || die interface
check "it comes back: they have it again"                      yes wait_for 20 sh -c "ip -n $LAB-s1 -6 route | grep -q '^default via fe80'"
check "... and the address is a good one"                      yes wait_for 20 sh -c "! ip -n $LAB-s1 -6 addr show dev eth0 | grep '${ADDR[s1]}.*deprecated'"

# While the controller is away.
lab_kill "$CONTROLLER_PID" KILL
give_back a1
ip -n "$LAB-a1" addr flush dev eth0
check "without a controller: DHCP"                             yes dhclient_in a1
check "... the same address"                                   yes has a1 "${ADDR[a1]}"
ip -n "$LAB-s1" link set eth0 down; ip -n "$LAB-s1" link set eth0 up
check "without a controller: router advertisements"            yes wait_for 20 has s1 "${ADDR[s1]}"
for v in a1 b1; do give_back "$v"; done
verdict
