/* SPDX-License-Identifier: Apache-2.0 */
/*
 * controller(pause): a packet's way is interrupted, and goes on when a controller sends back
 * (NXT_RESUME) what it was told with the packet-in (NXT_PACKET_IN2), "the continuation".
 *
 * The continuation is all that the packet had still to do, and nothing of the packet stays in the
 * switch: a controller that never answers costs nothing, one that answers twice sends two packets,
 * and there is no table of packets that could be full.  In return it is as long as what is left
 * (FREEZE_MAX at most, over which the packet is dropped), and is read as what it is by then: a
 * message from outside, whose lists are checked as a packet-out's are.
 *
 * What is left is a list of levels, the innermost first: of each list that the packet was in, the
 * flow's that pauses, those that had resubmitted to it, what comes after the one that was under
 * way, as the instructions that would do the same: apply-actions, clear, write, metadata, goto.
 * They are in wire form, copied out of the programs' own (struct act_op, 'wire').  A clone and a
 * bucket are packets of their own: they pause by themselves, and who has them goes on.
 *
 * Bytes: properties as OpenFlow's (16 bits of type and of length, padded to 8), in this order:
 *   ORIGIN  4 bytes 0, 16 bytes by which the switch knows what it has sent since it was started
 *   STATE   queue_id; in_phy_port; tunnel's tos, ttl; the connection's protocol; whether the action
 *           set ran; the connection's addresses and ports
 *   STACK   4 bytes 0; 16 bytes a value, the bottom first
 *   SET     4 bytes 0, write-actions as an instruction: the action set
 *   PIECES  whether it has to leave in fragments, or may (refrag.h): flag, 1 byte 0, longest, place
 *           of an IPv6 header of fragments, 2 bytes 0, length of the IP packet, id.  Where it does
 *           not it is not there.
 *   LEVEL   flags, table, 10 bytes 0, cookie (64 bits), instructions
 * The frame and the other fields stand in the packet-in itself, where the controller may change
 * them.
 */
#ifndef WEFT_DATAPATH_FREEZE_H
#define WEFT_DATAPATH_FREEZE_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/pkt.h"
#include "datapath/refrag.h"
#include "datapath/role.h"
#include "ofproto/wire.h"

struct dp;
struct insts;
struct pmd;

enum freeze_prop {
	FREEZE_ORIGIN = 1,
	FREEZE_STATE,
	FREEZE_STACK,
	FREEZE_SET,
	FREEZE_LEVEL,
	FREEZE_PIECES,
};
enum {
	FREEZE_MISS = 1,   /* LEVEL: apply-actions of a table-miss entry */
	FREEZE_CALLED = 2, /* a resubmit led there */
	FREEZE_ID = 16,
	FREEZE_STATE_LEN = 64,
	FREEZE_PIECES_LEN = 20,
	FREEZE_LEVELS_MAX = 513, /* resubmits in each other, and the list that has the first */
};

/* The action set of a packet that pauses. */
enum freeze_set {
	FREEZE_SET_WAITS,
	FREEZE_SET_OTHERS, /* a bucket's packet: it is that of the packet with the group */
	FREEZE_SET_RAN,	   /* it paused in the course of it: what is written now is lost */
};

struct frozen_level {
	struct insts *insts; /* one reference */
	uint64_t cookie;
	uint8_t table_id;
	bool miss, called;
};

/* A continuation, read. */
struct frozen {
	struct flow_key key; /* the fields that are in no header */
	uint32_t queue_id;
	uint8_t n_stack;
	bool set_ran;
	bool in_pieces, pieces_due; /* 'pieces' is of this frame */
	struct refrag_mark pieces;
	uint8_t stack[PKT_STACK_MAX][16];
	struct insts *set; /* one reference; NULL: empty */
	uint32_t n;
	struct frozen_level level[];
};

/* ---- PMD threads ---- */

/* The packet pauses at 'op'; 'refused': nobody is to be told, and it ends. */
void freeze_begin(struct burst *b, struct pkt *p, const struct act_op *op, uint8_t reason,
		  bool refused) PMD;
/* Of the list that it leaves: what is left of it, and of the instructions 'i' (NULL: none). */
void freeze_level(struct burst *b, const struct pkt *p, const struct insts *i, bool miss);
/* All lists are left: the packet-in. */
void freeze_end(struct pmd *w, struct burst *b, struct pkt *p, enum freeze_set set) PMD;
/* A packet is what it was when it paused; its frame was parsed. */
void freeze_restore(struct burst *b, struct pkt *p, const struct frozen *z) PMD;

/* ---- Control thread ---- */

/* What a resume message says; 0 and '*frame' (in 'q') and '*out', or -errno with 'e' filled. */
int frozen_read(struct dp *dp, const struct of_nx_resume *q, struct of_span *frame,
		struct frozen **out, struct of_err *e) CONTROL;
void frozen_free(struct dp *dp, struct frozen *z) CONTROL;

#endif
