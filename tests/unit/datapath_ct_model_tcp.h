/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP in the model of connection tracking (datapath_ct_model.h): a connection as the segments that
 * belonged to it, read again from the first one whenever something is asked of a side.
 */
#ifndef WEFT_TESTS_DATAPATH_CT_MODEL_TCP_H
#define WEFT_TESTS_DATAPATH_CT_MODEL_TCP_H

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ct_conn.h"
#include "tests/unit/datapath_ct_frames.h"

enum { M_CONNS = 4096, M_FIN = 1, M_SYN = 2, M_RST = 4, M_ACK = 16 };

struct m_key {
	bool v6;
	uint8_t proto, a, b;
	uint16_t pa, pb; /* ICMP: identifier, type and code */
	uint16_t zone;
};

struct m_seg {
	uint8_t dir, flags;
	uint32_t seq, end, ack;
	uint32_t win;	/* bytes */
	uint32_t grant; /* up to where the other side may send by it */
	bool only_ack;	/* it told of an older connection */
	int8_t scale;	/* of a SYN: -1 none */
};

struct m_conn {
	bool live;
	struct m_key k[2];
	uint8_t nat; /* CT_SNAT, CT_DNAT, as its first direction has it */
	bool answered;
	uint32_t mark;
	uint8_t label[16];
	uint64_t packets[2];
	uint32_t expires;
	enum ct_timeout timeout;
	/* TCP. */
	bool joined, reset, acked[2], fin_acked[2];
	uint32_t own_limit[2];
	bool has_own_limit[2];
	struct m_seg *seg;
	uint32_t n_seg;
};

static inline void m_end(struct m_conn *c)
{
	c->live = false;
	free(c->seg);
	c->seg = NULL;
	c->n_seg = 0;
}

/* ---- TCP: what its segments say ---- */

static inline bool m_gt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

#define M_EACH(c, x, i)                           \
	for (uint32_t i = 0; i < (c)->n_seg; i++) \
		if ((c)->seg[i].dir == (x))

static inline bool m_seen(const struct m_conn *c, unsigned int x)
{
	M_EACH(c, x, i)
	if (!c->seg[i].only_ack)
		return true;
	return false;
}

/* By how many bits its windows are shifted: both must have said that they do so. */
static inline unsigned int m_scale(const struct m_conn *c, unsigned int x)
{
	int scale[2] = { -1, -1 };

	if (c->joined)
		return 14;
	for (uint32_t i = c->n_seg; i--;) /* what its first one says holds */
		if (c->seg[i].flags & M_SYN)
			scale[c->seg[i].dir] = c->seg[i].scale;
	return scale[0] >= 0 && scale[1] >= 0 ? (unsigned int)scale[x] : 0;
}

/* The end of what it sent; of a connection that was joined later also of what was acknowledged.  In
 * the order of time, as numbers that are far apart have no other. */
static inline bool m_end_of(const struct m_conn *c, unsigned int x, uint32_t *end)
{
	bool any = false;

	for (uint32_t i = 0; i < c->n_seg; i++) {
		const struct m_seg *s = &c->seg[i];
		const bool own = s->dir == x && !s->only_ack;
		const bool other = s->dir != x && c->joined && s->flags & M_ACK;
		const uint32_t n = own ? s->end : s->ack;

		if ((own || other) && (!any || m_gt(n, *end))) {
			*end = n;
			any = true;
		}
	}
	return any;
}

static inline bool m_ack_of(const struct m_conn *c, unsigned int x, uint32_t *ack)
{
	bool any = false;

	M_EACH(c, x, i)
	if (c->seg[i].flags & M_ACK && (!any || m_gt(c->seg[i].ack, *ack))) {
		*ack = c->seg[i].ack;
		any = true;
	}
	return any;
}

static inline uint32_t m_round(uint32_t v, unsigned int scale)
{
	v = (v + (1u << scale) - 1) >> scale;
	return (v ? v : 1) << scale;
}

/* The largest window it offered. */
static inline uint32_t m_window(const struct m_conn *c, unsigned int x)
{
	const unsigned int scale = m_scale(c, x);
	uint32_t most = 0;

	if (c->joined && x == 1)
		return UINT32_C(65535) << 14; /* it may have offered anything */
	M_EACH(c, x, i)
	if (!c->seg[i].only_ack && c->seg[i].win > most)
		most = c->seg[i].win;
	return m_round(most, scale);
}

static inline uint32_t m_limit(const struct m_conn *c, unsigned int x)
{
	uint32_t limit = c->own_limit[x];
	bool any = c->has_own_limit[x];

	M_EACH(c, !x, i)
	if (!c->seg[i].only_ack && (!any || m_gt(c->seg[i].grant, limit))) {
		limit = c->seg[i].grant;
		any = true;
	}
	return limit;
}

