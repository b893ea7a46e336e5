/* SPDX-License-Identifier: Apache-2.0 */
/* Router solicitations answered by an advertisement to who asks (RFC 4861, 6.2.6). */
#include <string.h>

#include "datapath/answer_ip.h"
#include "ofproto/answer.h"

enum { RS = 133, RA = 134, RS_HEAD = 8, RA_HEAD = 16, HOPS = 255, SLL_SIZE = 8 };

enum drop answer_ra(const struct of_answer_ra *a, const struct ask *q, struct reply *r)
{
	const uint8_t *src = q->p + 8;
	uint8_t *ra = r->p + IP6_HEAD;
	struct part rs;
	bool nobody;

	if (!answer_nd_message(q, RS, RS_HEAD, &rs))
		return DROP_ANSWER_MALFORMED;
	nobody = answer_is_zero(src, 16);
	if (nobody && answer_nd_has(&rs, RS_HEAD, ND_SLL))
		return DROP_ANSWER_MALFORMED;
	memset(ra, 0, RA_HEAD);
	ra[0] = RA;
	ra[4] = a->hop_limit;
	ra[5] = a->flags;
	put_be16(ra + 6, a->lifetime);
	put_be32(ra + 8, a->reachable);
	put_be32(ra + 12, a->retrans);
	ra += RA_HEAD;
	ra[0] = ND_SLL;
	ra[1] = 1;
	memcpy(ra + 2, a->mac, 6);
	if (a->options.n)
		memcpy(ra + SLL_SIZE, a->options.p, a->options.n);
	r->n = IP6_HEAD + RA_HEAD + SLL_SIZE + a->options.n;
	if (nobody)
		answer_to_all_nodes(r, a->mac);
	else
		answer_to_asker(q, r, a->mac);
	answer_seal6(r, HOPS, PROTO_ICMPV6, a->source, nobody ? answer_all_nodes : src);
	return N_DROPS;
}
