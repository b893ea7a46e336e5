#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.2.5 Action structures: Weft's answer (RFC 2131, 8415, 4861, 1812, 4443)
# Real clients, whose server, router and neighbour is a flow with answer(): no controller, no daemon.
#
#   a eth0 ---- pa 1 [        ]
#                    [ switch ]  02:00:00:00:01:00 = 10.0.0.1 = fe80::1 = 2001:db8::1, of flows
#   b eth0 ---- pb 2 [        ]
#
# What tshark sees on a's wire must be well formed to the last option.
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/lib/switch.sh"

GW=02:00:00:00:01:00
MAC=02:00:00:00:00:0a
W="$B/weft-ofctl"

space sw
space a
space b
cable sw pa a eth0
cable sw pb b eth0
ip -n "$T-a" link set eth0 address $MAC
in_space a sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
switch sw sw --port pa@1=af_packet:pa --port pb@2=af_packet:pb
ip netns exec "$T-a" tshark -q -i eth0 -w "$DIR/a.pcap" >/dev/null 2>"$DIR/tshark.log" &
PIDS+=($!)
TSHARK=$!
for _ in $(seq 400); do [ -s "$DIR/a.pcap" ] && break; sleep 0.1; done

load() { # flows from stdin, instead of those before
	cat >"$DIR/flows"
	timeout 20 "$W" replace-flows "$(sock sw)" "$DIR/flows"
}
# What the client was told, as its script hears of it.
cat >"$DIR/script" <<S
#!/bin/sh
[ "\$reason" = PREINIT ] || { echo; env; echo "event=\$1"; } >>$DIR/env
case \$reason in
PREINIT|EXPIRE) ip -4 addr flush dev eth0 ;;
BOUND|RENEW|REBIND|REBOOT) ip addr replace "\$new_ip_address/24" dev eth0 ;;
esac
exit 0
S
chmod +x "$DIR/script"
ARP="in_port=1,arp,arp_op=1,arp_tpa=10.0.0.1,actions=move:eth_src->eth_dst,set_field:$GW->eth_src,load:2->arp_op,move:arp_sha->arp_tha,move:arp_spa->arp_tpa,set_field:$GW->arp_sha,set_field:10.0.0.1->arp_spa,in_port"
: >"$DIR/env"
told() { grep -qxF -- "$1" "$DIR/env" || { echo "no \"$1\" in:"; grep -E '^(new_|reason|event)|^[a-z0-9]+=' "$DIR/env"; cat "$DIR/client.log"; return 1; }; }
heard() { local i; for i in $(seq 300); do grep -qxE -- "$1" "$DIR/env" && return; sleep 0.1; done; echo "# never heard $1"; tail -3 "$DIR/client.log" | sed 's/^/# /'; }
client() { # COMMAND...: in a, until the next one
	client_ends
	: >"$DIR/env"
	in_space a "$@" >"$DIR/client.log" 2>&1 &
	C=$!
	PIDS+=("$C")
}
client_ends() { [ -z "${C:-}" ] || { kill "$C" 2>/dev/null && wait "$C" 2>/dev/null; C=; } || true; }
isc() { client timeout 90 dhclient -d -v -sf "$DIR/script" -lf "$DIR/leases" -pf "$DIR/pid" "$@" eth0; }
drops() { timeout 30 "$B/weftctl" switch drops sw 2>/dev/null | awk -v n="$1" '$0 ~ n { for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+$/) { print $i; exit } }'; }

# ---- DHCPv4 ----

DHCP="server=10.0.0.1,server_mac=$GW,router=10.0.0.1,dns=1.1.1.1+8.8.8.8,mtu=1450,domain=example.org,routes=10.9.0.0/16>10.0.0.2+0.0.0.0/0>10.0.0.1,option(42)=0x0a000003"
load <<F
$ARP
in_port=1,udp,tp_dst=67,actions=answer(dhcp,address=10.0.0.5/24,lease=3600,t1=3,t2=3000,$DHCP),in_port
F
: >"$DIR/leases"
isc -4
heard reason=BOUND
check "dhclient is bound" told reason=BOUND
check "... to its address" told new_ip_address=10.0.0.5
check "... and mask" told new_subnet_mask=255.255.255.0
check "... with the router" told new_routers=10.0.0.1
check "... DNS servers" told "new_domain_name_servers=1.1.1.1 8.8.8.8"
check "... domain" told new_domain_name=example.org
check "... MTU" told new_interface_mtu=1450
check "... NTP server, of bytes" told new_ntp_servers=10.0.0.3
check "... classless routes" told "new_rfc3442_classless_static_routes=16 10 9 10 0 0 2 0 10 0 0 1"
check "... the lease's time" told new_dhcp_lease_time=3600
check "... its server" told new_dhcp_server_identifier=10.0.0.1
heard reason=RENEW
check "... and renews it in time, by unicast" told reason=RENEW
client_ends
load <<F
$ARP
in_port=1,udp,tp_dst=67,actions=answer(dhcp,address=10.0.0.7/24,lease=3600,$DHCP),in_port
F
isc -4
heard new_ip_address=10.0.0.7
check "with a lease of another address it is refused (NAK), and asks anew" grep -q DHCPNAK "$DIR/client.log"
check "... and has the new one" told new_ip_address=10.0.0.7
client_ends
isc -4 -r
heard reason=RELEASE
silent() { [ "$(drops answer_silent)" = 1 ]; }
check "a release is not answered, and counted" until_true 20 silent

