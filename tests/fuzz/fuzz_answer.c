/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer() of any body on any packet: nothing is read past the packet, nothing written past the
 * answer; and what is answered is sound: lengths that agree, and checksums that are right.
 *
 *	kind, length of the body, the body as the action has it on the wire, two MACs, the packet
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/byteorder.h"
#include "datapath/answer.h"
#include "ofproto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = 6, BODY_MAX = 1200, MACS = 12, IP4 = 20, IP6 = 40 };

#define SAYS(cond)                                      \
	do {                                            \
		if (!(cond)) {                          \
			fprintf(stderr, "%s\n", #cond); \
			abort();                        \
		}                                       \
	} while (0)

static uint32_t add(const uint8_t *p, uint32_t n, uint32_t sum)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The answer as whoever gets it looks at it. */
static void judge(const struct reply *r)
{
	const bool v4 = r->p[0] >> 4 == 4;
	const uint32_t head = v4 ? IP4 : IP6;
	const uint8_t proto = r->p[v4 ? 9 : 6];
	uint32_t pseudo = 0;

	SAYS(r->n <= ANSWER_MAX && r->n > head + 8);
	SAYS(v4 ? get_be16(r->p + 2) == r->n : get_be16(r->p + 4) + 40u == r->n);
	SAYS(!v4 || add(r->p, IP4, 0) == 0xffff);
	SAYS(proto == 17 || proto == (v4 ? 1 : 58));
	SAYS(proto != 17 || get_be16(r->p + head + 4) == r->n - head);
	if (proto != 1)
		pseudo = add(v4 ? r->p + 12 : r->p + 8, v4 ? 8 : 32, proto + r->n - head);
	SAYS(add(r->p + head, r->n - head, pseudo) == 0xffff);
	SAYS(!(r->src[0] & 1));
}

static void run(const struct of_any *a, struct ask *q, uint8_t *ip)
{
	struct reply *r = malloc(sizeof(*r));
	enum drop why = N_DROPS;

	if (!r)
		return;
	switch (a->kind) {
	case OF_KIND_answer_dhcp:
		why = answer_dhcp((const void *)a, q, r);
		break;
	case OF_KIND_answer_dhcpv6:
		why = answer_dhcpv6((const void *)a, q, r);
		break;
	case OF_KIND_answer_ra:
		why = answer_ra((const void *)a, q, r);
		break;
	case OF_KIND_answer_nd:
		why = answer_nd((const void *)a, q, r);
		break;
	case OF_KIND_answer_icmp_error:
		why = answer_icmp_error((const void *)a, q, r);
		break;
	default: {
		uint8_t mac[MACS] = { 0 };

		/* The parser says where ICMP begins, within the packet. */
		for (uint32_t l4 = IP4; l4 <= q->n && l4 <= 60; l4 += 4)
			(void)answer_echo(mac, ip, q->n, l4);
		free(r);
		return;
	}
	}
	if (why == N_DROPS)
		judge(r);
	else
		SAYS(why >= DROP_ANSWER_MALFORMED && why <= DROP_ANSWER_ROOM);
	free(r);
}

/* The action, decoded as from a controller; NULL: it is refused. */
static const struct of_any *body(struct arena *a, uint8_t kind, const uint8_t *p, uint32_t n)
{
	static uint8_t wire[BODY_MAX + 16];
	struct of_list l;
	struct of_err e;
	const uint32_t len = (10 + n + 7) / 8 * 8;

	memset(wire, 0, sizeof(wire));
	put_be16(wire, 0xffff);
	put_be16(wire + 2, (uint16_t)len);
	put_be32(wire + 4, OF_WEFT_ID);
	put_be16(wire + 8, kind);
	memcpy(wire + 10, p, n);
	if (of_decode_list("action", wire, len, a, &l, &e) || l.n != 1)
		return NULL;
	return l.v[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct of_any *a;
	struct arena arena;
	struct ask q = { 0 };
	uint8_t *ip, *wire;
	uint32_t n;

	if (size < 3 + MACS)
		return 0;
	n = get_be16(data + 1) % BODY_MAX;
	if (size < 3 + MACS + n)
		return 0;
	arena_init(&arena, 0);
	wire = malloc(n + 1);
	q.n = q.n_whole = (uint32_t)size - 3 - MACS - n;
	ip = malloc(q.n ? q.n : 1); /* of their own size, for AddressSanitizer */
	if (wire && ip) {
		memcpy(wire, data + 3, n);
		a = body(&arena, (uint8_t)(1 + data[0] % KINDS), wire, n);
		memcpy(q.dst, data + 3 + n, 6);
		memcpy(q.src, data + 3 + n + 6, 6);
		memcpy(ip, data + 3 + n + MACS, q.n);
		q.p = ip;
		if (a)
			run(a, &q, ip);
	}
	free(wire);
	free(ip);
	arena_fini(&arena);
	return 0;
}
