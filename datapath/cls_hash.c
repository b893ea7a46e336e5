/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cls_hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_prefetch.h>

enum {
	LOAD = 3,  /* rules a bucket on average, before the array grows */
	EXTRA = 8, /* at that load one bucket in twelve is full (Poisson) */
};

uint64_t cls_hash_keys[FLOW_KEY_WORDS + 2];

/* Before main(): masks and rules of tests need no datapath. */
__attribute__((constructor)) static void draw_keys(void)
{
	uint8_t *p = (uint8_t *)cls_hash_keys;
	size_t n = sizeof(cls_hash_keys);

	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got <= 0)
			continue;
		p += got;
		n -= (size_t)got;
	}
}

/* As cls_hash_key(), where the mask's words stand one behind the other. */
static uint64_t cls_hash_values(const struct cls_mask *m, const uint64_t *value)
{
	const uint64_t *k = cls_hash_keys;
	uint64_t h = k[FLOW_KEY_WORDS];
	unsigned int i;

	for (i = 0; i + 1 < m->n_words; i += 2)
		h += cls_hash_mix((value[i] & m->bits[i]) ^ k[i],
				  (value[i + 1] & m->bits[i + 1]) ^ k[i + 1]);
	if (i < m->n_words)
		h += cls_hash_mix((value[i] & m->bits[i]) ^ k[i], k[i + 1]);
	return cls_hash_mix(h, k[FLOW_KEY_WORDS + 1]);
}

uint64_t cls_hash_rule(const struct cls_mask *m, const struct cls_rule *r)
{
	uint64_t key[FLOW_KEY_WORDS];

	if (r->mask->words == m->words)
		return cls_hash_values(m, r->value);
	for (unsigned int i = 0; i < r->mask->n_words; i++)
		key[r->mask->word[i]] = r->value[i];
	return cls_hash_key(m, key);
}

static uint16_t sig_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48);
}

/* ---- Writing ---- */

static struct cls_hash_tab *tab_new(uint32_t n_buckets, uint32_t n_extra)
{
	size_t size = sizeof(struct cls_hash_tab) +
		      ((size_t)n_buckets + n_extra) * sizeof(struct cls_bucket);
	struct cls_hash_tab *t = aligned_alloc(64, (size + 63) & ~(size_t)63);

	if (!t)
		return NULL;
	memset(t, 0, size);
	t->mask = n_buckets - 1;
	t->n_all = n_buckets + n_extra;
	t->used = n_buckets;
	return t;
}

static uint32_t buckets_for(uint32_t n)
{
	uint32_t b = 1;

	while (b * LOAD < n)
		b *= 2;
	return b;
}

int cls_hash_init(struct cls_hash *h, uint32_t n)
{
	uint32_t b = buckets_for(n);
	struct cls_hash_tab *t = tab_new(b, b / EXTRA + 2);

	if (!t)
		return -ENOMEM;
	atomic_init(&h->tab, t);
	h->n = 0;
	return 0;
}

void cls_hash_fini(struct cls_hash *h)
{
	free(atomic_load_explicit(&h->tab, memory_order_relaxed));
}

static struct cls_hash_tab *tab_of(const struct cls_hash *h)
{
	return atomic_load_explicit(&h->tab, memory_order_relaxed);
}

static struct cls_bucket *next_of(struct cls_hash_tab *t, const struct cls_bucket *b)
{
	uint32_t n = atomic_load_explicit(&b->next, memory_order_acquire);

	return n ? &t->bucket[n] : NULL;
}

/* Writes a free place; the rule's address last, which is what readers go by. */
static void place(struct cls_bucket *b, unsigned int i, uint64_t hash, struct cls_rule *r)
{
	atomic_store_explicit(&b->sig[i], sig_of(hash), memory_order_relaxed);
	atomic_store_explicit(&b->priority[i], r->priority, memory_order_relaxed);
	atomic_store_explicit(&b->rule[i], r, memory_order_release);
}

/* False: no place, and no extra bucket left. */
static bool tab_add(struct cls_hash_tab *t, uint64_t hash, struct cls_rule *r)
{
	struct cls_bucket *b = &t->bucket[hash & t->mask], *next;

	for (;;) {
		for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
			if (atomic_load_explicit(&b->rule[i], memory_order_relaxed))
				continue;
			place(b, i, hash, r);
			return true;
		}
		next = next_of(t, b);
		if (!next)
			break;
		b = next;
	}
	if (t->used == t->n_all)
		return false;
	place(&t->bucket[t->used], 0, hash, r);
	atomic_store_explicit(&b->next, t->used++, memory_order_release);
	return true;
}

static bool tab_copy(const struct cls_hash_tab *from, struct cls_hash_tab *to, cls_hash_of *hash_of,
		     const void *arg)
{
	for (uint32_t n = 0; n < from->used; n++) {
		for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
			struct cls_rule *r = atomic_load_explicit(&from->bucket[n].rule[i],
								  memory_order_relaxed);

			if (r && !tab_add(to, hash_of(arg, r), r))
				return false;
		}
	}
	return true;
}

