/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/express.h"

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "base/ip_proto.h"
#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/cache_priv.h"
#include "datapath/csum.h"
#include "datapath/dp.h"
#include "datapath/express_ct.h"
#include "datapath/express_priv.h"
#include "datapath/express_route.h"
#include "datapath/pmd.h"

enum express_need express_need(uint64_t words)
{
	const uint64_t port = BIT(0) | BIT(W_PORT) | BIT(W_TUN);

	if (!(words & ~port))
		return EXPRESS_NOTHING;
	if (!(words & ~(port | BIT(W_DST) | BIT(W_SRC))))
		return EXPRESS_ETH;
	return EXPRESS_IPV4;
}

/* ---- Leaving ---- */

static inline void rewrite(const struct express *x, uint8_t *f, unsigned int l3)
{
	if (x->does & EXPRESS_DST)
		memcpy(f, x->dst, 6);
	if (x->does & EXPRESS_SRC)
		memcpy(f + 6, x->src, 6);
	if (x->does & EXPRESS_TTL && unlikely(f[l3] >> 4 == 6)) {
		f[l3 + 7]--;
	} else if (x->does & EXPRESS_TTL) {
		const uint16_t was = load16(f + l3 + 8),
			       is = htobe16((uint16_t)(be16toh(was) - 0x100));

		memcpy(f + l3 + 8, &is, sizeof(is));
		csum_apply_word(f + l3 + 10, was, is);
	}
}

/* The MACs, and what a driver knows of the frame, go along. */
static inline uint8_t *move_macs(struct rte_mbuf *m, int by)
{
	uint8_t *f = rte_pktmbuf_mtod(m, uint8_t *);
	const uint64_t most = load64(f);
	const uint32_t rest = load32(f + 8);

	m->data_off = (uint16_t)(m->data_off - by);
	m->data_len = (uint16_t)(m->data_len + by);
	m->pkt_len = (uint32_t)((int)m->pkt_len + by);
	f -= by;
	memcpy(f, &most, sizeof(most));
	memcpy(f + 8, &rest, sizeof(rest));
	vlan_moved(m, by);
	return f;
}

static inline void retag(const struct express *x, struct rte_mbuf *m, unsigned int l3)
{
	const bool tagged = l3 > ETH_HLEN;
	uint8_t *f = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t tci = tagged ? get_be16(f + ETH_HLEN) : 0;

	if (x->does & EXPRESS_POP) {
		move_macs(m, -VLAN_HLEN);
		return;
	}
	if (x->does & EXPRESS_PUSH) {
		f = move_macs(m, VLAN_HLEN);
		tci &= (uint16_t)~VLAN_DEI;
		put_be16(f + MACS, x->does & EXPRESS_STAG ? VLAN_TPID_S : VLAN_TPID_C);
	} else if (!tagged) {
		return;
	}
	put_be16(f + ETH_HLEN, (uint16_t)((tci & ~x->tci_mask) | x->tci));
}

static __rte_always_inline void leave(struct pmd *w, struct burst *b, const struct express *x,
				      struct rte_mbuf *m, unsigned int l3, unsigned int seq,
				      uint32_t in_port) PMD
{
	struct express_out *o = &b->x[b->n_x];

	if (unlikely(!x->port)) {
		pmd_count_drop(w, in_port, DROP_NO_ACTION);
		rte_pktmbuf_free(m);
		return;
	}
	b->n_x++;
	if (x->does & EXPRESS_WRITES)
		rewrite(x, rte_pktmbuf_mtod(m, uint8_t *), l3);
	if (x->does & EXPRESS_TAGS)
		retag(x, m, l3);
	o->m = m;
	o->port = x->port;
	o->in_port = in_port;
	o->seq = (uint8_t)seq;
	o->tunneled = x->does & EXPRESS_TUN;
	if (o->tunneled) {
		o->tun_id = htobe64(be32toh(x->tun_id));
		o->tun_src = x->tun_src;
		o->tun_dst = x->tun_dst;
	}
}

static inline uint32_t frame_len(const struct rte_mbuf *m)
{
	return m->pkt_len < UINT16_MAX ? m->pkt_len : UINT16_MAX;
}

