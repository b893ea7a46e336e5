/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: EXT-230 Bundles: no packet sees half of one */
/*
 * Changes that belong together: bundles that fail leave everything as it was, and no reader ever
 * sees half of one, whatever the writer does to the tables meanwhile.
 */
#include <pthread.h>

#include <rte_rcu_qsbr.h>

#include "tests/unit/datapath_harness.h"

/* A flow to 'port' for packets to the address ending in 'dst'; 0: for all. */
static struct of_flow_mod *flow_to(uint8_t command, uint8_t table, uint16_t priority, uint8_t dst,
				   uint32_t port)
{
	struct of_flow_mod *fm = flow_mod(command, table, priority);

	if (dst)
		of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, dst);
	inst(fm, applied(output_to(port)));
	return fm;
}

static int each_setup(void **state)
{
	role_assume_control();
	role_assume_pmd();
	wipe();
	return 0;
}

/* ---- Bundles: all or nothing ---- */

static uint32_t rnd_state = 12345;

static uint32_t rnd(uint32_t n)
{
	rnd_state = rnd_state * 1664525 + 1013904223;
	return (rnd_state >> 8) % n;
}

/* Everything that can be asked for, as one text; with or without what was counted. */
static char *snapshot(bool counts)
{
	const struct listing *l = list_flows(OFPTT_ALL);
	struct arena a;
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	for (uint32_t i = 0; i < l->n; i++) {
		struct of_match m;
		uint64_t packets, bytes;

		flow_match(l->f[i], &m);
		flow_counts(h.dp, l->f[i], &packets, &bytes);
		fprintf(f, "%u %u %llx %u %u %u %p %f %llu %llu ", l->f[i]->table_id,
			l->f[i]->rule.priority, (unsigned long long)l->f[i]->cookie, l->f[i]->flags,
			l->f[i]->idle_timeout, l->f[i]->id, (const void *)l->f[i]->insts,
			l->f[i]->created, counts ? (unsigned long long)packets : 0,
			counts ? (unsigned long long)bytes : 0);
		for (size_t k = 0; k < sizeof(m); k++)
			fprintf(f, "%02x", ((uint8_t *)&m)[k]);
		fputc('\n', f);
	}
	arena_init(&a, 0);
	for (uint32_t id = 1; id <= 6; id++) {
		const struct group *g = group_find(h.dp, id);
		const struct meter *m = meter_find(h.dp, id);

		if (g)
			of_dump_any(f, (struct of_any *)group_desc(g, &a));
		if (m)
			of_dump_any(f, (struct of_any *)meter_config(m, &a));
	}
	arena_fini(&a);
	fclose(f);
	return text;
}

/* What packets get, and are counted for. */
static void probe(uint32_t *out)
{
	for (uint8_t i = 0; i < 8; i++) {
		send_packets(&(struct packet){ .in_port = 1, .dst = i + 1 }, 1);
		out[i] = h.n_out;
		for (uint32_t n = 0; n < h.n_out; n++)
			out[i] = out[i] * 16 + h.out[n];
	}
}

static void random_flow_mod(void)
{
	struct of_flow_mod *fm = flow_mod((uint8_t)rnd(5), (uint8_t)rnd(2), (uint16_t)rnd(3));

	if (rnd(4))
		of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 1 + rnd(8));
	if (!rnd(4))
		of_match_set_u64(&fm->match, OF_FIELD_IN_PORT, 1);
	fm->cookie = rnd(4);
	fm->idle_timeout = (uint16_t)(rnd(2) * 1000);
	fm->flags = rnd(3) ? 0 : OFPFF_RESET_COUNTS;
	if (rnd(5) == 0)
		fm->flags |= OFPFF_CHECK_OVERLAP;
	if (!rnd(4))
		inst(fm, metered(1 + rnd(6)));
	inst(fm, applied(rnd(3) ? output_to(2 + rnd(4)) : to_group(1 + rnd(6))));
	if (!fm->table_id && !rnd(3))
		inst(fm, goto_table(1));
	(void)send_flow(fm);
}

static void random_group_mod(void)
{
	struct of_group_mod *gm = OF_NEW(&h.a, group_mod);
	struct of_bucket *k = OF_NEW(&h.a, bucket);

	gm->command = (uint16_t)rnd(3);
	gm->group_id = rnd(12) ? 1 + rnd(6) : OFPG_ALL;
	gm->type = OFPGT_INDIRECT;
	k->watch_port = OFPP_ANY;
	k->watch_group = OFPG_ANY;
	of_list_add(&k->actions, &h.a, rnd(3) ? output_to(2 + rnd(4)) : to_group(1 + rnd(6)));
	of_list_add(&gm->buckets, &h.a, (struct of_any *)k);
	(void)group_mod(h.dp, gm, &h.e);
}

