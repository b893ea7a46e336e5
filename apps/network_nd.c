/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, stage answer: neighbour solicitations for a known address are answered on the asking
 * VM's host, as ARP requests are (network_arp.c).
 */
#include "apps/network.h"

enum { ETH_IPV6 = 0x86dd, PROTO_ICMPV6 = 58, ICMPV6_NS = 135, ICMPV6_NA = 136 };
enum { PRIO_CLAIM = 60, PRIO_ANSWER = 100, PRIO_OWN = 110 };

static void match_nd(struct draft *d, const struct net *n, enum meta_from from, uint8_t type)
{
	network_match_from(d, n, from);
	draft_match(d, OF_FIELD_ETH_TYPE, ETH_IPV6);
	draft_match(d, OF_FIELD_IP_PROTO, PROTO_ICMPV6);
	draft_match(d, OF_FIELD_ICMPV6_TYPE, type);
}

static void answer(const struct port *p, const struct ip_addr *ip, enum meta_from from,
		   struct flowset *fs)
{
	struct draft *d = FLOW(fs, answer, PRIO_ANSWER);

	match_nd(d, p->net, from, ICMPV6_NS);
	draft_match_bytes(d, OF_FIELD_ND_TARGET, ip->b, NULL);
	draft_answer_nd(d, p->a.mac_address, p->router ? WEFT_NA_ROUTER : 0);
	if (from == FROM_UPLINK)
		network_back_to_uplink(d, p->net);
	else
		draft_output(d, OFPP_IN_PORT);
	draft_end(d);
}

/* Its own address: it looks for a duplicate (RFC 4862 5.4), and others are to hear of it. */
static void own_address(const struct port *p, const struct ip_addr *ip, struct flowset *fs)
{
	struct draft *d = FLOW(fs, answer, PRIO_OWN);

	match_nd(d, p->net, FROM_PORT, ICMPV6_NS);
	draft_match_bytes(d, OF_FIELD_ND_TARGET, ip->b, NULL);
	draft_match(d, OF_FIELD_IN_PORT, p->place.sp->ofport);
	draft_goto(d, STAGE_l2);
	draft_end(d);
}

/* Who has been asked by the controller answers to it (controller/neigh.h). */
static void heard(const struct port *p, const struct ip_addr *ip, enum meta_from from,
		  struct flowset *fs)
{
	struct draft *d = FLOW(fs, answer, PRIO_ANSWER);

	match_nd(d, p->net, from, ICMPV6_NA);
	draft_match_bytes(d, OF_FIELD_IPV6_DST, ip->b, NULL);
	draft_controller(d, 128);
	draft_end(d);
}

/* A router's link-local address is where its advertisements send hosts. */
static struct ip_addr router_link_local(const struct port *p)
{
	static const struct ip_prefix fe80 = { { 6, { 0xfe, 0x80 } }, 64 };

	return ip_eui64(&fe80, p->a.mac_address);
}

void network_nd_uplink(const struct sw *sw, const struct port *p, struct flowset *fs)
{
	struct ip_addr own = router_link_local(p);
	bool any = false;

	if (!network_uplink(sw, p->net))
		return;
	for (size_t i = 0; i < p->a.n_fixed_ips; i++)
		if (p->a.fixed_ips[i].ip_address.family == 6) {
			answer(p, &p->a.fixed_ips[i].ip_address, FROM_UPLINK, fs);
			heard(p, &p->a.fixed_ips[i].ip_address, FROM_UPLINK, fs);
			any = true;
		}
	if (any && port_is_interface(p))
		answer(p, &own, FROM_UPLINK, fs);
}

/* As network_arp_claim(): an advertisement to all (RFC 4861 7.2.6). */
void network_nd_claim(const struct port *p, const struct ip_prefix *ip, struct flowset *fs)
{
	static const uint8_t all[16] = { 0xff, 0x02, [15] = 1 };
	struct draft *d = FLOW(fs, answer, ip->len == 128 ? PRIO_CLAIM + 1 : PRIO_CLAIM);

	match_nd(d, p->net, FROM_PORT, ICMPV6_NA);
	draft_match(d, OF_FIELD_IN_PORT, p->place.sp->ofport);
	draft_match_bytes(d, OF_FIELD_IPV6_DST, all, NULL);
	network_match_prefix(d, OF_FIELD_ND_TARGET, ip);
	draft_controller(d, 128);
	draft_goto(d, STAGE_router_in);
	draft_end(d);
}

void network_nd_port(const struct world *w, const struct sw *sw, const struct port *p,
		     struct flowset *fs)
{
	if (!p->place.sw && !p->router)
		return;
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		const struct ip_addr *ip = &p->a.fixed_ips[i].ip_address;

		if (ip->family != 6 || (!p->router && port_ip_is_shared(w, p, ip)))
			continue;
		answer(p, ip, FROM_PORT, fs);
		if (p->router)
			heard(p, ip, FROM_PORT, fs);
		if (network_is_here(sw, p))
			own_address(p, ip, fs);
	}
	if (p->router) {
		struct ip_addr ip = router_link_local(p);

		answer(p, &ip, FROM_PORT, fs);
	}
}
