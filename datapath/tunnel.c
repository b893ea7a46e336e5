/* SPDX-License-Identifier: Apache-2.0 */
/* The PMDs' half of tunnel ports. */
#include "base/lines.h"
#include "datapath/tunnel.h"

#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "datapath/dp.h"
#include "datapath/express.h"
#include "datapath/output.h"
#include "datapath/parse.h"
#include "datapath/punt.h"
#include "datapath/refrag.h"
#include "datapath/tunnel_key.h"
#include "datapath/tunnel_priv.h"
#include "datapath/txq.h"
#include "vxlan/toobig.h"

struct tunnel_ctx {
	struct vxlan_ctx vx;
	uint64_t seen[VXLAN_N_DROPS]; /* of vx.drops: what has been put to a port's account */
	uint64_t tsc_per_ms;
	struct vxlan_toobig_limit limit;
	struct vxlan_memory *memory;
	struct vxlan_rx_out rx;
	struct vxlan_big big;
	struct vxlan_toobig_out small;
};

/* vxlan/ counts finer than the switch names its drops. */
static const enum drop drop_of[VXLAN_N_DROPS] = {
	[VXLAN_DROP_OUTER_SHORT] = DROP_TUN_BAD_HEADER,
	[VXLAN_DROP_OUTER_SPLIT] = DROP_TUN_BAD_HEADER,
	[VXLAN_DROP_OUTER_LEN] = DROP_TUN_BAD_HEADER,
	[VXLAN_DROP_OUTER_CSUM] = DROP_TUN_BAD_CSUM,
	[VXLAN_DROP_UDP_CSUM] = DROP_TUN_BAD_CSUM,
	[VXLAN_DROP_OUTER_FRAG] = DROP_TUN_FRAGMENT,
	[VXLAN_DROP_NO_VNI] = DROP_TUN_BAD_HEADER,
	[VXLAN_DROP_INNER_SHORT] = DROP_TUN_BAD_HEADER,
	[VXLAN_DROP_ECN] = DROP_TUN_BAD_HEADER,
	[VXLAN_DROP_RUNT] = DROP_RX_TRUNCATED,
	[VXLAN_DROP_NO_NEXTHOP] = DROP_TUN_NO_NEIGH,
	[VXLAN_DROP_TOO_BIG] = DROP_TUN_MTU,
	[VXLAN_DROP_OFFLOAD] = DROP_TUN_BAD_HEADER,
	[VXLAN_DROP_NO_MBUF] = DROP_NO_MBUF,
};

struct tunnel_ctx *tunnel_ctx_new(struct dp *dp)
{
	struct tunnel_ctx *c = lines_new(1, sizeof(*c));

	if (!c)
		return NULL;
	c->memory = vxlan_memory_new();
	if (!c->memory) {
		lines_free(c);
		return NULL;
	}
	c->vx.pool = dp->pool;
	c->tsc_per_ms = rte_get_tsc_hz() / 1000;
	return c;
}

void tunnel_ctx_free(struct tunnel_ctx *c)
{
	if (c)
		vxlan_memory_free(c->memory);
	lines_free(c);
}

bool tunnel_is_fixed(const struct port *p)
{
	return !p->tunnel->cfg.flow_remote && !p->tunnel->cfg.flow_vni;
}

/* Puts what vxlan/ has dropped since the last call to the account of 'p'; returns how many. */
static unsigned int account(struct pmd *w, const struct port *p, bool tx)
{
	struct port_counters *pc = &w->ports[p->slot];
	struct tunnel_ctx *c = w->tunnel;
	unsigned int total = 0;

	if (likely(!memcmp(c->vx.drops, c->seen, sizeof(c->seen))))
		return 0;
	for (unsigned int i = 1; i < VXLAN_N_DROPS; i++) {
		uint64_t n = c->vx.drops[i] - c->seen[i];

		counter_add(&pc->drops[drop_of[i]], n);
		c->seen[i] = c->vx.drops[i];
		total += (unsigned int)n;
	}
	if (tx)
		counter_add(&pc->tx_dropped, total);
	else
		counter_add(&pc->rx_dropped, total);
	return total;
}

