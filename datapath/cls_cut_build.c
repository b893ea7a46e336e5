/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees of cuts: built from many rules, and changed by one.
 */
#include <errno.h>
#include <stdlib.h>

#include "datapath/cls_cut.h"

enum {
	LEAF_CUT = 16, /* rules; of fewer there is no further cut */
	DEPTH = 10,
	COPIES_MAX = 256, /* of one rule that comes later */
	SAMPLE = 24,	  /* rules of a leaf that its halves of words are chosen by */
};

/* In front of a node's entries. */
struct cut_node {
	struct cut_node *all; /* next of all nodes */
	cut_entry e[] __attribute__((aligned(64)));
};

/* Behind a leaf's blocks. */
struct leaf_tail {
	struct leaf_tail *next; /* of those that are replaced at once */
	void *leaf;
};

static struct leaf_tail *tail_of(uint64_t leaf)
{
	return (void *)((struct cut_block *)cut_at(leaf) + cut_blocks(leaf));
}

static uint64_t entry_get(const cut_entry *e)
{
	return atomic_load_explicit(e, memory_order_relaxed);
}

static void entry_set(cut_entry *e, uint64_t to)
{
	atomic_store_explicit(e, to, memory_order_release);
}

/* What of a node's children a rule stands in. */
struct span {
	uint32_t value, wild, n;
};

static struct span span_of(const struct cut *c, const struct cut_item *i)
{
	const uint32_t all = (1u << c->bits) - 1;
	const uint32_t wild = ~(uint32_t)(i->mask[c->at] >> c->shift) & all;

	return (struct span){ (uint32_t)(i->value[c->at] >> c->shift) & all, wild,
			      1u << __builtin_popcount(wild) };
}

/* The next child after 'sub', which begins as zero and ends as that. */
static uint32_t span_next(const struct span *s, uint32_t sub)
{
	return (sub - s->wild) & s->wild;
}

/* ---- Leaves ---- */

/* Half of a word as it lies in memory. */
static uint32_t half_of(const uint64_t *words, unsigned int half)
{
	return htobe32((uint32_t)(words[half / 2] >> (half % 2 ? 0 : 32)));
}

/* Pairs of rules, of pairs[], that 'half' does not tell apart; to 'left' unless it is NULL. */
static unsigned int same_pairs(struct cut_item *const *v, uint32_t n, unsigned int half,
			       const uint32_t *pairs, uint32_t *left)
{
	uint32_t mask[SAMPLE], value[SAMPLE];
	unsigned int same = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t set = 0;

		mask[i] = half_of(v[i]->mask, half);
		value[i] = half_of(v[i]->value, half);
		for (uint32_t j = 0; j < i; j++)
			set |= (uint32_t) !((value[i] ^ value[j]) & mask[i] & mask[j]) << j;
		set &= pairs[i];
		same += (unsigned int)__builtin_popcount(set);
		if (left)
			left[i] = set;
	}
	return same;
}

/* Bits of a half that 'i' looks at, and that are not what is common. */
static uint32_t own_bits(const struct cut_words *w, const struct cut_item *i, unsigned int half)
{
	const uint32_t mask = half_of(i->mask, half), common = half_of(w->mask, half);

	return mask & (~common | (half_of(i->value, half) ^ half_of(w->value, half)));
}

static unsigned int bits_of(const struct cut_words *w, struct cut_item *const *v, uint32_t n,
			    unsigned int half)
{
	unsigned int bits = 0;

	for (uint32_t i = 0; i < n; i++)
		bits += (unsigned int)__builtin_popcount(own_bits(w, v[i], half));
	return bits;
}

/* Whether a leaf that compares these halves, and what is common, say all of 'i'. */
static bool is_whole(const struct cut_words *w, const struct cut_item *i, uint64_t halves)
{
	uint32_t in = 0;

	for (unsigned int p = 0; p < CUT_PARTS; p++)
		in |= 1u << cut_half(halves, p);
	for (unsigned int half = 0; half < 2u * w->n; half++)
		if (!(in >> half & 1) && own_bits(w, i, half))
			return false;
	return i->inside;
}

