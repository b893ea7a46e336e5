/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the table_*.c files share: the flows of each table, and the changes that are not published
 * yet.
 *
 * Control thread.  Owner: struct dp (dp->table_state).
 */
#ifndef WEFT_DATAPATH_TABLE_STATE_H
#define WEFT_DATAPATH_TABLE_STATE_H

#include "base/slab.h"
#include "datapath/cls_hash.h"
#include "datapath/dp.h"
#include "datapath/mask.h"
#include "datapath/table.h"
#include "datapath/table_caps.h"

/* One OpenFlow table. */
struct table {
	struct cls_hash index; /* installed flows, by match and priority; there when 'begun' */
	bool begun;
	uint32_t n_dying;   /* flows that are removed, but linked in the classifier yet */
	uint32_t built_for; /* rules that the classifier was built for, or has had since */
	uint32_t changes;   /* since then */
	/* Rules that came and went, ever, and of these when it was looked at and when trees were
	 * last tried (table_calm.c); and those that are being built, or NULL. */
	uint32_t moved, looked_at, tried_at;
	struct table_coming *coming;
	/* Eviction (table_evict.c): the installed flows, the next one to leave first. */
	uint32_t evict_by; /* OFPTMPEF_*; 0: off, and the heap is empty */
	uint32_t heap_n, heap_room;
	struct flow **heap;
	uint8_t vacancy_down, vacancy_up;
	uint8_t vacancy_awaits; /* OFPTR_VACANCY_*; 0: no events */
};

/* Flows that went with one publication, on their way out (table_publish.c). */
struct flow_batch {
	struct dp *dp;
	struct flow *flows;
	struct flow *linked;	/* those of them from here on are, */
	bool dropped[N_TABLES]; /* but for those of tables whose classifier went as a whole */
	double at;		/* when they were removed, monotonic */
	struct flow_batch *next;
};

struct txn_record {
	void (*undo)(struct dp *dp, void *arg);
	void (*done)(struct dp *dp, void *arg);
	void *arg;
};

struct txn {
	bool open;
	uint32_t n, room;
	struct txn_record *v;
	struct flow *pending_before; /* the last one of 'pending' at begin; NULL: none */
};

/* What was changed since the last publication, for table_events.changed. */
struct table_log {
	struct table_change *v;
	uint32_t n, room;
	uint32_t n_before; /* when the transaction began */
	bool lost;	   /* there was no memory for one of them */
	uint32_t by, xid;  /* who changes now */
};

/* Ids of flows: indexes of their counters (pmd.h). */
struct flow_ids {
	uint32_t n; /* handed out so far */
	uint32_t n_free, room_free;
	uint32_t *free;
};

/*
 * The rest of a walk over flows in order (table_select_after()): the next part of a dump need not
 * look at all flows again, unless one has come or gone meanwhile.
 */
struct flow_walk {
	struct flow **v; /* NULL: none */
	uint32_t at, n;
	struct of_mp_flow_request q;
	struct table_place after;
};

struct table_state {
	struct table tables[N_TABLES];
	struct table_caps caps[N_TABLES];
	struct mask_set *masks;
	struct slab_sizes flows;
	struct flow_ids ids;
	struct flow *pending;			      /* removed, not published: oldest first */
	struct flow *pending_last, *pending_but_last; /* NULL: none; what table_relink() needs */
	struct flow *undone;			      /* added and rolled back */
	struct flow_batch
		*unlinking; /* published as removed, linked until all PMDs were quiescent */
	struct txn txn;
	struct table_log log;
	struct flow_walk walk;
	struct timer_wheel *wheel;
	uint32_t max_flows;
	double breathed;	   /* when others had a moment last (table_breathe.c) */
	uint32_t mark;		   /* last cls_mask.mark */
	struct flow_key supported; /* bits of the fields that the packet path fills */
};

/* ---- table.c: flows in and out of tables, at the version that comes next ---- */

/* A flow with this match; not in any table.  NULL: no memory or no id left. */
struct flow *flow_new(struct dp *dp, const struct of_match *m, uint16_t priority) CONTROL;
void flow_free(struct dp *dp, struct flow *f) CONTROL;

