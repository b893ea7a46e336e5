/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encapsulation.  The outer packets that must come out were built with scapy 2.5; their UDP source
 * port is the hash's, so it is taken from the packet that came out and checked on its own.
 *
 *	inner  Ether/IP(10.0.0.1 > 10.0.0.2, tos=0x2a, id=7)/TCP(1234 > 80, seq=1)/"weft"
 *	outer  Ether(02:aa::01 > :02)[/Dot1Q]/IP(192.0.2.1 > .2) or IPv6(2001:db8::1 >
 *::2)/UDP/VXLAN
 */
#include "tests/unit/vxlan_harness.h"

#include <pcap/pcap.h>
#include <unistd.h>

#include "base/err.h"
#include "vxlan/encap.h"
#include "vxlan/peer.h"

#define INNER                                                              \
	"0200000000020200000000010800452a002c00070000400666990a0000010a00" \
	"000204d2005000000001000000005002200098df000077656674"

/* IP(tos=2, id=0, DF, ttl=64)/UDP(dport=4789, chksum=0)/VXLAN(vni=0x123456) */
static const char outer_v4[] = "02aa0000000202aa0000000108004502005e000040004011b689c0000201c000"
			       "0202c00012b5004a00000800000012345600" INNER;
/* Dot1Q(100, prio 3)/IP(tos=0x2a, ttl=33)/UDP(dport=8472)/VXLAN(vni=0xffffff) */
static const char outer_v4_tagged[] =
	"02aa0000000202aa00000001810060640800452a005e000040002111d561c000"
	"0201c0000202c0002118004a000008000000ffffff00" INNER;
/* IPv6(tc=2, hlim=64)/UDP(chksum=0)/VXLAN(vni=0) */
static const char outer_v6[] = "02aa0000000202aa0000000186dd60200000004a114020010db8000000000000"
			       "00000000000120010db8000000000000000000000002c00012b5004a00000800"
			       "000000000000" INNER;

static struct vxlan_ctx ctx;

static int fresh(void **state)
{
	memset(&ctx, 0, sizeof(ctx));
	ctx.pool = pool;
	return 0;
}

static struct vxlan_tmpl_cfg cfg_of(const char *local, const char *remote)
{
	struct vxlan_tmpl_cfg cfg = { .src_mac = { 2, 0xaa, 0, 0, 0, 1 },
				      .dst_mac = { 2, 0xaa, 0, 0, 0, 2 },
				      .mtu = 1500 };

	assert_int_equal(vxlan_addr_parse(local, &cfg.local), 0);
	assert_int_equal(vxlan_addr_parse(remote, &cfg.remote), 0);
	return cfg;
}

static struct vxlan_tmpl tmpl_of(const struct vxlan_tmpl_cfg *cfg)
{
	struct vxlan_tmpl t;
	struct err err = { "" };

	if (vxlan_tmpl_init(&t, cfg, &err))
		fail_msg("%s", err.text);
	return t;
}

static struct vxlan_tmpl tmpl_v4(void)
{
	struct vxlan_tmpl_cfg cfg = cfg_of("192.0.2.1", "192.0.2.2");

	return tmpl_of(&cfg);
}

/* One packet; true if it came out. */
static bool encap(struct rte_mbuf **m, const struct vxlan_tmpl *t, uint32_t vni)
{
	struct vxlan_tx tx = { t, vni, 0, 0 };

	return vxlan_encap_burst(&ctx, m, &tx, 1, NULL) == 1;
}

/* The UDP source port at 'at', which it replaces by scapy's 49152. */
static uint16_t sport_taken(struct rte_mbuf *m, uint32_t at)
{
	uint8_t *p = rte_pktmbuf_mtod_offset(m, uint8_t *, at);
	uint16_t sport = get_be16(p);

	assert_in_range(sport, 49152, 65535);
	put_be16(p, 49152);
	return sport;
}

