/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing table features (7.3.5.5.1): the request is read and judged as a whole, then done.
 *
 * The set of tables becomes that of the request.  What a table shall be able to do must be within
 * what the switch can do; a request for less is kept to, so that what is read back is what was
 * asked for.  max_entries is the switch's to say: 0 leaves it at what fits, less is a limit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/table_caps.h"
#include "datapath/table_state.h"

/*
 * 7.3.3: the deprecated bits are not to be used.  Those of 1.4 are set by its table_mod, and stand
 * here so that what was read can be written back.
 */
enum { KNOWN_CONFIG = OFPTC_EVICTION | OFPTC_VACANCY_EVENTS };

#define REFUSE(e, code, ...) of_err_set(e, OFPET_TABLE_FEATURES_FAILED, code, __VA_ARGS__)

/* One table of the request as it is read. */
struct reading {
	const struct table_caps *most; /* all that it could do */
	struct table_caps *c;
	const uint64_t *named; /* tables that the request has */
	uint32_t seen;	       /* properties, by type */
	struct of_err *e;
};

static int read_bits(struct reading *r, const struct of_ids *ids, uint32_t most, uint32_t *out,
		     const char *what)
{
	*out = 0;
	for (uint32_t i = 0; i < ids->n; i++) {
		const uint32_t type = ids->v[i].type;

		if (type > 31 || !(most >> type & 1))
			return REFUSE(r->e, OFPTFFC_BAD_ARGUMENT, "no table can do %s %u", what,
				      type);
		*out |= 1u << type;
	}
	return 0;
}

static int read_tables(struct reading *r, const struct of_ids *ids, const uint64_t most[4],
		       uint64_t out[4])
{
	memset(out, 0, 4 * sizeof(*out));
	for (uint32_t i = 0; i < ids->n; i++) {
		const uint32_t to = ids->v[i].type;

		if (to > 255 || !(most[to / 64] >> (to % 64) & 1))
			return REFUSE(r->e, OFPTFFC_BAD_ARGUMENT, "goto cannot lead to table %u",
				      to);
		if (!(r->named[to / 64] >> (to % 64) & 1))
			return REFUSE(r->e, OFPTFFC_BAD_ARGUMENT,
				      "goto cannot lead to table %u, which the request removes",
				      to);
		out[to / 64] |= 1ull << (to % 64);
	}
	return 0;
}

/* 'masked' NULL: a mask is not for these; 'tell' false: whether there is one makes no difference.
 */
static int read_fields(struct reading *r, const struct of_ids *ids, const struct field_set *most,
		       struct field_set *out, struct field_set *masked, bool tell)
{
	*out = (struct field_set){ { 0 } };
	if (masked)
		*masked = (struct field_set){ { 0 } };
	/* ONF's own are not told, and so not taken away. */
	FIELD_EACH (f) {
		if (!f->is_onf || !field_set_has(most, f->id))
			continue;
		field_set_add(out, f->id);
		if (masked && f->maskable)
			field_set_add(masked, f->id);
	}
	for (uint32_t i = 0; i < ids->n; i++) {
		const struct of_id *id = &ids->v[i];

		if (!id->field || !field_set_has(most, id->field->id))
			return REFUSE(r->e, OFPTFFC_BAD_ARGUMENT, "no table can do so with %s",
				      id->field ? id->field->name : "a field unknown here");
		if (id->has_mask && (!id->field->maskable || (tell && !masked)))
			return REFUSE(r->e, OFPTFFC_BAD_ARGUMENT, "%s takes no mask here",
				      id->field->name);
		field_set_add(out, id->field->id);
		if (masked && id->has_mask)
			field_set_add(masked, id->field->id);
	}
	return 0;
}

static bool is_miss(enum of_kind k)
{
	return k == OF_KIND_tf_instructions_miss || k == OF_KIND_tf_next_tables_miss ||
	       k == OF_KIND_tf_write_actions_miss || k == OF_KIND_tf_apply_actions_miss ||
	       k == OF_KIND_tf_write_setfield_miss || k == OF_KIND_tf_apply_setfield_miss;
}

