/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking up in trees of cuts.
 *
 * All packets of a burst are in all trees at once, as so many walkers: level by level each takes a
 * step, so that what one waits for comes while others go on.  Then the blocks of all leaves that
 * were come to are compared, one after the other, and of each packet the best rule that they show
 * is kept.  There is no branch in that that depends on a packet, but where one has left the trees.
 * Only the best is compared with the key as a whole; if that fails, which is rare, the packet's
 * leaves are searched again.
 */
#include <immintrin.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "datapath/cls_cut.h"

bool cut_scalar;
static bool have_avx2;

__attribute__((constructor)) static void look_at_processor(void)
{
	have_avx2 = __builtin_cpu_supports("avx2");
}

#define EACH(i, set)                                                                           \
	for (uint64_t left_ = (set); left_ && ((i) = (unsigned int)__builtin_ctzll(left_), 1); \
	     left_ &= left_ - 1)

enum {
	WALKERS = CUT_TREES * BURST_MAX,
	BLOCKS = CUT_LEAF_MAX / CUT_BLOCK, /* of one leaf */
	AT_ONCE = 4,			   /* blocks that are noted by one store */
};

/* A walker is a packet in a tree: its number is the tree's times BURST_MAX and the packet's. */
struct look {
	const uint64_t (*word)[CUT_WORDS];    /* what trees look at, as it lies in the key */
	uint64_t taken[BURST_MAX][CUT_WORDS]; /* ... where keys are not just that */
	const cut_entry *e[WALKERS];	      /* what is read next */
	uint64_t at[WALKERS];		      /* the leaf, in the end */
	uint8_t all[WALKERS], who[WALKERS];   /* walkers; those that have not come to a leaf */
	unsigned int n, n_blocks;
	uint16_t block[WALKERS * BLOCKS + AT_ONCE]; /* walker, and in the upper half which */
	uint64_t best[BURST_MAX];
};

static inline const uint64_t *key_of(const struct cut_keys *keys, unsigned int i)
{
	return (const uint64_t *)((const uint8_t *)keys->first + i * keys->step);
}

static inline void take_words(struct look *l, const struct cut_words *words,
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
static inline void start(struct look *l, const struct cut_tree *t, unsigned int n_trees,
			 uint64_t todo)
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

static inline void descend(struct look *l)
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
static inline void note_blocks(struct look *l)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < l->n; k++) {
		const unsigned int w = l->all[k], blocks = cut_blocks(l->at[w]);
		uint64_t four = w * UINT64_C(0x0001000100010001) + UINT64_C(0x0300020001000000);

		memcpy(&l->block[n], &four, sizeof(four));
		if (unlikely(blocks > AT_ONCE))
			for (unsigned int m = AT_ONCE; m < blocks; m++)
				l->block[n + m] = (uint16_t)(w | m << 8);
		n += blocks;
	}
	for (unsigned int k = 0; k < n; k++) {
		const struct cut_block *p = cut_at(l->at[l->block[k] & 0xff]);
		const uint8_t *line = (const uint8_t *)(p + (l->block[k] >> 8));

#pragma GCC unroll 5
		for (unsigned int i = 0; i < CUT_LINES; i++)
			rte_prefetch0(line + 64 * i);
	}
	l->n_blocks = n;
}

/* Half 'n' of the words that trees look at. */
static inline uint32_t half(const uint64_t *word, unsigned int n)
{
	uint32_t v;

	memcpy(&v, (const uint8_t *)word + n * sizeof(v), sizeof(v));
	return v;
}

/* Which rules of a block of leaf 'e' a packet's words do not exclude. */
static inline unsigned int alike_plain(const struct cut_block *k, uint64_t e, const uint64_t *word)
{
	unsigned int set = 0;

	for (unsigned int j = 0; j < CUT_BLOCK; j++) {
		uint32_t differ = 0;

		for (unsigned int p = 0; p < CUT_PARTS; p++)
			differ |= (half(word, cut_half(e, p)) & k->part[p].mask[j]) ^
				  k->part[p].value[j];
		set |= (unsigned int)!differ << j;
	}
	return set;
}

__attribute__((target("avx2"))) static inline unsigned int
alike_avx2(const struct cut_block *k, uint64_t e, const uint64_t *word)
{
	__m256i differ = _mm256_setzero_si256(), same;

#pragma GCC unroll 4
	for (unsigned int p = 0; p < CUT_PARTS; p++) {
		const __m256i *v = (const __m256i *)(const void *)&k->part[p];
		const __m256i x =
			_mm256_and_si256(_mm256_set1_epi32((int)half(word, cut_half(e, p))), v[0]);

		differ = _mm256_or_si256(differ, _mm256_xor_si256(x, v[1]));
	}
	same = _mm256_cmpeq_epi32(differ, _mm256_setzero_si256());
	return (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(same));
}

static inline __attribute__((always_inline)) void
compare(struct look *l, unsigned int (*alike)(const struct cut_block *, uint64_t, const uint64_t *))
{
	for (unsigned int n = 0; n < l->n_blocks; n++) {
		const unsigned int w = l->block[n] & 0xff, i = w % BURST_MAX;
		const struct cut_block *k =
			(const struct cut_block *)cut_at(l->at[w]) + (l->block[n] >> 8);
		const unsigned int set = alike(k, l->at[w], l->word[i]);
		uint64_t r;

		/* The first is the best; of none at all, any, and it does not count. */
		r = atomic_load_explicit(&k->rule[__builtin_ctz(set | 1u << (CUT_BLOCK - 1))],
					 memory_order_acquire);
		r &= -(uint64_t)(set != 0);
		l->best[i] = r > l->best[i] ? r : l->best[i];
	}
}

static void compare_plain(struct look *l)
{
	compare(l, alike_plain);
}

__attribute__((target("avx2"))) static void compare_avx2(struct look *l)
{
	compare(l, alike_avx2);
}

/* All that packet i came to, rule by rule. */
static const struct cls_rule *search(const struct look *l, const struct cut_keys *keys,
				     unsigned int i)
{
	const struct cls_rule *best = NULL;

	for (unsigned int n = 0; n < l->n_blocks; n++) {
		const unsigned int w = l->block[n] & 0xff;
		const struct cut_block *k =
			(const struct cut_block *)cut_at(l->at[w]) + (l->block[n] >> 8);
		unsigned int set;

		if (w % BURST_MAX != i)
			continue;
		for (set = alike_plain(k, l->at[w], l->word[i]); set; set &= set - 1) {
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
static inline bool has_common(const struct cut_words *w, const uint64_t *word)
{
	uint64_t differ = 0;

	for (unsigned int k = 0; k < w->n_common; k++)
		differ |= (word[w->common[k]] & w->common_mask[k]) ^ w->common_value[k];
	return !differ;
}

void cut_lookup(const struct cut_tree *t, unsigned int n_trees, const struct cut_words *words,
		const struct cut_keys *keys, uint64_t todo, const struct cls_rule **hit)
{
	struct look l;
	unsigned int i;

	take_words(&l, words, keys, todo);
	start(&l, t, n_trees, todo);
	descend(&l);
	note_blocks(&l);
	EACH(i, todo)
	l.best[i] = 0;
	if (have_avx2 && !cut_scalar)
		compare_avx2(&l);
	else
		compare_plain(&l);
	EACH(i, todo)
	rte_prefetch0(&cut_rule(l.best[i])->removed);
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
