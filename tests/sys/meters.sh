#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 5.7.1 Meter bands: real frames, virtual meters
# Meters with real frames (5.7): how two rates relate, what a receiver sees of a remark band, what the
# statistics say, and what the virtual meters let up to the controller and the slow path.
#
#   a eth0 (paced.py send) --- va 1 [ weft-switch ] 2 vb --- eth0 (paced.py count) b
#
# Figures are lines with "#"; what is checked are ratios and books, with wide bounds.
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/lib/switch.sh"

LIB=$(cd "$(dirname "$0")" && pwd)/lib
PYTHON=${PYTHON:-/usr/bin/python3}
OURS="timeout 20 $B/weft-ofctl"
for n in a b weft; do space $n; done
cable weft va a eth0
cable weft vb b eth0
for n in a b; do in_space $n sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1; done
switch weft sw --port va@1=af_packet:va --port vb@2=af_packet:vb --packet-in-rate 0
S=$(sock sw)

# run SECONDS STREAM...: sends, and has what came in $DIR/seen; what was sent in $sent, for how many ms in $took.
run()
{
	local seconds=$1 pid
	shift
	rm -f "$DIR/seen"
	ip netns exec "$T-b" "$PYTHON" "$LIB/paced.py" count eth0 "$DIR/seen" &
	pid=$!
	PIDS+=("$pid")
	until_true 20 test -e "$DIR/seen"
	sent=$(in_space a timeout 60 "$PYTHON" "$LIB/paced.py" send eth0 "$seconds" "$@")
	took=$(awk '{ print int($1 * 1000) }' <<<"$sent")
	settled passed >/dev/null
	kill "$pid"
	wait "$pid"
}
passed() { $OURS dump-ports "$S" | grep -o 'pkts=[0-9]*'; }
# What a rate lets pass while the sender sends, however long that took: never more.  BURST is in packets.
most() { echo $(($1 * took / 1000 + $2)); } # RATE BURST
# ... and of what has come in at OFFERED a second, at least three quarters of that.  Who stands still sends nothing
# (or what has waited in a queue, at once), so the time for which packets came is told by their number.
least() { echo $(($1 * $3 * 3 / $2 / 4)); } # RATE OFFERED CAME
seen() # DPORT [TOS]: frames
{
	awk -v p="$1" -v t="${2:-}" '$1 == p && (t == "" || $2 == t) { n += $3 } END { print n + 0 }' "$DIR/seen"
}
between() { echo "$2: $1 to $3"; [ "$1" -le "$2" ] && [ "$2" -le "$3" ]; }
field() # METER NAME: of its statistics
{
	$OURS meter-stats "$S" "meter=$1" | tr ' ,' '\n\n' | sed -n "s/^$2://p" | head -1
}
# What has come as far as a flow, by its own counters: sockets of a busy machine lose frames before and behind.
counted() # MATCH packets|bytes
{
	$OURS dump-flows "$S" "$1" | sed -n "s/.*n_$2=\([0-9]*\).*/\1/p"
}
band() # METER BAND: packets
{
	$OURS meter-stats "$S" "meter=$1" | tr ' ' '\n' | grep -A1 "^$2:" | sed -n 's/.*packet_count://p' | head -1
}

# ---- drop bands ----
$OURS add-meter "$S" meter=1,pktps,stats,bands=type=drop,rate=200
$OURS add-meter "$S" meter=2,pktps,burst,stats,bands=type=drop,rate=400,burst_size=20
$OURS add-meter "$S" meter=3,kbps,burst,stats,bands=type=drop,rate=2000,burst_size=0
$OURS add-meter "$S" meter=4,kbps,stats,bands=type=drop,rate=100000
# What a meter lets pass goes on to a table that counts it.
for i in 1 2 3 4; do
	flows sw "udp,tp_dst=500$i,actions=meter:$i,goto_table:1" "table=1,udp,tp_dst=500$i,actions=output:2"
done
run 4 5001:1500:100:0 5002:1500:100:0 5003:600:1000:0 5004:600:1000:0
echo "# sent in ${sent// /, }; seen $(for i in 1 2 3 4; do seen 500$i; done | paste -sd' ')"
one=$(seen 5001) two=$(seen 5002) three=$(seen 5003)
check "200 packets/s" between "$(least 200 1500 "$(counted table=0,udp,tp_dst=5001 packets)")" "$one" "$(most 200 50)"
check "400 packets/s are twice as many" between "$(least 400 1500 "$(counted table=0,udp,tp_dst=5002 packets)")" "$two" "$(most 400 50)"
# Without a burst a bucket holds no more than a frame: what is earned while nothing comes is lost, and of 600/s every third passes.
check "2 Mb/s in frames of 1000 bytes are at most 250/s" between $(($(counted table=0,udp,tp_dst=5003 packets) / 5)) "$three" "$(most 250 20)"
in=$(counted table=0,udp,tp_dst=5004 packets)
check "a meter that is not exceeded lets pass" test "$(counted table=1,udp,tp_dst=5004 packets)" = "$in" -a "$in" -gt 1000
check "... and its band has not applied" test "$(band 4 0)" = 0
in=$(counted table=0,udp,tp_dst=5001 packets) bytes=$(counted table=0,udp,tp_dst=5003 bytes)
check "what came in is counted" test "$(field 1 packet_in_count)" = "$in" -a "$in" -gt 2000
check "... in bytes, too" test "$(field 3 byte_in_count)" = "$bytes" -a "$bytes" -gt 800000
check "... and what the band has dropped" test "$(band 1 0)" = $((in - $(counted table=1,udp,tp_dst=5001 packets)))
check "a burst of 0 is told as it was given" bash -c "$OURS dump-meters '$S' meter=3 | grep -q 'burst_size=0'"
"$PYTHON" "$LIB/mgmt.py" "$DIR/sw.sock" stats >"$DIR/stats"
check "drops have their name" grep -q '^meter_band ' "$DIR/stats"

