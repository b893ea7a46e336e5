/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What arrives on an uplink, 02:aa::01 with 192.0.2.1 and 2001:db8::1 (and 198.51.100.1 on VLAN
 * 100), from 02:aa::02 with 192.0.2.2 and 2001:db8::2.  Packets were built with scapy 2.5.
 */
#include "tests/unit/vxlan_harness.h"

#include "vlan/tag.h"
#include "vxlan/decap.h"

#define INNER                                                              \
	"0200000000020200000000010800452a002c00070000400666990a0000010a00" \
	"000204d2005000000001000000005002200098df000077656674"

/* IP(tos=3, ttl=9, options=[NOP] * 4)/UDP(50000 > 4789, with checksum)/VXLAN(vni=5) */
static const char v4_options[] = "02aa0000000102aa000000020800460300620001000009112a82c0000202c000"
				 "020101010101c35012b5004aa06e080000000000050002000000000202000000"
				 "00010800452a002c00070000400666990a0000010a00000204d2005000000001"
				 "000000005002200098df000077656674";
/* ... as it must come out: inner ECN 2 and outer CE make CE, and the checksum follows (scapy). */
#define INNER_CE                                                           \
	"0200000000020200000000010800452b002c00070000400666980a0000010a00" \
	"000204d2005000000001000000005002200098df000077656674"

enum { L3 = 14, L4 = 38, VX = 46, IN = 54 }; /* in v4_options */

/* IPv6(tc=2, hlim=64)/UDP(49152 > 4789, with checksum)/VXLAN(vni=77) */
static const char v6_csum[] = "02aa0000000102aa0000000286dd60200000004a114020010db8000000000000"
			      "00000000000220010db8000000000000000000000001c00012b5004a844d0800"
			      "000000004d00" INNER;

static struct vxlan_ctx ctx;
static struct vxlan_memory *memory;
static struct vxlan_term term;
static struct vxlan_rx_out out;

static void local(const char *ip, uint16_t dport, uint16_t vid, uint32_t port)
{
	struct vxlan_local *l = &term.local[term.n++];

	*l = (struct vxlan_local){ .dport = dport, .vid = vid, .port = port };
	assert_int_equal(vxlan_addr_parse(ip, &l->addr), 0);
}

static int fresh(void **state)
{
	memset(&ctx, 0, sizeof(ctx));
	ctx.pool = pool;
	if (!memory)
		memory = vxlan_memory_new();
	assert_non_null(memory);
	term = (struct vxlan_term){ .mac = { 2, 0xaa, 0, 0, 0, 1 } };
	local("192.0.2.1", 4789, 0, 10);
	local("2001:db8::1", 4789, 0, 11);
	local("198.51.100.1", 4789, 100, 12);
	local("192.0.2.1", 8472, 0, 13);
	return 0;
}

enum went { INNER_, CTRL, PASS, BOTH, DROPPED };

/* Where one packet goes.  What comes out is freed, but for the inner frame if '*inner' is asked. */
static enum went sort(struct rte_mbuf *m, struct rte_mbuf **inner)
{
	enum went w = DROPPED;

	vxlan_rx_burst(&ctx, memory, &term, &m, 1, m->ol_flags, &out);
	if (out.n_inner)
		w = INNER_;
	else if (out.n_ctrl && out.n_pass)
		w = BOTH;
	else if (out.n_ctrl)
		w = CTRL;
	else if (out.n_pass)
		w = PASS;
	assert_int_equal(out.n_inner + out.n_ctrl + out.n_pass, w == BOTH ? 2 : w != DROPPED);
	if (inner && w == INNER_)
		*inner = out.inner[0];
	else
		rte_pktmbuf_free_bulk(out.inner, out.n_inner);
	rte_pktmbuf_free_bulk(out.ctrl, out.n_ctrl);
	rte_pktmbuf_free_bulk(out.pass, out.n_pass);
	return w;
}

static enum went sort_bytes(const uint8_t *p, uint32_t n)
{
	return sort(mbuf_of(p, n), NULL);
}

