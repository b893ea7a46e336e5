/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/change.h"

void change_note(struct changes *c, const struct cls_rule *r, uint64_t version)
{
	const uint64_t head = atomic_load_explicit(&c->head, memory_order_relaxed);
	struct change *to = &c->ring[head % CHANGES];
	uint64_t words = 0;

	/*
	 * Before the place is written again its former change is no longer to be had: each store
	 * below releases this one, so that who reads any of it reads this, too (is_there()).
	 */
	atomic_store_explicit(&c->begun, head + 1, memory_order_relaxed);
	for (unsigned int i = 0; i < r->mask->n_words && i < CHANGE_WORDS; i++) {
		words |= UINT64_C(1) << r->mask->word[i];
		atomic_store_explicit(&to->bits[i], r->mask->bits[i], memory_order_release);
		atomic_store_explicit(&to->value[i], r->value[i], memory_order_release);
	}
	atomic_store_explicit(&to->words, words | (r->odd ? CHANGE_ODD : 0), memory_order_release);
	atomic_store_explicit(&to->version, version, memory_order_release);
	atomic_store_explicit(&c->head, head + 1, memory_order_release);
}

void change_written(struct changes *c, uint64_t words)
{
	words |= atomic_load_explicit(&c->written, memory_order_relaxed);
	atomic_store_explicit(&c->written, words, memory_order_release);
}

/* Whether change 'at' is still in its place, now that it was read (each word with acquire). */
static bool is_there(const struct changes *c, uint64_t at)
{
	return atomic_load_explicit(&c->begun, memory_order_relaxed) - at <= CHANGES;
}

/*
 * Changes from 'at' on are gone, up to some that are there.  The last that is written has the
 * highest version of all: only if it shows, those that are gone did, too.  Else some of them may be
 * of a version to come, and 'at' stays where it is, so that they are missed again then.
 */
static void give_up(const struct changes *c, uint64_t *at, uint64_t head, uint64_t version)
{
	const struct change *last = &c->ring[(head - 1) % CHANGES];
	const uint64_t its = atomic_load_explicit(&last->version, memory_order_acquire);

	if (its <= version && is_there(c, head - 1))
		*at = head;
}

bool change_each(const struct changes *c, uint64_t *at, uint64_t version, change_fn *fn, void *arg)
{
	const uint64_t head = atomic_load_explicit(&c->head, memory_order_acquire);
	uint64_t bits[CHANGE_WORDS], value[CHANGE_WORDS];

	for (; *at != head; ++*at) {
		const struct change *from = &c->ring[*at % CHANGES];
		uint64_t its, words;
		unsigned int n;

		its = atomic_load_explicit(&from->version, memory_order_acquire);
		words = atomic_load_explicit(&from->words, memory_order_acquire);
		n = (unsigned int)__builtin_popcountll(words & ~CHANGE_ODD);
		for (unsigned int i = 0; i < n && i < CHANGE_WORDS; i++) {
			bits[i] = atomic_load_explicit(&from->bits[i], memory_order_acquire);
			value[i] = atomic_load_explicit(&from->value[i], memory_order_acquire);
		}
		if (!is_there(c, *at)) {
			give_up(c, at, head, version);
			return false;
		}
		if (its > version)
			return true;
		fn(arg, words, bits, value);
	}
	return true;
}
