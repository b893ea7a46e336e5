/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is to be read.
 *
 * After a restart every switch is there at once.  What is read of a switch while the ports of
 * others are not known yet is not wanted yet either, and has to be kept beside what is; so reading
 * waits for those that are connected, for as long as one after the other says its ports.  Then a
 * few are read at a time: more would not be faster, since the controller is one thread, but take
 * more memory.
 */
#include <utlist.h>

#include "controller/mem.h"
#include "controller/south_priv.h"

enum { READERS = 4, TRIM_INTERVAL = 10, AUDIT_SHARE = 3 };
static const double PATIENCE = 0.25, AGAIN = 0.02;

static bool others_to_come(const struct south *s)
{
	const struct peer *p;

	if (s->settled || ev_now(s->loop) - s->heard > PATIENCE)
		return false;
	DL_FOREACH (s->peers, p)
		if (!p->aux_id && p->state < PEER_READ)
			return true;
	return false;
}

static void again(struct south *s, double after)
{
	if (ev_is_active(&s->turns))
		return;
	ev_timer_set(&s->turns, after, 0);
	ev_timer_start(s->loop, &s->turns);
}

void south_turns(struct south *s)
{
	struct peer *p;

	DL_FOREACH (s->peers, p) {
		if (!p->waits)
			continue;
		if (s->n_reading == READERS)
			return; /* south_turn_over() looks again */
		if (others_to_come(s)) {
			again(s, AGAIN);
			return;
		}
		p->waits = false;
		p->reads = true;
		s->n_reading++;
		peer_read(p);
	}
}

void south_turn_over(struct peer *p)
{
	struct south *s = p->south;
	double now = ev_now(s->loop);

	if (!p->reads)
		return;
	p->reads = false;
	s->n_reading--;
	s->audit_at = now + AUDIT_SHARE * (now - p->read_begun);
	again(s, 0);
}

bool south_may_audit(const struct south *s)
{
	return !s->n_reading && ev_now(s->loop) >= s->audit_at;
}

static void on_turns(struct ev_loop *loop, ev_timer *t, int events)
{
	south_turns(t->data);
}

/* What a burst of changes has left in the heap is the system's again. */
static void on_trim(struct ev_loop *loop, ev_timer *t, int events)
{
	mem_trim();
}

void south_turns_init(struct south *s)
{
	ev_timer_init(&s->turns, on_turns, 0, 0);
	s->turns.data = s;
	ev_timer_init(&s->trim, on_trim, TRIM_INTERVAL, TRIM_INTERVAL);
	ev_timer_start(s->loop, &s->trim);
}

void south_turns_fini(struct south *s)
{
	ev_timer_stop(s->loop, &s->turns);
	ev_timer_stop(s->loop, &s->trim);
}