/*
 * The halves of words that a leaf compares: each leaves fewest of the pairs that those before it
 * left.
 */
static uint64_t choose_halves(const struct cut_words *w, struct cut_item *const *v, uint32_t n)
{
	uint32_t pairs[SAMPLE];
	uint64_t out = 0;
	uint32_t taken = 0;

	if (n > SAMPLE)
		n = SAMPLE;
	memset(pairs, 0xff, sizeof(pairs));
	for (unsigned int p = 0; p < CUT_PARTS; p++) {
		unsigned int best = 0;
		int least = INT32_MAX;

		for (unsigned int half = 0; half < 2u * w->n; half++) {
			/* Of those that tell apart as much, the one that says most. */
			const unsigned int bits = bits_of(w, v, n, half);
			int same;

			if (taken >> half & 1 || (!bits && least != INT32_MAX))
				continue;
			same = (int)same_pairs(v, n, half, pairs, NULL) * 1024 - (int)bits;
			if (same < least) {
				least = same;
				best = half;
			}
		}
		(void)same_pairs(v, n, best, pairs, pairs);
		taken |= 1u << best;
		out |= (uint64_t)best << (48 + 4 * p);
	}
	return out;
}

/* An empty leaf for 'n' rules; 0: no memory. */
static uint64_t leaf_new(struct cut_tree *t, uint32_t n, uint64_t halves)
{
	const uint32_t blocks = (n + CUT_BLOCK - 1) / CUT_BLOCK;
	const size_t size = blocks * sizeof(struct cut_block) + 64;
	struct cut_block *k = aligned_alloc(64, size);
	uint64_t e;

	if (!k)
		return 0;
	memset(k, 0, size);
	/* What is free equals no key. */
	for (uint32_t i = 0; i < blocks; i++)
		memset(k[i].part[0].value, 0xff, sizeof(k[i].part[0].value));
	e = (uint64_t)(uintptr_t)k | blocks << 1 | halves;
	tail_of(e)->leaf = k;
	t->bytes += size;
	t->slots += blocks * CUT_BLOCK;
	return e;
}

static void leaf_drop(struct cut_tree *t, uint64_t leaf)
{
	t->bytes -= cut_blocks(leaf) * sizeof(struct cut_block) + 64;
	t->slots -= cut_blocks(leaf) * CUT_BLOCK;
}

static void leaf_put(const struct cut_words *w, uint64_t leaf, uint32_t at,
		     const struct cut_item *i)
{
	struct cut_block *k = (struct cut_block *)cut_at(leaf) + at / CUT_BLOCK;
	const unsigned int j = at % CUT_BLOCK;

	for (unsigned int p = 0; p < CUT_PARTS; p++) {
		k->part[p].mask[j] = half_of(i->mask, cut_half(leaf, p));
		k->part[p].value[j] = half_of(i->value, cut_half(leaf, p));
	}
	atomic_store_explicit(&k->rule[j],
			      (uint64_t)i->priority << 48 | (uint64_t)(uintptr_t)i->rule |
				      (is_whole(w, i, leaf) ? CUT_WHOLE : 0),
			      memory_order_relaxed);
}

static struct cls_rule *leaf_rule(uint64_t leaf, uint32_t at)
{
	const struct cut_block *k = (struct cut_block *)cut_at(leaf) + at / CUT_BLOCK;

	return cut_rule(atomic_load_explicit(&k->rule[at % CUT_BLOCK], memory_order_relaxed));
}

