/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conj template: a table that has conjunctive flows (conj.h); the other templates stand inside
 * it, and tables without such flows never see it.
 *
 * Its rules are in three classifiers: those with conjunction actions (soft), those that match on
 * conj_id (named), and all others (plain).  A lookup is, as in Open vSwitch 3.1:
 *
 *	the best of plain;
 *	all of soft that hit and are of a higher priority than that;
 *	of these, from the highest priority down: is an id complete, with rules of this one
 *priority? then the best of plain and of named for conj_id=id; if there is one, that is it; else
 *the best of plain.
 *
 * Where several ids are complete at a priority, which Open vSwitch calls unpredictable, the lowest
 * counts for which named has a rule.  As in Open vSwitch: a complete id without a flow of its own
 * ends the search if anything in plain hits; clauses of different priorities do not add up; and
 * the key's conj_id is zero again afterwards, so that later tables and actions see none.  The one
 * difference: a flow with all clauses of an id meets it by itself.
 *
 * The bound for each packet: the probes of plain, at most 32 of soft (cls_tuple.c) for each
 * priority at which clauses but no conjunctive flow hit, and the probes of named for each complete
 * id until one has a rule.  Between them no memory is touched but the sets that were hit: of 'm'
 * sets with s1 <= s2 <= ... <= sm terms, (s1 + ... + s(m-1)) * m * log2(sm) comparisons at most.
 */
#ifndef WEFT_DATAPATH_CLS_CONJ_H
#define WEFT_DATAPATH_CLS_CONJ_H

#include "datapath/cls.h"

/* Different masks of a table's conjunctive flows: as many may hit one packet at one priority. */
enum { CONJ_MASKS_MAX = 256 };

extern const struct cls_ops cls_conj;

/* Whether a conjunctive rule of this mask has a place in a table; 'c': what serves it, or NULL. */
bool cls_conj_admits(const struct cls *c, const struct cls_mask *m) CONTROL;

/*
 * For traces: the rules with clauses that packet i of the burst meets, and that are of a higher
 * priority than the best of plain.
 */
void cls_conj_explain(const struct cls *c, const struct burst *b, unsigned int i,
		      void (*visit)(void *arg, unsigned int i, const struct cls_rule *r),
		      void *arg);

#endif
