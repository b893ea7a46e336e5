/* SPDX-License-Identifier: Apache-2.0 */
/* Nicira's actions compiled, and what they do to a packet. */
#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/table.h"
#include "ofproto/nx.h"

#define AS(name)  ((const struct of_##name *)a)
#define AS2(name) ((const struct of_##name *)op->nx)

static bool call(struct act_op *op, uint16_t in_port, uint8_t table, bool ct)
{
	op->code = ACT_CALL;
	op->call.in_port = of_nx_port(in_port);
	op->call.table = table;
	op->call.ct = ct;
	return true;
}

static bool bits(struct act_op *op, enum act_code code, const struct of_field *f, uint16_t ofs,
		 uint16_t n, uint16_t arg)
{
	op->code = code;
	op->arg = arg;
	op->bits.field = f;
	op->bits.ofs = ofs;
	op->bits.n_bits = n;
	return true;
}

static bool output_reg(struct act_op *op, const struct of_subfield *src, uint16_t max_len)
{
	return bits(op, ACT_OUTPUT_REG, src->field, src->ofs, src->n_bits, max_len);
}

static bool as_it_is(struct act_op *op, enum act_code code, const struct of_any *a)
{
	op->code = code;
	op->nx = a;
	return true;
}

static bool output_trunc(struct act_op *op, const struct of_nx_output_trunc *o)
{
	op->code = ACT_OUTPUT_TRUNC;
	op->trunc.port = of_nx_port(o->port);
	op->trunc.max_len = o->max_len;
	return true;
}

static bool sample(struct act_op *op, const struct of_any *a)
{
	struct of_sample s;

	of_sample_of(a, &s);
	op->code = ACT_SAMPLE;
	op->arg = s.probability;
	op->sample.set = s.collector_set_id;
	op->sample.domain = s.obs_domain_id;
	op->sample.point = s.obs_point_id;
	op->sample.port = s.sampling_port;
	op->sample.direction = s.direction;
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
	case OF_KIND_nx_stack_push:
		return bits(op, ACT_PUSH, AS(nx_stack_push)->field, AS(nx_stack_push)->ofs,
			    AS(nx_stack_push)->n_bits, 0);
	case OF_KIND_nx_stack_pop:
		return bits(op, ACT_POP, AS(nx_stack_pop)->field, AS(nx_stack_pop)->ofs,
			    AS(nx_stack_pop)->n_bits, 0);
	case OF_KIND_nx_output_reg:
		return output_reg(op, &AS(nx_output_reg)->src, AS(nx_output_reg)->max_len);
	case OF_KIND_nx_output_reg2:
		return output_reg(op, &AS(nx_output_reg2)->src, AS(nx_output_reg2)->max_len);
	case OF_KIND_nx_output_trunc:
		return output_trunc(op, AS(nx_output_trunc));
	case OF_KIND_nx_dec_ttl:
		op->code = ACT_DEC_NW_TTL;
		return true;
	case OF_KIND_nx_dec_ttl_cnt_ids:
		return as_it_is(op, ACT_DEC_TTL_IDS, a);
	case OF_KIND_nx_check_pkt_larger:
		return bits(op, ACT_CHECK_LEN, AS(nx_check_pkt_larger)->dst,
			    AS(nx_check_pkt_larger)->ofs, 1, AS(nx_check_pkt_larger)->pkt_len);
	case OF_KIND_fit:
		return bits(op, ACT_FIT, AS(fit)->dst.field, AS(fit)->dst.ofs, AS(fit)->dst.n_bits,
			    AS(fit)->mtu);
	case OF_KIND_nx_sample:
	case OF_KIND_nx_sample2:
	case OF_KIND_nx_sample3:
		return sample(op, a);
	case OF_KIND_nx_multipath:
		return as_it_is(op, ACT_MULTIPATH, a);
	case OF_KIND_nx_bundle:
		return as_it_is(op, ACT_BUNDLE, a);
	case OF_KIND_nx_bundle_load:
		return as_it_is(op, ACT_BUNDLE_LOAD, a);
	case OF_KIND_answer_dhcp:
	case OF_KIND_answer_dhcpv6:
	case OF_KIND_answer_ra:
	case OF_KIND_answer_nd:
	case OF_KIND_answer_icmp_error:
	case OF_KIND_answer_echo:
		return as_it_is(op, ACT_ANSWER, a);
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
	apply[n - 1].wire -= (int32_t)sizeof(apply[0]);
	apply[n - 2] = (struct act_op){ .code = ACT_END };
	i->tail = apply[n - 1].code;
	i->tail_op = &apply[n - 1];
	i->goto_table = i->tail == ACT_CT ? i->tail_op->ct->table : i->tail_op->call.table;
}

void act_compile_clone(struct act_op *op, const struct act_op *prog, struct insts *i)
{
	struct insts in = { .reads = 0 };

	act_sum_up_list(&in, prog);
	op->code = ACT_CLONE;
	op->clone.prog = prog;
	op->clone.changes_frame = in.changes_frame;
	/* An exit in it, or in what a resubmit of it leads to, is the list's, too. */
	i->reads |= in.reads;
}

/* What it brings into a field follows from the key words 'reads'. */
static void sum_up_written(struct insts *i, const struct of_field *f, uint64_t reads)
{
	i->reads |= reads;
	act_sum_up_field(i, f);
}

void act_sum_up_nx(struct insts *i, const struct act_op *op)
{
	if (op == i->tail_op)
		return;
	switch (op->code) {
	case ACT_CT: /* a fragment becomes the whole; what translation brings is not known */
		i->changes_frame = i->changes_key = true;
		i->pops |= op->ct->req.nat;
		break;
	case ACT_CT_CLEAR:
		i->changes_key = true;
		break;
	case ACT_CALL:
		/* The flows that it will hit may do anything. */
		i->changes_frame = i->changes_key = i->pops = true;
		break;
	case ACT_OUTPUT_REG: /* to TABLE: the same */
		i->reads |= field_words(op->bits.field);
		i->changes_frame = i->changes_key = i->pops = true;
		break;
	case ACT_ANSWER: /* what it becomes, and whether, the key does not tell */
		i->changes_frame = i->changes_key = i->pops = true;
		break;
	case ACT_PUSH:
		i->reads |= field_words(op->bits.field);
		break;
	case ACT_POP:
		act_sum_up_field(i, op->bits.field);
		break;
	case ACT_DEC_TTL_IDS:
		act_sum_up_field(i, &of_fields[OF_FIELD_IP_TTL]);
		break;
	case ACT_CHECK_LEN: /* the length is not in the key, ... */
		act_sum_up_field(i, op->bits.field);
		i->pops = true;
		break;
	case ACT_FIT: /* ... nor whether it may be fragmented, which its frame is marked with, ...
		       */
		act_sum_up_field(i, op->bits.field);
		i->changes_frame = i->pops = true;
		break;
	case ACT_BUNDLE_LOAD: /* ... nor is which ports are live */
		sum_up_written(i, AS2(nx_bundle_load)->dst.field,
			       act_hash_words(AS2(nx_bundle_load)->fields));
		i->pops = true;
		break;
	case ACT_MULTIPATH:
		sum_up_written(i, AS2(nx_multipath)->dst.field,
			       act_hash_words(AS2(nx_multipath)->fields));
		break;
	}
}
