/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP: libmicrohttpd on the controller's own loop.
 *
 * MHD keeps its sockets in an epoll set of its own, of which the loop watches the one descriptor.
 * A request whose changes are being written is suspended; the store's answer resumes it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "controller/mem.h"
#include "controller/nb.h"
#include "controller/nb_auth.h"

#define MOD "rest"

enum {
	BODY_MAX = 8 << 20, /* a bulk create of some ten thousand ports */
	DEPTH_MAX = 32,
	ARGS_MAX = 4096,
	CONNECTIONS_MAX = 1024,
	CONNECTION_MEMORY = 384 << 10, /* headers, and a query of ARGS_MAX arguments */
	IDLE_SECONDS = 75,
};

struct nb_http {
	struct nb *nb;
	struct MHD_Daemon *daemon;
	struct ev_io io;
	struct ev_timer timer;
	struct ev_prepare prepare;
	struct request *requests; /* DL list: all that are not completed */
	bool stopping;
};

struct request {
	struct nb_http *http;
	struct MHD_Connection *connection;
	char *body;
	size_t n, room;
	bool too_big;
	bool waiting; /* suspended until Keystone or the store answers */
	bool told;    /* it has been told who asks: auth_rc */
	int auth_rc;
	struct nb_asker asker;
	bool ready; /* there is an answer to queue */
	struct nb_request q;
	char base[300];
	char *text; /* the answer's body */
	struct request *prev, *next;
};

/* ---- the request, from what MHD has ---- */

static enum MHD_Result arg_add(void *arg, enum MHD_ValueKind kind, const char *key,
			       const char *value)
{
	struct nb_request *q = arg;

	if (q->n_args == ARGS_MAX) {
		nb_say(&q->error, HTTPBadRequest, "There are more than %d query arguments.",
		       ARGS_MAX);
		return MHD_NO;
	}
	if (!(q->n_args & (q->n_args - 1))) {
		size_t room = q->n_args ? q->n_args * 2 : 1;
		struct nb_arg *more = mem_array(room, sizeof(*more));

		if (q->n_args)
			memcpy(more, q->args, q->n_args * sizeof(*more));
		free(q->args);
		q->args = more;
	}
	q->args[q->n_args++] =
		(struct nb_arg){ (char *)(uintptr_t)key, (char *)(uintptr_t)(value ? value : "") };
	return MHD_YES;
}

static enum nb_method method_of(const char *m)
{
	static const char *const names[] = { "GET", "POST", "PUT", "DELETE" };

	for (int i = 0; i < 4; i++)
		if (!strcmp(m, names[i]))
			return (enum nb_method)i;
	return NB_OTHER;
}

/* What links begin with: the name by which the client knows us. */
static void base_set(struct request *r)
{
	const char *host = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Host");

	if (!host || strlen(host) > 255 ||
	    strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
			 "RSTUVWXYZ0123456789.-_:[]") != strlen(host))
		host = "127.0.0.1:9696";
	snprintf(r->base, sizeof(r->base), "http://%s", host);
	r->q.base = r->base;
}

/* jansson recurses; so does what reads its result.  Brackets inside strings do not count. */
static bool is_too_deep(const char *p, size_t n)
{
	bool string = false;
	int depth = 0;

	for (size_t i = 0; i < n; i++) {
		if (string) {
			if (p[i] == '\\')
				i++;
			else if (p[i] == '"')
				string = false;
		} else if (p[i] == '"') {
			string = true;
		} else if (p[i] == '{' || p[i] == '[') {
			if (++depth > DEPTH_MAX)
				return true;
		} else if (p[i] == '}' || p[i] == ']') {
			depth--;
		}
	}
	return false;
}

