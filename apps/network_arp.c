/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, stage answer: ARP requests for a known address are answered on the asking VM's host,
 * so that they cross no underlay and reach no other tenant.  What is not known here goes on to l2
 * and is flooded.
 */
#include "apps/network.h"

enum { ETH_ARP = 0x0806, ARP_REQUEST = 1, ARP_REPLY = 2 };
enum { PRIO_REST = 0, PRIO_CLAIM = 60, PRIO_ANSWER = 100, PRIO_OWN = 110 };

void network_arp_switch(struct flowset *fs)
{
	struct draft *d = FLOW(fs, answer, PRIO_REST);

	draft_goto(d, STAGE_router_in);
	draft_end(d);
}

static void match_request(struct draft *d, const struct port *p, const struct ip_addr *ip,
			  enum meta_from from)
{
	network_match_from(d, p->net, from);
	draft_match(d, OF_FIELD_ETH_TYPE, ETH_ARP);
	draft_match(d, OF_FIELD_ARP_OP, ARP_REQUEST);
	draft_match_bytes(d, OF_FIELD_ARP_TPA, ip->b, NULL);
}

/* The request turned around in place: RFC 826, "swap hardware and protocol fields". */
static void answer(const struct port *p, const struct ip_addr *ip, enum meta_from from,
		   struct flowset *fs)
{
	struct draft *d = FLOW(fs, answer, PRIO_ANSWER);

	match_request(d, p, ip, from);
	draft_move(d, OF_FIELD_ETH_SRC, OF_FIELD_ETH_DST);
	draft_set_bytes(d, OF_FIELD_ETH_SRC, p->a.mac_address);
	draft_set(d, OF_FIELD_ARP_OP, ARP_REPLY);
	draft_move(d, OF_FIELD_ARP_SHA, OF_FIELD_ARP_THA);
	draft_move(d, OF_FIELD_ARP_SPA, OF_FIELD_ARP_TPA);
	draft_set_bytes(d, OF_FIELD_ARP_SHA, p->a.mac_address);
	draft_set_bytes(d, OF_FIELD_ARP_SPA, ip->b);
	if (from == FROM_UPLINK)
		network_back_to_uplink(d, p->net);
	else
		draft_output(d, OFPP_IN_PORT);
	draft_end(d);
}

/*
 * A VM that asks for its own address looks for a duplicate or announces itself (RFC 5227): an
 * answer from here would look like one.
 */
static void own_address(const struct port *p, const struct ip_addr *ip, struct flowset *fs)
{
	struct draft *d = FLOW(fs, answer, PRIO_OWN);

	match_request(d, p, ip, FROM_PORT);
	draft_match(d, OF_FIELD_IN_PORT, p->place.sp->ofport);
	draft_goto(d, STAGE_l2);
	draft_end(d);
}

/* Who has been asked by the controller answers to it (controller/neigh.h). */
static void heard(const struct port *p, const struct ip_addr *ip, enum meta_from from,
		  struct flowset *fs)
{
	struct draft *d = FLOW(fs, answer, PRIO_ANSWER);

	network_match_from(d, p->net, from);
	draft_match(d, OF_FIELD_ETH_TYPE, ETH_ARP);
	draft_match(d, OF_FIELD_ARP_OP, ARP_REPLY);
	draft_match_bytes(d, OF_FIELD_ARP_TPA, ip->b, NULL);
	draft_controller(d, 128);
	draft_end(d);
}

void network_arp_uplink(const struct sw *sw, const struct port *p, struct flowset *fs)
{
	if (!network_uplink(sw, p->net))
		return;
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		const struct ip_addr *ip = &p->a.fixed_ips[i].ip_address;

		if (ip->family != 4)
			continue;
		answer(p, ip, FROM_UPLINK, fs);
		heard(p, ip, FROM_UPLINK, fs);
	}
}

/*
 * A port speaks for an address that it may have, unasked: the controller hears it, and everybody
 * else.  Of a prefix that is any request for somebody who is not known here.
 */
void network_arp_claim(const struct port *p, const struct ip_prefix *ip, struct flowset *fs)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	bool one = ip->len == 32;
	struct draft *d = FLOW(fs, answer, one ? PRIO_CLAIM + 1 : PRIO_CLAIM);

	network_match_from(d, p->net, FROM_PORT);
	draft_match(d, OF_FIELD_IN_PORT, p->place.sp->ofport);
	draft_match_bytes(d, OF_FIELD_ETH_DST, all, NULL);
	draft_match(d, OF_FIELD_ETH_TYPE, ETH_ARP);
	network_match_prefix(d, OF_FIELD_ARP_SPA, ip);
	if (one)
		draft_match_bytes(d, OF_FIELD_ARP_TPA, ip->addr.b, NULL);
	draft_controller(d, 128);
	draft_goto(d, STAGE_router_in);
	draft_end(d);
}

/*
 * Nobody is answered for who is nowhere: the asker would send into the void.  Routers are
 * everywhere.  An address that others may have, too, is asked for where they are.
 */
void network_arp_port(const struct world *w, const struct sw *sw, const struct port *p,
		      struct flowset *fs)
{
	if (!p->place.sw && !p->router)
		return;
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		const struct ip_addr *ip = &p->a.fixed_ips[i].ip_address;

		if (ip->family != 4 || (!p->router && port_ip_is_shared(w, p, ip)))
			continue;
		answer(p, ip, FROM_PORT, fs);
		if (p->router)
			heard(p, ip, FROM_PORT, fs);
		if (network_is_here(sw, p))
			own_address(p, ip, fs);
	}
}
