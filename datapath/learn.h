/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn and fin_timeout (ovs-actions(7)): flows that packets make, and whose timeouts they lower.
 *
 *	packet thread: learn_run()	a packet meets a learn action; if that was not told lately:
 *	      | punt			its key and the action's number
 *	      v
 *	control thread: learn_punt()	the flow is made of them: added, modified or refreshed, as
 *by a flow_mod (table_learn()); published with the round's others
 *
 * A packet thread remembers in a table of fixed size what it has told, by a keyed hash of the
 * action and the values that it takes from a packet; so what is known costs one look, and the
 * control thread hears again only after LEARN_REFRESH_MS, for flows with a hard timeout (which
 * runs from then), or when learned flows went (dp->learn_epoch).  No more than LEARN_IN_FLIGHT
 * punts of a packet thread wait at a time; what finds no place is counted (perf.learn_lost), and
 * the packet goes on.
 *
 * As in Open vSwitch: a learned flow is seen by later packets, not by the one that it is learned
 * from; a flow of the same match and priority is modified, keeping its timeouts, flags and age;
 * delete_learned flows go when the last flow with a learn action of that table and cookie goes; and
 * limit counts the flows of that table and cookie.  Other than there, a flow that is there already
 * is no new one: a full limit neither refuses it nor says so in result_dst.
 *
 * struct learn: made by the control thread with a program, read by PMDs, freed when the program is
 * gone and what its packets have sent up was heard.
 */
#ifndef WEFT_DATAPATH_LEARN_H
#define WEFT_DATAPATH_LEARN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapath/flow.h"
#include "datapath/role.h"
#include "ofproto/wire.h"

struct act_op;
struct burst;
struct dp;
struct flow;
struct insts;
struct learn;
struct learn_memory;
struct pkt;
struct pmd;
struct punt;

enum { LEARN_REFRESH_MS = 500, LEARN_IN_FLIGHT = 512 };

/* ---- Control thread ---- */

int learn_state_new(struct dp *dp) CONTROL;
/* All programs are gone. */
void learn_state_free(struct dp *dp) CONTROL;
/* What a PMD remembers. */
struct learn_memory *learn_memory_new(void) CONTROL;
void learn_memory_free(struct learn_memory *m) CONTROL;

/* An action that passed the checks; NULL: no memory. */
struct learn *learn_new(struct dp *dp, const struct of_any *a) CONTROL;
void learn_free(struct dp *dp, struct learn *l) CONTROL;
/* The field that it writes its result to, or NULL. */
const struct of_field *learn_result_field(const struct learn *l);

/* A PUNT_FLOW or PUNT_FIN that was drained (punt.h). */
void learn_punt(struct dp *dp, const struct punt *p) CONTROL;
/* After a round of them: what they have changed is published. */
void learn_publish(struct dp *dp) CONTROL;
/* There are no more for now: actions that are over are freed. */
void learn_drained(struct dp *dp) CONTROL;

/* 'f' is installed (1), or is not any more (-1). */
void learn_count_flow(struct dp *dp, struct flow *f, int by) CONTROL;
/* 'f' goes, or is replaced (silently): what was learned of it may have to be learned again, and
 * what was told of its end is not told of another under its number. */
void learn_flow_gone(struct dp *dp, const struct flow *f) CONTROL;
/* Before a publication: flows whose learn actions with delete_learned have gone go, too. */
void learn_settle(struct dp *dp) CONTROL;
/* After it: what packet threads remember of flows that went is void. */
void learn_published(struct dp *dp) CONTROL;
/* Whether the flow that is being made is a learned one: it may have a fin_timeout without a match
 * on TCP. */
bool learn_is_making(const struct dp *dp) CONTROL;

/* What it learned, failed to learn, or refused for its limit, since the start. */
struct learn_counts {
	uint64_t added, modified, refreshed, refused, limited, lost;
};
struct learn_counts learn_counts(const struct dp *dp) CONTROL;

/* A key as the packet has it: the match and actions of the flow that is learned from it.  Its lists
 * are in 'a'.  0, -ENOMEM, or -ERANGE: no packet could match it. */
int learn_flow_mod(const struct of_any *action, const struct flow_key *key, struct arena *a,
		   struct of_flow_mod *out);

/* ---- PMD threads ---- */

void learn_run(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
	       uint64_t now) PMD;
/* fin_timeout: the flow's timeouts, if the packet ends a TCP connection. */
void learn_fin(struct pmd *w, struct pkt *p, const struct act_op *op, uint64_t now) PMD;

#endif
