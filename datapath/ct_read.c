/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet's tuple, and whether the packet can be what it says: lengths, checksums, flags and types
 * that exist.  What is not sound says nothing about a connection, so it must not change one.
 */
#include <netinet/in.h>

#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "datapath/chain.h"
#include "datapath/csum.h"
#include "datapath/ct_tcp.h"
#include "datapath/ct_track.h"

enum {
	ETH_IPV4 = 0x0800,
	ETH_IPV6 = 0x86dd,
	IP4_HLEN = 20,
	IP6_HLEN = 40,
	UDP_HLEN = 8,
	SCTP_HLEN = 12,
	ICMP_HLEN = 8,
	QUOTED = 8,	  /* bytes behind the IP header that an error quotes at least (RFC 792) */
	EXTHDRS_MAX = 32, /* as many as parse.c looks through */
};

/* ---- ICMP types ---- */

/*
 * Queries, by type: what answers, what asked.  Errors quote a packet.  All other types belong to no
 * connection: neighbour discovery, router advertisements, multicast listeners are between
 * neighbours, come unasked, and are for flows to judge.
 */
enum { T_ERROR = 1, T_ASKS, T_ANSWERS };

struct icmp_type {
	uint8_t what;
	uint8_t other;
};

static const struct icmp_type types4[] = {
	[0] = { T_ANSWERS, 8 },	  [3] = { T_ERROR },	    [4] = { T_ERROR },
	[5] = { T_ERROR },	  [8] = { T_ASKS, 0 },	    [11] = { T_ERROR },
	[12] = { T_ERROR },	  [13] = { T_ASKS, 14 },    [14] = { T_ANSWERS, 13 },
	[15] = { T_ASKS, 16 },	  [16] = { T_ANSWERS, 15 }, [17] = { T_ASKS, 18 },
	[18] = { T_ANSWERS, 17 },
};

static const struct icmp_type types6[] = {
	[1] = { T_ERROR }, [2] = { T_ERROR },	    [3] = { T_ERROR },
	[4] = { T_ERROR }, [128] = { T_ASKS, 129 }, [129] = { T_ANSWERS, 128 },
};

static struct icmp_type icmp_type(uint8_t proto, uint8_t type)
{
	if (proto == IPPROTO_ICMP)
		return type < RTE_DIM(types4) ? types4[type] : (struct icmp_type){ 0 };
	return type < RTE_DIM(types6) ? types6[type] : (struct icmp_type){ 0 };
}

void ct_turn(struct ct_tuple *out, const struct ct_tuple *k)
{
	const struct ct_tuple t = *k;

	memcpy(out->src, t.dst, sizeof(out->src));
	memcpy(out->dst, t.src, sizeof(out->dst));
	out->zone = t.zone;
	out->proto = t.proto;
	out->l3 = t.l3;
	if (ct_is_icmp(t.proto)) {
		const uint16_t what = be16toh(t.dst_port);

		out->src_port = t.src_port;
		out->dst_port =
			htobe16((uint16_t)(icmp_type(t.proto, (uint8_t)(what >> 8)).other << 8 |
					   (what & 0xff)));
	} else {
		out->src_port = t.dst_port;
		out->dst_port = t.src_port;
	}
}

bool ct_may_begin(const struct ct_tuple *k)
{
	return !ct_is_icmp(k->proto) ||
	       icmp_type(k->proto, (uint8_t)(be16toh(k->dst_port) >> 8)).what == T_ASKS;
}

/* ---- Checksums ---- */

static bool vouched_for(const struct rte_mbuf *m, uint64_t good, uint64_t none, uint64_t mask)
{
	const uint64_t said = m->ol_flags & mask;

	/* A card that looked into a tunnel speaks of what was in it, which is what is here now. */
	return said == good || said == none;
}

static bool sum_over(const struct rte_mbuf *m, uint32_t at, uint32_t n, uint32_t *sum)
{
	if (likely(at + n <= m->data_len)) {
		*sum += csum_sum(rte_pktmbuf_mtod_offset(m, const uint8_t *, at), n);
		return true;
	}
	if (at + n > m->pkt_len)
		return false;
	*sum += chain_sum(m, at, n);
	return true;
}

