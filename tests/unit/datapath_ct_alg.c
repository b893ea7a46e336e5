/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FTP and TFTP: connections that are announced, control connections whose text NAT changes, and the
 * numbers that follow from it.
 */
#include "tests/unit/datapath_ct_nat.h"

#include "datapath/ct_alg_priv.h"

enum { NOW = 5000 };

static struct ct *table;

/* ---- Dialogues ---- */

static struct ct_conn *conn(struct ct_tuple orig, struct ct_tuple reply, uint8_t helper)
{
	struct ct_conn *c;
	enum drop why;

	role_assume_pmd();
	c = ct_slot_get(h.w, table, 0, &why);
	assert_non_null(c);
	c->orig = orig;
	c->reply = reply;
	c->flags = helper;
	if (memcmp(orig.src, reply.dst, 16) || orig.src_port != reply.dst_port)
		c->flags |= CT_F_SNAT;
	if (memcmp(orig.dst, reply.src, 16) || orig.dst_port != reply.src_port)
		c->flags |= CT_F_DNAT;
	ct_touch(table, c, CT_T_OTHER_MULTIPLE, NOW);
	assert_int_equal(ct_add(h.w, table, c, ct_hash(table, &orig), ct_hash(table, &reply)), 0);
	return c;
}

static struct {
	uint8_t f[FRAME_MAX];
	uint32_t n;
	uint32_t seq, ack;
	char data[FRAME_MAX];
} got;

enum layout { ONE, FULL, CHAINED }; /* FULL: no tail room; CHAINED: data in other segments */

static struct rte_mbuf *laid_out(const uint8_t *f, uint32_t n, enum layout how)
{
	struct rte_mbuf *m, *more;
	uint32_t head = 60;

	if (how == ONE)
		return mbuf_with(f, n);
	m = rte_pktmbuf_alloc(h.w->pool);
	if (how == FULL) {
		m->data_off = (uint16_t)(m->buf_len - n);
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), f, n);
		return m;
	}
	more = rte_pktmbuf_alloc(h.w->pool);
	head = RTE_MIN(n, (f[12] == 0x08 ? 14u + 20 : 14u + 40) + 20 + 7);
	memcpy(rte_pktmbuf_append(m, (uint16_t)head), f, head);
	memcpy(rte_pktmbuf_append(more, (uint16_t)(n - head)), f + head, n - head);
	m->next = more;
	m->nb_segs = 2;
	m->pkt_len = n;
	return m;
}

/* The next segment is dropped, as a part of an announcement; or may be. */
static bool split, random_data;

/* A segment of direction 'dir' with 'opts' through NAT and helper; what leaves is in 'got'. */
static void segment_with(struct ct_conn *c, enum ct_dir dir, uint32_t seq, uint32_t ack,
			 const char *data, const uint8_t *opts, uint32_t n_opts, enum layout how)
{
	const struct ct_tuple *k = dir == CT_ORIG ? &c->orig : &c->reply;
	const uint32_t l3len = k->l3 == 4 ? 20 : 40, n_data = (uint32_t)strlen(data);
	uint8_t body[FRAME_MAX], *tcp = got.f + L2 + l3len;
	const unsigned int used = rte_mempool_in_use_count(h.w->pool);
	struct ct_pkt cp;
	struct pkt *p;
	uint32_t n, hlen;

	if (n_opts)
		memcpy(body, opts, n_opts);
	memcpy(body + n_opts, data, n_data);
	n = packet(got.f, k, body, n_opts + n_data);
	put_be32(tcp + 4, seq);
	put_be32(tcp + 8, ack);
	tcp[12] = (uint8_t)((20 + n_opts) / 4 << 4);
	finish_l4(got.f + L2, tcp, IPPROTO_TCP, 20 + n_opts + n_data);
	role_assume_pmd();
	p = pkt_with(laid_out(got.f, n, how));
	cp = pkt_of(p, k);
	assert_true(ct_nat_apply(h.w, h.w->burst, p, &cp, c, dir) >= 0);
	if (!ct_alg_packet(h.w, h.w->burst, table, p, &cp, c, dir, true, NOW)) {
		assert_true(split && p->dropped && !p->m);
		return;
	}
	assert_true(!split || random_data);
	got.n = p->m->pkt_len;
	chain_read(p->m, 0, got.n, got.f);
	check_sums(got.f + L2, got.n - L2);
	rte_pktmbuf_free(p->m);
	assert_int_equal(rte_mempool_in_use_count(h.w->pool), used);
	got.seq = get_be32(tcp + 4);
	got.ack = get_be32(tcp + 8);
	hlen = (tcp[12] >> 4) * 4u;
	n = got.n - L2 - l3len - hlen;
	assert_int_equal(k->l3 == 4 ? get_be16(got.f + L2 + 2) : get_be16(got.f + L2 + 4) + 40u,
			 got.n - L2);
	memcpy(got.data, tcp + hlen, n);
	got.data[n] = 0;
}

