/* SPDX-License-Identifier: Apache-2.0 */
/* Control thread to PMD: packet-outs, what VTEPs say, questions to a flow cache. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "datapath/act.h"
#include "datapath/chain.h"
#include "datapath/cache.h"
#include "datapath/dp.h"
#include "datapath/freeze.h"
#include "datapath/punt_side.h"

/* ---- PMD threads ---- */

unsigned int inject_take(struct pmd *w, struct inject **v, unsigned int max)
{
	return rte_ring_dequeue_burst(w->inject, (void **)v, max, NULL);
}

void inject_done(struct pmd *w, struct inject **v, unsigned int n)
{
	rte_ring_enqueue_bulk(w->side->inject_free, (void **)v, n, NULL);
}

/* ---- Control thread ---- */

/* One PMD sends all, so that packet-outs leave in their order. */
static struct pmd *sender(const struct dp *dp)
{
	return dp->n_pmds ? dp->pmds[0] : NULL;
}

/*
 * Slots come back with the reference to their instructions: only this thread may put it.
 */
static void reap(struct dp *dp, struct pmd *w) CONTROL
{
	unsigned int n = rte_ring_count(w->side->inject_free);
	struct inject *s;

	while (n-- && !rte_ring_dequeue(w->side->inject_free, (void **)&s)) {
		if (s->insts)
			insts_put(dp, s->insts);
		free(s->peek);
		frozen_free(dp, s->frozen);
		s->frozen = NULL;
		s->insts = NULL;
		s->peek = NULL;
		w->side->spare[w->side->n_spare++] = s;
	}
}

void inject_reap(struct dp *dp)
{
	for (unsigned int i = 0; i < dp->n_pmds; i++)
		reap(dp, dp->pmds[i]);
}

static struct inject *slot_of(struct dp *dp, struct pmd *w) CONTROL
{
	if (!w->side->n_spare)
		reap(dp, w);
	return w->side->n_spare ? w->side->spare[--w->side->n_spare] : NULL;
}

static struct inject *slot(struct dp *dp) CONTROL
{
	struct pmd *w = sender(dp);

	return w ? slot_of(dp, w) : NULL;
}

/* There are no more slots than the ring has room for. */
static void put(struct pmd *w, struct inject *s) CONTROL
{
	rte_ring_enqueue(w->inject, s);
	doze_ring(&w->doze);
}

static int give(struct dp *dp, struct inject *s) CONTROL
{
	s->lost = dp->punts->lost;
	dp->punts->lost = 0;
	put(sender(dp), s);
	return 0;
}

static int full(struct dp *dp)
{
	dp->punts->lost++;
	return -ENOBUFS;
}

static int inject_bytes(struct dp *dp, const uint8_t *frame, uint32_t n, struct inject what) CONTROL
{
	struct inject *s;

	if (n > INJECT_FRAME_MAX)
		return -EMSGSIZE;
	s = slot(dp);
	if (!s)
		return full(dp);
	what.m = chain_new(dp->pool, frame, n);
	if (!what.m) {
		sender(dp)->side->spare[sender(dp)->side->n_spare++] = s;
		return full(dp);
	}
	*s = what;
	return give(dp, s);
}

int inject_actions(struct dp *dp, const uint8_t *frame, uint32_t n, const struct inject_from *from,
		   struct insts *insts)
{
	int rc = inject_bytes(
		dp, frame, n,
		(struct inject){ .kind = INJECT_ACTIONS, .from = *from, .insts = insts });

	if (rc)
		insts_put(dp, insts);
	return rc;
}

int inject_resume(struct dp *dp, const uint8_t *frame, uint32_t n, struct frozen *z)
{
	int rc = inject_bytes(dp, frame, n,
			      (struct inject){ .kind = INJECT_RESUME,
					       .from = { .in_port = be32toh(z->key.in_port) },
					       .frozen = z });

	if (rc)
		frozen_free(dp, z);
	return rc;
}

void inject_wait(struct dp *dp)
{
	const struct timespec tick = { .tv_nsec = 20000 };
	struct pmd *w = sender(dp);

	for (unsigned int i = 0; w && i < 15000; i++) {
		reap(dp, w);
		if (w->side->n_spare == INJECT_SLOTS ||
		    !atomic_load_explicit(&w->running, memory_order_relaxed))
			return;
		nanosleep(&tick, NULL);
	}
}

int inject_port(struct dp *dp, const uint8_t *frame, uint32_t n, uint32_t port)
{
	return inject_bytes(dp, frame, n, (struct inject){ .kind = INJECT_PORT, .port = port });
}

int inject_mbuf(struct dp *dp, struct rte_mbuf *m, uint32_t port, const struct out_tunnel *tun)
{
	struct inject *s = slot(dp);

	if (!s) {
		rte_pktmbuf_free(m);
		return full(dp);
	}
	*s = (struct inject){ .kind = INJECT_PORT, .port = port, .m = m };
	if (tun)
		s->tun = *tun;
	return give(dp, s);
}

void inject_drop(struct dp *dp, struct rte_mbuf *m, uint32_t port, enum drop why)
{
	struct inject *s = slot(dp);

	if (!s) {
		rte_pktmbuf_free(m);
		full(dp);
		return;
	}
	*s = (struct inject){ .kind = INJECT_DROP, .port = port, .m = m, .why = why };
	give(dp, s);
}

enum {
	PEEK_US = 50, /* from look to look for the answer */
	PEEK_LOOKS = 400,
};

uint32_t inject_peek(struct dp *dp, struct pmd *w, const struct flow_key *key, uint32_t *n_flows)
{
	struct inject *s = slot_of(dp, w);
	struct peek *q = s ? malloc(sizeof(*q)) : NULL;
	uint32_t answer = CACHE_SILENT;

	if (!s)
		return CACHE_SILENT;
	if (!q) {
		w->side->spare[w->side->n_spare++] = s;
		return CACHE_SILENT;
	}
	q->key = *key;
	atomic_init(&q->answer, CACHE_SILENT);
	*s = (struct inject){ .kind = INJECT_PEEK, .peek = q };
	put(w, s);
	/* Freed when the slot comes back, which only this thread looks after. */
	for (unsigned int i = 0; i < PEEK_LOOKS && answer == CACHE_SILENT; i++) {
		usleep(PEEK_US);
		answer = atomic_load_explicit(&q->answer, memory_order_acquire);
	}
	if (answer == CACHE_HIT)
		*n_flows = q->n_flows;
	return answer;
}
