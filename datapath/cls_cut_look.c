/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking up in trees of cuts.
 *
 * All packets of a burst are in all trees at once, as so many walkers: level by level each takes a
 * step, so that what one waits for comes while others go on.  Then the blocks of all leaves that
 * were come to are compared, one after the other, in the parts that tell most; the others, and the
 * rules, are asked for only where these leave something.  Of each packet the best rule is kept.
 * There is no branch in that that depends on a packet, but where one has left the trees. Only the
 * best is compared with the key as a whole; if that fails, which is rare, the packet's leaves are
 * searched again.
 */
#include <immintrin.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_prefetch.h>

#include "datapath/cls_cut.h"

bool cut_scalar;
static bool have_vectors;

/* What the faster of two ways is compiled for; both are one text, and what they call is inlined. */
#define VECTORS __attribute__((target("avx2,bmi,bmi2")))

__attribute__((constructor)) static void look_at_processor(void)
{
	have_vectors = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
		       __builtin_cpu_supports("bmi2");
}

#define EACH(i, set)                                                                           \
	for (uint64_t left_ = (set); left_ && ((i) = (unsigned int)__builtin_ctzll(left_), 1); \
	     left_ &= left_ - 1)

enum {
	WALKERS = CUT_TREES * BURST_MAX,
	BLOCKS = CUT_LEAF_MAX / CUT_BLOCK, /* of one leaf */
	AT_ONCE = 4,			   /* blocks that are noted by one store */
	FIRST = 2,			   /* parts that are compared first */
};

/* A walker is a packet in a tree: its number is the tree's times BURST_MAX and the packet's. */
struct look {
	const uint64_t (*word)[CUT_WORDS];    /* what trees look at, as it lies in the key */
	uint64_t taken[BURST_MAX][CUT_WORDS]; /* ... where keys are not just that */
	const cut_entry *e[WALKERS];	      /* what is read next */
	uint64_t at[WALKERS];		      /* the leaf, in the end */
	uint8_t all[WALKERS], who[WALKERS];   /* walkers; those that have not come to a leaf */
	unsigned int n, n_blocks;
	/* What is to be compared: blocks, whose they are, and which rules of them may be. */
	const struct cut_block *block[WALKERS * BLOCKS + AT_ONCE];
	uint8_t of[WALKERS * BLOCKS + AT_ONCE];
	uint8_t set[WALKERS * BLOCKS];
	uint64_t best[BURST_MAX];
};

static __rte_always_inline const uint64_t *key_of(const struct cut_keys *keys, unsigned int i)
{
	return (const uint64_t *)((const uint8_t *)keys->first + i * keys->step);
}

static __rte_always_inline void take_words(struct look *l, const struct cut_words *words,
					   const struct cut_keys *keys, uint64_t todo)
{
	unsigned int i;

	if (words->line && keys->step == sizeof(l->word[0])) {
		l->word = keys->first;
		return;
	}
	l->word = (const uint64_t(*)[CUT_WORDS])l->taken;
	if (words->line) {
		EACH(i, todo)
		memcpy(l->taken[i], key_of(keys, i), sizeof(l->taken[i]));
		return;
	}
	EACH(i, todo)
	for (unsigned int k = 0; k < words->n; k++)
		l->taken[i][k] = key_of(keys, i)[words->word[k]];
}

/* Everybody at the roots. */
static __rte_always_inline void start(struct look *l, const struct cut_tree *t,
				      unsigned int n_trees, uint64_t todo)
{
	unsigned int n = 0, i;

	for (unsigned int k = 0; k < n_trees; k++) {
		const uint64_t root = atomic_load_explicit(&t[k].root, memory_order_acquire);
		const bool node = cut_is_node(root);
		const cut_entry *to = node ? cut_at(root) : &t[k].root;

		EACH(i, todo)
		{
			const unsigned int w = k * BURST_MAX + i;

			/* A root that is a leaf is no cut. */
			l->e[w] = to + (node ? cut_index(root, l->word[i]) : 0);
			rte_prefetch0(l->e[w]);
			l->all[n] = l->who[n] = (uint8_t)w;
			n++;
		}
	}
	l->n = n;
}

