/* SPDX-License-Identifier: Apache-2.0 */
/* Network address translation: which addresses and ports connections get, by the numbers of the
 * RFCs' requirements. */
#include "tests/unit/datapath_ct_nat.h"

static struct ct *table;

static int fresh(void **state)
{
	struct err e = { "" };

	role_assume_control();
	ct_free(table);
	table = ct_new("test", 1 << 17, &e);
	assert_non_null(table);
	h.w->now = rte_rdtsc();
	return 0;
}

/* ---- Connections ---- */

/* The connection of 'k' translated by 'spec', in 'c'; ct_nat_add()'s answer. */
static int try_add(const struct ct_tuple *k, const struct ct_nat_spec *spec, struct ct_conn *out)
{
	struct ct_conn *c;
	enum drop why;
	int err;

	role_assume_pmd();
	c = ct_slot_get(h.w, table, 0, &why);
	assert_non_null(c);
	c->orig = *k;
	c->reply = turned(k);
	ct_touch(table, c, CT_T_OTHER_MULTIPLE, c->started);
	err = ct_nat_add(h.w, table, c, ct_hash(table, &c->orig), spec);
	if (out)
		memcpy(out, c, sizeof(*out));
	if (err)
		ct_slot_put(h.w, table, c);
	return err;
}

static struct ct_conn added(const struct ct_tuple *k, const struct ct_nat_spec *spec)
{
	struct ct_conn c;

	assert_int_equal(try_add(k, spec, &c), 0);
	return c;
}

static void forget(const struct ct_tuple *k)
{
	enum ct_dir dir;
	struct ct_conn *c = ct_find(table, k, ct_hash(table, k), ct_now(table, h.w->now), &dir);

	assert_non_null(c);
	ct_kill(table, c);
}

static struct ct_nat_spec range(const char *min, const char *max, uint16_t pmin, uint16_t pmax)
{
	struct ct_nat_spec s = { .src = true, .port_min = pmin, .port_max = pmax };

	if (min) {
		s.l3 = strchr(min, ':') ? 6 : 4;
		addr_is(s.min, s.l3, min);
		addr_is(s.max, s.l3, max ? max : min);
	}
	return s;
}

static struct ct_nat_spec dst_range(const char *min, const char *max, uint16_t pmin, uint16_t pmax)
{
	struct ct_nat_spec s = range(min, max, pmin, pmax);

	s.src = false;
	s.dst = true;
	return s;
}

static uint16_t out_port(const struct ct_conn *c)
{
	return be16toh(c->reply.dst_port);
}

static void addr_equal(const uint8_t a[16], uint8_t l3, const char *text)
{
	uint8_t b[16];

	addr_is(b, l3, text);
	assert_memory_equal(a, b, 16);
}

/* ---- Choice ---- */

/* "A NAT MUST NOT have a 'Port assignment' behavior of 'Port overloading'": of one destination. */
static void rfc4787_req3_req4_two_hosts_never_share_a_port(void **state)
{
	const struct ct_nat_spec s = range("192.0.2.1", NULL, 0, 0);
	uint8_t seen[65536] = { 0 };

	for (uint16_t i = 1; i < 500; i++) {
		char src[32];
		struct ct_tuple k;
		struct ct_conn c;

		snprintf(src, sizeof(src), "10.0.%u.%u", i >> 8, i & 255);
		k = tuple(IPPROTO_UDP, src, 5000, "198.51.100.1", 53);
		c = added(&k, &s);
		addr_equal(c.reply.dst, 4, "192.0.2.1");
		assert_int_equal(c.flags & (CT_F_SNAT | CT_F_DNAT), CT_F_SNAT);
		assert_false(seen[out_port(&c)]++);
		assert_int_equal(out_port(&c) == 5000, i == 1);
		/* REQ-3 a: never a privileged one for one that was not; REQ-4: parity. */
		assert_true(out_port(&c) >= 1024);
		assert_int_equal(out_port(&c) % 2, 0);
	}
}

static void rfc4787_req3a_privileged_ports_stay_so(void **state)
{
	const struct ct_nat_spec s = range("192.0.2.1", NULL, 0, 0);

	for (unsigned int i = 1; i < 100; i++) {
		char src[32];
		struct ct_tuple k;
		struct ct_conn c;

		snprintf(src, sizeof(src), "10.0.0.%u", i);
		k = tuple(IPPROTO_UDP, src, 123, "198.51.100.1", 123);
		c = added(&k, &s);
		assert_true(out_port(&c) && out_port(&c) < 512);
		k = tuple(IPPROTO_TCP, src, 800, "198.51.100.1", 514);
		c = added(&k, &s);
		assert_true(out_port(&c) >= 512 && out_port(&c) < 1024);
	}
}

