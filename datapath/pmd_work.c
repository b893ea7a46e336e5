/* SPDX-License-Identifier: Apache-2.0 */
/* Which packet thread serves which queues. */
#include "datapath/pmd_work.h"

#include <stdlib.h>

#include "base/lines.h"
#include "base/log.h"
#include "datapath/af_packet.h"
#include "datapath/doze.h"
#include "datapath/dp.h"
#include "datapath/pmd.h"
#include "datapath/port_dev.h"
#include "datapath/rx_alarm.h"

/* The PMD with the fewest queues; -1: there is none with a thread. */
static int least_loaded(const struct dp *dp, const uint32_t *load)
{
	int best = -1;

	for (unsigned int i = 0; i < dp->n_pmds; i++)
		if (!dp->pmds[i]->detached && (best < 0 || load[i] < load[best]))
			best = (int)i;
	return best;
}

/* Counts each PMD's queues, and gives those of new ports to whoever has least. */
static bool distribute(struct dp *dp, uint32_t load[PMD_MAX])
{
	for (int pass = 0; pass < 2; pass++)
		for (unsigned int i = 0; i < PORT_MAX; i++) {
			struct port *p = atomic_load(&dp->port_slots[i]);

			if (!p || p->ethdev == RTE_MAX_ETHPORTS || p->cold->assigned != !pass)
				continue;
			for (unsigned int q = 0; q < p->n_rxq; q++) {
				int w = pass ? least_loaded(dp, load) : p->cold->rxq_pmd[q];

				if (w < 0)
					return false;
				p->cold->rxq_pmd[q] = (uint16_t)w;
				load[w]++;
			}
			p->cold->assigned = true;
		}
	return true;
}

/* A thread that is gone took its epoll set along. */
static struct doze *doze_of(const struct pmd_work *k)
{
	for (unsigned int i = 0; i < k->dp->n_pmds; i++)
		if (k->dp->pmds[i] == k->pmd)
			return &k->pmd->doze;
	return NULL;
}

void pmd_work_free(void *work)
{
	struct pmd_work *k = work;

	if (!k)
		return;
	while (k->n_alarms)
		rx_alarm_fini(&k->alarms[--k->n_alarms], doze_of(k));
	free(k->alarms);
	lines_free(k);
}

/* Whether an event tells of all that the thread is to do. */
static bool all_tell(struct pmd *w, struct pmd_work *k) CONTROL
{
	if (k->n_handovers)
		return false;
	k->alarms = calloc(k->n_rxqs + 1, sizeof(*k->alarms));
	for (; k->alarms && k->n_alarms < k->n_rxqs; k->n_alarms++)
		if (rx_alarm_init(&k->alarms[k->n_alarms], &w->doze, &k->rxqs[k->n_alarms]))
			break;
	if (k->alarms && k->n_alarms == k->n_rxqs)
		return true;
	/* What has been watched so far is no reason to look at what has not. */
	while (k->n_alarms)
		rx_alarm_fini(&k->alarms[--k->n_alarms], &w->doze);
	return false;
}

static struct pmd_work *work_new(struct dp *dp, struct pmd *w, uint32_t n_rxqs)
{
	struct pmd_work *k = lines_new(1, sizeof(*k) + n_rxqs * sizeof(k->rxqs[0]));

	if (!k)
		return NULL;
	k->dp = dp;
	k->pmd = w;
	for (unsigned int i = 0; i < PORT_MAX; i++) {
		const struct port *p = atomic_load(&dp->port_slots[i]);

		if (!p || p->ethdev == RTE_MAX_ETHPORTS)
			continue;
		if (p->handover && p->owner == w->id)
			k->handovers[k->n_handovers++] = p;
		if (atomic_load(&p->queues) && p->owner == w->id)
			k->queued[k->n_queued++] = p;
		for (uint16_t q = 0; q < p->n_rxq; q++)
			if (p->cold->rxq_pmd[q] == w->id)
				k->rxqs[k->n_rxqs++] = (struct rxq){
					.port = p, .queue = q, .ring = af_packet_ring(p->ethdev, q)
				};
	}
	return k;
}

void pmd_assign_queues(struct dp *dp)
{
	uint32_t load[PMD_MAX] = { 0 };

	if (!distribute(dp, load))
		return;
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		struct pmd *w = dp->pmds[i];
		struct pmd_work *old, *new;

		if (w->detached)
			continue;
		new = work_new(dp, w, load[i]);
		if (!new) /* better no queue than one of a port that goes */
			log_err("pmd", "no memory for the queues of packet thread %u", i);
		atomic_store_explicit(&w->doze.all_tell, new &&all_tell(w, new),
				      memory_order_relaxed);
		old = atomic_exchange(&w->work, new);
		doze_ring(&w->doze);
		if (old)
			dp_retire(dp, old, pmd_work_free);
	}
}
