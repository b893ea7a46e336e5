/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Odd rules: a few of IPv4 addresses that look at bits which no other rule of their table does, as
 * five-tuples among MACs.
 *
 * A flow cache that had their bits in its key would keep ways that differ in nothing but those, for
 * packets that none of these rules concerns.  So it leaves them out, and asks here whether a packet
 * may match an odd rule of any table, by its addresses: two bits of a small filter (Bloom's, one
 * word a rule) for each mask of addresses.  "No" is certain, and then the packet goes as if there
 * were no odd rules; "maybe" goes without the cache.  That holds as long as no action writes
 * addresses before another table looks at them.
 *
 * Bits are set before the rule can be seen, and stay until it is freed, two grace periods after it
 * was removed.  One writer, the control thread; PMDs read.
 */
#ifndef WEFT_DATAPATH_ODD_H
#define WEFT_DATAPATH_ODD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapath/cls_hash.h"

enum {
	ODD_KINDS = 4,	/* masks of addresses */
	ODD_MAX = 1024, /* rules: more are no oddity */
	/* As they come into a table nobody knows yet what is usual in it. */
	ODD_AMONG = 64,
	ODD_WORDS = 1024,				/* of the filter */
	ODD_NW = offsetof(struct flow_key, nw_src) / 8, /* both addresses */
};

struct odd_rules {
	_Atomic uint64_t kind[ODD_KINDS]; /* bits of the addresses; 0: none */
	_Atomic uint64_t filter[ODD_WORDS];
	/* Control thread. */
	uint32_t among;			/* rules that a table has before one is odd in it */
	uint32_t n, n_of[ODD_KINDS];	/* rules */
	uint16_t count[ODD_WORDS * 64]; /* ... by bit of the filter */
};

/* A rule is to be linked where 'c' (NULL: nothing) serves: from now on r->odd says whether it is
 * odd. */
void odd_admit(struct odd_rules *o, const struct cls *c, struct cls_rule *r);
/* A rule is freed. */
void odd_forget(struct odd_rules *o, struct cls_rule *r);
/* What a PMD asks by that knows a version of the tables: masks, returns how many. */
unsigned int odd_kinds(const struct odd_rules *o, uint64_t kind[ODD_KINDS]);

static inline uint64_t odd_hash(uint64_t addresses, uint64_t kind)
{
	return cls_hash_mix((addresses & kind) ^ cls_hash_keys[0], kind ^ cls_hash_keys[1]);
}

/* The two bits of a hash. */
static inline uint64_t odd_bits(uint64_t hash)
{
	return UINT64_C(1) << (hash >> 40 & 63) | UINT64_C(1) << (hash >> 48 & 63);
}

/* Whether a packet with these addresses (word ODD_NW of its key) may match an odd rule. */
static inline bool odd_maybe(const struct odd_rules *o, const uint64_t *kind, unsigned int n,
			     uint64_t addresses)
{
	for (unsigned int i = 0; i < n; i++) {
		const uint64_t h = odd_hash(addresses, kind[i]), bits = odd_bits(h);

		if ((atomic_load_explicit(&o->filter[h % ODD_WORDS], memory_order_relaxed) &
		     bits) == bits)
			return true;
	}
	return false;
}

#endif
