#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: NX Packet-in formats and the commands of Open vSwitch's extensions
# Spec: 7.3.1 Handshake
# Spec: 7.3.2 Switch configuration
# Spec: 7.3.5.1 Description
# Spec: 7.3.5.2 Individual flow statistics
# Spec: 7.3.5.3 Aggregate flow statistics
# Spec: 7.3.5.4 Table statistics
# Spec: 7.3.5.6 Port statistics
# Spec: 7.3.5.7 Port description
# Spec: 7.3.5.9 Group statistics
# Spec: 7.3.5.10 Group description
# Spec: 7.3.5.11 Group features
# Spec: 7.3.5.12 Meter statistics
# Spec: 7.3.5.13 Meter configuration
# Spec: 7.3.5.14 Meter features
# Spec: 7.3.4.1 Modify flow entry
# Spec: 7.3.4.2 Modify group entry
# Spec: 7.3.4.3 Port modification
# Spec: 7.3.4.4 Meter modification
#
# Debian's ovs-ofctl and weft-ofctl give the same commands to one weft-switch:
#
#     ovs-ofctl  ---+                        +--- p1, p2: net_null, nothing comes in by itself
#                   +--- unix --- weft-switch +--- p3: net_pcap, writes what it sends
#     weft-ofctl ---+
#
# Both must succeed, say the same, and leave the same behind (durations, transaction ids and times
# masked).
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/lib/switch.sh"

OURS=$B/weft-ofctl
: >"$DIR/in.pcap"
"${PYTHON:-/usr/bin/python3}" - "$DIR/in.pcap" <<'END'
import struct, sys
open(sys.argv[1], "wb").write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
END
space a
switch a br0 --dpid aa --port p1@1=vdev:net_null0,no-rx=1 --port p2@2=vdev:net_null1,no-rx=1 \
	--port "p3@3=vdev:net_pcap0,rx_pcap=$DIR/in.pcap,tx_pcap=$DIR/out.pcap"
ln -s "$DIR/br0.sock" "$DIR/br0.mgmt" # where ovs-ofctl looks for a bridge
sw=$(sock br0)

theirs() { timeout 20 ovs-ofctl -O OpenFlow13 "$@"; }
ours() { timeout 20 "$OURS" "$@"; }
mask() {
	sed -E 's/duration[=:][0-9.]+s/duration=D/g; s/xid=0x[0-9a-f]+/xid=X/g; s/^(ovs|weft)-ofctl: /ofctl: /;
		s/time=[0-9.]+ ms/time=T/; s/xid=[0-9a-f]{8}/xid=X/; /[0-9]Z\|[0-9]+\|/d; s/br0.mgmt/br0.sock/g;
		s/ pbb_isid//; s/ ipv6_exthdr//; s/ in_phy_port//' # fields that ovs-ofctl does not know
}

same() { # TEXT, with $DIR/a and $DIR/b
	if diff "$DIR/a" "$DIR/b" >"$DIR/why"; then ok "$1"; else not_ok "$1"; fi
}
# Both tools, the switch in the same state: same words, same exit status, which is WANT.
expect() { # WANT ARGS...
	local want=$1
	shift
	{ rc=0; theirs "$@" </dev/null 2>&1 || rc=$?; echo "exit $rc"; } | mask >"$DIR/a"
	{ rc=0; ours "$@" </dev/null 2>&1 || rc=$?; echo "exit $rc"; } | mask >"$DIR/b"
	[ "$(tail -n 1 "$DIR/a")" = "exit $want" ] || echo "exit $want was expected" >>"$DIR/a"
	same "$(echo "$*" | sed "s#$sw#BR#; s#$DIR/##g")"
}
both() { expect 0 "$@"; }

state() { {
	theirs --no-stats dump-flows "$sw"
	theirs dump-groups "$sw"
	theirs dump-meters "$sw"
	theirs dump-ports-desc "$sw"
} | mask; }
clear() {
	theirs del-flows "$sw"
	theirs del-groups "$sw"
	theirs del-meters "$sw"
}
# Each tool changes the same state; what is there afterwards must be the same, and not what was.
change() { # BEFORE (a function) ARGS...
	local before=$1
	shift
	clear; "$before"; state >"$DIR/before"
	theirs "$@" </dev/null >/dev/null 2>"$DIR/why" || { not_ok "ovs-ofctl $*"; return; }
	state >"$DIR/a"
	clear; "$before"
	ours "$@" </dev/null >/dev/null 2>"$DIR/why" || { not_ok "weft-ofctl $*"; return; }
	state >"$DIR/b"
	if cmp -s "$DIR/before" "$DIR/a"; then echo "nothing has changed" >>"$DIR/a"; fi
	same "$(echo "$*" | sed "s#$sw#BR#; s#$DIR/##g")"
}

