/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet threads do not share cache lines: whatever one of them writes for itself begins and ends
 * at a line's boundary, and no two have a line in common.
 */
#include "base/lines.h"
#include "datapath/frag.h"
#include "datapath/punt_side.h"
#include "tests/unit/datapath_harness.h"

enum { THREADS = 4, KINDS = 24 };

/* What a packet thread writes, by name. */
struct own {
	const char *what;
	const void *at;
	size_t size;
};

static struct own owned[THREADS * KINDS];
static unsigned int n_owned;

static void own_bytes(const char *what, const void *at, size_t size)
{
	const uintptr_t from = (uintptr_t)at;

	assert_non_null(at);
	if (from % LINES_LINE)
		fail_msg("%s begins in the middle of a line", what);
	assert_true(n_owned < THREADS * KINDS);
	owned[n_owned++] = (struct own){ what, at, size };
}

static void own(const char *what, const void *at)
{
	assert_non_null(at);
	own_bytes(what, at, lines_size(at));
}

static void own_all(struct pmd *w)
{
	own("struct pmd", w);
	own("counters of ports", w->ports);
	own("the burst", w->burst);
	own("frames gathered", w->txq);
	own("ports with frames", w->tx_dirty);
	own("the tunnel's part", w->tunnel);
	own("what was told", w->learned);
	own("the cache", w->cache);
	own_bytes("counters of flows", w->flows, w->n_flows * sizeof(w->flows[0]));
	own("packet-ins", w->side);
	own("packet-ins' slots", w->side->slots);
	own("injected packets", w->side->injects);
	own("limits of packet-ins", w->side->buckets);
	own("samples", w->samples);
	own("fragments", atomic_load(&w->reasm));
}

static void no_two_threads_write_to_one_line(void **state)
{
	struct pmd *w[THREADS];

	role_assume_control();
	n_owned = 0;
	for (unsigned int i = 0; i < THREADS; i++) {
		w[i] = pmd_new_detached(h.dp);
		assert_non_null(w[i]);
	}
	assert_int_equal(pmd_flow_counter_init(h.dp, 0), 0);
	assert_int_equal(frag_mode_set(h.dp, OFPC_FRAG_REASM), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		own_all(w[i]);
	for (unsigned int i = 0; i < n_owned; i++)
		for (unsigned int k = 0; k < i; k++) {
			const uintptr_t a = (uintptr_t)owned[i].at, b = (uintptr_t)owned[k].at;

			if (a < b + owned[k].size && b < a + owned[i].size)
				fail_msg("%s and %s share a line", owned[i].what, owned[k].what);
		}
	assert_int_equal(frag_mode_set(h.dp, OFPC_FRAG_NORMAL), 0);
	for (unsigned int i = THREADS; i--;)
		pmd_free_detached(w[i]);
}

/* Of a thread's own struct: what other threads write shares no line with what it writes for each
 * packet. */
static void who_stops_a_thread_does_not_take_its_counters_away(void **state)
{
	const size_t line_of_stop = offsetof(struct pmd, stop) / LINES_LINE;

	assert_int_not_equal(line_of_stop, offsetof(struct pmd, now) / LINES_LINE);
	assert_int_not_equal(line_of_stop, offsetof(struct pmd, n_tx_dirty) / LINES_LINE);
	assert_int_not_equal(line_of_stop, (offsetof(struct pmd, perf) + sizeof(struct pmd_perf) -
					    1) / LINES_LINE);
	assert_int_equal(offsetof(struct pmd, stop) % LINES_LINE, 0);
	assert_int_equal(offsetof(struct pmd, perf) % LINES_LINE, 0);
	assert_int_equal(sizeof(struct pmd) % LINES_LINE, 0);
}

static void lines_are_whole_and_zero(void **state)
{
	for (size_t n = 0; n < 300; n++) {
		unsigned char *a = lines_new(n, 1), *b = lines_new(1, n);

		assert_int_equal((uintptr_t)a % LINES_LINE, 0);
		assert_int_equal(lines_size(a), (n + LINES_LINE - 1) / LINES_LINE * LINES_LINE);
		for (size_t i = 0; i < lines_size(a); i++)
			assert_int_equal(a[i] | b[i], 0);
		memset(a, 0xff, lines_size(a));
		memset(b, 0xff, lines_size(b));
		lines_free(a);
		lines_free(b);
	}
	assert_null(lines_new(SIZE_MAX / 2, 3));
	assert_null(lines_new(SIZE_MAX, 1));
	lines_free(NULL);
}

static int setup(void **state)
{
	return harness_setup(&(struct dp_opts){ .name = "lines", .dpid = 6, .cache_entries = 256 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_threads_write_to_one_line),
		cmocka_unit_test(who_stops_a_thread_does_not_take_its_counters_away),
		cmocka_unit_test(lines_are_whole_and_zero),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}
