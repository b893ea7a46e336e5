/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network address translation: which addresses and ports connections get, by the numbers of the
 * RFCs' requirements, and what packets look like before and after.
 */
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
static void two_hosts_never_share_a_port(void **state)
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

static void privileged_ports_stay_so(void **state)
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

static void one_host_keeps_one_address(void **state)
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

/* RFC 5508 REQ-1: identifiers of queries are translated as ports are. */
static void queries_have_identifiers(void **state)
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

/* ---- Packets ---- */

/* What 'f' becomes; its checksums hold, and its key is what a parser finds. */
static uint32_t translated(uint8_t *f, uint32_t n, const struct ct_pkt *like,
			   const struct ct_conn *c, enum ct_dir dir, int expect)
{
	const struct ct_tuple *k = dir == CT_ORIG ? &c->orig : &c->reply;
	struct pkt *p, again;
	struct ct_pkt cp;
	struct rte_mbuf *m = mbuf_with(f, n);

	role_assume_pmd();
	p = pkt_with(m);
	cp = pkt_of(p, k);
	if (like) {
		cp.kind = like->kind;
		cp.inner_l3 = like->inner_l3;
		cp.inner_l4 = like->inner_l4;
	}
	assert_int_equal(ct_nat_apply(h.w, h.w->burst, p, &cp, c, dir), expect);
	memcpy(&again, p, sizeof(again));
	pkt_reparse(&again);
	assert_memory_equal(&again.key, &p->key, sizeof(p->key));
	n = p->m->pkt_len;
	chain_read(p->m, 0, n, f);
	check_sums(f + L2, n - L2);
	rte_pktmbuf_free(p->m);
	return n;
}

static struct ct_conn conn_of(struct ct_tuple orig, struct ct_tuple reply)
{
	struct ct_conn c = { .orig = orig, .reply = reply };
	const bool icmp = orig.proto == IPPROTO_ICMP || orig.proto == IPPROTO_ICMPV6;

	if (memcmp(orig.src, reply.dst, 16) ||
	    orig.src_port != (icmp ? reply.src_port : reply.dst_port))
		c.flags |= CT_F_SNAT;
	if (memcmp(orig.dst, reply.src, 16) || (!icmp && orig.dst_port != reply.src_port))
		c.flags |= CT_F_DNAT;
	return c;
}

static void random_tuple(struct ct_tuple *k, uint8_t l3, uint8_t proto)
{
	*k = (struct ct_tuple){ .l3 = l3, .proto = proto };
	for (unsigned int i = 0; i < (l3 == 4 ? 4 : 16); i++) {
		k->src[i] = (uint8_t)a_random();
		k->dst[i] = (uint8_t)a_random();
	}
	k->src[0] = k->dst[0] = 10;
	k->src_port = (be16)a_random();
	k->dst_port = (be16)a_random();
	if (proto == IPPROTO_ICMP)
		k->dst_port = htobe16(a_random() % 2 ? 0x0800 : 0);
	else if (proto == IPPROTO_ICMPV6)
		k->dst_port = htobe16(a_random() % 2 ? 0x8000 : 0x8100);
	else if (proto != IPPROTO_TCP && proto != IPPROTO_UDP && proto != IPPROTO_SCTP)
		k->src_port = k->dst_port = 0;
}

/* A connection with any translation of any part. */
static struct ct_conn random_conn(uint8_t l3, uint8_t proto)
{
	struct ct_tuple o, r, other;

	random_tuple(&o, l3, proto);
	random_tuple(&other, l3, proto);
	r = turned(&o);
	if (a_random() % 4)
		memcpy(r.dst, other.src, 16);
	if (a_random() % 2)
		memcpy(r.src, other.dst, 16);
	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) {
		r.src_port = other.src_port;
	} else {
		r.dst_port = a_random() % 2 ? other.dst_port : r.dst_port;
		r.src_port = a_random() % 2 ? other.src_port : r.src_port;
	}
	return conn_of(o, r);
}

