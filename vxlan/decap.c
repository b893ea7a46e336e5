/* SPDX-License-Identifier: Apache-2.0 */
#include "vxlan/decap.h"

#include <netinet/in.h>

#include <rte_prefetch.h>

#include "vlan/tag.h"
#include "vxlan/csum_mbuf.h"
#include "vxlan/decap_quick.h"

enum {
	ETH_HLEN = 14,
	IPV4_HLEN = 20,
	IPV6_HLEN = 40,
	UDP_HLEN = 8,
	ARP_LEN = 28,
	FRAG_HLEN = 8,
	ND_TARGET = 8, /* in the ICMPv6 message */
	ETH_ARP = 0x0806,
	ETH_IPV4 = 0x0800,
	ETH_IPV6 = 0x86dd,
	IPV4_FRAG = 0x3fff,
	ICMP_ECHO_REQUEST = 8,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_NS = 135,
	ICMP6_NA = 136,
	ECN_MASK = 3,
	ECN_ECT1 = 1,
	ECN_CE = 3,
};

/* Whose a packet is. */
enum whose {
	PASS, /* the pipeline's */
	OURS, /* the VTEP's */
	BOTH, /* overheard by the VTEP, and the pipeline's */
	TUNNEL,
	DROP,
};

/* One packet while it is looked at. */
struct view {
	const struct vxlan_term *t;
	struct rte_mbuf *m;
	const uint8_t *p; /* first segment */
	uint32_t n;	  /* ... its length */
	uint32_t l3;
	uint32_t l4;
	uint32_t l3_end; /* where the IP packet ends */
	uint16_t vid;
	bool unicast; /* to the uplink's MAC */
	bool v4;
	enum vxlan_drop why;
};

static enum whose drop(struct view *v, enum vxlan_drop why)
{
	v->why = why;
	return DROP;
}

/* Whether the first 'end' bytes can be read here; if not, why not. */
static bool has(struct view *v, uint32_t end)
{
	if (likely(end <= v->n))
		return true;
	v->why = end <= v->m->pkt_len ? VXLAN_DROP_OUTER_SPLIT : VXLAN_DROP_OUTER_SHORT;
	return false;
}

/* The first local entry with this address on this VLAN, and with this port unless it is 0. */
static const struct vxlan_local *local_find(const struct vxlan_term *t, const struct vxlan_addr *a,
					    uint16_t vid, uint16_t dport)
{
	for (unsigned int i = 0; i < t->n; i++) {
		const struct vxlan_local *l = &t->local[i];

		if (l->vid == vid && (!dport || l->dport == dport) && vxlan_addr_eq(&l->addr, a))
			return l;
	}
	return NULL;
}

static bool is_local_v4(const struct view *v, const uint8_t *ip)
{
	struct vxlan_addr a = { .b = { [10] = 0xff, [11] = 0xff } };

	memcpy(a.b + 12, ip, 4);
	return local_find(v->t, &a, v->vid, 0) != NULL;
}

static bool is_local_v6(const struct view *v, const uint8_t *ip)
{
	struct vxlan_addr a = vxlan_addr_v6(ip);

	return local_find(v->t, &a, v->vid, 0) != NULL;
}

/* Whether the VTEP has an address of this family on the packet's VLAN. */
static bool speaks(const struct view *v, bool v4)
{
	for (unsigned int i = 0; i < v->t->n; i++)
		if (v->t->local[i].vid == v->vid && vxlan_addr_is_v4(&v->t->local[i].addr) == v4)
			return true;
	return false;
}

/* ---- What the VTEP answers ---- */

static enum whose sort_arp(const struct view *v)
{
	const uint8_t *arp = v->p + v->l3;

	/* Ethernet and IPv4, and nothing else (RFC 826). */
	if (v->l3 + ARP_LEN > v->n || get_be32(arp) != 0x00010800 || get_be16(arp + 4) != 0x0604)
		return PASS;
	if (is_local_v4(v, arp + 24))
		return OURS;
	if (is_local_v4(v, arp + 14))
		return BOTH; /* another claims our address */
	if (!v->unicast && !memcmp(arp + 14, arp + 24, 4) && speaks(v, true))
		return BOTH; /* an announcement: a peer may have a new MAC */
	return PASS;
}

static enum whose sort_icmp6(const struct view *v)
{
	const uint8_t *icmp = v->p + v->l4;
	bool to_us = v->unicast && is_local_v6(v, v->p + v->l3 + 24);

