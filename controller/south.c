/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/south.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "controller/neigh.h"
#include "controller/south_priv.h"

/* Switches try again after 8 s at the latest (session.h); then all that can come has come. */
enum { SETTLE_SECONDS = 12 };

static void on_new(struct of_session *session, void *arg)
{
	struct south *s = arg;
	struct peer *p = peer_new(s, session);

	if (p)
		of_session_set_ops(session, &peer_ops, p);
	else
		of_session_free(session);
}

void south_replace(struct south *s, struct peer *p)
{
	struct peer *q, *next;

	DL_FOREACH_SAFE (s->peers, q, next)
		if (q != p && q->dpid == p->dpid && q->sw) {
			log_warn("south",
				 "switch %016llx connects anew; its former session is closed",
				 (unsigned long long)p->dpid);
			world_switch_down(s->world, q->sw);
			peer_free(q);
		}
}

struct peer *south_peer(const struct south *s, const struct sw *sw)
{
	struct peer *p;

	for (p = s->peers; p; p = p->next)
		if (p->sw == sw && !p->aux_id && p->state >= PEER_LIVE)
			return p;
	return NULL;
}

/* ---- after a restart ---- */

bool south_settled(const struct south *s)
{
	return s->settled;
}

static void settle(struct south *s)
{
	struct peer *p;

	s->settled = true;
	ev_timer_stop(s->loop, &s->settle);
	world_settling(s->world, false);
	DL_FOREACH (s->peers, p)
		peer_flush(p);
}

/* Whether all of the host's switches are connected and have said their ports. */
static bool host_has_told(const struct south *s, const struct host *h)
{
	const struct peer *p;
	bool any = false;

	for (HOST_EACH_SWITCH(sw, h)) {
		for (p = s->peers; p && (p->sw != sw || p->aux_id || p->state < PEER_READ);)
			p = p->next;
		if (!p)
			return false;
		any = true;
	}
	return any;
}

bool south_may_come(const struct south *s, const struct port *p)
{
	return !p->place.sw && strncmp(p->a.device_owner, "network:", 8) &&
	       vnic_is_ours(p->a.vnic_type) && !(p->host && host_has_told(s, p->host));
}

/* Nothing is left to come: every port that tenants have is somewhere. */
static bool all_placed(struct south *s)
{
	const struct port *last = *s->waits_for ? world_port_find(s->world, s->waits_for) : NULL;

	if (last && south_may_come(s, last))
		return false;
	for (WORLD_ALL(port, PORT, p, s->world))
		if (south_may_come(s, p)) {
			memcpy(s->waits_for, p->a.id, sizeof(s->waits_for));
			return false;
		}
	return true;
}

/* Those that have come back agree with where gateways were: who is missing is nobody's gateway. */
static bool anchors_known(const struct world *w)
{
	for (WORLD_ALL(router, ROUTER, r, w))
		for (ROUTER_EACH_PORT(p, r)) {
			const struct sw *sw = world_anchor_choice(w, p);

			if (sw ? sw->dpid != p->was : port_is_gateway(p))
				return false;
		}
	return true;
}

bool south_may_take_away(struct south *s, struct peer *p)
{
	const struct port *port;

	if (s->settled)
		return true;
	for (; p->n_awaited; p->n_awaited--) {
		port = world_port_by_index(s->world, p->awaited[p->n_awaited - 1]);
		if (port && south_may_come(s, port))
			return false;
	}
	free(p->awaited);
	p->awaited = NULL;
	return !s->gateways || anchors_known(s->world);
}

static bool has_anchors(const struct world *w)
{
	for (WORLD_ALL(router, ROUTER, r, w))
		for (ROUTER_EACH_PORT(p, r))
			if (port_is_anchored(p))
				return true;
	return false;
}

static void on_settle(struct ev_loop *loop, ev_timer *t, int events)
{
	settle(t->data);
}

/* ---- the world ---- */

static void changed(struct world *w, const struct world_obj *o, uint32_t what, void *arg)
{
	struct south *s = arg;
	struct peer *p;

	if (o->kind == WORLD_SWITCH && what & WORLD_SESSION && !((const struct sw *)o)->up)
		south_watch_gone(s);
	neighs_changed(s->neighs, o, what);
	DL_FOREACH (s->peers, p) {
		if (!p->sw || !p->derive.world || p->state < PEER_READ)
			continue;
		if (p->state > PEER_READ) /* else all is derived when it has been read */
			derive_changed(&p->derive, o, what);
		if (o == &p->sw->obj && what & (WORLD_WANTS | WORLD_SW_PORTS))
			p->ports_stale = true;
		if (o->kind == WORLD_PORT && what & (WORLD_ATTRS | WORLD_DELETED))
			peer_ports_retry(p, ((const struct port *)o)->a.id);
	}
}

static void told(struct world *w, void *arg)
{
	struct south *s = arg;
	struct peer *p;

	DL_FOREACH (s->peers, p) {
		if (!p->sw || p->state < PEER_LIVE)
			continue;
		derive_run(&p->derive);
		if (p->ports_stale)
			peer_ports_sync(p);
		peer_flush(p);
		peer_report(p);
	}
	if (!s->settled && s->peers && (!s->gateways || anchors_known(w)) && all_placed(s))
		settle(s);
	neighs_told(s->neighs);
}

/* ---- life ---- */

static int listen_all(struct south *s, const struct south_opts *o, struct err *e)
{
	struct of_session_opts so = { .side = OF_CONTROLLER, .ops = &peer_ops, .tls = &o->tls };

	s->listeners = calloc(o->n_listen ? o->n_listen : 1, sizeof(*s->listeners));
	if (!s->listeners)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < o->n_listen; i++) {
		s->listeners[i] = of_listener_new(s->loop, o->listen[i], &so, on_new, s, e);
		if (!s->listeners[i])
			return err_wrap(e, -EINVAL, "--listen %s", o->listen[i]);
		s->n_listeners++;
	}
	return 0;
}

struct south *south_new(struct ev_loop *loop, struct world *w, const struct south_opts *opts,
			struct err *e)
{
	struct south *s = calloc(1, sizeof(*s));

	if (!s) {
		err_set(e, -ENOMEM, "out of memory");
		return NULL;
	}
	s->loop = loop;
	s->world = w;
	s->listener = (struct world_listener){ .changed = changed, .told = told, .arg = s };
	world_listen(w, &s->listener);
	ev_timer_init(&s->settle, on_settle, SETTLE_SECONDS, 0);
	s->settle.data = s;
	ev_timer_start(loop, &s->settle);
	south_gone_init(s, opts->grace);
	south_turns_init(s);
	/* Where gateways lived is not known: until everybody had time to come back they stay. */
	s->gateways = has_anchors(w);
	world_settling(w, s->gateways);
	s->neighs = neighs_new(s);
	if (listen_all(s, opts, e)) {
		south_free(s);
		return NULL;
	}
	return s;
}

void south_free(struct south *s)
{
	struct peer *p, *next;

	if (!s)
		return;
	for (size_t i = 0; i < s->n_listeners; i++)
		of_listener_free(s->listeners[i]);
	free(s->listeners);
	world_unlisten(s->world, &s->listener);
	ev_timer_stop(s->loop, &s->settle);
	ev_timer_stop(s->loop, &s->gone);
	DL_FOREACH_SAFE (s->peers, p, next)
		peer_free(p);
	south_turns_fini(s);
	neighs_free(s->neighs);
	free(s);
}
