#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: NX sample: collectors are told as Open vSwitch tells them
# IPFIX: the same flows with sample on weft-switch and on Open vSwitch (its userspace datapath), the same
# packets, and what tshark, as the collector, reads of both.
#
#          w1 ---- 1 [             ]---- UDP 4739 ---+
#     t    w2 ---- 2 [ weft-switch ]     on lo of s  |
#  (peers)                                           +--> collectors (tshark on lo of s)
#          o1 ---- 1 [             ]                 |
#          o2 ---- 2 [ Open vSwitch]---- UDP 4740 ---+
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/lib/switch.sh"
dir=$DIR pids=()
# shellcheck source=tests/sys/lib/ovs.sh
. "$(dirname "$0")/lib/ovs.sh"
command -v tshark >/dev/null || { echo "not ok - no tshark: make deps"; echo "0 passed, 1 failed"; exit 1; }

PYTHON=${PYTHON:-/usr/bin/python3}
here=$(dirname "$0")
CTL=$B/weftctl
py() { "$PYTHON" "$here/lib/ipfix.py" "$@"; }
event() { "$CTL" -o json switch events sw | "$PYTHON" -c "import json,sys; print(next(e['count'] for e in json.load(sys.stdin) if e['event'] == '$1'))"; }
set_count() { "$CTL" -o json switch ipfix-list sw | "$PYTHON" -c "import json,sys; print(next(s['$2'] for s in json.load(sys.stdin) if s['id'] == $1))"; }
is() { [ "$("${@:2}")" = "$1" ]; }
at_least() { [ "$("${@:2}")" -ge "$1" ]; }

# capture NAME PORT: what comes to a port on lo of s, until 'captured'.
capture()
{
	ip netns exec "$T-s" tshark -i lo -f "udp dst port $2 or udp dst port 9" -w "$DIR/$1.pcap" -q >/dev/null 2>"$DIR/$1.err" &
	CAPTURE=$!
	PIDS+=("$CAPTURE")
	CAPTURED=$DIR/$1.pcap
	until_true 20 told_of "$CAPTURED" begun
}
# It is there when it has seen a word sent to port 9 (discard), and all that came before when it has seen another.
told_of() { in_space s bash -c "echo word-$2 >/dev/udp/127.0.0.1/9" 2>/dev/null; sleep 0.1; grep -aqs "word-$2" "$1"; }
captured() { until_true 20 told_of "$CAPTURED" ended; kill "$CAPTURE"; wait "$CAPTURE" || true; }

# The words of what was just refused.
words() { if grep -qF "$1" "$DIR/why"; then ok "... in words"; else not_ok "... in words"; fi; }

space t
space s
in_space s ip addr add 127.0.0.2/8 dev lo
for i in 1 2; do
	for k in w o; do
		cable s v$k$i t $k$i
		in_space t sysctl -qw net.ipv6.conf.$k$i.disable_ipv6=1
		in_space s sysctl -qw net.ipv6.conf.v$k$i.disable_ipv6=1
	done
done

refuse "a collector's port is missing: said at start" "$B/weft-switch" --ipfix 7=127.0.0.1
words "ADDRESS:PORT is right"
refuse "a set twice: said at start" in_space s "$B/weft-switch" --name twice --ipfix 7=127.0.0.1:1 --ipfix 7=127.0.0.1:2
words "set 7 is there already"

switch s sw --port vw1@1=af_packet:vw1 --port vw2@2=af_packet:vw2 --ipfix 7=127.0.0.1:4739
ip netns exec "$T-s" bash -c "set -eu; dir='$dir'; pids=(); . '$here/lib/ovs.sh'; ovs_start br; printf '%s\n' \"\${pids[@]}\" >'$dir/ovs.pids'" 2>"$DIR/ovs.err"
while read -r pid; do PIDS+=("$pid"); done <"$dir/ovs.pids"
for i in 1 2; do
	vsctl add-port br vo$i -- set interface vo$i ofport_request=$i
done
vsctl -- --id=@br get bridge br -- --id=@i create IPFIX 'targets="127.0.0.1:4740"' \
	-- create Flow_Sample_Collector_Set id=7 bridge=@br ipfix=@i >/dev/null

# Somebody listens, or Open vSwitch loses every other message.
ip netns exec "$T-s" "$PYTHON" "$here/lib/ipfix.py" sink 4739 4740 4742 &
PIDS+=($!)

# ---- The same of the same ----
ask() # ARGUMENTS: of sample, in both switches' only flow
{
	for br in sw.sock br.mgmt; do
		$OFCTL del-flows "unix:$DIR/$br"
		$OFCTL add-flow "unix:$DIR/$br" "in_port=1,actions=sample(probability=65535,collector_set_id=7,$1),output:2"
	done
}
packets() { $OFCTL dump-flows "unix:$DIR/$1" | sed -nE 's/.*n_packets=([0-9]+).*/\1/p'; }
# One capture for all: Open vSwitch sends its templates every ten minutes, and for one domain.
capture ours 4739
ours=$CAPTURE ours_in=$CAPTURED
capture theirs 4740
for what in obs_point_id=5 obs_point_id=6,sampling_port=2 obs_point_id=4294967295,sampling_port=1,egress obs_point_id=8,sampling_port=2,ingress; do
	ask "obs_domain_id=3,$what"
	in_space t "$PYTHON" "$here/lib/ipfix.py" send w1 o1
	for br in sw.sock br.mgmt; do until_true 20 is 14 packets $br || echo "# $br has not got all"; done
