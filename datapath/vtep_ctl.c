/* SPDX-License-Identifier: Apache-2.0 */
/* The control thread's half of tunnel ports: VTEPs, their timers, and next hops for the PMDs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_mbuf.h>
#include <rte_random.h>

#include "base/log.h"
#include "datapath/dp.h"
#include "datapath/punt.h"
#include "datapath/tunnel_priv.h"
#include "datapath/tunnel_wait.h"
#include "vxlan/vtep.h"

enum { SWEEP_MS = 5000 }; /* how often peers in use are kept current */

struct under {
	struct under *next;
	struct dp *dp;
	char uplink[PORT_NAME_MAX + 1];
	uint16_t vid;
	struct vtep *vtep;
	struct port *port; /* the uplink, when there is one */
	struct tunnel_end *ends;
};

struct vtep_state {
	struct under *unders;
	struct tunnel *tunnels;
	struct wait_list wait;
	uint64_t next_sweep;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int vtep_state_new(struct dp *dp, struct err *e)
{
	dp->vteps = calloc(1, sizeof(*dp->vteps));
	return dp->vteps ? 0 : err_set(e, -ENOMEM, "no memory for tunnels");
}

void vtep_state_free(struct dp *dp)
{
	struct vtep_state *s = dp->vteps;

	if (!s)
		return;
	wait_fini(&s->wait);
	free(s); /* tunnels went with their ports */
	dp->vteps = NULL;
}

/* ---- Next hops for the PMDs ---- */

static int template_for(const struct tunnel_end *end, const struct vtep_nexthop *nh,
			struct vxlan_tmpl *t, struct err *e)
{
	const struct under *u = end->under;
	struct vxlan_tmpl_cfg cfg = {
		.local = end->local,
		.remote = nh->remote,
		.vid = u->vid,
		.dport = end->dport,
		.mtu = u->port->mtu,
	};

	memcpy(cfg.src_mac, u->port->mac, 6);
	memcpy(cfg.dst_mac, nh->mac, 6);
	return vxlan_tmpl_init(t, &cfg, e);
}

static void peer_set(struct tunnel_end *end, const struct vtep_nexthop *nh) CONTROL
{
	struct vxlan_peer *old = NULL;
	struct dp *dp = end->under->dp;
	struct vxlan_tmpl t;
	struct err e;

	if (!nh->usable || !end->under->port) {
		old = vxlan_peers_del(&end->peers, &nh->remote);
	} else if (template_for(end, nh, &t, &e)) {
		log_warn("vtep", "%s: %s", end->under->uplink, e.text);
		return;
	} else if (vxlan_peers_set(&end->peers, &nh->remote, &t, &old)) {
		log_warn("vtep", "%s: no room for another tunnel endpoint", end->under->uplink);
		return;
	}
	if (old)
		dp_retire(dp, old, free);
}

/* A remote has got, changed or lost its next hop. */
static void nexthop(void *aux, const struct vtep_nexthop *nh) CONTROL
{
	struct under *u = aux;

	for (struct tunnel_end *end = u->ends; end; end = end->next)
		if (vxlan_addr_is_v4(&end->local) == vxlan_addr_is_v4(&nh->remote))
			peer_set(end, nh);
	if (nh->usable)
		wait_end(u->dp, &u->dp->vteps->wait, u, &nh->remote, true);
	else if (nh->state == NEIGH_FAILED)
		wait_end(u->dp, &u->dp->vteps->wait, u, &nh->remote, false);
}

static void vtep_send(void *aux, const uint8_t *frame, uint16_t len) CONTROL
{
	struct under *u = aux;

	if (u->port)
		inject_port(u->dp, frame, len, u->port->no);
}

static const struct vtep_ops vtep_ops = { .send = vtep_send, .nexthop = nexthop };

/* Asks for 'remote': 0 when the peers have it now, else as vtep_resolve(). */
static int resolve(struct tunnel_end *end, const struct vxlan_addr *remote) CONTROL
{
	struct vtep_nexthop nh;
	int rc = vtep_resolve(end->under->vtep, remote, &end->local, now_ms(), &nh);

	if (rc)
		return rc;
	if (!end->under->port)
		return -ENETDOWN;
	peer_set(end, &nh);
	return 0;
}

/* ---- What PMDs see of an uplink ---- */

static void row_add(struct uplink *u, const struct tunnel *t)
{
	const struct tunnel_cfg *c = &t->cfg;
	uint32_t h = uplink_hash(u, t->end->index, c->flow_vni ? NULL : &c->vni,
				 c->flow_remote ? NULL : &c->remote);

	while (u->rows[h & u->mask].port)
		h++;
	u->rows[h & u->mask] = (struct uplink_row){
		.port = t->port_no,
		.vni = c->vni,
		.remote = c->remote,
		.end = t->end->index,
		.any_vni = c->flow_vni,
		.any_remote = c->flow_remote,
	};
	u->kinds |=
		(uint8_t)(1u << ((c->flow_vni ? ANY_VNI : 0) | (c->flow_remote ? ANY_REMOTE : 0)));
}

static int count_ends(const struct dp *dp, const char *uplink)
{
	int n = 0;

	for (const struct under *u = dp->vteps->unders; u; u = u->next)
		if (!strcmp(u->uplink, uplink))
			for (const struct tunnel_end *x = u->ends; x; x = x->next)
				n++;
	return n;
}

static struct uplink *uplink_new(const struct dp *dp, const struct port *port, const char *name)
{
	uint32_t n = 0, size = 4;
	struct uplink *s;

