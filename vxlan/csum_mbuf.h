/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Internet checksum over a packet in several segments, any of which may have an odd length.
 *
 * Pure function, any thread that owns the mbuf.
 */
#ifndef WEFT_VXLAN_CSUM_MBUF_H
#define WEFT_VXLAN_CSUM_MBUF_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include "vxlan/csum.h"

/* The sum of the 'n' bytes from byte 'off' of 'm' on; fewer if the packet ends before. */
static inline uint64_t vxlan_csum_mbuf(const struct rte_mbuf *m, uint32_t off, uint32_t n)
{
	uint64_t sum = 0;
	bool odd = false;

	for (; m && n; m = m->next) {
		uint32_t here;
		uint16_t s;

		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		here = RTE_MIN(m->data_len - off, n);
		s = vxlan_csum_fold(
			vxlan_csum_add(0, rte_pktmbuf_mtod_offset(m, uint8_t *, off), here));
		sum += odd ? rte_bswap16(s) : s;
		odd ^= here & 1;
		n -= here;
		off = 0;
	}
	return sum;
}

#endif
