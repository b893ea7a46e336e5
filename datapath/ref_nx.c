/* SPDX-License-Identifier: Apache-2.0 */
/* Nicira's actions, as ovs-actions(7) tells them. */
#include <stdlib.h>
#include <string.h>

#include "datapath/ref_priv.h"
#include "ofproto/match.h"
#include "ofproto/nx.h"

enum { PORT_NO_LAST = 0xfeff };
enum { BACKWARD_MAX = 64, NEST_MAX = 250, CALLS_MAX = 4096, IN_PORT = 0xfff8, SAME_TABLE = 255 };

#define AS(name) ((const struct of_##name *)a)

/* ---- resubmit ---- */

/* Nothing comes after it: as a goto, it does not come back. */
static bool is_last(const struct of_list *insts, const struct of_any *a)
{
	const struct of_any *apply = ref_inst(insts, OF_KIND_inst_apply_actions);
	const struct of_list *l;

	for (uint32_t i = 0; i < insts->n; i++) {
		const struct of_any *in = insts->v[i];

		if (in->kind == OF_KIND_inst_write_metadata &&
		    !((const struct of_inst_write_metadata *)in)->metadata_mask)
			continue;
		if (in != apply && in->kind != OF_KIND_inst_meter)
			return false;
	}
	if (!apply)
		return false;
	l = &((const struct of_inst_apply_actions *)apply)->actions;
	return l->v[l->n - 1] == a;
}

static bool too_many(struct ref_run *x)
{
	if (x->calls < CALLS_MAX && x->backward < BACKWARD_MAX && x->nest < NEST_MAX)
		return false;
	x->over = x->doomed = true;
	return true;
}

/* The connection's first packet's values in place of the packet's. */
static void as_connection(struct ref_frame *f)
{
	static const enum of_field_id pairs[][2] = {
		{ OF_FIELD_IPV4_SRC, OF_FIELD_CT_NW_SRC },
		{ OF_FIELD_IPV4_DST, OF_FIELD_CT_NW_DST },
		{ OF_FIELD_IPV6_SRC, OF_FIELD_CT_IPV6_SRC },
		{ OF_FIELD_IPV6_DST, OF_FIELD_CT_IPV6_DST },
		{ OF_FIELD_TCP_SRC, OF_FIELD_CT_TP_SRC },
		{ OF_FIELD_TCP_DST, OF_FIELD_CT_TP_DST },
		{ OF_FIELD_UDP_SRC, OF_FIELD_CT_TP_SRC },
		{ OF_FIELD_UDP_DST, OF_FIELD_CT_TP_DST },
	};

	for (unsigned int i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct ref_bits v = ref_get(f, &of_fields[pairs[i][1]]);

		ref_set(f, &of_fields[pairs[i][0]], &v, 0);
	}
}

static struct ref_flow *look(struct ref_run *x, uint16_t in_port, uint8_t table, bool ct)
{
	struct ref_frame *f = malloc(sizeof(*f));
	struct ref_flow *hit = NULL;

	if (!f)
		return NULL;
	*f = x->f;
	if (in_port != IN_PORT)
		f->meta.in_port = htobe32(in_port >= 0xff00 ? 0xffff0000u + in_port : in_port);
	if (ct)
		as_connection(f);
	if (!ct || x->f.meta.ct_nw_proto)
		hit = ref_lookup(x->r, f, table);
	free(f);
	return hit;
}
/* From a flow on to where gotos lead. */
static void follow(struct ref_run *x, struct ref_flow *f)
{
	while (f) {
		const int next = ref_run_flow(x, f);

		if (next < 0)
			return;
		x->table = (uint8_t)next;
		f = ref_lookup(x->r, &x->f, x->table);
	}
}

static void resubmit(struct ref_run *x, const struct of_any *a, uint16_t in_port, uint8_t table,
		     bool ct)
{
	const uint8_t from = x->table, t = table == SAME_TABLE ? from : table;
	const unsigned int backward = x->backward;
	const bool called = x->called, miss = x->miss;
	const uint64_t cookie = x->cookie;
	struct ref_flow *flow = x->flow, *f;
	const bool last = flow && in_port == IN_PORT && table != SAME_TABLE && !ct &&
			  is_last(&flow->insts, a);

	if (too_many(x))
		return;
	x->table = t;
	f = look(x, in_port, t, ct);
	if (f) {
		x->calls++;
		x->backward += t <= from;
		x->nest += !last;
		x->called = true;
		x->miss = false;
		follow(x, f);
		x->nest -= !last;
	}
	x->backward = backward;
	x->called = called;
	x->miss = miss;
	x->flow = flow;
	x->stop = false;
	if (last)
		return;
	x->table = from;
	x->cookie = cookie;
}

/* ---- The others ---- */

/* All that it changes is given back, but for an exit. */
static void clone(struct ref_run *x, const struct of_list *l)
{
	struct ref_run *copy = malloc(sizeof(*copy));

	if (!copy)
		return;
	*copy = *x;
	copy->flow = NULL; /* a resubmit at its end is not at the flow's */
	ref_run_list(copy, l);
	copy->stop = false;
	ref_finish(copy);
	x->calls = copy->calls;
	x->doomed = x->over = copy->doomed;
	x->exit = copy->exit;
	free(copy);
}

