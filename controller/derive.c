/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/derive_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apps/apps.h"
#include "base/log.h"

void derive_init(struct derive *d, const struct world *w, struct sw *sw, struct ledger *l)
{
	memset(d, 0, sizeof(*d));
	d->world = w;
	d->sw = sw;
	d->ledger = l;
	flowset_init(&d->fs);
}

#define FREE_HASH(type, head)                     \
	do {                                      \
		struct type *x_, *next_;          \
		HASH_ITER (hh, head, x_, next_) { \
			HASH_DEL(head, x_);       \
			free(x_);                 \
		}                                 \
	} while (0)

static void here_free(struct derive *d, struct here *h)
{
	HASH_DEL(d->here, h);
	free(h->sgs);
	free(h);
}

void derive_fini(struct derive *d)
{
	struct here *h, *next;

	HASH_ITER (hh, d->here, h, next) {
		here_free(d, h);
	}
	FREE_HASH(near, d->near);
	FREE_HASH(mark, d->marks);
	flowset_fini(&d->fs);
}

void derive_mark(struct derive *d, enum cookie_kind kind, uint32_t index)
{
	struct unit_key key;
	struct mark *m;

	memset(&key, 0, sizeof(key));
	key.kind = (uint8_t)kind;
	key.index = index;
	HASH_FIND(hh, d->marks, &key, sizeof(key), m);
	if (m)
		return;
	m = calloc(1, sizeof(*m));
	if (!m) {
		log_err("derive", "out of memory: a change of object %u waits for the next audit",
			index);
		return;
	}
	memcpy(&m->key, &key, sizeof(key));
	HASH_ADD(hh, d->marks, key, sizeof(m->key), m);
}

struct near *near_find(const struct derive *d, enum cookie_kind kind, uint32_t index)
{
	struct near_key key = { (uint32_t)kind, index };
	struct near *n;

	HASH_FIND(hh, d->near, &key, sizeof(key), n);
	return n;
}

static bool is_near(const struct derive *d, uint32_t net)
{
	return near_find(d, COOKIE_NET, net);
}

static bool sg_is_near(const struct derive *d, const struct sg *g)
{
	return near_find(d, COOKIE_SG, g->a.index);
}

static void mark_net(struct derive *d, const struct net *n, bool ports)
{
	derive_mark(d, COOKIE_NET, n->a.index);
	for (const struct port *p = ports ? n->ports : NULL; p; p = p->net_next)
		derive_mark(d, COOKIE_PORT, p->a.index);
	for (const struct neigh *k = ports ? n->neighs : NULL; k; k = k->net_next)
		derive_mark(d, COOKIE_NEIGH, k->index);
}

static void mark_sg(struct derive *d, uint32_t index)
{
	const struct sg *g = world_sg_by_index(d->world, index);

	derive_mark(d, COOKIE_SG, index);
	derive_mark(d, COOKIE_SG_RULES, index);
	for (const struct set_user *u = g ? g->remotes : NULL; u; u = u->sg_next)
		for (const struct set_addr *m = u->set->addrs; m; m = m->set_next)
			derive_mark(d, COOKIE_ADDR, m->addr->bucket);
}

void derive_mark_near(struct derive *d, enum cookie_kind kind, uint32_t index)
{
	const struct router *r;
	const struct net *net;

	if (kind == COOKIE_SG) {
		mark_sg(d, index);
		return;
	}
	derive_mark(d, kind, index);
	if (kind == COOKIE_ROUTER) {
		r = world_router_by_index(d->world, index);
		if (r)
			derive_mark_router(d, r);
		return;
	}
	net = world_net_by_index(d->world, index);
	if (net)
		mark_net(d, net, true);
}

struct near *near_get(struct derive *d, enum cookie_kind kind, uint32_t index)
{
	struct near *n = near_find(d, kind, index);

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->key.kind = (uint32_t)kind;
	n->key.index = index;
	HASH_ADD(hh, d->near, key, sizeof(n->key), n);
	return n;
}

void near_drop(struct derive *d, struct near *n)
{
	if (n->n || n->reached)
		return;
	HASH_DEL(d->near, n);
	free(n);
}

/* Counts one in or out; at the first and the last port all of its flows come and go. */
static void near_count(struct derive *d, enum cookie_kind kind, uint32_t index, int by)
{
	struct near *n = near_get(d, kind, index);
	bool was;

	if (!n)
		return;
	was = n->n;
	n->n += (size_t)by;
	if (was != !!n->n) {
		if (!n->reached)
			derive_mark_near(d, kind, index);
		/* Routers lead on from there. */
		d->stale |= kind == COOKIE_NET;
	}
	near_drop(d, n);
}

