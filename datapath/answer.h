/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer(KIND,...): a packet becomes, in place, the answer to it, so that a flow alone is a DHCP
 * server, a router's advertisements, or the ICMP of a gateway.
 *
 * What it says stands in the flow; nothing is remembered from packet to packet.  Tags, metadata and
 * registers stay; what tracking said of the packet goes, as by ct_clear; addresses are turned
 * round, and later actions see the new packet.  What is not to be answered is dropped under one of
 * the reasons DROP_ANSWER_*.  One file for each kind: answer_dhcp.c, answer_dhcpv6.c, answer_ra.c,
 * answer_nd.c, answer_icmp.c; they are functions from bytes to bytes.  PMD threads.
 */
#ifndef WEFT_DATAPATH_ANSWER_H
#define WEFT_DATAPATH_ANSWER_H

#include "datapath/pkt.h"
#include "datapath/role.h"
#include "ofproto/wire.h"

struct pmd;
struct act_op;

enum {
	ANSWER_MAX = 1280,    /* bytes of an answer's IP packet: it fits wherever IPv6 does */
	ANSWER_ERRORS = 1000, /* ICMP errors a second, of each PMD ... */
	ANSWER_ERRORS_BURST = 100,
};

/* The packet becomes the answer to it, or is dropped. */
void act_answer(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
		uint64_t now) PMD;

/* A frame that begins as IP's do, with tags perhaps: what is behind its addresses can stay. */
bool answer_is_plain_ip(const struct pkt *p);

/* ---- The kinds, for answer.c and tests ---- */

/* A packet as it came: from its IP header on, 'n' bytes, which may be more than IP says; and what
 * its frame's header had. */
struct ask {
	const uint8_t *p;
	uint32_t n;	  /* at 'p' */
	uint32_t n_whole; /* of the packet: more than 'n', where nobody needs the rest */
	uint8_t dst[6], src[6];
};

/* The answer: an IP packet, and its frame's addresses. */
struct reply {
	uint32_t n;
	uint8_t dst[6], src[6];
	uint8_t p[ANSWER_MAX];
};

/* N_DROPS: it is answered; else why not. */
enum drop answer_dhcp(const struct of_answer_dhcp *a, const struct ask *q, struct reply *r);
enum drop answer_dhcpv6(const struct of_answer_dhcpv6 *a, const struct ask *q, struct reply *r);
enum drop answer_ra(const struct of_answer_ra *a, const struct ask *q, struct reply *r);
enum drop answer_nd(const struct of_answer_nd *a, const struct ask *q, struct reply *r);
enum drop answer_icmp_error(const struct of_answer_icmp_error *a, const struct ask *q,
			    struct reply *r);
/*
 * An echo request's headers become the reply's, where they stand: 'mac' the frame's, 'ip' the
 * packet's with at least 'n' bytes of headers, 'l4' where ICMP begins in it.
 */
enum drop answer_echo(uint8_t *mac, uint8_t *ip, uint32_t n, uint32_t l4);

/* Whether one more ICMP error may be sent at 'now'; 'due' is the sender's own, zero at first. */
bool answer_error_admits(uint64_t *due, uint64_t now, uint64_t hz);

#endif
