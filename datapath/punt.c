/* SPDX-License-Identifier: Apache-2.0 */
/* PMD to control thread: slots, rate limits, and the event that wakes the control thread. */
#include "base/lines.h"
#include "datapath/punt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "datapath/act.h"
#include "datapath/dp.h"
#include "datapath/freeze.h"
#include "datapath/learn.h"
#include "datapath/meter.h"
#include "datapath/punt_side.h"
#include "datapath/sample.h"

enum {
	RATE = 10000, /* packet-ins a second for each port and reason */
	BURST = 1000,
};

/* The other kinds have limits of their own, a second and port: each is a small fixed trickle. */
static const uint32_t kind_rate[N_PUNT_KINDS] = {
	[PUNT_VTEP] = 2000,   [PUNT_LEARN] = 2000, [PUNT_RESOLVE] = 2000,
	[PUNT_FLOW] = 200000, [PUNT_FIN] = 200000,
};

int punt_state_new(struct dp *dp, struct err *e)
{
	struct punt_state *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, -ENOMEM, "no memory for packet-ins");
	s->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->fd < 0) {
		free(s);
		return err_set(e, -errno, "eventfd: %s", strerror(errno));
	}
	s->hz = rte_get_tsc_hz();
	dp->punts = s;
	punt_set_rate(dp, RATE, BURST);
	return 0;
}

void punt_state_free(struct dp *dp)
{
	if (!dp->punts)
		return;
	close(dp->punts->fd);
	free(dp->punts);
	dp->punts = NULL;
}

void punt_set_rate(struct dp *dp, uint32_t rate, uint32_t burst)
{
	atomic_store(&dp->punts->rate, (uint64_t)rate << 32 | (burst ? burst : 1));
}

/* ---- One PMD's side ---- */

static struct rte_ring *ring_new(unsigned int size)
{
	static unsigned int serial;
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "punt%u", serial++);
	return rte_ring_create(name, size, SOCKET_ID_ANY,
			       RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
}

void punt_free_frames(struct punt *p)
{
	rte_pktmbuf_free(p->m);
	rte_pktmbuf_free(p->more);
	p->m = p->more = NULL;
}

int punt_pmd_init(struct dp *dp, struct pmd *w)
{
	struct punt_side *s = lines_new(1, sizeof(*s));

	w->side = s;
	if (!s)
		return -ENOMEM;
	s->slots = lines_new(PUNT_SLOTS, sizeof(*s->slots));
	s->injects = lines_new(INJECT_SLOTS, sizeof(*s->injects));
	s->buckets = lines_new(PORT_MAX + 1, sizeof(*s->buckets));
	s->free = ring_new(PUNT_SLOTS);
	s->inject_free = ring_new(INJECT_SLOTS);
	w->punt = ring_new(PUNT_SLOTS);
	w->inject = ring_new(INJECT_SLOTS);
	if (!s->slots || !s->injects || !s->buckets || !s->free || !s->inject_free || !w->punt ||
	    !w->inject) {
		punt_pmd_fini(dp, w);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < PUNT_SLOTS; i++)
		rte_ring_enqueue(s->free, &s->slots[i]);
	for (unsigned int i = 0; i < INJECT_SLOTS; i++)
		rte_ring_enqueue(s->inject_free, &s->injects[i]);
	return 0;
}

void punt_pmd_fini(struct dp *dp, struct pmd *w)
{
	struct punt_side *s = w->side;
	struct inject *in;
	struct punt *p;

	if (!s)
		return;
	while (w->punt && !rte_ring_dequeue(w->punt, (void **)&p))
		punt_free_frames(p);
	while (w->inject && !rte_ring_dequeue(w->inject, (void **)&in))
		rte_pktmbuf_free(in->m);
	for (unsigned int i = 0; s->injects && i < INJECT_SLOTS; i++) {
		if (s->injects[i].insts)
			insts_put(dp, s->injects[i].insts);
		free(s->injects[i].peek);
		frozen_free(dp, s->injects[i].frozen);
	}
	rte_ring_free(w->punt);
	rte_ring_free(w->inject);
	rte_ring_free(s->free);
	rte_ring_free(s->inject_free);
	lines_free(s->slots);
	lines_free(s->injects);
	lines_free(s->buckets);
	lines_free(s);
	w->punt = w->inject = NULL;
	w->side = NULL;
}

/* ---- PMD threads ---- */

static unsigned int port_slot(const struct dp *dp, uint32_t no)
{
	const struct port *p = port_by_no(dp, no);

	return p ? p->slot : PORT_MAX;
}

/* A token bucket in TSC units: 'full' is when it would have been full again, had nobody taken from
 * it. */
static bool admit(struct pmd *w, enum punt_kind kind, uint32_t in_port, uint8_t reason)
{
	const struct punt_state *st = w->dp->punts;
	uint64_t both = atomic_load_explicit(&st->rate, memory_order_relaxed);
	uint64_t rate = both >> 32, burst = (uint32_t)both, cost, *full;
	unsigned int which = kind == PUNT_PACKET_IN ? reason % PUNT_REASONS
						    : PUNT_REASONS - 1 + (unsigned int)kind;

	if (kind != PUNT_PACKET_IN) {
		rate = kind_rate[kind];
		burst = rate;
	}
	if (both != w->side->rate) { /* a new limit begins with full buckets */
		memset(w->side->buckets, 0, (PORT_MAX + 1) * sizeof(*w->side->buckets));
		w->side->rate = both;
	}
	if (!rate)
		return true;
	full = &w->side->buckets[port_slot(w->dp, in_port)].full[which];
	cost = st->hz / rate;
	if (*full < w->now)
		*full = w->now;
	if (*full - w->now + cost > cost * burst)
		return false;
	*full += cost;
	return true;
}

