/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 6.2 Message handling: order of packets, none unaccounted for */
/*
 * The packet thread's round: ports, punts, injects, order, and that no frame is ever unaccounted
 * for.
 */
#include "datapath/pmd_work.h"
#include "tests/unit/datapath_ring.h"

/* ---- Tests ---- */

static void a_frame_goes_from_port_to_port(void **state)
{
	struct port_counters in, out;

	flow("in_port=1,actions=output:2");
	frame_is(1, 2, 0x88b5, 7);
	feed(1, FRAME);
	turn(3);
	in = since(1);
	out = since(2);
	assert_int_equal(in.rx_packets, 1);
	assert_int_equal(in.rx_bytes, FRAME);
	assert_int_equal(out.tx_packets, 1);
	/* ... comes in by port 2, where nobody wants it. */
	assert_int_equal(out.drops[DROP_TABLE_MISS], 1);
}

static void frames_leave_in_the_order_they_came(void **state)
{
	flow("in_port=1,dl_type=0x88b5,actions=output:2");
	flow("in_port=1,dl_type=0x88b6,actions=goto_table:3");
	flow("table=3,actions=output:3,output:2");
	flow("in_port=2,actions=CONTROLLER:65535");
	for (uint16_t i = 0; i < 300; i++) {
		frame_is(1, 2, i % 3 ? 0x88b5 : 0x88b6, i);
		feed(1, FRAME);
	}
	turn(30);
	drain();
	assert_int_equal(up.n, 300);
	for (unsigned int i = 0; i < 300; i++) {
		assert_int_equal(up.number[i], i);
		assert_int_equal(up.in_port[i], 2);
		assert_int_equal(up.reason[i], OFPR_ACTION);
	}
	assert_int_equal(since(3).tx_packets, 100);
}

static void packet_ins_are_limited_for_each_port(void **state)
{
	role_assume_control();
	punt_set_rate(dp, 1, 5);
	flow("in_port=1,actions=CONTROLLER:65535");
	flow("in_port=2,actions=CONTROLLER:65535");
	frame_is(1, 2, 0x88b5, 0);
	for (int i = 0; i < 20; i++)
		feed(1, FRAME);
	feed(2, FRAME);
	turn(5);
	drain();
	assert_int_equal(up.n, 6); /* the burst of one, and the other is not held up by it */
	assert_int_equal(since(1).drops[DROP_PUNT_RATE], 15);
	assert_int_equal(since(2).drops[DROP_PUNT_RATE], 0);
	role_assume_control();
	punt_set_rate(dp, 0, 0);
	for (int i = 0; i < 20; i++)
		feed(1, FRAME);
	turn(5);
	drain();
	assert_int_equal(up.n, 20);
}

static void a_control_thread_that_does_not_drain_costs_packet_ins_only(void **state)
{
	unsigned int total = 0;

	role_assume_control();
	punt_set_rate(dp, 0, 0);
	flow("in_port=1,actions=output:2,CONTROLLER:65535");
	frame_is(1, 2, 0x88b5, 0);
	for (int i = 0; i < 2000; i++) {
		feed(1, FRAME);
		if (i % 100 == 99)
			turn(4);
	}
	turn(4);
	assert_int_equal(since(2).tx_packets, 2000);
	drain();
	total = up.n;
	assert_true(total > 500);
	assert_int_equal(since(1).drops[DROP_PUNT_FULL], 2000 - total);
	drain();
	assert_int_equal(up.n, 0);
	feed(1, FRAME);
	turn(3);
	drain();
	assert_int_equal(up.n, 1); /* slots have come back */
	punt_set_rate(dp, 10000, 1000);
}

