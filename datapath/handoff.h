/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For ThreadSanitizer: a frame that one packet thread sends to a ring device may come to another
 * one by it, and the ring is in a library that ThreadSanitizer does not see into.  Nothing in other
 * builds.  PMD threads.
 */
#ifndef WEFT_DATAPATH_HANDOFF_H
#define WEFT_DATAPATH_HANDOFF_H

struct rte_mbuf;

#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *p);
void __tsan_release(void *p);

static inline void handoff_taken(struct rte_mbuf **m, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		__tsan_acquire(m[i]);
}

static inline void handoff_given(struct rte_mbuf **m, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		__tsan_release(m[i]);
}
#else
static inline void handoff_taken(struct rte_mbuf **m, unsigned int n)
{
}

static inline void handoff_given(struct rte_mbuf **m, unsigned int n)
{
}
#endif

#endif
