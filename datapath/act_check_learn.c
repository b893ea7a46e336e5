/* SPDX-License-Identifier: Apache-2.0 */
/* What may be installed: conjunction, learn, fin_timeout (ovs-actions(7)). */
#include "datapath/act_priv.h"
#include "datapath/conj.h"
#include "datapath/learn.h"
#include "datapath/table.h"
#include "ofproto/nx.h"

#define REFUSE_CONJ(e, ...) of_err_set(e, OFPET_EXPERIMENTER, NXBAC_BAD_CONJUNCTION, __VA_ARGS__)

static const struct of_list *applied(const struct of_any *inst)
{
	return inst->kind == OF_KIND_inst_apply_actions
		       ? &((const struct of_inst_apply_actions *)inst)->actions
		       : NULL;
}

bool act_is_conjunctive(const struct of_list *insts)
{
	for (uint32_t i = 0; i < insts->n; i++)
		if (applied(insts->v[i]) && conj_is_in(applied(insts->v[i])))
			return true;
	return false;
}

static int check_conjunction(const struct of_nx_conjunction *c, struct of_err *e)
{
	if (c->n_clauses < 2 || c->n_clauses > 64)
		return REFUSE_CONJ(e, "a conjunction of %u: 2 to 64", c->n_clauses);
	if (c->clause >= c->n_clauses)
		return REFUSE_CONJ(e, "clause %u of %u", c->clause + 1, c->n_clauses);
	return 0;
}

int act_check_conjunctive(const struct of_list *insts, struct of_err *e)
{
	const struct of_list *l = applied(insts->v[0]);

	if (insts->n > 1)
		return REFUSE_CONJ(e, "a flow with a conjunction has one instruction");
	for (uint32_t i = 0; i < l->n; i++) {
		int r;

		if (l->v[i]->kind == OF_KIND_nx_note)
			continue;
		if (l->v[i]->kind != OF_KIND_nx_conjunction)
			return REFUSE_CONJ(e, "conjunction goes with note alone");
		r = check_conjunction((const struct of_nx_conjunction *)l->v[i], e);
		if (r)
			return r;
	}
	return 0;
}

/* ---- learn ---- */

static int check_source(struct check *c, const struct of_learn_spec *s)
{
	const struct of_field *f = s->src.field;
	const int r = act_check_bits(c, f, s->src.ofs, s->n_bits, false);

	if (r)
		return r;
	if (!field_supported(f->id))
		return REFUSE(c, OFPBAC_BAD_SET_TYPE, "%s is not supported", f->name);
	if (c->has_match && !of_match_pre_met(&c->match, f))
		return REFUSE(c, OFPBAC_MATCH_INCONSISTENT,
			      "learn from %s, which the flow's match does not have", f->name);
	return 0;
}

/* No packet has a 1 in the upper bits of ct_state, so no flow asks for one. */
static bool can_be_matched(const struct of_learn_spec *s)
{
	const unsigned int known = of_field_key_bits(s->dst.field), n = s->n_bits;
	const u128 v = u128_get(s->value, sizeof(s->value)) & u128_ones(n);
	const unsigned int below = s->dst.ofs < known ? known - s->dst.ofs : 0;

	return s->src.field || !(v & ~u128_ones(below));
}

/* 'to': the learned flow, whose match is put together spec by spec. */
static int check_learned_match(struct check *to, const struct of_learn_spec *s)
{
	const struct of_field *f = s->dst.field;
	const int r = act_check_bits(to, f, s->dst.ofs, s->n_bits, false);

	if (r)
		return r;
	if (!field_supported(f->id))
		return REFUSE(to, OFPBAC_BAD_SET_TYPE, "%s is not supported", f->name);
	if (!of_match_pre_met(&to->match, f))
		return REFUSE(to, OFPBAC_MATCH_INCONSISTENT,
			      "the learned flow would not match what %s needs", f->name);
	if (!f->maskable && !f->is_alias && s->n_bits < f->bits)
		return REFUSE(to, OFPBAC_BAD_ARGUMENT, "learn: %s is matched whole", f->name);
	if (!can_be_matched(s))
		return REFUSE(to, OFPBAC_BAD_ARGUMENT, "learn: %s has %u bits", f->name,
			      of_field_key_bits(f));
	/* What comes from a packet may be anything, and nobody's prerequisite. */
	if (!s->src.field && s->n_bits == f->bits)
		of_match_set(&to->match, f, s->value + sizeof(s->value) - f->bytes, NULL);
	return 0;
}

/* The low bits of a value that stands in the spec. */
static uint64_t constant(const struct of_learn_spec *s)
{
	return (uint64_t)u128_get(s->value, sizeof(s->value));
}

static int check_spec(struct check *c, struct check *to, const struct of_learn_spec *s)
{
	const int r = s->src.field ? check_source(c, s) : 0;

	if (r)
		return r;
	switch (s->to) {
	case OF_LEARN_MATCH:
		return check_learned_match(to, s);
	case OF_LEARN_LOAD:
		if (!s->src.field && act_untags(&s->dst, constant(s)))
			return 0;
		return act_check_bits(to, s->dst.field, s->dst.ofs, s->n_bits, true);
	default:
		return 0;
	}
}

int act_check_learn(struct check *c, const struct of_any *a)
{
	struct check to = { .dp = c->dp, .has_match = true, .e = c->e };
	struct of_learn k;
	int r = 0;

	if (!of_learn_of(a, &k))
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "no learn");
	if (k.table_id >= N_TABLES)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "learn into table %u: they are 0 to %d",
			      k.table_id, N_TABLES - 1);
	if (k.flags &
	    ~(NX_LEARN_F_SEND_FLOW_REM | NX_LEARN_F_DELETE_LEARNED | NX_LEARN_F_WRITE_RESULT))
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "learn: unknown flags %#x", k.flags);
	for (uint32_t i = 0; !r && i < k.specs->n; i++)
		r = check_spec(c, &to, &k.specs->v[i]);
	if (r || !k.result.field)
		return r;
	r = act_check_bits(c, k.result.field, k.result.ofs, 1, true);
	if (!r)
		act_forget_bits(c, k.result.field, k.result.ofs, 1);
	return r;
}

/* A learned flow has it whatever it matches. */
int act_check_fin(struct check *c)
{
	if (!c->has_match || learn_is_making(c->dp) ||
	    of_match_pre_met(&c->match, &of_fields[OF_FIELD_TCP_SRC]))
		return 0;
	return REFUSE(c, OFPBAC_MATCH_INCONSISTENT,
		      "fin_timeout in a flow that does not match TCP");
}
