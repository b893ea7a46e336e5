/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meters inside: what meter.c (packets), meter_mod.c (changes) and meter_stats.c (reading) share.
 *
 * Rates are kept as a time of arrival: each band has the moment at which the packets it let through
 * so far would have arrived at exactly its rate.  A packet conforms while that moment is no more
 * than the burst ahead of now.  That is a token bucket in one word, so that PMDs share it by
 * compare-and-swap.
 */
#ifndef WEFT_DATAPATH_METER_PRIV_H
#define WEFT_DATAPATH_METER_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>

#include <uthash.h>

#include "datapath/meter.h"

enum { METER_VIRTUALS = 2 };

struct meter_band {
	uint32_t rate;	     /* kb/s or packets/s */
	int verdict;	     /* on what exceeds it: METER_DROP or prec_level */
	uint64_t per_s;	     /* bits or packets a second */
	uint64_t burst;	     /* time that a full bucket lasts */
	_Atomic uint64_t at; /* the moment, since the body was made */
	_Atomic uint64_t packets, bytes;
};

/* A meter's configuration; swapped whole. */
struct meter_body {
	uint64_t epoch;	 /* TSC */
	uint64_t second; /* in parts of cycles, METER_FRACTION */
	uint16_t flags;	 /* OFPMF_* */
	struct arena arena;
	struct of_list list; /* bands as they came */
	struct meter *meter;
	uint32_t n;
	struct meter_band band[];
};

struct meter {
	struct meter_body *_Atomic body;
	_Atomic uint64_t packets, bytes;
	/* Control thread. */
	uint32_t id;
	uint32_t refs;	/* flows, to the last that anybody may see */
	uint32_t flows; /* ... that are installed */
	bool gone;	/* deleted for good; freed with its last reference */
	double created;
	UT_hash_handle hh;
};

struct meter_table {
	struct meter *_Atomic virtual[METER_VIRTUALS]; /* by enum meter_virtual; NULL: no limit */
	/* Control thread. */
	struct meter *meters; /* by id */
	bool sorted;
};

static inline bool meter_is_virtual(uint32_t id)
{
	return id == OFPM_SLOWPATH || id == OFPM_CONTROLLER;
}

static inline struct meter_body *meter_body(const struct meter *m)
{
	return atomic_load_explicit(&m->body, memory_order_relaxed);
}

#define METER_REFUSE(e, code, ...) of_err_set(e, OFPET_METER_MOD_FAILED, code, __VA_ARGS__)

/* Frees 'm' after a grace period if it was deleted and nobody uses it. */
void meter_release_if_unused(struct dp *dp, struct meter *m) CONTROL;

#endif
