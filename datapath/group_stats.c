/* SPDX-License-Identifier: Apache-2.0 */
/* Groups as multiparts tell them (7.3.5.9 to 7.3.5.11). */
#include <errno.h>

#include "datapath/dp.h"
#include "datapath/group_priv.h"
#include "datapath/table_state.h"

static int by_id(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

int group_each(const struct dp *dp, uint32_t id, uint32_t from,
	       int (*visit)(void *arg, const struct group *g), void *arg)
{
	struct group *g = id == OFPG_ALL ? NULL : group_find(dp, id), *next;
	int stop = 0;

	if (id != OFPG_ALL)
		return g && id >= from ? visit(arg, g) : 0;
	HASH_SORT(dp->groups->groups, by_id);
	for (g = dp->groups->groups; g && !stop; g = next) {
		next = g->hh.next;
		if (g->id >= from)
			stop = visit(arg, g);
	}
	return stop;
}

static struct of_any *bucket_counter(struct group_bucket *k, struct arena *a)
{
	struct of_bucket_counter *c = OF_NEW(a, bucket_counter);

	if (c) {
		c->packet_count = atomic_load_explicit(&k->packets, memory_order_relaxed);
		c->byte_count = atomic_load_explicit(&k->bytes, memory_order_relaxed);
	}
	return (struct of_any *)c;
}

struct of_group_stats *group_stats(const struct dp *dp, const struct group *g, struct arena *a)
{
	struct of_group_stats *s = OF_NEW(a, group_stats);
	double age = monotonic_now() - g->created;
	struct group_body *b = group_body(g);

	if (!s)
		return NULL;
	s->group_id = g->id;
	s->ref_count = g->flows + g->chained;
	s->packet_count = atomic_load_explicit(&g->packets, memory_order_relaxed);
	s->byte_count = atomic_load_explicit(&g->bytes, memory_order_relaxed);
	s->duration_sec = (uint32_t)age;
	s->duration_nsec = (uint32_t)((age - (uint32_t)age) * 1e9);
	s->bucket_stats.v = arena_get(a, (b->n + 1) * sizeof(struct of_any *));
	if (!s->bucket_stats.v)
		return NULL;
	for (uint32_t i = 0; i < b->n; i++) {
		s->bucket_stats.v[i] = bucket_counter(&b->bucket[i], a);
		if (!s->bucket_stats.v[i])
			return NULL;
	}
	s->bucket_stats.n = b->n;
	return s;
}

struct of_group_desc *group_desc(const struct group *g, struct arena *a)
{
	struct of_group_desc *d = OF_NEW(a, group_desc);

	if (!d || of_list_copy(&group_body(g)->list, a, &d->buckets))
		return NULL;
	d->type = group_body(g)->type;
	d->group_id = g->id;
	return d;
}

static int add_prop(struct of_list *l, struct of_any *p, struct arena *a)
{
	return p ? of_list_add(l, a, p) : -ENOMEM;
}

static int bucket_props(const struct of_bucket *k, uint8_t type, struct of_list *l, struct arena *a)
{
	struct of_bucket_prop_weight *w;
	struct of_bucket_prop_watch_port *p;
	struct of_bucket_prop_watch_group *g;
	int rc = 0;

	if (type == OFPGT_SELECT) {
		w = OF_NEW(a, bucket_prop_weight);
		if (w)
			w->weight = k->weight;
		rc = add_prop(l, (struct of_any *)w, a);
	}
	if (!rc && k->watch_port != OFPP_ANY) {
		p = OF_NEW(a, bucket_prop_watch_port);
		if (p)
			p->watch = k->watch_port;
		rc = add_prop(l, (struct of_any *)p, a);
	}
	if (!rc && k->watch_group != OFPG_ANY) {
		g = OF_NEW(a, bucket_prop_watch_group);
		if (g)
			g->watch = k->watch_group;
		rc = add_prop(l, (struct of_any *)g, a);
	}
	return rc;
}

struct of_ext_group_desc *group_ext_desc(const struct group *g, struct arena *a)
{
	struct of_ext_group_desc *d = OF_NEW(a, ext_group_desc);
	const struct group_body *b = group_body(g);

	if (!d || (b->how && of_selection_put(b->how, &d->properties, a)))
		return NULL;
	d->type = b->type;
	d->group_id = g->id;
	for (uint32_t i = 0; i < b->n; i++) {
		const struct of_bucket *k = OF_AT(&b->list, i, bucket);
		struct of_ext_bucket *x = OF_NEW(a, ext_bucket);

		if (!x || of_list_copy(&k->actions, a, &x->actions) ||
		    bucket_props(k, b->type, &x->properties, a) ||
		    of_list_add(&d->buckets, a, (struct of_any *)x))
			return NULL;
		x->bucket_id = b->bucket[i].id;
	}
	return d;
}

void group_features(const struct dp *dp, struct of_mp_group_features_reply *out)
{
	/* What act_compile.c takes in a bucket (7.2.5), each as the bit of its type. */
	static const uint8_t actions[] = {
		OFPAT_OUTPUT,	    OFPAT_COPY_TTL_OUT, OFPAT_COPY_TTL_IN, OFPAT_SET_MPLS_TTL,
		OFPAT_DEC_MPLS_TTL, OFPAT_PUSH_VLAN,	OFPAT_POP_VLAN,	   OFPAT_PUSH_MPLS,
		OFPAT_POP_MPLS,	    OFPAT_GROUP,	OFPAT_SET_NW_TTL,  OFPAT_DEC_NW_TTL,
		OFPAT_SET_FIELD,    OFPAT_PUSH_PBB,	OFPAT_POP_PBB,	   OFPAT_SET_QUEUE,
	};

	out->types = 1 << OFPGT_ALL | 1 << OFPGT_SELECT | 1 << OFPGT_INDIRECT | 1 << OFPGT_FF;
	out->capabilities = OFPGFC_SELECT_WEIGHT | OFPGFC_SELECT_LIVENESS | OFPGFC_CHAINING |
			    OFPGFC_CHAINING_CHECKS;
	for (unsigned int t = 0; t < 4; t++) {
		out->max_groups[t] = GROUPS_MAX;
		out->actions[t] = 0;
		for (unsigned int i = 0; i < sizeof(actions); i++)
			out->actions[t] |= UINT32_C(1) << actions[i];
	}
}
