#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A switch whose ports are taps sleeps until a frame comes, as one with af_packet does.
#
#   a tapa --- [ weft-switch ] --- tapb b
set -eu
. "$(dirname "$0")/lib/switch.sh"
. "$(dirname "$0")/lib/sleeps.sh"

space weft
space a
space b

into() { ip -n "$T-weft" link set "$2" netns "$T-$1" && ip -n "$T-$1" addr add "10.3.0.$3/24" dev "$2" && ip -n "$T-$1" link set "$2" up; }

switch weft sw --port tapa=tap:tapa --port tapb=tap:tapb
SW=$PID
$OFCTL add-flow "$(sock sw)" actions=NORMAL
into a tapa 1
into b tapb 2
check "one tap reaches another" until_true 20 in_space a ping -c 1 -W 1 10.3.0.2
sleep 0.5
# It goes back to the clock for a second when the driver, which hears of frames by a signal, was told much later than
# it: so that is asked more than once.
sleeps "it" "$SW"
wakes "a packet that comes after a pause is not lost" a 10.3.0.2

kill "$SW"
check "the switch stops cleanly" wait "$SW"
finish
