/* SPDX-License-Identifier: Apache-2.0 */
#include "vxlan/toobig.h"

#include <netinet/in.h>

#include "vlan/tag.h"
#include "vxlan/csum.h"

enum {
	ETH_HLEN = 14,
	IPV4_HLEN = 20,
	IPV6_HLEN = 40,
	ICMP_HLEN = 8,
	FRAG_HLEN = 8,
	ETH_IPV4 = 0x0800,
	ETH_IPV6 = 0x86dd,
	IPV4_DF = 0x4000,
	IPV4_MF = 0x2000,
	IPV4_OFFSET = 0x1fff,
	IPV4_ANSWER = 576,  /* RFC 1812, 4.3.2.3: as much as fits without exceeding this */
	IPV6_ANSWER = 1280, /* RFC 4443, 2.4 c: ... the minimum MTU */
	ICMP_UNREACH = 3,
	ICMP_FRAG_NEEDED = 4,
	ICMP6_TOO_BIG = 2,
	ANSWER_TTL = 64,
	TAGS_MAX = 2,
	FRAG_UNIT = 8,
};

static size_t smallest(size_t a, size_t b, size_t c)
{
	a = b < a ? b : a;
	return c < a ? c : a;
}

/* Where the IP header is and what stands before it. */
struct l3 {
	uint32_t off;
	uint16_t type;
};

static struct l3 l3_of(const uint8_t *frame, size_t n)
{
	struct l3 l = { ETH_HLEN, 0 };

	if (n < ETH_HLEN)
		return l;
	l.type = get_be16(frame + 12);
	for (int i = 0; i < TAGS_MAX && vlan_is_tpid(l.type) && l.off + VLAN_HLEN <= n; i++) {
		l.off += VLAN_HLEN;
		l.type = get_be16(frame + l.off - 2);
	}
	return l;
}

/* Whether the IPv4 header at 'ip' is whole and consistent; 'n' bytes are there. */
static bool ipv4_ok(const uint8_t *ip, size_t n)
{
	uint32_t hlen;

	if (n < IPV4_HLEN || ip[0] >> 4 != 4)
		return false;
	hlen = (ip[0] & 15u) * 4;
	return hlen >= IPV4_HLEN && hlen <= n && get_be16(ip + 2) >= hlen &&
	       vxlan_csum_fold(vxlan_csum_add(0, ip, hlen)) == 0xffff;
}

/* ---- The answer ---- */

/* Sender and receiver are single hosts (RFC 1812, 4.3.2.7). */
static bool ipv4_answerable(const uint8_t *ip, size_t n)
{
	uint32_t hlen = (ip[0] & 15u) * 4;
	uint32_t src = get_be32(ip + 12), dst = get_be32(ip + 16);

	if (src >> 28 >= 14 || dst >> 28 >= 14 || src >> 24 == 0 || src >> 24 == 127)
		return false; /* multicast, reserved, broadcast; this network; loopback */
	if (get_be16(ip + 6) & IPV4_OFFSET)
		return false;
	if (ip[9] == IPPROTO_ICMP) {
		/* Only queries may be answered by errors: echo, timestamp, information, mask. */
		uint8_t type = n > hlen ? ip[hlen] : 3;

		return type == 0 || type == 8 || (type >= 13 && type <= 18);
	}
	return true;
}

