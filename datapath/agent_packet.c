/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in and out (7.4.1, 7.3.7), and what else the switch says by itself: flow-removed,
 * port-status. */
#include <errno.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "datapath/act.h"
#include "datapath/agent_priv.h"
#include "datapath/chain.h"
#include "datapath/freeze.h"
#include "datapath/punt.h"

/* More than fits into a packet-in is cut off; total_len tells. */
enum { FRAME_MAX = 65000 };

/* A controller that is so far behind gets no more packets until it has caught up. */
enum { BACKLOG_MAX = 4 << 20 };

/* The pipeline's fields that a packet-in carries where they are not zero (7.4.1). */
static void pipeline_fields(const struct punt *p, struct of_match *m)
{
	static const enum of_field_id fields[] = {
		OF_FIELD_METADATA,     OF_FIELD_TUN_ID,	      OF_FIELD_TUN_SRC,	 OF_FIELD_TUN_DST,
		OF_FIELD_TUN_IPV6_SRC, OF_FIELD_TUN_IPV6_DST, OF_FIELD_PKT_MARK, OF_FIELD_TUN_FLAGS,
		OF_FIELD_CT_STATE,     OF_FIELD_CT_ZONE,      OF_FIELD_CT_MARK,	 OF_FIELD_CT_LABEL,
	};
	uint8_t v[16];

	memset(m, 0, sizeof(*m));
	of_match_set_u64(m, OF_FIELD_IN_PORT, p->in_port);
	if (p->key.in_phy_port && p->key.in_phy_port != p->key.in_port)
		of_match_set_u64(m, OF_FIELD_IN_PHY_PORT, be32toh(p->key.in_phy_port));
	for (unsigned int i = 0; i < sizeof(fields) / sizeof(*fields) + 16; i++) {
		const struct of_field *f = &of_fields[i < 16 ? OF_FIELD_REG0 + i : fields[i - 16]];
		static const uint8_t zero[16];

		of_field_get(f, &p->key, v);
		if (memcmp(v, zero, f->bytes))
			of_match_set(m, f, v, NULL);
	}
}

/* ---- Packet-in ---- */

int agent_packet_in_format(struct conn *c, const struct of_nx_set_packet_in_format *q,
			   struct of_err *e)
{
	if (q->format > NX_PACKET_IN_NXT2)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_EPERM,
				  "packet-in format %u: standard (0), NXT_PACKET_IN (1) and "
				  "NXT_PACKET_IN2 (2) are known",
				  q->format);
	conn_channel(c)->packet_in_format = (uint8_t)q->format;
	return 0;
}

static void send_nx(struct of_session *s, struct of_any *body)
{
	struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg, .body = body };

	of_session_send(s, 0, (struct of_any *)&x);
}

static void send_nxt(struct of_session *s, const struct of_packet_in *p)
{
	struct of_nx_packet_in n = {
		.kind = OF_KIND_nx_packet_in,
		.buffer_id = p->buffer_id,
		.total_len = p->total_len,
		.reason = p->reason,
		.table_id = p->table_id,
		.cookie = p->cookie,
		.match = p->match,
		.data = p->data,
	};

	send_nx(s, (struct of_any *)&n);
}

/* What only NXT_PACKET_IN2 has room for. */
struct extras {
	struct of_span userdata, frozen;
};

/* Properties that say nothing are left out, as Open vSwitch does. */
static void send_nxt2(struct of_session *s, const struct of_packet_in *p, const struct extras *x)
{
	struct of_nx_pin_packet packet = { .kind = OF_KIND_nx_pin_packet, .data = p->data };
	struct of_nx_pin_full_len full_len = { .kind = OF_KIND_nx_pin_full_len,
					       .full_len = p->total_len };
	struct of_nx_pin_buffer_id buffer = { .kind = OF_KIND_nx_pin_buffer_id,
					      .buffer_id = p->buffer_id };
	struct of_nx_pin_table_id table = { .kind = OF_KIND_nx_pin_table_id,
					    .table_id = p->table_id };
	struct of_nx_pin_cookie cookie = { .kind = OF_KIND_nx_pin_cookie, .cookie = p->cookie };
	struct of_nx_pin_reason reason = { .kind = OF_KIND_nx_pin_reason, .reason = p->reason };
	struct of_nx_pin_metadata metadata = { .kind = OF_KIND_nx_pin_metadata, .match = p->match };
	struct of_nx_pin_userdata userdata = { .kind = OF_KIND_nx_pin_userdata,
					       .data = x->userdata };
	struct of_nx_pin_continuation frozen = { .kind = OF_KIND_nx_pin_continuation,
						 .data = x->frozen };
	struct of_any *v[9];
	struct of_nx_packet_in2 n = { .kind = OF_KIND_nx_packet_in2, .properties = { 0, v } };

	v[n.properties.n++] = (struct of_any *)&packet;
	if (p->data.n != p->total_len)
		v[n.properties.n++] = (struct of_any *)&full_len;
	if (p->buffer_id != OFP_NO_BUFFER)
		v[n.properties.n++] = (struct of_any *)&buffer;
	v[n.properties.n++] = (struct of_any *)&table;
	if (p->cookie != UINT64_MAX)
		v[n.properties.n++] = (struct of_any *)&cookie;
	v[n.properties.n++] = (struct of_any *)&reason;
	v[n.properties.n++] = (struct of_any *)&metadata;
	if (x->userdata.n)
		v[n.properties.n++] = (struct of_any *)&userdata;
	if (x->frozen.n)
		v[n.properties.n++] = (struct of_any *)&frozen;
	send_nx(s, (struct of_any *)&n);
}

