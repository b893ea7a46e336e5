/* SPDX-License-Identifier: Apache-2.0 */
/* Flow and group mods of the reference interpreter. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ref_priv.h"
#include "ofproto/nx.h"
#include "ofproto/match.h"

/* ---- Flow mods (6.4) ---- */

static const struct of_list *actions_of(const struct of_any *inst)
{
	if (inst->kind == OF_KIND_inst_apply_actions)
		return &((const struct of_inst_apply_actions *)inst)->actions;
	if (inst->kind == OF_KIND_inst_write_actions)
		return &((const struct of_inst_write_actions *)inst)->actions;
	return NULL;
}

static void look_for(const struct of_list *l, uint32_t port, uint32_t group, bool *to_port,
		     bool *to_group)
{
	for (uint32_t k = 0; l && k < l->n; k++) {
		if (l->v[k]->kind == OF_KIND_action_output)
			*to_port |= OF_AT(l, k, action_output)->port == port;
		if (l->v[k]->kind == OF_KIND_nx_output_trunc)
			*to_port |= of_nx_port(OF_AT(l, k, nx_output_trunc)->port) == port;
		if (l->v[k]->kind == OF_KIND_action_group)
			*to_group |= OF_AT(l, k, action_group)->group_id == group;
		if (l->v[k]->kind == OF_KIND_nx_clone)
			look_for(&OF_AT(l, k, nx_clone)->actions, port, group, to_port, to_group);
	}
}

static bool sends_to(const struct ref_flow *f, uint32_t port, uint32_t group)
{
	bool to_port = port == OFPP_ANY, to_group = group == OFPG_ANY;

	for (uint32_t i = 0; i < f->insts.n; i++)
		look_for(actions_of(f->insts.v[i]), port, group, &to_port, &to_group);
	return to_port && to_group;
}

/* Whether a modify or delete is about 'f'. */
static bool selects(const struct of_flow_mod *fm, const struct ref_flow *f)
{
	const bool strict =
		fm->command == OFPFC_MODIFY_STRICT || fm->command == OFPFC_DELETE_STRICT;
	const bool del = fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;

	if ((f->cookie & fm->cookie_mask) != (fm->cookie & fm->cookie_mask))
		return false;
	if (del && !sends_to(f, fm->out_port, fm->out_group))
		return false;
	if (strict)
		return f->priority == fm->priority && of_match_equal(&f->match, &fm->match);
	return of_match_covers(&fm->match, &f->match);
}

void ref_flow_gone(struct ref *r, struct ref_flow *f, uint8_t table_id, uint8_t reason)
{
	if (!(f->flags & OFPFF_SEND_FLOW_REM)) {
		free(f);
		return;
	}
	if (r->n_gone == r->room_gone) {
		r->room_gone = r->room_gone ? 2 * r->room_gone : 64;
		r->gone = realloc(r->gone, r->room_gone * sizeof(*r->gone));
	}
	r->gone[r->n_gone++] = (struct ref_gone){
		.table_id = table_id,
		.reason = reason,
		.priority = f->priority,
		.cookie = f->cookie,
		.packets = f->packets,
		.bytes = f->bytes,
	};
	free(f);
}

static int add(struct ref *r, const struct of_flow_mod *fm)
{
	struct ref_flow **at, *f = calloc(1, sizeof(*f));

	if (!f || of_list_copy(&fm->insts, &r->arena, &f->insts) < 0) {
		free(f);
		return -ENOMEM;
	}
	f->match = fm->match;
	f->priority = fm->priority;
	f->cookie = fm->cookie;
	f->flags = fm->flags;
	f->idle_timeout = fm->idle_timeout;
	f->hard_timeout = fm->hard_timeout;
	f->created = f->used = f->since = r->seconds;
	for (at = &r->tables[fm->table_id]; *at; at = &(*at)->next)
		if ((*at)->priority == f->priority && of_match_equal(&(*at)->match, &f->match)) {
			struct ref_flow *old = *at;

			*at = old->next;
			/* 6.4: its counters live on, but for OFPFF_RESET_COUNTS. */
			if (!(fm->flags & OFPFF_RESET_COUNTS)) {
				f->packets = old->packets;
				f->bytes = old->bytes;
			}
			free(old);
			break;
		}
	f->next = *at;
	*at = f;
	return 0;
}

static int change(struct ref *r, const struct of_flow_mod *fm, uint8_t table)
{
	struct ref_flow **at = &r->tables[table];

	while (*at) {
		struct ref_flow *f = *at;

		if (!selects(fm, f)) {
			at = &f->next;
			continue;
		}
		if (fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT) {
			*at = f->next;
			ref_flow_gone(r, f, table, OFPRR_DELETE);
			continue;
		}
		if (fm->flags & OFPFF_RESET_COUNTS)
			f->packets = f->bytes = 0;
		if (of_list_copy(&fm->insts, &r->arena, &f->insts) < 0)
			return -ENOMEM;
		at = &f->next;
	}
	return 0;
}

int ref_flow_mod(struct ref *r, const struct of_flow_mod *fm)
{
	int rc = 0;

	if (fm->table_id >= REF_TABLES && fm->table_id != OFPTT_ALL)
		return -EPROTO;
	if (fm->command == OFPFC_ADD)
		return fm->table_id < REF_TABLES ? add(r, fm) : -EPROTO;
	for (unsigned int t = 0; t < REF_TABLES && rc == 0; t++)
		if (fm->table_id == OFPTT_ALL || fm->table_id == t)
			rc = change(r, fm, (uint8_t)t);
	return rc;
}

/* ---- Timeouts (5.5), counters ---- */

void ref_clock(struct ref *r, double seconds, uint64_t cycles, uint64_t hz)
{
	r->seconds = seconds;
	r->cycles = cycles;
	r->hz = hz;
}

