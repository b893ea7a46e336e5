/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, stages nat_in, nat_out and way_out: a router's gateway, and the addresses that it
 * translates.
 *
 *   out   route -> nat_out (floating IP: on the VM's own host; else to the gateway's host, by the
 *         router's transit VNI, and translated there) -> way_out (next hop outside) -> neighbour
 *   in    admit -> answer -> router_in -> nat_in -> route
 *
 * Connections of a router have one zone on each host.  A connection that came in goes out
 * translated back, and the other way round, by the same flows: what a flow says about addresses
 * counts for the first packet of a connection only.
 */
#include "apps/network_route.h"

enum { ETH_IPV4 = 0x0800, ETH_IPV6 = 0x86dd };
enum { PRIO_REST = 0, PRIO_GATEWAY = 50, PRIO_FLOATING = 100, PRIO_FORWARD = 110 };

void network_nat_translate(struct draft *d, const struct router *r, const struct nat_spec *nat,
			   bool commit, enum stage next)
{
	struct ct_spec ct = { .zone = network_router_zone(r),
			      .commit = commit,
			      .goes_on = true,
			      .next = next,
			      .nat = nat };

	draft_ct(d, &ct);
	draft_end(d);
}

/* ---- into the router ---- */

/* Frames of the external network for an address that lives on this host. */
static void endpoint(const struct port *outer, const struct router *r, struct flowset *fs)
{
	struct draft *d = FLOW(fs, router_in, 100);

	network_match(d, outer->net);
	draft_match_bytes(d, OF_FIELD_ETH_DST, outer->a.mac_address, NULL);
	network_enter_router(d, r, STAGE_nat_in);

	/* The same from inside, when it has been routed out here: back to where frames come in. */
	d = FLOW(fs, l2, 110);
	network_match(d, outer->net);
	draft_match_bytes(d, OF_FIELD_ETH_DST, outer->a.mac_address, NULL);
	draft_load_meta(d, from, FROM_UPLINK);
	draft_clear_in_port(d);
	draft_ct_clear(d);
	draft_resubmit(d, STAGE_router_in);
	draft_end(d);
}

static void match_address(struct draft *d, const struct router *r, enum of_field_id f,
			  const struct ip_addr *ip)
{
	network_match_router(d, r);
	draft_match(d, OF_FIELD_ETH_TYPE, ETH_IPV4);
	draft_match_bytes(d, f, ip->b, NULL);
}

/* ---- the gateway ---- */

/* Replies to what went out; other packets for the address are the router's own. */
static void gateway_in(const struct port *p, struct flowset *fs)
{
	static const struct nat_spec back;

	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		struct draft *d;

		if (p->a.fixed_ips[i].ip_address.family != 4)
			continue;
		d = FLOW(fs, nat_in, PRIO_GATEWAY);
		match_address(d, p->router, OF_FIELD_IPV4_DST, &p->a.fixed_ips[i].ip_address);
		network_nat_translate(d, p->router, &back, false, STAGE_route);
	}
}

static const struct ip_addr *gateway_ipv4(const struct port *p)
{
	for (size_t i = 0; i < p->a.n_fixed_ips; i++)
		if (p->a.fixed_ips[i].ip_address.family == 4)
			return &p->a.fixed_ips[i].ip_address;
	return NULL;
}

/* On its host: translated, or as it is.  IPv6 addresses are never translated. */
static void gateway_out(const struct port *p, struct flowset *fs)
{
	const struct router *r = p->router;
	const struct ip_addr *ip = gateway_ipv4(p);
	bool snat = ip && r->a.n_gateway && r->a.gateway[0].enable_snat;
	struct nat_spec nat = { .src = snat };
	struct draft *d = FLOW(fs, nat_out, PRIO_REST + 1);

	network_match_router(d, r);
	draft_set_bytes(d, OF_FIELD_ETH_SRC, p->a.mac_address);
	draft_goto(d, STAGE_way_out);
	draft_end(d);
	/* Without SNAT only replies of forwarded ports are translated, back. */
	if (snat)
		nat.min = *ip;
	d = FLOW(fs, nat_out, PRIO_GATEWAY);
	network_match_router(d, r);
	draft_match(d, OF_FIELD_ETH_TYPE, ETH_IPV4);
	draft_set_bytes(d, OF_FIELD_ETH_SRC, p->a.mac_address);
	network_nat_translate(d, r, &nat, snat, STAGE_way_out);
}

/* Elsewhere: to its host, by a VNI of the router's own. */
static void gateway_transit(const struct sw *sw, const struct sw *there, const struct port *p,
			    struct flowset *fs)
{
	const struct ip_addr *to = &there->vtep.addr;
	struct draft *d;

	if (!to->family || to->family != sw->vtep.addr.family)
		return;
	d = FLOW(fs, nat_out, PRIO_REST + 1);
	network_match_router(d, p->router);
	draft_set(d, OF_FIELD_TUN_ID, p->router->a.transit);
	draft_set_bytes(d, to->family == 4 ? OF_FIELD_TUN_DST : OF_FIELD_TUN_IPV6_DST, to->b);
	draft_output(d, sw->vtep.ofport);
	draft_end(d);
}

static void gateway_admit(const struct sw *sw, const struct router *r, struct flowset *fs)
{
	struct draft *d;

	if (!sw->vtep.addr.family)
		return;
	d = FLOW(fs, admit, 100);
	draft_match(d, OF_FIELD_IN_PORT, sw->vtep.ofport);
	draft_match(d, OF_FIELD_TUN_ID, r->a.transit);
	network_enter_router(d, r, STAGE_nat_out);
}