/* As 'c' wants it: 'max' bytes and a buffer; or the whole, if that is asked for or there is no
 * buffer (7.4.1). */
static void send_packet_in(struct conn *c, struct of_session *via, const struct punt *p,
			   struct of_packet_in *pi, const struct of_span *whole,
			   const struct extras *x) CONTROL
{
	const uint16_t max = p->reason == OFPR_INVALID_TTL ? c->miss_send_len : p->max_len;

	pi->buffer_id = OFP_NO_BUFFER;
	pi->data = *whole;
	if (max != OFPCML_NO_BUFFER && max < whole->n) {
		pi->buffer_id = agent_buffer_put(c, p, whole->p, whole->n);
		if (pi->buffer_id != OFP_NO_BUFFER)
			pi->data.n = max;
	}
	if (c->packet_in_format == NX_PACKET_IN_NXT2)
		send_nxt2(via, pi, x);
	else if (c->packet_in_format == NX_PACKET_IN_NXT)
		send_nxt(via, pi);
	else
		of_session_send(via, 0, (struct of_any *)pi);
}

static struct extras extras_of(const struct punt *p)
{
	static uint8_t copy[sizeof(struct punt_more) + UINT16_MAX];
	struct extras x = { .userdata = { 0, NULL } };
	struct punt_more head;

	if (!p->more || p->more->pkt_len > sizeof(copy))
		return x;
	chain_read(p->more, 0, p->more->pkt_len, copy);
	memcpy(&head, copy, sizeof(head));
	x.userdata = (struct of_span){ head.n_userdata, copy + sizeof(head) };
	x.frozen = (struct of_span){ head.n_frozen, x.userdata.p + head.n_userdata };
	return x;
}

void agent_packet_in(struct agent *a, const struct punt *p)
{
	struct of_packet_in pi = {
		.kind = OF_KIND_packet_in,
		.total_len = (uint16_t)RTE_MIN(rte_pktmbuf_pkt_len(p->m), (uint32_t)UINT16_MAX),
		.reason = p->reason,
		.table_id = p->table_id,
		.cookie = p->cookie,
	};
	static uint8_t copy[FRAME_MAX];
	struct of_span whole = { 0, NULL };
	const struct extras x = extras_of(p);
	struct conn *c;

	whole.n = x.userdata.n + x.frozen.n < FRAME_MAX ? FRAME_MAX - x.userdata.n - x.frozen.n : 0;
	if (pi.total_len < whole.n)
		whole.n = pi.total_len;

	pipeline_fields(p, &pi.match);
	whole.p = rte_pktmbuf_read(p->m, 0, whole.n, copy);
	DL_FOREACH (a->conns, c) {
		struct of_session *via;

		if (conn_channel(c)->controller_id != p->controller_id ||
		    !conn_wants(c, c->async.packet_in, p->reason))
			continue;
		via = aux_for_packet(c, p)->session;
		if (of_session_backlog(via) > BACKLOG_MAX) {
			c->packet_ins_lost++;
			log_warn("agent", "%s: reads too slowly: %llu packet-ins not sent",
				 of_session_name(via), (unsigned long long)c->packet_ins_lost);
			continue;
		}
		send_packet_in(c, via, p, &pi, &whole, &x);
	}
}

/* ---- Packet-out ---- */

/* 7.3.7: a standard port that is there, or OFPP_CONTROLLER; tools say OFPP_ANY for the latter. */
static bool in_port_valid(const struct dp *dp, uint32_t port)
{
	return port == OFPP_CONTROLLER || port == OFPP_ANY || port_by_no(dp, port);
}

/* The frame of a packet-out: what is buffered, or comes along. */
static int packet_of(struct conn *c, const struct of_packet_out *po, struct of_span *frame,
		     struct inject_from *from, struct pktbuf **buffer, struct of_err *e) CONTROL
{
	int rc;

	*from = (struct inject_from){ .in_port = po->in_port };
	*frame = po->data;
	*buffer = NULL;
	if (po->buffer_id != OFP_NO_BUFFER) {
		rc = agent_buffer_find(c, po->buffer_id, buffer, e);
		if (rc)
			return rc;
		*frame = (struct of_span){ (*buffer)->n, (*buffer)->frame };
		if (po->in_port == (*buffer)->from.in_port)
			*from = (*buffer)->from;
	}
	if (frame->n < 14)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_PACKET,
				  "%u bytes are no Ethernet frame", frame->n);
	if (frame->n > INJECT_FRAME_MAX)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
				  "a frame of %u bytes is too long: %d at most", frame->n,
				  INJECT_FRAME_MAX);
	return 0;
}