# ---- DSCP ----
$OURS del-flows "$S"
$OURS add-meter "$S" meter=5,pktps,stats,bands=type=dscp_remark,rate=100,prec_level=1
$OURS add-meter "$S" meter=6,pktps,stats,bands=type=dscp_remark,rate=100,prec_level=1,type=drop,rate=300
flows sw udp,tp_dst=5005,actions=meter:5,output:2 udp6,tp_dst=5005,actions=meter:5,output:2 \
	udp,tp_dst=5006,actions=meter:6,output:2 udp,tp_dst=5007,actions=meter:5,output:2
# AF11 with ECT(0); AF42 over IPv6; AF21 through both kinds; expedited forwarding.
run 3 5005:300:100:42 5005:300:100:144:6 5006:900:100:72 5007:300:100:184
echo "# seen (dport tos frames bytes): $(paste -sd';' "$DIR/seen")"
s5=$(counted udp,tp_dst=5005 packets) s56=$(counted udp6,tp_dst=5005 packets) s7=$(counted udp,tp_dst=5007 packets)
check "a remark band lets pass" test "$(seen 5005)" = $((s5 + s56)) -a "$s5" -gt 400 -a "$s56" -gt 400
check "AF11 within the rate stays" between 20 "$(seen 5005 42)" "$(most 100 100)"
check "... above it is AF12, with its ECN" between $((s5 / 3)) "$(seen 5005 50)" $((s5 - 20))
check "AF42 over IPv6 is AF43" between $((s56 / 3)) "$(seen 5005 152)" "$s56"
check "... and nothing else comes" test \
	$(($(seen 5005 42) + $(seen 5005 50) + $(seen 5005 144) + $(seen 5005 152))) = $((s5 + s56))
check "expedited forwarding has no drop precedence" test "$(seen 5007 184)" = "$s7" -a "$s7" -gt 400
low=$(seen 5006 72) high=$(seen 5006 80)
check "both kinds: what the drop band leaves" between "$(least 300 900 "$(counted udp,tp_dst=5006 packets)")" $((low + high)) "$(most 300 150)"
check "... is AF21 up to the lower rate, and AF22 above it" between $((low * 12 / 10)) "$high" $((low * 30 / 10))
check "... counted by each" test "$(band 6 0)" = "$high"

# ---- the controller's meter ----
$OURS del-flows "$S"
flows sw udp,tp_dst=5008,actions=CONTROLLER:64 udp,tp_dst=5009,actions=CONTROLLER:64,output:2
timeout 40 $OURS monitor "$S" 64 >"$DIR/in" 2>&1 &
PIDS+=($!)
listens() { # it has been connected to, and set up, when it hears of a packet
	$OURS packet-out "$S" "in_port=1 packet=$(printf '%0120d' 0) actions=CONTROLLER:64" && sleep 0.1 && [ "$(heard)" -gt 0 ]
}
heard() { grep -c '_PACKET_IN' "$DIR/in" || true; }
check "a controller listens" until_true 20 listens
$OURS packet-out "$S" "in_port=1 packet=$(printf '%0122d' 0) actions=CONTROLLER:64"
until_true 20 grep -q total_len=61 "$DIR/in" # the last of these
first=$(heard)
come() { [ $(($(heard) - first)) = "$1" ] || { echo "$(heard) - $first, not $1"; return 1; }; }
$OURS add-meter "$S" meter=controller,pktps,burst,stats,bands=type=drop,rate=100,burst_size=10
run 2 5008:500:100:0 5009:500:100:0
n=$(($(field controller packet_in_count) - $(band controller 0)))
echo "# packet-ins: $n of $((2 * 2 * 500)) with a meter of 100/s"
check "packet-ins of all flows are limited" between 140 "$n" "$(most 100 40)"
in=$(counted udp,tp_dst=5009 packets)
check "... what else happens to the packet is not" test "$(seen 5009)" = "$in" -a "$in" -gt 400
check "... and what did not come is counted" until_true 20 come "$n"
$OURS del-meters "$S"
check "deleting all meters leaves it" bash -c "$OURS dump-meters '$S' | grep -q controller"
$OURS del-meters "$S" meter=controller
check "... its name does not" test "$($OURS dump-meters "$S" | grep -c meter=)" = 0
before=$(counted udp,tp_dst=5008 packets)
run 1 5008:500:100:0
in=$(($(counted udp,tp_dst=5008 packets) - before))
check "without it they come as before" until_true 20 come $((n + in))
check "... all of them" test "$in" -gt 200

# ---- the slow path's ----
$OURS del-flows "$S"
$OURS add-meter "$S" meter=slowpath,pktps,burst,stats,bands=type=drop,rate=10,burst_size=5
flows sw actions=NORMAL
run 2 5010:500:100:0:macs
in=$(counted table=0 packets) learned=$(field slowpath packet_in_count)
echo "# addresses that were to be learned: $learned, refused $(band slowpath 0)"
check "learning is limited" between $((in - 100)) "$learned" $((in + 100))
check "... to its rate" between $((learned - $(most 10 40))) "$(band slowpath 0)" $((learned - 10))
check "... and frames pass all the same" test "$(seen 5010)" -gt 400 -a "$(seen 5010)" -le "$in"
finish
