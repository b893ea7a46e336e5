/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which flows a flow_mod or a stats request is about (6.4, 7.3.5.2).
 */
#include <errno.h>
#include <stdlib.h>

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

static void narrow_init(struct narrow *n, const struct flow_filter *q)
{
	static const struct flow_key any;
	const uint64_t *key = q->match ? (const uint64_t *)&q->match->value : NULL;

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

	narrow_init(&n, q);
	return selected(&n, f);
}

static int collect(void *arg, struct cls_rule *r)
{
	struct narrow *n = arg;
	struct flow_vec *out = n->out;

	role_assume_control();
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
	narrow_init(&n, q);
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

static int in_order(const void *a, const void *b)
{
	struct table_place x = table_place(*(struct flow *const *)a);
	struct table_place y = table_place(*(struct flow *const *)b);

	return table_place_compare(&x, &y);
}

/* Those that the walk has been at go. */
static void leave_behind(struct flow_vec *v, const struct table_place *after)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n; i++) {
		struct table_place at = table_place(v->v[i]);

		if (table_place_compare(&at, after) > 0)
			v->v[n++] = v->v[i];
	}
	v->n = n;
}

int table_select_after(struct dp *dp, const struct of_mp_flow_request *q,
		       const struct table_place *after,
		       int (*visit)(void *arg, const struct flow *f), void *arg)
{
	struct flow_filter filter = {
		.table_id = q->table_id,
		.match = &q->match,
		.out_port = q->out_port,
		.out_group = q->out_group,
		.cookie = q->cookie,
		.cookie_mask = q->cookie_mask,
	};
	struct flow_vec v;
	int stop = table_collect(dp, &filter, &v);

	if (after)
		leave_behind(&v, after);
	if (!stop && v.n)
		qsort(v.v, v.n, sizeof(struct flow *), in_order);
	for (uint32_t i = 0; !stop && i < v.n; i++)
		stop = visit(arg, v.v[i]);
	free(v.v);
	return stop;
}

int table_select(struct dp *dp, const struct of_mp_flow_request *q,
		 int (*visit)(void *arg, const struct flow *f), void *arg)
{
	return table_select_after(dp, q, NULL, visit, arg);
}
