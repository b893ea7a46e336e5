/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of addresses, written as prefixes: what a subnet pool has, and what of it is free.
 *
 * Pure functions; any thread.
 */
#ifndef WEFT_CONTROLLER_PREFIXES_H
#define WEFT_CONTROLLER_PREFIXES_H

#include <stdbool.h>
#include <stddef.h>

#include "controller/ip.h"

/* Sorts them, drops those within others, makes two halves one; all of one IP version, without host
 * bits.  Returns how many are left. */
size_t prefixes_compact(struct ip_prefix *p, size_t n);

/* Is all of 'inner' within one of them?  They are compact. */
bool prefixes_have(const struct ip_prefix *p, size_t n, const struct ip_prefix *inner);

/*
 * A prefix of length 'len' within 'p' that meets none of the 'taken' ones: the first in the
 * smallest free block that has room, so that big blocks stay big.  0 or -ENOSPC.
 */
int prefixes_free(const struct ip_prefix *p, size_t n, const struct ip_prefix *taken,
		  size_t n_taken, unsigned int len, struct ip_prefix *out);

#endif
