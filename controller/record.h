/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes as stored records: protobuf messages (record.proto), filled and read by the rows of
 * resource.def and the message's own descriptor, so that neither names a field.
 *
 * Pure functions; any thread.
 */
#ifndef WEFT_CONTROLLER_RECORD_H
#define WEFT_CONTROLLER_RECORD_H

#include "base/err.h"
#include "controller/resource.h"

/* The attributes 'a' (struct net_attrs ...) as bytes of their own, to be freed; '*n' says how many.
 */
uint8_t *record_pack(enum world_kind kind, const void *a, size_t *n);

/*
 * Into raw memory; members that the record lacks get their defaults, fields that are not known are
 * left out.  0, or -EBADMSG with words in 'e' and nothing to free.
 */
int record_unpack(enum world_kind kind, const uint8_t *p, size_t n, void *a, struct err *e);

/* Does record.proto have what resource.def needs?  0 or -EINVAL with words.  For tests. */
int record_check(struct err *e);

#endif
