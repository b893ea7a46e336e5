/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/web.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "controller/mem.h"

struct web {
	struct ev_loop *loop;
	CURLM *multi;
	struct ev_timer timer;
	char *ca_file;
	struct transfer *transfers; /* DL list */
	struct sock *socks;	    /* DL list: those that libcurl has us watch */
};

struct sock {
	struct ev_io io;
	struct web *web;
	struct sock *prev, *next;
};

struct transfer {
	struct web *web;
	CURL *curl;
	struct curl_slist *headers;
	char *body;   /* what is sent */
	char *wanted; /* a header's name */
	char *found;  /* and its value */
	char *in;
	size_t n, room;
	bool too_long;
	char why[CURL_ERROR_SIZE];
	web_done *done;
	void *arg;
	struct transfer *prev, *next;
};

/* ---- a transfer ---- */

/* Tokens and passwords are not left behind in freed memory. */
static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
}

static void transfer_free(struct transfer *t)
{
	DL_DELETE(t->web->transfers, t);
	curl_multi_remove_handle(t->web->multi, t->curl);
	curl_easy_cleanup(t->curl);
	for (struct curl_slist *l = t->headers; l; l = l->next)
		wipe(l->data);
	curl_slist_free_all(t->headers);
	wipe(t->body);
	wipe(t->found);
	if (t->in)
		explicit_bzero(t->in, t->room);
	free(t->body);
	free(t->wanted);
	free(t->found);
	free(t->in);
	free(t);
}

static void transfer_end(struct transfer *t, long status, const char *why)
{
	struct web_answer a = {
		.status = status,
		.why = why,
		.body = t->in ? t->in : "",
		.n = t->n,
		.wanted = t->found,
	};

	t->done(&a, t->arg);
	transfer_free(t);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	n *= size;
	if (n > WEB_BODY_MAX - t->n) {
		t->too_long = true;
		return 0;
	}
	if (t->n + n + 1 > t->room) {
		size_t room = (t->n + n + 1) * 2;
		char *more = mem_get(room);

		if (t->in) {
			memcpy(more, t->in, t->n);
			explicit_bzero(t->in, t->room);
			free(t->in);
		}
		t->in = more;
		t->room = room;
	}
	memcpy(t->in + t->n, p, n);
	t->n += n;
	t->in[t->n] = '\0';
	return n;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t name = t->wanted ? strlen(t->wanted) : 0, from, to;

	n *= size;
	if (!name || n <= name || strncasecmp(p, t->wanted, name) || p[name] != ':')
		return n;
	for (from = name + 1; from < n && (p[from] == ' ' || p[from] == '\t');)
		from++;
	for (to = n; to > from && strchr("\r\n \t", p[to - 1]);)
		to--;
	wipe(t->found);
	free(t->found);
	t->found = mem_get(to - from + 1);
	memcpy(t->found, p + from, to - from);
	return n;
}

static void curl_set(struct transfer *t, const struct web_request *q)
{
	CURL *c = t->curl;

	curl_easy_setopt(c, CURLOPT_URL, q->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)WEB_SECONDS);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)WEB_CONNECT_SECONDS);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->why);
	curl_easy_setopt(c, CURLOPT_PRIVATE, t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "weft-controller");
	if (t->web->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, t->web->ca_file);
	if (t->body) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, t->body);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)strlen(t->body));
	}
}

/* ---- libcurl and the loop ---- */

static void finished_take(struct web *w)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(w->multi, &left))) {
		CURLcode rc = m->data.result;
		struct transfer *t;
		long status = 0;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		if (rc == CURLE_OK)
			curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
		transfer_end(t, status,
			     t->too_long ? "the answer is too long"
			     : t->why[0] ? t->why
					 : curl_easy_strerror(rc));
	}
}

static void on_io(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct web *w = ((struct sock *)io->data)->web;
	int running;

	curl_multi_socket_action(w->multi, io->fd,
				 (events & EV_READ ? CURL_CSELECT_IN : 0) |
					 (events & EV_WRITE ? CURL_CSELECT_OUT : 0),
				 &running);
	finished_take(w);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct web *w = timer->data;
	int running;

	curl_multi_socket_action(w->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finished_take(w);
}

static int on_timeout_wanted(CURLM *multi, long ms, void *arg)
{
	struct web *w = arg;

	ev_timer_stop(w->loop, &w->timer);
	if (ms >= 0) {
		ev_timer_set(&w->timer, (double)ms / 1000, 0);
		ev_timer_start(w->loop, &w->timer);
	}
	return 0;
}

static void sock_free(struct sock *s)
{
	ev_io_stop(s->web->loop, &s->io);
	DL_DELETE(s->web->socks, s);
	free(s);
}

static int on_socket_wanted(CURL *curl, curl_socket_t fd, int what, void *arg, void *of_socket)
{
	struct sock *s = of_socket;
	struct web *w = arg;

	if (what == CURL_POLL_REMOVE) {
		if (s)
			sock_free(s);
		curl_multi_assign(w->multi, fd, NULL);
		return 0;
	}
	if (!s) {
		s = mem_get(sizeof(*s));
		s->web = w;
		ev_init(&s->io, on_io);
		s->io.data = s;
		DL_APPEND(w->socks, s);
		curl_multi_assign(w->multi, fd, s);
	}
	ev_io_stop(w->loop, &s->io);
	ev_io_set(&s->io, fd,
		  (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
	ev_io_start(w->loop, &s->io);
	return 0;
}

struct web *web_new(struct ev_loop *loop, const char *ca_file)
{
	struct web *w = mem_get(sizeof(*w));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	w->loop = loop;
	w->ca_file = mem_str(ca_file);
	w->multi = curl_multi_init();
	if (!w->multi)
		abort(); /* as mem_get() does */
	ev_init(&w->timer, on_timer);
	w->timer.data = w;
	curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
	curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
	curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
	curl_multi_setopt(w->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)WEB_AT_ONCE);
	curl_multi_setopt(w->multi, CURLMOPT_MAXCONNECTS, (long)WEB_AT_ONCE);
	return w;
}

void web_free(struct web *w)
{
	if (!w)
		return;
	while (w->transfers)
		transfer_end(w->transfers, 0, "ending");
	curl_multi_cleanup(w->multi);
	while (w->socks)
		sock_free(w->socks);
	ev_timer_stop(w->loop, &w->timer);
	free(w->ca_file);
	free(w);
	curl_global_cleanup();
}

void web_ask(struct web *w, const struct web_request *q, web_done *done, void *arg)
{
	struct transfer *t = mem_get(sizeof(*t));

	t->web = w;
	t->done = done;
	t->arg = arg;
	t->body = mem_str(q->body);
	t->wanted = mem_str(q->wanted);
	for (const char *const *h = q->headers; *h; h++)
		t->headers = curl_slist_append(t->headers, *h);
	t->curl = curl_easy_init();
	if (!t->curl || !t->headers)
		abort();
	DL_APPEND(w->transfers, t);
	curl_set(t, q);
	/* Begins with the timer that libcurl asks for now, so not in here. */
	curl_multi_add_handle(w->multi, t->curl);
}