static bool is_right(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* As rte_hash_crc(), which wants its bytes aligned. */
static uint32_t crc32c(const uint8_t *p, uint32_t n, uint32_t crc)
{
	uint64_t word;

	for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		crc = rte_hash_crc_8byte(word, crc);
	}
	while (n--)
		crc = rte_hash_crc_1byte(*p++, crc);
	return crc;
}

/* SCTP's CRC32c (RFC 9260 6.8), with zeros in its own place. */
static bool crc_ok(const struct pkt *p, uint32_t at, uint32_t n)
{
	static const uint8_t zeros[4];
	uint32_t crc = UINT32_MAX, said, skip = at;
	const uint8_t *h = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, at);

	crc = crc32c(h, 8, crc);
	crc = crc32c(zeros, sizeof(zeros), crc);
	memcpy(&said, h + 8, 4);
	n -= SCTP_HLEN;
	skip += SCTP_HLEN;
	for (const struct rte_mbuf *m = p->m; m && n; m = m->next) {
		uint32_t here;

		if (skip >= m->data_len) {
			skip -= m->data_len;
			continue;
		}
		here = RTE_MIN(n, m->data_len - skip);
		crc = crc32c(rte_pktmbuf_mtod_offset(m, const uint8_t *, skip), here, crc);
		n -= here;
		skip = 0;
	}
	return !n && ~crc == le32toh(said);
}

/* Of TCP, UDP, ICMP, ICMPv6: 'n' bytes from 'at' on. */
static bool l4_sum_ok(const struct pkt *p, uint8_t proto, uint32_t at, uint32_t n)
{
	const uint8_t *l3 = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l3);
	const bool v4 = p->key.eth_type == htobe16(ETH_IPV4);
	uint32_t sum = 0;

	if (vouched_for(p->m, RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_NONE,
			RTE_MBUF_F_RX_L4_CKSUM_MASK) &&
	    !ct_is_icmp(proto))
		return true;
	if (proto != IPPROTO_ICMP) {
		/* A packet that a routing header sends further has the sum of another destination:
		 * it is not yet between the ends of a connection. */
		sum = csum_sum(v4 ? l3 + 12 : l3 + 8, v4 ? 8 : 32);
		sum += htobe16(proto) + (uint32_t)htobe16((uint16_t)(n >> 16)) +
		       htobe16((uint16_t)n);
	}
	return sum_over(p->m, at, n, &sum) && is_right(sum);
}

/* ---- L3 ---- */

static void addresses(struct ct_tuple *k, const uint8_t *l3, bool v4)
{
	/* In whole words, as ct_hash() reads them. */
	if (v4) {
		const uint64_t none = 0;
		uint64_t src = 0, dst = 0;

		memcpy(&src, l3 + 12, 4);
		memcpy(&dst, l3 + 16, 4);
		memcpy(k->src, &src, 8);
		memcpy(k->src + 8, &none, 8);
		memcpy(k->dst, &dst, 8);
		memcpy(k->dst + 8, &none, 8);
	} else {
		memcpy(k->src, l3 + 8, 32);
	}
}

/* Where L4 is, and how long; false: the packet is not as long as it says, or wrong. */
static bool read_l3(const struct pkt *p, struct ct_pkt *cp)
{
	const bool v4 = p->key.eth_type == htobe16(ETH_IPV4);
	const uint8_t *l3 = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l3);
	uint32_t total, hlen;

	if (v4) {
		total = get_be16(l3 + 2);
		hlen = (l3[0] & 15) * 4u;
		if (!vouched_for(p->m, RTE_MBUF_F_RX_IP_CKSUM_GOOD, RTE_MBUF_F_RX_IP_CKSUM_NONE,
				 RTE_MBUF_F_RX_IP_CKSUM_MASK) &&
		    !is_right(csum_sum(l3, hlen)))
			return false;
	} else {
		total = IP6_HLEN + (uint32_t)get_be16(l3 + 4);
		/* Of a protocol that has no ports here nobody asks where it is. */
		hlen = p->l4 != PKT_NONE ? (uint32_t)p->l4 - p->l3 : IP6_HLEN;
	}
	if (p->l3 + total > p->m->pkt_len || total < hlen || total - hlen > UINT16_MAX)
		return false;
	cp->l4 = (uint16_t)(p->l3 + hlen);
	cp->l4_len = (uint16_t)(total - hlen);
	addresses(&cp->k, l3, v4);
	return true;
}

