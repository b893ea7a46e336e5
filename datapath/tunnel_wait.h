/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames that wait for a tunnel's next hop, so that the first packet to an endpoint is not lost.
 *
 * A few for each endpoint, bounded in all and in time.  Owner: the VTEPs' state; control thread.
 */
#ifndef WEFT_DATAPATH_TUNNEL_WAIT_H
#define WEFT_DATAPATH_TUNNEL_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/pkt.h"
#include "datapath/role.h"
#include "vxlan/addr.h"

struct dp;
struct rte_mbuf;

enum {
	WAIT_MAX = 256,	     /* frames, of all endpoints */
	WAIT_PER_REMOTE = 4, /* RFC 1122, 2.3.2.2 asks for at least one */
	WAIT_MS = 4000,	     /* a little more than a resolution may take (vxlan/neigh.h) */
};

struct waiting {
	struct rte_mbuf *m; /* NULL: free */
	const void *where;  /* the VTEP that asks */
	struct vxlan_addr remote;
	struct out_tunnel tun;
	uint32_t port; /* tunnel port */
	uint64_t deadline;
};

struct wait_list {
	struct waiting v[WAIT_MAX];
	uint32_t n;
};

/* Takes w->m (false: there is no room, and it is still the caller's).  'now' in milliseconds;
 * w->deadline is set here. */
bool wait_add(struct wait_list *l, const struct waiting *w, uint64_t now) CONTROL;
/* Sends ('go'), or gives up, what waits at 'where' for 'remote' (NULL: for any). */
void wait_end(struct dp *dp, struct wait_list *l, const void *where,
	      const struct vxlan_addr *remote, bool go) CONTROL;
/* Gives up what has waited too long. */
void wait_expire(struct dp *dp, struct wait_list *l, uint64_t now) CONTROL;
void wait_fini(struct wait_list *l) CONTROL;

#endif
