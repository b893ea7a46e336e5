/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short cut of decapsulation against the careful way: each burst of random frames, most of them
 * bent, cut or with lengths that lie, is received twice.  The second time each frame has an empty
 * second segment, which means nothing, but is not for the short cut.  And frames that are sent by
 * the run come out as those that are sent one by one.
 */
#include "tests/unit/vxlan_harness.h"

#include "vxlan/decap.h"
#include "vxlan/encap.h"

enum { BURSTS = 6000, FRAME_MAX = 300, VLAN = 100 };

static struct vxlan_ctx quick_ctx, careful_ctx;
static struct vxlan_term term;
static struct vxlan_rx_out quick_out, careful_out;
static uint64_t seed = 88172645463325252, n_inner, n_ctrl, n_pass, n_joined;

static uint32_t below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % n;
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

struct frame {
	uint32_t n, l3, l4;
	bool v4;
	uint8_t b[FRAME_MAX];
};

static void put(struct frame *f, const void *p, uint32_t n)
{
	memcpy(f->b + f->n, p, n);
	f->n += n;
}

static void put16(struct frame *f, uint16_t v)
{
	put_be16(f->b + f->n, v);
	f->n += 2;
}

static void fix_ip(struct frame *f)
{
	uint8_t *ip = f->b + f->l3;
	uint32_t hlen = (ip[0] & 15u) * 4;

	if (!f->v4 || hlen < 20 || f->l3 + hlen > f->n)
		return;
	put_be16(ip + 10, 0);
	put_be16(ip + 10, (uint16_t)~slow_sum(0, ip, hlen));
}

static void fix_udp(struct frame *f)
{
	uint16_t sum;

	put_be16(f->b + f->l4 + 6, 0);
	sum = (uint16_t)~slow_l4_sum(f->b + f->l3);
	put_be16(f->b + f->l4 + 6, sum ? sum : 0xffff);
}

static void put_ip(struct frame *f, uint16_t udp_len)
{
	const uint8_t tos = one_in(4) ? (uint8_t)below(256) : 0, ttl = one_in(8) ? 63 : 64;

	f->l3 = f->n;
	if (f->v4) {
		const uint8_t src = (uint8_t)(2 + (one_in(6) ? below(3) : 0));
		const uint8_t addrs[] = { f->b[12] == 0x81 ? 198 : 192, f->b[12] == 0x81 ? 51 : 0,
					  f->b[12] == 0x81 ? 100 : 2 };

		put16(f, (uint16_t)(0x4500 | tos));
		put16(f, (uint16_t)(20 + udp_len));
		put16(f, (uint16_t)below(65536));
		put16(f, one_in(2) ? 0x4000 : 0);
		put16(f, (uint16_t)(ttl << 8 | 17));
		put16(f, 0);
		put(f, addrs, 3);
		put(f, &src, 1);
		put(f, addrs, 3);
		put(f, &(uint8_t){ one_in(20) ? 7 : 1 }, 1);
		fix_ip(f);
	} else {
		uint8_t a[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };

		put16(f, (uint16_t)(0x6000 | tos >> 4));
		put16(f, (uint16_t)(tos << 12));
		put16(f, udp_len);
		put16(f, (uint16_t)(17 << 8 | ttl));
		put(f, a, 16);
		a[15] = one_in(20) ? 7 : 1;
		put(f, a, 16);
	}
}

/* A tunnel packet as it should be, mostly. */
static void make(struct frame *f)
{
	static const uint8_t macs[12] = { 2, 0xaa, 0, 0, 0, 1, 2, 0xaa, 0, 0, 0, 2 };
	const uint16_t inner = (uint16_t)(14 + below(100)),
		       dport = one_in(12) ? (one_in(2) ? 8472 : 4790) : 4789;
	const bool tagged = one_in(5);

	f->n = 0;
	f->v4 = !one_in(6);
	put(f, macs, 12);
	if (tagged) {
		put16(f, 0x8100);
		put16(f, (uint16_t)(one_in(6) ? below(65536) : one_in(3) ? 0xe000 : VLAN));
	}
	put16(f, f->v4 ? 0x800 : 0x86dd);
	put_ip(f, (uint16_t)(16 + inner));
	f->l4 = f->n;
	put16(f, (uint16_t)(49152 + below(16384)));
	put16(f, dport);
	put16(f, (uint16_t)(16 + inner));
	put16(f, 0);
	put16(f, (uint16_t)(one_in(20) ? below(65536) : 0x800));
	put16(f, (uint16_t)(one_in(20) ? below(65536) : 0));
	put16(f, 0);
	put16(f, (uint16_t)(one_in(5) ? below(65536) : 0x500));
	for (uint32_t i = 0; i < inner; i++)
		f->b[f->n++] = (uint8_t)below(256);
	/* Inside it is IP mostly, so that ECN has a say. */
	put_be16(f->b + f->n - inner + 12, one_in(8) ? 0x806 : 0x800);
	if (inner > 34)
		f->b[f->n - inner + 14] = 0x45;
	if (one_in(5))
		fix_udp(f);
}

