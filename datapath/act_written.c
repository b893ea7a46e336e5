/* SPDX-License-Identifier: Apache-2.0 */
/* What of a key a flow may have changed when a later table looks at it (change.h). */
#include "datapath/act_priv.h"

#define EVERYTHING UINT64_MAX
#define WORDS(member) \
	words_of(offsetof(struct flow_key, member), sizeof(((struct flow_key *)0)->member))

static uint64_t words_of(unsigned int offset, unsigned int size)
{
	uint64_t set = 0;

	for (unsigned int n = offset / 8; n <= (offset + size - 1) / 8; n++)
		set |= UINT64_C(1) << n;
	return set;
}

static uint64_t of_field(const struct of_field *f)
{
	switch (f->layer) {
	case OF_LAYER_META:
	case OF_LAYER_ETH:
	case OF_LAYER_VLAN:
	case OF_LAYER_ARP:
	case OF_LAYER_IP:
	case OF_LAYER_IP6:
		return words_of(f->offset, f->size);
	case OF_LAYER_L4:
		/* Other fields appear with another type. */
		return f->id == OF_FIELD_ICMPV6_TYPE ? EVERYTHING : words_of(f->offset, f->size);
	default:
		return EVERYTHING;
	}
}

/* Whoever is not named here may write anything. */
static uint64_t of_op(const struct act_op *op)
{
	switch (op->code) {
	case ACT_OUTPUT:
	case ACT_CONTROLLER:
	case ACT_IN_PORT:
	case ACT_FLOOD:
	case ACT_ALL:
	case ACT_NORMAL:
	case ACT_GROUP: /* on copies (5.11) */
	case ACT_SET_QUEUE:
	case ACT_LEARN:
	case ACT_FIN:
		return 0;
	case ACT_SET_FIELD:
	case ACT_SET_STATE:
		return of_field(op->set.field);
	case ACT_MOVE:
		return of_field(op->move.dst);
	case ACT_SET_NW_TTL:
	case ACT_DEC_NW_TTL:
		return WORDS(ip_ttl);
	default:
		return EVERYTHING;
	}
}

uint64_t act_written(const struct insts *i)
{
	uint64_t set = 0;

	if (i->tail)
		return EVERYTHING;
	if (i->goto_table < 0)
		return 0;
	for (const struct act_op *op = i->apply; op && op->code != ACT_END; op++)
		set |= of_op(op);
	if (i->metadata_mask)
		set |= WORDS(metadata);
	if (i->write || i->clear)
		set |= WORDS(actset_output);
	return set;
}
