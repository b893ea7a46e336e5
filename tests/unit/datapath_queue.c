/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 7.2.2 Queues: rates */
/*
 * A port's scheduler alone, with a clock that the test moves: rates, guarantees, order, and that
 * every frame is sent, lost and counted, or waiting.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_mbuf.h>

#include "datapath/eal.h"
#include "datapath/queue.h"

#define HZ  UINT64_C(1000000000) /* so that a cycle is a nanosecond */
#define MS  UINT64_C(1000000)
#define ANY UINT32_MAX

enum { QUEUES = 4, SENT_MAX = 1 << 16 };

static struct rte_mempool *pool;
static struct err e;

static struct {
	struct queue *q[QUEUES], *nameless;
	uint32_t n;
	struct queue_set *set;
	uint64_t now, wake;
	unsigned int room; /* frames that the device takes until the next step; ANY: all */
	uint64_t put[QUEUES], bytes[QUEUES];
	uint32_t serial[QUEUES];
	uint32_t n_sent;
	struct {
		uint8_t queue;
		uint32_t serial;
	} sent[SENT_MAX];
} t;

/* ---- A port ---- */

/* "1:max=10M" ...; their index is the place in the list. */
static void port(uint64_t speed, const char *const *queues)
{
	static const struct queue_cfg plain = { .id = ANY, .len = 64 };

	memset(&t, 0, sizeof(t));
	t.now = 1000 * HZ;
	t.room = ANY;
	for (; *queues; queues++) {
		struct queue_cfg cfg;

		assert_int_equal(queue_cfg_parse(*queues, &cfg, &e), 0);
		t.q[t.n] = queue_new(&cfg, HZ, t.now);
		assert_non_null(t.q[t.n++]);
	}
	t.nameless = queue_new(&plain, HZ, t.now);
	t.set = queue_set_new(t.q, t.n, t.nameless, speed, HZ, t.now);
	assert_non_null(t.set);
}

#define PORT(speed, ...) port(speed, (const char *const[]){ __VA_ARGS__, NULL })

static unsigned int device(void *arg, struct rte_mbuf **m, unsigned int n)
{
	if (n > t.room)
		n = t.room;
	if (t.room != ANY)
		t.room -= n;
	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *f = rte_pktmbuf_mtod(m[i], const uint8_t *);
		uint32_t serial;

		memcpy(&serial, f + 4, 4);
		if (t.n_sent < SENT_MAX) {
			t.sent[t.n_sent].queue = f[0];
			t.sent[t.n_sent++].serial = serial;
		}
		rte_pktmbuf_free(m[i]);
	}
	return n;
}

static bool put(unsigned int i, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *f;

	assert_non_null(m);
	f = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len);
	f[0] = (uint8_t)i;
	memcpy(f + 4, &t.serial[i], 4);
	t.put[i]++;
	if (queue_put(t.q[i], m)) {
		t.serial[i]++;
		return true;
	}
	rte_pktmbuf_free(m);
	return false;
}

static void fill(unsigned int i, uint32_t len)
{
	while (queue_waiting(t.q[i]) < 64)
		assert_true(put(i, len));
}

static unsigned int serve(void)
{
	t.wake = QUEUE_NEVER;
	return queue_serve(t.set, t.now, HZ, device, NULL, &t.wake);
}

/* 'ms' in which the queues 'busy' always have something to send; a look each 50 us. */
static void run(unsigned int ms, unsigned int busy, const uint32_t *len)
{
	for (unsigned int step = 0; step < 20 * ms; step++) {
		for (unsigned int i = 0; i < t.n; i++)
			if (busy >> i & 1)
				fill(i, len[i]);
		serve();
		t.now += MS / 20;
	}
}

static void start_counting(void)
{
	for (unsigned int i = 0; i < t.n; i++)
		t.bytes[i] = t.q[i]->bytes;
}

static void rate_is(unsigned int i, unsigned int ms, double mbps, double percent)
{
	const double is = (double)(t.q[i]->bytes - t.bytes[i]) * 8 / (ms * 1e3);

	if (is < mbps * (1 - percent / 100) || is > mbps * (1 + percent / 100))
		fail_msg("queue %u sends %.2f Mbit/s in the place of %.2f", i, is, mbps);
}

