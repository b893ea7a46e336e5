/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger of one switch: for each flow and group, what is wanted and what the switch has.
 *
 * Derivation writes the one side, unit by unit (a unit is what one app says because of one object);
 * acknowledged messages and what was read from the switch write the other.  What differs is what to
 * send. An entry's key is what identifies it on the switch: table, priority and match, or the
 * group's id.
 *
 * Thread: the loop's.  Owner: the switch's peer (peer.h).
 */
#ifndef WEFT_CONTROLLER_LEDGER_H
#define WEFT_CONTROLLER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "controller/flowset.h"

/* Encoded message (flow_mod ADD, group_mod ADD), shared by both sides when they agree. */
struct blob {
	uint32_t refs;
	uint16_t n;
	uint8_t wire[];
};

/* Who wants something: app and object. */
struct unit_key {
	uint8_t app;  /* enum app_id */
	uint8_t kind; /* enum cookie_kind */
	uint32_t index;
};

struct unit {
	struct unit_key key;
	struct entry *entries; /* DL list by unit_prev, unit_next */
	uint32_t round;
	UT_hash_handle hh;
};

struct entry {
	struct blob *want; /* NULL: should not be there */
	struct blob *have; /* NULL: is not there */
	struct blob *sent; /* under way: what it will be; see 'sending' */
	bool sending;	   /* 'sent' (NULL: a deletion) awaits the switch's word */
	bool refused;	   /* the switch said no to 'want': not sent again until it changes */
	bool is_group;
	bool dirty;	   /* in the list of differences */
	struct unit *unit; /* who wants it */
	const char *where; /* its line in an app */
	uint32_t round;
	struct entry *unit_prev, *unit_next;
	struct entry *dirty_prev, *dirty_next;
	UT_hash_handle hh;
	uint16_t n_key;
	uint8_t key[];
};

struct ledger {
	struct entry *entries; /* hash by key */
	struct unit *units;
	struct entry *dirty;		   /* DL list */
	size_t n_flows, n_groups, n_dirty; /* wanted flows and groups; entries that differ */
	uint32_t round;
	uint64_t drift;	  /* entries that a reading found other than they were known to be */
	uint64_t foreign; /* flows of others that the last reading found */
};

void ledger_init(struct ledger *l);
void ledger_fini(struct ledger *l);

/*
 * Replaces what unit 'key' wants by 'fs' (NULL: nothing).  1: some of it is another unit's, and was
 * left out; an address that moves from one object to another is so until the former one has been
 * derived, and then the caller asks again.  'last': that is an error in the apps, and logged with
 * both origins.  -ENOMEM: partly done, call again.
 */
int ledger_want(struct ledger *l, const struct unit_key *key, const struct flowset *fs, bool last);
/* Whether it wants anything. */
bool ledger_has(const struct ledger *l, const struct unit_key *key);

/* A reading of the switch: begin, one call for each flow and group it has, end. */
void ledger_read_begin(struct ledger *l);
int ledger_read(struct ledger *l, const uint8_t *wire, uint16_t n);
/* 'known': the ledger knew the state before, so that differences count as drift. */
void ledger_read_end(struct ledger *l, bool known);

/* The switch says that this flow is gone: timed out, or deleted by somebody. */
void ledger_gone(struct ledger *l, const uint8_t *wire);

/*
 * The switch behaves as if it had nothing of what a unit wants.  When all of that has been
 * acknowledged it is sent again, and this is true; else it is, or was not to be, on its way.
 */
bool ledger_doubt(struct ledger *l, const struct unit_key *key);

/* ---- sending ---- */

/*
 * Up to 'max' entries that differ and can go now, in an order that never lets a packet meet a hole:
 * groups, then flows from the last table to the first; deletions the other way round, groups last.
 * 'adds_only' leaves what is there alone.  The caller frees the array; 0 entries: NULL.
 */
struct entry **ledger_take(struct ledger *l, size_t max, bool adds_only, size_t *n);
/* The message that makes the switch's entry what it should be, into 'buf' (OF_MSG_MAX); its length.
 */
uint16_t entry_message(const struct entry *e, uint32_t xid, uint8_t *buf);
/* The switch has done it; has refused it; the message was lost with the session or its bundle. */
void ledger_done(struct ledger *l, struct entry *e);
void ledger_refused(struct ledger *l, struct entry *e);
void ledger_lost(struct ledger *l, struct entry *e);

uint64_t entry_cookie(const struct entry *e);

#endif
