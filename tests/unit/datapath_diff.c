/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.1 Pipeline: random ones, compiled and interpreted, cached or not */
/* Spec: 5.9 Instructions: random ones */
/*
 * The compiled pipeline against the reference interpreter: random tables, groups and actions,
 * random packets, changes in between; with the flow cache cold, warm and off.  For every packet the
 * same frames must leave, in the same order, byte for byte; and no frame may be lost or doubled.
 * After each round all counters must agree, and which flows went, why, and what they had counted.
 *
 * WEFT_DIFF_SECONDS makes it longer than its 10 seconds, WEFT_DIFF_SEED repeats a run.  On a busy
 * machine it takes as long as it needs for what it promises to meet.
 */
#include "datapath/cache_priv.h"
#include "datapath/change.h"
#include "tests/unit/datapath_diff_mods.h"

/* Where a run of default length begins, each time; longer ones begin elsewhere each time. */
#define FIRST_SEED UINT64_C(1882598998540288)

enum { ROUNDS_MIN = 500, ROUNDS_MAX = 5000 };

/* Long ways that the cache has now: the packets of the last burst have gone them. */
static void note_long_ways(void)
{
	const struct cache *c = t.cache;

	for (uint64_t i = 0; i < c->mask + 2; i++) {
		const struct cache_entry *e = &c->mem[i];

		if (!cache_is_of_now(c, e) || !way_is_long(e->n_flows))
			continue;
		t.long_ways[e->way]++;
		if (e->n_flows > t.longest[e->way])
			t.longest[e->way] = e->n_flows;
	}
}

static void run_burst(void)
{
	/* Meters and connections see one packet after the other: which of a burst comes first at
	 * which table is the sweep's affair. */
	unsigned int which[BURST_MAX],
		n = rules.metered || rules.learned || rules.tracked ? 1 : 1 + below(BURST_MAX);
	uint32_t in_port[BURST_MAX];
	const bool alike = rnd_easy || one_in(2);
	uint64_t express, odd;

	for (unsigned int i = 0; i < n; i++) {
		which[i] = rnd_tags && i && !one_in(4) ? which[i - 1] : below(FRAMES);
		in_port[i] = i && alike ? in_port[0] : 1 + below(PORTS);
	}
	if (rules.tracked && one_in(3))
		conns_talk(&t.frames[which[0]]);
	t.w->cache = t.cache;
	t.cache->habit->walk_pause = t.cache->habit->route_pause =
		0; /* whatever came of it before */
	t.cache->habit->run_pause = one_in(4);
	t.cache->habit->adapt.on = !one_in(3);
	tick();
	run_compiled(which, in_port, n, alike);
	compare(t.cache->habit->adapt.on ? "cold" : "aside", which, in_port, n);
	learn_all();
	t.cache->habit->adapt.on = true;
	express = t.express;
	odd = t.cache->odd_maybe;
	tick();
	run_compiled(which, in_port, n, alike);
	compare("warm", which, in_port, n);
	if (alike && t.cache->need <= EXPRESS_TAG)
		t.runs[t.cache->need] += t.express - express;
	if (t.cache->n_odd)
		t.beside_odd += t.express - express;
	t.odd += t.cache->odd_maybe - odd;
	if (rules.deep)
		note_long_ways();
	learn_all();
	t.w->cache = NULL;
	tick();
	run_compiled(which, in_port, n, false);
	compare("off", which, in_port, n);
	learn_all();
}
/* ---- Counters ---- */

static int check_flow(void *arg, const struct flow *f)
{
	uint64_t packets, bytes, want_packets = 0, want_bytes = 0;
	struct of_match m;

	(void)arg;
	flow_match(f, &m);
	flow_counts(t.dp, f, &packets, &bytes);
	if (!ref_flow_counts(t.ref, f->table_id, &m, f->rule.priority, &want_packets, &want_bytes))
		fail_msg("seed %llu: a flow of table %u is too many", (unsigned long long)t.seed,
			 f->table_id);
	if (packets != want_packets || bytes != want_bytes)
		fail_msg("seed %llu: table %u priority %u counted %llu, %llu bytes, not %llu, %llu",
			 (unsigned long long)t.seed, f->table_id, f->rule.priority,
			 (unsigned long long)packets, (unsigned long long)bytes,
			 (unsigned long long)want_packets, (unsigned long long)want_bytes);
	return 0;
}

