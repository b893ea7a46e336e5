/* SPDX-License-Identifier: Apache-2.0 */
#include "vxlan/decap.h"

#include <netinet/in.h>
#include <stdatomic.h>

#include <rte_prefetch.h>

#include "base/lines.h"
#include "vlan/tag.h"
#include "vxlan/csum_mbuf.h"
#include "vxlan/decap_quick.h"

/* What a PMD knows of tunnels from burst to burst, by quick_slot(), and behind that what has no
 * slot, for one burst. */
struct vxlan_memory {
	struct vxlan_known known[QUICK_SLOTS + VXLAN_BURST];
	struct vxlan_known *last; /* of the burst before; NULL */
	uint64_t burst;		  /* this one */
	unsigned int n_spare;	  /* ... has of those */
};

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

#define SAID ((RTE_MBUF_F_FIRST_FREE - 1) | RTE_MBUF_F_TX_OFFLOAD_MASK)

/* What was said of the packet was said of the outer one.  Where no flag says anything nobody reads
 * what else there is, and it stays, in a line that need not be touched. */
static inline void forget(struct rte_mbuf *m)
{
	m->packet_type = 0;
	if (likely(!(m->ol_flags & SAID)))
		return;
	m->ol_flags &= ~SAID;
	m->tx_offload = 0;
}

