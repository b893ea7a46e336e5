/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer() as its RFCs tell it, of the kinds that take a page: neighbour discovery, echo and ICMP
 * errors.  What DHCP says its real clients judge.
 */
#include <string.h>

#include "datapath/ref_priv.h"
#include "ofproto/wire.h"

enum { TAG = 4, ERRORS = 1000, BURST = 100 };

int ref_ip_at(const struct ref_frame *f, const struct ref_look *l)
{
	int at = 12;

	while (ref_has(f, at, 2) && (ref_u16(f, at) == 0x8100 || ref_u16(f, at) == 0x88a8))
		at += TAG;
	at += 2;
	return l->ip4 == at || l->ip6 == at ? at : REF_NOWHERE;
}

/* ---- Sums, a byte pair after the other ---- */

static unsigned int sum(const struct ref_frame *f, int at, int n, unsigned int s)
{
	for (int i = 0; i < n; i++)
		s += (unsigned int)(i % 2 ? ref_u8(f, at + i) : ref_u8(f, at + i) << 8);
	return s;
}

static unsigned int fold(unsigned int s)
{
	while (s > 0xffff)
		s = s % 0x10000 + s / 0x10000;
	return s;
}

static void put16(struct ref_frame *f, int at, unsigned int v)
{
	f->b[at] = (uint8_t)(v >> 8);
	f->b[at + 1] = (uint8_t)v;
}

/* RFC 1624, equation 3, for one 16-bit word that becomes another. */
static void mend(struct ref_frame *f, int sum_at, int at, unsigned int v)
{
	const unsigned int was = (unsigned int)ref_u16(f, at);

	put16(f, sum_at, ~fold((~(unsigned int)ref_u16(f, sum_at) & 0xffff) + (~was & 0xffff) + v));
	put16(f, at, v);
}

/* ICMPv6's, with the pseudo-header of the IP header at 'ip'. */
static unsigned int sum6(const struct ref_frame *f, int ip, int n)
{
	return fold(sum(f, ip + 40, n, sum(f, ip + 8, 32, 58 + (unsigned int)n)));
}

/* ---- Who ---- */

static bool zeros(const struct ref_frame *f, int at, int n)
{
	for (int i = 0; i < n; i++)
		if (f->b[at + i])
			return false;
	return true;
}

static bool host4(const struct ref_frame *f, int at)
{
	return f->b[at] != 0 && f->b[at] != 127 && f->b[at] < 224;
}

/* Neither ::, ::1 nor a group. */
static bool host6(const struct ref_frame *f, int at)
{
	return f->b[at] != 0xff && !(zeros(f, at, 15) && f->b[at + 15] <= 1);
}

static void exchange(struct ref_frame *f, int a, int b, int n)
{
	uint8_t was[16];

	memcpy(was, f->b + a, (size_t)n);
	memcpy(f->b + a, f->b + b, (size_t)n);
	memcpy(f->b + b, was, (size_t)n);
}

/* ---- RFC 4861, 7.1.1 and 7.2.4 ---- */

/* Options of some length each, up to 'end'; whether there is one of type 1 in '*sll'. */
static bool options(const struct ref_frame *f, int at, int end, bool *sll)
{
	*sll = false;
	while (at < end) {
		if (end - at < 2 || !f->b[at + 1] || at + 8 * f->b[at + 1] > end)
			return false;
		*sll |= f->b[at] == 1;
		at += 8 * f->b[at + 1];
	}
	return true;
}

static bool solicits(const struct ref_frame *f, int ip, bool *nobody)
{
	static const uint8_t group[13] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff };
	const int n = ref_u16(f, ip + 4), ns = ip + 40;
	bool sll;

	if (f->n - (uint32_t)ip > 2048 || f->b[ip + 6] != 58 || n < 24 || !ref_has(f, ns, n))
		return false;
	*nobody = zeros(f, ip + 8, 16);
	if (f->b[ip + 7] != 255 || f->b[ns] != 135 || f->b[ns + 1] || f->b[ip + 8] == 0xff ||
	    sum6(f, ip, n) != 0xffff || f->b[ns + 8] == 0xff || !options(f, ns + 24, ns + n, &sll))
		return false;
	return !*nobody || (!sll && !memcmp(f->b + ip + 24, group, sizeof(group)));
}

