/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A switch without a session: it has a while to come back before others do without it, so that a
 * session that is merely lost moves nothing.  What it carries it goes on carrying in any case.
 */
#include "base/log.h"
#include "controller/south_priv.h"

#define MOD "south"

/* Tells the world of those that are overdue; the timer waits for the next one. */
static void on_gone(struct ev_loop *loop, ev_timer *t, int events)
{
	struct south *s = t->data;
	double now = ev_now(loop), next = 0;

	for (WORLD_EACH(sw, s->world->sws)) {
		double left = sw->since + s->grace - now;

		if (sw->up || sw->gone)
			continue;
		if (left > 0) {
			next = next > 0 && next < left ? next : left;
			continue;
		}
		log_warn(MOD, "switch %016llx of host %s has not come back: others do without it",
			 (unsigned long long)sw->dpid, sw->host->id);
		world_switch_gone(s->world, sw);
	}
	if (next > 0) {
		ev_timer_set(t, next, 0);
		ev_timer_start(loop, t);
	}
}

void south_watch_gone(struct south *s)
{
	if (ev_is_active(&s->gone))
		return;
	ev_timer_set(&s->gone, s->grace, 0);
	ev_timer_start(s->loop, &s->gone);
}

void south_gone_init(struct south *s, double grace)
{
	s->grace = grace;
	ev_timer_init(&s->gone, on_gone, grace, 0);
	s->gone.data = s;
}
