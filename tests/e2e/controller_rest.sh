#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.3.5 Multipart messages: as an HTTP application of os-ken asks
# Spec: 6.1.1 Controller-to-switch messages: as an HTTP application of os-ken sends them
#
# An HTTP application on os-ken's ofctl_v1_3 (apps/rest.py) sets the switch up and asks for everything; each answer is held
# against weft-ofctl's, each change looked at with it, while two hosts talk:
#
#     curl --- http --- os-ken --- tcp --- weft-switch --- unix --- weft-ofctl
#                                   h1 ---+   +--- h2            (p3: nobody there)
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/../sys/lib/switch.sh"
APPS=$(cd "$(dirname "$0")/apps" && pwd)

space s
for i in 1 2; do
	space h$i
	cable h$i eth0 s p$i
	ip -n "$T-h$i" addr add 10.0.0.$i/24 dev eth0
	ip -n "$T-h$i" link set eth0 address 02:00:00:00:00:0$i
done
switch s br0 --dpid 1 --controller tcp:127.0.0.1:6653 \
	--port p1@1=af_packet:p1 --port "p2@2=af_packet:p2;queue=3:min=1000000:max=50000000" --port p3@3=vdev:net_null0,no-rx=1
ip netns exec "$T-s" osken-manager --ofp-tcp-listen-port 6653 "$APPS/rest.py" >"$DIR/rest.log" 2>&1 &
PIDS+=("$!")

ours() { timeout 20 "$B/weft-ofctl" --no-names "$@"; }
SW=$(sock br0)
http() { in_space s curl -sS --max-time 20 "http://127.0.0.1:8080/$1" ${2:+-d "$2"}; }
# get PATH FILTER [BODY]: of the answer for switch 1
get() {
	local out
	out=$(http "stats/$1" "${3-}")
	printf "%s" "$out" | jq -c ".[\"1\"] | $2" 2>/dev/null || echo "not understood: ${out:0:300}"
}
put() { local got; got=$(http "stats/$1" "$2"); [ "$got" = "\"done\"" ] || { printf "not ok - %s: %s\n" "$1" "${got:0:300}"; FAILED=$((FAILED + 1)); }; }
# is TEXT WANT GOT
is() {
	if [ "$2" = "$3" ]; then ok "$1"; else printf 'wanted %s\n   got %s\n' "$2" "$3" >"$DIR/why"; not_ok "$1"; fi
}
errors() { http errors | jq -c .; }
# change TEXT PATH BODY COMMAND REGEX: weft-ofctl COMMAND must show it afterwards
change() {
	put "$2" "$3"
	# shellcheck disable=SC2086
	check "$1" eval "ours $4 | grep -E '$5'"
}

for _ in $(seq 400); do [ "$(http switches 2>/dev/null)" = "[1]" ] && break; sleep 0.1; done
is "the switch is there" "[1]" "$(http switches)"

# ---- Changes ----
change "meter added" meterentry/add '{"dpid":1,"flags":["KBPS","STATS","BURST"],"meter_id":1,"bands":[{"type":"DROP","rate":100000,"burst_size":20000}]}' \
	"dump-meters $SW" 'meter=1 kbps burst stats'
change "meter modified" meterentry/modify '{"dpid":1,"flags":["KBPS","STATS"],"meter_id":1,"bands":[{"type":"DSCP_REMARK","rate":200000,"prec_level":1}]}' \
	"dump-meters $SW" 'meter=1 kbps stats'
put meterentry/add '{"dpid":1,"flags":"PKTPS","meter_id":2,"bands":[{"type":"DROP","rate":5}]}'
change "meter deleted" meterentry/delete '{"dpid":1,"meter_id":2}' "dump-meters $SW | grep -c meter=" '^1$'
change "group added" groupentry/add '{"dpid":1,"type":"ALL","group_id":7,"buckets":[{"actions":[{"type":"OUTPUT","port":1}]},{"actions":[{"type":"OUTPUT","port":2}]}]}' \
	"dump-groups $SW" 'group_id=7,type=all,bucket=.*output:1.*,bucket=.*output:2'
