/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of connections that are known and have nothing special about them, in fewer steps.
 *
 * What ct_track() does with any packet, for the ones that most are: whole TCP or UDP over IPv4, of
 * a connection that is live, not translated, watched by no helper and expected by nobody, where
 * nothing but counters, timeout and TCP's numbers changes.  All others are refused, with nothing
 * changed, and are ct_track()'s, which is what defines the outcome.  They take the same three
 * steps: ct_quick_read() and ct_quick_fetch() of all of a burst, then ct_quick() of each.  Packet
 * threads.
 */
#ifndef WEFT_DATAPATH_CT_QUICK_H
#define WEFT_DATAPATH_CT_QUICK_H

#include "datapath/ct_tcp.h"
#include "datapath/ct_track.h"

struct rte_mbuf;

/* A packet on its way; what it needs of its tuple is in words. */
struct ct_quick {
	uint32_t src, dst; /* IPv4 */
	uint64_t rest;	   /* ports, zone, proto, l3, as in struct ct_tuple */
	uint64_t hash;
	const uint8_t *ip;   /* in the frame */
	struct ct_tcp_seg g; /* of TCP */
	uint32_t ref;	     /* the first that may be it, of the index; 0: none */
};

/*
 * Reads the frame 'm', of one segment, at whose offset 'l3' there is IPv4 without options, no
 * fragment, and behind it at least 8 bytes of TCP's, UDP's or ICMP's header.  False: refused.
 * Its bucket is on its way.
 */
bool ct_quick_read(const struct ct *t, const struct rte_mbuf *m, uint32_t l3, uint16_t zone,
		   struct ct_quick *q) PMD;
/* Once ct_quick_read() had time: the connection is on its way.  'mark': that will be asked for. */
void ct_quick_fetch(const struct ct *t, struct ct_quick *q, bool mark) PMD;
/* Which state it has (CT_TRK and more), and its connection; 0: refused. */
uint8_t ct_quick(struct pmd *w, struct ct *t, const struct ct_quick *q, uint32_t now,
		 struct ct_conn **conn) PMD;
/* What ct_track() would have told of it. */
void ct_quick_tell(struct ct_conn *c, uint8_t state, struct ct_result *out) PMD;

#endif
