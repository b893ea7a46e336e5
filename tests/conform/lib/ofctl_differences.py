# SPDX-License-Identifier: Apache-2.0
"""Where weft-ofctl answers differently from ovs-ofctl, or weft-switch from Open vSwitch, and why.

four_pairs.py holds each row to be true: a step that the row's pattern finds must differ without it, and be alike once
what the row masks is replaced.  conformance_page.py shows the table.  Nothing else may differ.
"""
import collections
import re

# between: "tools" or "switches".  steps: a pattern of "scenario: command line".  mask: what is replaced in both outputs
# before they are held against each other; None: output and exit status are each one's own.
Difference = collections.namedtuple("Difference", "between what why steps mask")
ALL = None


def tools(what, why, steps, mask=ALL):
    return Difference("tools", what, why, steps, mask)


def switches(what, why, steps, mask=ALL):
    return Difference("switches", what, why, steps, mask)


DIFFERENCES = {
    # ---- weft-ofctl and ovs-ofctl ----
    "fields": tools(
        "`dump-table-features` lists other fields", "each tool names the fields that it knows: ERSPAN, GTP-U, NSH and Geneve are ovs-ofctl's, PBB, "
        "IPV6_EXTHDR and IN_PHY_PORT weft-ofctl's", r": dump-table-features",
        [(r"^( *(?:supported on Set-Field|arbitrary mask|exact match or wildcard):).*", r"\1 F")]),
    "one of all": tools(
        "`dump-ports-desc SWITCH PORT`, `dump-groups SWITCH GROUP` and `queue-get-config SWITCH PORT QUEUE` print the one that is named",
        "OpenFlow 1.3 tells all, and so ovs-ofctl prints all and looks at the name no further; weft-ofctl picks, and says so if it is not there",
        r": dump-ports-desc SW (2|p2|LOCAL)$|: dump-groups SW (2|77|x|group_id=2|group_id=18)$"),
    "number alone": tools(
        "`dump-group-stats SWITCH 2` and `... all` are understood", "ovs-ofctl wants `group_id=` here, and not in `dump-groups`",
        r": dump-group-stats SW (2|all)$"),
    "table desc": tools(
        "`dump-table-desc` and `mod-table` evict, noevict, vacancy, novacancy do their work", "ovs-ofctl has them for OpenFlow 1.4 on only; "
        "weft-ofctl sends 1.4's structures as an ONF extension, which weft-switch takes and Open vSwitch refuses",
        r": dump-table-desc SW|: mod-table SW 1 (no)?(evict|vacancy)"),
    "1.5": tools(
        "`insert-buckets`, `remove-buckets` and `selection_method` work with OpenFlow 1.3", "ovs-ofctl has them for OpenFlow 1.5 on only, refusing the first two "
        "and leaving the method out without a word; weft-ofctl sends 1.5's layout in an extension of weft-switch's, which Open vSwitch refuses",
        r"^buckets and selection: (insert|remove|bundle|add-group SW group_id=(20|21|14))"),
    "no colours": tools(
        "`--color=always` is refused", "weft-ofctl's output has no colours; `auto` and `never` are as good as one another", r"--color=always"),
    "flags": tools(
        "`diff-flows` and `replace-flows` look at a flow's flags (`send_flow_rem` and the like), and `diff-flows` prints them",
        "ovs-ofctl does not compare them, and so leaves a flow without its notification; it also prints two spaces behind a table where there is no match",
        r": (--names )?diff-flows (SW|plain|empty) (SW|plain|empty)$(?<!SW SW)(?<!plain plain)"),
    "goes on": tools(
        "A file with a flow that the switch refuses is carried out to its end, and the line is named on standard error",
        "ovs-ofctl stops at the first, after a round trip for each; weft-ofctl sends all and asks once. With `--bundle`, both do all or nothing",
        r": (--bundle add-flows SW refused|add-flows SW refused|bundle SW bundle.bad)", [(r"^ofctl: \.\.\.\n", "")]),
    "may not be sent": tools(
        "A refused message is shown in words, where ovs-ofctl shows bytes", "ovs-ofctl cannot decode what it has sent: it checks only when it reads",
        r": (add-group SW group_id=3,type=indirect$|add-group SW group_id=10|add-meter SW meter=4,kbps,pktps)", [(r"^(OFPT_(?:GROUP|METER)_MOD \(OF1.3\) \(xid=X\):)[\s\S]*", r"\1")]),
    "meters in bundles": tools(
        "`--bundle` with the meter commands makes a bundle", "ovs-ofctl takes the option and sends the message by itself; Open vSwitch has no meters in bundles, and says so to weft-ofctl",
        r": --bundle add-meter"),
    "importance": tools(
        "`importance=` is sent, and shown by `dump-flows`", "in the two bytes behind a flow's flags, where 1.4 has it and 1.3 zeros; ovs-ofctl leaves it out. Open vSwitch does not keep it",
        r": dump-flows SW table=10$", [(r"importance=7, ", "")]),
    "packet_type": tools(
        "`nw_src=` without `ip`, `tp_dst=` without `tcp`: the flow is sent without them", "ovs-ofctl leaves them out as well, and adds `packet_type=(0,0)`, a field of OpenFlow 1.5, which weft-switch refuses "
        "as a field that it does not know", r": add-flow SW (nw_src=1.2.3.4|tp_dst=80),actions=1|^flows that are refused: --no-stats dump-flows SW$"),
    "LOCAL": tools(
        "`mod-port SWITCH LOCAL` works by that name", "ovs-ofctl finds no port `LOCAL` on OpenFlow 1.3, only the bridge's name", r": mod-port SW LOCAL"),
    "no such setting": tools(
        "`mod-port` flood, no-flood, stp, no-stp, receive-stp, no-receive-stp are refused", "OpenFlow 1.3's ports have no such settings: ovs-ofctl sends a message that changes nothing",
        r": mod-port SW 1 (no-)?(flood|stp|receive-stp)"),
    "pipeline fields": tools(
        "`packet-out` with a register or another field is refused", "OpenFlow 1.3's packet-out has a port and no other field: ovs-ofctl leaves the field out", r": packet-out SW .*reg0=5"),
    "elsewhere": tools(
        "`dump-ipfix-bridge`, `dump-ipfix-flow`, `add-tlv-map`, `del-tlv-map`, `dump-tlv-map` are refused by name",
        "weft-switch exports no IPFIX and maps no Geneve options", r"^what belongs to other work: "),
    "numbers": tools(
        "`ping SWITCH x`, `monitor SWITCH 70000`, `ofp-parse-pcap FILE x` are refused", "ovs-ofctl takes what is no number for 0, or the lower bits of one that is too large",
        r": (ping SW x|-t 1 monitor SW 70000|ofp-parse-pcap capture x)$"),
    "daemon": tools(
        "`--unixctl`, `--detach`, `--pidfile`, `--log-file`, `--syslog-*`, `--ssl-*`, `--no-chdir` and their like are refused by name, with what stands in their place",
        "weft-ofctl is no daemon, and logs to standard error", r": --(unixctl|log-file|syslog-\w+|pidfile|ssl-\w+|no-chdir)"),
    "invalid_ttl": tools("`monitor SWITCH invalid_ttl` asks for packets whose TTL ran out", "ovs-ofctl does so up to OpenFlow 1.2; in 1.3 the asynchronous configuration has a bit for it (7.3.10)", r": -t 1 monitor SW invalid_ttl$"),
    "usable protocols": tools(
        "`parse-flow`, `parse-flows` and `parse-group` print the message alone", "there is one protocol, and so nothing to say about which ones are usable",
        r"^offline: parse-(flow|flows|group) (in_port=1|tcp,tp|plain|group_id=1,type=all)", [(r"^usable protocols:.*\n|^chosen (protocol|version):.*\n", "")]),
    "parse-flows": tools(
        "`parse-flows` reads lines that begin with modify or delete, and prints the lines before a wrong one", "ovs-ofctl's reads flows to add only, and the whole file first",
        r"^offline: parse-flows (mixed|syntax)"),
    "many messages": tools(
        "`ofp-print` takes several messages, and - for standard input", "ovs-ofctl's second argument says how much is to be printed", r"^offline: ofp-print 0400000800000001 0402"),
    "its own tests": tools(
        "`parse-nx-match`, `parse-nxm`, `parse-oxm`, `parse-actions`, `parse-instructions`, `parse-ofp10-match`, `parse-ofp11-match`, `parse-pcap`, `parse-packet`, `compose-packet`, `check-vlan`, `print-error`, "
        "`encode-error-reply`, `encode-hello`, `parse-key-value` are refused by name", "they are in no manual, and there for ovs-ofctl's own tests", 
        r"^offline: (compose-packet|print-error OFP|encode-|parse-(actions|instructions|oxm|nx-match|key-value|nxm|packet|ofp10-match|pcap)|check-vlan)"),
    "help": tools(
        "`--help`, `help`, `list-commands` and `--version` tell what weft-ofctl has; `--option` is not there", "they describe the program", r"^offline: (help|--help|-h|list-commands|--version|-V|--option)$"),
    # ---- weft-switch and Open vSwitch ----
    "switch": switches(
        "`show`, `dump-desc`: buffers, capabilities, miss_send_len, description", "weft-switch keeps packets in buffers, reassembles, and starts with 1.3.5's 128 bytes of a packet that misses; Open vSwitch does none of these",
        r"^what it is: ((--names )?show SW|dump-desc SW)$", [(r"n_buffers:\d+|miss_send_len=\d+|IP_REASM ", ""), (r"^(Manufacturer|Hardware|Software|DP Description): .*", r"\1")]),
    "table features": switches(
        "`dump-table-features`: other fields and actions", "each switch tells what it has", r": dump-table-features",
        [(r"^( *(?:supported on Set-Field|arbitrary mask|exact match or wildcard|actions):).*", r"\1 F")]),
    "table desc here": switches("`dump-table-desc` and `mod-table` are answered", "Open vSwitch has them for OpenFlow 1.4 on only", r": (dump-table-desc SW|mod-table SW 1 (no)?(evict|vacancy))"),
    "ports that are not there": switches(
        "`dump-ports` of a port that is not there, and `packet-out` from one, are refused: OFPBRC_BAD_PORT", "7.3.5.6, 7.3.7; Open vSwitch answers with no port, and sends the packet. A weft-switch has a LOCAL port only where it is given one",
        r": dump-ports SW (LOCAL|77)$|: packet-out SW in_port=77"),
    "limits": switches("`dump-group-features`, `meter-features`: other limits, chaining checks, dscp_remark", "each switch tells what it has",
                       r": (dump-group-features|meter-features) SW$", [(r"0x[0-9a-f]+|:\d+", "N"), (r" dscp_remark", "")]),
    "group checks": switches(
        "A bucket that leads to a group that is not there, and a circle of groups, are refused: OFPBAC_BAD_OUT_GROUP, OFPGMFC_LOOP", "6.5, 5.6.1: weft-switch checks chains when they are made; Open vSwitch drops the packets",
        r"^groups that are refused: (add-group SW group_id=3,type=all,bucket=group:77|mod-group SW group_id=1,type=all,bucket=group:1|--no-names dump-groups SW|dump-groups SW group_id=18)$"),
    "1.5 here": switches("Buckets that come and go, and selection methods, are taken in Weft's extension", "Open vSwitch takes them in OpenFlow 1.5's messages only",
                         r"^buckets and selection: (insert|remove|bundle|add-group SW group_id=(20|21|14))"),
    "meters in bundles here": switches("Meters in bundles", "Open vSwitch refuses them: OFPBFC_MSG_UNSUP", r": --bundle add-meter"),
    "importance here": switches("A flow's importance is kept and told", "Open vSwitch has it for OpenFlow 1.4 on only", r": dump-flows SW table=10$", [(r"importance=7, ", "")]),
    "no LOCAL": switches("There is no port LOCAL unless the switch is given one", "each Open vSwitch has one", r"^ports and fragments: (mod|dump)-port\S* SW LOCAL"),
    "remark": switches("dscp_remark bands are taken", "Open vSwitch's meters only drop", r"^meters: (add-meter SW meter=5|dump-meters SW \+5)"),
    "unknown meter": switches(
        "A flow that names a meter that is not there: OFPMMFC_UNKNOWN_METER", "Open vSwitch says OFPMMFC_INVALID_METER, which 6.6 has for a number that can be none's",
        r": add-flow SW actions=meter:(99|77,output:1)$", [(r"OFPMMFC_\w+", "E")]),
    "table 254": switches("A flow for table 254: OFPFMFC_BAD_TABLE_ID", "there is none; Open vSwitch has one to itself there, and says OFPBRC_EPERM",
                          r": add-flow SW table=254", [(r"OFP(BRC_EPERM|FMFC_BAD_TABLE_ID)", "E")]),
    "goto 255": switches("goto_table:255 is refused: OFPBIC_BAD_TABLE_ID", "there is no table 255 (7.2.4); Open vSwitch takes it for one that drops", r": add-flow SW actions=goto_table:255$"),
    "packet_type here": switches("packet_type is refused: OFPBMC_BAD_FIELD", "it is a field of OpenFlow 1.5; see `nw_src=` without `ip` above", r": add-flow SW (nw_src=1.2.3.4|tp_dst=80),actions=1"),
    "queues that are not there": switches("A queue that is not there is refused: OFPBAC_BAD_QUEUE", "7.2.5; Open vSwitch sends by the port's own queue", r": add-flow SW actions=(set_queue:1,output:1|enqueue:1:2)$"),
    "port down": switches("A port that is down says so", "a VXLAN port of Open vSwitch cannot be taken down", r"^ports and fragments: dump-ports-desc SW \+down$"),
    "fragments": switches("set-frags takes reassemble, and refuses nx-match: OFPSCFC_BAD_FLAGS", "7.3.2 has the one and not the other; Open vSwitch the other way round",
                          r"^ports and fragments: (set-frags SW (reassemble|nx-match)|get-frags SW \+frags)$"),
    "elsewhere here": switches("IPFIX, connection tracking and Geneve options are refused: OFPBRC_BAD_SUBTYPE", "weft-switch has none of them", r"^what belongs to other work: "),
    "kept flows": switches("What is left after the refusals differs", "by the flows that Open vSwitch took and weft-switch refused, above", r"^flows that are refused: --no-stats dump-flows SW$"),
}
# Matches that the tools do not read alike: (match, ovs-ofctl's verdict, weft-ofctl's, why).  text_corpus.py holds them.
READ = [
    ("OXM_OF_ETH_TYPE(0806) OXM_OF_ARP_OP(1111)", "OFPBMC_BAD_VALUE", "taken", "the opcode has 16 bits (table 11); Open vSwitch matches 8 of them"),
    ("OXM_OF_VLAN_VID(0123)", "taken", "OFPBMC_BAD_VALUE", "without OFPVID_PRESENT only 0 has a meaning (table 13)"),
    ("OXM_OF_VLAN_VID(0123) OXM_OF_VLAN_PCP(01)", "OFPBMC_BAD_PREREQ", "OFPBMC_BAD_VALUE", "the same; weft-ofctl finds the value wrong first"),
]
_STEPS = {row: re.compile(d.steps) for row, d in DIFFERENCES.items()}


def rows_of(text):
    """The rows that a step must show; 'text' is 'scenario: command line'."""
    return [row for row, pattern in _STEPS.items() if pattern.search(text)]
