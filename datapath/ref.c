/* SPDX-License-Identifier: Apache-2.0 */
/* Actions, action sets, groups and the pipeline as chapter 5 tells them. */
#include "datapath/ref.h"

#include <stdlib.h>
#include <string.h>

#include "datapath/ref_priv.h"
#include "ofproto/match.h"

enum { DEPTH_MAX = 8, BUCKET_RUNS_MAX = 4096 };

struct ref *ref_new(void)
{
	struct ref *r = calloc(1, sizeof(*r));

	if (r)
		arena_init(&r->arena, (size_t)1 << 32);
	return r;
}

static void forget_outs(struct ref *r)
{
	while (r->n_outs)
		free(r->outs[--r->n_outs].frame);
}

void ref_free(struct ref *r)
{
	if (!r)
		return;
	forget_outs(r);
	for (int t = 0; t < REF_TABLES; t++)
		while (r->tables[t]) {
			struct ref_flow *f = r->tables[t];

			r->tables[t] = f->next;
			free(f);
		}
	while (r->groups) {
		struct ref_group *g = r->groups;

		r->groups = g->next;
		free(g->slot);
		free(g);
	}
	ref_meters_free(r);
	free(r->gone);
	free(r->samples);
	arena_fini(&r->arena);
	free(r);
}

void ref_port_add(struct ref *r, uint32_t no)
{
	if (r->n_ports < REF_PORTS)
		r->ports[r->n_ports++] = no;
}

void ref_port_set(struct ref *r, uint32_t no, bool up)
{
	for (uint32_t i = 0; i < r->n_ports; i++)
		if (r->ports[i] == no)
			r->down[i] = !up;
}

bool ref_port_is_up(const struct ref *r, uint32_t no)
{
	for (uint32_t i = 0; i < r->n_ports; i++)
		if (r->ports[i] == no)
			return !r->down[i];
	return false;
}

static bool has_port(const struct ref *r, uint32_t no)
{
	for (uint32_t i = 0; i < r->n_ports; i++)
		if (r->ports[i] == no)
			return true;
	return false;
}

/* ---- Outputs ---- */

uint64_t ref_pieces(const struct ref *r)
{
	return r->pieces;
}

static struct ref_out *emit(struct ref_run *x, enum ref_out_kind kind, uint32_t port,
			    const struct ref_frame *f)
{
	struct ref *r = x->r;
	struct ref_out *o;

	if (r->n_outs == REF_OUTS)
		return NULL;
	o = &r->outs[r->n_outs];
	*o = (struct ref_out){
		.kind = kind,
		.port = port,
		.table_id = x->table,
		.cookie = x->cookie,
		.tun_id = be64toh(x->f.meta.tun_id),
		.queue_id = x->queue_id,
		.meta = x->f.meta,
		.n = f->n,
		.frame = malloc(f->n),
	};
	if (!o->frame)
		return NULL;
	memcpy(o->frame, f->b, f->n);
	r->n_outs++;
	return o;
}

/* Of several, which a port gets, the last one. */
struct ref_out *ref_emit(struct ref_run *x, enum ref_out_kind kind, uint32_t port)
{
	struct ref_frame piece;
	struct ref_out *o = NULL;
	uint32_t done = 0;

	if (kind != REF_OUT_PORT || !x->f.fit)
		return emit(x, kind, port, &x->f);
	while (ref_fit_piece(&x->f, &done, &piece)) {
		o = emit(x, kind, port, &piece);
		x->r->pieces++;
	}
	return o;
}

void ref_packet_in(struct ref_run *x, uint8_t reason, uint16_t max_len, uint16_t controller_id)
{
	struct ref_out *o = ref_emit(x, REF_OUT_CONTROLLER, OFPP_CONTROLLER);

	if (!o)
		return;
	o->reason = reason;
	o->max_len = max_len;
	o->controller_id = controller_id;
	o->userdata = NULL;
	o->n_userdata = 0;
}

void ref_output(struct ref_run *x, uint32_t port, uint16_t max_len)
{
	const uint32_t in_port = be32toh(x->f.meta.in_port);

	switch (port) {
	case OFPP_CONTROLLER:
		ref_packet_in(x, x->miss ? OFPR_NO_MATCH : OFPR_ACTION, max_len, 0);
		return;
	case OFPP_NORMAL:
		ref_emit(x, REF_OUT_NORMAL, port);
		return;
	case OFPP_IN_PORT:
		if (has_port(x->r, in_port))
			ref_emit(x, REF_OUT_PORT, in_port);
		return;
	case OFPP_ALL:
	case OFPP_FLOOD:
		for (uint32_t i = 0; i < x->r->n_ports; i++)
			if (x->r->ports[i] != in_port && !x->r->down[i])
				ref_emit(x, REF_OUT_PORT, x->r->ports[i]);
		return;
	}
	if (port != in_port && has_port(x->r, port))
		ref_emit(x, REF_OUT_PORT, port);
}

