/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "datapath/agent_priv.h"
#include "datapath/group.h"
#include "datapath/meter.h"

/* A controller may be away so many seconds before --fail-mode standalone takes over. */
enum { LONELY_SECONDS = 15 };

/* Large dumps to a reader that is slow but alive. */
#define TX_LIMIT ((size_t)256 << 20)

void agent_send_error(struct conn *c, const struct of_msg *m, const struct of_err *e)
{
	of_session_send_error(c->session, m, e->type, e->code);
}

void agent_reply(struct conn *c, const struct of_msg *m, const struct of_any *body)
{
	int rc = of_session_send(c->session, m->xid, body);

	if (rc && rc != -ENOTCONN)
		log_warn("agent", "%s: cannot answer with %s: %s", of_session_name(c->session),
			 of_kind_name(body->kind), strerror(-rc));
}

void agent_changed(struct agent *a)
{
	a->changed = true;
}

void agent_publish(struct agent *a)
{
	if (!a->changed)
		return;
	a->changed = false;
	a->in_bundle = false;
	dp_publish(a->dp);
}

static void on_publish(struct ev_loop *loop, ev_prepare *w, int events)
{
	role_assume_control();
	agent_publish(w->data);
	monitors_go_on(w->data);
	dumps_go_on(w->data);
	flushes_go_on(w->data);
}

static void on_flushing(struct ev_loop *loop, ev_idle *w, int events)
{
}

/* ---- messages that change state ---- */

/* What is installed must fit into one message of statistics, which says a little more. */
enum { MOD_MAX = OF_MSG_MAX - 512 };