client timeout 60 udhcpc -f -i eth0 -s "$DIR/script" -n -O 121 -O 249 -O mtu -x hostname:vm
heard event=bound
check "udhcpc is bound" told ip=10.0.0.7
check "... mask" told mask=24
check "... DNS servers" told "dns=1.1.1.1 8.8.8.8"
check "... router" told router=10.0.0.1
check "... MTU" told mtu=1450
check "... domain" told domain=example.org
check "... routes by their number" told "staticroutes=10.9.0.0/16 10.0.0.2 0.0.0.0/0 10.0.0.1"
check "... and under the old one" told "msstaticroutes=10.9.0.0/16 10.0.0.2 0.0.0.0/0 10.0.0.1"
client_ends

# ---- SLAAC ----

in_space a sysctl -qw net.ipv6.conf.eth0.accept_ra=2 net.ipv6.conf.eth0.router_solicitations=3 net.ipv6.conf.eth0.router_solicitation_delay=0
RA="source=fe80::1,mac=$GW,lifetime=1234,hop_limit=77,mtu=1400,dns=2001:db8::53+2001:db8::54;lifetime=600,domain=example.org"
load <<F
in_port=1,icmp6,icmp_type=133,actions=answer(ra,$RA,prefix=2001:db8::/64;onlink;autonomous;valid=7200;preferred=3600),in_port
in_port=1,icmp6,icmp_type=135,nd_target=2001:db8::1,actions=answer(nd,mac=$GW,router),in_port
in_port=1,icmp6,icmp_type=135,nd_target=fe80::1,actions=answer(nd,mac=$GW,router),in_port
in_port=1,icmp6,icmp_type=128,ipv6_dst=2001:db8::1,actions=answer(echo),in_port
F
in_space a sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0
a6() { in_space a "$@"; }
for _ in $(seq 300); do a6 ip -6 addr show dev eth0 scope global | grep -q 2001:db8 && break; sleep 0.1; done
a6 ip -6 addr show dev eth0 >"$DIR/addrs"
a6 ip -6 route show >"$DIR/routes"
has() { grep -qE -- "$1" "$2" || { echo "no $1 in:"; cat "$2"; return 1; }; }
check "the kernel has an address of the prefix" has '2001:db8::ff:fe00:a/64 scope global.*dynamic' "$DIR/addrs"
check "... with its lifetimes" has 'valid_lft 7(200|19[0-9])sec preferred_lft 3(600|59[0-9])sec' "$DIR/addrs"
check "... the prefix is on link" has '^2001:db8::/64 dev eth0 proto kernel' "$DIR/routes"
check "... a default route by the router" has '^default via fe80::1 dev eth0 proto ra.*expires 1[0-9]*sec.*hoplimit 77' "$DIR/routes"
check "... its MTU" test "$(in_space a cat /proc/sys/net/ipv6/conf/eth0/mtu)" = 1400
a6 timeout 35 rdisc6 -1 -q -w 10000 eth0 >/dev/null 2>&1 || true
a6 timeout 35 rdisc6 -1 -w 10000 eth0 >"$DIR/rdisc" 2>&1 || true
check "rdisc6 reads DNS servers" has 'Recursive DNS server *: 2001:db8::53' "$DIR/rdisc"
check "... for so long" has 'DNS servers? lifetime *: *600' "$DIR/rdisc"
check "... the search list" has 'DNS search list *: example.org' "$DIR/rdisc"
check "... and who it is from" has "Source link-layer address: 02:00:00:00:01:00" "$DIR/rdisc"

# ---- Neighbours ----

