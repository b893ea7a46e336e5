/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/blob.h"

#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"
#include "base/slab.h"
#include "controller/mem.h"
#include "ofproto/wire.h"

/* Places in an encoded flow_mod and group_mod (7.3.4.1, 7.3.4.2). */
enum {
	FM_COOKIE = 8,
	FM_TABLE = 24,
	FM_COMMAND = 25,
	FM_IDLE = 26,
	FM_HARD = 28,
	FM_PRIORITY = 30,
	FM_BUFFER = 32, /* and out_port, out_group: all of their bits are set */
	FM_FLAGS = 44,
	FM_MATCH = 48,
	GM_COMMAND = 8,
	GM_TYPE = 10,
	GM_ID = 12,
	GM_BUCKETS = 16,
};

/* How a body begins; a flow's match and instructions, or a group's buckets, follow as on the wire.
 */
enum { IS_FLOW, IS_GROUP };
struct head {
	uint8_t what;
	uint8_t table;	   /* a group's: its type */
	uint16_t priority; /* these as on the wire */
	union {
		uint64_t cookie;
		uint32_t group_id;
	};
	uint16_t idle, hard, flags;
} __attribute__((packed));

/* All that there are, and their memory. */
static struct hashset blobs;
static struct slab_sizes pieces;

static struct head head_of(const struct blob *b)
{
	struct head h;

	memcpy(&h, b->body, sizeof(h));
	return h;
}

/* What follows the head. */
static const uint8_t *tail_of(const struct blob *b)
{
	return b->body + sizeof(struct head);
}

static uint16_t tail_len(const struct blob *b)
{
	return (uint16_t)(b->n - sizeof(struct head));
}

static uint16_t match_len(const struct blob *b)
{
	return get_be16(tail_of(b) + 2);
}

bool blob_is_group(const struct blob *b)
{
	return b->body[offsetof(struct head, what)] == IS_GROUP;
}

/* ---- to a body and back ---- */

static uint16_t pack(const uint8_t *wire, uint16_t n, uint8_t *body)
{
	bool group = wire[1] == OFPT_GROUP_MOD;
	uint16_t fixed = group ? GM_BUCKETS : FM_MATCH;
	struct head h = { .what = group ? IS_GROUP : IS_FLOW };

	if (group) {
		h.table = wire[GM_TYPE];
		memcpy(&h.group_id, wire + GM_ID, 4);
	} else {
		h.table = wire[FM_TABLE];
		memcpy(&h.cookie, wire + FM_COOKIE, 8);
		memcpy(&h.priority, wire + FM_PRIORITY, 2);
		memcpy(&h.idle, wire + FM_IDLE, 2);
		memcpy(&h.hard, wire + FM_HARD, 2);
		memcpy(&h.flags, wire + FM_FLAGS, 2);
	}
	memcpy(body, &h, sizeof(h));
	memcpy(body + sizeof(h), wire + fixed, (size_t)(n - fixed));
	return (uint16_t)(sizeof(h) + n - fixed);
}

static uint16_t unpack_flow(const struct blob *b, uint8_t command, uint16_t tail, uint8_t *wire)
{
	struct head h = head_of(b);

	memset(wire, 0, FM_MATCH);
	wire[1] = OFPT_FLOW_MOD;
	wire[FM_TABLE] = h.table;
	wire[FM_COMMAND] = command;
	memcpy(wire + FM_COOKIE, &h.cookie, 8);
	memcpy(wire + FM_PRIORITY, &h.priority, 2);
	memcpy(wire + FM_IDLE, &h.idle, 2);
	memcpy(wire + FM_HARD, &h.hard, 2);
	memset(wire + FM_BUFFER, 0xff, FM_FLAGS - FM_BUFFER);
	memcpy(wire + FM_FLAGS, &h.flags, 2);
	memcpy(wire + FM_MATCH, tail_of(b), tail);
	return (uint16_t)(FM_MATCH + tail);
}

