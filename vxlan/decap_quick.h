/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short cut of decapsulation: what nearly every tunnel packet looks like is checked in one
 * straight line, and taken; whatever is not just so is left to the careful way of decap.c, which
 * decides.
 *
 * Just so is: one segment; to the uplink's MAC, untagged or with one 802.1Q tag; IPv4 without
 * options, whole, or IPv6 without extension headers; UDP to a tunnel of ours; the VNI flag; room
 * for an inner Ethernet header; lengths that fit and checksums that are right, by our own sum or
 * the driver's word; no congestion mark that the inner header would have to be told of.
 *
 * Most of that, and whom the packet is from and to and in which network, are bits that packets of
 * one tunnel have in common: where they are (struct vxlan_shape) is known by the family and the
 * tag, and they are compared by 16 bytes with those of the packet before, or of one of the tunnels
 * that this thread has had lately (struct vxlan_known).  Only what is new is looked up.
 *
 * PMD threads; a part of decap.c.
 */
#ifndef WEFT_VXLAN_DECAP_QUICK_H
#define WEFT_VXLAN_DECAP_QUICK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <netinet/in.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_mbuf.h>
#include <rte_vect.h>

#include "base/load.h"
#include "vlan/tag.h"
#include "vxlan/csum.h"
#include "vxlan/decap.h"

typedef uint64_t quick_lanes __attribute__((vector_size(16)));

enum {
	QUICK_INNER = 14,
	QUICK_UDP = 8 + VXLAN_HLEN,
	QUICK_HEAD = 80, /* the longest header has 74, and is read by 16 */
	QUICK_LANES = QUICK_HEAD / 16,
	QUICK_SLOT_BITS = 6,
	QUICK_SLOTS = 1 << QUICK_SLOT_BITS,
};

enum quick_kind {
	QUICK_PLAIN, /* IPv4, no tag, no UDP checksum: nearly all that there is */
	QUICK_V4,
	QUICK_V4_TAGGED,
	QUICK_V6,
	QUICK_V6_TAGGED,
	QUICK_KINDS
};

/* What outer headers of one kind look like. */
struct vxlan_shape {
	/* Bits that packets of one tunnel have in common; the rest is looked at one by one, or by
	 * nobody. */
	uint8_t mask[QUICK_HEAD];
	uint8_t at[QUICK_LANES]; /* pieces of 16 bytes in which all of these bits are */
	uint8_t n;		 /* ... how many */
	uint8_t l3, l4;		 /* where they begin */
	uint8_t head;		 /* where the inner frame begins */
	enum quick_kind kind;
	bool v4;
	bool no_csum; /* the UDP checksum is among these bits: there is none */
};

/* What packets of one tunnel have in common, as the first of them had it. */
struct vxlan_known {
	quick_lanes lane[QUICK_LANES]; /* where shape->at[] has them */
	const struct vxlan_shape *shape;
	uint64_t term; /* the vxlan_term's number; 0: nothing is known here */
	uint64_t used; /* last burst that had some */
	struct vxlan_rx rx;
	uint32_t sum; /* IPv4: quick_sum_of() */
};

#define QUICK_MAC   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0
#define QUICK_TYPE  0xff, 0xff
#define QUICK_VID   0x0f, 0xff
#define QUICK_4ADDR 0xff, 0xff, 0xff, 0xff
#define QUICK_6ADDR QUICK_4ADDR, QUICK_4ADDR, QUICK_4ADDR, QUICK_4ADDR
/* Version, header length, TOS; no fragment; TTL, protocol. */
#define QUICK_IPV4 0xff, 0xff, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff, 0, 0, QUICK_4ADDR, QUICK_4ADDR
/* Version, traffic class; protocol, hop limit. */
#define QUICK_IPV6 0xff, 0xf0, 0, 0, 0, 0, 0xff, 0xff, QUICK_6ADDR, QUICK_6ADDR
/* The destination port; flag and number of the network. */
#define QUICK_TUNNEL(csum) \
	0, 0, 0xff, 0xff, 0, 0, csum, csum, VXLAN_F_VNI, 0, 0, 0, 0xff, 0xff, 0xff, 0

/* IPv4 without a tag; what is left out between pieces is a length. */
#define QUICK_UNTAGGED_V4(csum)                                                                 \
	.mask = { QUICK_MAC, QUICK_TYPE, QUICK_IPV4, QUICK_TUNNEL(csum) }, .at = { 0, 18, 34 }, \
	.n = 3, .l3 = 14, .l4 = 34, .head = 50, .v4 = true

