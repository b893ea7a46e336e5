/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which flows a flow_mod or a stats request is about (6.4, 7.3.5.2).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/act.h"
#include "datapath/table_state.h"

static bool uses_group(const struct insts *i, const struct group *g)
{
	for (uint32_t n = 0; n < i->n_groups; n++)
		if (i->groups[n] == g)
			return true;
	return false;
}

/* The match of a filter, as the flows have theirs. */
struct narrow {
	struct dp *dp;
	uint32_t seen;
	const struct flow_filter *q;
	struct cls_mask mask;
	uint64_t value[FLOW_KEY_WORDS];
	struct flow_vec *out;
	int err;
};

/* Non-strict: the flow's match is the filter's or more specific (6.4). */
static bool within(const struct narrow *n, const struct cls_rule *r)
{
	const struct cls_mask *m = &n->mask, *rm = r->mask;
	unsigned int j = 0;

	if (m->words & ~rm->words)
		return false;
	for (unsigned int i = 0; i < m->n_words; i++) {
		while (rm->word[j] != m->word[i])
			j++;
		if ((m->bits[i] & ~rm->bits[j]) || (r->value[j] & m->bits[i]) != n->value[i])
			return false;
	}
	return true;
}

static bool selected(const struct narrow *n, const struct flow *f) CONTROL
{
	const struct flow_filter *q = n->q;

	return within(n, &f->rule) && !((f->cookie ^ q->cookie) & q->cookie_mask) &&
	       (!q->of_priority || f->rule.priority == q->priority) &&
	       (q->out_port == OFPP_ANY || insts_has_port(f->insts, q->out_port)) &&
	       (q->out_group == OFPG_ANY || insts_has_group(f->insts, q->out_group)) &&
	       (!q->group || uses_group(f->insts, q->group)) &&
	       (!q->meter || insts_has_meter(f->insts, q->meter));
}

static void narrow_init(struct narrow *n, const struct dp *dp, const struct flow_filter *q)
{
	static const struct flow_key any;
	const uint64_t *key = q->match ? (const uint64_t *)&q->match->value : NULL;

	n->dp = (struct dp *)(uintptr_t)dp;
	n->seen = 0;
	n->q = q;
	n->err = 0;
	cls_mask_init(&n->mask, q->match ? &q->match->mask : &any);
	for (unsigned int i = 0; i < n->mask.n_words; i++)
		n->value[i] = key[n->mask.word[i]] & n->mask.bits[i];
}

bool table_selects(const struct of_mp_flow_request *q, const struct flow *f)
{
	struct flow_filter filter = {
		.match = &q->match,
		.out_port = q->out_port,
		.out_group = q->out_group,
		.cookie = q->cookie,
		.cookie_mask = q->cookie_mask,
	};

	return (q->table_id == OFPTT_ALL || q->table_id == f->table_id) &&
	       flow_selected(f, &filter);
}

bool flow_selected(const struct flow *f, const struct flow_filter *q)
{
	struct narrow n;

	narrow_init(&n, NULL, q);
	return selected(&n, f);
}

static int collect(void *arg, struct cls_rule *r)
{
	struct narrow *n = arg;
	struct flow_vec *out = n->out;

	role_assume_control();
	breathe(n->dp, ++n->seen);
	if (!selected(n, flow_of_rule(r)))
		return 0;
	if (out->n == out->room) {
		uint32_t room = out->room ? out->room * 2 : 64;
		struct flow **v = realloc(out->v, room * sizeof(struct flow *));

		if (!v)
			return n->err = -ENOMEM;
		out->v = v;
		out->room = room;
	}
	out->v[out->n++] = flow_of_rule(r);
	return 0;
}

int table_collect(const struct dp *dp, const struct flow_filter *q, struct flow_vec *out)
{
	struct narrow n;

	*out = (struct flow_vec){ 0 };
	narrow_init(&n, dp, q);
	n.out = out;
	for (unsigned int i = 0; i < N_TABLES; i++) {
		const struct table *t = &dp->table_state->tables[i];

		if (!t->begun || (q->table_id != OFPTT_ALL && q->table_id != i))
			continue;
		if (cls_hash_each(&t->index, collect, &n))
			break;
	}
	return n.err;
}