static void scapy_vectors(void **state)
{
	struct vxlan_tmpl_cfg cfg = cfg_of("192.0.2.1", "192.0.2.2");
	struct vxlan_tmpl t = tmpl_of(&cfg);
	struct rte_mbuf *m = mbuf_of_hex(INNER);
	uint16_t sport;

	assert_int_equal(t.room, 1464);
	assert_true(encap(&m, &t, 0x123456));
	sport = sport_taken(m, 34);
	assert_hex(m, outer_v4);
	rte_pktmbuf_free(m);

	cfg.vid = 100;
	cfg.pcp = 3;
	cfg.ttl = 33;
	cfg.dport = 8472;
	cfg.dscp_inherit = true;
	t = tmpl_of(&cfg);
	m = mbuf_of_hex(INNER);
	assert_true(encap(&m, &t, 0xffffff));
	assert_int_equal(sport_taken(m, 38), sport); /* the flow's, whatever the tunnel */
	assert_hex(m, outer_v4_tagged);
	rte_pktmbuf_free(m);

	cfg = cfg_of("2001:db8::1", "2001:db8::2");
	cfg.csum_flip = true;
	t = tmpl_of(&cfg);
	assert_int_equal(t.room, 1444);
	m = mbuf_of_hex(INNER);
	assert_true(encap(&m, &t, 0));
	assert_int_equal(sport_taken(m, 54), sport);
	/* The flow label carries entropy too: not zero, then as scapy has it. */
	assert_int_not_equal(get_be32(rte_pktmbuf_mtod_offset(m, uint8_t *, 14)) & 0xfffff, 0);
	put_be32(rte_pktmbuf_mtod_offset(m, uint8_t *, 14), 0x60200000);
	assert_hex(m, outer_v6);
	rte_pktmbuf_free(m);
}

/* The checksums that are computed are right, at every length and over chained segments. */
static void checksums(void **state)
{
	struct vxlan_tmpl_cfg v6 = cfg_of("2001:db8::1", "2001:db8::2");
	struct vxlan_tmpl_cfg v4 = cfg_of("192.0.2.1", "192.0.2.2");
	struct vxlan_tmpl t[2];
	uint8_t inner[200], out[300];

	v4.csum_flip = true;
	t[0] = tmpl_of(&v4);
	t[1] = tmpl_of(&v6);
	for (unsigned int i = 0; i < sizeof(inner); i++)
		inner[i] = (uint8_t)(i * 37 + 11);
	for (uint32_t n = 14; n <= sizeof(inner); n++)
		for (int i = 0; i < 4; i++) {
			struct rte_mbuf *m =
				i & 2 && n > 15 ? mbuf_in_two(inner, n, 15) : mbuf_of(inner, n);
			const struct vxlan_tmpl *one = &t[i & 1];

			assert_true(encap(&m, one, n));
			assert_int_equal(bytes_of(m, out, sizeof(out)), n + one->len);
			assert_int_equal(slow_l4_sum(out + 14), 0xffff);
			assert_int_not_equal(get_be16(out + 14 + one->l3_len + 6), 0);
			if (!(i & 1))
				assert_int_equal(slow_sum(0, out + 14, 20), 0xffff);
			rte_pktmbuf_free(m);
		}
}

/* DSCP is the template's or inherited or the packet's own; ECN is always the inner one's. */
static void tos_and_ttl(void **state)
{
	static const struct {
		uint8_t dscp;
		bool inherit;
		uint8_t tos, ttl, want_tos, want_ttl;
	} rows[] = {
		{ 0, false, 0, 0, 0x02, 64 },	   { 46, false, 0, 0, 0xba, 64 },
		{ 0, true, 0, 0, 0x2a, 64 },	   { 46, false, 0x10, 9, 0x12, 9 },
		{ 0, true, 0xff, 255, 0xfe, 255 },
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct vxlan_tmpl_cfg cfg = cfg_of("192.0.2.1", "192.0.2.2");
		struct rte_mbuf *m = mbuf_of_hex(INNER);
		struct vxlan_tmpl t;
		struct vxlan_tx tx = { &t, 1, rows[i].tos, rows[i].ttl };
		const uint8_t *ip;

		cfg.dscp = rows[i].dscp;
		cfg.dscp_inherit = rows[i].inherit;
		t = tmpl_of(&cfg);
		assert_int_equal(vxlan_encap_burst(&ctx, &m, &tx, 1, NULL), 1);
		ip = rte_pktmbuf_mtod_offset(m, uint8_t *, 14);
		assert_int_equal(ip[1], rows[i].want_tos);
		assert_int_equal(ip[8], rows[i].want_ttl);
		assert_int_equal(slow_sum(0, ip, 20), 0xffff);
		rte_pktmbuf_free(m);
	}
}