static inline void count(struct pmd *w, const struct express *x, uint32_t n, uint64_t bytes)
{
	for (unsigned int i = 0; i < x->n_flows; i++) {
		counter_add(&w->perf.table_lookups[x->table[i]], n);
		counter_add(&w->perf.table_matches[x->table[i]], n);
		pmd_count_flows(w, x->id[i], n, bytes);
	}
}

static inline void count_way(struct pmd *w, const struct express_walk *k, unsigned int i,
			     uint32_t bytes)
{
	for (unsigned int n = 0; n < k->n[i]; n++) {
		const struct flow *f = k->flow[i][n];

		counter_add(&w->perf.table_lookups[f->table_id], 1);
		counter_add(&w->perf.table_matches[f->table_id], 1);
		pmd_count_flow(w, f->id, bytes);
	}
}

static inline void count_table(struct pmd *w, uint32_t n)
{
	counter_add(&w->perf.table_lookups[0], n);
	counter_add(&w->perf.table_matches[0], n);
}

static inline void count_routed(struct pmd *w, uint32_t id, uint32_t bytes)
{
	count_table(w, 1);
	pmd_count_flow(w, id, bytes);
}

static uint64_t all(unsigned int n)
{
	return n == 64 ? UINT64_MAX : BIT(n) - 1;
}

/* What the tunnel has to say in the key; false: it does not go by express. */
static inline bool from_tunnel(const struct express_from *from, struct flow_key *key)
{
	key->in_port = htobe32(from->port);
	key->tun_id = from->tun_id;
	key->tun_src = from->tun_src;
	key->tun_dst = from->tun_dst;
	key->tun_tos = from->tun_tos;
	key->tun_ttl = from->tun_ttl;
	return from->port;
}

/* What a flow has not said of the next tunnel is as it was in the last one: not composed. */
static bool goes_on_in_a_tunnel(const struct pmd *w, const struct express *x)
{
	const struct port *p = port_by_no(w->dp, x->port);

	return x->port && (!p || p->tunnel);
}

/* Frames m[first] to m[end - 1] came in at one place and go the same way.  False: they do not, or
 * that is not known. */
static bool run_alike(struct pmd *w, struct burst *b, struct rte_mbuf **m, unsigned int first,
		      unsigned int end, const struct flow_key *key, bool tunnel, uint64_t *left) PMD
{
	const struct cache *c = w->cache;
	uint64_t words[CACHE_WORDS_MAX], bytes = 0;
	const uint64_t hash = cache_take(c, (const uint64_t *)key, words, c->n_in);
	const struct cache_entry *e = cache_find(c, c->stamp, hash, words, c->n_in);
	const uint32_t in_port = be32toh(key->in_port);
	unsigned int served = 0;

	if (!e || e->way != CACHE_EXPRESS || (tunnel && goes_on_in_a_tunnel(w, &e->express))) {
		*left |= all(end) & ~all(first);
		return true;
	}
	if (e->express.does & EXPRESS_TAGS)
		return false;
	stage_begin(&w->stages, STAGE_ACTIONS, end - first);
	for (unsigned int i = first; i < end; i++) {
		if (m[i]->data_len < ETH_HLEN || !express_fits(&e->express, m[i], 0, in_port)) {
			*left |= BIT(i);
			continue;
		}
		served++;
		bytes += frame_len(m[i]);
		leave(w, b, &e->express, m[i], 0, i, in_port);
	}
	count(w, &e->express, served, bytes);
	cache_judge(w, served, served);
	return true;
}

/* A burst on its way. */
struct ride {
	struct rte_mbuf **m;
	unsigned int n;
	uint32_t in_port;
	unsigned int first;		 /* the place of m[0] in the burst */
	const struct express_from *from; /* NULL: through no tunnel */
	enum express_need need;
	uint64_t hash[BURST_MAX];
	struct express *x[BURST_MAX]; /* NULL: it is left to the pipeline */
	uint32_t id[BURST_MAX];	      /* flows of those that were routed */
	uint8_t l3[BURST_MAX];
	uint64_t to_ct; /* those whose way leads to ct(), so far */
};

/* Where frame i came from, which is not before 'from'. */
static inline const struct express_from *from_of(const struct ride *r, unsigned int i,
						 const struct express_from *from)
{
	while (r->first + i >= from->end)
		from++;
	return from;
}

