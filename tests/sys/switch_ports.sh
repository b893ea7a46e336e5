#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 4.2 Standard ports
# Spec: 4.3 Physical ports
# Spec: 5.8 Counters: of ports; nothing lost uncounted
# Ports of every kind that needs no hardware, at start and while running; nothing is lost uncounted.
#
#   a eth0 10.1.0.1 --- va [               ] vb --- eth0 10.1.0.2 b
#                          [  weft-switch  ]
#   c tapc 10.1.0.3 ------ [               ] --- net_pcap, net_ring, net_null
set -eu
. "$(dirname "$0")/lib/switch.sh"

MGMT="/usr/bin/python3 $(cd "$(dirname "$0")" && pwd)/lib/mgmt.py"
PINGS="ping -c 3 -i 0.2 -W 20"
space a
space b
space c
space weft
cable weft va a eth0
cable weft vb b eth0
in_space a ip addr add 10.1.0.1/24 dev eth0
in_space b ip addr add 10.1.0.2/24 dev eth0

has() { grep -q -- "$1" "$DIR/out"; }
says() # TEXT PATTERN COMMAND...: fails, and says PATTERN
{
	local text=$1 pattern=$2
	shift 2
	if "$@" >"$DIR/why" 2>&1; then
		not_ok "$text"
	elif grep -q -- "$pattern" "$DIR/why"; then
		ok "$text"
	else
		not_ok "$text"
	fi
}
try() { in_space weft timeout 60 "$B/weft-switch" --name try "$@"; }
mgmt() { local op=$1; shift; $MGMT "$DIR/sw.sock" "$op" "$@"; }

# ---- what is refused, and in which words ----
says "an unknown type of port is named" "'foo' is no type of port" try --port p=foo:bar
says "an interface that is not there is named" "interface nonesuch: No such device" try --port p=af_packet:nonesuch
says "a device that DPDK does not know is named" "nosuchdev" try --port p=vdev:nosuchdev0
says "a tunnel without an address says what is missing" "local is missing" try --port p=vxlan:uplink=u
says "two ports of one name" "there is a port 'p' already" try --port p=vdev:net_null0 --port p=vdev:net_null1
says "one DPDK device twice" "net_null0 is in use" try --port p=vdev:net_null0 --port q=vdev:net_null0
says "a bad number of queues" "queues=99: a number from 1 to 16 is right" try --port "p=vdev:net_null0;queues=99"
says "an unknown option" "there is no option '--nonsense'" try --nonsense
says "a core that is not there" "core 4000" try --pmd-cores 4000
printf 'name: try\nport: [ "p=vdev:net_null0" ]\ncolour: green\n' >"$DIR/bad.yaml"
says "an unknown key in the file, with its line" "bad.yaml:3: unknown key 'colour'" try --config "$DIR/bad.yaml"
check "... and nothing is left behind" test ! -e "$DIR/try.sock" -a ! -e "$DIR/try.sock.lock"

# ---- a capture, from file to file, in order ----
/usr/bin/python3 - "$DIR/in.pcap" <<'PY'
import struct, sys
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for i in range(1000):
        p = bytes(5) + b"\2" + bytes(5) + b"\1" + b"\x88\xb5" + struct.pack("!I", i) + bytes(46)
        f.write(struct.pack("<IIII", i, 0, len(p), len(p)) + p)
PY
cat >"$DIR/good.yaml" <<Y
name: sw
port:
  - va@1=af_packet:va;iface-id=vm-a
  - pcap@9=vdev:net_pcap0,rx_pcap=$DIR/in.pcap,tx_pcap=$DIR/out.pcap
log: info
Y
# Two packet threads where there are two cores: ports with one queue are then sent to by hand-over.
cores=$(taskset -cp $$ | sed 's/.*: *//' | tr , '\n' | awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }' | head -2 | paste -sd,)
switch weft sw --config "$DIR/good.yaml" --port vb@2=af_packet:vb --pmd-cores "$cores"
$OFCTL add-flow "$(sock sw)" in_port=9,actions=IN_PORT
mgmt del pcap >/dev/null
mgmt add pcap "vdev:net_pcap0,rx_pcap=$DIR/in.pcap,tx_pcap=$DIR/out.pcap" 9 >"$DIR/out"
check "a port is added while running, under its number" has '^9 pcap vdev:'
passed() { mgmt stats | head -1; }
settled passed >/dev/null
mgmt del pcap >/dev/null
tshark -r "$DIR/out.pcap" -T fields -e data.data 2>/dev/null | cut -c1-8 >"$DIR/order"
for i in $(seq 0 999); do printf '%08x\n' "$i"; done >"$DIR/want"
check "1000 frames of a capture come out, in order" cmp "$DIR/order" "$DIR/want"

# ---- veths, learning ----
$OFCTL add-flow "$(sock sw)" actions=NORMAL
check "NORMAL: a reaches b" in_space a $PINGS 10.1.0.2
refuse "the same socket cannot be used twice" try --name sw
check "... and the switch did not mind" in_space a $PINGS 10.1.0.2