/* 0 nothing, 1 SYN, 2 open, 3 FIN, 4 FIN acknowledged, 5 reset. */
static inline unsigned int m_level(const struct m_conn *c, unsigned int x)
{
	bool fin = false;

	if (c->reset)
		return 5;
	M_EACH(c, x, i)
	fin |= c->seg[i].flags & M_FIN && !c->seg[i].only_ack;
	if (fin)
		return c->fin_acked[x] ? 4 : 3;
	if (!m_seen(c, x))
		return 0;
	return c->joined || c->acked[x] ? 2 : 1;
}

static inline void m_append(struct m_conn *c, struct m_seg s)
{
	c->seg = realloc(c->seg, (c->n_seg + 1) * sizeof(*c->seg));
	c->seg[c->n_seg++] = s;
}

static inline void m_forget(struct m_conn *c, unsigned int x)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_seg; i++)
		if (c->seg[i].dir != x)
			c->seg[n++] = c->seg[i];
	c->n_seg = n;
}

/* ---- TCP: verdicts ---- */

enum m_fate { M_BAD, M_GOOD, M_PASS, M_REUSE };

static inline struct m_seg m_segment(const struct cf_spec *s, unsigned int dir)
{
	struct m_seg g = { .dir = (uint8_t)dir,
			   .flags = s->flags,
			   .seq = s->seq,
			   .ack = s->ack,
			   .win = s->win,
			   .scale = -1 };

	g.end = s->seq + s->len + !!(s->flags & M_SYN) + !!(s->flags & M_FIN);
	if (s->flags & M_SYN && s->wscale)
		g.scale = (int8_t)(s->wscale - 1 > 14 ? 14 : s->wscale - 1);
	return g;
}

static inline bool m_tcp_begins(struct m_conn *c, struct m_seg g)
{
	if (g.flags & M_RST || (g.flags & M_SYN && g.flags & M_ACK))
		return false;
	c->n_seg = 0;
	c->reset = false;
	memset(c->acked, 0, sizeof(c->acked));
	memset(c->fin_acked, 0, sizeof(c->fin_acked));
	memset(c->has_own_limit, 0, sizeof(c->has_own_limit));
	c->joined = !(g.flags & M_SYN);
	if (c->joined) {
		g.win = (uint32_t)g.win << 14;
		g.grant = g.ack + (g.win ? g.win : 1u << 14);
		c->own_limit[0] = g.end + (UINT32_C(65535) << 14);
		c->has_own_limit[0] = true;
	} else {
		/* What it grants depends on where the other begins; its answer settles that. */
		g.grant = 0;
	}
	m_append(c, g);
	return true;
}

/* Whether 'ack' is for the SYN of 'x', of which there is nothing else. */
static inline bool m_for_syn(const struct m_conn *c, unsigned int x, uint32_t ack)
{
	M_EACH(c, x, i)
	if (c->seg[i].flags & M_SYN)
		return !m_gt(c->seg[i].seq + 1, ack) && !m_gt(ack, c->seg[i].end);
	return false;
}

static inline enum m_fate m_answer(struct m_conn *c, unsigned int s, struct m_seg g)
{
	const bool first = !m_seen(c, s);
	uint32_t offered, end = 0;

	/* A window of the other's SYN counts bytes, though it may have been rounded up meanwhile.
	 */
	offered = m_window(c, !s);
	if (offered > 65535)
		offered = 65535;
	m_end_of(c, !s, &end);
	M_EACH(c, !s, i)
	c->seg[i].win = offered;
	/* What it granted before stays granted. */
	if (first) {
		c->own_limit[!s] = end;
		c->has_own_limit[!s] = true;
	} else {
		c->own_limit[!s] = m_limit(c, !s);
		c->has_own_limit[!s] = true;
	}
	m_forget(c, s);
	c->own_limit[s] = g.seq + 1 + offered;
	if (m_gt(g.end, c->own_limit[s]))
		c->own_limit[s] = g.end;
	c->has_own_limit[s] = true;
	/* The other's SYN grants no more than that. */
	M_EACH(c, !s, i)
	c->seg[i].grant = c->own_limit[s];
	g.grant = (g.flags & M_ACK ? g.ack : end) + (g.win ? g.win : 1);
	m_append(c, g);
	if (g.flags & M_ACK)
		c->acked[!s] = true;
	return M_GOOD;
}

static inline bool m_bounds(const struct m_conn *c, unsigned int s, const struct m_seg *g)
{
	const uint32_t ws = m_window(c, s), wd = m_window(c, !s);
	uint32_t es = 0, ed = 0;

	m_end_of(c, s, &es);
	m_end_of(c, !s, &ed);
	if (m_gt(g->end, m_limit(c, s)))
		return false;
	if (m_gt(es - wd, g->seq))
		return false;
	if (!(g->flags & M_ACK))
		return true;
	if (m_gt(g->ack, ed) && !(c->joined && !m_gt(g->ack, ed + ws)))
		return false;
	return !m_gt(ed - (ws > 66000 ? ws : 66000), g->ack);
}

