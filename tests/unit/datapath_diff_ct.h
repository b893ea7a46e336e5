/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections in the differential test: the model (datapath_ct_model.h) is asked by the reference's
 * ct(), with what a plain reading of the frame says, and translates it.
 *
 * Which of several free addresses and ports a connection gets is the switch's to choose: it is
 * looked up, and must be one that it may choose.
 *
 * Included by one test, after datapath_diff.h.
 */
#ifndef WEFT_TESTS_DATAPATH_DIFF_CT_H
#define WEFT_TESTS_DATAPATH_DIFF_CT_H

#include "datapath/ct.h"
#include "datapath/ct_tcp.h"
#include "datapath/ct_zone.h"
#include "datapath/ref_priv.h"
#include "tests/unit/datapath_ct_model.h"
#include "tests/unit/datapath_diff.h"

enum { ADDRS = 256, TALKS = 4 };

static struct {
	struct ct *t;
	struct model m;
	/* The model's hosts are numbers of these. */
	uint8_t addr[ADDRS][16];
	unsigned int n_addr;
	const struct ref_ct_ask *ask;
	uint64_t seen[256]; /* by ct_state, for the test's end */
	uint64_t asked, placed, exhausted, dropped;
} conns;

/* ---- Frames that talk ---- */

/* A segment of a connection's life, in either direction; the others have no more than that. */
static struct cf_spec rnd_said(const struct cf_spec *talk)
{
	static const uint8_t flags[] = {
		TCP_SYN,	   TCP_SYN,	      TCP_ACK, TCP_ACK | TCP_PSH,
		TCP_FIN | TCP_ACK, TCP_RST | TCP_ACK, TCP_RST
	};
	const bool back = one_in(2);
	struct cf_spec s = *talk;

	s.len = (uint16_t)below(3) * 10;
	if (s.proto == IPPROTO_TCP) {
		s.flags = PICK(flags);
		s.win = 8000;
		s.seq = 1000 + !(s.flags & TCP_SYN);
		s.ack = s.flags & TCP_ACK ? 9001 : 0;
		if (s.flags & (TCP_SYN | TCP_RST))
			s.len = 0;
		s.wscale = s.flags & TCP_SYN && one_in(2) ? 3 : 0;
	}
	if (!back)
		return s;
	s.src = talk->dst;
	s.dst = talk->src;
	if (s.proto == IPPROTO_ICMP || s.proto == IPPROTO_ICMPV6) {
		s.dport = s.v6 ? 0x8100 : 0x0000;
		return s;
	}
	s.sport = talk->dport;
	s.dport = talk->sport;
	if (s.proto == IPPROTO_TCP) {
		s.seq = 9000 + !(s.flags & TCP_SYN);
		s.ack = s.flags & TCP_SYN && one_in(3) ? 0 : 1001;
		s.flags |= s.ack && !(s.flags & TCP_RST) ? TCP_ACK : 0;
	}
	return s;
}

/* Hosts that flows translate to (datapath_rules_ct.h) among the others. */
static void rnd_talk(struct cf_spec *s)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_TCP,  IPPROTO_TCP, IPPROTO_UDP,
					  IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP };
	static const uint8_t hosts[] = { 1, 2, 3, 3, 3, 100, 200 };
	static const uint16_t ports[] = { 5, 80, 5000, 5001, 8080 };

	*s = (struct cf_spec){ .v6 = one_in(3),
			       .proto = PICK(protos),
			       .src = (uint8_t)(1 + below(3)),
			       .dst = PICK(hosts),
			       .sport = PICK(ports),
			       .dport = PICK(ports) };
	if (s->proto == IPPROTO_ICMP) {
		s->proto = s->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		s->dport = s->v6 ? 0x8000 : 0x0800;
	}
}

static void rnd_talks(void)
{
	struct cf_spec talk[TALKS];

	for (unsigned int i = 0; i < TALKS; i++)
		rnd_talk(&talk[i]);
	rnd_whole = true;
	for (unsigned int i = 0; i < FRAMES; i++) {
		struct cf_spec s;
		struct cf f;

		if (one_in(6)) {
			rnd_frame(&t.frames[i]);
			continue;
		}
		s = rnd_said(&PICK(talk));
		cf_make(&f, &s);
		memcpy(t.frames[i].b, f.b, f.n);
		t.frames[i].n = f.n;
		rnd_mac(t.frames[i].b);
		if (one_in(20)) /* damaged behind IP's header */
			t.frames[i].b[f.l4 + below(f.n - f.l4)] ^= (uint8_t)(1 << below(8));
	}
	rnd_whole = false;
}