static inline void ahead(const struct ride *r, unsigned int i)
{
	enum { AHEAD = 4 };

	if (i + AHEAD < r->n)
		rte_prefetch0(rte_pktmbuf_mtod(r->m[i + AHEAD], void *));
}

/* Who is in the cache; in rounds, so that each finds there what the one before has asked for. */
static __rte_always_inline uint64_t look_up_n(struct cache *c, struct ride *r, struct flow_key *key,
					      unsigned int n_words)
{
	const bool may_track = c->tracks && !r->from;
	const struct express_from *from = r->from;
	bool ours = !from || from_tunnel(from, key);
	uint64_t hits = 0;

	for (unsigned int i = 0; i < r->n; i++) {
		ahead(r, i);
		if (from && unlikely(r->first + i >= from->end)) {
			from = from_of(r, i, from);
			ours = from_tunnel(from, key);
		}
		r->l3[i] = frame_words(r->m[i], r->need, (uint64_t *)key);
		if (unlikely(!ours))
			r->l3[i] = 0;
		if (!r->l3[i])
			continue;
		r->hash[i] = cache_take(c, (uint64_t *)key, c->key[i], n_words);
		cache_prefetch(c, r->hash[i], n_words);
	}
	for (unsigned int i = 0; i < r->n; i++) {
		struct cache_entry *e =
			r->l3[i] ? cache_find(c, c->stamp, r->hash[i], c->key[i], n_words) : NULL;

		r->x[i] = NULL;
		if (e && (e->way == CACHE_EXPRESS || (e->way == CACHE_TO_CT && may_track))) {
			r->x[i] = &e->express;
			r->to_ct |= (uint64_t)(e->way == CACHE_TO_CT) << i;
		}
		/* One that is in the cache, and not express, would not be by a walk. */
		hits |= (uint64_t) !!e << i;
		rte_prefetch0(r->x[i]);
	}
	return hits;
}

/* The same for those of a burst that are in 'todo'. */
static uint64_t look_up_some(struct cache *c, struct ride *r, struct flow_key *key, uint64_t todo)
{
	const uint64_t each = todo;
	uint64_t hits = 0;

	for (; todo; todo &= todo - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(todo);

		r->l3[i] = frame_words(r->m[i], r->need, (uint64_t *)key);
		if (!r->l3[i])
			continue;
		r->hash[i] = cache_take(c, (uint64_t *)key, c->key[i], c->n_in);
		cache_prefetch(c, r->hash[i], c->n_in);
	}
	for (todo = each; todo; todo &= todo - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(todo);
		struct cache_entry *e =
			r->l3[i] ? cache_find(c, c->stamp, r->hash[i], c->key[i], c->n_in) : NULL;

		r->x[i] = NULL;
		if (e && (e->way == CACHE_EXPRESS || (e->way == CACHE_TO_CT && c->tracks))) {
			r->x[i] = &e->express;
			r->to_ct |= (uint64_t)(e->way == CACHE_TO_CT) << i;
		}
		hits |= (uint64_t) !!e << i;
	}
	return hits;
}

static uint64_t look_up(struct cache *c, struct ride *r, struct flow_key *key)
{
	switch (c->n_in) {
	case 1:
		return look_up_n(c, r, key, 1);
	case 2:
		return look_up_n(c, r, key, 2);
	case 3:
		return look_up_n(c, r, key, 3);
	case 4:
		return look_up_n(c, r, key, 4);
	case 5:
		return look_up_n(c, r, key, 5);
	default:
		return look_up_n(c, r, key, c->n_in);
	}
}

/* The keys of frames 'todo', in b->pkt[]; returns those that have one.  'start': what is the same
 * for all, and what frame_words() and from_tunnel() overwrite. */
static uint64_t take_keys(struct burst *b, struct ride *r, uint64_t todo,
			  const struct flow_key *start)
{
	const struct express_from *from = r->from;
	uint64_t taken = 0;

	for (; todo; todo &= todo - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(todo);
		struct pkt *p = &b->pkt[i];

		ahead(r, i);
		memcpy(&p->key, start, FLOW_KEY_LINE);
		r->l3[i] = frame_words(r->m[i], r->need, (uint64_t *)&p->key);
		if (!r->l3[i])
			continue;
		pkt_begin_key(p);
		if (r->from) {
			pkt_touch(p, offsetof(struct flow_key, tun_src));
			from = from_of(r, i, from);
			if (!from_tunnel(from, &p->key)) {
				r->l3[i] = 0;
				continue;
			}
		}
		taken |= BIT(i);
	}
	return taken;
}