cat >"$DIR/flows" <<'END'
# one of each
priority=10,in_port=1,ip,nw_dst=10.0.0.0/8,actions=dec_ttl,output:2
table=1,priority=7,dl_vlan=5,actions=pop_vlan,output:2
cookie=0x55,idle_timeout=300,hard_timeout=400,send_flow_rem,tcp,tp_dst=80,actions=set_field:1->reg0,goto_table:3
table=3,arp,arp_op=1,actions=move:arp_sha->arp_tha,load:2->arp_op,IN_PORT
table=3,priority=0,actions=controller:128
table=4,udp6,ipv6_dst=fe80::/10,actions=write_actions(group:1),write_metadata:5/0xff,goto_table:5
table=5,metadata=5/0xf,tun_id=7,actions=push_vlan:0x8100,set_field:4105->vlan_vid,NORMAL
table=6,icmp6,icmp_type=135,nd_target=::1,actions=meter:1,LOCAL
table=7,actions=FLOOD,clear_actions,write_actions(output:1)
END
grep -v -e '^#' -e group -e meter "$DIR/flows" >"$DIR/plain"
nothing() { :; }
filled() {
	theirs add-group "$sw" group_id=1,type=all,bucket=output:1,bucket=output:2
	theirs add-group "$sw" group_id=2,type=select,bucket=weight:7,output:1,bucket=output:2
	theirs add-group "$sw" group_id=3,type=ff,bucket=watch_port:1,output:1,bucket=watch_group:1,output:2
	theirs add-meter "$sw" meter=1,kbps,burst,stats,bands=type=drop,rate=100,burst_size=7
	theirs add-flows "$sw" "$DIR/flows"
}

# ---- What they are told ----
filled
for c in show dump-desc dump-tables dump-table-features dump-ports dump-ports-desc dump-groups \
	dump-group-features dump-group-stats dump-meters meter-stats meter-features dump-flows \
	dump-aggregate queue-stats queue-get-config get-frags probe; do
	both --no-names $c "$sw"
done
both --no-names --no-stats dump-flows "$sw"
both --names --sort dump-flows "$sw"
both --no-names --rsort=tcp_dst --sort dump-flows "$sw"
for q in table=3 cookie=0x55/-1 out_port=2 table=3,arp tcp ip,nw_dst=10.0.0.0/8 out_group=1; do
	both --no-names dump-flows "$sw" $q
	both --no-names dump-aggregate "$sw" $q
done
both --no-names dump-ports "$sw" 1
both --no-names dump-group-stats "$sw" group_id=2
both --no-names dump-meter "$sw" meter=1
both --no-names meter-stats "$sw" meter=1
both ping "$sw" 16
check "a flow comes back as it was written" grep -q 'dl_vlan=5 actions=pop_vlan,output:2' \
	<(ours --no-names --no-stats dump-flows "$sw")
check "all nine flows are told" test "$(ours --no-stats dump-flows "$sw" | grep -c actions=)" = 9

# ---- What is refused ----
expect 1 add-flow "$sw" actions=group:77
expect 1 add-flow "$sw" actions=meter:77,output:1
expect 1 add-flow "$sw" table=254,actions=1
expect 1 add-group "$sw" group_id=1,type=all,bucket=output:1
expect 1 mod-group "$sw" group_id=91,type=all,bucket=output:1
expect 1 mod-meter "$sw" meter=5,kbps,band=type=drop,rate=5
expect 1 add-meter "$sw" meter=1,kbps,band=type=drop,rate=5
# An overlap is refused, and what is there stays.
state >"$DIR/before"
expect 1 add-flow "$sw" "check_overlap,priority=10,ip,nw_dst=10.1.0.0/16,actions=drop"
state >"$DIR/after"
check "refusals have changed nothing" cmp "$DIR/before" "$DIR/after"

