/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table without the cache: where the first table's flows end the pipeline, its classifier leads
 * straight to what is to be done with a frame.
 *
 * It is the walk (express_priv.h) for tables that most switches have: no way is put together, and
 * of a key just its first line is made, which is all that the table looks at.  It serves while the
 * cache does not pay, as it does not with flows that never come again.  What flows do not tell all
 * of is left to the other ways.  One PMD.
 */
#ifndef WEFT_DATAPATH_EXPRESS_TABLE_H
#define WEFT_DATAPATH_EXPRESS_TABLE_H

#include <stdint.h>

#include "datapath/express.h"
#include "datapath/express_route.h"
#include "datapath/pkt.h"
#include "datapath/role.h"

struct cls;

/* The first table, if it can be asked so; NULL. */
const struct cls *express_table(const struct pmd *w) PMD;
/* Looks up frames m[0] to m[n - 1], which came in on a device port; 'need': what any table looks
 * at.  Returns those that it has found all of. */
uint64_t express_table_find(const struct cls *c, const struct pmd *w, struct burst *b,
			    struct rte_mbuf **m, unsigned int n, uint32_t in_port,
			    enum express_need need, const struct express_routed *to) PMD;

#endif
