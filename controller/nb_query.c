/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries: which objects of a collection, in which order, which page, which fields.
 *
 * ?KEY=VALUE filters by an attribute; a key given again adds a value (or), another key narrows
 * (and). A list of structs is filtered by "member=value" (fixed_ips=ip_address=10.0.0.5).  Values
 * are compared as text in their canonical form, so that True is true and 2001:DB8::1 is
 * 2001:db8::1.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "controller/mem.h"
#include "controller/nb.h"

enum { VALUE_TEXT = 64, MAX_SORT_KEYS = 8 };

const char *nb_arg(const struct nb_request *q, const char *key)
{
	for (size_t i = 0; i < q->n_args; i++)
		if (!strcmp(q->args[i].key, key))
			return q->args[i].value;
	return NULL;
}

static bool is_control(const char *key)
{
	static const char *const keys[] = { "fields", "sort_key", "sort_dir",
					    "limit",  "marker",	  "page_reverse" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

static uint64_t visible(const struct nb_request *q, const struct resource *r)
{
	uint64_t rows = 0;

	for (size_t i = 0; i < r->shape.n; i++) {
		uint32_t rights = r->shape.attrs[i].rights;

		if (!(rights & RIGHT_HIDDEN) && (q->who.admin || !(rights & RIGHT_ADMIN_SEES)))
			rows |= UINT64_C(1) << i;
	}
	return rows;
}

/* Names that are no attribute are left out: clients ask for some that only other servers have. */
uint64_t nb_fields(const struct nb_request *q, const struct resource *r)
{
	uint64_t rows = 0;
	bool asked = false;

	for (size_t i = 0; i < q->n_args; i++) {
		const struct attr *a;

		if (strcmp(q->args[i].key, "fields") || !q->args[i].value[0])
			continue;
		asked = true;
		a = attr_find(&r->shape, q->args[i].value);
		if (a)
			rows |= UINT64_C(1) << (a - r->shape.attrs);
	}
	return asked ? rows & visible(q, r) : visible(q, r);
}

/* ---- values as text ---- */

/* The text of a scalar, in 'buf' or where it stands; "" for null. */
static const char *scalar_text(const struct attr *a, const void *p, char buf[VALUE_TEXT])
{
	const void *v = attr_at(a, p);
	const char *s;

	switch (a->type) {
	case ATTR_ID:
		return v;
	case ATTR_TEXT:
		s = *(char *const *)v;
		return s ? s : "";
	case ATTR_BOOL:
		return *(const bool *)v ? "true" : "false";
	case ATTR_ENUM:
		return a->words[*(const uint32_t *)v];
	case ATTR_MAC:
		return mac_format(v, buf);
	case ATTR_IP:
		return ip_format(v, buf);
	case ATTR_CIDR:
		return ip_prefix_format(v, buf);
	case ATTR_NUM:
		buf[0] = '\0';
		if (*(const uint32_t *)v != NUM_NONE)
			snprintf(buf, VALUE_TEXT, "%u", *(const uint32_t *)v);
		return buf;
	default:
		buf[0] = '\0';
		return buf;
	}
}

/* Rows whose value has to be made as JSON first: computed ones, fixed ones, times. */
static void json_text(const struct attr *a, const void *p, const struct world_obj *o,
		      char buf[VALUE_TEXT])
{
	json_t *v = nb_to_json(a, p, o);
	const char *s = json_string_value(v);

	if (!s && json_is_boolean(v))
		s = json_is_true(v) ? "true" : "false";
	snprintf(buf, VALUE_TEXT, "%s", s ? s : "");
	json_decref(v);
}

static bool needs_json(const struct attr *a)
{
	return a->type == ATTR_CALC || a->type == ATTR_FIXED || a->type == ATTR_TIME;
}

static const char *value_text(const struct attr *a, const void *p, const struct world_obj *o,
			      char buf[VALUE_TEXT])
{
	if (!needs_json(a))
		return scalar_text(a, p, buf);
	json_text(a, p, o, buf);
	return buf;
}

/* The canonical form of what a client gave; NULL when no value of this type is written so. */
static char *canonical(const struct attr *a, const char *value)
{
	struct ip_prefix prefix;
	struct ip_addr ip;
	char buf[VALUE_TEXT];
	uint8_t mac[6];

	switch (a->type) {
	case ATTR_BOOL:
	case ATTR_FIXED:
		if (!strcasecmp(value, "true") || !strcmp(value, "1"))
			return mem_str("true");
		if (!strcasecmp(value, "false") || !strcmp(value, "0"))
			return mem_str("false");
		return a->type == ATTR_BOOL ? NULL : mem_str(value);
	case ATTR_MAC:
		return mac_parse(value, mac) ? NULL : mem_str(mac_format(mac, buf));
	case ATTR_IP:
		if (!value[0])
			return mem_str("");
		return ip_parse(value, &ip) ? NULL : mem_str(ip_format(&ip, buf));
	case ATTR_CIDR:
		return ip_prefix_parse(value, &prefix) ? NULL
						       : mem_str(ip_prefix_format(&prefix, buf));
	default:
		return mem_str(value);
	}
}

/* ---- filters ---- */

struct filter {
	const struct attr *attr;
	const struct attr *member; /* LIST: of its elements */
	bool part;		   /* ip_address_substr: a part of the value is enough */
	char **values;
	size_t n;
	struct filter *next;
};

static void filters_free(struct filter *f)
{
	struct filter *next;

	for (; f; f = next) {
		next = f->next;
		for (size_t i = 0; i < f->n; i++)
			free(f->values[i]);
		free(f->values);
		free(f);
	}
}

static struct filter *filter_get(struct filter **list, const struct attr *a,
				 const struct attr *member, bool part, size_t room)
{
	struct filter *f;

	for (f = *list; f; f = f->next)
		if (f->attr == a && f->member == member && f->part == part)
			return f;
	f = mem_get(sizeof(*f));
	f->attr = a;
	f->member = member;
	f->part = part;
	f->values = mem_array(room, sizeof(*f->values));
	f->next = *list;
	*list = f;
	return f;
}

/* One "key=value" into the list. */
static int filter_add(struct filter **list, const struct resource *r, const struct nb_arg *arg,
		      size_t room, struct nb_error *e)
{
	const struct attr *a = attr_find(&r->shape, arg->key), *member = NULL;
	const char *value = arg->value, *eq;
	bool part = false;
	struct filter *f;
	char *text;

	if (!a || (a->rights & RIGHT_HIDDEN))
		return nb_say(e, HTTPBadRequest,
			      "'%.64s' is not an attribute that can be filtered by.", arg->key);
	if (a->type == ATTR_LIST) {
		char name[64];

		eq = strchr(value, '=');
		if (!eq)
			return nb_say(e, HTTPBadRequest,
				      "Invalid input for %s. Reason: '%.64s' is not KEY=VALUE.",
				      a->name, value);
		snprintf(name, sizeof(name), "%.*s", (int)(eq - value), value);
		part = !strcmp(name, "ip_address_substr");
		member = attr_find(a->element, part ? "ip_address" : name);
		if (!member)
			return nb_say(e, HTTPBadRequest,
				      "Invalid input for %s. Reason: '%s' is no key of it.",
				      a->name, name);
		value = eq + 1;
	}
	f = filter_get(list, a, member, part, room);
	text = part ? mem_str(value) : canonical(member ? member : a, value);
	if (text)
		f->values[f->n++] = text;
	return 0;
}

static bool is_one_of(const struct filter *f, const char *text)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->part ? !!strstr(text, f->values[i]) : !strcmp(text, f->values[i]))
			return true;
	return false;
}

