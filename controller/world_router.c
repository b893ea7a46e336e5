/* SPDX-License-Identifier: Apache-2.0 */
/* Routers, floating IPs and port forwardings: what belongs to which. */
#include <string.h>
#include <utlist.h>

#include "controller/world_priv.h"

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
	if (!port_is_interface(p) && !port_is_gateway(p))
		return;
	p->router = (struct router *)world_obj_find(w, WORLD_ROUTER, p->a.device_id);
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
	p->router = NULL;
}

const struct world_ops world_router_ops = {
	.size = sizeof(struct router),
	.index_max = ROUTER_MAX,
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
	f->port = NULL;
	f->router = NULL;
}

/* Both routers, the former and the new one, hear of it: they do it. */
static void floatingip_settle(struct world *w, struct world_obj *o, uint32_t what)
{
	struct floatingip *f = (struct floatingip *)o;

	if (f->router)
		world_mark_dirty(w, &f->router->obj, WORLD_ATTRS);
}

const struct world_ops world_floatingip_ops = {
	.size = sizeof(struct floatingip),
	.derive = floatingip_derive,
	.underive = floatingip_underive,
	.settle = floatingip_settle,
};

/* ---- port forwardings ---- */

static void forwarding_derive(struct world *w, struct world_obj *o)
{
	struct port_forwarding *f = (struct port_forwarding *)o;

	f->port = world_port_find(w, f->a.internal_port_id);
	f->floatingip =
		(struct floatingip *)world_obj_find(w, WORLD_FLOATINGIP, f->a.floatingip_id);
	DL_APPEND(f->floatingip->forwardings, f);
}

static void forwarding_underive(struct world *w, struct world_obj *o)
{
	struct port_forwarding *f = (struct port_forwarding *)o;

	DL_DELETE(f->floatingip->forwardings, f);
	f->port = NULL;
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
