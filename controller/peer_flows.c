/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows and groups: reading what a switch has, sending what it lacks.
 *
 * One transaction is under way at a time; what changes meanwhile goes into the next, so that a slow
 * switch gets fewer and larger ones.  A transaction is a bundle (EXT-230, atomic and ordered) and a
 * barrier, whose reply is the acknowledgement.  A switch that has no bundles gets plain messages
 * and the barrier.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "controller/mem.h"
#include "controller/neigh.h"
#include "controller/south_priv.h"

enum { TXN_MAX = 8192 };

/* ---- reading ---- */

static uint32_t ask(struct peer *p, uint16_t type, struct of_any *body)
{
	struct of_multipart_request q = { .kind = OF_KIND_multipart_request,
					  .type = type,
					  .body = body };
	uint32_t xid = peer_xid(p);

	return of_session_send(p->session, xid, (struct of_any *)&q) ? 0 : xid;
}

void peer_read_enter(struct peer *p)
{
	p->read_begun = ev_now(p->south->loop);
	p->waits = true;
	south_turns(p->south);
}

void peer_read(struct peer *p)
{
	struct of_mp_flow_request flows = { .kind = OF_KIND_mp_flow_request,
					    .table_id = OFPTT_ALL,
					    .out_port = OFPP_ANY,
					    .out_group = OFPG_ANY };
	struct of_mp_group_desc_request groups = { .kind = OF_KIND_mp_group_desc_request };

	p->read_begun = ev_now(p->south->loop);
	ledger_read_begin(&p->ledger, p->state == PEER_AUDIT);
	p->read_groups = ask(p, OFPMP_GROUP_DESC, (struct of_any *)&groups);
	p->read_flows = ask(p, OFPMP_FLOW, (struct of_any *)&flows);
}

static void read_one(struct peer *p, struct of_any *body)
{
	static uint8_t buf[OF_MSG_MAX];
	struct of_msg m = { .body = body };
	int n = of_encode(&m, buf, sizeof(buf), NULL);

	if (n < 0) {
		log_err("peer", "%s: an entry that it has cannot be taken in", peer_name(p));
		return;
	}
	ledger_read(&p->ledger, buf, (uint16_t)n);
	p->inherited |= p->state == PEER_READ;
}

/* What only the host has where a router's port lives: translates for its address, or lets stations
 * on the wire in. */
static bool is_anchor_flow(const struct of_flow_stats *f)
{
	uint64_t metadata = of_field_get_u64(&of_fields[OF_FIELD_METADATA], &f->match.value);

	return f->table_id == stages[STAGE_nat_in].table ||
	       (f->table_id == stages[STAGE_router_in].table &&
		(metadata & META_MASK(from)) == META_VALUE(from, FROM_UPLINK));
}

/* After a restart: a router's gateway is where it was. */
static void note_gateway(struct peer *p, const struct of_flow_stats *f)
{
	struct world *w = p->south->world;
	struct port *port;

	if (!w->settling || p->state != PEER_READ || !is_anchor_flow(f) ||
	    cookie_kind(f->cookie) != COOKIE_PORT)
		return;
	port = world_port_by_index(w, cookie_index(f->cookie));
	if (!port || !port->router || !port_is_anchored(port) || port->was)
		return;
	port->was = p->dpid;
	world_mark_dirty(w, &p->sw->obj, WORLD_ALIVE);
}

/* A former controller knew where that port was: flows beside this one may be about its host. */
static void note_awaited(struct peer *p, const struct of_flow_stats *f)
{
	const struct port *port;
	size_t n = p->n_awaited;

	if (p->state != PEER_READ || !cookie_is_ours(f->cookie) ||
	    cookie_kind(f->cookie) != COOKIE_PORT || south_settled(p->south))
		return;
	port = world_port_by_index(p->south->world, cookie_index(f->cookie));
	if (!port || !south_may_come(p->south, port) || (n && p->awaited[n - 1] == port->a.index))
		return;
	if (!(n & (n - 1))) {
		p->awaited = realloc(p->awaited, (n ? 2 * n : 1) * sizeof(*p->awaited));
		mem_check(p->awaited);
	}
	p->awaited[p->n_awaited++] = port->a.index;
}

static void read_flows(struct peer *p, const struct of_mp_flow_reply *r)
{
	for (uint32_t i = 0; i < r->flows.n; i++) {
		const struct of_flow_stats *f = OF_AT(&r->flows, i, flow_stats);
		struct of_flow_mod fm = {
			.kind = OF_KIND_flow_mod,
			.cookie = f->cookie,
			.table_id = f->table_id,
			.idle_timeout = f->idle_timeout,
			.hard_timeout = f->hard_timeout,
			.priority = f->priority,
			.buffer_id = OFP_NO_BUFFER,
			.out_port = OFPP_ANY,
			.out_group = OFPG_ANY,
			.flags = f->flags,
			.match = f->match,
			.insts = f->insts,
		};

		note_gateway(p, f);
		note_awaited(p, f);
		if (p->state == PEER_READ)
			neighs_read(p->south->neighs, f);
		peer_station_read(p, f);
		if (cookie_is_ours(f->cookie))
			read_one(p, (struct of_any *)&fm);
		else
			p->ledger.foreign++;
	}
}

