/* SPDX-License-Identifier: Apache-2.0 */
/* What may be installed of Nicira's actions: refusals as Open vSwitch has them. */
#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/table.h"

#define AS(name) ((const struct of_##name *)a)

/* 254 is the last table's number in Open vSwitch, and nobody's here. */
static int check_resubmit(struct check *c, uint8_t table)
{
	if (table < N_TABLES || table == OFPTT_ALL)
		return 0;
	return REFUSE(c, OFPBAC_BAD_ARGUMENT, "resubmit to table %u: they are 0 to %d", table,
		      N_TABLES - 1);
}

/* The match must be such that there is a connection: +trk-inv, or what only a connection has. */
static int check_resubmit_ct(struct check *c, uint8_t table)
{
	enum { INV = 0x10, TRK = 0x20 };
	const uint8_t known = c->match.mask.ct_state, set = known & c->match.value.ct_state;

	if (c->has_match &&
	    (set & (uint8_t) ~(INV | TRK) || ((set & TRK) && (known & INV) && !(set & INV))))
		return check_resubmit(c, table);
	return REFUSE(c, OFPBAC_MATCH_INCONSISTENT,
		      "resubmit with ct in a flow that does not match a valid ct_state");
}

int act_check_nx(struct check *c, const struct of_any *a)
{
	switch (a->kind) {
	case OF_KIND_nx_resubmit:
	case OF_KIND_nx_exit:
		return 0;
	case OF_KIND_nx_resubmit_table:
		return check_resubmit(c, AS(nx_resubmit_table)->table);
	case OF_KIND_nx_resubmit_table_ct:
		return check_resubmit_ct(c, AS(nx_resubmit_table_ct)->table);
	default:
		return act_check_ct(c, a);
	}
}

int act_check_set_nx(struct check *c, const struct of_any *a)
{
	switch (a->kind) {
	case OF_KIND_nx_exit:
	case OF_KIND_nx_ct_clear:
		return REFUSE(c, OFPBAC_BAD_TYPE, "%s in an action set", of_kind_name(a->kind));
	default:
		return 0;
	}
}
