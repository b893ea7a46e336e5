/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table's configuration as OpenFlow 1.4 has it (7.3.4.3): eviction, and vacancy events.
 *
 * Vacancy is the part of a table that is free, in percent of max_entries.  One threshold is waited
 * for at a time: below vacancy_down (OFPTR_VACANCY_DOWN), then above vacancy_up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "datapath/table_state.h"

uint8_t table_vacancy(const struct dp *dp, uint8_t table_id)
{
	const uint64_t max = table_caps(dp, table_id)->can.max_entries;
	const uint64_t n = table_count(dp, table_id);

	return n < max ? (uint8_t)((max - n) * 100 / max) : 0;
}

void table_config_get(const struct dp *dp, uint8_t table_id, struct table_config *out)
{
	const struct table *t = &dp->table_state->tables[table_id];

	*out = (struct table_config){ .evict_by = t->evict_by,
				      .vacancy_events = t->vacancy_awaits,
				      .vacancy_down = t->vacancy_down,
				      .vacancy_up = t->vacancy_up };
}

/* What a rollback needs. */
struct undo {
	uint8_t table_id;
	struct table_config was;
	uint8_t awaits;
};

static void tell_features(struct dp *dp, uint8_t table_id) CONTROL
{
	struct table_state *s = dp->table_state;
	const struct table *t = &s->tables[table_id];

	s->caps[table_id].config =
		(t->evict_by ? OFPTC_EVICTION : 0) | (t->vacancy_awaits ? OFPTC_VACANCY_EVENTS : 0);
}

static void undo_config(struct dp *dp, void *arg)
{
	struct undo *u = arg;
	struct table *t = &dp->table_state->tables[u->table_id];

	role_assume_control();
	/* The flows are those of then, and the heap's memory is never given back. */
	(void)evict_set(t, u->was.evict_by);
	t->vacancy_down = u->was.vacancy_down;
	t->vacancy_up = u->was.vacancy_up;
	t->vacancy_awaits = u->awaits;
	tell_features(dp, u->table_id);
	free(u);
}

static void keep_config(struct dp *dp, void *arg)
{
	free(arg);
}

int table_config_set(struct dp *dp, uint8_t table_id, const struct table_config *c)
{
	struct table *t = &dp->table_state->tables[table_id];
	struct undo *u = malloc(sizeof(*u));

	if (!u || txn_reserve(dp, 1)) {
		free(u);
		return -ENOMEM;
	}
	u->table_id = table_id;
	u->awaits = t->vacancy_awaits;
	table_config_get(dp, table_id, &u->was);
	if (evict_set(t, c->evict_by)) {
		free(u);
		return -ENOMEM;
	}
	t->vacancy_down = c->vacancy_down;
	t->vacancy_up = c->vacancy_up;
	if (!c->vacancy_events)
		t->vacancy_awaits = 0;
	else if (!t->vacancy_awaits || c->vacancy_down != u->was.vacancy_down ||
		 c->vacancy_up != u->was.vacancy_up)
		t->vacancy_awaits = table_vacancy(dp, table_id) < c->vacancy_up
					    ? OFPTR_VACANCY_UP
					    : OFPTR_VACANCY_DOWN;
	tell_features(dp, table_id);
	txn_log(dp, undo_config, keep_config, u);
	return 0;
}

void table_config_clear(struct dp *dp, uint8_t table_id)
{
	struct table *t = &dp->table_state->tables[table_id];

	(void)evict_set(t, 0);
	t->vacancy_awaits = t->vacancy_down = t->vacancy_up = 0;
	tell_features(dp, table_id);
}

/* After a publication: what is below one threshold is not above the other. */
static void watch(struct dp *dp, uint8_t table_id) CONTROL
{
	struct table *t = &dp->table_state->tables[table_id];
	const uint8_t now = table_vacancy(dp, table_id);
	const uint8_t reason = t->vacancy_awaits;

	if (reason == OFPTR_VACANCY_DOWN ? now >= t->vacancy_down : now <= t->vacancy_up)
		return;
	t->vacancy_awaits = reason == OFPTR_VACANCY_DOWN ? OFPTR_VACANCY_UP : OFPTR_VACANCY_DOWN;
	if (dp->table_events.table_status)
		dp->table_events.table_status(dp->table_events.arg, table_id, reason);
}

void table_watch_vacancy(struct dp *dp)
{
	for (unsigned int i = 0; i < N_TABLES; i++)
		if (dp->table_state->tables[i].vacancy_awaits)
			watch(dp, (uint8_t)i);
}
