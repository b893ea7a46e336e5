/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/pmd.h"

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "datapath/act.h"
#include "datapath/af_packet.h"
#include "datapath/cache.h"
#include "datapath/dp.h"
#include "datapath/express.h"
#include "datapath/express_ct.h"
#include "datapath/frag.h"
#include "datapath/freeze.h"
#include "datapath/handoff.h"
#include "datapath/output.h"
#include "datapath/parse.h"
#include "datapath/partial.h"
#include "datapath/pipeline.h"
#include "datapath/pmd_work.h"
#include "datapath/port_queue.h"
#include "datapath/punt.h"
#include "datapath/trace.h"
#include "datapath/tunnel.h"
#include "datapath/txq.h"
#include "vlan/tag.h"

/*
 * One packet from rx to tx, read from the bottom up: pmd_iteration() serves the queues, queue_run()
 * is the story of a burst.
 */

enum { PREFETCH_AHEAD = 3 };

void pmd_count_drop(struct pmd *w, uint32_t in_port, enum drop why)
{
	const struct port *p = port_by_no(w->dp, in_port);
	struct port_counters *c = &w->ports[p ? p->slot : PORT_MAX];

	counter_add(&c->rx_dropped, 1);
	counter_add(&c->drops[why], 1);
}

void pmd_burst_start(struct pmd *w, struct burst *b)
{
	/* Tables as of now: what is published later is the next burst's. */
	b->version = atomic_load_explicit(&w->dp->version, memory_order_acquire);
	b->n = b->n_out = b->n_keys = b->n_x = b->n_lots = 0;
	b->out_of_order = false;
	b->ct_waits = b->ct_came = b->came = 0;
}

static void drop_frames(struct pmd *w, const struct port *p, struct rte_mbuf **m, unsigned int n,
			enum drop why)
{
	counter_add(&w->ports[p->slot].rx_dropped, n);
	counter_add(&w->ports[p->slot].drops[why], n);
	rte_pktmbuf_free_bulk(m, n);
}

/* Returns what flags the driver has set in any of them. */
static uint64_t count_rx(struct pmd *w, const struct port *p, struct rte_mbuf **m, unsigned int n)
{
	struct port_counters *c = &w->ports[p->slot];
	uint64_t bytes = 0, flags = 0;

#pragma GCC unroll 4
	for (unsigned int i = 0; i < n; i++) {
		bytes += m[i]->pkt_len;
		flags |= m[i]->ol_flags;
	}
	counter_add(&c->rx_bytes, bytes);
	counter_add(&c->rx_packets, n);
	counter_add(&w->perf.rx, n);
	return flags;
}

static void unstrip(struct rte_mbuf **m, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (m[i]->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)
			vlan_unstrip(m[i]);
}

static bool admits(const struct port *p)
{
	return !(atomic_load_explicit(&p->config, memory_order_relaxed) &
		 (OFPPC_PORT_DOWN | OFPPC_NO_RECV));
}

/* Each frame that does not go by express becomes a packet of the burst, with its key. */
static uint64_t start_packets(struct pmd *w, struct burst *b, const struct port *p,
			      struct rte_mbuf **m, unsigned int n) PMD
{
	uint64_t left = ~UINT64_C(0) >> (64 - n);

	if (likely(express_open(w) && !p->partial_csum))
		left = express_run(w, b, m, n, p->no, NULL);
	if (left)
		stage_begin_set(&w->stages, STAGE_PARSE, left);
	for (; left; left &= left - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(left);

		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + PREFETCH_AHEAD], void *));
		b->seq[b->n] = (uint8_t)i;
		if (pkt_init(b, b->n, m[i], p->no)) {
			if (p->partial_csum)
				partial_finish(&b->pkt[b->n]);
			if (unlikely(b->came >> i & 1))
				express_come(b, &b->pkt[b->n], i);
			b->n++;
		} else {
			drop_frames(w, p, &m[i], 1, DROP_RX_TRUNCATED);
		}
	}
	return b->n ? ~UINT64_C(0) >> (64 - b->n) & ~b->ct_came : 0;
}

