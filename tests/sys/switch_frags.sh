#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.3.2 Switch configuration: fragments normal, dropped, reassembled
# OFPC_FRAG_NORMAL, _DROP and _REASM (7.3.2): what real hosts and hostile ones see of each.
#
#   a eth0 10.7.0.1 fd07::1 --- va 1 [             ] 2 vb --- eth0 10.7.0.2 fd07::2 b
#                     t out -- vt 3 [ weft-switch ] 4 vr --- in t
#                  (scapy)          [             ] 5 vj --- eth0 10.7.0.3 j (MTU 9000)
#                                   [             ] 6 vu --- k0 192.0.2.2 k (the kernel's VXLAN)
#                                    7 vx: VNI 42 ========== vxlan42 10.7.0.4 fd07::4 (MTU 1450)
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/lib/switch.sh"

LIB=$(cd "$(dirname "$0")" && pwd)/lib
PYTHON=${PYTHON:-/usr/bin/python3}
OURS="timeout 20 $B/weft-ofctl"
for n in a b j k t weft; do space $n; done
cable weft va a eth0
cable weft vb b eth0
cable weft vt t out
cable weft vr t in
cable weft vj j eth0
cable weft vu k k0
ip -n "$T-weft" link set vj mtu 9000
ip -n "$T-j" link set eth0 mtu 9000
host() # NAME NUMBER [IF]
{
	local dev=${3:-eth0}
	ip -n "$T-$1" addr add "10.7.0.$2/24" dev "$dev"
	in_space "$1" sysctl -qw "net.ipv6.conf.$dev.disable_ipv6=0"
	ip -n "$T-$1" addr add "fd07::$2/64" dev "$dev" nodad
	in_space "$1" sysctl -qw net.ipv4.ipfrag_time=2 net.ipv6.ip6frag_time=2
}
host a 1
host b 2
host j 3
in_space k ip addr add 192.0.2.2/24 dev k0
in_space k ip link add vxlan42 type vxlan id 42 dstport 4789 dev k0 local 192.0.2.2 remote 192.0.2.1
in_space k ip link set vxlan42 up
in_space k ethtool -K vxlan42 tx off >/dev/null 2>&1 || true
host k 4 vxlan42
for i in out in; do in_space t sysctl -qw net.ipv6.conf.$i.disable_ipv6=1; done
switch weft sw --port va@1=af_packet:va --port vb@2=af_packet:vb --port vt@3=af_packet:vt \
	--port vr@4=af_packet:vr --port "vj@5=af_packet:vj;mtu=9000" --port vu@6=af_packet:vu \
	--port vx@7=vxlan:local=192.0.2.1/24,uplink=vu,remote=192.0.2.2,vni=42
S=$(sock sw)

mode() { $OURS set-frags "$S" "$1"; }
dropped() # NAME: how many
{
	$PYTHON "$LIB/mgmt.py" "$DIR/sw.sock" stats | awk -v n="$1" '$1 == n { print $2; f = 1 } END { if (!f) print 0 }'
}
# more NAME TEXT COMMAND...: the command succeeds, and drops of that name have become more.
more()
{
	local name=$1 text=$2 was
	shift 2
	was=$(dropped "$name")
	if "$@" >"$DIR/why" 2>&1 && [ "$(dropped "$name")" -gt "$was" ]; then
		ok "$text"
	else
		echo "$name: $was, then $(dropped "$name")" >>"$DIR/why"
		not_ok "$text"
	fi
}
# Who says that nothing comes back sets WAIT.
ping4() { in_space a ping -c 1 -W "${WAIT:-10}" -s "$1" "10.7.0.${2:-2}"; }
ping6() { in_space a ping -6 -c 1 -W "${WAIT:-10}" -s "$1" "fd07::${2:-2}"; }
# udp FAMILY ADDRESS BYTES: a datagram from a to port 4000, and back.
udp()
{
	$PYTHON - "$T" "$@" <<'P'
import ctypes, os, socket, sys
t, family, addr, n = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
libc = ctypes.CDLL(None, use_errno=True)
def sock(space, bind):
    fd = os.open(f"/var/run/netns/{t}-{space}", os.O_RDONLY)
    if libc.setns(fd, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)
    s = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(float(os.environ.get("WAIT", 10)))
    s.bind(bind)
    return s
b = sock("b", (addr, 4000))
a = sock("a", ("fd07::1" if family == 6 else "10.7.0.1", 4000))
data = os.urandom(n)
a.sendto(data, (addr, 4000))
got, who = b.recvfrom(65536)
assert got == data, "other bytes"
b.sendto(data, who)
assert a.recvfrom(65536)[0] == data
P
}
hostile() { timeout 60 ip netns exec "$T-t" $PYTHON "$LIB/frags.py" out in "$@" >"$DIR/hostile" 2>"$DIR/why" || true; }
came() { grep "^$1 " "$DIR/hostile" >"$DIR/why"; grep -q ' ok$' "$DIR/why"; } # CASE: as it should

# Flows that know ports: of fragments only the first has them.
cat >"$DIR/flows" <<'F'
priority=10,udp,tp_dst=4000,nw_frag=no,in_port=1,actions=output:2
priority=10,udp,tp_dst=4000,nw_frag=no,in_port=2,actions=output:1
priority=10,udp6,tp_dst=4000,ip_frag=no,in_port=1,actions=output:2
priority=10,udp6,tp_dst=4000,ip_frag=no,in_port=2,actions=output:1
priority=9,udp,in_port=1,actions=drop
priority=9,udp,in_port=2,actions=drop
priority=9,udp6,in_port=1,actions=drop
priority=9,udp6,in_port=2,actions=drop
priority=5,udp,in_port=3,tp_dst=4000,actions=output:4
priority=5,udp6,in_port=3,tp_dst=4000,actions=output:4
priority=4,in_port=3,actions=drop
priority=4,in_port=4,actions=drop
priority=3,in_port=6,actions=drop
priority=1,actions=NORMAL
F
$OURS add-flows "$S" "$DIR/flows"

