/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rules the lpm template takes as routes, and which beside them (cls_lpm.c).  Control thread;
 * plain data.
 */
#ifndef WEFT_DATAPATH_CLS_LPM_FIT_H
#define WEFT_DATAPATH_CLS_LPM_FIT_H

#include "datapath/cls_lpm.h"

enum { LPM_ROOM_TIMES = 4 }; /* a trie has room for so many times its prefixes */

void lpm_priorities_init(struct lpm_priorities *p);
/* Whether longer prefixes have no lower priority; notes the priority of one more. */
bool lpm_agrees(struct lpm_priorities *p, unsigned int bits, unsigned int len, uint16_t priority);
/* What the family's routes have in common, and how many there are; 0: others may stand beside
 * nothing. */
uint32_t lpm_find(const struct cls_shape *s, enum prefix_family family, struct prefix_set *set);
/* Whether a packet of these routes may hit it wherever it goes. */
bool lpm_is_loose(const struct prefix_set *set, const struct cls_rule *r);
/* Whether a rule that is no route of 'set' may stand beside those that are. */
bool lpm_beside_fits(const struct prefix_set *set, const struct cls_rule *r);
bool lpm_fits(const struct cls_shape *s);

#endif