/* Installs 'f' in its table: index, classifier, transaction.  0 or -ENOMEM. */
int table_link(struct dp *dp, struct flow *f) CONTROL;
/* The same, its table_rule_hash() being known. */
int table_link_at(struct dp *dp, struct flow *f, uint64_t hash) CONTROL;
/* Removes 'f', telling why at the next publication (FLOW_GONE_SILENTLY: not at all). */
void table_unlink(struct dp *dp, struct flow *f, uint8_t reason) CONTROL;
/* 'n' flows of the table will be unlinked, and nothing else looks at it before: if they are all
 * that it has, they need not be taken out of the index one by one. */
void table_unlink_whole(struct dp *dp, uint8_t table_id, uint32_t n) CONTROL;
/* Takes back a table_unlink(), where the flow that should replace it could not be linked. */
void table_relink(struct dp *dp, struct flow *f) CONTROL;
/* 'successor' counts on where 'f' stops; before table_unlink() of 'f'. */
void flow_succeed(struct dp *dp, struct flow *f, struct flow *successor) CONTROL;

/* The same number for rules of equal match and priority.  Any thread. */
uint64_t table_rule_hash(const struct cls_mask *mask, const uint64_t *value, uint16_t priority);
/* Whether there is a flow with the rule's match and priority, in a table that has begun. */
bool table_has(const struct table *t, const struct cls_rule *r, uint64_t hash) CONTROL;
/* The installed flow with exactly this match and priority, or NULL. */
struct flow *table_find(const struct dp *dp, uint8_t table_id, const struct of_match *m,
			uint16_t priority) CONTROL;

/* ---- table_evict.c: nothing where eviction is off ---- */

/* Room for 'n' flows.  0 or -ENOMEM. */
int evict_reserve(struct table *t, uint32_t n) CONTROL;
/* Flows as they come and go: room is reserved. */
void evict_add(struct table *t, struct flow *f) CONTROL;
void evict_del(struct table *t, struct flow *f) CONTROL;
/* It ends later than it did. */
void evict_moved(struct dp *dp, struct flow *f) CONTROL;
/* 0 or -ENOMEM; never that for what was set with these flows before. */
int evict_set(struct table *t, uint32_t by) CONTROL;
/* Who makes way for a flow of this importance; NULL: nobody. */
struct flow *evict_choose(const struct table *t, uint16_t importance) CONTROL;

/* ---- table_config.c ---- */

/* As at start; not to be undone. */
void table_config_clear(struct dp *dp, uint8_t table_id) CONTROL;

/* ---- table_cls.c ---- */

/* Links a rule that is in the index already; builds another classifier where it must.  0 or
 * -ENOMEM. */
int table_cls_insert(struct dp *dp, uint8_t table_id, struct cls_rule *r) CONTROL;
/* Whether there is a place for a conjunctive flow of this mask. */
bool table_cls_admits(const struct dp *dp, uint8_t table_id, const struct cls_mask *m) CONTROL;
/* Builds the table's classifier anew from what is linked; NULL for nothing.  0 or -ENOMEM. */
int table_cls_rebuild(struct dp *dp, uint8_t table_id) CONTROL;
/* Unlinks a rule.  0 or -EAGAIN: the table must be built anew. */
int table_cls_remove(struct dp *dp, uint8_t table_id, struct cls_rule *r) CONTROL;
/* 'c', built for all that is linked (NULL: nothing is), serves the table from now on. */
void table_cls_put(struct dp *dp, uint8_t table_id, struct cls *c) CONTROL;
/* Calls 'begin' with what is linked if this template would serve it well. */
void table_cls_offer(struct dp *dp, uint8_t table_id, const struct cls_ops *ops,
		     void (*begin)(struct dp *dp, uint8_t table_id,
				   const struct cls_shape *s)) CONTROL;
/* After many changes: whether a smaller or a better one is due; then builds it. */
void table_cls_settle(struct dp *dp, uint8_t table_id) CONTROL;

/* ---- table_calm.c ---- */

