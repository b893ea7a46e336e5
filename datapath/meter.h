/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meters (5.7, 6.6): token buckets; drop and DSCP remark bands; kbps or pktps, burst, statistics by
 * band.
 *
 * One meter may be run by several PMDs: its bucket is an atomic of its own cache line.  Control
 * thread writes the configuration as a body that is swapped whole.  Owner: struct dp.
 */
#ifndef WEFT_DATAPATH_METER_H
#define WEFT_DATAPATH_METER_H

#include "datapath/act.h"
#include "ofproto/wire.h"

struct dp;
struct meter;

/* ---- Control thread ---- */

/* For dp_new() and dp_free().  0 or -ENOMEM. */
int meter_table_init(struct dp *dp) CONTROL;
void meter_table_fini(struct dp *dp) CONTROL;

int meter_mod(struct dp *dp, const struct of_meter_mod *mm, struct of_err *e) CONTROL;
struct meter *meter_find(const struct dp *dp, uint32_t meter_id) CONTROL;
void meter_ref(struct meter *m) CONTROL;
void meter_unref(struct dp *dp, struct meter *m) CONTROL;
int meter_each(const struct dp *dp, uint32_t meter_id,
	       int (*visit)(void *arg, const struct meter *m), void *arg) CONTROL;
struct of_meter_stats *meter_stats(const struct dp *dp, const struct meter *m,
				   struct arena *a) CONTROL;
struct of_meter_config *meter_config(const struct meter *m, struct arena *a) CONTROL;
void meter_features(const struct dp *dp, struct of_mp_meter_features_reply *out) CONTROL;

/* ---- PMD threads ---- */
enum { METER_DROP = -1 };
/* Counts the packet.  METER_DROP, or by how much its drop precedence rises (act_remark()). */
int meter_run(struct meter *m, const struct pkt *p, uint64_t now) PMD;
/* What meter_run() would say; nothing is counted or taken.  '*id': of the meter. */
int meter_look(const struct meter *m, const struct pkt *p, uint64_t now, uint32_t *id) PMD;

#endif
