/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/csum.h"

#include <rte_hash_crc.h>

#include "base/byteorder.h"

static uint32_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Native order throughout: a ones' complement sum does not mind (RFC 1071, 2 B). */
static uint16_t word(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* 64 bits at a time, carries gathered aside: four sums that do not wait for each other. */
uint32_t csum_sum(const uint8_t *p, uint32_t n)
{
	uint64_t lo[2] = { 0 }, hi[2] = { 0 }, sum, v[2];

	for (; n >= 16; n -= 16, p += 16) {
		memcpy(v, p, 16);
		lo[0] += (uint32_t)v[0];
		lo[1] += (uint32_t)v[1];
		hi[0] += v[0] >> 32;
		hi[1] += v[1] >> 32;
	}
	sum = lo[0] + lo[1] + hi[0] + hi[1];
	for (; n >= 2; n -= 2, p += 2)
		sum += word(p);
	if (n) {
		const uint8_t last[2] = { *p, 0 };

		sum += word(last);
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return fold((uint32_t)((sum & 0xffff) + (sum >> 16)));
}

uint32_t csum_delta(const uint8_t *was, const uint8_t *is, unsigned int n)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < n; i += 2)
		sum += (uint16_t)~word(was + i) + (uint32_t)word(is + i);
	return fold(sum);
}

void csum_apply(uint8_t *field, uint32_t delta)
{
	uint16_t c = (uint16_t)~fold((uint16_t)~word(field) + delta);

	memcpy(field, &c, sizeof(c));
}

void csum_apply_udp(uint8_t *field, uint32_t delta)
{
	if (!word(field))
		return;
	csum_apply(field, delta);
	if (!word(field))
		memset(field, 0xff, 2);
}

void csum_apply_sctp(uint8_t *field, const uint8_t was[4], const uint8_t is[4], uint32_t n)
{
	static const uint8_t zeros[256];
	uint32_t change, crc, have;

	/* What the CRC changes by is the CRC, without its presets, of the change and zeros after
	 * it. */
	memcpy(&change, was, 4);
	memcpy(&have, is, 4);
	change ^= have;
	crc = rte_hash_crc(&change, 4, 0);
	for (n -= 4; n > 0; n -= RTE_MIN(n, sizeof(zeros)))
		crc = rte_hash_crc(zeros, RTE_MIN(n, sizeof(zeros)), crc);
	/* Sent with its least significant byte first. */
	memcpy(&have, field, 4);
	have ^= htole32(crc);
	memcpy(field, &have, 4);
}
