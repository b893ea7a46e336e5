/* SPDX-License-Identifier: Apache-2.0 */
/* Management messages: packed, unpacked, split and joined. */
#include "ofproto/mgmt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MGMT_HEADER = OF_HEADER_LEN + 8, /* and experimenter, exp_type */
	MGMT_DATA_MAX = OF_MSG_MAX - MGMT_HEADER,
	MGMT_TAG_MAX = 10, /* tag and length before an element */
};

/* ---- protobuf-c's allocator on an arena ---- */

static void *arena_alloc(void *arena, size_t n)
{
	return arena_get(arena, n);
}

static void arena_no_free(void *arena, void *p)
{
	(void)arena; /* all goes with the arena */
	(void)p;
}

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *d, struct of_span data,
				struct arena *a)
{
	ProtobufCAllocator alloc = { arena_alloc, arena_no_free, a };

	return protobuf_c_message_unpack(d, &alloc, data.n, data.p);
}

/* ---- wrapping ---- */

static const struct of_any *mgmt_body(const struct of_msg *m, enum of_kind kind)
{
	const struct of_experimenter_msg *x = (const struct of_experimenter_msg *)m->body;

	return x && x->kind == OF_KIND_experimenter_msg && x->body && x->body->kind == kind
		       ? x->body
		       : NULL;
}

bool mgmt_is_request(const struct of_msg *m)
{
	return mgmt_body(m, OF_KIND_weft_request);
}

bool mgmt_is_reply(const struct of_msg *m)
{
	return mgmt_body(m, OF_KIND_weft_reply);
}

static int mgmt_send(struct of_session *s, uint32_t xid, enum of_kind kind,
		     const ProtobufCMessage *msg)
{
	size_t n = protobuf_c_message_get_packed_size(msg);
	struct of_weft_request data = { .kind = kind };
	struct of_experimenter_msg x = {
		.kind = OF_KIND_experimenter_msg,
		.experimenter = OF_WEFT_ID,
		.exp_type = kind == OF_KIND_weft_request ? 1 : 2,
		.body = (struct of_any *)&data,
	};
	uint8_t *p;
	int r;

	_Static_assert(sizeof(struct of_weft_request) == sizeof(struct of_weft_reply),
		       "both are only data");
	if (n > MGMT_DATA_MAX)
		return -EMSGSIZE;
	p = malloc(n + 1);
	if (!p)
		return -ENOMEM;
	data.data = (struct of_span){ .n = (uint32_t)protobuf_c_message_pack(msg, p), .p = p };
	r = of_session_send(s, xid, (struct of_any *)&x);
	free(p);
	return r;
}

int mgmt_request_send(struct of_session *s, uint32_t xid, const Weft__Request *r)
{
	return mgmt_send(s, xid, OF_KIND_weft_request, &r->base);
}

int mgmt_request_unpack(const struct of_msg *m, struct arena *a, Weft__Request **out,
			struct of_err *e)
{
	const struct of_weft_request *w =
		(const struct of_weft_request *)mgmt_body(m, OF_KIND_weft_request);
	Weft__Request *r;

	*e = (struct of_err){ .type = OFPET_BAD_REQUEST,
			      .code = OFPBRC_BAD_EXP_TYPE,
			      .offset = MGMT_HEADER };
	if (!w) {
		snprintf(e->text, sizeof(e->text), "not a Weft request");
		return -EPROTO;
	}
	r = (Weft__Request *)unpack(&weft__request__descriptor, w->data, a);
	if (!r) {
		snprintf(e->text, sizeof(e->text), "%u bytes that are not a weft.Request",
			 w->data.n);
		return -EPROTO;
	}
	if (r->op_case == WEFT__REQUEST__OP__NOT_SET) {
		snprintf(e->text, sizeof(e->text), "a request without an operation known here");
		return -EPROTO;
	}
	*out = r;
	return 0;
}

/* ---- splitting ---- */

/* The message in the oneof 'body', NULL when there is none; '*field' its descriptor. */
static ProtobufCMessage **body_of(const Weft__Reply *r, const ProtobufCFieldDescriptor **field)
{
	*field = protobuf_c_message_descriptor_get_field(r->base.descriptor, r->body_case);
	if (!*field)
		return NULL;
	return (ProtobufCMessage **)((char *)r + (*field)->offset);
}

static bool repeated(const ProtobufCFieldDescriptor *f)
{
	return f->label == PROTOBUF_C_LABEL_REPEATED;
}

static size_t *count_of(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	return (size_t *)((char *)m + f->quantifier_offset);
}

static void **array_of(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	return (void **)((char *)m + f->offset);
}

/* 0: elements of this type are not divided among messages. */
static size_t elem_size(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
	case PROTOBUF_C_TYPE_STRING:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_UINT32:
		return sizeof(uint32_t);
	default:
		return 0;
	}
}

static size_t elem_bytes(const ProtobufCFieldDescriptor *f, const void *p)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		return protobuf_c_message_get_packed_size(*(ProtobufCMessage *const *)p) +
		       MGMT_TAG_MAX;
	case PROTOBUF_C_TYPE_STRING:
		return strlen(*(char *const *)p) + MGMT_TAG_MAX;
	default:
		return MGMT_TAG_MAX;
	}
}

/* Where in the repeated members the next part begins. */
struct split {
	const ProtobufCMessage *whole;
	unsigned int field;
	size_t index;
};