static int expected(const struct ct_conn *c, enum ct_dir dir)
{
	const bool s = c->flags & CT_F_SNAT, d = c->flags & CT_F_DNAT;

	return (dir == CT_ORIG ? s : d) * CT_SNAT + (dir == CT_ORIG ? d : s) * CT_DNAT;
}

static const uint8_t protos[] = { IPPROTO_TCP,	  IPPROTO_UDP,	IPPROTO_SCTP, IPPROTO_ICMP,
				  IPPROTO_ICMPV6, IPPROTO_DCCP, IPPROTO_GRE };

/* What arrives is what the far side's own packet would look like, byte for byte. */
static void packets_become_those_of_the_other_tuple(void **state)
{
	static uint8_t f[FRAME_MAX], want[FRAME_MAX], data[2000];

	for (unsigned int i = 0; i < 20000; i++) {
		const uint8_t l3 = i % 2 ? 4 : 6, proto = protos[a_random() % RTE_DIM(protos)];
		const enum ct_dir dir = a_random() % 2 ? CT_ORIG : CT_REPLY;
		uint32_t n = (uint32_t)(a_random() % (i % 16 ? 64 : 1900));
		struct ct_tuple other;
		struct ct_conn c;

		if ((proto == IPPROTO_ICMP && l3 == 6) || (proto == IPPROTO_ICMPV6 && l3 == 4))
			continue;
		c = random_conn(l3, proto);
		for (uint32_t j = 0; j < n; j++)
			data[j] = (uint8_t)a_random();
		other = turned(dir == CT_ORIG ? &c.reply : &c.orig);
		if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)
			other.dst_port = dir == CT_ORIG ? c.orig.dst_port : c.reply.dst_port;
		n = packet(f, dir == CT_ORIG ? &c.orig : &c.reply, data, n);
		packet(want, &other, data, n - L2 - (l3 == 4 ? 20 : 40) - l4_min(proto));
		assert_int_equal(translated(f, n, NULL, &c, dir, expected(&c, dir)), n);
		/* A sum of zero has two forms; UDP's is the one that is sent, others' either. */
		for (uint32_t j = 0; j < n; j++)
			if (f[j] != want[j] &&
			    !((f[j] == 0 && want[j] == 0xff) || (f[j] == 0xff && want[j] == 0)))
				fail_msg("byte %u of protocol %u: %02x, not %02x", j, proto, f[j],
					 want[j]);
	}
}

static void udp_without_a_checksum_keeps_none(void **state)
{
	const struct ct_conn c = conn_of(tuple(IPPROTO_UDP, "10.0.0.1", 5000, "198.51.100.1", 53),
					 tuple(IPPROTO_UDP, "198.51.100.1", 53, "192.0.2.1", 6000));
	uint8_t f[256];
	uint32_t n = packet(f, &c.orig, "hello", 5);

	put_be16(f + L2 + 26, 0);
	translated(f, n, NULL, &c, CT_ORIG, CT_SNAT);
	assert_int_equal(get_be16(f + L2 + 26), 0);
	assert_int_equal(get_be16(f + L2 + 20), 6000);
}

static void damage_is_not_repaired(void **state)
{
	const struct ct_conn c = conn_of(tuple(IPPROTO_TCP, "10.0.0.1", 5000, "198.51.100.1", 53),
					 tuple(IPPROTO_TCP, "198.51.100.1", 53, "192.0.2.1", 6000));
	uint8_t f[256];
	const uint32_t n = packet(f, &c.orig, "hello", 5);
	struct ct_pkt cp;
	struct pkt *p;

	f[n - 1] ^= 1;
	role_assume_pmd();
	p = pkt_with(mbuf_with(f, n));
	cp = pkt_of(p, &c.orig);
	assert_int_equal(ct_nat_apply(h.w, h.w->burst, p, &cp, &c, CT_ORIG), CT_SNAT);
	chain_read(p->m, 0, n, f);
	assert_int_not_equal(l4_sum(f + L2, f + L2 + 20, IPPROTO_TCP, 25), 0xffff);
	rte_pktmbuf_free(p->m);
}

