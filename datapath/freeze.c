/* SPDX-License-Identifier: Apache-2.0 */
/* A packet pauses: what it has still to do is written down (freeze.h). */
#include "datapath/freeze.h"

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "datapath/act_priv.h"
#include "datapath/act_punt.h"
#include "datapath/dp.h"
#include "datapath/pmd.h"

/* ---- Bytes ---- */

static uint8_t *room(struct freeze *f, uint32_t n)
{
	uint8_t *p = f->bytes + f->n;

	if (f->full || n > FREEZE_MAX - f->n) {
		f->full = true;
		return NULL;
	}
	f->n += n;
	return p;
}

static void put(struct freeze *f, const void *v, uint32_t n)
{
	uint8_t *p = room(f, n);

	if (p)
		memcpy(p, v, n);
}

static void put_int(struct freeze *f, uint64_t v, uint32_t n)
{
	uint8_t *p = room(f, n);

	while (p && n--) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

/* A property or an instruction; returns where it begins. */
static uint32_t begin(struct freeze *f, uint16_t type)
{
	const uint32_t at = f->n;

	put_int(f, type, 2);
	put_int(f, 0, 2);
	return at;
}

static void set_len(struct freeze *f, uint32_t at)
{
	if (!f->full)
		put_be16(f->bytes + at + 2, (uint16_t)(f->n - at));
}

static void end(struct freeze *f, uint32_t at)
{
	set_len(f, at);
	put_int(f, 0, -f->n & 7);
}

/* ---- Lists ---- */

static void put_op(struct freeze *f, const struct act_op *op)
{
	const uint8_t *wire = (const uint8_t *)op + op->wire;

	if (op->wire)
		put(f, wire, get_be16(wire + 2));
	else
		f->full = true;
}

static void put_ops(struct freeze *f, const struct act_op *op)
{
	for (; op && op->code != ACT_END; op++)
		put_op(f, op);
}

/* An instruction with actions; where there are none it is not there. */
static uint32_t begin_actions(struct freeze *f, uint16_t type)
{
	const uint32_t at = begin(f, type);

	put_int(f, 0, 4);
	return at;
}

static void end_actions(struct freeze *f, uint32_t at)
{
	if (f->n == at + 8)
		f->n = at;
	else
		set_len(f, at);
}

static void put_others(struct freeze *f, const struct insts *i)
{
	uint32_t at;

	if (i->clear) {
		at = begin_actions(f, OFPIT_CLEAR_ACTIONS);
		set_len(f, at);
	}
	at = begin_actions(f, OFPIT_WRITE_ACTIONS);
	put_ops(f, i->write);
	end_actions(f, at);
	if (i->metadata_mask) {
		at = begin_actions(f, OFPIT_WRITE_METADATA);
		put_int(f, be64toh(i->metadata), 8);
		put_int(f, be64toh(i->metadata_mask), 8);
		set_len(f, at);
	}
	if (i->goto_table >= 0 && !i->tail) {
		at = begin(f, OFPIT_GOTO_TABLE);
		put_int(f, (uint64_t)i->goto_table, 1);
		put_int(f, 0, 3);
		set_len(f, at);
	}
}

void freeze_level(struct burst *b, const struct pkt *p, const struct insts *i, bool miss)
{
	struct freeze *f = &b->freeze;
	const uint32_t at = begin(f, FREEZE_LEVEL);
	uint32_t empty, actions;

	put_int(f, (miss ? FREEZE_MISS : 0) | (p->called ? FREEZE_CALLED : 0), 1);
	put_int(f, p->table_id, 1);
	put_int(f, 0, 2);
	put_int(f, 0, 8);
	put_int(f, p->cookie, 8); /* the instructions begin at a multiple of 8 */
	empty = f->n;
	actions = begin_actions(f, OFPIT_APPLY_ACTIONS);
	put_ops(f, f->rest);
	if (i && i->tail)
		put_op(f, i->tail_op);
	end_actions(f, actions);
	f->rest = NULL;
	if (i)
		put_others(f, i);
	if (f->n == empty)
		f->n = at; /* nothing is left of it */
	else
		end(f, at);
}

static void put_set(struct freeze *f, const struct act_set *s)
{
	const struct act_op *op[N_ACT_SLOTS + ACT_SET_FIELDS];
	const unsigned int n = act_set_order(s, op);
	const uint32_t at = begin(f, FREEZE_SET);
	uint32_t actions;

	put_int(f, 0, 4);
	actions = begin_actions(f, OFPIT_WRITE_ACTIONS);
	for (unsigned int i = 0; i < n; i++)
		put_op(f, op[i]);
	end_actions(f, actions);
	end(f, at);
}

static void put_state(struct freeze *f, const struct pkt *p, bool set_ran)
{
	const struct flow_key *k = &p->key;
	const uint32_t at = begin(f, FREEZE_STATE);

	put_int(f, p->queue_id, 4);
	put(f, &k->in_phy_port, 4);
	put_int(f, k->tun_tos, 1);
	put_int(f, k->tun_ttl, 1);
	put_int(f, k->ct_nw_proto, 1);
	put_int(f, set_ran, 1);
	put(f, &k->ct_nw_src, 4);
	put(f, &k->ct_nw_dst, 4);
	put(f, k->ct_ipv6_src, 16);
	put(f, k->ct_ipv6_dst, 16);
	put(f, &k->ct_tp_src, 2);
	put(f, &k->ct_tp_dst, 2);
	put_int(f, 0, 4);
	end(f, at);
}

static void put_pieces(struct freeze *f, const struct rte_mbuf *m)
{
	struct refrag_mark mark;
	uint32_t at;
	bool due;

	if (!refrag_marked(m, &mark, &due))
		return;
	at = begin(f, FREEZE_PIECES);
	put_int(f, due, 1);
	put_int(f, 0, 1);
	put_int(f, mark.max, 2);
	put_int(f, mark.frag_at, 2);
	put_int(f, 0, 2);
	put_int(f, mark.ip_len, 4);
	put(f, &mark.id, 4);
	end(f, at);
}

/* ---- A packet ---- */

void freeze_begin(struct burst *b, struct pkt *p, const struct act_op *op, uint8_t reason,
		  bool refused)
{
	struct freeze *f = &b->freeze;

	f->op = op;
	f->rest = op + 1;
	f->reason = reason;
	f->table_id = p->table_id;
	f->cookie = p->cookie;
	f->refused = refused;
	f->full = false;
	f->n = 0;
	p->stop = STOP_PAUSE;
}

static void finish(struct pmd *w, struct burst *b, const struct pkt *p, enum freeze_set set) PMD
{
	struct freeze *f = &b->freeze;
	uint32_t at = begin(f, FREEZE_STACK);

	put_int(f, 0, 4);
	put(f, b->stack[p->idx], p->n_stack * sizeof(b->stack[0][0]));
	end(f, at);
	if (set == FREEZE_SET_WAITS && (p->set.have || p->set.n_fields))
		put_set(f, &p->set);
	put_state(f, p, set == FREEZE_SET_RAN);
	put_pieces(f, p->m);
	at = begin(f, FREEZE_ORIGIN);
	put_int(f, 0, 4);
	put(f, w->dp->freeze_id, FREEZE_ID);
	end(f, at);
}

void freeze_end(struct pmd *w, struct burst *b, struct pkt *p, enum freeze_set set)
{
	const struct freeze *f = &b->freeze;
	const uint8_t table_id = p->table_id;

	p->stop = STOP_NOT;
	if (!p->m)
		return;
	finish(w, b, p, set);
	if (f->refused) {
		act_refuse(w, p, DROP_METER);
		return;
	}
	if (f->full || f->n + f->op->up.n_userdata + p->m->pkt_len > ACT_PUNT_MAX) {
		act_refuse(w, p, DROP_PAUSE_SIZE);
		return;
	}
	p->table_id = f->table_id;
	act_punt(w, b, p,
		 &(struct act_punt){ .op = f->op,
				     .reason = f->reason,
				     .max_len = OFPCML_NO_BUFFER,
				     .cookie = f->cookie,
				     .frozen = f->bytes,
				     .n_frozen = f->n });
	p->table_id = table_id;
}

void freeze_restore(struct burst *b, struct pkt *p, const struct frozen *z)
{
	struct flow_key *k = &p->key;
	const struct flow_key *from = &z->key;

	p->clean = 0;
	p->queue_id = z->queue_id;
	p->n_stack = z->n_stack;
	memcpy(b->stack[p->idx], z->stack, z->n_stack * sizeof(z->stack[0]));
	k->metadata = from->metadata;
	k->in_phy_port = from->in_phy_port;
	k->tun_id = from->tun_id;
	k->ct_zone = from->ct_zone;
	k->ct_state = from->ct_state;
	k->pkt_mark = from->pkt_mark;
	k->tun_src = from->tun_src;
	k->tun_dst = from->tun_dst;
	k->tun_flags = from->tun_flags;
	k->tun_tos = from->tun_tos;
	k->tun_ttl = from->tun_ttl;
	memcpy(k->tun_ipv6_src, from->tun_ipv6_src, sizeof(k->tun_ipv6_src));
	memcpy(k->tun_ipv6_dst, from->tun_ipv6_dst, sizeof(k->tun_ipv6_dst));
	memcpy(k->reg, from->reg, sizeof(k->reg));
	memcpy(k->ct_label, from->ct_label, sizeof(k->ct_label));
	k->ct_mark = from->ct_mark;
	k->ct_nw_src = from->ct_nw_src;
	k->ct_nw_dst = from->ct_nw_dst;
	memcpy(k->ct_ipv6_src, from->ct_ipv6_src, sizeof(k->ct_ipv6_src));
	memcpy(k->ct_ipv6_dst, from->ct_ipv6_dst, sizeof(k->ct_ipv6_dst));
	k->ct_tp_src = from->ct_tp_src;
	k->ct_tp_dst = from->ct_tp_dst;
	k->ct_nw_proto = from->ct_nw_proto;
	if (unlikely(z->in_pieces))
		refrag_mark_again(p->m, &z->pieces, z->pieces_due);
}
