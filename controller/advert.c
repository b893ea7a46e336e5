/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/advert.h"

#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/neigh_frame.h"
#include "controller/south_priv.h"

struct advert {
	uint8_t mac[6]; /* of the router */
	bool autonomous;
	struct ip_prefix prefix;
};

/* A network that is told something. */
struct lan {
	uint32_t net; /* key: index */
	size_t n;
	struct advert *v;
	UT_hash_handle hh;
};

struct adverts {
	struct south *south;
	struct lan *lans;
};

static size_t interface_adverts(const struct world *w, const struct port *p, struct advert *v)
{
	size_t n = 0;

	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		const struct subnet *s = world_subnet_find(w, p->a.fixed_ips[i].subnet_id);

		if (!s || s->a.ip_version != 6 || s->a.ipv6_ra_mode == IPV6_MODE_NONE)
			continue;
		memcpy(v[n].mac, p->a.mac_address, 6);
		v[n].autonomous = s->a.ipv6_ra_mode != IPV6_DHCP_STATEFUL;
		v[n++].prefix = s->a.cidr;
	}
	return n;
}

/* As apps/network_dhcp.c has flows for. */
static bool advertises(const struct port *p)
{
	return port_is_interface(p) && p->router->a.admin_state_up && p->a.admin_state_up;
}

static size_t adverts_of(const struct world *w, const struct net *net, struct advert **out)
{
	size_t n = 0;

	for (NET_EACH_ROUTER_PORT(p, net))
		n += p->a.n_fixed_ips;
	*out = n ? mem_array(n, sizeof(**out)) : NULL;
	n = 0;
	for (NET_EACH_ROUTER_PORT(p, net))
		if (net->a.admin_state_up && advertises(p))
			n += interface_adverts(w, p, *out + n);
	return n;
}

static bool is_told(const struct lan *l, const struct advert *a, bool prefix)
{
	for (size_t i = 0; i < l->n; i++)
		if (!memcmp(l->v[i].mac, a->mac, 6) &&
		    (!prefix || (l->v[i].prefix.len == a->prefix.len &&
				 !ip_cmp(&l->v[i].prefix.addr, &a->prefix.addr))))
			return true;
	return false;
}

static void send(struct adverts *a, const struct port *p, const uint8_t *frame, size_t n)
{
	struct of_action_output out = { .kind = OF_KIND_action_output,
					.port = p->place.sp->ofport,
					.max_len = 0xffff };
	struct of_any *actions[] = { (struct of_any *)&out };
	struct of_packet_out po = { .kind = OF_KIND_packet_out,
				    .buffer_id = OFP_NO_BUFFER,
				    .in_port = OFPP_CONTROLLER,
				    .actions = { .n = 1, .v = (void *)actions },
				    .data = { .p = frame, .n = (uint32_t)n } };
	struct peer *peer = south_peer(a->south, p->place.sw);

	if (peer)
		of_session_send(peer->session, peer_xid(peer), (struct of_any *)&po);
}

static void take_back(struct adverts *a, const struct net *net, const struct advert *was,
		      bool router)
{
	uint8_t frame[NEIGH_FRAME_MAX];
	size_t n = neigh_frame_withdraw(frame, was->mac, router, &was->prefix, was->autonomous);

	for (NET_EACH_PORT(p, net))
		if (port_is_active(p))
			send(a, p, frame, n);
}

void adverts_update(struct adverts *a, const struct net *net)
{
	struct lan now = { .net = net->a.index }, *was;

	now.n = adverts_of(a->south->world, net, &now.v);
	HASH_FIND(hh, a->lans, &now.net, sizeof(now.net), was);
	for (size_t i = 0; was && i < was->n; i++)
		if (!is_told(&now, &was->v[i], true))
			take_back(a, net, &was->v[i], is_told(&now, &was->v[i], false));
	if (!now.n) {
		free(now.v);
		adverts_forget(a, now.net);
		return;
	}
	if (!was) {
		was = mem_get(sizeof(*was));
		was->net = now.net;
		HASH_ADD(hh, a->lans, net, sizeof(was->net), was);
	}
	free(was->v);
	was->v = now.v;
	was->n = now.n;
}

static void lan_free(struct adverts *a, struct lan *l)
{
	HASH_DEL(a->lans, l);
	free(l->v);
	free(l);
}

void adverts_forget(struct adverts *a, uint32_t net)
{
	struct lan *l;

	HASH_FIND(hh, a->lans, &net, sizeof(net), l);
	if (l)
		lan_free(a, l);
}

struct adverts *adverts_new(struct south *s)
{
	struct adverts *a = mem_get(sizeof(*a));

	a->south = s;
	return a;
}

void adverts_free(struct adverts *a)
{
	struct lan *l, *next;

	HASH_ITER (hh, a->lans, l, next) {
		lan_free(a, l);
	}
	free(a);
}