/* Ours are numbered from 0x40000000 (apps/network_l2.c) and 0x50000000 (apps/network_route.c) on;
 * others' are left alone. */
static bool group_is_ours(uint32_t id)
{
	return id >> 28 == 4 || id >> 28 == 5;
}

static void read_groups(struct peer *p, const struct of_mp_group_desc_reply *r)
{
	for (uint32_t i = 0; i < r->groups.n; i++) {
		const struct of_group_desc *g = OF_AT(&r->groups, i, group_desc);
		struct of_group_mod gm = { .kind = OF_KIND_group_mod,
					   .type = g->type,
					   .group_id = g->group_id,
					   .buckets = g->buckets };

		if (group_is_ours(g->group_id))
			read_one(p, (struct of_any *)&gm);
	}
}

static void read_done(struct peer *p)
{
	uint64_t before = p->ledger.drift;
	bool audit = p->state == PEER_AUDIT;

	if (p->read_flows || p->read_groups)
		return;
	ledger_read_end(&p->ledger);
	south_turn_over(p);
	if (p->ledger.drift != before)
		log_warn("peer",
			 "%s: %llu entries had drifted from what was acknowledged; repairing",
			 peer_name(p), (unsigned long long)(p->ledger.drift - before));
	if (!audit)
		derive_all(&p->derive);
	peer_goto(p, PEER_LIVE);
	if (!audit)
		world_tell(p->south->world); /* of gateways */
}

static bool multipart(struct peer *p, const struct of_msg *m)
{
	const struct of_multipart_reply *r = (const struct of_multipart_reply *)m->body;
	bool more = r->flags & OFPMPF_REPLY_MORE;

	if (r->type == OFPMP_FLOW && p->read_flows && m->xid == p->read_flows) {
		read_flows(p, (const struct of_mp_flow_reply *)r->body);
		p->read_flows = more ? m->xid : 0;
	} else if (r->type == OFPMP_GROUP_DESC && p->read_groups && m->xid == p->read_groups) {
		read_groups(p, (const struct of_mp_group_desc_reply *)r->body);
		p->read_groups = more ? m->xid : 0;
	} else {
		return false;
	}
	read_done(p);
	return true;
}

/* ---- sending ---- */

void peer_live_enter(struct peer *p)
{
	derive_run(&p->derive);
	peer_flush(p);
	peer_report(p);
}

static void bundle_ctrl(struct peer *p, uint32_t xid, uint16_t type)
{
	struct of_bundle_ctrl b = { .kind = OF_KIND_bundle_ctrl,
				    .bundle_id = p->txn.bundle,
				    .type = type,
				    .flags = OFPBF_ATOMIC | OFPBF_ORDERED };
	struct of_experimenter_msg m = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_ONF_ID,
					 .exp_type = 2300,
					 .body = (struct of_any *)&b };

	of_session_send(p->session, xid, (struct of_any *)&m);
}

static void bundle_add(struct peer *p, uint32_t xid, const uint8_t *wire, uint16_t n)
{
	struct of_msg inner = { .raw = wire, .length = n };
	struct of_bundle_add b = { .kind = OF_KIND_bundle_add,
				   .bundle_id = p->txn.bundle,
				   .flags = OFPBF_ATOMIC | OFPBF_ORDERED,
				   .message = &inner };
	struct of_experimenter_msg m = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_ONF_ID,
					 .exp_type = 2301,
					 .body = (struct of_any *)&b };

	of_session_send(p->session, xid, (struct of_any *)&m);
}

static void send_entries(struct peer *p)
{
	static uint8_t buf[OF_MSG_MAX];
	struct txn *t = &p->txn;

	for (size_t i = 0; i < t->n; i++) {
		uint32_t xid = t->first + (uint32_t)i;
		uint16_t n = change_message(t->changes[i], xid, buf);

		if (t->bundled)
			bundle_add(p, xid, buf, n);
		else
			of_session_send_raw(p->session, buf, n);
	}
}

/*
 * Whether each message is right by itself, whatever becomes of the others: those of stations. These
 * go without a bundle, which would cost more than they do.
 */
static bool stand_alone(const struct txn *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (cookie_kind(blob_cookie(change_blob(t->changes[i]))) != COOKIE_STATION)
			return false;
	return true;
}