static int body_parse(struct request *r)
{
	const char *type =
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Content-Type");
	struct nb_error *e = &r->q.error;
	json_error_t je;

	if (r->too_big)
		return nb_refuse(e, HTTPRequestEntityTooLarge, BODY_MAX);
	if (!r->n)
		return 0;
	if (type && strncasecmp(type, "application/json", 16))
		return nb_refuse(e, HTTPUnsupportedMediaType, type);
	if (is_too_deep(r->body, r->n))
		return nb_say(e, HTTPBadRequest,
			      "Malformed request body: nested deeper than %d levels.", DEPTH_MAX);
	r->q.body = json_loadb(r->body, r->n, JSON_REJECT_DUPLICATES, &je);
	if (!r->q.body)
		return nb_say(e, HTTPBadRequest,
			      "Malformed request body: %.160s (line %d, column %d).", je.text,
			      je.line, je.column);
	return 0;
}

static const char *header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* MHD looks at what was resumed only when it runs, and its descriptor does not tell. */
static void request_resume(struct request *r)
{
	r->waiting = false;
	MHD_resume_connection(r->connection);
	ev_feed_event(r->http->nb->loop, &r->http->io, EV_READ);
}

static void on_told(int rc, void *arg)
{
	struct request *r = arg;

	r->told = true;
	r->auth_rc = rc;
	request_resume(r);
}

/* What the token is good for. */
static int who_take(struct request *r)
{
	struct nb_request *q = &r->q;

	if (r->auth_rc == -EAGAIN)
		return nb_say(&q->error, ServiceUnavailable,
			      "The identity service cannot be asked now: %.300s.",
			      r->asker.why.text);
	if (r->auth_rc)
		return nb_refuse(&q->error, Unauthorized);
	nb_auth_who(&r->asker, &q->who);
	q->who.world = r->http->nb->world;
	/* What belongs to no project is not for everyone who has none. */
	if (!q->who.admin && !q->who.project[0])
		return nb_say(&q->error, PolicyNotAuthorized,
			      "The token is for no project; ask for one that is.");
	return 0;
}

/* 0, -1 with the answer, or -EINPROGRESS: it is run again. */
static int who_check(struct request *r)
{
	struct nb_auth *auth = r->http->nb->auth;

	if (r->told)
		return who_take(r);
	if (nb_auth_is_open(auth, r->q.path)) {
		r->q.who.project = "";
		return 0;
	}
	r->asker = (struct nb_asker){
		.token = header(r, "X-Auth-Token"),
		.service_token = header(r, "X-Service-Token"),
		.done = on_told,
		.arg = r,
	};
	r->auth_rc = nb_auth_check(auth, &r->asker);
	return r->auth_rc == -EINPROGRESS ? r->auth_rc : who_take(r);
}

/* ---- the answer ---- */

static void answer_make(struct request *r)
{
	struct nb_request *q = &r->q;
	json_t *body = q->error.status ? nb_error_json(&q->error) : q->answer;

	if (q->error.status) {
		q->status = q->error.status;
		json_decref(q->answer);
		q->answer = body;
	}
	if (!q->error.status && q->text) {
		r->text = q->text;
		q->text = NULL;
	} else {
		r->text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	}
	if (body && !r->text) { /* cannot be: all that goes in is UTF-8 */
		q->status = 500;
		r->text = mem_str("{}");
	}
	r->ready = true;
}

static enum MHD_Result answer_queue(struct request *r)
{
	size_t n = r->text ? strlen(r->text) : 0;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(n, r->text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result rc;

	if (!response)
		return MHD_NO;
	r->text = NULL;
	if (n)
		MHD_add_response_header(response, "Content-Type", "application/json");
	if (r->q.status == 401) {
		char *where = mem_printf("Keystone uri=\"%s\"", nb_auth_uri(r->http->nb->auth));

		MHD_add_response_header(response, "WWW-Authenticate", where);
		free(where);
	}
	rc = MHD_queue_response(r->connection, (unsigned int)r->q.status, response);
	MHD_destroy_response(response);
	return rc;
}

static void on_stored(int rc, const char *why, void *arg)
{
	struct request *r = arg;

	if (rc)
		nb_say(&r->q.error, ServiceUnavailable,
		       "The change could not be stored, and was taken back: %.200s.", why);
	answer_make(r);
	request_resume(r);
}

static enum MHD_Result request_run(struct request *r)
{
	struct nb_request *q = &r->q;
	int rc = who_check(r);

