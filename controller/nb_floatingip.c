/* SPDX-License-Identifier: Apache-2.0 */
/* Floating IPs: an address of an external network, and the port that it leads to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ipam.h"
#include "controller/mem.h"
#include "controller/nb.h"

static bool given(uint64_t rows, const char *attr)
{
	return nb_given(&resources[WORLD_FLOATINGIP], rows, attr);
}

/* ---- the way inside ---- */

static const struct fixed_ip *port_address(const struct port *p, const struct ip_addr *ip)
{
	for (size_t i = 0; i < p->a.n_fixed_ips; i++)
		if (!ip_cmp(&p->a.fixed_ips[i].ip_address, ip))
			return &p->a.fixed_ips[i];
	return NULL;
}

/* Where several routers lead, the one that is the subnet's own gateway goes first. */
struct router *nb_floatingip_router(const struct world *w, const struct port *p,
				    const struct ip_addr *fixed, const struct net *external)
{
	const struct fixed_ip *f = port_address(p, fixed);
	const struct subnet *s = f ? world_subnet_find(w, f->subnet_id) : NULL;
	struct router *found = NULL;

	if (!s)
		return NULL;
	for (NET_EACH_ROUTER_PORT(i, p->net)) {
		const struct port *gateway = router_gateway(i->router);

		if (!port_is_interface(i) || !gateway || gateway->net != external)
			continue;
		for (size_t k = 0; k < i->a.n_fixed_ips; k++) {
			if (strcmp(i->a.fixed_ips[k].subnet_id, s->a.id))
				continue;
			if (!found || !ip_cmp(&i->a.fixed_ips[k].ip_address, &s->a.gateway_ip))
				found = i->router;
		}
	}
	return found;
}

/* The only IPv4 address of a port, when none is named. */
static int address_choose(const struct port *p, struct ip_addr *fixed, struct nb_error *e)
{
	size_t n = 0;
	char text[IP_TEXT];

	if (fixed->family) {
		if (fixed->family != 4)
			return nb_say(e, BadRequest, "%s is not an IPv4 address.",
				      ip_format(fixed, text));
		if (!port_address(p, fixed))
			return nb_say(e, BadRequest, "Port %s does not have the address %s.",
				      p->a.id, ip_format(fixed, text));
		return 0;
	}
	for (size_t i = 0; i < p->a.n_fixed_ips; i++)
		if (p->a.fixed_ips[i].ip_address.family == 4 && !n++)
			*fixed = p->a.fixed_ips[i].ip_address;
	if (n == 1)
		return 0;
	return nb_say(e, BadRequest,
		      n ? "Port %s has several IPv4 addresses: fixed_ip_address says which."
			: "Port %s has no IPv4 address.",
		      p->a.id);
}

static int port_is_free(const struct port *p, const struct floatingip *self,
			const struct floatingip_attrs *a, struct nb_error *e)
{
	char text[IP_TEXT], fixed[IP_TEXT];

	for (struct floatingip *f = p->floatingips; f; f = f->port_next)
		if (f != self && !strcmp(f->a.network_id, a->network_id) &&
		    !ip_cmp(&f->a.fixed_ip, &a->fixed_ip))
			return nb_refuse(e, FloatingIPPortAlreadyAssociated,
					 ip_format(&a->address, text), p->a.id,
					 ip_format(&a->fixed_ip, fixed), f->a.id);
	return 0;
}

/* Completes what 'a' leads to: fixed_ip and router follow from port_id. */
static int lead(struct nb_request *q, struct floatingip_attrs *a, const struct floatingip *self,
		struct nb_error *e)
{
	struct net *external = world_net_find(q->nb->world, a->network_id);
	struct router *r;
	struct port *p;