/* What was not in the cache is there from now on. */
static void keep(struct pmd *w, const struct ride *r, const struct express_walk *k,
		 uint64_t who) PMD
{
	struct cache *c = w->cache;

	if (likely(!who))
		return;
	stage_begin_set(&w->stages, STAGE_FILL, who);
	for (; who; who &= who - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(who);

		c->hash[i] = r->hash[i];
		c->from[i] = c->stamp;
		cache_keep(c, i, k->flow[i], k->n[i], false);
	}
}

/* Walks with those in 'todo', unless that has been of no use lately. */
static uint64_t walk(struct pmd *w, struct burst *b, struct ride *r, struct express_walk *k,
		     uint64_t todo, const struct flow_key *start) PMD
{
	enum { TRIAL = 256, PAUSE = 64 };
	struct cache *c = w->cache;
	uint64_t keyed, done;

	if (c->walk_pause) {
		c->walk_pause--;
		return 0;
	}
	stage_begin_set(&w->stages, STAGE_WALK, todo);
	keyed = take_keys(b, r, todo, start);
	done = keyed ? express_walk(w, b, keyed, k, r->x) : 0;
	for (uint64_t not = keyed & ~done; not ; not &= not -1)
		r->x[__builtin_ctzll(not )] = NULL;
	c->walk_tried += (uint32_t)__builtin_popcountll(todo);
	c->walk_done += (uint32_t)__builtin_popcountll(done);
	if (c->walk_tried >= TRIAL) {
		if (c->walk_done < c->walk_tried / 8)
			c->walk_pause = PAUSE;
		c->walk_tried = c->walk_done = 0;
	}
	return done;
}

/* Those that routes of the first table tell all of, unless that has been of no use lately. */
static inline uint64_t route(struct pmd *w, const struct burst *b, struct ride *r) PMD
{
	enum { TRIAL = 256, PAUSE = 64 };
	const struct lpm *l = r->from ? NULL : express_routes(w);
	struct cache *c = w->cache;
	uint64_t routed;

	if (likely(!l))
		return 0;
	if (c->route_pause) {
		c->route_pause--;
		return 0;
	}
	stage_begin(&w->stages, STAGE_LOOKUP, r->n);
	routed = express_route(l, w, b->version, r->m, r->n, r->in_port,
			       &(struct express_routed){ r->x, r->id, r->l3 });
	stage_end_lookup(&w->stages, 0, STAGE_EXPRESS, all(r->n));
	counter_add(&w->perf.routed, (uint32_t)__builtin_popcountll(routed));
	c->route_tried += r->n;
	c->route_done += (uint32_t)__builtin_popcountll(routed);
	if (c->route_tried >= TRIAL) {
		if (c->route_done < c->route_tried / 2)
			c->route_pause = PAUSE;
		c->route_tried = c->route_done = 0;
	}
	return routed;
}

/* All of them were routed. */
static uint64_t leave_routed(struct pmd *w, struct burst *b, struct ride *r) PMD
{
	uint64_t left = 0;

	stage_begin(&w->stages, STAGE_ACTIONS, r->n);
	for (unsigned int i = 0; i < r->n; i++) {
		const struct express *x = r->x[i];

		if (unlikely(!express_fits(x, r->m[i], r->l3[i], r->in_port))) {
			left |= BIT(i);
			continue;
		}
		pmd_count_flow(w, r->id[i], frame_len(r->m[i]));
		leave(w, b, x, r->m[i], r->l3[i], i, r->in_port);
	}
	count_table(w, r->n - (unsigned int)__builtin_popcountll(left));
	return left;
}