/* The packets in 'todo': each step takes its own, and leaves the others to the next. */
void pmd_burst_run(struct pmd *w, struct burst *b, uint64_t todo)
{
	const uint32_t frag_mode = atomic_load_explicit(&w->dp->frag_mode, memory_order_relaxed);

	if (unlikely(frag_mode != OFPC_FRAG_NORMAL)) {
		stage_begin_set(&w->stages, STAGE_FRAGMENTS, todo);
		todo = frag_run(w, b, todo, frag_mode);
	}
	if (todo && w->cache)
		todo = cache_run(w, b, todo, w->now);
	else if (unlikely(w->trace))
		trace_begin(w, b, todo);
	if (todo || b->ct_waits || b->ct_came)
		pipeline_run(w, b, todo, 0, w->now);
	stage_begin(&w->stages, STAGE_OUTPUT, b->n_x + b->n_out);
	w->flush(w, b);
}

void pmd_rx(struct pmd *w, const struct port *p, struct rte_mbuf **m, unsigned int n)
{
	struct burst *b = w->burst;
	const uint64_t flags = count_rx(w, p, m, n);
	const struct uplink *u;
	uint64_t todo;

	if (!admits(p)) {
		drop_frames(w, p, m, n, DROP_PORT_NO_RECV);
		return;
	}
	if (unlikely(flags & RTE_MBUF_F_RX_VLAN_STRIPPED))
		unstrip(m, n);

	pmd_burst_start(w, b);
	u = atomic_load_explicit(&p->uplink, memory_order_acquire);
	if (u)
		todo = tunnel_rx(w, b, p, u, m, n, flags);
	else
		todo = start_packets(w, b, p, m, n);
	pmd_burst_run(w, b, todo);
}

static unsigned int queue_run(struct pmd *w, const struct rxq *q) PMD
{
	struct rte_mbuf *m[BURST_MAX];
	unsigned int n = rte_eth_rx_burst(q->port->ethdev, q->queue, m, BURST_MAX);

	if (!n)
		return 0;
	stage_found(&w->stages, w->now, n);
	handoff_taken(m, n);
	if (q->ring)
		af_packet_tags(q->port->ethdev, q->queue, m, n);
	if (likely(w->cache)) {
		const uint64_t since = cache_turn(w->cache, q->port->no) ? rte_rdtsc() : 0;

		pmd_rx(w, q->port, m, n);
		cache_spent(w, n, since ? rte_rdtsc() - since : 0);
	} else {
		pmd_rx(w, q->port, m, n);
	}
	stage_begin(&w->stages, STAGE_RECEIVE, 0);
	return n;
}

/* A round in which what each takes is measured. */
static unsigned int timed_round(struct pmd *w, struct pmd_work *k) PMD
{
	uint64_t since = rte_rdtsc();
	unsigned int n = 0;

	for (unsigned int i = 0; i < k->n_rxqs; i++) {
		struct rx_turn *t = &k->rxqs[i].turn;
		const uint64_t aside = w->turns.aside;
		uint64_t now;

		t->n = 0;
		if (!rx_turn_has(&w->turns, t))
			continue;
		t->n = queue_run(w, &k->rxqs[i]);
		now = rte_rdtsc();
		t->cycles = now - since - (w->turns.aside - aside);
		since = now;
		rx_turn_had(t, t->n, BURST_MAX);
		t->full = t->n == BURST_MAX;
		n += t->n;
	}
	return n;
}

/* One in which those that are dear miss turns. */
static unsigned int uneven_round(struct pmd *w, struct pmd_work *k) PMD
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < k->n_rxqs; i++) {
		unsigned int came;

		if (!rx_turn_has(&w->turns, &k->rxqs[i].turn))
			continue;
		came = queue_run(w, &k->rxqs[i]);
		rx_turn_had(&k->rxqs[i].turn, came, BURST_MAX);
		n += came;
	}
	return n;
}

static unsigned int even_round(struct pmd *w, const struct pmd_work *k) PMD
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < k->n_rxqs; i++)
		n += queue_run(w, &k->rxqs[i]);
	return n;
}

/* Of each queue a burst (rx_turn.h), and what has gathered is sent. */
static unsigned int queues_run(struct pmd *w, struct pmd_work *k) PMD
{
	unsigned int n;

	if (k->n_rxqs > 1 && unlikely(rx_turns_begin(&w->turns))) {
		n = timed_round(w, k);
		txq_flush(w);
		rx_turns_settle(&w->turns, &k->rxqs[0].turn, k->n_rxqs, sizeof(k->rxqs[0]));
	} else {
		n = likely(!w->turns.forgiven) ? even_round(w, k) : uneven_round(w, k);
		txq_flush(w);
	}
	/* Who missed its turn for those who have nothing need not wait for them. */
	if (unlikely(!n && w->turns.forgiven)) {
		w->turns.forgiven = 0;
		n = even_round(w, k);
		txq_flush(w);
	}
	return n;
}

