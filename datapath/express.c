/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/express.h"

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "base/ip_proto.h"
#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/cache_priv.h"
#include "datapath/dp.h"
#include "datapath/express_ct.h"
#include "datapath/express_leave.h"
#include "datapath/express_priv.h"
#include "datapath/express_ride.h"
#include "datapath/express_route.h"
#include "datapath/express_table.h"
#include "datapath/pmd.h"

const struct l4_words express_l4[256] = {
	[PROTO_TCP] = { IP_HLEN + 20, UINT32_MAX, RTE_BE16(0xfff), 12 },
	[PROTO_UDP] = { IP_HLEN + 8, UINT32_MAX, 0, 0 },
	[PROTO_ICMP] = { IP_HLEN + 8, RTE_BE32(0xffff0000), 0, 0 },
};

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

/* The addresses of a frame that the express way takes; 0: it has none, or is not IPv4. */
static inline uint64_t addresses_of(const struct rte_mbuf *m)
{
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	unsigned int at = ETH_HLEN;

	if (unlikely(load16(f + MACS) != htobe16(ETH_TYPE_IPV4))) {
		at += VLAN_HLEN;
		if (m->data_len < at || !vlan_is_tpid(be16toh(load16(f + MACS))) ||
		    load16(f + MACS + VLAN_HLEN) != htobe16(ETH_TYPE_IPV4))
			return 0;
	}
	return likely(m->data_len >= at + IP_HLEN) ? load64(f + at + 12) : 0;
}

/* Those that may match an odd rule. */
static __rte_noinline uint64_t odd_frames(struct cache *c, const struct ride *r)
{
	uint64_t odd = 0;

	for (unsigned int i = 0; i < r->n; i++) {
		ahead(r, i);
		odd |= (uint64_t)cache_may_be_odd(c, addresses_of(r->m[i])) << i;
	}
	c->odd_maybe += (uint64_t)__builtin_popcountll(odd);
	return odd;
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

		hits |= (uint64_t)found(c, r, i) << i;
	}
	return hits;
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
		/* An odd rule looks at more than others do. */
		r->l3[i] = frame_words(r->m[i], r->odd & BIT(i) ? EXPRESS_IPV4 : r->need,
				       (uint64_t *)&p->key);
		if (!r->l3[i])
			continue;
		pkt_begin_key(p);
		if (r->from) {
			pkt_touch(p, offsetof(struct flow_key, tun_src));
			from = from_of(r, i, from);
			from_tunnel(from, &p->key);
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
	struct cache_habit *h = w->cache->habit;
	uint64_t keyed, done;

	if (h->walk_pause) {
		h->walk_pause--;
		return 0;
	}
	stage_begin_set(&w->stages, STAGE_WALK, todo);
	keyed = take_keys(b, r, todo, start);
	done = keyed ? express_walk(w, b, keyed, k, r->x) : 0;
	for (uint64_t not = keyed & ~done; not ; not &= not -1)
		r->x[__builtin_ctzll(not )] = NULL;
	h->walk_tried += (uint32_t)__builtin_popcountll(todo);
	h->walk_done += (uint32_t)__builtin_popcountll(done);
	if (h->walk_tried >= TRIAL) {
		if (h->walk_done < h->walk_tried / 8)
			h->walk_pause = PAUSE;
		h->walk_tried = h->walk_done = 0;
	}
	return done;
}

/* Those that routes of the first table, or without the cache any flows of it, tell all of, unless
 * that has been of no use lately. */
static inline uint64_t route(struct pmd *w, struct burst *b, struct ride *r) PMD
{
	enum { TRIAL = 256, PAUSE = 64 };
	const struct lpm *l = r->from ? NULL : express_routes(w);
	const struct cls *t = l || r->from || r->cached ? NULL : express_table(w);
	const struct express_routed to = { r->x, r->id, r->l3 };
	struct cache_habit *h = w->cache->habit;
	uint64_t routed;

	if (likely(!l && !t))
		return 0;
	if (h->route_pause) {
		h->route_pause--;
		return 0;
	}
	stage_begin(&w->stages, STAGE_LOOKUP, r->n);
	if (t)
		routed = express_table_find(t, w, b, r->m, r->n, r->in_port, r->need, &to);
	else
		routed = express_route(l, w, b->version, r->m, r->n, r->in_port, &to);
	stage_end_lookup(&w->stages, 0, STAGE_EXPRESS, all(r->n));
	counter_add(&w->perf.routed, (uint32_t)__builtin_popcountll(routed));
	h->route_tried += r->n;
	h->route_done += (uint32_t)__builtin_popcountll(routed);
	if (h->route_tried >= TRIAL) {
		if (h->route_done < h->route_tried / 2)
			h->route_pause = PAUSE;
		h->route_tried = h->route_done = 0;
	}
	return routed;
}