/* ---- Receiving ---- */

static void to_vtep(struct pmd *w, const struct port *p, struct rte_mbuf *m) PMD
{
	struct punt *u = punt_get(w, PUNT_VTEP, p->no, 0, m->pkt_len);

	if (!u) { /* counted */
		rte_pktmbuf_free(m);
		return;
	}
	u->m = m;
	punt_send(w, u);
}

static uint32_t row_find(const struct uplink *u, uint32_t end, const struct vxlan_rx *r,
			 bool any_vni, bool any_remote)
{
	uint32_t h = uplink_hash(u, (uint16_t)end, any_vni ? NULL : &r->vni,
				 any_remote ? NULL : &r->src);

	for (;; h++) {
		const struct uplink_row *row = &u->rows[h & u->mask];

		if (!row->port)
			return 0;
		if (row->end == end && row->any_vni == any_vni && row->any_remote == any_remote &&
		    (any_vni || row->vni == r->vni) &&
		    (any_remote || vxlan_addr_eq(&row->remote, &r->src)))
			return row->port;
	}
}

/* The port that fits best: VNI and remote its own, then the remote, then the VNI, then neither. */
uint32_t uplink_port_of(const struct vxlan_term *t, const struct vxlan_local *l,
			const struct vxlan_rx *r)
{
	static const uint8_t order[] = { 0, ANY_VNI, ANY_REMOTE, ANY_VNI | ANY_REMOTE };
	const struct uplink *u = (const void *)t;

	_Static_assert(offsetof(struct uplink, term) == 0, "one is the other's");
	for (unsigned int i = 0; i < RTE_DIM(order); i++) {
		const uint32_t no =
			u->kinds >> order[i] & 1
				? row_find(u, l->port, r, order[i] & ANY_VNI, order[i] & ANY_REMOTE)
				: 0;

		if (no)
			return no;
	}
	return 0;
}

static void key_set(struct pkt *p, const struct port *uplink, const struct vxlan_rx *r)
{
	pkt_touch(p, offsetof(struct flow_key, tun_src));
	p->key.in_phy_port = htobe32(uplink->no);
	tunnel_key(r, &p->key);
}

static void drop_rx(struct pmd *w, const struct port *p, struct rte_mbuf **m, unsigned int n,
		    enum drop why)
{
	counter_add(&w->ports[p->slot].rx_dropped, n);
	counter_add(&w->ports[p->slot].drops[why], n);
	rte_pktmbuf_free_bulk(m, n);
}

/* The port of the tunnel that frames were in, when it takes them; NULL: they are dropped. */
static const struct port *receive(struct pmd *w, const struct port *uplink, uint32_t no,
				  struct rte_mbuf **m, unsigned int n, uint64_t bytes)
{
	const struct port *p = no ? port_by_no(w->dp, no) : NULL;

	if (unlikely(!p)) {
		drop_rx(w, uplink, m, n, DROP_TUN_NO_PORT);
		return NULL;
	}
	counter_add(&w->ports[p->slot].rx_packets, n);
	counter_add(&w->ports[p->slot].rx_bytes, bytes);
	if (unlikely(atomic_load_explicit(&p->config, memory_order_relaxed) &
		     (OFPPC_PORT_DOWN | OFPPC_NO_RECV))) {
		drop_rx(w, p, m, n, DROP_PORT_NO_RECV);
		return NULL;
	}
	return p;
}

/* Those that came by one tunnel one after the other, as far as their port takes them. */
struct arrivals {
	unsigned int n, n_frames;
	struct express_from from[BURST_MAX];
	const struct port *port[BURST_MAX];
};

/* A port is asked once for runs in a row. */
static void receive_all(struct pmd *w, const struct port *uplink, struct vxlan_rx_out *rx,
			struct arrivals *a) PMD
{
	struct rte_mbuf **m = rx->inner;
	unsigned int i = 0;