/* Its groups, of which the port says no more when they have changed. */
static void here_groups(struct derive *d, struct here *h, const struct port *p)
{
	uint32_t *old = h->sgs;
	size_t n_old = h->n_sgs;

	h->sgs = p && p->n_sgs ? calloc(p->n_sgs, sizeof(*h->sgs)) : NULL;
	h->n_sgs = h->sgs ? p->n_sgs : 0;
	for (size_t i = 0; i < h->n_sgs; i++) {
		h->sgs[i] = p->sgs[i]->a.index;
		near_count(d, COOKIE_SG, h->sgs[i], 1);
	}
	for (size_t i = 0; i < n_old; i++)
		near_count(d, COOKIE_SG, old[i], -1);
	free(old);
}

static bool is_here(const struct derive *d, const struct port *p)
{
	struct here *h;

	HASH_FIND(hh, d->here, &p, sizeof(p), h);
	return h;
}

static void place_port(struct derive *d, const struct port *p, bool local)
{
	struct here *h;

	HASH_FIND(hh, d->here, &p, sizeof(p), h);
	if (local) {
		if (!h) {
			h = calloc(1, sizeof(*h));
			if (!h)
				return;
			h->port = p;
			h->net = p->net->a.index;
			HASH_ADD(hh, d->here, port, sizeof(h->port), h);
			near_count(d, COOKIE_NET, h->net, 1);
		}
		here_groups(d, h, p);
	} else if (h) {
		here_groups(d, h, NULL);
		near_count(d, COOKIE_NET, h->net, -1);
		here_free(d, h);
	}
}

/* Its MTU, and who its routers are, is their affair in all of their networks. */
static void net_routers(struct derive *d, const struct net *n)
{
	for (NET_EACH_ROUTER_PORT(p, n))
		if (near_find(d, COOKIE_ROUTER, p->router->a.index))
			derive_mark_router(d, p->router);
}

/* Another way, and for the ports of its network to be neighbours, or not any more. */
static void router_port_changed(struct derive *d, const struct port *p)
{
	d->stale = true;
	if (near_find(d, COOKIE_ROUTER, p->router->a.index))
		derive_mark_router(d, p->router);
	if (is_near(d, p->net->a.index)) {
		if (port_is_interface(p))
			net_routers(d, p->net);
		mark_net(d, p->net, true);
	}
}

/* Has it, or may it have had, an address that a route of 'r' leads to? */
static bool is_next_hop(const struct router *r, const struct port *p, uint32_t what)
{
	const bool had = what & (WORLD_ATTRS | WORLD_DELETED);

	for (size_t i = 0; i < r->a.n_routes; i++) {
		const struct port *hop = world_port_by_ip(p->net, &r->a.routes[i].nexthop);

		if (hop == p || (had && !hop))
			return true;
	}
	return false;
}

/* Of several next hops those share the traffic that are ACTIVE (apps/network_route.c). */
static void next_hop_changed(struct derive *d, const struct port *p, uint32_t what)
{
	for (NET_EACH_ROUTER_PORT(i, p->net))
		if (i->router->a.n_routes > 1 && is_next_hop(i->router, p, what) &&
		    near_find(d, COOKIE_ROUTER, i->router->a.index))
			derive_mark(d, COOKIE_ROUTER, i->router->a.index);
}

static void next_hops_changed(struct derive *d)
{
	for (const struct near *n = d->near; n; n = n->hh.next) {
		const struct router *r = n->key.kind == COOKIE_ROUTER
						 ? world_router_by_index(d->world, n->key.index)
						 : NULL;

		if (r && r->a.n_routes > 1)
			derive_mark(d, COOKIE_ROUTER, r->a.index);
	}
}

static void port_changed(struct derive *d, const struct port *p, uint32_t what)
{
	bool was_near = is_near(d, p->net->a.index), was_here = is_here(d, p);

	place_port(d, p, !(what & WORLD_DELETED) && p->place.sw == d->sw);
	if (p->router)
		router_port_changed(d, p);
	next_hop_changed(d, p, what);
	for (const struct floatingip *f = p->floatingips; f; f = f->port_next)
		derive_mark(d, COOKIE_FLOATINGIP, f->a.index);
	/* Of what is deleted the world says no more where it was: its network may have gone
	 * already. */
	if (!was_near && !is_near(d, p->net->a.index) && !(what & WORLD_DELETED))
		return;
	derive_mark(d, COOKIE_PORT, p->a.index);
	/* It is, or was, in the network's groups here; elsewhere these hear of WORLD_MEMBERS. */
	if ((was_here || is_here(d, p)) && what & ~(uint32_t)(WORLD_LINK | WORLD_SHARED))
		derive_mark(d, COOKIE_NET, p->net->a.index);
}