change "group modified" groupentry/modify '{"dpid":1,"type":"ALL","group_id":7,"buckets":[{"actions":[{"type":"OUTPUT","port":2}]},{"actions":[{"type":"OUTPUT","port":3}]}]}' \
	"dump-groups $SW" 'group_id=7,type=all,bucket=.*output:2.*,bucket=.*output:3'
put groupentry/add '{"dpid":1,"type":"FF","group_id":8,"buckets":[{"watch_port":1,"actions":[{"type":"OUTPUT","port":1}]}]}'
change "group deleted" groupentry/delete '{"dpid":1,"group_id":8}' "dump-groups $SW | grep -c group_id=" '^1$'
change "flow added" flowentry/add '{"dpid":1,"cookie":17,"table_id":0,"priority":100,"idle_timeout":300,"match":{"in_port":1},"actions":[{"type":"METER","meter_id":1},{"type":"GOTO_TABLE","table_id":2}]}' \
	"dump-flows $SW" 'cookie=0x11,.*idle_timeout=300,.*priority=100,in_port=1 actions=meter:1,goto_table:2'
put flowentry/add '{"dpid":1,"table_id":2,"priority":1,"match":{},"actions":[{"type":"SET_QUEUE","queue_id":3},{"type":"GROUP","group_id":7}]}'
put flowentry/add '{"dpid":1,"priority":90,"match":{"in_port":2,"eth_type":2048,"ipv4_dst":"10.0.0.0/8"},"actions":[{"type":"OUTPUT","port":3}]}'
put flowentry/add '{"dpid":1,"priority":80,"match":{"in_port":2},"actions":[{"type":"OUTPUT","port":1}]}'
change "flows modified" flowentry/modify '{"dpid":1,"match":{"in_port":2,"eth_type":2048},"actions":[{"type":"OUTPUT","port":1}]}' \
	"dump-flows $SW" 'priority=90,ip,in_port=2,nw_dst=10.0.0.0/8 actions=output:1'
change "a flow modified, strict" flowentry/modify_strict '{"dpid":1,"priority":80,"match":{"in_port":2},"actions":[{"type":"SET_FIELD","field":"eth_src","value":"02:00:00:00:00:02"},{"type":"OUTPUT","port":1}]}' \
	"dump-flows $SW" 'priority=80,in_port=2 actions=set_field:02:00:00:00:00:02->eth_src,output:1'
put flowentry/add '{"dpid":1,"priority":70,"match":{"in_port":3},"actions":[]}'
put flowentry/add '{"dpid":1,"priority":60,"match":{"in_port":3},"actions":[]}'
change "a flow deleted, strict" flowentry/delete_strict '{"dpid":1,"priority":70,"match":{"in_port":3}}' "dump-flows $SW | grep -c in_port=3" '^1$'
change "flows deleted" flowentry/delete '{"dpid":1,"match":{"in_port":3}}' "dump-flows $SW in_port=3 | grep -c actions=" '^0$'
mac=$(get portdesc/1 ".[]|select(.port_no==3).hw_addr")
change "port_mod" portdesc/modify "{\"dpid\":1,\"port_no\":3,\"hw_addr\":$mac,\"config\":32,\"mask\":32,\"advertise\":0}" \
	"dump-ports-desc $SW 3" 'config: +NO_FWD'
put portdesc/modify "{\"dpid\":1,\"port_no\":3,\"hw_addr\":$mac,\"config\":0,\"mask\":32,\"advertise\":0}"
is "nothing of it was refused" "[]" "$(errors)"
change "role" role '{"dpid":1,"role":"MASTER"}' "dump-desc $SW" Weft
is "... master it is" '["MASTER"]' "$(get role/1 '[.[].role]')"
put experimenter/1 '{"experimenter":66051,"exp_type":1,"data_type":"ascii","data":"data"}'
is "an experimenter nobody knows: OFPBRC_BAD_EXPERIMENTER" "[[1,3]]" "$(errors)"
put flowentry/add '{"dpid":1,"table_id":5,"match":{},"actions":[{"type":"GOTO_TABLE","table_id":4}]}'
is "a flow that cannot be: OFPBIC_BAD_TABLE_ID" "[[3,2]]" "$(errors)"

