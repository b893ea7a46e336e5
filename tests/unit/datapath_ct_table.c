/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of connections: filled up, limited, expired by a clock of the test's own, flushed, its
 * slots used again, and its region read by another process.
 */
#include <rte_rcu_qsbr.h>

#include "datapath/ct_nat.h"
#include "tests/unit/datapath_ct_frames.h"
#include "tests/unit/datapath_ct_table.h"

/* ---- Tests ---- */

static void both_directions(void **state)
{
	enum drop why;

	fresh(1000);
	assert_false(is_there(1, 0));
	must_make(1, 0);
	assert_true(is_there(1, 0));
	assert_false(is_there(2, 0));
	assert_false(is_there(1, 7)); /* a zone is part of the name */
	assert_null(make(1, 0, &why));
	must_make(1, 7);
	assert_true(is_there(1, 7));
	assert_int_equal(stats().conns, 2);
	assert_int_equal(stats().by_proto[IPPROTO_UDP], 2);
}

/* The pool is filled to its last slot, each is found, and what expires makes room again. */
static void filled(uint32_t max)
{
	enum drop why;

	fresh(max);
	for (uint32_t i = 0; i < max; i++)
		must_make(i, (uint16_t)(i % 5));
	for (uint32_t i = 0; i < max; i++)
		assert_true(is_there(i, (uint16_t)(i % 5)));
	assert_null(make(max, 3, &why));
	assert_int_equal(why, DROP_CT_FULL);
	assert_int_equal(stats().full, 1);
	assert_int_equal(stats().conns, max);
	now += ct_timeout_seconds[CT_T_UDP_FIRST] * CT_TICKS + 1;
	for (uint32_t i = 0; i < max; i += 97)
		assert_false(is_there(i, (uint16_t)(i % 5)));
	expire();
	assert_int_equal(stats().conns, 0);
	assert_int_equal(stats().expired, max);
	for (uint32_t i = 0; i < max; i++)
		must_make(i + 7, 1);
	assert_null(make(max + 7, 3, &why));
}

static void full(void **state)
{
	filled(1);
	filled(100);
	filled(4096);
	filled(300000);
}

/* ---- What ends ---- */

static void lengthened_and_shortened(void **state)
{
	struct ct_conn *c, *d;

	fresh(100);
	role_assume_pmd();
	c = must_make(1, 0);
	d = must_make(2, 0);
	for (int i = 0; i < 10; i++) {
		now += 100 * CT_TICKS; /* of 120 s */
		expire();
		assert_true(is_there(1, 0));
		ct_touch(t, c, CT_T_UDP_SINGLE, now);
		assert_int_equal(is_there(2, 0), i == 0);
	}
	assert_int_equal(stats().expired, 1);
	assert_int_equal(stats().conns, 1);
	/* From a day to four minutes, long before expiry would have looked. */
	ct_touch(t, c, CT_T_TCP_ESTABLISHED, now);
	now += 1000 * CT_TICKS;
	expire();
	assert_true(is_there(1, 0));
	ct_touch(t, c, CT_T_TCP_TIME_WAIT, now);
	now += 239 * CT_TICKS;
	expire();
	assert_int_equal(stats().conns, 1);
	now += 2 * CT_TICKS;
	expire();
	assert_int_equal(stats().conns, 0);
	assert_int_equal(atomic_load(&c->stage), CT_S_FREE);
	assert_int_equal(atomic_load(&d->stage), CT_S_FREE);
}

/* Every length of time, the wrap of the clock among it: never early, and gone a second late. */
static void on_time(void **state)
{
	fresh(4096);
	for (uint32_t from = (uint32_t)-500000; from < 2000 || from > 2000000; from += 7919) {
		uint32_t n = from / 3;

		now = from;
		expire();
		must_make(n, 0);
		now = from + ct_timeout_seconds[CT_T_UDP_FIRST] * CT_TICKS - 1;
		expire();
		assert_true(is_there(n, 0));
		now++;
		assert_false(is_there(n, 0));
		now += CT_D_BITS;
		expire();
		assert_int_equal(stats().conns, 0);
	}
}

