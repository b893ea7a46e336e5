/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow monitors (ONF EXT-187, as Open vSwitch has them, and Nicira's, which are the same in other
 * bytes): who asks is told of every flow that is added, changed or removed, in the order of the
 * changes, when packets see them.
 *
 * What is there at first is told in parts, each when the last has been read (agent_dump.c).  Until
 * the walk over the tables has come to a flow its changes are not told: the walk will find it as
 * it is then.
 *
 * A peer that lets MONITOR_HIGH bytes pile up is paused.  From then on it is told only that flows
 * are gone which it knows, no more than there were; additions and changes are forgotten.  When it
 * has read nearly all, a walk over the tables, in parts, too, finds what is newer than the pause
 * by the versions and ages of the flows themselves, so that a pause takes no memory however long
 * it lasts.  Should it fall back during that walk, it is paused again, and the walk begins anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "datapath/act.h"
#include "datapath/agent_priv.h"
#include "ofproto/nx.h"

enum {
	MONITORS_MAX = 256,	/* of one connection */
	MONITOR_HIGH = 4 << 20, /* more than a dump leaves unread */
	MONITOR_LOW = 64 << 10,
	WHAT = OFPFMF_ADD | OFPFMF_DELETE | OFPFMF_MODIFY,
	FLAGS = WHAT | OFPFMF_INITIAL | OFPFMF_ACTIONS | OFPFMF_OWN,
};

/* Whose encoding; a connection has monitors of one kind. */
enum format { FORMAT_ONF, FORMAT_NICIRA, N_FORMATS };

struct monitor {
	uint32_t id;
	uint16_t flags;
	enum format format;
	struct of_mp_flow_request q; /* the flows it is about, but for out_port */
	uint32_t out_port;
	const struct monitor_place *walk; /* so far it was told what there is; NULL: all */
	struct monitor *prev, *next;
};

/* ---- Which flows ---- */

static bool has_port(const struct table_change *ch, uint32_t port) CONTROL
{
	return insts_has_port(ch->flow->insts, port) ||
	       (ch->before && insts_has_port(ch->before->insts, port));
}

static bool wants(const struct monitor *m, const struct table_change *ch, uint16_t what) CONTROL
{
	return m->flags & what && (m->out_port == OFPP_ANY || has_port(ch, m->out_port)) &&
	       table_selects(&m->q, ch->flow);
}

static bool passed(const struct monitor_place *p, const struct flow *f)
{
	const struct table_place at = table_place(f);

	return p->any && table_place_compare(&at, &p->at) <= 0;
}

/* Whether the peer knows the flow as it is, and so is to be told what changes. */
static bool is_current(const struct conn *c, const struct monitor *m, const struct flow *f)
{
	return (!m->walk || passed(m->walk, f)) && (!c->pause.on || passed(&c->pause.passed, f));
}

/* Whether it knows of the flow, be it as it was. */
static bool is_known(const struct conn *c, const struct monitor *m, const struct flow *f)
{
	return (!m->walk || passed(m->walk, f)) &&
	       (!c->pause.on || f->created <= c->pause.known || passed(&c->pause.passed, f));
}

/* ---- Telling ---- */

static const struct {
	enum of_kind reply, update, full, abbrev, paused, resumed;
	uint32_t experimenter, type_paused, type_resumed;
} formats[N_FORMATS] = {
	[FORMAT_ONF] = { OF_KIND_flow_monitor_reply, OF_KIND_flow_update, OF_KIND_flow_event_full,
			 OF_KIND_flow_event_abbrev, OF_KIND_flow_monitor_paused,
			 OF_KIND_flow_monitor_resumed, OF_ONF_ID, 1871, 1872 },
	[FORMAT_NICIRA] = { OF_KIND_nx_flow_monitor_reply, OF_KIND_nx_flow_update,
			    OF_KIND_nx_flow_event_full, OF_KIND_nx_flow_event_abbrev,
			    OF_KIND_nx_flow_monitor_paused, OF_KIND_nx_flow_monitor_resumed,
			    OF_NX_ID, 22, 23 },
};

/* The structures are alike but for their kinds. */
#define ALIKE(x, y, member) \
	_Static_assert(offsetof(struct x, member) == offsetof(struct y, member), "")
ALIKE(of_flow_update, of_nx_flow_update, event);
ALIKE(of_flow_update, of_nx_flow_update, body);
ALIKE(of_flow_event_full, of_nx_flow_event_full, cookie);
ALIKE(of_flow_event_full, of_nx_flow_event_full, match);
ALIKE(of_flow_event_full, of_nx_flow_event_full, insts);
ALIKE(of_flow_event_abbrev, of_nx_flow_event_abbrev, xid);

