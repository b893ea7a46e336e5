/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tenant port is at which switch port.
 *
 * A switch port's iface-id may be a tenant port's id, its device name ("tap" and 11 characters of
 * the id), or its name; the earlier of these wins.  Names are not unique: the oldest port that has
 * one is meant, so that nobody takes a place away by giving a port the name of another's.
 * A port with binding:host_id is only bound on that host.  A port stays where it is as long as
 * that place fits, its switch is not gone, and no better one turns up.
 */
#include <string.h>

#include "controller/world_priv.h"

enum rank { RANK_NONE, RANK_NAME, RANK_TAP, RANK_ID };

static enum rank place_rank(const struct port *p, const struct sw_port *sp)
{
	if (sp->tunnel || sp->physnet)
		return RANK_NONE;
	if ((p->host && p->host != sp->sw->host) || !vnic_is_ours(p->a.vnic_type))
		return RANK_NONE;
	if (!strcmp(sp->iface_id, p->a.id))
		return RANK_ID;
	if (!strcmp(sp->iface_id, p->tap))
		return RANK_TAP;
	if (p->a.name && p->a.name[0] && !strcmp(sp->iface_id, p->a.name))
		return RANK_NAME;
	return RANK_NONE;
}

static void enter(struct world *w, struct port *p, struct sw_port *sp)
{
	p->place = (struct place){ .sw = sp->sw, .sp = sp };
	sp->port = p;
	member_add(w, p);
	world_mark_dirty(w, &p->obj, WORLD_PLACE);
	world_mark_dirty(w, &sp->sw->obj, WORLD_SW_PORTS);
}

/* Leaves the switch port for someone else to take. */
static struct sw_port *leave(struct world *w, struct port *p)
{
	struct sw_port *sp = p->place.sp;

	if (!sp)
		return NULL;
	world_mark_dirty(w, &p->obj, WORLD_PLACE);
	world_mark_dirty(w, &sp->sw->obj, WORLD_SW_PORTS);
	member_del(w, p);
	p->place = (struct place){ 0 };
	sp->port = NULL;
	return sp;
}

void place_leave(struct world *w, struct port *p)
{
	struct sw_port *sp = leave(w, p);

	if (sp)
		place_sw_port(w, sp);
}

/* Would 'p' rather be at 'sp' than where it is? */
static bool prefers(const struct port *p, const struct sw_port *sp)
{
	enum rank there = place_rank(p, sp);

	if (there == RANK_NONE)
		return false;
	if (p->place.sp == sp)
		return true;
	if (!sw_is_alive(sp->sw))
		return false;
	return !p->place.sp || !sw_is_alive(p->place.sw) || there > place_rank(p, p->place.sp);
}

static struct port *best_for(const struct world *w, const struct sw_port *sp)
{
	struct port *p = world_port_find(w, sp->iface_id);

	if (p && prefers(p, sp))
		return p;
	HASH_FIND(hh_tap, w->ports_by_tap, sp->iface_id, strlen(sp->iface_id), p);
	if (p && prefers(p, sp))
		return p;
	HASH_FIND(hh_name, w->ports_by_name, sp->iface_id, strlen(sp->iface_id), p);
	while (p && !prefers(p, sp))
		p = p->name_next;
	return p;
}

void place_sw_port(struct world *w, struct sw_port *sp)
{
	struct port *best = best_for(w, sp), *old = sp->port;
	struct sw_port *freed;

	if (best == old)
		return;
	if (old)
		leave(w, old);
	if (best) {
		freed = leave(w, best);
		enter(w, best, sp);
		if (freed)
			place_sw_port(w, freed);
	}
	/* There is a better one for its place only because it came last: the search ends. */
	if (old)
		place_port(w, old);
}

/* A switch port with this iface-id at which 'p' may be and is not outranked. */
static struct sw_port *place_on(const struct world *w, const struct port *p, const struct sw *sw,
				enum rank *rank)
{
	const char *ids[] = { p->a.id, p->tap, p->a.name };
	struct sw_port *found = NULL;

	if (!sw_is_alive(sw))
		return NULL;
	for (size_t i = 0; i < 3; i++) {
		struct sw_port *sp = ids[i] && ids[i][0] ? sw_port_by_iface(sw, ids[i]) : NULL;
		enum rank r = sp ? place_rank(p, sp) : RANK_NONE;

		if (r > *rank && best_for(w, sp) == p) {
			*rank = r;
			found = sp;
		}
	}
	return found;
}

void place_port(struct world *w, struct port *p)
{
	enum rank rank = RANK_NONE;
	struct sw_port *best = NULL, *sp, *freed;

	if (p->place.sp) {
		rank = place_rank(p, p->place.sp);
		if (rank == RANK_NONE)
			place_leave(w, p);
		else if (!sw_is_alive(p->place.sw))
			rank = RANK_NONE; /* anything that is there is better */
	}
	if (p->host) {
		for (HOST_EACH_SWITCH(sw, p->host))
			if ((sp = place_on(w, p, sw, &rank)))
				best = sp;
	} else {
		for (WORLD_EACH(sw, w->sws))
			if ((sp = place_on(w, p, sw, &rank)))
				best = sp;
	}
	if (!best || best == p->place.sp)
		return;
	freed = leave(w, p);
	if (best->port)
		leave(w, best->port);
	enter(w, p, best);
	if (freed)
		place_sw_port(w, freed);
}
