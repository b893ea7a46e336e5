/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long ways: what of a way of many flows has no room in its entry of the flow cache.
 *
 * An entry is four lines, because most ways are of few flows; struct express says what is to be
 * counted for up to EXPRESS_FLOWS_MAX of them.  A way of more is 'long': the last place of its ids
 * is the number of a struct cache_rest, which has the other ones, and its tables' places are the
 * number of its path.  Rests are given out as long ways are kept, and given back when something
 * shorter takes their entry's place: there are never more of them than entries, and a switch whose
 * ways are short never touches their memory.
 *
 * Paths: through which tables a way leads is the same for many ways, so that ways in a row that
 * have the same one are counted together in the tables (express_leave.h).  There is room for as
 * many as a pipeline usually has; ways of other paths are counted one by one.
 *
 * Owner and user: one PMD's cache.
 */
#ifndef WEFT_DATAPATH_CACHE_REST_H
#define WEFT_DATAPATH_CACHE_REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/cache.h"
#include "datapath/express.h"
#include "datapath/role.h"

struct cache_entry;
struct flow;
struct pmd;

enum {
	CACHE_FLOWS = 8,		    /* flows in an entry */
	REST_AT = EXPRESS_FLOWS_MAX - 1,    /* where in 'id' a rest's number is; */
	REST_IDS = CACHE_WAY_MAX - REST_AT, /* ids that have to be elsewhere */
	REST_FLOWS = CACHE_WAY_MAX - CACHE_FLOWS,
	REST_PATHS = 64,
	REST_NO_PATH = UINT16_MAX,
};

struct cache_rest {
	uint32_t id[REST_IDS];
	uint32_t next; /* of those given back: its number + 1 */
	uint8_t table[CACHE_WAY_MAX];
	const struct flow *flow[REST_FLOWS];
} __attribute__((aligned(64)));

struct cache_rests {
	struct cache_rest *mem;
	uint64_t max;
	uint32_t n_used;  /* of long ways, now */
	uint32_t n_known; /* were used ever: memory has come for them */
	uint32_t back;	  /* the first of those given back: its number + 1; 0: none */
	uint32_t n_paths;
	uint8_t path[REST_PATHS][CACHE_WAY_MAX + 1]; /* number of tables, and the tables */
};

/* Whether so many flows are a long way. */
static inline bool way_is_long(uint32_t n_flows)
{
	return n_flows > EXPRESS_FLOWS_MAX;
}

/* For 'max' entries.  0 or -ENOMEM; _fini whatever that was. */
int cache_rests_init(struct cache_rests *r, uint64_t max) CONTROL;
void cache_rests_fini(struct cache_rests *r) CONTROL;
/* No entry has one any more. */
void cache_rests_reset(struct cache_rests *r);
/* No entry has a path any more. */
void cache_rests_forget_paths(struct cache_rests *r);

/* An entry gets another way, of 'n' flows, before anything is written to it: the number of its
 * rest, if it is long. */
uint32_t cache_rest_claim(struct cache_rests *r, const struct cache_entry *e, uint32_t n);
/* ... and everything was, but for what makes it a long one. */
void cache_rest_keep(struct cache_rests *r, struct cache_entry *e, uint32_t no,
		     const struct flow *const *flow, uint32_t n);

/* 'n' packets have gone a long way: its flows are counted. */
void cache_rest_count(struct pmd *w, const struct express *x, uint32_t n, uint64_t bytes);
/* ... and its tables; 'path': cache_rest_path(x), or REST_NO_PATH. */
void cache_rest_count_tables(struct pmd *w, const struct express *x, uint32_t n);
void cache_rest_count_path(struct pmd *w, uint32_t path, uint32_t n);

/* The number of the path of a long way. */
static inline uint32_t cache_rest_path(const struct express *x)
{
	return x->table[0] | (uint32_t)x->table[1] << 8;
}

#endif
