/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow cache's entries, as cache.c and express.c use them (one PMD).
 *
 * Entries are of one size whatever the key, so that what was written under another version is seen
 * to be old by its stamp, and nothing has to be cleared.
 */
#ifndef WEFT_DATAPATH_CACHE_PRIV_H
#define WEFT_DATAPATH_CACHE_PRIV_H

#include <string.h>

#include "datapath/cache.h"
#include "datapath/cls_hash.h"
#include "datapath/express.h"

enum {
	CACHE_WORDS_MAX = 11, /* a pipeline that looks at more of a packet has no cache */
	CACHE_LINE_WORDS = FLOW_KEY_LINE / 8,
};

/* One way. */
struct cache_entry {
	uint64_t hash;
	uint32_t stamp; /* generation it belongs to; 0: none */
	uint8_t n_flows;
	bool is_express; /* 'express' says all that is to be done */
	uint8_t pad[2];
	uint64_t key[CACHE_WORDS_MAX];
	const struct flow *flow[CACHE_WAY_MAX];
	struct express express;
} __attribute__((aligned(64)));

struct cache {
	struct cache_entry *mem;
	uint64_t max;	  /* entries, a power of two */
	uint64_t version; /* of the tables that it knows */
	uint64_t words;
	unsigned int n_words;
	uint8_t word[FLOW_KEY_WORDS];
	uint32_t stamp;
	enum express_need need; /* how much of a frame the key's words are in */
	uint64_t mask;		/* entries in use now less two: pairs */
	uint32_t tried, hits, aside;
	uint64_t noted; /* packets of the burst whose ingress key is below */
	uint64_t hash[BURST_MAX];
	uint64_t key[BURST_MAX][CACHE_WORDS_MAX];
};

/* Copies the words of 'key' that count to 'to'; returns their hash. */
static inline uint64_t cache_take(const struct cache *c, const uint64_t *key, uint64_t *to)
{
	const uint64_t *k = cls_hash_keys;
	uint64_t h = k[FLOW_KEY_WORDS];

	for (unsigned int n = 0; n < c->n_words; n++) {
		uint64_t v = key[c->word[n]];

		to[n] = v;
		h += cls_hash_mix(v ^ k[n], k[n + 1]);
	}
	return cls_hash_mix(h, k[FLOW_KEY_WORDS + 1]);
}

static inline struct cache_entry *cache_pair(const struct cache *c, uint64_t hash)
{
	return &c->mem[hash & c->mask];
}

static inline bool cache_same(const struct cache *c, const struct cache_entry *e, uint64_t hash,
			      const uint64_t *key)
{
	uint64_t differ = (e->stamp ^ c->stamp) | (e->hash ^ hash);

	for (unsigned int n = 0; n < c->n_words; n++)
		differ |= e->key[n] ^ key[n];
	return !differ;
}

static inline struct cache_entry *cache_find(const struct cache *c, uint64_t hash,
					     const uint64_t *key)
{
	struct cache_entry *e = cache_pair(c, hash);

	if (cache_same(c, e, hash, key))
		return e;
	return cache_same(c, e + 1, hash, key) ? e + 1 : NULL;
}

/* Whether it is to be looked into for a burst of tables 'version'; makes itself ready. */
bool cache_ready(struct cache *c, struct dp *dp, uint64_t version) PMD;
/* After a burst of which 'n' packets were looked for, 'hits' found. */
void cache_judge(struct pmd *w, uint32_t n, uint32_t hits) PMD;

#endif
