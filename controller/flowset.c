/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/flowset_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum { NX_IN_PORT = 0xfff8 }; /* of 16 bits */

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

void draft_refuse(struct draft *d, int error, const char *what)
{
	if (d->error)
		return;
	d->error = error;
	snprintf(d->what, sizeof(d->what), "%.127s", what);
}

static struct draft *new_draft(struct flowset *fs, enum stage stage, const char *where)
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
	d->stage = &stages[stage];
	if (!(d->stage->owners & 1u << fs->app))
		draft_refuse(d, -EPERM, "the app does not own the stage");
	return d;
}

struct draft *flowset_flow(struct flowset *fs, enum stage stage, uint16_t priority,
			   const char *where)
{
	struct draft *d = new_draft(fs, stage, where);
	struct of_flow_mod *fm = OF_NEW(&fs->arena, flow_mod);

	d->actions = &d->apply;
	if (!fm) {
		draft_refuse(d, -ENOMEM, "out of memory");
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

struct draft *flowset_group(struct flowset *fs, enum stage stage, uint32_t id, uint8_t type,
			    const char *where)
{
	struct draft *d = new_draft(fs, stage, where);
	struct of_group_mod *gm = OF_NEW(&fs->arena, group_mod);

	if (!gm) {
		draft_refuse(d, -ENOMEM, "out of memory");
		return d;
	}
	gm->command = OFPGC_ADD;
	gm->type = type;
	gm->group_id = id;
	d->gm = gm;
	return d;
}

/* 'what': an enum of_field_id or STAGE_REG and an enum reg. */
static bool in_set(const int *set, int what)
{
	for (; *set != OF_N_FIELDS; set++)
		if (*set == what)
			return true;
	return false;
}

static bool match_allowed(struct draft *d, int what)
{
	if (d->error)
		return false;
	if (!d->fm || !in_set(d->stage->match, what)) {
		draft_refuse(d, -EPERM, "matches a field that its stage may not match");
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
		draft_refuse(d, -EINVAL, "matches a value with bits outside its mask");
}

void draft_match_reg(struct draft *d, enum reg r, uint64_t value)
{
	const struct reg_desc *g = &regs[r];

	if (match_allowed(d, STAGE_REG + (int)r))
		of_match_set_masked_u64(&d->fm->match, g->field, value << g->shift,
					((UINT64_C(1) << g->bits) - 1) << g->shift);
}

static bool write_allowed(struct draft *d, int what)
{
	if (d->error)
		return false;
	if (!in_set(d->stage->write, what)) {
		draft_refuse(d, -EPERM, "changes a field that its stage may not change");
		return false;
	}
	return true;
}

/* Whether packets may be sent there by whatever means. */
static bool next_allowed(struct draft *d, enum stage next)
{
	if (d->error)
		return false;
	if (!(d->stage->next & 1u << next)) {
		draft_refuse(d, -EPERM, "goes to a stage that is not next to its own");
		return false;
	}
	return true;
}

void *draft_action(struct draft *d, enum of_kind kind)
{
	struct of_any *a = of_new(&d->fs->arena, kind);

	if (!d->actions)
		draft_refuse(d, -EINVAL, "has an action before its first bucket");
	else if (!a || of_list_add(d->actions, &d->fs->arena, a))
		draft_refuse(d, -ENOMEM, "out of memory");
	else
		return a;
	return NULL;
}

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

void draft_load_bits(struct draft *d, enum of_field_id f, unsigned int shift, unsigned int bits,
		     uint64_t value)
{
	struct of_nx_reg_load *a = write_allowed(d, (int)f) ? ADD(d, nx_reg_load) : NULL;

	if (!a)
		return;
	a->dst.field = &of_fields[f];
	a->dst.ofs = (uint16_t)shift;
	a->dst.n_bits = (uint16_t)bits;
	a->value = value;
}

void draft_clear_in_port(struct draft *d)
{
	draft_load_bits(d, OF_FIELD_IN_PORT_NXM, 0, 16, 0);
}

void draft_dec_ttl(struct draft *d)
{
	if (write_allowed(d, OF_FIELD_IP_TTL))
		ADD(d, action_dec_nw_ttl);
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
	if (!d->gm) {
		draft_refuse(d, -EINVAL, "is no group, and has a bucket");
		return;
	}
	b = OF_NEW(&d->fs->arena, bucket);
	if (!b || of_list_add(&d->gm->buckets, &d->fs->arena, (struct of_any *)b)) {
		draft_refuse(d, -ENOMEM, "out of memory");
		return;
	}
	b->weight = d->gm->type == OFPGT_SELECT; /* of those with none, no one is ever selected */
	b->watch_port = OFPP_ANY;
	b->watch_group = OFPG_ANY;
	d->actions = &b->actions;
}

void draft_load(struct draft *d, enum reg r, uint64_t value)
{
	const struct reg_desc *g = &regs[r];
	struct of_nx_reg_load *a =
		write_allowed(d, STAGE_REG + (int)r) ? ADD(d, nx_reg_load) : NULL;

	if (!a)
		return;
	a->dst.field = &of_fields[g->field];
	a->dst.ofs = g->shift;
	a->dst.n_bits = g->bits;
	a->value = value;
}

void draft_fit(struct draft *d, enum reg r, uint16_t mtu)
{
	const struct reg_desc *g = &regs[r];
	struct of_fit *a = write_allowed(d, STAGE_REG + (int)r) ? ADD(d, fit) : NULL;

	if (!a)
		return;
	a->dst.field = &of_fields[g->field];
	a->dst.ofs = g->shift;
	a->dst.n_bits = g->bits;
	a->mtu = mtu;
}

void draft_output_reg(struct draft *d, enum reg r)
{
	struct of_nx_output_reg *a = d->error ? NULL : ADD(d, nx_output_reg);

	if (!a)
		return;
	a->src.field = &of_fields[regs[r].field];
	a->src.ofs = regs[r].shift;
	a->src.n_bits = regs[r].bits;
}

void draft_resubmit(struct draft *d, enum stage s)
{
	struct of_nx_resubmit_table *a = next_allowed(d, s) ? ADD(d, nx_resubmit_table) : NULL;

	if (!a)
		return;
	a->in_port = NX_IN_PORT; /* the one that it has */
	a->table = stages[s].table;
}

void draft_conjunction(struct draft *d, uint32_t id, unsigned int k, unsigned int n)
{
	struct of_nx_conjunction *a = d->error ? NULL : ADD(d, nx_conjunction);

	if (!a)
		return;
	a->clause = (uint8_t)(k - 1);
	a->n_clauses = (uint8_t)n;
	a->id = id;
}

/* ---- ct() ---- */

static void nat_range(struct of_nat_range *r, const struct nat_spec *s)
{
	const bool v4 = s->min.family == 4;

	if (s->min.family) {
		r->present |= v4 ? OF_NAT_IPV4_MIN : OF_NAT_IPV6_MIN;
		memcpy(r->addr_min, s->min.b, ip_size(&s->min));
	}
	if (s->max.family) {
		r->present |= v4 ? OF_NAT_IPV4_MAX : OF_NAT_IPV6_MAX;
		memcpy(r->addr_max, s->max.b, ip_size(&s->max));
	}
	if (s->port_min) {
		r->present |= OF_NAT_PROTO_MIN;
		r->proto_min = s->port_min;
	}
	if (s->port_max) {
		r->present |= OF_NAT_PROTO_MAX;
		r->proto_max = s->port_max;
	}
}

static bool nat_allowed(struct draft *d, const struct nat_spec *s)
{
	const bool v6 = s->min.family == 6;

	if (s->src && !write_allowed(d, v6 ? OF_FIELD_IPV6_SRC : OF_FIELD_IPV4_SRC))
		return false;
	return !s->dst || write_allowed(d, v6 ? OF_FIELD_IPV6_DST : OF_FIELD_IPV4_DST);
}

static void nat(struct draft *d, struct of_list *l, const struct nat_spec *s)
{
	struct of_nx_nat *n = OF_NEW(&d->fs->arena, nx_nat);

	if (!n || of_list_add(l, &d->fs->arena, (struct of_any *)n)) {
		draft_refuse(d, -ENOMEM, "out of memory");
		return;
	}
	n->flags = (uint16_t)((s->src ? NX_NAT_F_SRC : 0) | (s->dst ? NX_NAT_F_DST : 0) |
			      (s->hash ? NX_NAT_F_PROTO_HASH : 0) |
			      (s->random ? NX_NAT_F_PROTO_RANDOM : 0) |
			      (s->persistent ? NX_NAT_F_PERSISTENT : 0));
	nat_range(&n->range, s);
}

static void mark(struct draft *d, struct of_list *l, uint32_t value)
{
	struct of_action_set_field *a = OF_NEW(&d->fs->arena, action_set_field);

	if (!a || of_list_add(l, &d->fs->arena, (struct of_any *)a)) {
		draft_refuse(d, -ENOMEM, "out of memory");
		return;
	}
	a->field.field = &of_fields[OF_FIELD_CT_MARK];
	put_be32(a->field.value, value);
	memset(a->field.mask, 0xff, 4);
}

void draft_ct_clear(struct draft *d)
{
	if (write_allowed(d, OF_FIELD_CT_STATE))
		ADD(d, nx_ct_clear);
}

void draft_ct(struct draft *d, const struct ct_spec *s)
{
	struct of_nx_ct *a;

	if (!write_allowed(d, OF_FIELD_CT_STATE) ||
	    (s->marked && !write_allowed(d, OF_FIELD_CT_MARK)) ||
	    (s->nat && !nat_allowed(d, s->nat)) || (s->goes_on && !next_allowed(d, s->next)))
		return;
	a = ADD(d, nx_ct);
	if (!a)
		return;
	a->flags = s->commit ? NX_CT_F_COMMIT : 0;
	a->recirc_table = s->goes_on ? stages[s->next].table : OFPTT_ALL;
	a->zone.value = s->zone;
	if (s->zone_is_reg) {
		a->zone.src.field = &of_fields[regs[REG_zone].field];
		a->zone.src.ofs = regs[REG_zone].shift;
		a->zone.src.n_bits = regs[REG_zone].bits;
	}
	if (s->nat)
		nat(d, &a->actions, s->nat);
	if (s->marked)
		mark(d, &a->actions, s->mark);
}

void draft_metadata(struct draft *d, uint64_t value, uint64_t mask)
{
	if (!write_allowed(d, OF_FIELD_METADATA))
		return;
	d->metadata = OF_NEW(&d->fs->arena, inst_write_metadata);
	if (!d->metadata) {
		draft_refuse(d, -ENOMEM, "out of memory");
		return;
	}
	d->metadata->metadata = value;
	d->metadata->metadata_mask = mask;
}

void draft_goto(struct draft *d, enum stage next)
{
	if (next_allowed(d, next))
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
		draft_refuse(d, rc, "out of memory");
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
		draft_refuse(d, n, n == -EMSGSIZE ? "does not fit into one message" : e.text);
		return;
	}
	w = arena_get(&d->fs->arena, sizeof(*w) + (size_t)n);
	if (!w) {
		draft_refuse(d, -ENOMEM, "out of memory");
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
		log_err("flowset", "%s: %s %s", d->where, d->stage->name,
			d->what[0] ? d->what : "out of memory");
	}
	return d->error;
}
