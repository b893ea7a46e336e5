/* SPDX-License-Identifier: Apache-2.0 */
/* How the hash of rules grows: by doubling its only part, then by splitting parts (cls_hash.h). */
#include <errno.h>
#include <stdlib.h>

#include <rte_prefetch.h>

#include "datapath/cls_hash_priv.h"

static void drop(const struct cls_hash_growth *g, void *old)
{
	if (g->c)
		cls_retire(g->c, old, free);
	else
		free(old);
}

static void prefetch_bucket(const struct cls_bucket *b)
{
	for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
		const char *r =
			(const char *)atomic_load_explicit(&b->rule[i], memory_order_relaxed);

		if (!r)
			continue;
		rte_prefetch0(r);
		rte_prefetch0(r + 64);
	}
}

/* Rules go into to[0], or, by bit 'bit' of their hashes, to[1]. */
static bool part_copy(const struct cls_hash_growth *g, const struct cls_hash_part *from,
		      struct cls_hash_part *const *to, uint32_t mask, unsigned int bit)
{
	enum { AHEAD = 4 };

	for (uint32_t n = 0; n < from->used; n++) {
		if (n + AHEAD < from->used)
			prefetch_bucket(&from->bucket[n + AHEAD]);
		for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
			struct cls_rule *r = atomic_load_explicit(&from->bucket[n].rule[i],
								  memory_order_relaxed);
			uint64_t hash;

			if (!r)
				continue;
			hash = g->hash_of(g->arg, r);
			if (!cls_hash_part_add(to[to[1] ? hash >> bit & 1 : 0],
					       (uint32_t)hash & mask, sig_of(hash), r, r->priority))
				return false;
		}
	}
	return true;
}

/* The same where parts keep their number of buckets, and 'bit' is one of the signature's. */
static bool part_copy_by_sig(const struct cls_hash_part *from, struct cls_hash_part *const *to,
			     uint32_t n_buckets, unsigned int bit)
{
	for (uint32_t at = 0; at < n_buckets; at++) {
		const struct cls_bucket *b = &from->bucket[at];

		for (uint32_t next = 1; next; b += next) {
			next = atomic_load_explicit(&b->next, memory_order_relaxed);
			for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
				struct cls_rule *r =
					atomic_load_explicit(&b->rule[i], memory_order_relaxed);
				const uint16_t sig =
					atomic_load_explicit(&b->sig[i], memory_order_relaxed);

				if (r &&
				    !cls_hash_part_add(to[to[1] ? sig >> bit & 1 : 0], at, sig, r,
						       atomic_load_explicit(&b->priority[i],
									    memory_order_relaxed)))
					return false;
			}
		}
	}
	return true;
}

static bool copy(const struct cls_hash_growth *g, const struct cls_hash_part *from,
		 struct cls_hash_part *const *to, uint32_t n_buckets)
{
	const bool same = n_buckets == tab_of(g->h)->mask + 1;

	if (same && (!to[1] || from->depth < SPLIT_BY_SIG))
		return part_copy_by_sig(from, to, n_buckets, DIRECTORY_AT - SIG_AT + from->depth);
	return part_copy(g, from, to, n_buckets - 1, DIRECTORY_AT + from->depth);
}

/*
 * What is in 'from', in one part of 'b' buckets or in two.  Rules of one hash share a chain however
 * many buckets there are, so the extra ones are doubled as often as it takes.
 */
static int part_again(const struct cls_hash_growth *g, const struct cls_hash_part *from, uint32_t b,
		      uint32_t extra, unsigned int n, struct cls_hash_part **to)
{
	const uint32_t depth = from->depth + n - 1;

	for (;; extra *= 2) {
		to[0] = cls_hash_part_new(b, extra, g->h->load, depth);
		to[1] = to[0] && n > 1 ? cls_hash_part_new(b, extra, g->h->load, depth) : NULL;
		if (to[0] && (n == 1 || to[1]) && copy(g, from, to, b))
			return 0;
		free(to[0]);
		free(to[1]);
		if (!to[0] || (n > 1 && !to[1]))
			return -ENOMEM;
	}
}

/* The only part, with other buckets. */
static int replace(const struct cls_hash_growth *g, struct cls_hash_part *from, uint32_t b,
		   uint32_t extra)
{
	struct cls_hash_tab *old = tab_of(g->h), *t = cls_hash_tab_new(b, 1);
	struct cls_hash_part *to[2];

	if (!t || part_again(g, from, b, extra, 1, to)) {
		free(t);
		return -ENOMEM;
	}
	atomic_init(&t->part[0], to[0]->bucket);
	atomic_store_explicit(&g->h->tab, t, memory_order_release);
	drop(g, old);
	drop(g, from);
	return 0;
}

/* Puts what 'from' has become in its places. */
static void enter(struct cls_hash_tab *t, uint64_t hash, const struct cls_hash_part *from,
		  struct cls_hash_part *const *to)
{
	const uint32_t step = 1u << from->depth;

	for (uint32_t i = hash >> DIRECTORY_AT & (step - 1); i <= t->parts; i += step)
		atomic_store_explicit(&t->part[i], to[to[1] ? i >> from->depth & 1 : 0]->bucket,
				      memory_order_release);
}

static int split(const struct cls_hash_growth *g, uint64_t hash, struct cls_hash_part *from)
{
	struct cls_hash_tab *old = tab_of(g->h), *t = old;
	struct cls_hash_part *to[2];

	if (1u << from->depth > old->parts) {
		t = cls_hash_tab_new(old->mask + 1, 2 * (old->parts + 1));
		if (!t)
			return -ENOMEM;
		for (uint32_t i = 0; i <= t->parts; i++)
			atomic_init(&t->part[i], atomic_load_explicit(&old->part[i & old->parts],
								      memory_order_relaxed));
	}
	if (part_again(g, from, t->mask + 1, extra_for(t->mask + 1, g->h->load), 2, to)) {
		if (t != old)
			free(t);
		return -ENOMEM;
	}
	enter(t, hash, from, to);
	if (t != old) {
		atomic_store_explicit(&g->h->tab, t, memory_order_release);
		drop(g, old);
	}
	drop(g, from);
	return 0;
}

/* Many rules of few hashes: splitting would not part them. */
static int relieve(const struct cls_hash_growth *g, uint64_t hash, struct cls_hash_part *from)
{
	struct cls_hash_tab *t = tab_of(g->h);
	const uint32_t b = t->mask + 1;
	struct cls_hash_part *to[2];

	if (part_again(g, from, b, 2 * (from->n_all - b), 1, to))
		return -ENOMEM;
	to[0]->room = from->n >= from->room ? 2 * from->room : from->room;
	enter(t, hash, from, to);
	drop(g, from);
	return 0;
}

int cls_hash_grow(const struct cls_hash_growth *g, uint64_t hash, struct cls_hash_part *p)
{
	const struct cls_hash *h = g->h;
	const uint32_t b = tab_of(h)->mask + 1;

	if (p->n >= p->room && b < CLS_PART_BUCKETS)
		return replace(g, p, 2 * b, extra_for(2 * b, h->load));
	/* No more than twice as many parts as hashes that differ would take. */
	if (p->n >= p->room && (uint64_t)b * h->load << p->depth <= 2 * (uint64_t)h->n)
		return split(g, hash, p);
	return relieve(g, hash, p);
}
