/* SPDX-License-Identifier: Apache-2.0 */
/* A switch's own socket: the management messages of ofproto/weft.proto, without a controller. */
#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/weftctl.h"
#include "ofproto/mgmt.h"

enum { TIMEOUT_SECONDS = 5 };

struct asking {
	struct ctl *ctl;
	bool first; /* conntrack: no part of the answer was printed yet */
	const char *verb;
	struct ev_loop *loop;
	struct of_session *session;
	struct mgmt_join join, later; /* ... of what is asked for the second time */
	struct ev_timer timer;
	const char *target;
	double seconds;	       /* perf: between two readings; 0: since the start */
	double uptime;	       /* ... then */
	const Weft__Perf *was; /* the first one */
	struct ev_timer pause;
	int rc;
};

static void end(struct asking *a, int rc)
{
	a->rc = rc;
	ev_break(a->loop, EVBREAK_ALL);
}

/* ---- answers as JSON, so that tables and -o json come from one thing ---- */

static json_t *port_json(const Weft__Port *p)
{
	const Weft__PortCounters *n = p->counters;
	json_t *o = json_pack("{s:I,s:s,s:s,s:s,s:s,s:I,s:b}", "ofport", (json_int_t)p->ofport,
			      "name", p->name, "type", p->type, "spec", p->spec, "iface_id",
			      p->iface_id, "mtu", (json_int_t)p->mtu, "link_up", (int)p->link_up);

	if (o && n)
		json_object_update_new(
			o,
			json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "rx_packets",
				  (json_int_t)n->rx_packets, "rx_bytes", (json_int_t)n->rx_bytes,
				  "tx_packets", (json_int_t)n->tx_packets, "tx_bytes",
				  (json_int_t)n->tx_bytes, "rx_dropped", (json_int_t)n->rx_dropped,
				  "tx_dropped", (json_int_t)n->tx_dropped));
	return o;
}

static void ports_print(const struct ctl *c, const Weft__PortList *l)
{
	static const struct ctl_column columns[] = {
		{ "OFPORT", "ofport" },
		{ "NAME", "name" },
		{ "TYPE", "type" },
		{ "LINK", "link_up" },
		{ "MTU", "mtu" },
		{ "RX", "rx_packets" },
		{ "TX", "tx_packets" },
		{ "RX DROPPED", "rx_dropped" },
		{ "TX DROPPED", "tx_dropped" },
		{ "IFACE-ID", "iface_id" },
		{ NULL, NULL },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < l->n_ports; i++)
		json_array_append_new(list, port_json(l->ports[i]));
	if (c->json)
		ctl_json(list);
	else
		ctl_table(list, columns);
	json_decref(list);
}

static json_t *queue_json(const Weft__Queue *q)
{
	return json_pack(
		"{s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f}", "ofport", (json_int_t)q->ofport,
		"port", q->port, "queue", (json_int_t)q->queue, "min", (json_int_t)q->min, "max",
		(json_int_t)q->max, "len", (json_int_t)q->len, "waiting", (json_int_t)q->waiting,
		"tx_packets", (json_int_t)q->tx_packets, "tx_bytes", (json_int_t)q->tx_bytes,
		"tx_errors", (json_int_t)q->tx_errors, "duration", (double)q->duration_ms / 1000);
}

/* A queue that was added or removed, or those that there are. */
static void queues_print(const struct asking *a, const Weft__QueueList *l)
{
	static const struct ctl_column columns[] = {
		{ "OFPORT", "ofport" },	   { "PORT", "port" },	   { "QUEUE", "queue" },
		{ "MIN BIT/S", "min" },	   { "MAX BIT/S", "max" }, { "LEN", "len" },
		{ "WAITING", "waiting" },  { "TX", "tx_packets" }, { "BYTES", "tx_bytes" },
		{ "ERRORS", "tx_errors" }, { NULL, NULL },
	};
	bool one = strcmp(a->verb, "queue-list") != 0 && l->n_queues == 1;
	json_t *list = json_array();

	for (size_t i = 0; i < l->n_queues; i++)
		json_array_append_new(list, queue_json(l->queues[i]));
	if (one)
		a->ctl->json ? ctl_json(json_array_get(list, 0))
			     : ctl_object(json_array_get(list, 0));
	else if (a->ctl->json)
		ctl_json(list);
	else
		ctl_table(list, columns);
	json_decref(list);
}

static json_t *counts_json(Weft__Drop *const *v, size_t n, const char *name, bool all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (all || v[i]->count)
			json_array_append_new(
				list, json_pack("{s:s,s:I,s:s}", name, v[i]->name, "count",
						(json_int_t)v[i]->count, "text", v[i]->text));
	return list;
}

