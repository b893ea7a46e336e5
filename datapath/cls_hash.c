/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cls_hash_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_prefetch.h>

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

/* ---- Writing ---- */

struct cls_hash_part *cls_hash_part_new(uint32_t n_buckets, uint32_t n_extra, uint32_t load,
					uint32_t depth)
{
	size_t size = sizeof(struct cls_hash_part) +
		      ((size_t)n_buckets + n_extra) * sizeof(struct cls_bucket);
	struct cls_hash_part *p = aligned_alloc(64, (size + 63) & ~(size_t)63);

	if (!p)
		return NULL;
	memset(p, 0, size);
	p->room = n_buckets * load;
	p->n_all = n_buckets + n_extra;
	p->used = n_buckets;
	p->depth = depth;
	return p;
}

/* A directory of so many places, which are empty. */
struct cls_hash_tab *cls_hash_tab_new(uint32_t n_buckets, uint32_t n_parts)
{
	struct cls_hash_tab *t = calloc(1, sizeof(*t) + n_parts * sizeof(t->part[0]));

	if (!t)
		return NULL;
	t->mask = n_buckets - 1;
	t->parts = n_parts - 1;
	return t;
}

/* The i'th part, where it stands first in the directory; else NULL: it was there before. */
static struct cls_hash_part *part_at(const struct cls_hash_tab *t, uint32_t i)
{
	struct cls_bucket *b = atomic_load_explicit(&t->part[i], memory_order_relaxed);

	return b && !(i >> part_of(b)->depth) ? part_of(b) : NULL;
}

static void tab_free(struct cls_hash_tab *t)
{
	for (uint32_t i = t->parts + 1; i-- > 0;)
		free(part_at(t, i));
	free(t);
}

static uint32_t buckets_for(uint32_t n, uint32_t load)
{
	uint32_t b = 1;

	while (b * load < n && b < CLS_PART_BUCKETS)
		b *= 2;
	return b;
}

static int init(struct cls_hash *h, uint32_t n, uint32_t load)
{
	const uint32_t b = buckets_for(n, load);
	struct cls_hash_tab *t;
	uint32_t depth = 0;

	while ((uint64_t)b * load << depth < n)
		depth++;
	t = cls_hash_tab_new(b, 1u << depth);
	for (uint32_t i = 0; t && i <= t->parts; i++) {
		struct cls_hash_part *p = cls_hash_part_new(b, extra_for(b, load), load, depth);

		if (!p) {
			tab_free(t);
			return -ENOMEM;
		}
		atomic_init(&t->part[i], p->bucket);
	}
	atomic_init(&h->tab, t);
	h->n = 0;
	h->load = load;
	return t ? 0 : -ENOMEM;
}

int cls_hash_init(struct cls_hash *h, uint32_t n)
{
	return init(h, n, CLS_LOAD_FAST);
}

int cls_hash_init_dense(struct cls_hash *h, uint32_t n)
{
	return init(h, n, CLS_LOAD_DENSE);
}

void cls_hash_fini(struct cls_hash *h)
{
	if (tab_of(h))
		tab_free(tab_of(h));
}

/* Writes a free place; the rule's address last, which is what readers go by. */
static void place(struct cls_bucket *b, unsigned int i, uint16_t sig, struct cls_rule *r,
		  uint16_t priority)
{
	atomic_store_explicit(&b->sig[i], sig, memory_order_relaxed);
	atomic_store_explicit(&b->priority[i], priority, memory_order_relaxed);
	atomic_store_explicit(&b->rule[i], r, memory_order_release);
}

/* Into the chain that begins with bucket 'at'.  False: no place, and no extra bucket left. */
bool cls_hash_part_add(struct cls_hash_part *p, uint32_t at, uint16_t sig, struct cls_rule *r,
		       uint16_t priority)
{
	struct cls_bucket *b = &p->bucket[at], *next;

	for (;;) {
		for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
			if (atomic_load_explicit(&b->rule[i], memory_order_relaxed))
				continue;
			place(b, i, sig, r, priority);
			p->n++;
			return true;
		}
		next = next_of(b);
		if (!next)
			break;
		b = next;
	}
	if (p->used == p->n_all)
		return false;
	next = &p->bucket[p->used++];
	place(next, 0, sig, r, priority);
	p->n++;
	atomic_store_explicit(&b->next, (uint32_t)(next - b), memory_order_release);
	return true;
}

