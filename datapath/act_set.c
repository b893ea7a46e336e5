/* SPDX-License-Identifier: Apache-2.0 */
/* The action set (5.10): one action of each kind, the later one counts, executed in a fixed order.
 */
#include <string.h>

#include "datapath/act_priv.h"

_Static_assert((int)N_ACT_SLOTS <= (int)ACT_SET_SLOTS, "a slot for each kind");

static const uint8_t slots[N_ACT_CODES] = {
	[ACT_OUTPUT] = SLOT_OUTPUT,
	[ACT_CONTROLLER] = SLOT_OUTPUT,
	[ACT_CONTROLLER2] = SLOT_OUTPUT,
	[ACT_IN_PORT] = SLOT_OUTPUT,
	[ACT_FLOOD] = SLOT_OUTPUT,
	[ACT_ALL] = SLOT_OUTPUT,
	[ACT_TABLE] = SLOT_OUTPUT,
	[ACT_NORMAL] = SLOT_OUTPUT,
	[ACT_GROUP] = SLOT_GROUP,
	[ACT_SET_FIELD] = SLOT_FIELD,
	[ACT_SET_STATE] = SLOT_FIELD,
	[ACT_MOVE] = SLOT_FIELD,
	[ACT_PUSH_VLAN] = SLOT_PUSH_VLAN,
	[ACT_POP_VLAN] = SLOT_POP_VLAN,
	[ACT_PUSH_MPLS] = SLOT_PUSH_MPLS,
	[ACT_POP_MPLS] = SLOT_POP_MPLS,
	[ACT_PUSH_PBB] = SLOT_PUSH_PBB,
	[ACT_POP_PBB] = SLOT_POP_PBB,
	[ACT_SET_MPLS_TTL] = SLOT_SET_MPLS_TTL,
	[ACT_DEC_MPLS_TTL] = SLOT_DEC_MPLS_TTL,
	[ACT_COPY_TTL_OUT] = SLOT_COPY_TTL_OUT,
	[ACT_COPY_TTL_IN] = SLOT_COPY_TTL_IN,
	[ACT_SET_NW_TTL] = SLOT_SET_NW_TTL,
	[ACT_DEC_NW_TTL] = SLOT_DEC_NW_TTL,
	[ACT_SET_QUEUE] = SLOT_QUEUE,
	[ACT_CALL] = SLOT_CALL,
	[ACT_CT] = SLOT_CT,
	[ACT_DEC_TTL_IDS] = SLOT_DEC_NW_TTL,
};

enum act_slot act_slot(enum act_code code)
{
	return slots[code];
}

/* Whether 'y' takes the place of 'x'. */
static bool same_field(const struct act_op *x, const struct act_op *y)
{
	if (x->code != y->code)
		return false;
	if (x->code == ACT_MOVE)
		return x->move.src == y->move.src && x->move.dst == y->move.dst &&
		       x->move.src_ofs == y->move.src_ofs && x->move.dst_ofs == y->move.dst_ofs &&
		       x->move.n_bits == y->move.n_bits;
	return x->set.field == y->set.field &&
	       !memcmp(x->set.mask, y->set.mask, x->set.field->size);
}

/* At the end, even where it takes another's place: fields may share bits. */
static bool add_field(struct act_set *s, const struct act_op *op)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->n_fields; i++)
		if (!same_field(s->field[i], op))
			s->field[n++] = s->field[i];
	if (n == ACT_SET_FIELDS)
		return false;
	s->field[n++] = op;
	s->n_fields = (uint8_t)n;
	return true;
}

bool act_set_merge(struct act_set *s, const struct act_op *prog)
{
	for (const struct act_op *op = prog; op->code != ACT_END; op++) {
		const enum act_slot slot = act_slot(op->code);

		if (slot == SLOT_FIELD) {
			if (!add_field(s, op))
				return false;
			continue;
		}
		s->slot[slot] = op;
		s->have |= UINT32_C(1) << slot;
	}
	return true;
}

unsigned int act_set_order(const struct act_set *s, const struct act_op **op)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < N_ACT_SLOTS; i++) {
		if (i == SLOT_FIELD) {
			memcpy(op + n, s->field, s->n_fields * sizeof(s->field[0]));
			n += s->n_fields;
		}
		if (!(s->have >> i & 1))
			continue;
		if (i > SLOT_CT && s->have & ((UINT32_C(1) << i) - (UINT32_C(1) << SLOT_CT)))
			continue;
		op[n++] = s->slot[i];
	}
	return n;
}
