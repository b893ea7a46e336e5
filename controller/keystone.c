/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/keystone.h"

#include <curl/curl.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "controller/keystone_login.h"
#include "controller/mem.h"
#include "controller/web.h"

#define MOD "keystone"

enum {
	TOKEN_MAX = 8192,
	QUIET_SECONDS = 1,    /* after no answer: who asks is told so at once */
	REFUSED_SECONDS = 10, /* after wrong credentials: Keystone may lock the account */
};

struct waiter {
	keystone_done *done;
	void *arg;
	struct waiter *next;
};

/* A validation under way. */
struct check {
	struct keystone *k;
	uint8_t hash[KEYSTONE_HASH];
	char *token;
	bool even_expired;
	bool asked;		/* or waits for our own token */
	bool again;		/* our own token was refused once */
	unsigned int with;	/* the own token's number */
	struct waiter *waiters; /* LL list, in their order */
	UT_hash_handle hh;
};

struct keystone {
	struct ev_loop *loop;
	struct web *web;
	char *url; /* "http://HOST:5000/v3/auth/tokens" */
	char *uri; /* as the option has it */
	char *credentials, *login;
	double cache_seconds;
	struct keystone_cache good, bad;
	struct check *checks;
	size_t n_waiting;

	char *own; /* our token; NULL: none */
	double own_until;
	unsigned int own_number;
	bool logging_in;
	char *service, *interface, *region; /* to be found in the catalogue; NULL: nothing */
	char *found;			    /* its URL; NULL: it is not there */
	void (*on_own)(void *arg);
	void *on_own_arg;

	double quiet_until;
	bool troubled; /* and the log says so */
	char trouble[300];
	bool ending;
};

/* ---- how Keystone is ---- */

/* 'seconds': for so long nobody is asked to wait for it. */
__attribute__((format(printf, 3, 4))) static void trouble(struct keystone *k, double seconds,
							  const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(k->trouble, sizeof(k->trouble), fmt, ap);
	va_end(ap);
	if (seconds > 0)
		k->quiet_until = ev_now(k->loop) + seconds;
	if (!k->troubled && !k->ending)
		log_warn(MOD, "%s: %s; requests with tokens that are not known are answered 503",
			 k->uri, k->trouble);
	k->troubled = true;
}

static void works(struct keystone *k)
{
	if (k->troubled)
		log_info(MOD, "%s: tokens are validated again", k->uri);
	k->troubled = false;
	k->quiet_until = 0;
}

static void check_finish(struct check *c, int rc, const struct keystone_token *t)
{
	struct keystone *k = c->k;
	char why[sizeof(k->trouble)];
	struct waiter *next;

	HASH_DEL(k->checks, c);
	snprintf(why, sizeof(why), "%s", k->trouble);
	for (struct waiter *w = c->waiters; w; w = next) {
		next = w->next;
		k->n_waiting--;
		w->done(rc, t, why, w->arg);
		free(w);
	}
	keystone_wipe(c->token);
	free(c);
}

/* ---- our own token ---- */

void keystone_own_forget(struct keystone *k)
{
	keystone_wipe(k->own);
	k->own = NULL;
}

static bool own_is_fresh(const struct keystone *k)
{
	return k->own && ev_now(k->loop) < k->own_until;
}

static void check_start(struct check *c);

