/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP as somebody between the two ends sees it: how far each side has come, and which segments can
 * belong to the connection (RFC 9293; the bounds are those of G. van Rooij, "Real Stateful TCP
 * Packet Filtering in IP Filter", 2001).
 *
 * Nothing here looks at a frame or a table: the caller reads a segment, holds the connection's
 * lock, and gets a verdict.  Packet threads, and tests.
 */
#ifndef WEFT_DATAPATH_CT_TCP_H
#define WEFT_DATAPATH_CT_TCP_H

#include <string.h>

#include "datapath/ct_conn.h"

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
};

/* One side of a connection.  In this order: a later one does not go back. */
enum ct_tcp_state {
	CT_TCP_NONE,	  /* nothing seen of it */
	CT_TCP_SYN_SENT,  /* its SYN was not acknowledged yet */
	CT_TCP_OPEN,	  /* it was */
	CT_TCP_FIN_SENT,  /* its FIN was not acknowledged yet */
	CT_TCP_FIN_ACKED, /* it was */
	CT_TCP_RESET,
	CT_N_TCP_STATES,
};

/* Flags beside the shift count in ct_tcp_peer.wscale. */
enum {
	CT_WSCALE = 0x0f,
	CT_WSCALE_OFFERED = 0x80, /* its SYN had the option (RFC 7323) */
	CT_WSCALE_UNKNOWN = 0x40, /* joined after the handshake: the largest is assumed */
	CT_WSCALE_ON = 0x10,  /* both did: windows count in units of 1 << (wscale & CT_WSCALE) */
	CT_PEER_ACKED = 0x20, /* 'ack' says something */
	CT_WSCALE_MAX = 14,
};

struct ct_tcp_seg {
	uint32_t seq, end; /* first sequence number, and the one behind the last; SYN, FIN count */
	uint32_t ack;
	uint16_t win;
	uint8_t flags;
	uint8_t wscale; /* of a SYN: the option with CT_WSCALE_OFFERED, or 0 */
};

enum ct_tcp_verdict {
	CT_TCP_BAD,   /* does not belong to the connection */
	CT_TCP_GOOD,  /* belongs, and has been noted */
	CT_TCP_PASS,  /* may go by, as an answer will tell the ends what is what; nothing noted */
	CT_TCP_REUSE, /* the connection is over, and this begins another with the same ports */
};

/* Whether a TCP can send such a combination at all. */
bool ct_tcp_flags_ok(uint8_t flags);

/* 'n' bytes of a TCP segment, its header in the first 'have' of them; false: malformed. */
bool ct_tcp_read(struct ct_tcp_seg *g, const uint8_t *tcp, uint32_t n, uint32_t have);

/* A connection that begins with 'g', by a SYN or in its middle; false: it cannot. */
bool ct_tcp_new(struct ct_tcp_peer peer[2], const struct ct_tcp_seg *g);

/* A segment of direction 'dir'. 'liberal': whatever its numbers are. */
enum ct_tcp_verdict ct_tcp_update(struct ct_tcp_peer peer[2], enum ct_dir dir,
				  const struct ct_tcp_seg *g, bool liberal);

/*
 * What is known of the two sides lies in words that are read and written whole: whoever holds the
 * lock changes a copy and stores it, so that who does not may look.
 */
static inline void ct_tcp_peers(const struct ct_conn *c, struct ct_tcp_peer to[2])
{
	const uint64_t *p = (const void *)c->peer;
	char *at = (char *)to;

	/* Not by way of an array, which would be copied by wide loads that wait for its stores. */
#pragma GCC unroll 4
	for (unsigned int i = 0; i < 4; i++) {
		const uint64_t v = __atomic_load_n(&p[i], __ATOMIC_RELAXED);

		memcpy(at + i * sizeof(v), &v, sizeof(v));
	}
}

static inline void ct_tcp_set_peers(struct ct_conn *c, const struct ct_tcp_peer from[2])
{
	uint64_t *p = (void *)c->peer;
	uint64_t v[4];

	memcpy(v, from, sizeof(v));
	for (unsigned int i = 0; i < 4; i++)
		if (p[i] != v[i])
			__atomic_store_n(&p[i], v[i], __ATOMIC_RELAXED);
}

_Static_assert(sizeof(struct ct_tcp_peer) == 16, "two words");

/* An acknowledgment may be this far behind, though the window was smaller: van Rooij's
 * MAXACKWINDOW. */
enum { CT_TCP_ACK_BEHIND = 66000 };

/*
 * Whether ct_tcp_update() would find 'g', which has the flag ACK and at most PSH, good and have
 * nothing to note of it; also false where that is not plain to see.  Each bound only ever moves on,
 * so that of sides which are being changed it says what was true a moment ago.
 */
static inline bool ct_tcp_is_plain(const struct ct_tcp_peer peer[2], enum ct_dir dir,
				   const struct ct_tcp_seg *g)
{
	const struct ct_tcp_peer *s = &peer[dir], *d = &peer[!dir];
	const unsigned int mine = s->wscale & CT_WSCALE_ON ? s->wscale & CT_WSCALE : 0;
	const unsigned int its = d->wscale & CT_WSCALE_ON ? d->wscale & CT_WSCALE : 0;
	const uint32_t may = (uint32_t)s->max_win << mine;
	const uint32_t behind = may > CT_TCP_ACK_BEHIND ? may : CT_TCP_ACK_BEHIND;
	const uint32_t offer = (uint32_t)g->win << mine;

	/* Joined or not: of an acknowledgment of what is known nothing is learned. */
	if (s->state != CT_TCP_OPEN || d->state != CT_TCP_OPEN || !(s->wscale & CT_PEER_ACKED) ||
	    g->win > s->max_win)
		return false;
	/* None may be below zero. */
	return (int32_t)((s->seq_lo - g->end) | (s->seq_hi - g->end) |
			 (g->seq - (s->seq_lo - ((uint32_t)d->max_win << its))) |
			 (d->seq_lo - g->ack) | (g->ack - (d->seq_lo - behind)) |
			 (s->ack - g->ack) | (d->seq_hi - (g->ack + (offer ? offer : 1)))) >= 0;
}

/* How long it may be silent now. */
enum ct_timeout ct_tcp_timeout(const struct ct_tcp_peer peer[2]);

/* A side's state, and that of the whole, in the words of Open vSwitch's dumps. */
const char *ct_tcp_state_name(uint8_t state);
const char *ct_tcp_conn_name(const struct ct_tcp_peer peer[2]);

#endif
