/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "datapath/act_ct.h"
#include "datapath/agent_mgmt.h"
#include "datapath/cache.h"
#include "datapath/chain.h"
#include "datapath/cls_conj.h"
#include "datapath/ct_zone.h"
#include "datapath/dp.h"
#include "datapath/group_priv.h"
#include "datapath/learn.h"
#include "datapath/meter.h"
#include "datapath/output.h"
#include "datapath/parse.h"
#include "datapath/pmd.h"
#include "datapath/pmd_work.h"
#include "datapath/punt_side.h"
#include "datapath/trace_why.h"
#include "datapath/tunnel.h"
#include "datapath/tunnel_priv.h"
#include "datapath/txq.h"

enum {
	STEPS_MAX = 1000, /* a group of groups may send a packet many times */
	HEAD_MAX = 256,
	FRAME_LEN_MAX = UINT16_MAX,
	DIFFERS_MAX = 8, /* fields that are named */
	CLAUSES_MAX = 64,
};

struct trace {
	struct dp *dp;
	struct pmd w;
	const struct port *rx; /* the device that it came in by; NULL: none */
	struct arena *arena;
	Weft__Trace *reply;
	uint64_t drops[N_DROPS]; /* that have their steps */
	bool no_memory;
	uint32_t depth;	    /* resubmits under way */
	struct burst one;   /* what leaves, by itself */
	struct burst asked; /* a key to ask a classifier about */
};

/* ---- Steps ---- */

static Weft__TraceStep *add(struct trace *t, Weft__TraceStep__Kind kind)
{
	Weft__TraceStep *s;

	if (t->reply->n_steps == STEPS_MAX) {
		t->reply->cut = true;
		return NULL;
	}
	s = arena_get(t->arena, sizeof(*s));
	if (!s) {
		t->no_memory = true;
		return NULL;
	}
	weft__trace_step__init(s);
	s->kind = kind;
	s->depth = t->depth;
	t->reply->steps[t->reply->n_steps++] = s;
	return s;
}

static void add_drop(struct trace *t, enum drop why, uint64_t n)
{
	Weft__TraceStep *s = add(t, WEFT__TRACE_STEP__KIND__DROP);

	if (!s)
		return;
	s->drop = arena_get(t->arena, sizeof(*s->drop));
	if (!s->drop) {
		t->no_memory = true;
		return;
	}
	weft__drop__init(s->drop);
	s->drop->name = (char *)(uintptr_t)drop_names[why];
	s->drop->text = (char *)(uintptr_t)drop_texts[why];
	s->drop->count = n;
}

/* What was dropped since the last step, in whatever way: all of them are counted (pmd.h). */
static void note_drops(struct trace *t)
{
	uint64_t now[N_DROPS] = { 0 };

	if (t->reply->cut)
		return;
	for (unsigned int i = 0; i <= PORT_MAX; i++)
		for (unsigned int k = 0; k < N_DROPS; k++)
			now[k] += t->w.ports[i].drops[k];
	for (unsigned int k = 0; k < N_DROPS; k++) {
		if (now[k] > t->drops[k])
			add_drop(t, k, now[k] - t->drops[k]);
		t->drops[k] = now[k];
	}
}

static Weft__TraceStep *step(struct trace *t, Weft__TraceStep__Kind kind)
{
	note_drops(t);
	return add(t, kind);
}

static ProtobufCBinaryData bytes_of(struct trace *t, const void *p, size_t n)
{
	ProtobufCBinaryData b = { .len = n, .data = arena_dup(t->arena, p, n) };

	if (!b.data) {
		t->no_memory = true;
		b.len = 0;
	}
	return b;
}

static void set_frame(struct trace *t, Weft__TraceStep *s, const struct rte_mbuf *m)
{
	uint32_t n = m->pkt_len < HEAD_MAX ? m->pkt_len : HEAD_MAX;
	uint8_t copy[HEAD_MAX];
	const void *p = rte_pktmbuf_read(m, 0, n, copy);

	s->length = m->pkt_len;
	if (p)
		s->head = bytes_of(t, p, n);
}

