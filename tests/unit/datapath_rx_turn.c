/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 4.5 Ports: whose frames are served when there are too many */
/*
 * Who gets a turn, with a clock that the test makes: a burst costs what the test says, and each
 * queue has as many frames as the test says.
 *
 *	cost[], frames[] -> rounds, as a packet thread makes them -> how often each was served
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/rx_turn.h"

enum { QUEUES = 5, MOST = 32, ROUNDS = 100 * TURN_EVERY, LEARN = 400 * TURN_EVERY };

static struct rx_turns all;
static struct rx_turn turn[QUEUES];
static uint32_t n_queues, frames[QUEUES], interrupts, bursts_timed;
static uint64_t cost[QUEUES], sending, served[QUEUES], idle_rounds;

static void a_round(void)
{
	const bool timed = rx_turns_begin(&all);
	uint32_t n = 0, who = 0;

	for (uint32_t i = 0; i < n_queues; i++) {
		struct rx_turn *q = &turn[i];

		q->n = 0;
		if (!rx_turn_has(&all, q))
			continue;
		served[i]++;
		who++;
		rx_turn_had(q, frames[i], MOST);
		n += frames[i];
		if (!timed)
			continue;
		q->n = frames[i];
		q->cycles = cost[i];
		if (interrupts && ++bursts_timed % interrupts == 0)
			q->cycles += 3000000;
		q->full = frames[i] == MOST;
	}
	idle_rounds += !who;
	if (!timed)
		return;
	all.aside = n * sending;
	rx_turns_settle(&all, turn, n_queues, sizeof(turn[0]));
}

static void rounds(uint32_t n)
{
	memset(served, 0, sizeof(served));
	idle_rounds = 0;
	while (n--)
		a_round();
}

static int begin(void **state)
{
	memset(turn, 0, sizeof(turn));
	memset(cost, 0, sizeof(cost));
	all = (struct rx_turns){ 0 };
	interrupts = bursts_timed = 0;
	sending = 0;
	for (unsigned int i = 0; i < QUEUES; i++)
		frames[i] = MOST;
	return 0;
}

/* Queue i's share of what all took, in percent. */
static uint64_t share(uint32_t i)
{
	uint64_t sum = 0;

	for (uint32_t k = 0; k < n_queues; k++)
		sum += served[k] * cost[k];
	return served[i] * cost[i] * 100 / sum;
}

static void about(uint64_t is, uint64_t should)
{
	assert_in_range(is, should - should / 8, should + should / 8);
}

static void who_costs_the_same_is_served_each_time(void **state)
{
	n_queues = 3;
	cost[0] = 1000;
	cost[1] = 1100;
	cost[2] = 1200;
	rounds(ROUNDS);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(served[i], ROUNDS);
	assert_int_equal(all.forgiven, 0);
}

static void who_is_dear_has_two_parts_of_five_of_the_time(void **state)
{
	static const uint64_t dear[] = { 1400, 1900, 3000, 9700, 250000 };

	for (unsigned int i = 0; i < sizeof(dear) / sizeof(dear[0]); i++) {
		begin(state);
		n_queues = 2;
		cost[0] = 1000;
		cost[1] = dear[i];
		rounds(LEARN);
		rounds(ROUNDS);
		assert_int_equal(served[0], ROUNDS);
		assert_true(served[1] > 0);
		about(share(1), 40);
		assert_int_equal(idle_rounds, 0);
	}
}

static void each_of_many_has_its_share(void **state)
{
	n_queues = 5;
	for (unsigned int i = 0; i < 5; i++)
		cost[i] = i < 3 ? 2000 : 2000 * (i + 1);
	rounds(LEARN);
	rounds(ROUNDS);
	for (unsigned int i = 0; i < 5; i++)
		about(share(i), i < 3 ? 23 : 15);
}

static void who_is_not_full_is_let_be(void **state)
{
	n_queues = 3;
	cost[0] = 1000;
	cost[1] = 50000;
	cost[2] = 1000;
	frames[1] = MOST - 1;
	rounds(ROUNDS);
	assert_int_equal(served[0], ROUNDS);
	assert_int_equal(served[1], ROUNDS);
	assert_int_equal(served[2], ROUNDS);
	/* No longer full, no longer kept waiting. */
	frames[1] = MOST;
	rounds(LEARN);
	assert_true(served[1] < LEARN / 4);
	frames[1] = 3;
	rounds(ROUNDS);
	assert_true(served[1] > ROUNDS - 2 * TURN_EVERY);
}

static void who_has_become_cheap_is_no_longer_kept_waiting(void **state)
{
	n_queues = 2;
	cost[0] = 1000;
	cost[1] = 2000000;
	rounds(LEARN);
	cost[1] = 1000;
	rounds(100 * TURN_PATIENCE * TURN_EVERY);
	rounds(ROUNDS);
	assert_true(served[1] > ROUNDS - ROUNDS / 16);
}

static void alone_it_has_all_the_time(void **state)
{
	n_queues = 2;
	cost[0] = 1000;
	cost[1] = 50000;
	rounds(LEARN);
	frames[0] = 0;
	rounds(ROUNDS);
	assert_true(served[1] > ROUNDS - 2 * TURN_EVERY);
	assert_int_equal(all.forgiven, 0);
}

static void sending_is_spread_over_all(void **state)
{
	n_queues = 2;
	cost[0] = 1000;
	cost[1] = 2000;
	sending = 1000; /* a frame: then both cost the same */
	rounds(ROUNDS);
	assert_int_equal(served[1], ROUNDS);
}

static void who_is_interrupted_does_not_pay_for_it(void **state)
{
	n_queues = 2;
	cost[0] = cost[1] = 3000;
	rounds(ROUNDS);
	interrupts = 41;
	rounds(LEARN);
	for (unsigned int i = 0; i < 2; i++)
		assert_true(served[i] > LEARN - LEARN / 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(who_costs_the_same_is_served_each_time, begin),
		cmocka_unit_test_setup(who_is_dear_has_two_parts_of_five_of_the_time, begin),
		cmocka_unit_test_setup(each_of_many_has_its_share, begin),
		cmocka_unit_test_setup(who_is_not_full_is_let_be, begin),
		cmocka_unit_test_setup(who_has_become_cheap_is_no_longer_kept_waiting, begin),
		cmocka_unit_test_setup(alone_it_has_all_the_time, begin),
		cmocka_unit_test_setup(sending_is_spread_over_all, begin),
		cmocka_unit_test_setup(who_is_interrupted_does_not_pay_for_it, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
