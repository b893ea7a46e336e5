/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers: remote endpoint -> ready template, for the packet path of one tunnel port.
 *
 * One writer, readers under RCU: a peer that was published never changes; a new next hop is a new
 * peer in its place.  What was replaced or removed is handed back to the writer, who frees it when
 * every reader has been quiescent (rte_rcu_qsbr).  Bounded; the hash is keyed.
 */
#ifndef WEFT_VXLAN_PEER_H
#define WEFT_VXLAN_PEER_H

#include <stdatomic.h>
#include <stdint.h>

#include "vxlan/addr.h"
#include "vxlan/encap.h"

struct vxlan_peer {
	struct vxlan_tmpl tmpl;
	struct vxlan_addr remote;
	struct vxlan_peer *_Atomic next;
	/* Set by PMDs when they send; the writer clears it and so sees which peers are in use.
	 * Racing stores all write 1: a mark lost to a clear is set again by the next packet. */
	atomic_uchar used;
};

struct vxlan_peers {
	uint64_t key[2];
	uint32_t mask;
	uint32_t n;
	uint32_t max;
	struct vxlan_peer *_Atomic *bucket;
};

/* Control thread. */

/* At most 'max' peers (0: 4096).  0 or -ENOMEM. */
int vxlan_peers_init(struct vxlan_peers *p, uint32_t max);

/* Frees all; no reader may be left. */
void vxlan_peers_fini(struct vxlan_peers *p);

/* Publishes 'tmpl' for 'remote'.  0, -ENOSPC when full, -ENOMEM.  '*retired' is the peer that it
 * replaces, or NULL: free() it after a grace period. */
int vxlan_peers_set(struct vxlan_peers *p, const struct vxlan_addr *remote,
		    const struct vxlan_tmpl *tmpl, struct vxlan_peer **retired);

/* Takes the peer out and returns it (to be freed after a grace period), NULL if there is none. */
struct vxlan_peer *vxlan_peers_del(struct vxlan_peers *p, const struct vxlan_addr *remote);

/* Calls 'fn' for each peer, with whether it was used since the last sweep.  'fn' may delete the
 * peer that it is called for, and no other. */
void vxlan_peers_sweep(struct vxlan_peers *p,
		       void (*fn)(void *aux, const struct vxlan_peer *peer, bool used), void *aux);

/* PMD threads. */

/* The peer for 'remote', NULL if unknown (ask the control thread to resolve it).  Valid until the
 * caller's next quiescent state. */
static inline const struct vxlan_peer *vxlan_peers_find(const struct vxlan_peers *p,
							const struct vxlan_addr *remote)
{
	struct vxlan_peer *e = atomic_load_explicit(
		&p->bucket[vxlan_addr_hash(p->key, remote) & p->mask], memory_order_acquire);

	while (e && !vxlan_addr_eq(&e->remote, remote))
		e = atomic_load_explicit(&e->next, memory_order_acquire);
	if (e && !atomic_load_explicit(&e->used, memory_order_relaxed))
		atomic_store_explicit(&e->used, 1, memory_order_relaxed);
	return e;
}

#endif
