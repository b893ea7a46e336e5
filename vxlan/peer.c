/* SPDX-License-Identifier: Apache-2.0 */
#include "vxlan/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum { DEFAULT_MAX = 4096 };

int vxlan_peers_init(struct vxlan_peers *p, uint32_t max)
{
	uint32_t buckets = 16;

	*p = (struct vxlan_peers){ .max = max ? max : DEFAULT_MAX };
	while (buckets < p->max && buckets < UINT32_C(1) << 24)
		buckets *= 2;
	p->mask = buckets - 1;
	p->bucket = calloc(buckets, sizeof(*p->bucket));
	if (!p->bucket)
		return -ENOMEM;
	if (getrandom(p->key, sizeof(p->key), 0) != sizeof(p->key)) {
		free(p->bucket);
		return -ENOMEM;
	}
	return 0;
}

static struct vxlan_peer *after(struct vxlan_peer *_Atomic *link)
{
	return atomic_load_explicit(link, memory_order_relaxed);
}

void vxlan_peers_fini(struct vxlan_peers *p)
{
	for (uint32_t i = 0; p->bucket && i <= p->mask; i++)
		for (struct vxlan_peer *e = after(&p->bucket[i]), *next; e; e = next) {
			next = after(&e->next);
			free(e);
		}
	free(p->bucket);
	p->bucket = NULL;
}

/* The link that points to the peer for 'remote', or the NULL link at its chain's end. */
static struct vxlan_peer *_Atomic *link_of(struct vxlan_peers *p, const struct vxlan_addr *remote)
{
	struct vxlan_peer *_Atomic *link = &p->bucket[vxlan_addr_hash(p->key, remote) & p->mask];
	struct vxlan_peer *e;

	while ((e = after(link)) && !vxlan_addr_eq(&e->remote, remote))
		link = &e->next;
	return link;
}

int vxlan_peers_set(struct vxlan_peers *p, const struct vxlan_addr *remote,
		    const struct vxlan_tmpl *tmpl, struct vxlan_peer **retired)
{
	struct vxlan_peer *_Atomic *link = link_of(p, remote);
	struct vxlan_peer *old = after(link), *e;

	*retired = NULL;
	if (!old && p->n >= p->max)
		return -ENOSPC;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->tmpl = *tmpl;
	e->remote = *remote;
	if (old) {
		atomic_init(&e->next, after(&old->next));
		atomic_init(&e->used, atomic_load_explicit(&old->used, memory_order_relaxed));
	}
	/* Readers that stand on the old peer go on along its chain, which stays as it is. */
	atomic_store_explicit(link, e, memory_order_release);
	p->n += !old;
	*retired = old;
	return 0;
}

struct vxlan_peer *vxlan_peers_del(struct vxlan_peers *p, const struct vxlan_addr *remote)
{
	struct vxlan_peer *_Atomic *link = link_of(p, remote);
	struct vxlan_peer *e = after(link);

	if (!e)
		return NULL;
	atomic_store_explicit(link, after(&e->next), memory_order_release);
	p->n--;
	return e;
}

void vxlan_peers_sweep(struct vxlan_peers *p,
		       void (*fn)(void *aux, const struct vxlan_peer *peer, bool used), void *aux)
{
	for (uint32_t i = 0; i <= p->mask; i++)
		for (struct vxlan_peer *e = after(&p->bucket[i]), *next; e; e = next) {
			bool used = atomic_exchange_explicit(&e->used, 0, memory_order_relaxed);

			next = after(&e->next);
			fn(aux, e, used);
		}
}