static size_t answer_ipv4(const uint8_t *ip, size_t n, uint16_t mtu, uint8_t *out)
{
	size_t quote = smallest(n, get_be16(ip + 2), IPV4_ANSWER - IPV4_HLEN - ICMP_HLEN);
	size_t len = IPV4_HLEN + ICMP_HLEN + quote;
	uint8_t *icmp = out + IPV4_HLEN;
	uint16_t csum;

	memset(out, 0, IPV4_HLEN + ICMP_HLEN);
	out[0] = 0x45;
	out[1] = 0xc0; /* RFC 1812, 4.3.2.5: internetwork control */
	put_be16(out + 2, (uint16_t)len);
	put_be16(out + 6, IPV4_DF);
	out[8] = ANSWER_TTL;
	out[9] = IPPROTO_ICMP;
	memcpy(out + 12, ip + 16, 4);
	memcpy(out + 16, ip + 12, 4);
	csum = vxlan_csum_of(vxlan_csum_add(0, out, IPV4_HLEN));
	memcpy(out + 10, &csum, 2);

	icmp[0] = ICMP_UNREACH;
	icmp[1] = ICMP_FRAG_NEEDED;
	put_be16(icmp + 6, mtu);
	memcpy(icmp + ICMP_HLEN, ip, quote);
	csum = vxlan_csum_of(vxlan_csum_add(0, icmp, ICMP_HLEN + quote));
	memcpy(icmp + 2, &csum, 2);
	return len;
}

/* The upper-layer protocol behind extension headers, and whether it is a later fragment. */
static int ipv6_upper(const uint8_t *ip, size_t n, size_t *at, bool *later)
{
	uint8_t next = ip[6];

	*at = IPV6_HLEN;
	*later = false;
	for (int i = 0; i < 8; i++) {
		if (*at + 8 > n)
			return -1;
		switch (next) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			next = ip[*at];
			*at += (ip[*at + 1] + 1u) * 8;
			break;
		case IPPROTO_FRAGMENT:
			*later = get_be16(ip + *at + 2) & 0xfff8;
			next = ip[*at];
			*at += FRAG_HLEN;
			break;
		default:
			return next;
		}
		if (*later)
			return next;
	}
	return -1;
}

static bool ipv6_answerable(const uint8_t *ip, size_t n)
{
	static const uint8_t nobody[16];
	size_t at;
	bool later;
	int proto;

	if (ip[8] == 0xff || ip[24] == 0xff || !memcmp(ip + 8, nobody, 16))
		return false;
	if (!memcmp(ip + 8, nobody, 15) && ip[23] == 1)
		return false; /* loopback */
	proto = ipv6_upper(ip, n, &at, &later);
	if (proto < 0 || later)
		return false;
	/* Types below 128 are errors; 137 is a redirect (RFC 4443, 2.4 e). */
	return proto != IPPROTO_ICMPV6 || (ip[at] >= 128 && ip[at] != 137);
}

static size_t answer_ipv6(const uint8_t *ip, size_t n, uint16_t mtu, uint8_t *out)
{
	size_t quote = smallest(n, (size_t)IPV6_HLEN + get_be16(ip + 4),
				IPV6_ANSWER - IPV6_HLEN - ICMP_HLEN);
	uint8_t *icmp = out + IPV6_HLEN;
	uint32_t len = (uint32_t)(ICMP_HLEN + quote);
	uint16_t csum;

	memset(out, 0, IPV6_HLEN + ICMP_HLEN);
	out[0] = 0x60;
	put_be16(out + 4, (uint16_t)len);
	out[6] = IPPROTO_ICMPV6;
	out[7] = ANSWER_TTL;
	memcpy(out + 8, ip + 24, 16);
	memcpy(out + 24, ip + 8, 16);

	icmp[0] = ICMP6_TOO_BIG;
	put_be32(icmp + 4, mtu);
	memcpy(icmp + ICMP_HLEN, ip, quote);
	csum = vxlan_csum_of(vxlan_csum_pseudo(out + 8, 32, IPPROTO_ICMPV6, len) +
			     vxlan_csum_add(0, icmp, len));
	memcpy(icmp + 2, &csum, 2);
	return IPV6_HLEN + len;
}

