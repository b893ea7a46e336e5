/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/neigh_frame.h"

#include <string.h>

#include "base/byteorder.h"

enum { ETH_ARP = 0x0806, ETH_VLAN = 0x8100, ETH_IPV4 = 0x0800, ETH_IPV6 = 0x86dd };
enum { ARP_REQUEST = 1, ARP_REPLY = 2, ARP_BYTES = 28 };
enum {
	ICMPV6 = 58,
	ND_RS = 133,
	RS_BYTES = 8,
	ND_NS = 135,
	ND_NA = 136,
	OPT_SLL = 1,
	OPT_TLL = 2,
	OPT_PREFIX = 3,
	ND_RA = 134,
	RA_BYTES = 16 + 8 + 32,
	ROUTER_LIFETIME = 9000,
	TWO_HOURS = 7200,
	IPV6_BYTES = 40,
	ND_BYTES = 32
};

static uint8_t *header(uint8_t *p, const uint8_t dst[6], const uint8_t src[6], uint16_t vid,
		       uint16_t type)
{
	memcpy(p, dst, 6);
	memcpy(p + 6, src, 6);
	p += 12;
	if (vid) {
		put_be16(p, ETH_VLAN);
		put_be16(p + 2, vid);
		p += 4;
	}
	put_be16(p, type);
	return p + 2;
}

static size_t arp(uint8_t *out, uint16_t vid, uint16_t op, const uint8_t mac[6],
		  const struct ip_addr *own, const struct ip_addr *who)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t *p = header(out, all, mac, vid, ETH_ARP);

	put_be16(p, 1);
	put_be16(p + 2, ETH_IPV4);
	p[4] = 6;
	p[5] = 4;
	put_be16(p + 6, op);
	memcpy(p + 8, mac, 6);
	memcpy(p + 14, own->b, 4);
	memset(p + 18, 0, 6);
	memcpy(p + 24, who->b, 4);
	return (size_t)(p + ARP_BYTES - out);
}

