/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trie of address prefixes, IPv4 or IPv6, with their rules, for many readers and one writer (the
 * lpm template).
 *
 * An address is 128 bits, IPv4's the first 32 of them.  The first 16 bits are an index of the root;
 * below it tables of 16 entries, one line each, stand only where prefixes part: what all of those
 * below have in common is skipped, and compared at the end with the prefix that was come to.  So a
 * new prefix makes one table at most, and memory is bounded by their number, however they are
 * scattered: TRIE_BYTES each, and the root.
 *
 * Each entry leads to a prefix such that the longest one that covers the address is this, or one of
 * the shorter ones that cover it (its parents).  Readers go there, too, if its rules are not
 * visible to them.  An entry, a parent and a rule are each published by one store, after what they
 * lead to.  Prefixes stay when their rules go: whoever owns the trie builds another one when too
 * many are empty, or when it is full.
 */
#ifndef WEFT_DATAPATH_CLS_TRIE_H
#define WEFT_DATAPATH_CLS_TRIE_H

#include "datapath/cls.h"

struct express;

enum {
	TRIE_ROOT = 1 << 16,
	TRIE_FAN = 16,
	TRIE_BITS = 128,
	/* An entry: index of a leaf (0: none), or of a table, and which four bits of the address it
	 * goes by. */
	TRIE_TABLE_BITS = 26,
	TRIE_MAX = 1 << TRIE_TABLE_BITS, /* prefixes */
};

#define TRIE_TABLE UINT32_C(0x80000000)

typedef _Atomic uint32_t trie_entry;

struct trie_key {
	uint64_t hi, lo; /* host order */
};

struct trie_table {
	trie_entry e[TRIE_FAN];
};

/*
 * What most lookups end with, two a line: the prefix, and, where one flow is all that it has, and
 * that flow's instructions are all in an express step, what that says.  (Who changes that sets x to
 * NULL first, before the change is published, and the flow's id only while x is NULL.)
 */
struct trie_leaf {
	struct trie_key key;
	struct express *_Atomic x; /* NULL: look at the rules */
	_Atomic uint32_t added;	   /* low half of the version that shows the flow */
	_Atomic uint32_t id_len;   /* id of the flow, above; the prefix's length */
};

struct trie_link {
	struct trie_link *_Atomic next;
	struct cls_rule *_Atomic rule; /* NULL: free */
};

/* What else is to be known of a prefix.  Usually one rule; more while one replaces another. */
struct trie_node {
	_Atomic uint32_t parent; /* the next shorter prefix that covers it; 0: none */
	_Atomic uint32_t beside; /* rules that are not here, and may hit packets that are */
	struct trie_link first;
};

enum {
	/* A prefix in memory: leaf, node, table, what the table's prefixes have in common. */
	TRIE_BYTES = sizeof(struct trie_leaf) + sizeof(struct trie_node) +
		     sizeof(struct trie_table) + sizeof(struct trie_key),
};

struct trie {
	trie_entry *root;
	struct trie_table *tables;
	struct trie_leaf *leaves;
	struct trie_node *nodes;
	/* Control thread. */
	struct trie_key *bases; /* of tables: their first bits */
	uint32_t n, n_tables;	/* both from 1 on: 0 is nobody */
	uint32_t max;
	size_t extra; /* bytes of further links */
	void *mem;
	size_t bytes; /* of it; what is not in use yet is address space alone */
};

/* Room for 'n' prefixes.  0 or -ENOMEM. */
int trie_init(struct trie *t, uint32_t n);
void trie_fini(struct trie *t);
/* Links a rule for key/len, 'key' without further bits.  '*leaf': where.  0, -ENOMEM, or -EAGAIN:
 * full. */
int trie_add(struct trie *t, struct trie_key key, uint8_t len, struct cls_rule *r, uint32_t *leaf);
/* The prefix's leaf, which is made if there is none; 0: full. */
uint32_t trie_get(struct trie *t, struct trie_key key, uint8_t len);
/* The prefix's leaf, or 0. */
uint32_t trie_find(const struct trie *t, struct trie_key key, uint8_t len);
/* Unlinks it there; whether it was. */
bool trie_del(struct trie *t, uint32_t leaf, const struct cls_rule *r);
/* The one rule of a prefix that will not go; NULL: there are more, or none. */
struct cls_rule *trie_only(const struct trie *t, uint32_t leaf);
size_t trie_memory(const struct trie *t);

/* So many more rules beside it: before they can be seen, and after. */
static inline void trie_beside_add(struct trie *t, uint32_t leaf, uint32_t n)
{
	_Atomic uint32_t *at = &t->nodes[leaf].beside;

	atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + n,
			      memory_order_release);
}

/* ---- Reading ---- */

static inline uint32_t trie_beside(const struct trie *t, uint32_t leaf)
{
	return atomic_load_explicit(&t->nodes[leaf].beside, memory_order_relaxed);
}

static inline uint32_t trie_entry_get(const trie_entry *e)
{
	return atomic_load_explicit(e, memory_order_acquire);
}

static inline bool trie_is_table(uint32_t e)
{
	return e & TRIE_TABLE;
}

static inline unsigned int trie_table_at(uint32_t e)
{
	return e >> TRIE_TABLE_BITS & 31;
}

static inline uint32_t trie_table_no(uint32_t e)
{
	return e & (TRIE_MAX - 1);
}

/* Four bits of it. */
static inline unsigned int trie_digit(struct trie_key k, unsigned int at)
{
	return (at < 16 ? k.hi : k.lo) >> (60 - 4 * (at & 15)) & 15;
}

static inline trie_entry *trie_root(const struct trie *t, struct trie_key k)
{
	return &t->root[k.hi >> 48];
}

static inline trie_entry *trie_below(const struct trie *t, uint32_t e, struct trie_key k)
{
	return &t->tables[trie_table_no(e)].e[trie_digit(k, trie_table_at(e))];
}

static inline unsigned int trie_len(const struct trie_leaf *l)
{
	return atomic_load_explicit(&l->id_len, memory_order_relaxed) & 0xff;
}

static inline bool trie_covers(const struct trie_leaf *l, unsigned int len, struct trie_key k)
{
	const uint64_t hi = l->key.hi ^ k.hi, lo = l->key.lo ^ k.lo;

	if (len < 64)
		return !(hi >> 1 >> (63 - len));
	return !(hi | (len == 64 ? 0 : lo >> (128 - len)));
}

static inline uint32_t trie_parent(const struct trie *t, uint32_t leaf)
{
	return atomic_load_explicit(&t->nodes[leaf].parent, memory_order_acquire);
}

/* The longest prefix that covers 'k' of 'leaf', where its way ended, and its parents; 0: none. */
static inline uint32_t trie_up(const struct trie *t, uint32_t leaf, struct trie_key k)
{
	while (leaf && !trie_covers(&t->leaves[leaf], trie_len(&t->leaves[leaf]), k))
		leaf = trie_parent(t, leaf);
	return leaf;
}

/* The leaf that an address's way ends at. */
static inline uint32_t trie_end(const struct trie *t, struct trie_key k)
{
	uint32_t e = trie_entry_get(trie_root(t, k));

	while (trie_is_table(e))
		e = trie_entry_get(trie_below(t, e, k));
	return e;
}

/* The best rule that 'version' shows of a prefix, else of the next shorter one that has any. */
static inline const struct cls_rule *trie_visible(const struct trie *t, uint32_t leaf,
						  uint64_t version)
{
	for (; leaf; leaf = trie_parent(t, leaf)) {
		const struct cls_rule *best = NULL;

		for (const struct trie_link *k = &t->nodes[leaf].first; k;
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
