/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inner frames that do not fit: answered, fragmented, or dropped and counted.
 *
 *	sender 02::01 10.0.0.1 / 2001:db8::1  ->  receiver 02::02 10.0.0.2 / 2001:db8::2
 */
#include "tests/unit/vxlan_harness.h"

#include "vxlan/toobig.h"

enum { ETH = 14, DF = 0x4000, MF = 0x2000, NOW = 5000 };

static struct vxlan_ctx ctx;
static struct vxlan_toobig_limit limit;
static struct vxlan_toobig_out out;
static uint8_t frame[9000];

static int fresh(void **state)
{
	memset(&ctx, 0, sizeof(ctx));
	memset(&limit, 0, sizeof(limit));
	memset(frame, 0, sizeof(frame));
	ctx.pool = pool;
	return 0;
}

/* Ethernet and an IP header with 'ip_len' bytes in all; IHL is 'hlen'. */
static uint32_t ipv4(uint32_t hlen, uint16_t ip_len, uint16_t frag, uint8_t proto)
{
	uint8_t *ip = frame + ETH;

	unhex("02000000000202000000000108004500000000070000400000000a0000010a000002", frame);
	ip[0] = (uint8_t)(0x40 | hlen / 4);
	put_be16(ip + 2, ip_len);
	put_be16(ip + 6, frag);
	ip[9] = proto;
	for (uint32_t i = hlen; i < ip_len; i++)
		ip[i] = (uint8_t)(i * 7 + i / 256);
	put_be16(ip + 10, 0);
	put_be16(ip + 10, (uint16_t)~slow_sum(0, ip, hlen));
	return ETH + ip_len;
}

static uint32_t ipv6(uint16_t payload, uint8_t next)
{
	uint8_t *ip = frame + ETH;

	unhex("02000000000202000000000186dd6000000000000040"
	      "20010db800000000000000000000000120010db8000000000000000000000002",
	      frame);
	put_be16(ip + 4, payload);
	ip[6] = next;
	for (uint32_t i = 0; i < payload; i++)
		ip[40 + i] = (uint8_t)(i * 7 + 1);
	return ETH + 40 + payload;
}

static uint16_t toobig(uint32_t n, uint16_t room)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *seg;

	/* Long frames stand in segments, as the pool's buffers would have it. */
	for (uint32_t at = 0; at < n; at += 1800) {
		seg = at ? mbuf_of(frame + at, RTE_MIN(n - at, 1800u)) : m;
		if (at)
			assert_int_equal(rte_pktmbuf_chain(m, seg), 0);
		else
			memcpy(rte_pktmbuf_append(m, (uint16_t)RTE_MIN(n, 1800u)), frame,
			       RTE_MIN(n, 1800u));
	}
	m->port = 3;
	return vxlan_toobig(&ctx, &limit, NOW, m, room, &out);
}

static void assert_unanswered(uint32_t n)
{
	uint64_t drops = ctx.drops[VXLAN_DROP_TOO_BIG];

	assert_int_equal(toobig(n, 1464), 0);
	assert_int_equal(ctx.drops[VXLAN_DROP_TOO_BIG], drops + 1);
}

static uint32_t take_answer(uint8_t *b, uint32_t size)
{
	uint32_t n;

	assert_int_equal(out.n, 1);
	assert_true(out.answer);
	assert_int_equal(out.pkt[0]->port, 3);
	n = bytes_of(out.pkt[0], b, size);
	rte_pktmbuf_free(out.pkt[0]);
	return n;
}

static void ipv4_with_df(void **state)
{
	uint32_t n = ipv4(20, 1500, DF, 6);
	uint8_t b[2048], *ip = b + ETH;

	assert_int_equal(toobig(n, 1464), 1);
	assert_int_equal(take_answer(b, sizeof(b)), ETH + 576);
	/* From the receiver, so that it passes the sender's anti-spoofing and finds its way. */
	assert_memory_equal(b, frame + 6, 6);
	assert_memory_equal(b + 6, frame, 6);
	assert_int_equal(get_be32(ip + 12), 0x0a000002);
	assert_int_equal(get_be32(ip + 16), 0x0a000001);
	assert_int_equal(get_be16(ip + 2), 576);
	assert_int_equal(slow_sum(0, ip, 20), 0xffff);
	assert_int_equal(slow_sum(0, ip + 20, 556), 0xffff);
	assert_int_equal(get_be16(ip + 20), 0x0304);
	assert_int_equal(get_be16(ip + 26), 1450);
	assert_memory_equal(ip + 28, frame + ETH, 548);
}

static void ipv6_always(void **state)
{
	uint32_t n = ipv6(1460, 17);
	uint8_t b[2048], *ip = b + ETH;

	assert_int_equal(toobig(n, 1464), 1);
	assert_int_equal(take_answer(b, sizeof(b)), ETH + 1280);
	assert_memory_equal(ip + 8, frame + ETH + 24, 16);
	assert_memory_equal(ip + 24, frame + ETH + 8, 16);
	assert_int_equal(slow_l4_sum(ip), 0xffff);
	assert_int_equal(ip[40], 2);
	assert_int_equal(get_be32(ip + 44), 1450);
	assert_memory_equal(ip + 48, frame + ETH, 1232);
}