	a->n = a->n_frames = 0;
	while (i < rx->n_runs) {
		const uint32_t no = rx->run[i].rx->port;
		const unsigned int first = i;
		const struct port *p;
		unsigned int n = 0;
		uint64_t bytes = 0;

		for (; i < rx->n_runs && rx->run[i].rx->port == no; i++) {
			n += rx->run[i].n;
			bytes += rx->run[i].bytes;
		}
		p = receive(w, uplink, no, m, n, bytes);
		if (likely(p)) {
			if (unlikely(m != rx->inner + a->n_frames))
				memmove(rx->inner + a->n_frames, m, n * sizeof(*m));
			for (unsigned int k = first; k < i; k++) {
				a->n_frames += rx->run[k].n;
				a->port[a->n] = p;
				a->from[a->n++] =
					(struct express_from){ no, a->n_frames, rx->run[k].rx };
			}
		}
		m += n;
	}
}

/* Frames that were in tunnels: some leave by express, the others become packets. */
static void start_inner(struct pmd *w, struct burst *b, const struct port *uplink,
			struct vxlan_rx_out *rx) PMD
{
	struct arrivals a;
	unsigned int at = 0;
	uint64_t left;

	receive_all(w, uplink, rx, &a);
	if (!a.n_frames)
		return;
	left = UINT64_MAX >> (64 - a.n_frames);
	if (likely(express_open(w)))
		left = express_run(w, b, rx->inner, a.n_frames, uplink->no, a.from);
	if (left)
		stage_begin_set(&w->stages, STAGE_PARSE, left);
	for (; left; left &= left - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(left);

		while (i >= a.from[at].end)
			at++;
		b->seq[b->n] = (uint8_t)i;
		if (!pkt_init(b, b->n, rx->inner[i], a.port[at]->no)) {
			drop_rx(w, a.port[at], &rx->inner[i], 1, DROP_RX_TRUNCATED);
			continue;
		}
		key_set(&b->pkt[b->n], uplink, a.from[at].rx);
		b->n++;
	}
}

uint64_t tunnel_rx(struct pmd *w, struct burst *b, const struct port *p, const struct uplink *u,
		   struct rte_mbuf **m, unsigned int n, uint64_t flags)
{
	struct tunnel_ctx *c = w->tunnel;
	unsigned int out;

	stage_begin(&w->stages, STAGE_DECAP, n);
	vxlan_rx_burst(&c->vx, c->memory, &u->term, m, (uint16_t)n, flags, &c->rx);
	out = c->rx.n_inner + c->rx.n_ctrl + c->rx.n_pass + account(w, p, false);
	counter_add(&w->perf.created, out - n); /* what the VTEP overhears is a copy */
	for (unsigned int i = 0; i < c->rx.n_ctrl; i++)
		to_vtep(w, p, c->rx.ctrl[i]);
	start_inner(w, b, p, &c->rx);
	for (unsigned int i = 0; i < c->rx.n_pass; i++) {
		b->seq[b->n] = (uint8_t)(c->rx.n_inner + i);
		if (pkt_init(b, b->n, c->rx.pass[i], p->no))
			b->n++;
		else
			drop_rx(w, p, &c->rx.pass[i], 1, DROP_RX_TRUNCATED);
	}
	return b->n ? ~UINT64_C(0) >> (64 - b->n) : 0;
}

/* ---- Sending ---- */

static void drop_tx(struct pmd *w, const struct port *p, struct rte_mbuf *m, enum drop why)
{
	counter_add(&w->ports[p->slot].tx_dropped, 1);
	counter_add(&w->ports[p->slot].drops[why], 1);
	rte_pktmbuf_free(m);
}

/* What the packet's flows have said of its tunnel. */
static const struct out_tunnel *tun_of(const struct out *o)
{
	static const struct out_tunnel nothing;

	return o->tunneled ? &o->tun : &nothing;
}

/* The frame waits with the control thread, so that a first packet is not lost. */
static void resolve(struct pmd *w, const struct port *p, const struct out *o) PMD
{
	const struct out_tunnel *tun = tun_of(o);
	struct punt *u = punt_get(w, PUNT_RESOLVE, p->no, 0, o->m->pkt_len);

	if (!u) { /* counted */
		rte_pktmbuf_free(o->m);
		return;
	}
	u->port = p->no;
	u->key.tun_id = tun->tun_id;
	u->key.tun_src = tun->src;
	u->key.tun_dst = tun->dst;
	memcpy(u->key.tun_ipv6_dst, tun->ipv6_dst, 16);
	u->m = o->m;
	punt_send(w, u);
}

