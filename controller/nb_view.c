/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views: collections of what nobody creates: agents, availability zones, how full networks are.
 *
 * A view makes its objects as JSON from the world when it is asked; filters, fields, order and
 * pages are made from that.
 */
#include "controller/nb_view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "controller/mem.h"
#include "controller/nb_policy.h"

static const struct nb_view *const views[] = {
	&nb_agent_view,
	&nb_zone_view,
	&nb_availability_view,
};

/* ---- values ---- */

/* A scalar as clients write it in a query; "" for null, lists and objects. */
static char *text_of(const json_t *v)
{
	if (json_is_string(v))
		return mem_str(json_string_value(v));
	if (json_is_boolean(v))
		return mem_str(json_is_true(v) ? "true" : "false");
	if (json_is_integer(v))
		return mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
	return mem_str("");
}

static bool is_same(const json_t *v, const char *value)
{
	char *text = text_of(v);
	bool same = json_is_boolean(v) ? !strcasecmp(text, value) : !strcmp(text, value);

	free(text);
	return same;
}

static int value_cmp(const json_t *a, const json_t *b)
{
	char *x, *y;
	int c;

	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t m = json_integer_value(a), n = json_integer_value(b);

		return m < n ? -1 : m > n;
	}
	x = text_of(a);
	y = text_of(b);
	c = strcmp(x, y);
	free(x);
	free(y);
	return c;
}

/* ---- filters ---- */

