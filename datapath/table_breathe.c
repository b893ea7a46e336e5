/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of many flows at once.  A flow_mod of a million flows happens as a whole: nothing else
 * may look at the tables before it is done, or change them.  But who asks whether the switch is
 * alive is answered meanwhile.
 */
#include "datapath/table_state.h"

#define BREATH 0.004 /* seconds without one */

void table_breathe(struct dp *dp)
{
	struct table_state *s = dp->table_state;
	const double now = monotonic_now();

	if (now - s->breathed < BREATH || !dp->table_events.breathe)
		return;
	dp->table_events.breathe(dp->table_events.arg);
	s->breathed = monotonic_now();
}
