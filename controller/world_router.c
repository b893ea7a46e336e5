/* SPDX-License-Identifier: Apache-2.0 */
/* Routers, floating IPs and port forwardings: what belongs to which. */
#include <string.h>
#include <utlist.h>

#include "controller/mem.h"
#include "controller/world_priv.h"
#include "vxlan/vni.h"

/* ---- routers ---- */

bool port_is_interface(const struct port *p)
{
	return !strncmp(p->a.device_owner, "network:router_interface", 24);
}

bool port_is_gateway(const struct port *p)
{
	return !strcmp(p->a.device_owner, "network:router_gateway");
}

struct port *router_gateway(const struct router *r)
{
	for (ROUTER_EACH_PORT(p, r))
		if (port_is_gateway(p))
			return p;
	return NULL;
}

void router_port_link(struct world *w, struct port *p)
{
	p->router = port_is_interface(p) || port_is_gateway(p)
			    ? (struct router *)world_obj_find(w, WORLD_ROUTER, p->a.device_id)
			    : NULL;
	if (!p->router)
		return;
	DL_APPEND2(p->router->ports, p, router_prev, router_next);
	DL_APPEND2(p->net->router_ports, p, net_router_prev, net_router_next);
}

void router_port_unlink(struct world *w, struct port *p)
{
	if (!p->router)
		return;
	DL_DELETE2(p->router->ports, p, router_prev, router_next);
	DL_DELETE2(p->net->router_ports, p, net_router_prev, net_router_next);
}

static void router_derive(struct world *w, struct world_obj *o)
{
	const struct router *r = (struct router *)o;

	if (r->a.transit != NUM_NONE)
		vni_take(w->vnis, r->a.transit);
}

static void router_underive(struct world *w, struct world_obj *o)
{
	const struct router *r = (struct router *)o;

	if (r->a.transit != NUM_NONE)
		vni_give(w->vnis, r->a.transit);
}

/* Highest random weight: when a switch goes, only its routers move. */
static uint64_t weight(const struct router *r, const struct sw *sw)
{
	uint64_t h = sw->dpid * 0x9e3779b97f4a7c15u ^ r->a.index;

	h = (h ^ h >> 31) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 29) * 0x94d049bb133111ebu;
	return h ^ h >> 32;
}

bool port_is_anchored(const struct port *p)
{
	return p->router && (port_is_gateway(p) || p->net->a.type != NET_VXLAN);
}

struct sw *world_anchor_choice(const struct world *w, const struct port *p)
{
	struct sw *found = NULL;

	if (!port_is_anchored(p))
		return NULL;
	for (WORLD_EACH(sw, w->sws)) {
		if (!sw_is_alive(sw) ||
		    (p->net->a.type != NET_VXLAN &&
		     (!p->net->a.physnet || !sw_port_by_physnet(sw, p->net->a.physnet))))
			continue;
		if (!found || weight(p->router, sw) > weight(p->router, found))
			found = sw;
	}
	return found;
}

struct sw *world_anchor(const struct world *w, const struct port *p)
{
	if (!w->settling)
		return world_anchor_choice(w, p);
	return p->was && port_is_anchored(p) ? world_switch_find(w, p->was) : NULL;
}

struct sw *world_gateway_switch(const struct world *w, const struct router *r)
{
	const struct port *p = router_gateway(r);

	return p ? world_anchor(w, p) : NULL;
}

struct sw *world_floatingip_switch(const struct world *w, const struct floatingip *f)
{
	struct sw *own = f->port ? f->port->place.sw : NULL;

	/* Answers come from whoever has the address: by the gateway's host. */
	if (own && !port_ip_is_shared(w, f->port, &f->a.fixed_ip) && f->net->a.type != NET_VXLAN &&
	    f->net->a.physnet && sw_port_by_physnet(own, f->net->a.physnet))
		return own;
	return f->router ? world_gateway_switch(w, f->router) : NULL;
}

const struct world_ops world_router_ops = {
	.size = sizeof(struct router),
	.index_max = ROUTER_MAX,
	.derive = router_derive,
	.underive = router_underive,
};

/* ---- floating IPs ---- */

static void floatingip_derive(struct world *w, struct world_obj *o)
{
	struct floatingip *f = (struct floatingip *)o;

	f->net = world_net_find(w, f->a.network_id);
	f->outer = world_port_find(w, f->a.outer_id);
	f->port = f->a.port_id[0] ? world_port_find(w, f->a.port_id) : NULL;
	f->router = (struct router *)world_obj_find(w, WORLD_ROUTER, f->a.router_id);
	if (f->port)
		DL_APPEND2(f->port->floatingips, f, port_prev, port_next);
	if (f->router)
		DL_APPEND2(f->router->floatingips, f, router_prev, router_next);
}

static void floatingip_underive(struct world *w, struct world_obj *o)
{
	struct floatingip *f = (struct floatingip *)o;

	if (f->port)
		DL_DELETE2(f->port->floatingips, f, port_prev, port_next);
	if (f->router)
		DL_DELETE2(f->router->floatingips, f, router_prev, router_next);
}

const struct world_ops world_floatingip_ops = {
	.size = sizeof(struct floatingip),
	.derive = floatingip_derive,
	.underive = floatingip_underive,
};

/* ---- port forwardings ---- */

/* Records from before there were ranges have one port. */
static void span_derive(uint32_t port, char **range, struct port_span *out)
{
	char text[PORT_SPAN_TEXT];

	*out = (struct port_span){ (uint16_t)port, (uint16_t)port };
	if (*range)
		port_span_parse(*range, out);
	else
		*range = mem_str(port_span_format(out, text));
}

static void forwarding_derive(struct world *w, struct world_obj *o)
{
	struct port_forwarding *f = (struct port_forwarding *)o;

	span_derive(f->a.external_port, &f->a.external_port_range, &f->external);
	span_derive(f->a.internal_port, &f->a.internal_port_range, &f->internal);
	f->port = world_port_find(w, f->a.internal_port_id);
	f->floatingip =
		(struct floatingip *)world_obj_find(w, WORLD_FLOATINGIP, f->a.floatingip_id);
	DL_APPEND(f->floatingip->forwardings, f);
}

static void forwarding_underive(struct world *w, struct world_obj *o)
{
	struct port_forwarding *f = (struct port_forwarding *)o;

	DL_DELETE(f->floatingip->forwardings, f);
}

static void forwarding_settle(struct world *w, struct world_obj *o, uint32_t what)
{
	world_mark_dirty(w, &((struct port_forwarding *)o)->floatingip->obj, WORLD_ATTRS);
}

const struct world_ops world_port_forwarding_ops = {
	.size = sizeof(struct port_forwarding),
	.derive = forwarding_derive,
	.underive = forwarding_underive,
	.settle = forwarding_settle,
};
