/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: NX ct: the tracker against a plain model */
/*
 * Connection tracking and its plain model, side by side: random sequences of packets between a few
 * hosts, in a few zones, with commits, force, marks, labels, limits, flushes and a clock that
 * jumps.  Both must agree on every verdict, on every connection with its counters, and on how many
 * there are.
 *
 *	generator --spec--> cf_make() -> pkt_init() -> ct_read() -> ct_track()
 *	              \---> m_packet()
 *
 * WEFT_DIFF_SECONDS makes it longer, WEFT_DIFF_SEED another; WEFT_DIFF_DUMP tells each packet and
 * compares everything after it.
 */
#include "tests/unit/datapath_harness.h"

#include "datapath/ct_tcp.h"
#include "datapath/ct_track.h"
#include "tests/unit/datapath_ct_model.h"
#include "tests/unit/datapath_random.h"

enum { ZONES = 3, HOSTS = 3, PORTS_N = 3, TALKS = 24, STEPS = 400, MAX = 4096 };

/* Two ends that talk TCP, not always by the book. */
struct talk {
	struct cf_spec s; /* of its first packet */
	uint32_t next[2], acked[2];
	uint8_t wscale[2];
};

static struct {
	struct ct *t;
	struct burst *burst;
	struct model m;
	struct talk talk[TALKS];
	struct cf_spec past[64]; /* to be sent again, and quoted */
	unsigned int n_past;
	uint64_t seed, packets, verdicts[256], good[CT_N_TCP_STATES];
	bool slowly; /* after each packet everything is compared */
} g;

static uint32_t now(void)
{
	return ct_now(g.t, h.w->now);
}

static void pass(uint64_t ms)
{
	h.w->now += ms * rte_get_tsc_hz() / 1000;
	g.m.now = now();
}

/* ---- What is sent ---- */

static uint8_t any_proto(void)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_TCP,  IPPROTO_TCP,  IPPROTO_UDP,
					  IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_GRE };

	return PICK(protos);
}

static void new_talk(struct talk *t)
{
	static const uint16_t types4[] = { 0x0800, 0x0d00, 0x0f00, 0x1100, 0x0801 };

	memset(t, 0, sizeof(*t));
	t->s.v6 = one_in(3);
	t->s.proto = any_proto();
	t->s.src = (uint8_t)(1 + below(HOSTS));
	do
		t->s.dst = (uint8_t)(1 + below(HOSTS));
	while (t->s.dst == t->s.src);
	t->s.sport = (uint16_t)(1000 + below(PORTS_N));
	t->s.dport = (uint16_t)(1000 + below(PORTS_N));
	if (t->s.proto == IPPROTO_ICMP) {
		t->s.dport = t->s.v6 ? 0x8000 : PICK(types4);
		if (t->s.v6)
			t->s.proto = IPPROTO_ICMPV6;
	}
	for (unsigned int i = 0; i < 2; i++) {
		t->next[i] = one_in(2) ? (uint32_t)rnd() : 0 - below(3000);
		t->wscale[i] = one_in(3) ? 0 : (uint8_t)(1 + below(16));
	}
}

static struct cf_spec turned(struct cf_spec s)
{
	const struct cf_spec was = s;

	s.src = was.dst;
	s.dst = was.src;
	if (m_icmp(s.proto)) {
		const int other = m_other_type(s.proto, s.dport >> 8);

		s.dport = (uint16_t)(other << 8 | (s.dport & 0xff));
	} else {
		s.sport = was.dport;
		s.dport = was.sport;
	}
	return s;
}

static const uint16_t wins[] = { 0, 1, 100, 5000, 65535, 65535 };