/* A multipart reply with one element, as OpenFlow has it: who reads it has a reader for it. */
static ProtobufCBinaryData multipart(struct trace *t, uint16_t type, struct of_any *body)
{
	struct of_multipart_reply r = { .kind = OF_KIND_multipart_reply,
					.type = type,
					.body = body };
	struct of_msg m = { .version = OF_VERSION_13,
			    .type = OFPT_MULTIPART_REPLY,
			    .body = (struct of_any *)&r };
	static uint8_t bytes[OF_MSG_MAX];
	struct err e;
	int n = of_encode(&m, bytes, sizeof(bytes), &e);

	return n > 0 ? bytes_of(t, bytes, (size_t)n) : (ProtobufCBinaryData){ 0 };
}

/* ---- The packet path ---- */

/* An OFPMP_FLOW reply with one flow in it, which is the caller's to fill. */
static struct of_flow_stats *one_flow(struct trace *t, struct of_mp_flow_reply **r)
{
	struct of_flow_stats *s = OF_NEW(t->arena, flow_stats);

	*r = OF_NEW(t->arena, mp_flow_reply);
	if (*r && s && !of_list_add(&(*r)->flows, t->arena, (struct of_any *)s))
		return s;
	t->no_memory = true;
	return NULL;
}

static ProtobufCBinaryData flow_bytes(struct trace *t, const struct flow *f) CONTROL
{
	struct of_mp_flow_reply *r;
	struct of_flow_stats *s = one_flow(t, &r);

	if (!s)
		return (ProtobufCBinaryData){ 0 };
	s->table_id = f->table_id;
	s->priority = f->rule.priority;
	s->idle_timeout = f->idle_timeout;
	s->hard_timeout = f->hard_timeout;
	s->flags = f->flags;
	s->cookie = f->cookie;
	flow_counts(t->dp, f, &s->packet_count, &s->byte_count);
	flow_match(f, &s->match);
	s->insts = f->insts->list;
	return multipart(t, OFPMP_FLOW, (struct of_any *)r);
}

static ProtobufCBinaryData state_bytes(struct trace *t, const struct flow_key *key)
{
	static const struct of_match none;
	struct of_mp_flow_reply *r;
	struct of_flow_stats *s = one_flow(t, &r);

	if (!s)
		return (ProtobufCBinaryData){ 0 };
	trace_state(key, &s->match);
	if (of_match_equal(&s->match, &none))
		return (ProtobufCBinaryData){ 0 };
	return multipart(t, OFPMP_FLOW, (struct of_any *)r);
}

/* What else could have been: the second, or what is nearest and why it does not match. */
static void note_second(struct trace *t, Weft__TraceStep *s, const struct pkt *p,
			const struct flow *won) CONTROL
{
	const struct flow *f = trace_second(t->dp, p->table_id, &p->key, won);
	const char *names[DIFFERS_MAX];
	struct of_match m;

	if (!f)
		return;
	s->second = flow_bytes(t, f);
	if (won)
		return;
	flow_match(f, &m);
	s->n_differs = trace_differs(&m, &p->key, names, DIFFERS_MAX);
	s->differs = arena_dup(t->arena, names, s->n_differs * sizeof(*names));
	if (!s->differs) {
		t->no_memory = true;
		s->n_differs = 0;
	}
}

struct clauses {
	struct trace *t;
	Weft__TraceStep *s;
};

static void note_clause(void *arg, unsigned int i, const struct cls_rule *r)
{
	struct clauses *c = arg;

	(void)i;
	role_assume_control();
	if (c->s->n_clauses < CLAUSES_MAX)
		c->s->clauses[c->s->n_clauses++] = flow_bytes(c->t, flow_of_rule(r));
}