static void assert_dropped(enum went w, enum vxlan_drop why)
{
	assert_int_equal(w, DROPPED);
	assert_int_equal(ctx.drops[why], 1);
	memset(ctx.drops, 0, sizeof(ctx.drops));
}

/* Makes the IPv4 header's checksum right again after a change. */
static void fix_ip(uint8_t *ip)
{
	put_be16(ip + 10, 0);
	put_be16(ip + 10, (uint16_t)~slow_sum(0, ip, (ip[0] & 15u) * 4));
}

static void scapy_vectors(void **state)
{
	struct rte_mbuf *m = NULL;
	uint8_t b[256];
	uint32_t n;

	assert_int_equal(sort(mbuf_of_hex(v4_options), &m), INNER_);
	assert_hex(m, INNER_CE);
	assert_int_equal(out.run[0].rx->vni, 5);
	assert_int_equal(out.run[0].rx->tos, 3);
	assert_int_equal(out.run[0].rx->ttl, 9);
	assert_int_equal(out.run[0].rx->port, 10);
	assert_int_equal(be32toh(vxlan_addr_to_v4(&out.run[0].rx->src)), 0xc0000202);
	assert_int_equal(be32toh(vxlan_addr_to_v4(&out.run[0].rx->dst)), 0xc0000201);
	rte_pktmbuf_free(m);

	/* scapy's checksum was for the other direction; sums do not mind. */
	assert_int_equal(sort(mbuf_of_hex(v6_csum), &m), INNER_);
	assert_hex(m, INNER);
	assert_int_equal(out.run[0].rx->vni, 77);
	assert_int_equal(out.run[0].rx->tos, 2);
	assert_int_equal(out.run[0].rx->ttl, 64);
	assert_int_equal(out.run[0].rx->port, 11);
	assert_int_equal(out.run[0].rx->src.b[15], 2);
	rte_pktmbuf_free(m);

	n = unhex(v6_csum, b);
	put_be16(b + 60, 0); /* RFC 6935 */
	assert_int_equal(sort(mbuf_of(b, n), &m), INNER_);
	rte_pktmbuf_free(m);
}

/* What we encapsulate we unpack, in every shape. */
static void round_trip(void **state)
{
	static const char *const shapes[][2] = { { "192.0.2.2", "192.0.2.1" },
						 { "2001:db8::2", "2001:db8::1" },
						 { "198.51.100.2", "198.51.100.1" } };
	uint8_t inner[1464];

	for (unsigned int i = 0; i < sizeof(inner); i++)
		inner[i] = (uint8_t)(i * 151);
	for (uint32_t i = 0; i < 6; i++)
		for (uint32_t n = 14; n <= 1444; n += 55) {
			struct vxlan_tmpl_cfg cfg = { .src_mac = { 2, 0xaa, 0, 0, 0, 2 },
						      .dst_mac = { 2, 0xaa, 0, 0, 0, 1 },
						      .csum_flip = i & 1,
						      .mtu = 1500,
						      .vid = i / 2 == 2 ? 100 : 0 };
			struct rte_mbuf *m = mbuf_of(inner, n), *got = NULL;
			struct vxlan_tmpl t;
			struct vxlan_tx tx = { &t, n * 11000, 0, 0 };

			assert_int_equal(vxlan_addr_parse(shapes[i / 2][0], &cfg.local), 0);
			assert_int_equal(vxlan_addr_parse(shapes[i / 2][1], &cfg.remote), 0);
			assert_int_equal(vxlan_tmpl_init(&t, &cfg, NULL), 0);
			assert_int_equal(vxlan_encap_burst(&ctx, &m, &tx, 1, NULL), 1);
			assert_int_equal(sort(m, &got), INNER_);
			assert_int_equal(out.run[0].rx->vni, n * 11000);
			assert_int_equal(out.run[0].rx->port, 10 + i / 2);
			assert_bytes(got, inner, n);
			rte_pktmbuf_free(got);
		}
}

