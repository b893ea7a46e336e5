/* SPDX-License-Identifier: Apache-2.0 */
/* Random answer() actions: options that have words, those that nearly have, and any; part of
 * text_nx.c. */
#ifndef TESTS_TEXT_NX_ANSWER_H
#define TESTS_TEXT_NX_ANSWER_H

#include "base/byteorder.h"
#include "ofproto/answer.h"

static void noise(void *p, size_t n)
{
	uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		b[i] = below(3) ? (uint8_t)rnd() : 0;
}

/* Behind code and length: numbers, names and prefixes, or anything. */
static uint32_t option_value(uint8_t *v)
{
	static const struct {
		uint32_t n;
		const char *v;
	} some[] = {
		{ 4, "\12\0\0\1" },
		{ 8, "\12\0\0\1\1\1\1\1" },
		{ 11, "example.org" },
		{ 13, "\7example\3org" }, /* with its end */
		{ 7, "\20\12\11\12\0\0\2" },
		{ 5, "\0\12\0\0\1" },
		{ 16, "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1" },
		{ 2, "\5\252" },
	};
	const unsigned int i = below(12);
	uint32_t n = below(20);

	if (i < sizeof(some) / sizeof(some[0])) {
		memcpy(v, some[i].v, some[i].n);
		return some[i].n;
	}
	noise(v, n);
	return n;
}

/* 6 bytes in front of what lives for a time, 14 of a prefix; to a multiple of 8 with its head. */
static uint32_t nd_value(uint8_t code, uint8_t *v)
{
	uint32_t n = 6;

	noise(v, 40);
	if (below(3))
		v[0] = v[1] = 0;
	if (code == ND_PREFIX) {
		v[0] = (uint8_t)below(129);
		v[1] &= 0xc0;
		if (below(3)) {
			memset(v + 10, 0, 20);
			v[0] |= 0x40;
			v[0] = v[0] > 128 ? 64 : v[0];
		}
		return 30;
	}
	if (code == ND_RDNSS)
		return 6 + 16 * (1 + below(2));
	if (code == ND_DNSSL) {
		memcpy(v + 6, "\7example\3org\0\1a\0", 16);
		return below(2) ? 22 : 30;
	}
	return code == ND_MTU || below(2) ? n : n + 8;
}

static struct of_span random_options(enum of_opt_form form, uint32_t fixed)
{
	static const uint8_t codes[][8] = {
		{ DHCP_ROUTER, DHCP_DNS, DHCP_DOMAIN, DHCP_MTU, DHCP_T1, DHCP_ROUTES, DHCP_BOOTFILE,
		  200 },
		{ DHCPV6_DNS, DHCPV6_DNS, DHCPV6_DOMAIN, DHCPV6_DOMAIN, 7, 59, 88, 200 },
		{ ND_PREFIX, ND_MTU, ND_RDNSS, ND_DNSSL, ND_PREFIX, ND_RDNSS, 24, 200 },
	};
	uint8_t *p = arena_get(&arena, OF_OPTS_MAX), v[64];
	uint32_t n = 0, len;

	memset(p, 0, OF_OPTS_MAX);
	for (unsigned int k = below(5); k; k--) {
		const uint8_t code = codes[form][below(8)];
		const uint32_t size = form == OF_OPT_ND ? nd_value(code, v) : option_value(v);
		const uint32_t head = form == OF_OPT_DHCPV6 ? 4 : 2;

		if (form == OF_OPT_DHCPV6) {
			put_be16(p + n, code);
			put_be16(p + n + 2, (uint16_t)size);
		} else {
			p[n] = code;
			p[n + 1] = (uint8_t)(form == OF_OPT_ND ? (size + 2) / 8 : size);
		}
		memcpy(p + n + head, v, size);
		n += head + size;
	}
	len = (fixed + n + 7) / 8 * 8 - fixed;
	return (struct of_span){ len, len ? p : NULL };
}

static struct of_any *a_dhcp(void)
{
	struct of_answer_dhcp *a = OF_NEW(&arena, answer_dhcp);

	*a = (struct of_answer_dhcp){ .kind = a->kind,
				      .server_mac = { 2, 0, 0, 0, 0, 1 },
				      .address = { 10, 0, 0, (uint8_t)rnd() },
				      .server = { 10, 0, 0, 1 },
				      .lease = below(2) ? 86400 : 1 + below(99999),
				      .prefix_len = (uint8_t)below(33) };
	if (below(2))
		a->next_server[0] = 10;
	a->options = random_options(OF_OPT_DHCP, 36);
	return (struct of_any *)a;
}

static struct of_any *a_dhcpv6(void)
{
	struct of_answer_dhcpv6 *a = OF_NEW(&arena, answer_dhcpv6);

	memcpy(a->server_mac, (const uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 6);
	a->server[0] = 0xfe;
	a->server[1] = 0x80;
	if (below(3)) {
		a->address[0] = 0x20;
		a->address[15] = (uint8_t)rnd();
		a->valid = below(2) ? 7200 : 1 + below(9999);
		a->preferred = a->valid == 7200 ? 3600 : below(a->valid);
	}
	a->options = random_options(OF_OPT_DHCPV6, 56);
	return (struct of_any *)a;
}

static struct of_any *a_ra(void)
{
	static const uint8_t flags[] = { 0, 0x80, 0x40, 0xc0, 0x08, 0x18, 0x98 };
	struct of_answer_ra *a = OF_NEW(&arena, answer_ra);

	memcpy(a->mac, (const uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 6);
	a->source[0] = 0xfe;
	a->source[1] = 0x80;
	a->hop_limit = below(2) ? 64 : (uint8_t)rnd();
	a->flags = flags[below(sizeof(flags))];
	a->lifetime = below(2) ? 1800 : (uint16_t)rnd();
	a->reachable = below(2) * below(3600000);
	a->retrans = below(2) * (uint32_t)rnd();
	a->options = random_options(OF_OPT_ND, 48);
	return (struct of_any *)a;
}

static struct of_any *a_answer(void)
{
	struct of_answer_nd *nd = OF_NEW(&arena, answer_nd);
	struct of_answer_icmp_error *e = OF_NEW(&arena, answer_icmp_error);

	switch (below(6)) {
	case 0:
		return a_dhcp();
	case 1:
		return a_dhcpv6();
	case 2:
		return a_ra();
	case 3:
		memcpy(nd->mac, (const uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 6);
		nd->flags = below(2) ? WEFT_NA_ROUTER : 0;
		return (struct of_any *)nd;
	case 4:
		e->type = 3;
		e->code = (uint8_t)(below(2) ? 1 : 4);
		e->mtu = e->code == 4 ? 68 + below(1500) : 0;
		memcpy(e->source, (const uint8_t[]){ [10] = 0xff, 0xff, 10, 0, 0, 1 }, 16);
		return (struct of_any *)e;
	default:
		return (struct of_any *)OF_NEW(&arena, answer_echo);
	}
}

#endif
