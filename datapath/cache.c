/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cache.h"

#include <stdlib.h>
#include <string.h>

#include <rte_prefetch.h>

#include "datapath/act.h"
#include "datapath/cls_hash.h"
#include "datapath/dp.h"
#include "datapath/pipeline.h"
#include "datapath/pmd.h"

enum {
	ENTRY_BYTES = 192, /* of memory for each entry that was asked for */
	TRIAL = 4096,	   /* packets after which the hits are looked at */
	ASIDE = 65536,	   /* packets that pass by when hits were fewer than one in eight */
};

/* One way: header, key words, flows. */
struct entry {
	uint64_t hash;
	uint32_t stamp; /* generation it belongs to */
	uint32_t n_flows;
	uint64_t v[]; /* n_words of key, then addresses of flows */
};

struct cache {
	uint8_t *mem;
	size_t bytes;
	uint64_t version; /* of the tables that it knows */
	uint64_t words;
	unsigned int n_words;
	uint8_t word[FLOW_KEY_WORDS];
	uint32_t stamp;
	uint32_t slot; /* bytes of an entry */
	uint64_t mask; /* entries less two: pairs */
	uint32_t tried, hits, aside;
	uint64_t noted; /* packets of the burst whose ingress key is below */
	uint64_t hash[BURST_MAX];
	uint64_t key[BURST_MAX][FLOW_KEY_WORDS];
};

struct cache *cache_new(uint32_t entries)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->bytes = (size_t)entries * ENTRY_BYTES;
	if (c->bytes < 2 * sizeof(struct entry) + 2 * 8 * (FLOW_KEY_WORDS + CACHE_WAY_MAX))
		c->bytes = 4096;
	c->mem = aligned_alloc(64, (c->bytes + 63) & ~(size_t)63);
	if (!c->mem) {
		free(c);
		return NULL;
	}
	memset(c->mem, 0, c->bytes);
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	free(c->mem);
	free(c);
}

/* What the tables of this version look at, and how many entries of that key fit. */
static void renew(struct cache *c, struct dp *dp, uint64_t version)
{
	uint64_t words = atomic_load_explicit(&dp->action_words, memory_order_acquire);

	for (unsigned int t = 0; t < N_TABLES; t++) {
		const struct cls *cls = atomic_load_explicit(&dp->tables[t], memory_order_acquire);

		if (cls)
			words |= atomic_load_explicit(&cls->words, memory_order_acquire);
	}
	c->version = version;
	if (words != c->words || !c->slot) {
		c->words = words;
		c->n_words = 0;
		for (; words; words &= words - 1)
			c->word[c->n_words++] = (uint8_t)__builtin_ctzll(words);
		c->slot = (uint32_t)(sizeof(struct entry) + 8 * (c->n_words + CACHE_WAY_MAX));
		c->slot = (c->slot + 63) & ~63u;
		c->mask = 2;
		while (c->mask * 2 * c->slot <= c->bytes)
			c->mask *= 2;
		c->mask -= 2;
		/* Old stamps would be read where now keys stand. */
		memset(c->mem, 0, c->bytes);
		c->stamp = 0;
	}
	if (!++c->stamp) {
		memset(c->mem, 0, c->bytes);
		c->stamp = 1;
	}
}

static struct entry *entry_at(const struct cache *c, uint64_t n)
{
	return (struct entry *)(c->mem + n * c->slot);
}

/* Copies the words of 'key' that count to 'to'; returns their hash. */
static inline uint64_t take_words(const struct cache *c, const uint64_t *key, uint64_t *to)
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

/* Takes down the ingress key of packet i. */
static void note(struct cache *c, const struct burst *b, unsigned int i)
{
	c->hash[i] = take_words(c, cls_key(b, i), c->key[i]);
	rte_prefetch0(entry_at(c, c->hash[i] & c->mask));
	rte_prefetch0(entry_at(c, (c->hash[i] & c->mask) + 1));
}

static inline bool same_key(const struct cache *c, const struct entry *e, uint64_t hash,
			    const uint64_t *key)
{
	return e->stamp == c->stamp && e->hash == hash &&
	       !memcmp(e->v, key, c->n_words * sizeof(e->v[0]));
}

static inline struct entry *find_key(const struct cache *c, uint64_t hash, const uint64_t *key)
{
	struct entry *e = entry_at(c, hash & c->mask);

	if (same_key(c, e, hash, key))
		return e;
	e = entry_at(c, (hash & c->mask) + 1);
	return same_key(c, e, hash, key) ? e : NULL;
}

