/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of punt.c and inject.c: the slots of each PMD, and who is awake.
 *
 * 'free' and 'inject_free' are the ways back for slots; each ring has one producer and one
 * consumer.
 */
#ifndef WEFT_DATAPATH_PUNT_SIDE_H
#define WEFT_DATAPATH_PUNT_SIDE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapath/punt.h"

struct rte_ring;

enum {
	PUNT_SLOTS = 1024,
	INJECT_SLOTS = 1024,
	PUNT_BATCH = 32,
	PUNT_REASONS = 8, /* OFPR_* */
};

struct punt_buckets { /* of one port: packet-ins by reason, then the other kinds */
	uint64_t full[PUNT_REASONS + N_PUNT_KINDS - 1];
};

/* Belongs to a PMD; the control thread uses its ends of the rings only. */
struct punt_side {
	struct punt *slots;
	struct inject *injects;
	struct punt_buckets *buckets; /* by port slot */
	struct rte_ring *free, *inject_free;
	uint64_t rate;		     /* as it was when the buckets were last emptied */
	bool punted;		     /* since the last wake */
	uint32_t flows_sent;	     /* punts of learn.h */
	_Atomic uint32_t flows_done; /* of these; control thread */
	/* Control thread: slots ready to be filled. */
	struct inject *spare[INJECT_SLOTS];
	unsigned int n_spare;
};

/* What a punt has is freed; its slot is as new. */
void punt_free_frames(struct punt *p);

struct punt_state {
	int fd;
	uint64_t hz;
	_Atomic uint64_t rate; /* a second << 32 | burst, changed together */
	_Atomic bool sleeping;
	/* Control thread. */
	uint32_t lost; /* frames that found no slot or buffer, and no PMD has counted yet */
};

#endif
