/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tuple template: a hash for each mask, or for several masks merged (cls_plan.c).  Always fits.
 *
 * A lookup probes at most TUPLE_MAX hashes, whatever packets come and however many masks the rules
 * have, and stops as soon as no tuple that is left could win by priority.  New masks get tuples of
 * their own while there are places, then join a tuple that hashes on a part of their bits.  When
 * that is not possible, or has been done too often, the whole is planned again with half the places
 * free, so that planning is paid for by as many new masks or by a share of the rules.
 *
 * Readers: places are filled before 'n' says so; best_left[i] (the highest priority in tuples i...)
 * only ever grows, which at worst means a probe more than necessary.
 */
#include "datapath/cls_tuple.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/cls_hash.h"
#include "datapath/cls_plan.h"
#include "datapath/mask.h"

enum {
	TUPLE_MAX = 32,
	TUPLE_PLANNED = 16, /* after merging */
	STRAYS = 64,	    /* rules that may join a tuple that was not planned for them, */
	STRAYS_PART = 4,    /* and so many of the rules more */
};

struct tuple {
	struct cls_mask mask; /* what it hashes on: within the mask of each of its rules */
	struct cls_hash hash;
	uint16_t max_priority; /* control thread */
};

/* Where the rules of a mask go, told by its hash. */
struct place {
	uint64_t hash;
	struct tuple *tuple;
};

