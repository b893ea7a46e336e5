#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: NX ct: a stateful firewall, limits and timeouts of zones, a flood
# Connection tracking on a running switch, as its operator sees it: a stateful firewall, what is shown of its
# connections, how they are forgotten, limited and timed, and a flood that fills one zone and leaves the other alone.
#
#   a eth0 10.1.0.1 --- va [ weft-switch ] vb --- eth0 10.1.0.2 b
#
#   10.1.0.0/24 is tracked in zone 1, fc01::/64 in zone 3, 11.0.0.0/8 (nobody's: the flood) in zone 2
set -eu
. "$(dirname "$0")/lib/switch.sh"

CTL="$B/weftctl switch"
WOFCTL=$B/weft-ofctl
space a
space b
space weft
cable weft va a eth0
cable weft vb b eth0
for side in "a 1" "b 2"; do
	set -- $side
	in_space "$1" ip addr add "10.1.0.$2/24" dev eth0
	in_space "$1" ip addr add "fc01::$2/64" dev eth0 nodad
done
printf 'ct-zone:\n  - 21:limit=3\n  - 22:udp_first=7,tcp_established=70\n' >"$DIR/sw.yaml"
switch weft sw --config "$DIR/sw.yaml" --ct-zone 23:limit=4 --ct-max-connections 4096 --port va@1=af_packet:va --port vb@2=af_packet:vb
SW=$(sock sw)
weft() { "$WOFCTL" "$1" "$SW" "${@:2}"; }
conns() { weft dump-conntrack "$@" | wc -l; }
eq() { [ "$("${@:2}")" = "$1" ]; }

check "before any flow with ct() there is no table" bash -c "'$WOFCTL' ct-stats '$SW' | grep -q 'not made yet'"
refuse "one of no connections is none" weft ct-set-maxconns 0
check "... nor is one of more than there can be" bash -c "! '$WOFCTL' ct-set-maxconns '$SW' 268435457 2>'$DIR/why' && grep -q 268435456 '$DIR/why'"
refuse "... or than a number can say" weft ct-set-maxconns 4294967296
check "... and the size is as it was, the table not made" bash -c "'$WOFCTL' ct-stats '$SW' | grep -q 'not made yet' && [ \"\$('$WOFCTL' ct-get-maxconns '$SW')\" = 4096 ]"
flows sw "priority=1,arp,actions=NORMAL" "priority=1,icmp6,icmp_type=135,actions=NORMAL" "priority=1,icmp6,icmp_type=136,actions=NORMAL" \
	"priority=3,ip,nw_src=11.0.0.0/8,actions=ct(zone=2,table=2)" \
	"priority=2,ip,actions=ct(zone=1,table=1)" "ipv6,priority=0,actions=ct(zone=3,table=3)" \
	"table=1,in_port=1,ip,ct_state=+new+trk,actions=ct(commit,zone=1,exec(set_field:0x17->ct_mark,set_field:0xabcd->ct_label)),output:2" \
	"table=1,in_port=1,ip,ct_state=+est+trk,actions=output:2" \
	"table=1,in_port=2,ip,ct_state=+est+trk,ct_mark=0x17,actions=output:1" \
	"table=2,ip,ct_state=+new+trk,actions=ct(commit,zone=2),output:2" \
	"table=3,in_port=1,ipv6,ct_state=+new+trk,actions=ct(commit,zone=3),output:2" \
	"table=3,ipv6,ct_state=+est+trk,in_port=1,actions=output:2" "table=3,ipv6,ct_state=+est+trk,in_port=2,actions=output:1"

# ---- a firewall ----
check "a reaches b" in_space a ping -c 2 -i 0.2 -W 20 10.1.0.2
refuse "... b does not reach a" in_space b ping -c 1 -W 1 10.1.0.1
check "... over IPv6, a reaches b" in_space a ping -c 2 -i 0.2 -W 20 fc01::2
refuse "... and b not a" in_space b ping -c 1 -W 1 fc01::1
check "what comes in fragments is put together, judged, and leaves in fragments" in_space a ping -c 2 -i 0.2 -W 20 -s 4000 10.1.0.2
check "... over IPv6, too" in_space a ping -c 2 -i 0.2 -W 20 -s 4000 fc01::2

