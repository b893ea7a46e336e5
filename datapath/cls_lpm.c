/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lpm template: routes.  All rules match a prefix of ip_src or ip_dst and agree in everything
 * else (e.g. eth_type), and longer prefixes have no lower priority than shorter ones.
 *
 * A trie of strides 16, 8 and 8; each entry leads to the longest prefix that covers it, which knows
 * the next shorter one, for packets whose version does not show the longer one's rule.  So a lookup
 * is one to three loads, however many lengths there are.  Prefixes stay when their rules go; when
 * most are empty the whole is built again.  IPv6 prefixes are served by the tuple template, a probe
 * for each length.
 *
 * Readers: an entry, a parent and a rule are each published by one store, after what they lead to.
 */
#include "datapath/cls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_prefetch.h>

#include "datapath/cls_hash.h"
#include "datapath/mask.h"

enum {
	LPM_MIN_MASKS = 3, /* below, a hash for each is as good */
	ROOT = 1 << 16,
	FAN = 1 << 8,
	WORD = offsetof(struct flow_key, nw_src) / 8, /* ip_src and ip_dst share it */
	TABLES_FREE = 4096,   /* tables of FAN entries that any number of rules may take */
	RULES_PER_TABLE = 16, /* and one more for so many rules */
};

_Static_assert(offsetof(struct flow_key, nw_src) % 8 == 0, "nw_src begins a word");
_Static_assert(offsetof(struct flow_key, nw_dst) == offsetof(struct flow_key, nw_src) + 4,
	       "nw_dst ends it");

struct lpm_link {
	struct lpm_link *_Atomic next;
	struct cls_rule *_Atomic rule; /* NULL: free */
};

/* One prefix.  Usually one rule; more while one replaces another. */
struct lpm_node {
	struct lpm_node *_Atomic parent; /* the next shorter prefix that covers it */
	struct lpm_link first;
	uint32_t addr;
	uint8_t len;
	struct lpm_node *all; /* next of all nodes; control thread */
};

struct lpm_table;

/* Address of a node (or NULL), or of a table with the lowest bit set. */
typedef _Atomic uintptr_t lpm_entry;

struct lpm_table {
	lpm_entry e[FAN];
	struct lpm_table *all;
};

struct lpm {
	struct cls cls;
	bool dst;		/* ip_dst, else ip_src */
	struct cls_mask common; /* what all rules match but the prefix */
	uint64_t value[FLOW_KEY_WORDS];
	struct cls_mask none;
	struct cls_hash any; /* rules that match everything */
	_Atomic uint32_t any_used;
	/* Control thread. */
	uint16_t min_priority[33], max_priority[33]; /* by length */
	struct lpm_node *nodes;
	struct lpm_table *tables;
	uint32_t n_nodes, n_tables;
	lpm_entry root[ROOT];
};

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

