/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds of answer() share: IP and UDP headers of what came, judged, and of what goes.
 * Pure functions; any thread.
 */
#ifndef WEFT_DATAPATH_ANSWER_IP_H
#define WEFT_DATAPATH_ANSWER_IP_H

#include "base/byteorder.h"
#include "datapath/answer.h"

enum {
	IP4_HEAD = 20,
	IP6_HEAD = 40,
	UDP_HEAD = 8,
	ICMP_HEAD = 8,
	PROTO_ICMP = 1,
	PROTO_UDP = 17,
	PROTO_ICMPV6 = 58,
};

/* Part of a packet. */
struct part {
	const uint8_t *p;
	uint32_t n;
};

/* The IPv4 header is sound (length, checksum), and so is the length of the packet: its bytes, which
 * may be fewer than it has (struct ask). */
bool answer_ip4(const struct ask *q, struct part *ip);
/* The same of IPv6. */
bool answer_ip6(const struct ask *q, struct part *ip);

/*
 * A whole UDP datagram to 'port' straight behind the IP header, no fragment, its checksum right:
 * what is in it.  'q' has all of the packet.
 */
bool answer_udp(const struct ask *q, bool v6, uint16_t port, struct part *data);
/*
 * A whole ICMPv6 message straight behind the header, as neighbour discovery asks for (RFC 4861
 * 6.1.1, 7.1.1): hop limit 255, checksum, type, code 0, at least 'least' bytes, and then options of
 * some length each.
 */
bool answer_nd_message(const struct ask *q, uint8_t type, uint32_t least, struct part *icmp);
/* Whether options from 'at' on have one of 'type'. */
bool answer_nd_has(const struct part *icmp, uint32_t at, uint8_t type);

/* The header in front of r->p[IP4_HEAD]..[r->n], and the sum in it; ICMP's or UDP's too. */
void answer_seal4(struct reply *r, uint8_t tos, uint8_t proto, const uint8_t src[4],
		  const uint8_t dst[4]);
void answer_seal6(struct reply *r, uint8_t hop_limit, uint8_t proto, const uint8_t src[16],
		  const uint8_t dst[16]);
/* UDP's at 'at', but for the checksum, which sealing writes. */
void answer_udp_head(struct reply *r, uint32_t at, uint16_t from, uint16_t to);

/* Whether one host may have this address, and be told something. */
bool answer_host4(const uint8_t ip[4]);
bool answer_host6(const uint8_t ip[16]);
bool answer_is_zero(const uint8_t *p, uint32_t n);

/* Frames: back to who asked, from a station; to all nodes (RFC 2464, 7). */
void answer_to_asker(const struct ask *q, struct reply *r, const uint8_t from[6]);
void answer_to_all_nodes(struct reply *r, const uint8_t from[6]);
extern const uint8_t answer_all_nodes[16];

#endif