/* Beside the right number, at the edge of a window, or nowhere. */
static uint32_t near(uint32_t n)
{
	const uint32_t edge = ((uint32_t)PICK(wins) << (one_in(2) ? 0 : below(15))) + below(3) - 1;

	switch (below(12)) {
	case 5:
	case 6:
		return n + edge;
	case 7:
	case 8:
		return n - edge;
	case 0:
		return n - 1;
	case 1:
		return n + 1;
	case 2:
		return n - below(70000);
	case 3:
		return n + below(70000);
	case 4:
		return n + (uint32_t)(rnd() % (UINT64_C(1) << 31)) - (UINT32_C(1) << 30);
	}
	return n;
}

static void tcp_segment(struct talk *t, struct cf_spec *s, unsigned int from)
{
	static const uint8_t flags[] = { M_SYN, M_SYN,	       M_ACK,	      M_ACK,
					 M_ACK, M_FIN | M_ACK, M_RST,	      M_RST | M_ACK,
					 M_ACK, M_SYN | M_ACK, M_SYN | M_ACK, M_ACK };
	const bool wild = one_in(6);

	s->flags = PICK(flags);
	/* The first words are mostly the right ones. */
	if (!t->acked[0] && !t->acked[1] && !one_in(4))
		s->flags = from ? M_SYN | M_ACK : M_SYN;
	s->win = PICK(wins);
	s->len = one_in(2) ? 0 : one_in(3) ? 1 + below(2) : (uint16_t)below(900);
	if (s->flags & M_SYN && !one_in(5))
		s->len = 0;
	s->seq = wild ? near(t->next[from]) : t->next[from];
	s->ack = wild ? near(t->next[!from]) : t->next[!from];
	if (s->flags & M_SYN) {
		s->wscale = t->wscale[from];
		if (one_in(10))
			s->wscale = (uint8_t)below(17);
		/* Again, one number back. */
		if (t->acked[from] && !one_in(4))
			s->seq -= 1;
		if (one_in(8))
			s->seq = (uint32_t)rnd();
	}
	if (wild)
		return;
	if (s->flags & M_RST)
		return;
	t->next[from] = s->seq + s->len + !!(s->flags & M_SYN) + !!(s->flags & M_FIN);
	if (s->flags & M_SYN)
		t->acked[from] = 1;
}

static struct cf_spec next_packet(void)
{
	struct talk *t = &g.talk[below(TALKS)];
	const unsigned int from = one_in(2);
	struct cf_spec s;

	if (one_in(60))
		new_talk(t);
	if (g.n_past > 8 && one_in(10)) /* late, twice */
		return g.past[below(g.n_past < 64 ? g.n_past : 64)];
	s = from ? turned(t->s) : t->s;
	s.len = (uint16_t)below(40);
	s.ext = s.v6 && one_in(4) ? 8 : 0;
	if (s.proto == IPPROTO_TCP)
		tcp_segment(t, &s, from);
	g.past[g.n_past++ % 64] = s;
	return s;
}

static struct m_req request(void)
{
	struct m_req r = { .zone = (uint16_t)below(ZONES), .commit = !one_in(3) };

	if (r.commit && one_in(12))
		r.force = true;
	if (r.commit && one_in(3)) {
		r.mark = (uint32_t)rnd();
		r.mark_mask = one_in(2) ? UINT32_MAX : (uint32_t)rnd();
	}
	if (r.commit && one_in(4))
		for (unsigned int i = 0; i < 16; i++) {
			r.label[i] = (uint8_t)rnd();
			r.label_mask[i] = one_in(2) ? 0xff : (uint8_t)rnd();
		}
	return r;
}

/* ---- Both sides ---- */

static struct ct_req req_of(const struct m_req *r)
{
	struct ct_req q = { .zone = r->zone,
			    .commit = r->commit,
			    .force = r->force,
			    .mark = r->mark,
			    .mark_mask = r->mark_mask };

	memcpy(q.label, r->label, 16);
	memcpy(q.label_mask, r->label_mask, 16);
	return q;
}

