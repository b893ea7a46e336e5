/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters: ?KEY=VALUE, which objects a list has.
 *
 * A key given again adds a value (or), another key narrows (and).  A list of structs is filtered by
 * "member=value" (fixed_ips=ip_address=10.0.0.5), tags by sets of them.  Values are compared as
 * text in their canonical form, so that True is true and 2001:DB8::1 is 2001:db8::1.
 */
#include "controller/nb_filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "controller/mem.h"
#include "controller/nb_page.h"
#include "controller/nb_policy.h"

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
		return ((const struct ip_prefix *)v)->addr.family ? ip_prefix_format(v, buf) : "";
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

const char *nb_value_text(const struct attr *a, const void *p, const struct world_obj *o,
			  char buf[VALUE_TEXT])
{
	if (!needs_json(a))
		return scalar_text(a, p, buf);
	json_text(a, p, o, buf);
	return buf;
}

/* What "true" and "false" may be written as; NULL: neither. */
static const char *bool_text(const char *s)
{
	int b = nb_bool_text(s);

	return b < 0 ? NULL : b ? "true" : "false";
}

static bool is_number(const char *s)
{
	if (*s == '-')
		s++;
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* Neutron converts these two, and refuses what cannot be. */
static int convertible(const struct attr *a, const char *value, struct nb_error *e)
{
	if (a->type == ATTR_BOOL && !bool_text(value))
		return nb_say(
			e, InvalidInput,
			"Invalid input for operation: '%.64s' cannot be converted to boolean.",
			value);
	if (a->type == ATTR_NUM && value[0] && !is_number(value))
		return nb_say(e, InvalidInput,
			      "Invalid input for operation: '%.64s' is not an integer.", value);
	return 0;
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
		return mem_str(bool_text(value));
	case ATTR_FIXED:
	case ATTR_CALC:
		return mem_str(bool_text(value) && a->calc_type != ATTR_TEXT ? bool_text(value)
									     : value);
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

/* ---- one filter ---- */

/* How a value of the object is held against those of the filter. */
enum how {
	HOW_EQUAL, /* is one of them */
	HOW_PART,  /* ip_address_substr: has one of them in it */
	HOW_SINCE, /* changed_since: is not older */
	HOW_ALL,   /* tags: has all of them */
	HOW_ANY,   /* tags-any: has one of them */
	HOW_NOT_ALL,
	HOW_NOT_ANY,
};

struct nb_filter {
	const struct attr *attr;
	const struct attr *member; /* LIST: of its elements */
	enum how how;
	int64_t since;
	char **values;
	struct ip_addr *ips; /* the same, of addresses */
	size_t n, room;
	struct nb_filter *next;
};

/* Arguments that stand for another attribute's filter. */
static const struct {
	const char *key, *attr;
	enum how how;
} special[] = {
	{ "tags", "tags", HOW_ALL },
	{ "tags-any", "tags", HOW_ANY },
	{ "not-tags", "tags", HOW_NOT_ALL },
	{ "not-tags-any", "tags", HOW_NOT_ANY },
	{ "changed_since", "updated_at", HOW_SINCE },
};

void nb_filters_free(struct nb_filter *f)
{
	struct nb_filter *next;

	for (; f; f = next) {
		next = f->next;
		for (size_t i = 0; i < f->n; i++)
			free(f->values[i]);
		free(f->values);
		free(f->ips);
		free(f);
	}
}

static struct nb_filter *filter_get(struct nb_filter **list, const struct attr *a,
				    const struct attr *member, enum how how)
{
	struct nb_filter *f;

	for (f = *list; f; f = f->next)
		if (f->attr == a && f->member == member && f->how == how)
			return f;
	f = mem_get(sizeof(*f));
	f->attr = a;
	f->member = member;
	f->how = how;
	f->next = *list;
	*list = f;
	return f;
}

/* Takes 'value'. */
static void value_add(struct nb_filter *f, char *value)
{
	if (f->n == f->room) {
		char **more = mem_array(f->room ? f->room * 2 : 4, sizeof(*more));

		if (f->n)
			memcpy(more, f->values, f->n * sizeof(*more));
		free(f->values);
		f->values = more;
		f->room = f->room ? f->room * 2 : 4;
	}
	f->values[f->n++] = value;
}

/* ---- arguments ---- */

static int not_a_filter(const char *key, struct nb_error *e)
{
	return nb_say(e, HTTPBadRequest, "['%.64s'] is invalid attribute for filtering.", key);
}

/* "red,blue" */
static void tags_add(struct nb_filter *f, const char *value)
{
	while (*value) {
		size_t n = strcspn(value, ",");

		if (n)
			value_add(f, mem_printf("%.*s", (int)n, value));
		value += n + (value[n] == ',');
	}
}

/* ISO 8601, in UTC: 2026-01-31T12:00:00, also with Z or a space instead of the T. */
static int since_parse(const char *s, int64_t *out, struct nb_error *e)
{
	struct tm tm = { 0 };
	const char *end = strptime(s, "%Y-%m-%d", &tm);

	if (end && (*end == 'T' || *end == ' '))
		end = strptime(end + 1, "%H:%M:%S", &tm);
	if (end && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (end && *end == 'Z')
		end++;
	if (!end || *end)
		return nb_say(e, InvalidInput,
			      "Invalid input for changed_since: '%.64s' is not a time in ISO 8601.",
			      s);
	*out = timegm(&tm);
	return 0;
}

/* "member=value", of the elements of a list. */
static int member_of(const struct attr *a, const char **value, const struct attr **member,
		     enum how *how, struct nb_error *e)
{
	const char *eq = strchr(*value, '=');
	char name[64];

	if (!eq)
		return nb_say(e, HTTPBadRequest,
			      "Invalid input for %s. Reason: '%.64s' is not KEY=VALUE.", a->name,
			      *value);
	snprintf(name, sizeof(name), "%.*s", (int)(eq - *value), *value);
	*how = strcmp(name, "ip_address_substr") ? HOW_EQUAL : HOW_PART;
	*member = attr_find(a->element, *how == HOW_PART ? "ip_address" : name);
	if (!*member)
		return nb_say(e, HTTPBadRequest,
			      "Invalid input for %s. Reason: '%s' is no key of it.", a->name, name);
	*value = eq + 1;
	return 0;
}

static int special_add(struct nb_filter **list, const struct resource *r, const struct nb_arg *arg,
		       bool *found, struct nb_error *e)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
		const struct attr *a = attr_find(&r->shape, special[i].attr);
		struct nb_filter *f;

		if (!a || strcmp(arg->key, special[i].key))
			continue;
		*found = true;
		f = filter_get(list, a, NULL, special[i].how);
		if (special[i].how == HOW_SINCE)
			return since_parse(arg->value, &f->since, e);
		tags_add(f, arg->value);
		return 0;
	}
	return 0;
}

static bool can_filter(const struct nb_request *q, const struct resource *r, const struct attr *a)
{
	if (!a || (a->rights & RIGHT_HIDDEN) || a->type == ATTR_DICT)
		return false;
	return policy_shown(&q->who, r) >> (a - r->shape.attrs) & 1;
}

static int filter_add(const struct nb_request *q, struct nb_filter **list, const struct resource *r,
		      const struct nb_arg *arg, struct nb_error *e)
{
	const struct attr *a = attr_find(&r->shape, arg->key), *member = NULL;
	const char *value = arg->value;
	enum how how = HOW_EQUAL;
	bool found = false;
	struct nb_filter *f;
	char *text;

	if (special_add(list, r, arg, &found, e))
		return -1;
	if (found)
		return 0;
	if (!can_filter(q, r, a))
		return not_a_filter(arg->key, e);
	if (a->type == ATTR_LIST && member_of(a, &value, &member, &how, e))
		return -1;
	if (convertible(member ? member : a, value, e))
		return -1;
	f = filter_get(list, a, member, how);
	text = how == HOW_PART ? mem_str(value) : canonical(member ? member : a, value);
	if (text)
		value_add(f, text);
	return 0;
}

/* Addresses are compared as such: to write each one as text takes longer than all the rest. */
static void addresses_read(struct nb_filter *f)
{
	const struct attr *a = f->member ? f->member : f->attr;

	if (f->how != HOW_EQUAL || a->type != ATTR_IP)
		return;
	f->ips = mem_array(f->n, sizeof(*f->ips));
	for (size_t i = 0; i < f->n; i++)
		if (ip_parse(f->values[i], &f->ips[i]))
			f->ips[i].family = 0; /* "": of what has none */
}

int nb_filters_parse(const struct nb_request *q, const struct resource *r, struct nb_filter **list,
		     struct nb_error *e)
{
	for (size_t i = 0; i < q->n_args; i++)
		if (!nb_is_control(q->args[i].key) && filter_add(q, list, r, &q->args[i], e))
			return -1;
	for (struct nb_filter *f = *list; f; f = f->next)
		addresses_read(f);
	return 0;
}

/* ---- objects ---- */

static bool is_one_of(const struct nb_filter *f, const char *text)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->how == HOW_PART ? !!strstr(text, f->values[i]) : !strcmp(text, f->values[i]))
			return true;
	return false;
}

