/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk: the pipeline's sweep for frames of the express way, where most flows do nothing but
 * lead on to others.
 *
 * It differs from the pipeline in what it leaves out: a frame has the first line of a key (and what
 * flows write behind it), no headers to be found again, and no actions to be run one by one, since
 * flows know what theirs come to (struct express_step).  All of a burst that are in a table are
 * looked up there as one vector.  As soon as a frame meets what a step cannot say it is given back
 * untouched, nothing of it having been counted, and the pipeline begins with it anew.
 */
#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "datapath/act_priv.h"
#include "datapath/cls.h"
#include "datapath/dp.h"
#include "datapath/express_priv.h"
#include "datapath/pmd.h"

#define EACH(i, set)                                                                           \
	for (uint64_t left_ = (set); left_ && ((i) = (unsigned int)__builtin_ctzll(left_), 1); \
	     left_ &= left_ - 1)

struct walking {
	struct pmd *w;
	struct burst *b;
	struct express_walk *k;
	struct express **x;
	uint64_t at[N_TABLES / 64 + 1]; /* tables that somebody is in */
	uint8_t table[BURST_MAX];
	uint64_t on_way, arrived;
};

/* The tag that the next tables see. */
static void rekey_tag(struct flow_key *k, const struct express *x)
{
	uint16_t tci = be16toh(k->vlan_tci);

	if (x->does & EXPRESS_POP) {
		k->vlan_tci = k->vlan_tpid = 0;
		return;
	}
	if (x->does & EXPRESS_PUSH) {
		tci |= FLOW_TCI_PRESENT;
		k->vlan_tpid = htobe16(x->does & EXPRESS_STAG ? VLAN_TPID_S : VLAN_TPID_C);
	}
	if (tci & FLOW_TCI_PRESENT)
		k->vlan_tci = htobe16((uint16_t)((tci & ~x->tci_mask) | x->tci));
}

/* What the flow has changed of what other tables look at. */
static void rekey(struct pkt *p, const struct insts *i) PMD
{
	const struct express *x = &i->step.x;
	struct flow_key *k = &p->key;

	if (i->step.states)
		for (const struct act_op *op = i->apply; op->code != ACT_END; op++)
			if (op->code == ACT_SET_STATE)
				act_store_state(p, op);
	k->metadata = (k->metadata & ~i->metadata_mask) | (i->metadata & i->metadata_mask);
	if (likely(!(x->does & EXPRESS_WRITES)))
		return;
	if (x->does & EXPRESS_DST)
		memcpy(k->eth_dst, x->dst, 6);
	if (x->does & EXPRESS_SRC)
		memcpy(k->eth_src, x->src, 6);
	if (x->does & EXPRESS_TTL)
		k->ip_ttl--;
	if (x->does & EXPRESS_TAGS)
		rekey_tag(k, x);
}

/* Frame i does what flow 'f' says, too.  False: it cannot be said here. */
static bool add(struct walking *s, unsigned int i, const struct flow *f)
{
	struct express_step *step = &f->insts->step;
	const struct flow_key *key = &s->b->pkt[i].key;
	struct express_walk *k = s->k;
	const bool does = step->x.does || step->x.port;

	if (!step->ok || k->n[i] == WALK_FLOWS_MAX)
		return false;
	if (step->x.does & EXPRESS_TTL && key->ip_ttl <= 1)
		return false;
	if (step->x.does & EXPRESS_POP && !key->vlan_tci)
		return false;
	k->flow[i][k->n[i]++] = f;
	if (!does)
		return true;
	if (likely(!s->x[i])) {
		s->x[i] = &step->x;
		return true;
	}
	s->x[i] = &k->own[i];
	return express_compose(k->flow[i], k->n[i], &k->own[i]);
}

static void enter(struct walking *s, unsigned int i, unsigned int table)
{
	s->table[i] = (uint8_t)table;
	s->at[table / 64] |= UINT64_C(1) << table % 64;
}

static void step(struct walking *s, unsigned int i, const struct flow *f) PMD
{
	static struct express nowhere; /* never written */
	const uint64_t bit = UINT64_C(1) << i;
	const struct insts *in = f->insts;

	if (unlikely(!add(s, i, f))) {
		s->on_way &= ~bit;
		return;
	}
	if (in->goto_table >= 0) {
		rekey(&s->b->pkt[i], in);
		enter(s, i, (unsigned int)in->goto_table);
		return;
	}
	s->on_way &= ~bit;
	s->arrived |= bit;
	if (!s->x[i])
		s->x[i] = &nowhere;
}

static void table(struct walking *s, unsigned int t, uint64_t who) PMD
{
	const struct cls *c = atomic_load_explicit(&s->w->dp->tables[t], memory_order_acquire);
	const struct cls_rule *hit[BURST_MAX];
	unsigned int i;

	if (unlikely(!c)) {
		s->on_way &= ~who;
		return;
	}
	stage_begin_set(&s->w->stages, STAGE_LOOKUP, who);
	c->ops->lookup(c, s->b, who, hit);
	stage_end_lookup(&s->w->stages, t, STAGE_WALK, who);
	EACH(i, who)
	{
		const struct flow *f;

		if (!hit[i]) {
			s->on_way &= ~(UINT64_C(1) << i);
			continue;
		}
		f = flow_of_rule(hit[i]);
		rte_prefetch0(&f->insts->step.x);
		pmd_prefetch_count(s->w, f->id);
	}
	EACH(i, who & s->on_way)
	step(s, i, flow_of_rule(hit[i]));
}

static int next_table(struct walking *s)
{
	for (unsigned int n = 0; n < N_TABLES / 64 + 1; n++) {
		const uint64_t w = s->at[n];

		if (!w)
			continue;
		s->at[n] &= w - 1;
		return (int)(n * 64 + (unsigned int)__builtin_ctzll(w));
	}
	return -1;
}

uint64_t express_walk(struct pmd *w, struct burst *b, uint64_t todo, struct express_walk *k,
		      struct express **x)
{
	struct walking s = { .w = w, .b = b, .k = k, .x = x, .on_way = todo };
	unsigned int i;
	int t;

	EACH(i, todo)
	{
		x[i] = NULL;
		k->n[i] = 0;
		s.table[i] = 0;
	}
	s.at[0] = 1;
	while (s.on_way && (t = next_table(&s)) >= 0) {
		uint64_t who = 0;

		EACH(i, s.on_way)
		who |= (uint64_t)(s.table[i] == t) << i;
		table(&s, (unsigned int)t, who);
	}
	return s.arrived;
}
