/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/act_ct.h"

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "datapath/act_priv.h"
#include "datapath/dp.h"
#include "datapath/frag.h"
#include "datapath/pmd.h"
#include "datapath/trace.h"

/* ---- The fields ---- */

void act_ct_clear(struct pkt *p)
{
	struct flow_key *k = &p->key;

	/* Behind the first line there is only what tracking has put there. */
	if (!k->ct_state)
		return;
	k->ct_state = 0;
	k->ct_zone = 0;
	pkt_touch(p, offsetof(struct flow_key, ct_label));
	pkt_touch(p, offsetof(struct flow_key, ct_tp_src));
	memset(k->ct_label, 0, sizeof(k->ct_label));
	k->ct_mark = 0;
	k->ct_nw_src = k->ct_nw_dst = 0;
	memset(k->ct_ipv6_src, 0, sizeof(k->ct_ipv6_src));
	memset(k->ct_ipv6_dst, 0, sizeof(k->ct_ipv6_dst));
	k->ct_tp_src = k->ct_tp_dst = 0;
	k->ct_nw_proto = 0;
}

/* The connection's first direction, as Open vSwitch tells it: of ICMP, type and code stand for the
 * ports. */
static void show_tuple(struct pkt *p, const struct ct_tuple *t)
{
	struct flow_key *k = &p->key;

	pkt_touch(p, offsetof(struct flow_key, ct_nw_src));
	pkt_touch(p, offsetof(struct flow_key, ct_tp_src));
	if (t->l3 == 4) {
		memcpy(&k->ct_nw_src, t->src, sizeof(k->ct_nw_src));
		memcpy(&k->ct_nw_dst, t->dst, sizeof(k->ct_nw_dst));
	} else {
		memcpy(k->ct_ipv6_src, t->src, sizeof(k->ct_ipv6_src));
		memcpy(k->ct_ipv6_dst, t->dst, sizeof(k->ct_ipv6_dst));
	}
	k->ct_nw_proto = t->proto;
	if (ct_is_icmp(t->proto)) {
		const uint16_t what = be16toh(t->dst_port);

		k->ct_tp_src = htobe16(what >> 8);
		k->ct_tp_dst = htobe16(what & 0xff);
	} else {
		k->ct_tp_src = t->src_port;
		k->ct_tp_dst = t->dst_port;
	}
}

void act_ct_show(struct pkt *p, const struct ct_result *r, uint16_t zone)
{
	struct flow_key *k = &p->key;
	static const uint8_t none[16];

	act_ct_clear(p); /* of another zone, perhaps */
	k->ct_state = r->state;
	k->ct_zone = htobe16(zone);
	if (r->mark || memcmp(r->label, none, sizeof(none)) != 0) {
		pkt_touch(p, offsetof(struct flow_key, ct_label));
		k->ct_mark = htobe32(r->mark);
		memcpy(k->ct_label, r->label, sizeof(k->ct_label));
	}
	if (r->orig.l3)
		show_tuple(p, &r->orig);
}

/* ---- What the action asks for ---- */

static void put_bits(struct flow_key *k, const struct of_field *f, u128 value, u128 mask)
{
	uint8_t *at = (uint8_t *)k + f->offset;

	u128_put(at, f->size, (u128_get(at, f->size) & ~mask) | (value & mask));
}

/*
 * The actions in exec(), on the key itself, as a later one reads what an earlier one has written;
 * which bits they write goes to 'r'.  What the key had comes back: the connection's are to be seen
 * behind a table only.
 */
static void exec(struct pkt *p, const struct act_op *op, struct ct_req *r)
{
	struct flow_key *k = &p->key, mask = { 0 };
	uint8_t label[16];
	const be32 mark = k->ct_mark;

	memcpy(label, k->ct_label, sizeof(label));
	pkt_touch(p, offsetof(struct flow_key, ct_label));
	for (; op->code != ACT_END; op++) {
		const struct of_field *f;
		u128 v, m;

		if (op->code == ACT_MOVE) {
			const struct of_field *src = op->move.src;

			f = op->move.dst;
			m = u128_ones(op->move.n_bits) << (f->shift + op->move.dst_ofs);
			v = key_bits(k, src, op->move.src_ofs, op->move.n_bits)
			    << (f->shift + op->move.dst_ofs);
		} else {
			f = op->set.field;
			m = u128_get(op->set.mask, f->size);
			v = u128_get(op->set.value, f->size);
		}
		put_bits(k, f, v, m);
		put_bits(&mask, f, m, m);
	}
	r->mark = be32toh(k->ct_mark);
	r->mark_mask = be32toh(mask.ct_mark);
	memcpy(r->label, k->ct_label, sizeof(r->label));
	memcpy(r->label_mask, mask.ct_label, sizeof(r->label_mask));
	k->ct_mark = mark;
	memcpy(k->ct_label, label, sizeof(label));
}

