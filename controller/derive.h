/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Derivation for one switch: which objects must be derived again, and doing it.
 *
 * A unit is one object (the switch, a network, a port, a security group, a station) on one switch.
 * World changes mark units; derive_run() calls the apps for marked ones and hands the result to the
 * ledger.  Marking errs to the large side: a full derivation is the specification, and derive_all()
 * makes one; tests compare the two.
 *
 * Networks and security groups matter to a switch only while one of their ports is bound there
 * ("near").
 * Thread: the loop's.  Owner: struct peer.
 */
#ifndef WEFT_CONTROLLER_DERIVE_H
#define WEFT_CONTROLLER_DERIVE_H

#include <uthash.h>

#include "controller/flowset.h"
#include "controller/ledger.h"
#include "controller/world.h"

/* A port that is bound here. */
struct here {
	const struct port *port; /* key; compared only, it may be gone */
	uint32_t net;		 /* index of its network */
	uint32_t *sgs;		 /* indexes of its security groups */
	size_t n_sgs;
	UT_hash_handle hh;
};

/*
 * What matters to this switch: a network or security group that has ports here, and, by routers
 * (derive_reach.c), the networks that packets can go to from here.
 */
struct near {
	struct near_key {
		uint32_t kind; /* COOKIE_NET, COOKIE_SG, COOKIE_ROUTER */
		uint32_t index;
	} key;
	size_t n;     /* ports here */
	bool reached; /* by a router that leads there; a router: from a network here */
	bool seen;    /* ... in this round */
	UT_hash_handle hh;
};

struct mark {
	struct unit_key key; /* app 0: all of them */
	UT_hash_handle hh;
};

struct derive {
	const struct world *world;
	struct sw *sw;
	struct ledger *ledger;
	struct here *here;
	struct near *near;
	struct mark *marks;
	bool stale; /* what is reached is to be found anew */
	bool plain; /* stations matter: sw_is_plain() when it last changed */
	struct flowset fs;
};

void derive_init(struct derive *d, const struct world *w, struct sw *sw, struct ledger *l);
void derive_fini(struct derive *d);

/* Takes note of a change in the world. */
void derive_changed(struct derive *d, const struct world_obj *o, uint32_t what);
/* Marks everything that concerns this switch. */
void derive_all(struct derive *d);
/* Derives what is marked.  Returns how many units. */
int derive_run(struct derive *d);

#endif
