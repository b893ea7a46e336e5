/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a frame: received on an uplink, sent into a tunnel, too big for it, punted to the
 * VTEP, tagged and untagged; and as the text of a port's options.
 *
 * The first byte says which, and whether checksums are put right first, so that the fuzzer gets
 * behind them.  Frames stand at the end of memory of their own, so that a byte beyond is noticed;
 * every buffer must be back after each.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "base/err.h"
#include "base/log.h"
#include "vlan/port_mode.h"
#include "vlan/tag.h"
#include "vxlan/csum.h"
#include "vxlan/decap.h"
#include "vxlan/toobig.h"
#include "vxlan/vtep.h"

enum { FIX = 0x80, SPLIT = 0x40, GOOD = 0x20, KIND = 0x07, ETH_HLEN = 14 };

static struct rte_mempool *pool;
static struct vxlan_ctx ctx;
static struct vxlan_memory *memory;
static struct vxlan_term term;
static struct vxlan_tmpl tmpl[2];

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void send_nowhere(void *aux, const uint8_t *frame, uint16_t len)
{
	must(len >= 60 && len <= VTEP_FRAME_MAX);
}

static void told_nobody(void *aux, const struct vtep_nexthop *nh)
{
}

static const struct vtep_ops ops = { send_nowhere, told_nobody };

static struct vxlan_addr addr(const char *text)
{
	struct vxlan_addr a;

	must(vxlan_addr_parse(text, &a) == 0);
	return a;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char args[][24] = { "fuzz",     "--no-huge",	     "--no-shconf",
				   "--no-pci", "--no-telemetry",     "-l",
				   "0",	       "--log-level=*:error" };
	struct vxlan_tmpl_cfg v4 = { .local = addr("192.0.2.1"),
				     .remote = addr("192.0.2.2"),
				     .mtu = 576,
				     .csum_flip = true };
	struct vxlan_tmpl_cfg v6 = {
		.local = addr("2001:db8::1"), .remote = addr("2001:db8::2"), .mtu = 1280, .vid = 5
	};
	char *v[RTE_DIM(args)];

	for (size_t i = 0; i < RTE_DIM(args); i++)
		v[i] = args[i];
	must(rte_eal_init(RTE_DIM(args), v) >= 0);
	pool = rte_pktmbuf_pool_create("fuzz", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	must(pool != NULL);
	ctx.pool = pool;
	memory = vxlan_memory_new();
	must(memory != NULL);
	must(!vxlan_tmpl_init(&tmpl[0], &v4, NULL) && !vxlan_tmpl_init(&tmpl[1], &v6, NULL));
	term = (struct vxlan_term){ .mac = { 2, 0xaa, 0, 0, 0, 1 }, .n = 3, .id = vxlan_term_id() };
	term.local[0] = (struct vxlan_local){ addr("192.0.2.1"), 4789, 0, 1 };
	term.local[1] = (struct vxlan_local){ addr("2001:db8::1"), 4789, 0, 2 };
	term.local[2] = (struct vxlan_local){ addr("198.51.100.1"), 4789, 100, 3 };
	log_set_level("error");
	return 0;
}

static void memory_free(void *memory, void *opaque)
{
	free(opaque);
}

/* The frame in memory of exactly its size and headroom. */
static struct rte_mbuf *mbuf_of(const uint8_t *p, uint16_t n)
{
	static struct rte_mbuf_ext_shared_info info[2];
	static unsigned int turn;
	struct rte_mbuf_ext_shared_info *s = &info[turn++ % 2];
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *b = malloc(RTE_PKTMBUF_HEADROOM + (size_t)n);

	must(m && b);
	s->free_cb = memory_free;
	s->fcb_opaque = b;
	rte_mbuf_ext_refcnt_set(s, 1);
	rte_pktmbuf_attach_extbuf(m, b, RTE_BAD_IOVA, (uint16_t)(RTE_PKTMBUF_HEADROOM + n), s);
	m->data_off = RTE_PKTMBUF_HEADROOM;
	if (n)
		memcpy(b + RTE_PKTMBUF_HEADROOM, p, n);
	m->data_len = n;
	m->pkt_len = n;
	return m;
}

static struct rte_mbuf *frame_of(uint8_t how, const uint8_t *p, uint16_t n)
{
	uint16_t at = how & SPLIT && n > 1 ? (uint16_t)(1 + p[0] % (n - 1)) : n;
	struct rte_mbuf *m = mbuf_of(p, at);