	if (rc == -EINPROGRESS) {
		r->waiting = true;
		MHD_suspend_connection(r->connection);
		return MHD_YES;
	}
	if (!rc && !body_parse(r))
		nb_route(q);
	if (q->txn) {
		r->waiting = true;
		MHD_suspend_connection(r->connection);
		txn_commit(q->txn, on_stored, r);
		q->txn = NULL;
		return MHD_YES;
	}
	answer_make(r);
	return answer_queue(r);
}

/* ---- MHD's callbacks ---- */

static struct request *request_new(struct nb_http *h, struct MHD_Connection *c, const char *url,
				   const char *method)
{
	struct request *r = mem_get(sizeof(*r));

	r->http = h;
	r->connection = c;
	r->q.nb = h->nb;
	r->q.method = method_of(method);
	r->q.path = mem_str(url);
	r->q.if_match = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "If-Match");
	base_set(r);
	MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, arg_add, &r->q);
	DL_APPEND(h->requests, r);
	return r;
}

static void body_add(struct request *r, const char *p, size_t n)
{
	if (r->too_big || n > BODY_MAX - r->n) {
		r->too_big = true;
		return;
	}
	if (r->n + n > r->room) {
		size_t room = r->room ? r->room : 1024;
		char *more;

		while (room < r->n + n)
			room *= 2;
		more = mem_get(room);
		if (r->n)
			memcpy(more, r->body, r->n);
		free(r->body);
		r->body = more;
		r->room = room;
	}
	memcpy(r->body + r->n, p, n);
	r->n += n;
}

/* Called when the headers are there, for each part of the body, at its end, and after a resumption.
 */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_n, void **context)
{
	struct request *r = *context;

	if (!r) {
		*context = request_new(arg, c, url, method);
		return MHD_YES;
	}
	if (*upload_n) {
		body_add(r, upload, *upload_n);
		*upload_n = 0;
		return MHD_YES;
	}
	if (r->waiting)
		return MHD_YES;
	if (r->ready)
		return answer_queue(r);
	if (r->q.error.status) { /* refused already */
		answer_make(r);
		return answer_queue(r);
	}
	return request_run(r);
}

static void on_completed(void *arg, struct MHD_Connection *c, void **context,
			 enum MHD_RequestTerminationCode why)
{
	struct nb_http *h = arg;
	struct request *r = *context;