static struct entry *find(const struct cache *c, unsigned int i)
{
	return find_key(c, c->hash[i], c->key[i]);
}

static void replay(struct pmd *w, struct burst *b, struct pkt *p, struct cache *c,
		   const struct entry *e, uint64_t now) PMD
{
	for (uint32_t n = 0; n < e->n_flows; n++) {
		const struct flow *f = (const struct flow *)(uintptr_t)e->v[c->n_words + n];
		int next;

		counter_add(&w->perf.table_lookups[f->table_id], 1);
		next = pipeline_hit(w, b, p, f, now);
		if (p->dropped)
			return;
		if (p->remarked && next >= 0) {
			const uint64_t noted = c->noted;

			pipeline_run(w, b, UINT64_C(1) << p->idx, (uint8_t)next, now);
			c->noted = noted;
			return;
		}
	}
	act_finish(w, b, p, now);
}

/* Every TRIAL packets: whether the cache is worth its while. */
static void judge(struct cache *c, uint32_t n, uint32_t hits)
{
	c->tried += n;
	c->hits += hits;
	if (c->tried < TRIAL)
		return;
	if (c->hits < c->tried / 8)
		c->aside = ASIDE;
	c->tried = c->hits = 0;
}

uint64_t cache_run(struct pmd *w, struct burst *b, uint64_t todo, uint64_t now)
{
	struct cache *c = w->cache;
	uint32_t n = (uint32_t)__builtin_popcountll(todo), hits = 0;

	c->noted = 0;
	if (c->aside) {
		c->aside = c->aside > n ? c->aside - n : 0;
		return todo;
	}
	if (b->version != c->version || !c->slot)
		renew(c, w->dp, b->version);
	for (uint64_t left = todo; left; left &= left - 1)
		note(c, b, (unsigned int)__builtin_ctzll(left));
	c->noted = todo;
	for (uint64_t left = todo; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);
		const struct entry *e = find(c, i);

		if (!e)
			continue;
		hits++;
		c->noted &= ~(UINT64_C(1) << i);
		replay(w, b, &b->pkt[i], c, e, now);
	}
	counter_add(&w->perf.cache_hits, hits);
	counter_add(&w->perf.cache_misses, n - hits);
	judge(c, n, hits);
	return c->noted;
}

static bool worth_keeping(const struct cache_way *way)
{
	if (!way->n || way->n > CACHE_WAY_MAX)
		return false;
	/* What a pop brings up is not in the ingress key; after the last table nobody looks. */
	for (uint32_t n = 0; n + 1 < way->n; n++)
		if (way->flow[n]->insts->pops)
			return false;
	return true;
}

void cache_learn(struct pmd *w, const struct burst *b, const struct pkt *p,
		 const struct cache_way *way)
{
	struct cache *c = w->cache;
	unsigned int i = p->idx;
	struct entry *e;

	if (!(c->noted >> i & 1) || p->remarked || !worth_keeping(way))
		return;
	e = find(c, i);
	if (!e) {
		struct entry *other = entry_at(c, (c->hash[i] & c->mask) + 1);

		/* An empty place of the pair, or the one that the hash says. */
		e = entry_at(c, c->hash[i] & c->mask);
		if (e->stamp == c->stamp && (other->stamp != c->stamp || c->hash[i] >> 63))
			e = other;
	}
	e->hash = c->hash[i];
	e->stamp = c->stamp;
	e->n_flows = way->n;
	memcpy(e->v, c->key[i], c->n_words * sizeof(e->v[0]));
	for (uint32_t n = 0; n < way->n; n++)
		e->v[c->n_words + n] = (uintptr_t)way->flow[n];
}

void cache_end(struct pmd *w)
{
	if (w->cache)
		w->cache->noted = 0;
}

enum cache_answer cache_peek(const struct pmd *w, const struct flow_key *key, uint32_t *n_flows)
{
	const struct cache *c = w->cache;
	uint64_t words[FLOW_KEY_WORDS], hash;
	const struct entry *e;

	if (!c)
		return CACHE_OFF;
	if (c->aside)
		return CACHE_ASIDE;
	if (!c->slot || c->version != atomic_load_explicit(&w->dp->version, memory_order_acquire))
		return CACHE_STALE;
	hash = take_words(c, (const uint64_t *)key, words);
	e = find_key(c, hash, words);
	if (!e)
		return CACHE_MISS;
	*n_flows = e->n_flows;
	return CACHE_HIT;
}
