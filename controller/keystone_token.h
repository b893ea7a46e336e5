/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Keystone says of a token (Identity API v3, "Validate and show information for token"), and
 * what of that is remembered.
 *
 * Tokens are not kept: they are known by their SHA-256.  A cache is bounded, and forgets the oldest
 * first; every entry has its end.
 *
 * Thread: the one that runs the loop (keystone_token_parse() and keystone_hash(): any).
 */
#ifndef WEFT_CONTROLLER_KEYSTONE_TOKEN_H
#define WEFT_CONTROLLER_KEYSTONE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "base/err.h"

enum {
	KEYSTONE_HASH = 32,
	KEYSTONE_ID = 64,     /* characters of a project's id: what Keystone itself allows */
	KEYSTONE_ROLES = 512, /* a token with more is not believed */
};

struct keystone_token {
	char project[KEYSTONE_ID + 1]; /* "": none (unscoped, of a domain, of the system) */
	bool admin;		       /* has the role admin */
	bool service;		       /* has the role service */
	double expires;		       /* since 1970 */
};

/* 0, or -EBADMSG with words: nothing that Keystone would send. */
int keystone_token_parse(const char *body, size_t n, struct keystone_token *t, struct err *e);
/* "2026-01-31T12:00:00.000000Z" in seconds; 0, or -EINVAL. */
int keystone_time_parse(const char *s, double *t);
/*
 * A service's URL in the catalogue of a token's answer, of its own memory; NULL: it is not there.
 * 'region' NULL: any.
 */
char *keystone_endpoint(const char *body, size_t n, const char *type, const char *interface,
			const char *region);
void keystone_hash(const char *token, bool even_expired, uint8_t hash[KEYSTONE_HASH]);

struct keystone_known {
	uint8_t hash[KEYSTONE_HASH];
	double until;
	struct keystone_token token;
	UT_hash_handle hh;
};

struct keystone_cache {
	struct keystone_known *all; /* the oldest first */
	size_t max;
};

/* NULL: not there, or no longer. */
const struct keystone_known *keystone_cache_find(struct keystone_cache *c,
						 const uint8_t hash[KEYSTONE_HASH], double now);
/* 'token' NULL: all zero. */
void keystone_cache_add(struct keystone_cache *c, const uint8_t hash[KEYSTONE_HASH],
			const struct keystone_token *token, double until);
void keystone_cache_clear(struct keystone_cache *c);

#endif
