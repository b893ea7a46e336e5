/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes as JSON: every type both ways, by the rows of resource.def. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "controller/mem.h"
#include "controller/nb.h"

/* ---- in ---- */

static const char *type_word(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_NULL:
		return "null";
	default:
		return "a boolean";
	}
}

static const char *string_of(const struct attr *a, const json_t *v, struct nb_error *e)
{
	if (!json_is_string(v))
		nb_fail_attr(e, a->name, "%s is not a string", type_word(v));
	return json_string_value(v);
}

static size_t n_characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static int text_from(const struct attr *a, void *p, const json_t *v, struct nb_error *e)
{
	char digits[24];
	const char *s;

	snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	s = (a->rights & RIGHT_INTEGER) && json_is_integer(v) ? digits : string_of(a, v, e);
	if (!s)
		return -1;
	if (n_characters(s) > a->max)
		return nb_fail_attr(e, a->name, "the string is longer than %u characters", a->max);
	attr_clear(a, p);
	*(char **)attr_at(a, p) = mem_str(s);
	return 0;
}

bool nb_is_uuid(const char *s)
{
	for (int i = 0; i < UUID_TEXT - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	}
	return !s[UUID_TEXT - 1];
}

static int id_from(const struct attr *a, void *p, const json_t *v, struct nb_error *e)
{
	const char *s = string_of(a, v, e);
	char *to = attr_at(a, p);

	if (!s)
		return -1;
	if (!nb_is_uuid(s))
		return nb_fail_attr(e, a->name, "'%.64s' is not a valid UUID", s);
	for (int i = 0; i < UUID_TEXT; i++)
		to[i] = (char)tolower((unsigned char)s[i]);
	return 0;
}

int nb_bool_text(const char *s)
{
	static const char *const words[2][6] = { { "false", "f", "0", "off", "n", "no" },
						 { "true", "t", "1", "on", "y", "yes" } };

	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 6; i++)
			if (!strcasecmp(s, words[value][i]))
				return value;
	return -1;
}

int nb_bool_of(const json_t *v)
{
	const char *s = json_string_value(v);

	if (json_is_boolean(v))
		return json_is_true(v);
	if (json_is_integer(v) && (json_integer_value(v) == 0 || json_integer_value(v) == 1))
		return (int)json_integer_value(v);
	return s ? nb_bool_text(s) : -1;
}

/* What cannot be made a boolean or a number: of another type than a value that is out of bounds. */
static int not_a(const struct attr *a, const char *what, const json_t *v, struct nb_error *e)
{
	return nb_say(e, InvalidInput, "Invalid input for operation: %s of %s is not %s.",
		      json_is_string(v) ? "the string" : type_word(v), a->name, what);
}

/* Clients send numbers as strings, too ("1500"). */
static int number_of(const json_t *v, json_int_t *out)
{
	const char *s = json_string_value(v);
	char *end;

	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return 0;
	}
	if (!s || !isdigit((unsigned char)s[*s == '-']) || strlen(s) > 18)
		return -1;
	*out = strtoll(s, &end, 10);
	return *end ? -1 : 0;
}

static int num_from(const struct attr *a, void *p, const json_t *v, struct nb_error *e)
{
	json_int_t n;

	if (number_of(v, &n))
		return not_a(a, "an integer", v, e);
	if (n < a->min || n > a->max)
		return nb_fail_attr(e, a->name, "%" JSON_INTEGER_FORMAT " is not between %u and %u",
				    n, a->min, a->max);
	*(uint32_t *)attr_at(a, p) = (uint32_t)n;
	return 0;
}

static int enum_from(const struct attr *a, void *p, const json_t *v, struct nb_error *e)
{
	const char *s = string_of(a, v, e);
	char words[128] = "";

	if (!s)
		return -1;
	for (uint32_t i = 0; a->words[i]; i++) {
		size_t n = strlen(words);

		if (!a->words[i][0])
			continue;
		if (!strcmp(a->words[i], s)) {
			*(uint32_t *)attr_at(a, p) = i;
			return 0;
		}
		snprintf(words + n, sizeof(words) - n, "%s%s", n ? ", " : "", a->words[i]);
	}
	return nb_fail_attr(e, a->name, "'%.64s' is not one of %s", s, words);
}

