/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.7 Meter table */
/* Spec: 5.7.1 Meter bands */
/* Spec: 6.6 Meter modification */
/* Spec: 7.3.5.12 Meter statistics: of bands */
/*
 * Meters by OpenFlow 1.3.5 sections 5.7, 6.6 and 7.3.4.4, with the time that the burst says: rates
 * hold to the packet, bursts pass, the highest rate exceeded applies.
 */
#include "tests/unit/datapath_meter_mods.h"

static uint32_t send_meter(const struct of_meter_mod *mm)
{
	int err = meter_mod(h.dp, mm, &h.e);

	if (!err)
		return 0;
	assert_int_equal(err, -EPROTO);
	assert_true(h.e.text[0]);
	return refusal(h.e.type, h.e.code);
}

static uint32_t meter_refusal(uint16_t code)
{
	return refusal(OFPET_METER_MOD_FAILED, code);
}

static void flow_through(uint32_t id)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);

	fm->flags = OFPFF_SEND_FLOW_REM;
	inst(fm, metered(id));
	inst(fm, applied(output_to(2)));
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
}

static struct of_meter_stats *stats(uint32_t id)
{
	return meter_stats(h.dp, meter_find(h.dp, id), &h.a);
}

static struct of_meter_band_stats *band_stats(uint32_t id, uint32_t i)
{
	return OF_AT(&stats(id)->band_stats, i, meter_band_stats);
}

/* 'n' packets of 'len' bytes at even distances over one second from 'start'; how many passed. */
static uint32_t second(uint64_t start, uint32_t n, uint16_t len)
{
	uint64_t hz = rte_get_tsc_hz();
	uint32_t passed = 0;

	for (uint32_t i = 0; i < n; i++) {
		send_at(&(struct packet){ .in_port = 1, .dst = 5, .len = len }, 1,
			start + (uint64_t)((double)hz * i / n));
		passed += h.n_out;
	}
	return passed;
}

static int each_setup(void **state)
{
	role_assume_control();
	role_assume_pmd();
	wipe();
	return 0;
}

static void packets_per_second(void **state)
{
	struct of_meter_mod *mm = meter(OFPMC_ADD, OFPMF_PKTPS | OFPMF_BURST, 1);
	uint64_t start, hz = rte_get_tsc_hz();
	uint64_t dropped = h.w->ports[PORT_MAX].drops[DROP_METER];

	band(mm, 1000, 10);
	assert_int_equal(send_meter(mm), 0);
	flow_through(1);
	start = rte_rdtsc();
	/* Below the rate: all. */
	assert_int_equal(second(start, 900, 60), 900);
	/* Four times the rate: the rate and the burst. */
	assert_in_range(second(start + 2 * hz, 4000, 60), 1005, 1011);
	assert_int_equal(stats(1)->packet_in_count, 4900);
	assert_int_equal(stats(1)->byte_in_count, 4900 * 60);
	assert_int_equal(stats(1)->flow_count, 1);
	assert_in_range(band_stats(1, 0)->packet_band_count, 2989, 2995);
	assert_int_equal(h.w->ports[PORT_MAX].drops[DROP_METER] - dropped,
			 band_stats(1, 0)->packet_band_count);
}

static void kilobits_per_second(void **state)
{
	struct of_meter_mod *mm = meter(OFPMC_ADD, OFPMF_KBPS | OFPMF_BURST, 1);
	uint64_t start;

	/* 1 Mb/s in frames of 1000 bytes is 125 a second; the burst two of them. */
	band(mm, 1000, 16);
	assert_int_equal(send_meter(mm), 0);
	flow_through(1);
	start = rte_rdtsc();
	assert_int_equal(second(start, 120, 1000), 120);
	assert_in_range(second(start + 2 * rte_get_tsc_hz(), 1000, 1000), 125, 128);
}

/* Without OFPMF_BURST big frames pass at low rates, too. */
static void a_default_burst(void **state)
{
	struct of_meter_mod *mm = meter(OFPMC_ADD, OFPMF_KBPS, 1);

	band(mm, 8, 0);
	assert_int_equal(send_meter(mm), 0);
	flow_through(1);
	assert_int_equal(second(rte_rdtsc(), 2, 1400), 2);
	assert_int_equal(second(rte_rdtsc(), 2, 1400), 0);
}

/* 5.7.1: "the meter applies the meter band with the highest configured rate that is lower than the
 * current measured rate" */
