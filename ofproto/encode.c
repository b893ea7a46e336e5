/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structures to bytes: the interpreter of the descriptor rows, writing side.
 *
 * Lengths, paddings and the members that tell a body's kind are filled in here, so that a caller
 * cannot get them wrong.
 */
#include "ofproto/codec.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static void write_struct(struct of_wr *w, const struct of_any *s);
static void write_rows(struct of_wr *w, const struct of_desc *d, const struct of_any *s);
static void write_msg(struct of_wr *w, const struct of_msg *m);

uint8_t *of_wr_room(struct of_wr *w, size_t n)
{
	uint8_t *p = w->p + w->n;

	if (!w->rc && n > w->size - w->n) {
		w->rc = -EMSGSIZE;
		err_set(w->e, w->rc, "does not fit into %zu bytes", w->size);
	}
	if (w->rc)
		return NULL;
	w->n += n;
	return n ? memset(p, 0, n) : p;
}

void of_wr_be(struct of_wr *w, unsigned int n, uint64_t v)
{
	uint8_t *p = of_wr_room(w, n);

	if (p)
		put_be(p, n, v);
}

void of_wr_bytes(struct of_wr *w, const void *p, size_t n)
{
	uint8_t *to = of_wr_room(w, n);

	if (to && n)
		memcpy(to, p, n);
}

void of_wr_fail(struct of_wr *w, const char *fmt, ...)
{
	char text[sizeof(w->e->text)];
	va_list ap;

	if (w->rc)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->rc = err_set(w->e, -EINVAL, "%s", text);
}

static uint64_t load(const void *member, unsigned int size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)member;
	case 2:
		return *(const uint16_t *)member;
	case 4:
		return *(const uint32_t *)member;
	default:
		return *(const uint64_t *)member;
	}
}

/* Puts the number of bytes since 'from' into the 16 bits at 'at'. */
static void patch_len(struct of_wr *w, size_t at, size_t from)
{
	if (w->rc)
		return;
	if (w->n - from > UINT16_MAX)
		w->rc = err_set(w->e, -EMSGSIZE, "%zu bytes pass a 16-bit length", w->n - from);
	else
		put_be16(w->p + at, (uint16_t)(w->n - from));
}

static void pad_from(struct of_wr *w, size_t from)
{
	of_wr_room(w, (8 - (w->n - from) % 8) % 8);
}

/* ---- Rows of variable length ---- */

static void write_list(struct of_wr *w, const struct of_row *row, const struct of_list *l)
{
	for (uint32_t i = 0; i < l->n && !w->rc; i++) {
		const struct of_desc *d = of_desc(l->v[i]);
		bool fits =
			row->kind == OF_ROW_ARRAY ? d->kind == row->arg : of_desc_in(d, row->arg);

		if (fits)
			write_struct(w, l->v[i]);
		else
			of_wr_fail(w, "%s: %s does not belong there", row->name, d->name);
	}
}

static void write_type_id(struct of_wr *w, const struct of_id *id)
{
	of_wr_be(w, 2, id->type);
	of_wr_be(w, 2, id->type == 0xffff ? 8 : 4);
	if (id->type == 0xffff)
		of_wr_be(w, 4, id->experimenter);
}

static void write_ids(struct of_wr *w, const struct of_row *row, const struct of_ids *ids)
{
	for (uint32_t i = 0; i < ids->n; i++) {
		if (row->arg == OF_IDS_table)
			of_wr_be(w, 1, ids->v[i].type);
		else if (row->arg == OF_IDS_oxm)
			of_oxm_write_feature(w, &ids->v[i]);
		else
			write_type_id(w, &ids->v[i]);
	}
}

static void write_ofs_nbits(struct of_wr *w, const struct of_subfield *sf)
{
	if (!sf->n_bits || sf->n_bits > 64 || sf->ofs > 1023)
		of_wr_fail(w, "%u bits at offset %u are no subfield", sf->n_bits, sf->ofs);
	else
		of_wr_be(w, 2, (uint64_t)sf->ofs << 6 | (sf->n_bits - 1u));
}