static void a_port_of_the_range_is_kept(void **state)
{
	const struct ct_nat_spec s = range("192.0.2.1", NULL, 6000, 6999);
	struct ct_tuple k = tuple(IPPROTO_TCP, "10.0.0.1", 6500, "198.51.100.1", 80);
	struct ct_conn c = added(&k, &s);

	assert_int_equal(out_port(&c), 6500);
	k.src_port = htobe16(7000);
	c = added(&k, &s);
	assert_in_range(out_port(&c), 6000, 6999);
}

static void rfc4787_req2_one_host_keeps_one_address(void **state)
{
	const struct ct_nat_spec s = range("192.0.2.1", "192.0.2.16", 0, 0);
	uint32_t hosts_of[17] = { 0 }, used = 0;

	for (unsigned int i = 1; i < 200; i++) {
		char src[32];
		uint8_t first[16];

		snprintf(src, sizeof(src), "10.0.0.%u", i);
		for (uint16_t port = 0; port < 5; port++) {
			struct ct_tuple k = tuple(IPPROTO_TCP, src, (uint16_t)(4000 + port),
						  port % 2 ? "198.51.100.1" : "203.0.113.9", 80);
			struct ct_conn c = added(&k, &s);

			if (!port)
				memcpy(first, c.reply.dst, 16);
			assert_memory_equal(first, c.reply.dst, 16);
			assert_in_range(c.reply.dst[3], 1, 16);
		}
		hosts_of[first[3]]++;
	}
	for (unsigned int i = 1; i <= 16; i++)
		used += hosts_of[i] > 0;
	assert_true(used >= 14);
}

static void persistent_means_the_same_for_any_table(void **state)
{
	struct ct_nat_spec s = range("2001:db8::1", "2001:db8::ffff:0", 0, 0);
	struct ct_tuple k = tuple(IPPROTO_TCP, "fd00::7", 4000, "2001:db8:1::1", 80);
	struct ct_conn c;

	s.persistent = true;
	c = added(&k, &s);
	/* A number of this build's, not of this run's. */
	addr_equal(c.reply.dst, 6, "2001:db8::63f6:1a5");
}

static void ranges_run_out(void **state)
{
	const struct ct_nat_spec one = range("192.0.2.1", NULL, 7000, 7000);
	const struct ct_nat_spec ten = range("192.0.2.2", NULL, 7001, 7010);
	struct ct_tuple k = tuple(IPPROTO_TCP, "10.0.0.1", 4000, "198.51.100.1", 80);
	struct ct_conn c = added(&k, &one);

	assert_int_equal(out_port(&c), 7000);
	k.src_port = htobe16(4001);
	assert_int_equal(try_add(&k, &one, NULL), -EADDRNOTAVAIL);
	/* Another server is another matter. */
	k.dst[3] = 2;
	assert_int_equal(try_add(&k, &one, NULL), 0);
	for (uint16_t i = 0; i < 11; i++) {
		k.src_port = htobe16((uint16_t)(5000 + i));
		assert_int_equal(try_add(&k, &ten, NULL), i < 10 ? 0 : -EADDRNOTAVAIL);
	}
}

static void the_next_address_helps_out(void **state)
{
	const struct ct_nat_spec s = range("192.0.2.1", "192.0.2.3", 7000, 7001);
	uint32_t n[4] = { 0 };

	for (uint16_t i = 0; i < 7; i++) {
		struct ct_tuple k =
			tuple(IPPROTO_UDP, "10.0.0.1", (uint16_t)(4000 + i), "198.51.100.1", 80);
		struct ct_conn c;

		assert_int_equal(try_add(&k, &s, &c), i < 6 ? 0 : -EADDRNOTAVAIL);
		if (i < 6)
			n[c.reply.dst[3]]++;
	}
	assert_int_equal(n[1], 2);
	assert_int_equal(n[2], 2);
	assert_int_equal(n[3], 2);
}

static void whole_class_of_ports(void **state)
{
	/* All 511 of the lowest class, and no more. */
	const struct ct_nat_spec s = range("192.0.2.1", NULL, 0, 0);
	unsigned int n = 0;

	for (uint16_t i = 0; i < 600; i++) {
		struct ct_tuple k = tuple(IPPROTO_UDP, "10.0.0.1", 100, "198.51.100.1", 53);

		k.src[2] = (uint8_t)(i >> 8);
		k.src[3] = (uint8_t)i;
		n += !try_add(&k, &s, NULL);
	}
	assert_int_equal(n, 511);
}

