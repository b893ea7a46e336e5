/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames longer than one packet buffer: chains of segments.
 *
 * The first segment keeps its headroom, so that headers can still be pushed; those behind it are
 * filled from end to end.  Pure functions on the caller's mbufs; any thread that may use 'pool'.
 */
#ifndef WEFT_DATAPATH_CHAIN_H
#define WEFT_DATAPATH_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;

/* A frame of these bytes; NULL: no buffer. */
struct rte_mbuf *chain_new(struct rte_mempool *pool, const void *bytes, uint32_t n);

/* Puts 'n' bytes at the end of 'm'; false: no buffer, and 'm' is as long as it got. */
bool chain_append(struct rte_mbuf *m, const void *bytes, uint32_t n, struct rte_mempool *pool);

/* The same with 'n' bytes of 'src' from 'off' on, which it must have. */
bool chain_append_part(struct rte_mbuf *m, const struct rte_mbuf *src, uint32_t off, uint32_t n,
		       struct rte_mempool *pool);

/* Takes the end away: 'n' bytes are left, which it must have. */
void chain_cut(struct rte_mbuf *m, uint32_t n);

/* Copies 'n' bytes of 'm' from 'off' on, which it must have, to 'to'. */
void chain_read(const struct rte_mbuf *m, uint32_t off, uint32_t n, void *to);

/*
 * The ones' complement sum of 'n' bytes of 'm' from 'off' on, which it must have, in 16 bits, as
 * csum_sum() of them.  (rte_raw_cksum_mbuf() of DPDK 22.11 loses carries of a segment that begins
 * at an odd place.)
 */
uint16_t chain_sum(const struct rte_mbuf *m, uint32_t off, uint32_t n);

#endif
