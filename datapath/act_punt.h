/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet-ins that say more than OpenFlow's, for controller(...) and for packets that pause.
 *
 * PMD threads.  What is said is copied into a buffer that goes up with the frame (struct
 * punt_more): the action may be gone when it is read.
 */
#ifndef WEFT_DATAPATH_ACT_PUNT_H
#define WEFT_DATAPATH_ACT_PUNT_H

#include "datapath/act.h"

/* Frame, userdata and continuation together: what a message has room for. */
enum { ACT_PUNT_MAX = 64000 };

struct act_punt {
	const struct act_op *op; /* ACT_CONTROLLER2 */
	uint8_t reason;
	uint16_t max_len;
	uint64_t cookie;
	const uint8_t *frozen;
	uint32_t n_frozen;
};

/* What does not get a buffer is not sent, which is counted. */
void act_punt(struct pmd *w, struct burst *b, struct pkt *p, const struct act_punt *a) PMD;

#endif
