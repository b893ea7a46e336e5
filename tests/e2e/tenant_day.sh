#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tenant's day: all objects by the real `openstack` client, and after each step what Linux hosts make of it.
# The topology is lib/tenant.sh's.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab
. tests/e2e/lib/tenant.sh

serve() { # VM PORT...
	ip netns exec "$LAB-$1" $TALK serve "${@:2}" &
	SERVERS+=("$!")
	wait_for 20 in_space "$1" sh -c "ss -Hlnt 'sport = :$2' | grep -q ."
}
ttl() { in_space "$1" ping -n -c 1 -W 10 "$2" | grep -q "ttl=$3 "; }
listed() { [ "$(client "${@:2}" -f value -c Name | sort | xargs)" = "$1" ] || { echo "not '$1':"; client "${@:2}"; return 1; }; } # "NAMES" USER COMMAND...
tenant_begin --grace 1
public --allocation-pool start=203.0.113.10,end=203.0.113.99

echo "# a network, a subnet, ports"
must red network create front
must red subnet create front4 --network front --subnet-range 10.0.0.0/24 --dns-nameserver 192.0.2.53
made_by red A1 port create a1 --network front --fixed-ip subnet=front4,ip-address=10.0.0.11
check "a port that nobody has plugged is DOWN"                 yes has_status a1 DOWN
boot a1 h1
check "plugged on a host it is ACTIVE"                         yes wait_for 20 has_status a1 ACTIVE
check "DHCP gives its address"                                 yes lease a1
check "... that one"                                           yes leased a1 ip=10.0.0.11
check "... with the subnet's prefix"                           yes leased a1 mask=24
check "... its gateway"                                        yes leased a1 router=10.0.0.1
check "... its name server"                                    yes leased a1 dns=192.0.2.53
check "... and the network's MTU"                              yes leased a1 "mtu=$(red network show front -f value -c mtu)"
must red port create a2 --network front
boot a2 h2
check "a port that asks for no address gets one, by DHCP"      yes lease a2
A2=$(address a2)
check "... which is the one that the client shows"             yes leased a2 "ip=$A2"
check "on the other host it is reached"                        yes reaches a1 "$A2"
check "... with packets that need three fragments"             yes reaches a1 "$A2" -s 3000
must red subnet set front4 --no-dns-nameservers --dns-nameserver 192.0.2.54
check "another name server is in the next lease"               yes lease a1
check "... instead of the first"                               yes leased a1 dns=192.0.2.54
must red network set front --mtu 1400
check "a smaller MTU, too"                                     yes lease a2
check "... for all of the network"                             yes leased a2 mtu=1400
must red subnet set front4 --no-dhcp
check "without DHCP nobody answers"                            yes no_lease a2
check "... and who has an address keeps it"                    yes reaches a2 10.0.0.11
must red subnet set front4 --dhcp
check "with it again the lease is the same"                    yes lease a2
check "... address"                                            yes leased a2 "ip=$A2"

echo "# what a port may"
must red port set a2 --disable
check "a disabled port is cut off"                             yes cut_off a1 "$A2"
must red port set a2 --enable
check "... and enabled it is back"                             yes reaches a1 "$A2"
must red network set front --disable
check "a disabled network carries nothing"                     yes cut_off a1 "$A2"
must red network set front --enable
check "... and enabled it does"                                yes reaches a1 "$A2"
must ip -n "$LAB-a1" addr add 10.0.0.77/32 dev eth0
must ip -n "$LAB-a2" route add 10.0.0.77/32 dev eth0
check "an address that is not the port's is dropped"           no  one_ping a1 "$A2" -I 10.0.0.77
must red port set a1 --allowed-address ip-address=10.0.0.77
check "as an allowed address it passes"                        yes reaches a1 "$A2" -I 10.0.0.77
must red port unset a1 --allowed-address "ip-address=10.0.0.77,mac-address=$(red port show a1 -f value -c mac_address)"
check "... and no longer"                                      yes cut_off a1 "$A2" -I 10.0.0.77
for p in a1 a2; do must red port set $p --no-security-group --disable-port-security; done
check "without port security any address passes"               yes reaches a1 "$A2" -I 10.0.0.77
for p in a1 a2; do must red port set $p --enable-port-security --security-group default; done
check "... and with it only the port's"                        yes cut_off a1 "$A2" -I 10.0.0.77
check "its own does"                                           yes reaches a1 "$A2"

