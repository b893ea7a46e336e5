/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 7.3.8 Barrier: frames after it meet what came before it */
/* Spec: 6.2 Message handling: a barrier's promise, with packet threads running */
/*
 * A barrier means it (6.2): a frame that arrives after dp_barrier() meets what was published
 * before.
 *
 *	this thread --> port 1 --> [two packet threads] --> port 2 or 4
 *	another one --> port 3 -->        drops
 *
 * Ports are net_ring devices: what is put into one comes in by it.  Each round changes something,
 * waits for the barrier, sends one frame, and looks where it went.  Meanwhile another thread keeps
 * the packet threads busy.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "datapath/group.h"
#include "tests/unit/datapath_ring.h"

enum { ROUNDS = 3000, DST = 0x0a };

static _Atomic bool busy_stop;

/* ---- Frames into ports that no flow outputs to: their rings have one sender ---- */

static struct rte_mbuf *frame_to(unsigned int dst)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp->pool);
	uint8_t *p = m ? (uint8_t *)rte_pktmbuf_append(m, FRAME) : NULL;

	if (!p)
		return NULL;
	memset(p, 0, FRAME);
	p[0] = 2;
	p[4] = (uint8_t)(dst >> 8);
	p[5] = (uint8_t)dst;
	p[6] = 2;
	p[12] = 0x08;
	return m;
}

/*
 * ThreadSanitizer does not see into DPDK's libraries, so not how a net_ring hands a frame from one
 * thread to another.  With it there is one packet thread, which puts the frames into the rings.
 */
#ifdef __SANITIZE_THREAD__
enum { ONE_THREAD = 1 };
#else
enum { ONE_THREAD = 0 };
#endif

static void inject(unsigned int no, unsigned int dst)
{
	uint8_t f[FRAME] = { 2, 0, 0, 0, (uint8_t)(dst >> 8), (uint8_t)dst, 2, [12] = 0x08 };

	role_assume_control();
	assert_int_equal(inject_port(dp, f, sizeof(f), no), 0);
}

static void send_to(unsigned int dst)
{
	struct rte_mbuf *m;

	if (ONE_THREAD) {
		inject(1, dst);
		return;
	}
	m = frame_to(dst);

	assert_non_null(m);
	assert_int_equal(rte_eth_tx_burst(port[1]->ethdev, 0, &m, 1), 1);
}

static void *keep_busy(void *arg)
{
	rte_thread_register();
	while (!atomic_load(&busy_stop)) {
		struct rte_mbuf *m = frame_to(0xffff);

		if (!m || !rte_eth_tx_burst(port[3]->ethdev, 0, &m, 1)) {
			rte_pktmbuf_free(m);
			sched_yield();
		}
	}
	rte_thread_unregister();
	return NULL;
}

/* ---- Where a frame went ---- */

struct tally {
	uint64_t two, four, missed;
};

static struct tally tally(void)
{
	struct port_counters c[3];

	role_assume_control();
	port_counters(dp, port[2], &c[0]);
	port_counters(dp, port[4], &c[1]);
	port_counters(dp, port[1], &c[2]);
	return (struct tally){ c[0].tx_packets, c[1].tx_packets, c[2].drops[DROP_TABLE_MISS] };
}

/* Sends one frame and says where it came out: 2, 4, or 0 for nowhere. */
static unsigned int went(unsigned int dst)
{
	const struct tally before = tally();

	send_to(dst);
	for (unsigned int i = 0; i < 200000; i++) {
		const struct tally now = tally();

		if (now.two != before.two)
			return 2;
		if (now.four != before.four)
			return 4;
		if (now.missed != before.missed)
			return 0;
		usleep(20);
	}
	fail_msg("the frame was not seen within seconds");
	return 0;
}

/* ---- Changes ---- */

static void change(const char *text, int command)
{
	struct of_flow_mod *fm;
	struct of_err oe;
	struct arena a;

	role_assume_control();
	arena_init(&a, 0);
	if (of_parse_flow(text, command, NULL, &a, &fm, &e))
		fail_msg("%s: %s", text, e.text);
	if (table_flow_mod(dp, fm, &oe))
		fail_msg("%s: %s", text, oe.text);
	arena_fini(&a);
}

static void group(const char *text, int command)
{
	struct of_group_mod *gm;
	struct of_err oe;
	struct arena a;

	role_assume_control();
	arena_init(&a, 0);
	if (of_parse_group(text, command, NULL, &a, &gm, &e))
		fail_msg("%s: %s", text, e.text);
	if (group_mod(dp, gm, &oe))
		fail_msg("%s: %s", text, oe.text);
	arena_fini(&a);
}

static void barrier(void)
{
	role_assume_control();
	dp_publish(dp);
	dp_barrier(dp);
}

static void with_traffic(void (*rounds)(void))
{
	pthread_t t;

	role_assume_control();
	/* Before what rounds add: a frame that has left by port 2 comes in there in the next turn,
	 * and would be one more that a changed flow sends. */
	change("in_port=3,priority=40000,actions=drop", OFPFC_ADD);
	change("in_port=2,priority=40000,actions=drop", OFPFC_ADD);
	change("in_port=4,priority=40000,actions=drop", OFPFC_ADD);
	barrier();
	if (ONE_THREAD) {
		/* Some frames that come in again as they leave. */
		change("in_port=3,priority=40000,actions=in_port", OFPFC_ADD);
		barrier();
		for (unsigned int i = 0; i < 8; i++)
			inject(3, 0xffff);
		rounds();
		change("in_port=3,priority=40000,actions=drop", OFPFC_ADD);
		barrier();
		return;
	}
	atomic_store(&busy_stop, false);
	assert_int_equal(pthread_create(&t, NULL, keep_busy, NULL), 0);
	rounds();
	atomic_store(&busy_stop, true);
	pthread_join(t, NULL);
}

