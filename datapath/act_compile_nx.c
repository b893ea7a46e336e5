/* SPDX-License-Identifier: Apache-2.0 */
/* Nicira's actions compiled, and what they do to a packet. */
#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/table.h"

#define AS(name) ((const struct of_##name *)a)

/* Port numbers of 16 bits are OpenFlow 1.0's: the reserved ones stand at the end of these. */
static uint32_t wide_port(uint16_t no)
{
	return no >= 0xff00 ? UINT32_C(0xffff0000) | no : no;
}

static bool call(struct act_op *op, uint16_t in_port, uint8_t table, bool ct)
{
	op->code = ACT_CALL;
	op->call.in_port = wide_port(in_port);
	op->call.table = table;
	op->call.ct = ct;
	return true;
}

bool act_compile_nx(const struct of_any *a, struct act_op *op)
{
	switch (a->kind) {
	case OF_KIND_nx_resubmit:
		return call(op, AS(nx_resubmit)->in_port, OFPTT_ALL, false);
	case OF_KIND_nx_resubmit_table:
		return call(op, AS(nx_resubmit_table)->in_port, AS(nx_resubmit_table)->table,
			    false);
	case OF_KIND_nx_resubmit_table_ct:
		return call(op, AS(nx_resubmit_table_ct)->in_port, AS(nx_resubmit_table_ct)->table,
			    true);
	case OF_KIND_nx_exit:
		op->code = ACT_EXIT;
		return true;
	case OF_KIND_nx_ct:
		op->code = ACT_CT;
		op->ct = NULL;
		op->ct_from = AS(nx_ct);
		return true;
	case OF_KIND_nx_ct_clear:
		op->code = ACT_CT_CLEAR;
		return true;
	default: /* a note */
		return false;
	}
}

/* Which table it is must be known, and nobody may be waiting for its return. */
static bool is_tail(const struct insts *i, const struct act_op *op)
{
	const bool goes = op->code == ACT_CALL && op->call.in_port == OFPP_IN_PORT &&
			  !op->call.ct && op->call.table != OFPTT_ALL;
	const bool tracks = op->code == ACT_CT && op->ct->table != ACT_CT_NO_TABLE;

	return (goes || tracks) && !i->write && !i->clear && !i->metadata_mask && i->goto_table < 0;
}

void act_compile_tail(struct insts *i, struct act_op *apply, uint32_t n)
{
	if (n < 2 || !is_tail(i, &apply[n - 2]))
		return;
	/* Behind the end of the list that it leaves. */
	apply[n - 1] = apply[n - 2];
	apply[n - 2] = (struct act_op){ .code = ACT_END };
	i->tail = apply[n - 1].code;
	i->tail_op = &apply[n - 1];
	i->goto_table = i->tail == ACT_CT ? i->tail_op->ct->table : i->tail_op->call.table;
}

void act_sum_up_nx(struct insts *i, const struct act_op *op)
{
	if (op == i->tail_op)
		return;
	if (op->code == ACT_CT_CLEAR || op->code == ACT_CT)
		i->changes_key = true;
	/* A fragment becomes the whole; what translation brings is not known. */
	if (op->code == ACT_CT) {
		i->changes_frame = true;
		i->pops |= op->ct->req.nat;
	}
	/* The flows that it will hit may do anything. */
	if (op->code == ACT_CALL)
		i->changes_frame = i->changes_key = i->pops = true;
}
