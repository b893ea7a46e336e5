/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows like the one that was added last: their flow_mods are of one form (ofproto/form.h), so that
 * all that add() checks holds of them, too.
 *
 * That it does depends on the rest of the switch as well -- groups, meters, what tables can do,
 * who may change them --, so a table_like is to be given up as soon as anything else has its turn.
 * Several are added side by side: what of one is not in the cache comes while the others are made.
 *
 * Control thread.  Owner: the caller.
 */
#ifndef WEFT_DATAPATH_TABLE_LIKE_H
#define WEFT_DATAPATH_TABLE_LIKE_H

#include "datapath/role.h"
#include "datapath/table.h"
#include "ofproto/form.h"

enum {
	TABLE_LIKE_WORDS = 8, /* of a match's mask */
	TABLE_LIKE_RUN = 16,  /* flows at once */
};

struct table_like {
	const struct cls_mask *mask;
	struct insts *insts;
	uint16_t priority, flags, importance;
	uint8_t table_id;
	uint64_t value[TABLE_LIKE_WORDS];
	uint16_t n_runs;
	struct of_form_run run[OF_FORM_RUNS]; /* 'to' is a place in 'value' */
};

/* 'fm' has just been done, and is of this form.  False: flows like it are added one by one. */
bool table_like_init(struct dp *dp, struct table_like *l, const struct of_flow_mod *fm,
		     const struct of_form *form) CONTROL;

/*
 * Adds flows for so many flow_mods of the form, one after the other, as table_flow_mod() would; by
 * whom as with table_cause(), 'xid' 0: each with its own.  How many: it stops at one that is more
 * than an addition, or for which there is no room.
 */
unsigned int table_add_like(struct dp *dp, const struct table_like *l, const uint8_t *const *raw,
			    unsigned int n, uint32_t by, uint32_t xid) CONTROL;

#endif
