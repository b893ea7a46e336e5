/* SPDX-License-Identifier: Apache-2.0 */
/* Network address translation: packets before and after, and the errors about them. */
#include "tests/unit/datapath_ct_nat.h"

static struct ct *table;

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

static void rfc5508_req4_req5_errors_quote_what_their_reader_sent(void **state)
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

/* ---- Hairpin ---- */

/* A packet of 'k' through ct(zone) of 'n' requests, one after the other; what leaves has tuple
 * 'is'. */
static void through(const struct ct_tuple *k, const struct ct_req *r, unsigned int n,
		    const struct ct_tuple *is)
{
	uint8_t f[256], want[256];
	const uint32_t len = packet(f, k, "data", 4);
	struct pkt *p;

	role_assume_pmd();
	p = pkt_with(mbuf_with(f, len));
	for (unsigned int i = 0; i < n; i++) {
		struct ct_result out;
		struct ct_pkt cp;

		ct_read(h.w, table, p, r[i].zone, &cp);
		ct_track(h.w, h.w->burst, table, p, &cp, &r[i], ct_now(table, h.w->now), &out);
		assert_int_equal(out.drop, N_DROPS);
		assert_int_equal(out.state & CT_INV, 0);
		p->key.ct_state = out.state;
		p->key.ct_zone = htobe16(r[i].zone);
	}
	chain_read(p->m, 0, len, f);
	packet(want, is, "data", 4);
	assert_memory_equal(f, want, len);
	rte_pktmbuf_free(p->m);
}

/* Two hosts inside, by the outside address of one: each sees the other by outside addresses alone.
 */
static void hairpin(uint8_t proto, const char *a, const char *b, const char *outside, uint16_t id)
{
	const bool icmp = !id;
	struct ct_nat_spec dst = { .dst = true }, src = { .src = true };
	const struct ct_req out[2] = { { .zone = 1, .commit = true, .nat = true, .spec = &dst },
				       { .zone = 2, .commit = true, .nat = true, .spec = &src } };
	const struct ct_req back[2] = { { .zone = 2, .nat = true }, { .zone = 1, .nat = true } };
	const uint16_t ask = proto == IPPROTO_ICMP ? 0x0800 : 0x8000,
		       answer = proto == IPPROTO_ICMP ? 0 : 0x8100;
	const uint16_t p1 = icmp ? 77 : 4000, p2 = icmp ? ask : id;
	struct ct_tuple k = tuple(proto, a, p1, outside, p2);
	struct ct_tuple is = tuple(proto, outside, p1, b, p2);

	dst.l3 = src.l3 = k.l3;
	addr_is(dst.min, k.l3, b);
	addr_is(dst.max, k.l3, b);
	addr_is(src.min, k.l3, outside);
	addr_is(src.max, k.l3, outside);
	through(&k, out, 2, &is);
	if (icmp) {
		k = tuple(proto, b, p1, outside, answer);
		is = tuple(proto, outside, p1, a, answer);
	} else {
		k = tuple(proto, b, p2, outside, p1);
		is = tuple(proto, outside, p2, a, p1);
	}
	through(&k, back, 2, &is);
}

static void rfc4787_req9_rfc5508_req7_hairpin(void **state)
{
	hairpin(IPPROTO_UDP, "10.0.0.1", "10.0.0.2", "203.0.113.1", 53);
	hairpin(IPPROTO_UDP, "fd00::1", "fd00::2", "2001:db8::1", 53);
	hairpin(IPPROTO_SCTP, "10.0.0.1", "10.0.0.2", "203.0.113.1", 53);
	hairpin(IPPROTO_ICMP, "10.0.0.1", "10.0.0.2", "203.0.113.1", 0);
	hairpin(IPPROTO_ICMPV6, "fd00::1", "fd00::2", "2001:db8::1", 0);
	/* To itself. */
	hairpin(IPPROTO_UDP, "10.0.0.3", "10.0.0.3", "203.0.113.1", 53);
}

static int setup(void **state)
{
	static const struct dp_opts o = { .name = "rewrite", .dpid = 1 };
	struct err e = { "" };

	if (harness_setup(&o) < 0)
		return -1;
	h.w->now = rte_rdtsc();
	table = ct_new("rewrite", 4096, &e);
	return table ? 0 : -1;
}

static int teardown(void **state)
{
	role_assume_control();
	ct_free(table);
	return harness_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_become_those_of_the_other_tuple),
		cmocka_unit_test(udp_without_a_checksum_keeps_none),
		cmocka_unit_test(damage_is_not_repaired),
		cmocka_unit_test(a_shared_frame_is_copied),
		cmocka_unit_test(sums_of_chains),
		cmocka_unit_test(rfc5508_req4_req5_errors_quote_what_their_reader_sent),
		cmocka_unit_test(truncated_anywhere),
		cmocka_unit_test(rfc4787_req9_rfc5508_req7_hairpin),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