/* RFC 4443 2.3: over the pseudo header and the message. */
static uint16_t icmpv6_sum(const uint8_t *ip, size_t n)
{
	uint32_t sum = (uint32_t)n + ICMPV6;

	for (size_t i = 8; i < IPV6_BYTES + n; i += 2)
		sum += get_be16(ip + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t nd(uint8_t *out, uint16_t vid, uint8_t type, const uint8_t mac[6],
		 const struct ip_addr *own, const struct ip_addr *target)
{
	bool ask = type == ND_NS;
	uint8_t to[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	uint8_t *p;

	if (ask) {
		to[2] = 0xff;
		memcpy(to + 3, target->b + 13, 3);
	}
	p = header(out, to, mac, vid, ETH_IPV6);
	memset(p, 0, IPV6_BYTES + ND_BYTES);
	p[0] = 0x60;
	put_be16(p + 4, ND_BYTES);
	p[6] = ICMPV6;
	p[7] = 255;
	memcpy(p + 8, own->b, 16);
	/* ff02::1, or the solicited-node address (RFC 4291 2.7.1) */
	p[24] = 0xff;
	p[25] = 0x02;
	p[39] = 1;
	if (ask) {
		p[35] = 1;
		p[36] = 0xff;
		memcpy(p + 37, target->b + 13, 3);
	}
	p[40] = type;
	if (!ask)
		p[44] = 0xa0; /* a router, and it overrides */
	memcpy(p + 48, target->b, 16);
	p[64] = ask ? OPT_SLL : OPT_TLL;
	p[65] = 1;
	memcpy(p + 66, mac, 6);
	put_be16(p + 42, icmpv6_sum(p, ND_BYTES));
	return (size_t)(p + IPV6_BYTES + ND_BYTES - out);
}

size_t neigh_frame_ask(uint8_t out[NEIGH_FRAME_MAX], uint16_t vid, const uint8_t mac[6],
		       const struct ip_addr *own, const struct ip_addr *who)
{
	return who->family == 4 ? arp(out, vid, ARP_REQUEST, mac, own, who)
				: nd(out, vid, ND_NS, mac, own, who);
}

/* RFC 5227 2.3: a request for the own address, which all hosts take in. */
size_t neigh_frame_announce(uint8_t out[NEIGH_FRAME_MAX], uint16_t vid, const uint8_t mac[6],
			    const struct ip_addr *own, bool router)
{
	size_t n;

	if (own->family == 4)
		return arp(out, vid, ARP_REQUEST, mac, own, own);
	n = nd(out, vid, ND_NA, mac, own, own);
	if (!router) {
		uint8_t *ip = out + n - IPV6_BYTES - ND_BYTES;

		ip[44] &= 0x7f;
		put_be16(ip + 42, 0);
		put_be16(ip + 42, icmpv6_sum(ip, ND_BYTES));
	}
	return n;
}

size_t neigh_frame_solicit(uint8_t out[NEIGH_FRAME_MAX], const uint8_t mac[6])
{
	static const uint8_t all_routers[6] = { 0x33, 0x33, 0, 0, 0, 2 };
	uint8_t *p = header(out, all_routers, mac, 0, ETH_IPV6);

	/* From ::, and so without an address of the link (RFC 4861 4.1). */
	memset(p, 0, IPV6_BYTES + RS_BYTES);
	p[0] = 0x60;
	put_be16(p + 4, RS_BYTES);
	p[6] = ICMPV6;
	p[7] = 255;
	p[24] = 0xff;
	p[25] = 0x02;
	p[39] = 2;
	p[40] = ND_RS;
	put_be16(p + 42, icmpv6_sum(p, RS_BYTES));
	return (size_t)(p + IPV6_BYTES + RS_BYTES - out);
}

size_t neigh_frame_withdraw(uint8_t out[NEIGH_FRAME_MAX], const uint8_t mac[6], bool router,
			    const struct ip_prefix *prefix, bool autonomous)
{
	static const struct ip_prefix fe80 = { { 6, { 0xfe, 0x80 } }, 64 };
	static const uint8_t all_nodes[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	const struct ip_addr own = ip_eui64(&fe80, mac);
	uint8_t *p = header(out, all_nodes, mac, 0, ETH_IPV6);

	memset(p, 0, IPV6_BYTES + RA_BYTES);
	p[0] = 0x60;
	put_be16(p + 4, RA_BYTES);
	p[6] = ICMPV6;
	p[7] = 255;
	memcpy(p + 8, own.b, 16);
	p[24] = 0xff;
	p[25] = 0x02;
	p[39] = 1;
	p[40] = ND_RA;
	put_be16(p + 46, router ? ROUTER_LIFETIME : 0);
	p[56] = OPT_SLL;
	p[57] = 1;
	memcpy(p + 58, mac, 6);
	p[64] = OPT_PREFIX;
	p[65] = 4;
	p[66] = prefix->len;
	p[67] = autonomous ? 0xc0 : 0x80;
	put_be32(p + 68, TWO_HOURS);
	memcpy(p + 80, prefix->addr.b, 16);
	put_be16(p + 42, icmpv6_sum(p, RA_BYTES));
	return (size_t)(p + IPV6_BYTES + RA_BYTES - out);
}

static bool is_station(const uint8_t mac[6])
{
	static const uint8_t none[6];

	return !(mac[0] & 1) && memcmp(mac, none, 6);
}

static bool arp_read(const uint8_t *p, size_t n, struct ip_addr *ip, uint8_t mac[6])
{
	if (n < ARP_BYTES || get_be16(p) != 1 || get_be16(p + 2) != ETH_IPV4 || p[4] != 6 ||
	    p[5] != 4 || !is_station(p + 8))
		return false;
	*ip = (struct ip_addr){ .family = 4 };
	memcpy(ip->b, p + 14, 4);
	memcpy(mac, p + 8, 6);
	return get_be32(p + 14);
}

/* RFC 4861 7.1.2: what an advertisement must be to count. */
static bool na_read(const uint8_t *p, size_t n, struct ip_addr *ip, uint8_t mac[6])
{
	size_t len;

	if (n < IPV6_BYTES + 24 || p[6] != ICMPV6 || p[7] != 255)
		return false;
	len = get_be16(p + 4);
	if (len < 24 || len % 2 || n < IPV6_BYTES + len || p[40] != ND_NA || p[41] ||
	    p[48] == 0xff || icmpv6_sum(p, len))
		return false;
	for (const uint8_t *o = p + 64, *end = p + IPV6_BYTES + len; end - o >= 8 && o[1];
	     o += 8 * o[1]) {
		if (o[0] != OPT_TLL || !is_station(o + 2))
			continue;
		*ip = (struct ip_addr){ .family = 6 };
		memcpy(ip->b, p + 48, 16);
		memcpy(mac, o + 2, 6);
		return true;
	}
	return false;
}

bool neigh_frame_read(const uint8_t *p, size_t n, struct ip_addr *ip, uint8_t mac[6])
{
	if (n < 14)
		return false;
	if (get_be16(p + 12) == ETH_ARP)
		return arp_read(p + 14, n - 14, ip, mac);
	return get_be16(p + 12) == ETH_IPV6 && na_read(p + 14, n - 14, ip, mac);
}

bool neigh_frame_dst(const uint8_t *p, size_t n, struct ip_addr *ip)
{
	bool v4 = n >= 34 && get_be16(p + 12) == ETH_IPV4;

	if (!v4 && !(n >= 54 && get_be16(p + 12) == ETH_IPV6))
		return false;
	*ip = (struct ip_addr){ .family = v4 ? 4 : 6 };
	memcpy(ip->b, p + (v4 ? 30 : 38), v4 ? 4 : 16);
	return true;
}