/* ---- Actions (5.12) ---- */

static void run_group(struct ref_run *x, uint32_t id);

static void set_number(struct ref_run *x, enum of_field_id id, uint64_t v)
{
	const struct of_field *d = &of_fields[id];
	const struct ref_bits b = ref_number(v, d->bits);

	ref_set(&x->f, d, &b, 0);
}

static void set_field(struct ref_run *x, const struct of_oxm *o)
{
	const struct ref_bits b = ref_bytes(o->value, o->field->bytes, o->field->bits);

	ref_set(&x->f, o->field, &b, 0);
}

static void move(struct ref_run *x, const struct of_nx_reg_move *m)
{
	const struct ref_bits src = ref_get(&x->f, m->src);
	struct ref_bits part = { .n = m->n_bits };

	if (!ref_meets(&x->f, m->src))
		return;
	memcpy(part.bit, src.bit + m->src_ofs, m->n_bits);
	ref_set(&x->f, m->dst, &part, m->dst_ofs);
}

/* vlan_tci without a tag, or as much of it as says so. */
static bool untags(const struct of_nx_reg_load *l)
{
	const int bit = 12 - l->dst.ofs;

	return l->dst.field->id == OF_FIELD_VLAN_TCI && bit >= 0 && bit < l->dst.n_bits &&
	       !(l->value >> bit & 1);
}

static void load(struct ref_run *x, const struct of_nx_reg_load *l)
{
	const struct ref_bits b = ref_number(l->value, l->dst.n_bits);

	if (untags(l)) {
		ref_pop_vlan(&x->f);
		return;
	}
	ref_set(&x->f, l->dst.field, &b, l->dst.ofs);
}

static void invalid_ttl(struct ref_run *x)
{
	if (x->called)
		x->stop = true;
	else
		x->over = true;
}

void ref_dec_nw_ttl(struct ref_run *x, const uint16_t *ids, uint32_t n)
{
	if (ref_dec_ttl(&x->f, false))
		return;
	for (uint32_t i = 0; i < n; i++)
		ref_packet_in(x, OFPR_INVALID_TTL, 0, ids[i]);
	invalid_ttl(x);
}

static void dec_mpls_ttl(struct ref_run *x)
{
	if (ref_dec_ttl(&x->f, true))
		return;
	ref_packet_in(x, OFPR_INVALID_TTL, 0, 0);
	invalid_ttl(x);
}

#define AS(name) ((const struct of_##name *)a)

void ref_act(struct ref_run *x, const struct of_any *a)
{
	switch (a->kind) {
	case OF_KIND_action_output:
		ref_output(x, AS(action_output)->port, AS(action_output)->max_len);
		break;
	case OF_KIND_nx_controller:
		ref_packet_in(x,
			      AS(nx_controller)->reason == OFPR_ACTION && x->miss
				      ? OFPR_NO_MATCH
				      : AS(nx_controller)->reason,
			      AS(nx_controller)->max_len, AS(nx_controller)->controller_id);
		break;
	case OF_KIND_action_group:
		run_group(x, AS(action_group)->group_id);
		break;
	case OF_KIND_action_set_field:
		set_field(x, &AS(action_set_field)->field);
		break;
	case OF_KIND_nx_reg_move:
		move(x, AS(nx_reg_move));
		break;
	case OF_KIND_nx_reg_load:
		load(x, AS(nx_reg_load));
		break;
	case OF_KIND_nx_set_tunnel:
		set_number(x, OF_FIELD_TUN_ID, AS(nx_set_tunnel)->tun_id);
		break;
	case OF_KIND_nx_set_tunnel64:
		set_number(x, OF_FIELD_TUN_ID, AS(nx_set_tunnel64)->tun_id);
		break;
	case OF_KIND_action_push_vlan:
		ref_push_vlan(&x->f, AS(action_push_vlan)->ethertype);
		break;
	case OF_KIND_action_pop_vlan:
		x->over = !ref_pop_vlan(&x->f);
		break;
	case OF_KIND_action_push_mpls:
		ref_push_mpls(&x->f, AS(action_push_mpls)->ethertype);
		break;
	case OF_KIND_action_pop_mpls:
		x->over = !ref_pop_mpls(&x->f, AS(action_pop_mpls)->ethertype);
		break;
	case OF_KIND_action_push_pbb:
		ref_push_pbb(&x->f);
		break;
	case OF_KIND_action_pop_pbb:
		x->over = !ref_pop_pbb(&x->f);
		break;
	case OF_KIND_action_set_mpls_ttl:
		set_number(x, OF_FIELD_MPLS_TTL, AS(action_set_mpls_ttl)->mpls_ttl);
		break;
	case OF_KIND_action_set_nw_ttl:
		set_number(x, OF_FIELD_IP_TTL, AS(action_set_nw_ttl)->nw_ttl);
		break;
	case OF_KIND_action_dec_mpls_ttl:
		dec_mpls_ttl(x);
		break;
	case OF_KIND_action_dec_nw_ttl:
		ref_dec_nw_ttl(x, &(uint16_t){ 0 }, 1);
		break;
	case OF_KIND_action_copy_ttl_out:
		ref_copy_ttl_out(&x->f);
		break;
	case OF_KIND_action_copy_ttl_in:
		ref_copy_ttl_in(&x->f);
		break;
	case OF_KIND_action_set_queue:
		x->queue_id = AS(action_set_queue)->queue_id;
		break;
	case OF_KIND_nx_set_queue:
		x->queue_id = AS(nx_set_queue)->queue_id;
		break;
	case OF_KIND_nx_pop_queue:
		x->queue_id = 0;
		break;
	default:
		ref_act_nx(x, a);
		break;
	}
}

