/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, stages route and nat_out: address scopes.  In one scope addresses are known to each
 * other: there is no NAT.  Between two (networks outside of any are one more) a router leads
 * nobody, but translated: by floating IPs, port forwardings and, for IPv4, its gateway's SNAT.
 *
 * Where all networks of a router are of one scope, which is the rule, this adds no flow.
 */
#include "apps/network_route.h"

enum { ETH_IPV4 = 0x0800 };
enum { PRIO_UNTRANSLATED = 60 }; /* nat_out: above the gateway's SNAT, below floating IPs */

static bool apart(const struct port *from, const struct port *to, uint8_t family)
{
	return net_scope(from->net, family) != net_scope(to->net, family);
}

/* From that network to this prefix, which a route leads to: nothing. */
static void closed(const struct port *from, const struct ip_prefix *to, struct flowset *fs)
{
	struct draft *d = FLOW(fs, route, network_prefix_prio(to) + 1);

	draft_match_masked(
		d, OF_FIELD_METADATA,
		META_VALUE(router, from->router->a.index) | META_VALUE(net, from->net->a.index),
		META_MASK(router) | META_MASK(net));
	/* What came from outside through nat_in's translation has been tracked there. */
	if (port_is_gateway(from))
		draft_match_masked(d, OF_FIELD_CT_STATE, 0, OF_CT_TRK);
	network_match_dst(d, to);
	draft_end(d);
}

/* By the way that leads through 'by'. */
static void close_way(const struct router *r, const struct port *by, const struct ip_prefix *to,
		      struct flowset *fs)
{
	/* IPv4 is translated on its way out. */
	if (port_is_gateway(by) && to->addr.family == 4)
		return;
	for (ROUTER_EACH_PORT(from, r))
		if (from->net != by->net && apart(from, by, to->addr.family))
			closed(from, to, fs);
}

static void close_port(const struct world *w, const struct router *r, const struct port *by,
		       struct flowset *fs)
{
	struct ip_prefix all = { .len = 0 };

	if (port_is_gateway(by)) {
		for (NET_EACH_SUBNET(s, by->net)) {
			close_way(r, by, &s->a.cidr, fs);
			all.addr = s->a.gateway_ip;
			if (all.addr.family)
				close_way(r, by, &all, fs);
		}
		return;
	}
	for (size_t i = 0; i < by->a.n_fixed_ips; i++) {
		const struct subnet *s = world_subnet_find(w, by->a.fixed_ips[i].subnet_id);

		if (s)
			close_way(r, by, &s->a.cidr, fs);
	}
}

void network_scope_router(const struct world *w, const struct router *r, struct flowset *fs)
{
	if (!r->a.admin_state_up)
		return;
	for (ROUTER_EACH_PORT(by, r))
		close_port(w, r, by, fs);
}

void network_scope_route(const struct router *r, const struct port *by, const struct ip_prefix *to,
			 struct flowset *fs)
{
	close_way(r, by, to, fs);
}

void network_scope_gateway(const struct port *gateway, struct flowset *fs)
{
	/* Replies of forwarded ports are translated back; nothing else is. */
	static const struct nat_spec back;
	const struct router *r = gateway->router;
	const struct address_scope *scope = net_scope(gateway->net, 4);

	for (ROUTER_EACH_PORT(p, r)) {
		if (!scope || port_is_gateway(p) || net_scope(p->net, 4) != scope)
			continue;
		for (NET_EACH_SUBNET(s, p->net)) {
			struct draft *d;

			if (s->a.ip_version != 4)
				continue;
			d = FLOW(fs, nat_out, PRIO_UNTRANSLATED);
			network_match_router(d, r);
			draft_match(d, OF_FIELD_ETH_TYPE, ETH_IPV4);
			network_match_prefix(d, OF_FIELD_IPV4_SRC, &s->a.cidr);
			draft_set_bytes(d, OF_FIELD_ETH_SRC, gateway->a.mac_address);
			network_nat_translate(d, r, &back, false, STAGE_way_out);
		}
	}
}
