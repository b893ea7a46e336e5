/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which entries of a flow cache a change of the tables may concern (change.h), whatever their
 * number and however long ago an entry was looked at.
 *
 * Changes are numbered.  Those with one mask are of one kind, and a kind has a table of buckets:
 * the number of the last change whose value hashes there.  An entry that was true at a number is
 * still true if, for each kind with later changes, the bucket that its own key hashes to has none.
 * Values that meet in a bucket make entries void that need not be, which costs a lookup and nothing
 * else. So what an entry costs to ask is bounded by kinds, and a thousand flow_mods a second are
 * mostly of a few.  Of kinds beyond the room there is, the one that was silent longest goes, and
 * entries not asked since its last change are void.
 *
 * Owner and user: one PMD's cache.
 */
#ifndef WEFT_DATAPATH_CACHE_STALE_H
#define WEFT_DATAPATH_CACHE_STALE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	STALE_WORDS = 6, /* of a key that are asked */
	STALE_KINDS = 16,
	STALE_BUCKETS = 8192, /* of a kind */
};

struct stale_kind {
	uint32_t last; /* change of this kind */
	uint32_t *bucket;
	uint64_t bits[STALE_WORDS];
};

struct stale {
	uint32_t n;	/* changes so far */
	uint32_t floor; /* what was true before this one is void */
	uint32_t n_kinds;
	struct stale_kind kind[STALE_KINDS];
	uint32_t bucket[STALE_KINDS][STALE_BUCKETS];
};

/* Nothing that is known is older than now. */
void stale_reset(struct stale *s);
/* A change of what has 'value' in 'bits', words of an entry's key.  False: they cannot be counted
 * any more, everything is void (and stale_reset() is due). */
bool stale_note(struct stale *s, const uint64_t bits[STALE_WORDS],
		const uint64_t value[STALE_WORDS]);
/* Whether what was true of 'key' after change 'seen' may not be so any more. */
bool stale_is(const struct stale *s, uint32_t seen, const uint64_t key[STALE_WORDS]);

#endif
