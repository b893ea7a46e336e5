/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queues of the switch's ports: made, removed and counted by the control thread, fed and served
 * by PMDs.  What a queue does is in queue.h.
 *
 * p->queues is published whole and replaced by every change; the queues themselves stay.  What is
 * removed is unpublished, left by every PMD, and gives its frames back.
 */
#ifndef WEFT_DATAPATH_PORT_QUEUE_H
#define WEFT_DATAPATH_PORT_QUEUE_H

#include "datapath/port.h"
#include "datapath/queue.h"

/* ---- Control thread ---- */

/* What the port's SPEC says, before the port is published.  0 or -errno with words. */
int port_queues_new(struct dp *dp, struct port *p, struct err *e) CONTROL;
/* After every PMD has left the port.  How many frames were in them. */
uint64_t port_queues_free(struct port *p) CONTROL;

/* 0; -EEXIST, -ENOSPC, -ENOTSUP (a tunnel), -ENOMEM with words. */
int port_queue_add(struct dp *dp, struct port *p, const struct queue_cfg *cfg,
		   struct err *e) CONTROL;
/* 0; -ENOENT with words.  Waits until no PMD is in it; frames that wait are dropped and counted. */
int port_queue_del(struct dp *dp, struct port *p, uint32_t id, struct err *e) CONTROL;

/* Those that were configured, by ascending id; at most QUEUES_MAX.  How many. */
uint32_t port_queues(const struct port *p, struct queue *v[QUEUES_MAX]) CONTROL;
/* The configured queue of this id; NULL. */
struct queue *port_queue_find(const struct port *p, uint32_t id) CONTROL;
/* Whether any port has it. */
bool port_queue_anywhere(const struct dp *dp, uint32_t id) CONTROL;
/* As the property of 7.2.2 has it: in 1/10 % of the port's speed; 0xffff: none, or unknown. */
uint16_t port_queue_share(const struct port *p, uint64_t bps) CONTROL;
void port_queue_stats(const struct port *p, const struct queue *q,
		      struct of_queue_stats *out) CONTROL;

/* ---- PMD threads ---- */

/* A frame for queue 'id' of 'p', whose queues are 's'; takes the mbuf. */
void port_queue_put(struct pmd *w, const struct port *p, struct queue_set *s, struct rte_mbuf *m,
		    uint32_t id) PMD;
/* Sends what is due of the port's queues; how many frames.  w->wake is when to call again. */
unsigned int port_queue_run(struct pmd *w, const struct port *p) PMD;

#endif