/* The port depends on what names a flow and on nothing else, and spreads over its range. */
static void source_port(void **state)
{
	struct vxlan_tmpl t = tmpl_v4();
	static uint8_t seen[65536];
	uint8_t inner[64];
	uint32_t n = unhex(INNER, inner);
	unsigned int distinct = 0;

	memset(seen, 0, sizeof(seen));
	for (uint32_t flow = 0; flow < 1000; flow++)
		for (int again = 0; again < 2; again++) {
			struct rte_mbuf *m;
			uint16_t sport;

			put_be16(inner + 34, (uint16_t)(1024 + flow));
			inner[57] = (uint8_t)again;	   /* payload */
			inner[22] = (uint8_t)(64 - again); /* TTL */
			m = mbuf_of(inner, n);
			assert_true(encap(&m, &t, 1));
			sport = sport_taken(m, 34);
			if (!again)
				distinct += !seen[sport]++;
			else
				assert_true(seen[sport]);
			rte_pktmbuf_free(m);
		}
	/* 1,000 balls into 16,384 bins: 970 of them taken, give or take. */
	assert_in_range(distinct, 930, 1000);
}

/* The first fragment has ports and the later ones have not: all must take one way. */
static void fragments_stay_together(void **state)
{
	struct vxlan_tmpl t = tmpl_v4();
	uint8_t inner[64];
	uint32_t n = unhex(INNER, inner);
	uint16_t sport[3];

	for (int i = 0; i < 3; i++) {
		struct rte_mbuf *m;

		put_be16(inner + 20, i == 2 ? 100 : (uint16_t)(0x2000 + i * 50)); /* MF, offset */
		put_be32(inner + 34, (uint32_t)i * 77777);
		m = mbuf_of(inner, n);
		assert_true(encap(&m, &t, 1));
		sport[i] = sport_taken(m, 34);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(sport[0], sport[1]);
	assert_int_equal(sport[0], sport[2]);
}

/* Any frame at all is carried, cut at any byte: from 14 bytes on. */
static void every_length(void **state)
{
	struct vxlan_tmpl t = tmpl_v4();
	uint8_t inner[64], out[200];
	uint32_t n = unhex(INNER, inner);

	for (uint32_t len = 0; len <= n; len++) {
		struct rte_mbuf *m = mbuf_of(inner, len);

		if (len < 14) {
			assert_false(encap(&m, &t, 1));
			assert_int_equal(ctx.drops[VXLAN_DROP_RUNT], len + 1);
			continue;
		}
		assert_true(encap(&m, &t, 1));
		assert_int_equal(bytes_of(m, out, sizeof(out)), len + 50);
		assert_memory_equal(out + 50, inner, len);
		assert_int_equal(get_be16(out + 16), len + 36);
		assert_int_equal(get_be16(out + 38), len + 16);
		rte_pktmbuf_free(m);
	}
}

/* Nothing that others can see is written: they keep their bytes, the copy is ours. */
static void shared_buffers(void **state)
{
	struct vxlan_tmpl t = tmpl_v4();
	struct rte_mbuf *m = mbuf_of_hex(INNER), *clone = rte_pktmbuf_clone(m, pool);
	uint8_t room[RTE_PKTMBUF_HEADROOM];

	memset(rte_pktmbuf_mtod_offset(m, uint8_t *, -RTE_PKTMBUF_HEADROOM), 0x5a, sizeof(room));
	memset(room, 0x5a, sizeof(room));
	/* The clone goes first and then the original, while another clone still looks on. */
	for (int i = 0; i < 2; i++) {
		struct rte_mbuf *watcher = rte_pktmbuf_clone(i ? m : clone, pool);
		struct rte_mbuf *one = i ? m : clone;

		assert_true(encap(&one, &t, 0x123456));
		assert_int_equal(ctx.copied, i + 1);
		sport_taken(one, 34);
		assert_hex(one, outer_v4);
		rte_pktmbuf_free(one);
		assert_hex(watcher, INNER);
		assert_memory_equal(
			rte_pktmbuf_mtod_offset(watcher, uint8_t *, -RTE_PKTMBUF_HEADROOM), room,
			sizeof(room));
		rte_pktmbuf_free(watcher);
	}
}

/* A private head before a shared payload is enough: the header goes into the head. */
static void private_head(void **state)
{
	struct vxlan_tmpl t = tmpl_v4();
	uint8_t inner[64], out[128];
	uint32_t n = unhex(INNER, inner);
	struct rte_mbuf *tail = mbuf_of(inner + 20, n - 20);
	struct rte_mbuf *m = mbuf_of(inner, 20);

	assert_int_equal(rte_pktmbuf_chain(m, rte_pktmbuf_clone(tail, pool)), 0);
	assert_true(encap(&m, &t, 0x123456));
	assert_int_equal(ctx.copied, 0);
	assert_int_equal(bytes_of(m, out, sizeof(out)), n + 50);
	assert_memory_equal(out + 50, inner, n);
	rte_pktmbuf_free(m);
	assert_bytes(tail, inner + 20, n - 20);
	rte_pktmbuf_free(tail);
}

static void headroom_exhausted(void **state)
{
	struct vxlan_tmpl t = tmpl_v4();

	for (uint16_t left = 0; left < RTE_PKTMBUF_HEADROOM; left++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

		m->data_off = left;
		assert_int_equal(unhex(INNER, (uint8_t *)rte_pktmbuf_append(m, 58)), 58);
		assert_true(encap(&m, &t, 0x123456));
		sport_taken(m, 34);
		assert_hex(m, outer_v4);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(ctx.copied, VXLAN_TMPL_SIZE);
}

static void no_buffers_left(void **state)
{
	struct vxlan_tmpl t = tmpl_v4();
	struct rte_mbuf *all[1023], *m = mbuf_of_hex(INNER);
	unsigned int n = 0;

	m->data_off = 0;
	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(pool)))
		n++;
	assert_false(encap(&m, &t, 1));
	assert_int_equal(ctx.drops[VXLAN_DROP_NO_MBUF], 1);
	rte_pktmbuf_free_bulk(all, n);
}

