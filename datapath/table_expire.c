/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle and hard timeouts (6.4): a timing wheel of half seconds.
 *
 * Only flows with timeouts are on it.  Idle time is seen by looking at a flow's counter a few times
 * within its timeout, so that a flow goes at most a sixteenth of it (or half a second) late;
 * packets store no time.
 */
#include <errno.h>
#include <stdlib.h>

#include "datapath/table_state.h"

enum {
	TICKS_PER_S = 2,
	SLOTS = 2048,
	LOOKS = 16, /* at the counter, within an idle timeout */
};

struct flow_timer {
	struct flow_timer *next, **prev; /* in its slot */
	struct flow *flow;
	double due;	  /* when to look */
	double used;	  /* last seen in use */
	double since;	  /* from when the hard timeout runs */
	uint64_t packets; /* counted by then */
};

struct timer_wheel {
	struct flow_timer *slot[SLOTS];
	uint64_t now; /* ticks: all before it has been looked at */
};

static uint64_t ticks(double t)
{
	return (uint64_t)(t * TICKS_PER_S);
}

struct timer_wheel *timer_wheel_new(void)
{
	struct timer_wheel *w = calloc(1, sizeof(*w));

	if (w)
		w->now = ticks(monotonic_now());
	return w;
}

void timer_wheel_free(struct timer_wheel *w)
{
	free(w);
}

/* When the flow is to be looked at next, after 'now'. */
static double next_due(const struct flow_timer *t, double now)
{
	const struct flow *f = t->flow;
	double due = f->hard_timeout ? t->since + f->hard_timeout : 1e300;

	if (f->idle_timeout) {
		double look = now + (double)f->idle_timeout / LOOKS;
		double end = t->used + f->idle_timeout;

		if (look < now + 1.0 / TICKS_PER_S)
			look = now + 1.0 / TICKS_PER_S;
		if (look > end)
			look = end;
		if (look < due)
			due = look;
	}
	return due;
}

static void insert(struct timer_wheel *w, struct flow_timer *t, double due)
{
	/* What is due already is looked at in the next round. */
	uint64_t tick = ticks(due) > w->now ? ticks(due) : w->now;
	struct flow_timer **head = &w->slot[tick % SLOTS];

	t->due = due;
	t->next = *head;
	t->prev = head;
	if (*head)
		(*head)->prev = &t->next;
	*head = t;
}

static void take_out(struct flow_timer *t)
{
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
}

int flow_timer_start(struct dp *dp, struct flow *f, const struct flow *from)
{
	struct flow_timer *t;

	if (!f->idle_timeout && !f->hard_timeout)
		return 0;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->flow = f;
	t->used = from && from->timer ? from->timer->used : f->created;
	t->since = from && from->timer ? from->timer->since : f->created;
	t->packets = from && from->timer ? from->timer->packets : 0;
	f->timer = t;
	insert(dp->table_state->wheel, t, next_due(t, f->created));
	return 0;
}

void flow_timer_refresh(struct dp *dp, struct flow *f, double now)
{
	if (!f->timer)
		return;
	/* Looked at when it would have been due: then it is put where it is now. */
	f->timer->since = now;
	evict_moved(dp, f);
}

static void reduce(uint16_t *timeout, uint16_t to)
{
	if (to && (!*timeout || *timeout > to))
		*timeout = to;
}

void flow_timer_reduce(struct dp *dp, struct flow *f, uint16_t idle, uint16_t hard)
{
	const double now = monotonic_now();

	reduce(&f->idle_timeout, idle);
	reduce(&f->hard_timeout, hard);
	if (!f->idle_timeout && !f->hard_timeout)
		return;
	if (!f->timer && flow_timer_start(dp, f, NULL))
		return; /* without memory it stays */
	/* The packet that ended the connection has just used it. */
	f->timer->used = now;
	f->timer->packets = pmd_flow_counter(dp, f->id).packets;
	take_out(f->timer);
	insert(dp->table_state->wheel, f->timer, next_due(f->timer, now));
	evict_moved(dp, f);
}

double flow_ends(const struct flow *f)
{
	double hard = f->hard_timeout && f->timer ? f->timer->since + f->hard_timeout : 1e300;
	double idle = f->idle_timeout && f->timer ? f->timer->used + f->idle_timeout : 1e300;

	return hard < idle ? hard : idle;
}

void flow_timer_stop(struct dp *dp, struct flow *f)
{
	if (!f->timer)
		return;
	take_out(f->timer);
	free(f->timer);
	f->timer = NULL;
}

/* Whether the flow's time is over, and why; else when to look again. */
static bool is_over(struct dp *dp, struct flow_timer *t, double now, uint8_t *why) CONTROL
{
	struct flow *f = t->flow;
	uint64_t packets = pmd_flow_counter(dp, f->id).packets;

	if (packets != t->packets) {
		t->packets = packets;
		t->used = now;
		evict_moved(dp, f);
	}
	if (f->hard_timeout && now >= t->since + f->hard_timeout) {
		*why = OFPRR_HARD_TIMEOUT;
		return true;
	}
	if (f->idle_timeout && now >= t->used + f->idle_timeout) {
		*why = OFPRR_IDLE_TIMEOUT;
		return true;
	}
	return false;
}

/* Looks at everybody in a slot who is due; returns how many flows went. */
static uint32_t look(struct dp *dp, struct timer_wheel *w, uint64_t tick, double now) CONTROL
{
	struct flow_timer *t, *next, *again = NULL;
	uint32_t gone = 0;
	uint8_t why;

	for (t = w->slot[tick % SLOTS]; t; t = next) {
		next = t->next;
		if (t->due > now)
			continue;
		take_out(t);
		if (flow_is_installed(t->flow) && is_over(dp, t, now, &why)) {
			table_unlink(dp, t->flow, why);
			gone++;
		}
		t->next = again;
		again = t;
	}
	/* Removed flows keep theirs, not due any more, until they are freed. */
	for (; again; again = next) {
		next = again->next;
		insert(w, again, flow_is_installed(again->flow) ? next_due(again, now) : 1e9);
	}
	return gone;
}

void table_expire(struct dp *dp, double now)
{
	struct timer_wheel *w = dp->table_state->wheel;
	uint64_t end = ticks(now), from = w->now;
	uint32_t gone = 0;

	if (dp->table_state->txn.open)
		return;
	/* Late by more than a whole turn: each slot once. */
	if (end >= from + SLOTS)
		from = end - SLOTS + 1;
	/* First the time, so that what is looked at again soon comes into a slot that is still
	 * ahead. */
	w->now = end;
	for (uint64_t tick = from; tick <= end; tick++)
		gone += look(dp, w, tick, now);
	if (gone)
		dp_publish(dp);
}