/* Of which conjunctive flows the packet meets a clause. */
static void note_clauses(struct trace *t, Weft__TraceStep *s, const struct pkt *p) CONTROL
{
	struct clauses c = { t, s };

	s->clauses = arena_get(t->arena, CLAUSES_MAX * sizeof(*s->clauses));
	if (!s->clauses) {
		t->no_memory = true;
		return;
	}
	t->asked.version = atomic_load_explicit(&t->dp->version, memory_order_relaxed);
	t->asked.pkt[0].key = p->key;
	cls_conj_explain(atomic_load_explicit(&t->dp->tables[p->table_id], memory_order_relaxed),
			 &t->asked, 0, note_clause, &c);
}

void trace_table(struct pmd *w, const struct pkt *p, const struct flow *f)
{
	struct trace *t = w->trace;
	Weft__TraceStep *s =
		step(t, f ? WEFT__TRACE_STEP__KIND__HIT : WEFT__TRACE_STEP__KIND__MISS);

	role_assume_control();
	if (!s)
		return;
	s->table = p->table_id;
	s->template_ = (char *)(uintptr_t)table_template(t->dp, p->table_id, &s->masks);
	s->rules = table_count(t->dp, p->table_id);
	s->state = state_bytes(t, &p->key);
	if (f)
		s->flow = flow_bytes(t, f);
	note_clauses(t, s, p);
	note_second(t, s, p, f);
}

void trace_learn(struct pmd *w, const struct pkt *p, const struct of_any *action, bool may)
{
	struct trace *t = w->trace;
	Weft__TraceStep *s = step(t, WEFT__TRACE_STEP__KIND__LEARN);
	struct of_mp_flow_reply *r;
	struct of_flow_stats *f;
	struct of_flow_mod fm;
	int rc;

	if (!s)
		return;
	f = one_flow(t, &r);
	rc = f ? learn_flow_mod(action, &p->key, t->arena, &fm) : -ENOMEM;
	if (rc) { /* without a flow: none is made of it */
		t->no_memory = rc == -ENOMEM;
		return;
	}
	f->table_id = fm.table_id;
	f->priority = fm.priority;
	f->idle_timeout = fm.idle_timeout;
	f->hard_timeout = fm.hard_timeout;
	f->flags = fm.flags;
	f->cookie = fm.cookie;
	f->match = fm.match;
	f->insts = fm.insts;
	s->flow = multipart(t, OFPMP_FLOW, (struct of_any *)r);
	s->passed = may;
}

void trace_depth(struct pmd *w, uint32_t depth)
{
	note_drops(w->trace);
	w->trace->depth = depth;
}

static bool polls(const struct pmd *w, const struct port *p)
{
	const struct pmd_work *work = atomic_load_explicit(&w->work, memory_order_acquire);

	for (uint32_t i = 0; work && i < work->n_rxqs; i++)
		if (work->rxqs[i].port == p)
			return true;
	return false;
}

static void ask_cache(struct trace *t, struct pmd *w, const struct flow_key *key) CONTROL
{
	static const Weft__TraceStep__Cache answers[] = {
		[CACHE_SILENT] = WEFT__TRACE_STEP__CACHE__SILENT,
		[CACHE_OFF] = WEFT__TRACE_STEP__CACHE__OFF,
		[CACHE_ASIDE] = WEFT__TRACE_STEP__CACHE__ASIDE,
		[CACHE_STALE] = WEFT__TRACE_STEP__CACHE__STALE,
		[CACHE_MISS] = WEFT__TRACE_STEP__CACHE__NO_ENTRY,
		[CACHE_HIT] = WEFT__TRACE_STEP__CACHE__ENTRY,
	};
	Weft__TraceStep *s = step(t, WEFT__TRACE_STEP__KIND__CACHE);

	if (!s)
		return;
	s->number = w->id;
	s->cache = answers[inject_peek(t->dp, w, key, &s->rules)];
}

/* A port's queues may be those of several packet threads: each is asked. */
void trace_begin(struct pmd *w, const struct burst *b, uint64_t todo)
{
	struct trace *t = w->trace;

	role_assume_control();
	for (; todo; todo &= todo - 1)
		for (unsigned int i = 0; i < t->dp->n_pmds && t->rx; i++)
			if (polls(t->dp->pmds[i], t->rx))
				ask_cache(t, t->dp->pmds[i], &b->pkt[__builtin_ctzll(todo)].key);
}

