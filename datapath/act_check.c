/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be installed (6.4, 7.2.4, 7.2.5): refusals with the errors of 7.4.4.
 *
 * The match is followed through the actions: after a push or pop, or a set-field, other
 * prerequisites hold.  A bucket and a packet-out have no match; what does not fit a packet has no
 * effect then.
 */
#include <errno.h>

#include "datapath/act_priv.h"
#include "datapath/group.h"
#include "datapath/meter.h"
#include "datapath/port_queue.h"
#include "datapath/table.h"

bool field_supported(enum of_field_id id)
{
	switch (id) {
	case OF_FIELD_TUN_GBP_ID:
	case OF_FIELD_TUN_GBP_FLAGS:
		return false;
	default:
		return true;
	}
}

/* ---- What is known of the packet ---- */

/* Known to be none of the types: then the action can never apply. */
static bool known_not(const struct check *c, uint16_t a, uint16_t b)
{
	const uint16_t type = be16toh(c->match.value.eth_type);

	return c->has_match && c->match.mask.eth_type == 0xffff && type != a && type != b;
}

static bool known_untagged(const struct check *c)
{
	return c->has_match && c->match.mask.vlan_tci & htobe16(FLOW_TCI_PRESENT) &&
	       !(c->match.value.vlan_tci & htobe16(FLOW_TCI_PRESENT));
}

static void know_vlan(struct check *c, bool known, bool tagged)
{
	c->match.mask.vlan_tci = htobe16(known ? FLOW_TCI_PRESENT : 0);
	c->match.value.vlan_tci = htobe16(known && tagged ? FLOW_TCI_PRESENT : 0);
}

/* The ethertype from now on (0: unknown), and nothing of what is behind it. */
static void know_type(struct check *c, uint16_t type)
{
	c->match.mask.eth_type = type ? 0xffff : 0;
	c->match.value.eth_type = htobe16(type);
	c->match.mask.ip_proto = c->match.value.ip_proto = 0;
	c->match.mask.tp_src = c->match.value.tp_src = 0;
}

/* ---- Fields ---- */

static int check_settable(struct check *c, const struct of_field *f)
{
	if (f->id == OF_FIELD_CT_MARK || f->id == OF_FIELD_CT_LABEL)
		return REFUSE(c, OFPBAC_BAD_SET_ARGUMENT,
			      "%s is the connection's: ct(commit,exec()) sets it", f->name);
	if (!f->settable && !f->writable)
		return REFUSE(c, OFPBAC_BAD_SET_TYPE, "%s is read-only", f->name);
	if (!field_supported(f->id))
		return REFUSE(c, OFPBAC_BAD_SET_TYPE, "%s is not supported", f->name);
	if (!c->has_match)
		return 0;
	if (f->layer == OF_LAYER_VLAN ? !of_match_pre_met(&c->match, &of_fields[OF_FIELD_VLAN_PCP])
				      : !of_match_pre_met(&c->match, f))
		return REFUSE(c, OFPBAC_MATCH_INCONSISTENT,
			      "the flow does not match what %s needs (7.2.3.8)", f->name);
	return 0;
}

/* The packet is from now on what its ethertype says. */
static void know_ethertype(struct check *c, uint16_t type)
{
	if (type == 0x8100 || type == 0x88a8) {
		know_type(c, 0);
		know_vlan(c, true, true);
	} else {
		know_type(c, type);
	}
}

/* An ethertype, not a length. */
static int check_set_type(struct check *c, uint16_t type)
{
	if (type < ETH_TYPE_MIN)
		return REFUSE(c, OFPBAC_BAD_SET_ARGUMENT, "%#06x is no ethertype", type);
	know_ethertype(c, type);
	return 0;
}

