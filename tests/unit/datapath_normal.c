/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 4.5 Reserved ports: NORMAL and FLOOD */
/* NORMAL: the learning bridge, its VLANs and its table of MAC addresses. */
#include "tests/unit/datapath_ring.h"

static uint64_t bridged(unsigned int to)
{
	return since(to).tx_packets;
}

static void normal_learns_where_a_host_is(void **state)
{
	/* By source, too: what leaves by a port comes back in, and is not from there. */
	flow("priority=1,in_port=1,dl_src=02:00:00:00:00:0a,actions=NORMAL");
	flow("priority=1,in_port=1,dl_src=02:00:00:00:00:0c,actions=NORMAL");
	flow("priority=1,in_port=2,dl_src=02:00:00:00:00:0b,actions=NORMAL");
	drain();
	frame_is(0x0a, 0x0b, 0x88b5, 0);
	feed(1, FRAME); /* nobody knows b: to all */
	turn(4);
	drain();
	assert_int_equal(up.n, 1);
	assert_int_equal(up.kind[0], PUNT_LEARN);
	assert_int_equal(bridged(2), 1);
	assert_int_equal(bridged(3), 1);
	assert_int_equal(bridged(4), 1);
	begin();
	frame_is(0x0b, 0x0a, 0x88b5, 0);
	feed(2, FRAME); /* b answers: a is known */
	turn(4);
	drain();
	assert_int_equal(up.n, 1);
	assert_int_equal(bridged(1), 1);
	assert_int_equal(bridged(3), 0);
	begin();
	frame_is(0x0a, 0x0b, 0x88b5, 0);
	feed(1, FRAME);
	turn(4);
	drain();
	assert_int_equal(up.n, 0); /* nothing new */
	assert_int_equal(bridged(2), 1);
	assert_int_equal(bridged(3), 0);
	begin();
	frame_is(0x0c, 0x0a, 0x88b5, 0);
	memcpy(frame, "\x01\x80\xc2\x00\x00\x0e", 6); /* LLDP */
	feed(1, FRAME);
	turn(3);
	assert_int_equal(since(1).drops[DROP_RESERVED_MAC], 1);
	frame_is(0x0c, 0x0a, 0x88b5, 0);
	feed(1, FRAME); /* a is where this comes from */
	turn(3);
	assert_int_equal(since(1).drops[DROP_SAME_PORT], 1);
	role_assume_control();
	fdb_forget_port(dp->fdb, 1);
	fdb_forget_port(dp->fdb, 2);
	assert_int_equal(fdb_count(dp->fdb), 0);
}

static void normal_keeps_vlans_apart(void **state)
{
	uint8_t got;

	/* 1: access 5; 2: access 6; 3: trunk; 4: access 5 */
	role_assume_control();
	for (unsigned int i = 1; i <= PORTS; i++)
		assert_int_equal(port_del(dp, port[i], &e), 0);
	plug(1, ";tag=5");
	plug(2, ";tag=6");
	plug(3, ";trunks=5-9");
	plug(4, ";tag=5");
	begin();
	flow("priority=1,in_port=1,actions=NORMAL");
	flow("priority=2,in_port=3,dl_vlan=5,actions=CONTROLLER:65535");
	frame_is(0x0a, 0xff, 0x88b5, 77);
	feed(1, FRAME);
	turn(4);
	drain();
	assert_int_equal(since(2).tx_packets, 0);
	assert_int_equal(since(3).tx_packets, 1);
	assert_int_equal(since(4).tx_packets, 1);
	for (got = 0; got < up.n && up.kind[got] != PUNT_PACKET_IN; got++)
		;
	assert_in_range(got, 0, up.n - 1); /* came back on the trunk with the tag */
	begin();
	frame_is(0x0a, 0xff, 0x8100, 5);
	feed(1, FRAME);
	turn(4);
	assert_int_equal(since(1).drops[DROP_VLAN_INGRESS], 1);
	role_assume_control();
	for (unsigned int i = 1; i <= PORTS; i++) {
		assert_int_equal(port_del(dp, port[i], &e), 0);
		plug(i, "");
	}
	begin();
}

/* Against a plain array: whatever is found was learned last; few are forgotten before the table is
 * full. */
static void the_mac_table_is_right_and_bounded(void **state)
{
	enum { MACS = 20000 };
	static uint32_t where[MACS];
	unsigned int missing = 0;
	uint8_t mac[6] = { 2 };

	role_assume_control();
	srandom(7);
	for (unsigned int i = 0; i < 3 * MACS; i++) {
		unsigned int k = (unsigned int)random() % MACS;

		put_be32(mac + 2, k);
		where[k] = (uint32_t)random() % 100 + 1;
		fdb_learn(dp->fdb, k % 7, mac, where[k], 1000);
	}
	for (unsigned int k = 0; k < MACS; k++) {
		uint32_t got;

		put_be32(mac + 2, k);
		role_assume_pmd();
		got = fdb_find(dp->fdb, k % 7, mac);
		assert_true(!got || got == where[k]);
		missing += where[k] && !got;
		assert_int_equal(fdb_find(dp->fdb, 8, mac), 0);
	}
	assert_true(missing < MACS / 50);
	role_assume_control();
	for (uint32_t i = 0; i < 200000; i++) { /* an attacker */
		put_be32(mac + 2, 0x01000000 + i);
		fdb_learn(dp->fdb, 0, mac, 7, 1000);
	}
	assert_true(fdb_count(dp->fdb) <= FDB_ENTRIES);
	for (unsigned int i = 0; i < 16; i++)
		fdb_age(dp->fdb, 1000 + FDB_AGE_S);
	assert_true(fdb_count(dp->fdb) > FDB_ENTRIES / 2);
	for (unsigned int i = 0; i < 16; i++)
		fdb_age(dp->fdb, 1001 + FDB_AGE_S);
	assert_int_equal(fdb_count(dp->fdb), 0);
	memcpy(mac, "\xff\xff\xff\xff\xff\xff", 6);
	assert_false(fdb_learn(dp->fdb, 0, mac, 1, 1)); /* a group is nowhere */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(normal_learns_where_a_host_is),
		TEST(normal_keeps_vlans_apart),
		TEST(the_mac_table_is_right_and_bounded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