/* An extension header that parse.c could not get behind (RFC 8200 4). */
static bool is_exthdr(uint8_t proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT ||
	       proto == IPPROTO_AH || proto == IPPROTO_DSTOPTS;
}

/* ---- Quoted packets ---- */

/* Headers of a quoted IPv6 packet: the place of L4 behind 'ip', 0: none is quoted. */
static uint32_t quoted_l4_v6(const uint8_t *ip, uint32_t n, uint8_t *proto)
{
	uint32_t at = IP6_HLEN;

	*proto = ip[6];
	for (unsigned int i = 0; i < EXTHDRS_MAX && is_exthdr(*proto); i++) {
		uint32_t len;

		if (n - at < 8)
			return 0;
		if (*proto == IPPROTO_FRAGMENT && get_be16(ip + at + 2) & 0xfff8)
			return 0;
		if (*proto == IPPROTO_FRAGMENT)
			len = 8;
		else
			len = *proto == IPPROTO_AH ? (ip[at + 1] + 2) * 4u : (ip[at + 1] + 1) * 8u;
		if (len > n - at)
			return 0;
		*proto = ip[at];
		at += len;
	}
	return is_exthdr(*proto) ? 0 : at;
}

/* The place of L4 in the 'n' bytes that quote an IP packet, 0: there is none. */
static uint32_t quoted_l4(const uint8_t *ip, uint32_t n, bool v4, uint8_t *proto)
{
	uint32_t at;

	if (n < (v4 ? IP4_HLEN : IP6_HLEN) || ip[0] >> 4 != (v4 ? 4 : 6))
		return 0;
	if (v4) {
		*proto = ip[9];
		at = (ip[0] & 15) * 4u;
		/* The first fragment has ports, and it is what a router returns of a big packet. */
		if (at < IP4_HLEN || get_be16(ip + 2) < at || get_be16(ip + 6) & 0x1fff)
			return 0;
		/* RFC 5508 REQ-3 a. */
		if (at > n || !is_right(csum_sum(ip, at)))
			return 0;
	} else {
		at = quoted_l4_v6(ip, n, proto);
	}
	return at && at <= n && n - at >= QUOTED ? at : 0;
}

/*
 * The packet that an ICMP error quotes.  Who gets the error must be who sent that packet, else it
 * is of somebody else's connection.
 */
static bool read_quoted(const struct pkt *p, struct ct_pkt *cp)
{
	const bool v4 = cp->k.l3 == 4;
	const uint32_t at = (uint32_t)cp->l4 + ICMP_HLEN;
	const uint8_t *f = rte_pktmbuf_mtod(p->m, const uint8_t *), *l4;
	uint32_t end = RTE_MIN((uint32_t)cp->l4 + cp->l4_len, (uint32_t)p->m->data_len), l4_at;
	struct ct_tuple q = { .zone = cp->k.zone, .l3 = cp->k.l3 };

	l4_at = at < end ? quoted_l4(f + at, end - at, v4, &q.proto) : 0;
	if (!l4_at)
		return false;
	addresses(&q, f + at, v4);
	if (memcmp(q.src, cp->k.dst, sizeof(q.src)) != 0)
		return false;
	l4 = f + at + l4_at;
	switch (q.proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		memcpy(&q.src_port, l4, 4);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		/* No error is sent for an error (RFC 1122 3.2.2, RFC 4443 2.4 e). */
		if (v4 != (q.proto == IPPROTO_ICMP) || icmp_type(q.proto, l4[0]).what < T_ASKS)
			return false;
		memcpy(&q.src_port, l4 + 4, 2);
		memcpy(&q.dst_port, l4, 2);
		break;
	}
	ct_turn(&cp->k, &q);
	cp->kind = CT_K_ERROR;
	cp->inner_l3 = (uint16_t)at;
	cp->inner_l4 = (uint16_t)(at + l4_at);
	return true;
}

/* ---- L4 ---- */

static bool read_tcp(const struct pkt *p, struct ct_pkt *cp, const uint8_t *l4)
{
	struct ct_tcp_seg g;

	memcpy(&cp->k.src_port, l4, 4);
	return ct_tcp_read(&g, l4, cp->l4_len, p->m->data_len - cp->l4) &&
	       ct_tcp_flags_ok(g.flags) && l4_sum_ok(p, IPPROTO_TCP, cp->l4, cp->l4_len);
}