static int check_meter(void *arg, const struct meter *m)
{
	const struct of_meter_stats *s = meter_stats(t.dp, m, &rules.arena);
	struct of_meter_stats want = { 0 };

	++*(unsigned int *)arg;
	assert_true(ref_meter_counts(t.ref, s->meter_id, &want));
	assert_int_equal(s->packet_in_count, want.packet_in_count);
	assert_int_equal(s->byte_in_count, want.byte_in_count);
	assert_int_equal(s->flow_count, want.flow_count);
	for (uint32_t i = 0; i < s->band_stats.n; i++) {
		const struct of_meter_band_stats *b = OF_AT(&s->band_stats, i, meter_band_stats);
		uint64_t packets = 0, bytes = 0;

		assert_true(ref_band_counts(t.ref, s->meter_id, i, &packets, &bytes));
		assert_int_equal(b->packet_band_count, packets);
		assert_int_equal(b->byte_band_count, bytes);
		t.metered += packets;
	}
	return 0;
}

static void check_counters(void)
{
	const struct of_mp_flow_request all = { .table_id = OFPTT_ALL,
						.out_port = OFPP_ANY,
						.out_group = OFPG_ANY };
	unsigned int meters = 0;
	uint64_t lookups, matches;

	if (t.poor)
		return;
	assert_int_equal(table_select(t.dp, &all, check_flow, NULL), 0);
	check_tables();
	for (unsigned int i = 0; i < TABLES_MAX; i++)
		assert_int_equal(table_count(t.dp, (uint8_t)i),
				 ref_table_counts(t.ref, (uint8_t)i, &lookups, &matches));
	group_each(t.dp, OFPG_ALL, 0, check_group, NULL);
	meter_each(t.dp, OFPM_ALL, 0, check_meter, &meters);
	for (uint32_t id = 1; id <= METERS; id++) {
		struct of_meter_stats s;

		meters -= ref_meter_counts(t.ref, id, &s);
	}
	assert_int_equal(meters, 0);
}

/* ---- Flows that went ---- */

static void flow_removed(void *arg, const struct flow *f, const struct of_match *m, uint8_t reason,
			 uint64_t packets, uint64_t bytes, double duration)
{
	(void)arg;
	(void)m;
	(void)duration;
	if (!(f->flags & OFPFF_SEND_FLOW_REM))
		return;
	assert_true(t.n_gone < GONE_MAX);
	t.gone[t.n_gone++] = (struct ref_gone){ .table_id = f->table_id,
						.reason = reason,
						.priority = f->rule.priority,
						.cookie = f->cookie,
						.packets = packets,
						.bytes = bytes };
}

static bool same_gone(const struct ref_gone *is, const struct ref_gone *want, bool any_reason)
{
	return is->table_id == want->table_id && is->priority == want->priority &&
	       is->cookie == want->cookie && is->packets == want->packets &&
	       is->bytes == want->bytes && (any_reason || is->reason == want->reason);
}

static bool take_gone(const struct ref_gone *want, bool any_reason)
{
	for (uint32_t k = 0; k < t.n_gone; k++)
		if (same_gone(&t.gone[k], want, any_reason)) {
			t.gone[k] = t.gone[--t.n_gone];
			return true;
		}
	return false;
}