# ---- Traffic ----
check "h1 and h2 talk through table, meter and group" in_space h1 ping -q -c 20 -i 0.02 -W 20 10.0.0.2
check "... with large packets, too" in_space h2 ping -q -c 10 -i 0.02 -W 20 -s 1472 10.0.0.1
# What is compared from here on does not change any more.
in_space h1 ip link set eth0 arp off
in_space h2 ip link set eth0 arp off
sleep 1

# ---- Answers, each against weft-ofctl's ----
num() { sed -nE "s/.*$1[=:] *\"?([0-9]+).*/\1/p" | head -n 1; }
ours dump-desc "$SW" >"$DIR/o"
for f in "mfr_desc:Manufacturer" "hw_desc:Hardware" "sw_desc:Software" "serial_num:Serial Num" "dp_desc:DP Description"; do
	is "desc: ${f%%:*}" "$(sed -nE "s/^ *${f#*:}: //p" "$DIR/o")" "$(get desc/1 ".${f%%:*}" | tr -d '"')"
done
is "flow: what is there" "$(ours dump-flows "$SW" | grep -oE 'table=[0-9]+|n_packets=[0-9]+|n_bytes=[0-9]+|priority=[0-9]+' | paste -sd' ' | sed 's/ table/\ntable/g' | sort)" \
	"$(get flow/1 '.[]|"table=\(.table_id) n_packets=\(.packet_count) n_bytes=\(.byte_count) priority=\(.priority)"' | tr -d '"' | sort)"
is "flow: a filter" '[100]' "$(get flow/1 '[.[].priority]' '{"match":{"in_port":1}}')"
is "flow: actions as os-ken says them" '["METER:1","GOTO_TABLE:2"]' "$(get flow/1 '.[0].actions' '{"match":{"in_port":1}}')"
ours dump-aggregate "$SW" >"$DIR/o"
is "aggregateflow" "{\"packet_count\":$(num packet_count <"$DIR/o"),\"byte_count\":$(num byte_count <"$DIR/o"),\"flow_count\":$(num flow_count <"$DIR/o")}" \
	"$(get aggregateflow/1 '.[0]')"
is "aggregateflow: of table 2" 1 "$(get aggregateflow/1 '.[0].flow_count' '{"table_id":2}')"
is "table: entries, lookups and matches of tables 0 and 2" \
	"$(ours dump-tables "$SW" | grep -A1 -E '^ *table (0|2)\b' | grep -oE '(active|lookup|matched)=[0-9]+' | paste -sd' ')" \
	"$(get table/1 '[.[]|select(.table_id==0 or .table_id==2)|"active=\(.active_count) lookup=\(.lookup_count) matched=\(.matched_count)"]|join(" ")' | tr -d '"')"
is "tablefeatures: how much table 0 holds" "$(ours dump-table-features "$SW" | sed -nE '0,/max_entries/s/.*max_entries=//p')" "$(get tablefeatures/1 '.[0].max_entries')"
check "tablefeatures: instructions are told" eval '[ "$(get tablefeatures/1 ".[0].properties|map(select(.type==\"INSTRUCTIONS\"))|.[0].instruction_ids|length")" -ge 6 ]'
ours dump-ports "$SW" >"$DIR/o"
is "port: packets and bytes of port 1" "$(grep -A1 -E 'port +1:' "$DIR/o" | grep -oE '(pkts|bytes|drop|errs)=[0-9]+' | paste -sd' ')" \
	"$(get port/1/1 '.[0]|"pkts=\(.rx_packets) bytes=\(.rx_bytes) drop=\(.rx_dropped) errs=\(.rx_errors) pkts=\(.tx_packets) bytes=\(.tx_bytes) drop=\(.tx_dropped) errs=\(.tx_errors)"' | tr -d '"')"
is "port: all" '[1,2,3]' "$(get port/1 '[.[].port_no]|sort')"
is "portdesc" "$(ours dump-ports-desc "$SW" | sed -nE 's/^ *([0-9]+)\((.*)\): addr:(.*)/\1 \2 \3/p' | sort | paste -sd,)" \
	"$(get portdesc/1 '.[]|"\(.port_no) \(.name) \(.hw_addr)"' | tr -d '"' | sort | paste -sd,)"
ours queue-stats "$SW" >"$DIR/o"
is "queue: what left by queue 3 of port 2" "$(sed -nE 's/.*port 2 queue 3: bytes=([0-9]+), pkts=([0-9]+), errors=([0-9]+).*/\1 \2 \3/p' "$DIR/o")" \
	"$(get queue/1/2/3 '.[0]|"\(.tx_bytes) \(.tx_packets) \(.tx_errors)"' | tr -d '"')"
check "queue: packets left by it" test "$(get queue/1 '.[0].tx_packets')" -ge 30
ours queue-get-config "$SW" 2 >"$DIR/o"
is "queueconfig: the rates of queue 3" "$(sed -nE 's/.*min_rate:([0-9.]+)%.*max_rate:([0-9.]+)%.*/\1 \2/p' "$DIR/o")" \
	"$(get queueconfig/1/2 '.[0].queues[0]|[.properties[]|.rate/10]|"\(.[0]) \(.[1])"' | tr -d '"')"
is "queueconfig: of a port without queues" 0 "$(get queueconfig/1/1 '.[0].queues|length')"
ours dump-group-stats "$SW" >"$DIR/o"
is "group" "$(num ref_count <"$DIR/o") $(num packet_count <"$DIR/o") $(num byte_count <"$DIR/o") 2" \
	"$(get group/1 '.[]|select(.group_id==7)|"\(.ref_count) \(.packet_count) \(.byte_count) \(.bucket_stats|length)"' | tr -d '"')"
is "groupdesc" '[{"id":7,"type":"ALL","actions":[["OUTPUT:2"],["OUTPUT:3"]]}]' "$(get groupdesc/1 '[.[]|{id:.group_id,type,actions:[.buckets[].actions]}]')"
is "groupfeatures: types" '["ALL","FF","INDIRECT","SELECT"]' "$(get groupfeatures/1 '.[0].types|sort')"
is "groupfeatures: how many of type ALL" "$(($(ours dump-group-features "$SW" | sed -nE '/all group/,/max_groups/s/.*max_groups=//p')))" "$(get groupfeatures/1 '.[0].max_groups[0].ALL')"
ours meter-stats "$SW" >"$DIR/o"
is "meter" "$(num flow_count <"$DIR/o") $(num packet_in_count <"$DIR/o") $(num byte_in_count <"$DIR/o") 1" \
	"$(get meter/1 '.[]|select(.meter_id==1)|"\(.flow_count) \(.packet_in_count) \(.byte_in_count) \(.band_stats|length)"' | tr -d '"')"
check "meter: packets went through it" test "$(num packet_in_count <"$DIR/o")" -ge 30
is "meterconfig" '{"flags":["KBPS","STATS"],"bands":[{"rate":200000,"burst_size":0,"type":"DSCP_REMARK","prec_level":1}],"meter_id":1}' "$(get meterconfig/1/1 '.[0]')"
ours meter-features "$SW" >"$DIR/o"
is "meterfeatures" "$(num max_meter <"$DIR/o") $(num max_bands <"$DIR/o") $(num max_color <"$DIR/o")" \
	"$(get meterfeatures/1 '.[0]|"\(.max_meter) \(.max_bands) \(.max_color)"' | tr -d '"')"
is "meterfeatures: bands" '["DROP","DSCP_REMARK"]' "$(get meterfeatures/1 '.[0].band_types|sort')"
is "nothing of it was refused" "[]" "$(errors)"
refuse "os-ken has understood every message" grep -E 'Traceback|malformed' "$DIR/rest.log"
finish
