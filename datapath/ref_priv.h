/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference interpreter inside: its tables, and its frames, a byte string and what the pipeline
 * carries along with it.
 *
 * A field's value is an array of bits, least significant first, so that every copy and mask is a
 * plain loop.  Nothing is remembered of a frame: its headers are found again for each access.
 */
#ifndef WEFT_DATAPATH_REF_PRIV_H
#define WEFT_DATAPATH_REF_PRIV_H

#include <stdbool.h>

#include "datapath/ref.h"
#include "ofproto/field.h"
#include "ofproto/selection.h"

enum { REF_LEARNED = 4096 };
enum { REF_FRAME_MAX = 16384, REF_NOWHERE = -1 };
enum {
	REF_TABLES = 254,
	REF_PORTS = 256,
	REF_OUTS = REF_OUTS_KEPT,
	REF_BUCKETS = 64,
	REF_BANDS = 16,
	REF_SAMPLES = 16384,
};

struct ref_flow {
	struct ref_flow *next;
	struct of_match match;
	uint16_t priority;
	uint64_t cookie;
	uint16_t flags, idle_timeout, hard_timeout;
	double created, used;
	double since; /* its hard timeout runs from then */
	uint64_t packets, bytes;
	struct of_list insts;
};

struct ref_band {
	double rate;	     /* bits or packets a second */
	int64_t room, level; /* of the bucket, in sixteenths of a cycle */
	uint64_t packets, bytes;
};

struct ref_meter {
	struct ref_meter *next;
	uint32_t id;
	uint16_t flags;
	uint64_t packets, bytes;
	uint64_t last; /* cycles: when the buckets were filled up */
	struct of_list list;
	struct ref_band bands[REF_BANDS];
};

struct ref_group {
	struct ref_group *next;
	uint32_t id;
	uint8_t type;
	struct of_list buckets;
	struct of_selection how;
	uint16_t *slot; /* of a SELECT group that has been used; NULL */
	uint32_t n_slots;
	uint64_t packets, bytes;
	uint64_t bucket_packets[REF_BUCKETS], bucket_bytes[REF_BUCKETS];
};

/* What a packet sends up: a flow to learn, or the end of the connection that 'flow' is for. */
struct ref_learned {
	const struct of_flow_mod *fm; /* NULL: an end */
	struct ref_flow *flow;
	uint8_t table_id;
	uint64_t cookie;
	uint16_t idle_timeout, hard_timeout;
};

struct ref {
	bool (*track)(void *arg, const struct ref_ct_ask *q, struct flow_key *said);
	void *track_arg;
	unsigned int ct_passes;	  /* of this packet and its copies */
	unsigned int bucket_runs; /* that they came to */
	struct arena arena;	  /* lists; grows until the end */
	struct ref_flow *tables[REF_TABLES];
	struct ref_group *groups;
	struct ref_meter *meters;
	double seconds;
	uint64_t cycles, hz;
	uint64_t errors, errors_at; /* cycles' worth of ICMP errors that may be sent, and when */
	uint64_t lookups[REF_TABLES], matches[REF_TABLES];
	struct ref_gone *gone;
	uint32_t n_gone, room_gone;
	uint32_t ports[REF_PORTS], n_ports;
	bool down[REF_PORTS];			 /* links, by place in ports[] */
	struct ref_learned learned[REF_LEARNED]; /* by the packets since ref_learn_all() */
	uint32_t n_learned;
	struct sample *samples; /* NULL: none yet */
	uint32_t n_samples;
	struct ref_out outs[REF_OUTS];
	uint32_t n_outs;
	uint64_t pieces;
};

struct ref_frame {
	uint32_t n;
	uint8_t b[REF_FRAME_MAX];
	struct flow_key meta; /* only the fields that are in no header */
	uint16_t fit;	      /* it leaves in fragments of so many bytes; 0: as it is */
	uint32_t fit_bytes;   /* the IP packet's, which are the last ones of the frame */
};

/* Where the headers are, by byte offset; REF_NOWHERE: not there. */
struct ref_look {
	int n_tags;
	int type;    /* ethertype behind the tags and SNAP */
	int type_at; /* where that stands, and the number of what is in IP */
	int proto_at;
	int mpls, pbb, arp, ip4, ip6, l4;
	int l4_end;   /* of the IP packet, within the frame */
	int l4_claim; /* the same as the IP header claims it */
	int proto, frag, exthdr;
	bool routed; /* an IPv6 routing header has segments left */
	int nd, nd_sll, nd_tll;
};

struct ref_bits {
	unsigned int n;
	uint8_t bit[128];
};

enum { REF_SET_MAX = 64, REF_STACK_MAX = 64 };

/* A packet in the pipeline. */
struct ref_run {
	struct ref *r;
	struct ref_frame f;
	uint32_t n; /* bytes that it had as it came in */
	uint8_t table;
	uint64_t cookie;
	uint32_t queue_id;
	bool miss; /* the apply-actions of a table-miss entry */
	bool over; /* dropped */
	const struct of_any *set[REF_SET_MAX];
	unsigned int n_set;
	unsigned int depth;
	struct ref_flow *flow; /* that is being executed; NULL in the action set */
	/* Resubmits. */
	bool called; /* one led here */
	bool stop;   /* and what it led to has ended early */
	bool exit;   /* all has */
	bool doomed; /* over a limit: with all that it is a copy of */
	unsigned int calls, backward, nest;
	struct ref_bits stack[REF_STACK_MAX];
	unsigned int n_stack;
};

static inline bool ref_has(const struct ref_frame *f, int at, int n)
{
	return at >= 0 && (uint32_t)(at + n) <= f->n;
}

static inline int ref_u8(const struct ref_frame *f, int at)
{
	return f->b[at];
}