/* A killed one is found by nobody, its tuple is free at once, its slot when it cannot be seen. */
static void killed(void **state)
{
	const struct ct_tuple k = tuple(1, 0);
	struct ct_conn *c, *d;
	enum drop why;
	uint32_t gen;

	fresh(1);
	role_assume_control();
	role_assume_pmd();
	assert_int_equal(rte_rcu_qsbr_thread_register(h.dp->rcu, h.w->id), 0);
	rte_rcu_qsbr_thread_online(h.dp->rcu, h.w->id);
	c = must_make(1, 0);
	gen = atomic_load(&c->gen);
	assert_false(ct_is_free(t, &k, ct_hash(t, &k), now));
	ct_kill(t, c);
	ct_kill(t, c); /* once is all */
	assert_int_equal(stats().conns, 0);
	assert_int_equal(stats().deleted, 1);
	assert_true(ct_is_free(t, &k, ct_hash(t, &k), now));
	assert_false(is_there(1, 0));
	/* Its packet thread still has it in hand. */
	while (ct_expire(h.dp, t, now))
		;
	dp_reclaim(h.dp);
	assert_null(make(1, 0, &why));
	assert_int_equal(why, DROP_CT_FULL);
	assert_int_equal(atomic_load(&c->gen), gen);
	rte_rcu_qsbr_quiescent(h.dp->rcu, h.w->id);
	dp_reclaim(h.dp);
	d = must_make(1, 0);
	assert_ptr_equal(c, d);
	assert_int_equal(atomic_load(&c->gen), gen + 1);
	rte_rcu_qsbr_thread_offline(h.dp->rcu, h.w->id);
	rte_rcu_qsbr_thread_unregister(h.dp->rcu, h.w->id);
}

static void parents(void **state)
{
	struct ct_conn *p, *c;
	uint32_t id;

	fresh(10);
	role_assume_pmd();
	p = must_make(1, 0);
	c = must_make(2, 0);
	assert_null(ct_parent(t, c));
	c->parent = ct_conn_index(t, p) + 1;
	c->parent_gen = atomic_load(&p->gen);
	assert_ptr_equal(ct_parent(t, c), p);
	id = p->id;
	ct_kill(t, p);
	assert_null(ct_parent(t, c));
	expire();
	for (uint32_t i = 3; i < 12; i++) /* one of them in its slot */
		assert_int_not_equal(must_make(i, 0)->id, id);
	assert_true(ct_lives(p));
	assert_null(ct_parent(t, c));
}

/* One tuple used again and again before expiry comes: its bucket does not fill. */
static void used_again(void **state)
{
	fresh(5000);
	for (int i = 0; i < 4000; i++) {
		struct ct_conn *c = must_make(1, 0);

		assert_true(is_there(1, 0));
		if (i % 2)
			ct_kill(t, c);
		else
			now += 120 * CT_TICKS;
	}
	assert_int_equal(stats().conns, 0);
	assert_int_equal(stats().created, 4000);
	assert_int_equal(stats().expired + stats().deleted, 4000);
	assert_int_equal(atomic_load(&t->head->extra_used), 0);
	expire();
	for (uint32_t i = 0; i < 5000; i++)
		must_make(i, 0);
}

/* ---- One bucket ---- */

/* The next number from 'n' on whose tuples, which have one reference, are in bucket 0. */
static uint32_t in_bucket_0(uint32_t n)
{
	for (;; n++) {
		const struct ct_tuple k = tuple(n, 0), r = turned(&k);

		assert_true(ct_hash(t, &k) == ct_hash(t, &r));
		if (!(ct_hash(t, &k) & t->bucket_mask))
			return n;
	}
}

/* What nobody can prepare: it is bounded, everything is found, and extra buckets come back. */
static void collisions(void **state)
{
	enum { MOST = CT_BUCKET_REFS * (1 + CT_CHAIN_MAX) };
	enum drop why;

	fresh(64);
	for (int round = 0; round < 40; round++) {
		uint32_t n[MOST + 1], next = 0;

		for (int i = 0; i <= MOST; i++, next++)
			n[i] = next = in_bucket_0(next);
		for (int i = 0; i < MOST; i++)
			must_make(n[i], 0);
		assert_null(make(n[MOST], 0, &why));
		for (int i = 0; i < MOST; i++)
			assert_true(is_there(n[i], 0));
		assert_false(is_there(n[MOST], 0));
		assert_int_equal(stats().full, round + 1);
		for (int i = 0; i < MOST; i += 3) {
			enum ct_dir dir;
			const struct ct_tuple k = tuple(n[i], 0);

			ct_kill(t, look_for(&k, &dir));
		}
		expire();
		for (int i = 0; i < MOST; i++)
			assert_int_equal(is_there(n[i], 0), i % 3 != 0);
		now += 121 * CT_TICKS;
		expire();
		assert_int_equal(stats().conns, 0);
	}
	assert_true(atomic_load(&t->head->extra_used) <= 2 * CT_CHAIN_MAX);
}

/* ---- Zones ---- */

