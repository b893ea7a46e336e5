/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.1 Pipeline: the flow cache decides as the tables do */
/*
 * The flow cache: what it serves is what the tables would have done, now.
 *
 *	packet -> cache -> (missed) pipeline -> learns -> packet again -> cache alone
 *
 * That it decides as the tables do for random pipelines is datapath_diff.c's; here are the cases it
 * is argued from (cache.h).
 */
#include "datapath/cache_priv.h"
#include "datapath/express.h"
#include "tests/unit/datapath_harness.h"

static uint64_t hits(void)
{
	return h.w->perf.cache_hits;
}

static uint64_t misses(void)
{
	return h.w->perf.cache_misses;
}

static struct of_flow_mod *to_port(uint8_t table, uint16_t priority, uint32_t port)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, table, priority);

	inst(fm, applied(output_to(port)));
	return fm;
}

static uint32_t to(uint8_t dst, uint16_t dport)
{
	return send_one((struct packet){ .in_port = 1, .dst = dst, .dport = dport });
}

static int each_setup(void **state)
{
	role_assume_control();
	role_assume_pmd();
	wipe();
	return 0;
}

/* Table 0 leads on; table 1 looks at eth_dst. */
static void two_tables(void)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);

	inst(fm, goto_table(1));
	assert_int_equal(send_flow(fm), 0);
	fm = to_port(1, 1, 2);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 5);
	assert_int_equal(send_flow(fm), 0);
	fm = to_port(1, 0, 3);
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
}

/* Only what the tables look at tells packets apart; flows and tables are counted as without. */
static void the_second_packet_is_served(void **state)
{
	uint64_t before[2] = { hits(), misses() }, lookups[2], matches[2];

	two_tables();
	table_lookups(h.dp, 1, &lookups[0], &matches[0]);
	assert_int_equal(to(5, 1), 2);
	assert_int_equal(to(5, 1), 2);
	assert_int_equal(to(5, 2), 2); /* ports are not consulted */
	assert_int_equal(hits() - before[0], 2);
	assert_int_equal(to(6, 1), 3);
	assert_int_equal(misses() - before[1], 2);
	assert_int_equal(packets_of(list_flows(0)->f[0]), 4);
	assert_int_equal(packets_of(list_flows(1)->f[0]), 3);
	table_lookups(h.dp, 1, &lookups[1], &matches[1]);
	assert_int_equal(lookups[1] - lookups[0], 4);
	assert_int_equal(matches[1] - matches[0], 4);
}

static void any_change_empties_it(void **state)
{
	struct of_flow_mod *fm;
	uint64_t before;

	two_tables();
	to(5, 1);
	fm = to_port(1, 2, 4);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 5);
	assert_int_equal(send_flow(fm), 0);
	before = hits();
	assert_int_equal(to(5, 1), 2); /* not published: still served */
	assert_int_equal(hits() - before, 1);
	dp_publish(h.dp);
	assert_int_equal(to(5, 1), 4);
	assert_int_equal(hits() - before, 1);
	/* A field that nobody has looked at until now. */
	fm = to_port(1, 3, 5);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&fm->match, OF_FIELD_IP_PROTO, 17);
	of_match_set_u64(&fm->match, OF_FIELD_UDP_DST, 53);
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5, 1), 4);
	assert_int_equal(to(5, 53), 5);
	assert_int_equal(to(5, 1), 4);
	assert_int_equal(hits() - before, 2);
}

/* A change voids what may have gone another way with it, and leaves the rest. */
static void a_change_voids_what_it_concerns(void **state)
{
	struct of_flow_mod *fm;
	uint64_t before;

	two_tables();
	to(5, 1);
	to(6, 1);
	to(7, 1);
	fm = to_port(1, 2, 4);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 6);
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	before = hits();
	assert_int_equal(to(5, 1), 2);
	assert_int_equal(to(7, 1), 3);
	assert_int_equal(hits() - before, 2);
	assert_int_equal(to(6, 1), 4);
	assert_int_equal(hits() - before, 2);
	assert_int_equal(to(6, 1), 4);
	assert_int_equal(hits() - before, 3);
	/* It goes again; and more changes than an entry can miss void those, too, that none
	 * concerns. */
	fm = flow_mod(OFPFC_DELETE_STRICT, 1, 2);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 6);
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(to(6, 1), 3);
	assert_int_equal(to(5, 1), 2);
	assert_int_equal(hits() - before, 4);
	for (unsigned int i = 0; i < 2000; i++) {
		fm = to_port(1, 2, 4);
		of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 1000 + i);
		assert_int_equal(send_flow(fm), 0);
		if (i % 7 == 0)
			dp_publish(h.dp);
	}
	dp_publish(h.dp);
	assert_int_equal(to(5, 1), 2);
	assert_int_equal(hits() - before, 4);
}

