#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 5.1 Pipeline: what a packet meets, table by table
# weft-ofctl trace says what packets meet, and leaves no mark; then real ones fare the same.
#
#   a eth0 ---- va 1 [             ] 2 vb ---- eth0 b
#                    [ weft-switch ] 3 vc ---- eth0 c
#                    [             ] 4 null (net_null)
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/lib/switch.sh"

space a
space b
space c
space weft
cable weft va a eth0
cable weft vb b eth0
cable weft vc c eth0
for n in a b c; do in_space $n sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1; done # nothing by itself
switch weft sw --port va@1=af_packet:va --port vb@2=af_packet:vb --port vc@3=af_packet:vc \
	--port null@4=vdev:net_null0,no-rx=1
S=$(sock sw)
ours() { timeout 20 "$B/weft-ofctl" --no-names "$@"; }

trace() { ours trace "$S" "$1" >"$DIR/out" 2>&1; }
# says TEXT PATTERN...: the last trace has these lines, in this order.
says()
{
	local text=$1 at=0 n
	shift
	cp "$DIR/out" "$DIR/why"
	for p in "$@"; do
		n=$(tail -n +$((at + 1)) "$DIR/out" | grep -n -m1 -E -- "$p" | cut -d: -f1) || true
		if [ -z "$n" ]; then
			echo "missing: $p" >>"$DIR/why"
			not_ok "$text"
			return
		fi
		at=$((at + n))
	done
	ok "$text"
}
verdict() { grep '^Verdict: ' "$DIR/out" | cut -d' ' -f2-; }

ours add-meter "$S" meter=1,pktps,burst,bands=type=drop,rate=1,burst_size=2
# A few long frames empty it for ten seconds.
ours add-meter "$S" meter=2,kbps,burst,bands=type=drop,rate=1,burst_size=12
ours add-group "$S" group_id=7,type=all,bucket=output:2,bucket=set_field:02:00:00:00:00:77-\>eth_dst,output:3
ours add-group "$S" group_id=8,type=ff,bucket=watch_port:77,output:3,bucket=watch_port:2,output:2
ours add-group "$S" group_id=9,type=indirect,bucket=group:8
cat >"$DIR/flows" <<'F'
cookie=0x11,priority=100,in_port=1,udp,actions=set_field:10.9.9.9->ip_dst,goto_table:1
cookie=0x22,priority=10,in_port=1,tcp,tp_dst=80,actions=write_actions(group:7),goto_table:1
cookie=0x23,priority=10,in_port=1,tcp,tp_dst=81,actions=group:9
cookie=0x24,priority=10,in_port=1,tcp,tp_dst=82,actions=drop
cookie=0x25,priority=10,in_port=1,tcp,tp_dst=83,actions=meter:1,output:2
cookie=0x26,priority=10,in_port=1,tcp,tp_dst=84,actions=controller:64
cookie=0x27,priority=10,in_port=1,tcp,tp_dst=85,actions=output:1
cookie=0x28,priority=10,in_port=1,tcp,tp_dst=86,actions=dec_ttl,output:2
cookie=0x29,priority=10,in_port=1,tcp,tp_dst=87,actions=output:2,push_vlan:0x8100,set_field:4101->vlan_vid,output:3
cookie=0x2a,priority=10,in_port=1,tcp,tp_dst=88,actions=NORMAL
cookie=0x2b,priority=10,in_port=1,tcp,tp_dst=89,actions=meter:2,output:2
cookie=0x4c,priority=10,in_port=1,tcp,tp_dst=100,actions=resubmit(,2),output:3
table=2,cookie=0x45,tcp,actions=resubmit(,3),resubmit(,4),output:2
table=3,cookie=0x46,tcp,actions=set_field:02:00:00:00:00:78->eth_dst
table=1,cookie=0x33,priority=5,ip,nw_dst=10.9.9.0/24,actions=output:2
table=1,cookie=0x34,priority=4,tcp,actions=goto_table:9
table=9,cookie=0x99,tcp,actions=output:77
F
ours add-flows "$S" "$DIR/flows"