static bool nd(struct ref_frame *f, int ip, const struct of_answer_nd *a)
{
	const int na = ip + 40;
	bool nobody;

	if (!solicits(f, ip, &nobody))
		return false;
	f->n = (uint32_t)na + 32;
	memcpy(f->b, nobody ? (const uint8_t[]){ 0x33, 0x33, 0, 0, 0, 1 } : f->b + 6, 6);
	memcpy(f->b + 6, a->mac, 6);
	memcpy(f->b + ip, (const uint8_t[]){ 0x60, 0, 0, 0, 0, 32, 58, 255 }, 8);
	memcpy(f->b + ip + 24, nobody ? (const uint8_t[]){ 0xff, 2, [15] = 1 } : f->b + ip + 8, 16);
	memcpy(f->b + ip + 8, f->b + na + 8, 16);
	memcpy(f->b + na, (const uint8_t[]){ 136, 0, 0, 0, 0x20, 0, 0, 0 }, 8);
	f->b[na + 4] = (uint8_t)(f->b[na + 4] + a->flags + (nobody ? 0 : 0x40));
	f->b[na + 24] = 2;
	f->b[na + 25] = 1;
	memcpy(f->b + na + 26, a->mac, 6);
	put16(f, na + 2, ~sum6(f, ip, 32));
	return true;
}

/* ---- Echo ---- */

static bool routed(const struct ref_frame *f, int at, int end)
{
	while (at < end && f->b[at]) {
		if (f->b[at] == 131 || f->b[at] == 137)
			return true;
		if (f->b[at] != 1 && (end - at < 2 || f->b[at + 1] < 2))
			return true;
		at += f->b[at] == 1 ? 1 : f->b[at + 1];
	}
	return false;
}

static bool echo(struct ref_frame *f, int ip, const struct ref_look *l)
{
	const bool v4 = f->b[ip] >> 4 == 4;
	const int src = ip + (v4 ? 12 : 8), n = v4 ? 4 : 16, icmp = l->l4;

	if (f->b[0] & 1 || l->frag || icmp < 0 || !ref_has(f, icmp, 8) ||
	    f->b[ip + (v4 ? 9 : 6)] != (v4 ? 1 : 58) || f->b[icmp] != (v4 ? 8 : 128) ||
	    f->b[icmp + 1])
		return false;
	if (v4 ? !host4(f, src) || !host4(f, src + n) || routed(f, ip + 20, icmp)
	       : !host6(f, src) || !host6(f, src + n))
		return false;
	exchange(f, 0, 6, 6);
	exchange(f, src, src + n, n);
	if (v4)
		mend(f, ip + 10, ip + 8, 64 << 8 | f->b[ip + 9]);
	else
		f->b[ip + 7] = 64;
	mend(f, icmp + 2, icmp, v4 ? 0 : 129 << 8);
	return true;
}

/* ---- RFC 1812 4.3.2, RFC 4443 2.4 ---- */

/* Turns the frame into one with 'head' and a quotation behind it, of IP and ICMP headers. */
static void quote(struct ref_frame *f, int ip, const uint8_t *head, int n_head, int total, int most)
{
	const int n = total < most - n_head ? total : most - n_head;

	exchange(f, 0, 6, 6);
	memmove(f->b + ip + n_head, f->b + ip, (size_t)n);
	memcpy(f->b + ip, head, (size_t)n_head);
	f->n = (uint32_t)(ip + n_head + n);
}