static bool is_one_address(const struct nb_filter *f, const struct ip_addr *ip)
{
	for (size_t i = 0; i < f->n; i++)
		if (!ip_cmp(&f->ips[i], ip))
			return true;
	return false;
}

static bool list_passes(const struct nb_filter *f, const void *p)
{
	const char *list = *(char *const *)attr_at(f->attr, p);
	size_t n = *attr_n(f->attr, p);
	char buf[VALUE_TEXT];

	for (size_t i = 0; i < n; i++) {
		const char *text;

		if (f->ips) {
			if (is_one_address(f,
					   attr_at(f->member, list + i * f->attr->element->size)))
				return true;
			continue;
		}
		if (f->attr->type == ATTR_TEXTS)
			text = ((char *const *)(const void *)list)[i];
		else if (f->attr->type == ATTR_CIDRS)
			text = ip_prefix_format((const struct ip_prefix *)(const void *)list + i,
						buf);
		else if (f->attr->type == ATTR_IPS)
			text = ip_format((const struct ip_addr *)(const void *)list + i, buf);
		else
			text = scalar_text(f->member, list + i * f->attr->element->size, buf);
		if (is_one_of(f, text))
			return true;
	}
	return false;
}

static bool tags_pass(const struct nb_filter *f, const void *p)
{
	char *const *tags = *(char *const *const *)attr_at(f->attr, p);
	size_t n = *attr_n(f->attr, p), has = 0;

	for (size_t i = 0; i < f->n; i++)
		for (size_t j = 0; j < n; j++)
			if (!strcmp(f->values[i], tags[j])) {
				has++;
				break;
			}
	switch (f->how) {
	case HOW_ALL:
		return has == f->n;
	case HOW_ANY:
		return has > 0;
	case HOW_NOT_ALL:
		return has < f->n;
	default:
		return !has;
	}
}

static bool passes(const struct nb_filter *f, const struct world_obj *o)
{
	const void *p = world_obj_attrs((struct world_obj *)(uintptr_t)o);
	char buf[VALUE_TEXT];

	if (f->how >= HOW_ALL)
		return tags_pass(f, p);
	if (f->how == HOW_SINCE)
		return *(const int64_t *)attr_at(f->attr, p) >= f->since;
	if (attr_is_list(f->attr))
		return list_passes(f, p);
	if (f->ips)
		return is_one_address(f, attr_at(f->attr, p));
	return is_one_of(f, nb_value_text(f->attr, p, o, buf));
}

bool nb_filters_pass(const struct nb_filter *f, const struct world_obj *o)
{
	for (; f; f = f->next)
		if (!passes(f, o))
			return false;
	return true;
}