static void leaf_copy(uint64_t from, uint32_t at, uint64_t to, uint32_t n)
{
	const struct cut_block *x = (struct cut_block *)cut_at(from) + at / CUT_BLOCK;
	struct cut_block *y = (struct cut_block *)cut_at(to) + n / CUT_BLOCK;
	const unsigned int i = at % CUT_BLOCK, j = n % CUT_BLOCK;

	for (unsigned int p = 0; p < CUT_PARTS; p++) {
		y->part[p].mask[j] = x->part[p].mask[i];
		y->part[p].value[j] = x->part[p].value[i];
	}
	atomic_store_explicit(&y->rule[j], atomic_load_explicit(&x->rule[i], memory_order_relaxed),
			      memory_order_relaxed);
}

/* ---- Building ---- */

struct build {
	struct cut_tree *t;
	const struct cut_words *words;
	uint64_t budget; /* of copies */
};

static int by_priority(const void *a, const void *b)
{
	const struct cut_item *x = *(struct cut_item *const *)a, *y = *(struct cut_item *const *)b;

	return (int)y->priority - (int)x->priority;
}

static int build_leaf(struct build *b, cut_entry *e, struct cut_item **v, uint32_t n)
{
	uint64_t leaf;

	if (!n)
		return 0;
	qsort(v, n, sizeof(struct cut_item *), by_priority);
	for (uint32_t i = 0; i < n; i++)
		v[i]->rest |= i >= CUT_LEAF_MAX;
	if (n > CUT_LEAF_MAX)
		n = CUT_LEAF_MAX;
	leaf = leaf_new(b->t, n, choose_halves(b->words, v, n));
	if (!leaf)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		leaf_put(b->words, leaf, i, v[i]);
	entry_set(e, leaf);
	return 0;
}

static struct cut_node *node_new(struct cut_tree *t, const struct cut *c, cut_entry *e)
{
	const size_t size = sizeof(struct cut_node) + (sizeof(cut_entry) << c->bits);
	struct cut_node *n = aligned_alloc(64, (size + 63) & ~(size_t)63);

	if (!n)
		return NULL;
	memset(n, 0, size);
	n->all = t->nodes;
	t->nodes = n;
	t->bytes += size;
	entry_set(e, (uint64_t)(uintptr_t)n->e | 1 | (uint64_t)c->shift << 48 |
			     (uint64_t)c->bits << 54 | (uint64_t)c->at << 58);
	return n;
}

/* Items by child; of child k are those from first[k] on.  NULL: no memory. */
static struct cut_item **deal(const struct cut *c, struct cut_item **v, uint32_t n,
			      uint32_t **first)
{
	const uint32_t children = 1u << c->bits;
	struct cut_item **out = NULL;
	uint32_t *at = calloc(children + 2, sizeof(*at)), sub;

	for (uint32_t i = 0; at && i < n; i++) {
		const struct span s = span_of(c, v[i]);

		sub = 0;
		do {
			at[(s.value | sub) + 2]++;
			sub = span_next(&s, sub);
		} while (sub);
	}
	for (uint32_t k = 2; at && k < children + 2; k++)
		at[k] += at[k - 1];
	if (at)
		out = malloc((at[children + 1] + 1) * sizeof(struct cut_item *));
	for (uint32_t i = 0; out && i < n; i++) {
		const struct span s = span_of(c, v[i]);

		sub = 0;
		do {
			out[at[(s.value | sub) + 1]++] = v[i];
			sub = span_next(&s, sub);
		} while (sub);
	}
	*first = at;
	return out;
}

static int build_below(struct build *b, cut_entry *e, struct cut_item **v, uint32_t n,
		       unsigned int depth);

static int build_node(struct build *b, cut_entry *e, struct cut_item **v, uint32_t n,
		      unsigned int depth, const struct cut *c)
{
	uint32_t *first;
	struct cut_item **dealt = deal(c, v, n, &first);
	struct cut_node *node = dealt ? node_new(b->t, c, e) : NULL;
	int err = node ? 0 : -ENOMEM;

	if (!err) {
		const uint32_t copies = first[1u << c->bits] - n;

		b->budget -= copies < b->budget ? copies : b->budget;
	}
	for (uint32_t k = 0; !err && k < 1u << c->bits; k++)
		err = build_below(b, &node->e[k], dealt + first[k], first[k + 1] - first[k],
				  depth + 1);
	free(dealt);
	free(first);
	return err;
}

