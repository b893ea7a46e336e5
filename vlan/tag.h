/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 802.1Q and 802.1ad tags on packets: read, push, pop, rewrite.
 *
 * A tag is four bytes between the source MAC and the EtherType: TPID (0x8100 customer, 0x88a8
 * service) and TCI (PCP 3 bits, DEI 1, VID 12).  "Outermost" is the one next to the source MAC; it
 * is the one that OpenFlow matches and changes (OpenFlow 1.3.5, 7.2.5).  A tag with VID 0 is a
 * priority tag: it is a tag here, and an untagged frame to port_mode.h.
 *
 * These functions change the frame in place, in the first segment of the mbuf (later segments are
 * never touched).  They return 0 or
 *	-EINVAL   not an Ethernet frame of 14 bytes in the first segment, or a TPID that is none
 *	-ENOENT   no tag to pop or rewrite
 *	-ENOBUFS  no headroom for the tag
 *	-EROFS    the bytes are shared with another mbuf: make a private copy first
 * and leave the frame as it was when they fail.  A tag cut short by the frame's end is no tag.
 * Where a driver asked for checksums (l2_len is set), l2_len follows.
 *
 * Any thread; the caller owns the mbuf.
 */
#ifndef WEFT_VLAN_TAG_H
#define WEFT_VLAN_TAG_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/byteorder.h"

#define VLAN_TPID_C    0x8100 /* customer tag, 802.1Q */
#define VLAN_TPID_S    0x88a8 /* service tag, 802.1ad */
#define VLAN_HLEN      4
#define VLAN_VID_MASK  0x0fff
#define VLAN_DEI       0x1000
#define VLAN_PCP_SHIFT 13

/* In host order. */
struct vlan_tag {
	uint16_t tpid;
	uint16_t tci;
};

static inline bool vlan_is_tpid(uint16_t type)
{
	return type == VLAN_TPID_C || type == VLAN_TPID_S;
}

static inline uint16_t vlan_tci(uint16_t vid, uint8_t pcp)
{
	return (uint16_t)((vid & VLAN_VID_MASK) | (pcp & 7) << VLAN_PCP_SHIFT);
}

/* Whether the first segment's bytes belong to this mbuf alone, so that they may be written. */
static inline bool vlan_writable(const struct rte_mbuf *m)
{
	if (likely(!(m->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL))))
		return rte_mbuf_refcnt_read(m) == 1;
	return !RTE_MBUF_CLONED(m) && rte_mbuf_ext_refcnt_read(m->shinfo) == 1;
}

/* The codec, on the four bytes at 'p'. */
static inline struct vlan_tag vlan_tag_get(const uint8_t p[VLAN_HLEN])
{
	return (struct vlan_tag){ get_be16(p), get_be16(p + 2) };
}

static inline void vlan_tag_put(uint8_t p[VLAN_HLEN], struct vlan_tag tag)
{
	put_be16(p, tag.tpid);
	put_be16(p + 2, tag.tci);
}

/* The outermost tag into '*tag'; false if there is none. */
bool vlan_outermost(const struct rte_mbuf *m, struct vlan_tag *tag);

/* How many tags stand one after the other in the first segment. */
unsigned int vlan_count(const struct rte_mbuf *m);

/* Puts a new outermost tag.  vlan_push() takes VID and PCP from the tag that was outermost, zero if
 * there was none, DEI clear (OpenFlow 1.3.5, 5.12.1 and 7.2.5). */
int vlan_push(struct rte_mbuf *m, uint16_t tpid);
int vlan_push_tci(struct rte_mbuf *m, uint16_t tpid, uint16_t tci);

/* The offsets that a checksum request counts from, and the driver's idea of the L2 header, after
 * the headers behind the MACs moved by so many bytes; for who moves them himself. */
static inline void vlan_moved(struct rte_mbuf *m, int by)
{
	if (unlikely(m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK)) {
		if (m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK)
			m->outer_l2_len += by;
		else if (m->l2_len)
			m->l2_len += by;
	}
	m->packet_type &= ~(uint32_t)RTE_PTYPE_L2_MASK;
}

/* Removes the outermost tag. */
int vlan_pop(struct rte_mbuf *m);

/* Rewrites the outermost tag: all of its TCI, or only VID or PCP.  -ENOENT if there is none:
 * OpenFlow's set-field of vlan_vid on an untagged packet is the caller's to refuse. */
int vlan_set_tci(struct rte_mbuf *m, uint16_t tci);
int vlan_set_vid(struct rte_mbuf *m, uint16_t vid);
int vlan_set_pcp(struct rte_mbuf *m, uint8_t pcp);

/* Puts back into the frame what the driver took out of it at receive (RTE_MBUF_F_RX_VLAN_STRIPPED,
 * _QINQ_STRIPPED), and clears those flags.  The driver does not say which TPID stood there: the
 * inner becomes 0x8100 and the outer 0x88a8.  0 too when nothing was stripped. */
int vlan_unstrip(struct rte_mbuf *m);

#endif