/* Nothing is sent, and a buffer keeps its packet, unless all of the message is right. */
int agent_packet_out(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	const struct of_packet_out *po = (const struct of_packet_out *)m->body;
	struct dp *dp = c->agent->dp;
	struct pktbuf *buffer;
	struct inject_from from;
	struct insts *insts;
	struct of_span frame;

	if (!in_port_valid(dp, po->in_port))
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT,
				  "in_port 0x%x: a port of this switch, or CONTROLLER",
				  po->in_port);
	if (packet_of(c, po, &frame, &from, &buffer, e))
		return -EPROTO;
	insts = insts_get_actions(dp, &po->actions, false, e);
	if (!insts)
		return -EPROTO;
	agent_publish(c->agent); /* a flow sent before it applies to it */
	/* A full queue is a counted drop, as on any port. */
	inject_actions(dp, frame.p, frame.n, &from, insts);
	if (buffer)
		agent_buffer_release(c, buffer);
	return 0;
}

/* ---- Packets that paused ---- */

int agent_resume(struct conn *c, const struct of_nx_resume *q, struct of_err *e)
{
	struct frozen *z;
	struct of_span frame;
	int rc;

	if (c->role == OFPCR_ROLE_SLAVE)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE,
				  "a slave may not send packets");
	rc = frozen_read(c->agent->dp, q, &frame, &z, e);
	if (rc)
		return rc;
	agent_publish(c->agent); /* as for a packet-out */
	inject_resume(c->agent->dp, frame.p, frame.n, z);
	return 0;
}

/* ---- Packet-outs in a bundle: judged in their place, sent when the bundle is done ---- */

struct packet_out {
	struct packet_out *next;
	struct inject_from from;
	struct insts *insts;
	struct pktbuf *buffer; /* claimed: nothing else in the bundle gets it; NULL: none */
	uint32_t n;
	uint8_t frame[];
};

int packet_out_take(struct conn *c, const struct of_packet_out *po, struct packet_outs *out,
		    struct of_err *e)
{
	struct pktbuf *buffer;
	struct inject_from from;
	struct of_span frame;
	struct packet_out *p;

	if (!in_port_valid(c->agent->dp, po->in_port))
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT,
				  "in_port 0x%x: a port of this switch, or CONTROLLER",
				  po->in_port);
	if (packet_of(c, po, &frame, &from, &buffer, e))
		return -EPROTO;
	p = malloc(sizeof(*p) + frame.n);
	if (!p)
		return -ENOMEM;
	*p = (struct packet_out){ .from = from, .buffer = buffer, .n = frame.n };
	memcpy(p->frame, frame.p, frame.n);
	p->insts = insts_get_actions(c->agent->dp, &po->actions, false, e);
	if (!p->insts) {
		free(p);
		return -EPROTO;
	}
	if (buffer)
		pktbuf_claim(conn_channel(c)->buffers, buffer);
	if (out->last)
		out->last->next = p;
	else
		out->first = p;
	out->last = p;
	return 0;
}

void packet_outs_end(struct conn *c, struct packet_outs *all, bool send)
{
	struct packet_out *p = all->first;

	*all = (struct packet_outs){ 0 };
	while (p) {
		struct packet_out *next = p->next;

		if (send) {
			inject_actions(c->agent->dp, p->frame, p->n, &p->from, p->insts);
			if (p->buffer)
				agent_buffer_release(c, p->buffer);
		} else {
			insts_put(c->agent->dp, p->insts);
		}
		free(p);
		p = next;
	}
}

/* ---- Flow-removed, port-status ---- */

void agent_port_status(void *arg, const struct port *p, uint8_t reason)
{
	struct agent *a = arg;
	struct of_port_status ps = { .kind = OF_KIND_port_status, .reason = reason };
	struct conn *c;

	port_desc(p, &ps.desc);
	DL_FOREACH (a->conns, c)
		if (conn_wants(c, c->async.port_status, reason))
			of_session_send(c->session, 0, (struct of_any *)&ps);
}

void agent_flow_removed(void *arg, const struct flow *f, const struct of_match *match,
			uint8_t reason, uint64_t packets, uint64_t bytes, double duration)
{
	struct agent *a = arg;
	struct of_flow_removed fr = {
		.kind = OF_KIND_flow_removed,
		.cookie = f->cookie,
		.priority = f->rule.priority,
		.reason = reason,
		.table_id = f->table_id,
		.duration_sec = (uint32_t)duration,
		.duration_nsec = (uint32_t)((duration - (double)(uint32_t)duration) * 1e9),
		.idle_timeout = f->idle_timeout,
		.hard_timeout = f->hard_timeout,
		.packet_count = packets,
		.byte_count = bytes,
		.match = *match,
	};
	struct conn *c;

	if (!(f->flags & OFPFF_SEND_FLOW_REM))
		return;
	DL_FOREACH (a->conns, c)
		if (conn_wants(c, c->async.flow_removed, reason))
			of_session_send(c->session, 0, (struct of_any *)&fr);
}