/* Cut at every byte, in one segment and in two: never unpacked, never lost uncounted. */
static void every_truncation(void **state)
{
	static const char *const whole[] = { v4_options, v6_csum };
	uint8_t b[256];

	for (int i = 0; i < 2; i++) {
		uint32_t n = unhex(whole[i], b);

		for (uint32_t len = 0; len < n; len++)
			for (uint32_t at = 0; at < len; at += at ? len - 1 : len / 2 + 1) {
				enum went w =
					sort(at ? mbuf_in_two(b, len, at) : mbuf_of(b, len), NULL);
				uint64_t drops = 0;

				for (int d = 0; d < VXLAN_N_DROPS; d++)
					drops += ctx.drops[d];
				memset(ctx.drops, 0, sizeof(ctx.drops));
				assert_true(w == DROPPED || w == PASS);
				assert_int_equal(drops, w == DROPPED);
				/* Once it can be seen that it is ours, it is dropped. */
				if (!at && len >= (i ? 54 : 34))
					assert_int_equal(w, DROPPED);
			}
	}
}

/* Outer headers must be in the first segment; from there on segments do not matter. */
static void segments(void **state)
{
	uint8_t b[256];
	uint32_t n = unhex(v4_options, b);

	for (uint32_t at = 1; at < n; at++) {
		struct rte_mbuf *m = NULL;
		enum went w = sort(mbuf_in_two(b, n, at), &m);

		if (at >= IN + 14) {
			assert_int_equal(w, INNER_);
			assert_int_equal(m->pkt_len, n - IN);
			rte_pktmbuf_free(m);
		} else if (at >= L3 + 20) {
			assert_dropped(w, VXLAN_DROP_OUTER_SPLIT);
		} else {
			assert_int_equal(w, PASS);
		}
	}
}

static void lengths(void **state)
{
	struct rte_mbuf *m = NULL;
	uint8_t b[256], *ip = b + L3, *udp = b + L4;
	uint32_t n = unhex(v4_options, b);

	/* Padding behind the packet, in as many segments as it likes. */
	memset(b + n, 0x55, 60);
	assert_int_equal(sort(mbuf_of(b, n + 9), &m), INNER_);
	assert_hex(m, INNER_CE);
	rte_pktmbuf_free(m);
	m = mbuf_in_two(b, n + 40, n - 5);
	assert_int_equal(rte_pktmbuf_chain(m, mbuf_of(b, 30)), 0);
	assert_int_equal(sort(m, &m), INNER_);
	assert_hex(m, INNER_CE);
	rte_pktmbuf_free(m);

	/* IP length: zero, less than its header, beyond the frame. */
	for (int i = 0; i < 3; i++) {
		unhex(v4_options, b);
		put_be16(ip + 2, i == 0 ? 0 : i == 1 ? 23 : (uint16_t)(n - L3 + 1));
		fix_ip(ip);
		assert_dropped(sort_bytes(b, n), VXLAN_DROP_OUTER_LEN);
	}
	unhex(v4_options, b);
	ip[0] = 0x44;
	assert_dropped(sort_bytes(b, n), VXLAN_DROP_OUTER_LEN);
	/* UDP length: zero, less than both headers, beyond the IP packet; without checksum. */
	for (int i = 0; i < 4; i++) {
		unhex(v4_options, b);
		put_be16(udp + 6, 0);
		put_be16(udp + 4, i == 0 ? 0 : i == 1 ? 15 : i == 2 ? 75 : 0xffff);
		assert_dropped(sort_bytes(b, n), VXLAN_DROP_OUTER_LEN);
	}
	/* An inner frame of less than an Ethernet header. */
	for (uint16_t len = 16; len < 30; len++) {
		unhex(v4_options, b);
		put_be16(udp + 6, 0);
		put_be16(udp + 4, len);
		assert_dropped(sort_bytes(b, n), VXLAN_DROP_INNER_SHORT);
	}
	put_be16(udp + 4, 30);
	assert_int_equal(sort(mbuf_of(b, n), &m), INNER_);
	assert_int_equal(m->pkt_len, 14);
	rte_pktmbuf_free(m);
}