static int mac_from(const struct attr *a, void *p, const json_t *v, struct nb_error *e)
{
	static const uint8_t zero[6];
	const char *s = string_of(a, v, e);
	uint8_t mac[6];

	if (!s)
		return -1;
	if (mac_parse(s, mac))
		return nb_fail_attr(e, a->name, "'%.64s' is not a valid MAC address", s);
	if ((mac[0] & 1) || !memcmp(mac, zero, 6))
		return nb_fail_attr(e, a->name, "'%s' is not a station's MAC address", s);
	memcpy(attr_at(a, p), mac, 6);
	return 0;
}

static int ip_from(const struct attr *a, struct ip_addr *out, const json_t *v, struct nb_error *e)
{
	const char *s = string_of(a, v, e);

	if (!s)
		return -1;
	if (ip_parse(s, out))
		return nb_fail_attr(e, a->name, "'%.64s' is not a valid IP address", s);
	return 0;
}

static int prefix_from(const struct attr *a, struct ip_prefix *out, const json_t *v,
		       struct nb_error *e)
{
	const char *s = string_of(a, v, e);
	struct ip_addr first;

	if (!s)
		return -1;
	if (ip_prefix_parse(s, out))
		return nb_fail_attr(e, a->name, "'%.64s' is not a valid IP subnet or address", s);
	first = ip_prefix_first(out);
	if ((a->rights & RIGHT_PREFIX) && (!strchr(s, '/') || ip_cmp(&first, &out->addr)))
		return nb_fail_attr(e, a->name, "'%s' is not an IP subnet as ADDRESS/LENGTH", s);
	return 0;
}

static int dict_from(const struct attr *a, void *p, const json_t *v, struct nb_error *e)
{
	char *text;

	if (!json_is_object(v))
		return nb_fail_attr(e, a->name, "%s is not a dictionary", type_word(v));
	text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);
	if (!text || strlen(text) > a->max) {
		free(text);
		return nb_fail_attr(e, a->name, "the dictionary is longer than %u bytes", a->max);
	}
	attr_clear(a, p);
	if (json_object_size(v))
		*(char **)attr_at(a, p) = text;
	else
		free(text);
	return 0;
}

static int element_from(const struct attr *list, void *p, const json_t *v, struct nb_error *e)
{
	const struct shape *s = list->element;
	struct nb_error inner;
	const char *key;
	json_t *value;

	if (!json_is_object(v))
		return nb_fail_attr(e, list->name, "%s is not a dictionary", type_word(v));
	attrs_init(s, p);
	json_object_foreach ((json_t *)(uintptr_t)v, key, value) {
		const struct attr *a = attr_find(s, key);

		if (!a)
			return nb_fail_attr(e, list->name, "'%.64s' is no key of its elements",
					    key);
		if (nb_from_json(a, p, value, &inner)) {
			nb_fail_attr(e, list->name, "%s", inner.message);
			memcpy(e->type, inner.type, sizeof(e->type));
			return -1;
		}
	}
	for (const struct attr *a = s->attrs; a < s->attrs + s->n; a++)
		if ((a->rights & RIGHT_REQUIRED) && !json_object_get(v, a->name))
			return nb_fail_attr(e, list->name, "an element lacks '%s'", a->name);
	return 0;
}

/* An object, or {} for none. */
static int one_from(const struct attr *a, void *p, const json_t *v, struct nb_error *e)
{
	void *element;

	if (!json_is_object(v))
		return nb_fail_attr(e, a->name, "%s is not a dictionary", type_word(v));
	attr_clear(a, p);
	if (!json_object_size(v))
		return 0;
	element = mem_get(a->element->size);
	*(void **)attr_at(a, p) = element;
	*attr_n(a, p) = 1;
	return element_from(a, element, v, e);
}

/* Of a list of words, each one once. */
static int word_from(const struct attr *a, char **list, size_t i, const json_t *v,
		     struct nb_error *e)
{
	const char *s = string_of(a, v, e);

	if (!s)
		return -1;
	if (n_characters(s) > a->max)
		return nb_fail_attr(e, a->name, "'%.64s...' is longer than %u characters", s,
				    a->max);
	for (size_t j = 0; j < i; j++)
		if (!strcmp(list[j], s))
			return nb_fail_attr(e, a->name, "'%.64s' is in the list twice", s);
	list[i] = mem_str(s);
	return 0;
}

