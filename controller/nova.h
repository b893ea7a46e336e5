/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nova is told of what it waits for: a VM's port is plugged in or unplugged, deleted, or has other
 * addresses (POST os-server-external-events).
 *
 *   nova_watch.c  which changes of the world these are
 *   nova.c        the queue, and sending it
 *
 * One request at a time, with all that has come meanwhile, so that events are in order and a burst
 * is few requests.  What Nova does not take for NOVA_GIVE_UP seconds it no longer waits for either:
 * lost, and counted.
 *
 * Thread: the one that runs the loop.  Owner of a 'struct nova': main().
 */
#ifndef WEFT_CONTROLLER_NOVA_H
#define WEFT_CONTROLLER_NOVA_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	NOVA_BATCH = 100,
	NOVA_QUEUE_MAX = 100000, /* events */
	NOVA_GIVE_UP = 300,	 /* seconds: Nova's own vif_plugging_timeout */
	NOVA_RETRY_MAX = 15,	 /* seconds between attempts, which begin with one */
	NOVA_LOOK_AGAIN = 60,	 /* seconds until a catalogue without it is asked for again */
};

struct keystone;
struct nova;
struct options;
struct world;

struct nova_state {
	const char *url; /* NULL: not known yet */
	size_t waiting;
	uint64_t sent, refused, lost; /* events: refused by Nova, which need not be a fault */
	const char *trouble;	      /* NULL: none */
};

/*
 * As the options say: 0, or with words.  *out is NULL when nobody is to be told.  'k' (NULL: there
 * is none) gives the token, and lives longer.
 */
int nova_new(struct ev_loop *loop, struct world *w, struct keystone *k, const struct options *o,
	     struct nova **out, struct err *e);
/* NULL is fine. */
void nova_free(struct nova *n);
void nova_state(const struct nova *n, struct nova_state *s);

#endif
