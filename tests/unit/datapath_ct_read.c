/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What connection tracking reads in a packet: the tuple of sound ones, and that garbage of every
 * kind is invalid.
 */
#include "tests/unit/datapath_harness.h"

#include "datapath/ct_track.h"
#include "datapath/reasm.h"
#include "tests/unit/datapath_ct_frames.h"

static struct ct *t;
static struct burst *burst;

static int setup(void **state)
{
	const struct dp_opts o = { .name = "unit", .dpid = 1 };
	struct err e;

	if (harness_setup(&o))
		return -1;
	burst = calloc(1, sizeof(*burst));
	t = ct_new("unit", 64, &e);
	return burst && t ? 0 : -1;
}

static int teardown(void **state)
{
	role_assume_control();
	ct_free(t);
	free(burst);
	return harness_teardown(state);
}

/* 'split': the frame's second buffer begins there; 0: it has one. */
static struct ct_pkt read_split(const struct cf *f, uint32_t split, uint64_t flags)
{
	struct ct_pkt cp;
	struct rte_mbuf *m;
	struct cf part = *f;

	role_assume_pmd();
	memset(&cp, 0xa5, sizeof(cp));
	if (split)
		part.n = split;
	m = cf_mbuf(h.dp->pool, &part);
	assert_non_null(m);
	if (split) {
		struct rte_mbuf *rest = rte_pktmbuf_alloc(h.dp->pool);

		memcpy(rte_pktmbuf_append(rest, (uint16_t)(f->n - split)), f->b + split,
		       f->n - split);
		assert_int_equal(rte_pktmbuf_chain(m, rest), 0);
	}
	m->ol_flags |= flags;
	assert_true(pkt_init(burst, 0, m, 1));
	ct_read(h.w, t, &burst->pkt[0], 7, &cp);
	rte_pktmbuf_free(m);
	return cp;
}

static struct ct_pkt read(const struct cf *f)
{
	return read_split(f, 0, 0);
}

static bool is_bad(const struct cf *f)
{
	return read(f).kind == CT_K_INVALID;
}

static const uint8_t protos[] = { IPPROTO_TCP,	   IPPROTO_UDP, IPPROTO_SCTP,  IPPROTO_ICMP,
				  IPPROTO_UDPLITE, IPPROTO_GRE, 33 /* DCCP */, 253 };

static struct cf_spec spec(bool v6, uint8_t proto)
{
	struct cf_spec s = { .v6 = v6,
			     .proto = proto,
			     .src = 1,
			     .dst = 2,
			     .sport = 1000,
			     .dport = 80,
			     .flags = 0x10,
			     .win = 100,
			     .len = 37 };

	if (proto == IPPROTO_ICMP) {
		s.proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		s.dport = v6 ? 0x8000 : 0x0800;
	}
	return s;
}

static void sound_packets_have_their_tuple(void **state)
{
	for (unsigned int i = 0; i < sizeof(protos) * 4; i++) {
		struct cf_spec s = spec(i & 1, protos[i / 4]);
		bool ports = i / 4 < 4;
		struct ct_pkt cp;
		struct cf f;

		s.ext = i & 2 ? 16 : 0;
		cf_make(&f, &s);
		cp = read(&f);
		assert_int_equal(cp.kind, CT_K_FLOW);
		assert_int_equal(cp.k.proto, s.proto);
		assert_int_equal(cp.k.l3, s.v6 ? 6 : 4);
		assert_int_equal(cp.k.zone, 7);
		assert_int_equal(cp.k.src_port, ports ? htobe16(1000) : 0);
		assert_int_equal(cp.k.dst_port, ports ? htobe16(s.dport) : 0);
		assert_int_equal(cp.k.src[s.v6 ? 15 : 3], 1);
		assert_int_equal(cp.k.dst[s.v6 ? 15 : 3], 2);
		if (!s.v6)
			for (unsigned int b = 4; b < 16; b++)
				assert_int_equal(cp.k.src[b] | cp.k.dst[b], 0);
		assert_true(cp.hash == ct_hash(t, &cp.k));
		if (ports)
			assert_int_equal(cp.l4, f.l4);
	}
}

/* A tuple turned twice is itself; of ICMP the type turns. */
static void tuples_turn(void **state)
{
	for (unsigned int i = 0; i < sizeof(protos) * 2; i++) {
		struct cf_spec s = spec(i & 1, protos[i / 2]);
		struct ct_tuple turned, back;
		struct cf f;
		struct ct_pkt cp;

		cf_make(&f, &s);
		cp = read(&f);
		ct_turn(&turned, &cp.k);
		ct_turn(&back, &turned);
		assert_memory_equal(&back, &cp.k, sizeof(back));
		assert_memory_equal(turned.src, cp.k.dst, 16);
		assert_true(ct_may_begin(&cp.k));
		if (protos[i / 2] == IPPROTO_ICMP) {
			assert_int_equal(turned.dst_port, htobe16(s.v6 ? 0x8100 : 0));
			assert_int_equal(turned.src_port, htobe16(1000));
			assert_false(ct_may_begin(&turned));
		}
	}
}