/* ---- Rounds ---- */

static void add_modify_delete(void)
{
	char text[128];

	for (unsigned int i = 1; i <= ROUNDS / 3; i++) {
		snprintf(text, sizeof(text), "table=%u,dl_dst=02:00:00:00:%02x:%02x", i % 2 ? 0 : 5,
			 i >> 8, i & 0xff);
		if (i % 2 == 0)
			change("in_port=1,actions=goto_table:5", OFPFC_ADD);
		strcat(text, ",actions=output:2");
		change(text, OFPFC_ADD);
		barrier();
		assert_int_equal(went(i), 2);
		text[strlen(text) - 1] = '4';
		change(text, OFPFC_MODIFY);
		barrier();
		assert_int_equal(went(i), 4);
		*strstr(text, ",actions") = '\0';
		change(text, OFPFC_DELETE);
		barrier();
		assert_int_equal(went(i), 0);
		if (i % 2 == 0)
			change("in_port=1,table=0", OFPFC_DELETE);
	}
}

static void adds_are_seen(void **state)
{
	with_traffic(add_modify_delete);
}

static void turn_group(void)
{
	group("group_id=1,type=all,bucket=actions=output:2", OFPGC_ADD);
	change("in_port=1,actions=group:1", OFPFC_ADD);
	for (unsigned int i = 1; i <= ROUNDS / 3; i++) {
		const unsigned int to = i % 2 ? 4 : 2;
		char text[64];

		snprintf(text, sizeof(text), "group_id=1,type=all,bucket=actions=output:%u", to);
		group(text, OFPGC_MODIFY);
		barrier();
		assert_int_equal(went(DST), to);
	}
	change("", OFPFC_DELETE);
	barrier();
	group("group_id=1", OFPGC_DELETE);
	barrier();
}

static void groups_are_seen(void **state)
{
	with_traffic(turn_group);
}

/* A bundle over many tables: the frame goes all the way of the new ones or of the old ones. */
static void swap_tables(void)
{
	char text[96];

	for (unsigned int i = 0; i < ROUNDS / 10; i++) {
		const unsigned int to = i % 2 ? 4 : 2;

		role_assume_control();
		table_begin(dp);
		for (unsigned int t = 0; t < 10; t++) {
			snprintf(text, sizeof(text), "table=%u,in_port=1,actions=goto_table:%u", t,
				 t + 1);
			change(text, OFPFC_ADD);
		}
		snprintf(text, sizeof(text), "table=10,in_port=1,actions=output:%u", to);
		change(text, OFPFC_ADD);
		table_commit(dp);
		barrier();
		assert_int_equal(went(DST), to);
	}
}

static void bundles_are_seen(void **state)
{
	with_traffic(swap_tables);
}

/* Between hold and release no frame moves, and afterwards all do. */
static void hold(void)
{
	change("in_port=1,actions=output:2", OFPFC_ADD);
	barrier();
	for (unsigned int i = 0; i < ROUNDS / 10; i++) {
		struct tally before;
		uint64_t rx = 0, again = 0;

		role_assume_control();
		pmd_hold_all(dp);
		before = tally();
		for (unsigned int n = 0; n < dp->n_pmds; n++)
			rx += counter_get(&dp->pmds[n]->perf.rx);
		/* What is injected waits for a packet thread, too. */
		send_to(DST);
		usleep(100);
		for (unsigned int n = 0; n < dp->n_pmds; n++)
			again += counter_get(&dp->pmds[n]->perf.rx);
		assert_int_equal(rx, again);
		assert_int_equal(tally().two, before.two);
		pmd_release_all(dp);
		for (unsigned int k = 0; tally().two == before.two && k < 100000; k++)
			usleep(20);
		assert_int_equal(tally().two, before.two + 1);
	}
}

static void packet_threads_stand_still(void **state)
{
	with_traffic(hold);
}

static int all_setup(void **state)
{
	struct dp_opts o = { .name = "unit", .dpid = 1, .cache_entries = 1024 };

	role_assume_control();
	if (eal_start(NULL, &e) || !(dp = dp_new(&o, &e)) ||
	    pmd_init_all(dp, !ONE_THREAD && sysconf(_SC_NPROCESSORS_ONLN) > 1 ? "0,1" : NULL, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	for (unsigned int i = 1; i <= PORTS; i++)
		plug(i, "");
	return pmd_start_all(dp, &e);
}

static int all_teardown(void **state)
{
	role_assume_control();
	pmd_stop_all(dp);
	dp_free(dp);
	return 0;
}

static int each_teardown(void **state)
{
	no_flows();
	barrier();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(adds_are_seen, each_teardown),
		cmocka_unit_test_teardown(groups_are_seen, each_teardown),
		cmocka_unit_test_teardown(bundles_are_seen, each_teardown),
		cmocka_unit_test_teardown(packet_threads_stand_still, each_teardown),
	};

	return cmocka_run_group_tests(tests, all_setup, all_teardown);
}