/* What was put in was sent, found the queue full, or waits; in order.  Then all of it goes. */
static void end(void)
{
	uint32_t next[QUEUES] = { 0 };
	unsigned int waiting = 0, freed = 0;

	for (uint32_t i = 0; i < t.n_sent; i++) {
		assert_int_equal(t.sent[i].serial, next[t.sent[i].queue]);
		next[t.sent[i].queue]++;
	}
	for (unsigned int i = 0; i < t.n; i++) {
		waiting += queue_waiting(t.q[i]);
		assert_int_equal(t.put[i],
				 t.q[i]->packets + t.q[i]->errors + queue_waiting(t.q[i]));
		freed += queue_free(t.q[i]);
	}
	assert_int_equal(waiting, freed);
	queue_free(t.nameless);
	free(t.set);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

/* ---- Tests ---- */

static void a_queue_is_read_from_its_text(void **state)
{
	static const char *const bad[] = { "",		 "x",	       "-1",
					   "4294967295", "1:min=",     "1:max=5",
					   "1:max=2T",	 "1:min=5q",   "1:min=10M:max=5M",
					   "1:len=0",	 "1:len=5000", "1:colour=red",
					   "1 ",	 "1:min=-5k",  "1:min=5kk" };
	struct queue_cfg c;

	assert_int_equal(queue_cfg_parse("4294967294", &c, &e), 0);
	assert_true(c.id == 4294967294 && !c.min && !c.max && c.len == QUEUE_LEN);
	assert_int_equal(queue_cfg_parse("7:min=1500k:max=2G:len=4096", &c, &e), 0);
	assert_true(c.id == 7 && c.min == 1500000 && c.max == 2000000000 && c.len == 4096);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		e.text[0] = 0;
		assert_int_equal(queue_cfg_parse(bad[i], &c, &e), -EINVAL);
		assert_true(e.text[0]);
	}
}

static void ids_lead_to_their_queues(void **state)
{
	struct queue_cfg cfg = { .len = 1 };
	struct queue *q[QUEUES_MAX], *nameless = queue_new(&cfg, HZ, 0);
	struct queue_set *s;

	for (uint32_t i = 0; i < QUEUES_MAX; i++) {
		cfg.id = i < 16 ? i * 128 : 100000 + i; /* some with one hash */
		q[i] = queue_new(&cfg, HZ, 0);
	}
	s = queue_set_new(q, QUEUES_MAX, nameless, 0, HZ, 0);
	for (uint32_t i = 0; i < QUEUES_MAX; i++)
		assert_ptr_equal(queue_set_find(s, q[i]->cfg.id), q[i]);
	assert_null(queue_set_find(s, 77));
	assert_null(queue_set_find(s, ANY));
	assert_ptr_equal(queue_of(s, 77), q[0]); /* queue 0 is the default one */
	free(s);
	s = queue_set_new(q + 1, QUEUES_MAX - 1, nameless, 0, HZ, 0);
	assert_null(queue_set_find(s, 0));
	assert_ptr_equal(queue_of(s, 0), nameless);
	free(s);
	for (uint32_t i = 0; i < QUEUES_MAX; i++)
		queue_free(q[i]);
	queue_free(nameless);
}

static void a_maximum_is_kept_and_reached(void **state)
{
	static const char *const rates[] = { "1:max=100k", "1:max=10M", "1:max=333M" };
	static const double mbps[] = { 0.1, 10, 333 };

	for (unsigned int i = 0; i < 3; i++) {
		const uint32_t len = i ? 1514 : 100;
		const unsigned int ms = i == 1 ? 2000 : i ? 200 : 20000;

		PORT(0, rates[i]);
		run(ms, 1, &len);
		rate_is(0, ms, mbps[i], 2);
		end();
	}
}

static void a_burst_after_a_pause_is_bounded(void **state)
{
	const uint32_t len = 1000;

	PORT(0, "1:max=100M:len=4096");
	t.now += 60 * HZ;
	for (unsigned int i = 0; i < 500; i++)
		put(0, len);
	serve();
	/* 2 ms of 100 Mbit/s are 25 frames; and one. */
	assert_in_range(t.q[0]->packets, 25, 26);
	/* At no moment more than that above the rate. */
	for (uint64_t began = t.now; t.q[0]->packets < 500; t.now += MS / 7) {
		serve();
		assert_true(t.q[0]->bytes * 8 <= 26 * 8000 + (t.now - began) / 10 + 1);
	}
	end();
}

