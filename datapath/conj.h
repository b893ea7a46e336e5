/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conjunctive flows: what a flow with conjunction(ID,K/N) actions takes part in (ovs-fields(7),
 * "Conjunctive match").
 *
 * Such a flow is one value of clause K of N of the conjunctive flow ID; a packet that meets a flow
 * for each of the N clauses is looked up once more as one with conj_id=ID (cls_conj.c).  A set is
 * made by the control thread with the flow's program, shared by all flows of the same actions,
 * constant, and read by PMDs.
 *
 * Meeting sets costs what the smaller ones have to say: each of their terms is searched for in the
 * others by halves.  So an address in a thousand security groups (a set of a thousand) and a port
 * of one rule (a set of one) meet in ten steps.
 */
#ifndef WEFT_DATAPATH_CONJ_H
#define WEFT_DATAPATH_CONJ_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/role.h"
#include "ofproto/wire.h"

/* One conjunctive flow, and the clauses of it that the set stands for. */
struct conj_term {
	uint64_t name; /* id << 8 | number of clauses: those who disagree on it speak of two */
	uint64_t clauses;
};

struct conj_set {
	uint32_t n;
	bool alone;		 /* it has all clauses of some term */
	struct conj_term term[]; /* names ascend */
};

/* ---- Control thread ---- */

/* Of an action list that has conjunctions, and was checked; free().  NULL: no memory. */
struct conj_set *conj_set_new(const struct of_list *actions) CONTROL;
/* Whether it has any. */
bool conj_is_in(const struct of_list *actions);

/* ---- PMD threads ---- */

/*
 * The lowest name from 'from' on whose clauses are all in one or another of 'n' sets; false: there
 * is none.
 */
bool conj_meet(const struct conj_set *const *sets, unsigned int n, uint64_t from, uint64_t *name);

static inline uint32_t conj_id(uint64_t name)
{
	return (uint32_t)(name >> 8);
}

/* All clauses of a name. */
static inline uint64_t conj_all(uint64_t name)
{
	return UINT64_MAX >> (64 - (name & 0xff));
}

#endif
