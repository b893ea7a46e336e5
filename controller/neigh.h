/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbours that are not simply a port's: asks who has an address that a router sends to (ARP,
 * neighbour discovery), keeps what is answered in the world, and tells physical networks where a
 * router's own addresses are.
 *
 *   a packet finds no neighbour --packet-in--> ask --packet-out--> the wire
 *   the answer, to the router's address --packet-in--> world_neigh_set() --> flows
 *
 *   a port speaks for an address that several may have --packet-in--> the same
 *
 * A router's gateway asks on the wire, from its host; an interface asks its whole network.
 * The gateways of external networks are asked for before anybody needs them, and all that are known
 * again now and then.  Addresses that move to another host (a gateway's, a floating IP, a port's on
 * a physical network) are announced from there.
 *
 * Thread: the loop's.  Owner: south.c.  Internal to the south half.
 */
#ifndef WEFT_CONTROLLER_NEIGH_H
#define WEFT_CONTROLLER_NEIGH_H

#include "controller/world.h"
#include "ofproto/wire.h"

struct neighs;
struct peer;
struct south;

struct neighs *neighs_new(struct south *s);
void neighs_free(struct neighs *n);

/* What stages neighbour and answer send up. */
void neighs_packet_in(struct neighs *n, struct peer *p, const struct of_packet_in *pi);
/* While reading: whom a former controller has found is known, and asked. */
void neighs_read(struct neighs *n, const struct of_flow_stats *f);
/* An object has changed in 'what' (enum world_what): told() follows. */
void neighs_changed(struct neighs *n, const struct world_obj *o, uint32_t what);
/* The world has changed: addresses may live elsewhere now. */
void neighs_told(struct neighs *n);
/* A switch has all that was sent. */
void neighs_acknowledged(struct neighs *n);

#endif
