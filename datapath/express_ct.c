/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/express_ct.h"

#include <rte_mbuf.h>

#include "base/load.h"
#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/cache_priv.h"
#include "datapath/ct_quick.h"
#include "datapath/dp.h"
#include "datapath/pmd.h"

#define BIT(n) (UINT64_C(1) << (n))

enum { ETH_TYPE_ARP = 0x0806 };

/* Packets in a row whose ways have the same flows, not counted yet. */
struct tally {
	const struct express *x; /* one of these ways; NULL: no packet yet */
	uint32_t n;
	uint64_t bytes;
};

/* Those of a burst that are on their way through ct(). */
struct tracking {
	struct pmd *w;
	struct burst *b;
	struct ct *t;
	struct rte_mbuf **m;
	const uint8_t *l3;
	struct express **x;
	uint64_t left;		    /* frames that become packets and begin anew */
	struct tally before, after; /* ct() */
	uint64_t seen;		    /* a bit for each connection that one of 'left' may be of */
	struct ct_quick q[BURST_MAX];
	struct cache_entry *hint[BURST_MAX]; /* where the way behind ct() may be */
	uint32_t *next[BURST_MAX];	     /* ... and where it is to be noted if it is not */
	uint32_t stamp[BURST_MAX];
};

/* The same bit for both directions of a connection that nobody translates. */
static uint64_t bit_of(const uint8_t *ip)
{
	uint32_t src, dst, ports;

	memcpy(&src, ip + 12, 4);
	memcpy(&dst, ip + 16, 4);
	memcpy(&ports, ip + 20, 4);
	src ^= dst;
	src ^= src >> 16;
	return BIT((uint16_t)(src ^ ports ^ ports >> 16) * UINT32_C(0x9e3779b1) >> 26);
}

/* Of no connection that express tracks. */
static bool is_other(const uint8_t *f, uint32_t n)
{
	const uint16_t type = n >= 14 ? get_be16(f + 12) : 0;

	return type == ETH_TYPE_ARP || type == ETH_TYPE_IPV6;
}

/* Frame i is left; of which connection it may be, nobody knows but of IPv4's usual ones. */
static void leave(struct tracking *a, unsigned int i)
{
	const uint8_t *f = rte_pktmbuf_mtod(a->m[i], const uint8_t *);

	a->x[i] = NULL;
	if (a->l3[i])
		a->seen |= bit_of(f + a->l3[i]);
	else if (!is_other(f, a->m[i]->data_len))
		a->seen = UINT64_MAX;
}

/* The connection's part of the words that the cache is keyed by. */
static void key_behind(struct cache *c, unsigned int i, uint8_t state, uint16_t zone,
		       const struct ct_conn *conn, uint64_t metadata)
{
	const uint64_t rest = (uint64_t)htobe16(zone) << 16 | (uint64_t)state << 48;

	/* Words that only flows fill were not taken at ingress. */
	for (unsigned int n = c->n_in; n < c->n_words; n++)
		c->key[i][n] = 0;
	if (c->at_state < CACHE_WORDS_MAX)
		c->key[i][c->at_state] |= rest & c->bits[c->at_state];
	if (c->at_mark < CACHE_WORDS_MAX)
		c->key[i][c->at_mark] |=
			htobe32(atomic_load_explicit(&conn->mark, memory_order_relaxed)) &
			c->bits[c->at_mark];
	if (c->at_metadata < CACHE_WORDS_MAX)
		c->key[i][c->at_metadata] |= metadata & c->bits[c->at_metadata];
}

static void tally_end(const struct tally *y, struct pmd *w)
{
	const struct express *x = y->x;

	if (x && unlikely(way_is_long(x->n_flows))) {
		cache_rest_count(w, x, y->n, y->bytes);
		cache_rest_count_tables(w, x, y->n);
		return;
	}
	for (unsigned int i = 0; x && i < x->n_flows; i++) {
		counter_add(&w->perf.table_lookups[x->table[i]], y->n);
		counter_add(&w->perf.table_matches[x->table[i]], y->n);
		pmd_count_flows(w, x->id[i], y->n, y->bytes);
	}
}

/* Ways differ by what packets have, not always by the flows.  (Long ways are told apart.) */
static inline bool same_flows(const struct express *a, const struct express *b)
{
	const uint8_t *v = (const uint8_t *)a->id, *u = (const uint8_t *)b->id;

	_Static_assert(sizeof(a->id) == 24, "compared as words");
	return !((load64(v) ^ load64(u)) | (load64(v + 8) ^ load64(u + 8)) |
		 (load64(v + 16) ^ load64(u + 16)) | (uint64_t)(a->n_flows ^ b->n_flows));
}

static inline void tally(struct tally *y, struct pmd *w, const struct express *x,
			 const struct rte_mbuf *m)
{
	if (unlikely(!y->x || !same_flows(y->x, x))) {
		tally_end(y, w);
		*y = (struct tally){ .x = x };
	}
	y->n++;
	y->bytes += m->pkt_len < UINT16_MAX ? m->pkt_len : UINT16_MAX;
}