	if (!r)
		return;
	DL_DELETE(h->requests, r);
	json_decref(r->q.body);
	json_decref(r->q.answer);
	free(r->q.text);
	free(r->q.args);
	free((char *)(uintptr_t)r->q.path);
	free(r->body);
	free(r->text);
	free(r);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX in place, but for %00, which would hide what follows it. */
static size_t on_unescape(void *arg, struct MHD_Connection *c, char *s)
{
	char *to = s;

	for (const char *from = s; *from; from++) {
		int hi = *from == '%' ? hex_digit(from[1]) : -1;
		int lo = hi < 0 ? -1 : hex_digit(from[2]);

		if (lo >= 0 && (hi || lo)) {
			*to++ = (char)(hi << 4 | lo);
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return (size_t)(to - s);
}

static void on_log(void *arg, const char *fmt, va_list ap)
{
	char line[300];

	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	log_dbg(MOD, "%s", line);
}

/* ---- the loop ---- */

/* Twice: a refusal that MHD makes itself (431) is sent with the next run, for which nothing wakes
 * us. */
static void on_io(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct nb_http *h = w->data;

	MHD_run(h->daemon);
	MHD_run(h->daemon);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int events)
{
	MHD_run(((struct nb_http *)w->data)->daemon);
}

/* Before the loop sleeps: until when at most? */
static void on_prepare(struct ev_loop *loop, struct ev_prepare *w, int events)
{
	struct nb_http *h = w->data;
	MHD_UNSIGNED_LONG_LONG ms;

	ev_timer_stop(loop, &h->timer);
	if (MHD_get_timeout(h->daemon, &ms) != MHD_YES)
		return;
	ev_timer_set(&h->timer, (double)ms / 1000, 0);
	ev_timer_start(loop, &h->timer);
}

/* ---- listening ---- */

static int address_parse(const char *where, struct sockaddr_storage *ss, struct err *e)
{
	const char *colon = strrchr(where, ':');
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	char host[64];
	size_t n;
	long port;
	char *end;

	memset(ss, 0, sizeof(*ss));
	if (!colon || !colon[1])
		return err_set(e, -EINVAL, "rest '%s': should be ADDR:PORT", where);
	port = strtol(colon + 1, &end, 10);
	if (*end || port < 0 || port > 65535)
		return err_set(e, -EINVAL, "rest '%s': '%s' is not a port number", where,
			       colon + 1);
	n = (size_t)(colon - where);
	if (n >= 2 && where[0] == '[' && where[n - 1] == ']') {
		where++;
		n -= 2;
	}
	snprintf(host, sizeof(host), "%.*s", (int)n, where);
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
	} else if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
	} else {
		return err_set(e, -EINVAL, "rest: '%s' is not an IP address", host);
	}
	return 0;
}

/* Our own socket, so that we can say why it does not work. */
static int socket_listen(const char *where, struct err *e)
{
	struct sockaddr_storage ss;
	int fd, one = 1;

	if (address_parse(where, &ss, e))
		return -1;
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err_set(e, -errno, "rest %s: %s", where, strerror(errno));
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&ss, sizeof(ss)) || listen(fd, 1024)) {
		err_set(e, -errno, "rest: cannot listen on %s: %s", where, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

static void port_log(int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &n))
		return;
	log_info(MOD, "listening on port %u",
		 ntohs(ss.ss_family == AF_INET ? ((struct sockaddr_in *)&ss)->sin_port
					       : ((struct sockaddr_in6 *)&ss)->sin6_port));
}

static void watch(struct nb_http *h)
{
	struct ev_loop *loop = h->nb->loop;
	int fd = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

	ev_io_init(&h->io, on_io, fd, EV_READ);
	ev_timer_init(&h->timer, on_timer, 0, 0);
	ev_prepare_init(&h->prepare, on_prepare);
	h->io.data = h->timer.data = h->prepare.data = h;
	ev_io_start(loop, &h->io);
	ev_prepare_start(loop, &h->prepare);
}

struct nb_http *nb_http_new(struct nb *nb, const char *where, struct err *e)
{
	struct nb_http *h;
	int fd = socket_listen(where, e);

	if (fd < 0)
		return NULL;
	h = mem_get(sizeof(*h));
	h->nb = nb;
	h->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_ITC, 0, NULL,
		NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL, MHD_OPTION_END);
	if (!h->daemon) {
		err_set(e, -EIO, "rest %s: the HTTP server does not start", where);
		close(fd);
		free(h);
		return NULL;
	}
	watch(h);
	port_log(fd);
	return h;
}

/* What is being written is answered by the store's closing, so its connections still live then. */
void nb_http_stop(struct nb_http *h)
{
	int fd;

	if (!h || h->stopping)
		return;
	h->stopping = true;
	ev_io_stop(h->nb->loop, &h->io);
	ev_timer_stop(h->nb->loop, &h->timer);
	ev_prepare_stop(h->nb->loop, &h->prepare);
	fd = MHD_quiesce_daemon(h->daemon);
	if (fd >= 0)
		close(fd);
}

void nb_http_free(struct nb_http *h)
{
	if (!h)
		return;
	nb_http_stop(h);
	/* Answers that have become ready with the last write go out. */
	for (int i = 0; i < 3; i++)
		MHD_run(h->daemon);
	MHD_stop_daemon(h->daemon);
	free(h);
}
