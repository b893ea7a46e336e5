#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 6.1.1 Controller-to-switch messages: weft-ofctl as ovs-ofctl, at Open vSwitch
#
# The same commands given by ovs-ofctl and by weft-ofctl to an Open vSwitch with a userspace datapath:
#
#     ovs-ofctl  ---+                +--- p1, eth-2, 3d: VXLAN ports, for they need no device
#                   +--- tcp --- br -+
#     weft-ofctl ---+                +--- LOCAL
#
# Each pair of commands finds the switch in the same state; output (durations, transaction ids and the
# program's name masked) and exit status must be the same.
set -eu

# In a network namespace of its own, for the datapath makes a device with a fixed name.
[ "${1:-}" = inside ] || exec unshare -n "$0" inside
ip link set lo up

B=${B:-build}
OURS=$B/weft-ofctl
passed=0 failed=0
dir=$(mktemp -d) pids=()

finish() {
	for p in "${pids[@]:-}"; do [ -z "$p" ] || kill "$p" 2>/dev/null || true; done
	wait 2>/dev/null || true
	rm -rf "$dir"
}
trap finish EXIT

. "$(dirname "$0")/lib/ovs.sh"

# ---- The switch ----
br=ofctl$$
ovs_start "$br" p1 eth-2 3d
sw=unix:$dir/$br.mgmt
for _ in $(seq 200); do [ -S "$dir/$br.mgmt" ] && break; sleep 0.1; done

# ---- Comparison ----
mask() {
	sed -E 's/duration[=:][0-9.]+s/duration=D/g; s/xid=0x[0-9a-f]+/xid=X/g; s/^(ovs|weft)-ofctl: /ofctl: /;
		s/time=[0-9.]+ ms/time=T/; s/xid=[0-9a-f]{8}/xid=X/; /[0-9]Z\|[0-9]+\|/d' |
	# Fields of tunnels and of NSH that Weft does not have.
	sed -E 's/,erspan_\{[^}]*\}//; s/,gtpu_\{[^}]*\}//; s/,metadata0...metadata63//; s/recirc_id packet_type //;
		s/ nsh_\{[^}]*\}//; s/,reserved,options_type//; s/ nd_\{reserved,options_type\}//'
}
both() { # ARGS...: quoted words
	local a b
	a=$(ovs-ofctl -O OpenFlow13 "$@" </dev/null 2>"$dir/a.err"; echo "exit $?")
	b=$("$OURS" "$@" </dev/null 2>"$dir/b.err"; echo "exit $?")
	a=$(printf '%s\n' "$a" | mask; [ "${errors:-1}" = 0 ] || mask <"$dir/a.err")
	b=$(printf '%s\n' "$b" | mask; [ "${errors:-1}" = 0 ] || mask <"$dir/b.err")
	if [ "$a" = "$b" ]; then
		passed=$((passed + 1))
		echo "ok - $(echo "$*" | sed "s#$dir/$br.mgmt#BR#; s#$dir/##g")"
	else
		failed=$((failed + 1))
		echo "not ok - $*"
		diff <(printf '%s\n' "$a") <(printf '%s\n' "$b") | sed 's/^/    /' || true
	fi
}
theirs() { ovs-ofctl -O OpenFlow13 "$@"; }
# Each tool writes and the other reads: what the one put in is what the other takes out.
swap() { # SETUP-COMMAND ARGS...: by ovs-ofctl, then by weft-ofctl; dumps must agree
	local a b
	theirs del-flows "$sw"; theirs del-groups "$sw"; theirs del-meters "$sw"
	theirs "$@" >/dev/null; a=$(state)
	theirs del-flows "$sw"; theirs del-groups "$sw"; theirs del-meters "$sw"
	"$OURS" "$@" >/dev/null; b=$(state)
	if [ "$a" = "$b" ] && [ -n "$a" ]; then
		passed=$((passed + 1)); echo "ok - $1 leaves the same behind"
	else
		failed=$((failed + 1)); echo "not ok - $1"; diff <(echo "$a") <(echo "$b") | sed 's/^/    /' || true
	fi
}
state() {
	{ theirs --no-stats dump-flows "$sw"; theirs dump-groups "$sw"; theirs dump-meters "$sw"; } | mask
}

