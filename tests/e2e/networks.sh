#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tenant networks of each kind, and what a port may be.
#
#      h1: a1 (plugged by name)  v1      h2: a3  v3      gw: ext, a host on the wire, in VLAN 101
#           +--- weft-switch ---+         weft-switch     plain weft-switch (access port, NORMAL)
#                     +===================== underlay =========+
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab
UPLINK_OPTIONS=';physnet=physnet1'

flows_of() { "$B/weft-ofctl" dump-flows "unix:$DIR/$1.sock"; }
entries() { flows_of "$1" | grep -c cookie=; }
set_port() { rest PUT "/v2.0/ports/${PORT[$1]}" "{\"port\": {$2}}" >/dev/null || die "cannot change port $1"; }
# A packet of the VM's is seen on the other VM, although nothing answers.
seen_at() { # VM FILTER COMMAND...
	local vm=$1 filter=$2; shift 2
	rm -f "$DIR/dump.err" # of the last one
	ip netns exec "$LAB-$vm" tcpdump -c 1 -Z root -nni eth0 "$filter" >"$DIR/dump" 2>"$DIR/dump.err" &
	local t=$!
	wait_for 20 grep -q listening "$DIR/dump.err"
	"$@" >/dev/null 2>&1
	sniffed "$t" "$DIR/dump"
}
# VXLAN packets on the wire have this VNI (RFC 7348 section 5: bytes 4 to 6 of their header).
on_wire() { # VNI COMMAND...
	local vni=$1; shift
	rm -f "$DIR/wire.err"
	ip netns exec "$LAB-ul" tcpdump -c 1 -Z root -nni br0 "udp dst port 4789 and udp[12:4] = $((vni << 8))" >"$DIR/wire" 2>"$DIR/wire.err" &
	local t=$!
	wait_for 20 grep -q listening "$DIR/wire.err"
	"$@" >/dev/null 2>&1
	sniffed "$t" "$DIR/wire"
}
# The same, of what comes in.
seen_in() {
	local vm=$1 filter=$2; shift 2
	rm -f "$DIR/dump.err"
	ip netns exec "$LAB-$vm" tcpdump -Q in -c 1 -Z root -nni eth0 "$filter" >"$DIR/dump" 2>"$DIR/dump.err" &
	local t=$!
	wait_for 20 grep -q listening "$DIR/dump.err"
	"$@" >/dev/null 2>&1
	sniffed "$t" "$DIR/dump"
}
shout() { in_space "$1" ping -n -b -c 2 -i 0.2 -W 1 10.0.0.255; }

lab_begin
lab_underlay
lab_host h1 192.0.2.1/24
lab_host h2 192.0.2.2/24
lab_controller
# One VM's device is there before anybody has heard of it: the port that comes later has its name.
lab_vm a1 h1
lab_switch h1 --port a1=af_packet:a1
lab_switch h2
wait_for 20 eval '[ "$(entries h2)" -gt 1 ]'
BASE=$(entries h2) # what every switch has
# Of its project's range of VNIs.
rest POST /v2.0/network_segment_ranges '{"network_segment_range": {"name": "a", "shared": false, "project_id": "tenant-a",
	"network_type": "vxlan", "minimum": 70001, "maximum": 70001}}' >/dev/null || die "cannot make a segment range"
new_net a
new_port a1 a 10.0.0.11
lab_vm_up a1 "${MAC[a1]}" 10.0.0.11/24 "${MTU[a]}"
new_vm a3 h2 a 10.0.0.13
new_net v '"provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": 101'
new_vm v1 h1 v 10.0.0.11
new_vm v3 h2 v 10.0.0.13
# The host on the wire is in no security group.
group_of() { rest GET "/v2.0/ports/${PORT[$1]}" | jq -r '.port.security_groups[0]'; }
rest POST /v2.0/security-group-rules "{\"security_group_rule\": {\"security_group_id\": \"$(group_of v1)\",
	\"direction\": \"ingress\", \"remote_ip_prefix\": \"10.0.0.200/32\"}}" >/dev/null || die "cannot add a rule"
# Members of a group are known by their fixed addresses, and those that hosts form for the link are not.
rest POST /v2.0/security-group-rules "{\"security_group_rule\": {\"security_group_id\": \"$(group_of a1)\",
	\"direction\": \"ingress\", \"ethertype\": \"IPv6\", \"remote_ip_prefix\": \"fe80::/10\"}}" >/dev/null || die "cannot add a rule"
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done

# A host on the wire, in VLAN 101, that knows nothing of tenants: behind a switch that is a plain bridge.
lab_host gw none
lab_vm ext gw
ip -n "$LAB-ext" addr add 10.0.0.200/24 dev eth0
lab_program gw --port up0=af_packet:up0 --port "ext=af_packet:ext;vlan-mode=access,tag=101"
"$B/weft-ofctl" add-flow "unix:$DIR/gw.sock" actions=NORMAL

