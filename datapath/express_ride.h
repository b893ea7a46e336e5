/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A burst on the express way, up to what is in the cache: its frames' keys, and the frames that
 * leave as soon as their way is found.
 *
 * Part of express.c, in a file of its own because it is what each frame of most switches comes
 * through, and nothing else: what is the same for a burst is taken out of its loops (compilers
 * cannot, for whatever is stored might change it), and they are compiled for keys of 1 to 5 words.
 * One PMD; a struct ride lives for one burst.
 */
#ifndef WEFT_DATAPATH_EXPRESS_RIDE_H
#define WEFT_DATAPATH_EXPRESS_RIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "datapath/cache_priv.h"
#include "datapath/dp.h"
#include "datapath/express.h"
#include "datapath/express_alike.h"
#include "datapath/express_leave.h"
#include "datapath/express_priv.h"
#include "datapath/pmd.h"

/* A burst on its way. */
struct ride {
	struct rte_mbuf **m;
	unsigned int n;
	uint32_t in_port;
	const struct express_from *from; /* NULL: through no tunnel */
	enum express_need need;
	uint64_t hash[BURST_MAX];
	struct cache_entry *e[BURST_MAX]; /* first of the pair where it may be in the cache */
	struct express *x[BURST_MAX];	  /* NULL: it is left to the pipeline */
	uint32_t id[BURST_MAX];		  /* flows of those that were routed */
	uint8_t l3[BURST_MAX];
	bool cached;	/* it is looked up */
	uint64_t to_ct; /* those whose way leads to ct(), so far */
	uint64_t odd;	/* those that may match an odd rule: not in the cache */
};

/* Where frame i came from, which is not before 'from'. */
static inline const struct express_from *from_of(const struct ride *r, unsigned int i,
						 const struct express_from *from)
{
	while (i >= from->end)
		from++;
	return from;
}

static inline void ahead(const struct ride *r, unsigned int i)
{
	enum { AHEAD = 4 };

	if (i + AHEAD < r->n)
		rte_prefetch0(rte_pktmbuf_mtod(r->m[i + AHEAD], void *));
}

/* Words of a key, where that is no constant. */
enum { ANY = 0 };

/* What of a frame's words is in a key of 'n'. */
struct key_words {
	uint64_t bits[CACHE_LINE_KEY];
	size_t word[CACHE_LINE_KEY];
};

static __rte_always_inline void key_words(struct key_words *k, const struct cache *c,
					  unsigned int n)
{
#pragma GCC unroll 8
	for (unsigned int i = 0; i < n; i++) {
		k->word[i] = c->word[i];
		k->bits[i] = c->bits[i];
	}
}

static __rte_always_inline uint64_t take_words(const struct key_words *k, const uint64_t *words,
					       uint64_t *to, unsigned int n)
{
	uint64_t v[CACHE_LINE_KEY];

#pragma GCC unroll 8
	for (unsigned int i = 0; i < n; i++)
		v[i] = to[i] = words[k->word[i]] & k->bits[i];
	return cache_hash(v, n);
}

static struct cache_entry express_nobody; /* of no generation */

/* What the frames' keys are, and what the cache has of them is asked for. */
static __rte_always_inline void ask(struct cache *c, struct ride *r, struct flow_key *key,
				    unsigned int n_words, enum express_need need, bool tunnel)
{
	const bool few = n_words != ANY;
	const struct express_from *from = r->from;
	struct cache_entry *const mem = c->mem;
	const uint64_t mask = c->mask;
	struct key_words k;

	if (tunnel)
		from_tunnel(from, key);
	if (few)
		key_words(&k, c, n_words);
	for (unsigned int i = 0; i < r->n; i++) {
		struct cache_entry *e;
		uint64_t hash;

		ahead(r, i);
		if (tunnel && unlikely(i >= from->end)) {
			from = from_of(r, i, from);
			from_tunnel(from, key);
		}
		r->l3[i] = frame_words(r->m[i], need, (uint64_t *)key);
		if (unlikely(!r->l3[i])) {
			r->e[i] = &express_nobody;
			continue;
		}
		hash = few ? take_words(&k, (uint64_t *)key, c->key[i], n_words)
			   : cache_take(c, (uint64_t *)key, c->key[i], c->n_in);
		r->hash[i] = hash;
		r->e[i] = e = &mem[hash & mask];
		rte_prefetch0(e);
		rte_prefetch0(&e->express);
		rte_prefetch0(e + 1);
		if (!few)
			rte_prefetch0(e->more);
	}
}

/* What has no room in the entries of long ways is asked for, too. */
static __rte_noinline void ask_rests(const struct cache *c, const struct ride *r)
{
	for (unsigned int i = 0; i < r->n; i++) {
		const struct cache_entry *e = r->e[i];

		if (way_is_long(e->n_flows))
			rte_prefetch0(&c->rests.mem[e->express.id[REST_AT]]);
	}
}

/* A frame to 'x' would go from a tunnel to a tunnel.  Who follows one that would not need not ask.
 */
static inline bool stays_in_tunnels(const struct pmd *w, const struct ride *r,
				    const struct leaving *l, const struct express *x)
{
	return unlikely(r->from) && x->port != l->port && goes_on_in_a_tunnel(w, x);
}

/* The way of frame i that is not simply the first of its pair. */
static __rte_noinline struct cache_entry *find_on(const struct cache *c, const struct ride *r,
						  unsigned int i)
{
	if (!r->l3[i] || r->odd >> i & 1)
		return NULL;
	return cache_find(c, c->stamp, r->hash[i], c->key[i], c->n_in);
}