done
sleep 0.3
captured
CAPTURE=$ours CAPTURED=$ours_in
captured
check "4 flows, 14 kinds of packets: told as by Open vSwitch" py same "$DIR/ours.pcap" 4739 "$DIR/theirs.pcap" 4740
check "... and tshark finds nothing wrong with it" py clean "$DIR/ours.pcap" 4739
check "each packet left by its port, too" until_true 20 at_least 56 bash -c "$OFCTL dump-ports unix:$DIR/sw.sock 2 | sed -nE 's/.*tx pkts=([0-9]+).*/\1/p'"
check "the trace says what is sampled, and samples nothing" bash -c "'$B/weft-ofctl' trace unix:$DIR/sw.sock in_port=1,udp | grep -q 'sample(probability=65535.*collector set 7'"
check "56 records for 56 packets" until_true 20 is 56 set_count 7 records
check "ipfix-list shows them" bash -c "'$CTL' switch ipfix-list sw | grep -qE '^7 +127.0.0.1:4739 +0 +0 +56 +56 '"

# ---- A set that nobody has configured ----
flows sw "in_port=1,actions=sample(probability=65535,collector_set_id=9,obs_point_id=1),output:2"
in_space t "$PYTHON" "$here/lib/ipfix.py" repeat w1 20
check "packets for a set that is not configured are counted" until_true 20 is 20 event sample_no_set
check "the trace says that it is not" bash -c "'$B/weft-ofctl' trace unix:$DIR/sw.sock in_port=1,udp | grep -q 'collector set 9, which is not configured'"

# ---- Flows put together, templates sent again ----
check "a set is added to a running switch" "$CTL" switch ipfix-add sw '9=127.0.0.1:4741,127.0.0.2:4741;cache-active-timeout=1,template-interval=1'
refuse "... not twice" "$CTL" switch ipfix-add sw 9=127.0.0.1:4741
words "set 9 is there already"
refuse "a setting that there is not" "$CTL" switch ipfix-add sw '10=127.0.0.1:4741;timeout=1'
words "there is no 'timeout'"
capture put 4741
t0=$(date +%s)
in_space t "$PYTHON" "$here/lib/ipfix.py" repeat w1 300 0.01
until_true 20 is 300 set_count 9 samples || echo "# not all 300 are there"
check "300 packets of one flow in 3 s are a few records" until_true 20 is 0 set_count 9 flows
took=$(($(date +%s) - t0))
captured
check "... that tell of 300 packets, to each of two collectors" bash -c "'$PYTHON' '$here/lib/ipfix.py' dump '$DIR/put.pcap' 4741 | '$PYTHON' -c '
import json, sys
r = [json.loads(line) for line in sys.stdin]
print(len(r), sum(int(x[\"cflow.packets\"]) for x in r))
assert 4 <= len(r) <= 2 * ($took + 2) and sum(int(x[\"cflow.packets\"]) for x in r) == 600'"
check "... cleanly" bash -c "tshark -r '$DIR/put.pcap' -Y 'ip.dst == 127.0.0.2' -w '$DIR/one.pcap' 2>/dev/null; '$PYTHON' '$here/lib/ipfix.py' clean '$DIR/one.pcap' 4741"
check "... the templates more than once" at_least 2 py templates "$DIR/one.pcap" 4741
check "nobody listened: counted" at_least 1 set_count 9 send_errors
check "a set is removed" "$CTL" switch ipfix-del sw 9
refuse "... once" "$CTL" switch ipfix-del sw 9
check "... and nobody hears any more" bash -c "'$CTL' switch ipfix-list sw | grep -c . | grep -qx 2"

# ---- Probability ----
flows sw "in_port=1,actions=sample(probability=6554,collector_set_id=7),output:2"
drawn() { echo $(($(set_count 7 samples) + $(event sample_lost))); }
both() { echo "$(packets sw.sock) $(drawn)"; }
before=$(drawn)
for _ in 1 2 3 4 5; do # a machine that stands still loses frames in sockets
	in_space t "$PYTHON" "$here/lib/ipfix.py" repeat w1 10000 0.0001
	[ "$(packets sw.sock)" -le 5000 ] || break
done
read -r n got <<<"$(settled both)"
got=$((got - before))
echo "# $got samples of $n packets, $(event sample_lost) lost"
# A tenth, within eight sigma.
check "one of ten is drawn" "$PYTHON" -c "import sys; n, got = $n, $got; sys.exit(not (n > 5000 and abs(got - n / 10) < 8 * (n * 0.09) ** 0.5))"

# ---- The end ----
check "a set with a cache" "$CTL" switch ipfix-add sw '8=127.0.0.1:4742;cache-active-timeout=1000'
flows sw "in_port=1,actions=sample(probability=65535,collector_set_id=8,obs_domain_id=1),output:2"
capture end 4742
in_space t "$PYTHON" "$here/lib/ipfix.py" send w1
check "14 flows wait in it" until_true 20 is 14 set_count 8 flows
kill "$PID"
wait "$PID" || true
captured
check "a switch that ends tells of what it has" bash -c "'$PYTHON' '$here/lib/ipfix.py' dump '$DIR/end.pcap' 4742 | grep -c '\"cflow.flow_end_reason\": \"4\"' | grep -qx 14"
check "... cleanly" py clean "$DIR/end.pcap" 4742
finish
