/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files that answer Weft's own messages share (agent_mgmt.c, agent_ct.c).  Control thread.
 */
#ifndef WEFT_DATAPATH_AGENT_MGMT_H
#define WEFT_DATAPATH_AGENT_MGMT_H

#include "datapath/agent_priv.h"
#include "datapath/ct_conn.h"
#include "ofproto/mgmt.h"

/* One request; the arena is the answer's. */
struct mgmt_ctx {
	struct conn *conn;
	const struct of_msg *msg;
	struct arena *arena;
};

/* Each: 0, or -errno, which is then the answer. */
int mgmt_answer(const struct mgmt_ctx *x, const Weft__Reply *r);
int mgmt_refuse_err(const struct mgmt_ctx *x, int rc, const struct err *e);

/* ---- agent_ct.c ---- */

int agent_ct_dump(const struct mgmt_ctx *x, const Weft__CtDumpRequest *q) CONTROL;
int agent_ct_flush(const struct mgmt_ctx *x, const Weft__CtFlush *q) CONTROL;
int agent_ct_stats(const struct mgmt_ctx *x, const Weft__CtStatsRequest *q) CONTROL;
int agent_ct_set(const struct mgmt_ctx *x, const Weft__CtSet *q) CONTROL;

/* agent_ct_flush.c: all connections, or those of a zone; the answer comes when they are gone. */
int agent_ct_flush_all(const struct mgmt_ctx *x, const uint16_t *zone) CONTROL;

/* In 'a'; NULL: no memory. */
Weft__CtTuple *agent_ct_tuple(struct arena *a, const struct ct_tuple *t);

/* ---- agent_ipfix.c ---- */

int agent_ipfix_add(const struct mgmt_ctx *x, const Weft__IpfixAdd *q) CONTROL;
int agent_ipfix_del(const struct mgmt_ctx *x, const Weft__IpfixDel *q) CONTROL;
int agent_ipfix_list(const struct mgmt_ctx *x) CONTROL;

/* ---- agent_perf.c ---- */

int agent_perf(const struct mgmt_ctx *x) CONTROL;

/* ---- agent_event.c ---- */

/* Each row of event.def with its count, in 'a'.  0 or -ENOMEM. */
int agent_events(struct dp *dp, struct arena *a, Weft__Drop ***list, size_t *n) CONTROL;

#endif