static struct ct_zone_stats zone_stats(uint16_t zone)
{
	struct ct_zone_stats s;

	role_assume_control();
	ct_zone_stats(t, zone, &s);
	return s;
}

static void each_zone(void *arg, const struct ct_zone_stats *s)
{
	uint32_t *sum = arg;

	sum[0]++;
	sum[1] += s->count;
	assert_true(s->zone >= sum[2]);
	sum[2] = s->zone;
}

static void limits(void **state)
{
	const uint16_t five = 5, last = 65535;
	uint32_t sum[3] = { 0 };
	enum drop why;

	fresh(1000);
	role_assume_control();
	role_assume_pmd();
	ct_zone_set_limit(t, &five, 3);
	for (uint32_t i = 0; i < 3; i++)
		must_make(i, five);
	assert_null(make(3, five, &why));
	assert_int_equal(why, DROP_CT_ZONE_FULL);
	must_make(3, 6); /* others are not hurt */
	assert_int_equal(zone_stats(five).events[CT_Z_ZONE_FULL], 1);
	assert_int_equal(zone_stats(five).events[CT_Z_CREATED], 3);
	assert_int_equal(stats().zone_full, 1);
	/* Room by what ends, at once. */
	ct_kill(t, &t->conn[0]);
	assert_int_equal(zone_stats(five).count, 2);
	must_make(4, five);
	/* A default for who has none of its own; 0 is none. */
	ct_zone_set_limit(t, NULL, 1);
	must_make(1, last);
	assert_null(make(2, last, &why));
	assert_null(make(7, 6, &why));
	ct_zone_set_limit(t, &last, 0);
	assert_true(zone_stats(last).has_limit);
	must_make(2, last);
	/* Lowered below what there is: that stays. */
	ct_zone_set_limit(t, &five, 1);
	assert_int_equal(zone_stats(five).count, 3);
	assert_true(ct_zone_del_limit(t, five));
	assert_false(ct_zone_del_limit(t, five));
	assert_false(ct_zone_del_limit(t, 1234));
	assert_int_equal(zone_stats(five).limit, 1);
	ct_zone_set_limit(t, NULL, 0);
	assert_int_equal(zone_stats(five).limit, 0);
	must_make(5, five);
	ct_zone_each(t, each_zone, sum);
	assert_int_equal(sum[0], 3);
	assert_int_equal(sum[1], stats().conns);
	ct_zone_count(h.w, t, 9, CT_Z_INVALID);
	assert_int_equal(zone_stats(9).events[CT_Z_INVALID], 1);
}

static void policies(void **state)
{
	const uint16_t zone = 7;
	struct ct_policy p = { .seconds = { [CT_T_UDP_FIRST] = 10 } }, got;
	struct err e;

	fresh(100);
	role_assume_control();
	/* RFC 5382 REQ-5, RFC 4787 REQ-5, RFC 5508 REQ-2. */
	assert_false(ct_zone_policy(t, NULL, &got));
	for (int i = CT_T_TCP_SYN_SENT; i <= CT_T_TCP_CLOSE; i++)
		assert_true(got.seconds[i] >= 240);
	assert_true(got.seconds[CT_T_TCP_ESTABLISHED] >= 2 * 3600 + 240);
	for (int i = CT_T_UDP_FIRST; i <= CT_T_UDP_MULTIPLE; i++)
		assert_true(got.seconds[i] >= 120);
	assert_true(got.seconds[CT_T_UDP_MULTIPLE] >= 300);
	assert_true(got.seconds[CT_T_ICMP_FIRST] >= 60 && got.seconds[CT_T_ICMP_REPLY] >= 60);
	for (int i = 0; i < CT_N_TIMEOUTS; i++) {
		assert_true(got.seconds[i]);
		assert_int_equal(ct_timeout_by_name(ct_timeout_names[i]), i);
	}
	assert_int_equal(ct_timeout_by_name("udp"), -1);

	assert_int_equal(ct_zone_set_policy(t, &zone, &p, &e), 0);
	assert_true(ct_zone_policy(t, &zone, &got));
	assert_int_equal(got.seconds[CT_T_UDP_FIRST], 10);
	assert_int_equal(got.seconds[CT_T_ICMP_REPLY], ct_timeout_seconds[CT_T_ICMP_REPLY]);
	must_make(1, zone);
	must_make(1, 0);
	now += 11 * CT_TICKS;
	expire();
	assert_false(is_there(1, zone));
	assert_true(is_there(1, 0));
	p.seconds[CT_T_UDP_FIRST] = CT_SECONDS_MAX + 1;
	assert_int_equal(ct_zone_set_policy(t, &zone, &p, &e), -ERANGE);
	p.seconds[CT_T_UDP_FIRST] = CT_SECONDS_MAX;
	assert_int_equal(ct_zone_set_policy(t, &zone, &p, &e), 0);
	must_make(1, zone);
	now += (CT_SECONDS_MAX - 10) * CT_TICKS;
	expire();
	assert_true(is_there(1, zone));
	/* The default's own change. */
	p.seconds[CT_T_UDP_FIRST] = 1;
	assert_int_equal(ct_zone_set_policy(t, NULL, &p, &e), 0);
	must_make(2, 3);
	now += 1001;
	assert_false(is_there(2, 3));
}