static void put_flow(struct mp *mp, enum format fmt, const struct table_change *ch,
		     bool actions) CONTROL
{
	struct of_flow_update *u = (void *)of_new(mp->arena, formats[fmt].update);
	struct of_flow_event_full *b = (void *)of_new(mp->arena, formats[fmt].full);
	const struct flow *f = ch->flow;

	if (!u || !b) {
		mp_add(mp, NULL);
		return;
	}
	u->event = ch->event;
	u->body = (struct of_any *)b;
	b->reason = ch->event == OFPFME_DELETED ? ch->reason : 0;
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

static void put_abbrev(struct mp *mp, enum format fmt, uint32_t xid) CONTROL
{
	struct of_flow_update *u = (void *)of_new(mp->arena, formats[fmt].update);
	struct of_flow_event_abbrev *b = (void *)of_new(mp->arena, formats[fmt].abbrev);

	if (!u || !b) {
		mp_add(mp, NULL);
		return;
	}
	u->event = OFPFME_ABBREV;
	u->body = (struct of_any *)b;
	b->xid = xid;
	mp_add(mp, (struct of_any *)u);
}

/* PAUSED or RESUMED. */
static void tell_state(struct conn *c, enum format fmt, bool paused) CONTROL
{
	struct of_any body = { paused ? formats[fmt].paused : formats[fmt].resumed };
	struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = formats[fmt].experimenter,
					 .exp_type = paused ? formats[fmt].type_paused
							    : formats[fmt].type_resumed,
					 .body = &body };

	of_session_send(c->session, 0, (struct of_any *)&x);
}

static uint16_t what_of(uint16_t event)
{
	return event == OFPFME_ADDED	 ? OFPFMF_ADD
	       : event == OFPFME_DELETED ? OFPFMF_DELETE
					 : OFPFMF_MODIFY;
}

/* The flow that a change takes from who does not hear of changes: itself, or the one it replaces.
 */
static bool gone_of(const struct table_change *ch, struct table_change *gone)
{
	*gone = *ch;
	if (ch->event == OFPFME_DELETED)
		return true;
	if (ch->event != OFPFME_ADDED || !ch->before)
		return false;
	*gone = (struct table_change){ .flow = ch->before,
				       .event = OFPFME_DELETED,
				       .reason = OFPRR_DELETE };
	return true;
}

/*
 * The flags, put together, of all monitors that are to be told of the change, and of those that
 * are told only what is gone; 0: none is.
 */
static uint16_t wanted(const struct conn *c, const struct table_change *ch,
		       const struct table_change *gone, uint16_t *of_gone) CONTROL
{
	const struct monitor *m;
	uint16_t flags = 0;

	*of_gone = 0;
	DL_FOREACH (c->monitors, m) {
		if (is_current(c, m, ch->flow)) {
			if (wants(m, ch, what_of(ch->event)))
				flags |= m->flags;
		} else if (gone && is_known(c, m, gone->flow) && wants(m, gone, OFPFMF_DELETE)) {
			*of_gone |= m->flags;
		}
	}
	return flags;
}

/* 'own': the last of its own that was told in short. */
static void tell_one(struct conn *c, struct mp *mp, const struct table_change *ch,
		     const struct table_change **own) CONTROL
{
	const enum format fmt = c->monitors->format;
	struct table_change gone;
	uint16_t of_gone, flags;

	flags = wanted(c, ch, gone_of(ch, &gone) ? &gone : NULL, &of_gone);
	if (of_gone && (ch->event != OFPFME_DELETED || !flags))
		put_flow(mp, fmt, &gone, of_gone & OFPFMF_ACTIONS);
	if (!flags)
		return;
	if (ch->by != c->serial || flags & OFPFMF_OWN)
		put_flow(mp, fmt, ch, flags & OFPFMF_ACTIONS);
	else if (!*own || (*own)->xid != ch->xid)
		put_abbrev(mp, fmt, ch->xid);
	if (ch->by == c->serial)
		*own = ch;
}

static void tell(struct conn *c, const struct table_change *v, uint32_t n) CONTROL
{
	const struct table_change *own = NULL;
	struct mp mp;

	mp_begin(&mp, c, 0, OFPMP_EXPERIMENTER, formats[c->monitors->format].reply);
	for (uint32_t i = 0; i < n && !mp.rc; i++)
		tell_one(c, &mp, &v[i], &own);
	if (mp.total || mp.rc)
		mp_end(&mp);
}

