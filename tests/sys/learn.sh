#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: NX learn, fin_timeout and conjunction: as Open vSwitch has them
# learn, fin_timeout and conjunction, by Weft and by Open vSwitch: the same flows, the same frames; the flows
# that are there afterwards, and what arrived, must be the same.
#
#   a eth0 ---- pa 1 [               ]
#   b eth0 ---- pb 2 [ Weft, or      ]     each switch with hosts of its own: wa wb wc, oa ob oc
#   c eth0 ---- pc 3 [  Open vSwitch ]
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/lib/switch.sh"

PY=${PYTHON:-/usr/bin/python3}
dir=$DIR pids=()
. "$(dirname "$0")/lib/ovs.sh"

hosts() { # SWITCH-NAMESPACE PREFIX
	local n i=0
	space "$1"
	for n in a b c; do
		i=$((i + 1))
		space "$2$n"
		cable "$1" "p$n" "$2$n" eth0
		in_space "$2$n" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
		ip -n "$T-$2$n" link set eth0 address "02:00:00:00:00:0$i"
		ip -n "$T-$2$n" addr add "10.0.0.$i/24" dev eth0
	done
}
hosts weft w
hosts ovs o
switch weft sw --port pa@1=af_packet:pa --port pb@2=af_packet:pb --port pc@3=af_packet:pc
printf '#!/bin/sh\nexec ip netns exec %s %s "$@"\n' "$T-ovs" "$vswitchd" >"$DIR/vswitchd"
chmod +x "$DIR/vswitchd"
vswitchd=$DIR/vswitchd
ovs_start "br$$" >/dev/null
PIDS+=("${pids[@]}")
for p in a b c; do
	vsctl add-port "br$$" "p$p" -- set interface "p$p" ofport_request=$(($(printf '%d' "'$p") - 96))
done

target() { if [ "$1" = w ]; then sock sw; else echo "unix:$DIR/br$$.mgmt"; fi; }
ctl() { local s=$1 c=$2; shift 2; timeout 20 $OFCTL "$c" "$(target "$s")" "$@"; }
frames_at() { in_space "$1" cat /sys/class/net/eth0/statistics/rx_packets; }
load() { # flows from stdin into both
	cat >"$DIR/flows"
	for s in w o; do ctl $s del-flows; ctl $s add-flows "$DIR/flows"; done
}
listed() { # SWITCH TABLE: without what differs from run to run
	ctl "$1" dump-flows "table=$2" | grep cookie= |
		sed -E 's/duration=[^,]*, //; s/n_packets=[0-9]+, n_bytes=[0-9]+, //; s/ reset_counts//; s/(idle|hard)_age=[0-9]+, //g' | sort
}
same() { # TEXT TABLE [LINES]
	listed w "$2" >"$DIR/w.list"
	listed o "$2" >"$DIR/o.list"
	if diff "$DIR/w.list" "$DIR/o.list" >"$DIR/why" && [ "$(wc -l <"$DIR/w.list")" = "${3:-$(wc -l <"$DIR/w.list")}" ]; then
		ok "$1"
	else
		cat "$DIR/w.list" >>"$DIR/why"
		not_ok "$1"
	fi
}
listed_are() { [ "$(listed "$1" "$2" | wc -l)" = "$3" ]; } # SWITCH TABLE LINES
counted_are() { ctl "$1" dump-flows | grep "$2" | grep -q "n_packets=$3,"; } # SWITCH PATTERN PACKETS
# udp FROM-HOST SPORT TO DPORT [N]: datagrams; nobody need listen.
udp() { in_space "$1" "$PY" - "$2" "$3" "$4" "${5:-1}" <<'P'
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(sys.argv[1])))
for i in range(int(sys.argv[4])):
    s.sendto(b"x", (sys.argv[2], int(sys.argv[3])))
    time.sleep(0.05)
P
}
neighbours() { # who is where, so that no ARP is needed
	local s n i m
	for s in w o; do for n in a b c; do i=0
		for m in a b c; do i=$((i + 1)); ip -n "$T-$s$n" neigh replace "10.0.0.$i" lladdr "02:00:00:00:00:0$i" dev eth0 2>/dev/null || true; done
	done; done
}

