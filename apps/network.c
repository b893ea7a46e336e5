/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network: tenant networks over VXLAN, provider VLANs and flat uplinks.  Here: stage admit.
 */
#include "apps/network.h"
#include "apps/network_route.h"
#include "apps/network_sg.h"

#include <string.h>

void network_match(struct draft *d, const struct net *n)
{
	draft_match_masked(d, OF_FIELD_METADATA, META_VALUE(net, n->a.index), META_MASK(net));
}

void network_match_from(struct draft *d, const struct net *n, enum meta_from from)
{
	draft_match_masked(d, OF_FIELD_METADATA,
			   META_VALUE(net, n->a.index) | META_VALUE(from, from),
			   META_MASK(net) | META_MASK(from));
}

bool network_is_here(const struct sw *sw, const struct port *p)
{
	return p->place.sw == sw && p->a.admin_state_up && p->net->a.admin_state_up;
}

const struct sw_port *network_uplink(const struct sw *sw, const struct net *n)
{
	if (n->a.type == NET_VXLAN || !n->a.physnet)
		return NULL;
	return sw_port_by_physnet(sw, n->a.physnet);
}

static void enter(struct draft *d, const struct net *n, enum meta_from from, enum stage next)
{
	draft_metadata(d, META_VALUE(net, n->a.index) | META_VALUE(from, from),
		       META_MASK(net) | META_MASK(from));
	draft_goto(d, next);
	draft_end(d);
}

/* Frames from outside are let in where the network has a port, and nowhere else. */
static void admit_net(const struct sw *sw, const struct net *n, struct flowset *fs)
{
	const struct sw_port *up = network_uplink(sw, n);
	struct draft *d;

	if (!n->a.admin_state_up)
		return;
	if (n->a.type == NET_VXLAN && sw->vtep.addr.family) {
		d = FLOW(fs, admit, 100);
		draft_match(d, OF_FIELD_IN_PORT, sw->vtep.ofport);
		draft_match(d, OF_FIELD_TUN_ID, n->a.segment);
		enter(d, n, FROM_TUNNEL, STAGE_l2);
	}
	if (!up)
		return;
	d = FLOW(fs, admit, 100);
	draft_match(d, OF_FIELD_IN_PORT, up->ofport);
	if (n->a.type == NET_VLAN) {
		draft_match(d, OF_FIELD_VLAN_VID, OFPVID_PRESENT | n->a.segment);
		draft_pop_vlan(d);
	} else {
		draft_match(d, OF_FIELD_VLAN_VID, 0);
	}
	/* Routers may be meant, which answer for themselves. */
	enter(d, n, FROM_UPLINK, n->router_ports ? STAGE_answer : STAGE_l2);
}

/* A tenant's port carries untagged frames; a tag there would reach into another network. */
static void admit_port(const struct port *p, struct flowset *fs)
{
	struct draft *d = FLOW(fs, admit, 100);

	draft_match(d, OF_FIELD_IN_PORT, p->place.sp->ofport);
	draft_match(d, OF_FIELD_VLAN_VID, 0);
	enter(d, p->net, FROM_PORT, p->a.port_security_enabled ? STAGE_guard : STAGE_answer);
}

static void derive_switch(const struct world *w, const struct sw *sw, struct flowset *fs)
{
	network_arp_switch(fs);
	network_route_switch(fs);
	network_nat_switch(fs);
	network_sg_switch(fs);
}

static void derive_net(const struct world *w, const struct sw *sw, const struct net *n,
		       struct flowset *fs)
{
	admit_net(sw, n, fs);
	network_l2_net(sw, n, fs);
}

/* A router's port is nowhere and everywhere: its functions are in the switches. */
static void derive_router_port(const struct world *w, const struct sw *sw, const struct port *p,
			       struct flowset *fs)
{
	if (!p->router->a.admin_state_up)
		return;
	if (port_is_gateway(p))
		network_nat_gateway(w, sw, p, fs);
	else
		network_route_interface(w, sw, p, fs);
	network_route_port(w, p, fs);
}

