/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What zones of connection tracking start with: --ct-zone, one for each of them, so that a switch
 * that starts again has the limits and timeouts that it had.  ct-set-limits and ct-set-timeouts
 * change them while it runs.  main() parses; the control thread applies them to a new table.
 */
#ifndef WEFT_DATAPATH_OPTIONS_CT_H
#define WEFT_DATAPATH_OPTIONS_CT_H

#include "datapath/ct_zone.h"

struct ct_zone_start {
	uint16_t zone;
	bool all; /* "default": of zones that have none of their own */
	bool has_limit, has_policy;
	uint32_t limit;
	struct ct_policy policy;
};

/* ZONE:SETTING=N[,SETTING=N]...; 0 or -EINVAL with words. */
int ct_zone_start_parse(const char *text, struct ct_zone_start *out, struct err *e);
/* The table is new. */
void ct_zone_start_apply(struct ct *t, const struct ct_zone_start *v, unsigned int n) CONTROL;

#endif
