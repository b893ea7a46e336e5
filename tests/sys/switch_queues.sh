#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.2.2 Queue structures: rates that hold between namespaces
# Spec: 7.3.5.8 Queue statistics
# Spec: 7.3.6 Queue configuration
# OpenFlow's queues on a running switch: who gets how much, what both tools say of it, and what becomes of
# queues and ports that go while frames wait in them.
#
#   a eth0 10.1.0.1 --- va [ weft-switch ] vb --- eth0 10.1.0.2 b
#                                            vb: 10 Mbit/s, queues 1 and 2, later others
#
# Only ratios are judged, and that a maximum is not exceeded: how fast this machine is does not matter.
set -eu
. "$(dirname "$0")/lib/switch.sh"

CTL="$B/weftctl switch"
WOFCTL=$B/weft-ofctl
space a
space b
space weft
cable weft va a eth0
cable weft vb b eth0
in_space a ip addr add 10.1.0.1/24 dev eth0
in_space b ip addr add 10.1.0.2/24 dev eth0
in_space a ip neigh add 10.1.0.2 lladdr 02:00:00:00:00:0b dev eth0
in_space b ip link set eth0 address 02:00:00:00:00:0b

try() { in_space weft timeout 60 "$B/weft-switch" --name try --port "p=vdev:net_null0;$1"; }
says() # TEXT PATTERN COMMAND...: fails, and says PATTERN
{
	local text=$1 pattern=$2
	shift 2
	if "$@" >"$DIR/why" 2>&1; then not_ok "$text"; elif grep -q -- "$pattern" "$DIR/why"; then ok "$text"; else not_ok "$text"; fi
}
says "a queue without a number is refused in words" "queue 'x'" try queue=x
says "... and one twice" "queue 3 is there twice" try queue=3,queue=3:max=1M
says "... and rates that are none" "'5' is no rate" try queue=1:max=5
says "... and a minimum above the maximum" "minimum is more than its maximum" try queue=1:min=2M:max=1M
says "... and queues of a tunnel" "uplink" in_space weft timeout 60 "$B/weft-switch" --name try \
	--port "v=vxlan:local=192.0.2.1,uplink=u;queue=1"

cores=$(taskset -cp $$ | sed 's/.*: *//' | tr , '\n' | awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }' | head -2 | paste -sd,)
switch weft sw --pmd-cores "$cores" --port va@1=af_packet:va \
	--port "vb@2=af_packet:vb;speed=10M,queue=1:min=8M,queue=2,queue=3:max=1M:len=50"
SW=$(sock sw)

# ---- what both tools say ----
same() # COMMAND...: ovs-ofctl and weft-ofctl print the same
{
	$OFCTL "$@" >"$DIR/ovs" 2>&1
	$WOFCTL "$@" >"$DIR/weft" 2>&1
	diff <(sed 's/xid=0x[0-9a-f]*//; s/duration=.*//' "$DIR/ovs") <(sed 's/xid=0x[0-9a-f]*//; s/duration=.*//' "$DIR/weft")
}
check "queue-get-config: both tools print the same" same queue-get-config "$SW" 2
check "... and the shares of the port's speed" bash -c \
	"grep -q 'queue 1: min_rate:80.0%$' '$DIR/weft' && grep -q 'queue 2:$' '$DIR/weft' && grep -q 'queue 3: max_rate:10.0%$' '$DIR/weft'"
check "... of all ports" same queue-get-config "$SW"
check "... of a port without queues" same queue-get-config "$SW" va
$WOFCTL queue-get-config "$SW" 2 3 >"$DIR/out"
check "... and weft-ofctl of one queue" test "$(grep -c '^queue' "$DIR/out")" = 1
$OFCTL queue-get-config "$SW" 9 >"$DIR/out" 2>&1 || true
check "a port that is not there: OFPQOFC_BAD_PORT" grep -q OFPQOFC_BAD_PORT "$DIR/out"
$OFCTL queue-stats "$SW" 2 9 >"$DIR/out" 2>&1 || true
check "a queue that is not there: OFPQOFC_BAD_QUEUE" grep -q OFPQOFC_BAD_QUEUE "$DIR/out"
$OFCTL add-flow "$SW" "in_port=1,actions=set_queue:9,output:2" >"$DIR/out" 2>&1 || true
check "a flow to a queue that no port has: OFPBAC_BAD_QUEUE" grep -q OFPBAC_BAD_QUEUE "$DIR/out"
flows sw "in_port=1,udp,tp_dst=5001,actions=set_queue:1,output:2" "in_port=1,udp,tp_dst=5002,actions=set_queue:2,output:2" \
	"in_port=1,udp,tp_dst=5003,actions=set_queue:3,output:2"
check "trace names the queue" bash -c "'$WOFCTL' trace '$SW' in_port=1,udp,tp_dst=5003 | grep -q 'queue 3 of'"

