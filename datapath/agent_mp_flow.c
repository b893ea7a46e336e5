/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiparts about flows and tables (7.3.5.2 to 7.3.5.4).
 */
#include <errno.h>
#include <stdlib.h>

#include "datapath/act.h"
#include "datapath/agent_priv.h"
#include "datapath/table_caps.h"

struct flow_dump {
	struct dump dump;
	struct of_mp_flow_request q;
	struct table_place at; /* the last flow that was sent, */
	bool begun;	       /* if any was */
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
	s->importance = f->importance;
	s->cookie = f->cookie;
	flow_counts(w->dp, f, &s->packet_count, &s->byte_count);
	flow_match(f, &s->match);
	s->insts = f->insts->list; /* outlives the message: it is made before anything changes */
	w->at = table_place(f);
	if (mp_add(&w->mp, (struct of_any *)s))
		return w->mp.rc;
	return w->mp.total >= DUMP_PART;
}

static int flow_part(struct conn *c, struct dump *dump) CONTROL
{
	struct flow_dump *d = (struct flow_dump *)dump;
	struct walk w = { .dp = c->agent->dp, .now = monotonic_now() };
	int rc;

	mp_begin(&w.mp, c, dump->xid, OFPMP_FLOW, OF_KIND_mp_flow_reply);
	rc = table_select_after(c->agent->dp, &d->q, d->begun ? &d->at : NULL, add_flow, &w);
	if (rc < 0)
		w.mp.rc = rc;
	if (!w.mp.rc && rc > 0) {
		mp_part(&w.mp);
		d->at = w.at;
		d->begun = true;
		if (!w.mp.rc)
			return 1;
	}
	mp_end(&w.mp);
	return 0;
}

static int check_table(const struct dp *dp, uint8_t table_id, struct of_err *e) CONTROL
{
	if (table_id == OFPTT_ALL || (table_id < N_TABLES && table_caps(dp, table_id)->present))
		return 0;
	return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_TABLE_ID,
			  "table %u: tables are 0 to %d, or 255 for all", table_id, N_TABLES - 1);
}

int mp_flows(struct conn *c, const struct of_msg *m, const struct of_any *body, struct of_err *e)
{
	const struct of_mp_flow_request *q = (const struct of_mp_flow_request *)body;
	int rc = check_table(c->agent->dp, q->table_id, e);
	struct flow_dump *d;

	if (rc)
		return rc;
	d = malloc(sizeof(*d)); /* first, so that a dump once begun has an end */
	if (d)
		*d = (struct flow_dump){ .dump = { .xid = m->xid, .part = flow_part }, .q = *q };
	return dump_start(c, (struct dump *)d);
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
		rc = table_each(c->agent->dp, &fq, sum_flow, &w);
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
