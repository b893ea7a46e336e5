/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Big-endian integers in memory and in buffers.
 *
 * beNN types only tell the reader which order a value is in; get_/put_ work on bytes at any
 * alignment.  Pure functions, any thread.
 */
#ifndef WEFT_BASE_BYTEORDER_H
#define WEFT_BASE_BYTEORDER_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t be16;
typedef uint32_t be32;
typedef uint64_t be64;

static inline uint16_t get_be16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return be16toh(v);
}

static inline uint32_t get_be32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline uint64_t get_be64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static inline void put_be16(void *p, uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_be32(void *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_be64(void *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

/* The big-endian integer in the 'n' <= 8 bytes at 'p'. */
static inline uint64_t get_be(const void *p, unsigned int n)
{
	const uint8_t *b = p;
	uint64_t v = 0;

	switch (n) {
	case 1:
		return *b;
	case 2:
		return get_be16(p);
	case 4:
		return get_be32(p);
	case 8:
		return get_be64(p);
	}
	while (n--)
		v = v << 8 | *b++;
	return v;
}

/* Writes the low 'n' <= 8 bytes of 'v' at 'p', most significant first. */
static inline void put_be(void *p, unsigned int n, uint64_t v)
{
	uint8_t *b = p;

	switch (n) {
	case 1:
		*b = (uint8_t)v;
		return;
	case 2:
		put_be16(p, (uint16_t)v);
		return;
	case 4:
		put_be32(p, (uint32_t)v);
		return;
	case 8:
		put_be64(p, v);
		return;
	}
	while (n--) {
		b[n] = (uint8_t)v;
		v >>= 8;
	}
}

#endif
