/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.12 Actions: set-queue */
/*
 * Queues on ports: which queue a packet comes to, what becomes of it there, and where it ends when
 * queue or port go while it waits.
 */
#include "tests/unit/datapath_ring.h"

#include "datapath/group.h"
#include "datapath/port_dev.h"
#include "datapath/port_queue.h"

static void queue(unsigned int no, const char *text)
{
	struct queue_cfg cfg;

	role_assume_control();
	assert_int_equal(queue_cfg_parse(text, &cfg, &e), 0);
	if (port_queue_add(dp, port[no], &cfg, &e))
		fail_msg("%s", e.text);
}

static void no_queue(unsigned int no, uint32_t id)
{
	role_assume_control();
	if (port_queue_del(dp, port[no], id, &e))
		fail_msg("%s", e.text);
}

static struct queue *at(unsigned int no, uint32_t id)
{
	struct queue *q = port_queue_find(port[no], id);

	assert_non_null(q);
	return q;
}

/* The refusal's code; 0: it is installed. */
static uint16_t try_flow(const char *text)
{
	struct of_flow_mod *fm;
	struct of_err oe = { 0 };
	struct arena a;
	int rc;

	role_assume_control();
	arena_init(&a, 0);
	assert_int_equal(of_parse_flow(text, OFPFC_ADD, NULL, &a, &fm, &e), 0);
	rc = table_flow_mod(dp, fm, &oe);
	dp_publish(dp);
	arena_fini(&a);
	assert_true(!rc || oe.type == OFPET_BAD_ACTION);
	return rc ? oe.code : 0;
}

static void group(const char *text)
{
	struct of_group_mod *gm;
	struct of_err oe;
	struct arena a;

	role_assume_control();
	arena_init(&a, 0);
	assert_int_equal(of_parse_group(text, OFPGC_ADD, NULL, &a, &gm, &e), 0);
	if (group_mod(dp, gm, &oe))
		fail_msg("%s: %s", text, oe.text);
	dp_publish(dp);
	arena_fini(&a);
}

static void no_groups(void)
{
	struct of_group_mod gm = { .kind = OF_KIND_group_mod,
				   .command = OFPGC_DELETE,
				   .group_id = OFPG_ALL };
	struct of_err oe;

	role_assume_control();
	assert_int_equal(group_mod(dp, &gm, &oe), 0);
	dp_publish(dp);
}

static void feed_many(unsigned int n)
{
	frame_is(1, 2, 0x88b5, 0);
	while (n--)
		feed(1, FRAME);
	turn(4);
}

/* ---- Tests ---- */

/* A queue of 1 kbit/s lets a frame go at once, and the next in half a second. */
static void a_packet_waits_in_the_queue_it_is_set_to(void **state)
{
	queue(2, "1:max=1k:len=20");
	queue(2, "7");
	flow("in_port=1,actions=set_queue:1,output:2");
	feed_many(30);
	assert_int_equal(at(2, 1)->packets, 1);
	assert_int_equal(queue_waiting(at(2, 1)), 20 + 9 - at(2, 1)->errors);
	assert_int_equal(since(2).tx_packets, 1);
	assert_int_equal(since(2).drops[DROP_QUEUE_FULL], at(2, 1)->errors);
	assert_int_equal(at(2, 7)->packets, 0);
	assert_true(w->wake != QUEUE_NEVER && w->wake > w->now);
	/* Others pass it by. */
	flow("in_port=1,actions=set_queue:7,output:2");
	feed_many(5);
	assert_int_equal(at(2, 7)->packets, 5);
	assert_int_equal(at(2, 7)->bytes, 5 * FRAME);
	flow("in_port=1,actions=output:2");
	feed_many(5);
	assert_int_equal(since(2).tx_packets, 11);
	no_queue(2, 1);
	no_queue(2, 7);
	assert_null(atomic_load(&port[2]->queues));
}

