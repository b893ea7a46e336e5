/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes made what Weft's answer actions may say; part of ofproto_random.c. */
#ifndef TESTS_OFPROTO_RANDOM_ANSWER_H
#define TESTS_OFPROTO_RANDOM_ANSWER_H

#include <string.h>

#include "ofproto/answer.h"

static unsigned int below(unsigned int n);
static struct arena arena;

/* Options: some of a code that is nobody's own. */
static void legal_opts(struct of_span *s, uint32_t fixed, const uint8_t *one, uint32_t size)
{
	const uint32_t n = below(5), len = (fixed + n * size + 7) / 8 * 8 - fixed;
	uint8_t *p = arena_get(&arena, len + 1);

	memset(p, 0, len);
	for (uint32_t i = 0; i < n; i++)
		memcpy(p + i * size, one, size);
	*s = (struct of_span){ len, len ? p : NULL };
}

static void legal_station(uint8_t mac[6])
{
	mac[0] = 2;
}

/* Weft's answer. */
static void legal_answer(struct of_any *s)
{
	static const uint8_t link_local[16] = { 0xfe, 0x80, [15] = 1 };
	struct of_answer_dhcp *d = (void *)s;
	struct of_answer_dhcpv6 *d6 = (void *)s;
	struct of_answer_ra *ra = (void *)s;
	struct of_answer_nd *nd = (void *)s;
	struct of_answer_icmp_error *e = (void *)s;

	switch (s->kind) {
	case OF_KIND_answer_dhcp:
		legal_station(d->server_mac);
		d->address[0] = d->server[0] = 10;
		d->prefix_len %= 33;
		d->lease |= 1;
		legal_opts(&d->options, 36, (const uint8_t[]){ 200, 3, 1, 2, 3 }, 5);
		break;
	case OF_KIND_answer_dhcpv6:
		legal_station(d6->server_mac);
		d6->server[0] = d6->address[0] = 0x20;
		d6->valid |= 1;
		d6->preferred %= d6->valid;
		legal_opts(&d6->options, 56, (const uint8_t[]){ 0, 23, 0, 3, 1, 2, 3 }, 7);
		break;
	case OF_KIND_answer_ra:
		legal_station(ra->mac);
		memcpy(ra->source, link_local, 16);
		ra->flags &= 0xc8;
		ra->reachable %= 3600001;
		legal_opts(&ra->options, 48, (const uint8_t[]){ 5, 1, 0, 0, 0, 0, 5, 0 }, 8);
		break;
	case OF_KIND_answer_nd:
		legal_station(nd->mac);
		nd->flags &= 0x80;
		break;
	case OF_KIND_answer_icmp_error:
		e->source[0] = 0x20;
		e->type = 3;
		e->code &= 1;
		e->mtu = 0;
		break;
	default:
		break;
	}
}

#endif
