/* SPDX-License-Identifier: Apache-2.0 */
/* Programs executed on packets: who gets the frame, who a copy, and what becomes of the rest
 * (act.h). */
#include <stdatomic.h>

#include <rte_mbuf.h>

#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/dp.h"
#include "datapath/freeze.h"
#include "datapath/group.h"
#include "datapath/learn.h"
#include "datapath/meter.h"
#include "datapath/pipeline.h"
#include "datapath/refrag.h"
#include "datapath/trace.h"
#include "ofproto/enum.h"
#include "vlan/tag.h"

static uint32_t in_port(const struct pkt *p)
{
	return be32toh(p->key.in_port);
}

/* ---- Frames ---- */

/* A copy, or an output, that there will not be. */
static void drop_copy(struct pmd *w, const struct pkt *p, enum drop why) PMD
{
	counter_add(&w->perf.created, 1);
	pmd_count_drop(w, in_port(p), why);
}

/* What is pending gets the packet's own frame: nothing will change it any more. */
static void give(struct burst *b, struct pkt *p)
{
	b->out[p->pending].m = p->m;
	p->pending = -1;
	p->m = NULL;
}

/*
 * What is pending gets a copy, and the packet keeps its frame.  False: no buffer.
 */
static bool materialise(struct pmd *w, struct burst *b, struct pkt *p)
{
	struct rte_mbuf *m = rte_pktmbuf_copy(p->m, w->pool, 0, UINT32_MAX);

	if (!m)
		return false;
	counter_add(&w->perf.created, 1);
	b->out[p->pending].m = m;
	p->pending = -1;
	return true;
}

/* The same; without a buffer the pending output takes the frame, and the packet is over. */
static bool settle(struct pmd *w, struct burst *b, struct pkt *p) PMD
{
	if (p->pending < 0 || materialise(w, b, p))
		return true;
	drop_copy(w, p, DROP_NO_MBUF);
	give(b, p);
	p->dropped = true;
	return false;
}

/* A driver's frame whose bytes somebody else holds too. */
static bool privatise(struct pmd *w, struct burst *b, struct pkt *p) PMD
{
	struct rte_mbuf *m = rte_pktmbuf_copy(p->m, w->pool, 0, UINT32_MAX);

	if (!m) {
		act_drop(w, b, p, DROP_NO_MBUF);
		return false;
	}
	rte_pktmbuf_free(p->m);
	p->m = m;
	return true;
}

bool act_touch(struct pmd *w, struct burst *b, struct pkt *p)
{
	if (!settle(w, b, p))
		return false;
	return likely(vlan_writable(p->m)) || privatise(w, b, p);
}

void act_drop(struct pmd *w, struct burst *b, struct pkt *p, enum drop why)
{
	p->dropped = true;
	if (!p->m)
		return;
	if (p->pending >= 0) {
		drop_copy(w, p, why);
		give(b, p);
		return;
	}
	pmd_count_drop(w, in_port(p), why);
	rte_pktmbuf_free(p->m);
	p->m = NULL;
}

void act_doom(struct pmd *w, struct burst *b, struct pkt *p, enum drop why)
{
	act_drop(w, b, p, why);
	p->why = (uint8_t)why;
	p->stop = STOP_DOOM;
}

/* ---- Outputs ---- */

/* burst->out is full: what waits for a frame gets one, and all leaves. */
static void make_room(struct pmd *w, struct burst *b, struct pkt *p) PMD
{
	for (uint32_t i = 0; i < b->n; i++)
		if (b->pkt[i].m)
			(void)settle(w, b, &b->pkt[i]);
	for (; p; p = p->up)
		if (p->m)
			(void)settle(w, b, p);
	b->more = true;
	w->flush(w, b);
	b->more = false;
	b->n_out = b->n_keys = 0;
	b->out_of_order = false;
}

void act_refuse(struct pmd *w, struct pkt *p, enum drop why) PMD
{
	if (p->sent || p->why != N_DROPS)
		drop_copy(w, p, why);
	else
		p->why = (uint8_t)why;
}

