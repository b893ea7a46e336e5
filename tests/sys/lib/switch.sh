# SPDX-License-Identifier: Apache-2.0
# What the switch's system tests share; sourced, not run.  Bash.
#
# Each test has its own prefix for namespaces and its own directory; all of it goes when it ends, in
# whatever way.  Switches run in namespaces, on veths, and only processes started here are stopped.

B=${B:-build}
B=$(cd "$B" && pwd)
T=weft$$
DIR=$(mktemp -d "/tmp/$T.XXXXXX")
export WEFT_RUNDIR=$DIR OVS_RUNDIR=$DIR
PASSED=0 FAILED=0
PIDS=() SPACES=()
OFCTL="ovs-ofctl -O OpenFlow13"

[ "$(id -u)" = 0 ] || { echo "not ok - needs root"; exit 1; }
[ -x "$B/weft-switch" ] || { echo "not ok - $B/weft-switch is not built"; exit 1; }

cleanup()
{
	trap - EXIT INT TERM
	set +e
	for p in "${PIDS[@]:-}"; do
		[ -n "$p" ] && kill "$p" 2>/dev/null && wait "$p" 2>/dev/null
	done
	for n in "${SPACES[@]:-}"; do
		[ -n "$n" ] && ip netns del "$n" 2>/dev/null
	done
	rm -rf "$DIR"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() { echo "ok - $1"; PASSED=$((PASSED + 1)); }
not_ok() { echo "not ok - $1"; FAILED=$((FAILED + 1)); [ ! -s "$DIR/why" ] || sed 's/^/#   /' "$DIR/why"; }

# check TEXT COMMAND...: the command must succeed.
check()
{
	local text=$1
	shift
	if "$@" >"$DIR/why" 2>&1; then ok "$text"; else not_ok "$text"; fi
}

# refuse TEXT COMMAND...: the command must fail.
refuse()
{
	local text=$1
	shift
	if "$@" >"$DIR/why" 2>&1; then not_ok "$text"; else ok "$text"; fi
}

# Whether a sanitizer is built in: the memory that it holds is not the switch's own.
sanitized() { grep -qE '__(asan|tsan)_init' "$B/weft-switch"; }

# until_true SECONDS COMMAND...: as long as that the command may fail; what is waited for on a machine that may stand still.
until_true()
{
	local end=$(($(date +%s%N) + $1 * 1000000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s%N)" -lt "$end" ] || { "$@"; return; }
		sleep 0.1
	done
}

# settled COMMAND...: until it prints the same three times in a row, a third of a second apart; prints that.
settled()
{
	local now last='' again=0
	while [ $again -lt 2 ]; do
		now=$("$@")
		if [ "$now" = "$last" ]; then again=$((again + 1)); else again=0; fi
		last=$now
		sleep 0.3
	done
	echo "$last"
}

# unanswered FILE N: how many of the pings 1 to N, whose output the file is, have had no answer.  They must have been sent
# with -c N -w SECONDS: so ping ends when N are answered, not soon after the last was sent.
unanswered()
{
	awk -v n="$2" '/ bytes from / && match($0, /icmp_seq=[0-9]+/) {
			i = substr($0, RSTART + 9, RLENGTH - 9) + 0
			if (i >= 1 && i <= n && !(i in seen)) { seen[i] = 1; m++ }
		} END { print n - m }' "$1"
}

finish()
{
	echo "$PASSED passed, $FAILED failed"
	[ "$FAILED" = 0 ] || exit 1
}

# space NAME: a network namespace with nothing but loopback.
space()
{
	ip netns add "$T-$1"
	SPACES+=("$T-$1")
	ip -n "$T-$1" link set lo up
	ip netns exec "$T-$1" sysctl -qw net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0 2>/dev/null || true
}

in_space() { local n=$T-$1; shift; ip netns exec "$n" "$@"; }

# cable NAMESPACE IF NAMESPACE IF: a veth.  Packets leave whole: no segmentation is put off.
cable()
{
	ip -n "$T-$1" link add "$2" type veth peer name "$4" netns "$T-$3"
	ip -n "$T-$1" link set "$2" up
	ip -n "$T-$3" link set "$4" up
	in_space "$1" ethtool -K "$2" tso off gso off tx off >/dev/null 2>&1 || true
	in_space "$3" ethtool -K "$4" tso off gso off tx off >/dev/null 2>&1 || true
	in_space "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
}

# switch NAMESPACE NAME ARGS...: starts a weft-switch and waits until it is ready; its pid in $PID.
switch()
{
	local ns=$1 name=$2
	shift 2
	: >"$DIR/$name.log"
	ip netns exec "$T-$ns" "$B/weft-switch" --name "$name" "$@" >"$DIR/$name.log" 2>&1 &
	PID=$!
	PIDS+=("$PID")
	for _ in $(seq 400); do
		grep -q ' ready: ' "$DIR/$name.log" && return 0
		kill -0 "$PID" 2>/dev/null || break
		sleep 0.1
	done
	echo "# switch $name does not start:"
	sed 's/^/#   /' "$DIR/$name.log"
	not_ok "switch $name starts"
	finish
}

sock() { echo "unix:$DIR/$1.sock"; }
flows() { local name=$1; shift; printf '%s\n' "$@" | $OFCTL add-flows "$(sock "$name")" -; }
port_stat() { $OFCTL dump-ports "$(sock "$1")" "$2"; }
