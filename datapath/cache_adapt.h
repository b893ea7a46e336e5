/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the flow cache pays, by measurement: what a packet costs with it and without it.
 *
 * No count of hits can tell.  A hit saves lookups, which cost much in large tables and next to
 * nothing in small ones, and costs lines of memory, which others would have used.  So short windows
 * of packets go with the cache and without it in turn, the lower quartiles of what a packet took
 * are compared, so that interrupts and other processes do not decide, and the winner stays for
 * a long time, twice as long each time that it wins again.  The cache is warmed before.  Where the
 * first windows leave no doubt, there are no more of them.
 *
 * Bursts that are looked up by the run (express_alike.h) are not counted here, for nothing can be
 * cheaper than one look for many packets, and noise had them go without the cache now and then.
 *
 * A trial costs what the loser takes more in 1 % of the packets at most, once things are steady,
 * and, unless tables changed, no more than one part in ADAPT_PART of what follows until the next.
 * Owner: one PMD's cache; plain numbers, no clock of its own.
 */
#ifndef WEFT_DATAPATH_CACHE_ADAPT_H
#define WEFT_DATAPATH_CACHE_ADAPT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	ADAPT_WARM = 1 << 18,  /* packets that the cache is used for before it is measured */
	ADAPT_LEAD = 2048,     /* packets of a window that find the processor's caches as the window
				  before left them: not measured */
	ADAPT_WINDOW = 6144,   /* ... that are */
	ADAPT_WINDOWS = 9,     /* with it; and as many without it */
	ADAPT_CLEAR = 3,       /* ... where all of one kind cost half as much again as any other */
	ADAPT_LEAST = 1 << 19, /* packets between trials, however often tables change */
	ADAPT_HOLD_MIN = 1 << 22, /* packets for which a winner stays the first time */
	ADAPT_HOLD_MAX = 1 << 25,
	ADAPT_PART = 50,
	ADAPT_MARGIN = 32, /* the other one must be better by one in so many */
};

enum adapt_phase { ADAPT_WARMS, ADAPT_TRIES, ADAPT_HOLDS, ADAPT_SURE /* on; nothing to try */ };

struct cache_adapt {
	bool on; /* the cache is to be used now */
	bool winner;
	uint8_t phase; /* enum adapt_phase */
	uint8_t n;     /* windows that are over */
	uint32_t packets, in_lead, cut;
	uint64_t cycles;
	bool called;	/* before its time, by cache_adapt_again() */
	bool doubt;	/* tables changed while it was measured */
	uint32_t left;	/* packets after which the phase is over */
	uint32_t held;	/* ... and that were seen */
	uint32_t hold;	/* how long the winner stays if nothing happens */
	uint32_t least; /* ... and whatever happens; grows while trials that were called for tell
			   nothing new */
	uint32_t least_cost[2], cost[2][ADAPT_WINDOWS]; /* without it, with it */
	uint32_t found[2];				/* by the last trial; 0: there was none */
};

void cache_adapt_init(struct cache_adapt *a);
/* 'packets' took 'cycles' together, all in one way. */
void cache_adapt_spent(struct cache_adapt *a, uint32_t packets, uint64_t cycles);
/* Whether what the cache does is less than any table could, so that there is nothing to measure. */
void cache_adapt_sure(struct cache_adapt *a, bool sure);
/* Traffic ('tables': the tables) is another now: the winner is to be found again, unless it was
 * just found. */
void cache_adapt_again(struct cache_adapt *a, bool tables);

#endif
