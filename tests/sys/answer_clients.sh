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
in_space a tshark -q -i eth0 -w "$DIR/a.pcap" >/dev/null 2>"$DIR/tshark.log" &
PIDS+=($!)
TSHARK=$!
for _ in $(seq 100); do [ -s "$DIR/a.pcap" ] && break; sleep 0.1; done

load() { # flows from stdin, instead of those before
	cat >"$DIR/flows"
	timeout 20 "$W" replace-flows "$(sock sw)" "$DIR/flows"
}
fresh() { # a's addresses go
	ip -n "$T-a" addr flush dev eth0
	ip -n "$T-a" route flush dev eth0 2>/dev/null || true
	: >"$DIR/leases"
	: >"$DIR/env"
}
# What the client was told, as its script hears of it.
printf '#!/bin/sh\n[ "$reason$1" = PREINIT ] || env >>%s/env\n' "$DIR" >"$DIR/script"
chmod +x "$DIR/script"
told() { grep -qxF -- "$1" "$DIR/env" || { echo "no \"$1\" in:"; grep -E '^(new_|reason)|^[a-z0-9]+=' "$DIR/env"; return 1; }; }
v4() { in_space a timeout 15 dhclient -4 -1 -d -v -sf "$DIR/script" -lf "$DIR/leases" -pf "$DIR/pid" "$@" eth0 >"$DIR/dhclient.log" 2>&1 & C=$!; }

# ---- DHCPv4 ----

DHCP="server=10.0.0.1,server_mac=$GW,lease=3600,router=10.0.0.1,dns=1.1.1.1+8.8.8.8,mtu=1450,domain=example.org,routes=10.9.0.0/16>10.0.0.2+0.0.0.0/0>10.0.0.1,option(42)=0x0a000003"
load <<F
in_port=1,udp,tp_dst=67,actions=answer(dhcp,address=10.0.0.5/24,$DHCP),in_port
F
v4
PIDS+=("$C")
for _ in $(seq 100); do grep -q '^reason=BOUND' "$DIR/env" 2>/dev/null && break; sleep 0.1; done
check "dhclient is bound" told reason=BOUND
check "... to its address" told new_ip_address=10.0.0.5
check "... and mask" told new_subnet_mask=255.255.255.0
check "... with the router" told new_routers=10.0.0.1
check "... DNS servers" told "new_domain_name_servers=1.1.1.1 8.8.8.8"
check "... domain" told new_domain_name=example.org
check "... the lease's time" told new_dhcp_lease_time=3600
check "... its server" told new_dhcp_server_identifier=10.0.0.1
finish