static void tuple_of(struct ct_tuple *out, const struct m_key *k)
{
	memset(out, 0, sizeof(*out));
	out->l3 = k->v6 ? 6 : 4;
	out->proto = k->proto;
	out->zone = k->zone;
	out->src_port = htobe16(k->pa);
	out->dst_port = htobe16(k->pb);
	if (k->v6) {
		out->src[0] = out->dst[0] = 0xfd;
		out->src[15] = k->a;
		out->dst[15] = k->b;
	} else {
		put_be32(out->src, 0x0a000000u | k->a);
		put_be32(out->dst, 0x0a000000u | k->b);
	}
}

static void compare(const struct ct_result *is, const struct m_verdict *want, const char *who)
{
	struct ct_tuple orig;

	if (is->state != want->state || is->drop != want->drop || is->mark != want->mark ||
	    memcmp(is->label, want->label, 16) != 0)
		fail_msg("seed %llu packet %llu, %s: state %#x instead of %#x, drop %d instead of "
			 "%d, "
			 "mark %#x instead of %#x",
			 (unsigned long long)g.seed, (unsigned long long)g.packets, who, is->state,
			 want->state, (int)is->drop, (int)want->drop, is->mark, want->mark);
	if (!want->has_orig) {
		assert_int_equal(is->orig.l3, 0);
		return;
	}
	tuple_of(&orig, &want->orig);
	assert_memory_equal(&is->orig, &orig, sizeof(orig));
}

static void compare_tables(void);

/* Like act_ct.c: what a second action of the zone sees. */
static void show(struct pkt *p, const struct ct_result *out, uint16_t zone)
{
	p->key.ct_state = out->state;
	p->key.ct_zone = htobe16(zone);
}

static void one(const struct cf *f, const struct cf_spec *s, const struct cf_spec *quoted)
{
	const unsigned int passes = one_in(5) ? 2 : 1;
	struct rte_mbuf *m = cf_mbuf(h.dp->pool, f);
	struct pkt *p = &g.burst->pkt[0];
	uint8_t was_state = 0;
	uint16_t was_zone = 0;

	if (g.slowly)
		fprintf(stderr,
			"%llu: %u>%u proto %u %u %u flags %#x seq %u len %u ack %u win %u ws "
			"%u%s\n",
			(unsigned long long)g.packets, s->src, s->dst, s->proto, s->sport, s->dport,
			s->flags, s->seq, s->len, s->ack, s->win, s->wscale,
			quoted ? " (quoted another)" : "");
	assert_non_null(m);
	assert_true(pkt_init(g.burst, 0, m, 1));
	for (unsigned int i = 0; i < passes; i++) {
		const struct m_req r = request();
		const struct ct_req q = req_of(&r);
		const bool again =
			was_state & CT_TRK && !(was_state & CT_INV) && was_zone == r.zone;
		struct m_verdict want;
		struct ct_result is, look;
		struct ct_seen seen;
		struct ct_pkt cp;

		ct_read(h.w, g.t, p, r.zone, &cp);
		if (one_in(4))
			ct_look(h.w, NULL, g.t, p, &cp, &q, now(), &look, &seen);
		else
			look.state = 0;
		if (quoted)
			want = m_error(&g.m, quoted, &r);
		else
			want = m_packet(&g.m, s, &r, again);
		ct_track(h.w, g.burst, g.t, p, &cp, &q, now(), &is);
		compare(&is, &want, "track");
		if (look.state && want.drop == N_DROPS)
			compare(&look, &want, "look");
		if (is.drop != N_DROPS)
			break;
		g.verdicts[is.state]++;
		show(p, &is, r.zone);
		was_state = is.state;
		was_zone = r.zone;
	}
	g.packets++;
	rte_pktmbuf_free(m);
	if (!g.slowly)
		return;
	compare_tables();
	role_assume_pmd();
}

