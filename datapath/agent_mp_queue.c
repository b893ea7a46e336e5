/* SPDX-License-Identifier: Apache-2.0 */
/* Queues: statistics (7.3.5.8) and configuration (7.3.6). */
#include <errno.h>

#include "datapath/agent_priv.h"
#include "datapath/port_queue.h"

static int no_port(struct of_err *e, uint32_t no)
{
	return of_err_set(e, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT, "no port %u", no);
}

/* ---- Statistics ---- */

struct stats_walk {
	struct mp mp;
	uint32_t queue_id, found;
};

static int add_stats(void *arg, struct port *p) CONTROL
{
	struct stats_walk *w = arg;
	struct queue *v[QUEUES_MAX];
	uint32_t n = port_queues(p, v);

	for (uint32_t i = 0; i < n; i++) {
		struct of_queue_stats *s;
		int rc;

		if (w->queue_id != OFPQ_ALL && v[i]->cfg.id != w->queue_id)
			continue;
		s = OF_NEW(w->mp.arena, queue_stats);
		if (s)
			port_queue_stats(p, v[i], s);
		w->found++;
		rc = mp_add(&w->mp, (struct of_any *)s);
		if (rc)
			return rc;
	}
	return 0;
}

int mp_queues(struct conn *c, const struct of_msg *m, const struct of_any *body, struct of_err *e)
{
	const struct of_mp_queue_request *q = (const struct of_mp_queue_request *)body;
	const struct dp *dp = c->agent->dp;
	struct port *p = q->port_no == OFPP_ANY ? NULL : port_by_no(dp, q->port_no);
	struct stats_walk w = { .queue_id = q->queue_id };

	if (q->port_no != OFPP_ANY && !p)
		return no_port(e, q->port_no);
	/* A queue that is named has to be there: on this port, or on any. */
	if (q->queue_id != OFPQ_ALL &&
	    !(p ? !!port_queue_find(p, q->queue_id) : port_queue_anywhere(dp, q->queue_id)))
		return of_err_set(e, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_QUEUE,
				  p ? "no queue %u on port %u" : "no queue %u on any port",
				  q->queue_id, q->port_no);
	mp_begin(&w.mp, c, m->xid, OFPMP_QUEUE, OF_KIND_mp_queue_reply);
	if (p)
		add_stats(&w, p);
	else
		port_each(dp, add_stats, &w);
	mp_end(&w.mp);
	return 0;
}

/* ---- Configuration ---- */

enum {
	QUEUE_BYTES = 16 + 16 + 16, /* of a queue with both properties */
	QUEUES_A_REPLY = (OF_MSG_MAX - 16) / QUEUE_BYTES,
};

struct config_walk {
	struct arena arena;
	struct of_list queues;
};

static int add_config(void *arg, struct port *p) CONTROL
{
	struct config_walk *w = arg;
	struct queue *v[QUEUES_MAX];
	uint32_t n = port_queues(p, v);

	for (uint32_t i = 0; i < n; i++) {
		struct of_packet_queue *q = OF_NEW(&w->arena, packet_queue);
		struct of_queue_prop_min_rate *min = OF_NEW(&w->arena, queue_prop_min_rate);
		struct of_queue_prop_max_rate *max = OF_NEW(&w->arena, queue_prop_max_rate);

		if (!q || !min || !max)
			return -ENOMEM;
		if (w->queues.n == QUEUES_A_REPLY)
			return -EMSGSIZE;
		q->queue_id = v[i]->cfg.id;
		q->port = p->no;
		min->rate = port_queue_share(p, v[i]->cfg.min);
		max->rate = port_queue_share(p, v[i]->cfg.max);
		if (of_list_add(&q->properties, &w->arena, (struct of_any *)min) ||
		    of_list_add(&q->properties, &w->arena, (struct of_any *)max) ||
		    of_list_add(&w->queues, &w->arena, (struct of_any *)q))
			return -ENOMEM;
	}
	return 0;
}

/* One message, not a multipart: what does not fit has to be asked for port by port. */
int agent_queue_config(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	const struct of_queue_get_config_request *q =
		(const struct of_queue_get_config_request *)m->body;
	struct of_queue_get_config_reply r = { .kind = OF_KIND_queue_get_config_reply,
					       .port = q->port };
	struct port *p = q->port == OFPP_ANY ? NULL : port_by_no(c->agent->dp, q->port);
	struct config_walk w = { 0 };
	int rc;

	if (q->port != OFPP_ANY && !p)
		return no_port(e, q->port);
	arena_init(&w.arena, 0);
	rc = p ? add_config(&w, p) : port_each(c->agent->dp, add_config, &w);
	r.queues = w.queues;
	if (!rc)
		agent_reply(c, m, (struct of_any *)&r);
	arena_fini(&w.arena);
	if (rc)
		of_err_set(e, OFPET_QUEUE_OP_FAILED, OFPQOFC_EPERM, "%s",
			   rc == -EMSGSIZE ? "more queues than one message holds: ask for a port's"
					   : "no memory for the queues' configuration");
	return rc ? -EPROTO : 0;
}