void trace_meter(struct pmd *w, uint32_t meter_id, int verdict)
{
	Weft__TraceStep *s = step(w->trace, WEFT__TRACE_STEP__KIND__METER);

	if (!s)
		return;
	s->number = meter_id;
	s->passed = verdict != METER_DROP;
	s->remark = s->passed ? (uint32_t)verdict : 0;
}

/* How long the connection lasts, and what the packet becomes. */
static void note_seen(struct trace *t, Weft__TraceStep *s, const struct ct_seen *seen)
{
	if (seen->seconds) {
		s->ct_timeout = (char *)(uintptr_t)ct_timeout_names[seen->timeout];
		s->ct_seconds = seen->seconds;
	}
	if (!seen->is.l3)
		return;
	s->ct_from = agent_ct_tuple(t->arena, &seen->was);
	s->ct_to = agent_ct_tuple(t->arena, &seen->is);
	if (!s->ct_from || !s->ct_to)
		t->no_memory = true;
}

void trace_ct(struct pmd *w, const struct act_ct *ct, const struct ct_req *r,
	      const struct ct_result *res, const struct ct_seen *seen)
{
	struct trace *t = w->trace;
	Weft__TraceStep *s = step(t, WEFT__TRACE_STEP__KIND__CT);
	static const uint8_t none[16];

	if (!s)
		return;
	s->number = r->zone;
	s->ct_state = res->state;
	s->ct_mark = res->mark;
	if (memcmp(res->label, none, sizeof(none)) != 0)
		s->ct_label = bytes_of(t, res->label, sizeof(res->label));
	s->ct_commit = r->commit;
	s->ct_nat = r->nat;
	s->ct_forks = ct->table != ACT_CT_NO_TABLE;
	s->table = ct->table;
	note_seen(t, s, seen);
}

void trace_sample(struct pmd *w, const struct act_op *op, bool heard)
{
	Weft__TraceStep *s = step(w->trace, WEFT__TRACE_STEP__KIND__SAMPLE);

	if (!s)
		return;
	s->number = op->sample.set;
	s->passed = heard;
	s->sample_probability = op->arg;
	s->sample_domain = op->sample.domain;
	s->sample_point = op->sample.point;
}

void trace_bucket(struct pmd *w, const struct group_body *g, uint32_t bucket)
{
	struct trace *t = w->trace;
	Weft__TraceStep *s = step(t, WEFT__TRACE_STEP__KIND__BUCKET);
	struct of_mp_group_desc_reply *r;
	struct of_group_desc *d;

	if (!s)
		return;
	s->number = g->group->id;
	s->bucket = bucket;
	r = OF_NEW(t->arena, mp_group_desc_reply);
	d = OF_NEW(t->arena, group_desc);
	if (!r || !d || of_list_add(&r->groups, t->arena, (struct of_any *)d) ||
	    of_list_add(&d->buckets, t->arena, g->list.v[bucket])) {
		t->no_memory = true;
		return;
	}
	d->type = g->type;
	d->group_id = g->group->id;
	s->group = multipart(t, OFPMP_GROUP_DESC, (struct of_any *)r);
}

void trace_sent(struct pmd *w, const struct port *p, struct rte_mbuf **m, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		Weft__TraceStep *s = step(w->trace, WEFT__TRACE_STEP__KIND__SENT);

		if (s) {
			s->port = p->no;
			set_frame(w->trace, s, m[i]);
		}
	}
	rte_pktmbuf_free_bulk(m, n);
}

void trace_queued(struct pmd *w, const struct port *p, uint32_t queue_id, struct rte_mbuf *m)
{
	Weft__TraceStep *s = step(w->trace, WEFT__TRACE_STEP__KIND__QUEUED);

	if (s) {
		s->port = p->no;
		s->number = queue_id;
		set_frame(w->trace, s, m);
	}
	rte_pktmbuf_free(m);
}

