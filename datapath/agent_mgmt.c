/* SPDX-License-Identifier: Apache-2.0 */
/* Weft's own messages (ofproto/weft.proto): the switch, its ports, its counters. */
#include <errno.h>
#include <rte_cycles.h>
#include <rte_mempool.h>
#include <rte_version.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/version.h"
#include "datapath/agent_mgmt.h"
#include "datapath/port_mgmt.h"
#include "datapath/port_queue.h"
#include "datapath/trace.h"

static Weft__Status status_of(int rc)
{
	switch (-rc) {
	case EINVAL:
	case ERANGE:
		return WEFT__STATUS__INVALID;
	case ENOENT:
		return WEFT__STATUS__NOT_FOUND;
	case EEXIST:
		return WEFT__STATUS__EXISTS;
	case ENOSPC:
		return WEFT__STATUS__NO_SPACE;
	case ENOTSUP:
		return WEFT__STATUS__UNSUPPORTED;
	default:
		return WEFT__STATUS__FAILED;
	}
}

int mgmt_refuse_err(const struct mgmt_ctx *x, int rc, const struct err *e)
{
	mgmt_refuse(x->conn->session, x->msg->xid, status_of(rc), "%s",
		    e->text[0] ? e->text : strerror(-rc));
	return 0;
}

int mgmt_answer(const struct mgmt_ctx *x, const Weft__Reply *r)
{
	return mgmt_reply_send(x->conn->session, x->msg->xid, r);
}

static int info(const struct mgmt_ctx *x) CONTROL
{
	struct agent *a = x->conn->agent;
	static char *capabilities[] = { (char *)"bundles", (char *)"trace", (char *)"vxlan",
					(char *)"conntrack", (char *)"ipfix" };
	Weft__Info i = WEFT__INFO__INIT;
	Weft__Reply r = WEFT__REPLY__INIT;

	i.name = a->dp->name;
	i.host_id = a->host_id;
	i.version = (char *)weft_version;
	i.pid = (uint32_t)getpid();
	i.dpid = a->dp->dpid;
	i.uptime_ms = (uint64_t)((ev_now(a->loop) - a->started) * 1000);
	i.dpdk_version = (char *)(uintptr_t)rte_version();
	i.capabilities = capabilities;
	i.n_capabilities = sizeof(capabilities) / sizeof(capabilities[0]);
	r.body_case = WEFT__REPLY__BODY_INFO;
	r.info = &i;
	return mgmt_answer(x, &r);
}

/* ---- ports ---- */

static int reply_port(const struct mgmt_ctx *x, const struct port *p) CONTROL
{
	Weft__Reply r = WEFT__REPLY__INIT;

	r.body_case = WEFT__REPLY__BODY_PORT;
	r.port = port_mgmt(x->conn->agent->dp, p, x->arena);
	return r.port ? mgmt_answer(x, &r) : -ENOMEM;
}

static int add_port(const struct mgmt_ctx *x, const Weft__PortAdd *q) CONTROL
{
	struct port_spec spec;
	struct port *p;
	struct err e = { "" };
	int rc = port_spec_parse(q->spec, &spec, &e);

	if (!rc)
		rc = port_add(x->conn->agent->dp, q->name, q->ofport, &spec, &p, &e);
	return rc ? mgmt_refuse_err(x, rc, &e) : reply_port(x, p);
}

static struct port *named(const struct mgmt_ctx *x, const char *name, uint32_t ofport) CONTROL
{
	return *name ? port_by_name(x->conn->agent->dp, name)
		     : port_by_no(x->conn->agent->dp, ofport);
}

static int no_port(const struct mgmt_ctx *x, const char *name, uint32_t ofport)
{
	if (*name)
		mgmt_refuse(x->conn->session, x->msg->xid, WEFT__STATUS__NOT_FOUND,
			    "no port named %s", name);
	else
		mgmt_refuse(x->conn->session, x->msg->xid, WEFT__STATUS__NOT_FOUND, "no port %u",
			    ofport);
	return 0;
}

static int del_port(const struct mgmt_ctx *x, const Weft__PortDel *q) CONTROL
{
	struct dp *dp = x->conn->agent->dp;
	struct port *p = named(x, q->name, q->ofport);
	Weft__Reply r = WEFT__REPLY__INIT;
	struct err e = { "" };
	int rc;

	if (!p)
		return no_port(x, q->name, q->ofport);
	r.body_case = WEFT__REPLY__BODY_PORT;
	r.port = port_mgmt(dp, p, x->arena); /* as it was */
	if (!r.port)
		return -ENOMEM;
	rc = port_del(dp, p, &e);
	return rc ? mgmt_refuse_err(x, rc, &e) : mgmt_answer(x, &r);
}

