/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller's south half: switch sessions, the pipeline, apps and reconciliation, behind
 * two functions.  It reads the world, listens to its changes, and reports observations.
 *
 * Thread: the one that runs the libev loop.  Owner: main().
 */
#ifndef WEFT_CONTROLLER_SOUTH_H
#define WEFT_CONTROLLER_SOUTH_H

#include <ev.h>
#include <stddef.h>

#include "base/err.h"
#include "controller/world.h"
#include "ofproto/session.h"

struct south;

struct south_opts {
	const char *const *listen; /* tcp:PORT[:ADDR] or ssl:..., as the command line has them */
	size_t n_listen;
	struct of_tls tls; /* PEM files for ssl: listeners */
	double grace;	   /* seconds that a switch without a session has to come back */
};

/* Listens and serves; NULL with words in 'e'.  'opts' is copied. */
struct south *south_new(struct ev_loop *loop, struct world *w, const struct south_opts *opts,
			struct err *e);
/* Closes all sessions; NULL is fine.  The world stays. */
void south_free(struct south *s);

#endif