/* ---- Addresses as numbers ---- */

static uint8_t number_of(const uint8_t *a, unsigned int n)
{
	uint8_t whole[16] = { 0 };

	memcpy(whole, a, n);
	for (unsigned int i = 0; i < conns.n_addr; i++)
		if (!memcmp(conns.addr[i], whole, 16))
			return (uint8_t)i;
	assert_true(conns.n_addr < ADDRS);
	memcpy(conns.addr[conns.n_addr], whole, 16);
	return (uint8_t)conns.n_addr++;
}

static struct ct_tuple tuple_of(const struct m_key *k)
{
	struct ct_tuple c = { .zone = k->zone, .proto = k->proto, .l3 = k->v6 ? 6 : 4 };

	memcpy(c.src, conns.addr[k->a], 16);
	memcpy(c.dst, conns.addr[k->b], 16);
	c.src_port = htobe16(k->pa);
	c.dst_port = htobe16(k->pb);
	return c;
}

static struct m_key key_of(const struct ct_tuple *c)
{
	return (struct m_key){ .v6 = c->l3 == 6,
			       .proto = c->proto,
			       .a = number_of(c->src, 16),
			       .b = number_of(c->dst, 16),
			       .pa = be16toh(c->src_port),
			       .pb = be16toh(c->dst_port),
			       .zone = c->zone };
}

/* ---- A frame, read ---- */

static uint32_t sum_of(const struct ref_frame *f, const struct ref_look *l, uint32_t n, bool pseudo)
{
	const uint8_t *ip = f->b + (l->ip4 >= 0 ? l->ip4 : l->ip6);
	uint32_t sum = mk_sum(f->b + l->l4, n);

	if (pseudo)
		sum += mk_sum(ip + (l->ip4 >= 0 ? 12 : 8), l->ip4 >= 0 ? 8 : 32) + n +
		       (uint32_t)l->proto;
	return mk_fold(sum);
}

static bool read_tcp(const struct ref_frame *f, const struct ref_look *l, uint32_t n,
		     struct cf_spec *s)
{
	const uint8_t *p = f->b + l->l4;
	const uint32_t hlen = n < 20 ? 0 : (p[12] >> 4) * 4u;
	unsigned int ends = 0;

	if (hlen < 20 || hlen > n || sum_of(f, l, n, true))
		return false;
	s->seq = get_be32(p + 4);
	s->ack = get_be32(p + 8);
	s->flags = p[13] & 0x3f;
	s->win = get_be16(p + 14);
	s->len = (uint16_t)(n - hlen);
	for (uint32_t i = 20; i < hlen && p[i];) {
		if (p[i] == 1) {
			i++;
			continue;
		}
		if (hlen - i < 2 || p[i + 1] < 2 || p[i + 1] > hlen - i)
			break;
		if (p[i] == 3 && p[i + 1] == 3) {
			s->wscale = (uint8_t)(p[i + 2] + 1);
			break;
		}
		i += p[i + 1];
	}
	/* RFC 9293: one of SYN, RST and FIN; all but a SYN and a reset acknowledge. */
	for (unsigned int bit = 1; bit <= 4; bit *= 2)
		ends += !!(s->flags & bit);
	if (ends > 1)
		return false;
	return s->flags & TCP_ACK || (s->flags & (TCP_SYN | TCP_RST) && !(s->flags & TCP_URG));
}

static bool read_l4(const struct ref_frame *f, const struct ref_look *l, uint32_t n,
		    struct cf_spec *s)
{
	const uint8_t *p = f->b + l->l4;
	struct cf_spec other;
	uint32_t len;