/* ---- Action sets (5.10) ---- */

/* The place of an action's kind in the order of 5.10. */
static int rank(const struct of_any *a)
{
	static const enum of_kind order[] = {
		OF_KIND_action_copy_ttl_in,  OF_KIND_action_pop_vlan,
		OF_KIND_action_pop_pbb,	     OF_KIND_action_pop_mpls,
		OF_KIND_action_push_mpls,    OF_KIND_action_push_pbb,
		OF_KIND_action_push_vlan,    OF_KIND_action_copy_ttl_out,
		OF_KIND_action_dec_mpls_ttl, OF_KIND_action_dec_nw_ttl,
		OF_KIND_action_set_field,    OF_KIND_action_set_mpls_ttl,
		OF_KIND_action_set_nw_ttl,   OF_KIND_action_set_queue,
		OF_KIND_action_group,	     OF_KIND_action_output,
		OF_KIND_nx_resubmit_table,
	};
	enum of_kind k = a->kind;

	if (k == OF_KIND_nx_reg_load && untags(AS(nx_reg_load)))
		k = OF_KIND_action_pop_vlan;
	if (k == OF_KIND_nx_reg_load || k == OF_KIND_nx_reg_load2 || k == OF_KIND_nx_reg_move ||
	    k == OF_KIND_nx_set_tunnel || k == OF_KIND_nx_set_tunnel64)
		k = OF_KIND_action_set_field;
	if (k == OF_KIND_nx_set_queue || k == OF_KIND_nx_pop_queue)
		k = OF_KIND_action_set_queue;
	if (k == OF_KIND_nx_controller || k == OF_KIND_nx_controller2)
		k = OF_KIND_action_output;
	if (k == OF_KIND_nx_dec_ttl || k == OF_KIND_nx_dec_ttl_cnt_ids)
		k = OF_KIND_action_dec_nw_ttl;
	if (k == OF_KIND_nx_resubmit || k == OF_KIND_nx_resubmit_table_ct)
		k = OF_KIND_nx_resubmit_table;
	for (int i = 0; i < (int)(sizeof(order) / sizeof(order[0])); i++)
		if (order[i] == k)
			return i;
	return -1;
}

enum { RANK_FIELD = 10, RANK_GROUP = 14, RANK_OUTPUT = 15, RANK_CALL = 16 };

static struct ref_bits ones(unsigned int ofs, unsigned int n)
{
	struct ref_bits b = { .n = ofs + n };

	for (unsigned int i = ofs; i < b.n; i++)
		b.bit[i] = 1;
	return b;
}

/* The bits of field '*d' that a set-field kind of action writes. */
static struct ref_bits written(const struct of_any *a, const struct of_field **d)
{
	switch (a->kind) {
	case OF_KIND_action_set_field:
		*d = AS(action_set_field)->field.field;
		return ones(0, (*d)->bits);
	case OF_KIND_nx_reg_load2:
		*d = AS(nx_reg_load2)->field.field;
		if (AS(nx_reg_load2)->field.masked)
			return ref_bytes(AS(nx_reg_load2)->field.mask, (*d)->bytes, (*d)->bits);
		return ones(0, (*d)->bits);
	case OF_KIND_nx_reg_load:
		*d = AS(nx_reg_load)->dst.field;
		return ones(AS(nx_reg_load)->dst.ofs, AS(nx_reg_load)->dst.n_bits);
	default:
		*d = &of_fields[OF_FIELD_TUN_ID];
		return ones(0, 64);
	}
}

