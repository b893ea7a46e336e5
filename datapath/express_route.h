/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes without a key: where the first table is routes and little else (cls_lpm.h), a frame's
 * address leads straight to what is to be done with it.
 *
 * A table of routes is smaller than a flow cache of all that goes through it, and is the same for
 * flows that were never seen.  What it does not tell (routes that lead to other tables, or do what
 * is not composed; addresses that other flows match beside them; other frames than IP) is left to
 * the other ways.  One PMD.
 */
#ifndef WEFT_DATAPATH_EXPRESS_ROUTE_H
#define WEFT_DATAPATH_EXPRESS_ROUTE_H

#include <stdint.h>

#include "datapath/pkt.h"
#include "datapath/role.h"

struct express;
struct lpm;
struct pmd;
struct rte_mbuf;

/* What was found of the frames of a burst. */
struct express_routed {
	struct express **x; /* what frame i's flow comes to, */
	uint32_t *id;	    /* which it is, */
	uint8_t *l3;	    /* and where what follows Ethernet begins */
};

/* The routes of the first table, where it is little else; NULL. */
const struct lpm *express_routes(const struct pmd *w) PMD;
/* Looks up frames m[0] to m[n - 1], which came in on a device port; returns those that it has found
 * all of. */
uint64_t express_route(const struct lpm *l, const struct pmd *w, uint64_t version,
		       struct rte_mbuf **m, unsigned int n, uint32_t in_port,
		       const struct express_routed *to) PMD;

#endif
