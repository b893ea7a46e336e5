/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to removed flows: unlinked, told, freed.
 *
 * A burst that began before the publication must find them, so they stay linked until every PMD was
 * quiescent, and only then are their counters final (7.4.2); and a burst that runs while they are
 * unlinked may hold them, so they are freed a grace period later.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "datapath/table_state.h"

static void tell(struct dp *dp, struct flow *f, double at) CONTROL
{
	uint64_t packets, bytes;
	uint8_t reason = f->reason;
	struct of_match m;

	if (f->reason == FLOW_GONE_SILENTLY || !(f->flags & OFPFF_SEND_FLOW_REM) ||
	    !dp->table_events.flow_removed)
		return;
	flow_match(f, &m);
	flow_counts(dp, f, &packets, &bytes);
	/* 1.3 has no reason of its own for a meter that goes (7.4.2); flow monitors do. */
	if (reason == OFPRR_METER_DELETE)
		reason = OFPRR_DELETE;
	dp->table_events.flow_removed(dp->table_events.arg, f, &m, reason, packets, bytes,
				      at - f->created);
}

enum { PART = 2048 }; /* flows, before others have their turn */

static bool batch_free(void *arg)
{
	struct flow_batch *b = arg;

	role_assume_control();
	for (unsigned int i = 0; b->flows && i < PART; i++) {
		struct flow *f = b->flows;

		b->flows = f->next;
		if (b->flows)
			__builtin_prefetch(b->flows->next);
		flow_free(b->dp, f);
	}
	if (b->flows)
		return true;
	free(b);
	return false;
}

/*
 * All that is linked in a table goes with this batch: an empty classifier does at once what
 * unlinking would do one by one.
 */
static void drop_whole(struct flow_batch *b) CONTROL
{
	struct table_state *s = b->dp->table_state;

	/* Flows that wait elsewhere are linked, too. */
	if (s->pending || s->unlinking != b || b->next)
		return;
	for (unsigned int i = 0; i < N_TABLES; i++) {
		struct table *t = &s->tables[i];

		if (!t->n_dying || table_count(b->dp, (uint8_t)i))
			continue;
		table_cls_put(b->dp, (uint8_t)i, NULL);
		table_calm_drop(b->dp, (uint8_t)i);
		t->n_dying = 0;
		b->dropped[i] = true;
	}
}

static void unlink_one(struct flow_batch *b, struct flow *f, bool *touched, bool *rebuild) CONTROL
{
	const uint8_t i = f->table_id;

	/* Now, and not before, nobody counts there any more. */
	tell(b->dp, f, b->at);
	if (b->dropped[i])
		return;
	b->dp->table_state->tables[i].n_dying--;
	touched[i] = true;
	if (table_cls_remove(b->dp, i, &f->rule))
		rebuild[i] = true;
}

/* Builds anew what cannot be unlinked from; then, or else, something smaller. */
static bool settle(struct dp *dp, const bool *touched, const bool *rebuild) CONTROL
{
	for (unsigned int i = 0; i < N_TABLES; i++) {
		if (rebuild[i] && table_cls_rebuild(dp, (uint8_t)i)) {
			/* Rather keep memory than pull rules away from under the packets. */
			log_err("table", "%s: no memory to shrink table %u; removed flows stay",
				dp->name, i);
			return false;
		}
		if (touched[i] && !rebuild[i])
			table_cls_settle(dp, (uint8_t)i);
	}
	return true;
}

static void leave(struct flow_batch *b) CONTROL
{
	struct flow_batch **at = &b->dp->table_state->unlinking;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
}

static bool batch_unlink(void *arg)
{
	struct flow_batch *b = arg;
	bool touched[N_TABLES] = { 0 }, rebuild[N_TABLES] = { 0 };
	bool whole = false; /* a table is built anew: once */

	role_assume_control();
	if (b->linked == b->flows)
		drop_whole(b);
	for (unsigned int i = 0; b->linked && (i < PART || whole); i++) {
		struct flow *f = b->linked;

		b->linked = f->next;
		if (b->linked)
			__builtin_prefetch(b->linked->next);
		unlink_one(b, f, touched, rebuild);
		whole |= rebuild[f->table_id];
	}
	if (!b->linked)
		leave(b);
	if (!settle(b->dp, touched, rebuild))
		return false;
	if (b->linked)
		return true;
	dp_retire_parts(b->dp, b, batch_free);
	return false;
}

void table_published(struct dp *dp)
{
	struct table_state *s = dp->table_state;
	struct flow_batch *b;

	table_log_tell(dp);
	if (!s->pending)
		return;
	b = calloc(1, sizeof(*b));
	if (!b)
		return; /* the next publication takes them along */
	b->dp = dp;
	b->flows = b->linked = s->pending;
	b->next = s->unlinking;
	s->pending = NULL;
	s->pending_last = NULL;
	s->unlinking = b;
	b->at = monotonic_now();
	dp_retire_parts(dp, b, batch_unlink);
}
