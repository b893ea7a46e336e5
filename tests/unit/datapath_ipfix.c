/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: NX sample: what collectors are told of flows, by IPFIX */
/*
 * Samples to flows, flows to records, records to messages of IPFIX, as a collector at a socket gets
 * them: read here by the templates that came with them, and not by what made them (RFC 7011).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "base/byteorder.h"
#include "datapath/act.h"
#include "datapath/dp.h"
#include "datapath/eal.h"
#include "datapath/ipfix.h"
#include "datapath/parse.h"
#include "ofproto/enum.h"

enum { RECORDS = 8192, TEMPLATES = 64, FIELDS = 64, ELEMENTS = 512 };

struct field {
	uint16_t number, bytes;
};

struct record {
	uint32_t domain;
	bool has[ELEMENTS];
	uint64_t value[ELEMENTS];
};

static struct {
	struct dp *dp;
	struct pmd *w;
	int fd;
	uint16_t port;
	uint64_t hz, now, wall;
	struct {
		uint16_t id, n;
		struct field field[FIELDS];
	} templates[TEMPLATES];
	unsigned int n_templates, templates_seen, messages, n;
	uint32_t sequence[16]; /* by domain: data records so far */
	struct record records[RECORDS];
} t;

/* ---- A collector ---- */

static const uint8_t *read_field(const uint8_t *p, const struct field *f, struct record *r)
{
	unsigned int n = f->bytes;
	uint64_t v = 0;

	if (n == 0xffff)
		n = *p++;
	for (unsigned int i = 0; i < n; i++)
		v = v << 8 | p[i];
	assert_in_range(f->number, 1, ELEMENTS - 1);
	r->has[f->number] = true;
	r->value[f->number] = v; /* of an address its last 8 bytes */
	return p + n;
}

static void read_templates(const uint8_t *p, const uint8_t *end)
{
	while (p < end) {
		const uint16_t id = get_be16(p), n = get_be16(p + 2);
		unsigned int i = 0;

		assert_true(id >= 256 && n && n <= FIELDS);
		while (i < t.n_templates && t.templates[i].id != id)
			i++;
		assert_true(i < TEMPLATES);
		if (i == t.n_templates)
			t.n_templates++;
		t.templates[i].id = id;
		t.templates[i].n = n;
		p += 4;
		for (unsigned int k = 0; k < n; k++, p += 4)
			t.templates[i].field[k] = (struct field){ get_be16(p), get_be16(p + 2) };
		t.templates_seen++;
	}
	assert_ptr_equal(p, end);
}

static void read_data(uint16_t id, const uint8_t *p, const uint8_t *end, uint32_t domain)
{
	unsigned int i = 0;

	while (i < t.n_templates && t.templates[i].id != id)
		i++;
	if (i == t.n_templates)
		fail_msg("data of template %u, which was not sent", id);
	while (p < end) {
		struct record *r = &t.records[t.n++];

		assert_true(t.n < RECORDS);
		*r = (struct record){ .domain = domain };
		for (unsigned int k = 0; k < t.templates[i].n; k++)
			p = read_field(p, &t.templates[i].field[k], r);
		t.sequence[domain]++;
	}
	assert_ptr_equal(p, end);
}

static void read_message(const uint8_t *m, size_t n)
{
	const uint8_t *p = m + 16;
	const uint32_t domain = get_be32(m + 12);

	assert_int_equal(get_be16(m), 10);
	assert_int_equal(get_be16(m + 2), n);
	assert_int_equal(get_be32(m + 4), t.wall / 1000);
	assert_in_range(domain, 0, 15);
	assert_int_equal(get_be32(m + 8), t.sequence[domain]);
	while (p < m + n) {
		const uint16_t id = get_be16(p), len = get_be16(p + 2);

		assert_true(len > 4 && p + len <= m + n);
		if (id == 2)
			read_templates(p + 4, p + len);
		else
			read_data(id, p + 4, p + len, domain);
		p += len;
	}
	t.messages++;
}

