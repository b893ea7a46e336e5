/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.7.1 Meter bands: rates, bursts, virtual meters */
/*
 * How well meters hold their rates, in simulated time: long and short frames, slow and fast bands,
 * packets that come in batches, several packet threads on one meter; bursts as they were given; and
 * the virtual meters.
 */
#include <pthread.h>

#include "datapath/punt.h"
#include "tests/unit/datapath_meter_mods.h"

static struct meter *one_band(uint32_t id, uint16_t flags, uint32_t rate, uint32_t burst)
{
	struct of_meter_mod *mm = meter(OFPMC_ADD, flags, id);

	band(mm, rate, burst);
	assert_int_equal(meter_mod(h.dp, mm, &h.e), 0);
	return meter_find(h.dp, id);
}

static void no_meter(uint32_t id)
{
	assert_int_equal(meter_mod(h.dp, meter(OFPMC_DELETE, 0, id), &h.e), 0);
	dp_publish(h.dp);
	dp_barrier(h.dp);
}

static uint64_t epoch(void)
{
	return rte_rdtsc() + rte_get_tsc_hz();
}

/* How many of 'n' packets at the same moment pass. */
static unsigned int at_once(struct meter *m, unsigned int n, uint16_t len, uint64_t now)
{
	const struct pkt p = { .frame_len = len };
	unsigned int passed = 0;

	for (unsigned int i = 0; i < n; i++)
		passed += meter_run(m, &p, now) != METER_DROP;
	return passed;
}

/* Empties the bucket; a deep one by big frames first. */
static void drain(struct meter *m, uint64_t now, bool deep)
{
	while (deep && at_once(m, 1, 9000, now))
		;
	while (at_once(m, 1, 64, now))
		;
}

/*
 * Offers 'times' the rate for about 'seconds', in batches, to a band that had its burst; returns
 * what passed in parts of what ought to have.
 */
static double held(struct meter *m, double packets_per_s, uint16_t len, double times,
		   double seconds, unsigned int batch)
{
	const double hz = (double)rte_get_tsc_hz();
	const double gap = batch / (packets_per_s * times);
	const uint64_t start = epoch();
	uint64_t passed = 0;

	if (times > 1)
		drain(m, start, packets_per_s * len * 8 > 1e9);
	for (double t = gap; t < seconds; t += gap)
		passed += at_once(m, batch, len, start + (uint64_t)(t * hz));
	return (double)passed / (packets_per_s * seconds);
}

static void check_rate(uint16_t flags, uint32_t rate, uint32_t burst, uint16_t len,
		       unsigned int batch)
{
	struct meter *m = one_band(1, flags, rate, burst);
	const double per_s = flags & OFPMF_PKTPS ? rate : rate * 1000.0 / (len * 8);
	static const double times[] = { 1.05, 1.2, 2, 7 };

	/* 20,000 packets ought to pass, which may take days. */
	for (unsigned int i = 0; i < RTE_DIM(times); i++) {
		const double part = held(m, per_s, len, times[i], 20000 / per_s, batch);

		if (part < 0.98 || part > 1.02)
			fail_msg("flags %#x rate %u burst %u, %u bytes, %.2f times, by %u: %.4f",
				 flags, rate, burst, len, times[i], batch, part);
		no_meter(1);
		m = one_band(1, flags, rate, burst);
	}
	no_meter(1);
}

static void rates_are_held(void **state)
{
	static const uint16_t lens[] = { 60, 64, 512, 1500, 1514, 9014 };
	static const uint32_t kbps[] = { 1, 8, 100, 1000, 100000, 1000000, 10000000, 40000000 };
	static const uint32_t pktps[] = { 1, 10, 1000, 100000, 1000000, 30000000 };

	for (unsigned int l = 0; l < RTE_DIM(lens); l++) {
		for (unsigned int r = 0; r < RTE_DIM(kbps); r++) {
			check_rate(OFPMF_KBPS, kbps[r], 0, lens[l], 1);
			check_rate(OFPMF_KBPS | OFPMF_BURST, kbps[r], 0, lens[l], 1);
			check_rate(OFPMF_KBPS | OFPMF_BURST, kbps[r], 10, lens[l], 1);
		}
	}
	for (unsigned int r = 0; r < RTE_DIM(pktps); r++) {
		check_rate(OFPMF_PKTPS, pktps[r], 0, 64, 1);
		check_rate(OFPMF_PKTPS | OFPMF_BURST, pktps[r], 0, 64, 1);
		check_rate(OFPMF_PKTPS | OFPMF_BURST, pktps[r], 10, 1514, 1);
	}
}

/* A packet thread sees 32 packets at one moment.  Where the burst has room for them nothing of the
 * rate is lost, whatever it is. */
