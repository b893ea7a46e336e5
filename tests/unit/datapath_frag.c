/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fragment modes in a switch: what becomes of fragments between ports, and that none is ever
 * unaccounted for.
 */
#include "tests/unit/datapath_ring.h"

#include "datapath/frag.h"

enum { DATA = 1000, PARTS = 3 };

/* Part 'i' of PARTS of UDP datagram 'id' to port 4000, as a frame. */
static uint32_t part(uint16_t id, unsigned int i)
{
	uint8_t *ip = frame + 14;
	uint32_t sum = 0;

	frame_is(1, 2, 0x0800, 0);
	ip[0] = 0x45;
	put_be16(ip + 2, 20 + DATA);
	put_be16(ip + 4, id);
	put_be16(ip + 6, (uint16_t)(i * DATA / 8 | (i < PARTS - 1 ? 0x2000 : 0)));
	ip[8] = 64;
	ip[9] = 17;
	put_be32(ip + 12, 0x0a000001);
	put_be32(ip + 16, 0x0a000002);
	for (unsigned int at = 0; at < 20; at += 2)
		sum += get_be16(ip + at);
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(ip + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
	if (!i) {
		put_be16(ip + 20, 7);
		put_be16(ip + 22, 4000);
		put_be16(ip + 24, PARTS * DATA);
	}
	return 14 + 20 + DATA;
}

static void mode(uint32_t m)
{
	role_assume_control();
	assert_int_equal(frag_mode_set(dp, m), 0);
	dp_reclaim(dp);
}

static void arrive(uint16_t id, unsigned int i)
{
	uint32_t n = part(id, i);

	feed(1, n);
	turn(3);
}

static int normal_again(void **state)
{
	mode(OFPC_FRAG_NORMAL);
	return settled(state);
}

#define FRAG(f) cmocka_unit_test_setup_teardown(f, fresh, normal_again)

/* ---- Tests ---- */

static void each_mode_by_its_letter(void **state)
{
	flow("in_port=1,udp,tp_dst=4000,actions=output:2");
	flow("in_port=1,priority=1,actions=output:3");
	flow("in_port=2,actions=drop");
	flow("in_port=3,actions=drop");
	for (unsigned int i = 0; i < PARTS; i++)
		arrive(1, i);
	assert_int_equal(since(2).tx_packets, 1);
	assert_int_equal(since(3).tx_packets, PARTS - 1);
	mode(OFPC_FRAG_DROP);
	for (unsigned int i = 0; i < PARTS; i++)
		arrive(1, i);
	assert_int_equal(since(1).drops[DROP_FRAGMENT], PARTS);
	mode(OFPC_FRAG_REASM);
	for (unsigned int i = PARTS; i--;)
		arrive(1, i);
	/* Whole in the table, and in as many pieces as it came by a port of MTU 1500. */
	assert_int_equal(since(2).tx_packets, 1 + PARTS);
	assert_int_equal(since(3).tx_packets, PARTS - 1);
}

static void copies_come_apart_each_for_itself(void **state)
{
	flow("ip,in_port=1,actions=output:2,set_field:10.0.0.9->ip_src,push_vlan:0x8100,output:3,"
	     "output:4");
	flow("in_port=2,actions=drop");
	flow("in_port=3,actions=CONTROLLER:65535");
	flow("in_port=4,actions=drop");
	mode(OFPC_FRAG_REASM);
	for (unsigned int i = 0; i < PARTS; i++)
		arrive(2, i);
	assert_int_equal(since(2).tx_packets, PARTS);
	assert_int_equal(since(3).tx_packets, PARTS);
	assert_int_equal(since(4).tx_packets, PARTS);
	/* ... of which port 3's came in again, and became one. */
	drain();
	assert_int_equal(up.n, 1);
}

static void what_waits_goes_with_the_mode(void **state)
{
	uint64_t before[N_DROPS], after[N_DROPS];

	port_drops(dp, before);
	mode(OFPC_FRAG_REASM);
	for (uint16_t id = 0; id < 10; id++)
		arrive(id, 0);
	mode(OFPC_FRAG_NORMAL);
	port_drops(dp, after);
	assert_int_equal(after[DROP_REASM_OFF] - before[DROP_REASM_OFF], 10);
	balanced();
	/* Nothing of them is left when it is switched on again. */
	mode(OFPC_FRAG_REASM);
	flow("in_port=1,actions=output:2");
	flow("in_port=2,actions=drop");
	for (unsigned int i = 1; i < PARTS; i++)
		arrive(0, i);
	assert_int_equal(since(2).tx_packets, 0);
}

static void what_is_no_fragment_does_not_wait(void **state)
{
	flow("in_port=1,actions=output:2");
	flow("in_port=2,actions=drop");
	mode(OFPC_FRAG_REASM);
	for (uint16_t i = 0; i < 100; i++) {
		frame_is(1, 2, 0x88b5, i);
		feed(1, FRAME);
	}
	turn(10);
	assert_int_equal(since(2).tx_packets, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRAG(each_mode_by_its_letter),
		FRAG(copies_come_apart_each_for_itself),
		FRAG(what_waits_goes_with_the_mode),
		FRAG(what_is_no_fragment_does_not_wait),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
