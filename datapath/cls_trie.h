/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trie of IPv4 prefixes with their rules, for many readers and one writer (the lpm template).
 *
 * Strides of 16, 8, 4 and 4 bits: what is longer than 24 bits is mostly alone in its /24, and takes
 * one or two tables of two lines there, not one of 32.  Each entry leads to the longest prefix that
 * covers it, which knows the next shorter one, for readers to whom the longer one's rules are not
 * visible.  An entry, a parent and a rule are each published by one store, after what they lead to.
 * Prefixes stay when their rules go: whoever owns the trie builds another one when too many are
 * empty.
 */
#ifndef WEFT_DATAPATH_CLS_TRIE_H
#define WEFT_DATAPATH_CLS_TRIE_H

#include "datapath/cls.h"

enum { TRIE_ROOT = 1 << 16, TRIE_LEVELS = 3 };

/* Of a table at each level below the root: bits of an address that are behind its entries'. */
static const uint8_t trie_shift[TRIE_LEVELS + 1] = { 16, 8, 4, 0 };

struct trie_link {
	struct trie_link *_Atomic next;
	struct cls_rule *_Atomic rule; /* NULL: free */
};

/* One prefix.  Usually one rule; more while one replaces another. */
struct trie_node {
	struct trie_node *_Atomic parent; /* the next shorter prefix that covers it */
	struct trie_link first;
	uint32_t addr;
	uint8_t len;
	struct trie_node *all; /* next of all nodes; control thread */
};

/* Address of a node (or NULL), or of a table's entries with the lowest bit set. */
typedef _Atomic uintptr_t trie_entry;

/* In front of its entries, so that they are whole lines. */
struct trie_table {
	struct trie_table *all;
	uint32_t n;
	trie_entry e[] __attribute__((aligned(64)));
};

/* All zero: an empty trie. */
struct trie {
	struct trie_node *nodes;
	struct trie_table *tables;
	uint32_t n_nodes;
	size_t bytes; /* of tables */
	trie_entry root[TRIE_ROOT];
};

void trie_fini(struct trie *t);
/* Links and unlinks a rule for addr/len, 'addr' without further bits.  0 or -ENOMEM; whether it was
 * there. */
int trie_add(struct trie *t, uint32_t addr, uint8_t len, struct cls_rule *r);
bool trie_del(struct trie *t, uint32_t addr, uint8_t len, const struct cls_rule *r);
size_t trie_memory(const struct trie *t);
/* Bytes of a table at a level below the root, 1 to TRIE_LEVELS. */
size_t trie_table_bytes(unsigned int level);

/* ---- Reading ---- */

static inline trie_entry *trie_below(uintptr_t e)
{
	return e & 1 ? (trie_entry *)(e - 1) : NULL;
}

static inline uintptr_t trie_entry_get(const trie_entry *e)
{
	return atomic_load_explicit(e, memory_order_acquire);
}

static inline struct trie_node *trie_parent(const struct trie_node *n)
{
	return atomic_load_explicit(&n->parent, memory_order_acquire);
}

/* The longest prefix that covers 'addr', with or without rules; NULL: none. */
static inline struct trie_node *trie_longest(const struct trie *t, uint32_t addr)
{
	uintptr_t e = trie_entry_get(&t->root[addr >> 16]);

	if (e & 1)
		e = trie_entry_get(&trie_below(e)[addr >> 8 & 0xff]);
	if (e & 1)
		e = trie_entry_get(&trie_below(e)[addr >> 4 & 0xf]);
	if (e & 1)
		e = trie_entry_get(&trie_below(e)[addr & 0xf]);
	return (struct trie_node *)e;
}

/* The rule that will most often be the one. */
static inline const struct cls_rule *trie_first(const struct trie_node *n)
{
	return atomic_load_explicit(&n->first.rule, memory_order_relaxed);
}

/* The best rule that 'version' shows of a prefix, else of the next shorter one that has any. */
static inline const struct cls_rule *trie_visible(const struct trie_node *n, uint64_t version)
{
	for (; n; n = trie_parent(n)) {
		const struct cls_rule *best = NULL;

		for (const struct trie_link *k = &n->first; k;
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

#endif
