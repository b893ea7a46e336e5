/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random actions and instructions, as the differential test sends them: legal for the most part for
 * the match that they stand with, so that most flow_mods are accepted.
 *
 * Included by one test; state in 'rules'.
 */
#ifndef WEFT_TESTS_DATAPATH_RULES_H
#define WEFT_TESTS_DATAPATH_RULES_H

#include "base/arena.h"
#include "ofproto/nx.h"
#include "ofproto/wire.h"
#include "tests/unit/datapath_random.h"

enum { PORTS = 4, GROUPS = 4, METERS = 4, TABLE_NOWHERE = 100 };

static struct {
	struct arena arena; /* of what is made in one round */
	unsigned int n_tables;
	bool loud;	    /* many outputs: more than burst->out has room for */
	bool metered;	    /* flows with meters */
	bool mortal;	    /* ... with timeouts */
	bool learned;	    /* ... that learn others */
	bool nx;	    /* resubmits and the like, ... */
	bool back;	    /* ... to any table */
	bool deep;	    /* many tables, and most flows lead on to the next one */
	bool paused;	    /* controller(pause) */
	bool tracked;	    /* ct() */
	bool forced;	    /* ... with force, and without NAT */
	bool natted;	    /* ... all with nat() */
	bool in_set;	    /* for an action set */
	unsigned int table; /* of the flow that is made */
} rules;

static uint32_t rnd_out_port(void)
{
	switch (below(14)) {
	case 0:
		return OFPP_CONTROLLER;
	case 1:
		return OFPP_FLOOD;
	case 2:
		return OFPP_ALL;
	case 3:
		return OFPP_IN_PORT;
	case 4:
		return OFPP_NORMAL;
	default:
		return 1 + below(PORTS);
	}
}

/* More often than not of a header; in a bucket (no match) of any. */
static const struct of_field *rnd_writable(const struct of_match *m, bool set)
{
	const bool header = !one_in(3);

	for (int i = 0; i < 300; i++) {
		const struct of_field *f = m ? rnd_field(m) : &of_fields[below(OF_N_FIELDS)];

		if ((set ? f->settable : f->writable) && header == (f->layer != OF_LAYER_META))
			return f;
	}
	return &of_fields[OF_FIELD_REG0];
}

static struct of_any *rnd_set_field(const struct of_match *m)
{
	struct of_action_set_field *a = OF_NEW(&rules.arena, action_set_field);

	a->field.field = rnd_writable(m, true);
	rnd_value(a->field.field, a->field.value);
	return (struct of_any *)a;
}

static struct of_any *rnd_load(const struct of_match *m)
{
	struct of_nx_reg_load *a = OF_NEW(&rules.arena, nx_reg_load);
	const struct of_field *f;

	f = one_in(3) ? &of_fields[OF_FIELD_REG0 + below(4)] : rnd_writable(m, false);
	a->dst.field = f;
	a->dst.ofs = (uint16_t)below(f->bits);
	a->dst.n_bits = (uint16_t)(1 + below(f->bits - a->dst.ofs));
	if (a->dst.n_bits > 64)
		a->dst.n_bits = 64;
	a->value = rnd();
	if (a->dst.n_bits < 64)
		a->value &= (UINT64_C(1) << a->dst.n_bits) - 1;
	return (struct of_any *)a;
}

static struct of_any *rnd_move(const struct of_match *m)
{
	struct of_nx_reg_move *a = OF_NEW(&rules.arena, nx_reg_move);
	unsigned int n;

	a->src = one_in(3) ? &of_fields[OF_FIELD_REG0 + below(4)]
		 : m	   ? rnd_field(m)
			   : &of_fields[below(OF_N_FIELDS)];
	a->dst = one_in(2) ? &of_fields[OF_FIELD_REG0 + below(4)] : rnd_writable(m, false);
	n = a->src->bits < a->dst->bits ? a->src->bits : a->dst->bits;
	if (one_in(2))
		n = 1 + below(n);
	a->n_bits = (uint16_t)n;
	a->src_ofs = (uint16_t)below(a->src->bits - n + 1);
	a->dst_ofs = (uint16_t)below(a->dst->bits - n + 1);
	return (struct of_any *)a;
}

