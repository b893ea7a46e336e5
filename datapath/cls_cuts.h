/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cuts template: a table with many masks as a few decision trees (cls_cut.h), and a tuple
 * classifier for the rules that would stand in too many of their leaves.
 *
 * Building takes some microseconds a rule.  So a table that changes fast stays in tuples, and when
 * it has calmed down its trees are built by a thread of their own, from copies of the rules, while
 * all goes on; what changes meanwhile is noted and done to them when they are ready (table_cls.c).
 * Rules that come afterwards are put into the leaves where they belong, without building.
 */
#ifndef WEFT_DATAPATH_CLS_CUTS_H
#define WEFT_DATAPATH_CLS_CUTS_H

#include "datapath/cls.h"

extern const struct cls_ops cls_cuts;

/* Copies the rules' matches.  NULL: no memory. */
struct cls *cls_cuts_begin(const struct cls_shape *s) CONTROL;
/* Any thread: builds the trees.  False: no memory. */
bool cls_cuts_make(struct cls *c);
/* Then: whether most of the rules are in trees. */
bool cls_cuts_pays(const struct cls *c);
/* Meanwhile: a rule came or is about to go.  False: too many did, or no memory; give up. */
bool cls_cuts_note(struct cls *c, struct cls_rule *r, bool came) CONTROL;
/* After cls_cuts_make(): does what was noted; then it serves 'dp'.  0 or -ENOMEM: free it. */
int cls_cuts_ready(struct cls *c, struct dp *dp) CONTROL;

/* Whether changes have made it worse than another one would be. */
bool cls_cuts_worn(const struct cls *c) CONTROL;

#endif
