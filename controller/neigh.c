/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/neigh.h"

#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/log.h"
#include "controller/mem.h"
#include "controller/neigh_frame.h"
#include "controller/solicit.h"
#include "controller/south_priv.h"

enum {
	TICK = 1,   /* seconds */
	TRIES = 3,  /* of one who does not answer; a network's own gateway is asked for on and on */
	AGAIN = 30, /* seconds after which who is known is asked again */
	FORGET = 100,	  /* ... and forgotten when nothing has come back */
	ASKED_MAX = 4096, /* under way at once: more are asked for when their next packet comes */
	REPEAT = 3,	  /* an announcement is sent so often: frames are lost */
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

/* The gateway that asks for 'ip' on 'net', and its address of the same subnet. */
static const struct port *asker(const struct world *w, const struct net *net,
				const struct ip_addr *ip, const struct ip_addr **own)
{
	for (NET_EACH_ROUTER_PORT(p, net))
		for (size_t i = 0; port_is_gateway(p) && i < p->a.n_fixed_ips; i++) {
			const struct subnet *s = world_subnet_find(w, p->a.fixed_ips[i].subnet_id);

			if (!s || !ip_prefix_has(&s->a.cidr, ip))
				continue;
			*own = &p->a.fixed_ips[i].ip_address;
			return p;
		}
	return NULL;
}

/*
 * From the gateway's own switch, where the answer comes in.  On tenants' own VLANs nobody is asked:
 * a router's interface is on every host, and answers would come in at any of them.
 */
static void ask_now(struct neighs *n, const struct net *net, const struct ip_addr *ip)
{
	const struct ip_addr *own;
	const struct port *p = asker(n->south->world, net, ip, &own);
	const struct sw *from = p ? world_gateway_switch(n->south->world, p->router) : NULL;
	uint8_t frame[NEIGH_FRAME_MAX];

	if (from && net->a.type != NET_VXLAN)
		send_frame(n, from, net, frame,
			   neigh_frame_ask(frame, vid_of(net), p->a.mac_address, own, ip));
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

static void heard(struct neighs *n, struct net *net, const struct ip_addr *ip, const uint8_t mac[6])
{
	__typeof__(((struct asked *)0)->key) key;
	struct asked *a;

	memset(&key, 0, sizeof(key));
	key.net = net->a.index;
	key.ip = *ip;
	HASH_FIND(hh, n->asked, &key, sizeof(key), a);
	/* Only who was asked: others cannot fill the world, or take over an address unasked. */
	if (!a)
		return;
	asked_drop(n, a);
	if (world_neigh_set(n->south->world, net, ip, mac) == -ENOSPC)
		log_warn("neigh", "network %s: knows %d neighbours, no room for more", net->a.id,
			 WORLD_NEIGHS_MAX);
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
		heard(n, net, &ip, mac);
	}
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
		announce_from(n, router_gateway(r), world_gateway_switch(w, r), repeat);
	for (WORLD_ALL(floatingip, FLOATINGIP, f, w))
		if (f->router)
			announce_from(n, f->outer, world_floatingip_switch(w, f), repeat);
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
		else if (now - k->seen > AGAIN)
			ask(n, k->net, &k->key.ip);
	}
	ask_gateways(n);
	if (south_settled(n->south))
		announce_all(n, true);
	solicits_tick(n->solicits);
}

struct neighs *neighs_new(struct south *s)
{
	struct neighs *n = mem_get(sizeof(*n));

	n->south = s;
	n->solicits = solicits_new(s);
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
	free(n);
}