/* The same flows, in any order; those for whose reason there is a choice last. */
static void check_gone(void)
{
	const struct ref_gone *want;
	const uint32_t n = ref_gone(t.ref, &want);

	for (uint32_t i = 0; i < 2 * n && !t.poor; i++) {
		const struct ref_gone *g = &want[i % n];

		if (g->both != (i >= n))
			continue;
		if (!take_gone(g, g->both))
			fail_msg("seed %llu: table %u priority %u should have gone for %u",
				 (unsigned long long)t.seed, g->table_id, g->priority, g->reason);
		t.expired += g->reason < OFPRR_DELETE;
	}
	if (t.n_gone && !t.poor)
		fail_msg("seed %llu: table %u priority %u went for %u, and should not have",
			 (unsigned long long)t.seed, t.gone[0].table_id, t.gone[0].priority,
			 t.gone[0].reason);
	t.n_gone = 0;
}

static void publish(void)
{
	dp_publish(t.dp);
	check_gone();
}

/*
 * A quarter of a minute.  Timeouts are such that none ends near its end: the switch may be late by
 * a sixteenth.
 */
static void time_passes(void)
{
	for (unsigned int i = 0; i < 30; i++) {
		t.seconds += 0.5;
		table_expire(t.dp, t.seconds);
	}
	t.cycles += 15 * rte_get_tsc_hz();
	ref_clock(t.ref, t.seconds, t.cycles, rte_get_tsc_hz());
	ref_expire(t.ref);
	check_gone();
}

/* ---- Rounds ---- */

static void note_templates(void)
{
	for (unsigned int i = 0; i < rules.n_tables; i++) {
		const char *name = table_template(t.dp, (uint8_t)i, NULL);

		for (unsigned int k = 0; k < sizeof(t.templates) / sizeof(t.templates[0]); k++) {
			if (t.templates[k] && !strcmp(t.templates[k], name))
				break;
			if (!t.templates[k]) {
				t.templates[k] = name;
				break;
			}
		}
	}
}

static void clear(void)
{
	struct of_group_mod gm = { .kind = OF_KIND_group_mod,
				   .command = OFPGC_DELETE,
				   .group_id = OFPG_ALL };
	struct of_meter_mod mm = { .kind = OF_KIND_meter_mod,
				   .command = OFPMC_DELETE,
				   .meter_id = OFPM_ALL };
	struct of_err e;

	assert_int_equal(table_flow_mod(t.dp, new_flow_mod(OFPFC_DELETE, OFPTT_ALL), &e), 0);
	assert_int_equal(group_mod(t.dp, &gm, &e), 0);
	assert_int_equal(meter_mod(t.dp, &mm, &e), 0);
	dp_publish(t.dp);
	dp_reclaim(t.dp);
	t.n_gone = 0;
	/* As in a datapath that is new, so that rules can be odd until addresses are written. */
	atomic_store(&t.dp->changes->written, 0);
	t.cache->words = ~t.cache->words;
	t.cache->version = 0;
	t.cache->asks_all = false;
	t.dp->odd->among = 1 + (uint32_t)(t.bundles % 3);
	for (unsigned int i = 0; i < TABLES_MAX; i++)
		table_lookups(t.dp, (uint8_t)i, &t.lookups[i], &t.matches[i]);
	ref_free(t.ref);
	t.ref = ref_new();
	assert_non_null(t.ref);
	links_up();
	for (uint32_t i = 1; i <= PORTS; i++)
		ref_port_add(t.ref, i);
	arena_reset(&rules.arena);
	conns_forget();
}