	if (v->l4 + 8 > v->n)
		return PASS;
	switch (icmp[0]) {
	case ICMP6_ECHO_REQUEST:
		return to_us ? OURS : PASS;
	case ICMP6_NS:
	case ICMP6_NA:
		if (v->l4 + ND_TARGET + 16 > v->n)
			return PASS;
		/* An advertisement to all nodes: about a peer, or a claim to our address. */
		if (icmp[0] == ICMP6_NA)
			return to_us ? OURS : !v->unicast && speaks(v, false) ? BOTH : PASS;
		return is_local_v6(v, icmp + ND_TARGET) ? OURS : PASS;
	default:
		return PASS;
	}
}

/* ---- The tunnel ---- */

/* Cuts the packet to 'len' bytes, of which it has as many. */
static void cut(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *seg = m;
	uint16_t segs = 1;

	for (m->pkt_len = len; len > seg->data_len; seg = seg->next, segs++)
		len -= seg->data_len;
	seg->data_len = (uint16_t)len;
	rte_pktmbuf_free(seg->next);
	seg->next = NULL;
	m->nb_segs = segs;
}

static bool ip_csum_ok(const struct view *v)
{
	uint64_t said = vxlan_said(v->m, RTE_MBUF_F_RX_IP_CKSUM_MASK);

	if (said == RTE_MBUF_F_RX_IP_CKSUM_GOOD || said == RTE_MBUF_F_RX_IP_CKSUM_NONE)
		return true;
	if (said == RTE_MBUF_F_RX_IP_CKSUM_BAD)
		return false;
	return vxlan_csum_fold(vxlan_csum_add(0, v->p + v->l3, v->l4 - v->l3)) == 0xffff;
}

static bool udp_csum_ok(const struct view *v, uint16_t len)
{
	uint64_t said = vxlan_said(v->m, RTE_MBUF_F_RX_L4_CKSUM_MASK);
	const uint8_t *addrs = v->p + v->l3 + (v->v4 ? 12 : 8);
	uint64_t sum;
	uint16_t field;

	if (said == RTE_MBUF_F_RX_L4_CKSUM_GOOD || said == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return true;
	if (said == RTE_MBUF_F_RX_L4_CKSUM_BAD)
		return false;
	sum = vxlan_csum_pseudo(addrs, v->v4 ? 8 : 32, IPPROTO_UDP, len);
	/* A kernel on this machine left it to a network card that is not there (Linux:
	 * CHECKSUM_PARTIAL on veth): nothing was sent that could have gone wrong. */
	memcpy(&field, v->p + v->l4 + 6, 2);
	if (field == vxlan_csum_fold(sum))
		return true;
	return vxlan_csum_fold(sum + vxlan_csum_mbuf(v->m, v->l4, len)) == 0xffff;
}

/* The byte with the inner ECN bits, NULL if the inner frame is not IP. */
static uint8_t *inner_ip(uint8_t *p, uint32_t n)
{
	uint32_t l3 = ETH_HLEN;
	uint16_t type = get_be16(p + 12);

	for (; vlan_is_tpid(type) && l3 + VLAN_HLEN <= n; l3 += VLAN_HLEN)
		type = get_be16(p + l3 + 2);
	if ((type == ETH_IPV4 && l3 + IPV4_HLEN <= n && p[l3] >> 4 == 4) ||
	    (type == ETH_IPV6 && l3 + IPV6_HLEN <= n && p[l3] >> 4 == 6))
		return p + l3;
	return NULL;
}

/* Sets the ECN bits; the IPv4 checksum follows (RFC 1624, eqn. 3). */
static void set_ecn(uint8_t *ip, uint8_t ecn)
{
	uint16_t was, now, csum;

	if (ip[0] >> 4 == 6) {
		ip[1] = (uint8_t)((ip[1] & ~(ECN_MASK << 4)) | ecn << 4);
		return;
	}
	memcpy(&was, ip, 2);
	ip[1] = (uint8_t)((ip[1] & ~ECN_MASK) | ecn);
	memcpy(&now, ip, 2);
	memcpy(&csum, ip + 10, 2);
	csum = vxlan_csum_of((uint64_t)(uint16_t)~csum + (uint16_t)~was + now);
	memcpy(ip + 10, &csum, 2);
}

/* RFC 6040, figure 4.  Only an outer CE or ECT(1) changes anything. */
static enum vxlan_drop combine_ecn(struct vxlan_ctx *ctx, struct rte_mbuf **m, uint8_t outer)
{
	uint8_t *ip = inner_ip(rte_pktmbuf_mtod(*m, uint8_t *), (*m)->data_len);
	uint8_t inner;

	if (!ip)
		return VXLAN_DROP_NONE;
	inner = ip[0] >> 4 == 4 ? ip[1] & ECN_MASK : ip[1] >> 4 & ECN_MASK;
	if (!inner)
		return outer == ECN_CE ? VXLAN_DROP_ECN : VXLAN_DROP_NONE;
	if (inner == ECN_CE || inner == outer)
		return VXLAN_DROP_NONE;
	if (!vlan_writable(*m)) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(*m, ctx->pool, 0, UINT32_MAX);

		if (!copy)
			return VXLAN_DROP_NO_MBUF;
		rte_pktmbuf_free(*m);
		*m = copy;
		ctx->copied++;
		ip = inner_ip(rte_pktmbuf_mtod(*m, uint8_t *), (*m)->data_len);
	}
	if (ip)
		set_ecn(ip, outer);
	return VXLAN_DROP_NONE;
}