static const struct vxlan_shape quick_shapes[QUICK_KINDS] = {
	[QUICK_PLAIN] = { .kind = QUICK_PLAIN, .no_csum = true, QUICK_UNTAGGED_V4(0xff) },
	[QUICK_V4] = { .kind = QUICK_V4, QUICK_UNTAGGED_V4(0) },
	[QUICK_V4_TAGGED] = { .kind = QUICK_V4_TAGGED,
			      .mask = { QUICK_MAC, QUICK_TYPE, QUICK_VID, QUICK_TYPE, QUICK_IPV4,
					QUICK_TUNNEL(0) },
			      .at = { 0, 16, 32, 38 },
			      .n = 4,
			      .l3 = 18,
			      .l4 = 38,
			      .head = 54,
			      .v4 = true },
	[QUICK_V6] = { .kind = QUICK_V6,
		       .mask = { QUICK_MAC, QUICK_TYPE, QUICK_IPV6, QUICK_TUNNEL(0) },
		       .at = { 0, 16, 32, 48, 54 },
		       .n = 5,
		       .l3 = 14,
		       .l4 = 54,
		       .head = 70 },
	[QUICK_V6_TAGGED] = { .kind = QUICK_V6_TAGGED,
			      .mask = { QUICK_MAC, QUICK_TYPE, QUICK_VID, QUICK_TYPE, QUICK_IPV6,
					QUICK_TUNNEL(0) },
			      .at = { 0, 16, 32, 48, 58 },
			      .n = 5,
			      .l3 = 18,
			      .l4 = 58,
			      .head = 74 },
};

