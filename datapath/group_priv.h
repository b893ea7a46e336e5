/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group and its buckets, as group*.c change them and group_run.c runs them.
 *
 * PMDs read a group's newest body that their burst's version shows.  Counters are relaxed atomics:
 * groups are met by several PMDs, but not by every packet.
 */
#ifndef WEFT_DATAPATH_GROUP_PRIV_H
#define WEFT_DATAPATH_GROUP_PRIV_H

#include <uthash.h>

#include "datapath/group.h"
#include "datapath/port.h"
#include "datapath/select.h"

enum {
	GROUPS_MAX = 65536,
	BUCKETS_MAX = 1024, /* in a group */
	GROUP_DEPTH = 8,    /* groups in groups that a packet goes through */
	/* Buckets that a packet and its copies come to: a bound on n^GROUP_DEPTH. */
	BUCKET_RUNS_MAX = 4096,
};

struct group_bucket {
	struct insts *insts;
	uint32_t id; /* 1.5's; what 1.3's messages bring has 0, 1, ... */
	uint32_t weight;
	uint32_t watch_port, watch_group; /* OFPP_ANY, OFPG_ANY: not watched */
	_Atomic bool live; /* watches nothing, or a group that lives (control thread) */
	_Atomic uint64_t packets, bytes;
};

struct group_body {
	uint64_t added; /* version that shows it first */
	struct group_body *_Atomic older;
	struct select *select;	  /* of a SELECT group; NULL */
	struct group_body *newer; /* control thread */
	struct group *group;
	struct dp *dp;
	struct arena arena;	  /* of 'list' */
	struct of_list list;	  /* buckets as they came, for OFPMP_GROUP_DESC */
	struct of_selection *how; /* as it came; NULL: the switch's own */
	uint8_t type;		  /* OFPGT_* */
	uint32_t n;
	struct group_bucket bucket[];
};

struct group {
	struct group_body *_Atomic body;
	_Atomic uint64_t packets, bytes;
	/* Control thread. */
	uint32_t id;
	uint32_t refs;	    /* flows and buckets that refer to it */
	uint32_t flows;	    /* of them that are installed */
	uint32_t chained;   /* installed groups that do */
	uint32_t mark;	    /* scratch: visited */
	unsigned int depth; /* ... from so far up */
	bool gone;	    /* deleted for good; freed with its last reference */
	struct dp *dp;
	double created;
	UT_hash_handle hh;
};

struct group_table {
	struct group *groups; /* by id */
	uint32_t n_watching;  /* of them, whose buckets watch groups */
	uint32_t mark;	      /* last group.mark */
};

/* What a message asks for, whichever layout it came in. */
struct group_spec {
	uint16_t command; /* OFPGC_* */
	uint8_t type;	  /* OFPGT_* */
	uint32_t id;
	struct of_list buckets;		/* struct of_bucket */
	const uint32_t *bucket_ids;	/* NULL: 0, 1, ... */
	const struct of_selection *how; /* NULL: the switch's own */
	bool keep_counters;		/* of buckets that stay */
};

static inline struct group_body *group_body(const struct group *g)
{
	return atomic_load_explicit(&g->body, memory_order_relaxed);
}

/* 7.3.4.2: a bucket lives if what it watches does.  Ports are looked at as they are now, so that
 * one store to a port's state turns every group that watches it. */
static inline bool group_bucket_lives(const struct dp *dp, const struct group_bucket *k)
{
	const struct port *p;

	if (atomic_load_explicit(&k->live, memory_order_relaxed))
		return true;
	if (k->watch_port == OFPP_ANY)
		return false;
	p = port_by_no(dp, k->watch_port);
	return p && port_is_live(p);
}

/* ---- group.c ---- */

#define GROUP_REFUSE(e, code, ...) of_err_set(e, OFPET_GROUP_MOD_FAILED, code, __VA_ARGS__)

int group_apply(struct dp *dp, const struct group_spec *s, struct of_err *e) CONTROL;

/* ---- group_check.c ---- */

/* What can be said before the body is made. */
int group_check(struct dp *dp, const struct group_spec *s, struct of_err *e) CONTROL;
/* Whether 'b' may be the body of 'g': no loops of groups in groups, none too long. */
int group_check_chain(struct dp *dp, const struct group_body *b, const struct group *g,
		      struct of_err *e) CONTROL;

/* ---- group_live.c ---- */

/* Sets 'live' of the body's buckets; of all bodies, until nothing changes. */
bool group_refresh(const struct dp *dp, struct group_body *b) CONTROL;
void group_refresh_all(const struct dp *dp) CONTROL;

#endif
