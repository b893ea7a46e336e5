/* SPDX-License-Identifier: Apache-2.0 */
/* Drafts of Weft's answer actions. */
#include <string.h>

#include "controller/flowset_priv.h"

void draft_answer_echo(struct draft *d)
{
	if (!d->error)
		ADD(d, answer_echo);
}

void draft_answer_error(struct draft *d, uint8_t type, uint8_t code, const struct ip_addr *source,
			uint32_t mtu)
{
	struct of_answer_icmp_error *a = d->error ? NULL : ADD(d, answer_icmp_error);

	if (!a)
		return;
	a->type = type;
	a->code = code;
	a->mtu = mtu;
	if (source->family == 6) {
		memcpy(a->source, source->b, 16);
		return;
	}
	a->source[10] = a->source[11] = 0xff; /* ::ffff:a.b.c.d */
	memcpy(a->source + 12, source->b, 4);
}

void draft_answer_nd(struct draft *d, const uint8_t mac[6], uint8_t flags)
{
	struct of_answer_nd *a = d->error ? NULL : ADD(d, answer_nd);

	if (!a)
		return;
	memcpy(a->mac, mac, 6);
	a->flags = flags;
}