/* A flow behind one that writes what it looks at: what a packet came in with says nothing of it. */
static void a_change_behind_a_write(void **state)
{
	struct of_action_set_field *a = OF_NEW(&h.a, action_set_field);
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);

	a->field.field = &of_fields[OF_FIELD_ETH_DST];
	a->field.value[5] = 9;
	inst(fm, applied((struct of_any *)a));
	inst(fm, goto_table(1));
	assert_int_equal(send_flow(fm), 0);
	assert_int_equal(send_flow(to_port(1, 0, 3)), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5, 1), 3);
	assert_int_equal(to(5, 1), 3);
	fm = to_port(1, 2, 4);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 9);
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5, 1), 4);
	fm = to_port(1, 2, 2);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 9);
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5, 1), 2);
}

/* ---- Long ways ---- */

static void leads(uint8_t table, uint8_t dst, uint8_t next)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, table, 1);

	if (dst)
		of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, dst);
	inst(fm, goto_table(next));
	assert_int_equal(send_flow(fm), 0);
}

/* A packet's way leads through the first 'n' tables. */
static void tables_in_a_row(uint8_t n)
{
	for (uint8_t k = 0; k + 1 < n; k++)
		leads(k, 0, k + 1);
	assert_int_equal(send_flow(to_port((uint8_t)(n - 1), 1, 2)), 0);
	dp_publish(h.dp);
}

/* Replayed from the cache up to the last flow that there is room for, and walked beyond. */
static void long_ways_are_kept(void **state)
{
	static const uint8_t lens[] = {
		6, 7, 8, 9, 12, 20, CACHE_WAY_MAX, CACHE_WAY_MAX + 1, 60, 9
	};

	for (unsigned int i = 0; i < sizeof(lens); i++) {
		const uint8_t n = lens[i];
		uint64_t before;

		wipe();
		tables_in_a_row(n);
		before = hits();
		for (unsigned int k = 0; k < 3; k++)
			assert_int_equal(to(5, 1), 2);
		assert_int_equal(hits() - before, n <= CACHE_WAY_MAX ? 2 : 0);
		for (uint8_t k = 0; k < n; k++)
			assert_int_equal(packets_of(list_flows(k)->f[0]), 3);
		/* Of what is beyond the entry, too, and the last flow. */
		assert_int_equal(send_flow(to_port((uint8_t)(n - 1), 2, 3)), 0);
		dp_publish(h.dp);
		assert_int_equal(to(5, 1), 3);
		assert_int_equal(to(5, 1), 3);
	}
}

/* What one has is another one's when its place is a shorter way's. */
static void rests_are_given_back(void **state)
{
	struct cache_rests *r = &h.w->cache->rests;
	const uint32_t used = r->n_used;
	uint32_t known;

	leads(0, 5, 1);
	leads(0, 6, 10);
	assert_int_equal(send_flow(to_port(10, 1, 4)), 0);
	for (uint8_t k = 1; k < 9; k++)
		leads(k, 0, k + 1);
	assert_int_equal(send_flow(to_port(9, 1, 2)), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5, 1), 2);
	known = r->n_known;
	for (unsigned int i = 0; i < 100; i++) {
		struct of_flow_mod *fm;

		/* Longer and shorter by turns. */
		fm = to_port(0, 2, 3);
		of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 5);
		assert_int_equal(send_flow(fm), 0);
		dp_publish(h.dp);
		assert_int_equal(to(5, 1), 3);
		assert_int_equal(to(6, 1), 4);
		fm = flow_mod(OFPFC_DELETE_STRICT, 0, 2);
		of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 5);
		assert_int_equal(send_flow(fm), 0);
		dp_publish(h.dp);
		assert_int_equal(to(5, 1), 2);
	}
	assert_in_range(r->n_known, known, known + 2);
	assert_in_range(r->n_used, 0, used + 2);
}

