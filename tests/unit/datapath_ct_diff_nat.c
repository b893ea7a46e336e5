/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NAT against a plain model: a list of what went in and how it came out.
 *
 *	- how a connection's first packet comes out is in the range that was asked for, and no other
 *	  live connection's packets look like that to who answers
 *	- later packets come out the same
 *	- answers to what came out come out as answers to what went in; errors about it, as errors
 *	  about what went in
 *	- what could not be translated was dropped, and only where all of the range is in use
 *
 *	spec -> ct_track(commit, nat) -> read again: the list
 *	answer to that -> ct_track(nat) -> read again: what went in, turned round
 */
#include "tests/unit/datapath_harness.h"

#include "datapath/ct_nat.h"
#include "datapath/ct_tcp.h"
#include "datapath/ct_zone.h"
#include "tests/unit/datapath_ct_frames.h"
#include "tests/unit/datapath_random.h"

enum { CONNS = 600, STEPS = 6000, HOSTS = 4 };

struct entry {
	bool live;
	struct ct_tuple in, out; /* of its first direction, before and after */
	struct cf_spec spec;
	uint32_t seq[2];
};

static struct {
	struct ct *t;
	struct burst *b;
	struct entry e[CONNS];
	uint64_t fresh, answers, errors, dropped;
} g;

/* 10.0.0.100 and .101, ten ports each: soon in use. */
static const struct ct_nat_spec narrow = { .src = true,
					   .l3 = 4,
					   .min = { 10, 0, 0, 100 },
					   .max = { 10, 0, 0, 101 },
					   .port_min = 5000,
					   .port_max = 5009 };
static const struct ct_nat_spec wide = {
	.src = true, .l3 = 4, .min = { 10, 0, 0, 102 }, .max = { 10, 0, 0, 103 }, .random = true
};
static const struct ct_nat_spec inward = { .dst = true,
					   .l3 = 4,
					   .min = { 10, 0, 0, 200 },
					   .max = { 10, 0, 0, 202 },
					   .port_min = 8080,
					   .port_max = 8081,
					   .hash = true };
static const struct ct_nat_spec v6 = {
	.src = true, .l3 = 6, .min = { 0xfd, [15] = 110 }, .max = { 0xfd, [15] = 111 }
};

static uint32_t now(void)
{
	return ct_now(g.t, h.w->now);
}

/* ---- Packets ---- */

struct seen {
	struct ct_result r;
	struct ct_pkt cp; /* of what came out */
	bool dropped;
};

static struct seen track(const struct cf *f, const struct ct_nat_spec *spec)
{
	const struct ct_req r = { .zone = 5, .commit = spec, .nat = true, .spec = spec };
	struct rte_mbuf *m = cf_mbuf(h.dp->pool, f);
	struct pkt *p = &g.b->pkt[0], again;
	struct seen s = { 0 };

	role_assume_pmd();
	assert_non_null(m);
	assert_true(pkt_init(g.b, 0, m, 1));
	ct_read(h.w, g.t, p, 5, &s.cp);
	assert_int_not_equal(s.cp.kind, CT_K_INVALID);
	ct_track(h.w, g.b, g.t, p, &s.cp, &r, now(), &s.r);
	assert_false(p->dropped);
	s.dropped = s.r.drop != N_DROPS;
	/* As the next one reads it, checksums and all. */
	again = *p;
	assert_true(pkt_parse(&again));
	ct_read(h.w, g.t, &again, 5, &s.cp);
	assert_int_not_equal(s.cp.kind, CT_K_INVALID);
	rte_pktmbuf_free(p->m);
	return s;
}

static struct cf frame_to(const struct entry *e, unsigned int dir, const struct ct_tuple *k)
{
	const bool six = k->l3 == 6;
	struct cf_spec s = { .v6 = six,
			     .proto = k->proto,
			     .src = k->src[six ? 15 : 3],
			     .dst = k->dst[six ? 15 : 3],
			     .sport = be16toh(k->src_port),
			     .dport = be16toh(k->dst_port),
			     .seq = e->seq[dir],
			     .ack = e->seq[!dir],
			     .win = 10000,
			     .flags = TCP_ACK,
			     .len = (uint16_t)(k->proto == IPPROTO_TCP ? 0 : below(300)) };
	struct cf f;

	cf_make(&f, &s);
	return f;
}