/* 0 when there is a token now. */
static int own_take(struct keystone *k, const struct web_answer *a)
{
	double now = ev_now(k->loop);
	struct keystone_token t;
	struct err e;

	if (!a->status) {
		trouble(k, QUIET_SECONDS, "it does not answer: %s", a->why);
	} else if (a->status == 401) {
		trouble(k, REFUSED_SECONDS, "it refuses the controller's credentials");
	} else if (a->status != 201) {
		trouble(k, QUIET_SECONDS, "asked for the controller's own token, it answers %ld",
			a->status);
	} else if (keystone_token_parse(a->body, a->n, &t, &e)) {
		trouble(k, QUIET_SECONDS, "its answer is not understood: %.200s", e.text);
	} else if (!a->wanted || !a->wanted[0] || strlen(a->wanted) > TOKEN_MAX) {
		trouble(k, QUIET_SECONDS, "its answer has no token");
	} else if (t.expires <= now) {
		trouble(k, QUIET_SECONDS, "the token that it gives has expired; see the clocks");
	} else {
		keystone_own_forget(k);
		k->own = mem_str(a->wanted);
		k->own_number++;
		free(k->found);
		k->found = k->service ? keystone_endpoint(a->body, a->n, k->service, k->interface,
							  k->region)
				      : NULL;
		/* Renewed in time, whatever its life. */
		k->own_until = now + (t.expires - now) * 0.8;
		return 0;
	}
	return -1;
}

static void on_login(const struct web_answer *a, void *arg)
{
	struct keystone *k = arg;
	struct check *c, *next;
	int rc;

	k->logging_in = false;
	rc = own_take(k, a);
	if (!rc && !k->checks)
		works(k);
	HASH_ITER (hh, k->checks, c, next) {
		if (c->asked)
			continue;
		if (rc)
			check_finish(c, -EAGAIN, NULL);
		else
			check_start(c);
	}
	if (k->on_own)
		k->on_own(k->on_own_arg);
}

static void login_start(struct keystone *k)
{
	static const char *const headers[] = { "Content-Type: application/json",
					       "Accept: application/json", NULL };
	char *url;

	if (k->logging_in)
		return;
	k->logging_in = true;
	url = mem_printf("%s%s", k->url, k->service ? "" : "?nocatalog");
	web_ask(k->web,
		&(struct web_request){ .url = url,
				       .headers = headers,
				       .body = k->login,
				       .wanted = "X-Subject-Token" },
		on_login, k);
	free(url);
}

int keystone_own(struct keystone *k, const char **token, const char **url, struct err *e)
{
	if (own_is_fresh(k)) {
		*token = k->own;
		*url = k->found;
		return 0;
	}
	if (k->ending || ev_now(k->loop) < k->quiet_until)
		return err_set(e, -EAGAIN, "%s", k->trouble);
	login_start(k);
	return -EINPROGRESS;
}

void keystone_on_own(struct keystone *k, void (*fn)(void *arg), void *arg)
{
	k->on_own = fn;
	k->on_own_arg = arg;
}

/* ---- validations ---- */

/* Our token, not the client's, is what it does not like: once more with a new one. */
static void own_refused(struct check *c)
{
	struct keystone *k = c->k;

	if (c->again) {
		trouble(k, QUIET_SECONDS, "it refuses the controller's own token");
		check_finish(c, -EAGAIN, NULL);
		return;
	}
	c->again = true;
	c->asked = false;
	if (c->with == k->own_number)
		keystone_own_forget(k);
	check_start(c);
}

static void token_take(struct check *c, const struct web_answer *a)
{
	struct keystone *k = c->k;
	double now = ev_now(k->loop), until = now + k->cache_seconds;
	struct keystone_token t;
	struct err e;

	if (keystone_token_parse(a->body, a->n, &t, &e)) {
		trouble(k, 0, "its answer is not understood: %.200s", e.text);
		check_finish(c, -EAGAIN, NULL);
		return;
	}
	works(k);
	if (t.expires <= now && !c->even_expired) {
		check_finish(c, -EACCES, NULL);
		return;
	}
	if (t.expires < until)
		until = t.expires;
	if (until > now)
		keystone_cache_add(&k->good, c->hash, &t, until);
	check_finish(c, 0, &t);
}

