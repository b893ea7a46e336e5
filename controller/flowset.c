/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/flowset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

struct draft {
	struct flowset *fs;
	const char *where;
	const struct stage_desc *stage; /* NULL: a group */
	struct of_flow_mod *fm;
	struct of_group_mod *gm;
	struct of_list *actions; /* where the next action goes */
	struct of_list apply;
	struct of_inst_write_metadata *metadata;
	int next; /* enum stage, -1: none */
	int error;
	char what[128];
};

/* What drafts point to when memory is out: written, never read. */
static _Thread_local struct draft spare;

void flowset_init(struct flowset *fs)
{
	memset(fs, 0, sizeof(*fs));
	arena_init(&fs->arena, 0);
	fs->last = &fs->first;
}

void flowset_fini(struct flowset *fs)
{
	arena_fini(&fs->arena);
}

void flowset_reset(struct flowset *fs, enum app_id app, enum cookie_kind kind, uint32_t index)
{
	arena_reset(&fs->arena);
	fs->first = NULL;
	fs->last = &fs->first;
	fs->n = 0;
	fs->app = app;
	fs->kind = kind;
	fs->index = index;
}

static void refuse(struct draft *d, int error, const char *what)
{
	if (d->error)
		return;
	d->error = error;
	snprintf(d->what, sizeof(d->what), "%.127s", what);
}

static struct draft *new_draft(struct flowset *fs, const char *where)
{
	struct draft *d = arena_get(&fs->arena, sizeof(*d));

	if (!d) {
		d = &spare;
		memset(d, 0, sizeof(*d));
		d->error = -ENOMEM;
	}
	d->fs = fs;
	d->where = where;
	d->next = -1;
	return d;
}

struct draft *flowset_flow(struct flowset *fs, enum stage stage, uint16_t priority,
			   const char *where)
{
	struct draft *d = new_draft(fs, where);
	struct of_flow_mod *fm = OF_NEW(&fs->arena, flow_mod);

	d->stage = &stages[stage];
	d->actions = &d->apply;
	if (!(d->stage->owners & 1u << fs->app))
		refuse(d, -EPERM, "the app does not own the stage");
	if (!fm) {
		refuse(d, -ENOMEM, "out of memory");
		return d;
	}
	fm->cookie = cookie_make(fs->app, stage, fs->kind, fs->index);
	fm->table_id = d->stage->table;
	fm->command = OFPFC_ADD;
	fm->priority = priority;
	fm->buffer_id = OFP_NO_BUFFER;
	fm->out_port = OFPP_ANY;
	fm->out_group = OFPG_ANY;
	d->fm = fm;
	return d;
}

struct draft *flowset_group(struct flowset *fs, uint32_t id, uint8_t type, const char *where)
{
	struct draft *d = new_draft(fs, where);
	struct of_group_mod *gm = OF_NEW(&fs->arena, group_mod);

	if (!gm) {
		refuse(d, -ENOMEM, "out of memory");
		return d;
	}
	gm->command = OFPGC_ADD;
	gm->type = type;
	gm->group_id = id;
	d->gm = gm;
	return d;
}

static bool in_set(const enum of_field_id *set, enum of_field_id f)
{
	for (; *set != OF_N_FIELDS; set++)
		if (*set == f)
			return true;
	return false;
}

static bool match_allowed(struct draft *d, enum of_field_id f)
{
	if (d->error)
		return false;
	if (!d->stage || !in_set(d->stage->match, f)) {
		refuse(d, -EPERM, "matches a field that its stage may not match");
		return false;
	}
	return true;
}

void draft_match(struct draft *d, enum of_field_id f, uint64_t value)
{
	if (match_allowed(d, f))
		of_match_set_u64(&d->fm->match, f, value);
}

void draft_match_masked(struct draft *d, enum of_field_id f, uint64_t value, uint64_t mask)
{
	if (match_allowed(d, f))
		of_match_set_masked_u64(&d->fm->match, f, value, mask);
}

void draft_match_bytes(struct draft *d, enum of_field_id f, const void *value, const void *mask)
{
	if (match_allowed(d, f) && of_match_set(&d->fm->match, &of_fields[f], value, mask))
		refuse(d, -EINVAL, "matches a value with bits outside its mask");
}

/* A group's actions run in the stage of the flow that sends packets there; its own flows are
 * checked. */
static bool write_allowed(struct draft *d, enum of_field_id f)
{
	if (d->error)
		return false;
	if (d->stage && !in_set(d->stage->write, f)) {
		refuse(d, -EPERM, "changes a field that its stage may not change");
		return false;
	}
	return true;
}

static void *add_action(struct draft *d, enum of_kind kind)
{
	struct of_any *a = of_new(&d->fs->arena, kind);

	if (!d->actions)
		refuse(d, -EINVAL, "has an action before its first bucket");
	else if (!a || of_list_add(d->actions, &d->fs->arena, a))
		refuse(d, -ENOMEM, "out of memory");
	else
		return a;
	return NULL;
}

#define ADD(d, name) ((struct of_##name *)add_action(d, OF_KIND_##name))

void draft_set_bytes(struct draft *d, enum of_field_id f, const void *value)
{
	struct of_action_set_field *a;

	if (!write_allowed(d, f))
		return;
	a = ADD(d, action_set_field);
	if (!a)
		return;
	a->field.field = &of_fields[f];
	memcpy(a->field.value, value, of_fields[f].bytes);
	memset(a->field.mask, 0xff, of_fields[f].bytes);
}