/* The body, and its key into the member that it goes by. */
static void write_body(struct of_wr *w, const struct of_desc *owner, const struct of_row *row,
		       size_t start, const struct of_any *body)
{
	const struct of_desc *d;
	size_t at;

	of_desc_row(owner, row->by, &at);
	if (!body) {
		of_wr_fail(w, "%s has no body", owner->name);
		return;
	}
	d = of_desc(body);
	if (d->family != row->arg) {
		of_wr_fail(w, "%s: %s does not belong there", owner->name, d->name);
		return;
	}
	if (w->rc)
		return;
	/* A key of 0 in a family that keeps what it does not know: the member says more. */
	if (of_families[row->arg].bad_type == OF_E_KEEP && !d->key)
		;
	else if (of_family_is_exp(row->arg))
		put_be64(w->p + start + at, d->key);
	else
		put_be16(w->p + start + at, (uint16_t)d->key);
	write_struct(w, body);
}

/* Where the LEN and SIZE rows of one structure stand. */
struct marks {
	size_t start, size, len, count;
};

enum { NOWHERE = SIZE_MAX };

static void write_inner(struct of_wr *w, const struct of_row *row, const void *s,
			const struct of_msg *m)
{
	const struct of_span *rest = (const void *)((const uint8_t *)s + row[1].offset);
	size_t from = w->n;

	write_msg(w, m);
	/* EXT-230: the message is padded only when properties follow. */
	if (row[1].kind == OF_ROW_REST && rest->n)
		pad_from(w, from);
}

static void write_halves(struct of_wr *w, size_t count, const struct of_halves *h)
{
	if (h->n > UINT16_MAX)
		of_wr_fail(w, "%u numbers pass a 16-bit count", h->n);
	for (uint32_t i = 0; i < h->n && !w->rc; i++)
		of_wr_be(w, 2, h->v[i]);
	if (!w->rc)
		put_be16(w->p + count, (uint16_t)h->n);
}

static void write_variable(struct of_wr *w, const struct of_desc *d, const struct of_row *row,
			   const void *s, struct marks *k)
{
	const void *member = (const uint8_t *)s + row->offset;
	size_t from = w->n;

	switch (row->kind) {
	case OF_ROW_MATCH:
		of_oxm_write_match(w, member);
		if (k->len != (size_t)NOWHERE && !w->rc) /* without the padding */
			put_be16(w->p + k->len, get_be16(w->p + from + 2));
		k->len = NOWHERE;
		break;
	case OF_ROW_FIELDS:
		of_oxm_write_fields(w, member, row->arg);
		if (k->len != (size_t)NOWHERE) {
			patch_len(w, k->len, from);
			pad_from(w, from);
		}
		k->len = NOWHERE;
		break;
	case OF_ROW_OXM:
		of_oxm_write(w, member, row->arg);
		break;
	case OF_ROW_OXM_ID:
		of_oxm_write_id(w, *(const struct of_field *const *)member, false);
		break;
	case OF_ROW_OFS_NBITS:
		write_ofs_nbits(w, member);
		break;
	case OF_ROW_OXM_ID_OF:
		of_oxm_write_id(w, ((const struct of_subfield *)member)->field, row->arg);
		break;
	case OF_ROW_HALVES:
		write_halves(w, k->count, member);
		break;
	case OF_ROW_CODED:
		of_codeds[row->arg].write(w, s, member);
		break;
	case OF_ROW_SUB:
		write_rows(w, &of_descs[row->arg], member);
		break;
	case OF_ROW_LIST:
	case OF_ROW_ARRAY:
		write_list(w, row, member);
		if (k->len != (size_t)NOWHERE)
			patch_len(w, k->len, from);
		k->len = NOWHERE;
		break;
	case OF_ROW_BODY:
		write_body(w, d, row, k->start, *(struct of_any *const *)member);
		break;
	case OF_ROW_MSG:
		write_inner(w, row, s, *(struct of_msg *const *)member);
		break;
	case OF_ROW_WORDS:
		for (uint32_t i = 0; i < ((const struct of_words *)member)->n; i++)
			of_wr_be(w, 4, ((const struct of_words *)member)->v[i]);
		break;
	case OF_ROW_IDS:
		write_ids(w, row, member);
		break;
	case OF_ROW_REST:
		of_wr_bytes(w, ((const struct of_span *)member)->p,
			    ((const struct of_span *)member)->n);
		break;
	}
}

