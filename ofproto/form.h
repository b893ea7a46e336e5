/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a flow_mod: what it has in common with others that differ in nothing but values of
 * match fields, cookie and transaction id.
 *
 * Flow_mods come in series of one form.  Whatever was found out about one of them in reading it --
 * that it is well-formed, which fields it matches, that its instructions fit it -- is true of all
 * that have its form, so that of the next ones only the values need to be taken.  A field whose
 * value others depend on (EtherType, protocol, ICMP type) is part of the form, and so is a mask:
 * where a field has one, the value's bits outside it are, too, which are zeros.
 *
 * Plain data of the caller's; any thread.
 */
#ifndef WEFT_OFPROTO_FORM_H
#define WEFT_OFPROTO_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/load.h"

enum {
	OF_FORM_MAX = 512, /* bytes of a message */
	OF_FORM_RUNS = 24,
};

struct of_form {
	uint16_t n; /* bytes of a message, a multiple of 8; 0: none */
	uint16_t n_runs;
	/* Bytes of the message that are bytes of a value, in no more than one word of the key. */
	struct of_form_run {
		uint16_t from; /* in the message */
		uint16_t to;   /* in struct flow_key */
		uint8_t n;
	} run[OF_FORM_RUNS];
	uint64_t like[OF_FORM_MAX / 8]; /* in memory's order, what is free zero */
	uint64_t free[OF_FORM_MAX / 8]; /* bits in which others may differ */
};

/*
 * The form of a message that was read without an error: a flow_mod that begins 'at' bytes from the
 * start (0; behind a bundle's envelope: then its transaction id is the envelope's) and ends with
 * it.  False: it has none.
 */
bool of_form_learn(struct of_form *f, const uint8_t *raw, size_t n, size_t at);

/* Whether a message of f->n bytes has it. */
static inline bool of_form_fits(const struct of_form *f, const uint8_t *raw)
{
	uint64_t other = 0;

	for (unsigned int i = 0; i < f->n / 8u; i++)
		other |= (load64(raw + 8 * i) & ~f->free[i]) ^ f->like[i];
	return !other;
}

#endif
