/* SPDX-License-Identifier: Apache-2.0 */
/* Subnets: prefix, gateway, allocation pools, and that they fit together. */
#include <stdlib.h>
#include <string.h>

#include "controller/ipam.h"
#include "controller/mem.h"
#include "controller/nb.h"

static bool given(uint64_t rows, const char *attr)
{
	return nb_given(&resources[WORLD_SUBNET], rows, attr);
}

/* ---- prefix ---- */

static int cidr_check(struct subnet_attrs *a, struct nb_error *e)
{
	char text[PREFIX_TEXT];

	a->cidr.addr = ip_prefix_first(&a->cidr);
	ip_prefix_format(&a->cidr, text);
	if (a->ip_version != 4 && a->ip_version != 6)
		return nb_fail_attr(e, "ip_version", "'%u' is not 4 or 6", a->ip_version);
	if (a->cidr.addr.family != a->ip_version)
		return nb_say(e, InvalidInput,
			      "The cidr %s is not of the same version as ip_version %u.", text,
			      a->ip_version);
	if (!a->cidr.len)
		return nb_say(e, InvalidInput, "The cidr %s is every address there is.", text);
	if (a->cidr.addr.b[0] == (a->ip_version == 4 ? 127 : 0xff) ||
	    (a->ip_version == 4 && (a->cidr.addr.b[0] & 0xf0) == 0xe0))
		return nb_say(e, InvalidInput, "The cidr %s has no hosts' addresses.", text);
	return 0;
}

static int overlap_check(const struct net *n, const struct subnet_attrs *a, struct nb_error *e)
{
	char text[PREFIX_TEXT];

	for (NET_EACH_SUBNET(s, n))
		if (ip_prefix_overlaps(&s->a.cidr, &a->cidr))
			return nb_say(e, InvalidInput,
				      "Requested subnet with cidr %s for network %s overlaps with "
				      "subnet %s.",
				      ip_prefix_format(&a->cidr, text), n->a.id, s->a.id);
	return 0;
}

static int modes_check(const struct subnet_attrs *a, struct nb_error *e)
{
	if (a->cidr.len > (a->ip_version == 4 ? 30 : 126) && a->enable_dhcp)
		return nb_say(e, InvalidInput,
			      "A /%u is too small for DHCP: there is nobody to give addresses to.",
			      a->cidr.len);
	if ((a->ipv6_address_mode || a->ipv6_ra_mode) && !a->enable_dhcp)
		return nb_say(e, InvalidInput,
			      "ipv6_ra_mode and ipv6_address_mode are not for a subnet whose "
			      "enable_dhcp is false.");
	if (a->ip_version == 4 && (a->ipv6_address_mode || a->ipv6_ra_mode))
		return nb_say(e, InvalidInput,
			      "ipv6_address_mode and ipv6_ra_mode are not for an IPv4 subnet.");
	if (a->ipv6_address_mode && a->ipv6_ra_mode && a->ipv6_address_mode != a->ipv6_ra_mode)
		return nb_say(e, InvalidInput,
			      "ipv6_ra_mode and ipv6_address_mode, when both are given, are the "
			      "same.");
	if (subnet_is_auto(a) && a->cidr.len != 64)
		return nb_say(e, InvalidInput,
			      "Hosts form their addresses in a /64 only (RFC 4862), not in a /%u.",
			      a->cidr.len);
	return 0;
}

/* ---- gateway and pools ---- */

static int gateway_check(const struct subnet_attrs *a, struct nb_error *e)
{
	char text[IP_TEXT];

	if (!a->gateway_ip.family)
		return 0;
	ip_format(&a->gateway_ip, text);
	if (a->gateway_ip.family != a->ip_version)
		return nb_say(e, InvalidInput, "The gateway_ip %s is not of IP version %u.", text,
			      a->ip_version);
	/* An IPv6 router's link-local address serves every subnet. */
	if (a->ip_version == 6 && a->gateway_ip.b[0] == 0xfe && (a->gateway_ip.b[1] & 0xc0) == 0x80)
		return 0;
	if (!ipam_fits(&a->cidr, &a->gateway_ip))
		return nb_say(e, InvalidInput, "Gateway %s is not a host's address in the subnet.",
			      text);
	return 0;
}

static int pool_check(const struct subnet_attrs *a, const struct pool *p, struct nb_error *e)
{
	char start[IP_TEXT], end[IP_TEXT], gateway[IP_TEXT];

	ip_format(&p->start, start);
	ip_format(&p->end, end);
	if (p->start.family != a->ip_version || p->end.family != a->ip_version ||
	    ip_cmp(&p->start, &p->end) > 0)
		return nb_refuse(e, InvalidAllocationPool, start, end);
	if (!ipam_fits(&a->cidr, &p->start) || !ipam_fits(&a->cidr, &p->end))
		return nb_refuse(e, OutOfBoundsAllocationPool, start, end);
	if (a->gateway_ip.family && pool_has(p, &a->gateway_ip))
		return nb_refuse(e, GatewayConflictWithAllocationPools,
				 ip_format(&a->gateway_ip, gateway), start, end);
	return 0;
}

