/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table's classifier: which template serves it, and building another one aside.
 *
 * Linked are the installed flows, and those removed that some packet may still see.
 */
#include <errno.h>
#include <stdlib.h>

#include "datapath/cls_conj.h"
#include "datapath/cls_cuts.h"
#include "datapath/table_state.h"

/* More than a smaller template (cls_direct) takes. */
enum { EXACT_MANY = 1024 };

static struct cls *current(const struct dp *dp, uint8_t table_id)
{
	return atomic_load_explicit(&dp->tables[table_id], memory_order_relaxed);
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

	g->shape.n_conj += r->conj;
	if (!m->n_words) {
		g->shape.n_any++;
	} else if (m->mark != g->mark) {
		m->mark = g->mark;
		g->shape.n_masks++;
	}
	g->v[g->shape.n_rules++] = r;
	return 0;
}

static void gather_list(struct gather *g, struct flow *f, uint8_t table_id)
{
	for (; f; f = f->next)
		if (f->table_id == table_id)
			gather_rule(g, &f->rule);
}

/* What is linked; free(g->v).  0 or -ENOMEM. */
static int gather(struct dp *dp, uint8_t table_id, struct gather *g) CONTROL
{
	struct table_state *s = dp->table_state;
	struct table *t = &s->tables[table_id];
	uint32_t n = (t->begun ? t->index.n : 0) + t->n_dying;

	*g = (struct gather){ .mark = ++s->mark, .shape.dp = dp };
	g->v = malloc((n + 1) * sizeof(struct cls_rule *));
	if (!g->v)
		return -ENOMEM;
	g->shape.rules = g->v;
	if (t->begun)
		cls_hash_each(&t->index, gather_rule, g);
	if (!t->n_dying)
		return 0;
	gather_list(g, s->pending, table_id);
	for (struct flow_batch *b = s->unlinking; b; b = b->next)
		if (!b->dropped[table_id])
			gather_list(g, b->linked, table_id);
	return 0;
}

void table_cls_put(struct dp *dp, uint8_t table_id, struct cls *c)
{
	struct table *t = &dp->table_state->tables[table_id];
	struct cls *old = current(dp, table_id);

	t->built_for = c ? c->n_rules : 0;
	t->changes = 0;
	atomic_store_explicit(&dp->tables[table_id], c, memory_order_release);
	if (old && c && old->ops != c->ops)
		atomic_fetch_add_explicit(&dp->templates, 1, memory_order_relaxed);
	if (old)
		dp_retire(dp, old, cls_free);
}

/* Puts 'ops', built for what was gathered, in the place of what serves the table. */
static int replace(struct dp *dp, uint8_t table_id, const struct gather *g,
		   const struct cls_ops *ops) CONTROL
{
	struct cls *c = NULL;

	if (g->shape.n_rules) {
		c = ops->build(&g->shape);
		if (!c)
			return -ENOMEM;
	}
	table_cls_put(dp, table_id, c);
	return 0;
}

void table_cls_offer(struct dp *dp, uint8_t table_id, const struct cls_ops *ops,
		     void (*begin)(struct dp *dp, uint8_t table_id, const struct cls_shape *s))
{
	struct gather g;

	if (!gather(dp, table_id, &g)) {
		g.shape.calm = true;
		if (cls_pick(&g.shape) == ops)
			begin(dp, table_id, &g.shape);
	}
	free(g.v);
}

int table_cls_rebuild(struct dp *dp, uint8_t table_id)
{
	struct gather g;
	int err = gather(dp, table_id, &g);

	if (!err)
		err = replace(dp, table_id, &g, cls_pick(&g.shape));
	free(g.v);
	return err;
}

int table_cls_insert(struct dp *dp, uint8_t table_id, struct cls_rule *r)
{
	struct cls *c = current(dp, table_id);
	struct table *t = &dp->table_state->tables[table_id];
	bool fits = c && (!r->conj || c->ops == &cls_conj);
	int err = fits ? c->ops->insert(c, r) : -EAGAIN;

	t->changes++;
	if (!err || err == -EAGAIN)
		table_calm_note(dp, table_id, r, true);
	if (!err && c->n_rules > t->built_for)
		t->built_for = c->n_rules;
	if (err == -EAGAIN) {
		err = table_cls_rebuild(dp, table_id);
		if (err)
			table_calm_note(dp, table_id, r, false);
		return err;
	}
	/* More rules may fit what fewer did not: a trie that is too large for few routes. */
	if (!err && c->ops == &cls_tuple)
		table_cls_settle(dp, table_id);
	return err;
}

int table_cls_remove(struct dp *dp, uint8_t table_id, struct cls_rule *r)
{
	struct cls *c = current(dp, table_id);

	dp->table_state->tables[table_id].changes++;
	table_calm_note(dp, table_id, r, false);
	return c->ops->remove(c, r);
}

bool table_cls_admits(const struct dp *dp, uint8_t table_id, const struct cls_mask *m)
{
	return cls_conj_admits(current(dp, table_id), m);
}

void table_cls_settle(struct dp *dp, uint8_t table_id)
{
	struct table *t = &dp->table_state->tables[table_id];
	struct cls *c = current(dp, table_id);
	struct gather g;

	if (!c)
		return;
	if (!c->n_rules) {
		atomic_store_explicit(&dp->tables[table_id], NULL, memory_order_release);
		dp_retire(dp, c, cls_free);
		return;
	}
	/* Looking at all rules is paid for by as many changes.  But who has many rules of one mask,
	 * and had not many more, is served best, however many of them change. */
	if (t->changes < t->built_for / 2 + 64 ||
	    (c->ops == &cls_exact && c->n_rules > EXACT_MANY && c->n_rules >= t->built_for / 4))
		return;
	t->changes = 0;
	if (!gather(dp, table_id, &g)) {
		const struct cls_ops *ops;

		/* Those that took their time are not given up for less. */
		g.shape.calm = c->ops == &cls_cuts;
		ops = cls_pick(&g.shape);
		if (ops == &cls_cuts)
			; /* built in peace (table_calm.c) */
		else if (ops != c->ops || c->n_rules < t->built_for / 4)
			(void)replace(dp, table_id, &g, ops); /* else the old one goes on */
	}
	free(g.v);
}

const char *table_why(const struct dp *dp, uint8_t table_id)
{
	const struct cls *c = current(dp, table_id);

	return c ? c->ops->why : "no flow";
}

const char *table_template(const struct dp *dp, uint8_t table_id, uint32_t *n_masks)
{
	struct cls *c = current(dp, table_id);
	struct gather g;

	if (n_masks) {
		(void)gather((struct dp *)(uintptr_t)dp, table_id, &g);
		*n_masks = g.shape.n_masks + !!g.shape.n_any;
		free(g.v);
	}
	return c ? c->ops->name : "empty";
}