static struct of_any *rnd_output(void)
{
	struct of_action_output *a = OF_NEW(&rules.arena, action_output);

	a->port = rnd_easy && !one_in(20) ? 1 + below(PORTS) : rnd_out_port();
	a->max_len = one_in(2) ? OFPCML_NO_BUFFER : 128;
	return (struct of_any *)a;
}

static struct of_any *rnd_header(void)
{
	struct of_any *a;
	unsigned int which = below(6);

	/* Who comes by again and again would run out of headroom. */
	if (rules.back || (rules.nx && which == 3))
		which = 5;
	switch (which) {
	case 0:
		a = (struct of_any *)OF_NEW(&rules.arena, action_push_vlan);
		((struct of_action_push_vlan *)a)->ethertype = one_in(2) ? 0x8100 : 0x88a8;
		return a;
	case 1:
		a = (struct of_any *)OF_NEW(&rules.arena, action_push_mpls);
		((struct of_action_push_mpls *)a)->ethertype = one_in(2) ? 0x8847 : 0x8848;
		return a;
	case 2:
		a = (struct of_any *)OF_NEW(&rules.arena, action_pop_mpls);
		((struct of_action_pop_mpls *)a)->ethertype = one_in(3)	  ? 0x8847
							      : one_in(6) ? 0x8100
							      : one_in(2) ? 0x86dd
									  : 0x0800;
		return a;
	case 3:
		a = (struct of_any *)OF_NEW(&rules.arena, action_push_pbb);
		((struct of_action_push_pbb *)a)->ethertype = 0x88e7;
		return a;
	case 4:
		return (struct of_any *)OF_NEW(&rules.arena, action_pop_pbb);
	default:
		return (struct of_any *)OF_NEW(&rules.arena, action_pop_vlan);
	}
}

static struct of_any *rnd_ttl(void)
{
	struct of_any *a;

	switch (below(6)) {
	case 0:
		a = (struct of_any *)OF_NEW(&rules.arena, action_set_nw_ttl);
		((struct of_action_set_nw_ttl *)a)->nw_ttl = PICK(rnd_ttls);
		return a;
	case 1:
		a = (struct of_any *)OF_NEW(&rules.arena, action_set_mpls_ttl);
		((struct of_action_set_mpls_ttl *)a)->mpls_ttl = PICK(rnd_ttls);
		return a;
	case 2:
		return (struct of_any *)OF_NEW(&rules.arena, action_dec_nw_ttl);
	case 3:
		return (struct of_any *)OF_NEW(&rules.arena, action_dec_mpls_ttl);
	case 4:
		return (struct of_any *)OF_NEW(&rules.arena, action_copy_ttl_in);
	default:
		return (struct of_any *)OF_NEW(&rules.arena, action_copy_ttl_out);
	}
}

static struct of_any *rnd_controller(void)
{
	static const uint8_t data[] = { 1, 2, 3, 4 };
	const struct of_to_controller k = {
		.max_len = one_in(2) ? 64 : UINT16_MAX,
		.reason = (uint8_t)below(6),
		.controller_id = (uint16_t)below(3),
		.userdata = { 1 + below(4), data },
		.meter_id = rules.metered && one_in(2) ? 1 + below(METERS) : NX_CTLR_NO_METER,
		.pause = rules.paused && !one_in(3),
	};

	return of_controller_action(&k, &rules.arena);
}

static struct of_any *rnd_nx(void)
{
	struct of_nx_controller *c;
	struct of_nx_set_tunnel *n;

	if (rules.paused || one_in(4))
		return rnd_controller();
	if (one_in(2)) {
		c = OF_NEW(&rules.arena, nx_controller);
		c->max_len = 64;
		c->reason = (uint8_t)below(3);
		c->controller_id = (uint16_t)below(3);
		return (struct of_any *)c;
	}
	n = OF_NEW(&rules.arena, nx_set_tunnel);
	n->tun_id = below(5000);
	return (struct of_any *)n;
}