marks()
{
	ours dump-flows "$S" | sed 's/duration=[^,]*,//'
	ours dump-tables "$S" | grep -v xid
	ours dump-ports "$S" | sed 's/duration=.*//'
	ours dump-group-stats "$S" | sed 's/duration=[^,]*,//'
	ours meter-stats "$S" | sed 's/duration:[^ ]*//'
	"${PYTHON:-/usr/bin/python3}" "$(dirname "$0")/lib/mgmt.py" "$DIR/sw.sock" stats
}
settled marks >"$DIR/before"
timeout 300 "$B/weft-ofctl" monitor "$S" 65535 invalid_ttl >"$DIR/monitor" 2>&1 &
PIDS+=($!)
sleep 0.3

# ---- what is said ----
TCP=in_port=1,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,tcp,nw_src=10.1.0.1,nw_dst=10.1.0.2,tp_src=1000
trace "in_port=1,udp,nw_src=10.1.0.1,nw_dst=10.1.0.2,tp_src=5,tp_dst=6"
says "table by table: match, priority, cookie, classifier, actions, what is changed and leaves" \
	'^Packet: in_port=1,udp,.*nw_src=10.1.0.1,nw_dst=10.1.0.2.*tp_src=5,tp_dst=6' \
	'^ 0\. priority=100,udp,in_port=1, cookie 0x11 \(by [a-z]+, [0-9]+ flows?, [0-9]+ masks?\)' \
	'^    set_field:10\.9\.9\.9->ip_dst,goto_table:1$' \
	'^ 1\. priority=5,ip,nw_dst=10\.9\.9\.0/24, cookie 0x33' '^    output:2$' \
	'=> leaves by 2, 60 bytes: udp,.*nw_dst=10\.9\.9\.9' '^Verdict: 2$'
trace "$TCP,tp_dst=80"
says "an action set's group: after the last table, each bucket, and what it leaves as" \
	'^ 0\. .*cookie 0x22' '^ 1\. .*cookie 0x34' '^ 9\. ' \
	'group 7 \(all\), bucket 0: output:2$' 'group 7 \(all\), bucket 1: .*output:3$' \
	'leaves by 2, 60 bytes, as it came in' 'leaves by 3, 60 bytes: .*dl_dst=02:00:00:00:00:77' \
	'^Verdict: 2,3$'
says "an output to a port that is not there, beside others" 'output to 77' '=> dropped: .*\(no_port\)'
trace "$TCP,tp_dst=81"
says "a group in a group: the first live bucket" 'group 9 \(indirect\), bucket 0: group:8' \
	'group 8 \(ff\), bucket 1: output:2' '^Verdict: 2$'
trace "$TCP,tp_dst=82"
says "a flow that drops" '^ 0\. .*cookie 0x24' '^    drop$' '=> dropped: .*explicit drop' '^Verdict: drop \(no_output\)$'
trace "in_port=1,arp"
says "no flow: the table, and why it is dropped" '^ 0\. no flow matches' 'no table-miss entry \(table_miss\)' \
	'^Verdict: drop \(table_miss\)$'
trace "$TCP,tp_dst=84"
says "a packet-in: table, cookie, reason" '=> packet-in, table 0, cookie 0x26, reason action' '^Verdict: CONTROLLER$'
trace "$TCP,tp_dst=85"
says "output to where it came from" '\(output_to_in_port\)' '^Verdict: drop'
trace "$TCP,tp_dst=86,nw_ttl=1"
says "a TTL that runs out" 'dec_ttl,output:2' '\(ttl_expired\)' 'reason invalid_ttl' '^Verdict: CONTROLLER$'
trace "$TCP,tp_dst=87"
says "two outputs, the second with a tag" 'leaves by 2, 60 bytes, as it came in' \
	'leaves by 3, 64 bytes: .*dl_vlan=5|leaves by 3, 64 bytes: .*vlan_tci' '^Verdict: 2,3$'
trace "$TCP,tp_dst=100"
says "resubmits: what they lead to, to the right" '^ 0\. .*cookie 0x4c' '^     2\. .*cookie 0x45' '^         3\. .*cookie 0x46' \
	'^         4\. no flow matches' 'leaves by 2, 60 bytes: .*dl_dst=02:00:00:00:00:78' '^Verdict: 2,3$'