cat >"$dir/flows" <<'END'
# one of each
priority=10,in_port=p1,ip,nw_dst=10.0.0.0/8,actions=dec_ttl,output:2
add table=1,priority=7,dl_vlan=5,actions=pop_vlan,"eth-2"
cookie=0x55,idle_timeout=300,hard_timeout=400,send_flow_rem,tcp,tp_dst=80,actions=set_field:1->reg0,goto_table:3
table=3,arp,arp_op=1,actions=move:arp_sha->arp_tha,load:2->arp_op,IN_PORT
table=3,priority=0,actions=controller:128
table=4,udp6,ipv6_dst=fe80::/10,actions=write_actions(group:1),write_metadata:5/0xff,goto_table:5
table=5,metadata=5/0xf,tun_id=7,actions=mod_vlan_vid:9,resubmit(p1,6),NORMAL
table=6,icmp6,icmp_type=135,nd_target=::1,actions=meter:1,LOCAL
END
printf 'table=9,actions=1\ntable=9,actions=group:77\ntable=9,tcp,actions=2\n' >"$dir/refused"
theirs add-group "$sw" group_id=1,type=all,bucket=output:1,bucket=output:2
theirs add-group "$sw" group_id=2,type=select,bucket=weight:7,output:1,bucket=output:2
theirs add-group "$sw" group_id=3,type=ff,bucket=watch_port:1,output:1,bucket=watch_group:1,2
theirs add-meter "$sw" meter=1,kbps,burst,stats,bands=type=drop,rate=100,burst_size=7
theirs add-flows "$sw" "$dir/flows"

for names in --no-names --names; do
	for c in show dump-desc dump-tables dump-table-features dump-ports dump-ports-desc dump-groups \
		dump-group-features dump-group-stats dump-meters meter-stats meter-features dump-flows \
		dump-aggregate queue-stats queue-get-config get-frags probe; do
		both $names $c "$sw"
	done
	both $names --no-stats dump-flows "$sw"
	both $names --sort dump-flows "$sw"
	both $names --rsort=tcp_dst --sort dump-flows "$sw"
	both $names dump-flows "$sw" table=3
	both $names dump-flows "$sw" cookie=0x55/-1
	both $names dump-flows "$sw" out_port=2
	both $names dump-flows "$sw" table=3,arp
	both $names dump-ports "$sw" 1
	both $names dump-ports "$sw" LOCAL
	both $names dump-group-stats "$sw" group_id=2
	both $names dump-meter "$sw" meter=1
done
# ovs-ofctl reads port names only where it would print them; weft-ofctl always does.
both --names dump-flows "$sw" out_port=p1
both --names dump-ports "$sw" p1
# It does not look at a flow's flags, nor see that mod_vlan_vid is what the switch says in other words.
sed -e 's/^add //' -e 's/send_flow_rem,//' -e s/mod_vlan_vid:9/push_vlan:0x8100,set_field:4105-\>vlan_vid/ \
	"$dir/flows" >"$dir/flows.all"
theirs add-flow "$sw" "$(grep cookie=0x55 "$dir/flows.all")"
both --names diff-flows "$sw" "$dir/flows.all"
sed -e 's/priority=7,dl_vlan=5/priority=8,dl_vlan=5/' -e s/idle_timeout=300/idle_timeout=301/ \
	-e /^table=3,arp/d "$dir/flows.all" >"$dir/flows.other"
# The order in which ovs-ofctl tells differences is that of its hash table.
a=$(ovs-ofctl -O OpenFlow13 --names diff-flows "$sw" "$dir/flows.other" | sort; echo "${PIPESTATUS[0]}")
b=$("$OURS" --names diff-flows "$sw" "$dir/flows.other" | sort; echo "${PIPESTATUS[0]}")
if [ "$a" = "$b" ] && [ "${a##*[!0-9]}" = 2 ]; then
	passed=$((passed + 1)); echo "ok - diff-flows"
else
	failed=$((failed + 1)); echo "not ok - diff-flows"; diff <(echo "$a") <(echo "$b") | sed 's/^/    /' || true
fi
both dump-aggregate "$sw" tcp
both ping "$sw" 16
both snoopy "$sw"
both dump-flows "$sw" a b
both add-flow "$sw"
both dump-ports "$sw" nosuch
both set-frags "$sw" drop
both get-frags "$sw"
both set-frags "$sw" normal
both mod-port "$sw" p1 down
both dump-ports-desc "$sw"
both mod-port "$sw" p1 up
both mod-port "$sw" nosuch up
both packet-out "$sw" "in_port=p1 packet=aabbccddeeff00112233445508000000 actions=eth-2"
# What the switch refuses.
both add-flow "$sw" table=254,actions=1
both add-flow "$sw" actions=group:77
both mod-group "$sw" group_id=91,type=all,bucket=1
both mod-meter "$sw" meter=5,kbps,band=type=drop,rate=5
# Words differ where weft-ofctl says more; the exit status does not.
for f in foo=bar,actions=1 actions=foo ip,nw_src=1,actions=1 priority=7; do
	ovs-ofctl -O OpenFlow13 add-flow "$sw" "$f" 2>/dev/null && a=0 || a=$?
	"$OURS" add-flow "$sw" "$f" 2>"$dir/b.err" && b=0 || b=$?
	if [ $a = $b ] && grep -q '^weft-ofctl: ' "$dir/b.err"; then
		passed=$((passed + 1)); echo "ok - refused: $f"
	else
		failed=$((failed + 1)); echo "not ok - $f: $a $b"
	fi
