/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of frames that go the same way: where nothing is looked at but the port (and the tunnel),
 * that is a burst's, and where it is the port and the tag, frames one after the other whose tag is
 * the same.  A run is looked up and counted once, and leaves in a straight line.
 *
 * What a way does to tags, or to MACs, holds for any frame it fits: who is untagged, has two tags,
 * or no header behind them, is no more than that to it.  Frames of several buffers or shared ones,
 * without headroom, shorter than a tag, or whose checksum is the driver's, leave one by one, or are
 * left to the pipeline.  Part of the express way (express.c), one PMD.
 */
#ifndef WEFT_DATAPATH_EXPRESS_ALIKE_H
#define WEFT_DATAPATH_EXPRESS_ALIKE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "datapath/dp.h"
#include "datapath/express.h"
#include "datapath/express_leave.h"
#include "datapath/express_priv.h"
#include "datapath/pmd.h"
#include "datapath/port.h"
#include "datapath/tunnel_key.h"

static inline uint64_t all(unsigned int n)
{
	return n == 64 ? UINT64_MAX : BIT(n) - 1;
}

/* What the tunnel has to say in the key. */
static inline void from_tunnel(const struct express_from *from, struct flow_key *key)
{
	uint64_t *port = (uint64_t *)key + W_PORT;

	*port = (*port & ~UINT64_C(0xffffffff)) | htobe32(from->port);
	tunnel_key(from->rx, key);
}

/* What a flow has not said of the next tunnel is as it was in the last one: not composed. */
static inline bool goes_on_in_a_tunnel(const struct pmd *w, const struct express *x)
{
	const struct port *p = port_by_no(w->dp, x->port);

	return x->port && (!p || p->tunnel);
}

/* Need EXPRESS_NOTHING: serves all of m[0] to m[n - 1], but for those it returns. */
uint64_t express_places(struct pmd *w, struct burst *b, struct leaving *l, struct rte_mbuf **m,
			unsigned int n, const struct express_from *from, struct flow_key *key) PMD;

/* Need EXPRESS_TAG, through no tunnel: serves frames from the first one on, but for those in
 * '*left', up to one whose way is not in the cache: returns its place.  '*n_runs' were looked up.
 */
unsigned int express_tagged(struct pmd *w, struct burst *b, struct leaving *l, struct rte_mbuf **m,
			    unsigned int n, struct flow_key *key, uint64_t *left,
			    unsigned int *n_runs) PMD;

#endif
