/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups (5.6, 6.5): ALL, INDIRECT, SELECT (select.h) and FAST_FAILOVER, in messages as 1.3 and as
 * 1.5 has them.
 *
 * A group's buckets are a body that PMDs read; modifying publishes another body with the version at
 * which it becomes visible, as flows do (flow.h).  Control thread writes; PMDs run.  Owner: struct
 * dp.
 */
#ifndef WEFT_DATAPATH_GROUP_H
#define WEFT_DATAPATH_GROUP_H

#include "datapath/act.h"
#include "ofproto/wire.h"

struct dp;
struct group;

/* ---- Control thread ---- */

/* For dp_new() and dp_free().  0 or -ENOMEM. */
int group_table_init(struct dp *dp) CONTROL;
void group_table_fini(struct dp *dp) CONTROL;

/* add, modify, delete (OFPG_ALL too): 0, or -EPROTO with OFPET_GROUP_MOD_FAILED and its code. */
int group_mod(struct dp *dp, const struct of_group_mod *gm, struct of_err *e) CONTROL;
/* The same in 1.5's layout: inserts and removes buckets too, and says how to select. */
int group_mod_ext(struct dp *dp, const struct of_weft_group_mod *gm, struct of_err *e) CONTROL;
struct group *group_find(const struct dp *dp, uint32_t group_id) CONTROL;
uint32_t group_id(const struct group *g);
/* How many flows and buckets refer to it (insts_get and _put keep it). */
void group_ref(struct group *g) CONTROL;
void group_unref(struct dp *dp, struct group *g) CONTROL;
/* So many installed flows more, or fewer. */
void group_count_flows(struct group *g, int by) CONTROL;

/* For multiparts: calls 'visit' for one group or, with OFPG_ALL, for each, in ascending order from
 * 'from' on, until it returns non-zero; returns that. */
int group_each(const struct dp *dp, uint32_t group_id, uint32_t from,
	       int (*visit)(void *arg, const struct group *g), void *arg) CONTROL;
/* Fills a stats / desc structure in arena 'a'; NULL: no memory. */
struct of_group_stats *group_stats(const struct dp *dp, const struct group *g,
				   struct arena *a) CONTROL;
struct of_group_desc *group_desc(const struct group *g, struct arena *a) CONTROL;
struct of_ext_group_desc *group_ext_desc(const struct group *g, struct arena *a) CONTROL;
void group_features(const struct dp *dp, struct of_mp_group_features_reply *out) CONTROL;
/* A port's link or existence changed: fast failover and liveness. */
void group_port_changed(struct dp *dp, uint32_t port_no) CONTROL;

/* ---- PMD threads ---- */

void group_run(struct pmd *w, struct burst *b, struct pkt *p, struct group *g, uint64_t now) PMD;

#endif
