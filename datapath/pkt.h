/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet on its way through the pipeline, the burst it travels in, and what leaves.
 *
 * One burst belongs to one PMD thread (or to the control thread's tests and trace).  Nothing here
 * is shared between threads.
 */
#ifndef WEFT_DATAPATH_PKT_H
#define WEFT_DATAPATH_PKT_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/drop.h"
#include "ofproto/key.h"

struct rte_mbuf;
struct flow;
struct act_ct;
struct ct_conn;
struct insts;
struct port;

enum {
	BURST_MAX = 32,	       /* packets; at most 64: sets of packets are one uint64_t */
	OUT_MAX = 256,	       /* what leaves of one burst before it must be flushed */
	PKT_NONE = UINT16_MAX, /* offset of a header that is not there */
	ACT_SET_FIELDS = 16,   /* set-field actions in one action set */
	ACT_SET_SLOTS = 20,    /* kinds of the others (act_set.c) */
	PKT_STACK_MAX = 64,    /* what push has put and pop has not taken */
	FREEZE_MAX = 16384,    /* bytes of a continuation */
	PKT_VLANS_MAX = 8,     /* tags that are looked through; behind them eth_type is a TPID */
};

/*
 * The action set (5.10): at most one action of each kind.  'have' has a bit for each slot, so that
 * clearing is one store.  Slots point into the programs of flows, which live until the next
 * quiescent state.
 */
struct act_set {
	uint32_t have;
	uint8_t n_fields;
	const struct act_op *slot[ACT_SET_SLOTS];
	const struct act_op *field[ACT_SET_FIELDS];
};

/* Why no more of a list of actions is executed, nor of what comes after it. */
enum pkt_stop {
	STOP_NOT,
	STOP_FLOW,  /* the flow that a resubmit led to: the list that has the resubmit goes on */
	STOP_EXIT,  /* all that the packet has to do */
	STOP_PAUSE, /* it goes on when a controller says so (freeze.h): like an exit until then */
	STOP_DOOM,  /* over a limit of resubmits: what this is a copy of is dropped, too */
};

struct pkt {
	struct flow_key key; /* kept in step with the frame by every action */
	uint8_t clean; /* bit n: line n of the key is as a packet begins with it (pkt_touch()) */
	uint8_t stop;  /* enum pkt_stop */
	/* Resubmits, in what the layout leaves free. */
	bool called;	    /* one led here: a miss is the end of that, not of the packet */
	uint8_t n_stack;    /* of the burst's stack[idx] */
	uint8_t backward;   /* that it is in, to the same table or back */
	uint8_t nest;	    /* that it is in and comes back from */
	uint16_t n_calls;   /* that have hit, so far */
	struct rte_mbuf *m; /* contiguous up to and including the L4 header */

	/* Byte offsets in the frame; PKT_NONE where there is no such header. */
	uint16_t l2_end; /* first byte after the MACs: outermost tag or ethertype */
	uint16_t mpls;	 /* top label */
	uint16_t pbb;	 /* I-TAG, after its ethertype */
	uint16_t l3;
	uint16_t l4;
	uint16_t nd_sll, nd_tll; /* addresses in the options */
	uint16_t frame_len;	 /* as received, for byte counters */
	uint8_t n_vlans;
	uint8_t idx; /* place in the burst: order of leaving */

	/* State in the pipeline. */
	uint8_t table_id; /* where it is; what a packet-in says */
	uint8_t depth;	  /* group nesting */
	bool dropped;	  /* by a meter or an action: nothing more happens to it */
	bool sent;	  /* at least one output: ending without is an explicit drop */
	bool miss;     /* apply-actions of a table-miss entry run: packet-ins are OFPR_NO_MATCH */
	bool remarked; /* a meter changed it: where it goes next is not its ingress key's doing */
	bool last;   /* the action set's group or output runs: nobody needs the frame afterwards */
	uint8_t why; /* enum drop of an output that was refused while there was no other; N_DROPS:
			none */
	int16_t pending;   /* index in burst.out that waits for the frame, or -1 (see act.h) */
	uint32_t queue_id; /* 5.12 Set-Queue; 0 until then, which is the port's default */
	uint64_t cookie;   /* of the flow that is being executed */
	const struct flow *flow; /* ... and that flow; NULL in a packet-out */
	struct pkt *up;		 /* the packet whose clone this is (group buckets), or NULL */
	struct act_set set;
};

/*
 * Before something is written to the key behind its first line: most packets need no more than that
 * one, and the others are not cleared for each of them.
 */
static inline void pkt_touch(struct pkt *p, size_t offset)
{
	p->clean &= (uint8_t) ~(1u << offset / FLOW_KEY_LINE);
}

/* Outer addresses for an output to a tunnel port, copied from the key at that moment. */
struct out_tunnel {
	be64 tun_id;
	be32 src, dst;
	uint8_t ipv6_dst[16];
	uint8_t tos, ttl;
	be16 flags;
};

enum out_kind {
	OUT_PORT,	/* to a physical, tunnel or local port */
	OUT_CONTROLLER, /* packet-in */
	OUT_NORMAL,	/* the switch's own learning bridge decides */
};

/* One frame that leaves the pipeline.  Owns its mbuf; none yet while a packet has it pending. */
struct out {
	struct rte_mbuf *m;
	enum out_kind kind;
	uint8_t idx;	/* packet it came from */
	uint8_t reason; /* OFPR_*, for a packet-in */
	uint8_t table_id;
	uint16_t max_len; /* packet-in: bytes to send, OFPCML_NO_BUFFER: all */
	bool tunneled;	  /* 'tun' says something; false: it is not set */
	uint32_t port;	  /* OpenFlow port number */
	uint32_t in_port;
	union {
		uint32_t queue_id;
		struct { /* packet-in */
			uint16_t controller_id;
			bool metered; /* by the action's own meter */
		};
	};
	uint64_t cookie;
	union {
		struct out_tunnel tun; /* where 'tunneled' */
		struct rte_mbuf *more; /* packet-in: what goes with it (struct punt), or NULL */
	};
	struct flow_key *key; /* packet-in only: copy, from the burst's key pool */
};

/*
 * Frames that leave by the express way (express.h) one after the other, and alike: what is to be
 * asked of their port, or found out about their tunnel, is once for all of them.
 */
struct express_lot {
	uint32_t port;
	uint32_t in_port;
	uint32_t longest; /* bytes of the longest frame; UINT32_MAX: one is a chain of buffers */
	uint8_t end;	  /* where in the burst's x[] the next lot begins */
	bool tunneled;
	be32 tun_src, tun_dst;
	be64 tun_id;
};

/*
 * What a packet that pauses has still to do, while the lists that it is in are left one by one
 * (freeze.c); of one packet at a time.
 */
struct freeze {
	const struct act_op *op;   /* where it paused */
	const struct act_op *rest; /* of the list that is being left; NULL: nothing */
	uint8_t reason, table_id;
	uint64_t cookie;
	bool refused; /* by the action's meter */
	bool full;    /* there is more than fits */
	uint32_t n;   /* bytes */
	uint8_t bytes[FREEZE_MAX];
};

/* A frame that was tracked on the express way, and goes on as a packet. */
struct come {
	const struct act_ct *ct;
	struct ct_conn *conn;
	uint64_t metadata;
	uint8_t state; /* enum ct_state */
};

struct burst {
	uint64_t version;	/* of the tables that this burst sees (flow.h) */
	uint32_t n_x, n_lots;	/* frames that leave by express, and lots[] that they are of */
	bool more;		/* a flush before the end: later frames may still come before x[] */
	uint8_t seq[BURST_MAX]; /* place of pkt[i] among the frames that came; where n_x */
	uint8_t x_seq[BURST_MAX]; /* ... and of x[i], in ascending order */
	uint32_t n;
	uint32_t n_out;
	uint32_t n_keys;
	uint64_t ct_waits; /* packets that come to ct[] next (pipeline.c) */
	uint64_t ct_came;  /* ... that come from there */
	uint64_t came; /* frames that do (express_ct.c); what is to be known of them in come[] */
	const struct act_ct *ct[BURST_MAX];
	uint8_t ct_passes[BURST_MAX];	 /* how often pkt[i] and its copies were tracked */
	uint16_t bucket_runs[BURST_MAX]; /* ... and how many buckets they came to */
	bool out_of_order;		 /* some out[] came later than one of a higher idx */
	struct pkt pkt[BURST_MAX];
	struct out out[OUT_MAX];
	struct flow_key keys[BURST_MAX]; /* for packet-ins */
	struct rte_mbuf *x[BURST_MAX];
	struct express_lot lots[BURST_MAX];
	struct come come[BURST_MAX];
	/* What push and pop work on, by packet; a value is the last 16 bytes of a field. */
	uint8_t stack[BURST_MAX][PKT_STACK_MAX][16];
	struct freeze freeze;
};

/* The lot that x[i] is of. */
static inline const struct express_lot *express_lot_of(const struct burst *b, unsigned int i)
{
	const struct express_lot *lot = b->lots;

	while (i >= lot->end)
		lot++;
	return lot;
}

#endif