static void segment(struct ct_conn *c, enum ct_dir dir, uint32_t seq, uint32_t ack,
		    const char *data)
{
	segment_with(c, dir, seq, ack, data, NULL, 0, ONE);
}

static bool expected(const char *src, uint16_t sport, const char *dst, uint16_t dport,
		     struct ct_expected *x)
{
	const struct ct_tuple k = tuple(IPPROTO_TCP, src, sport, dst, dport);

	role_assume_pmd();
	return ct_alg_expected(h.w, table, &k, NOW, x);
}

static uint64_t waiting(void)
{
	struct ct_alg_stats s;

	role_assume_control();
	ct_alg_stats(table, &s);
	role_assume_pmd();
	return s.expecting;
}

static struct ct_conn *plain_conn(void)
{
	return conn(tuple(IPPROTO_TCP, "10.0.0.1", 4000, "198.51.100.1", 21),
		    tuple(IPPROTO_TCP, "198.51.100.1", 21, "10.0.0.1", 4000), CT_F_HELPER_FTP);
}

/* Client 10.0.0.1 leaves as 203.0.113.200. */
static struct ct_conn *snat_conn(void)
{
	return conn(tuple(IPPROTO_TCP, "10.0.0.1", 4000, "198.51.100.1", 21),
		    tuple(IPPROTO_TCP, "198.51.100.1", 21, "203.0.113.200", 4000), CT_F_HELPER_FTP);
}

/* Server 10.9.9.9 is known as 203.0.113.21. */
static struct ct_conn *dnat_conn(void)
{
	return conn(tuple(IPPROTO_TCP, "198.51.100.7", 4000, "203.0.113.21", 21),
		    tuple(IPPROTO_TCP, "10.9.9.9", 21, "198.51.100.7", 4000), CT_F_HELPER_FTP);
}

static void without_nat_nothing_is_written(void **state)
{
	struct ct_conn *c = plain_conn();
	struct ct_tuple want;
	struct ct_expected x;

	segment(c, CT_ORIG, 100, 500, "USER x\r\n");
	segment(c, CT_ORIG, 108, 500, "PORT 10,0,0,1,8,0\r\n");
	assert_string_equal(got.data, "PORT 10,0,0,1,8,0\r\n");
	assert_int_equal(got.seq, 108);
	assert_false(expected("198.51.100.1", 20, "10.0.0.1", 2049, &x));
	assert_false(expected("198.51.100.2", 20, "10.0.0.1", 2048, &x));
	assert_true(expected("198.51.100.1", 20, "10.0.0.1", 2048, &x));
	assert_ptr_equal(x.parent, c);
	want = tuple(IPPROTO_TCP, "10.0.0.1", 2048, "198.51.100.1", 20);
	assert_memory_equal(&x.reply, &want, sizeof(want));
	/* Once. */
	ct_alg_came(table, &x);
	assert_false(expected("198.51.100.1", 20, "10.0.0.1", 2048, &x));
	assert_int_equal(waiting(), 0);
	segment(c, CT_REPLY, 600, 127, "229 ok (|||3000|)\r\n");
	assert_true(expected("10.0.0.1", 5555, "198.51.100.1", 3000, &x));
	want = tuple(IPPROTO_TCP, "198.51.100.1", 3000, "10.0.0.1", 5555);
	assert_memory_equal(&x.reply, &want, sizeof(want));
	assert_false(c->flags & CT_F_SEQ_ADJUST);
}

