/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/record.pb-c.h"

static const ProtobufCMessageDescriptor *const descriptors[N_RESOURCES] = {
#define RESOURCE(noun, KIND, ...) [WORLD_##KIND] = &weft__record__##noun##__descriptor,
#include "controller/resource_blank.h"
#include "controller/resource.def"
#include "controller/resource_undef.h"
};

static bool is_kept(const struct attr *a)
{
	return a->member && !(a->rights & RIGHT_ALIAS);
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *d,
						const struct attr *a)
{
	return protobuf_c_message_descriptor_get_field_by_name(d, a->member);
}

static void *at(const void *base, size_t offset)
{
	return (char *)(uintptr_t)base + offset;
}

/* ---- one value as text, for all types that are kept as strings ---- */

static const uint8_t no_mac[6];

/* NULL when there is nothing to keep; else memory of its own. */
static char *text_of(const struct attr *a, const void *p)
{
	const void *v = attr_at(a, p);
	char buf[PREFIX_TEXT];

	switch (a->type) {
	case ATTR_ID:
		return ((const char *)v)[0] ? mem_str(v) : NULL;
	case ATTR_TEXT:
	case ATTR_DICT:
		return mem_str(*(char *const *)v);
	case ATTR_ENUM:
		return mem_str(a->words[*(const uint32_t *)v]);
	case ATTR_MAC:
		return memcmp(v, no_mac, 6) ? mem_str(mac_format(v, buf)) : NULL;
	case ATTR_IP:
		return ((const struct ip_addr *)v)->family ? mem_str(ip_format(v, buf)) : NULL;
	case ATTR_CIDR:
		return ((const struct ip_prefix *)v)->addr.family
			       ? mem_str(ip_prefix_format(v, buf))
			       : NULL;
	default:
		return NULL;
	}
}

static int enum_from(const struct attr *a, const char *s, uint32_t *v)
{
	for (uint32_t i = 0; a->words[i]; i++)
		if (!strcmp(a->words[i], s)) {
			*v = i;
			return 0;
		}
	return -EBADMSG;
}

/* The reverse of text_of(): 0 or -EBADMSG. */
static int text_into(const struct attr *a, void *p, const char *s)
{
	void *v = attr_at(a, p);

	switch (a->type) {
	case ATTR_ID:
		if (strlen(s) >= UUID_TEXT)
			return -EBADMSG;
		strcpy(v, s);
		return 0;
	case ATTR_TEXT:
	case ATTR_DICT:
		attr_clear(a, p);
		*(char **)v = mem_str(s);
		return 0;
	case ATTR_ENUM:
		return enum_from(a, s, v);
	case ATTR_MAC:
		return mac_parse(s, v) ? -EBADMSG : 0;
	case ATTR_IP:
		return ip_parse(s, v) ? -EBADMSG : 0;
	case ATTR_CIDR:
		return ip_prefix_parse(s, v) ? -EBADMSG : 0;
	default:
		return -EBADMSG;
	}
}

/* ---- to a message ---- */

static ProtobufCMessage *message_of(const ProtobufCMessageDescriptor *d, const struct shape *s,
				    const void *p);

static void list_to(const struct attr *a, const void *p, const ProtobufCFieldDescriptor *f,
		    ProtobufCMessage *m)
{
	const char *list = *(char *const *)attr_at(a, p);
	size_t n = *attr_n(a, p);
	void **out;

	if (!n)
		return;
	out = mem_array(n, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		char buf[PREFIX_TEXT];

		if (a->type == ATTR_LIST)
			out[i] = message_of(f->descriptor, a->element, list + i * a->element->size);
		else if (a->type == ATTR_TEXTS)
			out[i] = mem_str(((char *const *)(const void *)list)[i]);
		else if (a->type == ATTR_CIDRS)
			out[i] = mem_str(ip_prefix_format(
				(const struct ip_prefix *)(const void *)list + i, buf));
		else
			out[i] = mem_str(
				ip_format((const struct ip_addr *)(const void *)list + i, buf));
	}
	*(void ***)at(m, f->offset) = out;
	*(size_t *)at(m, f->quantifier_offset) = n;
}

static void number_to(const struct attr *a, const void *p, const ProtobufCFieldDescriptor *f,
		      ProtobufCMessage *m)
{
	const void *v = attr_at(a, p);

	if (a->type == ATTR_NUM && *(const uint32_t *)v == NUM_NONE)
		return;
	*(protobuf_c_boolean *)at(m, f->quantifier_offset) = 1;
	if (a->type == ATTR_BOOL)
		*(protobuf_c_boolean *)at(m, f->offset) = *(const bool *)v;
	else if (a->type == ATTR_NUM)
		*(uint32_t *)at(m, f->offset) = *(const uint32_t *)v;
	else
		*(int64_t *)at(m, f->offset) = *(const int64_t *)v;
}

static ProtobufCMessage *message_of(const ProtobufCMessageDescriptor *d, const struct shape *s,
				    const void *p)
{
	ProtobufCMessage *m = mem_get(d->sizeof_message);

	protobuf_c_message_init(d, m);
	for (const struct attr *a = s->attrs; a < s->attrs + s->n; a++) {
		const ProtobufCFieldDescriptor *f = is_kept(a) ? field_of(d, a) : NULL;

		if (!f)
			continue;
		switch (a->type) {
		case ATTR_BOOL:
		case ATTR_NUM:
		case ATTR_TIME:
			number_to(a, p, f, m);
			break;
		case ATTR_LIST:
		case ATTR_TEXTS:
		case ATTR_IPS:
		case ATTR_CIDRS:
			list_to(a, p, f, m);
			break;
		default:
			*(char **)at(m, f->offset) = text_of(a, p);
		}
	}
	return m;
}

