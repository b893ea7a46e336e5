/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The direct template: a few rules, one after the other.
 *
 * The array is built in order of priority, so that the first hit mostly ends the search; a rule
 * that comes later stands at the end, and is compared only where its priority could win.
 */
#include "datapath/cls.h"

#include <errno.h>
#include <stdlib.h>

enum {
	DIRECT_FIT = 8, /* rules that the template takes over */
	DIRECT_MAX =
		16, /* and holds before it gives up: rules replaced wait here for a grace period */
};

struct direct {
	struct cls cls;
	_Atomic uint32_t n; /* places used so far */
	_Atomic uint16_t priority[DIRECT_MAX];
	struct cls_rule *_Atomic rule[DIRECT_MAX]; /* NULL: free */
};

static bool direct_fits(const struct cls_shape *s)
{
	return s->n_rules <= DIRECT_FIT;
}

static int direct_insert(struct cls *c, struct cls_rule *r)
{
	struct direct *d = (struct direct *)c;
	uint32_t n = atomic_load_explicit(&d->n, memory_order_relaxed), i;

	for (i = 0; i < n; i++)
		if (!atomic_load_explicit(&d->rule[i], memory_order_relaxed))
			break;
	if (i == DIRECT_MAX)
		return -EAGAIN;
	cls_note(c, r);
	atomic_store_explicit(&d->priority[i], r->priority, memory_order_relaxed);
	atomic_store_explicit(&d->rule[i], r, memory_order_release);
	if (i == n)
		atomic_store_explicit(&d->n, n + 1, memory_order_release);
	return 0;
}

static int direct_remove(struct cls *c, struct cls_rule *r)
{
	struct direct *d = (struct direct *)c;

	for (unsigned int i = 0; i < DIRECT_MAX; i++) {
		if (atomic_load_explicit(&d->rule[i], memory_order_relaxed) != r)
			continue;
		atomic_store_explicit(&d->rule[i], NULL, memory_order_release);
		c->n_rules--;
		return 0;
	}
	return -EAGAIN;
}

static int by_priority(const void *a, const void *b)
{
	const struct cls_rule *x = *(struct cls_rule *const *)a, *y = *(struct cls_rule *const *)b;

	return (int)y->priority - (int)x->priority;
}

static struct cls *direct_build(const struct cls_shape *s)
{
	struct direct *d = calloc(1, sizeof(*d));
	struct cls_rule *r[DIRECT_FIT];

	if (!d)
		return NULL;
	d->cls.ops = &cls_direct;
	d->cls.dp = s->dp;
	for (uint32_t i = 0; i < s->n_rules; i++)
		r[i] = s->rules[i];
	qsort(r, s->n_rules, sizeof(r[0]), by_priority);
	for (uint32_t i = 0; i < s->n_rules; i++)
		direct_insert(&d->cls, r[i]);
	return &d->cls;
}

static void direct_lookup(const struct cls *c, const struct burst *b, uint64_t todo,
			  const struct cls_rule **hit)
{
	const struct direct *d = (const struct direct *)c;
	uint32_t n = atomic_load_explicit(&d->n, memory_order_acquire);

	for (; todo; todo &= todo - 1) {
		unsigned int p = (unsigned int)__builtin_ctzll(todo);
		const uint64_t *key = cls_key(b, p);
		int above = -1;

		hit[p] = NULL;
		for (uint32_t i = 0; i < n; i++) {
			const struct cls_rule *r;

			if (atomic_load_explicit(&d->priority[i], memory_order_relaxed) <= above)
				continue;
			r = atomic_load_explicit(&d->rule[i], memory_order_acquire);
			if (!r || !cls_rule_visible(r, b->version) || !cls_rule_hits(r, key))
				continue;
			hit[p] = r;
			above = r->priority;
		}
	}
}

static uint32_t direct_probes(const struct cls *c)
{
	return atomic_load_explicit(&((const struct direct *)c)->n, memory_order_relaxed);
}

static size_t direct_memory(const struct cls *c)
{
	return sizeof(struct direct);
}

static void direct_free(struct cls *c)
{
	free(c);
}

const struct cls_ops cls_direct = {
	.name = "direct",
	.why = "few flows: compared one after the other",
	.fits = direct_fits,
	.build = direct_build,
	.insert = direct_insert,
	.remove = direct_remove,
	.lookup = direct_lookup,
	.probes = direct_probes,
	.memory = direct_memory,
	.free = direct_free,
};