/* Queues 1 to 3 are there, 4 is refused. */
static struct of_any *rnd_queue(void)
{
	struct of_action_set_queue *q;
	struct of_nx_set_queue *n;

	if (one_in(4))
		return (struct of_any *)OF_NEW(&rules.arena, nx_pop_queue);
	if (one_in(4)) {
		n = OF_NEW(&rules.arena, nx_set_queue);
		n->queue_id = 1 + below(3);
		return (struct of_any *)n;
	}
	q = OF_NEW(&rules.arena, action_set_queue);
	q->queue_id = 1 + below(one_in(8) ? 4 : 3);
	return (struct of_any *)q;
}

static struct of_any *rnd_tag(void)
{
	struct of_action_push_vlan *p;
	struct of_action_set_field *a;

	switch (below(4)) {
	case 0:
		return (struct of_any *)OF_NEW(&rules.arena, action_pop_vlan);
	case 1:
		p = OF_NEW(&rules.arena, action_push_vlan);
		p->ethertype = one_in(2) ? 0x8100 : 0x88a8;
		return (struct of_any *)p;
	default:
		a = OF_NEW(&rules.arena, action_set_field);
		a->field.field = &of_fields[one_in(3) ? OF_FIELD_VLAN_PCP : OF_FIELD_VLAN_VID];
		rnd_value(a->field.field, a->field.value);
		return (struct of_any *)a;
	}
}

/* What a switch does most: rewrites the MACs, counts the TTL down, and sends. */
static struct of_any *rnd_plain_action(const struct of_match *m)
{
	struct of_action_set_field *a;

	if (rnd_easy && one_in(rnd_tags ? 2 : 4))
		return rnd_tag();
	switch (rnd_tags ? 4 * below(2) : below(8)) {
	case 0:
	case 1:
		a = OF_NEW(&rules.arena, action_set_field);
		a->field.field = &of_fields[one_in(2) ? OF_FIELD_ETH_DST : OF_FIELD_ETH_SRC];
		rnd_value(a->field.field, a->field.value);
		return (struct of_any *)a;
	case 2:
		return (struct of_any *)OF_NEW(&rules.arena, action_dec_nw_ttl);
	case 3:
		return one_in(2) ? rnd_load(m) : rnd_nx();
	default:
		return rnd_output();
	}
}

static struct of_any *rnd_extension(const struct of_match *m, uint32_t max_group);
static struct of_any *rnd_resubmit(void);
static void rnd_answer_flow(struct of_flow_mod *fm);

#include "tests/unit/datapath_rules_ct.h"

static struct of_any *rnd_action(const struct of_match *m, uint32_t max_group)
{
	struct of_action_group *g;

	if (rules.tracked && !rules.in_set && one_in(3) && rnd_may_track(m))
		return rnd_ct(m);
	if (rnd_plain)
		return rnd_plain_action(m);

	if (rules.paused && one_in(8))
		return rnd_controller();
	if (rules.loud && !one_in(3))
		return rnd_output();
	if (rules.nx && one_in(rules.in_set ? 10 : 3)) {
		struct of_any *a = rnd_extension(m, max_group);

		if (a)
			return a;
	}
	switch (below(20)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		return rnd_set_field(m);
	case 5:
	case 6:
		return rnd_load(m);
	case 7:
	case 8:
		return rnd_move(m);
	case 9:
	case 10:
	case 11:
		return rnd_header();
	case 12:
	case 13:
		return rnd_ttl();
	case 14:
		return one_in(2) ? rnd_queue() : rnd_nx();
	case 15:
		if (max_group) {
			g = OF_NEW(&rules.arena, action_group);
			g->group_id = 1 + below(max_group);
			return (struct of_any *)g;
		}
		/* fall through */
	default:
		return rnd_output();
	}
}

static void rnd_actions(struct of_list *l, const struct of_match *m, unsigned int n,
			uint32_t max_group)
{
	for (unsigned int i = 0; i < n; i++) {
		struct of_any *a = rnd_action(m, max_group);

		assert_int_equal(of_list_add(l, &rules.arena, a), 0);
		if (rnd_plain && a->kind == OF_KIND_action_output && !one_in(4))
			break;
	}
}

