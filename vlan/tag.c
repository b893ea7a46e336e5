/* SPDX-License-Identifier: Apache-2.0 */
#include "vlan/tag.h"

#include <errno.h>

enum { MACS = 12, ETH_HLEN = 14 };

static uint8_t *frame(const struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, uint8_t *);
}

bool vlan_outermost(const struct rte_mbuf *m, struct vlan_tag *tag)
{
	if (m->data_len < ETH_HLEN + VLAN_HLEN)
		return false;
	*tag = vlan_tag_get(frame(m) + MACS);
	return vlan_is_tpid(tag->tpid);
}

unsigned int vlan_count(const struct rte_mbuf *m)
{
	unsigned int n = 0;

	for (unsigned int at = MACS; at + VLAN_HLEN + 2 <= m->data_len; at += VLAN_HLEN, n++)
		if (!vlan_is_tpid(get_be16(frame(m) + at)))
			break;
	return n;
}

int vlan_push_tci(struct rte_mbuf *m, uint16_t tpid, uint16_t tci)
{
	uint8_t *p;

	if (!vlan_is_tpid(tpid) || m->data_len < ETH_HLEN)
		return -EINVAL;
	if (!vlan_writable(m))
		return -EROFS;
	p = (uint8_t *)rte_pktmbuf_prepend(m, VLAN_HLEN);
	if (!p)
		return -ENOBUFS;
	memmove(p, p + VLAN_HLEN, MACS);
	vlan_tag_put(p + MACS, (struct vlan_tag){ tpid, tci });
	vlan_moved(m, VLAN_HLEN);
	return 0;
}

int vlan_push(struct rte_mbuf *m, uint16_t tpid)
{
	struct vlan_tag was;
	uint16_t tci = 0;

	if (vlan_outermost(m, &was))
		tci = was.tci & (uint16_t)~VLAN_DEI;
	return vlan_push_tci(m, tpid, tci);
}

int vlan_pop(struct rte_mbuf *m)
{
	struct vlan_tag tag;
	uint8_t *p = frame(m);

	if (m->data_len < ETH_HLEN)
		return -EINVAL;
	if (!vlan_outermost(m, &tag))
		return -ENOENT;
	if (!vlan_writable(m))
		return -EROFS;
	memmove(p + VLAN_HLEN, p, MACS);
	rte_pktmbuf_adj(m, VLAN_HLEN);
	vlan_moved(m, -VLAN_HLEN);
	return 0;
}

/* Replaces the TCI's bits under 'mask'. */
static int rewrite(struct rte_mbuf *m, uint16_t bits, uint16_t mask)
{
	struct vlan_tag tag;

	if (m->data_len < ETH_HLEN)
		return -EINVAL;
	if (!vlan_outermost(m, &tag))
		return -ENOENT;
	if (!vlan_writable(m))
		return -EROFS;
	put_be16(frame(m) + MACS + 2, (uint16_t)((tag.tci & ~mask) | (bits & mask)));
	return 0;
}

int vlan_set_tci(struct rte_mbuf *m, uint16_t tci)
{
	return rewrite(m, tci, 0xffff);
}

int vlan_set_vid(struct rte_mbuf *m, uint16_t vid)
{
	return rewrite(m, vid, VLAN_VID_MASK);
}

int vlan_set_pcp(struct rte_mbuf *m, uint8_t pcp)
{
	return rewrite(m, (uint16_t)((pcp & 7) << VLAN_PCP_SHIFT), 7 << VLAN_PCP_SHIFT);
}

int vlan_unstrip(struct rte_mbuf *m)
{
	const uint64_t inner = m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED;
	const uint64_t outer = m->ol_flags & RTE_MBUF_F_RX_QINQ_STRIPPED;
	const uint64_t seen = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED |
			      RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED;
	int e = 0;

	if (!inner && !outer)
		return 0;
	/* Both or none, so that a frame is never left half restored. */
	if (rte_pktmbuf_headroom(m) < 2 * VLAN_HLEN)
		return -ENOBUFS;
	if (inner)
		e = vlan_push_tci(m, VLAN_TPID_C, m->vlan_tci);
	if (!e && outer)
		e = vlan_push_tci(m, VLAN_TPID_S, m->vlan_tci_outer);
	if (!e)
		m->ol_flags &= ~seen;
	return e;
}