/* A tag goes back on the answer, and takes its four bytes of the MTU. */
static void tagged(void **state)
{
	uint32_t n = ipv4(20, 1500, DF, 6);
	uint8_t b[2048];

	memmove(frame + 16, frame + 12, n - 12);
	put_be32(frame + 12, 0x81000064);
	assert_int_equal(toobig(n + 4, 1464), 1);
	assert_int_equal(take_answer(b, sizeof(b)), 18 + 576);
	assert_int_equal(get_be32(b + 12), 0x81000064);
	assert_int_equal(get_be16(b + 18 + 26), 1446);
	assert_int_equal(slow_sum(0, b + 38, 556), 0xffff);
}

/* RFC 1122, 3.2.2; RFC 1812, 4.3.2.7; RFC 4443, 2.4 e. */
static void never_answered(void **state)
{
	uint32_t n;
	static const uint32_t bad_sources[] = { 0, 0x7f000001, 0xe0000001, 0xffffffff };

	for (int type = 0; type < 256; type++) {
		bool query = type == 0 || type == 8 || (type >= 13 && type <= 18);

		n = ipv4(20, 1500, DF, 1);
		frame[ETH + 20] = (uint8_t)type;
		assert_int_equal(toobig(n, 1464), query);
		rte_pktmbuf_free_bulk(out.pkt, out.n);
		n = ipv6(1460, 58);
		frame[ETH + 40] = (uint8_t)type;
		assert_int_equal(toobig(n, 1464), type >= 128 && type != 137);
		rte_pktmbuf_free_bulk(out.pkt, out.n);
	}
	assert_unanswered(ipv4(20, 1500, DF | 1, 6)); /* a later fragment */
	n = ipv4(20, 1500, DF, 6);
	frame[0] |= 1; /* a group's MAC */
	assert_unanswered(n);
	for (size_t i = 0; i < RTE_DIM(bad_sources); i++) {
		n = ipv4(20, 1500, DF, 6);
		put_be32(frame + ETH + 12, bad_sources[i]);
		put_be16(frame + ETH + 10, 0);
		put_be16(frame + ETH + 10, (uint16_t)~slow_sum(0, frame + ETH, 20));
		assert_unanswered(n);
	}
	n = ipv4(20, 1500, DF, 6);
	frame[ETH + 10] ^= 1; /* a header with a wrong checksum says nothing */
	assert_unanswered(n);
	n = ipv6(1460, 17);
	frame[ETH + 24] = 0xff;
	assert_unanswered(n);
	n = ipv6(1460, 44); /* fragment header, offset 8 */
	memset(frame + ETH + 40, 0, 8);
	frame[ETH + 40] = 17;
	frame[ETH + 43] = 8;
	assert_unanswered(n);
	n = ipv4(20, 1500, 0, 6);
	put_be16(frame + 12, 0x8847); /* no IP at all */
	assert_unanswered(n);
	/* ... and one that may be, so that the above proves something. */
	n = ipv4(20, 1500, DF, 6);
	assert_int_equal(toobig(n, 1464), 1);
	rte_pktmbuf_free(out.pkt[0]);
}

/* Whatever the bytes and however few: no answer to nonsense, nothing read beyond. */
static void answer_truncated(void **state)
{
	uint8_t reply[VXLAN_TOOBIG_ANSWER_MAX], *cut;

	for (int v6 = 0; v6 < 2; v6++) {
		if (v6)
			ipv6(1460, 17);
		else
			ipv4(20, 1500, DF, 17);
		for (uint32_t n = 0; n < 200; n++) {
			size_t len;

			cut = malloc(n ? n : 1);
			memcpy(cut, frame, n);
			len = vxlan_toobig_answer(cut, n, 1450, reply);
			free(cut);
			if (len) {
				assert_true(n >= (v6 ? ETH + 40u : ETH + 20u));
				assert_int_equal(slow_sum(0, reply + ETH, v6 ? 0 : 20),
						 v6 ? 0 : 0xffff);
				if (v6)
					assert_int_equal(slow_l4_sum(reply + ETH), 0xffff);
			}
		}
	}
}

static void rate_limited(void **state)
{
	uint32_t n = ipv4(20, 1500, DF, 6);
	unsigned int answered = 0;

	for (int i = 0; i < VXLAN_TOOBIG_RATE + 50; i++) {
		answered += toobig(n, 1464);
		rte_pktmbuf_free_bulk(out.pkt, out.n);
	}
	assert_int_equal(answered, VXLAN_TOOBIG_RATE);
	assert_int_equal(ctx.drops[VXLAN_DROP_TOO_BIG], 50);
}

