/* SPDX-License-Identifier: Apache-2.0 */
/* What flows come to, for the express way: by the control thread, with their instructions; by PMDs,
 * for a way of several. */
#include <string.h>

#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/express.h"
#include "datapath/flow.h"
#include "datapath/port.h"
#include "vlan/tag.h"

struct composing {
	struct express x;
	be64 tun_id;
	bool leaves;
};

/* VID and PCP; other bits of a tag are not set by fields. */
static bool compose_tci(struct composing *c, const struct act_op *op)
{
	const uint16_t value = get_be16(op->set.value), mask = get_be16(op->set.mask);

	if (c->x.does & EXPRESS_POP)
		return false;
	c->x.tci = (uint16_t)((c->x.tci & ~mask) | value);
	c->x.tci_mask |= mask;
	c->x.does |= EXPRESS_TCI;
	return true;
}

static bool compose_push(struct composing *c, uint16_t tpid)
{
	if (c->x.does & EXPRESS_TAGS)
		return false;
	c->x.does |= EXPRESS_PUSH | (tpid == VLAN_TPID_S ? EXPRESS_STAG : 0);
	return vlan_is_tpid(tpid);
}

static bool compose_pop(struct composing *c, const struct act_op *op)
{
	if (c->x.does & EXPRESS_TAGS || op->arg)
		return false;
	c->x.does |= EXPRESS_POP;
	return true;
}

static bool compose_field(struct composing *c, const struct act_op *op)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	const enum of_field_id id = op->set.field->id;

	if (id == OF_FIELD_VLAN_VID || id == OF_FIELD_VLAN_PCP || id == OF_FIELD_VLAN_TCI)
		return compose_tci(c, op);
	if ((id != OF_FIELD_ETH_DST && id != OF_FIELD_ETH_SRC) || memcmp(op->set.mask, all, 6) != 0)
		return false;
	memcpy(id == OF_FIELD_ETH_DST ? c->x.dst : c->x.src, op->set.value, 6);
	c->x.does |= id == OF_FIELD_ETH_DST ? EXPRESS_DST : EXPRESS_SRC;
	return true;
}

/* Registers and metadata have done what they are for: they led to the next flow of the way. */
static bool compose_state(struct composing *c, const struct act_op *op)
{
	void *member;
	uint64_t v = 0, m = 0, k = 0;

	switch (op->set.field->id) {
	case OF_FIELD_TUN_ID:
		member = &c->tun_id;
		break;
	case OF_FIELD_TUN_SRC:
		member = &c->x.tun_src;
		break;
	case OF_FIELD_TUN_DST:
		member = &c->x.tun_dst;
		break;
	default:
		return true;
	}
	if (c->leaves)
		return false;
	memcpy(&v, op->set.value, op->set.field->size);
	memcpy(&m, op->set.mask, op->set.field->size);
	memcpy(&k, member, op->set.field->size);
	k = (k & ~m) | (v & m);
	memcpy(member, &k, op->set.field->size);
	c->x.does |= EXPRESS_TUN;
	return true;
}

static bool compose_op(struct composing *c, const struct act_op *op)
{
	if (op->code == ACT_SET_STATE)
		return compose_state(c, op);
	if (c->leaves) /* more than one output, or what only another would see */
		return false;
	switch (op->code) {
	case ACT_OUTPUT:
		c->x.port = op->port;
		c->leaves = true;
		return op->port <= PORT_LAST;
	case ACT_SET_FIELD:
		return compose_field(c, op);
	case ACT_DEC_NW_TTL:
		if (c->x.does & EXPRESS_TTL)
			return false;
		c->x.does |= EXPRESS_TTL;
		return true;
	case ACT_PUSH_VLAN:
		return compose_push(c, op->arg);
	case ACT_POP_VLAN:
		return compose_pop(c, op);
	}
	return false;
}

static bool compose_list(struct composing *c, const struct act_op *op)
{
	for (; op && op->code != ACT_END; op++)
		if (!compose_op(c, op))
			return false;
	return true;
}

/* An action set of one output: what else it may hold would be done before it, at the end. */
static bool compose_set(uint32_t *port, const struct insts *i)
{
	if (i->clear)
		*port = 0;
	for (const struct act_op *op = i->write; op && op->code != ACT_END; op++) {
		if (op->code != ACT_OUTPUT)
			return false;
		*port = op->port;
	}
	return true;
}

static bool compose_insts(struct composing *c, const struct insts *i, uint32_t *set)
{
	return !i->meter && !i->tail && compose_list(c, i->apply) && compose_set(set, i);
}

/* All instructions were seen. */
static bool compose_end(struct composing *c, uint32_t set)
{
	const struct act_op leave[] = { { .code = ACT_OUTPUT, .port = set }, { .code = ACT_END } };

	if (set && !compose_list(c, leave))
		return false;
	c->x.tun_id = htobe32((uint32_t)be64toh(c->tun_id));
	return be64toh(c->tun_id) <= UINT32_MAX;
}

bool express_compose(const struct flow *const *flow, uint32_t n, struct express *out)
{
	struct composing c = { .leaves = false };
	uint32_t set = 0;

	for (uint32_t k = 0; k < n; k++) {
		if (!compose_insts(&c, flow[k]->insts, &set))
			return false;
		if (k >= EXPRESS_FLOWS_MAX)
			continue;
		c.x.id[k] = flow[k]->id;
		c.x.table[k] = flow[k]->table_id;
	}
	c.x.n_flows = (uint8_t)n;
	if (!compose_end(&c, set))
		return false;
	*out = c.x;
	return true;
}

bool express_compose_ct(const struct flow *const *flow, uint32_t n_flows, struct express *out)
{
	struct express x = { .n_flows = (uint8_t)n_flows };

	for (uint32_t n = 0; n < n_flows; n++) {
		const struct insts *i = flow[n]->insts;

		/* A resubmit is one of those that are counted. */
		if (i->meter || i->clear || i->write || i->tail == ACT_CALL ||
		    (i->apply && i->apply->code != ACT_END))
			return false;
		x.metadata = (x.metadata & ~i->metadata_mask) | (i->metadata & i->metadata_mask);
		if (n < EXPRESS_FLOWS_MAX) {
			x.id[n] = flow[n]->id;
			x.table[n] = flow[n]->table_id;
		}
		if (i->tail == ACT_CT)
			x.ct = i->tail_op->ct;
	}
	*out = x;
	return x.ct && !x.ct->computed && !x.ct->req.commit;
}

static bool has_states(const struct act_op *op)
{
	for (; op && op->code != ACT_END; op++)
		if (op->code == ACT_SET_STATE)
			return true;
	return false;
}

void express_step_init(struct express_step *s, const struct insts *i)
{
	struct composing c = { .leaves = false };
	uint32_t set = 0;

	/* With a set to go on with, a field of the key tells what is in it (actset_output). */
	s->ok = !i->conj && !(i->goto_table >= 0 && (i->write || i->clear)) &&
		compose_insts(&c, i, &set) && compose_end(&c, set);
	s->states = has_states(i->apply);
	s->x = c.x;
}
