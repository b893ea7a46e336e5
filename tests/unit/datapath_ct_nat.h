/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of NAT share: packets made from a tuple, with checksums summed up plainly, and the
 * same sums taken again of whatever comes out.
 */
#ifndef WEFT_TESTS_DATAPATH_CT_NAT_H
#define WEFT_TESTS_DATAPATH_CT_NAT_H

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/unit/datapath_harness.h"

#include "datapath/act_priv.h"
#include "datapath/chain.h"
#include "datapath/ct.h"
#include "datapath/ct_nat.h"

enum { L2 = 14, FRAME_MAX = 9000 };

/* ---- Sums, bit by bit and word by word ---- */

static inline uint16_t plain_sum(const uint8_t *p, uint32_t n, uint32_t start)
{
	uint64_t sum = start;

	for (uint32_t i = 0; i < n; i++)
		sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static inline uint32_t plain_crc(const uint8_t *p, uint32_t n)
{
	uint32_t crc = ~0u;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static inline uint16_t pseudo_sum(const uint8_t *ip, uint8_t proto, uint32_t n)
{
	const bool v4 = ip[0] >> 4 == 4;

	return plain_sum(ip + (v4 ? 12 : 8), v4 ? 8 : 32,
			 (uint32_t)proto + (n >> 16) + (n & 0xffff));
}

/* Where the checksum is; 0: there is none. */
static inline uint32_t sum_at(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
		return 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	default:
		return 0;
	}
}

/* The sum of an L4 packet, its field among it: 0xffff is right. */
static inline uint16_t l4_sum(const uint8_t *ip, const uint8_t *l4, uint8_t proto, uint32_t n)
{
	return plain_sum(l4, n, proto == IPPROTO_ICMP ? 0 : pseudo_sum(ip, proto, n));
}

static inline void finish_l4(uint8_t *ip, uint8_t *l4, uint8_t proto, uint32_t n)
{
	const uint32_t at = sum_at(proto);
	uint32_t crc;

	if (proto == IPPROTO_SCTP) {
		memset(l4 + 8, 0, 4);
		crc = htole32(plain_crc(l4, n));
		memcpy(l4 + 8, &crc, 4);
	}
	if (!at)
		return;
	put_be16(l4 + at, 0);
	put_be16(l4 + at, (uint16_t)~l4_sum(ip, l4, proto, n));
	if (proto == IPPROTO_UDP && !get_be16(l4 + at))
		put_be16(l4 + at, 0xffff);
}

/* ---- Packets ---- */

static inline uint32_t l4_min(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return 12;
	default:
		return 8;
	}
}

/* An IP packet of tuple 'k' with 'n' bytes of data at 'ip'; its length. */
static inline uint32_t ip_packet(uint8_t *ip, const struct ct_tuple *k, const void *data,
				 uint32_t n)
{
	const uint32_t hlen = k->l3 == 4 ? 20 : 40, head = l4_min(k->proto);
	uint8_t *l4 = ip + hlen;

	memset(ip, 0, hlen + head);
	if (k->l3 == 4) {
		ip[0] = 0x45;
		put_be16(ip + 2, (uint16_t)(hlen + head + n));
		put_be16(ip + 4, 0x1234);
		ip[8] = 64;
		ip[9] = k->proto;
		memcpy(ip + 12, k->src, 4);
		memcpy(ip + 16, k->dst, 4);
		put_be16(ip + 10, (uint16_t)~plain_sum(ip, 20, 0));
	} else {
		ip[0] = 0x60;
		put_be16(ip + 4, (uint16_t)(head + n));
		ip[6] = k->proto;
		ip[7] = 64;
		memcpy(ip + 8, k->src, 16);
		memcpy(ip + 24, k->dst, 16);
	}
	memcpy(l4 + head, data, n);
	if (k->proto == IPPROTO_ICMP || k->proto == IPPROTO_ICMPV6) {
		memcpy(l4, &k->dst_port, 2);
		memcpy(l4 + 4, &k->src_port, 2);
		put_be16(l4 + 6, 7);
	} else {
		memcpy(l4, &k->src_port, 2);
		memcpy(l4 + 2, &k->dst_port, 2);
	}
	if (k->proto == IPPROTO_UDP)
		put_be16(l4 + 4, (uint16_t)(8 + n));
	if (k->proto == IPPROTO_TCP) {
		put_be32(l4 + 4, 1000);
		put_be32(l4 + 8, 2000);
		l4[12] = 0x50;
		l4[13] = 0x18;
		put_be16(l4 + 14, 8192);
	}
	finish_l4(ip, l4, k->proto, head + n);
	return hlen + head + n;
}

static inline uint32_t ether(uint8_t *f, uint8_t l3)
{
	memset(f, 2, 12);
	put_be16(f + 12, l3 == 4 ? 0x0800 : 0x86dd);
	return L2;
}

static inline uint32_t packet(uint8_t *f, const struct ct_tuple *k, const void *data, uint32_t n)
{
	return ether(f, k->l3) + ip_packet(f + L2, k, data, n);
}

