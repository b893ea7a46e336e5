/* SPDX-License-Identifier: Apache-2.0 */
/* ct() compiled (act_ct.h). */
#include <string.h>

#include "datapath/act_ct.h"
#include "datapath/act_priv.h"

#define AS(name) ((const struct of_##name *)a)

size_t act_ct_size(const struct of_nx_ct *a)
{
	return sizeof(struct act_ct) + (a->actions.n + 1) * sizeof(struct act_op) + 64;
}

static void compile_nat(struct act_ct *ct, const struct of_nx_nat *n)
{
	const struct of_nat_range *g = &n->range;
	struct ct_nat_spec *s = &ct->spec;
	const size_t len = g->present & OF_NAT_IPV4_MIN ? 4 : 16;

	ct->req.nat = true;
	s->src = n->flags & NX_NAT_F_SRC;
	s->dst = n->flags & NX_NAT_F_DST;
	s->persistent = n->flags & NX_NAT_F_PERSISTENT;
	s->hash = n->flags & NX_NAT_F_PROTO_HASH;
	s->random = n->flags & NX_NAT_F_PROTO_RANDOM;
	if (!s->src && !s->dst)
		return;
	ct->req.spec = s;
	if (g->present & (OF_NAT_IPV4_MIN | OF_NAT_IPV6_MIN)) {
		s->l3 = g->present & OF_NAT_IPV4_MIN ? 4 : 6;
		memcpy(s->min, g->addr_min, len);
		memcpy(s->max,
		       g->present & (OF_NAT_IPV4_MAX | OF_NAT_IPV6_MAX) ? g->addr_max : g->addr_min,
		       len);
	}
	if (g->present & OF_NAT_PROTO_MIN) {
		s->port_min = g->proto_min;
		s->port_max = g->present & OF_NAT_PROTO_MAX ? g->proto_max : g->proto_min;
	}
}

/* What is in exec(): to 'op', of which there is one for each action; whether it reads the packet.
 */
static bool compile_exec(const struct of_nx_ct *ct, struct act_op *op)
{
	bool reads = false;

	for (uint32_t i = 0; i < ct->actions.n; i++) {
		const struct of_any *a = ct->actions.v[i];

		if (a->kind == OF_KIND_nx_reg_move) {
			act_compile_move(op++, AS(nx_reg_move));
			reads = true;
		} else if (a->kind == OF_KIND_nx_reg_load) {
			const struct of_nx_reg_load *l = AS(nx_reg_load);

			act_compile_set(op++, l->dst.field, l->value, l->dst.ofs, l->dst.n_bits);
		} else if (a->kind == OF_KIND_action_set_field) {
			act_compile_masked(op++, &AS(action_set_field)->field);
		} else if (a->kind == OF_KIND_nx_reg_load2) {
			act_compile_masked(op++, &AS(nx_reg_load2)->field);
		}
	}
	op->code = ACT_END;
	return reads;
}

/* Mark and label that are the same for all packets. */
static void fold_exec(struct ct_req *r, const struct act_op *op)
{
	for (; op->code != ACT_END; op++) {
		const struct of_field *f = op->set.field;
		const u128 m = u128_get(op->set.mask, f->size),
			   v = u128_get(op->set.value, f->size);

		if (f->id == OF_FIELD_CT_MARK) {
			r->mark = (uint32_t)((r->mark & ~m) | (v & m));
			r->mark_mask |= (uint32_t)m;
		} else {
			u128_put(r->label, 16, (u128_get(r->label, 16) & ~m) | (v & m));
			u128_put(r->label_mask, 16, u128_get(r->label_mask, 16) | m);
		}
	}
}

bool act_compile_ct(struct arena *mem, const struct of_nx_ct *a, struct act_op *op)
{
	struct act_ct *ct = arena_get(mem, sizeof(*ct));
	struct act_op *exec = arena_get(mem, (a->actions.n + 1) * sizeof(*exec));

	if (!ct || !exec)
		return false;
	ct->table = a->recirc_table;
	ct->zone = a->zone.src;
	ct->req.zone = a->zone.value;
	ct->req.commit = a->flags & NX_CT_F_COMMIT;
	ct->req.force = a->flags & NX_CT_F_FORCE;
	ct->req.helper = a->alg == ACT_CT_FTP	 ? CT_F_HELPER_FTP
			 : a->alg == ACT_CT_TFTP ? CT_F_HELPER_TFTP
						 : 0;
	for (uint32_t i = 0; i < a->actions.n; i++)
		if (a->actions.v[i]->kind == OF_KIND_nx_nat)
			compile_nat(ct, (const struct of_nx_nat *)a->actions.v[i]);
	if (compile_exec(a, exec))
		ct->exec = exec;
	else
		fold_exec(&ct->req, exec);
	ct->computed = ct->exec || ct->zone.field;
	op->code = ACT_CT;
	op->ct = ct;
	return true;
}