/* One packet of 'sport', committed in zone 3 behind one address and one port: why it is dropped. */
static enum drop through_nat(uint16_t sport)
{
	const struct ct_nat_spec spec = { .src = true,
					  .l3 = 4,
					  .min = { 10, 9, 9, 9 },
					  .max = { 10, 9, 9, 9 },
					  .port_min = 5000,
					  .port_max = 5000 };
	const struct ct_req r = { .zone = 3, .commit = true, .nat = true, .spec = &spec };
	const struct cf_spec s = {
		.proto = IPPROTO_UDP, .src = 1, .dst = 2, .sport = sport, .dport = 53, .len = 10
	};
	struct burst *b = h.w->burst;
	struct ct_result out;
	struct ct_pkt cp;
	struct cf f;

	role_assume_pmd();
	cf_make(&f, &s);
	pmd_burst_start(h.w, b);
	assert_true(pkt_init(b, 0, cf_mbuf(h.w->pool, &f), 1));
	b->n = 1;
	ct_read(h.w, t, &b->pkt[0], r.zone, &cp);
	ct_track(h.w, b, t, &b->pkt[0], &cp, &r, now, &out);
	rte_pktmbuf_free(b->pkt[0].m);
	return out.drop;
}

static void nat_exhausted(void **state)
{
	fresh(100);
	assert_int_equal(through_nat(1111), N_DROPS);
	assert_int_equal(zone_stats(3).events[CT_Z_NAT_EXHAUSTED], 0);
	assert_int_equal(through_nat(2222), DROP_CT_NAT_EXHAUSTED);
	assert_int_equal(through_nat(1111), N_DROPS);
	assert_int_equal(zone_stats(3).events[CT_Z_NAT_EXHAUSTED], 1);
	assert_int_equal(zone_stats(3).events[CT_Z_CREATED], 1);
	assert_int_equal(zone_stats(3).count, 1); /* the slot that was taken for it is back */
}

/* ---- The pool gets short ---- */

static void lonely_go_sooner(void **state)
{
	enum { MAX = 8000, OLD = 6000 };
	enum drop why;
	uint32_t made = 0;

	fresh(MAX);
	for (uint32_t i = 0; i < OLD; i++)
		atomic_fetch_or(&must_make(i, 0)->flags, CT_F_SEEN_REPLY);
	expire();
	/* A flood of 1,000 a second. */
	for (uint32_t i = 0; i < 60000; i++) {
		made += make(OLD + i, 1, &why) != NULL;
		now++;
		if (i % 100 == 99)
			expire();
	}
	for (uint32_t i = 0; i < OLD; i++)
		assert_true(is_there(i, 0));
	assert_true(stats().early > 10000);
	assert_int_equal(stats().expired, 0);
	/* Each has its second, and more than one a millisecond cannot be had of what is left. */
	assert_true(made > 55000);
	assert_true(is_there(OLD + 59500, 1));
	/* Without need they stay. */
	now += 10 * CT_TICKS;
	for (int i = 0; i < 10; i++, now += 100)
		expire();
	assert_true(stats().conns > MAX * 3 / 4);
}

/* ---- Told, thrown out ---- */

static void seen(void *arg, const struct ct_conn *c)
{
	uint32_t *sum = arg;

	sum[0]++;
	sum[1] += c->id;
	assert_true(atomic_load(&c->flags) & CT_F_LIVE);
	assert_int_equal(atomic_load(&c->lock), 0);
}

static bool is_of_two(const void *zone, const struct ct_conn *c)
{
	return c->orig.zone == *(const uint16_t *)zone;
}