#include "tests/unit/datapath_rules_nx.h"

/* Rates that simulated bursts, hundredths of a second apart, exceed now and then. */
static struct of_any *rnd_band(void)
{
	static const uint32_t rates[] = { 1, 3, 10, 77, 500, 2000 };
	const uint32_t rate = PICK(rates), burst = below(30);
	struct of_band_dscp_remark *r;
	struct of_band_drop *d;

	if (one_in(2)) {
		r = OF_NEW(&rules.arena, band_dscp_remark);
		r->rate = rate;
		r->burst_size = burst;
		r->prec_level = (uint8_t)below(4);
		return (struct of_any *)r;
	}
	d = OF_NEW(&rules.arena, band_drop);
	d->rate = rate;
	d->burst_size = burst;
	return (struct of_any *)d;
}

/* To a later table: in deep pipelines mostly the next one. */
static void rnd_goto(struct of_flow_mod *fm, unsigned int left)
{
	struct of_inst_goto_table *a = OF_NEW(&rules.arena, inst_goto_table);
	const unsigned int skip = rules.deep && !one_in(40) ? one_in(16) : below(left);

	a->table_id = (uint8_t)(fm->table_id + 1 + (skip < left ? skip : 0));
	of_list_add(&fm->insts, &rules.arena, (struct of_any *)a);
}

static bool rnd_acts(unsigned int left)
{
	if (rules.deep && left > 1)
		return one_in(8);
	return !one_in(rnd_tags ? 8 : rnd_easy && left ? 2 : 4);
}

static void rnd_insts(struct of_flow_mod *fm)
{
	const unsigned int left = rules.n_tables - 1 - fm->table_id;

	rules.table = fm->table_id;
	if (rules.metered && one_in(2)) {
		struct of_inst_meter *m = OF_NEW(&rules.arena, inst_meter);

		m->meter_id = 1 + below(METERS);
		of_list_add(&fm->insts, &rules.arena, (struct of_any *)m);
	}

	/* A resubmit that need not come back. */
	if (rules.nx && one_in(rules.deep ? 12 : 3)) {
		struct of_inst_apply_actions *a = OF_NEW(&rules.arena, inst_apply_actions);

		rnd_actions(&a->actions, &fm->match, below(3), GROUPS);
		of_list_add(&a->actions, &rules.arena, rnd_resubmit());
		of_list_add(&fm->insts, &rules.arena, (struct of_any *)a);
		return;
	}
	if (rnd_acts(left)) {
		struct of_inst_apply_actions *a = OF_NEW(&rules.arena, inst_apply_actions);

		rnd_actions(&a->actions, &fm->match,
			    rnd_easy ? below(4) : 1 + below(rules.loud ? 12 : 6), GROUPS);
		if (rnd_tags && !one_in(6))
			of_list_add(&a->actions, &rules.arena, rnd_output());
		of_list_add(&fm->insts, &rules.arena, (struct of_any *)a);
	}
	if (one_in(8))
		of_list_add(&fm->insts, &rules.arena,
			    (struct of_any *)OF_NEW(&rules.arena, inst_clear_actions));
	if (one_in(rules.deep ? 24 : rnd_easy ? 12 : rnd_plain ? 6 : 2)) {
		struct of_inst_write_actions *a = OF_NEW(&rules.arena, inst_write_actions);

		rules.in_set = true;
		rnd_actions(&a->actions, &fm->match, 1 + below(3), GROUPS);
		rules.in_set = false;
		of_list_add(&fm->insts, &rules.arena, (struct of_any *)a);
	}
	if (one_in(3)) {
		struct of_inst_write_metadata *a = OF_NEW(&rules.arena, inst_write_metadata);

		a->metadata_mask = one_in(2) ? UINT64_MAX : 3;
		a->metadata = below(4);
		of_list_add(&fm->insts, &rules.arena, (struct of_any *)a);
	}
	if (left && !one_in(rules.deep ? 40 : 4))
		rnd_goto(fm, left);
}

#endif
