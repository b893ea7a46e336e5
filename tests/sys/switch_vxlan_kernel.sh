#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 4.4 Logical ports: VXLAN, and the tunnel id of them
# VXLAN as the Linux kernel speaks it: Weft on one side, the kernel's vxlan device on the other.
#
#   vm                 weft (no address of its own)              kernel
#   eth0 ----- v0 [ weft-switch ] u0 ------------------- k0
#   10.9.0.1         vx: VNI 42, 192.0.2.1 -> .2         192.0.2.2, vxlan42: 10.9.0.2
#   10.9.7.1         vf: VNI and remote by flow          vxlan7, VNI 16777215: 10.9.7.2
#   10.9.6.1         v6: VNI 6, 2001:db8::1 -> ::2       2001:db8::2, vxlan6: 10.9.6.2
set -eu
. "$(dirname "$0")/lib/switch.sh"

space vm
space weft
space kernel
cable weft v0 vm eth0
cable weft u0 kernel k0

in_space vm ip addr add 10.9.0.1/24 dev eth0
in_space vm ip addr add 10.9.7.1/24 dev eth0
in_space vm ip addr add 10.9.6.1/24 dev eth0
in_space kernel ip addr add 192.0.2.2/24 dev k0
in_space kernel ip addr add 2001:db8::2/64 dev k0 nodad

vxlan() # NAME VNI ADDRESS ARGS...
{
	local name=$1 vni=$2 addr=$3
	shift 3
	in_space kernel ip link add "$name" type vxlan id "$vni" dstport 4789 dev k0 "$@"
	in_space kernel ip link set "$name" up
	in_space kernel ethtool -K "$name" tx off >/dev/null 2>&1 || true
	in_space kernel ip addr add "$addr" dev "$name"
}
vxlan vxlan42 42 10.9.0.2/24 local 192.0.2.2 remote 192.0.2.1
vxlan vxlan7 16777215 10.9.7.2/24 local 192.0.2.2 remote 192.0.2.1
vxlan vxlan6 6 10.9.6.2/24 local 2001:db8::2 remote 2001:db8::1

in_space kernel timeout 200 tcpdump -U -i k0 -w "$DIR/k0.pcap" >"$DIR/tcpdump.log" 2>&1 &
PIDS+=($!)
CAPTURE=$!
until_true 20 grep -q 'listening on' "$DIR/tcpdump.log"

# A tunnel may come before its uplink.
switch weft sw --port v0@1=af_packet:v0 \
	--port vx@3=vxlan:local=192.0.2.1/24,uplink=u0,remote=192.0.2.2,vni=42 \
	--port u0@2=af_packet:u0 \
	--port vf@4=vxlan:local=192.0.2.1/24,uplink=u0,remote=flow,vni=flow \
	--port v6@5=vxlan:local=2001:db8::1/64,uplink=u0,remote=2001:db8::2,vni=6
flows sw \
	"priority=10,in_port=1,arp,arp_tpa=10.9.0.2,actions=output:3" \
	"priority=10,in_port=1,ip,nw_dst=10.9.0.2,actions=output:3" \
	"priority=10,in_port=1,arp,arp_tpa=10.9.7.2,actions=set_field:16777215->tunnel_id,set_field:192.0.2.2->tun_dst,output:4" \
	"priority=10,in_port=1,ip,nw_dst=10.9.7.2,actions=set_field:16777215->tunnel_id,set_field:192.0.2.2->tun_dst,output:4" \
	"priority=10,in_port=1,arp,arp_tpa=10.9.6.2,actions=output:5" \
	"priority=10,in_port=1,ip,nw_dst=10.9.6.2,actions=output:5" \
	"priority=10,in_port=3,actions=output:1" \
	"priority=10,in_port=4,tun_id=16777215,tun_src=192.0.2.2,actions=output:1" \
	"priority=10,in_port=5,actions=output:1"

check "the kernel gets an answer to ARP and ping from the tunnel's own address" \
	in_space kernel ping -c 3 -i 0.2 -W 20 192.0.2.1
check "... and over IPv6, by neighbour discovery" \
	in_space kernel ping -6 -c 3 -i 0.2 -W 20 2001:db8::1

