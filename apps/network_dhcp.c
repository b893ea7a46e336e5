/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, stage answer: a port's lease, by DHCP and DHCPv6, and its network's router
 * advertisements.
 *
 * A lease is a flow: the port's address and its subnet's options stand in the action that makes the
 * answer (datapath/answer.h), so that it is given on the port's own host, and while the controller
 * is away.  Leases do not run out of sight of it: who moves or goes loses the flow with the port.
 */
#include <string.h>

#include "apps/network.h"
#include "base/byteorder.h"
#include "controller/dhcp_opt.h"
#include "ofproto/answer.h"

enum { ETH_IPV4 = 0x0800, ETH_IPV6 = 0x86dd, PROTO_UDP = 17, PROTO_ICMPV6 = 58 };
enum { PRIO_LEASE = 100, LEASE = 86400, FOREVER = 0xffffffff };
enum { ROUTER_LIFETIME = 9000, ICMPV6_RS = 133 }; /* RFC 4861 6.2.1: at most */

/* ---- options as bytes ---- */

struct opts {
	uint8_t b[OF_OPTS_MAX];
	size_t n;
	bool full;
	bool no_router, no_routes; /* the port is not to have the subnet's */
};

/* Whether option 'code' is there already. */
static bool has(const struct opts *o, bool wide, uint16_t code)
{
	for (size_t i = 0; i < o->n;) {
		if (wide ? code == (o->b[i] << 8 | o->b[i + 1]) : code == o->b[i])
			return true;
		i += wide ? 4u + (o->b[i + 2] << 8 | o->b[i + 3]) : 2u + o->b[i + 1];
	}
	return false;
}

/* 'wide': code and length of 16 bits, as DHCPv6 has them.  The first one of a code stays. */
static void opt(struct opts *o, bool wide, uint16_t code, const void *v, size_t n)
{
	size_t head = wide ? 4 : 2;

	if (has(o, wide, code))
		return;
	if (!n || (!wide && n > 255) || o->n + head + n > sizeof(o->b)) {
		o->full |= n;
		return;
	}
	if (wide) {
		o->b[o->n] = (uint8_t)(code >> 8);
		o->b[o->n + 1] = (uint8_t)code;
		o->b[o->n + 2] = (uint8_t)(n >> 8);
		o->b[o->n + 3] = (uint8_t)n;
	} else {
		o->b[o->n] = (uint8_t)code;
		o->b[o->n + 1] = (uint8_t)n;
	}
	memcpy(o->b + o->n + head, v, n);
	o->n += head + n;
}

static void opt_addrs(struct opts *o, bool wide, uint16_t code, const struct ip_addr *a, size_t n)
{
	uint8_t v[16 * 16];
	size_t size = wide ? 16 : 4, used = 0;

	for (size_t i = 0; i < n && used + size <= sizeof(v); i++, used += size)
		memcpy(v + used, a[i].b, size);
	opt(o, wide, code, v, used);
}

/* RFC 3442: length, the destination's significant bytes, the next hop. */
static void route(uint8_t *v, size_t *n, const struct ip_prefix *to, const struct ip_addr *via)
{
	size_t bytes = (to->len + 7u) / 8;

	v[(*n)++] = to->len;
	memcpy(v + *n, to->addr.b, bytes);
	memcpy(v + *n + bytes, via->b, 4);
	*n += bytes + 4;
}

/* With this option clients ignore the router option, so the default route is in it as well. */
static void opt_routes(struct opts *o, const struct subnet *s)
{
	static const struct ip_prefix all = { { 4, { 0 } }, 0 };
	uint8_t v[255];
	size_t n = 0;

	if (!s->a.n_host_routes || o->no_routes)
		return;
	for (size_t i = 0; i < s->a.n_host_routes; i++)
		route(v, &n, &s->a.host_routes[i].destination, &s->a.host_routes[i].nexthop);
	if (s->a.gateway_ip.family && !o->no_router)
		route(v, &n, &all, &s->a.gateway_ip);
	opt(o, false, DHCP_ROUTES, v, n);
	opt(o, false, DHCP_ROUTES_MS, v, n);
}

/* ---- who answers ---- */

/* The router's port that has an address of this subnet, or NULL. */
static const struct port *router_port(const struct subnet *s)
{
	for (NET_EACH_ROUTER_PORT(p, s->net))
		for (size_t i = 0; port_is_interface(p) && i < p->a.n_fixed_ips; i++)
			if (!strcmp(p->a.fixed_ips[i].subnet_id, s->a.id))
				return p;
	return NULL;
}

/*
 * The server is the subnet's router; without one, nobody in particular: what a client sends to it
 * comes by here anyway.
 */
