/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An encoded flow or group (flow_mod ADD, group_mod ADD), kept once.
 *
 * Most of what one switch should have others should have as well, byte for byte, and what a switch
 * has is what it should have: so all ledgers point to the same bytes, and two of them say the same
 * when they are the same pointer.  A blob's key is what identifies it on a switch: table, priority
 * and match, or the group's id.
 *
 * Thread: the loop's, which all of them belong to.  Owner: whoever holds one of its references.
 */
#ifndef WEFT_CONTROLLER_BLOB_H
#define WEFT_CONTROLLER_BLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hashset.h"

struct blob {
	struct hashed hashed; /* by its body */
	uint32_t refs;
	const char *where; /* its line in an app; NULL: a former controller's */
	uint16_t n;
	uint8_t body[]; /* what is not the same in all such messages: see blob.c */
};

/* A reference to the one with these bytes. */
struct blob *blob_get(const uint8_t *wire, uint16_t n, const char *where);
/* One more, and one less; NULL is good for both. */
struct blob *blob_ref(struct blob *b);
void blob_put(struct blob *b);

uint32_t blob_key_hash(const struct blob *b);
bool blob_same_key(const struct blob *a, const struct blob *b);
bool blob_is_group(const struct blob *b);

/* Writes the message that makes a switch have 'to' (NULL: nothing) where it has 'from'; its length.
 * 'buf' has room for OF_MSG_MAX. */
uint16_t blob_message(const struct blob *from, const struct blob *to, uint32_t xid, uint8_t *buf);

uint64_t blob_cookie(const struct blob *b); /* a group's: 0 */
uint8_t blob_table(const struct blob *b);   /* a flow's */
uint32_t blob_group_id(const struct blob *b);

#endif