static uint64_t run_each(struct pmd *w, struct burst *b, struct ride *r, struct flow_key *key,
			 bool cached) PMD
{
	const uint64_t routed = route(w, b, r);
	struct cache *c = w->cache;
	const struct express_from *from = r->from;
	uint32_t in = from ? from->port : r->in_port;
	uint64_t hits = 0, walked, left = 0, served;
	struct express_walk k;

	if (routed == all(r->n))
		return leave_routed(w, b, r);
	if (likely(cached)) {
		hits = unlikely(routed) ? look_up_some(c, r, key, all(r->n) & ~routed) | routed
					: look_up(c, r, key);
	} else {
		hits = routed;
		for (unsigned int i = 0; i < r->n; i++)
			if (!(routed >> i & 1))
				r->x[i] = NULL;
	}
	walked = likely(hits == all(r->n)) ? 0 : walk(w, b, r, &k, all(r->n) & ~hits, key);
	if (unlikely(r->to_ct)) {
		stage_begin_set(&w->stages, STAGE_CT, r->to_ct);
		express_track(w, b, r->m, r->n, r->to_ct, r->in_port, r->l3, r->x);
	}
	stage_begin(&w->stages, STAGE_ACTIONS, r->n);
	for (unsigned int i = 0; i < r->n; i++) {
		const struct express *x = r->x[i];

		if (from && unlikely(r->first + i >= from->end)) {
			from = from_of(r, i, from);
			in = from->port;
		}
		if (!x || !express_fits(x, r->m[i], r->l3[i], in) ||
		    (r->from && goes_on_in_a_tunnel(w, x))) {
			left |= BIT(i);
			continue;
		}
		if (walked & BIT(i))
			count_way(w, &k, i, frame_len(r->m[i]));
		else if (unlikely(routed & BIT(i)))
			count_routed(w, r->id[i], frame_len(r->m[i]));
		else if (!(r->to_ct >> i & 1)) /* those are, by express_track() */
			count(w, x, 1, frame_len(r->m[i]));
		leave(w, b, x, r->m[i], r->l3[i], r->first + i, in);
	}
	walked &= ~left;
	served = all(r->n) & ~left & ~routed;
	if (cached) {
		keep(w, r, &k, walked);
		cache_judge(w, (uint32_t)__builtin_popcountll(served),
			    (uint32_t)__builtin_popcountll(served & ~walked));
	}
	return left << r->first;
}

/* Nobody looks into frames: those of one tunnel go the same way. */
static uint64_t run_tunnels(struct pmd *w, struct burst *b, struct ride *r,
			    struct flow_key *key) PMD
{
	struct rte_mbuf **m = r->m;
	const struct express_from *from = r->from;
	uint64_t left = 0;

	for (unsigned int first = 0, n = r->n; first < n; first = from++->end) {
		if (!from_tunnel(from, key)) {
			left |= all(from->end) & ~all(first);
			continue;
		}
		if (run_alike(w, b, m, first, from->end, key, true, &left))
			continue;
		r->m = m + first;
		r->n = from->end - first;
		r->first = first;
		r->from = from;
		left |= run_each(w, b, r, key, true);
	}
	return left;
}

bool express_open(const struct pmd *w)
{
	return w->cache &&
	       atomic_load_explicit(&w->dp->frag_mode, memory_order_relaxed) == OFPC_FRAG_NORMAL;
}

uint64_t express_run(struct pmd *w, struct burst *b, struct rte_mbuf **m, unsigned int n,
		     uint32_t in_port, const struct express_from *from)
{
	struct cache *c = w->cache;
	struct flow_key key = { .in_port = htobe32(in_port), .in_phy_port = htobe32(in_port) };
	const bool cached = cache_ready(c, w->dp, b->version);
	struct ride r; /* most of it is written frame by frame */
	uint64_t left = 0;

	stage_begin(&w->stages, STAGE_EXPRESS, n);
	key.actset_output = htobe32(OFPP_UNSET);
	r.m = m;
	r.n = n;
	r.in_port = in_port;
	r.first = 0;
	r.from = from;
	r.need = c->need;
	r.to_ct = 0;
	if (c->need == EXPRESS_NOTHING) {
		r.need = EXPRESS_ETH;
		if (cached && from)
			return run_tunnels(w, b, &r, &key);
		if (cached && run_alike(w, b, m, 0, n, &key, false, &left))
			return left;
	}
	return run_each(w, b, &r, &key, cached);
}
