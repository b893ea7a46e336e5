/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tuple template: a hash for each mask, or for several masks merged (cls_plan.c).  Always fits.
 *
 * A lookup probes at most TUPLE_MAX hashes, whatever packets come and however many masks the rules
 * have, and stops as soon as no tuple that is left could win by priority.  New masks get tuples of
 * their own while there are places, then join a tuple that hashes on a part of their bits; when
 * neither is possible the whole is planned again with half the places free, so that planning is
 * paid for by as many new masks.
 *
 * Readers: places are filled before 'n' says so; best_left[i] (the highest priority in tuples i...)
 * only ever grows, which at worst means a probe more than necessary.
 */
#include "datapath/cls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/cls_hash.h"
#include "datapath/cls_plan.h"
#include "datapath/mask.h"

enum {
	TUPLE_MAX = 32,
	TUPLE_PLANNED = 16, /* after merging */
};

struct tuple {
	struct cls_mask mask; /* what it hashes on: within the mask of each of its rules */
	struct cls_hash hash;
	uint16_t max_priority; /* control thread */
};

struct tuples {
	struct cls cls;
	_Atomic uint32_t n;
	_Atomic uint16_t best_left[TUPLE_MAX];
	struct tuple *tuple[TUPLE_MAX];
};

static uint64_t hash_of(const void *mask, const struct cls_rule *r)
{
	return cls_hash_rule(mask, r);
}

static uint32_t n_of(const struct tuples *t)
{
	return atomic_load_explicit(&t->n, memory_order_relaxed);
}

static bool tuple_fits(const struct cls_shape *s)
{
	return true;
}

/* 'm' is not looked at by readers until n says so. */
static int tuple_append(struct tuples *t, const struct cls_mask *m, uint32_t room)
{
	uint32_t n = n_of(t);
	struct tuple *p = calloc(1, sizeof(*p));

	if (!p || cls_hash_init(&p->hash, room)) {
		free(p);
		return -ENOMEM;
	}
	p->mask = *m;
	t->tuple[n] = p;
	atomic_store_explicit(&t->best_left[n], 0, memory_order_relaxed);
	atomic_store_explicit(&t->n, n + 1, memory_order_release);
	return 0;
}

static bool same(const struct cls_mask *a, const struct cls_mask *b)
{
	return a->hash == b->hash && a->words == b->words &&
	       !memcmp(a->bits, b->bits, a->n_words * sizeof(a->bits[0]));
}

static unsigned int n_bits(const struct cls_mask *m)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->n_words; i++)
		n += (unsigned int)__builtin_popcountll(m->bits[i]);
	return n;
}

/* The tuple for rules of mask 'm', its own or the finest that covers it; -1: none. */
static int tuple_for(const struct tuples *t, const struct cls_mask *m)
{
	unsigned int most = 0;
	int best = -1;

	for (uint32_t i = 0; i < n_of(t); i++)
		if (same(&t->tuple[i]->mask, m))
			return (int)i;
	if (n_of(t) < TUPLE_PLANNED)
		return -1;
	for (uint32_t i = 0; i < n_of(t); i++) {
		unsigned int bits = n_bits(&t->tuple[i]->mask);

		if ((best < 0 || bits > most) && cls_mask_within(&t->tuple[i]->mask, m)) {
			best = (int)i;
			most = bits;
		}
	}
	/* A tuple that hashes on nothing is a list: only for rules that match everything. */
	return most ? best : -1;
}

static int tuple_insert(struct cls *c, struct cls_rule *r)
{
	struct tuples *t = (struct tuples *)c;
	int i = tuple_for(t, r->mask), err;
	struct tuple *p;

	if (i < 0) {
		if (n_of(t) == TUPLE_MAX)
			return -EAGAIN;
		err = tuple_append(t, r->mask, 1);
		if (err)
			return err;
		i = (int)n_of(t) - 1;
	}
	p = t->tuple[i];
	for (int j = 0; j <= i; j++)
		if (r->priority > atomic_load_explicit(&t->best_left[j], memory_order_relaxed))
			atomic_store_explicit(&t->best_left[j], r->priority, memory_order_release);
	err = cls_hash_add(&p->hash, cls_hash_rule(&p->mask, r), r, c, hash_of, &p->mask);
	if (!err)
		cls_note(c, r);
	return err;
}

static int tuple_remove(struct cls *c, struct cls_rule *r)
{
	struct tuples *t = (struct tuples *)c;

	/* Its own tuple may have come after it: try all that it can be in. */
	for (uint32_t i = 0; i < n_of(t); i++) {
		struct tuple *p = t->tuple[i];

		if (cls_mask_within(&p->mask, r->mask) &&
		    cls_hash_del(&p->hash, cls_hash_rule(&p->mask, r), r)) {
			c->n_rules--;
			return 0;
		}
	}
	return -EAGAIN;
}

