/* SPDX-License-Identifier: Apache-2.0 */
/* What may be installed: conjunction (ovs-actions(7)). */
#include "datapath/act_priv.h"
#include "datapath/conj.h"

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