	switch (s->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		break;
	default:
		return l->ip4 >= 0 || (s->proto != 0 && s->proto != 43 && s->proto != 44 &&
				       s->proto != 51 && s->proto != 60);
	}
	if (l->l4 < 0)
		return false;
	s->sport = get_be16(p);
	s->dport = get_be16(p + 2);
	switch (s->proto) {
	case IPPROTO_TCP:
		return read_tcp(f, l, n, s);
	case IPPROTO_UDP:
		len = n < 8 ? 0 : get_be16(p + 4);
		if (len < 8 || len > n)
			return false;
		if (!get_be16(p + 6))
			return l->ip4 >= 0;
		return !sum_of(f, l, len, true);
	case IPPROTO_SCTP: {
		uint8_t copy[2048];

		if (n < 12)
			return false;
		memcpy(copy, p, n);
		memset(copy + 8, 0, 4);
		len = htole32(cf_crc32c(copy, n));
		return !memcmp(&len, p + 8, 4);
	}
	}
	/* ICMP: of queries; errors that frames here have quote nothing. */
	if (n < 8 || (s->proto == IPPROTO_ICMP) != (l->ip4 >= 0) ||
	    sum_of(f, l, n, s->proto == IPPROTO_ICMPV6))
		return false;
	s->sport = get_be16(p + 4);
	s->dport = get_be16(p);
	other = *s;
	return m_other_type(s->proto, other.dport >> 8) >= 0;
}

/* False: no connection can be told. */
static bool read_frame(const struct ref_frame *f, struct cf_spec *s)
{
	struct ref_look l;
	uint32_t total, hlen;
	int ip;

	ref_look(f, &l);
	ip = l.ip4 >= 0 ? l.ip4 : l.ip6;
	if (ip < 0)
		return false;
	assert_int_equal(l.frag, 0); /* fragments wait, which the reference cannot */
	*s = (struct cf_spec){ .v6 = l.ip6 >= 0, .proto = (uint8_t)l.proto };
	if (s->v6) {
		total = 40u + (uint32_t)ref_u16(f, ip + 4);
		hlen = l.l4 >= 0 ? (uint32_t)(l.l4 - ip) : 40;
		s->src = number_of(f->b + ip + 8, 16);
		s->dst = number_of(f->b + ip + 24, 16);
	} else {
		total = (uint32_t)ref_u16(f, ip + 2);
		hlen = (f->b[ip] & 15) * 4u;
		if (mk_fold(mk_sum(f->b + ip, hlen)))
			return false;
		s->src = number_of(f->b + ip + 12, 4);
		s->dst = number_of(f->b + ip + 16, 4);
	}
	if ((uint32_t)ip + total > f->n || total < hlen)
		return false;
	if (!read_l4(f, &l, total - hlen, s))
		return false;
	return s->src != s->dst || s->sport != s->dport || m_icmp(s->proto);
}

/* ---- Translation ---- */

static void put_number(struct ref_frame *f, enum of_field_id id, uint64_t v)
{
	const struct ref_bits b = ref_number(v, of_fields[id].bits);

	ref_set(f, &of_fields[id], &b, 0);
}

static void put_addr(struct ref_frame *f, enum of_field_id id, uint8_t number)
{
	const struct of_field *d = &of_fields[id];
	const struct ref_bits b = ref_bytes(conns.addr[number], d->bytes, d->bits);

	ref_set(f, d, &b, 0);
}

static void put_icmp_id(struct ref_frame *f, uint16_t id)
{
	struct ref_look l;
	uint32_t sum;

	ref_look(f, &l);
	/* The sum that is there, without what was and with what is. */
	sum = (uint16_t)~get_be16(f->b + l.l4 + 2) +
	      (uint32_t)(uint16_t)~get_be16(f->b + l.l4 + 4) + id;
	put_be16(f->b + l.l4 + 4, id);
	put_be16(f->b + l.l4 + 2, mk_fold(sum));
}

/* The packet of 'dir' becomes the other direction's turned round. */
static void translate(struct ref_frame *f, const struct m_conn *c, unsigned int dir)
{
	const struct m_key *o = &c->k[!dir];

	put_addr(f, o->v6 ? OF_FIELD_IPV6_SRC : OF_FIELD_IPV4_SRC, o->b);
	put_addr(f, o->v6 ? OF_FIELD_IPV6_DST : OF_FIELD_IPV4_DST, o->a);
	switch (o->proto) {
	case IPPROTO_TCP:
		put_number(f, OF_FIELD_TCP_SRC, o->pb);
		put_number(f, OF_FIELD_TCP_DST, o->pa);
		break;
	case IPPROTO_UDP:
		put_number(f, OF_FIELD_UDP_SRC, o->pb);
		put_number(f, OF_FIELD_UDP_DST, o->pa);
		break;
	case IPPROTO_SCTP:
		put_number(f, OF_FIELD_SCTP_SRC, o->pb);
		put_number(f, OF_FIELD_SCTP_DST, o->pa);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put_icmp_id(f, o->pa);
		break;
	}
}

/* ---- What a new connection is translated to ---- */