/* An ICMP error from 'src' to whoever sent 'quote', of which it has 'n' bytes. */
static inline uint32_t icmp_error(uint8_t *f, const uint8_t src[16], const struct ct_tuple *quoted,
				  uint8_t type, uint8_t code, const uint8_t *quote, uint32_t n)
{
	struct ct_tuple k = { .l3 = quoted->l3 };

	memcpy(k.src, src, 16);
	memcpy(k.dst, quoted->src, 16);
	k.proto = quoted->l3 == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	k.dst_port = htobe16((uint16_t)(type << 8 | code));
	return packet(f, &k, quote, n);
}

static inline void check_ip(const uint8_t *ip)
{
	if (ip[0] >> 4 == 4)
		assert_int_equal(plain_sum(ip, (ip[0] & 15) * 4u, 0), 0xffff);
}

/* Every checksum of an IP packet of which 'n' bytes are there, and of what an error in it quotes.
 */
static inline void check_sums(const uint8_t *ip, uint32_t n)
{
	const bool v4 = ip[0] >> 4 == 4;
	const uint32_t hlen = v4 ? 20 : 40, total = v4 ? get_be16(ip + 2) : get_be16(ip + 4) + 40u;
	const uint8_t proto = v4 ? ip[9] : ip[6], *l4 = ip + hlen;
	uint32_t crc;

	check_ip(ip);
	if (n < total)
		return;
	n = total - hlen;
	if (proto == IPPROTO_SCTP) {
		uint8_t copy[FRAME_MAX];

		memcpy(copy, l4, n);
		memset(copy + 8, 0, 4);
		crc = htole32(plain_crc(copy, n));
		assert_memory_equal(l4 + 8, &crc, 4);
	} else if (sum_at(proto) && (proto != IPPROTO_UDP || get_be16(l4 + 6))) {
		assert_int_equal(l4_sum(ip, l4, proto, n), 0xffff);
	}
	if ((proto == IPPROTO_ICMP && (l4[0] == 3 || l4[0] == 11)) ||
	    (proto == IPPROTO_ICMPV6 && l4[0] && l4[0] < 5))
		check_sums(l4 + 8, n - 8);
}

/* ---- Tuples ---- */

static inline void addr_is(uint8_t to[16], uint8_t l3, const char *text)
{
	memset(to, 0, 16);
	assert_int_equal(inet_pton(l3 == 4 ? AF_INET : AF_INET6, text, to), 1);
}

static inline struct ct_tuple tuple(uint8_t proto, const char *src, uint16_t sport, const char *dst,
				    uint16_t dport)
{
	struct ct_tuple k = { .proto = proto,
			      .l3 = strchr(src, ':') ? 6 : 4,
			      .src_port = htobe16(sport),
			      .dst_port = htobe16(dport) };

	addr_is(k.src, k.l3, src);
	addr_is(k.dst, k.l3, dst);
	return k;
}

/* ICMP: queries become answers. */
static inline struct ct_tuple turned(const struct ct_tuple *k)
{
	struct ct_tuple r = *k;

	memcpy(r.src, k->dst, 16);
	memcpy(r.dst, k->src, 16);
	if (k->proto == IPPROTO_ICMP)
		r.dst_port = k->dst_port ? 0 : htobe16(0x0800);
	else if (k->proto == IPPROTO_ICMPV6)
		r.dst_port = k->dst_port ^ htobe16(0x0100);
	else {
		r.src_port = k->dst_port;
		r.dst_port = k->src_port;
	}
	return r;
}

/* ---- A packet in a burst ---- */

static inline struct rte_mbuf *mbuf_with(const uint8_t *f, uint32_t n)
{
	struct rte_mbuf *m = chain_new(h.w->pool, f, n);

	assert_non_null(m);
	return m;
}

static inline struct pkt *pkt_with(struct rte_mbuf *m)
{
	struct burst *b = h.w->burst;

	b->n_out = b->n_keys = 0;
	b->n = 1;
	assert_true(pkt_init(b, 0, m, 1));
	return &b->pkt[0];
}

/* What ct_read() finds in a packet of no fragments and no extensions. */
static inline struct ct_pkt pkt_of(const struct pkt *p, const struct ct_tuple *k)
{
	struct ct_pkt cp = { .k = *k, .kind = CT_K_FLOW, .l4 = p->l4 };
	const uint8_t *ip = rte_pktmbuf_mtod(p->m, const uint8_t *) + p->l3;
	const uint32_t total = k->l3 == 4 ? get_be16(ip + 2) : get_be16(ip + 4) + 40u;

	if (p->l4 == PKT_NONE)
		cp.l4 = (uint16_t)(p->l3 + (k->l3 == 4 ? 20 : 40));
	cp.l4_len = (uint16_t)(total - (uint32_t)(cp.l4 - p->l3));
	return cp;
}

static inline uint64_t a_random(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	return s ^= s << 17;
}

#endif
