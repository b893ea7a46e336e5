#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Both ends of a virtqueue sleep until a frame comes, also after the guest has gone and come again.
#
#   a --- [ host ] vhost-user --- virtio-user [ guest ] --- b
set -eu
. "$(dirname "$0")/lib/switch.sh"
. "$(dirname "$0")/lib/sleeps.sh"

space weft
space a
space b

into() { cable weft "vm$1" "$1" "$1"0 && ip -n "$T-$1" addr add "10.4.0.$2/24" dev "$1"0; }
pings() { in_space a ping -c 1 -W 1 10.4.0.2; }

guest() {
	switch weft guest --port "v=vdev:net_virtio_user0,path=$DIR/vhost" --port b=af_packet:vmb -- --no-huge
	GUEST=$PID
	$OFCTL add-flow "$(sock guest)" actions=NORMAL
}

both_sleep() {
	sleeps "$1 the host's end" "$HOST"
	sleeps "$1 the guest's" "$GUEST"
	wakes "$1 a packet that comes after a pause is not lost" a 10.4.0.2
}

into a 1
into b 2
switch weft host --port "v=vhost-user:$DIR/vhost,server" --port a=af_packet:vma
HOST=$PID
$OFCTL add-flow "$(sock host)" actions=NORMAL
check "without a guest, too, it sleeps" until_true 40 idle "$HOST"
guest
check "host and guest reach each other" until_true 20 pings
both_sleep "with a guest"
kill -9 "$GUEST"
wait "$GUEST" 2>/dev/null || true # it was killed: that is its status
guest
check "another guest is reached" until_true 20 pings
both_sleep "with another guest"

kill "$GUEST"
check "the guest stops cleanly" wait "$GUEST"
kill "$HOST"
check "the host stops cleanly" wait "$HOST"
finish