static void random_meter_mod(void)
{
	struct of_meter_mod *mm = OF_NEW(&h.a, meter_mod);
	struct of_band_drop *d = OF_NEW(&h.a, band_drop);

	mm->command = (uint16_t)rnd(3);
	mm->meter_id = rnd(12) ? 1 + rnd(6) : OFPM_ALL;
	mm->flags = OFPMF_PKTPS;
	d->rate = 1000000 + rnd(5);
	of_list_add(&mm->bands, &h.a, (struct of_any *)d);
	(void)meter_mod(h.dp, mm, &h.e);
}

static void random_change(void)
{
	if (rnd(3))
		random_flow_mod();
	else if (rnd(3))
		random_group_mod();
	else
		random_meter_mod();
}

/* Flows, groups and meters, what is counted, what packets get: as if the bundle had never been. */
static void rollback_leaves_no_trace(void **state)
{
	for (unsigned int round = 0; round < 1500; round++) {
		uint32_t before[8], after[8];
		char *was, *is;

		for (unsigned int i = rnd(6); i; i--)
			random_change();
		dp_publish(h.dp);
		probe(before);
		was = snapshot(!(round & 1));
		table_begin(h.dp);
		for (unsigned int i = rnd(20); i; i--)
			random_change();
		/* Nobody sees it while it is being made; looking counts. */
		if (round & 1) {
			probe(after);
			assert_memory_equal(before, after, sizeof(before));
		}
		table_rollback(h.dp);
		is = snapshot(!(round & 1));
		assert_string_equal(was, is);
		free(was);
		free(is);
		if (rnd(2))
			dp_publish(h.dp);
		probe(after);
		assert_memory_equal(before, after, sizeof(before));
		if (round % 50 == 0)
			arena_reset(&h.a);
	}
}

/* ---- One writer, many readers ---- */

/*
 *	table 0: each eth_dst -> goto 1		table 1: each eth_dst -> ...
 *
 * The writer replaces, modifies and rewrites flows of both tables in bundles, always giving a pair
 * the same cookie.  Readers must find both halves of every pair at all times, with one cookie in
 * one version.
 */
enum { PAIRS = 40, READERS = 2 };

static _Atomic bool stop;
static _Atomic uint64_t bursts;

/* The route to take for 10.1.1.x is of that length at least. */
enum { ROUTES = 2, SURE_LEN = 24 };

struct reader {
	pthread_t thread;
	unsigned int id;
	struct burst *b;
	const char *wrong;
};

static void *read_on(void *arg)
{
	struct reader *r = arg;
	struct burst *b = r->b;
	const struct cls_rule *hit[3][BURST_MAX];
	uint32_t n = 0;

	rte_rcu_qsbr_thread_register(h.dp->rcu, r->id);
	rte_rcu_qsbr_thread_online(h.dp->rcu, r->id);
	while (!atomic_load_explicit(&stop, memory_order_relaxed) && !r->wrong) {
		b->version = atomic_load_explicit(&h.dp->version, memory_order_acquire);
		for (unsigned int i = 0; i < BURST_MAX; i++)
			b->pkt[i].key.eth_dst[5] = (uint8_t)(1 + n++ % PAIRS);
		for (unsigned int i = 0; i < BURST_MAX; i++) {
			b->pkt[i].key.eth_type = htobe16(0x0800);
			b->pkt[i].key.nw_dst = htobe32(0x0a010100 + n * 31 % 256);
		}
		for (unsigned int t = 0; t < 3; t++) {
			const struct cls *c =
				atomic_load_explicit(&h.dp->tables[t], memory_order_acquire);

			c->ops->lookup(c, b, UINT32_MAX, hit[t]);
		}
		for (unsigned int i = 0; i < BURST_MAX; i++) {
			if (!hit[0][i] || !hit[1][i])
				r->wrong = "a flow was missing";
			else if (flow_of_rule(hit[0][i])->cookie != flow_of_rule(hit[1][i])->cookie)
				r->wrong = "half of a bundle was seen";
			else if (!cls_rule_hits(hit[0][i], (const uint64_t *)&b->pkt[i].key))
				r->wrong = "a flow did not match";
			else if (!hit[ROUTES][i] || hit[ROUTES][i]->priority < 100 + SURE_LEN ||
				 !cls_rule_hits(hit[ROUTES][i], (const uint64_t *)&b->pkt[i].key))
				r->wrong = "a route was missing";
		}
		atomic_fetch_add_explicit(&bursts, 1, memory_order_relaxed);
		rte_rcu_qsbr_quiescent(h.dp->rcu, r->id);
	}
	rte_rcu_qsbr_thread_offline(h.dp->rcu, r->id);
	rte_rcu_qsbr_thread_unregister(h.dp->rcu, r->id);
	return NULL;
}

