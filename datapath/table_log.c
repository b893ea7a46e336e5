/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What flow monitors are told: changes of flows, noted as they are made and told when packets see
 * them.  A rollback forgets what was noted in its transaction.
 */
#include <stdlib.h>

#include "datapath/table_state.h"

enum { ROOM_MIN = 256, ROOM_KEPT = 65536 };

void table_cause(struct dp *dp, uint32_t by, uint32_t xid)
{
	dp->table_state->log.by = by;
	dp->table_state->log.xid = xid;
}

bool table_in_bundle(const struct dp *dp)
{
	return dp->table_state->txn.open;
}

static bool grow(struct table_log *l)
{
	uint32_t room = l->room ? l->room * 2 : ROOM_MIN;
	struct table_change *v = realloc(l->v, room * sizeof(*v));

	if (!v) {
		l->lost = true;
		return false;
	}
	l->v = v;
	l->room = room;
	return true;
}

void table_log_add(struct dp *dp, uint16_t event, const struct flow *f, const struct flow *before,
		   uint8_t reason)
{
	struct table_log *l = &dp->table_state->log;

	/* What is evicted, expires, or goes with its group is nobody's own change. */
	bool own = event != OFPFME_DELETED || reason == OFPRR_DELETE;

	if (l->n == l->room && !grow(l))
		return;
	l->v[l->n++] = (struct table_change){ .flow = f,
					      .before = before,
					      .by = own ? l->by : 0,
					      .xid = l->xid,
					      .event = event,
					      .reason = reason };
}

void table_log_tell(struct dp *dp)
{
	struct table_log *l = &dp->table_state->log;

	if (dp->table_events.changed && (l->n || l->lost))
		dp->table_events.changed(dp->table_events.arg, l->lost ? NULL : l->v, l->n);
	l->n = 0;
	l->lost = false;
	if (l->room > ROOM_KEPT)
		table_log_fini(dp);
}

void table_log_fini(struct dp *dp)
{
	struct table_log *l = &dp->table_state->log;

	free(l->v);
	l->v = NULL;
	l->n = l->room = 0;
}
