/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be reached from a switch: from networks that have ports here by routers to others, as
 * far as it goes.  An external network is an end: its other routers are not followed.  The host of
 * a router's gateway, or of an interface on a physical network, reaches all of that router's
 * networks, because packets come in there.
 */
#include "controller/derive_priv.h"

static void see_net(struct derive *d, const struct net *n, bool follow);

static void see_router(struct derive *d, const struct router *r)
{
	struct near *n = near_get(d, COOKIE_ROUTER, r->a.index);

	if (!n || n->seen)
		return;
	n->seen = true;
	for (ROUTER_EACH_PORT(p, r)) {
		if (port_is_interface(p))
			see_net(d, p->net, true);
		else if (world_anchor(d->world, p) == d->sw ||
			 (p->net->a.physnet && sw_port_by_physnet(d->sw, p->net->a.physnet)))
			see_net(d, p->net, false);
	}
}

/* Depth is bounded: each network and each router is entered once. */
static void see_net(struct derive *d, const struct net *net, bool follow)
{
	struct near *n = near_get(d, COOKIE_NET, net->a.index);

	if (!n || n->seen)
		return;
	n->seen = true;
	for (NET_EACH_ROUTER_PORT(p, net))
		if (follow && port_is_interface(p))
			see_router(d, p->router);
}

/* Those that have ports here, and those of routers that live here. */
static void see_all(struct derive *d)
{
	struct near *n, *next;

	HASH_ITER (hh, d->near, n, next) {
		const struct net *net = n->key.kind == COOKIE_NET && n->n
						? world_net_by_index(d->world, n->key.index)
						: NULL;

		if (net)
			see_net(d, net, true);
	}
	for (WORLD_ALL(router, ROUTER, r, d->world))
		for (ROUTER_EACH_PORT(p, r))
			if (port_is_anchored(p) && world_anchor(d->world, p) == d->sw) {
				see_router(d, r);
				break;
			}
}

void derive_reach(struct derive *d)
{
	struct near *n, *next;

	for (n = d->near; n; n = n->hh.next)
		n->seen = false;
	see_all(d);
	HASH_ITER (hh, d->near, n, next) {
		bool was = n->reached || n->n;

		if (n->key.kind == COOKIE_SG)
			continue;
		n->reached = n->seen;
		if (was != (n->reached || n->n))
			derive_mark_near(d, (enum cookie_kind)n->key.kind, n->key.index);
		near_drop(d, n);
	}
	d->stale = false;
}

void derive_mark_router(struct derive *d, const struct router *r)
{
	derive_mark(d, COOKIE_ROUTER, r->a.index);
	for (ROUTER_EACH_PORT(p, r))
		derive_mark(d, COOKIE_PORT, p->a.index);
	for (const struct floatingip *f = r->floatingips; f; f = f->router_next)
		derive_mark(d, COOKIE_FLOATINGIP, f->a.index);
}