void peer_flush(struct peer *p)
{
	struct of_barrier_request barrier = { .kind = OF_KIND_barrier_request };
	struct txn *t = &p->txn;
	bool adds_only;

	if (p->state != PEER_LIVE || t->n || !p->ledger.n_dirty)
		return;
	adds_only = p->inherited && !south_may_take_away(p->south, p);
	t->changes = ledger_take(&p->ledger, TXN_MAX, adds_only, &t->n);
	if (!t->n)
		return;
	t->bundled = !p->no_bundles && !stand_alone(t);
	t->failed = t->any_refused = t->heard = false;
	/* In one run, so that an error's number leads to its entry. */
	if ((p->xid & 0x7fffffff) + t->n + 8 > 0x7fffffff)
		p->xid = 0;
	t->first = peer_xid(p);
	p->xid += (uint32_t)t->n;
	t->bundle = t->first;
	if (t->bundled)
		bundle_ctrl(p, peer_xid(p), OFPBCT_OPEN_REQUEST);
	send_entries(p);
	if (t->bundled)
		bundle_ctrl(p, peer_xid(p), OFPBCT_COMMIT_REQUEST);
	t->barrier = peer_xid(p);
	of_session_send(p->session, t->barrier, (struct of_any *)&barrier);
}

/* The barrier's reply: everything before it has been done or refused. */
static void txn_end(struct peer *p)
{
	struct txn t = p->txn;

	/* A barrier's reply alone: nobody there has heard of bundles, nor said so. */
	t.failed |= t.bundled && !t.heard;
	p->txn.changes = NULL;
	p->txn.n = 0;
	for (size_t i = 0; i < t.n; i++)
		if (t.changes[i] && t.failed)
			ledger_lost(&p->ledger, t.changes[i]);
		else if (t.changes[i])
			ledger_done(&p->ledger, t.changes[i]);
	free(t.changes);
	/* A bundle that failed without naming its culprit: one by one, the next time. */
	if (t.bundled && t.failed && !t.any_refused) {
		log_info("peer", "%s: a bundle was refused whole; sending its messages one by one",
			 peer_name(p));
		p->no_bundles = true;
	}
	peer_flush(p);
	peer_report(p);
	if (!p->txn.n)
		neighs_acknowledged(p->south->neighs);
}

static void blame(struct peer *p, const struct change *c, const char *error)
{
	const struct blob *b = change_blob(c);
	uint64_t cookie = blob_cookie(b);
	const struct port *port;
	char text[200];

	log_err("peer", "%s: refused the entry of %s: %s", peer_name(p),
		b->where ? b->where : "a former controller", error);
	snprintf(text, sizeof(text), "the switch refused %s: %s",
		 b->where ? b->where : "a deletion", error);
	p->sw->report.refused++;
	world_switch_fault(p->south->world, p->sw, text);
	if (cookie_kind(cookie) != COOKIE_PORT)
		return;
	port = world_port_by_index(p->south->world, cookie_index(cookie));
	if (port)
		world_port_fault(p->south->world, (struct port *)(uintptr_t)port, text);
}

/* It does not know the experimenter's messages. */
static bool unknown(const struct of_error_msg *e)
{
	return e->type == OFPET_BAD_REQUEST &&
	       (e->code == OFPBRC_BAD_EXPERIMENTER || e->code == OFPBRC_BAD_EXP_TYPE);
}

static bool error(struct peer *p, const struct of_msg *m)
{
	const struct of_error_msg *e = (const struct of_error_msg *)m->body;
	const char *name = peer_error_name(e);
	struct txn *t = &p->txn;
	uint32_t i = m->xid - t->first;

	if (p->read_groups && m->xid == p->read_groups) {
		log_warn("peer", "%s: cannot say its groups: %s", peer_name(p), name);
		p->read_groups = 0;
		read_done(p);
		return true;
	}
	if (!t->n || m->xid < t->first || m->xid > t->barrier)
		return false;
	t->heard = true;
	if (t->bundled && unknown(e)) {
		/* Of the bundle: no word of what is in it. */
		t->failed = true;
		return true;
	}
	if (i < t->n && t->changes[i]) {
		blame(p, t->changes[i], name);
		ledger_refused(&p->ledger, t->changes[i]);
		t->changes[i] = NULL;
		t->any_refused = true;
	}
	t->failed |= t->bundled;
	return true;
}

bool peer_flows_msg(struct peer *p, const struct of_msg *m)
{
	switch (m->type) {
	case OFPT_MULTIPART_REPLY:
		return multipart(p, m);
	case OFPT_BARRIER_REPLY:
		if (p->txn.n && m->xid == p->txn.barrier)
			txn_end(p);
		return true;
	case OFPT_ERROR:
		return error(p, m);
	case OFPT_EXPERIMENTER:
		p->txn.heard = true;
		return true; /* bundle replies: the barrier says the rest */
	default:
		return false;
	}
}

void peer_report(struct peer *p)
{
	struct sw_report *r;

	if (!p->sw)
		return;
	r = &p->sw->report;
	r->flows = p->ledger.n_flows;
	r->groups = p->ledger.n_groups;
	r->pending = p->ledger.n_dirty + p->txn.n;
	r->drift_repaired = p->ledger.drift;
	if (!r->pending && p->state == PEER_LIVE)
		r->synced = ev_now(p->south->loop);
}
