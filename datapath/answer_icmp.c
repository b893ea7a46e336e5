/* SPDX-License-Identifier: Apache-2.0 */
/* What a router says of packets: ICMP errors (RFC 1812 4.3.2, RFC 4443 2.4), and echo replies. */
#include <string.h>

#include "datapath/answer_ip.h"
#include "datapath/csum.h"
#include "ofproto/answer.h"

enum {
	IP4_ERROR_MAX = 576, /* RFC 1812 4.3.2.3 */
	PRECEDENCE = 0xc0,   /* precedence 6 (4.3.2.5) */
	LATER = 0x1fff,
	HOPS = 64,
	ECHO4 = 8,
	ECHO4_REPLY = 0,
	ECHO6 = 128,
	ECHO6_REPLY = 129,
	REDIRECT6 = 137,
	EXTHDRS = 8,
};

/* ---- Errors ---- */

/* A query or the answer to one (RFC 792, 950, 1256): the others are errors, or may be. */
static bool is_query4(uint8_t type)
{
	return type == 0 || type == 8 || (type >= 9 && type <= 10) || (type >= 13 && type <= 18);
}

/* Whether one may be told of it. */
static bool is_mute4(const struct ask *q, const struct part *ip)
{
	const uint32_t head = (ip->p[0] & 15) * 4u;

	if (q->dst[0] & 1 || !answer_host4(ip->p + 12) || ip->p[16] >= 224 || !ip->p[16] ||
	    get_be16(ip->p + 6) & LATER)
		return true;
	return ip->p[9] == PROTO_ICMP && (ip->n == head || !is_query4(ip->p[head]));
}

static enum drop error4(const struct of_answer_icmp_error *a, const struct ask *q, struct reply *r)
{
	uint8_t *icmp = r->p + IP4_HEAD, to[4];
	struct part ip;
	uint32_t quote;

	if (!answer_ip4(q, &ip))
		return DROP_ANSWER_MALFORMED;
	if (is_mute4(q, &ip))
		return DROP_ANSWER_SILENT;
	quote = ip.n < IP4_ERROR_MAX - IP4_HEAD - ICMP_HEAD
			? ip.n
			: (uint32_t)(IP4_ERROR_MAX - IP4_HEAD - ICMP_HEAD);
	memset(icmp, 0, ICMP_HEAD);
	icmp[0] = a->type;
	icmp[1] = a->code;
	put_be16(icmp + 6, (uint16_t)a->mtu);
	memcpy(icmp + ICMP_HEAD, ip.p, quote);
	r->n = IP4_HEAD + ICMP_HEAD + quote;
	memcpy(to, ip.p + 12, 4);
	answer_to_asker(q, r, q->dst);
	answer_seal4(r, PRECEDENCE, PROTO_ICMP, a->source + 12, to);
	return N_DROPS;
}

/*
 * Whether an error is about a packet that is one, or may be: its ICMPv6 header is not to be found.
 */
static bool is_error6(const struct part *ip)
{
	uint32_t at = IP6_HEAD;
	uint8_t proto = ip->p[6];

	for (unsigned int i = 0; i < EXTHDRS; i++) {
		const bool fragment = proto == 44, auth = proto == 51;

		if (proto == PROTO_ICMPV6)
			return at >= ip->n || ip->p[at] < 128 || ip->p[at] == REDIRECT6;
		if (proto != 0 && proto != 43 && proto != 60 && !fragment && !auth)
			return false;
		if (ip->n < at + 8)
			return true;
		if (fragment && get_be16(ip->p + at + 2) & 0xfff8)
			return ip->p[at] == PROTO_ICMPV6;
		proto = ip->p[at];
		at += fragment ? 8 : auth ? (ip->p[at + 1] + 2u) * 4 : (ip->p[at + 1] + 1u) * 8;
	}
	return true;
}

/* 2.4 (e), but for its exceptions: of what is sent to many nobody here is the router. */
static bool is_mute6(const struct ask *q, const struct part *ip)
{
	return q->dst[0] & 1 || ip->p[24] == 0xff || !answer_host6(ip->p + 8) || is_error6(ip);
}

static enum drop error6(const struct of_answer_icmp_error *a, const struct ask *q, struct reply *r)
{
	uint8_t *icmp = r->p + IP6_HEAD, to[16];
	struct part ip;
	uint32_t quote;

