/* SPDX-License-Identifier: Apache-2.0 */
/* learn and fin_timeout compiled (learn.h). */
#include "datapath/act_priv.h"
#include "datapath/learn.h"

bool act_compile_learn(struct dp *dp, const struct of_any *a, struct act_op *op)
{
	const struct of_nx_fin_timeout *t = (const void *)a;

	if (a->kind != OF_KIND_nx_fin_timeout) {
		op->code = ACT_LEARN;
		op->learn.action = learn_new(dp, a);
		return true;
	}
	op->code = ACT_FIN;
	op->fin.timeouts = (uint32_t)t->fin_idle_timeout << 16 | t->fin_hard_timeout;
	return true;
}

/* No key says whether it will be learned. */
void act_sum_up_learn(struct insts *i, const struct act_op *op)
{
	if (!op->learn.action || !learn_result_field(op->learn.action))
		return;
	act_sum_up_field(i, learn_result_field(op->learn.action));
	i->pops = true;
}

bool act_refer_learns(struct insts *i, const struct act_op *op, uint32_t n)
{
	bool all = true;

	for (uint32_t k = 0; k < n; k++) {
		i->fins |= op[k].code == ACT_FIN;
		if (op[k].code != ACT_LEARN)
			continue;
		if (op[k].learn.action)
			i->learns[i->n_learns++] = op[k].learn.action;
		else
			all = false;
	}
	return all;
}

void act_free_learns(struct dp *dp, struct insts *i)
{
	for (uint32_t n = 0; n < i->n_learns; n++)
		learn_free(dp, i->learns[n]);
}