/* All of them were routed. */
static uint64_t leave_routed(struct pmd *w, struct burst *b, struct ride *r,
			     struct leaving *leaving) PMD
{
	const uint32_t in_port = r->in_port;
	const unsigned int n = r->n;
	struct leaving l = *leaving;
	uint64_t left = 0;

	stage_begin(&w->stages, STAGE_ACTIONS, n);
	for (unsigned int i = 0; i < n; i++) {
		const struct express *x = r->x[i];
		struct rte_mbuf *m = r->m[i];

		if (unlikely(!express_fits(x, m, r->l3[i], in_port))) {
			left |= BIT(i);
			continue;
		}
		pmd_count_flow(w, r->id[i], frame_len(m));
		/* (Routes are of frames of one segment.) */
		if (likely(x->port == l.port && in_port == l.in_port && !(x->does & EXPRESS_TUN))) {
			change(x, m, r->l3[i]);
			join(b, &l, m, i, m->pkt_len);
			continue;
		}
		leaving_put(leaving, &l);
		leave(w, b, leaving, x, m, r->l3[i], i, in_port);
		l = *leaving;
	}
	leaving_put(leaving, &l);
	count_table(w, n - (unsigned int)__builtin_popcountll(left));
	return left;
}

/*
 * Frames from the first one on that run_cached() has not served: those that are known ('hits'),
 * routed among them, those that walk, and ct().  Returns who walked.
 */
static __rte_noinline uint64_t run_rest(struct pmd *w, struct burst *b, struct ride *r,
					struct leaving *l, const struct flow_key *key,
					unsigned int first, uint64_t hits, uint64_t routed,
					uint64_t *left) PMD
{
	static struct express has_left; /* never looked into */
	const struct express_from *from = r->from;
	uint64_t walked = all(r->n) & ~all(first) & ~hits;
	struct express_walk k;

	if (walked)
		walked = walk(w, b, r, &k, walked, key);
	if (r->to_ct) {
		for (uint64_t gone = all(first) & ~*left; gone; gone &= gone - 1)
			r->x[__builtin_ctzll(gone)] = &has_left;
		stage_begin_set(&w->stages, STAGE_CT, r->to_ct);
		express_track(w, b, r->m, r->n, r->to_ct, r->in_port, r->l3, r->x);
	}
	/* Those that were looked up are there already. */
	stage_begin(&w->stages, STAGE_ACTIONS, r->cached && !routed ? 0 : r->n);
	for (unsigned int i = first; i < r->n; i++) {
		const struct express *x = r->x[i];
		uint32_t in = r->in_port;

		if (from) {
			from = from_of(r, i, from);
			in = from->port;
		}
		if (!x || !express_fits(x, r->m[i], r->l3[i], in) || stays_in_tunnels(w, r, l, x)) {
			*left |= BIT(i);
			continue;
		}
		if (walked & BIT(i))
			count_way(w, &k, i, frame_len(r->m[i]));
		else if (unlikely(routed & BIT(i)))
			count_routed(w, r->id[i], frame_len(r->m[i]));
		else if (r->to_ct >> i & 1)
			; /* by express_track() */
		else if (unlikely(way_is_long(x->n_flows)))
			count_long(w, l, x, 1, frame_len(r->m[i]));
		else
			count(w, l, x, frame_len(r->m[i]));
		leave(w, b, l, x, r->m[i], r->l3[i], i, in);
	}
	walked &= ~*left;
	if (r->cached)
		keep(w, r, &k, walked & ~r->odd);
	return walked;
}

static uint64_t run_each(struct pmd *w, struct burst *b, struct ride *r, struct leaving *l,
			 struct flow_key *key) PMD
{
	const uint64_t routed = route(w, b, r);
	uint64_t hits = routed, walked = 0, left = 0, served;
	unsigned int gone = 0;