static bool in_addrs(const struct of_nat_range *g, uint8_t number)
{
	const unsigned int n = g->present & OF_NAT_IPV4_MIN ? 4 : 16;
	const uint8_t *a = conns.addr[number];
	const uint8_t *max =
		g->present & (OF_NAT_IPV4_MAX | OF_NAT_IPV6_MAX) ? g->addr_max : g->addr_min;

	return memcmp(a, g->addr_min, n) >= 0 && memcmp(a, max, n) <= 0;
}

static bool in_ports(const struct of_nat_range *g, uint16_t port)
{
	return port >= g->proto_min &&
	       port <= (g->present & OF_NAT_PROTO_MAX ? g->proto_max : g->proto_min);
}

/* RFC 4787 REQ-3: ports that mean the same. */
static unsigned int class_of(uint16_t port)
{
	return port < 512 ? 0 : port < 1024 ? 1 : 2;
}

static bool has_ports(uint8_t proto)
{
	return m_icmp(proto) || proto == IPPROTO_TCP || proto == IPPROTO_UDP ||
	       proto == IPPROTO_SCTP;
}

/* Whether 'n' may make a connection's answers look like 'r'. */
static bool fits(const struct of_nx_nat *n, const struct m_key *o, const struct m_key *r)
{
	const struct of_nat_range *g = &n->range;
	const bool addrs = g->present & (OF_NAT_IPV4_MIN | OF_NAT_IPV6_MIN);
	const bool ports = g->present & OF_NAT_PROTO_MIN, src = n->flags & NX_NAT_F_SRC,
		   dst = n->flags & NX_NAT_F_DST, icmp = m_icmp(o->proto);
	const uint16_t sport = icmp ? r->pa : r->pb;

	if (!(src && addrs ? in_addrs(g, r->b) : r->b == o->a) ||
	    !(dst && addrs ? in_addrs(g, r->a) : r->a == o->b))
		return false;
	if (!has_ports(o->proto))
		return true;
	if (src && ports ? !in_ports(g, sport) : !icmp && class_of(sport) != class_of(o->pa))
		return false;
	return icmp || (dst && ports ? in_ports(g, r->pa) : r->pa == o->pb);
}

static bool is_free(const struct m_key *k)
{
	unsigned int dir;

	/* Nor does anything become its own answer. */
	return !m_find(&conns.m, k, &dir) && (k->a != k->b || k->pa != k->pb || m_icmp(k->proto));
}

/* How many source ports of the same class are free for a connection whose answers would be 'k'; of
 * the uppermost, and of identifiers, there always are some here. */
static unsigned int free_of_class(struct m_key k)
{
	const unsigned int class = class_of(k.pb);
	unsigned int n = 0;

	if (m_icmp(k.proto) || class == 2)
		return UINT16_MAX;
	for (k.pb = class ? 512 : 1; class_of(k.pb) == class; k.pb++)
		n += is_free(&k);
	return n;
}

/* ... and of those that it may have by 'n'.  A destination's ports come first, with the source's as
 * it is; then it is the switch's to choose for which of them another source port is sought. */
static unsigned int free_ports(const struct of_nx_nat *n, struct m_key k)
{
	const bool ports = n->range.present & OF_NAT_PROTO_MIN;
	uint16_t *port = n->flags & NX_NAT_F_SRC && !m_icmp(k.proto) ? &k.pb : &k.pa;
	unsigned int own = 0, least = UINT16_MAX;

	if (!has_ports(k.proto))
		return is_free(&k);
	if (!ports || (m_icmp(k.proto) && !(n->flags & NX_NAT_F_SRC)))
		return free_of_class(k);
	for (*port = n->range.proto_min; in_ports(&n->range, *port); ++*port) {
		own += is_free(&k);
		if (n->flags & NX_NAT_F_DST) {
			const unsigned int others = free_of_class(k);

			least = others < least ? others : least;
		}
	}
	return n->flags & NX_NAT_F_DST ? own + least : own;
}

