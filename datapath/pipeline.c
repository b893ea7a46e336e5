/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/pipeline.h"

#include <string.h>

#include <rte_branch_prediction.h>

#include "datapath/act.h"
#include "datapath/cache.h"
#include "datapath/cls.h"
#include "datapath/dp.h"
#include "datapath/pmd.h"
#include "datapath/trace.h"

enum { WORDS = (N_TABLES + 63) / 64 };

/* Who is in which table, while the sweep goes up. */
struct sweep {
	struct pmd *w;
	struct burst *b;
	uint64_t now;
	uint64_t waiting[WORDS]; /* tables that somebody is in or comes to */
	uint64_t at[N_TABLES];	 /* ... and who */
	struct cache_way way[BURST_MAX];
};

static void enter(struct sweep *s, unsigned int table, uint64_t who)
{
	s->at[table] |= who;
	s->waiting[table / 64] |= UINT64_C(1) << table % 64;
}

/* The lowest table with somebody in it, or -1. */
static int next_table(struct sweep *s)
{
	for (unsigned int i = 0; i < WORDS; i++) {
		unsigned int bit;

		if (!s->waiting[i])
			continue;
		bit = (unsigned int)__builtin_ctzll(s->waiting[i]);
		s->waiting[i] &= s->waiting[i] - 1;
		return (int)(i * 64 + bit);
	}
	return -1;
}

int pipeline_hit(struct pmd *w, struct burst *b, struct pkt *p, const struct flow *f, uint64_t now)
{
	int next;

	p->flow = f;
	p->cookie = f->cookie;
	p->table_id = f->table_id;
	if (unlikely(w->trace))
		trace_table(w, p, f);
	counter_add(&w->perf.table_matches[f->table_id], 1);
	pmd_count_flow(w, f->id, p->frame_len);
	next = insts_run(w, b, p, f->insts, now);
	return p->dropped ? -1 : next;
}

static void table(struct sweep *s, unsigned int t, uint64_t who) PMD
{
	struct pmd *w = s->w;
	const struct cls *c = atomic_load_explicit(&w->dp->tables[t], memory_order_acquire);
	const struct cls_rule *hit[BURST_MAX];

	counter_add(&w->perf.table_lookups[t], (uint64_t)__builtin_popcountll(who));
	if (c)
		c->ops->lookup(c, s->b, who, hit);
	for (; who; who &= who - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(who);
		struct pkt *p = &s->b->pkt[i];
		const struct flow *f;
		int next;

		p->table_id = (uint8_t)t;
		if (!c || !hit[i]) {
			/* No table-miss entry: dropped (5.4). */
			if (unlikely(w->trace))
				trace_table(w, p, NULL);
			act_drop(w, s->b, p, DROP_TABLE_MISS);
			continue;
		}
		f = flow_of_rule(hit[i]);
		cache_way_add(&s->way[i], f);
		next = pipeline_hit(w, s->b, p, f, s->now);
		if (next >= 0) {
			enter(s, (unsigned int)next, UINT64_C(1) << i);
			continue;
		}
		if (p->dropped)
			continue;
		if (w->cache)
			cache_learn(w, s->b, p, &s->way[i]);
		act_finish(w, s->b, p, s->now);
	}
}

void pipeline_run(struct pmd *w, struct burst *b, uint64_t todo, uint8_t first, uint64_t now)
{
	struct sweep s;
	int t;

	s.w = w;
	s.b = b;
	s.now = now;
	memset(s.waiting, 0, sizeof(s.waiting));
	memset(s.at, 0, sizeof(s.at));
	for (uint64_t left = todo; left; left &= left - 1)
		s.way[__builtin_ctzll(left)].n = 0;
	if (todo)
		enter(&s, first, todo);
	while ((t = next_table(&s)) >= 0)
		table(&s, (unsigned int)t, s.at[t]);
	cache_end(w);
}
