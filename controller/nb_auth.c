/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of a token file: TOKEN [PROJECT [admin|member]]; '#' begins a comment.  A token alone is
 * an administrator's; one with a project and no role is a member's.
 */
#include "controller/nb_auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/keystone.h"
#include "controller/mem.h"
#include "controller/nb.h"
#include "controller/options.h"

struct token {
	char *text;
	struct keystone_token known;
	struct token *next;
};

struct nb_auth {
	char *path; /* of the token file; NULL: none */
	struct token *tokens;
	struct keystone *keystone; /* NULL: none */
	bool stopped;
};

static void tokens_free(struct token *t)
{
	struct token *next;

	for (; t; t = next) {
		next = t->next;
		free(t->text);
		free(t);
	}
}

static int line_parse(char *line, struct token **list, struct err *e)
{
	char *save = NULL, *text, *project, *role;
	struct token *t;

	line[strcspn(line, "#\r\n")] = '\0';
	text = strtok_r(line, " \t", &save);
	if (!text)
		return 0;
	project = strtok_r(NULL, " \t", &save);
	role = project ? strtok_r(NULL, " \t", &save) : NULL;
	if (role && strcmp(role, "admin") && strcmp(role, "member"))
		return err_set(e, -EINVAL, "the role is '%s', and should be admin or member", role);
	if (role && strtok_r(NULL, " \t", &save))
		return err_set(e, -EINVAL, "a line is TOKEN [PROJECT [admin|member]]");
	if (project && strlen(project) > KEYSTONE_ID)
		return err_set(e, -EINVAL, "the project is longer than %d characters", KEYSTONE_ID);
	t = mem_get(sizeof(*t));
	t->text = mem_str(text);
	if (project)
		strcpy(t->known.project, project);
	t->known.admin = !project || (role && !strcmp(role, "admin"));
	t->next = *list;
	*list = t;
	return 0;
}

static int file_read(const char *path, struct token **list, struct err *e)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int rc = 0;

	if (!f)
		return err_set(e, -errno, "token file %s: %s", path, strerror(errno));
	for (int n = 1; !rc && getline(&line, &size, f) >= 0; n++) {
		rc = line_parse(line, list, e);
		if (rc)
			err_wrap(e, rc, "token file %s, line %d", path, n);
	}
	free(line);
	fclose(f);
	if (!rc && !*list)
		rc = err_set(e, -EINVAL, "token file %s has no token in it", path);
	return rc;
}

static int seconds_parse(const char *s, double *seconds, struct err *e)
{
	char *end;
	long n;

	*seconds = KEYSTONE_CACHE_SECONDS;
	if (!s)
		return 0;
	n = strtol(s, &end, 10);
	if (s[0] < '0' || s[0] > '9' || *end || n < 1 || n > KEYSTONE_CACHE_SECONDS)
		return err_set(e, -EINVAL, "auth-cache '%s': should be 1 to %d seconds", s,
			       KEYSTONE_CACHE_SECONDS);
	*seconds = (double)n;
	return 0;
}

static struct keystone *keystone_of(struct ev_loop *loop, const struct options *o, struct err *e)
{
	struct keystone_opts k = {
		.url = o->auth + 9,
		.credentials = o->auth_credentials,
		.ca_file = o->auth_ca_cert,
	};

	/* nova.h: as the catalogue says, unless something else is said. */
	if (!o->nova || !strcmp(o->nova, "catalogue")) {
		k.service = "compute";
		k.interface = o->nova_interface ? o->nova_interface : "public";
		k.region = o->nova_region;
	}

	return seconds_parse(o->auth_cache, &k.cache_seconds, e) ? NULL : keystone_new(loop, &k, e);
}

struct nb_auth *nb_auth_new(struct ev_loop *loop, const struct options *o, struct err *e)
{
	bool keystone = !strncmp(o->auth, "keystone:", 9);
	struct nb_auth *a = mem_get(sizeof(*a));

	if (!keystone && (o->auth_credentials || o->auth_ca_cert || o->auth_cache)) {
		err_set(e, -EINVAL, "%s is for auth keystone:URL, and auth is '%s'",
			o->auth_credentials ? "auth-credentials"
			: o->auth_ca_cert   ? "auth-ca-cert"
					    : "auth-cache",
			o->auth);
	} else if (!strcmp(o->auth, "none")) {
		return a;
	} else if (!strncmp(o->auth, "token:", 6) && o->auth[6]) {
		a->path = mem_str(o->auth + 6);
		if (!nb_auth_reload(a, e))
			return a;
	} else if (keystone) {
		a->keystone = keystone_of(loop, o, e);
		if (a->keystone)
			return a;
	} else {
		err_set(e, -EINVAL, "auth '%s': should be none, token:FILE or keystone:URL",
			o->auth);
	}
	nb_auth_free(a);
	return NULL;
}