/* A burst in which some fit, some do not, some have no next hop: order and books are kept. */
static void burst(void **state)
{
	struct vxlan_tmpl t = tmpl_v4();
	struct rte_mbuf *pkts[VXLAN_BURST];
	struct vxlan_tx tx[VXLAN_BURST];
	struct vxlan_big big;
	uint8_t inner[1600] = { 2 };
	uint16_t n;

	for (uint32_t i = 0; i < VXLAN_BURST; i++) {
		inner[20] = (uint8_t)i;
		pkts[i] = mbuf_of(inner, i % 4 == 1 ? 1465 : i % 4 == 2 ? 10 : 1464);
		tx[i] = (struct vxlan_tx){ i % 4 == 3 ? NULL : &t, i, 0, 0 };
	}
	n = vxlan_encap_burst(&ctx, pkts, tx, VXLAN_BURST, &big);
	assert_int_equal(n, 16);
	assert_int_equal(big.n, 16);
	assert_int_equal(ctx.drops[VXLAN_DROP_RUNT], 16);
	assert_int_equal(ctx.drops[VXLAN_DROP_NO_NEXTHOP], 16);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(pkts[i]->pkt_len, 1514);
		assert_int_equal(*rte_pktmbuf_mtod_offset(pkts[i], uint8_t *, 70), i * 4);
		assert_int_equal(get_be32(rte_pktmbuf_mtod_offset(pkts[i], uint8_t *, 46)) >> 8,
				 i * 4);
		assert_int_equal(big.pkt[i]->pkt_len, 1465);
		assert_int_equal(big.tx[i].vni, i * 4 + 1);
	}
	rte_pktmbuf_free_bulk(pkts, n);
	rte_pktmbuf_free_bulk(big.pkt, big.n);
}