static void push(struct ref_run *x, const struct of_nx_stack_push *a)
{
	const struct ref_bits v = ref_get(&x->f, a->field);
	struct ref_bits *to;

	if (x->n_stack == REF_STACK_MAX) {
		x->over = x->doomed = true;
		return;
	}
	to = &x->stack[x->n_stack++];
	memset(to, 0, sizeof(*to));
	if (ref_meets(&x->f, a->field))
		memcpy(to->bit, v.bit + a->ofs, a->n_bits);
}

static void pop(struct ref_run *x, const struct of_nx_stack_pop *a)
{
	struct ref_bits v;

	if (!x->n_stack)
		return;
	v = x->stack[--x->n_stack];
	v.n = a->n_bits;
	ref_set(&x->f, a->field, &v, a->ofs);
}

static uint64_t number_at(const struct ref_frame *f, const struct of_subfield *s)
{
	const struct ref_bits b = ref_get(f, s->field);
	uint64_t v = 0;

	if (!ref_meets(f, s->field))
		return 0;
	for (unsigned int i = 0; i < s->n_bits; i++)
		if (b.bit[s->ofs + i])
			v = i < 64 ? v | UINT64_C(1) << i : UINT64_MAX;
	return v;
}

static void output_to(struct ref_run *x, const struct of_any *a, uint64_t port, uint16_t max_len)
{
	if (port > 0xffff)
		return;
	port = of_nx_port((uint16_t)port);
	if (port == OFPP_TABLE)
		resubmit(x, a, IN_PORT, 0, false);
	else
		ref_output(x, (uint32_t)port, max_len);
}

/*
 * It goes on where it was as if nothing had been, but for three things: it is as long as it is by
 * now, no group's hash is with it, and nobody lets it in by a port that there cannot be.
 */
static void pause(struct ref_run *x)
{
	const uint32_t in_port = be32toh(x->f.meta.in_port);

	x->n = x->f.n;
	x->f.meta.dp_hash = 0;
	if (!in_port || (in_port > PORT_NO_LAST && in_port < OFPP_CONTROLLER))
		x->over = true;
}

/* What the meter says of its packet-ins is not the packet's business, but whether there are any. */
static void controller(struct ref_run *x, const struct of_any *a)
{
	const uint32_t n = x->r->n_outs;
	struct of_to_controller k;
	const struct of_any *band;
	struct ref_out *o;

	of_controller_of(a, &k);
	if (k.pause) {
		pause(x);
		return;
	}
	band = k.meter_id == NX_CTLR_NO_METER ? NULL : ref_meter_run(x->r, k.meter_id, x->n);
	if (band && band->kind == OF_KIND_band_drop)
		return;
	if (k.reason > OFPR_INVALID_TTL)
		k.reason = OFPR_ACTION;
	if (k.reason == OFPR_ACTION && x->miss)
		k.reason = OFPR_NO_MATCH;
	ref_packet_in(x, k.reason, k.max_len, k.controller_id);
	if (x->r->n_outs == n)
		return;
	o = &x->r->outs[n];
	o->userdata = k.userdata.p;
	o->n_userdata = k.userdata.n;
}

static void output_trunc(struct ref_run *x, const struct of_nx_output_trunc *a)
{
	const uint32_t n = x->f.n;
	const uint16_t fit = x->f.fit;

	if (a->max_len < n) { /* what is left is no whole packet */
		x->f.n = a->max_len;
		x->f.fit = 0;
	}
	ref_output(x, of_nx_port(a->port), 0);
	x->f.n = n;
	x->f.fit = fit;
}

static void put(struct ref_run *x, const struct of_field *d, unsigned int ofs, unsigned int n,
		uint64_t v)
{
	struct ref_bits b = ref_number(v, n < 64 ? n : 64);

	b.n = n;
	ref_set(&x->f, d, &b, ofs);
}

/* Padding behind an IP packet does not count. */
uint32_t ref_length(const struct ref_frame *f)
{
	struct ref_look l;
	uint32_t end = f->n;

	ref_look(f, &l);
	if (l.ip4 >= 0)
		end = (uint32_t)(l.ip4 + ref_u16(f, l.ip4 + 2));
	else if (l.ip6 >= 0)
		end = (uint32_t)(l.ip6 + 40 + ref_u16(f, l.ip6 + 4));
	return end < f->n ? end : f->n;
}

void ref_set_masked(struct ref_frame *f, const struct of_oxm *o)
{
	const struct ref_bits v = ref_bytes(o->value, o->field->bytes, o->field->bits);
	const struct ref_bits mask = ref_bytes(o->mask, o->field->bytes, o->field->bits);
	struct ref_bits b = ref_get(f, o->field);

	for (unsigned int i = 0; i < o->field->bits; i++)
		if (!o->masked || mask.bit[i])
			b.bit[i] = v.bit[i];
	b.n = o->field->bits;
	ref_set(f, o->field, &b, 0);
}