size_t vxlan_toobig_answer(const uint8_t *frame, size_t n, uint16_t mtu, uint8_t *out)
{
	struct l3 l = l3_of(frame, n);
	const uint8_t *ip = frame + l.off;
	size_t len = 0;

	if (n < ETH_HLEN || (frame[0] & 1) || (frame[6] & 1))
		return 0;
	n -= l.off;
	mtu -= l.off - ETH_HLEN; /* tags take their part */
	if (l.type == ETH_IPV4 && ipv4_ok(ip, n) && get_be16(ip + 6) & IPV4_DF &&
	    ipv4_answerable(ip, n))
		len = answer_ipv4(ip, n, mtu, out + l.off);
	else if (l.type == ETH_IPV6 && n >= IPV6_HLEN && ip[0] >> 4 == 6 && ipv6_answerable(ip, n))
		len = answer_ipv6(ip, n, mtu, out + l.off);
	if (!len)
		return 0;
	memcpy(out, frame + 6, 6);
	memcpy(out + 6, frame, 6);
	memcpy(out + 12, frame + 12, l.off - 12);
	return l.off + len;
}

/* ---- On packets ---- */

static bool limit_admits(struct vxlan_toobig_limit *l, uint64_t now_ms)
{
	if (now_ms / 1000 != l->ms / 1000 || !l->ms)
		l->tokens = VXLAN_TOOBIG_RATE;
	l->ms = now_ms ? now_ms : 1;
	if (!l->tokens)
		return false;
	l->tokens--;
	return true;
}

/* Puts the answer to 'm' into out->pkt[0]; false if there is none. */
static bool answer(struct vxlan_ctx *ctx, const struct rte_mbuf *m, uint16_t mtu,
		   struct vxlan_toobig_out *out)
{
	uint8_t head[VXLAN_TOOBIG_ANSWER_MAX], reply[VXLAN_TOOBIG_ANSWER_MAX];
	uint32_t n = RTE_MIN(m->pkt_len, (uint32_t)sizeof(head));
	const uint8_t *frame = rte_pktmbuf_read(m, 0, n, head);
	struct rte_mbuf *a;
	size_t len;
	char *p;

	len = frame ? vxlan_toobig_answer(frame, n, mtu, reply) : 0;
	if (!len)
		return false;
	a = rte_pktmbuf_alloc(ctx->pool);
	p = a ? rte_pktmbuf_append(a, (uint16_t)len) : NULL;
	if (!p) {
		ctx->drops[VXLAN_DROP_NO_MBUF]++;
		rte_pktmbuf_free(a);
		return false;
	}
	memcpy(p, reply, len);
	a->port = m->port;
	out->pkt[out->n++] = a;
	out->answer = true;
	return true;
}

/* Copies 'n' bytes from 'off' of 'm' to 'to'. */
static void copy_out(const struct rte_mbuf *m, uint32_t off, uint32_t n, uint8_t *to)
{
	const void *p = rte_pktmbuf_read(m, off, n, to);

	if (p != to)
		memcpy(to, p, n);
}

/* Options that go into every fragment have the high bit of their type set; in later fragments the
 * others become no-operations (RFC 791, 3.1), so that the header keeps its length. */
static void blank_options(uint8_t *ip, uint32_t hlen)
{
	for (uint32_t i = IPV4_HLEN; i < hlen;) {
		uint32_t len = ip[i] > 1 && i + 1 < hlen ? ip[i + 1] : 1;

		if (ip[i] == 0 || (ip[i] > 1 && (len < 2 || i + len > hlen)))
			return;
		if (!(ip[i] & 0x80))
			memset(ip + i, 1, len);
		i += len;
	}
}

