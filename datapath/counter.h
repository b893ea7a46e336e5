/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters that one thread writes and any thread reads.
 *
 * One writer needs no locked instruction: a relaxed load and store do, which '+=' on an atomic
 * would not be.  Readers see each counter whole, though not all of them at one moment.
 */
#ifndef WEFT_DATAPATH_COUNTER_H
#define WEFT_DATAPATH_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

/* Only the thread that owns 'c'. */
static inline void counter_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline uint64_t counter_get(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

#endif
