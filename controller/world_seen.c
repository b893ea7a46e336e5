/* SPDX-License-Identifier: Apache-2.0 */
/* Observations: switches, their ports, what is learned behind them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "controller/mem.h"
#include "controller/world_priv.h"

static void text_set(char **at, const char *s)
{
	char *copy = mem_str(s);

	free(*at);
	*at = copy;
}

/* ---- switches ---- */

static struct sw *sw_new(struct world *w, uint64_t dpid)
{
	struct sw *sw = mem_get(sizeof(*sw));

	sw->obj.kind = WORLD_SWITCH;
	sw->dpid = dpid;
	HASH_ADD(hh, w->sws, dpid, sizeof(dpid), sw);
	world_mark_dirty(w, &sw->obj, WORLD_ADDED);
	return sw;
}

static void sw_set_host(struct world *w, struct sw *sw, const char *host_id)
{
	struct host *old = sw->host;

	if (old && !strcmp(old->id, host_id))
		return;
	if (old)
		DL_DELETE2(old->sws, sw, host_prev, host_next);
	sw->host = host_get(w, host_id);
	DL_APPEND2(sw->host->sws, sw, host_prev, host_next);
	if (old) {
		host_drop(w, old);
		for (WORLD_EACH(sp, sw->ports))
			place_sw_port(w, sp);
	}
}

/* Its ports change with it: ACTIVE or DOWN. */
static void alive_set(struct world *w, struct sw *sw, bool alive)
{
	if (sw->gone == !alive)
		return;
	sw->gone = !alive;
	world_mark_dirty(w, &sw->obj, WORLD_ALIVE);
}

int world_switch_up(struct world *w, uint64_t dpid, const char *host_id, const char *name,
		    const char *version, const char *peer, struct sw **out)
{
	struct sw *sw;

	if (!host_id || !host_id[0])
		return -EINVAL;
	sw = world_switch_find(w, dpid);
	if (!sw)
		sw = sw_new(w, dpid);
	sw_set_host(w, sw, host_id);
	text_set(&sw->name, name);
	text_set(&sw->version, version);
	text_set(&sw->peer, peer);
	sw->up = true;
	alive_set(w, sw, true);
	sw->since = w->now(w->now_arg);
	host_mark(w, sw->host, WORLD_WANTS);
	world_mark_dirty(w, &sw->obj, WORLD_SESSION);
	world_tell(w);
	*out = sw;
	return 0;
}

void world_switch_down(struct world *w, struct sw *sw)
{
	if (!sw->up)
		return;
	sw->up = false;
	sw->since = w->now(w->now_arg);
	host_mark(w, sw->host, WORLD_WANTS);
	world_mark_dirty(w, &sw->obj, WORLD_SESSION);
	world_tell(w);
}

void world_switch_gone(struct world *w, struct sw *sw)
{
	if (sw->up || sw->gone)
		return;
	alive_set(w, sw, false);
	/* They may have been seen elsewhere as well. */
	for (WORLD_EACH(sp, sw->ports))
		if (sp->port)
			place_port(w, sp->port);
	world_tell(w);
}

void world_settling(struct world *w, bool settling)
{
	if (w->settling == settling)
		return;
	w->settling = settling;
	for (WORLD_EACH(sw, w->sws))
		world_mark_dirty(w, &sw->obj, WORLD_ALIVE);
	world_tell(w);
}

static void sw_port_free(struct world *w, struct sw_port *sp)
{
	struct port *p = sp->port;

	world_mac_forget_port(w, sp->sw, sp->ofport);
	HASH_DEL(sp->sw->ports, sp);
	HASH_DELETE(hh_iface, sp->sw->ifaces, sp);
	if (p) {
		member_del(w, p);
		p->place = (struct place){ 0 };
		world_mark_dirty(w, &p->obj, WORLD_PLACE);
		place_port(w, p);
	}
	if (sp->physnet)
		DL_DELETE2(sp->sw->uplinks, sp, up_prev, up_next);
	world_mark_dirty(w, &sp->sw->obj, WORLD_SW_PORTS | (sp->physnet ? WORLD_UPLINK : 0));
	free(sp->name);
	free(sp->iface_id);
	free(sp->physnet);
	free(sp);
}

/* Takes it out of the world; the struct itself is freed once listeners were told. */
static void sw_unlink(struct world *w, struct sw *sw)
{
	struct sw_port *sp, *next;

	HASH_DEL(w->sws, sw);
	DL_DELETE2(sw->host->sws, sw, host_prev, host_next);
	HASH_ITER (hh, sw->ports, sp, next) {
		sw_port_free(w, sp);
	}
	macs_free(sw);
	host_mark(w, sw->host, WORLD_WANTS);
	host_drop(w, sw->host);
	sw->host = NULL;
}

void sw_free(struct world *w, struct sw *sw)
{
	if (sw->host)
		sw_unlink(w, sw);
	if (sw->obj.what)
		DL_DELETE(w->marked, &sw->obj);
	free(sw->name);
	free(sw->version);
	free(sw->peer);
	free(sw->fault);
	free(sw);
}