bool tunnel_remote(const struct port *p, const struct out_tunnel *tun, struct vxlan_addr *remote)
{
	const struct tunnel_cfg *cfg = &p->tunnel->cfg;

	if (!cfg->flow_remote)
		*remote = cfg->remote;
	else if (tun->dst)
		*remote = vxlan_addr_v4(tun->dst);
	else
		*remote = vxlan_addr_v6(tun->ipv6_dst);
	return !vxlan_addr_is_zero(remote);
}

static void encapsulated(struct pmd *w, const struct port *p, const struct port *uplink,
			 struct rte_mbuf *m, uint32_t inner_len, uint32_t queue_id) PMD
{
	counter_add(&w->ports[p->slot].tx_packets, 1);
	counter_add(&w->ports[p->slot].tx_bytes, inner_len);
	output_device(w, uplink, m, queue_id); /* a tunnel's queues are its uplink's */
}

/* A frame that was put together here is taken apart again, each piece with its outer header. */
static void in_pieces(struct pmd *w, const struct port *p, const struct port *uplink,
		      const struct vxlan_tx *tx, struct refrag *r, struct rte_mbuf *m,
		      uint32_t queue_id) PMD
{
	struct tunnel_ctx *c = w->tunnel;

	while (refrag_more(r)) {
		struct rte_mbuf *piece = refrag_next(r, w->pool);
		uint32_t len;

		if (!piece) { /* the others are of no use */
			drop_tx(w, p, m, DROP_NO_MBUF);
			return;
		}
		counter_add(&w->perf.created, 1);
		len = piece->pkt_len;
		if (vxlan_encap_burst(&c->vx, &piece, tx, 1, NULL))
			encapsulated(w, p, uplink, piece, len, queue_id);
		else
			account(w, p, true);
	}
	counter_add(&w->perf.consumed, 1);
	rte_pktmbuf_free(m);
}

/* An inner frame that does not fit: an answer to its sender, or pieces that fit (vxlan/toobig.h).
 */
static void too_big(struct pmd *w, const struct port *p, const struct port *uplink,
		    const struct vxlan_tx *tx, struct rte_mbuf *m, const struct out *o) PMD
{
	struct tunnel_ctx *c = w->tunnel;
	const struct port *in = port_by_no(w->dp, o->in_port);
	struct refrag r;
	unsigned int n;

	if (refrag_start(&r, m, tx->tmpl->room)) {
		in_pieces(w, p, uplink, tx, &r, m, o->queue_id);
		return;
	}
	n = vxlan_toobig(&c->vx, &c->limit, w->now / c->tsc_per_ms, m, tx->tmpl->room, &c->small);

	if (!n) {
		account(w, p, true);
		return;
	}
	counter_add(&w->perf.created, c->small.answer ? 1 : n - 1);
	if (c->small.answer) {
		counter_add(&w->ports[p->slot].tx_dropped, 1);
		counter_add(&w->ports[p->slot].drops[DROP_TUN_MTU], 1);
		if (in && !in->tunnel)
			output_device(w, in, c->small.pkt[0], 0);
		else
			drop_tx(w, p, c->small.pkt[0], DROP_TUN_MTU);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *piece = c->small.pkt[i];
		uint32_t len = piece->pkt_len;

		if (vxlan_encap_burst(&c->vx, &piece, tx, 1, NULL))
			encapsulated(w, p, uplink, piece, len, o->queue_id);
		else
			account(w, p, true);
	}
}

/* Where frames for a tunnel port go; without a peer nobody knows yet. */
struct tunnel_way {
	const struct port *uplink;
	const struct vxlan_peer *peer;
	struct vxlan_tx tx;
};

/* Why there is none: DROP_TUN_NO_NEIGH: the peer is to be asked for; N_DROPS: there is. */
static enum drop way_find(struct pmd *w, const struct port *p, const struct out_tunnel *tun,
			  struct tunnel_way *way)
{
	const struct tunnel *t = p->tunnel;
	struct vxlan_addr remote;