static bool list_passes(const struct filter *f, const void *p)
{
	const char *list = *(char *const *)attr_at(f->attr, p);
	size_t n = *attr_n(f->attr, p);
	char buf[VALUE_TEXT];

	for (size_t i = 0; i < n; i++) {
		const char *text;

		if (f->attr->type == ATTR_TEXTS)
			text = ((char *const *)(const void *)list)[i];
		else if (f->attr->type == ATTR_IPS)
			text = ip_format((const struct ip_addr *)(const void *)list + i, buf);
		else
			text = scalar_text(f->member, list + i * f->attr->element->size, buf);
		if (is_one_of(f, text))
			return true;
	}
	return false;
}

static bool passes(const struct filter *f, const struct world_obj *o)
{
	const void *p = world_obj_attrs((struct world_obj *)(uintptr_t)o);
	char buf[VALUE_TEXT];

	for (; f; f = f->next) {
		enum attr_type t = f->attr->type;

		if (t == ATTR_LIST || t == ATTR_TEXTS || t == ATTR_IPS) {
			if (!list_passes(f, p))
				return false;
		} else if (!is_one_of(f, value_text(f->attr, p, o, buf))) {
			return false;
		}
	}
	return true;
}

/* ---- order ---- */

struct order {
	const struct attr *keys[MAX_SORT_KEYS + 1];
	bool down[MAX_SORT_KEYS + 1];
	size_t n;
};

