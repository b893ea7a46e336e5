/* SPDX-License-Identifier: Apache-2.0 */
/* Port forwardings: a port of a floating IP that leads to a port of an address inside. */
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
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

/* ---- ports ---- */

/* Flows that one forwarding may be, when each port has its own. */
enum { SHIFTED_MAX = 1024 };

/* One side of a forwarding: what it had, what is said of it, what it has then. */
struct side {
	const char *port_name, *range_name;
	uint32_t *port;
	char **range;
	bool port_given, range_given; /* and not as null, which says nothing */
	const struct port_span *was;  /* NULL: it is a new one */
	struct port_span span;
};

static int side_read(struct side *s, struct nb_error *e)
{
	char text[PORT_SPAN_TEXT];

	if (s->range_given && port_span_parse(*s->range, &s->span))
		return nb_fail_attr(e, s->range_name,
				    "'%.64s' is not PORT or MIN:MAX, of 1 to 65535, the lower "
				    "end first",
				    *s->range);
	if (s->port_given && s->range_given)
		return nb_say(e, BadRequest, "%s and %s are not given together.", s->port_name,
			      s->range_name);
	if (s->port_given)
		s->span = (struct port_span){ (uint16_t)*s->port, (uint16_t)*s->port };
	else if (!s->range_given && s->was)
		s->span = *s->was;
	else if (!s->range_given)
		return nb_say(e, HTTPBadRequest,
			      "Failed to parse request. Neither '%s' nor '%s' is specified.",
			      s->port_name, s->range_name);
	*s->port = s->span.min == s->span.max ? s->span.min : NUM_NONE;
	free(*s->range);
	*s->range = mem_str(port_span_format(&s->span, text));
	return 0;
}

/* As many inside as outside, or one. */
static int relation_check(const struct port_span *out, const struct port_span *in,
			  struct nb_error *e)
{
	uint32_t n = port_span_size(out), m = port_span_size(in);

	if (m > 1 && n != m)
		return nb_say(e, BadRequest,
			      "%u external ports do not lead to %u internal ones: to as many, or "
			      "to one.",
			      n, m);
	if (m > SHIFTED_MAX && out->min != in->min)
		return nb_say(e, BadRequest,
			      "%u ports lead to as many others; at most %d may, unless they stay "
			      "the same.",
			      n, SHIFTED_MAX);
	return 0;
}

static int ports_read(const struct port_forwarding *self, struct port_forwarding_attrs *a,
		      uint64_t rows, struct port_span *out, struct port_span *in,
		      struct nb_error *e)
{
	const struct resource *r = &resources[WORLD_PORT_FORWARDING];
	struct side sides[] = { { .port_name = "external_port",
				  .range_name = "external_port_range",
				  .port = &a->external_port,
				  .range = &a->external_port_range,
				  .was = self ? &self->external : NULL },
				{ .port_name = "internal_port",
				  .range_name = "internal_port_range",
				  .port = &a->internal_port,
				  .range = &a->internal_port_range,
				  .was = self ? &self->internal : NULL } };

	for (int i = 0; i < 2; i++) {
		struct side *s = &sides[i];

		s->port_given = nb_given(r, rows, s->port_name) && *s->port != NUM_NONE;
		s->range_given = nb_given(r, rows, s->range_name) && *s->range;
		if (side_read(s, e))
			return -1;
	}
	*out = sides[0].span;
	*in = sides[1].span;
	return relation_check(out, in, e);
}

/* ---- twice ---- */

static int collides(struct nb_error *e, const char *what, const struct port_span *span,
		    const struct port_forwarding *d, const struct port_span *theirs)
{
	char a[PORT_SPAN_TEXT], b[PORT_SPAN_TEXT];

	return nb_say(e, BadRequest,
		      "There is a port collision with the %s: %s is not free beside %s of %s.",
		      what, port_span_format(span, a), port_span_format(theirs, b), d->a.id);
}

/* A place is led to once, by whichever floating IP. */
static int inside_twice_check(const struct port *p, const struct port_forwarding *self,
			      const struct port_forwarding_attrs *a, const struct port_span *in,
			      struct nb_error *e)
{
	for (NET_EACH_ROUTER_PORT(i, p->net))
		for (struct floatingip *f = i->router->floatingips; f; f = f->router_next)
			for (struct port_forwarding *d = f->forwardings; d; d = d->next)
				if (d != self && d->port == p && d->a.protocol == a->protocol &&
				    !ip_cmp(&d->a.internal_ip, &a->internal_ip) &&
				    port_span_overlaps(&d->internal, in))
					return collides(e, "internal_port_range", in, d,
							&d->internal);
	return 0;
}

/* A protocol's port outside leads to one place. */
static int outside_twice_check(const struct floatingip *f, const struct port_forwarding *self,
			       const struct port_forwarding_attrs *a, const struct port_span *out,
			       struct nb_error *e)
{
	for (const struct port_forwarding *d = f->forwardings; d; d = d->next)
		if (d != self && d->a.protocol == a->protocol &&
		    port_span_overlaps(&d->external, out))
			return collides(e, "external_port_range", out, d, &d->external);
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
		 struct port_forwarding_attrs *a, uint64_t rows, struct nb_error *e)
{
	struct floatingip *f = (struct floatingip *)q->parent;
	struct port_span out, in;
	struct port *p = NULL;

	if (f->port)
		return nb_say(e, BadRequest, "Floating IP %s leads to port %s already.", f->a.id,
			      f->port->a.id);
	if (a->protocol == FORWARD_NONE)
		return nb_fail_attr(e, "protocol", "it cannot be null");
	return ports_read(self, a, rows, &out, &in, e) || inside_check(q, a, &p, e) ||
			       bound_check(f, p, a, e) ||
			       outside_twice_check(f, self, a, &out, e) ||
			       inside_twice_check(p, self, a, &in, e) || router_check(q, f, p, a, e)
		       ? -1
		       : 0;
}

/* ---- hooks ---- */

static int forwarding_create(struct nb_request *q, void *p, uint64_t rows, struct nb_error *e)
{
	return judge(q, NULL, p, rows, e);
}

static int forwarding_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t rows,
			     struct nb_error *e)
{
	const struct resource *r = &resources[WORLD_PORT_FORWARDING];
	struct port_forwarding_attrs *a = p;

	/* Another port has other addresses. */
	if (nb_given(r, rows, "internal_port_id") && !nb_given(r, rows, "internal_ip_address"))
		a->internal_ip = (struct ip_addr){ 0 };
	return judge(q, (struct port_forwarding *)o, a, rows, e);
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