static bool same(const struct ct_tuple *a, const struct ct_tuple *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* ---- The list ---- */

static bool answers_meet(const struct ct_tuple *a, const struct ct_tuple *b)
{
	struct ct_tuple turned;

	ct_turn(&turned, b);
	return same(a, b) || same(a, &turned);
}

/* Nobody's but 'mine'. */
static void assert_unique(const struct entry *mine)
{
	for (unsigned int i = 0; i < CONNS; i++)
		if (g.e[i].live && &g.e[i] != mine && answers_meet(&g.e[i].out, &mine->out))
			fail_msg("two connections look the same to who answers");
}

/* Connections that have taken of 'narrow' what one to the same place could take. */
static unsigned int in_use(const struct ct_tuple *in)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < CONNS; i++) {
		const struct ct_tuple *o = &g.e[i].out;

		n += g.e[i].live && o->proto == in->proto && !memcmp(o->dst, in->dst, 16) &&
		     o->dst_port == in->dst_port && o->src[3] >= 100 && o->src[3] <= 101;
	}
	return n;
}

static struct entry *by_in(const struct ct_tuple *in)
{
	for (unsigned int i = 0; i < CONNS; i++)
		if (g.e[i].live && answers_meet(&g.e[i].in, in))
			return &g.e[i];
	return NULL;
}

static const struct ct_nat_spec *any_spec(bool six)
{
	static const struct ct_nat_spec *const specs[] = { &narrow, &wide, &inward };

	return six ? &v6 : PICK(specs);
}

static bool in_range(const struct ct_nat_spec *s, const struct ct_tuple *o)
{
	const bool icmp = o->proto == IPPROTO_ICMP || o->proto == IPPROTO_ICMPV6;
	const uint8_t *addr = s->src ? o->src : o->dst;
	const uint16_t port = be16toh(s->src || icmp ? o->src_port : o->dst_port);

	if (memcmp(addr, s->min, 16) < 0 || memcmp(addr, s->max, 16) > 0)
		return false;
	return !s->port_min || (s->dst && icmp) || (port >= s->port_min && port <= s->port_max);
}

/* ---- Steps ---- */

static void open_one(void)
{
	static const uint8_t protos[] = { IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMP, IPPROTO_SCTP };
	struct cf_spec s = { .v6 = one_in(4),
			     .proto = PICK(protos),
			     .src = (uint8_t)(1 + below(HOSTS)),
			     .dst = (uint8_t)(20 + below(2)),
			     .sport = (uint16_t)(3000 + below(40)),
			     .dport = 80,
			     .flags = TCP_SYN,
			     .win = 10000,
			     .seq = (uint32_t)rnd() };
	const struct ct_nat_spec *spec = any_spec(s.v6);
	struct entry *e = NULL;
	struct seen was, got;
	struct ct_pkt cp;
	struct cf f;

	if (s.proto == IPPROTO_ICMP) {
		s.proto = s.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		s.dport = s.v6 ? 0x8000 : 0x0800;
	}
	cf_make(&f, &s);
	/* Without committing: what there is of it. */
	role_assume_pmd();
	{
		struct rte_mbuf *m = cf_mbuf(h.dp->pool, &f);

		assert_true(m && pkt_init(g.b, 0, m, 1));
		ct_read(h.w, g.t, &g.b->pkt[0], 5, &cp);
		rte_pktmbuf_free(m);
	}
	e = by_in(&cp.k);
	if (e)
		return;
	for (unsigned int i = 0; i < CONNS && !e; i++)
		if (!g.e[i].live)
			e = &g.e[i];
	if (!e)
		return;
	got = track(&f, spec);
	if (got.dropped) {
		assert_int_equal(got.r.drop, DROP_CT_NAT_EXHAUSTED);
		assert_ptr_equal(spec, &narrow);
		assert_true(in_use(&cp.k) >= 20);
		g.dropped++;
		return;
	}
	assert_int_equal(got.r.state & (CT_NEW | CT_TRK), CT_NEW | CT_TRK);
	assert_true(got.r.state & (spec->src ? CT_SNAT : CT_DNAT));
	assert_memory_equal(&got.r.orig, &cp.k, sizeof(cp.k));
	*e = (struct entry){ .live = true, .in = cp.k, .out = got.cp.k, .spec = s };
	e->seq[0] = s.seq + 1;
	e->seq[1] = (uint32_t)rnd();
	assert_true(in_range(spec, &e->out));
	assert_unique(e);
	g.fresh++;
	if (s.proto != IPPROTO_TCP)
		return;
	{
		struct ct_tuple back;
		struct cf_spec syn_ack = s;

		ct_turn(&back, &e->out);
		syn_ack = (struct cf_spec){ .v6 = s.v6,
					    .proto = IPPROTO_TCP,
					    .src = back.src[s.v6 ? 15 : 3],
					    .dst = back.dst[s.v6 ? 15 : 3],
					    .sport = be16toh(back.src_port),
					    .dport = be16toh(back.dst_port),
					    .flags = TCP_SYN | TCP_ACK,
					    .win = 10000,
					    .seq = e->seq[1],
					    .ack = e->seq[0] };
		e->seq[1]++;
		cf_make(&f, &syn_ack);
		was = track(&f, NULL);
		ct_turn(&back, &e->in);
		assert_memory_equal(&was.cp.k, &back, sizeof(back));
	}
}

