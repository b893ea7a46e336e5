/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash of rules for many readers and one writer: what the exact and tuple templates, and a
 * table's index of its flows, are made of.
 *
 * Buckets are one cache line: for each of five rules 16 bits of its hash, its priority and its
 * address; the two numbers decide without touching the rule whether it is worth a look.  A full
 * bucket goes on in an extra one.  Rules are never moved within a part, so a reader that meets a
 * writer misses nothing that is visible to it.
 *
 * Growth is bounded in time: a hash is one part of buckets that doubles, and when that has
 * CLS_PART_BUCKETS, parts that are split in two, each when it is full itself, with a directory in
 * front of them (extendible hashing).  What is split is some 3,000 rules; a reader probes one
 * bucket at all times.  Parts and directories that were replaced are retired.
 *
 * The hash is keyed by random numbers drawn at start, so that nobody can prepare packets or rules
 * that collide.  (A seeded CRC would not do: it is linear, and its collisions do not depend on the
 * seed.)
 */
#ifndef WEFT_DATAPATH_CLS_HASH_H
#define WEFT_DATAPATH_CLS_HASH_H

#include "datapath/cls.h"

enum {
	CLS_BUCKET_RULES = 5,
	CLS_PART_BUCKETS = 1024,
	/* Rules a bucket on average, before there are more buckets: what packets look up in; what
	 * only the control thread does. */
	CLS_LOAD_FAST = 3,
	CLS_LOAD_DENSE = 4,
};

struct cls_bucket {
	_Atomic uint16_t sig[CLS_BUCKET_RULES];
	_Atomic uint16_t priority[CLS_BUCKET_RULES];
	_Atomic uint32_t next; /* the extra bucket stands so many behind this; 0: none */
	struct cls_rule *_Atomic rule[CLS_BUCKET_RULES]; /* NULL: free */
} __attribute__((aligned(64)));

/* All whose hashes have the same first 'depth' bits of those that choose the part. */
struct cls_hash_part {
	uint32_t n;	/* rules in it */
	uint32_t room;	/* ... at which it grows */
	uint32_t n_all; /* buckets and extra ones */
	uint32_t used;	/* extra ones are handed out in order */
	uint32_t depth;
	struct cls_bucket bucket[];
};

struct cls_hash_tab {
	uint32_t mask;	/* buckets of a part, less one */
	uint32_t parts; /* places in the directory, less one; a power of two of them */
	struct cls_bucket *_Atomic part[];
};

struct cls_hash {
	struct cls_hash_tab *_Atomic tab;
	/* Control thread. */
	uint32_t n; /* rules */
	uint32_t load;
};

/* Hash of a rule, for growth: the same that it was added under. */
typedef uint64_t cls_hash_of(const void *arg, const struct cls_rule *r);

/* Room for 'n' rules.  0 or -ENOMEM. */
int cls_hash_init(struct cls_hash *h, uint32_t n);
/* The same for a hash that no packet is looked up in: smaller. */
int cls_hash_init_dense(struct cls_hash *h, uint32_t n);
void cls_hash_fini(struct cls_hash *h);
/* Links 'r'; may grow, retiring through 'c' (NULL: no readers).  0 or -ENOMEM. */
int cls_hash_add(struct cls_hash *h, uint64_t hash, struct cls_rule *r, struct cls *c,
		 cls_hash_of *hash_of, const void *arg);
/* What cls_hash_add() and _find() will look at comes into the cache. */
void cls_hash_expect(const struct cls_hash *h, uint64_t hash);
/* Unlinks; whether it was there. */
bool cls_hash_del(struct cls_hash *h, uint64_t hash, const struct cls_rule *r);
/* The first rule under 'hash' that same() knows, or NULL.  Control thread. */
struct cls_rule *cls_hash_find(const struct cls_hash *h, uint64_t hash,
			       bool (*same)(const void *arg, const struct cls_rule *r),
			       const void *arg);
size_t cls_hash_memory(const struct cls_hash *h);
/* Calls 'visit' for each rule, in no order; it may delete the rule it is called for.  Control
 * thread. */
int cls_hash_each(const struct cls_hash *h, int (*visit)(void *arg, struct cls_rule *r), void *arg);

/*
 * For each packet of 'todo': hit[i] becomes the rule of highest priority that hits, if that
 * priority is higher than hit[i]'s (NULL: than nothing).  Rules were added under cls_hash_rule(m,
 * rule).
 */
void cls_hash_lookup(const struct cls_hash *h, const struct cls_mask *m, const struct burst *b,
		     uint64_t todo, const struct cls_rule **hit);

/*
 * Calls 'fn' for each rule that hits packet i of 'todo', whose priority is higher than over[i -
 * first]'s (NULL: than nothing), in no order.
 */
typedef void cls_every(void *arg, unsigned int i, const struct cls_rule *r);
void cls_hash_every(const struct cls_hash *h, const struct cls_mask *m, const struct burst *b,
		    uint64_t todo, const struct cls_rule *const *over, unsigned int first,
		    cls_every *fn, void *arg);

/* Random numbers for the hash; drawn once a process. */
extern uint64_t cls_hash_keys[FLOW_KEY_WORDS + 2];

static inline uint64_t cls_hash_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/*
 * Hash of the key's words under 'm', which has 'n' words: products of keyed pairs, independent of
 * each other, so that they overlap in the processor.
 */
static inline __attribute__((always_inline)) uint64_t
cls_hash_key_n(const struct cls_mask *m, const uint64_t *key, unsigned int n)
{
	const uint64_t *k = cls_hash_keys;
	uint64_t h = k[FLOW_KEY_WORDS];
	unsigned int i;

	for (i = 0; i + 1 < n; i += 2)
		h += cls_hash_mix((key[m->word[i]] & m->bits[i]) ^ k[i],
				  (key[m->word[i + 1]] & m->bits[i + 1]) ^ k[i + 1]);
	if (i < n)
		h += cls_hash_mix((key[m->word[i]] & m->bits[i]) ^ k[i], k[i + 1]);
	return cls_hash_mix(h, k[FLOW_KEY_WORDS + 1]);
}

static inline uint64_t cls_hash_key(const struct cls_mask *m, const uint64_t *key)
{
	return cls_hash_key_n(m, key, m->n_words);
}

/* Hash of a rule's value under 'm', whose bits are all in the rule's mask. */
uint64_t cls_hash_rule(const struct cls_mask *m, const struct cls_rule *r);

#endif
