# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The real `openstack` client in a lab, one process for each user.  Sourced after lab.
#
#   client_start [NAME OPTIONS]   as "cloud" and with no token, if nothing else is said
#   client NAME COMMAND...        what it prints; its exit code
#   cloud COMMAND...              the same, as user "cloud"
#   made VARIABLE COMMAND...      what "cloud" creates, its id; or the end of the test
#   must COMMAND...               silent; or the end of the test

declare -A CLIENT_TO CLIENT_FROM
client_start() {
	local name=${1:-cloud} to from
	shift || :
	case "$*" in
	*--os-auth-url*) ;; # Keystone's catalogue says where
	*) set -- "${@:---os-auth-type=none}" --os-endpoint "$URL" ;;
	esac
	mkfifo "$DIR/to-$name" "$DIR/from-$name" || die "no pipes for the client"
	"${PYTHON:-/usr/bin/python3}" tests/e2e/lib/client.py "$@" <"$DIR/to-$name" >"$DIR/from-$name" 2>"$DIR/client-$name.log" &
	PIDS+=("$!")
	exec {to}>"$DIR/to-$name" {from}<"$DIR/from-$name"
	CLIENT_TO[$name]=$to CLIENT_FROM[$name]=$from
}

client() {
	local name=$1 line; shift
	{ printf '%q ' "$@"; echo; } >&"${CLIENT_TO[$name]}" || return 99
	while IFS= read -r -t 60 -u "${CLIENT_FROM[$name]}" line; do
		[ "${line:0:1}" != $'\x1e' ] || return "${line:1}"
		printf '%s\n' "$line"
	done
	echo "openstack $*: no answer"
	return 99
}
cloud() { client cloud "$@"; }
made_by() { # USER VARIABLE COMMAND...
	local user=$1 variable=$2 out; shift 2
	out=$(client "$user" "$@" -f value -c id) || die "openstack $*: $out"
	printf -v "$variable" '%s' "$out"
}
made() { made_by cloud "$@"; }
must() { "$@" >"$DIR/must.out" 2>&1 || die "$*: $(cat "$DIR/must.out")"; }
