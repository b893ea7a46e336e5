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

#include "datapath/ct_zone.h"
#include "tests/unit/datapath_ct_model_tcp.h"

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
	/* The connection that it is of, and which direction; NULL: none. */
	struct m_conn *c;
	unsigned int dir;
	bool turned; /* found as what it was translated to */
};

struct m_req {
	uint16_t zone;
	bool commit, force;
	uint32_t mark, mark_mask;
	uint8_t label[16], label_mask[16];
	/* A new connection is translated: says in c->k[1] how its answers look; false: it cannot
	 * be.  NULL: it is not. */
	bool (*place)(void *arg, struct m_conn *c);
	void *arg;
	bool translated; /* the packet was, at its last action */
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
	const uint8_t was = (uint8_t)c->timeout;
	uint32_t when;

	c->timeout = m_timeout(c, first);
	when = m->now + ct_timeout_seconds[c->timeout] * 1000;
	/* An open TCP connection's is exact to a second. */
	if (c->timeout != CT_T_TCP_ESTABLISHED || was != c->timeout || when - c->expires > 1000)
		c->expires = when;
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
	if (k->zone < 4 && m->limit[k->zone] && m_live(m, k->zone) >= m->limit[k->zone]) {
		m_end(c);
		v->drop = DROP_CT_ZONE_FULL;
		return;
	}
	c->k[0] = *k;
	c->k[1] = back;
	if (r->place ? !r->place(r->arg, c) : !!m_find(m, &back, &dir)) {
		/* Only an answer that is translated can look like this packet's. */
		v->drop = r->place ? DROP_CT_NAT_EXHAUSTED : DROP_CT_COLLISION;
		m_end(c);
		return;
	}
	c->live = true;
	v->c = c;
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
	const struct m_key turned = m_turned(k);
	unsigned int dir;
	struct m_conn *c = m_find(m, &k, &dir);
	enum m_fate fate = M_GOOD;

	if (!c && again && r->translated) {
		c = m_find(m, &turned, &dir);
		dir = !dir;
		v.turned = c != NULL;
	}
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
	v.c = c;
	v.dir = dir;
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