static inline int ref_u16(const struct ref_frame *f, int at)
{
	return f->b[at] << 8 | f->b[at + 1];
}

void ref_look(const struct ref_frame *f, struct ref_look *l);
bool ref_has_l4(const struct ref_frame *f);

/* Whether the prerequisites of 'd' hold. */
bool ref_meets(const struct ref_frame *f, const struct of_field *d);
/* The field's value; zero where its header is not there. */
struct ref_bits ref_get(const struct ref_frame *f, const struct of_field *d);
/* Changes bits 'ofs' ... of a field; nothing happens where its header is not there. */
void ref_set(struct ref_frame *f, const struct of_field *d, const struct ref_bits *v,
	     unsigned int ofs);
/* Those of the value's mask; all, if it has none. */
void ref_set_masked(struct ref_frame *f, const struct of_oxm *o);
struct ref_bits ref_number(uint64_t v, unsigned int n);
/* Right-aligned bytes, as they stand in a struct of_oxm. */
struct ref_bits ref_bytes(const uint8_t *p, unsigned int n_bytes, unsigned int n_bits);

/* Headers.  Pops: false when there is none. */
void ref_push_vlan(struct ref_frame *f, uint16_t tpid);
bool ref_pop_vlan(struct ref_frame *f);
void ref_push_mpls(struct ref_frame *f, uint16_t type);
bool ref_pop_mpls(struct ref_frame *f, uint16_t type);
void ref_push_pbb(struct ref_frame *f);
bool ref_pop_pbb(struct ref_frame *f);
void ref_copy_ttl_out(struct ref_frame *f);
void ref_copy_ttl_in(struct ref_frame *f);
/* False: it is or would be zero. */
bool ref_dec_ttl(struct ref_frame *f, bool mpls);

/* The flow goes, and its memory. */
void ref_flow_gone(struct ref *r, struct ref_flow *f, uint8_t table_id, uint8_t reason);
/* What a meter says of a packet of so many bytes: the band that applies, or NULL. */
const struct of_any *ref_meter_run(struct ref *r, uint32_t id, uint32_t bytes);
/* A packet's drop precedence rises (RFC 2597). */
void ref_remark(struct ref_frame *f, unsigned int by);
void ref_meters_free(struct ref *r);

/* Where the pointer to a group is, or would be. */
struct ref_group **ref_group_find(struct ref *r, uint32_t id);
bool ref_port_is_up(const struct ref *r, uint32_t no);

/* ---- ref.c ---- */

struct ref_out *ref_emit(struct ref_run *x, enum ref_out_kind kind, uint32_t port);
void ref_output(struct ref_run *x, uint32_t port, uint16_t max_len);
void ref_packet_in(struct ref_run *x, uint8_t reason, uint16_t max_len, uint16_t controller_id);
void ref_act(struct ref_run *x, const struct of_any *a);
void ref_run_list(struct ref_run *x, const struct of_list *l);
/* The instruction of this kind, or NULL. */
const struct of_any *ref_inst(const struct of_list *l, enum of_kind kind);
/* What a flow does; returns the next table, or -1. */
int ref_run_flow(struct ref_run *x, struct ref_flow *f);
/* The end of the way: the action set. */
void ref_finish(struct ref_run *x);

/* ---- ref_nx.c ---- */

/* Without padding behind an IP packet. */
uint32_t ref_length(const struct ref_frame *f);
void ref_act_nx(struct ref_run *x, const struct of_any *a);
/* 'ids': whom the packet-in of an invalid one is for. */
void ref_dec_nw_ttl(struct ref_run *x, const uint16_t *ids, uint32_t n);
/* What a bucket's copy leaves behind for the packet. */
void ref_copy_back(struct ref_run *x, const struct ref_run *copy);
/* ---- ref_conj.c ---- */

/* The flow that a packet meets in a table, counted in the table; NULL: none. */
struct ref_flow *ref_lookup(struct ref *r, const struct ref_frame *f, uint8_t table);

/* ---- ref_hash.c ---- */

/* One of n links, of a packet's fields. */
uint32_t ref_link(const struct ref_frame *f, const struct of_nx_multipath *m);
/* One of the members that are up; UINT16_MAX: none is. */
uint16_t ref_member(struct ref *r, const struct ref_frame *f, uint16_t algorithm, uint16_t fields,
		    uint16_t basis, const struct of_halves *members);

/* ---- ref_fit.c ---- */

/* 0 or 'mtu', for the action's field. */
uint16_t ref_fit(struct ref_frame *f, uint16_t mtu);
/* The next fragment; '*done' bytes of its data were in others.  False: there is none. */
bool ref_fit_piece(const struct ref_frame *f, uint32_t *done, struct ref_frame *piece);

/* ---- ref_answer.c ---- */

/* Where IP begins straight behind the Ethernet header and its tags; REF_NOWHERE. */
int ref_ip_at(const struct ref_frame *f, const struct ref_look *l);

void ref_answer(struct ref_run *x, const struct of_any *a);

/* ---- ref_learn.c ---- */

void ref_learn(struct ref_run *x, const struct of_any *action);
void ref_fin(struct ref_run *x, const struct of_nx_fin_timeout *a);

/* ---- ref_select.c ---- */

bool ref_bucket_lives(struct ref *r, const struct of_bucket *k);
/* The one bucket that a group of any type but ALL runs; -1: none. */
int ref_choose(struct ref *r, struct ref_frame *f, struct ref_group *g);

/* ---- ref_sample.c ---- */

void ref_sample(struct ref_run *x, const struct of_any *a);

/* ---- ref_ct.c ---- */

void ref_ct(struct ref_run *x, const struct of_nx_ct *a);
void ref_ct_clear(struct ref_run *x);

#endif
