/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of flows, and their counters: sums over the PMDs since the last reset.
 *
 * An id comes back when its flow is freed, so that no PMD counts under it any more.
 */
#include <errno.h>
#include <stdlib.h>

#include "datapath/table_state.h"

enum { ROOM_FIRST = 4096 };

void flow_ids_fini(struct flow_ids *ids)
{
	free(ids->free);
}

/* Room to take every id back, so that flow_id_put() cannot fail. */
static int reserve_free(struct flow_ids *ids)
{
	uint32_t room = ids->room_free ? ids->room_free * 2 : ROOM_FIRST;
	uint32_t *v;

	if (ids->n < ids->room_free)
		return 0;
	v = realloc(ids->free, room * sizeof(*v));
	if (!v)
		return -ENOMEM;
	ids->free = v;
	ids->room_free = room;
	return 0;
}

int flow_id_get(struct dp *dp, uint32_t *id)
{
	struct flow_ids *ids = &dp->table_state->ids;
	bool used = ids->n_free;
	int err;

	if (!used && ids->n == FLOW_COUNTERS)
		return -ENOSPC;
	err = reserve_free(ids);
	if (err)
		return err;
	*id = used ? ids->free[ids->n_free - 1] : ids->n;
	err = pmd_flow_counter_init(dp, *id);
	if (err)
		return err;
	if (used)
		ids->n_free--;
	else
		ids->n++;
	return 0;
}

void flow_id_put(struct dp *dp, uint32_t id)
{
	struct flow_ids *ids = &dp->table_state->ids;

	ids->free[ids->n_free++] = id;
}

void flow_counts_reset(struct dp *dp, struct flow *f)
{
	struct flow_count c = pmd_flow_counter(dp, f->id);

	f->base_packets = c.packets;
	f->base_bytes = c.bytes;
}

void flow_counts(const struct dp *dp, const struct flow *f, uint64_t *packets, uint64_t *bytes)
{
	struct flow_count c = pmd_flow_counter(dp, f->id);

	*packets = c.packets - f->base_packets;
	*bytes = c.bytes - f->base_bytes;
}
