/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/txq.h"

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "datapath/dp.h"
#include "datapath/handoff.h"
#include "datapath/trace.h"

static uint64_t bytes_of(struct rte_mbuf **m, unsigned int n)
{
	uint64_t bytes = 0;

#pragma GCC unroll 4
	for (unsigned int i = 0; i < n; i++)
		bytes += m[i]->pkt_len;
	return bytes;
}

/* Lengths are counted before: a frame that was sent belongs to the driver. */
unsigned int txq_offer(struct pmd *w, const struct port *p, struct rte_mbuf **m, unsigned int n)
{
	uint16_t queue = p->handover ? 0 : (uint16_t)(w->id % p->n_txq);
	struct port_counters *c = &w->ports[p->slot];
	unsigned int sent = 0, k;

	counter_add(&c->tx_packets, n);
	counter_add(&c->tx_bytes, bytes_of(m, n));
	counter_add(&w->perf.tx, n);
	handoff_given(m, n);
	do {
		k = rte_eth_tx_burst(p->ethdev, queue, m + sent, (uint16_t)(n - sent));
		sent += k;
	} while (k && sent < n);
	if (unlikely(sent < n)) {
		counter_add(&c->tx_packets, -(uint64_t)(n - sent));
		counter_add(&c->tx_bytes, -bytes_of(m + sent, n - sent));
		counter_add(&w->perf.tx, -(uint64_t)(n - sent));
	}
	return sent;
}

/* To the device; what it does not take is lost. */
static void transmit(struct pmd *w, const struct port *p, struct rte_mbuf **m, unsigned int n) PMD
{
	unsigned int sent = txq_offer(w, p, m, n);

	if (likely(sent == n))
		return;
	counter_add(&w->ports[p->slot].tx_dropped, n - sent);
	counter_add(&w->ports[p->slot].drops[DROP_TX_FULL], n - sent);
	rte_pktmbuf_free_bulk(m + sent, n - sent);
}

/* To the PMD that owns the device's queue, which counts what it sends. */
static void hand_over(struct pmd *w, const struct port *p, struct rte_mbuf **m, unsigned int n)
{
	unsigned int k = rte_ring_enqueue_burst(p->handover, (void **)m, n, NULL);

	if (k == n)
		return;
	counter_add(&w->ports[p->slot].tx_dropped, n - k);
	counter_add(&w->ports[p->slot].drops[DROP_TX_FULL], n - k);
	rte_pktmbuf_free_bulk(m + k, n - k);
}

static void flush_one(struct pmd *w, struct txq *q) PMD
{
	const uint64_t start = unlikely(w->turns.timed) ? rte_rdtsc() : 0;

	stage_begin(&w->stages, STAGE_TX, q->n);
	if (w->trace)
		trace_sent(w, q->port, q->m, q->n);
	else if (q->port->handover && q->port->owner != w->id)
		hand_over(w, q->port, q->m, q->n);
	else
		transmit(w, q->port, q->m, q->n);
	q->n = 0;
	if (unlikely(start))
		w->turns.aside += rte_rdtsc() - start;
}

void txq_open(struct pmd *w, const struct port *p)
{
	w->txq[p->slot].port = p;
	w->tx_dirty[w->n_tx_dirty++] = p->slot;
}

void txq_full(struct pmd *w, const struct port *p)
{
	flush_one(w, &w->txq[p->slot]);
	stage_begin(&w->stages, STAGE_OUTPUT, 0);
}

void txq_flush(struct pmd *w)
{
	for (uint32_t i = 0; i < w->n_tx_dirty; i++) {
		struct txq *q = &w->txq[w->tx_dirty[i]];

		if (q->n)
			flush_one(w, q);
		q->port = NULL; /* valid in this iteration only */
	}
	w->n_tx_dirty = 0;
}

unsigned int txq_handover(struct pmd *w, const struct port *p)
{
	struct rte_mbuf *m[TXQ_LEN];
	unsigned int n = rte_ring_dequeue_burst(p->handover, (void **)m, TXQ_LEN, NULL);

	if (!n)
		return 0;
	stage_found(&w->stages, w->now, 0);
	stage_begin(&w->stages, STAGE_TX, n);
	transmit(w, p, m, n);
	return n;
}
