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

/* Group ids: 0x4 (4) | which part (2) | what it does (2) | network's index (24). */
enum { GROUP_FLOOD = 0x40, GROUP_FLOOD_LOCAL, GROUP_UNKNOWN, GROUP_UNKNOWN_LOCAL };
/* Buckets of 72 bytes at most, in a message of 64 KiB; parts (ledger.c sends the last one first).
 */
enum { FLOOD_BUCKETS = 900, FLOOD_PARTS = 4 };

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

/*
 * A group of all members.  What one message does not hold goes into a further group, to which the
 * last bucket leads.
 */
struct flood {
	const struct net *net;
	struct flowset *fs;
	struct draft *d;
	unsigned int what, part;
	size_t n;
};

static void flood_begin(struct flood *f)
{
	f->d = GROUP_ALL(f->fs, l2, group_of(f->net, f->what | f->part << 2));
	f->n = 0;
}

static void flood_bucket(struct flood *f)
{
	if (f->n == FLOOD_BUCKETS && f->part + 1 < FLOOD_PARTS) {
		draft_bucket(f->d);
		draft_group(f->d, group_of(f->net, f->what | ++f->part << 2));
		draft_end(f->d);
		flood_begin(f);
	}
	f->n++;
	draft_bucket(f->d);
}

static void local_members(struct flood *f, const struct sw *sw, bool open_only)
{
	const struct member *m = net_member(f->net, sw);

	for (size_t i = 0; m && i < m->n; i++)
		if (network_is_here(sw, m->ports[i]) && (!open_only || m->ports[i]->open)) {
			flood_bucket(f);
			to_port(f->d, m->ports[i], true);
		}
}

static void remote_members(struct flood *f, const struct sw *sw, bool open_only)
{
	const struct net *n = f->net;
	const struct sw_port *up = network_uplink(sw, n);

	if (up) {
		flood_bucket(f);
		network_to_uplink(f->d, up, n);
	}
	if (n->a.type != NET_VXLAN)
		return;
	for (NET_EACH_MEMBER(m, n)) {
		if (!reachable(sw, m->sw) || !sw_is_alive(m->sw) || (open_only && !m->n_open))
			continue;
		flood_bucket(f);
		to_vtep(f->d, sw, n, &m->sw->vtep.addr);
	}
}

static void flood_group(const struct sw *sw, const struct net *n, bool open_only, bool remote,
			struct flowset *fs)
{
	unsigned int what = (open_only ? GROUP_UNKNOWN : GROUP_FLOOD) + (remote ? 0 : 1);
	struct flood f = { .net = n, .fs = fs, .what = what };

	flood_begin(&f);
	local_members(&f, sw, open_only);
	if (remote)
		remote_members(&f, sw, open_only);
	draft_end(f.d);
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
	bool open = n->n_open_members;
	struct draft *d;

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