static int build_below(struct build *b, cut_entry *e, struct cut_item **v, uint32_t n,
		       unsigned int depth)
{
	struct cut c;

	if (n > LEAF_CUT && depth < DEPTH && b->budget && cut_choose(b->words, v, n, false, &c))
		return build_node(b, e, v, n, depth, &c);
	return build_leaf(b, e, v, n);
}

int64_t cut_tree_build(struct cut_tree *t, const struct cut_words *words, struct cut_item **v,
		       uint32_t n)
{
	struct build b = { t, words, 8 * (uint64_t)n + 64 };
	struct cut_item **in;
	uint32_t left = 0;
	int err;

	*t = (struct cut_tree){ 0 };
	in = malloc((n + 1) * sizeof(struct cut_item *));
	if (!in)
		return -ENOMEM;
	if (n <= LEAF_CUT || !cut_choose(words, v, n, true, &t->cut)) {
		/* A leaf that is all of it. */
		t->n = n < CUT_LEAF_MAX ? n : CUT_LEAF_MAX;
		memcpy(in, v, t->n * sizeof(struct cut_item *));
		left = n - t->n;
		memmove(v, v + t->n, left * sizeof(struct cut_item *));
		err = build_leaf(&b, &t->root, in, t->n);
	} else {
		for (uint32_t i = 0; i < n; i++) {
			if (span_of(&t->cut, v[i]).n > CUT_ROOT_COPIES)
				v[left++] = v[i];
			else
				in[t->n++] = v[i];
		}
		err = build_node(&b, &t->root, in, t->n, 0, &t->cut);
	}
	free(in);
	return err ? err : (int64_t)left;
}

static void free_leaves(struct cut_tree *t, uint64_t e)
{
	if (!cut_is_node(e)) {
		free(cut_at(e));
		return;
	}
	for (uint32_t k = 0; k < 1u << (e >> 54 & 15); k++)
		free_leaves(t, entry_get((cut_entry *)cut_at(e) + k));
}

void cut_tree_fini(struct cut_tree *t)
{
	free_leaves(t, entry_get(&t->root));
	while (t->nodes) {
		struct cut_node *n = t->nodes;

		t->nodes = n->all;
		free(n);
	}
}

/* ---- Changing ---- */

void cut_item_init(struct cut_item *i, const struct cut_words *words, struct cls_rule *r)
{
	const struct cls_mask *m = r->mask;
	unsigned int n = 0;

	memset(i, 0, sizeof(*i));
	i->rule = r;
	i->priority = r->priority;
	for (unsigned int k = 0, j = 0; k < words->n; k++) {
		while (j < m->n_words && m->word[j] < words->word[k])
			j++;
		if (j == m->n_words || m->word[j] != words->word[k])
			continue;
		i->mask[k] = be64toh(m->bits[j]);
		i->value[k] = be64toh(r->value[j]);
		n++;
	}
	i->inside = n == m->n_words;
}

struct change {
	struct cut_tree *t;
	const struct cut_words *words;
	const struct cut_item *i;
	uint32_t copies;
	bool full, found;
	struct leaf_tail *replaced;
};

static struct cut cut_of(uint64_t node)
{
	return (struct cut){ .at = (uint8_t)(node >> 58),
			     .shift = node >> 48 & 63,
			     .bits = node >> 54 & 15 };
}

/* For each leaf that the rule stands in; until one of them says not 0. */
static int each_leaf(struct change *g, cut_entry *e, int (*visit)(struct change *, cut_entry *))
{
	const uint64_t to = entry_get(e);
	struct span s;
	struct cut c;
	uint32_t sub = 0;
	int err;

	if (!cut_is_node(to))
		return visit(g, e);
	c = cut_of(to);
	s = span_of(&c, g->i);
	do {
		err = each_leaf(g, (cut_entry *)cut_at(to) + (s.value | sub), visit);
		sub = span_next(&s, sub);
	} while (!err && sub);
	return err;
}

