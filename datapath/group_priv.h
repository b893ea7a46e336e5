/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group and its buckets, as group.c changes them and group_run.c runs them.
 *
 * PMDs read a group's newest body that their burst's version shows.  Counters are relaxed atomics:
 * groups are met by several PMDs, but not by every packet.
 */
#ifndef WEFT_DATAPATH_GROUP_PRIV_H
#define WEFT_DATAPATH_GROUP_PRIV_H

#include <uthash.h>

#include "datapath/group.h"

enum {
	GROUPS_MAX = 65536,
	BUCKETS_MAX = 1024, /* in a group */
	GROUP_DEPTH = 8,    /* groups in groups that a packet goes through */
};

struct group_bucket {
	struct insts *insts;
	uint32_t weight;
	uint32_t watch_port, watch_group; /* OFPP_ANY, OFPG_ANY: not watched */
	_Atomic bool live;		  /* kept by the control thread */
	_Atomic uint64_t packets, bytes;
};

struct group_body {
	uint64_t added; /* version that shows it first */
	struct group_body *_Atomic older;
	struct group_body *newer; /* control thread */
	struct group *group;
	struct dp *dp;
	struct arena arena;  /* of 'list' */
	struct of_list list; /* buckets as they came, for OFPMP_GROUP_DESC */
	uint8_t type;	     /* OFPGT_* */
	uint32_t n;
	struct group_bucket bucket[];
};

struct group {
	struct group_body *_Atomic body;
	_Atomic uint64_t packets, bytes;
	/* Control thread. */
	uint32_t id;
	uint32_t refs;	    /* flows and buckets that refer to it */
	uint32_t chained;   /* buckets of installed groups that do */
	uint32_t mark;	    /* scratch: visited */
	unsigned int depth; /* ... from so far up */
	bool gone;	    /* deleted for good; freed with its last reference */
	struct dp *dp;
	double created;
	UT_hash_handle hh;
};

#endif