struct port_walk {
	const struct mgmt_ctx *x;
	Weft__PortList *list;
	size_t room;
};

static int add_to_list(void *arg, struct port *p) CONTROL
{
	struct port_walk *w = arg;

	if (w->list->n_ports == w->room)
		return -ENOSPC;
	w->list->ports[w->list->n_ports] = port_mgmt(w->x->conn->agent->dp, p, w->x->arena);
	return w->list->ports[w->list->n_ports++] ? 0 : -ENOMEM;
}

static int list_ports(const struct mgmt_ctx *x, const Weft__PortListRequest *q) CONTROL
{
	Weft__PortList list = WEFT__PORT_LIST__INIT;
	struct port_walk w = { x, &list, PORT_MAX + 1 };
	Weft__Reply r = WEFT__REPLY__INIT;
	int rc;

	list.ports = arena_get(x->arena, w.room * sizeof(*list.ports));
	if (!list.ports)
		return -ENOMEM;
	if (*q->name || q->ofport) {
		struct port *p = named(x, q->name, q->ofport);

		if (!p)
			return no_port(x, q->name, q->ofport);
		rc = add_to_list(&w, p);
	} else {
		rc = port_each(x->conn->agent->dp, add_to_list, &w);
	}
	if (rc)
		return rc;
	r.body_case = WEFT__REPLY__BODY_PORT_LIST;
	r.port_list = &list;
	return mgmt_answer(x, &r);
}

/* ---- queues ---- */

static Weft__Queue *queue_mgmt(const struct mgmt_ctx *x, const struct port *p,
			       const struct queue *q) CONTROL
{
	struct of_queue_stats s;
	Weft__Queue *out = arena_get(x->arena, sizeof(*out));

	if (!out)
		return NULL;
	weft__queue__init(out);
	port_queue_stats(p, q, &s);
	out->port = arena_strdup(x->arena, port_name(p));
	out->ofport = p->no;
	out->queue = q->cfg.id;
	out->min = q->cfg.min;
	out->max = q->cfg.max;
	out->len = q->cfg.len;
	out->waiting = queue_waiting(q);
	out->tx_packets = s.tx_packets;
	out->tx_bytes = s.tx_bytes;
	out->tx_errors = s.tx_errors;
	out->duration_ms = (uint64_t)s.duration_sec * 1000 + s.duration_nsec / 1000000;
	return out->port ? out : NULL;
}

struct queue_walk {
	const struct mgmt_ctx *x;
	Weft__QueueList list;
};

/* The list grows by doubling: how many there are is known when all ports were seen. */
static int add_queue_to_list(struct queue_walk *w, Weft__Queue *q)
{
	Weft__QueueList *l = &w->list;
	size_t n = l->n_queues;

	if (!q)
		return -ENOMEM;
	if (!(n & (n - 1))) {
		Weft__Queue **v = arena_get(w->x->arena, (n ? 2 * n : 1) * sizeof(*v));

		if (!v)
			return -ENOMEM;
		if (n)
			memcpy(v, l->queues, n * sizeof(*v));
		l->queues = v;
	}
	l->queues[l->n_queues++] = q;
	return 0;
}

static int add_queues(void *arg, struct port *p) CONTROL
{
	struct queue_walk *w = arg;
	struct queue *v[QUEUES_MAX];
	uint32_t n = port_queues(p, v);
	int rc = 0;

	for (uint32_t i = 0; i < n && !rc; i++)
		rc = add_queue_to_list(w, queue_mgmt(w->x, p, v[i]));
	return rc;
}

static int reply_queues(const struct mgmt_ctx *x, struct queue_walk *w)
{
	Weft__Reply r = WEFT__REPLY__INIT;

	r.body_case = WEFT__REPLY__BODY_QUEUE_LIST;
	r.queue_list = &w->list;
	return mgmt_answer(x, &r);
}

static int add_queue(const struct mgmt_ctx *x, const Weft__QueueAdd *q) CONTROL
{
	struct queue_walk w = { x, WEFT__QUEUE_LIST__INIT };
	struct port *p = named(x, q->name, q->ofport);
	struct queue_cfg cfg;
	struct err e = { "" };
	int rc;

	if (!p)
		return no_port(x, q->name, q->ofport);
	rc = queue_cfg_parse(q->spec, &cfg, &e);
	if (!rc)
		rc = port_queue_add(x->conn->agent->dp, p, &cfg, &e);
	if (rc)
		return mgmt_refuse_err(x, rc, &e);
	rc = add_queue_to_list(&w, queue_mgmt(x, p, port_queue_find(p, cfg.id)));
	return rc ? rc : reply_queues(x, &w);
}

