/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in a TCP segment exchanged for others, of another number perhaps. */
#include <errno.h>

#include <rte_mbuf.h>

#include "datapath/act_priv.h"
#include "datapath/chain.h"
#include "datapath/csum.h"
#include "datapath/ct_alg_priv.h"
#include "datapath/pmd.h"
#include "datapath/refrag.h"

enum { TCP_SUM = 16 };

/* Within the first segment, if it has the room. */
static bool in_place(struct rte_mbuf *m, uint32_t at, uint32_t was, const void *is, uint32_t n)
{
	const int32_t more = (int32_t)n - (int32_t)was;
	uint8_t *f = rte_pktmbuf_mtod(m, uint8_t *);

	if (at + was > m->data_len || (more > 0 && (uint32_t)more > rte_pktmbuf_tailroom(m)))
		return false;
	memmove(f + at + n, f + at + was, m->data_len - at - was);
	memcpy(f + at, is, n);
	m->data_len = (uint16_t)(m->data_len + more);
	m->pkt_len = (uint32_t)((int32_t)m->pkt_len + more);
	return true;
}

/* As a new frame. */
static bool anew(struct pmd *w, struct pkt *p, uint32_t at, uint32_t was, const void *is,
		 uint32_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);

	if (!m)
		return false;
	if (!chain_append_part(m, p->m, 0, at, w->pool) || !chain_append(m, is, n, w->pool) ||
	    !chain_append_part(m, p->m, at + was, p->m->pkt_len - at - was, w->pool)) {
		rte_pktmbuf_free(m);
		return false;
	}
	m->port = p->m->port;
	m->ol_flags = p->m->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
	m->vlan_tci = p->m->vlan_tci;
	refrag_resize(p->m, m, 0);
	rte_pktmbuf_free(p->m);
	p->m = m;
	return true;
}

/* The packet's length; returns how a sum changes that has it. */
static uint32_t put_length(struct pkt *p, int32_t more)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(p->m, uint8_t *, p->l3), was[2];
	const bool v4 = ip[0] >> 4 == 4;
	uint8_t *at = ip + (v4 ? 2 : 4);
	uint32_t delta;

	memcpy(was, at, 2);
	put_be16(at, (uint16_t)(get_be16(at) + more));
	delta = csum_delta(was, at, 2);
	if (v4)
		csum_apply(ip + 10, delta);
	return delta;
}

int ct_splice(struct pmd *w, struct burst *b, struct pkt *p, struct ct_pkt *cp, uint32_t at,
	      uint32_t was, const void *is, uint32_t n)
{
	const int32_t more = (int32_t)n - (int32_t)was;
	uint16_t before, after;
	uint32_t delta;

	if (cp->l4 - p->l3 + cp->l4_len + more > UINT16_MAX)
		return -EMSGSIZE;
	if (!act_touch(w, b, p))
		return -1;
	before = chain_sum(p->m, cp->l4, cp->l4_len);
	if (!in_place(p->m, at, was, is, n) && !anew(w, p, at, was, is, n)) {
		act_drop(w, b, p, DROP_NO_MBUF);
		return -1;
	}
	refrag_resize(p->m, p->m, more);
	cp->l4_len = (uint16_t)(cp->l4_len + more);
	delta = put_length(p, more);
	/* Its own checksum is in both sums, and cancels out. */
	after = chain_sum(p->m, cp->l4, cp->l4_len);
	delta += (uint32_t)after + (uint16_t)~before;
	csum_apply(rte_pktmbuf_mtod_offset(p->m, uint8_t *, cp->l4 + TCP_SUM), delta);
	return 0;
}