static void on_checked(const struct web_answer *a, void *arg)
{
	struct check *c = arg;
	struct keystone *k = c->k;

	if (a->status == 200) {
		token_take(c, a);
	} else if (a->status == 404) {
		works(k);
		keystone_cache_add(&k->bad, c->hash, NULL, ev_now(k->loop) + KEYSTONE_BAD_SECONDS);
		check_finish(c, -EACCES, NULL);
	} else if (a->status == 401) {
		own_refused(c);
	} else {
		if (!a->status)
			trouble(k, QUIET_SECONDS, "it does not answer: %s", a->why);
		else if (a->status == 403)
			trouble(k, 0,
				"the controller's user may not validate tokens; it needs the "
				"role service or admin");
		else
			trouble(k, 0, "asked for a token, it answers %ld", a->status);
		check_finish(c, -EAGAIN, NULL);
	}
}

static void check_start(struct check *c)
{
	struct keystone *k = c->k;
	char *url, *own, *subject;

	if (!own_is_fresh(k)) {
		login_start(k);
		return;
	}
	c->asked = true;
	c->with = k->own_number;
	url = mem_printf("%s?nocatalog%s", k->url, c->even_expired ? "&allow_expired=1" : "");
	own = mem_printf("X-Auth-Token: %s", k->own);
	subject = mem_printf("X-Subject-Token: %s", c->token);
	web_ask(k->web,
		&(struct web_request){
			.url = url,
			.headers = (const char *const[]){ own, subject, "Accept: application/json",
							  NULL },
		},
		on_checked, c);
	free(url);
	keystone_wipe(own);
	keystone_wipe(subject);
}

/* What can stand in a header, and may be a token. */
static bool is_sane(const char *token)
{
	size_t n = 0;

	while (token[n] > ' ' && token[n] < 0x7f)
		n++;
	return n && !token[n] && n <= TOKEN_MAX;
}

static void wait_for(struct check *c, keystone_done *done, void *arg)
{
	struct waiter *w = mem_get(sizeof(*w));

	w->done = done;
	w->arg = arg;
	LL_APPEND(c->waiters, w);
	c->k->n_waiting++;
}

static int check_add(struct keystone *k, const char *token, bool even_expired,
		     const uint8_t hash[KEYSTONE_HASH], keystone_done *done, void *arg,
		     struct err *e)
{
	struct check *c;

	if (k->n_waiting >= KEYSTONE_WAITING_MAX)
		return err_set(e, -EAGAIN, "more than %d requests wait for it already",
			       KEYSTONE_WAITING_MAX);
	HASH_FIND(hh, k->checks, hash, KEYSTONE_HASH, c);
	if (!c) {
		if (k->ending || ev_now(k->loop) < k->quiet_until)
			return err_set(e, -EAGAIN, "%s", k->trouble);
		c = mem_get(sizeof(*c));
		c->k = k;
		memcpy(c->hash, hash, KEYSTONE_HASH);
		c->token = mem_str(token);
		c->even_expired = even_expired;
		HASH_ADD(hh, k->checks, hash, KEYSTONE_HASH, c);
		check_start(c);
	}
	wait_for(c, done, arg);
	return -EINPROGRESS;
}

int keystone_ask(struct keystone *k, const char *token, bool even_expired, struct keystone_token *t,
		 keystone_done *done, void *arg, struct err *e)
{
	double now = ev_now(k->loop);
	const struct keystone_known *known;
	uint8_t hash[KEYSTONE_HASH];

	if (!is_sane(token))
		return -EACCES;
	keystone_hash(token, even_expired, hash);
	known = keystone_cache_find(&k->good, hash, now);
	if (known) {
		*t = known->token;
		return 0;
	}
	if (keystone_cache_find(&k->bad, hash, now))
		return -EACCES;
	return check_add(k, token, even_expired, hash, done, arg, e);
}

/* ---- beginning and end ---- */

