/* SPDX-License-Identifier: Apache-2.0 */
/* Multiparts about ports (7.3.5.6, 7.3.5.7). */
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
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT, "no port %u", q->port_no);
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