trace "$TCP,tp_dst=88"
says "NORMAL: where it floods" 'output to NORMAL' 'leaves by 2' 'leaves by 3' 'leaves by 4' '^Verdict: 2,3,4$'
HEX=$(printf '0200000000020200000000010800%s' 4500001c00000000401166d20a0100010a01000200050006000800000000)
trace "in_port=1,packet=$HEX"
says "a packet in hex" '^Packet: in_port=1,udp,.*tp_src=5,tp_dst=6' '^Verdict: 2$'
for _ in 1 2 3 4 5 6; do trace "$TCP,tp_dst=83"; done
says "a meter passes what a trace asks, however often: it takes no tokens" 'meter 1: passes' '^Verdict: 2$'
"${PYTHON:-/usr/bin/python3}" - "$DIR/two.pcap" "$HEX" <<'P'
import struct, sys
one, two = bytes.fromhex(sys.argv[2]), bytes(12) + bytes.fromhex("0806") + bytes(46)
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for i, p in enumerate((one, two)):
        f.write(struct.pack("<IIII", i, 0, len(p), len(p)) + p)
P
ours trace "$S" in_port=1 --pcap "$DIR/two.pcap" >"$DIR/out" 2>&1
says "a capture: one packet after the other" '^Packet 1: in_port=1,udp' '^Verdict: 2$' '^Packet 2: in_port=1,arp' \
	'^Verdict: drop \(table_miss\)$'
ours mod-port "$S" 1 no-receive
trace "$TCP,tp_dst=83"
says "a port that receives nothing" '\(port_no_recv\)' '^Verdict: drop'
ours mod-port "$S" 1 receive
trace "in_port=CONTROLLER,$(echo "$TCP" | cut -d, -f2-),tp_dst=83"
says "a packet of the controller's" '^Packet: in_port=CONTROLLER' 'no flow matches'


# ---- why ----
trace "$TCP,tp_dst=90"
says "no flow matches: the nearest, and what it differs in" '^ 0\. no flow matches' \
	'^    \(nearest: priority=100,udp,in_port=1, cookie 0x11: differs in nw_proto\)$'
ours add-flow "$S" "table=1,cookie=0x35,priority=3,tcp,tp_dst=91,actions=drop"
ours add-flow "$S" "cookie=0x2c,priority=20,in_port=1,tcp,tp_dst=91,actions=set_field:0x5->metadata,goto_table:1"
ours add-flow "$S" "cookie=0x2d,priority=20,in_port=1,tcp,nw_dst=10.1.0.2,tp_dst=92,actions=drop"
ours add-flow "$S" "cookie=0x2e,priority=20,in_port=1,tcp,nw_src=10.1.0.1,tp_dst=92,actions=drop"
trace "$TCP,tp_dst=91"
says "the rule that would have won without it, and what the packet carries besides its frame" \
	'^ 0\. .*cookie 0x2c' '^    with metadata=0x5$' '^ 1\. .*cookie 0x34' \
	'^    \(before priority=3,tcp,tp_dst=91, cookie 0x35\)$'
trace "$TCP,tp_dst=92"
says "two rules of one priority that both match" '^ 0\. priority=20' \
	'^    \(matches too, of the same priority: priority=20,.*cookie 0x2[de]\)$'
for c in 0x2c/-1 0x2d/-1 0x2e/-1 0x35/-1; do ours del-flows "$S" "cookie=$c"; done

# ---- long frames ----
/usr/bin/python3 - "$DIR/long.pcap" <<'P'
import struct, sys
def udp(n):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + n, 0, 0, 64, 17, 0, bytes([10, 1, 0, 1]), bytes([10, 9, 9, 8]))
    return bytes.fromhex("0200000000020200000000010800") + ip + struct.pack("!HHHH", 1, 4000, 8 + n, 0) + bytes(n)
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, 1))
    for n in 1000, 8900, 65000:
        f.write(struct.pack("<IIII", 0, 0, 42 + n, 42 + n) + udp(n))
P
ours add-flow "$S" cookie=0x2f,priority=200,in_port=3,udp,actions=push_vlan:0x8100,set_field:4105-\>vlan_vid,output:5
"${PYTHON:-/usr/bin/python3}" "$(dirname "$0")/lib/mgmt.py" "$DIR/sw.sock" add big "vdev:net_null1,no-rx=1;mtu=9000" 5 >/dev/null
ours trace "$S" in_port=3 --pcap "$DIR/long.pcap" >"$DIR/out" 2>&1 || true
says "a frame of 8,942 bytes leaves by a port with jumbo frames, and its headers are told" \
	'leaves by 5, 1046 bytes: udp,dl_vlan=9,.*tp_dst=4000' '^Packet 2' \
	'leaves by 5, 8946 bytes: udp,dl_vlan=9,.*nw_dst=10.9.9.8.*tp_dst=4000' 'Verdict: 5' '^Packet 3' 'mtu_exceeded'