/* By table, priority descending, then age, so that two listings of the same flows are the same. */
int table_place_compare(const struct table_place *x, const struct table_place *y)
{
	if (x->table_id != y->table_id)
		return (int)x->table_id - (int)y->table_id;
	if (x->priority != y->priority)
		return (int)y->priority - (int)x->priority;
	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

struct table_place table_place(const struct flow *f)
{
	return (struct table_place){ f->table_id, f->rule.priority, f->id, f->created };
}

enum { AHEAD = 8 }; /* flows, on their way into the cache */

/* What flows are sorted by, beside each other: flows themselves are anywhere in memory. */
struct placed {
	struct table_place at;
	struct flow *f;
};

static int in_order(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return table_place_compare(&x->at, &y->at);
}

/* Two sorted runs, that end and begin at 'mid', as one. */
static void merge(struct dp *dp, const struct placed *from, uint32_t mid, uint32_t n,
		  struct placed *to) CONTROL
{
	uint32_t i = 0, j = mid;

	for (uint32_t k = 0; k < n; k++) {
		const bool first = i < mid && (j == n || in_order(&from[i], &from[j]) <= 0);

		breathe(dp, k);
		to[k] = from[first ? i++ : j++];
	}
}

/*
 * Sorts p[0..n), with room for as many behind them; where they are then.  In runs, which grow: a
 * million take longer than anybody should have to wait (table_breathe.c).
 */
static struct placed *sort_runs(struct dp *dp, struct placed *p, uint32_t n) CONTROL
{
	enum { RUN = 8192 };
	struct placed *to = p + n, *was;

	for (uint32_t at = 0; at < n; at += RUN) {
		qsort(p + at, n - at < RUN ? n - at : RUN, sizeof(*p), in_order);
		table_breathe(dp);
	}
	for (uint64_t run = RUN; run < n; run *= 2) {
		for (uint64_t at = 0; at < n; at += 2 * run) {
			const uint64_t left = n - at;

			merge(dp, p + at, (uint32_t)(left < run ? left : run),
			      (uint32_t)(left < 2 * run ? left : 2 * run), to + at);
		}
		was = p;
		p = to;
		to = was;
	}
	return p;
}

/* The flows behind 'after' (NULL: all), sorted.  0 or -ENOMEM. */
static int sort(struct dp *dp, struct flow_vec *v, const struct table_place *after) CONTROL
{
	struct placed *p = malloc((2 * (size_t)v->n + 1) * sizeof(*p)), *sorted;
	uint32_t n = 0;

	if (!p)
		return -ENOMEM;
	for (uint32_t i = 0; i < v->n; i++) {
		breathe(dp, i);
		if (i + AHEAD < v->n) {
			__builtin_prefetch(v->v[i + AHEAD]);
			__builtin_prefetch(&v->v[i + AHEAD]->rule);
		}
		p[n] = (struct placed){ table_place(v->v[i]), v->v[i] };
		n += !after || table_place_compare(&p[n].at, after) > 0;
	}
	sorted = sort_runs(dp, p, n);
	for (uint32_t i = 0; i < n; i++)
		v->v[i] = sorted[i].f;
	v->n = n;
	free(p);
	return 0;
}

static struct flow_filter filter_of(const struct of_mp_flow_request *q)
{
	return (struct flow_filter){
		.table_id = q->table_id,
		.match = &q->match,
		.out_port = q->out_port,
		.out_group = q->out_group,
		.cookie = q->cookie,
		.cookie_mask = q->cookie_mask,
	};
}

void flow_walk_end(struct table_state *s)
{
	free(s->walk.v);
	s->walk.v = NULL;
}

/* What is known of a walk that has come to 'after', or what there is to find out.  0 or -ENOMEM. */
static int walk_take(struct dp *dp, const struct of_mp_flow_request *q,
		     const struct table_place *after, struct flow_walk *w) CONTROL
{
	struct table_state *s = dp->table_state;
	const struct flow_filter filter = filter_of(q);
	struct flow_vec v;
	int err;

	if (s->walk.v && after && !table_place_compare(&s->walk.after, after) &&
	    !memcmp(&s->walk.q, q, sizeof(*q))) {
		*w = s->walk;
		s->walk.v = NULL;
		return 0;
	}
	flow_walk_end(s);
	err = table_collect(dp, &filter, &v);
	if (!err)
		err = sort(dp, &v, after);
	*w = (struct flow_walk){ .v = v.v, .n = v.n, .q = *q };
	return err;
}

int table_select_after(struct dp *dp, const struct of_mp_flow_request *q,
		       const struct table_place *after,
		       int (*visit)(void *arg, const struct flow *f), void *arg)
{
	struct flow_walk w;
	int stop = walk_take(dp, q, after, &w);

	while (!stop && w.at < w.n) {
		w.after = table_place(w.v[w.at]);
		stop = visit(arg, w.v[w.at++]);
	}
	/* Who visits stays in the tables as they are, or does not go on. */
	if (stop > 0 && w.at < w.n)
		dp->table_state->walk = w;
	else
		free(w.v);
	return stop;
}

int table_select(struct dp *dp, const struct of_mp_flow_request *q,
		 int (*visit)(void *arg, const struct flow *f), void *arg)
{
	return table_select_after(dp, q, NULL, visit, arg);
}

struct each {
	struct narrow narrow;
	int (*visit)(void *arg, const struct flow *f);
	void *arg;
};

static int each(void *arg, struct cls_rule *r)
{
	struct each *e = arg;

	role_assume_control();
	breathe(e->narrow.dp, ++e->narrow.seen);
	return selected(&e->narrow, flow_of_rule(r)) ? e->visit(e->arg, flow_of_rule(r)) : 0;
}

int table_each(struct dp *dp, const struct of_mp_flow_request *q,
	       int (*visit)(void *arg, const struct flow *f), void *arg)
{
	const struct flow_filter filter = filter_of(q);
	struct each e = { .visit = visit, .arg = arg };
	int stop = 0;

	narrow_init(&e.narrow, dp, &filter);
	for (unsigned int i = 0; i < N_TABLES && !stop; i++) {
		const struct table *t = &dp->table_state->tables[i];

		if (t->begun && (q->table_id == OFPTT_ALL || q->table_id == i))
			stop = cls_hash_each(&t->index, each, &e);
	}
	return stop;
}
