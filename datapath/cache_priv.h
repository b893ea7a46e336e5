/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow cache's entries, as cache.c and express.c use them (one PMD).
 *
 * Entries are of one size whatever the key and the way (cache_rest.h), so that what was written
 * under another version is seen to be old by its stamp, and nothing has to be cleared.
 */
#ifndef WEFT_DATAPATH_CACHE_PRIV_H
#define WEFT_DATAPATH_CACHE_PRIV_H

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "base/load.h"
#include "datapath/cache.h"
#include "datapath/cache_adapt.h"
#include "datapath/cache_rest.h"
#include "datapath/cache_stale.h"
#include "datapath/change.h"
#include "datapath/cls_hash.h"
#include "datapath/express.h"
#include "datapath/odd.h"

enum {
	CACHE_WORDS_MAX = 14, /* a pipeline that looks at more of a packet has no cache */
	CACHE_LINE_KEY = 6,   /* words of the key in an entry's first line */
};

/* Whether 'express' says all that is to be done. */
enum cache_is {
	CACHE_PLAIN, /* no */
	CACHE_EXPRESS,
	CACHE_TO_CT, /* up to ct() */
};

/*
 * One way.  The first line tells whether it is the one, in most pipelines; the second is all that
 * the express way needs then.
 */
struct cache_entry {
	/* Two that are compared as one word (cache_now()). */
	uint32_t seen;	/* changes that it is known not to be concerned by */
	uint32_t stamp; /* generation it belongs to, and where it begins (cache_stamp()); 0: none */
	uint32_t hash;	/* half of it: the key decides */
	uint8_t n_flows; /* of many it has a struct cache_rest, until it has fewer */
	uint8_t way;	 /* enum cache_is */
	/* CACHE_EXPRESS of few flows, and nothing is written to frames, nor a tunnel told. */
	bool bare;
	bool spilled; /* first of a pair: a way that belongs here is in its other pair */
	uint64_t key[CACHE_LINE_KEY];
	struct express express __attribute__((aligned(64)));
	uint64_t more[CACHE_WORDS_MAX - CACHE_LINE_KEY]
		__attribute__((aligned(64)));				   /* of the key */
	const struct flow *flow[CACHE_FLOWS] __attribute__((aligned(64))); /* the first ones */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct cache_entry) == 256, "four lines");
_Static_assert(offsetof(struct cache_entry, stamp) ==
		       offsetof(struct cache_entry, seen) + sizeof(uint32_t),
	       "one word");

_Static_assert((int)STALE_WORDS == (int)CACHE_LINE_KEY, "changes are asked in the first line");

/*
 * How a port's frames are best served, as was found out by trying: what is in vain for one port's
 * frames is no reason to do without it for another's, whose frames come by the same thread.  Ports
 * whose numbers agree below share one.
 */
enum { CACHE_HABITS = 32 };

struct cache_habit {
	struct cache_adapt adapt;
	uint32_t tried, hits;
	/* Frames that walked (express.c), and how many came to an end; bursts that do not. */
	uint32_t walk_tried, walk_done, walk_pause;
	/* ... and frames that were looked up in routes. */
	uint32_t route_tried, route_done, route_pause;
	uint32_t run_pause; /* ... bursts whose frames are not taken by runs */
	uint64_t received;  /* packets */
};