static json_t *drops_json(const Weft__Stats *s, bool all)
{
	return counts_json(s->drops, s->n_drops, "reason", all);
}

/* All of them: that one is zero is an answer, too. */
static void events_print(const struct ctl *c, const Weft__Stats *s)
{
	static const struct ctl_column columns[] = {
		{ "COUNT", "count" }, { "EVENT", "event" }, { "MEANING", "text" }, { NULL, NULL }
	};
	json_t *list = counts_json(s->events, s->n_events, "event", true);

	c->json ? ctl_json(list) : ctl_table(list, columns);
	json_decref(list);
}

static void drops_print(const struct ctl *c, const Weft__Stats *s)
{
	static const struct ctl_column columns[] = {
		{ "COUNT", "count" }, { "REASON", "reason" }, { "MEANING", "text" }, { NULL, NULL }
	};
	json_t *list = drops_json(s, c->json);

	if (c->json)
		ctl_json(list);
	else if (json_array_size(list))
		ctl_table(list, columns);
	else
		printf("Nothing was dropped.\n");
	json_decref(list);
}

static void stats_print(const struct ctl *c, const Weft__Stats *s)
{
	const Weft__Conservation *n = s->packets;
	json_t *o = n ? json_pack("{s:I,s:I,s:I,s:I}", "rx", (json_int_t)n->rx, "created",
				  (json_int_t)n->created, "tx", (json_int_t)n->tx, "consumed",
				  (json_int_t)n->consumed)
		      : json_object();
	json_t *drops = drops_json(s, c->json), *drop;
	json_int_t sum = 0;
	size_t i;

	for (i = 0; i < json_array_size(drops); i++) {
		drop = json_array_get(drops, i);
		sum += json_integer_value(json_object_get(drop, "count"));
	}
	json_object_set_new(o, "dropped", json_integer(sum));
	if (c->json) {
		json_object_set(o, "drops", drops);
		ctl_json(o);
	} else {
		ctl_object(o);
	}
	json_decref(drops);
	json_decref(o);
}

static void info_print(const struct ctl *c, const Weft__Info *i)
{
	char dpid[17];
	json_t *o;

	snprintf(dpid, sizeof(dpid), "%016" PRIx64, i->dpid);
	o = json_pack("{s:s,s:s,s:s,s:s,s:I,s:f,s:s}", "name", i->name, "dpid", dpid, "host",
		      i->host_id, "version", i->version, "pid", (json_int_t)i->pid, "uptime",
		      (double)i->uptime_ms / 1000, "dpdk", i->dpdk_version);
	if (c->json)
		ctl_json(o);
	else
		ctl_object(o);
	json_decref(o);
}

static int reply_print(const struct asking *a, const Weft__Reply *r)
{
	if (r->status != WEFT__STATUS__OK)
		return ctl_fail(CTL_FAILED, "%s: %s", a->target, r->error);
	if (r->body_case == WEFT__REPLY__BODY_PORT) {
		json_t *o = port_json(r->port);

		a->ctl->json ? ctl_json(o) : ctl_object(o);
		json_decref(o);
	} else if (r->body_case == WEFT__REPLY__BODY_INFO)
		info_print(a->ctl, r->info);
	else if (r->body_case == WEFT__REPLY__BODY_CT_CONNS)
		ctl_conns_print(a->ctl, r->ct_conns, a->first);
	else if (r->body_case == WEFT__REPLY__BODY_CT_STATS)
		ctl_ct_stats_print(a->ctl, r->ct_stats, !strcmp(a->verb, "conntrack-zones"));
	else if (r->body_case == WEFT__REPLY__BODY_IPFIX_LIST)
		ctl_ipfix_print(a->ctl, r->ipfix_list, !strcmp(a->verb, "ipfix-list"));
	else if (r->body_case == WEFT__REPLY__BODY_PERF)
		ctl_perf_print(a->ctl, a->was, r->perf, a->uptime);
	else if (r->body_case == WEFT__REPLY__BODY_QUEUE_LIST)
		queues_print(a, r->queue_list);
	else if (r->body_case == WEFT__REPLY__BODY_PORT_LIST)
		ports_print(a->ctl, r->port_list);
	else if (r->body_case == WEFT__REPLY__BODY_STATS && !strcmp(a->verb, "drops"))
		drops_print(a->ctl, r->stats);
	else if (r->body_case == WEFT__REPLY__BODY_STATS && !strcmp(a->verb, "events"))
		events_print(a->ctl, r->stats);
	else if (r->body_case == WEFT__REPLY__BODY_STATS)
		stats_print(a->ctl, r->stats);
	else
		return ctl_fail(CTL_FAILED, "%s: the answer is to another question", a->target);
	return CTL_OK;
}

