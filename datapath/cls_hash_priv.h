/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hash of rules (cls_hash.h) and its growth have in common.
 *
 * Control thread, but for what readers use: first_of(), sig_of().
 */
#ifndef WEFT_DATAPATH_CLS_HASH_PRIV_H
#define WEFT_DATAPATH_CLS_HASH_PRIV_H

#include <stddef.h>

#include "datapath/cls_hash.h"

/*
 * Bits of a hash: from 0 on the bucket in a part, from DIRECTORY_AT on the part; the signature is
 * those below and the directory's first SPLIT_BY_SIG, so that parts are split that often without
 * a look at the rules.  Nine bits of it then still tell rules of a bucket from each other.
 */
enum {
	SPLIT_BY_SIG = 7,
	DIRECTORY_AT = 44,
	SIG_AT = DIRECTORY_AT + SPLIT_BY_SIG - 16,
};

static inline uint16_t sig_of(uint64_t hash)
{
	return (uint16_t)(hash >> SIG_AT);
}

static inline struct cls_hash_part *part_of(const struct cls_bucket *b)
{
	return (struct cls_hash_part *)((char *)(uintptr_t)b -
					offsetof(struct cls_hash_part, bucket));
}

static inline struct cls_hash_tab *tab_of(const struct cls_hash *h)
{
	return atomic_load_explicit(&h->tab, memory_order_relaxed);
}

static inline struct cls_bucket *first_of(const struct cls_hash_tab *t, uint64_t hash)
{
	return atomic_load_explicit(&t->part[hash >> DIRECTORY_AT & t->parts],
				    memory_order_acquire);
}

static inline struct cls_bucket *next_of(struct cls_bucket *b)
{
	uint32_t n = atomic_load_explicit(&b->next, memory_order_acquire);

	return n ? b + n : NULL;
}

/* At three rules a bucket one in twelve is full, at four one in five (Poisson). */
static inline uint32_t extra_for(uint32_t n_buckets, uint32_t load)
{
	return n_buckets / (load > CLS_LOAD_FAST ? 4 : 8) + 2;
}

struct cls_hash_part *cls_hash_part_new(uint32_t n_buckets, uint32_t n_extra, uint32_t load,
					uint32_t depth);
/* A directory of so many places, which are empty. */
struct cls_hash_tab *cls_hash_tab_new(uint32_t n_buckets, uint32_t n_parts);
/* Into the chain that begins with bucket 'at'.  False: no place, and no extra bucket left. */
bool cls_hash_part_add(struct cls_hash_part *p, uint32_t at, uint16_t sig, struct cls_rule *r,
		       uint16_t priority);

/* ---- cls_hash_grow.c ---- */

struct cls_hash_growth {
	struct cls_hash *h;
	struct cls *c;
	cls_hash_of *hash_of;
	const void *arg;
};

/* Room for one rule more, which would go into 'p'.  0 or -ENOMEM. */
int cls_hash_grow(const struct cls_hash_growth *g, uint64_t hash, struct cls_hash_part *p);

#endif
