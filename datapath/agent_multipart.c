/* SPDX-License-Identifier: Apache-2.0 */
/* Multipart requests (7.3.5): dispatch, the reply writer, and who the switch is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "datapath/agent_priv.h"

enum {
	MP_ROOM = OF_MSG_MAX - 24, /* for structures, in one message */
	MP_FULL = 48 * 1024, /* sent when it has so much: it is rarely worth to wait for more */
};

/* ---- the writer ---- */

void mp_begin(struct mp *mp, struct conn *c, uint32_t xid, uint16_t type, enum of_kind body)
{
	*mp = (struct mp){ .conn = c, .xid = xid, .type = type, .body = body };
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
	struct of_mp_experimenter_reply x = { .kind = OF_KIND_mp_experimenter_reply,
					      .body = (struct of_any *)&body };

	r.body = mp->type == OFPMP_EXPERIMENTER ? (struct of_any *)&x : (struct of_any *)&body;
	if (!mp->rc)
		mp->rc = of_session_send(mp->conn->session, mp->xid, (struct of_any *)&r);
	mp->list = (struct of_list){ 0, NULL };
	mp->bytes = 0;
}

void mp_part(struct mp *mp)
{
	mp_send(mp, true);
	arena_reset(mp->arena);
}

int mp_add(struct mp *mp, struct of_any *s)
{
	static uint8_t measure[OF_MSG_MAX];
	int n = s ? of_encode_any(s, measure, MP_ROOM, NULL) : -ENOMEM;

	if (n < 0)
		return mp->rc = n;
	/* Here 's' is in the arena already: it stays as it is. */
	if (mp->bytes + (size_t)n > MP_ROOM)
		mp_send(mp, true);
	if (of_list_add(&mp->list, mp->arena, s))
		return mp->rc = -ENOMEM;
	mp->bytes += (size_t)n;
	mp->total += (size_t)n;
	if (mp->bytes >= MP_FULL)
		mp_part(mp);
	return mp->rc;
}

void mp_end(struct mp *mp)
{
	struct of_msg m = { .version = OF_VERSION_13,
			    .type = OFPT_MULTIPART_REQUEST,
			    .length = OF_HEADER_LEN,
			    .xid = mp->xid };

	mp_send(mp, false);
	if (!mp->rc || mp->rc == -ENOTCONN || mp->rc == -ENOBUFS)
		return;
	log_warn("agent", "%s: cannot answer with %s: %s", of_session_name(mp->conn->session),
		 of_kind_name(mp->body), strerror(-mp->rc));
	of_session_send_error(mp->conn->session, &m, OFPET_BAD_REQUEST, OFPBRC_EPERM);
}

void mp_one(struct conn *c, const struct of_msg *m, uint16_t type, struct of_any *body)
{
	struct of_multipart_reply r = { .kind = OF_KIND_multipart_reply,
					.type = type,
					.body = body };

	agent_reply(c, m, (struct of_any *)&r);
}

/* ---- the switch ---- */

static int desc(struct conn *c, const struct of_msg *m, const struct of_any *q,
		struct of_err *e) CONTROL
{
	struct of_mp_desc_reply r = { .kind = OF_KIND_mp_desc_reply,
				      .mfr_desc = "Weft",
				      .hw_desc = "DPDK poll-mode switch",
				      .serial_num = "None" };

	snprintf((char *)r.sw_desc, sizeof(r.sw_desc), "%s", weft_version);
	snprintf((char *)r.dp_desc, sizeof(r.dp_desc), "%s", c->agent->dp->name);
	mp_one(c, m, OFPMP_DESC, (struct of_any *)&r);
	return 0;
}

/* ---- dispatch ---- */

static int experimenter(struct conn *c, const struct of_msg *m, const struct of_any *q,
			struct of_err *e) CONTROL
{
	const struct of_mp_experimenter_request *x = (const struct of_mp_experimenter_request *)q;

	switch (x->body ? x->body->kind : OF_KIND_NONE) {
	case OF_KIND_flow_monitor_request:
	case OF_KIND_nx_flow_monitor_request:
		return agent_monitor(c, m, x->body, e);
	case OF_KIND_weft_group_desc_request:
		return mp_ext_group_desc(c, m, x->body, e);
	case OF_KIND_table_desc_request:
		return mp_table_desc(c, m);
	default:
		break;
	}
	if (x->experimenter == OF_ONF_ID || x->experimenter == OF_NX_ID ||
	    x->experimenter == OF_WEFT_ID)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_EXP_TYPE,
				  "multipart type %u of experimenter 0x%x is not known here",
				  x->exp_type, x->experimenter);
	return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER,
			  "experimenter 0x%x is not known here", x->experimenter);
}

int agent_multipart(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	static int (*const handlers[])(struct conn *, const struct of_msg *, const struct of_any *,
				       struct of_err *) = {
		[OFPMP_DESC] = desc,
		[OFPMP_FLOW] = mp_flows,
		[OFPMP_AGGREGATE] = mp_aggregate,
		[OFPMP_TABLE] = mp_tables,
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

	bool exp = q->type == OFPMP_EXPERIMENTER;

	if (!q->body ||
	    (!exp && (q->type >= sizeof(handlers) / sizeof(*handlers) || !handlers[q->type])))
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_MULTIPART,
				  "multipart type %u is not known", q->type);
	/* 7.3.5: only a table-features request can need more than one message. */
	if (q->flags & OFPMPF_REQ_MORE && q->type != OFPMP_TABLE_FEATURES)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_MULTIPART_BUFFER_OVERFLOW,
				  "requests in several parts are not collected here");
	agent_publish(c->agent);
	return (exp ? experimenter : handlers[q->type])(c, m, q->body, e);
}