static __rte_always_inline void descend(struct look *l)
{
	unsigned int n = l->n;

	while (n) {
		unsigned int m = 0;

		for (unsigned int k = 0; k < n; k++) {
			const unsigned int w = l->who[k];
			const uint64_t at = atomic_load_explicit(l->e[w], memory_order_acquire);
			/* Of what is a leaf the result is not used. */
			const uint32_t to =
				cut_index(at, l->word[w % BURST_MAX]) & -(uint32_t)(at & 1);

			l->at[w] = at;
			l->e[w] = (const cut_entry *)cut_at(at) + to;
			rte_prefetch0(l->e[w]);
			l->who[m] = (uint8_t)w;
			m += at & 1;
		}
		n = m;
	}
}

/* What is to be compared. */
static __rte_always_inline void note_blocks(struct look *l)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < l->n; k++) {
		const unsigned int w = l->all[k], blocks = cut_blocks(l->at[w]);
		const struct cut_block *p = cut_at(l->at[w]);
		const uint32_t four = w * UINT32_C(0x01010101);

		memcpy(&l->of[n], &four, sizeof(four));
		for (unsigned int m = 0; m < AT_ONCE; m++)
			l->block[n + m] = p + m;
		if (unlikely(blocks > AT_ONCE)) {
			for (unsigned int m = AT_ONCE; m < blocks; m++) {
				l->of[n + m] = (uint8_t)w;
				l->block[n + m] = p + m;
			}
		}
		n += blocks;
	}
	l->n_blocks = n;
}

/* Lines 'from' to 'to' - 1 of what is to be compared. */
static __rte_always_inline void ask(const struct look *l, unsigned int from, unsigned int to)
{
	for (unsigned int k = 0; k < l->n_blocks; k++) {
		const uint8_t *line = (const uint8_t *)l->block[k];

#pragma GCC unroll 5
		for (unsigned int i = from; i < to; i++)
			rte_prefetch0(line + 64 * i);
	}
}

/* Half 'n' of the words that trees look at. */
static __rte_always_inline uint32_t half(const uint64_t *word, unsigned int n)
{
	uint32_t v;

	memcpy(&v, (const uint8_t *)word + n * sizeof(v), sizeof(v));
	return v;
}

/* Which rules of a block of leaf 'e' a packet's words do not exclude by parts 'from' to 'to' - 1.
 */
static inline unsigned int alike_plain(const struct cut_block *k, uint64_t e, const uint64_t *word,
				       unsigned int from, unsigned int to)
{
	unsigned int set = 0;

	for (unsigned int j = 0; j < CUT_BLOCK; j++) {
		uint32_t differ = 0;

		for (unsigned int p = from; p < to; p++)
			differ |= (half(word, cut_half(e, p)) & k->part[p].mask[j]) ^
				  k->part[p].value[j];
		set |= (unsigned int)!differ << j;
	}
	return set;
}

VECTORS static inline unsigned int alike_avx2(const struct cut_block *k, uint64_t e,
					      const uint64_t *word, unsigned int from,
					      unsigned int to)
{
	__m256i differ = _mm256_setzero_si256(), same;

#pragma GCC unroll 4
	for (unsigned int p = from; p < to; p++) {
		const __m256i *v = (const __m256i *)(const void *)&k->part[p];
		const __m256i x =
			_mm256_and_si256(_mm256_set1_epi32((int)half(word, cut_half(e, p))), v[0]);

		differ = _mm256_or_si256(differ, _mm256_xor_si256(x, v[1]));
	}
	same = _mm256_cmpeq_epi32(differ, _mm256_setzero_si256());
	return (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(same));
}

