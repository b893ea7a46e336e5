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
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* The same in one instruction, which compilers do not make of it. */
	__asm__("addq %1, %0" : "+m"(*(uint64_t *)c) : "er"(n) : "cc");
#else
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
#endif
}

static inline uint64_t counter_get(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

#endif
