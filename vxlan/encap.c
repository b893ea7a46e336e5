/* SPDX-License-Identifier: Apache-2.0 */
#include "vxlan/encap.h"

#include <errno.h>
#include <netinet/in.h>

#include <rte_atomic.h>
#include <rte_byteorder.h>
#include <rte_prefetch.h>

#include "base/err.h"
#include "base/load.h"
#include "vlan/tag.h"
#include "vxlan/csum_mbuf.h"

enum {
	ETH_HLEN = 14,
	IPV4_HLEN = 20,
	IPV6_HLEN = 40,
	UDP_HLEN = 8,
	ETH_IPV4 = 0x0800,
	ETH_IPV6 = 0x86dd,
	IPV4_DF = 0x4000,
	IPV4_FRAG = 0x3fff, /* MF and offset */
	ECN_MASK = 0x03,
	/* Places in the template. */
	AT_VXLAN = VXLAN_TMPL_SIZE - VXLAN_HLEN,
	AT_UDP = AT_VXLAN - UDP_HLEN,
	AT_IPV4 = AT_UDP - IPV4_HLEN,
	AT_IPV6 = AT_UDP - IPV6_HLEN,
	SPORT_BASE = 49152, /* RFC 7348, 5: the dynamic ports */
	SPORT_BITS = 14,
	ROOM_MIN = 68 + ETH_HLEN, /* RFC 791: every link carries 68 bytes of IPv4 */
};

/* ---- Control thread ---- */

static void tmpl_ipv4(struct vxlan_tmpl *t, const struct vxlan_tmpl_cfg *cfg)
{
	uint8_t *ip = t->hdr + AT_IPV4;

	t->l3_len = IPV4_HLEN;
	t->udp_csum = cfg->csum_flip;
	ip[0] = 0x45;
	put_be16(ip + 6, IPV4_DF);
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, cfg->local.b + 12, 4);
	memcpy(ip + 16, cfg->remote.b + 12, 4);
	t->ip_sum = vxlan_csum_fold(vxlan_csum_add(0, ip, IPV4_HLEN));
}

static void tmpl_ipv6(struct vxlan_tmpl *t, const struct vxlan_tmpl_cfg *cfg)
{
	uint8_t *ip = t->hdr + AT_IPV6;

	t->l3_len = IPV6_HLEN;
	t->udp_csum = !cfg->csum_flip;
	ip[6] = IPPROTO_UDP;
	memcpy(ip + 8, cfg->local.b, 16);
	memcpy(ip + 24, cfg->remote.b, 16);
}

static int tmpl_check(const struct vxlan_tmpl_cfg *cfg, bool v4, struct err *err)
{
	int over = (v4 ? IPV4_HLEN : IPV6_HLEN) + UDP_HLEN + VXLAN_HLEN;

	if (v4 != vxlan_addr_is_v4(&cfg->remote))
		return err_set(err, -EINVAL, "local and remote address are of different families");
	if (vxlan_addr_is_zero(&cfg->local) || vxlan_addr_is_zero(&cfg->remote))
		return err_set(err, -EINVAL, "local and remote address must not be zero");
	if (cfg->vid >= 4095)
		return err_set(err, -EINVAL, "underlay VLAN %u: must be 0 (none) to 4094",
			       cfg->vid);
	if (cfg->pcp > 7 || cfg->dscp > 63)
		return err_set(err, -EINVAL, "PCP %u or DSCP %u out of range", cfg->pcp, cfg->dscp);
	if (cfg->mtu < over + ROOM_MIN)
		return err_set(err, -EINVAL, "uplink MTU %u: must be %d at least", cfg->mtu,
			       over + ROOM_MIN);
	return 0;
}