# ---- who gets how much ----
cat >"$DIR/send.py" <<'PY'
"""Datagrams of 1,000 bytes to ports in turn, numbered for each, for some seconds; more than the line carries."""
import socket, struct, sys, time
seconds, ports = float(sys.argv[1]), [int(p) for p in sys.argv[2:]]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end, n = time.monotonic() + seconds, 0
while time.monotonic() < end:
    for p in ports:
        for k in range(2):
            s.sendto(struct.pack("!I", n + k) + bytes(996), ("10.1.0.2", p))
    n += 2
    time.sleep(0.0005)
PY
cat >"$DIR/receive.py" <<'PY'
"""Counts what comes to each port, and asks that numbers rise, until it is told to stop; then says so."""
import select, signal, socket, struct, sys
ports = [int(p) for p in sys.argv[1:]]
socks, count, last, bad = {}, dict.fromkeys(ports, 0), dict.fromkeys(ports, -1), 0
for p in ports:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("10.1.0.2", p))
    s.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
    socks[s] = p
stop = []
signal.signal(signal.SIGTERM, lambda *a: stop.append(1))
print("ready", flush=True)
while True:
    told = bool(stop)  # what came before is there to be read
    ready = select.select(socks, [], [], 0 if told else 0.1)[0]
    if told and not ready:
        break
    for s in ready:
        n = struct.unpack("!I", s.recv(2000)[:4])[0]
        bad += n <= last[socks[s]]
        last[socks[s]] = n
        count[socks[s]] += 1
print(*(count[p] for p in ports), bad)
PY
send() { in_space a /usr/bin/python3 "$DIR/send.py" "$@"; }
listen() # PORT...
{
	rm -f "$DIR/heard" # of the last one
	ip netns exec "$T-b" /usr/bin/python3 "$DIR/receive.py" "$@" >"$DIR/heard" &
	EAR=$!
	PIDS+=("$EAR")
	until_true 20 grep -q ready "$DIR/heard"
}
stop_listening() { kill "$EAR"; wait "$EAR" || true; }
quiet() # until nothing waits
{
	until_true 30 nothing_waits
}
nothing_waits() { $CTL queue-list sw -o json >"$DIR/waits" && grep -q '"waiting": 0' "$DIR/waits" && ! grep -q '"waiting": [1-9]' "$DIR/waits"; }
balanced()
{
	for _ in $(seq 100); do
		$CTL stats sw -o json >"$DIR/stats"
		/usr/bin/python3 -c 'import json,sys; s=json.load(open(sys.argv[1])); sys.exit(s["rx"]+s["created"] != s["tx"]+s["consumed"]+s["dropped"])' "$DIR/stats" && return 0
		sleep 0.1
	done
	cat "$DIR/stats"
	return 1
}
reason() { $CTL drops sw -o json | /usr/bin/python3 -c 'import json,sys; print(sum(d["count"] for d in json.load(sys.stdin) if d["reason"] == sys.argv[1]))' "$1"; }

listen 5001 5002 5003
t0=$(date +%s%N)
send 4 5001 5002 5003
check "what waits is sent in the end" quiet
t1=$(date +%s%N)
sleep 0.3
stop_listening
read -r one two three bad <<<"$(tail -1 "$DIR/heard")"
echo "# frames of 1,042 bytes through 10 Mbit/s: minimum 8M $one, none $two, maximum 1M $three"
check "the queue with a minimum has its part: more than twice the other's" test "$one" -gt $((2 * two))
check "... and the others are not starved" test "$two" -gt 20 -a "$three" -gt 20
# With 2 ms of credit, and a frame.
check "a maximum is not exceeded" test $((three * 1042 * 8)) -le $(((t1 - t0) / 1000 + 2000 + 2 * 8336))
check "... nor is the port's speed" test $(((one + two + three) * 1042 * 8)) -le $(((t1 - t0) / 100 + 20000 + 2 * 8336))
check "frames of a queue keep their order" test "$bad" = 0
$OFCTL queue-stats "$SW" 2 >"$DIR/ovs"
check "both tools print the same statistics" same queue-stats "$SW" 2
sent() { sed -n "s/.*queue $1: bytes=.*pkts=\([0-9]*\), errors.*/\1/p" "$DIR/ovs"; }
check "... which are what was received" test "$(sent 1) $(sent 2) $(sent 3)" = "$one $two $three"
errors=$(sed -n 's/.*errors=\([0-9]*\),.*/\1/p' "$DIR/ovs" | awk '{ s += $1 } END { print s }')
echo "# found their queue full: $errors"
check "what found its queue full is tx_errors, and queue_full" test "$errors" -gt 0 -a "$errors" = "$(reason queue_full)"
check "the books balance" balanced

