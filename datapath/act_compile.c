/* SPDX-License-Identifier: Apache-2.0 */
/* One action compiled, and what it does to a packet (act.h). */
#include "datapath/act_priv.h"
#include "datapath/group.h"

#define AS(name) ((const struct of_##name *)a)

bool act_compile_set(struct act_op *op, const struct of_field *f, u128 value, unsigned int ofs,
		     unsigned int n)
{
	const u128 mask = (u128_ones(n) << (ofs + f->shift)) & field_bits(f);

	op->code =
		f->layer == OF_LAYER_META && f->pre == OF_PRE_ANY && (f->size == 4 || f->size == 8)
			? ACT_SET_STATE
			: ACT_SET_FIELD;
	op->set.field = f;
	u128_put(op->set.mask, f->size, mask);
	u128_put(op->set.value, f->size, (value << (ofs + f->shift)) & mask);
	return true;
}

static bool set_whole(struct act_op *op, enum of_field_id id, u128 value)
{
	return act_compile_set(op, &of_fields[id], value, 0, of_fields[id].bits);
}

static bool set_ttl(struct act_op *op, enum act_code code, enum of_field_id id, uint8_t ttl)
{
	set_whole(op, id, ttl);
	op->code = code;
	return true;
}

static bool header(struct act_op *op, enum act_code code, uint16_t ethertype)
{
	op->code = code;
	op->arg = ethertype;
	return true;
}

static bool output(struct act_op *op, uint32_t port, uint16_t max_len, uint8_t reason)
{
	op->port = port;
	switch (port) {
	case OFPP_CONTROLLER:
		op->code = ACT_CONTROLLER;
		op->arg = max_len;
		op->reason = reason;
		op->controller_id = 0;
		break;
	case OFPP_IN_PORT:
		op->code = ACT_IN_PORT;
		break;
	case OFPP_FLOOD:
		op->code = ACT_FLOOD;
		break;
	case OFPP_ALL:
		op->code = ACT_ALL;
		break;
	case OFPP_TABLE:
		op->code = ACT_TABLE;
		break;
	case OFPP_NORMAL:
		op->code = ACT_NORMAL;
		break;
	default:
		op->code = ACT_OUTPUT;
		break;
	}
	return true;
}

static bool set_queue(struct act_op *op, uint32_t id)
{
	op->code = ACT_SET_QUEUE;
	op->queue_id = id;
	return true;
}

bool act_compile_masked(struct act_op *op, const struct of_oxm *o)
{
	const struct of_field *f = o->field;
	u128 mask;

	act_compile_set(op, f, u128_get(o->value, f->bytes), 0, f->bits);
	if (!o->masked)
		return true;
	mask = u128_get(o->mask, f->bytes) << f->shift & field_bits(f);
	u128_put(op->set.mask, f->size, mask);
	u128_put(op->set.value, f->size, u128_get(op->set.value, f->size) & mask);
	return true;
}

bool act_compile_move(struct act_op *op, const struct of_nx_reg_move *m)
{
	op->code = ACT_MOVE;
	op->move.src = m->src;
	op->move.dst = m->dst;
	op->move.src_ofs = m->src_ofs;
	op->move.dst_ofs = m->dst_ofs;
	op->move.n_bits = m->n_bits;
	return true;
}

