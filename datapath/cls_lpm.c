/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lpm template: routes.  All rules match a prefix of ip_src or ip_dst and agree in everything
 * else (e.g. eth_type), and longer prefixes have no lower priority than shorter ones.
 *
 * A lookup is one to four loads of a trie (cls_trie.h), however many lengths there are.  When most
 * prefixes have lost their rules the whole is built again.  IPv6 prefixes are served by the tuple
 * template, a probe for each length.
 */
#include "datapath/cls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_prefetch.h>

#include "datapath/cls_hash.h"
#include "datapath/cls_trie.h"
#include "datapath/mask.h"

enum {
	LPM_MIN_MASKS = 3,			      /* below, a hash for each is as good */
	WORD = offsetof(struct flow_key, nw_src) / 8, /* ip_src and ip_dst share it */
	BYTES_FREE = 8 << 20,			      /* that any number of rules may take */
	BYTES_PER_RULE = 128,			      /* and so many for each of them */
};

_Static_assert(offsetof(struct flow_key, nw_src) % 8 == 0, "nw_src begins a word");
_Static_assert(offsetof(struct flow_key, nw_dst) == offsetof(struct flow_key, nw_src) + 4,
	       "nw_dst ends it");

/* A rule seen as a route. */
struct route {
	uint32_t addr;
	uint8_t len;
};

static const uint64_t *word_of(const struct cls_rule *r, uint64_t *mask)
{
	for (unsigned int i = 0; i < r->mask->n_words; i++) {
		if (r->mask->word[i] == WORD) {
			*mask = r->mask->bits[i];
			return &r->value[i];
		}
	}
	*mask = 0;
	return NULL;
}

static uint32_t half_of(uint64_t word, bool dst)
{
	uint32_t h[2];

	memcpy(h, &word, sizeof(h));
	return be32toh(h[dst]);
}

static uint64_t without_half(uint64_t word, bool dst)
{
	uint32_t h[2];

	memcpy(h, &word, sizeof(h));
	h[dst] = 0;
	memcpy(&word, h, sizeof(h));
	return word;
}

static bool is_prefix(uint32_t mask)
{
	return !(~mask & (~mask + 1));
}

/* Mask and value of everything but the prefix. */
static void rest_of(const struct cls_rule *r, bool dst, struct cls_mask *mask, uint64_t *value)
{
	uint64_t m[FLOW_KEY_WORDS] = { 0 }, v[FLOW_KEY_WORDS] = { 0 };

	for (unsigned int i = 0; i < r->mask->n_words; i++) {
		unsigned int w = r->mask->word[i];

		m[w] = w == WORD ? without_half(r->mask->bits[i], dst) : r->mask->bits[i];
		v[w] = w == WORD ? without_half(r->value[i], dst) : r->value[i];
	}
	cls_mask_init(mask, (const struct flow_key *)m);
	for (unsigned int i = 0; i < mask->n_words; i++)
		value[i] = v[mask->word[i]];
}

/* What all routes have in common. */
struct common {
	bool dst;
	struct cls_mask mask;
	uint64_t value[FLOW_KEY_WORDS];
	/* Masks that were looked at last, by hash, and whether they are the common one with a
	 * prefix. */
	struct {
		uint64_t hash;
		bool fits;
		uint8_t len;
	} seen[64];
};

struct lpm {
	struct cls cls;
	struct common common;
	struct cls_mask none;
	struct cls_hash any; /* rules that match everything */
	_Atomic uint32_t any_used;
	/* Control thread. */
	uint16_t min_priority[33], max_priority[33]; /* by length */
	struct trie trie;
};

static void common_init(struct common *c, bool dst, const struct cls_rule *r)
{
	memset(c, 0, sizeof(*c));
	c->dst = dst;
	rest_of(r, dst, &c->mask, c->value);
}

static bool mask_fits(struct common *c, const struct cls_rule *r, uint8_t *len)
{
	unsigned int slot = (unsigned int)(r->mask->hash >> 58);
	uint64_t bits, v[FLOW_KEY_WORDS];
	struct cls_mask m;
	uint32_t prefix;

	if (c->seen[slot].hash != r->mask->hash) {
		(void)word_of(r, &bits);
		prefix = half_of(bits, c->dst);
		rest_of(r, c->dst, &m, v);
		c->seen[slot].hash = r->mask->hash;
		c->seen[slot].len = (uint8_t)__builtin_popcount(prefix);
		c->seen[slot].fits = is_prefix(prefix) && m.hash == c->mask.hash &&
				     m.words == c->mask.words &&
				     !memcmp(m.bits, c->mask.bits, m.n_words * sizeof(m.bits[0]));
	}
	*len = c->seen[slot].len;
	return c->seen[slot].fits;
}