/*
 * Another array with room for one more rule at least.  Rules of one hash share a chain however many
 * buckets there are, so the extra ones are doubled as often as it takes.
 */
static int grow(struct cls_hash *h, struct cls *c, cls_hash_of *hash_of, const void *arg)
{
	struct cls_hash_tab *old = tab_of(h);
	uint32_t b = buckets_for(h->n + h->n / 2 + 1);
	uint32_t extra = b / EXTRA + 2, had = old->n_all - old->mask - 1;

	if (b == old->mask + 1)
		extra = 2 * had;
	for (;; extra *= 2) {
		struct cls_hash_tab *t;

		t = tab_new(b, extra);
		if (!t)
			return -ENOMEM;
		if (tab_copy(old, t, hash_of, arg) && t->used < t->n_all) {
			atomic_store_explicit(&h->tab, t, memory_order_release);
			if (c)
				cls_retire(c, old, free);
			else
				free(old);
			return 0;
		}
		free(t);
	}
}

int cls_hash_add(struct cls_hash *h, uint64_t hash, struct cls_rule *r, struct cls *c,
		 cls_hash_of *hash_of, const void *arg)
{
	struct cls_hash_tab *t = tab_of(h);

	if (h->n >= (t->mask + 1) * LOAD || !tab_add(t, hash, r)) {
		int err = grow(h, c, hash_of, arg);

		if (err)
			return err;
		if (!tab_add(tab_of(h), hash, r))
			return -ENOMEM;
	}
	h->n++;
	return 0;
}

bool cls_hash_del(struct cls_hash *h, uint64_t hash, const struct cls_rule *r)
{
	struct cls_hash_tab *t = tab_of(h);

	for (struct cls_bucket *b = &t->bucket[hash & t->mask]; b; b = next_of(t, b)) {
		for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
			if (atomic_load_explicit(&b->rule[i], memory_order_relaxed) != r)
				continue;
			atomic_store_explicit(&b->rule[i], NULL, memory_order_release);
			h->n--;
			return true;
		}
	}
	return false;
}

struct cls_rule *cls_hash_find(const struct cls_hash *h, uint64_t hash,
			       bool (*same)(const void *arg, const struct cls_rule *r),
			       const void *arg)
{
	struct cls_hash_tab *t = tab_of(h);

	for (struct cls_bucket *b = &t->bucket[hash & t->mask]; b; b = next_of(t, b)) {
		for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
			struct cls_rule *r;

			if (atomic_load_explicit(&b->sig[i], memory_order_relaxed) != sig_of(hash))
				continue;
			r = atomic_load_explicit(&b->rule[i], memory_order_relaxed);
			if (r && same(arg, r))
				return r;
		}
	}
	return NULL;
}

size_t cls_hash_memory(const struct cls_hash *h)
{
	return sizeof(struct cls_hash_tab) + tab_of(h)->n_all * sizeof(struct cls_bucket);
}

int cls_hash_each(const struct cls_hash *h, int (*visit)(void *arg, struct cls_rule *r), void *arg)
{
	struct cls_hash_tab *t = tab_of(h);

	for (uint32_t n = 0; n < t->used; n++) {
		for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
			struct cls_rule *r =
				atomic_load_explicit(&t->bucket[n].rule[i], memory_order_relaxed);
			int stop = r ? visit(arg, r) : 0;

			if (stop)
				return stop;
		}
	}
	return 0;
}

/* ---- Reading ---- */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "sig[0] is lowest in a word");

/* Signatures 0 to 3 in one load: each of them is whole, and no more is needed of them. */
static inline uint64_t first_sigs(const struct cls_bucket *b)
{
#ifdef __SANITIZE_THREAD__
	uint64_t v = 0;

	for (unsigned int i = 0; i < 4; i++)
		v |= (uint64_t)atomic_load_explicit(&b->sig[i], memory_order_relaxed) << 16 * i;
	return v;
#else
	return __atomic_load_n((const uint64_t *)(const void *)b->sig, __ATOMIC_RELAXED);
#endif
}

struct probe {
	uint64_t hash;
	const struct cls_bucket *bucket;
};

/*
 * Bit i: place i of the bucket has the signature, or, once in 65,536 times, nearly: who looks at
 * the rule finds out.  All at once, for what is in a bucket is as random as the hash, and so would
 * be branches over its places.
 */
static inline unsigned int alike(const struct cls_bucket *b, uint16_t sig)
{
	const uint64_t ones = UINT64_C(0x0001000100010001), tops = ones << 15;
	uint64_t x = first_sigs(b) ^ sig * ones;

	/* The top bit of each 16 that are zero (and sometimes of one above such a place)... */
	x = (x - ones) & ~x & tops;
	/* ... gathered in bits 48 to 51. */
	x = (x >> 15) * UINT64_C(0x0001000200040008) >> 48 & 15;
	return (unsigned int)x |
	       (unsigned int)(atomic_load_explicit(&b->sig[4], memory_order_relaxed) == sig) << 4;
}