"${PYTHON:-/usr/bin/python3}" "$(dirname "$0")/lib/mgmt.py" "$DIR/sw.sock" del big >/dev/null
ours del-flows "$S" cookie=0x2f/-1

# ---- what is refused ----
wrong() # TEXT PATTERN FLOW
{
	if trace "$3"; then cp "$DIR/out" "$DIR/why"; not_ok "$1"; else says "$1" "$2"; fi
}
wrong "a port that is not there" 'no port 55' in_port=55
wrong "no port" 'in_port is missing' tcp
wrong "a field that no packet has" 'metadata is nothing that a packet brings along' in_port=1,metadata=1
wrong "a mask" 'nw_dst has a mask' in_port=1,ip,nw_dst=10.0.0.0/8
wrong "a tunnel id where there is no tunnel" 'port 1 is no tunnel' in_port=1,tun_id=5
wrong "fields of a packet that is given" 'dl_type: the packet is given' "in_port=1,ip,nw_dst=10.0.0.1,packet=$HEX"
wrong "a packet that is not hex" 'weft-ofctl: ' in_port=1,packet=xyz
refuse "a capture that is not there" ours trace "$S" in_port=1 --pcap "$DIR/none.pcap"
wrong "an unknown field" 'weft-ofctl: ' in_port=1,colour=blue

# ---- no mark is left ----
settled marks >"$DIR/after"
check "counters of flows, tables, ports, groups, meters and drops are as they were" \
	diff "$DIR/before" "$DIR/after"
refuse "no controller saw a packet" grep -q PACKET_IN "$DIR/monitor"

# ---- real packets fare the same ----
cat >"$DIR/send.py" <<'P'
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
def tcp(port, ttl):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, ttl, 6, 0, bytes([10, 1, 0, 1]), bytes([10, 1, 0, 2]))
    c = sum(struct.unpack("!10H", ip))
    c = (c & 0xffff) + (c >> 16)
    ip = ip[:10] + struct.pack("!H", ~c & 0xffff) + ip[12:]
    return bytes.fromhex("0200000000020200000000010800") + ip + struct.pack("!HHIIHHHH", 1000, port, 0, 0, 5 << 12, 1024, 0, 0) + bytes(6)
frame = tcp(int(sys.argv[1]), int(sys.argv[2]))
if len(sys.argv) > 3: # as long as this, and told
    frame += bytes(int(sys.argv[3]) - len(frame))
    print(frame.hex())
for _ in range(int(sys.argv[4]) if len(sys.argv) > 4 else 1):
    s.send(frame)
P
packet_ins() { grep -c PACKET_IN "$DIR/monitor" || true; }
sent() { ours dump-ports "$S" "$1" | sed -n 's/.*tx pkts=\([0-9]*\).*/\1/p'; }
received() { ours dump-ports "$S" 1 | sed -n 's/.*rx pkts=\([0-9]*\).*/\1/p'; }
more_than() { [ "$(received)" -gt "$1" ]; }
went() # WANT: $got is where it has left since $was and $ins
{
	got=
	for p in 1 2 3 4; do
		[ "$(sent $p)" = "${was[$p]}" ] || got=$got,$p
	done
	[ "$(packet_ins)" = "$ins" ] || got=$got,CONTROLLER
	got=${got#,}
	[ "$got" = "$1" ]
}
same() # DPORT TTL: where it leaves, in ascending order, is what the trace says
{
	local p want got="" ins rx
	declare -A was
	trace "$TCP,tp_dst=$1,nw_ttl=$2"
	want=$(verdict)
	case $want in drop*) want= ;; esac
	for p in 1 2 3 4; do was[$p]=$(sent $p); done
	ins=$(packet_ins) rx=$(received)
	in_space a "${PYTHON:-/usr/bin/python3}" "$DIR/send.py" "$1" "$2"
	until_true 20 more_than "$rx" || true
	went "$want" || until_true 20 went "$want" || true
	sleep 0.1 # nor is anything else
	went "$want" || true
	echo "trace: $want, packet: $got" >"$DIR/why"
	if [ "$want" = "$got" ]; then ok "TCP to port $1, TTL $2: leaves by '$got', as traced"; else not_ok "TCP to port $1, TTL $2"; fi
}
for dport in 80 81 82 83 84 85 86 87 88 99; do same $dport 64; done
same 86 1
same 89 64

