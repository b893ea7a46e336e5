/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/neigh.h"

#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/log.h"
#include "controller/cuts.h"
#include "controller/mem.h"
#include "controller/neigh_frame.h"
#include "controller/solicit.h"
#include "controller/south_priv.h"

enum { NX_IN_PORT = 0xfff8 }; /* resubmit: the one that it has */

enum {
	TICK = 1,   /* seconds */
	TRIES = 3,  /* of one who does not answer; a network's own gateway is asked for on and on */
	AGAIN = 30, /* seconds after which who is known is asked again, */
	AGAIN_GATEWAY = 5, /* a network's own gateway, by which all else goes */
	FORGET = 100,	   /* ... and forgotten when nothing has come back; */
	PROOF = 30,	   /* so long, who was taken over from a former controller */
	ASKED_MAX = 4096,  /* under way at once: more are asked for when their next packet comes */
	REPEAT = 3,	   /* an announcement is sent so often: frames are lost */
};

/* Asked for, not answered. */
struct asked {
	struct {
		uint32_t net;
		struct ip_addr ip;
	} key;
	unsigned int tries;
	UT_hash_handle hh;
};

/* Where an address of ours was announced from. */
struct announced {
	uint32_t port; /* key: index of the port that has it */
	uint64_t dpid;
	unsigned int left; /* announcements to come */
	bool there;	   /* in the present round */
	bool moved;	   /* a VM's port that has come to this switch; forgotten when told */
	UT_hash_handle hh;
};

struct neighs {
	struct south *south;
	struct asked *asked;
	struct announced *announced;
	struct solicits *solicits;
	struct cuts *cuts;
	ev_timer tick;
};

/* ---- sending ---- */

/* A frame to the wire of network 'net' from switch 'sw', as it is. */
static void send_frame(struct neighs *n, const struct sw *sw, const struct net *net, uint8_t *frame,
		       size_t len)
{
	const struct sw_port *up = sw_port_by_physnet(sw, net->a.physnet);
	struct of_action_output out = { .kind = OF_KIND_action_output, .max_len = 0xffff };
	struct of_any *actions[] = { (struct of_any *)&out };
	struct of_packet_out po = { .kind = OF_KIND_packet_out,
				    .buffer_id = OFP_NO_BUFFER,
				    .in_port = OFPP_CONTROLLER,
				    .actions = { .n = 1, .v = (void *)actions },
				    .data = { .p = frame, .n = (uint32_t)len } };
	struct peer *p = south_peer(n->south, sw);

	if (!up || !p)
		return;
	out.port = up->ofport;
	of_session_send(p->session, peer_xid(p), (struct of_any *)&po);
}

static uint16_t vid_of(const struct net *net)
{
	return net->a.type == NET_VLAN ? (uint16_t)net->a.segment : 0;
}

/* Into the whole of 'net' from switch 'sw', as if a port had sent it: its ports, tunnels, uplink.
 */
static void flood_frame(struct neighs *n, const struct sw *sw, const struct net *net,
			uint8_t *frame, size_t len)
{
	struct of_nx_reg_load load = {
		.kind = OF_KIND_nx_reg_load,
		.dst = { .field = &of_fields[OF_FIELD_METADATA], .n_bits = 64 },
		.value = META_VALUE(net, net->a.index) | META_VALUE(from, FROM_PORT)
	};
	struct of_nx_resubmit_table go = { .kind = OF_KIND_nx_resubmit_table,
					   .in_port = NX_IN_PORT,
					   .table = stages[STAGE_l2].table };
	struct of_any *actions[] = { (struct of_any *)&load, (struct of_any *)&go };
	struct of_packet_out po = { .kind = OF_KIND_packet_out,
				    .buffer_id = OFP_NO_BUFFER,
				    .in_port = OFPP_CONTROLLER,
				    .actions = { .n = 2, .v = (void *)actions },
				    .data = { .p = frame, .n = (uint32_t)len } };
	struct peer *p = south_peer(n->south, sw);

	if (p)
		of_session_send(p->session, peer_xid(p), (struct of_any *)&po);
}

