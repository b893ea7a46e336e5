/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lpm template as the express way sees it: where an address leads, without a key.  PMDs read.
 */
#ifndef WEFT_DATAPATH_CLS_LPM_H
#define WEFT_DATAPATH_CLS_LPM_H

#include "datapath/cls_prefix.h"
#include "datapath/cls_trie.h"

/* What routes have in common, of a frame that has just come in. */
struct lpm_frame {
	uint64_t mask[3], value[3]; /* of the key's words: to, from and tag; IPv4 addresses */
	uint64_t port_mask, port;   /* the word that in_port is in */
};

struct lpm {
	struct cls cls;
	struct trie trie;
	enum prefix_field field;
	/* Nothing else is asked of a packet than is in 'frame', and nothing beats a route. */
	_Atomic bool direct;
	struct lpm_frame frame;
	struct cls_hash *any; /* rules that match everything */
	_Atomic uint32_t any_used;
	/* Control thread. */
	struct prefix_set set;
	struct cls_mask none;
	/* By length; of all, and of those that match everything. */
	uint16_t min_priority[TRIE_BITS + 1], max_priority[TRIE_BITS + 1], least, most_any;
};

/* Its routes, if frames can be looked up in them directly. */
static inline const struct lpm *cls_lpm_direct(const struct cls *c)
{
	const struct lpm *l = (const struct lpm *)c;

	if (!c || c->ops != &cls_lpm || !atomic_load_explicit(&l->direct, memory_order_acquire))
		return NULL;
	return l;
}

#endif
