/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/nb_page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"

/* ---- what is asked for ---- */

static int key_add(struct nb_order *o, const char *key, struct nb_error *e)
{
	if (o->n == NB_MAX_SORT_KEYS)
		return nb_say(e, HTTPBadRequest, "There are more than %d sort keys.",
			      NB_MAX_SORT_KEYS);
	o->keys[o->n++] = key;
	return 0;
}

static int dir_add(struct nb_order *o, size_t *n, const char *dir, struct nb_error *e)
{
	if (strcmp(dir, "asc") && strcmp(dir, "desc"))
		return nb_say(e, HTTPBadRequest, "'%.64s' is no sort direction; asc and desc are.",
			      dir);
	if (*n == NB_MAX_SORT_KEYS)
		return nb_say(e, HTTPBadRequest, "There are more than %d sort directions.",
			      NB_MAX_SORT_KEYS);
	o->down[(*n)++] = !strcmp(dir, "desc");
	return 0;
}

int nb_order_parse(const struct nb_request *q, struct nb_order *o, struct nb_error *e)
{
	size_t n_dirs = 0;

	*o = (struct nb_order){ 0 };
	for (size_t i = 0; i < q->n_args; i++) {
		const struct nb_arg *arg = &q->args[i];

		if (!strcmp(arg->key, "sort_key") && key_add(o, arg->value, e))
			return -1;
		if (!strcmp(arg->key, "sort_dir") && dir_add(o, &n_dirs, arg->value, e))
			return -1;
	}
	if (n_dirs && n_dirs != o->n)
		return nb_say(e, HTTPBadRequest, "There are %zu sort keys and %zu sort directions.",
			      o->n, n_dirs);
	return 0;
}

int nb_limit_parse(const struct nb_request *q, size_t *limit, struct nb_error *e)
{
	const char *s = nb_arg(q, "limit");
	unsigned long v;
	char *end;

	*limit = SIZE_MAX;
	if (!s)
		return 0;
	errno = 0;
	v = strtoul(s, &end, 10);
	if (s[0] < '0' || s[0] > '9' || *end || errno)
		return nb_say(e, BadRequest,
			      "Bad limit request: Limit must be an integer 0 or greater and not "
			      "'%.32s'.",
			      s);
	if (v)
		*limit = v;
	return 0;
}

bool nb_is_reverse(const struct nb_request *q)
{
	const char *s = nb_arg(q, "page_reverse");

	return s && nb_bool_text(s) == 1;
}

bool nb_is_control(const char *key)
{
	static const char *const keys[] = { "fields", "sort_key", "sort_dir",
					    "limit",  "marker",	  "page_reverse" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

/* ---- links ---- */

static void append_escaped(char **s, const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:";
	size_t n = strlen(*s);
	char *out = mem_get(n + strlen(text) * 3 + 1), *to = out + n;

	memcpy(out, *s, n);
	for (; *text; text++) {
		if (strchr(plain, *text))
			*to++ = *text;
		else
			to += sprintf(to, "%%%02X", (unsigned char)*text);
	}
	free(*s);
	*s = out;
}

static void append_arg(char **s, const char *key, const char *value)
{
	char *with = mem_printf("%s%s", *s, strchr(*s, '?') ? "&" : "?");

	free(*s);
	*s = with;
	append_escaped(s, key);
	with = mem_printf("%s=", *s);
	free(*s);
	*s = with;
	append_escaped(s, value);
}

static json_t *link_json(const struct nb_request *q, const char *rel, const char *marker,
			 bool reverse)
{
	char *href = mem_printf("%s%s", q->base, q->path);
	json_t *link;

	for (size_t i = 0; i < q->n_args; i++)
		if (strcmp(q->args[i].key, "marker") && strcmp(q->args[i].key, "page_reverse"))
			append_arg(&href, q->args[i].key, q->args[i].value);
	append_arg(&href, "marker", marker);
	if (reverse)
		append_arg(&href, "page_reverse", "True");
	link = json_pack("{s:s,s:s}", "rel", rel, "href", href);
	free(href);
	return link;
}

json_t *nb_links(const struct nb_request *q, const char *earlier, const char *later)
{
	json_t *links;

	if (!nb_arg(q, "limit") || (!earlier && !later))
		return NULL;
	links = json_array();
	if (later)
		json_array_append_new(links, link_json(q, "next", later, false));
	if (earlier)
		json_array_append_new(links, link_json(q, "previous", earlier, true));
	return links;
}
