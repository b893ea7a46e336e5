/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "controller/keystone.h"
#include "controller/keystone_login.h"
#include "controller/mem.h"
#include "controller/nova_priv.h"
#include "controller/options.h"
#include "controller/web.h"

#define MOD "nova"

enum { TOKEN_MAX = 8192 };

struct event {
	enum nova_event what;
	char server[UUID_TEXT], port[UUID_TEXT];
	double since;
	struct event *prev, *next;
};

struct nova {
	struct ev_loop *loop;
	struct web *web;
	struct keystone *keystone; /* NULL: the token is from a file, or there is none */
	char *base;		   /* "http://HOST:8774/v2.1"; NULL: as the catalogue has it */
	char *found;		   /* in the catalogue, last */
	char *token_file;
	struct nova_watch watch;
	struct event *queue; /* DL list; the first 'in_flight' are with Nova */
	size_t n, in_flight;
	struct ev_timer retry;
	unsigned int attempts; /* that failed, in a row */
	double looked;	       /* when the catalogue was asked for */
	uint64_t sent, refused, lost;
	char trouble[300]; /* "": none */
	bool again;	   /* the token was refused once */
	bool ending;
};

static const char *const names[] = {
	[NOVA_PLUGGED] = "network-vif-plugged",
	[NOVA_UNPLUGGED] = "network-vif-unplugged",
	[NOVA_DELETED] = "network-vif-deleted",
	[NOVA_CHANGED] = "network-changed",
};

/* ---- the queue ---- */

static void event_drop(struct nova *n)
{
	struct event *x = n->queue;

	DL_DELETE(n->queue, x);
	free(x);
	n->n--;
}

static void lose(struct nova *n, size_t first)
{
	n->lost += first;
	while (first--)
		event_drop(n);
}

void nova_tell(struct nova *n, enum nova_event what, const char *server, const char *port)
{
	struct event *x;

	if (n->n >= NOVA_QUEUE_MAX && !n->in_flight)
		lose(n, 1);
	if (n->n >= NOVA_QUEUE_MAX) {
		n->lost++;
		return;
	}
	x = mem_get(sizeof(*x));
	x->what = what;
	snprintf(x->server, sizeof(x->server), "%s", server);
	snprintf(x->port, sizeof(x->port), "%s", port);
	x->since = ev_now(n->loop);
	DL_APPEND(n->queue, x);
	n->n++;
}

static void expire(struct nova *n)
{
	size_t late = 0;

	for (const struct event *x = n->queue; x && x->since + NOVA_GIVE_UP < ev_now(n->loop);
	     x = x->next)
		late++;
	if (late)
		log_warn(MOD, "%zu events are given up after %d s: %s", late, NOVA_GIVE_UP,
			 n->trouble);
	lose(n, late);
}

/* ---- how Nova is ---- */

__attribute__((format(printf, 2, 3))) static void trouble(struct nova *n, const char *fmt, ...)
{
	const bool fresh = !n->trouble[0];
	double wait = n->attempts < 4 ? 1 << n->attempts : NOVA_RETRY_MAX;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(n->trouble, sizeof(n->trouble), fmt, ap);
	va_end(ap);
	n->in_flight = 0;
	n->attempts++;
	if (n->ending)
		return;
	if (fresh)
		log_warn(MOD, "%s; events wait for it, for %d s at most", n->trouble, NOVA_GIVE_UP);
	ev_timer_stop(n->loop, &n->retry);
	ev_timer_set(&n->retry, wait, 0);
	ev_timer_start(n->loop, &n->retry);
}

static void works(struct nova *n)
{
	if (n->trouble[0])
		log_info(MOD, "Nova takes events again");
	n->trouble[0] = '\0';
	n->attempts = 0;
	n->again = false;
}

/* ---- its answers ---- */

/* Of each event: 200, 404 (no such server), 422 (on no host yet), 400.  None is asked for again:
 * the server's own events say later what it has missed. */