void draft_set(struct draft *d, enum of_field_id f, uint64_t value)
{
	uint8_t v[8];

	put_be(v, of_fields[f].bytes, value);
	draft_set_bytes(d, f, v);
}

void draft_move(struct draft *d, enum of_field_id from, enum of_field_id to)
{
	struct of_nx_reg_move *a;

	if (!write_allowed(d, to))
		return;
	a = ADD(d, nx_reg_move);
	if (!a)
		return;
	a->n_bits = of_fields[from].bits;
	a->src = &of_fields[from];
	a->dst = &of_fields[to];
}

void draft_push_vlan(struct draft *d, uint16_t vid)
{
	struct of_action_push_vlan *a =
		write_allowed(d, OF_FIELD_VLAN_VID) ? ADD(d, action_push_vlan) : NULL;

	if (!a)
		return;
	a->ethertype = 0x8100;
	draft_set(d, OF_FIELD_VLAN_VID, OFPVID_PRESENT | vid);
}

void draft_pop_vlan(struct draft *d)
{
	if (write_allowed(d, OF_FIELD_VLAN_VID))
		ADD(d, action_pop_vlan);
}

static void output(struct draft *d, uint32_t port, uint16_t max_len)
{
	struct of_action_output *a = d->error ? NULL : ADD(d, action_output);

	if (!a)
		return;
	a->port = port;
	a->max_len = max_len;
}

void draft_output(struct draft *d, uint32_t port)
{
	output(d, port, 0);
}

void draft_controller(struct draft *d, uint16_t max_len)
{
	output(d, OFPP_CONTROLLER, max_len);
}

void draft_group(struct draft *d, uint32_t group_id)
{
	struct of_action_group *a = d->error ? NULL : ADD(d, action_group);

	if (a)
		a->group_id = group_id;
}

void draft_bucket(struct draft *d)
{
	struct of_bucket *b;

	if (d->error)
		return;
	b = OF_NEW(&d->fs->arena, bucket);
	if (!b || of_list_add(&d->gm->buckets, &d->fs->arena, (struct of_any *)b)) {
		refuse(d, -ENOMEM, "out of memory");
		return;
	}
	b->watch_port = OFPP_ANY;
	b->watch_group = OFPG_ANY;
	d->actions = &b->actions;
}

void draft_metadata(struct draft *d, uint64_t value, uint64_t mask)
{
	if (!write_allowed(d, OF_FIELD_METADATA))
		return;
	d->metadata = OF_NEW(&d->fs->arena, inst_write_metadata);
	if (!d->metadata) {
		refuse(d, -ENOMEM, "out of memory");
		return;
	}
	d->metadata->metadata = value;
	d->metadata->metadata_mask = mask;
}

void draft_goto(struct draft *d, enum stage next)
{
	if (!d->stage || !(d->stage->next & 1u << next))
		refuse(d, -EPERM, "goes to a stage that is not next to its own");
	d->next = (int)next;
}

void draft_idle(struct draft *d, uint16_t seconds, uint16_t flags)
{
	if (d->error)
		return;
	d->fm->idle_timeout = seconds;
	d->fm->flags = flags;
}

/* Instructions in the order in which they are executed (5.9), so that equal flows have equal bytes.
 */
static void finish_insts(struct draft *d)
{
	struct arena *a = &d->fs->arena;
	struct of_list *l = &d->fm->insts;
	int rc = 0;

	if (d->apply.n) {
		struct of_inst_apply_actions *i = OF_NEW(a, inst_apply_actions);

		rc = i ? of_list_add(l, a, (struct of_any *)i) : -ENOMEM;
		if (!rc)
			i->actions = d->apply;
	}
	if (!rc && d->metadata)
		rc = of_list_add(l, a, (struct of_any *)d->metadata);
	if (!rc && d->next >= 0) {
		struct of_inst_goto_table *i = OF_NEW(a, inst_goto_table);

		rc = i ? of_list_add(l, a, (struct of_any *)i) : -ENOMEM;
		if (!rc)
			i->table_id = stages[d->next].table;
	}
	if (rc)
		refuse(d, rc, "out of memory");
}

static void encode(struct draft *d)
{
	static uint8_t buf[OF_MSG_MAX];
	struct of_msg m = { .version = OF_VERSION_13 };
	struct err e = { "" };
	struct want *w;
	int n;

	m.body = d->fm ? (struct of_any *)d->fm : (struct of_any *)d->gm;
	n = of_encode(&m, buf, sizeof(buf), &e);
	if (n < 0) {
		refuse(d, n, n == -EMSGSIZE ? "does not fit into one message" : e.text);
		return;
	}
	w = arena_get(&d->fs->arena, sizeof(*w) + (size_t)n);
	if (!w) {
		refuse(d, -ENOMEM, "out of memory");
		return;
	}
	w->where = d->where;
	w->is_group = !d->fm;
	w->cookie = d->fm ? d->fm->cookie : 0;
	w->group_id = d->gm ? d->gm->group_id : 0;
	w->n = (uint16_t)n;
	memcpy(w->wire, buf, (size_t)n);
	*d->fs->last = w;
	d->fs->last = &w->next;
	d->fs->n++;
}

int draft_end(struct draft *d)
{
	if (!d->error && d->fm)
		finish_insts(d);
	if (!d->error)
		encode(d);
	if (d->error) {
		d->fs->refused++;
		log_err("flowset", "%s: %s %s", d->where, d->stage ? d->stage->name : "group",
			d->what[0] ? d->what : "out of memory");
	}
	return d->error;
}
