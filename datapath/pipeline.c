/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/pipeline.h"

#include <string.h>

#include <rte_branch_prediction.h>

#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/cache.h"
#include "datapath/cls.h"
#include "datapath/dp.h"
#include "datapath/freeze.h"
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

/* ---- Resubmits ---- */

/* Whether it may go on by a resubmit to table 't'. */
static bool may_call(struct pmd *w, struct burst *b, struct pkt *p) PMD
{
	if (p->n_calls >= CALLS_MAX)
		act_doom(w, b, p, DROP_CALLS);
	else if (p->backward >= CALL_BACKWARD_MAX || p->nest >= CALL_NEST_MAX)
		act_doom(w, b, p, DROP_CALL_DEPTH);
	return !p->dropped;
}

/* The rule that one packet hits; a copy lends its key to the one whose place in the burst it has.
 */
static const struct cls_rule *look_up(const struct cls *c, struct burst *b, const struct pkt *p)
{
	const uint64_t who = UINT64_C(1) << p->idx;
	struct pkt *place = &b->pkt[p->idx];
	const struct cls_rule *hit[BURST_MAX];

	if (place == p) {
		c->ops->lookup(c, b, who, hit);
	} else {
		const struct flow_key key = place->key;

		place->key = p->key;
		c->ops->lookup(c, b, who, hit);
		place->key = key;
	}
	return hit[p->idx];
}

static const struct flow *find(struct pmd *w, struct burst *b, struct pkt *p, unsigned int t) PMD
{
	const struct cls *c = atomic_load_explicit(&w->dp->tables[t], memory_order_acquire);
	const struct cls_rule *hit = NULL;

	p->table_id = (uint8_t)t;
	counter_add(&w->perf.table_lookups[t], 1);
	if (c)
		hit = look_up(c, b, p);
	if (hit)
		return flow_of_rule(hit);
	if (unlikely(w->trace))
		trace_table(w, p, NULL);
	return NULL;
}

#define SWAP(x, y)                              \
	do {                                    \
		const __typeof__(x) was_ = (x); \
                                                \
		(x) = (y);                      \
		(y) = was_;                     \
	} while (0)

/* The fields that tell of a connection, and those of the packet that began it. */
static void swap_tuple(struct flow_key *k)
{
	SWAP(k->ip_proto, k->ct_nw_proto);
	SWAP(k->nw_src, k->ct_nw_src);
	SWAP(k->nw_dst, k->ct_nw_dst);
	SWAP(k->tp_src, k->ct_tp_src);
	SWAP(k->tp_dst, k->ct_tp_dst);
	for (unsigned int i = 0; i < sizeof(k->ipv6_src); i++) {
		SWAP(k->ipv6_src[i], k->ct_ipv6_src[i]);
		SWAP(k->ipv6_dst[i], k->ct_ipv6_dst[i]);
	}
}

/* By other values than the packet's own, which are its own again afterwards. */
static const struct flow *find_as(struct pmd *w, struct burst *b, struct pkt *p, unsigned int t,
				  const struct act_op *op) PMD
{
	const be32 in_port = p->key.in_port;
	const struct flow *f;

	if (op->call.ct && (!p->key.ct_nw_proto || !key_is_ip(&p->key)))
		return NULL;
	if (op->call.in_port != OFPP_IN_PORT)
		p->key.in_port = htobe32(op->call.in_port);
	if (op->call.ct)
		swap_tuple(&p->key);
	f = find(w, b, p, t);
	if (op->call.ct)
		swap_tuple(&p->key);
	p->key.in_port = in_port;
	return f;
}

/* Whether it still has something to do when the last of its flows was executed. */
static bool has_set(const struct pkt *p)
{
	return p->set.have || p->set.n_fields;
}

/* A flow ends in ct(table=N), and is not the sweep's.  True: the packet itself goes on there. */
static bool follow_ct(struct pmd *w, struct burst *b, struct pkt *p, const struct act_ct *ct,
		      bool whole, uint64_t now) PMD
{
	if (!whole || has_set(p)) {
		pipeline_fork(w, b, p, ct, now);
		return false;
	}
	p->called = false;
	return act_ct_track(w, b, p, ct, now);
}

/* The flow after one that does 'i'; 'whole': nobody waits for the packet to come back. */
static const struct flow *after(struct pmd *w, struct burst *b, struct pkt *p,
				const struct insts *i, int next, bool whole, uint64_t now) PMD
{
	const bool call = i->tail == ACT_CALL;
	const struct flow *f;

	if (next < 0)
		return NULL;
	if (i->tail == ACT_CT && !follow_ct(w, b, p, i->tail_op->ct, whole, now))
		return NULL;
	if (call && !may_call(w, b, p))
		return NULL;
	p->backward += call && next <= p->table_id;
	p->called |= call;
	f = find(w, b, p, (unsigned int)next);
	p->n_calls += call && f;
	if (!f && !p->called)
		act_drop(w, b, p, DROP_TABLE_MISS);
	return f;
}

