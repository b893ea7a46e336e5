/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tuple template (cls_tuple.c) can do besides: find not the best rule, but all, for the
 * conj template (cls_conj.c); or only a better one, for the cuts template (cls_cuts.c).
 *
 * PMD threads.
 */
#ifndef WEFT_DATAPATH_CLS_TUPLE_H
#define WEFT_DATAPATH_CLS_TUPLE_H

#include "datapath/cls_hash.h"

/* As cls_hash_every(), over all tuples of 'c', which is a tuple classifier. */
void cls_tuple_every(const struct cls *c, const struct burst *b, uint64_t todo,
		     const struct cls_rule *const *over, unsigned int first, cls_every *fn,
		     void *arg);

/* For each packet of 'todo': hit[i] becomes a rule of a higher priority than it (NULL: any) has. */
void cls_tuple_better(const struct cls *c, const struct burst *b, uint64_t todo,
		      const struct cls_rule **hit);

/* All of its rules, c->n_rules of them, to 'v'; control thread. */
uint32_t cls_tuple_rules(const struct cls *c, struct cls_rule **v);

#endif