struct tuples {
	struct cls cls;
	/* Control thread. */
	struct place *places; /* ascending */
	uint32_t n_places;
	uint32_t strays;
	/* Readers. */
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

static int by_hash(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static struct tuple *planned_for(const struct tuples *t, const struct cls_mask *m)
{
	struct place want = { .hash = m->hash }, *p;

	if (!t->n_places)
		return NULL;
	p = bsearch(&want, t->places, t->n_places, sizeof(want), by_hash);
	return p ? p->tuple : NULL;
}

/* The tuple that hashes on most of the mask's bits, and on no other; NULL: none. */
static struct tuple *finest_for(const struct tuples *t, const struct cls_mask *m)
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

/* The tuple for one more rule.  -EAGAIN: time to plan. */
static int tuple_for(struct tuples *t, const struct cls_mask *m, struct tuple **out)
{
	int err;

	*out = planned_for(t, m);
	for (uint32_t i = 0; !*out && i < n_of(t); i++)
		if (same(&t->tuple[i]->mask, m))
			*out = t->tuple[i];
	if (*out)
		return 0;
	if (n_of(t) < TUPLE_MAX) {
		err = tuple_append(t, m, 1);
		if (!err)
			*out = t->tuple[n_of(t) - 1];
		return err;
	}
	*out = finest_for(t, m);
	/* One that hashes on nothing is a list. */
	if (!*out || !(*out)->mask.n_words)
		return -EAGAIN;
	return ++t->strays > STRAYS + t->cls.n_rules / STRAYS_PART ? -EAGAIN : 0;
}

/* Tells readers that rules of this priority are to be found in 'p'. */
static void announce(struct tuples *t, const struct tuple *p, uint16_t priority)
{
	for (uint32_t i = 0; i < n_of(t); i++) {
		if (priority > atomic_load_explicit(&t->best_left[i], memory_order_relaxed))
			atomic_store_explicit(&t->best_left[i], priority, memory_order_release);
		if (t->tuple[i] == p)
			return;
	}
}

static int tuple_insert(struct cls *c, struct cls_rule *r)
{
	struct tuples *t = (struct tuples *)c;
	struct tuple *p;
	int err = tuple_for(t, r->mask, &p);

	if (err)
		return err;
	announce(t, p, r->priority);
	err = cls_hash_add(&p->hash, cls_hash_rule(&p->mask, r), r, c, hash_of, &p->mask);
	if (!err)
		cls_note(c, r);
	return err;
}

static int tuple_remove(struct cls *c, struct cls_rule *r)
{
	struct tuples *t = (struct tuples *)c;

	/* A stray may be in any that hashes on a part of its bits. */
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
	free(t->places);
	free(t);
}

/* A place for each mask of the shape; fill() says where it is. */
static int assign(struct tuples *t, const struct cls_shape *s)
{
	const struct cls_mask *last = NULL;
	uint32_t n = 0;

	t->places = malloc((s->n_rules + 1) * sizeof(*t->places));
	if (!t->places)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_rules; last = s->rules[i++]->mask)
		if (s->rules[i]->mask != last)
			t->places[n++].hash = s->rules[i]->mask->hash;
	qsort(t->places, n, sizeof(*t->places), by_hash);
	for (uint32_t i = 0; i < n; i++)
		if (!i || t->places[i].hash != t->places[i - 1].hash)
			t->places[t->n_places++] = (struct place){ .hash = t->places[i].hash };
	return 0;
}

static int fill(struct tuples *t, const struct cls_shape *s)
{
	for (uint32_t i = 0; i < s->n_rules; i++) {
		struct cls_rule *r = s->rules[i];
		struct place want = { .hash = r->mask->hash };
		struct place *at = bsearch(&want, t->places, t->n_places, sizeof(want), by_hash);
		struct tuple *p;
		int err;

		if (!at->tuple)
			at->tuple = finest_for(t, r->mask);
		p = at->tuple;
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
	if (n < 0 || assign(t, s) || fill(t, s)) {
		if (t)
			tuple_free(&t->cls);
		return NULL;
	}
	order(t);
	return &t->cls;
}

void cls_tuple_better(const struct cls *c, const struct burst *b, uint64_t todo,
		      const struct cls_rule **hit)
{
	const struct tuples *t = (const struct tuples *)c;
	uint32_t n = atomic_load_explicit(&t->n, memory_order_acquire);

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

static void tuple_lookup(const struct cls *c, const struct burst *b, uint64_t todo,
			 const struct cls_rule **hit)
{
	for (uint64_t left = todo; left; left &= left - 1)
		hit[__builtin_ctzll(left)] = NULL;
	cls_tuple_better(c, b, todo, hit);
}

void cls_tuple_every(const struct cls *c, const struct burst *b, uint64_t todo,
		     const struct cls_rule *const *over, unsigned int first, cls_every *fn,
		     void *arg)
{
	const struct tuples *t = (const struct tuples *)c;
	uint32_t n = atomic_load_explicit(&t->n, memory_order_acquire);

	for (uint32_t i = 0; i < n && todo; i++) {
		uint16_t best = atomic_load_explicit(&t->best_left[i], memory_order_acquire);

		for (uint64_t left = todo; left; left &= left - 1) {
			const unsigned int p = (unsigned int)__builtin_ctzll(left);
			const struct cls_rule *o = over[p - first];

			if (o && o->priority >= best)
				todo &= ~(UINT64_C(1) << p);
		}
		cls_hash_every(&t->tuple[i]->hash, &t->tuple[i]->mask, b, todo, over, first, fn,
			       arg);
	}
}

struct rule_list {
	struct cls_rule **v;
	uint32_t n;
};

static int add_to_list(void *list, struct cls_rule *r)
{
	struct rule_list *l = list;

	l->v[l->n++] = r;
	return 0;
}

uint32_t cls_tuple_rules(const struct cls *c, struct cls_rule **v)
{
	const struct tuples *t = (const struct tuples *)c;
	struct rule_list l = { .v = v };

	for (uint32_t i = 0; i < n_of(t); i++)
		cls_hash_each(&t->tuple[i]->hash, add_to_list, &l);
	return l.n;
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
	.why = "flows look at different bits, too few ways for trees, or change too fast: a hash "
	       "for each",
	.fits = tuple_fits,
	.build = tuple_build,
	.insert = tuple_insert,
	.remove = tuple_remove,
	.lookup = tuple_lookup,
	.probes = tuple_probes,
	.memory = tuple_memory,
	.free = tuple_free,
};