static void the_owner_is_told_when_to_come_back(void **state)
{
	unsigned int calls = 0;

	PORT(0, "1:max=8M");
	serve();
	assert_int_equal(t.wake, QUEUE_NEVER); /* nothing waits */
	for (unsigned int i = 0; i < 50; i++)
		put(0, 1000);
	for (uint64_t began = t.now; queue_waiting(t.q[0]); calls++) {
		if (!serve()) {
			assert_true(t.wake > t.now);
			t.now = t.wake;
		}
		assert_true(t.now - began <= 50 * MS);
	}
	assert_in_range(calls, 48, 102);
	end();
	/* A device that takes nothing is asked again soon, not at once. */
	PORT(0, "1:min=1M");
	put(0, 1000);
	t.room = 0;
	assert_int_equal(serve(), 0);
	assert_int_equal(t.wake, t.now + 50000);
	end();
}

static void a_minimum_holds_against_others(void **state)
{
	const uint32_t len[] = { 1514, 1514, 300 };

	PORT(100000000, "1:min=60M", "2", "3:max=5M");
	run(100, 7, len);
	start_counting();
	run(1000, 7, len);
	/* 60, and of the 40 that are left 5 to who may not have more, and the halves of 35. */
	rate_is(0, 1000, 77.5, 2);
	rate_is(1, 1000, 17.5, 2);
	rate_is(2, 1000, 5, 2);
	/* What it does not use goes to the others; and it has it back at once. */
	run(10, 6, len);
	start_counting();
	run(1000, 6, len);
	rate_is(1, 1000, 95, 2);
	rate_is(2, 1000, 5, 2);
	start_counting();
	run(100, 7, len);
	rate_is(0, 100, 77.5, 5);
	end();
}

static void minima_hold_where_only_the_device_says_how_fast_it_is(void **state)
{
	const uint32_t len[] = { 1000, 1000 };
	uint64_t frames = 0;

	PORT(0, "1:min=30M", "2");
	for (unsigned int step = 0; step < 20000; step++) {
		fill(0, len[0]);
		fill(1, len[1]);
		/* 40 Mbit/s: a frame each 200 us */
		t.room = (unsigned int)(step % 4 == 0);
		frames += t.room;
		serve();
		t.now += MS / 20;
	}
	assert_int_equal(t.q[0]->packets + t.q[1]->packets, frames);
	rate_is(0, 1000, 35, 2);
	rate_is(1, 1000, 5, 5);
	end();
}

static void minima_that_are_too_many_shrink_together(void **state)
{
	const uint32_t len[] = { 1200, 1200, 1200 };

	PORT(60000000, "1:min=80M", "2:min=40M", "3");
	run(100, 7, len);
	start_counting();
	run(1000, 7, len);
	rate_is(0, 1000, 40, 5);
	rate_is(1, 1000, 20, 5);
	rate_is(2, 1000, 0, 0);
	end();
}

static void shares_are_of_bytes(void **state)
{
	const uint32_t len[] = { 64, 1514, 1000 };

	PORT(30000000, "0", "1", "2");
	run(100, 7, len);
	start_counting();
	run(1000, 7, len);
	for (unsigned int i = 0; i < 3; i++)
		rate_is(i, 1000, 10, 2);
	end();
}

static void the_line_is_kept_and_reached(void **state)
{
	const uint32_t len[] = { 700, 1514 };

	PORT(50000000, "1:min=20M", "2:max=45M");
	run(1000, 3, len);
	assert_in_range((t.q[0]->bytes + t.q[1]->bytes) * 8, 49000000, 51000000);
	end();
}

/* A device that takes a few frames, now and then none: order and rates are as if it had not said
 * no. */
static void what_the_device_refuses_is_sent_later(void **state)
{
	const uint32_t len[] = { 1000, 600 };
	uint32_t x = 1;

	PORT(0, "1:max=20M", "2:min=10M");
	for (unsigned int step = 0; step < 20000; step++) {
		x = x * 1103515245 + 12345;
		t.room = x >> 30;
		fill(0, len[0]);
		fill(1, len[1]);
		serve();
		t.now += MS / 20;
	}
	rate_is(0, 1000, 20, 2);
	assert_true(t.q[1]->packets > 10000);
	end();
}