/* ---- What leaves ---- */

static void note_punt(struct trace *t, const struct punt *p)
{
	static const Weft__TraceStep__Kind kinds[N_PUNT_KINDS] = {
		[PUNT_PACKET_IN] = WEFT__TRACE_STEP__KIND__PACKET_IN,
		[PUNT_VTEP] = WEFT__TRACE_STEP__KIND__VTEP,
		[PUNT_RESOLVE] = WEFT__TRACE_STEP__KIND__RESOLVE,
	};
	Weft__TraceStep *s;

	if (p->kind == PUNT_LEARN)
		return;
	s = step(t, kinds[p->kind]);
	if (!s)
		return;
	s->port = p->port;
	if (p->kind == PUNT_PACKET_IN) {
		s->port = 0;
		s->table = p->table_id;
		s->reason = p->reason;
		s->cookie = p->cookie;
		s->max_len = p->max_len;
	}
	if (p->m)
		set_frame(t, s, p->m);
}

static void take_punts(struct trace *t)
{
	struct punt *p;

	while (!rte_ring_dequeue(t->w.punt, (void **)&p)) {
		note_punt(t, p);
		punt_free_frames(p);
		rte_ring_enqueue(t->w.side->free, p);
	}
}

/* pmd->flush: one after the other, each to its end. */
static void trace_flush(struct pmd *w, struct burst *b) PMD
{
	struct trace *t = w->trace;

	take_punts(t);
	for (uint32_t i = 0; i < b->n_out; i++) {
		const struct out *o = &b->out[i];
		Weft__TraceStep *s =
			o->kind == OUT_CONTROLLER ? NULL : step(t, WEFT__TRACE_STEP__KIND__OUTPUT);

		if (s) {
			s->port = o->kind == OUT_NORMAL ? OFPP_NORMAL : o->port;
			set_frame(t, s, o->m);
		}
		t->one.out[0] = *o;
		t->one.n_out = 1;
		output_flush(w, &t->one);
		txq_flush(w);
		take_punts(t);
	}
	b->n_out = b->n_keys = 0;
	b->out_of_order = false;
}

/* ---- One packet ---- */

static void trace_free(struct trace *t) CONTROL
{
	punt_pmd_fini(t->dp, &t->w);
	pmd_counters_fini(&t->w);
	tunnel_ctx_free(t->w.tunnel);
	free(t->w.ports);
	free(t->w.burst);
	free(t->w.txq);
	free(t->w.tx_dirty);
	free(t);
}

static struct trace *trace_new(struct dp *dp, struct arena *a) CONTROL
{
	struct trace *t = calloc(1, sizeof(*t));
	struct pmd *w;

	if (!t)
		return NULL;
	t->dp = dp;
	t->arena = a;
	w = &t->w;
	w->dp = dp;
	w->id = PMD_MAX;
	w->pool = dp->pool;
	w->flush = trace_flush;
	w->detached = true;
	w->trace = t;
	w->now = rte_rdtsc();
	w->ports = calloc(PORT_MAX + 1, sizeof(*w->ports));
	w->burst = calloc(1, sizeof(*w->burst));
	w->txq = calloc(PORT_MAX, sizeof(*w->txq));
	w->tx_dirty = calloc(PORT_MAX, sizeof(*w->tx_dirty));
	w->tunnel = tunnel_ctx_new(dp);
	t->reply = arena_get(a, sizeof(*t->reply));
	if (t->reply) {
		weft__trace__init(t->reply);
		t->reply->steps = arena_get(a, STEPS_MAX * sizeof(*t->reply->steps));
	}
	if (!w->ports || !w->burst || !w->txq || !w->tx_dirty || !w->tunnel || !t->reply ||
	    !t->reply->steps || pmd_counters_init(dp, w) || punt_pmd_init(dp, w)) {
		trace_free(t);
		return NULL;
	}
	return t;
}

