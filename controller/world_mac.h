/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stations behind the ports of a switch that carries no tenants: what app l2 has learned.  Part of
 * world.h.
 *
 * Bounded by port and by switch: whoever sends from made-up addresses pushes out the oldest station
 * of his own port, and one of another port only when that has more.  Each station has an index
 * among its switch's, by which it is a unit of derivation; it says nothing once its station is
 * gone, and may be another's later.
 *
 * Many come at once, so that these functions do not tell the listeners: they mark the switch
 * (WORLD_MACS) and note the indexes; world_tell() ends a batch.
 *
 * Thread: the one that runs the libev loop.  Owner: see world.h.
 */
#ifndef WEFT_CONTROLLER_WORLD_MAC_H
#define WEFT_CONTROLLER_WORLD_MAC_H

#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "base/hashset.h"

struct sw;
struct world;

enum { WORLD_MACS_MAX = 16384, WORLD_MACS_PORT_MAX = 8192 };

struct learned {
	struct hashed hashed; /* by its key */
	uint32_t index;
	struct {
		uint8_t mac[6];
		uint16_t vid; /* 0: untagged */
	} key;
	struct mac_port *port;
	double seen;		     /* w->now() */
	struct learned *prev, *next; /* in port->macs */
};

/* A port that has stations. */
struct mac_port {
	uint32_t ofport;
	uint32_t n;
	struct learned *macs; /* DL list: who was heard of longest ago comes first */
	UT_hash_handle hh;
};

struct macs {
	struct hashset by_key;
	struct learned **v; /* by index; NULL: free */
	uint32_t *spare;    /* indexes that are free, the last n_spare of them */
	uint32_t n_v, n_spare;
	struct mac_port *ports; /* hash by ofport */
	uint32_t *changed;	/* indexes since listeners were last told */
	size_t n_changed, changed_room;
	uint64_t pushed_out; /* stations that were forgotten for others, since start */
};

/* 1: it is new there, or has moved; 0: it was known there; -ENOMEM. */
int world_mac_learn(struct world *w, struct sw *sw, const uint8_t mac[6], uint16_t vid,
		    uint32_t ofport, const struct learned **out);
void world_mac_forget(struct world *w, struct sw *sw, const uint8_t mac[6], uint16_t vid);
/* All of a port, which is down or gone. */
void world_mac_forget_port(struct world *w, struct sw *sw, uint32_t ofport);
const struct learned *world_mac_find(const struct sw *sw, const uint8_t mac[6], uint16_t vid);
/* NULL: nobody has that index. */
const struct learned *world_mac_by_index(const struct sw *sw, uint32_t index);

/* Within the world: listeners have been told; the switch goes. */
void macs_told(struct sw *sw);
void macs_free(struct sw *sw);

#endif
