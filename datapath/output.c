/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/output.h"

#include <limits.h>
#include <string.h>

#include <rte_mbuf.h>

#include "datapath/dp.h"
#include "datapath/port_queue.h"
#include "datapath/punt.h"
#include "datapath/refrag.h"
#include "datapath/tunnel.h"
#include "datapath/txq.h"
#include "vlan/tag.h"

enum { ETHER_HLEN = 14 };

/* ---- One frame, one port ---- */

static void drop_egress(struct pmd *w, const struct port *p, struct rte_mbuf *m, enum drop why)
{
	counter_add(&w->ports[p->slot].tx_dropped, 1);
	counter_add(&w->ports[p->slot].drops[why], 1);
	rte_pktmbuf_free(m);
}

static void drop_ingress(struct pmd *w, uint32_t in_port, struct rte_mbuf *m, enum drop why) PMD
{
	pmd_count_drop(w, in_port, why);
	rte_pktmbuf_free(m);
}

/* The port's MTU is that of its packets: an Ethernet header, and tags, come on top. */
static uint32_t room(const struct port *p, const struct rte_mbuf *m)
{
	return (uint32_t)p->mtu + ETHER_HLEN + VLAN_HLEN * vlan_count(m);
}

static bool too_long(const struct port *p, const struct rte_mbuf *m)
{
	return m->pkt_len > (uint32_t)p->mtu + ETHER_HLEN && m->pkt_len > room(p, m);
}

static bool closed(const struct port *p)
{
	return atomic_load_explicit(&p->config, memory_order_relaxed) &
	       (OFPPC_PORT_DOWN | OFPPC_NO_FWD);
}

static bool link_down(const struct port *p)
{
	return atomic_load_explicit(&p->state, memory_order_relaxed) & OFPPS_LINK_DOWN;
}

/* Most ports have no queues. */
static void give(struct pmd *w, const struct port *p, struct rte_mbuf *m, uint32_t queue_id) PMD
{
	struct queue_set *queues = atomic_load_explicit(&p->queues, memory_order_acquire);

	if (unlikely(queues))
		port_queue_put(w, p, queues, m, queue_id);
	else
		txq_add(w, p, m);
}

/* A device that does not take chains gets a buffer of the size that its own frames have.  (Rare,
 * and kept out of output_device(), which would save registers for it.) */
static __rte_noinline void in_one_segment(struct pmd *w, const struct port *p, struct rte_mbuf *m,
					  uint32_t queue_id) PMD
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, p->pool, 0, UINT32_MAX);

	if (!copy || copy->nb_segs > 1) {
		rte_pktmbuf_free(copy);
		drop_egress(w, p, m, DROP_NO_MBUF);
		return;
	}
	rte_pktmbuf_free(m);
	give(w, p, copy, queue_id);
}

static void send_piece(struct pmd *w, const struct port *p, struct rte_mbuf *m,
		       uint32_t queue_id) PMD
{
	if (m->nb_segs > 1 && p->one_segment)
		in_one_segment(w, p, m, queue_id);
	else
		give(w, p, m, queue_id);
}

/* What was put together here is taken apart again, and what a router's flow has said so of;
 * anything else is too long. */
static __rte_noinline void in_pieces(struct pmd *w, const struct port *p, struct rte_mbuf *m,
				     uint32_t queue_id) PMD
{
	struct refrag r;

	if (!refrag_start(&r, m, room(p, m))) {
		drop_egress(w, p, m, DROP_MTU);
		return;
	}
	while (refrag_more(&r)) {
		struct rte_mbuf *piece = refrag_next(&r, w->pool);

		if (!piece) { /* the others are of no use */
			drop_egress(w, p, m, DROP_NO_MBUF);
			return;
		}
		counter_add(&w->perf.created, 1);
		send_piece(w, p, piece, queue_id);
	}
	counter_add(&w->perf.consumed, 1);
	rte_pktmbuf_free(m);
}

void output_device(struct pmd *w, const struct port *p, struct rte_mbuf *m, uint32_t queue_id)
{
	if (closed(p))
		drop_egress(w, p, m, DROP_PORT_NO_FWD);
	else if (link_down(p))
		drop_egress(w, p, m, DROP_LINK_DOWN);
	else if (too_long(p, m) || unlikely(refrag_is_due(m)))
		in_pieces(w, p, m, queue_id);
	else if (unlikely(m->nb_segs > 1) && p->one_segment)
		in_one_segment(w, p, m, queue_id);
	else
		give(w, p, m, queue_id);
}

void output_port(struct pmd *w, const struct out *o)
{
	const struct port *p = port_by_no(w->dp, o->port);

	if (!p)
		drop_ingress(w, o->in_port, o->m,
			     o->port == OFPP_LOCAL ? DROP_NO_LOCAL : DROP_NO_PORT);
	else if (!p->tunnel)
		output_device(w, p, o->m, o->queue_id);
	else if (closed(p))
		drop_egress(w, p, o->m, DROP_PORT_NO_FWD);
	else
		tunnel_output(w, p, o);
}

/* ---- Packet-in ---- */

static bool muted(const struct pmd *w, const struct out *o)
{
	const struct port *p = port_by_no(w->dp, o->in_port);

	return o->reason == OFPR_NO_MATCH && p &&
	       atomic_load_explicit(&p->config, memory_order_relaxed) & OFPPC_NO_PACKET_IN;
}