/* Checksums that a guest left to hardware are there before the frame is hidden in a tunnel. */
static void offloads_completed(void **state)
{
	struct vxlan_tmpl t = tmpl_v4();
	uint8_t inner[64];
	uint32_t n = unhex(INNER, inner);
	struct rte_mbuf *m;

	put_be16(inner + 24, 0xdead);
	put_be16(inner + 50, 0xbeef);
	for (int split = 0; split < 2; split++) {
		m = split ? mbuf_in_two(inner, n, 55) : mbuf_of(inner, n);
		m->l2_len = 14;
		m->l3_len = 20;
		m->ol_flags |=
			RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM;
		assert_true(encap(&m, &t, 0x123456));
		assert_int_equal(m->ol_flags, 0);
		sport_taken(m, 34);
		assert_hex(m, outer_v4);
		rte_pktmbuf_free(m);
	}

	/* What cannot be completed is counted: segmentation, offsets that lie. */
	for (int i = 0; i < 4; i++) {
		m = mbuf_of(inner, n);
		m->l2_len = 14;
		m->l3_len = i == 1 ? 24 : i == 2 ? 60 : 20;
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM |
			       (i == 0	 ? RTE_MBUF_F_TX_TCP_SEG
				: i == 3 ? RTE_MBUF_F_TX_UDP_CKSUM
					 : RTE_MBUF_F_TX_TCP_CKSUM);
		assert_false(encap(&m, &t, 1));
		assert_int_equal(ctx.drops[VXLAN_DROP_OFFLOAD], i + 1);
	}
}

static void templates_refused(void **state)
{
	struct vxlan_tmpl_cfg ok = cfg_of("192.0.2.1", "192.0.2.2"), bad;
	struct vxlan_tmpl t;
	struct err err;

	bad = ok;
	bad.mtu = 100;
	assert_int_equal(vxlan_tmpl_init(&t, &bad, &err), -EINVAL);
	bad = ok;
	bad.vid = 4095;
	assert_int_equal(vxlan_tmpl_init(&t, &bad, &err), -EINVAL);
	bad = ok;
	assert_int_equal(vxlan_addr_parse("2001:db8::1", &bad.remote), 0);
	assert_int_equal(vxlan_tmpl_init(&t, &bad, &err), -EINVAL);
	bad = ok;
	memset(&bad.local, 0, 16);
	assert_int_equal(vxlan_tmpl_init(&t, &bad, &err), -EINVAL);
	bad = ok;
	bad.dscp = 64;
	assert_int_equal(vxlan_tmpl_init(&t, &bad, &err), -EINVAL);
}

static void header_codec(void **state)
{
	uint8_t h[VXLAN_HLEN];
	uint32_t vni = 0;

	for (uint32_t v = 0; v <= 0xffffff; v += 0x10101) {
		vxlan_hdr_put(h, v);
		assert_int_equal(h[0], 0x08);
		assert_int_equal(h[1] | h[2] | h[3] | h[7], 0);
		assert_int_equal(vxlan_hdr_get(h, 8, &vni), VXLAN_DROP_NONE);
		assert_int_equal(vni, v);
		/* Reserved bits are ignored when received. */
		h[0] = 0xff;
		h[1] = h[2] = h[3] = h[7] = 0xff;
		assert_int_equal(vxlan_hdr_get(h, 8, &vni), VXLAN_DROP_NONE);
		assert_int_equal(vni, v);
		h[0] = 0xf7;
		assert_int_equal(vxlan_hdr_get(h, 8, &vni), VXLAN_DROP_NO_VNI);
		assert_int_equal(vxlan_hdr_get(h, 7, &vni), VXLAN_DROP_OUTER_SHORT);
	}
	assert_string_equal(vxlan_drop_name(VXLAN_DROP_NO_VNI), "no_vni");
	assert_non_null(strstr(vxlan_drop_text(VXLAN_DROP_NO_VNI), "VNI"));
}

/* ---- Peers ---- */

static void count_used(void *aux, const struct vxlan_peer *peer, bool used)
{
	*(unsigned int *)aux += used;
}