/* Where a router's port asks from: where it lives; one that lives everywhere, from any host. */
static const struct sw *asks_from(const struct neighs *n, const struct port *p)
{
	if (port_is_anchored(p))
		return world_anchor(n->south->world, p);
	for (NET_EACH_MEMBER(m, p->net))
		if (south_peer(n->south, m->sw))
			return m->sw;
	return NULL;
}

/* Its address of the same subnet; a gateway has one of its network's subnets, and leads to all. */
static const struct ip_addr *speaks_as(const struct neighs *n, const struct port *p,
				       const struct ip_addr *ip)
{
	const struct ip_addr *other = NULL;

	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		const struct ip_addr *own = &p->a.fixed_ips[i].ip_address;
		const struct subnet *s =
			world_subnet_find(n->south->world, p->a.fixed_ips[i].subnet_id);

		if (s && ip_prefix_has(&s->a.cidr, ip))
			return own;
		if (own->family == ip->family)
			other = own;
	}
	for (NET_EACH_SUBNET(s, p->net))
		if (port_is_gateway(p) && ip_prefix_has(&s->a.cidr, ip))
			return other;
	return NULL;
}

/* The router's port that asks for 'ip' on 'net', from where, and as whom. */
static const struct port *asker(const struct neighs *n, const struct net *net,
				const struct ip_addr *ip, const struct ip_addr **own,
				const struct sw **from)
{
	for (NET_EACH_ROUTER_PORT(p, net)) {
		if (!p->router->a.admin_state_up)
			continue;
		*own = speaks_as(n, p, ip);
		*from = *own ? asks_from(n, p) : NULL;
		if (*from)
			return p;
	}
	return NULL;
}

/* A gateway asks on the wire, an interface its network's ports as well. */
static void ask_now(struct neighs *n, const struct net *net, const struct ip_addr *ip)
{
	uint8_t frame[NEIGH_FRAME_MAX];
	const struct ip_addr *own;
	const struct sw *from;
	const struct port *p = asker(n, net, ip, &own, &from);

	if (p && port_is_gateway(p) && net->a.type != NET_VXLAN)
		send_frame(n, from, net, frame,
			   neigh_frame_ask(frame, vid_of(net), p->a.mac_address, own, ip));
	else if (p)
		flood_frame(n, from, net, frame,
			    neigh_frame_ask(frame, 0, p->a.mac_address, own, ip));
}

static void ask(struct neighs *n, const struct net *net, const struct ip_addr *ip)
{
	__typeof__(((struct asked *)0)->key) key;
	struct asked *a;

	memset(&key, 0, sizeof(key));
	key.net = net->a.index;
	key.ip = *ip;
	HASH_FIND(hh, n->asked, &key, sizeof(key), a);
	if (a || HASH_COUNT(n->asked) >= ASKED_MAX)
		return;
	a = mem_get(sizeof(*a));
	memcpy(&a->key, &key, sizeof(key));
	HASH_ADD(hh, n->asked, key, sizeof(a->key), a);
	ask_now(n, net, ip);
}

static void asked_drop(struct neighs *n, struct asked *a)
{
	HASH_DEL(n->asked, a);
	free(a);
}

/* ---- hearing ---- */

/* 'p' says unasked that it has an address: it counts where somebody else is taken for its owner. */
static bool is_claim(const struct world *w, const struct port *p, const struct ip_addr *ip)
{
	const struct port *owner = world_port_by_ip(p->net, ip);

	return world_neigh_find(w, p->net, ip) || (owner && owner != p && owner->place.sw);
}

/*
 * 'p' NULL: a station on the wire.  Of these only who was asked is believed, so that others cannot
 * fill the world, or take over an address; ports are, what they may say.
 */