void ref_expire(struct ref *r)
{
	uint32_t n;

	for (int t = 0; t < REF_TABLES; t++)
		for (struct ref_flow **at = &r->tables[t]; *at;) {
			struct ref_flow *f = *at;
			const bool hard =
				f->hard_timeout && r->seconds >= f->since + f->hard_timeout;
			const bool idle =
				f->idle_timeout && r->seconds >= f->used + f->idle_timeout;

			if (!hard && !idle) {
				at = &f->next;
				continue;
			}
			*at = f->next;
			n = r->n_gone;
			ref_flow_gone(r, f, (uint8_t)t,
				      hard ? OFPRR_HARD_TIMEOUT : OFPRR_IDLE_TIMEOUT);
			if (r->n_gone > n)
				r->gone[n].both = hard && idle;
		}
}

uint32_t ref_gone(struct ref *r, const struct ref_gone **v)
{
	const uint32_t n = r->n_gone;

	*v = r->gone;
	r->n_gone = 0;
	return n;
}

bool ref_flow_counts(const struct ref *r, uint8_t table_id, const struct of_match *m,
		     uint16_t priority, uint64_t *packets, uint64_t *bytes)
{
	for (const struct ref_flow *f = r->tables[table_id]; f; f = f->next)
		if (f->priority == priority && of_match_equal(&f->match, m)) {
			*packets = f->packets;
			*bytes = f->bytes;
			return true;
		}
	return false;
}

uint32_t ref_table_counts(const struct ref *r, uint8_t table_id, uint64_t *lookups,
			  uint64_t *matches)
{
	uint32_t n = 0;

	for (const struct ref_flow *f = r->tables[table_id]; f; f = f->next)
		n++;
	*lookups = r->lookups[table_id];
	*matches = r->matches[table_id];
	return n;
}

/* ---- Group mods (6.5) ---- */

struct ref_group **ref_group_find(struct ref *r, uint32_t id)
{
	struct ref_group **at = &r->groups;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static bool uses_group(const struct ref_flow *f, uint32_t id)
{
	return sends_to(f, OFPP_ANY, id);
}

static void delete_group(struct ref *r, uint32_t id)
{
	struct ref_group **at = ref_group_find(r, id), *g = *at;

	if (!g)
		return;
	*at = g->next;
	free(g->slot);
	free(g);
	for (int t = 0; t < REF_TABLES; t++)
		for (struct ref_flow **f = &r->tables[t]; *f;) {
			struct ref_flow *flow = *f;

			if (!uses_group(flow, id)) {
				f = &flow->next;
				continue;
			}
			*f = flow->next;
			ref_flow_gone(r, flow, (uint8_t)t, OFPRR_GROUP_DELETE);
		}
}

int ref_group_mod(struct ref *r, const struct of_group_mod *gm)
{
	struct ref_group **at = ref_group_find(r, gm->group_id), *g = *at;

	switch (gm->command) {
	case OFPGC_ADD:
	case OFPGC_ADD_OR_MOD:
		if (g && gm->command == OFPGC_ADD)
			return -EPROTO;
		if (g)
			break;
		g = calloc(1, sizeof(*g));
		if (!g)
			return -ENOMEM;
		g->id = gm->group_id;
		*at = g;
		break;
	case OFPGC_MODIFY:
		if (!g)
			return -EPROTO;
		break;
	case OFPGC_DELETE:
		if (gm->group_id != OFPG_ALL)
			delete_group(r, gm->group_id);
		while (gm->group_id == OFPG_ALL && r->groups)
			delete_group(r, r->groups->id);
		return 0;
	default:
		return -EPROTO;
	}
	g->type = gm->type;
	free(g->slot);
	g->slot = NULL;
	g->n_slots = 0;
	memset(&g->how, 0, sizeof(g->how));
	/* 6.5: the group goes on counting, its buckets begin anew. */
	memset(g->bucket_packets, 0, sizeof(g->bucket_packets));
	memset(g->bucket_bytes, 0, sizeof(g->bucket_bytes));
	return of_list_copy(&gm->buckets, &r->arena, &g->buckets);
}

void ref_group_select(struct ref *r, uint32_t id, const struct of_selection *how)
{
	struct ref_group *g = *ref_group_find(r, id);

	if (g)
		g->how = *how;
}

bool ref_group_counts(struct ref *r, uint32_t id, uint32_t bucket, uint64_t *packets,
		      uint64_t *bytes)
{
	const struct ref_group *g = *ref_group_find(r, id);

	if (!g)
		return false;
	*packets = bucket < g->buckets.n ? g->bucket_packets[bucket] : g->packets;
	*bytes = bucket < g->buckets.n ? g->bucket_bytes[bucket] : g->bytes;
	return true;
}

/* A bucket is an action set: of several groups it forwards to the last (5.6.1, 5.10). */
static bool forwards(const struct of_bucket *k, uint32_t id)
{
	bool to = false;

	for (uint32_t i = 0; i < k->actions.n; i++)
		if (k->actions.v[i]->kind == OF_KIND_action_group)
			to = OF_AT(&k->actions, i, action_group)->group_id == id;
	return to;
}

uint32_t ref_group_refs(const struct ref *r, uint32_t id)
{
	uint32_t n = 0;

	for (int t = 0; t < REF_TABLES; t++)
		for (const struct ref_flow *f = r->tables[t]; f; f = f->next)
			n += uses_group(f, id);
	for (const struct ref_group *g = r->groups; g; g = g->next) {
		bool uses = false;

		for (uint32_t i = 0; i < g->buckets.n; i++)
			uses |= forwards(OF_AT(&g->buckets, i, bucket), id);
		n += uses;
	}
	return n;
}
