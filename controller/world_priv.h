/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the world share among themselves: world.c (life, look-up, listeners),
 * world_intent.c (nets, subnets, ports), world_seen.c (switches), world_place.c (which port is
 * where).
 */
#ifndef WEFT_CONTROLLER_WORLD_PRIV_H
#define WEFT_CONTROLLER_WORLD_PRIV_H

#include "controller/world.h"

/* Found, or new when 'id' has not been heard of. */
struct host *host_get(struct world *w, const char *id);
/* Freed when it has neither switches nor ports. */
void host_drop(struct world *w, struct host *h);

/* Finds the port's place anew, after its attributes or its existence changed. */
void place_port(struct world *w, struct port *p);
/* Takes the port from its place. */
void place_leave(struct world *w, struct port *p);
/* Finds the tenant port of a switch port anew, after it or its host changed. */
void place_sw_port(struct world *w, struct sw_port *sp);

/* Marks the switches of a host. */
void host_mark(struct world *w, const struct host *h, uint32_t what);

void sw_free(struct world *w, struct sw *sw);

#endif
