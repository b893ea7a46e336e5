/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow tables as the OpenFlow agent sees them: add, modify, delete, expire, read (6.4, 7.3.4.1).
 *
 * Changes are made at a version that is not published yet; dp_publish() (dp.h) makes all of them
 * visible at once and retires what they removed.  A bundle opens a transaction, and
 * table_rollback() undoes it whole: flows, groups and meters. Everything here: control thread.
 * Owner: struct dp.
 */
#ifndef WEFT_DATAPATH_TABLE_H
#define WEFT_DATAPATH_TABLE_H

#include "datapath/clock.h"
#include "datapath/cls.h"
#include "datapath/flow.h"
#include "ofproto/wire.h"

struct dp;
struct group;
struct meter;
struct pmd;
struct table_state;

enum { N_TABLES = 254 }; /* 0..253; 254 is reserved, 255 is OFPTT_ALL */

/* What became of one flow. */
struct table_change {
	const struct flow *flow;
	const struct flow *before; /* the flow that it replaces or was; NULL: none */
	uint32_t by, xid;	   /* whose change, as table_cause() said; 0: nobody's */
	uint16_t event;		   /* OFPFME_* */
	uint8_t reason;		   /* OFPRR_*, of flows that go */
};

struct table_events {
	/* Told of each flow that goes and has OFPFF_SEND_FLOW_REM. */
	void (*flow_removed)(void *arg, const struct flow *f, const struct of_match *match,
			     uint8_t reason, uint64_t packets, uint64_t bytes, double duration);
	/*
	 * Told of all changes, in their order, when they are published; NULL while nobody watches:
	 * then they are not noted.  'v' is NULL when there was no memory to note them.
	 */
	void (*changed)(void *arg, const struct table_change *v, uint32_t n);
	/* A threshold of vacancy was passed: OFPTR_*. */
	void (*table_status)(void *arg, uint8_t table_id, uint8_t reason);
	/*
	 * Called now and then within what takes long, and cannot be done in parts because others
	 * would see it half done: the time to answer what has nothing to do with tables.
	 */
	void (*breathe)(void *arg);
	void *arg;
};

/* What 1.4's table_mod sets (table_config.c). */
struct table_config {
	uint32_t evict_by; /* OFPTMPEF_*; 0: no eviction */
	bool vacancy_events;
	uint8_t vacancy_down, vacancy_up; /* percent */
};

/* For dp_new() and dp_free().  0 or -ENOMEM. */
int table_state_init(struct dp *dp) CONTROL;
void table_state_fini(struct dp *dp) CONTROL;

/*
 * Executes a flow_mod in full: add, modify(_strict), delete(_strict), OFPFF_CHECK_OVERLAP,
 * RESET_COUNTS, cookie masks, out_port/out_group filters, OFPTT_ALL for deletes.  0, or -EPROTO
 * with the error to send (OFPFMFC_TABLE_FULL, OVERLAP, BAD_TABLE_ID, BAD_COMMAND, BAD_FLAGS ...);
 * nothing has changed then.
 */
int table_flow_mod(struct dp *dp, const struct of_flow_mod *fm, struct of_err *e) CONTROL;

/*
 * A learned flow (learn.h): 'fm' is an addition.  One of this match and priority is modified
 * instead, keeping its timeouts, flags and age, or refreshed if it is the same: its hard timeout
 * runs from now.
 */
enum table_learned {
	TABLE_LEARN_ADDED,
	TABLE_LEARN_MODIFIED,
	TABLE_LEARN_REFRESHED,
	TABLE_LEARN_LIMITED, /* it is not there, and may not be added */
	TABLE_LEARN_REFUSED, /* as a flow_mod would be */
};
enum table_learned table_learn(struct dp *dp, const struct of_flow_mod *fm, bool may_add,
			       struct of_err *e) CONTROL;

/* Deletes the flows that use a group or a meter that goes away (6.4, 6.5).  0, or -ENOMEM: none. */
int table_delete_by_group(struct dp *dp, const struct group *g) CONTROL;
int table_delete_by_meter(struct dp *dp, const struct meter *m) CONTROL;

/* Idle and hard timeouts; call about every 500 ms with monotonic seconds. */
void table_expire(struct dp *dp, double now) CONTROL;

/*
 * A bundle: changes between begin and commit are all or nothing.  Nothing may be published in
 * between; flow_removed events wait for the next dp_publish() in any case.
 */