# ---- MAC learning: what is unknown is flooded, what was seen is not ----
load <<'F'
table=0,actions=learn(table=10,hard_timeout=60,priority=1,cookie=0x5,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),goto_table:10
table=10,priority=0,actions=flood
F
for s in w o; do
	before=$(frames_at ${s}c)
	check "$s: ping by learned addresses" in_space ${s}a ping -c 10 -i 0.1 -W 20 10.0.0.2
	flooded=$(($(frames_at ${s}c) - before))
	echo "# $s: c saw $flooded frames that were not its own"
	[ $s = w ] || continue
	check "no more than the first frames are flooded" [ $flooded -le 6 ]
done
same "the same addresses are learned" 10 3

# A host that moves is found where it is now.
neighbours
for s in w o; do
	in_space ${s}c "$PY" - <<'P'
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
for i in range(2):
    s.send(bytes.fromhex("02000000000202000000000188b5") + bytes(46))
P
done
for s in w o; do
	check "$s: a moved address" until_true 20 eval "ctl $s dump-flows table=10 | grep -q 'dl_dst=02:00:00:00:00:01 actions=output:3'"
done

# ---- Pinholes: who was spoken to may answer, and nobody else ----
load <<'F'
table=0,priority=10,in_port=1,udp,actions=learn(table=20,idle_timeout=60,priority=10,send_flow_rem,eth_type=0x800,nw_proto=17,NXM_OF_IP_SRC[]=NXM_OF_IP_DST[],NXM_OF_IP_DST[]=NXM_OF_IP_SRC[],NXM_OF_UDP_DST[]=NXM_OF_UDP_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG1[0..15],load:0x7->NXM_NX_REG2[],output:NXM_OF_IN_PORT[]),output:2
table=0,priority=9,in_port=2,udp,actions=goto_table:20
F
neighbours
for s in w o; do
	before=$(frames_at ${s}a)
	udp ${s}b 21 10.0.0.1 2000
	udp ${s}a 2000 10.0.0.2 21
	until_true 20 listed_are $s 20 1 || true
	udp ${s}b 22 10.0.0.1 2000 3
	udp ${s}b 22 10.0.0.1 2001 3
	until_true 20 counted_are $s 'priority=9,udp,in_port=2' 7 || true # one before the others
	sleep 0.3
	echo $(($(frames_at ${s}a) - before)) >"$DIR/$s.got"
done
check "answers pass, what nobody asked for does not" [ "$(cat "$DIR/w.got")" = 3 ]
check "... as with Open vSwitch" cmp "$DIR/w.got" "$DIR/o.got"
same "the same pinhole" 20 1

# ---- Stickiness: a client stays with the server that it came to first ----
# Table 1 chooses: what has changed there since does not concern who came before.
load <<'F'
table=0,priority=5,in_port=1,udp,actions=resubmit(,30),resubmit(,1)
table=30,priority=0,actions=load:0->NXM_NX_REG0[]
table=1,priority=10,reg0=2,actions=2
table=1,priority=10,reg0=3,actions=3
table=1,priority=5,udp,actions=learn(table=30,priority=7,eth_type=0x800,nw_proto=17,NXM_OF_UDP_SRC[],load:0x2->NXM_NX_REG0[]),2
F
neighbours
for s in w o; do
	udp ${s}a 5001 10.0.0.2 53
	until_true 20 listed_are $s 30 2 || true
	ctl $s mod-flows --strict 'table=1,priority=5,udp,actions=learn(table=30,priority=7,eth_type=0x800,nw_proto=17,NXM_OF_UDP_SRC[],load:0x3->NXM_NX_REG0[]),3'
	udp ${s}a 5001 10.0.0.2 53 3
	udp ${s}a 5002 10.0.0.2 53 3
	until_true 20 listed_are $s 30 3 || true
done
same "who came first stays, who came later goes elsewhere" 30 3