static void pause_slow(struct conn *c) CONTROL
{
	if (of_session_backlog(c->session) < MONITOR_HIGH)
		return;
	if (!c->pause.on) {
		c->pause = (struct monitor_pause){ .on = true,
						   .at = monotonic_now(),
						   .version = dp_next_version(c->agent->dp) - 1,
						   .nicira = c->monitors->format };
		c->pause.known = c->pause.at;
		tell_state(c, c->monitors->format, true);
	} else if (c->pause.passed.any) {
		/* What it missed it has still missed, and what it was told is old by now. */
		c->pause.known = monotonic_now();
		c->pause.passed.any = false;
	}
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

/* ---- Walks: at first, and after a pause ---- */

struct walk {
	struct conn *c;
	const struct monitor_place
		*first; /* of the monitors that are told at first; NULL: a pause */
	struct monitor_place at;
	struct mp mp;
};

/* The flags, put together, of the monitors that this walk is for. */
static uint16_t walk_wants(const struct walk *w, const struct table_change *ch) CONTROL
{
	const uint16_t what = w->first ? OFPFMF_INITIAL : what_of(ch->event);
	const struct monitor *m;
	uint16_t flags = 0;

	DL_FOREACH (w->c->monitors, m) {
		if (w->first ? m->walk != w->first : m->walk && !passed(m->walk, ch->flow))
			continue;
		if (wants(m, ch, what))
			flags |= m->flags;
	}
	return flags;
}

static int walk_flow(void *arg, const struct flow *f) CONTROL
{
	struct walk *w = arg;
	struct table_change ch = { .flow = f, .event = OFPFME_ADDED };
	uint16_t flags;

	if (!w->first) {
		if (f->rule.added <= w->c->pause.version)
			return 0;
		if (f->created <= w->c->pause.at)
			ch.event = OFPFME_MODIFIED;
	}
	flags = walk_wants(w, &ch);
	if (!flags)
		return 0;
	put_flow(&w->mp, w->c->monitors->format, &ch, flags & OFPFMF_ACTIONS);
	w->at = (struct monitor_place){ true, table_place(f) };
	return w->mp.rc ? w->mp.rc : w->mp.total >= DUMP_PART;
}

/* From w->at on, of the flows that 'm' is about (NULL: all).  1: there may be more; 0: that was
 * all, or it failed: w->mp.rc. */
static int walk_part(struct walk *w, const struct monitor *m, enum format fmt, uint32_t xid) CONTROL
{
	static const struct of_mp_flow_request all = {
		.kind = OF_KIND_mp_flow_request,
		.table_id = OFPTT_ALL,
		.out_port = OFPP_ANY,
		.out_group = OFPG_ANY,
	};
	const struct table_place from = w->at.at;
	int rc;

	mp_begin(&w->mp, w->c, xid, OFPMP_EXPERIMENTER, formats[fmt].reply);
	rc = table_select_after(w->c->agent->dp, m ? &m->q : &all, w->at.any ? &from : NULL,
				walk_flow, w);
	if (rc < 0)
		w->mp.rc = rc;
	return rc > 0 && !w->mp.rc;
}

/* ---- At first ---- */

/* A reply about the flows that are there, under the request's xid. */
struct first_dump {
	struct dump dump;
	enum format format;
	struct monitor_place at;
};

static void count(struct agent *a, unsigned int n)
{
	a->n_monitors = n;
	a->dp->table_events.changed = n ? on_changes : NULL;
}

/* Its monitors are like others now; or, had anything failed, they are not there. */
static void first_end(struct conn *c, const struct first_dump *d, bool failed) CONTROL
{
	struct monitor *m, *next;

	DL_FOREACH_SAFE (c->monitors, m, next) {
		if (m->walk != &d->at)
			continue;
		m->walk = NULL;
		if (!failed)
			continue;
		DL_DELETE(c->monitors, m);
		free(m);
		count(c->agent, c->agent->n_monitors - 1);
	}
}

static int first_part(struct conn *c, struct dump *dump) CONTROL
{
	struct first_dump *d = (struct first_dump *)dump;
	struct walk w = { .c = c, .first = &d->at, .at = d->at };
	const struct monitor *m, *one = NULL;
	unsigned int n = 0;
	int more;

	/* After it has been told what others of its monitors missed. */
	if (c->pause.on)
		return 1;
	DL_FOREACH (c->monitors, m)
		if (m->walk == &d->at && m->flags & OFPFMF_INITIAL) {
			one = m;
			n++;
		}
	if (n) {
		more = walk_part(&w, n == 1 ? one : NULL, d->format, dump->xid);
	} else {
		mp_begin(&w.mp, c, dump->xid, OFPMP_EXPERIMENTER, formats[d->format].reply);
		more = 0;
	}
	d->at = w.at;
	if (more)
		mp_part(&w.mp);
	if (more && !w.mp.rc)
		return 1;
	mp_end(&w.mp);
	first_end(c, d, w.mp.rc);
	return 0;
}

/* ---- After a pause ---- */

/* What it missed, a part of it.  1: there may be more. */
static int missed_part(struct conn *c) CONTROL
{
	struct walk w = { .c = c, .at = c->pause.passed };
	const struct monitor *m = c->monitors;
	int more;

	if (!m)
		return 0;
	more = walk_part(&w, m->next ? NULL : m, m->format, 0);
	if (w.mp.total || w.mp.rc)
		mp_end(&w.mp);
	/* Half of what was missed would never be made good. */
	if (w.mp.rc)
		of_session_drop(c->session, "no memory for what its monitors missed");
	c->pause.passed = w.at;
	return more && !w.mp.rc;
}

void monitors_go_on(struct agent *a)
{
	struct conn *c;

	DL_FOREACH (a->conns, c) {
		const size_t low = c->pause.passed.any ? DUMP_LOW : MONITOR_LOW;

		if (!c->pause.on || !c->up || of_session_backlog(c->session) > low)
			continue;
		agent_publish(a);
		if (missed_part(c))
			continue;
		c->pause.on = false;
		tell_state(c, c->pause.nicira ? FORMAT_NICIRA : FORMAT_ONF, false);
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

static struct monitor *monitor_new(const struct of_flow_monitor *f, enum format fmt,
				   const struct monitor_place *walk)
{
	struct monitor *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->id = f->id;
	m->flags = f->flags;
	m->format = fmt;
	m->walk = walk;
	m->out_port = f->out_port;
	m->q = (struct of_mp_flow_request){ .kind = OF_KIND_mp_flow_request,
					    .table_id = f->table_id,
					    .out_port = OFPP_ANY,
					    .out_group = OFPG_ANY,
					    .match = f->match };
	return m;
}

static struct of_flow_monitor asked(const struct of_any *s)
{
	return s->kind == OF_KIND_nx_flow_monitor
		       ? of_nx_monitor((const struct of_nx_flow_monitor *)s)
		       : *(const struct of_flow_monitor *)s;
}

/* All of the request, or nothing. */
static int make(const struct conn *c, const struct of_list *l, const struct first_dump *d,
		struct monitor **out, struct of_err *e)
{
	*out = NULL;
	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_flow_monitor f = asked(l->v[i]);
		struct monitor *m;
		int rc = check(c, &f, e);

		if (!rc && find(*out, f.id))
			rc = refuse(e, OFPMOFC_MONITOR_EXISTS, f.id, "is in the request twice");
		m = rc ? NULL : monitor_new(&f, d->format, &d->at);
		if (!m) {
			free_list(*out);
			return rc ? rc : -ENOMEM;
		}
		DL_APPEND(*out, m);
	}
	return 0;
}

static int check_all(const struct conn *c, const struct of_list *l, enum format fmt,
		     struct of_err *e)
{
	const struct monitor *m;
	unsigned int n = 0;

	DL_COUNT(c->monitors, m, n);
	if (n + l->n > MONITORS_MAX)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_EPERM,
				  "a connection has %d flow monitors at most", MONITORS_MAX);
	/* Updates do not say which monitor they are of: in both forms each would be told twice. */
	if (c->monitors && c->monitors->format != fmt)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_EPERM,
				  "a connection's flow monitors are all ONF's or all Nicira's");
	return 0;
}

int agent_monitor(struct conn *c, const struct of_msg *m, const struct of_any *q, struct of_err *e)
{
	/* Both are a kind and one list. */
	const struct of_list *l = &((const struct of_flow_monitor_request *)q)->monitors;
	const bool nicira = q->kind == OF_KIND_nx_flow_monitor_request;
	struct first_dump *d;
	struct monitor *list;
	int rc = check_all(c, l, nicira ? FORMAT_NICIRA : FORMAT_ONF, e);

	if (rc)
		return rc;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->dump = (struct dump){ .xid = m->xid, .part = first_part };
	d->format = nicira ? FORMAT_NICIRA : FORMAT_ONF;
	rc = make(c, l, d, &list, e);
	if (rc) {
		free(d);
		return rc;
	}
	DL_CONCAT(c->monitors, list);
	count(c->agent, c->agent->n_monitors + l->n);
	return dump_start(c, &d->dump);
}

int agent_monitor_cancel(struct conn *c, uint32_t id, struct of_err *e)
{
	struct monitor *m = find(c->monitors, id);

	if (!m)
		return refuse(e, OFPMOFC_UNKNOWN_MONITOR, id, "is not there");
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
	c->pause = (struct monitor_pause){ .on = false };
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