static bool readable(void)
{
	struct pollfd p = { .fd = punt_fd(dp), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void only_a_sleeping_control_thread_is_woken(void **state)
{
	flow("in_port=1,actions=CONTROLLER:65535");
	frame_is(1, 2, 0x88b5, 0);
	drain();
	feed(1, FRAME);
	turn(3);
	assert_false(readable()); /* awake: it will look by itself */
	role_assume_control();
	assert_false(punt_sleep(dp)); /* something is there */
	drain();
	assert_int_equal(up.n, 1);
	assert_true(punt_sleep(dp));
	feed(1, FRAME);
	turn(3);
	assert_true(readable());
	drain();
	assert_int_equal(up.n, 1);
	assert_false(readable());
}

static void a_table_miss_on_a_muted_port_is_silent(void **state)
{
	struct of_port_mod pm = { .kind = OF_KIND_port_mod,
				  .port_no = 1,
				  .config = OFPPC_NO_PACKET_IN,
				  .mask = OFPPC_NO_PACKET_IN };
	struct of_err oe;

	flow("priority=0,actions=CONTROLLER:65535");
	memcpy(pm.hw_addr, port[1]->mac, 6);
	assert_int_equal(port_mod(dp, &pm, &oe), 0);
	frame_is(1, 2, 0x88b5, 0);
	feed(1, FRAME);
	feed(2, FRAME);
	turn(3);
	drain();
	assert_int_equal(up.n, 1);
	assert_int_equal(up.in_port[0], 2);
	assert_int_equal(since(1).drops[DROP_NO_PACKET_IN], 1);
	pm.config = 0;
	assert_int_equal(port_mod(dp, &pm, &oe), 0);
}

/* ---- Ports ---- */

static void config(unsigned int no, uint32_t bits)
{
	struct of_port_mod pm = { .kind = OF_KIND_port_mod,
				  .port_no = no,
				  .config = bits,
				  .mask = OFPPC_PORT_DOWN | OFPPC_NO_RECV | OFPPC_NO_FWD };
	struct of_err oe;

	role_assume_control();
	memcpy(pm.hw_addr, port[no]->mac, 6);
	assert_int_equal(port_mod(dp, &pm, &oe), 0);
}

static void ports_heed_their_configuration(void **state)
{
	flow("in_port=1,actions=output:2");
	frame_is(1, 2, 0x88b5, 0);
	config(2, OFPPC_NO_FWD);
	feed(1, FRAME);
	turn(3);
	assert_int_equal(since(2).drops[DROP_PORT_NO_FWD], 1);
	config(2, OFPPC_PORT_DOWN);
	assert_false(atomic_load(&port[2]->state) & OFPPS_LIVE);
	feed(1, FRAME);
	turn(3);
	assert_int_equal(since(2).drops[DROP_PORT_NO_FWD], 2);
	config(2, 0);
	assert_true(atomic_load(&port[2]->state) & OFPPS_LIVE);
	config(1, OFPPC_NO_RECV);
	feed(1, FRAME);
	turn(3);
	assert_int_equal(since(1).drops[DROP_PORT_NO_RECV], 1);
	config(1, 0);
	feed(1, FRAME);
	turn(3);
	assert_int_equal(since(2).tx_packets, 1);
}

static void what_cannot_leave_is_counted(void **state)
{
	role_assume_control();
	flow("in_port=1,actions=output:2");
	frame_is(1, 2, 0x88b5, 0);
	port[2]->mtu = 100;
	feed(1, 114);
	feed(1, 115);
	turn(3);
	assert_int_equal(since(2).tx_packets, 1);
	assert_int_equal(since(2).drops[DROP_MTU], 1);
	/* A tag comes on top of the MTU. */
	frame_is(1, 2, 0x8100, 5);
	feed(1, 118);
	feed(1, 119);
	turn(3);
	assert_int_equal(since(2).drops[DROP_MTU], 2);
	port[2]->mtu = 1500;
	atomic_store(&port[2]->state, OFPPS_LINK_DOWN);
	feed(1, 60);
	turn(3);
	assert_int_equal(since(2).drops[DROP_LINK_DOWN], 1);
	port_poll_links(dp); /* the device's link was up all the time */
	assert_int_equal(atomic_load(&port[2]->state), OFPPS_LIVE);
	flow("in_port=1,actions=output:77");
	feed(1, 60);
	flow("in_port=1,actions=LOCAL");
	turn(3);
	feed(1, 60);
	turn(3);
	assert_int_equal(since(1).drops[DROP_NO_PORT] + since(1).drops[DROP_NO_LOCAL], 2);
	feed(3, 13); /* shorter than an Ethernet header */
	turn(3);
	assert_int_equal(since(3).drops[DROP_RX_TRUNCATED], 1);
}

static void port_mods_that_do_not_fit_are_refused(void **state)
{
	struct of_port_mod pm = { .kind = OF_KIND_port_mod, .port_no = 99 };
	struct of_err oe = { 0 };

	role_assume_control();
	assert_int_equal(port_mod(dp, &pm, &oe), -EPROTO);
	assert_int_equal(oe.type, OFPET_PORT_MOD_FAILED);
	assert_int_equal(oe.code, OFPPMFC_BAD_PORT);
	pm.port_no = 1;
	memset(pm.hw_addr, 0xee, 6);
	assert_int_equal(port_mod(dp, &pm, &oe), -EPROTO);
	assert_int_equal(oe.code, OFPPMFC_BAD_HW_ADDR);
	memcpy(pm.hw_addr, port[1]->mac, 6);
	pm.mask = 1u << 30;
	assert_int_equal(port_mod(dp, &pm, &oe), -EPROTO);
	assert_int_equal(oe.code, OFPPMFC_BAD_CONFIG);
	pm.mask = 0;
	pm.advertise = OFPPF_1TB_FD;
	assert_int_equal(port_mod(dp, &pm, &oe), -EPROTO);
	assert_int_equal(oe.code, OFPPMFC_BAD_ADVERTISE);
}

static int count_port(void *arg, struct port *p)
{
	uint32_t *last = arg;

	assert_true(p->no > *last);
	*last = p->no;
	return 0;
}

static void ports_are_numbered_and_found(void **state)
{
	struct port_spec spec;
	struct port *p;
	uint32_t last = 0;

	role_assume_control();
	assert_int_equal(port_spec_parse("vdev:net_null7", &spec, &e), 0);
	assert_int_equal(port_add(dp, "p1", 0, &spec, &p, &e), -EEXIST);
	assert_int_equal(port_add(dp, "x", 1, &spec, &p, &e), -EEXIST);
	assert_int_equal(port_add(dp, "x", PORT_LAST + 1, &spec, &p, &e), -EINVAL);
	assert_int_equal(port_add(dp, "x@y", 0, &spec, &p, &e), -EINVAL);
	assert_int_equal(port_add(dp, "abcdefghijklmnop", 0, &spec, &p, &e), -EINVAL);
	assert_int_equal(port_add(dp, "x", OFPP_LOCAL, &spec, &p, &e), 0);
	assert_ptr_equal(port_by_no(dp, OFPP_LOCAL), p);
	assert_ptr_equal(port_by_name(dp, "x"), p);
	assert_int_equal(port_each(dp, count_port, &last), 0);
	assert_int_equal(last, OFPP_LOCAL);
	assert_int_equal(port_del(dp, p, &e), 0);
	assert_null(port_by_no(dp, OFPP_LOCAL));
	assert_int_equal(port_add(dp, "x", 0, &spec, &p, &e), 0);
	assert_int_equal(p->no, PORTS + 1); /* the first that is free */
	assert_int_equal(port_del(dp, p, &e), 0);
}

/* Devices are a resource like others: when there are no more, that is an answer. */
static void too_many_devices_are_refused(void **state)
{
	struct port *p[RTE_MAX_ETHPORTS + 1];
	struct port_spec spec;
	char text[32], name[16];
	int rc = 0, n = 0;

	role_assume_control();
	while (n <= RTE_MAX_ETHPORTS) {
		snprintf(text, sizeof(text), "vdev:net_ring%d", 100 + n);
		snprintf(name, sizeof(name), "many%d", n);
		assert_int_equal(port_spec_parse(text, &spec, &e), 0);
		rc = port_add(dp, name, 0, &spec, &p[n], &e);
		if (rc)
			break;
		n++;
	}
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(n, RTE_MAX_ETHPORTS - PORTS);
	frame_is(1, 2, 0x88b5, 0);
	flow("in_port=1,actions=ALL");
	feed(1, FRAME);
	turn(3);
	for (int i = 0; i < n; i++)
		assert_int_equal(port_del(dp, p[i], &e), 0);
	assert_int_equal(since(2).tx_packets, 1);
}

/* ---- Injects, fragments, checksums ---- */

static void injects_are_bounded_and_come_back(void **state)
{
	unsigned int n = 0;
	uint64_t drops[N_DROPS];
	uint8_t *huge = calloc(1, 70000);

	role_assume_control();
	assert_non_null(huge);
	assert_int_equal(inject_port(dp, huge, 70000, 1), -EMSGSIZE);
	free(huge);
	frame_is(1, 2, 0x88b5, 0);
	while (!inject_port(dp, frame, FRAME, 1) && n < 100000)
		n++;
	assert_in_range(n, 512, 8192);
	assert_int_equal(inject_port(dp, frame, FRAME, 1), -ENOBUFS);
	turn(100);
	feed(1, FRAME); /* there is room again; and it says what was lost */
	turn(3);
	port_drops(dp, drops);
	assert_int_equal(drops[DROP_INJECT_FULL], 2);
}

static void packet_outs_run_their_actions(void **state)
{
	const struct inject_from from = { .in_port = OFPP_CONTROLLER };
	struct of_list actions = { 0 };
	struct insts *i;
	struct of_err oe;
	struct arena a;

	role_assume_control();
	arena_init(&a, 0);
	assert_int_equal(of_parse_actions("output:2,output:3", NULL, &a, &actions, &e), 0);
	i = insts_get_actions(dp, &actions, false, &oe);
	assert_non_null(i);
	frame_is(1, 2, 0x88b5, 0);
	assert_int_equal(inject_actions(dp, frame, FRAME, &from, i), 0);
	turn(3);
	assert_int_equal(since(2).tx_packets, 1);
	assert_int_equal(since(3).tx_packets, 1);
	actions.n = 0; /* no actions: dropped */
	i = insts_get_actions(dp, &actions, false, &oe);
	assert_non_null(i);
	assert_int_equal(inject_actions(dp, frame, FRAME, &from, i), 0);
	turn(3);
	role_assume_control();
	inject_reap(dp);
	arena_fini(&a);
}

/* An IPv4 packet with 20 bytes of TCP or 8 of UDP and an odd payload. */
static uint32_t ip_packet(uint8_t proto, bool fragment)
{
	const uint16_t n = proto == 6 ? 20 + 13 : 8 + 13;
	uint8_t *ip = frame + 14;

	frame_is(1, 2, 0x0800, 0);
	ip[0] = 0x45;
	put_be16(ip + 2, (uint16_t)(20 + n));
	put_be16(ip + 6, fragment ? 0x2000 : 0);
	ip[8] = 64;
	ip[9] = proto;
	put_be32(ip + 12, 0x0a000001);
	put_be32(ip + 16, 0x0a0000ff);
	for (unsigned int i = 0; i < n; i++)
		ip[20 + i] = (uint8_t)(i * 37 + 1);
	if (proto == 6)
		ip[20 + 12] = 0x50;
	else
		put_be16(ip + 24, n);
	return 14 + 20 + n;
}

static void fragments_are_dropped_by_configuration(void **state)
{
	uint32_t n = ip_packet(17, true);

	flow("in_port=1,actions=output:2");
	feed(1, n);
	turn(3);
	assert_int_equal(since(2).tx_packets, 1);
	atomic_store(&dp->frag_mode, OFPC_FRAG_DROP);
	feed(1, n);
	n = ip_packet(17, false);
	feed(1, n);
	turn(3);
	assert_int_equal(since(2).tx_packets, 2);
	assert_int_equal(since(1).drops[DROP_FRAGMENT], 1);
	atomic_store(&dp->frag_mode, OFPC_FRAG_NORMAL);
}

static uint16_t seen_csum;
static uint32_t seen_at;

static void look(struct dp *d, struct punt *p, void *arg)
{
	if (p->m)
		seen_csum = get_be16(rte_pktmbuf_mtod_offset(p->m, uint8_t *, seen_at));
}

static uint16_t through(uint32_t n)
{
	feed(1, n);
	turn(3);
	role_assume_control();
	assert_int_equal(punt_drain(dp, 10, look, NULL), 1);
	return seen_csum;
}

static void unfinished_checksums_are_finished(void **state)
{
	static const uint8_t protos[] = { 6, 17 };

	flow("in_port=1,actions=CONTROLLER:65535");
	port[1]->partial_csum = true;
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t n = ip_packet(protos[i], false);
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(frame + 14);
		uint8_t *field = frame + 34 + (protos[i] == 6 ? 16 : 6);
		uint16_t right, pseudo;

		seen_at = (uint32_t)(field - frame);
		memset(field, 0, 2);
		right = be16toh(rte_ipv4_udptcp_cksum(ip, field + 2 - (protos[i] == 6 ? 18 : 8)));
		pseudo = be16toh(rte_ipv4_phdr_cksum(ip, 0));
		put_be16(field, pseudo); /* as Linux leaves it */
		assert_int_equal(through(n), right);
		put_be16(field, right); /* right already */
		assert_int_equal(through(n), right);
		put_be16(field, (uint16_t)(right + 1)); /* wrong: not ours to repair */
		assert_int_equal(through(n), (uint16_t)(right + 1));
		put_be16(field, pseudo);
		put_be16(frame + 16, 2000); /* longer than the frame: untouched */
		assert_int_equal(through(n), pseudo);
	}
	port[1]->partial_csum = false;
}

/* As if it had come from outside. */
static void fill(unsigned int no, uint32_t n)
{
	while (n--) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(dp->pool);

		assert_non_null(m);
		memcpy(rte_pktmbuf_append(m, FRAME), frame, FRAME);
		assert_int_equal(rte_eth_tx_burst(port[no]->ethdev, 0, &m, 1), 1);
	}
}

