/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: nobody is told apart, tokens from a file, or Keystone (keystone.h).
 *
 * Thread: the one that runs the libev loop.  Owner of a 'struct nb_auth': main().
 */
#ifndef WEFT_CONTROLLER_NB_AUTH_H
#define WEFT_CONTROLLER_NB_AUTH_H

#include <ev.h>
#include <stdbool.h>

#include "base/err.h"
#include "controller/keystone_token.h"

struct nb_who;
struct options;

/* A request that asks who it is of.  Zeroed but for the first members; lives until 'done'. */
struct nb_asker {
	const char *token, *service_token; /* the headers' values, as long as it asks; NULL: none */
	void (*done)(int rc, void *arg);
	void *arg;

	struct err why; /* of -EAGAIN */
	struct nb_auth *auth;
	struct keystone_token known; /* what nb_who points into */
};

/* As --auth says; NULL with words. */
struct nb_auth *nb_auth_new(struct ev_loop *loop, const struct options *o, struct err *e);
/* Who waits is answered -EAGAIN, and so is everyone from now on.  NULL is fine. */
void nb_auth_stop(struct nb_auth *a);
void nb_auth_free(struct nb_auth *a);
/* Reads its files again; keeps what it had when that fails. */
int nb_auth_reload(struct nb_auth *a, struct err *e);

/*
 * 0: 'q' may ask, as nb_auth_who() says.  -EACCES: without a valid token.  -EAGAIN: it cannot be
 * told, q->why.  -EINPROGRESS: q->done is called later with one of these, from the loop.
 */
int nb_auth_check(struct nb_auth *a, struct nb_asker *q);
/* Of an asker that was answered 0: 'who' points into it. */
void nb_auth_who(const struct nb_asker *q, struct nb_who *who);
/* A path that everyone may read. */
bool nb_auth_is_open(const struct nb_auth *a, const char *path);
/* NULL: it is not asked. */
struct keystone *nb_auth_keystone(const struct nb_auth *a);
/* Where tokens are to be had; "" when nobody knows. */
const char *nb_auth_uri(const struct nb_auth *a);

#endif
