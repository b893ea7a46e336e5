/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are kept for later, in their order: a bundle's.
 *
 * Flow_mods of one form (ofproto/form.h) differ in few words; of each only those are kept, and what
 * they have in common once.  What is read of them later is byte for byte what came.
 *
 * Control thread.  Owner: the caller.
 */
#ifndef WEFT_DATAPATH_KEPT_H
#define WEFT_DATAPATH_KEPT_H

#include "ofproto/form.h"

enum { KEPT_RUN = 16 }; /* messages read at once */

struct kept_block;
struct kept_run;
struct kept_form;

struct kept {
	struct kept_block *first, *last;
	struct kept_run *run;	/* the last one of all, if it ends 'last'; else NULL */
	struct kept_form *form; /* the last one of a list */
	uint64_t bytes;		/* of memory, nearly */
};

/* Bytes that a message of 'n' takes at most. */
size_t kept_most(size_t n);
/* 0 or -ENOMEM. */
int kept_add(struct kept *k, const uint8_t *raw, uint16_t n);
/*
 * Messages of which each is what stands 'at' bytes behind the beginning of one that has the form
 * 'f'; a multiple of eight.  How many were kept: fewer if memory is short.
 */
unsigned int kept_add_like(struct kept *k, const struct of_form *f, size_t at,
			   const uint8_t *const *raw, unsigned int n_msgs);
void kept_fini(struct kept *k);

/* Where a walk over them is. */
struct kept_walk {
	const struct kept_block *block;
	size_t at;
	unsigned int nth; /* in a run */
	uint64_t room[KEPT_RUN][OF_FORM_MAX / 8];
};

void kept_walk_init(struct kept_walk *w, const struct kept *k);
/* The next ones, all of 'n' bytes, until the next call; how many, 0: that was all. */
unsigned int kept_next(struct kept_walk *w, const uint8_t **raw, uint16_t *n);

#endif