	a->router_id[0] = '\0';
	if (!a->port_id[0]) {
		if (a->fixed_ip.family)
			return nb_say(e, BadRequest,
				      "fixed_ip_address says which address of port_id it is.");
		return 0;
	}
	p = (struct port *)nb_find(q, &resources[WORLD_PORT], a->port_id, e);
	if (!p)
		return -1;
	if (!nb_owns(&q->who, p->a.tenant_id))
		return nb_say(e, BadRequest, "Port %s belongs to another project.", p->a.id);
	if (self && self->forwardings)
		return nb_refuse(e, FipInUseByPortForwarding, self->a.id);
	if (p->router || address_choose(p, &a->fixed_ip, e))
		return e->status ? -1
				 : nb_say(e, BadRequest, "Port %s is a router's own.", p->a.id);
	if (port_is_free(p, self, a, e))
		return -1;
	r = nb_floatingip_router(q->nb->world, p, &a->fixed_ip, external);
	if (!r)
		return nb_refuse(e, ExternalGatewayForFloatingIPNotFound,
				 port_address(p, &a->fixed_ip)->subnet_id, p->a.id, a->network_id);
	memcpy(a->router_id, r->a.id, UUID_TEXT);
	return 0;
}

/* ---- the address outside ---- */

static bool has_ipv4(const struct net *n)
{
	for (NET_EACH_SUBNET(s, n))
		if (s->a.ip_version == 4)
			return true;
	return false;
}

/* What the port outside is asked to have: the address given, or one of the subnet, or any IPv4. */
static size_t outer_wants(const struct net *n, const struct floatingip_attrs *a,
			  struct fixed_ip *ip)
{
	memset(ip, 0, sizeof(*ip));
	ip->ip_address = a->address;
	memcpy(ip->subnet_id, a->subnet_id, UUID_TEXT);
	if (a->address.family || a->subnet_id[0])
		return 1;
	for (NET_EACH_SUBNET(s, n)) {
		struct ip_addr free_one;

		if (s->a.ip_version != 4 || !nb_subnet_serves(s, "network:floatingip") ||
		    ipam_next(s, NULL, 0, &free_one))
			continue;
		ip->ip_address = free_one;
		memcpy(ip->subnet_id, s->a.id, UUID_TEXT);
		return 1;
	}
	return 0;
}

static int outer_add(struct nb_request *q, struct net *n, struct floatingip_attrs *a,
		     struct nb_error *e)
{
	struct fixed_ip ip;
	struct nb_port_spec spec = { .net = n,
				     .tenant_id = "",
				     .name = "",
				     .device_owner = "network:floatingip",
				     .device_id = a->id,
				     .fixed_ips = &ip };
	struct port *p;

	spec.n_fixed_ips = outer_wants(n, a, &ip);
	if (!spec.n_fixed_ips)
		return nb_refuse(e, ExternalIpAddressExhausted, n->a.id);
	p = nb_port_add(q, &spec, e);
	if (!p)
		return -1;
	a->address = p->a.fixed_ips[0].ip_address;
	memcpy(a->outer_id, p->a.id, UUID_TEXT);
	return 0;
}

/* ---- hooks ---- */

static int floatingip_create(struct nb_request *q, void *p, uint64_t rows, struct nb_error *e)
{
	struct floatingip_attrs *a = p;
	struct world_obj *o = nb_find(q, &resources[WORLD_NET], a->network_id, e);
	struct net *n = (struct net *)o;

	if (!o)
		return -1;
	if (!n->a.external)
		return nb_say(e, BadRequest, "Network %s is not a valid external network.",
			      n->a.id);
	if (!has_ipv4(n))
		return nb_say(e, BadRequest, "Network %s has no IPv4 subnet.", n->a.id);
	a->index = world_index_get(q->nb->world, WORLD_FLOATINGIP);
	if (a->index == NUM_NONE)
		return nb_say(e, ServiceUnavailable, "There are %d floating IPs already.",
			      INDEX_MAX);
	return lead(q, a, NULL, e) || outer_add(q, n, a, e) ? -1 : 0;
}

static int floatingip_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t rows,
			     struct nb_error *e)
{
	struct floatingip_attrs *a = p;

	if (!given(rows, "port_id")) {
		if (given(rows, "fixed_ip_address") && a->fixed_ip.family)
			return nb_say(e, BadRequest,
				      "fixed_ip_address is changed together with port_id.");
		return 0;
	}
	if (!given(rows, "fixed_ip_address"))
		a->fixed_ip = (struct ip_addr){ 0 };
	return lead(q, a, (struct floatingip *)o, e);
}