/* What the switch says in one round is read; t.n records of it are new. */
static bool run(void)
{
	uint8_t bytes[2048];
	const bool more = ipfix_run(t.dp, t.now, t.wall);
	ssize_t n;

	t.n = t.messages = t.templates_seen = 0;
	while ((n = recv(t.fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		assert_in_range(n, 17, IPFIX_MESSAGE_MAX);
		read_message(bytes, (size_t)n);
	}
	return more;
}

/* ---- Packets ---- */

static size_t udp4(uint8_t *f, uint16_t sport, bool tagged)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	const size_t l3 = tagged ? 18 : 14;

	memset(f, 0, 128);
	memcpy(f, macs, 12);
	if (tagged) {
		put_be16(f + 12, 0x8100);
		put_be16(f + 14, 5 << 13 | 100);
	}
	put_be16(f + l3 - 2, 0x0800);
	f[l3] = 0x45;
	f[l3 + 1] = 0x28;
	put_be16(f + l3 + 2, 20 + 8 + 10);
	f[l3 + 8] = 63;
	f[l3 + 9] = 17;
	put_be32(f + l3 + 12, 0x0a000001);
	put_be32(f + l3 + 16, 0x0a000002);
	put_be16(f + l3 + 20, sport);
	put_be16(f + l3 + 22, 2000);
	put_be16(f + l3 + 24, 18);
	return 64;
}

static void sample(const uint8_t *frame, size_t n, const struct act_op *op)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(t.dp->pool);
	struct burst *b = t.w->burst;

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)n), frame, n);
	pmd_burst_start(t.w, b);
	assert_true(pkt_init(b, 0, m, 1));
	t.w->now = t.now;
	sample_run(t.w, &b->pkt[0], op);
	rte_pktmbuf_free(m);
}

static struct act_op op_of(uint32_t set, uint16_t probability)
{
	return (struct act_op){ .code = ACT_SAMPLE,
				.arg = probability,
				.sample = {
					.set = set, .domain = 3, .point = 5, .port = OFPP_ANY } };
}

static void one(uint32_t set, uint16_t sport)
{
	const struct act_op op = op_of(set, SAMPLE_ALWAYS);
	uint8_t f[128];

	sample(f, udp4(f, sport, false), &op);
}

static void add(const char *rest)
{
	struct ipfix_spec s;
	struct err e = { "" };
	char text[128];

	snprintf(text, sizeof(text), "7=127.0.0.1:%u%s", t.port, rest);
	memset(t.sequence, 0, sizeof(t.sequence));
	t.n_templates = 0;
	if (ipfix_spec_parse(text, &s, &e) || ipfix_add(t.dp, &s, &e))
		fail_msg("%s", e.text);
}

static void del(void)
{
	struct err e;

	assert_int_equal(ipfix_del(t.dp, 7, &e), 0);
	run();
}

#define IS(r, number, v)                                 \
	do {                                             \
		assert_true((r)->has[number]);           \
		assert_int_equal((r)->value[number], v); \
	} while (0)

/* ---- Tests ---- */

static void record_is_the_packet(void **state)
{
	struct act_op op = op_of(7, SAMPLE_ALWAYS);
	const struct record *r = &t.records[0];
	uint8_t f[128];

	(void)state;
	add("");
	op.sample.port = 2;
	sample(f, udp4(f, 1000, true), &op);
	run();
	assert_int_equal(t.n, 1);
	assert_int_equal(t.templates_seen, 1);
	assert_int_equal(r->domain, 3);
	IS(r, 138, 5);
	IS(r, 61, 1);
	IS(r, 56, 0x020000000001);
	IS(r, 80, 0x020000000002);
	IS(r, 256, 0x0800);
	IS(r, 240, 18);
	IS(r, 10, 1);
	IS(r, 14, 2);
	IS(r, 243, 100);
	IS(r, 244, 5);
	IS(r, 60, 4);
	IS(r, 192, 63);
	IS(r, 4, 17);
	IS(r, 195, 10);
	IS(r, 5, 0x28);
	IS(r, 8, 0x0a000001);
	IS(r, 12, 0x0a000002);
	IS(r, 7, 1000);
	IS(r, 11, 2000);
	IS(r, 2, 1);
	IS(r, 352, 64);
	IS(r, 1, 38); /* without the padding behind the packet */
	IS(r, 136, IPFIX_ACTIVE_TIMEOUT);
	IS(r, 152, t.wall);
	assert_false(r->has[27] || r->has[6] || r->has[176]);
	del();
}