static int check_set_field(struct check *c, const struct of_oxm *o)
{
	const struct of_field *f = o->field;
	u128 value;
	int r;

	if (!f)
		return REFUSE(c, OFPBAC_BAD_SET_TYPE, "unknown field in set-field");
	r = check_settable(c, f);
	if (r < 0)
		return r;
	if (o->masked)
		return REFUSE(c, OFPBAC_BAD_SET_TYPE, "set-field of %s has a mask", f->name);
	value = u128_get(o->value, f->bytes);
	if (value & ~u128_ones(f->bits))
		return REFUSE(c, OFPBAC_BAD_SET_ARGUMENT, "%s has %u bits", f->name, f->bits);
	if (f->id == OF_FIELD_VLAN_VID && !(value & FLOW_TCI_PRESENT))
		return REFUSE(c, OFPBAC_BAD_SET_ARGUMENT, "vlan_vid without OFPVID_PRESENT");
	if (f->id == OF_FIELD_VLAN_TCI && !(value & FLOW_TCI_PRESENT))
		return REFUSE(c, OFPBAC_BAD_SET_ARGUMENT, "vlan_tci without the bit for a tag");
	if (f->id == OF_FIELD_ETH_TYPE)
		return check_set_type(c, (uint16_t)value);
	of_match_set(&c->match, f, o->value, NULL);
	if (f->id == OF_FIELD_IP_PROTO)
		c->match.mask.tp_src = c->match.value.tp_src = 0; /* of another protocol now */
	return 0;
}

/* Bits of a field that move and load name: within it, and not the one that only push and pop
 * change. */
int act_check_bits(struct check *c, const struct of_field *f, unsigned int ofs, unsigned int n,
		   bool written)
{
	u128 bits;

	if (!f)
		return REFUSE(c, OFPBAC_BAD_SET_TYPE, "unknown field");
	if (!n || ofs + n > f->bits)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "%s[%u..%d]: it has %u bits", f->name, ofs,
			      (int)(ofs + n) - 1, f->bits);
	if (!written)
		return 0;
	bits = u128_ones(n) << (ofs + f->shift);
	if (f->layer == OF_LAYER_VLAN && bits & FLOW_TCI_PRESENT)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT,
			      "%s bit 12 tells that there is a tag: push and pop change it",
			      f->name);
	if (!f->writable)
		return REFUSE(c, OFPBAC_BAD_SET_TYPE, "%s is read-only", f->name);
	return check_settable(c, f);
}

/* Bits of 'f' may be anything now. */
void act_forget_bits(struct check *c, const struct of_field *f, unsigned int ofs, unsigned int n)
{
	uint8_t *value = (uint8_t *)&c->match.value + f->offset;
	uint8_t *mask = (uint8_t *)&c->match.mask + f->offset;
	const u128 gone = u128_ones(n) << (ofs + f->shift);

	u128_put(value, f->size, u128_get(value, f->size) & ~gone);
	u128_put(mask, f->size, u128_get(mask, f->size) & ~gone);
}

static int check_load(struct check *c, const struct of_nx_reg_load *l)
{
	const struct of_subfield *d = &l->dst;
	int r;

	if (act_untags(d, l->value)) {
		know_vlan(c, false, false);
		return 0;
	}
	r = act_check_bits(c, d->field, d->ofs, d->n_bits, true);
	if (r < 0)
		return r;
	if (d->n_bits < 64 && l->value >> d->n_bits)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "the value has more than %u bits", d->n_bits);
	act_forget_bits(c, d->field, d->ofs, d->n_bits);
	return 0;
}

int act_check_readable(struct check *c, const struct of_field *f)
{
	if (!field_supported(f->id))
		return REFUSE(c, OFPBAC_BAD_SET_TYPE, "%s is not supported", f->name);
	if (c->has_match && !of_match_pre_met(&c->match, f))
		return REFUSE(c, OFPBAC_MATCH_INCONSISTENT, "the flow does not match what %s needs",
			      f->name);
	return 0;
}

static int check_move(struct check *c, const struct of_nx_reg_move *m)
{
	int r = act_check_bits(c, m->src, m->src_ofs, m->n_bits, false);

	if (r < 0)
		return r;
	r = act_check_readable(c, m->src);
	if (r < 0)
		return r;
	r = act_check_bits(c, m->dst, m->dst_ofs, m->n_bits, true);
	if (r == 0)
		act_forget_bits(c, m->dst, m->dst_ofs, m->n_bits);
	return r;
}

/* ---- Outputs ---- */

static int check_port(struct check *c, uint32_t port, uint16_t max_len)
{
	switch (port) {
	case OFPP_IN_PORT:
	case OFPP_NORMAL:
	case OFPP_FLOOD:
	case OFPP_ALL:
	case OFPP_LOCAL:
		return 0;
	case OFPP_CONTROLLER:
		if (max_len > OFPCML_MAX && max_len != OFPCML_NO_BUFFER)
			return REFUSE(c, OFPBAC_BAD_ARGUMENT, "max_len %#x", max_len);
		return 0;
	case OFPP_TABLE:
		if (c->packet_out)
			return 0;
		return REFUSE(c, OFPBAC_BAD_OUT_PORT, "TABLE is for packet-out only");
	}
	if (!port || port > PORT_LAST)
		return REFUSE(c, OFPBAC_BAD_OUT_PORT, "port %#x: ports are 1 to %u", port,
			      (unsigned int)PORT_LAST);
	return 0;
}

