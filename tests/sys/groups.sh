#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 5.6.1 Group types: lost links and spread flows, with traffic
# Groups with traffic: links that are lost, flows that are spread (OpenFlow 1.3.5, 5.6.1).
#
#                 +--- p1 --- eth1
#   [ weft-switch ]--- p2 --- eth2   hosts, who send at eth1
#                 +--- p3 --- eth3
#                 +--- p4 --- eth4
set -eu
. "$(dirname "$0")/lib/switch.sh"
LIB=$(dirname "$0")/lib
OURS="$B/weft-ofctl"

space hosts
space weft
# A veth whose two ends happen to have the same number hears of its carrier up to a second later (the kernel's
# linkwatch takes it for a device of its own).
ip -n "$T-hosts" link add spare type veth peer name other
for i in 1 2 3 4; do
	cable weft "p$i" hosts "eth$i"
	in_space hosts sysctl -qw "net.ipv6.conf.eth$i.disable_ipv6=1"
done
switch weft sw --port p1@1=af_packet:p1 --port p2@2=af_packet:p2 --port p3@3=af_packet:p3 --port p4@4=af_packet:p4
sw=$(sock sw)

# ---- Fast failover ----

$OFCTL add-group "$sw" 'group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3'
$OFCTL add-flow "$sw" in_port=1,actions=group:1
if gap=$(in_space hosts /usr/bin/python3 "$LIB/failover.py" eth1 eth2 eth3 15 2>&1); then
	read -r median least most <<<"$gap"
	ok "after a link is lost, packets leave by the next live bucket, each time"
	# How soon is the machine's business as well.  Polled links would take 50 ms on average.
	echo "# from the link's loss to the first packet by the other: $median us in the middle of 15, $least to $most"
	# Under a sanitizer, or with both cores taken, it is slower, but not as slow as polling.
	check "... sooner than polled links would tell" test "$median" -lt 40000
else
	echo "$gap" >"$DIR/why"
	not_ok "after a link is lost, packets leave by the next live bucket, each time"
fi

# The first group watches the second, which lives by ports 3 and 4.
$OFCTL add-group "$sw" 'group_id=2,type=ff,bucket=watch_port:3,output:3,bucket=watch_port:4,output:4'
$OFCTL mod-group "$sw" 'group_id=1,type=ff,bucket=watch_group:2,group:2,bucket=watch_port:2,output:2'
sent_by() { # the buckets of group 1 and 2 that count 100 packets more
	$OFCTL mod-group "$sw" 'group_id=1,type=ff,bucket=watch_group:2,group:2,bucket=watch_port:2,output:2'
	in_space hosts /usr/bin/python3 "$LIB/flows_send.py" eth1 100
	for _ in $(seq 400); do
		$OFCTL dump-group-stats "$sw" group_id=1 | grep -q "bucket[01]:packet_count=100" && break
		sleep 0.05
	done
	$OFCTL dump-group-stats "$sw" group_id=1 | grep -o "bucket[01]:packet_count=100" | cut -c7
}
state() { # PORT up|down: until the switch says so
	in_space hosts ip link set "eth$1" "$2"
	for _ in $(seq 1000); do
		if $OURS dump-ports-desc "$sw" "$1" | grep -q LINK_DOWN; then s=down; else s=up; fi
		[ $s = "$2" ] && return
		sleep 0.02
	done
}
is() { [ "$1" = "$2" ] || { echo "is '$1', not '$2'"; return 1; }; }
state 3 up; state 4 up
check "a bucket that watches a group lives as the group does" is "$(sent_by)" 0
state 3 down
check "... while one of that group's ports is up" is "$(sent_by)" 0
state 4 down
check "... and not when none is" is "$(sent_by)" 1
state 4 up
check "... and lives again" is "$(sent_by)" 0
state 3 up

# ---- Select ----

counts() { $OFCTL dump-group-stats "$sw" group_id=3 | grep -o "bucket[0-9]:packet_count=[0-9]*" | sed 's/.*=//' | xargs; }
arrive() { # N: until the group has seen so many
	for _ in $(seq 400); do
		$OFCTL dump-group-stats "$sw" group_id=3 | grep -q ",packet_count=$1," && return
		sleep 0.05
	done
	$OFCTL dump-group-stats "$sw" group_id=3
	return 1
}
near() { # PERCENT WANT GOT
	[ $(($3 * 100)) -ge $(($2 * (100 - $1))) ] && [ $(($3 * 100)) -le $(($2 * (100 + $1))) ] ||
		{ echo "$3, not $2 by $1 %"; return 1; }
}
$OFCTL add-group "$sw" 'group_id=3,type=select,bucket=weight:50,output:2,bucket=weight:30,output:3,bucket=weight:20,output:4'
$OFCTL add-flow "$sw" in_port=1,actions=group:3
in_space hosts /usr/bin/python3 "$LIB/flows_send.py" eth1 10000
check "10,000 flows come to a select group" arrive 10000
read -r b0 b1 b2 <<<"$(counts)"
echo "# weights 50:30:20, of 10,000 flows: $b0 $b1 $b2"
check "weights are honoured: a half" near 6 5000 "$b0"
check "... three tenths" near 6 3000 "$b1"
check "... a fifth" near 8 2000 "$b2"
in_space hosts /usr/bin/python3 "$LIB/flows_send.py" eth1 10000 back
check "what comes back" arrive 20000
check "... goes the same ways" is "$(counts)" "$((2 * b0)) $((2 * b1)) $((2 * b2))"

