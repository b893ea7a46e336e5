/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger of one switch: for each flow and group, what is wanted and what the switch has.
 *
 * Derivation writes the one side, unit by unit (a unit is what one app says because of one object);
 * acknowledged messages and what was read from the switch write the other.  What differs is what to
 * send.
 *
 * Nearly all entries agree, so an entry is small: what is wanted, and by whom.  Where the two sides
 * differ, or a message is under way, there is a 'struct change' beside it, for as long as that
 * lasts.  The bytes are shared by all ledgers (blob.h).
 *
 * Thread: the loop's.  Owner: the switch's peer (peer.h).
 */
#ifndef WEFT_CONTROLLER_LEDGER_H
#define WEFT_CONTROLLER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hashset.h"
#include "controller/blob.h"
#include "controller/flowset.h"

/* Who wants something: app and object. */
struct unit_key {
	uint8_t app;  /* enum app_id */
	uint8_t kind; /* enum cookie_kind */
	uint32_t index;
};

/* Made anew each time that it is derived. */
struct unit {
	struct hashed hashed; /* by its key */
	struct unit_key key;
	uint32_t n, room;
	struct entry *entries[];
};

struct entry {
	struct hashed hashed; /* by the blob's key */
	uint8_t round;	      /* of the reading that saw it last */
	bool moves;	      /* has a change */
	struct blob *want;    /* NULL: should not be there */
	union {
		struct unit *unit;     /* who wants it; NULL: nobody */
		struct change *change; /* 'moves': that knows the unit */
	};
};

struct change {
	struct entry *entry;
	struct unit *unit;
	struct blob *key;  /* any that has the entry's key, whatever becomes of the others */
	struct blob *have; /* NULL: is not there */
	struct blob *sent; /* under way: what it will be; see 'sending' */
	bool sending;	   /* 'sent' (NULL: a deletion) awaits the switch's word */
	bool refused;	   /* the switch said no to 'want': not sent again until it changes */
	bool waits;	   /* in the list of what is to be sent */
	struct change *prev, *next;
};

struct ledger {
	struct hashset entries, units;
	struct change *waiting;		   /* DL list: what is to be sent */
	size_t n_flows, n_groups, n_dirty; /* wanted flows and groups; changes that wait */
	uint8_t round;
	bool known;	  /* see ledger_read_begin() */
	uint64_t drift;	  /* entries that a reading found other than they were known to be */
	uint64_t foreign; /* flows of others that the last reading found */
};

void ledger_init(struct ledger *l);
void ledger_fini(struct ledger *l);

/*
 * Replaces what unit 'key' wants by 'fs' (NULL: nothing).  True: some of it is another unit's, and
 * was left out; an address that moves from one object to another is so until the former one has
 * been derived, and then the caller asks again.  'last': that is an error in the apps, and logged
 * with both origins.
 */
bool ledger_want(struct ledger *l, const struct unit_key *key, const struct flowset *fs, bool last);
/* Whether it wants anything. */
bool ledger_has(const struct ledger *l, const struct unit_key *key);

/*
 * A reading of the switch: begin, one call for each flow and group it has, end.  'known': the
 * ledger knew the state before, so that differences count as drift.
 */
void ledger_read_begin(struct ledger *l, bool known);
void ledger_read(struct ledger *l, const uint8_t *wire, uint16_t n);
void ledger_read_end(struct ledger *l);

/* The switch says that this flow is gone: timed out, or deleted by somebody. */
void ledger_gone(struct ledger *l, const uint8_t *wire, uint16_t n);

/*
 * The switch behaves as if it had nothing of what a unit wants.  When all of that has been
 * acknowledged it is sent again, and this is true; else it is, or was not to be, on its way.
 */
bool ledger_doubt(struct ledger *l, const struct unit_key *key);

/* ---- sending ---- */

/*
 * Up to 'max' entries that differ and can go now, in an order that never lets a packet meet a hole:
 * groups, then flows from the last table to the first; deletions the other way round, groups last.
 * 'adds_only' leaves what is there alone.  The caller frees the array; 0 entries: NULL.  Each then
 * gets one of the answers below.
 */
struct change **ledger_take(struct ledger *l, size_t max, bool adds_only, size_t *n);
/* The message that makes the switch's entry what it should be, into 'buf' (OF_MSG_MAX); its length.
 */
uint16_t change_message(const struct change *c, uint32_t xid, uint8_t *buf);
/* The switch has done it; has refused it; the message was lost with the session or its bundle. */
void ledger_done(struct ledger *l, struct change *c);
void ledger_refused(struct ledger *l, struct change *c);
void ledger_lost(struct ledger *l, struct change *c);

/* What it is about: what is wanted, or else what is there. */
const struct blob *change_blob(const struct change *c);

#endif