static int order_parse(const struct nb_request *q, const struct resource *r, struct order *o,
		       struct nb_error *e)
{
	size_t n_dirs = 0;

	for (size_t i = 0; i < q->n_args; i++) {
		const char *v = q->args[i].value;

		if (!strcmp(q->args[i].key, "sort_key")) {
			const struct attr *a = attr_find(&r->shape, v);

			if (!a || !(a->rights & RIGHT_SORT))
				return nb_say(e, HTTPBadRequest,
					      "'%.64s' is not an attribute to sort by.", v);
			if (o->n == MAX_SORT_KEYS)
				return nb_say(e, HTTPBadRequest,
					      "There are more than %d sort keys.", MAX_SORT_KEYS);
			o->keys[o->n++] = a;
		} else if (!strcmp(q->args[i].key, "sort_dir")) {
			if (strcmp(v, "asc") && strcmp(v, "desc"))
				return nb_say(e, HTTPBadRequest,
					      "'%.64s' is no sort direction; asc and desc are.", v);
			if (n_dirs == MAX_SORT_KEYS)
				return nb_say(e, HTTPBadRequest,
					      "There are more than %d sort directions.",
					      MAX_SORT_KEYS);
			o->down[n_dirs++] = !strcmp(v, "desc");
		}
	}
	if (n_dirs && n_dirs != o->n)
		return nb_say(e, HTTPBadRequest, "There are %zu sort keys and %zu sort directions.",
			      o->n, n_dirs);
	return 0;
}

static int value_cmp(const struct attr *a, const struct world_obj *x, const struct world_obj *y)
{
	const void *px = world_obj_attrs((struct world_obj *)(uintptr_t)x);
	const void *py = world_obj_attrs((struct world_obj *)(uintptr_t)y);
	char bx[VALUE_TEXT], by[VALUE_TEXT];
	int64_t tx, ty;
	uint32_t nx, ny;

	switch (a->type) {
	case ATTR_NUM:
		/* NUM_NONE + 1 is 0: null comes first. */
		nx = *(const uint32_t *)attr_at(a, px) + 1;
		ny = *(const uint32_t *)attr_at(a, py) + 1;
		return nx < ny ? -1 : nx > ny;
	case ATTR_TIME:
		tx = *(const int64_t *)attr_at(a, px);
		ty = *(const int64_t *)attr_at(a, py);
		return tx < ty ? -1 : tx > ty;
	case ATTR_IP:
	case ATTR_CIDR: /* a prefix begins with its address */
		return ip_cmp(attr_at(a, px), attr_at(a, py));
	default:
		return strcmp(value_text(a, px, x, bx), value_text(a, py, y, by));
	}
}

static int obj_cmp(const void *x, const void *y, void *arg)
{
	const struct order *o = arg;

	for (size_t i = 0; i < o->n; i++) {
		int c = value_cmp(o->keys[i], *(struct world_obj *const *)x,
				  *(struct world_obj *const *)y);

		if (c)
			return o->down[i] ? -c : c;
	}
	return 0;
}

/* ---- pages ---- */

static int limit_parse(const struct nb_request *q, size_t *limit, struct nb_error *e)
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
		return nb_say(e, HTTPBadRequest,
			      "Bad value for 'limit': '%.32s' is no number of objects.", s);
	if (v)
		*limit = v;
	return 0;
}

static bool is_reverse(const struct nb_request *q)
{
	const char *s = nb_arg(q, "page_reverse");

	return s && (!strcasecmp(s, "true") || !strcmp(s, "1"));
}

