/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a packet is to its connection: new, established, a reply, related, invalid; and what the
 * action asked for beside: commit, NAT, mark, label.
 *
 * A burst is tracked in steps, so that memory is on its way while the next one is read: ct_read()
 * of all, ct_prefetch() of all, ct_prefetch_conn() of all, then ct_track() of each.  Packet
 * threads.
 */
#ifndef WEFT_DATAPATH_CT_TRACK_H
#define WEFT_DATAPATH_CT_TRACK_H

#include <netinet/in.h>

#include "datapath/ct.h"
#include "datapath/pkt.h"

struct ct_nat_spec;

/* What the action says, its fields evaluated for this packet. */
struct ct_req {
	uint16_t zone;
	bool commit, force;
	bool nat; /* translate by what the connection has */
	const struct ct_nat_spec
		*spec;	/* ... and, for a new one that is committed, by this; NULL: none */
	uint8_t helper; /* 0, CT_F_HELPER_FTP, CT_F_HELPER_TFTP */
	uint32_t mark, mark_mask; /* committed: mark = mark & mask | old & ~mask */
	uint8_t label[16], label_mask[16];
};

/* What ct_read() finds in a packet. */
enum ct_kind {
	CT_K_INVALID, /* no connection can be told: truncated, bad checksum, impossible */
	CT_K_FLOW,    /* may belong to or begin a connection */
	CT_K_ERROR,   /* ICMP error: 'k' is the tuple of the packet it quotes, turned round */
};

struct ct_pkt {
	struct ct_tuple k; /* CT_K_INVALID: as far as it got */
	uint64_t hash;
	enum ct_kind kind;
	uint16_t l4, l4_len;	     /* in the frame */
	uint16_t inner_l3, inner_l4; /* CT_K_ERROR: where the quoted packet stands */
};

static inline bool ct_is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* The other direction of what nobody translates; of ICMP the type that asks for the one that
 * answers, and back.  'out' may be 'k'. */
void ct_turn(struct ct_tuple *out, const struct ct_tuple *k);
/* Whether such a packet can be a connection's first: of ICMP only what asks. */
bool ct_may_begin(const struct ct_tuple *k);

/* Reads 'p' (no fragment) for 'zone'. */
void ct_read(struct pmd *w, const struct ct *t, const struct pkt *p, uint16_t zone,
	     struct ct_pkt *cp) PMD;

struct ct_result {
	uint8_t state;	/* enum ct_state bits, CT_TRK among them */
	enum drop drop; /* N_DROPS: goes on; else the packet must be dropped for this */
	uint32_t mark;
	uint8_t label[16];
	struct ct_tuple orig; /* ct_nw_src ...: the connection's first direction; l3 == 0: none */
};

/* The verdict; changes connection, table and (NAT) the packet. */
void ct_track(struct pmd *w, struct burst *b, struct ct *t, struct pkt *p, struct ct_pkt *cp,
	      const struct ct_req *r, uint32_t now, struct ct_result *out) PMD;

/* What a trace tells beside the verdict. */
struct ct_seen {
	uint32_t seconds; /* that the connection would last from now on; 0: there is none */
	enum ct_timeout timeout;
	struct ct_tuple was, is; /* the packet translated; is.l3 == 0: it is not */
};

/*
 * The same as a look that changes neither table nor connection: for trace.  'b' NULL: nor the
 * packet; else it is translated, of a connection that is not there yet as a commit would now.  A
 * zone at its limit and a range that is used up are refused as a commit would be, uncounted.  What
 * FTP and TFTP carry stays as it is.
 */
void ct_look(struct pmd *w, struct burst *b, struct ct *t, struct pkt *p, struct ct_pkt *cp,
	     const struct ct_req *r, uint32_t now, struct ct_result *out, struct ct_seen *seen) PMD;

#endif