/* ---- perf: two readings ---- */

static int perf_ask(struct asking *a);

static void on_pause(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct asking *a = w->data;

	ev_timer_again(loop, &a->timer);
	if (perf_ask(a))
		end(a, ctl_fail(CTL_FAILED, "%s: cannot send the request", a->target));
}

/* True: the answer was half of it, and the other half is to come. */
static bool perf_goes_on(struct asking *a, const Weft__Reply *r)
{
	if (r->status != WEFT__STATUS__OK || strcmp(a->verb, "perf"))
		return false;
	if (r->body_case == WEFT__REPLY__BODY_INFO) {
		a->uptime = (double)r->info->uptime_ms / 1000;
		return !perf_ask(a);
	}
	if (r->body_case != WEFT__REPLY__BODY_PERF || a->seconds <= 0 || a->was)
		return false;
	a->was = r->perf;
	ev_timer_stop(a->loop, &a->timer);
	ev_timer_init(&a->pause, on_pause, a->seconds, 0);
	a->pause.data = a;
	ev_timer_start(a->loop, &a->pause);
	return true;
}

/* ---- the session ---- */

static int ask(struct asking *a, Weft__Request__OpCase op, void *body)
{
	Weft__Request r = WEFT__REQUEST__INIT;

	r.op_case = op;
	r.info = body; /* a union of pointers, whichever it is */
	return mgmt_request_send(a->session, of_session_xid(a->session), &r);
}

/* "NAME" or "NAME@OFPORT" as weft-switch --port has it; a number alone is a port's number. */
static int port_name(const char *word, char *name, size_t n, uint32_t *ofport)
{
	const char *at = strchr(word, '@');
	char *end;

	*ofport = 0;
	snprintf(name, n, "%.*s", at ? (int)(at - word) : (int)n - 1, word);
	if (!at)
		return 0;
	*ofport = (uint32_t)strtoul(at + 1, &end, 10);
	return at[1] && !*end && *ofport ? 0 : -1;
}

static int port_add(struct asking *a)
{
	Weft__PortAdd add = WEFT__PORT_ADD__INIT;
	char name[64];

	if (port_name(a->ctl->args[1], name, sizeof(name), &add.ofport))
		return ctl_fail(CTL_USAGE, "'%s': NAME or NAME@OFPORT is right", a->ctl->args[1]);
	add.name = name;
	add.spec = (char *)(uintptr_t)a->ctl->args[2];
	return ask(a, WEFT__REQUEST__OP_PORT_ADD, &add);
}

/* A port's number, or its name (and 0). */
static char *port_word(char *word, uint32_t *ofport)
{
	char *end;

	*ofport = (uint32_t)strtoul(word, &end, 10);
	if (!*end && *ofport)
		return (char *)"";
	*ofport = 0;
	return word;
}

static int port_del(struct asking *a)
{
	Weft__PortDel del = WEFT__PORT_DEL__INIT;

	del.name = port_word(a->ctl->args[1], &del.ofport);
	return ask(a, WEFT__REQUEST__OP_PORT_DEL, &del);
}

static int queue_add(struct asking *a)
{
	Weft__QueueAdd add = WEFT__QUEUE_ADD__INIT;

	add.name = port_word(a->ctl->args[1], &add.ofport);
	add.spec = a->ctl->args[2];
	return ask(a, WEFT__REQUEST__OP_QUEUE_ADD, &add);
}

static int queue_del(struct asking *a)
{
	Weft__QueueDel del = WEFT__QUEUE_DEL__INIT;
	char *end;

	del.name = port_word(a->ctl->args[1], &del.ofport);
	del.queue = (uint32_t)strtoul(a->ctl->args[2], &end, 10);
	if (*end || end == a->ctl->args[2])
		return ctl_fail(CTL_USAGE, "'%s' is no queue's number", a->ctl->args[2]);
	return ask(a, WEFT__REQUEST__OP_QUEUE_DEL, &del);
}

static int queue_list(struct asking *a)
{
	Weft__QueueListRequest q = WEFT__QUEUE_LIST_REQUEST__INIT;

	if (a->ctl->n_args > 1)
		q.name = port_word(a->ctl->args[1], &q.ofport);
	return ask(a, WEFT__REQUEST__OP_QUEUE_LIST, &q);
}