static __rte_always_inline void
compare(struct look *l, unsigned int (*alike)(const struct cut_block *, uint64_t, const uint64_t *,
					      unsigned int, unsigned int))
{
	unsigned int left = 0;

	ask(l, 0, FIRST);
	for (unsigned int n = 0; n < l->n_blocks; n++) {
		const unsigned int w = l->of[n];
		const struct cut_block *k = l->block[n];
		const unsigned int set = alike(k, l->at[w], l->word[w % BURST_MAX], 0, FIRST);

		l->block[left] = k;
		l->of[left] = (uint8_t)w;
		l->set[left] = (uint8_t)set;
		left += set != 0;
	}
	l->n_blocks = left;
	ask(l, FIRST, CUT_LINES);
	for (unsigned int n = 0; n < l->n_blocks; n++) {
		const unsigned int w = l->of[n], i = w % BURST_MAX;
		const struct cut_block *k = l->block[n];
		const unsigned int set =
			alike(k, l->at[w], l->word[i], FIRST, CUT_PARTS) & l->set[n];
		uint64_t r;

		/* The first is the best; of none at all, any, and it does not count. */
		r = atomic_load_explicit(&k->rule[__builtin_ctz(set | 1u << (CUT_BLOCK - 1))],
					 memory_order_acquire);
		r &= -(uint64_t)(set != 0);
		l->best[i] = r > l->best[i] ? r : l->best[i];
	}
}

/* All that packet i came to, rule by rule. */
static __rte_noinline const struct cls_rule *search(const struct look *l,
						    const struct cut_keys *keys, unsigned int i)
{
	const struct cls_rule *best = NULL;

	for (unsigned int n = 0; n < l->n_blocks; n++) {
		const unsigned int w = l->of[n];
		const struct cut_block *k = l->block[n];
		unsigned int set;

		if (w % BURST_MAX != i)
			continue;
		for (set = alike_plain(k, l->at[w], l->word[i], 0, CUT_PARTS); set;
		     set &= set - 1) {
			const struct cls_rule *r = cut_rule(atomic_load_explicit(
				&k->rule[__builtin_ctz(set)], memory_order_acquire));

			if (r && (!best || r->priority > best->priority) &&
			    cls_rule_visible(r, keys->version) && cls_rule_hits(r, key_of(keys, i)))
				best = r;
		}
	}
	return best;
}

/* Whether a packet has what nearly all rules have in common. */
static __rte_always_inline bool has_common(const struct cut_words *w, const uint64_t *word)
{
	uint64_t differ = 0;

	for (unsigned int k = 0; k < w->n_common; k++)
		differ |= (word[w->common[k]] & w->common_mask[k]) ^ w->common_value[k];
	return !differ;
}

static __rte_always_inline void
look_up(const struct cut_tree *t, unsigned int n_trees, const struct cut_words *words,
	const struct cut_keys *keys, uint64_t todo, const struct cls_rule **hit,
	unsigned int (*alike)(const struct cut_block *, uint64_t, const uint64_t *, unsigned int,
			      unsigned int))
{
	struct look l;
	unsigned int i;

	take_words(&l, words, keys, todo);
	start(&l, t, n_trees, todo);
	descend(&l);
	note_blocks(&l);
	EACH(i, todo)
	l.best[i] = 0;
	compare(&l, alike);
	EACH(i, todo)
	rte_prefetch0((const void *)((uintptr_t)cut_rule(l.best[i]) +
				     offsetof(struct cls_rule, removed)));
	EACH(i, todo)
	{
		const struct cls_rule *r = cut_rule(l.best[i]);

		if (likely(r && cls_rule_visible(r, keys->version) &&
			   ((l.best[i] & CUT_WHOLE && has_common(words, l.word[i])) ||
			    cls_rule_hits(r, key_of(keys, i)))))
			hit[i] = r;
		else
			hit[i] = search(&l, keys, i);
	}
}

VECTORS static void look_up_vectors(const struct cut_tree *t, unsigned int n_trees,
				    const struct cut_words *words, const struct cut_keys *keys,
				    uint64_t todo, const struct cls_rule **hit)
{
	look_up(t, n_trees, words, keys, todo, hit, alike_avx2);
}

void cut_lookup(const struct cut_tree *t, unsigned int n_trees, const struct cut_words *words,
		const struct cut_keys *keys, uint64_t todo, const struct cls_rule **hit)
{
	if (likely(have_vectors && !cut_scalar))
		look_up_vectors(t, n_trees, words, keys, todo, hit);
	else
		look_up(t, n_trees, words, keys, todo, hit, alike_plain);
}
