/* SPDX-License-Identifier: Apache-2.0 */
/* What a controller action asks for besides a packet-in. */
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
	op->up.pause = k.pause;
	op->up.n_userdata = (uint16_t)k.userdata.n;
	op->up.meter = k.meter_id == NX_CTLR_NO_METER ? NULL : meter_find(dp, k.meter_id);
	return true;
}
