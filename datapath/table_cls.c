/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table's classifier: which template serves it, and building another one aside.
 *
 * Linked are the installed flows, and those removed that some packet may still see.
 */
#include <errno.h>
#include <stdlib.h>

#include "datapath/table_state.h"

static struct cls *current(const struct dp *dp, uint8_t table_id)
{
	return atomic_load_explicit(&dp->tables[table_id], memory_order_relaxed);
}

void table_cls_free(void *cls)
{
	struct cls *c = cls;

	c->ops->free(c);
}

struct gather {
	struct cls_shape shape;
	struct cls_rule **v;
	uint32_t mark;
};

static int gather_rule(void *arg, struct cls_rule *r)
{
	struct gather *g = arg;
	struct cls_mask *m = (struct cls_mask *)(uintptr_t)r->mask;

	if (!m->n_words) {
		g->shape.n_any++;
	} else if (m->mark != g->mark) {
		m->mark = g->mark;
		g->shape.n_masks++;
	}
	if (g->v)
		g->v[g->shape.n_rules] = r;
	g->shape.n_rules++;
	return 0;
}

static void gather_list(struct gather *g, struct flow *f, uint8_t table_id)
{
	for (; f; f = f->next)
		if (f->table_id == table_id)
			gather_rule(g, &f->rule);
}

/* What is linked; without 'v' only counted. */
static void gather(struct dp *dp, uint8_t table_id, struct gather *g) CONTROL
{
	struct table_state *s = dp->table_state;
	struct table *t = &s->tables[table_id];

	g->mark = ++s->mark;
	g->shape.dp = dp;
	g->shape.rules = g->v;
	if (t->begun)
		cls_hash_each(&t->index, gather_rule, g);
	if (!t->n_dying)
		return;
	gather_list(g, s->pending, table_id);
	for (struct flow_batch *b = s->unlinking; b; b = b->next)
		gather_list(g, b->flows, table_id);
}

int table_cls_rebuild(struct dp *dp, uint8_t table_id)
{
	struct table *t = &dp->table_state->tables[table_id];
	struct cls *old = current(dp, table_id), *c = NULL;
	struct gather g = { 0 };
	uint32_t n = (t->begun ? t->index.n : 0) + t->n_dying;

	if (n) {
		g.v = malloc(n * sizeof(struct cls_rule *));
		if (!g.v)
			return -ENOMEM;
		gather(dp, table_id, &g);
	}
	if (g.shape.n_rules) {
		c = cls_pick(&g.shape)->build(&g.shape);
		if (!c) {
			free(g.v);
			return -ENOMEM;
		}
	}
	free(g.v);
	t->built_for = g.shape.n_rules;
	t->changes = 0;
	atomic_store_explicit(&dp->tables[table_id], c, memory_order_release);
	if (old)
		dp_retire(dp, old, table_cls_free);
	return 0;
}

int table_cls_insert(struct dp *dp, uint8_t table_id, struct cls_rule *r)
{
	struct cls *c = current(dp, table_id);
	int err = c ? c->ops->insert(c, r) : -EAGAIN;

	dp->table_state->tables[table_id].changes++;
	return err == -EAGAIN ? table_cls_rebuild(dp, table_id) : err;
}

void table_cls_settle(struct dp *dp, uint8_t table_id)
{
	struct table *t = &dp->table_state->tables[table_id];
	struct cls *c = current(dp, table_id);
	struct gather g = { 0 };

	if (!c)
		return;
	if (!c->n_rules) {
		atomic_store_explicit(&dp->tables[table_id], NULL, memory_order_release);
		dp_retire(dp, c, table_cls_free);
		return;
	}
	/* Looking at all rules is paid for by as many changes. */
	if (t->changes < t->built_for + 64)
		return;
	t->changes = 0;
	if (c->n_rules >= t->built_for / 4) {
		gather(dp, table_id, &g);
		if (cls_pick(&g.shape) == c->ops)
			return;
	}
	table_cls_rebuild(dp, table_id);
}

const char *table_template(const struct dp *dp, uint8_t table_id, uint32_t *n_masks)
{
	struct cls *c = current(dp, table_id);
	struct gather g = { 0 };

	if (n_masks) {
		gather((struct dp *)(uintptr_t)dp, table_id, &g);
		*n_masks = g.shape.n_masks + !!g.shape.n_any;
	}
	return c ? c->ops->name : "empty";
}
