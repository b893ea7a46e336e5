#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From POST /v2.0/ports to the first packet through: bench/rest_to_packet.sh RUNS, run by rest_to_packet.py.
#
#      h1 [ weft-switch ]----- underlay -----[ weft-switch ] h2          near and far: VMs that are there already
#             |    \            (VXLAN)            |                     new: a VM whose port is made and deleted
#            near   new                           far
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/e2e/lab
QUIET=1

runs=$1
NEW=02:be:00:00:00:01
lab_begin
lab_underlay
lab_host h1 192.0.2.1/24
lab_host h2 192.0.2.2/24
lab_controller
lab_vm new h1
# --port: the IaaS layer plugged the device before it asked for the port, as it does for VMs.
lab_switch h1 --port plugged=af_packet:new
lab_switch h2
new_net a
new_vm near h1 a 10.0.0.11
new_vm far h2 a 10.0.0.12
for p in "${PORT[@]}"; do wait_for 10 port_active "$p" || die "port $p is not ACTIVE after 10 s"; done
lab_vm_up new $NEW 10.0.0.99/24 "${MTU[a]}"
for vm in near far; do # they answer without asking first
	ip -n "$LAB-$vm" neigh replace 10.0.0.99 lladdr $NEW dev eth0 nud permanent
done

probe() { # CASE PEER PORT-JSON
	/usr/bin/python3 bench/rest_to_packet.py "$1" "$runs" "$REST_PORT" "/run/netns/$LAB-new" "$NEW" "${MAC[$2]}" \
		"$([ "$2" = near ] && echo 10.0.0.11 || echo 10.0.0.12)" \
		"{\"network_id\": \"${NET[a]}\", \"project_id\": \"tenant-a\", \"mac_address\": \"$NEW\", \"fixed_ips\": [{\"ip_address\": \"10.0.0.99\"}], $3}"
}
probe "plugged, same host" near '"name": "plugged", "binding:host_id": "h1"' &&
probe "plugged, other host" far '"name": "plugged", "binding:host_id": "h1"' || exit 1
# Now the controller has the switch open the device, which nothing else may have.
/usr/bin/python3 tests/sys/lib/mgmt.py "$DIR/h1.sock" del plugged >/dev/null || exit 1
probe "weft_spec, other host" far '"name": "made", "binding:host_id": "h1", "binding:profile": {"weft_spec": "af_packet:new"}'