static void heard(struct neighs *n, struct net *net, const struct port *p, const struct ip_addr *ip,
		  const uint8_t mac[6])
{
	__typeof__(((struct asked *)0)->key) key;
	struct asked *a;

	memset(&key, 0, sizeof(key));
	key.net = net->a.index;
	key.ip = *ip;
	HASH_FIND(hh, n->asked, &key, sizeof(key), a);
	if (!world_may_have(n->south->world, p, net, ip, mac) ||
	    !(a || (p && is_claim(n->south->world, p, ip))))
		return;
	if (a)
		asked_drop(n, a);
	if (world_neigh_set(n->south->world, net, ip, mac, p) == -ENOSPC)
		log_warn("neigh", "network %s: knows %d neighbours, no room for more", net->a.id,
			 WORLD_NEIGHS_MAX);
}

/* Of what is known, what 'p' has to do with is still so. */
static void recheck(struct neighs *n, const struct port *p)
{
	struct world *w = n->south->world;
	struct neigh *k, *next;

	for (k = p->net->neighs; k; k = next) {
		const struct port *holder =
			k->port == NUM_NONE ? NULL : world_port_by_index(w, k->port);
		bool own = false;

		next = k->net_next;
		for (size_t i = 0; i < p->a.n_fixed_ips; i++)
			own |= !ip_cmp(&p->a.fixed_ips[i].ip_address, &k->key.ip);
		if ((own || k->port == p->a.index) &&
		    ((k->port != NUM_NONE && !holder) ||
		     !world_may_have(w, holder, k->net, &k->key.ip, k->mac)))
			world_neigh_forget(w, k);
	}
}

/* Its destination, or what the route made of it. */
static bool next_hop(const struct of_packet_in *pi, struct ip_addr *ip)
{
	uint8_t reg[16];

	if (!neigh_frame_dst(pi->data.p, pi->data.n, ip))
		return false;
	of_field_get(&of_fields[OF_FIELD_XXREG2], &pi->match.value, reg);
	for (size_t i = 0; i < ip_size(ip); i++)
		if (reg[i]) {
			memcpy(ip->b, reg, ip_size(ip));
			break;
		}
	return true;
}

void neighs_packet_in(struct neighs *n, struct peer *p, const struct of_packet_in *pi)
{
	uint64_t metadata = of_field_get_u64(&of_fields[OF_FIELD_METADATA], &pi->match.value);
	struct net *net =
		world_net_by_index(n->south->world, (uint32_t)(metadata & META_MASK(net)));
	struct ip_addr ip;
	uint8_t mac[6];

	if (!net || !p->sw)
		return;
	if (pi->table_id == stages[STAGE_neighbour].table) {
		if (next_hop(pi, &ip))
			ask(n, net, &ip);
	} else if (neigh_frame_read(pi->data.p, pi->data.n, &ip, mac)) {
		const struct sw_port *from = sw_port_find(
			p->sw,
			(uint32_t)of_field_get_u64(&of_fields[OF_FIELD_IN_PORT], &pi->match.value));

		if (from && (from->port || from->physnet))
			heard(n, net, from->port, &ip, mac);
	}
}

/* Of a flow in stage neighbour: the MAC address that it gives; false: none. */
static bool gives_mac(const struct of_flow_stats *f, uint8_t mac[6])
{
	for (uint32_t i = 0; i < f->insts.n; i++) {
		const struct of_inst_apply_actions *apply = OF_AT(&f->insts, i, inst_apply_actions);

		if (apply->kind != OF_KIND_inst_apply_actions)
			continue;
		for (uint32_t k = 0; k < apply->actions.n; k++) {
			const struct of_action_set_field *a =
				OF_AT(&apply->actions, k, action_set_field);

			if (a->kind == OF_KIND_action_set_field &&
			    a->field.field == &of_fields[OF_FIELD_ETH_DST]) {
				memcpy(mac, a->field.value, 6);
				return true;
			}
		}
	}
	return false;
}