static uint32_t by_express[BURST_MAX];

static void take_express(struct pmd *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->n_x; i++) {
		by_express[b->x_seq[i]] = express_lot_of(b, i)->port;
		rte_pktmbuf_free(b->x[i]);
	}
	b->n_x = b->n_lots = 0;
}

/* A burst of frames to 'first' and those behind it; returns those that did not leave by express. */
static uint64_t express_burst(uint8_t first)
{
	struct rte_mbuf *m[BURST_MAX];
	uint64_t left;

	for (unsigned int i = 0; i < BURST_MAX; i++)
		m[i] = frame_of(&(struct packet){ .dst = (uint8_t)(first + i) });
	memset(by_express, 0, sizeof(by_express));
	pmd_burst_start(h.w, h.w->burst);
	left = express_run(h.w, h.w->burst, m, BURST_MAX, 1, NULL);
	take_express(h.w, h.w->burst);
	for (unsigned int i = 0; i < BURST_MAX; i++)
		if (left >> i & 1)
			rte_pktmbuf_free(m[i]);
	return left;
}

enum { FORKS = 8, WAYS = 5 * BURST_MAX, LAST = 2 * FORKS + 1 };

/* Through table 0, either of two tables at each fork, and the last: which, the address says. */
static void forks(void)
{
	struct of_flow_mod *fm;

	for (unsigned int dst = 1; dst <= WAYS; dst++) {
		unsigned int at = 0;

		for (unsigned int k = 0; k < FORKS; k++) {
			const unsigned int next = 1 + 2 * k + (dst >> k & 1);

			leads((uint8_t)at, (uint8_t)dst, (uint8_t)next);
			at = next;
		}
		leads((uint8_t)at, (uint8_t)dst, LAST);
	}
	fm = to_port(LAST, 1, 2);
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
}

/* Of more paths than there is room for; flows and tables are counted for all of them. */
static void many_paths(void **state)
{
	uint64_t lookups[N_TABLES], matches[N_TABLES];

	forks();
	h.w->cache->habit->walk_pause = 0;
	for (unsigned int t = 0; t <= LAST; t++)
		table_lookups(h.dp, (uint8_t)t, &lookups[t], &matches[t]);
	for (unsigned int n = 0; n < 2 * WAYS; n += BURST_MAX) {
		const uint64_t before = hits();

		assert_int_equal(express_burst((uint8_t)(1 + n % WAYS)), 0);
		/* Now and then a way has put out another one, by hashes whose keys are drawn at
		 * start. */
		assert_in_range(hits() - before, n < WAYS ? 0 : BURST_MAX / 2,
				n < WAYS ? 0 : BURST_MAX);
		for (unsigned int i = 0; i < BURST_MAX; i++)
			assert_int_equal(by_express[i], 2);
	}
	assert_int_equal(h.w->cache->rests.n_paths, REST_PATHS);
	for (unsigned int t = 0; t <= LAST; t++) {
		const uint64_t was[2] = { lookups[t], matches[t] };
		uint64_t want = 2 * WAYS;

		if (t && t < LAST) {
			want = 0;
			for (unsigned int dst = 1; dst <= WAYS; dst++)
				want += 2 * ((dst >> (t - 1) / 2 & 1) == (t - 1) % 2);
		}
		table_lookups(h.dp, (uint8_t)t, &lookups[t], &matches[t]);
		assert_int_equal(lookups[t] - was[0], want);
		assert_int_equal(matches[t] - was[1], want);
		if (t < LAST)
			for (unsigned int i = 0; i < list_flows((uint8_t)t)->n; i++)
				assert_int_equal(packets_of(list_flows((uint8_t)t)->f[i]), 2);
	}
	assert_int_equal(packets_of(list_flows(LAST)->f[0]), 2 * WAYS);
}

