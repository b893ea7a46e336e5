/* SPDX-License-Identifier: Apache-2.0 */
/* Port forwardings: a port of a floating IP that leads to a port of an address inside. */
#include <string.h>

#include "controller/nb.h"

/* ---- rules ---- */

static const struct ip_addr *only_ipv4(const struct port *p)
{
	const struct ip_addr *found = NULL;

	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		if (p->a.fixed_ips[i].ip_address.family != 4)
			continue;
		if (found)
			return NULL;
		found = &p->a.fixed_ips[i].ip_address;
	}
	return found;
}

static int inside_check(struct nb_request *q, struct port_forwarding_attrs *a, struct port **out,
			struct nb_error *e)
{
	struct port *p = (struct port *)nb_find(q, &resources[WORLD_PORT], a->internal_port_id, e);
	char text[IP_TEXT];
	bool has = false;

	if (!p)
		return -1;
	if (!a->internal_ip.family) {
		const struct ip_addr *ip = only_ipv4(p);

		if (!ip)
			return nb_say(e, BadRequest,
				      "internal_ip_address says which address of port %s it is.",
				      p->a.id);
		a->internal_ip = *ip;
	}
	for (size_t i = 0; i < p->a.n_fixed_ips; i++)
		has = has || !ip_cmp(&p->a.fixed_ips[i].ip_address, &a->internal_ip);
	if (!has || a->internal_ip.family != 4)
		return nb_say(e, BadRequest, "Port %s does not have the IPv4 address %s.", p->a.id,
			      ip_format(&a->internal_ip, text));
	*out = p;
	return 0;
}

/* An address that a floating IP leads to goes out by that one: replies would bear its address. */
static int bound_check(const struct floatingip *f, const struct port *p,
		       const struct port_forwarding_attrs *a, struct nb_error *e)
{
	char outer[IP_TEXT], inner[IP_TEXT], other[IP_TEXT];

	for (const struct floatingip *g = p->floatingips; g; g = g->port_next)
		if (!ip_cmp(&g->a.fixed_ip, &a->internal_ip))
			return nb_refuse(e, PortHasBindingFloatingIP,
					 ip_format(&f->a.address, outer), p->a.id,
					 ip_format(&a->internal_ip, inner),
					 ip_format(&g->a.address, other));
	return 0;
}

/* One protocol and external port leads to one place, and one place is led to once. */
static int twice_check(const struct floatingip *f, const struct port_forwarding *self,
		       const struct port_forwarding_attrs *a, struct nb_error *e)
{
	for (const struct port_forwarding *d = f->forwardings; d; d = d->next) {
		if (d == self || d->a.protocol != a->protocol)
			continue;
		if (d->a.external_port == a->external_port)
			return nb_say(e, BadRequest,
				      "External port %u of the protocol is forwarded already, by "
				      "%s.",
				      a->external_port, d->a.id);
		if (d->a.internal_port == a->internal_port &&
		    !strcmp(d->a.internal_port_id, a->internal_port_id) &&
		    !ip_cmp(&d->a.internal_ip, &a->internal_ip))
			return nb_say(e, BadRequest, "%s leads to that address and port already.",
				      d->a.id);
	}
	return 0;
}

/* The floating IP belongs to the router that leads to the first one's port, and stays with it. */
static int router_check(struct nb_request *q, struct floatingip *f, const struct port *p,
			const struct port_forwarding_attrs *a, struct nb_error *e)
{
	const struct resource *kind = &resources[WORLD_FLOATINGIP];
	struct router *r = nb_floatingip_router(q->nb->world, p, &a->internal_ip, f->net);
	struct floatingip_attrs fa;

	if (!r)
		return nb_refuse(e, ExternalGatewayForFloatingIPNotFound,
				 p->a.n_fixed_ips ? p->a.fixed_ips[0].subnet_id : "", p->a.id,
				 f->a.network_id);
	if (f->router == r)
		return 0;
	if (f->router)
		return nb_say(e, BadRequest,
			      "Floating IP %s belongs to router %s, which does not lead to port "
			      "%s.",
			      f->a.id, f->router->a.id, p->a.id);
	attrs_copy(&kind->shape, &fa, &f->a);
	memcpy(fa.router_id, r->a.id, UUID_TEXT);
	nb_obj_set(q, &f->obj, &fa);
	attrs_fini(&kind->shape, &fa);
	return 0;
}

static int judge(struct nb_request *q, const struct port_forwarding *self,
		 struct port_forwarding_attrs *a, struct nb_error *e)
{
	struct floatingip *f = (struct floatingip *)q->parent;
	struct port *p = NULL;

	if (f->port)
		return nb_say(e, BadRequest, "Floating IP %s leads to port %s already.", f->a.id,
			      f->port->a.id);
	if (a->protocol == FORWARD_NONE)
		return nb_fail_attr(e, "protocol", "it cannot be null");
	return inside_check(q, a, &p, e) || bound_check(f, p, a, e) || twice_check(f, self, a, e) ||
			       router_check(q, f, p, a, e)
		       ? -1
		       : 0;
}

/* ---- hooks ---- */

static int forwarding_create(struct nb_request *q, void *p, uint64_t rows, struct nb_error *e)
{
	return judge(q, NULL, p, e);
}

static int forwarding_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t rows,
			     struct nb_error *e)
{
	const struct resource *r = &resources[WORLD_PORT_FORWARDING];
	struct port_forwarding_attrs *a = p;

	/* Another port has other addresses. */
	if (nb_given(r, rows, "internal_port_id") && !nb_given(r, rows, "internal_ip_address"))
		a->internal_ip = (struct ip_addr){ 0 };
	return judge(q, (struct port_forwarding *)o, a, e);
}

/* The last one leaves the floating IP without a router. */
void nb_port_forwarding_leaves(struct nb_request *q, struct port_forwarding *d)
{
	const struct resource *kind = &resources[WORLD_FLOATINGIP];
	struct floatingip *f = d->floatingip;
	struct floatingip_attrs a;

	if (f->forwardings->next)
		return;
	attrs_copy(&kind->shape, &a, &f->a);
	a.router_id[0] = '\0';
	nb_obj_set(q, &f->obj, &a);
	attrs_fini(&kind->shape, &a);
}

static int forwarding_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	nb_port_forwarding_leaves(q, (struct port_forwarding *)o);
	return 0;
}

const struct nb_hooks nb_port_forwarding_hooks = {
	.create = forwarding_create,
	.update = forwarding_update,
	.remove = forwarding_remove,
};
