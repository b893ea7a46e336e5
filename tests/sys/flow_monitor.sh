#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: EXT-187 Flow monitor: both tools, both switches
# Spec: NX Flow monitors of Nicira's form: the bytes of Open vSwitch on OpenFlow 1.0
#
# Flow monitors (EXT-187): four pairs of tool and switch, the same changes to both switches.
#
#     ovs-ofctl monitor  ---+--- ovs-vswitchd (userspace) ---+
#                           X                                +--- add-flow, del-flows, ... of ovs-ofctl
#     weft-ofctl monitor ---+--- weft-switch -----------------+
#
# All four print the same events, in the same order, and so does weft-ofctl with Nicira's form of
# monitors at weft-switch.  Open vSwitch has that on OpenFlow 1.0 alone: there bytes are compared.
set -eu
[ "${1:-}" = inside ] || exec unshare -n "$0" inside
ip link set lo up

B=${B:-build}
B=$(cd "$B" && pwd)
passed=0 failed=0 ordered=0 pids=()
dir=$(mktemp -d)

finish() {
	trap - EXIT
	for p in "${pids[@]:-}"; do [ -z "$p" ] || kill "$p" 2>/dev/null || true; done
	wait 2>/dev/null || true
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

. "$(dirname "$0")/lib/ovs.sh"

# ---- The switches ----
br=mon$$
ovs_start "$br" p1 p2 p3
vsctl set bridge "$br" protocols=OpenFlow10,OpenFlow13
"$B/weft-switch" --name w --socket "$dir/w.sock" --port p1@1=vdev:net_null0,no-rx=1 --port p2@2=vdev:net_null1,no-rx=1 \
	--port p3@3=vdev:net_null2,no-rx=1 >"$dir/w.log" 2>&1 &
pids+=($!)
for _ in $(seq 400); do [ -S "$dir/$br.mgmt" ] && [ -S "$dir/w.sock" ] && break; sleep 0.1; done
ovs=unix:$dir/$br.mgmt weft=unix:$dir/w.sock
ofctl() { timeout 20 ovs-ofctl -O OpenFlow13 "$@"; }
on_both() {
	local strict=''
	[ "$1" != --strict ] || { strict=$1; shift; }
	ofctl ${strict:+"$strict"} "$1" "$ovs" "$2" && ofctl ${strict:+"$strict"} "$1" "$weft" "$2"
}

# ---- The monitors ----
on_both add-flow 'priority=7,in_port=1,actions=output:2'
on_both add-flow 'table=1,cookie=0x77,idle_timeout=400,tcp,actions=dec_ttl,output:3'
on_both add-flow 'table=1,udp,actions=drop'
watches=('watch:' 'watch:table=1,!actions' 'watch:out_port=2' 'watch:!initial,in_port=1' 'watch:tcp,!modify,!add' 'watch:!delete,out_port=3,table=0')
i=0
for w in "${watches[@]}"; do
	for sw in ovs weft; do
		ovs-ofctl -O OpenFlow13 monitor "${!sw}" "$w" >"$dir/$i.ovs-ofctl.$sw" 2>&1 &
		pids+=($!)
		"$B/weft-ofctl" --no-names monitor "${!sw}" "$w" >"$dir/$i.weft-ofctl.$sw" 2>&1 &
		pids+=($!)
	done
	"$B/weft-ofctl" --no-names --watch-format=nicira monitor "$weft" "$w" >"$dir/$i.nicira.weft" 2>&1 &
	pids+=($!)
	i=$((i + 1))
done
for _ in $(seq 400); do
	[ "$(cat "$dir"/[0-9].* | grep -c '\(ONFST\|NXST\)_FLOW_MONITOR reply')" -ge $((5 * ${#watches[@]})) ] && break
	sleep 0.1
done

# ---- The changes ----
on_both add-flow 'priority=6,in_port=2,actions=output:2'
on_both add-flow 'priority=6,in_port=2,actions=output:3'   # replaced
on_both mod-flows 'in_port=2,actions=output:2'
on_both mod-flows 'in_port=2,actions=output:2'             # nothing changes
on_both mod-flows 'actions=set_field:5->metadata,output:1' # all of table 0
on_both --strict mod-flows 'priority=6,in_port=2,actions=write_metadata:0x5,goto_table:1'
on_both del-flows 'table=1,tcp'
on_both add-flow 'in_port=1,tcp,hard_timeout=1,actions=output:2'
for _ in $(seq 200); do # at both before the bundle below deletes what is left of port 1
	[ "$(cat "$dir"/0.* | grep -c 'reason=hard table=0.*tcp')" -ge 5 ] && break
	sleep 0.1
done
on_both add-group 'group_id=1,type=all,bucket=actions=output:3'
on_both add-flow 'priority=9,ipv6,actions=group:1'
on_both del-groups 'group_id=1'
on_both add-meter 'meter=1,kbps,band=type=drop,rate=1000'
on_both add-flow 'priority=9,arp,actions=meter:1,output:3'
on_both del-meter 'meter=1'
printf '%s\n' 'add in_port=3,actions=output:1' 'delete in_port=1' 'add in_port=3,udp,actions=output:2' \
	'modify in_port=3,actions=output:3' >"$dir/bundle"
ofctl --bundle add-flows "$ovs" "$dir/bundle"
ofctl --bundle add-flows "$weft" "$dir/bundle"
on_both add-flow 'table=1,cookie=0xffff,tcp,actions=output:2,output:3'
on_both del-flows 'table=1,cookie=0xffff/-1' # the last event of all
on_both add-flow 'in_port=1,cookie=0xfffe,actions=output:2,output:3'
all_told() # each watch by each tool has heard the last that it is to hear
{
	[ "$(grep -l 'cookie=0xfffe' "$dir"/[0235].*.* | wc -l)" = 20 ] && [ "$(grep -l 'event=DELETED.*cookie=0xffff' "$dir"/[14].*.* | wc -l)" = 10 ]
}
for _ in $(seq 200); do all_told && break; sleep 0.1; done
all_told || { echo "not ok - all monitors hear the last change"; failed=$((failed + 1)); }

# Messages hold as many events as were ready.
events() { grep '^ event=' "$1" | sed 's/xid=0x[0-9a-f]*/xid=X/'; }
i=0
for w in "${watches[@]}"; do
	events "$dir/$i.ovs-ofctl.ovs" >"$dir/want"
	# What was there is told in no order; a deletion of several flows neither.
	sort "$dir/want" >"$dir/want.sorted"
	for pair in ovs-ofctl.weft weft-ofctl.ovs weft-ofctl.weft nicira.weft; do
		events "$dir/$i.$pair" >"$dir/have"
		sort "$dir/have" >"$dir/have.sorted"
		if [ -s "$dir/want" ] && diff "$dir/want.sorted" "$dir/have.sorted" >"$dir/why"; then
			echo "ok - $pair '$w': $(wc -l <"$dir/have") events"
			passed=$((passed + 1))
		else
			echo "not ok - $pair '$w'"
			sed 's/^/#   /' "$dir/why"
			failed=$((failed + 1))
		fi
	done
	# In order: of one flow that was added, changed, and removed.
	for pair in ovs-ofctl.weft weft-ofctl.ovs weft-ofctl.weft nicira.weft; do
		grep 'in_port=2' "$dir/want" >"$dir/want.flow" || true
		events "$dir/$i.$pair" | grep 'in_port=2' >"$dir/have.flow" || true
		# A watch that leaves this flow out says nothing of the order.
		[ -s "$dir/want.flow" ] || [ -s "$dir/have.flow" ] || continue
		ordered=$((ordered + 1))
		if diff "$dir/want.flow" "$dir/have.flow" >"$dir/why"; then
			passed=$((passed + 1))
		else
			echo "not ok - $pair '$w': the order of one flow's events"
			sed 's/^/#   /' "$dir/why"
			failed=$((failed + 1))
		fi
	done
	i=$((i + 1))
done
if [ "$ordered" -gt 0 ]; then passed=$((passed + 1)); else echo "not ok - some watch tells of one flow's order"; failed=$((failed + 1)); fi

# ---- Bytes ----
on_both del-flows 'table=0'
on_both del-flows 'table=1'
for f in 'priority=7,in_port=1,actions=output:2' 'table=1,cookie=0x77,idle_timeout=400,hard_timeout=7000,tcp,tp_dst=80,nw_dst=10.0.0.0/9,actions=output:3' \
	'udp,reg1=5,nw_tos=0x20,nw_ecn=2,nw_ttl=9,in_port=1,actions=output:2' 'udp,reg1=5/7,nw_frag=later,actions=drop' \
	'ipv6,ipv6_src=2001:db8::/32,ipv6_label=5,vlan_vid=0x1005/0x1fff,metadata=9,actions=drop' 'dl_vlan=7,dl_vlan_pcp=3,actions=drop' \
	'vlan_tci=0x1000/0x1000,actions=drop' 'vlan_tci=0,actions=drop' 'arp,arp_op=2,arp_tpa=1.2.3.4,arp_sha=00:00:00:00:00:05,actions=drop' \
	'icmp6,icmp_type=135,nd_target=::5,nd_sll=00:00:00:00:00:09,actions=drop' 'sctp,tp_src=5,actions=drop' 'mpls,mpls_label=7,mpls_ttl=9,actions=drop' \
	'tun_id=5,tun_src=1.2.3.4,pkt_mark=3,actions=drop' 'ip,ct_state=+trk+est,ct_zone=4,ct_mark=1,ct_label=0x5,actions=drop' \
	'dl_src=01:00:00:00:00:00/01:00:00:00:00:00,dl_type=0x1234,actions=drop' 'in_port=LOCAL,xreg1=0x500000006,xxreg3=9,tcp,tcp_flags=+syn,actions=drop'; do
	on_both add-flow "$f"
done
/usr/bin/python3 "$(dirname "$0")/lib/flow_monitor_nx.py" "$dir/$br.mgmt" "$dir/w.sock" >"$dir/bytes" || echo "not ok - the comparison of bytes ends well" >>"$dir/bytes"
cat "$dir/bytes"
passed=$((passed + $(grep -c '^ok' "$dir/bytes")))
failed=$((failed + $(grep -c '^not ok' "$dir/bytes" || true)))
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