static void active_behind_snat(void **state)
{
	struct ct_conn *c = snat_conn();
	struct ct_tuple want = tuple(IPPROTO_TCP, "10.0.0.1", 2048, "198.51.100.1", 20);
	struct ct_nat_spec s = { 0 };
	struct ct_expected x;
	struct ct_conn *d;
	enum drop why;

	segment(c, CT_ORIG, 100, 500, "PORT 10,0,0,1,8,0\r\n");
	assert_string_equal(got.data, "PORT 203,0,113,200,8,0\r\n");
	assert_int_equal(got.seq, 100);
	assert_false(expected("198.51.100.1", 20, "10.0.0.1", 2048, &x));
	assert_true(expected("198.51.100.1", 20, "203.0.113.200", 2048, &x));
	assert_memory_equal(&x.reply, &want, sizeof(want));
	/* The data connection's packets come to the client, as from the server it knows. */
	d = ct_slot_get(h.w, table, 0, &why);
	d->orig = tuple(IPPROTO_TCP, "198.51.100.1", 20, "203.0.113.200", 2048);
	d->reply = x.reply;
	ct_touch(table, d, CT_T_OTHER_MULTIPLE, NOW);
	assert_int_equal(ct_nat_add(h.w, table, d, ct_hash(table, &d->orig), &s), 0);
	assert_int_equal(d->flags & (CT_F_SNAT | CT_F_DNAT), CT_F_DNAT);
}

static void passive_behind_dnat(void **state)
{
	struct ct_conn *c = dnat_conn();
	struct ct_tuple want = tuple(IPPROTO_TCP, "10.9.9.9", 3000, "198.51.100.7", 7777);
	struct ct_expected x;

	segment(c, CT_REPLY, 100, 500, "227 Entering Passive Mode (10,9,9,9,11,184).\r\n");
	assert_string_equal(got.data, "227 Entering Passive Mode (203,0,113,21,11,184).\r\n");
	assert_true(expected("198.51.100.7", 7777, "203.0.113.21", 3000, &x));
	assert_memory_equal(&x.reply, &want, sizeof(want));
	/* A server that was told its outside address says it itself. */
	segment(c, CT_REPLY, 146, 500, "227 ok (203,0,113,21,11,185)\r\n");
	assert_string_equal(got.data, "227 ok (203,0,113,21,11,185)\r\n");
	assert_true(expected("198.51.100.7", 7777, "203.0.113.21", 3001, &x));
	/* The latest one alone is expected. */
	assert_false(expected("198.51.100.7", 7777, "203.0.113.21", 3000, &x));
	segment(c, CT_REPLY, 176, 500, "229 ok (|||3002|)\r\n");
	assert_string_equal(got.data, "229 ok (|||3002|)\r\n");
	assert_true(expected("198.51.100.7", 7777, "203.0.113.21", 3002, &x));
}

static void ipv6(void **state)
{
	struct ct_conn *c = conn(tuple(IPPROTO_TCP, "fd00::1", 4000, "2001:db8:5::1", 21),
				 tuple(IPPROTO_TCP, "2001:db8:5::1", 21, "2001:db8:1234::abcd", 99),
				 CT_F_HELPER_FTP);
	struct ct_expected x;

	segment(c, CT_ORIG, 100, 500, "EPRT |2|fd00::1|2048|\r\n");
	assert_string_equal(got.data, "EPRT |2|2001:db8:1234::abcd|2048|\r\n");
	assert_true(expected("2001:db8:5::1", 20, "2001:db8:1234::abcd", 2048, &x));
	/* Not of the connection's version. */
	segment(c, CT_ORIG, 123, 500, "PORT 10,0,0,1,8,1\r\n");
	assert_string_equal(got.data, "PORT 10,0,0,1,8,1\r\n");
	assert_int_equal(got.seq, 123 + 12);
}

