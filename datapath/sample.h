/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The action sample (ovs-actions(7)): of some of its packets a flow tells collectors, by IPFIX.
 *
 *	packet thread: sample_run()	a packet is drawn, probability of 65535: what is told of it
 *	      | ring			goes into the thread's own ring of fixed size
 *	      v
 *	control thread: sample_drain()	takes what is there
 *
 * Nothing is done for packets whose flows do not sample.  Drawing costs a few instructions, by a
 * generator that is each packet thread's own; no frame is copied.  What finds the ring full is
 * counted (sample_lost in event.def), and the packet goes on.
 *
 * A collector set that is not configured: as in Open vSwitch the flow is taken, for sets may be
 * configured later, and no packet is the worse for it.  But it is not ignored in silence: what
 * would have been told is counted (sample_no_set).  A packet thread knows the sets from an array
 * that is replaced as a whole, so that a flow without a set costs the ring nothing.
 *
 * The ring wakes the control thread only when a part of it is full; otherwise it is looked at ten
 * times a second.
 */
#ifndef WEFT_DATAPATH_SAMPLE_H
#define WEFT_DATAPATH_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/byteorder.h"
#include "datapath/role.h"

struct act_op;
struct dp;
struct pkt;
struct pmd;

enum {
	SAMPLE_RING = 4096, /* samples of a packet thread that may wait; a power of two */
	SAMPLE_WAKE = SAMPLE_RING / 4, /* so many wake the control thread */
	SAMPLE_SETS = 64,	       /* collector sets */
	SAMPLE_ALWAYS = 65535,	       /* a probability */
};

/* What packets have in common that are one flow to a collector: compared as bytes, no holes. */
struct sample_flow {
	uint32_t set, domain, point; /* as the action says */
	uint32_t in_port, out_port;  /* OpenFlow numbers; out_port 0: not known */
	be32 label;		     /* IPv6 */
	uint8_t src[16], dst[16];    /* IPv4: the first four bytes */
	uint8_t eth_src[6], eth_dst[6];
	uint16_t eth_type, vlan_tci; /* host order; tci as in the key */
	be16 tp_src, tp_dst;	     /* ICMP: type and code in tp_src */
	uint8_t proto, tos, ttl;
	bool egress;
	bool has_l4; /* tp_* are there; not in a later fragment */
	uint8_t pad[3];
};

struct sample {
	uint64_t at; /* TSC */
	struct sample_flow flow;
	uint32_t bytes, ip_bytes; /* of the frame; of the IP packet in it, 0: none */
	uint16_t probability;
	uint16_t tcp_flags;
};

_Static_assert(sizeof(struct sample_flow) == 84, "no holes: it is compared as bytes");
_Static_assert(sizeof(struct sample) == 104, "two cache lines at most");

/* ---- PMD threads ---- */

void sample_run(struct pmd *w, const struct pkt *p, const struct act_op *op) PMD;

/* ---- Control thread ---- */

/* Makes and frees w->samples.  0 or -ENOMEM. */
int sample_pmd_init(struct pmd *w) CONTROL;
void sample_pmd_fini(struct pmd *w) CONTROL;

/* The sets that there are from now on, in place of those before; 0 or -ENOMEM. */
int sample_set_ids(struct dp *dp, const uint32_t *ids, uint32_t n) CONTROL;
void sample_sets_free(struct dp *dp) CONTROL;
bool sample_has_set(const struct dp *dp, uint32_t id);

/* Takes up to 'max' samples from all PMDs and calls 'handle' for each, in the order of each PMD.
 * Returns how many. */
unsigned int sample_drain(struct dp *dp, unsigned int max,
			  void (*handle)(void *arg, const struct sample *s), void *arg) CONTROL;
/* Whether a ring is so full that the control thread would have been woken. */
bool sample_is_due(const struct dp *dp) CONTROL;

#endif
