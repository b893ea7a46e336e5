/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eviction (OpenFlow 1.4, 6.5): which flow leaves a full table, by a heap.
 *
 * A table with OFPTC_EVICTION keeps its flows in a heap, the first to leave on top: the least
 * important, then the one that ends soonest, then the oldest, as far as OFPTMPEF_* say.  A flow
 * that is used lives longer; the timer that sees it moves it (table_expire.c).  So adding, removing
 * and evicting cost the logarithm of the flows, and tables without eviction nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "datapath/table_state.h"

static bool leaves_before(const struct table *t, const struct flow *a, const struct flow *b)
{
	if (t->evict_by & OFPTMPEF_IMPORTANCE && a->importance != b->importance)
		return a->importance < b->importance;
	if (t->evict_by & OFPTMPEF_LIFETIME && flow_ends(a) != flow_ends(b))
		return flow_ends(a) < flow_ends(b);
	if (a->created != b->created)
		return a->created < b->created;
	return a->id < b->id;
}

static void put(struct table *t, uint32_t at, struct flow *f)
{
	t->heap[at] = f;
	f->heap_at = at;
}

static void up(struct table *t, uint32_t at, struct flow *f)
{
	while (at && leaves_before(t, f, t->heap[(at - 1) / 2])) {
		put(t, at, t->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(t, at, f);
}

static void down(struct table *t, uint32_t at, struct flow *f)
{
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= t->heap_n)
			break;
		if (child + 1 < t->heap_n && leaves_before(t, t->heap[child + 1], t->heap[child]))
			child++;
		if (!leaves_before(t, t->heap[child], f))
			break;
		put(t, at, t->heap[child]);
		at = child;
	}
	put(t, at, f);
}

static void settle(struct table *t, uint32_t at, struct flow *f)
{
	if (at && leaves_before(t, f, t->heap[(at - 1) / 2]))
		up(t, at, f);
	else
		down(t, at, f);
}

int evict_reserve(struct table *t, uint32_t n)
{
	uint32_t room = t->heap_room ? t->heap_room : 64;
	struct flow **v;

	if (n <= t->heap_room)
		return 0;
	while (room < n)
		room *= 2;
	v = realloc(t->heap, room * sizeof(struct flow *));
	if (!v)
		return -ENOMEM;
	t->heap = v;
	t->heap_room = room;
	return 0;
}

void evict_add(struct table *t, struct flow *f)
{
	if (t->evict_by)
		up(t, t->heap_n++, f);
}

void evict_del(struct table *t, struct flow *f)
{
	struct flow *last;

	if (!t->evict_by)
		return;
	last = t->heap[--t->heap_n];
	if (last != f)
		settle(t, f->heap_at, last);
}

void evict_moved(struct dp *dp, struct flow *f)
{
	struct table *t = &dp->table_state->tables[f->table_id];

	if (t->evict_by && flow_is_installed(f))
		settle(t, f->heap_at, f);
}

static int collect(void *arg, struct cls_rule *r)
{
	struct table *t = arg;

	put(t, t->heap_n++, flow_of_rule(r));
	return 0;
}

int evict_set(struct table *t, uint32_t by)
{
	if (by == t->evict_by)
		return 0;
	if (by && t->begun && evict_reserve(t, t->index.n))
		return -ENOMEM;
	t->evict_by = by;
	t->heap_n = 0;
	if (!by || !t->begun)
		return 0;
	cls_hash_each(&t->index, collect, t);
	for (uint32_t i = t->heap_n / 2; i-- > 0;)
		down(t, i, t->heap[i]);
	return 0;
}

struct flow *evict_choose(const struct table *t, uint16_t importance)
{
	struct flow *f = t->evict_by && t->heap_n ? t->heap[0] : NULL;

	/* What is more important does not make way for what is less. */
	if (f && t->evict_by & OFPTMPEF_IMPORTANCE && f->importance > importance)
		return NULL;
	return f;
}
