/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/tunnel_wait.h"

#include <rte_mbuf.h>

#include "datapath/punt.h"

bool wait_add(struct wait_list *l, const struct waiting *w, uint64_t now)
{
	struct waiting *room = NULL;
	unsigned int same = 0;

	for (unsigned int i = 0; i < WAIT_MAX; i++) {
		struct waiting *x = &l->v[i];

		if (!x->m)
			room = room ? room : x;
		else
			same += x->where == w->where && vxlan_addr_eq(&x->remote, &w->remote);
	}
	if (!room || same >= WAIT_PER_REMOTE)
		return false;
	*room = *w;
	room->deadline = now + WAIT_MS;
	l->n++;
	return true;
}

static void give_up(struct dp *dp, struct wait_list *l, struct waiting *w) CONTROL
{
	inject_drop(dp, w->m, w->port, DROP_TUN_NO_NEIGH);
	w->m = NULL;
	l->n--;
}

void wait_end(struct dp *dp, struct wait_list *l, const void *where,
	      const struct vxlan_addr *remote, bool go)
{
	for (unsigned int i = 0; l->n && i < WAIT_MAX; i++) {
		struct waiting *w = &l->v[i];

		if (!w->m || w->where != where || (remote && !vxlan_addr_eq(&w->remote, remote)))
			continue;
		if (!go) {
			give_up(dp, l, w);
			continue;
		}
		inject_mbuf(dp, w->m, w->port, &w->tun);
		w->m = NULL;
		l->n--;
	}
}

void wait_expire(struct dp *dp, struct wait_list *l, uint64_t now)
{
	for (unsigned int i = 0; l->n && i < WAIT_MAX; i++)
		if (l->v[i].m && now >= l->v[i].deadline)
			give_up(dp, l, &l->v[i]);
}

void wait_fini(struct wait_list *l)
{
	for (unsigned int i = 0; i < WAIT_MAX; i++)
		rte_pktmbuf_free(l->v[i].m);
	l->n = 0;
}