/* Somebody has had his hands on it. */
static void bend(struct frame *f)
{
	static const uint16_t lies[] = { 0, 1, 7, 8, 15, 16, 20, 29, 30, 31, 0xffff };
	const uint32_t fields[] = { f->l3 + (f->v4 ? 2 : 4), f->l4 + 4 };
	uint32_t field = fields[below(2)];

	switch (below(9)) {
	case 0:
		f->n = below(f->n + 1);
		break;
	case 1: /* headers are of more interest than what is in them */
		f->b[below(f->l4 + 16)] ^= (uint8_t)(1 + below(255));
		break;
	case 2:
		f->b[below(f->l4 + 16)] = (uint8_t)below(256);
		break;
	case 3:
		put_be16(f->b + field, lies[below(RTE_DIM(lies))]);
		break;
	case 4:
		put_be16(f->b + field, (uint16_t)(get_be16(f->b + field) + below(5) - 2));
		break;
	case 5: /* padding */
		for (uint32_t n = below(40); n && f->n < FRAME_MAX; n--)
			f->b[f->n++] = (uint8_t)below(256);
		break;
	case 6:
		put_be16(f->b + f->l3 + 6, (uint16_t)below(65536));
		break;
	case 7: /* a request to somebody */
		f->b[f->l3 + (f->v4 ? 9 : 6)] = f->v4 ? 1 : 58;
		f->b[f->l4] = f->v4 ? 8 : 128;
		break;
	default:
		f->b[f->l3 + (f->v4 ? 9 : 6)] = (uint8_t)(one_in(2) ? 6 : 44);
	}
	if (one_in(2) && f->n >= f->l3 + 20)
		fix_ip(f);
}

static struct rte_mbuf *received(const struct frame *f, uint64_t flags, uint32_t ptype)
{
	struct rte_mbuf *m = mbuf_of(f->b, f->n);

	m->ol_flags = flags;
	m->packet_type = ptype;
	m->tx_offload = UINT64_C(0x1234567);
	return m;
}

static void make_burst(struct rte_mbuf **a, struct rte_mbuf **b, uint32_t n)
{
	static const uint64_t words[] = {
		0,
		RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH,
		RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD,
		RTE_MBUF_F_RX_IP_CKSUM_BAD,
		RTE_MBUF_F_RX_IP_CKSUM_NONE,
		RTE_MBUF_F_RX_L4_CKSUM_BAD,
	};
	const uint32_t bent = 1 + below(6);
	static struct frame f;

	for (uint32_t i = 0; i < n; i++) {
		const uint64_t flags = one_in(3) ? words[below(RTE_DIM(words))] : 0;
		const uint32_t ptype = one_in(10) ? RTE_PTYPE_TUNNEL_VXLAN : RTE_PTYPE_L2_ETHER;

		if (!i || one_in(3)) /* else once more the same */
			make(&f);
		if (one_in(bent))
			bend(&f);
		a[i] = received(&f, flags, ptype);
		b[i] = received(&f, flags, ptype);
		assert_int_equal(rte_pktmbuf_chain(b[i], rte_pktmbuf_alloc(pool)), 0);
	}
}

static void compare(struct rte_mbuf *const *a, struct rte_mbuf *const *b, uint32_t n, bool inner)
{
	static uint8_t bytes[FRAME_MAX];

	for (uint32_t i = 0; i < n; i++) {
		assert_bytes(a[i], bytes, bytes_of(b[i], bytes, sizeof(bytes)));
		assert_int_equal(a[i]->ol_flags, b[i]->ol_flags);
		assert_int_equal(a[i]->packet_type, b[i]->packet_type);
		assert_int_equal(a[i]->tx_offload, b[i]->tx_offload);
		if (inner)
			assert_int_equal(b[i]->nb_segs, 1);
	}
}

/* The run of each frame. */
static void spread(const struct vxlan_rx_out *o, const struct vxlan_run *of[VXLAN_BURST])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < o->n_runs; i++) {
		uint64_t bytes = 0;

		assert_true(o->run[i].n > 0 && n + o->run[i].n <= o->n_inner);
		for (uint32_t k = 0; k < o->run[i].n; k++) {
			bytes += o->inner[n]->pkt_len;
			of[n++] = &o->run[i];
		}
		assert_int_equal(o->run[i].bytes, bytes);
	}
	assert_int_equal(n, o->n_inner);
}