static int list_from(const struct attr *a, void *p, const json_t *v, struct nb_error *e)
{
	size_t n = json_array_size(v), size;
	char *list;
	int rc = 0;

	if (!json_is_array(v))
		return nb_fail_attr(e, a->name, "%s is not a list", type_word(v));
	if (n > a->max_n)
		return nb_fail_attr(e, a->name, "there are %zu elements, and at most %u may be", n,
				    a->max_n);
	attr_clear(a, p);
	if (!n)
		return 0;
	size = attr_item_size(a);
	list = mem_array(n, size);
	*(char **)attr_at(a, p) = list;
	*attr_n(a, p) = n; /* zeroed elements can be freed as well */
	for (size_t i = 0; i < n && !rc; i++, list += size) {
		const json_t *item = json_array_get(v, i);

		if (a->type == ATTR_LIST)
			rc = element_from(a, list, item, e);
		else if (a->type == ATTR_TEXTS)
			rc = word_from(a, *(char ***)attr_at(a, p), i, item, e);
		else if (a->type == ATTR_CIDRS)
			rc = prefix_from(a, (struct ip_prefix *)(void *)list, item, e);
		else
			rc = ip_from(a, (struct ip_addr *)(void *)list, item, e);
	}
	return rc;
}

/* A row that can only have one value. */
static int fixed_from(const struct attr *a, const json_t *v, struct nb_error *e)
{
	json_t *only = json_loads(a->text, JSON_DECODE_ANY, NULL);
	bool is_bool = json_is_boolean(only);
	bool same = json_equal(only, v) || (is_bool && nb_bool_of(v) == nb_bool_of(only));

	json_decref(only);
	if (same)
		return 0;
	if (is_bool && nb_bool_of(v) < 0)
		return not_a(a, "a boolean", v, e);
	return nb_fail_attr(e, a->name, "only %s is supported by this service", a->text);
}

static int null_from(const struct attr *a, void *p, struct nb_error *e)
{
	if (!(a->rights & RIGHT_NULL) && (a->type == ATTR_BOOL || a->type == ATTR_NUM))
		return not_a(a, a->type == ATTR_BOOL ? "a boolean" : "an integer", json_null(), e);
	if (!(a->rights & RIGHT_NULL))
		return nb_fail_attr(e, a->name, "it cannot be null");
	attr_clear(a, p);
	if (a->type == ATTR_NUM)
		*(uint32_t *)attr_at(a, p) = NUM_NONE;
	else if (a->type == ATTR_ENUM)
		*(uint32_t *)attr_at(a, p) = a->preset;
	else if (a->type == ATTR_TEXT)
		*(char **)attr_at(a, p) = mem_str(a->text);
	return 0;
}

int nb_from_json(const struct attr *a, void *p, const json_t *v, struct nb_error *e)
{
	int b;

	if (a->type == ATTR_FIXED)
		return fixed_from(a, v, e);
	if (json_is_null(v))
		return null_from(a, p, e);
	switch (a->type) {
	case ATTR_ID:
		return id_from(a, p, v, e);
	case ATTR_TEXT:
		return text_from(a, p, v, e);
	case ATTR_BOOL:
		b = nb_bool_of(v);
		if (b < 0)
			return not_a(a, "a boolean", v, e);
		*(bool *)attr_at(a, p) = b;
		return 0;
	case ATTR_NUM:
		return num_from(a, p, v, e);
	case ATTR_ENUM:
		return enum_from(a, p, v, e);
	case ATTR_MAC:
		return mac_from(a, p, v, e);
	case ATTR_IP:
		return ip_from(a, attr_at(a, p), v, e);
	case ATTR_CIDR:
		return prefix_from(a, attr_at(a, p), v, e);
	case ATTR_DICT:
		return dict_from(a, p, v, e);
	case ATTR_LIST:
	case ATTR_TEXTS:
	case ATTR_IPS:
	case ATTR_CIDRS:
		return a->one ? one_from(a, p, v, e) : list_from(a, p, v, e);
	default: /* no row of these types gives the right to set it */
		return nb_fail_attr(e, a->name, "it cannot be set");
	}
}