	for (const struct tunnel *t = dp->vteps->tunnels; t; t = t->next)
		n += !strcmp(t->cfg.uplink, name);
	if (!n)
		return NULL;
	while (size < 2 * n)
		size *= 2;
	s = calloc(1, sizeof(*s) + size * sizeof(s->rows[0]));
	if (!s)
		return NULL;
	s->mask = size - 1;
	s->key = rte_rand();
	s->term.id = vxlan_term_id();
	s->term.port_of = uplink_port_of;
	memcpy(s->term.mac, port->mac, 6);
	for (struct under *u = dp->vteps->unders; u; u = u->next)
		for (struct tunnel_end *x = strcmp(u->uplink, name) ? NULL : u->ends; x;
		     x = x->next) {
			x->index = s->term.n;
			s->term.local[s->term.n++] =
				(struct vxlan_local){ x->local, x->dport, u->vid, x->index };
		}
	for (const struct tunnel *t = dp->vteps->tunnels; t; t = t->next)
		if (!strcmp(t->cfg.uplink, name))
			row_add(s, t);
	return s;
}

/* Publishes anew what ends on the uplink 'port'; 'gone': nothing does. */
static void uplink_publish(struct dp *dp, struct port *port, const char *name, bool gone) CONTROL
{
	struct uplink *new = gone ? NULL : uplink_new(dp, port, name);
	struct uplink *old = atomic_exchange(&port->uplink, new);

	if (old)
		dp_retire(dp, old, free);
}

static void renew(void *aux, const struct vtep_nexthop *nh) CONTROL
{
	nexthop(aux, nh);
}

/* Outer headers (VXLAN, UDP, IP) and the inner Ethernet header come off the uplink's MTU. */
static uint16_t inner_mtu(const struct port *up, const struct tunnel_cfg *c)
{
	unsigned int mtu = up ? up->mtu : 1500, head = vxlan_addr_is_v4(&c->local) ? 50 : 70;

	return (uint16_t)(mtu > head + 68 ? mtu - head : 68);
}

void tunnel_uplink_changed(struct dp *dp, const char *name)
{
	struct port *now = port_by_name(dp, name), *old = NULL;

	for (struct under *u = dp->vteps->unders; u; u = u->next) {
		if (strcmp(u->uplink, name))
			continue;
		old = u->port != now ? u->port : NULL;
		u->port = now && !now->tunnel ? now : NULL;
		if (u->port && !(atomic_load(&now->state) & OFPPS_LINK_DOWN))
			vtep_up(u->vtep, now->mac, now_ms());
		vtep_dump(u->vtep, renew, u); /* templates carry the uplink's MAC */
	}
	for (struct tunnel *t = dp->vteps->tunnels; t; t = t->next) {
		struct port *p = port_by_no(dp, t->port_no);

		if (strcmp(t->cfg.uplink, name))
			continue;
		atomic_store(&t->uplink_no, now && !now->tunnel ? now->no : 0);
		if (p && now && !now->tunnel)
			p->mtu = inner_mtu(now, &t->cfg);
	}
	if (old)
		uplink_publish(dp, old, name, true);
	if (now && !now->tunnel)
		uplink_publish(dp, now, name, false);
}

bool tunnel_link(struct dp *dp, const struct port *p)
{
	const struct port *u = port_by_no(dp, atomic_load(&p->tunnel->uplink_no));

	return u && !(atomic_load(&u->state) & OFPPS_LINK_DOWN);
}

/* ---- Making and freeing ---- */

static struct under *under_get(struct dp *dp, const struct tunnel_cfg *cfg) CONTROL
{
	struct vtep_config vc = { .vid = cfg->vid };
	struct under *u;