static void a_full_queue_counts_what_it_loses(void **state)
{
	PORT(0, "1:max=1k:len=10", "2:len=1");
	for (unsigned int i = 0; i < 25; i++)
		put(0, 1000);
	assert_int_equal(t.q[0]->errors, 15);
	assert_int_equal(queue_waiting(t.q[0]), 10);
	assert_true(put(1, 60));
	assert_false(put(1, 60));
	serve();
	assert_int_equal(t.q[1]->packets, 1);
	assert_int_equal(t.q[0]->packets, 1); /* due at once; the next one in 8 s */
	t.now += 7 * HZ;
	serve();
	assert_int_equal(t.q[0]->packets, 1);
	t.now += HZ;
	serve();
	assert_int_equal(t.q[0]->packets, 2);
	end();
}

static void a_port_that_goes_down_gives_all_back(void **state)
{
	struct rte_mbuf *m[32];
	unsigned int n, total = 0;

	PORT(0, "1:max=1k", "2:max=1k");
	for (unsigned int i = 0; i < 50; i++) {
		put(0, 60);
		put(1, 60);
	}
	serve(); /* some are staged by now */
	do {
		n = queue_take(t.set, m, 32);
		rte_pktmbuf_free_bulk(m, n);
		total += n;
	} while (n);
	assert_int_equal(total, 98);
	assert_int_equal(queue_waiting(t.q[0]) + queue_waiting(t.q[1]), 0);
	t.put[0] -= 49;
	t.put[1] -= 49;
	end();
}

/* ---- Two producers ---- */

enum { EACH = 20000 };

static struct {
	_Atomic uint64_t put, lost;
	_Atomic unsigned int done;
} made;

static void *produce(void *arg)
{
	const uint8_t who = (uint8_t)(uintptr_t)arg;

	for (uint32_t i = 0; i < EACH;) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		uint8_t *f;

		if (!m) /* all of them wait */
			continue;
		f = (uint8_t *)rte_pktmbuf_append(m, 64);
		f[0] = who;
		memcpy(f + 4, &i, 4);
		i++;
		made.put++;
		if (!queue_put(t.q[0], m)) {
			made.lost++;
			rte_pktmbuf_free(m);
		}
	}
	made.done++;
	return NULL;
}

static void two_threads_fill_a_queue(void **state)
{
	uint32_t next[2] = { 0 };
	pthread_t a, b;

	PORT(0, "1:len=100");
	memset(&made, 0, sizeof(made));
	pthread_create(&a, NULL, produce, (void *)0);
	pthread_create(&b, NULL, produce, (void *)1);
	while (made.done < 2 || queue_waiting(t.q[0])) {
		serve();
		t.now += 1000;
	}
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	serve();
	assert_int_equal(made.put, 2 * EACH);
	assert_int_equal(t.q[0]->errors, made.lost);
	assert_int_equal(t.q[0]->packets + made.lost, made.put);
	assert_int_equal(t.n_sent, t.q[0]->packets);
	/* Each thread's frames in its order, with gaps where the queue was full. */
	for (uint32_t i = 0; i < t.n_sent; i++) {
		assert_true(t.sent[i].serial >= next[t.sent[i].queue]);
		next[t.sent[i].queue] = t.sent[i].serial + 1;
	}
	t.n_sent = 0;
	t.put[0] = made.put;
	end();
}

static int setup(void **state)
{
	role_assume_control();
	if (eal_start(NULL, &e) || !(pool = eal_pool_new("queues", 4095, 0, &e))) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_is_read_from_its_text),
		cmocka_unit_test(ids_lead_to_their_queues),
		cmocka_unit_test(a_maximum_is_kept_and_reached),
		cmocka_unit_test(a_burst_after_a_pause_is_bounded),
		cmocka_unit_test(the_owner_is_told_when_to_come_back),
		cmocka_unit_test(a_minimum_holds_against_others),
		cmocka_unit_test(minima_hold_where_only_the_device_says_how_fast_it_is),
		cmocka_unit_test(minima_that_are_too_many_shrink_together),
		cmocka_unit_test(shares_are_of_bytes),
		cmocka_unit_test(the_line_is_kept_and_reached),
		cmocka_unit_test(what_the_device_refuses_is_sent_later),
		cmocka_unit_test(a_full_queue_counts_what_it_loses),
		cmocka_unit_test(a_port_that_goes_down_gives_all_back),
		cmocka_unit_test(two_threads_fill_a_queue),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