static void answers_take(struct nova *n, const struct web_answer *a)
{
	json_t *j = json_loadb(a->body, a->n, 0, NULL), *list = json_object_get(j, "events");
	size_t bad = 0;

	for (size_t i = 0; i < json_array_size(list) && i < n->in_flight; i++) {
		const json_t *x = json_array_get(list, i);
		json_int_t code = json_integer_value(json_object_get(x, "code"));

		if (code == 200 || !json_is_integer(json_object_get(x, "code")))
			continue;
		bad++;
		log_dbg(MOD, "server %s: Nova answers %lld to an event",
			json_string_value(json_object_get(x, "server_uuid")), code);
	}
	json_decref(j);
	n->refused += bad;
	n->sent += n->in_flight - bad;
}

static void all_refused(struct nova *n, long status)
{
	/* 404: Nova knows none of the servers, which is no fault of anybody's. */
	if (status != 404)
		log_warn(MOD, "Nova answers %ld to %zu events", status, n->in_flight);
	n->refused += n->in_flight;
}

static bool is_token_refused(struct nova *n, long status)
{
	if (status != 401 || n->again || !n->keystone)
		return false;
	n->again = true;
	keystone_own_forget(n->keystone);
	return true;
}

static void on_answer(const struct web_answer *a, void *arg)
{
	struct nova *n = arg;
	const long s = a->status;

	if (n->ending)
		return;
	if (is_token_refused(n, s)) {
		n->in_flight = 0;
	} else if (!s) {
		trouble(n, "Nova does not answer: %.200s", a->why);
		return;
	} else if (s == 401 || s == 403 || s == 408 || s == 429 || s >= 500) {
		n->again = false; /* the next attempt may have another token */
		trouble(n, "Nova answers %ld to events", s);
		return;
	} else {
		works(n);
		if (s < 300)
			answers_take(n, a);
		else
			all_refused(n, s);
		while (n->in_flight) {
			n->in_flight--;
			event_drop(n);
		}
	}
	nova_flush(n);
}

/* ---- sending ---- */