/* What flow 'f' does, and those that it goes on to. */
static void follow(struct pmd *w, struct burst *b, struct pkt *p, const struct flow *f, bool whole,
		   uint64_t now) PMD
{
	while (f)
		f = after(w, b, p, f->insts, pipeline_hit(w, b, p, f, now), whole, now);
}

void pipeline_call(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
		   uint64_t now)
{
	const uint8_t t = op->call.table == OFPTT_ALL ? p->table_id : op->call.table;
	const uint8_t table_id = p->table_id, backward = p->backward;
	const bool called = p->called, last = p->last, miss = p->miss;
	const uint64_t cookie = p->cookie;
	const struct flow *flow = p->flow, *f;

	if (!may_call(w, b, p))
		return;
	p->nest++;
	if (unlikely(w->trace))
		trace_depth(w, p->nest);
	f = find_as(w, b, p, t, op);
	if (f) {
		p->n_calls++;
		p->backward += t <= table_id;
		p->called = true;
		p->last = p->miss = false;
		follow(w, b, p, f, false, now);
	}
	p->nest--;
	if (unlikely(w->trace))
		trace_depth(w, p->nest);
	p->table_id = table_id;
	p->backward = backward;
	p->called = called;
	p->last = last;
	p->miss = miss;
	p->cookie = cookie;
	p->flow = flow;
	if (p->stop == STOP_FLOW)
		p->stop = STOP_NOT;
	else if (unlikely(p->stop == STOP_PAUSE))
		b->freeze.rest = op + 1;
}

/* ---- ct(table=N) ---- */

void pipeline_fork(struct pmd *w, struct burst *b, struct pkt *p, const struct act_ct *ct,
		   uint64_t now)
{
	uint8_t stack[PKT_STACK_MAX][16];
	const struct flow *f;
	struct pkt c;

	if (!act_ct_track(w, b, p, ct, now))
		return;
	if (act_copy(w, p, &c)) {
		memcpy(stack, b->stack[p->idx], p->n_stack * sizeof(stack[0]));
		c.called = c.miss = false;
		c.depth = 0;
		f = find(w, b, &c, ct->table);
		if (f)
			follow(w, b, &c, f, true, now);
		else
			act_drop(w, b, &c, DROP_TABLE_MISS);
		if (!c.dropped)
			act_finish(w, b, &c, now);
		memcpy(b->stack[p->idx], stack, p->n_stack * sizeof(stack[0]));
		p->n_calls = c.n_calls;
		if (c.stop == STOP_DOOM)
			act_doom(w, b, p, c.why);
	}
	act_ct_clear(p);
}

/* It waits for those of its burst that come to ct(), too; or goes on by itself where something is
 * left to be done with it besides. */
static void wait_ct(struct pmd *w, struct burst *b, struct pkt *p, const struct act_ct *ct) PMD
{
	if (has_set(p)) {
		pipeline_fork(w, b, p, ct, w->now);
		if (!p->dropped)
			act_finish(w, b, p, w->now);
		return;
	}
	b->ct[p->idx] = ct;
	b->ct_waits |= UINT64_C(1) << p->idx;
}

/* 'who' come from ct() to their tables.  Behind one whose way there is not known nobody is served
 * by the cache: what they commit is committed in the order they came. */
static void come(struct sweep *s, uint64_t who) PMD
{
	struct burst *b = s->b;
	bool in_order = true;

	for (; who; who &= who - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(who);
		const uint8_t table = b->ct[i]->table;

		b->pkt[i].called = false;
		s->way[i].n = 0; /* what follows is not its ingress key's doing */
		if (s->w->cache && cache_behind(s->w, b, i, table, in_order, s->now))
			continue;
		in_order = false;
		enter(s, table, UINT64_C(1) << i);
	}
}

/* Those who wait are tracked; they go on with those who were before. */
static void track(struct sweep *s) PMD
{
	struct burst *b = s->b;
	const uint64_t who = b->ct_waits, came = b->ct_came;

	b->ct_waits = b->ct_came = 0;
	stage_begin_set(&s->w->stages, STAGE_CT, who);
	come(s, came | (who ? act_ct_burst(s->w, b, b->ct, who, s->now) : 0));
}

/* ---- The sweep ---- */

bool pipeline_tail(struct pmd *w, struct burst *b, struct pkt *p, const struct insts *i)
{
	if (i->tail == ACT_CT) {
		wait_ct(w, b, p, i->tail_op->ct);
		return false;
	}
	if (!may_call(w, b, p))
		return false;
	p->n_calls++;
	p->backward += i->goto_table <= p->table_id;
	p->called = true;
	return true;
}

