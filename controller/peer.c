/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "controller/neigh.h"
#include "controller/south_priv.h"

enum { AUDIT_INTERVAL = 30, AUDIT_AGAIN = 1, AUDIT_PATIENCE = 20 };

static const char *const state_names[] = {
#define X(name) #name,
	PEER_STATES(X)
#undef X
};

static const struct {
	void (*enter)(struct peer *p);
} handlers[PEER_N_STATES] = {
	[PEER_INFO] = { peer_info_enter },  [PEER_PORTS] = { peer_ports_enter },
	[PEER_READ] = { peer_read_enter },  [PEER_LIVE] = { peer_live_enter },
	[PEER_AUDIT] = { peer_read_enter },
};

static const uint8_t next_states[PEER_N_STATES] = {
	[PEER_INFO] = 1 << PEER_PORTS, [PEER_PORTS] = 1 << PEER_READ, [PEER_READ] = 1 << PEER_LIVE,
	[PEER_LIVE] = 1 << PEER_AUDIT, [PEER_AUDIT] = 1 << PEER_LIVE,
};

const char *peer_name(const struct peer *p)
{
	return p->name ? p->name : of_session_name(p->session);
}

const char *peer_error_name(const struct of_error_msg *e)
{
	const char *name = of_error_code_name(e->type, e->code);

	return name ? name : "an error that OpenFlow 1.3 does not name";
}

uint32_t peer_xid(struct peer *p)
{
	/* Apart from the session's own, which count from below. */
	return 0x80000000u | (++p->xid & 0x7fffffffu);
}

void peer_goto(struct peer *p, enum peer_state to)
{
	if (!(next_states[p->state] & 1 << to)) {
		log_err("peer", "%s: no way from %s to %s", peer_name(p), state_names[p->state],
			state_names[to]);
		return;
	}
	log_dbg("peer", "%s: %s -> %s", peer_name(p), state_names[p->state], state_names[to]);
	p->state = to;
	handlers[to].enter(p);
}

static void packet_in(struct peer *p, const struct of_packet_in *pi)
{
	if (!p->sw || !p->derive.world)
		return;
	if (pi->table_id == stages[STAGE_neighbour].table ||
	    pi->table_id == stages[STAGE_answer].table)
		neighs_packet_in(p->south->neighs, p, pi);
	else
		peer_station_seen(p, pi);
}

/* The flow as a flow_mod again: what the ledger knows it by. */
static void flow_removed(struct peer *p, const struct of_flow_removed *fr)
{
	struct of_flow_mod fm = { .kind = OF_KIND_flow_mod,
				  .cookie = fr->cookie,
				  .table_id = fr->table_id,
				  .priority = fr->priority,
				  .match = fr->match };
	struct of_msg m = { .body = (struct of_any *)&fm };
	uint8_t buf[4096];
	int n;

	if (!p->sw || !cookie_is_ours(fr->cookie))
		return;
	n = of_encode(&m, buf, sizeof(buf), NULL);
	if (n < 0)
		return;
	ledger_gone(&p->ledger, buf, (uint16_t)n);
	peer_station_idle(p, fr);
	p->busy = true;
}

static void on_msg(struct of_session *s, const struct of_msg *m, void *arg)
{
	struct peer *p = arg;

	if (p->aux_id)
		p = p->main;
	if (!p || peer_ports_msg(p, m) || peer_flows_msg(p, m))
		return;
	switch (m->type) {
	case OFPT_PACKET_IN:
		packet_in(p, (const struct of_packet_in *)m->body);
		break;
	case OFPT_FLOW_REMOVED:
		flow_removed(p, (const struct of_flow_removed *)m->body);
		break;
	case OFPT_ERROR: {
		const struct of_error_msg *e = (const struct of_error_msg *)m->body;

		log_warn("peer", "%s: answered %s to message 0x%x", peer_name(p),
			 peer_error_name(e), m->xid);
		if (p->sw)
			p->sw->report.refused++;
		break;
	}
	default:
		break;
	}
}

/* "tcp:10.0.0.1" of "tcp:10.0.0.1:4711". */
static size_t host_len(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? (size_t)(colon - name) : strlen(name);
}

/*
 * 6.3.6: belongs to the connection of the same datapath id, and comes from the same address.  Who
 * could connect otherwise, another host or without TLS, does not speak for a switch.
 */
