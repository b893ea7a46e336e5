/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is seen of switches, into the world: sessions, ports, stations.  Part of world.h.
 *
 * Thread: the one that runs the libev loop.  Owner: see world.h.
 */
#ifndef WEFT_CONTROLLER_WORLD_SEEN_H
#define WEFT_CONTROLLER_WORLD_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "controller/ip.h"

struct neigh;
struct net;
struct port;
struct sw;
struct sw_port;
struct vtep;
struct world;

/* ---- observations: from the switch sessions.  Each tells the listeners before it returns ---- */

/* 0, or -EINVAL, -ENOMEM: nothing has changed then. */
int world_switch_up(struct world *w, uint64_t dpid, const char *host_id, const char *name,
		    const char *version, const char *peer, struct sw **out);
/* Its ports and VTEP stay known: what it carries, it goes on carrying. */
void world_switch_down(struct world *w, struct sw *sw);
/* It has been down for too long: its ports are DOWN, others do without it until it is up again. */
void world_switch_gone(struct world *w, struct sw *sw);
/* After a restart: what had time to come back has come back, or has not begun to. */
void world_settling(struct world *w, bool settling);
/* Forgets a switch that is down (an operator's word: it will not come back). */
void world_switch_forget(struct world *w, struct sw *sw);

/* What a port is said to be; strings are copied.  iface_id NULL: the name. */
struct sw_port_info {
	uint32_t ofport;
	const char *name, *iface_id, *physnet;
	uint8_t mac[6];
	uint16_t mtu;
	bool admin_up, link_up, tunnel, managed;
};

/* Adds, or changes the one with this number; binds and unbinds tenant ports accordingly. */
struct sw_port *world_switch_port_set(struct world *w, struct sw *sw,
				      const struct sw_port_info *info);
void world_switch_port_del(struct world *w, struct sw *sw, uint32_t ofport);
/* Begins and ends a complete list: ports not set in between are deleted at its end. */
void world_switch_ports_begin(struct world *w, struct sw *sw);
void world_switch_ports_end(struct world *w, struct sw *sw);

void world_vtep_set(struct world *w, struct sw *sw, const struct vtep *vtep);

/* Who has an address on a network (world_neigh.c); at most WORLD_NEIGHS_MAX a network, then
 * -ENOSPC. */
enum { WORLD_NEIGHS_MAX = 4096 };
/* 'holder' NULL: a station on the wire. */
int world_neigh_set(struct world *w, struct net *n, const struct ip_addr *ip, const uint8_t mac[6],
		    const struct port *holder);
/* As a former controller knew it, with its 'index', 'ago' seconds ago; who is known stays.  To be
 * told later. */
int world_neigh_take_over(struct world *w, struct net *n, const struct ip_addr *ip,
			  const uint8_t mac[6], uint32_t index, double ago);
void world_neigh_forget(struct world *w, struct neigh *n);
struct neigh *world_neigh_find(const struct world *w, const struct net *n,
			       const struct ip_addr *ip);
struct neigh *world_neigh_by_index(const struct world *w, uint32_t index);

/* What is wrong with it in words, shown in /weft/v1/status; NULL: nothing (any more). */
void world_switch_fault(struct world *w, struct sw *sw, const char *text);
void world_port_fault(struct world *w, struct port *p, const char *text);

#endif