echo "# security groups"
for v in a1 a2; do serve $v 80 91 22; done
must red security group create web
must red port set a2 --no-security-group --security-group web
check "in a new group nobody is reached"                       yes cut_off a1 "$A2"
check "... and is a stranger to its former group"              yes no_more one_ping a2 10.0.0.11
must red security group rule create web --protocol icmp
check "a rule for ICMP lets pings in"                          yes reaches a1 "$A2"
check "... and no TCP"                                         no  in_space a1 $TALK ask tcp "$A2" 80
made_by red TCP security group rule create web --protocol tcp --dst-port 80:90 --remote-ip 10.0.0.0/24
check "a rule for a range of ports lets TCP in"                yes opens a1 "$A2" 80
check "... and not beyond the range"                           no  in_space a1 $TALK ask tcp "$A2" 91
must red security group rule create web --protocol tcp --dst-port 22 --remote-group default
check "a rule for a group lets its members in"                 yes opens a1 "$A2" 22
must red security group create other
must red port set a1 --no-security-group --security-group other
check "... and not who has left it"                            yes shut a1 "$A2" 22
check "... who goes by the other rule"                         yes opens a1 "$A2" 80
must red security group rule delete "$TCP"
check "a rule that is deleted lets nobody in"                  yes shut a1 "$A2" 80
check "a group in use is kept"                                 yes refuses "in use" red security group delete web
must red port set a1 --security-group default
check "back in its group it is let in by the group's rule"     yes opens a1 "$A2" 22
must red address group create friends --address 10.0.0.0/29
must red security group rule create web --protocol tcp --dst-port 91 --remote-address-group friends
check "a rule for a group of addresses does not let others in" no  in_space a1 $TALK ask tcp "$A2" 91
must red address group set friends --address 10.0.0.11/32
check "... and lets in who becomes one of them"                yes opens a1 "$A2" 91
must red address group unset friends --address 10.0.0.11/32
check "... until it is taken out"                              yes shut a1 "$A2" 91
check "a group of addresses in use is kept"                    yes refuses "in use" red address group delete friends

echo "# a router"
must red network create back
must red subnet create back4 --network back --subnet-range 10.0.1.0/24
must red port create b2 --network back --security-group web --fixed-ip ip-address=10.0.1.12
boot b2 h2
must lease b2
check "networks are apart"                                     no  one_ping a1 10.0.1.12
must red router create r
must red router add subnet r front4
check "the router answers where it has an address"             yes reaches a1 10.0.0.1
check "... and leads nowhere else"                             no  one_ping a1 10.0.1.12
must red router add subnet r back4
check "another subnet is routed to, on the other host"         yes reaches a1 10.0.1.12
check "... in one hop"                                         yes ttl a1 10.0.1.12 63
must red router set r --disable
check "a disabled router routes nothing"                       yes cut_off a1 10.0.1.12
must red router set r --enable
check "... and enabled it does"                                yes reaches a1 10.0.1.12
must ip -n "$LAB-b2" addr add 172.16.0.1/32 dev lo
must red port set b2 --allowed-address ip-address=172.16.0.0/16
must red router add route r --route destination=172.16.0.0/16,gateway=10.0.1.12
check "a route leads behind a VM"                              yes reaches a1 172.16.0.1
must red router remove route r --route destination=172.16.0.0/16,gateway=10.0.1.12
check "... and no longer"                                      yes cut_off a1 172.16.0.1