static void the_highest_rate_exceeded_applies(void **state)
{
	struct of_meter_mod *mm = meter(OFPMC_ADD, OFPMF_PKTPS | OFPMF_BURST, 1);
	uint64_t start, hz = rte_get_tsc_hz();

	band(mm, 100, 5);
	band(mm, 500, 5);
	assert_int_equal(send_meter(mm), 0);
	flow_through(1);
	start = rte_rdtsc();
	assert_in_range(second(start, 400, 60), 100, 106);
	assert_int_equal(band_stats(1, 1)->packet_band_count, 0);
	assert_in_range(second(start + 2 * hz, 2000, 60), 100, 106);
	assert_in_range(band_stats(1, 1)->packet_band_count, 1490, 1500);
}

/* ---- DSCP remark bands ---- */

static uint8_t left[256]; /* the frame that left last */
static uint32_t n_left;

static void keep(struct pmd *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->n_out; i++) {
		n_left = b->out[i].m->pkt_len;
		assert_in_range(n_left, 1, sizeof(left));
		memcpy(left, rte_pktmbuf_mtod(b->out[i].m, void *), n_left);
	}
	harness_take(w, b);
}

static uint32_t unhex(const char *s, uint8_t *to)
{
	uint32_t n = 0;

	for (; *s; s += 2, n++)
		assert_int_equal(sscanf(s, "%2hhx", &to[n]), 1);
	return n;
}

/* One frame; where it left, 0: nowhere. */
static uint32_t send_bytes(const char *hex, uint64_t now)
{
	struct burst *b = h.w->burst;
	struct rte_mbuf *m = rte_pktmbuf_alloc(h.w->pool);
	uint8_t bytes[256];
	uint32_t n = unhex(hex, bytes);
	uint64_t todo = 1;

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)n), bytes, n);
	role_assume_pmd();
	h.n_out = 0;
	b->n = 1;
	b->n_out = b->n_keys = 0;
	b->out_of_order = false;
	b->version = atomic_load_explicit(&h.dp->version, memory_order_acquire);
	assert_true(pkt_init(b, 0, m, 1));
	if (h.w->cache)
		todo = cache_run(h.w, b, todo, now);
	if (todo)
		pipeline_run(h.w, b, todo, 0, now);
	h.w->flush(h.w, b);
	assert_in_range(h.n_out, 0, 1);
	return h.n_out ? h.out[0] : 0;
}

static void remark(struct of_meter_mod *mm, uint32_t rate, uint8_t level)
{
	struct of_band_dscp_remark *r = OF_NEW(&h.a, band_dscp_remark);

	r->rate = rate;
	r->burst_size = 1;
	r->prec_level = level;
	assert_int_equal(of_list_add(&mm->bands, &h.a, (struct of_any *)r), 0);
}