static int count_copy(struct change *g, cut_entry *e)
{
	return ++g->copies > COPIES_MAX ? -EAGAIN : 0;
}

static uint32_t leaf_rules(uint64_t leaf, const struct cls_rule *but)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < cut_blocks(leaf) * CUT_BLOCK; i++)
		n += leaf_rule(leaf, i) && leaf_rule(leaf, i) != but;
	return n;
}

/* Another leaf in the place of 'e'. */
static void replace(struct change *g, cut_entry *e, uint64_t leaf)
{
	const uint64_t old = entry_get(e);

	entry_set(e, leaf);
	if (!cut_blocks(old))
		return;
	leaf_drop(g->t, old);
	tail_of(old)->next = g->replaced;
	g->replaced = tail_of(old);
}

/* The leaf with one rule more. */
static int put_in(struct change *g, cut_entry *e)
{
	struct cut_item *self = (struct cut_item *)(uintptr_t)g->i;
	const uint64_t old = entry_get(e);
	const uint32_t n = leaf_rules(old, NULL);
	uint32_t at = 0;
	uint64_t leaf;
	bool in = false;

	if (n == CUT_LEAF_MAX) {
		g->full = true;
		return 0;
	}
	leaf = leaf_new(g->t, n + 1,
			n ? old & UINT64_C(0xffff) << 48 : choose_halves(g->words, &self, 1));
	if (!leaf)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		if (!in && leaf_rule(old, i)->priority < self->priority) {
			leaf_put(g->words, leaf, at++, self);
			in = true;
		}
		leaf_copy(old, i, leaf, at++);
	}
	if (!in)
		leaf_put(g->words, leaf, at, self);
	replace(g, e, leaf);
	return 0;
}

/* ... and with one less. */
static int take_out(struct change *g, cut_entry *e)
{
	const uint64_t old = entry_get(e);
	const uint32_t n = leaf_rules(old, NULL), rest = leaf_rules(old, g->i->rule);
	uint64_t leaf = 0;
	uint32_t at = 0;

	if (n == rest)
		return 0;
	if (rest) {
		leaf = leaf_new(g->t, rest, old & UINT64_C(0xffff) << 48);
		if (!leaf)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		if (leaf_rule(old, i) != g->i->rule)
			leaf_copy(old, i, leaf, at++);
	g->found = true;
	replace(g, e, leaf);
	return 0;
}

static void free_replaced(void *first)
{
	for (struct leaf_tail *l = first, *next; l; l = next) {
		next = l->next;
		free(l->leaf);
	}
}

static void retire(struct change *g, struct cls *c)
{
	if (g->replaced)
		cls_retire(c, g->replaced, free_replaced);
	g->replaced = NULL;
}

int cut_tree_add(struct cut_tree *t, const struct cut_words *words, const struct cut_item *i,
		 struct cls *c)
{
	struct change g = { .t = t, .words = words, .i = i };
	int err;

	if (t->cut.bits && span_of(&t->cut, i).n > CUT_ROOT_COPIES)
		return -EAGAIN;
	if (each_leaf(&g, &t->root, count_copy))
		return -EAGAIN;
	err = each_leaf(&g, &t->root, put_in);
	retire(&g, c);
	if (err)
		return err;
	t->n++;
	t->full += g.full;
	return g.full;
}

int cut_tree_del(struct cut_tree *t, const struct cut_words *words, const struct cut_item *i,
		 struct cls *c)
{
	struct change g = { .t = t, .words = words, .i = i };
	int err;

	if (t->cut.bits && span_of(&t->cut, i).n > CUT_ROOT_COPIES)
		return 0;
	err = each_leaf(&g, &t->root, take_out);
	retire(&g, c);
	t->n -= g.found;
	return err ? err : g.found;
}
