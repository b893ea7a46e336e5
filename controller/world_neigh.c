/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbours: who has an address that no port of ours has, on a network that routers lead to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "controller/mem.h"
#include "controller/world_priv.h"

struct neigh *world_neigh_find(const struct world *w, const struct net *n, const struct ip_addr *ip)
{
	__typeof__(((struct neigh *)0)->key) key;
	struct neigh *found;

	memset(&key, 0, sizeof(key));
	key.net = n->a.index;
	key.ip = *ip;
	HASH_FIND(hh, w->neighs, &key, sizeof(key), found);
	return found;
}

struct neigh *world_neigh_by_index(const struct world *w, uint32_t index)
{
	struct neigh *n;

	HASH_FIND(hh_index, w->neighs_by_index, &index, sizeof(index), n);
	return n;
}

static uint32_t index_get(struct world *w)
{
	do
		w->next_neigh = w->next_neigh % INDEX_MAX + 1;
	while (world_neigh_by_index(w, w->next_neigh));
	return w->next_neigh;
}

/* 'index': that one, when it is free. */
static int neigh_add(struct world *w, struct net *net, const struct ip_addr *ip,
		     const uint8_t mac[6], uint32_t holder, uint32_t index, double seen)
{
	struct neigh *n, *each;
	int count;

	DL_COUNT2(net->neighs, each, count, net_next);
	if (count >= WORLD_NEIGHS_MAX)
		return -ENOSPC;
	n = mem_get(sizeof(*n));
	n->obj.kind = WORLD_NEIGH;
	n->key.net = net->a.index;
	n->key.ip = *ip;
	n->net = net;
	memcpy(n->mac, mac, 6);
	n->port = holder;
	n->index = index && !world_neigh_by_index(w, index) ? index : index_get(w);
	n->seen = seen;
	HASH_ADD(hh, w->neighs, key, sizeof(n->key), n);
	HASH_ADD(hh_index, w->neighs_by_index, index, sizeof(n->index), n);
	DL_APPEND2(net->neighs, n, net_prev, net_next);
	world_mark_dirty(w, &n->obj, WORLD_ADDED);
	return 0;
}

int world_neigh_set(struct world *w, struct net *net, const struct ip_addr *ip,
		    const uint8_t mac[6], const struct port *holder)
{
	struct neigh *n = world_neigh_find(w, net, ip);
	uint32_t port = holder ? holder->a.index : NUM_NONE;
	int rc = 0;

	if (!n) {
		rc = neigh_add(w, net, ip, mac, port, 0, w->now(w->now_arg));
	} else {
		n->seen = w->now(w->now_arg);
		n->port = port;
		if (memcmp(n->mac, mac, 6))
			world_mark_dirty(w, &n->obj, WORLD_ATTRS);
		memcpy(n->mac, mac, 6);
	}
	world_tell(w);
	return rc;
}

int world_neigh_take_over(struct world *w, struct net *net, const struct ip_addr *ip,
			  const uint8_t mac[6], uint32_t index, double ago)
{
	if (world_neigh_find(w, net, ip))
		return 0;
	return neigh_add(w, net, ip, mac, NUM_NONE, index, w->now(w->now_arg) - ago);
}

static void neigh_unlink(struct world *w, struct neigh *n)
{
	HASH_DEL(w->neighs, n);
	HASH_DELETE(hh_index, w->neighs_by_index, n);
	DL_DELETE2(n->net->neighs, n, net_prev, net_next);
}

void world_neigh_forget(struct world *w, struct neigh *n)
{
	neigh_unlink(w, n);
	world_mark_dirty(w, &n->obj, WORLD_DELETED);
	world_tell(w);
}

void net_neighs_forget(struct world *w, struct net *net)
{
	while (net->neighs) {
		struct neigh *n = net->neighs;

		neigh_unlink(w, n);
		world_mark_dirty(w, &n->obj, WORLD_DELETED);
	}
}

void net_neighs_free(struct world *w, struct net *net)
{
	while (net->neighs) {
		struct neigh *n = net->neighs;

		neigh_unlink(w, n);
		neigh_free(w, n);
	}
}

void neigh_free(struct world *w, struct neigh *n)
{
	if (n->obj.what)
		DL_DELETE(w->marked, &n->obj);
	free(n);
}
