/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The action ct(): connection tracking as flows use it (ct.h has what is tracked).
 *
 * ct() without a table tracks the packet where it stands: it is committed, translated, and goes on
 * untracked.  ct(table=N) forks: the packet itself, with the fields ct_*, goes on in table N, and
 * what follows ct() in its list is done on the packet as it was, untracked.  Where nothing follows,
 * there is no fork: the sweep (pipeline.c) gathers such packets, and all of a burst are tracked
 * together by act_ct_burst(), so that memory is on its way for the next ones while one is read.
 *
 * A packet passes ct() at most ACT_CT_PASSES times, its copies included: by then its flows lead in
 * a circle.  Open vSwitch stops after 6 recirculations, one below the other; what a copy of a copy
 * does counts for all of them here, so that a circle with two forks is no 2^n packets.
 *
 * Fragments are put together (reasm.h) in the context of the zone before they are tracked, each
 * PMD's own; the whole goes on in the place of the fragment that came last, and is sent in
 * fragments again where it does not fit (refrag.h).
 *
 * Check and compile: control thread.  The rest: PMD threads.
 */
#ifndef WEFT_DATAPATH_ACT_CT_H
#define WEFT_DATAPATH_ACT_CT_H

#include "base/arena.h"
#include "datapath/act.h"
#include "datapath/ct_nat.h"
#include "datapath/ct_track.h"

enum { ACT_CT_PASSES = 255, ACT_CT_NO_TABLE = OFPTT_ALL };
/* What alg= may name: the helpers, by the ports that they are known by. */
enum { ACT_CT_FTP = 21, ACT_CT_TFTP = 69 };

/* Compiled. */
struct act_ct {
	struct ct_req req; /* what is the same for all packets */
	struct ct_nat_spec spec;
	uint8_t table;		   /* ACT_CT_NO_TABLE: none */
	bool computed;		   /* zone, mark or label are read from the packet */
	struct of_subfield zone;   /* field NULL: req.zone */
	const struct act_op *exec; /* computed mark and label, ACT_END at the end; NULL: in req */
};

/* ---- act_check_ct.c: control thread ---- */

struct check;

/* ct, ct_clear, nat; 1: it is none of these; else 0 or -EPROTO. */
int act_check_ct(struct check *c, const struct of_any *a) CONTROL;

/* ---- act_compile_ct.c: control thread ---- */

/* Bytes of 'mem' that act_compile_ct() will take. */
size_t act_ct_size(const struct of_nx_ct *a);
/* False: no memory. */
bool act_compile_ct(struct arena *mem, const struct of_nx_ct *a, struct act_op *op) CONTROL;

/* ---- act_ct.c: PMD threads ---- */

/*
 * Tracks packets 'who', each by ct[its place in the burst]; returns those that go on in their
 * ct[]->table.  The others are over.
 */
uint64_t act_ct_burst(struct pmd *w, struct burst *b, const struct act_ct *const *ct, uint64_t who,
		      uint64_t now) PMD;
/* One packet, which need not be in the burst.  False: it is over, or waits as a fragment. */
bool act_ct_track(struct pmd *w, struct burst *b, struct pkt *p, const struct act_ct *ct,
		  uint64_t now) PMD;
/* What ct() of 'zone' has found, in the key. */
void act_ct_show(struct pkt *p, const struct ct_result *r, uint16_t zone);
/* No ct_* any more. */
void act_ct_clear(struct pkt *p);

#endif
