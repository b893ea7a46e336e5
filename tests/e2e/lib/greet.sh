# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Who came?  TCP servers in a lab that tell the asker the address that they saw.  Sourced after lab; a test ends them with greet_end.

SERVERS=()
greet() { # SPACE PORT...
	local space=$1 port; shift
	for port in "$@"; do
		in_space "$space" /usr/bin/python3 tests/e2e/apps/talk.py greet "$port" >/dev/null 2>&1 &
		SERVERS+=("$!")
	done
	for port in "$@"; do wait_for 20 in_space "$space" sh -c "ss -Hltn 'sport = :$port' | grep -q ."; done
}
came_as() { # SPACE ADDRESS PORT WHO
	local said
	said=$(in_space "$1" /usr/bin/python3 tests/e2e/apps/talk.py who "$2" "$3" 2>&1)
	[ "$said" = "$4" ] || { echo "came as '$said', not '$4'"; return 1; }
}
greet_end() { for p in "${SERVERS[@]}"; do kill "$p" 2>/dev/null; wait "$p" 2>/dev/null; done; SERVERS=(); }
