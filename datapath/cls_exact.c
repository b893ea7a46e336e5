/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact template: all rules have one mask, so that one probe of a hash decides.
 *
 * Rules that match everything (a table-miss entry, usually one) stand beside it, and are asked for
 * the packets that the hash leaves, or where their priority could win.
 */
#include "datapath/cls.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/cls_hash.h"
#include "datapath/mask.h"

struct exact {
	struct cls cls;
	struct cls_mask mask;
	struct cls_mask none; /* no words */
	struct cls_hash hash, any;
	_Atomic uint32_t any_used; /* rules were ever in 'any' */
};

static uint64_t hash_of(const void *mask, const struct cls_rule *r)
{
	return cls_hash_rule(mask, r);
}

static bool exact_fits(const struct cls_shape *s)
{
	return s->n_masks == 1;
}

static int exact_insert(struct cls *c, struct cls_rule *r)
{
	struct exact *x = (struct exact *)c;
	struct cls_hash *h = &x->hash;
	const struct cls_mask *m = &x->mask;
	int err;

	if (!r->mask->n_words) {
		h = &x->any;
		m = &x->none;
		atomic_store_explicit(&x->any_used, 1, memory_order_release);
	} else if (r->mask->hash != m->hash || !cls_mask_within(r->mask, m) ||
		   !cls_mask_within(m, r->mask)) {
		return -EAGAIN;
	}
	err = cls_hash_add(h, cls_hash_rule(m, r), r, c, hash_of, m);
	if (!err)
		cls_note(c, r);
	return err;
}

static void exact_expect(const struct cls *c, const struct cls_rule *r)
{
	const struct exact *x = (const struct exact *)c;

	if (r->mask->n_words)
		cls_hash_expect(&x->hash, cls_hash_rule(&x->mask, r));
}

static int exact_remove(struct cls *c, struct cls_rule *r)
{
	struct exact *x = (struct exact *)c;
	bool there = r->mask->n_words ? cls_hash_del(&x->hash, cls_hash_rule(&x->mask, r), r)
				      : cls_hash_del(&x->any, cls_hash_rule(&x->none, r), r);

	if (!there)
		return -EAGAIN;
	c->n_rules--;
	return 0;
}

static void exact_free(struct cls *c)
{
	struct exact *x = (struct exact *)c;

	cls_hash_fini(&x->hash);
	cls_hash_fini(&x->any);
	free(x);
}

static struct cls *exact_build(const struct cls_shape *s)
{
	struct exact *x = calloc(1, sizeof(*x));
	static const struct flow_key zero;

	if (!x)
		return NULL;
	x->cls.ops = &cls_exact;
	x->cls.dp = s->dp;
	cls_mask_init(&x->none, &zero);
	for (uint32_t i = 0; i < s->n_rules; i++) {
		if (s->rules[i]->mask->n_words) {
			x->mask = *s->rules[i]->mask;
			break;
		}
	}
	if (cls_hash_init(&x->hash, s->n_rules + s->n_rules / 2) || cls_hash_init(&x->any, 1)) {
		exact_free(&x->cls);
		return NULL;
	}
	for (uint32_t i = 0; i < s->n_rules; i++) {
		if (exact_insert(&x->cls, s->rules[i])) {
			exact_free(&x->cls);
			return NULL;
		}
	}
	return &x->cls;
}

static void exact_lookup(const struct cls *c, const struct burst *b, uint64_t todo,
			 const struct cls_rule **hit)
{
	const struct exact *x = (const struct exact *)c;

	for (uint64_t left = todo; left; left &= left - 1)
		hit[__builtin_ctzll(left)] = NULL;
	cls_hash_lookup(&x->hash, &x->mask, b, todo, hit);
	if (atomic_load_explicit(&x->any_used, memory_order_acquire))
		cls_hash_lookup(&x->any, &x->none, b, todo, hit);
}

static uint32_t exact_probes(const struct cls *c)
{
	const struct exact *x = (const struct exact *)c;

	return 1 + atomic_load_explicit(&x->any_used, memory_order_relaxed);
}

static size_t exact_memory(const struct cls *c)
{
	const struct exact *x = (const struct exact *)c;

	return sizeof(*x) + cls_hash_memory(&x->hash) + cls_hash_memory(&x->any);
}

const struct cls_ops cls_exact = {
	.name = "exact",
	.why = "all flows look at the same bits: one hash",
	.fits = exact_fits,
	.build = exact_build,
	.insert = exact_insert,
	.expect = exact_expect,
	.remove = exact_remove,
	.lookup = exact_lookup,
	.probes = exact_probes,
	.memory = exact_memory,
	.free = exact_free,
};
