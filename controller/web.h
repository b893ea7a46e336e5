/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP client: requests to other services, many at a time, none of which holds up the loop.
 *
 * libcurl's multi interface, driven by libev.  Every request ends: with an answer, or after
 * WEB_SECONDS at most.  Names of hosts are looked up by libcurl, which on Debian does that in a
 * short-lived thread of its own; addresses need none.
 *
 * Thread: the one that runs the loop.  Owner of a 'struct web': who made it.
 */
#ifndef WEFT_CONTROLLER_WEB_H
#define WEFT_CONTROLLER_WEB_H

#include <ev.h>
#include <stddef.h>

enum {
	WEB_SECONDS = 8,	 /* from asking to the answer's end */
	WEB_CONNECT_SECONDS = 3, /* to be connected, TLS included */
	WEB_AT_ONCE = 16,	 /* connections; more requests wait for one */
	WEB_BODY_MAX = 1 << 20,	 /* longer answers are broken off */
};

struct web_request {
	const char *url;
	const char *const *headers; /* "Name: value"; ends with NULL; wiped after use */
	const char *body;	    /* of a POST, as JSON; NULL: a GET */
	const char *wanted;	    /* a header of the answer; NULL: none */
};

struct web_answer {
	long status;	  /* 0: none came */
	const char *why;  /* then, in words */
	const char *body; /* ends with NUL, which is not counted */
	size_t n;
	const char *wanted; /* the header's value; NULL: there was none */
};

/* From the loop, or from web_free(); never from within web_ask().  What 'a' points to lives that
 * long. */
typedef void web_done(const struct web_answer *a, void *arg);

/* 'ca_file': PEM certificates to trust for https; NULL: the system's. */
struct web *web_new(struct ev_loop *loop, const char *ca_file);
/* What is under way is answered "ending".  NULL is fine. */
void web_free(struct web *w);
void web_ask(struct web *w, const struct web_request *q, web_done *done, void *arg);

#endif
