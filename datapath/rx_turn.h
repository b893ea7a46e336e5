/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets a turn: receive queues that are full share their packet thread by time, not by packets.
 *
 * A round takes a burst of each queue.  Were that all, a port whose packets cost ten times the
 * others' would have ten times their share of the thread, and they lose what is not theirs.  So a
 * queue whose bursts are dearer than the cheapest one's misses rounds: what it costs it owes, and
 * each round forgives what the cheapest one costs (deficit round robin, in cycles).  It owes half
 * as much again, because what it empties the processor's caches of makes the others' frames dearer:
 * with equal times a port kept 60 to 70 % of what it had, beside one whose flows were all new, with
 * two to three 87 to 98 %.  What it misses stays in its device, who counts what finds no room.
 *
 * That is for queues that fill a burst.  Who had less is served in each round, and owes nothing.
 *
 * What a burst costs is measured in one round of TURN_EVERY; if all cost about the same, or only
 * one is full, nothing is done in others.  What is sent meanwhile is not of the queue that happened
 * to fill up a lot: it is spread over the round's frames.
 *
 * One packet thread; no clock, no device.
 */
#ifndef WEFT_DATAPATH_RX_TURN_H
#define WEFT_DATAPATH_RX_TURN_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TURN_EVERY = 61,
	TURN_PATIENCE = 16, /* who was not there in so many of those has its turn, whatever it owes:
			       it may have become cheap */
};

/* Of one queue. */
struct rx_turn {
	uint32_t cost;	/* cycles of a full burst, on average */
	uint32_t price; /* what it pays: that and more, or as the cheapest if it is hardly dearer */
	uint32_t debt;
	uint32_t n;	 /* frames of the round that is measured, 0: it has no turn ... */
	uint64_t cycles; /* ... and what they took without sending */
	uint8_t missed;	 /* rounds that were measured, since it had its turn in one */
	bool full;	 /* it fills its bursts */
};

/* Of all queues of a thread. */
struct rx_turns {
	uint32_t round;
	uint32_t forgiven; /* in each round; 0: all may have theirs each time */
	bool timed;	   /* this round is measured */
	uint64_t aside;	   /* cycles that sending took in it */
};

/* A round begins.  Whether it is measured. */
static inline bool rx_turns_begin(struct rx_turns *t)
{
	t->timed = ++t->round % TURN_EVERY == 0;
	return t->timed;
}

/* Whether the queue has its turn; it is to be told what came of it. */
static inline bool rx_turn_has(const struct rx_turns *t, struct rx_turn *q)
{
	if (!q->full || !t->forgiven)
		return true;
	q->debt = q->debt > t->forgiven ? q->debt - t->forgiven : 0;
	if (q->debt >= t->forgiven && !(t->timed && ++q->missed == TURN_PATIENCE))
		return false;
	if (t->timed)
		q->missed = 0;
	q->debt += q->price;
	return true;
}

/* It had 'n' frames of at most 'most'. */
static inline void rx_turn_had(struct rx_turn *q, uint32_t n, uint32_t most)
{
	if (n == most)
		return;
	q->full = false;
	q->debt = 0;
}

/* A measured round is over, of 'n' queues, 'stride' bytes apart, whose 'n', 'full' and 'cycles' are
 * of this round. */
void rx_turns_settle(struct rx_turns *t, struct rx_turn *q, uint32_t n, uint32_t stride);

#endif
