/* SPDX-License-Identifier: Apache-2.0 */
/* Two ledgers held against each other: what derivation by and by, and all at once, want. */
#ifndef WEFT_TESTS_CONTROLLER_LEDGER_H
#define WEFT_TESTS_CONTROLLER_LEDGER_H

#include "controller/ledger.h"

/* The same bytes are the same blob. */
static inline bool wants_this(const struct ledger *l, const struct entry *e)
{
	uint32_t at = e->hashed.hash;
	const struct entry *x;

	while ((x = (struct entry *)hashset_next(&l->entries, e->hashed.hash, &at)) &&
	       x->want != e->want)
		;
	return x;
}

/* Whether 'l' wants all that 'other' wants. */
static inline bool wants_all(const struct ledger *l, const struct ledger *other)
{
	for (uint32_t i = 0; i < other->entries.n_slots; i++) {
		const struct entry *e = (struct entry *)other->entries.slots[i];

		if (e && !wants_this(l, e))
			return false;
	}
	return true;
}

#endif