/* Frames as scapy makes them, before and after: IPv4 checksums right, all else the same. */
static const struct {
	const char *what;
	uint8_t level;
	const char *is, *becomes;
} remarked[] = {
	{ "AF11 to AF12, ECN kept", 1,
	  "020000000005020000000001080045290020000100004011669e0a0000010a00000500070009000c0de77765"
	  "6674",
	  "02000000000502000000000108004531002000010000401166960a0000010a00000500070009000c0de77765"
	  "6674" },
	{ "AF11 to AF13", 2,
	  "020000000005020000000001080045280020000100004011669f0a0000010a00000500070009000c0de77765"
	  "6674",
	  "020000000005020000000001080045380020000100004011668f0a0000010a00000500070009000c0de77765"
	  "6674" },
	{ "AF42 stops at AF43", 255,
	  "02000000000502000000000108004593002000010000401166340a0000010a00000500070009000c0de77765"
	  "6674",
	  "0200000000050200000000010800459b0020000100004011662c0a0000010a00000500070009000c0de77765"
	  "6674" },
	{ "AF33 has no higher", 1,
	  "020000000005020000000001080045780020000100004011664f0a0000010a00000500070009000c0de77765"
	  "6674",
	  "020000000005020000000001080045780020000100004011664f0a0000010a00000500070009000c0de77765"
	  "6674" },
	{ "by nothing", 0,
	  "020000000005020000000001080045280020000100004011669f0a0000010a00000500070009000c0de77765"
	  "6674",
	  "020000000005020000000001080045280020000100004011669f0a0000010a00000500070009000c0de77765"
	  "6674" },
	{ "best effort", 1,
	  "02000000000502000000000108004500002000010000401166c70a0000010a00000500070009000c0de77765"
	  "6674",
	  "02000000000502000000000108004500002000010000401166c70a0000010a00000500070009000c0de77765"
	  "6674" },
	{ "expedited forwarding", 1,
	  "020000000005020000000001080045b80020000100004011660f0a0000010a00000500070009000c0de77765"
	  "6674",
	  "020000000005020000000001080045b80020000100004011660f0a0000010a00000500070009000c0de77765"
	  "6674" },
	{ "class selector 1", 1,
	  "02000000000502000000000108004520002000010000401166a70a0000010a00000500070009000c0de77765"
	  "6674",
	  "02000000000502000000000108004520002000010000401166a70a0000010a00000500070009000c0de77765"
	  "6674" },
	{ "a class that is none", 1,
	  "020000000005020000000001080045a80020000100004011661f0a0000010a00000500070009000c0de77765"
	  "6674",
	  "020000000005020000000001080045a80020000100004011661f0a0000010a00000500070009000c0de77765"
	  "6674" },
	{ "a code point between two", 1,
	  "0200000000050200000000010800452c0020000100004011669b0a0000010a00000500070009000c0de77765"
	  "6674",
	  "0200000000050200000000010800452c0020000100004011669b0a0000010a00000500070009000c0de77765"
	  "6674" },
	{ "IPv6", 1,
	  "02000000000502000000000186dd64a1234500180640fd000000000000000000000000000001fd0000000000"
	  "0000000000000000000500070009000000000000000050022000b7ed000077656674",
	  "02000000000502000000000186dd6521234500180640fd000000000000000000000000000001fd0000000000"
	  "0000000000000000000500070009000000000000000050022000b7ed000077656674" },
	{ "IPv6, stopped", 200,
	  "02000000000502000000000186dd64a1234500180640fd000000000000000000000000000001fd0000000000"
	  "0000000000000000000500070009000000000000000050022000b7ed000077656674",
	  "02000000000502000000000186dd65a1234500180640fd000000000000000000000000000001fd0000000000"
	  "0000000000000000000500070009000000000000000050022000b7ed000077656674" },
	{ "IPv6, CS6", 1,
	  "02000000000502000000000186dd6c01234500180640fd000000000000000000000000000001fd0000000000"
	  "0000000000000000000500070009000000000000000050022000b7ed000077656674",
	  "02000000000502000000000186dd6c01234500180640fd000000000000000000000000000001fd0000000000"
	  "0000000000000000000500070009000000000000000050022000b7ed000077656674" },
	{ "behind a tag", 1,
	  "02000000000502000000000181006005080045680020000100004011665f0a0000010a00000500070009000c"
	  "0de777656674",
	  "0200000000050200000000018100600508004570002000010000401166570a0000010a00000500070009000c"
	  "0de777656674" },
	{ "a later fragment", 1,
	  "020000000005020000000001080045880018000100094011663e0a0000010a00000577656674",
	  "02000000000502000000000108004590001800010009401166360a0000010a00000577656674" },
	{ "behind a label", 1,
	  "02000000000502000000000188470001010945280020000100004011669f0a0000010a00000500070009000c"
	  "0de777656674",
	  "02000000000502000000000188470001010945280020000100004011669f0a0000010a00000500070009000c"
	  "0de777656674" },
};

static void a_remark_band_raises_drop_precedence(void **state)
{
	h.w->flush = keep;
	for (unsigned int i = 0; i < sizeof(remarked) / sizeof(remarked[0]); i++) {
		struct of_meter_mod *mm = meter(OFPMC_ADD, OFPMF_PKTPS | OFPMF_BURST, 1);
		uint64_t now = rte_rdtsc();
		uint8_t is[256], becomes[256];
		uint32_t n = unhex(remarked[i].is, is);

		remark(mm, 1, remarked[i].level);
		assert_int_equal(send_meter(mm), 0);
		flow_through(1);
		assert_int_equal(unhex(remarked[i].becomes, becomes), n);
		/* Within the rate it stays as it is. */
		assert_int_equal(send_bytes(remarked[i].is, now), 2);
		assert_int_equal(n_left, n);
		assert_memory_equal(left, is, n);
		assert_int_equal(band_stats(1, 0)->packet_band_count, 0);
		/* Twice: by the tables, and by the cache. */
		for (unsigned int k = 1; k <= 2; k++) {
			assert_int_equal(send_bytes(remarked[i].is, now), 2);
			if (n_left != n || memcmp(left, becomes, n))
				fail_msg("%s", remarked[i].what);
			assert_int_equal(band_stats(1, 0)->packet_band_count, k);
			assert_int_equal(band_stats(1, 0)->byte_band_count, k * n);
		}
		wipe();
	}
	h.w->flush = harness_take;
}