# ---- what is shown ----
weft dump-conntrack zone=1 >"$DIR/out"
check "dump-conntrack, in Open vSwitch's words" grep -qE \
	'^icmp,orig=\(src=10\.1\.0\.1,dst=10\.1\.0\.2,id=[0-9]+,type=8,code=0\),reply=\(src=10\.1\.0\.2,dst=10\.1\.0\.1,id=[0-9]+,type=0,code=0\),zone=1,mark=23,labels=0xabcd$' "$DIR/out"
check "... of a zone, nothing of another" bash -c "! grep -v zone=1, '$DIR/out'"
check "... of IPv6" bash -c "'$WOFCTL' dump-conntrack '$SW' zone=3 | grep -q '^icmpv6,orig=(src=fc01::1,dst=fc01::2,'"
check "-mm tells more" bash -c "'$WOFCTL' -mm dump-conntrack '$SW' | grep -qE 'packets=2\).*status=SEEN_REPLY,age=[0-9]+,timeout=[0-9]+'"
check "dump-conntrack of a tuple" bash -c "'$WOFCTL' dump-conntrack '$SW' ct_nw_dst=10.1.0.2,ct_nw_proto=1 | grep -c icmp, | grep -qx 2"
check "... that nobody has" eq 0 conns ct_nw_dst=10.1.0.3
refuse "... that is none" weft dump-conntrack ct_nw_dst=x
check "ct-stats counts by protocol and zone" bash -c "'$WOFCTL' ct-stats '$SW' | tr '\n' ';' | grep -qi 'icmp: 2;.*icmpv6: 2;.*zone=1: connections=2,limit=none'"
check "trace says what the connection is" bash -c "'$WOFCTL' trace '$SW' in_port=1,udp,nw_src=10.1.0.1,nw_dst=10.1.0.2,tp_src=1,tp_dst=2 | grep -q 'ct: zone 1: new; goes on in table 1'"
check "... and commits nothing" eq 0 conns ct_nw_proto=17
check "weftctl shows them, too" bash -c "$CTL conntrack sw -o json | grep -q '\"protocol\": \"icmp\"'"
check "... and the zones" bash -c "$CTL conntrack-zones sw | grep -qE '^ *1 +2 '"

check "weftctl switch events: each count, with its meaning" bash -c "$CTL events sw | grep -qE '^ *0 +stack_empty +pops'"

weft add-flow "in_port=controller,udp,actions=pop:NXM_NX_REG0[],learn(table=9,eth_type=0x800,nw_proto=17,NXM_OF_UDP_SRC[])"
UDP=ffffffffffff0200000000010800450000200000000040110000 # ... from 10.1.0.1 port 7 to 10.1.0.2 port 9, without checksums
UDP=${UDP}0a0100010a01000200070009000c000001020304
check "... a packet is sent" weft packet-out "in_port=controller packet=$UDP actions=table"
event() { $CTL events sw -o json | tr -d '\n ' | grep -o "\"count\":[0-9]*,\"event\":\"$1\"\|\"event\":\"$1\",\"count\":[0-9]*" | tr -dc 0-9; }
check "... whose pop found nothing" until_true 20 eq 1 event stack_empty
check "... and from which a flow was learned" until_true 20 eq 1 event learn_added