# ---- What they change ----
change nothing add-flow "$sw" in_port=1,tcp,tp_dst=7,actions=output:2
change nothing add-flows "$sw" "$DIR/plain"
change nothing --bundle add-flows "$sw" "$DIR/plain"
change nothing replace-flows "$sw" "$DIR/plain"
change nothing --bundle replace-flows "$sw" "$DIR/plain"
change filled mod-flows "$sw" table=3,arp,actions=drop
change filled --strict mod-flows "$sw" table=3,priority=32768,arp,arp_op=1,actions=drop
change filled --bundle mod-flows "$sw" table=3,arp,actions=drop
change filled mod-flows "$sw" cookie=0x55/-1,actions=drop
change filled del-flows "$sw" table=3
change filled --strict del-flows "$sw" table=3,priority=0
change filled del-flows "$sw" cookie=0x55/-1
change filled del-flows "$sw" out_port=2
change filled del-flows "$sw" out_group=1
change filled del-flows "$sw"
change nothing add-group "$sw" 'group_id=7,type=select,bucket=weight:3,set_field:1->reg0,output:1,bucket=output:2'
change filled mod-group "$sw" group_id=1,type=indirect,bucket=output:3
change filled del-groups "$sw" group_id=2
change filled del-groups "$sw"
change nothing add-meter "$sw" meter=9,pktps,stats,bands=type=drop,rate=7
change filled mod-meter "$sw" meter=1,pktps,bands=type=drop,rate=9
change filled del-meter "$sw" meter=1
change filled del-meters "$sw"
printf 'group add group_id=5,type=all,bucket=output:1\nflow add table=7,actions=group:5\n' >"$DIR/mixed"
change nothing bundle "$sw" "$DIR/mixed"

from_stdin() { # TOOL
	clear
	$1 add-flows "$sw" - <"$DIR/plain"
	state
}
from_stdin theirs >"$DIR/a"; from_stdin ours >"$DIR/b"; same "add-flows from the standard input"
clear; theirs add-flows "$sw" "$DIR/plain"; state >"$DIR/before"
printf 'table=9,actions=output:1\ntable=9,actions=group:77\ntable=9,tcp,actions=output:2\n' >"$DIR/bad"
for tool in theirs ours; do
	refuse "$tool: a bundle with a bad flow in its middle" $tool --bundle add-flows "$sw" "$DIR/bad"
	cp "$DIR/why" "$DIR/said"
	state >"$DIR/after"
	check "... changes nothing" cmp "$DIR/before" "$DIR/after"
	check "... and the error is told" grep -q OFPBAC_BAD_OUT_GROUP "$DIR/said"
done
check "ovs-ofctl understands a bundle's own error" bash -c \
	"timeout 20 ovs-ofctl -O OpenFlow13 --bundle add-flows '$sw' '$DIR/bad' 2>&1 | grep -q OFPBFC_MSG_FAILED"

# ---- Ports ----
for act in no-packet-in packet-in no-receive receive no-forward forward down up; do
	theirs mod-port "$sw" 1 $act; theirs --no-names dump-ports-desc "$sw" | mask >"$DIR/a"
	for undo in up receive forward packet-in; do theirs mod-port "$sw" 1 $undo; done
	ours mod-port "$sw" 1 $act; theirs --no-names dump-ports-desc "$sw" | mask >"$DIR/b"
	same "mod-port 1 $act"
done
both set-frags "$sw" drop
both get-frags "$sw"
both set-frags "$sw" normal
both set-frags "$sw" reassemble
both get-frags "$sw"
both set-frags "$sw" normal
expect 1 set-frags "$sw" nx-match

