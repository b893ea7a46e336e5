/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views: collections of what nobody creates: agents, availability zones, how full networks are.
 *
 * A view makes its objects as JSON from the world when it is asked; filters, fields, order and
 * pages are made from that.
 */
#include "controller/nb_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "controller/mem.h"
#include "controller/nb_page.h"
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
	bool same =
		json_is_boolean(v) ? json_is_true(v) == nb_bool_text(value) : !strcmp(text, value);

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

/* How clients name it to go on after it. */
static char *marker_of(const struct nb_view *v, const json_t *o)
{
	const char *a = json_string_value(json_object_get(o, v->key));
	const char *b = v->second ? json_string_value(json_object_get(o, v->second)) : NULL;

	return b ? mem_printf("%s/%s", a, b) : mem_str(a ? a : "");
}

/* ---- filters ---- */

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
		if (!nb_is_control(q->args[i].key) && !can_filter(v, q->args[i].key))
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

		if (nb_is_control(key))
			continue;
		for (size_t j = 0; j < q->n_args; j++)
			found |= !strcmp(q->args[j].key, key) &&
				 is_same(json_object_get(o, key), q->args[j].value);
		if (!found)
			return false;
	}
	return true;
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

/* ---- order, pages ---- */

struct order {
	struct nb_order by;
	const struct nb_view *view;
};

/* What is the same by all keys is in the order of names. */
static int obj_cmp(const void *x, const void *y, void *arg)
{
	const json_t *a = *(json_t *const *)x, *b = *(json_t *const *)y;
	const struct order *o = arg;
	char *m, *n;
	int c;

	for (size_t i = 0; i < o->by.n; i++) {
		c = value_cmp(json_object_get(a, o->by.keys[i]), json_object_get(b, o->by.keys[i]));
		if (c)
			return o->by.down[i] ? -c : c;
	}
	m = marker_of(o->view, a);
	n = marker_of(o->view, b);
	c = strcmp(m, n);
	free(m);
	free(n);
	return c;
}

static int order_parse(const struct nb_request *q, const struct nb_view *v, struct order *o,
		       struct nb_error *e)
{
	o->view = v;
	if (nb_order_parse(q, &o->by, e))
		return -1;
	for (size_t i = 0; i < o->by.n; i++)
		if (!can_filter(v, o->by.keys[i]))
			return nb_say(e, HTTPBadRequest,
				      "['%.64s'] is invalid attribute for sort_keys.",
				      o->by.keys[i]);
	return 0;
}

/* The objects of a view in order, and which of them are on the page: [from, to), if they pass. */
struct page {
	json_t **all;
	size_t n, from, to;
};

static void page_sort(struct page *p, json_t *list, const struct order *o)
{
	p->n = json_array_size(list);
	p->all = mem_array(p->n + 1, sizeof(*p->all));
	for (size_t i = 0; i < p->n; i++)
		p->all[i] = json_array_get(list, i);
	qsort_r(p->all, p->n, sizeof(*p->all), obj_cmp, (void *)(uintptr_t)o);
	p->from = 0;
	p->to = p->n;
}

/* The marker need not pass the filters. */
static int page_begin(const struct nb_request *q, const struct nb_view *v, struct page *p,
		      struct nb_error *e)
{
	const char *marker = nb_arg(q, "marker");
	size_t at = 0;

	if (!marker)
		return 0;
	for (; at < p->n; at++) {
		char *text = marker_of(v, p->all[at]);
		bool same = !strcmp(text, marker);

		free(text);
		if (same)
			break;
	}
	if (at == p->n)
		return v->not_found ? v->not_found(e, marker) : nb_refuse(e, HTTPNotFound);
	if (nb_is_reverse(q))
		p->to = at;
	else
		p->from = at + 1;
	return 0;
}

/* To 'limit' objects that pass, from that end where the page begins. */
static void page_cut(const struct nb_request *q, struct page *p, size_t limit)
{
	size_t n = 0;

	if (nb_is_reverse(q)) {
		for (size_t i = p->to; i-- > p->from;)
			if (passes(q, p->all[i]) && n++ == limit) {
				p->from = i + 1;
				return;
			}
	} else {
		for (size_t i = p->from; i < p->to; i++)
			if (passes(q, p->all[i]) && n++ == limit) {
				p->to = i;
				return;
			}
	}
}

static bool any_passes(const struct nb_request *q, const struct page *p, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (passes(q, p->all[i]))
			return true;
	return false;
}

/* Takes the objects of the page out of 'p', into the answer. */
static void page_show(struct nb_request *q, const struct nb_view *v, const struct page *p)
{
	char *first = NULL, *last = NULL;
	json_t *out = json_array(), *links;
	char key[64];

	for (size_t i = p->from; i < p->to; i++) {
		if (!passes(q, p->all[i]))
			continue;
		if (!first)
			first = marker_of(v, p->all[i]);
		free(last);
		last = marker_of(v, p->all[i]);
		json_array_append(out, p->all[i]);
	}
	q->answer = json_pack("{s:o}", v->collection, out);
	links = nb_links(q, any_passes(q, p, 0, p->from) ? first : NULL,
			 any_passes(q, p, p->to, p->n) ? last : NULL);
	snprintf(key, sizeof(key), "%s_links", v->collection);
	if (links)
		json_object_set_new(q->answer, key, links);
	/* Last, as filters look at what is not shown. */
	for (size_t i = 0; i < json_array_size(out); i++)
		fields_cut(q, json_array_get(out, i));
	free(first);
	free(last);
}

/* ---- requests ---- */

void nb_view_list(struct nb_request *q, const struct nb_view *v, json_t *list)
{
	struct page p = { 0 };
	struct order o;
	size_t limit;

	if (!args_check(q, v, &q->error) && !order_parse(q, v, &o, &q->error) &&
	    !nb_limit_parse(q, &limit, &q->error)) {
		page_sort(&p, list, &o);
		if (!page_begin(q, v, &p, &q->error)) {
			page_cut(q, &p, limit);
			page_show(q, v, &p);
			q->status = 200;
		}
	}
	free(p.all);
	json_decref(list);
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
		nb_view_list(q, v, list);
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