static void near_nets(struct derive *d, bool ports)
{
	for (struct near *n = d->near; n; n = n->hh.next) {
		const struct net *net = n->key.kind == COOKIE_NET
						? world_net_by_index(d->world, n->key.index)
						: NULL;

		if (net)
			mark_net(d, net, ports);
	}
}

/* Networks that have ports on that switch; 'ports': and these. */
static void near_members(struct derive *d, const struct sw *sw, bool ports)
{
	for (const struct near *n = d->near; n; n = n->hh.next) {
		const struct net *net = n->key.kind == COOKIE_NET
						? world_net_by_index(d->world, n->key.index)
						: NULL;

		const struct member *m = net ? net_member(net, sw) : NULL;

		if (m)
			derive_mark(d, COOKIE_NET, net->a.index);
		for (size_t i = 0; m && ports && i < m->n; i++)
			derive_mark(d, COOKIE_PORT, m->ports[i]->a.index);
	}
}

static bool router_is_anchored(const struct router *r)
{
	for (ROUTER_EACH_PORT(p, r))
		if (port_is_anchored(p))
			return true;
	return false;
}

/* Gateways live on one of the switches that are there. */
static void gateways_moved(struct derive *d)
{
	d->stale = true;
	for (const struct near *n = d->near; n; n = n->hh.next) {
		const struct router *r = n->key.kind == COOKIE_ROUTER
						 ? world_router_by_index(d->world, n->key.index)
						 : NULL;

		if (r && router_is_anchored(r))
			derive_mark_router(d, r);
	}
}

/* Stations matter while it carries no tenants: then all of them, else none. */
static void find_plain(struct derive *d)
{
	const bool plain = sw_is_plain(d->sw);

	if (plain == d->plain)
		return;
	d->plain = plain;
	for (uint32_t i = 0; i < d->sw->macs.n_v; i++)
		if (world_mac_by_index(d->sw, i))
			derive_mark(d, COOKIE_STATION, i);
}

static void stations_changed(struct derive *d)
{
	const struct macs *m = &d->sw->macs;

	for (size_t i = 0; i < m->n_changed; i++)
		derive_mark(d, COOKIE_STATION, m->changed[i]);
}

static void switch_changed(struct derive *d, const struct sw *sw, uint32_t what)
{
	if (what == WORLD_MACS) {
		if (sw == d->sw)
			stations_changed(d);
		return;
	}
	if (what & (WORLD_ALIVE | WORLD_UPLINK | WORLD_VTEP | WORLD_DELETED | WORLD_ADDED))
		gateways_moved(d);
	if (what & WORLD_ALIVE) {
		near_members(d, sw, false); /* to flood there, or not */
		next_hops_changed(d);
	}
	if (what & (WORLD_VTEP | WORLD_DELETED | WORLD_ADDED)) {
		if (sw == d->sw)
			near_nets(d, true); /* another way to all */
		else
			near_members(d, sw, true); /* ... to that host */
	}
	if (sw != d->sw)
		return;
	if (what & WORLD_MACS)
		stations_changed(d);
	find_plain(d);
	if (what & WORLD_UPLINK)
		near_nets(d, false);
	derive_mark(d, COOKIE_SWITCH, 0);
}

/* Ports with several groups are judged by flows of their own (apps/network_sg.c). */
static void mark_ports_of(struct derive *d, const struct sg *g)
{
	for (const struct here *h = d->here; h; h = h->hh.next)
		for (size_t i = 0; h->n_sgs > 1 && i < h->n_sgs; i++)
			if (h->sgs[i] == g->a.index)
				derive_mark(d, COOKIE_PORT, h->port->a.index);
}

static void sg_changed(struct derive *d, const struct sg *g, uint32_t what)
{
	if (!sg_is_near(d, g))
		return;
	derive_mark(d, COOKIE_SG, g->a.index);
	if (what & WORLD_RULES)
		derive_mark(d, COOKIE_SG_RULES, g->a.index);
	mark_ports_of(d, g);
}