/* The first rule that a packet may hit comes into the cache while others are looked at. */
static inline void prefetch_rule(const struct probe *p)
{
	const unsigned int may = alike(p->bucket, sig_of(p->hash));

	if (may)
		rte_prefetch0(atomic_load_explicit(&p->bucket->rule[__builtin_ctz(may)],
						   memory_order_relaxed));
}

static inline const struct cls_rule *search(const struct cls_hash_tab *t, const struct probe *p,
					    const uint64_t *key, uint64_t version,
					    const struct cls_rule *best)
{
	const struct cls_bucket *b = p->bucket;
	const uint16_t sig = sig_of(p->hash);
	int above = best ? best->priority : -1;

	for (;;) {
		uint32_t next;

		for (unsigned int may = alike(b, sig); may; may &= may - 1) {
			const unsigned int i = (unsigned int)__builtin_ctz(may);
			const struct cls_rule *r;

			if (atomic_load_explicit(&b->priority[i], memory_order_relaxed) <= above)
				continue;
			r = atomic_load_explicit(&b->rule[i], memory_order_acquire);
			if (!r || !cls_rule_visible(r, version) || !cls_rule_hits(r, key))
				continue;
			best = r;
			above = r->priority;
		}
		next = atomic_load_explicit(&b->next, memory_order_acquire);
		if (!next)
			return best;
		b = &t->bucket[next];
	}
}

static inline __attribute__((always_inline)) void start(const struct cls_hash_tab *t,
							const struct cls_mask *m,
							const struct burst *b, uint64_t todo,
							struct probe *p, unsigned int n_words)
{
	for (uint64_t left = todo; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		p[i].hash = cls_hash_key_n(m, cls_key(b, i), n_words);
		p[i].bucket = &t->bucket[p[i].hash & t->mask];
		rte_prefetch0(p[i].bucket);
	}
}

/* All packets' buckets, on their way into the cache. */
static inline __attribute__((always_inline)) void start_all(const struct cls_hash_tab *t,
							    const struct cls_mask *m,
							    const struct burst *b, uint64_t todo,
							    struct probe *p)
{
	switch (m->n_words) {
	case 1:
		start(t, m, b, todo, p, 1);
		break;
	case 2:
		start(t, m, b, todo, p, 2);
		break;
	case 3:
		start(t, m, b, todo, p, 3);
		break;
	case 4:
		start(t, m, b, todo, p, 4);
		break;
	default:
		start(t, m, b, todo, p, m->n_words);
	}
}

void cls_hash_lookup(const struct cls_hash *h, const struct cls_mask *m, const struct burst *b,
		     uint64_t todo, const struct cls_rule **hit)
{
	const struct cls_hash_tab *t = atomic_load_explicit(&h->tab, memory_order_acquire);
	struct probe p[BURST_MAX];

	start_all(t, m, b, todo, p);
	for (uint64_t left = todo; left; left &= left - 1) {
		prefetch_rule(&p[__builtin_ctzll(left)]);
	}
	for (uint64_t left = todo; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		hit[i] = search(t, &p[i], cls_key(b, i), b->version, hit[i]);
	}
}

static void every(const struct cls_hash_tab *t, const struct probe *p, const struct burst *b,
		  unsigned int n, int above, cls_every *fn, void *arg)
{
	const uint16_t sig = sig_of(p->hash);

	for (const struct cls_bucket *k = p->bucket; k;) {
		const uint32_t next = atomic_load_explicit(&k->next, memory_order_acquire);

		for (unsigned int may = alike(k, sig); may; may &= may - 1) {
			const unsigned int i = (unsigned int)__builtin_ctz(may);
			const struct cls_rule *r;

			if (atomic_load_explicit(&k->priority[i], memory_order_relaxed) <= above)
				continue;
			r = atomic_load_explicit(&k->rule[i], memory_order_acquire);
			if (r && cls_rule_visible(r, b->version) && cls_rule_hits(r, cls_key(b, n)))
				fn(arg, n, r);
		}
		k = next ? &t->bucket[next] : NULL;
	}
}

void cls_hash_every(const struct cls_hash *h, const struct cls_mask *m, const struct burst *b,
		    uint64_t todo, const struct cls_rule *const *over, unsigned int first,
		    cls_every *fn, void *arg)
{
	const struct cls_hash_tab *t = atomic_load_explicit(&h->tab, memory_order_acquire);
	struct probe p[BURST_MAX];

	start_all(t, m, b, todo, p);
	for (uint64_t left = todo; left; left &= left - 1)
		prefetch_rule(&p[__builtin_ctzll(left)]);
	for (uint64_t left = todo; left; left &= left - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(left);
		const struct cls_rule *o = over[i - first];

		every(t, &p[i], b, i, o ? o->priority : -1, fn, arg);
	}
}