# ---- Packets ----
frame=0102030405060708090a0b0c08004500001c00010000401100000a0000010a0000020035003600080000
tx() { theirs --no-names dump-ports "$sw" "$1" | sed -nE 's/.*tx pkts=([0-9]+).*/\1/p'; }
before=$(tx 2)
theirs packet-out "$sw" "in_port=1 packet=$frame actions=output:2"
ours packet-out "$sw" "in_port=1 packet=$frame actions=output:2"
ours packet-out "$sw" "in_port=controller packet=$frame actions=output:2"
for _ in $(seq 200); do [ "$(tx 2)" -ge $((before + 3)) ] && break; sleep 0.1; done
check "each packet-out comes out once" test "$(tx 2)" = $((before + 3))
clear
theirs add-flow "$sw" in_port=1,actions=controller
# A packet that comes while the tool has not asked for its format yet is told in the standard's: it is
# not the one that is waited for.
monitor() { # OUTPUT FORMAT TOOL...
	local out=$1 want=$2 mon
	shift 2
	case $want in
	standard) want='^OFPT_PACKET_IN ' ;;
	nxt_packet_in) want='^NXT_PACKET_IN ' ;;
	*) want='^NXT_PACKET_IN2 ' ;;
	esac
	"$@" --no-names monitor "$sw" 65535 >"$DIR/mon" 2>&1 &
	mon=$!
	PIDS+=("$mon")
	for _ in $(seq 100); do
		theirs packet-out "$sw" "in_port=1 packet=$frame actions=TABLE"
		sleep 0.1
		grep -q "$want" "$DIR/mon" && break
	done
	theirs mod-port "$sw" 2 no-packet-in
	theirs mod-port "$sw" 2 packet-in
	for _ in $(seq 200); do # the second of the two changes
		[ "$(grep -c PORT_STATUS "$DIR/mon")" -ge 2 ] && break
		sleep 0.1
	done
	sleep 0.1
	kill $mon 2>/dev/null || true
	wait $mon 2>/dev/null || true
	{ grep -m1 -A2 "$want" "$DIR/mon"; grep -A4 PORT_STATUS "$DIR/mon" | grep -v '^--'; } | mask >"$out" || true
}
for format in "" "-P standard" "-P nxt_packet_in" "-P nxt_packet_in2"; do
	# shellcheck disable=SC2086
	monitor "$DIR/a" "${format#-P }" ovs-ofctl -O OpenFlow13 $format
	# shellcheck disable=SC2086
	monitor "$DIR/b" "${format#-P }" "$OURS" $format
	check "monitor $format shows a packet and a port's change" grep -q PORT_STATUS "$DIR/a"
	same "monitor $format shows the same with both tools"
done
check "monitor's packets came in the last format" grep -q NXT_PACKET_IN2 "$DIR/a"
# A part of a packet: the rest waits in a buffer, whatever the format.
clear
theirs add-flow "$sw" "in_port=1,actions=controller(max_len=20)"
for format in standard nxt_packet_in nxt_packet_in2; do
	monitor "$DIR/a" $format ovs-ofctl -O OpenFlow13 -P $format
	check "monitor -P $format shows 20 bytes and a buffer" \
		grep -qE 'PACKET_IN.*total_len=42 .*data_len=20 buffer=0x[0-9a-f]{8}$' "$DIR/a"
done
refuse "an unknown format is refused" timeout 5 "$OURS" -P nxt_packet_in3 monitor "$sw"

# ---- Snooping: what a controller and the switch say to each other ----
snooped() { # TOOL...
	local pid
	"$@" snoop br0 >"$DIR/snooped" 2>&1 &
	pid=$!
	PIDS+=("$pid")
	for _ in $(seq 200); do # its line to the snooping socket, seen from both ends
		[ "$(ss -xH state established | grep -c "$DIR/br0.snoop")" -gt 0 ] && break
		sleep 0.1
	done
	sleep 0.2
	timeout 20 ovs-ofctl -O OpenFlow13 add-flow "unix:$DIR/of" table=9,actions=drop
	timeout 20 ovs-ofctl -O OpenFlow13 dump-flows "unix:$DIR/of" table=9 >/dev/null
	for _ in $(seq 200); do grep -q OFPST_FLOW.reply "$DIR/snooped" && break; sleep 0.1; done
	kill $pid 2>/dev/null || true
	wait $pid 2>/dev/null || true
	for what in FLOW_MOD 'OFPST_FLOW reply.*' BARRIER_REPLY; do
		check "$1 snoop shows $what" grep -q "$what" "$DIR/snooped"
	done
}
kill "$PID"; wait "$PID" 2>/dev/null || true
: >"$DIR/br0.log"
switch a br0 --listen "punix:$DIR/of" --port p1=vdev:net_null0,no-rx=1
snooped ovs-ofctl -O OpenFlow13
snooped "$OURS"
refuse "a snooper may not change the switch" theirs --no-names add-flow "unix:$DIR/br0.snoop" actions=drop
cp "$DIR/why" "$DIR/said"
check "... and is told so" grep -q OFPBRC_EPERM "$DIR/said"
finish