/* Each single bit that is flipped under a checksum is noticed. */
static void checksums(void **state)
{
	uint8_t b[256];
	uint32_t n = unhex(v4_options, b);

	for (uint32_t at = L3; at < n; at++)
		for (int bit = 0; bit < 8; bit++) {
			enum went w;

			b[at] ^= 1 << bit;
			w = sort_bytes(b, n);
			b[at] ^= 1 << bit;
			assert_int_not_equal(w, INNER_);
		}
	assert_int_not_equal(ctx.drops[VXLAN_DROP_OUTER_CSUM], 0);
	assert_int_not_equal(ctx.drops[VXLAN_DROP_UDP_CSUM], 0);
}

/* The driver's word is taken, for good and bad; unless it speaks of what is inside. */
static void checksum_offload(void **state)
{
	static const struct {
		uint64_t flags;
		uint32_t ptype;
		int flip_ip, flip_udp;
		enum went want;
	} rows[] = {
		{ RTE_MBUF_F_RX_IP_CKSUM_GOOD, 0, 1, 0, INNER_ },
		{ RTE_MBUF_F_RX_IP_CKSUM_BAD, 0, 0, 0, DROPPED },
		{ RTE_MBUF_F_RX_L4_CKSUM_GOOD, 0, 0, 1, INNER_ },
		{ RTE_MBUF_F_RX_L4_CKSUM_NONE, 0, 0, 1, INNER_ },
		{ RTE_MBUF_F_RX_L4_CKSUM_BAD, 0, 0, 0, DROPPED },
		{ RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_PTYPE_TUNNEL_VXLAN, 0, 1, DROPPED },
		{ RTE_MBUF_F_RX_L4_CKSUM_BAD, RTE_PTYPE_TUNNEL_VXLAN, 0, 0, INNER_ },
	};
	uint8_t b[256];

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		uint32_t n = unhex(v4_options, b);
		struct rte_mbuf *m;

		b[L3 + 10] ^= rows[i].flip_ip;
		b[L4 + 6] ^= rows[i].flip_udp;
		m = mbuf_of(b, n);
		m->ol_flags |= rows[i].flags;
		m->packet_type = rows[i].ptype;
		assert_int_equal(sort(m, &m), rows[i].want);
		if (rows[i].want == INNER_) {
			assert_int_equal(m->ol_flags, 0);
			rte_pktmbuf_free(m);
		}
	}
}

/* A Linux host on the same machine leaves the pseudo-header's sum: taken as right. */
static void partial_checksum(void **state)
{
	uint8_t b[256];
	uint32_t n = unhex(v6_csum, b);

	put_be16(b + 60, slow_sum(74 + 17, b + 22, 32));
	assert_int_equal(sort_bytes(b, n), INNER_);
	b[60] ^= 1;
	assert_dropped(sort_bytes(b, n), VXLAN_DROP_UDP_CSUM);
}

static void flags_and_fragments(void **state)
{
	static const uint16_t frags[] = { 0x2000, 0x0001, 0x2001, 0x1fff };
	struct rte_mbuf *m = NULL;
	uint8_t b[256];
	uint32_t n = unhex(v4_options, b);

	put_be16(b + L4 + 6, 0);
	for (int f = 0; f < 256; f++) {
		b[VX] = (uint8_t)f;
		b[VX + 1] = b[VX + 7] = (uint8_t)~f;
		if (f & VXLAN_F_VNI) {
			assert_int_equal(sort(mbuf_of(b, n), &m), INNER_);
			assert_int_equal(out.run[0].rx->vni, 5);
			rte_pktmbuf_free(m);
		} else {
			assert_dropped(sort_bytes(b, n), VXLAN_DROP_NO_VNI);
		}
	}
	for (size_t i = 0; i < RTE_DIM(frags); i++) {
		n = unhex(v4_options, b);
		put_be16(b + L3 + 6, frags[i]);
		fix_ip(b + L3);
		assert_dropped(sort_bytes(b, n), VXLAN_DROP_OUTER_FRAG);
	}
	n = unhex(v6_csum, b);
	b[L3 + 6] = 44;
	b[L3 + 40] = 17;
	assert_dropped(sort_bytes(b, n), VXLAN_DROP_OUTER_FRAG);
}

