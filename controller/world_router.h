/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where routers and floating IPs live.  Part of world.h.
 *
 * Thread: the one that runs the libev loop.  Owner: see world.h.
 */
#ifndef WEFT_CONTROLLER_WORLD_ROUTER_H
#define WEFT_CONTROLLER_WORLD_ROUTER_H

#include <stdbool.h>

struct floatingip;
struct port;
struct router;
struct sw;
struct world;

/* A router's interface (not its gateway). */
bool port_is_interface(const struct port *p);
bool port_is_gateway(const struct port *p);
/* NULL when it has none. */
struct port *router_gateway(const struct router *r);
/* It lives on one switch: a gateway, or an interface on a physical network, for stations there. */
bool port_is_anchored(const struct port *p);
/*
 * That switch: one of those that are up and reach the network, the same as long as that one does,
 * and spread over all of them; NULL: there is none, or it lives everywhere.
 */
struct sw *world_anchor(const struct world *w, const struct port *p);
/* The same of those that have come back after a restart, whatever was before. */
struct sw *world_anchor_choice(const struct world *w, const struct port *p);
/* The one of its gateway. */
struct sw *world_gateway_switch(const struct world *w, const struct router *r);
/* Where a floating IP lives: on its port's own host when that reaches the external network, else
 * where the router's gateway does; NULL: nowhere. */
struct sw *world_floatingip_switch(const struct world *w, const struct floatingip *f);

#endif
