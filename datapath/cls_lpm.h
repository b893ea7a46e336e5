/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lpm template as the express way sees it: where an address leads, without a key.  PMDs read.
 */
#ifndef WEFT_DATAPATH_CLS_LPM_H
#define WEFT_DATAPATH_CLS_LPM_H

#include "datapath/cls_hash.h"
#include "datapath/cls_prefix.h"
#include "datapath/cls_trie.h"

/* What routes have in common, of a frame that has just come in. */
struct lpm_frame {
	uint64_t mask[3], value[3]; /* of the key's words: to, from and tag; IPv4 addresses */
	uint64_t port_mask, port;   /* the word that in_port is in */
};

/* By length of prefix. */
struct lpm_priorities {
	uint16_t min[TRIE_BITS + 1], max[TRIE_BITS + 1];
};

/* Routes of one family of addresses. */
struct lpm_routes {
	struct trie trie;
	enum prefix_field field;
	bool framed; /* nothing else is asked of a packet than is in 'frame' */
	struct lpm_frame frame;
	/* Control thread. */
	struct prefix_set set;
	struct lpm_priorities priorities;
};

struct lpm {
	struct cls cls;
	struct lpm_routes *of[N_PREFIX_FAMILIES]; /* NULL: none */
	_Atomic bool beaten;			  /* by a rule that matches everything */
	struct cls_hash any;			  /* those rules */
	_Atomic uint32_t any_used;
	struct cls *_Atomic beside; /* tuples of the others; NULL: none */
	/* Of those beside, rules that no address in a trie tells of, but the filter of odd rules
	 * (odd.h) does; counted before they can be seen. */
	_Atomic uint32_t n_loose;
	/* Control thread. */
	uint32_t n_strange, strange_max; /* of those, of a family that has no routes */
	struct cls_mask none;
	uint16_t least, most_any; /* priorities of routes, and of those that match everything */
};

/* The table, if it is of routes, and nothing beats them. */
static inline const struct lpm *cls_lpm_direct(const struct cls *c)
{
	const struct lpm *l = (const struct lpm *)c;

	if (!c || c->ops != &cls_lpm || atomic_load_explicit(&l->beaten, memory_order_acquire))
		return NULL;
	return l;
}

#endif
