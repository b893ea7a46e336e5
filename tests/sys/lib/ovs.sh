# SPDX-License-Identifier: Apache-2.0
# An Open vSwitch with a userspace datapath, of a test's own; sourced, not run.  Bash.
#
# In the test's network namespace and directory $dir; the pids of its programs go into the array
# 'pids', which the test ends.

vswitchd=/usr/lib/openvswitch-switch/ovs-vswitchd
[ -x "$vswitchd" ] || vswitchd=$(command -v ovs-vswitchd || true)
if [ -z "$vswitchd" ] || ! command -v ovs-ofctl ovsdb-tool ovsdb-server >/dev/null; then
	echo "ok - skipped: no Open vSwitch here"
	echo "1 passed, 0 failed"
	exit 0
fi

vsctl() { ovs-vsctl --timeout=20 --db=unix:"$dir/db.sock" "$@"; }

# ovs_start BRIDGE PORT...: the ports are VXLAN ports, which need no device, numbered from 1.
ovs_start()
{
	local br=$1 n=0
	shift
	export OVS_RUNDIR=$dir OVS_LOGDIR=$dir OVS_DBDIR=$dir OVS_SYSCONFDIR=$dir
	ovsdb-tool create "$dir/conf.db" /usr/share/openvswitch/vswitch.ovsschema
	ovsdb-server "$dir/conf.db" --remote=punix:"$dir/db.sock" --unixctl="$dir/db.ctl" \
		--log-file="$dir/ovsdb.log" -vconsole:off &
	pids+=($!)
	for _ in $(seq 400); do [ -S "$dir/db.sock" ] && break; sleep 0.1; done
	vsctl --no-wait init
	"$vswitchd" unix:"$dir/db.sock" --unixctl="$dir/vs.ctl" --log-file="$dir/vs.log" -vconsole:off &
	pids+=($!)
	vsctl add-br "$br" -- set bridge "$br" datapath_type=netdev protocols=OpenFlow13 fail_mode=secure \
		other_config:datapath-id=00000000000000aa
	for port in "$@"; do
		n=$((n + 1))
		vsctl add-port "$br" "$port" -- set interface "$port" type=vxlan \
			options:remote_ip=10.0.0.$n ofport_request=$n
	done
}
