/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags on packets.  The frame of all tests, with the tags that a test puts at '|':
 *
 *	dst 02:..:02  src 02:..:01 | 0800  45...
 */
#include "tests/unit/vxlan_harness.h"

#include "vlan/tag.h"

#define MACS  "020000000002020000000001"
#define INNER "0800450000140000000040000000c0000201c0000202"

static struct rte_mbuf *frame(const char *tags)
{
	char hex[256];

	snprintf(hex, sizeof(hex), "%s%s%s", MACS, tags, INNER);
	return mbuf_of_hex(hex);
}

static void assert_frame(struct rte_mbuf *m, const char *tags)
{
	char hex[256];

	snprintf(hex, sizeof(hex), "%s%s%s", MACS, tags, INNER);
	assert_hex(m, hex);
}

/* OpenFlow 1.3.5, 7.2.5: VID and PCP come from the tag that was outermost, else zero. */
static void push(void **state)
{
	static const struct {
		const char *before;
		uint16_t tpid;
		const char *after;
	} rows[] = {
		{ "", 0x8100, "81000000" },
		{ "", 0x88a8, "88a80000" },
		{ "81000064", 0x8100, "8100006481000064" },
		{ "8100a064", 0x88a8, "88a8a0648100a064" },
		{ "8100b064", 0x8100, "8100a0648100b064" }, /* DEI is not copied */
		{ "88a8000181000002", 0x88a8, "88a8000188a8000181000002" },
		{ "8100e000", 0x8100, "8100e0008100e000" }, /* a priority tag is a tag */
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct rte_mbuf *m = frame(rows[i].before);

		assert_int_equal(vlan_push(m, rows[i].tpid), 0);
		assert_frame(m, rows[i].after);
		rte_pktmbuf_free(m);
	}
}

static void push_then_pop_is_nothing(void **state)
{
	struct rte_mbuf *m = frame("88a8000181000002");

	for (int i = 0; i < 8; i++)
		assert_int_equal(vlan_push_tci(m, i & 1 ? 0x8100 : 0x88a8, (uint16_t)(i * 0x1111)),
				 0);
	assert_int_equal(vlan_count(m), 10);
	for (int i = 0; i < 8; i++)
		assert_int_equal(vlan_pop(m), 0);
	assert_frame(m, "88a8000181000002");
	assert_int_equal(vlan_pop(m), 0);
	assert_int_equal(vlan_pop(m), 0);
	assert_frame(m, "");
	assert_int_equal(vlan_pop(m), -ENOENT);
	assert_frame(m, "");
	rte_pktmbuf_free(m);
}

static void rewrite(void **state)
{
	struct rte_mbuf *m = frame("88a8f06481000002");
	struct vlan_tag tag;

	assert_int_equal(vlan_set_vid(m, 0xf123), 0); /* twelve bits of it */
	assert_frame(m, "88a8f12381000002");
	assert_int_equal(vlan_set_pcp(m, 2), 0);
	assert_frame(m, "88a8512381000002");
	assert_int_equal(vlan_set_tci(m, 0xbeef), 0);
	assert_frame(m, "88a8beef81000002");
	assert_true(vlan_outermost(m, &tag));
	assert_int_equal(tag.tpid, 0x88a8);
	assert_int_equal(tag.tci, 0xbeef);
	rte_pktmbuf_free(m);

	m = frame("");
	assert_int_equal(vlan_set_vid(m, 1), -ENOENT);
	assert_int_equal(vlan_set_pcp(m, 1), -ENOENT);
	assert_int_equal(vlan_set_tci(m, 1), -ENOENT);
	assert_false(vlan_outermost(m, &tag));
	assert_frame(m, "");
	rte_pktmbuf_free(m);
}

/* At every length: never read or written beyond the frame, and unchanged when refused. */
static void cut_short(void **state)
{
	uint8_t all[64], n = (uint8_t)unhex(MACS "88a80001"
						 "81000002"
						 "0800",
					    all);

	for (uint8_t len = 0; len <= n; len++) {
		struct rte_mbuf *m = mbuf_of(all, len);
		bool tagged = len >= 18;
		unsigned int tags = len < 18 ? 0 : len < 22 ? 1 : 2;

		assert_int_equal(vlan_count(m), tags);
		assert_int_equal(vlan_set_vid(m, 1), len < 14 ? -EINVAL : tagged ? 0 : -ENOENT);
		assert_bytes(m, all, len);
		assert_int_equal(vlan_push(m, 0x8100), len < 14 ? -EINVAL : 0);
		if (len >= 14)
			assert_int_equal(vlan_pop(m), 0);
		assert_bytes(m, all, len);
		assert_int_equal(vlan_pop(m), len < 14 ? -EINVAL : tagged ? 0 : -ENOENT);
		assert_int_equal(m->pkt_len, tagged ? len - 4 : len);
		rte_pktmbuf_free(m);
	}
}