bool act_compile(struct dp *dp, const struct of_any *a, struct act_op *op)
{
	switch (a->kind) {
	case OF_KIND_action_output:
		return output(op, AS(action_output)->port, AS(action_output)->max_len, OFPR_ACTION);
	case OF_KIND_nx_controller:
		output(op, OFPP_CONTROLLER, AS(nx_controller)->max_len, AS(nx_controller)->reason);
		op->controller_id = AS(nx_controller)->controller_id;
		return true;
	case OF_KIND_action_group:
		op->code = ACT_GROUP;
		op->group = group_find(dp, AS(action_group)->group_id);
		return true;
	case OF_KIND_action_set_field:
		return act_compile_masked(op, &AS(action_set_field)->field);
	case OF_KIND_nx_reg_load2:
		return act_compile_masked(op, &AS(nx_reg_load2)->field);
	case OF_KIND_nx_reg_load:
		if (act_untags(&AS(nx_reg_load)->dst, AS(nx_reg_load)->value))
			return header(op, ACT_POP_VLAN, 1); /* if there is a tag */
		return act_compile_set(op, AS(nx_reg_load)->dst.field, AS(nx_reg_load)->value,
				       AS(nx_reg_load)->dst.ofs, AS(nx_reg_load)->dst.n_bits);
	case OF_KIND_nx_reg_move:
		return act_compile_move(op, AS(nx_reg_move));
	case OF_KIND_nx_set_tunnel:
		return set_whole(op, OF_FIELD_TUN_ID, AS(nx_set_tunnel)->tun_id);
	case OF_KIND_nx_set_tunnel64:
		return set_whole(op, OF_FIELD_TUN_ID, AS(nx_set_tunnel64)->tun_id);
	case OF_KIND_action_push_vlan:
		return header(op, ACT_PUSH_VLAN, AS(action_push_vlan)->ethertype);
	case OF_KIND_action_pop_vlan:
		return header(op, ACT_POP_VLAN, 0);
	case OF_KIND_action_push_mpls:
		return header(op, ACT_PUSH_MPLS, AS(action_push_mpls)->ethertype);
	case OF_KIND_action_pop_mpls:
		return header(op, ACT_POP_MPLS, AS(action_pop_mpls)->ethertype);
	case OF_KIND_action_push_pbb:
		return header(op, ACT_PUSH_PBB, AS(action_push_pbb)->ethertype);
	case OF_KIND_action_pop_pbb:
		return header(op, ACT_POP_PBB, 0);
	case OF_KIND_action_set_mpls_ttl:
		return set_ttl(op, ACT_SET_MPLS_TTL, OF_FIELD_MPLS_TTL,
			       AS(action_set_mpls_ttl)->mpls_ttl);
	case OF_KIND_action_set_nw_ttl:
		return set_ttl(op, ACT_SET_NW_TTL, OF_FIELD_IP_TTL, AS(action_set_nw_ttl)->nw_ttl);
	case OF_KIND_action_dec_mpls_ttl:
		return header(op, ACT_DEC_MPLS_TTL, 0);
	case OF_KIND_action_dec_nw_ttl:
		return header(op, ACT_DEC_NW_TTL, 0);
	case OF_KIND_action_copy_ttl_out:
		return header(op, ACT_COPY_TTL_OUT, 0);
	case OF_KIND_action_copy_ttl_in:
		return header(op, ACT_COPY_TTL_IN, 0);
	case OF_KIND_action_set_queue:
		return set_queue(op, AS(action_set_queue)->queue_id);
	case OF_KIND_nx_set_queue:
		return set_queue(op, AS(nx_set_queue)->queue_id);
	case OF_KIND_nx_pop_queue:
		return set_queue(op, 0);
	case OF_KIND_nx_controller2:
		return act_compile_controller2(dp, a, op);
	case OF_KIND_nx_learn:
	case OF_KIND_nx_learn2:
	case OF_KIND_nx_fin_timeout:
		return act_compile_learn(dp, a, op);
	default:
		return act_compile_nx(a, op);
	}
}

/* ---- What it does to a packet ---- */

void act_sum_up_field(struct insts *i, const struct of_field *f)
{
	i->reads |= field_words(f);
	if (f->layer == OF_LAYER_META)
		i->changes_key = true;
	else
		i->changes_frame = true;
	/* Other fields appear with another type. */
	if (f->id == OF_FIELD_ICMPV6_TYPE || f->layer == OF_LAYER_TYPE ||
	    f->layer == OF_LAYER_PROTO)
		i->pops = true;
}

void act_sum_up(struct insts *i, const struct act_op *op)
{
	switch (op->code) {
	case ACT_SET_FIELD:
	case ACT_SET_STATE:
	case ACT_SET_MPLS_TTL:
	case ACT_SET_NW_TTL:
		act_sum_up_field(i, op->set.field);
		break;
	case ACT_MOVE:
		i->reads |= field_words(op->move.src);
		act_sum_up_field(i, op->move.dst);
		break;
	case ACT_DEC_NW_TTL:
		act_sum_up_field(i, &of_fields[OF_FIELD_IP_TTL]);
		break;
	case ACT_DEC_MPLS_TTL:
		act_sum_up_field(i, &of_fields[OF_FIELD_MPLS_TTL]);
		break;
	case ACT_SET_QUEUE: /* goes with the key, and is given back with it (act_bucket()) */
		i->changes_key = true;
		break;
	case ACT_PUSH_VLAN:
		i->reads |= field_words(&of_fields[OF_FIELD_VLAN_TCI]);
		i->changes_frame = true;
		break;
	case ACT_PUSH_MPLS:
		i->reads |= field_words(&of_fields[OF_FIELD_MPLS_LABEL]) |
			    field_words(&of_fields[OF_FIELD_IP_TTL]);
		/* Whether the payload is a label is not in the key.  */
		/* fall through */
	case ACT_POP_VLAN:
	case ACT_POP_MPLS:
	case ACT_PUSH_PBB:
	case ACT_POP_PBB:
	case ACT_COPY_TTL_OUT:
	case ACT_COPY_TTL_IN:
		i->pops = true;
		i->changes_frame = true;
		break;
	case ACT_LEARN:
		act_sum_up_learn(i, op);
		break;
	default:
		act_sum_up_nx(i, op);
		break;
	}
}

void act_sum_up_list(struct insts *i, const struct act_op *op)
{
	for (; op->code != ACT_END; op++)
		act_sum_up(i, op);
}
