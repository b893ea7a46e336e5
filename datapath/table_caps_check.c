/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a flow fits what its table was left with (7.3.5.5.2), and the error if it does not
 * (7.4.3, 7.4.4, 7.4.5).
 *
 * Called when the flow is fit for the switch as such, so that here only the table's own limits
 * remain.
 */
#include <errno.h>

#include "datapath/table_caps.h"
#include "datapath/table_state.h"

struct flow_check {
	uint8_t table_id;
	const struct table_caps *c;
	const struct table_props *p;
	const struct of_match *m;
	bool miss;
	struct of_err *e;
};

/* ---- The match ---- */

static int check_field(const struct flow_check *c, const struct of_field *f)
{
	const struct table_can *can = &c->c->can;
	struct of_oxm o;

	if (!of_match_has(c->m, f)) {
		/* A table-miss entry leaves out everything (5.4); others what they may, and what
		 * could not be matched here anyway. */
		if (c->miss || !field_set_has(&can->match, f->id) ||
		    field_set_has(&can->wildcards, f->id) || !of_match_pre_met(c->m, f))
			return 0;
		return of_err_set(c->e, OFPET_BAD_MATCH, OFPBMC_BAD_WILDCARDS,
				  "table %u: %s must be matched", c->table_id, f->name);
	}
	if (!field_set_has(&can->match, f->id))
		return of_err_set(c->e, OFPET_BAD_MATCH, OFPBMC_BAD_FIELD,
				  "table %u does not match on %s", c->table_id, f->name);
	of_match_get(c->m, f, &o);
	if (o.masked && !field_set_has(&can->masked, f->id))
		return of_err_set(c->e, OFPET_BAD_MATCH, OFPBMC_BAD_MASK,
				  "table %u matches on %s as a whole only", c->table_id, f->name);
	return 0;
}

static int check_match(const struct flow_check *c)
{
	FIELD_EACH (f) {
		const int rc = f->is_alias ? 0 : check_field(c, f);

		if (rc)
			return rc;
	}
	if (be64toh(c->m->mask.metadata) & ~c->c->can.metadata_match)
		return of_err_set(c->e, OFPET_BAD_MATCH, OFPBMC_BAD_MASK,
				  "table %u matches on metadata bits 0x%llx", c->table_id,
				  (unsigned long long)c->c->can.metadata_match);
	return 0;
}

/* ---- Actions ---- */

#define AS(name) ((const struct of_##name *)a)

/* What an action counts as: its type, and the field that it sets.  -1: of no type. */
static int action_type(const struct of_any *a, const struct of_field **f)
{
	static const int8_t types[OF_N_KINDS] = {
		[OF_KIND_action_copy_ttl_out] = OFPAT_COPY_TTL_OUT,
		[OF_KIND_action_copy_ttl_in] = OFPAT_COPY_TTL_IN,
		[OF_KIND_action_set_mpls_ttl] = OFPAT_SET_MPLS_TTL,
		[OF_KIND_action_dec_mpls_ttl] = OFPAT_DEC_MPLS_TTL,
		[OF_KIND_action_push_vlan] = OFPAT_PUSH_VLAN,
		[OF_KIND_action_pop_vlan] = OFPAT_POP_VLAN,
		[OF_KIND_action_push_mpls] = OFPAT_PUSH_MPLS,
		[OF_KIND_action_pop_mpls] = OFPAT_POP_MPLS,
		[OF_KIND_action_set_queue] = OFPAT_SET_QUEUE,
		[OF_KIND_nx_set_queue] = OFPAT_SET_QUEUE,
		[OF_KIND_nx_pop_queue] = OFPAT_SET_QUEUE,
		[OF_KIND_action_group] = OFPAT_GROUP,
		[OF_KIND_action_set_nw_ttl] = OFPAT_SET_NW_TTL,
		[OF_KIND_action_dec_nw_ttl] = OFPAT_DEC_NW_TTL,
		[OF_KIND_nx_dec_ttl] = OFPAT_DEC_NW_TTL,
		[OF_KIND_action_push_pbb] = OFPAT_PUSH_PBB,
		[OF_KIND_action_pop_pbb] = OFPAT_POP_PBB,
	};

	switch (a->kind) {
	case OF_KIND_action_output:
	case OF_KIND_nx_controller:
	case OF_KIND_nx_controller2:
		return OFPAT_OUTPUT;
	case OF_KIND_action_set_field:
		*f = AS(action_set_field)->field.field;
		return OFPAT_SET_FIELD;
	case OF_KIND_nx_reg_load:
		*f = AS(nx_reg_load)->dst.field;
		return OFPAT_SET_FIELD;
	case OF_KIND_nx_reg_load2:
		*f = AS(nx_reg_load2)->field.field;
		return OFPAT_SET_FIELD;
	case OF_KIND_nx_reg_move:
		*f = AS(nx_reg_move)->dst;
		return OFPAT_SET_FIELD;
	case OF_KIND_nx_set_tunnel:
	case OF_KIND_nx_set_tunnel64:
		*f = &of_fields[OF_FIELD_TUN_ID];
		return OFPAT_SET_FIELD;
	default:
		return types[a->kind] ? types[a->kind] : -1;
	}
}

