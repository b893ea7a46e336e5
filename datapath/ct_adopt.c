/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A region whose process is gone becomes this one's own.  Control thread; no packet thread yet.
 *
 * That process may have been killed at any point of anything.  So nothing is believed but
 * connections that are marked as live and in the index, which they are last of all when they are
 * added and first of all no more when they go; everything else is made again from them.
 */
#include <string.h>

#include "datapath/ct_priv.h"

static void forget(struct ct *t)
{
	struct ct_head *h = t->head;

	atomic_store(&h->full, 0);
	atomic_store(&h->part, 0);
	atomic_store(&h->empty, 0);
	atomic_store(&h->blocks_used, 0);
	atomic_store(&h->extra, 0);
	/* Those that were never used are empty already, and stay without a page. */
	memset(t->bucket, 0, (size_t)h->n_buckets * sizeof(t->bucket[0]));
	memset(t->bucket + h->n_buckets, 0, atomic_load(&h->extra_used) * sizeof(t->bucket[0]));
	atomic_store(&h->extra_used, 0);
	for (uint32_t z = 0; z < CT_ZONES; z++)
		if (atomic_load(&h->zones_used[z / 64]) >> z % 64 & 1)
			atomic_store(&t->zone[z].count, 0);
}

/* Whether it is worth keeping: whole, and in nobody's way. */
static bool keep(struct ct *t, struct ct_conn *c)
{
	if (atomic_load(&c->stage) != CT_S_IN || !ct_lives(c))
		return false;
	/* By how much its numbers are shifted only that process knew: it would hang from now on. */
	if (atomic_load(&c->flags) & CT_F_SEQ_ADJUST)
		return false;
	atomic_store(&c->lock, 0);
	atomic_fetch_and(&c->flags, (uint8_t)~CT_F_LIVE);
	return !ct_index_add(t, c, ct_hash(t, &c->orig), ct_hash(t, &c->reply));
}

uint32_t ct_adopt(struct ct *t)
{
	const uint32_t used = atomic_load(&t->head->used);
	uint32_t n = 0;

	forget(t);
	ct_slots_begin(t);
	for (uint32_t i = 0; i < used; i++) {
		struct ct_conn *c = &t->conn[i];

		if (!keep(t, c)) {
			ct_slot_free(t, i, t->last);
			continue;
		}
		atomic_fetch_add(&t->zone[c->orig.zone].count, 1);
		counter_add(&t->side[0].created, 1);
		counter_add(&t->side[0].by_proto[c->orig.proto], 1);
		n++;
	}
	ct_slots_end(t);
	return n;
}
