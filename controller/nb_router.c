/* SPDX-License-Identifier: Apache-2.0 */
/* Routers: their gateway and their extra routes.  Interfaces: nb_router_interface.c. */
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb.h"
#include "controller/segment.h"

static const char gateway_owner[] = "network:router_gateway";

static bool given(uint64_t rows, const char *attr)
{
	return nb_given(&resources[WORLD_ROUTER], rows, attr);
}

/* ---- extra routes ---- */

static bool port_reaches(const struct world *w, const struct port *p, const struct subnet *without,
			 const struct ip_addr *a)
{
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		const struct subnet *s = world_subnet_find(w, p->a.fixed_ips[i].subnet_id);

		if (s && s != without && ip_prefix_has(&s->a.cidr, a))
			return true;
	}
	return false;
}

static bool is_own(const struct router *r, const struct ip_addr *a)
{
	for (ROUTER_EACH_PORT(p, r))
		for (size_t i = 0; i < p->a.n_fixed_ips; i++)
			if (!ip_cmp(&p->a.fixed_ips[i].ip_address, a))
				return true;
	return false;
}

/* The first route that has no way, or NULL. */
static const struct extra_route *route_stranded(const struct world *w, const struct router *r,
						const struct router_attrs *a,
						const struct port *port,
						const struct subnet *subnet)
{
	for (size_t i = 0; i < a->n_routes; i++) {
		bool reached = false;

		for (ROUTER_EACH_PORT(p, r))
			if (!(p == port && !subnet))
				reached = reached || port_reaches(w, p, p == port ? subnet : NULL,
								  &a->routes[i].nexthop);
		if (!reached)
			return &a->routes[i];
	}
	return NULL;
}

bool nb_router_needs(const struct world *w, const struct router *r, const struct port *p,
		     const struct subnet *s)
{
	return route_stranded(w, r, &r->a, p, s);
}

static int route_fail(const struct extra_route *t, const char *why, struct nb_error *e)
{
	char to[PREFIX_TEXT], by[IP_TEXT];

	return nb_refuse(e, InvalidRoutes, ip_prefix_format(&t->destination, to),
			 ip_format(&t->nexthop, by), why);
}

int nb_router_routes_check(const struct world *w, const struct router *r,
			   const struct router_attrs *a, struct nb_error *e)
{
	const struct extra_route *bad;

	for (size_t i = 0; i < a->n_routes; i++) {
		const struct extra_route *t = &a->routes[i];
		struct ip_addr first = ip_prefix_first(&t->destination);

		if (t->destination.addr.family != t->nexthop.family)
			return route_fail(t, "the two are not of one IP version", e);
		if (ip_cmp(&first, &t->destination.addr))
			return route_fail(t, "the destination has bits set beyond its length", e);
		if (is_own(r, &t->nexthop))
			return route_fail(t, "the next hop is the router itself", e);
		for (size_t j = 0; j < i; j++)
			if (t->destination.len == a->routes[j].destination.len &&
			    !ip_cmp(&t->destination.addr, &a->routes[j].destination.addr) &&
			    !ip_cmp(&t->nexthop, &a->routes[j].nexthop))
				return nb_fail_attr(e, "routes", "an element is there twice");
	}
	bad = route_stranded(w, r, a, NULL, NULL);
	return bad ? route_fail(bad, "the next hop is on no subnet of the router", e) : 0;
}

/* ---- the gateway ---- */

/* Its addresses as the port got them. */
static void gateway_addresses(struct gateway *g, const struct port *p)
{
	free(g->external_fixed_ips);
	g->n_external_fixed_ips = p->a.n_fixed_ips;
	g->external_fixed_ips = mem_array(p->a.n_fixed_ips, sizeof(*g->external_fixed_ips));
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		memcpy(g->external_fixed_ips[i].subnet_id, p->a.fixed_ips[i].subnet_id, UUID_TEXT);
		g->external_fixed_ips[i].ip_address = p->a.fixed_ips[i].ip_address;
	}
}

static size_t gateway_wants(const struct gateway *g, struct fixed_ip out[16])
{
	for (size_t i = 0; i < g->n_external_fixed_ips; i++) {
		memcpy(out[i].subnet_id, g->external_fixed_ips[i].subnet_id, UUID_TEXT);
		out[i].ip_address = g->external_fixed_ips[i].ip_address;
	}
	return g->n_external_fixed_ips;
}

static int gateway_check(struct nb_request *q, const struct gateway *g, struct nb_error *e)
{
	struct world_obj *o = nb_find(q, &resources[WORLD_NET], g->network_id, e);
	struct net *n = (struct net *)o;
	char text[IP_TEXT];

	if (!o)
		return -1;
	if (!n->a.external)
		return nb_say(e, BadRequest, "Network %s is not an external network.", n->a.id);
	for (NET_EACH_SUBNET(s, n))
		for (size_t i = 0; i < g->n_external_fixed_ips; i++)
			if (s->a.gateway_ip.family &&
			    !ip_cmp(&s->a.gateway_ip, &g->external_fixed_ips[i].ip_address))
				return nb_say(
					e, BadRequest,
					"The address %s is that of the network's own gateway.",
					ip_format(&s->a.gateway_ip, text));
	return 0;
}

/* Prefixes of the external network and those inside must not be the same to a router. */
static int gateway_overlap(const struct world *w, const struct router *r, const struct net *n,
			   struct nb_error *e)
{
	char text[PREFIX_TEXT];

