/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	this thread -- stores, rings --> bell --> a thread that sleeps
 *	pipe, memif peer --------------> epoll -> doze_wait()
 *
 * Sleeps are of nearly a second, so that who is woken too late is seen, whatever the machine does.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "datapath/doze.h"
#include "datapath/dp.h"
#include "datapath/eal.h"
#include "datapath/pmd_work.h"
#include "datapath/rx_alarm.h"

enum {
	LONG_US = 990000,
	LATE_MS = 500, /* after the bell rang */
	TIMES = 20000,
	LOST_MAX = 3, /* or the machine stood still */
};

static struct doze z;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int setup(void **state)
{
	role_assume_control();
	return doze_init(&z);
}

static int teardown(void **state)
{
	role_assume_control();
	doze_fini(&z);
	return 0;
}

/* ---- The bell ---- */

static _Atomic uint32_t stored, taken;
static _Atomic int64_t rung_at;
static _Atomic uint32_t n_late;

static void *sleeper(void *arg)
{
	uint32_t seen = 0;

	role_assume_pmd();
	while (seen < TIMES && atomic_load(&n_late) <= LOST_MAX) {
		doze_begin(&z);
		if (atomic_load_explicit(&stored, memory_order_relaxed) == seen) {
			doze_wait(&z, LONG_US);
			if (atomic_load(&stored) != seen && atomic_load(&rung_at) &&
			    now_ms() - atomic_load(&rung_at) > LATE_MS)
				atomic_fetch_add(&n_late, 1);
		}
		doze_end(&z);
		seen = atomic_load(&stored);
		atomic_store(&taken, seen);
	}
	return NULL;
}

/* From at once to some microseconds after it was last awake. */
static void a_moment(uint32_t n)
{
	for (volatile uint32_t i = 0; i < n * 2654435761u >> 20; i = i + 1)
		;
}

static void no_ring_of_the_bell_is_lost(void **state)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, sleeper, NULL), 0);
	for (uint32_t i = 1; i <= TIMES && atomic_load(&n_late) <= LOST_MAX; i++) {
		a_moment(i);
		atomic_store(&rung_at, 0);
		atomic_store_explicit(&stored, i, memory_order_relaxed);
		doze_ring(&z);
		atomic_store(&rung_at, now_ms());
		while (atomic_load(&taken) != i && atomic_load(&n_late) <= LOST_MAX)
			;
	}
	atomic_store(&stored, TIMES);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_in_range(atomic_load(&n_late), 0, LOST_MAX);
}

/* ---- Events ---- */

static int64_t sleep_ms(void)
{
	const int64_t t0 = now_ms();

	role_assume_pmd();
	doze_begin(&z);
	doze_wait(&z, LONG_US);
	doze_end(&z);
	role_assume_control();
	return now_ms() - t0;
}

static void an_event_that_stays_is_not_listened_to(void **state)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(doze_watch(&z, fd[0]), 0);
	assert_int_equal(doze_watch(&z, fd[0]), 0);
	atomic_store(&z.all_tell, true);
	assert_true(sleep_ms() >= LONG_US / 1000);
	assert_false(z.woken);
	assert_int_equal(write(fd[1], "x", 1), 1);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(doze_limit(&z), DOZE_LONG_US);
		(void)sleep_ms();
		assert_true(z.woken);
		doze_found(&z, false);
	}
	assert_int_equal(doze_limit(&z), DOZE_BRIEFLY_US);
	assert_true(sleep_ms() >= LONG_US / 1000);
	close(fd[0]);
	close(fd[1]);
}

/* ---- memif ---- */

static struct rte_mempool *pool;
static char folder[] = "/tmp/weft-doze-XXXXXX";

static struct port plug(const char *role, int n)
{
	struct rte_eth_conf conf = { 0 };
	char name[32], args[200];
	struct port p = { 0 };