static bool replaces(const struct of_any *a, const struct of_any *old)
{
	const struct of_field *d, *old_d;
	struct ref_bits bits, old_bits;

	if (rank(a) != rank(old))
		return false;
	if (rank(a) != RANK_FIELD)
		return true;
	if ((a->kind == OF_KIND_nx_reg_move) != (old->kind == OF_KIND_nx_reg_move))
		return false;
	if (a->kind == OF_KIND_nx_reg_move) {
		const struct of_nx_reg_move *m = (const struct of_nx_reg_move *)a;
		const struct of_nx_reg_move *o = (const struct of_nx_reg_move *)old;

		return m->src == o->src && m->dst == o->dst && m->src_ofs == o->src_ofs &&
		       m->dst_ofs == o->dst_ofs && m->n_bits == o->n_bits;
	}
	bits = written(a, &d);
	old_bits = written(old, &old_d);
	return d == old_d && !memcmp(bits.bit, old_bits.bit, sizeof(bits.bit));
}

/* The later one counts, and stands at the end. */
static void write_actions(const struct of_any **set, unsigned int *n_set, const struct of_list *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		unsigned int kept = 0;

		if (rank(l->v[i]) < 0)
			continue;
		for (unsigned int k = 0; k < *n_set; k++)
			if (!replaces(l->v[i], set[k]))
				set[kept++] = set[k];
		if (kept < REF_SET_MAX)
			set[kept++] = l->v[i];
		*n_set = kept;
	}
}

static bool set_has(const struct of_any *const *set, unsigned int n, int r)
{
	for (unsigned int i = 0; i < n; i++)
		if (rank(set[i]) == r)
			return true;
	return false;
}

static void run_set(struct ref_run *x, const struct of_any *const *set, unsigned int n)
{
	for (int r = 0; r <= RANK_CALL; r++) {
		if (r == RANK_OUTPUT && set_has(set, n, RANK_GROUP))
			break;
		if (r == RANK_CALL && set_has(set, n, RANK_OUTPUT))
			break;
		for (unsigned int i = 0; i < n && !x->over && !x->stop && !x->exit; i++)
			if (rank(set[i]) == r)
				ref_act(x, set[i]);
	}
}

/* A bucket works on a copy of the packet as it came to the group (5.6.1). */
static void run_bucket(struct ref_run *x, struct ref_group *g, uint32_t i)
{
	struct ref_run *copy = malloc(sizeof(*copy));
	const struct of_any *set[REF_SET_MAX];
	unsigned int n = 0;

	if (!copy)
		return;
	if (x->r->bucket_runs++ >= BUCKET_RUNS_MAX) {
		x->over = x->doomed = true;
		free(copy);
		return;
	}
	if (i < REF_BUCKETS) {
		g->bucket_packets[i]++;
		g->bucket_bytes[i] += x->n;
	}
	*copy = *x;
	copy->depth++;
	copy->cookie = UINT64_MAX; /* 7.4.1: a bucket's packet-in is no flow's */
	write_actions(set, &n, &OF_AT(&g->buckets, i, bucket)->actions);
	run_set(copy, set, n);
	ref_copy_back(x, copy);
	free(copy);
}

static void run_group(struct ref_run *x, uint32_t id)
{
	struct ref_group *g = *ref_group_find(x->r, id);
	const be32 dp_hash = x->f.meta.dp_hash;
	int one;

	if (!g || x->depth == DEPTH_MAX)
		return;
	g->packets++;
	g->bytes += x->n;
	if (g->type == OFPGT_ALL) {
		for (uint32_t i = 0; i < g->buckets.n && !x->over; i++)
			run_bucket(x, g, i);
		return;
	}
	one = ref_choose(x->r, &x->f, g);
	if (one >= 0)
		run_bucket(x, g, (uint32_t)one);
	x->f.meta.dp_hash = dp_hash;
}

/* ---- The pipeline (5.1, 5.9) ---- */

const struct of_any *ref_inst(const struct of_list *l, enum of_kind kind)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->v[i]->kind == kind)
			return l->v[i];
	return NULL;
}