echo "# tags"
in_space a1 ping -n -i 0.05 -c 60 -w 240 10.0.1.12 >"$DIR/ping.log" 2>&1 &
PING=$!
must red network set front --tag gold --tag day
must red network set back --tag day
check "networks with both tags"                                yes listed "front" red network list --tags gold,day
check "... with any of them"                                   yes listed "back front" red network list --any-tags gold,day
check "... without one"                                        yes listed "back" red network list --internal --not-tags gold
check "... with neither"                                       yes listed "" red network list --internal --not-any-tags gold,day
must red port set a2 --tag web
must red router set r --tag edge
must red subnet set back4 --tag day
must red security group set web --tag day
check "ports by their tags"                                    yes listed "a2" red port list --tags web
check "... and without"                                        yes listed "a1 b2" red port list --device-owner compute:nova --not-tags web
check "routers, subnets and groups, too"                       yes eval 'listed r red router list --tags edge && listed back4 red subnet list --tags day && listed web red security group list --tags day'
wait "$PING"
check "what gets tags loses no packet"                         yes eval '[ "$(unanswered "$DIR/ping.log" 60)" = 0 ]'
must red network unset front --tag gold
must red network set back --no-tag
check "a tag that is taken away is gone"                       yes listed "front" red network list --any-tags gold,day
check "... and the network still there"                        yes reaches a1 10.0.1.12

echo "# IPv6"
must red network create six
must red subnet create six6 --network six --ip-version 6 --subnet-range 2001:db8:6::/64 --ipv6-ra-mode slaac --ipv6-address-mode slaac
must red network create seven
must red subnet create seven6 --network seven --ip-version 6 --subnet-range 2001:db8:7::/64 --ipv6-ra-mode dhcpv6-stateful --ipv6-address-mode dhcpv6-stateful --dns-nameserver 2001:db8::53
for s in six6 seven6; do must red router add subnet r $s; done
must red port create s1 --network six
must red port create d1 --network seven
boot s1 h1
boot d1 h2
for v in s1 d1; do speaks_ipv6 $v; done
check "SLAAC: the kernel's address is the one that the client shows" yes wait_for 20 has_address s1 "$(address s1)"
check "the router answers there"                               yes reaches s1 2001:db8:6::1
check "DHCPv6 gives the port's address"                        yes wait_for 20 lease6 d1
check "... which the host has"                                 yes has_address d1 "$(address d1)"
check "... and the name server"                                yes grep -q 'name-servers 2001:db8::53;' "$DIR/d1.lease6"
check "the networks reach each other, on two hosts"            yes reaches s1 "$(address d1)"
check "... and back"                                           yes reaches d1 "$(address s1)"
must red subnet set seven6 --no-dns-nameservers --dns-nameserver 2001:db8::54
check "another name server is in the next lease"               yes wait_for 20 eval 'lease6 d1 && grep -q "name-servers 2001:db8::54;" "$DIR/d1.lease6"'
must red router remove subnet r six6
check "without its router a host has no way out"               yes wait_for 20 sh -c "! ip -n $LAB-s1 -6 route | grep '^default'"
check "... and reaches nobody elsewhere"                       no  one_ping s1 "$(address d1)"
must red router add subnet r six6
check "with it all is as before"                               yes reaches s1 "$(address d1)"