/* All of a range is in use for a connection whose answers would be 'back'. */
static bool is_used_up(const struct of_nx_nat *n, const struct m_key *back)
{
	const struct of_nat_range *g = &n->range;
	const unsigned int size = g->present & OF_NAT_IPV4_MIN ? 4 : 16;
	unsigned int left = 0, asked = 0;
	uint8_t a[16];

	if (!(g->present & (OF_NAT_IPV4_MIN | OF_NAT_IPV6_MIN)))
		return !free_ports(n, *back);
	memcpy(a, g->addr_min, sizeof(a));
	for (; in_addrs(g, number_of(a, size)); a[size - 1]++) {
		struct m_key k = *back;

		*(n->flags & NX_NAT_F_SRC ? &k.b : &k.a) = number_of(a, size);
		left += free_ports(n, k);
		asked += g->present & OF_NAT_PROTO_MIN && n->flags & NX_NAT_F_DST ? 515 : 512;
	}
	/* 1,024 questions are the end (docs/conntrack.md). */
	return left <= (asked > 1024 ? asked - 1024 : 0);
}

/* c->k[1] as the switch has chosen it; false: there is none. */
static bool place(void *arg, struct m_conn *c)
{
	static const struct of_nx_nat as_it_is = { .kind = OF_KIND_nx_nat };
	const struct of_nx_nat *n = conns.ask->nat;
	const struct ct_tuple orig = tuple_of(&c->k[0]);
	const struct ct_conn *is;
	enum ct_dir dir;
	unsigned int d;
	struct m_key r;

	(void)arg;
	if (!(n->flags & (NX_NAT_F_SRC | NX_NAT_F_DST)))
		n = &as_it_is;
	if (n->range.present & (c->k[0].v6 ? OF_NAT_IPV4_MIN : OF_NAT_IPV6_MIN))
		return false;
	is = ct_find(conns.t, &orig, ct_hash(conns.t, &orig), conns.m.now, &dir);
	if (is)
		r = key_of(&is->reply);
	/* Dropped, and one that fits it not may be of a copy of the packet, by another flow. */
	if (!is || dir != CT_ORIG || !fits(n, &c->k[0], &r)) {
		conns.exhausted++;
		if (!is_used_up(n, &c->k[1]))
			fail_msg(
				"seed %llu: %s of %u, %u:%u -> %u:%u in zone %u was not translated",
				(unsigned long long)t.seed, c->k[0].v6 ? "IPv6" : "IPv4",
				c->k[0].proto, c->k[0].a, c->k[0].pa, c->k[0].b, c->k[0].pb,
				c->k[0].zone);
		return false;
	}
	assert_null(m_find(&conns.m, &r, &d));
	c->k[1] = r;
	c->nat = (uint8_t)((r.b != c->k[0].a || (m_icmp(r.proto) ? r.pa : r.pb) != c->k[0].pa
				    ? CT_SNAT
				    : 0) |
			   (r.a != c->k[0].b || (!m_icmp(r.proto) && r.pa != c->k[0].pb) ? CT_DNAT
											 : 0));
	conns.placed++;
	return true;
}

/* ---- What the reference is told ---- */

static void tell(struct flow_key *said, const struct m_verdict *v)
{
	const struct ct_tuple o = tuple_of(&v->orig);

	said->ct_mark = htobe32(v->mark);
	memcpy(said->ct_label, v->label, 16);
	if (!v->has_orig)
		return;
	if (v->orig.v6) {
		memcpy(said->ct_ipv6_src, o.src, 16);
		memcpy(said->ct_ipv6_dst, o.dst, 16);
	} else {
		memcpy(&said->ct_nw_src, o.src, 4);
		memcpy(&said->ct_nw_dst, o.dst, 4);
	}
	said->ct_nw_proto = v->orig.proto;
	said->ct_tp_src = m_icmp(v->orig.proto) ? htobe16(v->orig.pb >> 8) : o.src_port;
	said->ct_tp_dst = m_icmp(v->orig.proto) ? htobe16(v->orig.pb & 0xff) : o.dst_port;
}

