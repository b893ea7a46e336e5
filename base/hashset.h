/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of pointers, found by a hash that each thing says of itself: eight bytes and a little air
 * for each, where a table with its links inside the things (uthash) takes 56.  For what there are
 * hundreds of thousands of.
 *
 * Members begin with struct hashed; who searches compares those that have the right hash:
 *
 *	uint32_t at = hash;
 *	while ((x = hashset_next(s, hash, &at)) && !same(x, what))
 *		;
 *
 * Open addressing without tombstones: a deletion moves up what follows.  Owner: the caller's; one
 * thread at a time.
 */
#ifndef WEFT_BASE_HASHSET_H
#define WEFT_BASE_HASHSET_H

#include <stddef.h>
#include <stdint.h>

struct hashed {
	uint32_t hash;
};

/* Zeroed: empty. */
struct hashset {
	struct hashed **slots; /* a power of two of them; NULL: free */
	uint32_t n_slots, n;
};

/* Of n bytes; all of its bits are good ones. */
uint32_t hash_bytes(const void *p, size_t n);

/* Frees the table; the members are the caller's. */
void hashset_fini(struct hashset *s);
/* 0 or -ENOMEM. */
int hashset_add(struct hashset *s, struct hashed *x);
/* It must be there. */
void hashset_del(struct hashset *s, const struct hashed *x);

/* The next one with this hash; '*at' begins as the hash.  NULL: no more. */
static inline struct hashed *hashset_next(const struct hashset *s, uint32_t hash, uint32_t *at)
{
	struct hashed *x;

	while (s->n && (x = s->slots[*at & (s->n_slots - 1)])) {
		++*at;
		if (x->hash == hash)
			return x;
	}
	return NULL;
}

#endif
