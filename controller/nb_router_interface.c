/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with routers: interfaces and extra routes, added and removed. */
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb.h"

static const char interface_owner[] = "network:router_interface";

/* ---- the request ---- */

/* { "subnet_id": S }, { "port_id": P }, or to remove also both. */
struct ask {
	const char *subnet_id, *port_id; /* NULL: not given */
};

static int ask_read(struct nb_request *q, struct ask *a, struct nb_error *e)
{
	static const char *const names[] = { "subnet_id", "port_id" };
	const char **to[] = { &a->subnet_id, &a->port_id };

	if (!json_is_object(q->body))
		return nb_say(e, BadRequest, "A subnet_id or a port_id is required.");
	for (int i = 0; i < 2; i++) {
		const json_t *v = json_object_get(q->body, names[i]);

		*to[i] = json_string_value(v);
		if (v && (!*to[i] || !nb_is_uuid(*to[i])))
			return nb_say(e, BadRequest, "%s is not a UUID.", names[i]);
	}
	if (!a->subnet_id && !a->port_id)
		return nb_say(e, BadRequest, "A subnet_id or a port_id is required.");
	return 0;
}

static void answer(struct nb_request *q, const struct router *r, const struct port *p,
		   const json_t *subnets)
{
	q->answer = json_pack("{s:s,s:s,s:s,s:s,s:s,s:O,s:O}", "id", r->a.id, "tenant_id",
			      r->a.tenant_id, "project_id", r->a.tenant_id, "port_id", p->a.id,
			      "network_id", p->a.network_id, "subnet_id",
			      json_array_get(subnets, 0), "subnet_ids", subnets);
}

/* ---- adding ---- */

/* No two subnets of a router have an address in common: it would not know where to send. */
static int overlap_check(const struct world *w, const struct router *r, const struct subnet *s,
			 struct nb_error *e)
{
	char text[PREFIX_TEXT], other[PREFIX_TEXT];

	for (ROUTER_EACH_PORT(p, r))
		for (NET_EACH_SUBNET(has, p->net)) {
			bool on = port_is_gateway(p);

			for (size_t i = 0; i < p->a.n_fixed_ips; i++)
				on = on || !strcmp(p->a.fixed_ips[i].subnet_id, has->a.id);
			if (!on)
				continue;
			if (has == s)
				return nb_say(e, BadRequest,
					      "The router has a port on subnet %s already.",
					      s->a.id);
			if (ip_prefix_overlaps(&has->a.cidr, &s->a.cidr))
				return nb_say(
					e, BadRequest,
					"Subnet %s, %s, overlaps with subnet %s, %s, that the "
					"router has.",
					s->a.id, ip_prefix_format(&s->a.cidr, text), has->a.id,
					ip_prefix_format(&has->a.cidr, other));
		}
	return 0;
}

/* An IPv6 prefix joins the router's port on that network, when that has IPv6 addresses already. */
static struct port *port_for_ipv6(const struct router *r, const struct subnet *s)
{
	if (s->a.ip_version != 6)
		return NULL;
	for (ROUTER_EACH_PORT(p, r))
		if (p->net == s->net && port_is_interface(p) && p->a.n_fixed_ips &&
		    p->a.fixed_ips[0].ip_address.family == 6)
			return p;
	return NULL;
}

static struct port *add_to_port(struct nb_request *q, struct port *p, const struct fixed_ip *more,
				struct nb_error *e)
{
	struct fixed_ip ips[64];

	if (p->a.n_fixed_ips == 64) {
		nb_say(e, BadRequest, "Port %s has 64 addresses already.", p->a.id);
		return NULL;
	}
	memcpy(ips, p->a.fixed_ips, p->a.n_fixed_ips * sizeof(*ips));
	ips[p->a.n_fixed_ips] = *more;
	return nb_port_readdress(q, p, ips, p->a.n_fixed_ips + 1, e) ? NULL : p;
}

static struct port *add_by_subnet(struct nb_request *q, struct router *r, const char *id,
				  json_t *subnets, struct nb_error *e)
{
	struct world_obj *o = nb_find(q, &resources[WORLD_SUBNET], id, e);
	struct subnet *s = (struct subnet *)o;
	struct fixed_ip ip = { .ip_address = { 0 } };
	struct nb_port_spec spec = { .tenant_id = r->a.tenant_id,
				     .name = "",
				     .device_owner = interface_owner,
				     .device_id = r->a.id,
				     .fixed_ips = &ip,
				     .n_fixed_ips = 1 };
	struct port *p;

	if (!o)
		return NULL;
	if (!s->a.gateway_ip.family) {
		nb_say(e, BadRequest, "Subnet %s has no gateway_ip for the router.", s->a.id);
		return NULL;
	}
	if (overlap_check(q->nb->world, r, s, e))
		return NULL;
	memcpy(ip.subnet_id, s->a.id, UUID_TEXT);
	ip.ip_address = s->a.gateway_ip;
	spec.net = s->net;
	json_array_append_new(subnets, json_string(s->a.id));
	p = port_for_ipv6(r, s);
	return p ? add_to_port(q, p, &ip, e) : nb_port_add(q, &spec, e);
}