	snprintf(name, sizeof(name), "net_memif%d", n);
	snprintf(args, sizeof(args), "role=%s,id=0,socket=%s/s,socket-abstract=no", role, folder);
	assert_int_equal(rte_eal_hotplug_add("vdev", name, args), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name(name, &p.ethdev), 0);
	assert_int_equal(rte_eth_dev_configure(p.ethdev, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(p.ethdev, 0, 256, SOCKET_ID_ANY, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(p.ethdev, 0, 256, SOCKET_ID_ANY, NULL), 0);
	assert_int_equal(rte_eth_dev_start(p.ethdev), 0);
	return p;
}

static bool link_of(const struct port *p)
{
	struct rte_eth_link l = { 0 };

	return !rte_eth_link_get_nowait(p->ethdev, &l) && l.link_status;
}

static void wait_link(const struct port *p, bool up)
{
	for (const int64_t end = now_ms() + 20000; link_of(p) != up; usleep(1000))
		assert_true(now_ms() < end);
}

static void send_one(const struct port *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	assert_non_null(rte_pktmbuf_append(m, 60));
	assert_int_equal(rte_eth_tx_burst(p->ethdev, 0, &m, 1), 1);
}

static void take_one(const struct port *p)
{
	struct rte_mbuf *m[2];

	assert_int_equal(rte_eth_rx_burst(p->ethdev, 0, m, 2), 1);
	rte_pktmbuf_free(m[0]);
}

/* 'to' sleeps, and is woken by what 'from' sends, if it has said so. */
static void wakes(const struct port *from, const struct port *to)
{
	const struct rxq q = { .port = to };
	struct rte_mbuf *none;
	struct rx_alarm a;

	/* A client gives its peer room when it first looks. */
	assert_int_equal(rte_eth_rx_burst(to->ethdev, 0, &none, 1), 0);
	assert_int_equal(rx_alarm_init(&a, &z, &q), 0);
	assert_int_equal(a.kind, ALARM_MEMIF);
	for (unsigned int i = 0; i < 3; i++) {
		role_assume_pmd();
		assert_true(rx_alarms_arm(&a, 1));
		assert_false(rx_alarms_arm(&a, 1));
		role_assume_control();
		send_one(from);
		(void)sleep_ms();
		assert_true(z.woken);
		z.woken = false;
		role_assume_pmd();
		rx_alarms_hear(&a, 1);
		rx_alarms_disarm(&a, 1);
		role_assume_control();
		take_one(to);
		send_one(from);
		assert_true(sleep_ms() >= LONG_US / 1000);
		assert_false(z.woken);
		take_one(to);
	}
	rx_alarm_fini(&a, &z);
}

static void a_memif_peer_wakes_who_asks_it_to(void **state)
{
	struct port server, client;
	const struct rxq q = { .port = &server };
	struct rx_alarm a;
	struct err e;

	assert_int_equal(eal_start(NULL, &e), 0);
	assert_non_null(mkdtemp(folder));
	pool = eal_pool_new("doze", 4096, 0, &e);
	assert_non_null(pool);
	server = plug("server", 0);
	/* Nobody is there yet who might send. */
	assert_int_equal(rx_alarm_init(&a, &z, &q), 0);
	assert_int_equal(a.kind, ALARM_NONE);
	client = plug("client", 1);
	wait_link(&server, true);
	wait_link(&client, true);
	wakes(&client, &server);
	wakes(&server, &client);

	/* The peer goes while its memory is in use. */
	assert_int_equal(rx_alarm_init(&a, &z, &q), 0);
	assert_int_equal(rte_eth_dev_stop(client.ethdev), 0);
	assert_int_equal(rte_eth_dev_close(client.ethdev), 0);
	wait_link(&server, false);
	role_assume_pmd();
	assert_true(rx_alarms_arm(&a, 1));
	rx_alarms_disarm(&a, 1);
	role_assume_control();
	rx_alarm_fini(&a, &z);
	assert_int_equal(rte_eth_dev_stop(server.ethdev), 0);
	assert_int_equal(rte_eth_dev_close(server.ethdev), 0);
	eal_pool_free(pool);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_ring_of_the_bell_is_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(an_event_that_stays_is_not_listened_to, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_memif_peer_wakes_who_asks_it_to, setup, teardown),
	};

	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	/* Without exit(): DPDK's interrupt thread may still be giving back what it had of a memif
	 * socket, and libraries would be taken away under it (once in some hundred runs). */
	fflush(NULL);
	_exit(failed ? EXIT_FAILURE : EXIT_SUCCESS);
}
