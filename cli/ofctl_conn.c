/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, used one question at a time: the loop runs while an answer is waited for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/ofctl.h"

/* A message as it came, until somebody wants it. */
struct raw_msg {
	struct raw_msg *next;
	size_t n;
	uint8_t bytes[];
};

struct ofctl_conn {
	struct ev_loop *loop;
	struct of_session *session;
	char target[128];
	bool up, down;
	char why[160];
	struct of_features_reply features;
	struct raw_msg *first, **last;
};

static void queue(struct ofctl_conn *c, const uint8_t *p, size_t n)
{
	struct raw_msg *m = malloc(sizeof(*m) + n);

	if (!m)
		ofctl_die("out of memory");
	m->next = NULL;
	m->n = n;
	memcpy(m->bytes, p, n);
	*c->last = m;
	c->last = &m->next;
}

static void on_up(struct of_session *s, const struct of_features_reply *features, void *arg)
{
	struct ofctl_conn *c = arg;

	c->up = true;
	c->features = *features;
	ev_break(c->loop, EVBREAK_ONE);
}

static void on_msg(struct of_session *s, const struct of_msg *m, void *arg)
{
	struct ofctl_conn *c = arg;

	queue(c, m->raw, m->length);
	ev_break(c->loop, EVBREAK_ONE);
}

static void on_bad(struct of_session *s, const uint8_t *raw, size_t n, const struct of_err *e,
		   void *arg)
{
	struct ofctl_conn *c = arg;

	queue(c, raw, n);
	ev_break(c->loop, EVBREAK_ONE);
}

static void on_down(struct of_session *s, const char *why, void *arg)
{
	struct ofctl_conn *c = arg;

	c->down = true;
	snprintf(c->why, sizeof(c->why), "%s", why ? why : "connection closed");
	ev_break(c->loop, EVBREAK_ONE);
}

static const struct of_session_ops ops = {
	.up = on_up,
	.msg = on_msg,
	.bad = on_bad,
	.down = on_down,
};

static bool is_socket(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISSOCK(st.st_mode);
}

/* The connection method for what the user calls the switch. */
static void find_target(const char *name, char *target, size_t size)
{
	const char *dir = getenv("WEFT_RUNDIR");
	char path[108];

	if (!strncmp(name, "tcp:", 4) || !strncmp(name, "ssl:", 4) || !strncmp(name, "unix:", 5)) {
		snprintf(target, size, "%s", name);
		return;
	}
	snprintf(path, sizeof(path), "%s/%s.sock", dir && *dir ? dir : "/run/weft", name);
	if (!strchr(name, '/') && is_socket(path))
		snprintf(target, size, "unix:%s", path);
	else if (is_socket(name))
		snprintf(target, size, "unix:%s", name);
	else
		ofctl_die("%s is not a bridge or a socket (%s does not exist)", name, path);
}

static void run_until(struct ofctl_conn *c)
{
	ev_run(c->loop, EVRUN_ONCE);
}

struct ofctl_conn *ofctl_connect(const char *name)
{
	struct of_session_opts opts = {
		.side = OF_CONTROLLER, .ops = &ops, .once = true, .tls = &ofctl_options.tls
	};
	struct ofctl_conn *c = calloc(1, sizeof(*c));
	struct err e = { "" };

	if (!c)
		ofctl_die("out of memory");
	find_target(name, c->target, sizeof(c->target));
	c->last = &c->first;
	c->loop = EV_DEFAULT;
	opts.arg = c;
	c->session = of_session_new(c->loop, c->target, &opts, &e);
	if (!c->session)
		ofctl_die("connecting to %s (%s)", c->target, e.text);
	while (!c->up && !c->down)
		run_until(c);
	if (!c->up)
		ofctl_die("connecting to %s (%s)", c->target, c->why);
	return c;
}

void ofctl_alive(struct ofctl_conn *c)
{
	ev_run(c->loop, EVRUN_NOWAIT);
}

