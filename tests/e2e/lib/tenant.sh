# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Two hosts, the outside behind a real Linux router, and users that have nothing but the real client.  Sourced after lab.
#
#      h1: VMs           h2: VMs           out (Linux) 203.0.113.1 ── 198.51.100.1 ── www 198.51.100.9
#       weft-switch       weft-switch       │
#           +================ underlay =====+   (its untagged frames are the flat external network)
#
#   red, blue   members of projects of their names      root   the administrator
. tests/e2e/lib/client.sh
. tests/e2e/lib/greet.sh

red() { client red "$@"; }
blue() { client blue "$@"; }
root() { client root "$@"; }

by_token() {
	printf 'root-token\nred-token red member\nblue-token blue member\n' >"$DIR/tokens"
	chmod 600 "$DIR/tokens"
	TOKEN=root-token
	lab_controller --auth "token:$DIR/tokens" "$@"
	for u in root red blue; do client_start $u --os-auth-type admin_token --os-token $u-token; done
}

# Debian's Keystone: users log in, and find the controller in the catalogue.
declare -A PROJECT
by_keystone() {
	local at=$DIR/keystone.json u
	REST_PORT=$(free_port)
	"${PYTHON:-/usr/bin/python3}" tests/e2e/lib/keystone.py "http://127.0.0.1:$REST_PORT" "$at" >"$DIR/keystone.log" 2>&1 &
	PIDS+=("$!")
	wait_for 300 test -s "$at" || die "Keystone did not start"
	TOKEN=$(jq -r .token "$at")
	for u in red blue; do PROJECT[$u]=$(jq -r ".projects.$u" "$at"); done
	printf 'OS_USERNAME=weft\nOS_PASSWORD=secret\nOS_PROJECT_NAME=service\n' >"$DIR/login"
	chmod 600 "$DIR/login"
	lab_controller --auth "keystone:$(jq -r .url "$at")" --auth-credentials "$DIR/login" "$@"
	for u in admin red blue; do
		client_start "${u/admin/root}" --os-auth-url "$(jq -r .url "$at")" --os-username $u --os-password secret --os-project-name $u --os-identity-api-version 3
	done
}

tenant_begin() { # with $USERS "keystone" or "token" (so without): [OPTIONS of weft-controller]
	lab_begin
	trap 'greet_end; lab_end' EXIT
	UPLINK_OPTIONS=';physnet=physnet1'
	lab_underlay
	lab_host h1 192.0.2.1/24
	lab_host h2 192.0.2.2/24
	lab_space out
	lab_wire out eth0 ul to-out
	ip -n "$LAB-ul" link set to-out master br0
	ip -n "$LAB-out" addr add 203.0.113.1/24 dev eth0
	lab_space www
	lab_wire www eth0 out inner
	ip -n "$LAB-out" addr add 198.51.100.1/24 dev inner
	ip -n "$LAB-www" addr add 198.51.100.9/24 dev eth0
	ip -n "$LAB-www" route add default via 198.51.100.1
	in_space out sysctl -qw net.ipv4.ip_forward=1
	"by_${USERS:-token}" "$@"
	lab_switch h1
	lab_switch h2
	# What a client of DHCP does with its lease, and a note of it.
	cat >"$DIR/lease" <<-'S'
		#!/bin/sh
		case $1 in
		bound|renew) env >"$LEASE"
			ip addr flush dev "$interface" scope global
			ip addr add "$ip/$mask" dev "$interface"
			[ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
			[ -z "$router" ] || ip route replace default via "$router" ;;
		esac
	S
	cat >"$DIR/lease6" <<-'S'
		#!/bin/sh
		case $reason in
		BOUND6|RENEW6|REBIND6) ip -6 addr replace "$new_ip6_address/$new_ip6_prefixlen" dev "$interface" nodad ;;
		esac
	S
	chmod +x "$DIR/lease" "$DIR/lease6"
}
public() { # [OPTIONS of its subnet]
	must root network create pub --external --provider-network-type flat --provider-physical-network physnet1
	must root subnet create pub4 --network pub --subnet-range 203.0.113.0/24 --gateway 203.0.113.1 --no-dhcp "$@"
}

# What Nova does with a tenant's port: says where it is; and the VM's device is there.
boot() { # PORT HOST: VM and port have one name
	lab_vm "$1" "$2"
	must root port set "$1" --host "$2" --device vm-"$1" --device-owner compute:nova --binding-profile weft_spec=af_packet:"$1"
	ip -n "$LAB-$1" link set eth0 address "$(root port show "$1" -f value -c mac_address)"
}
address() { root port show "$1" -f json | jq -r '.fixed_ips[0].ip_address'; }
has_status() { [ "$(root port show "$1" -f value -c status)" = "$2" ]; }
lease() { in_space "$1" env LEASE="$DIR/$1.lease" timeout 20 busybox udhcpc -f -q -n -t 8 -T 1 -O mtu -O dns -i eth0 -s "$DIR/lease"; }
no_lease() { ! in_space "$1" env LEASE=/dev/null timeout 20 busybox udhcpc -f -q -n -t 2 -T 1 -i eth0 -s /bin/true; }
leased() { grep -qx "$2" "$DIR/$1.lease" || { cat "$DIR/$1.lease"; return 1; }; } # VM NAME=VALUE
# A booted VM whose kernel takes advertisements.  The link may have been there before its flows: it comes anew.
speaks_ipv6() {
	in_space "$1" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_ra=2 net.ipv6.conf.eth0.autoconf=1
	wait_for 20 has_status "$1" ACTIVE || die "port $1 is not ACTIVE"
	ip -n "$LAB-$1" link set eth0 down
	ip -n "$LAB-$1" link set eth0 up
}
has_address() { ip -n "$LAB-$1" -o addr show dev eth0 | grep -v tentative | grep -q "inet6\? $2/"; }
lease6() { # VM: one lease by dhclient, which then goes
	local status
	rm -f "$DIR/$1.lease6"
	in_space "$1" timeout 25 dhclient -6 -1 -v -cf /dev/null -lf "$DIR/$1.lease6" -pf "$DIR/$1.pid" -sf "$DIR/lease6" eth0
	status=$?
	[ ! -s "$DIR/$1.pid" ] || kill "$(cat "$DIR/$1.pid")"
	rm -f "$DIR/$1.pid"
	return $status
}
reaches() { wait_for 20 in_space "$1" ping -n -c 1 -W 1 "${@:3}" "$2" && in_space "$1" ping -n -c 1 -W 10 "${@:3}" "$2"; }
one_ping() { in_space "$1" ping -n -c 1 -W 0.4 "${@:3}" "$2"; }
# A change is there at once, but not in no time: it stops, and stays so.
cut_off() { wait_for 20 sh -c '! "$@"' sh ip netns exec "$LAB-$1" ping -n -c 1 -W 0.2 "${@:3}" "$2" && ! one_ping "$@"; }
# A TCP connection: "open" or not.
opens() { wait_for 20 in_space "$1" $TALK ask tcp "$2" "$3"; }
shut() { wait_for 20 sh -c '! "$@"' sh env WAIT=0.4 ip netns exec "$LAB-$1" $TALK ask tcp "$2" "$3"; }
TALK="/usr/bin/python3 tests/e2e/apps/talk.py"
refuses() { # WORDS USER COMMAND...: the client fails, and says so
	local words=$1 out; shift
	out=$(client "$@") && { echo "it did: $out"; return 1; }
	grep -q "$words" <<<"$out" || { echo "$out"; return 1; }
}