int vxlan_tmpl_init(struct vxlan_tmpl *t, const struct vxlan_tmpl_cfg *cfg, struct err *err)
{
	bool v4 = vxlan_addr_is_v4(&cfg->local);
	uint8_t *eth;
	int e = tmpl_check(cfg, v4, err);

	if (e)
		return e;
	*t = (struct vxlan_tmpl){
		.ttl = cfg->ttl ? cfg->ttl : 64,
		.tos = cfg->dscp_inherit ? 0 : (uint8_t)(cfg->dscp << 2),
		.tos_mask = cfg->dscp_inherit ? 0xff : ECN_MASK,
	};
	if (v4)
		tmpl_ipv4(t, cfg);
	else
		tmpl_ipv6(t, cfg);

	t->len = (uint8_t)(ETH_HLEN + (cfg->vid ? VLAN_HLEN : 0) + t->l3_len + UDP_HLEN +
			   VXLAN_HLEN);
	t->room = (uint16_t)(cfg->mtu - t->l3_len - UDP_HLEN - VXLAN_HLEN);
	eth = t->hdr + VXLAN_TMPL_SIZE - t->len;
	memcpy(eth, cfg->dst_mac, 6);
	memcpy(eth + 6, cfg->src_mac, 6);
	if (cfg->vid)
		vlan_tag_put(eth + 12,
			     (struct vlan_tag){ VLAN_TPID_C, vlan_tci(cfg->vid, cfg->pcp) });
	put_be16(t->hdr + (v4 ? AT_IPV4 : AT_IPV6) - 2, v4 ? ETH_IPV4 : ETH_IPV6);
	put_be16(t->hdr + AT_UDP + 2, cfg->dport ? cfg->dport : VXLAN_PORT);
	vxlan_hdr_put(t->hdr + AT_VXLAN, 0);
	return 0;
}

/* ---- PMD threads: the inner frame ---- */

/* Odd constants with bits all over; a product's high half depends on every bit of its factors. */
#define MIX_A UINT64_C(0x9e3779b97f4a7c15)
#define MIX_B UINT64_C(0xbf58476d1ce4e5b9)
#define MIX_C UINT64_C(0x94d049bb133111eb)

static inline uint64_t mix(uint64_t h)
{
	h = (h ^ h >> 32) * MIX_B;
	return h ^ h >> 29;
}

static inline bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static inline uint64_t flow_v4(uint64_t addrs, uint32_t ports, uint8_t proto)
{
	return mix(addrs * MIX_A + ((uint64_t)ports << 8 | proto) * MIX_C);
}

/* Source and destination port; 0 where the protocol has none, and in all fragments, so that they
 * take one way. */
static inline uint32_t ports_of(const uint8_t *p, uint32_t at, uint32_t n, uint8_t proto)
{
	return has_ports(proto) && at + 4 <= n ? load32(p + at) : 0;
}

/* A hash of the inner flow: addresses, protocol, ports for IP, else MACs and type.  '*tos' is the
 * inner header's, 0 if it is not IP.  'n' >= 14 bytes are at 'p'. */
static inline uint64_t inner_flow(const uint8_t *p, uint32_t n, uint8_t *tos)
{
	uint32_t l3 = ETH_HLEN, ports;
	uint16_t type = get_be16(p + 12);
	const uint8_t *ip;

	while (unlikely(vlan_is_tpid(type)) && l3 + VLAN_HLEN <= n) {
		l3 += VLAN_HLEN;
		type = get_be16(p + l3 - 2);
	}
	ip = p + l3;
	if (likely(type == ETH_IPV4 && l3 + IPV4_HLEN <= n)) {
		bool frag = get_be16(ip + 6) & IPV4_FRAG;

		*tos = ip[1];
		ports = frag ? 0 : ports_of(p, l3 + (ip[0] & 15u) * 4, n, ip[9]);
		return flow_v4(load64(ip + 12), ports, ip[9]);
	}
	if (type == ETH_IPV6 && l3 + IPV6_HLEN <= n) {
		*tos = (uint8_t)(get_be16(ip) >> 4);
		ports = ports_of(p, l3 + IPV6_HLEN, n, ip[6]);
		return mix((load64(ip + 8) ^ mix(load64(ip + 16))) * MIX_A +
			   (load64(ip + 24) ^ mix(load64(ip + 32))) * MIX_B +
			   ((uint64_t)ports << 8 | ip[6]) * MIX_C);
	}
	*tos = 0;
	return mix(load64(p) * MIX_A + ((uint64_t)load32(p + 8) << 16 | type) * MIX_C);
}