check "ping by IPv6: the neighbour and the echo are flows" a6 ping -6 -c 2 -i 0.2 -W 20 2001:db8::1
a6 ip -6 neigh show dev eth0 >"$DIR/neigh"
check "... the neighbour is known as a router" has "2001:db8::1 lladdr $GW router" "$DIR/neigh"
a6 sysctl -qw net.ipv6.conf.eth0.accept_dad=1 net.ipv6.conf.all.accept_dad=1
a6 ip -6 addr add 2001:db8::1/64 dev eth0
a6 ip -6 addr add 2001:db8::2/64 dev eth0
for _ in $(seq 200); do a6 ip -6 addr show dev eth0 | grep -q tentative || break; a6 ip -6 addr show dev eth0 | grep -q dadfailed && a6 ip -6 addr show dev eth0 | grep -c tentative | grep -qx 1 && break; sleep 0.1; done
a6 ip -6 addr show dev eth0 >"$DIR/addrs"
check "duplicate address detection finds the flow's address taken" has '2001:db8::1/64.*dadfailed' "$DIR/addrs"
check "... and another one free" sh -c "grep '2001:db8::2/64' $DIR/addrs | grep -qv -e tentative -e dadfailed"
a6 ip -6 addr del 2001:db8::1/64 dev eth0
a6 ip -6 addr del 2001:db8::2/64 dev eth0

# ---- DHCPv6 ----

D6="server=fe80::1,server_mac=$GW,dns=2001:db8::53,domain=example.org,option(56)=0x00010010fd000000000000000000000000000123"
load <<F
in_port=1,udp6,tp_dst=547,actions=answer(dhcpv6,address=2001:db8::500,preferred=3600,valid=7200,$D6),in_port
F
: >"$DIR/leases"
isc -6
heard reason=BOUND6
check "dhclient -6 is bound" told reason=BOUND6
check "... to its address" told new_ip6_address=2001:db8::500
check "... for so long" told new_max_life=7200
check "... preferred" told new_preferred_life=3600
check "... DNS server" told new_dhcp6_name_servers=2001:db8::53
check "... search list" told new_dhcp6_domain_search=example.org.
check "... renewing after half of the time" told new_renew=1800
client_ends
isc -6
heard 'reason=(REBIND6|BOUND6)'
check "it comes back with its lease and has it confirmed" grep -qE '(RCV: *\\| *X-- .*Success|message on .* from fe80::1|Reply)' "$DIR/client.log"
check "... with the same address" told new_ip6_address=2001:db8::500
client_ends
isc -6 -r
heard reason=RELEASE6
check "it releases it" told old_ip6_address=2001:db8::500
client_ends
load <<F
in_port=1,udp6,tp_dst=547,actions=answer(dhcpv6,stateless,$D6),in_port
F
: >"$DIR/leases"
isc -6 -S
heard new_dhcp6_name_servers=2001:db8::53
check "dhclient -6 -S hears of the DNS server" told new_dhcp6_name_servers=2001:db8::53
check "... and of the search list" told new_dhcp6_domain_search=example.org.
client_ends

# ---- A router's ICMP ----

BMAC=$(in_space b cat /sys/class/net/eth0/address)
in_space b sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0
in_space b sysctl -qw net.ipv6.conf.all.forwarding=0
for s in a b; do
	[ $s = a ] && n=0 || n=9
	ip -n "$T-$s" addr add 10.$n.0.5/24 dev eth0
	ip -n "$T-$s" -6 addr add 2001:db8:$n::5/64 dev eth0 nodad
	ip -n "$T-$s" neigh replace 10.$n.0.1 lladdr $GW dev eth0
	ip -n "$T-$s" neigh replace 2001:db8:$n::1 lladdr $GW dev eth0
	ip -n "$T-$s" route add default via 10.$n.0.1
	ip -n "$T-$s" -6 route replace default via 2001:db8:$n::1 metric 1