static struct rx_turn *turn_of(unsigned int no)
{
	struct pmd_work *k = atomic_load(&w->work);

	for (unsigned int i = 0; i < k->n_rxqs; i++)
		if (k->rxqs[i].port == port[no])
			return &k->rxqs[i].turn;
	fail_msg("nobody serves port %u", no);
	return NULL;
}

/* What its bursts cost is put here, or it would be the machine's business. */
static void who_owes_misses_rounds_and_loses_nothing(void **state)
{
	frame_is(1, 2, 0x88b5, 0);
	fill(1, 10 * BURST_MAX);
	fill(2, 10 * BURST_MAX);
	*turn_of(1) = (struct rx_turn){ .cost = 1000, .price = 1000, .full = true };
	*turn_of(2) = (struct rx_turn){ .cost = 4000, .price = 4000, .full = true };
	w->turns = (struct rx_turns){ .forgiven = 1000 };
	role_assume_pmd();
	for (unsigned int i = 0; i < 8; i++)
		pmd_iteration(w);
	assert_int_equal(since(1).rx_packets, 8 * BURST_MAX);
	assert_int_equal(since(2).rx_packets, 2 * BURST_MAX);
	role_assume_pmd();
	for (unsigned int i = 0; i < 2 * TURN_EVERY; i++)
		pmd_iteration(w);
	assert_int_equal(since(2).rx_packets, 10 * BURST_MAX);
	assert_int_equal(since(2).drops[DROP_TABLE_MISS], 10 * BURST_MAX);
	assert_false(turn_of(2)->full);
	assert_int_equal(w->turns.forgiven, 0);
}