/* 'rx->vni' is set. */
static void describe(const struct view *v, const struct vxlan_local *l, struct vxlan_rx *rx)
{
	const uint8_t *ip = v->p + v->l3;

	rx->dst = l->addr;
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
	rx->port = v->t->port_of ? v->t->port_of(v->t, l, rx) : l->port;
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

/* A PMD at work on a burst. */
struct sorting {
	struct vxlan_ctx *ctx;
	struct vxlan_memory *memory;
	const struct vxlan_term *t;
	struct rte_mbuf *const *pkts;
	unsigned int n;
	uint64_t flags; /* what is SAID of any packet */
	struct vxlan_rx_out *out;
};

static inline void run_add(struct vxlan_rx_out *out, const struct vxlan_rx *rx, unsigned int n,
			   uint64_t bytes)
{
	out->run[out->n_runs++] = (struct vxlan_run){ rx, n, bytes };
	out->n_inner = (uint16_t)(out->n_inner + n);
}

/* Unpacks packets from 'i' on, up to one that is not just so or in no tunnel of shape 's' that is
 * known; the first one is in '*known', as the last one is then.  'said': there are flags.  Returns
 * how far it came. */
static __rte_always_inline unsigned int quick_run(const struct sorting *b, unsigned int i,
						  const struct vxlan_shape *s, bool said,
						  struct vxlan_known **known)
{
	enum { AHEAD = 4, LINE = 64 };
	struct rte_mbuf *const *pkts = b->pkts;
	struct rte_mbuf **inner = b->out->inner + b->out->n_inner - i;
	const unsigned int n = b->n;
	struct vxlan_known *k = *known;
	unsigned int first = i;
	uint64_t sum = 0;

	for (; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
		uint32_t len = m->data_len;

		if (i + AHEAD < n) { /* outer headers, and what is behind them */
			const char *ahead = rte_pktmbuf_mtod(pkts[i + AHEAD], const char *);

			rte_prefetch0(ahead);
			rte_prefetch0(ahead + LINE);
		}
		/* With that there are as many bytes as are looked at. */
		if (unlikely(len < s->head + (uint32_t)QUICK_INNER || m->nb_segs != 1))
			break;
		if (unlikely(!quick_alike(p, k, s))) {
			struct vxlan_known *other = &b->memory->known[quick_slot(p, s)];

			if (!quick_is_of(other, b->t, s) || !quick_alike(p, other, s))
				break;
			if (likely(i > first))
				run_add(b->out, &k->rx, i - first, sum);
			k = other;
			k->used = b->memory->burst;
			first = i;
			sum = 0;
		}
		if (said &&
		    (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD)
			break;
		if (unlikely(!s->no_csum && load16(p + s->l4 + 6)) ||
		    unlikely(!quick_exact(p, len, k, s))) {
			len = quick_len(m, s, p);
			if (!len)
				break;
		} else {
			len -= s->head;
		}
		inner[i] = m;
		sum += len;
		m->data_off = (uint16_t)(m->data_off + s->head);
		m->data_len = (uint16_t)len;
		m->pkt_len = len;
		m->packet_type = 0;
		if (said)
			forget(m);
	}
	if (likely(i > first))
		run_add(b->out, &k->rx, i - first, sum);
	*known = k;
	return i;
}

/* A straight line for each shape. */
#define STRAIGHT(name, kind, said)                                                       \
	static __rte_noinline unsigned int name(const struct sorting *b, unsigned int i, \
						struct vxlan_known **k)                  \
	{                                                                                \
		return quick_run(b, i, &quick_shapes[kind], said, k);                    \
	}
STRAIGHT(quick_plain, QUICK_PLAIN, false)
STRAIGHT(quick_said, QUICK_PLAIN, true)
STRAIGHT(quick_v4, QUICK_V4, true)
STRAIGHT(quick_v4_tagged, QUICK_V4_TAGGED, true)
STRAIGHT(quick_v6, QUICK_V6, true)
STRAIGHT(quick_v6_tagged, QUICK_V6_TAGGED, true)
#undef STRAIGHT

static inline unsigned int quick(const struct sorting *b, unsigned int i, struct vxlan_known **k)
{
	switch ((*k)->shape->kind) {
	case QUICK_PLAIN:
		return likely(!b->flags) ? quick_plain(b, i, k) : quick_said(b, i, k);
	case QUICK_V4:
		return quick_v4(b, i, k);
	case QUICK_V4_TAGGED:
		return quick_v4_tagged(b, i, k);
	case QUICK_V6:
		return quick_v6(b, i, k);
	case QUICK_V6_TAGGED:
		return quick_v6_tagged(b, i, k);
	case QUICK_KINDS:
		break;
	}
	return i;
}

/* Room for what a packet says that is not known; a burst has no more of them than packets. */
static struct vxlan_known *spare(struct vxlan_memory *memory)
{
	return &memory->known[QUICK_SLOTS + memory->n_spare++];
}

/* The tunnel of the packet, of shape 's', as far as it may be just so, becomes known, best in 'k':
 * what this burst has used before stays as it is. */
static __rte_noinline struct vxlan_known *learn(const struct sorting *b, const uint8_t *p,
						const struct vxlan_shape *s, struct vxlan_known *k)
{
	const uint16_t dport = get_be16(p + s->l4 + 2);
	struct view v = { .t = b->t, .p = p, .l3 = s->l3, .l4 = s->l4, .v4 = s->v4 };
	const struct vxlan_local *l;
	struct vxlan_addr dst;

	if (s->l3 > ETH_HLEN)
		v.vid = get_be16(p + ETH_HLEN) & VLAN_VID_MASK;
	dst = s->v4 ? vxlan_addr_v4(load32(p + s->l4 - 4)) : vxlan_addr_v6(p + s->l4 - 16);
	l = dport ? local_find(b->t, &dst, v.vid, dport) : NULL;
	if (!l)
		return NULL;
	if (k->used == b->memory->burst)
		k = spare(b->memory);
	k->term = b->t->id;
	k->shape = s;
	k->used = b->memory->burst;
	k->rx.vni = get_be32(p + s->l4 + UDP_HLEN + 4) >> 8;
	describe(&v, l, &k->rx);
	k->sum = s->v4 ? quick_sum_of(p + s->l3) : 0;
	for (unsigned int i = 0; i < s->n; i++)
		k->lane[i] = quick_lane(p + s->at[i]);
	return k;
}

/* The tunnel that the packet 'm', which does not go on with 'k', is in; NULL: it is not just so. */
static __rte_noinline struct vxlan_known *turn(const struct sorting *b, const struct rte_mbuf *m,
					       const struct vxlan_known *k)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct vxlan_shape *s;
	struct vxlan_known *other;

	if (m->nb_segs != 1)
		return NULL;
	s = quick_shape(b->t, p, m->data_len);
	if (!s || (k && k->shape == s && quick_alike(p, k, s)))
		return NULL;
	other = &b->memory->known[quick_slot(p, s)];
	if (!quick_is_of(other, b->t, s) || !quick_alike(p, other, s))
		return learn(b, p, s, other);
	other->used = b->memory->burst;
	return other;
}

/* One that is not just so. */
static __rte_noinline void carefully(const struct sorting *b, struct rte_mbuf *m)
{
	struct view v = {
		.t = b->t, .m = m, .p = rte_pktmbuf_mtod(m, uint8_t *), .n = m->data_len
	};
	struct vxlan_rx_out *out = b->out;
	struct rte_mbuf *copy;
	struct vxlan_rx rx;

	switch (sort(b->ctx, &v, &rx)) {
	case TUNNEL: {
		struct vxlan_known *k = spare(b->memory);

		k->rx = rx;
		out->inner[out->n_inner] = v.m;
		run_add(out, &k->rx, 1, v.m->pkt_len);
		break;
	}
	case OURS:
		out->ctrl[out->n_ctrl++] = m;
		break;
	case BOTH:
		/* Without a buffer for it the VTEP misses what it only overhears. */
		copy = rte_pktmbuf_copy(m, b->ctx->pool, 0, UINT32_MAX);
		if (copy)
			out->ctrl[out->n_ctrl++] = copy;
		/* fallthrough */
	case PASS:
		out->pass[out->n_pass++] = m;
		break;
	case DROP:
		b->ctx->drops[v.why]++;
		rte_pktmbuf_free(v.m);
		break;
	}
}

/* ---- What is remembered ---- */

struct vxlan_memory *vxlan_memory_new(void)
{
	return lines_new(1, sizeof(struct vxlan_memory));
}

void vxlan_memory_free(struct vxlan_memory *memory)
{
	lines_free(memory);
}

uint64_t vxlan_term_id(void)
{
	static _Atomic uint64_t last;

	return atomic_fetch_add(&last, 1) + 1;
}

void vxlan_rx_burst(struct vxlan_ctx *ctx, struct vxlan_memory *memory, const struct vxlan_term *t,
		    struct rte_mbuf **pkts, uint16_t n, uint64_t flags, struct vxlan_rx_out *out)
{
	const struct sorting b = { ctx, memory, t, pkts, n, flags & SAID, out };
	struct vxlan_known *k = memory->last;
	unsigned int i = 0;

	out->n_inner = out->n_runs = out->n_ctrl = out->n_pass = 0;
	memory->burst++;
	memory->n_spare = 0;
	if (likely(k && t->id && k->term == t->id))
		k->used = memory->burst;
	else
		k = NULL;
	while (i < n) {
		struct vxlan_known *next;

		if (likely(k))
			i = quick(&b, i, &k);
		if (i == n)
			break;
		next = turn(&b, pkts[i], k);
		if (next)
			k = next;
		else
			carefully(&b, pkts[i++]);
	}
	memory->last = k && k < &memory->known[QUICK_SLOTS] ? k : NULL;
}
