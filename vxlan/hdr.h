/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VXLAN header (RFC 7348, section 5), and why a packet of the tunnel was not taken.
 *
 *	byte 0      flags: 0x08 = "the VNI is valid"; all others reserved
 *	bytes 1-3   reserved
 *	bytes 4-6   VNI, 24 bits
 *	byte 7      reserved
 *
 * The reserved bits are zero when sent and ignored when received.  All 2^24 VNIs are valid.
 * Pure functions, any thread.
 */
#ifndef WEFT_VXLAN_HDR_H
#define WEFT_VXLAN_HDR_H

#include <stddef.h>
#include <stdint.h>

#include "base/byteorder.h"

#define VXLAN_HLEN     8
#define VXLAN_PORT     4789
#define VXLAN_F_VNI    0x08
#define VXLAN_VNI_MASK 0xffffff

/* Each is a counter; id, name, text.  NONE is "taken". */
#define VXLAN_DROPS(X)                                                                \
	X(NONE, "none", "taken")                                                      \
	/* received from the underlay */                                              \
	X(OUTER_SHORT, "outer_short", "outer header cut short")                       \
	X(OUTER_SPLIT, "outer_split", "outer headers not in one segment")             \
	X(OUTER_LEN, "outer_len", "outer length field beyond the frame or too small") \
	X(OUTER_CSUM, "outer_csum", "outer IPv4 header checksum wrong")               \
	X(UDP_CSUM, "udp_csum", "outer UDP checksum wrong")                           \
	X(OUTER_FRAG, "outer_frag", "outer packet is a fragment")                     \
	X(NO_VNI, "no_vni", "VXLAN header without a valid VNI flag")                  \
	X(INNER_SHORT, "inner_short", "inner frame shorter than an Ethernet header")  \
	X(ECN, "ecn", "congestion experienced outside, inner not ECN-capable")        \
	/* sent to the underlay */                                                    \
	X(RUNT, "runt", "frame shorter than an Ethernet header")                      \
	X(NO_NEXTHOP, "no_nexthop", "tunnel endpoint has no next hop yet")            \
	X(TOO_BIG, "too_big", "inner frame does not fit the tunnel MTU")              \
	X(OFFLOAD, "offload", "requested checksum offload cannot be completed")       \
	X(NO_MBUF, "no_mbuf", "no packet buffer for a private copy")

enum vxlan_drop {
#define X(id, name, text) VXLAN_DROP_##id,
	VXLAN_DROPS(X)
#undef X
		VXLAN_N_DROPS
};

const char *vxlan_drop_name(enum vxlan_drop drop); /* "outer_short" */
const char *vxlan_drop_text(enum vxlan_drop drop); /* "outer header cut short" */

/* Writes the eight bytes at 'p'. */
static inline void vxlan_hdr_put(uint8_t p[VXLAN_HLEN], uint32_t vni)
{
	put_be32(p, (uint32_t)VXLAN_F_VNI << 24);
	put_be32(p + 4, vni << 8);
}

/* Reads the header at 'p', of which 'n' bytes are there: VXLAN_DROP_NONE and '*vni', or why not. */
static inline enum vxlan_drop vxlan_hdr_get(const uint8_t *p, size_t n, uint32_t *vni)
{
	if (n < VXLAN_HLEN)
		return VXLAN_DROP_OUTER_SHORT;
	if (!(p[0] & VXLAN_F_VNI))
		return VXLAN_DROP_NO_VNI;
	*vni = get_be32(p + 4) >> 8;
	return VXLAN_DROP_NONE;
}

#endif
