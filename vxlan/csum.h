/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Internet checksum (RFC 1071), on bytes.
 *
 * Sums are kept unfolded and in memory order: the result is stored as it is, without a swap
 * (RFC 1071, 2 B).  A right packet sums to 0xffff.
 * Pure functions, any thread.
 */
#ifndef WEFT_VXLAN_CSUM_H
#define WEFT_VXLAN_CSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/byteorder.h"

/* Adds the 'n' bytes at 'p' to 'sum'; an odd last byte counts as if a zero followed. */
static inline uint64_t vxlan_csum_add(uint64_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t x[2], much = 0;
	uint32_t w;
	uint16_t h = 0;

	for (; n >= 16; n -= 16, b += 16) { /* the carry comes round */
		memcpy(x, b, 16);
		much += x[0];
		much += much < x[0];
		much += x[1];
		much += much < x[1];
	}
	sum += (much & UINT32_MAX) + (much >> 32);
	for (; n >= 4; n -= 4, b += 4) {
		memcpy(&w, b, 4);
		sum += w;
	}
	if (n >= 2) {
		memcpy(&h, b, 2);
		sum += h;
		b += 2;
		h = 0;
	}
	if (n & 1) {
		memcpy(&h, b, 1);
		sum += h;
	}
	return sum;
}

/* To 16 bits; not yet complemented. */
static inline uint16_t vxlan_csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The checksum field of what sums to 'sum', to be stored with memcpy(). */
static inline uint16_t vxlan_csum_of(uint64_t sum)
{
	return (uint16_t)~vxlan_csum_fold(sum);
}

/* The pseudo-header: 'addrs' is source and destination as they stand in the IP header, 8 bytes of
 * IPv4 or 32 of IPv6; 'len' is the upper layer's. */
static inline uint64_t vxlan_csum_pseudo(const void *addrs, size_t n, uint8_t proto, uint32_t len)
{
	return vxlan_csum_add(0, addrs, n) + htobe32(len) + htobe32(proto);
}

#endif