# ---- How to select, and buckets that come and go: in 1.5's layout ----

dump() { $OURS dump-groups "$sw" "$1" | sed 1d; }
through() { $OFCTL dump-group-stats "$sw" group_id="$1" | sed -n 's/.*,packet_count=\([0-9]*\),byte_count.*,bucket0.*/\1/p'; } # GROUP: packets
spread() { # TIMES EDIT: how many of 100 flows go by each bucket of group 4
	local before
	before=$(through 4)
	in_space hosts /usr/bin/python3 "$LIB/flows_send.py" eth1 "$@"
	until_true 20 eval "[ \$(through 4) -ge $((before + $1)) ]" || true
	$OFCTL dump-group-stats "$sw" group_id=4 | grep -o "bucket[0-9]:packet_count=[0-9]*" | sed 's/.*=//' | xargs
}
method='selection_method=hash,selection_method_param=3,fields(ip_src=255.255.0.0,udp_dst)'
$OURS add-group "$sw" "group_id=4,type=select,$method,bucket=bucket_id:7,weight:5,output:2,bucket=output:3"
check "what a group was told about selecting, it tells" is "$(dump 4)" \
	" group_id=4,type=select,$method,bucket=bucket_id:7,weight:5,actions=output:2,bucket=bucket_id:0,actions=output:3"
check "... but not in 1.3's description" is "$($OFCTL dump-groups "$sw" | grep group_id=4,)" \
	" group_id=4,type=select,bucket=weight:5,actions=output:2,bucket=actions=output:3"
$OFCTL add-flow "$sw" in_port=1,actions=group:4
n=$(spread 100)
check "flows that are alike in those fields go one way" grep -qE '^(100 0|0 100)$' <<<"$n"
$OURS insert-buckets "$sw" group_id=4,command_bucket_id=7,bucket=weight:2,output:4
check "a bucket is inserted behind another, with an id of its own" is "$(dump 4 | grep -o 'bucket_id:[0-9]*' | xargs)" \
	"bucket_id:7 bucket_id:1 bucket_id:0"
$OURS remove-buckets "$sw" group_id=4,command_bucket_id=first
check "the first is removed" is "$(dump 4)" \
	" group_id=4,type=select,$method,bucket=bucket_id:1,weight:2,actions=output:4,bucket=bucket_id:0,actions=output:3"
refuse "a bucket that is not there is not removed" $OURS remove-buckets "$sw" group_id=4,command_bucket_id=7
refuse "an unknown method is refused" $OURS add-group "$sw" group_id=5,type=select,selection_method=rnd,bucket=output:1
$OURS mod-group "$sw" group_id=4,type=select,selection_method=dp_hash,selection_method_param=5,bucket=output:2,bucket=output:3
read -r b0 b1 <<<"$(spread 1000)"
check "dp_hash spreads by the 5-tuple" near 15 500 "$b0"
# Its buckets, and what they resubmit to, see the hash as a field; what is behind the group does not.
$OURS mod-group "$sw" 'group_id=4,type=select,selection_method=dp_hash,bucket=resubmit(,1)'
$OURS add-flows "$sw" - <<'EOF'
table=0,in_port=1,actions=group:4,resubmit(,2)
table=1,dp_hash=0x0/0x1,actions=output:2
table=1,dp_hash=0x1/0x1,actions=move:NXM_NX_DP_HASH[0]->NXM_NX_REG0[0],output:3,resubmit(,3)
table=2,dp_hash=0,actions=output:4
table=3,reg0=1,actions=drop
EOF
in_space hosts /usr/bin/python3 "$LIB/flows_send.py" eth1 1000
seen() { $OURS dump-flows "$sw" "$1" | grep -o 'n_packets=[0-9]*' | sed 's/.*=//'; }
all() { [ "$(seen table=2,dp_hash=0)" = 1000 ] || { $OURS dump-flows "$sw"; return 1; }; }
for _ in $(seq 400); do all >"$DIR/why" && break; sleep 0.05; done
check "behind the group dp_hash is zero" all
check "in its buckets it is the hash, half of them odd" near 15 500 "$(seen table=1,dp_hash=1/1)"
check "... half of them even" near 15 500 "$(seen table=1,dp_hash=0/1)"
check "... and can be moved to a register" is "$(seen table=3)" "$(seen table=1,dp_hash=1/1)"

finish
