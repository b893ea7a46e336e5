#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: EXT-187 Flow monitor: both tools, both switches
#
# Flow monitors (EXT-187): four pairs of tool and switch, the same changes to both switches.
#
#     ovs-ofctl monitor  ---+--- ovs-vswitchd (userspace) ---+
#                           X                                +--- add-flow, del-flows, ... of ovs-ofctl
#     weft-ofctl monitor ---+--- weft-switch -----------------+
#
# All four print the same events, in the same order.
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
"$B/weft-switch" --name w --socket "$dir/w.sock" --port p1@1=vdev:net_null0,no-rx=1 --port p2@2=vdev:net_null1,no-rx=1 \
	--port p3@3=vdev:net_null2,no-rx=1 >"$dir/w.log" 2>&1 &
pids+=($!)
for _ in $(seq 200); do [ -S "$dir/$br.mgmt" ] && [ -S "$dir/w.sock" ] && break; sleep 0.1; done
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
	i=$((i + 1))
done
for _ in $(seq 100); do
	[ "$(cat "$dir"/[0-9].* | grep -c 'ONFST_FLOW_MONITOR reply')" -ge $((4 * ${#watches[@]})) ] && break
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
for _ in $(seq 60); do # the hard timeout's, which comes when it comes
	[ "$(cat "$dir"/0.*-ofctl.* | grep -c 'reason=\(hard\|delete\) table=0.*tcp')" -ge 4 ] && break
	sleep 0.1
done
on_both add-flow 'table=1,cookie=0xffff,tcp,actions=output:2,output:3'
on_both del-flows 'table=1,cookie=0xffff/-1' # the last event of all
on_both add-flow 'in_port=1,cookie=0xfffe,actions=output:2,output:3'
for _ in $(seq 60); do
	[ "$(cat "$dir"/0.*-ofctl.* | grep -c 'cookie=0xfffe')" -ge 4 ] && break
	sleep 0.1
done

# Messages hold as many events as were ready.
events() { grep '^ event=' "$1" | sed 's/xid=0x[0-9a-f]*/xid=X/'; }
i=0
for w in "${watches[@]}"; do
	events "$dir/$i.ovs-ofctl.ovs" >"$dir/want"
	# What was there is told in no order; a deletion of several flows neither.
	sort "$dir/want" >"$dir/want.sorted"
	for pair in ovs-ofctl.weft weft-ofctl.ovs weft-ofctl.weft; do
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
	for pair in ovs-ofctl.weft weft-ofctl.ovs weft-ofctl.weft; do
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
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