static int info(struct asking *a)
{
	Weft__InfoRequest q = WEFT__INFO_REQUEST__INIT;

	return ask(a, WEFT__REQUEST__OP_INFO, &q);
}

static int ports(struct asking *a)
{
	Weft__PortListRequest q = WEFT__PORT_LIST_REQUEST__INIT;

	return ask(a, WEFT__REQUEST__OP_PORT_LIST, &q);
}

static int stats(struct asking *a)
{
	Weft__StatsRequest q = WEFT__STATS_REQUEST__INIT;

	return ask(a, WEFT__REQUEST__OP_STATS, &q);
}

/* "zone=N", if there is one. */
static int zone_word(const struct asking *a, bool *in_zone, uint32_t *zone)
{
	const char *word = a->ctl->n_args > 1 ? a->ctl->args[1] : NULL;
	char *end;

	*in_zone = word;
	if (!word)
		return CTL_OK;
	if (!strncmp(word, "zone=", 5)) {
		*zone = (uint32_t)strtoul(word + 5, &end, 10);
		if (word[5] >= '0' && word[5] <= '9' && !*end && *zone <= UINT16_MAX)
			return CTL_OK;
	}
	return ctl_fail(CTL_USAGE, "'%s': zone=N is right", word);
}

static int conntrack_from(struct asking *a, uint32_t cursor)
{
	Weft__CtDumpRequest q = WEFT__CT_DUMP_REQUEST__INIT;
	bool in_zone;
	const int rc = zone_word(a, &in_zone, &q.zone);

	q.in_zone = in_zone;
	q.cursor = cursor;
	a->first = !cursor;
	return rc ? rc : ask(a, WEFT__REQUEST__OP_CT_DUMP, &q);
}

static int conntrack(struct asking *a)
{
	return conntrack_from(a, 0);
}

static int conntrack_stats(struct asking *a)
{
	Weft__CtStatsRequest q = WEFT__CT_STATS_REQUEST__INIT;
	bool in_zone;
	const int rc = zone_word(a, &in_zone, &q.zone);

	q.in_zone = in_zone;
	return rc ? rc : ask(a, WEFT__REQUEST__OP_CT_STATS, &q);
}

static int ipfix_add(struct asking *a)
{
	Weft__IpfixAdd add = WEFT__IPFIX_ADD__INIT;

	add.spec = a->ctl->args[1];
	return ask(a, WEFT__REQUEST__OP_IPFIX_ADD, &add);
}

static int ipfix_del(struct asking *a)
{
	Weft__IpfixDel del = WEFT__IPFIX_DEL__INIT;
	char *end;
	const unsigned long long id = strtoull(a->ctl->args[1], &end, 10);

	if (*end || a->ctl->args[1][0] < '0' || a->ctl->args[1][0] > '9' || id > UINT32_MAX)
		return ctl_fail(CTL_USAGE, "'%s' is no set's number", a->ctl->args[1]);
	del.id = (uint32_t)id;
	return ask(a, WEFT__REQUEST__OP_IPFIX_DEL, &del);
}

static int ipfix_list(struct asking *a)
{
	Weft__IpfixListRequest q = WEFT__IPFIX_LIST_REQUEST__INIT;

	return ask(a, WEFT__REQUEST__OP_IPFIX_LIST, &q);
}

static int perf_ask(struct asking *a)
{
	Weft__PerfRequest q = WEFT__PERF_REQUEST__INIT;

	return ask(a, WEFT__REQUEST__OP_PERF, &q);
}

/* Since the start: how long that is, is to be known first. */
static int perf(struct asking *a)
{
	return a->seconds > 0 ? perf_ask(a) : info(a);
}

static const struct socket_verb {
	const char *name, *usage;
	int min_args, max_args;
	int (*ask)(struct asking *a); /* 0, or the request could not be made or sent */
} verbs[] = {
	{ "info", "[SWITCH]", 0, 1, info },
	{ "ports", "[SWITCH]", 0, 1, ports },
	{ "stats", "[SWITCH]", 0, 1, stats },
	{ "drops", "[SWITCH]", 0, 1, stats },
	{ "events", "[SWITCH]", 0, 1, stats },
	{ "perf", "[SWITCH] [--seconds N] [--json]", 0, 1, perf },
	{ "port-add", "SWITCH NAME[@OFPORT] SPEC", 3, 3, port_add },
	{ "port-del", "SWITCH NAME|OFPORT", 2, 2, port_del },
	{ "queue-add", "SWITCH PORT QUEUE[:min=RATE][:max=RATE][:len=N]", 3, 3, queue_add },
	{ "queue-del", "SWITCH PORT QUEUE", 3, 3, queue_del },
	{ "queue-list", "[SWITCH [PORT]]", 0, 2, queue_list },
	{ "ipfix-add", "SWITCH ID=HOST:PORT[,HOST:PORT...][;NAME=N,...]", 2, 2, ipfix_add },
	{ "ipfix-del", "SWITCH ID", 2, 2, ipfix_del },
	{ "ipfix-list", "[SWITCH]", 0, 1, ipfix_list },
	{ "conntrack", "[SWITCH [zone=N]]", 0, 2, conntrack },
	{ "conntrack-stats", "[SWITCH [zone=N]]", 0, 2, conntrack_stats },
	{ "conntrack-zones", "[SWITCH [zone=N]]", 0, 2, conntrack_stats },
};

