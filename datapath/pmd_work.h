/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one PMD serves: made by the control thread (pmd_thread.c), published whole, never changed.
 * A queue belongs to the same PMD for its whole life, so that two never poll it.
 */
#ifndef WEFT_DATAPATH_PMD_WORK_H
#define WEFT_DATAPATH_PMD_WORK_H

#include <stdint.h>

#include "datapath/port.h"

struct rxq {
	const struct port *port;
	uint16_t queue;
	bool ring; /* of af_packet: tags are looked up there (af_packet.h) */
};

struct pmd_work {
	uint32_t n_rxqs;
	uint32_t n_handovers;
	uint32_t n_queued;
	const struct port *handovers[PORT_MAX]; /* whose frames of other PMDs it sends */
	const struct port *queued[PORT_MAX];	/* whose queues it serves */
	struct rxq rxqs[];
};

#endif