void neighs_read(struct neighs *n, const struct of_flow_stats *f)
{
	struct world *w = n->south->world;
	uint64_t metadata = of_field_get_u64(&of_fields[OF_FIELD_METADATA], &f->match.value);
	bool v4 = of_field_get_u64(&of_fields[OF_FIELD_ETH_TYPE], &f->match.value) == 0x0800;
	struct ip_addr ip;
	struct net *net;
	uint8_t mac[6];

	if (f->table_id != stages[STAGE_neighbour].table || !cookie_is_ours(f->cookie) ||
	    cookie_kind(f->cookie) != COOKIE_NEIGH || !gives_mac(f, mac))
		return;
	net = world_net_by_index(w, (uint32_t)(metadata & META_MASK(net)));
	memset(&ip, 0, sizeof(ip));
	ip.family = v4 ? 4 : 6;
	of_field_get(&of_fields[v4 ? OF_FIELD_REG8 : OF_FIELD_XXREG2], &f->match.value, ip.b);
	/* Whose it is says its answer; it is asked from the next second on. */
	if (net && world_may_have(w, NULL, net, &ip, mac))
		world_neigh_take_over(w, net, &ip, mac, cookie_index(f->cookie), FORGET - PROOF);
}

/* ---- announcing ---- */

static void announce(struct neighs *n, const struct sw *sw, const struct port *p)
{
	uint8_t frame[NEIGH_FRAME_MAX];

	for (size_t i = 0; i < p->a.n_fixed_ips; i++)
		send_frame(n, sw, p->net, frame,
			   neigh_frame_announce(frame, vid_of(p->net), p->a.mac_address,
						&p->a.fixed_ips[i].ip_address, p->router));
}

/* 'p' has its addresses on 'sw' now (NULL: nowhere); the first and the repeated announcements. */
static void announce_from(struct neighs *n, const struct port *p, const struct sw *sw, bool repeat)
{
	struct announced *a;

	if (!p || !sw || p->net->a.type == NET_VXLAN)
		return;
	HASH_FIND(hh, n->announced, &p->a.index, sizeof(p->a.index), a);
	if (!a) {
		a = mem_get(sizeof(*a));
		a->port = p->a.index;
		HASH_ADD(hh, n->announced, port, sizeof(a->port), a);
	}
	a->there = true;
	if (a->dpid != sw->dpid) {
		a->dpid = sw->dpid;
		a->left = REPEAT;
	} else if (!repeat) {
		return;
	}
	if (a->left && south_peer(n->south, sw)) {
		a->left--;
		announce(n, sw, p);
	}
}

/* A VM's port has come to another host: physical switches are to look for its MAC address there. */
static void moved(struct neighs *n, const struct port *p)
{
	struct announced *a;

	HASH_FIND(hh, n->announced, &p->a.index, sizeof(p->a.index), a);
	if (!a) {
		a = mem_get(sizeof(*a));
		a->port = p->a.index;
		HASH_ADD(hh, n->announced, port, sizeof(a->port), a);
	}
	a->moved = true;
	a->dpid = 0; /* none yet: announce_from() takes it from the first */
}

void neighs_changed(struct neighs *n, const struct world_obj *o, uint32_t what)
{
	const struct port *p = (const struct port *)o;

	solicits_changed(n->solicits, o, what);
	if (o->kind == WORLD_PORT && p->net->neighs)
		recheck(n, p);
	if (o->kind == WORLD_PORT && what & WORLD_PLACE && !(what & WORLD_DELETED) && p->place.sw &&
	    !p->router && p->net->a.type != NET_VXLAN && south_settled(n->south))
		moved(n, p);
}

static void announce_moved(struct neighs *n, bool repeat)
{
	struct announced *a, *next;

	HASH_ITER (hh, n->announced, a, next) {
		const struct port *p =
			a->moved ? world_port_by_index(n->south->world, a->port) : NULL;

		if (p && p->place.sw && (!a->dpid || a->left))
			announce_from(n, p, p->place.sw, repeat);
	}
}