static int flow_mod(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL
{
	const struct of_flow_mod *fm = (const struct of_flow_mod *)m->body;
	int rc;

	if (m->length > MOD_MAX)
		return of_err_set(e, OFPET_BAD_ACTION, OFPBAC_TOO_MANY,
				  "a flow_mod of %u bytes: %d at most, or the flow could not be "
				  "read back",
				  m->length, MOD_MAX);
	rc = agent_buffer_claim(c, fm, e);
	if (!rc)
		rc = table_flow_mod(c->agent->dp, fm, e);
	/* In a bundle, packets follow when all of it is done. */
	if (!table_in_bundle(c->agent->dp)) {
		c->agent->changed |= !rc;
		agent_buffers_settle(c, !rc);
	}
	if (!rc)
		series_note(c, m);
	return rc;
}

static int group_mod_msg(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL
{
	if (m->length > MOD_MAX)
		return of_err_set(e, OFPET_GROUP_MOD_FAILED, OFPGMFC_OUT_OF_BUCKETS,
				  "a group_mod of %u bytes: %d at most, or the group could not "
				  "be read back",
				  m->length, MOD_MAX);
	return group_mod(c->agent->dp, (const struct of_group_mod *)m->body, e);
}

static int meter_mod_msg(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL
{
	return meter_mod(c->agent->dp, (const struct of_meter_mod *)m->body, e);
}

static int port_mod_msg(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL
{
	return port_mod(c->agent->dp, (const struct of_port_mod *)m->body, e);
}

/* A group_mod in 1.5's layout. */
static int group_mod_ext_msg(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL
{
	const struct of_experimenter_msg *x = (const struct of_experimenter_msg *)m->body;

	if (m->length > MOD_MAX)
		return of_err_set(e, OFPET_GROUP_MOD_FAILED, OFPGMFC_OUT_OF_BUCKETS,
				  "a group_mod of %u bytes: %d at most, or the group could not "
				  "be read back",
				  m->length, MOD_MAX);
	return group_mod_ext(c->agent->dp, (const struct of_weft_group_mod *)x->body, e);
}

static int experimenter_mod(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL
{
	const struct of_experimenter_msg *x = (const struct of_experimenter_msg *)m->body;

	if (x->body->kind == OF_KIND_onf_table_mod)
		return agent_onf_table_mod(c, m, e);
	return group_mod_ext_msg(c, m, e);
}

int agent_modify(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	static int (*const handlers[])(struct conn *, const struct of_msg *, struct of_err *) = {
		[OFPT_FLOW_MOD] = flow_mod,	    [OFPT_GROUP_MOD] = group_mod_msg,
		[OFPT_METER_MOD] = meter_mod_msg,   [OFPT_PORT_MOD] = port_mod_msg,
		[OFPT_TABLE_MOD] = agent_table_mod, [OFPT_EXPERIMENTER] = experimenter_mod,
	};
	int rc;

	memset(e, 0, sizeof(*e));
	monitors_cause(c, m);
	rc = handlers[m->type](c, m, e);
	table_cause(c->agent->dp, 0, 0);
	/* Out of memory while nothing has changed: the closest that the specification has. */
	if (rc && rc != -EPROTO)
		rc = of_err_set(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_UNKNOWN, "%s", strerror(-rc));
	if (!rc && m->type != OFPT_TABLE_MOD)
		agent_changed(c->agent);
	/* Out of a bundle, when all of it is done. */
	if (!rc && !table_in_bundle(c->agent->dp))
		agent_forward(c, m->raw, m->length);
	return rc;
}

/* ---- messages that ask ---- */

static int features(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL
{
	struct of_features_reply r = {
		.kind = OF_KIND_features_reply,
		.datapath_id = c->agent->dp->dpid,
		.n_buffers = c->agent->n_buffers,
		.n_tables = N_TABLES,
		.auxiliary_id = of_session_auxiliary_id(c->session),
		.capabilities = OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS |
				OFPC_GROUP_STATS | OFPC_IP_REASM | OFPC_QUEUE_STATS,
	};

	agent_reply(c, m, (struct of_any *)&r);
	return 0;
}

/* 6.2: its reply leaves when every packet that arrives sees all that came before it. */
static int barrier(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL
{
	struct of_barrier_reply r = { .kind = OF_KIND_barrier_reply };

	agent_publish(c->agent);
	/* Packet-outs are messages, too: those before it have left when it is answered. */
	inject_wait(c->agent->dp);
	dp_barrier(c->agent->dp);
	/* ... and what their learn actions met is in the tables. */
	if (c->agent->drain)
		c->agent->drain(c->agent->drain_arg);
	agent_reply(c, m, (struct of_any *)&r);
	return 0;
}

static int set_async(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL
{
	conn_set_async(c, (const struct of_set_async *)m->body);
	return 0;
}

static int controller_id(struct conn *c, const struct of_nx_set_controller_id *q,
			 struct of_err *e) CONTROL
{
	if (q->zero || q->zero2)
		return of_err_set(e, OFPET_EXPERIMENTER, NXBRC_MUST_BE_ZERO,
				  "bytes in front of the id are not zero");
	c->controller_id = q->controller_id;
	conn_update_ttl(c->agent);
	return 0;
}

static int experimenter(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL
{
	const struct of_experimenter_msg *x = (const struct of_experimenter_msg *)m->body;

	switch (x->body ? x->body->kind : OF_KIND_NONE) {
	case OF_KIND_bundle_ctrl:
	case OF_KIND_bundle_add:
		return agent_bundle(c, m, e);
	case OF_KIND_weft_request:
		return agent_mgmt(c, m, e);
	case OF_KIND_flow_monitor_cancel:
		return agent_monitor_cancel(c, ((const struct of_flow_monitor_cancel *)x->body)->id,
					    e);
	case OF_KIND_nx_flow_monitor_cancel:
		return agent_monitor_cancel(
			c, ((const struct of_nx_flow_monitor_cancel *)x->body)->id, e);
	case OF_KIND_onf_table_mod:
	case OF_KIND_weft_group_mod:
		if (c->role == OFPCR_ROLE_SLAVE)
			return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE,
					  "a slave may not change the switch");
		return agent_modify(c, m, e);
	case OF_KIND_nx_ct_flush_zone:
	case OF_KIND_nx_ct_flush:
		if (conn_channel(c)->role == OFPCR_ROLE_SLAVE)
			return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE,
					  "a slave may not change the switch");
		return agent_ct_flush_msg(c, x->body, e);
	case OF_KIND_nx_resume:
		return agent_resume(c, (const struct of_nx_resume *)x->body, e);
	case OF_KIND_nx_set_async:
		conn_set_async(c, (const struct of_set_async *)x->body); /* they are alike */
		return 0;
	case OF_KIND_nx_set_async2:
		return conn_set_async2(c, (const struct of_nx_set_async2 *)x->body, e);
	case OF_KIND_nx_set_controller_id:
		return controller_id(c, (const struct of_nx_set_controller_id *)x->body, e);
	case OF_KIND_nx_set_packet_in_format:
		return agent_packet_in_format(c, (const struct of_nx_set_packet_in_format *)x->body,
					      e);
	default:
		of_refuse_unknown_exp(x, e);
		return -EPROTO;
	}
}

/* ---- dispatch ---- */

static const struct {
	int (*handle)(struct conn *c, const struct of_msg *m, struct of_err *e);
	bool writes; /* a slave may not (6.3.4) */
} handlers[] = {
	[OFPT_EXPERIMENTER] = { experimenter },
	[OFPT_FEATURES_REQUEST] = { features },
	[OFPT_GET_CONFIG_REQUEST] = { conn_get_config },
	[OFPT_SET_CONFIG] = { conn_set_config },
	[OFPT_PACKET_OUT] = { agent_packet_out, true },
	[OFPT_FLOW_MOD] = { agent_modify, true },
	[OFPT_GROUP_MOD] = { agent_modify, true },
	[OFPT_PORT_MOD] = { agent_modify, true },
	[OFPT_TABLE_MOD] = { agent_modify, true },
	[OFPT_MULTIPART_REQUEST] = { agent_multipart },
	[OFPT_BARRIER_REQUEST] = { barrier },
	[OFPT_QUEUE_GET_CONFIG_REQUEST] = { agent_queue_config },
	[OFPT_ROLE_REQUEST] = { conn_role },
	[OFPT_GET_ASYNC_REQUEST] = { conn_get_async },
	[OFPT_SET_ASYNC] = { set_async },
	[OFPT_METER_MOD] = { agent_modify, true },
};

static int handle(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL
{
	if (m->type >= sizeof(handlers) / sizeof(*handlers) || !handlers[m->type].handle)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE,
				  "message type %u is not for a switch", m->type);
	if (c->snooper && m->type != OFPT_FEATURES_REQUEST)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_EPERM, "this socket is to snoop");
	if (handlers[m->type].writes && conn_channel(c)->role == OFPCR_ROLE_SLAVE)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE,
				  "a slave may not change the switch");
	return handlers[m->type].handle(c, m, e);
}

static const char *error_name(const struct of_err *e)
{
	const char *name = of_error_code_name(e->type, e->code);

	return name ? name : "an error without a name";
}

static void on_msg(struct of_session *s, const struct of_msg *m, void *arg)
{
	struct conn *c = arg;
	struct of_err e = { .type = 0 };
	int rc;

	role_assume_control();
	series_end(c->agent);
	/* An error is never answered (7.4), nor is a late answer to an echo. */
	if (m->type == OFPT_ERROR || m->type == OFPT_ECHO_REPLY)
		return;
	rc = handle(c, m, &e);
	aux_sync(c);
	if (!rc)
		return;
	if (rc != -EPROTO)
		of_err_set(&e, OFPET_BAD_REQUEST, OFPBRC_EPERM, "%s", strerror(-rc));
	log_info("agent", "%s: refused %s, xid 0x%x, with %s: %s", of_session_name(s),
		 of_kind_name(m->body->kind), m->xid, error_name(&e), e.text);
	agent_send_error(c, m, &e);
}

static void on_bad(struct of_session *s, const uint8_t *raw, size_t n, const struct of_err *e,
		   void *arg)
{
	role_assume_control();
	log_info("agent", "%s: refused a message of type %u, xid 0x%x, with %s, byte %u of %zu: %s",
		 of_session_name(s), raw[1], get_be32(raw + 4), error_name(e), e->offset, n,
		 e->text);
	bundles_refused(arg, raw, n);
	parts_refused(arg, raw, n, e);
}

/* ---- connections ---- */

void conn_free(struct conn *c)
{
	DL_DELETE(c->agent->conns, c);
	c->agent->n_snoopers -= c->snooper;
	bundles_free(c);
	parts_free(c);
	dump_free(c);
	monitors_free(c);
	flushes_leave(c);
	agent_buffers_free(c);
	conn_update_ttl(c->agent);
	of_session_free(c->session);
	free(c->target);
	free(c);
}

static struct of_session_opts active_opts(struct conn *c);

static void on_up(struct of_session *s, const struct of_features_reply *f, void *arg)
{
	struct conn *c = arg;

	role_assume_control();
	c->up = true;
	conn_defaults(c);
	if (c->main) {
		aux_sync(c->main);
		log_info("agent", "%s: auxiliary connection %u is there", of_session_name(s),
			 of_session_auxiliary_id(s));
		return;
	}
	conn_update_ttl(c->agent);
	if (c->service)
		return;
	log_info("agent", "%s: connected", of_session_name(s));
	if (c->n_aux) {
		const struct of_session_opts so = active_opts(c);

		aux_open(c, &so);
	}
}

static void on_down(struct of_session *s, const char *why, void *arg)
{
	struct conn *c = arg;

	role_assume_control();
	if (c->up && !c->service)
		log_warn("agent", "%s: lost: %s", of_session_name(s), why);
	c->up = false;
	aux_close(c);
	bundles_free(c); /* EXT-230: a bundle ends with its connection */
	parts_free(c);
	dump_free(c);
	monitors_free(c);
	flushes_leave(c);
	agent_buffers_free(c);
	conn_update_ttl(c->agent);
	if (c->service)
		conn_free(c);
}

/* Others have their turn. */
static void on_batch(struct of_session *s, void *arg)
{
	struct conn *c = arg;

	role_assume_control();
	series_end(c->agent);
}

static const struct of_session_ops conn_ops = {
	.up = on_up,
	.run = series_run,
	.msg = on_msg,
	.bad = on_bad,
	.down = on_down,
	.snoop = snoop_heard,
	.batch = on_batch,
};
/* Nobody hears what a snooper hears. */
static const struct of_session_ops snooper_ops = { .up = on_up, .msg = on_msg, .down = on_down };

struct conn *conn_add(struct agent *a, struct of_session *s, bool service)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->agent = a;
	c->session = s;
	c->service = service;
	c->serial = ++a->last_serial;
	c->role = OFPCR_ROLE_EQUAL;
	conn_defaults(c);
	DL_APPEND(a->conns, c);
	if (s)
		of_session_set_ops(s, &conn_ops, c);
	return c;
}

/*
 * Connections that came to a listener: so many, and as many tools at the sockets of this host,
 * which are not to be kept out by who calls from elsewhere.  Each may cost some MiB, and a
 * descriptor.  Who is too many is closed at once and may try again.
 */
enum { CONNS_MAX = 256 };

static struct conn *admit(struct agent *a, struct of_session *s, bool local) CONTROL
{
	struct conn *c;
	unsigned int n = 0;

	DL_FOREACH (a->conns, c)
		n += c->service && c->local == local;
	c = n < CONNS_MAX ? conn_add(a, s, true) : NULL;
	if (c) {
		c->local = local;
		return c;
	}
	log_warn("agent", "%s: closed: %u connections of %d are there%s", of_session_name(s), n,
		 CONNS_MAX, n < CONNS_MAX ? ", but no memory" : "");
	of_session_free(s);
	return NULL;
}

static void on_new(struct of_session *s, void *arg)
{
	role_assume_control();
	admit(arg, s, false);
}

static void on_new_local(struct of_session *s, void *arg)
{
	role_assume_control();
	admit(arg, s, true);
}

static void on_new_snooper(struct of_session *s, void *arg)
{
	struct agent *a = arg;
	struct conn *c;

	role_assume_control();
	c = admit(a, s, true);
	if (!c)
		return;
	c->snooper = true;
	a->n_snoopers++;
	of_session_set_ops(s, &snooper_ops, c);
}

/* ---- --fail-mode standalone: a learning switch while no controller is there ---- */

static void standalone(struct agent *a, bool on) CONTROL
{
	struct of_action_output output = { .kind = OF_KIND_action_output, .port = OFPP_NORMAL };
	struct of_any *actions[] = { (struct of_any *)&output };
	struct of_inst_apply_actions apply = { .kind = OF_KIND_inst_apply_actions,
					       .actions = { 1, actions } };
	struct of_any *insts[] = { (struct of_any *)&apply };
	struct of_flow_mod fm = { .kind = OF_KIND_flow_mod,
				  .command = on ? OFPFC_ADD : OFPFC_DELETE_STRICT,
				  .cookie = OF_WEFT_ID,
				  .cookie_mask = on ? 0 : UINT64_MAX,
				  .buffer_id = OFP_NO_BUFFER,
				  .out_port = OFPP_ANY,
				  .out_group = OFPG_ANY,
				  .insts = { on ? 1 : 0, insts } };
	struct of_err e;

	/* A controller's own entry for all that is left stays as it is: deleting asks for the
	 * cookie. */
	if (on)
		fm.flags = OFPFF_CHECK_OVERLAP;
	if (table_flow_mod(a->dp, &fm, &e) && e.code != OFPFMFC_OVERLAP) {
		log_err("agent", "standalone mode: %s", e.text);
		return;
	}
	a->standalone = on;
	agent_changed(a);
	log_info("agent",
		 on ? "no controller for %d s: switching by itself until one is back"
		    : "a controller is back after more than %d s: it decides again",
		 LONELY_SECONDS);
}

static void on_second(struct ev_loop *loop, ev_timer *t, int events)
{
	struct agent *a = t->data;
	struct conn *c;
	bool any = false;

	role_assume_control();
	DL_FOREACH (a->conns, c)
		any = any || (!c->service && c->up);
	a->lonely = any ? 0 : a->lonely + 1;
	if (a->dp->opts.standalone && a->standalone != (a->lonely >= LONELY_SECONDS))
		standalone(a, !a->standalone);
	dumps_watch(a);
	DL_FOREACH (a->conns, c)
		bundles_expire(c);
	agent_buffers_expire(a);
}

/* ---- life ---- */

static struct of_session_opts active_opts(struct conn *c)
{
	return (struct of_session_opts){ .side = OF_SWITCH,
					 .ops = &conn_ops,
					 .arg = c,
					 .tls = &c->agent->tls,
					 .tx_limit = TX_LIMIT };
}

static int connect_one(struct agent *a, const char *controller, struct err *e) CONTROL
{
	struct of_session_opts so;
	struct aux_spec spec;
	struct conn *c;

	if (aux_parse(controller, &spec, e))
		return err_wrap(e, -EINVAL, "--controller");
	c = conn_add(a, NULL, false);
	if (!c)
		return err_set(e, -ENOMEM, "out of memory");
	so = active_opts(c);
	c->n_aux = spec.n;
	c->target = strdup(spec.target);
	c->session = c->target ? of_session_new(a->loop, c->target, &so, e) : NULL;
	if (!c->session) {
		bool no_memory = !c->target;

		conn_free(c);
		return no_memory ? err_set(e, -ENOMEM, "out of memory")
				 : err_wrap(e, -EINVAL, "--controller %s", controller);
	}
	a->n_active++;
	return 0;
}

static int connect_all(struct agent *a, const struct agent_opts *o, struct err *e) CONTROL
{
	for (unsigned int i = 0; i < o->n_controllers; i++)
		if (connect_one(a, o->controllers[i], e))
			return -EINVAL;
	return 0;
}

/* A tool that snoops says nothing for hours, not even when it is asked whether it lives. */
enum { SNOOPER_ECHO = 1000000 };

static int listen_on(struct agent *a, const char *target,
		     void (*new)(struct of_session *s, void *arg), struct err *e)
{
	struct of_session_opts so = { .side = OF_SWITCH,
				      .ops = &conn_ops,
				      .tls = &a->tls,
				      .echo_interval = new == on_new_snooper ? SNOOPER_ECHO : 0,
				      .tx_limit = TX_LIMIT };
	struct of_listener *l = of_listener_new(a->loop, target, &so, new, a, e);

	if (!l)
		return err_wrap(e, -EINVAL, "listening on %s", target);
	a->listeners[a->n_listeners++] = l;
	return 0;
}

static int listen_all(struct agent *a, const struct agent_opts *o, struct err *e)
{
	char path[256], target[300];
	int rc = 0;

	a->listeners = calloc(o->n_listeners + 2, sizeof(*a->listeners));
	if (!a->listeners)
		return err_set(e, -ENOMEM, "out of memory");
	for (unsigned int i = 0; i < o->n_listeners && !rc; i++)
		rc = listen_on(a, o->listeners[i], on_new, e);
	if (rc || !o->socket)
		return rc;
	snprintf(target, sizeof(target), "punix:%s", o->socket);
	rc = listen_on(a, target, on_new_local, e);
	if (rc)
		return rc;
	snoop_path(o->socket, path, sizeof(path));
	snprintf(target, sizeof(target), "punix:%s", path);
	return listen_on(a, target, on_new_snooper, e);
}

struct agent *agent_new(struct ev_loop *loop, struct dp *dp, const struct agent_opts *o,
			struct err *e)
{
	struct agent *a = calloc(1, sizeof(*a));

	if (!a) {
		err_set(e, -ENOMEM, "out of memory");
		return NULL;
	}
	a->loop = loop;
	a->dp = dp;
	a->tls = o->tls;
	a->started = ev_now(loop);
	a->n_buffers = o->n_buffers;
	a->drain = o->drain;
	a->drain_arg = o->arg;
	a->host_id = strdup(o->host_id ? o->host_id : "");
	arena_init(&a->scratch, 0);
	a->series = series_new();
	dp->events = (struct dp_events){ agent_port_status, a };
	dp->table_events = (struct table_events){ .flow_removed = agent_flow_removed,
						  .table_status = agent_table_status,
						  .breathe = agent_breathe,
						  .arg = a };
	ev_prepare_init(&a->publish, on_publish);
	a->publish.data = a;
	ev_prepare_start(loop, &a->publish);
	ev_idle_init(&a->flushing, on_flushing);
	ev_timer_init(&a->fail, on_second, 1, 1);
	a->fail.data = a;
	ev_timer_start(loop, &a->fail);
	if (!a->host_id || listen_all(a, o, e) || connect_all(a, o, e)) {
		agent_free(a);
		return NULL;
	}
	return a;
}

void agent_free(struct agent *a)
{
	struct conn *c, *next;

	if (!a)
		return;
	a->dp->events = (struct dp_events){ NULL, NULL };
	a->dp->table_events = (struct table_events){ NULL };
	for (unsigned int i = 0; i < a->n_listeners; i++)
		of_listener_free(a->listeners[i]);
	free(a->listeners);
	DL_FOREACH_SAFE (a->conns, c, next)
		conn_free(c);
	flushes_free(a);
	ev_prepare_stop(a->loop, &a->publish);
	ev_timer_stop(a->loop, &a->fail);
	arena_fini(&a->scratch);
	series_free(a->series);
	free(a->host_id);
	free(a);
}
