/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decision tree over rules of any masks, for many readers and one writer (the cuts template).
 *
 *	root -> node: some neighbouring bits of a word choose a child -> ... -> leaf: a few rules
 *
 * A leaf is compared whole, eight rules at a time, in the halves of words that tell its rules apart
 * best; what remains is compared with the rule itself, so that a leaf may say yes too often, never
 * no.  Nothing remains of most: what nearly all rules have in common (an ethertype) is compared
 * once for a packet, and a rule that looks at nothing else than that and the halves is marked.  A
 * rule that leaves bits of a cut open stands in several leaves; one that would stand in too many is
 * not taken, and has to go into another tree.  That is what there are several for.
 *
 * An entry is one word: where it leads, and how to read that.  Leaves are never changed: another
 *one is made and put in place by one store.  Nodes stay until the tree is freed.
 */
#ifndef WEFT_DATAPATH_CLS_CUT_H
#define WEFT_DATAPATH_CLS_CUT_H

#include <string.h>

#include "datapath/cls.h"

enum {
	CUT_WORDS = 8, /* of a key that trees look at; rules' others are compared at the end */
	CUT_BITS_MAX = 14,
	CUT_PARTS = 4,
	CUT_LINES = CUT_PARTS + 1,
	CUT_BLOCK = 8,	   /* rules that are compared at once */
	CUT_LEAF_MAX = 64, /* rules */
	CUT_TREES = 6,
};

/* A rule as trees see it: host order, in the words that they look at. */
struct cut_item {
	struct cls_rule *rule;
	uint16_t priority;
	bool rest;   /* a tree has not taken all of it */
	bool inside; /* it looks at no other words */
	uint64_t mask[CUT_WORDS], value[CUT_WORDS];
};

/* Which words of the key those are. */
struct cut_words {
	uint8_t n;
	uint8_t word[CUT_WORDS];
	bool line; /* the first ones, all of them: a key can be read as it is */
	/* What nearly all rules have in common, in host order; and as it lies in a key, of those
	 * words that it is in. */
	uint64_t mask[CUT_WORDS], value[CUT_WORDS];
	uint8_t n_common, common[CUT_WORDS];
	uint64_t common_mask[CUT_WORDS], common_value[CUT_WORDS];
};

struct cut_block {
	struct cut_part {
		uint32_t mask[CUT_BLOCK], value[CUT_BLOCK];
	} part[CUT_PARTS];
	/* Priority in the upper 16 bits, the rule's address below, and CUT_WHOLE: the greatest is
	 * the best.  0: free. */
	_Atomic uint64_t rule[CUT_BLOCK];
};

_Static_assert(sizeof(struct cut_block) == 64 * CUT_LINES, "a block is whole lines");

/* The rule looks at nothing beside what its leaf compares and what is common. */
#define CUT_WHOLE UINT64_C(1)

/*
 * Bit 0: a node; bits 6 to 47: the address.  Of a node: 48 to 53 shift, 54 to 57 bits of the cut,
 * from 58 which word.  Of a leaf: bits 1 to 4 blocks; from 48 four bits for each part, the half of
 * those words that trees look at.
 */
typedef _Atomic uint64_t cut_entry;

struct cut {
	uint8_t at; /* which of the words that trees look at */
	uint8_t shift, bits;
};

struct cut_tree {
	cut_entry root;
	/* Control thread. */
	struct cut cut; /* the root's */
	uint32_t n;	/* rules */
	uint32_t slots; /* in leaves, and of these taken at the build */
	uint32_t full;	/* rules that found a leaf full since it was built */
	size_t bytes;
	struct cut_node *nodes;
};

/* ---- Building: any thread that has the tree for itself ---- */

/*
 * A tree of those items that it takes; the others are left in v[0..n) (their number is returned, or
 * -ENOMEM).  item.rest is set where a part of one that it takes found no place.
 */
int64_t cut_tree_build(struct cut_tree *t, const struct cut_words *words, struct cut_item **v,
		       uint32_t n);
void cut_tree_fini(struct cut_tree *t);

/* A good cut for these; a root's may leave items out.  False: there is none. */
bool cut_choose(const struct cut_words *words, struct cut_item *const *v, uint32_t n, bool root,
		struct cut *out);
/* The most copies of a rule that a root's cut may make. */
enum { CUT_ROOT_COPIES = 16 };

/* ---- Changing: control thread ---- */

/*
 * 0: it is in; 1: a part of it found no place; -EAGAIN: this tree does not take it; -ENOMEM: a part
 * of it may be in.
 */
int cut_tree_add(struct cut_tree *t, const struct cut_words *words, const struct cut_item *i,
		 struct cls *c);
/* 1: it was there, and is out; 0: it was not; -ENOMEM: it may be in yet. */
int cut_tree_del(struct cut_tree *t, const struct cut_words *words, const struct cut_item *i,
		 struct cls *c);

/* What 'r' is to trees that look at these words. */
void cut_item_init(struct cut_item *i, const struct cut_words *words, struct cls_rule *r);

/* ---- Reading ---- */

/* Keys, 'step' bytes from one to the next, of which no more is read than rules look at. */
struct cut_keys {
	const void *first;
	size_t step;
	uint64_t version;
};

/* For each packet of 'todo': hit[i] = the best rule of all trees that hits, or NULL. */
void cut_lookup(const struct cut_tree *t, unsigned int n_trees, const struct cut_words *words,
		const struct cut_keys *keys, uint64_t todo, const struct cls_rule **hit);
/* By plain instructions or, with what this processor has, by vectors; for tests. */
extern bool cut_scalar;

static inline struct cls_rule *cut_rule(uint64_t r)
{
	return (struct cls_rule *)(uintptr_t)(r & UINT64_C(0x0000fffffffffff8));
}

static inline void *cut_at(uint64_t e)
{
	return (void *)(uintptr_t)(e & UINT64_C(0x0000ffffffffffc0));
}

static inline bool cut_is_node(uint64_t e)
{
	return e & 1;
}

static inline unsigned int cut_blocks(uint64_t e)
{
	return e >> 1 & 15;
}

/* Which half of the words that trees look at a leaf compares as its part 'n'. */
static inline unsigned int cut_half(uint64_t e, unsigned int n)
{
	return e >> (48 + 4 * n) & 15;
}

/* Which child of a node a packet with these words goes to. */
static inline uint32_t cut_index(uint64_t e, const uint64_t *word)
{
	const uint64_t w = __builtin_bswap64(word[e >> 58 & (CUT_WORDS - 1)]);

	return (uint32_t)(w >> (e >> 48 & 63)) & ((1u << (e >> 54 & 15)) - 1);
}

#endif
