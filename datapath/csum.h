/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums kept right while headers change, from the change alone (RFC 1624).
 *
 * A wrong checksum stays wrong: what changes one does not look at bytes that did not change, so a
 * damaged packet is not passed off as a sound one.  And sums of many bytes, for who verifies.  Pure
 * functions on the caller's bytes; any thread.
 */
#ifndef WEFT_DATAPATH_CSUM_H
#define WEFT_DATAPATH_CSUM_H

#include <stdint.h>
#include <string.h>

/*
 * The change in a ones' complement sum when 'n' bytes (even, at an even place of what is summed)
 * become others; to be added to others and given to the functions below.
 */
uint32_t csum_delta(const uint8_t *was, const uint8_t *is, unsigned int n);

/* Changes the checksum in the two bytes at 'field'. */
void csum_apply(uint8_t *field, uint32_t delta);

/* The same when one word becomes another, both as they stand in memory; for where each packet has
 * one: bytes just written and read again as words would wait for each other. */
static inline void csum_apply_word(uint8_t *field, uint16_t was, uint16_t is)
{
	uint16_t c;
	uint32_t sum;

	memcpy(&c, field, sizeof(c));
	sum = (uint32_t)(uint16_t)~c + (uint16_t)~was + is;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	c = (uint16_t)~sum;
	memcpy(field, &c, sizeof(c));
}
/* The same for UDP (RFC 768): zero means none and stays; a result of zero is sent as all ones. */
void csum_apply_udp(uint8_t *field, uint32_t delta);

/* The ones' complement sum of 'n' bytes, in 16 bits; whatever order they are in (RFC 1071, 2 B). */
uint32_t csum_sum(const uint8_t *p, uint32_t n);

/*
 * SCTP's CRC32c (RFC 9260, appendix A) in the four bytes at 'field', when the first four of the 'n'
 * bytes of the packet change.  CRCs being linear, the rest need not be read.
 */
void csum_apply_sctp(uint8_t *field, const uint8_t was[4], const uint8_t is[4], uint32_t n);

#endif
