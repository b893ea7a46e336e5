/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may have which address of a network, and whose it is by right.  Part of world.h.
 *
 * Thread: the one that runs the libev loop.  Owner: see world.h.
 */
#ifndef WEFT_CONTROLLER_WORLD_SHARED_H
#define WEFT_CONTROLLER_WORLD_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "controller/ip.h"

struct net;
struct port;
struct world;

/* The port of 'n' that has this fixed address. */
struct port *world_port_by_ip(const struct net *n, const struct ip_addr *ip);
/* A pair of another port names this address of 'p'. */
bool port_ip_is_shared(const struct world *w, const struct port *p, const struct ip_addr *ip);
/* A pair of some port of 'n' has it. */
bool world_ip_is_allowed(const struct world *w, const struct net *n, const struct ip_addr *ip);
/* Whether 'p' (NULL: a station on the wire) may be who has the address, at this MAC. */
bool world_may_have(const struct world *w, const struct port *p, const struct net *n,
		    const struct ip_addr *ip, const uint8_t mac[6]);

#endif