static bool of_flow(enum punt_kind kind)
{
	return kind == PUNT_FLOW || kind == PUNT_FIN;
}

static struct punt *get(struct pmd *w, enum punt_kind kind, uint32_t in_port, uint8_t reason,
			bool admitted) PMD
{
	struct punt_side *s = w->side;
	enum drop why = DROP_PUNT_FULL;
	struct punt *p;

	if (!admitted)
		why = DROP_METER;
	else if (!admit(w, kind, in_port, reason))
		why = DROP_PUNT_RATE;
	else if (of_flow(kind) &&
		 s->flows_sent - atomic_load_explicit(&s->flows_done, memory_order_relaxed) >=
			 LEARN_IN_FLIGHT)
		return NULL;
	else if (!rte_ring_dequeue(s->free, (void **)&p)) {
		s->flows_sent += of_flow(kind);
		p->kind = kind;
		p->reason = reason;
		p->in_port = in_port;
		p->m = p->more = NULL;
		return p;
	} else if (kind == PUNT_VTEP) {
		why = DROP_VTEP_CONSUMED_FULL;
	}
	if (kind != PUNT_LEARN && !of_flow(kind)) /* these carry no packet */
		pmd_count_drop(w, in_port, why);
	return NULL;
}

struct punt *punt_get(struct pmd *w, enum punt_kind kind, uint32_t in_port, uint8_t reason,
		      uint32_t bytes)
{
	const enum meter_virtual meter =
		kind == PUNT_PACKET_IN ? METER_VIRTUAL_CONTROLLER : METER_VIRTUAL_SLOWPATH;

	return get(w, kind, in_port, reason, meter_admits(w->dp, meter, bytes, w->now));
}

struct punt *punt_get_metered(struct pmd *w, uint32_t in_port, uint8_t reason)
{
	return get(w, PUNT_PACKET_IN, in_port, reason, true);
}

void punt_send(struct pmd *w, struct punt *p)
{
	counter_add(&w->perf.consumed, p->m != NULL);
	/* There are no more slots than the ring has room for. */
	rte_ring_enqueue(w->punt, p);
	w->side->punted = true;
}

void punt_wake_later(struct pmd *w)
{
	w->side->punted = true;
}

void punt_wake(struct pmd *w)
{
	struct punt_state *s = w->dp->punts;
	uint64_t one = 1;

	if (!w->side->punted)
		return;
	w->side->punted = false;
	/* Pairs with the fence in punt_sleep(): either we see the sleeper, or it sees the punt. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&s->sleeping, memory_order_relaxed) ||
	    !atomic_exchange(&s->sleeping, false))
		return;
	if (write(s->fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: it is readable already */
}

/* ---- Control thread ---- */

static unsigned int drain_one(struct dp *dp, struct pmd *w, unsigned int max,
			      void (*handle)(struct dp *dp, struct punt *p, void *arg), void *arg)
{
	struct punt *v[PUNT_BATCH];
	unsigned int n = rte_ring_dequeue_burst(w->punt, (void **)v,
						max < PUNT_BATCH ? max : PUNT_BATCH, NULL);
	uint32_t flows = 0;

	for (unsigned int i = 0; i < n; i++) {
		handle(dp, v[i], arg);
		flows += of_flow(v[i]->kind);
		punt_free_frames(v[i]);
	}
	if (flows)
		atomic_fetch_add_explicit(&w->side->flows_done, flows, memory_order_relaxed);
	if (n)
		rte_ring_enqueue_bulk(w->side->free, (void **)v, n, NULL);
	return n;
}

unsigned int punt_drain(struct dp *dp, unsigned int max,
			void (*handle)(struct dp *dp, struct punt *p, void *arg), void *arg)
{
	unsigned int total = 0, round;
	uint64_t dummy;

	if (read(dp->punts->fd, &dummy, sizeof(dummy)) < 0)
		dummy = 0; /* nobody woke us */
	do {
		round = 0;
		for (unsigned int i = 0; i < dp->n_pmds && total + round < max; i++)
			round += drain_one(dp, dp->pmds[i], max - total - round, handle, arg);
		total += round;
	} while (round && total < max);
	inject_reap(dp);
	return total;
}

int punt_fd(const struct dp *dp)
{
	return dp->punts->fd;
}

bool punt_sleep(struct dp *dp)
{
	struct punt_state *s = dp->punts;

	atomic_store_explicit(&s->sleeping, true, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned int i = 0; i < dp->n_pmds; i++)
		if (!rte_ring_empty(dp->pmds[i]->punt)) {
			atomic_store(&s->sleeping, false);
			return false;
		}
	if (sample_is_due(dp)) {
		atomic_store(&s->sleeping, false);
		return false;
	}
	return true;
}