/* False: it is not a prefix of that field. */
static bool route_of(const struct cls_rule *r, bool dst, struct route *out)
{
	uint64_t mask;
	const uint64_t *v = word_of(r, &mask);
	uint32_t m = half_of(mask, dst);

	if (!is_prefix(m))
		return false;
	out->len = (uint8_t)__builtin_popcount(m);
	out->addr = v ? half_of(*v, dst) : 0;
	return true;
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

/* Whether 'r' is a route among those with this common part. */
static bool belongs(const struct cls_mask *common, const uint64_t *value, bool dst,
		    const struct cls_rule *r, struct route *out)
{
	uint64_t v[FLOW_KEY_WORDS];
	struct cls_mask m;

	if (!route_of(r, dst, out))
		return false;
	rest_of(r, dst, &m, v);
	return m.hash == common->hash && m.words == common->words &&
	       !memcmp(m.bits, common->bits, m.n_words * sizeof(m.bits[0])) &&
	       !memcmp(v, value, m.n_words * sizeof(v[0]));
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

static uint32_t tables_allowed(uint32_t n_rules)
{
	return TABLES_FREE + n_rules / RULES_PER_TABLE;
}

static int by_address(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t count_distinct(const uint32_t *v, uint32_t n, unsigned int bits)
{
	uint32_t d = 0;

	for (uint32_t i = 0; i < n; i++)
		d += !i || v[i] >> (32 - bits) != v[i - 1] >> (32 - bits);
	return d;
}

/* Whether the trie of these routes stays within its memory. */
static bool affordable(const struct cls_shape *s, bool dst)
{
	uint32_t *v = malloc(2 * (s->n_rules + 1) * sizeof(*v)), *deep = v + s->n_rules + 1;
	uint32_t n = 0, n_deep = 0, need;

	if (!v)
		return false;
	for (uint32_t i = 0; i < s->n_rules; i++) {
		struct route r;

		if (!s->rules[i]->mask->n_words || !route_of(s->rules[i], dst, &r))
			continue;
		if (r.len > 16)
			v[n++] = r.addr;
		if (r.len > 24)
			deep[n_deep++] = r.addr;
	}
	qsort(v, n, sizeof(*v), by_address);
	qsort(deep, n_deep, sizeof(*v), by_address);
	need = count_distinct(v, n, 16) + count_distinct(deep, n_deep, 24);
	free(v);
	/* With room for growth, or the next route would ask again. */
	return need + need / 4 <= tables_allowed(s->n_rules);
}

static const struct cls_rule *first_route(const struct cls_shape *s)
{
	for (uint32_t i = 0; i < s->n_rules; i++)
		if (s->rules[i]->mask->n_words)
			return s->rules[i];
	return NULL;
}

static bool fits_field(const struct cls_shape *s, bool dst)
{
	uint16_t min[33], max[33];
	uint64_t value[FLOW_KEY_WORDS];
	struct cls_mask common;

	memset(min, 0xff, sizeof(min));
	memset(max, 0, sizeof(max));
	rest_of(first_route(s), dst, &common, value);
	for (uint32_t i = 0; i < s->n_rules; i++) {
		const struct cls_rule *r = s->rules[i];
		struct route at;

		if (r->mask->n_words && (!belongs(&common, value, dst, r, &at) ||
					 !agrees(min, max, at.len, r->priority)))
			return false;
	}
	return affordable(s, dst);
}

static bool lpm_fits(const struct cls_shape *s)
{
	/* Most rules that match everything would be asked one by one. */
	if (s->n_masks < LPM_MIN_MASKS || s->n_masks > 33)
		return false;
	return fits_field(s, true) || fits_field(s, false);
}

/* ---- The trie ---- */

static struct lpm_table *table_in(uintptr_t e)
{
	return e & 1 ? (struct lpm_table *)(e - 1) : NULL;
}

static uintptr_t entry_get(const lpm_entry *e)
{
	return atomic_load_explicit(e, memory_order_acquire);
}

static void entry_set(lpm_entry *e, uintptr_t v)
{
	atomic_store_explicit(e, v, memory_order_release);
}

static struct lpm_node *parent_of(const struct lpm_node *n)
{
	return atomic_load_explicit(&n->parent, memory_order_acquire);
}

static struct lpm_node *longest(const struct lpm *l, uint32_t addr)
{
	uintptr_t e = entry_get(&l->root[addr >> 16]);

	if (e & 1)
		e = entry_get(&table_in(e)->e[addr >> 8 & 0xff]);
	if (e & 1)
		e = entry_get(&table_in(e)->e[addr & 0xff]);
	return (struct lpm_node *)e;
}

/* The table below an entry, made when there is none: all of it leads where the entry did. */
static struct lpm_table *descend(struct lpm *l, lpm_entry *e)
{
	struct lpm_table *t = table_in(entry_get(e));

	if (t)
		return t;
	t = malloc(sizeof(*t));
	if (!t)
		return NULL;
	for (unsigned int i = 0; i < FAN; i++)
		atomic_init(&t->e[i], entry_get(e));
	t->all = l->tables;
	l->tables = t;
	l->n_tables++;
	entry_set(e, (uintptr_t)t | 1);
	return t;
}

/*
 * Makes an entry within node's prefix lead to it, unless it leads to a longer one: then the longest
 * of those below that had node's parent gets node.
 */
static void cover(lpm_entry *e, struct lpm_node *node)
{
	struct lpm_table *t = table_in(entry_get(e));
	struct lpm_node *n = t ? NULL : (struct lpm_node *)entry_get(e), *up;

	if (t) {
		for (unsigned int i = 0; i < FAN; i++)
			cover(&t->e[i], node);
		return;
	}
	if (!n || n->len < node->len) {
		entry_set(e, (uintptr_t)node);
		return;
	}
	while ((up = parent_of(n)) && up->len > node->len)
		n = up;
	if (n != node && up != node)
		atomic_store_explicit(&n->parent, node, memory_order_release);
}

static int spread(struct lpm *l, struct lpm_node *node)
{
	unsigned int len = node->len, first, n;
	lpm_entry *e = l->root;
	unsigned int at = node->addr >> 16, width = 16;

	while (len > width) {
		struct lpm_table *t = descend(l, &e[at]);

		if (!t)
			return -ENOMEM;
		e = t->e;
		at = node->addr >> (width == 16 ? 8 : 0) & 0xff;
		width += 8;
	}
	n = 1u << (width - len);
	for (first = at; first < at + n; first++)
		cover(&e[first], node);
	return 0;
}

static struct lpm_node *node_find(const struct lpm *l, const struct route *r,
				  struct lpm_node **parent)
{
	struct lpm_node *n = longest(l, r->addr);

	while (n && n->len > r->len)
		n = parent_of(n);
	*parent = n;
	return n && n->len == r->len ? n : NULL;
}

static struct lpm_node *node_get(struct lpm *l, const struct route *r)
{
	struct lpm_node *parent, *n = node_find(l, r, &parent);

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->addr = r->addr;
	n->len = r->len;
	atomic_init(&n->parent, parent);
	n->all = l->nodes;
	l->nodes = n;
	l->n_nodes++;
	return spread(l, n) ? NULL : n;
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

static int insert_at(struct lpm_node *n, struct cls_rule *r)
{
	struct lpm_link *k = &n->first, *next;

	while (atomic_load_explicit(&k->rule, memory_order_relaxed)) {
		next = atomic_load_explicit(&k->next, memory_order_relaxed);
		if (!next) {
			next = calloc(1, sizeof(*next));
			if (!next)
				return -ENOMEM;
			atomic_init(&next->rule, r);
			atomic_store_explicit(&k->next, next, memory_order_release);
			return 0;
		}
		k = next;
	}
	atomic_store_explicit(&k->rule, r, memory_order_release);
	return 0;
}

static int lpm_insert(struct cls *c, struct cls_rule *r)
{
	struct lpm *l = (struct lpm *)c;
	struct lpm_node *n;
	struct route at;
	int err;

	if (!r->mask->n_words)
		return insert_any(l, r);
	if (!belongs(&l->common, l->value, l->dst, r, &at) ||
	    l->n_tables + 2 > tables_allowed(c->n_rules) ||
	    !agrees(l->min_priority, l->max_priority, at.len, r->priority))
		return -EAGAIN;
	n = node_get(l, &at);
	err = n ? insert_at(n, r) : -ENOMEM;
	if (!err)
		cls_note(c, r);
	return err;
}

static int lpm_remove(struct cls *c, struct cls_rule *r)
{
	struct lpm *l = (struct lpm *)c;
	struct lpm_node *n, *parent;
	struct route at;

	if (!r->mask->n_words) {
		if (!cls_hash_del(&l->any, cls_hash_rule(&l->none, r), r))
			return -EAGAIN;
		c->n_rules--;
		return 0;
	}
	/* Prefixes without rules stay; too many of them: build again. */
	if (l->n_nodes > 64 && c->n_rules < l->n_nodes / 4)
		return -EAGAIN;
	if (!belongs(&l->common, l->value, l->dst, r, &at) || !(n = node_find(l, &at, &parent)))
		return -EAGAIN;
	for (struct lpm_link *k = &n->first; k;
	     k = atomic_load_explicit(&k->next, memory_order_relaxed)) {
		if (atomic_load_explicit(&k->rule, memory_order_relaxed) != r)
			continue;
		atomic_store_explicit(&k->rule, NULL, memory_order_release);
		c->n_rules--;
		return 0;
	}
	return -EAGAIN;
}

static void lpm_free(struct cls *c)
{
	struct lpm *l = (struct lpm *)c;

	while (l->nodes) {
		struct lpm_node *n = l->nodes;
		struct lpm_link *k = atomic_load_explicit(&n->first.next, memory_order_relaxed);

		while (k) {
			struct lpm_link *next =
				atomic_load_explicit(&k->next, memory_order_relaxed);

			free(k);
			k = next;
		}
		l->nodes = n->all;
		free(n);
	}
	while (l->tables) {
		struct lpm_table *t = l->tables;

		l->tables = t->all;
		free(t);
	}
	cls_hash_fini(&l->any);
	free(l);
}

/* Short prefixes first: then nothing that is there has to be changed. */
static int by_length(const void *a, const void *b)
{
	uint64_t x, y;

	word_of(*(struct cls_rule *const *)a, &x);
	word_of(*(struct cls_rule *const *)b, &y);
	return __builtin_popcountll(x) - __builtin_popcountll(y);
}

static int fill(struct lpm *l, const struct cls_shape *s)
{
	struct cls_rule **r = malloc(s->n_rules * sizeof(*r));
	int err = r ? 0 : -ENOMEM;

	if (err)
		return err;
	memcpy(r, s->rules, s->n_rules * sizeof(*r));
	qsort(r, s->n_rules, sizeof(*r), by_length);
	/* What was checked for all of them needs no check one by one. */
	l->cls.n_rules = s->n_rules;
	for (uint32_t i = 0; !err && i < s->n_rules; i++)
		err = lpm_insert(&l->cls, r[i]);
	l->cls.n_rules -= s->n_rules;
	free(r);
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
	l->dst = fits_field(s, true);
	rest_of(first_route(s), l->dst, &l->common, l->value);
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
	for (unsigned int i = 0; i < l->common.n_words; i++)
		if ((key[l->common.word[i]] & l->common.bits[i]) != l->value[i])
			return false;
	return true;
}

/* The first prefix with a visible rule, from the longest on. */
static inline const struct cls_rule *visible(const struct lpm_node *n, uint64_t version)
{
	for (; n; n = parent_of(n)) {
		const struct cls_rule *best = NULL;

		for (const struct lpm_link *k = &n->first; k;
		     k = atomic_load_explicit(&k->next, memory_order_acquire)) {
			const struct cls_rule *r =
				atomic_load_explicit(&k->rule, memory_order_acquire);

			if (r && cls_rule_visible(r, version) &&
			    (!best || r->priority > best->priority))
				best = r;
		}
		if (best)
			return best;
	}
	return NULL;
}

static void lpm_lookup(const struct cls *c, const struct burst *b, uint64_t todo,
		       const struct cls_rule **hit)
{
	const struct lpm *l = (const struct lpm *)c;
	const struct lpm_node *node[BURST_MAX];
	uint64_t routes = 0;

	for (uint64_t left = todo; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		hit[i] = NULL;
		if (!is_route(l, cls_key(b, i)))
			continue;
		routes |= UINT64_C(1) << i;
		rte_prefetch0(&l->root[half_of(cls_key(b, i)[WORD], l->dst) >> 16]);
	}
	for (uint64_t left = routes; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		node[i] = longest(l, half_of(cls_key(b, i)[WORD], l->dst));
		if (node[i])
			rte_prefetch0(node[i]);
	}
	for (uint64_t left = routes; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		hit[i] = visible(node[i], b->version);
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

	return sizeof(*l) + l->n_nodes * sizeof(struct lpm_node) +
	       l->n_tables * sizeof(struct lpm_table) + cls_hash_memory(&l->any);
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