/* Where the action set would send the packet: actset_output. */
static void note_output(struct ref_run *x)
{
	uint32_t port = OFPP_UNSET;

	for (unsigned int i = 0; i < x->n_set; i++)
		if (rank(x->set[i]) == RANK_OUTPUT)
			port = x->set[i]->kind == OF_KIND_action_output
				       ? ((const struct of_action_output *)x->set[i])->port
				       : OFPP_CONTROLLER;
	if (set_has(x->set, x->n_set, RANK_GROUP))
		port = OFPP_UNSET;
	x->f.meta.actset_output = htobe32(port);
}

static bool is_table_miss(const struct ref_flow *f)
{
	const struct of_match all = { 0 };

	return !f->priority && of_match_equal(&f->match, &all);
}

/* The meter instruction comes first (5.9). */
static void meter(struct ref_run *x, uint32_t id)
{
	const struct of_any *band = ref_meter_run(x->r, id, x->n);

	if (band && band->kind == OF_KIND_band_drop)
		x->over = true;
	else if (band)
		ref_remark(&x->f, ((const struct of_band_dscp_remark *)band)->prec_level);
}

void ref_run_list(struct ref_run *x, const struct of_list *l)
{
	for (uint32_t i = 0; i < l->n && !x->over && !x->stop && !x->exit; i++)
		ref_act(x, l->v[i]);
}

/* Returns the next table, or -1. */
int ref_run_flow(struct ref_run *x, struct ref_flow *f)
{
	const struct of_list *l = &f->insts;
	const struct of_any *a;

	f->packets++;
	f->bytes += x->n;
	f->used = x->r->seconds;
	x->cookie = f->cookie;
	x->flow = f;
	a = ref_inst(l, OF_KIND_inst_meter);
	if (a)
		meter(x, AS(inst_meter)->meter_id);
	if (x->over)
		return -1;
	x->miss = is_table_miss(f);
	a = ref_inst(l, OF_KIND_inst_apply_actions);
	if (a)
		ref_run_list(x, &AS(inst_apply_actions)->actions);
	x->miss = false;
	if (x->over || x->stop || x->exit)
		return -1;
	a = ref_inst(l, OF_KIND_inst_clear_actions);
	if (a) {
		x->n_set = 0;
		note_output(x);
	}
	/* What a bucket's resubmit has written tells itself only now, as in Open vSwitch. */
	a = ref_inst(l, OF_KIND_inst_write_actions);
	if (a) {
		write_actions(x->set, &x->n_set, &AS(inst_write_actions)->actions);
		note_output(x);
	}
	a = ref_inst(l, OF_KIND_inst_write_metadata);
	if (a) {
		const uint64_t mask = AS(inst_write_metadata)->metadata_mask;
		const uint64_t was = be64toh(x->f.meta.metadata);

		x->f.meta.metadata =
			htobe64((was & ~mask) | (AS(inst_write_metadata)->metadata & mask));
	}
	a = ref_inst(l, OF_KIND_inst_goto_table);
	return a ? AS(inst_goto_table)->table_id : -1;
}

void ref_finish(struct ref_run *x)
{
	const struct of_any *set[REF_SET_MAX];
	const unsigned int n = x->n_set;

	if (x->over || x->exit)
		return;
	memcpy(set, x->set, sizeof(set));
	x->n_set = 0;
	x->stop = x->called = false;
	x->flow = NULL;
	x->cookie = UINT64_MAX; /* 7.4.1: nor is the action set's */
	run_set(x, set, n);
}

uint32_t ref_packet(struct ref *r, const uint8_t *frame, uint32_t n, uint32_t in_port,
		    struct ref_out **out)
{
	struct ref_run *x = calloc(1, sizeof(*x));
	int table = 0;

	forget_outs(r);
	r->ct_passes = r->bucket_runs = 0;
	*out = r->outs;
	if (!x || n < 14 || n > REF_FRAME_MAX / 2) {
		free(x);
		return 0;
	}
	x->r = r;
	memcpy(x->f.b, frame, n);
	x->f.n = x->n = n;
	x->f.meta.in_port = x->f.meta.in_phy_port = htobe32(in_port);
	x->f.meta.actset_output = htobe32(OFPP_UNSET);
	while (table >= 0 && !x->over) {
		struct ref_flow *f = ref_lookup(r, &x->f, (uint8_t)table);

		x->table = (uint8_t)table;
		if (!f)
			x->over = true; /* a table miss without an entry for it */
		else
			table = ref_run_flow(x, f);
	}
	ref_finish(x);
	free(x);
	return r->n_outs;
}