static void who_owes_waits_for_nobody_who_has_nothing(void **state)
{
	frame_is(1, 2, 0x88b5, 0);
	fill(2, 2 * BURST_MAX);
	*turn_of(2) =
		(struct rx_turn){ .cost = 4000, .price = 4000, .debt = 1u << 30, .full = true };
	w->turns = (struct rx_turns){ .forgiven = 1000 };
	role_assume_pmd();
	assert_int_equal(pmd_iteration(w), BURST_MAX);
	turn(1);
	assert_int_equal(since(2).rx_packets, 2 * BURST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_frame_goes_from_port_to_port),
		TEST(frames_leave_in_the_order_they_came),
		TEST(packet_ins_are_limited_for_each_port),
		TEST(a_control_thread_that_does_not_drain_costs_packet_ins_only),
		TEST(only_a_sleeping_control_thread_is_woken),
		TEST(a_table_miss_on_a_muted_port_is_silent),
		TEST(ports_heed_their_configuration),
		TEST(what_cannot_leave_is_counted),
		TEST(port_mods_that_do_not_fit_are_refused),
		TEST(ports_are_numbered_and_found),
		TEST(too_many_devices_are_refused),
		TEST(injects_are_bounded_and_come_back),
		TEST(packet_outs_run_their_actions),
		TEST(fragments_are_dropped_by_configuration),
		TEST(unfinished_checksums_are_finished),
		TEST(who_owes_misses_rounds_and_loses_nothing),
		TEST(who_owes_waits_for_nobody_who_has_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
