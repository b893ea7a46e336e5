/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, stages router_in, route and neighbour: what VMs send to their gateway's MAC address
 * is routed on their own host, in one hop, whatever networks lie on both sides.
 *
 * A router is everywhere where one of its networks has a port.  Its interfaces answer with one MAC
 * address on all hosts, which therefore never appears as a source on a VLAN: physical switches
 * would see it in many places.  There a host sends with an address of its own (host_mac()).
 */
#include "apps/network_route.h"

#include <string.h>

enum {
	ETH_IPV4 = 0x0800,
	ETH_IPV6 = 0x86dd,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMPV6 = 58,
	PROTO_SCTP = 132
};
enum { IPV6_LEAST = 1280 };
enum { PRIO_REST = 0, PRIO_NEIGHBOUR = 100, PRIO_PREFIX = 100, PRIO_EXPIRED = 410, PRIO_OWN = 420 };

/* Group ids: what it does (8) | router (15) | route (9). */
enum { GROUP_ROUTE = 0x50 };

uint16_t network_router_zone(const struct router *r)
{
	return (uint16_t)(ROUTER_ZONES + r->a.index);
}

void network_match_router(struct draft *d, const struct router *r)
{
	draft_match_masked(d, OF_FIELD_METADATA, META_VALUE(router, r->a.index), META_MASK(router));
}

void network_enter_router(struct draft *d, const struct router *r, enum stage next)
{
	draft_metadata(d, META_VALUE(router, r->a.index), META_MASK(router));
	draft_goto(d, next);
	draft_end(d);
}

/* Longer prefixes first, each with room for who may not go there (network_scope.c). */
uint16_t network_prefix_prio(const struct ip_prefix *p)
{
	return (uint16_t)(PRIO_PREFIX + 2 * p->len);
}

void network_match_dst(struct draft *d, const struct ip_prefix *p)
{
	bool v4 = p->addr.family == 4;

	draft_match(d, OF_FIELD_ETH_TYPE, v4 ? ETH_IPV4 : ETH_IPV6);
	network_match_prefix(d, v4 ? OF_FIELD_IPV4_DST : OF_FIELD_IPV6_DST, p);
}

void network_next_hop(struct draft *d, const struct ip_addr *via, uint8_t family)
{
	enum of_field_id reg = family == 4 ? OF_FIELD_REG8 : OF_FIELD_XXREG2;

	if (via)
		draft_set_bytes(d, reg, via->b);
	else
		draft_move(d, family == 4 ? OF_FIELD_IPV4_DST : OF_FIELD_IPV6_DST, reg);
}

/* 02, and what is left of the switch's datapath id: local, and each host's own. */
static void host_mac(const struct sw *sw, uint8_t mac[6])
{
	mac[0] = 0x02;
	for (int i = 1; i < 6; i++)
		mac[i] = (uint8_t)(sw->dpid >> (40 - 8 * i));
}

/* As whom a router sends into a network from this host. */
void network_router_mac(const struct sw *sw, const struct port *p, uint8_t mac[6])
{
	if (p->net->a.type == NET_VXLAN || port_is_gateway(p))
		memcpy(mac, p->a.mac_address, 6);
	else
		host_mac(sw, mac);
}

/* Into the network of a router's port: what is routed counts as sent from here. */
void network_leave_router(struct draft *d, const struct sw *sw, const struct port *p)
{
	uint8_t mac[6];

	network_router_mac(sw, p, mac);
	draft_set_bytes(d, OF_FIELD_ETH_SRC, mac);
	draft_clear_in_port(d); /* an uplink may be the way in and the way out */
	draft_metadata(d, META_VALUE(net, p->net->a.index) | META_VALUE(from, FROM_PORT),
		       META_MASK(net) | META_MASK(from));
	draft_goto(d, STAGE_neighbour);
	draft_end(d);
}

/* ---- MTU ---- */

/* To the host of the gateway it is that of VXLAN as well. */
static uint32_t way_mtu(const struct world *w, const struct sw *sw, const struct port *p)
{
	const struct sw *there = port_is_gateway(p) ? world_gateway_switch(w, p->router) : NULL;
	uint32_t mtu = p->net->a.mtu;

	return there && there != sw && sw->vtep.mtu && sw->vtep.mtu < mtu ? sw->vtep.mtu : mtu;
}