void table_begin(struct dp *dp) CONTROL;
void table_commit(struct dp *dp) CONTROL;
void table_rollback(struct dp *dp) CONTROL;

/* Who makes the changes to come, for table_change; 0: nobody. */
void table_cause(struct dp *dp, uint32_t by, uint32_t xid) CONTROL;
/* Whether a transaction is open. */
bool table_in_bundle(const struct dp *dp) CONTROL;

/* Within what takes long: table_events.breathe, if that was not called lately. */
void table_breathe(struct dp *dp) CONTROL;

/* Sums of the PMDs' counters since the flow was added or its counts reset. */
void flow_counts(const struct dp *dp, const struct flow *f, uint64_t *packets,
		 uint64_t *bytes) CONTROL;
void flow_match(const struct flow *f, struct of_match *out) CONTROL;

/*
 * Walks the flows that a stats request selects (table or OFPTT_ALL, match as non-strict filter,
 * out_port, out_group, cookie/mask), in order of table, then priority descending.  'visit' returns
 * non-zero to stop; returned is that, or -ENOMEM.
 */
int table_select(struct dp *dp, const struct of_mp_flow_request *q,
		 int (*visit)(void *arg, const struct flow *f), void *arg) CONTROL;

/* Whether 'q' selects the flow. */
bool table_selects(const struct of_mp_flow_request *q, const struct flow *f) CONTROL;

/* The same in no order, which is sooner done. */
int table_each(struct dp *dp, const struct of_mp_flow_request *q,
	       int (*visit)(void *arg, const struct flow *f), void *arg) CONTROL;

/*
 * A place in that order, by which a walk goes on after other things were done: flows that were
 * there all the time are visited once.
 */
struct table_place {
	uint8_t table_id;
	uint16_t priority;
	uint32_t id;
	double created;
};

struct table_place table_place(const struct flow *f);
/* Negative: x comes first. */
int table_place_compare(const struct table_place *x, const struct table_place *y);
/* The same for the flows behind 'after'; NULL: all. */
int table_select_after(struct dp *dp, const struct of_mp_flow_request *q,
		       const struct table_place *after,
		       int (*visit)(void *arg, const struct flow *f), void *arg) CONTROL;

/* Sums over the PMDs. */
void table_lookups(const struct dp *dp, uint8_t table_id, uint64_t *lookups,
		   uint64_t *matches) CONTROL;
void table_config_get(const struct dp *dp, uint8_t table_id, struct table_config *out) CONTROL;
/* Undone by a rollback.  0 or -ENOMEM. */
int table_config_set(struct dp *dp, uint8_t table_id, const struct table_config *c) CONTROL;
/* The part of the table that is free, in percent. */
uint8_t table_vacancy(const struct dp *dp, uint8_t table_id) CONTROL;

uint32_t table_count(const struct dp *dp, uint8_t table_id) CONTROL;
/* The template that serves the table now: "direct", ... and how many masks it has. */
const char *table_template(const struct dp *dp, uint8_t table_id, uint32_t *n_masks) CONTROL;
/* ... and why, in words for operators. */
const char *table_why(const struct dp *dp, uint8_t table_id) CONTROL;

/* Every tenth of a second or so: tables that have calmed down get better classifiers, built by
 * another thread. */
void table_calm(struct dp *dp) CONTROL;
/* For tests: as if all had been calm, until what is built is ready. */
void table_calm_wait(struct dp *dp) CONTROL;

/* ---- Between table.c, dp.c, group.c and meter.c ---- */

/* What dp_publish() does for the tables, after the new version is stored: events, then unlinking.
 */
void table_published(struct dp *dp) CONTROL;
/* Then: whether a threshold of vacancy was passed. */
void table_watch_vacancy(struct dp *dp) CONTROL;

/*
 * One change that a rollback must undo: undo(dp, arg) in reverse order, or done(dp, arg) (may be
 * NULL) when it is sure to stay: at commit, or at once where no transaction is open.  txn_reserve()
 * first, so that logging cannot fail.
 */
int txn_reserve(struct dp *dp, uint32_t n) CONTROL;
void txn_log(struct dp *dp, void (*undo)(struct dp *dp, void *arg),
	     void (*done)(struct dp *dp, void *arg), void *arg) CONTROL;

#endif