int cls_hash_add(struct cls_hash *h, uint64_t hash, struct cls_rule *r, struct cls *c,
		 cls_hash_of *hash_of, const void *arg)
{
	const struct cls_hash_growth g = { h, c, hash_of, arg };

	for (;;) {
		struct cls_hash_tab *t = tab_of(h);
		struct cls_hash_part *p = part_of(first_of(t, hash));
		int err;

		if (p->n < p->room &&
		    cls_hash_part_add(p, (uint32_t)hash & t->mask, sig_of(hash), r, r->priority)) {
			h->n++;
			return 0;
		}
		err = cls_hash_grow(&g, hash, p);
		if (err)
			return err;
	}
}

void cls_hash_expect(const struct cls_hash *h, uint64_t hash)
{
	const struct cls_hash_tab *t = tab_of(h);

	const struct cls_bucket *first = first_of(t, hash);

	rte_prefetch0(part_of(first));
	rte_prefetch0(first + (hash & t->mask));
}

bool cls_hash_del(struct cls_hash *h, uint64_t hash, const struct cls_rule *r)
{
	struct cls_hash_tab *t = tab_of(h);

	struct cls_bucket *first = first_of(t, hash);

	for (struct cls_bucket *b = first + (hash & t->mask); b; b = next_of(b)) {
		for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
			if (atomic_load_explicit(&b->rule[i], memory_order_relaxed) != r)
				continue;
			atomic_store_explicit(&b->rule[i], NULL, memory_order_release);
			part_of(first)->n--;
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

	for (struct cls_bucket *b = first_of(t, hash) + (hash & t->mask); b; b = next_of(b)) {
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
	const struct cls_hash_tab *t = tab_of(h);
	size_t n = sizeof(*t) + (t->parts + 1) * sizeof(t->part[0]);

	for (uint32_t i = 0; i <= t->parts; i++) {
		const struct cls_hash_part *p = part_at(t, i);

		if (p)
			n += sizeof(*p) + p->n_all * sizeof(struct cls_bucket);
	}
	return n;
}

static int part_each(const struct cls_hash_part *p, int (*visit)(void *arg, struct cls_rule *r),
		     void *arg)
{
	for (uint32_t n = 0; n < p->used; n++) {
		for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
			struct cls_rule *r =
				atomic_load_explicit(&p->bucket[n].rule[i], memory_order_relaxed);
			int stop = r ? visit(arg, r) : 0;

			if (stop)
				return stop;
		}
	}
	return 0;
}

int cls_hash_each(const struct cls_hash *h, int (*visit)(void *arg, struct cls_rule *r), void *arg)
{
	const struct cls_hash_tab *t = tab_of(h);

	for (uint32_t i = 0; i <= t->parts; i++) {
		const struct cls_hash_part *p = part_at(t, i);
		int stop = p ? part_each(p, visit, arg) : 0;

		if (stop)
			return stop;
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
 * Bit i: place i of the bucket has the signature, by chance once in some 500 times at worst: who
 * looks at the rule finds out.  All at once, for what is in a bucket is as random as the hash, and
 * so would be branches over its places.
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

static inline const struct cls_rule *search(const struct probe *p, const uint64_t *key,
					    uint64_t version, const struct cls_rule *best)
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
		b += next;
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
		p[i].bucket = first_of(t, p[i].hash) + (p[i].hash & t->mask);
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

		hit[i] = search(&p[i], cls_key(b, i), b->version, hit[i]);
	}
}

static void every(const struct probe *p, const struct burst *b, unsigned int n, int above,
		  cls_every *fn, void *arg)
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
		k = next ? k + next : NULL;
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

		every(&p[i], b, i, o ? o->priority : -1, fn, arg);
	}
}
