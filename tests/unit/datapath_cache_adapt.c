/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.1 Pipeline: whether the flow cache pays */
/*
 * The decision alone, with a clock that the test makes: a packet costs what the test says, with the
 * cache and without it.
 *
 *	cost(on) -> cache_adapt_spent() -> on?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/cache_adapt.h"

enum { BURST = 32 };

static struct cache_adapt a;
static uint64_t random_state, n_switches, n_on, n_all;
static uint32_t with, without; /* cycles a packet */
static uint32_t noise;	       /* percent */
static uint32_t interrupts;    /* one in so many bursts takes a million more */

static uint32_t below(uint32_t n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % n;
}

static void start(uint32_t cost_with, uint32_t cost_without)
{
	cache_adapt_init(&a);
	random_state = 1;
	with = cost_with;
	without = cost_without;
	noise = interrupts = 0;
}

static void pass(uint64_t packets)
{
	n_switches = n_on = n_all = 0;
	while (n_all < packets) {
		const bool was = a.on, winner = a.winner;
		const uint32_t n = 1 + below(BURST);
		uint64_t cycles = (uint64_t)n * (was ? with : without);

		if (noise)
			cycles = cycles * (100 - noise + below(2 * noise)) / 100;
		if (interrupts && !below(interrupts))
			cycles += 1000000;
		cache_adapt_spent(&a, n, cycles);
		n_all += n;
		n_on += was ? n : 0;
		n_switches += winner != a.winner;
	}
}

/* Everything but the first trial. */
enum { FIRST = ADAPT_WARM + 4 * ADAPT_WINDOWS * (ADAPT_LEAD + ADAPT_WINDOW) };

static void the_better_one_wins(void **state)
{
	(void)state;
	start(50, 200);
	pass(FIRST);
	assert_int_equal(a.phase, ADAPT_HOLDS);
	assert_true(a.on);
	start(700, 420);
	assert_true(a.on);
	pass(FIRST);
	assert_int_equal(a.phase, ADAPT_HOLDS);
	assert_false(a.on);
}

/* Nothing to choose: it stays as it is. */
static void equals_change_nothing(void **state)
{
	(void)state;
	start(400, 395);
	noise = 20;
	pass(UINT64_C(100000000));
	assert_int_equal(n_switches, 0);
	assert_true(a.winner);
	start(700, 420);
	pass(FIRST);
	assert_false(a.winner);
	with = 415;
	noise = 20;
	pass(UINT64_C(100000000));
	assert_int_equal(n_switches, 0);
}

static void trials_are_rare(void **state)
{
	(void)state;
	start(700, 420);
	pass(20000000);
	pass(UINT64_C(200000000));
	assert_int_equal(n_switches, 0);
	assert_in_range(n_on, 1, n_all * 15 / 1000);
	start(50, 200);
	pass(20000000);
	pass(UINT64_C(200000000));
	assert_int_equal(n_switches, 0);
	assert_in_range(n_all - n_on, 1, n_all * 5 / 1000);
}

static void interrupts_do_not_decide(void **state)
{
	(void)state;
	for (uint32_t each = 300; each < 3000; each += 300)
		for (int win = 0; win < 2; win++) {
			start(win ? 360 : 440, 400);
			noise = 30;
			interrupts = each;
			pass(UINT64_C(100000000));
			assert_int_equal(n_switches, !win);
			assert_int_equal(a.winner, win);
		}
}

static void traffic_changes(void **state)
{
	(void)state;
	start(700, 420);
	pass(UINT64_C(200000000));
	assert_false(a.winner);
	with = 100;
	pass(ADAPT_HOLD_MAX + FIRST);
	assert_true(a.winner);
	pass(UINT64_C(200000000));
	with = 700;
	/* Few hits are told at once. */
	cache_adapt_again(&a, false);
	pass(ADAPT_LEAST + FIRST);
	assert_false(a.winner);
}

