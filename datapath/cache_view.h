/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow cache as others see it: how full it is, and whether it is looked into.
 *
 * Control thread, while the packet thread that owns the cache goes on: each value is whole, and all
 * of them are of about one moment.
 */
#ifndef WEFT_DATAPATH_CACHE_VIEW_H
#define WEFT_DATAPATH_CACHE_VIEW_H

#include <stdint.h>

#include "datapath/role.h"

struct cache;

struct cache_view {
	const char *state;	     /* in a word ... */
	const char *text;	     /* ... and in more */
	uint64_t ways;		     /* that it knows; estimated where there may be many */
	uint64_t places, places_max; /* in use, at most */
	uint32_t words;		     /* of a packet's key that it looks at */
	double with, without; /* cycles a packet, when that was measured last; 0: it was not yet */
};

/* 'c' NULL: there is none. */
void cache_view(const struct cache *c, struct cache_view *out) CONTROL;

#endif