# ---- A limit, delete_learned ----
load <<'F'
table=0,in_port=1,udp,actions=learn(table=40,cookie=0x77,limit=2,delete_learned,priority=7,eth_type=0x800,nw_proto=17,NXM_OF_UDP_SRC[])
F
neighbours
for s in w o; do n=0; for p in 6001 6002 6003; do udp ${s}a $p 10.0.0.2 53; n=$((n + 1)); until_true 20 counted_are $s in_port=1 $n || true; done; done
same "no more than the limit" 40 2
for s in w o; do ctl $s del-flows table=0; until_true 20 listed_are $s 40 0 || true; done
same "with the action go the flows that it learned" 40 0

# ---- fin_timeout ----
load <<'F'
table=0,priority=10,tcp,in_port=1,actions=fin_timeout(idle_timeout=40,hard_timeout=300),2
table=0,priority=10,tcp,in_port=2,idle_timeout=400,actions=fin_timeout(idle_timeout=50),1
F
neighbours
for s in w o; do
	in_space ${s}a "$PY" - <<'P'
import socket
def tcp(flags):
    ip = bytes.fromhex("450000280000400040060000") + bytes([10, 0, 0, 1, 10, 0, 0, 2])
    return bytes.fromhex("0200000000020200000000010800") + ip + bytes.fromhex("13881389" + "00" * 8 + "50%02x" % flags + "00" * 6) + bytes(6)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
s.send(tcp(0x10))
s.send(tcp(0x11))
P
done
lowered() { listed $1 0 | grep -q 'idle_timeout=40, hard_timeout=300,'; }
for s in w o; do until_true 20 lowered $s || true; done
listed w 0 >"$DIR/flows"
check "a FIN lowers the timeouts of the flow that it meets" grep -q 'idle_timeout=40, hard_timeout=300,' "$DIR/flows"
same "... as with Open vSwitch" 0

# ---- a barrier waits for what packet-outs have learned (6.2) ----
load </dev/null
frame=0202000000010202000000020800
late=0
for i in $(seq 20); do # ovs-ofctl asks for a barrier before it ends
	ctl w packet-out "in_port=1 packet=$frame$(printf '%092d' 0) actions=learn(table=9,priority=$i,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])"
	[ "$(ctl w dump-flows table=9 | grep -c "priority=$i,")" = 1 ] || late=$((late + 1))
done
echo "$late of 20" >"$DIR/why"
check "a flow learned from a packet-out is there behind its barrier" [ $late = 0 ]

# ---- conjunction ----
load <<'F'
priority=10,conj_id=1234,actions=2
priority=10,conj_id=77,actions=3
priority=10,ip,nw_src=10.0.0.1,actions=conjunction(1234,1/2),conjunction(77,1/2)
priority=10,ip,nw_src=10.0.0.3,actions=conjunction(1234,1/2)
priority=10,udp,tp_dst=53,actions=conjunction(1234,2/2)
priority=10,udp,tp_dst=54,actions=conjunction(77,2/2)
priority=1,actions=drop
F
neighbours
for s in w o; do
	before="$(frames_at ${s}b) $(frames_at ${s}c)"
	udp ${s}a 1 10.0.0.2 53 4
	udp ${s}a 1 10.0.0.2 54 3
	udp ${s}a 1 10.0.0.2 55 2
	until_true 20 counted_are $s conj_id=1234 4 || true
	until_true 20 counted_are $s conj_id=77 3 || true
	sleep 0.5 # nor does more come
	set -- $before
	echo $(($(frames_at ${s}b) - $1)) $(($(frames_at ${s}c) - $2)) >"$DIR/$s.got"
	ctl $s dump-flows | grep -o 'n_packets=[0-9]*.*conj.*' | sed 's/n_bytes=[0-9]*, //' | sort >"$DIR/$s.list"
done
cp "$DIR/w.got" "$DIR/why"
check "each port by its conjunctive flow" [ "$(cat "$DIR/w.got")" = "4 3" ]
check "... as with Open vSwitch" cmp "$DIR/w.got" "$DIR/o.got"
diff "$DIR/w.list" "$DIR/o.list" >"$DIR/diff" && same_counts=1 || same_counts=0
cp "$DIR/diff" "$DIR/why"
[ $same_counts = 1 ] && ok "the flows with conj_id have the counts" || not_ok "the flows with conj_id have the counts"
finish