pings() { in_space vm ping -c 3 -i 0.2 -w 20 "$1" >"$DIR/ping"; cat "$DIR/ping"; [ "$(unanswered "$DIR/ping" 3)" = 0 ]; }
check "fixed VNI and remote: the VM reaches the kernel, the first packet included" pings 10.9.0.2
check "VNI 16777215 and remote by flow: likewise" pings 10.9.7.2
check "IPv6 underlay: likewise" pings 10.9.6.2
check "the kernel reaches the VM" in_space kernel ping -c 3 -i 0.2 -W 20 10.9.0.1

check "1400 bytes fit the tunnel" in_space vm ping -c 2 -i 0.2 -W 20 -M do -s 1372 10.9.0.2
refuse "1500 bytes with DF do not" in_space vm ping -c 2 -i 0.2 -W 2 -M do -s 1472 10.9.0.2
check "... and the sender was told the MTU that fits" \
	bash -c "ip netns exec $T-vm ip route get 10.9.0.2 | grep -q 'mtu 1450'"
in_space vm ip route flush cache 2>/dev/null || true
in_space vm ip route del 10.9.7.0/24 2>/dev/null || true
in_space vm ip route add 10.9.7.0/24 dev eth0 src 10.9.7.1
check "1500 bytes without DF arrive in pieces" in_space vm ping -c 2 -i 0.2 -W 20 -M dont -s 1472 10.9.7.2

in_space kernel timeout 90 /usr/bin/python3 - <<'PY' >"$DIR/sink" &
import socket
s = socket.create_server(("10.9.0.2", 5001))
s.settimeout(60)
c, _ = s.accept()
n = 0
while True:
    d = c.recv(65536)
    if not d:
        break
    n += len(d)
print(n)
PY
SINK=$!
PIDS+=($SINK)
until_true 20 bash -c "ip netns exec $T-kernel ss -Hltn 'sport = :5001' | grep -q ."
check "TCP carries 4 MB through the tunnel" in_space vm timeout 60 /usr/bin/python3 -c '
import socket
s = socket.create_connection(("10.9.0.2", 5001), 20)
s.sendall(bytes(4 << 20))
s.shutdown(socket.SHUT_WR)
s.recv(1)'
wait $SINK || true
check "... whole" grep -qx $((4 << 20)) "$DIR/sink"

MGMT="/usr/bin/python3 $(dirname "$0")/lib/mgmt.py $DIR/sw.sock"
$MGMT del u0 >"$DIR/out"
refuse "without its uplink a tunnel carries nothing" in_space vm ping -c 1 -W 1 10.9.0.2
check "... and says so" bash -c "$OFCTL show $(sock sw) | grep -A2 '3(vx)' | grep -q LINK_DOWN"
$MGMT add u0 af_packet:u0 2 >"$DIR/out"
check "with it, it does again" pings 10.9.0.2

read_so_far() { stat -c %s "$DIR/k0.pcap"; }
settled read_so_far >/dev/null
kill $CAPTURE
wait $CAPTURE || true
shark() { tshark -r "$DIR/k0.pcap" "$@" 2>/dev/null; }
check "tshark reads what Weft sent as VXLAN, VNI 42" \
	test "$(shark -Y 'ip.src == 192.0.2.1 && vxlan.vni == 42' | wc -l)" -ge 3
check "... and VNI 16777215" \
	test "$(shark -Y 'ip.src == 192.0.2.1 && vxlan.vni == 16777215' | wc -l)" -ge 3
check "... and over IPv6, with a UDP checksum" \
	test "$(shark -Y 'ipv6.src == 2001:db8::1 && vxlan.vni == 6 && udp.checksum != 0' | wc -l)" -ge 3
check "tshark finds nothing malformed and no bad checksum in it" \
	test "$(shark -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-Y '(ip.src == 192.0.2.1 || ipv6.src == 2001:db8::1) && (_ws.malformed || ip.checksum.status == Bad || udp.checksum.status == Bad)' | wc -l)" = 0
check "the tunnel port counts what it carries" \
	bash -c "$OFCTL dump-ports $(sock sw) vx | grep -Eq 'rx pkts=[1-9]'"
kill "$PID"
check "the switch stops cleanly" wait "$PID"
finish