/* RFC 2577: not to others, not to services. */
static void nobody_is_sent_to_others(void **state)
{
	static const char *const port[] = {
		"PORT 10,0,0,2,8,0\r\n",       "PORT 198,51,100,1,8,0\r\n",
		"PORT 10,0,0,1,3,255\r\n",     "PORT 10,0,0,1,0,22\r\n",
		"EPRT |1|127.0.0.1|4000|\r\n", "EPRT |2|::ffff:10.0.0.1|4000|\r\n"
	};
	struct ct_conn *c = snat_conn();
	uint32_t seq = 100;

	for (unsigned int i = 0; i < RTE_DIM(port); i++) {
		segment(c, CT_ORIG, seq, 500, port[i]);
		assert_string_equal(got.data, port[i]);
		assert_int_equal(got.seq, seq);
		seq += (uint32_t)strlen(port[i]);
	}
	segment(c, CT_REPLY, 500, seq, "227 (10,0,0,99,8,0)\r\n");
	segment(c, CT_REPLY, 521, seq, "229 (|||22|)\r\n");
	assert_int_equal(waiting(), 0);
}

static void only_at_the_beginning_of_a_line(void **state)
{
	struct ct_conn *c = snat_conn();
	struct ct_expected x;

	/* In the middle of what was cut up. */
	segment(c, CT_ORIG, 100, 500, "POST / HTTP/1.1 and so on and on");
	segment(c, CT_ORIG, 132, 500, "PORT 10,0,0,1,8,0\r\n");
	assert_string_equal(got.data, "PORT 10,0,0,1,8,0\r\n");
	assert_int_equal(waiting(), 0);
	/* The second part of a line whose first one did not come this way. */
	segment(c, CT_ORIG, 162, 500, ",1,8,0\r\n");
	assert_int_equal(waiting(), 0);
	/* ... what is not in order, too */
	segment(c, CT_ORIG, 400, 500, "PORT 10,0,0,1,8,0\r\n");
	assert_int_equal(waiting(), 0);
	/* The next whole one counts, behind others in its segment. */
	segment(c, CT_ORIG, 419, 500, "NOOP\r\nTYPE I\r\nPORT 10,0,0,1,8,0\r\nRETR x\r\n");
	assert_string_equal(got.data, "NOOP\r\nTYPE I\r\nPORT 203,0,113,200,8,0\r\nRETR x\r\n");
	assert_true(expected("198.51.100.1", 20, "203.0.113.200", 2048, &x));
}

/* Behind NAT the first part of an announcement is dropped until the rest comes with it. */
static void a_line_in_parts(void **state)
{
	static const char *const parts[] = { "P", "port", "PORT 10,0,0", "EPRT |1|10.0.0.1|2048|" };
	static const char *const others[] = { "PASS x", "PORTS", "NOOP\r\nPORT 10", "QUIT" };
	struct ct_conn *c = snat_conn();
	struct ct_expected x;
	uint32_t seq;

	for (unsigned int i = 0; i < RTE_DIM(parts); i++) {
		split = true;
		segment(c, CT_ORIG, 100, 500, parts[i]);
	}
	split = false;
	segment(c, CT_ORIG, 100, 500, "PORT 10,0,0,1,8,0\r\n");
	assert_string_equal(got.data, "PORT 203,0,113,200,8,0\r\n");
	assert_true(expected("198.51.100.1", 20, "203.0.113.200", 2048, &x));
	/* Whose TCP sends the same part for ever gets through; nothing comes of it. */
	for (unsigned int i = 0; i < 5; i++) {
		split = i < 4;
		segment(c, CT_ORIG, 119, 500, "PORT 10,");
	}
	/* Anything else, and what is not behind NAT, goes by. */
	segment(c, CT_ORIG, 127, 500, "1\r\n");
	seq = 130;
	for (unsigned int i = 0; i < RTE_DIM(others); i++) {
		segment(c, CT_ORIG, seq, 500, others[i]);
		segment(c, CT_ORIG, seq + (uint32_t)strlen(others[i]), 500, "\r\n");
		seq += (uint32_t)strlen(others[i]) + 2;
	}
	c = dnat_conn();
	segment(c, CT_ORIG, 100, 500, "PORT 10,0,0");
	split = true;
	segment(c, CT_REPLY, 100, 500, "227 Entering Passive Mode (10,9");
	split = false;
}

