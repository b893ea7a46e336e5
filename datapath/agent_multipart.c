/* SPDX-License-Identifier: Apache-2.0 */
/* Multipart requests (7.3.5): dispatch, the reply writer, and what the switch and its tables say.
 */
#include <errno.h>
#include <string.h>

#include "datapath/act.h"
#include "datapath/agent_priv.h"

/* A message is sent when its list has so many bytes; the largest single structure must still fit.
 */
enum { MP_FULL = 48 * 1024 };

/* ---- the writer ---- */

void mp_begin(struct mp *mp, struct conn *c, const struct of_msg *m, uint16_t type,
	      enum of_kind body)
{
	*mp = (struct mp){ .conn = c, .request = m, .type = type, .body = body };
	mp->arena = &c->agent->scratch;
	arena_reset(mp->arena);
}

static void mp_send(struct mp *mp, bool more)
{
	struct of_multipart_reply r = { .kind = OF_KIND_multipart_reply,
					.type = mp->type,
					.flags = more ? OFPMPF_REPLY_MORE : 0 };
	/* Every body of this kind is a kind and one list (of13.def). */
	struct of_mp_flow_reply body = { .kind = mp->body, .flows = mp->list };

	r.body = (struct of_any *)&body;
	if (!mp->rc)
		mp->rc = of_session_send(mp->conn->session, mp->request->xid, (struct of_any *)&r);
	arena_reset(mp->arena);
	mp->list = (struct of_list){ 0, NULL };
	mp->bytes = 0;
}

int mp_add(struct mp *mp, struct of_any *s)
{
	static uint8_t measure[OF_MSG_MAX];
	int n = s ? of_encode_any(s, measure, sizeof(measure), NULL) : -ENOMEM;

	if (n < 0)
		return mp->rc = n;
	if (of_list_add(&mp->list, mp->arena, s))
		return mp->rc = -ENOMEM;
	mp->bytes += (size_t)n;
	if (mp->bytes >= MP_FULL)
		mp_send(mp, true);
	return mp->rc;
}

void mp_end(struct mp *mp)
{
	mp_send(mp, false);
}

static void reply_one(struct conn *c, const struct of_msg *m, uint16_t type, struct of_any *body)
{
	struct of_multipart_reply r = { .kind = OF_KIND_multipart_reply,
					.type = type,
					.body = body };

	agent_reply(c, m, (struct of_any *)&r);
}

/* ---- the switch ---- */

static int desc(struct conn *c, const struct of_msg *m, const struct of_any *q, struct of_err *e)
{
	struct of_mp_desc_reply r = { .kind = OF_KIND_mp_desc_reply,
				      .mfr_desc = "Weft",
				      .hw_desc = "DPDK poll-mode switch",
				      .sw_desc = WEFT_VERSION,
				      .serial_num = "None" };

	snprintf((char *)r.dp_desc, sizeof(r.dp_desc), "%s", c->agent->dp->name);
	reply_one(c, m, OFPMP_DESC, (struct of_any *)&r);
	return 0;
}

/* ---- flows ---- */

struct flow_walk {
	struct mp mp;
	const struct dp *dp;
	double now;
	struct of_mp_aggregate_reply *sum; /* or the sum alone */
};

static int add_flow(void *arg, const struct flow *f) CONTROL
{
	struct flow_walk *w = arg;
	struct of_flow_stats *s = OF_NEW(w->mp.arena, flow_stats);
	double age = w->now - f->created;

	if (!s)
		return w->mp.rc = -ENOMEM;
	if (age < 0)
		age = 0;
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
	s->insts = f->insts->list; /* outlives the reply: it is sent before anything changes */
	return mp_add(&w->mp, (struct of_any *)s);
}

static int sum_flow(void *arg, const struct flow *f) CONTROL
{
	struct flow_walk *w = arg;
	uint64_t packets, bytes;

	flow_counts(w->dp, f, &packets, &bytes);
	w->sum->packet_count += packets;
	w->sum->byte_count += bytes;
	w->sum->flow_count++;
	return 0;
}

static int check_table(uint8_t table_id, struct of_err *e)
{
	if (table_id < N_TABLES || table_id == OFPTT_ALL)
		return 0;
	return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_TABLE_ID,
			    "table %u: tables are 0 to %d, or 255 for all", table_id, N_TABLES - 1);
}

