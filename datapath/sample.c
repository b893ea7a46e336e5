/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lines.h"
#include "datapath/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_random.h>

#include "datapath/act_priv.h"
#include "datapath/dp.h"
#include "datapath/punt.h"
#include "datapath/trace.h"
#include "ofproto/enum.h"

/* One writer, the packet thread, and one reader; 'head' and 'tail' only grow. */
struct sample_side {
	_Alignas(64) _Atomic uint32_t head; /* of what was put in */
	uint64_t state;			    /* of the generator */
	_Alignas(64) _Atomic uint32_t tail; /* of what was taken out */
	_Alignas(64) struct sample ring[SAMPLE_RING];
};

struct sample_sets {
	uint32_t n;
	uint32_t ids[SAMPLE_SETS];
};

/* ---- PMD threads ---- */

/* xorshift64*: not for secrets, which a sender cannot turn to use: it sees nothing of the draws. */
static uint32_t draw(struct sample_side *s)
{
	s->state ^= s->state >> 12;
	s->state ^= s->state << 25;
	s->state ^= s->state >> 27;
	return (uint32_t)(s->state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

/* One of 65535 numbers below the probability: which makes 65535 every packet. */
static bool is_drawn(struct sample_side *s, uint16_t probability)
{
	return ((uint64_t)draw(s) * SAMPLE_ALWAYS >> 32) < probability;
}

bool sample_has_set(const struct dp *dp, uint32_t id)
{
	const struct sample_sets *s = atomic_load_explicit(&dp->sample_sets, memory_order_acquire);

	for (uint32_t i = 0; s && i < s->n; i++)
		if (s->ids[i] == id)
			return true;
	return false;
}

/* The next free place; NULL: there is none. */
static struct sample *room(struct sample_side *s, uint32_t *waiting)
{
	const uint32_t head = atomic_load_explicit(&s->head, memory_order_relaxed);

	*waiting = head - atomic_load_explicit(&s->tail, memory_order_acquire);
	return *waiting < SAMPLE_RING ? &s->ring[head % SAMPLE_RING] : NULL;
}

/* ovs-actions(7): a port that the packet did not come in by is where it leaves, unless the action
 * says otherwise. */
static void note_direction(struct sample_flow *f, const struct act_op *op)
{
	const uint32_t port = op->sample.port;

	if (port != OFPP_ANY && port != f->in_port && port != OFPP_IN_PORT)
		f->out_port = port;
	f->egress = op->sample.direction ? op->sample.direction == NX_SAMPLE_EGRESS : f->out_port;
}

static void note_ip(struct sample *s, const struct pkt *p)
{
	const struct flow_key *k = &p->key;
	struct sample_flow *f = &s->flow;

	if (k->eth_type == htobe16(ETH_TYPE_IPV4)) {
		memcpy(f->src, &k->nw_src, sizeof(k->nw_src));
		memcpy(f->dst, &k->nw_dst, sizeof(k->nw_dst));
	} else {
		memcpy(f->src, k->ipv6_src, sizeof(f->src));
		memcpy(f->dst, k->ipv6_dst, sizeof(f->dst));
		f->label = k->ipv6_label;
	}
	f->proto = k->ip_proto;
	f->tos = k->ip_tos;
	f->ttl = k->ip_ttl;
	s->ip_bytes = act_length(p) - p->l3;
	f->has_l4 = !(k->ip_frag & (FLOW_FRAG_LATER | FLOW_L4_NONE));
	if (!f->has_l4)
		return;
	f->tp_src = k->tp_src;
	f->tp_dst = k->tp_dst;
	s->tcp_flags = be16toh(k->tcp_flags);
}

static void note(struct sample *s, const struct pkt *p, const struct act_op *op, uint64_t now)
{
	const struct flow_key *k = &p->key;

	*s = (struct sample){ .at = now,
			      .bytes = p->m->pkt_len,
			      .probability = op->arg,
			      .flow = { .set = op->sample.set,
					.domain = op->sample.domain,
					.point = op->sample.point,
					.in_port = be32toh(k->in_port),
					.eth_type = be16toh(k->eth_type),
					.vlan_tci = be16toh(k->vlan_tci) } };
	memcpy(s->flow.eth_src, k->eth_src, sizeof(s->flow.eth_src));
	memcpy(s->flow.eth_dst, k->eth_dst, sizeof(s->flow.eth_dst));
	note_direction(&s->flow, op);
	if (p->l3 != PKT_NONE && key_is_ip(k))
		note_ip(s, p);
}

void sample_run(struct pmd *w, const struct pkt *p, const struct act_op *op)
{
	struct sample_side *side = w->samples;
	struct sample *s;
	uint32_t waiting;

	if (unlikely(w->trace)) {
		trace_sample(w, op, sample_has_set(w->dp, op->sample.set));
		return;
	}
	if (!is_drawn(side, op->arg))
		return;
	if (!sample_has_set(w->dp, op->sample.set)) {
		counter_add(&w->perf.sample_no_set, 1);
		return;
	}
	s = room(side, &waiting);
	if (!s) {
		counter_add(&w->perf.sample_lost, 1);
		return;
	}
	note(s, p, op, w->now);
	atomic_store_explicit(&side->head,
			      atomic_load_explicit(&side->head, memory_order_relaxed) + 1,
			      memory_order_release);
	if (waiting + 1 == SAMPLE_WAKE)
		punt_wake_later(w);
}

/* ---- Control thread ---- */

int sample_pmd_init(struct pmd *w)
{
	w->samples = lines_new(1, sizeof(*w->samples));
	if (!w->samples)
		return -ENOMEM;
	atomic_init(&w->samples->head, 0);
	atomic_init(&w->samples->tail, 0);
	w->samples->state = rte_rand() | 1;
	return 0;
}

void sample_pmd_fini(struct pmd *w)
{
	lines_free(w->samples);
	w->samples = NULL;
}

int sample_set_ids(struct dp *dp, const uint32_t *ids, uint32_t n)
{
	struct sample_sets *old = atomic_load_explicit(&dp->sample_sets, memory_order_relaxed);
	struct sample_sets *s = NULL;

	if (n) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return -ENOMEM;
		s->n = n < SAMPLE_SETS ? n : SAMPLE_SETS;
		memcpy(s->ids, ids, s->n * sizeof(*ids));
	}
	atomic_store_explicit(&dp->sample_sets, s, memory_order_release);
	if (old)
		dp_retire(dp, old, free);
	return 0;
}

void sample_sets_free(struct dp *dp)
{
	free(atomic_load(&dp->sample_sets));
	atomic_store(&dp->sample_sets, NULL);
}

static unsigned int drain_one(struct sample_side *s, unsigned int max,
			      void (*handle)(void *arg, const struct sample *s), void *arg)
{
	const uint32_t tail = atomic_load_explicit(&s->tail, memory_order_relaxed);
	uint32_t n = atomic_load_explicit(&s->head, memory_order_acquire) - tail;

	if (n > max)
		n = max;
	for (uint32_t i = 0; i < n; i++)
		handle(arg, &s->ring[(tail + i) % SAMPLE_RING]);
	atomic_store_explicit(&s->tail, tail + n, memory_order_release);
	return n;
}

unsigned int sample_drain(struct dp *dp, unsigned int max,
			  void (*handle)(void *arg, const struct sample *s), void *arg)
{
	unsigned int n = 0;

	/* A share for each: none is kept waiting by another that is never empty. */
	for (unsigned int i = 0; i < dp->n_pmds; i++)
		n += drain_one(dp->pmds[i]->samples, max / dp->n_pmds, handle, arg);
	return n;
}

bool sample_is_due(const struct dp *dp)
{
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		const struct sample_side *s = dp->pmds[i]->samples;

		if (atomic_load_explicit(&s->head, memory_order_acquire) -
			    atomic_load_explicit(&s->tail, memory_order_relaxed) >=
		    SAMPLE_WAKE)
			return true;
	}
	return false;
}
