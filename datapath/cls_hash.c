/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cls_hash.h"

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

static uint16_t sig_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48);
}

/* ---- Writing ---- */

static struct cls_hash_part *part_of(const struct cls_bucket *b)
{
	return (struct cls_hash_part *)((char *)(uintptr_t)b -
					offsetof(struct cls_hash_part, bucket));
}

/* At three rules a bucket one in twelve is full, at four one in five (Poisson). */
static uint32_t extra_for(uint32_t n_buckets, uint32_t load)
{
	return n_buckets / (load > CLS_LOAD_FAST ? 4 : 8) + 2;
}

static struct cls_hash_part *part_new(uint32_t n_buckets, uint32_t n_extra, uint32_t load,
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
static struct cls_hash_tab *tab_new(uint32_t n_buckets, uint32_t n_parts)
{
	struct cls_hash_tab *t = calloc(1, sizeof(*t) + n_parts * sizeof(t->part[0]));

	if (!t)
		return NULL;
	t->mask = n_buckets - 1;
	t->parts = n_parts - 1;
	return t;
}

static struct cls_hash_tab *tab_of(const struct cls_hash *h)
{
	return atomic_load_explicit(&h->tab, memory_order_relaxed);
}

static inline struct cls_bucket *first_of(const struct cls_hash_tab *t, uint64_t hash)
{
	return atomic_load_explicit(&t->part[hash >> 32 & t->parts], memory_order_acquire);
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
	t = tab_new(b, 1u << depth);
	for (uint32_t i = 0; t && i <= t->parts; i++) {
		struct cls_hash_part *p = part_new(b, extra_for(b, load), load, depth);

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

static struct cls_bucket *next_of(struct cls_bucket *b)
{
	uint32_t n = atomic_load_explicit(&b->next, memory_order_acquire);

	return n ? b + n : NULL;
}

/* Writes a free place; the rule's address last, which is what readers go by. */
static void place(struct cls_bucket *b, unsigned int i, uint64_t hash, struct cls_rule *r)
{
	atomic_store_explicit(&b->sig[i], sig_of(hash), memory_order_relaxed);
	atomic_store_explicit(&b->priority[i], r->priority, memory_order_relaxed);
	atomic_store_explicit(&b->rule[i], r, memory_order_release);
}

/* False: no place, and no extra bucket left. */
static bool part_add(struct cls_hash_part *p, uint32_t mask, uint64_t hash, struct cls_rule *r)
{
	struct cls_bucket *b = &p->bucket[hash & mask], *next;

	for (;;) {
		for (unsigned int i = 0; i < CLS_BUCKET_RULES; i++) {
			if (atomic_load_explicit(&b->rule[i], memory_order_relaxed))
				continue;
			place(b, i, hash, r);
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
	place(next, 0, hash, r);
	p->n++;
	atomic_store_explicit(&b->next, (uint32_t)(next - b), memory_order_release);
	return true;
}

/* ---- Growing ---- */

struct growth {
	struct cls_hash *h;
	struct cls *c;
	cls_hash_of *hash_of;
	const void *arg;
};

static void drop(const struct growth *g, void *old)
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
static bool part_copy(const struct growth *g, const struct cls_hash_part *from,
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
			if (!part_add(to[to[1] ? hash >> bit & 1 : 0], mask, hash, r))
				return false;
		}
	}
	return true;
}

/*
 * What is in 'from', in one part of 'b' buckets or in two.  Rules of one hash share a chain however
 * many buckets there are, so the extra ones are doubled as often as it takes.
 */
static int part_again(const struct growth *g, const struct cls_hash_part *from, uint32_t b,
		      uint32_t extra, unsigned int n, struct cls_hash_part **to)
{
	const uint32_t depth = from->depth + n - 1;

	for (;; extra *= 2) {
		to[0] = part_new(b, extra, g->h->load, depth);
		to[1] = to[0] && n > 1 ? part_new(b, extra, g->h->load, depth) : NULL;
		if (to[0] && (n == 1 || to[1]) && part_copy(g, from, to, b - 1, 32 + from->depth))
			return 0;
		free(to[0]);
		free(to[1]);
		if (!to[0] || (n > 1 && !to[1]))
			return -ENOMEM;
	}
}

/* The only part, with other buckets. */
static int replace(const struct growth *g, struct cls_hash_part *from, uint32_t b, uint32_t extra)
{
	struct cls_hash_tab *old = tab_of(g->h), *t = tab_new(b, 1);
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

	for (uint32_t i = hash >> 32 & (step - 1); i <= t->parts; i += step)
		atomic_store_explicit(&t->part[i], to[to[1] ? i >> from->depth & 1 : 0]->bucket,
				      memory_order_release);
}

static int split(const struct growth *g, uint64_t hash, struct cls_hash_part *from)
{
	struct cls_hash_tab *old = tab_of(g->h), *t = old;
	struct cls_hash_part *to[2];

	if (1u << from->depth > old->parts) {
		t = tab_new(old->mask + 1, 2 * (old->parts + 1));
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
static int relieve(const struct growth *g, uint64_t hash, struct cls_hash_part *from)
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

/* Room for one rule more. */
static int grow(const struct growth *g, uint64_t hash, struct cls_hash_part *p)
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

int cls_hash_add(struct cls_hash *h, uint64_t hash, struct cls_rule *r, struct cls *c,
		 cls_hash_of *hash_of, const void *arg)
{
	const struct growth g = { h, c, hash_of, arg };

	for (;;) {
		struct cls_hash_tab *t = tab_of(h);
		struct cls_hash_part *p = part_of(first_of(t, hash));
		int err;

		if (p->n < p->room && part_add(p, t->mask, hash, r)) {
			h->n++;
			return 0;
		}
		err = grow(&g, hash, p);
		if (err)
			return err;
	}
}

void cls_hash_expect(const struct cls_hash *h, uint64_t hash)
{
	const struct cls_hash_tab *t = tab_of(h);

	rte_prefetch0(first_of(t, hash) + (hash & t->mask));
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
