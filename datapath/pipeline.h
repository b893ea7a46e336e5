/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline: one ascending sweep over the tables, a set of packets for each.
 *
 * OpenFlow's goto only goes forward (5.9), so when the sweep comes to a table, everybody who
 * will ever be in it is there, and is looked up as one vector.  A resubmit that need not come back
 * (struct insts, 'tail') is a goto that may go back, too: the sweep then begins again with the
 * lowest table that somebody is in.  Any other resubmit is a call: for one packet, with what it
 * leads to, while the sweep waits.  PMD threads.
 */
#ifndef WEFT_DATAPATH_PIPELINE_H
#define WEFT_DATAPATH_PIPELINE_H

#include "datapath/pkt.h"
#include "datapath/role.h"

struct act_ct;
struct act_op;
struct frozen;
struct insts;
struct flow;
struct pmd;

/* Runs packets 'todo' of 'b' from table 'first' to the end; fills b->out. */
void pipeline_run(struct pmd *w, struct burst *b, uint64_t todo, uint8_t first, uint64_t now) PMD;

/*
 * "Packet p has hit flow f": counts and executes it.  For the cache, which knows without a lookup.
 * Returns the next table, or -1: the packet's way is over (act_finish() is due unless p->dropped).
 */
int pipeline_hit(struct pmd *w, struct burst *b, struct pkt *p, const struct flow *f,
		 uint64_t now) PMD;

enum {
	CALL_BACKWARD_MAX = 64, /* resubmits to the same table or back, in each other */
	CALL_NEST_MAX = 250,	/* resubmits in each other, of any kind: the stack's measure */
	CALLS_MAX = 4096,	/* for one packet and its copies */
};

/*
 * ACT_CALL: looks packet p up in op->call.table, executes what it hits, and what that goes on to,
 * and comes back; nothing if nothing is hit.  'p' may be a copy that is not in b->pkt[].  Over a
 * limit the packet is dropped (STOP_DOOM).
 */
void pipeline_call(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
		   uint64_t now) PMD;
/*
 * ct(table=N) with something behind it: the packet is tracked, a copy of it goes through the tables
 * from N on to its end, and the packet itself goes on untracked.
 */
void pipeline_fork(struct pmd *w, struct burst *b, struct pkt *p, const struct act_ct *ct,
		   uint64_t now) PMD;
/* Takes a packet that paused on from there (freeze.h). */
void pipeline_resume(struct pmd *w, struct burst *b, struct pkt *p, const struct frozen *z,
		     uint64_t now) PMD;
/* A packet of the sweep is about to go on by 'i->tail'.  False: it may not, and is dropped. */
bool pipeline_tail(struct pmd *w, struct burst *b, struct pkt *p, const struct insts *i) PMD;

#endif
