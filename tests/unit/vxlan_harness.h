/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the VLAN and VXLAN packet tests share: an EAL without devices, one pool whose buffers are
 * counted at the end of each test, packets from hex, and the checksum as RFC 1071 tells it, slowly.
 */
#ifndef TESTS_VXLAN_HARNESS_H
#define TESTS_VXLAN_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "base/byteorder.h"

static struct rte_mempool *pool;

static inline int harness_init(void **state)
{
	static char args[][24] = { "test",     "--no-huge",	     "--no-shconf",
				   "--no-pci", "--no-telemetry",     "-l",
				   "0",	       "--log-level=*:error" };
	char *argv[RTE_DIM(args)];

	for (size_t i = 0; i < RTE_DIM(args); i++)
		argv[i] = args[i];
	if (rte_eal_init(RTE_DIM(args), argv) < 0)
		return -1;
	pool = rte_pktmbuf_pool_create("test", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	return pool ? 0 : -1;
}

static inline int harness_fini(void **state)
{
	rte_mempool_free(pool);
	return rte_eal_cleanup();
}

/* Every buffer is back. */
static inline int harness_no_leak(void **state)
{
	return rte_mempool_in_use_count(pool) == 0 ? 0 : -1;
}

static inline unsigned int nibble(char c)
{
	return c <= '9' ? (unsigned int)(c - '0') : (unsigned int)(c - 'a' + 10);
}

/* Bytes of 'hex' into 'out'; how many. */
static inline uint32_t unhex(const char *hex, uint8_t *out)
{
	uint32_t n = 0;

	for (; hex[0]; hex += 2)
		out[n++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
	return n;
}

static inline struct rte_mbuf *mbuf_of(const uint8_t *p, uint32_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	char *to;

	assert_non_null(m);
	to = rte_pktmbuf_append(m, (uint16_t)n);
	assert_non_null(to);
	memcpy(to, p, n);
	return m;
}

static inline struct rte_mbuf *mbuf_of_hex(const char *hex)
{
	uint8_t b[2048];

	return mbuf_of(b, unhex(hex, b));
}

/* The same bytes, the first 'at' of them in one segment and the rest in a second. */
static inline struct rte_mbuf *mbuf_in_two(const uint8_t *p, uint32_t n, uint32_t at)
{
	struct rte_mbuf *m = mbuf_of(p, at);

	assert_int_equal(rte_pktmbuf_chain(m, mbuf_of(p + at, n - at)), 0);
	return m;
}

/* The packet's bytes, whatever its segments. */
static inline uint32_t bytes_of(const struct rte_mbuf *m, uint8_t *out, uint32_t size)
{
	const void *p;

	assert_true(m->pkt_len <= size);
	p = rte_pktmbuf_read(m, 0, m->pkt_len, out);
	assert_non_null(p);
	if (p != out)
		memcpy(out, p, m->pkt_len);
	return m->pkt_len;
}

static inline void assert_bytes(const struct rte_mbuf *m, const uint8_t *want, uint32_t n)
{
	static uint8_t got[65536];

	assert_int_equal(bytes_of(m, got, sizeof(got)), n);
	assert_memory_equal(got, want, n);
	assert_int_equal(rte_mbuf_check(m, 1, &(const char *){ NULL }), 0);
}

static inline void assert_hex(const struct rte_mbuf *m, const char *hex)
{
	uint8_t want[2048];

	assert_bytes(m, want, unhex(hex, want));
}

/* RFC 1071, byte by byte: 0xffff over what is right. */
static inline uint16_t slow_sum(uint32_t sum, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* ... of an IP packet's upper layer, pseudo-header included. */
static inline uint16_t slow_l4_sum(const uint8_t *ip)
{
	bool v4 = ip[0] >> 4 == 4;
	uint32_t hlen = v4 ? (ip[0] & 15u) * 4 : 40;
	uint32_t len = v4 ? get_be16(ip + 2) - hlen : get_be16(ip + 4);
	uint32_t sum = slow_sum(0, v4 ? ip + 12 : ip + 8, v4 ? 8 : 32);

	return slow_sum(sum + len + (v4 ? ip[9] : ip[6]), ip + hlen, len);
}

#endif