/* One more output, which waits for the frame.  NULL: it was dropped. */
static struct out *add_out(struct pmd *w, struct burst *b, struct pkt *p) PMD
{
	struct out *o;

	if (unlikely(b->n_out == OUT_MAX))
		make_room(w, b, p);
	if (!p->m)
		return NULL;
	if (p->pending >= 0 && !materialise(w, b, p)) {
		drop_copy(w, p, DROP_NO_MBUF);
		return NULL;
	}
	if (p->why != N_DROPS) {
		drop_copy(w, p, p->why);
		p->why = N_DROPS;
	}
	if (b->n_out && b->out[b->n_out - 1].idx > p->idx)
		b->out_of_order = true;
	p->pending = (int16_t)b->n_out;
	p->sent = true;
	o = &b->out[b->n_out++];
	o->m = NULL;
	o->idx = p->idx;
	o->reason = 0;
	o->table_id = p->table_id;
	o->max_len = 0;
	o->in_port = in_port(p);
	o->queue_id = p->queue_id;
	o->cookie = p->cookie;
	o->key = NULL;
	return o;
}

static bool output(struct pmd *w, struct burst *b, struct pkt *p, uint32_t port) PMD
{
	const struct flow_key *k = &p->key;
	struct out *o = add_out(w, b, p);

	if (!o)
		return false;
	o->kind = port == OFPP_NORMAL ? OUT_NORMAL : OUT_PORT;
	o->port = port;
	o->tunneled =
		k->tun_id || !(p->clean & 1 << offsetof(struct flow_key, tun_src) / FLOW_KEY_LINE);
	if (likely(!o->tunneled))
		return true;
	o->tun.tun_id = k->tun_id;
	o->tun.src = k->tun_src;
	o->tun.dst = k->tun_dst;
	memcpy(o->tun.ipv6_dst, k->tun_ipv6_dst, sizeof(o->tun.ipv6_dst));
	o->tun.tos = k->tun_tos;
	o->tun.ttl = k->tun_ttl;
	o->tun.flags = k->tun_flags;
	return true;
}

void act_output_trunc(struct pmd *w, struct burst *b, struct pkt *p, uint32_t port,
		      uint32_t max_len)
{
	struct rte_mbuf *m = NULL;

	if (p->m->pkt_len > max_len) {
		m = rte_pktmbuf_copy(p->m, w->pool, 0, max_len);
		if (!m) {
			drop_copy(w, p, DROP_NO_MBUF);
			return;
		}
		refrag_clear(m); /* no whole packet any more */
	}
	if (!output(w, b, p, port)) {
		rte_pktmbuf_free(m);
	} else if (m) {
		counter_add(&w->perf.created, 1);
		b->out[p->pending].m = m;
		p->pending = -1;
	}
}

/* ALL and FLOOD (4.5): standard ports but the ingress one, and but those in one of the states
 * 'not'. */
static void output_many(struct pmd *w, struct burst *b, struct pkt *p, uint32_t not ) PMD
{
	const uint32_t from = in_port(p);

	for (unsigned int i = 0; i < PORT_MAX; i++) {
		const struct port *port =
			atomic_load_explicit(&w->dp->port_slots[i], memory_order_acquire);

		if (!port || port->no == from ||
		    atomic_load_explicit(&port->config, memory_order_relaxed) &
			    (OFPPC_PORT_DOWN | OFPPC_NO_FWD) ||
		    atomic_load_explicit(&port->state, memory_order_relaxed) & not )
			continue;
		output(w, b, p, port->no);
	}
}

