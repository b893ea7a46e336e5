/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, what its files about routers share: network_route.c (between a tenant's networks),
 * network_nat.c (to and from the outside).
 */
#ifndef WEFT_APPS_NETWORK_ROUTE_H
#define WEFT_APPS_NETWORK_ROUTE_H

#include "apps/network.h"

/* Its zone of connections: above those of ports, which are their numbers. */
uint16_t network_router_zone(const struct router *r);

void network_match_router(struct draft *d, const struct router *r);
/* The packet is the router's now; ends the draft. */
void network_enter_router(struct draft *d, const struct router *r, enum stage next);
/* Into the network of a router's port, to the next hop in the register; ends the draft. */
void network_leave_router(struct draft *d, const struct sw *sw, const struct port *p);

void network_match_dst(struct draft *d, const struct ip_prefix *p);
uint16_t network_prefix_prio(const struct ip_prefix *p);
/* 'via' NULL: the destination itself. */
void network_next_hop(struct draft *d, const struct ip_addr *via, uint8_t family);

/*
 * The way from a router to 'to' begins: by a link of that MTU, where packets may be longer, which
 * are fragmented or answered; 0: all of them fit.
 */
struct draft *network_way(const struct router *r, const struct ip_prefix *to, uint16_t mtu,
			  struct flowset *fs);
/* The MTU from this host to the network of the router's port 'p', for packets of that IP version;
 * 0: no packet of the router's networks is longer. */
uint16_t network_narrow(const struct world *w, const struct sw *sw, const struct port *p,
			uint8_t family);

/* As whom the router sends into the network of its port 'p' from host 'sw'. */
void network_router_mac(const struct sw *sw, const struct port *p, uint8_t mac[6]);

/* What every switch has. */
void network_route_switch(struct flowset *fs);
void network_nat_switch(struct flowset *fs);

/* What a router says itself, as its port: to pings, and of packets that it cannot send on. */
void network_route_speak(const struct world *w, const struct sw *sw, const struct port *p,
			 struct flowset *fs);

/* network_route.c: an interface; extra routes; the addresses of a port or of somebody outside. */
void network_route_interface(const struct world *w, const struct sw *sw, const struct port *p,
			     struct flowset *fs);
void network_route_router(const struct world *w, const struct sw *sw, const struct router *r,
			  struct flowset *fs);
void network_route_port(const struct world *w, const struct port *p, struct flowset *fs);
void network_route_neigh(const struct neigh *n, struct flowset *fs);
/* network_scope.c: between networks of different address scopes, by routers' ports and a route of
 * theirs; to the outside of the same scope, without SNAT. */
void network_scope_router(const struct world *w, const struct router *r, struct flowset *fs);
void network_scope_route(const struct router *r, const struct port *by, const struct ip_prefix *to,
			 struct flowset *fs);
void network_scope_gateway(const struct port *gateway, struct flowset *fs);
/* Through the router's connections; ends the draft. */
void network_nat_translate(struct draft *d, const struct router *r, const struct nat_spec *nat,
			   bool commit, enum stage next);
/* network_nat.c: a router's way to the outside; a floating IP. */
void network_nat_gateway(const struct world *w, const struct sw *sw, const struct port *p,
			 struct flowset *fs);
void network_nat_floatingip(const struct world *w, const struct sw *sw, const struct floatingip *f,
			    struct flowset *fs);

#endif