/* Takes the URL apart, so that what is wrong is said at start and not by each request. */
static int url_check(const char *url, struct err *e)
{
	CURLU *u = curl_url();
	char *part = NULL;
	int rc = 0;

	if (curl_url_set(u, CURLUPART_URL, url, 0) ||
	    (strncmp(url, "http://", 7) && strncmp(url, "https://", 8)))
		rc = err_set(e, -EINVAL,
			     "auth 'keystone:%s': should be keystone:http://HOST:PORT or https://",
			     url);
	else if (!curl_url_get(u, CURLUPART_USER, &part, 0))
		rc = err_set(e, -EINVAL,
			     "auth keystone: credentials have no place in the URL; see "
			     "--auth-credentials");
	else if (!curl_url_get(u, CURLUPART_QUERY, &part, 0) ||
		 !curl_url_get(u, CURLUPART_FRAGMENT, &part, 0))
		rc = err_set(e, -EINVAL, "auth 'keystone:%s': has a query or fragment", url);
	curl_free(part);
	curl_url_cleanup(u);
	return rc;
}

static int ca_check(const char *path, struct err *e)
{
	gnutls_certificate_credentials_t c;
	FILE *f = fopen(path, "re");
	int n;

	if (!f)
		return err_set(e, -errno, "auth-ca-cert %s: %s", path, strerror(errno));
	fclose(f);
	if (gnutls_certificate_allocate_credentials(&c))
		return err_set(e, -ENOMEM, "auth-ca-cert %s: out of memory", path);
	n = gnutls_certificate_set_x509_trust_file(c, path, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(c);
	if (n <= 0)
		return err_set(e, -EINVAL, "auth-ca-cert %s: has no certificate (PEM) in it", path);
	return 0;
}

/* "http://HOST:5000/", "http://HOST:5000/identity/v3" and the like. */
static char *tokens_url(const char *url)
{
	size_t n = strlen(url);

	while (n && url[n - 1] == '/')
		n--;
	if (n >= 3 && !strncmp(url + n - 3, "/v3", 3))
		n -= 3;
	return mem_printf("%.*s/v3/auth/tokens", (int)n, url);
}

struct keystone *keystone_new(struct ev_loop *loop, const struct keystone_opts *o, struct err *e)
{
	struct keystone *k;
	char *login;

	if (url_check(o->url, e) || (o->ca_file && ca_check(o->ca_file, e)))
		return NULL;
	login = keystone_login_read(o->credentials, e);
	if (!login)
		return NULL;
	k = mem_get(sizeof(*k));
	k->loop = loop;
	k->uri = mem_str(o->url);
	k->url = tokens_url(o->url);
	k->credentials = mem_str(o->credentials);
	k->login = login;
	k->cache_seconds = o->cache_seconds;
	k->service = mem_str(o->service);
	k->interface = mem_str(o->interface);
	k->region = mem_str(o->region);
	k->good.max = KEYSTONE_KNOWN_MAX;
	k->bad.max = KEYSTONE_BAD_MAX;
	k->web = web_new(loop, o->ca_file);
	login_start(k); /* so that the log says early what is wrong */
	return k;
}

void keystone_free(struct keystone *k)
{
	if (!k)
		return;
	k->ending = true;
	web_free(k->web); /* ends what is under way, and with it every check */
	keystone_own_forget(k);
	keystone_cache_clear(&k->good);
	keystone_cache_clear(&k->bad);
	keystone_wipe(k->login);
	free(k->credentials);
	free(k->service);
	free(k->interface);
	free(k->region);
	free(k->found);
	free(k->uri);
	free(k->url);
	free(k);
}

int keystone_reload(struct keystone *k, struct err *e)
{
	char *login;

	if (!k->credentials)
		return 0;
	login = keystone_login_read(k->credentials, e);
	if (!login)
		return -EINVAL;
	keystone_wipe(k->login);
	k->login = login;
	keystone_own_forget(k);
	k->quiet_until = 0;
	return 0;
}

const char *keystone_uri(const struct keystone *k)
{
	return k->uri;
}