/* RFC 8200 5: IPv6 takes no notice of less. */
uint16_t network_narrow(const struct world *w, const struct sw *sw, const struct port *p,
			uint8_t family)
{
	uint32_t mtu = way_mtu(w, sw, p);

	if (family == 6 && mtu < IPV6_LEAST)
		mtu = IPV6_LEAST;
	for (ROUTER_EACH_PORT(in, p->router))
		if (in->net->a.mtu > mtu)
			return (uint16_t)mtu;
	return 0;
}

struct draft *network_way(const struct router *r, const struct ip_prefix *to, uint16_t mtu,
			  struct flowset *fs)
{
	uint16_t prio = network_prefix_prio(to);
	struct draft *d = FLOW(fs, route, prio);

	network_match_router(d, r);
	network_match_dst(d, to);
	if (!mtu)
		return d;
	draft_fit(d, REG_too_big, mtu);
	draft_goto(d, STAGE_fitted);
	draft_end(d);
	d = FLOW(fs, fitted, prio);
	network_match_router(d, r);
	network_match_dst(d, to);
	draft_match_reg(d, REG_too_big, 0);
	return d;
}

/* ---- an interface ---- */

static void connected(const struct world *w, const struct sw *sw, const struct port *p,
		      const struct fixed_ip *f, struct flowset *fs)
{
	const struct subnet *s = world_subnet_find(w, f->subnet_id);
	uint8_t family = f->ip_address.family;
	struct draft *d;

	if (!s)
		return;
	d = network_way(p->router, &s->a.cidr, network_narrow(w, sw, p, family), fs);
	draft_dec_ttl(d);
	network_next_hop(d, NULL, family);
	network_leave_router(d, sw, p);
}

/* What a router says itself goes back to where the packet came from. */
static void back(struct draft *d, const struct port *p, enum meta_from from)
{
	if (from == FROM_ROUTER) {
		draft_load_meta(d, from, FROM_PORT);
		draft_goto(d, STAGE_l2);
	} else if (from == FROM_UPLINK) {
		network_back_to_uplink(d, p->net);
	} else {
		draft_output(d, OFPP_IN_PORT);
	}
	draft_end(d);
}

/*
 * On the network of the gateway what the sender sent may have been translated: an error about it is
 * translated back.  Who sent it may be a VM of this router, by way of a floating IP.
 */
static void back_outside(struct draft *d, const struct port *p, bool v4)
{
	static const struct nat_spec as_it_was;
	struct ct_spec ct = { .zone = network_router_zone(p->router),
			      .goes_on = true,
			      .next = STAGE_l2,
			      .nat = &as_it_was };

	draft_clear_in_port(d);
	draft_load_meta(d, from, FROM_PORT);
	if (v4)
		draft_ct(d, &ct);
	else
		draft_goto(d, STAGE_l2);
	draft_end(d);
}

static void match_from(struct draft *d, const struct port *p, enum meta_from from, bool any_net)
{
	uint64_t net = any_net ? 0 : META_MASK(net);

	draft_match_masked(d, OF_FIELD_METADATA,
			   META_VALUE(router, p->router->a.index) | META_VALUE(from, from) |
				   (META_VALUE(net, p->net->a.index) & net),
			   META_MASK(router) | META_MASK(from) | net);
}

/* Whether its network has other routers, too. */
static bool has_neighbour(const struct port *p)
{
	for (NET_EACH_ROUTER_PORT(o, p->net))
		if (o->router != p->router)
			return true;
	return false;
}

static struct draft *to_itself(const struct port *p, const struct ip_addr *ip, enum meta_from from,
			       uint16_t prio, struct flowset *fs)
{
	struct ip_prefix own = { *ip, (uint8_t)(ip_size(ip) * 8) };
	struct draft *d = FLOW(fs, route, prio);

	match_from(d, p, from, from != FROM_UPLINK);
	network_match_dst(d, &own);
	return d;
}

/* Nothing listens there; that it is ICMP that says so is fine with TCP, too (RFC 1122 4.2.3.9). */
static void nothing_listens(const struct port *p, const struct ip_addr *ip, enum meta_from from,
			    struct flowset *fs)
{
	static const uint8_t protos[] = { PROTO_TCP, PROTO_UDP, PROTO_SCTP };
	bool v4 = ip->family == 4;