/*
 * Frames leave as soon as their way is found, up to the first one that is not in the cache, or is
 * to be tracked: returns its place.  Those in '*left' do not leave so.
 */
static __rte_always_inline unsigned int go(struct pmd *w, struct burst *b, struct ride *r,
					   struct leaving *leaving, unsigned int n_words,
					   bool tunnel, uint64_t *left) PMD
{
	const struct express_from *from = r->from;
	uint32_t in = tunnel ? from->port : r->in_port;
	const struct cache *c = w->cache;
	const uint64_t now = cache_now(c);
	struct leaving l = *leaving;
	const unsigned int n = r->n;
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct cache_entry *e = r->e[i];
		struct rte_mbuf *m = r->m[i];
		struct express *x;

		if (tunnel && unlikely(i >= from->end)) {
			from = from_of(r, i, from);
			in = from->port;
		}
		if (n_words == ANY || unlikely(!cache_is(e, now, c->key[i], n_words))) {
			e = find_on(c, r, i);
			if (unlikely(!e))
				break;
		}
		x = &e->express;
		/* One that joins the others: their port is not where it came in. */
		if (likely(e->bare && x->port == l.port && (!tunnel || in == l.in_port))) {
			count(w, &l, x, m->data_len);
			join(b, &l, m, i, m->data_len);
			continue;
		}
		if (unlikely(e->way == CACHE_TO_CT))
			break;
		if (unlikely(e->way != CACHE_EXPRESS || !express_fits(x, m, r->l3[i], in) ||
			     (tunnel && stays_in_tunnels(w, r, &l, x)))) {
			r->x[i] = e->way == CACHE_EXPRESS ? x : NULL;
			*left |= BIT(i);
			continue;
		}
		if (likely(!way_is_long(x->n_flows)))
			count(w, &l, x, m->data_len);
		leaving_put(leaving, &l);
		if (unlikely(way_is_long(x->n_flows)))
			count_long(w, leaving, x, 1, m->data_len);
		leave(w, b, leaving, x, m, r->l3[i], i, in);
		l = *leaving;
	}
	leaving_put(leaving, &l);
	return i;
}

/* What is in the cache for frame i. */
static inline bool found(struct cache *c, struct ride *r, unsigned int i)
{
	const bool may_track = c->tracks && !r->from;
	struct cache_entry *e = find_on(c, r, i);

	r->x[i] = NULL;
	if (e && (e->way == CACHE_EXPRESS || (e->way == CACHE_TO_CT && may_track))) {
		r->x[i] = &e->express;
		r->to_ct |= (uint64_t)(e->way == CACHE_TO_CT) << i;
	}
	/* One that is in the cache, and not express, would not be by a walk. */
	return e;
}

/* The first frames leave, and '*hits' of the others are in the cache; in rounds, so that each finds
 * there what the one before has asked for.  Returns how many have left, or are in '*left'. */
static __rte_always_inline unsigned int run_n(struct pmd *w, struct burst *b, struct ride *r,
					      struct leaving *l, struct flow_key *key,
					      unsigned int n_words, bool tunnel, uint64_t *hits,
					      uint64_t *left) PMD
{
	unsigned int gone;

	if (tunnel)
		ask(w->cache, r, key, n_words, r->need, true);
	else if (r->need == EXPRESS_ETH)
		ask(w->cache, r, key, n_words, EXPRESS_ETH, false);
	else
		ask(w->cache, r, key, n_words, EXPRESS_IPV4, false);
	for (uint64_t odd = r->odd; odd; odd &= odd - 1)
		r->e[__builtin_ctzll(odd)] = &express_nobody;
	if (unlikely(w->cache->rests.n_used))
		ask_rests(w->cache, r);
	stage_begin(&w->stages, STAGE_ACTIONS, r->n);
	gone = go(w, b, r, l, n_words, tunnel, left);
	for (unsigned int i = gone; i < r->n; i++)
		*hits |= (uint64_t)found(w->cache, r, i) << i;
	return gone;
}

static __rte_always_inline unsigned int run_any(struct pmd *w, struct burst *b, struct ride *r,
						struct leaving *l, struct flow_key *key,
						bool tunnel, uint64_t *hits, uint64_t *left) PMD
{
	switch (w->cache->n_in) {
	case 1:
		return run_n(w, b, r, l, key, 1, tunnel, hits, left);
	case 2:
		return run_n(w, b, r, l, key, 2, tunnel, hits, left);
	case 3:
		return run_n(w, b, r, l, key, 3, tunnel, hits, left);
	case 4:
		return run_n(w, b, r, l, key, 4, tunnel, hits, left);
	case 5:
		return run_n(w, b, r, l, key, 5, tunnel, hits, left);
	default:
		return run_n(w, b, r, l, key, ANY, tunnel, hits, left);
	}
}

static __rte_noinline unsigned int run_tunneled(struct pmd *w, struct burst *b, struct ride *r,
						struct leaving *l, struct flow_key *key,
						uint64_t *hits, uint64_t *left) PMD
{
	return run_any(w, b, r, l, key, true, hits, left);
}

static unsigned int run_cached(struct pmd *w, struct burst *b, struct ride *r, struct leaving *l,
			       struct flow_key *key, uint64_t *hits, uint64_t *left) PMD
{
	if (r->from)
		return run_tunneled(w, b, r, l, key, hits, left);
	return run_any(w, b, r, l, key, false, hits, left);
}

#endif