static void tuple_free(struct cls *c)
{
	struct tuples *t = (struct tuples *)c;

	for (uint32_t i = 0; i < n_of(t); i++) {
		cls_hash_fini(&t->tuple[i]->hash);
		free(t->tuple[i]);
	}
	free(t);
}

/* Where a rule goes while the whole is built: the finest tuple that covers it. */
static struct tuple *planned_for(const struct tuples *t, const struct cls_mask *m)
{
	struct tuple *best = NULL;
	unsigned int most = 0;

	for (uint32_t i = 0; i < n_of(t); i++) {
		struct tuple *p = t->tuple[i];
		unsigned int bits = n_bits(&p->mask);

		if ((!best || bits > most) && cls_mask_within(&p->mask, m)) {
			best = p;
			most = bits;
		}
	}
	return best;
}

static int fill(struct tuples *t, const struct cls_shape *s)
{
	const struct cls_mask *last = NULL;
	struct tuple *p = NULL;

	for (uint32_t i = 0; i < s->n_rules; i++) {
		struct cls_rule *r = s->rules[i];
		int err;

		if (r->mask != last)
			p = planned_for(t, r->mask);
		last = r->mask;
		err = cls_hash_add(&p->hash, cls_hash_rule(&p->mask, r), r, NULL, hash_of,
				   &p->mask);
		if (err)
			return err;
		cls_note(&t->cls, r);
		if (r->priority > p->max_priority)
			p->max_priority = r->priority;
	}
	return 0;
}

static int by_max_priority(const void *a, const void *b)
{
	const struct tuple *x = *(struct tuple *const *)a, *y = *(struct tuple *const *)b;

	return (int)y->max_priority - (int)x->max_priority;
}

/* Most promising first, so that searches end early. */
static void order(struct tuples *t)
{
	uint16_t best = 0;

	qsort(t->tuple, n_of(t), sizeof(t->tuple[0]), by_max_priority);
	for (uint32_t i = n_of(t); i-- > 0;) {
		if (t->tuple[i]->max_priority > best)
			best = t->tuple[i]->max_priority;
		atomic_store_explicit(&t->best_left[i], best, memory_order_relaxed);
	}
}

static struct cls *tuple_build(const struct cls_shape *s)
{
	struct tuples *t = calloc(1, sizeof(*t));
	struct cls_mask *plan = calloc(TUPLE_MAX, sizeof(*plan));
	int n = -ENOMEM;

	if (t && plan) {
		t->cls.ops = &cls_tuple;
		t->cls.dp = s->dp;
		/* One place stays free for the mask whose coming is why this is built. */
		n = cls_plan(s, TUPLE_MAX - 1, TUPLE_PLANNED, plan);
		for (int i = 0; i < n; i++)
			if (tuple_append(t, &plan[i], 1))
				n = -ENOMEM;
	}
	free(plan);
	if (n < 0 || fill(t, s)) {
		if (t)
			tuple_free(&t->cls);
		return NULL;
	}
	order(t);
	return &t->cls;
}

static void tuple_lookup(const struct cls *c, const struct burst *b, uint64_t todo,
			 const struct cls_rule **hit)
{
	const struct tuples *t = (const struct tuples *)c;
	uint32_t n = atomic_load_explicit(&t->n, memory_order_acquire);

	for (uint64_t left = todo; left; left &= left - 1)
		hit[__builtin_ctzll(left)] = NULL;
	for (uint32_t i = 0; i < n && todo; i++) {
		uint16_t best = atomic_load_explicit(&t->best_left[i], memory_order_acquire);

		for (uint64_t left = todo; left; left &= left - 1) {
			unsigned int p = (unsigned int)__builtin_ctzll(left);

			if (hit[p] && hit[p]->priority >= best)
				todo &= ~(UINT64_C(1) << p);
		}
		cls_hash_lookup(&t->tuple[i]->hash, &t->tuple[i]->mask, b, todo, hit);
	}
}

static uint32_t tuple_probes(const struct cls *c)
{
	return n_of((const struct tuples *)c);
}

static size_t tuple_memory(const struct cls *c)
{
	const struct tuples *t = (const struct tuples *)c;
	size_t n = sizeof(*t);

	for (uint32_t i = 0; i < n_of(t); i++)
		n += sizeof(struct tuple) + cls_hash_memory(&t->tuple[i]->hash);
	return n;
}

const struct cls_ops cls_tuple = {
	.name = "tuple",
	.fits = tuple_fits,
	.build = tuple_build,
	.insert = tuple_insert,
	.remove = tuple_remove,
	.lookup = tuple_lookup,
	.probes = tuple_probes,
	.memory = tuple_memory,
	.free = tuple_free,
};