void ofctl_close(struct ofctl_conn *c)
{
	if (!c)
		return;
	of_session_free(c->session);
	while (c->first) {
		struct raw_msg *m = c->first;

		c->first = m->next;
		free(m);
	}
	free(c);
}

const char *ofctl_target(const struct ofctl_conn *c)
{
	return c->target;
}

const struct of_features_reply *ofctl_features(const struct ofctl_conn *c)
{
	return &c->features;
}

/* ---- Messages ---- */

uint32_t ofctl_xid(struct ofctl_conn *c)
{
	return of_session_xid(c->session);
}

/* Thousands of flows may be on their way: the switch sets the pace. */
static void wait_for_room(struct ofctl_conn *c)
{
	while (!c->down && of_session_backlog(c->session) > 1u << 20)
		run_until(c);
}

static void check_sent(struct ofctl_conn *c, int r)
{
	if (r == -EMSGSIZE)
		ofctl_die("a message does not fit into OpenFlow's 65535 bytes");
	if (r)
		ofctl_die("talking to %s (%s)", c->target, c->down ? c->why : strerror(-r));
}

void ofctl_send_as(struct ofctl_conn *c, uint32_t xid, const void *body)
{
	wait_for_room(c);
	check_sent(c, c->down ? -ENOTCONN : of_session_send(c->session, xid, body));
}

uint32_t ofctl_send_raw(struct ofctl_conn *c, uint8_t *p, size_t n)
{
	uint32_t xid = ofctl_xid(c);

	put_be32(p + 4, xid);
	wait_for_room(c);
	check_sent(c, c->down ? -ENOTCONN : of_session_send_raw(c->session, p, n));
	return xid;
}

uint32_t ofctl_send(struct ofctl_conn *c, const void *body)
{
	uint32_t xid = ofctl_xid(c);

	ofctl_send_as(c, xid, body);
	return xid;
}

const struct of_msg *ofctl_recv(struct ofctl_conn *c, struct arena *a)
{
	for (;;) {
		struct raw_msg *m;
		struct of_msg *out = NULL;
		struct of_err e;
		uint8_t *copy;

		while (!c->first && !c->down)
			run_until(c);
		m = c->first;
		if (!m)
			ofctl_die("talking to %s (%s)", c->target, c->why);
		c->first = m->next;
		if (!c->first)
			c->last = &c->first;
		copy = arena_dup(a, m->bytes, m->n);
		if (!copy || of_decode(copy, m->n, a, &out, &e)) {
			of_format_raw(stderr, m->bytes, m->n, NULL);
			out = NULL;
		}
		free(m);
		if (out)
			return out;
	}
}

const struct of_msg *ofctl_recv_xid(struct ofctl_conn *c, uint32_t xid, struct arena *a)
{
	const struct of_msg *m;

	do
		m = ofctl_recv(c, a);
	while (m->xid != xid);
	return m;
}

const struct of_msg *ofctl_ask(struct ofctl_conn *c, const void *body, struct arena *a,
			       bool may_fail)
{
	const struct of_msg *m = ofctl_recv_xid(c, ofctl_send(c, body), a);

	if (m->type == OFPT_ERROR && !may_fail) {
		of_format_msg(stdout, m, NULL);
		exit(1);
	}
	return m;
}

/* ---- Multipart ---- */