	if (!answer_ip6(q, &ip))
		return DROP_ANSWER_MALFORMED;
	if (is_mute6(q, &ip))
		return DROP_ANSWER_SILENT;
	quote = ip.n < ANSWER_MAX - IP6_HEAD - ICMP_HEAD
			? ip.n
			: (uint32_t)(ANSWER_MAX - IP6_HEAD - ICMP_HEAD);
	memset(icmp, 0, ICMP_HEAD);
	icmp[0] = a->type;
	icmp[1] = a->code;
	put_be32(icmp + 4, a->mtu);
	memcpy(icmp + ICMP_HEAD, ip.p, quote);
	r->n = IP6_HEAD + ICMP_HEAD + quote;
	memcpy(to, ip.p + 8, 16);
	answer_to_asker(q, r, q->dst);
	answer_seal6(r, HOPS, PROTO_ICMPV6, a->source, to);
	return N_DROPS;
}

enum drop answer_icmp_error(const struct of_answer_icmp_error *a, const struct ask *q,
			    struct reply *r)
{
	return of_ip_is_v4(a->source) ? error4(a, q, r) : error6(a, q, r);
}

/* One moment: that at which all that were sent would be due at exactly the rate. */
bool answer_error_admits(uint64_t *due, uint64_t now, uint64_t hz)
{
	const uint64_t each = hz / ANSWER_ERRORS;

	if (*due < now)
		*due = now;
	if (*due - now > (ANSWER_ERRORS_BURST - 1) * each)
		return false;
	*due += each;
	return true;
}

/* ---- Echo ---- */

static void swap(uint8_t *a, uint8_t *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t was = a[i];

		a[i] = b[i];
		b[i] = was;
	}
}

/* RFC 1122 3.2.2.6 would have a route that the sender chose turned round; nobody does. */
static bool is_source_routed(const uint8_t *opts, uint32_t n)
{
	enum { END, NOP, LOOSE = 131, STRICT = 137 };

	for (uint32_t i = 0; i < n && opts[i] != END;) {
		if (opts[i] == LOOSE || opts[i] == STRICT)
			return true;
		if (opts[i] == NOP) {
			i++;
			continue;
		}
		if (n - i < 2 || opts[i + 1] < 2)
			return true;
		i += opts[i + 1];
	}
	return false;
}

/* A field of one byte at an even place, covered by the checksum at 'sum', with its neighbour. */
static void put_covered(uint8_t *at, uint8_t value, uint8_t *sum)
{
	const uint8_t was[2] = { at[0], at[1] }, is[2] = { value, at[1] };

	at[0] = value;
	csum_apply(sum, csum_delta(was, is, 2));
}

static enum drop echo4(uint8_t *ip, uint32_t n, uint32_t l4)
{
	uint8_t *icmp = ip + l4;

	if (l4 < IP4_HEAD || n < l4 + ICMP_HEAD || ip[9] != PROTO_ICMP || icmp[0] != ECHO4 ||
	    icmp[1])
		return DROP_ANSWER_MALFORMED;
	if (!answer_host4(ip + 12) || !answer_host4(ip + 16) ||
	    is_source_routed(ip + IP4_HEAD, l4 - IP4_HEAD))
		return DROP_ANSWER_SILENT;
	swap(ip + 12, ip + 16, 4);
	put_covered(ip + 8, HOPS, ip + 10);
	put_covered(icmp, ECHO4_REPLY, icmp + 2);
	return N_DROPS;
}

static enum drop echo6(uint8_t *ip, uint32_t n, uint32_t l4)
{
	uint8_t *icmp = ip + l4;

	if (n < l4 + ICMP_HEAD || l4 < IP6_HEAD || icmp[0] != ECHO6 || icmp[1])
		return DROP_ANSWER_MALFORMED;
	/* Behind extension headers: what they ask for is nobody's here. */
	if (ip[6] != PROTO_ICMPV6 || !answer_host6(ip + 8) || !answer_host6(ip + 24))
		return DROP_ANSWER_SILENT;
	swap(ip + 8, ip + 24, 16);
	ip[7] = HOPS;
	put_covered(icmp, ECHO6_REPLY, icmp + 2);
	return N_DROPS;
}

enum drop answer_echo(uint8_t *mac, uint8_t *ip, uint32_t n, uint32_t l4)
{
	enum drop why;

	if (mac[0] & 1)
		return DROP_ANSWER_SILENT;
	why = ip[0] >> 4 == 4 ? echo4(ip, n, l4) : echo6(ip, n, l4);
	if (why == N_DROPS)
		swap(mac, mac + 6, 6);
	return why;
}
