/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a PMD has ready for each port: frames gathered over an iteration, sent in one call to the
 * device.
 *
 * A device with fewer queues than there are PMDs is sent to by one PMD, its owner; the others hand
 * their frames over by the port's ring.  What a device does not take is counted and freed, never
 * kept. PMD threads; each its own.
 */
#ifndef WEFT_DATAPATH_TXQ_H
#define WEFT_DATAPATH_TXQ_H

#include <stdint.h>
#include <string.h>

#include "datapath/pmd.h"
#include "datapath/port.h"
#include "datapath/role.h"

struct rte_mbuf;

enum { TXQ_LEN = 64, TXQ_HANDOVER = 1024 };

struct txq {
	const struct port *port;
	uint32_t n;
	struct rte_mbuf *m[TXQ_LEN];
};

/* Parts of txq_add(). */
void txq_open(struct pmd *w, const struct port *p) PMD;
void txq_full(struct pmd *w, const struct port *p) PMD;

/* Queues 'm' for 'p', whose config, state and MTU have been looked at. */
static inline void txq_add(struct pmd *w, const struct port *p, struct rte_mbuf *m) PMD
{
	struct txq *q = &w->txq[p->slot];

	if (__builtin_expect(!q->port, 0))
		txq_open(w, p);
	q->m[q->n++] = m;
	if (__builtin_expect(q->n == TXQ_LEN, 0))
		txq_full(w, p);
}

/* The same of 'n' frames. */
static inline void txq_add_all(struct pmd *w, const struct port *p, struct rte_mbuf *const *m,
			       unsigned int n) PMD
{
	struct txq *q = &w->txq[p->slot];

	if (__builtin_expect(!q->port, 0))
		txq_open(w, p);
	while (n) {
		const unsigned int room = TXQ_LEN - q->n, k = n < room ? n : room;

		memcpy(q->m + q->n, m, k * sizeof(m[0]));
		q->n += k;
		if (__builtin_expect(q->n == TXQ_LEN, 0))
			txq_full(w, p);
		m += k;
		n -= k;
	}
}

/* Gives the device what it takes of 'n' frames, and counts that; how many: the first ones. */
unsigned int txq_offer(struct pmd *w, const struct port *p, struct rte_mbuf **m,
		       unsigned int n) PMD;
/* Sends everything. */
void txq_flush(struct pmd *w) PMD;
/* Sends what other PMDs have handed over for 'p'; returns how many. */
unsigned int txq_handover(struct pmd *w, const struct port *p) PMD;

#endif