static void to_controller(struct pmd *w, const struct out *o) PMD
{
	struct punt *p;

	if (muted(w, o)) {
		drop_ingress(w, o->in_port, o->m, DROP_NO_PACKET_IN);
		rte_pktmbuf_free(o->more);
		return;
	}
	p = o->metered ? punt_get_metered(w, o->in_port, o->reason)
		       : punt_get(w, PUNT_PACKET_IN, o->in_port, o->reason, o->m->pkt_len);
	if (!p) { /* counted */
		rte_pktmbuf_free(o->m);
		rte_pktmbuf_free(o->more);
		return;
	}
	p->table_id = o->table_id;
	p->max_len = o->max_len;
	p->cookie = o->cookie;
	p->port = o->port;
	p->controller_id = o->controller_id;
	p->m = o->m;
	p->more = o->more;
	if (o->key)
		p->key = *o->key;
	else
		p->key = (struct flow_key){ .in_port = htobe32(o->in_port) };
	punt_send(w, p);
}

/* ---- A burst ---- */

static void emit(struct pmd *w, struct out *o) PMD
{
	switch (o->kind) {
	case OUT_PORT:
		output_port(w, o);
		break;
	case OUT_CONTROLLER:
		to_controller(w, o);
		break;
	case OUT_NORMAL:
		output_normal(w, o);
		break;
	}
}

/* Outs by the packets they came from, and of one packet as they were made (stable). */
static void sort(const struct burst *b, uint16_t order[OUT_MAX])
{
	uint16_t at[BURST_MAX + 1] = { 0 };

	for (uint32_t i = 0; i < b->n_out; i++)
		at[b->out[i].idx + 1]++;
	for (unsigned int i = 1; i < BURST_MAX; i++)
		at[i] = (uint16_t)(at[i] + at[i - 1]);
	for (uint32_t i = 0; i < b->n_out; i++)
		order[at[b->out[i].idx]++] = (uint16_t)i;
}

static void emit_in_order(struct pmd *w, struct burst *b) PMD
{
	uint16_t order[OUT_MAX];

	sort(b, order);
	for (uint32_t i = 0; i < b->n_out; i++)
		emit(w, &b->out[order[i]]);
}

static void emit_one(struct pmd *w, const struct express_lot *x, struct rte_mbuf *m) PMD
{
	struct out o = { .m = m, .kind = OUT_PORT, .port = x->port, .in_port = x->in_port };

	o.tunneled = x->tunneled;
	o.tun = (struct out_tunnel){ .tun_id = x->tun_id, .src = x->tun_src, .dst = x->tun_dst };
	output_port(w, &o);
}

/* Frames m[0] to m[n - 1] of lot 'x'. */
static void emit_lot(struct pmd *w, const struct express_lot *x, struct rte_mbuf **m,
		     unsigned int n) PMD
{
	const struct port *p = port_by_no(w->dp, x->port);

	if (likely(p && !p->tunnel && output_is_plain(p) &&
		   x->longest <= (uint32_t)p->mtu + ETHER_HLEN))
		txq_add_all(w, p, m, n);
	else if (p && p->tunnel && !closed(p))
		tunnel_express(w, p, x, m, n);
	else
		for (unsigned int i = 0; i < n; i++)
			emit_one(w, x, m[i]);
}

/* How far a burst's express frames have been sent. */
struct express_sent {
	uint32_t x, lot;
};

/* Those that came before frame 'seq'. */
static void emit_express(struct pmd *w, struct burst *b, struct express_sent *s,
			 unsigned int seq) PMD
{
	while (s->x < b->n_x && b->x_seq[s->x] < seq) {
		const struct express_lot *lot = &b->lots[s->lot];
		const uint32_t first = s->x;

		s->x = lot->end;
		while (unlikely(b->x_seq[s->x - 1] >= seq))
			s->x--;
		s->lot += s->x == lot->end;
		emit_lot(w, lot, b->x + first, s->x - first);
	}
}

/* What has not been sent begins the burst's. */
static void keep_rest(struct burst *b, const struct express_sent *s)
{
	/* Not by a subtraction of both: what was just written by halves would be waited for. */
	if (likely(s->x == b->n_x)) {
		b->n_x = b->n_lots = 0;
		return;
	}
	b->n_x -= s->x;
	b->n_lots -= s->lot;
	memmove(b->x, b->x + s->x, b->n_x * sizeof(b->x[0]));
	memmove(b->x_seq, b->x_seq + s->x, b->n_x);
	memmove(b->lots, b->lots + s->lot, b->n_lots * sizeof(b->lots[0]));
	for (uint32_t i = 0; i < b->n_lots; i++)
		b->lots[i].end = (uint8_t)(b->lots[i].end - s->x);
}

/* Frames of the express way between those of the pipeline, each in its place. */
static void emit_merged(struct pmd *w, struct burst *b) PMD
{
	struct express_sent s = { 0 };
	uint16_t order[OUT_MAX];

	if (b->n_out)
		sort(b, order);
	for (uint32_t i = 0; i < b->n_out; i++) {
		struct out *o = &b->out[order[i]];

		emit_express(w, b, &s, b->seq[o->idx]);
		emit(w, o);
	}
	if (!b->more)
		emit_express(w, b, &s, UINT_MAX);
	keep_rest(b, &s);
}

void output_flush(struct pmd *w, struct burst *b)
{
	if (b->n_x)
		emit_merged(w, b);
	else if (b->out_of_order)
		emit_in_order(w, b);
	else
		for (uint32_t i = 0; i < b->n_out; i++)
			emit(w, &b->out[i]);
	b->n_out = b->n_keys = 0;
	b->out_of_order = false;
}
