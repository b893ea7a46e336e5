/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table features as they are told: all that the switch can do, less what was taken from a table.
 *
 * What is listed comes from where it is decided: fields from field.def and field_supported(),
 * instructions and actions from the lists below, which act_check.c accepts.
 */
#include "datapath/table_caps.h"

#include <errno.h>
#include <string.h>

#include "datapath/act.h"
#include "datapath/table_state.h"

static const uint16_t inst_types[] = {
	OFPIT_GOTO_TABLE,    OFPIT_WRITE_METADATA, OFPIT_WRITE_ACTIONS,
	OFPIT_APPLY_ACTIONS, OFPIT_CLEAR_ACTIONS,  OFPIT_METER,
};

static const uint16_t action_types[] = {
	OFPAT_OUTPUT,	    OFPAT_COPY_TTL_OUT, OFPAT_COPY_TTL_IN, OFPAT_SET_MPLS_TTL,
	OFPAT_DEC_MPLS_TTL, OFPAT_PUSH_VLAN,	OFPAT_POP_VLAN,	   OFPAT_PUSH_MPLS,
	OFPAT_POP_MPLS,	    OFPAT_GROUP,	OFPAT_SET_NW_TTL,  OFPAT_DEC_NW_TTL,
	OFPAT_SET_FIELD,    OFPAT_PUSH_PBB,	OFPAT_POP_PBB,	   OFPAT_SET_QUEUE,
};

#define N(x) ((uint32_t)(sizeof(x) / sizeof(*(x))))

_Static_assert(OF_N_FIELDS <= 128, "struct field_set has a bit for every field");

const struct table_caps *table_caps(const struct dp *dp, uint8_t table_id)
{
	return &dp->table_state->caps[table_id];
}

void table_caps_default(const struct dp *dp, uint8_t table_id, struct table_caps *out)
{
	struct table_can *can = &out->can;
	struct table_props *p = &can->props[0];

	memset(out, 0, sizeof(*out)); /* no name: tools would print it in place of the number */
	out->present = true;
	can->metadata_match = can->metadata_write = UINT64_MAX;
	can->max_entries = dp->table_state->max_flows;
	for (uint32_t i = 0; i < N(inst_types); i++)
		p->insts |= 1u << inst_types[i];
	if (table_id == N_TABLES - 1)
		p->insts &= ~(1u << OFPIT_GOTO_TABLE);
	for (uint32_t i = 0; i < N(action_types); i++)
		p->write_actions |= 1u << action_types[i];
	p->apply_actions = p->write_actions;
	for (unsigned int i = table_id + 1u; i < N_TABLES; i++)
		p->next[i / 64] |= 1ull << (i % 64);
	FIELD_EACH (f) {
		if (f->is_alias || !field_supported(f->id))
			continue;
		field_set_add(&can->match, f->id);
		if (f->maskable)
			field_set_add(&can->masked, f->id);
		if (f->settable)
			field_set_add(&p->apply_set, f->id);
	}
	can->wildcards = can->match;
	p->write_set = p->apply_set;
	can->props[1] = *p;
}

/* ---- To the wire ---- */

/* A property with room for 'n' ids, appended to the table's. */
static struct of_ids *prop(struct of_table_features *t, struct arena *a, enum of_kind kind,
			   uint32_t n)
{
	/* All properties of table features are a kind and a list of ids (of13.def). */
	struct of_tf_instructions *p = (struct of_tf_instructions *)of_new(a, kind);

	if (!p)
		return NULL;
	p->ids.v = arena_get(a, n * sizeof(*p->ids.v));
	if (!p->ids.v || of_list_add(&t->properties, a, (struct of_any *)p))
		return NULL;
	memset(p->ids.v, 0, n * sizeof(*p->ids.v));
	return &p->ids;
}

static int put_bits(struct of_table_features *t, struct arena *a, enum of_kind kind, uint32_t bits)
{
	struct of_ids *ids = prop(t, a, kind, 32);

	if (!ids)
		return -ENOMEM;
	for (uint32_t i = 0; i < 32; i++)
		if (bits >> i & 1)
			ids->v[ids->n++].type = i;
	return 0;
}

static int put_tables(struct of_table_features *t, struct arena *a, enum of_kind kind,
		      const uint64_t next[4])
{
	struct of_ids *ids = prop(t, a, kind, N_TABLES);

	if (!ids)
		return -ENOMEM;
	for (uint32_t i = 0; i < N_TABLES; i++)
		if (next[i / 64] >> (i % 64) & 1)
			ids->v[ids->n++].type = i;
	return 0;
}

static int put_fields(struct of_table_features *t, struct arena *a, enum of_kind kind,
		      const struct field_set *s, const struct field_set *masked)
{
	struct of_ids *ids = prop(t, a, kind, OF_N_FIELDS);

	if (!ids)
		return -ENOMEM;
	FIELD_EACH (f) {
		/* Experimenters' ids: not told, as controllers do not write what they read then. */
		if (!field_set_has(s, f->id) || f->is_onf)
			continue;
		ids->v[ids->n].field = f;
		ids->v[ids->n++].has_mask = masked && field_set_has(masked, f->id);
	}
	return 0;
}

/* In the order of the specification: each property of entries, then of table-miss entries. */
int table_caps_put(const struct table_caps *c, struct of_table_features *t, struct arena *a)
{
	const struct table_can *can = &c->can;
	const struct table_props *p = &can->props[0], *miss = &can->props[1];

	memcpy(t->name, c->name, sizeof(t->name));
	t->metadata_match = can->metadata_match;
	t->metadata_write = can->metadata_write;
	t->config = c->config;
	t->max_entries = can->max_entries;
	if (put_bits(t, a, OF_KIND_tf_instructions, p->insts) ||
	    put_bits(t, a, OF_KIND_tf_instructions_miss, miss->insts) ||
	    put_tables(t, a, OF_KIND_tf_next_tables, p->next) ||
	    put_tables(t, a, OF_KIND_tf_next_tables_miss, miss->next) ||
	    put_bits(t, a, OF_KIND_tf_write_actions, p->write_actions) ||
	    put_bits(t, a, OF_KIND_tf_write_actions_miss, miss->write_actions) ||
	    put_bits(t, a, OF_KIND_tf_apply_actions, p->apply_actions) ||
	    put_bits(t, a, OF_KIND_tf_apply_actions_miss, miss->apply_actions) ||
	    put_fields(t, a, OF_KIND_tf_match, &can->match, &can->masked) ||
	    put_fields(t, a, OF_KIND_tf_wildcards, &can->wildcards, NULL) ||
	    put_fields(t, a, OF_KIND_tf_write_setfield, &p->write_set, NULL) ||
	    put_fields(t, a, OF_KIND_tf_write_setfield_miss, &miss->write_set, NULL) ||
	    put_fields(t, a, OF_KIND_tf_apply_setfield, &p->apply_set, NULL) ||
	    put_fields(t, a, OF_KIND_tf_apply_setfield_miss, &miss->apply_set, NULL))
		return -ENOMEM;
	return 0;
}
