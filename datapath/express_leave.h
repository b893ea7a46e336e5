/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How frames leave by the express way: rewritten, put into lots (struct express_lot), counted.
 *
 * Part of express.c, which is inlined into its loops; what holds for many frames in a row, lots and
 * tables, is written down when that changes.  One PMD; a struct leaving lives for one burst.
 */
#ifndef WEFT_DATAPATH_EXPRESS_LEAVE_H
#define WEFT_DATAPATH_EXPRESS_LEAVE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "datapath/cache_priv.h"
#include "datapath/csum.h"
#include "datapath/express.h"
#include "datapath/express_priv.h"
#include "datapath/pmd.h"

/* What is known of a burst's frames while they leave one by one: the lot that the last one is of
 * (pkt.h), and what has still to be counted of tables. */
struct leaving {
	uint32_t n;	  /* frames in the burst's x[] */
	uint32_t port;	  /* of the lot, UINT32_MAX: nobody joins it unasked */
	uint32_t in_port; /* ... and where its frames came in */
	uint32_t longest;
	uint64_t tables; /* tables_of() the last 'n_ways' */
	uint32_t n_ways;
};

enum { NOBODY = UINT32_MAX };

static inline void rewrite(const struct express *x, uint8_t *f, unsigned int l3)
{
	enum { BOTH = EXPRESS_DST | EXPRESS_SRC };

	if (likely((x->does & BOTH) == BOTH)) {
		_Static_assert(offsetof(struct express, src) - offsetof(struct express, dst) == 6,
			       "as in a frame");
		memcpy(f, (const uint8_t *)x + offsetof(struct express, dst), MACS);
	} else if (x->does & EXPRESS_DST) {
		memcpy(f, x->dst, 6);
	} else if (x->does & EXPRESS_SRC) {
		memcpy(f + 6, x->src, 6);
	}
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
static __rte_always_inline uint8_t *move_macs(struct rte_mbuf *m, int by)
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

static __rte_always_inline void retag(const struct express *x, struct rte_mbuf *m, unsigned int l3)
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

static inline void lot_end(struct burst *b, const struct leaving *l)
{
	if (!b->n_lots)
		return;
	b->lots[b->n_lots - 1].end = (uint8_t)l->n;
	b->lots[b->n_lots - 1].longest = l->longest;
}

/* The frame to leave by 'x' is of the last lot after all, where both were in the same tunnel, or
 * of a new one. */
static __rte_noinline void turn(struct burst *b, struct leaving *l, const struct express *x,
				uint32_t in_port)
{
	const bool tunneled = x->does & EXPRESS_TUN;
	const be64 tun_id = htobe64(be32toh(x->tun_id));
	struct express_lot *lot = b->n_lots ? &b->lots[b->n_lots - 1] : NULL;

	if (tunneled && lot && lot->tunneled && lot->port == x->port && lot->in_port == in_port &&
	    lot->tun_id == tun_id && lot->tun_src == x->tun_src && lot->tun_dst == x->tun_dst)
		return;
	lot_end(b, l);
	lot = &b->lots[b->n_lots++];
	*lot = (struct express_lot){ .port = x->port, .in_port = in_port, .tunneled = tunneled };
	if (tunneled) {
		lot->tun_id = tun_id;
		lot->tun_src = x->tun_src;
		lot->tun_dst = x->tun_dst;
	}
	l->port = tunneled ? NOBODY : x->port;
	l->in_port = in_port;
	l->longest = 0;
}

static __rte_noinline void leave_nowhere(struct pmd *w, struct rte_mbuf *m, uint32_t in_port) PMD
{
	pmd_count_drop(w, in_port, DROP_NO_ACTION);
	rte_pktmbuf_free(m);
}

static inline void leave_begin(const struct burst *b, struct leaving *l)
{
	*l = (struct leaving){ .n = b->n_x, .port = NOBODY };
}

/*
 * A copy that a loop had in registers goes to memory.  One by one: a compiler that finds the
 * members side by side here has them in one vector register all along, and each frame waits for two
 * of them to be taken out, counted up and put back, which is longer than all that is done for it.
 */
static __rte_always_inline void leaving_put(struct leaving *to, struct leaving *l)
{
	__asm__("" : "+r"(l->n), "+r"(l->port), "+r"(l->in_port), "+r"(l->longest));
	*to = *l;
}

/* 'len': UINT32_MAX for a chain. */
static __rte_always_inline void join(struct burst *b, struct leaving *l, struct rte_mbuf *m,
				     unsigned int seq, uint32_t len)
{
	b->x[l->n] = m;
	b->x_seq[l->n++] = (uint8_t)seq;
	l->longest = RTE_MAX(l->longest, len);
}

/* What is written to a frame that leaves by 'x'. */
static __rte_always_inline void change(const struct express *x, struct rte_mbuf *m, unsigned int l3)
{
	if (x->does & (EXPRESS_DST | EXPRESS_SRC | EXPRESS_TTL))
		rewrite(x, rte_pktmbuf_mtod(m, uint8_t *), l3);
	if (x->does & EXPRESS_TAGS)
		retag(x, m, l3);
}

static __rte_always_inline void leave(struct pmd *w, struct burst *b, struct leaving *l,
				      const struct express *x, struct rte_mbuf *m, unsigned int l3,
				      unsigned int seq, uint32_t in_port) PMD
{
	if (x->does & (EXPRESS_WRITES | EXPRESS_TUN)) {
		change(x, m, l3);
		if (x->does & EXPRESS_TUN)
			l->port = NOBODY;
	}
	if (unlikely(x->port != l->port || in_port != l->in_port)) {
		if (unlikely(!x->port)) {
			leave_nowhere(w, m, in_port);
			return;
		}
		turn(b, l, x, in_port);
	}
	join(b, l, m, seq, likely(m->nb_segs == 1) ? m->pkt_len : UINT32_MAX);
}

/* ---- Counting ---- */

static inline uint32_t frame_len(const struct rte_mbuf *m)
{
	return m->pkt_len < UINT16_MAX ? m->pkt_len : UINT16_MAX;
}

/* Which tables a way leads through, or the number of its path, and how many they are: the same word
 * for the same ones. */
static __rte_always_inline uint64_t tables_of(const struct express *x)
{
	_Static_assert(
		offsetof(struct express, does) - offsetof(struct express, table) == 7 &&
			offsetof(struct express, n_flows) + 1 == offsetof(struct express, does),
		"one word, 'does' above all");
	return le64toh(load64(x->table)) << 8;
}

static __rte_noinline void count_tables(struct pmd *w, uint64_t tables, uint32_t n)
{
	const unsigned int n_tables = tables >> 56;

	if (unlikely(way_is_long(n_tables))) {
		cache_rest_count_path(w, (uint16_t)(tables >> 8), n);
		return;
	}
	for (unsigned int i = 0; i < n_tables; i++) {
		const uint8_t table = (uint8_t)(tables >> 8 * (i + 1));

		counter_add(&w->perf.table_lookups[table], n);
		counter_add(&w->perf.table_matches[table], n);
	}
}

static __rte_always_inline void count_flows(struct pmd *w, const struct express *x, uint32_t n,
					    uint64_t bytes)
{
	for (unsigned int i = 0; i < x->n_flows; i++)
		pmd_count_flows(w, x->id[i], n, bytes);
}

/* One frame; tables of ways in a row that lead through the same ones are counted together. */
static __rte_always_inline void count(struct pmd *w, struct leaving *l, const struct express *x,
				      uint32_t bytes)
{
	const uint64_t tables = tables_of(x);

	if (unlikely(tables != l->tables)) {
		count_tables(w, l->tables, l->n_ways);
		l->tables = tables;
		l->n_ways = 0;
	}
	l->n_ways++;
	count_flows(w, x, 1, bytes);
}

/* 'n' frames have gone a long way. */
static __rte_noinline void count_long(struct pmd *w, struct leaving *l, const struct express *x,
				      uint32_t n, uint64_t bytes)
{
	const uint64_t tables = tables_of(x);

	cache_rest_count(w, x, n, bytes);
	if (unlikely(cache_rest_path(x) == REST_NO_PATH)) {
		cache_rest_count_tables(w, x, n);
		return;
	}
	if (tables != l->tables) {
		count_tables(w, l->tables, l->n_ways);
		l->tables = tables;
		l->n_ways = 0;
	}
	l->n_ways += n;
}

static inline void leave_end(struct pmd *w, struct burst *b, const struct leaving *l) PMD
{
	lot_end(b, l);
	b->n_x = l->n;
	count_tables(w, l->tables, l->n_ways);
}

#endif
