/* SPDX-License-Identifier: Apache-2.0 */
/* Drafts of Weft's answer actions. */
#include <errno.h>
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

/* Into the arena, as drafts are encoded at their end. */
static void options(struct draft *d, struct of_span *out, const uint8_t *p, size_t n)
{
	uint8_t *copy = arena_get(&d->fs->arena, n ? n : 1);

	if (!copy) {
		draft_refuse(d, -ENOMEM, "out of memory");
		return;
	}
	memcpy(copy, p, n);
	out->p = copy;
	out->n = (uint32_t)n;
}

void draft_answer_dhcp(struct draft *d, const struct dhcp_lease *l, const uint8_t *opts, size_t n)
{
	struct of_answer_dhcp *a = d->error ? NULL : ADD(d, answer_dhcp);

	if (!a)
		return;
	memcpy(a->server_mac, l->server_mac, 6);
	memcpy(a->address, l->address.b, 4);
	memcpy(a->server, l->server.b, 4);
	memcpy(a->next_server, l->next.b, 4);
	a->lease = l->lease;
	a->prefix_len = l->prefix_len;
	options(d, &a->options, opts, n);
}

void draft_answer_dhcpv6(struct draft *d, const struct dhcp_lease *l, const uint8_t *opts, size_t n)
{
	struct of_answer_dhcpv6 *a = d->error ? NULL : ADD(d, answer_dhcpv6);

	if (!a)
		return;
	memcpy(a->server_mac, l->server_mac, 6);
	memcpy(a->server, l->server.b, 16);
	memcpy(a->address, l->address.b, 16);
	a->preferred = a->valid = l->lease;
	options(d, &a->options, opts, n);
}

void draft_answer_ra(struct draft *d, const struct ra_spec *s, const uint8_t *opts, size_t n)
{
	struct of_answer_ra *a = d->error ? NULL : ADD(d, answer_ra);

	if (!a)
		return;
	memcpy(a->mac, s->mac, 6);
	memcpy(a->source, s->source.b, 16);
	a->hop_limit = s->hop_limit;
	a->flags = (uint8_t)((s->managed ? WEFT_RA_MANAGED : 0) | (s->other ? WEFT_RA_OTHER : 0));
	a->lifetime = s->lifetime;
	options(d, &a->options, opts, n);
}
