/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table features (7.3.5.5): every table can do the same, and says so.
 *
 * What is listed comes from where it is decided: fields from field.def and field_supported(),
 * actions from the one list below.
 */
#include <errno.h>

#include "datapath/act.h"
#include "datapath/agent_priv.h"

static const uint16_t inst_types[] = {
	OFPIT_GOTO_TABLE,    OFPIT_WRITE_METADATA, OFPIT_WRITE_ACTIONS,
	OFPIT_APPLY_ACTIONS, OFPIT_CLEAR_ACTIONS,  OFPIT_METER,
};

static const uint16_t action_types[] = {
	OFPAT_OUTPUT,	    OFPAT_COPY_TTL_OUT, OFPAT_COPY_TTL_IN, OFPAT_SET_MPLS_TTL,
	OFPAT_DEC_MPLS_TTL, OFPAT_PUSH_VLAN,	OFPAT_POP_VLAN,	   OFPAT_PUSH_MPLS,
	OFPAT_POP_MPLS,	    OFPAT_GROUP,	OFPAT_SET_NW_TTL,  OFPAT_DEC_NW_TTL,
	OFPAT_SET_FIELD,    OFPAT_PUSH_PBB,	OFPAT_POP_PBB,
};

#define N(x) ((uint32_t)(sizeof(x) / sizeof(*(x))))

/* A property with room for 'n' ids, appended to the table's. */
static struct of_ids *prop(struct of_table_features *t, struct arena *a, enum of_kind kind,
			   uint32_t n)
{
	/* All properties of table features are a kind and a list of ids (of13.def). */
	struct of_tf_instructions *p = (struct of_tf_instructions *)of_new(a, kind);

	if (!p)
		return NULL;
	p->ids.v = arena_get(a, (n ? n : 1) * sizeof(*p->ids.v));
	if (!p->ids.v || of_list_add(&t->properties, a, (struct of_any *)p))
		return NULL;
	return &p->ids;
}

static int types(struct of_table_features *t, struct arena *a, enum of_kind kind, const uint16_t *v,
		 uint32_t n, bool last)
{
	struct of_ids *ids = prop(t, a, kind, n);

	if (!ids)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		if (!last || v[i] != OFPIT_GOTO_TABLE || kind != OF_KIND_tf_instructions)
			ids->v[ids->n++].type = v[i];
	return 0;
}

static int fields(struct of_table_features *t, struct arena *a, enum of_kind kind)
{
	struct of_ids *ids = prop(t, a, kind, OF_N_FIELDS);
	bool wildcards = kind == OF_KIND_tf_wildcards;
	bool match = kind == OF_KIND_tf_match || wildcards;

	if (!ids)
		return -ENOMEM;
	FIELD_EACH (f) {
		if (f->is_alias || !field_supported(f->id) || (!match && !f->settable) ||
		    f->oxm == OF_FIELD_NO_ID || f->is_onf)
			continue;
		ids->v[ids->n].field = f;
		ids->v[ids->n++].has_mask = kind == OF_KIND_tf_match && f->maskable;
	}
	return 0;
}

static int next_tables(struct of_table_features *t, struct arena *a)
{
	struct of_ids *ids = prop(t, a, OF_KIND_tf_next_tables, N_TABLES);

	if (!ids)
		return -ENOMEM;
	for (unsigned int i = t->table_id + 1u; i < N_TABLES; i++)
		ids->v[ids->n++].type = i;
	return 0;
}

/* Properties of table-miss entries are left out: they are the same (7.3.5.5.2). */
static int fill(const struct dp *dp, struct of_table_features *t, struct arena *a) CONTROL
{
	static const enum of_kind setfields[] = { OF_KIND_tf_match, OF_KIND_tf_wildcards,
						  OF_KIND_tf_write_setfield,
						  OF_KIND_tf_apply_setfield };
	bool last = t->table_id == N_TABLES - 1;
	int rc;

	/* No name: with one, tools would print it in place of the number. */
	t->metadata_match = t->metadata_write = UINT64_MAX;
	t->max_entries = dp->opts.max_flows ? dp->opts.max_flows : 1000000;
	rc = types(t, a, OF_KIND_tf_instructions, inst_types, N(inst_types), last);
	if (!rc)
		rc = next_tables(t, a);
	if (!rc)
		rc = types(t, a, OF_KIND_tf_write_actions, action_types, N(action_types), last);
	if (!rc)
		rc = types(t, a, OF_KIND_tf_apply_actions, action_types, N(action_types), last);
	for (uint32_t i = 0; i < N(setfields) && !rc; i++)
		rc = fields(t, a, setfields[i]);
	return rc;
}

int mp_table_features(struct conn *c, const struct of_msg *m, const struct of_any *body,
		      struct of_err *e)
{
	const struct of_mp_table_features_request *q =
		(const struct of_mp_table_features_request *)body;
	struct mp mp;

	if (q->tables.n && c->role == OFPCR_ROLE_SLAVE) /* 6.3.4 */
		return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE,
				    "a slave may not change the switch");
	if (q->tables.n)
		return agent_refuse(e, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_EPERM,
				    "tables cannot be configured: all of them can do everything");
	mp_begin(&mp, c, m->xid, OFPMP_TABLE_FEATURES, OF_KIND_mp_table_features_reply);
	for (unsigned int i = 0; i < N_TABLES; i++) {
		struct of_table_features *t = OF_NEW(mp.arena, table_features);

		if (t)
			t->table_id = (uint8_t)i;
		if (t && fill(c->agent->dp, t, mp.arena))
			t = NULL;
		if (mp_add(&mp, (struct of_any *)t))
			break;
	}
	mp_end(&mp);
	return 0;
}