static uint16_t unpack_group(const struct blob *b, uint16_t command, uint16_t tail, uint8_t *wire)
{
	struct head h = head_of(b);

	memset(wire, 0, GM_BUCKETS);
	wire[1] = OFPT_GROUP_MOD;
	put_be16(wire + GM_COMMAND, command);
	wire[GM_TYPE] = h.table;
	memcpy(wire + GM_ID, &h.group_id, 4);
	memcpy(wire + GM_BUCKETS, tail_of(b), tail);
	return (uint16_t)(GM_BUCKETS + tail);
}

/* Whether only instructions differ, so that a modify keeps the flow's counters. */
static bool only_insts(const struct blob *a, const struct blob *b)
{
	return !memcmp(a->body, b->body, sizeof(struct head));
}

uint16_t blob_message(const struct blob *from, const struct blob *to, uint32_t xid, uint8_t *buf)
{
	const struct blob *b = to ? to : from;
	uint16_t n;

	if (blob_is_group(b))
		n = unpack_group(b,
				 !to	? OFPGC_DELETE
				 : from ? OFPGC_MODIFY
					: OFPGC_ADD,
				 to ? tail_len(b) : 0, buf);
	else if (to)
		n = unpack_flow(b, from && only_insts(from, to) ? OFPFC_MODIFY_STRICT : OFPFC_ADD,
				tail_len(b), buf);
	else
		n = unpack_flow(b, OFPFC_DELETE_STRICT, (uint16_t)((match_len(b) + 7) & ~7), buf);
	buf[0] = OF_VERSION_13;
	put_be16(buf + 2, n);
	put_be32(buf + 4, xid);
	return n;
}

/* ---- the set ---- */

struct blob *blob_get(const uint8_t *wire, uint16_t n, const char *where)
{
	static uint8_t body[OF_MSG_MAX + sizeof(struct head)];
	uint16_t size = pack(wire, n, body);
	uint32_t hash = hash_bytes(body, size), at = hash;
	struct blob *b;

	while ((b = (struct blob *)hashset_next(&blobs, hash, &at)))
		if (b->n == size && !memcmp(b->body, body, size))
			break;
	if (!b) {
		b = slab_size_get(&pieces, offsetof(struct blob, body) + size);
		mem_check(b);
		b->hashed.hash = hash;
		b->n = size;
		memcpy(b->body, body, size);
		mem_check(!hashset_add(&blobs, &b->hashed));
	}
	if (where)
		b->where = where;
	b->refs++;
	return b;
}

struct blob *blob_ref(struct blob *b)
{
	if (b)
		b->refs++;
	return b;
}

void blob_put(struct blob *b)
{
	if (!b || --b->refs)
		return;
	hashset_del(&blobs, &b->hashed);
	if (!blobs.n)
		hashset_fini(&blobs);
	slab_size_put(&pieces, b, offsetof(struct blob, body) + b->n);
}

/* ---- its key ---- */

uint32_t blob_key_hash(const struct blob *b)
{
	if (blob_is_group(b))
		return hash_bytes(b->body + offsetof(struct head, group_id), sizeof(uint32_t));
	return hash_bytes(b->body, offsetof(struct head, group_id)) * 31 +
	       hash_bytes(tail_of(b), match_len(b));
}

bool blob_same_key(const struct blob *a, const struct blob *b)
{
	struct head x = head_of(a), y = head_of(b);

	if (a == b)
		return true;
	if (x.what != y.what)
		return false;
	if (x.what == IS_GROUP)
		return x.group_id == y.group_id;
	return x.table == y.table && x.priority == y.priority && match_len(a) == match_len(b) &&
	       !memcmp(tail_of(a), tail_of(b), match_len(a));
}

uint64_t blob_cookie(const struct blob *b)
{
	uint64_t cookie = head_of(b).cookie;

	return blob_is_group(b) ? 0 : get_be64((const uint8_t *)&cookie);
}

uint8_t blob_table(const struct blob *b)
{
	return head_of(b).table;
}

uint32_t blob_group_id(const struct blob *b)
{
	uint32_t id = head_of(b).group_id;

	return get_be32((const uint8_t *)&id);
}