/* The same; most frames have ports behind an IPv4 header without options. */
static inline uint64_t inner_flow_quick(const uint8_t *p, uint32_t n, uint8_t *tos)
{
	const uint8_t *ip = p + ETH_HLEN;

	if (likely(n >= ETH_HLEN + IPV4_HLEN + 4 && get_be16(p + 12) == ETH_IPV4 && ip[0] == 0x45 &&
		   !(get_be16(ip + 6) & IPV4_FRAG) && has_ports(ip[9]))) {
		*tos = ip[1];
		return flow_v4(load64(ip + 12), load32(ip + IPV4_HLEN), ip[9]);
	}
	return inner_flow(p, n, tos);
}

/* ---- PMD threads: encapsulation ---- */

static void put_udp_csum(struct rte_mbuf *m, const struct vxlan_tmpl *t, uint8_t *udp, uint16_t len)
{
	const uint8_t *addrs = udp - (t->l3_len == IPV4_HLEN ? 8 : 32);
	uint64_t sum = vxlan_csum_pseudo(addrs, t->l3_len == IPV4_HLEN ? 8 : 32, IPPROTO_UDP, len);
	uint16_t csum =
		vxlan_csum_of(sum + vxlan_csum_mbuf(m, t->len - UDP_HLEN - VXLAN_HLEN, len));

	if (!csum)
		csum = 0xffff; /* RFC 768: zero says that there is none */
	memcpy(udp + 6, &csum, 2);
}

/* The fields that differ from packet to packet; 'ip_sum': of an IPv4 header without length, TOS and
 * checksum. */
static __rte_always_inline void put_own(uint8_t *hdr, bool v4, uint32_t ip_sum, uint8_t tos,
					uint16_t udp_len, uint64_t hash)
{
	put_be16(hdr + AT_UDP, (uint16_t)(SPORT_BASE + (hash >> (64 - SPORT_BITS))));
	put_be16(hdr + AT_UDP + 4, udp_len);
	if (v4) {
		uint8_t *ip = hdr + AT_IPV4;
		uint16_t len = htobe16((uint16_t)(udp_len + IPV4_HLEN));
		uint32_t sum = ip_sum + len + htobe16(tos);
		uint16_t csum;

		sum = (sum & 0xffff) + (sum >> 16); /* at most 18 bits */
		csum = (uint16_t) ~((sum & 0xffff) + (sum >> 16));

		ip[1] = tos;
		memcpy(ip + 2, &len, 2);
		memcpy(ip + 10, &csum, 2);
	} else {
		uint8_t *ip = hdr + AT_IPV6;

		/* The flow label too, for routers that look no further (RFC 6438). */
		put_be32(ip, UINT32_C(6) << 28 | (uint32_t)tos << 20 | (hash & 0xfffff));
		put_be16(ip + 4, udp_len);
	}
}

