/* SPDX-License-Identifier: Apache-2.0 */
/* Which flow of a table a packet meets (5.3), conjunctive ones among them (ovs-fields(7)). */
#include "datapath/ref_priv.h"

enum kind { PLAIN, NAMED, SOFT };

static bool matches(const struct ref_frame *f, const struct of_match *m)
{
	FIELD_EACH (d) {
		struct of_oxm o;
		struct ref_bits value, mask, is;

		if (d->is_alias || !of_match_has(m, d))
			continue;
		of_match_get(m, d, &o);
		value = ref_bytes(o.value, d->bytes, d->bits);
		mask = ref_bytes(o.mask, d->bytes, d->bits);
		/* Not present (7.3.2). */
		if ((d->layer == OF_LAYER_L4 || d->id == OF_FIELD_TCP_FLAGS) && !ref_has_l4(f))
			return false;
		is = ref_get(f, d);
		for (unsigned int i = 0; i < d->bits; i++)
			if (mask.bit[i] && value.bit[i] != is.bit[i])
				return false;
	}
	return true;
}

static const struct of_list *actions_of(const struct ref_flow *x)
{
	static const struct of_list none;

	for (uint32_t i = 0; i < x->insts.n; i++)
		if (x->insts.v[i]->kind == OF_KIND_inst_apply_actions)
			return &OF_AT(&x->insts, i, inst_apply_actions)->actions;
	return &none;
}

static enum kind kind_of(const struct ref_flow *x)
{
	const struct of_list *l = actions_of(x);

	for (uint32_t i = 0; i < l->n; i++)
		if (l->v[i]->kind == OF_KIND_nx_conjunction)
			return SOFT;
	return x->match.mask.conj_id ? NAMED : PLAIN;
}

static struct ref_flow *best(struct ref *r, const struct ref_frame *f, uint8_t table,
			     enum kind kind)
{
	struct ref_flow *found = NULL;

	for (struct ref_flow *x = r->tables[table]; x; x = x->next)
		if (kind_of(x) == kind && (!found || x->priority > found->priority) &&
		    matches(f, &x->match))
			found = x;
	return found;
}

static struct ref_flow *better(struct ref_flow *plain, struct ref_flow *named)
{
	return !named || (plain && plain->priority > named->priority) ? plain : named;
}

/* Whether flows of this priority stand for all clauses of an id. */
static bool complete(struct ref *r, const struct ref_frame *f, uint8_t table, uint16_t priority,
		     uint32_t id, uint8_t n)
{
	bool have[64] = { false };

	for (struct ref_flow *x = r->tables[table]; x; x = x->next) {
		const struct of_list *l = actions_of(x);

		if (x->priority != priority || kind_of(x) != SOFT || !matches(f, &x->match))
			continue;
		for (uint32_t i = 0; i < l->n; i++) {
			const struct of_nx_conjunction *c = (const void *)l->v[i];

			if (c->kind == OF_KIND_nx_conjunction && c->id == id && c->n_clauses == n)
				have[c->clause] = true;
		}
	}
	for (unsigned int k = 0; k < n; k++)
		if (!have[k])
			return false;
	return true;
}

/* The lowest conjunctive flow from 'from' on that is met; its id << 8 | number of clauses, or
 * UINT64_MAX. */
static uint64_t lowest(struct ref *r, const struct ref_frame *f, uint8_t table, uint16_t priority,
		       uint64_t from)
{
	uint64_t low = UINT64_MAX;

	for (struct ref_flow *x = r->tables[table]; x; x = x->next) {
		const struct of_list *l = actions_of(x);

		if (x->priority != priority || kind_of(x) != SOFT || !matches(f, &x->match))
			continue;
		for (uint32_t i = 0; i < l->n; i++) {
			const struct of_nx_conjunction *c = (const void *)l->v[i];
			const uint64_t name = (uint64_t)c->id << 8 | c->n_clauses;

			if (c->kind == OF_KIND_nx_conjunction && name >= from && name < low &&
			    complete(r, f, table, priority, c->id, c->n_clauses))
				low = name;
		}
	}
	return low;
}

/* The highest priority below 'below' at which clauses are met; -1: none. */
static int next_level(struct ref *r, const struct ref_frame *f, uint8_t table, int below)
{
	int level = -1;

	for (struct ref_flow *x = r->tables[table]; x; x = x->next)
		if (x->priority < below && x->priority > level && kind_of(x) == SOFT &&
		    matches(f, &x->match))
			level = x->priority;
	return level;
}

static struct ref_flow *search(struct ref *r, const struct ref_frame *f, uint8_t table)
{
	struct ref_flow *plain = best(r, f, table, PLAIN);
	struct ref_flow *hard = better(plain, best(r, f, table, NAMED));
	const int floor = hard ? hard->priority : -1;
	struct ref_frame again = *f;

	for (int level = next_level(r, f, table, 65536); level > floor;
	     level = next_level(r, f, table, level)) {
		uint64_t name = lowest(r, f, table, (uint16_t)level, 0);
		const bool met = name != UINT64_MAX;

		for (; name != UINT64_MAX; name = lowest(r, f, table, (uint16_t)level, name + 1)) {
			struct ref_flow *named;

			again.meta.conj_id = htobe32((uint32_t)(name >> 8));
			named = best(r, &again, table, NAMED);
			if (named)
				return better(plain, named);
		}
		if (met && plain)
			return plain;
	}
	return hard;
}

struct ref_flow *ref_lookup(struct ref *r, const struct ref_frame *f, uint8_t table)
{
	struct ref_flow *found = search(r, f, table);

	r->lookups[table]++;
	r->matches[table] += found != NULL;
	return found;
}