void world_switch_forget(struct world *w, struct sw *sw)
{
	sw_unlink(w, sw);
	world_mark_dirty(w, &sw->obj, WORLD_DELETED);
	world_tell(w);
}

/* ---- ports of a switch ---- */

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void sw_port_rename(struct sw_port *sp, const char *iface_id)
{
	if (sp->iface_id)
		HASH_DELETE(hh_iface, sp->sw->ifaces, sp);
	text_set(&sp->iface_id, iface_id);
	HASH_ADD_KEYPTR(hh_iface, sp->sw->ifaces, sp->iface_id, strlen(sp->iface_id), sp);
}

/* What flows may hang on; anything of it changes the switch, and the tenant port that is there. */
static bool sw_port_differs(const struct sw_port *sp, const struct sw_port_info *i)
{
	return !same(sp->name, i->name) || !same(sp->physnet, i->physnet) ||
	       memcmp(sp->mac, i->mac, 6) || sp->mtu != i->mtu || sp->admin_up != i->admin_up ||
	       sp->link_up != i->link_up || sp->tunnel != i->tunnel || sp->managed != i->managed;
}

/* Also marks a switch of which an uplink changed in anything. */
static void uplink_set(struct world *w, struct sw_port *sp, const char *physnet)
{
	struct sw *sw = sp->sw;

	if (sp->physnet)
		DL_DELETE2(sw->uplinks, sp, up_prev, up_next);
	if (physnet)
		DL_APPEND2(sw->uplinks, sp, up_prev, up_next);
	if (physnet || sp->physnet)
		world_mark_dirty(w, &sw->obj, WORLD_UPLINK);
	text_set(&sp->physnet, physnet);
}

struct sw_port *world_switch_port_set(struct world *w, struct sw *sw, const struct sw_port_info *i)
{
	struct sw_port *sp = sw_port_find(sw, i->ofport);
	const char *iface_id = i->iface_id && i->iface_id[0] ? i->iface_id : i->name;
	bool fresh = !sp;

	if (fresh) {
		sp = mem_get(sizeof(*sp));
		sp->sw = sw;
		sp->ofport = i->ofport;
		HASH_ADD(hh, sw->ports, ofport, sizeof(sp->ofport), sp);
	}
	sp->listed = true;
	if (fresh || sw_port_differs(sp, i)) {
		text_set(&sp->name, i->name);
		uplink_set(w, sp, i->physnet && i->physnet[0] ? i->physnet : NULL);
		memcpy(sp->mac, i->mac, 6);
		sp->mtu = i->mtu;
		sp->admin_up = i->admin_up;
		sp->link_up = i->link_up;
		sp->tunnel = i->tunnel;
		sp->managed = i->managed;
		if (!sp->admin_up || !sp->link_up)
			world_mac_forget_port(w, sw, sp->ofport);
		world_mark_dirty(w, &sw->obj, WORLD_SW_PORTS | WORLD_LINK);
		if (sp->port)
			world_mark_dirty(w, &sp->port->obj, WORLD_LINK);
	}
	if (fresh || !same(sp->iface_id, iface_id))
		sw_port_rename(sp, iface_id);
	place_sw_port(w, sp);
	if (!w->listing)
		world_tell(w);
	return sp;
}

void world_switch_port_del(struct world *w, struct sw *sw, uint32_t ofport)
{
	struct sw_port *sp = sw_port_find(sw, ofport);

	if (sp)
		sw_port_free(w, sp);
	world_tell(w);
}

void world_switch_ports_begin(struct world *w, struct sw *sw)
{
	w->listing++;
	for (WORLD_EACH(sp, sw->ports))
		sp->listed = false;
}

void world_switch_ports_end(struct world *w, struct sw *sw)
{
	struct sw_port *sp, *next;

	HASH_ITER (hh, sw->ports, sp, next) {
		if (!sp->listed)
			sw_port_free(w, sp);
	}
	if (!--w->listing)
		world_tell(w);
}

void world_vtep_set(struct world *w, struct sw *sw, const struct vtep *vtep)
{
	if (!ip_cmp(&sw->vtep.addr, &vtep->addr) && sw->vtep.ofport == vtep->ofport &&
	    sw->vtep.mtu == vtep->mtu)
		return;
	sw->vtep = *vtep;
	world_mark_dirty(w, &sw->obj, WORLD_VTEP);
	if (!w->listing)
		world_tell(w);
}

bool sw_is_plain(const struct sw *sw)
{
	if (sw->vtep.addr.family || (sw->host && sw->host->ports))
		return false;
	for (const struct sw_port *sp = sw->ports; sp; sp = sp->hh.next)
		if (sp->physnet || sp->port || sp->tunnel)
			return false;
	return true;
}

/* ---- what is wrong ---- */

void world_switch_fault(struct world *w, struct sw *sw, const char *text)
{
	text_set(&sw->fault, text);
}

void world_port_fault(struct world *w, struct port *p, const char *text)
{
	text_set(&p->fault, text);
}