# ---- the flow cache, from which the second of two equal packets is answered ----
cached() { sed -n 's/^Flow cache of packet thread [0-9]*: //p' "$DIR/out"; }
trace "$TCP,tp_dst=80,nw_ttl=64"
ours mod-flows "$S" "cookie=0x34/-1,table=1,actions=goto_table:9" # a new version of the tables
trace "$TCP,tp_dst=80,nw_ttl=64"
says "the flow cache is void after a change" '^Flow cache of packet thread 0: void since the tables changed'
for _ in 1 2; do
	rx=$(received)
	in_space a "${PYTHON:-/usr/bin/python3}" "$DIR/send.py" 80 64
	until_true 20 more_than "$rx" || true
done
sleep 0.1
trace "$TCP,tp_dst=80,nw_ttl=64"
says "... and answers what it has learned" '^Flow cache of packet thread 0: answers, with the 3 flows below' '^ 0\. ' '^ 1\. ' '^ 9\. '
trace "$TCP,tp_dst=81,nw_ttl=64"
says "... and nothing else" '^Flow cache of packet thread 0: no entry'
HEX=$(in_space a "${PYTHON:-/usr/bin/python3}" "$DIR/send.py" 89 64 700 6)
metered() { ours meter-stats "$S" meter=2 | grep -q 'packet_in_count:7'; }
until_true 20 metered || true
trace "in_port=1,packet=$HEX"
says "a meter that real packets have emptied is over its rate" 'meter 2: over the rate' '\(meter_band\)' '^Verdict: drop'

# ---- tunnels, on a switch of their own ----
switch weft tun --port up@1=vdev:net_null1,no-rx=1 --port vm@2=vdev:net_null2,no-rx=1 \
	--port "vx@3=vxlan:local=10.5.0.1/24,uplink=up,remote=flow,vni=flow"
S=$(sock tun)
ours add-flow "$S" "in_port=3,tun_id=5,actions=output:2"
ours add-flow "$S" "in_port=2,actions=set_field:10.5.0.9->tun_dst,set_field:7->tun_id,output:3"
trace in_port=3,tun_id=5,tun_src=10.5.0.9,arp
says "a packet out of a tunnel" '^ 0\. .*tun_id=0x5' '^Verdict: 2$'
trace in_port=3,tun_id=6,arp
says "... and of a network that no flow knows" '^Verdict: drop \(table_miss\)$'
# An endpoint announces itself twice, a second apart.
for _ in $(seq 200); do ours dump-ports "$S" 1 | grep -q 'tx pkts=2,' && break; sleep 0.1; done
ours dump-ports "$S" 1 | sed 's/duration=.*//' >"$DIR/before"
trace in_port=2,arp
says "a packet for a tunnel whose next hop nobody has asked for" 'output to 3' 'waits for the next hop of tunnel 3' \
	'^Verdict: nothing leaves$'
sleep 0.3
ours dump-ports "$S" 1 | sed 's/duration=.*//' >"$DIR/after"
check "... and nobody asks for it now" diff "$DIR/before" "$DIR/after"
MAC=$(ours dump-ports-desc "$S" 1 | grep -o 'addr:[0-9a-f:]*' | cut -d: -f2-)
HEX=$("${PYTHON:-/usr/bin/python3}" - "$MAC" <<'P'
import struct, sys
inner = bytes.fromhex("0200000000010200000000020806") + bytes(28)
udp = struct.pack("!HHHH", 50000, 4789, 16 + len(inner), 0) + struct.pack("!II", 0x08000000, 5 << 8) + inner
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([10, 5, 0, 9]), bytes([10, 5, 0, 1]))
c = sum(struct.unpack("!10H", ip))
c = (c & 0xffff) + (c >> 16)
ip = ip[:10] + struct.pack("!H", ~c & 0xffff) + ip[12:]
print((bytes.fromhex(sys.argv[1].replace(":", "")) + bytes.fromhex("0200000000090800") + ip + udp).hex())
P
)
trace "in_port=1,packet=$HEX"
says "a packet for the tunnel's own address is opened as any other" '^Packet: in_port=1,udp,.*tp_dst=4789' \
	'^ 0\. .*tun_id=0x5' 'leaves by 2, 42 bytes: arp' '^Verdict: 2$'
finish
