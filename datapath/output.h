/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What leaves a burst: to ports, through tunnels, to the control thread, or as NORMAL decides.
 *
 * output_flush() is pmd->flush.  It takes every frame in burst->out, in the order in which the
 * packets came.  PMD threads.
 */
#ifndef WEFT_DATAPATH_OUTPUT_H
#define WEFT_DATAPATH_OUTPUT_H

#include "datapath/pkt.h"
#include "datapath/port.h"
#include "datapath/role.h"

struct pmd;

/* Sends burst->out[] and empties it.  Each out has its frame by now (act.h). */
void output_flush(struct pmd *w, struct burst *b) PMD;

/* Whether device port 'p' takes frames as they are: closed, down, or with queues it does not.  What
 * it says of one it says of all that go there in a burst. */
static inline bool output_is_plain(const struct port *p)
{
	return !(atomic_load_explicit(&p->config, memory_order_relaxed) &
		 (OFPPC_PORT_DOWN | OFPPC_NO_FWD)) &&
	       !(atomic_load_explicit(&p->state, memory_order_relaxed) & OFPPS_LINK_DOWN) &&
	       !atomic_load_explicit(&p->queues, memory_order_acquire);
}

/* One frame to one port: admission, tunnel or queue.  Takes the mbuf. */
void output_port(struct pmd *w, const struct out *o) PMD;

/* A frame to device port 'p': config, link, MTU; then its queue, 'queue_id' where it has such.
 * Takes the mbuf. */
void output_device(struct pmd *w, const struct port *p, struct rte_mbuf *m, uint32_t queue_id) PMD;

/* NORMAL (5.1, 4.5): learns, and forwards by MAC and VLAN.  Takes the mbuf. */
void output_normal(struct pmd *w, struct out *o) PMD;

#endif