static bool read_udp(const struct pkt *p, struct ct_pkt *cp, const uint8_t *l4)
{
	const uint32_t n = get_be16(l4 + 4);

	memcpy(&cp->k.src_port, l4, 4);
	if (n < UDP_HLEN || n > cp->l4_len)
		return false;
	/* None, as a sender may do on IPv4 (RFC 768), and on IPv6 only for tunnels (RFC 8200
	 * 8.1). */
	if (!get_be16(l4 + 6))
		return cp->k.l3 == 4;
	return l4_sum_ok(p, IPPROTO_UDP, cp->l4, n);
}

static bool read_sctp(const struct pkt *p, struct ct_pkt *cp, const uint8_t *l4)
{
	memcpy(&cp->k.src_port, l4, 4);
	return vouched_for(p->m, RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_NONE,
			   RTE_MBUF_F_RX_L4_CKSUM_MASK) ||
	       crc_ok(p, cp->l4, cp->l4_len);
}

static bool read_icmp(const struct pkt *p, struct ct_pkt *cp, const uint8_t *l4)
{
	const uint8_t what = icmp_type(cp->k.proto, l4[0]).what;

	if (!what || (cp->k.l3 == 4) != (cp->k.proto == IPPROTO_ICMP) || cp->l4_len < ICMP_HLEN ||
	    p->m->data_len - cp->l4 < ICMP_HLEN || !l4_sum_ok(p, cp->k.proto, cp->l4, cp->l4_len))
		return false;
	if (what == T_ERROR)
		return read_quoted(p, cp);
	memcpy(&cp->k.src_port, l4 + 4, 2);
	memcpy(&cp->k.dst_port, l4, 2);
	return true;
}

static bool read_l4(const struct pkt *p, struct ct_pkt *cp)
{
	const uint8_t *l4 = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, cp->l4);

	cp->k.src_port = cp->k.dst_port = 0;
	switch (p->key.ip_proto) {
	case IPPROTO_TCP:
		return p->l4 != PKT_NONE && read_tcp(p, cp, l4);
	case IPPROTO_UDP:
		return p->l4 != PKT_NONE && read_udp(p, cp, l4);
	case IPPROTO_SCTP:
		return p->l4 != PKT_NONE && cp->l4_len >= SCTP_HLEN && read_sctp(p, cp, l4);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return p->l4 != PKT_NONE && read_icmp(p, cp, l4);
	}
	/* All others are told apart by their addresses alone. */
	return cp->k.l3 == 4 || !is_exthdr(p->key.ip_proto);
}

/* Both directions would be the same one (the "land" attack): no connection can be like that. */
static bool is_own_answer(const struct ct_tuple *k)
{
	return unlikely(!memcmp(k->src, k->dst, 4)) && !memcmp(k->src, k->dst, sizeof(k->src)) &&
	       k->src_port == k->dst_port && !ct_is_icmp(k->proto);
}

void ct_read(struct pmd *w, const struct ct *t, const struct pkt *p, uint16_t zone,
	     struct ct_pkt *cp)
{
	uint32_t rest;

	cp->kind = CT_K_INVALID;
	cp->hash = 0;
	if (unlikely(
		    p->l3 == PKT_NONE || p->key.ip_frag & FLOW_FRAG_ANY ||
		    (p->key.eth_type != htobe16(ETH_IPV4) && p->key.eth_type != htobe16(ETH_IPV6))))
		return;
	/* zone, proto, l3: one store, as ct_hash() reads them. */
	rest = zone | (uint32_t)p->key.ip_proto << 16 |
	       (p->key.eth_type == htobe16(ETH_IPV4) ? 4u : 6u) << 24;
	memcpy(&cp->k.zone, &rest, sizeof(rest));
	if (unlikely(!read_l3(p, cp) || !read_l4(p, cp) || is_own_answer(&cp->k))) {
		cp->kind = CT_K_INVALID;
		return;
	}
	if (likely(cp->kind == CT_K_INVALID))
		cp->kind = CT_K_FLOW;
	cp->hash = ct_hash(t, &cp->k);
}