/* RFC 6040, figure 4: rows inner, columns outer, Not-ECT ECT(1) ECT(0) CE as on the wire. */
static void ecn(void **state)
{
	static const int want[4][4] = {
		{ 0, 0, 0, -1 }, { 1, 1, 1, 3 }, { 2, 1, 2, 3 }, { 3, 3, 3, 3 }
	};
	uint8_t b[256], *inner = b + IN + 14;

	for (int i = 0; i < 4; i++)
		for (int o = 0; o < 4; o++) {
			uint32_t n = unhex(v4_options, b);
			struct rte_mbuf *m = NULL;
			const uint8_t *ip;

			b[L3 + 1] = (uint8_t)(0xb8 | o);
			fix_ip(b + L3);
			inner[1] = (uint8_t)(0x28 | i);
			fix_ip(inner);
			put_be16(b + L4 + 6, 0);
			if (want[i][o] < 0) {
				assert_dropped(sort_bytes(b, n), VXLAN_DROP_ECN);
				continue;
			}
			assert_int_equal(sort(mbuf_of(b, n), &m), INNER_);
			ip = rte_pktmbuf_mtod_offset(m, uint8_t *, 14);
			assert_int_equal(ip[1], 0x28 | want[i][o]);
			assert_int_equal(slow_sum(0, ip, 20), 0xffff);
			rte_pktmbuf_free(m);
		}
}

/* ... and a clone that others see keeps its bits. */
static void ecn_shared(void **state)
{
	struct rte_mbuf *m = mbuf_of_hex(v4_options), *watcher = rte_pktmbuf_clone(m, pool);

	assert_int_equal(sort(m, &m), INNER_);
	assert_hex(m, INNER_CE);
	assert_int_equal(ctx.copied, 1);
	assert_hex(watcher, v4_options);
	rte_pktmbuf_free(watcher);
	rte_pktmbuf_free(m);
}

/* Ours is what is to our MAC, VLAN, address and port; all else goes by untouched. */
static void not_ours(void **state)
{
	static const struct {
		uint32_t at;
		uint8_t value;
	} rows[] = {
		{ 5, 9 }, { 0, 3 }, { 12, 9 }, { L3 + 9, 6 }, { L3 + 19, 99 }, { L4 + 3, 0xb6 },
	};
	uint8_t b[256], tagged[256];

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		uint32_t n = unhex(v4_options, b);
		struct rte_mbuf *m;

		b[rows[i].at] = rows[i].value;
		fix_ip(b + L3);
		m = mbuf_of(b, n);
		vxlan_rx_burst(&ctx, memory, &term, &m, 1, m->ol_flags, &out);
		assert_int_equal(out.n_pass, 1);
		assert_bytes(out.pass[0], b, n);
		rte_pktmbuf_free(out.pass[0]);
	}
	/* On another VLAN; a priority tag is none. */
	for (uint16_t vid = 0; vid < 2; vid++) {
		uint32_t n = unhex(v4_options, b);

		memcpy(tagged, b, 12);
		put_be32(tagged + 12, 0x8100e000 | vid);
		memcpy(tagged + 16, b + 12, n - 12);
		assert_int_equal(sort_bytes(tagged, n + 4), vid ? PASS : INNER_);
	}
}