static void no_headroom(void **state)
{
	struct rte_mbuf *m = frame("");
	int pushed = 0;

	while (vlan_push_tci(m, 0x8100, 1) == 0)
		pushed++;
	assert_int_equal(pushed, RTE_PKTMBUF_HEADROOM / 4);
	assert_int_equal(vlan_push(m, 0x8100), -ENOBUFS);
	assert_int_equal(vlan_count(m), pushed);
	assert_int_equal(vlan_push(m, 0x0800), -EINVAL);
	rte_pktmbuf_free(m);
}

/* A clone shares its bytes: nobody may write them, and the original may again when it is gone. */
static void shared(void **state)
{
	struct rte_mbuf *m = frame("81000005");
	struct rte_mbuf *clone = rte_pktmbuf_clone(m, pool);

	assert_non_null(clone);
	for (int i = 0; i < 2; i++) {
		struct rte_mbuf *one = i ? m : clone;

		assert_int_equal(vlan_push(one, 0x8100), -EROFS);
		assert_int_equal(vlan_pop(one), -EROFS);
		assert_int_equal(vlan_set_vid(one, 1), -EROFS);
		assert_frame(one, "81000005");
	}
	rte_pktmbuf_free(clone);
	assert_int_equal(vlan_pop(m), 0);
	assert_frame(m, "");
	rte_pktmbuf_free(m);
}

static void chained(void **state)
{
	uint8_t b[64];
	uint32_t n = unhex(MACS INNER, b);
	struct rte_mbuf *m = mbuf_in_two(b, n, 14);

	assert_int_equal(vlan_push_tci(m, 0x8100, 7), 0);
	assert_frame(m, "81000007");
	assert_int_equal(vlan_pop(m), 0);
	assert_frame(m, "");
	rte_pktmbuf_free(m);

	m = mbuf_in_two(b, n, 13);
	assert_int_equal(vlan_push(m, 0x8100), -EINVAL);
	assert_frame(m, "");
	rte_pktmbuf_free(m);
}

/* What the driver took out comes back; l2_len follows the tags when checksums are asked for. */
static void unstrip(void **state)
{
	struct rte_mbuf *m = frame("");

	assert_int_equal(vlan_unstrip(m), 0);
	assert_frame(m, "");
	m->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = 0x6064;
	assert_int_equal(vlan_unstrip(m), 0);
	assert_int_equal(m->ol_flags, 0);
	assert_frame(m, "81006064");
	rte_pktmbuf_free(m);

	m = frame("");
	m->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ |
		      RTE_MBUF_F_RX_QINQ_STRIPPED | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	m->vlan_tci = 2;
	m->vlan_tci_outer = 1;
	assert_int_equal(vlan_unstrip(m), 0);
	assert_int_equal(m->ol_flags, RTE_MBUF_F_RX_IP_CKSUM_GOOD);
	assert_frame(m, "88a8000181000002");

	m->ol_flags = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
	m->l2_len = 22;
	assert_int_equal(vlan_pop(m), 0);
	assert_int_equal(m->l2_len, 18);
	assert_int_equal(vlan_push(m, 0x8100), 0);
	assert_int_equal(m->l2_len, 22);
	rte_pktmbuf_free(m);

	m = frame("");
	m->ol_flags = RTE_MBUF_F_RX_VLAN_STRIPPED;
	assert_non_null(rte_pktmbuf_prepend(m, RTE_PKTMBUF_HEADROOM));
	assert_int_equal(vlan_unstrip(m), -ENOBUFS);
	rte_pktmbuf_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(push, harness_no_leak),
		cmocka_unit_test_teardown(push_then_pop_is_nothing, harness_no_leak),
		cmocka_unit_test_teardown(rewrite, harness_no_leak),
		cmocka_unit_test_teardown(cut_short, harness_no_leak),
		cmocka_unit_test_teardown(no_headroom, harness_no_leak),
		cmocka_unit_test_teardown(shared, harness_no_leak),
		cmocka_unit_test_teardown(chained, harness_no_leak),
		cmocka_unit_test_teardown(unstrip, harness_no_leak),
	};

	return cmocka_run_group_tests(tests, harness_init, harness_fini);
}
