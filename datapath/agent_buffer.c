/* SPDX-License-Identifier: Apache-2.0 */
/* Buffered packets and the messages that name them: packet_out and flow_mod (7.3.6, 7.3.4.2). */
#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "datapath/act.h"
#include "datapath/agent_priv.h"
#include "datapath/punt.h"

static struct inject_from from_punt(const struct punt *p)
{
	const struct flow_key *k = &p->key;
	struct inject_from f = {
		.in_port = p->in_port,
		.in_phy_port = k->in_phy_port,
		.tun = { .tun_id = k->tun_id,
			 .src = k->tun_src,
			 .dst = k->tun_dst,
			 .tos = k->tun_tos,
			 .ttl = k->tun_ttl,
			 .flags = k->tun_flags },
	};

	memcpy(f.tun.ipv6_dst, k->tun_ipv6_dst, sizeof(f.tun.ipv6_dst));
	memcpy(f.tun_ipv6_src, k->tun_ipv6_src, sizeof(f.tun_ipv6_src));
	return f;
}

uint32_t agent_buffer_put(struct conn *c, const struct punt *p, const uint8_t *frame, uint32_t n)
{
	const struct inject_from from = from_punt(p);

	if (!c->agent->n_buffers || n > INJECT_FRAME_MAX)
		return OFP_NO_BUFFER;
	if (!c->buffers)
		c->buffers = pktbufs_new(c->agent->n_buffers, &c->agent->buffer_bytes);
	if (!c->buffers)
		return OFP_NO_BUFFER;
	return pktbuf_put(c->buffers, frame, n, &from, ev_now(c->agent->loop));
}

int agent_buffer_find(struct conn *c, uint32_t id, struct pktbuf **out, struct of_err *e)
{
	struct conn *k = conn_channel(c);
	int rc = k->buffers ? pktbuf_find(k->buffers, id, out) : -ENOENT;

	if (rc == -ENODATA)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BUFFER_EMPTY,
				  "buffer 0x%x: its packet was sent on, or given up after %d s", id,
				  PKTBUF_HOLD);
	if (rc)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN,
				  "buffer 0x%x: this controller was given no such one", id);
	return 0;
}

void agent_buffer_release(struct conn *c, struct pktbuf *b)
{
	pktbuf_release(conn_channel(c)->buffers, b);
}

int agent_buffer_claim(struct conn *c, const struct of_flow_mod *fm, struct of_err *e)
{
	struct pktbuf *b;
	int rc;

	/* 7.3.4.2: deletions do not look at it. */
	if (fm->buffer_id == OFP_NO_BUFFER || fm->command == OFPFC_DELETE ||
	    fm->command == OFPFC_DELETE_STRICT)
		return 0;
	rc = agent_buffer_find(c, fm->buffer_id, &b, e);
	if (!rc)
		pktbuf_claim(conn_channel(c)->buffers, b);
	return rc;
}

/* 7.3.4.2: as a packet-out to OFPP_TABLE, whatever the flow says and wherever it is. */
static void run(struct conn *c, struct pktbuf *b) CONTROL
{
	struct of_action_output output = { .kind = OF_KIND_action_output, .port = OFPP_TABLE };
	struct of_any *actions[] = { (struct of_any *)&output };
	const struct of_list list = { 1, actions };
	struct insts *insts;
	struct of_err e;

	insts = insts_get_actions(c->agent->dp, &list, false, &e);
	if (insts)
		inject_actions(c->agent->dp, b->frame, b->n, &b->from, insts);
	else
		log_warn("agent", "%s: buffer 0x%x: %s; its packet is lost",
			 of_session_name(c->session), b->id, e.text);
}

void agent_buffers_settle(struct conn *c, bool done)
{
	struct pktbufs *bufs = conn_channel(c)->buffers;
	struct pktbuf *b;

	if (!bufs || !pktbufs_claimed(bufs))
		return;
	if (!done) {
		pktbufs_unclaim(bufs);
		return;
	}
	agent_publish(c->agent);
	while ((b = pktbufs_claimed(bufs))) {
		run(c, b);
		pktbuf_release(bufs, b);
	}
}

void agent_buffers_expire(struct agent *a)
{
	struct conn *c;

	DL_FOREACH (a->conns, c)
		if (c->buffers)
			pktbufs_expire(c->buffers, ev_now(a->loop));
}

void agent_buffers_free(struct conn *c)
{
	pktbufs_free(c->buffers);
	c->buffers = NULL;
}
