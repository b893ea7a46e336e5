/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Liveness that comes through groups (5.6.1, 7.3.4.2): a group lives if one of its buckets does.
 *
 * Ports are looked at when packets come (group_bucket_lives()); only what depends on other groups
 * is kept here.
 */
#include "datapath/dp.h"
#include "datapath/group_priv.h"

static bool group_lives(const struct dp *dp, const struct group *g)
{
	const struct group_body *b = group_body(g);

	for (uint32_t i = 0; i < b->n; i++)
		if (group_bucket_lives(dp, &b->bucket[i]))
			return true;
	return false;
}

bool group_refresh(const struct dp *dp, struct group_body *b)
{
	bool changed = false;

	for (uint32_t i = 0; i < b->n; i++) {
		struct group_bucket *k = &b->bucket[i];
		const struct group *g =
			k->watch_group == OFPG_ANY ? NULL : group_find(dp, k->watch_group);
		bool live = g ? group_lives(dp, g)
			      : k->watch_port == OFPP_ANY && k->watch_group == OFPG_ANY;

		if (live == atomic_load_explicit(&k->live, memory_order_relaxed))
			continue;
		atomic_store_explicit(&k->live, live, memory_order_relaxed);
		changed = true;
	}
	return changed;
}

/* Groups watch groups, but never in a circle (group_check_chain()): this ends. */
void group_refresh_all(const struct dp *dp)
{
	bool changed = dp->groups->n_watching;

	while (changed) {
		changed = false;
		for (struct group *g = dp->groups->groups; g; g = g->hh.next)
			changed |= group_refresh(dp, group_body(g));
	}
}

void group_port_changed(struct dp *dp, uint32_t port_no)
{
	group_refresh_all(dp);
}