static void every_template_is_whole(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t proto;
		bool l4;
		uint16_t element; /* that its like alone has; 0: none */
	} kinds[] = {
		{ 0x0806, 0, false, 0 },   { 0x0800, 47, true, 8 },  { 0x0800, 17, true, 7 },
		{ 0x0800, 6, true, 6 },	   { 0x0800, 1, true, 176 }, { 0x86dd, 47, true, 27 },
		{ 0x86dd, 132, true, 11 }, { 0x86dd, 6, true, 6 },   { 0x86dd, 58, true, 178 },
		{ 0x0800, 17, false, 8 },
	};
	uint64_t seen = 0;

	(void)state;
	add("");
	for (unsigned int i = 0; i < 4 * sizeof(kinds) / sizeof(kinds[0]); i++) {
		const unsigned int k = i / 4;
		struct ipfix_set *s = ipfix_find(t.dp, 7);
		const struct sample_flow f = { .eth_type = kinds[k].type,
					       .proto = kinds[k].proto,
					       .has_l4 = kinds[k].l4,
					       .vlan_tci = i & 1 ? 0x1064 : 0,
					       .out_port = i & 2,
					       .domain = 3,
					       .dst[3] = 1 };
		const struct ipfix_record r = { .flow = &f, .in_name = "eth0", .out_name = "" };

		ipfix_send_record(s, &r, t.wall);
		run();
		assert_int_equal(t.n, 1);
		assert_int_equal(t.records[0].has[14], !!(i & 2));
		assert_int_equal(t.records[0].has[58], i & 1);
		assert_true(!kinds[k].element || t.records[0].has[kinds[k].element]);
		assert_int_equal(t.records[0].has[7],
				 kinds[k].l4 && (kinds[k].proto == 6 || kinds[k].proto == 17 ||
						 kinds[k].proto == 132));
		seen |= UINT64_C(1) << ipfix_template_of(&f);
	}
	assert_int_equal(seen, (UINT64_C(1) << IPFIX_TEMPLATES) - 1);
	assert_int_equal(t.n_templates, IPFIX_TEMPLATES);
	del();
}

static void packets_of_a_flow_are_one_record(void **state)
{
	(void)state;
	add(";cache-active-timeout=10");
	for (unsigned int i = 0; i < 30; i++) {
		one(7, (uint16_t)(1000 + i % 3));
		t.now += t.hz / 10;
		t.wall += 100;
	}
	run();
	assert_int_equal(t.n, 0);
	t.now += 69 * t.hz / 10; /* 9.9 s after the first of all */
	t.wall += 6900;
	run();
	assert_int_equal(t.n, 0);
	t.now += t.hz / 10 + 1;
	t.wall += 100;
	run();
	assert_int_equal(t.n, 1); /* the others began later */
	t.now += t.hz;
	t.wall += 1000;
	run();
	assert_int_equal(t.n, 2);
	for (unsigned int i = 0; i < 2; i++) {
		IS(&t.records[i], 7, 1001 + i);
		IS(&t.records[i], 2, 10);
		IS(&t.records[i], 352, 640);
		IS(&t.records[i], 1, 380);
		assert_in_range(t.records[i].value[153] - t.records[i].value[152], 2690, 2710);
	}
	one(7, 1);
	run();
	assert_int_equal(t.n, 0);
	del(); /* what is there is told */
	assert_int_equal(t.n, 1);
	IS(&t.records[0], 136, IPFIX_FORCED_END);
}

