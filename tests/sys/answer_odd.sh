#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.2.5 Action structures: Weft's answer, to what clients should not send
# Frames made by hand, each with the answer or the reason of its drop: lib/answer_odd.py has them.
#
#   a eth0 ---- pa 1 [ switch ]   flows with answer(), chosen by the sender's MAC where there are several
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/lib/switch.sh"
LIB=$(cd "$(dirname "$0")/lib" && pwd)

space sw
space a
cable sw pa a eth0
in_space a sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
switch sw sw --port pa@1=af_packet:pa
cat >"$DIR/flows" <<'F'
priority=40000,dl_src=02:00:00:00:00:0b,udp,tp_dst=67,actions=answer(dhcp,address=10.0.0.6/24,server=10.0.0.1,server_mac=02:00:00:00:01:00,router=10.0.0.1,bootfile=pxe/boot.0,next_server=10.0.0.8,option(43)=0xBIG,option(44)=0x0a000001),in_port
udp,tp_dst=67,actions=answer(dhcp,address=10.0.0.5/24,server=10.0.0.1,server_mac=02:00:00:00:01:00,router=10.0.0.1,dns=1.1.1.1,t1=100,routes=10.9.0.0/16>10.0.0.2,option(42)=0x0a000003),in_port
priority=40000,dl_src=02:00:00:00:00:0b,udp6,tp_dst=547,actions=answer(dhcpv6,stateless,server=fe80::1,server_mac=02:00:00:00:01:00,dns=2001:db8::53),in_port
udp6,tp_dst=547,actions=answer(dhcpv6,address=2001:db8::5,server=fe80::1,server_mac=02:00:00:00:01:00,dns=2001:db8::53,preferred=1000,valid=2000),in_port
icmp6,icmp_type=133,actions=answer(ra,source=fe80::1,mac=02:00:00:00:01:00,prefix=2001:db8::/64;onlink;autonomous,preference=low),in_port
icmp6,icmp_type=135,actions=answer(nd,mac=02:00:00:00:01:00,router),in_port
priority=40000,ip,nw_dst=10.8.0.0/16,actions=answer(icmp_error,type=3,code=0,source=10.0.0.1),in_port
priority=40000,ip,nw_dst=224.0.0.0/4,actions=answer(icmp_error,type=3,code=0,source=10.0.0.1),in_port
priority=40000,ipv6,ipv6_dst=2001:db8:8::/48,actions=answer(icmp_error,type=2,mtu=1300,source=2001:db8::1),in_port
priority=40000,ipv6,ipv6_dst=ff08::/16,actions=answer(icmp_error,type=2,mtu=1300,source=2001:db8::1),in_port
priority=100,icmp,actions=answer(echo),in_port
priority=100,icmp6,actions=answer(echo),in_port
F
sed -i "s/BIG/$(printf '%0480d' 0)/" "$DIR/flows"
timeout 20 "$B/weft-ofctl" replace-flows "$(sock sw)" "$DIR/flows"
r=0
in_space a "${PYTHON:-/usr/bin/python3}" "$LIB/answer_odd.py" "$B/weftctl" sw >"$DIR/out" 2>&1 || r=$?
grep -E '^(ok|not ok|#) ' "$DIR/out" || true
PASSED=$(grep -c '^ok' "$DIR/out" || true) FAILED=$(grep -c '^not ok' "$DIR/out" || true)
cp "$DIR/out" "$DIR/why"
[ "$r" = 0 ] || not_ok "the frames were all sent"

# What cannot be in a flow is refused, and said: by weft-ofctl, and by the switch (NXBAC and OFPBAC of 7.4.4.5).
refused() { # TEXT FLOW
	"$B/weft-ofctl" add-flow "$(sock sw)" "$2" >"$DIR/why" 2>&1 && { not_ok "refused: $1"; return; }
	if grep -q "$1" "$DIR/why"; then ok "refused: $1"; else not_ok "refused: $1"; fi
}
M=server_mac=02:00:00:00:01:00
refused 'match must be of IPv4' "udp6,actions=answer(dhcp,address=10.0.0.5/24,server=10.0.0.1,$M)"
refused 'match must be of neighbour' 'icmp6,actions=answer(nd,mac=02:00:00:00:01:00)'
refused 'option 51 is the switch' "udp,actions=answer(dhcp,address=10.0.0.5/24,server=10.0.0.1,$M,option(51)=0x00000001)"
refused 'option 3 is not of its length' 'icmp6,actions=answer(ra,source=fe80::1,mac=02:00:00:00:01:00,option(3)=0x000000000000)'
refused 'source is link-local' 'icmp6,actions=answer(ra,source=2001:db8::1,mac=02:00:00:00:01:00)'
refused 'no such mtu' 'ip,actions=answer(icmp_error,type=3,code=4,source=10.0.0.1,mtu=60)'
refused 'ICMP of type 5' 'ip,actions=answer(icmp_error,type=5,source=10.0.0.1)'
refused 'server= is missing' "udp,actions=answer(dhcp,address=10.0.0.5/24,$M)"
refused 'is no argument' 'icmp,actions=answer(echo,mtu=5)'
refused 'cannot stand in write_actions' 'icmp,actions=write_actions(answer(echo))'
finish