static char *body_make(struct nova *n)
{
	json_t *list = json_array(), *body;
	const struct event *x = n->queue;
	char *text;

	for (n->in_flight = 0; x && n->in_flight < NOVA_BATCH; x = x->next, n->in_flight++) {
		json_t *o = json_pack("{s:s,s:s,s:s}", "name", names[x->what], "server_uuid",
				      x->server, "tag", x->port);

		if (x->what == NOVA_PLUGGED || x->what == NOVA_UNPLUGGED)
			json_object_set_new(o, "status", json_string("completed"));
		json_array_append_new(list, o);
	}
	body = json_pack("{s:o}", "events", list);
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

/* The first line of the file. */
static int token_read(const char *path, char token[TOKEN_MAX], struct err *e)
{
	FILE *f = fopen(path, "re");
	char *line;

	if (!f)
		return err_set(e, -errno, "nova-token %s: %s", path, strerror(errno));
	line = fgets(token, TOKEN_MAX, f);
	fclose(f);
	token[line ? strcspn(token, "\r\n") : 0] = '\0';
	for (const char *c = token; *c; c++)
		if (*c <= ' ' || *c > '~')
			token[0] = '\0';
	return token[0] ? 0
			: err_set(e, -EINVAL, "nova-token %s: its first line is no token", path);
}

static void post(struct nova *n, const char *base, const char *token)
{
	char *header = mem_printf("X-Auth-Token: %s", token ? token : "");
	char *url = mem_printf("%s/os-server-external-events", base), *body = body_make(n);
	const char *headers[] = { "Content-Type: application/json", "Accept: application/json",
				  token ? header : NULL, NULL };

	web_ask(n->web, &(struct web_request){ .url = url, .headers = headers, .body = body },
		on_answer, n);
	keystone_wipe(header);
	free(url);
	free(body);
}

static void flush_by_file(struct nova *n)
{
	char token[TOKEN_MAX] = "";
	struct err e;

	if (n->token_file && token_read(n->token_file, token, &e))
		trouble(n, "%.200s", e.text);
	else
		post(n, n->base, token[0] ? token : NULL);
	explicit_bzero(token, sizeof(token));
}

/* The catalogue has no Nova: nobody is to be told.  It may have one later. */
static void nobody(struct nova *n)
{
	const double now = ev_now(n->loop);

	if (now - n->looked > NOVA_LOOK_AGAIN) {
		n->looked = now;
		keystone_own_forget(n->keystone);
		nova_flush(n);
		return;
	}
	while (n->n)
		event_drop(n);
}

static void flush_by_keystone(struct nova *n)
{
	const char *token, *endpoint;
	struct err e;
	int rc = keystone_own(n->keystone, &token, &endpoint, &e);

	if (rc == -EINPROGRESS)
		return; /* on_own() */
	if (rc) {
		trouble(n, "no token for Nova: %.200s", e.text);
	} else if (n->base || endpoint) {
		free(n->found);
		n->found = mem_str(endpoint);
		post(n, n->base ? n->base : endpoint, token);
	} else {
		nobody(n);
	}
}

void nova_flush(struct nova *n)
{
	if (n->in_flight || n->ending || ev_is_active(&n->retry))
		return;
	expire(n);
	if (!n->queue)
		return;
	if (n->keystone)
		flush_by_keystone(n);
	else
		flush_by_file(n);
}

static void on_own(void *arg)
{
	nova_flush(arg);
}

static void on_retry(struct ev_loop *loop, struct ev_timer *t, int events)
{
	nova_flush(t->data);
}

/* ---- beginning and end ---- */

static bool is_url(const char *s)
{
	return !strncmp(s, "http://", 7) || !strncmp(s, "https://", 8);
}

/* 0: nobody; 1: as the catalogue says, 2: a URL; or -EINVAL. */
static int options_judge(const struct options *o, const struct keystone *k, struct err *e)
{
	const char *to = o->nova ? o->nova : k ? "catalogue" : "none";

	if (strcmp(to, "none") && strcmp(to, "catalogue") && !is_url(to))
		return err_set(e, -EINVAL,
			       "nova '%s': should be none, catalogue, or http://HOST:PORT/PATH",
			       to);
	if (!strcmp(to, "catalogue") && !k)
		return err_set(e, -EINVAL, "nova catalogue: is for auth keystone:URL");
	if (o->nova_token && (!is_url(to) || k))
		return err_set(e, -EINVAL, "nova-token: is for nova URL without auth keystone:");
	if ((o->nova_interface || o->nova_region) && strcmp(to, "catalogue"))
		return err_set(e, -EINVAL,
			       "nova-interface and nova-region: are for nova catalogue");
	return is_url(to) ? 2 : !strcmp(to, "catalogue");
}

static char *base_of(const char *url)
{
	size_t n = strlen(url);

	while (n && url[n - 1] == '/')
		n--;
	return mem_printf("%.*s", (int)n, url);
}

int nova_new(struct ev_loop *loop, struct world *w, struct keystone *k, const struct options *o,
	     struct nova **out, struct err *e)
{
	int kind = options_judge(o, k, e), rc;
	char token[TOKEN_MAX];
	struct nova *n;

	*out = NULL;
	if (kind <= 0)
		return kind;
	if (o->nova_token) {
		rc = token_read(o->nova_token, token, e);
		explicit_bzero(token, sizeof(token));
		if (rc)
			return rc;
	}
	n = mem_get(sizeof(*n));
	n->loop = loop;
	n->keystone = k;
	n->base = kind == 2 ? base_of(o->nova) : NULL;
	n->token_file = mem_str(o->nova_token);
	n->web = web_new(loop, o->auth_ca_cert);
	n->looked = ev_now(loop);
	ev_init(&n->retry, on_retry);
	n->retry.data = n;
	if (k)
		keystone_on_own(k, on_own, n);
	nova_watch_init(&n->watch, n, w);
	*out = n;
	return 0;
}

void nova_free(struct nova *n)
{
	if (!n)
		return;
	n->ending = true;
	if (n->keystone)
		keystone_on_own(n->keystone, NULL, NULL);
	nova_watch_fini(&n->watch);
	web_free(n->web);
	ev_timer_stop(n->loop, &n->retry);
	while (n->queue)
		event_drop(n);
	free(n->base);
	free(n->found);
	free(n->token_file);
	free(n);
}

void nova_state(const struct nova *n, struct nova_state *s)
{
	*s = (struct nova_state){
		.url = n->base ? n->base : n->found,
		.waiting = n->n,
		.sent = n->sent,
		.refused = n->refused,
		.lost = n->lost,
		.trouble = n->trouble[0] ? n->trouble : NULL,
	};
}