static bool error4(struct ref_frame *f, int ip, const struct of_answer_icmp_error *a)
{
	const int ihl = (f->b[ip] & 15) * 4, total = ref_u16(f, ip + 2);
	uint8_t head[28] = { 0x45, 0xc0, 0, 0, 0, 0, 0x40, 0, 64, 1 };

	if (ihl < 20 || total < ihl || !ref_has(f, ip, total) || fold(sum(f, ip, ihl, 0)) != 0xffff)
		return false;
	if (f->b[0] & 1 || !host4(f, ip + 12) || f->b[ip + 16] >= 224 || !f->b[ip + 16] ||
	    ref_u16(f, ip + 6) % 0x2000)
		return false;
	/* Of ICMP only what asks for something or answers that. */
	if (f->b[ip + 9] == 1 &&
	    (total == ihl || !strchr("\10\11\12\15\16\17\20\21\22", f->b[ip + ihl] ?: 8)))
		return false;
	memcpy(head + 12, a->source + 12, 4);
	memcpy(head + 16, f->b + ip + 12, 4);
	head[20] = a->type;
	head[21] = a->code;
	head[26] = (uint8_t)(a->mtu >> 8);
	head[27] = (uint8_t)a->mtu;
	quote(f, ip, head, 28, total, 576);
	put16(f, ip + 2, f->n - (unsigned int)ip);
	put16(f, ip + 10, ~fold(sum(f, ip, 20, 0)));
	put16(f, ip + 22, ~fold(sum(f, ip + 20, (int)f->n - ip - 20, 0)));
	return true;
}

/* The header that is no extension header's; false: not to be found, or it is an error. */
static bool no_error6(const struct ref_frame *f, int ip, int end)
{
	int next = ip + 6, at = ip + 40;

	for (int i = 0; i < 8; i++) {
		const int proto = f->b[next];

		if (proto == 58)
			return at < end && f->b[at] >= 128 && f->b[at] != 137;
		if (proto != 0 && proto != 43 && proto != 44 && proto != 51 && proto != 60)
			return true;
		if (end < at + 8)
			return false;
		if (proto == 44 && ref_u16(f, at + 2) / 8)
			return f->b[at] != 58;
		next = at;
		at += proto == 44 ? 8
				  : (f->b[at + 1] + (proto == 51 ? 2 : 1)) * (proto == 51 ? 4 : 8);
	}
	return false;
}

static bool error6(struct ref_frame *f, int ip, const struct of_answer_icmp_error *a)
{
	const int total = 40 + ref_u16(f, ip + 4);
	uint8_t head[48] = { 0x60, 0, 0, 0, 0, 0, 58, 64 };

	if (!ref_has(f, ip, total) || f->b[0] & 1 || f->b[ip + 24] == 0xff || !host6(f, ip + 8) ||
	    !no_error6(f, ip, ip + total))
		return false;
	memcpy(head + 8, a->source, 16);
	memcpy(head + 24, f->b + ip + 8, 16);
	head[40] = a->type;
	head[41] = a->code;
	for (int i = 0; i < 4; i++)
		head[44 + i] = (uint8_t)(a->mtu >> (24 - 8 * i));
	quote(f, ip, head, 48, total, 1280);
	put16(f, ip + 4, f->n - (unsigned int)ip - 40);
	put16(f, ip + 42, ~sum6(f, ip, (int)f->n - ip - 40));
	return true;
}

static bool error(struct ref *r, struct ref_frame *f, int ip, const struct of_answer_icmp_error *a)
{
	const bool v4 = a->source[10] == 0xff && a->source[11] == 0xff && !a->source[0];
	struct ref_frame was = *f;
	const uint64_t each = r->hz / ERRORS;

	if (f->b[ip] >> 4 != (v4 ? 4 : 6) || !(v4 ? error4(f, ip, a) : error6(f, ip, a)))
		return false;
	/* A bucket of so many, in cycles. */
	r->errors += r->cycles - r->errors_at;
	r->errors_at = r->cycles;
	if (r->errors > BURST * each)
		r->errors = BURST * each;
	if (r->errors < each) {
		*f = was;
		return false;
	}
	r->errors -= each;
	return true;
}

void ref_answer(struct ref_run *x, const struct of_any *a)
{
	struct ref_look l;
	bool good = false;
	int ip;

	ref_look(&x->f, &l);
	ip = ref_ip_at(&x->f, &l);
	if (ip != REF_NOWHERE && a->kind == OF_KIND_answer_echo)
		good = echo(&x->f, ip, &l);
	else if (ip != REF_NOWHERE && a->kind == OF_KIND_answer_icmp_error)
		good = error(x->r, &x->f, ip, (const void *)a);
	else if (l.ip6 == ip && a->kind == OF_KIND_answer_nd)
		good = nd(&x->f, ip, (const void *)a);
	if (a->kind != OF_KIND_answer_echo)
		x->f.fit = 0;
	if (good)
		ref_ct_clear(x);
	else
		x->over = true;
}
