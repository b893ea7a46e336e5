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
 * Most of that, and whom the packet is from and to and in which network, are bits that it has in
 * common with the one before it: where they are (struct vxlan_shape) is known by the family and the
 * tag, and they are compared by 16 bytes.  Only where they differ is anything looked up.
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
#include <rte_mbuf.h>

#include "base/load.h"
#include "vlan/tag.h"
#include "vxlan/csum.h"
#include "vxlan/decap.h"

typedef uint64_t quick_lanes __attribute__((vector_size(16)));

enum {
	QUICK_LANES = 5, /* 80 bytes: the longest header has 74 */
	QUICK_INNER = 14,
	QUICK_UDP = 8 + VXLAN_HLEN,
	QUICK_V4_LANES = 4,
};

/* What outer headers of one kind look like. */
struct vxlan_shape {
	/* Bits that packets of one run have in common; the rest is looked at one by one, or by
	 * nobody. */
	union {
		uint8_t mask[16 * QUICK_LANES];
		quick_lanes lanes[QUICK_LANES];
	};
	uint8_t l3, l4; /* where they begin */
	uint8_t head;	/* where the inner frame begins */
	bool v4;
};

/* The packet before, as far as those behind it are alike. */
struct vxlan_same {
	quick_lanes want[QUICK_LANES];
	const struct vxlan_shape *shape;
	struct vxlan_run *run;
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
#define QUICK_TUNNEL 0, 0, 0xff, 0xff, 0, 0, 0, 0, VXLAN_F_VNI, 0, 0, 0, 0xff, 0xff, 0xff, 0

/* By [IPv6][tagged]. */
static const struct vxlan_shape quick_shapes[2][2] = {
	{ { { { QUICK_MAC, QUICK_TYPE, QUICK_IPV4, QUICK_TUNNEL } }, 14, 34, 50, true },
	  { { { QUICK_MAC, QUICK_TYPE, QUICK_VID, QUICK_TYPE, QUICK_IPV4, QUICK_TUNNEL } },
	    18,
	    38,
	    54,
	    true } },
	{ { { { QUICK_MAC, QUICK_TYPE, QUICK_IPV6, QUICK_TUNNEL } }, 14, 54, 70, false },
	  { { { QUICK_MAC, QUICK_TYPE, QUICK_VID, QUICK_TYPE, QUICK_IPV6, QUICK_TUNNEL } },
	    18,
	    58,
	    74,
	    false } },
};

/* Of nothing: no packet is long enough for it. */
static const struct vxlan_shape quick_no_shape = { .head = 255, .v4 = true };

static __rte_always_inline quick_lanes quick_differ(const uint8_t *p, const struct vxlan_same *same,
						    unsigned int i)
{
	quick_lanes is;

	memcpy(&is, p + 16 * i, sizeof(is));
	return (is ^ same->want[i]) & same->shape->lanes[i];
}

/* Whether the packet, of 'n' bytes, is like the one before it. */
static __rte_always_inline bool quick_alike(const uint8_t *p, uint32_t n,
					    const struct vxlan_same *same)
{
	const struct vxlan_shape *s = same->shape;
	quick_lanes differ;

	/* With that there are as many bytes as are looked at. */
	if (unlikely(n < s->head + (uint32_t)QUICK_INNER))
		return false;
	differ = quick_differ(p, same, 0) | quick_differ(p, same, 1) | quick_differ(p, same, 2) |
		 quick_differ(p, same, 3);
	if (unlikely(!s->v4))
		differ |= quick_differ(p, same, 4);
	return !(differ[0] | differ[1]);
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
static __rte_always_inline uint32_t quick_len(const struct rte_mbuf *m, const struct vxlan_shape *s,
					      const uint8_t *p)
{
	const uint8_t *ip = p + s->l3, *udp = p + s->l4;
	const uint32_t udp_len = get_be16(udp + 4), room = (uint32_t)m->data_len - s->l4;
	uint32_t end; /* of the IP packet, from UDP on */

	if (likely(s->v4)) {
		end = (uint32_t)get_be16(ip + 2) - 20;
		if ((m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD ||
		    !quick_sum_ok(ip))
			return 0;
	} else {
		end = get_be16(ip + 4);
	}
	/* A length of less than 20 is as one of much too much. */
	if (unlikely(udp_len < QUICK_UDP + QUICK_INNER || udp_len > end || end > room))
		return 0;
	if (unlikely(load16(udp + 6)) && !quick_udp_ok(m, s, p, udp_len))
		return 0;
	return udp_len - QUICK_UDP;
}

/* What kind of headers stand at 'p', if they may be just so; NULL. */
static inline const struct vxlan_shape *quick_shape(const struct vxlan_term *t, const uint8_t *p,
						    uint32_t n)
{
	const struct vxlan_shape *s;
	const uint8_t *ip, *vx;
	bool tagged, v6;

	if (n < 14 + VLAN_HLEN || memcmp(p, t->mac, 6) != 0)
		return NULL;
	tagged = get_be16(p + 12) == VLAN_TPID_C;
	ip = p + 14 + (tagged ? VLAN_HLEN : 0);
	v6 = get_be16(ip - 2) == 0x86dd;
	if (!v6 && get_be16(ip - 2) != 0x0800)
		return NULL;
	s = &quick_shapes[v6][tagged];
	if (n < s->head + (uint32_t)QUICK_INNER)
		return NULL;
	vx = p + s->l4 + 8;
	if (!(vx[0] & VXLAN_F_VNI))
		return NULL;
	if (v6)
		return ip[0] >> 4 == 6 && !(ip[1] & 0x10) && ip[6] == IPPROTO_UDP ? s : NULL;
	return ip[0] == 0x45 && !(ip[1] & 1) && !(get_be16(ip + 6) & 0x3fff) && ip[9] == IPPROTO_UDP
		       ? s
		       : NULL;
}

#endif