/* Fills the copy 'part' with as many elements as fit; false when nothing remains after it. */
static bool split_next(struct split *at, ProtobufCMessage *part)
{
	const ProtobufCMessageDescriptor *d = at->whole->descriptor;
	size_t used;
	bool first = true;

	for (unsigned int i = 0; i < d->n_fields; i++)
		if (repeated(&d->fields[i]) && elem_size(&d->fields[i]))
			*count_of(part, &d->fields[i]) = 0;
	used = protobuf_c_message_get_packed_size(part) + 2 * MGMT_TAG_MAX;
	for (; at->field < d->n_fields; at->field++, at->index = 0) {
		const ProtobufCFieldDescriptor *f = &d->fields[at->field];
		size_t size = elem_size(f), n;
		char *all;

		if (!repeated(f) || !size)
			continue;
		n = *count_of(at->whole, f);
		all = *array_of(at->whole, f);
		*array_of(part, f) = all + at->index * size;
		for (; at->index < n; at->index++) {
			size_t bytes = elem_bytes(f, all + at->index * size);

			/* One element at least, so that there is an end to it. */
			if (used + bytes > MGMT_DATA_MAX && !first)
				return true;
			used += bytes;
			first = false;
			++*count_of(part, f);
		}
	}
	return false;
}

/* Sends the body in parts: scalars go with each, elements once. */
static int send_parts(struct of_session *s, uint32_t xid, const Weft__Reply *r,
		      ProtobufCMessage *part, const ProtobufCMessage *whole)
{
	const ProtobufCFieldDescriptor *f;
	struct split at = { .whole = whole };
	Weft__Reply one = *r;
	int err = 0;

	*body_of(&one, &f) = part;
	do {
		one.more = split_next(&at, part);
		err = mgmt_send(s, xid, OF_KIND_weft_reply, &one.base);
	} while (!err && one.more);
	return err;
}

int mgmt_reply_send(struct of_session *s, uint32_t xid, const Weft__Reply *r)
{
	const ProtobufCFieldDescriptor *f;
	ProtobufCMessage **whole = body_of(r, &f), *part;
	int err;

	if (!whole || protobuf_c_message_get_packed_size(&r->base) <= MGMT_DATA_MAX)
		return mgmt_send(s, xid, OF_KIND_weft_reply, &r->base);
	part = malloc((*whole)->descriptor->sizeof_message);
	if (!part)
		return -ENOMEM;
	memcpy(part, *whole, (*whole)->descriptor->sizeof_message);
	err = send_parts(s, xid, r, part, *whole);
	free(part);
	return err;
}

int mgmt_refuse(struct of_session *s, uint32_t xid, Weft__Status status, const char *fmt, ...)
{
	Weft__Reply r = WEFT__REPLY__INIT;
	char words[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	r.status = status;
	r.error = words;
	return mgmt_reply_send(s, xid, &r);
}

/* ---- joining ---- */

void mgmt_join_init(struct mgmt_join *j, size_t limit)
{
	arena_init(&j->arena, limit);
	j->whole = NULL;
}

void mgmt_join_fini(struct mgmt_join *j)
{
	arena_fini(&j->arena);
	j->whole = NULL;
}

/* Appends the elements of 'from' to those of 'to'. */
static int merge(ProtobufCMessage *to, const ProtobufCMessage *from, struct arena *a)
{
	const ProtobufCMessageDescriptor *d = to->descriptor;

	for (unsigned int i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];
		size_t size = repeated(f) ? elem_size(f) : 0;
		size_t have, more = size ? *count_of(from, f) : 0;
		char *p;

		if (!more)
			continue;
		have = *count_of(to, f);
		p = arena_get(a, (have + more) * size);
		if (!p)
			return -ENOMEM;
		if (have)
			memcpy(p, *array_of(to, f), have * size);
		memcpy(p + have * size, *array_of(from, f), more * size);
		*array_of(to, f) = p;
		*count_of(to, f) = have + more;
	}
	return 0;
}

/* protobuf-c lets a later oneof replace an earlier one, so parts are put together here. */
static int add_part(struct mgmt_join *j, Weft__Reply *part, struct err *e)
{
	const ProtobufCFieldDescriptor *f;
	ProtobufCMessage **to, **from;

	if (!j->whole) {
		j->whole = part;
		return 0;
	}
	to = body_of(j->whole, &f);
	from = body_of(part, &f);
	if (!to || !from || j->whole->body_case != part->body_case)
		return err_set(e, -EPROTO, "the parts of a reply do not belong together");
	if (merge(*to, *from, &j->arena))
		return err_set(e, -ENOMEM, "the reply takes more than %zu bytes", j->arena.limit);
	j->whole->more = part->more;
	return 0;
}

int mgmt_join_add(struct mgmt_join *j, const struct of_msg *m, Weft__Reply **out, struct err *e)
{
	const struct of_weft_reply *w =
		(const struct of_weft_reply *)mgmt_body(m, OF_KIND_weft_reply);
	Weft__Reply *part = NULL;
	int r;

	if (!j->whole || !j->whole->more) {
		arena_reset(&j->arena);
		j->whole = NULL;
	}
	if (w)
		part = (Weft__Reply *)unpack(&weft__reply__descriptor, w->data, &j->arena);
	if (part)
		r = add_part(j, part, e);
	else if (w && j->arena.used + w->data.n > j->arena.limit)
		r = err_set(e, -ENOMEM, "the reply takes more than %zu bytes", j->arena.limit);
	else
		r = err_set(e, -EPROTO, "not a well-formed weft.Reply");
	if (r) {
		j->whole = NULL;
		return r;
	}
	*out = j->whole;
	return !j->whole->more;
}
