#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A host fails; a switch only loses its session.
#
#      h1: a1 --- weft-switch ==+== underlay ==+== weft-switch --- a3, later a2 :h3
#                               |
#      h2: a2, b2 - weft-switch +            (h2's session goes through a relay that can be cut)
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/lab

groups() { "$B/weft-ofctl" dump-groups "unix:$DIR/$1.sock" | sort; }
floods_to() { groups "$1" | grep -q "$2"; } # HOST VTEP
floods_not_to() { ! floods_to "$@"; }
port_down() { rest GET "/v2.0/ports/$1" | jq -e '.port.status == "DOWN"' >/dev/null; }
session_up() { rest GET /weft/v1/switches | jq -e ".switches[] | select(.host == \"$1\" and .up)" >/dev/null; }
session_down() { ! session_up "$1"; }
same_groups() { test "$(groups h1)" = "$before"; }

stream() { # a ping every 10 ms, for about SECONDS, in the background
	in_space a1 ping -n -i 0.01 -c "$(($1 * 100))" -w 240 10.0.0.13 >"$DIR/stream" 2>&1 &
	STREAM=$! STREAMED=$(($1 * 100))
}
none_lost() { wait "$STREAM"; tail -3 "$DIR/stream"; [ "$(unanswered "$DIR/stream" "$STREAMED")" = 0 ]; }

relay() {
	rm -f "$DIR/relay.sock"
	"${PYTHON:-/usr/bin/python3}" - "$DIR/relay.sock" "$DIR/of.sock" 2>>"$DIR/relay.log" <<'END' &
import socket, sys, threading
def pump(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    for s in a, b:
        s.shutdown(socket.SHUT_RDWR)
door = socket.socket(socket.AF_UNIX)
door.bind(sys.argv[1])
door.listen()
while True:
    one, other = door.accept()[0], socket.socket(socket.AF_UNIX)
    other.connect(sys.argv[2])
    for way in (one, other), (other, one):
        threading.Thread(target=pump, args=way, daemon=True).start()
END
	RELAY=$!
	disown "$RELAY" # bash is not to say how it ended
	PIDS+=("$RELAY")
	wait_for 20 test -S "$DIR/relay.sock"
}
cut() { lab_kill "$RELAY" KILL; }

h2_switch() {
	lab_program h2 --controller "unix:$DIR/relay.sock" --port up0=af_packet:up0 \
		--port "vx0=vxlan:local=192.0.2.2,uplink=up0,remote=flow,vni=flow"
	wait_for 20 host_up h2 || die "the controller does not see the switch on h2"
}

lab_begin
lab_underlay
lab_host h1 192.0.2.1/24
lab_host h2 192.0.2.2/24
lab_host h3 192.0.2.3/24
lab_controller --grace 4
lab_switch h1
relay
h2_switch
lab_switch h3
new_net a
new_vm a1 h1 a 10.0.0.11
new_vm a2 h2 a 10.0.0.12
new_vm b2 h2 a 10.0.0.22
new_vm a3 h3 a 10.0.0.13
for p in "${PORT[@]}"; do wait_for 20 port_active "$p" || die "port $p is not ACTIVE"; done
for to in 10.0.0.12 10.0.0.13 10.0.0.22; do wait_for 20 pings a1 $to -c 1 || die "$to is not reached"; done
floods_to h1 192.0.2.2 || die "h1 does not flood to h2"
before=$(groups h1)

# 1. The session is lost and back at once: nobody moves.
cut
check "a lost session is seen"                                 yes wait_for 20 session_down h2
check "... its ports are ACTIVE all the same"                  yes port_active "${PORT[a2]}"
check "... and others go on flooding there"                    yes same_groups
relay
check "... it comes back"                                      yes wait_for 20 session_up h2
check "... with its ports ACTIVE, and h1 floods as before"     yes wait_for 20 eval 'port_active "${PORT[a2]}" && same_groups'

# 2. For longer: others do without it, what it carries it goes on carrying.
cut
check "without a session for longer: its ports show DOWN"      yes wait_for 20 port_down "${PORT[a2]}"
check "... it leaves the floods of others"                     yes wait_for 20 floods_not_to h1 192.0.2.2
check "... another host stays in them"                         yes floods_to h1 192.0.2.3
check "... what is known goes on there"                        yes pings a1 10.0.0.12
relay
check "back again: its ports are ACTIVE"                       yes wait_for 20 port_active "${PORT[a2]}"
check "... and h1 floods as before"                            yes wait_for 20 same_groups

# 3. The switch dies, and a VM of its host goes to another.
lab_vm c2 h3
lab_vm_up c2 "${MAC[a2]}" 10.0.0.12/24 "${MTU[a]}"
stream 8
sleep 0.5
lab_kill "${SWITCH_PID[h2]}" KILL
begin=$(date +%s%N)
rest PUT "/v2.0/ports/${PORT[a2]}" '{"port": {"binding:host_id": "h3", "binding:profile": {"weft_spec": "af_packet:c2"}}}' \
	>/dev/null || die "cannot bind a2 elsewhere"
until in_space a1 ping -n -c 1 -W 0.2 10.0.0.12 >/dev/null 2>&1; do
	[ $((($(date +%s%N) - begin) / 1000000)) -lt 20000 ] || break
done
took=$((($(date +%s%N) - begin) / 1000000))
# The bound is for a machine that stands still meanwhile.
check "a port bound elsewhere works within a second or so ($took ms)" yes test "$took" -lt 10000
check "... and is ACTIVE"                                      yes wait_for 20 port_active "${PORT[a2]}"
check "a port that stays is DOWN"                              yes wait_for 20 port_down "${PORT[b2]}"
check "the dead host leaves the floods of others"              yes wait_for 20 floods_not_to h1 192.0.2.2
check "no packet between others was lost"                      yes none_lost
h2_switch
check "the host is back: its port is ACTIVE"                   yes wait_for 20 port_active "${PORT[b2]}"
check "... is flooded to"                                      yes wait_for 20 floods_to h1 192.0.2.2
check "... and reached"                                        yes wait_for 20 pings a1 10.0.0.22 -c 1
check "the port that went stays where it went"                 yes pings a1 10.0.0.12 -c 1
cut # its status is its own
verdict
