/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of the region before they are needed.  Control thread.
 *
 * The kernel clears a page when it is first written: a huge one takes it some 300 us, in which a
 * packet thread would lose packets.  So the index comes whole, and of the pool what may be used
 * until the next time, going by how much was since the last.  What comes too late, or an old
 * kernel does not do, is done where it is needed.
 */
#include <errno.h>
#include <sys/mman.h>

#include "datapath/ct_priv.h"

enum {
	CHUNK = 2 << 20,
	AHEAD_MIN = 16384, /* slots; 3 MB */
};

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/* Bytes that part 'p' should have, when 'n' slots are to be ready. */
static uint64_t wanted(const struct ct_head *h, enum ct_part p, uint64_t n)
{
	switch (p) {
	case CT_P_BUCKETS:
		return h->n_buckets * sizeof(struct ct_bucket);
	case CT_P_CONNS:
		return n * sizeof(struct ct_conn);
	case CT_P_DEADLINES:
		return n * sizeof(uint32_t);
	case CT_P_BLOCKS:
		return n / h->block_slots * sizeof(struct ct_block);
	case CT_P_ZONES:
	case CT_N_PARTS:
		break;
	}
	return 0;
}

void ct_warm_more(struct ct *t)
{
	const uint32_t used = atomic_load_explicit(&t->head->used, memory_order_relaxed);
	const uint64_t n = used + UINT64_C(2) * (used - t->was_used) + AHEAD_MIN;

	t->was_used = used;
	t->want_slots = n < t->max ? (uint32_t)n : t->max;
}

bool ct_warm(struct ct *t)
{
	for (int p = 0; p < CT_N_PARTS; p++) {
		char *at = (char *)t->head + t->head->at[p];

		if (t->warm[p] >= wanted(t->head, (enum ct_part)p, t->want_slots))
			continue;
		/* Parts begin and end where a chunk does. */
		if (madvise(at + t->warm[p], CHUNK, MADV_POPULATE_WRITE) && errno != EINTR) {
			t->want_slots = 0;
			t->warm[CT_P_BUCKETS] = UINT64_MAX;
			return false;
		}
		t->warm[p] += CHUNK;
		return true;
	}
	return false;
}