/* One bit anywhere but in MACs, and what no checksum covers: the verdict is that it is bad, or, in
 * what finds the packet, another one that is still sound by luck never. */
static void one_flipped_bit_is_found(void **state)
{
	for (unsigned int i = 0; i < 4 * 2; i++) {
		const struct cf_spec s = spec(i & 1, protos[i / 2]);
		struct cf f;

		cf_make(&f, &s);
		for (uint32_t bit = f.l4 * 8; bit < f.n * 8; bit++) {
			f.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (!is_bad(&f))
				fail_msg("protocol %u, bit %u of L4", s.proto, bit - f.l4 * 8);
			f.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (uint32_t bit = CF_L3 * 8; !s.v6 && bit < f.l4 * 8; bit++) {
			f.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (!is_bad(&f))
				fail_msg("protocol %u, bit %u of IP", s.proto, bit - CF_L3 * 8);
			f.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_false(is_bad(&f));
	}
}

static void cut_short_is_bad(void **state)
{
	for (unsigned int i = 0; i < sizeof(protos) * 2; i++) {
		const struct cf_spec s = spec(i & 1, protos[i / 2]);
		struct cf f;
		uint32_t n;

		cf_make(&f, &s);
		n = f.n;
		for (f.n = 14; f.n < n; f.n++)
			assert_true(is_bad(&f));
		/* Ethernet's padding does not matter. */
		f.n = n + 9;
		assert_false(is_bad(&f));
	}
}

static void what_a_driver_vouches_for_is_not_summed(void **state)
{
	const uint64_t l4 = RTE_MBUF_F_RX_L4_CKSUM_GOOD, ip = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	const struct cf_spec s = spec(false, IPPROTO_TCP);
	struct cf f;

	cf_make(&f, &s);
	f.b[f.l4 + 16] ^= 1;
	assert_int_equal(read_split(&f, 0, l4).kind, CT_K_FLOW);
	assert_int_equal(read_split(&f, 0, ip).kind, CT_K_INVALID);
	f.b[CF_L3 + 10] ^= 1;
	assert_int_equal(read_split(&f, 0, l4).kind, CT_K_INVALID);
	assert_int_equal(read_split(&f, 0, l4 | ip).kind, CT_K_FLOW);
	assert_int_equal(read_split(&f, 0, RTE_MBUF_F_RX_L4_CKSUM_BAD | ip).kind, CT_K_INVALID);
}

static void frames_of_several_buffers(void **state)
{
	for (unsigned int i = 0; i < 4 * 2; i++) {
		struct cf_spec s = spec(i & 1, protos[i / 2]);
		struct cf f;

		s.len = 1301;
		cf_make(&f, &s);
		for (unsigned int split = 260; split < 280; split++) {
			assert_int_equal(read_split(&f, split, 0).kind, CT_K_FLOW);
			f.b[f.n - 1] ^= 4;
			assert_int_equal(read_split(&f, split, 0).kind, CT_K_INVALID);
			f.b[f.n - 1] ^= 4;
		}
	}
}

static void udp_without_a_checksum(void **state)
{
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		const struct cf_spec s = spec(v6, IPPROTO_UDP);
		struct cf f;

		cf_make(&f, &s);
		put_be16(f.b + f.l4 + 6, 0);
		assert_int_equal(is_bad(&f), v6);
		/* Lengths that cannot be. */
		for (unsigned int n = 0; n < 65536; n += n < 50 ? 1 : 6553) {
			put_be16(f.b + f.l4 + 4, (uint16_t)n);
			assert_int_equal(is_bad(&f), v6 || n < 8 || n > 8 + 37);
		}
	}
}

static void tcp_flags_and_lengths(void **state)
{
	for (unsigned int flags = 0; flags < 256; flags++) {
		struct cf_spec s = spec(flags & 1, IPPROTO_TCP);
		const unsigned int f6 = flags & 0x3f;
		unsigned int of_them = !!(f6 & 1) + !!(f6 & 2) + !!(f6 & 4);
		struct cf f;

		s.flags = (uint8_t)flags;
		cf_make(&f, &s);
		assert_int_equal(is_bad(&f), of_them > 1 || (!(f6 & 0x10) &&
							     (!(f6 & 6) || f6 & 0x20 || f6 & 1)));
	}
	for (unsigned int off = 0; off < 16; off++) {
		struct cf_spec s = spec(false, IPPROTO_TCP);
		struct cf f;

		s.len = 20;
		cf_make(&f, &s);
		f.b[f.l4 + 12] = (uint8_t)(off << 4);
		cf_sum_l4(&f);
		assert_int_equal(is_bad(&f), off < 5 || off > 10);
	}
}

static void icmp_types(void **state)
{
	static const uint8_t asks4[] = { 8, 13, 15, 17 }, answers4[] = { 0, 14, 16, 18 };

	for (unsigned int type = 0; type < 512; type++) {
		struct cf_spec s = spec(type & 1, IPPROTO_ICMP);
		const uint8_t ty = (uint8_t)(type >> 1);
		bool good = s.v6 && (ty == 128 || ty == 129);
		struct ct_pkt cp;
		struct cf f;

		for (unsigned int i = 0; !s.v6 && i < 4; i++)
			good |= ty == asks4[i] || ty == answers4[i];
		s.dport = (uint16_t)(ty << 8);
		cf_make(&f, &s);
		cp = read(&f);
		/* Among the others are errors, which quote zeros here. */
		assert_int_equal(cp.kind, good ? CT_K_FLOW : CT_K_INVALID);
		/* The other version's ICMP. */
		f.b[CF_L3 + (s.v6 ? 6 : 9)] = s.v6 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		if (!s.v6)
			cf_sum_ip(f.b + CF_L3);
		cf_sum_l4(&f);
		assert_true(is_bad(&f));
	}
}

static void land_has_no_direction(void **state)
{
	for (unsigned int i = 0; i < sizeof(protos) * 2; i++) {
		struct cf_spec s = spec(i & 1, protos[i / 2]);
		const bool icmp = protos[i / 2] == IPPROTO_ICMP, ports = i / 2 < 3;
		struct cf f;

		s.dst = s.src;
		cf_make(&f, &s);
		assert_int_equal(is_bad(&f), !icmp && !ports);
		if (icmp)
			continue;
		s.dport = s.sport;
		cf_make(&f, &s);
		assert_true(is_bad(&f));
	}
}

static void no_ip_no_connection(void **state)
{
	const struct cf_spec s = spec(false, IPPROTO_TCP);
	struct cf f;

	cf_make(&f, &s);
	put_be16(f.b + 12, 0x0806);
	assert_true(is_bad(&f));
	put_be16(f.b + 12, 0x88cc);
	assert_true(is_bad(&f));
	put_be16(f.b + 12, 0x86dd);
	assert_true(is_bad(&f));
	/* Fragments come here whole, or not at all. */
	put_be16(f.b + 12, 0x0800);
	for (unsigned int i = 0; i < 16; i++) {
		const uint16_t frag = (uint16_t)(1 << i);

		put_be16(f.b + CF_L3 + 6, frag);
		cf_sum_ip(f.b + CF_L3);
		assert_int_equal(is_bad(&f), frag < 0x4000);
	}
}

static void broken_extension_headers(void **state)
{
	static const uint8_t exthdrs[] = { 0, 43, 44, 51, 60 };
	struct cf_spec s = spec(true, IPPROTO_UDP);
	struct cf f;

	s.ext = 16;
	cf_make(&f, &s);
	for (unsigned int n = 0; n < 256; n++) {
		f.b[CF_L3 + 41] = (uint8_t)n;
		assert_int_equal(is_bad(&f), n != 1);
	}
	/* A row of them that never ends. */
	for (unsigned int i = 0; i < sizeof(exthdrs); i++) {
		s.proto = exthdrs[i];
		s.len = 800;
		s.ext = 0;
		cf_make(&f, &s);
		for (unsigned int at = 54; at < f.n; at += 8)
			f.b[at] = exthdrs[i];
		assert_true(is_bad(&f));
	}
}

/* ---- Errors ---- */

static void errors_are_of_what_they_quote(void **state)
{
	for (unsigned int i = 0; i < sizeof(protos) * 2; i++) {
		const struct cf_spec s = spec(i & 1, protos[i / 2]);
		const uint16_t what = s.v6 ? 0x0100 : 0x0301;
		struct ct_tuple turned;
		struct ct_pkt cp, qcp;
		struct cf q, f;

		cf_make(&q, &s);
		qcp = read(&q);
		ct_turn(&turned, &qcp.k);
		for (uint32_t n = 0; n <= q.n - CF_L3; n++) {
			const uint32_t l4 = q.l4 - CF_L3;

			cf_error(&f, &q, what, 9, s.src, n);
			cp = read(&f);
			assert_int_equal(cp.kind, n < l4 + 8 ? CT_K_INVALID : CT_K_ERROR);
			if (cp.kind != CT_K_ERROR)
				continue;
			assert_memory_equal(&cp.k, &turned, sizeof(turned));
			assert_int_equal(cp.inner_l3, f.l4 + 8);
			assert_int_equal(cp.inner_l4, f.l4 + 8 + l4);
		}
		/* To somebody else than who sent what is quoted. */
		cf_error(&f, &q, what, 9, 3, q.n - CF_L3);
		assert_true(is_bad(&f));
	}
}

static void errors_that_quote_garbage(void **state)
{
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		const struct cf_spec s = spec(v6, IPPROTO_UDP), icmp = spec(v6, IPPROTO_ICMP);
		const uint16_t what = v6 ? 0x0100 : 0x0b00;
		struct cf q, good, f;

		cf_make(&good, &s);
		q = good;
		q.b[CF_L3] = v6 ? 0x40 : 0x60;
		cf_error(&f, &q, what, 9, 1, q.n - CF_L3);
		/* cf_error() takes the version from there: that of the quoted is the error's. */
		assert_true(is_bad(&f));
		q = good;
		if (v6) {
			q.b[CF_L3 + 6] = 44; /* a later fragment */
			put_be16(q.b + CF_L3 + 42, 8);
		} else {
			put_be16(q.b + CF_L3 + 6, 1);
			cf_sum_ip(q.b + CF_L3);
		}
		cf_error(&f, &q, what, 9, 1, q.n - CF_L3);
		assert_true(is_bad(&f));
		if (!v6) {
			q = good;
			q.b[CF_L3 + 10] ^= 1; /* RFC 5508 REQ-3 a */
			cf_error(&f, &q, what, 9, 1, q.n - CF_L3);
			assert_true(is_bad(&f));
			for (unsigned int ihl = 0; ihl < 5; ihl++) {
				q = good;
				q.b[CF_L3] = (uint8_t)(0x40 | ihl);
				cf_error(&f, &q, what, 9, 1, q.n - CF_L3);
				assert_true(is_bad(&f));
			}
			q = good;
			q.b[CF_L3] = 0x4f; /* options beyond the quote */
			cf_error(&f, &q, what, 9, 1, 60 + 7);
			assert_true(is_bad(&f));
		}
		/* An error for an error. */
		cf_error(&q, &good, what, 1, 1, 60);
		cf_error(&f, &q, what, 9, 1, q.n - CF_L3);
		assert_true(is_bad(&f));
		/* The other version's ICMP. */
		cf_make(&q, &icmp);
		q.b[CF_L3 + (v6 ? 6 : 9)] = v6 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		cf_error(&f, &q, what, 9, 1, q.n - CF_L3);
		assert_true(is_bad(&f));
	}
}