/* What 'a' asks for this packet: its own, or made at 'room'. */
static const struct ct_req *request(struct pkt *p, const struct act_ct *a, struct ct_req *room)
{
	if (likely(!a->computed))
		return &a->req;
	*room = a->req;
	if (a->exec)
		exec(p, a->exec, room);
	if (a->zone.field)
		room->zone = (uint16_t)key_bits(&p->key, a->zone.field, a->zone.ofs, 16);
	return room;
}

/* ---- Tracking ---- */

/* Every pass of a packet and of its copies counts for the one that came in. */
static bool may_pass(struct pmd *w, struct burst *b, struct pkt *p) PMD
{
	uint8_t *n = &b->ct_passes[p->idx];

	if (likely(*n < ACT_CT_PASSES)) {
		++*n;
		return true;
	}
	act_drop(w, b, p, DROP_CT_DEPTH);
	return false;
}

/* What is to be done before it can be read.  False: it is over, or waits. */
static bool begin(struct pmd *w, struct burst *b, struct pkt *p, uint16_t zone) PMD
{
	if (!may_pass(w, b, p))
		return false;
	return likely(!(p->key.ip_frag & FLOW_FRAG_ANY)) || frag_track(w, b, p, zone);
}

/* False: it is over. */
static bool verdict(struct pmd *w, struct burst *b, struct pkt *p, const struct act_ct *a,
		    struct ct_pkt *cp, const struct ct_req *r, uint32_t now) PMD
{
	struct ct *t = atomic_load_explicit(&w->dp->ct, memory_order_acquire);
	struct ct_result res;

	if (likely(!w->trace)) {
		ct_track(w, b, t, p, cp, r, now, &res);
	} else {
		struct ct_seen seen;

		ct_look(w, b, t, p, cp, r, now, &res, &seen);
		trace_ct(w, a, r, &res, &seen);
	}
	if (unlikely(p->dropped))
		return false;
	if (unlikely(res.drop != N_DROPS)) {
		act_drop(w, b, p, res.drop);
		return false;
	}
	act_ct_show(p, &res, r->zone);
	return true;
}

uint64_t act_ct_burst(struct pmd *w, struct burst *b, const struct act_ct *const *ct, uint64_t who,
		      uint64_t now)
{
	struct ct *t = atomic_load_explicit(&w->dp->ct, memory_order_acquire);
	const uint32_t ticks = ct_now(t, now);
	const struct ct_req *r[BURST_MAX];
	struct ct_req room[BURST_MAX];
	struct ct_pkt cp[BURST_MAX];

	for (uint64_t left = who; left; left &= left - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(left);
		struct pkt *p = &b->pkt[i];

		r[i] = request(p, ct[i], &room[i]);
		if (!begin(w, b, p, r[i]->zone)) {
			who &= ~(UINT64_C(1) << i);
			continue;
		}
		ct_read(w, t, p, r[i]->zone, &cp[i]);
		ct_prefetch(t, cp[i].hash);
	}
	for (uint64_t left = who; left; left &= left - 1)
		ct_prefetch_conn(t, cp[__builtin_ctzll(left)].hash);
	for (uint64_t left = who; left; left &= left - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(left);

		if (!verdict(w, b, &b->pkt[i], ct[i], &cp[i], r[i], ticks))
			who &= ~(UINT64_C(1) << i);
	}
	return who;
}

bool act_ct_track(struct pmd *w, struct burst *b, struct pkt *p, const struct act_ct *a,
		  uint64_t now)
{
	struct ct *t = atomic_load_explicit(&w->dp->ct, memory_order_acquire);
	struct ct_req room;
	const struct ct_req *r = request(p, a, &room);
	struct ct_pkt cp;

	if (!begin(w, b, p, r->zone))
		return false;
	ct_read(w, t, p, r->zone, &cp);
	return verdict(w, b, p, a, &cp, r, ct_now(t, now));
}
