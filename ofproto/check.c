/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a structure no row can judge alone, and actions whose place is restricted.
 */
#include "ofproto/codec.h"

#define ACTION_E(code) OF_E(OFPET_BAD_ACTION, OFPBAC_##code)

/* Members that belong together, which no row can judge alone. */
static int check_move(struct of_rd *r, const struct of_nx_reg_move *m, const uint8_t *at)
{
	if (!m->n_bits || m->src_ofs + m->n_bits > m->src->bits ||
	    m->dst_ofs + m->n_bits > m->dst->bits)
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "move of %u bits passes %s or %s",
				 m->n_bits, m->src->name, m->dst->name);
	if (!m->dst->writable)
		return of_refuse(r, at, ACTION_E(BAD_SET_ARGUMENT), "%s cannot be set",
				 m->dst->name);
	return 0;
}

static int check_dst(struct of_rd *r, const struct of_subfield *dst, const uint8_t *at)
{
	if (dst->field->writable)
		return 0;
	return of_refuse(r, at, ACTION_E(BAD_SET_ARGUMENT), "%s cannot be set", dst->field->name);
}

static int check_load(struct of_rd *r, const struct of_nx_reg_load *l, const uint8_t *at)
{
	int rc = check_dst(r, &l->dst, at);

	if (rc)
		return rc;
	if (l->dst.n_bits < 64 && l->value >> l->dst.n_bits)
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "load of more than %u bits",
				 l->dst.n_bits);
	return 0;
}

static int check_stack(struct of_rd *r, const struct of_nx_stack_push *s, bool pop,
		       const uint8_t *at)
{
	if (!s->n_bits || s->ofs + s->n_bits > s->field->bits)
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "%u bits at %u pass %s", s->n_bits,
				 s->ofs, s->field->name);
	if (pop && !s->field->writable)
		return of_refuse(r, at, ACTION_E(BAD_SET_ARGUMENT), "%s cannot be set",
				 s->field->name);
	return 0;
}

int of_check(struct of_rd *r, const struct of_any *s, const uint8_t *at)
{
	switch (s->kind) {
	case OF_KIND_nx_reg_move:
		return check_move(r, (const void *)s, at);
	case OF_KIND_nx_reg_load:
		return check_load(r, (const void *)s, at);
	case OF_KIND_nx_multipath:
		return check_dst(r, &((const struct of_nx_multipath *)s)->dst, at);
	case OF_KIND_nx_bundle_load:
		return check_dst(r, &((const struct of_nx_bundle_load *)s)->dst, at);
	case OF_KIND_nx_stack_push:
	case OF_KIND_nx_stack_pop: /* of the same layout */
		return check_stack(r, (const void *)s, s->kind == OF_KIND_nx_stack_pop, at);
	default:
		return 0;
	}
}
