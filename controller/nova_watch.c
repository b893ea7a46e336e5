/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which changes Nova is told of, as Neutron has it: ports of VMs (device_owner "compute:...", or
 * "baremetal:...", and a server's UUID as device_id).
 *
 * What Nova knows of a port is kept here, not in the world.  A controller that starts knows
 * nothing: it says of each port once that it is plugged in, as somebody may have begun to wait
 * meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb.h"
#include "controller/nova_priv.h"

struct seen_port {
	char id[UUID_TEXT], server[UUID_TEXT];
	uint64_t addresses; /* a hash of them */
	uint64_t dpid;	    /* where it is plugged in */
	bool active;
	UT_hash_handle hh;
};

struct seen_fip {
	char id[UUID_TEXT], port[UUID_TEXT];
	UT_hash_handle hh;
};

/* ---- ports ---- */

static bool is_vm(const struct port *p)
{
	return (!strncmp(p->a.device_owner, "compute:", 8) ||
		!strncmp(p->a.device_owner, "baremetal:", 10)) &&
	       nb_is_uuid(p->a.device_id);
}

static uint64_t hash(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3u; /* FNV-1a */
	return h;
}

/* Floating IPs have no order. */
static uint64_t addresses_of(const struct port *p)
{
	uint64_t h = hash(0xcbf29ce484222325u, p->a.mac_address, 6);

	for (size_t i = 0; i < p->a.n_fixed_ips; i++)
		h = hash(h, p->a.fixed_ips[i].ip_address.b, ip_size(&p->a.fixed_ips[i].ip_address));
	for (const struct floatingip *f = p->floatingips; f; f = f->port_next)
		h += hash(hash(1, f->a.address.b, ip_size(&f->a.address)), f->a.fixed_ip.b,
			  ip_size(&f->a.fixed_ip));
	return h;
}

static void port_forget(struct nova_watch *x, struct seen_port *s)
{
	if (!s)
		return;
	HASH_DEL(x->ports, s);
	free(s);
}

static struct seen_port *port_find(const struct nova_watch *x, const char *id)
{
	struct seen_port *s;

	HASH_FIND_STR(x->ports, id, s);
	return s;
}

/* A port that is given to another server is new to that. */
static struct seen_port *port_get(struct nova_watch *x, const struct port *p)
{
	struct seen_port *s = port_find(x, p->a.id);

	if (s && strcmp(s->server, p->a.device_id)) {
		port_forget(x, s);
		s = NULL;
	}
	if (!s) {
		s = mem_get(sizeof(*s));
		strcpy(s->id, p->a.id);
		strcpy(s->server, p->a.device_id);
		s->addresses = addresses_of(p);
		HASH_ADD_STR(x->ports, id, s);
	}
	return s;
}

static void port_look(struct nova_watch *x, const struct port *p)
{
	const bool active = port_is_active(p);
	const uint64_t dpid = active ? p->place.sw->dpid : 0, addresses = addresses_of(p);
	struct seen_port *s;

	if (!is_vm(p)) {
		port_forget(x, port_find(x, p->a.id));
		return;
	}
	s = port_get(x, p);
	if (s->addresses != addresses)
		nova_tell(x->nova, NOVA_CHANGED, s->server, s->id);
	if (active && (!s->active || s->dpid != dpid))
		nova_tell(x->nova, NOVA_PLUGGED, s->server, s->id);
	else if (!active && s->active)
		nova_tell(x->nova, NOVA_UNPLUGGED, s->server, s->id);
	s->addresses = addresses;
	s->active = active;
	s->dpid = dpid;
}

static void port_changed(struct nova_watch *x, const struct port *p, uint32_t what)
{
	if (!(what & WORLD_DELETED)) {
		port_look(x, p);
		return;
	}
	port_forget(x, port_find(x, p->a.id));
	if (is_vm(p))
		nova_tell(x->nova, NOVA_DELETED, p->a.device_id, p->a.id);
}

/* ---- floating IPs ---- */

/* The port that it led to, and the one that it leads to. */
static void fip_changed(struct nova_watch *x, const struct floatingip *f, uint32_t what)
{
	const bool leads = f->port && !(what & WORLD_DELETED);
	const struct port *old;
	struct seen_fip *s;

	HASH_FIND_STR(x->fips, f->a.id, s);
	if (!s && !leads)
		return;
	old = s ? world_port_find(x->world, s->port) : NULL;
	if (!s) {
		s = mem_get(sizeof(*s));
		strcpy(s->id, f->a.id);
		HASH_ADD_STR(x->fips, id, s);
	}
	if (leads) {
		strcpy(s->port, f->port->a.id);
	} else {
		HASH_DEL(x->fips, s);
		free(s);
	}
	if (old)
		port_look(x, old);
	if (leads && f->port != old)
		port_look(x, f->port);
}

/* ---- listening ---- */

static void on_changed(struct world *w, const struct world_obj *o, uint32_t what, void *arg)
{
	struct nova_watch *x = arg;

	switch (o->kind) {
	case WORLD_PORT:
		port_changed(x, (const struct port *)o, what);
		break;
	case WORLD_FLOATINGIP:
		fip_changed(x, (const struct floatingip *)o, what);
		break;
	case WORLD_NET: /* its admin_state_up is its ports' */
		if (!(what & WORLD_DELETED) && what & WORLD_ATTRS)
			for (NET_EACH_PORT(p, (const struct net *)o))
				port_look(x, p);
		break;
	case WORLD_SWITCH:
		if (!(what & WORLD_DELETED) && what & WORLD_ALIVE)
			for (WORLD_EACH(sp, ((const struct sw *)o)->ports))
				if (sp->port)
					port_look(x, sp->port);
		break;
	default:
		break;
	}
}

static void on_told(struct world *w, void *arg)
{
	nova_flush(((struct nova_watch *)arg)->nova);
}

void nova_watch_init(struct nova_watch *x, struct nova *n, struct world *w)
{
	x->nova = n;
	x->world = w;
	for (WORLD_ALL(port, PORT, p, w))
		port_look(x, p);
	for (WORLD_ALL(floatingip, FLOATINGIP, f, w))
		fip_changed(x, f, WORLD_ADDED);
	x->listener = (struct world_listener){ .changed = on_changed, .told = on_told, .arg = x };
	world_listen(w, &x->listener);
}

void nova_watch_fini(struct nova_watch *x)
{
	struct seen_fip *f, *next;

	world_unlisten(x->world, &x->listener);
	while (x->ports)
		port_forget(x, x->ports);
	HASH_ITER (hh, x->fips, f, next) {
		HASH_DEL(x->fips, f);
		free(f);
	}
}