static void flushed(void **state)
{
	const uint16_t two = 2;
	const struct ct_tuple k = tuple(1, 1), r = turned(&k);
	uint32_t cursor = 0, sum[2] = { 0 }, ids = 0;
	uint64_t gone = 0, last = 0;

	fresh(3000);
	role_assume_control();
	for (uint32_t i = 0; i < 3000; i++)
		ids += must_make(i, (uint16_t)(i % 3))->id;
	while (ct_walk(t, &cursor, 7, seen, sum))
		;
	assert_int_equal(sum[0], 3000);
	assert_int_equal(sum[1], ids);
	assert_int_equal(ct_flush_tuple(h.dp, t, &r), 1);
	assert_int_equal(ct_flush_tuple(h.dp, t, &k), 0);
	assert_false(is_there(1, 1));
	/* In slices: no more at once than was asked for, and each once. */
	cursor = 0;
	while (ct_flush_part(t, &cursor, 100, is_of_two, &two, &gone))
		assert_in_range(gone - last, 0, 100), last = gone;
	assert_int_equal(cursor, 3000);
	assert_int_equal(gone, 1000);
	assert_int_equal(ct_flush(h.dp, t, &two), 0);
	assert_int_equal(stats().conns, 1999);
	assert_int_equal(zone_stats(2).count, 0);
	assert_false(is_there(2, 2));
	assert_true(is_there(3, 0));
	expire();
	for (uint32_t i = 0; i < 1001; i++)
		must_make(5000 + i, 4);
	assert_int_equal(ct_flush(h.dp, t, NULL), 3000);
	assert_int_equal(ct_flush(h.dp, t, NULL), 0);
	assert_int_equal(stats().conns, 0);
	assert_int_equal(stats().deleted, 4001);
	cursor = sum[0] = 0;
	assert_false(ct_walk(t, &cursor, 100000, seen, sum));
	assert_int_equal(sum[0], 0);
}

/* ---- Against a list ---- */

enum { MODEL = 600, MODEL_MAX = 500 };

struct model {
	uint32_t until[MODEL]; /* 0: not there */
	uint64_t seed;
	uint32_t live;
};

static uint32_t draw(struct model *m)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return (uint32_t)(m->seed >> 32);
}

/* It is made unless it is there; with as many alive as there are slots, or dead ones in them, it
 * may be refused. */
static void model_make(struct model *m, uint32_t i)
{
	const uint64_t full = stats().full;
	enum drop why;
	struct ct_conn *c = make(i, (uint16_t)(i % 4), &why);

	if (c)
		atomic_fetch_or(&c->flags, CT_F_SEEN_REPLY);
	if (m->until[i])
		assert_null(c);
	else if (c)
		m->until[i] = now + 120000;
	else
		assert_int_equal(stats().full, full + 1);
}

static void model_touch(struct model *m, uint32_t i, bool kill)
{
	const struct ct_tuple k = tuple(i, (uint16_t)(i % 4));
	enum ct_dir dir;

	role_assume_pmd();
	if (!m->until[i])
		return;
	if (kill)
		ct_kill(t, look_for(&k, &dir));
	else
		ct_touch(t, look_for(&k, &dir), CT_T_ICMP_FIRST, now);
	m->until[i] = kill ? 0 : now + 60000;
}

static uint32_t model_live(struct model *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MODEL; i++) {
		if (m->until[i] <= now)
			m->until[i] = 0;
		n += m->until[i] != 0;
	}
	return n;
}

static void random_changes(void **state)
{
	static struct model m = { .seed = 0x123456789abcdef };

	fresh(MODEL_MAX);
	for (uint32_t step = 0; step < 300000; step++) {
		const uint32_t r = draw(&m), i = r % MODEL;

		if (m.until[i] <= now)
			m.until[i] = 0;
		assert_int_equal(is_there(i, (uint16_t)(i % 4)), m.until[i] != 0);
		if (r >> 28 < 8) {
			model_make(&m, i);
		} else if (r >> 28 < 13) {
			model_touch(&m, i, r >> 28 == 8);
		} else if (r >> 28 < 15) {
			now += r >> 16 & 255;
		} else {
			expire();
			assert_int_equal(stats().conns, model_live(&m));
		}
	}
	assert_true(stats().created > 1000 && stats().expired > 100 && stats().deleted > 100);
	assert_true(stats().full > 100 && !stats().early);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions),
		cmocka_unit_test(full),
		cmocka_unit_test(lengthened_and_shortened),
		cmocka_unit_test(on_time),
		cmocka_unit_test(killed),
		cmocka_unit_test(parents),
		cmocka_unit_test(used_again),
		cmocka_unit_test(collisions),
		cmocka_unit_test(limits),
		cmocka_unit_test(policies),
		cmocka_unit_test(nat_exhausted),
		cmocka_unit_test(lonely_go_sooner),
		cmocka_unit_test(flushed),
		cmocka_unit_test(random_changes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
