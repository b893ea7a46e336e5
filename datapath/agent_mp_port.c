/* SPDX-License-Identifier: Apache-2.0 */
/* Multiparts about ports and queues (7.3.5.6 to 7.3.5.8), and queue configuration (7.3.6). */
#include <errno.h>

#include "datapath/agent_priv.h"

struct port_walk {
	struct mp mp;
	const struct dp *dp;
};

static int add_stats(void *arg, struct port *p) CONTROL
{
	struct port_walk *w = arg;
	struct of_port_stats *s = OF_NEW(w->mp.arena, port_stats);

	if (s)
		port_stats(w->dp, p, s);
	return mp_add(&w->mp, (struct of_any *)s);
}

int mp_ports(struct conn *c, const struct of_msg *m, const struct of_any *body, struct of_err *e)
{
	const struct of_mp_port_stats_request *q = (const struct of_mp_port_stats_request *)body;
	struct port *p = q->port_no == OFPP_ANY ? NULL : port_by_no(c->agent->dp, q->port_no);
	struct port_walk w = { .dp = c->agent->dp };

	if (q->port_no != OFPP_ANY && !p)
		return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT, "no port %u",
				    q->port_no);
	mp_begin(&w.mp, c, m->xid, OFPMP_PORT_STATS, OF_KIND_mp_port_stats_reply);
	if (p)
		add_stats(&w, p);
	else
		port_each(c->agent->dp, add_stats, &w);
	mp_end(&w.mp);
	return 0;
}

static int add_desc(void *arg, struct port *p) CONTROL
{
	struct port_walk *w = arg;
	struct of_port *d = OF_NEW(w->mp.arena, port);

	if (d) {
		port_desc(p, d);
		d->kind = OF_KIND_port;
	}
	return mp_add(&w->mp, (struct of_any *)d);
}

int mp_port_desc(struct conn *c, const struct of_msg *m, const struct of_any *body,
		 struct of_err *e)
{
	struct port_walk w = { .dp = c->agent->dp };

	mp_begin(&w.mp, c, m->xid, OFPMP_PORT_DESC, OF_KIND_mp_port_desc_reply);
	port_each(c->agent->dp, add_desc, &w);
	mp_end(&w.mp);
	return 0;
}

/* Ports have no queues yet: asking for all of them is right, for one is not. */
int mp_queues(struct conn *c, const struct of_msg *m, const struct of_any *body, struct of_err *e)
{
	const struct of_mp_queue_request *q = (const struct of_mp_queue_request *)body;
	struct mp mp;

	if (q->port_no != OFPP_ANY && !port_by_no(c->agent->dp, q->port_no))
		return agent_refuse(e, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT, "no port %u",
				    q->port_no);
	if (q->queue_id != OFPQ_ALL)
		return agent_refuse(e, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_QUEUE,
				    "no queue %u: ports have no queues", q->queue_id);
	mp_begin(&mp, c, m->xid, OFPMP_QUEUE, OF_KIND_mp_queue_reply);
	mp_end(&mp);
	return 0;
}

int agent_queue_config(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	const struct of_queue_get_config_request *q =
		(const struct of_queue_get_config_request *)m->body;
	struct of_queue_get_config_reply r = { .kind = OF_KIND_queue_get_config_reply,
					       .port = q->port };

	if (q->port != OFPP_ANY && !port_by_no(c->agent->dp, q->port))
		return agent_refuse(e, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT, "no port %u",
				    q->port);
	agent_reply(c, m, (struct of_any *)&r);
	return 0;
}