static int read_property(struct reading *r, const struct of_any *any)
{
	/* All of them are a kind and a list of ids (of13.def). */
	const struct of_ids *ids = &((const struct of_tf_instructions *)any)->ids;
	struct table_can *c = &r->c->can;
	const struct table_can *most = &r->most->can;

	const unsigned int miss = is_miss(any->kind);

	switch (any->kind) {
	case OF_KIND_tf_instructions:
	case OF_KIND_tf_instructions_miss:
		return read_bits(r, ids, most->props[miss].insts, &c->props[miss].insts,
				 "instruction");
	case OF_KIND_tf_next_tables:
	case OF_KIND_tf_next_tables_miss:
		return read_tables(r, ids, most->props[miss].next, c->props[miss].next);
	case OF_KIND_tf_write_actions:
	case OF_KIND_tf_write_actions_miss:
		return read_bits(r, ids, most->props[miss].write_actions,
				 &c->props[miss].write_actions, "action");
	case OF_KIND_tf_apply_actions:
	case OF_KIND_tf_apply_actions_miss:
		return read_bits(r, ids, most->props[miss].apply_actions,
				 &c->props[miss].apply_actions, "action");
	case OF_KIND_tf_match:
		return read_fields(r, ids, &most->match, &c->match, &c->masked, true);
	case OF_KIND_tf_wildcards:
		return read_fields(r, ids, &most->wildcards, &c->wildcards, NULL, false);
	case OF_KIND_tf_write_setfield:
	case OF_KIND_tf_write_setfield_miss:
		return read_fields(r, ids, &most->props[miss].write_set, &c->props[miss].write_set,
				   NULL, true);
	case OF_KIND_tf_apply_setfield:
	case OF_KIND_tf_apply_setfield_miss:
		return read_fields(r, ids, &most->props[miss].apply_set, &c->props[miss].apply_set,
				   NULL, true);
	default:
		return REFUSE(r->e, OFPTFFC_BAD_TYPE, "%s is not known here",
			      of_kind_name(any->kind));
	}
}

/* Kinds of properties as bits; table-miss ones follow those they may be left out for. */
static uint32_t kind_bit(enum of_kind k)
{
	return 1u << (k - OF_KIND_tf_instructions);
}

#define BIT(name) kind_bit(OF_KIND_tf_##name)

/* 7.3.5.5.1: one of each; those of table-miss entries may be left out where they are the same. */
static int complete(struct reading *r)
{
	struct table_props *p = &r->c->can.props[0], *miss = &r->c->can.props[1];
	const uint32_t must = BIT(instructions) | BIT(next_tables) | BIT(write_actions) |
			      BIT(apply_actions) | BIT(match) | BIT(wildcards) |
			      BIT(write_setfield) | BIT(apply_setfield);

	if (must & ~r->seen)
		return REFUSE(r->e, OFPTFFC_BAD_TYPE,
			      "a property is missing: there must be one of each type");
	if (!(r->seen & BIT(instructions_miss)))
		miss->insts = p->insts;
	if (!(r->seen & BIT(next_tables_miss)))
		memcpy(miss->next, p->next, sizeof(p->next));
	if (!(r->seen & BIT(write_actions_miss)))
		miss->write_actions = p->write_actions;
	if (!(r->seen & BIT(apply_actions_miss)))
		miss->apply_actions = p->apply_actions;
	if (!(r->seen & BIT(write_setfield_miss)))
		miss->write_set = p->write_set;
	if (!(r->seen & BIT(apply_setfield_miss)))
		miss->apply_set = p->apply_set;
	return 0;
}

static int read_head(struct reading *r, const struct of_table_features *t)
{
	const uint32_t most = r->most->can.max_entries;

	if (t->name[sizeof(t->name) - 1])
		return REFUSE(r->e, OFPTFFC_BAD_ARGUMENT, "table %u: the name has no end",
			      t->table_id);
	if (t->config & ~KNOWN_CONFIG)
		return REFUSE(r->e, OFPTFFC_BAD_ARGUMENT, "table %u: config 0x%x", t->table_id,
			      t->config);
	if (t->max_entries > most)
		return REFUSE(r->e, OFPTFFC_BAD_ARGUMENT, "table %u: it can have %u entries",
			      t->table_id, most);
	/* As text: what is behind its end would come back otherwise. */
	memcpy(r->c->name, t->name, strlen((const char *)t->name));
	r->c->config = t->config;
	r->c->present = true;
	r->c->can.metadata_match = t->metadata_match;
	r->c->can.metadata_write = t->metadata_write;
	r->c->can.max_entries = t->max_entries ? t->max_entries : most;
	return 0;
}

static int read_table(struct dp *dp, const struct of_table_features *t, const uint64_t named[4],
		      struct table_caps *out, struct of_err *e) CONTROL
{
	struct table_caps most;
	struct reading r = { .most = &most, .c = out, .named = named, .e = e };
	int rc;

	table_caps_default(dp, t->table_id, &most);
	rc = read_head(&r, t);
	for (uint32_t i = 0; !rc && i < t->properties.n; i++) {
		const struct of_any *p = t->properties.v[i];

		if (r.seen & kind_bit(p->kind))
			return REFUSE(e, OFPTFFC_BAD_TYPE, "table %u: two of %s", t->table_id,
				      of_kind_name(p->kind));
		r.seen |= kind_bit(p->kind);
		rc = read_property(&r, p);
	}
	if (!rc)
		rc = complete(&r);
	for (unsigned int i = 0; !rc && i < 2; i++)
		if (out->can.wildcards.w[i] & ~out->can.match.w[i])
			rc = REFUSE(e, OFPTFFC_BAD_ARGUMENT,
				    "table %u: a field may be left out that cannot be matched",
				    t->table_id);
	out->narrowed = memcmp(&out->can, &most.can, sizeof(most.can));
	return rc;
}

