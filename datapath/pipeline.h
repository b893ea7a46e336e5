/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline: one ascending sweep over the tables, a set of packets for each.
 *
 * OpenFlow's goto only goes forward (5.9), so when the sweep comes to a table, everybody who
 * will ever be in it is there, and is looked up as one vector.  PMD threads.
 */
#ifndef WEFT_DATAPATH_PIPELINE_H
#define WEFT_DATAPATH_PIPELINE_H

#include "datapath/pkt.h"
#include "datapath/role.h"

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

#endif
