/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/resource.h"

#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"

const char *const net_type_names[] = { "vxlan", "vlan", "flat", NULL };
/* The mode that is none has no word: it is null. */
const char *const ipv6_mode_names[] = { "", "slaac", "dhcpv6-stateful", "dhcpv6-stateless", NULL };
const char *const forward_protocol_names[] = { "", "tcp", "udp", "icmp", "sctp", NULL };
const char *const sg_direction_names[] = { "ingress", "egress", NULL };
const char *const sg_ethertype_names[] = { "IPv4", "IPv6", NULL };
const char *const rbac_action_names[] = { "access_as_shared", "access_as_external", NULL };
const char *const vnic_type_names[] = { "normal",	  "virtio-forwarder",
					"direct",	  "direct-physical",
					"macvtap",	  "baremetal",
					"vdpa",		  "smart-nic",
					"remote-managed", NULL };

/* ---- what the rows refer to ---- */

enum {
	kind_of_none = -1,
#define RESOURCE(noun, KIND, ...) kind_of_##noun = WORLD_##KIND,
#include "controller/resource_blank.h"
#include "controller/resource.def"
#include "controller/resource_undef.h"
};

#define RESOURCE(...)
#define ELEMENT(noun) static struct shape noun##_shape = { #noun, .size = sizeof(struct noun) };
#include "controller/resource_blank.h"
#include "controller/resource.def"
#include "controller/resource_undef.h"

/* ---- the rows ---- */

#define C RIGHT_CREATE
#define U RIGHT_UPDATE
#define R RIGHT_REQUIRED
#define N RIGHT_NULL
#define H RIGHT_HIDDEN
#define S RIGHT_SORT
#define W RIGHT_WRITE_ONLY
#define I RIGHT_INTEGER
#define P RIGHT_PREFIX

/* Each RESOURCE or ELEMENT becomes a function whose typedef 'self' the rows can refer to. */
#define OPEN(noun, struct_name)                           \
	static const struct attr *noun##_rows(size_t *n_) \
	{                                                 \
		typedef struct_name self;                 \
		static const struct attr rows[] = {
#define END(noun)                           \
	}                                   \
	;                                   \
	(void)sizeof(self);                 \
	*n_ = sizeof(rows) / sizeof(*rows); \
	return rows;                        \
	}
#define RESOURCE(noun, ...) OPEN(noun, struct noun##_attrs)
#define ELEMENT(noun)	    OPEN(noun, struct noun)

#define ROW(t, m, nm, rt, ...)         \
	{ .type = ATTR_##t,            \
	  .member = #m,                \
	  .name = nm,                  \
	  .offset = offsetof(self, m), \
	  .rights = (rt),              \
	  __VA_ARGS__ },
#define COUNT(m)		   .n_offset = offsetof(self, n_##m)