/* Routes to the external network: what is on it, and by its own gateway all the rest. */
static void ways_out(const struct world *w, const struct sw *sw, const struct port *p,
		     struct flowset *fs)
{
	for (NET_EACH_SUBNET(s, p->net)) {
		struct ip_prefix all = { s->a.gateway_ip, 0 };
		const struct ip_prefix *to[] = { &s->a.cidr, all.addr.family ? &all : NULL };

		for (int i = 0; i < 2 && to[i]; i++) {
			uint16_t prio = network_prefix_prio(to[i]);
			struct draft *d =
				network_way(p->router, to[i],
					    network_narrow(w, sw, p, s->a.cidr.addr.family), fs);

			draft_dec_ttl(d);
			draft_goto(d, STAGE_nat_out);
			draft_end(d);

			d = FLOW(fs, way_out, prio);
			network_match_router(d, p->router);
			network_match_dst(d, to[i]);
			network_next_hop(d, i ? &all.addr : NULL, s->a.cidr.addr.family);
			draft_metadata(
				d, META_VALUE(net, p->net->a.index) | META_VALUE(from, FROM_PORT),
				META_MASK(net) | META_MASK(from));
			draft_goto(d, STAGE_neighbour);
			draft_end(d);
		}
	}
}

void network_nat_gateway(const struct world *w, const struct sw *sw, const struct port *p,
			 struct flowset *fs)
{
	const struct sw *there = world_gateway_switch(w, p->router);

	if (!p->router->a.admin_state_up)
		return;
	ways_out(w, sw, p, fs);
	network_route_speak(w, sw, p, fs);
	if (there != sw) {
		if (there)
			gateway_transit(sw, there, p, fs);
		return;
	}
	endpoint(p, p->router, fs);
	network_arp_uplink(sw, p, fs);
	network_nd_uplink(sw, p, fs);
	gateway_admit(sw, p->router, fs);
	gateway_in(p, fs);
	gateway_out(p, fs);
	network_scope_gateway(p, fs);
}

/* ---- floating IPs and port forwardings ---- */

static void leads_to_port(const struct floatingip *f, struct flowset *fs)
{
	struct nat_spec in = { .dst = true, .min = f->a.fixed_ip };
	struct nat_spec out = { .src = true, .min = f->a.address };
	struct draft *d = FLOW(fs, nat_in, PRIO_FLOATING);

	match_address(d, f->router, OF_FIELD_IPV4_DST, &f->a.address);
	network_nat_translate(d, f->router, &in, true, STAGE_route);

	d = FLOW(fs, nat_out, PRIO_FLOATING);
	match_address(d, f->router, OF_FIELD_IPV4_SRC, &f->a.fixed_ip);
	draft_set_bytes(d, OF_FIELD_ETH_SRC, f->outer->a.mac_address);
	network_nat_translate(d, f->router, &out, true, STAGE_way_out);
}

/* 'size' ports outside from 'from' on, a power of two that divides it, to what 'in' says. */
static void forward_block(const struct floatingip *f, const struct port_forwarding *p,
			  uint32_t from, uint32_t size, const struct nat_spec *in,
			  struct flowset *fs)
{
	static const struct {
		uint8_t proto;
		enum of_field_id dst;
	} by[] = {
		[FORWARD_TCP] = { 6, OF_FIELD_TCP_DST },
		[FORWARD_UDP] = { 17, OF_FIELD_UDP_DST },
		[FORWARD_SCTP] = { 132, OF_FIELD_SCTP_DST },
		[FORWARD_ICMP] = { 1, OF_N_FIELDS },
	};
	struct draft *d = FLOW(fs, nat_in, PRIO_FORWARD);

	match_address(d, f->router, OF_FIELD_IPV4_DST, &f->a.address);
	draft_match(d, OF_FIELD_IP_PROTO, by[p->a.protocol].proto);
	if (by[p->a.protocol].dst == OF_N_FIELDS)
		;
	else if (size == 1)
		draft_match(d, by[p->a.protocol].dst, from);
	else if (size < 0x10000)
		draft_match_masked(d, by[p->a.protocol].dst, from, 0x10000 - size);
	network_nat_translate(d, f->router, in, true, STAGE_route);
}

/* Ports that stay the same, and those that all lead to one, are values with masks; else each has a
 * flow (nb_port_forwarding.c says how many there may be). */
static void forwards(const struct floatingip *f, const struct port_forwarding *p,
		     struct flowset *fs)
{
	struct nat_spec in = { .dst = true, .min = p->a.internal_ip };
	bool one = p->internal.min == p->internal.max, same = p->external.min == p->internal.min;

	if (p->a.protocol == FORWARD_ICMP) {
		forward_block(f, p, 0, 1, &in, fs);
		return;
	}
	for (uint32_t from = p->external.min, size; from <= p->external.max; from += size) {
		size = one || same ? port_span_block(from, p->external.max) : 1;
		if (one)
			in.port_min = p->internal.min;
		else if (!same)
			in.port_min = (uint16_t)(p->internal.min + from - p->external.min);
		forward_block(f, p, from, size, &in, fs);
	}
}

void network_nat_floatingip(const struct world *w, const struct sw *sw, const struct floatingip *f,
			    struct flowset *fs)
{
	if (!f->router || !f->outer || !f->router->a.admin_state_up ||
	    world_floatingip_switch(w, f) != sw)
		return;
	endpoint(f->outer, f->router, fs);
	network_arp_uplink(sw, f->outer, fs);
	if (f->port)
		leads_to_port(f, fs);
	for (const struct port_forwarding *p = f->forwardings; p; p = p->next)
		forwards(f, p, fs);
}

/* ---- what every switch has ---- */

/* Addresses that nothing translates are routed as they are. */
void network_nat_switch(struct flowset *fs)
{
	struct draft *d = FLOW(fs, nat_in, PRIO_REST);

	draft_goto(d, STAGE_route);
	draft_end(d);
}