	for (size_t i = 0; i < sizeof(protos); i++) {
		struct draft *d = to_itself(p, ip, from, PRIO_OWN + 1, fs);

		draft_match(d, OF_FIELD_IP_PROTO, protos[i]);
		draft_answer_error(d, v4 ? 3 : 1, v4 ? 3 : 4, ip, 0);
		back(d, p, from);
	}
}

/*
 * What is for the router itself, whatever is left of its TTL: it answers pings, put together from
 * fragments as well, and says that there is nothing else.  VMs ask from any network.
 */
static void own_address(const struct port *p, const struct ip_addr *ip, enum meta_from from,
			struct flowset *fs)
{
	struct ct_spec whole = { .zone = network_router_zone(p->router),
				 .goes_on = true,
				 .next = STAGE_route };
	bool v4 = ip->family == 4;
	struct draft *d = to_itself(p, ip, from, PRIO_OWN + 1, fs);

	draft_match(d, OF_FIELD_IP_PROTO, v4 ? PROTO_ICMP : PROTO_ICMPV6);
	draft_match(d, v4 ? OF_FIELD_ICMPV4_TYPE : OF_FIELD_ICMPV6_TYPE, v4 ? 8 : 128);
	draft_answer_echo(d);
	back(d, p, from);
	d = to_itself(p, ip, from, PRIO_OWN + 2, fs);
	draft_match_masked(d, OF_FIELD_IP_FRAG, 1, 1);
	draft_ct(d, &whole);
	draft_end(d);

	/* From inside a gateway's address is also who was asked by way of a floating IP. */
	if (from == FROM_PORT && port_is_gateway(p))
		return;
	nothing_listens(p, ip, from, fs);
	d = to_itself(p, ip, from, PRIO_OWN, fs);
	draft_end(d);
}

/* One ICMP error: of RFC 1812 5.2.7.1, 5.3.1 and 4.3.3.3, or of RFC 4443 3.1 to 3.3. */
struct complaint {
	uint8_t type, code;
	uint16_t mtu;
};

/* The sender is told, by the router's address there. */
static void complain(struct draft *d, const struct port *p, const struct ip_addr *ip,
		     enum meta_from from, struct complaint c)
{
	match_from(d, p, from, false);
	draft_match(d, OF_FIELD_ETH_TYPE, ip->family == 4 ? ETH_IPV4 : ETH_IPV6);
	draft_answer_error(d, c.type, c.code, ip, c.mtu);
	if (port_is_gateway(p))
		back_outside(d, p, ip->family == 4);
	else
		back(d, p, from);
}

/* From the network of 'p': a packet at the end of its life, and one that no route is for. */
static void complaints(const struct port *p, const struct ip_addr *ip, enum meta_from from,
		       struct flowset *fs)
{
	bool v4 = ip->family == 4;
	struct draft *d;

	for (uint8_t ttl = 0; ttl < 2; ttl++) {
		d = FLOW(fs, route, PRIO_EXPIRED);
		draft_match(d, OF_FIELD_IP_TTL, ttl);
		complain(d, p, ip, from, (struct complaint){ v4 ? 11 : 3, 0, 0 });
	}
	d = FLOW(fs, route, PRIO_REST + 1);
	complain(d, p, ip, from, (struct complaint){ v4 ? 3 : 1, 0, 0 });
}

/* What is too big for another network of the router: once for each MTU that is less. */
static void too_big(const struct world *w, const struct sw *sw, const struct port *p,
		    const struct ip_addr *ip, enum meta_from from, struct flowset *fs)
{
	bool v4 = ip->family == 4;

	for (ROUTER_EACH_PORT(to, p->router)) {
		uint16_t mtu = network_narrow(w, sw, to, ip->family);
		bool told = !mtu;

		for (const struct port *o = p->router->ports; !told && o != to; o = o->router_next)
			told = network_narrow(w, sw, o, ip->family) == mtu;
		if (told)
			continue;
		struct draft *d = FLOW(fs, fitted, PRIO_EXPIRED);

		draft_match_reg(d, REG_too_big, mtu);
		complain(d, p, ip, from, (struct complaint){ v4 ? 3 : 2, v4 ? 4 : 0, mtu });
	}
}

