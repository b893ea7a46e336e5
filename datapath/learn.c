/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/learn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/act.h"
#include "datapath/dp.h"
#include "datapath/learn_priv.h"
#include "datapath/mask.h"
#include "datapath/punt.h"
#include "datapath/table_state.h"

enum { FLOW_MOD_MAX = 1 << 20 };

int learn_state_new(struct dp *dp)
{
	dp->learn = calloc(1, sizeof(*dp->learn));
	if (!dp->learn)
		return -ENOMEM;
	arena_init(&dp->learn->arena, FLOW_MOD_MAX);
	return 0;
}

void learn_state_free(struct dp *dp)
{
	if (!dp->learn)
		return;
	learn_drained(dp);
	arena_fini(&dp->learn->arena);
	free(dp->learn->fin);
	free(dp->learn);
	dp->learn = NULL;
}

/* ---- Actions ---- */

static void take(struct flow_key *bits, const struct of_learn_spec *s)
{
	static const struct of_match none;
	struct of_match m = none;
	struct of_learn_spec taken = *s;
	const struct of_learn k = { .specs = &(struct of_learn_specs){ 1, &taken } };
	const uint64_t *from = (const uint64_t *)&m.mask;
	uint64_t *to = (uint64_t *)bits;

	if (!s->src.field)
		return;
	taken.to = OF_LEARN_MATCH;
	taken.dst = s->src;
	learn_match(&k, &none.value, &m);
	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		to[i] |= from[i];
}

static bool keep(struct learn *l, const struct of_any *a)
{
	struct of_list one = { 1, (struct of_any **)(uintptr_t)&a }, copy;

	arena_init(&l->arena, FLOW_MOD_MAX);
	if (of_list_copy(&one, &l->arena, &copy) < 0)
		return false;
	l->action = copy.v[0];
	return of_learn_of(l->action, &l->k);
}

struct learn *learn_new(struct dp *dp, const struct of_any *a)
{
	struct learn *l = calloc(1, sizeof(*l));
	struct flow_key bits = { 0 };

	if (!l)
		return NULL;
	if (!keep(l, a))
		goto fail;
	if (l->k.limit || l->k.flags & NX_LEARN_F_DELETE_LEARNED) {
		l->learned = learned_get(dp, l->k.table_id, l->k.cookie);
		if (!l->learned)
			goto fail;
	}
	for (uint32_t i = 0; i < l->k.specs->n; i++)
		take(&bits, &l->k.specs->v[i]);
	cls_mask_init(&l->takes, &bits);
	l->id = ++dp->learn->last_id;
	HASH_ADD(hh, dp->learn->learns, id, sizeof(l->id), l);
	dp->learn->targets[l->k.table_id]++;
	return l;
fail:
	arena_fini(&l->arena);
	free(l);
	return NULL;
}

/* A packet-out's program is gone before the control thread hears what its packet met. */
void learn_free(struct dp *dp, struct learn *l)
{
	if (!l)
		return;
	l->over = true;
	l->next_over = dp->learn->over;
	dp->learn->over = l;
}

static void forget(struct dp *dp, struct learn *l) CONTROL
{
	HASH_DEL(dp->learn->learns, l);
	dp->learn->targets[l->k.table_id]--;
	if (l->learned)
		learned_put(dp, l->learned);
	arena_fini(&l->arena);
	free(l);
}

void learn_drained(struct dp *dp)
{
	struct learn *next;

	for (struct learn *l = dp->learn->over; l; l = next) {
		next = l->next_over;
		forget(dp, l);
	}
	dp->learn->over = NULL;
}

const struct of_field *learn_result_field(const struct learn *l)
{
	return l->k.result.field;
}

bool learn_is_making(const struct dp *dp)
{
	return dp->learn && dp->learn->making;
}

/* ---- Punts ---- */

/* Whether another flow may be learned. */
static bool below_limit(const struct learn *l)
{
	return !l->k.limit ||
	       atomic_load_explicit(&l->learned->n, memory_order_relaxed) < l->k.limit;
}

static void make(struct dp *dp, struct learn *l, const struct flow_key *key) CONTROL
{
	struct learn_state *s = dp->learn;
	struct of_flow_mod fm;
	struct of_err e;

	arena_reset(&s->arena);
	if (learn_flow_mod(l->action, key, &s->arena, &fm)) {
		s->counts.refused++;
		return;
	}
	s->making = true;
	switch (table_learn(dp, &fm, below_limit(l), &e)) {
	case TABLE_LEARN_ADDED:
		s->counts.added++;
		s->dirty = true;
		break;
	case TABLE_LEARN_MODIFIED:
		s->counts.modified++;
		s->dirty = true;
		break;
	case TABLE_LEARN_REFRESHED:
		s->counts.refreshed++;
		break;
	case TABLE_LEARN_LIMITED:
		s->counts.limited++;
		break;
	case TABLE_LEARN_REFUSED:
		s->counts.refused++;
		break;
	}
	s->making = false;
}