static int read_all(struct dp *dp, const struct of_list *tables, struct table_caps *caps,
		    struct of_err *e) CONTROL
{
	uint64_t named[4] = { 0 };
	int rc = 0;

	for (uint32_t i = 0; i < tables->n; i++) {
		const unsigned int id = OF_AT(tables, i, table_features)->table_id;

		if (id >= N_TABLES)
			return REFUSE(e, OFPTFFC_BAD_TABLE, "table %u: tables are 0 to %u", id,
				      N_TABLES - 1);
		if (named[id / 64] >> (id % 64) & 1)
			return REFUSE(e, OFPTFFC_BAD_TABLE, "table %u is described twice", id);
		named[id / 64] |= 1ull << (id % 64);
	}
	if (!(named[0] & 1))
		return REFUSE(e, OFPTFFC_BAD_TABLE,
			      "table 0 is missing, where every packet begins (5.1)");
	for (uint32_t i = 0; i < tables->n && !rc; i++) {
		const struct of_table_features *t = OF_AT(tables, i, table_features);

		rc = read_table(dp, t, named, &caps[t->table_id], e);
	}
	return rc;
}

/* Flows of tables that change or go: no flow-removed for them, but those who watch are told. */
static int remove_flows(struct dp *dp, const struct table_caps *caps) CONTROL
{
	struct table_state *s = dp->table_state;
	struct flow_vec v[N_TABLES] = { { 0 } };
	uint32_t n = 0;
	int rc = 0;

	for (unsigned int i = 0; i < N_TABLES && !rc; i++) {
		struct flow_filter q = { .table_id = (uint8_t)i,
					 .out_port = OFPP_ANY,
					 .out_group = OFPG_ANY };

		if (caps[i].present == s->caps[i].present &&
		    !memcmp(&caps[i].can, &s->caps[i].can, sizeof(caps[i].can)))
			continue;
		rc = table_collect(dp, &q, &v[i]);
		n += v[i].n;
	}
	if (!rc)
		rc = txn_reserve(dp, n);
	for (unsigned int i = 0; i < N_TABLES; i++) {
		for (uint32_t k = 0; !rc && k < v[i].n; k++) {
			table_unlink(dp, v[i].v[k], FLOW_GONE_SILENTLY);
			table_note(dp, OFPFME_DELETED, v[i].v[k], NULL, OFPRR_DELETE);
		}
		free(v[i].v);
	}
	return rc;
}

/* So that set_config() cannot fail. */
static int reserve_config(struct dp *dp, const struct table_caps *caps) CONTROL
{
	int rc = 0;

	for (unsigned int i = 0; i < N_TABLES && !rc; i++)
		if (caps[i].config & OFPTC_EVICTION)
			rc = evict_reserve(&dp->table_state->tables[i],
					   table_count(dp, (uint8_t)i));
	return rc;
}

/* Eviction and events on or off, by what they were set to last. */
static void set_config(struct dp *dp, uint8_t table_id, uint32_t config) CONTROL
{
	struct table_config c;

	table_config_get(dp, table_id, &c);
	if (!(config & OFPTC_EVICTION))
		c.evict_by = 0;
	else if (!c.evict_by)
		c.evict_by = OFPTMPEF_OTHER | OFPTMPEF_IMPORTANCE | OFPTMPEF_LIFETIME;
	c.vacancy_events = config & OFPTC_VACANCY_EVENTS;
	if (!config)
		table_config_clear(dp, table_id);
	else if (table_config_set(dp, table_id, &c))
		table_config_clear(dp, table_id);
}

int table_caps_set(struct dp *dp, const struct of_list *tables, struct of_err *e)
{
	struct table_state *s = dp->table_state;
	struct table_caps *caps = calloc(N_TABLES, sizeof(*caps));
	int rc = caps ? read_all(dp, tables, caps, e) : -ENOMEM;

	if (!rc)
		rc = reserve_config(dp, caps);
	if (!rc)
		rc = remove_flows(dp, caps);
	if (!rc) {
		memcpy(s->caps, caps, sizeof(s->caps));
		for (unsigned int i = 0; i < N_TABLES; i++)
			set_config(dp, (uint8_t)i, caps[i].config);
	}
	free(caps);
	return rc == -ENOMEM ? REFUSE(e, OFPTFFC_EPERM, "out of memory") : rc;
}
