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

/* Sixteen bytes at a time, as words of 32 bits whose carries have room in 64. */
uint32_t csum_sum(const uint8_t *p, uint32_t n)
{
	typedef uint64_t vec __attribute__((vector_size(16)));
	const vec low = { UINT32_MAX, UINT32_MAX };
	vec even = { 0 }, odd = { 0 }, v;
	uint64_t sum;

	for (; n >= 32; n -= 32, p += 32) {
		vec u;

		memcpy(&v, p, 16);
		memcpy(&u, p + 16, 16);
		even += (v & low) + (u & low);
		odd += (v >> 32) + (u >> 32);
	}
	even += odd;
	sum = even[0] + even[1];
	for (; n >= 4; n -= 4, p += 4) {
		uint32_t w;

		memcpy(&w, p, 4);
		sum += w;
	}
	if (n >= 2) {
		sum += word(p);
		p += 2;
	}
	if (n & 1) {
		const uint8_t last[2] = { *p, 0 };

		sum += word(last);
	}
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	return fold((uint32_t)sum);
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
