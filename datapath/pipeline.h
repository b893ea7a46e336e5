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

struct pmd;

/* Runs packets 'todo' of 'b' from table 'first' to the end; fills b->out. */
void pipeline_run(struct pmd *w, struct burst *b, uint64_t todo, uint8_t first, uint64_t now) PMD;

#endif