/* What was said of the packet was said of the outer one. */
static inline void forget(struct rte_mbuf *m)
{
	m->ol_flags &= ~(RTE_MBUF_F_FIRST_FREE - 1) & ~RTE_MBUF_F_TX_OFFLOAD_MASK;
	m->tx_offload = 0;
	m->packet_type = 0;
}

static void describe(const struct view *v, const struct vxlan_local *l, struct vxlan_rx *rx)
{
	const uint8_t *ip = v->p + v->l3;

	rx->dst = l->addr;
	rx->port = l->port;
	if (v->v4) {
		be32 src;

		memcpy(&src, ip + 12, 4);
		rx->src = vxlan_addr_v4(src);
		rx->tos = ip[1];
		rx->ttl = ip[8];
	} else {
		rx->src = vxlan_addr_v6(ip + 8);
		rx->tos = (uint8_t)(get_be16(ip) >> 4);
		rx->ttl = ip[7];
	}
}

/* A UDP packet to a local address: lengths and checksums of IP are right, it is no fragment.
 * Unpacks it if it is for the tunnel's port. */
static enum whose take_udp(struct vxlan_ctx *ctx, struct view *v, const struct vxlan_addr *dst,
			   struct vxlan_rx *rx)
{
	const uint8_t *udp = v->p + v->l4;
	const struct vxlan_local *l;
	uint32_t head = v->l4 + UDP_HLEN + VXLAN_HLEN;
	uint16_t len;

	if (!has(v, v->l4 + UDP_HLEN))
		return DROP;
	l = local_find(v->t, dst, v->vid, get_be16(udp + 2));
	if (!l || !get_be16(udp + 2))
		return PASS;
	len = get_be16(udp + 4);
	if (len < UDP_HLEN + VXLAN_HLEN || v->l4 + len > v->l3_end)
		return drop(v, VXLAN_DROP_OUTER_LEN);
	if (!has(v, head))
		return DROP;
	if (get_be16(udp + 6) && !udp_csum_ok(v, len))
		return drop(v, VXLAN_DROP_UDP_CSUM);
	v->why = vxlan_hdr_get(udp + UDP_HLEN, VXLAN_HLEN, &rx->vni);
	if (v->why)
		return DROP;
	if (len < UDP_HLEN + VXLAN_HLEN + ETH_HLEN)
		return drop(v, VXLAN_DROP_INNER_SHORT);
	if (!has(v, head + ETH_HLEN))
		return DROP;

	describe(v, l, rx);
	cut(v->m, v->l4 + len);
	rte_pktmbuf_adj(v->m, (uint16_t)head);
	forget(v->m);
	if (unlikely(rx->tos & 1))
		v->why = combine_ecn(ctx, &v->m, rx->tos & ECN_MASK);
	return v->why ? DROP : TUNNEL;
}

static enum whose sort_ipv4(struct vxlan_ctx *ctx, struct view *v, struct vxlan_rx *rx)
{
	const uint8_t *ip = v->p + v->l3;
	struct vxlan_addr dst = { .b = { [10] = 0xff, [11] = 0xff } };
	uint32_t hlen, len;
	bool frag;