static void an_id_that_the_port_does_not_have_is_its_default_queue(void **state)
{
	queue(3, "5:max=1k");
	queue(2, "1:max=1k");
	flow("in_port=1,actions=set_queue:5,output:2,output:3");
	feed_many(10);
	assert_int_equal(since(2).tx_packets, 10);
	assert_int_equal(since(3).tx_packets, 1);
	/* Queue 0 is the default one where it is there. */
	queue(2, "0:max=1k");
	feed_many(10);
	assert_int_equal(at(2, 0)->packets, 1);
	assert_int_equal(queue_waiting(at(2, 0)), 9);
	no_queue(2, 0);
	feed_many(10);
	assert_int_equal(since(2).tx_packets, 21);
	no_queue(2, 1);
	no_queue(3, 5);
}

static void actions_say_which_queue(void **state)
{
	queue(2, "1");
	queue(2, "2");
	queue(2, "3");
	flow("in_port=1,dl_type=0x88b5,actions=set_queue:1,output:2,set_queue:2,output:2,pop_queue,"
	     "output:2,goto_table:1");
	flow("table=1,in_port=1,actions=set_queue:3,write_actions(output:2)");
	feed_many(4);
	assert_int_equal(at(2, 1)->packets, 4);
	assert_int_equal(at(2, 2)->packets, 4);
	assert_int_equal(at(2, 3)->packets, 4);
	assert_int_equal(since(2).tx_packets, 16);
	/* 5.10: set_queue comes before output in an action set, however they were written. */
	no_flows();
	flow("in_port=1,actions=write_actions(output:2,set_queue:2)");
	feed_many(3);
	assert_int_equal(at(2, 2)->packets, 7);
	/* What a bucket sets is the bucket's. */
	no_flows();
	group("group_id=1,type=all,bucket=actions=set_queue:1,output:2,bucket=output:3");
	flow("in_port=1,actions=set_queue:3,group:1,output:2");
	feed_many(2);
	assert_int_equal(at(2, 1)->packets, 6);
	assert_int_equal(at(2, 3)->packets, 6);
	no_flows();
	no_groups();
	for (uint32_t id = 1; id <= 3; id++)
		no_queue(2, id);
}

static void a_queue_that_no_port_has_is_refused(void **state)
{
	assert_int_equal(try_flow("in_port=1,actions=set_queue:9,output:2"), OFPBAC_BAD_QUEUE);
	assert_int_equal(try_flow("in_port=1,actions=set_queue:0,output:2"), OFPBAC_BAD_QUEUE);
	assert_int_equal(try_flow("in_port=1,actions=pop_queue,output:2"), 0);
	queue(3, "9:max=1M");
	assert_int_equal(try_flow("in_port=1,actions=set_queue:9,output:2"), 0);
	assert_int_equal(try_flow("in_port=1,actions=write_actions(set_queue:8)"),
			 OFPBAC_BAD_QUEUE);
	no_queue(3, 9);
	/* The flow stays; the packet goes without. */
	feed_many(3);
	assert_int_equal(since(2).tx_packets, 3);
}

static void what_waits_in_a_queue_that_goes_is_given_back(void **state)
{
	unsigned int in_use = rte_mempool_in_use_count(dp->pool);
	uint64_t before[N_DROPS], after[N_DROPS];

	port_drops(dp, before);
	queue(2, "1:max=1k");
	queue(2, "2:max=1k");
	flow("in_port=1,dl_src=02:00:00:00:00:01,actions=set_queue:1,output:2,set_queue:2,output:"
	     "2");
	feed_many(41);
	assert_int_equal(queue_waiting(at(2, 1)) + queue_waiting(at(2, 2)), 80);
	no_queue(2, 1);
	port_drops(dp, after);
	assert_int_equal(after[DROP_QUEUE_GONE] - before[DROP_QUEUE_GONE], 40);
	assert_int_equal(queue_waiting(at(2, 2)), 40); /* nothing of the other's is lost */
	assert_int_equal(port_queue_del(dp, port[2], 1, &e), -ENOENT);
	no_queue(2, 2);
	port_drops(dp, after);
	assert_int_equal(after[DROP_QUEUE_GONE] - before[DROP_QUEUE_GONE], 80);
	turn(2);
	assert_int_equal(rte_mempool_in_use_count(dp->pool), in_use);
}