void ref_copy_back(struct ref_run *x, const struct ref_run *copy)
{
	x->calls = copy->calls;
	memcpy(x->set, copy->set, sizeof(x->set));
	x->n_set = copy->n_set;
	memcpy(x->stack, copy->stack, sizeof(x->stack));
	x->n_stack = copy->n_stack;
	x->doomed = copy->doomed;
	x->over = copy->doomed;
}

void ref_act_nx(struct ref_run *x, const struct of_any *a)
{
	switch (a->kind) {
	case OF_KIND_nx_resubmit:
		resubmit(x, a, AS(nx_resubmit)->in_port, SAME_TABLE, false);
		break;
	case OF_KIND_nx_resubmit_table:
		resubmit(x, a, AS(nx_resubmit_table)->in_port, AS(nx_resubmit_table)->table, false);
		break;
	case OF_KIND_nx_resubmit_table_ct:
		resubmit(x, a, AS(nx_resubmit_table_ct)->in_port, AS(nx_resubmit_table_ct)->table,
			 true);
		break;
	case OF_KIND_nx_ct:
		ref_ct(x, AS(nx_ct));
		break;
	case OF_KIND_nx_ct_clear:
		ref_ct_clear(x);
		break;
	case OF_KIND_nx_exit:
		x->exit = true;
		break;
	case OF_KIND_nx_learn:
	case OF_KIND_nx_learn2:
		ref_learn(x, a);
		break;
	case OF_KIND_nx_fin_timeout:
		ref_fin(x, AS(nx_fin_timeout));
		break;
	case OF_KIND_answer_dhcp:
	case OF_KIND_answer_dhcpv6:
	case OF_KIND_answer_ra:
	case OF_KIND_answer_nd:
	case OF_KIND_answer_icmp_error:
	case OF_KIND_answer_echo:
		ref_answer(x, a);
		break;
	case OF_KIND_nx_clone:
		clone(x, &AS(nx_clone)->actions);
		break;
	case OF_KIND_nx_stack_push:
		push(x, AS(nx_stack_push));
		break;
	case OF_KIND_nx_stack_pop:
		pop(x, AS(nx_stack_pop));
		break;
	case OF_KIND_nx_output_reg:
		output_to(x, a, number_at(&x->f, &AS(nx_output_reg)->src),
			  AS(nx_output_reg)->max_len);
		break;
	case OF_KIND_nx_output_reg2:
		output_to(x, a, number_at(&x->f, &AS(nx_output_reg2)->src),
			  AS(nx_output_reg2)->max_len);
		break;
	case OF_KIND_nx_output_trunc:
		output_trunc(x, AS(nx_output_trunc));
		break;
	case OF_KIND_nx_dec_ttl:
		ref_dec_nw_ttl(x, &(uint16_t){ 0 }, 1);
		break;
	case OF_KIND_nx_dec_ttl_cnt_ids:
		ref_dec_nw_ttl(x, AS(nx_dec_ttl_cnt_ids)->ids.v, AS(nx_dec_ttl_cnt_ids)->ids.n);
		break;
	case OF_KIND_nx_reg_load2:
		ref_set_masked(&x->f, &AS(nx_reg_load2)->field);
		break;
	case OF_KIND_nx_check_pkt_larger:
		put(x, AS(nx_check_pkt_larger)->dst, AS(nx_check_pkt_larger)->ofs, 1,
		    ref_length(&x->f) > AS(nx_check_pkt_larger)->pkt_len);
		break;
	case OF_KIND_fit:
		put(x, AS(fit)->dst.field, AS(fit)->dst.ofs, AS(fit)->dst.n_bits,
		    ref_fit(&x->f, AS(fit)->mtu));
		break;
	case OF_KIND_nx_multipath:
		put(x, AS(nx_multipath)->dst.field, AS(nx_multipath)->dst.ofs,
		    AS(nx_multipath)->dst.n_bits, ref_link(&x->f, AS(nx_multipath)));
		break;
	case OF_KIND_nx_bundle: {
		const uint16_t to =
			ref_member(x->r, &x->f, AS(nx_bundle)->algorithm, AS(nx_bundle)->fields,
				   AS(nx_bundle)->basis, &AS(nx_bundle)->members);

		if (to != UINT16_MAX)
			output_to(x, a, to, 0);
		break;
	}
	case OF_KIND_nx_sample:
	case OF_KIND_nx_sample2:
	case OF_KIND_nx_sample3:
		ref_sample(x, a);
		break;
	case OF_KIND_nx_controller2:
		controller(x, a);
		break;
	case OF_KIND_nx_bundle_load:
		put(x, AS(nx_bundle_load)->dst.field, AS(nx_bundle_load)->dst.ofs,
		    AS(nx_bundle_load)->dst.n_bits,
		    ref_member(x->r, &x->f, AS(nx_bundle_load)->algorithm,
			       AS(nx_bundle_load)->fields, AS(nx_bundle_load)->basis,
			       &AS(nx_bundle_load)->members));
		break;
	default:
		break;
	}
}