done
in_space a sysctl -qw net.ipv6.conf.eth0.mtu=1500
load <<F
priority=90,icmp,icmp_type=8,nw_dst=10.0.0.1,actions=answer(echo),in_port
priority=90,icmp6,icmp_type=128,ipv6_dst=2001:db8::1,actions=answer(echo),in_port
priority=80,ip,nw_ttl=1,in_port=1,actions=answer(icmp_error,type=11,source=10.0.0.1),in_port
priority=80,ipv6,nw_ttl=1,in_port=1,actions=answer(icmp_error,type=3,source=2001:db8::1),in_port
priority=70,icmp6,icmp_type=135,actions=answer(nd,mac=$GW,router),in_port
priority=50,ip,nw_dst=10.9.0.0/24,actions=check_pkt_larger(1414)->reg0[0],resubmit(,1)
priority=50,ipv6,ipv6_dst=2001:db8:9::/64,actions=check_pkt_larger(1414)->reg0[0],resubmit(,1)
priority=40,ip,nw_dst=10.0.0.0/24,actions=dec_ttl,set_field:$GW->eth_src,set_field:$MAC->eth_dst,output:1
priority=40,ipv6,ipv6_dst=2001:db8::/64,actions=dec_ttl,set_field:$GW->eth_src,set_field:$MAC->eth_dst,output:1
priority=30,ip,nw_dst=10.8.0.0/24,actions=answer(icmp_error,type=3,code=0,source=10.0.0.1),in_port
priority=30,ipv6,ipv6_dst=2001:db8:8::/64,actions=answer(icmp_error,type=1,code=0,source=2001:db8::1),in_port
table=1,priority=9,ip,reg0=1,actions=answer(icmp_error,type=3,code=4,mtu=1400,source=10.0.0.1),in_port
table=1,priority=9,ipv6,reg0=1,actions=answer(icmp_error,type=2,mtu=1400,source=2001:db8::1),in_port
table=1,priority=1,ip,actions=dec_ttl,set_field:$GW->eth_src,set_field:$BMAC->eth_dst,output:2
table=1,priority=1,ipv6,actions=dec_ttl,set_field:$GW->eth_src,set_field:$BMAC->eth_dst,output:2
F
ping_says() { in_space a ping -n -c 2 -i 0.3 -w 10 "${@:2}" >"$DIR/ping" 2>&1 || true; has "$1" "$DIR/ping"; }
check "ping to the gateway" in_space a ping -c 2 -i 0.2 -W 20 -s 1400 10.0.0.1
check "... by IPv6" in_space a ping -c 2 -i 0.2 -W 20 -s 1400 2001:db8::1
check "ping through it" in_space a ping -c 2 -i 0.2 -W 20 10.9.0.5
check "... by IPv6" in_space a ping -c 2 -i 0.2 -W 20 2001:db8:9::5
in_space a traceroute -n -q 1 -w 10 -m 4 10.9.0.5 >"$DIR/trace" 2>&1 || true
check "traceroute: the router is its first hop" has '^ 1 +10\.0\.0\.1 ' "$DIR/trace"
check "... the other host its second" has '^ 2 +10\.9\.0\.5 ' "$DIR/trace"
in_space a traceroute -6 -n -q 1 -w 10 -m 4 2001:db8:9::5 >"$DIR/trace" 2>&1 || true
check "... by IPv6 the same" has '^ 1 +2001:db8::1 ' "$DIR/trace"
check "... to the end" has '^ 2 +2001:db8:9::5 ' "$DIR/trace"
check "no route: unreachable" ping_says 'From 10.0.0.1 .*Destination Net Unreachable' 10.8.0.5
check "... by IPv6" ping_says 'From 2001:db8::1 .*No route' 2001:db8:8::5
check "too big with DF: the MTU is told" ping_says '(Frag needed and DF set \(mtu = 1400\)|message too long, mtu=1400)' -M do -s 1440 10.9.0.5
check "... the host knows the path's MTU" sh -c "ip -n $T-a route get 10.9.0.5 | grep -q 'mtu 1400'"
check "... by IPv6" ping_says '(Packet too big: mtu=1400|message too long, mtu: 1400)' -M do -s 1440 2001:db8:9::5
check "... the host knows it" sh -c "ip -n $T-a -6 route get 2001:db8:9::5 | grep -q 'mtu 1400'"
check "what fits passes then" in_space a ping -c 1 -W 20 -s 1372 -M do 10.9.0.5

# ---- What was on the wire ----

written() { stat -c %s "$DIR/a.pcap"; }
settled written >/dev/null
kill $TSHARK
wait $TSHARK || true
shark() { tshark -r "$DIR/a.pcap" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -o ipv6.use_geoip:FALSE -Y "eth.src==$GW && ($1)" 2>/dev/null; }
shark '_ws.malformed || _ws.expert.severity==error || ip.checksum.status==0 || udp.checksum.status==0 || icmp.checksum.status==0 || icmpv6.checksum.status==0' >"$DIR/why.bad"
check "tshark finds nothing malformed, and no wrong checksum" sh -c "cat $DIR/why.bad; ! test -s $DIR/why.bad"
for k in dhcp dhcpv6 icmpv6.type==134 icmpv6.type==136 icmp.type==0 icmp.type==3 icmp.type==11 icmpv6.type==2; do
	check "... and there were answers: $k" test "$(shark $k | wc -l)" -gt 0
done
finish
