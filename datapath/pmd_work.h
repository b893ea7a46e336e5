/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one PMD serves: made by the control thread (pmd_assign_queues()), published whole, and never
 * changed by others; what alarms and turns know of themselves is its packet thread's.  A queue
 * belongs to the same PMD for its whole life, so that two never poll it.
 */
#ifndef WEFT_DATAPATH_PMD_WORK_H
#define WEFT_DATAPATH_PMD_WORK_H

#include <stdint.h>

#include "datapath/port.h"
#include "datapath/role.h"
#include "datapath/rx_turn.h"

struct rxq {
	const struct port *port;
	uint16_t queue;
	bool ring; /* of af_packet: tags are looked up there (af_packet.h) */
	struct rx_turn turn;
};

struct pmd_work {
	struct dp *dp;
	struct pmd *pmd;
	uint32_t n_rxqs;
	uint32_t n_alarms;
	uint32_t n_handovers;
	uint32_t n_queued;
	const struct port *handovers[PORT_MAX]; /* whose frames of other PMDs it sends */
	const struct port *queued[PORT_MAX];	/* whose queues it serves */
	struct rx_alarm *alarms;		/* of its queues, if all that may come is told of */
	struct rxq rxqs[];
};

/* When no packet thread can see it. */
void pmd_work_free(void *work) CONTROL;

#endif
