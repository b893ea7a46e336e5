# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# weft-switch and Open vSwitch (its userspace datapath) in namespace s, four ports each, whose other
# ends are in namespace t: w1 ... and o1 ...  Sourced after switch.sh.
#
#          w1 ---- 1 [             ]                o1 ---- 1 [              ]
#     t    w2 ---- 2 [ weft-switch ]           t    o2 ---- 2 [ Open vSwitch ]
#  (peers) w3 ---- 3 [             ]        (peers) o3 ---- 3 [              ]
#          w4 ---- 4 [             ]                o4 ---- 4 [              ]
here=$(dirname "$0")
# shellcheck disable=SC2034 # for ovs.sh
dir=$DIR pids=()
# shellcheck source=tests/sys/lib/ovs.sh
. "$here/lib/ovs.sh"

space t
space s
ports=()
for i in 1 2 3 4; do
	for k in w o; do
		cable s v$k$i t $k$i
		in_space t sysctl -qw net.ipv6.conf.$k$i.disable_ipv6=1
		in_space s sysctl -qw net.ipv6.conf.v$k$i.disable_ipv6=1
	done
	ports+=(--port "vw$i@$i=af_packet:vw$i")
done
switch s sw "${ports[@]}"
ip netns exec "$T-s" bash -c "set -eu; dir='$dir'; pids=(); . '$here/lib/ovs.sh'; ovs_start br; printf '%s\n' \"\${pids[@]}\" >'$dir/ovs.pids'" 2>"$DIR/ovs.err"
while read -r pid; do PIDS+=("$pid"); done <"$dir/ovs.pids"
for i in 1 2 3 4; do
	vsctl add-port br vo$i -- set interface vo$i ofport_request=$i
done

# The cases of lib/NAME.py, run among the peers with the arguments that follow: its lines are the test's.
twins() {
	local cases=$1
	shift
	in_space t "${PYTHON:-/usr/bin/python3}" "$here/lib/$cases.py" "$DIR/sw.sock" "$DIR/br.mgmt" "$DIR/vs.ctl" "$@" >"$DIR/out" 2>&1 || { cat "$DIR/out"; not_ok "the cases were run"; finish; }
	cat "$DIR/out"
	PASSED=$((PASSED + $(grep -c '^ok' "$DIR/out" || true)))
	FAILED=$((FAILED + $(grep -c '^not ok' "$DIR/out" || true)))
	finish
}