/* The key is in step: later tables see the code point that the meter gave it, cached or not. */
static void later_tables_see_the_remark(void **state)
{
	static const uint8_t dscp[] = { 10, 12 };
	struct of_meter_mod *mm = meter(OFPMC_ADD, OFPMF_PKTPS | OFPMF_BURST, 1);
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);
	uint64_t now = rte_rdtsc(), hz = rte_get_tsc_hz();

	remark(mm, 1, 1);
	assert_int_equal(send_meter(mm), 0);
	inst(fm, metered(1));
	inst(fm, goto_table(1));
	assert_int_equal(send_flow(fm), 0);
	for (unsigned int i = 0; i < 2; i++) {
		fm = flow_mod(OFPFC_ADD, 1, 1);
		of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
		of_match_set_u64(&fm->match, OF_FIELD_IP_DSCP, dscp[i]);
		inst(fm, applied(output_to(2 + i)));
		assert_int_equal(send_flow(fm), 0);
	}
	dp_publish(h.dp);
	for (unsigned int i = 1; i <= 4; i++) {
		/* A second after the other: the first of each is within the rate. */
		assert_int_equal(send_bytes(remarked[0].is, now + i * 2 * hz), 2);
		assert_int_equal(send_bytes(remarked[0].is, now + i * 2 * hz), 3);
		assert_int_equal(send_bytes(remarked[0].is, now + i * 2 * hz), 3);
	}
	assert_int_equal(band_stats(1, 0)->packet_band_count, 8);
}

/* Both kinds in one meter: a policer of two colours. */
static void remark_then_drop(void **state)
{
	struct of_meter_mod *mm = meter(OFPMC_ADD, OFPMF_PKTPS | OFPMF_BURST, 1);
	struct of_mp_meter_features_reply r = { .kind = OF_KIND_mp_meter_features_reply };
	uint64_t now = rte_rdtsc();

	remark(mm, 1, 1);
	band(mm, 2, 3);
	assert_int_equal(send_meter(mm), 0);
	flow_through(1);
	h.w->flush = keep;
	assert_int_equal(send_bytes(remarked[0].is, now), 2);
	assert_int_equal(left[15], 0x29);
	assert_int_equal(send_bytes(remarked[0].is, now), 2);
	assert_int_equal(left[15], 0x31);
	assert_int_equal(send_bytes(remarked[0].is, now), 2);
	assert_int_equal(left[15], 0x31);
	assert_int_equal(send_bytes(remarked[0].is, now), 0);
	h.w->flush = harness_take;
	assert_int_equal(band_stats(1, 0)->packet_band_count, 2);
	assert_int_equal(band_stats(1, 1)->packet_band_count, 1);
	assert_int_equal(OF_AT(&meter_config(meter_find(h.dp, 1), &h.a)->bands, 0, band_dscp_remark)
				 ->prec_level,
			 1);
	meter_features(h.dp, &r);
	assert_int_equal(r.band_types, 1 << OFPMBT_DROP | 1 << OFPMBT_DSCP_REMARK);
}

