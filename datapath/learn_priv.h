/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of learn.c, learn_limit.c and learn_run.c: learn actions, and what was learned.
 */
#ifndef WEFT_DATAPATH_LEARN_PRIV_H
#define WEFT_DATAPATH_LEARN_PRIV_H

#include <uthash.h>

#include "base/arena.h"
#include "datapath/learn.h"
#include "ofproto/nx.h"

struct flow_vec;

/*
 * Hashes of the flows of a table with a cookie, for limits: the control thread writes, PMDs look.
 * Places are filled before they are emptied, and stay marked when they are, so that a search never
 * stops before what it looks for.
 */
struct learn_known {
	uint32_t mask;
	uint32_t used; /* places that are not 0 */
	_Atomic uint64_t v[];
};

struct learned_key {
	uint64_t cookie;
	uint64_t table_id;
};

/* Flows of one table with one cookie, where learn actions care: with a limit or delete_learned. */
struct learned {
	struct learned_key key;
	UT_hash_handle hh;
	uint32_t refs;	   /* learn actions */
	uint32_t deleters; /* installed flows whose actions delete what was learned */
	bool doomed;	   /* the last one of these has gone */
	/* PMDs. */
	_Atomic uint32_t n;	   /* flows */
	_Atomic uint32_t reserved; /* that are on their way here */
	struct learn_known *_Atomic known;
};

/* A learn action. */
struct learn {
	uint32_t id;
	UT_hash_handle hh;
	struct arena arena;
	const struct of_any *action; /* a copy */
	struct of_learn k;	     /* a view of it */
	struct cls_mask takes;	     /* what of a packet makes the flow */
	struct learned *learned;     /* NULL: it does not care */
	struct learn *next_over;     /* its program has gone, but not what packets have sent up */
	bool over;
};

struct learn_state {
	struct learn *learns;
	struct learned *learned;
	struct learn *over; /* until all is drained */
	uint32_t last_id;
	uint32_t targets[256]; /* learn actions for each table */
	struct flow **fin;     /* flows with fin_timeout, by id */
	uint32_t n_fin;
	struct arena arena; /* of one flow_mod */
	bool making;	    /* a learned flow is being installed */
	bool dirty;	    /* ... and not published */
	bool doomed;	    /* some learned are */
	bool stale;	    /* learned flows have gone since the last publication */
	struct learn_counts counts;
};

/* ---- learn_limit.c ---- */

/* One more action that cares; NULL: no memory. */
struct learned *learned_get(struct dp *dp, uint8_t table_id, uint64_t cookie) CONTROL;
void learned_put(struct dp *dp, struct learned *d) CONTROL;
void learned_count(struct dp *dp, const struct flow *f, int by) CONTROL;
/* All of them; -ENOMEM.  'v->v' is the caller's to free. */
int learned_collect(struct dp *dp, const struct learned *d, struct flow_vec *v) CONTROL;
/* A flow that was reserved has come, or not. */
void learned_release(struct dp *dp, uint8_t table_id, uint64_t cookie) CONTROL;
/* Whether the flow is among them. */
bool learned_has(const struct learned *d, uint64_t hash);

/* ---- learn_make.c ---- */

/* The match of what is learned from a key. */
void learn_match(const struct of_learn *k, const struct flow_key *key, struct of_match *m);

#endif