static void rates_are_held_in_batches(void **state)
{
	static const uint32_t kbps[] = { 1000, 100000, 1000000, 40000000 };
	static const uint32_t pktps[] = { 1000, 100000, 1000000, 30000000 };

	for (unsigned int i = 0; i < 4; i++) {
		check_rate(OFPMF_KBPS, kbps[i], 0, 64, 32);
		check_rate(OFPMF_KBPS | OFPMF_BURST, kbps[i], 1000, 64, 32);
		check_rate(OFPMF_PKTPS, pktps[i], 0, 64, 32);
		check_rate(OFPMF_PKTPS | OFPMF_BURST, pktps[i], 100, 64, 32);
		if (i < 2) /* two big frames in the least burst */
			continue;
		check_rate(OFPMF_KBPS, kbps[i], 0, 1500, 32);
		check_rate(OFPMF_KBPS | OFPMF_BURST, kbps[i], 1, 1500, 32);
		check_rate(OFPMF_KBPS | OFPMF_BURST, kbps[i], 0, 1500, 32);
		check_rate(OFPMF_PKTPS | OFPMF_BURST, pktps[i], 1, 64, 32);
		check_rate(OFPMF_PKTPS | OFPMF_BURST, pktps[i], 0, 64, 32);
	}
}

/* What does not exceed the rate passes whole, in any batches that the burst admits. */
static void below_the_rate_all_passes(void **state)
{
	static const uint32_t kbps[] = { 10, 1000, 1000000, 40000000 };

	for (unsigned int i = 0; i < 4; i++) {
		struct meter *m = one_band(1, OFPMF_KBPS, kbps[i], 0);
		const double per_s = kbps[i] * 1000.0 / (1000 * 8);
		const double want = 50000 / per_s;
		const double part = held(m, per_s, 1000, 0.99, want, i < 2 ? 1 : 32);

		assert_true(part > 0.985 && part < 1.005);
		assert_int_equal(OF_AT(&meter_stats(h.dp, m, &h.a)->band_stats, 0, meter_band_stats)
					 ->packet_band_count,
				 0);
		no_meter(1);
	}
}

/* A band that was idle has its burst, whole and once. */
static void bursts_are_as_given(void **state)
{
	const uint64_t hz = rte_get_tsc_hz();
	uint64_t now = epoch();
	unsigned int passed = 0;
	struct meter *m;

	m = one_band(1, OFPMF_PKTPS | OFPMF_BURST, 1, 7);
	assert_int_equal(at_once(m, 100, 64, now), 7);
	assert_int_equal(at_once(m, 100, 64, now + hz / 2), 0);
	assert_int_equal(at_once(m, 100, 64, now + hz + 1), 1);
	assert_int_equal(at_once(m, 100, 64, now + 100 * hz), 7);
	no_meter(1);
	/* 80 kb are ten frames of 1000 bytes, at a rate that no division makes even. */
	now = epoch();
	m = one_band(1, OFPMF_KBPS | OFPMF_BURST, 7, 80);
	assert_int_equal(at_once(m, 100, 1000, now), 10);
	assert_int_equal(at_once(m, 100, 1000, now + 100 * hz), 10);
	no_meter(1);
	/* 0: the rate strictly; yet a packet passes, however slow the band is, and one that is late
	 * by half its time is made up for by the next. */
	now = epoch();
	m = one_band(1, OFPMF_PKTPS | OFPMF_BURST, 1, 0);
	assert_int_equal(at_once(m, 100, 1500, now), 1);
	for (unsigned int i = 1; i <= 1000; i++)
		passed += at_once(m, 100, 1500, now + i * hz / 10);
	assert_in_range(passed, 100, 101);
	no_meter(1);
	now = epoch();
	m = one_band(1, OFPMF_KBPS | OFPMF_BURST, 1, 0);
	assert_int_equal(at_once(m, 100, 1500, now), 1);
	assert_int_equal(at_once(m, 100, 1500, now + 12 * hz + 1), 1);
	no_meter(1);
	/* A frame that is bigger than the whole burst. */
	now = epoch();
	m = one_band(1, OFPMF_KBPS | OFPMF_BURST, 100, 8);
	assert_int_equal(at_once(m, 5, 9000, now), 1);
	assert_int_equal(at_once(m, 5, 9000, now + hz), 1);
	no_meter(1);
	/* Numbers too big for any moment. */
	now = epoch();
	m = one_band(1, OFPMF_KBPS | OFPMF_BURST, 1, UINT32_MAX);
	assert_int_equal(at_once(m, 100000, 1500, now), 100000);
	no_meter(1);
}

