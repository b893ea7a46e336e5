/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keystone: whose token is this?
 *
 *   keystone.c        validations under way, the controller's own token
 *   keystone_login.c  its credentials
 *   keystone_token.c  answers, and what is remembered of them
 *   web.c             HTTP
 *
 * Nothing waits for Keystone but who has sent a token that is not known: for him keystone_ask()
 * answers later.  Who sends the same token meanwhile waits for the same validation.
 *
 * Thread: the one that runs the loop.
 */
#ifndef WEFT_CONTROLLER_KEYSTONE_H
#define WEFT_CONTROLLER_KEYSTONE_H

#include <ev.h>

#include "controller/keystone_token.h"

enum {
	KEYSTONE_CACHE_SECONDS = 300, /* a token is believed that long at most */
	KEYSTONE_BAD_SECONDS = 10,    /* and one that was refused is not asked for again */
	KEYSTONE_KNOWN_MAX = 16384,
	KEYSTONE_BAD_MAX = 4096,
	KEYSTONE_WAITING_MAX = 512, /* requests that wait for validations */
};

struct keystone_opts {
	const char *url;	 /* "http://HOST:5000", with or without "/v3" */
	const char *credentials; /* a file; NULL: the environment */
	const char *ca_file;	 /* NULL: the system's */
	double cache_seconds;	 /* 1 to KEYSTONE_CACHE_SECONDS */
	/* Also finds a service in the catalogue; NULL: none. */
	const char *service, *interface, *region;
};

/* rc: 0 with 't'; -EACCES: no valid token; -EAGAIN: Keystone does not say, 'why' in words. */
typedef void keystone_done(int rc, const struct keystone_token *t, const char *why, void *arg);

/* NULL with words for options that are wrong; a Keystone that is not there yet is awaited. */
struct keystone *keystone_new(struct ev_loop *loop, const struct keystone_opts *o, struct err *e);
/* Who waits is answered -EAGAIN.  NULL is fine. */
void keystone_free(struct keystone *k);
/* Reads the credentials again; keeps what it had when that fails. */
int keystone_reload(struct keystone *k, struct err *e);
/* For WWW-Authenticate. */
const char *keystone_uri(const struct keystone *k);

/*
 * What is known is answered at once, as 'done' would: 0, -EACCES, -EAGAIN with words.  Otherwise
 * -EINPROGRESS, and 'done' is called from the loop.  'even_expired': a service vouches for it.
 */
int keystone_ask(struct keystone *k, const char *token, bool even_expired, struct keystone_token *t,
		 keystone_done *done, void *arg, struct err *e);

/*
 * The controller's own token, and the URL of the service that the options name (NULL: the catalogue
 * has none): both until the loop goes on.  -EINPROGRESS: who is said in keystone_on_own() is called
 * from the loop, whatever came of it; -EAGAIN with words: not now.
 */
int keystone_own(struct keystone *k, const char **token, const char **url, struct err *e);
void keystone_on_own(struct keystone *k, void (*fn)(void *arg), void *arg);
/* It was refused somewhere, or its catalogue is old: the next one is a new one. */
void keystone_own_forget(struct keystone *k);

#endif
