/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow entry, and the versions by which PMDs see changes.
 *
 * The control thread inserts and removes flows in the classifiers at any time; a flow counts for a
 * burst only if added <= burst.version < removed.  Publishing a change, of one flow or of a bundle
 * over many tables, is one store to dp->version, so every burst sees all of it or nothing.  A
 * removed flow is unlinked when every PMD was quiescent after its version was published, and freed
 * when every PMD was quiescent once more.
 *
 * Counters: each PMD counts in its own array, indexed by flow->id (pmd.h); the control thread sums.
 * Idle time comes from watching the sums, so that the packet path stores no time.
 */
#ifndef WEFT_DATAPATH_FLOW_H
#define WEFT_DATAPATH_FLOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/role.h"
#include "ofproto/match.h"

struct insts;

#define FLOW_VERSION_NEVER UINT64_MAX

/*
 * A mask as classifiers use it: the words of the key that it touches.  Interned per datapath: equal
 * masks are one object, compared by pointer (mask.h).
 */
struct cls_mask {
	uint64_t words; /* bit i: word i of struct flow_key is looked at */
	uint8_t n_words;
	uint8_t word[FLOW_KEY_WORDS];  /* their indexes, ascending */
	uint64_t bits[FLOW_KEY_WORDS]; /* their masks, n_words of them (network order) */
	uint64_t hash;		       /* of words and bits */
	/* Control thread. */
	uint32_t refs;
	uint32_t mark; /* scratch: who counted it last */
};

/* What a classifier sees of a flow.  Read by PMDs; constant but for 'removed'. */
struct cls_rule {
	uint64_t added;
	_Atomic uint64_t removed; /* FLOW_VERSION_NEVER while it is installed */
	const struct cls_mask *mask;
	uint16_t priority;
	bool conj;	  /* it has conjunction actions: no hit, but a part of one (conj.h) */
	bool odd;	  /* flow caches leave out what it looks at (odd.h) */
	uint64_t value[]; /* mask->n_words words, already masked */
};

/* Why a flow went without anybody being told. */
enum { FLOW_GONE_SILENTLY = 0xff };

/* The members are ordered so that what a hit reads stands together. */
struct flow {
	/* Control thread. */
	double created;			   /* seconds, monotonic */
	uint64_t base_packets, base_bytes; /* sums at the last reset */
	struct flow_timer *timer;	   /* NULL: no timeout (table_expire.c) */
	struct flow *next;		   /* in the list of those that go */
	uint16_t flags;			   /* OFPFF_* */
	uint16_t idle_timeout, hard_timeout;
	uint8_t reason; /* OFPRR_* or FLOW_GONE_SILENTLY, once it is removed */
	bool owns_id;	/* false: a successor counts on under the same id */
	bool succeeds;	/* it is such a successor */
	uint16_t importance;
	uint32_t heap_at; /* its place in the order of eviction (table_evict.c) */

	/* What PMDs read when a packet hits; the cookie, if they tell a controller. */
	uint64_t cookie;
	struct insts *insts;
	uint32_t id; /* index of its counters */
	uint8_t table_id;

	struct cls_rule rule; /* last: ends in a flexible array */
};

static inline struct flow *flow_of_rule(const struct cls_rule *r)
{
	return (struct flow *)((char *)(uintptr_t)r - offsetof(struct flow, rule));
}

/* Whether a burst at 'version' sees the rule. */
static inline bool cls_rule_visible(const struct cls_rule *r, uint64_t version)
{
	return r->added <= version &&
	       version < atomic_load_explicit(&r->removed, memory_order_acquire);
}

/* Whether key words under the rule's mask equal its value. */
static inline bool cls_rule_hits(const struct cls_rule *r, const uint64_t *key)
{
	const struct cls_mask *m = r->mask;

	for (unsigned int i = 0; i < m->n_words; i++)
		if ((key[m->word[i]] & m->bits[i]) != r->value[i])
			return false;
	return true;
}

#endif