static int flows(struct conn *c, const struct of_msg *m, const struct of_any *body,
		 struct of_err *e)
{
	const struct of_mp_flow_request *q = (const struct of_mp_flow_request *)body;
	struct flow_walk w = { .dp = c->agent->dp, .now = monotonic_now() };
	int rc = check_table(q->table_id, e);

	if (rc)
		return rc;
	mp_begin(&w.mp, c, m, OFPMP_FLOW, OF_KIND_mp_flow_reply);
	table_select(c->agent->dp, q, add_flow, &w);
	mp_end(&w.mp);
	return 0;
}

static int aggregate(struct conn *c, const struct of_msg *m, const struct of_any *body,
		     struct of_err *e)
{
	const struct of_mp_aggregate_request *q = (const struct of_mp_aggregate_request *)body;
	struct of_mp_aggregate_reply r = { .kind = OF_KIND_mp_aggregate_reply };
	struct flow_walk w = { .dp = c->agent->dp, .sum = &r };
	struct of_mp_flow_request fq = { .kind = OF_KIND_mp_flow_request,
					 .table_id = q->table_id,
					 .out_port = q->out_port,
					 .out_group = q->out_group,
					 .cookie = q->cookie,
					 .cookie_mask = q->cookie_mask,
					 .match = q->match };
	int rc = check_table(q->table_id, e);

	if (rc)
		return rc;
	table_select(c->agent->dp, &fq, sum_flow, &w);
	reply_one(c, m, OFPMP_AGGREGATE, (struct of_any *)&r);
	return 0;
}

static int tables(struct conn *c, const struct of_msg *m, const struct of_any *body,
		  struct of_err *e)
{
	const struct dp *dp = c->agent->dp;
	struct mp mp;

	mp_begin(&mp, c, m, OFPMP_TABLE, OF_KIND_mp_table_reply);
	for (unsigned int t = 0; t < N_TABLES; t++) {
		struct of_table_stats *s = OF_NEW(mp.arena, table_stats);

		if (!s)
			break;
		s->table_id = (uint8_t)t;
		s->active_count = table_count(dp, (uint8_t)t);
		for (unsigned int i = 0; i < dp->n_pmds; i++) {
			s->lookup_count += dp->pmds[i]->perf.table_lookups[t];
			s->matched_count += dp->pmds[i]->perf.table_matches[t];
		}
		if (mp_add(&mp, (struct of_any *)s))
			break;
	}
	mp_end(&mp);
	return 0;
}

/* ---- dispatch ---- */

int agent_multipart(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	static int (*const handlers[])(struct conn *, const struct of_msg *, const struct of_any *,
				       struct of_err *) = {
		[OFPMP_DESC] = desc,
		[OFPMP_FLOW] = flows,
		[OFPMP_AGGREGATE] = aggregate,
		[OFPMP_TABLE] = tables,
		[OFPMP_PORT_STATS] = mp_ports,
		[OFPMP_QUEUE] = mp_queues,
		[OFPMP_GROUP] = mp_groups,
		[OFPMP_GROUP_DESC] = mp_group_desc,
		[OFPMP_GROUP_FEATURES] = mp_group_features,
		[OFPMP_METER] = mp_meters,
		[OFPMP_METER_CONFIG] = mp_meter_config,
		[OFPMP_METER_FEATURES] = mp_meter_features,
		[OFPMP_TABLE_FEATURES] = mp_table_features,
		[OFPMP_PORT_DESC] = mp_port_desc,
	};
	const struct of_multipart_request *q = (const struct of_multipart_request *)m->body;

	if (q->type == OFPMP_EXPERIMENTER)
		return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER,
				    "no experimenter's multipart is known here");
	if (q->type >= sizeof(handlers) / sizeof(*handlers) || !handlers[q->type] || !q->body)
		return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_MULTIPART,
				    "multipart type %u is not known", q->type);
	/* 7.3.5: only a table-features request can need more than one message. */
	if (q->flags & OFPMPF_REQ_MORE)
		return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_MULTIPART_BUFFER_OVERFLOW,
				    "requests in several parts are not collected here");
	agent_publish(c->agent);
	return handlers[q->type](c, m, q->body, e);
}