	if (routed == all(r->n))
		return leave_routed(w, b, r, l);
	if (!r->cached) {
		for (unsigned int i = 0; i < r->n; i++)
			if (!(routed >> i & 1))
				r->x[i] = NULL;
	} else if (unlikely(routed)) {
		hits |= look_up_some(w->cache, r, key, all(r->n) & ~routed);
	} else {
		gone = run_cached(w, b, r, l, key, &hits, &left);
	}
	if (unlikely(gone < r->n))
		walked = run_rest(w, b, r, l, key, gone, hits, routed, &left);
	served = all(r->n) & ~left & ~routed;
	if (r->cached)
		cache_judge(w, (uint32_t)__builtin_popcountll(served),
			    (uint32_t)__builtin_popcountll(served & ~walked));
	return left;
}

/*
 * Where nothing but port and tag is looked at: frames in a row that have the same one go at once.
 * That is tried again from time to time where few have.
 */
static uint64_t run_tagged(struct pmd *w, struct burst *b, struct ride *r, struct leaving *l,
			   struct flow_key *key) PMD
{
	enum { PAUSE = 64, RUN = 4 };
	struct cache *c = w->cache;
	struct cache_habit *h = c->habit;
	uint64_t left = 0, walked = 0, hits;
	unsigned int gone, runs = 0;
	uint32_t served;

	if (h->run_pause) {
		h->run_pause--;
		return run_each(w, b, r, l, key);
	}
	gone = express_tagged(w, b, l, r->m, r->n, key, &left, &runs);
	c->sure = gone == r->n && runs * RUN <= gone;
	if (runs > 1 && runs * RUN > gone)
		h->run_pause = PAUSE;
	if (unlikely(gone < r->n)) {
		hits = look_up_some(c, r, key, all(r->n) & ~all(gone));
		walked = run_rest(w, b, r, l, key, gone, hits, 0, &left);
	}
	served = r->n - (uint32_t)__builtin_popcountll(left);
	cache_judge(w, served, served - (uint32_t)__builtin_popcountll(walked));
	return left;
}

bool express_open(const struct pmd *w)
{
	return w->cache &&
	       atomic_load_explicit(&w->dp->frag_mode, memory_order_relaxed) == OFPC_FRAG_NORMAL;
}

/* What comes before registers: the rest flows fill. */
static inline void key_begin(struct flow_key *key, uint32_t in_port)
{
	uint8_t *k = (uint8_t *)key;

	_Static_assert(offsetof(struct flow_key, reg) == 3 * FLOW_KEY_LINE, "three lines");
	memset(k, 0, FLOW_KEY_LINE); /* line by line: so they are stores, and no loop */
	memset(k + FLOW_KEY_LINE, 0, FLOW_KEY_LINE);
	memset(k + 2 * FLOW_KEY_LINE, 0, FLOW_KEY_LINE);
	/* Both at once, as they are read: halves just written would be waited for. */
	((uint64_t *)key)[W_PORT] = htobe32(in_port) * UINT64_C(0x100000001);
}

uint64_t express_run(struct pmd *w, struct burst *b, struct rte_mbuf **m, unsigned int n,
		     uint32_t in_port, const struct express_from *from)
{
	struct cache *c = w->cache;
	struct flow_key key; /* what of it frames and tunnels tell */
	struct leaving l;
	struct ride r; /* most of it is written frame by frame */
	uint64_t left;

	stage_begin(&w->stages, STAGE_EXPRESS, n);
	key_begin(&key, in_port);
	r.m = m;
	r.n = n;
	r.in_port = in_port;
	r.from = from;
	r.cached = cache_ready(c, w->dp, b->version); /* 'need' is of these tables, too */
	r.need = c->need == EXPRESS_IPV4 || (c->n_odd && !r.cached) ? EXPRESS_IPV4 : EXPRESS_ETH;
	r.to_ct = 0;
	r.odd = c->n_odd && r.cached ? odd_frames(c, &r) : 0;
	c->sure = false;
	leave_begin(b, &l);
	if (c->need == EXPRESS_NOTHING && r.cached)
		left = express_places(w, b, &l, m, n, from, &key);
	else if (c->need == EXPRESS_TAG && r.cached && !from)
		left = run_tagged(w, b, &r, &l, &key);
	else
		left = run_each(w, b, &r, &l, &key);
	leave_end(w, b, &l);
	return left;
}