	for (u = dp->vteps->unders; u; u = u->next)
		if (!strcmp(u->uplink, cfg->uplink) && u->vid == cfg->vid)
			return u;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->dp = dp;
	u->vid = cfg->vid;
	memcpy(u->uplink, cfg->uplink, sizeof(u->uplink));
	u->port = port_by_name(dp, cfg->uplink);
	if (u->port && u->port->tunnel)
		u->port = NULL;
	if (u->port)
		memcpy(vc.mac, u->port->mac, 6);
	u->vtep = vtep_new(&vc, &vtep_ops, u);
	if (!u->vtep) {
		free(u);
		return NULL;
	}
	u->next = dp->vteps->unders;
	dp->vteps->unders = u;
	return u;
}

/* Frees a VTEP that has no address any more. */
static void under_put(struct dp *dp, struct under *u) CONTROL
{
	struct under **at = &dp->vteps->unders;

	if (u->ends)
		return;
	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	wait_end(dp, &dp->vteps->wait, u, NULL, false);
	vtep_free(u->vtep);
	free(u);
}

static bool has_local(const struct under *u, const struct vxlan_addr *a)
{
	for (const struct tunnel_end *x = u->ends; x; x = x->next)
		if (vxlan_addr_eq(&x->local, a))
			return true;
	return false;
}

static struct tunnel_end *end_find(struct under *u, const struct tunnel_cfg *cfg)
{
	for (struct tunnel_end *x = u->ends; x; x = x->next)
		if (x->dport == cfg->dport && vxlan_addr_eq(&x->local, &cfg->local))
			return x;
	return NULL;
}

static int end_get(struct under *u, const struct tunnel_cfg *cfg, struct tunnel_end **out,
		   struct err *e)
{
	struct vtep_local l = { cfg->local, cfg->gateway, cfg->plen };
	struct tunnel_end *x = end_find(u, cfg);
	int rc;

