/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/keystone_token.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/mem.h"

/* ---- what Keystone says ---- */

int keystone_time_parse(const char *s, double *t)
{
	struct tm tm = { 0 };
	const char *end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);

	if (end && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (!end || strcmp(end, "Z"))
		return -EINVAL;
	*t = (double)timegm(&tm);
	return 0;
}

static int roles_read(const json_t *roles, struct keystone_token *t, struct err *e)
{
	/* An unscoped token has none. */
	if (!roles)
		return 0;
	if (!json_is_array(roles) || json_array_size(roles) > KEYSTONE_ROLES)
		return err_set(e, -EBADMSG, "its roles are no list, or too many");
	for (size_t i = 0; i < json_array_size(roles); i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(roles, i), "name"));

		if (!name)
			return err_set(e, -EBADMSG, "a role has no name");
		t->admin |= !strcmp(name, "admin");
		t->service |= !strcmp(name, "service");
	}
	return 0;
}

static int project_read(const json_t *project, struct keystone_token *t, struct err *e)
{
	const char *id;

	if (!project)
		return 0;
	id = json_string_value(json_object_get(project, "id"));
	if (!id || !id[0] || strlen(id) > KEYSTONE_ID)
		return err_set(e, -EBADMSG, "its project has no id, or one that is too long");
	strcpy(t->project, id);
	return 0;
}

static int token_read(const json_t *token, struct keystone_token *t, struct err *e)
{
	const char *expires = json_string_value(json_object_get(token, "expires_at"));

	if (!json_is_object(token))
		return err_set(e, -EBADMSG, "there is no token in it");
	if (!expires || keystone_time_parse(expires, &t->expires))
		return err_set(e, -EBADMSG, "its expires_at is no time");
	if (project_read(json_object_get(token, "project"), t, e))
		return -EBADMSG;
	return roles_read(json_object_get(token, "roles"), t, e);
}

int keystone_token_parse(const char *body, size_t n, struct keystone_token *t, struct err *e)
{
	json_error_t je;
	json_t *j = json_loadb(body, n, JSON_REJECT_DUPLICATES, &je);
	int rc;

	memset(t, 0, sizeof(*t));
	if (!j)
		return err_set(e, -EBADMSG, "%.200s", je.text);
	rc = token_read(json_object_get(j, "token"), t, e);
	json_decref(j);
	if (rc)
		memset(t, 0, sizeof(*t)); /* whoever looks in spite of that sees nobody */
	return rc;
}

/* ---- the catalogue ---- */

static bool is_text(const json_t *o, const char *key, const char *want)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && !strcmp(s, want);
}

static char *endpoint_of(const json_t *service, const char *interface, const char *region)
{
	const json_t *list = json_object_get(service, "endpoints"), *x;
	const char *url;
	size_t i;

	json_array_foreach (list, i, x) {
		url = json_string_value(json_object_get(x, "url"));
		if (url && is_text(x, "interface", interface) &&
		    (!region || is_text(x, "region_id", region) || is_text(x, "region", region)))
			return mem_str(url);
	}
	return NULL;
}

char *keystone_endpoint(const char *body, size_t n, const char *type, const char *interface,
			const char *region)
{
	json_t *j = json_loadb(body, n, JSON_REJECT_DUPLICATES, NULL), *x;
	const json_t *list = json_object_get(json_object_get(j, "token"), "catalog");
	char *url = NULL;
	size_t i;

	json_array_foreach (list, i, x)
		if (!url && is_text(x, "type", type))
			url = endpoint_of(x, interface, region);
	json_decref(j);
	return url;
}

/* ---- what is remembered ---- */

void keystone_hash(const char *token, bool even_expired, uint8_t hash[KEYSTONE_HASH])
{
	gnutls_hash_hd_t h;

	if (gnutls_hash_init(&h, GNUTLS_DIG_SHA256))
		abort();
	gnutls_hash(h, even_expired ? "+" : "-", 1);
	gnutls_hash(h, token, strlen(token));
	gnutls_hash_deinit(h, hash);
}

static void forget(struct keystone_cache *c, struct keystone_known *k)
{
	HASH_DEL(c->all, k);
	free(k);
}

const struct keystone_known *keystone_cache_find(struct keystone_cache *c,
						 const uint8_t hash[KEYSTONE_HASH], double now)
{
	struct keystone_known *k;

	HASH_FIND(hh, c->all, hash, KEYSTONE_HASH, k);
	if (k && k->until <= now) {
		forget(c, k);
		k = NULL;
	}
	return k;
}

void keystone_cache_add(struct keystone_cache *c, const uint8_t hash[KEYSTONE_HASH],
			const struct keystone_token *token, double until)
{
	struct keystone_known *k;

	HASH_FIND(hh, c->all, hash, KEYSTONE_HASH, k);
	if (k)
		forget(c, k);
	while (c->all && HASH_COUNT(c->all) >= c->max)
		forget(c, c->all);
	k = mem_get(sizeof(*k));
	memcpy(k->hash, hash, KEYSTONE_HASH);
	k->until = until;
	if (token)
		k->token = *token;
	HASH_ADD(hh, c->all, hash, KEYSTONE_HASH, k);
}

void keystone_cache_clear(struct keystone_cache *c)
{
	while (c->all)
		forget(c, c->all);
}
