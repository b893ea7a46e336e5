/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions and actions: validated and compiled by the control thread, executed by PMDs.
 *
 * A 'struct insts' is one compiled instruction list.  Equal lists share one (interned by their wire
 * form), so that a hundred thousand flows with the same actions cost one program.  A program is a
 * run of 'struct act_op'.  After the last reference is put it lives until every PMD was quiescent.
 *
 * Outputs never copy ahead of need: the last output so far is 'pending' on the packet's own mbuf.
 * Only when another action changes or outputs the frame again is it materialised as a copy; what is
 * still pending at the end of the pipeline takes the mbuf itself.
 *
 * Frames are conserved (rx + created = tx + consumed + drops).  A packet's own frame goes to its
 * last output, or is dropped for a reason if there is no output; perf.created counts every other
 * output, a drop being an output too; perf.consumed counts a frame that was left over because all
 * its outputs had to be copied.
 *
 * An action on a header that the packet does not have changes nothing; popping one drops the packet
 * (DROP_ACTION_FAILED).
 */
#ifndef WEFT_DATAPATH_ACT_H
#define WEFT_DATAPATH_ACT_H

#include "datapath/express.h"
#include "datapath/pkt.h"
#include "datapath/role.h"
#include "ofproto/wire.h"

struct act_ct;
struct dp;
struct pmd;
struct conj_set;
struct group;
struct learn;
struct meter;
struct of_field;

enum act_code {
	ACT_END,
	ACT_OUTPUT,	/* port: physical, tunnel, or reserved but for those below */
	ACT_CONTROLLER, /* max_len, reason */
	ACT_IN_PORT,
	ACT_FLOOD,
	ACT_ALL,
	ACT_TABLE, /* packet-out only: through the pipeline */
	ACT_NORMAL,
	ACT_GROUP,
	ACT_SET_FIELD, /* value under mask, in key and frame */
	ACT_SET_STATE, /* the same of a field of 4 or 8 bytes that no frame has */
	ACT_MOVE,      /* bits of a field to a field */
	ACT_PUSH_VLAN,
	ACT_POP_VLAN,
	ACT_PUSH_MPLS,
	ACT_POP_MPLS,
	ACT_PUSH_PBB,
	ACT_POP_PBB,
	ACT_SET_MPLS_TTL,
	ACT_DEC_MPLS_TTL,
	ACT_COPY_TTL_OUT,
	ACT_COPY_TTL_IN,
	ACT_SET_NW_TTL,
	ACT_DEC_NW_TTL,
	ACT_LEARN,     /* makes a flow of the packet (learn.h) */
	ACT_FIN,       /* lowers the flow's timeouts at the end of a TCP connection */
	ACT_SET_QUEUE, /* queue_id; 0 for pop_queue: what a packet has at first */
	ACT_CALL,      /* resubmit: looks up in a table, executes what is hit, and comes back */
	ACT_EXIT,      /* nothing more is executed, the action set neither */
	ACT_CT,	       /* act_ct.h */
	ACT_CT_CLEAR,
	ACT_CLONE, /* a list, on a copy of the packet and of all that goes with it */
	ACT_PUSH,  /* bits of a field, on the packet's stack */
	ACT_POP,
	ACT_OUTPUT_REG,	  /* to the port whose number stands in bits of a field */
	ACT_OUTPUT_TRUNC, /* no more than so many bytes of it */
	ACT_DEC_TTL_IDS,  /* nx_dec_ttl_cnt_ids: who is told of an invalid one */
	ACT_CHECK_LEN,	  /* a bit tells whether the frame is longer */
	ACT_FIT,	  /* bits of a field tell an MTU that it does not fit in (act_fit.h) */
	ACT_MULTIPATH,	  /* bits of a field become one of so many, by a hash */
	ACT_BUNDLE,	  /* to one of some ports that are live */
	ACT_BUNDLE_LOAD,  /* its number into bits of a field */
	ACT_CONTROLLER2,  /* ACT_CONTROLLER with more to say */
	ACT_SAMPLE,	  /* tells collectors of it (sample.h) */
	ACT_ANSWER,	  /* the packet becomes the answer to it (answer.h) */
	N_ACT_CODES,
};