static void start_tables(void)
{
	/* Among them ways of more flows than the cache keeps. */
	rules.deep = t.seed % 16 == 3 || t.seed % 16 == 5;
	rules.n_tables = rules.deep ? 7 + below(TABLES_MAX - 6) : 1 + below(TABLES_FEW);
	rules.loud = one_in(8);
	rules.metered = one_in(3);
	rules.learned = !t.poor && one_in(4);
	rules.mortal = !t.poor && one_in(3);
	rules.nx = one_in(2);
	rules.back = rules.nx && !rules.deep && one_in(12);
	rnd_easy = !t.poor && t.seed % 4 == 3;
	rnd_plain = rnd_easy || rules.deep || one_in(2);
	rnd_tags = rnd_easy && t.seed % 8 == 7 ? RND_TAGS + one_in(3) : RND_NO_TAGS;
	if (rnd_tags)
		rules.n_tables = 1 + one_in(4);
	if (rnd_easy)
		rules.metered = rules.learned = rules.nx = rules.back = rules.loud = false;
	rules.tracked = !t.poor && !rnd_easy && !rules.learned && !rules.back && one_in(4);
	/* A copy that pauses is late, for meters, connections and what is learned. */
	rules.paused = !t.poor && !rnd_easy && !rules.tracked && !rules.learned && !rules.metered &&
		       !rules.back && one_in(3);
	rules.forced = one_in(4);
	rules.natted = one_in(2);
	if (rules.tracked)
		conns_begin();
	for (unsigned int i = 0; i < rules.n_tables; i++) {
		t.style[i] = rules.tracked && !one_in(4) ? STYLE_MANY : below(N_STYLES);
		/* Routes that frames are looked up in directly. */
		if (rnd_tags)
			t.style[i] = STYLE_FEW;
		else if (!i && rnd_easy && one_in(2))
			t.style[i] = one_in(3) ? STYLE_PREFIXES6 : STYLE_PREFIXES;
		memset(&t.shape[i], 0, sizeof(t.shape[i]));
		if (one_in(2))
			rnd_match_layers(&t.shape[i]);
		for (unsigned int k = 1 + below(2); k > 0; k--) {
			const struct of_field *f = rnd_field(&t.shape[i]);

			if (field_supported(f->id))
				rnd_match_field(&t.shape[i], f, true);
		}
	}
}