static int pools_check(const struct subnet_attrs *a, struct nb_error *e)
{
	const struct pool *pools = a->allocation_pools;

	for (size_t i = 0; i < a->n_allocation_pools; i++) {
		if (pool_check(a, &pools[i], e))
			return -1;
		for (size_t j = 0; j < i; j++)
			if (ip_cmp(&pools[i].start, &pools[j].end) <= 0 &&
			    ip_cmp(&pools[j].start, &pools[i].end) <= 0)
				return nb_refuse(e, OverlappingAllocationPools, j, i);
	}
	return 0;
}

static void pools_default(struct subnet_attrs *a)
{
	struct pool pools[2];
	size_t n = ipam_pools(&a->cidr, &a->gateway_ip, pools);

	free(a->allocation_pools);
	a->allocation_pools = n ? mem_dup(pools, n * sizeof(*pools)) : NULL;
	a->n_allocation_pools = n;
}

/* ---- whose addresses ---- */

static int service_types_check(const struct subnet_attrs *a, struct nb_error *e)
{
	static const char *const prefixes[] = { "network:", "neutron:", "compute:" };

	for (size_t i = 0; i < a->n_service_types; i++) {
		const char *type = a->service_types[i];
		bool fits = false;

		for (size_t j = 0; j < sizeof(prefixes) / sizeof(*prefixes); j++)
			fits |= !strncmp(type, prefixes[j], strlen(prefixes[j]));
		if (!fits)
			return nb_refuse(e, InvalidSubnetServiceType, type);
	}
	return 0;
}

bool nb_subnet_serves(const struct subnet *s, const char *device_owner)
{
	if (!s->a.n_service_types || (s->a.enable_dhcp && !strcmp(device_owner, "network:dhcp")))
		return true;
	for (size_t i = 0; i < s->a.n_service_types; i++)
		if (!strcmp(s->a.service_types[i], device_owner))
			return true;
	return false;
}

/* ---- the rest ---- */

static int lists_check(const struct subnet_attrs *a, struct nb_error *e)
{
	for (size_t i = 0; i < a->n_host_routes; i++) {
		const struct host_route *h = &a->host_routes[i];

		for (size_t j = 0; j < i; j++)
			if (!memcmp(h, &a->host_routes[j], sizeof(*h)))
				return nb_fail_attr(e, "host_routes",
						    "elements %zu and %zu are the same", j, i);
		if (h->destination.addr.family != a->ip_version ||
		    h->nexthop.family != a->ip_version)
			return nb_say(e, InvalidInput, "Host route %zu is not of IP version %u.", i,
				      a->ip_version);
	}
	for (size_t i = 0; i < a->n_dns_nameservers; i++) {
		for (size_t j = 0; j < i; j++)
			if (!ip_cmp(&a->dns_nameservers[i], &a->dns_nameservers[j]))
				return nb_fail_attr(e, "dns_nameservers",
						    "elements %zu and %zu are the same", j, i);
		if (a->dns_nameservers[i].family != a->ip_version)
			return nb_say(e, InvalidInput,
				      "DNS name server %zu is not of IP version %u.", i,
				      a->ip_version);
	}
	return service_types_check(a, e);
}

/* ---- hooks ---- */

static int subnet_create(struct nb_request *q, void *p, uint64_t rows, struct nb_error *e)
{
	struct subnet_attrs *a = p;
	struct world_obj *o = nb_find(q, &resources[WORLD_NET], a->network_id, e);
	struct net *n = (struct net *)o;

	if (!o)
		return -1;
	if (nb_subnetpool_allocate(q, n, a, e) || cidr_check(a, e) || modes_check(a, e) ||
	    overlap_check(n, a, e))
		return -1;
	if (!given(rows, "gateway_ip"))
		a->gateway_ip = ipam_gateway(&a->cidr);
	if (!given(rows, "allocation_pools"))
		pools_default(a);
	return gateway_check(a, e) || pools_check(a, e) || lists_check(a, e) ? -1 : 0;
}

static int subnet_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t rows,
			 struct nb_error *e)
{
	struct subnet *s = (struct subnet *)o;
	struct subnet_attrs *a = p;
	char text[IP_TEXT];
	struct port *user;

	if (given(rows, "gateway_ip") && ip_cmp(&a->gateway_ip, &s->a.gateway_ip)) {
		user = s->a.gateway_ip.family ? ipam_user(s, &s->a.gateway_ip) : NULL;
		if (user && a->gateway_ip.family)
			return nb_refuse(e, GatewayIpInUse, ip_format(&s->a.gateway_ip, text),
					 user->a.id);
	}
	return modes_check(a, e) || gateway_check(a, e) || pools_check(a, e) || lists_check(a, e)
		       ? -1
		       : 0;
}

static int subnet_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	struct subnet *s = (struct subnet *)o;
	struct fixed_ip ips[64];

	for (const struct address *x = s->addresses; x; x = x->hh.next)
		if (!nb_port_goes_along(x->port))
			return nb_refuse(e, SubnetInUse, s->a.id);
	while (s->addresses) {
		struct port *p = s->addresses->port;
		size_t n = 0;

		for (size_t i = 0; i < p->a.n_fixed_ips; i++)
			if (strcmp(p->a.fixed_ips[i].subnet_id, s->a.id))
				ips[n++] = p->a.fixed_ips[i];
		if (nb_port_readdress(q, p, ips, n, e))
			return -1;
	}
	return 0;
}

const struct nb_hooks nb_subnet_hooks = {
	.create = subnet_create,
	.update = subnet_update,
	.remove = subnet_remove,
};
