/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cache_stale.h"

#include <string.h>

#include "datapath/cls_hash.h"

void stale_reset(struct stale *s)
{
	s->n = s->floor = s->n_kinds = 0;
}

/* Both halves of a product count, and each word has a key of its own, as in cls_hash.h. */
static inline uint32_t bucket_of(const struct stale_kind *k, const uint64_t *v)
{
	const uint64_t *keys = cls_hash_keys;
	uint64_t h = 0;

	for (unsigned int i = 0; i < STALE_WORDS; i += 2)
		h += cls_hash_mix((v[i] & k->bits[i]) ^ keys[i],
				  (v[i + 1] & k->bits[i + 1]) ^ keys[i + 1]);
	return (uint32_t)(h >> 32) % STALE_BUCKETS;
}

static struct stale_kind *begin(struct stale *s, struct stale_kind *k, const uint64_t *bits)
{
	memset(k->bucket, 0, sizeof(s->bucket[0]));
	memcpy(k->bits, bits, sizeof(k->bits));
	return k;
}

static struct stale_kind *kind_of(struct stale *s, const uint64_t *bits)
{
	struct stale_kind *oldest = &s->kind[0];

	for (uint32_t i = 0; i < s->n_kinds; i++) {
		struct stale_kind *k = &s->kind[i];

		if (!memcmp(k->bits, bits, sizeof(k->bits)))
			return k;
		if (k->last < oldest->last)
			oldest = k;
	}
	if (s->n_kinds < STALE_KINDS) {
		struct stale_kind *k = &s->kind[s->n_kinds];

		k->bucket = s->bucket[s->n_kinds++];
		return begin(s, k, bits);
	}
	s->floor = oldest->last;
	return begin(s, oldest, bits);
}

bool stale_note(struct stale *s, const uint64_t bits[STALE_WORDS],
		const uint64_t value[STALE_WORDS])
{
	struct stale_kind *k = kind_of(s, bits);

	if (s->n == UINT32_MAX)
		return false;
	k->last = ++s->n;
	k->bucket[bucket_of(k, value)] = s->n;
	return true;
}

bool stale_is(const struct stale *s, uint32_t seen, const uint64_t key[STALE_WORDS])
{
	if (seen < s->floor)
		return true;
	for (uint32_t i = 0; i < s->n_kinds; i++) {
		const struct stale_kind *k = &s->kind[i];

		if (k->last > seen && k->bucket[bucket_of(k, key)] > seen)
			return true;
	}
	return false;
}
