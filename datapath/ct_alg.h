/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Application protocols that announce further connections in their data: FTP (RFC 959, 2428) and
 * TFTP (RFC 1350).
 *
 *	ct_alg.c	what is remembered of a control connection; its sequence numbers
 *	ct_expect.c	connections that were announced and have not come yet
 *	ct_splice.c	bytes in a frame exchanged for others
 *	ct_ftp.c, ct_tftp.c	what the protocols' lines and packets say
 *
 * Only connections that were committed with alg= are looked into.  An announced connection is
 * expected once, for CT_EXPECT_MS, from the announcer's peer alone, at the announcer's own address
 * and an unprivileged port; whatever else is announced goes by as data (RFC 2577 tells why).  Where
 * NAT changes the announcer's address, the announcement is written anew, and the connection's
 * sequence numbers are shifted from then on.
 *
 * Tables of fixed size, made with the table of connections, without pointers in them.  Packet
 * threads; owner: struct ct.
 */
#ifndef WEFT_DATAPATH_CT_ALG_H
#define WEFT_DATAPATH_CT_ALG_H

#include "datapath/ct_track.h"

enum {
	CT_EXPECT_MS = 30 * CT_TICKS,
	CT_EXPECT_PORT_MIN = 1024,
};

struct ct_alg;

struct ct_alg_stats {
	uint64_t expecting; /* now, and some that are too late */
	uint64_t expected;
	uint64_t came;
	uint64_t refused; /* no room, or nothing that may be announced */
};

/* ---- Control thread ---- */

/* For a table of 'max' connections; NULL: no memory. */
struct ct_alg *ct_alg_new(uint32_t max) CONTROL;
void ct_alg_free(struct ct_alg *a) CONTROL;
void ct_alg_stats(const struct ct *t, struct ct_alg_stats *s) CONTROL;

/* ---- Packet threads: expected connections ---- */

struct ct_expected {
	struct ct_conn *parent;
	/* What NAT makes of the connection: what its reply tuple is to be, to begin ct_nat_add()
	 * with; where the parent is not translated, its original one turned round. */
	struct ct_tuple reply;
	uint32_t slot, use;
};

bool ct_expect_find(struct pmd *w, struct ct *t, const struct ct_tuple *k, uint32_t now,
		    struct ct_expected *x) PMD;
/* How many there are; nearly always none. */
const _Atomic uint32_t *ct_expect_count(const struct ct *t);

/*
 * Whether a packet with tuple 'k' that no connection has begins one that was announced.  It is
 * related to 'x->parent', which lives, and inherits from it.
 */
static inline bool ct_alg_expected(struct pmd *w, struct ct *t, const struct ct_tuple *k,
				   uint32_t now, struct ct_expected *x) PMD
{
	return atomic_load_explicit(ct_expect_count(t), memory_order_relaxed) &&
	       ct_expect_find(w, t, k, now, x);
}

/* It was committed: it is not expected any more. */
void ct_alg_came(struct ct *t, const struct ct_expected *x) PMD;

/* ---- Packet threads: control connections ---- */

/*
 * A packet of a connection with one of CT_F_HELPER_* or CT_F_SEQ_ADJUST, after its verdict ('inv'
 * does not come here) and after ct_nat_apply(), where 'nat' says that the action translates. False:
 * the packet was dropped.
 */
bool ct_alg_packet(struct pmd *w, struct burst *b, struct ct *t, struct pkt *p, struct ct_pkt *cp,
		   struct ct_conn *c, enum ct_dir dir, bool nat, uint32_t now) PMD;

/*
 * CT_F_SEQ_ADJUST: what number 'ack' (or a SACK edge) in a packet of direction 'dir' is in the
 * numbers of the side that it acknowledges, in which ct_tcp.c keeps its books.
 */
uint32_t ct_alg_ack(struct ct *t, const struct ct_conn *c, enum ct_dir dir, uint32_t ack) PMD;

#endif