uint8_t *record_pack(enum world_kind kind, const void *a, size_t *n)
{
	ProtobufCMessage *m = message_of(descriptors[kind], &resources[kind].shape, a);
	uint8_t *p = mem_get(protobuf_c_message_get_packed_size(m));

	*n = protobuf_c_message_pack(m, p);
	protobuf_c_message_free_unpacked(m, NULL);
	return p;
}

/* ---- from a message ---- */

static int attrs_from(const struct shape *s, void *p, const ProtobufCMessage *m, struct err *e);

static int list_from(const struct attr *a, void *p, const ProtobufCFieldDescriptor *f,
		     const ProtobufCMessage *m, struct err *e)
{
	void **in = *(void ***)at(m, f->offset);
	size_t n = *(size_t *)at(m, f->quantifier_offset);
	size_t size = attr_item_size(a);
	char *list;
	int rc = 0;

	if (!n)
		return 0;
	list = mem_array(n, size);
	*(char **)attr_at(a, p) = list;
	*attr_n(a, p) = n;
	for (size_t i = 0; i < n && !rc; i++, list += size) {
		if (a->type == ATTR_LIST) {
			attrs_init(a->element, list);
			rc = attrs_from(a->element, list, in[i], e);
		} else if (a->type == ATTR_TEXTS)
			*(char **)(void *)list = mem_str(in[i]);
		else if (a->type == ATTR_CIDRS
				 ? ip_prefix_parse(in[i], (struct ip_prefix *)(void *)list)
				 : ip_parse(in[i], (struct ip_addr *)(void *)list))
			rc = err_set(e, -EBADMSG, "%s: '%s' is no address", a->member,
				     (char *)in[i]);
	}
	return rc;
}

static void number_from(const struct attr *a, void *p, const ProtobufCFieldDescriptor *f,
			const ProtobufCMessage *m)
{
	void *v = attr_at(a, p);

	if (!*(protobuf_c_boolean *)at(m, f->quantifier_offset))
		return;
	if (a->type == ATTR_BOOL)
		*(bool *)v = *(protobuf_c_boolean *)at(m, f->offset);
	else if (a->type == ATTR_NUM)
		*(uint32_t *)v = *(uint32_t *)at(m, f->offset);
	else
		*(int64_t *)v = *(int64_t *)at(m, f->offset);
}

/* Fills 'p', whose members have their defaults; on failure what is filled is still to be freed. */
static int attrs_from(const struct shape *s, void *p, const ProtobufCMessage *m, struct err *e)
{
	int rc = 0;

	for (const struct attr *a = s->attrs; a < s->attrs + s->n && !rc; a++) {
		const ProtobufCFieldDescriptor *f = is_kept(a) ? field_of(m->descriptor, a) : NULL;
		const char *text;

		if (!f)
			continue;
		switch (a->type) {
		case ATTR_BOOL:
		case ATTR_NUM:
		case ATTR_TIME:
			number_from(a, p, f, m);
			break;
		case ATTR_LIST:
		case ATTR_TEXTS:
		case ATTR_IPS:
		case ATTR_CIDRS:
			rc = list_from(a, p, f, m, e);
			break;
		default:
			text = *(char **)at(m, f->offset);
			if (text && text_into(a, p, text))
				rc = err_set(e, -EBADMSG, "%s: '%.80s' is not understood",
					     a->member, text);
		}
	}
	return rc;
}

int record_unpack(enum world_kind kind, const uint8_t *p, size_t n, void *a, struct err *e)
{
	const struct shape *s = &resources[kind].shape;
	ProtobufCMessage *m = protobuf_c_message_unpack(descriptors[kind], NULL, n, p);
	int rc;

	if (!m)
		return err_set(e, -EBADMSG, "not a %s record", resources[kind].name);
	attrs_init(s, a);
	rc = attrs_from(s, a, m, e);
	protobuf_c_message_free_unpacked(m, NULL);
	if (rc)
		attrs_fini(s, a);
	return rc;
}

/* ---- do the two declarations agree? ---- */

static ProtobufCType kept_as(const struct attr *a)
{
	switch (a->type) {
	case ATTR_BOOL:
		return PROTOBUF_C_TYPE_BOOL;
	case ATTR_NUM:
		return PROTOBUF_C_TYPE_UINT32;
	case ATTR_TIME:
		return PROTOBUF_C_TYPE_INT64;
	case ATTR_LIST:
		return PROTOBUF_C_TYPE_MESSAGE;
	default:
		return PROTOBUF_C_TYPE_STRING;
	}
}

static int shape_check(const ProtobufCMessageDescriptor *d, const struct shape *s, struct err *e)
{
	for (const struct attr *a = s->attrs; a < s->attrs + s->n; a++) {
		const ProtobufCFieldDescriptor *f = is_kept(a) ? field_of(d, a) : NULL;
		bool list = attr_is_list(a);

		if (!is_kept(a))
			continue;
		if (!f)
			return err_set(e, -EINVAL, "message %s lacks field '%s'", d->name,
				       a->member);
		if (f->type != kept_as(a) || (f->label == PROTOBUF_C_LABEL_REPEATED) != list)
			return err_set(e, -EINVAL, "message %s: field '%s' has another type",
				       d->name, a->member);
		if (a->type == ATTR_LIST && shape_check(f->descriptor, a->element, e))
			return -EINVAL;
	}
	return 0;
}

int record_check(struct err *e)
{
	for (int k = 0; k < N_RESOURCES; k++)
		if (shape_check(descriptors[k], &resources[k].shape, e))
			return -EINVAL;
	return 0;
}