static void a_port_that_goes_takes_its_queues_along(void **state)
{
	unsigned int in_use = rte_mempool_in_use_count(dp->pool);
	uint64_t before[N_DROPS], after[N_DROPS];

	role_assume_control();
	assert_int_equal(port_del(dp, port[4], &e), 0);
	plug(4, ";queue=3:max=1k,queue=0:max=1k:len=5,speed=1G");
	begin();
	port_drops(dp, before);
	flow("in_port=1,actions=output:4,set_queue:3,output:4");
	feed_many(40);
	assert_int_equal(at(4, 3)->packets + at(4, 0)->packets, 2);
	assert_int_equal(since(4).drops[DROP_QUEUE_FULL], at(4, 0)->errors);
	role_assume_control();
	assert_int_equal(port_del(dp, port[4], &e), 0);
	port_drops(dp, after);
	assert_true(after[DROP_QUEUE_GONE] - before[DROP_QUEUE_GONE] >= 44);
	plug(4, "");
	begin();
	turn(2);
	assert_int_equal(rte_mempool_in_use_count(dp->pool), in_use);
}

static void a_port_that_is_set_down_lets_nothing_wait(void **state)
{
	struct of_port_mod pm = { .kind = OF_KIND_port_mod,
				  .port_no = 2,
				  .config = OFPPC_PORT_DOWN,
				  .mask = OFPPC_PORT_DOWN };
	struct of_err oe;

	memcpy(pm.hw_addr, port[2]->mac, 6);
	queue(2, "1:max=1k");
	flow("in_port=1,actions=set_queue:1,output:2");
	feed_many(50);
	assert_int_equal(queue_waiting(at(2, 1)), 49);
	role_assume_control();
	assert_int_equal(port_mod(dp, &pm, &oe), 0);
	turn(4);
	assert_int_equal(queue_waiting(at(2, 1)), 0);
	assert_int_equal(since(2).drops[DROP_PORT_NO_FWD], 49);
	role_assume_control();
	pm.config = 0;
	assert_int_equal(port_mod(dp, &pm, &oe), 0);
	no_queue(2, 1);
}

static void shares_are_of_the_ports_speed(void **state)
{
	struct of_port desc;

	role_assume_control();
	assert_int_equal(port_del(dp, port[4], &e), 0);
	plug(4, ";speed=200M,queue=1:min=20M:max=1G");
	port_desc(port[4], &desc);
	assert_int_equal(desc.curr_speed, 200000);
	assert_int_equal(port_queue_share(port[4], 20000000), 100);
	assert_int_equal(port_queue_share(port[4], 1000), 1);
	assert_int_equal(port_queue_share(port[4], 1000000000), 1000);
	assert_int_equal(port_queue_share(port[4], 0), 0xffff);
	port[4]->cold->speed = 0;
	assert_int_equal(port_queue_share(port[4], 20000000), 0xffff);
	no_queue(4, 1);
	assert_non_null(atomic_load(&port[4]->queues)); /* the speed is kept */
	assert_int_equal(port_del(dp, port[4], &e), 0);
	plug(4, "");
	begin();
}

static void there_is_an_end_to_queues(void **state)
{
	struct queue_cfg cfg = { .id = 100, .len = 1 };
	char text[16];

	for (unsigned int i = 0; i < QUEUES_MAX; i++) {
		snprintf(text, sizeof(text), "%u", i);
		queue(2, text);
	}
	assert_int_equal(port_queue_add(dp, port[2], &cfg, &e), -ENOSPC);
	cfg.id = 3;
	assert_int_equal(port_queue_add(dp, port[2], &cfg, &e), -EEXIST);
	for (uint32_t i = 0; i < QUEUES_MAX; i++)
		no_queue(2, i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_packet_waits_in_the_queue_it_is_set_to),
		TEST(an_id_that_the_port_does_not_have_is_its_default_queue),
		TEST(actions_say_which_queue),
		TEST(a_queue_that_no_port_has_is_refused),
		TEST(what_waits_in_a_queue_that_goes_is_given_back),
		TEST(a_port_that_goes_takes_its_queues_along),
		TEST(a_port_that_is_set_down_lets_nothing_wait),
		TEST(shares_are_of_the_ports_speed),
		TEST(there_is_an_end_to_queues),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
