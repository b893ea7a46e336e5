/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow monitors (ONF EXT-187, as Open vSwitch has them): who asks is told of every flow that is
 * added, changed or removed, in the order of the changes, when packets see them.
 *
 * A peer that lets MONITOR_HIGH bytes pile up is paused.  From then on it is told only that flows
 * are gone which it knows, no more than there were; additions and changes are forgotten.  When it
 * has read nearly all, a walk over the tables finds what is newer than the pause by the versions
 * and ages of the flows themselves, so that a pause takes no memory however long it lasts.
 */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "datapath/act.h"
#include "datapath/agent_priv.h"

enum {
	MONITORS_MAX = 256, /* of one connection */
	MONITOR_HIGH = 2 << 20,
	MONITOR_LOW = 64 << 10,
	WHAT = OFPFMF_ADD | OFPFMF_DELETE | OFPFMF_MODIFY,
	FLAGS = WHAT | OFPFMF_INITIAL | OFPFMF_ACTIONS | OFPFMF_OWN,
};

struct monitor {
	uint32_t id;
	uint16_t flags;
	struct of_mp_flow_request q; /* the flows it is about, but for out_port */
	uint32_t out_port;
	struct monitor *prev, *next;
};

/* ---- Which flows ---- */

static bool has_port(const struct table_change *ch, uint32_t port) CONTROL
{
	return insts_has_port(ch->flow->insts, port) ||
	       (ch->before && insts_has_port(ch->before->insts, port));
}

/* The flags of all monitors that want to be told, put together; 0: none does. */
static uint16_t wanted(const struct monitor *list, const struct table_change *ch,
		       uint16_t what) CONTROL
{
	const struct monitor *m;
	uint16_t flags = 0;

	DL_FOREACH (list, m)
		if (m->flags & what && (m->out_port == OFPP_ANY || has_port(ch, m->out_port)) &&
		    table_selects(&m->q, ch->flow))
			flags |= m->flags;
	return flags;
}

/* ---- Telling ---- */

static void put_flow(struct mp *mp, const struct flow *f, uint16_t event, uint8_t reason,
		     bool actions) CONTROL
{
	struct of_flow_update *u = OF_NEW(mp->arena, flow_update);
	struct of_flow_event_full *b = OF_NEW(mp->arena, flow_event_full);

	if (!u || !b) {
		mp_add(mp, NULL);
		return;
	}
	u->event = event;
	u->body = (struct of_any *)b;
	b->reason = event == OFPFME_DELETED ? reason : 0;
	b->priority = f->rule.priority;
	b->idle_timeout = f->idle_timeout;
	b->hard_timeout = f->hard_timeout;
	b->table_id = f->table_id;
	b->cookie = f->cookie;
	flow_match(f, &b->match);
	if (actions)
		b->insts = f->insts->list;
	mp_add(mp, (struct of_any *)u);
}

static void put_abbrev(struct mp *mp, uint32_t xid) CONTROL
{
	struct of_flow_update *u = OF_NEW(mp->arena, flow_update);
	struct of_flow_event_abbrev *b = OF_NEW(mp->arena, flow_event_abbrev);

	if (!u || !b) {
		mp_add(mp, NULL);
		return;
	}
	u->event = OFPFME_ABBREV;
	u->body = (struct of_any *)b;
	b->xid = xid;
	mp_add(mp, (struct of_any *)u);
}

static void send_empty(struct conn *c, enum of_kind kind, uint32_t type) CONTROL
{
	struct of_any body = { kind };
	struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_ONF_ID,
					 .exp_type = type,
					 .body = &body };

	of_session_send(c->session, 0, (struct of_any *)&x);
}

static uint16_t what_of(uint16_t event)
{
	return event == OFPFME_ADDED	 ? OFPFMF_ADD
	       : event == OFPFME_DELETED ? OFPFMF_DELETE
					 : OFPFMF_MODIFY;
}

/* While paused: only that a flow is gone which the peer knows, be it replaced. */
static void tell_paused(struct conn *c, struct mp *mp, const struct table_change *ch) CONTROL
{
	struct table_change gone = *ch;
	uint16_t flags;

	if (ch->event == OFPFME_MODIFIED || (ch->event == OFPFME_ADDED && !ch->before))
		return;
	if (ch->event == OFPFME_ADDED) {
		gone.flow = ch->before;
		gone.reason = OFPRR_DELETE;
	}
	if (gone.flow->created > c->pause.at)
		return;
	flags = wanted(c->monitors, &gone, OFPFMF_DELETE);
	if (flags)
		put_flow(mp, gone.flow, OFPFME_DELETED, gone.reason, flags & OFPFMF_ACTIONS);
}