/* Nothing was hit. */
static void missed(struct sweep *s, struct pkt *p) PMD
{
	if (unlikely(s->w->trace))
		trace_table(s->w, p, NULL);
	if (p->called)
		act_finish(s->w, s->b, p, s->now);
	else
		act_drop(s->w, s->b, p, DROP_TABLE_MISS); /* no table-miss entry (5.4) */
}

static void table(struct sweep *s, unsigned int t, uint64_t who) PMD
{
	struct pmd *w = s->w;
	const struct cls *c = atomic_load_explicit(&w->dp->tables[t], memory_order_acquire);
	const struct cls_rule *hit[BURST_MAX];

	counter_add(&w->perf.table_lookups[t], (uint64_t)__builtin_popcountll(who));
	if (c) {
		stage_begin_set(&w->stages, STAGE_LOOKUP, who);
		c->ops->lookup(c, s->b, who, hit);
		stage_end_lookup(&w->stages, t, STAGE_ACTIONS, who);
	}
	for (; who; who &= who - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(who);
		struct pkt *p = &s->b->pkt[i];
		const struct flow *f;
		int next;

		p->table_id = (uint8_t)t;
		if (!c || !hit[i]) {
			missed(s, p);
			continue;
		}
		f = flow_of_rule(hit[i]);
		cache_way_add(&s->way[i], f);
		next = pipeline_hit(w, s->b, p, f, s->now);
		if (next >= 0) {
			if (unlikely(f->insts->tail == ACT_CT) && w->cache)
				cache_learn(w, s->b, p, &s->way[i]);
			if (likely(!f->insts->tail) || pipeline_tail(w, s->b, p, f->insts))
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

	stage_begin_set(&w->stages, STAGE_PIPELINE, todo);
	s.w = w;
	s.b = b;
	s.now = now;
	memset(s.waiting, 0, sizeof(s.waiting));
	memset(s.at, 0, sizeof(s.at));
	for (uint64_t left = todo; left; left &= left - 1)
		s.way[__builtin_ctzll(left)].n = 0;
	if (todo)
		enter(&s, first, todo);
	for (;;) {
		while ((t = next_table(&s)) >= 0) {
			const uint64_t who = s.at[t];

			s.at[t] = 0;
			table(&s, (unsigned int)t, who);
		}
		if (likely(!(b->ct_waits | b->ct_came)))
			break;
		track(&s);
	}
	cache_end(w);
}

/* ---- A packet that paused ---- */

/* It pauses again: what is left of its other lists stays as it is. */
static void freeze_levels(struct burst *b, struct pkt *p, const struct frozen *z, uint32_t from) PMD
{
	for (uint32_t n = from; n < z->n; n++) {
		const struct frozen_level *l = &z->level[n];

		p->table_id = l->table_id;
		p->cookie = l->cookie;
		p->called = l->called;
		b->freeze.rest = l->insts->apply;
		freeze_level(b, p, l->insts, l->miss);
	}
}

static int run_level(struct pmd *w, struct burst *b, struct pkt *p, const struct frozen_level *l,
		     uint64_t now) PMD
{
	p->table_id = l->table_id;
	p->cookie = l->cookie;
	p->called = l->called;
	p->flow = NULL;
	return insts_resume(w, b, p, l->insts, l->miss, now);
}

/* The outermost list: the packet goes on as if it were one of the sweep. */
static void run_last(struct pmd *w, struct burst *b, struct pkt *p, const struct frozen_level *l,
		     uint64_t now) PMD
{
	const int next = run_level(w, b, p, l, now);
	uint64_t who = UINT64_C(1) << p->idx;

	if (next < 0) {
		if (!p->dropped)
			act_finish(w, b, p, now);
		return;
	}
	if (l->insts->tail && !pipeline_tail(w, b, p, l->insts))
		who = 0;
	pipeline_run(w, b, who, (uint8_t)next, now);
}

void pipeline_resume(struct pmd *w, struct burst *b, struct pkt *p, const struct frozen *z,
		     uint64_t now)
{
	if (z->set)
		(void)insts_resume(w, b, p, z->set, false, now);
	for (uint32_t n = 0; n < z->n && p->m && !p->stop; n++) {
		const struct frozen_level *l = &z->level[n];
		int next;

		p->nest = (uint16_t)(z->n - 1 - n);
		if (n + 1 == z->n && !z->set_ran) {
			run_last(w, b, p, l, now);
			return;
		}
		next = run_level(w, b, p, l, now);
		follow(w, b, p, after(w, b, p, l->insts, next, false, now), false, now);
		if (p->stop == STOP_FLOW)
			p->stop = STOP_NOT;
		if (p->stop == STOP_PAUSE)
			freeze_levels(b, p, z, n + 1);
	}
	p->nest = 0;
	if (p->stop == STOP_PAUSE && z->set_ran)
		freeze_end(w, b, p, FREEZE_SET_RAN);
	if (z->set_ran)
		p->set.have = p->set.n_fields = 0;
	if (!p->dropped)
		act_finish(w, b, p, now);
}
