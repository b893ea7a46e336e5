/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/ipam.h"

#include <errno.h>
#include <string.h>

/* RFC 3021 and single hosts: every address of the prefix is a host's. */
static bool is_tiny(const struct ip_prefix *cidr)
{
	return cidr->len + 1u >= ip_size(&cidr->addr) * 8;
}

struct ip_addr ipam_gateway(const struct ip_prefix *cidr)
{
	struct ip_addr first = ip_prefix_first(cidr);

	return is_tiny(cidr) ? first : ip_plus(&first, 1);
}

bool ipam_fits(const struct ip_prefix *cidr, const struct ip_addr *a)
{
	struct ip_addr first = ip_prefix_first(cidr), last = ip_prefix_last(cidr);

	if (!ip_prefix_has(cidr, a))
		return false;
	if (is_tiny(cidr))
		return true;
	/* RFC 4291 2.6.1: the first address of an IPv6 prefix is its routers' anycast address. */
	if (!ip_cmp(a, &first))
		return false;
	return a->family == 6 || ip_cmp(a, &last);
}

static struct ip_addr before(const struct ip_addr *a)
{
	struct ip_addr r = *a;

	for (int i = (int)ip_size(a) - 1; i >= 0; i--)
		if (r.b[i]--)
			break;
	return r;
}

size_t ipam_pools(const struct ip_prefix *cidr, const struct ip_addr *gateway, struct pool out[2])
{
	struct ip_addr first = ip_prefix_first(cidr), last = ip_prefix_last(cidr);
	size_t n = 0;

	if (!is_tiny(cidr)) {
		first = ip_plus(&first, 1);
		if (cidr->addr.family == 4)
			last = before(&last);
	}
	if (!gateway->family || ip_cmp(gateway, &first) < 0 || ip_cmp(gateway, &last) > 0) {
		out[0] = (struct pool){ first, last };
		return 1;
	}
	if (ip_cmp(gateway, &first))
		out[n++] = (struct pool){ first, before(gateway) };
	if (ip_cmp(gateway, &last))
		out[n++] = (struct pool){ ip_plus(gateway, 1), last };
	return n;
}

bool pool_has(const struct pool *p, const struct ip_addr *a)
{
	return a->family == p->start.family && ip_cmp(&p->start, a) <= 0 && ip_cmp(a, &p->end) <= 0;
}

bool subnet_is_auto(const struct subnet_attrs *s)
{
	return s->ipv6_address_mode == IPV6_SLAAC || s->ipv6_address_mode == IPV6_DHCP_STATELESS;
}

struct port *ipam_user(const struct subnet *s, const struct ip_addr *a)
{
	struct address *use;

	HASH_FIND(hh, s->addresses, a, sizeof(*a), use);
	return use ? use->port : NULL;
}

static bool is_free(const struct subnet *s, const struct ip_addr *a, const struct ip_addr *taken,
		    size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!ip_cmp(a, &taken[i]))
			return false;
	return !ipam_user(s, a);
}

/* From 'from' (in the pool) to the end of the pool. */
static int pool_next(const struct subnet *s, const struct pool *p, struct ip_addr from,
		     const struct ip_addr *taken, size_t n, struct ip_addr *out)
{
	for (;;) {
		if (is_free(s, &from, taken, n)) {
			*out = from;
			return 0;
		}
		if (!ip_cmp(&from, &p->end))
			return -ENOSPC;
		from = ip_plus(&from, 1);
	}
}

int ipam_next(struct subnet *s, const struct ip_addr *taken, size_t n, struct ip_addr *out)
{
	const struct pool *pools = s->a.allocation_pools;
	size_t n_pools = s->a.n_allocation_pools, first = 0;
	bool resumed = false;

	for (size_t i = 0; i < n_pools; i++)
		if (s->hint.family && pool_has(&pools[i], &s->hint)) {
			first = i;
			resumed = true;
			if (ip_cmp(&s->hint, &pools[i].end)) {
				if (!pool_next(s, &pools[i], ip_plus(&s->hint, 1), taken, n, out))
					goto found;
			}
		}
	/* All pools, the one where the search went on last, as its first part was left out. */
	for (size_t i = 0; i < n_pools; i++) {
		const struct pool *p = &pools[(first + i + resumed) % n_pools];

		if (!pool_next(s, p, p->start, taken, n, out))
			goto found;
	}
	return -ENOSPC;
found:
	s->hint = *out;
	return 0;
}