static void tell(struct conn *c, const struct table_change *v, uint32_t n) CONTROL
{
	const struct table_change *own = NULL; /* the last of its own that was told in short */
	struct mp mp;

	mp_begin(&mp, c, 0, OFPMP_EXPERIMENTER, OF_KIND_flow_monitor_reply);
	for (uint32_t i = 0; i < n && !mp.rc; i++) {
		uint16_t flags;

		if (c->pause.on) {
			tell_paused(c, &mp, &v[i]);
			continue;
		}
		flags = wanted(c->monitors, &v[i], what_of(v[i].event));
		if (!flags)
			continue;
		if (v[i].by != c->serial || flags & OFPFMF_OWN)
			put_flow(&mp, v[i].flow, v[i].event, v[i].reason, flags & OFPFMF_ACTIONS);
		else if (!own || own->xid != v[i].xid)
			put_abbrev(&mp, v[i].xid);
		if (v[i].by == c->serial)
			own = &v[i];
	}
	if (mp.total || mp.rc)
		mp_end(&mp);
}

static void pause_slow(struct conn *c) CONTROL
{
	if (c->pause.on || of_session_backlog(c->session) < MONITOR_HIGH)
		return;
	c->pause = (struct monitor_pause){ .on = true,
					   .at = monotonic_now(),
					   .version = dp_next_version(c->agent->dp) - 1 };
	send_empty(c, OF_KIND_flow_monitor_paused, 1871);
}

static void on_changes(void *arg, const struct table_change *v, uint32_t n)
{
	struct agent *a = arg;
	struct conn *c;

	role_assume_control();
	DL_FOREACH (a->conns, c) {
		if (!c->monitors || !c->up)
			continue;
		if (!v) {
			of_session_drop(c->session, "no memory for the changes it monitors");
			continue;
		}
		tell(c, v, n);
		pause_slow(c);
	}
}

/* ---- After a pause, and at first ---- */

struct refresh {
	struct conn *c;
	struct mp mp;
	const struct monitor *list;
	bool initial;
};

static int refresh_flow(void *arg, const struct flow *f) CONTROL
{
	struct refresh *r = arg;
	struct table_change ch = { .flow = f, .event = OFPFME_ADDED };
	uint16_t flags;

	if (!r->initial) {
		if (f->rule.added <= r->c->pause.version)
			return 0;
		if (f->created <= r->c->pause.at)
			ch.event = OFPFME_MODIFIED;
	}
	flags = wanted(r->list, &ch, r->initial ? OFPFMF_INITIAL : what_of(ch.event));
	if (flags)
		put_flow(&r->mp, f, ch.event, 0, flags & OFPFMF_ACTIONS);
	return r->mp.rc;
}

/* Walks all flows that one of the monitors can be about. */
static void refresh(struct refresh *r, uint32_t xid) CONTROL
{
	static const struct of_mp_flow_request all = {
		.kind = OF_KIND_mp_flow_request,
		.table_id = OFPTT_ALL,
		.out_port = OFPP_ANY,
		.out_group = OFPG_ANY,
	};
	const struct of_mp_flow_request *q = r->list && !r->list->next ? &r->list->q : &all;
	int rc;

	mp_begin(&r->mp, r->c, xid, OFPMP_EXPERIMENTER, OF_KIND_flow_monitor_reply);
	rc = r->list ? table_select(r->c->agent->dp, q, refresh_flow, r) : 0;
	if (rc < 0)
		r->mp.rc = rc;
	if (r->initial || r->mp.total || r->mp.rc)
		mp_end(&r->mp);
}

void monitors_go_on(struct agent *a)
{
	struct conn *c;

	DL_FOREACH (a->conns, c) {
		struct refresh r = { .c = c, .list = c->monitors };

		if (!c->pause.on || !c->up || of_session_backlog(c->session) > MONITOR_LOW)
			continue;
		agent_publish(a);
		refresh(&r, 0);
		/* Half of what was missed would never be made good. */
		if (r.mp.rc)
			of_session_drop(c->session, "no memory for what its monitors missed");
		c->pause.on = false;
		send_empty(c, OF_KIND_flow_monitor_resumed, 1872);
	}
}

/* ---- Requests ---- */

static struct monitor *find(struct monitor *list, uint32_t id)
{
	struct monitor *m;

	DL_FOREACH (list, m)
		if (m->id == id)
			return m;
	return NULL;
}