static void a_shared_frame_is_copied(void **state)
{
	const struct ct_conn c = conn_of(tuple(IPPROTO_TCP, "10.0.0.1", 5000, "198.51.100.1", 53),
					 tuple(IPPROTO_TCP, "198.51.100.1", 53, "192.0.2.1", 6000));
	uint8_t f[256], g[256];
	const uint32_t n = packet(f, &c.orig, "hello", 5);
	struct rte_mbuf *m = mbuf_with(f, n);
	struct ct_pkt cp;
	struct pkt *p;

	role_assume_pmd();
	rte_mbuf_refcnt_update(m, 1);
	p = pkt_with(m);
	cp = pkt_of(p, &c.orig);
	assert_int_equal(ct_nat_apply(h.w, h.w->burst, p, &cp, &c, CT_ORIG), CT_SNAT);
	assert_ptr_not_equal(p->m, m);
	chain_read(m, 0, n, g);
	assert_memory_equal(f, g, n);
	rte_pktmbuf_free(m);
	chain_read(p->m, 0, n, g);
	assert_int_equal(get_be16(g + L2 + 20), 6000);
	rte_pktmbuf_free(p->m);
}

/* A frame in segments of any lengths has the sum that it has in one. */
static void sums_of_chains(void **state)
{
	static uint8_t f[600];

	for (uint32_t i = 0; i < sizeof(f); i++)
		f[i] = (uint8_t)(a_random() | 0xc0);
	for (unsigned int i = 0; i < 2000; i++) {
		struct rte_mbuf *m = NULL;
		uint32_t off = (uint32_t)(a_random() % 100), n, sum;

		for (uint32_t at = 0; at < sizeof(f);) {
			const uint32_t here =
				RTE_MIN((uint32_t)(a_random() % 90 + 1), (uint32_t)sizeof(f) - at);
			struct rte_mbuf *seg = mbuf_with(f + at, here);

			if (m)
				assert_int_equal(rte_pktmbuf_chain(m, seg), 0);
			else
				m = seg;
			at += here;
		}
		n = (uint32_t)(a_random() % (sizeof(f) - off + 1));
		sum = plain_sum(f + off, n, 0);
		assert_int_equal(be16toh(chain_sum(m, off, n)), sum);
		rte_pktmbuf_free(m);
	}
}

/* ---- ICMP errors ---- */

/* An error about a packet of direction !dir, as the other side saw it, and what the packet's sender
 * is told: the same error about the packet it sent. */
static void error_case(const struct ct_conn *c, enum ct_dir dir, bool router, uint32_t room)
{
	static uint8_t f[FRAME_MAX], want[FRAME_MAX], quote[FRAME_MAX], orig[FRAME_MAX];
	const struct ct_tuple *have = dir == CT_ORIG ? &c->orig : &c->reply;
	const struct ct_tuple *other = dir == CT_ORIG ? &c->reply : &c->orig;
	struct ct_tuple seen = turned(have);
	const uint8_t l3 = have->l3;
	struct ct_pkt like = { .kind = CT_K_ERROR };
	uint8_t from[16], told[16] = { 10, 77, 77, 77 };
	uint32_t n, hlen = l3 == 4 ? 20 : 40, at;

	if (have->proto == IPPROTO_ICMP || have->proto == IPPROTO_ICMPV6)
		seen.dst_port = other->dst_port; /* the query's own */
	ip_packet(quote, &seen, "0123456789abcdef", 16);
	ip_packet(orig, other, "0123456789abcdef", 16);
	memcpy(from, router ? told : have->src, 16);
	if (!router || memcmp(have->src, other->dst, l3 == 4 ? 4 : 16))
		memcpy(told, other->dst, 16);
	n = icmp_error(f, from, &seen, l3 == 4 ? 3 : 1, 1, quote, room);
	icmp_error(want, told, other, l3 == 4 ? 3 : 1, 1, orig, room);
	like.inner_l3 = (uint16_t)(L2 + hlen + 8);
	like.inner_l4 = (uint16_t)(like.inner_l3 + hlen);
	translated(f, n, &like, c, dir, expected(c, dir));
	/* But for the ICMP sum, which check_sums() took, and quoted sums that are not there whole
	 * (and zero, which has two forms). */
	memset(f + L2 + hlen + 2, 0, 2);
	memset(want + L2 + hlen + 2, 0, 2);
	at = have->proto == IPPROTO_SCTP ? 8 : sum_at(have->proto);
	if (room < hlen + at + (have->proto == IPPROTO_SCTP ? 4 : 2) && room > hlen + at)
		n = like.inner_l4 + at;
	for (uint32_t j = 0; j < n; j++)
		if (f[j] != want[j] &&
		    !((f[j] == 0 && want[j] == 0xff) || (f[j] == 0xff && want[j] == 0)))
			fail_msg("byte %u of an error about protocol %u, %u bytes: %02x, not %02x",
				 j, have->proto, room, f[j], want[j]);
}