/* What an action copies from a field that no table looks at decides later all the same. */
static void move_sources_are_consulted(void **state)
{
	struct of_nx_reg_move *mv = OF_NEW(&h.a, nx_reg_move);
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);

	mv->n_bits = 16;
	mv->src = &of_fields[OF_FIELD_UDP_DST];
	mv->dst = &of_fields[OF_FIELD_REG0];
	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_masked_u64(&fm->match, OF_FIELD_IPV4_DST, 0, 0);
	of_match_set_u64(&fm->match, OF_FIELD_IP_PROTO, 17);
	inst(fm, applied((struct of_any *)mv));
	inst(fm, goto_table(1));
	assert_int_equal(send_flow(fm), 0);
	fm = to_port(1, 1, 4);
	of_match_set_u64(&fm->match, OF_FIELD_REG0, 53);
	assert_int_equal(send_flow(fm), 0);
	assert_int_equal(send_flow(to_port(1, 0, 3)), 0);
	dp_publish(h.dp);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(to(5, 53), 4);
		assert_int_equal(to(5, 54), 3);
	}
}

/* After a pop, tables look at what the ingress key does not have. */
static void pops_are_not_kept(void **state)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);
	uint64_t before = hits();

	inst(fm, applied((struct of_any *)OF_NEW(&h.a, action_pop_vlan)));
	inst(fm, goto_table(1));
	of_match_set_masked_u64(&fm->match, OF_FIELD_VLAN_VID, 0x1000, 0x1000);
	assert_int_equal(send_flow(fm), 0);
	fm = to_port(1, 1, 2);
	of_match_set_u64(&fm->match, OF_FIELD_VLAN_VID, 0x1007);
	assert_int_equal(send_flow(fm), 0);
	assert_int_equal(send_flow(to_port(1, 0, 3)), 0);
	dp_publish(h.dp);
	for (unsigned int n = 0; n < 6; n++) {
		struct rte_mbuf *m = frame_of(&(struct packet){ .dst = 5 });
		uint8_t *f;
		struct burst *b = h.w->burst;
		uint64_t todo;

		/* Outer tag 5; inner tag 7 or 8. */
		assert_non_null(rte_pktmbuf_prepend(m, 8));
		f = rte_pktmbuf_mtod(m, uint8_t *);
		memmove(f, f + 8, 12);
		put_be32(f + 12, 0x81000005);
		put_be32(f + 16, 0x81000007 + n % 2);
		h.n_out = 0;
		b->n = 1;
		b->n_out = b->n_keys = 0;
		b->version = atomic_load(&h.dp->version);
		assert_true(pkt_init(b, 0, m, 1));
		todo = cache_run(h.w, b, 1, 0);
		assert_int_equal(todo, 1);
		pipeline_run(h.w, b, todo, 0, 0);
		h.w->flush(h.w, b);
		assert_int_equal(h.n_out, 1);
		assert_int_equal(h.out[0], n % 2 ? 3 : 2);
	}
	assert_int_equal(hits(), before);
}

/* A meter on the way decides for each packet. */
static void meters_are_run(void **state)
{
	struct of_meter_mod *mm = OF_NEW(&h.a, meter_mod);
	struct of_band_drop *d = OF_NEW(&h.a, band_drop);
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);
	uint64_t t = rte_rdtsc();
	uint32_t passed = 0;

	mm->meter_id = 1;
	mm->flags = OFPMF_PKTPS | OFPMF_BURST;
	d->rate = 10;
	d->burst_size = 10;
	of_list_add(&mm->bands, &h.a, (struct of_any *)d);
	assert_int_equal(meter_mod(h.dp, mm, &h.e), 0);
	inst(fm, metered(1));
	inst(fm, applied(output_to(2)));
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	for (unsigned int i = 0; i < 50; i++) {
		send_at(&(struct packet){ .in_port = 1, .dst = 5 }, 1, t);
		passed += h.n_out;
	}
	assert_int_equal(passed, 10);
}