/* Any bytes, as often as there is time for: no reading past the frame (ASan), and no error that is
 * of nobody's connection. */
static void noise(void **state)
{
	uint64_t x = 88172645463325252u;

	for (unsigned int i = 0; i < 20000; i++) {
		struct cf_spec s = spec(i & 1, protos[i % sizeof(protos)]);
		struct ct_pkt cp;
		struct cf f;

		cf_make(&f, &s);
		for (unsigned int k = 0; k < 1 + i % 5; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			f.b[CF_L3 + x % (f.n - CF_L3)] = (uint8_t)(x >> 40);
		}
		if (i & 2)
			f.n = 14 + (uint32_t)(x >> 33) % (f.n - 13);
		cp = read(&f);
		assert_true(cp.kind != CT_K_ERROR || cp.inner_l4 + 8u <= f.n);
		assert_true(cp.kind == CT_K_INVALID || cp.l4 <= f.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_packets_have_their_tuple),
		cmocka_unit_test(tuples_turn),
		cmocka_unit_test(one_flipped_bit_is_found),
		cmocka_unit_test(cut_short_is_bad),
		cmocka_unit_test(what_a_driver_vouches_for_is_not_summed),
		cmocka_unit_test(frames_of_several_buffers),
		cmocka_unit_test(udp_without_a_checksum),
		cmocka_unit_test(tcp_flags_and_lengths),
		cmocka_unit_test(icmp_types),
		cmocka_unit_test(land_has_no_direction),
		cmocka_unit_test(no_ip_no_connection),
		cmocka_unit_test(broken_extension_headers),
		cmocka_unit_test(errors_are_of_what_they_quote),
		cmocka_unit_test(errors_that_quote_garbage),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