/*
 * Nobody is known who has the next hop's address: its sender is told (RFC 1812 4.3.3.1, RFC 4443
 * 3.1), by way of the router, as the network that it came from is forgotten by now.  Who is looked
 * for may yet be found.
 */
static void nobody_there(const struct port *p, const struct ip_addr *ip, struct flowset *fs)
{
	bool v4 = ip->family == 4;
	struct draft *d = FLOW(fs, neighbour, PRIO_REST + 1);

	draft_match_masked(
		d, OF_FIELD_METADATA,
		META_VALUE(router, p->router->a.index) | META_VALUE(net, p->net->a.index),
		META_MASK(router) | META_MASK(net));
	draft_match(d, OF_FIELD_ETH_TYPE, v4 ? ETH_IPV4 : ETH_IPV6);
	draft_controller(d, 128);
	draft_answer_error(d, v4 ? 3 : 1, v4 ? 1 : 3, ip, 0);
	draft_resubmit(d, STAGE_route);
	draft_end(d);
}

/* Whether packets come there from 'from'. */
static bool is_way_in(const struct sw *sw, const struct port *p, enum meta_from from)
{
	switch (from) {
	case FROM_PORT:
		return true;
	case FROM_UPLINK:
		return network_uplink(sw, p->net) || port_is_gateway(p);
	case FROM_ROUTER:
		return !port_is_gateway(p) && has_neighbour(p);
	default:
		return false;
	}
}

/* The same for packets to its address, which may come in by the router's other networks. */
static bool is_asked(const struct sw *sw, const struct port *p, enum meta_from from)
{
	if (from != FROM_ROUTER)
		return is_way_in(sw, p, from);
	for (ROUTER_EACH_PORT(o, p->router))
		if (is_way_in(sw, o, from))
			return !port_is_gateway(p);
	return false;
}

void network_route_speak(const struct world *w, const struct sw *sw, const struct port *p,
			 struct flowset *fs)
{
	bool told[2] = { false };

	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		const struct ip_addr *ip = &p->a.fixed_ips[i].ip_address;
		bool v6 = ip->family == 6;

		for (int from = FROM_PORT; from <= FROM_ROUTER; from++) {
			if (is_asked(sw, p, (enum meta_from)from))
				own_address(p, ip, (enum meta_from)from, fs);
			if (told[v6] || !is_way_in(sw, p, (enum meta_from)from))
				continue;
			complaints(p, ip, (enum meta_from)from, fs);
			too_big(w, sw, p, ip, (enum meta_from)from, fs);
		}
		if (!told[v6] && p->net->a.type == NET_VXLAN && !port_is_gateway(p))
			nobody_there(p, ip, fs);
		told[v6] = true;
	}
}

static void enter_from(const struct port *p, enum meta_from from, struct flowset *fs)
{
	struct draft *d = FLOW(fs, router_in, 100);

	network_match_from(d, p->net, from);
	draft_match_bytes(d, OF_FIELD_ETH_DST, p->a.mac_address, NULL);
	network_enter_router(d, p->router, STAGE_route);
}

/* What another router of the network has sent, from this host as well: in one go through both. */
static void from_neighbour(const struct port *p, struct flowset *fs)
{
	struct draft *d;

	if (!has_neighbour(p))
		return;
	d = FLOW(fs, l2, 110);
	network_match(d, p->net);
	draft_match_bytes(d, OF_FIELD_ETH_DST, p->a.mac_address, NULL);
	draft_load_meta(d, from, FROM_ROUTER);
	draft_clear_in_port(d);
	draft_ct_clear(d);
	draft_resubmit(d, STAGE_router_in);
	draft_end(d);
	enter_from(p, FROM_ROUTER, fs);
}

/*
 * To its network's own ports it is on their hosts.  To stations on the wire it is on one: there it
 * has its MAC address, so that physical switches see that in one place, and only that host takes
 * what they send, even if a physical switch does not know where and floods it.
 */
void network_route_interface(const struct world *w, const struct sw *sw, const struct port *p,
			     struct flowset *fs)
{
	network_arp_port(w, sw, p, fs);
	network_nd_port(w, sw, p, fs);
	network_ra_interface(w, p, fs);
	enter_from(p, FROM_PORT, fs);
	if (world_anchor(w, p) == sw) {
		network_arp_uplink(sw, p, fs);
		network_nd_uplink(sw, p, fs);
		enter_from(p, FROM_UPLINK, fs);
	}
	from_neighbour(p, fs);
	for (size_t i = 0; i < p->a.n_fixed_ips; i++)
		connected(w, sw, p, &p->a.fixed_ips[i], fs);
	network_route_speak(w, sw, p, fs);
}