	way->uplink = port_by_no(w->dp, atomic_load_explicit(&t->uplink_no, memory_order_acquire));
	if (!tunnel_remote(p, tun, &remote))
		return DROP_TUN_NO_REMOTE;
	if (!way->uplink)
		return DROP_TUN_NO_UPLINK;
	way->peer = vxlan_peers_find(&t->end->peers, &remote);
	if (!way->peer)
		return DROP_TUN_NO_NEIGH;
	way->tx = (struct vxlan_tx){ .tmpl = &way->peer->tmpl, .vni = t->cfg.vni };
	if (t->cfg.flow_vni)
		way->tx.vni = (uint32_t)be64toh(tun->tun_id) & VXLAN_VNI_MASK;
	return N_DROPS;
}

/* One frame whose way is known. */
static void send_one(struct pmd *w, const struct port *p, const struct tunnel_way *way,
		     const struct out *o) PMD
{
	struct tunnel_ctx *c = w->tunnel;
	struct rte_mbuf *m = o->m;
	const uint32_t len = m->pkt_len;

	c->big.n = 0;
	if (unlikely(refrag_is_due(m)))
		too_big(w, p, way->uplink, &way->tx, m, o);
	else if (vxlan_encap_burst(&c->vx, &m, &way->tx, 1, &c->big))
		encapsulated(w, p, way->uplink, m, len, o->queue_id);
	else if (c->big.n)
		too_big(w, p, way->uplink, &way->tx, c->big.pkt[0], o);
	else
		account(w, p, true);
}

void tunnel_output(struct pmd *w, const struct port *p, const struct out *o)
{
	struct tunnel_way way;
	enum drop why;

	stage_begin(&w->stages, STAGE_ENCAP, 1);
	why = way_find(w, p, tun_of(o), &way);
	if (likely(why == N_DROPS))
		send_one(w, p, &way, o);
	else if (why == DROP_TUN_NO_NEIGH)
		resolve(w, p, o);
	else
		drop_tx(w, p, o->m, why);
	stage_begin(&w->stages, STAGE_OUTPUT, 0);
}

/* ---- Sending, by the run ---- */

static struct out out_of(const struct express_lot *x, struct rte_mbuf *m)
{
	return (struct out){ .m = m,
			     .kind = OUT_PORT,
			     .port = x->port,
			     .in_port = x->in_port,
			     .tunneled = x->tunneled,
			     .tun = { .tun_id = x->tun_id, .src = x->tun_src, .dst = x->tun_dst } };
}

void tunnel_express(struct pmd *w, const struct port *p, const struct express_lot *x,
		    struct rte_mbuf **m, unsigned int n)
{
	struct port_counters *pc = &w->ports[p->slot];
	struct out o = out_of(x, m[0]);
	unsigned int alone = 0, done;
	struct tunnel_way way;
	uint64_t bytes = 0;
	bool plain;

	if (unlikely(way_find(w, p, tun_of(&o), &way) != N_DROPS)) {
		for (unsigned int i = 0; i < n; i++) {
			o.m = m[i];
			tunnel_output(w, p, &o);
		}
		return;
	}
	plain = output_is_plain(way.uplink);
	stage_begin(&w->stages, STAGE_ENCAP, n);
	for (unsigned int i = 0; i < n; i += done) {
		done = vxlan_encap_run(m + i, (uint16_t)(n - i), &way.tx, refrag_due_flag, &bytes);
		if (likely(plain)) /* a template fits its uplink's MTU */
			txq_add_all(w, way.uplink, m + i, done);
		else
			for (unsigned int sent = 0; sent < done; sent++)
				output_device(w, way.uplink, m[i + sent], 0);
		if (i + done == n)
			break;
		o.m = m[i + done++];
		send_one(w, p, &way, &o);
		alone++;
	}
	counter_add(&pc->tx_packets, n - alone);
	counter_add(&pc->tx_bytes, bytes);
	stage_begin(&w->stages, STAGE_OUTPUT, 0);
}