/* One fragment: 'head' bytes of L2 and IP header from 'm', then 'n' bytes from 'off' on. */
static struct rte_mbuf *fragment(struct vxlan_ctx *ctx, const struct rte_mbuf *m, struct l3 l,
				 uint32_t hlen, uint32_t skip, uint32_t n, bool last)
{
	struct rte_mbuf *f = rte_pktmbuf_alloc(ctx->pool);
	uint8_t *p = f ? (uint8_t *)rte_pktmbuf_append(f, (uint16_t)(l.off + hlen + n)) : NULL;
	uint16_t was, csum = 0;
	uint8_t *ip;

	if (!p) {
		rte_pktmbuf_free(f);
		return NULL;
	}
	copy_out(m, 0, l.off + hlen, p);
	copy_out(m, l.off + hlen + skip, n, p + l.off + hlen);
	ip = p + l.off;
	was = get_be16(ip + 6);
	put_be16(ip + 2, (uint16_t)(hlen + n));
	put_be16(ip + 6, (uint16_t)((was & ~IPV4_OFFSET) | (last ? 0 : IPV4_MF) |
				    ((was & IPV4_OFFSET) + skip / FRAG_UNIT)));
	if (skip)
		blank_options(ip, hlen);
	memcpy(ip + 10, &csum, 2);
	csum = vxlan_csum_of(vxlan_csum_add(0, ip, hlen));
	memcpy(ip + 10, &csum, 2);
	f->port = m->port;
	return f;
}

/* Splits the IPv4 packet in 'm' into frames of at most 'room' bytes; false if it cannot be. */
static bool split(struct vxlan_ctx *ctx, const struct rte_mbuf *m, uint16_t room,
		  struct vxlan_toobig_out *out)
{
	uint8_t head[ETH_HLEN + TAGS_MAX * VLAN_HLEN + 60];
	uint32_t n = RTE_MIN(m->pkt_len, (uint32_t)sizeof(head));
	const uint8_t *p = rte_pktmbuf_read(m, 0, n, head);
	struct l3 l = l3_of(p, n);
	uint32_t hlen, left, unit;

	if (l.type != ETH_IPV4 || n < l.off || !ipv4_ok(p + l.off, n - l.off) ||
	    get_be16(p + l.off + 6) & IPV4_DF || l.off + get_be16(p + l.off + 2) > m->pkt_len)
		return false;
	hlen = (p[l.off] & 15u) * 4;
	left = get_be16(p + l.off + 2) - hlen;
	/* The last byte of the datagram must not lie beyond 65,535 (ping of death). */
	if ((get_be16(p + l.off + 6) & IPV4_OFFSET) * FRAG_UNIT + hlen + left > UINT16_MAX ||
	    room < l.off + hlen + FRAG_UNIT)
		return false;
	unit = RTE_MIN(room, rte_pktmbuf_data_room_size(ctx->pool) - RTE_PKTMBUF_HEADROOM);
	unit = (unit - l.off - hlen) & ~(FRAG_UNIT - 1u);
	for (uint32_t skip = 0; left; out->n++) {
		uint32_t here = RTE_MIN(left, unit);

		if (out->n == VXLAN_TOOBIG_FRAGS)
			return false;
		out->pkt[out->n] = fragment(ctx, m, l, hlen, skip, here, here == left);
		if (!out->pkt[out->n]) {
			ctx->drops[VXLAN_DROP_NO_MBUF]++;
			return false;
		}
		skip += here;
		left -= here;
	}
	return out->n > 0;
}

uint16_t vxlan_toobig(struct vxlan_ctx *ctx, struct vxlan_toobig_limit *limit, uint64_t now_ms,
		      struct rte_mbuf *m, uint16_t room, struct vxlan_toobig_out *out)
{
	uint64_t no_mbuf = ctx->drops[VXLAN_DROP_NO_MBUF];
	bool done;

	out->n = 0;
	out->answer = false;
	if (vxlan_complete_csum(m)) {
		ctx->drops[VXLAN_DROP_OFFLOAD]++;
		rte_pktmbuf_free(m);
		return 0;
	}
	done = split(ctx, m, room, out);
	if (!done) {
		rte_pktmbuf_free_bulk(out->pkt, out->n);
		out->n = 0;
		done = limit_admits(limit, now_ms) && answer(ctx, m, room - ETH_HLEN, out);
	}
	if (!done && ctx->drops[VXLAN_DROP_NO_MBUF] == no_mbuf)
		ctx->drops[VXLAN_DROP_TOO_BIG]++;
	rte_pktmbuf_free(m);
	return out->n;
}