/* ---- extra routes ---- */

static const struct port *port_towards(const struct world *w, const struct router *r,
				       const struct ip_addr *ip)
{
	for (ROUTER_EACH_PORT(p, r))
		for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
			const struct subnet *s = world_subnet_find(w, p->a.fixed_ips[i].subnet_id);

			if (s && ip_prefix_has(&s->a.cidr, ip))
				return p;
		}
	return NULL;
}

static bool same_destination(const struct extra_route *a, const struct extra_route *b)
{
	return a->destination.len == b->destination.len &&
	       !ip_cmp(&a->destination.addr, &b->destination.addr);
}

/* As far as is known: who is plugged in and DOWN does not.  Nobody is judged who is no port, has
 * not been seen since the controller began, or may have others at its address. */
static bool hop_answers(const struct world *w, const struct net *n, const struct ip_addr *ip)
{
	const struct port *p = world_port_by_ip(n, ip);

	return !p || !p->place.sp || port_is_active(p) || port_ip_is_shared(w, p, ip);
}

static bool any_answers(const struct world *w, const struct router *r, size_t first)
{
	for (size_t i = first; i < r->a.n_routes; i++) {
		const struct extra_route *t = &r->a.routes[i];
		const struct port *p = same_destination(&r->a.routes[first], t)
					       ? port_towards(w, r, &t->nexthop)
					       : NULL;

		if (p && hop_answers(w, p->net, &t->nexthop))
			return true;
	}
	return false;
}

/* Several next hops for a destination share its traffic, by connection; those that do not answer
 * have none, unless all are such. */
static void shared_route(const struct world *w, const struct sw *sw, const struct router *r,
			 size_t first, struct flowset *fs)
{
	const struct extra_route *t = &r->a.routes[first];
	uint32_t id = (uint32_t)GROUP_ROUTE << 24 | r->a.index << 9 | (uint32_t)first;
	uint16_t narrow = 0;
	const bool some = any_answers(w, r, first);
	struct draft *d;

	for (size_t i = first; i < r->a.n_routes; i++) {
		const struct port *p = same_destination(t, &r->a.routes[i])
					       ? port_towards(w, r, &r->a.routes[i].nexthop)
					       : NULL;
		uint16_t mtu = p ? network_narrow(w, sw, p, t->nexthop.family) : 0;

		if (mtu && (!narrow || mtu < narrow))
			narrow = mtu;
	}
	d = narrow ? GROUP(fs, fitted, id, OFPGT_SELECT) : GROUP(fs, route, id, OFPGT_SELECT);
	for (size_t i = first; i < r->a.n_routes; i++) {
		const struct port *p = port_towards(w, r, &r->a.routes[i].nexthop);
		uint8_t mac[6];

		if (!p || !same_destination(t, &r->a.routes[i]) ||
		    (some && !hop_answers(w, p->net, &r->a.routes[i].nexthop)))
			continue;
		network_router_mac(sw, p, mac);
		draft_bucket(d);
		network_next_hop(d, &r->a.routes[i].nexthop, t->nexthop.family);
		draft_set_bytes(d, OF_FIELD_ETH_SRC, mac);
		draft_clear_in_port(d);
		draft_load_meta(d, net, p->net->a.index);
		draft_load_meta(d, from, FROM_PORT);
		draft_resubmit(d, STAGE_neighbour);
	}
	draft_end(d);
	d = network_way(r, &t->destination, narrow, fs);
	draft_dec_ttl(d);
	draft_group(d, id);
	draft_end(d);
}

/* One next hop: as a connected prefix, but for where it goes. */
static void single_route(const struct world *w, const struct sw *sw, const struct router *r,
			 const struct extra_route *t, const struct port *p, struct flowset *fs)
{
	struct draft *d =
		network_way(r, &t->destination, network_narrow(w, sw, p, t->nexthop.family), fs);

	draft_dec_ttl(d);
	network_next_hop(d, &t->nexthop, t->nexthop.family);
	network_leave_router(d, sw, p);
}

