/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classifiers: how a table finds a packet's flow.  One interface, several templates.
 *
 * Each table is served by the first template of cls_templates[] that fits its rules: conj (some
 * have conjunction actions: the others inside it, cls_conj.h), direct (a few rules), exact (one
 * mask: a hash), lpm (one prefix field, priority agrees with length; few others), tuple (a hash for
 * each mask, merged so that the number of probes is bounded; always fits).  PMDs look up whole
 * bursts while the control thread changes the classifier: insert and remove keep readers correct,
 * or return -EAGAIN, and table.c then builds another one aside and swaps it in.  What readers may
 * still see is freed by cls_retire().
 *
 * Among visible rules (flow.h) that hit, the highest priority wins.  Two visible rules of equal
 * priority that both hit: either (6.2 leaves it open), but always the same one for the same packet
 * and classifier.
 */
#ifndef WEFT_DATAPATH_CLS_H
#define WEFT_DATAPATH_CLS_H

#include "datapath/flow.h"
#include "datapath/pkt.h"
#include "datapath/role.h"

struct dp;

/* What a table's rules look like as a whole: templates decide by it. */
struct cls_shape {
	struct dp *dp;	  /* whose grace periods readers go by; NULL: there are no readers */
	uint32_t n_rules; /* all that are linked, visible or not */
	uint32_t n_conj;  /* of these, rules with conjunction actions */
	uint32_t n_any;	  /* ... and that match everything (a table-miss entry) */
	uint32_t n_masks; /* different masks of the other rules */
	bool calm;	  /* it does not change fast: a template may take its time to build */
	struct cls_rule *const *rules; /* n_rules of them */
};

struct cls {
	const struct cls_ops *ops;
	struct dp *dp;
	uint32_t n_rules;
	_Atomic uint64_t words; /* key words that any rule has looked at since it was built */
	_Atomic uint64_t bits[FLOW_KEY_WORDS];	/* ... and which bits of them */
	_Atomic uint64_t usual[FLOW_KEY_WORDS]; /* ... any that is not odd (odd.h) */
};

struct cls_ops {
	const char *name;
	const char *why; /* a table has it, and what it does, for operators */
	bool (*fits)(const struct cls_shape *);
	/* A classifier with the shape's rules in it and room for growth.  NULL: no memory. */
	struct cls *(*build)(const struct cls_shape *);
	/* 0; -EAGAIN: does not fit this template or its size any more; -ENOMEM. */
	int (*insert)(struct cls *, struct cls_rule *);
	/* Unlinks; the caller frees the rule after a grace period.  0 or -EAGAIN. */
	int (*remove)(struct cls *, struct cls_rule *);
	/* The rule will be inserted: what that looks at comes into the cache.  NULL: nothing. */
	void (*expect)(const struct cls *, const struct cls_rule *);
	/* The version at which it is removed is another now, and not published.  NULL: no matter.
	 */
	void (*marked)(struct cls *, struct cls_rule *);
	/* For each packet i in 'todo': hit[i] = its rule, or NULL.  'version' is b->version. */
	void (*lookup)(const struct cls *, const struct burst *b, uint64_t todo,
		       const struct cls_rule **hit);
	/* The most searches (hash probes, walks, comparisons) that one lookup takes. */
	uint32_t (*probes)(const struct cls *);
	size_t (*memory)(const struct cls *); /* bytes, for stats */
	void (*free)(struct cls *);	      /* after a grace period */
};

/* In order of preference, NULL at the end. */
extern const struct cls_ops *const cls_templates[];

extern const struct cls_ops cls_direct, cls_exact, cls_lpm, cls_tuple;

/* Counts its rules by mask, and orders them so. */
void cls_shape_count(struct cls_shape *s, struct cls_rule **rules);
/* For cls_retire(): a whole classifier. */
void cls_free(void *c);

/* The first template that fits. */
const struct cls_ops *cls_pick(const struct cls_shape *s);

/* For templates: frees 'p' once no reader can see it. */
void cls_retire(struct cls *c, void *p, void (*fn)(void *));
/* For templates: one more rule; before it is linked. */
void cls_note(struct cls *c, const struct cls_rule *r);
/* The part of it that tells of words 'words' of the rule's mask. */
void cls_note_bits(struct cls *c, const struct cls_rule *r, uint64_t words);

/* The i'th packet's key as words. */
static inline const uint64_t *cls_key(const struct burst *b, unsigned int i)
{
	return (const uint64_t *)&b->pkt[i].key;
}

#endif