static int del_queue(const struct mgmt_ctx *x, const Weft__QueueDel *q) CONTROL
{
	struct queue_walk w = { x, WEFT__QUEUE_LIST__INIT };
	struct port *p = named(x, q->name, q->ofport);
	struct queue *old;
	struct err e = { "" };
	int rc;

	if (!p)
		return no_port(x, q->name, q->ofport);
	old = port_queue_find(p, q->queue);
	rc = old ? add_queue_to_list(&w, queue_mgmt(x, p, old)) : 0;
	if (rc)
		return rc;
	rc = port_queue_del(x->conn->agent->dp, p, q->queue, &e);
	return rc ? mgmt_refuse_err(x, rc, &e) : reply_queues(x, &w);
}

static int list_queues(const struct mgmt_ctx *x, const Weft__QueueListRequest *q) CONTROL
{
	struct queue_walk w = { x, WEFT__QUEUE_LIST__INIT };
	struct port *p = named(x, q->name, q->ofport);
	int rc;

	if (!p && (*q->name || q->ofport))
		return no_port(x, q->name, q->ofport);
	rc = p ? add_queues(&w, p) : port_each(x->conn->agent->dp, add_queues, &w);
	return rc ? rc : reply_queues(x, &w);
}

/* ---- counters ---- */

#define NEW(arena, type, init)                             \
	({                                                 \
		type *x_ = arena_get(arena, sizeof(type)); \
		if (x_)                                    \
			*x_ = (type)init;                  \
		x_;                                        \
	})

static int stats_pmds(const struct dp *dp, struct arena *a, Weft__Stats *s)
{
	s->pmds = arena_get(a, (dp->n_pmds + 1) * sizeof(*s->pmds));
	if (!s->pmds)
		return -ENOMEM;
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		const struct pmd_perf *f = &dp->pmds[i]->perf;
		Weft__Pmd *p = NEW(a, Weft__Pmd, WEFT__PMD__INIT);

		if (!p)
			return -ENOMEM;
		p->core = dp->pmds[i]->core;
		p->iterations = f->iterations;
		p->busy_cycles = f->busy_cycles;
		p->idle_cycles = f->idle_cycles;
		p->packets = f->rx;
		p->sleeps = f->sleeps;
		p->hz = rte_get_tsc_hz();
		s->packets->rx += f->rx;
		s->packets->created += f->created;
		s->packets->tx += f->tx;
		s->packets->consumed += f->consumed;
		s->cache->hits += f->cache_hits;
		s->cache->misses += f->cache_misses;
		s->pmds[s->n_pmds++] = p;
	}
	s->cache->capacity = (uint64_t)dp->opts.cache_entries * dp->n_pmds;
	return 0;
}

static int stats_tables(const struct dp *dp, struct arena *a, Weft__Stats *s) CONTROL
{
	s->tables = arena_get(a, N_TABLES * sizeof(*s->tables));
	if (!s->tables)
		return -ENOMEM;
	for (unsigned int t = 0; t < N_TABLES; t++) {
		uint64_t lookups, matches;
		uint32_t rules = table_count(dp, (uint8_t)t), masks = 0;
		Weft__Table *w;

		table_lookups(dp, (uint8_t)t, &lookups, &matches);
		if (!rules && !lookups)
			continue;
		w = NEW(a, Weft__Table, WEFT__TABLE__INIT);
		if (!w)
			return -ENOMEM;
		w->table = t;
		w->template_ = (char *)(uintptr_t)table_template(dp, (uint8_t)t, &masks);
		w->rules = rules;
		w->masks = masks;
		w->max_rules = dp->opts.max_flows ? dp->opts.max_flows : 1000000;
		w->lookups = lookups;
		w->matches = matches;
		s->tables[s->n_tables++] = w;
	}
	return 0;
}

static int stats_pool(const struct dp *dp, struct arena *a, Weft__Stats *s)
{
	Weft__Mempool *p = NEW(a, Weft__Mempool, WEFT__MEMPOOL__INIT);

	s->mempools = arena_get(a, sizeof(*s->mempools));
	if (!p || !s->mempools)
		return -ENOMEM;
	p->name = dp->pool->name;
	p->size = dp->pool->size;
	p->in_use = rte_mempool_in_use_count(dp->pool);
	s->mempools[s->n_mempools++] = p;
	return 0;
}