# IPv6 is off on the lab's wires; the VMs of network a have it.
for vm in a1 a3; do in_space "$vm" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0; done
link_local() { in_space "$1" ip -6 -o addr show dev eth0 scope link | awk '{ sub("/64", "", $4); print $4 }'; }
wait_for 20 sh -c "ip netns exec $LAB-a3 ip -6 -o addr show dev eth0 scope link | grep -v tentative | grep -q fe80"
wait_for 20 sh -c "ip netns exec $LAB-a1 ip -6 -o addr show dev eth0 scope link | grep -v tentative | grep -q fe80"

check "a port binds to the device with its name"               yes pings a1 10.0.0.13
check "... in VXLAN packets of its project's range of VNIs"     yes on_wire 70001 pings a1 10.0.0.13
check "... and of no other"                                    no  on_wire 70000 pings a1 10.0.0.13
check "a datagram in three fragments, through VXLAN"           yes pings a1 10.0.0.13 -s 3000
check "VLAN network, other host: reaches it"                   yes pings v1 10.0.0.13
check "VLAN network, a host on the wire: reaches it"           yes pings v1 10.0.0.200
check "... and is reached from there"                          yes pings ext 10.0.0.11
check "the VXLAN network is not on that wire"                  no  pings a1 10.0.0.200 -c 1
check "broadcast reaches the members on the other host"        yes seen_at a3 'icmp and dst 10.0.0.255' shout a1
check "... and no member of the other network"                 no  seen_at v3 'icmp and dst 10.0.0.255' shout a1
join() { in_space "$1" timeout 30 /usr/bin/python3 -c 'import socket, struct, time, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(0, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.1.2.3") + socket.inet_aton(sys.argv[1]))
t = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); t.setsockopt(41, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff05::123") + struct.pack("I", socket.if_nametoindex("eth0")))
time.sleep(1)' "$2"; }
call() { in_space "$1" /usr/bin/python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(0, socket.IP_MULTICAST_IF, socket.inet_aton("10.0.0.11")); s.setsockopt(0, socket.IP_MULTICAST_LOOP, 0)
for i in range(3): s.sendto(b"hello", ("239.1.2.3", 5000))'; }
check "multicast reaches members on the other host"            yes seen_at a3 'udp and dst 239.1.2.3' call a1
check "... and not its sender"                                 no  seen_in a1 'udp and dst 239.1.2.3' call a1
check "IGMP passes"                                            yes seen_at a3 'igmp' join a1 10.0.0.11
check "IPv6 neighbour discovery and ping, link-local"          yes pings a1 "$(link_local a3)%eth0" -6

# Port security.
in_space a1 ip addr add 10.0.0.77/32 dev eth0
check "a foreign source address is dropped"                    no  pings a1 10.0.0.13 -I 10.0.0.77 -c 1
check "... and counted under the port's name"                  yes sh -c \
	"'$B/weft-ofctl' dump-flows 'unix:$DIR/h1.sock' table=1 | grep 'priority=1,in_port' | grep -vq n_packets=0"
GROUP=$(group_of a1)
set_port a1 '"allowed_address_pairs": [{"ip_address": "10.0.0.77"}]'
check "an allowed address pair may speak"                      yes seen_at a3 'icmp and src 10.0.0.77' pings a1 10.0.0.13 -I 10.0.0.77 -W 1
set_port a1 '"allowed_address_pairs": []'
check "... and no longer may"                                  yes no_more seen_at a3 'icmp and src 10.0.0.77' pings a1 10.0.0.13 -I 10.0.0.77 -W 1
set_port a3 '"port_security_enabled": false, "security_groups": []'
check "MLD reports pass, from a port with port security"                                     yes seen_at a3 'ip6[6] == 0 and ip6[48] == 143' join a1 10.0.0.11
set_port a1 '"port_security_enabled": false, "security_groups": []'
check "without port security anything passes"                  yes seen_at a3 'icmp and src 10.0.0.77' pings a1 10.0.0.13 -I 10.0.0.77 -W 1
for p in a1 a3; do set_port $p "\"port_security_enabled\": true, \"security_groups\": [\"$GROUP\"]"; done
in_space a1 ip addr del 10.0.0.77/32 dev eth0

# Life of a port.
set_port a3 '"admin_state_up": false'
check "a port that is administratively down is cut off"        yes no_more pings a1 10.0.0.13 -c 1
set_port a3 '"admin_state_up": true'
check "... and back"                                           yes wait_for 20 pings a1 10.0.0.13 -c 1
rest DELETE "/v2.0/ports/${PORT[a3]}" >/dev/null
check "a deleted port is reached no more"                      yes no_more pings a1 10.0.0.13 -c 1
check "... and its switch port is gone from the switch"        yes wait_for 20 sh -c \
	"! '$B/weft-ofctl' dump-ports-desc 'unix:$DIR/h2.sock' | grep -q 'tap${PORT[a3]:0:11}'"
rest DELETE "/v2.0/ports/${PORT[a1]}" >/dev/null
for p in v1 v3; do rest DELETE "/v2.0/ports/${PORT[$p]}" >/dev/null; done
none_left() { [ "$(entries h1)" = "$BASE" ] && [ "$(entries h2)" = "$BASE" ]; }
check "without ports no flow of a network is left"             yes wait_for 20 none_left
verdict
