/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of act share among themselves.  Control thread: act_check*.c (what may be
 * installed), act_compile*.c (one action to an op), act_program.c (a list to a program).  PMD
 * threads: act_run.c and what it calls, each with its own kind of action.
 */
#ifndef WEFT_DATAPATH_ACT_PRIV_H
#define WEFT_DATAPATH_ACT_PRIV_H

#include "datapath/act.h"
#include "ofproto/field.h"

enum {
	ETH_TYPE_IPV4 = 0x0800,
	ETH_TYPE_IPV6 = 0x86dd,
	ETH_TYPE_MPLS = 0x8847,
	ETH_TYPE_MPLS_MCAST = 0x8848,
	ETH_TYPE_PBB = 0x88e7,
	ETH_TYPE_MIN = 0x0600,
};

/* A field's storage in the key is at most 16 bytes: one integer does for all. */
__extension__ typedef unsigned __int128 u128;

static inline u128 u128_get(const uint8_t *p, unsigned int n)
{
	u128 v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static inline void u128_put(uint8_t *p, unsigned int n, u128 v)
{
	while (n--) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

static inline u128 u128_ones(unsigned int n)
{
	return n >= 128 ? ~(u128)0 : ((u128)1 << n) - 1;
}

/*
 * Bits of the storage that belong to 'f' and may be written: all but the one that says that there
 * is a tag, which only push and pop change.
 */
static inline u128 field_bits(const struct of_field *f)
{
	u128 bits = u128_ones(f->bits) << f->shift;

	if (f->layer == OF_LAYER_VLAN)
		bits &= ~(u128)FLOW_TCI_PRESENT;
	return bits;
}

/* 'n' bits of 'f' from 'ofs' on, as the key has them. */
static inline u128 key_bits(const struct flow_key *k, const struct of_field *f, unsigned int ofs,
			    unsigned int n)
{
	return u128_get((const uint8_t *)k + f->offset, f->size) >> (f->shift + ofs) & u128_ones(n);
}

/* Key words in which 'f' and its prerequisites stand. */
uint64_t field_words(const struct of_field *f);

static inline bool key_is_mpls(const struct flow_key *k)
{
	return k->eth_type == htobe16(ETH_TYPE_MPLS) || k->eth_type == htobe16(ETH_TYPE_MPLS_MCAST);
}

static inline bool key_is_ip(const struct flow_key *k)
{
	return k->eth_type == htobe16(ETH_TYPE_IPV4) || k->eth_type == htobe16(ETH_TYPE_IPV6);
}

/*
 * A load of 0 into the bit of vlan_tci that says that there is a tag, be it with others: takes the
 * tag away if there is one (ovs-fields(7), vlan_tci).
 */
static inline bool act_untags(const struct of_subfield *d, uint64_t value)
{
	enum { BIT = 12 };

	_Static_assert(FLOW_TCI_PRESENT == 1 << BIT, "of the TCI");
	return d->field && d->field->id == OF_FIELD_VLAN_TCI && d->ofs <= BIT &&
	       d->ofs + d->n_bits > BIT && d->ofs + d->n_bits <= d->field->bits &&
	       !(value >> (BIT - d->ofs) & 1);
}

/* ---- act_run.c ---- */

/* Makes the frame the packet's alone, so that it may change.  False: no buffer, the packet is over.
 */
bool act_touch(struct pmd *w, struct burst *b, struct pkt *p) PMD;
/* One action. */
void act_one(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
	     uint64_t now) PMD;

/* 'c' becomes a copy of 'p' with a frame of its own.  False: no buffer, which is counted. */
bool act_copy(struct pmd *w, struct pkt *p, struct pkt *c) PMD;
/* Over a limit: it is dropped, and with it (STOP_DOOM) what it is a copy of, for the same reason.
 */
void act_doom(struct pmd *w, struct burst *b, struct pkt *p, enum drop why) PMD;
/* An output that is not allowed.  It is the packet's end only if there is no other. */
void act_refuse(struct pmd *w, struct pkt *p, enum drop why) PMD;
/* No more than the first bytes leave; the packet keeps all of them. */
void act_output_trunc(struct pmd *w, struct burst *b, struct pkt *p, uint32_t port,
		      uint32_t max_len) PMD;

/* ---- act_nx.c: Nicira's actions ---- */

void act_nx(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
	    uint64_t now) PMD;

/* Bytes of the frame, but for padding behind an IP packet. */
uint32_t act_length(const struct pkt *p);

/* ---- act_punt.c ---- */

/* ACT_CONTROLLER2. */
void act_controller2(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
		     uint64_t now) PMD;

/* ---- act_hash.c ---- */

/* Of the fields that NX_HASH_FIELDS_* names. */
uint64_t act_hash(const struct flow_key *k, uint16_t fields, uint16_t basis);
/* One of max_link + 1. */
uint32_t act_hash_link(const struct of_nx_multipath *m, uint64_t hash);
/* The weight of the i-th of some. */
uint32_t act_hash_nth(uint64_t hash, uint32_t i);
/* Key words that it is made of. */
uint64_t act_hash_words(uint16_t fields);

/* ---- act_field.c ---- */

/* Writes bits 'mask' of 'value' (both as in the key's storage of 'f') to key and frame. */
void act_store(struct pmd *w, struct burst *b, struct pkt *p, const struct of_field *f, u128 value,
	       u128 mask) PMD;
/* The L4 checksum, where there is one (not SCTP's), after what it covers changed by 'delta'; of the
 * pseudo-header: 'pseudo'. */
void act_fix_l4(struct pkt *p, uint32_t delta, bool pseudo);
/*
 * Whether one of the 'hlen' bytes of an IPv6 packet's headers is a routing header, of which there
 * may be several, with segments left: then the pseudo-header has the last of them, not the
 * destination in the header (RFC 8200, 8.1).
 */
bool act_routed_further(const uint8_t *ip6, uint32_t hlen);
/* ACT_SET_STATE: metadata, a register, a tunnel's number or address; in the key alone. */
void act_store_state(struct pkt *p, const struct act_op *op) PMD;
void act_move(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op) PMD;
/* A meter's DSCP remark band: the drop precedence rises by 'level'. */
void act_remark(struct pmd *w, struct burst *b, struct pkt *p, unsigned int level) PMD;

/* ---- act_header.c ---- */

void act_push_vlan(struct pmd *w, struct burst *b, struct pkt *p, uint16_t tpid) PMD;
void act_pop_vlan(struct pmd *w, struct burst *b, struct pkt *p) PMD;
void act_push_mpls(struct pmd *w, struct burst *b, struct pkt *p, uint16_t type) PMD;
void act_pop_mpls(struct pmd *w, struct burst *b, struct pkt *p, uint16_t type) PMD;
void act_push_pbb(struct pmd *w, struct burst *b, struct pkt *p) PMD;
void act_pop_pbb(struct pmd *w, struct burst *b, struct pkt *p) PMD;
/* 'ids': who is told when it is invalid; NULL: 0. */
void act_dec_ttl(struct pmd *w, struct burst *b, struct pkt *p, bool mpls,
		 const struct of_halves *ids) PMD;
void act_copy_ttl_out(struct pmd *w, struct burst *b, struct pkt *p) PMD;
void act_copy_ttl_in(struct pmd *w, struct burst *b, struct pkt *p) PMD;

/* ---- act_set.c ---- */

/* Places in the order in which an action set is executed (5.10). */
enum act_slot {
	SLOT_COPY_TTL_IN,
	SLOT_POP_VLAN,
	SLOT_POP_PBB,
	SLOT_POP_MPLS,
	SLOT_PUSH_MPLS,
	SLOT_PUSH_PBB,
	SLOT_PUSH_VLAN,
	SLOT_COPY_TTL_OUT,
	SLOT_DEC_MPLS_TTL,
	SLOT_DEC_NW_TTL,
	SLOT_FIELD, /* set-field, load, move: of each field one, in struct act_set's field[] */
	SLOT_SET_MPLS_TTL,
	SLOT_SET_NW_TTL,
	SLOT_QUEUE,
	SLOT_CT, /* the first of those that end it, of which one is executed */
	SLOT_GROUP,
	SLOT_OUTPUT, /* ignored when there is a group */
	SLOT_CALL,   /* ignored when there is one of these */
	N_ACT_SLOTS,
};

enum act_slot act_slot(enum act_code code);
/* Puts a program's actions into a set; false: too many fields. */
bool act_set_merge(struct act_set *s, const struct act_op *prog);
/* What is to be executed, in order; 'op' has room for N_ACT_SLOTS + ACT_SET_FIELDS.  How many. */
unsigned int act_set_order(const struct act_set *s, const struct act_op **op);

/* ---- act_check.c ---- */

/*
 * Whether 'list' may be installed: instructions of a flow with 'match' in 'table_id'; or actions of
 * a bucket or a packet-out.  0, or -EPROTO with 'e'.
 */
int act_check_insts(struct dp *dp, const struct of_list *list, uint8_t table_id,
		    const struct of_match *match, struct of_err *e) CONTROL;
int act_check_actions(struct dp *dp, const struct of_list *actions, bool in_group,
		      struct of_err *e) CONTROL;
int act_check_frozen(struct dp *dp, const struct of_list *list, uint8_t table_id,
		     struct of_err *e) CONTROL;

/* ---- act_compile.c ---- */

/* Compiles one action that passed the checks into 'op'; false: it does nothing. */
bool act_compile(struct dp *dp, const struct of_any *a, struct act_op *op) CONTROL;
/* Bits of a field that are set to a value. */
bool act_compile_set(struct act_op *op, const struct of_field *f, u128 value, unsigned int ofs,
		     unsigned int n);
/* ... those of a value's mask; all, if it has none. */
bool act_compile_masked(struct act_op *op, const struct of_oxm *o);
bool act_compile_move(struct act_op *op, const struct of_nx_reg_move *m);
/* What 'apply' does to a packet by an op, by all of a list, by writing a field: into i->reads,
 * changes_* and pops.  Write-actions run when the way is over, and do not count. */
void act_sum_up(struct insts *i, const struct act_op *op);
void act_sum_up_list(struct insts *i, const struct act_op *op);
void act_sum_up_field(struct insts *i, const struct of_field *f);

/* ---- act_written.c ---- */

/* Words of the key that a flow with these instructions may have written when a later table looks.
 */
uint64_t act_written(const struct insts *i);

/* ---- act_compile_learn.c ---- */

bool act_compile_learn(struct dp *dp, const struct of_any *a, struct act_op *op) CONTROL;
void act_sum_up_learn(struct insts *i, const struct act_op *op);
/* Gathers the learn actions of 'n' ops in i->learns; false: for one there was no memory. */
bool act_refer_learns(struct insts *i, const struct act_op *op, uint32_t n);
void act_free_learns(struct dp *dp, struct insts *i) CONTROL;

/* ---- act_compile_nx.c: Nicira's actions ---- */

bool act_compile_nx(const struct of_any *a, struct act_op *op) CONTROL;
void act_sum_up_nx(struct insts *i, const struct act_op *op);
/*
 * Makes the last op of i->apply, which are 'n' with ACT_END, the way to the next table, if that is
 * what it comes to; all other instructions are compiled.
 */
void act_compile_tail(struct insts *i, struct act_op *apply, uint32_t n);
/* Of 'prog', which an op of the list has: what it means for the list. */
void act_compile_clone(struct act_op *op, const struct act_op *prog, struct insts *i);

/* ---- act_compile_punt.c ---- */

bool act_compile_controller2(struct dp *dp, const struct of_any *a, struct act_op *op) CONTROL;

/* ---- act_refer.c ---- */

/* Gathers the meters of 'n' ops in i->meters; false: no memory. */
bool act_refer_meters(struct insts *i, const struct act_op *op, uint32_t n) CONTROL;
/* Whether they are still those that their numbers name. */
bool act_meters_current(const struct dp *dp, const struct insts *i) CONTROL;
/* One user more, and one less, of the meters that 'i' refers to. */
void act_ref_meters(struct insts *i) CONTROL;
void act_unref_meters(struct dp *dp, struct insts *i) CONTROL;

/* ---- act_check.c, for its siblings ---- */

struct check {
	struct dp *dp;
	bool has_match, packet_out;
	bool frozen;	       /* what a packet had left to do when it paused */
	struct of_match match; /* what is known of a packet that comes to the next action */
	struct of_err *e;
};

#define REFUSE(c, code, ...) of_err_set((c)->e, OFPET_BAD_ACTION, code, __VA_ARGS__)

int act_check_list(struct check *c, const struct of_list *l) CONTROL;
/* Bits of a field, to be read or written; and that they may be anything from now on. */
int act_check_bits(struct check *c, const struct of_field *f, unsigned int ofs, unsigned int n,
		   bool written);
void act_forget_bits(struct check *c, const struct of_field *f, unsigned int ofs, unsigned int n);
int act_check_readable(struct check *c, const struct of_field *f);
int act_check_ip_ttl(struct check *c);

/* ---- act_check_nx.c ---- */

/* 1: it is none of these; else 0 or -EPROTO. */
int act_check_nx(struct check *c, const struct of_any *a) CONTROL;
/* Whether it may be in an action set: those of Nicira's that may. */
int act_check_set_nx(struct check *c, const struct of_any *a) CONTROL;

/* ---- act_check_answer.c ---- */

int act_check_answer(struct check *c, const struct of_any *a);

/* ---- act_check_learn.c ---- */

int act_check_learn(struct check *c, const struct of_any *a) CONTROL;
int act_check_fin(struct check *c) CONTROL;
/* Whether apply-actions in 'insts' have a conjunction; then nothing else may be there but notes. */
bool act_is_conjunctive(const struct of_list *insts);
int act_check_conjunctive(const struct of_list *insts, struct of_err *e);

#endif
