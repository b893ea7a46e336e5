/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference interpreter: OpenFlow 1.3.5 chapter 5 read aloud, slowly.
 *
 * Linear search over plain flows, instructions and actions straight from their decoded form,
 * packets as byte strings, header fields found anew for every access.  It shares no code with the
 * compiled path but the codec and field.def: it is the oracle that the compiled pipeline is
 * compared with.  Tests only; any one thread.
 */
#ifndef WEFT_DATAPATH_REF_H
#define WEFT_DATAPATH_REF_H

#include <stdbool.h>
#include <stdint.h>

#include "ofproto/key.h"
#include "ofproto/wire.h"

struct ref;
struct of_selection;
struct sample;

enum { REF_OUTS_KEPT = 1024 };

enum ref_out_kind { REF_OUT_PORT, REF_OUT_CONTROLLER, REF_OUT_NORMAL };

struct ref_out {
	enum ref_out_kind kind;
	uint32_t port;
	uint8_t reason, table_id;
	uint16_t max_len, controller_id;
	uint64_t cookie;
	uint64_t tun_id;
	uint32_t queue_id;
	const uint8_t *userdata; /* of a controller action */
	uint32_t n_userdata;
	struct flow_key meta; /* the fields that are in no header */
	uint32_t n;
	uint8_t *frame;
};

/* A flow with OFPFF_SEND_FLOW_REM that went, by its time or by a message. */
struct ref_gone {
	uint8_t table_id, reason; /* OFPRR_* */
	bool both;		  /* idle and hard timeout are over: either may be said */
	uint16_t priority;
	uint64_t cookie, packets, bytes;
};

/* What sample actions tell, of every packet whatever their probability, since the last call. */
uint32_t ref_samples(struct ref *r, const struct sample **v);

struct ref *ref_new(void);
void ref_free(struct ref *r);
/* What it is for all that follows: in seconds, and in TSC cycles of which there are 'hz' in one. */
void ref_clock(struct ref *r, double seconds, uint64_t cycles, uint64_t hz);
/* Ports that exist: FLOOD, ALL and outputs go to these. */
void ref_port_add(struct ref *r, uint32_t no);
/* Its link; it is up when it is added. */
void ref_port_set(struct ref *r, uint32_t no, bool up);
/* The same messages that the switch takes; 0, or -EPROTO. */
int ref_flow_mod(struct ref *r, const struct of_flow_mod *fm);
int ref_group_mod(struct ref *r, const struct of_group_mod *gm);
/* How the group selects from now on; as it is when it comes or is modified: the switch's own way.
 */
void ref_group_select(struct ref *r, uint32_t id, const struct of_selection *how);
int ref_meter_mod(struct ref *r, const struct of_meter_mod *mm);
/* The flows that packets have learned come into the tables. */
void ref_learn_all(struct ref *r);
/* Flows whose time is over go. */
void ref_expire(struct ref *r);
/* The flows that went since the last call. */
uint32_t ref_gone(struct ref *r, const struct ref_gone **v);
/* Counters.  False: there is no such flow, or meter with such a band. */
bool ref_flow_counts(const struct ref *r, uint8_t table_id, const struct of_match *m,
		     uint16_t priority, uint64_t *packets, uint64_t *bytes);
uint32_t ref_table_counts(const struct ref *r, uint8_t table_id, uint64_t *lookups,
			  uint64_t *matches);
/* Of a bucket; of the group itself where there are not so many. */
bool ref_group_counts(struct ref *r, uint32_t id, uint32_t bucket, uint64_t *packets,
		      uint64_t *bytes);
/* Flows and groups that directly forward to it (7.3.5.9). */
uint32_t ref_group_refs(const struct ref *r, uint32_t id);
bool ref_meter_counts(const struct ref *r, uint32_t id, struct of_meter_stats *s);
bool ref_band_counts(const struct ref *r, uint32_t id, uint32_t band, uint64_t *packets,
		     uint64_t *bytes);
/* Runs a frame; outputs in order, owned by 'r' until the next call. */
uint32_t ref_packet(struct ref *r, const uint8_t *frame, uint32_t n, uint32_t in_port,
		    struct ref_out **out);

/* Fragments that fit() has made, ever. */
uint64_t ref_pieces(const struct ref *r);

/* ---- ct() ---- */

struct ref_frame;

/* A packet comes to ct(): of 'set', which has its fields as they were, the mark's and label's bits
 * in 'mask' are its connection's from now on, if it is committed. */
struct ref_ct_ask {
	struct ref_frame *frame;     /* to be translated */
	const struct of_nx_nat *nat; /* NULL: not asked for */
	uint16_t zone;
	bool commit, force;
	struct flow_key set, mask;
};

/* Who knows the connections, and says what the packet is to one in 'said's fields ct_*, which are
 * zero; false: it is dropped.  Without one, a packet that comes to ct() is dropped. */
void ref_tracker(struct ref *r,
		 bool (*fn)(void *arg, const struct ref_ct_ask *q, struct flow_key *said),
		 void *arg);

/* ---- Fragments (7.3.2, OFPC_FRAG_REASM), before the first table ---- */

struct ref_reasm;

enum ref_fragment { REF_NONE, REF_WAITS, REF_LOST, REF_WHOLE };

struct ref_reasm *ref_reasm_new(void);
void ref_reasm_free(struct ref_reasm *r);
/* What becomes of a frame; the whole in 'out', which has room for 65,536 bytes and headers of
 * 1,024. */
enum ref_fragment ref_reasm_add(struct ref_reasm *r, const uint8_t *frame, uint32_t n,
				uint32_t in_port, uint8_t *out, uint32_t *out_n);

#endif