static void join(struct peer *p, const struct of_features_reply *f)
{
	const char *name = of_session_name(p->session);
	struct peer *q;

	p->aux_id = f->auxiliary_id;
	p->dpid = f->datapath_id;
	ev_timer_stop(p->south->loop, &p->audit);
	DL_FOREACH (p->south->peers, q) {
		const char *main = of_session_name(q->session);

		if (q->aux_id || q->dpid != p->dpid || !of_session_is_up(q->session) ||
		    host_len(name) != host_len(main) || strncmp(name, main, host_len(name)) != 0)
			continue;
		p->main = q;
		log_info("peer", "%s: auxiliary connection %u of switch %016llx", name, p->aux_id,
			 (unsigned long long)p->dpid);
		return;
	}
	log_warn("peer", "%s: auxiliary connection %u of %016llx, which has no main one from there",
		 name, p->aux_id, (unsigned long long)p->dpid);
	peer_free(p);
}

/* A main connection is gone: its others follow, from the loop. */
static void leave(struct peer *p)
{
	struct peer *q;

	DL_FOREACH (p->south->peers, q) {
		if (q->main != p)
			continue;
		q->main = NULL;
		of_session_drop(q->session, "its main connection is gone");
	}
}

static void on_up(struct of_session *s, const struct of_features_reply *f, void *arg)
{
	struct peer *p = arg;

	if (f->auxiliary_id) {
		join(p, f);
		return;
	}
	p->dpid = f->datapath_id;
	south_replace(p->south, p);
	log_info("peer", "%s: switch %016llx connected", of_session_name(s),
		 (unsigned long long)p->dpid);
	p->state = PEER_INFO;
	handlers[PEER_INFO].enter(p);
}

static void on_down(struct of_session *s, const char *why, void *arg)
{
	struct peer *p = arg;

	if (p->aux_id)
		log_info("peer", "%s: auxiliary connection %u lost: %s", peer_name(p), p->aux_id,
			 why);
	else
		log_warn("peer", "%s: session lost: %s", peer_name(p), why);
	if (p->sw)
		world_switch_down(p->south->world, p->sw);
	peer_free(p);
}

/* What many messages said of stations and flows becomes one transaction. */
static void on_batch(struct of_session *s, void *arg)
{
	struct peer *p = arg;

	if (p->aux_id)
		p = p->main;
	if (!p || !p->busy)
		return;
	p->busy = false;
	world_tell(p->south->world);
	peer_flush(p);
}

const struct of_session_ops peer_ops = {
	.up = on_up, .msg = on_msg, .batch = on_batch, .down = on_down
};

static void on_audit(struct ev_loop *loop, ev_timer *t, int events)
{
	struct peer *p = t->data;

	peer_ports_retry(p, NULL);
	peer_ports_sync(p);
	if (p->state == PEER_LIVE && !p->txn.n && south_may_audit(p->south)) {
		peer_goto(p, PEER_AUDIT);
	} else if (p->state == PEER_LIVE) {
		ev_timer_set(t, AUDIT_AGAIN, AUDIT_INTERVAL);
		ev_timer_start(loop, t);
	} else if (!p->waits && ev_now(loop) - p->read_begun > AUDIT_PATIENCE) {
		log_warn("peer", "%s: has not answered in state %s for %.0f s", peer_name(p),
			 state_names[p->state], ev_now(loop) - p->read_begun);
		south_turn_over(p); /* others have theirs */
	}
}

struct peer *peer_new(struct south *s, struct of_session *session)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->south = s;
	p->session = session;
	ledger_init(&p->ledger);
	mgmt_join_init(&p->join, 0);
	ev_timer_init(&p->audit, on_audit, AUDIT_INTERVAL, AUDIT_INTERVAL);
	p->audit.data = p;
	ev_timer_start(s->loop, &p->audit);
	DL_APPEND(s->peers, p);
	return p;
}

void peer_free(struct peer *p)
{
	struct request *r, *next;

	DL_DELETE(p->south->peers, p);
	south_turn_over(p);
	leave(p);
	ev_timer_stop(p->south->loop, &p->audit);
	of_session_free(p->session);
	peer_ports_retry(p, NULL);
	HASH_CLEAR(hh, p->asked);
	DL_FOREACH_SAFE (p->requests, r, next)
		free(r);
	free(p->txn.changes);
	free(p->awaited);
	mgmt_join_fini(&p->join);
	if (p->derive.world)
		derive_fini(&p->derive);
	ledger_fini(&p->ledger);
	free(p->host_id);
	free(p->name);
	free(p->version);
	free(p);
}