static void announce_all(struct neighs *n, bool repeat)
{
	struct world *w = n->south->world;
	struct announced *a, *next;

	for (WORLD_ALL(router, ROUTER, r, w))
		for (ROUTER_EACH_PORT(p, r))
			if (port_is_anchored(p))
				announce_from(n, p, world_anchor(w, p), repeat);
	for (WORLD_ALL(floatingip, FLOATINGIP, f, w))
		if (f->router) {
			const struct sw *sw = world_floatingip_switch(w, f);

			announce_from(n, f->outer, sw, repeat);
			cuts_note(n->cuts, f, sw);
		}
	cuts_noted(n->cuts);
	announce_moved(n, repeat);
	HASH_ITER (hh, n->announced, a, next) {
		if (!a->there) {
			HASH_DEL(n->announced, a);
			free(a);
		} else {
			a->there = false;
		}
	}
}

void neighs_told(struct neighs *n)
{
	if (south_settled(n->south))
		announce_all(n, false);
	cuts_send(n->cuts);
}

void neighs_acknowledged(struct neighs *n)
{
	cuts_send(n->cuts);
}

/* ---- time ---- */

/* Where external networks go on: known before the first packet. */
static void ask_gateways(struct neighs *n)
{
	struct world *w = n->south->world;

	for (WORLD_ALL(router, ROUTER, r, w)) {
		const struct port *p = router_gateway(r);

		if (p)
			for (NET_EACH_SUBNET(s, p->net))
				if (s->a.gateway_ip.family &&
				    !world_neigh_find(w, p->net, &s->a.gateway_ip))
					ask(n, p->net, &s->a.gateway_ip);
	}
}

static bool is_gateway_of(const struct neigh *k)
{
	for (NET_EACH_SUBNET(s, k->net))
		if (!ip_cmp(&s->a.gateway_ip, &k->key.ip))
			return true;
	return false;
}

static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	struct neighs *n = t->data;
	struct world *w = n->south->world;
	double now = w->now(w->now_arg);
	struct asked *a, *next;
	struct neigh *k, *k_next;

	HASH_ITER (hh, n->asked, a, next) {
		struct net *net = world_net_by_index(w, a->key.net);

		if (!net || ++a->tries >= TRIES)
			asked_drop(n, a);
		else
			ask_now(n, net, &a->key.ip);
	}
	HASH_ITER (hh, w->neighs, k, k_next) {
		if (now - k->seen > FORGET)
			world_neigh_forget(w, k);
		else if (now - k->seen > (is_gateway_of(k) ? AGAIN_GATEWAY : AGAIN))
			ask(n, k->net, &k->key.ip);
	}
	ask_gateways(n);
	if (south_settled(n->south))
		announce_all(n, true);
	cuts_send(n->cuts);
	solicits_tick(n->solicits);
}

struct neighs *neighs_new(struct south *s)
{
	struct neighs *n = mem_get(sizeof(*n));

	n->south = s;
	n->solicits = solicits_new(s);
	n->cuts = cuts_new(s);
	ev_timer_init(&n->tick, on_tick, TICK, TICK);
	n->tick.data = n;
	ev_timer_start(s->loop, &n->tick);
	return n;
}

void neighs_free(struct neighs *n)
{
	struct announced *x, *x_next;
	struct asked *a, *next;

	if (!n)
		return;
	HASH_ITER (hh, n->asked, a, next) {
		asked_drop(n, a);
	}
	HASH_ITER (hh, n->announced, x, x_next) {
		HASH_DEL(n->announced, x);
		free(x);
	}
	ev_timer_stop(n->south->loop, &n->tick);
	solicits_free(n->solicits);
	cuts_free(n->cuts);
	free(n);
}