# ---- normal ----
check "the switch says that it can reassemble" bash -c "$OURS show $S | grep -q IP_REASM"
check "normal: the mode" test "$($OURS get-frags "$S")" = normal
for n in 3000 8000 60000; do
	check "normal: a ping of $n bytes passes in fragments" ping4 $n
	check "normal: ... IPv6" ping6 $n
done
check "normal: a UDP datagram in one piece meets its flow" udp 4 10.7.0.2 1000
WAIT=1 refuse "normal: fragments do not have the port" udp 4 10.7.0.2 3000
WAIT=1 refuse "normal: ... IPv6" udp 6 fd07::2 3000
$OURS add-flow "$S" table=9,priority=7,udp,tp_dst=0,actions=output:2
$OURS add-flow "$S" cookie=0x9,priority=30,in_port=3,udp,nw_frag=later,nw_dst=10.7.0.9,actions=goto_table:9
$OURS trace "$S" "in_port=3,udp,nw_frag=later,nw_dst=10.7.0.9" >"$DIR/out" 2>&1 || true
cp "$DIR/out" "$DIR/why"
check "normal: a later fragment does not match port 0 (7.3.2), and the trace says why" \
	bash -c "grep -q table_miss '$DIR/out' && grep -q 'tp_dst' '$DIR/out'"
check "normal: ... which the flow's text does not show" test "$($OURS dump-flows "$S" table=9 | grep -c 'priority=7,udp,tp_dst=0 actions')" = 1
$OURS --strict del-flows "$S" table=9,priority=7,udp,tp_dst=0
check "normal: ... and which is deleted by what it says" test "$($OURS dump-flows "$S" table=9 | grep -c priority=7)" = 0
$OURS del-flows "$S" cookie=0x9/-1
sleep 2.2 # what the hosts have begun to put together is forgotten

# ---- drop ----
mode drop
check "drop: the mode" test "$($OURS get-frags "$S")" = drop
WAIT=1 refuse "drop: a ping of 3000 bytes" ping4 3000
WAIT=1 refuse "drop: ... IPv6" ping6 3000
check "drop: one without fragments" ping4 1000
check "drop: counted" test "$(dropped fragment)" -ge 4

# ---- reassemble ----
$OFCTL set-frags "$S" reassemble
check "reassemble: the mode, set by ovs-ofctl" test "$($OURS get-frags "$S")" = reassemble
check "reassemble: ovs-ofctl sees it" test "$($OFCTL get-frags "$S")" = reassemble
for n in 1000 3000 8000 60000; do
	check "reassemble: a ping of $n bytes" ping4 $n
	check "reassemble: ... IPv6" ping6 $n
	check "reassemble: a UDP datagram of $n bytes meets the flow of its port" udp 4 10.7.0.2 $n
	check "reassemble: ... IPv6" udp 6 fd07::2 $n
done
check "reassemble: the longest datagram that there is" udp 4 10.7.0.2 65507
check "reassemble: ... IPv6" udp 6 fd07::2 65527
check "reassemble: to a host with jumbo frames, and back" ping4 30000 3
check "reassemble: ... IPv6" ping6 30000 3
check "reassemble: through a tunnel" ping4 8000 4
check "reassemble: ... IPv6, which nobody else on the way may fragment" ping6 8000 4
$OURS trace "$S" "in_port=1,udp,tp_dst=4000,nw_frag=first" >"$DIR/out" 2>&1 || true
check "trace: a fragment waits" grep -q 'waits for the rest' "$DIR/out"
good="in_order out_of_order tags options extension_headers snap padded tiny duplicate"
bad="overlap teardrop other_bytes two_ends ping_of_death malformed missing"
hostile $good
for c in $good; do check "fragments that make a whole: $c" came $c; done
check "... an exact copy is dropped, and counted" test "$(dropped reassembly_duplicate)" -ge 2
hostile $bad
for c in $bad; do check "fragments that do not: $c" came $c; done
check "... overlaps are counted" test "$(dropped reassembly_overlap)" -ge 12
check "... and what would be too big" test "$(dropped reassembly_too_big)" -ge 2
check "... and what is malformed" test "$(dropped reassembly_invalid)" -ge 6
more reassembly_off "what waits when the mode changes is freed, and counted" mode normal
balanced() # rx + created = tx + consumed + drops
{
	$PYTHON "$LIB/mgmt.py" "$DIR/sw.sock" stats | awk 'NR == 1 { print; exit !($1 > 0 && $1 + $2 == $3 + $4 + $5) }'
}
check "... and the books balance" balanced
mode reassemble
check "it works after being switched off and on" ping4 8000

# ---- a flood of first fragments, which nothing completes ----
in_space t $PYTHON - <<'P'
import socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("out", 0))
def csum(b):
    n = sum(struct.unpack("!10H", b))
    n = (n & 0xffff) + (n >> 16)
    return ~((n & 0xffff) + (n >> 16)) & 0xffff
for i in range(8000):
    h = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 1420, i, 0x2000, 64, 17, 0, bytes([10, 8, i >> 8, i & 255]), bytes([10, 7, 0, 2]))
    h = h[:10] + struct.pack("!H", csum(h)) + h[12:]
    s.send(bytes.fromhex("02000000000b02000000000a0800") + h + bytes(1400))
P
flooded() { [ "$(dropped reassembly_full)" -gt 100 ]; }
check "a flood on one port makes room for itself" until_true 20 flooded
check "... and others do not feel it" ping4 30000
check "... IPv6" ping6 30000
finish