static void compare_runs(const struct vxlan_rx_out *a, const struct vxlan_rx_out *b)
{
	const struct vxlan_run *of_a[VXLAN_BURST], *of_b[VXLAN_BURST];

	spread(a, of_a);
	spread(b, of_b);
	for (uint32_t i = 0; i < a->n_inner; i++) {
		const struct vxlan_rx *x = of_a[i]->rx, *y = of_b[i]->rx;

		assert_memory_equal(&x->src, &y->src, 16);
		assert_memory_equal(&x->dst, &y->dst, 16);
		assert_int_equal(x->vni, y->vni);
		assert_int_equal(x->port, y->port);
		assert_int_equal(x->tos, y->tos);
		assert_int_equal(x->ttl, y->ttl);
		n_joined += i && of_a[i] == of_a[i - 1];
	}
}

static void local(const char *ip, uint16_t dport, uint16_t vid, uint32_t port)
{
	struct vxlan_local *l = &term.local[term.n++];

	*l = (struct vxlan_local){ .dport = dport, .vid = vid, .port = port };
	assert_int_equal(vxlan_addr_parse(ip, &l->addr), 0);
}

/* The same addresses, and other ports, of which what is remembered must know nothing. */
static void term_turn(void)
{
	term.id = vxlan_term_id();
	for (unsigned int i = 0; i < term.n; i++)
		term.local[i].port += 100;
}

static void both_agree(void **state)
{
	struct rte_mbuf *a[VXLAN_BURST], *b[VXLAN_BURST];
	struct vxlan_memory *quick_memory = vxlan_memory_new(),
			    *careful_memory = vxlan_memory_new();

	assert_true(quick_memory && careful_memory);
	quick_ctx.pool = careful_ctx.pool = pool;
	term = (struct vxlan_term){ .mac = { 2, 0xaa, 0, 0, 0, 1 }, .id = vxlan_term_id() };
	local("192.0.2.1", 4789, 0, 10);
	local("2001:db8::1", 4789, 0, 11);
	local("198.51.100.1", 4789, VLAN, 12);
	local("192.0.2.1", 8472, 0, 13);
	for (unsigned int i = 0; i < BURSTS; i++) {
		const uint16_t n = (uint16_t)(1 + below(VXLAN_BURST));
		const struct vxlan_rx_out *x = &quick_out, *y = &careful_out;
		uint64_t flags = 0;

		make_burst(a, b, n);
		for (unsigned int k = 0; k < n; k++)
			flags |= a[k]->ol_flags;
		if (one_in(100)) /* the local addresses are others */
			term_turn();
		vxlan_rx_burst(&quick_ctx, quick_memory, &term, a, n, flags, &quick_out);
		vxlan_rx_burst(&careful_ctx, careful_memory, &term, b, n, flags, &careful_out);
		assert_memory_equal(quick_ctx.drops, careful_ctx.drops, sizeof(quick_ctx.drops));
		assert_int_equal(quick_ctx.copied, careful_ctx.copied);
		assert_int_equal(x->n_inner, y->n_inner);
		assert_int_equal(x->n_ctrl, y->n_ctrl);
		assert_int_equal(x->n_pass, y->n_pass);
		compare(x->inner, y->inner, x->n_inner, true);
		compare(x->ctrl, y->ctrl, x->n_ctrl, false);
		compare(x->pass, y->pass, x->n_pass, false);
		compare_runs(x, y);
		n_inner += x->n_inner;
		n_ctrl += x->n_ctrl;
		n_pass += x->n_pass;
		for (unsigned int k = 0; k < 2; k++) {
			struct vxlan_rx_out *o = k ? &careful_out : &quick_out;

			rte_pktmbuf_free_bulk(o->inner, o->n_inner);
			rte_pktmbuf_free_bulk(o->ctrl, o->n_ctrl);
			rte_pktmbuf_free_bulk(o->pass, o->n_pass);
		}
	}
	vxlan_memory_free(quick_memory);
	vxlan_memory_free(careful_memory);
	printf("%llu unpacked (%llu behind one of their run), %llu to the VTEP, %llu let pass\n",
	       (unsigned long long)n_inner, (unsigned long long)n_joined,
	       (unsigned long long)n_ctrl, (unsigned long long)n_pass);
	/* There was something of each kind. */
	assert_true(n_inner > 10000 && n_joined > 5000 && n_ctrl > 100 && n_pass > 1000);
	for (unsigned int i = VXLAN_DROP_OUTER_LEN; i <= VXLAN_DROP_ECN; i++)
		assert_true(quick_ctx.drops[i] > 10);
}

/* ---- Sending ---- */

#define ODD_FLAG RTE_MBUF_F_FIRST_FREE /* somebody's own */

/* An inner frame: what make() has put behind its outer headers, or those as well. */
static struct rte_mbuf *inner_frame(struct frame *f, uint32_t *at, uint32_t *n)
{
	static uint8_t big[1600];
	struct rte_mbuf *m;

