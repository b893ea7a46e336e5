# SPDX-License-Identifier: Apache-2.0
"""Where Weft's verdict on connections is another than that of Open vSwitch's userspace datapath, and why."""


def both(title, rows):
    """Of IPv4 and of IPv6."""
    return {f"{title}{six}{more}: {name}": why for six in ("", " over IPv6") for (more, name), why in rows.items()}


ZERO = "port 0 is reserved, but not malformed, and a UDP sender that wants no answer has it (RFC 768); a flow can match it"
CHALLENGE = "the host answers with an acknowledgment and decides by what comes of that (RFC 5961 {}); nothing changes here until then"
RESETS = "a RST begins no connection: there is nothing that it could end"
TCP = {
    (", open", "RST of b's, within the window"): CHALLENGE.format("3.2"),
    (", open", "SYN of a's, new number"): CHALLENGE.format("4.2") + ". A host that restarted and took the port again gets through so",
    (", open", "SYN of b's"): CHALLENGE.format("4.2"),
    ("", "SYN, refused, without ACK"): "before a connection is open a RST counts if it acknowledges the SYN (RFC 9293 3.10.7.3); others can be forged blindly",
    ("", "SYN, refused"): "the first RST ended it before b had said where its numbers begin, so that nothing later can be judged",
    ("", "SYN, a RST that acknowledges something else"): "as a RST without ACK",
    ("", "SYN, data before the answer"): "nobody can acknowledge what the other side has not said",
    ("", "SYN, an ACK for an answer"): "it comes of a connection that one side forgot; the RST that follows passes, and nothing is established meanwhile",
    ("", "SYN, an answer that acknowledges something else"): "an answer acknowledges the SYN (RFC 9293 3.10.7.3)",
    ("", "both open at once"): "the SYN that comes the other way is an answer of the connection's: a simultaneous open must pass (RFC 5382 REQ-2)",
    ("", "data: picked up"): "new until there is an answer, as with every other protocol",
    ("", "RST"): RESETS, ("", "RST and ACK"): RESETS, ("", "RST of b's"): RESETS,
    ("", "SYN and PSH"): "PSH beside SYN asks for nothing impossible (RFC 9293 3.10.7.4 looks past it), and SYNs with data have it",
    ("", "source port 0"): ZERO, ("", "destination port 0"): ZERO,
}
VERDICTS = {
    **both("TCP", TCP), **both("UDP", {("", "source port 0"): ZERO, ("", "destination port 0"): ZERO}),
    **both("echo", {("", "a code that there is not"): "hosts answer it, with the same code; it is theirs to judge"}),
    **both("protocol", {("", "SCTP"): "SCTP's checksum is looked at, too; this one's is wrong"}),
    "UDP: a quotation that says another version": "it quotes no IPv4 packet",
    "ICMP: masks": "an address mask is asked for and answered (RFC 950), one of the queries of RFC 5508",
    "TCP over IPv6, open: too big, from a router": "eight bytes behind the quoted IPv6 header are enough to find the connection",
}
ACTIONS = {
    "limit 5: the first packets of seven": "what finds no room is dropped and counted, as the Linux kernel's datapath does it; Open vSwitch's userspace lets it pass "
                                           "untracked, and its answers are dropped as new",
    "fragments behind ct() have the ports of their datagram": "a datagram is whole behind ct(), as ovs-actions(7) says; Open vSwitch's userspace tracks it whole, but goes "
                                                              "on with its fragments, of which only the first has ports",
    "fragments through ct(): tags": "one of two tags on a fragment is lost there",
    "fragments through ct(): other_bytes": "an overlap with other bytes is an attack; all of the datagram is dropped (RFC 5722, for IPv4, too)",
}


def of_nat(v):
    n = f"IPv{v} "
    return {
        n + "RFC 4787 REQ-4: even ports stay even and odd ones odd, with collisions, too": "it takes the next port",
        n + "RFC 4787 REQ-2: all of a host's sessions have one public address (persistent)": "it takes no notice of 'persistent'",
        n + "RFC 5382 REQ-2: ... and it is the connection's, not a new one": "as in the verdict on a simultaneous open",
        n + "RFC 5508 REQ-1: two hosts with one identifier: two outside": "it does not translate identifiers, so that two hosts with one are not told apart",
        n + "RFC 5508 REQ-1: ... and each gets its own back": "as before",
    }


NAT = {
    **of_nat(4), **of_nat(6),
    "IPv4 RFC 5508 REQ-3a: one whose quotation has a bad IP checksum is dropped": "it does not look",
    "IPv6 RFC 5382 REQ-9: ... its checksum, too": "of IPv6 it leaves the quoted TCP checksum as it was",
    "RFC 4787 REQ-5: ... one that was answered": "its default is 60 s",
    "RFC 5382 REQ-5: one that is opening, 4 minutes": "its default is 30 s; here unanswered ones go sooner when the pool gets short",
}
ATTACKS = {}
for v in (4, 6):
    ATTACKS[f"IPv{v}: half-open: a host that starts anew from the same port gets through"] = CHALLENGE.format("4.2")
    ATTACKS[f"IPv{v}: a range of four ports and five sockets: four get through, each by another"] = (
        "it lets the fifth out with its inside address, and no flow can tell; here it is dropped and counted")
COMMANDS = {
    "dump-conntrack: TCP, FIN_WAIT_2": "the state of the side that is behind, as it is; Open vSwitch calls everything from here on TIME_WAIT",
    "dump-conntrack: TCP, closed": "as FIN_WAIT_2",
    "dump-conntrack: TCP, picked up": "a packet with ACK comes of a connection that is open",
    "... after a second of silence: UDP is forgotten": "the half that NAT added outlives the connection there, and its packets are invalid for a while",
    "flush-conntrack TUPLE, without a zone: zone 0's, and there is none": "what is not there is not an error, as with other deletions",
    **{f"dump-conntrack -m: {a}": "a number that no other connection has, and the status bits; Open vSwitch's userspace has neither" for a in ("10.1.4.1", "fd01::4:1")},
}