/* A rule came, or is about to be unlinked. */
void table_calm_note(struct dp *dp, uint8_t table_id, struct cls_rule *r, bool came) CONTROL;
/* All rules were unlinked at once. */
void table_calm_drop(struct dp *dp, uint8_t table_id) CONTROL;
void table_calm_fini(struct dp *dp) CONTROL;

/* ---- table_select.c ---- */

/* What flow_mods and stats requests select flows by. */
struct flow_filter {
	uint8_t table_id;	      /* OFPTT_ALL: each */
	const struct of_match *match; /* non-strict; NULL: any */
	uint32_t out_port, out_group; /* OFPP_ANY, OFPG_ANY: any */
	uint64_t cookie, cookie_mask;
	uint16_t priority; /* with 'of_priority' */
	bool of_priority;
	const struct group *group; /* flows that use it; NULL: any */
	const struct meter *meter;
};

struct flow_vec {
	struct flow **v;
	uint32_t n, room;
};

/* A flow comes or goes: what is known of a walk is no longer right. */
void flow_walk_end(struct table_state *s) CONTROL;
bool flow_selected(const struct flow *f, const struct flow_filter *q) CONTROL;
/* All installed flows that 'q' selects, in no order.  0 or -ENOMEM; free(out->v). */
int table_collect(const struct dp *dp, const struct flow_filter *q, struct flow_vec *out) CONTROL;

/* ---- flow_id.c ---- */

void flow_ids_fini(struct flow_ids *ids) CONTROL;
/* A fresh id, with counters behind it.  0, -ENOMEM or -ENOSPC. */
int flow_id_get(struct dp *dp, uint32_t *id) CONTROL;
void flow_id_put(struct dp *dp, uint32_t id) CONTROL;
/* Counts from zero from now on. */
void flow_counts_reset(struct dp *dp, struct flow *f) CONTROL;

/* ---- table_expire.c ---- */

struct timer_wheel *timer_wheel_new(void) CONTROL;
void timer_wheel_free(struct timer_wheel *w) CONTROL;
/* Starts the timer of a flow that has timeouts; 'from' (or NULL) passes on when it was used.  0 or
 * -ENOMEM. */
int flow_timer_start(struct dp *dp, struct flow *f, const struct flow *from) CONTROL;
void flow_timer_stop(struct dp *dp, struct flow *f) CONTROL;
/* Its hard timeout runs from 'now'. */
void flow_timer_refresh(struct dp *dp, struct flow *f, double now) CONTROL;
/* Timeouts that are longer than these, or none, become them; 0: stays. */
void flow_timer_reduce(struct dp *dp, struct flow *f, uint16_t idle, uint16_t hard) CONTROL;
/* When it would go if it were not used again; 1e300: never. */
double flow_ends(const struct flow *f);

/* ---- table_log.c ---- */

/* The one place where changes of flows are noted.  'reason' matters to OFPFME_DELETED. */
void table_log_add(struct dp *dp, uint16_t event, const struct flow *f, const struct flow *before,
		   uint8_t reason) CONTROL;
/* They have been published. */
void table_log_tell(struct dp *dp) CONTROL;
void table_log_fini(struct dp *dp) CONTROL;

static inline void table_note(struct dp *dp, uint16_t event, const struct flow *f,
			      const struct flow *before, uint8_t reason) CONTROL
{
	if (dp->table_events.changed)
		table_log_add(dp, event, f, before, reason);
}

/* ---- table_breathe.c ---- */

/* Flows between two looks at the clock; a power of two. */
enum { BREATHE_EVERY = 256 };
/* In the n'th turn of a loop over flows. */
static inline void breathe(struct dp *dp, uint32_t n) CONTROL
{
	if (!(n % BREATHE_EVERY) && n)
		table_breathe(dp);
}

/* ---- txn.c ---- */

void txn_fini(struct txn *t) CONTROL;

static inline bool flow_is_installed(const struct flow *f)
{
	return atomic_load_explicit(&f->rule.removed, memory_order_relaxed) == FLOW_VERSION_NEVER;
}

#endif