static __rte_always_inline quick_lanes quick_lane(const uint8_t *p)
{
	quick_lanes v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Whether the headers at 'p', of shape 's', are those of 'k' in all that packets of a tunnel have
 * in common. */
static __rte_always_inline bool quick_alike(const uint8_t *p, const struct vxlan_known *k,
					    const struct vxlan_shape *s)
{
	quick_lanes differ = { 0 };

#pragma GCC unroll 8
	for (unsigned int i = 0; i < s->n; i++)
		differ |= (quick_lane(p + s->at[i]) ^ k->lane[i]) & quick_lane(s->mask + s->at[i]);
#ifdef __SSE4_1__
	return _mm_testz_si128((__m128i)differ, (__m128i)differ);
#else
	return !(differ[0] | differ[1]);
#endif
}

static inline bool quick_is_of(const struct vxlan_known *k, const struct vxlan_term *t,
			       const struct vxlan_shape *s)
{
	return k->shape == s && k->term == t->id && k->term;
}

/* Whether an IPv4 header of 20 bytes sums to 0xffff (RFC 1071): added up with the carry coming
 * round, in 64 bits, and folded. */
static __rte_always_inline bool quick_sum_ok(const uint8_t *ip)
{
	const uint64_t b = load64(ip + 8), c = load32(ip + 16);
	uint64_t sum = load64(ip);
	uint32_t half;

	sum += b;
	sum += sum < b;
	sum += c;
	sum += sum < c;
	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return half >> 16 == 0xffff;
}

/* The sum of those words of an IPv4 header that all packets of a tunnel have. */
static inline uint32_t quick_sum_of(const uint8_t *ip)
{
	uint32_t sum = load16(ip) + load16(ip + 8);

	for (unsigned int i = 12; i < 20; i += 2)
		sum += load16(ip + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/*
 * Whether the packet of 'n' bytes at 'p', which is like 'k', has lengths without anything behind
 * them and, over IPv4, the right header checksum.  False: it may be right all the same.
 */
static __rte_always_inline bool
quick_exact(const uint8_t *p, uint32_t n, const struct vxlan_known *k, const struct vxlan_shape *s)
{
	const uint8_t *ip = p + s->l3, *udp = p + s->l4;
	const uint16_t len = rte_bswap16((uint16_t)(n - (s->v4 ? s->l3 : s->l4)));
	uint32_t sum;

	if (unlikely(load16(udp + 4) != rte_bswap16((uint16_t)(n - s->l4))))
		return false;
	if (!s->v4)
		return load16(ip + 4) == len;
	/* What differs from packet to packet: the length, the identification with the flags behind
	 * it, of which there are two bits, so that the sum fits; and the checksum itself. */
	sum = k->sum + len + load32(ip + 4) + load16(ip + 10);
	return load16(ip + 2) == len && (uint16_t)(sum + (sum >> 16)) == 0xffff;
}

/* The driver's word on the outer headers; a NIC that looked into a tunnel speaks of the inner. */
static inline uint64_t vxlan_said(const struct rte_mbuf *m, uint64_t mask)
{
	return m->packet_type & RTE_PTYPE_TUNNEL_MASK ? 0 : m->ol_flags & mask;
}

/* The UDP checksum that there is, in a packet of one segment. */
static inline bool quick_udp_ok(const struct rte_mbuf *m, const struct vxlan_shape *s,
				const uint8_t *p, uint32_t len)
{
	const uint32_t addrs = s->v4 ? 8 : 32;
	const uint64_t said = vxlan_said(m, RTE_MBUF_F_RX_L4_CKSUM_MASK);

	if (said)
		return said == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return vxlan_csum_fold(vxlan_csum_pseudo(p + s->l4 - addrs, addrs, IPPROTO_UDP, len) +
			       vxlan_csum_add(0, p + s->l4, len)) == 0xffff;
}

/* The length of the inner frame; 0: it is not just so. */
static __rte_noinline uint32_t quick_len(const struct rte_mbuf *m, const struct vxlan_shape *s,
					 const uint8_t *p)
{
	const uint8_t *ip = p + s->l3, *udp = p + s->l4;
	const uint32_t udp_len = get_be16(udp + 4), room = (uint32_t)m->data_len - s->l4;
	uint32_t end; /* of the IP packet, from UDP on */

	if (s->v4) {
		end = (uint32_t)get_be16(ip + 2) - 20;
		if ((m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD ||
		    !quick_sum_ok(ip))
			return 0;
	} else {
		end = get_be16(ip + 4);
	}
	/* A length of less than 20 is as one of much too much. */
	if (udp_len < QUICK_UDP + QUICK_INNER || udp_len > end || end > room)
		return 0;
	if (load16(udp + 6) && !quick_udp_ok(m, s, p, udp_len))
		return 0;
	return udp_len - QUICK_UDP;
}

/* What kind of headers stand at 'p', if they may be just so; NULL. */
static inline const struct vxlan_shape *quick_shape(const struct vxlan_term *t, const uint8_t *p,
						    uint32_t n)
{
	const struct vxlan_shape *s;
	const uint8_t *ip, *udp;
	bool tagged, v6;

	if (n < 14 + VLAN_HLEN || memcmp(p, t->mac, 6) != 0)
		return NULL;
	tagged = get_be16(p + 12) == VLAN_TPID_C;
	ip = p + 14 + (tagged ? VLAN_HLEN : 0);
	v6 = get_be16(ip - 2) == 0x86dd;
	if (!v6 && get_be16(ip - 2) != 0x0800)
		return NULL;
	s = &quick_shapes[(v6 ? QUICK_V6 : QUICK_V4) + tagged];
	if (n < s->head + (uint32_t)QUICK_INNER)
		return NULL;
	udp = p + s->l4;
	if (!(udp[8] & VXLAN_F_VNI))
		return NULL;
	if (v6)
		return ip[0] >> 4 == 6 && !(ip[1] & 0x10) && ip[6] == IPPROTO_UDP ? s : NULL;
	if (ip[0] != 0x45 || ip[1] & 1 || get_be16(ip + 6) & 0x3fff || ip[9] != IPPROTO_UDP)
		return NULL;
	return tagged || load16(udp + 6) ? s : &quick_shapes[QUICK_PLAIN];
}

/* Where a PMD remembers what packets like this one, of shape 's', have in common. */
static inline unsigned int quick_slot(const uint8_t *p, const struct vxlan_shape *s)
{
	const uint8_t *ip = p + s->l3, *vni = p + s->l4 + 12;
	const uint64_t one = load32(ip + (s->v4 ? 12 : 20)) | (uint64_t)load32(vni) << 32,
		       other = s->v4 ? ip[1] | (uint32_t)ip[8] << 8
				     : load16(ip) | (uint32_t)ip[7] << 16;

	return (unsigned int)(((one ^ one >> 29) * UINT64_C(0x9e3779b97f4a7c15) +
			       other * UINT64_C(0xbf58476d1ce4e5b9)) >>
			      (64 - QUICK_SLOT_BITS));
}

#endif