/* The fragments in 'out' put together again give the datagram's payload; each fits and is right. */
static void reassemble(uint32_t room, uint32_t hlen, const uint8_t *payload, uint32_t len,
		       uint32_t first, bool more)
{
	static uint8_t whole[70000], b[9000];
	uint32_t end = 0;

	assert_true(out.n > 0 && !out.answer);
	memset(whole, 0, sizeof(whole));
	for (uint16_t i = 0; i < out.n; i++) {
		uint32_t n = bytes_of(out.pkt[i], b, sizeof(b));
		const uint8_t *ip = b + ETH;
		uint32_t at = (get_be16(ip + 6) & 0x1fffu) * 8 - first;

		assert_true(n <= room);
		assert_int_equal(out.pkt[i]->port, 3);
		assert_memory_equal(b, frame, ETH);
		assert_int_equal(slow_sum(0, ip, hlen), 0xffff);
		assert_int_equal(get_be16(ip + 2), n - ETH);
		assert_int_equal(get_be16(ip + 4), 7);
		assert_int_equal(at, end); /* in order, no gap */
		assert_int_equal(!!(get_be16(ip + 6) & MF), more || i + 1 < out.n);
		memcpy(whole + at, ip + hlen, n - ETH - hlen);
		end = at + n - ETH - hlen;
		rte_pktmbuf_free(out.pkt[i]);
	}
	assert_int_equal(end, len);
	assert_memory_equal(whole, payload, len);
}

static void ipv4_without_df(void **state)
{
	static const uint16_t lens[] = { 1451, 1500, 1452, 3000, 8900 };

	for (size_t i = 0; i < RTE_DIM(lens); i++)
		for (uint16_t room = 600; room < lens[i] + ETH && room < 1500; room += 61) {
			uint32_t n = ipv4(20, lens[i], 0, 17);

			assert_int_not_equal(toobig(n, room), 0);
			reassemble(room, 20, frame + ETH + 20, lens[i] - 20u, 0, false);
		}
	/* Padding behind the datagram is no part of it. */
	assert_int_equal(toobig(ipv4(20, 1500, 0, 17) + 30, 1464), 2);
	reassemble(1464, 20, frame + ETH + 20, 1480, 0, false);
}

/* What the sender has fragmented already is fragmented further (RFC 791). */
static void fragments_of_fragments(void **state)
{
	for (int last = 0; last < 2; last++) {
		uint32_t n = ipv4(20, 1500, (last ? 0 : MF) | 185, 17);

		assert_int_equal(toobig(n, 1464), 2);
		reassemble(1464, 20, frame + ETH + 20, 1480, 185 * 8, !last);
	}
	/* One that would reach beyond 65,535 is nobody's friend. */
	assert_unanswered(ipv4(20, 1500, 0x1fff, 17));
}

/* RFC 791, 3.1: options with the copied flag are in every fragment, others in the first only. */
static void options(void **state)
{
	uint32_t n;
	uint8_t b[2048];

	n = ipv4(32, 1500, 0, 17);
	/* record route (7, not copied), router alert (0x94, copied), no-operation */
	unhex("0703049404000001010101", frame + ETH + 20);
	frame[ETH + 31] = 0;
	put_be16(frame + ETH + 10, 0);
	put_be16(frame + ETH + 10, (uint16_t)~slow_sum(0, frame + ETH, 32));
	assert_int_equal(toobig(n, 1464), 2);
	bytes_of(out.pkt[0], b, sizeof(b));
	assert_memory_equal(b + ETH + 20, frame + ETH + 20, 12);
	bytes_of(out.pkt[1], b, sizeof(b));
	unhex("010101940400000101010100", frame + ETH + 20);
	assert_memory_equal(b + ETH + 20, frame + ETH + 20, 12);
	unhex("070304940400000101010100", frame + ETH + 20);
	reassemble(1464, 32, frame + ETH + 32, 1468, 0, false);
}

static void too_many_fragments(void **state)
{
	assert_int_equal(toobig(ipv4(20, 8900, 0, 17), 100), 0);
	assert_int_equal(ctx.drops[VXLAN_DROP_TOO_BIG], 1);
}

static void no_buffers_left(void **state)
{
	struct rte_mbuf *all[1023];
	unsigned int n = 0;

	for (int df = 0; df < 2; df++) {
		struct rte_mbuf *m;

		ipv4(20, 1500, df ? DF : 0, 17);
		m = mbuf_of(frame, 1514);
		for (n = 0; n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(pool));)
			n++;
		assert_int_equal(vxlan_toobig(&ctx, &limit, NOW, m, 1464, &out), 0);
		assert_int_equal(ctx.drops[VXLAN_DROP_NO_MBUF], df + 1);
		assert_int_equal(ctx.drops[VXLAN_DROP_TOO_BIG], 0);
		rte_pktmbuf_free_bulk(all, n);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, harness_no_leak)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ipv4_with_df),	TEST(ipv6_always),
		TEST(tagged),		TEST(never_answered),
		TEST(answer_truncated), TEST(rate_limited),
		TEST(ipv4_without_df),	TEST(fragments_of_fragments),
		TEST(options),		TEST(too_many_fragments),
		TEST(no_buffers_left),
	};

	return cmocka_run_group_tests(tests, harness_init, harness_fini);
}
