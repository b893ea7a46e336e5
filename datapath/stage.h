/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a packet thread's time goes: cycles and packets for each stage of a burst (stage.def), and
 * for each table's lookups.  `weftctl switch perf` shows them.
 *
 * Of an iteration in some hundreds, or of each where packets are few, the stages are measured; in
 * all others a probe is a branch that is not taken.  It is chosen by the clock, whatever the
 * iteration before was like, and begins to be measured when it has packets, so that looking in vain
 * costs nothing.  A probe says what begins: the time since the last one was that stage's.  Probes
 * stand where bursts go from stage to stage, never in a packet's own way.
 *
 * The packet thread's own; other threads read the counters.  Owner: struct pmd.
 */
#ifndef WEFT_DATAPATH_STAGE_H
#define WEFT_DATAPATH_STAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapath/counter.h"

enum stage {
#define STAGE(id, ...) STAGE_##id,
#include "datapath/stage.def"
#undef STAGE
	N_STAGES
};

extern const char *const stage_names[N_STAGES], *const stage_texts[N_STAGES];

enum { STAGE_EVERY_US = 250 }; /* between iterations that are measured, at least and on average */

struct stage_counts {
	_Atomic uint64_t cycles, packets;
};

struct stages {
	bool on; /* this iteration is measured */
	uint8_t stage;
	uint32_t random;
	uint64_t due;	/* TSC from which on the next one is to be */
	uint64_t since; /* TSC at which 'stage' began */
	uint64_t every; /* cycles of STAGE_EVERY_US */
	_Atomic uint64_t iterations, bursts, packets, cycles; /* measured */
	struct stage_counts at[N_STAGES];
	struct stage_counts table[256]; /* lookups by the classifiers alone */
};

void stage_init(struct stages *s, uint64_t hz);

/* Parts of what follows, off the way. */
void stage_start(struct stages *s, uint64_t now);
void stage_turn(struct stages *s, enum stage next, uint64_t n);
void stage_looked_up(struct stages *s, unsigned int table, enum stage next, uint64_t n);

/* 'n' packets are at hand, in an iteration that began at 'now'. */
static inline void stage_found(struct stages *s, uint64_t now, uint64_t n)
{
	if (__builtin_expect(now >= s->due, 0))
		stage_start(s, now);
	if (__builtin_expect(s->on, 0)) {
		counter_add(&s->bursts, 1);
		counter_add(&s->at[STAGE_RECEIVE].packets, n);
	}
}

/* 'stage' begins, with 'n' packets (0: with those that it had). */
static inline void stage_begin(struct stages *s, enum stage stage, uint64_t n)
{
	if (__builtin_expect(s->on, 0))
		stage_turn(s, stage, n);
}

/* The same with those of a set. */
static inline void stage_begin_set(struct stages *s, enum stage stage, uint64_t who)
{
	if (__builtin_expect(s->on, 0))
		stage_turn(s, stage, (uint64_t)__builtin_popcountll(who));
}

/* STAGE_LOOKUP, of 'who' in that table, ends; 'next' begins, or goes on, with them. */
static inline void stage_end_lookup(struct stages *s, unsigned int table, enum stage next,
				    uint64_t who)
{
	if (__builtin_expect(s->on, 0))
		stage_looked_up(s, table, next, (uint64_t)__builtin_popcountll(who));
}

/* The iteration ended at 'end' and had 'n' packets. */
void stage_stop(struct stages *s, uint64_t end, uint64_t n);

#endif
