/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/world.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "controller/mem.h"
#include "controller/world_priv.h"
#include "vlan/vid.h"
#include "vxlan/vni.h"

/* ---- life ---- */

static double wall_clock(void *arg)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct world *world_new(double (*now)(void *arg), void *now_arg)
{
	struct world *w = mem_get(sizeof(*w));

	w->now = now ? now : wall_clock;
	w->now_arg = now_arg;
	w->vnis = vni_pool_new();
	w->vids = vid_pools_new();
	if (!w->vnis || !w->vids) {
		world_free(w);
		return NULL;
	}
	return w;
}

void world_free(struct world *w)
{
	struct world_obj *o, *next;
	struct sw *sw, *sw_next;

	if (!w)
		return;
	w->listeners = NULL;
	world_tell(w); /* frees what was deleted */
	/* What refers goes before what it refers to. */
	for (int kind = N_RESOURCES - 1; kind >= 0; kind--)
		HASH_ITER (hh, w->objs[kind], o, next) {
			world_obj_unlink(w, o);
			world_obj_free(w, o);
		}
	world_tell(w); /* nobody: addresses of security groups go */
	HASH_ITER (hh, w->sws, sw, sw_next) {
		sw_free(w, sw);
	}
	vni_pool_free(w->vnis);
	vid_pools_free(w->vids);
	free(w);
}

/* ---- look-up ---- */

struct net *world_net_find(const struct world *w, const char *id)
{
	return (struct net *)world_obj_find(w, WORLD_NET, id);
}

struct net *world_net_by_index(const struct world *w, uint32_t index)
{
	return (struct net *)world_obj_by_index(w, WORLD_NET, index);
}

struct subnet *world_subnet_find(const struct world *w, const char *id)
{
	return (struct subnet *)world_obj_find(w, WORLD_SUBNET, id);
}

struct port *world_port_find(const struct world *w, const char *id)
{
	return (struct port *)world_obj_find(w, WORLD_PORT, id);
}

struct port *world_port_by_index(const struct world *w, uint32_t index)
{
	return (struct port *)world_obj_by_index(w, WORLD_PORT, index);
}

struct router *world_router_by_index(const struct world *w, uint32_t index)
{
	return (struct router *)world_obj_by_index(w, WORLD_ROUTER, index);
}

struct floatingip *world_floatingip_by_index(const struct world *w, uint32_t index)
{
	return (struct floatingip *)world_obj_by_index(w, WORLD_FLOATINGIP, index);
}

struct port *world_port_by_mac(const struct world *w, const struct net *net, const uint8_t mac[6])
{
	__typeof__(((struct port *)0)->mac_key) key = { .net = net->a.index };
	struct port *p;

	memcpy(key.mac, mac, 6);
	HASH_FIND(hh_mac, w->ports_by_mac, &key, sizeof(key), p);
	return p;
}

struct host *world_host_find(const struct world *w, const char *id)
{
	struct host *h;

	HASH_FIND_STR(w->hosts, id, h);
	return h;
}

struct sw *world_switch_find(const struct world *w, uint64_t dpid)
{
	struct sw *sw;

	HASH_FIND(hh, w->sws, &dpid, sizeof(dpid), sw);
	return sw;
}

struct sw_port *sw_port_find(const struct sw *sw, uint32_t ofport)
{
	struct sw_port *sp;

	HASH_FIND(hh, sw->ports, &ofport, sizeof(ofport), sp);
	return sp;
}

struct sw_port *sw_port_by_iface(const struct sw *sw, const char *iface_id)
{
	struct sw_port *sp;

	HASH_FIND(hh_iface, sw->ifaces, iface_id, strlen(iface_id), sp);
	return sp;
}

struct sw_port *sw_port_by_physnet(const struct sw *sw, const char *physnet)
{
	struct sw_port *found = NULL;

	/* The lowest port number, so that the answer does not hang on the order of discovery. */
	for (struct sw_port *sp = sw->uplinks; sp; sp = sp->up_next)
		if (!strcmp(sp->physnet, physnet) && (!found || sp->ofport < found->ofport))
			found = sp;
	return found;
}

bool port_is_active(const struct port *p)
{
	return p->place.sp && sw_is_alive(p->place.sw) && p->place.sp->link_up &&
	       p->a.admin_state_up && p->net->a.admin_state_up;
}

static const struct next_host *next_on(const struct port *p, const struct host *h)
{
	for (size_t i = 0; i < p->a.n_bindings; i++)
		if (p->nexts[i].host == h)
			return &p->nexts[i];
	return NULL;
}

const char *port_spec(const struct port *p, const struct host *h)
{
	const struct next_host *n = p->host == h ? NULL : next_on(p, h);

	return p->host == h ? p->spec : n ? n->spec : NULL;
}

const struct port *world_wants(const struct sw *sw, const struct port *after)
{
	const struct next_host *n = sw->host->nexts;
	const struct port *p = sw->host->ports;

	if (!sw->up)
		return NULL;
	if (!after)
		for (HOST_EACH_SWITCH(other, sw->host))
			if (other->up && other->dpid < sw->dpid)
				return NULL;
	if (after && after->host == sw->host) {
		p = after->host_next;
	} else if (after) {
		p = NULL;
		n = next_on(after, sw->host)->next;
	}
	while (p && !p->spec)
		p = p->host_next;
	if (p)
		return p;
	while (n && !n->spec)
		n = n->next;
	return n ? n->port : NULL;
}

/* ---- hosts ---- */

struct host *host_get(struct world *w, const char *id)
{
	struct host *h = world_host_find(w, id);

	if (!h) {
		h = mem_get(sizeof(*h));
		h->id = mem_str(id);
		HASH_ADD_KEYPTR(hh, w->hosts, h->id, strlen(h->id), h);
	}
	return h;
}

void host_drop(struct world *w, struct host *h)
{
	if (!h || h->sws || h->ports || h->nexts)
		return;
	HASH_DEL(w->hosts, h);
	free(h->id);
	free(h);
}

void host_mark(struct world *w, const struct host *h, uint32_t what)
{
	if (h)
		for (HOST_EACH_SWITCH(sw, h))
			world_mark_dirty(w, &sw->obj, what);
}

/* ---- listeners ---- */

void world_listen(struct world *w, struct world_listener *l)
{
	LL_APPEND(w->listeners, l);
}

void world_unlisten(struct world *w, struct world_listener *l)
{
	LL_DELETE(w->listeners, l);
}

void world_mark_dirty(struct world *w, struct world_obj *o, uint32_t what)
{
	if (!o->what && what)
		DL_APPEND(w->marked, o);
	o->what |= what;
}

/* A listener may mark more; that is told in the next round. */
void world_tell(struct world *w)
{
	struct world_obj *gone = NULL, *o, *next;
	struct world_listener *l;

	if (w->telling)
		return;
	w->telling = true;
	while (w->marked) {
		while ((o = w->marked)) {
			uint32_t what = o->what;

			DL_DELETE(w->marked, o);
			o->what = 0;
			LL_FOREACH (w->listeners, l) {
				if (l->changed)
					l->changed(w, o, what, l->arg);
			}
			if (what & WORLD_MACS)
				macs_told((struct sw *)o);
			if (what & WORLD_DELETED)
				LL_PREPEND(gone, o);
		}
		LL_FOREACH (w->listeners, l) {
			if (l->told)
				l->told(w, l->arg);
		}
	}
	LL_FOREACH_SAFE (gone, o, next) {
		world_obj_free(w, o);
	}
	w->telling = false;
}
