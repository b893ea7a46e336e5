/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the switch does with IP fragments (5.3, 7.3.2): they pass as they are (OFPC_FRAG_NORMAL),
 * are dropped, or are put together before the first table sees them.
 *
 * The mode is the switch's.  Each PMD puts together what comes in by its queues, in a table of its
 * own (reasm.h), which is there only while the mode is OFPC_FRAG_REASM: the control thread
 * publishes and retires it.  Packets that a controller sends are not put together.
 *
 * Whatever the mode, a fragment that comes to ct() is put together there, for a zone, in another
 * table of the PMD, which is there from the first flow with ct() on (act_ct.h).
 */
#ifndef WEFT_DATAPATH_FRAG_H
#define WEFT_DATAPATH_FRAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "datapath/pkt.h"
#include "datapath/role.h"

struct dp;
struct pmd;

/* ---- Control thread ---- */

/* 0, or -ENOMEM with everything as it was.  What waits when reassembly ends is dropped, and counted
 * as DROP_REASM_OFF. */
int frag_mode_set(struct dp *dp, uint32_t mode) CONTROL;

/* A table for what comes to ct(): of one PMD, of all.  0 or -ENOMEM, with words. */
int frag_track_new(struct pmd *w) CONTROL;
int frag_track_on(struct dp *dp, struct err *e) CONTROL;

/* ---- PMD threads ---- */

/* Fragment 'p' comes to ct() of 'zone'; it need not be in the burst.  True: it is the whole
 * datagram now; false: it waits, or is gone. */
bool frag_track(struct pmd *w, struct burst *b, struct pkt *p, uint16_t zone) PMD;

/* Packets 'todo' of 'b' that are fragments, when the mode is not OFPC_FRAG_NORMAL; returns those
 * that go on, wholes in the place of their last fragments. */
uint64_t frag_run(struct pmd *w, struct burst *b, uint64_t todo, uint32_t mode) PMD;

/* Gives up what has waited too long. */
void frag_tick(struct pmd *w) PMD;

#endif
