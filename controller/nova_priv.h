/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nova.c and nova_watch.c share.  Thread: the one that runs the loop.
 */
#ifndef WEFT_CONTROLLER_NOVA_PRIV_H
#define WEFT_CONTROLLER_NOVA_PRIV_H

#include "controller/nova.h"
#include "controller/world.h"

enum nova_event { NOVA_PLUGGED, NOVA_UNPLUGGED, NOVA_DELETED, NOVA_CHANGED };

struct nova_watch {
	struct nova *nova;
	struct world *world;
	struct world_listener listener;
	struct seen_port *ports; /* by id: VMs' */
	struct seen_fip *fips;	 /* by id: those that lead somewhere */
};

void nova_watch_init(struct nova_watch *x, struct nova *n, struct world *w);
void nova_watch_fini(struct nova_watch *x);

/* Into the queue. */
void nova_tell(struct nova *n, enum nova_event event, const char *server, const char *port);
/* Sends what is in it, unless a request is under way. */
void nova_flush(struct nova *n);

#endif
