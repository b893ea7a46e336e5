/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hashset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 16 };

uint32_t hash_bytes(const void *p, size_t n)
{
	/* Odd, and half of its bits set (from the digits of pi). */
	const uint64_t k = UINT64_C(0xc6bc279692b5cc83);
	const uint8_t *b = p;
	uint64_t h = n * k, word;

	for (; n >= sizeof(word); b += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, b, sizeof(word));
		h = (h ^ word) * k;
		h ^= h >> 29;
	}
	if (n) {
		word = 0;
		memcpy(&word, b, n);
		h = (h ^ word) * k;
		h ^= h >> 29;
	}
	h *= k;
	return (uint32_t)(h >> 32);
}

void hashset_fini(struct hashset *s)
{
	free(s->slots);
	*s = (struct hashset){ .slots = NULL };
}

/* There is room. */
static void put(struct hashset *s, struct hashed *x)
{
	uint32_t at = x->hash;

	while (s->slots[at & (s->n_slots - 1)])
		at++;
	s->slots[at & (s->n_slots - 1)] = x;
}

static int grow(struct hashset *s)
{
	struct hashset bigger = { .n_slots = s->n_slots ? s->n_slots * 2 : SLOTS_MIN, .n = s->n };

	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_slots; i++)
		if (s->slots[i])
			put(&bigger, s->slots[i]);
	free(s->slots);
	*s = bigger;
	return 0;
}

int hashset_add(struct hashset *s, struct hashed *x)
{
	/* Three quarters full at most. */
	if (s->n + 1 > s->n_slots - s->n_slots / 4 && grow(s))
		return -ENOMEM;
	put(s, x);
	s->n++;
	return 0;
}

void hashset_del(struct hashset *s, const struct hashed *x)
{
	uint32_t mask = s->n_slots - 1, hole = x->hash & mask;

	while (s->slots[hole] != x)
		hole = (hole + 1) & mask;
	s->slots[hole] = NULL;
	s->n--;
	/* Whoever was pushed past the hole moves into it. */
	for (uint32_t i = (hole + 1) & mask; s->slots[i]; i = (i + 1) & mask) {
		uint32_t home = s->slots[i]->hash & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		s->slots[hole] = s->slots[i];
		s->slots[i] = NULL;
		hole = i;
	}
}