static void full_cache_tells_the_oldest(void **state)
{
	(void)state;
	add(";cache-active-timeout=100,cache-max-flows=4");
	for (uint16_t i = 0; i < 10; i++)
		one(7, i);
	run();
	assert_int_equal(t.n, 6);
	for (unsigned int i = 0; i < 6; i++) {
		IS(&t.records[i], 7, i);
		IS(&t.records[i], 136, IPFIX_LACK_OF_RESOURCES);
	}
	assert_int_equal(ipfix_find(t.dp, 7)->n.early, 6);
	assert_int_equal(ipfix_find(t.dp, 7)->flows.n, 4);
	del();
	assert_int_equal(t.n, 4);
}

static void templates_come_again(void **state)
{
	unsigned int n = 0;

	(void)state;
	add(";template-interval=2");
	for (unsigned int i = 0; i < 50; i++) { /* five seconds */
		one(7, 1);
		run();
		assert_int_equal(t.n, 1);
		n += t.templates_seen;
		t.now += t.hz / 10;
		t.wall += 100;
	}
	assert_int_equal(n, 3);
	del();
}

/* Each 65535 / probability packets; and those drawn are as many as they should be. */
static void counts_are_what_samples_stand_for(void **state)
{
	enum { PACKETS = 40000, PROBABILITY = 6554 }; /* 4000 and a bit, sigma 60 */
	const struct act_op op = op_of(7, PROBABILITY);
	uint64_t samples, packets = 0;
	uint8_t f[128];
	const size_t n = udp4(f, 1, false);

	(void)state;
	add(";cache-active-timeout=1000");
	for (unsigned int i = 0; i < PACKETS; i++) {
		sample(f, n, &op);
		if (i % 1000 == 0)
			run();
	}
	run();
	samples = ipfix_find(t.dp, 7)->n.samples;
	assert_in_range(samples, 4000 - 600, 4000 + 600);
	del();
	assert_int_equal(t.n, 1);
	packets = t.records[0].value[2];
	assert_in_range(packets, samples * 65535 / PROBABILITY - 1,
			samples * 65535 / PROBABILITY + 1);
}

static void nobody_to_tell_is_counted(void **state)
{
	const uint64_t before = t.w->perf.sample_no_set;

	(void)state;
	for (unsigned int i = 0; i < 10; i++)
		one(8, 1);
	run();
	assert_int_equal(t.n, 0);
	assert_int_equal(t.w->perf.sample_no_set - before, 10);
}

static void overload_is_bounded(void **state)
{
	const uint64_t before = t.w->perf.sample_lost;
	unsigned int told = 0;

	(void)state;
	add("");
	for (unsigned int i = 0; i < SAMPLE_RING + 100; i++)
		one(7, 1);
	assert_int_equal(t.w->perf.sample_lost - before, 100);
	assert_true(sample_is_due(t.dp));
	while (run()) {
		assert_true(t.n <= 1024); /* a round is not all of them */
		told += t.n;
	}
	told += t.n;
	run();
	assert_true(told + t.n > SAMPLE_RING / 2); /* the socket's buffer may be short */
	assert_false(sample_is_due(t.dp));
	assert_int_equal(ipfix_find(t.dp, 7)->n.samples, SAMPLE_RING);
	assert_int_equal(ipfix_find(t.dp, 7)->n.records, SAMPLE_RING);
	del();
}