	for (NET_EACH_SUBNET(out, n))
		for (ROUTER_EACH_PORT(p, r))
			for (size_t i = 0; port_is_interface(p) && i < p->a.n_fixed_ips; i++) {
				const struct subnet *in =
					world_subnet_find(w, p->a.fixed_ips[i].subnet_id);

				if (in && ip_prefix_overlaps(&in->a.cidr, &out->a.cidr))
					return nb_say(e, BadRequest,
						      "Subnet %s, %s, overlaps with subnet %s of "
						      "the external network.",
						      in->a.id, ip_prefix_format(&in->a.cidr, text),
						      out->a.id);
			}
	return 0;
}

static struct port *gateway_add(struct nb_request *q, struct router *r, struct gateway *g,
				struct nb_error *e)
{
	struct net *n = world_net_find(q->nb->world, g->network_id);
	struct fixed_ip ips[16];
	struct nb_port_spec spec = { .net = n,
				     .tenant_id = "",
				     .name = "",
				     .device_owner = gateway_owner,
				     .device_id = r->a.id,
				     .fixed_ips = ips,
				     .n_fixed_ips = gateway_wants(g, ips) };
	struct port *p;

	if (gateway_overlap(q->nb->world, r, n, e))
		return NULL;
	p = nb_port_add(q, &spec, e);
	if (!p)
		return NULL;
	if (!p->a.n_fixed_ips) {
		nb_say(e, BadRequest, "External network %s has no subnet.", n->a.id);
		return NULL;
	}
	gateway_addresses(g, p);
	return p;
}

/* The gateway as 'a' wants it, from what the router has. */
static int gateway_change(struct nb_request *q, struct router *r, struct router_attrs *a,
			  struct nb_error *e)
{
	struct gateway *now = r->a.n_gateway ? r->a.gateway : NULL;
	struct gateway *then = a->n_gateway ? a->gateway : NULL;
	struct port *p = router_gateway(r);
	struct fixed_ip ips[16];
	size_t n;

	if (then && gateway_check(q, then, e))
		return -1;
	if (now && then && !strcmp(now->network_id, then->network_id)) {
		n = gateway_wants(then, ips);
		if (n && nb_port_readdress(q, p, ips, n, e))
			return -1;
		gateway_addresses(then, p);
		return 0;
	}
	if (now && r->floatingips)
		return nb_refuse(e, RouterExternalGatewayInUseByFloatingIp, r->a.id,
				 now->network_id);
	if (p)
		txn_del(q->txn, &p->obj);
	return then && !gateway_add(q, r, then, e) ? -1 : 0;
}

/* ---- hooks ---- */

/* The VNI by which hosts send to that of the gateway: from the first gateway on. */
static int transit_choose(struct world *w, struct router_attrs *a, struct nb_error *e)
{
	if (a->transit != NUM_NONE || !a->n_gateway ||
	    !segment_choose(w, NET_VXLAN, NULL, "", &a->transit))
		return 0;
	return nb_say(e, NoNetworkAvailable, "All VNIs are in use.");
}

static int router_create(struct nb_request *q, void *p, uint64_t rows, struct nb_error *e)
{
	struct router_attrs *a = p;

	if (a->n_gateway && gateway_check(q, a->gateway, e))
		return -1;
	a->index = world_index_get(q->nb->world, WORLD_ROUTER);
	if (a->index == NUM_NONE)
		return nb_say(e, ServiceUnavailable, "There are %d routers already.", ROUTER_MAX);
	return transit_choose(q->nb->world, a, e);
}

static int router_added(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	const struct resource *r = &resources[WORLD_ROUTER];
	struct router *router = (struct router *)o;
	struct router_attrs a;
	int rc = 0;

	if (!router->a.n_gateway)
		return 0;
	attrs_copy(&r->shape, &a, &router->a);
	if (gateway_add(q, router, a.gateway, e))
		txn_set(q->txn, o, &a);
	else
		rc = -1;
	attrs_fini(&r->shape, &a);
	return rc;
}

static int router_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t rows,
			 struct nb_error *e)
{
	struct router *r = (struct router *)o;
	struct router_attrs *a = p;

	if (given(rows, "external_gateway_info") &&
	    (transit_choose(q->nb->world, a, e) || gateway_change(q, r, a, e)))
		return -1;
	/* With the new gateway: it may be the way to a next hop. */
	return nb_router_routes_check(q->nb->world, r, a, e);
}

static int router_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	struct router *r = (struct router *)o;
	struct port *gateway = router_gateway(r);

	for (ROUTER_EACH_PORT(p, r))
		if (p != gateway)
			return nb_refuse(e, RouterInUse, r->a.id);
	if (r->floatingips)
		return nb_refuse(e, RouterInUse, r->a.id);
	if (gateway)
		txn_del(q->txn, &gateway->obj);
	return 0;
}

const struct nb_hooks nb_router_hooks = {
	.create = router_create,
	.added = router_added,
	.update = router_update,
	.remove = router_remove,
	.actions = nb_router_actions,
};

/* ---- computed ---- */

json_t *nb_router_status(const struct world_obj *o)
{
	return json_string("ACTIVE");
}

json_t *nb_router_zones(const struct world_obj *o)
{
	return json_array();
}