	if (!x) {
		if (count_ends(u->dp, u->uplink) >= VXLAN_TERM_MAX)
			return err_set(e, -ENOSPC, "%d tunnel endpoints on uplink %s already",
				       VXLAN_TERM_MAX, u->uplink);
		x = calloc(1, sizeof(*x));
		if (!x || vxlan_peers_init(&x->peers, 0)) {
			free(x);
			return err_set(e, -ENOMEM, "no memory for a tunnel endpoint");
		}
		rc = has_local(u, &cfg->local) ? 0 : vtep_local_add(u->vtep, &l, now_ms(), e);
		if (rc) {
			vxlan_peers_fini(&x->peers);
			free(x);
			return rc;
		}
		x->under = u;
		x->local = cfg->local;
		x->dport = cfg->dport;
		x->next = u->ends;
		u->ends = x;
	}
	x->refs++;
	*out = x;
	return 0;
}

static void end_free(void *arg)
{
	struct tunnel_end *x = arg;

	vxlan_peers_fini(&x->peers);
	free(x);
}

static void end_put(struct dp *dp, struct tunnel_end *x) CONTROL
{
	struct under *u = x->under;
	struct tunnel_end **at = &u->ends;

	if (--x->refs)
		return;
	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	if (!has_local(u, &x->local))
		vtep_local_del(u->vtep, &x->local);
	dp_retire(dp, x, end_free);
}

static int check(const struct dp *dp, const struct tunnel_cfg *c, struct err *e) CONTROL
{
	const struct port *up = port_by_name(dp, c->uplink);

	if (up && up->tunnel)
		return err_set(e, -EINVAL,
			       "uplink '%s' is a tunnel itself: a port with a device "
			       "is right",
			       c->uplink);
	for (const struct tunnel *t = dp->vteps->tunnels; t; t = t->next)
		if (!strcmp(t->cfg.uplink, c->uplink) && t->cfg.vid == c->vid &&
		    t->cfg.dport == c->dport && vxlan_addr_eq(&t->cfg.local, &c->local) &&
		    t->cfg.flow_vni == c->flow_vni && t->cfg.vni == c->vni &&
		    t->cfg.flow_remote == c->flow_remote &&
		    vxlan_addr_eq(&t->cfg.remote, &c->remote))
			return err_set(e, -EEXIST,
				       "port %u is a tunnel with the same local, remote and VNI",
				       t->port_no);
	return 0;
}

int tunnel_attach(struct dp *dp, struct port *p, const struct tunnel_cfg *cfg, struct err *e)
{
	struct tunnel *t;
	struct under *u;
	int rc = check(dp, cfg, e);

	if (rc)
		return rc;
	t = calloc(1, sizeof(*t));
	u = t ? under_get(dp, cfg) : NULL;
	if (!u) {
		free(t);
		return err_set(e, -ENOMEM, "no memory for a tunnel");
	}
	rc = end_get(u, cfg, &t->end, e);
	if (rc) {
		under_put(dp, u);
		free(t);
		return rc;
	}
	t->cfg = *cfg;
	t->port_no = p->no;
	t->next = dp->vteps->tunnels;
	dp->vteps->tunnels = t;
	p->tunnel = t;
	p->mtu = inner_mtu(u->port, cfg);
	atomic_store(&t->uplink_no, u->port ? u->port->no : 0);
	if (u->port)
		uplink_publish(dp, u->port, cfg->uplink, false);
	if (!cfg->flow_remote) /* known from the start: ask now, not with the first packet */
		resolve(t->end, &cfg->remote);
	return 0;
}

void tunnel_detach(struct dp *dp, struct port *p)
{
	struct tunnel *t = p->tunnel, **at = &dp->vteps->tunnels;
	struct under *u = t->end->under;
	struct port *up = u->port;
	char name[PORT_NAME_MAX + 1];

	memcpy(name, u->uplink, sizeof(name));
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	end_put(dp, t->end);
	under_put(dp, u);
	if (up)
		uplink_publish(dp, up, name, false);
	dp_retire(dp, t, free);
}

const struct tunnel_cfg *tunnel_cfg(const struct port *p)
{
	return &p->tunnel->cfg;
}

/* ---- From the PMDs ---- */

static void punt_vtep(struct dp *dp, struct punt *p)
{
	const uint8_t *frame = rte_pktmbuf_mtod(p->m, const uint8_t *);

	for (struct under *u = dp->vteps->unders; u; u = u->next)
		if (u->port && u->port->no == p->in_port &&
		    vtep_input(u->vtep, frame, p->m->data_len, now_ms()))
			return;
}

/* The frame is sent if its next hop is known by now, waits if it is being asked for, or is lost. */
static void punt_resolve(struct dp *dp, struct punt *p) CONTROL
{
	struct port *port = port_by_no(dp, p->port);
	struct waiting w = {
		.m = p->m,
		.port = p->port,
		.tun = { .tun_id = p->key.tun_id, .src = p->key.tun_src, .dst = p->key.tun_dst },
	};
	int rc = -ENODEV;

	p->m = NULL;
	memcpy(w.tun.ipv6_dst, p->key.tun_ipv6_dst, 16);
	if (port && port->tunnel && tunnel_remote(port, &w.tun, &w.remote)) {
		w.where = port->tunnel->end->under;
		rc = resolve(port->tunnel->end, &w.remote);
	}
	if (!rc)
		inject_mbuf(dp, w.m, w.port, &w.tun);
	else if (rc != -EINPROGRESS || !wait_add(&dp->vteps->wait, &w, now_ms()))
		inject_drop(dp, w.m, w.port, DROP_TUN_NO_NEIGH);
}

void tunnel_punt(struct dp *dp, struct punt *p)
{
	if (p->kind == PUNT_VTEP)
		punt_vtep(dp, p);
	else if (p->kind == PUNT_RESOLVE)
		punt_resolve(dp, p);
}

/* ---- Time ---- */

struct in_use {
	struct vxlan_addr *v;
	uint32_t n, max;
};

static void note_used(void *aux, const struct vxlan_peer *peer, bool used)
{
	struct in_use *l = aux;

	if (used && l->n < l->max)
		l->v[l->n++] = peer->remote;
}

/* Peers in use stay current; asking may change the peers, so they are listed first. */
static void sweep_end(struct tunnel_end *end)
{
	struct in_use l = { .max = end->peers.n };

	l.v = calloc(l.max ? l.max : 1, sizeof(*l.v));
	if (!l.v)
		return;
	vxlan_peers_sweep(&end->peers, note_used, &l);
	for (uint32_t i = 0; i < l.n; i++)
		vtep_resolve(end->under->vtep, &l.v[i], &end->local, now_ms(), NULL);
	free(l.v);
}

static void sweep(struct vtep_state *s)
{
	for (struct under *u = s->unders; u; u = u->next)
		for (struct tunnel_end *x = u->ends; x; x = x->next)
			sweep_end(x);
	for (struct tunnel *t = s->tunnels; t; t = t->next)
		if (!t->cfg.flow_remote)
			vtep_resolve(t->end->under->vtep, &t->cfg.remote, &t->end->local, now_ms(),
				     NULL);
}

void tunnel_tick(struct dp *dp)
{
	struct vtep_state *s = dp->vteps;
	uint64_t now = now_ms();

	for (struct under *u = s->unders; u; u = u->next)
		vtep_tick(u->vtep, now);
	wait_expire(dp, &s->wait, now);
	if (now >= s->next_sweep) {
		sweep(s);
		s->next_sweep = now + SWEEP_MS;
	}
}