/* Writes the outer header; at least VXLAN_TMPL_SIZE bytes of headroom are the mbuf's own. */
static inline void put_header(struct rte_mbuf *m, const struct vxlan_tx *tx, bool v4)
{
	const struct vxlan_tmpl *t = tx->tmpl;
	uint8_t *inner = rte_pktmbuf_mtod(m, uint8_t *);
	uint8_t *hdr = inner - VXLAN_TMPL_SIZE;
	uint16_t udp_len = (uint16_t)(m->pkt_len + UDP_HLEN + VXLAN_HLEN);
	uint8_t ttl = tx->ttl ? tx->ttl : t->ttl;
	uint8_t in_tos, tos;
	uint64_t hash = inner_flow_quick(inner, m->data_len, &in_tos);

	tos = t->tos | (in_tos & t->tos_mask);
	if (tx->tos)
		tos = (tx->tos & ~ECN_MASK) | (in_tos & ECN_MASK);

	/* All of it, whatever its length: what stands before the header is headroom. */
	memcpy(hdr, t->hdr, VXLAN_TMPL_SIZE);
	put_be32(hdr + AT_VXLAN + 4, tx->vni << 8);
	hdr[v4 ? AT_IPV4 + 8 : AT_IPV6 + 7] = ttl;
	put_own(hdr, v4, t->ip_sum + htobe16((uint16_t)(ttl << 8)), tos, udp_len, hash);

	m->data_off -= t->len;
	m->data_len += t->len;
	m->pkt_len += t->len;
	/* All that was said of the frame was said of the inner one. */
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	m->tx_offload = 0;
	m->packet_type = 0;
	if (unlikely(t->udp_csum))
		put_udp_csum(m, t, hdr + AT_UDP, udp_len);
}

#define WANTS_OFFLOAD                 \
	(RTE_MBUF_F_TX_OFFLOAD_MASK & \
	 ~(RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_IEEE1588_TMST))

/* Puts a private copy in the place of '*m'; false when there is no buffer. */
static bool own(struct vxlan_ctx *ctx, struct rte_mbuf **m)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(*m, ctx->pool, 0, UINT32_MAX);

	if (!copy || rte_pktmbuf_headroom(copy) < VXLAN_TMPL_SIZE) {
		rte_pktmbuf_free(copy);
		return false;
	}
	rte_pktmbuf_free(*m);
	*m = copy;
	ctx->copied++;
	return true;
}

/* One frame: encapsulated (NONE), for the caller to answer (TOO_BIG), or to be dropped. */
static inline enum vxlan_drop encap_one(struct vxlan_ctx *ctx, struct rte_mbuf **m,
					const struct vxlan_tx *tx)
{
	if (unlikely(!tx->tmpl))
		return VXLAN_DROP_NO_NEXTHOP;
	if (unlikely((*m)->data_len < ETH_HLEN))
		return VXLAN_DROP_RUNT;
	if (unlikely((*m)->pkt_len > tx->tmpl->room))
		return VXLAN_DROP_TOO_BIG;
	if (unlikely(!vlan_writable(*m) || rte_pktmbuf_headroom(*m) < VXLAN_TMPL_SIZE))
		if (!own(ctx, m))
			return VXLAN_DROP_NO_MBUF;
	if (unlikely((*m)->ol_flags & WANTS_OFFLOAD)) {
		if (vxlan_complete_csum(*m))
			return VXLAN_DROP_OFFLOAD;
		/* A tag that was to be inserted took headroom and made the frame longer. */
		if ((*m)->pkt_len > tx->tmpl->room)
			return VXLAN_DROP_TOO_BIG;
		if (rte_pktmbuf_headroom(*m) < VXLAN_TMPL_SIZE && !own(ctx, m))
			return VXLAN_DROP_NO_MBUF;
	}
	put_header(*m, tx, tx->tmpl->l3_len == IPV4_HLEN);
	return VXLAN_DROP_NONE;
}

uint16_t vxlan_encap_burst(struct vxlan_ctx *ctx, struct rte_mbuf **pkts, const struct vxlan_tx *tx,
			   uint16_t n, struct vxlan_big *big)
{
	uint16_t kept = 0;

	if (big)
		big->n = 0;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		enum vxlan_drop why = encap_one(ctx, &m, &tx[i]);

		if (likely(why == VXLAN_DROP_NONE)) {
			pkts[kept++] = m;
		} else if (why == VXLAN_DROP_TOO_BIG && big) {
			big->pkt[big->n] = m;
			big->tx[big->n++] = tx[i];
		} else {
			ctx->drops[why]++;
			rte_pktmbuf_free(m);
		}
	}
	return kept;
}