static int floatingip_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	struct floatingip *f = (struct floatingip *)o;

	while (f->forwardings)
		txn_del(q->txn, &f->forwardings->obj);
	if (f->outer)
		txn_del(q->txn, &f->outer->obj);
	return 0;
}

const struct nb_hooks nb_floatingip_hooks = {
	.create = floatingip_create,
	.update = floatingip_update,
	.remove = floatingip_remove,
};

/* ---- a port goes, or its addresses ---- */

static void leave(struct nb_request *q, struct floatingip *f)
{
	const struct resource *r = &resources[WORLD_FLOATINGIP];
	struct floatingip_attrs a;

	attrs_copy(&r->shape, &a, &f->a);
	a.port_id[0] = '\0';
	a.router_id[0] = '\0';
	a.fixed_ip = (struct ip_addr){ 0 };
	nb_obj_set(q, &f->obj, &a);
	attrs_fini(&r->shape, &a);
}

static bool keeps(const struct port_attrs *a, const struct ip_addr *ip)
{
	for (size_t i = 0; a && i < a->n_fixed_ips; i++)
		if (!ip_cmp(&a->fixed_ips[i].ip_address, ip))
			return true;
	return false;
}

/* Forwardings to an address go with it, as in Neutron. */
static void forwardings_follow(struct nb_request *q, struct port *p, const struct port_attrs *a)
{
	struct port_forwarding *d, *next_d;
	struct floatingip *next;

	for (NET_EACH_ROUTER_PORT(i, p->net))
		for (struct floatingip *f = i->router->floatingips; f; f = next) {
			next = f->router_next;
			for (d = f->forwardings; d; d = next_d) {
				next_d = d->next;
				if (d->port != p || keeps(a, &d->a.internal_ip))
					continue;
				nb_port_forwarding_leaves(q, d);
				txn_del(q->txn, &d->obj);
			}
		}
}

/* 'a': what the port will have; NULL: nothing. */
int nb_floatingips_follow(struct nb_request *q, struct port *p, const struct port_attrs *a,
			  struct nb_error *e)
{
	struct floatingip *next;

	forwardings_follow(q, p, a);
	for (struct floatingip *f = p->floatingips; f; f = next) {
		next = f->port_next;
		if (!keeps(a, &f->a.fixed_ip))
			leave(q, f);
	}
	return 0;
}

int nb_floatingips_leave(struct nb_request *q, struct port *p, struct nb_error *e)
{
	return nb_floatingips_follow(q, p, NULL, e);
}

/* ---- computed ---- */

json_t *nb_floatingip_status(const struct world_obj *o)
{
	return json_string(((const struct floatingip *)o)->router ? "ACTIVE" : "DOWN");
}

json_t *nb_floatingip_port(const struct world_obj *o)
{
	const struct port *p = ((const struct floatingip *)o)->port;
	char mac[MAC_TEXT];

	if (!p)
		return json_null();
	return json_pack("{s:s,s:s,s:s,s:b,s:s,s:s,s:o}", "name", p->a.name, "network_id",
			 p->a.network_id, "mac_address", mac_format(p->a.mac_address, mac),
			 "admin_state_up", (int)p->a.admin_state_up, "device_id", p->a.device_id,
			 "device_owner", p->a.device_owner, "status", nb_port_status(&p->obj));
}

json_t *nb_floatingip_forwardings(const struct world_obj *o)
{
	static const char *const shown[] = { "id",
					     "protocol",
					     "external_port",
					     "external_port_range",
					     "internal_port",
					     "internal_port_range",
					     "internal_port_id",
					     "internal_ip_address" };
	const struct shape *s = &resources[WORLD_PORT_FORWARDING].shape;
	json_t *out = json_array();

	for (struct port_forwarding *d = ((const struct floatingip *)o)->forwardings; d;
	     d = d->next) {
		json_t *one = json_object();

		for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
			json_object_set_new_nocheck(
				one, shown[i], nb_to_json(attr_find(s, shown[i]), &d->a, &d->obj));
		json_array_append_new(out, one);
	}
	return out;
}
