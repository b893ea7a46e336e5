/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions that were read last: flow_mods come in series that do the same.
 *
 * Bytes that come for the second time are read into the memo, from a copy of them, since what is
 * read may point into them; from the third time on they need not be read.
 */
#include "ofproto/codec.h"

#include <string.h>

static bool met(const struct of_rd *r, const uint8_t *p, size_t n)
{
	const struct of_memo *o = r->memo;

	return o->n == n && o->depth == r->depth && !memcmp(o->wire, p, n);
}

static void memorize(struct of_rd *r, const uint8_t *p, size_t n)
{
	struct of_memo *o = r->memo;
	struct of_rd again = { .base = o->wire, .a = &o->arena, .depth = r->depth };

	if (met(r, p, n)) {
		arena_reset(&o->arena);
		o->list = (struct of_list){ 0 };
		o->known = !of_read_list(&again, OF_FAM_inst, o->wire, o->wire + n, &o->list);
		return;
	}
	o->n = n <= OF_MEMO_MAX ? (uint32_t)n : 0;
	o->depth = r->depth;
	o->known = false;
	memcpy(o->wire, p, o->n);
}

int of_memo_read_list(struct of_rd *r, enum of_family_id fam, const uint8_t *p, const uint8_t *end,
		      struct of_list *l)
{
	const size_t n = (size_t)(end - p);
	int rc;

	if (!r->memo || fam != OF_FAM_inst || r->reply || !n)
		return of_read_list(r, fam, p, end, l);
	if (r->memo->known && met(r, p, n)) {
		*l = r->memo->list;
		return 0;
	}
	rc = of_read_list(r, fam, p, end, l);
	if (!rc)
		memorize(r, p, n);
	return rc;
}

void of_memo_fini(struct of_memo *o)
{
	arena_fini(&o->arena);
	o->known = false;
	o->n = 0;
}
