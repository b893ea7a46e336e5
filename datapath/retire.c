/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for a grace period: first come, first freed.
 *
 * Each entry carries the RCU token of the moment it came; tokens grow, so that the first that may
 * not be freed yet ends the search.
 */
#include "datapath/retire.h"

#include <stdlib.h>
#include <time.h>

#include <rte_rcu_qsbr.h>

#include "base/log.h"
#include "datapath/dp.h"

struct entry {
	struct entry *next;
	void *p;
	void (*fn)(void *);
	bool (*part)(void *); /* instead: again and again, while it says so */
	uint64_t token;
};

enum { WORK = 8 }; /* parts, or what counts as one, for dp_reclaim_some() */
enum { WORK_SMALL = 256 };

struct retired {
	struct entry *first, **last;
	struct entry *unpublished, **unpublished_last;
};

int retire_init(struct dp *dp)
{
	struct retired *r = calloc(1, sizeof(*r));

	if (!r)
		return -1;
	r->last = &r->first;
	r->unpublished_last = &r->unpublished;
	dp->retired = r;
	return 0;
}

static void append(struct retired *r, struct entry *e)
{
	*r->last = e;
	r->last = &e->next;
}

/* The first one's turn; a part of it, if it comes in parts. */
static void pop(struct retired *r)
{
	struct entry *e = r->first;

	/* May retire more. */
	if (e->part && e->part(e->p))
		return;
	r->first = e->next;
	if (!r->first)
		r->last = &r->first;
	if (e->fn)
		e->fn(e->p);
	free(e);
}

/* Waits until every PMD was quiescent after 'token', about a second at most. */
static bool wait_for(struct dp *dp, uint64_t token)
{
	struct timespec tick = { .tv_nsec = 20000 };

	for (unsigned int i = 0; i < 1000 + 14000; i++) {
		if (rte_rcu_qsbr_check(dp->rcu, token, false) == 1)
			return true;
		if (i >= 1000)
			nanosleep(&tick, NULL);
		else
			__builtin_ia32_pause();
	}
	return false;
}

static void retire(struct dp *dp, void *p, void (*fn)(void *), bool (*part)(void *)) CONTROL
{
	struct entry *e = malloc(sizeof(*e));
	uint64_t token = rte_rcu_qsbr_start(dp->rcu);

	if (!e) {
		/* No memory to wait in the queue: wait here; and rather lose it than pull it away.
		 */
		if (!wait_for(dp, token))
			return;
		while (part && part(p))
			;
		if (fn)
			fn(p);
		return;
	}
	*e = (struct entry){ .p = p, .fn = fn, .part = part, .token = token };
	append(dp->retired, e);
}

void dp_retire(struct dp *dp, void *p, void (*fn)(void *))
{
	retire(dp, p, fn, NULL);
}

void dp_retire_parts(struct dp *dp, void *p, bool (*part)(void *))
{
	retire(dp, p, NULL, part);
}

void dp_retire_published(struct dp *dp, void *p, void (*fn)(void *))
{
	struct retired *r = dp->retired;
	struct entry *e = malloc(sizeof(*e));

	if (!e)
		return; /* lost: nobody may free it before the publication, nor remember it */
	*e = (struct entry){ .p = p, .fn = fn };
	*r->unpublished_last = e;
	r->unpublished_last = &e->next;
}

void retire_published(struct dp *dp)
{
	struct retired *r = dp->retired;
	uint64_t token;

	if (!r->unpublished)
		return;
	token = rte_rcu_qsbr_start(dp->rcu);
	while (r->unpublished) {
		struct entry *e = r->unpublished;

		r->unpublished = e->next;
		e->next = NULL;
		e->token = token;
		append(r, e);
	}
	r->unpublished_last = &r->unpublished;
}

void dp_reclaim(struct dp *dp)
{
	struct retired *r = dp->retired;

	while (r->first && rte_rcu_qsbr_check(dp->rcu, r->first->token, false) == 1)
		pop(r);
}

bool dp_reclaim_some(struct dp *dp)
{
	struct retired *r = dp->retired;

	for (unsigned int work = 0; r->first; work += r->first && r->first->part ? WORK_SMALL : 1) {
		if (work >= WORK * WORK_SMALL)
			return true;
		if (rte_rcu_qsbr_check(dp->rcu, r->first->token, false) != 1)
			break;
		pop(r);
	}
	return false;
}

void dp_barrier(struct dp *dp)
{
	if (!wait_for(dp, rte_rcu_qsbr_start(dp->rcu)))
		log_err("dp",
			"%s: a packet thread has not answered for a second; "
			"the barrier is answered without it",
			dp->name);
	(void)dp_reclaim_some(dp);
}

void retire_drain(struct dp *dp)
{
	struct retired *r = dp->retired;

	while (r->first || r->unpublished) {
		retire_published(dp);
		pop(r);
	}
}

void retire_fini(struct dp *dp)
{
	retire_drain(dp);
	free(dp->retired);
	dp->retired = NULL;
}