echo "# the outside"
greet www 80
greet b2 8000 # as the one that comes from there
check "without a gateway nobody outside is reached"            no  one_ping a1 198.51.100.9
must red router set r --external-gateway pub
GATEWAY=$(red router show r -f json | jq -r '.external_gateway_info.external_fixed_ips[0].ip_address')
check "with a gateway the outside is"                          yes reaches a1 198.51.100.9
check "... which sees the router's address"                    yes came_as a1 198.51.100.9 80 "$GATEWAY"
check "... from the other host and network, too"               yes came_as b2 198.51.100.9 80 "$GATEWAY"
FIP=$(red floating ip create pub -f value -c floating_ip_address) || die "no floating IP: $FIP"
check "a floating IP of nobody's answers nobody"               no  one_ping www "$FIP"
must red floating ip set "$FIP" --port b2
check "a floating IP leads to its port"                        yes reaches www "$FIP"
check "... as far as its group lets in"                        no  in_space www $TALK ask tcp "$FIP" 8000
must red security group rule create web --protocol tcp --dst-port 8000
check "... TCP, with the address of who asks"                  yes wait_for 20 came_as www "$FIP" 8000 198.51.100.9
check "... and outside its VM is known by it"                  yes wait_for 20 came_as b2 198.51.100.9 80 "$FIP"
check "... the others as before"                               yes came_as a1 198.51.100.9 80 "$GATEWAY"
must red floating ip unset "$FIP" --port
check "unset it leads nowhere"                                 yes cut_off www "$FIP"
check "... and its VM goes as the router"                      yes wait_for 20 came_as b2 198.51.100.9 80 "$GATEWAY"
made_by red PF floating ip port forwarding create "$FIP" --protocol tcp --external-protocol-port 8080 --internal-protocol-port 8000 --port b2 --internal-ip-address 10.0.1.12
check "a port of it leads to a port inside"                    yes wait_for 20 came_as www "$FIP" 8080 198.51.100.9
check "... another does not"                                   no  in_space www $TALK ask tcp "$FIP" 8000
must red floating ip port forwarding set "$FIP" "$PF" --external-protocol-port 8081
check "... set to another, that one does"                      yes wait_for 20 came_as www "$FIP" 8081 198.51.100.9
check "... and the first no longer"                            yes no_more in_space www $TALK ask tcp "$FIP" 8080
must red floating ip port forwarding delete "$FIP" "$PF"
check "deleted, neither"                                       yes shut www "$FIP" 8081
must red floating ip set "$FIP" --port b2
check "a floating IP again"                                    yes reaches www "$FIP"
must red floating ip delete "$FIP"
check "... and deleted"                                        yes cut_off www "$FIP"
# The router outside knows the way in: what a gateway without SNAT sends arrives, and is answered.
must ip -n "$LAB-out" route add 10.0.0.0/16 via "$GATEWAY"
must root router set r --external-gateway pub --disable-snat --fixed-ip "ip-address=$GATEWAY"
check "without SNAT the outside sees VMs"                      yes wait_for 20 came_as a1 198.51.100.9 80 10.0.0.11
must ip -n "$LAB-out" route del 10.0.0.0/16
must red router unset r --external-gateway
check "without the gateway it is as it was"                    yes cut_off a1 198.51.100.9

echo "# a switch dies"
lab_kill "${SWITCH_PID[h2]}" KILL
check "ports of a host that is gone are DOWN"                  yes wait_for 20 has_status a2 DOWN
check "... others ACTIVE"                                      yes has_status a1 ACTIVE
check "... and it shows"                                       yes eval 'root network agent list -f json | jq -e "[.[] | select(.Host == \"h2\")][0].Alive == false"'
lab_switch h2
check "it is back: ACTIVE"                                     yes wait_for 20 has_status a2 ACTIVE
check "... and reached"                                        yes reaches a1 "$A2"

echo "# a day's end"
check "a subnet in use is kept"                                yes refuses "IP allocation" red subnet delete front4
for s in front4 back4 six6 seven6; do must red router remove subnet r $s; done
check "without its interfaces nothing is routed"               yes cut_off a1 10.0.1.12
must red router delete r
must red port delete a1 a2 b2 s1 d1
check "without its port a VM is alone"                         yes cut_off a1 "$A2"
must red network delete front back six seven
must red security group delete web other
must red address group delete friends
check "nothing is left"                                        yes eval '[ -z "$(red port list -f value; red network list --internal -f value; red subnet list -f value | grep -v pub4; red router list -f value; red floating ip list -f value)" ]'
greet_end
verdict