static void step(void)
{
	struct cf_spec s = next_packet();
	struct cf f;

	cf_make(&f, &s);
	if (g.n_past > 8 && one_in(12)) {
		const struct cf_spec q = g.past[below(g.n_past < 64 ? g.n_past : 64)];
		struct cf quote;

		cf_make(&quote, &q);
		cf_error(&f, &quote, q.v6 ? 0x0100 : 0x0301, (uint8_t)(1 + below(HOSTS)), q.src,
			 quote.l4 - CF_L3 + 8);
		one(&f, &s, &q);
		return;
	}
	one(&f, &s, NULL);
}

/* ---- Control ---- */

static void expire(void)
{
	role_assume_control();
	for (int i = 0; ct_expire(h.dp, g.t, now()); i++)
		assert_true(i < 1000000);
	dp_barrier(h.dp);
}

static uint32_t window_of(const struct ct_tcp_peer *p)
{
	const unsigned int n = p->wscale & CT_WSCALE_ON ? p->wscale & CT_WSCALE : 0;

	return (uint32_t)(p->max_win ? p->max_win : 1) << n;
}

static void same_tcp(const struct ct_tcp_peer peer[2], const struct m_conn *c)
{
	assert_string_equal(ct_tcp_conn_name(peer), m_tcp_name(c));
	if (!m_level(c, 0) || !m_level(c, 1) || (!c->joined && (!m_seen(c, 0) || !m_seen(c, 1))))
		return;
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t end = 0;

		m_end_of(c, i, &end);
		if (peer[i].seq_lo != end || peer[i].seq_hi != m_limit(c, i) ||
		    window_of(&peer[i]) != m_window(c, i))
			fail_msg("seed %llu packet %llu side %u: end %u instead of %u, limit %u "
				 "instead of "
				 "%u, window %u instead of %u",
				 (unsigned long long)g.seed, (unsigned long long)g.packets, i,
				 peer[i].seq_lo, end, peer[i].seq_hi, m_limit(c, i),
				 window_of(&peer[i]), m_window(c, i));
	}
}

static void seen(void *arg, const struct ct_conn *copy)
{
	uint32_t *n = arg;
	const struct m_conn *c = NULL;
	struct ct_tuple k;

	if ((int32_t)(atomic_load(&copy->expires) - g.m.now) <= 0)
		return; /* its time has come, and expiry's has not */
	for (uint32_t i = 0; i < g.m.n && !c; i++) {
		if (!g.m.c[i].live)
			continue;
		tuple_of(&k, &g.m.c[i].k[0]);
		if (!memcmp(&k, &copy->orig, sizeof(k)))
			c = &g.m.c[i];
	}
	assert_non_null(c);
	tuple_of(&k, &c->k[1]);
	assert_memory_equal(&k, &copy->reply, sizeof(k));
	assert_int_equal(copy->mark, c->mark);
	assert_memory_equal(copy->label, c->label, 16);
	assert_int_equal(copy->packets[0], c->packets[0]);
	assert_int_equal(copy->packets[1], c->packets[1]);
	assert_int_equal(!!(copy->flags & CT_F_SEEN_REPLY), c->answered);
	if (copy->timeout != c->timeout)
		fail_msg("seed %llu packet %llu: protocol %u, timeout %d instead of %d; %s, %s",
			 (unsigned long long)g.seed, (unsigned long long)g.packets,
			 copy->orig.proto, copy->timeout, c->timeout, ct_tcp_conn_name(copy->peer),
			 m_tcp_name(c));
	assert_int_equal(copy->expires, c->expires);
	if (copy->orig.proto == IPPROTO_TCP)
		same_tcp(copy->peer, c);
	++*n;
}

static void compare_tables(void)
{
	uint32_t n = 0, cursor = 0;

	role_assume_control();
	(void)m_live(&g.m, -1);
	while (ct_walk(g.t, &cursor, 100, seen, &n))
		;
	assert_int_equal(n, m_live(&g.m, -1));
}