static int port_check(struct nb_request *q, const struct router *r, const struct port *p,
		      json_t *subnets, struct nb_error *e)
{
	size_t n4 = 0;

	if (p->a.device_id[0])
		return nb_refuse(e, PortInUse, p->a.id, p->a.network_id, p->a.device_id);
	if (!p->a.n_fixed_ips)
		return nb_say(e, BadRequest, "Port %s has no address.", p->a.id);
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		struct subnet *s = world_subnet_find(q->nb->world, p->a.fixed_ips[i].subnet_id);

		n4 += p->a.fixed_ips[i].ip_address.family == 4;
		if (overlap_check(q->nb->world, r, s, e))
			return -1;
		json_array_append_new(subnets, json_string(s->a.id));
	}
	if (n4 > 1)
		return nb_say(e, BadRequest, "A router's port has one IPv4 address, %s has %zu.",
			      p->a.id, n4);
	return 0;
}

static struct port *add_by_port(struct nb_request *q, struct router *r, const char *id,
				json_t *subnets, struct nb_error *e)
{
	const struct resource *kind = &resources[WORLD_PORT];
	struct port *p = (struct port *)nb_find(q, kind, id, e);
	struct port_attrs a;

	if (!p || port_check(q, r, p, subnets, e))
		return NULL;
	attrs_copy(&kind->shape, &a, &p->a);
	free(a.device_owner);
	free(a.device_id);
	a.device_owner = mem_str(interface_owner);
	a.device_id = mem_str(r->a.id);
	nb_obj_set(q, &p->obj, &a);
	attrs_fini(&kind->shape, &a);
	return p;
}

static int interface_add(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	struct router *r = (struct router *)o;
	json_t *subnets = json_array();
	struct ask a = { 0 };
	struct port *p = NULL;

	if (ask_read(q, &a, e))
		;
	else if (a.subnet_id && a.port_id)
		nb_say(e, BadRequest, "Either a subnet_id or a port_id is given, not both.");
	else
		p = a.port_id ? add_by_port(q, r, a.port_id, subnets, e)
			      : add_by_subnet(q, r, a.subnet_id, subnets, e);
	if (p)
		answer(q, r, p, subnets);
	json_decref(subnets);
	return p ? 0 : -1;
}

/* ---- removing ---- */

static const struct fixed_ip *port_on(const struct port *p, const char *subnet_id)
{
	for (size_t i = 0; i < p->a.n_fixed_ips; i++)
		if (!strcmp(p->a.fixed_ips[i].subnet_id, subnet_id))
			return &p->a.fixed_ips[i];
	return NULL;
}

static struct port *interface_find(const struct router *r, const struct ask *a, struct nb_error *e)
{
	for (ROUTER_EACH_PORT(p, r)) {
		if (!port_is_interface(p) || (a->port_id && strcmp(p->a.id, a->port_id)))
			continue;
		if (!a->subnet_id || port_on(p, a->subnet_id))
			return p;
		if (a->port_id) {
			nb_refuse(e, SubnetMismatchForPort, a->subnet_id, a->port_id);
			return NULL;
		}
	}
	if (a->port_id)
		nb_refuse(e, RouterInterfaceNotFound, r->a.id, a->port_id);
	else
		nb_refuse(e, RouterInterfaceNotFoundForSubnet, r->a.id, a->subnet_id);
	return NULL;
}

/* Floating IPs of 'r' that lead into a subnet. */
static bool floatingip_needs(const struct world *w, const struct router *r, const struct subnet *s)
{
	for (struct floatingip *f = r->floatingips; f; f = f->router_next) {
		if (f->port && port_on(f->port, s->a.id))
			return true;
		for (struct port_forwarding *d = f->forwardings; d; d = d->next)
			if (d->port && port_on(d->port, s->a.id))
				return true;
	}
	return false;
}