weft ct-get-limits zone=21,22,23 >"$DIR/out" 2>&1 || true
check "limits that the command line and the configuration file say" bash -c "grep -q '^zone=21,limit=3' '$DIR/out' && grep -q '^zone=23,limit=4' '$DIR/out'"
check "... and timeouts" bash -c "'$WOFCTL' ct-get-timeouts '$SW' zone=22 | grep -cE '(tcp_established=70|udp_first=7|icmp_first=60)\$' | grep -qx 3"
# wrong ZONE: the switch does not start, and says why
wrong() { ! timeout 60 "$B/weft-switch" --ct-zone "$1" >"$DIR/out" 2>&1 </dev/null && grep -q "ct-zone '$1': .* right" "$DIR/out"; }
for z in 5 5: 65536:limit=1 5:limit=x 5:limit=1,limit=2 5:lunch=3 5:udp_first=0 5:udp_first=99999999; do
	check "--ct-zone $z is refused in words" wrong "$z"
done

# ---- forgotten ----
check "flush-conntrack of a zone" weft flush-conntrack zone=1
check "... takes its connections" eq 0 conns zone=1
check "... and no other's" eq 2 conns zone=3
check "ovs-ofctl ct-flush-zone" $OFCTL ct-flush-zone "$SW" 3
check "... takes its connections" until_true 20 eq 0 conns zone=3
udp() # FROM TO: one datagram from a to b for each port
{
	in_space a /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.1.0.1", 4000))
for p in range(int(sys.argv[1]), int(sys.argv[2])):
    s.sendto(b"x", ("10.1.0.2", p))' "$1" "$2"
}
udp 5000 5010
check "ten datagrams to ten ports are ten connections" until_true 20 eq 10 conns ct_nw_proto=17
check "ovs-ofctl ct-flush of a part of a tuple" $OFCTL ct-flush "$SW" zone=1 ct_nw_proto=17,ct_tp_dst=5003
check "... takes that one" until_true 20 eq 9 conns ct_nw_proto=17
check "flush-conntrack of a whole tuple" weft flush-conntrack zone=1 ct_nw_src=10.1.0.1,ct_nw_dst=10.1.0.2,ct_nw_proto=17,ct_tp_src=4000,ct_tp_dst=5004
check "... takes that one" eq 8 conns ct_nw_proto=17
check "flush-conntrack of a part" weft flush-conntrack ct_tp_src=4000
check "... takes the rest" eq 0 conns ct_nw_proto=17
refuse "--read-only flushes nothing" "$WOFCTL" --read-only flush-conntrack "$SW"

# ---- traced through NAT ----
weft add-flow "table=0,priority=5,udp,tp_dst=7777,actions=ct(zone=21,nat,table=11)"
weft add-flow "table=0,priority=5,udp,in_port=2,nw_dst=192.0.2.1,actions=ct(zone=21,nat,table=12)"
weft add-flow "table=11,priority=5,udp,ct_state=+new,actions=ct(commit,zone=21,nat(src=192.0.2.1:4000-4010),table=12)"
weft add-flow "table=11,priority=4,udp,ct_state=+est,actions=resubmit(,12)"
weft add-flow "table=12,priority=5,udp,nw_src=192.0.2.1,actions=output:2"
weft add-flow "table=12,priority=5,udp,nw_dst=10.1.0.1,actions=output:1"
# told PATTERN FLOW: a trace says so; the table is not changed by it.
told() { local was; was=$(conns zone=21); timeout 20 "$WOFCTL" trace "$SW" "$2" >"$DIR/out" 2>&1; grep -qE -- "$1" "$DIR/out" && eq "$was" conns zone=21; }
OUT=in_port=1,udp,nw_src=10.1.0.1,nw_dst=10.1.0.2,tp_src=4005,tp_dst=7777
BACK=in_port=2,udp,nw_src=10.1.0.2,nw_dst=192.0.2.1,tp_src=7777,tp_dst=4005
check "a trace of a new connection: what nat() would choose" told \
	'^        translates 10\.1\.0\.1:4005 to 10\.1\.0\.2:7777, into 192\.0\.2\.1:4005 to 10\.1\.0\.2:7777 \(as it would be chosen now\)$' "$OUT"