static void flush(void)
{
	const uint16_t zone = (uint16_t)below(ZONES);

	role_assume_control();
	(void)m_live(&g.m, -1);
	if (one_in(3)) {
		struct m_conn *c = g.m.n ? &g.m.c[below(g.m.n)] : NULL;
		struct ct_tuple k;

		if (!c || !c->live)
			return;
		tuple_of(&k, &c->k[one_in(2)]);
		assert_int_equal(ct_flush_tuple(h.dp, g.t, &k), 1);
		m_end(c);
		return;
	}
	assert_int_equal(ct_flush(h.dp, g.t, &zone), m_live(&g.m, zone));
	for (uint32_t i = 0; i < g.m.n; i++)
		if (g.m.c[i].live && g.m.c[i].k[0].zone == zone)
			m_end(&g.m.c[i]);
}

static void limit(void)
{
	const uint16_t zone = (uint16_t)below(ZONES);
	const uint32_t n = one_in(2) ? 0 : 1 + below(40);

	role_assume_control();
	ct_zone_set_limit(g.t, &zone, n);
	g.m.limit[zone] = n;
}

static void run(uint64_t seed)
{
	static const uint32_t jumps[] = { 1000, 59999, 60000, 100000, 130000, 240000, 86400000 };
	struct err e;

	g.seed = rnd_state = seed;
	role_assume_control();
	g.t = ct_new("unit", MAX, &e);
	assert_non_null(g.t);
	memset(&g.m, 0, sizeof(g.m));
	g.n_past = 0;
	for (unsigned int i = 0; i < TALKS; i++)
		new_talk(&g.talk[i]);
	pass(0);
	for (unsigned int i = 0; i < STEPS; i++) {
		role_assume_pmd();
		for (unsigned int k = 1 + below(20); k; k--)
			step();
		if (one_in(8))
			compare_tables();
		if (one_in(3))
			pass(1 + below(20000));
		if (one_in(25)) {
			pass(PICK(jumps));
			compare_tables();
		}
		expire();
		if (one_in(40))
			flush();
		if (one_in(40))
			limit();
	}
	compare_tables();
	role_assume_control();
	ct_free(g.t);
	m_fini(&g.m);
	dp_barrier(h.dp);
}

static void it_is_as_the_model_says(void **state)
{
	const char *seconds = getenv("WEFT_DIFF_SECONDS"), *seed = getenv("WEFT_DIFF_SEED");
	g.slowly = getenv("WEFT_DIFF_DUMP");
	const time_t end = time(NULL) + (seconds ? atoi(seconds) : 0);
	uint64_t first = seed ? strtoull(seed, NULL, 0) : 1, n = first;

	do
		run(n++);
	while (n < first + (seed ? 1 : 40) || time(NULL) < end);
	printf("%llu packets:", (unsigned long long)g.packets);
	for (unsigned int i = 0; i < 256; i++)
		if (g.verdicts[i])
			printf(" %#x %llu", i, (unsigned long long)g.verdicts[i]);
	printf("\n");
	/* It says nothing where nothing happens. */
	if (!seed)
		assert_true(g.verdicts[CT_TRK | CT_NEW] && g.verdicts[CT_TRK | CT_INV] &&
			    g.verdicts[CT_TRK | CT_EST] && g.verdicts[CT_TRK | CT_EST | CT_RPL] &&
			    g.verdicts[CT_TRK | CT_REL] && g.verdicts[CT_TRK | CT_REL | CT_RPL]);
}

static int setup(void **state)
{
	const struct dp_opts o = { .name = "unit", .dpid = 1 };

	g.burst = calloc(1, sizeof(*g.burst));
	if (!g.burst || harness_setup(&o))
		return -1;
	h.w->now = rte_get_tsc_cycles();
	return 0;
}

static int teardown(void **state)
{
	free(g.burst);
	return harness_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_as_the_model_says),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
