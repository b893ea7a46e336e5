/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random frames, matches and actions that meet each other often: all draw their values from the
 * same small pools.  Everything follows from the seed.
 */
#ifndef TESTS_DATAPATH_RANDOM_H
#define TESTS_DATAPATH_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/byteorder.h"
#include "ofproto/match.h"
#include "ofproto/wire.h"

static uint64_t rnd_state;

static inline uint64_t rnd(void)
{
	uint64_t z = rnd_state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint32_t below(uint32_t n)
{
	return (uint32_t)(rnd() % n);
}

/* One in 'n'. */
static inline bool one_in(uint32_t n)
{
	return below(n) == 0;
}

#define PICK(array) ((array)[below(sizeof(array) / sizeof((array)[0]))])

static const uint16_t rnd_vids[] = { 0, 1, 10, 100, 4095 };
static const uint32_t rnd_ip4[] = { 0x0a000001, 0x0a000002, 0x0a000102, 0x0a010001,
				    0xc0a80101, 0xe0000001, 0xffffffff };
static const uint16_t rnd_ports[] = { 0, 22, 53, 80, 443, 65535 };
static const uint8_t rnd_ttls[] = { 0, 1, 2, 64, 64, 64, 255 };
static const uint8_t rnd_tos[] = { 0, 0x20, 0xb8, 0xff };

static inline void rnd_mac(uint8_t *m)
{
	static const uint8_t macs[][6] = { { 2, 0, 0, 0, 0, 1 },
					   { 2, 0, 0, 0, 0, 2 },
					   { 1, 0, 0x5e, 0, 0, 1 },
					   { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

	memcpy(m, PICK(macs), 6);
}

static inline void rnd_ip6(uint8_t *a)
{
	memset(a, 0, 16);
	put_be16(a, one_in(2) ? 0x2001 : 0xfe80);
	a[7] = (uint8_t)below(2);
	a[15] = (uint8_t)below(3);
}

/* ---- Frames ---- */

/* No fragments, and nothing that may look like one. */
static bool rnd_whole;

struct maker {
	uint8_t b[2048];
	uint32_t n;
};

static inline uint8_t *mk(struct maker *m, uint32_t n)
{
	uint8_t *p = m->b + m->n;

	memset(p, 0, n);
	m->n += n;
	return p;
}

static inline uint32_t mk_sum(const uint8_t *p, uint32_t n)
{
	uint32_t s = 0;

	for (uint32_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return s;
}

static inline uint16_t mk_fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static inline uint32_t mk_crc32c(const uint8_t *p, uint32_t n)
{
	uint32_t crc = 0xffffffff;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

/* Where the pseudo header's addresses are, to sum up what was made from 'l4' on. */
struct mk_ip {
	const uint8_t *addr;
	uint32_t n_addr;
};

static inline uint16_t mk_l4_csum(const uint8_t *l4, uint32_t n, const struct mk_ip *ip,
				  uint8_t proto)
{
	return mk_fold(mk_sum(l4, n) + mk_sum(ip->addr, ip->n_addr) + n + proto);
}

static inline void mk_nd(struct maker *m, uint8_t type)
{
	uint8_t *p = mk(m, 20);

	rnd_ip6(p + 4);
	for (uint32_t i = below(3); i > 0; i--) {
		p = mk(m, 8);
		p[0] = (uint8_t)(1 + below(3));
		p[1] = one_in(10) ? (uint8_t)below(3) : 1;
		rnd_mac(p + 2);
	}
	(void)type;
}

static inline void mk_l4(struct maker *m, uint8_t proto, const struct mk_ip *ip)
{
	uint8_t *p = m->b + m->n;
	const uint32_t at = m->n, pay = below(one_in(6) ? 160 : 20);
	uint16_t c;

	switch (proto) {
	case 6:
		mk(m, 20);
		put_be16(p, PICK(rnd_ports));
		put_be16(p + 2, PICK(rnd_ports));
		put_be16(p + 12, (uint16_t)(0x5000 | below(0x200)));
		mk(m, pay);
		put_be16(p + 16, mk_l4_csum(p, m->n - at, ip, proto));
		return;
	case 17:
		mk(m, 8 + pay);
		put_be16(p, PICK(rnd_ports));
		put_be16(p + 2, PICK(rnd_ports));
		put_be16(p + 4, (uint16_t)(8 + pay));
		c = mk_l4_csum(p, m->n - at, ip, proto);
		put_be16(p + 6, one_in(4) ? 0 : c ? c : 0xffff);
		return;
	case 136:
	case 33:
		mk(m, (proto == 33 ? 12 : 8) + pay);
		c = mk_l4_csum(p, m->n - at, ip, proto);
		put_be16(p + 6, c || proto == 33 ? c : 0xffff);
		return;
	case 132:
		mk(m, 12 + (pay & ~3u));
		put_be16(p, PICK(rnd_ports));
		put_be16(p + 2, PICK(rnd_ports));
		put_be32(p + 8, htobe32(htole32(mk_crc32c(p, m->n - at))));
		return;
	case 1:
		mk(m, 8 + pay);
		p[0] = one_in(2) ? 8 : 0;
		p[1] = (uint8_t)below(2);
		put_be16(p + 2, mk_fold(mk_sum(p, m->n - at)));
		return;
	case 58:
		mk(m, 4);
		p[0] = (uint8_t)(one_in(3) ? 128 : 135 + below(2));
		p[1] = one_in(8);
		if (p[0] != 128)
			mk_nd(m, p[0]);
		else
			mk(m, 4 + pay);
		put_be16(p + 2, mk_l4_csum(p, m->n - at, ip, proto));
		return;
	default:
		mk(m, pay);
	}
}

static inline void mk_ip4(struct maker *m, int depth);
static inline void mk_ip6(struct maker *m, int depth);

static inline uint8_t mk_proto(void)
{
	static const uint8_t protos[] = { 6,  6,   6,	17, 17, 17, 1,	 1, 58,
					  58, 132, 132, 4,  41, 47, 136, 33 };

	return PICK(protos);
}

static inline void mk_payload(struct maker *m, uint8_t proto, const struct mk_ip *ip, int depth)
{
	if (proto == 4 && depth < 2)
		mk_ip4(m, depth + 1);
	else if (proto == 41 && depth < 2)
		mk_ip6(m, depth + 1);
	else
		mk_l4(m, proto, ip);
}

static inline void mk_ip4(struct maker *m, int depth)
{
	const uint32_t ihl = one_in(6) ? 24 : 20, at = m->n;
	uint8_t *p = mk(m, ihl);
	const struct mk_ip ip = { p + 12, 8 };

	p[0] = (uint8_t)(0x40 | ihl / 4);
	p[1] = PICK(rnd_tos);
	if (!rnd_whole && one_in(8))
		put_be16(p + 6, one_in(2) ? 0x2000 : 0x2000 | (uint16_t)below(3));
	if (one_in(6))
		p[6] |= 0x40; /* not to be fragmented */
	p[8] = PICK(rnd_ttls);
	p[9] = mk_proto();
	put_be32(p + 12, PICK(rnd_ip4));
	put_be32(p + 16, PICK(rnd_ip4));
	mk_payload(m, p[9], &ip, depth);
	put_be16(p + 2, (uint16_t)(m->n - at));
	put_be16(p + 10, mk_fold(mk_sum(p, ihl)));
}

static inline void mk_ip6(struct maker *m, int depth)
{
	static const uint8_t exts[] = { 0, 60, 43, 44, 51, 60, 50, 59 };
	uint8_t *p = mk(m, 40), *next = p + 6;
	const struct mk_ip ip = { p + 8, 32 };
	const uint32_t at = m->n;
	uint8_t proto;

	put_be32(p, UINT32_C(0x60000000) | (uint32_t)PICK(rnd_tos) << 20 | below(3));
	p[7] = PICK(rnd_ttls);
	rnd_ip6(p + 8);
	rnd_ip6(p + 24);
	for (uint32_t i = one_in(3) ? below(4) : 0; i > 0; i--) {
		uint8_t *e;

		*next = PICK(exts);
		if (rnd_whole && *next == 44)
			*next = 60;
		if (*next == 50 || *next == 59)
			break;
		e = mk(m, 8);
		if (*next == 44)
			put_be16(e + 2, one_in(2) ? 0 : (uint16_t)below(16));
		else if (*next == 43)
			e[3] = (uint8_t)below(2);
		else if (*next != 51 && one_in(4))
			e[1] = 1, mk(m, 8);
		next = e;
	}
	if (m->n == at || *next != 50) {
		proto = one_in(6) ? 58 : mk_proto();
		if (*next != 59)
			*next = proto;
		if (proto == 58 && one_in(2))
			p[7] = 255; /* neighbour discovery's */
		mk_payload(m, proto, &ip, depth);
	}
	put_be16(p + 4, (uint16_t)(m->n - at));
}

static inline void mk_arp(struct maker *m)
{
	uint8_t *p = mk(m, 28);

	put_be16(p, 1);
	put_be16(p + 2, 0x0800);
	p[4] = 6;
	p[5] = one_in(10) ? 6 : 4;
	put_be16(p + 6, (uint16_t)(1 + below(2)));
	rnd_mac(p + 8);
	put_be32(p + 14, PICK(rnd_ip4));
	rnd_mac(p + 18);
	put_be32(p + 24, PICK(rnd_ip4));
}

static inline void mk_type(struct maker *m, uint16_t type)
{
	put_be16(mk(m, 2), type);
}

static inline void mk_mpls(struct maker *m)
{
	bool more = true;

	while (more) {
		more = one_in(3);
		put_be32(mk(m, 4), (uint32_t)(16 + below(3)) << 12 | below(8) << 9 |
					   (more ? 0 : 0x100u) | PICK(rnd_ttls));
	}
	switch (below(3)) {
	case 0:
		mk_ip4(m, 0);
		break;
	case 1:
		mk_ip6(m, 0);
		break;
	default:
		mk(m, below(30));
	}
}

static inline void mk_eth(struct maker *m, int depth)
{
	uint8_t *p = mk(m, 12);

	rnd_mac(p);
	rnd_mac(p + 6);
	for (uint32_t i = one_in(2) ? 0 : one_in(40) ? 10 : below(3); i > 0; i--) {
		mk_type(m, one_in(2) ? 0x8100 : 0x88a8);
		mk_type(m, (uint16_t)(PICK(rnd_vids) | below(16) << 12));
	}
	switch (below(16)) {
	default:
		mk_type(m, 0x0800);
		mk_ip4(m, 0);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		mk_type(m, 0x86dd);
		mk_ip6(m, 0);
		break;
	case 10:
	case 11:
		mk_type(m, one_in(6) ? 0x8035 : 0x0806);
		mk_arp(m);
		break;
	case 12:
		mk_type(m, one_in(3) ? 0x8848 : 0x8847);
		mk_mpls(m);
		break;
	case 13:
		mk_type(m, 0x88e7);
		put_be32(mk(m, 4), (uint32_t)rnd() & 0xff000003);
		if (depth < 1)
			mk_eth(m, depth + 1);
		break;
	case 14: /* 802.3 */
		mk_type(m, (uint16_t)(40 + below(10)));
		memcpy(mk(m, 6), "\xaa\xaa\x03\0\0\0", 6);
		if (one_in(4))
			m->b[m->n - 1] = 1;
		mk_type(m, 0x0800);
		mk_ip4(m, 0);
		break;
	case 15:
		mk_type(m, (uint16_t)rnd());
		mk(m, below(40));
		break;
	}
}

/* Only what most frames are: IPv4 without options and whole, with one tag at most; and what actions
 * are common on such. */
static bool rnd_easy;

static inline void mk_easy(struct maker *m)
{
	static const uint8_t protos[] = { 6, 6, 17, 17, 17, 1 };
	uint8_t *p = mk(m, 12);
	uint32_t at;

	rnd_mac(p);
	rnd_mac(p + 6);
	if (one_in(2)) {
		mk_type(m, one_in(3) ? 0x88a8 : 0x8100);
		mk_type(m, (uint16_t)(PICK(rnd_vids) | below(16) << 12));
	}
	mk_type(m, 0x0800);
	at = m->n;
	p = mk(m, 20);
	const struct mk_ip ip = { p + 12, 8 };

	p[0] = 0x45;
	p[1] = PICK(rnd_tos);
	p[8] = PICK(rnd_ttls);
	p[9] = PICK(protos);
	put_be32(p + 12, PICK(rnd_ip4));
	put_be32(p + 16, PICK(rnd_ip4));
	mk_l4(m, p[9], &ip);
	put_be16(p + 2, (uint16_t)(m->n - at));
	put_be16(p + 10, 0);
	put_be16(p + 10, (uint16_t)~mk_sum(p, 20));
}

/*
 * Tables look at port and tag alone, or at the port, and actions at no more.  Frames have up to
 * three tags of either kind, some of priority alone, and are cut short anywhere behind the MACs.
 */
static enum { RND_NO_TAGS, RND_TAGS, RND_TAGGED_PORTS } rnd_tags;

static inline void mk_tags(struct maker *m)
{
	static const uint16_t types[] = { 0x88b5, 0x86dd, 0x0806, 0x8847, 46 };

	if (one_in(3)) {
		mk_easy(m);
	} else {
		rnd_mac(mk(m, 6));
		rnd_mac(mk(m, 6));
		for (unsigned int n = one_in(3) ? 2 + below(2) : below(2); n > 0; n--) {
			mk_type(m, one_in(3) ? 0x88a8 : 0x8100);
			mk_type(m, (uint16_t)((one_in(3) ? 0 : PICK(rnd_vids)) | below(16) << 12));
		}
		mk_type(m, PICK(types));
		mk(m, below(60));
	}
	if (one_in(6))
		m->n = 14 + below(m->n < 25 ? m->n - 13 : 12);
}

/* At least 14 bytes.  Most are sound; some are cut short, padded, damaged, or nothing at all. */
static inline void rnd_frame(struct maker *m)
{
	m->n = 0;
	if (rnd_tags && !one_in(16)) {
		mk_tags(m);
		return;
	}
	if (rnd_easy && !one_in(16)) {
		mk_easy(m);
		return;
	}
	if (!rnd_whole && one_in(50)) {
		m->n = 14 + below(80);
		for (uint32_t i = 0; i < m->n; i++)
			m->b[i] = (uint8_t)rnd();
		return;
	}
	mk_eth(m, 0);
	if (one_in(3) && m->n < 60)
		mk(m, 60 - m->n);
	if (one_in(12))
		m->n = 14 + below(m->n - 13);
	if (!rnd_whole && one_in(12))
		m->b[12 + below(m->n - 12)] = (uint8_t)rnd();
}

/* ---- Matches ---- */

/* A value that frames have, right-aligned. */
static inline void rnd_value(const struct of_field *f, uint8_t *v)
{
	uint64_t n;

	memset(v, 0, 16);
	switch (f->fmt) {
	case OF_FF_MAC:
		rnd_mac(v);
		return;
	case OF_FF_IP4:
		put_be32(v, PICK(rnd_ip4));
		return;
	case OF_FF_IP6:
		rnd_ip6(v);
		return;
	case OF_FF_VID:
		n = PICK(rnd_vids) | 0x1000u;
		break;
	case OF_FF_PORT:
		n = 1 + below(4);
		break;
	default:
		n = f->id == OF_FIELD_MPLS_LABEL    ? 16 + below(3)
		    : f->id == OF_FIELD_IP_TTL	    ? PICK(rnd_ttls)
		    : f->id == OF_FIELD_IPV6_EXTHDR ? rnd()
		    : f->bits == 16		    ? PICK(rnd_ports)
		    : one_in(2)			    ? below(4)
						    : rnd();
	}
	if (of_field_key_bits(f) < 64)
		n &= (UINT64_C(1) << of_field_key_bits(f)) - 1;
	if (f->bytes <= 8)
		put_be(v, f->bytes, n);
	else
		put_be64(v + 8, n);
}

static inline void rnd_mask(const struct of_field *f, uint8_t *v, uint8_t *mask)
{
	const unsigned int keep = 1 + below(f->bits);

	memset(mask, 0, 16);
	for (unsigned int i = 0; i < f->bits; i++)
		if (one_in(4) ? one_in(2) : f->bits - i <= keep)
			mask[f->bytes - 1 - i / 8] |= (uint8_t)(1 << i % 8);
	for (unsigned int i = 0; i < f->bytes; i++)
		v[i] &= mask[i];
}

static inline void rnd_match_field(struct of_match *m, const struct of_field *f, bool masks)
{
	uint8_t v[16], mask[16];

	rnd_value(f, v);
	if (!masks || !f->maskable || one_in(2)) {
		of_match_set(m, f, v, NULL);
		return;
	}
	rnd_mask(f, v, mask);
	of_match_set(m, f, v, mask);
}

/* What the layers of a packet are, exactly. */
static inline void rnd_match_layers(struct of_match *m)
{
	static const uint16_t types[] = { 0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd,
					  0x0806, 0x8847, 0x8848, 0x88e7, 0x05ff };
	uint16_t type = PICK(types);

	of_match_set_u64(m, OF_FIELD_ETH_TYPE, type);
	if (type != 0x0800 && type != 0x86dd)
		return;
	if (one_in(4))
		return;
	of_match_set_u64(m, OF_FIELD_IP_PROTO, mk_proto());
	if (type == 0x86dd && one_in(2)) {
		of_match_set_u64(m, OF_FIELD_IP_PROTO, 58);
		of_match_set_u64(m, OF_FIELD_ICMPV6_TYPE, 135 + below(2));
	}
}

/*
 * Of most pipelines that people write: then tables look at few words of a packet, as the flow cache
 * wants it.
 */
static bool rnd_plain;
static const enum of_field_id rnd_plain_fields[] = {
	OF_FIELD_IN_PORT,  OF_FIELD_METADATA, OF_FIELD_ETH_DST,	 OF_FIELD_ETH_SRC,
	OF_FIELD_VLAN_VID, OF_FIELD_VLAN_PCP, OF_FIELD_IPV4_SRC, OF_FIELD_IPV4_DST,
	OF_FIELD_IP_DSCP,  OF_FIELD_TCP_DST,  OF_FIELD_UDP_DST,	 OF_FIELD_ICMPV4_TYPE,
	OF_FIELD_TUN_ID,   OF_FIELD_REG0,
};

static inline const struct of_field *rnd_field(const struct of_match *m)
{
	for (int i = 0; i < 200; i++) {
		const struct of_field *f =
			&of_fields[rnd_plain ? PICK(rnd_plain_fields) : below(OF_N_FIELDS)];

		if (!f->is_alias && of_match_pre_met(m, f))
			return f;
	}
	return &of_fields[OF_FIELD_IN_PORT];
}

#endif
