/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/answer.h"

#include <rte_mbuf.h>

#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/answer_ip.h"
#include "datapath/parse.h"
#include "datapath/pmd.h"
#include "datapath/refrag.h"
#include "vlan/tag.h"

enum { ETH_ADDRS = 12, QUERY_MAX = 2048 };

bool answer_is_plain_ip(const struct pkt *p)
{
	return p->l3 != PKT_NONE && key_is_ip(&p->key) &&
	       p->l3 == p->l2_end + (uint32_t)p->n_vlans * VLAN_HLEN + 2;
}

/* ---- Echo: the packet stays as long as it was ---- */

static enum drop echo(struct pkt *p)
{
	uint8_t *f = rte_pktmbuf_mtod(p->m, uint8_t *);

	/* Part of one is not answered, but the whole is; nor is what extension headers are for. */
	if (p->key.ip_frag)
		return DROP_ANSWER_SILENT;
	if (p->l4 == PKT_NONE)
		return DROP_ANSWER_MALFORMED;
	return answer_echo(f, f + p->l3, p->m->data_len - p->l3, (uint32_t)(p->l4 - p->l3));
}

/* ---- The others: a new packet behind the tags ---- */

static enum drop compose(struct pmd *w, const struct act_op *op, const struct ask *q,
			 struct reply *r, uint64_t now) PMD
{
	const struct of_any *a = op->nx;
	enum drop why;

	switch (a->kind) {
	case OF_KIND_answer_dhcp:
		return answer_dhcp((const void *)a, q, r);
	case OF_KIND_answer_dhcpv6:
		return answer_dhcpv6((const void *)a, q, r);
	case OF_KIND_answer_ra:
		return answer_ra((const void *)a, q, r);
	case OF_KIND_answer_nd:
		return answer_nd((const void *)a, q, r);
	default:
		why = answer_icmp_error((const void *)a, q, r);
		if (why == N_DROPS && !answer_error_admits(&w->answer_due, now, w->hz))
			return DROP_ANSWER_RATE;
		return why;
	}
}

/* The answer in the frame's place; its first buffer is enough for it, or it is not sent. */
static enum drop replace(struct pkt *p, const struct reply *r)
{
	struct rte_mbuf *m = p->m;
	const uint32_t n = p->l3 + r->n;
	uint8_t *f = rte_pktmbuf_mtod(m, uint8_t *);

	if (n > (uint32_t)m->buf_len - m->data_off)
		return DROP_ANSWER_ROOM;
	refrag_clear(m);
	if (m->next)
		rte_pktmbuf_free(m->next);
	m->next = NULL;
	m->nb_segs = 1;
	m->data_len = (uint16_t)n;
	m->pkt_len = n;
	memcpy(f, r->dst, 6);
	memcpy(f + 6, r->src, 6);
	memcpy(f + p->l3, r->p, r->n);
	return N_DROPS;
}

static enum drop answer(struct pmd *w, struct pkt *p, const struct act_op *op, uint64_t now) PMD
{
	uint8_t query[QUERY_MAX];
	struct reply r;
	struct ask q;
	enum drop why;

	q.n_whole = p->m->pkt_len - p->l3;
	q.n = q.n_whole < QUERY_MAX ? q.n_whole : QUERY_MAX;
	q.p = rte_pktmbuf_read(p->m, p->l3, q.n, query);
	rte_memcpy(q.dst, rte_pktmbuf_mtod(p->m, const uint8_t *), ETH_ADDRS / 2);
	rte_memcpy(q.src, rte_pktmbuf_mtod(p->m, const uint8_t *) + 6, ETH_ADDRS / 2);
	why = compose(w, op, &q, &r, now);
	return why == N_DROPS ? replace(p, &r) : why;
}

void act_answer(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
		uint64_t now)
{
	enum drop why = DROP_ANSWER_MALFORMED;

	if (!act_touch(w, b, p))
		return;
	if (answer_is_plain_ip(p))
		why = op->nx->kind == OF_KIND_answer_echo ? echo(p) : answer(w, p, op, now);
	if (why != N_DROPS) {
		act_drop(w, b, p, why);
		return;
	}
	/* What the driver said of sums was said of another packet. */
	p->m->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	act_ct_clear(p);
	pkt_reparse(p);
}