/* Beyond the gateway it is network_nat.c's: translated first, sent from the gateway's host. */
static void outer_route(const struct world *w, const struct sw *sw, const struct router *r,
			const struct extra_route *t, const struct port *gateway, struct flowset *fs)
{
	struct draft *d = network_way(r, &t->destination,
				      network_narrow(w, sw, gateway, t->nexthop.family), fs);

	draft_dec_ttl(d);
	draft_goto(d, STAGE_nat_out);
	draft_end(d);
	d = FLOW(fs, way_out, network_prefix_prio(&t->destination));
	network_match_router(d, r);
	network_match_dst(d, &t->destination);
	network_next_hop(d, &t->nexthop, t->nexthop.family);
	draft_metadata(d, META_VALUE(net, gateway->net->a.index) | META_VALUE(from, FROM_PORT),
		       META_MASK(net) | META_MASK(from));
	draft_goto(d, STAGE_neighbour);
	draft_end(d);
}

void network_route_router(const struct world *w, const struct sw *sw, const struct router *r,
			  struct flowset *fs)
{
	network_scope_router(w, r, fs);
	for (size_t i = 0; r->a.admin_state_up && i < r->a.n_routes; i++) {
		const struct extra_route *t = &r->a.routes[i];
		const struct port *p = port_towards(w, r, &t->nexthop);
		size_t n = 0, first = i;

		for (size_t j = r->a.n_routes; j-- > 0;)
			if (same_destination(t, &r->a.routes[j])) {
				n++;
				first = j;
			}
		if (!p || first != i)
			continue;
		network_scope_route(r, p, &t->destination, fs);
		if (port_is_gateway(p))
			outer_route(w, sw, r, t, p, fs);
		else if (n > 1)
			shared_route(w, sw, r, i, fs);
		else
			single_route(w, sw, r, t, p, fs);
	}
}

/* ---- neighbours ---- */

static void neighbour(uint16_t priority, const struct net *n, const struct ip_addr *ip,
		      const uint8_t mac[6], struct flowset *fs)
{
	bool v4 = ip->family == 4;
	struct draft *d = FLOW(fs, neighbour, priority);

	network_match(d, n);
	draft_match(d, OF_FIELD_ETH_TYPE, v4 ? ETH_IPV4 : ETH_IPV6);
	draft_match_bytes(d, v4 ? OF_FIELD_REG8 : OF_FIELD_XXREG2, ip->b, NULL);
	draft_set_bytes(d, OF_FIELD_ETH_DST, mac);
	draft_goto(d, STAGE_l2);
	draft_end(d);
}

/* The address is nobody's until somebody is found who has it. */
static bool is_looked_for(const struct world *w, const struct port *p, const struct ip_addr *ip)
{
	if (p->place.sw || p->router || !strcmp(p->a.device_owner, "network:floatingip"))
		return false;
	return p->net->a.type != NET_VXLAN || world_ip_is_allowed(w, p->net, ip);
}

/* Where routers lead to its network, a port's addresses lead to its MAC. */
void network_route_port(const struct world *w, const struct port *p, struct flowset *fs)
{
	if (!p->net->router_ports)
		return;
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		const struct ip_addr *ip = &p->a.fixed_ips[i].ip_address;

		if (!is_looked_for(w, p, ip))
			neighbour(PRIO_NEIGHBOUR, p->net, ip, p->a.mac_address, fs);
	}
}

/* Who has been found has it, whosever it is by right: who may say so is controller/neigh.c's. */
void network_route_neigh(const struct neigh *n, struct flowset *fs)
{
	neighbour(PRIO_NEIGHBOUR + 10, n->net, &n->key.ip, n->mac, fs);
}

/* ---- what every switch has ---- */

void network_route_switch(struct flowset *fs)
{
	static const uint16_t types[] = { ETH_IPV4, ETH_IPV6 };
	struct draft *d = FLOW(fs, router_in, PRIO_REST);

	draft_goto(d, STAGE_l2);
	draft_end(d);
	/* Who is the neighbour?  The controller asks, and this first packet is lost. */
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		d = FLOW(fs, neighbour, PRIO_REST);
		draft_match(d, OF_FIELD_ETH_TYPE, types[i]);
		draft_controller(d, 128);
		draft_end(d);
	}
}