static int removal_check(struct nb_request *q, const struct router *r, const struct port *p,
			 const char *subnet_id, struct nb_error *e)
{
	const struct world *w = q->nb->world;

	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		const struct subnet *s = world_subnet_find(w, p->a.fixed_ips[i].subnet_id);

		if (subnet_id && strcmp(s->a.id, subnet_id))
			continue;
		if (floatingip_needs(w, r, s))
			return nb_refuse(e, RouterInterfaceInUseByFloatingIP, r->a.id, s->a.id);
		if (nb_router_needs(w, r, p, s))
			return nb_refuse(e, RouterInterfaceInUseByRoute, r->a.id, s->a.id);
	}
	return 0;
}

/* The port keeps the addresses of its other subnets; without any it goes. */
static int address_remove(struct nb_request *q, struct port *p, const char *subnet_id,
			  struct nb_error *e)
{
	struct fixed_ip ips[64];
	size_t n = 0;

	for (size_t i = 0; i < p->a.n_fixed_ips; i++)
		if (strcmp(p->a.fixed_ips[i].subnet_id, subnet_id))
			ips[n++] = p->a.fixed_ips[i];
	return nb_port_readdress(q, p, ips, n, e);
}

static int interface_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	struct router *r = (struct router *)o;
	struct ask a = { 0 };
	json_t *subnets;
	struct port *p;
	int rc = 0;

	if (ask_read(q, &a, e))
		return -1;
	p = interface_find(r, &a, e);
	if (!p || removal_check(q, r, p, a.port_id ? NULL : a.subnet_id, e))
		return -1;
	subnets = json_array();
	for (size_t i = 0; i < p->a.n_fixed_ips; i++)
		if (a.port_id || !strcmp(p->a.fixed_ips[i].subnet_id, a.subnet_id))
			json_array_append_new(subnets, json_string(p->a.fixed_ips[i].subnet_id));
	answer(q, r, p, subnets);
	if (json_array_size(subnets) < p->a.n_fixed_ips)
		rc = address_remove(q, p, a.subnet_id, e);
	else
		txn_del(q->txn, &p->obj);
	json_decref(subnets);
	return rc;
}

/* ---- extra routes ---- */

static bool same_route(const struct extra_route *a, const struct extra_route *b)
{
	return a->destination.len == b->destination.len &&
	       !ip_cmp(&a->destination.addr, &b->destination.addr) &&
	       !ip_cmp(&a->nexthop, &b->nexthop);
}

static void routes_merge(struct router_attrs *a, const struct router_attrs *change, bool add)
{
	struct extra_route *out = mem_array(a->n_routes + change->n_routes + 1, sizeof(*out));
	size_t n = 0;

	for (size_t i = 0; i < a->n_routes; i++) {
		bool in = false;

		for (size_t j = 0; j < change->n_routes; j++)
			in = in || same_route(&a->routes[i], &change->routes[j]);
		if (!in)
			out[n++] = a->routes[i];
	}
	for (size_t j = 0; add && j < change->n_routes; j++)
		out[n++] = change->routes[j];
	free(a->routes);
	a->routes = out;
	a->n_routes = n;
}

/* { "router": { "routes": [...] } }: what is there already, or is not, is no error. */
static int routes_change(struct nb_request *q, struct world_obj *o, bool add, struct nb_error *e)
{
	const struct resource *kind = &resources[WORLD_ROUTER];
	const struct attr *row = attr_find(&kind->shape, "routes");
	const json_t *v = json_object_get(json_object_get(q->body, "router"), "routes");
	struct router *r = (struct router *)o;
	struct router_attrs a, change;
	int rc;

	if (!v)
		return nb_say(e, BadRequest, "The body names no routes.");
	attrs_init(&kind->shape, &change);
	attrs_copy(&kind->shape, &a, &r->a);
	rc = nb_from_json(row, &change, v, e);
	if (!rc)
		routes_merge(&a, &change, add);
	if (!rc && a.n_routes > row->max_n)
		rc = nb_say(e, BadRequest, "A router has at most %u routes.", row->max_n);
	if (!rc)
		rc = nb_router_routes_check(q->nb->world, r, &a, e);
	if (!rc) {
		nb_obj_set(q, o, &a);
		q->answer =
			json_pack("{s:o}", "router", nb_object_json(kind, o, nb_fields(q, kind)));
	}
	attrs_fini(&kind->shape, &a);
	attrs_fini(&kind->shape, &change);
	return rc;
}

static int routes_add(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	return routes_change(q, o, true, e);
}

static int routes_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	return routes_change(q, o, false, e);
}

const struct nb_action nb_router_actions[] = {
	{ "add_router_interface", NB_PUT, interface_add },
	{ "remove_router_interface", NB_PUT, interface_remove },
	{ "add_extraroutes", NB_PUT, routes_add },
	{ "remove_extraroutes", NB_PUT, routes_remove },
	{ NULL, NB_OTHER, NULL },
};
