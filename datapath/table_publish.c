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

static void batch_free(void *arg)
{
	struct flow_batch *b = arg;

	role_assume_control();
	while (b->flows) {
		struct flow *f = b->flows;

		b->flows = f->next;
		flow_free(b->dp, f);
	}
	free(b);
}

static void batch_unlink(void *arg)
{
	struct flow_batch *b = arg, **at;
	struct table_state *s = b->dp->table_state;
	bool touched[N_TABLES] = { 0 }, rebuild[N_TABLES] = { 0 };

	role_assume_control();
	for (at = &s->unlinking; *at != b; at = &(*at)->next)
		;
	*at = b->next;
	/* Now, and not before, nobody counts there any more. */
	for (struct flow *f = b->flows; f; f = f->next)
		tell(b->dp, f, b->at);
	for (struct flow *f = b->flows; f; f = f->next) {
		s->tables[f->table_id].n_dying--;
		touched[f->table_id] = true;
		if (table_cls_remove(b->dp, f->table_id, &f->rule))
			rebuild[f->table_id] = true;
	}
	for (unsigned int i = 0; i < N_TABLES; i++) {
		if (rebuild[i] && table_cls_rebuild(b->dp, (uint8_t)i)) {
			/* Rather keep memory than pull rules away from under the packets. */
			log_err("table", "%s: no memory to shrink table %u; removed flows stay",
				b->dp->name, i);
			return;
		}
		if (touched[i] && !rebuild[i])
			table_cls_settle(b->dp, (uint8_t)i);
	}
	dp_retire(b->dp, b, batch_free);
}

void table_published(struct dp *dp)
{
	struct table_state *s = dp->table_state;
	struct flow_batch *b;
	struct flow *f, *next, *in_order = NULL;

	table_log_tell(dp);
	if (!s->pending)
		return;
	b = calloc(1, sizeof(*b));
	if (!b)
		return; /* the next publication takes them along */
	for (f = s->pending; f; f = next) {
		next = f->next;
		f->next = in_order;
		in_order = f;
	}
	s->pending = NULL;
	b->dp = dp;
	b->flows = in_order;
	b->next = s->unlinking;
	s->unlinking = b;
	b->at = monotonic_now();
	dp_retire(dp, b, batch_unlink);
}