void nb_auth_stop(struct nb_auth *a)
{
	struct keystone *k;

	if (!a)
		return;
	a->stopped = true;
	k = a->keystone;
	a->keystone = NULL;
	keystone_free(k);
}

void nb_auth_free(struct nb_auth *a)
{
	if (!a)
		return;
	nb_auth_stop(a);
	tokens_free(a->tokens);
	free(a->path);
	free(a);
}

int nb_auth_reload(struct nb_auth *a, struct err *e)
{
	struct token *list = NULL;
	int rc;

	if (a->keystone)
		return keystone_reload(a->keystone, e);
	if (!a->path)
		return 0;
	rc = file_read(a->path, &list, e);
	if (rc) {
		tokens_free(list);
		return rc;
	}
	tokens_free(a->tokens);
	a->tokens = list;
	return 0;
}

/* ---- who asks ---- */

/* Takes as long wherever the first difference is, so that time tells nothing of a token. */
static bool same_token(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	unsigned int diff = na != nb;

	for (size_t i = 0; i < nb; i++)
		diff |= (unsigned char)a[na ? i % na : 0] ^ (unsigned char)b[i];
	return !diff;
}

static int file_check(const struct nb_auth *a, struct nb_asker *q)
{
	if (!q->token)
		return -EACCES;
	for (const struct token *t = a->tokens; t; t = t->next)
		if (same_token(t->text, q->token)) {
			q->known = t->known;
			return 0;
		}
	return -EACCES;
}

static int user_ask(struct nb_asker *q, bool even_expired);

static void answered(struct nb_asker *q, int rc, const struct keystone_token *t, const char *why)
{
	if (!rc)
		q->known = *t;
	else if (rc == -EAGAIN)
		err_set(&q->why, rc, "%s", why);
}

static void on_user(int rc, const struct keystone_token *t, const char *why, void *arg)
{
	struct nb_asker *q = arg;

	answered(q, rc, t, why);
	q->done(rc, q->arg);
}

static void on_service(int rc, const struct keystone_token *t, const char *why, void *arg)
{
	struct nb_asker *q = arg;

	answered(q, rc, t, why);
	if (rc != -EAGAIN)
		rc = user_ask(q, !rc && t->service);
	if (rc != -EINPROGRESS)
		q->done(rc, q->arg);
}

static int user_ask(struct nb_asker *q, bool even_expired)
{
	struct keystone *k = q->auth->keystone;

	if (!k) /* ended meanwhile */
		return err_set(&q->why, -EAGAIN, "the controller is ending");
	return keystone_ask(k, q->token, even_expired, &q->known, on_user, q, &q->why);
}

/*
 * A service that acts for a user whose token has expired meanwhile (a long migration) sends its own
 * beside it.  One that is not valid, or not a service's, changes nothing, as in Keystone's
 * middleware.
 */
static int keystone_check(struct nb_asker *q)
{
	int rc;

	if (!q->token)
		return -EACCES;
	if (!q->service_token)
		return user_ask(q, false);
	rc = keystone_ask(q->auth->keystone, q->service_token, false, &q->known, on_service, q,
			  &q->why);
	if (rc == -EINPROGRESS || rc == -EAGAIN)
		return rc;
	return user_ask(q, !rc && q->known.service);
}

int nb_auth_check(struct nb_auth *a, struct nb_asker *q)
{
	q->auth = a;
	if (a->stopped)
		return err_set(&q->why, -EAGAIN, "the controller is ending");
	if (a->keystone)
		return keystone_check(q);
	if (a->path)
		return file_check(a, q);
	q->known = (struct keystone_token){ .admin = true };
	return 0;
}

void nb_auth_who(const struct nb_asker *q, struct nb_who *who)
{
	*who = (struct nb_who){ .admin = q->known.admin, .project = q->known.project };
}

/* The list of versions, with which clients begin. */
bool nb_auth_is_open(const struct nb_auth *a, const char *path)
{
	return a->keystone && !strcmp(path, "/");
}

const char *nb_auth_uri(const struct nb_auth *a)
{
	return a->keystone ? keystone_uri(a->keystone) : "";
}

struct keystone *nb_auth_keystone(const struct nb_auth *a)
{
	return a->keystone;
}