static void numbers_follow(void **state)
{
	struct ct_conn *c = snat_conn();
	/* NOP, then SACK of 152..162 and of a part of what was written anew. */
	uint8_t opts[20] = { 1, 5, 18 };

	segment(c, CT_ORIG, 100, 500, "PORT 10,0,0,1,8,0\r\n"); /* 19, become 24 */
	assert_true(c->flags & CT_F_SEQ_ADJUST);
	segment(c, CT_ORIG, 119, 500, "LIST\r\n");
	assert_int_equal(got.seq, 124);
	assert_int_equal(got.ack, 500);
	segment(c, CT_REPLY, 500, 124, "200 ok\r\n");
	assert_int_equal(got.seq, 500);
	assert_int_equal(got.ack, 119);
	assert_int_equal(ct_alg_ack(table, c, CT_REPLY, 130), 125);
	assert_int_equal(ct_alg_ack(table, c, CT_ORIG, 508), 508);
	/* Who got a part got nothing of it. */
	assert_int_equal(ct_alg_ack(table, c, CT_REPLY, 103), 103);
	assert_int_equal(ct_alg_ack(table, c, CT_REPLY, 110), 105);
	assert_int_equal(ct_alg_ack(table, c, CT_REPLY, 121), 105);
	assert_int_equal(ct_alg_ack(table, c, CT_REPLY, 122), 117);
	/* Again, as its answer was lost: the same. */
	segment(c, CT_ORIG, 100, 500, "PORT 10,0,0,1,8,0\r\n");
	assert_string_equal(got.data, "PORT 203,0,113,200,8,0\r\n");
	assert_int_equal(got.seq, 100);
	segment(c, CT_ORIG, 100, 500, "PORT 10,0,0,1,8,0\r\nLIST\r\n");
	assert_string_equal(got.data, "PORT 203,0,113,200,8,0\r\nLIST\r\n");
	/* Another one, shifted by both. */
	segment(c, CT_ORIG, 125, 508, "PORT 10,0,0,1,8,11\r\n");
	assert_string_equal(got.data, "PORT 203,0,113,200,8,11\r\n");
	assert_int_equal(got.seq, 130);
	segment(c, CT_ORIG, 145, 508, "NOOP\r\n");
	assert_int_equal(got.seq, 155);
	put_be32(opts + 3, 155);
	put_be32(opts + 7, 161);
	put_be32(opts + 11, 130);
	put_be32(opts + 15, 140);
	segment_with(c, CT_REPLY, 508, 130, "", opts, 20, ONE);
	assert_int_equal(got.ack, 125);
	assert_int_equal(get_be32(got.f + L2 + 40 + 3), 145);
	assert_int_equal(get_be32(got.f + L2 + 40 + 7), 151);
	assert_int_equal(get_be32(got.f + L2 + 40 + 11), 125);
	assert_int_equal(get_be32(got.f + L2 + 40 + 15), 130);
}

static void numbers_wrap(void **state)
{
	struct ct_conn *c = snat_conn();

	segment(c, CT_ORIG, 0xfffffff8, 500, "PORT 10,0,0,1,8,0\r\n");
	segment(c, CT_ORIG, 11, 500, "LIST\r\n");
	assert_int_equal(got.seq, 16);
	assert_int_equal(ct_alg_ack(table, c, CT_REPLY, 16), 11);
	/* Gigabytes later nothing is before the change. */
	segment(c, CT_ORIG, 11 + (1u << 30), 500, "LIST\r\n");
	assert_int_equal(got.seq, 16 + (1u << 30));
	segment(c, CT_ORIG, 11 + (3u << 30), 500, "LIST\r\n");
	assert_int_equal(got.seq, 16 + (3u << 30));
}

static void frames_of_any_layout(void **state)
{
	for (enum layout how = ONE; how <= CHAINED; how++) {
		struct ct_conn *c = snat_conn();
		struct ct_expected x;

		segment_with(c, CT_ORIG, 100, 500, "PORT 10,0,0,1,8,0\r\n", NULL, 0, how);
		assert_string_equal(got.data, "PORT 203,0,113,200,8,0\r\n");
		assert_true(expected("198.51.100.1", 20, "203.0.113.200", 2048, &x));
		ct_alg_came(table, &x);
		ct_kill(table, c);
	}
}