static void learn_one(struct dp *dp, const struct punt *p) CONTROL
{
	const uint32_t id = p->port;
	struct learn *l;

	HASH_FIND(hh, dp->learn->learns, &id, sizeof(id), l);
	/* What would go with its action's flow never comes. */
	if (l && !(l->over && l->k.flags & NX_LEARN_F_DELETE_LEARNED))
		make(dp, l, &p->key);
	/* Later than the flow is counted: their sum never is too small. */
	if (p->reason)
		learned_release(dp, p->table_id, p->cookie);
}

static void end_one(struct dp *dp, const struct punt *p) CONTROL
{
	struct flow *f = p->port < dp->learn->n_fin ? dp->learn->fin[p->port] : NULL;

	/* The id may be another flow's by now. */
	if (f && f->table_id == p->table_id && f->cookie == p->cookie)
		flow_timer_reduce(dp, f, (uint16_t)(p->timeouts >> 16), (uint16_t)p->timeouts);
}

void learn_punt(struct dp *dp, const struct punt *p)
{
	if (p->kind == PUNT_FIN)
		end_one(dp, p);
	else
		learn_one(dp, p);
}

void learn_publish(struct dp *dp)
{
	if (!dp->learn->dirty)
		return;
	dp->learn->dirty = false;
	dp_publish(dp);
}

/* ---- Flows that come and go ---- */

static void count_fin(struct learn_state *s, struct flow *f, int by)
{
	if (f->id >= s->n_fin) {
		const uint32_t n = f->id + f->id / 2 + 64;
		struct flow **v = by > 0 ? realloc(s->fin, n * sizeof(struct flow *)) : NULL;

		if (!v) /* its timeouts stay as they are */
			return;
		memset(v + s->n_fin, 0, (n - s->n_fin) * sizeof(struct flow *));
		s->fin = v;
		s->n_fin = n;
	}
	if (by > 0)
		s->fin[f->id] = f;
	else if (s->fin[f->id] == f)
		s->fin[f->id] = NULL;
}

void learn_count_flow(struct dp *dp, struct flow *f, int by)
{
	const struct insts *i = f->insts;

	if (i->fins)
		count_fin(dp->learn, f, by);
	for (uint32_t n = 0; n < i->n_learns; n++) {
		struct learned *d = i->learns[n]->learned;

		if (!d || !(i->learns[n]->k.flags & NX_LEARN_F_DELETE_LEARNED))
			continue;
		d->deleters += (uint32_t)by;
		d->doomed = !d->deleters;
		dp->learn->doomed |= d->doomed;
	}
	if (dp->learn->learned)
		learned_count(dp, f, by);
}

void learn_flow_gone(struct dp *dp, const struct flow *f)
{
	if (dp->learn->targets[f->table_id] || f->insts->fins)
		dp->learn->stale = true;
}

/* False: no memory; the next publication tries again. */
static bool remove_learned(struct dp *dp, struct learned *d) CONTROL
{
	struct flow_vec v;
	const bool done = !learned_collect(dp, d, &v);

	for (uint32_t i = 0; done && i < v.n; i++)
		table_unlink(dp, v.v[i], OFPRR_DELETE);
	free(v.v);
	return done;
}

void learn_settle(struct dp *dp)
{
	struct learn_state *s = dp->learn;
	struct learned *d, *next;

	/* What goes may be the last to learn others. */
	while (s->doomed) {
		bool failed = false;

		s->doomed = false;
		HASH_ITER (hh, s->learned, d, next) {
			if (!d->doomed)
				continue;
			d->doomed = false;
			if (!d->deleters && !remove_learned(dp, d))
				d->doomed = failed = true;
		}
		if (failed) {
			s->doomed = true;
			return;
		}
	}
}

void learn_published(struct dp *dp)
{
	if (!dp->learn->stale)
		return;
	dp->learn->stale = false;
	atomic_fetch_add_explicit(&dp->learn_epoch, 1, memory_order_release);
}

struct learn_counts learn_counts(const struct dp *dp)
{
	struct learn_counts c = dp->learn->counts;

	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		c.lost += counter_get(&dp->pmds[i]->perf.learn_lost);
		c.limited += counter_get(&dp->pmds[i]->perf.learn_limited);
	}
	return c;
}
