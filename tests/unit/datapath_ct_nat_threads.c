/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NAT on two packet threads: connections that are translated into one range at the same time, and
 * a control connection of FTP whose two directions, announcing all the while, are one on each.
 */
#include <pthread.h>

#include "tests/unit/datapath_ct_nat.h"

#include "datapath/ct_alg_priv.h"

enum { PORTS = 512, TRIES = 400, SEGMENTS = 3000 };

static struct ct *table;
static struct pmd *pmds[2];

struct worker {
	struct pmd *w;
	uint8_t number;
	uint32_t added, exhausted, other, bad;
	struct ct_conn *control;
	be16 port[TRIES];
};

/* ---- One range ---- */

static void *add_many(void *arg)
{
	struct ct_nat_spec s = {
		.src = true, .l3 = 4, .port_min = 2000, .port_max = 2000 + PORTS - 1
	};
	struct worker *k = arg;

	role_assume_pmd();
	memset(s.min, 9, 4);
	memset(s.max, 9, 4);
	for (uint32_t i = 0; i < TRIES; i++) {
		struct ct_conn *c;
		enum drop why;
		int err;

		c = ct_slot_get(k->w, table, 0, &why);
		if (!c) {
			k->bad++;
			continue;
		}
		c->orig =
			(struct ct_tuple){ .src = { 10, k->number, (uint8_t)(i >> 8), (uint8_t)i },
					   .dst = { 8, 8, 8, 8 },
					   .src_port = htobe16(2000 + 7),
					   .dst_port = htobe16(53),
					   .proto = IPPROTO_UDP,
					   .l3 = 4 };
		ct_turn(&c->reply, &c->orig);
		ct_touch(table, c, CT_T_OTHER_MULTIPLE, c->started);
		err = ct_nat_add(k->w, table, c, ct_hash(table, &c->orig), &s);
		if (!err) {
			k->port[k->added++] = c->reply.dst_port;
			continue;
		}
		ct_slot_put(k->w, table, c);
		if (err == -EADDRNOTAVAIL)
			k->exhausted++;
		else
			k->other++;
	}
	return NULL;
}

static void both(struct worker k[2], void *(*work)(void *))
{
	pthread_t thread[2];

	for (uint8_t i = 0; i < 2; i++) {
		k[i].w = pmds[i];
		k[i].number = i;
		assert_int_equal(pthread_create(&thread[i], NULL, work, &k[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

/* Every port of it is given out, none twice, and who is too late is told. */
static void one_range(void **state)
{
	static struct worker k[2];
	static uint8_t seen[65536];

	both(k, add_many);
	assert_int_equal(k[0].added + k[1].added, PORTS);
	assert_int_equal(k[0].exhausted + k[1].exhausted, 2 * TRIES - PORTS);
	assert_int_equal(k[0].other + k[1].other + k[0].bad + k[1].bad, 0);
	for (int i = 0; i < 2; i++)
		for (uint32_t j = 0; j < k[i].added; j++)
			assert_false(seen[be16toh(k[i].port[j])]++);
}

/* ---- One control connection ---- */

static void *announce(void *arg)
{
	struct worker *k = arg;
	const enum ct_dir dir = k->number ? CT_REPLY : CT_ORIG;
	struct ct_conn *c = k->control;
	const struct ct_tuple *t = dir == CT_ORIG ? &c->orig : &c->reply;
	struct burst *b = k->w->burst;
	uint32_t seq = 1000;

	role_assume_pmd();
	b->n = 1;
	for (uint32_t i = 0; i < SEGMENTS; i++) {
		uint8_t f[256], *tcp = f + L2 + 20;
		struct ct_expected x;
		struct rte_mbuf *m;
		struct ct_tuple d;
		struct ct_pkt cp;
		struct pkt *p;
		char line[64];
		uint32_t n;

		snprintf(line, sizeof(line),
			 dir == CT_ORIG ? "PORT 10,0,0,1,8,%u\r\n" : "227 ok (10,9,9,9,9,%u)\r\n",
			 i % 256);
		n = packet(f, t, line, (uint32_t)strlen(line));
		put_be32(tcp + 4, seq);
		seq += (uint32_t)strlen(line);
		finish_l4(f + L2, tcp, IPPROTO_TCP, n - L2 - 20);
		m = chain_new(k->w->pool, f, n);
		if (!m || !pkt_init(b, 0, m, 1)) {
			k->bad++;
			continue;
		}
		p = &b->pkt[0];
		cp = pkt_of(p, t);
		if (ct_nat_apply(k->w, b, p, &cp, c, dir) <= 0 ||
		    !ct_alg_packet(k->w, b, table, p, &cp, c, dir, true, c->started)) {
			k->bad++;
			continue;
		}
		/* What is expected at the moment, perhaps the other side's. */
		d = dir == CT_ORIG ? c->reply : c->orig;
		d.src_port = htobe16(20);
		d.dst_port = htobe16((uint16_t)((dir == CT_ORIG ? 8 : 9) << 8 | i % 256));
		if (ct_alg_expected(k->w, table, &d, c->started, &x)) {
			k->added++;
			k->bad += x.parent != c;
			ct_alg_came(table, &x);
		}
		n = p->m->pkt_len;
		chain_read(p->m, 0, n, f);
		if (l4_sum(f + L2, tcp, IPPROTO_TCP, n - L2 - 20) != 0xffff ||
		    get_be16(f + L2 + 2) != n - L2)
			k->bad++;
		rte_pktmbuf_free(p->m);
	}
	return NULL;
}

static void one_control_connection(void **state)
{
	static struct worker k[2];
	struct ct_alg_stats s;
	struct ct_conn *c;
	enum drop why;

	role_assume_pmd();
	c = ct_slot_get(pmds[0], table, 0, &why);
	assert_non_null(c);
	c->orig = tuple(IPPROTO_TCP, "10.0.0.1", 4000, "203.0.113.21", 21);
	c->reply = tuple(IPPROTO_TCP, "10.9.9.9", 21, "198.51.100.200", 4000);
	c->flags = CT_F_SNAT | CT_F_DNAT | CT_F_HELPER_FTP;
	ct_touch(table, c, CT_T_TCP_ESTABLISHED, c->started);
	assert_int_equal(
		ct_add(pmds[0], table, c, ct_hash(table, &c->orig), ct_hash(table, &c->reply)), 0);
	k[0].control = k[1].control = c;
	both(k, announce);
	assert_int_equal(k[0].bad + k[1].bad, 0);
	assert_true(k[0].added && k[1].added);
	role_assume_control();
	ct_alg_stats(table, &s);
	assert_true(s.expecting <= 1);
	assert_int_equal(s.expected, 2 * SEGMENTS);
	assert_int_equal(rte_mempool_in_use_count(h.dp->pool), 0);
}

static int setup(void **state)
{
	static const struct dp_opts o = { .name = "natthreads", .dpid = 1 };
	struct err e = { "" };

	if (harness_setup(&o) < 0)
		return -1;
	pmds[0] = h.w;
	pmds[1] = pmd_new_detached(h.dp);
	pmds[0]->now = rte_rdtsc();
	table = ct_new("natthreads", 4096, &e);
	if (!pmds[1] || !table)
		return -1;
	pmds[1]->now = pmds[0]->now;
	return 0;
}

static int teardown(void **state)
{
	role_assume_control();
	ct_free(table);
	pmd_free_detached(pmds[1]);
	return harness_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_range),
		cmocka_unit_test(one_control_connection),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