static void refusals(void **state)
{
	struct of_meter_mod *mm = meter(OFPMC_ADD, OFPMF_KBPS | OFPMF_PKTPS, 1);
	struct of_band_experimenter *x = OF_NEW(&h.a, band_experimenter);
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);

	assert_int_equal(send_meter(mm), meter_refusal(OFPMMFC_BAD_FLAGS));
	mm = meter(OFPMC_ADD, 0x10, 1);
	assert_int_equal(send_meter(mm), meter_refusal(OFPMMFC_BAD_FLAGS));
	mm = meter(OFPMC_ADD, OFPMF_KBPS, 1);
	band(mm, 0, 0);
	assert_int_equal(send_meter(mm), meter_refusal(OFPMMFC_BAD_RATE));
	mm = meter(OFPMC_ADD, OFPMF_KBPS, 1);
	x->rate = 1;
	of_list_add(&mm->bands, &h.a, (struct of_any *)x);
	assert_int_equal(send_meter(mm), meter_refusal(OFPMMFC_BAD_BAND));
	mm = meter(OFPMC_ADD, OFPMF_KBPS, 1);
	for (unsigned int i = 0; i < 17; i++)
		band(mm, 1, 0);
	assert_int_equal(send_meter(mm), meter_refusal(OFPMMFC_OUT_OF_BANDS));
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, 0)), meter_refusal(OFPMMFC_INVALID_METER));
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, OFPM_MAX + 1)),
			 meter_refusal(OFPMMFC_INVALID_METER));
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, OFPM_ALL)),
			 meter_refusal(OFPMMFC_INVALID_METER));
	assert_int_equal(send_meter(meter(OFPMC_MODIFY, 0, OFPM_ALL)),
			 meter_refusal(OFPMMFC_INVALID_METER));
	assert_int_equal(send_meter(meter(OFPMC_MODIFY, 0, 1)),
			 meter_refusal(OFPMMFC_UNKNOWN_METER));
	assert_int_equal(send_meter(meter(3, 0, 1)), meter_refusal(OFPMMFC_BAD_COMMAND));
	assert_null(meter_find(h.dp, 1));
	inst(fm, metered(1));
	assert_int_equal(send_flow(fm), meter_refusal(OFPMMFC_UNKNOWN_METER));
	for (unsigned int i = 0; i < 4; i++) {
		static const uint32_t none[] = { 0, OFPM_CONTROLLER, OFPM_SLOWPATH, OFPM_ALL };

		fm = flow_mod(OFPFC_ADD, 0, 1);
		inst(fm, metered(none[i]));
		assert_int_equal(send_flow(fm), meter_refusal(OFPMMFC_INVALID_METER));
	}
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, 1)), 0);
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, 1)), meter_refusal(OFPMMFC_METER_EXISTS));
	assert_int_equal(send_meter(meter(OFPMC_DELETE, 0, 99)), 0);
	/* "no error is recorded", whatever there is not. */
	assert_int_equal(send_meter(meter(OFPMC_DELETE, 0, 0)), 0);
	assert_int_equal(send_meter(meter(OFPMC_DELETE, 0, OFPM_SLOWPATH)), 0);
}

static void modify_swaps_the_bands(void **state)
{
	struct of_meter_mod *mm = meter(OFPMC_ADD, OFPMF_PKTPS | OFPMF_BURST, 1);
	uint64_t hz = rte_get_tsc_hz();

	band(mm, 10, 1);
	assert_int_equal(send_meter(mm), 0);
	flow_through(1);
	assert_in_range(second(rte_rdtsc(), 100, 60), 10, 12);
	mm = meter(OFPMC_MODIFY, OFPMF_PKTPS | OFPMF_BURST, 1);
	band(mm, 50, 1);
	assert_int_equal(send_meter(mm), 0);
	assert_in_range(second(rte_rdtsc() + 2 * hz, 100, 60), 50, 52);
	assert_int_equal(OF_AT(&meter_config(meter_find(h.dp, 1), &h.a)->bands, 0, band_drop)->rate,
			 50);
	assert_int_equal(stats(1)->flow_count, 1);
}

/* "all flows that include that meter are also removed" */
static void delete_takes_its_flows(void **state)
{
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, 1)), 0);
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, 2)), 0);
	flow_through(1);
	assert_int_equal(send_meter(meter(OFPMC_DELETE, 0, 2)), 0);
	assert_int_equal(table_count(h.dp, 0), 1);
	assert_int_equal(stats(1)->flow_count, 1);
	flow_through(1); /* in its place */
	assert_int_equal(stats(1)->flow_count, 1);
	table_begin(h.dp);
	assert_int_equal(send_flow(flow_mod(OFPFC_DELETE, 0, 0)), 0);
	assert_int_equal(stats(1)->flow_count, 0);
	table_rollback(h.dp);
	assert_int_equal(stats(1)->flow_count, 1);
	assert_int_equal(send_meter(meter(OFPMC_DELETE, 0, OFPM_ALL)), 0);
	dp_publish(h.dp);
	assert_int_equal(table_count(h.dp, 0), 0);
	assert_int_equal(h.n_removed, 1);
	assert_null(meter_find(h.dp, 1));
}

static int setup(void **state)
{
	return harness_setup(
		&(struct dp_opts){ .name = "meter", .dpid = 3, .cache_entries = 1024 });
}

#define TEST(f) cmocka_unit_test_setup(f, each_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(packets_per_second),
		TEST(kilobits_per_second),
		TEST(a_default_burst),
		TEST(the_highest_rate_exceeded_applies),
		TEST(a_remark_band_raises_drop_precedence),
		TEST(later_tables_see_the_remark),
		TEST(remark_then_drop),
		TEST(refusals),
		TEST(modify_swaps_the_bands),
		TEST(delete_takes_its_flows),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}