/*
 * The header of a run: a template and what is the same for all of the run, in words of eight bytes.
 * IPv4 begins four bytes into the sixth, so that what differs from packet to packet, TOS and
 * length, the checksum, the source port and the length again, is in the upper half of one word, the
 * last quarter of the next, and in the first word of UDP; of IPv6 it is in words of their own.
 */
enum {
	WORDS = VXLAN_TMPL_SIZE / 8,
	W_IPV4 = AT_IPV4 / 8, /* its first four bytes, behind the ethertype */
	W_IPV6 = AT_IPV6 / 8,
	W_UDP = AT_UDP / 8,
	W_VXLAN = AT_VXLAN / 8,
	W_V4_FIRST = W_IPV4 - 3, /* 20 bytes of Ethernet and a tag are in three */
};

_Static_assert(AT_IPV4 % 8 == 4 && AT_IPV6 % 8 == 0 && AT_UDP % 8 == 0 && AT_VXLAN % 8 == 0 &&
		       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "where the fields are in the words");

static inline void set_word(uint8_t *hdr, unsigned int i, uint64_t w)
{
	memcpy(hdr + i * sizeof(w), &w, sizeof(w));
}

/* What the run has of a header that says how long the packet is, and of which TOS, and flow.
 * 'ip_sum': of an IPv4 header without length, TOS and checksum. */
static __rte_always_inline void set_own(uint8_t *hdr, const uint64_t *w, bool v4, uint32_t ip_sum,
					uint8_t tos, uint16_t udp_len, uint64_t hash)
{
	const uint16_t sport = rte_bswap16((uint16_t)(SPORT_BASE + (hash >> (64 - SPORT_BITS))));

	set_word(hdr, W_UDP, w[W_UDP] | sport | (uint64_t)rte_bswap16(udp_len) << 32);
	if (v4) {
		const uint16_t len = rte_bswap16((uint16_t)(udp_len + IPV4_HLEN));
		uint32_t sum = ip_sum + len + ((uint32_t)tos << 8);
		uint16_t csum;

		sum = (sum & 0xffff) + (sum >> 16); /* at most 18 bits */
		csum = (uint16_t) ~(sum + (sum >> 16));
		set_word(hdr, W_IPV4, w[W_IPV4] | (uint64_t)tos << 40 | (uint64_t)len << 48);
		set_word(hdr, W_IPV4 + 1, w[W_IPV4 + 1] | (uint64_t)csum << 48);
	} else {
		/* The flow label too, for routers that look no further (RFC 6438). */
		const uint32_t first = UINT32_C(6) << 28 | (uint32_t)tos << 20 | (hash & 0xfffff);

		set_word(hdr, W_IPV6,
			 w[W_IPV6] | rte_bswap32(first) | (uint64_t)rte_bswap16(udp_len) << 32);
	}
}

/* What is said of a frame that now has 'len' bytes, of one segment, 'by' of them more in front: all
 * that was said was said of the inner one; without a flag nobody asks for more.  (The barrier:
 * compilers would make a vector of neighbours, and take longer to gather it.) */
static __rte_always_inline void lengthen(struct rte_mbuf *m, uint32_t len, uint8_t by)
{
	m->data_off = (uint16_t)(m->data_off - by);
	m->ol_flags = 0;
	m->packet_type = 0;
	rte_compiler_barrier();
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
}