static int stats(const struct mgmt_ctx *x) CONTROL
{
	const struct dp *dp = x->conn->agent->dp;
	Weft__Stats s = WEFT__STATS__INIT;
	Weft__Conservation packets = WEFT__CONSERVATION__INIT;
	Weft__Cache cache = WEFT__CACHE__INIT;
	Weft__Reply r = WEFT__REPLY__INIT;
	uint64_t drops[N_DROPS];
	int rc;

	s.packets = &packets;
	s.cache = &cache;
	port_drops(dp, drops);
	rc = drops_mgmt(drops, true, x->arena, &s.drops, &s.n_drops);
	if (!rc)
		rc = stats_pmds(dp, x->arena, &s);
	if (!rc)
		rc = stats_tables(dp, x->arena, &s);
	if (!rc)
		rc = stats_pool(dp, x->arena, &s);
	if (!rc)
		rc = agent_events(x->conn->agent->dp, x->arena, &s.events, &s.n_events);
	if (rc)
		return rc;
	r.body_case = WEFT__REPLY__BODY_STATS;
	r.stats = &s;
	return mgmt_answer(x, &r);
}

static int trace(const struct mgmt_ctx *x, const Weft__TraceRequest *q) CONTROL
{
	struct agent *a = x->conn->agent;
	Weft__Reply r = WEFT__REPLY__INIT;
	struct err e = { "" };
	int rc;

	agent_publish(a); /* what came before it is met */
	rc = trace_run(a->dp, q, x->arena, &r.trace, &e);
	if (rc)
		return mgmt_refuse_err(x, rc, &e);
	r.body_case = WEFT__REPLY__BODY_TRACE;
	return mgmt_answer(x, &r);
}

/* ---- dispatch ---- */

static int run(const struct mgmt_ctx *x, const Weft__Request *q) CONTROL
{
	switch (q->op_case) {
	case WEFT__REQUEST__OP_INFO:
		return info(x);
	case WEFT__REQUEST__OP_PORT_ADD:
		return add_port(x, q->port_add);
	case WEFT__REQUEST__OP_PORT_DEL:
		return del_port(x, q->port_del);
	case WEFT__REQUEST__OP_PORT_LIST:
		return list_ports(x, q->port_list);
	case WEFT__REQUEST__OP_STATS:
		return stats(x);
	case WEFT__REQUEST__OP_TRACE:
		return trace(x, q->trace);
	case WEFT__REQUEST__OP_QUEUE_ADD:
		return add_queue(x, q->queue_add);
	case WEFT__REQUEST__OP_QUEUE_DEL:
		return del_queue(x, q->queue_del);
	case WEFT__REQUEST__OP_QUEUE_LIST:
		return list_queues(x, q->queue_list);
	case WEFT__REQUEST__OP_CT_DUMP:
		return agent_ct_dump(x, q->ct_dump);
	case WEFT__REQUEST__OP_CT_FLUSH:
		return agent_ct_flush(x, q->ct_flush);
	case WEFT__REQUEST__OP_CT_STATS:
		return agent_ct_stats(x, q->ct_stats);
	case WEFT__REQUEST__OP_CT_SET:
		return agent_ct_set(x, q->ct_set);
	case WEFT__REQUEST__OP_IPFIX_ADD:
		return agent_ipfix_add(x, q->ipfix_add);
	case WEFT__REQUEST__OP_IPFIX_DEL:
		return agent_ipfix_del(x, q->ipfix_del);
	case WEFT__REQUEST__OP_IPFIX_LIST:
		return agent_ipfix_list(x);
	case WEFT__REQUEST__OP_PERF:
		return agent_perf(x);
	default:
		mgmt_refuse(x->conn->session, x->msg->xid, WEFT__STATUS__UNSUPPORTED,
			    "operation %d is not known to this switch", (int)q->op_case);
		return 0;
	}
}

static bool writes(const Weft__Request *q)
{
	switch (q->op_case) {
	case WEFT__REQUEST__OP_PORT_ADD:
	case WEFT__REQUEST__OP_PORT_DEL:
	case WEFT__REQUEST__OP_QUEUE_ADD:
	case WEFT__REQUEST__OP_QUEUE_DEL:
	case WEFT__REQUEST__OP_CT_FLUSH:
	case WEFT__REQUEST__OP_CT_SET:
	case WEFT__REQUEST__OP_IPFIX_ADD:
	case WEFT__REQUEST__OP_IPFIX_DEL:
		return true;
	default:
		return false;
	}
}

int agent_mgmt(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	struct arena a;
	struct mgmt_ctx x = { c, m, &a };
	Weft__Request *q;
	int rc;

	arena_init(&a, 0);
	rc = mgmt_request_unpack(m, &a, &q, e);
	if (!rc && c->role == OFPCR_ROLE_SLAVE && writes(q))
		rc = of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE,
				"a slave may not change the switch");
	if (!rc) {
		rc = run(&x, q);
		if (rc)
			mgmt_refuse(c->session, m->xid, WEFT__STATUS__FAILED, "%s", strerror(-rc));
		rc = 0;
	}
	arena_fini(&a);
	return rc;
}