static int refuse(struct of_err *e, uint16_t code, uint32_t id, const char *text)
{
	return of_err_set(e, OFPET_EXPERIMENTER, code, "flow monitor %u %s", id, text);
}

static int check(const struct conn *c, const struct of_flow_monitor *f, struct of_err *e)
{
	if (find(c->monitors, f->id))
		return refuse(e, OFPMOFC_MONITOR_EXISTS, f->id, "is there already");
	if (f->flags & ~FLAGS)
		return refuse(e, OFPMOFC_BAD_FLAGS, f->id, "has unknown flags");
	if (!(f->flags & WHAT))
		return refuse(e, OFPMOFC_BAD_FLAGS, f->id, "asks for no changes");
	if (f->table_id >= N_TABLES && f->table_id != OFPTT_ALL)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_TABLE_ID,
				  "table %u: tables are 0 to %d, or 255 for all", f->table_id,
				  N_TABLES - 1);
	return 0;
}

static void free_list(struct monitor *list)
{
	struct monitor *m, *next;

	DL_FOREACH_SAFE (list, m, next) {
		DL_DELETE(list, m);
		free(m);
	}
}

static struct monitor *monitor_new(const struct of_flow_monitor *f)
{
	struct monitor *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->id = f->id;
	m->flags = f->flags;
	m->out_port = f->out_port;
	m->q = (struct of_mp_flow_request){ .kind = OF_KIND_mp_flow_request,
					    .table_id = f->table_id,
					    .out_port = OFPP_ANY,
					    .out_group = OFPG_ANY,
					    .match = f->match };
	return m;
}

/* All of the request, or nothing. */
static int make(const struct conn *c, const struct of_list *l, struct monitor **out,
		struct of_err *e)
{
	*out = NULL;
	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_flow_monitor *f = OF_AT(l, i, flow_monitor);
		struct monitor *m;
		int rc = check(c, f, e);

		if (!rc && find(*out, f->id))
			rc = refuse(e, OFPMOFC_MONITOR_EXISTS, f->id, "is in the request twice");
		m = rc ? NULL : monitor_new(f);
		if (!m) {
			free_list(*out);
			return rc ? rc : -ENOMEM;
		}
		DL_APPEND(*out, m);
	}
	return 0;
}

static void count(struct agent *a, unsigned int n)
{
	a->n_monitors = n;
	a->dp->table_events.changed = n ? on_changes : NULL;
}

int agent_monitor(struct conn *c, const struct of_msg *m, const struct of_flow_monitor_request *q,
		  struct of_err *e)
{
	struct refresh r = { .c = c, .initial = true };
	struct monitor *list, *old;
	unsigned int n = 0;
	int rc;

	DL_COUNT(c->monitors, old, n);
	if (n + q->monitors.n > MONITORS_MAX)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_EPERM,
				  "a connection has %d flow monitors at most", MONITORS_MAX);
	rc = make(c, &q->monitors, &list, e);
	if (rc)
		return rc;
	r.list = list;
	refresh(&r, m->xid);
	if (r.mp.rc) { /* refused by mp_end() already */
		free_list(list);
		return 0;
	}
	DL_CONCAT(c->monitors, list);
	count(c->agent, c->agent->n_monitors + q->monitors.n);
	return 0;
}

int agent_monitor_cancel(struct conn *c, const struct of_flow_monitor_cancel *q, struct of_err *e)
{
	struct monitor *m = find(c->monitors, q->id);

	if (!m)
		return refuse(e, OFPMOFC_UNKNOWN_MONITOR, q->id, "is not there");
	agent_publish(c->agent); /* what it saw before it went */
	DL_DELETE(c->monitors, m);
	free(m);
	count(c->agent, c->agent->n_monitors - 1);
	return 0;
}

void monitors_free(struct conn *c)
{
	struct monitor *m;
	unsigned int n = 0;

	DL_COUNT(c->monitors, m, n);
	if (n)
		count(c->agent, c->agent->n_monitors - n);
	free_list(c->monitors);
	c->monitors = NULL;
	c->pause.on = false;
}

void monitors_cause(struct conn *c, const struct of_msg *m)
{
	struct agent *a = c->agent;

	/* What goes with a group or a meter is nobody's own, as Open vSwitch sees it. */
	if (m->type != OFPT_FLOW_MOD) {
		table_cause(a->dp, 0, 0);
		return;
	}
	table_cause(a->dp, c->serial, a->in_bundle ? a->bundle_xid : m->xid);
	if (!a->in_bundle && table_in_bundle(a->dp)) {
		a->in_bundle = true;
		a->bundle_xid = m->xid;
	}
}
