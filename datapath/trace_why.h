/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a rule won: the one that would have won without it; and of those that do not match, the one
 * that comes nearest.
 *
 * Looks through all flows of a table, for a trace.  Control thread; owns nothing.
 */
#ifndef WEFT_DATAPATH_TRACE_WHY_H
#define WEFT_DATAPATH_TRACE_WHY_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/role.h"
#include "ofproto/key.h"
#include "ofproto/match.h"

struct dp;
struct flow;

/* More flows than this are not looked through: it would hold up the control thread. */
enum { TRACE_WHY_MAX = 100000 };

/*
 * 'won' is what a packet with 'key' met in the table.  Returned is the next best that matches, if
 * it is there; with 'won' NULL, the flow that differs in the fewest parts of the key.  NULL: none.
 */
const struct flow *trace_second(const struct dp *dp, uint8_t table_id, const struct flow_key *key,
				const struct flow *won) CONTROL;
/* The fields of 'm' that 'key' does not have the values of; returns how many of 'max' were set. */
unsigned int trace_differs(const struct of_match *m, const struct flow_key *key, const char **names,
			   unsigned int max);
/* What a packet carries besides its frame: metadata, registers, its tunnel; zeros are left out. */
void trace_state(const struct flow_key *key, struct of_match *out);

#endif