done
# A file with a flow that is refused: its line is told.
"$OURS" add-flows "$sw" "$dir/refused" 2>"$dir/b.err" && b=0 || b=$?
if [ $b = 1 ] && grep -q "refused:2: " "$dir/b.err" && grep -q OFPBAC_BAD_OUT_GROUP "$dir/b.err"; then
	passed=$((passed + 1)); echo "ok - the refused flow's line is told"
else
	failed=$((failed + 1)); echo "not ok - refused line"; cat "$dir/b.err"
fi
# In a bundle: nothing of it is done.
theirs del-flows "$sw" table=9
"$OURS" --bundle add-flows "$sw" "$dir/refused" 2>"$dir/b.err" && b=0 || b=$?
left=$(theirs --no-stats dump-flows "$sw" table=9)
if [ $b = 1 ] && grep -q "refused:2: " "$dir/b.err" && [ -z "$left" ]; then
	passed=$((passed + 1)); echo "ok - a refused bundle leaves nothing"
else
	failed=$((failed + 1)); echo "not ok - refused bundle: $b $left"; cat "$dir/b.err"
fi
# monitor: a packet-in, whole.
theirs add-flow "$sw" table=0,priority=65535,in_port=3,actions=controller
monitor() { # OUTPUT FORMAT TOOL...
	local out=$1 want='^NXT_PACKET_IN2 ' mon # what comes before the format was asked for does not count
	case $2 in
	standard) want='^OFPT_PACKET_IN ' ;;
	nxt_packet_in) want='^NXT_PACKET_IN ' ;;
	esac
	shift 2
	"$@" --no-names monitor "$sw" 65535 >"$dir/mon" 2>&1 &
	mon=$!
	for _ in $(seq 100); do
		theirs packet-out "$sw" "in_port=3 packet=0102030405060708090a0b0c08004500001c00010000401100000a0000010a0000020035003600080000 actions=TABLE"
		sleep 0.1
		grep -q "$want" "$dir/mon" && break
	done
	sleep 0.2
	kill $mon 2>/dev/null || true
	wait $mon 2>/dev/null || true
	grep -m1 -A4 "$want" "$dir/mon" | mask >"$out" || true
}
for format in "-P standard" "-P nxt_packet_in" "-P nxt_packet_in2" ""; do
	# shellcheck disable=SC2086
	monitor "$dir/mon.a" "${format#-P }" ovs-ofctl -O OpenFlow13 $format
	# shellcheck disable=SC2086
	monitor "$dir/mon.b" "${format#-P }" "$OURS" $format
	if [ -s "$dir/mon.a" ] && cmp -s "$dir/mon.a" "$dir/mon.b"; then
		passed=$((passed + 1)); echo "ok - monitor $format"
	else
		failed=$((failed + 1)); echo "not ok - monitor $format"; diff "$dir/mon.a" "$dir/mon.b" | sed 's/^/    /' || true
	fi
done

grep -v -e '^#' -e group -e meter "$dir/flows" | sed 's/^add //' >"$dir/rf"
swap add-flow "$sw" 'in_port=p1,tcp,actions=mod_tp_dst:7,"3d"'
swap replace-flows "$sw" "$dir/rf"
swap --bundle replace-flows "$sw" "$dir/rf"
swap add-flows "$sw" "$dir/rf"
swap --bundle add-flows "$sw" "$dir/rf"
swap add-group "$sw" 'group_id=7,type=select,bucket=weight:3,set_field:1->reg0,1,bucket=2'
swap add-meter "$sw" 'meter=9,pktps,stats,bands=type=drop,rate=7'
printf 'flow add table=7,actions=group:5\ngroup add group_id=5,type=all,bucket=1\n' >"$dir/mixed.bad"
printf 'group add group_id=5,type=all,bucket=1\nflow add table=7,actions=group:5\n' >"$dir/mixed"
swap bundle "$sw" "$dir/mixed"

# Changing and deleting, strictly and not.
for c in "mod-flows|table=3,arp,actions=drop" "--strict mod-flows|table=3,priority=32768,arp,arp_op=1,actions=drop" \
	"del-flows|table=3" "--strict del-flows|table=3,priority=0" "del-flows|out_port=p1" "del-flows|"; do
	for who in a b; do
		tool="ovs-ofctl -O OpenFlow13"
		[ $who = a ] || tool=$OURS
		theirs del-flows "$sw"; theirs add-flows "$sw" "$dir/rf"
		# shellcheck disable=SC2086
		$tool ${c%%|*} "$sw" "${c#*|}"
		state >"$dir/st.$who"
	done
	if cmp -s "$dir/st.a" "$dir/st.b"; then
		passed=$((passed + 1)); echo "ok - ${c%%|*} ${c#*|}"
	else
		failed=$((failed + 1)); echo "not ok - $c"; diff "$dir/st.a" "$dir/st.b" | sed 's/^/    /' || true
	fi
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