static void what_was_given_is_told(void **state)
{
	static const struct {
		uint16_t flags;
		uint32_t rate, burst;
	} v[] = {
		{ OFPMF_KBPS, 1000, 0 },
		{ OFPMF_KBPS, 1000, 77 },
		{ 0, 1000, 3 },
		{ OFPMF_KBPS | OFPMF_BURST, 1000, 0 },
		{ OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS, UINT32_MAX, UINT32_MAX },
	};

	for (unsigned int i = 0; i < RTE_DIM(v); i++) {
		const struct meter *m = one_band(1, v[i].flags, v[i].rate, v[i].burst);
		const struct of_meter_config *c = meter_config(m, &h.a);
		const struct of_band_drop *d = OF_AT(&c->bands, 0, band_drop);

		assert_int_equal(c->flags, v[i].flags);
		assert_int_equal(d->rate, v[i].rate);
		assert_int_equal(d->burst_size, v[i].burst);
		no_meter(1);
	}
}

/* ---- Several packet threads ---- */

enum { THREADS = 4, ROUNDS = 20000 };

static struct shared {
	struct meter *m;
	uint64_t start;
	_Atomic unsigned int round;
	_Atomic uint64_t passed;
} shared;

/* Each offers as much as the rate; time is what the fastest of them says, so that some are late. */
static void *offer(void *arg)
{
	const struct pkt p = { .frame_len = 1000 };
	const uint64_t hz = rte_get_tsc_hz();
	uint64_t passed = 0;

	(void)arg;
	role_assume_pmd();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const unsigned int r = atomic_fetch_add(&shared.round, 1);

		for (unsigned int k = 0; k < 4; k++)
			passed += meter_run(shared.m, &p, shared.start + r * hz / 10000) !=
				  METER_DROP;
	}
	atomic_fetch_add(&shared.passed, passed);
	return NULL;
}

static void threads_share_the_rate(void **state)
{
	const struct of_meter_stats *s;
	pthread_t t[THREADS];
	double want;

	/* 10,000 packets a second, four times of which come, over 8 seconds. */
	shared.m = one_band(1, OFPMF_KBPS, 80000, 0);
	shared.start = epoch();
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, offer, NULL), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	want = THREADS * ROUNDS + 1000; /* and the burst */
	assert_in_range(atomic_load(&shared.passed), (uint64_t)(want * 0.98),
			(uint64_t)(want * 1.02));
	s = meter_stats(h.dp, shared.m, &h.a);
	assert_int_equal(s->packet_in_count, THREADS * ROUNDS * 4);
	assert_int_equal(OF_AT(&s->band_stats, 0, meter_band_stats)->packet_band_count +
				 atomic_load(&shared.passed),
			 THREADS * ROUNDS * 4);
}

/* ---- Virtual meters (7.3.4.4) ---- */

static uint32_t refused(const struct of_meter_mod *mm)
{
	assert_int_equal(meter_mod(h.dp, mm, &h.e), -EPROTO);
	return refusal(h.e.type, h.e.code);
}

static uint32_t meter_refusal(uint16_t code)
{
	return refusal(OFPET_METER_MOD_FAILED, code);
}

static unsigned int admitted(enum meter_virtual which, unsigned int n, uint64_t now)
{
	unsigned int passed = 0;

	for (unsigned int i = 0; i < n; i++)
		passed += meter_admits(h.dp, which, 100, now);
	return passed;
}

static void virtual_meters_come_and_go(void **state)
{
	const uint64_t hz = rte_get_tsc_hz();
	uint64_t now;

	assert_int_equal(admitted(METER_VIRTUAL_CONTROLLER, 100, epoch()), 100);
	one_band(OFPM_CONTROLLER, OFPMF_PKTPS | OFPMF_BURST, 10, 5);
	now = epoch();
	assert_int_equal(admitted(METER_VIRTUAL_SLOWPATH, 100, now), 100);
	assert_int_equal(admitted(METER_VIRTUAL_CONTROLLER, 100, now), 5);
	assert_int_equal(admitted(METER_VIRTUAL_CONTROLLER, 100, now + hz / 10 + 1), 1);
	one_band(OFPM_SLOWPATH, OFPMF_KBPS | OFPMF_BURST, 8, 8);
	now = epoch();
	assert_int_equal(admitted(METER_VIRTUAL_SLOWPATH, 100, now), 10);
	/* Again; all; a band that cannot drop. */
	assert_int_equal(refused(meter(OFPMC_ADD, 0, OFPM_CONTROLLER)),
			 meter_refusal(OFPMMFC_METER_EXISTS));
	assert_int_equal(meter_mod(h.dp, meter(OFPMC_DELETE, 0, OFPM_ALL), &h.e), 0);
	assert_non_null(meter_find(h.dp, OFPM_CONTROLLER));
	assert_non_null(meter_find(h.dp, OFPM_SLOWPATH));
	assert_int_equal(meter_stats(h.dp, meter_find(h.dp, OFPM_SLOWPATH), &h.a)->packet_in_count,
			 100);
	no_meter(OFPM_CONTROLLER);
	no_meter(OFPM_SLOWPATH);
	assert_int_equal(admitted(METER_VIRTUAL_CONTROLLER, 100, epoch()), 100);
	assert_int_equal(admitted(METER_VIRTUAL_SLOWPATH, 100, epoch()), 100);
	assert_int_equal(refused(meter(OFPMC_MODIFY, 0, OFPM_SLOWPATH)),
			 meter_refusal(OFPMMFC_UNKNOWN_METER));
}

