/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/weftctl.h"

enum { TIMEOUT_SECONDS = 60, ANSWER_MAX = 512 << 20 };

static CURL *curl; /* one for all requests, so that the connection is kept */

struct buffer {
	char *p;
	size_t n;
};

static size_t on_data(char *p, size_t size, size_t n, void *arg)
{
	struct buffer *b = arg;
	char *more;

	n *= size;
	if (b->n + n > ANSWER_MAX)
		return 0;
	more = realloc(b->p, b->n + n + 1);
	if (!more)
		return 0;
	b->p = more;
	memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
	return n;
}

static struct curl_slist *headers(const struct ctl *c)
{
	struct curl_slist *l = curl_slist_append(NULL, "Content-Type: application/json");
	char line[1024];

	if (c->token) {
		snprintf(line, sizeof(line), "X-Auth-Token: %s", c->token);
		l = curl_slist_append(l, line);
	}
	return l;
}

/* The HTTP status, or 0 after saying why there is none. */
static long exchange(const struct ctl *c, const char *method, const char *path, const char *body,
		     struct buffer *answer)
{
	char url[4096], why[CURL_ERROR_SIZE] = "";
	struct curl_slist *h = headers(c);
	long status = 0;
	CURLcode rc;

	if (!curl)
		curl = curl_easy_init();
	if (!curl) {
		ctl_fail(CTL_FAILED, "libcurl does not start");
		curl_slist_free_all(h);
		return 0;
	}
	if (snprintf(url, sizeof(url), "%s%s", c->url, path) >= (int)sizeof(url)) {
		ctl_fail(CTL_FAILED, "the URL is too long");
		curl_slist_free_all(h);
		return 0;
	}
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, h);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	rc = curl_easy_perform(curl);
	curl_slist_free_all(h);
	if (rc == CURLE_COULDNT_CONNECT)
		ctl_fail(CTL_FAILED,
			 "no controller answers at %s.\n"
			 "Start one with 'weft-controller', or say where it is with --url or "
			 "WEFT_URL.",
			 c->url);
	else if (rc)
		ctl_fail(CTL_FAILED, "%s: %s", c->url, why[0] ? why : curl_easy_strerror(rc));
	else
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* What the service says was wrong; both forms of error bodies. */
static void refusal_print(const struct ctl *c, long status, const json_t *answer)
{
	const char *words = json_string_value(
		json_object_get(json_object_get(answer, "NeutronError"), "message"));

	if (status == 401)
		ctl_fail(CTL_FAILED,
			 c->token ? "the token is not accepted by %s"
				  : "%s wants a token: give --token or WEFT_TOKEN",
			 c->url);
	else if (words)
		ctl_fail(CTL_FAILED, "%s", words);
	else
		ctl_fail(CTL_FAILED, "%s answered with HTTP status %ld; is it a weft-controller?",
			 c->url, status);
}

int ctl_rest(const struct ctl *c, const char *method, const char *path, const json_t *body,
	     json_t **out)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct buffer answer = { 0 };
	long status = exchange(c, method, path, text, &answer);
	json_t *json = answer.n ? json_loadb(answer.p, answer.n, 0, NULL) : NULL;
	bool ok = status >= 200 && status < 300;

	free(text);
	free(answer.p);
	if (out)
		*out = NULL;
	if (ok && status != 204 && !json) {
		ctl_fail(CTL_FAILED, "%s answered with something that is not JSON", c->url);
		return CTL_FAILED;
	}
	if (status && !ok)
		refusal_print(c, status, json);
	if (ok && out)
		*out = json;
	else
		json_decref(json);
	return ok ? CTL_OK : CTL_FAILED;
}

char *ctl_path(const char *path, const char *key, const char *value)
{
	char *escaped = curl_easy_escape(NULL, value, 0), *out = NULL;

	if (asprintf(&out, "%s%s%s", path, key, escaped ? escaped : "") < 0)
		out = NULL;
	curl_free(escaped);
	return out;
}

void ctl_rest_fini(void)
{
	curl_easy_cleanup(curl);
	curl_global_cleanup();
}

/* ---- names ---- */

static char *only_id(const json_t *list, const char *collection, const char *name)
{
	size_t n = json_array_size(list);

	if (n == 1)
		return strdup(json_string_value(json_object_get(json_array_get(list, 0), "id")));
	if (!n)
		ctl_fail(CTL_FAILED, "there is no '%s' among the %s", name, collection);
	else
		ctl_fail(CTL_FAILED, "there are %zu %s named '%s': give the id", n, collection,
			 name);
	return NULL;
}

char *ctl_resolve(const struct ctl *c, const char *collection, const char *name)
{
	json_t *answer;
	char path[64], *full, *id;
	static const char *const keys[] = { "?fields=id&id=", "?fields=id&name=" };

	snprintf(path, sizeof(path), "/v2.0/%s", collection);
	for (int i = 0; i < 2; i++) {
		full = ctl_path(path, keys[i], name);
		if (ctl_rest(c, "GET", full, NULL, &answer)) {
			free(full);
			return NULL;
		}
		free(full);
		if (i || json_array_size(json_object_get(answer, collection))) {
			id = only_id(json_object_get(answer, collection), collection, name);
			json_decref(answer);
			return id;
		}
		json_decref(answer);
	}
	return NULL;
}
