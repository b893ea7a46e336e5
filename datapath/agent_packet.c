/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in and out, and what the switch says by itself: flow-removed, port-status. */
#include <errno.h>
#include <rte_mbuf.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "datapath/act.h"
#include "datapath/agent_priv.h"
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
		OF_FIELD_TUN_IPV6_SRC, OF_FIELD_TUN_IPV6_DST, OF_FIELD_PKT_MARK,
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

void agent_packet_in(struct agent *a, const struct punt *p)
{
	struct of_packet_in pi = {
		.kind = OF_KIND_packet_in,
		.buffer_id = OFP_NO_BUFFER,
		.total_len = (uint16_t)rte_pktmbuf_pkt_len(p->m),
		.reason = p->reason,
		.table_id = p->table_id,
		.cookie = p->cookie,
	};
	static uint8_t copy[FRAME_MAX];
	struct conn *c;

	pipeline_fields(p, &pi.match);
	pi.data.p = rte_pktmbuf_read(
		p->m, 0, pi.total_len < sizeof(copy) ? pi.total_len : sizeof(copy), copy);
	DL_FOREACH (a->conns, c) {
		uint16_t max = p->reason == OFPR_INVALID_TTL ? c->miss_send_len : p->max_len;

		if (!conn_wants(c, c->packet_in, p->reason))
			continue;
		if (of_session_backlog(c->session) > BACKLOG_MAX) {
			c->packet_ins_lost++;
			log_warn("agent", "%s: reads too slowly: %llu packet-ins not sent",
				 of_session_name(c->session),
				 (unsigned long long)c->packet_ins_lost);
			continue;
		}
		pi.data.n = max == OFPCML_NO_BUFFER || max > pi.total_len ? pi.total_len : max;
		if (pi.data.n > sizeof(copy))
			pi.data.n = sizeof(copy);
		of_session_send(c->session, 0, (struct of_any *)&pi);
	}
}

static bool in_port_valid(const struct dp *dp, uint32_t port)
{
	return port == OFPP_CONTROLLER || port == OFPP_LOCAL || port == OFPP_ANY ||
	       port_by_no(dp, port);
}

int agent_packet_out(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	const struct of_packet_out *po = (const struct of_packet_out *)m->body;
	struct dp *dp = c->agent->dp;
	struct insts *insts;
	int rc;

	if (po->buffer_id != OFP_NO_BUFFER)
		return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN,
				    "buffer 0x%x: packets are not buffered here", po->buffer_id);
	if (!in_port_valid(dp, po->in_port))
		return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT,
				    "in_port 0x%x: a port of this switch, or CONTROLLER",
				    po->in_port);
	if (po->data.n < 14)
		return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_PACKET,
				    "%u bytes are no Ethernet frame", po->data.n);
	insts = insts_get_actions(dp, &po->actions, false, e);
	if (!insts)
		return -EPROTO;
	agent_publish(c->agent); /* a flow sent before it applies to it */
	rc = inject_actions(dp, po->data.p, po->data.n, po->in_port, insts);
	if (rc == -EMSGSIZE)
		return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
				    "a frame of %u bytes is too long", po->data.n);
	return 0; /* a full queue is a counted drop, as on any port */
}

void agent_port_status(void *arg, const struct port *p, uint8_t reason)
{
	struct agent *a = arg;
	struct of_port_status ps = { .kind = OF_KIND_port_status, .reason = reason };
	struct conn *c;

	port_desc(p, &ps.desc);
	DL_FOREACH (a->conns, c)
		if (conn_wants(c, c->port_status, reason))
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
		if (conn_wants(c, c->flow_removed, reason))
			of_session_send(c->session, 0, (struct of_any *)&fr);
}
