/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/solicit.h"

#include <stdlib.h>

#include "controller/advert.h"
#include "controller/mem.h"
#include "controller/neigh_frame.h"
#include "controller/south_priv.h"

enum { PERIOD = 600 }; /* seconds: RFC 4861 6.2.1, MaxRtrAdvInterval */

/* A network whose hosts are to hear of a change. */
struct due {
	uint32_t net; /* key: index */
	UT_hash_handle hh;
};

struct solicits {
	struct south *south;
	struct adverts *adverts;
	bool begun; /* 'adverts' knows all networks */
	struct due *dues;
	unsigned int second; /* of the period */
};

static bool has_advertisements(const struct net *n)
{
	for (NET_EACH_SUBNET(s, n))
		if (s->a.ip_version == 6 && s->a.ipv6_ra_mode != IPV6_MODE_NONE)
			for (NET_EACH_ROUTER_PORT(p, n))
				if (port_is_interface(p))
					return true;
	return false;
}

static void solicit(struct solicits *s, const struct port *p)
{
	struct of_action_output table = { .kind = OF_KIND_action_output,
					  .port = OFPP_TABLE,
					  .max_len = 0xffff };
	struct of_any *actions[] = { (struct of_any *)&table };
	uint8_t frame[NEIGH_FRAME_MAX];
	struct of_packet_out po = { .kind = OF_KIND_packet_out,
				    .buffer_id = OFP_NO_BUFFER,
				    .in_port = p->place.sp->ofport,
				    .actions = { .n = 1, .v = (void *)actions },
				    .data = { .p = frame } };
	struct peer *peer = south_peer(s->south, p->place.sw);

	if (!peer)
		return;
	po.data.n = (uint32_t)neigh_frame_solicit(frame, p->a.mac_address);
	of_session_send(peer->session, peer_xid(peer), (struct of_any *)&po);
}

static void solicit_net(struct solicits *s, const struct net *n)
{
	if (!has_advertisements(n))
		return;
	for (NET_EACH_PORT(p, n))
		if (port_is_active(p))
			solicit(s, p);
}

/* After the flows that it is about, which go out with the batch: by the next tick. */
static void due(struct solicits *s, const struct net *n)
{
	struct due *d;

	HASH_FIND(hh, s->dues, &n->a.index, sizeof(d->net), d);
	if (d)
		return;
	d = mem_get(sizeof(*d));
	d->net = n->a.index;
	HASH_ADD(hh, s->dues, net, sizeof(d->net), d);
}

void solicits_changed(struct solicits *s, const struct world_obj *o, uint32_t what)
{
	const struct port *p = (const struct port *)o;

	if (!south_settled(s->south))
		return;
	if (o->kind == WORLD_NET && what & WORLD_DELETED)
		adverts_forget(s->adverts, ((const struct net *)o)->a.index);
	else if (o->kind == WORLD_NET)
		due(s, (const struct net *)o);
	else if (o->kind == WORLD_PORT && p->router)
		due(s, p->net);
	else if (o->kind == WORLD_ROUTER && !(what & WORLD_DELETED))
		for (ROUTER_EACH_PORT(i, (const struct router *)o))
			due(s, i->net);
}

/* Of those that there are when the switches have said what they have, nothing is to be taken back.
 */
static void begin(struct solicits *s)
{
	if (s->begun || !south_settled(s->south))
		return;
	s->begun = true;
	for (WORLD_ALL(net, NET, n, s->south->world))
		adverts_update(s->adverts, n);
}

void solicits_tick(struct solicits *s)
{
	struct world *w = s->south->world;
	struct due *d, *next;

	HASH_ITER (hh, s->dues, d, next) {
		const struct net *n = world_net_by_index(w, d->net);

		if (n) {
			adverts_update(s->adverts, n);
			solicit_net(s, n);
		}
		HASH_DEL(s->dues, d);
		free(d);
	}
	begin(s);
	s->second = (s->second + 1) % PERIOD;
	for (WORLD_ALL(net, NET, n, w))
		if (n->a.index % PERIOD == s->second)
			solicit_net(s, n);
}

struct solicits *solicits_new(struct south *south)
{
	struct solicits *s = mem_get(sizeof(*s));

	s->south = south;
	s->adverts = adverts_new(south);
	return s;
}

void solicits_free(struct solicits *s)
{
	struct due *d, *next;

	HASH_ITER (hh, s->dues, d, next) {
		HASH_DEL(s->dues, d);
		free(d);
	}
	adverts_free(s->adverts);
	free(s);
}