/* Frames for the VTEP itself, and those that it overhears. */
static void for_the_vtep(void **state)
{
#define ETH_A  "02aa0000000102aa00000002"
#define ETH_B  "ffffffffffff02aa00000002"
#define ARP(o) "08060001080006040" o "02aa00000002"
#define ND(mac, src, dst, type, target)                                                   \
	mac "02aa0000000286dd6000000000183aff20010db80000000000000000000000" src dst type \
	    "00000000000000" target
#define US   "20010db8000000000000000000000001"
#define THEM "20010db8000000000000000000000003"
	static const struct {
		const char *hex;
		enum went want;
	} rows[] = {
		/* who has 192.0.2.1; who has .3; .1 is at, to us; .2 is at (gratuitous) */
		{ ETH_B ARP("001") "c0000202000000000000c0000201", CTRL },
		{ ETH_B ARP("001") "c0000202000000000000c0000203", PASS },
		{ ETH_A ARP("002") "c000020202aa00000001c0000201", CTRL },
		{ ETH_B ARP("001") "c0000202000000000000c0000202", BOTH },
		{ ETH_B ARP("001") "c0000201000000000000c0000203", BOTH }, /* our address */
		{ ETH_B "08060001080006040001", PASS },			   /* cut */
		/* echo request and reply */
		{ ETH_A "08004500001c0000000040010000c0000202c00002010800000000000000", CTRL },
		{ ETH_A "08004500001c0000000040010000c0000202c00002010000000000000000", PASS },
		{ ETH_A "08004500001c0000000040010000c0000202c00002030800000000000000", PASS },
		{ ETH_A "08004500001c0000200040010000c0000202c00002010800000000000000", PASS },
		/* solicitations and advertisements */
		{ ND("3333ff000001", "02", "ff0200000000000000000001ff000001", "87", US), CTRL },
		{ ND("3333ff000001", "02", "ff0200000000000000000001ff000001", "87", THEM), PASS },
		{ ND("02aa00000001", "02", US, "87", US), CTRL },
		{ ND("02aa00000001", "02", US, "88", THEM), CTRL },
		{ ND("333300000001", "02", "ff020000000000000000000000000001", "88", THEM), BOTH },
		{ ND("02aa00000001", "02", US, "80", THEM), CTRL }, /* echo */
		{ ND("02aa00000001", "02", THEM, "80", THEM), PASS },
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		enum went w = sort(mbuf_of_hex(rows[i].hex), NULL);

		if (w != rows[i].want)
			fail_msg("row %zu: went %d, not %d", i, w, rows[i].want);
	}
	/* Without an IPv4 address an announcement is of no interest. */
	term.n = 0;
	assert_int_equal(sort(mbuf_of_hex(rows[3].hex), NULL), PASS);
}

static void burst(void **state)
{
	struct rte_mbuf *pkts[VXLAN_BURST];
	uint8_t b[256];
	uint32_t n = unhex(v4_options, b);

	put_be16(b + L4 + 6, 0);
	for (uint16_t i = 0; i < VXLAN_BURST; i++) {
		b[VX + 6] = (uint8_t)i;
		b[VX] = i % 4 == 3 ? 0 : 8;
		b[5] = i % 4 == 2 ? 9 : 1;
		pkts[i] = mbuf_of(b, n);
	}
	vxlan_rx_burst(&ctx, memory, &term, pkts, VXLAN_BURST, 0, &out);
	assert_int_equal(out.n_inner, 32);
	assert_int_equal(out.n_pass, 16);
	assert_int_equal(out.n_ctrl, 0);
	assert_int_equal(ctx.drops[VXLAN_DROP_NO_VNI], 16);
	assert_int_equal(out.n_runs, 32);
	for (uint16_t i = 0; i < 32; i++) {
		assert_int_equal(out.run[i].n, 1);
		assert_int_equal(out.run[i].rx->vni, i / 2 * 4 + i % 2);
	}
	for (uint16_t i = 0; i < 16; i++)
		assert_int_equal(*rte_pktmbuf_mtod_offset(out.pass[i], uint8_t *, VX + 6),
				 i * 4 + 2);
	rte_pktmbuf_free_bulk(out.inner, out.n_inner);
	rte_pktmbuf_free_bulk(out.pass, out.n_pass);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, harness_no_leak)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(scapy_vectors),
		TEST(round_trip),
		TEST(every_truncation),
		TEST(segments),
		TEST(lengths),
		TEST(checksums),
		TEST(checksum_offload),
		TEST(partial_checksum),
		TEST(flags_and_fragments),
		TEST(ecn),
		TEST(ecn_shared),
		TEST(not_ours),
		TEST(for_the_vtep),
		TEST(burst),
	};

	return cmocka_run_group_tests(tests, harness_init, harness_fini);
}
