#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What projects have of each other and may have at all: users log in at Debian's Keystone, by the real client; quotas and RBAC policies, and after each
# step what Linux hosts make of it.  The topology is lib/tenant.sh's.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab
. tests/e2e/lib/tenant.sh

flows() { for h in h1 h2; do "$B/weft-ofctl" dump-flows "unix:$DIR/$h.sock" | sed 's/duration=[^ ]* n_packets=[^ ]* n_bytes=[^ ]* //; s/duration=.*n_bytes=[0-9]*,\? *//' | sort; done; }
same_flows() { flows >"$DIR/flows.now"; diff "$DIR/flows.was" "$DIR/flows.now"; }
limit() { root quota list --network --detail --project red -f json | jq -e "[.[] | select(.Resource == \"$1\" or .Resource == \"$1s\")][0] | .\"In Use\" == $2 and .Limit == $3"; } # RESOURCE USED LIMIT
USERS=keystone tenant_begin
public
must red network create front
must red subnet create front4 --network front --subnet-range 10.0.0.0/24
must red port create a1 --network front --fixed-ip ip-address=10.0.0.11
must red port create a2 --network front --fixed-ip ip-address=10.0.0.12
boot a1 h1
boot a2 h2
for v in a1 a2; do check "$v has an address"               yes lease $v; done
check "... and they reach each other"                          yes reaches a1 10.0.0.12

echo "# quotas"
must root quota set --ports 2 red
check "what is in use, and the limit"                          yes limit port 2 2
# Its device is there before it is: a port of this name would be bound at once.
lab_vm a3 h1
ip -n "$LAB-a3" addr add 10.0.0.33/24 dev eth0
must "$B/weftctl" switch port-add "$DIR/h1.sock" a3 af_packet:a3
flows >"$DIR/flows.was"
check "one more port is refused, with words"                   yes refuses "Quota exceeded for resources: \['port'\]" red port create a3 --network front --fixed-ip ip-address=10.0.0.33
check "... there is none"                                      yes eval '[ "$(red port list -f value -c Name | sort | xargs)" = "a1 a2" ]'
check "... it reaches nobody"                                  no  one_ping a3 10.0.0.12
check "... nor do others reach it"                             no  one_ping a2 10.0.0.33
check "... and no switch has a flow of it"                     yes same_flows
check "those within the limit go on"                           yes reaches a2 10.0.0.11
must root quota set --ports 3 red
must red port create a3 --network front --fixed-ip ip-address=10.0.0.33
ip -n "$LAB-a3" link set eth0 address "$(red port show a3 -f value -c mac_address)"
must lease a3
check "with a higher limit it is created, and reaches others"  yes reaches a3 10.0.0.12
check "... as its flows say"                                   no  same_flows
check "... and is in use"                                      yes limit port 3 3
must red security group create web
must red port set a2 --no-security-group --security-group web
RULES=$(red security group rule list -f json | jq length)
must root quota set --secgroup-rules "$RULES" red
check "one more rule is refused"                               yes refuses "Quota exceeded for resources: \['security_group_rule'\]" red security group rule create web --protocol icmp
check "... and lets nobody in"                                 no  one_ping a3 10.0.0.12
must root quota set --secgroup-rules $((RULES + 1)) red
made_by red ICMP security group rule create web --protocol icmp
check "with a higher limit it does"                            yes reaches a3 10.0.0.12
must red security group rule delete "$ICMP"
check "... until it is deleted"                                yes cut_off a3 10.0.0.12
must root quota set --routers 0 --floating-ips 0 red
check "no router at all"                                       yes refuses "Quota exceeded for resources: \['router'\]" red router create r
check "... nor a floating IP"                                  yes refuses "Quota exceeded for resources: \['floatingip'\]" red floating ip create pub
check "another project is not concerned"                       yes blue router create r
must blue router delete r
must root quota set --routers 1 --floating-ips 1 red
must red router create r
must red router add subnet r front4
must red router set r --external-gateway pub
FIP=$(red floating ip create pub --port a3 -f value -c floating_ip_address) || die "$FIP"
check "one of each may be: the outside is reached"             yes reaches a3 198.51.100.9
check "... and a second is refused"                            yes refuses "OverQuota\|Quota exceeded" red floating ip create pub
must red floating ip delete "$FIP"
check "... which is free when the first is gone"               yes eval 'FIP=$(red floating ip create pub -f value -c floating_ip_address)'
check "a member sets none"                                     yes refuses "403\|ot authorized\|Forbidden" red quota set --ports 9 "${PROJECT[red]}"

echo "# others"
check "a project does not see another's network"               yes refuses "No Network found" blue network show front
made_by red RBAC network rbac create --type network --action access_as_shared --target-project "${PROJECT[blue]}" front
check "who shares it twice is told so"                         yes refuses "already exists with those values" red network rbac create --type network --action access_as_shared --target-project "${PROJECT[blue]}" front
must blue port create g1 --network front
boot g1 h1
check "shared with it, its port gets an address there"         yes lease g1
check "... is let in nowhere"                                  no  one_ping g1 10.0.0.11
must red security group rule create web --protocol icmp --remote-ip "$(address g1)"
check "... but where a rule says so"                           yes reaches g1 10.0.0.12
check "a network that others use stays shared"                 yes refuses "depend on it" red network rbac delete "$RBAC"
must root port delete g1
check "a port that is deleted is gone from its switch"         yes wait_for 20 sh -c "! '$B/weft-ofctl' dump-ports-desc 'unix:$DIR/h1.sock' | grep -q af_packet:g1"
check "... and reaches nobody"                                 no  one_ping g1 10.0.0.12
must red network rbac delete "$RBAC"
check "shared no more it is not seen"                          yes refuses "No Network found" blue network show front
verdict