static void hash_is_the_same_each_time_and_random_is_not(void **state)
{
	struct ct_nat_spec s = range("192.0.2.1", NULL, 10000, 59999);
	struct ct_tuple k = tuple(IPPROTO_TCP, "10.0.0.1", 20000, "198.51.100.1", 80);
	uint32_t kept = 0, bins[10] = { 0 };
	uint16_t first;
	struct ct_conn c;

	s.hash = true;
	c = added(&k, &s);
	first = out_port(&c);
	forget(&k);
	c = added(&k, &s);
	assert_int_equal(out_port(&c), first);
	s.hash = false;
	s.random = true;
	for (uint16_t i = 0; i < 1000; i++) {
		k.src_port = htobe16((uint16_t)(20001 + i));
		c = added(&k, &s);
		kept += out_port(&c) == 20001 + i;
		bins[(out_port(&c) - 10000) / 5000]++;
	}
	assert_true(kept < 5);
	for (unsigned int i = 0; i < 10; i++)
		assert_in_range(bins[i], 50, 160);
}

/* Who talks to one server from behind one address has the hash of all others who do, and yet a port
 * of his own, be it a port or an identifier; an address has more of them than the hash tells. */
static void hash_leaves_all_ports_to_one_server(void **state)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };
	struct ct_nat_spec s = range("192.0.2.1", NULL, 0, 0);

	s.hash = true;
	for (unsigned int p = 0; p < sizeof(protos); p++) {
		const bool icmp = protos[p] == IPPROTO_ICMP;
		uint8_t seen[65536] = { 0 };

		for (uint16_t i = 0; i < 3000; i++) {
			struct ct_tuple k = tuple(protos[p], "10.0.0.1", 20000, "198.51.100.1",
						  icmp ? 0x0800 : 443);
			struct ct_conn c;
			uint16_t port;

			k.src[2] = (uint8_t)(i >> 8);
			k.src[3] = (uint8_t)i;
			c = added(&k, &s);
			addr_equal(c.reply.dst, 4, "192.0.2.1");
			port = icmp ? be16toh(c.reply.src_port) : out_port(&c);
			assert_true(icmp || port >= 1024);
			assert_false(seen[port]++);
		}
	}
}

static void zeros_only_when_ports_collide(void **state)
{
	const struct ct_nat_spec s = range("0.0.0.0", NULL, 0, 0);
	const struct ct_nat_spec d = dst_range("10.9.9.9", NULL, 0, 0);
	struct ct_tuple k = tuple(IPPROTO_TCP, "10.0.0.1", 4000, "10.9.9.9", 80);
	struct ct_conn c = added(&k, &s);

	assert_int_equal(c.flags & (CT_F_SNAT | CT_F_DNAT), 0);
	assert_int_equal(out_port(&c), 4000);
	/* The same client to the same server by another address. */
	k = tuple(IPPROTO_TCP, "10.0.0.1", 4000, "192.0.2.80", 80);
	c = added(&k, &d);
	assert_int_equal(c.flags & (CT_F_SNAT | CT_F_DNAT), CT_F_SNAT | CT_F_DNAT);
	assert_true(out_port(&c) != 4000);
	addr_equal(c.reply.dst, 4, "10.0.0.1");
	addr_equal(c.reply.src, 4, "10.9.9.9");
	assert_int_equal(be16toh(c.reply.src_port), 80);
}

static void destinations_spread_and_persistent_ones_do_not(void **state)
{
	struct ct_nat_spec s = dst_range("10.9.9.1", "10.9.9.4", 8080, 8083);
	uint32_t n[5] = { 0 };
	struct ct_conn c;

	for (uint16_t i = 0; i < 400; i++) {
		struct ct_tuple k =
			tuple(IPPROTO_TCP, "10.0.0.1", (uint16_t)(4000 + i), "192.0.2.80", 80);

		c = added(&k, &s);
		assert_int_equal(c.flags & (CT_F_SNAT | CT_F_DNAT), CT_F_DNAT);
		assert_in_range(be16toh(c.reply.src_port), 8080, 8083);
		n[c.reply.src[3]]++;
	}
	for (unsigned int i = 1; i <= 4; i++)
		assert_in_range(n[i], 50, 150);
	s.persistent = true;
	memset(n, 0, sizeof(n));
	for (uint16_t i = 0; i < 20; i++) {
		struct ct_tuple k =
			tuple(IPPROTO_TCP, "10.0.0.1", (uint16_t)(9000 + i), "192.0.2.80", 80);

		c = added(&k, &s);
		n[c.reply.src[3]]++;
	}
	assert_true(n[1] == 20 || n[2] == 20 || n[3] == 20 || n[4] == 20);
}