/* 'w': all of the way; what is the same for all stays in registers. */
static __rte_always_inline uint16_t encap_run(struct rte_mbuf **pkts, uint16_t n,
					      const struct vxlan_tmpl *t, const uint64_t *w,
					      uint32_t ip_sum, uint8_t tos, uint8_t tos_mask,
					      uint64_t odd, bool v4, bool csum, uint64_t *bytes)
{
	const uint32_t room = t->room;
	const uint8_t len = t->len;
	uint64_t sum = 0;
	unsigned int i;

	/* The inner headers, and where the outer ones will be. */
	for (i = 0; i < n; i++) {
		const char *p = rte_pktmbuf_mtod(pkts[i], const char *);

		rte_prefetch0(p);
		rte_prefetch0(p - VXLAN_HLEN);
	}
	for (i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		const uint32_t inner_len = m->pkt_len;
		uint8_t *inner, *hdr, in_tos;
		uint64_t hash;

		if (unlikely(m->data_len < ETH_HLEN || inner_len > room || m->ol_flags & odd ||
			     m->refcnt != 1 || m->nb_segs != 1 || m->data_off < VXLAN_TMPL_SIZE))
			break;
		sum += inner_len;
		inner = rte_pktmbuf_mtod(m, uint8_t *);
		hdr = inner - VXLAN_TMPL_SIZE;
		hash = inner_flow_quick(inner, m->data_len, &in_tos);
		/* All of it, whatever its length: what stands before the header is headroom. */
#pragma GCC unroll 16
		for (unsigned int k = v4 ? W_V4_FIRST : 0; k < WORDS; k++)
			if (k != W_UDP && (v4 ? k != W_IPV4 && k != W_IPV4 + 1 : k != W_IPV6))
				set_word(hdr, k, w[k]);
		set_own(hdr, w, v4, ip_sum, (uint8_t)(tos | (in_tos & tos_mask)),
			(uint16_t)(inner_len + UDP_HLEN + VXLAN_HLEN), hash);
		lengthen(m, inner_len + len, len);
		if (csum)
			put_udp_csum(m, t, hdr + AT_UDP,
				     (uint16_t)(inner_len + UDP_HLEN + VXLAN_HLEN));
	}
	*bytes += sum;
	return (uint16_t)i;
}

uint16_t vxlan_encap_run(struct rte_mbuf **pkts, uint16_t n, const struct vxlan_tx *tx,
			 uint64_t odd, uint64_t *bytes)
{
	const struct vxlan_tmpl *t = tx->tmpl;
	const bool v4 = t->l3_len == IPV4_HLEN;
	const uint8_t ttl = tx->ttl ? tx->ttl : t->ttl, tos_mask = tx->tos ? ECN_MASK : t->tos_mask;
	const uint8_t tos = tx->tos ? tx->tos & ~ECN_MASK : t->tos;
	const uint32_t ip_sum = t->ip_sum + htobe16((uint16_t)(ttl << 8));
	uint64_t w[WORDS];

	/* Word by word: what is written in parts and read whole is waited for.  The template has
	 * neither number nor TTL. */
	for (unsigned int i = 0; i < WORDS; i++)
		w[i] = load64(t->hdr + i * sizeof(w[0]));
	w[W_VXLAN] |= (uint64_t)htobe32(tx->vni << 8) << 32;
	odd |= WANTS_OFFLOAD | RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	if (likely(v4)) {
		w[W_IPV4 + 1] |= (uint64_t)ttl << 32;
		if (likely(!t->udp_csum))
			return encap_run(pkts, n, t, w, ip_sum, tos, tos_mask, odd, true, false,
					 bytes);
		return encap_run(pkts, n, t, w, ip_sum, tos, tos_mask, odd, true, true, bytes);
	}
	w[W_IPV6] |= (uint64_t)ttl << 56;
	if (t->udp_csum)
		return encap_run(pkts, n, t, w, ip_sum, tos, tos_mask, odd, false, true, bytes);
	return encap_run(pkts, n, t, w, ip_sum, tos, tos_mask, odd, false, false, bytes);
}

/* ---- PMD threads: checksums that were left to hardware ---- */