static void two_clients_with_one_port(void **state)
{
	struct ct_conn *a = snat_conn();
	struct ct_conn *b = conn(tuple(IPPROTO_TCP, "10.0.0.2", 4001, "198.51.100.1", 21),
				 tuple(IPPROTO_TCP, "198.51.100.1", 21, "203.0.113.200", 4001),
				 CT_F_HELPER_FTP);
	struct ct_expected x;

	segment(a, CT_ORIG, 100, 500, "PORT 10,0,0,1,8,0\r\n");
	segment(b, CT_ORIG, 100, 500, "PORT 10,0,0,2,8,0\r\n");
	assert_string_equal(got.data, "PORT 203,0,113,200,8,1\r\n");
	segment(b, CT_ORIG, 100, 500, "PORT 10,0,0,2,8,0\r\n");
	assert_string_equal(got.data, "PORT 203,0,113,200,8,1\r\n");
	assert_true(expected("198.51.100.1", 20, "203.0.113.200", 2048, &x));
	assert_ptr_equal(x.parent, a);
	assert_true(expected("198.51.100.1", 20, "203.0.113.200", 2049, &x));
	assert_ptr_equal(x.parent, b);
	assert_int_equal(be16toh(x.reply.src_port), 2048);
}

static void not_without_a_parent_and_not_for_ever(void **state)
{
	const struct ct_tuple k = tuple(IPPROTO_TCP, "198.51.100.1", 20, "203.0.113.200", 2048);
	struct ct_conn *c = snat_conn();
	struct ct_expected x;

	segment(c, CT_ORIG, 100, 500, "PORT 10,0,0,1,8,0\r\n");
	assert_true(ct_alg_expected(h.w, table, &k, NOW + CT_EXPECT_MS - 1, &x));
	assert_false(ct_alg_expected(h.w, table, &k, NOW + CT_EXPECT_MS, &x));
	assert_int_equal(waiting(), 0);
	segment(c, CT_ORIG, 119, 500, "PORT 10,0,0,1,8,0\r\n");
	ct_kill(table, c);
	assert_false(ct_alg_expected(h.w, table, &k, NOW, &x));
	assert_int_equal(waiting(), 0);
}

static void tftp(void **state)
{
	struct ct_conn *c = conn(tuple(IPPROTO_UDP, "10.0.0.1", 4000, "198.51.100.1", 69),
				 tuple(IPPROTO_UDP, "198.51.100.1", 69, "203.0.113.200", 6000),
				 CT_F_HELPER_TFTP);
	struct ct_tuple k = tuple(IPPROTO_UDP, "198.51.100.1", 3456, "203.0.113.200", 6000);
	const struct ct_tuple want = tuple(IPPROTO_UDP, "10.0.0.1", 4000, "198.51.100.1", 3456);
	uint32_t n = packet(got.f, &c->orig, "\0\1a\0octet", 10);
	struct ct_expected x;
	struct ct_pkt cp;
	struct pkt *p;

	role_assume_pmd();
	p = pkt_with(mbuf_with(got.f, n));
	cp = pkt_of(p, &c->orig);
	assert_true(ct_alg_packet(h.w, h.w->burst, table, p, &cp, c, CT_ORIG, true, NOW));
	rte_pktmbuf_free(p->m);
	assert_true(ct_alg_expected(h.w, table, &k, NOW, &x));
	assert_memory_equal(&x.reply, &want, sizeof(want));
	k.proto = IPPROTO_TCP;
	assert_false(ct_alg_expected(h.w, table, &k, NOW, &x));
}

/* More than there is room for: refused and counted, and nobody else's is lost. */
static void many_announcements(void **state)
{
	enum { MANY = 2000 };
	struct ct_conn *first = snat_conn();
	struct ct_alg_stats s;
	struct ct_expected x;

	segment(first, CT_ORIG, 100, 500, "PORT 10,0,0,1,8,0\r\n");
	for (uint16_t i = 0; i < MANY; i++) {
		struct ct_tuple o = tuple(IPPROTO_TCP, "10.1.0.1", 4000, "198.51.100.1", 21), r;
		char line[64];

		o.src[2] = (uint8_t)(i >> 8);
		o.src[3] = (uint8_t)i;
		r = turned(&o);
		snprintf(line, sizeof(line), "PORT 10,1,%u,%u,9,9\r\n", i >> 8, i & 255);
		segment(conn(o, r, CT_F_HELPER_FTP), CT_ORIG, 100, 500, line);
	}
	role_assume_control();
	ct_alg_stats(table, &s);
	assert_true(s.refused > 0);
	assert_true(s.expecting >= 200 && s.expecting < MANY);
	assert_true(expected("198.51.100.1", 20, "203.0.113.200", 2048, &x));
}