static int check_group(struct check *c, uint32_t id) CONTROL
{
	if (!group_find(c->dp, id))
		return REFUSE(c, OFPBAC_BAD_OUT_GROUP, "there is no group %u", id);
	return 0;
}

static int check_controller(struct check *c, const struct of_nx_controller *a)
{
	if (a->reason > OFPR_INVALID_TTL)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "reason %u", a->reason);
	return check_port(c, OFPP_CONTROLLER, a->max_len);
}

/* ---- Headers ---- */

static int check_push(struct check *c, uint16_t type, uint16_t a, uint16_t b)
{
	if (type != a && type != b)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "ethertype %#06x in push: %#06x or %#06x",
			      type, a, b);
	return 0;
}

static int check_fits(struct check *c, bool never, const char *what)
{
	if (never)
		return REFUSE(c, OFPBAC_MATCH_INCONSISTENT, "%s on packets that the match excludes",
			      what);
	return 0;
}

static int check_push_vlan(struct check *c, uint16_t type)
{
	const int r = check_push(c, type, 0x8100, 0x88a8);

	know_vlan(c, true, true);
	return r;
}

static int check_pop_vlan(struct check *c)
{
	const int r = check_fits(c, known_untagged(c), "pop_vlan");

	know_vlan(c, false, false);
	return r;
}

static int check_push_mpls(struct check *c, uint16_t type)
{
	const int r = check_push(c, type, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST);

	know_type(c, type);
	know_vlan(c, true, false); /* behind the label now */
	return r;
}

static int check_pop_mpls(struct check *c, uint16_t type)
{
	if (type < ETH_TYPE_MIN)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "%#06x in pop_mpls is no ethertype", type);
	if (known_not(c, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST))
		return check_fits(c, true, "pop_mpls");
	know_ethertype(c, type);
	return 0;
}

static int check_push_pbb(struct check *c, uint16_t type)
{
	const int r = check_push(c, type, ETH_TYPE_PBB, ETH_TYPE_PBB);

	know_type(c, type);
	know_vlan(c, true, false);
	return r;
}

static int check_pop_pbb(struct check *c)
{
	const int r = check_fits(c, known_not(c, ETH_TYPE_PBB, ETH_TYPE_PBB), "pop_pbb");

	know_type(c, 0);
	know_vlan(c, false, false);
	return r;
}

int act_check_ip_ttl(struct check *c)
{
	return check_fits(c, known_not(c, ETH_TYPE_IPV4, ETH_TYPE_IPV6), "IP TTL");
}

static int check_copy_ttl(struct check *c)
{
	return check_fits(c,
			  known_not(c, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST) &&
				  known_not(c, ETH_TYPE_IPV4, ETH_TYPE_IPV6),
			  "copy_ttl");
}

/*
 * "An already-configured queue on a port" (7.2.5).  Ids are each port's own, and by which port the
 * packet leaves is known only when it does: by another table's output, a group's, NORMAL's.  So
 * what no port has is refused; a port that does not have it uses its default queue, as it does for
 * a queue that goes while flows speak of it.  (Open vSwitch checks nothing here.)
 */
static int check_queue(struct check *c, uint32_t id) CONTROL
{
	if (port_queue_anywhere(c->dp, id))
		return 0;
	return REFUSE(c, OFPBAC_BAD_QUEUE, "no port has a queue %u", id);
}

/* ---- One action ---- */

static int check_experimenter(struct check *c, const struct of_any *a)
{
	const struct of_action_experimenter *x = (const struct of_action_experimenter *)a;

	if (a->kind == OF_KIND_action_experimenter && x->experimenter != OF_NX_ID)
		return REFUSE(c, OFPBAC_BAD_EXPERIMENTER, "unknown experimenter %#010x",
			      x->experimenter);
	if (of_kind_in(a->kind, "nx_action") || a->kind == OF_KIND_action_experimenter)
		return REFUSE(c, OFPBAC_BAD_EXP_TYPE, "%s is not supported", of_kind_name(a->kind));
	return REFUSE(c, OFPBAC_BAD_TYPE, "%s is not supported", of_kind_name(a->kind));
}