	if (v->l3 + IPV4_HLEN > v->n || !v->unicast)
		return PASS;
	memcpy(dst.b + 12, ip + 16, 4);
	if (!local_find(v->t, &dst, v->vid, 0))
		return PASS;
	if (ip[9] != IPPROTO_UDP && ip[9] != IPPROTO_ICMP)
		return PASS;

	hlen = (ip[0] & 15u) * 4;
	len = get_be16(ip + 2);
	if (ip[0] >> 4 != 4 || hlen < IPV4_HLEN || len < hlen || v->l3 + len > v->m->pkt_len)
		return drop(v, VXLAN_DROP_OUTER_LEN);
	if (!has(v, v->l3 + hlen))
		return DROP;
	v->l4 = v->l3 + hlen;
	v->l3_end = v->l3 + len;
	v->v4 = true;
	frag = get_be16(ip + 6) & IPV4_FRAG;
	if (ip[9] == IPPROTO_ICMP)
		return !frag && v->l4 < v->n && v->p[v->l4] == ICMP_ECHO_REQUEST ? OURS : PASS;
	if (frag)
		return drop(v, VXLAN_DROP_OUTER_FRAG);
	if (!ip_csum_ok(v))
		return drop(v, VXLAN_DROP_OUTER_CSUM);
	return take_udp(ctx, v, &dst, rx);
}

static enum whose sort_ipv6(struct vxlan_ctx *ctx, struct view *v, struct vxlan_rx *rx)
{
	const uint8_t *ip = v->p + v->l3;
	struct vxlan_addr dst;

	if (v->l3 + IPV6_HLEN > v->n || ip[0] >> 4 != 6)
		return PASS;
	v->l4 = v->l3 + IPV6_HLEN;
	v->l3_end = v->l4 + get_be16(ip + 4);
	if (ip[6] == IPPROTO_ICMPV6)
		return sort_icmp6(v);
	dst = vxlan_addr_v6(ip + 24);
	if (!v->unicast || !local_find(v->t, &dst, v->vid, 0))
		return PASS;
	if (ip[6] == IPPROTO_FRAGMENT && v->l4 + FRAG_HLEN <= v->n && v->p[v->l4] == IPPROTO_UDP)
		return drop(v, VXLAN_DROP_OUTER_FRAG);
	if (ip[6] != IPPROTO_UDP)
		return PASS;
	if (v->l3_end > v->m->pkt_len)
		return drop(v, VXLAN_DROP_OUTER_LEN);
	return take_udp(ctx, v, &dst, rx);
}

/* ---- The burst ---- */

/* Whose v->m is; a TUNNEL packet has been unpacked. */
static enum whose sort(struct vxlan_ctx *ctx, struct view *v, struct vxlan_rx *rx)
{
	uint16_t type;

	if (v->n < ETH_HLEN)
		return PASS;
	v->unicast = !memcmp(v->p, v->t->mac, 6);
	if (!v->unicast && !(v->p[0] & 1))
		return PASS;
	type = get_be16(v->p + 12);
	v->l3 = ETH_HLEN;
	if (type == VLAN_TPID_C && v->n >= ETH_HLEN + VLAN_HLEN) {
		v->vid = get_be16(v->p + ETH_HLEN) & VLAN_VID_MASK;
		type = get_be16(v->p + ETH_HLEN + 2);
		v->l3 += VLAN_HLEN;
	}
	switch (type) {
	case ETH_IPV4:
		return sort_ipv4(ctx, v, rx);
	case ETH_IPV6:
		return sort_ipv6(ctx, v, rx);
	case ETH_ARP:
		return sort_arp(v);
	default:
		return PASS;
	}
}

/* run[n_runs], of which 'rx' is set, begins; or it is what the last one is, too. */
static struct vxlan_run *run_begin(struct vxlan_rx_out *out)
{
	struct vxlan_run *new = &out->run[out->n_runs];

	if (out->n_runs) {
		const struct vxlan_rx *a = &new->rx, *b = &new[-1].rx;

		if (vxlan_addr_eq(&a->src, &b->src) && vxlan_addr_eq(&a->dst, &b->dst) &&
		    a->vni == b->vni && a->port == b->port && a->tos == b->tos && a->ttl == b->ttl)
			return new - 1;
	}
	new->n = 0;
	new->bytes = 0;
	out->n_runs++;
	return new;
}

static inline void unpacked(struct vxlan_rx_out *out, struct vxlan_run *run, struct rte_mbuf *m,
			    uint32_t len)
{
	out->inner[out->n_inner++] = m;
	run->n++;
	run->bytes += len;
}