/* Whether 'r' is a route among those, and which. */
static bool belongs(struct common *c, const struct cls_rule *r, struct route *out)
{
	unsigned int n = 0;

	if (!mask_fits(c, r, &out->len))
		return false;
	out->addr = 0;
	for (unsigned int i = 0; i < r->mask->n_words; i++) {
		uint64_t v = r->value[i];

		if (r->mask->word[i] == WORD) {
			out->addr = half_of(v, c->dst);
			v = without_half(v, c->dst);
			if (!without_half(r->mask->bits[i], c->dst))
				continue; /* the prefix alone */
		}
		if (v != c->value[n++])
			return false;
	}
	return true;
}

/* Whether longer prefixes have no lower priority; notes the priority of one more. */
static bool agrees(uint16_t *min, uint16_t *max, unsigned int len, uint16_t priority)
{
	for (unsigned int l = 0; l < len; l++)
		if (max[l] > priority)
			return false;
	for (unsigned int l = len + 1; l <= 32; l++)
		if (min[l] < priority)
			return false;
	if (priority < min[len])
		min[len] = priority;
	if (priority > max[len])
		max[len] = priority;
	return true;
}

static size_t bytes_allowed(uint32_t n_rules)
{
	return BYTES_FREE + (size_t)n_rules * BYTES_PER_RULE;
}

static int by_address(const void *a, const void *b)
{
	uint32_t x = ((const struct route *)a)->addr, y = ((const struct route *)b)->addr;

	return x < y ? -1 : x > y;
}

/* Bytes of the tables at a level below the root that routes v[0..n), sorted, lead through. */
static size_t bytes_of_level(const struct route *v, uint32_t n, unsigned int level)
{
	const unsigned int shift = trie_shift[level - 1];
	uint64_t last = UINT64_MAX;
	size_t bytes = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (v[i].len <= 32 - shift || v[i].addr >> shift == last)
			continue;
		last = v[i].addr >> shift;
		bytes += trie_table_bytes(level);
	}
	return bytes;
}

/* Whether the trie of these routes stays within its memory, with room for growth. */
static bool affordable(const struct cls_shape *s, struct common *c)
{
	struct route *v = malloc((s->n_rules + 1) * sizeof(*v));
	uint32_t n = 0;
	size_t need = 0;

	if (!v)
		return false;
	for (uint32_t i = 0; i < s->n_rules; i++)
		if (s->rules[i]->mask->n_words && belongs(c, s->rules[i], &v[n]))
			n++;
	qsort(v, n, sizeof(*v), by_address);
	for (unsigned int level = 1; level <= TRIE_LEVELS; level++)
		need += bytes_of_level(v, n, level);
	free(v);
	return need + need / 4 <= bytes_allowed(s->n_rules);
}

static const struct cls_rule *first_route(const struct cls_shape *s)
{
	for (uint32_t i = 0; i < s->n_rules; i++)
		if (s->rules[i]->mask->n_words)
			return s->rules[i];
	return NULL;
}

static bool are_routes(const struct cls_shape *s, bool dst, struct common *c)
{
	uint16_t min[33], max[33];

	memset(min, 0xff, sizeof(min));
	memset(max, 0, sizeof(max));
	common_init(c, dst, first_route(s));
	for (uint32_t i = 0; i < s->n_rules; i++) {
		const struct cls_rule *r = s->rules[i];
		struct route at;

		if (r->mask->n_words &&
		    (!belongs(c, r, &at) || !agrees(min, max, at.len, r->priority)))
			return false;
	}
	return true;
}

static bool lpm_fits(const struct cls_shape *s)
{
	struct common c;

	if (s->n_masks < LPM_MIN_MASKS || s->n_masks > 33)
		return false;
	return (are_routes(s, true, &c) || are_routes(s, false, &c)) && affordable(s, &c);
}

/* ---- As a classifier ---- */

static uint64_t hash_of(const void *mask, const struct cls_rule *r)
{
	return cls_hash_rule(mask, r);
}

static int insert_any(struct lpm *l, struct cls_rule *r)
{
	int err = cls_hash_add(&l->any, cls_hash_rule(&l->none, r), r, &l->cls, hash_of, &l->none);

	if (err)
		return err;
	atomic_store_explicit(&l->any_used, 1, memory_order_release);
	cls_note(&l->cls, r);
	return 0;
}

static int lpm_insert(struct cls *c, struct cls_rule *r)
{
	struct lpm *l = (struct lpm *)c;
	struct route at;
	int err;

	if (!r->mask->n_words)
		return insert_any(l, r);
	if (!belongs(&l->common, r, &at) || l->trie.bytes >= bytes_allowed(c->n_rules) ||
	    !agrees(l->min_priority, l->max_priority, at.len, r->priority))
		return -EAGAIN;
	err = trie_add(&l->trie, at.addr, at.len, r);
	if (!err)
		cls_note(c, r);
	return err;
}