static const struct socket_verb *verb_find(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

bool ctl_is_socket_verb(const char *verb)
{
	return verb_find(verb) != NULL;
}

static void on_up(struct of_session *s, const struct of_features_reply *f, void *arg)
{
	struct asking *a = arg;
	int rc = verb_find(a->verb)->ask(a);

	if (rc > 0)
		end(a, rc);
	else if (rc)
		end(a, ctl_fail(CTL_FAILED, "%s: cannot send the request", a->target));
}

static void on_msg(struct of_session *s, const struct of_msg *m, void *arg)
{
	struct asking *a = arg;
	Weft__Reply *r;
	struct err e;
	int rc;

	if (!mgmt_is_reply(m))
		return;
	rc = mgmt_join_add(a->was ? &a->later : &a->join, m, &r, &e);
	if (rc < 0) {
		end(a, ctl_fail(CTL_FAILED, "%s: %s", a->target, e.text));
	} else if (rc && !perf_goes_on(a, r)) {
		const uint32_t cursor =
			r->body_case == WEFT__REPLY__BODY_CT_CONNS ? r->ct_conns->cursor : 0;

		rc = reply_print(a, r);
		ev_timer_again(a->loop, &a->timer); /* there was an answer */
		if (rc || !cursor)
			end(a, rc);
		else if (conntrack_from(a, cursor))
			end(a, ctl_fail(CTL_FAILED, "%s: cannot send the request", a->target));
	}
}

static void on_down(struct of_session *s, const char *why, void *arg)
{
	struct asking *a = arg;

	end(a, ctl_fail(CTL_FAILED, "%s: %s.  Is a weft-switch running there?", a->target, why));
}

static void on_timeout(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct asking *a = w->data;

	end(a, ctl_fail(CTL_FAILED, "%s: no answer in %d s", a->target, TIMEOUT_SECONDS));
}

/* A name of a switch, a path of its socket, or a target as the OpenFlow tools have it. */
static void target_of(const char *word, char *out, size_t n)
{
	const char *rundir = getenv("WEFT_RUNDIR");

	if (strchr(word, ':'))
		snprintf(out, n, "%s", word);
	else if (strchr(word, '/'))
		snprintf(out, n, "unix:%s", word);
	else
		snprintf(out, n, "unix:%s/%s.sock", rundir ? rundir : "/run/weft", word);
}

int ctl_socket(struct ctl *c, const char *verb)
{
	static const struct of_session_ops ops = { .up = on_up, .msg = on_msg, .down = on_down };
	struct asking a = { .ctl = c, .verb = verb, .rc = CTL_FAILED };
	struct of_session_opts opts = {
		.side = OF_CONTROLLER, .ops = &ops, .arg = &a, .once = true
	};
	char target[256];
	struct err e;

	if (!strcmp(verb, "perf") && ctl_perf_options(c, &a.seconds))
		return CTL_USAGE;
	if (c->n_args < verb_find(verb)->min_args || c->n_args > verb_find(verb)->max_args)
		return ctl_fail(CTL_USAGE, "weftctl switch %s %s", verb, verb_find(verb)->usage);
	target_of(c->n_args ? c->args[0] : "br0", target, sizeof(target));
	a.target = target;
	a.loop = ev_default_loop(0);
	mgmt_join_init(&a.join, 0);
	mgmt_join_init(&a.later, 0);
	a.session = of_session_new(a.loop, target, &opts, &e);
	if (!a.session)
		return ctl_fail(CTL_FAILED, "%s", e.text);
	ev_timer_init(&a.timer, on_timeout, TIMEOUT_SECONDS, TIMEOUT_SECONDS);
	a.timer.data = &a;
	ev_timer_start(a.loop, &a.timer);
	ev_run(a.loop, 0);
	of_session_free(a.session);
	mgmt_join_fini(&a.join);
	mgmt_join_fini(&a.later);
	return a.rc;
}