/* ---- out ---- */

static const char *time_format(int64_t t, char buf[PREFIX_TEXT])
{
	time_t s = (time_t)t;
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(buf, PREFIX_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

const char *nb_word(const struct attr *a, const void *v, char buf[PREFIX_TEXT])
{
	const struct ip_prefix *prefix = v;
	const char *s;

	switch (a->type) {
	case ATTR_ID:
		return ((const char *)v)[0] ? v : NULL;
	case ATTR_ENUM:
		s = a->words[*(const uint32_t *)v];
		return s[0] ? s : NULL;
	case ATTR_MAC:
		return mac_format(v, buf);
	case ATTR_IP:
		return ((const struct ip_addr *)v)->family ? ip_format(v, buf) : NULL;
	case ATTR_CIDR:
		if (!prefix->addr.family)
			return NULL;
		if (a->preset && prefix->len == ip_size(&prefix->addr) * 8)
			return ip_format(&prefix->addr, buf);
		return ip_prefix_format(prefix, buf);
	default:
		return time_format(*(const int64_t *)v, buf);
	}
}

static json_t *element_json(const struct shape *s, const void *p)
{
	json_t *o = json_object();

	for (const struct attr *m = s->attrs; m < s->attrs + s->n; m++)
		if (!(m->rights & RIGHT_HIDDEN))
			json_object_set_new_nocheck(o, m->name, nb_to_json(m, p, NULL));
	return o;
}

static json_t *list_json(const struct attr *a, const void *p)
{
	const char *list = *(char *const *)attr_at(a, p);
	size_t n = *attr_n(a, p);
	json_t *out;
	char buf[PREFIX_TEXT];

	if (a->one)
		return n ? element_json(a->element, list) : json_null();
	out = json_array();
	for (size_t i = 0; i < n; i++) {
		if (a->type == ATTR_TEXTS) {
			json_array_append_new(out,
					      json_string(((char *const *)(const void *)list)[i]));
		} else if (a->type == ATTR_CIDRS) {
			ip_prefix_format((const struct ip_prefix *)(const void *)list + i, buf);
			json_array_append_new(out, json_string(buf));
		} else if (a->type == ATTR_IPS) {
			ip_format((const struct ip_addr *)(const void *)list + i, buf);
			json_array_append_new(out, json_string(buf));
		} else {
			json_array_append_new(
				out, element_json(a->element, list + i * a->element->size));
		}
	}
	return out;
}

static json_t *scalar_json(const struct attr *a, const void *v)
{
	char buf[PREFIX_TEXT];
	const char *s;

	if (a->type == ATTR_BOOL)
		return json_boolean(*(const bool *)v);
	if (a->type == ATTR_NUM)
		return *(const uint32_t *)v == NUM_NONE ? json_null()
							: json_integer(*(const uint32_t *)v);
	s = nb_word(a, v, buf);
	return s ? json_string_nocheck(s) : json_null();
}

json_t *nb_to_json(const struct attr *a, const void *p, const struct world_obj *o)
{
	const char *s;

	switch (a->type) {
	case ATTR_CALC:
		return a->calc(o);
	case ATTR_FIXED:
		return json_loads(a->text, JSON_DECODE_ANY, NULL);
	case ATTR_TEXT:
		s = *(char *const *)attr_at(a, p);
		return s ? json_string_nocheck(s) : json_null();
	case ATTR_DICT:
		s = *(char *const *)attr_at(a, p);
		return s ? json_loads(s, 0, NULL) : json_object();
	case ATTR_LIST:
	case ATTR_TEXTS:
	case ATTR_IPS:
	case ATTR_CIDRS:
		return list_json(a, p);
	default:
		return scalar_json(a, attr_at(a, p));
	}
}

json_t *nb_object_json(const struct resource *r, const struct world_obj *o, uint64_t fields)
{
	const void *p = world_obj_attrs((struct world_obj *)(uintptr_t)o);
	json_t *out = json_object();

	for (size_t i = 0; i < r->shape.n; i++)
		if (fields >> i & 1)
			json_object_set_new_nocheck(out, r->shape.attrs[i].name,
						    nb_to_json(&r->shape.attrs[i], p, o));
	return out;
}