static void peers(void **state)
{
	struct vxlan_tmpl t = tmpl_v4();
	struct vxlan_addr stranger = vxlan_addr_v4(htobe32(0x0b000000));
	struct vxlan_peer *old;
	struct vxlan_peers p;
	unsigned int used = 0;

	assert_int_equal(vxlan_peers_init(&p, 100), 0);
	for (uint32_t i = 0; i < 100; i++) {
		struct vxlan_addr a = vxlan_addr_v4(htobe32(0x0a000000 + i));

		t.room = (uint16_t)i;
		assert_int_equal(vxlan_peers_set(&p, &a, &t, &old), 0);
		assert_null(old);
	}
	assert_null(vxlan_peers_find(&p, &stranger));
	assert_int_equal(vxlan_peers_set(&p, &stranger, &t, &old), -ENOSPC);
	for (uint32_t i = 0; i < 100; i++) {
		struct vxlan_addr a = vxlan_addr_v4(htobe32(0x0a000000 + i));
		const struct vxlan_peer *e = vxlan_peers_find(&p, &a);

		assert_int_equal(e->tmpl.room, i);
		if (i % 2) {
			assert_int_equal(vxlan_peers_set(&p, &a, &t, &old), 0);
			assert_ptr_equal(old, e);
			free(old);
		} else {
			old = vxlan_peers_del(&p, &a);
			assert_ptr_equal(old, e);
			free(old);
			assert_null(vxlan_peers_find(&p, &a));
			assert_null(vxlan_peers_del(&p, &a));
		}
	}
	vxlan_peers_sweep(&p, count_used, &used);
	assert_int_equal(used, 50); /* the mark passes on to the one that replaces */
	used = 0;
	vxlan_peers_sweep(&p, count_used, &used);
	assert_int_equal(used, 0);
	vxlan_peers_fini(&p);
}

/* ---- What an independent reader sees ---- */

static void dump(pcap_dumper_t *d, const struct rte_mbuf *m)
{
	uint8_t b[256];
	struct pcap_pkthdr h = { .caplen = bytes_of(m, b, sizeof(b)) };

	h.len = h.caplen;
	pcap_dump((u_char *)d, &h, b);
}

/* tshark must read each as VXLAN, with the VNI and right checksums (1: good, 2: not checked). */
static void tshark_reads_it(void **state)
{
	struct vxlan_tmpl_cfg v4 = cfg_of("192.0.2.1", "192.0.2.2");
	struct vxlan_tmpl_cfg v6 = cfg_of("2001:db8::1", "2001:db8::2");
	char path[] = "/tmp/vxlan_encap.XXXXXX", cmd[512], line[256];
	pcap_t *pc = pcap_open_dead(DLT_EN10MB, 65535);
	int fd = mkstemp(path);
	pcap_dumper_t *d = pcap_dump_fopen(pc, fdopen(fd, "wb"));
	FILE *out;

	v4.csum_flip = true;
	for (int i = 0; i < 3; i++) {
		struct rte_mbuf *m = mbuf_of_hex(INNER);
		struct vxlan_tmpl t;

		v4.vid = i == 1 ? 42 : 0;
		t = tmpl_of(i == 2 ? &v6 : &v4);
		assert_true(encap(&m, &t, 66 + 11 * (uint32_t)i));
		dump(d, m);
		rte_pktmbuf_free(m);
	}
	pcap_dump_close(d);
	pcap_close(pc);
	snprintf(cmd, sizeof(cmd),
		 "tshark -r %s -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE "
		 "-T fields -E occurrence=l -e vxlan.vni -e udp.checksum.status -e ip.dst "
		 "-e udp.dstport -e _ws.malformed -e tcp.dstport 2>/dev/null",
		 path);
	out = popen(cmd, "r");
	assert_non_null(out);
	for (int i = 0; i < 3; i++) {
		char expect[64];

		assert_non_null(fgets(line, sizeof(line), out));
		snprintf(expect, sizeof(expect), "%d\t1\t10.0.0.2\t4789\t\t80\n", 66 + 11 * i);
		assert_string_equal(line, expect);
	}
	assert_int_equal(pclose(out), 0);
	unlink(path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, harness_no_leak)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(header_codec),	  TEST(scapy_vectors),	   TEST(checksums),
		TEST(tos_and_ttl),	  TEST(source_port),	   TEST(fragments_stay_together),
		TEST(every_length),	  TEST(shared_buffers),	   TEST(private_head),
		TEST(headroom_exhausted), TEST(no_buffers_left),   TEST(burst),
		TEST(offloads_completed), TEST(templates_refused), TEST(peers),
		TEST(tshark_reads_it),
	};

	return cmocka_run_group_tests(tests, harness_init, harness_fini);
}