static bool track(void *arg, const struct ref_ct_ask *q, struct flow_key *said)
{
	const uint8_t was = q->set.ct_state, nats = CT_SNAT | CT_DNAT;
	const bool again = was & CT_TRK && !(was & CT_INV) && be16toh(q->set.ct_zone) == q->zone;
	struct m_req r = { .zone = q->zone,
			   .commit = q->commit,
			   .force = q->force,
			   .mark = be32toh(q->set.ct_mark),
			   .mark_mask = be32toh(q->mask.ct_mark),
			   .place = q->nat ? place : NULL,
			   .translated = was & nats };
	struct m_verdict v;
	struct cf_spec s;
	uint8_t nat = 0;

	(void)arg;
	conns.asked++;
	conns.m.now = ct_now(conns.t, t.cycles);
	conns.ask = q;
	memcpy(r.label, q->set.ct_label, 16);
	memcpy(r.label_mask, q->mask.ct_label, 16);
	said->ct_zone = htobe16(q->zone);
	said->ct_state = CT_TRK | CT_INV;
	if (!read_frame(q->frame, &s)) {
		conns.seen[said->ct_state]++;
		return true;
	}
	v = m_packet(&conns.m, &s, &r, again);
	if (v.drop != N_DROPS) {
		conns.dropped++;
		return false;
	}
	if (v.state & CT_INV) {
		nat = 0;
	} else if (v.turned) {
		nat = was & nats;
	} else if (v.c && q->nat && v.c->nat) {
		translate(q->frame, v.c, v.dir);
		nat = v.c->nat;
		if (v.dir && nat != nats)
			nat ^= nats;
	}
	said->ct_state = v.state | nat;
	conns.seen[said->ct_state]++;
	tell(said, &v);
	return true;
}

/* ---- Rounds ---- */

/* The number of a host in frames (datapath_ct_frames.h), or 0. */
static uint8_t host_of(const struct m_key *k, uint8_t number)
{
	static const uint8_t net4[4] = { 10 }, net6[16] = { 0xfd };
	const unsigned int n = k->v6 ? 16 : 4;
	const uint8_t *a = conns.addr[number];

	return memcmp(a, k->v6 ? net6 : net4, n - 1) ? 0 : a[n - 1];
}

/* A packet of a connection that is there, one way or the other, in place of a frame; which of its
 * TCP's matters little. */
static void conns_talk(struct maker *to)
{
	const struct m_conn *c = conns.m.n ? &conns.m.c[below(conns.m.n)] : NULL;
	const struct m_key *k = c ? &c->k[!one_in(4)] : NULL;
	struct cf_spec s = { .win = 8000, .seq = 1001 };
	struct cf f;

	if (!c || !c->live || !host_of(k, k->a) || !host_of(k, k->b))
		return;
	s.v6 = k->v6;
	s.proto = k->proto;
	s.src = host_of(k, k->a);
	s.dst = host_of(k, k->b);
	s.sport = k->pa;
	s.dport = k->pb;
	if (s.proto == IPPROTO_TCP) {
		s.flags = TCP_ACK;
		s.ack = 9001;
		if (k == &c->k[1]) {
			s.flags |= one_in(2) ? TCP_SYN : 0;
			s.seq = 9000 + !(s.flags & TCP_SYN);
			s.ack = 1001;
		}
	}
	cf_make(&f, &s);
	memcpy(to->b, f.b, f.n);
	to->n = f.n;
}

static void conns_forget(void)
{
	m_fini(&conns.m);
	memset(&conns.m, 0, sizeof(conns.m));
	conns.n_addr = 0;
	if (!conns.t)
		return;
	ct_flush(t.dp, conns.t, NULL);
	for (unsigned int i = 0; i < 1000 && ct_expire(t.dp, conns.t, ct_now(conns.t, t.cycles));
	     i++)
		;
}

/* A round in which flows may track. */
static void conns_begin(void)
{
	struct err e = { "" };

	conns.t = dp_ct(t.dp, &e);
	assert_non_null(conns.t);
	ref_tracker(t.ref, track, NULL);
}

/* What must have been met: new ones, known ones and answers, translated or not.  NULL: all of it.
 */
static const char *conns_missing(void)
{
	static const uint8_t states[] = {
		CT_TRK | CT_NEW,
		CT_TRK | CT_EST,
		CT_TRK | CT_EST | CT_RPL,
		CT_TRK | CT_INV,
		CT_TRK | CT_NEW | CT_SNAT,
		CT_TRK | CT_NEW | CT_DNAT,
		CT_TRK | CT_EST | CT_SNAT,
		CT_TRK | CT_EST | CT_RPL | CT_SNAT,
		CT_TRK | CT_EST | CT_RPL | CT_DNAT,
	};

	static char text[64];

	for (unsigned int i = 0; i < sizeof(states); i++)
		if (conns.seen[states[i]] < 20) {
			snprintf(text, sizeof(text), "ct_state %#x was met %llu times", states[i],
				 (unsigned long long)conns.seen[states[i]]);
			return text;
		}
	return conns.placed <= 100     ? "hardly any connection was translated"
	       : conns.exhausted <= 10 ? "hardly any range was used up"
				       : NULL;
}

#endif