# ---- a tunnel's frames: to the queue of its uplink ----
pkts() { $OFCTL queue-stats "$SW" 2 "$1" | sed -n 's/.*pkts=\([0-9]*\),.*/\1/p'; }
MGMT="/usr/bin/python3 $(dirname "$0")/lib/mgmt.py $DIR/sw.sock"
$MGMT add vx "vxlan:local=10.1.0.9/24,uplink=vb,remote=10.1.0.2,vni=5" 3 >/dev/null
flows sw "in_port=1,udp,tp_dst=5007,actions=set_queue:3,output:3"
before=$(pkts 3)
# Until the next hop is known, frames are few; how soon that is, is the machine's business.
for _ in 1 2 3 4 5; do
	send 1 5007
	[ "$(pkts 3)" -le $((before + 10)) ] || break
done
echo "# of the tunnel by queue 3: $(($(pkts 3) - before))"
check "a tunnel's frames go to the queue of that id on its uplink" test "$(pkts 3)" -gt $((before + 10))
says "a tunnel is given no queue of its own" "is a tunnel" $CTL queue-add sw vx 1
quiet || true
$MGMT del vx >/dev/null

# ---- queues come and go ----
check "a queue is added while running" $CTL queue-add sw vb 4:max=4M
check "... and another" $CTL queue-add sw vb 5:max=1M:len=1000
says "... once" "has a queue 4 already" $CTL queue-add sw vb 4
$CTL queue-list sw vb -o json >"$DIR/out"
check "queue-list tells bits a second" /usr/bin/python3 -c '
import json, sys
q = {q["queue"]: q for q in json.load(open(sys.argv[1]))}
sys.exit(not (sorted(q) == [1, 2, 3, 4, 5] and q[4]["max"] == 4000000 and q[5]["len"] == 1000 and q[1]["min"] == 8000000))' "$DIR/out"
flows sw "in_port=1,udp,tp_dst=5004,actions=set_queue:4,output:2" "in_port=1,udp,tp_dst=5005,actions=set_queue:5,output:2"
$CTL queue-del sw vb 1 >/dev/null
listen 5004 5005
ip netns exec "$T-a" /usr/bin/python3 "$DIR/send.py" 60 5004 5005 &
SENDER=$!
PIDS+=("$SENDER")
sleep 0.5
for _ in 1 2 3 4; do # who stands still for a moment lets one queue run empty, and not the longer one
	$OFCTL queue-stats "$SW" 2 >"$DIR/ovs"
	four=$(sent 4) five=$(sent 5)
	sleep 2
	$OFCTL queue-stats "$SW" 2 >"$DIR/ovs"
	was=$(sent 5) four=$(($(sent 4) - four)) five=$(($(sent 5) - five))
	echo "# maximum 4M: $four, maximum 1M: $five"
	[ "$four" -le $((five * 5 / 2)) ] || [ "$four" -ge $((five * 6)) ] || break
done
check "two maxima are as four to one" test "$four" -gt $((five * 5 / 2)) -a "$four" -lt $((five * 6))
before=$(reason queue_removed)
check "a queue is removed while frames wait in it" $CTL queue-del sw vb 5
check "... which are counted" test "$(reason queue_removed)" -gt "$before"
sleep 1.5
kill "$SENDER"
wait "$SENDER" || true
check "the rest is sent" quiet
sleep 0.3
stop_listening
read -r four five bad <<<"$(tail -1 "$DIR/heard")"
check "what had its queue removed goes by the default queue, in order" test "$five" -gt $((was + 20)) -a "$bad" = 0
check "the books balance" balanced
check "a port is removed while frames wait for it" bash -c "
	ip netns exec $T-a /usr/bin/python3 $DIR/send.py 2 5003 5004 & sleep 1
	/usr/bin/python3 $(dirname "$0")/lib/mgmt.py $DIR/sw.sock del vb && wait"
check "the books balance" balanced
$CTL queue-list sw >"$DIR/out"
check "its queues went with it" bash -c "! grep -q vb '$DIR/out'"
check "a new port is given queues" bash -c "/usr/bin/python3 $(dirname "$0")/lib/mgmt.py $DIR/sw.sock add vb 'af_packet:vb;queue=3' 2 && '$WOFCTL' queue-stats $SW 2 3"
send 0.3 5003
check "... which send" until_true 20 bash -c "$OFCTL queue-stats $SW 2 3 | grep -q 'pkts=[1-9]'"

# ---- nothing waits, nobody runs ----
sleep 0.5
ran() { awk '{ s += $1 } END { printf "%.0f\n", s }' /proc/"$PID"/task/*/schedstat; }
$CTL queue-add sw vb 6:max=1k:len=10 >/dev/null
flows sw "in_port=1,udp,tp_dst=5006,actions=set_queue:6,output:2"
send 0.1 5006
r0=$(ran) t0=$(date +%s%N)
sleep 2
r1=$(ran) t1=$(date +%s%N)
permille=$(((r1 - r0) * 1000 / (t1 - t0)))
echo "# with frames that wait for their time: $((permille / 10)).$((permille % 10)) % of a core"
sanitized || check "a switch in which frames wait for their time sleeps" test "$permille" -lt 200
kill "$PID"
check "the switch stops with frames in its queues" wait "$PID"
finish
