/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A match: value and mask over the flow key.  The same struct in switch, controller and tools.
 *
 * Invariant: value has no bit outside mask.  Caller's memory; any thread.
 */
#ifndef WEFT_OFPROTO_MATCH_H
#define WEFT_OFPROTO_MATCH_H

#include "ofproto/field.h"

struct of_match {
	struct flow_key value, mask;
};

/* One field with value and mask, right-aligned in field->bytes bytes: set-field, OXM lists. */
struct of_oxm {
	const struct of_field *field;
	bool masked;
	uint8_t value[16], mask[16]; /* mask is all ones where !masked */
};

/* A run of bits in a field: move, load, output:reg. */
struct of_subfield {
	const struct of_field *field;
	uint16_t ofs, n_bits;
};

/* Whether 'f' is matched: bits in the mask, and the prerequisites matched too. */
bool of_match_has(const struct of_match *m, const struct of_field *f);
/* Whether f's prerequisite is matched exactly by 'm'. */
bool of_match_pre_met(const struct of_match *m, const struct of_field *f);

/* Whether a connection's addresses stand beside the EtherType that they are of, as in flows. */
bool of_match_connection_fits(const struct of_match *m, const struct of_field *f);

/* Adds a field, right-aligned bytes; 'mask' NULL means exact.  0, or -EINVAL where value & ~mask.
 */
int of_match_set(struct of_match *m, const struct of_field *f, const uint8_t *value,
		 const uint8_t *mask);
void of_match_set_u64(struct of_match *m, enum of_field_id id, uint64_t value);
void of_match_set_masked_u64(struct of_match *m, enum of_field_id id, uint64_t value,
			     uint64_t mask);

/* Value and mask of 'f', right-aligned. */
void of_match_get(const struct of_match *m, const struct of_field *f, struct of_oxm *out);

bool of_match_equal(const struct of_match *a, const struct of_match *b);
/* Whether every packet that 'b' matches is matched by 'a' too. */
bool of_match_covers(const struct of_match *a, const struct of_match *b);
/* Whether some packet could match both (section 6.4, OFPFF_CHECK_OVERLAP). */
bool of_match_overlaps(const struct of_match *a, const struct of_match *b);
/* Whether a packet with key 'k' matches. */
bool of_match_hits(const struct of_match *m, const struct flow_key *k);

#endif