static void change_pair(unsigned int i, uint64_t cookie)
{
	for (uint8_t t = 0; t < 2; t++) {
		struct of_flow_mod *fm = flow_to(OFPFC_ADD, t, 10, (uint8_t)(1 + i), 2 + rnd(3));

		fm->cookie = cookie;
		assert_int_equal(send_flow(fm), 0);
	}
}

/* Other flows come and go, so that templates change and hashes grow. */
static void churn(unsigned int round)
{
	struct of_flow_mod *fm = flow_mod(rnd(3) ? OFPFC_ADD : OFPFC_DELETE, (uint8_t)rnd(2), 5);
	static const uint64_t masks[] = { 0xff, 0xff00, 0xffff, 0xf0f0, 0xffffff };

	if (rnd(2))
		of_match_set_masked_u64(&fm->match, OF_FIELD_METADATA, 1 + rnd(200),
					masks[round / 100 % 5] | 0xff);
	else
		of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 100 + rnd(150));
	assert_int_equal(send_flow(fm), 0);
	if (round % 400 == 399) {
		fm = flow_mod(OFPFC_DELETE, OFPTT_ALL, 0);
		fm->cookie_mask = UINT64_MAX; /* the pairs' are not 0 */
		assert_int_equal(send_flow(fm), 0);
	}
}

static void route(uint8_t command, uint32_t addr, unsigned int len)
{
	struct of_flow_mod *fm = flow_mod(command, ROUTES, (uint16_t)(100 + len));

	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_masked_u64(&fm->match, OF_FIELD_IPV4_DST, addr & UINT32_MAX << (32 - len),
				UINT32_MAX << (32 - len));
	fm->cookie = rnd(1000) + 1;
	assert_int_equal(send_flow(fm), 0);
}

/* Shorter, longer and the same prefixes. */
static void churn_routes(void)
{
	route(OFPFC_ADD, 0x0a010100, SURE_LEN);
	for (unsigned int i = rnd(6); i; i--)
		route(rnd(2) ? OFPFC_ADD : OFPFC_DELETE_STRICT, 0x0a010100 + rnd(256),
		      (const uint8_t[]){ 9, 15, 16, 17, 25, 28, 30, 31, 32 }[rnd(9)]);
}

static void readers_see_whole_bundles(void **state)
{
	struct reader r[READERS] = { 0 };
	struct timespec end, now;
	unsigned int round = 0, in_trees = 0;

	for (unsigned int i = 0; i < PAIRS; i++)
		change_pair(i, 1);
	for (unsigned int len = 8; len <= SURE_LEN; len++)
		route(OFPFC_ADD, 0x0a010100, len);
	dp_publish(h.dp);
	assert_string_equal(table_template(h.dp, ROUTES, NULL), "lpm");
	atomic_store(&stop, false);
	for (unsigned int i = 0; i < READERS; i++) {
		r[i].id = PMD_MAX - 1 - i;
		r[i].b = calloc(1, sizeof(struct burst));
		assert_int_equal(pthread_create(&r[i].thread, NULL, read_on, &r[i]), 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 4;
	do {
		uint64_t cookie = 2 + round;
		bool back = rnd(4) == 0;

		table_begin(h.dp);
		for (unsigned int i = rnd(4); i; i--)
			change_pair(rnd(PAIRS), cookie);
		for (unsigned int i = rnd(4); i; i--)
			churn(round);
		churn_routes();
		if (back)
			table_rollback(h.dp);
		else
			table_commit(h.dp);
		dp_publish(h.dp);
		/* Trees are built beside it, and come to serve in the midst of changes. */
		table_calm(h.dp);
		in_trees += !strcmp(table_template(h.dp, 0, NULL), "cuts");
		if (round++ % 64 == 0) {
			dp_barrier(h.dp);
			arena_reset(&h.a);
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		/* On a busy machine it takes as long as it needs for what it promises to meet. */
	} while (now.tv_sec < end.tv_sec ||
		 (now.tv_sec < end.tv_sec + 120 && (!in_trees || atomic_load(&bursts) <= 100)));
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < READERS; i++) {
		pthread_join(r[i].thread, NULL);
		free(r[i].b);
		if (r[i].wrong)
			fail_msg("%s", r[i].wrong);
	}
	printf("%u bundles, %u with trees, under %llu bursts\n", round, in_trees,
	       (unsigned long long)atomic_load(&bursts));
	assert_true(atomic_load(&bursts) > 100);
	assert_true(in_trees > 0);
}

static int setup(void **state)
{
	return harness_setup(&(struct dp_opts){ .name = "bundle", .dpid = 5 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(rollback_leaves_no_trace, each_setup),
		cmocka_unit_test_setup(readers_see_whole_bundles, each_setup),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}