/* By states that packets of one way mostly have. */
static uint32_t *next_of(struct express *x, uint8_t state)
{
	return &x->next[!!(state & (CT_RPL | CT_EST)) + !!(state & CT_RPL)];
}

/*
 * The way of frame i behind ct().  Of the words of its key but those of the connection the way
 * before it has the same, so that it is mostly the one that was found there last.
 */
static struct express *behind(struct tracking *a, unsigned int i, uint32_t in_port) PMD
{
	const struct cache *c = a->w->cache;
	struct cache_entry *e = a->hint[i];

	if (unlikely(!cache_is_behind(c, e, a->stamp[i], c->key[i]))) {
		e = cache_find(c, a->stamp[i], cache_hash(c->key[i], c->n_words), c->key[i],
			       c->n_words);
		if (!e)
			return NULL;
		*a->next[i] = (uint32_t)(e - c->mem);
	}
	return e->way == CACHE_EXPRESS && express_fits(&e->express, a->m[i], a->l3[i], in_port)
		       ? &e->express
		       : NULL;
}

/* Frame i, whose connection is at hand.  False: it is left. */
static bool track(struct tracking *a, unsigned int i, uint32_t now) PMD
{
	struct express *x = a->x[i];
	const uint16_t zone = x->ct->req.zone;
	struct cache *c = a->w->cache;
	struct ct_conn *conn;
	uint8_t state;

	if (unlikely(a->seen && a->seen & bit_of(a->q[i].ip)))
		return false;
	state = ct_quick(a->w, a->t, &a->q[i], now, &conn);
	if (unlikely(!state))
		return false;
	tally(&a->before, a->w, x, a->m[i]);
	a->b->come[i] = (struct come){ .ct = x->ct, .conn = conn, .metadata = x->metadata };
	a->b->come[i].state = state;
	key_behind(c, i, state, zone, conn, x->metadata);
	a->next[i] = next_of(x, state);
	a->stamp[i] = cache_stamp(c, x->ct->table);
	a->hint[i] = &c->mem[*a->next[i]];
	rte_prefetch0(a->hint[i]);
	rte_prefetch0(&a->hint[i]->express);
	return true;
}

/* All of 'who' are read, and what they need is asked for. */
static uint64_t prepare(struct tracking *a, uint64_t who) PMD
{
	const bool mark = a->w->cache->at_mark < CACHE_WORDS_MAX;

	for (uint64_t on = who; on; on &= on - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(on);

		if (unlikely(!ct_quick_read(a->t, a->m[i], a->l3[i], a->x[i]->ct->req.zone,
					    &a->q[i]))) {
			who &= ~BIT(i);
			a->left |= BIT(i);
		}
	}
	for (uint64_t on = who; on; on &= on - 1)
		ct_quick_fetch(a->t, &a->q[__builtin_ctzll(on)], mark);
	return who;
}

/* In the order they came.  Returns those that were tracked. */
static uint64_t track_all(struct tracking *a, uint64_t who) PMD
{
	const uint32_t now = ct_now(a->t, a->w->now);

	for (uint64_t on = who | a->left; on; on &= on - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(on);

		if (likely(who >> i & 1) && likely(track(a, i, now)))
			continue;
		who &= ~BIT(i);
		leave(a, i);
	}
	return who;
}

uint64_t express_track(struct pmd *w, struct burst *b, struct rte_mbuf **m, unsigned int n,
		       uint64_t who, uint32_t in_port, const uint8_t *l3, struct express **x)
{
	struct tracking a;

	a.w = w;
	a.b = b;
	a.m = m;
	a.l3 = l3;
	a.x = x;
	a.t = atomic_load_explicit(&w->dp->ct, memory_order_acquire);
	a.left = a.seen = 0;
	a.before = a.after = (struct tally){ .x = NULL };

	for (unsigned int i = 0; i < n; i++)
		a.left |= (uint64_t)!x[i] << i;
	who = track_all(&a, prepare(&a, who));
	b->came = who;
	for (uint64_t on = who; on; on &= on - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(on);

		x[i] = behind(&a, i, in_port);
		if (unlikely(!x[i]))
			continue;
		b->came &= ~BIT(i);
		tally(&a.after, w, x[i], m[i]);
	}
	tally_end(&a.before, w);
	tally_end(&a.after, w);
	return b->came;
}

void express_come(struct burst *b, struct pkt *p, unsigned int i)
{
	const struct come *come = &b->come[i];
	struct ct_result r;

	ct_quick_tell(come->conn, come->state, &r);
	act_ct_show(p, &r, come->ct->req.zone);
	p->key.metadata = come->metadata;
	b->ct_passes[p->idx] = 1;
	b->ct[p->idx] = come->ct;
	b->ct_came |= BIT(p->idx);
}
