#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Address scopes and subnet pools, by the real client: who is in one scope is routed as he is, others only translated.
# The topology is lib/tenant.sh's; the outside is in the scope "world".
#
#   a 10.1.0.0/24, b 10.1.1.0/24: from the pool "tens", in scope "world"
#   c 10.2.0.0/24:                from the pool "twenties", in scope "other"
#   d 10.3.0.0/24:                in none
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab
. tests/e2e/lib/tenant.sh

vm() { # NAME HOST
	must red port create "$1" --network "${1%%[0-9]*}" --security-group open
	boot "$1" "$2"
	check "DHCP for $1"                                    yes lease "$1"
	ADDRESS[$1]=$(address "$1")
}
declare -A ADDRESS
tenant_begin
must root address scope create world --ip-version 4 --share
must root address scope create other --ip-version 4 --share
must root subnet pool create tens --pool-prefix 10.1.0.0/16 --default-prefix-length 24 --address-scope world --share
must root subnet pool create twenties --pool-prefix 10.2.0.0/16 --default-prefix-length 24 --address-scope other --share
must root subnet pool create public --pool-prefix 203.0.113.0/24 --default-prefix-length 24 --address-scope world
public --subnet-pool public
must red security group create open
must red security group rule create open --protocol any
for n in a b c d; do must red network create $n; done
must red subnet create a4 --network a --subnet-pool tens
must red subnet create b4 --network b --subnet-pool tens
must red subnet create c4 --network c --subnet-pool twenties
must red subnet create d4 --network d --subnet-range 10.3.0.0/24
check "subnets of a pool do not meet"                          yes eval '[ "$(red subnet show a4 -f value -c cidr) $(red subnet show b4 -f value -c cidr)" = "10.1.0.0/24 10.1.1.0/24" ]'
check "a network shows its scope"                              yes eval '[ "$(red network show a -f value -c ipv4_address_scope)" = "$(root address scope show world -f value -c id)" ]'
must red router create r
for s in a4 b4 c4 d4; do must red router add subnet r $s; done
must red router set r --external-gateway pub
GATEWAY=$(red router show r -f json | jq -r '.external_gateway_info.external_fixed_ips[0].ip_address')
must ip -n "$LAB-out" route add 10.0.0.0/8 via "$GATEWAY"
vm a1 h1
vm b1 h2
vm c1 h2
vm d1 h1
greet www 80
greet c1 80
greet a1 80

check "in one scope: routed"                                   yes reaches a1 "${ADDRESS[b1]}"
check "from one scope to another: not"                         no  one_ping a1 "${ADDRESS[c1]}"
check "... nor back"                                           no  one_ping c1 "${ADDRESS[a1]}"
check "to a network of no scope: not"                          no  one_ping a1 "${ADDRESS[d1]}"
check "from there: not"                                        no  one_ping d1 "${ADDRESS[c1]}"
check "each one's own router answers"                          yes reaches c1 10.2.0.1
check "... by its other addresses, too"                        yes reaches c1 10.1.0.1
check "the outside, in the same scope, sees the VM itself"     yes wait_for 20 came_as a1 198.51.100.9 80 "${ADDRESS[a1]}"
check "... from the other host"                                yes wait_for 20 came_as b1 198.51.100.9 80 "${ADDRESS[b1]}"
check "another scope goes there as the router"                 yes wait_for 20 came_as c1 198.51.100.9 80 "$GATEWAY"
check "... no scope, too"                                      yes wait_for 20 came_as d1 198.51.100.9 80 "$GATEWAY"
check "from outside: into the same scope"                      yes wait_for 20 came_as www "${ADDRESS[a1]}" 80 198.51.100.9
check "... and no other"                                       no  one_ping www "${ADDRESS[c1]}"
check "... nor none"                                           no  one_ping www "${ADDRESS[d1]}"
FIP=$(red floating ip create pub --port c1 -f value -c floating_ip_address) || die "$FIP"
check "a floating IP leads there from outside"                 yes wait_for 20 came_as www "$FIP" 80 198.51.100.9
check "... and from the other scope"                           yes wait_for 20 in_space a1 $TALK who "$FIP" 80
check "... and is who it is outside"                           yes wait_for 20 came_as c1 198.51.100.9 80 "$FIP"
FIP_A=$(red floating ip create pub --port a1 -f value -c floating_ip_address) || die "$FIP_A"
check "a floating IP translates in the same scope, too"        yes wait_for 20 came_as a1 198.51.100.9 80 "$FIP_A"
must red floating ip delete "$FIP_A"
check "... and without it all is as before"                    yes wait_for 20 came_as a1 198.51.100.9 80 "${ADDRESS[a1]}"

must root subnet pool set twenties --no-address-scope
check "out of its scope: routed to those that are in none"     yes reaches d1 "${ADDRESS[c1]}"
must root subnet pool set twenties --address-scope world
check "in another: routed to that one's"                       yes reaches a1 "${ADDRESS[c1]}"
check "... and from outside"                                   yes reaches www "${ADDRESS[c1]}"
check "... no longer from none"                                yes cut_off d1 "${ADDRESS[c1]}"
check "a scope in use is kept"                                 yes refuses "in use" root address scope delete world
check "a pool in use is kept"                                  yes refuses "existing allocations" root subnet pool delete tens
greet_end
verdict