struct cache {
	struct cache_entry *mem;
	uint64_t max;	  /* entries, a power of two */
	uint64_t version; /* of the tables that it knows */
	uint64_t words;
	/* Those that packets differ in when they come in are the first 'n_in' of 'n_words'. */
	unsigned int n_words, n_in;
	uint8_t word[FLOW_KEY_WORDS];
	uint64_t bits[CACHE_WORDS_MAX]; /* of them that anything looks at, but odd rules */
	/* Odd rules (odd.h) look at more than that: who may match one is not looked for. */
	bool leaves_odd, asks_all; /* ... not now: too many packets may */
	unsigned int n_odd;	   /* masks of their addresses */
	uint64_t odd_kind[ODD_KINDS];
	const struct odd_rules *odd;
	uint64_t odd_tried, odd_maybe; /* packets, and those that may */
	/* Where what ct() writes is in the key; CACHE_WORDS_MAX: nobody looks at it. */
	uint8_t at_metadata, at_state, at_mark;
	bool tracks;	/* that is all that anybody looks at of it, and IPv4 is */
	uint32_t stamp; /* of ways from the first table on */
	bool sure;	/* the last burst was looked up by the run: nothing could be cheaper */
	enum express_need need;	   /* how much of a frame the key's words are in */
	uint64_t mask;		   /* entries in use now less two: pairs */
	uint64_t changes_at;	   /* in the tables' list of changes: where to read on */
	struct cache_habit *habit; /* of the burst's port */
	uint32_t templates;	   /* dp->templates, as known */
	uint64_t noted;		   /* packets of the burst whose ingress key is below */
	uint32_t from[BURST_MAX];  /* their stamps */
	uint64_t hash[BURST_MAX];
	uint64_t key[BURST_MAX][CACHE_WORDS_MAX];
	struct cache_rests rests;
	struct stale stale; /* changes of the tables, as entries' keys have their words */
	struct cache_habit habits[CACHE_HABITS];
};

static inline struct cache_habit *cache_habit(struct cache *c, uint32_t in_port)
{
	return &c->habits[in_port % CACHE_HABITS];
}

/* Whether a packet with these addresses (word ODD_NW of its key) may match an odd rule. */
static inline bool cache_may_be_odd(const struct cache *c, uint64_t addresses)
{
	return odd_maybe(c->odd, c->odd_kind, c->n_odd, addresses);
}

/* A stamp is a generation above and, below, 0 of a way from the first table on, or a table's number
 * + 1 of one that begins there, behind ct(). */
enum { CACHE_STAMP_ONE = 256, CACHE_STAMP_WHERE = CACHE_STAMP_ONE - 1 };

static inline uint32_t cache_stamp(const struct cache *c, uint8_t table)
{
	return c->stamp + table + 1;
}

static inline bool cache_is_of_now(const struct cache *c, const struct cache_entry *e)
{
	return (e->stamp & ~(uint32_t)CACHE_STAMP_WHERE) == c->stamp;
}

/* Hash of the first 'n' words that count: products of pairs, as in cls_hash_key_n(). */
static __rte_always_inline uint64_t cache_hash(const uint64_t *key, unsigned int n)
{
	const uint64_t *k = cls_hash_keys;
	uint64_t h = k[FLOW_KEY_WORDS];
	unsigned int i;

#pragma GCC unroll 8
	for (i = 0; i + 1 < n; i += 2)
		h += cls_hash_mix(key[i] ^ k[i], key[i + 1] ^ k[i + 1]);
	if (i < n)
		h += cls_hash_mix(key[i] ^ k[i], k[i + 1]);
	return cls_hash_mix(h, k[FLOW_KEY_WORDS + 1]);
}

/*
 * Copies what counts of the first 'n' words of 'key' to 'to'; returns its hash.  'n' is c->n_in at
 * ingress, c->n_words behind ct(), and a constant where many are taken.
 */
static __rte_always_inline uint64_t cache_take(const struct cache *c, const uint64_t *key,
					       uint64_t *to, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		to[i] = key[c->word[i]] & c->bits[i];
	return cache_hash(to, n);
}

static inline struct cache_entry *cache_pair(const struct cache *c, uint64_t hash)
{
	return &c->mem[hash & c->mask];
}