static void tables_change(void **state)
{
	(void)state;
	start(100, 40);
	pass(UINT64_C(200000000));
	assert_false(a.winner);
	cache_adapt_again(&a, true);
	with = 35;
	pass(ADAPT_LEAST + FIRST);
	assert_true(a.winner);
	/* While it was being measured. */
	start(100, 40);
	pass(ADAPT_WARM + 10000);
	assert_int_equal(a.phase, ADAPT_TRIES);
	cache_adapt_again(&a, true);
	with = 35;
	pass(ADAPT_LEAST + 2 * FIRST);
	assert_true(a.winner);
}

/* Packets become ten times as dear, and stay so, in the middle of a trial. */
static void a_trial_ends(void **state)
{
	(void)state;
	start(44, 40);
	pass(ADAPT_WARM + FIRST / 4);
	assert_int_equal(a.phase, ADAPT_TRIES);
	with = 1000000;
	without = 1000000;
	pass(2 * FIRST);
	assert_int_equal(a.phase, ADAPT_HOLDS);
}

/* Who changes tables all the time pays for trials no more than others. */
static void tables_change_all_the_time(void **state)
{
	uint64_t all = 0, on = 0;

	(void)state;
	start(700, 420);
	pass(20000000);
	for (unsigned int i = 0; i < 4000; i++) {
		cache_adapt_again(&a, true);
		cache_adapt_again(&a, false);
		pass(100000);
		if (i < 1000)
			continue;
		all += n_all;
		on += n_on;
	}
	assert_false(a.winner);
	assert_in_range(on, 1, all * 25 / 1000);
}

/* Nothing is measured until it is no longer sure. */
static void what_is_sure_is_not_tried(void **state)
{
	(void)state;
	start(100, 40);
	cache_adapt_sure(&a, true);
	pass(4 * (ADAPT_WARM + FIRST));
	assert_true(a.on);
	assert_int_equal(n_on, n_all);
	cache_adapt_sure(&a, true);
	cache_adapt_again(&a, true);
	pass(4 * (ADAPT_WARM + FIRST));
	assert_int_equal(n_on, n_all);
	cache_adapt_sure(&a, false);
	pass(ADAPT_WARM + 2 * FIRST);
	assert_false(a.winner);
}

/* What is plain takes a third of the windows, and pays for what it cost before the next trial. */
static void what_is_plain_is_soon_told(void **state)
{
	enum { SOON = 2 * (ADAPT_CLEAR + 1) * (ADAPT_LEAD + ADAPT_WINDOW) };

	(void)state;
	for (int win = 0; win < 2; win++) {
		start(win ? 270 : 700, win ? 700 : 270);
		noise = 15;
		pass(ADAPT_WARM + SOON);
		assert_int_equal(a.phase, ADAPT_HOLDS);
		assert_int_equal(a.winner, win);
		assert_in_range(a.left, win ? ADAPT_HOLD_MIN : ADAPT_HOLD_MAX / 2, ADAPT_HOLD_MAX);
	}
	start(700, 270);
	pass(ADAPT_WARM + SOON);
	pass(UINT64_C(60000000));
	assert_in_range(n_on * (700 - 270) / 270, 1, n_all / 20);
	/* What is not plain has all of them. */
	start(300, 270);
	noise = 15;
	pass(ADAPT_WARM + SOON);
	assert_int_equal(a.phase, ADAPT_TRIES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_better_one_wins),
		cmocka_unit_test(equals_change_nothing),
		cmocka_unit_test(trials_are_rare),
		cmocka_unit_test(interrupts_do_not_decide),
		cmocka_unit_test(traffic_changes),
		cmocka_unit_test(tables_change),
		cmocka_unit_test(a_trial_ends),
		cmocka_unit_test(tables_change_all_the_time),
		cmocka_unit_test(what_is_sure_is_not_tried),
		cmocka_unit_test(what_is_plain_is_soon_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
