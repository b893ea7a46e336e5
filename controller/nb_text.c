/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/nb_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"

enum { ROOM = 4096, FLAGS = JSON_COMPACT | JSON_ENCODE_ANY };

static char *more(struct nb_text *t, size_t n)
{
	if (t->n + n > t->room) {
		t->room = t->room ? t->room : ROOM;
		while (t->n + n > t->room)
			t->room *= 2;
		t->p = realloc(t->p, t->room);
		mem_check(t->p);
	}
	t->n += n;
	return t->p + t->n - n;
}

static void bytes(struct nb_text *t, const char *s, size_t n)
{
	memcpy(more(t, n), s, n);
}

void nb_text_add(struct nb_text *t, const char *s)
{
	bytes(t, s, strlen(s));
}

/* RFC 8259, section 7: quotes, backslashes and control characters are escaped. */
static void escaped(struct nb_text *t, char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *at = c ? strchr(plain, c) : NULL;
	char buf[8];

	if (at)
		snprintf(buf, sizeof(buf), "\\%c", letters[at - plain]);
	else
		snprintf(buf, sizeof(buf), "\\u%04X", (unsigned char)c);
	nb_text_add(t, buf);
}

static void string(struct nb_text *t, const char *s)
{
	size_t n;

	nb_text_add(t, "\"");
	for (;; s += n + 1) {
		for (n = 0; (unsigned char)s[n] >= ' ' && s[n] != '"' && s[n] != '\\'; n++)
			;
		bytes(t, s, n);
		if (!s[n])
			break;
		escaped(t, s[n]);
	}
	nb_text_add(t, "\"");
}

static void word(struct nb_text *t, const char *s)
{
	if (s)
		string(t, s);
	else
		nb_text_add(t, "null");
}

void nb_text_json(struct nb_text *t, const json_t *v)
{
	size_t n;

	if (json_is_string(v)) {
		string(t, json_string_value(v));
		return;
	}
	n = json_dumpb(v, NULL, 0, FLAGS);
	json_dumpb(v, more(t, n), n, FLAGS);
}

static void attribute(struct nb_text *t, const struct attr *a, const void *p,
		      const struct world_obj *o);

static void key(struct nb_text *t, const struct attr *a, bool first)
{
	nb_text_add(t, first ? "{\"" : ",\"");
	nb_text_add(t, a->name);
	nb_text_add(t, "\":");
}

static void element(struct nb_text *t, const struct shape *s, const void *p)
{
	bool first = true;

	for (const struct attr *m = s->attrs; m < s->attrs + s->n; m++) {
		if (m->rights & RIGHT_HIDDEN)
			continue;
		key(t, m, first);
		attribute(t, m, p, NULL);
		first = false;
	}
	nb_text_add(t, first ? "{}" : "}");
}

static void item(struct nb_text *t, const struct attr *a, const char *list, size_t i)
{
	char buf[PREFIX_TEXT];

	if (a->type == ATTR_TEXTS)
		string(t, ((char *const *)(const void *)list)[i]);
	else if (a->type == ATTR_CIDRS)
		string(t, ip_prefix_format((const struct ip_prefix *)(const void *)list + i, buf));
	else if (a->type == ATTR_IPS)
		string(t, ip_format((const struct ip_addr *)(const void *)list + i, buf));
	else
		element(t, a->element, list + i * a->element->size);
}

static void list(struct nb_text *t, const struct attr *a, const void *p)
{
	const char *list = *(char *const *)attr_at(a, p);
	size_t n = *attr_n(a, p);

	if (a->one && !n) {
		nb_text_add(t, "null");
	} else if (a->one) {
		element(t, a->element, list);
	} else {
		nb_text_add(t, "[");
		for (size_t i = 0; i < n; i++) {
			nb_text_add(t, i ? "," : "");
			item(t, a, list, i);
		}
		nb_text_add(t, "]");
	}
}

static void calculated(struct nb_text *t, const struct attr *a, const struct world_obj *o)
{
	json_t *v = a->calc(o);

	nb_text_json(t, v);
	json_decref(v);
}

static void number(struct nb_text *t, uint32_t n)
{
	char buf[16];

	snprintf(buf, sizeof(buf), "%u", n);
	nb_text_add(t, n == NUM_NONE ? "null" : buf);
}

static void attribute(struct nb_text *t, const struct attr *a, const void *p,
		      const struct world_obj *o)
{
	const char *s;
	char buf[PREFIX_TEXT];

	switch (a->type) {
	case ATTR_CALC:
		calculated(t, a, o);
		break;
	case ATTR_FIXED:
		nb_text_add(t, a->text);
		break;
	case ATTR_TEXT:
		word(t, *(char *const *)attr_at(a, p));
		break;
	case ATTR_DICT: /* kept as text */
		s = *(char *const *)attr_at(a, p);
		nb_text_add(t, s ? s : "{}");
		break;
	case ATTR_LIST:
	case ATTR_TEXTS:
	case ATTR_IPS:
	case ATTR_CIDRS:
		list(t, a, p);
		break;
	case ATTR_BOOL:
		nb_text_add(t, *(const bool *)attr_at(a, p) ? "true" : "false");
		break;
	case ATTR_NUM:
		number(t, *(const uint32_t *)attr_at(a, p));
		break;
	default:
		word(t, nb_word(a, attr_at(a, p), buf));
	}
}

void nb_text_object(struct nb_text *t, const struct resource *r, const struct world_obj *o,
		    uint64_t fields)
{
	const void *p = world_obj_attrs((struct world_obj *)(uintptr_t)o);
	bool first = true;

	for (size_t i = 0; i < r->shape.n; i++) {
		if (!(fields >> i & 1))
			continue;
		key(t, &r->shape.attrs[i], first);
		attribute(t, &r->shape.attrs[i], p, o);
		first = false;
	}
	nb_text_add(t, first ? "{}" : "}");
}

char *nb_text_end(struct nb_text *t)
{
	*more(t, 1) = '\0';
	return t->p;
}
