/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connection tracking as one would explain it: a list of connections that is gone through from its
 * beginning, and of each TCP connection every segment that belonged to it, so that all there is to
 * know about a side is found by reading its segments again.
 *
 * Written from ovs-fields(7), RFC 9293 and van Rooij's four bounds; shares nothing with the
 * datapath but the table of timeouts, and gets packets as what they were made from.  No locks, no
 * index, no limits but its memory.
 */
#ifndef WEFT_TESTS_DATAPATH_CT_MODEL_H
#define WEFT_TESTS_DATAPATH_CT_MODEL_H

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ct_conn.h"
#include "datapath/ct_zone.h"
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

struct model {
	struct m_conn c[M_CONNS];
	uint32_t n;
	uint32_t now;
	uint32_t limit[4]; /* of zones; 0: none */
};

struct m_verdict {
	uint8_t state;
	enum drop drop;
	uint32_t mark;
	uint8_t label[16];
	bool has_orig;
	struct m_key orig;
};

struct m_req {
	uint16_t zone;
	bool commit, force;
	uint32_t mark, mark_mask;
	uint8_t label[16], label_mask[16];
};

static inline bool m_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* The type that belongs to a query's type; -1: it is no query's. */
static inline int m_other_type(uint8_t proto, unsigned int type)
{
	static const uint8_t pairs4[][2] = { { 8, 0 }, { 13, 14 }, { 15, 16 }, { 17, 18 } };

	if (proto == IPPROTO_ICMPV6)
		return type == 128 ? 129 : type == 129 ? 128 : -1;
	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int j = 0; j < 2; j++)
			if (pairs4[i][j] == type)
				return pairs4[i][!j];
	return -1;
}

static inline bool m_asks(const struct m_key *k)
{
	const unsigned int type = k->pb >> 8;

	return k->proto == IPPROTO_ICMPV6 ? type == 128
					  : type == 8 || type == 13 || type == 15 || type == 17;
}

static inline struct m_key m_turned(struct m_key k)
{
	struct m_key r = k;

	r.a = k.b;
	r.b = k.a;
	if (m_icmp(k.proto)) {
		r.pb = (uint16_t)(m_other_type(k.proto, k.pb >> 8) << 8 | (k.pb & 0xff));
	} else {
		r.pa = k.pb;
		r.pb = k.pa;
	}
	return r;
}

static inline bool m_same(const struct m_key *x, const struct m_key *y)
{
	return x->v6 == y->v6 && x->proto == y->proto && x->a == y->a && x->b == y->b &&
	       x->pa == y->pa && x->pb == y->pb && x->zone == y->zone;
}

static inline struct m_key m_key(const struct cf_spec *s, uint16_t zone)
{
	const bool ports = s->proto == IPPROTO_TCP || s->proto == IPPROTO_UDP ||
			   s->proto == IPPROTO_SCTP || m_icmp(s->proto);

	return (struct m_key){ .v6 = s->v6,
			       .proto = s->proto,
			       .a = s->src,
			       .b = s->dst,
			       .pa = ports ? s->sport : 0,
			       .pb = ports ? s->dport : 0,
			       .zone = zone };
}

static inline void m_end(struct m_conn *c)
{
	c->live = false;
	free(c->seg);
	c->seg = NULL;
	c->n_seg = 0;
}

static inline struct m_conn *m_find(struct model *m, const struct m_key *k, unsigned int *dir)
{
	for (uint32_t i = 0; i < m->n; i++) {
		struct m_conn *c = &m->c[i];

		if (!c->live)
			continue;
		if ((int32_t)(c->expires - m->now) <= 0) {
			m_end(c);
			continue;
		}
		for (*dir = 0; *dir < 2; ++*dir)
			if (m_same(&c->k[*dir], k))
				return c;
	}
	return NULL;
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

/* ---- Packets ---- */

static inline enum ct_timeout m_timeout(const struct m_conn *c, bool first)
{
	switch (c->k[0].proto) {
	case IPPROTO_TCP:
		return m_tcp_timeout(c);
	case IPPROTO_UDP:
		return first ? CT_T_UDP_FIRST : c->answered ? CT_T_UDP_MULTIPLE : CT_T_UDP_SINGLE;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return c->answered ? CT_T_ICMP_REPLY : CT_T_ICMP_FIRST;
	}
	return first ? CT_T_OTHER_FIRST : c->answered ? CT_T_OTHER_MULTIPLE : CT_T_OTHER_SINGLE;
}

static inline void m_meta(struct m_conn *c, const struct m_req *r)
{
	c->mark = (c->mark & ~r->mark_mask) | (r->mark & r->mark_mask);
	for (unsigned int i = 0; i < 16; i++)
		c->label[i] = (uint8_t)((c->label[i] & ~r->label_mask[i]) |
					(r->label[i] & r->label_mask[i]));
}

static inline void m_tell(const struct m_conn *c, struct m_verdict *v)
{
	v->mark = c->mark;
	memcpy(v->label, c->label, 16);
	v->has_orig = true;
	v->orig = c->k[0];
}

static inline uint32_t m_live(struct model *m, int zone)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		if (m->c[i].live && (int32_t)(m->c[i].expires - m->now) <= 0)
			m_end(&m->c[i]);
		n += m->c[i].live && (zone < 0 || m->c[i].k[0].zone == zone);
	}
	return n;
}