/* ---- What the control thread sends ---- */

/* A packet that was buffered is what it was, its tunnel included. */
static void set_from(struct flow_key *k, const struct inject_from *f)
{
	if (f->in_phy_port)
		k->in_phy_port = f->in_phy_port;
	k->tun_id = f->tun.tun_id;
	k->tun_src = f->tun.src;
	k->tun_dst = f->tun.dst;
	memcpy(k->tun_ipv6_src, f->tun_ipv6_src, sizeof(k->tun_ipv6_src));
	memcpy(k->tun_ipv6_dst, f->tun.ipv6_dst, sizeof(k->tun_ipv6_dst));
	k->tun_tos = f->tun.tos;
	k->tun_ttl = f->tun.ttl;
	k->tun_flags = f->tun.flags;
}

static void inject_actions_run(struct pmd *w, struct burst *b, struct inject *s) PMD
{
	struct pkt *p = &b->pkt[b->n];

	if (!pkt_init(b, b->n, s->m, s->from.in_port)) {
		rte_pktmbuf_free(s->m);
		pmd_count_drop(w, s->from.in_port, DROP_RX_TRUNCATED);
		return;
	}
	b->n++;
	if (s->kind == INJECT_RESUME) {
		freeze_restore(b, p, s->frozen);
		pipeline_resume(w, b, p, s->frozen, w->now);
		return;
	}
	set_from(&p->key, &s->from);
	if (s->insts->apply)
		act_run(w, b, p, s->insts->apply, w->now);
	if (p->stop == STOP_PAUSE)
		freeze_level(b, p, NULL, false);
	act_finish(w, b, p, w->now);
}

static void peek_run(const struct pmd *w, struct peek *q) PMD
{
	uint32_t answer = cache_peek(w, &q->key, &q->n_flows);

	atomic_store_explicit(&q->answer, answer, memory_order_release);
}

static void inject_one(struct pmd *w, struct burst *b, struct inject *s) PMD
{
	struct out o = { .m = s->m, .port = s->port, .tunneled = true, .tun = s->tun };
	struct port_counters *nowhere = &w->ports[PORT_MAX];

	if (s->kind == INJECT_PEEK) {
		peek_run(w, s->peek);
		return;
	}
	counter_add(&w->perf.created, 1 + s->lost);
	counter_add(&nowhere->drops[DROP_INJECT_FULL], s->lost);
	switch (s->kind) {
	case INJECT_ACTIONS:
	case INJECT_RESUME:
		inject_actions_run(w, b, s);
		break;
	case INJECT_PORT:
		output_port(w, &o);
		break;
	case INJECT_DROP:
		pmd_count_drop(w, s->port, s->why);
		rte_pktmbuf_free(s->m);
		break;
	case INJECT_PEEK: /* no frame */
		break;
	}
}

static unsigned int inject_run(struct pmd *w) PMD
{
	struct inject *v[BURST_MAX];
	unsigned int n = inject_take(w, v, BURST_MAX);

	if (!n)
		return 0;
	stage_found(&w->stages, w->now, 0);
	stage_begin(&w->stages, STAGE_INJECT, n);
	pmd_burst_start(w, w->burst);
	for (unsigned int i = 0; i < n; i++)
		inject_one(w, w->burst, v[i]);
	w->flush(w, w->burst);
	inject_done(w, v, n);
	stage_begin(&w->stages, STAGE_RECEIVE, 0);
	return n;
}

/* One round; how many packets it had. */
unsigned int pmd_iteration(struct pmd *w)
{
	struct pmd_work *work = atomic_load_explicit(&w->work, memory_order_acquire);
	unsigned int n;

	w->now = rte_rdtsc();
	w->wake = QUEUE_NEVER;
	if (unlikely(atomic_load_explicit(&w->reasm, memory_order_relaxed) ||
		     atomic_load_explicit(&w->track_reasm, memory_order_relaxed)))
		frag_tick(w);
	n = inject_run(w);
	if (likely(work))
		n += queues_run(w, work);
	else
		txq_flush(w);
	for (unsigned int i = 0; work && i < work->n_handovers; i++)
		n += txq_handover(w, work->handovers[i]);
	for (unsigned int i = 0; work && i < work->n_queued; i++) {
		stage_begin(&w->stages, STAGE_TX, 0);
		n += port_queue_run(w, work->queued[i]);
	}
	stage_begin(&w->stages, STAGE_OTHER, 0);
	punt_wake(w);
	return n;
}