static void again(struct entry *e)
{
	const struct cf f = frame_to(e, 0, &e->in);
	const struct seen s = track(&f, NULL);

	assert_false(s.dropped);
	assert_int_equal(s.r.state & CT_INV, 0);
	assert_memory_equal(&s.cp.k, &e->out, sizeof(e->out));
	assert_memory_equal(&s.r.orig, &e->in, sizeof(e->in));
}

static void answered(struct entry *e)
{
	struct ct_tuple back, want;
	struct seen s;
	struct cf f;

	ct_turn(&back, &e->out);
	ct_turn(&want, &e->in);
	f = frame_to(e, 1, &back);
	s = track(&f, NULL);
	assert_int_equal(s.r.state & (CT_EST | CT_RPL | CT_INV | CT_NEW), CT_EST | CT_RPL);
	assert_true(s.r.state & (CT_SNAT | CT_DNAT));
	assert_memory_equal(&s.cp.k, &want, sizeof(want));
	g.answers++;
}

/* From a router on the way, about a packet as it came out. */
static void error_about(struct entry *e)
{
	const bool six = e->out.l3 == 6;
	struct ct_tuple want;
	struct seen s;
	struct cf f, q;

	q = frame_to(e, 0, &e->out);
	cf_error(&f, &q, six ? 0x0300 : 0x0b00, 77, e->out.src[six ? 15 : 3], q.n - CF_L3);
	s = track(&f, NULL);
	assert_int_equal(s.cp.kind, CT_K_ERROR);
	assert_true((s.r.state & (CT_REL | CT_RPL)) == (CT_REL | CT_RPL));
	/* ct_read() has turned what is quoted. */
	ct_turn(&want, &e->in);
	assert_memory_equal(&s.cp.k, &want, sizeof(want));
	g.errors++;
}

static void forget_some(void)
{
	role_assume_control();
	for (unsigned int i = 0; i < CONNS; i++) {
		if (!g.e[i].live || !one_in(3))
			continue;
		assert_int_equal(ct_flush_tuple(h.dp, g.t, &g.e[i].in), 1);
		g.e[i].live = false;
	}
	for (unsigned int i = 0; i < 1000 && ct_expire(h.dp, g.t, now()); i++)
		;
	dp_barrier(h.dp);
}

static void what_goes_in_comes_back(void **state)
{
	const char *seconds = getenv("WEFT_DIFF_SECONDS");
	const time_t end = time(NULL) + (seconds ? atoi(seconds) : 0);

	rnd_state = 1;
	for (uint64_t i = 0; i < STEPS || time(NULL) < end; i++) {
		struct entry *e = &g.e[below(CONNS)];

		open_one();
		if (e->live)
			again(e);
		e = &g.e[below(CONNS)];
		if (e->live)
			answered(e);
		e = &g.e[below(CONNS)];
		if (e->live && e->in.proto != IPPROTO_TCP)
			again(e);
		if (e->live)
			error_about(e);
		if (one_in(700))
			forget_some();
	}
	print_message("%llu new, %llu answered, %llu errors, %llu found no place\n",
		      (unsigned long long)g.fresh, (unsigned long long)g.answers,
		      (unsigned long long)g.errors, (unsigned long long)g.dropped);
	assert_true(g.fresh > 500 && g.answers > 500 && g.errors > 500 && g.dropped > 0);
}

static int setup(void **state)
{
	const struct dp_opts o = { .name = "unit", .dpid = 1 };
	struct err e;

	g.b = calloc(1, sizeof(*g.b));
	if (!g.b || harness_setup(&o))
		return -1;
	g.t = ct_new("unit", 4096, &e);
	h.w->now = rte_get_tsc_cycles();
	return g.t ? 0 : -1;
}

static int teardown(void **state)
{
	role_assume_control();
	ct_free(g.t);
	free(g.b);
	return harness_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_goes_in_comes_back) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
