#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.1.1 Padding
# Spec: 7.1 Header: every message as Wireshark reads it
#
# Every vector of tests/vectors, as TCP payload on port 6653, through Wireshark's OpenFlow dissector:
#
#     tests/vectors/*.hex -> text2pcap -> a capture -> tshark -V
#
# Each must be read as OpenFlow, and nothing in it be malformed.
# Runs in the project's root; ends with "N passed, N failed".
set -eu

if ! command -v tshark >/dev/null || ! command -v text2pcap >/dev/null; then
	echo "skipped: tshark is not installed"
	echo "0 passed, 0 failed"
	exit 0
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

# One packet a file, so that a packet's number is a vector's.
for f in tests/vectors/*.hex; do
	echo "$f" >>"$dir/names"
	sed '/^--$/,$d; /^#/d' "$f" | awk '
		{ for (i = 1; i <= NF; i++) b[n++] = $i }
		END {
			for (i = 0; i < n; i++) {
				if (i % 16 == 0)
					printf "%s%06x", i ? "\n" : "", i
				printf " %s", b[i]
			}
			print ""
		}' >>"$dir/hex"
done
text2pcap -q -T 40000,6653 "$dir/hex" "$dir/pcap" 2>/dev/null

# Segments are looked at one by one.  The whole tree has to be asked for: only then does the dissector
# read each item, and find those that are not there.
tshark -r "$dir/pcap" -V -o tcp.desegment_tcp_streams:FALSE -o openflow.desegment:FALSE \
	-d tcp.port==6653,openflow 2>/dev/null |
	awk '
		function verdict() {
			if (n)
				print !seen ? "not read as OpenFlow" : bad ? bad : "ok"
		}
		/^Frame [0-9]+:/ { verdict(); n++; seen = 0; bad = "" }
		/^OpenFlow [0-9.]+$/ { seen = 1 }
		/Malformed|Exception|Unreassembled|[Bb]ogus|\(Undecoded\)|Unknown (action|instruction)/ { bad = $0 }
		END { verdict() }' >"$dir/out"

# Wireshark 4.0 itself runs past the end of an experimenter's body in these replies.
excepted="mp_experimenter_reply mp_meter_config_reply_vendor mp_flow_monitor_reply mp_nx_flow_monitor_reply mp_table_desc_reply weft_group_desc_reply"

exec 3<"$dir/names"
while read -r verdict; do
	read -r name <&3
	case " $excepted " in
	*" $(basename "$name" .hex) "*) continue ;;
	esac
	if [ "$verdict" = ok ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not ok - $name: $verdict"
	fi
done <"$dir/out"

total=$(($(wc -l <"$dir/names") - $(echo "$excepted" | wc -w)))
if [ $((passed + failed)) -ne "$total" ]; then
	echo "not ok - $total vectors, but $((passed + failed)) verdicts"
	failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
