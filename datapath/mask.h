/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of masks that a datapath's flows use: equal masks are one object.
 *
 * Control thread; PMDs read the masks through their rules.  A mask goes with its last reference,
 * and flows hold theirs until no PMD can see them (flow.h).  Owner: struct table_state.
 */
#ifndef WEFT_DATAPATH_MASK_H
#define WEFT_DATAPATH_MASK_H

#include "datapath/flow.h"

struct mask_set;

struct mask_set *mask_set_new(void) CONTROL;
/* All masks must have been put. */
void mask_set_free(struct mask_set *s) CONTROL;

/* The mask of 'key', one reference taken; NULL: no memory. */
struct cls_mask *mask_get(struct mask_set *s, const struct flow_key *key) CONTROL;
/* What a match looks at (cls_match_bits()), without a reference; NULL: there is no such mask. */
struct cls_mask *mask_find(struct mask_set *s, const struct of_match *m) CONTROL;
/* One reference more. */
void mask_take(struct cls_mask *m) CONTROL;
void mask_put(struct mask_set *s, const struct cls_mask *m) CONTROL;

/*
 * What of a key a match looks at: its own mask, and, when it has a field of an L4 header, that
 * there is one.  "If any field is not present (e.g. the TCP/UDP ports didn't fit), then the packet
 * should not match any entry that has that field set" (7.3.2): port 0 is not what a later fragment
 * has.
 */
void cls_match_bits(const struct of_match *m, struct flow_key *bits);

/* Fills 'm' from a key that is a mask; for masks outside any set. */
void cls_mask_init(struct cls_mask *m, const struct flow_key *key);
/* Whether every bit of 'a' is in 'b' too. */
bool cls_mask_within(const struct cls_mask *a, const struct cls_mask *b);
/* out = the bits that are in both. */
void cls_mask_intersect(const struct cls_mask *a, const struct cls_mask *b, struct cls_mask *out);

#endif