struct out *act_packet_in(struct pmd *w, struct burst *b, struct pkt *p, uint8_t reason,
			  uint16_t max_len, uint64_t cookie, uint16_t controller_id)
{
	struct out *o;

	if (!p->m)
		return NULL;
	if (unlikely(b->n_keys == BURST_MAX))
		make_room(w, b, p);
	o = add_out(w, b, p);
	if (!o)
		return NULL;
	o->kind = OUT_CONTROLLER;
	o->port = OFPP_CONTROLLER;
	o->reason = reason;
	o->max_len = max_len;
	o->controller_id = controller_id;
	o->metered = false;
	o->more = NULL;
	o->cookie = cookie;
	o->key = &b->keys[b->n_keys++];
	*o->key = p->key;
	return o;
}

/* ---- Programs ---- */

static u128 op_value(const struct act_op *op)
{
	return u128_get(op->set.value, op->set.field->size);
}

static u128 op_mask(const struct act_op *op)
{
	return u128_get(op->set.mask, op->set.field->size);
}

void act_one(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op, uint64_t now)
{
	switch (op->code) {
	case ACT_OUTPUT:
		if (op->port == in_port(p))
			act_refuse(w, p, DROP_SAME_PORT);
		else
			output(w, b, p, op->port);
		break;
	case ACT_IN_PORT:
		output(w, b, p, in_port(p));
		break;
	case ACT_NORMAL:
		output(w, b, p, OFPP_NORMAL);
		break;
	case ACT_ALL:
		output_many(w, b, p, OFPPS_LINK_DOWN);
		break;
	case ACT_FLOOD:
		output_many(w, b, p, OFPPS_LINK_DOWN | OFPPS_BLOCKED);
		break;
	case ACT_CONTROLLER:
		act_packet_in(w, b, p,
			      op->reason == OFPR_ACTION && p->miss ? OFPR_NO_MATCH : op->reason,
			      op->arg, p->cookie, op->controller_id);
		break;
	case ACT_TABLE: /* the last of a packet-out; the pipeline finishes the packet */
		pipeline_run(w, b, UINT64_C(1) << p->idx, 0, now);
		break;
	case ACT_GROUP:
		group_run(w, b, p, op->group, now);
		break;
	case ACT_SET_FIELD:
	case ACT_SET_MPLS_TTL:
	case ACT_SET_NW_TTL:
		act_store(w, b, p, op->set.field, op_value(op), op_mask(op));
		break;
	case ACT_SET_STATE:
		act_store_state(p, op);
		break;
	case ACT_MOVE:
		act_move(w, b, p, op);
		break;
	case ACT_PUSH_VLAN:
		act_push_vlan(w, b, p, op->arg);
		break;
	case ACT_POP_VLAN:
		if (op->arg && !p->n_vlans) /* of a load, which needs none */
			break;
		act_pop_vlan(w, b, p);
		break;
	case ACT_PUSH_MPLS:
		act_push_mpls(w, b, p, op->arg);
		break;
	case ACT_POP_MPLS:
		act_pop_mpls(w, b, p, op->arg);
		break;
	case ACT_PUSH_PBB:
		act_push_pbb(w, b, p);
		break;
	case ACT_POP_PBB:
		act_pop_pbb(w, b, p);
		break;
	case ACT_DEC_MPLS_TTL:
		act_dec_ttl(w, b, p, true, NULL);
		break;
	case ACT_DEC_NW_TTL:
		act_dec_ttl(w, b, p, false, NULL);
		break;
	case ACT_COPY_TTL_OUT:
		act_copy_ttl_out(w, b, p);
		break;
	case ACT_COPY_TTL_IN:
		act_copy_ttl_in(w, b, p);
		break;
	case ACT_SET_QUEUE:
		p->queue_id = op->queue_id;
		break;
	case ACT_CALL:
		pipeline_call(w, b, p, op, now);
		break;
	case ACT_EXIT:
		p->stop = STOP_EXIT;
		break;
	case ACT_LEARN:
		learn_run(w, b, p, op, now);
		break;
	case ACT_FIN:
		learn_fin(w, p, op, now);
		break;
	case ACT_CT:
		if (op->ct->table != ACT_CT_NO_TABLE)
			pipeline_fork(w, b, p, op->ct, now);
		else if (act_ct_track(w, b, p, op->ct, now))
			act_ct_clear(p);
		break;
	case ACT_CT_CLEAR:
		act_ct_clear(p);
		break;
	default:
		act_nx(w, b, p, op, now);
		break;
	}
}