/* Flows that it had on this switch go, even if nobody here names it any more. */
static void addr_changed(struct derive *d, const struct sg_addr *a)
{
	struct unit_key key = { APP_NETWORK, COOKIE_ADDR, a->bucket };
	bool near = ledger_has(d->ledger, &key);

	for (const struct set_addr *m = a->sets; m && !near; m = m->addr_next)
		for (const struct set_user *u = m->set->users; u && !near; u = u->set_next)
			near = sg_is_near(d, u->sg);
	if (near)
		derive_mark(d, COOKIE_ADDR, a->bucket);
}

void derive_changed(struct derive *d, const struct world_obj *o, uint32_t what)
{
	switch (o->kind) {
	case WORLD_PORT:
		port_changed(d, (const struct port *)o, what);
		break;
	case WORLD_NET:
		if (what != WORLD_MEMBERS)
			net_routers(d, (const struct net *)o);
		if (is_near(d, ((const struct net *)o)->a.index) || what & WORLD_DELETED)
			mark_net(d, (const struct net *)o,
				 !(what & WORLD_DELETED) && what != WORLD_MEMBERS);
		break;
	case WORLD_SWITCH:
		switch_changed(d, (const struct sw *)o, what);
		break;
	case WORLD_ROUTER:
		d->stale = true;
		if (near_find(d, COOKIE_ROUTER, ((const struct router *)o)->a.index) ||
		    what & WORLD_DELETED)
			derive_mark_router(d, (const struct router *)o);
		break;
	case WORLD_FLOATINGIP:
		derive_mark(d, COOKIE_FLOATINGIP, ((const struct floatingip *)o)->a.index);
		break;
	case WORLD_NEIGH:
		derive_mark(d, COOKIE_NEIGH, ((const struct neigh *)o)->index);
		break;
	case WORLD_SG:
		sg_changed(d, (const struct sg *)o, what);
		break;
	case WORLD_ADDR:
		addr_changed(d, (const struct sg_addr *)o);
		break;
	default:
		break; /* others say nothing that these do not */
	}
}

void derive_all(struct derive *d)
{
	derive_mark(d, COOKIE_SWITCH, 0);
	d->plain = false;
	find_plain(d);
	for (WORLD_ALL(port, PORT, p, d->world))
		place_port(d, p, p->place.sw == d->sw);
	derive_reach(d);
	near_nets(d, true);
	for (const struct near *n = d->near; n; n = n->hh.next) {
		const struct router *r = n->key.kind == COOKIE_ROUTER
						 ? world_router_by_index(d->world, n->key.index)
						 : NULL;

		if (r)
			derive_mark_router(d, r);
	}
}

/* Each group that names it, once: by the first of its sets that the group names. */
static void call_members(const struct derive *d, const struct app *a, const struct sg_addr *addr,
			 struct flowset *fs)
{
	for (const struct set_addr *m = addr->sets; m; m = m->addr_next)
		for (const struct set_user *u = m->set->users; u; u = u->set_next) {
			const struct set_addr *first = addr->sets;

			while (!sg_user_find(u->sg, first->set))
				first = first->addr_next;
			if (first == m && sg_is_near(d, u->sg))
				a->derive_member(d->world, d->sw, u->sg, addr, fs);
		}
}

static void call_sg(const struct derive *d, const struct app *a, const struct unit_key *k,
		    struct flowset *fs)
{
	const struct sg *g = world_sg_by_index(d->world, k->index);

	if (!g || !sg_is_near(d, g))
		return;
	if (k->kind == COOKIE_SG && a->derive_sg)
		a->derive_sg(d->world, d->sw, g, fs);
	if (k->kind == COOKIE_SG_RULES && a->derive_sg_rules)
		a->derive_sg_rules(d->world, d->sw, g, fs);
}

static void call_router(const struct derive *d, const struct app *a, const struct unit_key *k,
			struct flowset *fs)
{
	const struct floatingip *f;
	const struct router *r;
	const struct neigh *n;

	switch (k->kind) {
	case COOKIE_ROUTER:
		r = world_router_by_index(d->world, k->index);
		if (r && a->derive_router && near_find(d, COOKIE_ROUTER, k->index))
			a->derive_router(d->world, d->sw, r, fs);
		break;
	case COOKIE_FLOATINGIP:
		f = world_floatingip_by_index(d->world, k->index);
		if (f && f->router && a->derive_floatingip &&
		    near_find(d, COOKIE_ROUTER, f->router->a.index))
			a->derive_floatingip(d->world, d->sw, f, fs);
		break;
	default:
		n = world_neigh_by_index(d->world, k->index);
		if (n && a->derive_neigh && is_near(d, n->net->a.index))
			a->derive_neigh(d->world, d->sw, n, fs);
	}
}

