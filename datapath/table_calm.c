/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables that have calmed down get a classifier that takes its time to build (cls_cuts.h).
 *
 * Looked at every tenth of a second, by table_calm(): how many rules came and went since.  A table
 * in tuples that changes little is copied, and a thread of its own builds trees from the copy; what
 * changes meanwhile is noted, and done to them when they are ready.  A table in trees that changes
 * much goes back to tuples, which take rules faster.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "datapath/cls_cuts.h"
#include "datapath/table_state.h"

enum {
	CALM = 500,	/* changes between two looks, at most */
	FLOOD = 4000,	/* ... and so many, and a fourth of the rules, are too many for trees */
	AGAIN_PART = 2, /* what was not worth while is tried again after such a part of changes */
};

enum state { BUILDING, BUILT, FAILED };

/* The threads' but for 'thread' and 'state': between them it is the other's. */
struct table_coming {
	struct cls *c;
	pthread_t thread;
	_Atomic int state; /* enum state */
	bool given_up;	   /* control thread: nobody waits for it */
};

static void *build(void *arg)
{
	struct table_coming *t = arg;

	const id_t self = (id_t)gettid();

	/* The control thread, which may have the same core, comes first. */
	(void)setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + 5);
	atomic_store_explicit(&t->state,
			      cls_cuts_make(t->c) && cls_cuts_pays(t->c) ? BUILT : FAILED,
			      memory_order_release);
	return NULL;
}

/* 0 or -errno. */
static int start(struct table_coming *t)
{
	sigset_t all, were;
	int err;

	/* Signals are the control thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &were);
	err = pthread_create(&t->thread, NULL, build, t);
	pthread_sigmask(SIG_SETMASK, &were, NULL);
	if (!err)
		pthread_setname_np(t->thread, "cuts");
	return -err;
}

static void begin(struct dp *dp, uint8_t table_id, const struct cls_shape *s)
{
	struct table *t = &dp->table_state->tables[table_id];
	struct table_coming *n = calloc(1, sizeof(*n));

	role_assume_control();
	if (n)
		n->c = cls_cuts_begin(s);
	if (n && n->c && !start(n)) {
		t->coming = n;
		return;
	}
	/* No memory, or no thread: it stays as it is. */
	if (n && n->c)
		cls_free(n->c);
	free(n);
}

/* The thread has ended: what it made serves, or goes. */
static void end(struct dp *dp, uint8_t table_id) CONTROL
{
	struct table *t = &dp->table_state->tables[table_id];
	struct table_coming *n = t->coming;
	const struct cls *c = atomic_load_explicit(&dp->tables[table_id], memory_order_relaxed);
	const bool good = atomic_load_explicit(&n->state, memory_order_acquire) == BUILT;
	const bool wanted = !n->given_up && c && (c->ops == &cls_tuple || c->ops == &cls_cuts);

	t->coming = NULL;
	pthread_join(n->thread, NULL);
	if (n->given_up)
		t->tried_at = 0;
	if (good && wanted && !cls_cuts_ready(n->c, dp))
		table_cls_put(dp, table_id, n->c);
	else
		cls_free(n->c);
	free(n);
}

void table_calm_note(struct dp *dp, uint8_t table_id, struct cls_rule *r, bool came)
{
	struct table *t = &dp->table_state->tables[table_id];

	t->moved++;
	if (t->coming && !t->coming->given_up && (r->conj || !cls_cuts_note(t->coming->c, r, came)))
		t->coming->given_up = true;
}

void table_calm_drop(struct dp *dp, uint8_t table_id)
{
	struct table *t = &dp->table_state->tables[table_id];

	if (t->coming)
		t->coming->given_up = true;
}

static bool worth_a_try(const struct table *t, const struct cls *c) CONTROL
{
	const uint32_t since = t->moved - t->tried_at;

	if (c->ops == &cls_tuple)
		return since > c->n_rules / AGAIN_PART || !t->tried_at;
	return c->ops == &cls_cuts &&
	       (since > c->n_rules / AGAIN_PART + 64 || (since > 64 && cls_cuts_worn(c)));
}

static void look_at(struct dp *dp, uint8_t table_id) CONTROL
{
	struct table *t = &dp->table_state->tables[table_id];
	const struct cls *c = atomic_load_explicit(&dp->tables[table_id], memory_order_relaxed);
	const uint32_t moved = t->moved - t->looked_at;

	t->looked_at = t->moved;
	if (t->coming) {
		if (atomic_load_explicit(&t->coming->state, memory_order_acquire) != BUILDING)
			end(dp, table_id);
	} else if (c && c->ops == &cls_cuts && moved > FLOOD && moved > c->n_rules / 4) {
		(void)table_cls_rebuild(dp, table_id); /* if not, it goes on as it is */
		t->tried_at = 0;
	} else if (c && moved <= CALM && worth_a_try(t, c)) {
		t->tried_at = t->moved;
		table_cls_offer(dp, table_id, &cls_cuts, begin);
	}
}

void table_calm(struct dp *dp)
{
	for (unsigned int i = 0; i < N_TABLES; i++)
		look_at(dp, (uint8_t)i);
}

void table_calm_wait(struct dp *dp)
{
	struct table_state *s = dp->table_state;

	for (unsigned int i = 0; i < N_TABLES; i++)
		s->tables[i].looked_at = s->tables[i].moved;
	table_calm(dp);
	for (unsigned int i = 0; i < N_TABLES; i++)
		while (s->tables[i].coming) {
			usleep(100);
			look_at(dp, (uint8_t)i);
		}
}

void table_calm_fini(struct dp *dp)
{
	for (unsigned int i = 0; i < N_TABLES; i++) {
		struct table_coming *n = dp->table_state->tables[i].coming;

		if (!n)
			continue;
		n->given_up = true;
		pthread_join(n->thread, NULL);
		cls_free(n->c);
		free(n);
		dp->table_state->tables[i].coming = NULL;
	}
}
