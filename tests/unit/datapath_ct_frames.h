/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames for connection tracking: sound ones, from a few numbers, for tests to spoil.
 */
#ifndef WEFT_TESTS_DATAPATH_CT_FRAMES_H
#define WEFT_TESTS_DATAPATH_CT_FRAMES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_mbuf.h>

#include "base/byteorder.h"

enum { CF_L3 = 14, CF_MAX = 2048 };

/* Hosts are 1 to 255, of 10.0.0.0/24 and fd00::/64. */
struct cf_spec {
	bool v6;
	uint8_t proto;
	uint8_t src, dst;
	uint16_t sport, dport; /* ICMP: identifier, type and code */
	uint32_t seq, ack;
	uint16_t win, len; /* of the data */
	uint8_t flags;
	uint8_t wscale;		/* + 1 */
	uint8_t ext;		/* IPv6: destination options before L4 */
	const uint8_t *payload; /* else zeros */
};

struct cf {
	uint8_t b[CF_MAX];
	uint32_t n;
	uint32_t l4; /* in the frame */
};

static inline uint32_t cf_add(uint32_t sum, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static inline uint16_t cf_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline void cf_sum_ip(uint8_t *ip)
{
	put_be16(ip + 10, 0);
	put_be16(ip + 10, cf_fold(cf_add(0, ip, (ip[0] & 15) * 4u)));
}

static inline int cf_sum_at(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	}
	return -1;
}

/* RFC 9260, appendix A, bit by bit. */
static inline uint32_t cf_crc32c(const uint8_t *p, uint32_t n)
{
	uint32_t crc = UINT32_MAX;

	while (n--) {
		crc ^= *p++;
		for (unsigned int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	return ~crc;
}

/* Makes the L4 checksum right. */
static inline void cf_sum_l4(struct cf *f)
{
	const uint8_t *ip = f->b + CF_L3;
	const bool v6 = ip[0] >> 4 == 6;
	uint8_t *l4 = f->b + f->l4, proto = v6 ? ip[6] : ip[9];
	const uint32_t n = f->n - f->l4;
	uint32_t sum = 0;
	int at;

	if (v6 && proto == IPPROTO_DSTOPTS)
		proto = ip[40];
	if (proto == IPPROTO_SCTP) {
		uint32_t crc;

		memset(l4 + 8, 0, 4);
		crc = htole32(cf_crc32c(l4, n));
		memcpy(l4 + 8, &crc, 4);
		return;
	}
	at = cf_sum_at(proto);
	if (at < 0)
		return;
	put_be16(l4 + at, 0);
	if (proto != IPPROTO_ICMP)
		sum = cf_add(proto + n, v6 ? ip + 8 : ip + 12, v6 ? 32 : 8);
	sum = cf_fold(cf_add(sum, l4, n));
	put_be16(l4 + at, (uint16_t)(!sum && proto == IPPROTO_UDP ? 0xffff : sum));
}

static inline uint32_t cf_l4(uint8_t *l4, const struct cf_spec *s)
{
	put_be16(l4, s->sport);
	put_be16(l4 + 2, s->dport);
	switch (s->proto) {
	case IPPROTO_TCP:
		put_be32(l4 + 4, s->seq);
		put_be32(l4 + 8, s->ack);
		l4[12] = s->wscale ? 0x60 : 0x50;
		l4[13] = s->flags;
		put_be16(l4 + 14, s->win);
		if (!s->wscale)
			return 20;
		memcpy(l4 + 20, (const uint8_t[]){ 1, 3, 3, (uint8_t)(s->wscale - 1) }, 4);
		return 24;
	case IPPROTO_UDP:
		put_be16(l4 + 4, (uint16_t)(8 + s->len));
		return 8;
	case IPPROTO_SCTP:
		return 12;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put_be16(l4, s->dport);
		put_be16(l4 + 4, s->sport);
		return 8;
	}
	return 4;
}

static inline void cf_make(struct cf *f, const struct cf_spec *s)
{
	uint8_t *ip = f->b + CF_L3, *l4;
	uint32_t hlen;

	memset(f->b, 0, sizeof(f->b));
	memcpy(f->b, (const uint8_t[]){ 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 }, 12);
	put_be16(ip - 2, s->v6 ? 0x86dd : 0x0800);
	l4 = ip + (s->v6 ? 40 : 20) + (s->v6 ? s->ext : 0);
	hlen = cf_l4(l4, s);
	if (s->payload)
		memcpy(l4 + hlen, s->payload, s->len);
	f->l4 = (uint32_t)(l4 - f->b);
	f->n = f->l4 + hlen + s->len;
	if (s->v6) {
		ip[0] = 0x60;
		put_be16(ip + 4, (uint16_t)(f->n - CF_L3 - 40));
		ip[6] = s->ext ? IPPROTO_DSTOPTS : s->proto;
		ip[7] = 64;
		ip[8] = ip[24] = 0xfd;
		ip[23] = s->src;
		ip[39] = s->dst;
		if (s->ext) {
			ip[40] = s->proto;
			ip[41] = (uint8_t)(s->ext / 8 - 1);
			ip[42] = 1; /* PadN */
			ip[43] = (uint8_t)(s->ext - 4);
		}
	} else {
		ip[0] = 0x45;
		put_be16(ip + 2, (uint16_t)(f->n - CF_L3));
		ip[8] = 64;
		ip[9] = s->proto;
		put_be32(ip + 12, 0x0a000000u | s->src);
		put_be32(ip + 16, 0x0a000000u | s->dst);
		cf_sum_ip(ip);
	}
	cf_sum_l4(f);
}

/* An ICMP error from 'src' to 'dst' that quotes the first 'n' bytes of the IP packet in 'q'. */
static inline void cf_error(struct cf *f, const struct cf *q, uint16_t type_code, uint8_t src,
			    uint8_t dst, uint32_t n)
{
	const bool v6 = q->b[CF_L3] >> 4 == 6;
	const struct cf_spec s = { .v6 = v6,
				   .proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
				   .src = src,
				   .dst = dst,
				   .dport = type_code,
				   .len = (uint16_t)n,
				   .payload = q->b + CF_L3 };

	cf_make(f, &s);
}

static inline struct rte_mbuf *cf_mbuf(struct rte_mempool *pool, const struct cf *f)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	if (m)
		memcpy(rte_pktmbuf_append(m, (uint16_t)f->n), f->b, f->n);
	return m;
}

#endif