/* Identifiers of queries are translated as ports are. */
static void rfc5508_req1_queries_have_identifiers(void **state)
{
	const struct ct_nat_spec s = range("192.0.2.1", NULL, 0, 0);
	struct ct_tuple k = tuple(IPPROTO_ICMP, "10.0.0.1", 7, "198.51.100.1", 0x0800);
	struct ct_conn c = added(&k, &s);

	assert_int_equal(be16toh(c.reply.src_port), 7);
	assert_int_equal(c.reply.dst_port, 0);
	k.src[3] = 2;
	c = added(&k, &s);
	assert_int_not_equal(be16toh(c.reply.src_port), 7);
	assert_int_equal(c.reply.dst_port, 0);
	assert_int_equal(c.flags & (CT_F_SNAT | CT_F_DNAT), CT_F_SNAT);
}

static void what_has_no_ports_has_addresses(void **state)
{
	const struct ct_nat_spec s = range("192.0.2.1", "192.0.2.2", 5000, 5010);
	struct ct_tuple k = tuple(IPPROTO_GRE, "10.0.0.1", 0, "198.51.100.1", 0);

	for (uint8_t i = 1; i <= 3; i++) {
		struct ct_conn c;

		k.src[3] = i;
		assert_int_equal(try_add(&k, &s, &c), i < 3 ? 0 : -EADDRNOTAVAIL);
		assert_int_equal(c.reply.dst_port, 0);
	}
}

static void a_range_of_the_other_version_has_nothing(void **state)
{
	const struct ct_nat_spec s = range("192.0.2.1", NULL, 0, 0);
	const struct ct_tuple k = tuple(IPPROTO_TCP, "fd00::1", 1, "2001:db8::1", 80);

	assert_int_equal(try_add(&k, &s, NULL), -EADDRNOTAVAIL);
}

static void who_is_second_is_told(void **state)
{
	const struct ct_nat_spec s = range("192.0.2.1", NULL, 0, 0);
	const struct ct_tuple k = tuple(IPPROTO_TCP, "10.0.0.1", 1025, "198.51.100.1", 80);

	assert_int_equal(try_add(&k, &s, NULL), 0);
	assert_int_equal(try_add(&k, &s, NULL), -EEXIST);
}

/* A connection to itself: what comes back must not look like what went. */
static void its_own_mirror(void **state)
{
	const struct ct_nat_spec s = range(NULL, NULL, 0, 0);
	struct ct_nat_spec none = s;
	const struct ct_tuple k = tuple(IPPROTO_UDP, "10.0.0.1", 5000, "10.0.0.1", 5000);
	struct ct_conn c;

	none.src = false;
	c = added(&k, &none);
	assert_int_not_equal(out_port(&c), 5000);
}

/* A server that is behind its own outside address asks for itself: the packet does not become one
 * that looks like its own answer ("land"), which the next ct() and the host would refuse. */
static void nobody_gets_his_own_packet_back(void **state)
{
	const struct ct_tuple k = tuple(IPPROTO_TCP, "10.0.0.1", 80, "203.0.113.1", 80);
	const struct ct_tuple p = tuple(47, "10.0.0.1", 0, "203.0.113.1", 0);
	struct ct_nat_spec s = dst_range("10.0.0.1", NULL, 0, 0);
	struct ct_conn c = added(&k, &s);

	assert_memory_equal(c.reply.src, c.reply.dst, 16);
	assert_int_equal(be16toh(c.reply.src_port), 80);
	assert_int_not_equal(be16toh(c.reply.dst_port), 80);
	assert_int_equal(c.flags & (CT_F_SNAT | CT_F_DNAT), CT_F_SNAT | CT_F_DNAT);
	/* Without ports there is no other one. */
	assert_int_equal(try_add(&p, &s, NULL), -EADDRNOTAVAIL);
}

#define T(f) cmocka_unit_test_setup(f, fresh)

static int setup(void **state)
{
	static const struct dp_opts o = { .name = "nat", .dpid = 1 };

	return harness_setup(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rfc4787_req3_req4_two_hosts_never_share_a_port),
		T(rfc4787_req3a_privileged_ports_stay_so),
		T(a_port_of_the_range_is_kept),
		T(nobody_gets_his_own_packet_back),
		T(rfc4787_req2_one_host_keeps_one_address),
		T(persistent_means_the_same_for_any_table),
		T(ranges_run_out),
		T(the_next_address_helps_out),
		T(whole_class_of_ports),
		T(hash_is_the_same_each_time_and_random_is_not),
		T(hash_leaves_all_ports_to_one_server),
		T(zeros_only_when_ports_collide),
		T(destinations_spread_and_persistent_ones_do_not),
		T(rfc5508_req1_queries_have_identifiers),
		T(what_has_no_ports_has_addresses),
		T(a_range_of_the_other_version_has_nothing),
		T(who_is_second_is_told),
		T(its_own_mirror),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}
