/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An underlay address: IPv6, or IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), so that one type, one
 * compare and one table serve both.
 *
 * Plain data, any thread.
 */
#ifndef WEFT_VXLAN_ADDR_H
#define WEFT_VXLAN_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/byteorder.h"

struct vxlan_addr {
	uint8_t b[16];
};

/* Fits an address of either kind as text. */
#define VXLAN_ADDR_STRLEN 46

static inline struct vxlan_addr vxlan_addr_v4(be32 ip)
{
	/* Two words, as they are read: a word that was written in parts has to be waited for. */
	const uint64_t w[2] = { 0, htobe64(UINT64_C(0xffff00000000) | be32toh(ip)) };
	struct vxlan_addr a;

	memcpy(a.b, w, 16);
	return a;
}

static inline struct vxlan_addr vxlan_addr_v6(const uint8_t ip[16])
{
	struct vxlan_addr a;

	memcpy(a.b, ip, 16);
	return a;
}

static inline bool vxlan_addr_eq(const struct vxlan_addr *a, const struct vxlan_addr *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a->b, 16);
	memcpy(y, b->b, 16);
	return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
}

static inline bool vxlan_addr_is_v4(const struct vxlan_addr *a)
{
	return get_be64(a->b) == 0 && get_be32(a->b + 8) == 0xffff;
}

/* The four bytes of an IPv4 address. */
static inline be32 vxlan_addr_to_v4(const struct vxlan_addr *a)
{
	be32 ip;

	memcpy(&ip, a->b + 12, 4);
	return ip;
}

static inline bool vxlan_addr_is_zero(const struct vxlan_addr *a)
{
	return get_be64(a->b) == 0 &&
	       (get_be64(a->b + 8) == 0 || get_be64(a->b + 8) == UINT64_C(0xffff00000000));
}

static inline bool vxlan_addr_is_multicast(const struct vxlan_addr *a)
{
	return vxlan_addr_is_v4(a) ? a->b[12] >= 224 : a->b[0] == 0xff;
}

/* Multiply-mix with a secret of the table's own, so that nobody who chooses addresses can choose
 * chains.  One 64x64 multiplication. */
static inline uint32_t vxlan_addr_hash(const uint64_t key[2], const struct vxlan_addr *a)
{
	uint64_t w[2];
	unsigned __int128 x;

	memcpy(w, a->b, sizeof(w));
	x = (unsigned __int128)(w[0] ^ key[0]) * (w[1] ^ key[1]);
	return (uint32_t)(x >> 64) ^ (uint32_t)(x >> 32) ^ (uint32_t)x;
}

/* "192.0.2.1" or "2001:db8::1"; 0 or -EINVAL. */
int vxlan_addr_parse(const char *text, struct vxlan_addr *a);

/* Into 'buf', which it returns. */
const char *vxlan_addr_format(const struct vxlan_addr *a, char buf[VXLAN_ADDR_STRLEN]);

#endif