/* Where the L4 checksum stands in its header, 0 if it is none that can be completed here. */
static uint32_t l4_csum_at(uint64_t l4, uint8_t proto)
{
	if (l4 == RTE_MBUF_F_TX_TCP_CKSUM && proto == IPPROTO_TCP)
		return 16;
	if (l4 == RTE_MBUF_F_TX_UDP_CKSUM && proto == IPPROTO_UDP)
		return 6;
	return 0;
}

/* The L4 checksum of the packet whose IP header, of m->l3_len bytes, is at 'ip'. */
static int complete_l4(struct rte_mbuf *m, const uint8_t *ip, bool v4, uint64_t l4)
{
	uint32_t l4_off = (uint32_t)m->l2_len + m->l3_len;
	uint8_t proto = v4 ? ip[9] : ip[6];
	uint32_t at = l4_csum_at(l4, proto);
	uint32_t ip_len = v4 ? get_be16(ip + 2) : get_be16(ip + 4) + (uint32_t)IPV6_HLEN;
	uint32_t len = ip_len - m->l3_len;
	uint8_t *field = rte_pktmbuf_mtod_offset(m, uint8_t *, l4_off + at);
	uint16_t csum = 0;

	/* IPv6 extension headers would hide the protocol: not in what guests send to be offloaded.
	 */
	if (!at || ip_len < m->l3_len + at + 2 || m->l2_len + ip_len > m->pkt_len ||
	    l4_off + at + 2 > m->data_len || (!v4 && m->l3_len != IPV6_HLEN))
		return -EINVAL;
	memcpy(field, &csum, 2);
	csum = vxlan_csum_of(vxlan_csum_pseudo(v4 ? ip + 12 : ip + 8, v4 ? 8 : 32, proto, len) +
			     vxlan_csum_mbuf(m, l4_off, len));
	if (!csum && proto == IPPROTO_UDP)
		csum = 0xffff;
	memcpy(field, &csum, 2);
	return 0;
}

/* IPv4 header checksum, where it was asked for. */
static void complete_ipv4(uint8_t *ip, uint32_t hlen)
{
	uint16_t csum = 0;

	memcpy(ip + 10, &csum, 2);
	csum = vxlan_csum_of(vxlan_csum_add(0, ip, hlen));
	memcpy(ip + 10, &csum, 2);
}

static int complete_ip(struct rte_mbuf *m, uint64_t l4)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, m->l2_len);
	bool v4;

	if (m->l2_len < ETH_HLEN || m->l3_len < IPV4_HLEN ||
	    (uint32_t)m->l2_len + m->l3_len > m->data_len)
		return -EINVAL;
	v4 = ip[0] >> 4 == 4;
	if (v4 ? (ip[0] & 15u) * 4 != m->l3_len : ip[0] >> 4 != 6 || m->l3_len < IPV6_HLEN)
		return -EINVAL;
	if (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) {
		if (!v4)
			return -EINVAL;
		complete_ipv4(ip, m->l3_len);
	}
	return l4 ? complete_l4(m, ip, v4, l4) : 0;
}

int vxlan_complete_csum(struct rte_mbuf *m)
{
	const uint64_t can = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_VLAN;
	uint64_t wants = m->ol_flags & WANTS_OFFLOAD;
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	int e = 0;

	if (!wants)
		return 0;
	if (wants & ~can || l4 == RTE_MBUF_F_TX_SCTP_CKSUM)
		return -ENOTSUP;
	if (!vlan_writable(m))
		return -EROFS;
	if (wants & ~RTE_MBUF_F_TX_VLAN)
		e = complete_ip(m, l4);
	if (!e && wants & RTE_MBUF_F_TX_VLAN)
		e = vlan_push_tci(m, VLAN_TPID_C, m->vlan_tci);
	if (!e)
		m->ol_flags &= ~RTE_MBUF_F_TX_OFFLOAD_MASK;
	return e;
}