static bool is_control(const char *key)
{
	static const char *const keys[] = { "fields", "sort_key", "sort_dir", "limit", "marker" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

static bool can_filter(const struct nb_view *v, const char *key)
{
	for (size_t i = 0; v->filters[i]; i++)
		if (!strcmp(v->filters[i], key))
			return true;
	return false;
}

static int args_check(const struct nb_request *q, const struct nb_view *v, struct nb_error *e)
{
	for (size_t i = 0; i < q->n_args; i++)
		if (!is_control(q->args[i].key) && !can_filter(v, q->args[i].key))
			return nb_say(e, HTTPBadRequest,
				      "['%.64s'] is invalid attribute for filtering.",
				      q->args[i].key);
	return 0;
}

/* One of a key's values, of every key. */
static bool passes(const struct nb_request *q, const json_t *o)
{
	for (size_t i = 0; i < q->n_args; i++) {
		const char *key = q->args[i].key;
		bool found = false;

		if (is_control(key))
			continue;
		for (size_t j = 0; j < q->n_args; j++)
			found |= !strcmp(q->args[j].key, key) &&
				 is_same(json_object_get(o, key), q->args[j].value);
		if (!found)
			return false;
	}
	return true;
}

static void filter(const struct nb_request *q, json_t *list)
{
	for (size_t i = json_array_size(list); i-- > 0;)
		if (!passes(q, json_array_get(list, i)))
			json_array_remove(list, i);
}

/* ---- order, pages ---- */

struct order {
	const char *key;
	bool down;
};

static int obj_cmp(const void *x, const void *y, void *arg)
{
	const struct order *o = arg;
	int c = value_cmp(json_object_get(*(json_t *const *)x, o->key),
			  json_object_get(*(json_t *const *)y, o->key));

	return o->down ? -c : c;
}

/* A list's elements in another order. */
static json_t *sorted(json_t *list, const struct order *o)
{
	size_t n = json_array_size(list);
	json_t **all = mem_array(n + 1, sizeof(*all)), *out = json_array();

	for (size_t i = 0; i < n; i++)
		all[i] = json_array_get(list, i);
	qsort_r(all, n, sizeof(*all), obj_cmp, (void *)(uintptr_t)o);
	for (size_t i = 0; i < n; i++)
		json_array_append(out, all[i]);
	free(all);
	json_decref(list);
	return out;
}

static int order_parse(const struct nb_request *q, const struct nb_view *v, struct order *o,
		       struct nb_error *e)
{
	const char *dir = nb_arg(q, "sort_dir");

	*o = (struct order){ nb_arg(q, "sort_key"), dir && !strcmp(dir, "desc") };
	if (o->key && !can_filter(v, o->key))
		return nb_say(e, HTTPBadRequest, "['%.64s'] is invalid attribute for sort_keys.",
			      o->key);
	if (dir && strcmp(dir, "asc") && strcmp(dir, "desc"))
		return nb_say(e, HTTPBadRequest,
			      "['%.64s'] is invalid value for sort_dirs, valid value is 'asc' and "
			      "'desc'.",
			      dir);
	if (!o->key)
		o->key = v->key;
	return 0;
}

static int page_cut(const struct nb_request *q, const struct nb_view *v, json_t *list,
		    struct nb_error *e)
{
	const char *limit = nb_arg(q, "limit"), *marker = nb_arg(q, "marker");
	size_t at = 0, n = json_array_size(list);
	unsigned long most = 0;
	char *end;

	if (limit) {
		errno = 0;
		most = strtoul(limit, &end, 10);
		if (limit[0] < '0' || limit[0] > '9' || *end || errno)
			return nb_say(
				e, BadRequest,
				"Bad limit request: Limit must be an integer 0 or greater and "
				"not '%.32s'.",
				limit);
	}
	while (marker && at < n &&
	       !is_same(json_object_get(json_array_get(list, at), v->key), marker))
		at++;
	if (marker && at == n)
		return nb_refuse(e, HTTPNotFound);
	for (size_t i = marker ? at + 1 : 0; i > 0; i--)
		json_array_remove(list, 0);
	while (most && json_array_size(list) > most)
		json_array_remove(list, most);
	return 0;
}

/* ---- fields ---- */

static bool is_asked(const struct nb_request *q, const char *field)
{
	bool any = false;

	for (size_t i = 0; i < q->n_args; i++) {
		if (strcmp(q->args[i].key, "fields") || !q->args[i].value[0])
			continue;
		any = true;
		if (!strcmp(q->args[i].value, field))
			return true;
	}
	return !any;
}

static void fields_cut(const struct nb_request *q, json_t *o)
{
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe(o, next, key, v) if (!is_asked(q, key)) json_object_del(o, key);
}

/* ---- requests ---- */

static void view_list(struct nb_request *q, const struct nb_view *v, json_t *list)
{
	struct order o;

	filter(q, list);
	if (args_check(q, v, &q->error) || order_parse(q, v, &o, &q->error)) {
		json_decref(list);
		return;
	}
	list = sorted(list, &o);
	if (page_cut(q, v, list, &q->error)) {
		json_decref(list);
		return;
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		fields_cut(q, json_array_get(list, i));
	q->status = 200;
	q->answer = json_pack("{s:o}", v->collection, list);
}

static void view_show(struct nb_request *q, const struct nb_view *v, json_t *list, const char *id)
{
	json_t *found = NULL;

	for (size_t i = 0; i < json_array_size(list) && !found; i++)
		if (is_same(json_object_get(json_array_get(list, i), v->key), id))
			found = json_incref(json_array_get(list, i));
	json_decref(list);
	if (!found) {
		v->not_found(&q->error, id);
		return;
	}
	fields_cut(q, found);
	q->status = 200;
	q->answer = json_pack("{s:o}", v->name, found);
}

static void view_run(struct nb_request *q, const struct nb_view *v, const char *id)
{
	json_t *list = json_array();

	/* What is an administrator's is not there for others. */
	if (policy_sees_view(&q->who, v->path))
		v->each(q, list);
	if (q->method == NB_GET && !id[0]) {
		view_list(q, v, list);
	} else if (q->method == NB_GET && v->not_found) {
		view_show(q, v, list, id);
	} else {
		json_decref(list);
		if (q->method == NB_DELETE && id[0] && v->remove)
			v->remove(q, id);
		else if (id[0] && !v->not_found)
			nb_refuse(&q->error, HTTPNotFound);
		else
			nb_refuse(&q->error, HTTPMethodNotAllowed);
	}
}

bool nb_view_route(struct nb_request *q, const char *rest)
{
	size_t n = strcspn(rest, "/");
	const char *id = rest[n] ? rest + n + 1 : "";

	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
		const struct nb_view *v = views[i];

		if (strlen(v->path) != n || strncmp(rest, v->path, n))
			continue;
		view_run(q, v, id);
		return true;
	}
	return false;
}