#define AS(name) ((const struct of_##name *)a)

static int check_action(struct check *c, const struct of_any *a) CONTROL
{
	switch (a->kind) {
	case OF_KIND_action_output:
		return check_port(c, AS(action_output)->port, AS(action_output)->max_len);
	case OF_KIND_action_group:
		return check_group(c, AS(action_group)->group_id);
	case OF_KIND_action_set_queue:
		return check_queue(c, AS(action_set_queue)->queue_id);
	case OF_KIND_action_set_field:
		return check_set_field(c, &AS(action_set_field)->field);
	case OF_KIND_action_push_vlan:
		return check_push_vlan(c, AS(action_push_vlan)->ethertype);
	case OF_KIND_action_pop_vlan:
		return check_pop_vlan(c);
	case OF_KIND_action_push_mpls:
		return check_push_mpls(c, AS(action_push_mpls)->ethertype);
	case OF_KIND_action_pop_mpls:
		return check_pop_mpls(c, AS(action_pop_mpls)->ethertype);
	case OF_KIND_action_push_pbb:
		return check_push_pbb(c, AS(action_push_pbb)->ethertype);
	case OF_KIND_action_pop_pbb:
		return check_pop_pbb(c);
	case OF_KIND_action_set_mpls_ttl:
	case OF_KIND_action_dec_mpls_ttl:
		return check_fits(c, known_not(c, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST), "MPLS TTL");
	case OF_KIND_action_set_nw_ttl:
	case OF_KIND_action_dec_nw_ttl:
		return act_check_ip_ttl(c);
	case OF_KIND_action_copy_ttl_out:
	case OF_KIND_action_copy_ttl_in:
		return check_copy_ttl(c);
	case OF_KIND_nx_reg_load:
		return check_load(c, AS(nx_reg_load));
	case OF_KIND_nx_reg_move:
		return check_move(c, AS(nx_reg_move));
	case OF_KIND_nx_controller:
		return check_controller(c, AS(nx_controller));
	case OF_KIND_nx_set_tunnel:
	case OF_KIND_nx_set_tunnel64:
	case OF_KIND_nx_note:
	case OF_KIND_nx_pop_queue:
		return 0;
	case OF_KIND_nx_set_queue:
		return check_queue(c, AS(nx_set_queue)->queue_id);
	case OF_KIND_nx_conjunction:
		return REFUSE(c, OFPBAC_BAD_TYPE, "conjunction is for a flow's apply-actions");
	case OF_KIND_nx_learn:
	case OF_KIND_nx_learn2:
		return act_check_learn(c, a);
	case OF_KIND_nx_fin_timeout:
		return act_check_fin(c);
	default: {
		const int r = act_check_nx(c, a);

		return r > 0 ? check_experimenter(c, a) : r;
	}
	}
}

int act_check_list(struct check *c, const struct of_list *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_any *a = l->v[i];
		const int r = check_action(c, a);

		if (r < 0)
			return r;
		if (a->kind == OF_KIND_action_output && AS(action_output)->port == OFPP_TABLE &&
		    i + 1 < l->n)
			return REFUSE(c, OFPBAC_UNSUPPORTED_ORDER,
				      "output to TABLE must be the last action");
	}
	return 0;
}