struct act_op {
	uint8_t code;	/* enum act_code */
	uint8_t reason; /* ACT_CONTROLLER: OFPR_* */
	uint16_t arg;	/* ethertype, max_len */
	int32_t wire;	/* from here to the action as it was encoded (freeze.c); 0: nowhere */
	union {
		struct {
			uint32_t port;		/* OpenFlow number, of the reserved ports too */
			uint16_t controller_id; /* ACT_CONTROLLER */
		};
		struct group *group;
		uint32_t queue_id;
		struct { /* ACT_LEARN */
			struct learn *action;
		} learn;
		struct {		   /* ACT_FIN */
			uint32_t timeouts; /* idle << 16 | hard */
		} fin;
		struct {		  /* ACT_CALL */
			uint32_t in_port; /* for the lookup; OFPP_IN_PORT: the packet's */
			uint8_t table;	  /* OFPTT_ALL: the one that the packet is in */
			bool ct;	  /* looks up by what its connection began with */
		} call;
		struct { /* ACT_CT */
			const struct act_ct *ct;
			const struct of_nx_ct *ct_from; /* what it is made of, until it is there */
		};
		struct { /* ACT_CLONE */
			const struct act_op *prog;
			bool changes_frame; /* what 'prog' does */
		} clone;
		struct { /* ACT_PUSH, _POP, _OUTPUT_REG, _CHECK_LEN, _FIT; arg: max_len, length,
			    MTU */
			const struct of_field *field;
			uint16_t ofs, n_bits;
		} bits;
		struct { /* ACT_OUTPUT_TRUNC */
			uint32_t port, max_len;
		} trunc;
		struct { /* ACT_CONTROLLER2; reason and arg as ACT_CONTROLLER's */
			const uint8_t *userdata; /* in insts->list */
			struct meter *meter;	 /* instead of the virtual one; NULL */
			uint16_t n_userdata, controller_id;
			bool pause;
		} up;
		struct { /* ACT_SAMPLE; arg: the probability, of 65535 */
			uint32_t set, domain, point;
			uint32_t port; /* OFPP_ANY: none */
			uint8_t direction;
		} sample;
		const struct of_any *nx; /* the action, in insts->list: what is left */
		struct {		 /* ACT_SET_FIELD, _STATE, ACT_SET_*_TTL */
			const struct of_field *field;
			/* As they stand in the key: field->size bytes at field->offset. */
			uint8_t value[16], mask[16];
		} set;
		struct {
			const struct of_field *src, *dst;
			uint16_t src_ofs, dst_ofs, n_bits;
		} move;
	};
};

/* Compiled instructions, executed in the order of section 5.9: meter, apply, clear, write,
 * metadata, goto. */
struct insts {
	const struct act_op *apply; /* ACT_END terminated; NULL: none */
	const struct act_op *write; /* likewise: merged into the action set */
	struct meter *meter;
	uint64_t metadata, metadata_mask; /* network order, as in the key */
	int16_t goto_table;		  /* -1: the pipeline ends here */
	/*
	 * How it gets to goto_table: ACT_END, by goto; or by the last of its actions, behind which
	 * it has nothing to do, and which is not in 'apply' then but 'tail_op'.  ACT_CALL: a
	 * resubmit that need not come back.
	 */
	uint8_t tail; /* enum act_code */
	const struct act_op *tail_op;
	bool clear;
	bool pops; /* brings into the key what the ingress key does not have (cache.h) */
	bool changes_frame, changes_key; /* what 'apply' does; outputs do neither */
	uint64_t reads; /* key words that decide what the actions do to the key, or whether they
			   drop (cache.h) */
	struct express_step step;    /* what it all comes to */
	const struct conj_set *conj; /* conjunction actions (conj.h): never executed; NULL: none */
	uint32_t n_learns;	     /* learn actions */
	bool fins;		     /* it has fin_timeout */
	struct learn **learns;
	uint32_t n_groups, n_ports; /* what it refers to, for cascades and out_port filters */
	uint32_t n_meters;	    /* of controller actions */
	struct meter **meters;
	struct group **groups;
	uint32_t *ports;
	/* Control thread only. */
	struct of_list list; /* as it came, for flow stats */
	uint32_t refs;
	uint32_t wire_len; /* encoded size of 'list' */
	void *priv;	   /* act_program.c's */
};