static void server(const struct subnet *s, uint8_t mac[6], struct ip_addr *ip)
{
	static const struct ip_addr nobody = { 4, { 169, 254, 169, 254 } };
	const struct port *r = router_port(s);

	*ip = nobody;
	if (r) {
		memcpy(mac, r->a.mac_address, 6);
		for (size_t i = 0; i < r->a.n_fixed_ips; i++)
			if (!strcmp(r->a.fixed_ips[i].subnet_id, s->a.id))
				*ip = r->a.fixed_ips[i].ip_address;
		return;
	}
	mac[0] = 0x02;
	mac[1] = mac[2] = 0;
	for (int i = 0; i < 3; i++)
		mac[3 + i] = (uint8_t)(s->net->a.index >> (16 - 8 * i));
}

static struct ip_addr link_local(const uint8_t mac[6])
{
	static const struct ip_prefix fe80 = { { 6, { 0xfe, 0x80 } }, 64 };

	return ip_eui64(&fe80, mac);
}

/* ---- the port's own options ---- */

/* They come before the subnet's, and instead of those of the same code. */
static void own_options(const struct port *p, bool wide, struct opts *o, struct dhcp_lease *lease)
{
	for (size_t i = 0; i < p->a.n_extra_dhcp_opts; i++) {
		const struct extra_dhcp_opt *x = &p->a.extra_dhcp_opts[i];
		struct dhcp_opt v;

		if ((x->ip_version == 6) != wide || dhcp_opt_read(x, &v))
			continue;
		if (v.kind == DHCP_OPT_NEXT) {
			lease->next = (struct ip_addr){ .family = 4 };
			memcpy(lease->next.b, v.v, 4);
		} else if (v.kind == DHCP_OPT_LEASE) {
			lease->lease = get_be32(v.v);
		} else {
			o->no_router |= !wide && !v.n && v.code == DHCP_ROUTER;
			o->no_routes |= !wide && !v.n && v.code == DHCP_ROUTES;
			opt(o, wide, v.code, v.v, v.n);
		}
	}
}

/* Those go before what it is called otherwise. */
static void names(const struct port *p, bool wide, struct opts *o)
{
	struct dhcp_opt v[DHCP_OPT_NAMES];
	size_t n = dhcp_opt_names(p, wide ? 6 : 4, v);

	for (size_t i = 0; i < n; i++)
		opt(o, wide, v[i].code, v[i].v, v[i].n);
}

/* ---- leases ---- */

static void match_client(struct draft *d, const struct port *p, uint16_t eth_type, uint16_t from,
			 uint16_t to)
{
	draft_match(d, OF_FIELD_IN_PORT, p->place.sp->ofport);
	draft_match(d, OF_FIELD_ETH_TYPE, eth_type);
	draft_match(d, OF_FIELD_IP_PROTO, PROTO_UDP);
	draft_match(d, OF_FIELD_UDP_SRC, from);
	draft_match(d, OF_FIELD_UDP_DST, to);
}

static void lease_ipv4(const struct port *p, const struct subnet *s, const struct ip_addr *ip,
		       struct flowset *fs)
{
	uint8_t mtu[2] = { (uint8_t)(s->net->a.mtu >> 8), (uint8_t)s->net->a.mtu };
	struct dhcp_lease lease = { .address = *ip, .prefix_len = s->a.cidr.len, .lease = LEASE };
	struct opts o = { .n = 0 };
	struct draft *d;

	server(s, lease.server_mac, &lease.server);
	own_options(p, false, &o, &lease);
	names(p, false, &o);
	if (s->a.gateway_ip.family && !o.no_router)
		opt_addrs(&o, false, DHCP_ROUTER, &s->a.gateway_ip, 1);
	opt_addrs(&o, false, DHCP_DNS, s->a.dns_nameservers, s->a.n_dns_nameservers);
	opt(&o, false, DHCP_MTU, mtu, sizeof(mtu));
	opt_routes(&o, s);
	d = FLOW(fs, answer, PRIO_LEASE);
	match_client(d, p, ETH_IPV4, 68, 67);
	draft_answer_dhcp(d, &lease, o.b, o.n);
	draft_output(d, OFPP_IN_PORT);
	draft_end(d);
}

/* Without an address to give (stateless) it is only what the subnet says besides. */
static void lease_ipv6(const struct port *p, const struct subnet *s, const struct ip_addr *ip,
		       struct flowset *fs)
{
	struct dhcp_lease lease = { .lease = FOREVER };
	struct opts o = { .n = 0 };
	struct ip_addr ignored;
	struct draft *d;