static __rte_always_inline bool cache_same(const struct cache_entry *e, uint32_t stamp,
					   uint64_t hash, const uint64_t *key, unsigned int n)
{
	const unsigned int here = n < CACHE_LINE_KEY ? n : CACHE_LINE_KEY;
	uint64_t differ = (e->stamp ^ stamp) | (e->hash ^ (uint32_t)hash);

	for (unsigned int i = 0; i < here; i++)
		differ |= e->key[i] ^ key[i];
	if (differ) /* the other line is not asked for in vain */
		return false;
	for (unsigned int i = CACHE_LINE_KEY; i < n; i++)
		differ |= e->more[i - CACHE_LINE_KEY] ^ key[i];
	return !differ;
}

/* Where cache_find() will look. */
static __rte_always_inline void cache_prefetch(const struct cache *c, uint64_t hash, unsigned int n)
{
	const struct cache_entry *e = cache_pair(c, hash);

	rte_prefetch0(e);
	rte_prefetch0(e + 1);
	if (unlikely(n > CACHE_LINE_KEY))
		rte_prefetch0(e->more);
}

/* Where a way is when its own pair was full. */
static inline struct cache_entry *cache_other_pair(const struct cache *c, uint64_t hash)
{
	return &c->mem[hash >> 32 & c->mask];
}

static __rte_always_inline struct cache_entry *cache_find_in(struct cache_entry *pair,
							     uint32_t stamp, uint64_t hash,
							     const uint64_t *key, unsigned int n)
{
	if (cache_same(pair, stamp, hash, key, n))
		return pair;
	return cache_same(pair + 1, stamp, hash, key, n) ? pair + 1 : NULL;
}

/* What an entry from the first table on says that has seen all changes: 'seen' and 'stamp'. */
static inline uint64_t cache_now(const struct cache *c)
{
	const uint32_t now[2] = { c->stale.n, c->stamp };

	return load64(now);
}

/* Whether 'e' is the way of 'key', no longer than its first line has room for, beyond any doubt. */
static __rte_always_inline bool cache_is(const struct cache_entry *e, uint64_t now,
					 const uint64_t *key, unsigned int n)
{
	uint64_t differ = load64(&e->seen) ^ now;

#pragma GCC unroll 8
	for (unsigned int i = 0; i < n; i++)
		differ |= e->key[i] ^ key[i];
	return !differ;
}

/* Whether no change that 'e' has not seen concerns it; else it is void. */
bool cache_still_true(const struct cache *c, struct cache_entry *e);

static __rte_always_inline struct cache_entry *cache_find(const struct cache *c, uint32_t stamp,
							  uint64_t hash, const uint64_t *key,
							  unsigned int n)
{
	struct cache_entry *pair = cache_pair(c, hash),
			   *e = cache_find_in(pair, stamp, hash, key, n);

	if (unlikely(!e && pair->spilled && cache_is_of_now(c, pair)))
		e = cache_find_in(cache_other_pair(c, hash), stamp, hash, key, n);
	if (e && unlikely(e->seen != c->stale.n) && !cache_still_true(c, e))
		return NULL;
	return e;
}

/* Whether 'e' is the way of a key that comes from ct(), without the hash. */
static inline bool cache_is_behind(const struct cache *c, struct cache_entry *e, uint32_t stamp,
				   const uint64_t *key)
{
	return cache_same(e, stamp, e->hash, key, c->n_words) &&
	       (likely(e->seen == c->stale.n) || cache_still_true(c, e));
}

/* What packet i of the burst, whose words and hash stand in 'c', did: a way that may be kept;
 * 'to_ct': up to ct() it may be told by its flows. */
void cache_keep(struct cache *c, unsigned int i, const struct flow *const *flow, uint32_t n,
		bool to_ct) PMD;
/* Whether it is to be looked into for a burst of tables 'version'; makes itself ready. */
bool cache_ready(struct cache *c, struct dp *dp, uint64_t version) PMD;
/* After a burst of which 'n' packets were looked for, 'hits' found. */
void cache_judge(struct pmd *w, uint32_t n, uint32_t hits) PMD;

#endif