static inline struct m_conn *m_new(struct model *m)
{
	uint32_t i = 0;

	while (i < m->n && m->c[i].live)
		i++;
	if (i == M_CONNS)
		abort();
	if (i == m->n)
		m->n++;
	memset(&m->c[i], 0, sizeof(m->c[i]));
	return &m->c[i];
}

static inline void m_touch(struct model *m, struct m_conn *c, bool first)
{
	c->timeout = m_timeout(c, first);
	c->expires = m->now + ct_timeout_seconds[c->timeout] * 1000;
}

static inline void m_fresh(struct model *m, const struct cf_spec *s, const struct m_key *k,
			   const struct m_req *r, struct m_verdict *v)
{
	const struct m_key back = m_turned(*k);
	struct m_conn *c = m_new(m);
	unsigned int dir;

	if (s->proto == IPPROTO_TCP ? !m_tcp_begins(c, m_segment(s, 0))
				    : m_icmp(s->proto) && !m_asks(k)) {
		v->state = CT_TRK | CT_INV;
		return;
	}
	v->state |= CT_NEW;
	v->has_orig = true;
	v->orig = *k;
	if (!r->commit) {
		m_end(c);
		return;
	}
	if (m->limit[k->zone] && m_live(m, k->zone) >= m->limit[k->zone]) {
		m_end(c);
		v->drop = DROP_CT_ZONE_FULL;
		return;
	}
	if (m_find(m, &back, &dir))
		abort(); /* then the packet would have been that one's */
	c->live = true;
	c->k[0] = *k;
	c->k[1] = back;
	c->packets[0] = 1;
	m_meta(c, r);
	m_touch(m, c, true);
	m_tell(c, v);
}

/* 'again': it was just at an action of the same zone. */
static inline struct m_verdict m_packet(struct model *m, const struct cf_spec *s,
					const struct m_req *r, bool again)
{
	const struct m_key k = m_key(s, r->zone);
	struct m_verdict v = { .state = CT_TRK, .drop = N_DROPS };
	unsigned int dir;
	struct m_conn *c = m_find(m, &k, &dir);
	enum m_fate fate = M_GOOD;

	if (c && dir == 1 && r->force && r->commit) {
		m_end(c);
		c = NULL;
	}
	if (c && s->proto == IPPROTO_TCP)
		fate = m_tcp(c, dir, m_segment(s, dir));
	if (fate == M_REUSE) {
		m_end(c);
		c = NULL;
	}
	if (!c) {
		m_fresh(m, s, &k, r, &v);
		return v;
	}
	if (fate == M_BAD) {
		v.state = CT_TRK | CT_INV;
		return v;
	}
	if (dir == 1 && fate == M_GOOD)
		c->answered = true;
	if (dir == 1)
		v.state |= CT_EST | CT_RPL;
	else
		v.state |= c->answered ? CT_EST : CT_NEW;
	c->packets[dir] += !again;
	if (r->commit)
		m_meta(c, r);
	if (fate == M_GOOD)
		m_touch(m, c, false);
	m_tell(c, &v);
	return v;
}

/* An ICMP error that quotes 'q'. */
static inline struct m_verdict m_error(struct model *m, const struct cf_spec *q,
				       const struct m_req *r)
{
	const struct m_key k = m_turned(m_key(q, r->zone));
	struct m_verdict v = { .state = CT_TRK, .drop = N_DROPS };
	unsigned int dir;
	struct m_conn *c = m_find(m, &k, &dir);

	if (!c) {
		v.state |= CT_INV;
		return v;
	}
	v.state |= CT_REL | (dir ? CT_RPL : 0);
	if (r->commit)
		m_meta(c, r);
	m_tell(c, &v);
	return v;
}

static inline void m_fini(struct model *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		free(m->c[i].seg);
}

#endif