static int lpm_remove(struct cls *c, struct cls_rule *r)
{
	struct lpm *l = (struct lpm *)c;
	struct route at;
	bool there;

	/* Prefixes without rules stay; too many of them: build again. */
	if (l->trie.n_nodes > 64 && c->n_rules < l->trie.n_nodes / 4)
		return -EAGAIN;
	if (!r->mask->n_words)
		there = cls_hash_del(&l->any, cls_hash_rule(&l->none, r), r);
	else
		there = belongs(&l->common, r, &at) && trie_del(&l->trie, at.addr, at.len, r);
	if (!there)
		return -EAGAIN;
	c->n_rules--;
	return 0;
}

static void lpm_free(struct cls *c)
{
	struct lpm *l = (struct lpm *)c;

	trie_fini(&l->trie);
	cls_hash_fini(&l->any);
	free(l);
}

/* Short prefixes first: then nothing that is there has to be changed. */
static int fill(struct lpm *l, const struct cls_shape *s)
{
	uint32_t *first = calloc(35, sizeof(*first)), *order = calloc(s->n_rules, sizeof(*order));
	struct route at = { 0 };
	int err = first && order ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < s->n_rules; i++)
		first[s->rules[i]->mask->n_words && belongs(&l->common, s->rules[i], &at)
			      ? at.len + 2u
			      : 1u]++;
	for (unsigned int len = 1; !err && len < 35; len++)
		first[len] += first[len - 1];
	for (uint32_t i = 0; !err && i < s->n_rules; i++)
		order[first[s->rules[i]->mask->n_words && belongs(&l->common, s->rules[i], &at)
				    ? at.len + 1u
				    : 0u]++] = i;
	/* What was checked for all of them needs no check one by one. */
	l->cls.n_rules = s->n_rules;
	for (uint32_t i = 0; !err && i < s->n_rules; i++)
		err = lpm_insert(&l->cls, s->rules[order[i]]);
	l->cls.n_rules -= s->n_rules;
	free(first);
	free(order);
	return err;
}

static struct cls *lpm_build(const struct cls_shape *s)
{
	struct lpm *l = calloc(1, sizeof(*l));
	static const struct flow_key zero;

	if (!l)
		return NULL;
	l->cls.ops = &cls_lpm;
	l->cls.dp = s->dp;
	if (!are_routes(s, true, &l->common))
		(void)are_routes(s, false, &l->common);
	cls_mask_init(&l->none, &zero);
	memset(l->min_priority, 0xff, sizeof(l->min_priority));
	if (cls_hash_init(&l->any, 1) || fill(l, s)) {
		lpm_free(&l->cls);
		return NULL;
	}
	return &l->cls;
}

static inline bool is_route(const struct lpm *l, const uint64_t *key)
{
	const struct cls_mask *m = &l->common.mask;

	for (unsigned int i = 0; i < m->n_words; i++)
		if ((key[m->word[i]] & m->bits[i]) != l->common.value[i])
			return false;
	return true;
}

static void lpm_lookup(const struct cls *c, const struct burst *b, uint64_t todo,
		       const struct cls_rule **hit)
{
	const struct lpm *l = (const struct lpm *)c;
	const struct trie_node *node[BURST_MAX];
	uint64_t routes = 0;

	for (uint64_t left = todo; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		hit[i] = NULL;
		if (!is_route(l, cls_key(b, i)))
			continue;
		routes |= UINT64_C(1) << i;
		rte_prefetch0(&l->trie.root[half_of(cls_key(b, i)[WORD], l->common.dst) >> 16]);
	}
	for (uint64_t left = routes; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		node[i] = trie_longest(&l->trie, half_of(cls_key(b, i)[WORD], l->common.dst));
		rte_prefetch0(node[i]);
	}
	for (uint64_t left = routes; left; left &= left - 1) {
		const struct trie_node *n = node[__builtin_ctzll(left)];

		if (n)
			rte_prefetch0(trie_first(n));
	}
	for (uint64_t left = routes; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		hit[i] = trie_visible(node[i], b->version);
	}
	if (atomic_load_explicit(&l->any_used, memory_order_acquire))
		cls_hash_lookup(&l->any, &l->none, b, todo, hit);
}

static uint32_t lpm_probes(const struct cls *c)
{
	const struct lpm *l = (const struct lpm *)c;

	return 1 + atomic_load_explicit(&l->any_used, memory_order_relaxed);
}

static size_t lpm_memory(const struct cls *c)
{
	const struct lpm *l = (const struct lpm *)c;

	return sizeof(*l) - sizeof(l->trie) + trie_memory(&l->trie) + cls_hash_memory(&l->any);
}

const struct cls_ops cls_lpm = {
	.name = "lpm",
	.fits = lpm_fits,
	.build = lpm_build,
	.insert = lpm_insert,
	.remove = lpm_remove,
	.lookup = lpm_lookup,
	.probes = lpm_probes,
	.memory = lpm_memory,
	.free = lpm_free,
};