static void run_round(uint64_t seed)
{
	unsigned int n_rules, n_bursts, serial = 0;

	t.seed = rnd_state = seed;
	clear();
	start_tables();
	n_bursts = rules.metered || rules.tracked ? 10 * BURSTS : BURSTS;
	/* What goes round and round takes its time, in the reference most of all; and would learn
	 * more at once than may wait (learn.h). */
	if (rules.back) {
		n_bursts = 4;
		rules.learned = false;
	}
	n_rules = one_in(2) ? 1 + below(12) : 60;
	for (unsigned int i = 0; i < FRAMES; i++)
		rnd_frame(&t.frames[i]);
	if (rules.tracked)
		rnd_talks();
	for (uint32_t id = 1; id <= GROUPS; id++)
		send_group(OFPGC_ADD, id);
	for (uint32_t id = 1; rules.metered && id <= METERS; id++)
		send_meter(OFPMC_ADD, id);
	for (unsigned int i = 0; rules.deep && i < rules.n_tables; i++)
		add_way(i);
	while (serial < n_rules)
		add_flow(serial++);
	publish();
	if (one_in(2))
		table_calm_wait(t.dp);
	note_templates();
	for (unsigned int i = 0; i < n_bursts; i++) {
		run_burst();
		/* What is built meanwhile comes to serve in the midst of changes. */
		if (one_in(2))
			table_calm(t.dp);
		if (rules.mortal && one_in(8))
			time_passes();
		if (rules.tracked && one_in(12))
			conns_forget();
		if (one_in(5))
			change_link();
		if (!one_in(n_bursts > BURSTS || rules.learned ? 15 : 3))
			continue;
		if (one_in(4)) {
			begin_bundle();
			for (unsigned int k = below(8); k > 0; k--)
				change(serial++);
			end_bundle();
		} else {
			change(serial++);
		}
		publish();
	}
	check_counters();
	t.fragments += ref_pieces(t.ref);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* It has met what it promises to; which templates is the seeds' affair. */
static bool met_enough(void)
{
	return t.outs > 1000 && t.bundles > 100 && t.expired > 100 && t.metered > 1000 &&
	       t.grouped > 1000 && t.sampled > 500 && t.w->perf.cache_hits > 1000 &&
	       t.runs[EXPRESS_NOTHING] > 200 && t.runs[EXPRESS_TAG] > 1000 && t.express > 2000 &&
	       t.routed > 500 && t.by_table > 500 && t.long_ways[CACHE_PLAIN] > 1000 &&
	       t.long_ways[CACHE_EXPRESS] > 1000 && t.longest[CACHE_EXPRESS] > 20 &&
	       t.fragments > 60 && t.beside_odd > 500 && t.odd > 500 && t.beside_loose > 50 &&
	       pauses.resumed > 1000 && learn_counts(t.dp).added > 20 &&
	       learn_counts(t.dp).modified > 10 && !conns_missing();
}

static void compiled_equals_reference(void **state)
{
	const char *seconds = getenv("WEFT_DIFF_SECONDS"), *seed = getenv("WEFT_DIFF_SEED");
	const double end = now() + (seconds ? atof(seconds) : 10);
	uint64_t s = seed      ? strtoull(seed, NULL, 0)
		     : seconds ? (uint64_t)time(NULL) << 20
			       : FIRST_SEED;
	uint64_t rounds = 0, slowest = 0;
	double longest = 0;

	(void)state;
	role_assume_control();
	role_assume_pmd();
	printf("first seed %llu\n", (unsigned long long)s);
	do {
		const double begun = now();

		run_round(s);
		if (now() - begun > longest) {
			longest = now() - begun;
			slowest = s;
		}
		s++;
		rounds++;
	} while ((now() < end || rounds < ROUNDS_MIN || (!met_enough() && rounds < ROUNDS_MAX)) &&
		 !(seed && !seconds));
	printf("%llu learned, %llu changed by learning; ",
	       (unsigned long long)learn_counts(t.dp).added,
	       (unsigned long long)learn_counts(t.dp).modified);
	printf("%llu rounds, %llu packets, %llu outputs, %llu flow_mods (%llu refused), "
	       "%llu changes, %llu bundles, %llu expired, %llu over meters, %llu through groups, "
	       "cache hits %llu, %llu by express, %llu samples\n",
	       (unsigned long long)rounds, (unsigned long long)t.packets,
	       (unsigned long long)t.outs, (unsigned long long)t.accepted,
	       (unsigned long long)t.refused, (unsigned long long)t.changed,
	       (unsigned long long)t.bundles, (unsigned long long)t.expired,
	       (unsigned long long)t.metered, (unsigned long long)t.grouped,
	       (unsigned long long)t.w->perf.cache_hits, (unsigned long long)t.express,
	       (unsigned long long)t.sampled);
	printf("%llu tracked, %llu translated, %llu found no place, %llu dropped\n",
	       (unsigned long long)conns.asked, (unsigned long long)conns.placed,
	       (unsigned long long)conns.exhausted, (unsigned long long)conns.dropped);
	printf("%llu by port alone, %llu by port and tag\n",
	       (unsigned long long)t.runs[EXPRESS_NOTHING],
	       (unsigned long long)t.runs[EXPRESS_TAG]);
	printf("%llu long ways by express, of up to %llu flows, %llu up to ct(), of up to %llu, "
	       "%llu others, of up to %llu\n",
	       (unsigned long long)t.long_ways[CACHE_EXPRESS],
	       (unsigned long long)t.longest[CACHE_EXPRESS],
	       (unsigned long long)t.long_ways[CACHE_TO_CT],
	       (unsigned long long)t.longest[CACHE_TO_CT],
	       (unsigned long long)t.long_ways[CACHE_PLAIN],
	       (unsigned long long)t.longest[CACHE_PLAIN]);
	printf("the slowest round's seed is %llu: %.2f s\n", (unsigned long long)slowest, longest);
	printf("%llu by express beside odd rules, %llu may have matched one; %llu by routes beside "
	       "such\n",
	       (unsigned long long)t.beside_odd, (unsigned long long)t.odd,
	       (unsigned long long)t.beside_loose);
	printf("%llu resumed, %llu fragments\n", (unsigned long long)pauses.resumed,
	       (unsigned long long)t.fragments);
	for (unsigned int i = 0; i < sizeof(t.templates) / sizeof(t.templates[0]); i++)
		if (t.templates[i])
			printf("template %s\n", t.templates[i]);
	if (seed && !seconds)
		return;
	if (conns_missing())
		fail_msg("%s", conns_missing());
	assert_true(met_enough());
	for (const struct cls_ops *const *c = cls_templates; *c; c++) {
		bool seen = false;

		for (unsigned int i = 0; i < sizeof(t.templates) / sizeof(t.templates[0]); i++)
			seen = seen || (t.templates[i] && !strcmp(t.templates[i], (*c)->name));
		if (!seen)
			fail_msg("template %s was never met", (*c)->name);
	}
}

/* Ports without devices: what leaves is taken before it would come to one. */
static void make_ports(void)
{
	for (uint32_t i = 0; i < PORTS; i++) {
		t.ports[i].no = i + 1;
		t.ports[i].slot = (uint16_t)i;
		atomic_store(&t.dp->ports[i + 1], &t.ports[i]);
		atomic_store(&t.dp->port_slots[i], &t.ports[i]);
	}
	/* Queues that actions may name; what leaves does not come to them, either. */
	for (uint32_t i = 0; i < 3; i++) {
		const struct queue_cfg cfg = { .id = i + 1, .len = 1 };

		t.queue[i] = queue_new(&cfg, 1000000, 0);
		assert_non_null(t.queue[i]);
	}
	t.queues = queue_set_new(t.queue, 3, NULL, 0, 1000000, 0);
	assert_non_null(t.queues);
	atomic_store(&t.ports[0].queues, t.queues);
}

/* Copies that cannot be made: each is counted, and no buffer is lost or sent twice. */
static void no_buffers(void **state)
{
	struct rte_mbuf *taken[8192];
	unsigned int n = 0;

	(void)state;
	role_assume_control();
	role_assume_pmd();
	t.poor = true;
	for (uint64_t s = 1; s <= 60 || (s <= 600 && drop_count(DROP_NO_MBUF) <= 100); s++) {
		const unsigned int left = 2 * BURST_MAX + below(3 * BURST_MAX);

		while (rte_mempool_avail_count(t.dp->pool) > left && n < RTE_DIM(taken)) {
			taken[n] = rte_pktmbuf_alloc(t.dp->pool);
			assert_non_null(taken[n]);
			n++;
		}
		run_round(s);
		rte_pktmbuf_free_bulk(taken, n);
		n = 0;
	}
	t.poor = false;
	assert_true(drop_count(DROP_NO_MBUF) > 100);
}

/* For what fails without saying so. */
static int tell_seed(void **state)
{
	(void)state;
	printf("last seed %llu\n", (unsigned long long)t.seed);
	return 0;
}

static int setup(void **state)
{
	const struct dp_opts o = { .name = "diff", .dpid = 1, .cache_entries = 1024 };
	struct err e = { "" };

	(void)state;
	role_assume_control();
	t.seconds = 1000;
	if (eal_start(NULL, &e) < 0 || !(t.dp = dp_new(&o, &e)) ||
	    !(t.w = pmd_new_detached(t.dp))) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	make_ports();
	t.cache = t.w->cache;
	t.w->flush = take;
	t.dp->table_events.flow_removed = flow_removed;
	if (sample_set_ids(t.dp, (const uint32_t[]){ 1 }, 1))
		return -1;
	t.cycles = rte_rdtsc() + 1000 * rte_get_tsc_hz(); /* later than any meter's beginning */
	arena_init(&rules.arena, (size_t)1 << 30);
	return t.cache ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	role_assume_control();
	forget_got();
	clear();
	for (uint32_t i = 0; i < PORTS; i++) {
		atomic_store(&t.dp->ports[i + 1], NULL);
		atomic_store(&t.dp->port_slots[i], NULL);
	}
	for (unsigned int i = 0; i < 3; i++)
		queue_free(t.queue[i]);
	free(t.queues);
	t.w->cache = t.cache;
	pmd_free_detached(t.w);
	dp_free(t.dp);
	ref_free(t.ref);
	arena_fini(&rules.arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(compiled_equals_reference, tell_seed),
		cmocka_unit_test(no_buffers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
