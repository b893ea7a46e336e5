/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions: what was changed since table_begin(), so that it can be undone in reverse.
 *
 * Nothing is published while one is open, so that no packet has seen what is undone.
 */
#include <errno.h>
#include <stdlib.h>

#include "datapath/table_state.h"

enum { ROOM_KEPT = 4096 };

int txn_reserve(struct dp *dp, uint32_t n)
{
	struct txn *t = &dp->table_state->txn;
	uint32_t room = t->room ? t->room : 64;
	struct txn_record *v;

	if (!t->open || t->room - t->n >= n)
		return 0;
	while (room - t->n < n)
		room *= 2;
	v = realloc(t->v, room * sizeof(*v));
	if (!v)
		return -ENOMEM;
	t->v = v;
	t->room = room;
	return 0;
}

void txn_log(struct dp *dp, void (*undo)(struct dp *dp, void *arg),
	     void (*done)(struct dp *dp, void *arg), void *arg)
{
	struct txn *t = &dp->table_state->txn;

	if (t->open)
		t->v[t->n++] = (struct txn_record){ undo, done, arg };
	else if (done)
		done(dp, arg);
}

void txn_fini(struct txn *t)
{
	free(t->v);
}

/* A large one's memory is not kept for the next. */
static void closed(struct txn *t)
{
	t->n = 0;
	t->open = false;
	if (t->room <= ROOM_KEPT)
		return;
	free(t->v);
	t->v = NULL;
	t->room = 0;
}

void table_begin(struct dp *dp)
{
	struct table_state *s = dp->table_state;

	s->txn.open = true;
	s->txn.n = 0;
	s->txn.pending_before = s->pending_last;
	s->log.n_before = s->log.n;
}

void table_commit(struct dp *dp)
{
	struct txn *t = &dp->table_state->txn;

	t->open = false;
	for (uint32_t i = 0; i < t->n; i++)
		if (t->v[i].done)
			t->v[i].done(dp, t->v[i].arg);
	closed(t);
}

void table_rollback(struct dp *dp)
{
	struct table_state *s = dp->table_state;
	struct txn *t = &s->txn;

	for (uint32_t i = t->n; i-- > 0;)
		t->v[i].undo(dp, t->v[i].arg);
	closed(t);
	if (s->log.n > s->log.n_before)
		s->log.n = s->log.n_before;
	/* What was removed is installed again; what was added goes the way of removed flows. */
	s->pending_last = t->pending_before;
	if (s->pending_last)
		s->pending_last->next = s->undone;
	else
		s->pending = s->undone;
	for (; s->undone; s->undone = s->undone->next)
		s->pending_last = s->undone;
	s->pending_but_last = NULL; /* nobody takes the last one back now */
}