check "... the tables behind see it" grep -q '^Verdict: 2$' "$DIR/out"
check "... and how long it would last" grep -qE 'zone 21: new, source translated; would be committed, udp_first [0-9]+ s; goes on in table 12' "$DIR/out"
check "... of an answer to nothing: nothing" told '^Verdict: drop' "$BACK"
for port in 4005 4006 4007; do
	in_space a /usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.1.0.1", int(sys.argv[1])))
s.sendto(b"x", ("10.1.0.2", 7777))' "$port"
done
check "three are made, as many as zone 21 may have" until_true 20 eq 3 conns zone=21
check "... an answer is translated back" told 'translates 10\.1\.0\.2:7777 to 192\.0\.2\.1:4005, into 10\.1\.0\.2:7777 to 10\.1\.0\.1:4005$' "$BACK"
check "... and reaches the host" grep -q '^Verdict: 1$' "$DIR/out"
check "... and the connection's own packet" told 'translates 10\.1\.0\.1:4005 .* into 192\.0\.2\.1:4005 to 10\.1\.0\.2:7777$' "$OUT"
check "a trace of a fourth: the zone's limit" told 'dropped: .*\(ct_zone_full\)' "${OUT/4005/4008}"
check "... which nobody counts" bash -c "! $CTL drops sw | grep -q ct_zone_full"
weft ct-set-limits zone=21,limit=100
weft add-flow "table=11,priority=5,udp,ct_state=+new,actions=ct(commit,zone=21,nat(src=192.0.2.1:4005-4007),table=12)"
check "... and of a range that is used up" told 'dropped: .*\(ct_nat_exhausted\)' "${OUT/4005/4008}"
weft flush-conntrack zone=21

# ---- limited and timed ----
check "a limit is set" weft ct-set-limits default=500 zone=1,limit=5
weft ct-get-limits zone=1,9 >"$DIR/out"
check "... and shown" bash -c "grep -qx 'default limit=500' '$DIR/out' && grep -q '^zone=1,limit=5,' '$DIR/out' && grep -q '^zone=9,limit=500,count=0' '$DIR/out'"
udp 6000 6020
check "20 new connections where 5 may be are 5" until_true 20 eq 5 conns zone=1
check "... 15 were refused, and the zone is marked" until_true 20 bash -c "'$WOFCTL' ct-stats '$SW' zone=1 | grep -qE 'zone=1: .*refused_at_limit=15 \(FULL\)'"
check "... and counted as dropped" bash -c "$CTL drops sw | grep -qE '^ *15 +ct_zone_full'"
check "ct-del-limits" weft ct-del-limits zone=1
udp 6000 6020
check "... and all 20 are" until_true 20 eq 20 conns zone=1
refuse "a zone that is none" weft ct-set-limits zone=65536,limit=1
check "timeouts of a zone" weft ct-set-timeouts zone=1 udp_first=1 udp_single=1
check "... are shown" bash -c "'$WOFCTL' ct-get-timeouts '$SW' zone=1 | grep -q 'udp_first=1$'"
udp 6000 6020
check "... and hold" until_true 20 eq 0 conns zone=1
refuse "a timeout that is none" weft ct-set-timeouts sctp_lunch=1
check "ct-tcp-seq-chk off" weft ct-tcp-seq-chk off
check "... is shown" bash -c "'$WOFCTL' ct-tcp-seq-chk '$SW' | grep -q disabled"
check "... and on again" weft ct-tcp-seq-chk on
check "the size of the table" eq 4096 weft ct-get-maxconns
refuse "... stays, once it is made" weft ct-set-maxconns 8192

# ---- a flood ----
check "timeouts as they were" weft ct-set-timeouts zone=1 udp_first=0 udp_single=0
cat >"$DIR/echo.py" <<'PY'
"""b's echo, one line at a time, until a closes."""
import socket
s = socket.create_server(("10.1.0.2", 7000))
print("ready", flush=True)
while True:
    c, _ = s.accept()
    while (d := c.recv(100)):
        c.sendall(d)
