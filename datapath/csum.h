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

/*
 * The change in a ones' complement sum when 'n' bytes (even, at an even place of what is summed)
 * become others; to be added to others and given to the functions below.
 */
uint32_t csum_delta(const uint8_t *was, const uint8_t *is, unsigned int n);

/* Changes the checksum in the two bytes at 'field'. */
void csum_apply(uint8_t *field, uint32_t delta);
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
