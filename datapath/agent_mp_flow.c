/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiparts about flows and tables (7.3.5.2 to 7.3.5.4).
 *
 * A dump of many flows is sent in parts, each when the last has been read: a million flows take no
 * more memory than a few thousand, however slow the reader is, and others have their turn in
 * between.  Until it is whole nothing else is read from that connection, so that what was asked
 * first is answered first, a barrier above all.
 */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "datapath/act.h"
#include "datapath/agent_priv.h"
#include "datapath/table_caps.h"

enum {
	DUMP_PART =
		16 << 20,   /* bytes of flows sent at once; each part looks at all of them again */
	DUMP_LOW = 1 << 20, /* so little left unread: go on */
	DUMP_PATIENCE = 30, /* seconds without a byte taken */
};

struct dump {
	struct of_mp_flow_request q;
	uint32_t xid;
	struct table_place at; /* the last flow that was sent */
	size_t backlog;	       /* at the last look, */
	unsigned int stuck;    /* as long ago, seconds */
};

struct walk {
	struct mp mp;
	const struct dp *dp;
	double now;
	struct table_place at;
	struct of_mp_aggregate_reply *sum;
};

static int add_flow(void *arg, const struct flow *f) CONTROL
{
	struct walk *w = arg;
	struct of_flow_stats *s = OF_NEW(w->mp.arena, flow_stats);
	double age = w->now > f->created ? w->now - f->created : 0;

	if (!s)
		return mp_add(&w->mp, NULL);
	s->table_id = f->table_id;
	s->duration_sec = (uint32_t)age;
	s->duration_nsec = (uint32_t)((age - (double)(uint32_t)age) * 1e9);
	s->priority = f->rule.priority;
	s->idle_timeout = f->idle_timeout;
	s->hard_timeout = f->hard_timeout;
	s->flags = f->flags;
	s->cookie = f->cookie;
	flow_counts(w->dp, f, &s->packet_count, &s->byte_count);
	flow_match(f, &s->match);
	s->insts = f->insts->list; /* outlives the message: it is made before anything changes */
	w->at = table_place(f);
	if (mp_add(&w->mp, (struct of_any *)s))
		return w->mp.rc;
	return w->mp.total >= DUMP_PART;
}

void dump_free(struct conn *c)
{
	free(c->dump);
	c->dump = NULL;
}

/* One part.  1: there may be more behind w->at; 0: that was all. */
static int send_part(struct conn *c, const struct of_mp_flow_request *q, uint32_t xid,
		     const struct table_place *after, struct walk *w) CONTROL
{
	int rc;

	*w = (struct walk){ .dp = c->agent->dp, .now = monotonic_now() };
	mp_begin(&w->mp, c, xid, OFPMP_FLOW, OF_KIND_mp_flow_reply);
	rc = table_select_after(c->agent->dp, q, after, add_flow, w);
	if (rc < 0)
		w->mp.rc = rc;
	if (!w->mp.rc && rc > 0) {
		mp_part(&w->mp);
		if (!w->mp.rc)
			return 1;
	}
	mp_end(&w->mp);
	return 0;
}

static int check_table(const struct dp *dp, uint8_t table_id, struct of_err *e) CONTROL
{
	if (table_id == OFPTT_ALL || (table_id < N_TABLES && table_caps(dp, table_id)->present))
		return 0;
	return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_TABLE_ID,
			    "table %u: tables are 0 to %d, or 255 for all", table_id, N_TABLES - 1);
}

int mp_flows(struct conn *c, const struct of_msg *m, const struct of_any *body, struct of_err *e)
{
	const struct of_mp_flow_request *q = (const struct of_mp_flow_request *)body;
	int rc = check_table(c->agent->dp, q->table_id, e);
	struct walk w;

	if (rc)
		return rc;
	c->dump = malloc(sizeof(*c->dump)); /* first, so that a dump once begun has an end */
	if (!c->dump)
		return -ENOMEM;
	if (!send_part(c, q, m->xid, NULL, &w)) {
		dump_free(c);
		return 0;
	}
	*c->dump = (struct dump){ .q = *q, .xid = m->xid, .at = w.at };
	of_session_pause(c->session, true);
	return 0;
}

void dumps_go_on(struct agent *a)
{
	struct conn *c;
	struct walk w;

	DL_FOREACH (a->conns, c) {
		struct dump *d = c->dump;

		if (!d || of_session_backlog(c->session) > DUMP_LOW)
			continue;
		agent_publish(a);
		if (send_part(c, &d->q, d->xid, &d->at, &w)) {
			d->at = w.at;
		} else {
			dump_free(c);
			of_session_pause(c->session, false);
		}
	}
}

void dumps_watch(struct agent *a)
{
	struct conn *c;

	DL_FOREACH (a->conns, c) {
		size_t backlog = c->dump ? of_session_backlog(c->session) : 0;

		if (!c->dump)
			continue;
		c->dump->stuck = backlog == c->dump->backlog ? c->dump->stuck + 1 : 0;
		c->dump->backlog = backlog;
		if (c->dump->stuck >= DUMP_PATIENCE)
			of_session_drop(c->session,
					"the peer does not read the flows it asked for");
	}
}

static int sum_flow(void *arg, const struct flow *f) CONTROL
{
	struct walk *w = arg;
	uint64_t packets, bytes;

	flow_counts(w->dp, f, &packets, &bytes);
	w->sum->packet_count += packets;
	w->sum->byte_count += bytes;
	w->sum->flow_count++;
	return 0;
}

int mp_aggregate(struct conn *c, const struct of_msg *m, const struct of_any *body,
		 struct of_err *e)
{
	const struct of_mp_aggregate_request *q = (const struct of_mp_aggregate_request *)body;
	struct of_mp_aggregate_reply r = { .kind = OF_KIND_mp_aggregate_reply };
	struct walk w = { .dp = c->agent->dp, .sum = &r };
	struct of_mp_flow_request fq = { .kind = OF_KIND_mp_flow_request,
					 .table_id = q->table_id,
					 .out_port = q->out_port,
					 .out_group = q->out_group,
					 .cookie = q->cookie,
					 .cookie_mask = q->cookie_mask,
					 .match = q->match };
	int rc = check_table(c->agent->dp, q->table_id, e);

	if (!rc)
		rc = table_select(c->agent->dp, &fq, sum_flow, &w);
	if (!rc)
		mp_one(c, m, OFPMP_AGGREGATE, (struct of_any *)&r);
	return rc;
}

int mp_tables(struct conn *c, const struct of_msg *m, const struct of_any *q, struct of_err *e)
{
	const struct dp *dp = c->agent->dp;
	struct mp mp;

	mp_begin(&mp, c, m->xid, OFPMP_TABLE, OF_KIND_mp_table_reply);
	for (unsigned int t = 0; t < N_TABLES; t++) {
		struct of_table_stats *s;

		if (!table_caps(dp, (uint8_t)t)->present)
			continue;
		s = OF_NEW(mp.arena, table_stats);
		if (s) {
			s->table_id = (uint8_t)t;
			s->active_count = table_count(dp, (uint8_t)t);
			table_lookups(dp, (uint8_t)t, &s->lookup_count, &s->matched_count);
		}
		if (mp_add(&mp, (struct of_any *)s))
			break;
	}
	mp_end(&mp);
	return 0;
}
