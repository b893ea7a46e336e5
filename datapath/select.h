/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a SELECT group chooses a bucket (5.6.1): a hash of the packet, and a table of slots.
 *
 * The hash says to which of 4096 slots a packet belongs (65536, where a bucket's share would be
 * less than 32 of them); the table says whose each slot is.  It is filled once, when the buckets
 * are known, by the control thread:
 *
 *   shares   each bucket has slots in proportion to its weight, by largest remainder; at least one,
 *            none for a weight of 0
 *   who      each bucket goes through the slots in an order of its own, which follows from what it
 *            does (its actions), not from its place; in 512 rounds each takes the next that are
 *            free, up to as much of its share as rounds have gone by
 *
 * So a bucket that comes, goes or changes its weight moves hardly more flows than it must, whatever
 * place it has in the message; and tables are the same in every switch, and after a restart.
 *
 * A slot whose bucket is not live is sent on a detour, always the same, from slot to slot to the
 * first that has a live one: the flows of live buckets stay where they are.
 *
 * Hashes are mixed with the group's number, lest two groups in a row choose alike.  Written by the
 * control thread before anybody sees it, read by PMDs; owner: the group's body.
 */
#ifndef WEFT_DATAPATH_SELECT_H
#define WEFT_DATAPATH_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/role.h"
#include "ofproto/key.h"
#include "ofproto/selection.h"

enum {
	SELECT_SLOTS = 4096,
	SELECT_SLOTS_MORE = 65536,
	SELECT_SHARE_MIN = 32, /* slots; if any bucket had fewer, there are more slots */
	SELECT_ROUNDS = 512,
	SELECT_DETOUR = 64, /* slots that are looked at for a live bucket */
};

enum select_hash {
	SELECT_5TUPLE,	  /* addresses, protocol, ports; without IP: MACs and ethertype */
	SELECT_SYMMETRIC, /* the same for both directions */
	SELECT_LAYERS,	  /* symmetric: MACs, VLAN, ethertype and the 5-tuple */
	SELECT_FIELDS,	  /* those that the controller named */
};

struct select_field {
	const struct of_field *field;
	uint8_t mask[16]; /* right-aligned in field->bytes */
};

struct select {
	uint64_t seed;
	uint32_t n_slots; /* a power of two; 0: no bucket has a weight */
	uint32_t n_buckets;
	uint8_t hash; /* enum select_hash */
	uint8_t n_fields;
	struct select_field *fields;
	uint16_t slot[];
};

/* What a bucket brings into the table. */
struct select_share {
	uint64_t who; /* what it does, as a number */
	uint32_t weight;
};

/* ---- Control thread ---- */

/* 'how' has been checked; NULL: the switch's own choice.  NULL: no memory. */
struct select *select_new(uint32_t group_id, const struct of_selection *how,
			  const struct select_share *b, uint32_t n) CONTROL;
void select_free(struct select *s) CONTROL;

/* ---- Any thread ---- */

uint32_t select_hash(const struct select *s, const struct flow_key *k);
/* The slot's own bucket. */
static inline uint32_t select_bucket(const struct select *s, uint32_t slot)
{
	return s->slot[slot];
}
static inline uint32_t select_slot(const struct select *s, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * s->n_slots >> 32);
}
/* By dp_hash: its buckets see the hash as the field of that name. */
static inline bool select_tells(const struct select *s)
{
	return s->hash <= SELECT_SYMMETRIC;
}
/* The slot that is the n-th after it on its detour. */
uint32_t select_detour(const struct select *s, uint32_t slot, uint32_t n);

#endif
