/* SPDX-License-Identifier: Apache-2.0 */
/* What a controller action asks for besides a packet-in, and the meters that it is let pass by. */
#include <stdlib.h>

#include "datapath/act_priv.h"
#include "datapath/meter.h"
#include "ofproto/nx.h"

bool act_compile_controller2(struct dp *dp, const struct of_any *a, struct act_op *op)
{
	struct of_to_controller k;

	of_controller_of(a, &k);
	op->code = ACT_CONTROLLER2;
	op->arg = k.max_len;
	/* 1.4's reasons are an action's to 1.3. */
	op->reason = k.reason <= OFPR_INVALID_TTL ? k.reason : OFPR_ACTION;
	op->up.controller_id = k.controller_id;
	op->up.userdata = k.userdata.p;
	op->up.n_userdata = (uint16_t)k.userdata.n;
	op->up.meter = k.meter_id == NX_CTLR_NO_METER ? NULL : meter_find(dp, k.meter_id);
	return true;
}

static bool has(const struct insts *i, const struct meter *m)
{
	for (uint32_t n = 0; n < i->n_meters; n++)
		if (i->meters[n] == m)
			return true;
	return false;
}

bool act_refer_meters(struct insts *i, const struct act_op *op, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		if (op[k].code != ACT_CONTROLLER2 || !op[k].up.meter || has(i, op[k].up.meter))
			continue;
		if (!i->meters)
			i->meters = calloc(n, sizeof(struct meter *));
		if (!i->meters)
			return false;
		i->meters[i->n_meters++] = op[k].up.meter;
	}
	return true;
}

bool insts_has_meter(const struct insts *i, const struct meter *m)
{
	return i->meter == m || has(i, m);
}

bool act_meters_current(const struct dp *dp, const struct insts *i)
{
	if (i->meter && meter_find(dp, meter_id(i->meter)) != i->meter)
		return false;
	for (uint32_t n = 0; n < i->n_meters; n++)
		if (meter_find(dp, meter_id(i->meters[n])) != i->meters[n])
			return false;
	return true;
}

void act_ref_meters(struct insts *i)
{
	if (i->meter)
		meter_ref(i->meter);
	for (uint32_t n = 0; n < i->n_meters; n++)
		meter_ref(i->meters[n]);
}

void act_unref_meters(struct dp *dp, struct insts *i)
{
	if (i->meter)
		meter_unref(dp, i->meter);
	for (uint32_t n = 0; n < i->n_meters; n++)
		meter_unref(dp, i->meters[n]);
}