void act_run(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *prog, uint64_t now)
{
	for (const struct act_op *op = prog; op->code != ACT_END && p->m && !p->stop; op++)
		act_one(w, b, p, op, now);
}

/* ---- Buckets ---- */

/* The clone is over: its frame goes where it is pending; what is left is accounted. */
static void end(struct pmd *w, struct burst *b, struct pkt *p) PMD
{
	if (!p->m)
		return;
	if (p->pending >= 0) {
		give(b, p);
	} else if (p->why != N_DROPS) {
		act_drop(w, b, p, p->why);
	} else if (p->sent) {
		counter_add(&w->perf.consumed, 1);
		rte_pktmbuf_free(p->m);
		p->m = NULL;
	} else {
		act_drop(w, b, p, DROP_NO_ACTION);
	}
}

/* What resubmits from a bucket leave behind, for the packet and for the buckets after it. */
static void copy_back(struct pmd *w, struct burst *b, struct pkt *p, const struct pkt *c) PMD
{
	if (likely(p->n_calls == c->n_calls && c->stop != STOP_DOOM))
		return;
	p->n_calls = c->n_calls;
	p->n_stack = c->n_stack;
	p->set = c->set;
	if (c->stop == STOP_DOOM)
		act_doom(w, b, p, c->why);
}

bool act_copy(struct pmd *w, struct pkt *p, struct pkt *c)
{
	*c = *p;
	c->m = rte_pktmbuf_copy(p->m, w->pool, 0, UINT32_MAX);
	if (!c->m) {
		drop_copy(w, p, DROP_NO_MBUF);
		return false;
	}
	counter_add(&w->perf.created, 1);
	c->up = p;
	c->pending = -1;
	c->sent = c->last = false;
	c->why = N_DROPS;
	/* Enough is known to leave, or to be counted: the packet has no need of a reason. */
	p->sent = true;
	return true;
}

/* What pauses in it is the bucket's packet, without the action set, which is not its own. */
static void run_bucket(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *prog,
		       uint64_t now) PMD
{
	act_run(w, b, p, prog, now);
	if (unlikely(p->stop == STOP_PAUSE)) {
		freeze_level(b, p, NULL, false);
		freeze_end(w, b, p, FREEZE_SET_OTHERS);
	}
}

static void run_clone(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *prog,
		      uint64_t now) PMD
{
	struct pkt c;

	if (!act_copy(w, p, &c))
		return;
	run_bucket(w, b, &c, prog, now);
	end(w, b, &c);
	copy_back(w, b, p, &c);
}

void act_bucket(struct pmd *w, struct burst *b, struct pkt *p, const struct insts *i, bool more,
		uint64_t now)
{
	const uint64_t cookie = p->cookie;

	if (!i->apply || !p->m)
		return;
	p->cookie = UINT64_MAX; /* 7.4.1: what a bucket sends up is no flow's own */
	if (p->last && !more) {
		run_bucket(w, b, p, i->apply, now);
	} else if (i->changes_frame) {
		run_clone(w, b, p, i->apply, now);
	} else if (i->changes_key) {
		const struct flow_key key = p->key;
		const uint32_t queue_id = p->queue_id;

		run_bucket(w, b, p, i->apply, now);
		p->key = key;
		p->queue_id = queue_id;
	} else {
		run_bucket(w, b, p, i->apply, now);
	}
	p->cookie = cookie;
	/* An exit ends the bucket and nothing else. */
	if (p->stop != STOP_DOOM)
		p->stop = STOP_NOT;
}

/* ---- Instructions ---- */