# ---- a tap whose other end is a VM ----
mgmt add tapc tap:tapc >"$DIR/out"
ip -n "$T-weft" link set tapc netns "$T-c"
in_space c ip addr add 10.1.0.3/24 dev tapc
in_space c ip link set tapc up
check "a tap in another namespace is reached" in_space a $PINGS 10.1.0.3
check "... by both" in_space b $PINGS 10.1.0.3

# ---- port-status, port-mod, links ----
timeout 60 $OFCTL monitor "$(sock sw)" 65534 >"$DIR/monitor" 2>&1 &
PIDS+=($!)
# It listens when it hears of a port that comes; more of it below.
listens() { mgmt add hello vdev:net_null8 >/dev/null; mgmt del hello >/dev/null; sleep 0.1; grep -q 'DEL:.*(hello)' "$DIR/monitor"; }
check "a controller listens" until_true 20 listens
$OFCTL mod-port "$(sock sw)" vb down
refuse "a port that is set down carries nothing" in_space a ping -c 1 -W 1 10.1.0.2
$OFCTL mod-port "$(sock sw)" vb up
check "... and does again when it is up" in_space a $PINGS 10.1.0.2
in_space b ip link set eth0 down
check "a link that goes down is seen" until_true 20 bash -c "$OFCTL show $(sock sw) | grep -A3 '(vb)' | grep -q LINK_DOWN"
in_space b ip link set eth0 up
until_true 20 bash -c "! $OFCTL show $(sock sw) | grep -A3 '(vb)' | grep -q LINK_DOWN" || true
check "... and that it is back" in_space a $PINGS 10.1.0.2
mgmt add null vdev:net_null0 >/dev/null
mgmt del null >/dev/null
check "controllers are told of ports that come" until_true 20 grep -q 'ADD:.*(null)' "$DIR/monitor"
check "... and go" until_true 20 grep -q 'DEL:.*(null)' "$DIR/monitor"
check "... and change" until_true 20 grep -q 'MOD:.*(vb)' "$DIR/monitor"

# ---- a VM is started again: another interface of the same name; and its frames are large now ----
ip -n "$T-b" link del eth0
sleep 0.4
cable weft vb b eth0
ip -n "$T-weft" link set vb mtu 9000
for n in a b; do ip -n "$T-$n" link set eth0 mtu 9000; done
in_space b ip addr add 10.1.0.2/24 dev eth0
in_space a ip neigh flush dev eth0 # it has another MAC address now
sleep 0.5
check "an interface that went and came again under its name is the port's again" until_true 20 in_space a ping -c 1 -W 1 10.1.0.2
mgmt del va >/dev/null
mgmt add va "af_packet:va;mtu=9000" 1 >"$DIR/out"
check "a port's MTU is set on its interface" in_space weft grep -qx 9000 /sys/class/net/va/mtu
mgmt del vb >/dev/null
mgmt add vb "af_packet:vb;mtu=9000" 2 >/dev/null
check "8900 bytes in one frame" until_true 20 in_space a ping -c 1 -W 1 -M do -s 8872 10.1.0.2

# ---- ports come and go under load ----
# net_null receives whatever was in the buffers: NORMAL must not learn from that.
flows sw priority=40000,in_port=20,actions=output:21 priority=40000,in_port=21,actions=drop
in_space a ping -c 1200 -i 0.005 -w 240 10.1.0.2 >"$DIR/ping" 2>&1 &
PING=$!
for i in 1 2 3 4 5 6 7 8; do
	mgmt add n$i vdev:net_null$i 20 >/dev/null
	mgmt add r$i vdev:net_ring$i 21 >/dev/null
	mgmt del r$i >/dev/null
	mgmt del n$i >/dev/null
done
wait $PING || true
kept() { tail -3 "$DIR/ping"; [ "$(unanswered "$DIR/ping" 1200)" = 0 ]; }
check "ports come and go while others carry traffic: nothing of theirs is lost" kept
says "a port that is not there cannot be deleted" "n1" mgmt del n1
settled passed >/dev/null
mgmt stats >"$DIR/stats"
balance() { read -r rx created tx consumed drops <"$DIR/stats"; cat "$DIR/stats"; [ "$rx" -gt 2400 ] && [ $((rx + created)) = $((tx + consumed + drops)) ]; }
check "rx + created = tx + consumed + drops, over all of it" balance

# A ring sends to itself: each frame twice, until it is full; then it goes.
flows sw priority=50000,in_port=20,actions=in_port,in_port
mgmt add ring vdev:net_ring9 20 >/dev/null
in_space a ping -c 1 -W 1 10.1.0.99 >/dev/null || true # asks everybody, the ring among them
in_use() { mgmt mempools | awk '{ print $2 }'; }
fills() { [ "$(in_use)" -ge 1000 ]; }
until_true 20 fills || true
full=$(in_use)
mgmt del ring >/dev/null
left=$(settled in_use)
echo "# buffers in use: $full with a full ring, $left when it is gone"
check "a ring that goes gives back the buffers in it" test "$full" -ge 1000 -a "$left" -lt 100

kill "$PID"
check "the switch stops cleanly" wait "$PID"
check "... and leaves neither socket nor lock" test ! -e "$DIR/sw.sock" -a ! -e "$DIR/sw.sock.lock"
finish