static void errors_quote_what_their_reader_sent(void **state)
{
	for (unsigned int i = 0; i < 4000; i++) {
		const uint8_t l3 = i % 2 ? 4 : 6, proto = protos[a_random() % 5];
		const uint32_t hlen = l3 == 4 ? 20 : 40;
		struct ct_conn c;

		if ((proto == IPPROTO_ICMP && l3 == 6) || (proto == IPPROTO_ICMPV6 && l3 == 4))
			continue;
		c = random_conn(l3, proto);
		if (!c.flags)
			continue;
		/* Whole; and cut off anywhere behind what the tracker asks for. */
		error_case(&c, i & 2 ? CT_ORIG : CT_REPLY, i & 4,
			   hlen + l4_min(proto) + 16 -
				   (uint32_t)(i & 8 ? a_random() % (l4_min(proto) + 8) : 0));
	}
}

/* The quoted SCTP packet's CRC is of the whole, wherever the quote ends. */
static void truncated_anywhere(void **state)
{
	for (unsigned int i = 0; i < RTE_DIM(protos) - 2; i++)
		for (uint8_t l3 = 4; l3 <= 6; l3 += 2) {
			const uint32_t hlen = l3 == 4 ? 20 : 40;
			struct ct_conn c;

			if ((protos[i] == IPPROTO_ICMP && l3 == 6) ||
			    (protos[i] == IPPROTO_ICMPV6 && l3 == 4))
				continue;
			do
				c = random_conn(l3, protos[i]);
			while (!(c.flags & CT_F_SNAT) || !(c.flags & CT_F_DNAT));
			for (uint32_t room = 8; room <= l4_min(protos[i]) + 16; room++)
				error_case(&c, CT_REPLY, room % 2, hlen + room);
		}
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
		T(two_hosts_never_share_a_port),
		T(privileged_ports_stay_so),
		T(a_port_of_the_range_is_kept),
		T(one_host_keeps_one_address),
		T(persistent_means_the_same_for_any_table),
		T(ranges_run_out),
		T(the_next_address_helps_out),
		T(whole_class_of_ports),
		T(hash_is_the_same_each_time_and_random_is_not),
		T(zeros_only_when_ports_collide),
		T(destinations_spread_and_persistent_ones_do_not),
		T(queries_have_identifiers),
		T(what_has_no_ports_has_addresses),
		T(a_range_of_the_other_version_has_nothing),
		T(who_is_second_is_told),
		T(its_own_mirror),
		T(packets_become_those_of_the_other_tuple),
		T(udp_without_a_checksum_keeps_none),
		T(damage_is_not_repaired),
		T(a_shared_frame_is_copied),
		T(sums_of_chains),
		T(errors_quote_what_their_reader_sent),
		T(truncated_anywhere),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}