/* The field actset_output (ONF EXT-233): where the action set would send the packet. */
static void note_output(struct pkt *p)
{
	const bool grouped = p->set.have >> SLOT_GROUP & 1;
	uint32_t port = OFPP_UNSET;

	if (!grouped && p->set.have >> SLOT_OUTPUT & 1)
		port = p->set.slot[SLOT_OUTPUT]->port;
	if (p->key.actset_output == htobe32(port))
		return;
	pkt_touch(p, offsetof(struct flow_key, actset_output));
	p->key.actset_output = htobe32(port);
}

/* Priority 0 and everything wildcarded (5.4): its packet-ins say so. */
static bool is_table_miss(const struct flow *f)
{
	return f && !f->rule.priority && !f->rule.mask->n_words;
}

/* False: the packet is over. */
static bool metered(struct pmd *w, struct burst *b, struct pkt *p, struct meter *m,
		    uint64_t now) PMD
{
	uint32_t id;
	int verdict;

	if (likely(!w->trace)) {
		verdict = meter_run(m, p, now);
	} else {
		verdict = meter_look(m, p, now, &id);
		trace_meter(w, id, verdict);
	}
	if (verdict == METER_DROP)
		act_drop(w, b, p, DROP_METER);
	else if (verdict)
		act_remark(w, b, p, (unsigned int)verdict);
	return !p->dropped;
}

/* Apply-actions have stopped early. */
static int stopped(struct burst *b, const struct pkt *p, const struct insts *i, bool miss)
{
	if (p->stop == STOP_PAUSE)
		freeze_level(b, p, i, miss);
	return -1;
}

static inline int run(struct pmd *w, struct burst *b, struct pkt *p, const struct insts *i,
		      bool miss, uint64_t now) PMD
{
	if (i->apply) {
		p->miss = miss;
		act_run(w, b, p, i->apply, now);
		p->miss = false;
	}
	if (!p->m || p->stop)
		return stopped(b, p, i, miss);
	if (i->clear) {
		p->set.have = 0;
		p->set.n_fields = 0;
	}
	if (i->write && !act_set_merge(&p->set, i->write)) {
		act_drop(w, b, p, DROP_ACTION_FAILED);
		return -1;
	}
	if (i->clear || i->write)
		note_output(p);
	p->key.metadata = (p->key.metadata & ~i->metadata_mask) | (i->metadata & i->metadata_mask);
	return i->goto_table;
}

int insts_run(struct pmd *w, struct burst *b, struct pkt *p, const struct insts *i, uint64_t now)
{
	if (!p->m)
		return -1;
	if (i->meter && !metered(w, b, p, i->meter, now))
		return -1;
	return run(w, b, p, i, i->apply && is_table_miss(p->flow), now);
}

int insts_resume(struct pmd *w, struct burst *b, struct pkt *p, const struct insts *i, bool miss,
		 uint64_t now)
{
	return p->m ? run(w, b, p, i, miss, now) : -1;
}

void act_finish(struct pmd *w, struct burst *b, struct pkt *p, uint64_t now)
{
	const struct act_op *op[N_ACT_SLOTS + ACT_SET_FIELDS];

	if (unlikely(p->stop == STOP_PAUSE)) {
		freeze_end(w, b, p, FREEZE_SET_WAITS);
		p->set.have = p->set.n_fields = 0;
	}
	if (p->m && (p->set.have || p->set.n_fields) && p->stop != STOP_EXIT) {
		const unsigned int n = act_set_order(&p->set, op);

		p->cookie = UINT64_MAX; /* 7.4.1: several flows may have written the set */
		p->set.have = p->set.n_fields = 0;
		p->stop = STOP_NOT;
		p->called = false;
		for (unsigned int i = 0; i < n && p->m; i++) {
			p->last = act_slot(op[i]->code) >= SLOT_CT;
			act_one(w, b, p, op[i], now);
		}
		if (unlikely(p->stop == STOP_PAUSE))
			freeze_end(w, b, p, FREEZE_SET_RAN);
	}
	end(w, b, p);
}