static void write_rows(struct of_wr *w, const struct of_desc *d, const struct of_any *s)
{
	struct marks k = { .start = w->n, .size = NOWHERE, .len = NOWHERE, .count = NOWHERE };

	for (const struct of_row *row = d->rows; row->kind != OF_ROW_END && !w->rc; row++) {
		const void *member = (const uint8_t *)s + row->offset;

		switch (row->kind) {
		case OF_ROW_UINT:
			of_wr_be(w, row->size, load(member, row->size));
			break;
		case OF_ROW_BYTES:
			of_wr_bytes(w, member, row->size);
			break;
		case OF_ROW_U32S:
			for (unsigned int i = 0; i < row->size / 4u; i++)
				of_wr_be(w, 4, ((const uint32_t *)member)[i]);
			break;
		case OF_ROW_SIZE:
			k.size = w->n;
			of_wr_room(w, row->size);
			break;
		case OF_ROW_LEN:
			k.len = w->n;
			of_wr_room(w, row->size);
			break;
		case OF_ROW_COUNT:
			k.count = w->n;
			of_wr_room(w, row->size);
			break;
		case OF_ROW_PAD:
		case OF_ROW_ZERO:
			of_wr_room(w, row->size);
			break;
		case OF_ROW_FILL:
			of_wr_room(w, row->arg);
			break;
		default:
			write_variable(w, d, row, s, &k);
		}
	}
	if (k.size != (size_t)NOWHERE)
		patch_len(w, k.size, k.start);
}

/* ---- Structures with their headers ---- */

static void write_head(struct of_wr *w, const struct of_desc *d)
{
	switch (of_families[d->family].header) {
	case OF_HDR_TLV:
		of_wr_be(w, 4, d->key << 16);
		break;
	case OF_HDR_NX:
		of_wr_be(w, 4, 0xffff0000u);
		of_wr_be(w, 4, d->family == OF_FAM_weft_action ? OF_WEFT_ID : OF_NX_ID);
		of_wr_be(w, 2, d->key);
		break;
	case OF_HDR_BARE:
	case OF_HDR_MSG:
		break;
	}
}

static void write_struct(struct of_wr *w, const struct of_any *s)
{
	const struct of_desc *d = of_desc(s);
	const struct of_family *f = &of_families[d->family];
	size_t start = w->n;

	write_head(w, d);
	write_rows(w, d, s);
	if (w->rc || f->header == OF_HDR_BARE || f->header == OF_HDR_MSG)
		return;
	if (f->align == OF_ALIGN_INSIDE)
		pad_from(w, start);
	patch_len(w, start + 2, start);
	if (f->align == OF_ALIGN_OUTSIDE)
		pad_from(w, start);
}

static void write_msg(struct of_wr *w, const struct of_msg *m)
{
	size_t start = w->n;

	/* Encoded already: a controller keeps flows as bytes and bundles them as they are. */
	if (m && !m->body && m->raw && m->length >= OF_HEADER_LEN) {
		of_wr_bytes(w, m->raw, m->length);
		return;
	}
	if (!m || !m->body || of_desc(m->body)->family != OF_FAM_msg) {
		of_wr_fail(w, "a message without a body of its own kind");
		return;
	}
	of_wr_be(w, 1, m->version ? m->version : OF_VERSION_13);
	of_wr_be(w, 1, of_desc(m->body)->key);
	of_wr_be(w, 2, 0);
	of_wr_be(w, 4, m->xid);
	write_struct(w, m->body);
	patch_len(w, start + 2, start);
}

/* ---- Entry points ---- */

static struct of_wr begin(uint8_t *buf, size_t size, struct err *e)
{
	return (struct of_wr){ .p = buf, .size = size < OF_MSG_MAX ? size : OF_MSG_MAX, .e = e };
}

static int finish(const struct of_wr *w)
{
	return w->rc ? w->rc : (int)w->n;
}

int of_encode(const struct of_msg *m, uint8_t *buf, size_t size, struct err *e)
{
	struct of_wr w = begin(buf, size, e);

	write_msg(&w, m);
	return finish(&w);
}

int of_encode_any(const struct of_any *s, uint8_t *buf, size_t size, struct err *e)
{
	struct of_wr w = begin(buf, size, e);

	write_struct(&w, s);
	return finish(&w);
}

int of_encode_list(const struct of_list *l, uint8_t *buf, size_t size, struct err *e)
{
	struct of_wr w = begin(buf, size, e);

	for (uint32_t i = 0; i < l->n && !w.rc; i++)
		write_struct(&w, l->v[i]);
	return finish(&w);
}