/* Any bytes in any order, most of them like FTP: no announcement is anybody else's, sums hold. */
static void garbage(void **state)
{
	static const char *const parts[] = { "PORT ", "10,0,0,1,", "8,",     "0",	 "\r\n",
					     "\n",    "EPRT |",	   "1|",     "10.0.0.1", "|2000|",
					     "227 (", "229 (|||",  "4000|)", ")",	 "\xff",
					     ",",     " " };
	struct ct_conn *c = snat_conn();
	uint32_t seq[2] = { (uint32_t)a_random(), (uint32_t)a_random() };

	split = random_data = true;
	for (unsigned int i = 0; i < 30000; i++) {
		const enum ct_dir dir = a_random() % 2 ? CT_ORIG : CT_REPLY;
		char text[600] = "";

		for (unsigned int j = 0; j < a_random() % 12; j++)
			strcat(text, parts[a_random() % RTE_DIM(parts)]);
		segment_with(c, dir,
			     seq[dir] + (uint32_t)(a_random() % 8 ? 0 : a_random() % 64) - 9,
			     seq[!dir], text, NULL, 0, a_random() % 3);
		seq[dir] += (uint32_t)strlen(text);
		assert_true(waiting() <= 1);
	}
	split = random_data = false;
}

/* ---- Through the tracker ---- */

/* A TCP segment as ct_read() and ct_track() see it; the frame that leaves is in 'got'. */
static struct ct_result tracked(const struct ct_tuple *k, uint8_t flags, uint32_t seq, uint32_t ack,
				const char *data, const struct ct_req *r, unsigned int times)
{
	uint8_t *tcp = got.f + L2 + 20;
	const uint32_t n = packet(got.f, k, data, (uint32_t)strlen(data));
	struct ct_result out;
	struct pkt *p;

	put_be32(tcp + 4, seq);
	put_be32(tcp + 8, ack);
	tcp[13] = flags;
	finish_l4(got.f + L2, tcp, IPPROTO_TCP, n - L2 - 20);
	role_assume_pmd();
	p = pkt_with(mbuf_with(got.f, n));
	while (times--) {
		struct ct_pkt cp;

		ct_read(h.w, table, p, 0, &cp);
		ct_track(h.w, h.w->burst, table, p, &cp, r, ct_now(table, h.w->now), &out);
		p->key.ct_state = out.state;
		p->key.ct_zone = 0;
	}
	assert_int_equal(out.drop, N_DROPS);
	got.n = p->m->pkt_len;
	chain_read(p->m, 0, got.n, got.f);
	check_sums(got.f + L2, got.n - L2);
	rte_pktmbuf_free(p->m);
	got.seq = get_be32(tcp + 4);
	got.ack = get_be32(tcp + 8);
	memcpy(got.data, tcp + 20, got.n - L2 - 40);
	got.data[got.n - L2 - 40] = 0;
	return out;
}

enum { SYN = 2, ACK = 16, PSH = 8 };