static inline void m_note(struct m_conn *c, unsigned int s, struct m_seg g)
{
	const unsigned int level = m_level(c, !s);
	uint32_t end = 0;

	/* A window is counted from what is acknowledged. */
	if (!(g.flags & M_ACK))
		g.win = 0;
	if (!(g.flags & M_SYN))
		g.win = g.win << m_scale(c, s);
	g.grant = g.flags & M_ACK ? g.ack + (g.win ? g.win : 1) : m_limit(c, !s);
	m_append(c, g);
	if (!(g.flags & M_ACK))
		return;
	m_end_of(c, !s, &end);
	c->acked[!s] = true;
	if (level == 3 && g.ack == end)
		c->fin_acked[!s] = true;
}

static inline enum m_fate m_rst(struct m_conn *c, unsigned int s, const struct m_seg *g)
{
	const unsigned int ls = m_level(c, s), ld = m_level(c, !s);
	uint32_t end = 0, awaited = 0;
	const bool known = m_ack_of(c, !s, &awaited);
	bool exact;

	m_end_of(c, s, &end);
	if (ls == 0 && ld == 1) {
		if (!(g->flags & M_ACK) || !m_for_syn(c, !s, g->ack))
			return M_BAD;
		exact = true;
	} else if (ls == 1 && ld == 0) {
		exact = m_for_syn(c, s, g->seq) && (g->seq == end || g->seq == c->seg[0].seq + 1);
		if (!exact)
			return known && g->seq == awaited ? M_PASS : M_BAD;
	} else {
		exact = g->seq == end || (known && g->seq == awaited);
		if (!exact && m_gt(g->seq, m_limit(c, s)))
			return M_BAD;
		if (!exact && m_gt(known ? awaited : end - m_window(c, !s), g->seq))
			return M_BAD;
	}
	if (!exact)
		return M_PASS;
	c->reset = true;
	return M_GOOD;
}

static inline enum m_fate m_syn(struct m_conn *c, unsigned int s, const struct m_seg *g)
{
	const unsigned int ls = m_level(c, s), ld = m_level(c, !s);
	uint32_t es = 0, ed = 0;

	m_end_of(c, s, &es);
	m_end_of(c, !s, &ed);
	if (!(g->flags & M_ACK) && ls >= 4 && ld >= 4)
		return M_REUSE;
	if (ls == 1 && ld == 0 && !(g->flags & M_ACK))
		return m_tcp_begins(c, *g) ? M_GOOD : M_BAD;
	if (ls == 0 && ld == 1) {
		if (g->flags & M_ACK && !m_for_syn(c, !s, g->ack))
			return M_BAD;
		return m_answer(c, s, *g);
	}
	if (ls && ld && ls <= 2 && g->end == es && m_bounds(c, s, g)) {
		m_note(c, s, *g);
		return M_GOOD;
	}
	if (ls == 1 && ld && g->flags & M_ACK && g->ack == ed)
		return m_answer(c, s, *g);
	return g->flags & M_ACK ? M_BAD : M_PASS;
}

static inline enum m_fate m_tcp(struct m_conn *c, unsigned int s, struct m_seg g)
{
	const unsigned int ls = m_level(c, s), ld = m_level(c, !s);

	/* Where a side begins that was never seen nobody can tell. */
	if (c->reset && !c->joined && !(g.flags & M_SYN) && (!m_seen(c, 0) || !m_seen(c, 1)))
		return M_BAD;
	if (g.flags & M_RST)
		return m_rst(c, s, &g);
	if (g.flags & M_SYN)
		return m_syn(c, s, &g);
	if (ls == 0 && ld == 1) {
		if (g.end != g.seq)
			return M_BAD;
		g.only_ack = true;
		m_append(c, g);
		return M_PASS;
	}
	if (ls == 1 && ld == 0)
		return M_BAD;
	if (!m_bounds(c, s, &g))
		return M_BAD;
	m_note(c, s, g);
	return M_GOOD;
}

static inline enum ct_timeout m_tcp_timeout(const struct m_conn *c)
{
	const unsigned int a = m_level(c, 0), b = m_level(c, 1);
	const unsigned int lo = a < b ? a : b, hi = a < b ? b : a;

	if (hi == 5)
		return CT_T_TCP_CLOSE;
	if (lo >= 3)
		return lo == 4 ? CT_T_TCP_TIME_WAIT : CT_T_TCP_LAST_ACK;
	if (hi >= 3)
		return hi == 4 ? CT_T_TCP_CLOSE_WAIT : CT_T_TCP_FIN_WAIT;
	if (!lo)
		return CT_T_TCP_SYN_SENT;
	return lo == 2 ? CT_T_TCP_ESTABLISHED : CT_T_TCP_SYN_RECV;
}

static inline const char *m_tcp_name(const struct m_conn *c)
{
	static const char *const names[] = { "CLOSED",	"SYN_SENT",   "ESTABLISHED",
					     "CLOSING", "FIN_WAIT_2", "TIME_WAIT" };
	const unsigned int a = m_level(c, 0), b = m_level(c, 1);

	return names[a < b ? b : a];
}

#endif