/* Whether a set has every field of which 'f' is another name, or itself. */
static bool sets(const struct field_set *s, const struct of_field *f)
{
	if (!f->is_alias)
		return field_set_has(s, f->id);
	FIELD_EACH (g)
		if (!g->is_alias && g->layer == f->layer && g->offset < f->offset + f->size &&
		    f->offset < g->offset + g->size && !field_set_has(s, g->id))
			return false;
	return true;
}

static int check_actions(const struct flow_check *c, const struct of_list *l, uint32_t types,
			 const struct field_set *set)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_field *f = NULL;
		const int type = action_type(l->v[i], &f);

		if (type >= 0 && !(types >> type & 1))
			return of_err_set(c->e, OFPET_BAD_ACTION, OFPBAC_BAD_TYPE,
					  "table %u does not do %s", c->table_id,
					  of_kind_name(l->v[i]->kind));
		if (f && !sets(set, f))
			return of_err_set(c->e, OFPET_BAD_ACTION, OFPBAC_BAD_SET_TYPE,
					  "table %u does not set %s", c->table_id, f->name);
	}
	return 0;
}

/* ---- Instructions ---- */

static int check_goto(const struct flow_check *c, uint8_t to)
{
	if (c->p->next[to / 64] >> (to % 64) & 1)
		return 0;
	return of_err_set(c->e, OFPET_BAD_INSTRUCTION, OFPBIC_BAD_TABLE_ID,
			  "goto table %u: none that table %u leads to", to, c->table_id);
}

static int inst_type(enum of_kind k)
{
	switch (k) {
	case OF_KIND_inst_goto_table:
		return OFPIT_GOTO_TABLE;
	case OF_KIND_inst_write_metadata:
		return OFPIT_WRITE_METADATA;
	case OF_KIND_inst_write_actions:
		return OFPIT_WRITE_ACTIONS;
	case OF_KIND_inst_apply_actions:
		return OFPIT_APPLY_ACTIONS;
	case OF_KIND_inst_clear_actions:
		return OFPIT_CLEAR_ACTIONS;
	default:
		return OFPIT_METER;
	}
}

static int check_inst(const struct flow_check *c, const struct of_any *a)
{
	if (!(c->p->insts >> inst_type(a->kind) & 1))
		return of_err_set(c->e, OFPET_BAD_INSTRUCTION, OFPBIC_UNSUP_INST,
				  "table %u does not do %s", c->table_id, of_kind_name(a->kind));
	switch (a->kind) {
	case OF_KIND_inst_goto_table:
		return check_goto(c, AS(inst_goto_table)->table_id);
	case OF_KIND_inst_write_metadata:
		if (!(AS(inst_write_metadata)->metadata_mask & ~c->c->can.metadata_write))
			return 0;
		return of_err_set(c->e, OFPET_BAD_INSTRUCTION, OFPBIC_UNSUP_METADATA_MASK,
				  "table %u writes metadata bits 0x%llx", c->table_id,
				  (unsigned long long)c->c->can.metadata_write);
	case OF_KIND_inst_apply_actions:
		return check_actions(c, &AS(inst_apply_actions)->actions, c->p->apply_actions,
				     &c->p->apply_set);
	case OF_KIND_inst_write_actions:
		return check_actions(c, &AS(inst_write_actions)->actions, c->p->write_actions,
				     &c->p->write_set);
	default:
		return 0;
	}
}

static bool matches_all(const struct of_match *m)
{
	const uint64_t *w = (const uint64_t *)&m->mask;
	uint64_t any = 0;

	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		any |= w[i];
	return !any;
}

int table_caps_check(const struct dp *dp, uint8_t table_id, const struct of_match *m,
		     uint16_t priority, const struct of_list *insts, struct of_err *e)
{
	const struct table_caps *caps = table_caps(dp, table_id);
	struct flow_check c = { table_id, caps, NULL, m, !priority && matches_all(m), e };
	int rc;

	if (!caps->narrowed)
		return 0;
	c.p = &caps->can.props[c.miss];
	rc = check_match(&c);
	for (uint32_t i = 0; !rc && i < insts->n; i++)
		rc = check_inst(&c, insts->v[i]);
	return rc;
}
