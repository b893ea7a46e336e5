/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meters by OpenFlow 1.3.5 sections 5.7, 6.6 and 7.3.4.4, with the time that the burst says: rates
 * hold to the packet, bursts pass, the highest rate exceeded applies.
 */
#include "tests/unit/datapath_harness.h"

static struct of_meter_mod *meter(uint16_t command, uint16_t flags, uint32_t id)
{
	struct of_meter_mod *mm = OF_NEW(&h.a, meter_mod);

	mm->command = command;
	mm->flags = flags;
	mm->meter_id = id;
	return mm;
}

static void band(struct of_meter_mod *mm, uint32_t rate, uint32_t burst)
{
	struct of_band_drop *d = OF_NEW(&h.a, band_drop);

	d->rate = rate;
	d->burst_size = burst;
	assert_int_equal(of_list_add(&mm->bands, &h.a, (struct of_any *)d), 0);
}

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

static void refusals(void **state)
{
	struct of_meter_mod *mm = meter(OFPMC_ADD, OFPMF_KBPS | OFPMF_PKTPS, 1);
	struct of_band_dscp_remark *r = OF_NEW(&h.a, band_dscp_remark);
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);

	assert_int_equal(send_meter(mm), meter_refusal(OFPMMFC_BAD_FLAGS));
	mm = meter(OFPMC_ADD, 0x10, 1);
	assert_int_equal(send_meter(mm), meter_refusal(OFPMMFC_BAD_FLAGS));
	mm = meter(OFPMC_ADD, OFPMF_KBPS, 1);
	band(mm, 0, 0);
	assert_int_equal(send_meter(mm), meter_refusal(OFPMMFC_BAD_RATE));
	mm = meter(OFPMC_ADD, OFPMF_KBPS | OFPMF_BURST, 1);
	band(mm, 1, 0);
	assert_int_equal(send_meter(mm), meter_refusal(OFPMMFC_BAD_BURST));
	mm = meter(OFPMC_ADD, OFPMF_KBPS, 1);
	r->rate = 1;
	of_list_add(&mm->bands, &h.a, (struct of_any *)r);
	assert_int_equal(send_meter(mm), meter_refusal(OFPMMFC_BAD_BAND));
	mm = meter(OFPMC_ADD, OFPMF_KBPS, 1);
	for (unsigned int i = 0; i < 17; i++)
		band(mm, 1, 0);
	assert_int_equal(send_meter(mm), meter_refusal(OFPMMFC_OUT_OF_BANDS));
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, 0)), meter_refusal(OFPMMFC_INVALID_METER));
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, OFPM_CONTROLLER)),
			 meter_refusal(OFPMMFC_INVALID_METER));
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, OFPM_SLOWPATH)),
			 meter_refusal(OFPMMFC_INVALID_METER));
	assert_int_equal(send_meter(meter(OFPMC_MODIFY, 0, 1)),
			 meter_refusal(OFPMMFC_UNKNOWN_METER));
	assert_int_equal(send_meter(meter(3, 0, 1)), meter_refusal(OFPMMFC_BAD_COMMAND));
	assert_null(meter_find(h.dp, 1));
	inst(fm, metered(1));
	assert_int_equal(send_flow(fm), meter_refusal(OFPMMFC_UNKNOWN_METER));
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, 1)), 0);
	assert_int_equal(send_meter(meter(OFPMC_ADD, 0, 1)), meter_refusal(OFPMMFC_METER_EXISTS));
	assert_int_equal(send_meter(meter(OFPMC_DELETE, 0, 99)), 0);
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
	assert_int_equal(send_meter(meter(OFPMC_DELETE, 0, OFPM_ALL)), 0);
	dp_publish(h.dp);
	assert_int_equal(table_count(h.dp, 0), 0);
	assert_int_equal(h.n_removed, 1);
	assert_null(meter_find(h.dp, 1));
}

static int setup(void **state)
{
	return harness_setup(&(struct dp_opts){ .name = "meter", .dpid = 3 });
}

static int teardown(void **state)
{
	harness_teardown();
	return 0;
}

#define TEST(f) cmocka_unit_test_setup(f, each_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(packets_per_second),
		TEST(kilobits_per_second),
		TEST(a_default_burst),
		TEST(the_highest_rate_exceeded_applies),
		TEST(refusals),
		TEST(modify_swaps_the_bands),
		TEST(delete_takes_its_flows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