static void virtual_meters_only_drop(void **state)
{
	struct of_meter_mod *mm = meter(OFPMC_ADD, OFPMF_KBPS, OFPM_CONTROLLER);
	struct of_band_dscp_remark *r = OF_NEW(&h.a, band_dscp_remark);

	r->rate = 1;
	r->prec_level = 1;
	assert_int_equal(of_list_add(&mm->bands, &h.a, (struct of_any *)r), 0);
	assert_int_equal(refused(mm), meter_refusal(OFPMMFC_BAD_BAND));
	assert_null(meter_find(h.dp, OFPM_CONTROLLER));
}

/* What a bundle adds, changes and deletes is not seen before it is whole. */
static void bundles_with_virtual_meters(void **state)
{
	table_begin(h.dp);
	one_band(OFPM_CONTROLLER, OFPMF_PKTPS | OFPMF_BURST, 1, 1);
	assert_int_equal(admitted(METER_VIRTUAL_CONTROLLER, 9, epoch()), 9);
	table_rollback(h.dp);
	assert_null(meter_find(h.dp, OFPM_CONTROLLER));
	table_begin(h.dp);
	one_band(OFPM_CONTROLLER, OFPMF_PKTPS | OFPMF_BURST, 1, 1);
	table_commit(h.dp);
	assert_int_equal(admitted(METER_VIRTUAL_CONTROLLER, 9, epoch()), 1);
	table_begin(h.dp);
	assert_int_equal(meter_mod(h.dp, meter(OFPMC_DELETE, 0, OFPM_CONTROLLER), &h.e), 0);
	table_rollback(h.dp);
	assert_int_equal(admitted(METER_VIRTUAL_CONTROLLER, 9, epoch() + 9 * rte_get_tsc_hz()), 1);
	no_meter(OFPM_CONTROLLER);
}

static void count_punt(struct dp *dp, struct punt *p, void *arg)
{
	(void)dp;
	(void)p;
	++*(unsigned int *)arg;
}

/* In the packet threads' way up: each has its meter, and what is over it has its reason. */
static void punts_are_metered(void **state)
{
	struct punt *p;
	unsigned int up = 0;

	one_band(OFPM_CONTROLLER, OFPMF_PKTPS | OFPMF_BURST, 10, 5);
	one_band(OFPM_SLOWPATH, OFPMF_PKTPS | OFPMF_BURST, 10, 3);
	h.w->now = epoch();
	for (unsigned int i = 0; i < 50; i++) {
		p = punt_get(h.w, PUNT_PACKET_IN, 1, OFPR_ACTION, 60);
		if (p)
			punt_send(h.w, p);
		p = punt_get(h.w, i % 2 ? PUNT_VTEP : PUNT_RESOLVE, 1, 0, 60);
		if (p)
			punt_send(h.w, p);
		/* What is not learned is not a frame that is lost. */
		p = punt_get(h.w, PUNT_LEARN, 1, 0, 60);
		assert_true(!p || i < 3);
		if (p)
			punt_send(h.w, p);
	}
	assert_int_equal(punt_drain(h.dp, 1000, count_punt, &up), 8);
	assert_int_equal(h.w->ports[PORT_MAX].drops[DROP_METER], 45 + 50 - 2);
	no_meter(OFPM_CONTROLLER);
	no_meter(OFPM_SLOWPATH);
}

static int setup(void **state)
{
	return harness_setup(&(struct dp_opts){ .name = "rates", .dpid = 3 });
}

static int each_setup(void **state)
{
	role_assume_control();
	role_assume_pmd();
	wipe();
	return 0;
}

#define TEST(f) cmocka_unit_test_setup(f, each_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rates_are_held),
		TEST(rates_are_held_in_batches),
		TEST(below_the_rate_all_passes),
		TEST(bursts_are_as_given),
		TEST(what_was_given_is_told),
		TEST(threads_share_the_rate),
		TEST(virtual_meters_come_and_go),
		TEST(virtual_meters_only_drop),
		TEST(bundles_with_virtual_meters),
		TEST(punts_are_metered),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}