static void ftp_through_the_tracker(void **state)
{
	const struct ct_tuple out = tuple(IPPROTO_TCP, "10.0.0.1", 4000, "198.51.100.1", 21);
	const struct ct_tuple in = tuple(IPPROTO_TCP, "198.51.100.1", 21, "203.0.113.200", 4000);
	const struct ct_tuple dout = tuple(IPPROTO_TCP, "10.0.0.1", 2048, "198.51.100.1", 20);
	const struct ct_tuple din = tuple(IPPROTO_TCP, "198.51.100.1", 20, "203.0.113.200", 2048);
	struct ct_nat_spec s = { .src = true, .l3 = 4 };
	struct ct_req first = { .commit = true,
				.nat = true,
				.spec = &s,
				.helper = CT_F_HELPER_FTP,
				.mark = 7,
				.mark_mask = ~0u };
	const struct ct_req look = { .nat = true }, add = { .nat = true, .commit = true };
	struct ct_result r;

	addr_is(s.min, 4, "203.0.113.200");
	addr_is(s.max, 4, "203.0.113.200");
	r = tracked(&out, SYN, 99, 0, "", &first, 1);
	assert_int_equal(r.state, CT_TRK | CT_NEW | CT_SNAT);
	r = tracked(&in, SYN | ACK, 499, 100, "", &look, 1);
	assert_int_equal(r.state, CT_TRK | CT_EST | CT_RPL | CT_DNAT);
	tracked(&out, ACK, 100, 500, "", &look, 1);
	/* By two ct actions: it is written once, and judged once. */
	r = tracked(&out, ACK | PSH, 100, 500, "PORT 10,0,0,1,8,0\r\n", &look, 2);
	assert_int_equal(r.state, CT_TRK | CT_EST | CT_SNAT);
	assert_string_equal(got.data, "PORT 203,0,113,200,8,0\r\n");
	r = tracked(&in, ACK | PSH, 500, 124, "200 ok\r\n", &look, 2);
	assert_int_equal(r.state, CT_TRK | CT_EST | CT_RPL | CT_DNAT);
	assert_int_equal(got.ack, 119);
	r = tracked(&out, ACK | PSH, 119, 508, "RETR x\r\n", &look, 2);
	assert_int_equal(r.state, CT_TRK | CT_EST | CT_SNAT);
	assert_int_equal(got.seq, 124);
	/* Not announced, then announced: as long as it is not committed, again and again. */
	r = tracked(&dout, SYN, 1, 0, "", &look, 1);
	assert_int_equal(r.state, CT_TRK | CT_NEW);
	for (unsigned int i = 0; i < 2; i++) {
		r = tracked(&din, SYN, 1, 0, "", &look, 1);
		assert_int_equal(r.state, CT_TRK | CT_NEW | CT_REL);
		assert_int_equal(r.mark, 7);
		assert_memory_equal(&r.orig, &out, sizeof(out));
	}
	r = tracked(&din, SYN, 1, 0, "", &add, 1);
	assert_int_equal(r.state, CT_TRK | CT_NEW | CT_REL | CT_DNAT);
	assert_int_equal(get_be32(got.f + L2 + 16), 0x0a000001);
	r = tracked(&dout, SYN | ACK, 700, 2, "", &look, 1);
	assert_int_equal(r.state, CT_TRK | CT_EST | CT_REL | CT_RPL | CT_SNAT);
	assert_int_equal(r.mark, 7);
	assert_int_equal(get_be32(got.f + L2 + 12), 0xcb0071c8);
	/* Translated already, at a second action. */
	r = tracked(&din, ACK, 2, 701, "", &look, 2);
	assert_int_equal(r.state, CT_TRK | CT_EST | CT_REL | CT_DNAT);
	assert_memory_equal(&r.orig, &out, sizeof(out));
	assert_int_equal(waiting(), 0);
}

static int fresh(void **state)
{
	struct err e = { "" };

	role_assume_control();
	ct_free(table);
	table = ct_new("test", 4096, &e);
	assert_non_null(table);
	h.w->now = rte_rdtsc();
	return 0;
}

#define T(f) cmocka_unit_test_setup(f, fresh)

static int setup(void **state)
{
	static const struct dp_opts o = { .name = "alg", .dpid = 1 };

	return harness_setup(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(without_nat_nothing_is_written),
		T(active_behind_snat),
		T(passive_behind_dnat),
		T(ipv6),
		T(nobody_is_sent_to_others),
		T(only_at_the_beginning_of_a_line),
		T(a_line_in_parts),
		T(numbers_follow),
		T(numbers_wrap),
		T(frames_of_any_layout),
		T(two_clients_with_one_port),
		T(not_without_a_parent_and_not_for_ever),
		T(tftp),
		T(many_announcements),
		T(garbage),
		T(ftp_through_the_tracker),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}