PY
cat >"$DIR/flood.py" <<'PY'
"""SYNs of nobody's until a line comes in."""
import random, select, socket, struct, sys
def total(b):
    n = sum(struct.unpack(f"!{len(b) // 2}H", b))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return ~n & 0xffff
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
mac = bytes.fromhex(sys.argv[1].replace(":", ""))
n = 0
while n < 3000 or not select.select([sys.stdin], [], [], 0)[0]:
    src = struct.pack("!I", 11 << 24 | random.getrandbits(24))
    dst = bytes([10, 1, 0, 2])
    tcp = struct.pack("!HHIIHHHH", random.randrange(1024, 65535), 80, random.getrandbits(32), 0, 0x5002, 1000, 0, 0)
    tcp = tcp[:16] + struct.pack("!H", total(src + dst + struct.pack("!HH", 6, 20) + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, n & 0xffff, 0, 64, 6, 0) + src + dst
    ip = ip[:10] + struct.pack("!H", total(ip)) + ip[12:]
    try:
        s.send(mac + bytes.fromhex("02000000000a0800") + ip + tcp)
    except OSError:
        pass
    n += 1
print(n)
PY
ip netns exec "$T-b" /usr/bin/python3 "$DIR/echo.py" >"$DIR/echo" &
PIDS+=($!)
check "an echo server waits on b" until_true 20 grep -q ready "$DIR/echo"
MAC=$(in_space b cat /sys/class/net/eth0/address)
cat >"$DIR/during.py" <<'PY'
"""A connection of before the flood and one from within it, while the flood goes on."""
import os, socket, subprocess, sys
old = socket.create_connection(("10.1.0.2", 7000), timeout=20)
def works(s):
    s.sendall(b"hello")
    return s.recv(100) == b"hello"
assert works(old), "before"
flood = subprocess.Popen([sys.executable, sys.argv[1], sys.argv[2]], stdin=subprocess.PIPE)
import time
time.sleep(1.5)
ok = works(old)
old.close()
new = socket.create_connection(("10.1.0.2", 7000), timeout=20)
ok = works(new) and ok
new.close()
flood.communicate(b"\n", timeout=20)
sys.exit(0 if ok else 1)
PY
check "a flood of SYNs in zone 2 leaves zone 1's connections alone, old and new" in_space a timeout 90 /usr/bin/python3 "$DIR/during.py" "$DIR/flood.py" "$MAC"
weft ct-stats zone=2 >"$DIR/out"
check "... has no more than it may, and is marked" bash -c "grep -qE 'zone=2: connections=500,.*refused_at_limit=[0-9]+ \(FULL\)' '$DIR/out' || { cat '$DIR/out'; false; }"
weft flush-conntrack zone=2
check "a limit over what there is room for" weft ct-set-limits default=0
full() { weft ct-stats | grep -qE 'max=4096,.*refused=[1-9]'; }
for _ in 1 2 3 4 5 6; do # frames are lost on the way where a machine is slow
	in_space a /usr/bin/python3 "$DIR/flood.py" "$MAC" </dev/null >"$DIR/sent"
	full && break
done
check "without a limit the table fills, and new ones are refused" bash -c "'$WOFCTL' ct-stats '$SW' | grep -qE 'max=4096,.*refused=[1-9]' || { '$WOFCTL' ct-stats '$SW'; false; }"
weft flush-conntrack
check "... and after a flush there is room again" until_true 20 in_space a ping -c 1 -W 1 10.1.0.2

# ---- the books ----
balanced()
{
	$CTL stats sw -o json | /usr/bin/python3 -c '
import json, sys
s = json.load(sys.stdin)
sys.exit(s["rx"] + s["created"] != s["tx"] + s["consumed"] + s["dropped"])'
}
check "every frame is accounted for" until_true 20 balanced
finish