#define ID(m, nm, of_, rt)	   ROW(ID, m, nm, rt, .max = UUID_TEXT - 1, .of = kind_of_##of_)
#define PARENT(m, of_)		   ROW(ID, m, #m, H | RIGHT_PARENT, .max = UUID_TEXT - 1, .of = kind_of_##of_)
#define TEXT(m, nm, mx, df, rt)	   ROW(TEXT, m, nm, rt, .max = (mx), .text = (df))
#define BOOL(m, nm, df, rt)	   ROW(BOOL, m, nm, rt, .preset = (df))
#define NUM(m, nm, mn, mx, df, rt) ROW(NUM, m, nm, rt, .min = (mn), .max = (mx), .preset = (df))
#define ENUM(m, nm, e, df, rt)	   ROW(ENUM, m, nm, rt, .words = e##_names, .preset = (df))
#define MAC(m, nm, rt)		   ROW(MAC, m, nm, rt, .max = 0)
#define IP(m, nm, rt)		   ROW(IP, m, nm, rt, .max = 0)
#define CIDR(m, nm, rt)		   ROW(CIDR, m, nm, rt, .max = 0)
#define HOSTS(m, nm, rt)	   ROW(CIDR, m, nm, rt, .preset = 1)
#define TIME(m, nm, rt)		   ROW(TIME, m, nm, rt, .max = 0)
#define LIST(m, nm, el, mx, rt) \
	ROW(LIST, m, nm, rt, COUNT(m), .max_n = (mx), .element = &el##_shape)
#define ONE(m, nm, el, rt) \
	ROW(LIST, m, nm, rt, COUNT(m), .max_n = 1, .one = true, .element = &el##_shape)
#define TEXTS(m, nm, len, mx, rt) ROW(TEXTS, m, nm, rt, COUNT(m), .max = (len), .max_n = (mx))
#define CIDRS(m, nm, mx, rt)	  ROW(CIDRS, m, nm, rt, COUNT(m), .max_n = (mx))
#define IPS(m, nm, mx, rt)	  ROW(IPS, m, nm, rt, COUNT(m), .max_n = (mx))
#define DICT(m, nm, mx, rt)	  ROW(DICT, m, nm, rt, .max = (mx))
#define ALIAS(nm, m)		  ROW(TEXT, m, nm, C | S | RIGHT_ALIAS, .max = 255)
#define CALC(nm, t, fn, rt) \
	{ .type = ATTR_CALC, .name = nm, .rights = (rt), .calc_type = ATTR_##t, .calc = fn },
#define FIXED(nm, json) { .type = ATTR_FIXED, .name = nm, .rights = C | U, .text = json },

#include "controller/resource.def"
#include "controller/resource_undef.h"

struct resource resources[N_RESOURCES] = {
#define RESOURCE(noun, KIND, number, nm, coll, tp) \
	[WORLD_##KIND] = { .kind = WORLD_##KIND,   \
			   .kept = number,         \
			   .name = nm,             \
			   .collection = coll,     \
			   .type = tp,             \
			   .shape = { #noun, sizeof(struct noun##_attrs) } },
#include "controller/resource_blank.h"
#include "controller/resource.def"
#include "controller/resource_undef.h"
};

static const struct attr *parent_of(const struct shape *s)
{
	for (const struct attr *a = s->attrs; a < s->attrs + s->n; a++)
		if (a->rights & RIGHT_PARENT)
			return a;
	return NULL;
}

static void plural_of(struct resource *r)
{
	for (size_t i = 0; r->collection[i] && i < sizeof(r->plural) - 1; i++)
		r->plural[i] = (char)(r->collection[i] == '-' ? '_' : r->collection[i]);
}

/* The rows are in functions, so the shapes learn of them when the program starts. */
__attribute__((constructor)) static void rows_init(void)
{
#define RESOURCE(noun, KIND, ...)            \
	plural_of(&resources[WORLD_##KIND]); \
	resources[WORLD_##KIND].shape.attrs = noun##_rows(&resources[WORLD_##KIND].shape.n);
#define ELEMENT(noun) noun##_shape.attrs = noun##_rows(&noun##_shape.n);
#include "controller/resource_blank.h"
#include "controller/resource.def"
#include "controller/resource_undef.h"
	for (size_t i = 0; i < N_RESOURCES; i++) {
		resources[i].parent = parent_of(&resources[i].shape);
		resources[i].tenant = attr_find(&resources[i].shape, "tenant_id");
	}
}

/* ---- by rows alone ---- */

const struct attr *attr_find(const struct shape *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->attrs[i].name, name))
			return &s->attrs[i];
	return NULL;
}

void attrs_init(const struct shape *s, void *p)
{
	memset(p, 0, s->size);
	for (const struct attr *a = s->attrs; a < s->attrs + s->n; a++) {
		if (a->rights & RIGHT_ALIAS)
			continue;
		if (a->type == ATTR_TEXT)
			*(char **)attr_at(a, p) = mem_str(a->text);
		else if (a->type == ATTR_BOOL)
			*(bool *)attr_at(a, p) = a->preset;
		else if (a->type == ATTR_NUM || a->type == ATTR_ENUM)
			*(uint32_t *)attr_at(a, p) = a->preset;
	}
}

size_t attr_item_size(const struct attr *a)
{
	switch (a->type) {
	case ATTR_LIST:
		return a->element->size;
	case ATTR_TEXTS:
		return sizeof(char *);
	case ATTR_CIDRS:
		return sizeof(struct ip_prefix);
	default:
		return sizeof(struct ip_addr);
	}
}

static void list_free(const struct attr *a, void *p)
{
	char *list = *(char **)attr_at(a, p);

	for (size_t i = 0; i < *attr_n(a, p); i++) {
		if (a->type == ATTR_LIST)
			attrs_fini(a->element, list + i * a->element->size);
		else if (a->type == ATTR_TEXTS)
			free(((char **)(void *)list)[i]);
	}
	free(list);
	*(char **)attr_at(a, p) = NULL;
	*attr_n(a, p) = 0;
}

void attr_clear(const struct attr *a, void *p)
{
	switch (a->type) {
	case ATTR_TEXT:
	case ATTR_DICT:
		free(*(char **)attr_at(a, p));
		*(char **)attr_at(a, p) = NULL;
		break;
	case ATTR_LIST:
	case ATTR_TEXTS:
	case ATTR_IPS:
	case ATTR_CIDRS:
		list_free(a, p);
		break;
	case ATTR_ID:
		*(char *)attr_at(a, p) = '\0';
		break;
	case ATTR_IP:
		*(struct ip_addr *)attr_at(a, p) = (struct ip_addr){ 0 };
		break;
	case ATTR_CIDR:
		*(struct ip_prefix *)attr_at(a, p) = (struct ip_prefix){ { 0 }, 0 };
		break;
	default:
		break; /* owns nothing, and every value is one */
	}
}

void attrs_fini(const struct shape *s, void *p)
{
	for (const struct attr *a = s->attrs; a < s->attrs + s->n; a++)
		if (a->member)
			attr_clear(a, p);
	memset(p, 0, s->size);
}

static void list_copy(const struct attr *a, void *dst, const void *src)
{
	const char *from = *(char **)attr_at(a, src);
	size_t n = *attr_n(a, src);
	size_t size = attr_item_size(a);
	char *to;

	*(char **)attr_at(a, dst) = NULL;
	if (!n)
		return;
	to = mem_array(n, size);
	*(char **)attr_at(a, dst) = to;
	for (size_t i = 0; i < n; i++) {
		if (a->type == ATTR_LIST)
			attrs_copy(a->element, to + i * size, from + i * size);
		else if (a->type == ATTR_TEXTS)
			((char **)(void *)to)[i] = mem_str(((char *const *)(const void *)from)[i]);
		else
			memcpy(to + i * size, from + i * size, size);
	}
}

void attrs_copy(const struct shape *s, void *dst, const void *src)
{
	memcpy(dst, src, s->size);
	for (const struct attr *a = s->attrs; a < s->attrs + s->n; a++) {
		if (a->rights & RIGHT_ALIAS)
			continue;
		if (a->type == ATTR_TEXT || a->type == ATTR_DICT)
			*(char **)attr_at(a, dst) = mem_str(*(char **)attr_at(a, src));
		else if (attr_is_list(a))
			list_copy(a, dst, src);
	}
}