	make(f);
	if (one_in(3))
		bend(f);
	f->n += !f->n; /* of nothing there is no copy */
	*at = one_in(2) || f->n <= f->l4 + 16 ? 0 : f->l4 + 16;
	*n = f->n - *at;
	if (one_in(20)) {
		memcpy(big, f->b + *at, *n);
		m = mbuf_of(big, 1300 + below(300));
	} else {
		m = mbuf_of(f->b + *at, *n);
	}
	return m;
}

/* Something that is not for the run; true: the frame was touched. */
static bool hinder(struct rte_mbuf *m, struct rte_mbuf **watcher)
{
	if (!one_in(8))
		return false;
	switch (below(5)) {
	case 0:
		rte_pktmbuf_refcnt_update(m, 1);
		*watcher = m;
		break;
	case 1: /* no headroom to speak of */
		rte_pktmbuf_prepend(m, (uint16_t)(60 + below(68)));
		memset(rte_pktmbuf_mtod(m, void *), 2, 14);
		break;
	case 2:
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		break;
	case 3:
		assert_int_equal(rte_pktmbuf_chain(m, mbuf_of((const uint8_t *)"more", 4)), 0);
		break;
	default:
		m->ol_flags |= ODD_FLAG;
	}
	return true;
}

static void a_run_is_as_one_by_one(void **state)
{
	static const char *const ends[][2] = { { "192.0.2.1", "192.0.2.2" },
					       { "2001:db8::1", "2001:db8::2" } };
	uint64_t n_run = 0, n_hindered = 0;

	memset(&quick_ctx, 0, sizeof(quick_ctx));
	quick_ctx.pool = pool;
	for (unsigned int i = 0; i < BURSTS; i++) {
		struct vxlan_tmpl_cfg cfg = { .src_mac = { 2 }, .dst_mac = { 2, 2 }, .mtu = 1500 };
		struct rte_mbuf *m[VXLAN_BURST], *same[VXLAN_BURST], *watcher[VXLAN_BURST];
		uint16_t n = (uint16_t)(1 + below(VXLAN_BURST)), done;
		uint64_t bytes = 0, want = 0;
		struct vxlan_tmpl t;
		struct vxlan_tx tx = { &t, below(1 << 24), one_in(3) ? (uint8_t)below(256) : 0,
				       one_in(3) ? (uint8_t)below(256) : 0 };

		cfg.vid = one_in(3) ? VLAN : 0;
		cfg.dscp_inherit = one_in(2);
		cfg.csum_flip = one_in(4);
		assert_int_equal(vxlan_addr_parse(ends[i & 1][0], &cfg.local), 0);
		assert_int_equal(vxlan_addr_parse(ends[i & 1][1], &cfg.remote), 0);
		assert_int_equal(vxlan_tmpl_init(&t, &cfg, NULL), 0);
		for (uint16_t k = 0; k < n; k++) {
			static struct frame f;
			uint32_t at, len;

			m[k] = inner_frame(&f, &at, &len);
			watcher[k] = NULL;
			n_hindered += hinder(m[k], &watcher[k]);
			/* The same frame, for vxlan_encap_burst(). */
			same[k] = rte_pktmbuf_copy(m[k], pool, 0, UINT32_MAX);
			assert_non_null(same[k]);
		}
		done = vxlan_encap_run(m, n, &tx, ODD_FLAG, &bytes);
		for (uint16_t k = 0; k < done; k++) {
			static uint8_t b[2048];

			assert_null(watcher[k]);
			assert_int_equal(m[k]->nb_segs, 1);
			want += same[k]->pkt_len;
			assert_int_equal(vxlan_encap_burst(&quick_ctx, &same[k], &tx, 1, NULL), 1);
			assert_bytes(m[k], b, bytes_of(same[k], b, sizeof(b)));
			assert_int_equal(m[k]->ol_flags, same[k]->ol_flags);
			assert_int_equal(m[k]->tx_offload, 0);
			assert_int_equal(m[k]->packet_type, 0);
		}
		assert_int_equal(bytes, want);
		/* There was a reason to stop. */
		if (done < n)
			assert_true(watcher[done] || m[done]->ol_flags || m[done]->nb_segs > 1 ||
				    rte_pktmbuf_headroom(m[done]) < VXLAN_TMPL_SIZE ||
				    m[done]->pkt_len > t.room || m[done]->data_len < 14);
		n_run += done;
		for (uint16_t k = 0; k < n; k++)
			rte_pktmbuf_free(watcher[k]);
		rte_pktmbuf_free_bulk(m, n);
		rte_pktmbuf_free_bulk(same, n);
	}
	assert_true(n_run > 10000 && n_hindered > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(both_agree, harness_no_leak),
		cmocka_unit_test_teardown(a_run_is_as_one_by_one, harness_no_leak),
	};

	return cmocka_run_group_tests(tests, harness_init, harness_fini);
}
