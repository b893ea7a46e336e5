/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection, as it lies in the memory of connection tracking (ct.h).
 *
 * What is declared here is a layout with a version (CT_LAYOUT): numbers and indexes, no pointers,
 * so that the memory may outlive the process that made it.  Change the layout, change the number.
 *
 * Who writes what.  'key', 'zone' and what a connection is made with are constant while it is in
 * the index; what packets change is written under its lock (ct_conn_lock()), a bit that is held for
 * some dozen instructions, as a connection's two directions may be on two packet threads; 'expires'
 * is one relaxed store.  CT_F_LIVE is the table's: others set and clear bits of 'flags' one by one,
 * atomically (atomic_fetch_or()), for it may be cleared at any time.  A slot is used again only
 * when every packet thread was quiescent after the connection left the index, so that a found one
 * stays itself for the rest of a burst.
 */
#ifndef WEFT_DATAPATH_CT_CONN_H
#define WEFT_DATAPATH_CT_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/byteorder.h"

enum { CT_LAYOUT = 3 };

/* Bits of the field ct_state, as Open vSwitch numbers them. */
enum ct_state {
	CT_NEW = 0x01,
	CT_EST = 0x02,
	CT_REL = 0x04,
	CT_RPL = 0x08,
	CT_INV = 0x10,
	CT_TRK = 0x20,
	CT_SNAT = 0x40,
	CT_DNAT = 0x80,
};

/* One direction of a connection, as its packets look before NAT. */
struct ct_tuple {
	uint8_t src[16], dst[16]; /* IPv4 in the first four, then zeros */
	be16 src_port;		  /* ICMP: the identifier */
	be16 dst_port;		  /* ICMP: type and code */
	uint16_t zone;
	uint8_t proto; /* IPPROTO_* */
	uint8_t l3;    /* 4 or 6 */
};

_Static_assert(sizeof(struct ct_tuple) == 40, "no padding: compared and hashed as words");

enum ct_dir { CT_ORIG, CT_REPLY };

/* Which timeout counts: a row of a zone's timeout policy (ct_zone.h has the defaults in seconds).
 */
enum ct_timeout {
	CT_T_TCP_SYN_SENT,
	CT_T_TCP_SYN_RECV,
	CT_T_TCP_ESTABLISHED,
	CT_T_TCP_FIN_WAIT,
	CT_T_TCP_CLOSE_WAIT,
	CT_T_TCP_LAST_ACK,
	CT_T_TCP_TIME_WAIT,
	CT_T_TCP_CLOSE,
	CT_T_UDP_FIRST,	   /* one packet seen */
	CT_T_UDP_SINGLE,   /* several, of one direction */
	CT_T_UDP_MULTIPLE, /* both directions */
	CT_T_ICMP_FIRST,
	CT_T_ICMP_REPLY,
	CT_T_OTHER_FIRST,
	CT_T_OTHER_SINGLE,
	CT_T_OTHER_MULTIPLE,
	CT_N_TIMEOUTS,
};

/* TCP as seen from one side (ct_tcp.c); host order. */
struct ct_tcp_peer {
	uint32_t seq_lo;  /* next to be sent: end of what it sent */
	uint32_t seq_hi;  /* it may send up to here: what the other offered */
	uint32_t ack;	  /* the latest it acknowledged; CT_PEER_ACKED */
	uint16_t max_win; /* largest window it offered, before scaling; 0: it was not seen */
	uint8_t wscale;	  /* 0..14, CT_WSCALE_* beside it */
	uint8_t state;	  /* enum ct_tcp_state (ct_tcp.h) */
};

enum ct_flags {
	CT_F_LIVE = 0x01, /* in the index; cleared first of all when it goes */
	CT_F_SEEN_REPLY = 0x02,
	CT_F_SNAT = 0x04, /* key[CT_REPLY].dst is not key[CT_ORIG].src */
	CT_F_DNAT = 0x08,
	CT_F_RELATED = 0x10, /* expected by another one (ALG): 'parent' */
	CT_F_SEQ_ADJUST = 0x20,
	CT_F_HELPER_FTP = 0x40,
	CT_F_HELPER_TFTP = 0x80,
};

/* What a slot is; the table's alone. */
enum ct_stage {
	CT_S_FREE,
	CT_S_HELD, /* somebody fills it in */
	CT_S_IN,   /* in the index, living or dead */
	CT_S_OUT,  /* out of it; waits for the packet threads to forget it */
};

struct ct_conn {
	/*
	 * Line 0: all that most packets need, of either direction, for the reply's tuple is this
	 * one turned round, unless the connection is translated (ct_quick.c).
	 */
	struct ct_tuple orig;
	_Atomic uint32_t expires; /* ticks of ct_now() */
	_Atomic uint8_t lock;
	_Atomic uint8_t flags;	     /* enum ct_flags */
	_Atomic uint8_t timeout;     /* enum ct_timeout */
	uint8_t state;		     /* of protocols but TCP: ct_track.c's */
	_Atomic uint64_t packets[2]; /* of each direction, as dumps show them (ct_count()) */

	/* Line 1: TCP, and what flows may ask for. */
	struct ct_tcp_peer peer[2];
	_Atomic uint32_t mark;
	_Atomic uint32_t gen; /* counts up with each use of the slot */
	uint8_t label[16];    /* under the lock */
	uint32_t id;	      /* dumps name it; not used again for billions of connections */
	uint32_t adjust;      /* index + 1 of its sequence adjustments (ct_alg.c), or 0 */

	/* Line 2: the other direction's tuple, and what packets seldom need. */
	struct ct_tuple reply;
	uint32_t parent;	/* index + 1 of the connection that expected it; 0: none */
	uint32_t parent_gen;	/* ... and its 'gen' then: else it is gone */
	uint32_t started;	/* ticks */
	_Atomic uint32_t stage; /* enum ct_stage */
	uint32_t spare[2];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct ct_conn) == 192,
	       "three lines; with its share of the index under 256 bytes");

_Static_assert(offsetof(struct ct_conn, peer) == 64 && offsetof(struct ct_conn, reply) == 128,
	       "the lines that are prefetched by name");

#endif
