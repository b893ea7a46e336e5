# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Three hosts on one switch in namespace s, whose controller is on port 6653 there.  Sourced after
# switch.sh.
#
#     h1 ---+
#     h2 ---+ weft-switch ---- tcp ---- 127.0.0.1:6653
#     h3 ---+
space s
for i in 1 2 3; do
	space h$i
	cable h$i eth0 s p$i
	ip -n "$T-h$i" addr add 10.0.0.$i/24 dev eth0
	ip -n "$T-h$i" link set eth0 address 02:00:00:00:00:0$i
done

star_switch() {
	switch s br0 --dpid 1 --controller tcp:127.0.0.1:6653 \
		--port p1@1=af_packet:p1 --port p2@2=af_packet:p2 --port p3@3=af_packet:p3
}

# From host, to host, how many.  Who says that nothing comes sets WAIT.
ping_() { in_space "h$1" ping -q -c "${3:-3}" -i 0.05 -W ${WAIT:-10} "10.0.0.$2"; }