/* So many bursts, of which a packet takes 'with' or 'without' cycles. */
static void pass(unsigned int bursts, unsigned int with, unsigned int without)
{
	struct packet p[BURST_MAX];

	for (unsigned int i = 0; i < BURST_MAX; i++)
		p[i] = (struct packet){ .in_port = 1, .dst = 5, .dport = (uint16_t)i };
	for (unsigned int n = 0; n < bursts; n++) {
		const uint64_t asked = hits() + misses();

		send_packets(p, BURST_MAX);
		assert_int_equal(h.n_out, BURST_MAX);
		cache_spent(h.w, BURST_MAX,
			    (uint64_t)BURST_MAX * (asked == hits() + misses() ? without : with));
	}
}

static enum cache_answer peeked(uint32_t in_port)
{
	const struct flow_key k = { .in_port = htobe32(in_port) };
	uint32_t n;

	return cache_peek(h.w, &k, &n);
}

/* Where it costs more than it saves it steps aside, and says so; and comes back. */
static void it_steps_aside(void **state)
{
	struct of_flow_mod *fm = to_port(0, 1, 2);
	uint64_t asked;

	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&fm->match, OF_FIELD_IP_PROTO, 17);
	of_match_set_masked_u64(&fm->match, OF_FIELD_UDP_DST, 0, 0x8000);
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	pass(2 * ADAPT_WARM / BURST_MAX, 200, 100);
	asked = hits() + misses();
	pass(100, 200, 100);
	assert_int_equal(hits() + misses(), asked);
	assert_int_equal(peeked(0), CACHE_ASIDE);
	/* What comes by another port is another matter. */
	(void)cache_turn(h.w->cache, 1);
	assert_int_equal(peeked(1), CACHE_MISS);
	pass(100, 200, 100);
	assert_int_equal(hits() + misses(), asked + 100 * BURST_MAX);
	(void)cache_turn(h.w->cache, 0);
	asked = hits() + misses();
	pass(100, 200, 100);
	assert_int_equal(hits() + misses(), asked);
	/* Other tables: they look at more. */
	fm = to_port(0, 2, 2);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&fm->match, OF_FIELD_IP_PROTO, 6);
	of_match_set_u64(&fm->match, OF_FIELD_TCP_FLAGS, 2);
	of_match_set_u64(&fm->match, OF_FIELD_METADATA, 2);
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	pass((ADAPT_LEAST + 2 * ADAPT_WARM) / BURST_MAX, 50, 100);
	asked = hits();
	pass(100, 50, 100);
	assert_int_equal(hits(), asked + 100 * BURST_MAX);
	assert_int_equal(peeked(0), CACHE_MISS);
}

static void to_mac(uint32_t dst)
{
	struct of_flow_mod *fm = to_port(0, 1, 2);

	of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, dst);
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
}

/* A table that is served by another template is another, though its flows look at the same. */
static void it_is_measured_again(void **state)
{
	enum { FEW = 4, MANY = 40 };
	const char *was;
	uint32_t n = 0;

	while (n < FEW)
		to_mac(5 + n++);
	was = table_template(h.dp, 0, NULL);
	pass(3 * ADAPT_WARM / BURST_MAX, 50, 100);
	assert_int_equal(peeked(0), CACHE_MISS);
	while (!strcmp(table_template(h.dp, 0, NULL), was) && n < MANY)
		to_mac(5 + n++);
	assert_in_range(n, FEW + 1, MANY - 1);
	pass((ADAPT_LEAST + 2 * ADAPT_WARM) / BURST_MAX, 200, 100);
	assert_int_equal(peeked(0), CACHE_ASIDE);
}

static int setup(void **state)
{
	return harness_setup(
		&(struct dp_opts){ .name = "cache", .dpid = 4, .cache_entries = 1024 });
}

#define TEST(f) cmocka_unit_test_setup(f, each_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_second_packet_is_served),
		TEST(any_change_empties_it),
		TEST(a_change_voids_what_it_concerns),
		TEST(a_change_behind_a_write),
		TEST(long_ways_are_kept),
		TEST(rests_are_given_back),
		TEST(many_paths),
		TEST(move_sources_are_consulted),
		TEST(pops_are_not_kept),
		TEST(meters_are_run),
		TEST(it_steps_aside),
		TEST(it_is_measured_again),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}