/* ---- Control thread ---- */

/*
 * Validates 'list' for a flow with 'match' in 'table_id' and returns its shared compiled form, one
 * reference taken.  On refusal NULL with OFPET_BAD_INSTRUCTION, OFPET_BAD_ACTION (and their codes)
 * in 'e': unknown groups (BAD_OUT_GROUP), meters (OFPET_METER_MOD_FAILED/UNKNOWN_METER), ports that
 * can never be valid (BAD_OUT_PORT), goto backwards (BAD_TABLE_ID), set-field against the match
 * (MATCH_INCONSISTENT), read-only fields (BAD_SET_TYPE), queues that no port has (BAD_QUEUE) ... Of
 * two write-actions of a kind the later one counts, as it does for the action set (5.10).
 */
struct insts *insts_get(struct dp *dp, const struct of_list *list, uint8_t table_id,
			const struct of_match *match, struct of_err *e) CONTROL;
/* The same for what a packet has left to do, of which nothing is known (freeze.h). */
struct insts *insts_get_frozen(struct dp *dp, const struct of_list *list, uint8_t table_id,
			       struct of_err *e) CONTROL;
/*
 * The same for a bare action list: a bucket's ('in_group'), which runs as an action set (5.6.1), or
 * a packet-out's.  The program is insts->apply.
 */
struct insts *insts_get_actions(struct dp *dp, const struct of_list *actions, bool in_group,
				struct of_err *e) CONTROL;
/* One reference more. */
void insts_take(struct insts *i) CONTROL;
void insts_put(struct dp *dp, struct insts *i) CONTROL;

/* Whether it outputs to 'port' / refers to group 'group_id' (flow_mod and stats filters; buckets
 * not followed). */
bool insts_has_port(const struct insts *i, uint32_t port) CONTROL;
bool insts_has_group(const struct insts *i, uint32_t group_id) CONTROL;
/* Whether it is metered by it, or what it sends to controllers is. */
bool insts_has_meter(const struct insts *i, const struct meter *m) CONTROL;

/* Makes and frees dp->insts; all instructions must have been put. */
int insts_table_new(struct dp *dp) CONTROL;
void insts_table_free(struct dp *dp) CONTROL;

/*
 * Whether this switch can match on and act on a field.  Not: the tunnel options that VXLAN as sent
 * here does not carry.  A match on such a field is OFPBMC_BAD_FIELD.
 */
bool field_supported(enum of_field_id id);

/* ---- PMD threads ---- */

/*
 * Executes a flow's instructions on a packet; 'now' is the burst's TSC.  Returns the next table,
 * or -1: the pipeline is over and act_finish() is due, or p->dropped.
 */
int insts_run(struct pmd *w, struct burst *b, struct pkt *p, const struct insts *i,
	      uint64_t now) PMD;

/* The same without the meter; 'miss': they were a table-miss entry's. */
int insts_resume(struct pmd *w, struct burst *b, struct pkt *p, const struct insts *i, bool miss,
		 uint64_t now) PMD;

/* Executes a program on the packet at once. */
void act_run(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *prog,
	     uint64_t now) PMD;

/*
 * Executes a bucket's program on the packet as it is now; what it changes is not seen by whoever
 * runs afterwards (5.11).  'more': other buckets of the same group follow.
 */
void act_bucket(struct pmd *w, struct burst *b, struct pkt *p, const struct insts *i, bool more,
		uint64_t now) PMD;

/* End of the pipeline: the action set in its order (5.10), then what is pending gets the mbuf, or
 * the mbuf is freed and counted. */
void act_finish(struct pmd *w, struct burst *b, struct pkt *p, uint64_t now) PMD;

/* Table miss, invalid TTL and the like: a packet-in of the frame as it is now.  NULL: there is none
 * (counted). */
struct out *act_packet_in(struct pmd *w, struct burst *b, struct pkt *p, uint8_t reason,
			  uint16_t max_len, uint64_t cookie, uint16_t controller_id) PMD;

/* Drops the packet for 'why': counted for the ingress port, mbuf freed unless something pending
 * needs it. */
void act_drop(struct pmd *w, struct burst *b, struct pkt *p, enum drop why) PMD;

_Static_assert(sizeof(struct act_op) == 48, "three quarters of a line");

#endif