static void call_port(const struct derive *d, const struct app *a, const struct port *p,
		      struct flowset *fs)
{
	bool far = p->router && !near_find(d, COOKIE_ROUTER, p->router->a.index);

	if (far && a->derive_far_port)
		a->derive_far_port(d->world, d->sw, p, fs);
	else if (!far && a->derive_port)
		a->derive_port(d->world, d->sw, p, fs);
}

static void call(const struct derive *d, const struct app *a, const struct unit_key *k,
		 struct flowset *fs)
{
	const struct learned *l;
	const struct port *p;
	const struct net *n;

	switch (k->kind) {
	case COOKIE_STATION:
		l = d->plain ? world_mac_by_index(d->sw, k->index) : NULL;
		if (l && a->derive_station)
			a->derive_station(d->world, d->sw, l, fs);
		break;
	case COOKIE_SWITCH:
		if (a->derive_switch)
			a->derive_switch(d->world, d->sw, fs);
		break;
	case COOKIE_NET:
		n = world_net_by_index(d->world, k->index);
		if (n && a->derive_net && is_near(d, k->index))
			a->derive_net(d->world, d->sw, n, fs);
		break;
	case COOKIE_PORT:
		p = world_port_by_index(d->world, k->index);
		if (p && is_near(d, p->net->a.index))
			call_port(d, a, p, fs);
		break;
	case COOKIE_ROUTER:
	case COOKIE_FLOATINGIP:
	case COOKIE_NEIGH:
		call_router(d, a, k, fs);
		break;
	case COOKIE_SG:
	case COOKIE_SG_RULES:
		call_sg(d, a, k, fs);
		break;
	case COOKIE_ADDR:
		for (const struct sg_addr *addr = world_sg_addrs(d->world, k->index);
		     addr && a->derive_member; addr = addr->next)
			call_members(d, a, addr, fs);
		break;
	default:
		break;
	}
}

/* Whether the app derives anything from such objects: of most, only one does. */
static bool speaks_of(const struct app *a, enum cookie_kind kind)
{
	switch (kind) {
	case COOKIE_SWITCH:
		return a->derive_switch;
	case COOKIE_NET:
		return a->derive_net;
	case COOKIE_PORT:
		return a->derive_port || a->derive_far_port;
	case COOKIE_SG:
		return a->derive_sg;
	case COOKIE_SG_RULES:
		return a->derive_sg_rules;
	case COOKIE_ROUTER:
		return a->derive_router;
	case COOKIE_FLOATINGIP:
		return a->derive_floatingip;
	case COOKIE_NEIGH:
		return a->derive_neigh;
	case COOKIE_ADDR:
		return a->derive_member;
	case COOKIE_STATION:
		return a->derive_station;
	}
	return true;
}

/* True: something of it is still another unit's. */
static bool derive_unit(struct derive *d, const struct unit_key *marked, bool last)
{
	bool taken = false;

	for (const struct app *const *a = apps; *a; a++) {
		struct unit_key k = *marked;

		if (!speaks_of(*a, (enum cookie_kind)k.kind))
			continue;
		k.app = (uint8_t)(*a)->id;
		/* A station's index is of this run of the program; its flows say who it is. */
		flowset_reset(&d->fs, (*a)->id, (enum cookie_kind)k.kind,
			      k.kind == COOKIE_STATION ? 0 : k.index);
		call(d, *a, &k, &d->fs);
		taken |= ledger_want(d->ledger, &k, &d->fs, last);
	}
	return taken;
}

/* Twice, where an entry goes from one unit to another and the new one comes first. */
static int derive_pass(struct derive *d, bool last)
{
	struct mark *m, *next;
	int n = 0;

	HASH_ITER (hh, d->marks, m, next) {
		bool taken = derive_unit(d, &m->key, last);

		n++;
		if (taken && !last)
			continue;
		HASH_DEL(d->marks, m);
		free(m);
	}
	return n;
}

int derive_run(struct derive *d)
{
	int n;

	if (d->stale)
		derive_reach(d);
	n = derive_pass(d, false);
	derive_pass(d, true);
	return n;
}