/* An action set: what is checked is the order of execution (5.10), not that of the list. */
static int check_set(struct check *c, const struct of_list *l) CONTROL
{
	struct act_set set = { 0 };

	for (uint32_t i = 0; i < l->n; i++) {
		struct act_op op[2] = { 0 };
		struct check args = { .dp = c->dp, .e = c->e };
		int r = act_check_set_nx(&args, l->v[i]);

		if (!r)
			r = check_action(&args, l->v[i]);
		if (r < 0)
			return r;
		if (act_compile(c->dp, l->v[i], &op[0]) && act_slot(op[0].code) == SLOT_FIELD &&
		    set.n_fields++ == ACT_SET_FIELDS)
			return REFUSE(c, OFPBAC_TOO_MANY, "more than %d fields in one action set",
				      ACT_SET_FIELDS);
	}
	for (unsigned int slot = 0; slot < N_ACT_SLOTS; slot++) {
		for (uint32_t i = 0; i < l->n; i++) {
			struct act_op op = { 0 };
			int r;

			if (!act_compile(c->dp, l->v[i], &op) || act_slot(op.code) != slot)
				continue;
			r = check_action(c, l->v[i]);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- Instructions ---- */

static int check_inst(struct check *c, const struct of_any *a, uint8_t table_id) CONTROL
{
	switch (a->kind) {
	case OF_KIND_inst_goto_table: {
		const unsigned int to = AS(inst_goto_table)->table_id;

		if (to > table_id && to < N_TABLES)
			return 0;
		return of_err_set(c->e, OFPET_BAD_INSTRUCTION, OFPBIC_BAD_TABLE_ID,
				  "goto table %u from table %u: it must go forward, to %d at most",
				  to, table_id, N_TABLES - 1);
	}
	case OF_KIND_inst_meter:
		return meter_check_inst(c->dp, AS(inst_meter)->meter_id, c->e);
	case OF_KIND_inst_write_metadata:
	case OF_KIND_inst_clear_actions:
		return 0;
	case OF_KIND_inst_apply_actions:
		return act_check_list(c, &AS(inst_apply_actions)->actions);
	case OF_KIND_inst_write_actions:
		return check_set(c, &AS(inst_write_actions)->actions);
	case OF_KIND_inst_experimenter:
		return of_err_set(c->e, OFPET_BAD_INSTRUCTION, OFPBIC_BAD_EXPERIMENTER,
				  "unknown experimenter %#010x",
				  AS(inst_experimenter)->experimenter);
	default:
		return of_err_set(c->e, OFPET_BAD_INSTRUCTION, OFPBIC_UNSUP_INST, "%s",
				  of_kind_name(a->kind));
	}
}

static int check_insts(struct check *c, const struct of_list *list, uint8_t table_id) CONTROL
{
	/* Write-actions after apply-actions: they see what those have done. */
	static const enum of_kind order[] = {
		OF_KIND_inst_meter,	    OF_KIND_inst_apply_actions,	 OF_KIND_inst_clear_actions,
		OF_KIND_inst_write_actions, OF_KIND_inst_write_metadata, OF_KIND_inst_goto_table,
	};
	uint32_t known = 0;

	for (unsigned int o = 0; o < sizeof(order) / sizeof(order[0]); o++) {
		unsigned int seen = 0;

		for (uint32_t i = 0; i < list->n; i++) {
			int r;

			if (list->v[i]->kind != order[o])
				continue;
			known++;
			/* 1.3 has no code of its own for it; 1.4 calls it DUP_INST. */
			if (seen++)
				return of_err_set(c->e, OFPET_BAD_INSTRUCTION, OFPBIC_UNSUP_INST,
						  "two instructions %s (5.9: one of each type)",
						  of_kind_name(order[o]));
			r = check_inst(c, list->v[i], table_id);
			if (r < 0)
				return r;
		}
	}
	for (uint32_t i = 0; known < list->n && i < list->n; i++) {
		const enum of_kind k = list->v[i]->kind;
		bool listed = false;

		for (unsigned int o = 0; o < sizeof(order) / sizeof(order[0]); o++)
			listed = listed || order[o] == k;
		if (!listed)
			return check_inst(c, list->v[i], table_id);
	}
	return 0;
}

int act_check_insts(struct dp *dp, const struct of_list *list, uint8_t table_id,
		    const struct of_match *match, struct of_err *e)
{
	struct check c = { .dp = dp, .has_match = true, .match = *match, .e = e };

	if (act_is_conjunctive(list))
		return act_check_conjunctive(list, e);
	return check_insts(&c, list, table_id);
}

/* It was metered, if at all, before it paused. */
int act_check_frozen(struct dp *dp, const struct of_list *list, uint8_t table_id, struct of_err *e)
{
	struct check c = { .dp = dp, .frozen = true, .packet_out = true, .e = e };

	for (uint32_t i = 0; i < list->n; i++)
		if (list->v[i]->kind == OF_KIND_inst_meter)
			return of_err_set(e, OFPET_BAD_INSTRUCTION, OFPBIC_UNSUP_INST,
					  "a meter in a continuation");
	return check_insts(&c, list, table_id);
}

int act_check_actions(struct dp *dp, const struct of_list *actions, bool in_group, struct of_err *e)
{
	struct check c = { .dp = dp, .packet_out = !in_group, .e = e };

	return in_group ? check_set(&c, actions) : act_check_list(&c, actions);
}
