/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, stage l2: known unicast straight to the port or the right host; broadcast and
 * multicast by group to local members, and from a local member also to hosts that have members and
 * to the uplink.
 *
 * What came from a tunnel or an uplink never goes back there (split horizon): the sender has
 * reached every host itself.
 */
#include "apps/network.h"

enum {
	PRIO_UNKNOWN = 10,
	PRIO_UNKNOWN_LOCAL = 20,
	PRIO_UNICAST = 100,
	PRIO_MULTICAST = 50,
	PRIO_MULTICAST_LOCAL = 60
};

/* Group ids: what it does (8) | network's index (24). */
enum { GROUP_FLOOD = 0x40, GROUP_FLOOD_LOCAL, GROUP_UNKNOWN, GROUP_UNKNOWN_LOCAL };

static uint32_t group_of(const struct net *n, unsigned int what)
{
	return (uint32_t)what << 24 | n->a.index;
}

/* Sets the tunnel's outer address and sends into it. */
static void to_vtep(struct draft *d, const struct sw *sw, const struct net *n,
		    const struct ip_addr *remote)
{
	draft_set(d, OF_FIELD_TUN_ID, n->a.segment);
	draft_set_bytes(d, remote->family == 4 ? OF_FIELD_TUN_DST : OF_FIELD_TUN_IPV6_DST,
			remote->b);
	draft_output(d, sw->vtep.ofport);
}

void network_to_uplink(struct draft *d, const struct sw_port *up, const struct net *n)
{
	if (n->a.type == NET_VLAN)
		draft_push_vlan(d, (uint16_t)n->a.segment);
	draft_output(d, up->ofport);
}

void network_back_to_uplink(struct draft *d, const struct net *n)
{
	if (n->a.type == NET_VLAN)
		draft_push_vlan(d, (uint16_t)n->a.segment);
	draft_output(d, OFPP_IN_PORT);
}

/* Whether VXLAN can carry from 'sw' to the switch at 'to'. */
static bool reachable(const struct sw *sw, const struct sw *to)
{
	return to && to != sw && to->vtep.addr.family &&
	       to->vtep.addr.family == sw->vtep.addr.family;
}

/* A port with port security is asked what it may receive. */
static void to_port(struct draft *d, const struct port *p, bool bucket)
{
	if (!p->a.port_security_enabled) {
		draft_output(d, p->place.sp->ofport);
		return;
	}
	draft_load(d, REG_out, p->place.sp->ofport);
	if (bucket)
		draft_resubmit(d, STAGE_sg_in);
	else
		draft_goto(d, STAGE_sg_in);
}

void network_l2_port(const struct sw *sw, const struct port *p, struct flowset *fs)
{
	bool here = network_is_here(sw, p);
	struct draft *d;

	/* On a VLAN the uplink is the way to everybody who is not here: no flow of its own. */
	if (!here && (p->net->a.type != NET_VXLAN || !reachable(sw, p->place.sw)))
		return;
	d = FLOW(fs, l2, PRIO_UNICAST);
	draft_match_bytes(d, OF_FIELD_ETH_DST, p->a.mac_address, NULL);
	if (here) {
		network_match(d, p->net);
		to_port(d, p, false);
	} else {
		network_match_from(d, p->net, FROM_PORT);
		to_vtep(d, sw, p->net, &p->place.sw->vtep.addr);
	}
	draft_end(d);
}

static void local_members(struct draft *d, const struct sw *sw, const struct net *n, bool open_only)
{
	for (NET_EACH_PORT(p, n))
		if (network_is_here(sw, p) && (!open_only || network_is_open(p))) {
			draft_bucket(d);
			to_port(d, p, true);
		}
}

/* Whether 'p' is the first port of its network that brings packets to its switch. */
static bool first_of_switch(const struct net *n, const struct port *p, bool open_only)
{
	for (NET_EACH_PORT(q, n)) {
		if (q == p)
			return true;
		if (q->place.sw == p->place.sw && (!open_only || network_is_open(q)))
			return false;
	}
	return true;
}

static void remote_members(struct draft *d, const struct sw *sw, const struct net *n,
			   bool open_only)
{
	const struct sw_port *up = network_uplink(sw, n);

	if (up) {
		draft_bucket(d);
		network_to_uplink(d, up, n);
	}
	if (n->a.type != NET_VXLAN)
		return;
	for (NET_EACH_PORT(p, n)) {
		if (!reachable(sw, p->place.sw) || (open_only && !network_is_open(p)) ||
		    !first_of_switch(n, p, open_only))
			continue;
		draft_bucket(d);
		to_vtep(d, sw, n, &p->place.sw->vtep.addr);
	}
}

static void flood_group(const struct sw *sw, const struct net *n, bool open_only, bool remote,
			struct flowset *fs)
{
	unsigned int what = (open_only ? GROUP_UNKNOWN : GROUP_FLOOD) + (remote ? 0 : 1);
	struct draft *d = GROUP_ALL(fs, l2, group_of(n, what));

	local_members(d, sw, n, open_only);
	if (remote)
		remote_members(d, sw, n, open_only);
	draft_end(d);
}

static void to_group(struct draft *d, const struct net *n, unsigned int what)
{
	draft_group(d, group_of(n, what));
	draft_end(d);
}

/* Frames to nobody that is known: for ports that have MACs of their own behind them, and the
 * uplink. */
static void unknown(const struct sw *sw, const struct net *n, struct flowset *fs)
{
	bool open = false;
	struct draft *d;

	for (NET_EACH_PORT(p, n))
		open = open || (p->place.sw && network_is_open(p));
	if (!open && !network_uplink(sw, n))
		return;
	flood_group(sw, n, true, true, fs);
	d = FLOW(fs, l2, PRIO_UNKNOWN_LOCAL);
	network_match_from(d, n, FROM_PORT);
	to_group(d, n, GROUP_UNKNOWN);
	if (!open)
		return;
	flood_group(sw, n, true, false, fs);
	d = FLOW(fs, l2, PRIO_UNKNOWN);
	network_match(d, n);
	to_group(d, n, GROUP_UNKNOWN_LOCAL);
}

void network_l2_net(const struct sw *sw, const struct net *n, struct flowset *fs)
{
	static const uint8_t group_bit[6] = { 0x01 };
	struct draft *d;

	if (!n->a.admin_state_up)
		return;
	flood_group(sw, n, false, true, fs);
	flood_group(sw, n, false, false, fs);
	d = FLOW(fs, l2, PRIO_MULTICAST_LOCAL);
	network_match_from(d, n, FROM_PORT);
	draft_match_bytes(d, OF_FIELD_ETH_DST, group_bit, group_bit);
	to_group(d, n, GROUP_FLOOD);
	d = FLOW(fs, l2, PRIO_MULTICAST);
	network_match(d, n);
	draft_match_bytes(d, OF_FIELD_ETH_DST, group_bit, group_bit);
	to_group(d, n, GROUP_FLOOD_LOCAL);
	unknown(sw, n, fs);
}