static uint16_t mp_type(enum of_kind kind)
{
	static const struct {
		enum of_kind kind;
		uint16_t type;
	} types[] = {
		{ OF_KIND_mp_desc_request, OFPMP_DESC },
		{ OF_KIND_mp_flow_request, OFPMP_FLOW },
		{ OF_KIND_mp_aggregate_request, OFPMP_AGGREGATE },
		{ OF_KIND_mp_table_request, OFPMP_TABLE },
		{ OF_KIND_mp_port_stats_request, OFPMP_PORT_STATS },
		{ OF_KIND_mp_queue_request, OFPMP_QUEUE },
		{ OF_KIND_mp_group_request, OFPMP_GROUP },
		{ OF_KIND_mp_group_desc_request, OFPMP_GROUP_DESC },
		{ OF_KIND_mp_group_features_request, OFPMP_GROUP_FEATURES },
		{ OF_KIND_mp_meter_request, OFPMP_METER },
		{ OF_KIND_mp_meter_config_request, OFPMP_METER_CONFIG },
		{ OF_KIND_mp_meter_features_request, OFPMP_METER_FEATURES },
		{ OF_KIND_mp_table_features_request, OFPMP_TABLE_FEATURES },
		{ OF_KIND_mp_port_desc_request, OFPMP_PORT_DESC },
		{ OF_KIND_mp_experimenter_request, OFPMP_EXPERIMENTER },
	};

	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].kind == kind)
			return types[i].type;
	ofctl_die("%s is no multipart request", of_kind_name(kind));
}

uint32_t ofctl_send_mp(struct ofctl_conn *c, const void *body)
{
	const struct of_any *any = body;
	struct of_multipart_request req = { .kind = OF_KIND_multipart_request,
					    .type = mp_type(any->kind),
					    .body = (struct of_any *)any };

	return ofctl_send(c, &req);
}

const struct of_any *ofctl_mp_body(const struct of_msg *m)
{
	if (!m->body || m->body->kind != OF_KIND_multipart_reply)
		return NULL;
	return ((const struct of_multipart_reply *)m->body)->body;
}

/* Replies that can come in parts are all one list. */
struct one_list {
	enum of_kind kind;
	struct of_list list;
};

static void append(struct of_any *to, const struct of_any *from, struct arena *a)
{
	const struct of_list *l = &((const struct one_list *)from)->list;

	if (from->kind != to->kind)
		ofctl_die("the parts of a reply are of different kinds");
	for (uint32_t i = 0; i < l->n; i++)
		if (of_list_add(&((struct one_list *)to)->list, a, l->v[i]))
			ofctl_die("out of memory");
}

/* An experimenter's is the one within. */
static struct of_any *inner(struct of_any *body)
{
	return body && body->kind == OF_KIND_mp_experimenter_reply
		       ? ((struct of_mp_experimenter_reply *)body)->body
		       : body;
}

/* The parts of the reply as one; or the error. */
static const struct of_msg *collect(struct ofctl_conn *c, uint32_t xid, struct arena *a)
{
	const struct of_msg *first = NULL;

	for (;;) {
		const struct of_msg *m = ofctl_recv_xid(c, xid, a);
		struct of_multipart_reply *r = (struct of_multipart_reply *)m->body;
		bool more;

		if (m->type == OFPT_ERROR)
			return m;
		if (!ofctl_mp_body(m))
			ofctl_die("%s answers a multipart request with a message of type %u",
				  c->target, m->type);
		more = r->flags & OFPMPF_REPLY_MORE;
		r->flags = 0;
		if (!first)
			first = m;
		else
			append(inner(((struct of_multipart_reply *)first->body)->body),
			       inner(r->body), a);
		if (!more)
			return first;
	}
}

const struct of_msg *ofctl_ask_mp(struct ofctl_conn *c, const void *body, struct arena *a)
{
	const struct of_msg *m = collect(c, ofctl_send_mp(c, body), a);

	if (m->type != OFPT_ERROR)
		return m;
	of_format_msg(stdout, m, NULL);
	exit(1);
}

const struct of_msg *ofctl_ask_mp_or_error(struct ofctl_conn *c, const void *body, struct arena *a)
{
	return collect(c, ofctl_send_mp(c, body), a);
}

const struct of_msg *ofctl_try_mp(struct ofctl_conn *c, const void *body, struct arena *a)
{
	const struct of_msg *m = collect(c, ofctl_send_mp(c, body), a);

	return m->type == OFPT_ERROR ? NULL : m;
}
