/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the world share among themselves: world.c (life, look-up, listeners),
 * world_intent.c (any resource), world_net.c, world_port.c, world_sg.c
 * (what only these have), world_seen.c
 * (switches), world_place.c (which port is where).
 */
#ifndef WEFT_CONTROLLER_WORLD_PRIV_H
#define WEFT_CONTROLLER_WORLD_PRIV_H

#include "controller/world.h"

/* What a resource has beside its attributes.  Functions may be NULL. */
struct world_ops {
	size_t size;	    /* of its struct; 0: a struct world_obj and the attributes */
	uint32_t index_max; /* 0: INDEX_MAX */
	/* Into other indexes than those by id and index, and to what it belongs to; and out again.
	 */
	void (*link)(struct world *w, struct world_obj *o);
	void (*unlink)(struct world *w, struct world_obj *o);
	/* What follows from attributes that can change: after they are set, before they are. */
	void (*derive)(struct world *w, struct world_obj *o);
	void (*underive)(struct world *w, struct world_obj *o);
	/* Draws the consequences for others: see world_settle(). */
	void (*settle)(struct world *w, struct world_obj *o, uint32_t what);
	/* Before it is freed. */
	void (*drop)(struct world *w, struct world_obj *o);
};

/* Counts an object with its project, and no more. */
void project_count(struct world *w, const struct world_obj *o);
void project_uncount(struct world *w, const struct world_obj *o);
extern const struct world_ops world_net_ops, world_subnet_ops, world_port_ops, world_router_ops,
	world_quota_ops, world_rbac_ops, world_address_scope_ops, world_subnetpool_ops,
	world_floatingip_ops, world_port_forwarding_ops, world_segment_range_ops;

/* A port that may be a router's (world_router.c). */
void router_port_link(struct world *w, struct port *p);
void router_port_unlink(struct world *w, struct port *p);
extern const struct world_ops world_net_ops, world_subnet_ops, world_port_ops;
extern const struct world_ops world_addrgroup_ops, world_sg_ops, world_sg_rule_ops;

/* The port's membership in its groups: after its attributes are set, before they are. */
void port_sgs_derive(struct world *w, struct port *p);
void port_sgs_underive(struct world *w, struct port *p);

/* Its address pairs (world_shared.c), as well. */
void port_pairs_derive(struct world *w, struct port *p);
void port_pairs_underive(struct world *w, struct port *p);

/* Found, or new when 'id' has not been heard of. */
struct host *host_get(struct world *w, const char *id);
/* Freed when it has neither switches nor ports. */
void host_drop(struct world *w, struct host *h);

/* A port is in its place, and counts among its network's there; leaves it; is open or not. */
void member_add(struct world *w, struct port *p);
void member_del(struct world *w, struct port *p);
void member_open(struct world *w, struct port *p);

/* Finds the port's place anew, after its attributes or its existence changed. */
void place_port(struct world *w, struct port *p);
/* Takes the port from its place. */
void place_leave(struct world *w, struct port *p);
/* Finds the tenant port of a switch port anew, after it or its host changed. */
void place_sw_port(struct world *w, struct sw_port *sp);

/* Marks the switches of a host. */
void host_mark(struct world *w, const struct host *h, uint32_t what);

/* world_neigh.c */
void neigh_free(struct world *w, struct neigh *n);
/* All of a network that goes: told; or, when the world itself goes, freed. */
void net_neighs_forget(struct world *w, struct net *n);
void net_neighs_free(struct world *w, struct net *n);

void sw_free(struct world *w, struct sw *sw);

#endif
