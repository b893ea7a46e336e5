/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one packet meets: the packet path itself, with a sink.
 *
 * A trace has a PMD of its own, which is none of dp->pmds[]: its counters are seen by nobody, it
 * has no cache (it asks the PMD that would get the packet what is in its own), and what it would
 * give to devices or the control thread is written down and freed (txq.c).  What is shared between
 * PMDs is left alone while pmd->trace is set: counters of groups (group_run.c), meters and their
 * buckets (meter.c), the age of learned addresses (normal.c).
 *
 * It runs in the control thread, the tables' only writer, so that what it has met stays until the
 * reply is made.
 */
#ifndef WEFT_DATAPATH_TRACE_H
#define WEFT_DATAPATH_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datapath/role.h"
#include "ofproto/weft.pb-c.h"

struct act_ct;
struct act_op;
struct burst;
struct ct_req;
struct ct_result;
struct ct_seen;
struct dp;
struct flow;
struct group_body;
struct of_any;
struct pkt;
struct pmd;
struct port;
struct rte_mbuf;

/* ---- Control thread ---- */

/* 0 and a reply in 'a'; or -errno, with words in 'e'. */
int trace_run(struct dp *dp, const Weft__TraceRequest *q, struct arena *a, Weft__Trace **out,
	      struct err *e) CONTROL;

/* ---- The packet path, where w->trace is set ---- */

/* Packets 'todo' of 'b' come to the flow cache. */
void trace_begin(struct pmd *w, const struct burst *b, uint64_t todo);
/* So many resubmits have not come back. */
void trace_depth(struct pmd *w, uint32_t depth);
/* 'p' was looked up in table p->table_id; 'f' is NULL when there was nothing. */
void trace_table(struct pmd *w, const struct pkt *p, const struct flow *f);
/* 'verdict': as meter_run() says it. */
void trace_meter(struct pmd *w, uint32_t meter_id, int verdict);
/* A learn action, which learns nothing of a trace; 'may': its limit allows it. */
void trace_learn(struct pmd *w, const struct pkt *p, const struct of_any *action, bool may);
/* A sample action, which tells nobody of a trace; 'heard': its collector set is configured. */
void trace_sample(struct pmd *w, const struct act_op *op, bool heard);
void trace_bucket(struct pmd *w, const struct group_body *g, uint32_t bucket);
/* A frame for a queue of a device's port; OFPQ_ALL: the default one.  Takes the mbuf. */
void trace_queued(struct pmd *w, const struct port *p, uint32_t queue_id, struct rte_mbuf *m);
/* ct() 'ct' as 'r' says it for this packet, and what came of it. */
void trace_ct(struct pmd *w, const struct act_ct *ct, const struct ct_req *r,
	      const struct ct_result *res, const struct ct_seen *seen);
/* Frames for a device.  Takes the mbufs. */
void trace_sent(struct pmd *w, const struct port *p, struct rte_mbuf **m, unsigned int n);

#endif
