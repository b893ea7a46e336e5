/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/answer_ip.h"

#include <string.h>

#include "datapath/csum.h"

enum { TTL = 64, IP4_DF = 0x4000, IP4_FRAGMENT = 0x3fff, ND_HOPS = 255 };

const uint8_t answer_all_nodes[16] = { 0xff, 2, [15] = 1 };

bool answer_is_zero(const uint8_t *p, uint32_t n)
{
	while (n && !p[n - 1])
		n--;
	return !n;
}

bool answer_host4(const uint8_t ip[4])
{
	return ip[0] && ip[0] != 127 && ip[0] < 224;
}

bool answer_host6(const uint8_t ip[16])
{
	return ip[0] != 0xff && !(answer_is_zero(ip, 15) && ip[15] < 2);
}

/* ---- Sums ---- */

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* With the pseudo-header, of 'ip'; 0xffff: the checksum in it is right. */
static uint16_t sum_l4(const uint8_t *ip, uint8_t proto, const uint8_t *l4, uint32_t n)
{
	const bool v4 = ip[0] >> 4 == 4;
	const uint16_t tail[2] = { htobe16(proto), htobe16((uint16_t)n) };
	uint64_t sum = csum_sum(l4, n);

	if (proto != PROTO_ICMP)
		sum += (uint64_t)csum_sum(v4 ? ip + 12 : ip + 8, v4 ? 8 : 32) + tail[0] + tail[1];
	return fold(sum);
}

/* Over what is at 'l4', where a zero is. */
static void put_sum(uint8_t *at, const uint8_t *ip, uint8_t proto, const uint8_t *l4, uint32_t n)
{
	uint16_t sum = (uint16_t)~sum_l4(ip, proto, l4, n);

	if (!sum && proto == PROTO_UDP)
		sum = 0xffff;
	memcpy(at, &sum, 2);
}

/* ---- What came ---- */

bool answer_ip4(const struct ask *q, struct part *ip)
{
	uint32_t head, total;

	if (q->n < IP4_HEAD || q->p[0] >> 4 != 4)
		return false;
	head = (q->p[0] & 15) * 4u;
	total = get_be16(q->p + 2);
	if (head < IP4_HEAD || head > q->n || total < head || total > q->n_whole)
		return false;
	*ip = (struct part){ q->p, total < q->n ? total : q->n };
	return fold(csum_sum(q->p, head)) == 0xffff;
}

bool answer_ip6(const struct ask *q, struct part *ip)
{
	uint32_t total;

	if (q->n < IP6_HEAD || q->p[0] >> 4 != 6)
		return false;
	total = IP6_HEAD + get_be16(q->p + 4);
	if (total > q->n_whole)
		return false;
	*ip = (struct part){ q->p, total < q->n ? total : q->n };
	return true;
}

bool answer_udp(const struct ask *q, bool v6, uint16_t port, struct part *data)
{
	struct part ip;
	const uint8_t *u;
	uint32_t head, n;

	if (q->n < q->n_whole || !(v6 ? answer_ip6(q, &ip) : answer_ip4(q, &ip)))
		return false;
	if (v6 ? ip.p[6] != PROTO_UDP : ip.p[9] != PROTO_UDP || get_be16(ip.p + 6) & IP4_FRAGMENT)
		return false;
	head = v6 ? (uint32_t)IP6_HEAD : (ip.p[0] & 15) * 4u;
	if (ip.n - head < UDP_HEAD)
		return false;
	u = ip.p + head;
	n = get_be16(u + 4);
	if (get_be16(u + 2) != port || n < UDP_HEAD || n > ip.n - head)
		return false;
	*data = (struct part){ u + UDP_HEAD, n - UDP_HEAD };
	if (!v6 && !get_be16(u + 6))
		return true;
	return get_be16(u + 6) && sum_l4(ip.p, PROTO_UDP, u, n) == 0xffff;
}

static bool nd_options_fit(const struct part *icmp, uint32_t at)
{
	while (at < icmp->n) {
		const uint32_t left = icmp->n - at, n = left < 2 ? 0 : 8u * icmp->p[at + 1];

		if (!n || n > left)
			return false;
		at += n;
	}
	return true;
}

bool answer_nd_has(const struct part *icmp, uint32_t at, uint8_t type)
{
	while (at < icmp->n && icmp->p[at] != type)
		at += 8u * icmp->p[at + 1];
	return at < icmp->n;
}

bool answer_nd_message(const struct ask *q, uint8_t type, uint32_t least, struct part *icmp)
{
	struct part ip;

	if (q->n < q->n_whole || !answer_ip6(q, &ip))
		return false;
	*icmp = (struct part){ ip.p + IP6_HEAD, ip.n - IP6_HEAD };
	if (ip.p[6] != PROTO_ICMPV6 || ip.p[7] != ND_HOPS || ip.p[8] == 0xff || icmp->n < least)
		return false;
	return icmp->p[0] == type && !icmp->p[1] &&
	       sum_l4(ip.p, PROTO_ICMPV6, icmp->p, icmp->n) == 0xffff &&
	       nd_options_fit(icmp, least);
}

/* ---- What goes ---- */

void answer_udp_head(struct reply *r, uint32_t at, uint16_t from, uint16_t to)
{
	put_be16(r->p + at, from);
	put_be16(r->p + at + 2, to);
	put_be16(r->p + at + 4, (uint16_t)(r->n - at));
	put_be16(r->p + at + 6, 0);
}

static void seal_l4(struct reply *r, uint32_t head, uint8_t proto)
{
	uint8_t *l4 = r->p + head;

	put_sum(l4 + (proto == PROTO_UDP ? 6 : 2), r->p, proto, l4, r->n - head);
}

/* Never a fragment, and so without an identification (RFC 6864). */
void answer_seal4(struct reply *r, uint8_t tos, uint8_t proto, const uint8_t src[4],
		  const uint8_t dst[4])
{
	uint16_t sum;

	memset(r->p, 0, IP4_HEAD);
	r->p[0] = 0x45;
	r->p[1] = tos;
	put_be16(r->p + 2, (uint16_t)r->n);
	put_be16(r->p + 6, IP4_DF);
	r->p[8] = TTL;
	r->p[9] = proto;
	memcpy(r->p + 12, src, 4);
	memcpy(r->p + 16, dst, 4);
	sum = (uint16_t)~fold(csum_sum(r->p, IP4_HEAD));
	memcpy(r->p + 10, &sum, 2);
	seal_l4(r, IP4_HEAD, proto);
}

void answer_seal6(struct reply *r, uint8_t hop_limit, uint8_t proto, const uint8_t src[16],
		  const uint8_t dst[16])
{
	put_be32(r->p, 0x60000000);
	put_be16(r->p + 4, (uint16_t)(r->n - IP6_HEAD));
	r->p[6] = proto;
	r->p[7] = hop_limit;
	memcpy(r->p + 8, src, 16);
	memcpy(r->p + 24, dst, 16);
	seal_l4(r, IP6_HEAD, proto);
}

void answer_to_asker(const struct ask *q, struct reply *r, const uint8_t from[6])
{
	memcpy(r->dst, q->src, 6);
	memcpy(r->src, from, 6);
}

void answer_to_all_nodes(struct reply *r, const uint8_t from[6])
{
	memcpy(r->dst, (const uint8_t[]){ 0x33, 0x33, 0, 0, 0, 1 }, 6);
	memcpy(r->src, from, 6);
}
