/* SPDX-License-Identifier: Apache-2.0 */
/* Nicira's actions, as ovs-actions(7) tells them. */
#include <stdlib.h>
#include <string.h>

#include "datapath/ref_priv.h"
#include "ofproto/match.h"

enum { BACKWARD_MAX = 64, NEST_MAX = 512, CALLS_MAX = 4096, IN_PORT = 0xfff8, SAME_TABLE = 255 };

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

void ref_copy_back(struct ref_run *x, const struct ref_run *copy)
{
	x->calls = copy->calls;
	memcpy(x->set, copy->set, sizeof(x->set));
	x->n_set = copy->n_set;
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
	case OF_KIND_nx_exit:
		x->exit = true;
		break;
	default:
		break;
	}
}