	if (at < n)
		must(!rte_pktmbuf_chain(m, mbuf_of(p + at, n - at)));
	if (how & GOOD)
		m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return m;
}

/* Makes an IPv4 header, or the ICMP or ICMPv6 message in a whole packet, sum up. */
static void fix(uint8_t *p, size_t n)
{
	size_t l3 = n >= 18 && get_be16(p + 12) == 0x8100 ? 18 : ETH_HLEN;
	uint16_t type = n >= l3 + 40 ? get_be16(p + l3 - 2) : 0;
	uint8_t *ip = p + l3, *icmp = ip + 40;
	size_t hlen, len;
	uint16_t csum = 0;

	if (type == 0x86dd && ip[6] == 58) {
		len = get_be16(ip + 4);
		if (len < 4 || l3 + 40 + len > n)
			return;
		memcpy(icmp + 2, &csum, 2);
		csum = vxlan_csum_of(vxlan_csum_pseudo(ip + 8, 32, 58, (uint32_t)len) +
				     vxlan_csum_add(0, icmp, len));
		memcpy(icmp + 2, &csum, 2);
	} else if (type == 0x0800) {
		hlen = (ip[0] & 15u) * 4;
		len = get_be16(ip + 2);
		if (hlen < 20 || l3 + hlen > n)
			return;
		memcpy(ip + 10, &csum, 2);
		csum = vxlan_csum_of(vxlan_csum_add(0, ip, hlen));
		memcpy(ip + 10, &csum, 2);
		if (ip[9] != 1 || len < hlen + 4 || l3 + len > n)
			return;
		csum = 0;
		memcpy(ip + hlen + 2, &csum, 2);
		csum = vxlan_csum_of(vxlan_csum_add(0, ip + hlen, len - hlen));
		memcpy(ip + hlen + 2, &csum, 2);
	}
}

static void check(const struct rte_mbuf *m)
{
	const char *why;

	must(rte_mbuf_check(m, 1, &why) == 0);
}

static void receive(uint8_t how, const uint8_t *p, uint16_t n)
{
	struct rte_mbuf *m = frame_of(how, p, n);
	struct vxlan_rx_out out;

	vxlan_rx_burst(&ctx, memory, &term, &m, 1, m->ol_flags, &out);
	must(out.n_inner + out.n_pass <= 1 && out.n_ctrl <= 1);
	if (out.n_inner) {
		check(out.inner[0]);
		must(out.inner[0]->pkt_len >= ETH_HLEN && out.run[0].rx->vni <= VXLAN_VNI_MASK);
	}
	rte_pktmbuf_free_bulk(out.inner, out.n_inner);
	rte_pktmbuf_free_bulk(out.pass, out.n_pass);
	rte_pktmbuf_free_bulk(out.ctrl, out.n_ctrl);
}

/* Into a tunnel; with offsets that the frame itself gives, as a guest would. */
static void encapsulate(uint8_t how, const uint8_t *p, uint16_t n)
{
	struct rte_mbuf *m = frame_of(how, p, n);
	struct vxlan_tx tx = { &tmpl[how >> 3 & 1], n, p[0], p[1] };
	struct vxlan_big big;
	uint32_t len;

	if (how & GOOD) {
		m->l2_len = p[2] & 31;
		m->l3_len = p[3] & 63;
		m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM |
			       (p[4] & 1 ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM) |
			       (p[4] & 2 ? RTE_MBUF_F_TX_VLAN : 0);
	}
	len = m->pkt_len;
	if (vxlan_encap_burst(&ctx, &m, &tx, 1, &big)) {
		check(m);
		must(m->pkt_len >= len + tx.tmpl->len && m->pkt_len <= 1280u + 18);
		rte_pktmbuf_free(m);
	} else if (big.n) {
		struct vxlan_toobig_limit limit = { 0, 0 };
		struct vxlan_toobig_out out;

		vxlan_toobig(&ctx, &limit, 1, big.pkt[0], tx.tmpl->room, &out);
		for (uint16_t i = 0; i < out.n; i++) {
			check(out.pkt[i]);
			must(out.answer ? out.n == 1 : out.pkt[i]->pkt_len <= tx.tmpl->room);
		}
		rte_pktmbuf_free_bulk(out.pkt, out.n);
	}
}

static void answer(const uint8_t *p, uint16_t n)
{
	uint8_t out[VXLAN_TOOBIG_ANSWER_MAX];
	uint8_t *b = malloc(n ? n : 1);

	must(b != NULL);
	memcpy(b, p, n);
	must(vxlan_toobig_answer(b, n, 1450, out) <= sizeof(out));
	free(b);
}

/* Two frames of the input, one after the other, to a VTEP that asks for two peers. */
static void punt(const uint8_t *p, uint16_t n)
{
	struct vtep_config config = { .mac = { 2, 0xaa, 0, 0, 0, 1 } };
	struct vtep *v = vtep_new(&config, &ops, NULL);
	struct vtep_local l4 = { addr("192.0.2.1"), addr("0.0.0.0"), 24 };
	struct vtep_local l6 = { addr("2001:db8::1"), addr("2001:db8::fe"), VTEP_PLEN_UNSET };
	struct vxlan_addr r4 = addr("192.0.2.2"), r6 = addr("2001:db8::2");
	uint16_t half = p[0] & 1 ? n / 2 : n;

	must(v && !vtep_local_add(v, &l4, 0, NULL) && !vtep_local_add(v, &l6, 0, NULL));
	vtep_resolve(v, &r4, NULL, 1, NULL);
	vtep_resolve(v, &r6, NULL, 1, NULL);
	for (uint16_t at = 0; at < n; at += half) {
		uint16_t len = RTE_MIN(half, n - at);
		uint8_t *b = malloc(len);

		must(b != NULL);
		memcpy(b, p + at, len);
		vtep_input(v, b, len, at);
		free(b);
		vtep_tick(v, at * 1000u);
	}
	vtep_free(v);
}

static void tags(uint8_t how, const uint8_t *p, uint16_t n)
{
	struct rte_mbuf *m = frame_of(how, p, n);

	for (uint16_t i = 0; i < n && i < 64; i++) {
		switch (p[i] & 7) {
		case 0:
		case 1:
			vlan_push(m, p[i] & 1 ? VLAN_TPID_C : VLAN_TPID_S);
			break;
		case 2:
			vlan_pop(m);
			break;
		case 3:
			vlan_set_vid(m, p[i]);
			break;
		case 4:
			vlan_set_tci(m, p[i]);
			break;
		case 5:
			m->ol_flags |= RTE_MBUF_F_RX_VLAN_STRIPPED;
			vlan_unstrip(m);
			break;
		default:
			vlan_count(m);
		}
		check(m);
	}
	rte_pktmbuf_free(m);
}

/* A set that is accepted is the same after it was written and read again. */
static void texts(const uint8_t *p, uint16_t n)
{
	char text[512], again[32768];
	struct vlan_set a, b;
	struct vtep_local l;
	struct err err;

	n = RTE_MIN(n, (uint16_t)(sizeof(text) - 1));
	memcpy(text, p, n);
	text[n] = '\0';
	vtep_local_parse(&l, text, NULL, &err);
	if (vlan_set_parse(text, &a, &err))
		return;
	must(vlan_set_format(&a, again, sizeof(again)) < sizeof(again));
	must(!vlan_set_parse(again, &b, &err) && !memcmp(&a, &b, sizeof(a)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t p[4096];
	uint16_t n;

	if (size < 6 || size > sizeof(p))
		return 0;
	n = (uint16_t)(size - 1);
	memcpy(p, data + 1, n);
	if (data[0] & FIX)
		fix(p, n);
	switch (data[0] & KIND) {
	case 0:
	case 1:
		receive(data[0], p, n);
		break;
	case 2:
	case 3:
		encapsulate(data[0], p, n);
		break;
	case 4:
		answer(p, n);
		break;
	case 5:
		punt(p, n);
		break;
	case 6:
		tags(data[0], p, n);
		break;
	default:
		texts(p, n);
	}
	must(rte_mempool_in_use_count(pool) == 0);
	return 0;
}
