/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short cut of decapsulation: what nearly every tunnel packet over IPv4 looks like is checked
 * in one straight line, and taken; whatever is not just so is left to the careful way of decap.c,
 * which decides.
 *
 * Just so is: one segment; to the uplink's MAC, untagged or with one 802.1Q tag; IPv4 without
 * options, whole, its header checksum right by our own sum and not wrong by the driver's word; UDP
 * without checksum, of a length that fits; the VNI flag; room for an inner Ethernet header; no
 * congestion mark that the inner header would have to be told of.  Whom it is from and to, and in
 * which network, is compared with the packet before it, and looked up only where that differs.
 *
 * PMD threads; a part of decap.c.
 */
#ifndef WEFT_VXLAN_DECAP_QUICK_H
#define WEFT_VXLAN_DECAP_QUICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <netinet/in.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "vlan/tag.h"
#include "vxlan/csum.h"
#include "vxlan/decap.h"

enum {
	QUICK_HEAD = 20 + 8 + VXLAN_HLEN, /* behind Ethernet */
	QUICK_INNER = 14,
	QUICK_ECN = 1, /* CE and ECT(1) have it */
	QUICK_NOBODY = 0xffff,
};

/* What two packets of one run have in common, as it stands in them. */
struct vxlan_same {
	uint64_t addrs; /* source, destination */
	uint32_t vni;
	uint16_t dport;
	uint16_t tos_ttl;
	uint16_t vid; /* host order; QUICK_NOBODY: there is no such run */
};

_Static_assert(offsetof(struct vxlan_term, mac) == 0, "read with two bytes more");

static inline uint16_t quick16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t quick32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t quick64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Whether an IPv4 header of 20 bytes sums to 0xffff (RFC 1071). */
static inline bool quick_sum_ok(const uint8_t *ip)
{
	const uint64_t a = quick64(ip), b = quick64(ip + 8);

	return vxlan_csum_fold((a & UINT32_MAX) + (a >> 32) + (b & UINT32_MAX) + (b >> 32) +
			       quick32(ip + 16)) == 0xffff;
}

/* The length of the inner frame, 0: not just so.  'at' is where IP begins in 'm'. */
static __rte_always_inline uint32_t quick_check(const struct rte_mbuf *m, const uint8_t *ip,
						uint32_t at)
{
	const uint32_t n = m->data_len, len = get_be16(ip + 2), udp_len = get_be16(ip + 24);
	uint32_t odd = quick16(ip + 6) & htobe16(0x3fff); /* a fragment */

	odd |= (uint32_t)ip[9] ^ IPPROTO_UDP;
	odd |= (uint32_t)ip[1] & QUICK_ECN;
	odd |= quick16(ip + 26); /* UDP checksum */
	odd |= ~(uint32_t)ip[28] & VXLAN_F_VNI;
	odd |= (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD;
	odd |= at + len > n;
	odd |= udp_len + 20 > len;
	odd |= udp_len < 8 + VXLAN_HLEN + QUICK_INNER;
	if (unlikely(odd) || unlikely(!quick_sum_ok(ip)))
		return 0;
	return udp_len - 8 - VXLAN_HLEN;
}

static __rte_always_inline struct vxlan_same quick_same(const uint8_t *ip, uint16_t vid)
{
	return (struct vxlan_same){
		.addrs = quick64(ip + 12),
		.vni = quick32(ip + 31) >> 8,
		.dport = quick16(ip + 22),
		.tos_ttl = (uint16_t)(ip[1] | ip[8] << 8),
		.vid = vid,
	};
}

static __rte_always_inline bool quick_differs(const struct vxlan_same *a,
					      const struct vxlan_same *b)
{
	return (a->addrs ^ b->addrs) | (a->vni ^ b->vni) | (uint32_t)(a->dport ^ b->dport) |
	       (uint32_t)(a->tos_ttl ^ b->tos_ttl) | (uint32_t)(a->vid ^ b->vid);
}

/* Where IP begins in a packet that may be just so, and its VLAN; 0: it is not. */
static __rte_always_inline uint32_t quick_l3(const struct vxlan_term *t, const struct rte_mbuf *m,
					     const uint8_t *p, uint16_t *vid)
{
	const uint32_t n = m->data_len;

	if (unlikely(n < 14 + QUICK_HEAD + QUICK_INNER || m->nb_segs != 1))
		return 0;
	if ((quick64(p) ^ quick64((const uint8_t *)t)) << 16) /* the MAC is first */
		return 0;
	*vid = 0;
	/* Ethertype and the first byte of IP: version 4, 20 bytes. */
	if (likely((quick32(p + 12) & htobe32(0xffffff00)) == htobe32(0x08004500)))
		return 14;
	if (quick16(p + 12) != htobe16(VLAN_TPID_C) || n < 18 + QUICK_HEAD + QUICK_INNER ||
	    (quick32(p + 16) & htobe32(0xffffff00)) != htobe32(0x08004500))
		return 0;
	*vid = get_be16(p + 14) & VLAN_VID_MASK;
	return 18;
}

#endif
