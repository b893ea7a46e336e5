/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has changed in the tables lately: the matches of flows that came and went, for flow caches
 * to know which of their entries that may concern (cache.h).
 *
 * A ring with one writer, the control thread, which never waits; each PMD reads it when it sees
 * another version, and who comes too late, or cannot be sure, takes it that everything changed.
 * An entry has the version that shows the change, and is written before that is published.  Changes
 * that are undone stay in it: they concern more than they need to.
 */
#ifndef WEFT_DATAPATH_CHANGE_H
#define WEFT_DATAPATH_CHANGE_H

#include <stdatomic.h>
#include <stdint.h>

#include "datapath/flow.h"

enum {
	CHANGES = 1024,	  /* in the ring */
	CHANGE_WORDS = 8, /* of a match; of a longer one the rest is taken to fit */
};

/* Among the words of a change: it is of an odd rule (odd.h). */
#define CHANGE_ODD (UINT64_C(1) << 63)
_Static_assert(FLOW_KEY_WORDS < 64, "no word of a key");

struct change {
	_Atomic uint64_t version;
	_Atomic uint64_t words; /* set of those below, in ascending order; CHANGE_ODD */
	_Atomic uint64_t bits[CHANGE_WORDS], value[CHANGE_WORDS];
};

struct changes {
	_Atomic uint64_t begun, head; /* that were ever begun, and are written */
	/*
	 * Words that actions may have written before a later table looks at them: what a packet
	 * came in with tells nothing of them.  Grows only.
	 */
	_Atomic uint64_t written;
	struct change ring[CHANGES];
};

/* Control thread: a flow with this rule comes or goes with 'version'. */
void change_note(struct changes *c, const struct cls_rule *r, uint64_t version);
/* ... and flows whose actions write 'words' may come. */
void change_written(struct changes *c, uint64_t words);

/*
 * PMDs: changes '*at' and after that 'version' shows; fn() is called for each, '*at' is the first
 * that it does not.  'words' may have CHANGE_ODD.  False: some are not to be had any more, all may
 * have changed.
 */
typedef void change_fn(void *arg, uint64_t words, const uint64_t *bits, const uint64_t *value);
bool change_each(const struct changes *c, uint64_t *at, uint64_t version, change_fn *fn, void *arg);

#endif