static bool has_pair(const struct port *p, const struct ip_prefix *ip)
{
	for (size_t i = 0; i < p->a.n_allowed_address_pairs; i++) {
		const struct ip_prefix *pair = &p->a.allowed_address_pairs[i].ip_address;

		if (pair->len == ip->len && ip_prefix_overlaps(pair, ip))
			return true;
	}
	return false;
}

/* Who has an address that several may have: routers to its network are to know. */
static void claims(const struct world *w, const struct port *p, struct flowset *fs)
{
	for (size_t i = 0; p->net->router_ports && i < p->a.n_allowed_address_pairs; i++) {
		const struct ip_prefix *ip = &p->a.allowed_address_pairs[i].ip_address;
		bool again = false;

		/* One address at several MACs. */
		for (size_t k = 0; k < i; k++) {
			const struct ip_prefix *other = &p->a.allowed_address_pairs[k].ip_address;

			again |= other->len == ip->len && ip_prefix_overlaps(other, ip);
		}
		if (!again)
			(ip->addr.family == 4 ? network_arp_claim : network_nd_claim)(p, ip, fs);
	}
	for (size_t i = 0; p->net->router_ports && i < p->a.n_fixed_ips; i++) {
		struct ip_prefix ip = { p->a.fixed_ips[i].ip_address, 0 };

		ip.len = (uint8_t)(8 * ip_size(&ip.addr));
		if (port_ip_is_shared(w, p, &ip.addr) && !has_pair(p, &ip))
			(ip.addr.family == 4 ? network_arp_claim : network_nd_claim)(p, &ip, fs);
	}
}

static void derive_port(const struct world *w, const struct sw *sw, const struct port *p,
			struct flowset *fs)
{
	if (!p->net->a.admin_state_up || !p->a.admin_state_up)
		return;
	if (p->router) {
		derive_router_port(w, sw, p, fs);
		return;
	}
	if (network_is_here(sw, p)) {
		admit_port(p, fs);
		if (p->a.port_security_enabled) {
			network_guard_port(p, p->place.sp->ofport, fs);
			network_sg_port(p, fs);
		}
		network_dhcp_port(w, p, fs);
		claims(w, p, fs);
	}
	network_arp_port(w, sw, p, fs);
	network_nd_port(w, sw, p, fs);
	network_l2_port(sw, p, fs);
	network_route_port(w, p, fs);
}

/* Others' routers are neighbours on an external network, and no more. */
static void derive_far_port(const struct world *w, const struct sw *sw, const struct port *p,
			    struct flowset *fs)
{
	network_route_port(w, p, fs);
}

static void derive_router(const struct world *w, const struct sw *sw, const struct router *r,
			  struct flowset *fs)
{
	network_route_router(w, sw, r, fs);
}

static void derive_floatingip(const struct world *w, const struct sw *sw,
			      const struct floatingip *f, struct flowset *fs)
{
	network_nat_floatingip(w, sw, f, fs);
}

static void derive_neigh(const struct world *w, const struct sw *sw, const struct neigh *n,
			 struct flowset *fs)
{
	network_route_neigh(n, fs);
}

static void derive_sg(const struct world *w, const struct sw *sw, const struct sg *g,
		      struct flowset *fs)
{
	struct sg *groups[] = { (struct sg *)(uintptr_t)g };

	network_sg_policy(g->a.index, groups, 1, fs);
}

static void derive_sg_rules(const struct world *w, const struct sw *sw, const struct sg *g,
			    struct flowset *fs)
{
	network_sg_rules(g, fs);
}

static void derive_member(const struct world *w, const struct sw *sw, const struct sg *g,
			  const struct sg_addr *a, struct flowset *fs)
{
	network_sg_member(g, a, fs);
}

const struct app app_network = {
	.id = APP_NETWORK,
	.name = "network",
	.derive_switch = derive_switch,
	.derive_net = derive_net,
	.derive_port = derive_port,
	.derive_far_port = derive_far_port,
	.derive_router = derive_router,
	.derive_floatingip = derive_floatingip,
	.derive_neigh = derive_neigh,
	.derive_sg = derive_sg,
	.derive_sg_rules = derive_sg_rules,
	.derive_member = derive_member,
};