	if (ip)
		lease.address = *ip;
	server(s, lease.server_mac, &ignored);
	lease.server = link_local(lease.server_mac);
	own_options(p, true, &o, &lease);
	names(p, true, &o);
	opt_addrs(&o, true, DHCPV6_DNS, s->a.dns_nameservers, s->a.n_dns_nameservers);
	d = FLOW(fs, answer, PRIO_LEASE);
	match_client(d, p, ETH_IPV6, 546, 547);
	draft_answer_dhcpv6(d, &lease, o.b, o.n);
	draft_output(d, OFPP_IN_PORT);
	draft_end(d);
}

/* One lease for each IP version: that of the first address whose subnet has DHCP. */
void network_dhcp_port(const struct world *w, const struct port *p, struct flowset *fs)
{
	bool given[2] = { false };

	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		const struct fixed_ip *f = &p->a.fixed_ips[i];
		const struct subnet *s = world_subnet_find(w, f->subnet_id);
		bool v6 = f->ip_address.family == 6;
		enum ipv6_mode mode = s ? s->a.ipv6_address_mode : IPV6_MODE_NONE;

		if (!s || !s->a.enable_dhcp || given[v6] ||
		    (v6 && mode != IPV6_DHCP_STATEFUL && mode != IPV6_DHCP_STATELESS))
			continue;
		given[v6] = true;
		if (v6)
			lease_ipv6(p, s, mode == IPV6_DHCP_STATEFUL ? &f->ip_address : NULL, fs);
		else
			lease_ipv4(p, s, &f->ip_address, fs);
	}
}

/* ---- router advertisements ---- */

/* RFC 4861 4.6.2: hosts form addresses of it by themselves, or are told them. */
static void prefix_option(struct opts *o, const struct subnet *s)
{
	uint8_t v[32] = { ND_PREFIX, 4, s->a.cidr.len, 0x80 };

	if (s->a.ipv6_ra_mode != IPV6_DHCP_STATEFUL)
		v[3] |= 0x40;
	memset(v + 4, 0xff, 8); /* for ever: an address is a port's, and goes with it */
	memcpy(v + 16, s->a.cidr.addr.b, 16);
	if (o->n + sizeof(v) > sizeof(o->b))
		return;
	memcpy(o->b + o->n, v, sizeof(v));
	o->n += sizeof(v);
}

/* RFC 8106 5.1 */
static void rdnss_option(struct opts *o, const struct subnet *s)
{
	size_t n = s->a.n_dns_nameservers, size = 8 + 16 * n;
	uint8_t *v = o->b + o->n;

	if (!n || o->n + size > sizeof(o->b))
		return;
	memset(v, 0, 8);
	v[0] = ND_RDNSS;
	v[1] = (uint8_t)(size / 8);
	memset(v + 4, 0xff, 4);
	for (size_t i = 0; i < n; i++)
		memcpy(v + 8 + 16 * i, s->a.dns_nameservers[i].b, 16);
	o->n += size;
}

static void mtu_option(struct opts *o, uint32_t mtu)
{
	uint8_t v[8] = { ND_MTU, 1 };

	for (int i = 0; i < 4; i++)
		v[4 + i] = (uint8_t)(mtu >> (24 - 8 * i));
	memcpy(o->b + o->n, v, sizeof(v));
	o->n += sizeof(v);
}

void network_ra_interface(const struct world *w, const struct port *p, struct flowset *fs)
{
	struct ra_spec ra = { .lifetime = ROUTER_LIFETIME, .hop_limit = 64 };
	struct opts o = { .n = 0 };
	bool any = false;
	struct draft *d;

	memcpy(ra.mac, p->a.mac_address, 6);
	ra.source = link_local(ra.mac);
	mtu_option(&o, p->net->a.mtu);
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		const struct subnet *s = world_subnet_find(w, p->a.fixed_ips[i].subnet_id);

		if (!s || s->a.ip_version != 6 || s->a.ipv6_ra_mode == IPV6_MODE_NONE)
			continue;
		any = true;
		ra.managed |= s->a.ipv6_ra_mode == IPV6_DHCP_STATEFUL;
		ra.other |= s->a.ipv6_ra_mode == IPV6_DHCP_STATELESS;
		prefix_option(&o, s);
		rdnss_option(&o, s);
	}
	if (!any)
		return;
	d = FLOW(fs, answer, PRIO_LEASE);
	network_match_from(d, p->net, FROM_PORT);
	draft_match(d, OF_FIELD_ETH_TYPE, ETH_IPV6);
	draft_match(d, OF_FIELD_IP_PROTO, PROTO_ICMPV6);
	draft_match(d, OF_FIELD_ICMPV6_TYPE, ICMPV6_RS);
	draft_answer_ra(d, &ra, o.b, o.n);
	draft_output(d, OFPP_IN_PORT);
	draft_end(d);
}