/* Cuts to 'limit' objects after the marker (before it when the page is a reverse one). */
static int page_cut(struct nb_request *q, const struct resource *r, struct nb_page *page,
		    const struct order *order, size_t limit, struct nb_error *e)
{
	const char *marker = nb_arg(q, "marker");
	struct world_obj *m;
	size_t from = 0, to = page->n;

	if (marker) {
		m = nb_find(q, r, marker, e);
		if (!m)
			return -1;
		/* By order, not by identity: the marker need not pass the filters (any more). */
		while (from < page->n &&
		       obj_cmp(&page->objs[from], &m, (void *)(uintptr_t)order) <= 0)
			from++;
		if (is_reverse(q)) {
			to = from;
			while (to && !obj_cmp(&page->objs[to - 1], &m, (void *)(uintptr_t)order))
				to--;
		}
	}
	if (is_reverse(q))
		from = to > limit ? to - limit : 0;
	else if (to - from > limit)
		to = from + limit;
	page->earlier = from > 0;
	page->more = to < page->n;
	page->n = to - from;
	memmove(page->objs, page->objs + from, page->n * sizeof(*page->objs));
	return 0;
}

/* ---- all together ---- */

static int filters_parse(const struct nb_request *q, const struct resource *r, struct filter **list,
			 struct nb_error *e)
{
	for (size_t i = 0; i < q->n_args; i++)
		if (!is_control(q->args[i].key) && filter_add(list, r, &q->args[i], q->n_args, e))
			return -1;
	return 0;
}

static void objects_take(struct nb_request *q, const struct resource *r,
			 const struct filter *filters, struct nb_page *page)
{
	const struct world *w = q->nb->world;

	page->objs = mem_array(world_count(w, r->kind), sizeof(*page->objs));
	for (struct world_obj *o = w->objs[r->kind]; o; o = o->hh.next)
		if (nb_is_below(q, r, o) && (q->who.admin || nb_hooks[r->kind]->sees(&q->who, o)) &&
		    passes(filters, o))
			page->objs[page->n++] = o;
}

int nb_query(struct nb_request *q, const struct resource *r, struct nb_page *page,
	     struct nb_error *e)
{
	bool paged = nb_arg(q, "limit") || nb_arg(q, "marker");
	struct filter *filters = NULL;
	struct order order = { 0 };
	size_t limit;
	int rc;

	memset(page, 0, sizeof(*page));
	rc = filters_parse(q, r, &filters, e);
	if (!rc)
		rc = order_parse(q, r, &order, e);
	if (!rc)
		rc = limit_parse(q, &limit, e);
	if (!rc) {
		objects_take(q, r, filters, page);
		/* A page needs a whole order, so that each object is on one page only. */
		if (paged)
			order.keys[order.n++] = attr_find(&r->shape, "id");
		if (order.n)
			qsort_r(page->objs, page->n, sizeof(*page->objs), obj_cmp, &order);
		page->fields = nb_fields(q, r);
		if (paged)
			rc = page_cut(q, r, page, &order, limit, e);
	}
	filters_free(filters);
	if (rc)
		nb_page_free(page);
	return rc;
}

void nb_page_free(struct nb_page *p)
{
	free(p->objs);
	p->objs = NULL;
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

static json_t *link_json(const struct nb_request *q, const char *rel, const struct world_obj *at,
			 bool reverse)
{
	char *href = mem_printf("%s%s", q->base, q->path);
	json_t *link;

	for (size_t i = 0; i < q->n_args; i++)
		if (strcmp(q->args[i].key, "marker") && strcmp(q->args[i].key, "page_reverse"))
			append_arg(&href, q->args[i].key, q->args[i].value);
	append_arg(&href, "marker", world_obj_attrs((struct world_obj *)(uintptr_t)at));
	if (reverse)
		append_arg(&href, "page_reverse", "True");
	link = json_pack("{s:s,s:s}", "rel", rel, "href", href);
	free(href);
	return link;
}

json_t *nb_page_links(const struct nb_request *q, const struct resource *r, const struct nb_page *p)
{
	json_t *links;

	if (!nb_arg(q, "limit") || !p->n || (!p->more && !p->earlier))
		return NULL;
	links = json_array();
	if (p->more)
		json_array_append_new(links, link_json(q, "next", p->objs[p->n - 1], false));
	if (p->earlier)
		json_array_append_new(links, link_json(q, "previous", p->objs[0], true));
	return links;
}
