/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a frame to its flow key, once a packet.
 *
 * Never reads past the frame, whatever its headers claim: a header that does not fit ends the
 * parse, and the fields beyond it stay zero (as a match on them then fails or sees zero).
 * Tags: 802.1Q and 802.1ad; MPLS; PBB I-TAG; ARP/RARP; IPv4 with options; IPv6 with extension
 * headers (ipv6_exthdr with its order and repetition flags); TCP, UDP, SCTP, ICMP, ICMPv6 with ND
 * options. PMD threads, and whoever owns the packet.
 */
#ifndef WEFT_DATAPATH_PARSE_H
#define WEFT_DATAPATH_PARSE_H

#include "datapath/pkt.h"

/*
 * Bits of flow_key.headers: what is there although its fields may all be zero, so that actions do
 * the same to packets whose keys are equal.
 */
enum {
	PKT_HAS_L3 = 0x01, /* IPv4, IPv6 or ARP, well formed */
	PKT_HAS_L4 = 0x02,
	PKT_HAS_MPLS = 0x04,
	PKT_HAS_PBB = 0x08,
	PKT_HAS_ND_SLL = 0x10,
	PKT_HAS_ND_TLL = 0x20,
	PKT_HAS_ND = 0x40, /* the target address */
};

/*
 * Fills p->key (but for the pipeline's own fields: in_port, in_phy_port, metadata, tunnel,
 * registers, which it leaves alone) and the offsets from p->m.  False when there is not even an
 * Ethernet header.
 */
bool pkt_parse(struct pkt *p);

/*
 * Starts packet 'idx' of 'b' on frame 'm' that came in on 'in_port': pipeline fields zeroed,
 * parsed. Takes the mbuf.  False: too short, and the mbuf is still the caller's.
 */
bool pkt_init(struct burst *b, uint32_t idx, struct rte_mbuf *m, uint32_t in_port);

/* The key but for its first line, as a packet begins with it: for who fills that line itself. */
void pkt_begin_key(struct pkt *p);

/* After an action moved headers (push, pop): the same frame again, pipeline fields kept. */
void pkt_reparse(struct pkt *p);

/* Where a parsed frame has its ethertype behind the tags, and the protocol of what is in its IP
 * packet; PKT_NONE: nowhere (a length stands there, or it is no IP). */
uint16_t pkt_type_at(const struct pkt *p);
uint16_t pkt_proto_at(const struct pkt *p);

#endif