static void collector_away_is_counted(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(t.port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)state;
	add(";template-interval=1");
	close(t.fd);
	for (unsigned int i = 0; i < 5; i++) {
		one(7, 1);
		run();
	}
	assert_in_range(ipfix_find(t.dp, 7)->n.errors, 1, 5);
	t.fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(t.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	t.sequence[3] = 5; /* what was lost counts */
	t.wall += 1000;
	one(7, 1);
	run();
	assert_int_equal(t.n, 1);
	del();
}

static void bad_texts(void **state)
{
	static const char *const bad[] = {
		"",
		"7",
		"=127.0.0.1:1",
		"7=",
		"7=127.0.0.1",
		"7=127.0.0.1:0",
		"7=127.0.0.1:65536",
		"7=localhost:1",
		"7=::1:4739",
		"7=[::1]",
		"7=[::1:1",
		"x=127.0.0.1:1",
		"4294967296=127.0.0.1:1",
		"7=127.0.0.1:1,",
		"7=127.0.0.1:1;",
		"7=127.0.0.1:1;x=1",
		"7=127.0.0.1:1;cache-max-flows=0",
		"7=127.0.0.1:1;cache-active-timeout=4201",
		"7=127.0.0.1:1;template-interval=0",
		"7=127.0.0.1:1;template-interval",
		"7=127.0.0.1:1;template-interval=1x",
		"7=127.0.0.1:1;template-interval=1,",
		"7=127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4,127.0.0.1:5,127.0.0.1:6,"
		"127.0.0.1:7,127.0.0.1:8,127.0.0.1:9",
		"7=1111111111111111111111111111111111111111111111111111111111111111111111111111:1",
	};
	struct ipfix_spec s;
	struct err e;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e.text[0] = 0;
		if (ipfix_spec_parse(bad[i], &s, &e) != -EINVAL || !strstr(e.text, "right"))
			if (!strstr(e.text, "at most") && !strstr(e.text, "there is no"))
				fail_msg("'%s': %s", bad[i], e.text);
	}
	assert_int_equal(ipfix_spec_parse("4294967295=[::1]:1,127.0.0.1:2;cache-max-flows=5,"
					  "cache-active-timeout=0",
					  &s, &e),
			 0);
	assert_int_equal(s.n_collectors, 2);
	assert_int_equal(s.max_flows, 5);
	assert_int_equal(s.id, UINT32_MAX);
}

static void sets_are_limited(void **state)
{
	struct ipfix_spec s;
	struct err e;

	(void)state;
	assert_int_equal(ipfix_spec_parse("1=127.0.0.1:9", &s, &e), 0);
	for (s.id = SAMPLE_SETS; s.id > 0; s.id--)
		assert_int_equal(ipfix_add(t.dp, &s, &e), 0);
	s.id = 5;
	assert_int_equal(ipfix_add(t.dp, &s, &e), -EEXIST);
	s.id = 1000;
	assert_int_equal(ipfix_add(t.dp, &s, &e), -ENOSPC);
	assert_int_equal(ipfix_first(t.dp)->s.id, 1);
	for (uint32_t id = 1; id <= SAMPLE_SETS; id++)
		assert_int_equal(ipfix_del(t.dp, id, &e), 0);
	assert_int_equal(ipfix_del(t.dp, 1, &e), -ENOENT);
	assert_null(ipfix_first(t.dp));
}

/* ---- Life ---- */

static int setup(void **state)
{
	const struct dp_opts o = { .name = "ipfix", .dpid = 1 };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	struct err e = { "" };

	(void)state;
	role_assume_control();
	if (eal_start(NULL, &e) < 0 || !(t.dp = dp_new(&o, &e)) ||
	    !(t.w = pmd_new_detached(t.dp))) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	t.fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (t.fd < 0 || bind(t.fd, (struct sockaddr *)&a, sizeof(a)) ||
	    getsockname(t.fd, (struct sockaddr *)&a, &n))
		return -1;
	t.port = ntohs(a.sin_port);
	t.hz = rte_get_tsc_hz();
	t.now = rte_rdtsc();
	t.wall = UINT64_C(1700000000000);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	role_assume_control();
	close(t.fd);
	pmd_free_detached(t.w);
	dp_free(t.dp);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_is_the_packet),
		cmocka_unit_test(every_template_is_whole),
		cmocka_unit_test(packets_of_a_flow_are_one_record),
		cmocka_unit_test(full_cache_tells_the_oldest),
		cmocka_unit_test(templates_come_again),
		cmocka_unit_test(counts_are_what_samples_stand_for),
		cmocka_unit_test(nobody_to_tell_is_counted),
		cmocka_unit_test(overload_is_bounded),
		cmocka_unit_test(collector_away_is_counted),
		cmocka_unit_test(bad_texts),
		cmocka_unit_test(sets_are_limited),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