static bool address(const ProtobufCBinaryData *b, be32 *v4, uint8_t v6[16])
{
	if (b->len == 4)
		memcpy(v4, b->data, 4);
	else if (b->len == 16)
		memcpy(v6, b->data, 16);
	return !b->len || b->len == 4 || b->len == 16;
}

/* The tunnel's part of the key, as decapsulation would leave it.  0 or -EINVAL. */
static int tunnel_key(const Weft__TraceRequest *q, const struct port *p, struct flow_key *k,
		      struct err *e)
{
	if ((q->tun_id || q->tun_src.len || q->tun_dst.len) && (!p || !p->tunnel))
		return err_set(e, -EINVAL,
			       "port %u is no tunnel: its packets have no tun_id, "
			       "tun_src and tun_dst",
			       q->in_port);
	k->tun_id = htobe64(q->tun_id);
	if (!address(&q->tun_src, &k->tun_src, k->tun_ipv6_src) ||
	    !address(&q->tun_dst, &k->tun_dst, k->tun_ipv6_dst))
		return err_set(e, -EINVAL, "an address in a tunnel has 4 bytes or 16");
	return 0;
}

/* Behind what ports do: a packet out of a tunnel, or one of the controller's. */
static void run_packet(struct trace *t, struct rte_mbuf *m, uint32_t in_port,
		       const struct flow_key *tun) PMD
{
	struct burst *b = t->w.burst;

	pmd_burst_start(&t->w, b);
	if (!pkt_init(b, 0, m, in_port)) {
		pmd_count_drop(&t->w, in_port, DROP_RX_TRUNCATED);
		rte_pktmbuf_free(m);
		return;
	}
	pkt_touch(&b->pkt[0], offsetof(struct flow_key, tun_src));
	b->pkt[0].key.tun_id = tun->tun_id;
	b->pkt[0].key.tun_src = tun->tun_src;
	b->pkt[0].key.tun_dst = tun->tun_dst;
	memcpy(b->pkt[0].key.tun_ipv6_src, tun->tun_ipv6_src, 16);
	memcpy(b->pkt[0].key.tun_ipv6_dst, tun->tun_ipv6_dst, 16);
	b->n = 1;
	pmd_burst_run(&t->w, b, 1);
}

static void run(struct trace *t, const Weft__TraceRequest *q, struct rte_mbuf *m,
		const struct flow_key *tun)
{
	const struct port *p = port_by_no(t->dp, q->in_port);

	t->rx = p;
	if (p && p->tunnel)
		t->rx = port_by_no(
			t->dp, atomic_load_explicit(&p->tunnel->uplink_no, memory_order_relaxed));
	role_assume_pmd();
	if (p && !p->tunnel)
		pmd_rx(&t->w, p, &m, 1);
	else
		run_packet(t, m, q->in_port, tun);
	take_punts(t);
	note_drops(t);
}

int trace_run(struct dp *dp, const Weft__TraceRequest *q, struct arena *a, Weft__Trace **out,
	      struct err *e)
{
	const struct port *p = port_by_no(dp, q->in_port);
	struct flow_key tun = { 0 };
	struct rte_mbuf *m;
	struct trace *t;
	int rc = tunnel_key(q, p, &tun, e);

	if (!p && q->in_port != OFPP_CONTROLLER)
		return err_set(e, -ENOENT, "no port %u", q->in_port);
	if (!rc && q->frame.len > FRAME_LEN_MAX)
		rc = err_set(e, -EINVAL, "a frame of %zu bytes: at most %d are", q->frame.len,
			     FRAME_LEN_MAX);
	if (rc)
		return rc;
	t = trace_new(dp, a);
	m = t ? chain_new(dp->pool, q->frame.data, (uint32_t)q->frame.len) : NULL;
	if (!m) {
		if (t)
			trace_free(t);
		return err_set(e, -ENOMEM, "no memory for a trace");
	}
	run(t, q, m, &tun);
	*out = t->reply;
	rc = t->no_memory ? err_set(e, -ENOMEM, "no memory for the steps of a trace") : 0;
	trace_free(t);
	return rc;
}