/* The packet, of 'n' bytes, is not like the one before: what it is like, if it is just so. */
static __rte_noinline bool quick_turn(const struct vxlan_term *t, const uint8_t *p, uint32_t n,
				      struct vxlan_same *same, struct vxlan_rx *rx)
{
	const struct vxlan_shape *s = quick_shape(t, p, n);
	struct view v = { .t = t, .p = p };
	const struct vxlan_local *l;
	struct vxlan_addr dst;
	uint16_t dport;

	if (!s)
		return false;
	v.l3 = s->l3;
	v.l4 = s->l4;
	v.v4 = s->v4;
	if (s->l3 > ETH_HLEN)
		v.vid = get_be16(p + ETH_HLEN) & VLAN_VID_MASK;
	dst = s->v4 ? vxlan_addr_v4(load32(p + s->l4 - 4)) : vxlan_addr_v6(p + s->l4 - 16);
	dport = get_be16(p + s->l4 + 2);
	l = dport ? local_find(t, &dst, v.vid, dport) : NULL;
	if (!l)
		return false;
	describe(&v, l, rx);
	rx->vni = get_be32(p + s->l4 + UDP_HLEN + 4) >> 8;
	same->shape = s;
	memcpy(same->want, p, 16 * (s->v4 ? QUICK_V4_LANES : QUICK_LANES));
	return true;
}

/* Unpacks what is just so; false: nothing has happened. */
static __rte_always_inline bool quick(const struct vxlan_term *t, struct rte_mbuf *m,
				      struct vxlan_same *same, struct vxlan_rx_out *out)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint32_t n = m->data_len;
	bool turned = false;
	uint32_t len;

	if (unlikely(m->nb_segs != 1))
		return false;
	if (unlikely(!quick_alike(p, n, same))) {
		turned = quick_turn(t, p, n, same, &out->run[out->n_runs].rx);
		if (!turned)
			return false;
	}
	len = quick_len(m, same->shape, p);
	if (unlikely(!len)) {
		if (turned)
			same->shape = &quick_no_shape;
		return false;
	}
	if (unlikely(turned))
		same->run = run_begin(out);
	m->data_off = (uint16_t)(m->data_off + same->shape->head);
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	forget(m);
	unpacked(out, same->run, m, len);
	return true;
}

/* One that is not just so. */
static __rte_noinline void carefully(struct vxlan_ctx *ctx, const struct vxlan_term *t,
				     struct rte_mbuf *m, struct vxlan_same *same,
				     struct vxlan_rx_out *out)
{
	struct view v = { .t = t, .m = m, .p = rte_pktmbuf_mtod(m, uint8_t *), .n = m->data_len };
	struct rte_mbuf *copy;

	switch (sort(ctx, &v, &out->run[out->n_runs].rx)) {
	case TUNNEL:
		unpacked(out, run_begin(out), v.m, v.m->pkt_len);
		same->shape = &quick_no_shape;
		break;
	case OURS:
		out->ctrl[out->n_ctrl++] = m;
		break;
	case BOTH:
		/* Without a buffer for it the VTEP misses what it only overhears. */
		copy = rte_pktmbuf_copy(m, ctx->pool, 0, UINT32_MAX);
		if (copy)
			out->ctrl[out->n_ctrl++] = copy;
		/* fallthrough */
	case PASS:
		out->pass[out->n_pass++] = m;
		break;
	case DROP:
		ctx->drops[v.why]++;
		rte_pktmbuf_free(v.m);
		break;
	}
}

void vxlan_rx_burst(struct vxlan_ctx *ctx, const struct vxlan_term *t, struct rte_mbuf **pkts,
		    uint16_t n, struct vxlan_rx_out *out)
{
	enum { AHEAD = 4, LINE = 64 };
	struct vxlan_same same = { .shape = &quick_no_shape };

	out->n_inner = out->n_runs = out->n_ctrl = out->n_pass = 0;
	for (unsigned int i = 0; i < n; i++) {
		if (i + AHEAD < n) { /* outer headers, and what is behind them */
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i + AHEAD], void *));
			rte_prefetch0(rte_pktmbuf_mtod_offset(pkts[i + AHEAD], void *, LINE));
		}
		if (unlikely(!quick(t, pkts[i], &same, out)))
			carefully(ctx, t, pkts[i], &same, out);
	}
}
