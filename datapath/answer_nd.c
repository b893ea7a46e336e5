/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbour solicitations answered (RFC 4861, 7.2). */
#include <string.h>

#include "datapath/answer_ip.h"
#include "ofproto/answer.h"

enum {
	NS = 135,
	NA = 136,
	NS_HEAD = 24, /* with the target */
	TARGET = 8,
	SOLICITED = 0x40,
	OVERRIDE = 0x20,
	HOPS = 255,
	TLL_SIZE = 8,
};

/* ff02::1:ffXX:XXXX, where only who asks for itself may be nobody (7.1.1). */
static bool is_solicited_node(const uint8_t ip[16])
{
	static const uint8_t prefix[13] = { 0xff, 2, [11] = 1, [12] = 0xff };

	return !memcmp(ip, prefix, sizeof(prefix));
}

enum drop answer_nd(const struct of_answer_nd *a, const struct ask *q, struct reply *r)
{
	const uint8_t *src = q->p + 8;
	uint8_t *na = r->p + IP6_HEAD, target[16];
	struct part ns;
	bool nobody;

	if (!answer_nd_message(q, NS, NS_HEAD, &ns) || ns.p[TARGET] == 0xff)
		return DROP_ANSWER_MALFORMED;
	nobody = answer_is_zero(src, 16);
	if (nobody && (!is_solicited_node(q->p + 24) || answer_nd_has(&ns, NS_HEAD, ND_SLL)))
		return DROP_ANSWER_MALFORMED;
	memcpy(target, ns.p + TARGET, 16);
	memset(na, 0, NS_HEAD);
	na[0] = NA;
	na[4] = (uint8_t)(a->flags | OVERRIDE | (nobody ? 0 : SOLICITED));
	memcpy(na + TARGET, target, 16);
	na[NS_HEAD] = ND_TLL;
	na[NS_HEAD + 1] = 1;
	memcpy(na + NS_HEAD + 2, a->mac, 6);
	r->n = IP6_HEAD + NS_HEAD + TLL_SIZE;
	/* 7.2.4: who has no address yet is told with all the others. */
	if (nobody)
		answer_to_all_nodes(r, a->mac);
	else
		answer_to_asker(q, r, a->mac);
	answer_seal6(r, HOPS, PROTO_ICMPV6, target, nobody ? answer_all_nodes : src);
	return N_DROPS;
}
