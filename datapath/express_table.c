/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/express_table.h"

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "datapath/act.h"
#include "datapath/cls.h"
#include "datapath/cls_conj.h"
#include "datapath/dp.h"
#include "datapath/express_priv.h"
#include "datapath/pmd.h"

enum { LINE_WORDS = FLOW_KEY_LINE / 8 };

#define EACH(i, set)                                                                           \
	for (uint64_t left_ = (set); left_ && ((i) = (unsigned int)__builtin_ctzll(left_), 1); \
	     left_ &= left_ - 1)

const struct cls *express_table(const struct pmd *w)
{
	const struct cls *c = atomic_load_explicit(&w->dp->tables[0], memory_order_acquire);

	/* Conjunctions are told by a word that is not the frame's. */
	if (!c || c->ops == &cls_conj ||
	    atomic_load_explicit(&c->words, memory_order_acquire) >> LINE_WORDS)
		return NULL;
	return c;
}

/* The keys' first lines, in b->pkt[]; returns those that have one. */
static __rte_always_inline uint64_t take(struct burst *b, struct rte_mbuf **m, unsigned int n,
					 uint32_t in_port, enum express_need need, uint8_t *l3)
{
	enum { AHEAD = 4 };
	const struct flow_key came = { .in_port = htobe32(in_port),
				       .in_phy_port = htobe32(in_port) };
	const uint64_t port = ((const uint64_t *)&came)[W_PORT];
	uint64_t taken = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t *k = (uint64_t *)&b->pkt[i].key;

		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + AHEAD], void *));
		k[0] = 0;
		k[W_PORT] = port;
		k[W_TUN] = 0;
		l3[i] = frame_words(m[i], need, k);
		taken |= (uint64_t)(l3[i] != 0) << i;
	}
	return taken;
}

static inline bool tells_all(const struct insts *i, const struct flow_key *k)
{
	return i->step.ok && i->goto_table < 0 &&
	       !(i->step.x.does & EXPRESS_TTL && unlikely(k->ip_ttl <= 1));
}

uint64_t express_table_find(const struct cls *c, const struct pmd *w, struct burst *b,
			    struct rte_mbuf **m, unsigned int n, uint32_t in_port,
			    enum express_need need, const struct express_routed *to)
{
	const struct cls_rule *hit[BURST_MAX];
	uint64_t who, found = 0;
	unsigned int i;

	if (need == EXPRESS_IPV4)
		who = take(b, m, n, in_port, EXPRESS_IPV4, to->l3);
	else
		who = take(b, m, n, in_port, EXPRESS_ETH, to->l3);
	if (unlikely(!who))
		return 0;
	c->ops->lookup(c, b, who, hit);
	EACH(i, who)
	{
		const struct flow *f;

		if (unlikely(!hit[i]))
			continue;
		f = flow_of_rule(hit[i]);
		to->id[i] = f->id;
		pmd_prefetch_count(w, f->id);
		rte_prefetch0(&f->insts->step.x);
		found |= BIT(i);
	}
	EACH(i, found)
	{
		struct insts *in = flow_of_rule(hit[i])->insts;

		if (unlikely(!tells_all(in, &b->pkt[i].key)))
			found &= ~BIT(i);
		to->x[i] = &in->step.x;
	}
	return found;
}
